//! Which rows helped or hurt: scores, planted flips, trimming.

use crate::facts::{Colophon, written};
use crate::failure::raised;
use crate::formula::{Beside, Levels, missing, specification};
use crate::given::{self, Met, ModelGiven, Used, WordOrValues, parsed};
use crate::work::compute_and_tell;
use numpy::PyArray1;
use pyo3::prelude::*;
use std::collections::HashSet;
use std::time::SystemTime;
use unhat::report::Solved;
use unhat::report::Tool;
use unhat::{ErrorKind, Result, Run};
use unhat_models::influence::{
    Direction, Evidence, ImpactKind, ImpactRequest, Prepared, Purpose, Request, RowName, Study, StudyReport,
};
use unhat_models::models::{Frame, HeldOutRows};
use unhat_report::{InfluencePage, influence_density};

/// What is asked of a study; words are read by the library.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options<'py> {
    response: Option<String>,
    formula: Option<String>,
    levels: Levels,
    missing: String,
    model: Option<String>,
    model_file: Option<ModelGiven>,
    validation: Option<Py<PyAny>>,
    test: Option<Py<PyAny>>,
    group: Option<String>,
    truth: Option<String>,
    without: Vec<String>,
    penalty: Option<f64>,
    standardize: bool,
    task: String,
    impact: Option<WordOrValues<'py>>,
    method: Option<String>,
    v: WordOrValues<'py>,
    temperature: Option<f64>,
    damping: Option<f64>,
    ensemble: u32,
    top: usize,
    fraction: f64,
    seed: u64,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
    table: String,
}

/// The answer as the command line's JSON, what its page draws, and the arrays beside them.
type Answer<'py> = (String, String, Option<Arrays<'py>>);
/// Scores, losses, lengths of gradients, leverages, hat values, positions in the table from 0, names.
type Arrays<'py> = (
    Values<'py>,
    Values<'py>,
    Values<'py>,
    Option<Values<'py>>,
    Option<Values<'py>>,
    Positions<'py>,
    Bound<'py, PyAny>,
);
type Values<'py> = Bound<'py, PyArray1<f64>>;
type Positions<'py> = Bound<'py, PyArray1<i64>>;

/// What a call knows before its work.
struct Call {
    frame: Frame,
    met: Met,
    request: Request,
    colophon: Colophon,
    command: &'static str,
    created: SystemTime,
}

impl Call {
    fn of(py: Python<'_>, command: &'static str, table: &Bound<'_, PyAny>, options: &Options<'_>) -> PyResult<Call> {
        let (mut colophon, created) = (Colophon::start(options.seed, &[]), SystemTime::now());
        let without: Vec<String> = options.truth.iter().chain(&options.without).cloned().collect();
        let request = request(py, options, &without)?;
        // A formula says itself which cells matter.
        let has_formula = has_formula(&request);
        let used = if has_formula { Used::Only(&[]) } else { Used::Without(&without) };
        let (frame, met) = given::table(py, table, used)?;
        if let Some(wanted) = &request.formula {
            met.require_factors(wanted, &frame).map_err(|error| raised(py, &error))?;
        }
        colophon.warnings.extend_from_slice(&met.notes);
        Ok(Call { frame, met, request, colophon, command, created })
    }
}

/// Whether a formula, or that of a model, says which columns are features.
fn has_formula(request: &Request) -> bool {
    request.formula.is_some() || request.model.as_ref().is_some_and(|model| model.recipe.is_some())
}

