//! Columns of Arrow as numbers: what a double holds exactly is taken, everything else has a reason why not.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_schema::DataType;

/// Whole numbers up to here have every neighbour among the doubles.
const EXACT: u64 = 1 << 53;
/// Powers of ten up to this one are doubles, so that a whole number divided by one is rounded once, as its text would be.
const EXACT_POWER: i8 = 22;

/// What a type of columns is to a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, and TRUE and FALSE as 1 and 0.
    Numbers,
    Text,
    /// Dates, times, bytes.
    Other,
    /// Lists, structs and maps.
    Nested,
    /// A column without a value.
    Empty,
}

impl Kind {
    pub fn of(kind: &DataType) -> Self {
        use DataType::*;
        match kind {
            Null => Kind::Empty,
            Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float16 | Float32 | Float64 => {
                Kind::Numbers
            }
            Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => Kind::Numbers,
            Utf8 | LargeUtf8 | Utf8View => Kind::Text,
            Dictionary(_, values) if Kind::of(values) == Kind::Text => Kind::Text,
            List(_) | LargeList(_) | ListView(_) | LargeListView(_) | FixedSizeList(..) | Struct(_) | Union(..)
            | Map(..) => Kind::Nested,
            _ => Kind::Other,
        }
    }
}

/// Why a cell is no number of a matrix.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    Missing,
    NotFinite(f64),
    /// A number that a double rounds.
    Rounded(String),
}

impl Refused {
    /// What was found, and what to do.
    pub fn reason(&self) -> String {
        let missing = |found: &str| format!("found {found}, expected a number: --missing omit leaves such rows out");
        match self {
            Refused::Missing => missing("a null"),
            Refused::NotFinite(value) if value.is_nan() => missing("NaN"),
            Refused::NotFinite(value) => format!("found {value}, expected a finite number"),
            Refused::Rounded(number) => format!(
                "found {number}, which a double cannot hold: write the column as doubles, or leave it out with --without"
            ),
        }
    }
}

/// Puts the numbers of a column into place `slot` of rows of `width`; else the first row that holds none, and why.
pub(super) fn put(column: &dyn Array, out: &mut [f64], slot: usize, width: usize) -> Result<(), (usize, Refused)> {
    if column.null_count() > 0 {
        let row = (0..column.len()).find(|&row| column.is_null(row)).unwrap_or(0);
        return Err((row, Refused::Missing));
    }
    let mut rows = out.chunks_exact_mut(width);
    macro_rules! floats {
        ($of:ty) => {{
            let values = column.as_primitive::<$of>().values();
            let mut whole = true;
            for (row, value) in (&mut rows).zip(values) {
                let value = f64::from(*value);
                whole &= value.is_finite();
                row[slot] = value;
            }
            match whole {
                true => Ok(()),
                false => {
                    let odd = values.iter().position(|value| !f64::from(*value).is_finite()).unwrap_or(0);
                    Err((odd, Refused::NotFinite(f64::from(values[odd]))))
                }
            }
        }};
    }
    macro_rules! integers {
        ($of:ty) => {{
            let values = column.as_primitive::<$of>().values();
            let mut exact = true;
            for (row, value) in (&mut rows).zip(values) {
                exact &= value.abs_diff(0) as u64 <= EXACT;
                row[slot] = *value as f64;
            }
            let lost = || values.iter().position(|value| (*value as f64) as i128 != *value as i128);
            match exact {
                true => Ok(()),
                false => lost().map_or(Ok(()), |row| Err((row, Refused::Rounded(values[row].to_string())))),
            }
        }};
    }
    macro_rules! decimals {
        ($of:ty, $scale:expr, $whole:expr) => {{
            let scale = *$scale;
            let values = column.as_primitive::<$of>().values();
            for (i, (row, value)) in (&mut rows).zip(values).enumerate() {
                let whole: Option<i128> = $whole(*value);
                row[slot] = match whole {
                    Some(whole) if whole.unsigned_abs() <= u128::from(EXACT) && (0..=EXACT_POWER).contains(&scale) => {
                        whole as f64 / 10f64.powi(i32::from(scale))
                    }
                    _ => return Err((i, Refused::Rounded(written::<$of>(*value, column.data_type())))),
                };
            }
            Ok(())
        }};
    }
    match column.data_type() {
        DataType::Float64 => floats!(Float64Type),
        DataType::Float32 => floats!(Float32Type),
        DataType::Float16 => floats!(Float16Type),
        DataType::Int64 => integers!(Int64Type),
        DataType::Int32 => integers!(Int32Type),
        DataType::Int16 => integers!(Int16Type),
        DataType::Int8 => integers!(Int8Type),
        DataType::UInt64 => integers!(UInt64Type),
        DataType::UInt32 => integers!(UInt32Type),
        DataType::UInt16 => integers!(UInt16Type),
        DataType::UInt8 => integers!(UInt8Type),
        DataType::Decimal32(_, scale) => decimals!(Decimal32Type, scale, |v| Some(i128::from(v))),
        DataType::Decimal64(_, scale) => decimals!(Decimal64Type, scale, |v| Some(i128::from(v))),
        DataType::Decimal128(_, scale) => decimals!(Decimal128Type, scale, Some),
        DataType::Decimal256(_, scale) => {
            decimals!(Decimal256Type, scale, |v: <Decimal256Type as ArrowPrimitiveType>::Native| v.to_i128())
        }
        DataType::Boolean => {
            let values = column.as_boolean();
            (&mut rows).zip(values.values()).for_each(|(row, value)| row[slot] = f64::from(u8::from(value)));
            Ok(())
        }
        _ => Err((0, Refused::Missing)), // columns of other kinds were left out before
    }
}

