//! A matrix, its response, weights and names from the columns of a table in Parquet.

use super::ids::Ids;
use super::parts::Parts;
use super::rows::{ParquetRows, refused};
use super::values::{Kind, Refused, missing, words};
use crate::fault::{Fault, require_memory, shown, zeros};
use crate::file_rows::rows_per_block;
use crate::frame::{FrameOptions, ReadFrame};
use crate::kept::Kept;
use crate::matrix::{Matrix, Storage, Table};
use crate::memory::Need;
use crate::npy::DenseValues;
use crate::table::{Columns, Layout, Missing, Omission, RowNames, TableOptions, note_left_out, repeated};
use arrow_array::Array;
use std::sync::Arc;
use unhat::rows::{Block, RowSource};
use unhat::{ErrorKind, Result};
use unhat_models::models::{Column, Frame, TextColumn};

/// The column in which pandas keeps an index without a name.
const PANDAS_INDEX: &str = "__index_level_0__";
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

/// All rows, in memory.
fn held(rows: &ParquetRows, what: &str) -> Result<Vec<f64>> {
    let shape = rows.shape();
    let fault =
        |fault: Fault| unhat::Error::from(ErrorKind::Numerical { reason: format!("{what}: {}", fault.reason()) });
    unhat::memory::require_memory(what, 8 * shape.stored as u64)?;
    let mut values = zeros(shape.stored).map_err(fault)?;
    rows.with_blocks(0..rows.blocks(), &mut |block| {
        if let Block::Dense(dense) = block.block {
            values[block.start * shape.columns..][..dense.values.len()].copy_from_slice(dense.values);
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

/// Reads all columns of a table in Parquet, in memory: numbers, and everything else that has words as text.
pub(crate) fn read_frame_of(path: &str, options: &FrameOptions) -> Result<ReadFrame> {
    let mut parts = Parts::open(path)?;
    let mut notes = std::mem::take(&mut parts.notes);
    let kinds = parts.kinds();
    let is_used = |name: &String| match &options.only {
        Some(only) => only.contains(name),
        None => !options.without.contains(name),
    };
    if let Some(name) = options.dialect.first_of_text() {
        let reason = format!("says how text is written (.csv, .tsv), and {path} is none");
        return Err(ErrorKind::Option { name: name.into(), reason }.into());
    }
    let names_column = match &options.dialect.row_names {
        RowNames::None => None,
        RowNames::Automatic => parts.names.iter().position(|name| name == PANDAS_INDEX),
        RowNames::Column(name) => {
            let columns = Columns { header: Some(parts.names.clone()), width: parts.names.len() };
            let found = columns.find(name).map_err(|reason| Fault::new(format!("--row-names: {reason}")));
            Some(found.map_err(|fault| fault.in_input(path))?)
        }
    };
    let (mut columns, mut gaps, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let everything: Vec<usize> =
        (0..parts.names.len()).filter(|k| matches!(kinds[*k], Kind::Numbers | Kind::Text)).collect();
    parts.require_codecs(&everything)?;
    for (root, name) in parts.names.iter().enumerate() {
        if names_column == Some(root) {
            continue;
        }
        let column = match kinds[root] {
            Kind::Numbers => Column::Numbers(numbers_of(&parts, root)?),
            Kind::Text => Column::Text(text_of_column(&parts, root)?),
            Kind::Other | Kind::Empty => {
                others.push(root);
                continue;
            }
            Kind::Nested => {
                let reason = "found lists or structs, expected numbers or text: write its parts as columns";
                return Err(parts.parts[0].fault(Fault::at(parts.place(root), reason)));
            }
        };
        let missing: Vec<usize> = match &column {
            Column::Numbers(values) => (0..values.len()).filter(|&row| values[row].is_nan()).collect(),
            Column::Text(text) => (0..parts.rows).filter(|&row| text.word(row).is_none()).collect(),
        };
        if is_used(name) && options.dialect.missing != Missing::Indicator && !missing.is_empty() {
            if options.dialect.missing == Missing::Error {
                let part = parts.parts.iter().find(|part| part.rows.contains(&missing[0])).unwrap_or(&parts.parts[0]);
                let place = format!("row {}, {}", missing[0] - part.rows.start + 1, parts.place(root));
                let reason = "found a null: --missing omit leaves such rows out, --missing indicator keeps them";
                return Err(part.fault(Fault::at(place, reason)));
            }
            gaps.extend(missing);
        }
        columns.push((name.clone(), column));
    }
    let all = Columns { header: Some(parts.names.clone()), width: parts.names.len() };
    note_left_out(&all, &others, "dates, times, bytes or nothing", &mut notes);
    let mut frame = Frame::new(columns)?;
    let parts = Arc::new(parts);
    if let Some(root) = names_column {
        let ids = Ids { parts: parts.clone(), root, kept: Kept::default() };
        frame.row_names = Some(ids.all()?);
        notes.push(format!("row names: {}", parts.place(root)));
    }
    let omission = Omission::of(gaps, parts.rows, frame.row_names.as_deref()).map_err(|fault| fault.in_input(path))?;
    let mut omitted = Vec::new();
    if let Some(Omission { rows, gone, note }) = omission {
        frame = frame.take(&(0..parts.rows).filter(|&row| !gone[row]).collect::<Vec<_>>());
        notes.push(note);
        omitted = rows;
    }
    Ok(ReadFrame { frame, omitted, notes, doubts: Vec::new() })
}

/// A column of numbers, NaN where there is none.
fn numbers_of(parts: &Parts, root: usize) -> Result<Vec<f64>> {
    let mut values = Vec::new();
    parts.each(&[root], 0..parts.rows, 8192, &mut |part, columns, place| {
        let column = &columns[0];
        let kept = Kept::without(missing(column));
        let mut here = vec![f64::NAN; column.len()];
        for run in kept.runs(0..column.len()) {
            super::values::put(&column.slice(run.start, run.len()), &mut here[run.clone()], 0, 1)
                .map_err(|(row, why)| refused(parts, part, root, place + run.start + row, &why))?;
        }
        let room = require_memory("the table", 8 * (values.len() + here.len()) as u64);
        room.map_err(|fault| part.fault(fault))?;
        values.extend(here);
        Ok(())
    })?;
    Ok(values)
}

fn text_of_column(parts: &Parts, root: usize) -> Result<TextColumn> {
    let mut text = TextColumn::default();
    parts.each(&[root], 0..parts.rows, 8192, &mut |part, columns, _| {
        let words = words(&columns[0]).map_err(|reason| part.fault(Fault::at(parts.place(root), reason)))?;
        words.iter().for_each(|word| text.push(word.as_deref()));
        Ok(())
    })?;
    Ok(text)
}
