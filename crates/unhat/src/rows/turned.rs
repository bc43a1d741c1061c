//! The transposed copy of a matrix of few rows and many columns.

use super::{CsrRows, DenseRows, RowSource, Shape, each_block, with_scratch};
use crate::error::Result;
use crate::memory::require_memory;
use crate::run::Run;

/// The transposed matrix of R(A − 1μᵀ), of few rows and many columns; sparse where A is and nothing is subtracted.
pub(crate) enum Turned {
    Dense { values: Vec<f64>, columns: usize },
    Csr { pointers: Vec<usize>, indices: Vec<u32>, values: Vec<f64>, columns: usize },
}

impl Turned {
    /// # Cost
    /// n·d or nnz(A) numbers.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], and those of the source.
    pub fn of(
        source: &dyn RowSource,
        row_scale: Option<&[f64]>,
        means: Option<&[f64]>,
        run: &Run<'_>,
    ) -> Result<Turned> {
        let Shape { rows: n, columns: d, stored } = source.shape();
        let scale = |i: usize| row_scale.map_or(1.0, |r| r[i]);
        if means.is_some() || stored == n * d {
            require_memory("a transposed copy of the matrix", (n as u64).saturating_mul(d as u64).saturating_mul(8))?;
            let mut values = vec![0.0; n * d];
            each_block(source, run, &mut |rows| {
                with_scratch(rows.block.rows() * d, |block| {
                    rows.block.densify_into(0..rows.block.rows(), block);
                    for (i, row) in rows.range().zip(block.chunks_exact(d)) {
                        for (j, a) in row.iter().enumerate() {
                            values[i + j * n] = scale(i) * (a - means.map_or(0.0, |means| means[j]));
                        }
                    }
                });
                Ok(())
            })?;
            return Ok(Turned::Dense { values, columns: n });
        }
        let mut pointers = vec![0; d + 1];
        let each = |f: &mut dyn FnMut(usize, usize, f64)| {
            each_block(source, run, &mut |rows| {
                let block = rows.sparse()?;
                for i in 0..block.rows() {
                    let (indices, values) = block.row(i);
                    indices.iter().zip(values).for_each(|(&j, a)| f(rows.start + i, j as usize, *a));
                }
                Ok(())
            })
        };
        each(&mut |_, j, _| pointers[j + 1] += 1)?;
        (0..d).for_each(|j| pointers[j + 1] += pointers[j]);
        let (mut next, mut indices, mut values) = (pointers.clone(), vec![0; stored], vec![0.0; stored]);
        each(&mut |i, j, a| {
            (indices[next[j]], values[next[j]]) = (i as u32, scale(i) * a);
            next[j] += 1;
        })?;
        Ok(Turned::Csr { pointers, indices, values, columns: n })
    }

    /// Calls `f` with the rows of it.
    pub fn with_rows<T>(&self, f: impl FnOnce(&dyn RowSource) -> Result<T>) -> Result<T> {
        match self {
            Turned::Dense { values, columns } => f(&DenseRows::new(values, *columns)?),
            Turned::Csr { pointers, indices, values, columns } => {
                f(&CsrRows::new(pointers, indices, values, *columns)?)
            }
        }
    }
}
