//! Files that are written: whole or not at all.

use crate::fault::{Checked, Fault};
use crate::format::Suffix;
use crate::labels::RowLabels;
use crate::npy::{matrix_header, vector_header};
use crate::printable::unexecuted;
use crate::system::{path_of, readable};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use unhat::{Error, ErrorKind, Result};
use unhat_models::models::{Column, Frame};

#[derive(Clone, Copy, PartialEq)]
enum VectorFormat {
    Npy,
    Delimited(u8),
    Lines,
    #[cfg(feature = "parquet")]
    Parquet,
}

/// What a vector can be written as.
#[cfg(feature = "parquet")]
const VECTORS: &str = ".csv, .tsv, .txt, .npy or .parquet";
#[cfg(not(feature = "parquet"))]
const VECTORS: &str = ".csv, .tsv, .txt or .npy";

impl VectorFormat {
    fn of(path: &str) -> Checked<Self> {
        let suffix = Suffix::of(path);
        match (suffix.name.as_str(), suffix.gzip) {
            ("npy", false) => Ok(VectorFormat::Npy),
            ("csv", false) => Ok(VectorFormat::Delimited(b',')),
            ("tsv", false) => Ok(VectorFormat::Delimited(b'\t')),
            ("txt", false) => Ok(VectorFormat::Lines),
            #[cfg(feature = "parquet")]
            ("parquet", false) => Ok(VectorFormat::Parquet),
            _ => Err(suffix.unknown(VECTORS)),
        }
    }
}

/// Says before long work what would make writing to `path` fail after it.
///
/// # Errors
/// [`ErrorKind::Source`]: a suffix that stands for no format, a directory that is missing, is none, or cannot be written
/// to, a target that exists and is no regular file.
pub fn check_output(path: &str) -> Result<()> {
    let check = || {
        VectorFormat::of(path)?;
        Target::of(path)?.draft().map(drop)
    };
    check().map_err(|fault| fault.in_file(path))
}

/// Writes a vector in the format that the suffix of `path` says.
///
/// `.npy`: one-dimensional. `.txt`: one number a line, 17 significant digits. `.csv`, `.tsv`: a header, `row` and the name
/// of the `column`, then for each value the name of its row, or its 1-based number where `names` is None, and the value
/// in the fewest digits that give it back. A name that a spreadsheet would take for a formula ([`is_formula`](crate::is_formula))
/// gets an apostrophe before it. A `column` called `value` without names is headed `index,value`.
///
/// The numbers are written beside the target, reach the disk, and then take its name: on any error nothing is left
/// behind, and a file that had the name before is unharmed.
///
/// # Accuracy
/// [`read_vector`](crate::read_vector) gives the same bits back.
/// # Errors
/// [`ErrorKind::Source`] with the file and the cause; [`ErrorKind::Shape`] when there are not as many names as values.
/// # Examples
/// ```
/// use unhat_io::{read_vector, write_vector};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("scores.csv").display().to_string();
/// write_vector(&path, "leverage", None, &[0.25, 1.0])?;
/// assert_eq!(std::fs::read_to_string(&path)?, "row,leverage\n1,0.25\n2,1.0\n");
/// assert_eq!(read_vector(&path, "scores")?, [0.25, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_vector(path: &str, column: &str, names: Option<&[String]>, values: &[f64]) -> Result<()> {
    if let Some(names) = names.filter(|names| names.len() != values.len()) {
        let (expected, found) = (format!("{} names", values.len()), format!("{} names", names.len()));
        return Err(ErrorKind::Shape { what: "names of the rows".into(), expected, found }.into());
    }
    write_of_rows(path, column, &names.map_or(RowLabels::Numbers(&[]), RowLabels::Names), values)
}

