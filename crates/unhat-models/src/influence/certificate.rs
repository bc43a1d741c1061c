//! Which signs of the damped Fisher influence are certain: an interval for every score from a few eigenpairs.
//!
//! With the top r eigenpairs (μ, q) of GᵀG and the rest of its spectrum in [0, μ_{r+1}]:
//!
//! s_j ∈ Σᵢ (g_j·qᵢ)(v·qᵢ)/(μᵢ + M) + ½(a + b)(g_j⊥·v⊥) ± ½(b − a)‖g_j⊥‖‖v⊥‖,  a = 1/(μ_{r+1} + M), b = 1/M
//!
//! r = 0 is the condition cos∠(v, g) > (κ − 1)/(κ + 1), which never certified a row in practice.

use super::SampleGradients;
use super::curvature::explicit_gram;
use super::ridge::lower_dual_gram;
use unhat::kernels;
use unhat::{ErrorKind, Result, Run};

/// Intervals that contain the damped Fisher score of every row.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{SampleGradients, certified_signs};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let rows = SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?; // the gradients 2, 1, −3
/// let found = certified_signs(&rows, &[28.0], 14.0, 0, &Run::default())?;
/// let scores = [2.0, 1.0, -3.0]; // 28g/(Σg² + 14)
/// assert!((0..3).all(|j| found.low[j] <= scores[j] && scores[j] <= found.high[j]));
/// assert_eq!(found.share(), 1.0); // along one direction every sign is certain
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct SignCertificate {
    /// The number r of eigenpairs that were used.
    pub eigenpairs: usize,
    /// The damping M of the score.
    pub damping: f64,
    /// Lower ends, one a row.
    pub low: Vec<f64>,
    /// Upper ends, one a row.
    pub high: Vec<f64>,
}

impl SignCertificate {
    /// Share of rows whose interval does not hold 0.
    pub fn share(&self) -> f64 {
        let certain = self.low.iter().zip(&self.high).filter(|(low, high)| **low > 0.0 || **high < 0.0).count();
        certain as f64 / self.low.len() as f64
    }
}

/// Largest min(n, p) whose eigenpairs are computed: about ten seconds.
pub const LARGEST_SPECTRUM: usize = 2000;

/// The certificate for (GᵀG + M·I)⁻¹ with r eigenpairs.
///
/// # Cost
/// The Gram matrix of the smaller side m = min(n, p) and its spectrum, about 9m³; 2nr·p.
/// # Errors
/// [`ErrorKind::TooLarge`] above [`LARGEST_SPECTRUM`]; [`ErrorKind::Numerical`] where the spectrum is not found.
pub fn certified_signs(
    training: &SampleGradients<'_>,
    v: &[f64],
    damping: f64,
    eigenpairs: usize,
    run: &Run<'_>,
) -> Result<SignCertificate> {
    let (n, p) = (training.rows(), training.parameters());
    let m = n.min(p);
    if m > LARGEST_SPECTRUM {
        return Err(ErrorKind::TooLarge {
            what: format!("the spectrum of {m} gradients"),
            bytes: 16 * (m as u64).pow(2),
            limit: 16 * (LARGEST_SPECTRUM as u64).pow(2),
        }
        .into());
    }
    let primal = p <= n;
    let gram =
        if primal { explicit_gram(training, &training.loss_top(1.0), run)? } else { lower_dual_gram(training, run)? };
    let (values, vectors) = kernels::symmetric_eigen(&gram, m)
        .ok_or_else(|| ErrorKind::Numerical { reason: "the spectrum of the gradients did not converge".into() })?;
    let r = eigenpairs.min(m);
    let rest = if r < m { values[m - r - 1].max(0.0) } else { 0.0 };
    let (a, b) = if r < m { (1.0 / (rest + damping), 1.0 / damping) } else { (1.0 / damping, 1.0 / damping) };

    let products = training.times(v, run)?; // g_j·v
    let norms = training.norms_squared(run)?;
    let squared_v = kernels::dot(v, v);
    let (mut top, mut along, mut own) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut v_along = 0.0;
    for k in m - r..m {
        run.check()?;
        let (value, vector) = (values[k].max(0.0), &vectors[k * m..(k + 1) * m]);
        // coordinates of the g_j and of v along the unit eigenvector q of GᵀG
        let (coordinates, of_v) = if primal {
            (training.times(vector, run)?, kernels::dot(vector, v))
        } else if value > f64::EPSILON * values[m - 1] {
            let root = value.sqrt(); // q = Gᵀw/√μ, so g_j·q = √μ w_j
            (vector.iter().map(|w| root * w).collect(), kernels::dot(vector, &products) / root)
        } else {
            continue; // a direction without gradients
        };
        v_along += of_v * of_v;
        for j in 0..n {
            top[j] += coordinates[j] * of_v / (value + damping);
            along[j] += coordinates[j] * of_v;
            own[j] += coordinates[j] * coordinates[j];
        }
    }
    let v_rest = (squared_v - v_along).max(0.0).sqrt();
    let interval = |j: usize| {
        let middle = top[j] + 0.5 * (a + b) * (products[j] - along[j]);
        let radius = 0.5 * (b - a) * (norms[j] - own[j]).max(0.0).sqrt() * v_rest;
        (middle - radius, middle + radius)
    };
    let (low, high) = (0..n).map(interval).unzip();
    Ok(SignCertificate { eigenpairs: r, damping, low, high })
}
