//! Descent in the shared input metric of every layer, on top of AdamW or of Nesterov's rule.
//!
//! Named `fngd-metric`: it keeps the idea of inverting in the first epoch and sharing afterwards, and shares the second
//! moment of a layer's inputs instead of coefficients. A low-rank, one-sided relative of K-FAC and FOOF; not the paper's.

use super::{LayerMetric, MetricOptions, REFRESH_STEPS};
use crate::models::{AdamW, Batch, Factors, Network, Optimiser, Sgd, require_memory, require_same_network};
use unhat::Result;

/// The rule that takes the step.
///
/// # Examples
/// ```
/// use unhat_models::models::{AdamW, Momentum, Optimiser, Sgd};
/// use unhat_models::natural::{BaseRule, MetricControl, MetricOptions, MetricRefresh, SharedMetric};
/// for base in [BaseRule::AdamW(AdamW::new(0.01)?), BaseRule::Sgd(Sgd::new(0.9, Momentum::Nesterov, 0.0)?)] {
///     let rule = SharedMetric::new(base, MetricOptions::default(), MetricRefresh::FirstEpoch, MetricControl::None);
///     assert_eq!(rule.name(), "fngd-metric"); // on top of either
/// }
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum BaseRule {
    /// The learning rate of plain AdamW carries over: the metric's scale cancels.
    AdamW(AdamW),
    /// The direction is multiplied by the median layer's typical moment 1/s, so that the rate of plain descent carries over as
    /// a start, not as the best: by `examples/metric_rates.rs` (digits, three networks and scalings, median of three seeds,
    /// loss .03) the best rate is 4 times as large. At plain Nesterov's best rate it took 104, 92 and 60 iterations, plain
    /// Nesterov 108, 124 and 88; at four times that rate 40, 44 and 32.
    Sgd(Sgd),
}

/// When the metric is refreshed after the first epoch.
///
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Momentum, Network, Optimiser, Sgd, Workspace};
/// use unhat_models::natural::{BaseRule, MetricControl, MetricOptions, MetricRefresh, SharedMetric};
/// # let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// # let mut work = Workspace::default();
/// # network.forward(&[1.0], &mut work);
/// # let factors = network.backward(&[1.0], &mut work, |_, z, top| top[0] = z[0] - 1.0);
/// let mut layers_with_a_metric = |refresh| {
///     let base = BaseRule::Sgd(Sgd::new(0.0, Momentum::HeavyBall, 0.0)?);
///     let mut rule = SharedMetric::new(base, MetricOptions::default(), refresh, MetricControl::None);
///     rule.step(&mut network, &factors, &Batch { ids: &[0], epoch: 3, step: 40, learning_rate: 0.1 })?;
///     Ok::<_, unhat::Error>(rule.memory()[0])
/// };
/// // A rule that begins in a later epoch: only the one that refreshes there has a metric.
/// assert_eq!(layers_with_a_metric(MetricRefresh::FirstEpoch)?, 0.0);
/// assert_eq!(layers_with_a_metric(MetricRefresh::EverySteps(20))?, 1.0);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricRefresh {
    /// Not any more.
    FirstEpoch,
    /// Every so many steps as well.
    EverySteps(u64),
}

/// A control in place of the metric.
///
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Momentum, Network, Optimiser, Sgd, Workspace};
/// use unhat_models::natural::{BaseRule, MetricControl, MetricOptions, MetricRefresh, SharedMetric};
/// // With one input there is nothing to permute or to turn: every control takes the step of the metric.
/// for control in [MetricControl::None, MetricControl::Permuted, MetricControl::RandomDirections] {
///     let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
///     let mut work = Workspace::default();
///     network.forward(&[1.0], &mut work);
///     let factors = network.backward(&[1.0], &mut work, |_, z, top| top[0] = z[0] - 3.0);
///     let base = BaseRule::Sgd(Sgd::new(0.0, Momentum::HeavyBall, 0.0)?);
///     let mut rule = SharedMetric::new(base, MetricOptions::default(), MetricRefresh::FirstEpoch, control);
///     rule.step(&mut network, &factors, &Batch { ids: &[0], epoch: 0, step: 0, learning_rate: 0.1 })?;
///     assert!((network.flatten()[0] - 0.3).abs() < 1e-14);
/// }
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricControl {
    /// The metric itself.
    None,
    /// With the layer's inputs permuted.
    Permuted,
    /// The same spectrum along random directions.
    RandomDirections,
}

