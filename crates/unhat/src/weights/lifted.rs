//! The rows (aᵢ, 1): points lifted to the height 1, so that an ellipsoid around the origin cuts out one with a centre.

use crate::error::Result;
use crate::rows::{Block, CsrBlock, DenseBlock, RowSource, Rows, Shape, with_scratch};
use std::ops::Range;

/// The rows of a source, each with a 1 behind it.
pub(super) struct Lifted<'a>(pub &'a dyn RowSource);

impl Lifted<'_> {
    fn lend(&self, rows: &Rows<'_>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let d = self.0.shape().columns;
        match rows.block {
            Block::Dense(block) => with_scratch(block.rows() * (d + 1), |values| {
                for (lifted, row) in values.chunks_exact_mut(d + 1).zip(block.values.chunks_exact(d)) {
                    lifted[..d].copy_from_slice(row);
                    lifted[d] = 1.0;
                }
                f(Rows { start: rows.start, block: Block::Dense(DenseBlock { values, columns: d + 1 }) })
            }),
            Block::Csr(block) => {
                let (mut pointers, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
                for i in 0..block.rows() {
                    let (columns, entries) = block.row(i);
                    indices.extend_from_slice(columns);
                    indices.push(d as u32);
                    values.extend_from_slice(entries);
                    values.push(1.0);
                    pointers.push(indices.len());
                }
                let block = CsrBlock { pointers: &pointers, indices: &indices, values: &values, columns: d + 1 };
                f(Rows { start: rows.start, block: Block::Csr(block) })
            }
        }
    }
}

impl RowSource for Lifted<'_> {
    fn shape(&self) -> Shape {
        let Shape { rows, columns, stored } = self.0.shape();
        Shape { rows, columns: columns + 1, stored: stored + rows }
    }

    fn rows_per_block(&self) -> usize {
        self.0.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.0.with_block(k, &mut |rows| self.lend(&rows, f))
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.0.with_blocks(range, &mut |rows| self.lend(&rows, f))
    }

    fn openings(&self) -> Option<usize> {
        self.0.openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let (values, d) = (self.0.gather(rows)?, self.0.shape().columns);
        Ok(values.chunks_exact(d).flat_map(|row| row.iter().copied().chain([1.0])).collect())
    }
}
