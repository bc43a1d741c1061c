//! Rows with those of √λ·I after them: ridge scores of A are scores of these rows, the last d of weight 1.

use crate::error::Result;
use crate::rows::{Block, DenseBlock, RowSource, Rows, Shape, with_scratch};
use std::ops::Range;

/// A, and below it √λ times the identity.
pub(super) struct RidgedRows<'a> {
    source: &'a dyn RowSource,
    root: f64,
}

impl<'a> RidgedRows<'a> {
    pub fn new(source: &'a dyn RowSource, ridge: f64) -> Self {
        RidgedRows { source, root: ridge.sqrt() }
    }
}

impl RowSource for RidgedRows<'_> {
    fn shape(&self) -> Shape {
        let Shape { rows, columns, stored } = self.source.shape();
        Shape { rows: rows + columns, columns, stored: stored + columns }
    }

    fn rows_per_block(&self) -> usize {
        self.source.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let (own, d, size) = (self.source.shape().rows, self.source.shape().columns, self.rows_per_block());
        let start = k * size;
        let end = (start + size).min(own + d);
        if end <= own {
            return self.source.with_block(k, f);
        }
        with_scratch((end - start) * d, |values| {
            values.fill(0.0);
            let mut at = start;
            if start < own {
                self.source.with_block(k, &mut |rows| {
                    let count = rows.block.rows();
                    rows.block.densify_into(0..count, &mut values[..count * d]);
                    at = start + count;
                    Ok(())
                })?;
            }
            (at..end).for_each(|row| values[(row - start) * d + row - own] = self.root);
            f(Rows { start, block: Block::Dense(DenseBlock { values, columns: d }) })
        })
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let whole = self.source.shape().rows / self.rows_per_block(); // blocks that hold rows of A alone
        let (within, after) = (range.start.min(whole)..range.end.min(whole), range.start.max(whole)..range.end);
        self.source.with_blocks(within, f)?;
        after.into_iter().try_for_each(|k| self.with_block(k, f))
    }

    fn openings(&self) -> Option<usize> {
        self.source.openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let (own, d) = (self.source.shape().rows, self.source.shape().columns);
        let mut values = Vec::with_capacity(rows.len() * d);
        for &row in rows {
            if row < own {
                values.extend(self.source.gather(&[row])?);
            } else {
                values.extend((0..d).map(|j| if j == row - own { self.root } else { 0.0 }));
            }
        }
        Ok(values)
    }
}
