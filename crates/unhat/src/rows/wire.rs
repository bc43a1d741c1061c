//! Numbers as bytes, little-endian, for what travels between processes.

use crate::error::{Error, ErrorKind, Result};

/// Bytes that are written.
///
/// # Examples
/// ```
/// use unhat::rows::{Reader, Writer};
/// let mut to = Writer::default();
/// to.numbers(&[0.5, 1.5]);
/// assert_eq!(Reader::of(&to.bytes()).numbers()?, [0.5, 1.5]);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A whole number.
    pub fn word(&mut self, word: u64) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    /// Text and its length.
    pub fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Numbers and their count.
    pub fn numbers(&mut self, values: &[f64]) {
        self.word(values.len() as u64);
        values.iter().for_each(|v| self.0.extend_from_slice(&v.to_le_bytes()));
    }

    /// Numbers that may be missing.
    pub fn optional(&mut self, values: Option<&[f64]>) {
        self.word(values.is_some().into());
        self.numbers(values.unwrap_or_default());
    }

    /// Whole numbers and their count.
    pub fn words(&mut self, values: &[usize]) {
        self.word(values.len() as u64);
        values.iter().for_each(|&v| self.word(v as u64));
    }

    /// What was written.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes that are read; what is cut short is an error.
///
/// # Examples
/// ```
/// assert!(unhat::rows::Reader::of(&[1, 0, 0]).word().is_err()); // eight bytes are a word
/// ```
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads these bytes from their beginning.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    fn taken(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count).ok_or_else(cut_short)?;
        self.0 = tail;
        Ok(head)
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] where the bytes end; so do all others here.
    pub fn word(&mut self) -> Result<u64> {
        let bytes = self.taken(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| cut_short())?))
    }

    /// A count of things of some bytes each that are still to come.
    fn count(&mut self, size: usize) -> Result<usize> {
        let count = usize::try_from(self.word()?).map_err(|_| cut_short())?;
        match count.checked_mul(size) {
            Some(bytes) if bytes <= self.0.len() => Ok(count),
            _ => Err(cut_short()),
        }
    }

    /// Text.
    ///
    /// # Errors
    /// As [`word`](Self::word).
    pub fn text(&mut self) -> Result<&'a str> {
        let count = self.count(1)?;
        std::str::from_utf8(self.taken(count)?).map_err(|_| cut_short())
    }

    /// Numbers.
    ///
    /// # Errors
    /// As [`word`](Self::word).
    pub fn numbers(&mut self) -> Result<Vec<f64>> {
        let count = self.count(8)?;
        let value = |bytes: &[u8]| bytes.try_into().map(f64::from_le_bytes).map_err(|_| cut_short());
        self.taken(8 * count)?.chunks_exact(8).map(value).collect()
    }

    /// Numbers that may be missing.
    ///
    /// # Errors
    /// As [`word`](Self::word).
    pub fn optional(&mut self) -> Result<Option<Vec<f64>>> {
        let there = self.word()? != 0;
        let values = self.numbers()?;
        Ok(there.then_some(values))
    }

    /// Whole numbers.
    ///
    /// # Errors
    /// As [`word`](Self::word).
    pub fn words(&mut self) -> Result<Vec<usize>> {
        let count = self.count(8)?;
        (0..count).map(|_| usize::try_from(self.word()?).map_err(|_| cut_short())).collect()
    }

    /// An error if something is left.
    ///
    /// # Errors
    /// [`ErrorKind::Source`].
    pub fn end(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(cut_short()) }
    }
}

fn cut_short() -> Error {
    let reason = "found other bytes than this version of unhat writes; run the same version everywhere".into();
    ErrorKind::Source { path: "work of another process".into(), position: None, reason }.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;

    #[test]
    fn what_was_written_is_read_and_any_end_that_comes_early_is_an_error() {
        let mut writer = Writer::default();
        writer.text("σ");
        writer.numbers(&[1.5, f64::MIN_POSITIVE, -0.0]);
        writer.optional(None);
        writer.optional(Some(&[]));
        writer.words(&[3, 0]);
        let bytes = writer.bytes();
        let read = |bytes: &[u8]| -> Result<_> {
            let mut reader = Reader::of(bytes);
            let found = (
                reader.text()?.to_string(),
                reader.numbers()?,
                reader.optional()?,
                reader.optional()?,
                reader.words()?,
            );
            reader.end()?;
            Ok(found)
        };
        let (text, numbers, none, some, words) = read(&bytes).unwrap();
        assert_eq!((text.as_str(), none, some, words), ("σ", None, Some(vec![]), vec![3, 0]));
        assert_eq!(
            numbers.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
            [1.5, f64::MIN_POSITIVE, -0.0].map(f64::to_bits)
        );
        assert!((0..bytes.len()).all(|end| read(&bytes[..end]).is_err()));
        assert!(read(&[bytes.as_slice(), &[0]].concat()).is_err());
        let mut long = Writer::default();
        long.word(u64::MAX);
        assert!(Reader::of(&long.bytes()).numbers().is_err());
    }
}
