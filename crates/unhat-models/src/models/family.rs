//! The output families: loss, its gradient and its curvature in the linear predictor, row by row.

use serde::{Deserialize, Serialize};

/// The distribution of the response, with its canonical link. `z` is the linear predictor, ℓ the loss of one row.
///
/// | family | ℓ(z, y) | ∂ℓ/∂z | ∂²ℓ/∂z² |
/// |---|---|---|---|
/// | Gaussian | ½(z − y)² | z − y | 1 |
/// | Bernoulli, y ∈ {0, 1} | log(1 + eᶻ) − yz | p − y | p(1 − p) |
/// | Categorical, y ∈ {0, …, C−1} | log Σⱼeᶻʲ − z_y | p − e_y | diag(p) − ppᵀ |
/// | Poisson, y ∈ ℕ | eᶻ − yz + log y! | eᶻ − y | eᶻ |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// Squared error: linear and ridge regression.
    Gaussian,
    /// Two classes, one predictor: logistic regression.
    Bernoulli,
    /// C classes, C predictors: softmax regression.
    Categorical {
        /// C.
        classes: usize,
    },
    /// Counts.
    Poisson,
}

impl Family {
    /// Predictors a row: C for [`Family::Categorical`], else 1.
    pub fn outputs(self) -> usize {
        match self {
            Family::Categorical { classes } => classes,
            _ => 1,
        }
    }

    /// Whether the response is a class.
    pub fn is_classification(self) -> bool {
        matches!(self, Family::Bernoulli | Family::Categorical { .. })
    }

    /// ℓ(z, y) without overflow.
    pub fn loss(self, z: &[f64], y: f64) -> f64 {
        match self {
            Family::Gaussian => 0.5 * (z[0] - y) * (z[0] - y),
            Family::Bernoulli => softplus(if y > 0.5 { -z[0] } else { z[0] }),
            Family::Categorical { .. } => log_sum_exp(z) - z[y as usize],
            Family::Poisson => z[0].exp() - y * z[0] + libm::lgamma(y + 1.0),
        }
    }

    /// The mean of the response: z, p, (p₁, …, p_C), or eᶻ.
    pub fn mean_into(self, z: &[f64], mean: &mut [f64]) {
        match self {
            Family::Gaussian => mean[0] = z[0],
            Family::Bernoulli => mean[0] = sigmoid(z[0]),
            Family::Categorical { .. } => {
                let top = log_sum_exp(z);
                mean.iter_mut().zip(z).for_each(|(p, z)| *p = (z - top).exp());
            }
            Family::Poisson => mean[0] = z[0].exp(),
        }
    }

    /// ∂ℓ/∂z at z/T: mean(z/T) − y. T = 1 is the gradient; T > 1 tempers the families that saturate, and has no effect
    /// on those that do not (Gaussian, Poisson).
    pub fn gradient_into(self, z: &[f64], y: f64, temperature: f64, gradient: &mut [f64]) {
        match self {
            Family::Gaussian | Family::Poisson => {
                self.mean_into(z, gradient);
                gradient[0] -= y;
            }
            Family::Bernoulli => {
                // p − 1 as −σ(−z): near certainty the difference would cancel
                let z = z[0] / temperature;
                gradient[0] = if y > 0.5 { -sigmoid(-z) } else { sigmoid(z) };
            }
            Family::Categorical { .. } => {
                gradient.iter_mut().zip(z).for_each(|(g, z)| *g = z / temperature);
                let top = log_sum_exp(gradient);
                gradient.iter_mut().for_each(|g| *g = (*g - top).exp());
                let own = y as usize;
                gradient[own] = 0.0;
                gradient[own] = -gradient.iter().sum::<f64>();
            }
        }
    }

