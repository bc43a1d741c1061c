//! The words of `unhat diagnose`: a table, a model, which rows are flagged.

use crate::common_options::word;
use crate::failure::{Failure, option_failure};
use crate::table_options::TableText;
use clap::Args;
use unhat::families::Link;
use unhat_models::diagnose::{LISTED, LeaveOut, Rule};
use unhat_models::formula::{Formula, Words};
use unhat_models::regression::{FamilyName, Law, Model};

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
    /// The model as R writes it: + - : * ^ / %in% ( ) 0 1 . names in backticks, factor() C() log() exp() sqrt() I()
    /// poly(x, k) offset(), cbind(successes, failures) ~
    #[arg(long, value_name = "FORMULA", required_unless_present = "response", conflicts_with_all = ["response", "columns", "factor", "interaction", "no_intercept"])]
    pub formula: Option<String>,
    /// Without --formula: the response column
    #[arg(long, value_name = "COLUMN")]
    pub response: Option<String>,
    /// Columns that are terms, with commas between them; those of text are factors
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "response")]
    pub columns: Vec<String>,
    /// A column that is a factor whatever it holds; may be given again
    #[arg(long, value_name = "COLUMN", requires = "response")]
    pub factor: Vec<String>,
    /// An interaction of columns, such as a:g; may be given again
    #[arg(long, value_name = "COLUMNS", requires = "response")]
    pub interaction: Vec<String>,
    /// No intercept
    #[arg(long, requires = "response")]
    pub no_intercept: bool,
    /// A generalised linear model: gaussian, binomial, poisson, gamma, inverse-gaussian, quasibinomial, quasipoisson
    /// [default: least squares, as lm]
    #[arg(long, value_name = "NAME", value_parser = word::<FamilyName>)]
    pub family: Option<FamilyName>,
    /// Its link: identity, log, logit, probit, cloglog, inverse, 1/mu^2, sqrt [default: the canonical one]
    #[arg(long, value_name = "NAME", value_parser = word::<Link>, requires = "family")]
    pub link: Option<Link>,
    /// Prior weights: a column, or arithmetic on columns such as 1/x^2
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    /// The response counts successes of so many trials, a column [binomial only]
    #[arg(long, value_name = "COLUMN")]
    pub trials: Option<String>,
    /// Added to the predictor: a column, or arithmetic on columns such as 'log(n)'
    #[arg(long, value_name = "COLUMN")]
    pub offset: Option<String>,
    /// The levels of a factor in their order, such as size=small,large; may be given again [default: sorted]
    #[arg(long, value_name = "COLUMN=LEVELS")]
    pub levels: Vec<String>,
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

impl Diagnose {
    /// The formula, given as one or in words.
    pub fn formula(&self) -> Result<Formula, Failure> {
        match (&self.formula, &self.response) {
            (Some(formula), _) => Ok(Formula::parse(formula)?),
            (None, response) => Ok(Words {
                response: response.clone().unwrap_or_default(),
                columns: self.columns.clone(),
                factors: self.factor.clone(),
                interactions: self.interaction.clone(),
                no_intercept: self.no_intercept,
            }
            .formula()?),
        }
    }

    /// `lm`, or the generalised model.
    pub fn model(&self) -> Result<Model, Failure> {
        Ok(match self.family {
            None => Model::Linear,
            Some(family) => Model::Generalised(Law::new(family, self.link)?),
        })
    }

    /// The orders of levels, by column.
    pub fn levels(&self) -> Result<Vec<(String, Vec<String>)>, Failure> {
        let read = |words: &String| {
            let parts = words.split_once('=').filter(|(column, levels)| !column.is_empty() && !levels.is_empty());
            let (column, levels) =
                parts.ok_or_else(|| option_failure("--levels", format!("found {words:?}, expected COLUMN=a,b,c")))?;
            Ok((column.to_string(), levels.split(',').map(str::to_string).collect()))
        };
        self.levels.iter().map(read).collect()
    }
}
