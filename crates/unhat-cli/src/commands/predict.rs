//! `unhat predict`: what a saved model says of the rows of a table.

use super::Exit;
use crate::failure::Failure;
use crate::session::{Colophon, Session};
use crate::training_options::Predict;
use serde::Serialize;
use serde_json::{Value, json};
use unhat::models::{Frame, Model, Predictions};
use unhat_io::{check_table, read_frame, read_model, write_table};

/// What `unhat predict` prints.
#[derive(Serialize)]
struct PredictOut {
    schema: u8,
    command: &'static str,
    status: &'static str,
    model: String,
    response: String,
    rows: usize,
    classes: Vec<Value>,
    loss: Option<f64>,
    accuracy: Option<f64>,
    /// None where a file has them.
    predictions: Option<Vec<PredictedRow>>,
    #[serde(flatten)]
    colophon: Colophon,
}

/// A row by its name or 1-based number.
#[derive(Serialize)]
struct PredictedRow {
    row: Value,
    prediction: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    probabilities: Vec<f64>,
}

pub(super) fn run(arguments: &Predict, session: &mut Session<'_>) -> Result<Exit, Failure> {
    arguments.output.as_deref().map(check_table).transpose()?;
    let model = read_model(&arguments.model_file)?;
    let table = read_frame(&arguments.table)?;
    let found = session.compute(|run| model.predict(&table, run))?;
    found.warnings.iter().for_each(|warning| session.warn(warning));
    let evaluation = found.evaluation.filter(|e| e.mean_loss.is_finite());
    let rows: Vec<PredictedRow> = (0..table.rows()).map(|i| predicted(&model, &table, &found, i)).collect();
    if let Some(path) = &arguments.output {
        let classes = model.classes().iter().map(|class| format!("p({class})"));
        let header = ["row".to_string(), "prediction".to_string()].into_iter().chain(classes);
        let records = rows.iter().map(|row| {
            let probabilities = row.probabilities.iter().map(|p| format!("{p:?}"));
            [plain(&row.row), plain(&row.prediction)].into_iter().chain(probabilities)
        });
        write_table(path, header, records)?;
    }
    let accuracy = evaluation.and_then(|e| e.accuracy).map(|a| format!(", accuracy {a:.4}")).unwrap_or_default();
    let loss = evaluation.map(|e| format!(": mean loss {:.4}{accuracy}", e.mean_loss)).unwrap_or_default();
    session.summary(&format!("{} rows predicted by {}{loss} ({})", rows.len(), model.kind, session.elapsed()));
    if session.common.json {
        let object = PredictOut {
            schema: 1,
            command: "predict",
            status: "solved",
            model: model.kind.to_string(),
            response: model.response.name.clone(),
            rows: rows.len(),
            classes: model.classes().iter().map(|class| json!(class)).collect(),
            loss: evaluation.map(|e| e.mean_loss),
            accuracy: evaluation.and_then(|e| e.accuracy),
            predictions: arguments.output.is_none().then_some(rows),
            colophon: session.colophon(),
        };
        session.print_object(&object)?;
    } else if arguments.output.is_none() {
        let lines: String = rows.iter().map(|row| plain(&row.prediction) + "\n").collect();
        session.print(lines.as_bytes())?;
    }
    Ok(Exit::Done)
}

fn predicted(model: &Model, table: &Frame, found: &Predictions, i: usize) -> PredictedRow {
    let row = table.row_names.as_ref().map_or_else(|| json!(i + 1), |names| json!(names[i]));
    let classes = model.classes();
    match found.classes.get(i) {
        Some(&class) => PredictedRow {
            row,
            prediction: json!(classes[class]),
            probabilities: found.probabilities[i * classes.len()..(i + 1) * classes.len()].to_vec(),
        },
        None => PredictedRow { row, prediction: json!(found.values[i]), probabilities: Vec::new() },
    }
}

/// A value as a cell of a table: words without quotes, numbers in the digits that give them back.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            number.as_f64().filter(|v| v.fract() == 0.0).map_or(number.to_string(), |v| format!("{v}"))
        }
        other => other.to_string(),
    }
}
