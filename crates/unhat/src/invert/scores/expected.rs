//! Of several fits that noisy scores allow, the x with the least expected distance from the truth.

use super::fit::{Region, ScoreFit};
use crate::error::Result;
use crate::linalg::{self, norm};
use crate::run::Run;

/// Fits whose χ² is larger than the least by this are left out: they weigh e⁻²⁰ or less.
const FARTHEST: f64 = 40.0;
/// Two ends of fits whose misfits differ by less than this share are one fit.
const ONE_FIT: f64 = 1e-5;
/// Steps of the iteration for the median, and the share of a step that ends it.
const STEPS: usize = 200;
const SETTLED: f64 = 1e-9;

/// A fit and its share of the likelihood.
struct Well {
    x: Vec<f64>,
    misfit: f64,
    share: f64,
}

/// The x that minimises Σₖ pₖ‖x − xₖ‖ over the fits xₖ; None where there is none, or no noise.
///
/// pₖ ∝ e^(−χₖ²/2) det(JᵀJ)^(−1/2): the likelihood of the scores around xₖ, summed over x as if the fit were linear there
///
/// One fit that holds half of the likelihood is the answer itself; where none does, it lies between them. The best fit alone
/// may be a narrow well that noise made.
///
/// # Cost
/// An evaluation and the normal equations for each fit.
/// # References
/// Weiszfeld1937.
pub(super) fn least_expected_distance(
    fit: &ScoreFit<'_>,
    ends: &[(f64, Vec<f64>)],
    run: &Run<'_>,
) -> Result<Option<Vec<f64>>> {
    let noise = fit.release.noise;
    let Some(least) = ends.iter().map(|end| end.0).min_by(f64::total_cmp).filter(|_| noise > 0.0) else {
        return Ok(None);
    };
    let mut wells: Vec<Well> = Vec::new();
    for (misfit, x) in ends {
        let excess = (misfit * misfit - least * least) / (noise * noise);
        if excess > FARTHEST || wells.iter().any(|well| (well.misfit - misfit).abs() <= ONE_FIT * misfit) {
            continue;
        }
        if let Some(volume) = log_volume(fit, x, run)? {
            wells.push(Well { x: x.clone(), misfit: *misfit, share: volume - 0.5 * excess });
        }
    }
    let most = wells.iter().map(|well| well.share).fold(f64::NEG_INFINITY, f64::max);
    wells.iter_mut().for_each(|well| well.share = (well.share - most).exp());
    Ok((!wells.is_empty()).then(|| median(&wells)))
}

/// −½ log det JᵀΩJ at x; None where it is singular.
fn log_volume(fit: &ScoreFit<'_>, x: &[f64], run: &Run<'_>) -> Result<Option<f64>> {
    let Some(at) = fit.at(x, &Region::Anywhere, run)? else { return Ok(None) };
    let d = x.len();
    // JᵀΩJ = L G Lᵀ
    let mut gram = at.barrier.score_normal_equations(&at.point, &at.residual, &fit.release.weight, run)?.gram;
    if !linalg::cholesky_in_place(&mut gram, d) {
        return Ok(None);
    }
    let lower = at.point.factor.lower();
    let volume: f64 = (0..d).map(|j| -(gram[j + j * d].abs().ln() + lower[j + j * d].abs().ln())).sum();
    Ok(volume.is_finite().then_some(volume))
}

/// The weighted geometric median: a point that outweighs the pull of all others, else Weiszfeld's iteration from the mean.
fn median(wells: &[Well]) -> Vec<f64> {
    let d = wells[0].x.len();
    for here in wells {
        let mut pull = vec![0.0; d];
        for other in wells {
            let away: Vec<f64> = other.x.iter().zip(&here.x).map(|(a, b)| a - b).collect();
            let length = norm(&away);
            if length > 0.0 {
                pull.iter_mut().zip(&away).for_each(|(p, a)| *p += other.share * a / length);
            }
        }
        if norm(&pull) <= here.share {
            return here.x.clone();
        }
    }
    let weighted = |weights: &[f64]| -> Vec<f64> {
        let all: f64 = weights.iter().sum();
        (0..d).map(|j| wells.iter().zip(weights).map(|(well, w)| w * well.x[j]).sum::<f64>() / all).collect()
    };
    let mut z = weighted(&wells.iter().map(|well| well.share).collect::<Vec<_>>());
    for _ in 0..STEPS {
        let to = |well: &Well| norm(&well.x.iter().zip(&z).map(|(a, b)| a - b).collect::<Vec<_>>());
        let next = weighted(&wells.iter().map(|well| well.share / to(well).max(f64::MIN_POSITIVE)).collect::<Vec<_>>());
        let step: Vec<f64> = next.iter().zip(&z).map(|(a, b)| a - b).collect();
        z = next;
        if norm(&step) <= SETTLED * norm(&z) {
            break;
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well(x: &[f64], share: f64) -> Well {
        Well { x: x.to_vec(), misfit: 1.0, share }
    }

    #[test]
    fn a_fit_of_half_the_likelihood_is_the_answer_and_three_alike_meet_where_their_pulls_cancel() {
        let (a, b, c) = ([0.0, 0.0], [3.0, 0.0], [0.0, 4.0]);
        assert_eq!(median(&[well(&a, 0.3), well(&b, 0.6), well(&c, 0.1)]), b);
        // Fermat's point of the triangle 3, 4, 5: three sides seen under 120°.
        let z = median(&[well(&a, 1.0), well(&b, 1.0), well(&c, 1.0)]);
        let pull: [f64; 2] = [a, b, c].iter().fold([0.0; 2], |sum, p| {
            let (u, v) = (p[0] - z[0], p[1] - z[1]);
            [sum[0] + u / u.hypot(v), sum[1] + v / u.hypot(v)]
        });
        assert!(pull[0].hypot(pull[1]) < 1e-6, "{z:?}: {pull:?}");
    }
}
