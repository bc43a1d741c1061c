//! Rows of doubles in a file, read a block at a time: nothing of the file stays in memory.

use crate::fault::Fault;
use crate::kept::Kept;
use crate::system::read_at;
use std::cell::RefCell;
use std::fs::File;
use std::ops::Range;
use unhat::Result;
use unhat::rows::{Block, DenseBlock, DenseRows, RowSource, Rows, Shape};

thread_local! {
    /// A block, and the rows of the file it is picked from.
    static BUFFERS: RefCell<(Vec<f64>, Vec<f64>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// A matrix of little-endian doubles in a file, row-major.
pub(crate) struct FileRows {
    /// For messages.
    path: String,
    file: File,
    /// The byte where the numbers begin.
    start: u64,
    /// Numbers of a row of the file.
    width: usize,
    /// Those of them that make a row of the matrix; None: all.
    picked: Option<Vec<usize>>,
    kept: Kept,
    rows: usize,
    rows_per_block: usize,
}

impl FileRows {
    /// The `rows` rows of a file that are kept, of `width` numbers from the byte `start`.
    pub fn new(
        path: String,
        file: File,
        (start, width): (u64, usize),
        picked: Option<Vec<usize>>,
        kept: Kept,
        rows: usize,
    ) -> Self {
        let columns = picked.as_ref().map_or(width, Vec::len);
        let rows_per_block = rows_per_block(columns);
        FileRows { path, file, start, width, picked, kept, rows, rows_per_block }
    }

    fn columns(&self) -> usize {
        self.picked.as_ref().map_or(self.width, Vec::len)
    }

    /// The rows `places` of the file, whole.
    fn read(&self, places: Range<usize>, out: &mut [f64]) -> Result<()> {
        let at = self.start + 8 * (places.start * self.width) as u64;
        let bytes = bytemuck::cast_slice_mut(out);
        read_at(&self.file, bytes, at).map_err(|e| Fault::from(e).in_file(&self.path))?;
        if cfg!(target_endian = "big") {
            out.iter_mut().for_each(|value| *value = f64::from_bits(value.to_bits().swap_bytes()));
        }
        Ok(())
    }

    /// The kept rows `range`, picked, into `out`.
    fn fill(&self, range: Range<usize>, out: &mut [f64], raw: &mut Vec<f64>) -> Result<()> {
        let mut filled = 0;
        for run in self.kept.runs(self.kept.places(&range)) {
            let count = run.len();
            let here = &mut out[filled * self.columns()..(filled + count) * self.columns()];
            filled += count;
            let Some(picked) = &self.picked else {
                self.read(run, here)?;
                continue;
            };
            raw.resize(count * self.width, 0.0);
            self.read(run, raw)?;
            for (row, whole) in here.chunks_exact_mut(picked.len()).zip(raw.chunks_exact(self.width)) {
                row.iter_mut().zip(picked).for_each(|(value, &column)| *value = whole[column]);
            }
        }
        Ok(())
    }

    /// One number of every kept row, in memory.
    pub fn column(&self, slot: usize) -> Result<Vec<f64>> {
        let mut raw = Vec::new();
        let mut values = Vec::with_capacity(self.rows);
        for start in (0..self.rows).step_by(self.rows_per_block) {
            let end = self.rows.min(start + self.rows_per_block);
            for run in self.kept.runs(self.kept.places(&(start..end))) {
                raw.resize(run.len() * self.width, 0.0);
                self.read(run, &mut raw)?;
                values.extend(raw.iter().skip(slot).step_by(self.width));
            }
        }
        Ok(values)
    }

    /// The same rows without some of their numbers and without some rows, which are counted in the file.
    pub fn narrowed(self, picked: Vec<usize>, omitted: &[usize]) -> Self {
        let rows = self.rows - omitted.len();
        let kept = Kept::without(omitted.iter().copied());
        FileRows { rows_per_block: rows_per_block(picked.len()), picked: Some(picked), kept, rows, ..self }
    }
}

/// Rows of the blocks that a dense matrix of so many columns has in memory.
pub(crate) fn rows_per_block(columns: usize) -> usize {
    DenseRows::new(&vec![0.0; columns], columns).map_or(1, |rows| rows.rows_per_block())
}

impl RowSource for FileRows {
    fn shape(&self) -> Shape {
        Shape { rows: self.rows, columns: self.columns(), stored: self.rows * self.columns() }
    }

    fn rows_per_block(&self) -> usize {
        self.rows_per_block
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let start = k * self.rows_per_block;
        let end = self.rows.min(start + self.rows_per_block);
        let (mut block, mut raw) = BUFFERS.take();
        block.resize((end - start) * self.columns(), 0.0);
        let lent = self.fill(start..end, &mut block, &mut raw).and_then(|()| {
            f(Rows { start, block: Block::Dense(DenseBlock { values: &block, columns: self.columns() }) })
        });
        BUFFERS.set((block, raw));
        lent
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let (d, mut raw) = (self.columns(), Vec::new());
        let mut out = vec![0.0; rows.len() * d];
        for (row, &k) in out.chunks_exact_mut(d).zip(rows) {
            self.fill(k..k + 1, row, &mut raw)?;
        }
        Ok(out)
    }
}