/// The same with the labels of rows wherever they are. `.parquet` (feature `parquet`): a column with the labels, `row` or that of
/// the table under its name and type, and the values; a NaN is a null there.
///
/// # Errors
/// As [`write_vector`]; those of the files in which the labels are.
pub fn write_of_rows(path: &str, column: &str, labels: &RowLabels<'_>, values: &[f64]) -> Result<()> {
    let write = || match VectorFormat::of(path)? {
        VectorFormat::Npy => Target::of(path)?.write(|file| write_npy(file, &vector_header(values.len()), values)),
        VectorFormat::Lines => {
            Target::of(path)?.write(|file| {
                values.iter().try_for_each(|v| match v.is_nan() {
                    true => writeln!(file), // a row without an answer
                    false => writeln!(file, "{v:.16e}"),
                })
            })
        }
        VectorFormat::Delimited(delimiter) => {
            Target::of(path)?.write(|file| write_delimited(file, delimiter, column, labels, values))
        }
        #[cfg(feature = "parquet")]
        VectorFormat::Parquet => {
            Target::of(path)?.write_file(|file| crate::columnar::write_parquet(file, column, labels, values))
        }
    };
    write().map_err(|fault| fault.in_file(path))
}

/// The same for [`write_table`], whose suffixes are fewer.
///
/// # Errors
/// As [`check_output`].
pub fn check_table(path: &str) -> Result<()> {
    let check = || {
        table_delimiter(path)?;
        Target::of(path)?.draft().map(drop)
    };
    check().map_err(|fault| fault.in_file(path))
}

/// The same for [`write_page`], which writes `.html`.
///
/// # Errors
/// As [`check_output`].
pub fn check_page(path: &str) -> Result<()> {
    let check = || {
        require_page(path)?;
        Target::of(path)?.draft().map(drop)
    };
    check().map_err(|fault| fault.in_file(path))
}

/// Writes a page as `.html`, in the way of [`write_vector`].
///
/// # Errors
/// [`ErrorKind::Source`] with the file and the cause.
pub fn write_page(path: &str, page: &str) -> Result<()> {
    let write = || {
        require_page(path)?;
        Target::of(path)?.write(|file| file.write_all(page.as_bytes()))
    };
    write().map_err(|fault| fault.in_file(path))
}

fn require_page(path: &str) -> Checked<()> {
    let suffix = Suffix::of(path);
    match (suffix.name.as_str(), suffix.gzip) {
        ("html", false) => Ok(()),
        _ => Err(suffix.unknown(".html")),
    }
}

/// Writes records under a `header` as `.csv` or `.tsv`, in the way of [`write_vector`]: an apostrophe before formulas too.
///
/// # Errors
/// [`ErrorKind::Source`] with the file and the cause.
pub fn write_table<Record: IntoIterator<Item = String>>(
    path: &str,
    header: impl IntoIterator<Item: AsRef<str>>,
    records: impl IntoIterator<Item = Record>,
) -> Result<()> {
    let write = || {
        let delimiter = table_delimiter(path)?;
        Target::of(path)?.write(|file| write_records(file, delimiter, header, records))
    };
    write().map_err(|fault| fault.in_file(path))
}

/// Writes the same records as text with commas to `out`.
///
/// # Errors
/// Those of `out`.
pub fn print_table<Record: IntoIterator<Item = String>>(
    out: &mut dyn Write,
    header: impl IntoIterator<Item: AsRef<str>>,
    records: impl IntoIterator<Item = Record>,
) -> io::Result<()> {
    write_records(out, b',', header, records)
}

fn write_records<Record: IntoIterator<Item = String>>(
    out: &mut dyn Write,
    delimiter: u8,
    header: impl IntoIterator<Item: AsRef<str>>,
    records: impl IntoIterator<Item = Record>,
) -> io::Result<()> {
    let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(out);
    table.write_record(header.into_iter().map(|name| unexecuted(name.as_ref()).into_owned()))?;
    let cells = |record: Record| record.into_iter().map(|cell| unexecuted(&cell).into_owned());
    records.into_iter().try_for_each(|record| table.write_record(cells(record)))?;
    table.flush()
}

