//! The rows of a table, one by one: numbers into the matrix, names beside it, and what is neither reported.

use super::TableOptions;
use super::layout::Layout;
use crate::fault::{Checked, Fault, listed, shown};
use crate::records::{Records, number};
use std::io::Read;
use unhat::Result;

/// A table that has been read.
pub(crate) struct ReadTable {
    /// Row-major.
    pub values: Vec<f64>,
    pub columns: usize,
    pub response: Option<Vec<f64>>,
    pub row_names: Option<Vec<String>>,
    pub column_names: Option<Vec<String>>,
    pub notes: Vec<String>,
}

/// Reads a table; `path` is for messages.
pub(crate) fn read(path: &str, text: impl Read, delimiter: u8, options: &TableOptions) -> Result<ReadTable> {
    let mut records = Records::new(text, delimiter);
    let header = first_line(&mut records).map_err(|f| f.in_input(path))?;
    let cells = records.record().len();
    let layout = Layout::new(header, cells, options)?;
    Rows::new(&layout).read(&mut records, cells).and_then(|rows| rows.finish()).map_err(|f| f.in_input(path))
}

/// Steps to the first line, and returns its cells if they are a header: if one of them is no number.
fn first_line(records: &mut Records<impl Read>) -> Checked<Option<Vec<String>>> {
    if !records.next()? {
        return Err(Fault::new("the file holds no row"));
    }
    if records.record().iter().all(|cell| number(cell).is_some()) {
        return Ok(None);
    }
    let header = records.record().iter().map(|cell| cell.trim().to_string()).collect();
    records.is_header();
    Ok(Some(header))
}

/// What a column has held so far; text and numbers in one column are an error, whichever comes first.
enum Kind {
    Unseen,
    Numbers,
    Text { row: usize, cell: String },
    NotFinite { row: usize, cell: String },
}

struct Rows<'a> {
    layout: &'a Layout,
    values: Vec<f64>,
    /// One for each of `layout.sources`.
    kinds: Vec<Kind>,
    /// The cells of the first column, as long as they may be names of rows.
    names: Option<Vec<String>>,
    count: usize,
}

impl<'a> Rows<'a> {
    fn new(layout: &'a Layout) -> Self {
        let kinds = layout.sources.iter().map(|_| Kind::Unseen).collect();
        Rows { layout, values: Vec::new(), kinds, names: Some(Vec::new()), count: 0 }
    }

    fn read(mut self, records: &mut Records<impl Read>, cells: usize) -> Checked<Self> {
        if self.layout.header.is_some() && !records.next()? {
            return Err(Fault::new("found a header but no rows, expected at least one row"));
        }
        loop {
            let record = records.record();
            if record.len() != cells {
                let reason = format!("found {} cells, expected {cells} as in the first line", record.len());
                return Err(Fault::at(records.position(), reason));
            }
            self.count = records.rows();
            self.collect_name(&record[0]);
            if self.layout.intercept {
                self.values.push(1.0);
            }
            for (slot, &column) in self.layout.sources.iter().enumerate() {
                let value = self.collect_cell(slot, column, &record[column])?;
                self.values.push(value);
            }
            if !records.next()? {
                return Ok(self);
            }
        }
    }

    fn collect_name(&mut self, cell: &str) {
        if let Some(names) = &mut self.names {
            if self.layout.unnamed_first || number(cell).is_none() {
                names.push(cell.trim().to_string());
            } else {
                self.names = None;
            }
        }
    }

    /// The number in a cell; of a column that so far holds none, only what kind it is.
    fn collect_cell(&mut self, slot: usize, column: usize, cell: &str) -> Checked<f64> {
        let found = match number(cell) {
            Some(value) if value.is_finite() => {
                if !matches!(self.kinds[slot], Kind::Numbers) {
                    self.require_numbers(&self.kinds[slot], column)?;
                    self.kinds[slot] = Kind::Numbers;
                }
                return Ok(value);
            }
            Some(_) => Kind::NotFinite { row: self.count, cell: cell.to_string() },
            None => Kind::Text { row: self.count, cell: cell.to_string() },
        };
        match (&self.kinds[slot], &found) {
            (Kind::Numbers, _) => self.require_numbers(&found, column)?,
            (Kind::Unseen, _) | (Kind::NotFinite { .. }, Kind::Text { .. }) => self.kinds[slot] = found,
            _ => {}
        }
        Ok(0.0)
    }

    /// The error of a column that should hold numbers.
    fn require_numbers(&self, kind: &Kind, column: usize) -> Checked<()> {
        let (row, cell, expected) = match kind {
            Kind::Unseen | Kind::Numbers => return Ok(()),
            Kind::Text { row, cell } => (row, cell, "a number"),
            Kind::NotFinite { row, cell } => (row, cell, "a finite number"),
        };
        let found = if cell.trim().is_empty() { "an empty cell".to_string() } else { shown(cell) };
        Err(Fault::at(
            format!("row {row}, {}", self.layout.column_phrase(column)),
            format!("found {found}, expected {expected}: leave the column out, or remove the row"),
        ))
    }

    /// Takes out what does not belong into the matrix: columns of text, and the response.
    fn finish(mut self) -> Checked<ReadTable> {
        let layout = self.layout;
        let width = layout.width();
        let mut kept = vec![true; width];
        let mut left_out = Vec::new();
        for (slot, (kind, &column)) in self.kinds.iter().zip(&layout.sources).enumerate() {
            let is_response = layout.response == Some(slot);
            match kind {
                Kind::Text { .. } if !layout.chosen && !is_response => {
                    kept[usize::from(layout.intercept) + slot] = false;
                    if column > 0 || self.names.is_none() {
                        left_out.push(column);
                    }
                }
                _ => self.require_numbers(kind, column)?,
            }
        }
        let response = layout.response.map(|slot| {
            let slot = usize::from(layout.intercept) + slot;
            kept[slot] = false;
            self.values.iter().skip(slot).step_by(width).copied().collect()
        });
        let columns = kept.iter().filter(|&&kept| kept).count();
        if columns == 0 {
            return Err(self.no_matrix());
        }
        if columns < width {
            let mut slots = kept.iter().cycle();
            self.values.retain(|_| slots.next().is_some_and(|&kept| kept));
        }
        Ok(ReadTable {
            values: self.values,
            columns,
            response,
            row_names: self.names,
            column_names: layout.header.as_ref().map(|header| {
                let intercept = layout.intercept.then(|| "(Intercept)".to_string());
                let names = layout.sources.iter().map(|&column| header[column].clone());
                let all = intercept.into_iter().chain(names);
                all.zip(&kept).filter(|&(_, &kept)| kept).map(|(name, _)| name).collect()
            }),
            notes: note_left_out(layout, &left_out),
        })
    }

    fn no_matrix(&self) -> Fault {
        let semicolons = self.layout.header.as_ref().is_some_and(|names| names.iter().any(|name| name.contains(';')));
        Fault::new(if semicolons {
            "found no column of numbers, but semicolons: separate the cells by commas (.csv) or tabs (.tsv)"
        } else {
            "found no column of numbers for the matrix, expected at least one"
        })
    }
}

fn note_left_out(layout: &Layout, columns: &[usize]) -> Vec<String> {
    if columns.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = columns
        .iter()
        .map(|&column| match &layout.header {
            Some(header) if !header[column].is_empty() => header[column].clone(),
            _ => (column + 1).to_string(),
        })
        .collect();
    let noun = if names.len() == 1 { "column" } else { "columns" };
    vec![format!("left out {noun} {}: text, no numbers", listed(&names))]
}
