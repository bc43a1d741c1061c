//! A matrix from a file of any format: its suffix says which.

#[cfg(feature = "parquet")]
use crate::columnar;
use crate::fault::{Checked, Fault};
use crate::file_rows::FileRows;
use crate::format::MatrixFormat;
use crate::kept::Kept;
use crate::map::MappedFile;
use crate::matrix::{Matrix, Storage, Table};
use crate::memory::Holding;
use crate::npy::{self, DenseValues};
use crate::open::{open_regular, open_text};
use crate::table::{self, OmittedRow, ReadTable, TableOptions, Values};
use crate::{market, npz};
use unhat::{ErrorKind, Result};
use unhat_models::models::TextColumn;

/// Reads a matrix; the suffix of `path` says the format, and `-` is a table on standard input, separated by commas.
///
/// Tables (`.csv`, `.tsv`) are recognised or refused as [`Dialect`](crate::Dialect) says: delimiter, decimal mark, header.
/// A first column without a name, or of distinct words, holds row names; other columns without a number are left out, with
/// a note. A missing or other cell that is no number is an error in a column that has numbers, and an empty line between
/// rows is one everywhere. NumPy arrays (`.npy`) of
/// any real type and order; SciPy's sparse `.npz`; MatrixMarket (`.mtx`, `.mm`). Text may be compressed (`.gz`).
///
/// With the feature `parquet`: files of Arrow (`.arrow`, `.feather`), and Parquet in a file (`.parquet`), in all such files of
/// a folder, or in those that a pattern (`data/*.parquet`) meets, in the byte order of their paths, without names that begin
/// with `.` or `_`. All have the columns of the first. Nulls are missing cells, and so are NaN.
///
/// What is more than its share of memory ([`Holding`]) stays in files and is read by every sweep, in the same blocks.
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
        if !options.factors.is_empty() {
            let reason = "makes factors of columns, which are no columns of a matrix";
            return Err(ErrorKind::Option { name: "absorb".into(), reason: reason.into() }.into());
        }
        let text = open_text(path, gzip).map_err(|fault| fault.in_input(path))?;
        return Ok(Table::from(table::read(path, text, delimiter, options)?));
    }
    match format {
        #[cfg(feature = "parquet")]
        MatrixFormat::Parquet => return columnar::read_parquet(path, options),
        #[cfg(feature = "parquet")]
        MatrixFormat::Arrow => return columnar::read_arrow(path, options),
        _ => {}
    }
    if let Some(name) = options.first_set() {
        let reason = format!("applies to tables (.csv, .tsv, .parquet, .arrow), and {path} is none");
        return Err(ErrorKind::Option { name: name.into(), reason }.into());
    }
    let storage = match format {
        MatrixFormat::Npz => open_regular(path).and_then(npz::read),
        MatrixFormat::Market { gzip } => open_text(path, gzip).and_then(market::read),
        MatrixFormat::Npy | MatrixFormat::Table { .. } => npy_rows(path, &options.holding),
        MatrixFormat::Parquet | MatrixFormat::Arrow => Err(without_columns()),
    };
    Ok(Table { matrix: Matrix::new(storage.map_err(|fault| fault.in_input(path))?), response: None, weights: None })
}

/// The files that the name of a table stands for: those of a folder or of a pattern, or the one of that name.
#[must_use]
pub fn files_of_table(path: &str) -> Vec<String> {
    #[cfg(feature = "parquet")]
    return columnar::paths(path);
    #[cfg(not(feature = "parquet"))]
    vec![path.to_string()]
}