/// Writes some rows of a table of mixed columns as `.csv` or `.tsv`, in the way of [`write_vector`]: missing cells empty,
/// numbers in the digits that give them back.
///
/// # Errors
/// As [`write_table`].
pub fn write_frame(path: &str, frame: &Frame, rows: &[usize]) -> Result<()> {
    let write = || {
        let delimiter = table_delimiter(path)?;
        Target::of(path)?.write(|file| {
            let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(file);
            let first = frame.row_names.as_ref().map(|_| "");
            table.write_record(first.into_iter().chain(frame.names().iter().map(String::as_str)))?;
            for &row in rows {
                let name = frame.row_names.as_ref().map(|names| names[row].clone());
                table.write_record(name.into_iter().chain(frame.columns().iter().map(|column| cell(column, row))))?;
            }
            table.flush()
        })
    };
    write().map_err(|fault| fault.in_file(path))
}

fn cell(column: &Column, row: usize) -> String {
    match column {
        Column::Numbers(values) if values[row].is_nan() => String::new(),
        Column::Numbers(values) => format!("{}", values[row]),
        Column::Text(text) => text.word(row).unwrap_or_default().to_string(),
    }
}

fn table_delimiter(path: &str) -> Checked<u8> {
    match VectorFormat::of(path) {
        Ok(VectorFormat::Delimited(delimiter)) => Ok(delimiter),
        _ => Err(Suffix::of(path).unknown(".csv or .tsv")),
    }
}

/// Writes a row-major matrix with `columns` columns as a `.npy` file, in the way of [`write_vector`].
///
/// # Errors
/// As [`write_vector`]; [`ErrorKind::Shape`] when the values do not fill whole rows.
pub fn write_matrix_npy(path: &str, values: &[f64], columns: usize) -> Result<()> {
    if columns == 0 || !values.len().is_multiple_of(columns) {
        let (expected, found) = (format!("rows of {columns} values"), format!("{} values", values.len()));
        return Err(Error::from(ErrorKind::Shape { what: "matrix".into(), expected, found }));
    }
    let write = || {
        if VectorFormat::of(path)? != VectorFormat::Npy {
            return Err(Suffix::of(path).unknown(".npy for a matrix"));
        }
        let header = matrix_header(values.len() / columns, columns);
        Target::of(path)?.write(|file| write_npy(file, &header, values))
    };
    write().map_err(|fault| fault.in_file(path))
}

fn write_npy(file: &mut dyn Write, header: &[u8], values: &[f64]) -> io::Result<()> {
    file.write_all(header)?;
    values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))
}

fn write_delimited(
    file: &mut dyn Write,
    delimiter: u8,
    column: &str,
    labels: &RowLabels<'_>,
    values: &[f64],
) -> io::Result<()> {
    let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(file);
    let first = if matches!(labels, RowLabels::Numbers(_)) && column == "value" { "index" } else { "row" };
    table.write_record([first, column])?;
    let mut rest = values.iter();
    labels.each(values.len(), &mut |label| match rest.next() {
        Some(value) if value.is_nan() => Ok(table.write_record([unexecuted(label).as_ref(), ""])?), // a row without an answer
        Some(value) => Ok(table.write_record([unexecuted(label).as_ref(), &format!("{value:?}")])?),
        None => Ok(()),
    })?;
    table.flush()
}

/// How the names of drafts end.
const SUFFIX: &str = ".part";
/// Drafts that are begun until one is locked in time.
const TRIES: usize = 16;

/// Says before long work what would make [`write_whole`] fail after it.
///
/// # Errors
/// As [`check_output`], whatever the suffix.
pub fn check_place(path: &str) -> Result<()> {
    Target::of(path).and_then(|target| target.draft().map(drop)).map_err(|fault| fault.in_file(path))
}

/// Writes a file of any content, in the way of [`write_vector`].
///
/// # Errors
/// [`ErrorKind::Source`] with the file and the cause.
pub fn write_whole(path: &str, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    Target::of(path).and_then(|target| target.write(content)).map_err(|fault| fault.in_file(path))
}

