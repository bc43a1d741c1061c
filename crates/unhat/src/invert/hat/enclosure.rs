//! Certificate: an interval for every log weight, from two evaluations.
//!
//! ∂σᵢ/∂tⱼ = −P_ij² ≤ 0 for i ≠ j: with one row k of each component held, σ is an M-function of the others. Let z ≥ 0 with
//! z = 0 on held rows, and σᵢ(t + z⁺) ≥ hᵢ ≥ σᵢ(t − z⁻) for all other rows. Then the t* with these scores and t*ₖ = tₖ lies
//! between: if S = {t* > t + z⁺} were not empty, then from t + z⁺ to t* the entries of S rise and no others do, so that
//! Σ_S σ rises, strictly since the component is connected; but Σ_S σ(t*) = h(S) ≤ Σ_S σ(t + z⁺). That a t* exists is
//! Rheinboldt's theorem; row k has its score because the sum is the rank.

use super::components::Components;
use super::point::Field;
use super::rounding::proven_scores;
use super::solve::solve_held;
use crate::error::Result;

/// A bound that is asked for exceeds what is needed by this factor, so that solves need few digits.
const MARGIN: f64 = 1.5;
/// Corrections of a bound until both ends are proven, or given up.
const TRIES: usize = 12;
/// Bounds beyond this factor of weights say nothing.
const WIDEST: f64 = 60.0;
const MOST_PRODUCTS: u32 = 3000;

/// log wᵢ lies in [tᵢ − below, tᵢ + above], the weights of held rows being those given.
#[derive(Clone, Debug)]
pub(super) struct Enclosure {
    pub below: Vec<f64>,
    pub above: Vec<f64>,
}

/// The row of each component that is held: that of the largest score.
pub(super) fn held_rows(h: &[f64], components: &Components, free: &[bool]) -> Vec<Option<usize>> {
    let mut held: Vec<Option<usize>> = vec![None; components.rank.len()];
    for (i, c) in components.of_row.iter().enumerate().filter(|(i, _)| free[*i]) {
        if let Some(c) = c {
            held[*c] = Some(held[*c].filter(|k| h[*k] >= h[i]).unwrap_or(i));
        }
    }
    held
}

/// Proves an enclosure of all t* whose scores lie in [low, high] off the held rows; None where it cannot.
///
/// # Cost
/// Two proven evaluations and a solve for each, if the bounds are right at once.
pub(super) fn enclose(
    field: &mut Field<'_>,
    t: &[f64],
    (low, high): (&[f64], &[f64]),
    free: &[bool],
) -> Result<Option<Enclosure>> {
    let below = side(field, t, low, free, -1.0)?;
    let above = match below {
        Some(_) => side(field, t, high, free, 1.0)?,
        None => None,
    };
    Ok(below.zip(above).map(|(below, above)| Enclosure { below, above }))
}

/// z ≥ 0 with σᵢ(t + z) − ηᵢ ≥ endᵢ (sign 1), or σᵢ(t − z) + ηᵢ ≤ endᵢ (sign −1), on the free rows.
fn side(field: &mut Field<'_>, t: &[f64], end: &[f64], free: &[bool], sign: f64) -> Result<Option<Vec<f64>>> {
    let n = t.len();
    // The weights of t, to the last bit, are those that the bounds are relative to.
    let (base, _) = field.scale_of(t);
    let mut z = vec![0.0; n];
    for _ in 0..TRIES {
        let scale: Vec<f64> =
            base.iter().zip(&z).map(|(r, z)| if *z == 0.0 { *r } else { r * (0.5 * sign * z).exp() }).collect();
        let moved = t.iter().zip(&z).map(|(t, z)| t + sign * z).collect();
        let place = field.at_scale(moved, scale)?;
        let proven = proven_scores(field, &place)?;
        if proven.rounding.iter().any(|e| !e.is_finite()) {
            return Ok(None);
        }
        let lacks: Vec<f64> = (0..n)
            .map(|i| match free[i] {
                true => (sign * (end[i] - proven.scores[i]) + proven.rounding[i]).max(0.0),
                false => 0.0,
            })
            .collect();
        if lacks.iter().all(|l| *l == 0.0) {
            // z as the weights have it, and what the exponential may be off.
            let actual = place.scale.iter().zip(&base).zip(&z).map(|((s, b), z)| match *z == 0.0 {
                true => 0.0,
                false => 2.0 * (sign * (s / b).ln()).max(0.0) * (1.0 + 1e-15) + 1e-15,
            });
            return Ok(Some(actual.collect()));
        }
        let wanted: Vec<f64> =
            (0..n).map(|i| if free[i] { MARGIN * lacks[i] + 0.5 * proven.rounding[i] } else { 0.0 }).collect();
        let Some(more) = solve_held(field, &place, &wanted, free, (&wanted, 0.2, MOST_PRODUCTS))? else {
            return Ok(None);
        };
        z.iter_mut().zip(&more).for_each(|(z, more)| *z += more.max(0.0));
        if z.iter().any(|z| z.is_nan() || *z >= WIDEST) {
            return Ok(None);
        }
    }
    Ok(None)
}
