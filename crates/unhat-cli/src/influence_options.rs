//! The words of `unhat influence`: a table, a model, a task.

use crate::common_options::word;
use crate::model_options::{MODEL_MATRIX, MatrixWords};
use crate::table_options::TableText;
use clap::{Args, Subcommand, ValueEnum};
use unhat_models::influence::{LISTED_ROWS, Method, TRIMMED_SHARE, Task};
use unhat_models::models::ModelKind;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Influence {
    #[command(subcommand)]
    pub command: Option<InfluenceCommand>,
    #[command(flatten)]
    pub study: InfluenceStudy,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InfluenceCommand {
    /// Plants flipped labels and ranks the methods by how they find them
    ///
    /// Flips 5 % of the training labels, trains anew, scores by every method that the model admits, and prints the area
    /// under the curve and the average precision of each. Where real noise is present both are understated.
    Check(InfluenceStudy),
    /// Trims the worst rows, trains again, and compares with baselines
    ///
    /// Beside the method: removing as many rows at random, those with the largest loss, adding the validation rows to
    /// training, and with --truth the oracle. An unfairness is trimmed until it crosses 0 on the validation rows.
    Trim(Trim),
}

/// A table, a model, and what is asked of them.
#[derive(Args, Clone, Debug)]
pub(crate) struct InfluenceStudy {
    /// The table: .csv or .tsv (also .gz), - for standard input, .npy, .npz or .mtx
    #[arg(value_name = "TABLE", required = true)]
    pub table: Option<String>,
    /// The response column
    #[arg(long, value_name = "COLUMN", required_unless_present_any = ["model_file", "formula"])]
    pub response: Option<String>,
    /// The model: linear, ridge, logistic, softmax, poisson, mlp or mlp:64,32
    #[arg(
        long,
        value_name = "NAME",
        value_parser = word::<ModelKind>,
        required_unless_present = "model_file",
        conflicts_with = "model_file"
    )]
    pub model: Option<ModelKind>,
    /// Score the rows under a model saved by `unhat train` instead of fitting one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["penalty", "no_standardize", "ensemble"])]
    pub model_file: Option<String>,
    #[command(flatten)]
    pub words: MatrixWords,
    /// Columns that are terms of the formula, with commas between them; those of text are factors [default: every column of the
    /// table is a feature]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = MODEL_MATRIX)]
    pub columns: Vec<String>,
    /// Validation rows: a table, or a share of this one drawn by --seed; drawn rows are not scored [default where needed: 0.2]
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    pub validation: Option<String>,
    /// Test rows, likewise [default where needed: 0.2]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub test: Option<String>,
    /// A column of two values, for parity and opportunity; it stays a feature, its later value is s = 1
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// A column that is no feature; may be given again
    #[arg(long, value_name = "COLUMN", conflicts_with = "model_file")]
    pub without: Vec<String>,
    /// M >= 0 of the objective: sum of losses + 1/2 M |theta|^2 [default: linear 0, mlp 1, else by cross-validation]
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    pub penalty: Option<f64>,
    /// Leave numeric columns in their own units
    #[arg(long)]
    pub no_standardize: bool,
    /// What the scores are for; decides the method and the words printed with it
    #[arg(long, value_enum, value_name = "TASK", default_value_t = TaskName::Noise)]
    pub task: TaskName,
    /// What a row's influence is on: utility, parity, opportunity, robustness[:gamma], or a file with v
    ///
    /// utility is the summed validation loss; parity mean(yhat | s=1) - mean(yhat | s=0); opportunity mean(loss | s=0, y=1) -
    /// mean(loss | s=1, y=1); robustness the loss of validation rows moved against the model by gamma [1.3].
    #[arg(long, value_name = "NAME")]
    pub impact: Option<String>,
    /// loss, grad-norm, ip, self, ip-checkpoints, wt-ip, cg2, rank-sum, leverage, fisher, pcg[:steps], exact, one-step,
    /// one-step-f [default: by the task]
    #[arg(long, value_name = "NAME[:r]", value_parser = word::<Method>)]
    pub method: Option<Method>,
    /// Where v comes from: validation, training-margin, or a file with p values
    #[arg(long = "v", value_name = "V", default_value = "validation")]
    pub direction: String,
    /// T >= 1 of the tempered methods [default: 4 for wt-ip, cg2 and rank-sum, else 1]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub temperature: Option<f64>,
    /// alpha > 0: the damping is alpha times the mean of |g|^2 [default: leverage 0.1, fisher 1, cg2 10]
    #[arg(long, value_name = "ALPHA", allow_hyphen_values = true)]
    pub damping: Option<f64>,
    /// Average over K networks with seeds --seed, --seed + 1, …
    #[arg(long, value_name = "K", default_value_t = 1, allow_hyphen_values = true)]
    pub ensemble: u32,
    /// How many of the worst and of the best rows to list
    #[arg(long, value_name = "N", default_value_t = LISTED_ROWS)]
    pub top: usize,
    /// Write the scores to FILE, .csv or .tsv: row, score, loss, grad_norm, gradient_leverage (of the row's gradient), hat (of the fit)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<String>,
    /// Write a page for people to FILE, .html: the rows with their cells, figures, diagnostics and what they mean
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    #[command(flatten)]
    pub text: TableText,
}

#[derive(Args, Debug)]
pub(crate) struct Trim {
    #[command(flatten)]
    pub study: InfluenceStudy,
    /// Share of the training rows to remove at most
    #[arg(long, value_name = "SHARE", default_value_t = TRIMMED_SHARE, allow_hyphen_values = true)]
    pub fraction: f64,
    /// A column of 0 and 1 that says which rows are bad; no feature: gives the AUC and the oracle's line
    #[arg(long, value_name = "COLUMN")]
    pub truth: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskName {
    /// Find mislabelled rows
    Noise,
    /// Remove rows that hurt
    Trim,
    /// Estimate what dropping each row does
    Loo,
    /// Remove rows that carry unfairness
    Fairness,
    /// Remove rows that make the model easy to evade
    Robustness,
}

impl TaskName {
    pub fn task(self) -> Task {
        match self {
            TaskName::Noise => Task::Noise,
            TaskName::Trim => Task::Trim,
            TaskName::Loo => Task::LeaveOneOut,
            TaskName::Fairness => Task::Fairness,
            TaskName::Robustness => Task::Robustness,
        }
    }
}
