//! The course of a training: step, evaluate, keep, until the epochs, the patience or somebody's will ends it.
//!
//! Evaluation comes first in the loop, so that a training that is taken up again between a step and its evaluation ends in
//! the same history.

use super::options::TrainingOptions;
use super::report::{Divergence, Ending, HistoryEntry, Kept, ResolvedOptions, TrainedModel, TrainingReport, finite};
use super::rule::{Rule, Variant};
use super::saved::{Best, SavedTraining};
use super::sets::Sets;
use crate::models::{
    Activation, Evaluation, Family, ModelKind, Network, TrainStatus, Trainer, TrainerOptions, TrainerStep,
    TrainingEvent, Workspace, evaluate,
};
use crate::natural::Share;
use std::time::Instant;
use unhat::{ErrorKind, Result, Run};

/// Where the state of a training is kept on the way.
pub trait Keeper {
    /// Whether it is time: asked after every step, so that a state is put together only when it is wanted.
    fn is_due(&mut self) -> bool;

    /// Keeps a state.
    ///
    /// # Errors
    /// Where it cannot be kept; the training ends with the error.
    fn keep(&mut self, state: &SavedTraining) -> Result<()>;
}

/// What is trained, and how.
pub(super) struct Problem<'a> {
    pub sets: &'a Sets<'a>,
    pub kind: &'a ModelKind,
    pub options: &'a TrainingOptions,
}

impl Problem<'_> {
    pub fn rows(&self) -> usize {
        self.sets.train.response.len()
    }

    pub fn steps_per_epoch(&self) -> u64 {
        self.rows().div_ceil(self.options.batch) as u64
    }

    /// A trainer with the first weights.
    pub fn trainer<'r>(&'r self, train: TrainerOptions, rule: &'r mut Rule) -> Result<Trainer<'r>> {
        Trainer::new(&self.sets.train, self.kind.hidden(), Activation::Relu, train, rule)
    }

    pub fn train_options(&self, learning_rate: f64) -> TrainerOptions {
        TrainerOptions {
            epochs: self.options.epochs,
            batch: self.options.batch,
            learning_rate,
            schedule: self.options.schedule,
            seed: self.options.seed,
            snapshots: Vec::new(),
            fixed_batches: self.options.share == Some(Share::ByIdFixedBatches),
        }
    }

    /// Loss and accuracy of a network on training and validation rows.
    fn evaluate(&self, network: &Network, run: &Run<'_>) -> Result<(Evaluation, Option<Evaluation>)> {
        let train = evaluate(network, self.sets.train.features, self.sets.train.response, run)?;
        let on_validation = |(features, response)| evaluate(network, features, response, run);
        Ok((train, self.sets.validation.map(on_validation).transpose()?))
    }

    pub fn report(&self, course: &Course<'_>, ended: &Ended) -> TrainingReport {
        let (state, train) = (&course.state, &self.sets.train);
        let layers = &ended.network.layers;
        TrainingReport {
            status: ended.status,
            optimizer: self.options.optimizer,
            learning_rate: state.learning_rate,
            range_test: state.range_test.clone(),
            steps: state.trainer.step,
            epochs: (state.trainer.step / self.steps_per_epoch()) as u32,
            seconds_per_step: state.seconds_per_step(self.steps_per_epoch()),
            seconds: state.seconds,
            history: state.history.clone(),
            diverged: ended.diverged,
            kept: ended.kept,
            controls: None,
            model: TrainedModel {
                name: self.kind.to_string(),
                family: family_name(train.family).into(),
                layers: layers.iter().map(|layer| layer.shape.outputs).collect(),
                parameters: ended.network.parameters(),
                features: train.inputs,
                training_rows: self.rows(),
                validation_rows: self.sets.validation.map(|(_, response)| response.len()),
                response: None,
                classes: Vec::new(),
            },
            settings: ResolvedOptions::of(self.options),
            warnings: Vec::new(),
        }
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Gaussian => "gaussian",
        Family::Bernoulli => "bernoulli",
        Family::Categorical { .. } => "categorical",
        Family::Poisson => "poisson",
    }
}

/// How a course ended.
pub(super) struct Ended {
    pub status: Ending,
    pub diverged: Option<Divergence>,
    pub kept: Kept,
    pub network: Network,
    pub warnings: Vec<String>,
    /// Of stored and fresh coefficients, where they were compared.
    pub correlations: Vec<(u32, f64)>,
}

