//! Files of Arrow (IPC, which is Feather too): read once, batch after batch.

use super::parts::guarded;
use super::table::Chosen;
use super::values::{Kind, missing, put, words};
use crate::fault::{Checked, Fault, require_memory};
use crate::kept::Kept;
use crate::matrix::{Matrix, Table};
use crate::open::open_regular;
use crate::spool::Collected;
use crate::system::read_at;
use crate::table::{Omission, TableOptions, repeated};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::{FileReader, read_footer_length};
use arrow_ipc::{root_as_footer, root_as_message};
use arrow_schema::{ArrowError, SchemaRef};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use unhat::Result;

/// How a file of batches begins, how one of Feather's first version does.
const FILE: &[u8] = b"ARROW1";
const FEATHER_1: &[u8] = b"FEA1";
/// So many times the file its numbers may take unpacked: what zstd makes of zeros is less.
const MOST_TIMES: u64 = 1 << 16;
/// Rows that are turned at once.
const ROWS: usize = 4096;

/// Batches as they come.
pub type Batches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send>;

/// Reads what is asked of a file of Arrow; beyond its share of memory the matrix goes to a temporary file.
pub(crate) fn read_arrow(path: &str, options: &TableOptions) -> Result<Table> {
    let (schema, batches) = open(path).map_err(|fault| fault.in_input(path))?;
    read_batches(path, schema, batches, options)
}

/// Reads what is asked of batches that come once, such as those that another library hands over; `name` is what messages call them.
///
/// Beyond its share of memory ([`Holding`](crate::Holding)) the matrix goes to a temporary file, and is read from there by every sweep.
///
/// # Errors
/// As [`read_matrix`](crate::read_matrix).
pub fn read_batches(name: &str, schema: SchemaRef, batches: Batches, options: &TableOptions) -> Result<Table> {
    let path = name;
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let kinds = schema.fields().iter().map(|field| Kind::of(field.data_type())).collect();
    let chosen = Chosen::of(path, &names, kinds, options)?;
    let mut read = Reading {
        chosen: &chosen,
        values: Collected::up_to(options.holding.most_read()),
        beside: [Vec::new(), Vec::new()],
        names: Vec::new(),
        omitted: Vec::new(),
        omits: options.dialect.missing.omits(),
        count: 0,
    };
    read.all(batches).and_then(|()| read.table(path)).map_err(|fault| fault.in_input(path))
}

fn open(path: &str) -> Checked<(SchemaRef, Batches)> {
    let mut file: File = open_regular(path)?;
    let mut start = [0; 6];
    let mut length = 0;
    while length < start.len() {
        match file.read(&mut start[length..])? {
            0 => break,
            count => length += count,
        }
    }
    file.rewind()?;
    if start.starts_with(FEATHER_1) {
        return Err(Fault::new("is a file of Feather's first version, expected the second: write it again"));
    }
    if !start.starts_with(FILE) {
        return Err(Fault::new("does not begin like a file of Arrow (ARROW1): is it a stream? write it as a file"));
    }
    let whole = |fault: Fault| Fault::new(format!("is no whole file of Arrow: {}", fault.reason()));
    guarded(|| require_true_claims(&file)).map_err(whole)?;
    let reader = guarded(|| FileReader::try_new(BufReader::new(file), None)).map_err(whole)?;
    Ok((reader.schema(), Box::new(reader)))
}

/// The reader takes memory as the file claims: the batches must lie within it, and what they unpack to be affordable.
fn require_true_claims(file: &File) -> std::result::Result<(), String> {
    let length = file.metadata().map_err(|e| e.to_string())?.len();
    let read = |at: u64, count: u64| -> std::result::Result<Vec<u8>, String> {
        if at.checked_add(count).is_none_or(|end| end > length) {
            return Err("a part of it lies beyond its end".into());
        }
        let mut bytes = vec![0; usize::try_from(count).map_err(|e| e.to_string())?];
        read_at(file, &mut bytes, at).map_err(|e| e.to_string()).map(|()| bytes)
    };
    let whole = |number: i64| u64::try_from(number).map_err(|_| "a length in it is negative".to_string());
    let tail = read(length.saturating_sub(10), 10)?;
    let tail: [u8; 10] = tail.try_into().map_err(|_| "it is too short".to_string())?;
    let size = read_footer_length(tail).map_err(|e| e.to_string())? as u64;
    let bytes = read(length.saturating_sub(10).saturating_sub(size), size)?;
    let footer = root_as_footer(&bytes).map_err(|e| e.to_string())?;
    for block in footer.dictionaries().iter().chain(&footer.recordBatches()).flat_map(|blocks| blocks.iter()) {
        let (at, head) = (whole(block.offset())?, whole(block.metaDataLength().into())?);
        let body = at.checked_add(head).ok_or("a part of it lies beyond its end")?;
        if body.checked_add(whole(block.bodyLength())?).is_none_or(|end| end > length) {
            return Err("a part of it lies beyond its end".into());
        }
        let bytes = read(at, head)?;
        let message = bytes.get(if bytes.starts_with(&[0xFF; 4]) { 8 } else { 4 }..).ok_or("a batch has no head")?;
        let message = root_as_message(message).map_err(|e| e.to_string())?;
        let batch = message.header_as_record_batch().or(message.header_as_dictionary_batch().and_then(|d| d.data()));
        let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { continue };
        let mut unpacked = 0u64;
        for buffer in batch.buffers().iter().flat_map(|buffers| buffers.iter()).filter(|buffer| buffer.length() >= 8) {
            let start = read(body.saturating_add(whole(buffer.offset())?), 8)?;
            let claim = start.try_into().map_or(0, i64::from_le_bytes);
            unpacked = unpacked.saturating_add(u64::try_from(claim).unwrap_or(0)); // -1: as it stands
        }
        unhat::memory::require_memory("a batch", unpacked).map_err(|e| e.to_string())?;
        if unpacked > length.saturating_mul(MOST_TIMES) {
            return Err(format!("a batch claims {unpacked} bytes"));
        }
    }
    Ok(())
}

