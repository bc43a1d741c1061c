//! The two products of a matrix with a vector that a command needs besides the library's computations.

use unhat::rows::{Pass, RowSource, Rows, require_finite, sweep};
use unhat::{ErrorKind, Result, Run};

/// s = Ax − b, every entry of it finite and not zero.
pub(crate) fn slack(source: &dyn RowSource, offset: &[f64], x: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let mut slack = vec![0.0; source.shape().rows];
    sweep(source, &Product { x }, &mut slack, run)?;
    slack.iter_mut().zip(offset).for_each(|(s, b)| *s -= b);
    if slack.iter().any(|s| !s.is_finite()) {
        require_finite(source, "matrix")?;
        return Err(ErrorKind::Numerical { reason: "Ax - b overflows at the given point".into() }.into());
    }
    match slack.iter().position(|&s| s == 0.0) {
        Some(row) => Err(ErrorKind::ZeroSlack { row }.into()),
        None => Ok(slack),
    }
}

/// Aᵀu.
pub(crate) fn transposed_product(source: &dyn RowSource, u: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    sweep(source, &TransposedProduct { u, columns: source.shape().columns }, &mut [], run)
}

struct Product<'a> {
    x: &'a [f64],
}

impl Pass for Product<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.apply_into(self.x, out);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

struct TransposedProduct<'a> {
    u: &'a [f64],
    columns: usize,
}

impl Pass for TransposedProduct<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.columns]
    }
    fn add(&self, sum: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        rows.block.apply_transpose_add(&self.u[rows.range()], sum);
        Ok(())
    }
    fn merge(&self, mut left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        left.iter_mut().zip(&right).for_each(|(l, r)| *l += r);
        left
    }
}
