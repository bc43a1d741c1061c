//! Standard errors of log weights from draws, where the products of pairs of columns are too many.
//!
//! A draw of the errors of the scores, projected as the scores are, moves the log weights by t = H⁺r, one solve by conjugate
//! gradients. Most of t is known: were no two rows to share a direction, tᵢ would be aᵢ = rᵢ/mᵢ − rₖ/mₖ, m = σ(1 − σ), k the
//! held row. So Var t = Var a + E[2a(t − a) + (t − a)²]: the first is exact, and only the rest, which is small where rows
//! share little, is averaged over draws.

use super::components::Components;
use super::descent::metric;
use super::point::{Field, Place};
use super::solve::solve_held;
use crate::error::Result;
use crate::normal::draw_into;

/// Draws, each one solve.
const DRAWS: usize = 24;
/// Stream of their own; the seed is fixed: an answer has no other random part.
const ERRORS: u64 = 0x4841_5410;
const SOLVED_TO: f64 = 1e-3;
const MOST_PRODUCTS: u32 = 500;
/// A row without errors is solved to this share of the largest error.
const LEAST_SCALE: f64 = 1e-3;

/// Estimated standard errors.
pub(super) struct Drawn {
    /// Of each tᵢ against the held row of its component.
    pub errors: Vec<f64>,
    /// The largest standard deviation of the estimates themselves, as a share of them.
    pub uncertainty: f64,
}

/// Estimates from [`DRAWS`] draws; None where the held system is singular to rounding.
///
/// # Cost
/// Some ten products with H a draw, each 1.5 evaluations.
pub(super) fn drawn_errors(
    field: &Field<'_>,
    place: &Place,
    deviation: &[f64],
    (components, held, sought): (&Components, &[Option<usize>], &[bool]),
) -> Result<Option<Drawn>> {
    let n = deviation.len();
    let m = metric(&place.scores);
    let held_of = |i: usize| components.of_row[i].and_then(|c| held.get(c).copied().flatten());
    // Rows whose errors count: the sought ones and those held against.
    let counts = |i: usize| sought[i] || held_of(i) == Some(i);
    let mut total = vec![0.0; components.rank.len()];
    for i in (0..n).filter(|&i| counts(i)) {
        if let (Some(c), Some(_)) = (components.of_row[i], held_of(i)) {
            total[c] += deviation[i].powi(2);
        }
    }
    let most = deviation.iter().copied().fold(0.0, f64::max);
    let scale: Vec<f64> = deviation.iter().map(|s| s.max(LEAST_SCALE * most)).collect();
    let (mut sum, mut squares) = (vec![0.0; n], vec![0.0; n]);
    for draw in 0..DRAWS {
        field.run.check()?;
        let mut r = vec![0.0; n];
        draw_into(0, ERRORS + draw as u64, &mut r);
        (0..n).for_each(|i| r[i] *= if counts(i) { deviation[i] } else { 0.0 });
        project(&mut r, deviation, components, &total, &held_of);
        let Some(t) = solve_held(field, place, &r, sought, (&scale, SOLVED_TO, MOST_PRODUCTS))? else {
            return Ok(None);
        };
        for i in (0..n).filter(|&i| sought[i]) {
            let a = r[i] / m[i] - held_of(i).map_or(0.0, |k| r[k] / m[k]);
            let rest = (t[i] - a) * (t[i] + a); // 2a(t − a) + (t − a)²
            sum[i] += rest;
            squares[i] += rest * rest;
        }
    }
    let count = DRAWS as f64;
    let (mut errors, mut uncertainty) = (vec![0.0; n], 0.0f64);
    for i in (0..n).filter(|&i| sought[i]) {
        let own = deviation[i].powi(2);
        let known = match held_of(i) {
            Some(k) => {
                let (other, all) = (deviation[k].powi(2), total[components.of_row[i].unwrap_or(0)]);
                let share = |a: f64, b: f64| if all > 0.0 { a * b / all } else { 0.0 };
                (own - share(own, own)) / m[i].powi(2)
                    + (other - share(other, other)) / m[k].powi(2)
                    + 2.0 * share(own, other) / (m[i] * m[k])
            }
            None => own / m[i].powi(2),
        };
        let mean = sum[i] / count;
        let spread = ((squares[i] / count - mean * mean).max(0.0) / count).sqrt();
        // Where the draws take more away than there is, what is left is their own error.
        let variance = (known + mean).max(spread);
        errors[i] = variance.sqrt();
        if variance > 0.0 {
            uncertainty = uncertainty.max(0.5 * spread / variance);
        }
    }
    Ok(Some(Drawn { errors, uncertainty }))
}

/// r − ν²Σr/Σν² on each component with a held row: what the projection of the scores on their rank leaves of their errors.
fn project(
    r: &mut [f64],
    deviation: &[f64],
    components: &Components,
    total: &[f64],
    held_of: &dyn Fn(usize) -> Option<usize>,
) {
    let mut sum = vec![0.0; total.len()];
    for (i, r) in r.iter().enumerate() {
        if let Some(c) = components.of_row[i] {
            sum[c] += r;
        }
    }
    for (i, r) in r.iter_mut().enumerate().filter(|(_, r)| **r != 0.0) {
        if let (Some(c), Some(_)) = (components.of_row[i], held_of(i))
            && total[c] > 0.0
        {
            *r -= deviation[i].powi(2) * sum[c] / total[c];
        }
    }
}
