//! Sparse matrices of sprs: compressed rows keep their values in place, compressed columns are turned around in a copy.

use crate::error::ErrorKind;
use crate::rows::Matrix;
use sprs::CsMat;
use std::borrow::Cow;

/// The indices are copied into 32 bits each. A matrix kept by columns is copied into rows first, values included.
impl<'a> From<&'a CsMat<f64>> for Matrix<'a> {
    fn from(matrix: &'a CsMat<f64>) -> Self {
        let columns = matrix.cols();
        if u32::try_from(columns).is_err() {
            let reason = format!("found {columns} columns, expected at most {}", u32::MAX);
            return Matrix::refused(ErrorKind::Option { name: "matrix".into(), reason }.into());
        }
        let narrow = |indices: &[usize]| indices.iter().map(|&j| j as u32).collect(); // below the number of columns
        if matrix.is_csr() {
            let pointers = matrix.proper_indptr().into_owned();
            return Matrix::narrowed(pointers, narrow(matrix.indices()), Cow::Borrowed(matrix.data()), columns);
        }
        let (pointers, indices, values) = matrix.to_csr().into_raw_storage();
        Matrix::narrowed(pointers, narrow(&indices), Cow::Owned(values), columns)
    }
}
