//! The least-squares fit of scores: ½‖√Ω(σ(x) − σ̂)‖² over the released rows, in one cell or across all of them.

use super::release::Release;
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::gram::FactorMethod;
use crate::linalg::{self, norm};
use crate::rows::RowSource;
use crate::run::Run;

/// Where a fit may go. The scores depend on the squares of the slacks, and continue smoothly across a facet.
#[derive(Clone, Debug)]
pub(super) enum Region {
    /// The cell with these signs.
    Cell(Vec<bool>),
    /// Any x that lies on no facet.
    Anywhere,
}

/// The problem: rows, offset, and what was released.
pub(super) struct ScoreFit<'a> {
    pub source: &'a dyn RowSource,
    pub offset: &'a [f64],
    pub release: &'a Release,
}

/// One evaluation.
pub(super) struct FitPoint<'a> {
    pub barrier: Barrier<'a>,
    pub point: Point,
    /// σ(x) − σ̂ on the released rows, 0 elsewhere.
    pub residual: Vec<f64>,
    misfit: f64,
    /// Ω(σ(x) − σ̂).
    pub weighted: Vec<f64>,
    /// ½‖√Ω(σ(x) − σ̂)‖².
    pub objective: f64,
}

impl<'a> ScoreFit<'a> {
    /// Evaluates at x; None outside the region. Scores come from CholeskyQR2: what a slack near zero leaves of them.
    pub fn at(&self, x: &[f64], region: &Region, run: &Run<'_>) -> Result<Option<FitPoint<'a>>> {
        let barrier = match region {
            Region::Cell(positive) => Barrier::new(self.source, self.offset, positive.clone())?,
            Region::Anywhere => match Barrier::around(self.source, self.offset, x, run) {
                Err(e) if matches!(e.kind(), ErrorKind::ZeroSlack { .. } | ErrorKind::NotFinite { .. }) => {
                    return Ok(None);
                }
                other => other?,
            },
        };
        barrier.set_precision(FactorMethod::CholeskyQr2);
        let Some(point) = barrier.at(x, false, run)? else { return Ok(None) };
        let residual = self.release.residual(&point.scores);
        let size = self.release.weighted_norm(&residual);
        let weighted = residual.iter().zip(&self.release.weight).map(|(r, w)| w * r).collect();
        Ok(Some(FitPoint { barrier, point, objective: 0.5 * size * size, misfit: size, weighted, residual }))
    }
}

impl FitPoint<'_> {
    /// Takes over the passes and the work of another point: of the one before, or of a trial that was rejected.
    pub fn inherit(&self, other: &FitPoint<'_>) {
        let (mine, theirs) = (&self.barrier, &other.barrier);
        mine.resume_counts(mine.passes() + theirs.passes(), mine.work() + theirs.work());
    }

    /// ‖√Ω(σ(x) − σ̂)‖₂ over the released rows.
    pub fn misfit(&self) -> f64 {
        self.misfit
    }

    /// ‖σ(x) − σ̂‖₂ over the released rows, whatever their weights.
    pub fn residual_norm(&self) -> f64 {
        norm(&self.residual)
    }

    /// η: how far the computed scores of the released rows can be from the exact ones at x, in the Euclidean norm.
    ///
    /// (d·ε·√κ₂(M̃) + 4θ)‖σ‖, θ = (d+1)·ε·max (|aᵢ|ᵀ|x| + |bᵢ|)/|sᵢ|, first order: a relative change θ of every slack
    /// changes every score by at most 4θ of itself.
    pub fn rounding(&self, weight: &[f64], run: &Run<'_>) -> Result<f64> {
        let d = self.barrier.dim() as f64;
        let tau = self.barrier.slack_rounding(&self.point, run)?;
        let theta = (d + 1.0) * f64::EPSILON * tau.iter().fold(0.0, |a: f64, b| a.max(*b));
        let condition = self.point.factor.gram_condition_bound();
        let growth = if self.point.factor.method() == FactorMethod::Cholesky { condition } else { condition.sqrt() };
        let released: Vec<f64> = self.point.scores.iter().zip(weight).map(|(s, w)| s * w).collect();
        Ok((d * f64::EPSILON * growth + 4.0 * theta) * norm(&released))
    }
}

/// Uᵀdiag(σ²)U, full d×d: the metric of steps and of damping, a quarter of JᵀJ without P⁽²⁾.
pub(super) fn step_metric(barrier: &Barrier<'_>, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
    let mut metric = barrier.score_weighted_gram(point, |sigma| sigma * sigma, run)?;
    linalg::symmetrise(&mut metric, barrier.dim());
    Ok(metric)
}

/// Uᵀdiag(ωσ²)U, full d×d, the same for errors of different sizes; rows that were not released have the least weight.
pub(super) fn weighted_step_metric(fit: &ScoreFit<'_>, at: &FitPoint<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    if !fit.release.is_uneven() {
        return step_metric(&at.barrier, &at.point, run);
    }
    let released = fit.release.weight.iter().copied().filter(|w| *w > 0.0);
    let least = released.fold(f64::INFINITY, f64::min);
    let (omega, scores) = (&fit.release.weight, &at.point.scores);
    let weight = |i: usize| omega[i].max(least) * scores[i] * scores[i];
    let mut metric = at.barrier.row_weighted_gram(&at.point, weight, run)?;
    linalg::symmetrise(&mut metric, at.barrier.dim());
    Ok(metric)
}
