//! What a row's influence is on: a function f of the trained model on validation rows, its value and its gradient v.
//!
//! f(θ) = Σᵢ wᵢ φ(zᵢ, yᵢ) over the validation rows, with φ the loss or the mean prediction

use super::SampleGradients;
use crate::models::{Family, Network};
use unhat::kernels;
use unhat::{ErrorKind, Result, Run};

/// A function of the model on validation rows.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Impact, SampleGradients};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let (rows, run) = (SampleGradients::new(&network, &[1.0, 2.0], &[4.0, 4.0])?, Run::default()); // z = 3, 6
/// assert_eq!(Impact::utility(rows).value(&run)?, 2.5); // Σ½(z − y)²
/// let parity = Impact::parity(rows, &[false, true])?;
/// assert_eq!((parity.value(&run)?, parity.gradient(1.0, &run)?), (3.0, vec![1.0])); // 6 − 3, and 2 − 1
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct Impact<'a> {
    rows: SampleGradients<'a>,
    weights: Vec<f64>,
    quantity: Quantity,
}

#[derive(Clone, Copy, PartialEq)]
enum Quantity {
    Loss,
    Mean,
}

impl<'a> Impact<'a> {
    /// f = Σ_V ℓ: the summed validation loss. On attacked rows ([`attacked_features`]) it is the robustness.
    pub fn utility(rows: SampleGradients<'a>) -> Impact<'a> {
        Impact { weights: vec![1.0; rows.rows()], rows, quantity: Quantity::Loss }
    }

    /// Demographic parity, f = mean(ŷ | s = 1) − mean(ŷ | s = 0), signed.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] where a group is empty or the model predicts more than one number.
    pub fn parity(rows: SampleGradients<'a>, group: &[bool]) -> Result<Impact<'a>> {
        if rows.network.family.outputs() != 1 {
            return Err(unusable(
                "impact",
                "parity needs a single prediction a row, and the model has several classes",
            ));
        }
        let weights = contrast(group, |_| true, "validation row")?;
        Ok(Impact { rows, weights, quantity: Quantity::Mean })
    }

    /// Equal opportunity, f = mean(ℓ | s = 0, y = 1) − mean(ℓ | s = 1, y = 1), signed.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] where a group has no positive row or the response is not binary.
    pub fn opportunity(rows: SampleGradients<'a>, group: &[bool]) -> Result<Impact<'a>> {
        if rows.network.family != Family::Bernoulli {
            return Err(unusable("impact", "opportunity needs a binary response"));
        }
        let y = rows.responses();
        let mut weights = contrast(group, |i| y[i] > 0.5, "positive validation row")?;
        weights.iter_mut().for_each(|w| *w = -*w);
        Ok(Impact { rows, weights, quantity: Quantity::Loss })
    }

    /// The validation rows.
    pub fn rows(&self) -> &SampleGradients<'a> {
        &self.rows
    }

    /// f, signed.
    ///
    /// # Cost
    /// A forward pass over the validation rows.
    pub fn value(&self, run: &Run<'_>) -> Result<f64> {
        Ok(self.value_at(&self.rows.predictors(run)?))
    }

    /// f at given linear predictors of the validation rows.
    pub fn value_at(&self, z: &[f64]) -> f64 {
        let (family, y) = (self.rows.network.family, self.rows.responses());
        let rows = z.chunks_exact(family.outputs()).zip(y).zip(&self.weights);
        rows.map(|((z, &y), w)| match self.quantity {
            _ if *w == 0.0 => 0.0,
            Quantity::Loss => w * family.loss(z, y),
            Quantity::Mean => {
                let mut mean = [0.0];
                family.mean_into(z, &mut mean);
                w * mean[0]
            }
        })
        .sum()
    }

    /// v = ∇f at the model, for the loss tempered by T ([`Family::gradient_into`]); the mean prediction is not tempered.
    ///
    /// # Cost
    /// 6mp flops for m validation rows.
    pub fn gradient(&self, temperature: f64, run: &Run<'_>) -> Result<Vec<f64>> {
        self.rows.combination_of(&|i, z, top| self.top(i, z, temperature, top), run)
    }

    /// ‖∇fᵢ‖ of every validation row, and v from its even and its odd rows: how many rows v really consists of.
    ///
    /// # Cost
    /// Three sweeps over the validation rows.
    pub fn parts(&self, temperature: f64, run: &Run<'_>) -> Result<Concentration> {
        let top = |i: usize, z: &[f64], top: &mut [f64]| self.top(i, z, temperature, top);
        let norms = self.norms_squared(temperature, run)?;
        let half = |parity: usize| {
            let half = |i: usize, z: &[f64], t: &mut [f64]| {
                if i % 2 == parity { top(i, z, t) } else { t.fill(0.0) }
            };
            self.rows.combination_of(&half, run)
        };
        let (even, odd) = (half(0)?, half(1)?);
        let count = self.weights.iter().filter(|w| **w != 0.0).count() as f64;
        let (sum, squares): (f64, f64) = (norms.iter().map(|n| n.sqrt()).sum(), norms.iter().sum());
        Ok(Concentration {
            effective_share: (squares > 0.0).then(|| sum * sum / (count * squares)),
            half_cosine: cosine(&even, &odd),
        })
    }

    /// ‖∇fᵢ‖² of every validation row.
    ///
    /// # Cost
    /// A sweep over the validation rows.
    pub(super) fn norms_squared(&self, temperature: f64, run: &Run<'_>) -> Result<Vec<f64>> {
        let top = |i: usize, z: &[f64], top: &mut [f64]| self.top(i, z, temperature, top);
        self.rows.each_at(&top, 1, run, &|_, factors, out| factors.norms_squared_into(out))
    }

    /// wᵢ.
    pub(super) fn weight(&self, i: usize) -> f64 {
        self.weights[i]
    }

    fn top(&self, i: usize, z: &[f64], temperature: f64, top: &mut [f64]) {
        let (family, w) = (self.rows.network.family, self.weights[i]);
        match self.quantity {
            Quantity::Loss => family.gradient_into(z, self.rows.responses()[i], temperature, top),
            Quantity::Mean => family.curvature_into(z, top), // of the canonical link: ∂mean/∂z = ∂²ℓ/∂z²
        }
        top.iter_mut().for_each(|t| *t *= w);
    }
}

/// How v is made up.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Impact, SampleGradients};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let parts = |y: &[f64]| Impact::utility(SampleGradients::new(&network, &[1.0; 4], y)?).parts(1.0, &Run::default());
/// let alike = parts(&[4.0; 4])?;
/// assert!((alike.effective_share.unwrap() - 1.0).abs() < 1e-15 && (alike.half_cosine.unwrap() - 1.0).abs() < 1e-15);
/// let one = parts(&[3.0, 3.0, 3.0, 7.0])?; // all but one are met exactly
/// assert_eq!((one.effective_share, one.half_cosine), (Some(0.25), None));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concentration {
    /// The share of rows that v consists of, (Σ‖∇fᵢ‖)²/(mΣ‖∇fᵢ‖²): 1 where all weigh alike, 1/m where one is all of v.
    pub effective_share: Option<f64>,
    /// The cosine between v from one half of the validation rows and from the other.
    pub half_cosine: Option<f64>,
}

/// cos∠(a, b); None where one is zero.
pub fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let scale = kernels::norm(a) * kernels::norm(b);
    (scale > 0.0).then(|| kernels::dot(a, b) / scale)
}

