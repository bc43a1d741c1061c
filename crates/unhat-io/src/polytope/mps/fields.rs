//! The fields of a line of an MPS file: words, or, where names hold blanks, fixed columns of characters.

use crate::fault::Checked;
use crate::table::fortran_number;
use std::ops::Range;

/// The characters of the six fields in fixed format: kind, name, name, number, name, number.
const FIXED: [Range<usize>; 6] = [1..3, 4..12, 14..22, 24..36, 39..47, 49..61];

/// How the lines of a file are divided into fields: into words, until one line makes sense in fixed columns only.
#[derive(Default)]
pub(super) struct Layout {
    fixed: bool,
}

/// A name, and one or two further names each with a number.
pub(super) struct Pairs<'a> {
    /// Of the column or the set; empty where a set has none.
    pub name: &'a str,
    first: (&'a str, &'a str),
    second: Option<(&'a str, &'a str)>,
}

/// A line of section BOUNDS.
pub(super) struct BoundFields<'a> {
    /// LO, UP, …
    pub kind: &'a str,
    /// The name of the set; empty where it has none.
    pub set: &'a str,
    pub column: &'a str,
    pub value: Option<&'a str>,
}

impl Layout {
    /// The kind and the name of a row.
    pub fn row<'a>(&mut self, line: &'a str) -> Option<[&'a str; 2]> {
        let fixed = || match fixed(line)? {
            [kind, name, "", "", "", ""] if !kind.is_empty() && !name.is_empty() => Some([kind, name]),
            _ => None,
        };
        self.choose(words(line)[..].try_into().ok(), fixed, |_| true)
    }

    /// A column with the rows it has coefficients in.
    pub fn column<'a>(&mut self, line: &'a str) -> Option<Pairs<'a>> {
        let by_words = match words(line)[..] {
            [name, ref entries @ ..] => Pairs::of_words(name, entries),
            [] => None,
        };
        self.choose(by_words, || Pairs::of_fixed(line).filter(|pairs| !pairs.name.is_empty()), Pairs::has_numbers)
    }

    /// A set, which need not have a name, with its rows.
    pub fn set<'a>(&mut self, line: &'a str) -> Option<Pairs<'a>> {
        let words = words(line);
        let by_words = match words[..] {
            [name, ref entries @ ..] if words.len() % 2 == 1 => Pairs::of_words(name, entries),
            ref entries => Pairs::of_words("", entries),
        };
        self.choose(by_words, || Pairs::of_fixed(line), Pairs::has_numbers)
    }

    /// A bound. What is a column decides between words that may be left out.
    pub fn bound<'a>(&mut self, line: &'a str, is_column: impl Fn(&str) -> bool) -> Option<BoundFields<'a>> {
        let by_words = match words(line)[..] {
            [kind, column] => Some(BoundFields { kind, set: "", column, value: None }),
            [kind, set, column] if is_column(column) && !(is_column(set) && is_number(column)) => {
                Some(BoundFields { kind, set, column, value: None })
            }
            [kind, column, value] => Some(BoundFields { kind, set: "", column, value: Some(value) }),
            [kind, set, column, value] => Some(BoundFields { kind, set, column, value: Some(value) }),
            _ => None,
        };
        let fixed = || match fixed(line)? {
            [kind, set, column, value, "", ""] if !kind.is_empty() && !column.is_empty() => {
                Some(BoundFields { kind, set, column, value: Some(value).filter(|value| !value.is_empty()) })
            }
            _ => None,
        };
        self.choose(by_words, fixed, |bound| is_column(bound.column) && bound.value.is_none_or(is_number))
    }

    /// The first division that is plausible, else the first that is one at all.
    fn choose<T>(
        &mut self,
        by_words: Option<T>,
        fixed: impl FnOnce() -> Option<T>,
        plausible: impl Fn(&T) -> bool,
    ) -> Option<T> {
        if !self.fixed && by_words.as_ref().is_some_and(&plausible) {
            return by_words;
        }
        let fixed = fixed();
        if fixed.as_ref().is_some_and(&plausible) {
            self.fixed = true;
            return fixed;
        }
        by_words.or(fixed)
    }
}

