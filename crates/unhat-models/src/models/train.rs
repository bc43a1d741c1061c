//! Training a network: batches drawn by seed, a step after each, snapshots on the way, and what to do when it diverges.

use super::optimiser::{Batch, Momentum, Optimiser, Sgd, option};
use super::{Activation, Family, Network, TrainingEvent, Workspace};
use unhat::random::uniform_rows_into;
use unhat::rows::{DenseRows, require_finite, require_vector};
use unhat::{Result, Run};

/// Rounds over the rows where none are named. With the next two, networks of 64-32 and 128-64 units on 1079 digits of 64
/// standardised columns ended at a training loss of .005 and a test accuracy of .975 to .983 (three seeds).
pub const DEFAULT_EPOCHS: u32 = 50;
/// Rows of a batch: a choice; smaller ones are slower a row, larger ones take fewer steps an epoch.
pub const DEFAULT_BATCH: usize = 64;
/// Learning rate of Nesterov's rule on standardised columns: on those digits .02 to .2 end alike, .01 at five times the
/// loss, and at .4 nothing is learned.
pub const DEFAULT_LEARNING_RATE: f64 = 0.05;
/// Momentum of Nesterov's rule.
pub const DEFAULT_MOMENTUM: f64 = 0.9;
/// M of a network's objective, the sum of the losses + ½M‖θ‖²: a weight decay of M/n, 10⁻³ for a thousand rows. On those
/// digits .1 to 5 end alike in accuracy, and the larger, the smaller the test loss. A network is not cross-validated, since
/// that would cost 45 trainings.
pub const DEFAULT_NETWORK_PENALTY: f64 = 1.0;

/// The random stream of the first weights; the layer is added.
const WEIGHTS_STREAM: u64 = 1 << 40;
/// The random stream of the order of the rows; the epoch is added.
const ORDER_STREAM: u64 = 2 << 40;

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// η·½(1 + cos πt), t being the share of the steps taken.
    Cosine,
}

impl Schedule {
    /// The word used in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Schedule::Constant => "constant",
            Schedule::Cosine => "cosine",
        }
    }
}

impl std::str::FromStr for Schedule {
    type Err = unhat::Error;

    fn from_str(text: &str) -> Result<Schedule> {
        match text {
            "constant" => Ok(Schedule::Constant),
            "cosine" => Ok(Schedule::Cosine),
            _ => Err(option("schedule", format!("found \"{text}\", expected constant or cosine"))),
        }
    }
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerOptions {
    /// How often all rows are seen.
    pub epochs: u32,
    /// Rows of a batch; the last of an epoch may have fewer.
    pub batch: usize,
    /// η of the first step, for the mean loss of a batch; of a numeric response, for the loss with the response
    /// standardised.
    pub learning_rate: f64,
    /// What becomes of η.
    pub schedule: Schedule,
    /// First weights and batches.
    pub seed: u64,
    /// Epochs after which the weights are kept, from 1; 0 are the first weights.
    pub snapshots: Vec<u32>,
    /// Whether every epoch has the batches of the first, in the same order, instead of drawing its own.
    pub fixed_batches: bool,
}

impl Default for TrainerOptions {
    fn default() -> Self {
        TrainerOptions {
            epochs: DEFAULT_EPOCHS,
            batch: DEFAULT_BATCH,
            learning_rate: DEFAULT_LEARNING_RATE,
            schedule: Schedule::Cosine,
            seed: 0,
            snapshots: Vec::new(),
            fixed_batches: false,
        }
    }
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainStatus {
    /// All epochs.
    Solved,
    /// The loss of a batch was not finite; the weights are the last with a finite one.
    Diverged {
        /// Steps taken when it was found.
        step: u64,
        /// The first layer with an output that is not finite, from 0; the last one if only the loss is not.
        layer: usize,
    },
    /// The run was asked to stop; the weights are the last.
    Interrupted,
}

impl TrainStatus {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            TrainStatus::Solved => "solved",
            TrainStatus::Diverged { .. } => "diverged",
            TrainStatus::Interrupted => "interrupted",
        }
    }
}

