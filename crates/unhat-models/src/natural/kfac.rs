//! K-FAC: each layer's Fisher matrix as a Kronecker product of a moment of its inputs and one of its output gradients.
//!
//! F_l ≈ A⊗D,  A = E[aaᵀ] (the bias's one included),  D = E[ddᵀ],  Δ = (D + √λ/π·I)⁻¹ ḡ (A + π√λ·I)⁻¹
//!
//! Means over the rows of a batch, and running over batches: ḡ is the gradient of the mean loss, F that of one row's loss.

use super::{Damping, Decay};
use crate::models::{Batch, Factors, LayerShape, Network, Optimiser, Workspace, mean_gradient_into, require_memory};
use unhat::kernels;
use unhat::random::uniform_rows_into;
use unhat::{ErrorKind, Result};

/// The random stream of the signs; the step is added.
const SIGNS_STREAM: u64 = 3 << 40;

/// Which Fisher matrix the output gradients are those of.
///
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Network, Optimiser, Workspace};
/// use unhat_models::natural::{Fisher, Kfac, KfacOptions};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// let (features, y, mut work) = ([1.0; 2], [1.0, 2.0], Workspace::default());
/// network.forward(&features, &mut work);
/// let factors = network.backward(&features, &mut work, |i, z, top| top[0] = z[0] - y[i]);
/// let mut second_moment = |fisher| {
///     let mut rule = Kfac::new(KfacOptions { fisher, ..KfacOptions::default() })?;
///     rule.step(&mut network, &factors, &Batch { ids: &[0, 1], epoch: 0, step: 0, learning_rate: 0.0 })?;
///     Ok::<_, unhat::Error>(rule.factors(0).map(|(_, d)| d[0]))
/// };
/// assert_eq!(second_moment(Fisher::Model { seed: 0 })?, Some(1.0)); // ∂²ℓ/∂z², whatever the answers
/// assert_eq!(second_moment(Fisher::Empirical)?, Some(2.5)); // the mean of 1² and 2²
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fisher {
    /// The model's: E over its own answers, `D = E[JᵀHJ]` with `H = ∂²ℓ/∂z²`, drawn as `d = Jᵀ Σ_c ±s_c` with `H = Σ_c s_c s_cᵀ`
    /// and random signs; for an extra pass forward and back on the steps that update factors.
    Model {
        /// The seed of the signs.
        seed: u64,
    },
    /// The empirical one: the gradients at the labels, which are there anyway. It fades as the labels are learned.
    Empirical,
}

/// How [`Kfac`] steps.
///
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Network, Optimiser, Workspace};
/// use unhat_models::natural::{Damping, Kfac, KfacOptions};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// let (features, y, mut work) = ([1.0; 2], [1.0, 2.0], Workspace::default());
/// network.forward(&features, &mut work);
/// let factors = network.backward(&features, &mut work, |i, z, top| top[0] = z[0] - y[i]);
/// let options = KfacOptions { damping: Damping::Absolute(1.0), trust: Some(0.140_625), ..KfacOptions::default() };
/// Kfac::new(options)?.step(&mut network, &factors, &Batch { ids: &[0, 1], epoch: 0, step: 0, learning_rate: 1.0 })?;
/// // ḡ = −1.5 and Δ = ḡ/4, so Δᵀḡ = 4κ: half the step is trusted.
/// assert!((network.flatten()[0] - 0.1875).abs() < 1e-15);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KfacOptions {
    /// The model's or the empirical one.
    pub fisher: Fisher,
    /// Steps from one update of the factors to the next. Any claim about the cost of K-FAC has to name this and the next.
    pub factor_every: u64,
    /// Steps from one inversion to the next.
    pub inverse_every: u64,
    /// The damping: λ itself, or by α as λ = α·(tr A/d_in)·(tr D/d_out) in each layer.
    pub damping: Damping,
    /// The largest weight ρ of the past in the running factors.
    pub memory: f64,
    /// The momentum μ of the directions.
    pub momentum: f64,
    /// How weights decay.
    pub decay: Decay,
    /// The trust κ: the step is shortened until η²Δᵀḡ ≤ κ, about twice the change of the predictions in nats.
    pub trust: Option<f64>,
}

impl Default for KfacOptions {
    fn default() -> Self {
        KfacOptions {
            fisher: Fisher::Model { seed: 0 },
            factor_every: 10,
            inverse_every: 10,
            damping: Damping::Absolute(1e-2),
            memory: 0.95,
            momentum: 0.9,
            decay: Decay::Decoupled(0.0),
            trust: None,
        }
    }
}