/// A place for a file: a directory that exists, and a name in it that is free or a regular file's.
pub(crate) struct Target {
    path: PathBuf,
    directory: PathBuf,
    permissions: Option<Permissions>,
}

impl Target {
    pub(crate) fn of(path: &str) -> Checked<Self> {
        let mut target = path_of(path);
        let mut permissions = None;
        if let Ok(link) = fs::symlink_metadata(&target) {
            let found = fs::metadata(&target).map_err(|e| not_written(&e))?;
            if !found.is_file() {
                let what = if found.is_dir() { "is a directory" } else { "exists and is no regular file" };
                return Err(Fault::new(format!("{what}, expected a name that is free or a file's")));
            }
            if link.is_symlink() {
                target = fs::canonicalize(&target).map_err(|e| not_written(&e))?;
            }
            permissions = Some(found.permissions());
        }
        let directory = match target.parent() {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_path_buf(),
            None => return Err(Fault::new("names no file")),
        };
        match fs::metadata(&directory) {
            Ok(found) if found.is_dir() => Ok(Target { path: target, directory, permissions }),
            Ok(_) => Err(Fault::new(format!("cannot be written: {} is no directory", directory.display()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(Fault::new(format!("cannot be written: there is no directory {}", directory.display())))
            }
            Err(e) => Err(not_written(&e)),
        }
    }

    /// A file beside the target that disappears unless it takes the target's name. While this process lives it holds a lock
    /// on it; what earlier runs with this target left behind is removed first.
    pub(crate) fn draft(&self) -> Checked<NamedTempFile> {
        let prefix = self.prefix();
        self.remove_litter(&prefix);
        for _ in 0..TRIES {
            let mut builder = tempfile::Builder::new();
            builder.prefix(&prefix).suffix(SUFFIX);
            if let Some(permissions) = readable() {
                builder.permissions(permissions);
            }
            let draft = builder.tempfile_in(&self.directory).map_err(|e| not_written(&e))?;
            // Another run may take a file for litter between its birth and its lock: then there is another try. Where the
            // file system knows no locks nobody removes anything.
            let is_taken = matches!(draft.as_file().try_lock(), Err(TryLockError::WouldBlock));
            if !is_taken && draft.path().exists() {
                return Ok(draft);
            }
        }
        Err(Fault::new("cannot be written: other runs with this target remove its drafts"))
    }

    /// How the names of this target's drafts begin: by a number that stands for its name, which may be too long to add to.
    fn prefix(&self) -> String {
        let name = self.path.file_name().unwrap_or(OsStr::new("")).as_encoded_bytes();
        // FNV-1a: the same in every version of every compiler.
        let number =
            name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        format!(".unhat-{number:016x}-")
    }

    /// Removes the drafts of this target that no living process holds: their runs were killed.
    fn remove_litter(&self, prefix: &str) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if name.starts_with(prefix.as_bytes()) && name.ends_with(SUFFIX.as_bytes()) {
                // The lock is held until the file is gone.
                if let Ok(file) = File::open(entry.path())
                    && file.try_lock().is_ok()
                {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }

    pub(crate) fn write(self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Checked<()> {
        self.write_file(|file| {
            let mut file = BufWriter::new(file);
            content(&mut file)?;
            file.flush()
        })
    }

    pub(crate) fn write_file(self, content: impl FnOnce(&File) -> io::Result<()>) -> Checked<()> {
        let draft = self.draft()?;
        let written = || -> io::Result<()> {
            content(draft.as_file())?;
            if let Some(permissions) = self.permissions.clone() {
                draft.as_file().set_permissions(permissions)?;
            }
            draft.as_file().sync_all()
        };
        written().map_err(|e| not_written(&e))?;
        draft.persist(&self.path).map_err(|e| not_written(&e.error))?;
        sync_directory(&self.directory);
        Ok(())
    }
}

/// Makes the new name durable. Not every file system can; the file is whole under its name either way.
fn sync_directory(directory: &Path) {
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

fn not_written(error: &io::Error) -> Fault {
    Fault::new(format!("cannot be written: {error}"))
}
