//! The JSON objects of the commands, for the command line and the Python package: the keys of the contract, in its order.
//! Numbers that are not finite become null.

use serde::Serialize;
use serde_json::{Value, json};
use unhat::leverage::Scores;
use unhat_models::models::{Frame, Label, Model, Predictions};
use unhat_models::training::TrainingReport;

/// The version of the contract.
const SCHEMA: u8 = 1;

/// An object: what was found, among the keys that every command has.
#[derive(Serialize)]
pub struct Report<'a, F> {
    schema: u8,
    command: &'a str,
    #[serde(flatten)]
    found: F,
    #[serde(flatten)]
    colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a [f64]>,
}

impl<'a, F: Serialize> Report<'a, F> {
    /// `values` are the numbers of the result, where they go nowhere else.
    pub fn new(command: &'a str, found: F, colophon: Colophon, values: Option<&'a [f64]>) -> Self {
        Report { schema: SCHEMA, command, found, colophon, values }
    }
}

/// The keys that end every object.
#[derive(Serialize)]
pub struct Colophon {
    /// Since the call began.
    pub seconds: f64,
    /// That of all random draws.
    pub seed: u64,
    /// Threads that worked.
    pub threads: usize,
    /// That of unhat.
    pub version: &'static str,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

/// Facts of a command that has no other ending than that they were found.
#[derive(Serialize)]
pub struct Solved<F> {
    status: &'static str,
    #[serde(flatten)]
    facts: F,
}

impl<F: Serialize> Solved<F> {
    /// With their status.
    pub fn new(facts: F) -> Self {
        Solved { status: "solved", facts }
    }
}

/// How a result was computed.
#[derive(Serialize)]
pub(crate) struct Method<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    solver: Option<&'a str>,
    factor: &'a str,
    reason: &'a str,
}

impl<'a> Method<'a> {
    pub fn of(solver: &'a str, factor: &'a str, reason: &'a str) -> Self {
        Method { solver: Some(solver), factor, reason }
    }
}

/// What `scores` and `gradient` say.
#[derive(Serialize)]
pub struct ScoresReport<'a> {
    status: &'a str,
    condition: f64,
    digits: f64,
    score_sum_defect: Option<f64>,
    rank: usize,
    sum: f64,
    effective_dimension: Option<f64>,
    method: Method<'a>,
}

impl<'a> ScoresReport<'a> {
    /// Of scores that are `ridged` or not.
    #[must_use]
    pub fn of(scores: &'a Scores, ridged: bool) -> Self {
        ScoresReport {
            status: "solved",
            condition: scores.condition,
            digits: scores.digits,
            score_sum_defect: scores.sum_defect,
            rank: scores.rank,
            sum: scores.sum,
            effective_dimension: ridged.then_some(scores.sum),
            method: Method { solver: None, factor: scores.method.name(), reason: &scores.reason },
        }
    }
}

/// What `predict` says.
#[derive(Serialize)]
pub struct PredictReport<'a> {
    model: String,
    response: &'a str,
    rows: usize,
    classes: &'a [Label],
    pub(crate) loss: Option<f64>,
    pub(crate) accuracy: Option<f64>,
    /// None where a file has them.
    predictions: Option<&'a [PredictedRow<'a>]>,
}

impl<'a> PredictReport<'a> {
    /// `rows` are those of [`PredictedRow::all`], where they go nowhere else.
    #[must_use]
    pub fn of(model: &'a Model, table: &Frame, found: &Predictions, rows: Option<&'a [PredictedRow<'a>]>) -> Self {
        let evaluation = found.evaluation.filter(|e| e.mean_loss.is_finite());
        PredictReport {
            model: model.kind.to_string(),
            response: &model.response.name,
            rows: table.rows(),
            classes: model.classes(),
            loss: evaluation.map(|e| e.mean_loss),
            accuracy: evaluation.and_then(|e| e.accuracy),
            predictions: rows,
        }
    }
}

/// A row by its name or 1-based number; a class comes with the probabilities of all.
#[derive(Serialize)]
pub struct PredictedRow<'a> {
    pub(crate) row: Value,
    pub(crate) prediction: Value,
    #[serde(skip_serializing_if = "<[f64]>::is_empty")]
    pub(crate) probabilities: &'a [f64],
}

impl<'a> PredictedRow<'a> {
    /// Of every row of a table.
    #[must_use]
    pub fn all(model: &Model, table: &Frame, found: &'a Predictions) -> Vec<Self> {
        let classes = model.classes();
        let row = |i: usize| table.row_names.as_ref().map_or_else(|| json!(i + 1), |names| json!(names[i]));
        let of = |i: usize| match found.classes.get(i) {
            Some(&class) => PredictedRow {
                row: row(i),
                prediction: json!(classes[class]),
                probabilities: &found.probabilities[i * classes.len()..(i + 1) * classes.len()],
            },
            None => PredictedRow { row: row(i), prediction: json!(found.values[i]), probabilities: &[] },
        };
        (0..table.rows()).map(of).collect()
    }
}

/// What `train` says: its `seconds` are those of the steps, `wall_seconds` those of the call.
#[derive(Serialize)]
pub struct TrainReport<'a> {
    schema: u8,
    command: &'static str,
    #[serde(flatten)]
    report: &'a TrainingReport,
    wall_seconds: f64,
    seed: u64,
    threads: usize,
    version: &'static str,
}

impl<'a> TrainReport<'a> {
    /// The report has the warnings.
    #[must_use]
    pub fn of(report: &'a TrainingReport, colophon: &Colophon) -> Self {
        TrainReport {
            schema: SCHEMA,
            command: "train",
            report,
            wall_seconds: colophon.seconds,
            seed: colophon.seed,
            threads: colophon.threads,
            version: colophon.version,
        }
    }
}