/// The factors of one layer and their damped inverses, full matrices.
#[derive(Clone, Debug, PartialEq)]
struct Curvature {
    shape: LayerShape,
    inputs: Vec<f64>,
    outputs: Vec<f64>,
    /// Empty before the first inversion, and where the layer had no curvature: it then waits.
    inverse_inputs: Vec<f64>,
    inverse_outputs: Vec<f64>,
}

/// Kronecker-factored natural gradient descent with momentum.
///
/// # Cost
/// Factors: rows·(d_in² + d_out²) flops a layer; inverses: d_in³ + d_out³; every step: 2d_in·d_out(d_in + d_out).
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Network, Optimiser, Workspace};
/// use unhat_models::natural::{Damping, Kfac, KfacOptions};
/// // The mean of y = 1, 2 from θ = 0: A = D = 1 and ḡ = −1.5.
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// let (features, y, mut work) = ([1.0; 2], [1.0, 2.0], Workspace::default());
/// network.forward(&features, &mut work);
/// let factors = network.backward(&features, &mut work, |i, z, top| top[0] = z[0] - y[i]);
/// let mut rule = Kfac::new(KfacOptions { damping: Damping::Absolute(1.0), ..KfacOptions::default() })?;
/// rule.step(&mut network, &factors, &Batch { ids: &[0, 1], epoch: 0, step: 0, learning_rate: 1.0 })?;
/// assert_eq!(rule.factors(0), Some((&[1.0][..], &[1.0][..])));
/// assert!((network.flatten()[0] - 0.375).abs() < 1e-15); // −(D + 1)⁻¹ ḡ (A + 1)⁻¹
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// MartensGrosse2015; BaGrosseMartens2017 for κ.
#[derive(Debug)]
pub struct Kfac {
    options: KfacOptions,
    updates: u32,
    layers: Vec<Curvature>,
    buffer: Vec<f64>,
    gradient: Vec<f64>,
    work: Workspace,
}

impl Kfac {
    /// Before the first step.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for an interval of 0 steps, a damping or trust that is not positive, a momentum or memory
    /// outside [0, 1), or a decay below 0.
    pub fn new(options: KfacOptions) -> Result<Kfac> {
        let refuse = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
        for (name, steps) in [("factor_every", options.factor_every), ("inverse_every", options.inverse_every)] {
            if steps == 0 {
                return refuse(name, "found 0, expected at least 1 step".into());
            }
        }
        let (Damping::Absolute(damping) | Damping::Relative(damping)) = options.damping;
        for (name, value) in [("damping", damping), ("trust", options.trust.unwrap_or(1.0))] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(name, format!("found {value}, expected a positive number"));
            }
        }
        for (name, share) in [("momentum", options.momentum), ("memory", options.memory)] {
            if !(0.0..1.0).contains(&share) {
                return refuse(name, format!("found {share}, expected a number from 0 to below 1"));
            }
        }
        let (Decay::Coupled(decay) | Decay::Decoupled(decay)) = options.decay;
        if !(decay >= 0.0 && decay.is_finite()) {
            return refuse("weight decay", format!("found {decay}, expected a number not below 0"));
        }
        Ok(Kfac {
            options,
            updates: 0,
            layers: Vec::new(),
            buffer: Vec::new(),
            gradient: Vec::new(),
            work: Workspace::default(),
        })
    }

    /// The running A (d_in×d_in) and D (d_out×d_out) of a layer.
    pub fn factors(&self, layer: usize) -> Option<(&[f64], &[f64])> {
        self.layers.get(layer).map(|l| (l.inputs.as_slice(), l.outputs.as_slice()))
    }

    fn update_factors(&mut self, network: &Network, factors: &Factors<'_>, step: u64) {
        if self.layers.is_empty() {
            self.layers = factors.layers.iter().map(|layer| Curvature::new(layer.shape)).collect();
        }
        self.updates += 1;
        let past = self.options.memory.min(1.0 - 1.0 / f64::from(self.updates));
        let mut add = |factors: &Factors<'_>| {
            for (own, layer) in self.layers.iter_mut().zip(&factors.layers) {
                average_moment(&mut own.inputs, layer.inputs, layer.shape.inputs, past);
                average_moment(&mut own.outputs, layer.gradients, layer.shape.outputs, past);
            }
        };
        match self.options.fisher {
            Fisher::Empirical => add(factors),
            Fisher::Model { seed } => {
                let features = factors.layers[0].inputs;
                network.forward(features, &mut self.work);
                add(&network.backward(features, &mut self.work, signed_roots(network, seed, step)));
            }
        }
    }

    /// Δ in place of ḡ, and Δᵀḡ.
    fn precondition(&mut self) -> f64 {
        let mut decrement = 0.0;
        let mut rest = self.gradient.as_mut_slice();
        for layer in &self.layers {
            let (own, others) = rest.split_at_mut(layer.shape.parameters());
            decrement += layer.apply(own);
            rest = others;
        }
        decrement
    }
}

