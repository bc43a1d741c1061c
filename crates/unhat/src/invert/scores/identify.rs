//! What released scores cannot tell: a direction of x along which none of them changes.

use super::fit::step_metric;
use crate::barrier::{Barrier, Point};
use crate::error::Result;
use crate::linalg::{self, norm};
use crate::run::Run;

/// ‖Jh‖ below this share of 2‖h‖_D is rounding of the inputs; a direction that weak costs nine digits of x anyway.
const SINGULAR_SHARE: f64 = 1e-9;

/// The direction h that changes the released scores least, and ‖Jh‖/(2‖h‖_D), D = A_xᵀΣ²A_x; ‖h‖∞ = 1.
///
/// The ratio is near 1 for a direction that rows do not share, and 0 where b lies in the range of A: then h = x − x₀ with
/// Ax₀ = b.
pub(super) fn weakest_direction(
    barrier: &Barrier<'_>,
    point: &Point,
    gram: &[f64],
    weight: &[f64],
    run: &Run<'_>,
) -> Result<(Vec<f64>, f64)> {
    let d = barrier.dim();
    let mut factor = step_metric(barrier, point, run)?;
    let mut whitened = gram.to_vec();
    if !linalg::cholesky_in_place(&mut factor, d) {
        factor = identity(d);
    }
    linalg::whiten_symmetric(&factor, d, &mut whitened);
    let Some((_, vectors)) = linalg::symmetric_eigen(&whitened, d) else {
        return Ok((vec![0.0; d], f64::NAN));
    };
    let k = linalg::solve_lower_transposed(&factor, &vectors[..d]);
    let mut h = point.factor.half_solve_transposed(&k);
    // The eigenvalue holds half the digits only; the product holds all.
    let mut change = barrier.score_jacobian_vec(point, &h, run)?;
    change.iter_mut().zip(weight).for_each(|(c, w)| *c *= w);
    let share = 0.5 * norm(&change); // ‖h‖_D = 1
    let size = h.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
    h.iter_mut().for_each(|v| *v /= size);
    Ok((h, share))
}

/// Whether a direction of that share is lost.
pub(super) fn is_null(share: f64) -> bool {
    share.is_nan() || share < SINGULAR_SHARE
}

fn identity(d: usize) -> Vec<f64> {
    (0..d * d).map(|k| f64::from(k % d == k / d)).collect()
}
