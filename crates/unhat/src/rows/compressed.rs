//! Dense rows that are mostly zeros, compressed.

use super::{Block, CsrRows, RowSource, each_block_while};
use crate::error::Result;
use crate::run::Run;

/// The nonzero entries of a matrix that lies densely in memory.
pub(crate) struct CompressedRows {
    pointers: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f64>,
    columns: usize,
}

/// Bytes of the nonzeros; more is not worth a copy: who has such a matrix keeps it sparse.
const BYTES_LIMIT: usize = 64 << 20;

impl CompressedRows {
    /// The nonzeros of dense rows; None if they are more than `share` of all entries, or if the rows are sparse already.
    ///
    /// # Cost
    /// One look at every entry, or at as many as show that there are too many.
    pub fn of(source: &dyn RowSource, share: f64) -> Result<Option<CompressedRows>> {
        let shape = source.shape();
        let entry = size_of::<f64>() + size_of::<u32>();
        let limit = ((share * shape.stored as f64) as usize).min(BYTES_LIMIT / entry);
        let mut kept =
            CompressedRows { pointers: vec![0], indices: Vec::new(), values: Vec::new(), columns: shape.columns };
        let mut few = true;
        each_block_while(source, &Run::default(), &mut |rows| {
            few = match rows.block {
                Block::Csr(_) => false,
                Block::Dense(block) => block.values.chunks_exact(shape.columns).all(|row| kept.push(row, limit)),
            };
            Ok(few)
        })?;
        Ok(few.then_some(kept))
    }

    /// False if there are more entries than the limit now. NaN is an entry.
    fn push(&mut self, row: &[f64], limit: usize) -> bool {
        for (j, &a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            self.indices.push(j as u32);
            self.values.push(a);
        }
        self.pointers.push(self.indices.len());
        self.indices.len() <= limit
    }

    /// The rows.
    ///
    /// # Errors
    /// As [`CsrRows::new`].
    pub fn rows(&self) -> Result<CsrRows<'_>> {
        CsrRows::new(&self.pointers, &self.indices, &self.values, self.columns)
    }
}
