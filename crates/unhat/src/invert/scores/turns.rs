//! From one fit of noisy scores to a better one beside it: across one facet, where one slack has the other sign.

use super::fit::{FitPoint, Region, ScoreFit};
use super::polish::{FitOptions, levenberg_marquardt};
use crate::error::Result;
use crate::run::Run;

/// What bounds the search from one fit.
#[derive(Clone, Copy)]
pub(super) struct TurnEffort {
    /// Rows whose facets are crossed: those of the largest scores.
    pub facets: usize,
    /// Points across them that are followed, and the steps each of them takes.
    pub followed: usize,
    pub steps: u32,
}

/// A fit is better where its squared misfit is smaller by more than this share.
const BETTER: f64 = 1e-6;
/// A fit moves on this often at most; one to three are the rule.
const MOST_MOVES: usize = 12;
/// A fit that is moved to is followed to this many steps, and to a change of its slacks by this share.
const STEPS: u32 = 20;
const TOLERANCE: f64 = 1e-6;

/// Moves to the best fit across one facet as long as there is a better one: (misfit, x); None where there is none.
///
/// Wrong fits of noisy scores differ from the right one in the signs of few slacks, most often of one: those of rows with
/// large scores, that lie near their facets.
///
/// # Cost
/// A move: an evaluation for each facet, and the steps of the points that are followed.
pub(super) fn turned(
    fit: &ScoreFit<'_>,
    x: &[f64],
    effort: TurnEffort,
    run: &Run<'_>,
) -> Result<Option<(f64, Vec<f64>)>> {
    let Some(mut at) = fit.at(x, &Region::Anywhere, run)? else { return Ok(None) };
    let mut moved = false;
    for _ in 0..MOST_MOVES {
        run.check()?;
        let Some(next) = best_across(fit, &at, effort, run)? else { break };
        (at, moved) = (next, true);
    }
    Ok(moved.then(|| (at.misfit(), at.point.x)))
}

/// The best fit across one facet; None where none is better than this one.
fn best_across<'a>(
    fit: &ScoreFit<'a>,
    at: &FitPoint<'a>,
    effort: TurnEffort,
    run: &Run<'_>,
) -> Result<Option<FitPoint<'a>>> {
    let mut near: Vec<(f64, Vec<f64>)> = Vec::new();
    for x in across_facets(fit, at, effort.facets)? {
        if let Some(there) = fit.at(&x, &Region::Anywhere, run)? {
            near.push((there.misfit(), x));
        }
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(effort.followed);
    let better = |misfit: f64, than: f64| misfit * misfit < (1.0 - BETTER) * than * than;
    let mut best: Option<FitPoint<'a>> = None;
    let short = FitOptions { tolerance: TOLERANCE, max_iterations: effort.steps };
    for (_, x) in near {
        run.check()?;
        let Some(end) = levenberg_marquardt(fit, &x, &Region::Anywhere, &short, run)? else { continue };
        if better(end.at.misfit(), best.as_ref().unwrap_or(at).misfit()) {
            best = Some(end.at);
        }
    }
    let Some(found) = best else { return Ok(None) };
    let whole = FitOptions { tolerance: TOLERANCE, max_iterations: STEPS };
    Ok(levenberg_marquardt(fit, &found.point.x, &Region::Anywhere, &whole, run)?.map(|end| end.at))
}

/// x + h with sᵢ(x + h) = −sᵢ(x), once for each of the rows of the largest scores.
///
/// h = −(2/σᵢ) M⁻¹aᵢ/sᵢ, of all such steps the one that changes the other slacks least, relative to their sizes
fn across_facets(fit: &ScoreFit<'_>, at: &FitPoint<'_>, count: usize) -> Result<Vec<Vec<f64>>> {
    let (scores, slack, d) = (&at.point.scores, &at.point.slack, at.point.x.len());
    let mut order: Vec<usize> = (0..scores.len()).filter(|&i| scores[i] > 0.0).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order.truncate(count);
    let rows = fit.source.gather(&order)?;
    let across = |(row, &i): (&[f64], &usize)| {
        let length = -2.0 / (scores[i] * slack[i]);
        let h = at.point.factor.solve(row);
        at.point.x.iter().zip(h).map(|(x, h)| x + length * h).collect()
    };
    Ok(rows.chunks_exact(d).zip(&order).map(across).collect())
}

#[cfg(test)]
mod tests {
    use super::super::release::Release;
    use super::*;
    use crate::invert::hat::HatPrecision;
    use crate::normal;
    use crate::rows::DenseRows;

    #[test]
    fn a_point_across_a_facet_has_that_slack_with_the_other_sign() {
        let (n, d) = (30, 3);
        let (mut a, mut b) = (vec![0.0; n * d], vec![0.0; n]);
        normal::draw_into(1, 1, &mut a);
        normal::draw_into(1, 2, &mut b);
        let rows = DenseRows::new(&a, d).unwrap();
        let release = Release::new(&vec![0.1; n], None, &HatPrecision::Exact, n).unwrap();
        let fit = ScoreFit { source: &rows, offset: &b, release: &release };
        let run = Run::default();
        let at = fit.at(&[0.3, -0.2, 0.5], &Region::Anywhere, &run).unwrap().unwrap();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| at.point.scores[j].total_cmp(&at.point.scores[i]));
        for (x, &i) in across_facets(&fit, &at, 4).unwrap().iter().zip(&order) {
            let slack = |k: usize| crate::linalg::dot(&a[k * d..(k + 1) * d], x) - b[k];
            assert!((slack(i) + at.point.slack[i]).abs() < 1e-12, "row {i}");
            // No other step to that slack is shorter in the metric of the slacks: its gradient is a multiple of row i.
            let moved: Vec<f64> = (0..n).map(|k| (slack(k) - at.point.slack[k]) / at.point.slack[k].powi(2)).collect();
            let gradient: Vec<f64> = (0..d).map(|j| (0..n).map(|k| moved[k] * a[k * d + j]).sum()).collect();
            let row = &a[i * d..(i + 1) * d];
            let factor = crate::linalg::dot(&gradient, row) / crate::linalg::dot(row, row);
            assert!(gradient.iter().zip(row).all(|(g, a)| (g - factor * a).abs() < 1e-9 * factor.abs()), "row {i}");
        }
    }
}
