//! The rows and columns of an error by the names that their file gives them.

use unhat::{Error, ErrorKind};
use unhat_io::{Matrix, printable};

/// What the rows and columns of one error are called; empty where they have numbers only.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Names {
    /// The names of its rows, in their order.
    pub rows: Vec<String>,
    /// The columns along which a direction goes, with its entries.
    pub columns: Vec<(String, f64)>,
}

/// Names listed in a message: about two lines of a terminal.
const SHOWN: usize = 12;
/// The least entry of a direction that its four digits show; the largest entry is 1.
const SHOWN_ENTRY: f64 = 5e-5;

impl Names {
    pub fn of(error: &Error, matrix: &Matrix) -> Self {
        Names::among(error.kind(), matrix.row_names.as_deref(), matrix.column_names.as_deref())
    }

    fn among(kind: &ErrorKind, row_names: Option<&[String]>, column_names: Option<&[String]>) -> Self {
        let mut names = Names::default();
        if let Some(all) = row_names {
            let rows = rows(kind);
            // A name that is the row's number says nothing new.
            if rows.iter().any(|&i| all.get(i).is_some_and(|name| *name != (i + 1).to_string())) {
                names.rows = rows.iter().filter_map(|&i| all.get(i).cloned()).collect();
            }
        }
        if let (Some(all), ErrorKind::Unattainable { direction, .. }) = (column_names, kind) {
            names.columns = entries(all.to_vec(), direction);
        }
        names
    }

    /// A direction by the names of its columns; x1, x2 and so on where they have none.
    pub fn of_direction(direction: &[f64], column_names: Option<&[String]>) -> Self {
        let numbered = || (1..=direction.len()).map(|k| format!("x{k}")).collect();
        let all = column_names.map_or_else(numbered, <[String]>::to_vec);
        Names { columns: entries(all, direction), ..Names::default() }
    }

    /// The lines under the message.
    pub fn lines(&self) -> String {
        let entries: Vec<String> = self.columns.iter().map(|(name, entry)| format!("{name} {entry:.4}")).collect();
        line("by name", &self.rows) + &line("h by name, largest first", &entries)
    }
}

/// The entries worth showing, largest first.
fn entries(names: Vec<String>, direction: &[f64]) -> Vec<(String, f64)> {
    let all = names.into_iter().zip(direction.iter().copied());
    let mut shown: Vec<_> = all.filter(|(_, entry)| entry.abs() >= SHOWN_ENTRY).collect();
    shown.sort_by(|(_, p), (_, q)| q.abs().total_cmp(&p.abs()));
    shown
}

fn rows(kind: &ErrorKind) -> Vec<usize> {
    match kind {
        ErrorKind::Empty { rows, .. } | ErrorKind::NoInterior { rows } => rows.clone(),
        ErrorKind::ZeroSlack { row } | ErrorKind::OutsideCell { row, .. } => vec![*row],
        _ => Vec::new(),
    }
}

fn line(head: &str, words: &[String]) -> String {
    if words.is_empty() {
        return String::new();
    }
    let mut text = words.iter().take(SHOWN).map(|word| printable(word)).collect::<Vec<_>>().join(", ");
    if words.len() > SHOWN {
        text += &format!(", … ({} in all)", words.len());
    }
    format!("  {head}: {text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn rows_get_their_names_unless_those_are_numbers() {
        let kind = ErrorKind::NoInterior { rows: vec![2, 0] };
        let named = Names::among(&kind, Some(&texts(&["first", "second", "third"])), None);
        assert_eq!(named.lines(), "  by name: third, first\n");
        assert_eq!(Names::among(&kind, Some(&texts(&["1", "2", "3"])), None), Names::default());
        assert_eq!(Names::among(&ErrorKind::Interrupted, Some(&texts(&["a"])), None).lines(), "");
    }

    #[test]
    fn a_direction_names_its_largest_columns_first() {
        let kind = ErrorKind::Unattainable { direction: vec![0.25, 1e-17, -1.0], slope: 0.0 };
        let named = Names::among(&kind, None, Some(&texts(&["x", "y", "z"])));
        assert_eq!(named.lines(), "  h by name, largest first: z -1.0000, x 0.2500\n");
        let numbered = Names::of_direction(&[0.25, -1.0], None);
        assert_eq!(numbered.lines(), "  h by name, largest first: x2 -1.0000, x1 0.2500\n");
    }
}
