//! What a changed response does to its own fitted value: by one more fit, and for every row at once by an estimate.

use super::Evidence;
use unhat::families::Family;
use unhat::{Result, Run};

/// Halvings of the interval in which the estimate lies.
const HALVINGS: usize = 40;
/// Hat values are not taken nearer to 1 than this.
const NEAR_ONE: f64 = 1e-12;

/// The response of row i after the change that is tried: one success or count more, or less; one standard deviation.
fn changed_response(fit: &Evidence<'_>, i: usize) -> f64 {
    let y = fit.response[i];
    match fit.law.family() {
        Family::Binomial => {
            let step = 1.0 / fit.trials.map_or(1.0, |m| m[i].max(1.0));
            if y + step <= 1.0 { y + step } else { y - step }
        }
        Family::Poisson | Family::NegativeBinomial => y + 1.0,
        Family::Gaussian => y + fit.dispersion.sqrt(),
        Family::Gamma | Family::InverseGaussian => y * (1.0 + fit.dispersion.sqrt()),
    }
}

/// ∂μ̂ᵢ/∂yᵢ of a linear fit: hᵢ. Of a generalised one its quotient of differences, by one more fit.
pub(super) fn own_share(fit: &Evidence<'_>, i: usize, run: &Run<'_>) -> Result<f64> {
    if fit.is_linear() {
        return Ok(fit.hat[i]);
    }
    let (y, changed) = (fit.response[i], changed_response(fit, i));
    let mean = fit.refit.mean_with(i, changed, run)?;
    Ok(((mean - fit.mean[i]) / (changed - y)).abs())
}

/// An estimate of the same for a generalised fit: the other rows are held at their quadratic model, the row itself is not.
///
/// With v = hᵢ/wᵢ and s(η, y) the score of the row, the others alone say η₍ᵢ₎ = η̂ − v·s(η̂, y)/(1 − hᵢ), and with another response
/// η = η₍ᵢ₎ + v/(1 − hᵢ)·s(η, y′). A row far out has w and h near 0, a large v, and so a share near 1.
pub(super) fn estimated_share(fit: &Evidence<'_>, i: usize) -> f64 {
    let (h, w, y) = (fit.hat[i].min(1.0 - NEAR_ONE), fit.weights[i], fit.response[i]);
    let eta = fit.linear_predictor(i);
    let at = fit.law.at(eta);
    let prior = w * at.variance / (at.slope * at.slope);
    let prior = if prior.is_finite() && prior > 0.0 { prior } else { 1.0 };
    let score = |eta: f64, y: f64| {
        let at = fit.law.at(eta);
        prior * fit.law.family().residual(y, &at) * at.slope / at.variance
    };
    let alone = h / w / (1.0 - h);
    let without = eta - alone * score(eta, y);
    let changed = changed_response(fit, i);
    let furthest = without + alone * score(without, changed);
    if !(without.is_finite() && furthest.is_finite()) {
        return 1.0; // to be looked at
    }
    // The score falls as η grows: what the equation is off by changes its sign once between the two.
    let (mut low, mut high) = (without.min(furthest), without.max(furthest));
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        let off = middle - without - alone * score(middle, changed);
        if off > 0.0 { high = middle } else { low = middle }
    }
    let share = ((fit.law.at(0.5 * (low + high)).mean - fit.mean[i]) / (changed - y)).abs();
    if share.is_nan() { 1.0 } else { share }
}
