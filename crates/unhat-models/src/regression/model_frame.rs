//! What a formula makes of a table: its model matrix, response, weights and offset, and which rows have all of them.

use super::design::{Design, Specification, missing_phrase, require_weights};
use super::evaluate::Cells;
use super::model_matrix::ModelMatrix;
use super::problem::{Model, Problem};
use super::variables::{Variable, variable};
use crate::formula::{Expression, Function, Node};
use crate::models::{Column, Frame};
use unhat::families::Family;
use unhat::{ErrorKind, Result};

/// A model matrix, a response, and what goes with them, for the rows of a table that have all of it.
#[derive(Clone, Debug)]
pub struct ModelFrame<'a> {
    /// The model matrix.
    pub matrix: ModelMatrix<'a>,
    /// The response as it is written.
    pub response_name: String,
    /// The response (n): proportions where successes were counted.
    pub response: Vec<f64>,
    /// Prior weights (n): numbers of trials times the weights, where successes were counted. None: ones.
    pub weights: Option<Vec<f64>>,
    /// The weights that numbers of trials were multiplied by.
    pub own_weights: Option<Vec<f64>>,
    /// Offsets (n).
    pub offset: Option<Vec<f64>>,
    /// The rows of the table that enter, from 0; None: all.
    pub rows: Option<Vec<usize>>,
    /// The rows of the table.
    pub table_rows: usize,
    /// Names of the rows of the table, where it has any.
    pub row_names: Option<Vec<String>>,
    /// Columns with missing cells, and in how many rows; a row may count in several.
    pub missing: Vec<(String, usize)>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl<'a> ModelFrame<'a> {
    /// Reads the columns that the specification names. `binomial` says whether the response may be text or counts.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming the option, the column and the row: for columns that do not exist, text among numbers,
    /// a transformation without a value, weights that are negative, a level that was not given, and no row that is left.
    pub fn of(frame: &'a Frame, wanted: &Specification, family: Family) -> Result<ModelFrame<'a>> {
        let asked = wanted.formula.require_response()?;
        let Design { terms, variables, weights, trials, offset, rows, count, missing, mut notes } =
            Design::of(frame, wanted, &[])?;
        let cells = Cells { frame, rows: rows.as_deref() };
        let counted = Counted::of(asked, trials, (family, cells, wanted), &mut notes)?;
        let matrix = ModelMatrix::new(&terms, variables, count)?;
        let own_weights = counted.trials.is_some().then(|| weights.clone()).flatten();
        let weights = match (counted.trials, weights) {
            (Some(trials), Some(own)) => Some(trials.iter().zip(&own).map(|(m, w)| m * w).collect()),
            (trials, own) => trials.or(own),
        };
        Ok(ModelFrame {
            matrix,
            response_name: asked.to_string(),
            response: counted.response,
            weights,
            own_weights,
            offset,
            table_rows: frame.rows(),
            row_names: frame.row_names.clone(),
            rows,
            missing,
            notes,
        })
    }

    /// The fit of this frame by a model.
    #[must_use]
    pub fn problem(&self, model: Model) -> Problem<'_> {
        Problem {
            source: &self.matrix,
            intercept: self.matrix.has_intercept(),
            response: &self.response,
            weights: self.weights.as_deref(),
            own_weights: self.own_weights.as_deref(),
            offset: self.offset.as_deref(),
            model,
        }
    }

    /// How many rows enter.
    #[must_use]
    pub fn count(&self) -> usize {
        self.response.len()
    }

    /// What a row of the fit is called: its name, or its number in the table.
    #[must_use]
    pub fn label(&self, k: usize) -> String {
        self.table_label(self.rows.as_ref().map_or(k, |rows| rows[k]))
    }

    /// What a row of the table is called.
    #[must_use]
    pub fn table_label(&self, row: usize) -> String {
        self.row_names.as_ref().map_or_else(|| (row + 1).to_string(), |names| names[row].clone())
    }

    /// Rows of the table that were left out.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.table_rows - self.count()
    }

    /// "Ozone 37, Solar.R 7".
    #[must_use]
    pub fn missing_phrase(&self) -> String {
        missing_phrase(&self.missing)
    }
}

/// The response, and numbers of trials where it counts successes.
struct Counted {
    response: Vec<f64>,
    trials: Option<Vec<f64>>,
}

impl Counted {
    fn of(
        response: &Expression,
        trials: Option<Vec<f64>>,
        (family, cells, wanted): (Family, Cells<'_, '_>, &Specification),
        notes: &mut Vec<String>,
    ) -> Result<Counted> {
        let refused = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
        let bound = match &response.kind {
            Node::Call(name, arguments) if Function::named(name) == Some(Function::Bind) => Some(arguments),
            _ => None,
        };
        if (bound.is_some() || trials.is_some()) && family != Family::Binomial {
            let option = if bound.is_some() { "formula" } else { "trials" };
            return refused(option, "successes of a number of trials need --family binomial".into());
        }
        if let Some(arguments) = bound {
            if trials.is_some() {
                return refused("trials", "cbind(successes, failures) says them already: leave one out".into());
            }
            let (successes, failures) = (cells.numbers(&arguments[0].1)?, cells.numbers(&arguments[1].1)?);
            let sums = successes.iter().zip(failures.iter()).map(|(s, f)| s + f).collect();
            require_weights("formula", &failures, cells)?;
            return Counted::of_counts(&successes, sums, cells);
        }
        if let Node::Name(name) = &response.kind
            && let Column::Text(_) = cells.column(name)?
        {
            if family != Family::Binomial || trials.is_some() {
                let reason = format!("the response \"{name}\" holds text, expected numbers");
                return refused("formula", reason);
            }
            let factor = variable(response, cells, &wanted.levels, notes)?;
            let Variable::Factor { levels, codes } = factor else {
                return refused("formula", format!("the response \"{name}\" is no factor"));
            };
            let [failure, success] = &levels[..] else {
                let reason = format!("the response \"{name}\" has {} levels, expected two", levels.len());
                return refused("formula", reason);
            };
            notes.push(format!("response \"{name}\": \"{success}\" counts as success, \"{failure}\" as failure"));
            return Ok(Counted { response: codes.iter().map(|&code| f64::from(code)).collect(), trials: None });
        }
        let values = cells.numbers(response)?;
        match trials {
            Some(trials) => {
                require_weights("trials", &trials, cells)?;
                if let Some(k) = (0..values.len()).find(|&k| values[k] > trials[k]) {
                    let reason = format!("row {}: {} successes of {} trials", cells.label(k), values[k], trials[k]);
                    return refused("trials", reason);
                }
                Counted::of_counts(&values, trials, cells)
            }
            None => Ok(Counted { response: values.into_owned(), trials: None }),
        }
    }

    /// Proportions of whole numbers; a row without trials has weight 0.
    fn of_counts(successes: &[f64], trials: Vec<f64>, cells: Cells<'_, '_>) -> Result<Counted> {
        let whole = |v: f64| v >= 0.0 && v.fract() == 0.0;
        if let Some(k) = (0..trials.len()).find(|&k| !(whole(successes[k]) && whole(trials[k]))) {
            let reason = format!(
                "row {}: found {} successes of {} trials, expected whole numbers; a proportion is given with --weights",
                cells.label(k),
                successes[k],
                trials[k]
            );
            return Err(ErrorKind::Option { name: "formula".into(), reason }.into());
        }
        let share = |(s, m): (&f64, &f64)| if *m == 0.0 { 0.0 } else { s / m };
        Ok(Counted { response: successes.iter().zip(&trials).map(share).collect(), trials: Some(trials) })
    }
}
