//! The words of `unhat diagnose`: a table, a model, which rows are flagged.

use crate::common_options::word;
use crate::model_options::ModelWords;
use crate::table_options::TableText;
use clap::Args;
use unhat_models::diagnose::{LISTED, LeaveOut, Rule};

/// What `--help` says after the options.
const AFTER: &str = "\
Columns written, one row a row of the table: row, fitted, residual, hat, sigma_loo, rstandard, rstudent,
cooks, dffits, covratio, loo_prediction, dfbeta_NAME and dfbetas_NAME of every coefficient, flag; with --family also
linear_predictor, residual_deviance, residual_pearson, residual_working, rstandard_pearson. Numbers and names are
those of R's influence.measures. A cell is empty where there is no value: a row of weight 0, or a row
that is fitted by itself (hat = 1).

Examples:
  unhat diagnose cars.csv --formula 'mpg ~ wt * factor(cyl) + log(hp)' -o diagnostics.csv
  unhat diagnose claims.csv --formula 'claims ~ age + group' --family poisson --offset 'log(holders)'
  unhat diagnose t.csv --response y --columns a,b --factor g --interaction a:g";

#[derive(Args, Debug)]
#[command(after_help = AFTER, mut_arg("missing", |missing| missing.default_value("omit").help(
    "Rows with a missing cell in a column that is used: omit, exclude (omit, and write them without an answer), error"
)))]
pub(crate) struct Diagnose {
    /// The table: .csv or .tsv (also .gz), - for standard input, .npy, .npz or .mtx
    #[arg(value_name = "TABLE")]
    pub table: String,
    #[command(flatten)]
    pub model: ModelWords,
    /// Which rows are flagged: r (influence.measures), bkw (Belsley, Kuh, Welsch), cook4n (cooks > 4/n), outlier (Bonferroni)
    #[arg(long, value_name = "RULE", default_value = "r", value_parser = word::<Rule>)]
    pub rule: Rule,
    /// loo_prediction of a generalised model: one-step, or exact refits (all up to 5000 rows, then the flagged ones)
    #[arg(long, value_name = "HOW", default_value = "one-step", value_parser = word::<LeaveOut>)]
    pub loo: LeaveOut,
    /// Write dfbeta_one_step_NAME too: the change of each coefficient by one step of scoring
    #[arg(long)]
    pub one_step: bool,
    /// Leave out dfbeta_NAME and dfbetas_NAME, which are as many numbers as the model matrix has, twice
    #[arg(long, conflicts_with = "one_step")]
    pub no_dfbeta: bool,
    /// How many of the most influential rows to list
    #[arg(long, value_name = "N", default_value_t = LISTED)]
    pub top: usize,
    /// Write to FILE: .csv or .tsv, or .npy without labels [default: as .csv on standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<String>,
    /// Write the fit, the flags and the most influential rows as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    #[command(flatten)]
    pub text: TableText,
}
