//! A table that stands at its first row: its columns by name, where row names are, and how its numbers are written.

use super::dialect::{Delimiter, Dialect, RowNames};
use super::numbers::NumberFormat;
use super::recognise::recognise;
use crate::fault::{Checked, Fault, listed, shown};
use crate::records::Records;
use csv::StringRecord;
use std::collections::HashMap;
use std::io::Read;

/// A table whose first row is the present record.
pub(crate) struct Opened<R> {
    records: Records<R>,
    pub columns: Columns,
    pub numbers: NumberFormat,
    /// The column that holds row names for sure.
    pub names_column: Option<usize>,
    pub notes: Vec<String>,
    delimiter: Delimiter,
    comment: bool,
}

/// The columns of a table, by name where there is a header.
pub(crate) struct Columns {
    pub header: Option<Vec<String>>,
    pub width: usize,
}

/// Opens a table; rows are to be taken with [`Opened::row`] and [`Opened::next`].
pub(crate) fn open<R: Read>(text: R, default: Delimiter, dialect: &Dialect) -> Checked<Opened<impl Read + use<R>>> {
    let (found, text) = recognise(text, default, dialect)?;
    let mut records = Records::new(text, found.delimiter.byte());
    if !records.next()? {
        return Err(Fault::new("the file holds no row"));
    }
    let comment = records.record().get(0).is_some_and(|cell| cell.trim_start().starts_with('#'));
    let mut header = None;
    if found.has_header {
        let mut names: Vec<String> = records.record().iter().map(|cell| cell.trim().to_string()).collect();
        if found.short_header {
            names.insert(0, String::new());
        }
        records.is_header();
        if !records.next()? {
            return Err(Fault::new("found a header but no rows, expected at least one row"));
        }
        header = Some(names);
    }
    let width = header.as_ref().map_or(records.record().len(), Vec::len);
    let columns = Columns { header, width };
    columns.require_distinct_names()?;
    let unnamed_first = columns.header.as_ref().is_some_and(|names| names[0].is_empty());
    let names_column = match &dialect.row_names {
        RowNames::None => None,
        RowNames::Column(name) => {
            Some(columns.find(name).map_err(|reason| Fault::new(format!("--row-names: {reason}")))?)
        }
        RowNames::Automatic => unnamed_first.then_some(0),
    };
    if names_column.is_some() && width == 1 {
        return Err(Fault::new("found row names but no column beside them"));
    }
    let mut notes = found.notes;
    if let Some(column) = names_column {
        notes.push(format!("row names: {}", columns.phrase(column)));
    }
    Ok(Opened { records, columns, numbers: found.numbers, names_column, notes, delimiter: found.delimiter, comment })
}

impl<R: Read> Opened<R> {
    /// The present row, as wide as all others.
    pub fn row(&self) -> Checked<&StringRecord> {
        let record = self.records.record();
        let width = self.columns.width;
        if record.len() == width {
            return Ok(record);
        }
        let advice =
            if record.len() == width + 1 && record.iter().next_back().is_some_and(|cell| cell.trim().is_empty()) {
                "; is there a delimiter too many at the end?".to_string()
            } else if self.comment {
                "; is line 1 a comment? remove it".to_string()
            } else {
                format!("; cells are separated by {} here, --delimiter says otherwise", self.delimiter.name())
            };
        let reason = format!("found {} cells, expected {width} as in the first line{advice}", record.len());
        Err(Fault::at(self.records.position(), reason))
    }

    /// Steps to the next row; false after the last.
    pub fn next(&mut self) -> Checked<bool> {
        self.records.next()
    }

    /// Number of rows up to the present one.
    pub fn count(&self) -> usize {
        self.records.rows()
    }
}

impl Columns {
    fn require_distinct_names(&self) -> Checked<()> {
        let mut seen = HashMap::new();
        for (k, name) in self.header.iter().flatten().enumerate().filter(|(_, name)| !name.is_empty()) {
            if let Some(first) = seen.insert(name, k) {
                let reason = format!(
                    "several columns are named {}: {} and {}; give each a name of its own",
                    shown(name),
                    first + 1,
                    k + 1
                );
                return Err(Fault::at("line 1", reason));
            }
        }
        Ok(())
    }

    /// The column of a name, or of a number where there is no header; the reason why there is none.
    pub fn find(&self, name: &str) -> Result<usize, String> {
        let Some(header) = &self.header else {
            return match name.trim().parse::<usize>() {
                Ok(number) if (1..=self.width).contains(&number) => Ok(number - 1),
                _ => Err(format!(
                    "found {}, expected a number from 1 to {}: the table has no header",
                    shown(name),
                    self.width
                )),
            };
        };
        let name = name.trim();
        let place = header.iter().position(|n| !name.is_empty() && n == name);
        place.ok_or_else(|| format!("there is no column {}; the table has {}", shown(name), listed(header)))
    }

    /// The name of a column; None where it has none.
    pub fn name(&self, column: usize) -> Option<&str> {
        self.header.as_ref().and_then(|names| names.get(column)).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// A column as messages call it.
    pub fn phrase(&self, column: usize) -> String {
        match self.name(column) {
            Some(name) => format!("column {}", shown(name)),
            None => format!("column {}", column + 1),
        }
    }
}

/// The first two rows of one name, counted from 1.
pub(crate) fn repeated(names: &[String]) -> Option<(usize, usize)> {
    let mut seen = HashMap::with_capacity(names.len());
    names.iter().enumerate().find_map(|(row, name)| seen.insert(name.as_str(), row + 1).map(|first| (first, row + 1)))
}

/// Row names are distinct.
pub(crate) fn require_distinct(names: &[String], column: &str) -> Checked<()> {
    match repeated(names) {
        None => Ok(()),
        Some((first, second)) => Err(Fault::at(
            format!("row {second}, {column}"),
            format!(
                "found {} as in row {first}, expected row names that differ: --row-names names another column, or none",
                shown(&names[second - 1])
            ),
        )),
    }
}
