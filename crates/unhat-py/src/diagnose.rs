//! Regression diagnostics of the rows of a table.

use crate::facts::Colophon;
use crate::failure::raised;
use crate::formula::{Beside, Levels, missing, model, specification};
use crate::given::{self, Used};
use crate::work::compute;
use numpy::PyArray1;
use pyo3::prelude::*;
use unhat::report::Solved;
use unhat::{Error, Result, Run};
use unhat_models::diagnose::{
    Change, DiagnoseReport, Diagnosed, Moved, Options as Wanted, PARTIAL_MOST, Request, Rule, partial_regressions,
    summary,
};
use unhat_models::models::Frame;

/// What is asked; words are read by the library.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    formula: String,
    family: Option<String>,
    link: Option<String>,
    weights: Option<String>,
    trials: Option<String>,
    offset: Option<String>,
    levels: Levels,
    missing: String,
    rule: String,
    loo: String,
    dfbeta: Option<Vec<String>>,
    top: usize,
    threads: Option<u16>,
}

type Values<'py> = Bound<'py, PyArray1<f64>>;

/// The answer as the command line's JSON, the lines of its summary, and the arrays beside them.
#[derive(IntoPyObject)]
pub(crate) struct Answer<'py> {
    text: String,
    summary: Vec<String>,
    /// Names and values, one for each row that is written.
    columns: Vec<(String, Values<'py>)>,
    /// The estimated coefficients.
    kept: Vec<String>,
    /// Those whose changes are told.
    moved: Vec<String>,
    /// rows × coefficients that are told.
    dfbeta: Values<'py>,
    dfbetas: Values<'py>,
    /// Where the rows stand in the table, from 0.
    positions: Bound<'py, PyArray1<i64>>,
    labels: Vec<String>,
    /// What each row is flagged for.
    flag: Vec<String>,
    /// Each rule, and whether it flags a row.
    rules: Vec<(String, Vec<bool>)>,
    /// What figures need beside the columns.
    drawn: Drawn<'py>,
}

#[derive(IntoPyObject)]
struct Drawn<'py> {
    is_weighted: bool,
    /// √w(y − ŷ), or deviance residuals.
    residual: Values<'py>,
    /// Of the first columns: name, coefficient, and what the others leave of it.
    partial: Vec<(String, f64, Values<'py>)>,
}

fn request(options: &Options) -> Result<Request> {
    let beside = Beside {
        weights: options.weights.as_deref(),
        trials: options.trials.as_deref(),
        offset: options.offset.as_deref(),
    };
    let missing = missing(&options.missing, true)?;
    Ok(Request {
        specification: specification(&options.formula, &beside, &options.levels, missing)?,
        model: model(options.family.as_deref(), options.link.as_deref())?,
        options: Wanted { rule: options.rule.parse()?, leave_out: options.loo.parse()? },
    })
}

/// What of an answer goes to Python, without the interpreter.
struct Found {
    report: DiagnoseReport,
    warnings: Vec<String>,
    columns: Vec<(String, Vec<f64>)>,
    kept: Vec<String>,
    moved: Vec<String>,
    changes: [Vec<f64>; 2],
    positions: Vec<i64>,
    labels: Vec<String>,
    flag: Vec<String>,
    rules: Vec<(String, Vec<bool>)>,
    is_weighted: bool,
    residual: Vec<f64>,
    partial: Vec<(String, f64, Vec<f64>)>,
}