/// One training of a problem, main or control.
pub(super) struct Course<'a> {
    problem: &'a Problem<'a>,
    rule: Rule,
    pub state: SavedTraining,
}

impl<'a> Course<'a> {
    pub fn new(problem: &'a Problem<'a>, variant: Variant, state: SavedTraining) -> Result<Course<'a>> {
        let rule = Rule::of(problem.options, variant, problem.rows())?;
        Ok(Course { problem, rule, state })
    }

    /// Runs to the end, or to `limit` steps: a control takes as many as the main run and has no patience.
    pub fn run(&mut self, limit: Option<u64>, keeper: &mut Option<&mut dyn Keeper>, run: &Run<'_>) -> Result<Ended> {
        let (problem, state) = (self.problem, &mut self.state);
        let options = problem.options;
        let mut trainer = problem.trainer(problem.train_options(state.learning_rate), &mut self.rule)?;
        if state.trainer.step > 0 {
            trainer.resume(&state.trainer)?;
        }
        let per_epoch = problem.steps_per_epoch();
        let all = limit.unwrap_or(per_epoch * u64::from(options.epochs));
        let patience = if limit.is_none() { options.patience } else { None };
        let mut warnings = Vec::new();
        let (status, diverged) = loop {
            let step = trainer.steps();
            let ends_epoch = step.is_multiple_of(per_epoch);
            let is_due = ends_epoch || step == all || options.record_every.is_some_and(|k| step.is_multiple_of(k));
            if is_due && state.history.last().is_none_or(|last| last.step != step) {
                match evaluated(problem, &trainer, state, run) {
                    Ok(true) => {}
                    Ok(false) => {
                        let layer = first_layer_not_finite(&trainer.network(), problem.sets.train.features);
                        trainer.rewind();
                        break (Ending::Diverged, Some(Divergence { step, layer: layer + 1 }));
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::Interrupted) => break (Ending::Interrupted, None),
                    Err(error) => return Err(error),
                }
                if patience.is_some() && ends_epoch {
                    state.note_best(&trainer);
                }
            }
            let epoch = (step / per_epoch) as u32;
            let is_over = |best: &Best| patience.is_some_and(|k| ends_epoch && epoch >= best.epoch + k);
            if step >= all || state.best.as_ref().is_some_and(is_over) {
                break (Ending::Solved, None);
            }
            if run.stopped() {
                break (Ending::Interrupted, None);
            }
            let clock = Instant::now();
            let outcome = trainer.step();
            state.count_seconds(clock.elapsed().as_secs_f64(), ends_epoch);
            let found = match outcome {
                Ok(TrainerStep::Taken(_)) => {
                    if let Some(keeper) = keeper.as_deref_mut()
                        && keeper.is_due()
                    {
                        state.trainer = trainer.state();
                        keeper.keep(state)?;
                    }
                    continue;
                }
                Ok(TrainerStep::Diverged(TrainStatus::Diverged { step, layer })) => {
                    Divergence { step, layer: layer + 1 }
                }
                // the rule met numbers it cannot go on with
                Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => {
                    warnings.push(error.to_string());
                    let last = problem.kind.hidden().len();
                    Divergence { step, layer: trainer.first_not_finite().unwrap_or(last) + 1 }
                }
                Ok(TrainerStep::Diverged(_)) => continue, // a step diverges in no other way
                Err(error) => return Err(error),
            };
            state.note_lost_loss(found.step, per_epoch);
            break (Ending::Diverged, Some(found));
        };
        state.trainer = trainer.state();
        // a divergence is found at the weights after a step, and those before it are kept
        let last = trainer.steps() - u64::from(diverged.is_some() && trainer.steps() > 0);
        let best = state.best.as_ref().filter(|_| status != Ending::Interrupted);
        let (network, step) = match best {
            Some(best) => (trainer.network_of(&best.parameters)?, best.step),
            None => (trainer.network(), last),
        };
        let kept = problem.kept(&network, step, run)?;
        let correlations = self.rule.correlations();
        Ok(Ended { status, diverged, kept, network, warnings, correlations })
    }
}

