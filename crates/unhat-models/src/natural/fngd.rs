//! Natural gradient with coefficients that are inverted in the first epoch and shared afterwards, and without sharing.
//!
//! epoch 1, per batch: c = (K + M·I)⁻¹1, kept by sample; later: c from the table; ΔW = Dᵀdiag(c)A; b ← μb + ΔW; W −= ηb

use super::{CoefficientTable, Damping, Share, natural_coefficients, network_kernel};
use crate::models::{
    Batch, Factors, LayerFactors, Network, Optimiser, each_layer, require_memory, require_same_network,
};
use unhat::{ErrorKind, Result};

/// Which gradients a coefficient weighs.
///
/// # Examples
/// ```
/// use unhat_models::natural::Scope;
/// assert_eq!("network".parse::<Scope>()?, Scope::Network);
/// assert_eq!(Scope::Layer.name(), "layer");
/// assert!("sample".parse::<Scope>().unwrap_err().to_string().contains("expected layer or network"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Each layer has its own kernel and coefficients.
    Layer,
    /// One kernel, the sum over the layers, and one coefficient a sample.
    Network,
}

impl Scope {
    /// The word used in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Layer => "layer",
            Scope::Network => "network",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = unhat::Error;

    fn from_str(text: &str) -> Result<Scope> {
        match text {
            "layer" => Ok(Scope::Layer),
            "network" => Ok(Scope::Network),
            _ => {
                let reason = format!("found \"{text}\", expected layer or network");
                Err(ErrorKind::Option { name: "scope".into(), reason }.into())
            }
        }
    }
}

/// When coefficients are computed.
///
/// # Examples
/// ```
/// use unhat_models::models::Optimiser;
/// use unhat_models::natural::{Fngd, FngdOptions, Refresh};
/// let rule = |refresh| Fngd::new(100, FngdOptions { refresh, ..FngdOptions::default() });
/// assert_eq!(rule(Refresh::EveryStep)?.name(), "ngd"); // nothing is shared: the natural gradient itself
/// assert_eq!(rule(Refresh::EveryEpochs(5))?.name(), "fngd");
/// assert!(rule(Refresh::EveryEpochs(0)).is_err());
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// In every step: the exact natural gradient of the batch.
    EveryStep,
    /// In the first epoch.
    FirstEpoch,
    /// In the first epoch and every so many after it.
    EveryEpochs(u32),
}

/// How weights decay.
///
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Network, Optimiser, Workspace};
/// use unhat_models::natural::{Decay, Fngd, FngdOptions};
/// // A weight of 1 whose gradient is 0, two steps with momentum 0.9 and η = 0.1: decay alone moves it.
/// let decayed = |decay: Decay| {
///     let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
///     network.set(&[1.0]);
///     let mut work = Workspace::default();
///     network.forward(&[1.0], &mut work);
///     let factors = network.backward(&[1.0], &mut work, |_, _, top| top[0] = 0.0);
///     let mut rule = Fngd::new(1, FngdOptions { decay, ..FngdOptions::default() })?;
///     for step in 0..2 {
///         rule.step(&mut network, &factors, &Batch { ids: &[0], epoch: 0, step, learning_rate: 0.1 })?;
///     }
///     Ok::<_, unhat::Error>(network.flatten()[0])
/// };
/// assert!((decayed(Decay::Decoupled(0.5))? - 0.95 * 0.95).abs() < 1e-15);
/// assert!((decayed(Decay::Coupled(0.5))? - 0.8575).abs() < 1e-15); // 0.95 − 0.1·(0.9·0.5 + 0.5·0.95)
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// The decay λ as part λθ of the direction, and of its momentum.
    Coupled(f64),
    /// The decay λ by which θ shrinks, ηλ a step, beside the direction.
    Decoupled(f64),
}

/// How [`Fngd`] steps.
///
/// # Examples
/// ```
/// use unhat_models::natural::{Damping, Fngd, FngdOptions, Scope};
/// let options = FngdOptions { scope: Scope::Network, damping: Damping::Relative(1.0), ..FngdOptions::default() };
/// assert!(Fngd::new(100, options).is_ok());
/// let error = Fngd::new(100, FngdOptions { momentum: 1.0, ..options }).unwrap_err(); // would never come to rest
/// assert!(error.to_string().starts_with("momentum: found 1"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FngdOptions {
    /// How coefficients are shared.
    pub share: Share,
    /// When they are computed.
    pub refresh: Refresh,
    /// Layer by layer or together.
    pub scope: Scope,
    /// The damping M of the kernel. Relative damping below 10 in the first epoch spoils larger networks.
    pub damping: Damping,
    /// The momentum μ of the directions.
    pub momentum: f64,
    /// The weight decay λ.
    pub decay: Decay,
    /// A control: shared coefficients are dealt out to other samples, drawn by this seed.
    pub permuted: Option<u64>,
    /// Whether fresh coefficients are computed in every step to be compared with the stored: a measurement, it costs as much
    /// as not sharing.
    pub compare: bool,
}