/// Descent in the shared input metric.
///
/// # Examples
/// ```
/// use unhat_models::models::{Activation, Batch, Family, Momentum, Network, Optimiser, Sgd, Workspace};
/// use unhat_models::natural::{BaseRule, MetricControl, MetricOptions, MetricRefresh, SharedMetric};
/// // One row with the inputs 2 and 1: ḡ = −5·(2, 1), an eigenvector of S with the eigenvalue 5; λ = tr(S)/2.
/// let mut network = Network::zeros(2, &[], Activation::Relu, Family::Gaussian);
/// let mut work = Workspace::default();
/// network.forward(&[2.0, 1.0], &mut work);
/// let factors = network.backward(&[2.0, 1.0], &mut work, |_, z, top| top[0] = z[0] - 5.0);
/// let base = BaseRule::Sgd(Sgd::new(0.0, Momentum::HeavyBall, 0.0)?);
/// let mut rule = SharedMetric::new(base, MetricOptions::default(), MetricRefresh::FirstEpoch, MetricControl::None);
/// rule.step(&mut network, &factors, &Batch { ids: &[0], epoch: 0, step: 0, learning_rate: 0.3 })?;
/// // −0.3·ḡ/(5 + 2.5), times the typical moment 2·5/2
/// assert!((network.flatten()[0] - 2.0).abs() < 1e-14 && (network.flatten()[1] - 1.0).abs() < 1e-14);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedMetric {
    base: BaseRule,
    options: MetricOptions,
    refresh: MetricRefresh,
    control: MetricControl,
    metrics: Vec<LayerMetric>,
    used: Vec<LayerMetric>,
    gradient: Vec<f64>,
}

impl SharedMetric {
    /// With a base rule.
    pub fn new(base: BaseRule, options: MetricOptions, refresh: MetricRefresh, control: MetricControl) -> SharedMetric {
        SharedMetric { base, options, refresh, control, metrics: Vec::new(), used: Vec::new(), gradient: Vec::new() }
    }

    fn is_due(&self, batch: &Batch<'_>) -> bool {
        let early = batch.epoch == 0 && REFRESH_STEPS.contains(&batch.step);
        early || matches!(self.refresh, MetricRefresh::EverySteps(k) if k > 0 && batch.step.is_multiple_of(k))
    }

    fn refresh(&mut self, factors: &Factors<'_>) {
        if self.metrics.is_empty() {
            let shapes = factors.layers.iter().map(|l| l.shape.inputs).enumerate();
            self.metrics = shapes.map(|(l, d)| LayerMetric::new(d, l, self.options)).collect();
        }
        for (metric, layer) in self.metrics.iter_mut().zip(&factors.layers) {
            metric.refresh(layer.inputs);
        }
        self.set_used();
    }

    fn set_used(&mut self) {
        let control = |metric: &LayerMetric| match self.control {
            MetricControl::None => metric.clone(),
            MetricControl::Permuted => metric.permuted(),
            MetricControl::RandomDirections => metric.along_random_directions(),
        };
        self.used = self.metrics.iter().map(control).collect();
    }

    fn median_moment(&self) -> f64 {
        let mut moments: Vec<f64> = self.metrics.iter().map(LayerMetric::typical_moment).collect();
        moments.sort_by(f64::total_cmp);
        moments.get(moments.len() / 2).copied().unwrap_or(1.0)
    }
}

impl Optimiser for SharedMetric {
    fn name(&self) -> &'static str {
        "fngd-metric"
    }

    fn step(&mut self, network: &mut Network, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<()> {
        require_same_network(self.gradient.len(), network.parameters())?;
        if self.is_due(batch) {
            self.refresh(factors);
        }
        let mut gradient = std::mem::take(&mut self.gradient);
        gradient.resize(network.parameters(), 0.0);
        let mut rest = gradient.as_mut_slice();
        for (l, layer) in factors.layers.iter().enumerate() {
            let (own, others) = rest.split_at_mut(layer.shape.parameters());
            let scale = self.used.get(l).map_or(1.0, LayerMetric::scale);
            layer.combination_into(None, scale / batch.ids.len() as f64, own);
            if let Some(metric) = self.used.get(l) {
                metric.apply_to_scaled(own);
            }
            rest = others;
        }
        let moment = self.median_moment();
        match &mut self.base {
            BaseRule::AdamW(rule) => rule.apply(network, &gradient, batch.learning_rate),
            BaseRule::Sgd(rule) => {
                gradient.iter_mut().for_each(|g| *g *= moment);
                rule.apply(network, &gradient, batch.learning_rate);
            }
        }
        self.gradient = gradient;
        Ok(())
    }

    fn memory(&self) -> Vec<f64> {
        let metrics = self.metrics.iter().flat_map(LayerMetric::memory);
        let base = match &self.base {
            BaseRule::AdamW(rule) => rule.memory(),
            BaseRule::Sgd(rule) => rule.memory(),
        };
        let inputs = self.metrics.iter().map(|m| m.inputs() as f64);
        [self.metrics.len() as f64].into_iter().chain(inputs).chain(metrics).chain(base).collect()
    }

    fn recall(&mut self, memory: &[f64], parameters: usize) -> Result<()> {
        let count = memory.first().map_or(0, |count| *count as usize);
        let foreign = || require_memory(&[], &[1 + parameters]);
        let Some(inputs) = memory.get(1..1 + count) else { return foreign() };
        let mut at = 1 + count;
        let mut metrics = Vec::new();
        for (l, &d) in inputs.iter().enumerate() {
            let mut metric = LayerMetric::new(d as usize, l, self.options);
            let Some(length) = memory.get(at..).and_then(|rest| metric.recall(rest)) else { return foreign() };
            at += length;
            metrics.push(metric);
        }
        match &mut self.base {
            BaseRule::AdamW(rule) => rule.recall(&memory[at..], parameters)?,
            BaseRule::Sgd(rule) => rule.recall(&memory[at..], parameters)?,
        }
        self.metrics = metrics;
        self.set_used();
        Ok(())
    }
}
