//! Matrices of faer, which keeps columns: copied block by block, never as a whole.

use crate::rows::Matrix;
use faer::{Mat, MatRef};

/// Copied block by block, 512 kB a thread.
impl<'a> From<MatRef<'a, f64>> for Matrix<'a> {
    fn from(matrix: MatRef<'a, f64>) -> Self {
        Matrix::of_entries((matrix.nrows(), matrix.ncols()), move |i, j| matrix[(i, j)])
    }
}

/// As that of its view.
impl<'a> From<&'a Mat<f64>> for Matrix<'a> {
    fn from(matrix: &'a Mat<f64>) -> Self {
        Matrix::from(matrix.as_ref())
    }
}