impl Curvature {
    fn new(shape: LayerShape) -> Curvature {
        let (inputs, outputs) = (vec![0.0; shape.inputs.pow(2)], vec![0.0; shape.outputs.pow(2)]);
        Curvature { shape, inputs, outputs, inverse_inputs: Vec::new(), inverse_outputs: Vec::new() }
    }

    /// (A + π√λ·I)⁻¹ and (D + √λ/π·I)⁻¹ with π² = (tr A/d_in)/(tr D/d_out), which splits λ as the factors' sizes are split.
    fn invert(&mut self, damping: Damping) -> std::result::Result<(), &'static str> {
        let LayerShape { inputs, outputs } = self.shape;
        let (mean_a, mean_d) = (mean_diagonal(&self.inputs, inputs), mean_diagonal(&self.outputs, outputs));
        if !(mean_a.is_finite() && mean_d.is_finite()) {
            return Err("are not finite");
        }
        if mean_a * mean_d == 0.0 {
            (self.inverse_inputs, self.inverse_outputs) = (Vec::new(), Vec::new());
            return Ok(());
        }
        let root = match damping {
            Damping::Absolute(lambda) => lambda.sqrt(),
            Damping::Relative(alpha) => (alpha * mean_a * mean_d).sqrt(),
        };
        let pi = (mean_a / mean_d).sqrt();
        let singular = "are singular to rounding: raise the damping";
        self.inverse_inputs = damped_inverse(&self.inputs, inputs, pi * root).ok_or(singular)?;
        self.inverse_outputs = damped_inverse(&self.outputs, outputs, root / pi).ok_or(singular)?;
        Ok(())
    }

    /// Replaces g (d_out×d_in, row-major) by its natural direction, and returns their inner product.
    fn apply(&self, gradient: &mut [f64]) -> f64 {
        if self.inverse_inputs.is_empty() {
            gradient.fill(0.0);
            return 0.0;
        }
        let LayerShape { inputs, outputs } = self.shape;
        let (mut left, mut both) = (vec![0.0; gradient.len()], vec![0.0; gradient.len()]);
        kernels::product_into(gradient, &self.inverse_outputs, inputs, outputs, outputs, &mut left);
        kernels::rows_times_symmetric(&left, inputs, &self.inverse_inputs, &mut both);
        let decrement = kernels::dot(gradient, &both);
        gradient.copy_from_slice(&both);
        decrement
    }
}

