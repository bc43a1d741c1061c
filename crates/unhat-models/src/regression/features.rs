//! A formula as the features of a model: the columns of its model matrix, learned from one table and made of others.

use super::design::{Design, MissingRows, Specification, complete_rows, missing_phrase};
use super::evaluate::{Cells, label};
use super::model_matrix::ModelMatrix;
use super::variables::{Variable, known_factor, variable};
use crate::formula::{Expression, Formula, Function, Node, Terms, polynomial};
use crate::models::{Column, Frame, Recipe};
use unhat::rows::RowSource;
use unhat::{ErrorKind, Result};

/// A table of the columns of a formula.
#[derive(Clone, Debug)]
pub struct Featured {
    /// The response, where the table has it; the columns of the model matrix without the intercept, under R's names; and what
    /// else was asked for. Its rows keep their labels.
    pub table: Frame,
    /// The response as it is written.
    pub response: String,
    /// Columns that are there for what was asked, and are no features.
    pub beside: Vec<String>,
    /// The rows of the table it was made of, from 0; None: all.
    pub rows: Option<Vec<usize>>,
    /// The columns of that table that the formula names.
    pub used: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Featured {
    /// The rows that were left out of a table, from 0, with their labels there.
    #[must_use]
    pub fn left_out(&self, table: &Frame) -> Vec<(usize, String)> {
        let Some(rows) = &self.rows else { return Vec::new() };
        let mut kept = rows.iter().peekable();
        (0..table.rows()).filter(|row| kept.next_if_eq(&row).is_none()).map(|row| (row, label(table, row))).collect()
    }
}

fn refused<T>(reason: impl Into<String>) -> Result<T> {
    Err(ErrorKind::Option { name: "formula".into(), reason: reason.into() }.into())
}

/// Learns the levels of a formula's factors from a table, and makes its columns.
///
/// `carried` are columns that are kept beside the features. Rows with a missing cell in a column that the formula names, or in
/// those, are left out or an error; other columns do not matter.
///
/// # Errors
/// [`ErrorKind::Option`] as for [`Design::of`]; and for what such a model has not: an offset, weights, counts of successes, no
/// intercept, polynomials that are orthogonal over the rows of one table.
pub fn learn_features(table: &Frame, wanted: &Specification, carried: &[&str]) -> Result<(Recipe, Featured)> {
    let response = wanted.formula.require_response()?;
    let beside = [("weights", &wanted.weights), ("trials", &wanted.trials), ("offset", &wanted.offset)];
    if let Some((name, _)) = beside.into_iter().find(|(_, given)| given.is_some()) {
        let reason = "the models of influence and train have none: diagnose and audit outputs do".to_string();
        return Err(ErrorKind::Option { name: name.into(), reason }.into());
    }
    carried.iter().try_for_each(|name| table.position("group", name).map(drop))?;
    let design = Design::of(table, wanted, carried)?;
    require_features(&design.terms)?;
    let levels = |variable: &Variable<'_>| match variable {
        Variable::Factor { levels, .. } => Some(levels.clone()),
        _ => None,
    };
    let recipe = Recipe {
        formula: wanted.formula.to_string(),
        columns: table.names().to_vec(),
        levels: design.variables.iter().map(levels).collect(),
    };
    let used = wanted.columns(table.names())?;
    let Design { terms, variables, rows, count, notes, .. } = design;
    let cells = Cells { frame: table, rows: rows.as_deref() };
    let asked = Some(response_column(response, cells)?);
    let matrix = ModelMatrix::new(&terms, variables, count)?;
    let (columns, beside) = assembled(&matrix, (response, asked), carried, cells)?;
    let featured =
        Featured { table: labelled(columns, cells)?, response: response.to_string(), beside, rows, used, notes };
    Ok((recipe, featured))
}

/// The same columns of another table. The response is made where it is `needed`, or can be.
///
/// # Errors
/// [`ErrorKind::Option`] for a column that is missing or of another kind, a level that is not known, a row with a missing cell
/// unless such rows are left out; for a recipe that contradicts itself.
pub fn features_of(
    recipe: &Recipe,
    table: &Frame,
    missing: MissingRows,
    (carried, needed): (&[&str], bool),
) -> Result<Featured> {
    let formula = Formula::parse(&recipe.formula)?;
    let response = formula.require_response()?;
    let terms = formula.terms(&recipe.columns, &[])?;
    require_features(&terms)?;
    if terms.variables.len() != recipe.levels.len() {
        return refused("the model's formula and its levels contradict each other");
    }
    let (mut used, mut in_response): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    terms.variables.iter().for_each(|expression| expression.columns(&mut used));
    response.columns(&mut in_response);
    used.retain(|name| recipe.columns.iter().any(|known| known == name)); // TRUE of raw = TRUE is none
    used.extend(carried);
    if needed {
        used.extend(&in_response);
    }
    used.iter().try_for_each(|name| table.position("formula", name).map(drop))?;
    let (rows, gaps) = complete_rows(table, &used, missing)?;
    let cells = Cells { frame: table, rows: rows.as_deref() };
    if cells.count() == 0 {
        let reason = format!("no row is left: {}", missing_phrase(&gaps));
        return Err(ErrorKind::Option { name: "missing".into(), reason }.into());
    }
    let mut notes = Vec::new();
    let as_learned = |(expression, levels): (&Expression, &Option<Vec<String>>)| match levels {
        Some(levels) => known_factor(expression, cells, levels),
        None if is_polynomial(expression) => variable(expression, cells, &[], &mut notes),
        None => Ok(Variable::Numbers(cells.numbers(expression)?)),
    };
    let variables: Result<Vec<_>> = terms.variables.iter().zip(&recipe.levels).map(as_learned).collect();
    let matrix = ModelMatrix::new(&terms, variables?, cells.count())?;
    let is_there = in_response.iter().all(|name| table.names().iter().any(|known| known == name));
    let asked = match (needed, is_there) {
        (true, _) => Some(response_column(response, cells)?),
        (false, true) => response_column(response, cells)
            .map_err(|error| notes.push(format!("loss and accuracy are unknown: {error}")))
            .ok(),
        (false, false) => None,
    };
    let (columns, beside) = assembled(&matrix, (response, asked), carried, cells)?;
    Ok(Featured {
        table: labelled(columns, cells)?,
        response: response.to_string(),
        beside,
        used: used.iter().map(ToString::to_string).collect(),
        notes,
        rows,
    })
}

