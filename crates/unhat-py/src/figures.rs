//! The figures of a diagnosis, made of the columns that it found.

use crate::data::Vector;
use crate::failure::raised;
use pyo3::prelude::*;
use unhat::{ErrorKind, Result};
use unhat_models::diagnose::{FigureName, FigureRows, PICTURE_POINTS, PartialRegression, marked_rows};
use unhat_models::figures::{FEWEST_LEAST_ROWS, Figure, Shown};

/// The columns of a diagnosis, one value for each row; NaN where there is none.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Columns<'py> {
    is_linear: bool,
    is_weighted: bool,
    rank: usize,
    across: Vector<'py>,
    residual: Vector<'py>,
    /// √v·(working residual).
    score: Vector<'py>,
    rstandard: Vector<'py>,
    rstandard_pearson: Vector<'py>,
    rstudent: Vector<'py>,
    hat: Vector<'py>,
    cooks: Vector<'py>,
    positions: Vec<usize>,
    flag: Vec<String>,
    labels: Vec<String>,
}

/// A column, its place from 1, its coefficient, and what the others leave of it.
type Partial<'py> = (String, usize, f64, Vector<'py>);

fn figure(
    which: &str,
    safe: Option<u64>,
    columns: &Columns<'_>,
    partial: Option<Partial<'_>>,
) -> PyResult<Result<Figure>> {
    let shown = safe.map_or(Shown::Rows { points: PICTURE_POINTS }, |least| Shown::Safe { least });
    let refused = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
    if safe.is_some_and(|least| least < FEWEST_LEAST_ROWS) {
        let reason = format!("found {}, expected at least {FEWEST_LEAST_ROWS} rows", safe.unwrap_or(0));
        return Ok(refused("safe", reason));
    }
    let cooks = columns.cooks.as_slice()?;
    let rows = FigureRows {
        is_linear: columns.is_linear,
        is_weighted: columns.is_weighted,
        rank: columns.rank,
        across: columns.across.as_slice()?,
        residual: columns.residual.as_slice()?,
        rstandard: columns.rstandard.as_slice()?,
        rstandard_pearson: columns.rstandard_pearson.as_slice()?,
        rstudent: columns.rstudent.as_slice()?,
        hat: columns.hat.as_slice()?,
        cooks,
        positions: columns.positions.clone(),
        marked: marked_rows(columns.flag.iter().map(|flag| !flag.is_empty()), cooks, |i| columns.labels[i].clone()),
    };
    if let Some((column, place, slope, x)) = partial {
        let x = x.as_slice()?.to_vec();
        let y = x.iter().zip(columns.score.as_slice()?).map(|(x, r)| r + slope * x).collect();
        let regression = PartialRegression { column, slope, x, y };
        return Ok(Ok(regression.figure(place, &rows.marked, shown)));
    }
    Ok(which.parse::<FigureName>().and_then(|which| match rows.figure(which, shown) {
        Some(figure) => Ok(figure),
        None => refused("safe", format!("{which:?} shows rows in the order of the table; it cannot leave the house")),
    }))
}

/// What a figure shows, as JSON.
#[pyfunction]
pub(crate) fn diagnosis_figure(
    py: Python<'_>,
    which: &str,
    safe: Option<u64>,
    columns: Columns<'_>,
    partial: Option<Partial<'_>>,
) -> PyResult<String> {
    let figure = figure(which, safe, &columns, partial)?.map_err(|error| raised(py, &error))?;
    serde_json::to_string(&figure).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}