impl Optimiser for Kfac {
    fn name(&self) -> &'static str {
        "kfac"
    }

    fn step(&mut self, network: &mut Network, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<()> {
        if self.layers.is_empty() || is_due(batch.step, self.options.factor_every) {
            self.update_factors(network, factors, batch.step);
        }
        let none = self.layers.iter().all(|layer| layer.inverse_inputs.is_empty());
        if none || is_due(batch.step, self.options.inverse_every) {
            for (l, layer) in self.layers.iter_mut().enumerate() {
                layer.invert(self.options.damping).map_err(|what| {
                    let reason = format!("step {}: the Kronecker factors of layer {} {what}", batch.step + 1, l + 1);
                    unhat::Error::from(ErrorKind::Numerical { reason })
                })?;
            }
        }
        mean_gradient_into(factors, batch.ids.len(), &mut self.gradient, network.parameters());
        let decrement = self.precondition();
        let rate = batch.learning_rate;
        let shortened = match self.options.trust {
            Some(trust) if rate * rate * decrement > trust => (trust / decrement).sqrt() / rate,
            _ => 1.0,
        };
        let (coupled, decoupled) = match self.options.decay {
            Decay::Coupled(decay) => (decay, 0.0),
            Decay::Decoupled(decay) => (0.0, decay),
        };
        self.buffer.resize(network.parameters(), 0.0);
        let weights = network.layers.iter_mut().flat_map(|layer| &mut layer.weights);
        for ((weight, b), direction) in weights.zip(&mut self.buffer).zip(&self.gradient) {
            *b = self.options.momentum * *b + shortened * direction + coupled * *weight;
            *weight -= rate * (*b + decoupled * *weight);
        }
        Ok(())
    }

    fn memory(&self) -> Vec<f64> {
        let mut memory = vec![f64::from(self.updates), self.layers.len() as f64];
        for layer in &self.layers {
            let inverted = f64::from(u8::from(!layer.inverse_inputs.is_empty()));
            memory.extend([layer.shape.inputs as f64, layer.shape.outputs as f64, inverted]);
            [&layer.inputs, &layer.outputs, &layer.inverse_inputs, &layer.inverse_outputs]
                .iter()
                .for_each(|matrix| memory.extend_from_slice(matrix));
        }
        memory.extend_from_slice(&self.buffer);
        memory
    }

    fn recall(&mut self, memory: &[f64], parameters: usize) -> Result<()> {
        let foreign = || require_memory(&[], &[2 + parameters]);
        let &[updates, count, ref rest @ ..] = memory else { return foreign() };
        let (mut rest, mut layers) = (rest, Vec::new());
        for _ in 0..count as usize {
            let &[inputs, outputs, inverted, ref numbers @ ..] = rest else { return foreign() };
            let shape = LayerShape { inputs: inputs as usize, outputs: outputs as usize };
            if shape.inputs.max(shape.outputs) > parameters {
                return foreign(); // no layer of this network, and its square need not be a number of values
            }
            let mut layer = Curvature::new(shape);
            let inverses = if inverted == 1.0 { 1 } else { 0 };
            let (a, d) = (shape.inputs.pow(2), shape.outputs.pow(2));
            rest = numbers;
            for (matrix, length) in [
                (&mut layer.inputs, a),
                (&mut layer.outputs, d),
                (&mut layer.inverse_inputs, inverses * a),
                (&mut layer.inverse_outputs, inverses * d),
            ] {
                let Some((own, others)) = rest.split_at_checked(length) else { return foreign() };
                *matrix = own.to_vec();
                rest = others;
            }
            layers.push(layer);
        }
        let of_layers: usize = layers.iter().map(|layer| layer.shape.parameters()).sum();
        if !(layers.is_empty() || of_layers == parameters) {
            return foreign();
        }
        require_memory(rest, &[0, parameters])?;
        (self.updates, self.layers, self.buffer) = (updates as u32, layers, rest.to_vec());
        Ok(())
    }
}

/// Every so many steps, and at doubling gaps before the first of them: the first factors age quickly.
fn is_due(step: u64, every: u64) -> bool {
    step.is_multiple_of(every) || (step < every && step.is_power_of_two())
}

/// The top of a backward pass whose outer products have the mean ∂²ℓ/∂z²: the columns of its root under random signs.
fn signed_roots(network: &Network, seed: u64, step: u64) -> impl FnMut(usize, &[f64], &mut [f64]) {
    let (family, columns) = (network.family, network.family.outputs());
    let (mut signs, mut root) = (vec![0.0; columns], vec![0.0; columns]);
    move |row, z, top| {
        uniform_rows_into(seed, SIGNS_STREAM + step, row * columns, &mut signs);
        top.fill(0.0);
        for (c, sign) in signs.iter().enumerate() {
            family.curvature_root_into(z, c, &mut root);
            let sign = if *sign < 0.5 { -1.0 } else { 1.0 };
            top.iter_mut().zip(&root).for_each(|(t, s)| *t += sign * s);
        }
    }
}

/// M ← past·M + (1 − past)·RᵀR/rows, full.
fn average_moment(moment: &mut [f64], rows: &[f64], d: usize, past: f64) {
    let share = (1.0 - past) / (rows.len() / d) as f64;
    moment.iter_mut().for_each(|m| *m *= past);
    kernels::add_product_with_transpose(rows, rows, d, d, share, moment);
}

fn mean_diagonal(m: &[f64], d: usize) -> f64 {
    (0..d).map(|j| m[j * (d + 1)]).sum::<f64>() / d as f64
}

fn damped_inverse(m: &[f64], d: usize, damping: f64) -> Option<Vec<f64>> {
    let mut damped = m.to_vec();
    (0..d).for_each(|j| damped[j * (d + 1)] += damping);
    kernels::cholesky_in_place(&mut damped, d).then(|| kernels::cholesky_inverse(&damped, d))
}
