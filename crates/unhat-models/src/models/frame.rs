//! A table with columns of numbers and of text, some cells missing: what a file or a program hands over to be encoded.

use std::collections::HashMap;
use unhat::{ErrorKind, Result};

/// One column. A missing cell is NaN among numbers, [`TextColumn::MISSING`] among text.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers; NaN where missing.
    Numbers(Vec<f64>),
    /// Words.
    Text(TextColumn),
}

impl Column {
    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Column::Numbers(values) => values.len(),
            Column::Text(text) => text.codes.len(),
        }
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Text as numbers of its different words: a column of few words is small whatever its length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextColumn {
    /// The words in the order of their first appearance.
    pub words: Vec<String>,
    /// For each row the position of its word.
    pub codes: Vec<u32>,
    positions: HashMap<String, u32>,
}

impl TextColumn {
    /// The code of a missing cell.
    pub const MISSING: u32 = u32::MAX;

    /// From one word a row, None where missing.
    pub fn new<'a>(cells: impl IntoIterator<Item = Option<&'a str>>) -> TextColumn {
        let mut column = TextColumn::default();
        cells.into_iter().for_each(|cell| column.push(cell));
        column
    }

    /// Adds a row.
    pub fn push(&mut self, cell: Option<&str>) {
        let code = match cell {
            None => TextColumn::MISSING,
            Some(word) => match self.positions.get(word) {
                Some(&code) => code,
                None => {
                    let code = self.words.len() as u32;
                    self.words.push(word.to_string());
                    self.positions.insert(word.to_string(), code);
                    code
                }
            },
        };
        self.codes.push(code);
    }

    /// The word of a row; None where missing.
    pub fn word(&self, row: usize) -> Option<&str> {
        self.words.get(self.codes[row] as usize).map(String::as_str)
    }
}

/// A table: named columns of one length.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
    /// Names of the rows, where there are any.
    pub row_names: Option<Vec<String>>,
}

impl Frame {
    /// A table of these columns.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for columns of different lengths, no column, no row; [`ErrorKind::Option`] for two columns of
    /// one name, since columns are matched by their names; [`ErrorKind::NotFinite`] for an infinite number.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Frame> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        if rows == 0 {
            return Err(shape("table", "at least one column and one row", format!("{} columns", columns.len())));
        }
        let (names, columns): (Vec<String>, Vec<Column>) = columns.into_iter().unzip();
        let mut seen = HashMap::new();
        for (k, (name, column)) in names.iter().zip(&columns).enumerate() {
            if column.len() != rows {
                let found = format!("{} rows", column.len());
                return Err(shape(&format!("column \"{name}\""), &format!("{rows} rows"), found));
            }
            if seen.insert(name.as_str(), k).is_some() {
                let reason = format!("several columns are named \"{name}\"; columns are matched by their names");
                return Err(ErrorKind::Option { name: "table".into(), reason }.into());
            }
            if let Column::Numbers(values) = column
                && let Some(row) = values.iter().position(|v| v.is_infinite())
            {
                let what = format!("column \"{name}\"");
                return Err(ErrorKind::NotFinite { what, row, column: Some(k), found: values[row] }.into());
            }
        }
        Ok(Frame { names, columns, rows, row_names: None })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// These rows in this order. They keep their labels: their names, or their numbers in this table.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Frame {
        let columns = self.columns.iter().map(|column| match column {
            Column::Numbers(values) => Column::Numbers(rows.iter().map(|&row| values[row]).collect()),
            Column::Text(text) => Column::Text(TextColumn::new(rows.iter().map(|&row| text.word(row)))),
        });
        let label =
            |&row: &usize| self.row_names.as_ref().map_or_else(|| (row + 1).to_string(), |names| names[row].clone());
        Frame {
            names: self.names.clone(),
            columns: columns.collect(),
            rows: rows.len(),
            row_names: Some(rows.iter().map(label).collect()),
        }
    }

    /// The same table without a column.
    #[must_use]
    pub fn without(&self, name: &str) -> Frame {
        let kept = |k: &usize| self.names[*k] != name;
        Frame {
            names: (0..self.names.len()).filter(kept).map(|k| self.names[k].clone()).collect(),
            columns: (0..self.names.len()).filter(kept).map(|k| self.columns[k].clone()).collect(),
            rows: self.rows,
            row_names: self.row_names.clone(),
        }
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns, in the order of their names.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The position of a column.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] under the name `what` if there is none of this name.
    pub fn position(&self, what: &str, name: &str) -> Result<usize> {
        self.names.iter().position(|n| n == name).ok_or_else(|| {
            let reason = format!("there is no column \"{name}\"; the table has {}", listed(&self.names));
            ErrorKind::Option { name: what.to_string(), reason }.into()
        })
    }
}

/// Names as they appear in a message, at most about three lines of a terminal.
pub(super) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut list = names.iter().take(SHOWN).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        list += &format!(", … ({} in all)", names.len());
    }
    list
}

pub(super) fn shape(what: &str, expected: &str, found: String) -> unhat::Error {
    ErrorKind::Shape { what: what.to_string(), expected: expected.to_string(), found }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_once_and_missing_cells_have_none() {
        let column = TextColumn::new([Some("b"), None, Some("a"), Some("b")]);
        assert_eq!(column.words, ["b", "a"]);
        assert_eq!(column.codes, [0, TextColumn::MISSING, 1, 0]);
        assert_eq!((column.word(1), column.word(2)), (None, Some("a")));
    }

    #[test]
    fn tables_that_are_none_are_refused() {
        let numbers = |values: &[f64]| Column::Numbers(values.to_vec());
        let named = |columns: &[(&str, Column)]| {
            Frame::new(columns.iter().map(|(n, c)| (n.to_string(), c.clone())).collect()).unwrap_err().kind().name()
        };
        assert_eq!(named(&[]), "shape");
        assert_eq!(named(&[("a", numbers(&[]))]), "shape");
        assert_eq!(named(&[("a", numbers(&[1.0])), ("b", numbers(&[1.0, 2.0]))]), "shape");
        assert_eq!(named(&[("a", numbers(&[1.0])), ("a", numbers(&[2.0]))]), "option");
        assert_eq!(named(&[("a", numbers(&[1.0, f64::INFINITY]))]), "not_finite");
        let frame = Frame::new(vec![("a".into(), numbers(&[f64::NAN]))]).unwrap();
        let error = frame.position("response", "y").unwrap_err().to_string();
        assert_eq!(error, "response: there is no column \"y\"; the table has \"a\"");
    }
}
