//! Trains one network by several rules from the same weights on the same batches, and prints their losses side by side.
#![allow(dead_code)] // each example uses a part

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Optimizer, VarBuilder, VarMap};
use std::time::{Duration, Instant};
use unhat::random::uniform_rows_into;
use unhat_models::candle::{Base, CandleFngd, FngdConfig, FngdMetric, FngdMetricConfig, Watched};

/// Random streams: weights, and (plus the epoch) the order of the samples.
const WEIGHTS: u64 = 1;
const ORDER: u64 = 1 << 32;

/// A network with its training data.
pub trait Task {
    /// The weights, in an order of their own, and the layers to watch.
    fn variables(&self) -> (Vec<Var>, Vec<Watched>);
    /// Samples to train on.
    fn samples(&self) -> usize;
    /// The mean loss of some of them.
    fn loss(&self, ids: &[usize]) -> Result<Tensor>;
    /// The mean loss of all of them or of a fixed part, and the share of correct answers on others.
    fn evaluate(&self) -> Result<(f64, f64)>;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Sgd,
    AdamW,
    FngdMetric,
    Fngd,
}

/// A rule and its learning rate.
pub type Entry = (Rule, f64);

enum Optimiser {
    Metric(FngdMetric),
    Shared(CandleFngd),
}

impl Rule {
    pub fn name(self) -> &'static str {
        match self {
            Rule::Sgd => "sgd",
            Rule::AdamW => "adamw",
            Rule::FngdMetric => "fngd-metric",
            Rule::Fngd => "fngd",
        }
    }

    /// SGD and AdamW are the base rules without a layer to watch, so that all four run the same code.
    fn start(self, task: &impl Task, rate: f64, first_epoch: u64) -> Result<Optimiser> {
        let (vars, layers) = task.variables();
        let sgd = Base::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 };
        let metric = FngdMetricConfig { learning_rate: rate, first_epoch, ..FngdMetricConfig::default() };
        Ok(match self {
            Rule::Sgd => Optimiser::Metric(FngdMetric::new(vars, FngdMetricConfig { base: sgd, ..metric })?),
            Rule::AdamW => Optimiser::Metric(FngdMetric::new(vars, metric)?),
            Rule::FngdMetric => Optimiser::Metric(FngdMetric::new(vars, FngdMetricConfig { layers, ..metric })?),
            Rule::Fngd => {
                let samples = task.samples();
                let config = FngdConfig { layers, learning_rate: rate, samples, ..FngdConfig::default() };
                Optimiser::Shared(CandleFngd::new(vars, config)?)
            }
        })
    }
}

impl Optimiser {
    fn step(&mut self, task: &impl Task, epoch: u32, ids: &[usize]) -> Result<()> {
        match self {
            Optimiser::Metric(rule) => rule.backward_step(&task.loss(ids)?),
            Optimiser::Shared(rule) => {
                rule.begin(epoch, ids)?;
                rule.backward_step(&task.loss(ids)?)
            }
        }
    }

    fn unwatched<R>(&self, evaluate: impl FnOnce() -> R) -> R {
        match self {
            Optimiser::Metric(rule) => rule.unwatched(evaluate),
            Optimiser::Shared(rule) => rule.unwatched(evaluate),
        }
    }
}

/// What one rule did.
struct Course {
    /// (iteration, loss) every so many.
    losses: Vec<(usize, f64)>,
    correct: f64,
    /// Median of all steps but those of the first epoch.
    step: Duration,
}

pub struct Plan {
    pub batch: usize,
    pub iterations: usize,
    pub every: usize,
}

/// Trains by every rule and prints a table of losses; a loss that is not finite ends a rule's column.
pub fn compare<T: Task>(plan: &Plan, entries: &[Entry], seed: u64, make: impl Fn(u64) -> Result<T>) -> Result<()> {
    let courses: Vec<Course> =
        entries.iter().map(|entry| train(plan, *entry, seed, &make)).collect::<Result<Vec<_>>>()?;
    print!("{:>9}", "iteration");
    entries.iter().for_each(|(rule, rate)| print!("{:>21}", format!("{} ({rate})", rule.name())));
    println!();
    for at in (plan.every..=plan.iterations).step_by(plan.every) {
        print!("{at:>9}");
        for course in &courses {
            let loss = course.losses.iter().find(|(iteration, _)| *iteration == at);
            print!("{:>21}", loss.map_or("-".into(), |(_, loss)| format!("{loss:.4}")));
        }
        println!();
    }
    print!("{:>9}", "correct");
    courses.iter().for_each(|course| print!("{:>21}", format!("{:.4}", course.correct)));
    print!("\n{:>9}", "ms a step");
    courses.iter().for_each(|course| print!("{:>21}", format!("{:.1}", course.step.as_secs_f64() * 1e3)));
    println!();
    Ok(())
}

