//! What a formula makes of a table: its model matrix, response, weights and offset, and which rows have all of them.

use super::evaluate::{Cells, label};
use super::model_matrix::ModelMatrix;
use super::problem::{Model, Problem};
use super::variables::{Variable, variable};
use crate::formula::{Expression, Formula, Function, Node, Terms};
use crate::models::{Column, Frame};
use unhat::families::Family;
use unhat::{ErrorKind, Result};

/// What becomes of rows with a missing cell in a column that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingRows {
    /// They are left out.
    #[default]
    Omit,
    /// The first is an error.
    Error,
}

/// What is wanted of a table.
#[derive(Clone, Debug)]
pub struct Specification {
    /// The model.
    pub formula: Formula,
    /// Prior weights wᵢ ≥ 0: a column, or arithmetic on columns.
    pub weights: Option<Expression>,
    /// Numbers of trials, where the response counts successes.
    pub trials: Option<Expression>,
    /// What is added to the predictor, beside the offsets of the formula.
    pub offset: Option<Expression>,
    /// Rows with missing cells.
    pub missing: MissingRows,
    /// The levels of factors in their order, by column; all others are sorted.
    pub levels: Vec<(String, Vec<String>)>,
}

impl Specification {
    /// A formula and nothing else.
    #[must_use]
    pub fn new(formula: Formula) -> Specification {
        Specification {
            formula,
            weights: None,
            trials: None,
            offset: None,
            missing: MissingRows::default(),
            levels: Vec::new(),
        }
    }
}

