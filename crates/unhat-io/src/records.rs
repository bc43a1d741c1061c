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
    /// Whether several delimiters count as one, and those at the ends of a line as none: blanks.
    blanks: bool,
}

impl<R: Read> Records<R> {
    /// Cells separated by `delimiter`, quoted as RFC 4180 says; several blanks separate like one.
    pub fn new(text: R, delimiter: u8) -> Self {
        let watched = Watched { text, quotes: 0, last: None, passed: None };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(watched);
        Records { reader, record: StringRecord::new(), row: 0, blanks: delimiter == b' ' }
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
        if self.blanks {
            self.record = self.record.iter().filter(|cell| !cell.is_empty()).collect();
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

/// Passes a text on with every line ended by a line feed, also the last one, and counts its quotes.
struct Watched<R> {
    text: R,
    quotes: usize,
    /// The last byte of the text so far.
    last: Option<u8>,
    /// The last byte passed on.
    passed: Option<u8>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.text.read(buffer)?;
            if count == 0 {
                return Ok(self.end_last_line(buffer));
            }
            self.quotes += buffer[..count].iter().filter(|&&b| b == b'"').count();
            let count = self.with_line_feeds(&mut buffer[..count]);
            if count > 0 {
                self.passed = Some(buffer[count - 1]);
                return Ok(count);
            }
        }
    }
}

impl<R> Watched<R> {
    /// Makes carriage returns, alone or before a line feed, line feeds; returns how many bytes are left.
    fn with_line_feeds(&mut self, bytes: &mut [u8]) -> usize {
        let before = std::mem::replace(&mut self.last, bytes.last().copied());
        if before != Some(b'\r') && !bytes.contains(&b'\r') {
            return bytes.len();
        }
        let mut after_return = before == Some(b'\r');
        let mut kept = 0;
        for k in 0..bytes.len() {
            let byte = bytes[k];
            if !(byte == b'\n' && after_return) {
                bytes[kept] = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
            after_return = byte == b'\r';
        }
        kept
    }

    fn end_last_line(&mut self, buffer: &mut [u8]) -> usize {
        match (self.passed, buffer.first_mut()) {
            (Some(passed), Some(next)) if passed != b'\n' => {
                *next = b'\n';
                self.passed = Some(b'\n');
                1
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A source that gives one byte at a time, so that every pair of bytes is split once.
    struct Drop<'a>(&'a [u8]);

    impl Read for Drop<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn read(text: impl Read) -> Checked<Vec<Vec<String>>> {
        let mut records = Records::new(text, b',');
        let mut all = Vec::new();
        while records.next()? {
            all.push(records.record().iter().map(str::to_string).collect());
        }
        Ok(all)
    }

    #[test]
    fn line_ends_of_every_kind_even_mixed() {
        for text in ["1,2\n3,4", "1,2\r\n3,4\r\n", "1,2\r3,4\r", "1,2\r\n3,4\n\n\r\n", "1,2\n3,\"4\"\r\r"] {
            for records in [read(text.as_bytes()), read(Drop(text.as_bytes()))] {
                assert_eq!(records.unwrap(), [["1", "2"], ["3", "4"]], "{text:?}");
            }
        }
    }

    #[test]
    fn line_breaks_in_quotes_are_no_empty_lines() {
        let text = "\"a\n\nb\",1\r\n\"c\r\n\",\"2 \"\"x\"\"\"\r\n";
        let expected = [["a\n\nb", "1"], ["c\n", "2 \"x\""]];
        assert_eq!(read(text.as_bytes()).unwrap(), expected);
        assert_eq!(read(Drop(text.as_bytes())).unwrap(), expected);
    }

    #[test]
    fn empty_lines_and_open_quotes_are_faults() {
        for text in ["1\n\n2", "1\r\n\r\n2\r\n", "1\r\r2\r", "\n1\n", "1\n\"2\n3\n"] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
            assert!(read(Drop(text.as_bytes())).is_err(), "{text:?}");
        }
    }
}
