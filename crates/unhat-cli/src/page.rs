//! Where a report goes: a page whose place is checked before the work and written after it; and what every page says of
//! the run that made it.

use crate::failure::Failure;
use crate::session::Session;
use std::path::Path;
use std::time::SystemTime;
use unhat::ErrorKind;
use unhat::report::Tool;
use unhat_io::{check_page, printable, text_of, write_page};

/// The file of `--report`, or none.
pub(crate) struct PageFile<'a>(Option<&'a str>);

impl<'a> PageFile<'a> {
    /// Checks before the work whether the file can be written after it.
    pub fn of(path: Option<&'a str>) -> Result<Self, Failure> {
        path.map(check_page).transpose()?;
        Ok(PageFile(path))
    }

    /// Draws and writes the page, where one is wanted; says where it is.
    pub fn store(
        &self,
        draw: impl FnOnce(&Session<'_>) -> Result<String, unhat_report::Error>,
        session: &mut Session<'_>,
    ) -> Result<(), Failure> {
        let Some(path) = self.0 else { return Ok(()) };
        let page =
            draw(session).map_err(|e| ErrorKind::Numerical { reason: format!("the report cannot be drawn: {e}") })?;
        write_page(path, &page)?;
        session.summary(&format!("report: {path}"));
        Ok(())
    }
}

/// The program and this run of it.
pub(crate) fn tool(session: &Session<'_>) -> Tool {
    Tool {
        name: "unhat".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        command: command_line(),
        seed: session.common.seed,
        threads: session.threads() as u32,
        wall_s: session.seconds(),
    }
}

/// The words of this call, as a shell takes them.
pub(crate) fn command_line() -> String {
    std::iter::once("unhat".to_string())
        .chain(std::env::args_os().skip(1).map(|word| quoted(printable(&text_of(word)).into_owned())))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a shell takes it: between quotes where it holds anything that means something to one.
fn quoted(word: String) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=:+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The present, as RFC 3339 in UTC.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// What a file is called where nobody asks in which folder it lies.
pub(crate) fn file_name(path: &str) -> String {
    match path {
        "-" => "standard input".into(),
        path => {
            let name = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
            printable(&name).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_command_are_quoted_where_a_shell_would_take_them_apart() {
        let words = ["--top", "1e-3,2", "a b.csv", "it's", "$x", ""].map(|word| quoted(word.into()));
        assert_eq!(words, ["--top", "1e-3,2", "'a b.csv'", r"'it'\''s'", "'$x'", "''"]);
    }
}
