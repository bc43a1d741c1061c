//! `unhat predict`: what a saved model says of the rows of a table.

use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::output::note_formulas;
use crate::session::Session;
use crate::table_options::{TableText, with_gaps};
use crate::training_options::Predict;
use serde_json::Value;
use unhat::report::Solved;
use unhat_io::{Missing, OmittedRow, check_table, printable, read_model, write_table};
use unhat_models::models::{Frame, Model, PredictReport, PredictedRow};
use unhat_models::regression::{MissingRows, features_of};

pub(super) fn run(arguments: &Predict, session: &mut Session<'_>) -> Result<Exit, Failure> {
    arguments.output.as_deref().map(check_table).transpose()?;
    let model = read_model(&arguments.model_file)?;
    let Input { table, omitted } = input(&model, arguments, session)?;
    let (table, omitted) = (&table, omitted.as_slice());
    let found = session.compute(|run| model.predict(table, run))?;
    found.warnings.iter().for_each(|warning| session.warn(warning));
    let answered = PredictedRow::all(&model, table, &found);
    let gap =
        |row: &OmittedRow| PredictedRow { row: row.label.clone().into(), prediction: Value::Null, probabilities: &[] };
    let rows = with_gaps(answered, omitted, gap);
    if let Some(path) = &arguments.output {
        let classes = model.classes().iter().map(|class| format!("p({class})"));
        let header = ["row".to_string(), "prediction".to_string()].into_iter().chain(classes);
        let records = rows.iter().map(|row| {
            let probabilities = (0..model.classes().len())
                .map(|k| row.probabilities.get(k).map(|p| format!("{p:?}")).unwrap_or_default());
            [plain(&row.row), plain(&row.prediction)].into_iter().chain(probabilities)
        });
        note_formulas(rows.iter().flat_map(|row| [plain(&row.row), plain(&row.prediction)]), path, session);
        write_table(path, header, records)?;
    }
    let listed = arguments.output.is_none().then_some(rows.as_slice());
    let report = PredictReport::of(&model, table, &found, listed);
    let accuracy = report.accuracy.map(|a| format!(", accuracy {a:.4}")).unwrap_or_default();
    let loss = report.loss.map(|loss| format!(": mean loss {loss:.4}{accuracy}")).unwrap_or_default();
    session.summary(&format!("{} rows predicted by {}{loss} ({})", table.rows(), model.kind, session.elapsed()));
    if session.common.json {
        session.report("predict", Solved::new(report), None)?;
    } else if arguments.output.is_none() {
        let line = |row: &PredictedRow<'_>| printable(&plain(&row.prediction)).into_owned() + "\n";
        let lines: String = rows.iter().map(line).collect();
        session.print_text(&lines)?;
    }
    Ok(Exit::Done)
}

/// The rows to predict, with the columns that the model has; and those to write without an answer.
struct Input {
    table: Frame,
    omitted: Vec<OmittedRow>,
}

fn input(model: &Model, arguments: &Predict, session: &mut Session<'_>) -> Result<Input, Failure> {
    let (text, path) = (&arguments.text, arguments.table.as_str());
    let padded = text.missing == Missing::Exclude;
    let Some(recipe) = &model.recipe else {
        let columns = model.encoding.columns().iter().map(|column| column.name.clone()).collect();
        let read = text.read_frame(path, (&[], Some(columns)), session)?;
        return Ok(Input { table: read.frame, omitted: if padded { read.omitted } else { Vec::new() } });
    };
    let missing = match text.missing {
        Missing::Error => MissingRows::Error,
        Missing::Omit | Missing::Exclude => MissingRows::Omit,
        Missing::Indicator => {
            let reason = "found indicator, expected error, omit or exclude: the model is one of a formula";
            return Err(option_failure("--missing", reason));
        }
    };
    // A formula says itself which cells matter.
    let kept = TableText { missing: Missing::Error, ..text.clone() };
    let read = kept.read_frame(path, (&[], Some(Vec::new())), session)?;
    let found = features_of(recipe, &read.frame, missing, (&[], false))?;
    found.notes.iter().for_each(|note| session.warn(note));
    let left_out = found.left_out(&read.frame);
    if !left_out.is_empty() {
        session.note(&format!("rows left out for missing cells in columns of the formula: {}", left_out.len()));
    }
    let omitted = left_out.into_iter().filter(|_| padded).map(|(row, label)| OmittedRow { row, label }).collect();
    Ok(Input { table: found.table, omitted })
}

/// A value as a cell of a table: words without quotes, numbers in the digits that give them back.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(), // a row that was left out
        Value::Number(number) => {
            number.as_f64().filter(|v| v.fract() == 0.0).map_or(number.to_string(), |v| format!("{v}"))
        }
        other => other.to_string(),
    }
}
