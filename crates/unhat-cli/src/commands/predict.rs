//! `unhat predict`: what a saved model says of the rows of a table.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::training_options::Predict;
use serde_json::Value;
use unhat::report::Solved;
use unhat_io::{check_table, read_frame, read_model, write_table};
use unhat_models::models::{PredictReport, PredictedRow};

pub(super) fn run(arguments: &Predict, session: &mut Session<'_>) -> Result<Exit, Failure> {
    arguments.output.as_deref().map(check_table).transpose()?;
    let model = read_model(&arguments.model_file)?;
    let table = read_frame(&arguments.table)?;
    let found = session.compute(|run| model.predict(&table, run))?;
    found.warnings.iter().for_each(|warning| session.warn(warning));
    let rows = PredictedRow::all(&model, &table, &found);
    if let Some(path) = &arguments.output {
        let classes = model.classes().iter().map(|class| format!("p({class})"));
        let header = ["row".to_string(), "prediction".to_string()].into_iter().chain(classes);
        let records = rows.iter().map(|row| {
            let probabilities = row.probabilities.iter().map(|p| format!("{p:?}"));
            [plain(&row.row), plain(&row.prediction)].into_iter().chain(probabilities)
        });
        write_table(path, header, records)?;
    }
    let listed = arguments.output.is_none().then_some(rows.as_slice());
    let report = PredictReport::of(&model, &table, &found, listed);
    let accuracy = report.accuracy.map(|a| format!(", accuracy {a:.4}")).unwrap_or_default();
    let loss = report.loss.map(|loss| format!(": mean loss {loss:.4}{accuracy}")).unwrap_or_default();
    session.summary(&format!("{} rows predicted by {}{loss} ({})", rows.len(), model.kind, session.elapsed()));
    if session.common.json {
        session.report("predict", Solved::new(report), None)?;
    } else if arguments.output.is_none() {
        let lines: String = rows.iter().map(|row| plain(&row.prediction) + "\n").collect();
        session.print(lines.as_bytes())?;
    }
    Ok(Exit::Done)
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
