//! Rows in files of Parquet: opened for each range, read in order, cut into the blocks that they would be in memory.

use super::parts::{Part, Parts, Select};
use super::values::{Refused, put};
use crate::fault::Fault;
use crate::kept::Kept;
use arrow_array::{Array, ArrayRef};
use parquet::arrow::arrow_reader::RowSelector;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use unhat::Result;
use unhat::rows::{Block, DenseBlock, RowSource, Rows, Shape};

/// Numbers that are decoded at once: 4 MB.
const BATCH_VALUES: usize = 1 << 19;
/// Rows that are decoded at once where they are narrow.
const BATCH_ROWS: usize = 1 << 16;
/// Of one row in so many and more an ordinary reading is taken, else one that leaps from row to row: near there both cost the
/// same, and either is right.
const LEAP: usize = 100;

thread_local! {
    /// The block that is filled; kept between ranges, as a sweep opens many.
    static BLOCK: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// A matrix in files of Parquet.
pub(super) struct ParquetRows {
    pub parts: Arc<Parts>,
    /// The columns of the files, in the order of the matrix.
    pub roots: Vec<usize>,
    /// Whether a column of ones comes first.
    pub ones: bool,
    pub kept: Kept,
    pub rows_per_block: usize,
    /// Ranges that a sweep may open.
    pub openings: usize,
}

impl ParquetRows {
    fn columns(&self) -> usize {
        usize::from(self.ones) + self.roots.len()
    }

    fn rows(&self) -> usize {
        self.parts.rows - self.kept.omitted()
    }

    /// Rows that are decoded at once.
    pub fn batch(&self) -> usize {
        (BATCH_VALUES / self.columns()).clamp(self.rows_per_block, BATCH_ROWS)
    }

    /// Rows of a piece, dense, into `out`.
    fn fill(&self, part: &Part, columns: &[ArrayRef], from: usize, place: usize, out: &mut [f64]) -> Result<()> {
        let (width, first) = (self.columns(), usize::from(self.ones));
        if self.ones {
            out.chunks_exact_mut(width).for_each(|row| row[0] = 1.0);
        }
        for (j, (column, &root)) in columns.iter().zip(&self.roots).enumerate() {
            put(&column.slice(from, out.len() / width), out, first + j, width)
                .map_err(|(row, why)| refused(&self.parts, part, root, place + row, &why))?;
        }
        Ok(())
    }
}

/// The error of a cell that is no number; `place` is its row among all files.
pub(super) fn refused(parts: &Parts, part: &Part, root: usize, place: usize, why: &Refused) -> unhat::Error {
    let place = format!("row {}, {}", place - part.rows.start + 1, parts.place(root));
    part.fault(Fault::at(place, why.reason()))
}

impl RowSource for ParquetRows {
    fn shape(&self) -> Shape {
        let (rows, columns) = (self.rows(), self.columns());
        Shape { rows, columns, stored: rows * columns }
    }

    fn rows_per_block(&self) -> usize {
        self.rows_per_block
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.with_blocks(k..k + 1, f)
    }

    fn openings(&self) -> Option<usize> {
        Some(self.openings)
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let (d, size) = (self.columns(), self.rows_per_block());
        let mut start = range.start * size;
        let end = (range.end * size).min(self.rows());
        if start >= end {
            return Ok(());
        }
        let mut block = BLOCK.take();
        block.resize(size * d, 0.0);
        let mut filled = 0;
        let places = self.kept.places(&(start..end));
        let read = self.parts.each(&self.roots, places, self.batch().min(end - start), &mut |part, columns, place| {
            let count = columns.first().map_or(0, |column| column.len());
            for run in self.kept.runs(place..place + count) {
                let mut next = run.start;
                while next < run.end {
                    let more = (size - filled).min(run.end - next);
                    self.fill(part, columns, next - place, next, &mut block[filled * d..(filled + more) * d])?;
                    (next, filled) = (next + more, filled + more);
                    if filled == size || start + filled == end {
                        f(Rows {
                            start,
                            block: Block::Dense(DenseBlock { values: &block[..filled * d], columns: d }),
                        })?;
                        (start, filled) = (start + filled, 0);
                    }
                }
            }
            Ok(())
        });
        BLOCK.set(block);
        read
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let d = self.columns();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&k| rows[k]);
        let mut wanted = Wanted { rows, order: &order, out: vec![0.0; rows.len() * d], columns: d };
        if rows.len() >= self.rows() / LEAP {
            self.with_blocks(0..self.blocks(), &mut |block| {
                if let Block::Dense(dense) = block.block {
                    block.range().zip(dense.values.chunks_exact(d)).for_each(|(row, values)| wanted.meet(row, values));
                }
                Ok(())
            })?;
            return Ok(wanted.out);
        }
        let mut values = Vec::new();
        for part in &self.parts.parts {
            // The rows of this file, each once, as (row of the matrix, place in the file).
            let mut met: Vec<(usize, usize)> = Vec::new();
            for &k in wanted.order {
                let place = self.kept.place(rows[k]);
                if place >= part.rows.end {
                    break;
                }
                if place >= part.rows.start && met.last().is_none_or(|(row, _)| *row != rows[k]) {
                    met.push((rows[k], place - part.rows.start));
                }
            }
            if met.is_empty() {
                continue;
            }
            let (mut selectors, mut at) = (Vec::new(), 0);
            for (_, place) in &met {
                if *place > at {
                    selectors.push(RowSelector::skip(place - at));
                }
                selectors.push(RowSelector::select(1));
                at = place + 1;
            }
            let mut next = met.iter();
            part.each(&self.roots, Select::Rows(selectors.into()), self.batch(), &mut |columns, count| {
                values.resize(count * d, 0.0);
                let place = next.as_slice().first().map_or(0, |(_, place)| place + part.rows.start);
                self.fill(part, columns, 0, place, &mut values[..count * d])?;
                for (row, values) in next.by_ref().take(count).map(|(row, _)| *row).zip(values.chunks_exact(d)) {
                    wanted.meet(row, values);
                }
                Ok(())
            })?;
        }
        Ok(wanted.out)
    }
}

/// Rows that are looked for, in increasing order; they may repeat.
struct Wanted<'a> {
    rows: &'a [usize],
    /// The rest of them.
    order: &'a [usize],
    out: Vec<f64>,
    columns: usize,
}

impl Wanted<'_> {
    fn meet(&mut self, row: usize, values: &[f64]) {
        while let Some((&k, rest)) = self.order.split_first().filter(|(k, _)| self.rows[**k] == row) {
            self.out[k * self.columns..(k + 1) * self.columns].copy_from_slice(values);
            self.order = rest;
        }
    }
}
