//! The curvature of the summed loss: the Hessian of a generalised linear model, the Gauss–Newton matrix of a network.
//!
//! H = Σᵢ Jᵢᵀ Sᵢ Jᵢ + M·I,  Jᵢ = ∂zᵢ/∂θ,  Sᵢ = ∂²ℓᵢ/∂z²
//!
//! Without hidden layers z is linear in θ, J = I ⊗ xᵀ, and this is the Hessian itself.

use super::SampleGradients;
use crate::models::Objective;
use unhat::kernels;
use unhat::kernels::with_scratch;
use unhat::{ErrorKind, Result, Run};

/// Largest p for which the p×p curvature is formed: 200 MB, and 40 s of factorisation.
pub const LARGEST_DENSE_CURVATURE: usize = 5000;

/// Hu, with the penalty's M·u.
///
/// # Cost
/// 8np flops, one sweep.
pub fn curvature_times(gradients: &SampleGradients<'_>, penalty: f64, u: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let (network, family) = (gradients.network, gradients.network.family);
    let outputs = family.outputs();
    let mut product = gradients.accumulate(gradients.parameters(), run, &|_, features, work, sum| {
        let mut moved = Vec::new();
        network.tangent(features, work, u, &mut moved);
        let factors = network.backward(features, work, |i, z, top| {
            let moved = &moved[i * outputs..(i + 1) * outputs];
            let mut curvature = vec![0.0; outputs * outputs];
            family.curvature_into(z, &mut curvature);
            top.iter_mut().zip(curvature.chunks_exact(outputs)).for_each(|(t, row)| *t = kernels::dot(row, moved));
        });
        factors.add_combination(None, sum);
    })?;
    product.iter_mut().zip(u).for_each(|(p, u)| *p += penalty * u);
    Ok(product)
}

/// H with the penalty's M·I, full p×p.
///
/// # Cost
/// Without hidden layers `n·q²·C(C+1)/2` flops for q inputs and C outputs, else `C·n·p²`.
/// # Errors
/// [`ErrorKind::TooLarge`] above [`LARGEST_DENSE_CURVATURE`].
pub fn curvature_matrix(gradients: &SampleGradients<'_>, penalty: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    let p = gradients.parameters();
    if p > LARGEST_DENSE_CURVATURE {
        return Err(ErrorKind::TooLarge {
            what: format!("the {p} x {p} curvature"),
            bytes: 8 * (p as u64).pow(2),
            limit: 8 * (LARGEST_DENSE_CURVATURE as u64).pow(2),
        }
        .into());
    }
    let network = gradients.network;
    if network.layers.len() == 1 {
        let (features, responses) = (gradients.features(), gradients.responses());
        let objective = Objective::new(features, network.inputs(), responses, network.family, penalty)?;
        return objective.hessian(&gradients.predictors(run)?, run);
    }
    let mut h = roots(gradients, run)?;
    (0..p).for_each(|j| h[j * (p + 1)] += penalty);
    kernels::symmetrise(&mut h, p);
    Ok(h)
}

/// The diagonal class blocks `Σᵢ Sᵢ[c,c] xᵢxᵢᵀ` of a model without hidden layers, each full q×q; no penalty.
///
/// # Cost
/// `C·n·q²` flops.
pub fn class_blocks(gradients: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<Vec<f64>>> {
    let (family, q) = (gradients.network.family, gradients.network.inputs());
    let outputs = family.outputs();
    let sums = gradients.accumulate(outputs * q * q, run, &|_, features, work, sum| {
        let weights = curvatures(family, work.predictors());
        for (c, block) in sum.chunks_exact_mut(q * q).enumerate() {
            add_weighted_gram(features, q, |i| weights[i * outputs * outputs + c * (outputs + 1)], block);
        }
    })?;
    Ok(sums.chunks_exact(q * q).map(full(q)).collect())
}

fn full(q: usize) -> impl Fn(&[f64]) -> Vec<f64> {
    move |lower| {
        let mut block = lower.to_vec();
        kernels::symmetrise(&mut block, q);
        block
    }
}

fn curvatures(family: crate::models::Family, z: &[f64]) -> Vec<f64> {
    let outputs = family.outputs();
    let mut all = vec![0.0; z.len() * outputs];
    for (z, s) in z.chunks_exact(outputs).zip(all.chunks_exact_mut(outputs * outputs)) {
        family.curvature_into(z, s);
    }
    all
}

fn add_weighted_gram(features: &[f64], q: usize, weight: impl Fn(usize) -> f64, gram: &mut [f64]) {
    with_scratch(features.len(), |scaled| {
        kernels::scale_rows_into(features, q, weight, scaled);
        kernels::add_gram(features, scaled, q, gram);
    });
}

/// Rows whose explicit gradients are held at once.
const EXPLICIT_ROWS: usize = 64;

/// Lower triangle of Σᵢ Σ_c (Jᵢᵀs_c)(Jᵢᵀs_c)ᵀ with Sᵢ = Σ s_c s_cᵀ.
fn roots(gradients: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let (p, family) = (gradients.parameters(), gradients.network.family);
    let mut h = vec![0.0; p * p];
    for c in 0..family.outputs() {
        let top = |_: usize, z: &[f64], t: &mut [f64]| family.curvature_root_into(z, c, t);
        let part = explicit_gram(gradients, &top, run)?;
        h.iter_mut().zip(&part).for_each(|(h, part)| *h += part);
    }
    Ok(h)
}

/// Lower triangle of GᵀG for the gradients at `top`, p×p.
///
/// # Cost
/// n·p² flops.
pub(super) fn explicit_gram(gradients: &SampleGradients<'_>, top: &super::Top<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let p = gradients.parameters();
    gradients.reduce(p * p, top, run, &|range, factors, gram| {
        let rows = range.len();
        with_scratch(EXPLICIT_ROWS * p, |explicit| {
            for first in (0..rows).step_by(EXPLICIT_ROWS) {
                let last = (first + EXPLICIT_ROWS).min(rows);
                let explicit = &mut explicit[..(last - first) * p];
                factors.rows_into(first..last, explicit);
                kernels::add_gram(explicit, explicit, p, gram);
            }
        });
    })
}