fn request(py: Python<'_>, options: &Options<'_>, without: &[String]) -> PyResult<Request> {
    let read = || -> Result<Request> {
        let missing = missing(&options.missing, false)?;
        let impact = |given: &WordOrValues<'_>| {
            given.resolve(
                "impact",
                |word| Ok(ImpactKind::named(word)?.map(ImpactRequest::Named)),
                ImpactRequest::Vector,
            )
        };
        Ok(Request {
            response: options.response.clone(),
            formula: options
                .formula
                .as_deref()
                .map(|formula| specification(formula, &Beside::default(), &options.levels, missing))
                .transpose()?,
            missing,
            kind: parsed(options.model.as_deref())?,
            model: options.model_file.as_ref().map(ModelGiven::read).transpose()?,
            validation: HeldOutRows::WhereNeeded,
            test: HeldOutRows::WhereNeeded,
            group: options.group.clone(),
            truth: options.truth.clone(),
            without: options.without.clone(),
            standardize: options.standardize,
            penalty: options.penalty,
            task: options.task.parse()?,
            impact: options.impact.as_ref().map(impact).transpose()?,
            direction: options.v.resolve("v", |word| Ok(Direction::named(word)), Direction::Given)?,
            method: parsed(options.method.as_deref())?,
            temperature: options.temperature,
            damping: options.damping,
            leverages: true,
            ensemble: options.ensemble,
            seed: options.seed,
        })
    };
    let request = read().map_err(|error| raised(py, &error))?;
    let used = if has_formula(&request) { Used::Only(&[]) } else { Used::Without(without) };
    let validation = given::held_out(py, "validation", options.validation.as_ref(), used)?;
    let test = given::held_out(py, "test", options.test.as_ref(), used)?;
    Ok(Request { validation, test, ..request })
}

/// A table that was scored, and what is said of it.
struct Studied {
    input: Prepared,
    study: Study,
    facts: StudyReport,
    evidence: Evidence,
}

fn studied(frame: Frame, request: Request, purpose: Purpose, top: usize, run: &Run<'_>) -> Result<Studied> {
    let input = request.prepare(frame, purpose)?;
    let study = input.study(run)?;
    let facts = input.study_report(&study, top, run)?;
    let evidence = input.evidence(&study, run)?;
    Ok(Studied { input, study, facts, evidence })
}

impl Studied {
    /// The arrays beside the answer; positions count the rows of the file.
    fn arrays<'py>(&self, py: Python<'py>, met: &mut Met) -> PyResult<Arrays<'py>> {
        met.leave_out(self.input.left_out.iter().map(|(row, _)| *row));
        let study = &self.study;
        let rows = &self.input.parts.train.rows;
        let values = |values: &[f64]| PyArray1::from_slice(py, values);
        let names: Vec<RowName> = (0..rows.len()).map(|i| self.input.row_name(i)).collect();
        let numbers: Option<Vec<i64>> = names
            .iter()
            .map(|name| match name {
                RowName::Number(number) => Some(*number as i64),
                RowName::Name(_) => None,
            })
            .collect();
        let names = match numbers {
            Some(numbers) => PyArray1::from_vec(py, numbers).into_any(),
            None => names.iter().map(ToString::to_string).collect::<Vec<_>>().into_pyobject(py)?,
        };
        Ok((
            values(&study.scores),
            values(&study.losses),
            values(&study.gradient_norms),
            study.leverages.as_deref().map(values),
            study.hat.as_deref().map(values),
            PyArray1::from_vec(py, met.in_file(rows.iter().copied())),
            names,
        ))
    }
}

/// Scores the rows of a table.
#[pyfunction]
pub(crate) fn influence<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> PyResult<Answer<'py>> {
    let options: Options<'_> = given::options(py, options)?;
    let Call { frame, mut met, request, mut colophon, command, created } = Call::of(py, "influence", table, &options)?;
    let top = options.top;
    let work = |run: &Run<'_>| studied(frame, request, Purpose::Score, top, run);
    let (found, threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), work)?;
    colophon.warnings.extend_from_slice(&found.study.warnings);
    let page = InfluencePage {
        study: Some(found.facts.clone()),
        evidence: Some(found.evidence.clone()),
        density: influence_density(&found.study.losses, &found.study.scores),
        ..page_of(&options, &colophon, command, threads, created)
    };
    let text = colophon.object(py, (command, threads), Solved::new(&found.facts), None)?;
    Ok((text, written(py, &page)?, Some(found.arrays(py, &mut met)?)))
}

