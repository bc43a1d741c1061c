//! The words of `unhat diagnose`: a table, a model, which rows are flagged.

use crate::common_options::word;
use crate::model_options::ModelWords;
use crate::table_options::TableText;
use clap::Args;
use unhat_models::diagnose::{LISTED, LeaveOut, Rule};
use unhat_models::figures::{FEWEST_LEAST_ROWS, LEAST_ROWS};

/// What `--help` says after the options.
const AFTER: &str = "\
Columns written, one row a row of the table: row, fitted, residual, hat, sigma_loo, rstandard, rstudent, cooks, dffits, \
covratio, loo_prediction, dfbeta_NAME and dfbetas_NAME of the coefficients (--dfbeta), flag; with --family also linear_predictor, \
residual_deviance, residual_pearson, residual_working, rstandard_pearson. Numbers and names are those of R's influence.measures. \
A cell is empty where there is no value: a row of weight 0, or a row that is fitted by itself (hat = 1).

Figures of --plots: residuals_fitted, scale_location, normal_quantiles, residuals_leverage (with contours of Cook's distance), \
cooks, and partial_1, partial_2, ... of the first 12 columns; each as .png, and what it shows as .csv; figures.csv lists them. Up \
to 2000 rows are points; more are counted in hexagons, with flagged rows as points.

With --safe the folder may leave a research data centre: it holds hexagons of at least COUNT rows. All others are left out, and \
where those are fewer than COUNT rows together, the smallest of the rest too. No row is drawn, named or numbered; where hexagons \
lie and axes end depends on no row among the COUNT - 1 outermost at either end. Cook's distances in the order of the table and \
the slopes of partial regressions are not drawn. Nothing is written by row: --output, --report and --json are refused. Rows are \
counted, not people; whether coefficients may leave, `unhat audit outputs` says.

Examples:
  unhat diagnose cars.csv --formula 'mpg ~ wt * factor(cyl) + log(hp)' -o diagnostics.csv
  unhat diagnose claims.csv --formula 'claims ~ age + group' --family poisson --offset 'log(holders)'
  unhat diagnose income.csv --formula 'log(income) ~ age + education' --plots figures --safe
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
    /// Write dfbeta_NAME and dfbetas_NAME of this coefficient alone; once for each, or the word all [default: all up to 200
    /// coefficients, of more those that are no levels of factors]
    #[arg(long, value_name = "NAME", conflicts_with = "no_dfbeta", allow_hyphen_values = true)]
    pub dfbeta: Vec<String>,
    /// How many of the most influential rows to list
    #[arg(long, value_name = "N", default_value_t = LISTED)]
    pub top: usize,
    /// Write to FILE: .csv or .tsv, or .npy without labels [default: as .csv on standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<String>,
    /// Write the fit, the flags and the most influential rows as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    /// Write figures to a new folder: PNG, and the counts that they show as CSV
    #[arg(long, value_name = "DIR")]
    pub plots: Option<String>,
    /// Make the figures fit to leave the house: nothing but hexagons of COUNT rows or more, and nothing by row [COUNT: 10]
    #[arg(long, value_name = "COUNT", requires = "plots", conflicts_with_all = ["output", "report"], num_args = 0..=1,
        require_equals = true, default_missing_value = default_least(),
        value_parser = clap::value_parser!(u64).range(FEWEST_LEAST_ROWS..))]
    pub safe: Option<u64>,
    #[command(flatten)]
    pub text: TableText,
}

/// [`LEAST_ROWS`] as a word.
fn default_least() -> &'static str {
    const { assert!(LEAST_ROWS == 10) }
    "10"
}
