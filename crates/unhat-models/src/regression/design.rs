//! What a formula makes of a table before any response: its model matrix, weights and offset, and which rows have all of it.

use super::evaluate::{Cells, label};
use super::model_matrix::ModelMatrix;
use super::variables::{Variable, variable};
use crate::formula::{Expression, Formula, Function, Node, Terms};
use crate::models::{Column, Frame};
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
    /// What goes with the formula, by the names of the options.
    fn beside(&self) -> impl Iterator<Item = (&'static str, &Expression)> {
        let all = [("weights", &self.weights), ("trials", &self.trials), ("offset", &self.offset)];
        all.into_iter().filter_map(|(option, expression)| Some((option, expression.as_ref()?)))
    }

    /// The columns of a table that the fit uses, in the order of the formula.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a column that does not exist.
    pub fn columns(&self, names: &[String]) -> Result<Vec<String>> {
        let mut apart = Vec::new();
        for (_, expression) in self.beside() {
            expression.columns(&mut apart);
        }
        let terms = self.formula.terms(names, &apart)?;
        Ok(used_columns(&terms, &apart).into_iter().map(str::to_string).collect())
    }
}

/// A model matrix and what goes with it, for the rows of a table that have all that the formula names, the response included.
#[derive(Clone, Debug)]
pub struct Design<'a> {
    /// The terms of the formula.
    pub terms: Terms,
    /// Their variables, as the rows have them.
    pub variables: Vec<Variable<'a>>,
    /// Prior weights (n); None: ones.
    pub weights: Option<Vec<f64>>,
    /// Numbers of trials (n).
    pub trials: Option<Vec<f64>>,
    /// Offsets (n).
    pub offset: Option<Vec<f64>>,
    /// The rows of the table that enter, from 0; None: all.
    pub rows: Option<Vec<usize>>,
    /// How many these are.
    pub count: usize,
    /// Columns with missing cells, and in how many rows; a row may count in several.
    pub missing: Vec<(String, usize)>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl<'a> Design<'a> {
    /// Reads the columns that the specification names, and looks for missing cells in those and in `also`.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming the option, the column and the row: for columns that do not exist, text among numbers,
    /// a transformation without a value, weights that are negative, a level that was not given, and no row that is left.
    pub fn of(frame: &'a Frame, wanted: &Specification, also: &[&str]) -> Result<Design<'a>> {
        let mut apart = Vec::new();
        for (option, expression) in wanted.beside() {
            let mut names = Vec::new();
            expression.columns(&mut names);
            names.iter().try_for_each(|name| frame.position(option, name).map(drop))?;
            apart.extend(names);
        }
        let terms = wanted.formula.terms(frame.names(), &apart)?;
        for (column, _) in &wanted.levels {
            frame.position("levels", column)?;
        }
        let mut used = used_columns(&terms, &apart);
        used.extend(also.iter().filter(|name| !used.contains(name)).collect::<Vec<_>>());
        let (rows, missing) = complete_rows(frame, &used, wanted.missing)?;
        let cells = Cells { frame, rows: rows.as_deref() };
        if cells.count() == 0 {
            let reason = format!("no row is left: {}", missing_phrase(&missing));
            return Err(ErrorKind::Option { name: "missing".into(), reason }.into());
        }
        let mut notes = Vec::new();
        notes.extend(wanted.levels.iter().filter_map(|(column, _)| unused_levels(column, frame, &terms)));
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
        let (variables, count) = (variables?, cells.count());
        Ok(Design { terms, variables, weights, trials, offset, rows, count, missing, notes })
    }

    /// The model matrix.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for more columns than can be had.
    pub fn matrix(&self) -> Result<ModelMatrix<'a>> {
        ModelMatrix::new(&self.terms, self.variables.clone(), self.count)
    }
}

pub(super) fn missing_phrase(missing: &[(String, usize)]) -> String {
    missing.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Every column that the fit uses, in the order of the formula.
fn used_columns<'t>(terms: &'t Terms, apart: &[&'t str]) -> Vec<&'t str> {
    let mut used = Vec::new();
    terms.response.iter().for_each(|response| response.columns(&mut used));
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
pub(super) fn complete_rows(
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

pub(super) fn require_weights(option: &str, weights: &[f64], cells: Cells<'_, '_>) -> Result<()> {
    let refused = |reason: String| Err(ErrorKind::Option { name: option.into(), reason }.into());
    if let Some(k) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
        return refused(format!("row {}: found {}, expected a number of at least 0", cells.label(k), weights[k]));
    }
    match weights.iter().all(|w| *w == 0.0) {
        true => refused("every one is 0, expected some above".into()),
        false => Ok(()),
    }
}

/// What is said of levels that were given for a column of numbers that the formula takes for numbers.
fn unused_levels(column: &str, frame: &Frame, terms: &Terms) -> Option<String> {
    let is_factor = |v: &Expression| match &v.kind {
        Node::Call(name, _) => Function::named(name) == Some(Function::Factor) && names_of(v).contains(&column),
        _ => false,
    };
    let place = frame.names().iter().position(|name| name == column)?;
    let numbers = matches!(frame.columns()[place], Column::Numbers(_));
    let used = terms.variables.iter().any(|v| names_of(v).contains(&column));
    (numbers && used && !terms.variables.iter().any(is_factor)).then(|| {
        format!("column \"{column}\" enters as numbers, which have no levels: factor({column}) would make it a factor")
    })
}

fn names_of(expression: &Expression) -> Vec<&str> {
    let mut names = Vec::new();
    expression.columns(&mut names);
    names
}
