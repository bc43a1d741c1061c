//! The header of a NumPy array: magic bytes, a version, a length, and a Python dictionary of three fields.

use super::number::Number;
use crate::fault::{Checked, Fault, listed, shown};
use std::io::Read;
use std::ops::Range;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest dictionary read: what version 1 can hold. An array of real numbers needs a hundred bytes; versions 2 and 3
/// exist for records with many fields.
const LONGEST_DICTIONARY: usize = 65_535;

/// What the header says.
#[derive(Debug)]
pub(crate) struct Header {
    descr: String,
    /// Column-major, "Fortran order".
    pub by_column: bool,
    shape: Vec<usize>,
    /// Bytes before the numbers.
    length: usize,
}

impl Header {
    /// Reads up to the first number.
    pub fn read(source: &mut impl Read) -> Checked<Self> {
        let early = |what: &str| Fault::new(format!("ends within {what}, expected a NumPy array"));
        let mut magic = [0; 8];
        if read_up_to(source, &mut magic)? < 8 {
            return Err(early("its first 8 bytes"));
        }
        if magic[..6] != *MAGIC {
            return Err(Fault::new("does not begin like a NumPy array (\\x93NUMPY): is the suffix right?"));
        }
        let version = magic[6];
        if !(1..=3).contains(&version) {
            return Err(Fault::at("header", format!("found version {version}, expected 1, 2 or 3")));
        }
        let mut length = [0; 4];
        let width = if version == 1 { 2 } else { 4 };
        if read_up_to(source, &mut length[..width])? < width {
            return Err(early("the length of its header"));
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST_DICTIONARY {
            return Err(Fault::at(
                "header",
                format!("found a length of {length} bytes, expected at most {LONGEST_DICTIONARY}"),
            ));
        }
        let mut dictionary = vec![0; length];
        let found = read_up_to(source, &mut dictionary)?;
        if found < length {
            return Err(Fault::at(
                "header",
                format!("found {found} bytes, expected {length}: the file ends too early"),
            ));
        }
        let text = std::str::from_utf8(&dictionary).ok().filter(|text| text.is_ascii());
        let text =
            text.ok_or_else(|| Fault::at("header", "found bytes that are not ASCII, expected a Python dictionary"))?;
        let (descr, by_column, shape) = Dictionary { rest: text }.fields().map_err(|f| f.within("header"))?;
        Ok(Header { descr, by_column, shape, length: magic.len() + width + length })
    }

    /// The type of the numbers.
    pub fn number(&self) -> Checked<Number> {
        Number::parse(&self.descr)
    }

    /// Whether the bytes are, as they stand, row-major doubles of a little-endian machine.
    pub fn are_doubles_by_row(&self) -> Checked<bool> {
        Ok(self.number()?.is_little_endian_double() && !self.by_column)
    }

    /// Rows and columns of a two-dimensional array.
    pub fn matrix_shape(&self) -> Checked<(usize, usize)> {
        match self.shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            [_, _] => Err(self.wrong_shape("at least one row and one column")),
            [_] => Err(self.wrong_shape("two dimensions: reshape it to (n, 1) or (1, d)")),
            _ => Err(self.wrong_shape("two dimensions")),
        }
    }

    /// Number of values of an array that is a vector.
    pub fn vector_length(&self) -> Checked<usize> {
        match self.shape[..] {
            [0] | [0, _] | [_, 0] => Err(self.wrong_shape("at least one value")),
            [n] | [n, 1] | [1, n] => Ok(n),
            _ => Err(self.wrong_shape("a vector: (n), (n, 1) or (1, n)")),
        }
    }

    /// An error unless there are so many dimensions.
    pub fn require_dimensions(&self, dimensions: usize) -> Checked<()> {
        if self.shape.len() == dimensions { Ok(()) } else { Err(self.wrong_shape(&format!("{dimensions} dimensions"))) }
    }

    /// Bytes that the numbers should take.
    pub fn data_length(&self) -> Checked<usize> {
        let size = match self.text_size() {
            Some(size) => size,
            None => self.number()?.size(),
        };
        let mut bytes = Some(size);
        for &extent in &self.shape {
            bytes = bytes.and_then(|b| b.checked_mul(extent));
        }
        bytes.ok_or_else(|| self.wrong_shape("an array that a computer can hold"))
    }