impl<'a> Pairs<'a> {
    fn of_words(name: &'a str, entries: &[&'a str]) -> Option<Self> {
        match *entries {
            [row, value] => Some(Pairs { name, first: (row, value), second: None }),
            [row, value, row2, value2] => Some(Pairs { name, first: (row, value), second: Some((row2, value2)) }),
            _ => None,
        }
    }

    fn of_fixed(line: &'a str) -> Option<Self> {
        match fixed(line)? {
            ["", name, row, value, "", ""] if !row.is_empty() => {
                Some(Pairs { name, first: (row, value), second: None })
            }
            ["", name, row, value, row2, value2] if !row.is_empty() && !row2.is_empty() => {
                Some(Pairs { name, first: (row, value), second: Some((row2, value2)) })
            }
            _ => None,
        }
    }

    fn has_numbers(&self) -> bool {
        is_number(self.first.1) && self.second.is_none_or(|(_, value)| is_number(value))
    }

    /// Calls `f` with each row and its number.
    pub fn each(&self, mut f: impl FnMut(&'a str, &'a str) -> Checked<()>) -> Checked<()> {
        f(self.first.0, self.first.1)?;
        self.second.map_or(Ok(()), |(row, value)| f(row, value))
    }
}

/// What a marker line says, for example INTORG: `    M1   'MARKER'   'INTORG'`.
pub(super) fn marker(line: &str) -> Option<&str> {
    match words(line)[..] {
        [_, "'MARKER'", kind] => Some(kind.trim_matches('\'')),
        _ => None,
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_ascii_whitespace().collect()
}

/// The six fields of a line in fixed format; None if there is something between or after them.
fn fixed(line: &str) -> Option<[&str; 6]> {
    if !line.is_ascii() || line.contains('\t') {
        return None;
    }
    let part = |range: Range<usize>| line.get(range.start.min(line.len())..range.end.min(line.len())).unwrap_or("");
    let mut fields = [""; 6];
    let mut end = 0;
    for (field, range) in fields.iter_mut().zip(FIXED) {
        if !part(end..range.start).trim().is_empty() {
            return None;
        }
        end = range.end;
        *field = part(range).trim();
    }
    part(end..line.len()).trim().is_empty().then_some(fields)
}

fn is_number(word: &str) -> bool {
    fortran_number(word).is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_need_fixed_columns() {
        let mut layout = Layout::default();
        assert_eq!(layout.row(" G  R1"), Some(["G", "R1"]));
        assert!(!layout.fixed);
        assert_eq!(layout.row(" G  MY ROW"), Some(["G", "MY ROW"]));
        assert!(layout.fixed);
        let line = "    X 1       MY ROW            1.5    R1                  -2";
        let pairs = layout.column(line).unwrap();
        assert_eq!((pairs.name, pairs.first, pairs.second), ("X 1", ("MY ROW", "1.5"), Some(("R1", "-2"))));
        let bound = layout.bound(" UP B 1       X 1               4.0", |name| name == "X 1").unwrap();
        assert_eq!((bound.kind, bound.set, bound.column, bound.value), ("UP", "B 1", "X 1", Some("4.0")));
    }

    #[test]
    fn sets_need_no_name() {
        for (line, set) in [(" R1 5 R2 6", ""), (" RHS R1 5 R2 6", "RHS"), ("              R1                   5", "")]
        {
            let pairs = Layout::default().set(line).unwrap();
            assert_eq!((pairs.name, pairs.first), (set, ("R1", "5")), "{line}");
        }
        for (line, set, value) in [
            (" UP x 3", "", Some("3")),
            (" UP B x 3", "B", Some("3")),
            (" FR x", "", None),
            (" FR B x", "B", None),
            (" MI x 0", "", Some("0")),
        ] {
            let bound = Layout::default().bound(line, |name| name == "x").unwrap();
            assert_eq!((bound.column, bound.set, bound.value), ("x", set, value), "{line}");
        }
    }
}
