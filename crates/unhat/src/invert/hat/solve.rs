//! Hz = r by conjugate gradients, H the derivative of the scores in log weights, some rows held.

use super::descent::metric;
use super::point::{Field, Place};
use crate::error::Result;
use crate::linalg::dot;

/// Solves Hz = r on the free rows, z = 0 on the others, until no entry of the residual exceeds `share` of its `scale`.
///
/// None where H is not positive there to rounding.
///
/// # Cost
/// One product a step, at most `most`.
pub(super) fn solve_held(
    field: &Field<'_>,
    place: &Place,
    r: &[f64],
    free: &[bool],
    (scale, share, most): (&[f64], f64, u32),
) -> Result<Option<Vec<f64>>> {
    let mask = |v: &mut [f64]| v.iter_mut().zip(free).for_each(|(v, free)| *v = if *free { *v } else { 0.0 });
    let preconditioner = metric(&place.scores);
    let mut z = vec![0.0; r.len()];
    let mut left = r.to_vec();
    mask(&mut left);
    let mut scaled: Vec<f64> = left.iter().zip(&preconditioner).map(|(r, k)| r / k).collect();
    let mut q = scaled.clone();
    let mut size = dot(&left, &scaled);
    for _ in 0..most {
        if left.iter().zip(scale).all(|(r, s)| r.abs() <= share * s) {
            break;
        }
        let mut image = field.product(place, &q)?;
        mask(&mut image);
        let curvature = dot(&q, &image);
        if !(curvature > 0.0 && curvature.is_finite()) {
            return Ok(None);
        }
        let step = size / curvature;
        z.iter_mut().zip(&q).for_each(|(z, q)| *z += step * q);
        left.iter_mut().zip(&image).for_each(|(r, h)| *r -= step * h);
        scaled = left.iter().zip(&preconditioner).map(|(r, k)| r / k).collect();
        let next = dot(&left, &scaled);
        q.iter_mut().zip(&scaled).for_each(|(q, s)| *q = s + next / size * *q);
        size = next;
    }
    Ok(z.iter().all(|z| z.is_finite()).then_some(z))
}
