//! Rows in coordinates in which their Gram matrix is the identity: what is made of them keeps its digits, and has full rank.

use crate::error::Result;
use crate::gram::{RowSpace, Transform, orthogonal_factor};
use crate::leverage::gram_factor;
use crate::linalg;
use crate::rows::{Block, DenseBlock, RowSource, Rows, Shape, with_scratch};
use crate::run::Run;
use std::ops::Range;

/// A change of coordinates a → Ka.
pub(super) enum Basis {
    /// K = L⁻¹, LLᵀ = AᵀA.
    Full { lower: Vec<f64>, log_det: f64 },
    /// K of r rows, column by column, where columns are dependent.
    Space { k: Vec<f64>, rank: usize },
}

impl Basis {
    /// # Cost
    /// One to five sweeps of nd² flops, as the condition asks.
    pub fn of(source: &dyn RowSource, run: &Run<'_>) -> Result<Basis> {
        let (d, plain) = (source.shape().columns, Transform::default());
        let tall = source.shape().rows >= d;
        if let Some(factor) = if tall { gram_factor(source, plain, run)? } else { None } {
            return Ok(Basis::Full { log_det: factor.log_det(), lower: factor.lower().to_vec() });
        }
        let factor = orthogonal_factor(source, plain, 0.0, run)?;
        let space = RowSpace::of_factor(&factor, d).corrected(source, plain, run)?;
        Ok(Basis::Space { k: space.whitening(d).0, rank: space.rank() })
    }

    /// log det AᵀA; None where columns are dependent.
    pub fn log_det(&self) -> Option<f64> {
        match self {
            Basis::Full { log_det, .. } => Some(*log_det),
            Basis::Space { .. } => None,
        }
    }
}

/// The rows Kaᵢ, made block by block.
pub(super) struct Whitened<'a> {
    pub source: &'a dyn RowSource,
    pub basis: &'a Basis,
}

impl Whitened<'_> {
    fn columns(&self) -> usize {
        match self.basis {
            Basis::Full { .. } => self.source.shape().columns,
            Basis::Space { rank, .. } => *rank,
        }
    }

    /// Calls `f` with the changed rows; `values` are theirs, row by row, and are spoiled.
    fn change<T>(&self, values: &mut [f64], f: impl FnOnce(&[f64]) -> T) -> T {
        let d = self.source.shape().columns;
        match self.basis {
            Basis::Full { lower, .. } => {
                linalg::solve_lower_rows(lower, d, values);
                f(values)
            }
            Basis::Space { k, rank } => {
                let n = values.len() / d;
                with_scratch(n * rank, |out| {
                    linalg::product_into(k, values, *rank, d, n, out);
                    f(out)
                })
            }
        }
    }

    fn lend(&self, rows: &Rows<'_>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let n = rows.block.rows();
        with_scratch(n * self.source.shape().columns, |values| {
            rows.block.densify_into(0..n, values);
            self.change(values, |values| {
                let block = Block::Dense(DenseBlock { values, columns: self.columns() });
                f(Rows { start: rows.start, block })
            })
        })
    }
}

impl RowSource for Whitened<'_> {
    fn shape(&self) -> Shape {
        let (rows, columns) = (self.source.shape().rows, self.columns());
        Shape { rows, columns, stored: rows * columns }
    }

    fn rows_per_block(&self) -> usize {
        self.source.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_block(k, &mut |rows| self.lend(&rows, f))
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_blocks(range, &mut |rows| self.lend(&rows, f))
    }

    fn openings(&self) -> Option<usize> {
        self.source.openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let mut values = self.source.gather(rows)?;
        Ok(self.change(&mut values, <[f64]>::to_vec))
    }
}