struct Reading<'a> {
    chosen: &'a Chosen,
    values: Collected,
    /// Response and weights.
    beside: [Vec<f64>; 2],
    names: Vec<String>,
    omitted: Vec<usize>,
    omits: bool,
    count: usize,
}

impl Reading<'_> {
    fn all(&mut self, mut batches: Batches) -> Checked<()> {
        while let Some(batch) = guarded(|| batches.next().transpose())? {
            let mut start = 0;
            while start < batch.num_rows() {
                let count = ROWS.min(batch.num_rows() - start);
                self.piece(&batch.slice(start, count))?;
                start += count;
            }
        }
        match self.count - self.omitted.len() {
            0 if self.omitted.is_empty() => Err(Fault::new("holds no row, expected at least one")),
            _ => Ok(()),
        }
    }

    fn piece(&mut self, batch: &RecordBatch) -> Checked<()> {
        let count = batch.num_rows();
        let gone = match self.omits {
            true => {
                let used = self.chosen.used();
                let mut gone: Vec<usize> = used.iter().flat_map(|&column| missing(batch.column(column))).collect();
                gone.sort_unstable();
                gone.dedup();
                gone
            }
            false => Vec::new(),
        };
        self.omitted.extend(gone.iter().map(|row| self.count + row));
        let kept = Kept::without(gone);
        let (first, width) = (usize::from(self.chosen.layout.intercept), self.chosen.taken.len());
        let width = first + width;
        for run in kept.runs(0..count) {
            let mut rows = vec![1.0; run.len() * width];
            for (j, &column) in self.chosen.taken.iter().enumerate() {
                self.numbers(batch.column(column), column, &run, (&mut rows, first + j, width))?;
            }
            self.values.extend(&rows)?;
            for (k, column) in self.chosen.beside().into_iter().enumerate() {
                let Some(column) = column else { continue };
                let mut values = vec![0.0; run.len()];
                self.numbers(batch.column(column), column, &run, (&mut values, 0, 1))?;
                self.beside[k].extend(values);
            }
        }
        if let Some((column, _)) = self.chosen.names {
            let place = self.chosen.columns.phrase(column);
            let words = words(batch.column(column)).map_err(|reason| Fault::at(place, reason))?;
            require_memory("the names of the rows", 40 * (self.names.len() + count) as u64)?;
            self.names.extend(words.into_iter().map(Option::unwrap_or_default));
        }
        self.count += count;
        Ok(())
    }

    fn numbers(
        &self,
        values: &ArrayRef,
        column: usize,
        run: &std::ops::Range<usize>,
        (out, slot, width): (&mut [f64], usize, usize),
    ) -> Checked<()> {
        put(&values.slice(run.start, run.len()), out, slot, width).map_err(|(row, why)| {
            let place = format!("row {}, {}", self.count + run.start + row + 1, self.chosen.columns.phrase(column));
            Fault::at(place, why.reason())
        })
    }

    fn table(self, path: &str) -> Checked<Table> {
        let chosen = self.chosen;
        let mut notes = chosen.notes.clone();
        let mut names = None;
        if let Some((column, for_sure)) = chosen.names {
            let place = chosen.columns.phrase(column);
            if for_sure || repeated(&self.names).is_none() {
                if for_sure {
                    crate::table::require_distinct(&self.names, &place)?;
                }
                notes.push(format!("row names: {place}"));
                names = Some(self.names);
            } else {
                notes.push(format!("left out {place}: text, no numbers"));
            }
        }
        let mut matrix = Matrix::new(self.values.matrix(path, chosen.column_names().len())?);
        matrix.column_names = Some(chosen.column_names());
        if let Some(Omission { rows, gone, note }) = Omission::of(self.omitted, self.count, names.as_deref())? {
            let all = names.take().unwrap_or_else(|| (1..=gone.len()).map(|row| row.to_string()).collect());
            names = Some(all.into_iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(name, _)| name).collect());
            matrix.omitted = rows;
            notes.push(note);
        }
        matrix.row_names = names;
        matrix.notes = notes;
        let [response, weights] = self.beside;
        let [has_response, has_weights] = chosen.beside().map(|column| column.is_some());
        Ok(Table { matrix, response: has_response.then_some(response), weights: has_weights.then_some(weights) })
    }
}
