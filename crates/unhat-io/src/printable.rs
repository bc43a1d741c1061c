//! Words from files and options on their way to a terminal: what would steer it is shown instead.

use crate::system::byte_of;
use std::borrow::Cow;

/// Text in which no character moves a cursor, changes a colour or the direction of writing, or breaks the line: control
/// characters, line separators and marks of direction are written as `\u{1b}`, bytes that are no UTF-8 as `\xff`.
pub fn printable(text: &str) -> Cow<'_, str> {
    shown_unless(text, |_| false)
}

/// The same for text of several lines: line feeds and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    shown_unless(text, |sign| matches!(sign, '\n' | '\t'))
}

fn shown_unless(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_harmless = |sign: char| stays(sign) || !(steers(sign) || byte_of(sign).is_some());
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for sign in text.chars() {
        match byte_of(sign) {
            _ if is_harmless(sign) => shown.push(sign),
            Some(byte) => shown += &format!("\\x{byte:02x}"),
            None if matches!(sign, '\n' | '\r' | '\t') => shown.extend(sign.escape_default()),
            None => shown.extend(sign.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is an order to a terminal rather than a sign on it.
pub fn steers(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
        || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a spreadsheet would take the cell for a formula: it begins with `=`, `+`, `-`, `@`, a tab or a line end, and is no
/// number.
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.trim().parse::<f64>().is_err()
}

/// The cell with an apostrophe before what would be a formula.
pub(crate) fn unexecuted(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\u{9b}1m\u{202e}\u{7f}"), r"a\u{1b}[2Jb\r\nc\u{9b}1m\u{202e}\u{7f}");
        assert_eq!(printable_lines("é\n\tü\u{7}"), "é\n\tü\\u{7}");
        assert!(matches!(printable("plain \"text\" é \\"), Cow::Borrowed(_)));
    }

    #[test]
    fn numbers_are_no_formulas() {
        for cell in ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "-"] {
            assert!(is_formula(cell), "{cell}");
        }
        for cell in ["-1.5", "+3", "1=1", "", "-1e-300", "-inf"] {
            assert!(!is_formula(cell), "{cell}");
        }
    }
}
