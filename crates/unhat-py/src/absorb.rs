//! Scores with absorbed factors: a table's file as the command line reads it, or a table of another library.

use crate::facts::Colophon;
use crate::failure::{option, raised};
use crate::given::{self, Used};
use crate::text::TableFile;
use crate::words::in_python;
use crate::work::compute;
use numpy::PyArray1;
use pyo3::prelude::*;
use std::collections::HashMap;
use unhat::leverage::{AbsorbMethod, AbsorbOptions, AbsorbedReport, Factor};
use unhat::rows::{DenseRows, RowSource};
use unhat::{Error, ErrorKind, Result};
use unhat_io::{TableOptions, kept_rows, read_absorbed};
use unhat_models::models::{Column, Frame, TextColumn};

/// What is asked; words are read by the library.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    absorb: Vec<String>,
    columns: Option<Vec<String>>,
    response: Option<String>,
    weights: Option<String>,
    method: String,
    probes: usize,
    seed: u64,
    strict: bool,
    threads: Option<u16>,
}

/// The numbers of a table whose factors are absorbed.
struct Panel {
    factors: Vec<(String, Vec<u32>, usize)>,
    /// The names of the covariates, and their values row by row.
    covariates: (Vec<String>, Vec<f64>),
    weights: Option<Vec<f64>>,
    row_names: Option<Vec<String>>,
    /// Where the rows stand in the table, from 0.
    places: Vec<usize>,
    notes: Vec<String>,
}

/// The scores, their standard errors where they are estimates, where their rows stand in the table from 0, the names of these rows
/// where a file has any, and the command line's object.
type Answer<'py> = (
    Bound<'py, PyArray1<f64>>,
    Option<Bound<'py, PyArray1<f64>>>,
    Bound<'py, PyArray1<i64>>,
    Option<Vec<String>>,
    String,
);

#[pyfunction]
pub(crate) fn absorbed_scores<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> PyResult<Answer<'py>> {
    let options: Options = given::options(py, options)?;
    let to_python = |error: Error| raised(py, &error);
    let all = [AbsorbMethod::Auto, AbsorbMethod::Exact, AbsorbMethod::Probes];
    let method = crate::failure::named("method", &options.method, &all, AbsorbMethod::name).map_err(to_python)?;
    let panel = match given::file_of(table)? {
        Some(file) => crate::work::read(py, || of_file(&file, &options))?,
        None => {
            let (frame, _) = given::table(py, table, Used::All)?;
            of_frame(&frame, &options).map_err(to_python)?
        }
    };
    let mut colophon = Colophon::start(options.seed, &panel.notes);
    let how = AbsorbOptions { method, probes: options.probes, seed: options.seed, strict: options.strict };
    let (scores, threads) = compute(py, options.threads, |run| {
        let factors = panel
            .factors
            .iter()
            .map(|(name, codes, levels)| Factor::new(name, codes, *levels))
            .collect::<Result<Vec<_>>>()?;
        let width = panel.covariates.0.len();
        let rows = (width > 0).then(|| DenseRows::new(&panel.covariates.1, width)).transpose()?;
        let rows = rows.as_ref().map(|rows| rows as &dyn RowSource);
        unhat::leverage::absorbed_scores(&factors, rows, panel.weights.as_deref(), &how, run)
    })?;
    colophon.warnings.extend(scores.warnings.iter().cloned());
    let names: Vec<String> = panel.factors.iter().map(|(name, ..)| name.clone()).collect();
    let report = AbsorbedReport::of(&scores, &names, &panel.covariates.0, &panel.places);
    let text = colophon.object(py, ("scores", threads), report, None)?;
    let places = PyArray1::from_vec(py, panel.places.iter().map(|&row| row as i64).collect());
    let errors = scores.standard_errors.map(|errors| PyArray1::from_vec(py, errors));
    Ok((PyArray1::from_vec(py, scores.values), errors, places, panel.row_names, text))
}

/// As the command line reads it: cells of factors are compared as text.
fn of_file(TableFile(path, text): &TableFile, options: &Options) -> Result<Panel> {
    let asked = TableOptions {
        columns: options.columns.clone(),
        weights: options.weights.clone(),
        without: options.response.iter().cloned().collect(),
        factors: options.absorb.clone(),
        dialect: text.dialect()?,
        ..TableOptions::default()
    };
    let read = read_absorbed(path, &asked)?;
    let (names, values) = match &read.covariates {
        None => (Vec::new(), Vec::new()),
        Some(matrix) => {
            let (rows, shape) = (matrix.rows()?, matrix.shape());
            let unnamed = || (1..=shape.columns).map(|j| format!("covariate {j}")).collect();
            let names = matrix.column_names.clone().unwrap_or_else(unnamed);
            (names, rows.gather(&(0..shape.rows).collect::<Vec<_>>())?)
        }
    };
    let count = read.factors.first().map_or(0, |(_, column)| column.codes.len());
    Ok(Panel {
        covariates: (names, values),
        weights: read.weights,
        row_names: read.row_names,
        places: kept_rows(&read.omitted).take(count).collect(),
        notes: read.notes.iter().map(|note| in_python(note).0).collect(),
        factors: read.factors.into_iter().map(|(name, column)| (name, column.codes, column.words.len())).collect(),
    })
}

