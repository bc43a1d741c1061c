//! The least-squares fit of a response, and what is left of it.

use crate::error::{ErrorKind, Result};
use crate::gram::{Factor, RowSpace, Transform, orthogonal_factor};
use crate::linalg::norm;
use crate::rows::{RowSource, each_block, require_finite, require_plain_columns, require_vector};
use crate::run::Run;

/// A least-squares fit.
#[derive(Clone, Debug)]
pub struct LeastSquares {
    /// L with AᵀA = LLᵀ.
    pub factor: Factor,
    /// x (d).
    pub x: Vec<f64>,
    /// b − Ax (n).
    pub residual: Vec<f64>,
    /// ‖b − Ax‖ is rounding: b lies in the range of A.
    pub exact: bool,
}

/// b lies in the range of A when what is left of it is this many roundings.
const RANGE_ROUNDINGS: f64 = 64.0;

/// The least-squares fit of b.
///
/// x = argmin ‖Ax − b‖₂
///
/// From an orthogonal factor and two corrections; the second takes out what the first lost.
///
/// # Shapes
/// `source` n×d, `response` n values.
/// # Cost
/// 2nd² flops and five products with A.
/// # Errors
/// [`ErrorKind::RankDeficient`], [`ErrorKind::NotFinite`], shapes.
pub fn least_squares(source: &dyn RowSource, response: &[f64], run: &Run<'_>) -> Result<LeastSquares> {
    let shape = source.shape();
    let d = shape.columns;
    require_vector("response", response, shape.rows)?;
    require_plain_columns(source, run)?;
    let Some(factor) = Factor::orthogonal(source, Transform::default(), 0.0, run)? else {
        require_finite(source, "matrix")?;
        let l = orthogonal_factor(source, Transform::default(), 0.0, run)?;
        return Err(ErrorKind::RankDeficient { rank: RowSpace::of_factor(&l, d).rank(), columns: d }.into());
    };
    let mut x = vec![0.0; d];
    let mut residual = response.to_vec();
    for _ in 0..2 {
        let step = factor.solve(&transposed_times(source, &residual, run)?);
        x.iter_mut().zip(&step).for_each(|(x, h)| *x += h);
        residual = remainder(source, response, &x, run)?;
    }
    let exact = norm(&residual) <= RANGE_ROUNDINGS * f64::EPSILON * d as f64 * norm(response);
    Ok(LeastSquares { factor, x, residual, exact })
}

/// Aᵀv.
fn transposed_times(source: &dyn RowSource, v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let mut out = vec![0.0; source.shape().columns];
    each_block(source, run, &mut |rows| {
        rows.block.apply_transpose_add(&v[rows.range()], &mut out);
        Ok(())
    })?;
    Ok(out)
}

/// b − Ax.
fn remainder(source: &dyn RowSource, b: &[f64], x: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let mut out = vec![0.0; b.len()];
    each_block(source, run, &mut |rows| {
        rows.block.apply_into(x, &mut out[rows.range()]);
        Ok(())
    })?;
    out.iter_mut().zip(b).for_each(|(r, b)| *r = b - *r);
    Ok(out)
}
