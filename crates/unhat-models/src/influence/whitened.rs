//! Whitened, tempered inner products (WT-IP): one p-vector is changed, then the inner products are streamed.
//!
//! v_l = Σ_{i∈V} ∇_l ℓ(zᵢ/T),  C_l = A_lᵀA_l/n + β·tr(A_lᵀA_l/n)/d_l · I,  u_l = v_l C_l⁻¹,  s_j = Σ_l d_jᵀ u_l a_j
//!
//! where a layer is applied at many positions of a sample, A_l has a row for each of them and C_l is their mean: a layer does
//! not weigh less for having more positions.
//!
//! T > 1 keeps a few misfit validation rows from being all of v; C is one side of a Kronecker factor, and β > 0 keeps it
//! positive definite. v is then the gradient of another utility of the same rows: a ranking, not an estimate of
//! leave-one-out. Ours, measured beside EK-FAC.

use super::SampleGradients;
use crate::models::Family;
use unhat::kernels;
use unhat::{ErrorKind, Result, Run};

/// T: the mean AUC over seven sets is flat between 2 and 8 and falls on both sides.
pub const TEMPERATURE: f64 = 4.0;
/// β: flat between 0.3 and 10; without whitening (β → ∞) it is 0.05 lower.
pub const WHITENING: f64 = 1.0;

/// The Cholesky factors of C_l, one a layer.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{InputMetric, SampleGradients};
/// use unhat_models::models::{Activation, Family, Network};
/// let network = Network::zeros(2, &[], Activation::Relu, Family::Gaussian);
/// let rows = SampleGradients::new(&network, &[2.0, 0.0, 0.0, 2.0], &[0.0; 2])?; // AᵀA/n = 2·I
/// let metric = InputMetric::new(&rows, 1.0, &Run::default())?; // and β·tr/d = 2 more
/// let u = metric.solve(&network, &[4.0, 8.0]);
/// assert!((u[0] - 1.0).abs() < 1e-15 && (u[1] - 2.0).abs() < 1e-15);
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct InputMetric {
    factors: Vec<(usize, Vec<f64>)>,
}

impl InputMetric {
    /// Factors C_l of the training rows.
    ///
    /// # Cost
    /// One sweep: n Σ_l d_l² flops and the forward pass; Σ_l d_l³/3.
    /// # Errors
    /// [`ErrorKind::Numerical`] where a layer's inputs are all zero.
    pub fn new(training: &SampleGradients<'_>, whitening: f64, run: &Run<'_>) -> Result<InputMetric> {
        let mut factors = Vec::new();
        for (l, gram) in training.input_grams(run)?.into_iter().enumerate() {
            let (d, n) = (training.network.layers[l].shape.inputs, (training.rows() * training.positions(l)) as f64);
            let mut c: Vec<f64> = gram.iter().map(|g| g / n).collect();
            let trace: f64 = (0..d).map(|j| c[j * (d + 1)]).sum();
            (0..d).for_each(|j| c[j * (d + 1)] += whitening * trace / d as f64);
            if !kernels::cholesky_in_place(&mut c, d) {
                let reason = "the inputs of a layer are all zero, or overflow".to_string();
                return Err(ErrorKind::Numerical { reason }.into());
            }
            factors.push((d, c));
        }
        Ok(InputMetric { factors })
    }

    /// u_l = v_l C_l⁻¹ in every layer.
    pub fn solve(&self, network: &crate::models::Network, v: &[f64]) -> Vec<f64> {
        let mut u = v.to_vec();
        let mut rest = u.as_mut_slice();
        for ((d, factor), layer) in self.factors.iter().zip(&network.layers) {
            let (own, others) = rest.split_at_mut(layer.shape.parameters());
            kernels::solve_lower_rows(factor, *d, own);
            kernels::solve_lower_transposed_rows(factor, *d, own);
            rest = others;
        }
        u
    }