    /// Where in a file of `file_length` bytes the numbers are.
    pub fn data_range(&self, file_length: usize) -> Checked<Range<usize>> {
        self.check_length(file_length - self.length)?;
        Ok(self.length..file_length)
    }

    /// Compares the bytes that are there with what shape and type say.
    pub fn check_length(&self, found: usize) -> Checked<()> {
        let expected = self.data_length()?;
        if found < expected {
            return Err(Fault::new(format!(
                "ends too early: found {found} bytes of numbers, expected {expected} for shape {}",
                self.shape_phrase()
            )));
        }
        if found > expected {
            return Err(Fault::new(format!(
                "more bytes follow the {expected} that shape {} takes",
                self.shape_phrase()
            )));
        }
        Ok(())
    }

    /// Bytes of a string, where the array holds short strings: `|S3` or `<U3`.
    fn text_size(&self) -> Option<usize> {
        let code = self.descr.get(1..)?;
        let (width, letters) = match code.get(..1)? {
            "S" => (1, &code[1..]),
            "U" => (4, &code[1..]),
            _ => return None,
        };
        letters.parse::<usize>().ok()?.checked_mul(width)
    }

    fn shape_phrase(&self) -> String {
        format!("({})", self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
    }

    fn wrong_shape(&self, expected: &str) -> Fault {
        Fault::at("header field \"shape\"", format!("found {}, expected {expected}", self.shape_phrase()))
    }
}

/// Fills as much of `buffer` as there are bytes.
fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> Checked<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(filled)
}

/// A reader of `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }`, in any order and spacing.
struct Dictionary<'a> {
    rest: &'a str,
}

impl<'a> Dictionary<'a> {
    fn fields(mut self) -> Checked<(String, bool, Vec<usize>)> {
        let (mut descr, mut by_column, mut shape) = (None, None, None);
        self.require("{")?;
        while !self.skip("}") {
            let key = self.string()?;
            self.require(":")?;
            let repeated = match key {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => by_column.replace(self.truth()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                _ => {
                    let known = listed(&["descr", "fortran_order", "shape"]);
                    return Err(Fault::new(format!("found field {}, expected {known}", shown(key))));
                }
            };
            if repeated {
                return Err(Fault::new(format!("found field {} twice", shown(key))));
            }
            if !self.skip(",") {
                self.require("}")?;
                break;
            }
        }
        if !self.rest.trim().is_empty() {
            return Err(self.expected("nothing after the dictionary"));
        }
        let missing = |field: &str| Fault::new(format!("field \"{field}\" is missing"));
        Ok((
            descr.ok_or_else(|| missing("descr"))?,
            by_column.ok_or_else(|| missing("fortran_order"))?,
            shape.ok_or_else(|| missing("shape"))?,
        ))
    }

    fn descr(&mut self) -> Checked<String> {
        if self.skip("[") {
            return Err(Fault::at("field \"descr\"", "found records with named fields, expected plain real numbers"));
        }
        Ok(self.string()?.to_string())
    }

    fn truth(&mut self) -> Checked<bool> {
        if self.skip("True") {
            return Ok(true);
        }
        self.require("False").map(|()| false)
    }

    fn shape(&mut self) -> Checked<Vec<usize>> {
        let mut shape = Vec::new();
        self.require("(")?;
        while !self.skip(")") {
            shape.push(self.extent()?);
            if !self.skip(",") {
                self.require(")")?;
                break;
            }
        }
        Ok(shape)
    }

    fn extent(&mut self) -> Checked<usize> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let extent =
            digits.parse().map_err(|_| self.expected("a whole number of 0 or more").within("field \"shape\""))?;
        self.rest = rest;
        self.skip("L"); // Python 2 marked long integers so.
        Ok(extent)
    }

    fn string(&mut self) -> Checked<&'a str> {
        for quote in ["'", "\""] {
            if self.skip(quote) {
                let (text, rest) = self.rest.split_once(quote).ok_or_else(|| self.expected("a closing quote"))?;
                self.rest = rest;
                return Ok(text);
            }
        }
        Err(self.expected("a quoted word"))
    }

    fn skip(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn require(&mut self, token: &str) -> Checked<()> {
        if self.skip(token) { Ok(()) } else { Err(self.expected(&format!("\"{token}\""))) }
    }

    fn expected(&self, what: &str) -> Fault {
        Fault::new(format!("found {}, expected {what}", shown(self.rest.trim())))
    }
}