impl Found {
    fn of(answer: &Diagnosed<'_>, dfbeta: &Moved, padded: bool, top: usize, run: &Run<'_>) -> Result<Found> {
        let places = answer.places(padded);
        let frame = &answer.frame;
        let row = |(at, place): (usize, &Option<usize>)| match (&frame.rows, place) {
            (Some(rows), Some(i)) => rows[*i],
            (_, Some(i)) => *i,
            (_, None) => at,
        };
        let rows: Vec<usize> = places.iter().enumerate().map(row).collect();
        let spread = |values: &[f64], width: usize| -> Vec<f64> {
            let missing = || vec![f64::NAN; width];
            let of =
                |place: &Option<usize>| place.map_or_else(missing, |i| values[i * width..(i + 1) * width].to_vec());
            places.iter().flat_map(of).collect()
        };
        let (moved, left_out) = answer.moved(dfbeta)?;
        let p = moved.len();
        let changes = |change: Change| -> Result<Vec<f64>> {
            let mut all = Vec::new();
            for k in 0..answer.problem().source.blocks() {
                all.extend(answer.changes(change, k, &moved)?);
            }
            Ok(spread(&all, p))
        };
        let flags = |rule: Rule| {
            let by = answer.found.flags_by(rule, &answer.fit);
            (rule.name().to_string(), places.iter().map(|place| place.is_some_and(|i| by[i].any())).collect())
        };
        Ok(Found {
            report: DiagnoseReport::of(answer, top),
            warnings: frame.notes.iter().chain(&answer.fit.warnings).chain(&left_out).cloned().collect(),
            columns: answer.columns().into_iter().map(|(name, values)| (name.into(), spread(values, 1))).collect(),
            kept: answer.kept_names().into_iter().map(str::to_string).collect(),
            moved: moved.iter().map(|&k| answer.kept_names()[k].to_string()).collect(),
            changes: [changes(Change::Dfbeta)?, changes(Change::Dfbetas)?],
            positions: rows.iter().map(|&row| row as i64).collect(),
            labels: rows.iter().map(|&row| frame.table_label(row)).collect(),
            flag: places.iter().map(|place| place.map_or(String::new(), |i| answer.flag(i))).collect(),
            rules: [Rule::R, Rule::Bkw, Rule::Cook4n, Rule::Outlier].map(flags).into(),
            is_weighted: frame.weights.is_some(),
            residual: spread(&answer.found.residual_deviance, 1),
            partial: partial_regressions(answer, PARTIAL_MOST, run)?
                .into_iter()
                .map(|part| (part.column, part.slope, spread(&part.x, 1)))
                .collect(),
        })
    }
}

/// Fits a model of a table and diagnoses its rows.
#[pyfunction]
pub(crate) fn diagnose<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> PyResult<Answer<'py>> {
    let options: Options = given::options(py, options)?;
    let mut colophon = Colophon::start(0, &[]);
    let refused = |error: Error| raised(py, &error);
    let request = request(&options).map_err(refused)?;
    // Missing cells are kept while the table is read: those of columns that nobody uses do not matter.
    let (frame, met): (Frame, _) = given::table(py, table, Used::Only(&[]))?;
    met.require_factors(&request.specification, &frame).map_err(refused)?;
    colophon.warnings.extend_from_slice(&met.notes);
    let padded = options.missing == "exclude";
    let moved = match options.dfbeta.as_deref() {
        Some([]) => Moved::Named(Vec::new()),
        words => Moved::of_words(words.unwrap_or_default()),
    };
    let (found, threads) =
        compute(py, options.threads, |run| Found::of(&request.answer(&frame, run)?, &moved, padded, options.top, run))?;
    colophon.warnings.extend_from_slice(&found.warnings);
    let lines = summary(&found.report);
    let text = colophon.object(py, ("diagnose", threads), Solved::new(&found.report), None)?;
    let array = |values: Vec<f64>| PyArray1::from_vec(py, values);
    let [dfbeta, dfbetas] = found.changes;
    Ok(Answer {
        text,
        summary: lines,
        columns: found.columns.into_iter().map(|(name, values)| (name, array(values))).collect(),
        kept: found.kept,
        moved: found.moved,
        dfbeta: array(dfbeta),
        dfbetas: array(dfbetas),
        positions: PyArray1::from_vec(py, found.positions),
        labels: found.labels,
        flag: found.flag,
        rules: found.rules,
        drawn: Drawn {
            is_weighted: found.is_weighted,
            residual: array(found.residual),
            partial: found.partial.into_iter().map(|(name, slope, x)| (name, slope, array(x))).collect(),
        },
    })
}