fn written<T: DecimalType>(value: T::Native, kind: &DataType) -> String {
    match kind {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => T::format_decimal(value, *precision, *scale),
        _ => String::new(),
    }
}

/// Whether a row has no number: a null, or a NaN.
pub(super) fn missing(column: &dyn Array) -> Vec<usize> {
    let nan = |row: usize| match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).is_nan(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).is_nan(),
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).is_nan(),
        _ => false,
    };
    (0..column.len()).filter(|&row| column.is_null(row) || nan(row)).collect()
}

/// The words of a column of text or whole numbers, None where there is none; an error's reason for other columns.
pub(super) fn words(column: &dyn Array) -> Result<Vec<Option<String>>, String> {
    macro_rules! all {
        ($values:expr) => {
            Ok($values.iter().map(|value| value.map(|value| value.to_string())).collect())
        };
    }
    match column.data_type() {
        DataType::Utf8 => all!(column.as_string::<i32>()),
        DataType::LargeUtf8 => all!(column.as_string::<i64>()),
        DataType::Utf8View => all!(column.as_string_view()),
        DataType::Int64 => all!(column.as_primitive::<Int64Type>()),
        DataType::Int32 => all!(column.as_primitive::<Int32Type>()),
        DataType::Int16 => all!(column.as_primitive::<Int16Type>()),
        DataType::Int8 => all!(column.as_primitive::<Int8Type>()),
        DataType::UInt64 => all!(column.as_primitive::<UInt64Type>()),
        DataType::UInt32 => all!(column.as_primitive::<UInt32Type>()),
        DataType::UInt16 => all!(column.as_primitive::<UInt16Type>()),
        DataType::UInt8 => all!(column.as_primitive::<UInt8Type>()),
        DataType::Dictionary(..) => match column.as_any_dictionary_opt() {
            Some(dictionary) if !dictionary.values().is_empty() => {
                let (keys, words) = (dictionary.normalized_keys(), words(dictionary.values())?);
                let word = |(row, key): (usize, &usize)| if column.is_null(row) { None } else { words[*key].clone() };
                Ok(keys.iter().enumerate().map(word).collect())
            }
            _ => Ok(vec![None; column.len()]),
        },
        other => Err(format!("holds {other}, expected text or whole numbers")),
    }
}