impl Default for FngdOptions {
    fn default() -> Self {
        FngdOptions {
            share: Share::ById,
            refresh: Refresh::FirstEpoch,
            scope: Scope::Layer,
            damping: Damping::Relative(10.0),
            momentum: 0.9,
            decay: Decay::Decoupled(0.0),
            permuted: None,
            compare: false,
        }
    }
}

/// Fast natural gradient descent after the paper, with its controls.
///
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Network, Optimiser, Workspace};
/// use unhat_models::natural::{Damping, Fngd, FngdOptions};
/// // The mean of y = 1, 2 from θ = 0: the gradients are −y.
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// let (features, y, mut work) = ([1.0; 2], [1.0, 2.0], Workspace::default());
/// network.forward(&features, &mut work);
/// let factors = network.backward(&features, &mut work, |i, z, top| top[0] = z[0] - y[i]);
/// let mut rule = Fngd::new(2, FngdOptions { damping: Damping::Absolute(0.5), ..FngdOptions::default() })?;
/// rule.step(&mut network, &factors, &Batch { ids: &[0, 1], epoch: 0, step: 0, learning_rate: 1.0 })?;
/// assert!((network.flatten()[0] - 0.5).abs() < 1e-15); // Σy/(Σy² + nλ)
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// OuZhuHuangLiu2024.
#[derive(Clone, Debug)]
pub struct Fngd {
    options: FngdOptions,
    samples: usize,
    tables: Vec<CoefficientTable>,
    permuted: Vec<CoefficientTable>,
    filled_in: Option<u32>,
    buffer: Vec<f64>,
    direction: Vec<f64>,
    correlations: Vec<(u32, f64, u32)>,
}

impl Fngd {
    /// For a training set of so many samples.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a momentum outside [0, 1), a decay below 0, or a refresh every 0 epochs.
    pub fn new(samples: usize, options: FngdOptions) -> Result<Fngd> {
        let refuse = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
        if !(0.0..1.0).contains(&options.momentum) {
            return refuse("momentum", format!("found {}, expected a number from 0 to below 1", options.momentum));
        }
        let (Decay::Coupled(decay) | Decay::Decoupled(decay)) = options.decay;
        if !(decay >= 0.0 && decay.is_finite()) {
            return refuse("weight decay", format!("found {decay}, expected a number not below 0"));
        }
        if options.refresh == Refresh::EveryEpochs(0) {
            return refuse("refresh", "found 0, expected at least 1 epoch".into());
        }
        Ok(Fngd {
            options,
            samples,
            tables: Vec::new(),
            permuted: Vec::new(),
            filled_in: None,
            buffer: Vec::new(),
            direction: Vec::new(),
            correlations: Vec::new(),
        })
    }

    /// Mean correlation of stored and fresh coefficients by epoch, where they were compared.
    pub fn correlations(&self) -> Vec<(u32, f64)> {
        self.correlations.iter().map(|&(epoch, sum, count)| (epoch, sum / f64::from(count))).collect()
    }

    fn is_fresh(&self, epoch: u32) -> bool {
        match self.options.refresh {
            Refresh::EveryStep => true,
            Refresh::FirstEpoch => epoch == 0,
            Refresh::EveryEpochs(k) => epoch.is_multiple_of(k),
        }
    }

