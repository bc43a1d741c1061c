//! Delimited text, record by record, with what a lenient parser would let pass: open quotes, empty lines, other encodings.

use crate::fault::{Checked, Fault};
use csv::{ErrorKind, ReaderBuilder, StringRecord};
use std::io::{self, Read};

/// Bytes fetched at once.
const BUFFER: usize = 1 << 16;

/// The records of a text, which may differ in length.
pub(crate) struct Records<R> {
    reader: csv::Reader<Watched<R>>,
    record: StringRecord,
    row: usize,
}

impl<R: Read> Records<R> {
    /// Cells separated by `delimiter`, quoted as RFC 4180 says.
    pub fn new(text: R, delimiter: u8) -> Self {
        let watched = Watched { text, quotes: 0, last: None };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(watched);
        Records { reader, record: StringRecord::new(), row: 0 }
    }

    /// Steps to the next record; false after the last.
    pub fn next(&mut self) -> Checked<bool> {
        let line = self.reader.position().line();
        self.row += 1;
        let more = self.reader.read_record(&mut self.record).map_err(|e| self.translate(e))?;
        if !more {
            self.row -= 1;
            return self.require_closed_quotes().map(|()| false);
        }
        let lines = self.reader.position().line() - line;
        if lines > 1 && lines > 1 + self.line_breaks_in_cells() {
            return Err(Fault::at(self.position(), "found an empty line, expected a row: remove the line"));
        }
        Ok(true)
    }

    /// The present record.
    pub fn record(&self) -> &StringRecord {
        &self.record
    }

    /// Says that the present record is a header: rows are counted from the next one on.
    pub fn is_header(&mut self) {
        self.row = 0;
    }

    /// Number of rows so far.
    pub fn rows(&self) -> usize {
        self.row
    }

    /// The present row, 1-based, for messages.
    pub fn position(&self) -> String {
        format!("row {}", self.row)
    }

    fn line_breaks_in_cells(&self) -> u64 {
        self.record.as_slice().bytes().filter(|&b| b == b'\n').count() as u64
    }

    fn require_closed_quotes(&self) -> Checked<()> {
        if self.reader.get_ref().quotes.is_multiple_of(2) {
            return Ok(());
        }
        Err(Fault::at(
            self.position(),
            "found an odd number of quotes up to the end of the file: a quoted cell is not closed",
        ))
    }

    fn translate(&self, error: csv::Error) -> Fault {
        match error.into_kind() {
            ErrorKind::Io(e) => Fault::from(e).within(&self.position()),
            ErrorKind::Utf8 { .. } => {
                Fault::at(self.position(), "found bytes that are not UTF-8: save the file again as UTF-8")
            }
            other => Fault::at(self.position(), format!("cannot be read: {other:?}")),
        }
    }
}

/// Passes a text on, counts its quotes, and ends its last line if it does not end by itself.
struct Watched<R> {
    text: R,
    quotes: usize,
    last: Option<u8>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(buffer)?;
        if let Some(&last) = buffer[..count].last() {
            self.quotes += buffer[..count].iter().filter(|&&b| b == b'"').count();
            self.last = Some(last);
            return Ok(count);
        }
        match self.last {
            Some(last) if last != b'\n' && !buffer.is_empty() => {
                self.last = Some(b'\n');
                buffer[0] = b'\n';
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

/// The number that a cell holds, if it holds one; it may be NaN or infinite.
pub(crate) fn number(cell: &str) -> Option<f64> {
    cell.trim_ascii().parse().ok()
}
