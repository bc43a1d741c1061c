//! Steps of training: what an optimiser is given, momentum, Nesterov and Adam.

use super::{Factors, Network};
use std::ops::Range;
use unhat::kernels;
use unhat::{ErrorKind, Result};

/// Which rows a step is about, and when it is taken.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The rows, in the order of the factors.
    pub ids: &'a [usize],
    /// How often all rows have been seen, from 0.
    pub epoch: u32,
    /// Steps taken before.
    pub step: u64,
    /// The learning rate of this step; it refers to the mean loss of the batch.
    pub learning_rate: f64,
}

/// A rule that changes the weights after each batch.
///
/// It is given every row's gradient, as layer factors, not the sum alone: a natural gradient weights the rows.
pub trait Optimiser {
    /// The word used in results.
    fn name(&self) -> &'static str;

    /// One step. The factors are those of the sum of the losses of the batch: the mean gradient is their sum over
    /// `batch.ids.len()`.
    ///
    /// # Errors
    /// [`ErrorKind::Numerical`] where the rule itself breaks down.
    fn step(&mut self, network: &mut Network, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<()>;

    /// All that the rule remembers between steps: with the weights and the step number, a training goes on from here to the
    /// same bits.
    fn memory(&self) -> Vec<f64>;

    /// Puts a memory back.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for the memory of another rule or network.
    fn recall(&mut self, memory: &[f64], parameters: usize) -> Result<()>;
}

/// ḡ, the mean gradient of a batch.
pub(crate) fn mean_gradient_into(factors: &Factors<'_>, rows: usize, gradient: &mut Vec<f64>, parameters: usize) {
    gradient.resize(parameters, 0.0);
    let mut rest = gradient.as_mut_slice();
    for layer in &factors.layers {
        let (own, others) = rest.split_at_mut(layer.shape.parameters());
        layer.combination_into(None, 1.0 / rows as f64, own);
        rest = others;
    }
}

/// Calls `f` for every layer with its weights and their places in [`Network::flatten`]; loops in it are vectorised.
pub(crate) fn each_layer(network: &mut Network, mut f: impl FnMut(&mut [f64], Range<usize>)) {
    let mut at = 0;
    for layer in &mut network.layers {
        let range = at..at + layer.weights.len();
        at = range.end;
        kernels::vectorised(|| f(&mut layer.weights, range));
    }
}

/// How the last directions take part in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Momentum {
    /// θ −= η·b.
    HeavyBall,
    /// θ −= η·(g + μb).
    Nesterov,
}

/// Stochastic gradient descent with momentum: g = ḡ + λθ, b ← μb + g; λ is the coupled weight decay, M/n of a penalty M on
/// the sum of the losses.
///
/// # References
/// SutskeverMartensDahlHinton2013.
#[derive(Clone, Debug)]
pub struct Sgd {
    momentum: f64,
    kind: Momentum,
    weight_decay: f64,
    buffer: Vec<f64>,
    gradient: Vec<f64>,
}

impl Sgd {
    /// With momentum μ (0: none) and weight decay λ.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a momentum outside [0, 1) or a negative decay.
    pub fn new(momentum: f64, kind: Momentum, weight_decay: f64) -> Result<Sgd> {
        require_share("momentum", momentum)?;
        require_decay(weight_decay)?;
        Ok(Sgd { momentum, kind, weight_decay, buffer: Vec::new(), gradient: Vec::new() })
    }

    /// One step along a given direction in place of the mean gradient.
    pub fn apply(&mut self, network: &mut Network, gradient: &[f64], learning_rate: f64) {
        self.buffer.resize(gradient.len(), 0.0);
        let Sgd { momentum, kind, weight_decay, buffer, .. } = self;
        let (momentum, weight_decay) = (*momentum, *weight_decay);
        // g's own share of the step, and the buffer's
        let (own, past) = match kind {
            Momentum::HeavyBall => (0.0, 1.0),
            Momentum::Nesterov => (1.0, momentum),
        };
        each_layer(network, |weights, range| {
            for ((weight, b), g) in weights.iter_mut().zip(&mut buffer[range.clone()]).zip(&gradient[range]) {
                let g = g + weight_decay * *weight;
                *b = momentum * *b + g;
                *weight -= learning_rate * (own * g + past * *b);
            }
        });
    }
}

impl Optimiser for Sgd {
    fn name(&self) -> &'static str {
        match self.kind {
            Momentum::HeavyBall => "sgd",
            Momentum::Nesterov => "nesterov",
        }
    }

    fn step(&mut self, network: &mut Network, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<()> {
        require_same_network(self.gradient.len(), network.parameters())?;
        let mut gradient = std::mem::take(&mut self.gradient);
        mean_gradient_into(factors, batch.ids.len(), &mut gradient, network.parameters());
        self.apply(network, &gradient, batch.learning_rate);
        self.gradient = gradient;
        Ok(())
    }

    fn memory(&self) -> Vec<f64> {
        self.buffer.clone()
    }

    fn recall(&mut self, memory: &[f64], parameters: usize) -> Result<()> {
        require_memory(memory, &[0, parameters])?;
        self.buffer = memory.to_vec();
        Ok(())
    }
}

