//! Which columns of a model matrix can be estimated: dependent ones are left out in column order, as `lm` does.

use super::geometry::ColumnSums;
use unhat::gram::{Factor, FactorMethod};
use unhat::kernels::{Transform, dot, norm, orthogonal_factor};
use unhat::leverage::gram_factor;
use unhat::rows::RowSource;
use unhat::{Result, Run};

/// A column of which less than this share is left beside the columns before it is aliased: `lm`.
pub const LINEAR_TOLERANCE: f64 = 1e-7;
/// The same for `glm`.
pub const GENERALISED_TOLERANCE: f64 = 1e-11;

/// How many times larger than the tolerance a bound of remainders must be, as the condition behind it is an estimate.
const ROOM: f64 = 100.0;

/// The columns, ascending, that do not depend on those before them; where these are all, the factor of the rows as well.
///
/// Column j is left out where ‖its remainder beside the columns kept before‖ < tolerance·‖column j‖, rows scaled by r.
///
/// # Cost
/// One sweep of nd² flops; where the condition is high, one of 2nd² more, and d³.
pub(super) fn independent_columns(
    source: &dyn RowSource,
    row_scale: &[f64],
    sums: &ColumnSums,
    tolerance: f64,
    run: &Run<'_>,
) -> Result<(Vec<usize>, Option<Factor>)> {
    let d = source.shape().columns;
    let transform = Transform { row_scale: Some(row_scale), shift: sums.shift(), lower: None };
    let sizes = sums.sizes();
    let stands_out = |factor: &Factor| match factor.is_sparse() {
        // Every remainder is at least √λ_min of the columns in units of their sizes, and λ_max ≥ 1: more than a thousandth, where
        // a sparse factor serves.
        true => factor.gram_condition() * (ROOM * tolerance.max(LINEAR_TOLERANCE)).powi(2) < 1.0,
        false => (0..d).all(|j| factor.lower()[j + j * d] >= tolerance.max(LINEAR_TOLERANCE) * sizes[j]),
    };
    if let Some(factor) = gram_factor(source, transform, run)?
        && factor.method() != FactorMethod::Tsqr
        && stands_out(&factor)
    {
        return Ok(((0..d).collect(), Some(factor)));
    }
    let l = orthogonal_factor(source, transform, 0.0, run)?;
    let mut kept = Vec::new();
    let mut directions: Vec<Vec<f64>> = Vec::new();
    for j in 0..d {
        let mut rest: Vec<f64> = (0..d).map(|k| if k <= j { l[j + k * d] } else { 0.0 }).collect();
        for _ in 0..2 {
            for q in &directions {
                let share = dot(q, &rest);
                rest.iter_mut().zip(q).for_each(|(v, q)| *v -= share * q);
            }
        }
        let left = norm(&rest);
        if left > 0.0 && left >= tolerance * sizes[j] {
            rest.iter_mut().for_each(|v| *v /= left);
            directions.push(rest);
            kept.push(j);
        }
    }
    Ok((kept, None))
}
