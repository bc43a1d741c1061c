//! A matrix from a file of any format: its suffix says which.

use crate::fault::Checked;
use crate::format::MatrixFormat;
use crate::map::MappedFile;
use crate::matrix::{Matrix, Storage, Table};
use crate::npy::{self, DenseValues};
use crate::open::{open_regular, open_text};
use crate::table::{self, ReadTable, TableOptions};
use crate::{market, npz};
use unhat::{ErrorKind, Result};

/// Reads a matrix; the suffix of `path` says the format, and `-` is a table on standard input, separated by commas.
///
/// Tables (`.csv`, `.tsv`) are recognised or refused as [`Dialect`](crate::Dialect) says: delimiter, decimal mark, header.
/// A first column without a name, or of distinct words, holds row names; other columns without a number are left out, with
/// a note. A missing or other cell that is no number is an error in a column that has numbers, and an empty line between
/// rows is one everywhere. NumPy arrays (`.npy`) of
/// any real type and order; SciPy's sparse `.npz`; MatrixMarket (`.mtx`, `.mm`). Text may be compressed (`.gz`).
///
/// A `.npy` file of little-endian doubles in C order is mapped, not read, and must stay as it is while the matrix lives:
/// another process that cuts it short ends this one.
///
/// # Shapes
/// n×d with n, d ≥ 1; at most 2³² − 1 columns where it is sparse.
/// # Cost
/// One pass over the file, none for a mapped one. Memory: 8nd bytes for dense, 12 nnz + 8n bytes for sparse matrices, and
/// twice that while entries in any order are sorted.
/// # Errors
/// [`ErrorKind::Source`] with the file, the place, what was found and what was expected; [`ErrorKind::Option`] for columns
/// that are not there, and for `options` with a format that is no table.
/// # Examples
/// ```
/// use unhat_io::{TableOptions, read_matrix};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("homes.csv").display().to_string();
/// std::fs::write(&path, "town,rooms,sqft,price\nRome,3,900,200\nParis,2,450,310\n")?;
/// let options = TableOptions { response: Some("price".into()), intercept: true, ..TableOptions::default() };
/// let homes = read_matrix(&path, &options)?;
/// assert_eq!(homes.matrix.shape().columns, 3);
/// assert_eq!(homes.matrix.row_names, Some(vec!["Rome".into(), "Paris".into()]));
/// assert_eq!(homes.response, Some(vec![200.0, 310.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_matrix(path: &str, options: &TableOptions) -> Result<Table> {
    let format = MatrixFormat::of(path).map_err(|fault| fault.in_input(path))?;
    if let MatrixFormat::Table { delimiter, gzip } = format {
        let text = open_text(path, gzip).map_err(|fault| fault.in_input(path))?;
        return Ok(Table::from(table::read(path, text, delimiter, options)?));
    }
    if let Some(name) = options.first_set() {
        let reason = format!("applies to tables (.csv, .tsv), and {path} is none");
        return Err(ErrorKind::Option { name: name.into(), reason }.into());
    }
    let storage = match format {
        MatrixFormat::Npz => open_regular(path).and_then(npz::read),
        MatrixFormat::Market { gzip } => open_text(path, gzip).and_then(market::read),
        MatrixFormat::Npy | MatrixFormat::Table { .. } => map_npy(path),
    };
    Ok(Table { matrix: Matrix::new(storage.map_err(|fault| fault.in_input(path))?), response: None, weights: None })
}

fn map_npy(path: &str) -> Checked<Storage> {
    let (values, columns) = npy::map_matrix(MappedFile::open(&open_regular(path)?)?)?;
    Ok(Storage::Dense { values, columns })
}

impl From<ReadTable> for Table {
    fn from(table: ReadTable) -> Self {
        let storage = Storage::Dense { values: DenseValues::Owned(table.values), columns: table.columns };
        let ReadTable { row_names, column_names, omitted, notes, response, weights, .. } = table;
        Table { matrix: Matrix { storage, row_names, column_names, omitted, notes }, response, weights }
    }
}