/// What [`read_absorbed`] returns.
pub struct AbsorbedTable {
    /// The factors by name, in the order of [`TableOptions::factors`]; no cell is missing.
    pub factors: Vec<(String, TextColumn)>,
    /// The other columns of numbers; None where there are none.
    pub covariates: Option<Matrix>,
    /// The column named by [`TableOptions::weights`].
    pub weights: Option<Vec<f64>>,
    /// The names of the rows, where the table has them.
    pub row_names: Option<Vec<String>>,
    /// Rows of the file that were left out for missing cells, in order.
    pub omitted: Vec<OmittedRow>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Reads a table some columns of which are factors: their cells are compared as text, without space around it, so that 7 and
/// 7.0 are two levels.
///
/// # Cost
/// One pass over the file; beside the covariates 4 bytes a row and factor, and each level once.
/// # Errors
/// As [`read_matrix`]; a missing cell of a factor names its row and column.
/// # Examples
/// ```
/// use unhat_io::{TableOptions, read_absorbed};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("panel.csv").display().to_string();
/// std::fs::write(&path, "worker,firm,hours\n1,A7,40\n1,B2,38\n2,A7,20\n")?;
/// let options = TableOptions { factors: vec!["worker".into(), "firm".into()], ..TableOptions::default() };
/// let panel = read_absorbed(&path, &options)?;
/// assert_eq!(panel.factors[1].1.codes, [0, 1, 0]);
/// assert_eq!(panel.covariates.unwrap().shape().columns, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_absorbed(path: &str, options: &TableOptions) -> Result<AbsorbedTable> {
    let MatrixFormat::Table { delimiter, gzip } = MatrixFormat::of(path).map_err(|fault| fault.in_input(path))? else {
        let reason = format!("names columns of a table (.csv, .tsv), and {path} is none");
        return Err(ErrorKind::Option { name: "absorb".into(), reason }.into());
    };
    let text = open_text(path, gzip).map_err(|fault| fault.in_input(path))?;
    // What absorbs them needs the covariates in memory.
    let holding = Holding { read: Some(u64::MAX), ..options.holding.clone() };
    let table = table::read(path, text, delimiter, &TableOptions { holding, ..options.clone() })?;
    let ReadTable { values, columns, weights, factors, row_names, column_names, omitted, notes, .. } = table;
    let covariates = match values {
        Values::Held(values) if columns > 0 => {
            let storage = Storage::Dense { values: DenseValues::Owned(values), columns };
            Some(Matrix { column_names, ..Matrix::new(storage) })
        }
        _ => None,
    };
    Ok(AbsorbedTable { factors, covariates, weights, row_names, omitted, notes })
}

/// What a build without the feature says to files of Parquet and Arrow.
pub(crate) fn without_columns() -> Fault {
    Fault::new("is of Parquet or Arrow, and this unhat was built without its feature \"parquet\"")
}

/// Doubles by row are mapped, or read in blocks where they are more than their share of memory; other arrays are converted.
fn npy_rows(path: &str, holding: &Holding) -> Checked<Storage> {
    let mut file = open_regular(path)?;
    let length = file.metadata()?.len();
    if length > holding.most_read() {
        let header = npy::Header::read(&mut file)?;
        if header.are_doubles_by_row()? {
            let (rows, columns) = header.matrix_shape()?;
            let range = header.data_range(usize::try_from(length).unwrap_or(usize::MAX))?;
            let from = (range.start as u64, columns);
            let source = FileRows::new(path.to_string(), file, from, None, Kept::default(), rows);
            return Ok(Storage::Streamed(Box::new(source)));
        }
    }
    map_npy(path)
}

fn map_npy(path: &str) -> Checked<Storage> {
    let (values, columns) = npy::map_matrix(MappedFile::open(&open_regular(path)?)?)?;
    Ok(Storage::Dense { values, columns })
}

impl From<ReadTable> for Table {
    fn from(table: ReadTable) -> Self {
        let ReadTable { row_names, column_names, omitted, notes, response, weights, values, columns, .. } = table;
        let storage = match values {
            Values::Held(values) => Storage::Dense { values: DenseValues::Owned(values), columns },
            Values::Spooled(rows) => Storage::Streamed(Box::new(rows)),
        };
        let matrix = Matrix { row_names, column_names, omitted, notes, ..Matrix::new(storage) };
        Table { matrix, response, weights }
    }
}
