//! Files of Parquet that make one table: their footers, and readers of some of their rows and columns.

use super::files::files_of;
use super::values::Kind;
use crate::fault::{Checked, Fault, shown};
use crate::system::text_of;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::Compression;
use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use unhat::{Error, Result};

/// Rows beyond which a footer is not believed: 2⁴⁸ rows fill no disk.
const MOST_ROWS: usize = 1 << 48;

/// One file: its footer, and where its rows stand among all.
pub(super) struct Part {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    pub rows: Range<usize>,
    state: (u64, Option<SystemTime>),
}

/// The files of a table, in order, with the columns that all of them have.
pub(super) struct Parts {
    pub parts: Vec<Part>,
    pub names: Vec<String>,
    pub types: Vec<DataType>,
    pub rows: usize,
    pub notes: Vec<String>,
}

/// What is done with the columns of a piece of a file, which begins at a row among all.
type Piece<'a> = &'a mut dyn FnMut(&Part, &[ArrayRef], usize) -> Result<()>;

/// Some rows of a file.
pub(super) enum Select {
    Range(Range<usize>),
    Rows(RowSelection),
}

/// What a decoder says; where a damaged file makes one panic, that too is a fault of the file.
pub(super) fn guarded<T, E: std::fmt::Display>(work: impl FnOnce() -> std::result::Result<T, E>) -> Checked<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|e| Fault::new(format!("cannot be read: {e}"))),
        Err(_) => Err(Fault::new("cannot be read: the file is damaged")),
    }
}

fn state_of(file: &File) -> Checked<(u64, Option<SystemTime>)> {
    let found = file.metadata()?;
    Ok((found.len(), found.modified().ok()))
}

/// An error in a file.
pub(super) fn in_file(path: &Path, fault: Fault) -> Error {
    fault.in_file(&text_of(path.as_os_str().to_owned()))
}

impl Parts {
    /// Reads the footers of all files that `path` names.
    ///
    /// # Errors
    /// No file, no Parquet file, files of other columns than the first: each by name.
    pub fn open(path: &str) -> Result<Self> {
        let (paths, notes) = files_of(path).map_err(|fault| fault.in_input(path))?;
        let mut whole = Parts { parts: Vec::new(), names: Vec::new(), types: Vec::new(), rows: 0, notes };
        for path in paths {
            whole.add(&path).map_err(|fault| in_file(&path, fault))?;
        }
        match whole.rows {
            0 => Err(Fault::new("holds no row, expected at least one").in_input(path)),
            _ => Ok(whole),
        }
    }

    fn add(&mut self, path: &Path) -> Checked<()> {
        let file = crate::open::open_regular(&text_of(path.as_os_str().to_owned()))?;
        let state = state_of(&file)?;
        let loaded = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()));
        let metadata =
            loaded.map_err(|fault| Fault::new(format!("is no whole file of Parquet: {}", fault.reason())))?;
        let fields = metadata.schema().fields();
        let (names, types): (Vec<String>, Vec<DataType>) =
            fields.iter().map(|field| (field.name().clone(), field.data_type().clone())).unzip();
        if let Some(name) = names.iter().enumerate().find_map(|(k, name)| names[..k].contains(name).then_some(name)) {
            return Err(Fault::new(format!("several columns are named {}; give each a name of its own", shown(name))));
        }
        match self.parts.first() {
            None => (self.names, self.types) = (names, types),
            Some(first) => {
                let first = shown(&first.path.display().to_string());
                if let Some(k) = (0..names.len().max(self.names.len()))
                    .find(|&k| names.get(k) != self.names.get(k) || types.get(k) != self.types.get(k))
                {
                    let told = |names: &[String], types: &[DataType]| match names.get(k) {
                        Some(name) => format!("{} of type {}", shown(name), types[k]),
                        None => "none".to_string(),
                    };
                    let (found, expected) = (told(&names, &types), told(&self.names, &self.types));
                    let reason = format!("found {found}, expected {expected} as in {first}");
                    return Err(Fault::at(format!("column {}", k + 1), reason));
                }
            }
        }
        let groups = metadata.metadata().row_groups().iter().map(|group| usize::try_from(group.num_rows()));
        let count = groups.sum::<std::result::Result<usize, _>>().ok().and_then(|rows| rows.checked_add(self.rows));
        let end = count
            .filter(|rows| *rows <= MOST_ROWS)
            .ok_or_else(|| Fault::new("claims more rows than a computer can count"))?;
        self.parts.push(Part { path: path.to_path_buf(), metadata, rows: self.rows..end, state });
        self.rows = end;
        Ok(())
    }

    /// What the columns are to a matrix.
    pub fn kinds(&self) -> Vec<Kind> {
        self.types.iter().map(Kind::of).collect()
    }

    /// An error that names the file and column of a codec that cannot be unpacked.
    pub fn require_codecs(&self, roots: &[usize]) -> Result<()> {
        for part in &self.parts {
            for group in part.metadata.metadata().row_groups() {
                for (leaf, chunk) in group.columns().iter().enumerate() {
                    let root = part.root_of(leaf);
                    let known = matches!(
                        chunk.compression(),
                        Compression::UNCOMPRESSED
                            | Compression::SNAPPY
                            | Compression::GZIP(_)
                            | Compression::LZ4
                            | Compression::LZ4_RAW
                            | Compression::ZSTD(_)
                    );
                    if roots.contains(&root) && !known {
                        let reason = format!(
                            "is packed as {}, expected snappy, gzip, lz4, zstd or nothing: write it again",
                            chunk.compression()
                        );
                        return Err(in_file(&part.path, Fault::at(self.place(root), reason)));
                    }
                }
            }
        }
        Ok(())
    }

    /// A column as messages call it.
    pub fn place(&self, root: usize) -> String {
        format!("column {}", shown(&self.names[root]))
    }

    /// The first null of these columns that the footers tell of, without reading rows: file, row group and column.
    pub fn first_null(&self, roots: &[usize]) -> Option<(&Part, usize, usize)> {
        self.parts.iter().find_map(|part| {
            part.metadata.metadata().row_groups().iter().enumerate().find_map(|(g, group)| {
                group.columns().iter().enumerate().find_map(|(leaf, chunk)| {
                    let nulls = chunk.statistics().and_then(|s| s.null_count_opt()).unwrap_or(0);
                    let root = part.root_of(leaf);
                    (nulls > 0 && roots.contains(&root)).then_some((part, g, root))
                })
            })
        })
    }

    /// Bytes of the columns unpacked, by the footers.
    pub fn unpacked(&self, roots: &[usize]) -> u64 {
        let of_part = |part: &Part| -> u64 {
            let groups = part.metadata.metadata().row_groups().iter();
            let chunks = groups.flat_map(|group| group.columns().iter().enumerate());
            let ours = chunks.filter(|(leaf, _)| roots.contains(&part.root_of(*leaf)));
            ours.map(|(_, chunk)| u64::try_from(chunk.uncompressed_size()).unwrap_or(0)).sum()
        };
        self.parts.iter().map(of_part).sum()
    }

    /// The largest chunk of each column, unpacked: what a page and a dictionary cannot exceed.
    pub fn largest_chunks(&self, roots: &[usize]) -> Vec<u64> {
        let mut largest = vec![0; roots.len()];
        for part in &self.parts {
            for group in part.metadata.metadata().row_groups() {
                for (leaf, chunk) in group.columns().iter().enumerate() {
                    if let Some(k) = roots.iter().position(|root| *root == part.root_of(leaf)) {
                        largest[k] = largest[k].max(u64::try_from(chunk.uncompressed_size()).unwrap_or(0));
                    }
                }
            }
        }
        largest
    }

    /// Calls `f` with the columns `roots` (in their order) of the rows `rows`, piece after piece: the columns of the piece, and
    /// where it begins among all rows.
    pub fn each(&self, roots: &[usize], rows: Range<usize>, batch: usize, f: Piece<'_>) -> Result<()> {
        for part in &self.parts {
            let mut place = rows.start.max(part.rows.start);
            let end = rows.end.min(part.rows.end);
            if place >= end {
                continue;
            }
            let here = place - part.rows.start..end - part.rows.start;
            part.each(roots, Select::Range(here), batch, &mut |columns, count| {
                f(part, columns, place)?;
                place += count;
                Ok(())
            })?;
            if place != end {
                let reason = format!("holds {} rows fewer than its footer says", end - place);
                return Err(part.fault(Fault::new(reason)));
            }
        }
        Ok(())
    }
}