/// Of a table in memory: factors are compared by value, other columns of numbers are covariates.
fn of_frame(frame: &Frame, options: &Options) -> Result<Panel> {
    for (k, name) in options.absorb.iter().enumerate() {
        if options.absorb[..k].contains(name) {
            return Err(option("absorb", format!("found {name:?} twice; name each factor once")));
        }
    }
    let taken = |name: &str| -> Option<&'static str> {
        let is = |given: &Option<String>| given.as_deref() == Some(name);
        match (options.absorb.iter().any(|factor| factor == name), is(&options.weights), is(&options.response)) {
            (true, ..) => Some("absorb"),
            (_, true, _) => Some("weights"),
            (.., true) => Some("response"),
            _ => None,
        }
    };
    let column = |what: &str, name: &str| Ok::<_, Error>(&frame.columns()[frame.position(what, name)?]);
    if options.weights.as_ref().is_some_and(|name| options.absorb.contains(name)) {
        return Err(option("weights", "absorb makes a factor of this column; name another one"));
    }
    if let Some(response) = &options.response {
        column("response", response)?;
    }
    let factors = options.absorb.iter().map(|name| coded(name, column("absorb", name)?)).collect::<Result<_>>()?;
    let numbers = |what: &str, name: &str| match column(what, name)? {
        Column::Text(_) => Err(option(what, format!("column '{name}' holds text, expected numbers"))),
        Column::Numbers(values) => match values.iter().position(|v| v.is_nan()) {
            Some(row) => Err(missing(name, row, "a number")),
            None => Ok(values),
        },
    };
    let weights = options.weights.as_ref().map(|name| numbers("weights", name).cloned()).transpose()?;
    let mut notes = Vec::new();
    let names = match &options.columns {
        Some(names) => {
            if let Some((name, other)) = names.iter().find_map(|name| taken(name).map(|other| (name, other))) {
                return Err(option(
                    "columns",
                    format!("takes '{name}', of which {other} says what it is; leave it out"),
                ));
            }
            names.clone()
        }
        None => {
            let rest = || frame.names().iter().zip(frame.columns()).filter(|(name, _)| taken(name).is_none());
            let text: Vec<String> = rest()
                .filter(|(_, column)| matches!(column, Column::Text(_)))
                .map(|(name, _)| format!("'{name}'"))
                .collect();
            if !text.is_empty() {
                notes.push(format!("left out columns of text: {}", text.join(", ")));
            }
            let is_number = |column: &Column| matches!(column, Column::Numbers(_));
            rest().filter(|(_, column)| is_number(column)).map(|(name, _)| name.to_owned()).collect()
        }
    };
    let columns = names.iter().map(|name| numbers("columns", name)).collect::<Result<Vec<_>>>()?;
    let values = (0..frame.rows()).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let row_names = frame.row_names.clone();
    Ok(Panel { factors, covariates: (names, values), weights, row_names, places: (0..frame.rows()).collect(), notes })
}

/// Whole numbers from here on are not told apart as doubles.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A column as levels in the order of their first appearance.
fn coded(name: &str, column: &Column) -> Result<(String, Vec<u32>, usize)> {
    match column {
        Column::Text(text) => match text.codes.iter().position(|&code| code == TextColumn::MISSING) {
            Some(row) => Err(missing(name, row, "a level")),
            None => Ok((name.to_string(), text.codes.clone(), text.words.len())),
        },
        Column::Numbers(values) => {
            let mut levels: HashMap<u64, u32> = HashMap::new();
            let mut codes = Vec::with_capacity(values.len());
            for (row, value) in values.iter().enumerate() {
                if value.is_nan() {
                    return Err(missing(name, row, "a level"));
                }
                if value.abs() >= EXACT {
                    let reason = format!(
                        "column '{name}', row {}: found {value}, a number so large that others become the same one; \
                                          hand the column over as text",
                        row + 1
                    );
                    return Err(option("absorb", reason));
                }
                let next = levels.len() as u32;
                codes.push(*levels.entry((value + 0.0).to_bits()).or_insert(next)); // −0 is 0
            }
            Ok((name.to_string(), codes, levels.len()))
        }
    }
}

fn missing(column: &str, row: usize, expected: &str) -> Error {
    ErrorKind::Source {
        path: "table".into(),
        position: Some(format!("row {}, column '{column}'", row + 1)),
        reason: format!("found a missing cell, expected {expected}; leave the row out first"),
    }
    .into()
}
