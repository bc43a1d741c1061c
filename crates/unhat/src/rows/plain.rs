//! What needs nothing but the rows: the product Ax, and the length of every row.

use super::{Pass, RowSource, Rows, sweep};
use crate::error::Result;
use crate::run::Run;

/// Ax, n values.
pub(crate) fn product(source: &dyn RowSource, x: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let mut out = vec![0.0; source.shape().rows];
    sweep(source, &Product(x), &mut out, run)?;
    Ok(out)
}

/// ‖aᵢ‖, n values.
pub(crate) fn row_norms(source: &dyn RowSource, run: &Run<'_>) -> Result<Vec<f64>> {
    let mut out = vec![0.0; source.shape().rows];
    sweep(source, &RowNorms, &mut out, run)?;
    Ok(out)
}

struct Product<'a>(&'a [f64]);

impl Pass for Product<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.apply_into(self.0, out);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

struct RowNorms;

impl Pass for RowNorms {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.row_norms_into(out);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