/// Decay of Adam's mean of gradients.
const FIRST_DECAY: f64 = 0.9;
/// Decay of Adam's mean of squared gradients.
const SECOND_DECAY: f64 = 0.999;
/// Keeps Adam from dividing by 0 where a gradient has always been 0.
const DENOMINATOR_FLOOR: f64 = 1e-8;

/// Adam with decoupled weight decay: m ← β₁m + (1−β₁)ḡ, v ← β₂v + (1−β₂)ḡ², θ ← θ − η(m̂/(√v̂ + ε) + λθ), with the
/// authors' β₁ = .9, β₂ = .999, ε = 10⁻⁸.
///
/// # References
/// KingmaBa2015; LoshchilovHutter2019.
#[derive(Clone, Debug)]
pub struct AdamW {
    weight_decay: f64,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: u64,
    gradient: Vec<f64>,
}

impl AdamW {
    /// With weight decay λ; 0 is Adam.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a negative decay.
    pub fn new(weight_decay: f64) -> Result<AdamW> {
        require_decay(weight_decay)?;
        Ok(AdamW { weight_decay, first: Vec::new(), second: Vec::new(), steps: 0, gradient: Vec::new() })
    }

    /// One step along a given direction in place of the mean gradient.
    pub fn apply(&mut self, network: &mut Network, gradient: &[f64], learning_rate: f64) {
        self.first.resize(gradient.len(), 0.0);
        self.second.resize(gradient.len(), 0.0);
        self.steps += 1;
        let steps = self.steps.min(i32::MAX as u64) as i32;
        let bias = |decay: f64| 1.0 - decay.powi(steps);
        let (first_share, second_share) = (1.0 / bias(FIRST_DECAY), 1.0 / bias(SECOND_DECAY).sqrt());
        let AdamW { weight_decay, first, second, .. } = self;
        let weight_decay = *weight_decay;
        each_layer(network, |weights, range| {
            let moments = first[range.clone()].iter_mut().zip(&mut second[range.clone()]);
            for ((weight, (m, v)), g) in weights.iter_mut().zip(moments).zip(&gradient[range]) {
                *m = FIRST_DECAY * *m + (1.0 - FIRST_DECAY) * g;
                *v = SECOND_DECAY * *v + (1.0 - SECOND_DECAY) * g * g;
                let direction = first_share * *m / (second_share * v.sqrt() + DENOMINATOR_FLOOR);
                *weight -= learning_rate * (direction + weight_decay * *weight);
            }
        });
    }
}

impl Optimiser for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn step(&mut self, network: &mut Network, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<()> {
        require_same_network(self.gradient.len(), network.parameters())?;
        let mut gradient = std::mem::take(&mut self.gradient);
        mean_gradient_into(factors, batch.ids.len(), &mut gradient, network.parameters());
        self.apply(network, &gradient, batch.learning_rate);
        self.gradient = gradient;
        Ok(())
    }

    fn memory(&self) -> Vec<f64> {
        [&[self.steps as f64], &self.first[..], &self.second].concat()
    }

    fn recall(&mut self, memory: &[f64], parameters: usize) -> Result<()> {
        require_memory(memory, &[1, 1 + 2 * parameters])?;
        let (first, second) = memory[1..].split_at((memory.len() - 1) / 2);
        (self.first, self.second, self.steps) = (first.to_vec(), second.to_vec(), memory[0] as u64);
        Ok(())
    }
}

pub(crate) fn require_memory(memory: &[f64], lengths: &[usize]) -> Result<()> {
    match lengths.contains(&memory.len()) {
        true => Ok(()),
        false => {
            let expected = format!("{} values", lengths[lengths.len() - 1]);
            Err(super::frame::shape("memory of the optimiser", &expected, format!("{} values", memory.len())))
        }
    }
}

/// A rule remembers a network of so many weights, or none yet (0); a step is for one of `parameters`.
pub(crate) fn require_same_network(remembered: usize, parameters: usize) -> Result<()> {
    match remembered == 0 || remembered == parameters {
        true => Ok(()),
        false => {
            let expected = format!("{remembered} weights as in the steps before");
            Err(super::frame::shape("network of the optimiser", &expected, format!("{parameters} weights")))
        }
    }
}

fn require_share(name: &str, value: f64) -> Result<()> {
    match (0.0..1.0).contains(&value) {
        true => Ok(()),
        false => Err(option(name, format!("found {value}, expected a number from 0 to below 1"))),
    }
}

fn require_decay(value: f64) -> Result<()> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(option("weight decay", format!("found {value}, expected a number not below 0"))),
    }
}

pub(super) fn option(name: &str, reason: String) -> unhat::Error {
    ErrorKind::Option { name: name.to_string(), reason }.into()
}
