//! The variables of a formula with their values: numbers, polynomials, factors with their levels.

use super::evaluate::Cells;
use crate::formula::{Expression, Function, Node, number, polynomial};
use crate::models::{Column, TextColumn};
use std::borrow::Cow;
use unhat::{ErrorKind, Result};

/// A variable and its values in the rows of a fit.
#[derive(Clone, Debug)]
pub enum Variable<'a> {
    /// One column of numbers.
    Numbers(Cow<'a, [f64]>),
    /// Several columns of numbers, named by what stands behind the variable's name: `poly(x, 2)1`.
    Columns(Vec<Vec<f64>>),
    /// A factor.
    Factor {
        /// Its levels, in the order of their columns.
        levels: Vec<String>,
        /// For each row the position of its level.
        codes: Vec<u32>,
    },
}

impl Variable<'_> {
    /// What stands behind the variable's name in the name of each of its columns; all levels of a factor.
    #[must_use]
    pub fn suffixes(&self) -> Vec<String> {
        match self {
            Variable::Numbers(_) => vec![String::new()],
            Variable::Columns(columns) => (1..=columns.len()).map(|k| k.to_string()).collect(),
            Variable::Factor { levels, .. } => levels.clone(),
        }
    }
}

/// The levels that were asked for, by column.
pub(super) type Levels = [(String, Vec<String>)];

/// The values of a variable. Notes say which levels were asked for but have no row.
pub(super) fn variable<'a>(
    expression: &Expression,
    cells: Cells<'a, '_>,
    levels: &Levels,
    notes: &mut Vec<String>,
) -> Result<Variable<'a>> {
    match &expression.kind {
        Node::Name(name) if matches!(cells.column(name)?, Column::Text(_)) => factor(expression, cells, levels, notes),
        Node::Call(name, arguments) => match Function::named(name) {
            Some(Function::Factor) => match &arguments[..] {
                [(None, argument)] => factor(argument, cells, levels, notes),
                _ => Ok(Variable::Numbers(cells.numbers(expression)?)),
            },
            Some(Function::Poly) => {
                let (x, degree, raw) = polynomial(arguments, expression.at, &expression.to_string())?;
                powers(expression, x, (degree, raw), cells)
            }
            _ => Ok(Variable::Numbers(cells.numbers(expression)?)),
        },
        _ => Ok(Variable::Numbers(cells.numbers(expression)?)),
    }
}

/// A column, or an expression of numbers, as a factor: text sorted by code point, numbers by value.
fn factor<'a>(
    argument: &Expression,
    cells: Cells<'a, '_>,
    levels: &Levels,
    notes: &mut Vec<String>,
) -> Result<Variable<'a>> {
    let asked = match &argument.kind {
        Node::Name(name) => levels.iter().find(|(column, _)| column == name).map(|(_, levels)| levels.as_slice()),
        _ => None,
    };
    let (found, codes) = found_levels(argument, cells)?;
    let (levels, codes) = match asked {
        None => (found, codes),
        Some(asked) => in_order(&argument.to_string(), (found, codes), asked, cells, notes)?,
    };
    if levels.len() < 2 {
        let only = levels.first().map(|level| format!(" \"{level}\"")).unwrap_or_default();
        let reason = format!(
            "the factor {argument} has one level{only} in the rows of the fit, expected two at least: leave it out of the formula"
        );
        return Err(ErrorKind::Option { name: "formula".into(), reason }.into());
    }
    Ok(Variable::Factor { levels, codes })
}

/// The levels that the rows have, sorted, and the position of each row's.
fn found_levels(argument: &Expression, cells: Cells<'_, '_>) -> Result<(Vec<String>, Vec<u32>)> {
    if let Node::Name(name) = &argument.kind
        && let Column::Text(text) = cells.column(name)?
    {
        return Ok(text_levels(text, cells));
    }
    Ok(number_levels(&cells.numbers(argument)?))
}

/// A factor whose levels are known from other rows; one that these did not have is an error that names the row.
pub(super) fn known_factor<'a>(
    expression: &Expression,
    cells: Cells<'a, '_>,
    levels: &[String],
) -> Result<Variable<'a>> {
    let argument = match &expression.kind {
        Node::Call(_, arguments) if arguments.len() == 1 => &arguments[0].1,
        _ => expression,
    };
    let (found, codes) = found_levels(argument, cells)?;
    let place: Vec<Option<u32>> =
        found.iter().map(|word| levels.iter().position(|known| known == word).map(|k| k as u32)).collect();
    let known = |(k, &code): (usize, &u32)| {
        place.get(code as usize).copied().flatten().ok_or_else(|| {
            let word = found.get(code as usize).map_or("a missing cell", String::as_str);
            let reason = format!(
                "row {}, {argument}: found \"{word}\", which no row had that the model was fitted to; its levels are {}",
                cells.label(k),
                levels.join(", ")
            );
            ErrorKind::Option { name: "formula".into(), reason }.into()
        })
    };
    let codes: Result<Vec<u32>> = codes.iter().enumerate().map(known).collect();
    Ok(Variable::Factor { levels: levels.to_vec(), codes: codes? })
}