impl Specification {
    /// The columns of a table that the fit uses, in the order of the formula.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a column that does not exist.
    pub fn columns(&self, names: &[String]) -> Result<Vec<String>> {
        let mut apart = Vec::new();
        for expression in [&self.weights, &self.trials, &self.offset].into_iter().flatten() {
            expression.columns(&mut apart);
        }
        let terms = self.formula.terms(names, &apart)?;
        Ok(used_columns(&terms, &apart).into_iter().map(str::to_string).collect())
    }
}

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
        let mut apart = Vec::new();
        let others = [("weights", &wanted.weights), ("trials", &wanted.trials), ("offset", &wanted.offset)];
        for (option, expression) in others {
            let Some(expression) = expression else { continue };
            let mut names = Vec::new();
            expression.columns(&mut names);
            names.iter().try_for_each(|name| frame.position(option, name).map(drop))?;
            apart.extend(names);
        }
        let terms = wanted.formula.terms(frame.names(), &apart)?;
        for (column, _) in &wanted.levels {
            frame.position("levels", column)?;
        }
        let used = used_columns(&terms, &apart);
        let (rows, missing) = complete_rows(frame, &used, wanted.missing)?;
        let cells = Cells { frame, rows: rows.as_deref() };
        if cells.count() == 0 {
            let reason = format!("no row is left: {}", missing_phrase(&missing));
            return Err(ErrorKind::Option { name: "missing".into(), reason }.into());
        }
        let mut notes = Vec::new();
        let used_in_dot = frame.names().iter().filter(|name| apart.contains(&name.as_str()));
        let hidden: Vec<String> =
            used_in_dot.filter(|name| !used_by(&terms, name)).map(|n| format!("\"{n}\"")).collect();
        if !hidden.is_empty() && holds_dot(&wanted.formula) {
            notes.push(format!(
                "the . of the formula leaves out {}, which weights, trials or offset use",
                hidden.join(", ")
            ));
        }
        let variables: Result<Vec<_>> =
            terms.variables.iter().map(|v| variable(v, cells, &wanted.levels, &mut notes)).collect();
        let of = |expression: &Expression| -> Result<Vec<f64>> { Ok(cells.numbers(expression)?.into_owned()) };
        let weights = wanted.weights.as_ref().map(&of).transpose()?;
        let mut offset = wanted.offset.as_ref().map(&of).transpose()?;
        for more in &terms.offsets {
            let more = of(more)?;
            match &mut offset {
                Some(sum) => sum.iter_mut().zip(&more).for_each(|(sum, more)| *sum += more),
                None => offset = Some(more),
            }
        }
        if let Some(weights) = &weights {
            require_weights("weights", weights, cells)?;
        }
        let trials = wanted.trials.as_ref().map(&of).transpose()?;
        let counted = Counted::of(&terms.response, trials, (family, cells, wanted), &mut notes)?;
        let matrix = ModelMatrix::new(&terms, variables?, cells.count())?;
        let own_weights = counted.trials.is_some().then(|| weights.clone()).flatten();
        let weights = match (counted.trials, weights) {
            (Some(trials), Some(own)) => Some(trials.iter().zip(&own).map(|(m, w)| m * w).collect()),
            (trials, own) => trials.or(own),
        };
        Ok(ModelFrame {
            matrix,
            response_name: terms.response.to_string(),
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

fn missing_phrase(missing: &[(String, usize)]) -> String {
    missing.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Every column that the fit uses, in the order of the formula.
fn used_columns<'t>(terms: &'t Terms, apart: &[&'t str]) -> Vec<&'t str> {
    let mut used = Vec::new();
    terms.response.columns(&mut used);
    terms.variables.iter().chain(&terms.offsets).for_each(|expression| expression.columns(&mut used));
    apart.iter().for_each(|name| {
        if !used.contains(name) {
            used.push(name)
        }
    });
    used
}

fn used_by(terms: &Terms, name: &str) -> bool {
    used_columns(terms, &[]).contains(&name)
}

fn holds_dot(formula: &Formula) -> bool {
    fn within(expression: &Expression) -> bool {
        match &expression.kind {
            Node::Dot => true,
            Node::Unary(_, inner) | Node::Parenthesis(inner) => within(inner),
            Node::Binary(_, left, right) => within(left) || within(right),
            _ => false,
        }
    }
    within(formula.terms_side())
}

/// The rows without a missing cell in these columns; None: all.
#[allow(clippy::type_complexity)] // two plain answers
fn complete_rows(
    frame: &Frame,
    used: &[&str],
    missing: MissingRows,
) -> Result<(Option<Vec<usize>>, Vec<(String, usize)>)> {
    let mut gone: Option<Vec<bool>> = None;
    let mut counts = Vec::new();
    for name in used {
        let Some(position) = frame.names().iter().position(|known| known == name) else { continue }; // raw = TRUE
        let is_missing: Vec<usize> = match &frame.columns()[position] {
            Column::Numbers(values) => (0..values.len()).filter(|&row| values[row].is_nan()).collect(),
            Column::Text(text) => (0..text.codes.len()).filter(|&row| text.word(row).is_none()).collect(),
        };
        if let Some(&row) = is_missing.first() {
            if missing == MissingRows::Error {
                let reason = format!(
                    "row {}, column \"{name}\": the cell is missing; --missing omit leaves such rows out",
                    label(frame, row)
                );
                return Err(ErrorKind::Option { name: "missing".into(), reason }.into());
            }
            let gone = gone.get_or_insert_with(|| vec![false; frame.rows()]);
            is_missing.iter().for_each(|&row| gone[row] = true);
            counts.push((name.to_string(), is_missing.len()));
        }
    }
    let rows = gone.map(|gone| (0..gone.len()).filter(|&row| !gone[row]).collect());
    Ok((rows, counts))
}

fn require_weights(option: &str, weights: &[f64], cells: Cells<'_, '_>) -> Result<()> {
    let refused = |reason: String| Err(ErrorKind::Option { name: option.into(), reason }.into());
    if let Some(k) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
        return refused(format!("row {}: found {}, expected a number of at least 0", cells.label(k), weights[k]));
    }
    match weights.iter().all(|w| *w == 0.0) {
        true => refused("every one is 0, expected some above".into()),
        false => Ok(()),
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
