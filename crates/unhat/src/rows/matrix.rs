//! Any matrix by reference: what the functions at the root of the crate take, from slices or from other libraries.

use super::{CsrRows, DenseRows, RowSource, StridedRows};
use crate::error::Result;

/// A borrowed n×d matrix of any supported kind.
///
/// It comes by `From` from references to [`DenseRows`], [`CsrRows`], [`StridedRows`], to an array or vector of rows, and with
/// the features of their names from `ndarray`, `faer` and `sprs`. What a library keeps by rows is lent as it lies; other dense
/// layouts are copied block by block ([`StridedRows`]); where indices must be made narrower, the indices are copied.
///
/// ```
/// let a = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]; // a line through x = 0, 1, 2
/// let scores = unhat::scores(&a)?;
/// assert!((scores[0] - 5.0 / 6.0).abs() < 1e-14);
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct Matrix<'a>(Result<Held<'a>>);

enum Held<'a> {
    Dense(DenseRows<'a>),
    Strided(StridedRows<'a>),
    Csr(CsrRows<'a>),
    /// Rows whose indices had to be copied.
    #[cfg(feature = "sprs")]
    Narrowed(Narrowed<'a>),
    /// What another library keeps in a layout of its own.
    #[cfg(any(feature = "ndarray", feature = "faer"))]
    Other(Box<dyn RowSource + 'a>),
}

#[cfg(feature = "sprs")]
struct Narrowed<'a> {
    pointers: Vec<usize>,
    indices: Vec<u32>,
    values: std::borrow::Cow<'a, [f64]>,
    columns: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major values in rows of `columns`; a shape that is none is reported where the matrix is used.
    #[must_use]
    pub fn row_major(values: &'a [f64], columns: usize) -> Self {
        Matrix(DenseRows::new(values, columns).map(Held::Dense))
    }

    /// As [`StridedRows::new`]; a shape that is none is reported where the matrix is used.
    #[must_use]
    pub fn strided(values: &'a [f64], shape: (usize, usize), strides: (usize, usize)) -> Self {
        // Row-major values are lent without a copy.
        match strides == (shape.1, 1) && shape.0.checked_mul(shape.1).is_some_and(|size| size <= values.len()) {
            true => Matrix::row_major(&values[..shape.0 * shape.1], shape.1),
            false => Matrix(StridedRows::new(values, shape, strides).map(Held::Strided)),
        }
    }

    /// Compressed sparse rows that had to be copied.
    #[cfg(feature = "sprs")]
    pub(crate) fn narrowed(
        pointers: Vec<usize>,
        indices: Vec<u32>,
        values: std::borrow::Cow<'a, [f64]>,
        columns: usize,
    ) -> Self {
        Matrix(Ok(Held::Narrowed(Narrowed { pointers, indices, values, columns })))
    }

    /// A matrix that cannot be had; the error comes where it is used.
    #[cfg(feature = "sprs")]
    pub(crate) fn refused(error: crate::error::Error) -> Self {
        Matrix(Err(error))
    }

    /// Another library's matrix of this shape, by its entries.
    #[cfg(any(feature = "ndarray", feature = "faer"))]
    pub(crate) fn of_entries(shape: (usize, usize), entry: impl Fn(usize, usize) -> f64 + Sync + 'a) -> Self {
        match shape.0 == 0 || shape.1 == 0 {
            true => Matrix::row_major(&[], shape.1),
            false => Matrix(Ok(Held::Other(Box::new(super::strided::Entries { shape, entry })))),
        }
    }

    /// Calls `f` with the rows.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the matrix is none, and those of `f`.
    pub fn with_rows<R>(self, f: impl FnOnce(&dyn RowSource) -> Result<R>) -> Result<R> {
        match self.0? {
            Held::Dense(rows) => f(&rows),
            Held::Strided(rows) => f(&rows),
            Held::Csr(rows) => f(&rows),
            #[cfg(any(feature = "ndarray", feature = "faer"))]
            Held::Other(rows) => f(rows.as_ref()),
            #[cfg(feature = "sprs")]
            Held::Narrowed(own) => f(&CsrRows::new(&own.pointers, &own.indices, &own.values, own.columns)?),
        }
    }
}

impl<'a> From<&DenseRows<'a>> for Matrix<'a> {
    fn from(rows: &DenseRows<'a>) -> Self {
        Matrix(Ok(Held::Dense(*rows)))
    }
}

impl<'a> From<&StridedRows<'a>> for Matrix<'a> {
    fn from(rows: &StridedRows<'a>) -> Self {
        Matrix(Ok(Held::Strided(*rows)))
    }
}

impl<'a> From<&CsrRows<'a>> for Matrix<'a> {
    fn from(rows: &CsrRows<'a>) -> Self {
        Matrix(Ok(Held::Csr(*rows)))
    }
}

impl<'a, const D: usize> From<&'a [[f64; D]]> for Matrix<'a> {
    fn from(rows: &'a [[f64; D]]) -> Self {
        Matrix::row_major(rows.as_flattened(), D)
    }
}

impl<'a, const D: usize, const N: usize> From<&'a [[f64; D]; N]> for Matrix<'a> {
    fn from(rows: &'a [[f64; D]; N]) -> Self {
        Matrix::row_major(rows.as_flattened(), D)
    }
}

impl<'a, const D: usize> From<&'a Vec<[f64; D]>> for Matrix<'a> {
    fn from(rows: &'a Vec<[f64; D]>) -> Self {
        Matrix::row_major(rows.as_flattened(), D)
    }
}
