//! What each row is at a predictor: mean, weight of the step, residual.

use super::law::Law;
use super::problem::Problem;
use unhat::families::Mean;

/// All rows at their predictors.
#[derive(Clone, Debug)]
pub struct RowState {
    /// Means and slopes.
    pub at: Vec<Mean>,
    /// √vᵢ, vᵢ = wᵢ(dμ/dη)²/V(μ) the weight of a row in the step; 0 for rows of weight 0.
    pub row_scale: Vec<f64>,
    /// Working residuals (y − μ)/(dμ/dη).
    pub work: Vec<f64>,
    /// Σwᵢd²(yᵢ, μᵢ).
    pub deviance: f64,
    /// Σwᵢ(yᵢ − μᵢ)²/V(μᵢ).
    pub pearson: f64,
    /// Whether every mean is one of the family.
    pub valid: bool,
}

/// The rows of a problem at predictors η.
pub(super) fn state_at(problem: &Problem<'_>, law: &Law, eta: &[f64]) -> RowState {
    let n = eta.len();
    let mut state = RowState {
        at: Vec::with_capacity(n),
        row_scale: Vec::with_capacity(n),
        work: Vec::with_capacity(n),
        deviance: 0.0,
        pearson: 0.0,
        valid: true,
    };
    for (i, (&eta, &y)) in eta.iter().zip(problem.response).enumerate() {
        let (at, w) = (law.at(eta), problem.weight(i));
        let e = law.family().residual(y, &at);
        let scale = if w == 0.0 { 0.0 } else { (w / at.variance).sqrt() * at.slope.abs() };
        if w > 0.0 {
            state.valid &= law.is_mean(&at);
            state.deviance += w * law.unit_deviance(y, &at);
            state.pearson += w * e * e / at.variance;
        }
        state.row_scale.push(if scale.is_finite() { scale } else { 0.0 });
        state.work.push(e / at.slope);
        state.at.push(at);
    }
    state.valid &= state.deviance.is_finite() && state.pearson.is_finite();
    state
}