/// The weights after some epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Epochs done.
    pub epoch: u32,
    /// The learning rate of the next step, or of the last.
    pub learning_rate: f64,
    /// The weights.
    pub network: Network,
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Training {
    /// The last weights.
    pub network: Network,
    /// How it ended.
    pub status: TrainStatus,
    /// For each epoch the mean loss of its batches, each before its step.
    pub losses: Vec<f64>,
    /// What [`TrainerOptions::snapshots`] asked for.
    pub snapshots: Vec<Snapshot>,
}

/// Everything a training goes on from, to the same bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainState {
    /// Steps taken.
    pub step: u64,
    /// θ, for the standardised response.
    pub parameters: Vec<f64>,
    /// Of the optimiser.
    pub memory: Vec<f64>,
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainerStep {
    /// The mean loss of the batch before the step.
    Taken(f64),
    /// The loss was not finite: the weights are back at the last with a finite one.
    Diverged(TrainStatus),
}

/// A training, step by step.
///
/// Rows are shuffled for each epoch by (seed, epoch, row). A step is taken by one thread: its products are small. A numeric
/// response is standardised while training (a learning rate would else depend on its units); the networks handed out are
/// for the response as given: their last layer is scaled back.
pub struct Trainer<'a> {
    features: &'a [f64],
    response: Vec<f64>,
    center: f64,
    scale: f64,
    options: TrainerOptions,
    optimiser: &'a mut dyn Optimiser,
    network: Network,
    step: u64,
    order: Vec<usize>,
    ordered_epoch: Option<u32>,
    work: Workspace,
    batch: Vec<f64>,
    last_finite: Vec<f64>,
}

