//! What a training reports: the one form in which command line, Python and report page know it.

use super::options::{LearningRate, MetricBase, OptimiserName, TrainingOptions};
use crate::models::{Label, Response, Schedule};
use crate::natural::{KfacOptions, MetricOptions, Scope, Share};
use serde::{Deserialize, Serialize};
use unhat::report::{Colophon, SCHEMA};

/// A training as data. A number that is not finite or not known is None (JSON null).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// How it ended.
    pub status: Ending,
    /// The rule.
    pub optimizer: OptimiserName,
    /// η of the first step.
    pub learning_rate: f64,
    /// What the range test tried, in order; None where η was given.
    pub range_test: Option<Vec<RateTrial>>,
    /// Steps taken.
    pub steps: u64,
    /// Whole epochs done.
    pub epochs: u32,
    /// Median over the epochs after the first of the mean time of a step; of the first where it is the only one.
    pub seconds_per_step: Option<f64>,
    /// Time of all steps; evaluation is in no time.
    pub seconds: f64,
    /// The losses, at least one entry an epoch, the first before the first step.
    pub history: Vec<HistoryEntry>,
    /// Where it diverged.
    pub diverged: Option<Divergence>,
    /// The weights that were kept.
    pub kept: Kept,
    /// What was contributed by what the rule shares; None where it was not asked for.
    pub controls: Option<Controls>,
    /// The model.
    pub model: TrainedModel,
    /// The options as they took effect.
    pub settings: ResolvedOptions,
    /// What a person must know.
    pub warnings: Vec<String>,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// All epochs, or patience.
    Solved,
    /// A loss or a gradient was not finite.
    Diverged,
    /// It was asked to stop.
    Interrupted,
}

impl Ending {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Solved => "solved",
            Ending::Diverged => "diverged",
            Ending::Interrupted => "interrupted",
        }
    }
}

/// The losses at some weights, without decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Steps taken.
    pub step: u64,
    /// The epoch in which they end, from 1; 0 before the first step.
    pub epoch: u32,
    /// Mean loss of all training rows; None where not finite.
    pub train_loss: Option<f64>,
    /// Mean loss of the validation rows.
    pub validation_loss: Option<f64>,
    /// Share of the validation rows whose class is predicted.
    pub validation_accuracy: Option<f64>,
    /// Time of all steps so far.
    pub seconds: f64,
}

/// Where a loss or a gradient was not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// Steps taken when it was found.
    pub step: u64,
    /// The first layer with something that is not finite, from 1; the last one if only the loss is not.
    pub layer: usize,
}

/// The weights that were kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Steps taken before them.
    pub step: u64,
    /// The epoch in which they end.
    pub epoch: u32,
    /// Their mean loss on the training rows.
    pub train_loss: Option<f64>,
    /// The share of training rows whose class is predicted.
    pub train_accuracy: Option<f64>,
    /// Their mean loss on the validation rows.
    pub validation_loss: Option<f64>,
    /// The share of validation rows whose class is predicted.
    pub validation_accuracy: Option<f64>,
}

/// A rate of the range test and the loss it led to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateTrial {
    /// The learning rate η that was tried.
    pub learning_rate: f64,
    /// Mean loss after the trial; None where it diverged.
    pub loss: Option<f64>,
}

/// The same training with what the rule shares spoiled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Controls {
    /// The last training loss of the main run, which the others are measured against.
    pub loss: Option<f64>,
    /// The main run, then its controls, each with as many steps at most.
    pub runs: Vec<ControlRun>,
    /// Correlation of stored and fresh coefficients by epoch; empty for rules without coefficients.
    pub correlations: Vec<EpochCorrelation>,
    /// What that says, in a sentence.
    pub summary: String,
}

/// One run among the controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlRun {
    /// What is different.
    pub name: String,
    /// How it ended.
    pub status: Ending,
    /// Its last training loss.
    pub train_loss: Option<f64>,
    /// Its last validation loss.
    pub validation_loss: Option<f64>,
    /// Its last validation accuracy.
    pub validation_accuracy: Option<f64>,
    /// Steps after which its training loss was not above that of the main run; None where it never was.
    pub steps_to_loss: Option<u64>,
    /// The same in epochs.
    pub epochs_to_loss: Option<f64>,
}

/// How far the coefficients that are kept are those that would be found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochCorrelation {
    /// From 1.
    pub epoch: u32,
    /// Pearson's, mean over batches and layers.
    pub correlation: f64,
}

