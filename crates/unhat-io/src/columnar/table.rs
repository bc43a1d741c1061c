//! A matrix, its response, weights and names from the columns of a table in Parquet.

use super::ids::Ids;
use super::parts::Parts;
use super::rows::{ParquetRows, refused};
use super::values::{Kind, Refused, missing};
use crate::fault::{Fault, room, shown};
use crate::file_rows::rows_per_block;
use crate::kept::Kept;
use crate::matrix::{Matrix, Storage, Table};
use crate::memory::Need;
use crate::npy::DenseValues;
use crate::table::{Columns, Layout, Missing, Omission, RowNames, TableOptions, note_left_out, repeated};
use arrow_array::Array;
use std::sync::Arc;
use unhat::rows::{Block, RowSource};
use unhat::{ErrorKind, Result};

/// The column in which pandas keeps an index without a name.
pub(super) const PANDAS_INDEX: &str = "__index_level_0__";
/// Bytes of row names that are held in memory; more of them stay in their file until they are written.
const HELD_NAMES: u64 = 64 << 20;
/// What a name takes beside its letters.
const NAME_BYTES: u64 = 40;

/// What a table holds and what was asked of it, before any row is read.
pub(super) struct Chosen {
    pub columns: Columns,
    pub layout: Layout,
    /// The columns of the matrix, of those of the layout.
    pub taken: Vec<usize>,
    /// The column with the names of the rows, and whether the user or pandas says so.
    pub names: Option<(usize, bool)>,
    pub notes: Vec<String>,
}

