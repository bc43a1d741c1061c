//! Eigen-flips: one coordinate of the best minimum, in the eigenbasis of H, is moved to where an anchor has it.

use super::search::{Origin, Search, slack_distance};
use crate::barrier::unwhiten;
use crate::error::{ErrorKind, Result};
use crate::linalg::{self, dot};

/// Rounds without improvement end the search; three are the most that were ever of use.
const MAX_ROUNDS: usize = 3;
/// A flip that changes no slack by this much leads back to the same well.
const SMALLEST_MOVE: f64 = 0.05;
/// A flip that leaves the cell is cut to this share of the way to its boundary.
const BOUNDARY_SHARE: f64 = 0.9;
/// Gains below this share of L are rounding.
const REAL_GAIN: f64 = 1e-9;

/// Descends from x + oᵢoᵢᵀ(y − x) for every eigenvector oᵢ of H(anchor₀) and every anchor y, x the best minimum so far.
///
/// Wells are choices of one facet each, nearly independent along the eigenvectors: on a box with 2¹⁰ of them, 26 descents
/// find the best one.
///
/// # Cost
/// At most 2d descents a round.
pub(super) fn flip(search: &mut Search<'_, '_>, anchors: &[Vec<f64>]) -> Result<()> {
    let d = search.objective.dim();
    let Some(first) = anchors.first() else { return Ok(()) };
    let Some(place) = search.objective.at(first, search.run)? else { return Ok(()) };
    let whitened = search.objective.curvature(&place, search.run)?.hessian;
    let hessian = unwhiten(place.base.factor.lower(), d, &whitened);
    let Some((_, axes)) = linalg::symmetric_eigen(&hessian, d) else {
        return Err(ErrorKind::Numerical { reason: "the eigenvalues of H were not found".into() }.into());
    };
    for _ in 0..MAX_ROUNDS {
        let Some(mut best) = search.best() else { return Ok(()) };
        let before = search.value(best);
        for anchor in anchors {
            for axis in axes.chunks_exact(d) {
                search.run.check()?;
                if let Some(start) = flipped(search, best, anchor, axis)? {
                    search.descend_from(&start, Origin::Flip)?;
                    best = search.best().unwrap_or(best);
                }
            }
        }
        if search.value(best) >= before * (1.0 - REAL_GAIN) {
            break;
        }
    }
    Ok(())
}

/// x + o oᵀ(y − x), cut back into the cell; None where that is hardly a move.
fn flipped(search: &Search<'_, '_>, best: usize, anchor: &[f64], axis: &[f64]) -> Result<Option<Vec<f64>>> {
    let place = &search.found[best].place;
    let x = &place.base.x;
    let towards: Vec<f64> = anchor.iter().zip(x).map(|(y, x)| y - x).collect();
    let length = dot(axis, &towards);
    let step: Vec<f64> = axis.iter().map(|o| length * o).collect();
    let target: Vec<f64> = x.iter().zip(&step).map(|(x, h)| x + h).collect();
    if slack_distance(search.objective, place, &target, search.run)? < SMALLEST_MOVE {
        return Ok(None);
    }
    let end = search.objective.step_to_boundary(place, &step, search.run)?;
    let share = (BOUNDARY_SHARE * end).min(1.0);
    Ok(Some(x.iter().zip(&step).map(|(x, h)| x + share * h).collect()))
}