impl<'a> Trainer<'a> {
    /// A network with `hidden` layers and its first weights: uniform in ±√(6/inputs) before a rectifier (He), in
    /// ±√(6/(inputs + outputs)) elsewhere (Glorot), biases 0.
    ///
    /// # Shapes
    /// `features`: n × inputs, row-major, the last column 1; `response`: n values.
    /// # Errors
    /// [`ErrorKind::Shape`](unhat::ErrorKind::Shape), [`ErrorKind::NotFinite`](unhat::ErrorKind::NotFinite);
    /// [`ErrorKind::Option`](unhat::ErrorKind::Option) for a batch of no row, no epoch, a width of 0, or a learning rate that
    /// is not positive.
    /// # References
    /// HeZhangRenSun2015; GlorotBengio2010.
    pub fn new(
        data: &TrainingData<'a>,
        hidden: &[usize],
        activation: Activation,
        options: TrainerOptions,
        optimiser: &'a mut dyn Optimiser,
    ) -> Result<Trainer<'a>> {
        let source = DenseRows::new(data.features, data.inputs)?;
        require_finite(&source, "features")?;
        require_vector("response", data.response, data.features.len() / data.inputs)?;
        for (name, value) in [("epochs", options.epochs as usize), ("batch", options.batch)] {
            if value == 0 {
                return Err(option(name, "found 0, expected at least 1".into()));
            }
        }
        if hidden.contains(&0) {
            return Err(option("model", "found a hidden layer of width 0".into()));
        }
        if !(options.learning_rate.is_finite() && options.learning_rate > 0.0) {
            let reason = format!("found {}, expected a positive number", options.learning_rate);
            return Err(option("learning rate", reason));
        }
        let (center, scale) = match data.family {
            Family::Gaussian => mean_and_deviation(data.response),
            _ => (0.0, 1.0),
        };
        let response: Vec<f64> = data.response.iter().map(|y| (y - center) / scale).collect();
        let network = first_weights(data, hidden, activation, options.seed);
        Ok(Trainer {
            last_finite: network.flatten(),
            features: data.features,
            response,
            center,
            scale,
            options,
            optimiser,
            network,
            step: 0,
            order: Vec::new(),
            ordered_epoch: None,
            work: Workspace::default(),
            batch: Vec::new(),
        })
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.response.len().div_ceil(self.options.batch) as u64
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        match self.options.schedule {
            Schedule::Constant => self.options.learning_rate,
            Schedule::Cosine => {
                let all = self.steps_per_epoch() * u64::from(self.options.epochs);
                let share = (self.step as f64 / all as f64).min(1.0);
                self.options.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
            }
        }
    }

    /// The network as it is, for the response as given.
    pub fn network(&self) -> Network {
        self.as_given(self.network.clone())
    }

    /// The network with the parameters of a saved state, for the response as given.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](unhat::ErrorKind::Shape) for the parameters of another network.
    pub fn network_of(&self, parameters: &[f64]) -> Result<Network> {
        require_vector("parameters of the saved training", parameters, self.network.parameters())?;
        let mut network = self.network.clone();
        network.set(parameters);
        Ok(self.as_given(network))
    }

    fn as_given(&self, mut network: Network) -> Network {
        if let Some(last) = network.layers.last_mut() {
            last.weights.iter_mut().for_each(|w| *w *= self.scale);
            let inputs = last.shape.inputs;
            last.weights.chunks_exact_mut(inputs).for_each(|row| row[inputs - 1] += self.center);
        }
        network
    }

    /// Goes back to the weights before the last step, the last ones that a batch had a finite loss with.
    pub fn rewind(&mut self) {
        self.network.set(&self.last_finite);
    }

    /// The first layer with an output or a gradient in the last batch that is not finite, from 0.
    pub fn first_not_finite(&self) -> Option<usize> {
        self.work.first_not_finite()
    }

    /// What to save.
    pub fn state(&self) -> TrainState {
        TrainState { step: self.step, parameters: self.network.flatten(), memory: self.optimiser.memory() }
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](unhat::ErrorKind::Shape) for the state of another network or optimiser.
    pub fn resume(&mut self, state: &TrainState) -> Result<()> {
        require_vector("parameters of the saved training", &state.parameters, self.network.parameters())?;
        self.optimiser.recall(&state.memory, self.network.parameters())?;
        self.network.set(&state.parameters);
        self.last_finite.copy_from_slice(&state.parameters);
        self.step = state.step;
        Ok(())
    }

    /// Takes the next batch and a step.
    ///
    /// # Cost
    /// 6·batch·p flops, and what the optimiser asks for.
    /// # Errors
    /// What the optimiser reports; the weights are then those before the step.
    pub fn step(&mut self) -> Result<TrainerStep> {
        let epoch = (self.step / self.steps_per_epoch()) as u32;
        if self.ordered_epoch != Some(epoch) {
            self.shuffle(epoch);
        }
        let first = (self.step % self.steps_per_epoch()) as usize * self.options.batch;
        let ids = &self.order[first..(first + self.options.batch).min(self.order.len())];
        let inputs = self.network.inputs();
        self.batch.clear();
        ids.iter().for_each(|&i| self.batch.extend_from_slice(&self.features[i * inputs..(i + 1) * inputs]));

        let (family, response) = (self.network.family, &self.response);
        let z = self.network.forward(&self.batch, &mut self.work);
        let losses = z.chunks_exact(family.outputs()).zip(ids).map(|(z, &i)| family.loss(z, response[i]));
        let loss = losses.sum::<f64>() / ids.len() as f64;
        if !loss.is_finite() {
            let layer = self.work.first_not_finite().unwrap_or(self.network.layers.len() - 1);
            self.network.set(&self.last_finite);
            return Ok(TrainerStep::Diverged(TrainStatus::Diverged { step: self.step, layer }));
        }
        let mut rest = &mut self.last_finite[..];
        for layer in &self.network.layers {
            let (own, others) = rest.split_at_mut(layer.weights.len());
            own.copy_from_slice(&layer.weights);
            rest = others;
        }
        let batch = Batch { ids, epoch, step: self.step, learning_rate: self.learning_rate() };
        let factors = self
            .network
            .backward(&self.batch, &mut self.work, |k, z, d| family.gradient_into(z, response[ids[k]], 1.0, d));
        if let Err(error) = self.optimiser.step(&mut self.network, &factors, &batch) {
            self.network.set(&self.last_finite);
            return Err(error);
        }
        self.step += 1;
        Ok(TrainerStep::Taken(loss * self.scale * self.scale))
    }

    /// All epochs that are left.
    ///
    /// # Errors
    /// What the optimiser reports. Divergence and an interruption are a [`TrainStatus`].
    pub fn train(&mut self, run: &Run<'_>) -> Result<Training> {
        let mut training = Training {
            network: self.network(),
            status: TrainStatus::Solved,
            losses: Vec::new(),
            snapshots: Vec::new(),
        };
        let per_epoch = self.steps_per_epoch();
        let done = (self.step / per_epoch) as u32;
        if done == 0 {
            self.keep(0, &mut training);
        }
        'epochs: for epoch in done..self.options.epochs {
            let (mut sum, mut count) = (0.0, 0u32);
            while self.step < per_epoch * u64::from(epoch + 1) {
                if run.stopped() {
                    training.status = TrainStatus::Interrupted;
                    break 'epochs;
                }
                match self.step()? {
                    TrainerStep::Taken(loss) => (sum, count) = (sum + loss, count + 1),
                    TrainerStep::Diverged(status) => {
                        training.status = status;
                        break 'epochs;
                    }
                }
            }
            let loss = sum / f64::from(count);
            training.losses.push(loss);
            self.keep(epoch + 1, &mut training);
            TrainingEvent::Epoch { epoch: epoch + 1, epochs: self.options.epochs, loss }.tell(run);
        }
        training.network = self.network();
        Ok(training)
    }

    fn keep(&self, epoch: u32, training: &mut Training) {
        if self.options.snapshots.contains(&epoch) {
            let learning_rate = self.learning_rate();
            training.snapshots.push(Snapshot { epoch, learning_rate, network: self.network() });
        }
    }

    fn shuffle(&mut self, epoch: u32) {
        let drawn = if self.options.fixed_batches { 0 } else { epoch };
        let mut numbers = vec![0.0; self.response.len()];
        uniform_rows_into(self.options.seed, ORDER_STREAM + u64::from(drawn), 0, &mut numbers);
        self.order = (0..numbers.len()).collect();
        self.order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]).then(a.cmp(&b)));
        self.ordered_epoch = Some(epoch);
    }
}