/// For every rule the final loss at each rate of a ×2 grid around the given one.
pub fn tune<T: Task>(plan: &Plan, entries: &[Entry], seed: u64, make: impl Fn(u64) -> Result<T>) -> Result<()> {
    for (rule, rate) in entries {
        for power in [-2, -1, 0, 1, 2] {
            let rate = rate * 2f64.powi(power);
            let course = train(plan, (*rule, rate), seed, &make)?;
            println!("{} at {rate}: {:?}", rule.name(), course.losses.last());
        }
    }
    Ok(())
}

fn train<T: Task>(plan: &Plan, (rule, rate): Entry, seed: u64, make: &impl Fn(u64) -> Result<T>) -> Result<Course> {
    let task = make(seed)?;
    let per_epoch = task.samples() / plan.batch;
    let mut optimiser = rule.start(&task, rate, per_epoch as u64)?;
    let (mut losses, mut steps, mut order) = (Vec::new(), Vec::new(), Vec::new());
    // a sample needs a coefficient from the first epoch, so that fngd must not leave a remainder out
    let used = per_epoch * plan.batch;
    for iteration in 0..plan.iterations {
        let epoch = iteration / per_epoch;
        if iteration % per_epoch == 0 {
            let mut keys = vec![0.0; used];
            uniform_rows_into(seed, ORDER + epoch as u64, 0, &mut keys);
            order = (0..used).collect();
            order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
        }
        let first = iteration % per_epoch * plan.batch;
        let started = Instant::now();
        optimiser.step(&task, epoch as u32, &order[first..first + plan.batch])?;
        if epoch > 0 {
            steps.push(started.elapsed());
        }
        if (iteration + 1) % plan.every == 0 {
            let (loss, _) = optimiser.unwatched(|| task.evaluate())?;
            if !loss.is_finite() {
                break;
            }
            losses.push((iteration + 1, loss));
        }
    }
    steps.sort();
    let (_, correct) = optimiser.unwatched(|| task.evaluate())?;
    Ok(Course { losses, correct, step: steps.get(steps.len() / 2).copied().unwrap_or_default() })
}

/// Weights by seed, uniform in ±1/√inputs: candle's own draws on the processor cannot be repeated.
pub struct Weights {
    map: VarMap,
    seed: u64,
    drawn: u64,
    vars: Vec<Var>,
}

impl Weights {
    pub fn new(seed: u64) -> Weights {
        Weights { map: VarMap::new(), seed, drawn: 0, vars: Vec::new() }
    }

    /// A builder whose "weight" and "bias" are those of one layer, already drawn.
    pub fn layer(&mut self, weight: &[usize]) -> Result<VarBuilder<'static>> {
        let name = format!("layer{}", self.drawn);
        let bound = 1.0 / (weight[1..].iter().product::<usize>() as f64).sqrt();
        let builder = VarBuilder::from_varmap(&self.map, DType::F32, &Device::Cpu).pp(&name);
        for (part, shape) in [("weight", weight), ("bias", &weight[..1])] {
            let mut draws = vec![0.0; shape.iter().product()];
            self.drawn += 1;
            uniform_rows_into(self.seed, WEIGHTS + (self.drawn << 8), 0, &mut draws);
            let values: Vec<f32> = draws.iter().map(|u| (bound * (2.0 * u - 1.0)) as f32).collect();
            let tensor = builder.get_with_hints(shape, part, candle_nn::Init::Const(0.0))?;
            let var = Var::from_tensor(&tensor)?;
            var.set(&Tensor::from_vec(values, shape, &Device::Cpu)?)?;
            self.vars.push(var);
        }
        Ok(builder)
    }

    pub fn vars(&self) -> Vec<Var> {
        self.vars.clone()
    }
}

/// Rows `ids` of a tensor.
pub fn rows(tensor: &Tensor, ids: &[usize]) -> Result<Tensor> {
    let ids: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
    tensor.index_select(&Tensor::new(ids, tensor.device())?, 0)
}

/// The share of rows whose largest entry is where the label says.
pub fn correct(scores: &Tensor, labels: &Tensor) -> Result<f64> {
    let found = scores.argmax(candle_core::D::Minus1)?.eq(labels)?;
    found.to_dtype(DType::F32)?.mean_all()?.to_scalar::<f32>().map(f64::from)
}
