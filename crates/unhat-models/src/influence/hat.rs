//! The hat values of a fit: how much of its own fitted value each row decides. Not the leverage of the row's gradient, which
//! vanishes with its residual.

use super::SampleGradients;
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::DenseRows;
use unhat::{Result, Run};

/// hᵢ = wᵢ aᵢᵀ(AᵀWA + M·I)⁻¹aᵢ with wᵢ = ∂²ℓ/∂z² at the fit: of the weighted design. wᵢ = 1 for numbers.
///
/// None for a model with hidden layers, or with several outputs, which has no single hat value a row.
///
/// # Shapes
/// n values in [0, 1]; their sum is the rank, or with a penalty the effective dimension.
/// # Cost
/// A forward pass, two sweeps and 2np² flops.
/// # Errors
/// Those of [`leverage_scores`].
/// # References
/// Pregibon1981.
pub fn hat_values(training: &SampleGradients<'_>, penalty: f64, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
    let (network, family) = (training.network, training.network.family);
    if network.layers.len() != 1 || family.outputs() != 1 {
        return Ok(None);
    }
    let root_of_weight = |z: &f64| {
        let mut w = [0.0];
        family.curvature_into(std::slice::from_ref(z), &mut w);
        w[0].sqrt()
    };
    let scale: Vec<f64> = training.predictors(run)?.iter().map(root_of_weight).collect();
    let rows = DenseRows::new(training.features(), network.inputs())?;
    let options = ScoreOptions { ridge: penalty, ..ScoreOptions::default() };
    let mut hat = leverage_scores(&rows, Some(&scale), &options, run)?.values;
    hat.iter_mut().for_each(|h| *h = h.clamp(0.0, 1.0)); // rounding alone leaves this range
    Ok(Some(hat))
}
