//! NumPy arrays in files: a header that says how the numbers are stored, then the numbers.

mod header;
mod number;
mod write;

pub(crate) use header::Header;
pub(crate) use write::{matrix_header, vector_header};

use crate::fault::{Checked, require_memory, zeros};
use crate::map::{MappedFile, MappedValues};
use std::io::Read;

/// Columns of a column-major matrix that are copied together: 8 numbers fill a cache line of the row they go to.
const COLUMNS_AT_ONCE: usize = 8;

/// The values of a dense matrix, row-major.
pub(crate) enum DenseValues {
    Owned(Vec<f64>),
    Mapped(MappedValues),
}

impl DenseValues {
    pub fn as_slice(&self) -> &[f64] {
        match self {
            DenseValues::Owned(values) => values,
            DenseValues::Mapped(mapped) => mapped.values(),
        }
    }
}

/// A two-dimensional array and its number of columns. Row-major little-endian doubles stay in the file.
pub(crate) fn map_matrix(file: MappedFile) -> Checked<(DenseValues, usize)> {
    let header = Header::read(&mut file.bytes())?;
    let (rows, columns) = header.matrix_shape()?;
    let range = header.data_range(file.bytes().len())?;
    let file = match header.are_doubles_by_row()? {
        false => file,
        true => match file.into_values(range.clone()) {
            Ok(values) => return Ok((DenseValues::Mapped(values), columns)),
            Err(file) => file,
        },
    };
    let values = by_row(&header, &file.bytes()[range], rows, columns)?;
    Ok((DenseValues::Owned(values), columns))
}

/// The values of an array with one dimension, or two of which one is 1.
pub(crate) fn map_vector(file: &MappedFile) -> Checked<Vec<f64>> {
    let header = Header::read(&mut file.bytes())?;
    header.vector_length()?;
    let range = header.data_range(file.bytes().len())?;
    header.number()?.doubles(&file.bytes()[range])
}

/// An array read from a stream, for example an entry of an archive.
pub(crate) struct Array {
    pub header: Header,
    bytes: Vec<u8>,
}

impl Array {
    /// Reads to the end of the stream; memory grows with what arrives.
    pub fn read(mut source: impl Read) -> Checked<Self> {
        let header = Header::read(&mut source)?;
        let expected = header.data_length()?;
        require_memory("the array", expected as u64)?;
        let mut bytes = Vec::new();
        source.take((expected as u64).saturating_add(1)).read_to_end(&mut bytes)?;
        header.check_length(bytes.len())?;
        Ok(Array { header, bytes })
    }

    /// A two-dimensional array, row-major, and its number of columns.
    pub fn matrix(&self) -> Checked<(Vec<f64>, usize)> {
        let (rows, columns) = self.header.matrix_shape()?;
        Ok((by_row(&self.header, &self.bytes, rows, columns)?, columns))
    }

    /// The values of a one-dimensional array.
    pub fn doubles(&self) -> Checked<Vec<f64>> {
        self.header.require_dimensions(1)?;
        self.header.number()?.doubles(&self.bytes)
    }

    /// The values of a one-dimensional array of integers that count or point.
    pub fn indices(&self) -> Checked<Vec<usize>> {
        self.header.require_dimensions(1)?;
        self.header.number()?.indices(&self.bytes)
    }

    /// The letters of a single string, as `|S3` or `<U3`, without the padding.
    pub fn letters(&self) -> String {
        self.bytes.iter().filter(|b| b.is_ascii_graphic()).map(|&b| char::from(b)).collect()
    }
}

fn by_row(header: &Header, bytes: &[u8], rows: usize, columns: usize) -> Checked<Vec<f64>> {
    let number = header.number()?;
    if !header.by_column {
        return number.doubles(bytes);
    }
    let mut values = zeros(rows * columns)?;
    for (strip, bytes) in bytes.chunks(COLUMNS_AT_ONCE * rows * number.size()).enumerate() {
        let first = strip * COLUMNS_AT_ONCE;
        let strip = number.doubles(bytes)?;
        for (i, row) in values.chunks_exact_mut(columns).enumerate() {
            for (j, column) in strip.chunks_exact(rows).enumerate() {
                row[first + j] = column[i];
            }
        }
    }
    Ok(values)
}