/// Plants flips and ranks the methods.
#[pyfunction]
pub(crate) fn influence_check<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> PyResult<Answer<'py>> {
    let options: Options<'_> = given::options(py, options)?;
    let call = Call::of(py, "influence check", table, &options)?;
    let Call { frame, request, mut colophon, command, created, .. } = call;
    let work = |run: &Run<'_>| {
        let input = request.prepare(frame, Purpose::Check)?;
        let found = input.check(run)?;
        Ok((input.check_report(&found), found.warnings))
    };
    let ((facts, warnings), threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), work)?;
    colophon.warnings.extend(warnings);
    let page = InfluencePage { check: Some(facts.clone()), ..page_of(&options, &colophon, command, threads, created) };
    let text = colophon.object(py, (command, threads), Solved::new(&facts), None)?;
    Ok((text, written(py, &page)?, None))
}

/// Trims the worst rows and trains again; the last part is the positions of the rows that are left, from 0.
#[pyfunction]
pub(crate) fn influence_trim<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> PyResult<(Answer<'py>, Positions<'py>)> {
    let options: Options<'_> = given::options(py, options)?;
    let call = Call::of(py, "influence trim", table, &options)?;
    let Call { frame, mut met, request, mut colophon, command, created } = call;
    let (top, fraction) = (options.top, options.fraction);
    let work = |run: &Run<'_>| {
        let found = studied(frame, request, Purpose::Trim, top, run)?;
        let trimmed = found.input.trim(&found.study, fraction, run)?;
        Ok((found, trimmed))
    };
    let ((found, trimmed), threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), work)?;
    colophon.warnings.extend_from_slice(&found.study.warnings);
    let facts = found.input.trim_report(&found.study, &trimmed);
    let page = InfluencePage {
        study: Some(found.facts.clone()),
        evidence: Some(found.evidence.clone()),
        density: influence_density(&found.study.losses, &found.study.scores),
        trim: Some(facts.clone()),
        ..page_of(&options, &colophon, command, threads, created)
    };
    let gone: HashSet<usize> = trimmed.removed.iter().map(|&i| found.input.parts.train.rows[i]).collect();
    let kept = (0..found.input.table.rows()).filter(|row| !gone.contains(row));
    let arrays = found.arrays(py, &mut met)?;
    let kept = met.in_file(kept);
    let text = colophon.object(py, (command, threads), Solved::new(&facts), None)?;
    Ok(((text, written(py, &page)?, Some(arrays)), PyArray1::from_vec(py, kept)))
}

/// What every page says of the call.
fn page_of(
    options: &Options<'_>,
    colophon: &Colophon,
    command: &str,
    threads: usize,
    created: SystemTime,
) -> InfluencePage {
    InfluencePage {
        tool: tool(&format!("unhat.{}", command.replace(' ', "_")), colophon, threads),
        created_utc: Some(humantime::format_rfc3339_seconds(created).to_string()),
        table: options.table.clone(),
        warnings: colophon.warnings.clone(),
        study: None,
        evidence: None,
        density: None,
        check: None,
        trim: None,
    }
}

/// The package and one call of it.
pub(crate) fn tool(call: &str, colophon: &Colophon, threads: usize) -> Tool {
    Tool {
        name: "unhat".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        command: call.into(),
        seed: colophon.seed,
        threads: threads as u32,
        wall_s: colophon.seconds(),
    }
}

/// The page of influence, HTML, from what it draws.
#[pyfunction]
pub(crate) fn influence_page(py: Python<'_>, facts: &str) -> PyResult<String> {
    unhat_report::influence_page(&read(py, facts)?).map_err(|error| not_drawn(py, &error))
}

/// The charts of the page, JSON: a list of {question, answer, legend, svg}.
#[pyfunction]
pub(crate) fn influence_images(py: Python<'_>, facts: &str) -> PyResult<String> {
    written(py, &unhat_report::influence_images(&read(py, facts)?))
}

fn read(py: Python<'_>, facts: &str) -> PyResult<InfluencePage> {
    serde_json::from_str(facts).map_err(|error| not_drawn(py, &error))
}

fn not_drawn(py: Python<'_>, error: &serde_json::Error) -> PyErr {
    raised(py, &ErrorKind::Numerical { reason: format!("the facts cannot be drawn: {error}") }.into())
}