impl Chosen {
    pub fn of(path: &str, names: &[String], kinds: Vec<Kind>, options: &TableOptions) -> Result<Self> {
        require_no_text_options(path, options)?;
        let columns = Columns { header: Some(names.to_vec()), width: names.len() };
        let pandas = || names.iter().position(|name| name == PANDAS_INDEX);
        let for_sure = match &options.dialect.row_names {
            RowNames::None => None,
            RowNames::Column(name) => {
                let found = columns.find(name).map_err(|reason| Fault::new(format!("--row-names: {reason}")));
                Some(found.map_err(|fault| fault.in_input(path))?)
            }
            RowNames::Automatic => pandas(),
        };
        let layout = Layout::new(&columns, for_sure, options)?;
        let (mut taken, mut left_out, mut empty, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let automatic = options.dialect.row_names == RowNames::Automatic && kinds[0] == Kind::Text;
        let names_column = for_sure.map(|column| (column, true)).or(automatic.then_some((0, false)));
        for (slot, &source) in layout.sources.iter().enumerate() {
            let beside = layout.response == Some(slot) || layout.weights == Some(slot);
            let fault = |found: &str, advice: &str| {
                let reason = format!("found {found}, expected numbers{advice}");
                Err(Fault::at(columns.phrase(source), reason).in_input(path))
            };
            match kinds[source] {
                Kind::Numbers if beside => {}
                Kind::Numbers => taken.push(source),
                Kind::Nested => {
                    return fault(
                        "lists or structs",
                        ": leave the column out with --without, or write its parts as columns",
                    );
                }
                Kind::Text if layout.chosen || beside => return fault("text", ""),
                Kind::Other if layout.chosen || beside => return fault("dates, times or bytes", ""),
                Kind::Empty if layout.chosen || beside => return fault("no value", ""),
                Kind::Text if names_column == Some((source, false)) => {}
                Kind::Text => left_out.push(source),
                Kind::Other => others.push(source),
                Kind::Empty => empty.push(source),
            }
        }
        if taken.is_empty() {
            let reason = "found no column of numbers for the matrix, expected at least one";
            return Err(Fault::new(reason).in_input(path));
        }
        let mut notes = Vec::new();
        note_left_out(&columns, &left_out, "text, no numbers", &mut notes);
        note_left_out(&columns, &others, "dates, times or bytes, no numbers", &mut notes);
        note_left_out(&columns, &empty, "no cell holds anything", &mut notes);
        Ok(Chosen { columns, layout, taken, names: names_column, notes })
    }

    /// The column of the response and that of the weights.
    pub fn beside(&self) -> [Option<usize>; 2] {
        [self.layout.response, self.layout.weights].map(|slot| slot.map(|slot| self.layout.sources[slot]))
    }

    /// The columns whose cells must hold numbers.
    pub fn used(&self) -> Vec<usize> {
        self.taken.iter().copied().chain(self.beside().into_iter().flatten()).collect()
    }

    pub fn column_names(&self) -> Vec<String> {
        let intercept = self.layout.intercept.then(|| "(Intercept)".to_string());
        let names = self.taken.iter().map(|&column| self.columns.name(column).unwrap_or_default().to_string());
        intercept.into_iter().chain(names).collect()
    }
}

/// Options that say how text is written say nothing about numbers that are none.
fn require_no_text_options(path: &str, options: &TableOptions) -> Result<()> {
    let refused = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
    if options.dialect.missing == Missing::Indicator {
        return refused(
            "missing",
            "indicator is for models (influence, train, predict); expected error, omit or exclude".into(),
        );
    }
    if !options.factors.is_empty() {
        return refused("absorb", "makes factors of columns, which are no columns of a matrix".into());
    }
    match options.dialect.first_of_text() {
        Some(name) => refused(name, format!("says how text is written (.csv, .tsv), and {path} is none")),
        None => Ok(()),
    }
}

/// Reads what is asked of the files that `path` names. Of a large table the rows stay where they are.
pub(crate) fn read_parquet(path: &str, options: &TableOptions) -> Result<Table> {
    let mut parts = Parts::open(path)?;
    let mut notes = std::mem::take(&mut parts.notes);
    let parts = Arc::new(parts);
    let chosen = Chosen::of(path, &parts.names, parts.kinds(), options)?;
    let used = chosen.used();
    parts.require_codecs(&used)?;
    let omission = match options.dialect.missing.omits() {
        true => rows_without_numbers(&parts, &used)?,
        false => {
            require_no_null(&parts, &used)?;
            Vec::new()
        }
    };
    let kept = Kept::without(omission.iter().copied());
    let rows_of = |roots: &[usize], ones: bool| {
        let columns = roots.len() + usize::from(ones);
        let roots = roots.to_vec();
        ParquetRows {
            parts: parts.clone(),
            roots,
            ones,
            kept: kept.clone(),
            rows_per_block: rows_per_block(columns),
            openings: 1,
        }
    };
    let [response, weights] = chosen.beside();
    let mut beside = Vec::new();
    for column in [response, weights] {
        beside.push(column.map(|column| held(&rows_of(&[column], false), "the column beside the matrix")).transpose()?);
    }
    let weights = beside.pop().flatten();
    let response = beside.pop().flatten();
    let mut rows = rows_of(&chosen.taken, chosen.layout.intercept);
    let shape = rows.shape();
    let storage = if options.holding.holds_columns(8 * shape.stored as u64) {
        Storage::Dense { values: DenseValues::Owned(held(&rows, "the table")?), columns: shape.columns }
    } else {
        let need = Need { shape, batch: rows.batch(), pages: parts.largest_chunks(&chosen.taken) };
        rows.openings = options.holding.openings(&need)?;
        Storage::Streamed(Box::new(rows))
    };
    notes.extend(chosen.notes.iter().cloned());
    let mut matrix = Matrix::new(storage);
    matrix.column_names = Some(chosen.column_names());
    if let Some((column, for_sure)) = chosen.names {
        name_rows(&mut matrix, Ids { parts: parts.clone(), root: column, kept }, for_sure, &mut notes)?;
    }
    let names = matrix.row_names.take();
    // The names of all rows, also of those that are left out.
    let all_names = match (omission.is_empty(), &matrix.ids, &names) {
        (false, Some(ids), Some(_)) => Some(Ids { parts: parts.clone(), root: ids.root, kept: Kept::default() }.all()?),
        _ => None,
    };
    let omission = Omission::of(omission, parts.rows, all_names.as_deref()).map_err(|fault| fault.in_input(path))?;
    matrix.row_names = names;
    if let Some(Omission { rows, gone, note }) = omission {
        if matrix.ids.is_none() && shape.rows as u64 * NAME_BYTES <= HELD_NAMES {
            matrix.row_names =
                Some((0..gone.len()).filter(|&row| !gone[row]).map(|row| (row + 1).to_string()).collect());
        }
        matrix.omitted = rows;
        notes.push(note);
    }
    matrix.notes = notes;
    Ok(Table { matrix, response, weights })
}

/// Row names in memory where they are few, else in their file.
fn name_rows(matrix: &mut Matrix, ids: Ids, for_sure: bool, notes: &mut Vec<String>) -> Result<()> {
    let place = ids.parts.place(ids.root);
    let rows = matrix.shape().rows as u64;
    if NAME_BYTES * rows + ids.parts.unpacked(&[ids.root]) > HELD_NAMES {
        notes.push(format!("row names: {place}; too many to be compared with each other"));
        matrix.ids = Some(ids);
        return Ok(());
    }
    let names = ids.all()?;
    match repeated(&names) {
        Some(_) if !for_sure => {
            notes.push(format!("left out {place}: text, no numbers"));
            return Ok(());
        }
        Some((first, second)) => {
            let reason = format!(
                "row {second} has the name {} as row {first}, expected row names that differ: --row-names names another \
                 column, or none",
                shown(&names[second - 1])
            );
            return Err(ids.parts.parts[0].fault(Fault::at(place, reason)));
        }
        None => notes.push(format!("row names: {place}")),
    }
    matrix.row_names = Some(names);
    matrix.ids = Some(ids);
    Ok(())
}

/// All rows, in memory that grows as they come.
fn held(rows: &ParquetRows, what: &str) -> Result<Vec<f64>> {
    unhat::memory::require_memory(what, 8 * rows.shape().stored as u64)?;
    let refused = |fault: Fault| unhat::Error::from(ErrorKind::Numerical { reason: fault.reason().to_string() });
    let mut values = Vec::new();
    rows.with_blocks(0..rows.blocks(), &mut |block| {
        if let Block::Dense(dense) = block.block {
            room(&mut values, dense.values.len(), what).map_err(refused)?;
            values.extend_from_slice(dense.values);
        }
        Ok(())
    })?;
    Ok(values)
}

/// The first null is an error with its file, row and column.
fn require_no_null(parts: &Parts, used: &[usize]) -> Result<()> {
    let Some((part, group, root)) = parts.first_null(used) else { return Ok(()) };
    parts.each(&[root], part.group(group), 8192, &mut |part, columns, place| match (0..columns[0].len())
        .find(|&row| columns[0].is_null(row))
    {
        Some(row) => Err(refused(parts, part, root, place + row, &Refused::Missing)),
        None => Ok(()),
    })?;
    // The footer says that there is one.
    Err(part.fault(Fault::at(parts.place(root), "found a null, expected numbers: --missing omit leaves such rows out")))
}

/// The rows that have a null or a NaN in one of these columns, in order.
fn rows_without_numbers(parts: &Parts, used: &[usize]) -> Result<Vec<usize>> {
    let mut rows = Vec::new();
    let batch = ((1 << 19) / used.len().max(1)).clamp(64, 8192);
    parts.each(used, 0..parts.rows, batch, &mut |_, columns, place| {
        let mut here: Vec<usize> = columns.iter().flat_map(|column| missing(column)).collect();
        here.sort_unstable();
        here.dedup();
        rows.extend(here.into_iter().map(|row| place + row));
        Ok(())
    })?;
    Ok(rows)
}