impl Problem<'_> {
    fn kept(&self, network: &Network, step: u64, run: &Run<'_>) -> Result<Kept> {
        let (train, validation) = self.evaluate(network, &Run { stop: None, ..*run })?;
        Ok(Kept {
            step,
            epoch: step.div_ceil(self.steps_per_epoch()) as u32,
            train_loss: finite(train.mean_loss),
            train_accuracy: train.accuracy,
            validation_loss: validation.and_then(|v| finite(v.mean_loss)),
            validation_accuracy: validation.and_then(|v| v.accuracy),
        })
    }
}

/// Evaluates at the weights as they are; false where the training loss is not finite.
fn evaluated(problem: &Problem<'_>, trainer: &Trainer<'_>, state: &mut SavedTraining, run: &Run<'_>) -> Result<bool> {
    let (train, validation) = problem.evaluate(&trainer.network(), run)?;
    let step = trainer.steps();
    let epoch = step.div_ceil(problem.steps_per_epoch()) as u32;
    let entry = HistoryEntry {
        step,
        epoch,
        train_loss: finite(train.mean_loss),
        validation_loss: validation.and_then(|v| finite(v.mean_loss)),
        validation_accuracy: validation.and_then(|v| v.accuracy),
        seconds: state.seconds,
    };
    state.history.push(entry);
    let event = TrainingEvent::Evaluated {
        step,
        epoch,
        epochs: problem.options.epochs,
        train_loss: train.mean_loss,
        validation_loss: entry.validation_loss,
        validation_accuracy: entry.validation_accuracy,
    };
    event.tell(run);
    Ok(train.mean_loss.is_finite())
}

/// Rows looked at together for the first layer that overflows.
const ROWS_AT_A_TIME: usize = 256;

/// The first layer with an output that is not finite on some row, from 0; the last one if only the loss is not.
fn first_layer_not_finite(network: &Network, features: &[f64]) -> usize {
    let mut work = Workspace::default();
    let last = network.layers.len() - 1;
    let layers = features.chunks(ROWS_AT_A_TIME * network.inputs()).filter_map(|rows| {
        network.forward(rows, &mut work);
        work.first_not_finite()
    });
    layers.min().unwrap_or(last)
}

impl SavedTraining {
    /// Nothing done yet.
    pub(super) fn new(learning_rate: f64) -> SavedTraining {
        SavedTraining { learning_rate, ..SavedTraining::default() }
    }

    /// Keeps the weights if their validation loss is the least so far.
    fn note_best(&mut self, trainer: &Trainer<'_>) {
        let Some(entry) = self.history.last() else { return };
        let Some(loss) = entry.validation_loss else { return };
        if self.best.as_ref().is_none_or(|best| loss < best.validation_loss) {
            let parameters = trainer.state().parameters;
            self.best = Some(Best { step: entry.step, epoch: entry.epoch, validation_loss: loss, parameters });
        }
    }

    fn count_seconds(&mut self, seconds: f64, begins_epoch: bool) {
        self.seconds += seconds;
        if begins_epoch {
            self.epoch_seconds.push(0.0);
        }
        if let Some(epoch) = self.epoch_seconds.last_mut() {
            *epoch += seconds;
        }
    }

    /// An entry without a loss, where there is none of this step.
    fn note_lost_loss(&mut self, step: u64, per_epoch: u64) {
        if self.history.last().is_some_and(|last| last.step == step) {
            return;
        }
        self.history.push(HistoryEntry {
            step,
            epoch: step.div_ceil(per_epoch) as u32,
            train_loss: None,
            validation_loss: None,
            validation_accuracy: None,
            seconds: self.seconds,
        });
    }

    /// Median over the whole epochs after the first of the mean time of a step; of the first where it is the only one.
    fn seconds_per_step(&self, per_epoch: u64) -> Option<f64> {
        let whole = (self.trainer.step / per_epoch) as usize;
        let whole = &self.epoch_seconds[..whole.min(self.epoch_seconds.len())];
        let later = if whole.len() > 1 { &whole[1..] } else { whole };
        let mut sorted = later.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() {
            0 => return None,
            n if n % 2 == 1 => sorted[middle],
            _ => 0.5 * (sorted[middle - 1] + sorted[middle]),
        };
        Some(median / per_epoch as f64)
    }
}
