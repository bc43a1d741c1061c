//! The lines of a text one by one, numbered for messages, and none of them of any length.

use crate::fault::{Checked, Fault, shown};
use std::io::{BufRead, BufReader, Read};

/// A text, standing at one of its lines.
pub(crate) struct Lines<R> {
    text: BufReader<R>,
    line: Vec<u8>,
    number: usize,
    comment: u8,
    longest: u64,
}

impl<R: Read> Lines<R> {
    /// Stands before the first line. Comments begin with `comment` at the start of their line; a line of more than
    /// `longest` bytes is a fault.
    pub fn new(text: R, comment: u8, longest: u64) -> Self {
        Lines { text: BufReader::new(text), line: Vec::new(), number: 0, comment, longest }
    }

    /// Steps to the next line; false after the last.
    pub fn next(&mut self) -> Checked<bool> {
        self.line.clear();
        self.number += 1;
        let place = self.position();
        let count = self
            .text
            .by_ref()
            .take(self.longest)
            .read_until(b'\n', &mut self.line)
            .map_err(|e| Fault::from(e).within(&place))?;
        if count as u64 == self.longest && !self.line.ends_with(b"\n") {
            let reason = format!("found a line of more than {} bytes, expected shorter ones", self.longest);
            return Err(Fault::at(place, reason));
        }
        Ok(count > 0)
    }

    /// Steps to the next line that is neither empty nor a comment; false after the last.
    pub fn next_with_content(&mut self) -> Checked<bool> {
        while self.next()? {
            if self.line.first() != Some(&self.comment) && !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The line as text, without blanks at its end.
    pub fn content(&self) -> Checked<&str> {
        std::str::from_utf8(self.line.trim_ascii_end())
            .map_err(|_| self.fault("found bytes that are no text, expected UTF-8".into()))
    }

    /// Splits the line into words, as many as there is room for, and returns how many there are.
    pub fn split_into<'a>(&'a self, words: &mut [&'a str]) -> Checked<usize> {
        let mut count = 0;
        for word in self.content()?.split_ascii_whitespace() {
            if let Some(room) = words.get_mut(count) {
                *room = word;
            }
            count += 1;
        }
        Ok(count)
    }

    /// The number of the line, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The line, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.line.trim_ascii()).into_owned()
    }

    /// Where the line is, for messages.
    pub fn position(&self) -> String {
        format!("line {}", self.number)
    }

    /// The fault of a line that is not `what`.
    pub fn expected(&self, what: &str) -> Fault {
        self.fault(format!("found {}, expected {what}", shown(&self.text())))
    }

    /// A fault of the line.
    pub fn fault(&self, reason: String) -> Fault {
        Fault::at(self.position(), reason)
    }
}