/// The model that was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedModel {
    /// As it was named.
    pub name: String,
    /// Of its loss.
    pub family: String,
    /// Outputs of every layer.
    pub layers: Vec<usize>,
    /// Weights.
    pub parameters: usize,
    /// Features, the constant one included.
    pub features: usize,
    /// Rows it was trained on.
    pub training_rows: usize,
    /// Rows it was validated with.
    pub validation_rows: Option<usize>,
    /// What it predicts, where the caller knows it.
    pub response: Option<String>,
    /// The classes in the order of their positions; empty for a numeric response.
    pub classes: Vec<Label>,
}

impl TrainingReport {
    /// Names the response and its classes, which a training of encoded rows does not know.
    pub fn describe(&mut self, response: &Response) {
        self.model.response = Some(response.name.clone());
        self.model.classes = response.classes().to_vec();
    }
}

/// What `train` says: its `seconds` are those of the steps, `wall_seconds` those of the call.
#[derive(Serialize)]
pub struct TrainReport<'a> {
    schema: u8,
    command: &'static str,
    #[serde(flatten)]
    report: &'a TrainingReport,
    wall_seconds: f64,
    seed: u64,
    threads: usize,
    version: &'static str,
}

impl<'a> TrainReport<'a> {
    /// The report has the warnings.
    #[must_use]
    pub fn of(report: &'a TrainingReport, colophon: &Colophon) -> Self {
        TrainReport {
            schema: SCHEMA,
            command: "train",
            report,
            wall_seconds: colophon.seconds,
            seed: colophon.seed,
            threads: colophon.threads,
            version: colophon.version,
        }
    }
}

/// The options as they took effect; None where the rule has no such option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedOptions {
    /// Rows of a batch.
    pub batch: usize,
    /// Epochs asked for.
    pub epochs: u32,
    /// η as it was asked for: a number, or auto.
    pub learning_rate: LearningRate,
    /// The weight decay λ.
    pub weight_decay: f64,
    /// The momentum μ.
    pub momentum: Option<f64>,
    /// What becomes of η.
    pub schedule: Schedule,
    /// How coefficients are shared.
    pub share: Option<Share>,
    /// Which gradients a coefficient weighs.
    pub scope: Option<Scope>,
    /// Every so many epochs or steps; None: in the first epoch only.
    pub refresh: Option<u32>,
    /// λ of the Fisher matrix.
    pub damping: Option<f64>,
    /// The relative damping α.
    pub alpha: Option<f64>,
    /// Steps between updates of Kronecker factors.
    pub factor_every: Option<u64>,
    /// Steps between their inversions.
    pub inverse_every: Option<u64>,
    /// The rank r of the metric.
    pub rank: Option<usize>,
    /// The rule beneath the metric.
    pub base: Option<MetricBase>,
    /// Epochs without a smaller validation loss.
    pub patience: Option<u32>,
    /// Steps between evaluations within an epoch.
    pub record_every: Option<u64>,
    /// The seed of everything that is drawn.
    pub seed: u64,
}

impl ResolvedOptions {
    /// What the options come to for their rule.
    pub fn of(options: &TrainingOptions) -> ResolvedOptions {
        let rule = options.optimizer;
        let (is_fngd, is_metric) = (rule == OptimiserName::Fngd, rule == OptimiserName::FngdMetric);
        let coefficients = is_fngd || rule == OptimiserName::Ngd;
        let is_kfac = rule == OptimiserName::Kfac;
        let base = options.metric_base();
        let has_momentum = match rule {
            OptimiserName::AdamW => false,
            OptimiserName::FngdMetric => base == MetricBase::Nesterov,
            _ => true,
        };
        ResolvedOptions {
            batch: options.batch,
            epochs: options.epochs,
            learning_rate: options.rate(),
            weight_decay: options.weight_decay,
            momentum: has_momentum.then(|| options.momentum()),
            schedule: options.schedule,
            share: is_fngd.then(|| options.share.unwrap_or(Share::ById)),
            scope: coefficients.then(|| options.scope.unwrap_or(Scope::Layer)),
            refresh: options.refresh,
            damping: options.damping(),
            alpha: options.alpha(),
            factor_every: is_kfac.then(|| options.factor_every.unwrap_or(KfacOptions::default().factor_every)),
            inverse_every: is_kfac.then(|| options.inverse_every.unwrap_or(KfacOptions::default().inverse_every)),
            rank: is_metric.then(|| options.rank.unwrap_or(MetricOptions::default().rank)),
            base: is_metric.then_some(base),
            patience: options.patience,
            record_every: options.record_every,
            seed: options.seed,
        }
    }
}

/// None where a number is not finite.
pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