/// What the models of this crate cannot have is refused by name.
fn require_features(terms: &Terms) -> Result<()> {
    if let Some(offset) = terms.offsets.first() {
        return refused(format!("offset({offset}): the models of influence and train have no offset"));
    }
    if !terms.intercept {
        return refused("the models of influence and train have an intercept: leave out 0 and - 1");
    }
    if terms.terms.is_empty() {
        return refused("it has no term: expected a feature beside the intercept");
    }
    let orthogonal = |expression: &&Expression| match &expression.kind {
        Node::Call(_, arguments) if is_polynomial(expression) => {
            polynomial(arguments, expression.at, &expression.to_string()).is_ok_and(|(.., raw)| !raw)
        }
        _ => false,
    };
    match terms.variables.iter().find(orthogonal) {
        Some(found) => refused(format!(
            "{found} is orthogonal over the rows of one table alone: write poly(x, k, raw = TRUE), or I() of powers"
        )),
        None => Ok(()),
    }
}

fn is_polynomial(expression: &Expression) -> bool {
    matches!(&expression.kind, Node::Call(name, _) if Function::named(name) == Some(Function::Poly))
}

/// A plain column as it is, words too; else its values.
fn response_column(response: &Expression, cells: Cells<'_, '_>) -> Result<Column> {
    match &response.kind {
        Node::Name(name) => Ok(taken(cells.column(name)?, cells)),
        Node::Call(name, _) if Function::named(name) == Some(Function::Bind) => {
            refused("cbind(): the models of influence and train take one response a row")
        }
        _ => Ok(Column::Numbers(cells.numbers(response)?.into_owned())),
    }
}

/// The rows of a column that enter.
fn taken(column: &Column, cells: Cells<'_, '_>) -> Column {
    let rows = 0..cells.count();
    match column {
        Column::Numbers(values) => Column::Numbers(rows.map(|k| values[cells.row(k)]).collect()),
        Column::Text(text) => Column::Text(crate::models::TextColumn::new(rows.map(|k| text.word(cells.row(k))))),
    }
}

type Named = Vec<(String, Column)>;

/// Response, features and what is carried beside them, and the names of the last: a column that is a feature by the same name
/// is there already.
fn assembled(
    matrix: &ModelMatrix<'_>,
    (response, asked): (&Expression, Option<Column>),
    carried: &[&str],
    cells: Cells<'_, '_>,
) -> Result<(Named, Vec<String>)> {
    let mut columns: Named = asked.into_iter().map(|column| (response.to_string(), column)).collect();
    columns.extend(matrix.names().iter().cloned().zip(dense(matrix)?).skip(1).map(|(n, v)| (n, Column::Numbers(v))));
    let mut beside = Vec::new();
    for name in carried {
        if !columns.iter().any(|(known, _)| known == name) {
            columns.push((name.to_string(), taken(cells.column(name)?, cells)));
            beside.push(name.to_string());
        }
    }
    Ok((columns, beside))
}

/// The columns of a model matrix.
fn dense(matrix: &ModelMatrix<'_>) -> Result<Vec<Vec<f64>>> {
    /// Rows that are made at once.
    const AT_ONCE: usize = 1024;
    let n = matrix.shape().rows;
    let mut columns = vec![Vec::with_capacity(n); matrix.names().len()];
    for start in (0..n).step_by(AT_ONCE) {
        let rows: Vec<usize> = (start..(start + AT_ONCE).min(n)).collect();
        for row in matrix.gather(&rows)?.chunks_exact(columns.len()) {
            columns.iter_mut().zip(row).for_each(|(column, v)| column.push(*v));
        }
    }
    Ok(columns)
}

/// A table whose rows are called as in the one they come from.
fn labelled(columns: Named, cells: Cells<'_, '_>) -> Result<Frame> {
    let mut table = Frame::new(columns)?;
    table.row_names = match cells.rows {
        Some(_) => Some((0..cells.count()).map(|k| cells.label(k)).collect()),
        None => cells.frame.row_names.clone(),
    };
    Ok(table)
}
