//! The words of `unhat audit outputs`: a table, a fit of it, what is to be released, and how it is judged.

use crate::common_options::word;
use crate::model_options::ModelWords;
use crate::table_options::TableText;
use clap::{Args, ValueEnum};
use unhat_models::checking::{Detail, Item};

/// What `--help` says after the options.
const AFTER: &str = "\
Every attack is run on this very fit: own share of a fitted value (with flipped responses for generalised fits), groups that a
column or a combination of columns sets apart, dominance, degrees of freedom, R squared, class disclosure, counts in standard
errors and covariances, responses and secrets from what is released by row, differences with a second fit.

Exit codes: 0 pass, 3 review (a person has to look), 4 fail (may not leave as it is), 2 error.

Examples:
  unhat audit outputs income.csv --formula 'log(income) ~ age + education + region' --report check.html
  unhat audit outputs patients.csv --formula 'ill ~ age + clinic' --family binomial --release coefficients,se,n --id person
  unhat audit outputs t.csv --formula 'y ~ x' --release coefficients,hat --secret x --digits 3 --remedies";

#[derive(Args, Debug)]
#[command(after_help = AFTER, mut_arg("missing", |missing| missing.default_value("omit").help(
    "Rows with a missing cell in a column that is used: omit, or error"
)))]
pub(crate) struct Outputs {
    /// The table: .csv or .tsv (also .gz), - for standard input, .npy, .npz or .mtx
    #[arg(value_name = "TABLE")]
    pub table: String,
    #[command(flatten)]
    pub model: ModelWords,
    /// What is to leave: coefficients, se, vcov, r2, n, fitted, residuals, residual_quantiles, hat, cooks, dffits, rstudent,
    /// plot, binned_plot, predictions
    #[arg(long, value_name = "ITEMS", value_delimiter = ',', value_parser = word::<Item>, default_value = "coefficients,se,r2,n")]
    pub release: Vec<Item>,
    /// Significant digits that are printed [default: all]
    #[arg(long, value_name = "DIGITS")]
    pub digits: Option<u32>,
    /// A column whose values are secret, beside the response; may be given again
    #[arg(long, value_name = "COLUMN")]
    pub secret: Vec<String>,
    /// The rows that the fit uses: their numbers, counted from 1, one a line [default: all]
    #[arg(long, value_name = "FILE")]
    pub rows: Option<String>,
    /// A fit that was released before: the --json of an earlier check of the same table
    #[arg(long, value_name = "FILE", conflicts_with = "second_rows")]
    pub second: Option<String>,
    /// The same formula was released on these rows as well: their numbers, one a line
    #[arg(long, value_name = "FILE")]
    pub second_rows: Option<String>,
    /// The column that says whose each row is: shares and counts are then of people
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Thresholds that differ from the defaults: a JSON object, such as {"minimum_count": 5}
    #[arg(long, value_name = "FILE")]
    pub appetite: Option<String>,
    /// Try changes until one passes: merge, top-code, cap weights, leave rows or columns out
    #[arg(long)]
    pub remedies: bool,
    /// Write the check as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    /// Who reads page, JSON and folder: full names rows, share holds no row and no value
    #[arg(long, value_enum, default_value_t = ReadBy::Full, value_name = "WHO")]
    pub report_detail: ReadBy,
    /// Write the check as ACRO has its outputs to a new folder
    #[arg(long, value_name = "DIR")]
    pub acro: Option<String>,
    #[command(flatten)]
    pub text: TableText,
}

/// The values of --report-detail.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReadBy {
    /// The output checker
    Full,
    /// Whoever asked for the release
    Share,
}

impl From<ReadBy> for Detail {
    fn from(reader: ReadBy) -> Detail {
        match reader {
            ReadBy::Full => Detail::Full,
            ReadBy::Share => Detail::Share,
        }
    }
}