impl Part {
    /// The column of the table that a leaf of the schema belongs to.
    fn root_of(&self, leaf: usize) -> usize {
        self.metadata.metadata().file_metadata().schema_descr().get_column_root_idx(leaf)
    }

    /// An error in this file.
    pub fn fault(&self, fault: Fault) -> Error {
        in_file(&self.path, fault)
    }

    /// Where row group `group` begins and ends among all rows.
    pub fn group(&self, group: usize) -> Range<usize> {
        let sizes = |groups: usize| -> usize {
            let groups = self.metadata.metadata().row_groups()[..groups].iter();
            groups.map(|g| usize::try_from(g.num_rows()).unwrap_or(0)).sum()
        };
        self.rows.start + sizes(group)..self.rows.start + sizes(group + 1)
    }

    fn reader(&self, roots: &[usize], select: Select, batch: usize) -> Checked<ParquetRecordBatchReader> {
        let file = File::open(&self.path)?;
        if state_of(&file)? != self.state {
            return Err(Fault::new("has changed while it was read"));
        }
        let groups = self.metadata.metadata().row_groups();
        let mask =
            ProjectionMask::roots(self.metadata.metadata().file_metadata().schema_descr(), roots.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(batch);
        guarded(|| match select {
            Select::Rows(selection) => builder.with_row_selection(selection).build(),
            Select::Range(range) => {
                let (mut met, mut skipped, mut start) = (Vec::new(), None, 0);
                for (k, group) in groups.iter().enumerate() {
                    let end = start + usize::try_from(group.num_rows()).unwrap_or(0);
                    if end > range.start && start < range.end {
                        skipped.get_or_insert(range.start.saturating_sub(start));
                        met.push(k);
                    }
                    start = end;
                }
                builder.with_row_groups(met).with_offset(skipped.unwrap_or(0)).with_limit(range.len()).build()
            }
        })
    }

    /// Calls `f` with the columns `roots` (in their order) of some rows, piece after piece, and the number of rows.
    pub fn each(
        &self,
        roots: &[usize],
        select: Select,
        batch: usize,
        f: &mut dyn FnMut(&[ArrayRef], usize) -> Result<()>,
    ) -> Result<()> {
        let mut sorted = roots.to_vec();
        sorted.sort_unstable();
        let places: Vec<usize> = roots.iter().map(|root| sorted.partition_point(|r| r < root)).collect();
        let mut reader = self.reader(roots, select, batch).map_err(|fault| self.fault(fault))?;
        let next = |reader: &mut ParquetRecordBatchReader| -> Result<Option<RecordBatch>> {
            guarded(|| reader.next().transpose()).map_err(|fault| self.fault(fault))
        };
        while let Some(batch) = next(&mut reader)? {
            let columns: Vec<ArrayRef> = places.iter().map(|&k| batch.column(k).clone()).collect();
            f(&columns, batch.num_rows())?;
        }
        Ok(())
    }
}
