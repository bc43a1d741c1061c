//! Descent in the input metric of the batch itself, exact and not shared: what the shared metric approximates.
//!
//! ḡ(S + λI)⁻¹ = Dᵀ(AAᵀ + nλI)⁻¹A,  S = AᵀA/n: the weighted sum of per-sample gradients with an n×n matrix for weights

use super::Damping;
use crate::models::{LayerFactors, LayerShape};
use unhat::kernels;
use unhat::{ErrorKind, Result};

/// The mean gradient of a layer in the metric of its inputs, by the smaller of the two systems.
///
/// ḡ(S + λI)⁻¹ with λ, or λ = α·tr(S)/d_in
///
/// # Shapes
/// d_out×d_in, row-major.
/// # Cost
/// 2n·m² + m³/3 + 2n·d_in·d_out flops with m = min(n, d_in).
/// # Errors
/// As [`primal_direction`].
/// # References
/// Benzing2022 names the primal form FOOF.
pub fn fresh_direction(layer: &LayerFactors<'_>, damping: Damping) -> Result<Vec<f64>> {
    match layer.inputs.len() / layer.shape.inputs < layer.shape.inputs {
        true => dual_direction(layer, damping),
        false => primal_direction(layer, damping),
    }
}

/// DᵀA/n·(AᵀA/n + λI)⁻¹ by the d_in×d_in matrix.
///
/// # Errors
/// [`ErrorKind::Option`] for a damping that is not positive; [`ErrorKind::Numerical`] where inputs are not finite.
pub fn primal_direction(layer: &LayerFactors<'_>, damping: Damping) -> Result<Vec<f64>> {
    let LayerShape { inputs, outputs } = layer.shape;
    let n = layer.inputs.len() / inputs;
    let mut direction = vec![0.0; inputs * outputs];
    kernels::add_product_with_transpose(layer.inputs, layer.gradients, inputs, outputs, 1.0, &mut direction);
    let mut system = vec![0.0; inputs * inputs];
    kernels::add_product_with_transpose(layer.inputs, layer.inputs, inputs, inputs, 1.0, &mut system);
    solve_rows(&mut system, inputs, scaled_damping(layer, damping, n)?, &mut direction)?;
    Ok(direction)
}

/// Dᵀ(AAᵀ + nλI)⁻¹A by the n×n matrix.
///
/// # Errors
/// As [`primal_direction`].
pub fn dual_direction(layer: &LayerFactors<'_>, damping: Damping) -> Result<Vec<f64>> {
    let LayerShape { inputs, outputs } = layer.shape;
    let n = layer.inputs.len() / inputs;
    let mut system = vec![0.0; n * n];
    kernels::transpose_times_into(layer.inputs, layer.inputs, inputs, n, n, &mut system);
    let mut weighted: Vec<f64> = (0..outputs * n).map(|e| layer.gradients[e % n * outputs + e / n]).collect(); // Dᵀ
    solve_rows(&mut system, n, scaled_damping(layer, damping, n)?, &mut weighted)?;
    let mut direction = vec![0.0; inputs * outputs];
    kernels::product_into(layer.inputs, &weighted, inputs, n, outputs, &mut direction);
    Ok(direction)
}

/// nλ.
fn scaled_damping(layer: &LayerFactors<'_>, damping: Damping, n: usize) -> Result<f64> {
    let scaled = match damping {
        Damping::Absolute(lambda) => n as f64 * lambda,
        Damping::Relative(alpha) => alpha * kernels::dot(layer.inputs, layer.inputs) / layer.shape.inputs as f64,
    };
    if !scaled.is_finite() {
        return Err(ErrorKind::Numerical { reason: "the inputs of the layer are not finite".into() }.into());
    }
    match scaled > 0.0 {
        true => Ok(scaled),
        false => {
            let reason = format!("found {damping:?} for these inputs, expected a positive number");
            Err(ErrorKind::Option { name: "damping".into(), reason }.into())
        }
    }
}

/// Each row r of a block becomes r(M + δI)⁻¹.
fn solve_rows(system: &mut [f64], d: usize, damping: f64, block: &mut [f64]) -> Result<()> {
    (0..d).for_each(|j| system[j * (d + 1)] += damping);
    if !kernels::cholesky_in_place(system, d) {
        let reason = format!("the inputs of the layer are not finite, or singular to rounding at damping {damping:e}");
        return Err(ErrorKind::Numerical { reason }.into());
    }
    kernels::solve_lower_rows(system, d, block);
    kernels::solve_lower_transposed_rows(system, d, block);
    Ok(())
}
