//! The words of a fitted model: its formula or the same in words, family and link, weights, trials, offset, levels; and those of
//! the columns alone, for commands that have a model of their own.

use crate::common_options::word;
use crate::failure::{Failure, option_failure};
use clap::Args;
use unhat::Result as Outcome;
use unhat::families::Link;
use unhat_io::Missing;
use unhat_models::formula::{Formula, Words, parse_expression};
use unhat_models::regression::{FamilyName, Law, MissingRows, Model, Specification};

#[derive(Args, Debug)]
pub(crate) struct ModelWords {
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
}

impl ModelWords {
    /// The formula, given as one or in words.
    pub fn formula(&self) -> Result<Formula, Failure> {
        match (&self.formula, &self.response) {
            (Some(formula), _) => Ok(Formula::parse(formula)?),
            (None, response) => Ok(Words {
                response: response.clone(),
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
        levels(&self.levels)
    }

    /// The model's columns, and what of the table goes with them.
    pub fn specification(&self, missing: MissingRows) -> Result<Specification, Failure> {
        let expression = |option: &str, text: &Option<String>| -> Outcome<_> {
            text.as_deref().map(|text| parse_expression(option, text)).transpose()
        };
        Ok(Specification {
            formula: self.formula()?,
            weights: expression("weights", &self.weights)?,
            trials: expression("trials", &self.trials)?,
            offset: expression("offset", &self.offset)?,
            missing,
            levels: self.levels()?,
        })
    }
}

/// `COLUMN=a,b,c`, by column.
fn levels(given: &[String]) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let read = |words: &String| {
        let parts = words.split_once('=').filter(|(column, levels)| !column.is_empty() && !levels.is_empty());
        let (column, levels) =
            parts.ok_or_else(|| option_failure("--levels", format!("found {words:?}, expected COLUMN=a,b,c")))?;
        Ok((column.to_string(), levels.split(',').map(str::to_string).collect()))
    };
    given.iter().map(read).collect()
}

/// Over them in the help.
pub(crate) const MODEL_MATRIX: &str = "The model matrix of the table";

/// The words of a model matrix, where every column of the table is taken without them.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = MODEL_MATRIX)]
pub(crate) struct MatrixWords {
    /// The columns as R writes them: + - : * ^ / %in% ( ) 0 1 . names in backticks, factor() C() log() exp() sqrt() I()
    /// poly(x, k)
    #[arg(long, value_name = "FORMULA", conflicts_with_all = ["response", "columns", "factor", "interaction"])]
    pub formula: Option<String>,
    /// A column that is a factor whatever it holds; may be given again
    #[arg(long, value_name = "COLUMN")]
    pub factor: Vec<String>,
    /// An interaction of columns, such as a:g; may be given again
    #[arg(long, value_name = "COLUMNS")]
    pub interaction: Vec<String>,
    /// The levels of a factor in their order, such as size=small,large; may be given again [default: sorted]
    #[arg(long, value_name = "COLUMN=LEVELS")]
    pub levels: Vec<String>,
}

impl MatrixWords {
    /// The formula, given as one or in words; None where no word is given.
    pub fn specification(
        &self,
        (response, columns, no_intercept): (Option<&str>, &[String], bool),
        missing: Missing,
    ) -> Result<Option<Specification>, Failure> {
        let formula = match &self.formula {
            Some(formula) => Formula::parse(formula)?,
            None if columns.is_empty() && self.factor.is_empty() && self.interaction.is_empty() => {
                return match self.levels.is_empty() {
                    true => Ok(None),
                    false => Err(option_failure("--levels", "goes with --formula, or with --columns or --factor")),
                };
            }
            None => Words {
                response: response.map(str::to_string),
                columns: columns.to_vec(),
                factors: self.factor.clone(),
                interactions: self.interaction.clone(),
                no_intercept,
            }
            .formula()?,
        };
        let missing = match missing {
            Missing::Error => MissingRows::Error,
            Missing::Omit | Missing::Exclude => MissingRows::Omit,
            Missing::Indicator => {
                return Err(option_failure(
                    "--missing",
                    "found indicator, with a formula expected error, omit or exclude",
                ));
            }
        };
        Ok(Some(Specification { missing, levels: levels(&self.levels)?, ..Specification::new(formula) }))
    }
}