    /// aᵀC_l⁻¹a of the rows of a block.
    fn squared_lengths(&self, layer: usize, inputs: &[f64]) -> Vec<f64> {
        let (d, factor) = &self.factors[layer];
        let mut whitened = inputs.to_vec();
        kernels::solve_lower_rows(factor, *d, &mut whitened);
        let mut lengths = vec![0.0; inputs.len() / d];
        kernels::row_norms_squared(&whitened, *d, &mut lengths);
        lengths
    }
}

/// s_j = g_jᵀC⁻¹v for a given v.
///
/// # Cost
/// One gradient pass, n Σ_l d_l² flops for C and 2np for the products; a second forward pass where the inputs of all hidden
/// layers take more than 128 MB.
pub fn whitened_products(training: &SampleGradients<'_>, v: &[f64], whitening: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    let kept = training.forward(run)?;
    let training = training.forwarded(&kept);
    let metric = InputMetric::new(&training, whitening, run)?;
    training.times(&metric.solve(training.network, v), run)
}

/// `s_j = g_jᵀC⁻¹(Σᵢ mᵢ − m_j)` with mᵢ the gradient of the negative margin `−(z_y − mean_{c≠y} z_c)` of training row i:
/// the leave-one-out form for those who have no clean validation rows.
///
/// # Cost
/// Four sweeps.
/// # Errors
/// [`ErrorKind::Option`] where the response is not a class.
pub fn training_margin_products(training: &SampleGradients<'_>, whitening: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    let (network, family, y) = (training.network, training.network.family, training.responses());
    require_classes(family)?;
    let kept = training.forward(run)?;
    let training = training.forwarded(&kept);
    let metric = InputMetric::new(&training, whitening, run)?;
    let margin = |i: usize, _: &[f64], top: &mut [f64]| margin_gradient(family, y[i], top);
    let sum = training.combination_of(&margin, run)?;
    let with_sum = training.times(&metric.solve(network, &sum), run)?;

    // g_jᵀC⁻¹m_j = Σ_l (d_jᵀdᵐ_j)(a_jᵀC_l⁻¹a_j): both factors of row j share its inputs
    let layers = network.layers.len();
    let width: usize = network.layers.iter().map(|l| l.shape.outputs + 1).sum();
    let (mut of_loss, mut of_margin) = (vec![], vec![]);
    for (top, kept) in [(&training.loss_top(1.0) as &super::Top<'_>, &mut of_loss), (&margin, &mut of_margin)] {
        *kept = training.each_at(top, width, run, &|_, factors, out| {
            let lengths: Vec<Vec<f64>> =
                (0..layers).map(|l| metric.squared_lengths(l, factors.layers[l].inputs)).collect();
            for (i, out) in out.chunks_exact_mut(width).enumerate() {
                let mut rest = out;
                for (l, layer) in factors.layers.iter().enumerate() {
                    let outputs = layer.shape.outputs;
                    let (own, others) = rest.split_at_mut(outputs + 1);
                    own[..outputs].copy_from_slice(&layer.gradients[i * outputs..(i + 1) * outputs]);
                    own[outputs] = lengths[l][i];
                    rest = others;
                }
            }
        })?;
    }
    let own = of_loss.chunks_exact(width).zip(of_margin.chunks_exact(width)).map(|(d, m)| {
        let mut start = 0;
        let mut sum = 0.0;
        for layer in &network.layers {
            let end = start + layer.shape.outputs;
            sum += kernels::dot(&d[start..end], &m[start..end]) * d[end];
            start = end + 1;
        }
        sum
    });
    Ok(with_sum.iter().zip(own).map(|(all, own)| all - own).collect())
}

/// ∂/∂z of the negative margin of a row.
pub fn margin_gradient(family: Family, y: f64, top: &mut [f64]) {
    match family {
        Family::Categorical { classes } => {
            top.fill(1.0 / (classes as f64 - 1.0));
            top[y as usize] = -1.0;
        }
        _ => top[0] = if y > 0.5 { -1.0 } else { 1.0 },
    }
}

fn require_classes(family: Family) -> Result<()> {
    if family.is_classification() {
        return Ok(());
    }
    let reason = "the training margin is defined for classes; this model's response is a number".to_string();
    Err(ErrorKind::Option { name: "v".into(), reason }.into())
}