/// +1/n₁ on the group's chosen rows, −1/n₀ on the others'.
fn contrast(group: &[bool], chosen: impl Fn(usize) -> bool, what: &str) -> Result<Vec<f64>> {
    let count = |side: bool| (0..group.len()).filter(|&i| group[i] == side && chosen(i)).count();
    let (ones, zeros) = (count(true), count(false));
    if ones == 0 || zeros == 0 {
        return Err(unusable("group", &format!("one of the two groups has no {what}")));
    }
    let weight = |i: usize| match (chosen(i), group[i]) {
        (false, _) => 0.0,
        (true, true) => 1.0 / ones as f64,
        (true, false) => -1.0 / zeros as f64,
    };
    Ok((0..group.len()).map(weight).collect())
}

fn unusable(name: &str, reason: &str) -> unhat::Error {
    ErrorKind::Option { name: name.into(), reason: reason.into() }.into()
}

/// Rows moved against a binary linear model, x′ = x − γ·(wᵀx + b)/(wᵀw)·w: to the boundary at γ = 1, beyond it above.
///
/// For γ > 1 the margin m becomes (1 − γ)m, so that every decision of this very model flips: the accuracy on rows attacked
/// anew is exactly 1 − clean accuracy, whatever was trimmed.
///
/// # Errors
/// [`ErrorKind::Option`] for another model; [`ErrorKind::Numerical`] where w = 0.
pub fn attacked_features(network: &Network, features: &[f64], gamma: f64) -> Result<Vec<f64>> {
    if network.layers.len() != 1 || network.family != Family::Bernoulli {
        return Err(unusable("impact", "robustness is defined for logistic regression"));
    }
    let q = network.inputs();
    let weights = &network.layers[0].weights;
    let w = &weights[..q - 1];
    let squared = kernels::dot(w, w);
    if squared == 0.0 {
        return Err(
            ErrorKind::Numerical { reason: "all coefficients are 0: there is no boundary to move to".into() }.into()
        );
    }
    let mut moved = features.to_vec();
    for x in moved.chunks_exact_mut(q) {
        let step = gamma * kernels::dot(x, weights) / squared;
        x.iter_mut().zip(w).for_each(|(x, w)| *x -= step * w);
    }
    Ok(moved)
}