/// The words of the rows, sorted by code point.
fn text_levels(text: &TextColumn, cells: Cells<'_, '_>) -> (Vec<String>, Vec<u32>) {
    let mut seen = vec![false; text.words.len()];
    (0..cells.count()).for_each(|k| {
        seen.get_mut(text.codes[cells.row(k)] as usize).into_iter().for_each(|seen| *seen = true);
    });
    let mut order: Vec<usize> = (0..text.words.len()).filter(|&w| seen[w]).collect();
    order.sort_by(|&a, &b| text.words[a].cmp(&text.words[b])); // UTF-8 sorts as code points do
    let mut place = vec![u32::MAX; text.words.len()];
    order.iter().zip(0..).for_each(|(&w, k)| place[w] = k);
    let codes = (0..cells.count()).map(|k| place.get(text.codes[cells.row(k)] as usize).copied().unwrap_or(u32::MAX));
    (order.iter().map(|&w| text.words[w].clone()).collect(), codes.collect())
}

/// The different numbers, sorted, as R writes them.
fn number_levels(values: &[f64]) -> (Vec<String>, Vec<u32>) {
    let mut different: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).map(|v| v + 0.0).collect();
    different.sort_by(f64::total_cmp);
    different.dedup();
    // What is written alike is one level.
    let written: Vec<String> = different.iter().map(|v| number(*v)).collect();
    let mut levels: Vec<String> = Vec::new();
    let mut place = Vec::with_capacity(different.len());
    for word in written {
        if levels.last() != Some(&word) {
            levels.push(word);
        }
        place.push(levels.len() as u32 - 1);
    }
    let code = |v: &f64| match different.binary_search_by(|known| known.total_cmp(&(v + 0.0))) {
        Ok(k) => place[k],
        Err(_) => u32::MAX,
    };
    (levels, values.iter().map(code).collect())
}

/// The levels in the order that was asked for; those without a row are left out, as R does.
fn in_order(
    name: &str,
    (found, codes): (Vec<String>, Vec<u32>),
    asked: &[String],
    cells: Cells<'_, '_>,
    notes: &mut Vec<String>,
) -> Result<(Vec<String>, Vec<u32>)> {
    if let Some(k) = codes.iter().position(|&code| found.get(code as usize).is_some_and(|word| !asked.contains(word))) {
        let word = &found[codes[k] as usize];
        let reason =
            format!("row {}, column \"{name}\": the level \"{word}\" is not among those given", cells.label(k));
        return Err(ErrorKind::Option { name: "levels".into(), reason }.into());
    }
    let kept: Vec<String> = asked.iter().filter(|word| found.contains(word)).cloned().collect();
    let without: Vec<String> = asked.iter().filter(|word| !found.contains(word)).map(|w| format!("\"{w}\"")).collect();
    if !without.is_empty() {
        notes.push(format!(
            "column \"{name}\": no row of the fit has the levels {}; they are left out",
            without.join(", ")
        ));
    }
    let place: Vec<u32> =
        found.iter().map(|word| kept.iter().position(|k| k == word).map_or(u32::MAX, |k| k as u32)).collect();
    let codes = codes.iter().map(|&code| place.get(code as usize).copied().unwrap_or(u32::MAX)).collect();
    Ok((kept, codes))
}

/// Powers of x, or the polynomials of x that are orthonormal over all rows of the table, as R's `poly`.
///
/// p₀ = 1, pⱼ₊₁(x) = (x − αⱼ)pⱼ(x) − (‖pⱼ‖²/‖pⱼ₋₁‖²) pⱼ₋₁(x), αⱼ = Σx pⱼ²/‖pⱼ‖², each divided by its norm.
fn powers<'a>(
    expression: &Expression,
    x: &Expression,
    (degree, raw): (usize, bool),
    cells: Cells<'a, '_>,
) -> Result<Variable<'a>> {
    let refused = |reason: String| Err(ErrorKind::Option { name: "formula".into(), reason }.into());
    let all = Cells { frame: cells.frame, rows: None };
    let values = all.numbers(x)?;
    if let Some(k) = values.iter().position(|v| v.is_nan()) {
        return refused(format!(
            "row {}: a cell of {expression} is missing, and polynomials are orthogonal over all rows: write I() of powers, or \
             leave the row out of the table",
            all.label(k)
        ));
    }
    let here = |column: Vec<f64>| -> Vec<f64> { (0..cells.count()).map(|k| column[cells.row(k)]).collect() };
    if raw {
        let power = |k: usize| here(values.iter().map(|v| v.powi(k as i32)).collect());
        return Ok(Variable::Columns((1..=degree).map(power).collect()));
    }
    let mut different = values.to_vec();
    different.sort_by(f64::total_cmp);
    different.dedup();
    if different.len() <= degree {
        return refused(format!("{expression} needs more than {degree} different values, found {}", different.len()));
    }
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let x: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let (mut before, mut now) = (vec![0.0; n], vec![1.0; n]);
    let (mut square_before, mut square) = (1.0, n as f64);
    let mut columns = Vec::new();
    for j in 0..degree {
        let alpha = x.iter().zip(&now).map(|(x, p)| x * p * p).sum::<f64>() / square;
        let beta = if j == 0 { 0.0 } else { square / square_before };
        let next: Vec<f64> = (0..n).map(|i| (x[i] - alpha) * now[i] - beta * before[i]).collect();
        (square_before, square) = (square, next.iter().map(|p| p * p).sum());
        (before, now) = (now, next);
        let norm = square.sqrt();
        columns.push(here(now.iter().map(|p| p / norm).collect()));
    }
    Ok(Variable::Columns(columns))
}
