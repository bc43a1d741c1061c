//! Matrices of ndarray: the standard layout is lent, any other is copied block by block.

use crate::rows::Matrix;
use ndarray::{Array2, ArrayView2};

/// Row-major arrays are lent as they lie; others are copied block by block, 512 kB a thread.
impl<'a> From<ArrayView2<'a, f64>> for Matrix<'a> {
    fn from(array: ArrayView2<'a, f64>) -> Self {
        match array.to_slice() {
            Some(values) => Matrix::row_major(values, array.ncols()),
            None => Matrix::of_entries(array.dim(), move |i, j| array[[i, j]]),
        }
    }
}

/// As that of its view.
impl<'a> From<&'a Array2<f64>> for Matrix<'a> {
    fn from(array: &'a Array2<f64>) -> Self {
        Matrix::from(array.view())
    }
}
