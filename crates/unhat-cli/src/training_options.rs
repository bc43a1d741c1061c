//! The words of `unhat train` and `unhat predict`: a table, a model, a rule.

use crate::common_options::word;
use crate::model_options::{MODEL_MATRIX, MatrixWords};
use crate::table_options::TableText;
use clap::Args;
use unhat_models::models::{DEFAULT_EPOCHS, ModelKind, Schedule};
use unhat_models::natural::{Scope, Share};
use unhat_models::training::{LearningRate, MetricBase, OptimiserName, TrainingOptions};

#[derive(Args, Clone, Debug)]
pub(crate) struct Train {
    /// The table: .csv or .tsv (also .gz), - for standard input, .npy, .npz or .mtx
    #[arg(value_name = "TABLE")]
    pub table: String,
    /// The response column
    #[arg(long, value_name = "COLUMN", required_unless_present = "formula")]
    pub response: Option<String>,
    #[command(flatten)]
    pub words: MatrixWords,
    /// Columns that are terms of the formula, with commas between them; those of text are factors [default: every column of the
    /// table is a feature]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = MODEL_MATRIX)]
    pub columns: Vec<String>,
    /// The model: linear, ridge, logistic, softmax, poisson, mlp or mlp:64,32
    #[arg(long, value_name = "NAME", value_parser = word::<ModelKind>)]
    pub model: ModelKind,
    /// The rule: sgd, nesterov, adamw, fngd, fngd-metric, kfac or ngd
    ///
    /// fngd: a weighted sum of per-sample gradients whose coefficients are inverted in the first epoch and shared afterwards.
    /// fngd-metric: AdamW in the metric of each layer's inputs, found in the first epoch and shared afterwards; ours, not the
    /// paper's. kfac: Kronecker factors of each layer's Fisher matrix, to compare with. ngd: fresh coefficients in every step, the exact natural gradient of the batch.
    #[arg(long, value_name = "RULE", value_parser = word::<OptimiserName>, default_value = "fngd-metric")]
    pub optimizer: OptimiserName,
    /// Rows of a batch; the last of an epoch may have fewer
    #[arg(long, value_name = "N", default_value_t = 128, allow_negative_numbers = true)]
    pub batch: usize,
    /// How often all rows are seen
    #[arg(long, value_name = "N", default_value_t = DEFAULT_EPOCHS, allow_negative_numbers = true)]
    pub epochs: u32,
    /// Learning rate for the mean loss of a batch, or auto: the best of a short range test
    /// [default: sgd and nesterov 0.05, adamw and fngd-metric 0.002, fngd, kfac and ngd auto]
    #[arg(long, value_name = "ETA", value_parser = word::<LearningRate>, allow_hyphen_values = true)]
    pub lr: Option<LearningRate>,
    /// lambda >= 0: part of the gradient for sgd and nesterov, decoupled for the others
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.0, allow_hyphen_values = true)]
    pub weight_decay: f64,
    /// mu of the rules that have one [default: 0.9]
    #[arg(long, value_name = "MU", allow_hyphen_values = true)]
    pub momentum: Option<f64>,
    /// What becomes of the learning rate: cosine (down to 0 over the epochs) or constant
    #[arg(long, value_name = "NAME", default_value = "cosine")]
    pub schedule: Schedule,
    /// How fngd shares its coefficients: by_id, by_id_fixed_batches or layer_mean [default: by_id]
    #[arg(long, value_name = "HOW")]
    pub share: Option<Share>,
    /// Which gradients a coefficient of fngd and ngd weighs: layer or network [default: layer]
    #[arg(long, value_name = "WHAT")]
    pub scope: Option<Scope>,
    /// Compute anew every K epochs (fngd) or steps (fngd-metric) [default: in the first epoch only]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub refresh: Option<u32>,
    /// lambda > 0 of fngd, kfac and ngd, in the units of the Fisher matrix; in place of --alpha [default: kfac 0.01]
    #[arg(long, value_name = "LAMBDA", allow_hyphen_values = true)]
    pub damping: Option<f64>,
    /// alpha > 0, a damping relative to the trace [default: fngd and ngd 10, fngd-metric 1]
    #[arg(long, value_name = "ALPHA", allow_hyphen_values = true)]
    pub alpha: Option<f64>,
    /// Steps from one update of the factors of kfac to the next [default: 10]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub factor_every: Option<u64>,
    /// Steps from one inversion of the factors of kfac to the next [default: 10]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub inverse_every: Option<u64>,
    /// Directions of a layer's metric of fngd-metric [default: 16]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub rank: Option<usize>,
    /// The rule beneath fngd-metric: adamw or nesterov [default: adamw]
    #[arg(long, value_name = "RULE")]
    pub base: Option<MetricBase>,
    /// Validation rows: a table, or a share of this one drawn by --seed; drawn rows are not trained on
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    pub validation: Option<String>,
    /// End after K epochs without a smaller validation loss, and keep the weights of the smallest
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub patience: Option<u32>,
    /// Evaluate every K steps as well as after every epoch; evaluation is in no time
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub record_every: Option<u64>,
    /// Train again on the same seed with what fngd or fngd-metric shares spoiled, and print what it contributed
    ///
    /// fngd: coefficients permuted between samples, the layer's mean for all, and the correlation of stored and fresh
    /// coefficients by epoch. fngd-metric: the metric permuted, its spectrum along random directions, rank 1.
    #[arg(long)]
    pub controls: bool,
    /// A column that is no feature; may be given again
    #[arg(long, value_name = "COLUMN")]
    pub without: Vec<String>,
    /// Leave numeric columns in their own units
    #[arg(long)]
    pub no_standardize: bool,
    /// Write the model to FILE, .safetensors; `unhat predict` and `unhat influence --model-file` take it
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<String>,
    /// Write the learning curves and the facts as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    #[command(flatten)]
    pub text: TableText,
}

impl Train {
    /// What the core is told.
    pub fn options(&self, seed: u64) -> TrainingOptions {
        TrainingOptions {
            optimizer: self.optimizer,
            batch: self.batch,
            epochs: self.epochs,
            learning_rate: self.lr,
            weight_decay: self.weight_decay,
            momentum: self.momentum,
            schedule: self.schedule,
            share: self.share,
            scope: self.scope,
            refresh: self.refresh,
            damping: self.damping,
            alpha: self.alpha,
            factor_every: self.factor_every,
            inverse_every: self.inverse_every,
            rank: self.rank,
            base: self.base,
            patience: self.patience,
            record_every: self.record_every,
            seed,
            controls: self.controls,
        }
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Predict {
    /// The table: .csv or .tsv (also .gz), - for standard input, .npy, .npz or .mtx; its response is not needed
    #[arg(value_name = "TABLE")]
    pub table: String,
    /// A model saved by `unhat train`
    #[arg(long, value_name = "FILE")]
    pub model_file: String,
    /// Write to FILE, .csv or .tsv: row, prediction, and for classes a probability each
    /// [default: one prediction a line on standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<String>,
    #[command(flatten)]
    pub text: TableText,
}
