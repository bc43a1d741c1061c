//! How the library's errors become Python's exceptions.

use crate::words::in_python;
use pyo3::prelude::*;
use unhat::{Error, ErrorKind};

/// The exception for an error of the library; `python/unhat/_errors.py` chooses its class by the kind.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let message = match error.kind() {
        ErrorKind::Option { name, reason } if is_option_of_the_command(name) => {
            let name = name.trim_start_matches('-').replace('-', "_");
            format!("{}: {reason}", if name == "no_header" { "header" } else { &name })
        }
        _ => error.to_string(),
    };
    let (message, of_tables) = in_python(&message);
    let help = error.help().map(|help| in_python(help).0);
    let of_file = || of_tables.then(|| "unhat.TableFile(path, ...) says how a table is written".to_owned());
    made(py, error.kind().name(), &message, help.or_else(of_file).as_deref())
}

/// Whether a name is an option's as the command line writes it, where Python has `_`.
fn is_option_of_the_command(name: &str) -> bool {
    name.chars().all(|c| c == '-' || c.is_ascii_lowercase())
}

/// Data that are no real numbers: what the library, which takes f64, never sees.
pub(crate) fn dtype(py: Python<'_>, message: &str) -> PyErr {
    made(py, "dtype", message, None)
}

fn made(py: Python<'_>, kind: &str, message: &str, help: Option<&str>) -> PyErr {
    let made = py.import("unhat._errors").and_then(|module| module.call_method1("from_core", (kind, message, help)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(other) => other,
    }
}

/// An option whose value cannot be used.
pub(crate) fn option(name: &str, reason: impl Into<String>) -> Error {
    ErrorKind::Option { name: name.into(), reason: reason.into() }.into()
}

/// The value that has this word for a name.
pub(crate) fn named<T: Copy>(
    option_name: &str,
    word: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, Error> {
    all.iter().copied().find(|&value| name(value) == word).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|&value| name(value)).collect();
        option(option_name, format!("found {word:?}, expected one of {}", words.join(", ")))
    })
}