/// The rows a network is trained on.
#[derive(Clone, Copy)]
pub struct TrainingData<'a> {
    /// n × inputs, row-major, the last column 1.
    pub features: &'a [f64],
    /// Features of a row, the constant one included.
    pub inputs: usize,
    /// n values; classes as 0, 1, ….
    pub response: &'a [f64],
    /// The loss.
    pub family: Family,
}

/// Trains a network by Nesterov's rule with the default momentum: the sum of the losses + ½M‖θ‖², in batches.
///
/// # Cost
/// 6np flops an epoch.
/// # Randomness
/// First weights and batches by `options.seed`; the same bits for any number of threads.
/// # Errors
/// As [`Trainer::new`]; [`ErrorKind::Option`](unhat::ErrorKind::Option) for a negative penalty.
pub fn train(
    data: &TrainingData<'_>,
    hidden: &[usize],
    activation: Activation,
    penalty: f64,
    options: TrainerOptions,
    run: &Run<'_>,
) -> Result<Training> {
    let rows = data.response.len().max(1) as f64;
    let mut rule = Sgd::new(DEFAULT_MOMENTUM, Momentum::Nesterov, penalty / rows)?;
    Trainer::new(data, hidden, activation, options, &mut rule)?.train(run)
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| v / n).sum::<f64>();
    let deviation = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
    (mean, if deviation.is_finite() && deviation > 0.0 { deviation } else { 1.0 })
}

fn first_weights(data: &TrainingData<'_>, hidden: &[usize], activation: Activation, seed: u64) -> Network {
    let mut network = Network::zeros(data.inputs, hidden, activation, data.family);
    let last = network.layers.len() - 1;
    for (l, layer) in network.layers.iter_mut().enumerate() {
        let (inputs, outputs) = (layer.shape.inputs, layer.shape.outputs);
        let fan_in = (inputs - 1).max(1) as f64;
        let bound = match activation {
            Activation::Relu if l < last => (6.0 / fan_in).sqrt(),
            _ => (6.0 / (fan_in + outputs as f64)).sqrt(),
        };
        uniform_rows_into(seed, WEIGHTS_STREAM + l as u64, 0, &mut layer.weights);
        for row in layer.weights.chunks_exact_mut(inputs) {
            row.iter_mut().for_each(|w| *w = bound * (2.0 * *w - 1.0));
            row[inputs - 1] = 0.0;
        }
    }
    if data.family == Family::Poisson {
        // the mean count, as in the fits: a first step from 1 towards counts in the millions would overflow
        let mean = data.response.iter().sum::<f64>() / data.response.len() as f64;
        if let Some(bias) = network.layers[last].weights.last_mut().filter(|_| mean > 0.0) {
            *bias = mean.ln();
        }
    }
    network
}
