//! What is said of predictions: each row's, and the loss where the table holds the response.

use super::{Frame, Label, Model, Predictions};
use serde::Serialize;
use serde_json::{Value, json};

/// What `predict` says.
#[derive(Serialize)]
pub struct PredictReport<'a> {
    model: String,
    response: &'a str,
    rows: usize,
    classes: &'a [Label],
    /// Mean loss, where the table holds the response.
    pub loss: Option<f64>,
    /// Share of rows whose class is predicted.
    pub accuracy: Option<f64>,
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
    /// Its name or number.
    pub row: Value,
    /// The class or the value.
    pub prediction: Value,
    #[serde(skip_serializing_if = "<[f64]>::is_empty")]
    /// Of every class.
    pub probabilities: &'a [f64],
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
