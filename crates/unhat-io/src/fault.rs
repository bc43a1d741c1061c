//! What is wrong with a file: a fault says where and what, and its caller adds which file.

use std::io;
use unhat::{Error, ErrorKind};

/// The name of standard input.
pub(crate) const STDIN: &str = "-";

/// The result of reading what somebody else wrote.
pub(crate) type Checked<T> = Result<T, Fault>;

/// Longest piece of a file repeated in a message; the rest of a line helps nobody.
const SHOWN_CHARACTERS: usize = 40;
/// Most names listed in a message: about three lines of a terminal.
const SHOWN_NAMES: usize = 20;

/// What was found, where, and what was expected.
#[derive(Debug)]
pub(crate) struct Fault {
    position: Option<String>,
    reason: String,
}

impl Fault {
    /// A fault of the file as a whole.
    pub fn new(reason: impl Into<String>) -> Self {
        Fault { position: None, reason: reason.into() }
    }

    /// A fault at one place, for example `row 3, column "price"`.
    pub fn at(position: impl Into<String>, reason: impl Into<String>) -> Self {
        Fault { position: Some(position.into()), reason: reason.into() }
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The same fault, seen from outside `place`, for example an entry of an archive.
    pub fn within(self, place: &str) -> Self {
        let position = match self.position {
            None => place.to_string(),
            Some(inner) => format!("{place}, {inner}"),
        };
        Fault { position: Some(position), reason: self.reason }
    }

    /// The error a user meets.
    pub fn in_file(self, path: &str) -> Error {
        ErrorKind::Source { path: path.to_string(), position: self.position, reason: self.reason }.into()
    }

    /// The error a user meets when the file is read, and so may be standard input.
    pub fn in_input(self, path: &str) -> Error {
        self.in_file(if path == STDIN { "standard input" } else { path })
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::new(match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("ends too early: {error}"),
            _ => format!("cannot be read: {error}"),
        })
    }
}

/// A fault if the process may not take so many bytes for `what`.
pub(crate) fn require_memory(what: &str, bytes: u64) -> Checked<()> {
    unhat::memory::require_memory(what, bytes).map_err(|error| Fault::new(error.to_string()))
}

/// So many zeros, or a fault where there is no memory for them.
pub(crate) fn zeros(count: usize) -> Checked<Vec<f64>> {
    let bytes = (count as u64).saturating_mul(8);
    require_memory("the matrix", bytes)?;
    let mut values = Vec::new();
    let refused = |_| Fault::new(format!("the matrix takes {bytes} bytes, and the system has no more memory to give"));
    values.try_reserve_exact(count).map_err(refused)?;
    values.resize(count, 0.0);
    Ok(values)
}

/// Room for `more` values beside those that are there, twice as many as there are where none is left; a fault where there
/// is no memory for them.
pub(crate) fn room<T>(values: &mut Vec<T>, more: usize, what: &str) -> Checked<()> {
    if values.capacity() - values.len() >= more {
        return Ok(());
    }
    let further = more.max(values.len());
    let bytes = (values.len() as u64 + further as u64).saturating_mul(size_of::<T>() as u64);
    require_memory(what, bytes)?;
    let refused = |_| Fault::new(format!("{what} takes {bytes} bytes, and the system has no more memory to give"));
    values.try_reserve_exact(further).map_err(refused)
}

/// A piece of a file as it appears in a message: quoted, on one line, not too long.
pub(crate) fn shown(text: &str) -> String {
    let mut piece: String = text.chars().take(SHOWN_CHARACTERS).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARACTERS).is_some() {
        piece.push('…');
    }
    format!("\"{piece}\"")
}

/// Names as they appear in a message.
pub(crate) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let mut list = names.iter().take(SHOWN_NAMES).map(|n| shown(n.as_ref())).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN_NAMES {
        list += &format!(", … ({} in all)", names.len());
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_files_stay_short_and_on_one_line() {
        assert_eq!(shown("a\n\"b\""), r#""a\n\"b\"""#);
        assert_eq!(shown(&"é".repeat(41)), format!("\"{}…\"", "é".repeat(40)));
        assert_eq!(listed(&["a", "b"]), "\"a\", \"b\"");
        assert!(listed(&["x"; 21]).ends_with(", … (21 in all)"));
    }

    #[test]
    fn places_are_named_from_outside_in() {
        let error = Fault::at("entry 3", "found -1").within("array \"row\"").in_input("-");
        assert_eq!(error.to_string(), "standard input: array \"row\", entry 3: found -1");
    }
}
