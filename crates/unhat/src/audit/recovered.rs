//! What the headline attack recovers at the planned protection: coefficients, fitted values, residuals.

use super::report::{Coordinate, Detail, FittedErrors};
use super::spread::{quantile, spread};
use crate::error::Result;
use crate::linalg::norm;
use crate::rows::{RowSource, each_block};
use crate::run::Run;
use std::collections::BTreeMap;

/// ‖x̂ − x‖/‖x‖.
pub(super) fn relative_error(answer: &[f64], x: &[f64]) -> f64 {
    let away: Vec<f64> = answer.iter().zip(x).map(|(a, x)| a - x).collect();
    norm(&away) / norm(x)
}

/// √(mean over j of ((x̂ⱼ − xⱼ)/seⱼ)²): no coefficient rules by its size.
pub(super) fn in_standard_errors(answer: &[f64], x: &[f64], errors: &[f64]) -> f64 {
    let away: Vec<f64> = answer.iter().zip(x).zip(errors).map(|((a, x), error)| (a - x) / error).collect();
    norm(&away) / (x.len() as f64).sqrt()
}

/// What each coefficient's errors are measured against.
pub(super) struct Known<'a> {
    /// x.
    pub x: &'a [f64],
    /// Cramér–Rao standard errors of the planned protection.
    pub bounds: Option<&'a [f64]>,
    /// Standard errors of the least-squares fit of the offset.
    pub standard_errors: Option<&'a [f64]>,
    /// The centre of the cell.
    pub centre: &'a [f64],
}

/// |x̂ⱼ − xⱼ| over the tries, over |xⱼ|, and over the standard error of the coefficient.
///
/// AuditReport to share hold the relative numbers alone: their ratio to the absolute ones is |xⱼ|.
pub(super) fn coordinates(
    known: &Known<'_>,
    answers: &[Vec<f64>],
    names: &[String],
    detail: Detail,
) -> Vec<Coordinate> {
    let x = known.x;
    let owner = detail == Detail::Owner;
    let of = |j: usize| {
        let bound = known.bounds.map(|errors| errors[j]);
        let error = known.standard_errors.map(|errors| errors[j]).filter(|_| owner);
        let (size, relative) = (x[j].abs(), x[j] != 0.0);
        let away: Vec<f64> = answers.iter().map(|answer| (answer[j] - x[j]).abs()).collect();
        let share: Vec<f64> = away.iter().map(|e| e / size).collect();
        let bound_rel = bound.map(|bound| bound / size).filter(|_| relative);
        Coordinate {
            name: names[j].clone(),
            value: owner.then_some(x[j]),
            spread_abs: spread(&away, bound).filter(|_| owner),
            spread_rel: if relative { spread(&share, bound_rel) } else { None },
            spread_se: error.and_then(|error| spread(&away.iter().map(|e| e / error).collect::<Vec<f64>>(), None)),
            baseline_rel: relative.then(|| (known.centre[j] - x[j]).abs() / size),
            bound_abs: bound.filter(|_| owner),
            bound_rel,
        }
    };
    (0..x.len()).map(of).collect()
}

/// The quantiles over rows that are told.
const OVER_ROWS: [&str; 3] = ["0.05", "0.5", "0.95"];

/// |aᵢ(x̂ − x)| over |aᵢx| and over |aᵢx − bᵢ|: each row's median over the tries, then quantiles over rows.
///
/// # Cost
/// A product with A for each answer.
pub(super) fn fitted(
    source: &dyn RowSource,
    x: &[f64],
    slack: &[f64],
    answers: &[Vec<f64>],
    run: &Run<'_>,
) -> Result<FittedErrors> {
    let steps: Vec<Vec<f64>> = answers.iter().map(|a| a.iter().zip(x).map(|(a, x)| a - x).collect()).collect();
    let (mut fitted, mut residuals) = (Vec::new(), Vec::new());
    each_block(source, run, &mut |rows| {
        let count = rows.block.rows();
        let product = |v: &[f64]| {
            let mut out = vec![0.0; count];
            rows.block.apply_into(v, &mut out);
            out
        };
        let values = product(x);
        let moved: Vec<Vec<f64>> = steps.iter().map(|step| product(step)).collect();
        for (i, row) in rows.range().enumerate() {
            let mut away: Vec<f64> = moved.iter().map(|m| m[i].abs()).collect();
            away.sort_by(f64::total_cmp);
            let Some(median) = quantile(&away, 0.5) else { continue };
            if values[i] != 0.0 {
                fitted.push(median / values[i].abs());
            }
            residuals.push(median / slack[row].abs());
        }
        Ok(())
    })?;
    Ok(FittedErrors { rel_error_q: over_rows(fitted), residual_rel_error_q: over_rows(residuals) })
}

fn over_rows(mut values: Vec<f64>) -> BTreeMap<String, f64> {
    values.sort_by(f64::total_cmp);
    let at = |name: &&str| Some((name.to_string(), quantile(&values, name.parse().ok()?)?));
    OVER_ROWS.iter().filter_map(at).collect()
}