    /// The coefficients of every group (layers, or the network as one) for this batch.
    fn coefficients(&mut self, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<Vec<Vec<f64>>> {
        let (fresh, groups) = (self.is_fresh(batch.epoch), self.groups(factors));
        let kernels = || match self.options.scope {
            Scope::Layer => factors.layers.iter().map(LayerFactors::kernel).collect::<Vec<_>>(),
            Scope::Network => vec![network_kernel(factors)],
        };
        let solved = || {
            kernels()
                .iter()
                .map(|kernel| natural_coefficients(kernel, self.options.damping, None))
                .collect::<Result<Vec<_>>>()
        };
        if self.options.refresh == Refresh::EveryStep {
            return solved();
        }
        if fresh {
            let c = solved()?;
            if self.tables.is_empty() {
                self.tables = vec![CoefficientTable::new(self.options.share, self.samples); groups];
            }
            if self.filled_in != Some(batch.epoch) {
                self.tables.iter_mut().for_each(CoefficientTable::clear);
                self.filled_in = Some(batch.epoch);
                self.permuted.clear();
            }
            for (table, c) in self.tables.iter_mut().zip(&c) {
                table.store(batch.ids, c)?;
            }
            return Ok(c);
        }
        if self.options.compare {
            let fresh = solved()?;
            let all: Vec<f64> =
                self.tables.iter().zip(&fresh).filter_map(|(table, c)| table.correlation(batch.ids, c)).collect();
            if !all.is_empty() {
                self.count_correlation(batch.epoch, all.iter().sum::<f64>() / all.len() as f64);
            }
        }
        if let Some(seed) = self.options.permuted
            && self.permuted.is_empty()
        {
            self.permuted = self.tables.iter().zip(0..).map(|(table, l)| table.permuted(seed, l)).collect();
        }
        let tables = if self.options.permuted.is_some() { &self.permuted } else { &self.tables };
        tables.iter().map(|table| table.shared(batch.ids)).collect()
    }

    fn groups(&self, factors: &Factors<'_>) -> usize {
        if self.options.scope == Scope::Layer { factors.layers.len() } else { 1 }
    }

    fn count_correlation(&mut self, epoch: u32, correlation: f64) {
        match self.correlations.last_mut().filter(|(e, ..)| *e == epoch) {
            Some((_, sum, count)) => (*sum, *count) = (*sum + correlation, *count + 1),
            None => self.correlations.push((epoch, correlation, 1)),
        }
    }
}

impl Optimiser for Fngd {
    fn name(&self) -> &'static str {
        if self.options.refresh == Refresh::EveryStep { "ngd" } else { "fngd" }
    }

    fn step(&mut self, network: &mut Network, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<()> {
        require_same_network(self.buffer.len(), network.parameters())?;
        let coefficients = self.coefficients(factors, batch)?;
        self.direction.resize(network.parameters(), 0.0);
        let mut rest = self.direction.as_mut_slice();
        for (l, layer) in factors.layers.iter().enumerate() {
            let (own, others) = rest.split_at_mut(layer.shape.parameters());
            layer.combination_into(Some(&coefficients[l.min(coefficients.len() - 1)]), 1.0, own);
            rest = others;
        }
        self.buffer.resize(network.parameters(), 0.0);
        let (momentum, rate) = (self.options.momentum, batch.learning_rate);
        let (coupled, decoupled) = match self.options.decay {
            Decay::Coupled(decay) => (decay, 0.0),
            Decay::Decoupled(decay) => (0.0, decay),
        };
        let (buffer, direction) = (&mut self.buffer, &self.direction);
        each_layer(network, |weights, range| {
            for ((weight, b), direction) in weights.iter_mut().zip(&mut buffer[range.clone()]).zip(&direction[range]) {
                *b = momentum * *b + direction + coupled * *weight;
                *weight -= rate * (*b + decoupled * *weight);
            }
        });
        Ok(())
    }

    fn memory(&self) -> Vec<f64> {
        let head = [self.tables.len() as f64, self.filled_in.map_or(-1.0, f64::from)];
        let tables = self.tables.iter().flat_map(CoefficientTable::memory);
        head.into_iter().chain(tables).chain(self.buffer.iter().copied()).collect()
    }

    fn recall(&mut self, memory: &[f64], parameters: usize) -> Result<()> {
        let count = memory.first().map_or(0, |count| *count as usize);
        let length = CoefficientTable::new(self.options.share, self.samples).memory_length();
        require_memory(memory, &[2 + count * length, 2 + count * length + parameters])?;
        self.filled_in = (memory[1] >= 0.0).then_some(memory[1] as u32);
        self.permuted.clear();
        self.tables = (0..count)
            .map(|k| {
                let mut table = CoefficientTable::new(self.options.share, self.samples);
                table.recall(&memory[2 + k * length..2 + (k + 1) * length]);
                table
            })
            .collect();
        self.buffer = memory[2 + count * length..].to_vec();
        Ok(())
    }
}
