//! How an array stores its numbers: kind, width and byte order, from NumPy's type string.

use crate::fault::{Checked, Fault, require_memory, shown};
use half::f16;

/// A real number type of NumPy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    kind: Kind,
    high_byte_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    I1,
    I2,
    I4,
    I8,
    U1,
    U2,
    U4,
    U8,
    F2,
    F4,
    F8,
}

impl Number {
    /// Parses a type string: `<f8`, `>i4`, `|b1`.
    pub fn parse(descr: &str) -> Checked<Self> {
        let refused = |what: &str| {
            Fault::at(
                "header field \"descr\"",
                format!("found {} ({what}), expected real numbers: save the array with .astype(float)", shown(descr)),
            )
        };
        let (order, code) = match descr.chars().next() {
            Some(order @ ('<' | '>' | '|' | '=')) => (order, &descr[1..]),
            _ => return Err(refused("no type string")),
        };
        let kind = match code {
            "b1" => Kind::Bool,
            "i1" => Kind::I1,
            "i2" => Kind::I2,
            "i4" => Kind::I4,
            "i8" => Kind::I8,
            "u1" => Kind::U1,
            "u2" => Kind::U2,
            "u4" => Kind::U4,
            "u8" => Kind::U8,
            "f2" => Kind::F2,
            "f4" => Kind::F4,
            "f8" => Kind::F8,
            _ => {
                return Err(refused(match code.chars().next() {
                    Some('c') => "complex numbers",
                    Some('O') => "Python objects",
                    Some('S' | 'U' | 'a') => "text",
                    Some('M' | 'm') => "dates or time spans",
                    Some('V') => "records",
                    Some('f') => "floating point numbers of that width",
                    _ => "an unknown type",
                }));
            }
        };
        let high_byte_first = order == '>' || (order == '=' && cfg!(target_endian = "big"));
        Ok(Number { kind, high_byte_first })
    }

    /// Bytes a number takes.
    pub fn size(self) -> usize {
        match self.kind {
            Kind::Bool | Kind::I1 | Kind::U1 => 1,
            Kind::I2 | Kind::U2 | Kind::F2 => 2,
            Kind::I4 | Kind::U4 | Kind::F4 => 4,
            Kind::I8 | Kind::U8 | Kind::F8 => 8,
        }
    }

    /// Whether the bytes are little-endian doubles already.
    pub fn is_little_endian_double(self) -> bool {
        self.kind == Kind::F8 && !self.high_byte_first
    }

    /// The numbers as doubles; an integer that is none is refused.
    pub fn doubles(self, bytes: &[u8]) -> Checked<Vec<f64>> {
        require_memory("the array as doubles", (bytes.len() / self.size()) as u64 * 8)?;
        Ok(match self.kind {
            Kind::Bool => self.decode(bytes, |[b]: [u8; 1]| f64::from(b != 0)).collect(),
            Kind::I1 => self.decode(bytes, |b| f64::from(i8::from_le_bytes(b))).collect(),
            Kind::I2 => self.decode(bytes, |b| f64::from(i16::from_le_bytes(b))).collect(),
            Kind::I4 => self.decode(bytes, |b| f64::from(i32::from_le_bytes(b))).collect(),
            Kind::I8 => whole(self.decode(bytes, |b| i128::from(i64::from_le_bytes(b))))?,
            Kind::U1 => self.decode(bytes, |b| f64::from(u8::from_le_bytes(b))).collect(),
            Kind::U2 => self.decode(bytes, |b| f64::from(u16::from_le_bytes(b))).collect(),
            Kind::U4 => self.decode(bytes, |b| f64::from(u32::from_le_bytes(b))).collect(),
            Kind::U8 => whole(self.decode(bytes, |b| i128::from(u64::from_le_bytes(b))))?,
            Kind::F2 => self.decode(bytes, |b| f16::from_le_bytes(b).to_f64()).collect(),
            Kind::F4 => self.decode(bytes, |b| f64::from(f32::from_le_bytes(b))).collect(),
            Kind::F8 => self.decode(bytes, f64::from_le_bytes).collect(),
        })
    }

    /// Integers that count or point, none of them negative.
    pub fn indices(self, bytes: &[u8]) -> Checked<Vec<usize>> {
        match self.kind {
            Kind::I1 => not_negative(self.decode(bytes, |b| i128::from(i8::from_le_bytes(b)))),
            Kind::I2 => not_negative(self.decode(bytes, |b| i128::from(i16::from_le_bytes(b)))),
            Kind::I4 => not_negative(self.decode(bytes, |b| i128::from(i32::from_le_bytes(b)))),
            Kind::I8 => not_negative(self.decode(bytes, |b| i128::from(i64::from_le_bytes(b)))),
            Kind::U1 => not_negative(self.decode(bytes, |b| i128::from(u8::from_le_bytes(b)))),
            Kind::U2 => not_negative(self.decode(bytes, |b| i128::from(u16::from_le_bytes(b)))),
            Kind::U4 => not_negative(self.decode(bytes, |b| i128::from(u32::from_le_bytes(b)))),
            Kind::U8 => not_negative(self.decode(bytes, |b| i128::from(u64::from_le_bytes(b)))),
            Kind::Bool | Kind::F2 | Kind::F4 | Kind::F8 => {
                Err(Fault::at("header field \"descr\"", "found numbers that are no integers, expected int32 or int64"))
            }
        }
    }

    fn decode<const N: usize, T>(self, bytes: &[u8], number: impl Fn([u8; N]) -> T) -> impl Iterator<Item = T> {
        bytes.as_chunks::<N>().0.iter().map(move |&chunk| {
            let mut low_byte_first = chunk;
            if self.high_byte_first {
                low_byte_first.reverse();
            }
            number(low_byte_first)
        })
    }
}

fn whole(numbers: impl Iterator<Item = i128>) -> Checked<Vec<f64>> {
    let double = |(k, number): (usize, i128)| {
        let value = number as f64;
        (value as i128 == number).then_some(value).ok_or_else(|| {
            let reason = format!("found {number}, a whole number that a double cannot hold: save the array as float64");
            Fault::at(format!("entry {}", k + 1), reason)
        })
    };
    numbers.enumerate().map(double).collect()
}

fn not_negative(numbers: impl Iterator<Item = i128>) -> Checked<Vec<usize>> {
    let index = |(k, number): (usize, i128)| {
        usize::try_from(number).map_err(|_| {
            Fault::at(format!("entry {}", k + 1), format!("found {number}, expected an index of 0 or more"))
        })
    };
    numbers.enumerate().map(index).collect()
}
