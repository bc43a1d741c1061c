//! How a command can fail, and what the person and the machine are told about it.

use crate::names::Names;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io;
use unhat::{Error, ErrorKind};
use unhat_io::{Matrix, printable, steers};

/// Why a command ended without a result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something was wrong with the input, an option or an output.
    Error(Error),
    /// The same, met in rows or columns that have names.
    Named(Error, Names),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        Failure::Error(kind.into())
    }
}

impl Failure {
    /// An error that the library met in the rows of `matrix`.
    pub fn in_matrix(error: Error, matrix: &Matrix) -> Self {
        let names = Names::of(&error, matrix);
        Failure::Named(error, names)
    }

    /// What a failed write to standard output means.
    pub fn of_stdout(error: io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::BrokenPipe => "was closed before everything was written".into(),
            _ => format!("cannot be written: {error}"),
        };
        file_error("standard output", reason).into()
    }
}

/// A file, and what is wrong with it as a whole.
pub(crate) fn file_error(path: &str, reason: impl Into<String>) -> Error {
    ErrorKind::Source { path: path.into(), position: None, reason: reason.into() }.into()
}

/// An option of the command line whose value cannot be used.
pub(crate) fn option_failure(name: &str, reason: impl Into<String>) -> Failure {
    ErrorKind::Option { name: name.into(), reason: reason.into() }.into()
}

/// The message as a person reads it: what was found and where, then what to do.
pub(crate) fn message(error: &Error, names: &Names) -> String {
    let mut text = match error.kind() {
        // The library knows its options by their bare names.
        ErrorKind::Option { name, .. } if !name.starts_with("--") => format!("error: --{error}\n"),
        ErrorKind::Interrupted => "interrupted: nothing was written\n".to_string(),
        _ => format!("error: {error}\n"),
    };
    // One line, whatever stands in names.
    text = printable(text.trim_end_matches('\n')).into_owned() + "\n";
    text += &names.lines();
    if let Some(help) = help(error) {
        text += &format!("  help: {help}\n");
    }
    text
}

fn help(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Empty { .. } => Some(
            "the named rows alone contradict each other; --start or --signs chooses another cell, --upper that of Ax < b",
        ),
        ErrorKind::OutsideCell { .. } => Some("leave out --upper, or give a start or signs inside that cell"),
        ErrorKind::Unattainable { .. } => Some("--start or --signs chooses another cell; --json holds all of h"),
        _ => error.help(),
    }
}

/// The JSON object of a failed call.
#[derive(Serialize)]
pub(crate) struct FailureReport {
    schema: u8,
    status: &'static str,
    error: ErrorBody,
}

/// The kind, the message, and the numbers of the kind. Rows and columns count from 1.
#[derive(Serialize)]
struct ErrorBody {
    kind: &'static str,
    message: String,
    #[serde(flatten)]
    numbers: Map<String, Value>,
}

impl FailureReport {
    pub fn of_error(error: &Error, names: &Names) -> Self {
        let kind = error.kind();
        let status = if matches!(kind, ErrorKind::Interrupted) { "interrupted" } else { "error" };
        let mut numbers: Map<_, _> = numbers(kind).into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        if !names.rows.is_empty() {
            numbers.insert("row_names".into(), json!(names.rows));
        }
        FailureReport { schema: 1, status, error: ErrorBody { kind: kind.name(), message: error.to_string(), numbers } }
    }

    /// Of a command line that cannot be understood.
    pub fn of_usage(text: &str) -> Self {
        // The first paragraph; what follows is the usage line.
        let paragraph = text.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
        let message = paragraph.trim_start_matches("error: ").to_string();
        FailureReport { schema: 1, status: "error", error: ErrorBody { kind: "usage", message, numbers: Map::new() } }
    }

    pub fn line(&self) -> String {
        harmless_json(serde_json::to_string(self).unwrap_or_default())
    }
}

/// JSON in which characters that steer a terminal are escaped too, as JSON escapes them.
pub(crate) fn harmless_json(line: String) -> String {
    if !line.chars().any(steers) {
        return line;
    }
    let escaped = |sign: char| match steers(sign) {
        true => format!("\\u{:04x}", u32::from(sign)), // all of them have four digits
        false => sign.to_string(),
    };
    line.chars().map(escaped).collect()
}

fn numbers(kind: &ErrorKind) -> Vec<(&'static str, Value)> {
    let counted = |rows: &[usize]| json!(rows.iter().map(|r| r + 1).collect::<Vec<_>>());
    match kind {
        ErrorKind::Shape { what, expected, found } => {
            vec![("what", json!(what)), ("expected", json!(expected)), ("found", json!(found))]
        }
        ErrorKind::NotFinite { what, row, column, found } => vec![
            ("what", json!(what)),
            ("row", json!(row + 1)),
            ("column", json!(column.map(|c| c + 1))),
            ("found", json!(found.to_string())),
        ],
        ErrorKind::ZeroSlack { row } => vec![("row", json!(row + 1))],
        ErrorKind::Empty { rows, multipliers, gap } => {
            vec![("rows", counted(rows)), ("multipliers", json!(multipliers)), ("gap", json!(gap))]
        }
        ErrorKind::NoInterior { rows } => vec![("rows", counted(rows))],
        ErrorKind::OutsideCell { row, slack, expected } => {
            vec![("row", json!(row + 1)), ("slack", json!(slack)), ("expected", json!(expected))]
        }
        ErrorKind::RankDeficient { rank, columns } => vec![("rank", json!(rank)), ("columns", json!(columns))],
        ErrorKind::Unattainable { direction, slope } => {
            vec![("direction", json!(direction)), ("slope", json!(slope))]
        }
        ErrorKind::TooLarge { what, bytes, limit } => {
            vec![("what", json!(what)), ("bytes", json!(bytes)), ("limit", json!(limit))]
        }
        ErrorKind::Option { name, reason } => vec![("option", json!(name)), ("reason", json!(reason))],
        ErrorKind::Source { path, position, reason } => {
            vec![("path", json!(path)), ("position", json!(position)), ("reason", json!(reason))]
        }
        ErrorKind::Undecided { reason } | ErrorKind::Numerical { reason } => vec![("reason", json!(reason))],
        _ => Vec::new(),
    }
}