    /// ∂²ℓ/∂z², outputs×outputs, full.
    pub fn curvature_into(self, z: &[f64], curvature: &mut [f64]) {
        match self {
            Family::Gaussian => curvature[0] = 1.0,
            Family::Bernoulli => curvature[0] = sigmoid(z[0]) * sigmoid(-z[0]),
            Family::Poisson => curvature[0] = z[0].exp(),
            Family::Categorical { classes } => {
                let top = log_sum_exp(z);
                for j in 0..classes {
                    let pj = (z[j] - top).exp();
                    for k in 0..classes {
                        curvature[j * classes + k] = -pj * (z[k] - top).exp();
                    }
                    curvature[j * classes + j] += pj;
                }
            }
        }
    }

    /// Column c of a square root of ∂²ℓ/∂z²: `∂²ℓ/∂z² = Σ_c s_c s_cᵀ` with `s_c = √p_c (e_c − p)` for classes.
    pub fn curvature_root_into(self, z: &[f64], c: usize, root: &mut [f64]) {
        match self {
            Family::Categorical { .. } => {
                self.mean_into(z, root);
                let scale = root[c].sqrt();
                root.iter_mut().for_each(|p| *p *= -scale);
                root[c] += scale;
            }
            _ => {
                self.curvature_into(z, root);
                root[0] = root[0].sqrt();
            }
        }
    }

    /// The predicted class, or the mean.
    pub fn predict(self, z: &[f64]) -> f64 {
        match self {
            Family::Gaussian => z[0],
            Family::Bernoulli => f64::from(z[0] > 0.0),
            Family::Poisson => z[0].exp(),
            Family::Categorical { .. } => {
                let best = z.iter().enumerate().fold(0, |best, (k, v)| if *v > z[best] { k } else { best });
                best as f64
            }
        }
    }
}

/// 1/(1 + e⁻ᶻ) without overflow.
pub(crate) fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// log(1 + eᶻ) without overflow.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

fn log_sum_exp(z: &[f64]) -> f64 {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + z.iter().map(|z| (z - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(Family, &[f64], f64)] = &[
        (Family::Gaussian, &[0.7], 1.9),
        (Family::Bernoulli, &[0.7], 1.0),
        (Family::Bernoulli, &[-1.3], 1.0),
        (Family::Bernoulli, &[0.4], 0.0),
        (Family::Poisson, &[0.9], 3.0),
        (Family::Categorical { classes: 3 }, &[0.3, -1.1, 0.8], 1.0),
    ];

    #[test]
    fn gradient_and_curvature_are_the_differences_of_the_loss() {
        let h = 1e-5;
        for &(family, z, y) in CASES {
            let c = family.outputs();
            let (mut gradient, mut curvature) = (vec![0.0; c], vec![0.0; c * c]);
            family.gradient_into(z, y, 1.0, &mut gradient);
            family.curvature_into(z, &mut curvature);
            for j in 0..c {
                let at = |t: f64| {
                    let mut z = z.to_vec();
                    z[j] += t;
                    z
                };
                let slope = (family.loss(&at(h), y) - family.loss(&at(-h), y)) / (2.0 * h);
                assert!((slope - gradient[j]).abs() < 1e-9, "{family:?} output {j}: {slope} and {}", gradient[j]);
                let (mut above, mut below) = (vec![0.0; c], vec![0.0; c]);
                family.gradient_into(&at(h), y, 1.0, &mut above);
                family.gradient_into(&at(-h), y, 1.0, &mut below);
                for k in 0..c {
                    let bend = (above[k] - below[k]) / (2.0 * h);
                    assert!((bend - curvature[j * c + k]).abs() < 1e-9, "{family:?} {j} {k}");
                }
            }
        }
    }

    #[test]
    fn certainty_neither_overflows_nor_cancels() {
        let mut g = [0.0];
        Family::Bernoulli.gradient_into(&[40.0], 1.0, 1.0, &mut g);
        assert!((g[0] / -(-40f64).exp() - 1.0).abs() < 1e-12);
        assert_eq!(Family::Bernoulli.loss(&[-800.0], 1.0), 800.0);
        assert_eq!(Family::Categorical { classes: 2 }.loss(&[-800.0, 0.0], 0.0), 800.0);
    }
}
