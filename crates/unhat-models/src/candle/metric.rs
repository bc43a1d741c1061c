//! `fngd-metric` for candle: descent in the shared input metric of every watched layer.
//!
//! g ← s·(g + (gU)Wᵀ) on the weights [W | b] of a layer, then the base rule; other variables go to the base rule as they are

use super::base::{Base, BaseState, finite_gradients, required};
use super::layers::{Keep, Watched, require_trained, unwatched};
use super::refused;
use crate::natural::{LayerMetric, MetricOperator, MetricOptions, MetricRefresh, REFRESH_STEPS};
use candle_core::{Device, Result, Tensor, TensorId, Var, backprop::GradStore};
use candle_nn::Optimizer;
use std::collections::HashMap;

/// How [`FngdMetric`] steps.
#[derive(Clone, Debug)]
pub struct FngdMetricConfig {
    /// The layers whose gradients go through a metric; their order is part of a saved state.
    pub layers: Vec<Watched>,
    /// The rule underneath. The rate of plain AdamW carries over, the scale of the metric cancels in it; for gradient descent
    /// the direction of watched layers is multiplied by the median layer's 1/s: see
    /// [`BaseRule::Sgd`](crate::natural::BaseRule).
    pub base: Base,
    /// The learning rate η that was tried.
    pub learning_rate: f64,
    /// Rank, damping, rows and seed.
    pub metric: MetricOptions,
    /// When the metric is refreshed after the first epoch.
    pub refresh: MetricRefresh,
    /// Steps of the first epoch: the refreshes at steps 0, 1, 2, 4, …, 32 end with it.
    pub first_epoch: u64,
}

impl Default for FngdMetricConfig {
    fn default() -> Self {
        FngdMetricConfig {
            layers: Vec::new(),
            base: Base::AdamW { weight_decay: 0.0 },
            learning_rate: 1e-3,
            metric: MetricOptions::default(),
            refresh: MetricRefresh::FirstEpoch,
            first_epoch: u64::MAX,
        }
    }
}

/// Descent in the shared input metric, as an optimiser of candle.
///
/// A layer is asked for its inputs before the steps that refresh the metric: the passes after [`Optimizer::step`] belong to
/// the next step, and evaluations between belong into [`FngdMetric::unwatched`].
///
/// # Cost
/// 4r·d_out·d_in flops a layer and step, 2r·d_in numbers of memory.
/// # Errors
/// A step on gradients that are not finite, or on a refresh without inputs, of other widths than before, or (the first) of
/// fewer than two rows, is refused and changes nothing. Inputs that are not finite leave a layer its old metric.
#[derive(Debug)]
pub struct FngdMetric {
    config: FngdMetricConfig,
    base: BaseState,
    metrics: Vec<LayerMetric>,
    operators: Vec<Operator>,
    steps: u64,
}

/// A metric's matrices where the weights are.
#[derive(Debug)]
enum Operator {
    Identity,
    /// P, of [W | b].
    Dense {
        inverse: Tensor,
    },
    /// U (d×r) and Wᵀ (r×d), each split into weights and bias.
    Fused {
        basis: Tensor,
        basis_bias: Option<Tensor>,
        update: Tensor,
        update_bias: Option<Tensor>,
        scale: f64,
    },
}

impl FngdMetric {
    /// Runs a forward pass that is no part of the next step, a validation say: layers keep nothing of it.
    pub fn unwatched<R>(&self, evaluate: impl FnOnce() -> R) -> R {
        unwatched(&self.config.layers, evaluate)
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The metric of a layer, in the order of the configuration.
    pub fn metric(&self, layer: usize) -> Option<&LayerMetric> {
        self.metrics.get(layer)
    }

    /// All that the optimiser remembers, to be saved beside the variables: with both, a training goes on to the same bits.
    /// Variables are numbered in the order in which [`Optimizer::new`] was given them (that of `VarMap::all_vars` changes from
    /// run to run: sort by name).
    ///
    /// # Errors
    /// What candle reports.
    pub fn state(&self) -> Result<HashMap<String, Tensor>> {
        let mut state = HashMap::new();
        state.insert("steps".into(), Tensor::new(&[self.steps as i64], &Device::Cpu)?);
        for (l, metric) in self.metrics.iter().enumerate() {
            state.insert(format!("metric.{l}"), Tensor::new(metric.memory(), &Device::Cpu)?);
        }
        self.base.save(&mut state)?;
        Ok(state)
    }

    /// Puts a state back.
    ///
    /// # Errors
    /// For the state of another optimiser or of other shapes; nothing is changed then.
    pub fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<()> {
        let steps = required(state, "steps")?.to_vec1::<i64>()?;
        let mut metrics = Vec::new();
        for (l, layer) in self.config.layers.iter().enumerate() {
            let memory = required(state, &format!("metric.{l}"))?.to_vec1::<f64>()?;
            let mut metric = LayerMetric::new(layer.shape().inputs, l, self.config.metric);
            if metric.recall(&memory) != Some(memory.len()) {
                return Err(refused("state", format!("the metric of layer {} is of other inputs", l + 1)));
            }
            metrics.push(metric);
        }
        let base = self.base.read(state)?;
        self.operators = operators(&metrics, &self.config.layers)?;
        (self.base, self.metrics) = (base, metrics);
        self.steps = steps.first().map_or(0, |steps| (*steps).max(0) as u64);
        self.arm();
        Ok(())
    }

    fn is_due(&self) -> bool {
        let early = self.steps < self.config.first_epoch && REFRESH_STEPS.contains(&self.steps);
        early || matches!(self.config.refresh, MetricRefresh::EverySteps(k) if k > 0 && self.steps.is_multiple_of(k))
    }

    fn arm(&self) {
        let keep = if self.is_due() { Keep::Inputs } else { Keep::Nothing };
        self.config.layers.iter().for_each(|layer| layer.arm(keep));
    }

    /// The metrics with the inputs of the last passes taken in.
    fn refreshed(&self) -> Result<Vec<LayerMetric>> {
        let mut metrics = self.metrics.clone();
        let mut any = metrics.is_empty();
        for (l, (metric, layer)) in metrics.iter_mut().zip(&self.config.layers).enumerate() {
            let rows = layer.metric_rows(self.config.metric.rows, l + 1)?;
            if rows.is_empty() {
                continue; // a layer that this batch did not pass keeps its metric
            }
            any = true;
            if metric.refreshes() == 0 && rows.len() < 2 * metric.inputs() {
                let reason = format!("step {}: found one row of inputs in layer {}", self.steps + 1, l + 1);
                return Err(refused("batch", reason + ", expected at least two for its first metric"));
            }
            metric.refresh(&rows);
        }
        match any {
            true => Ok(metrics),
            false => {
                let reason =
                    format!("step {}: no layer saw an input, so these are not those of the model", self.steps + 1);
                Err(refused("layers", reason))
            }
        }
    }

    fn advance(&mut self, grads: &GradStore) -> Result<()> {
        let mut gradients = finite_gradients(&self.base.vars, grads, self.steps)?;
        if self.is_due() {
            let metrics = self.refreshed()?;
            self.operators = operators(&metrics, &self.config.layers)?;
            self.metrics = metrics;
        }
        let scale = match self.config.base {
            Base::AdamW { .. } => 1.0,
            Base::Sgd { .. } => FngdMetric::median_moment(&self.metrics),
        };
        for (operator, layer) in self.operators.iter().zip(&self.config.layers) {
            operator.apply(layer, scale, &mut gradients)?;
        }
        self.base.step(&gradients, self.config.learning_rate)?;
        self.steps += 1;
        Ok(())
    }

    fn median_moment(metrics: &[LayerMetric]) -> f64 {
        let mut moments: Vec<f64> = metrics.iter().map(LayerMetric::typical_moment).collect();
        moments.sort_by(f64::total_cmp);
        moments.get(moments.len() / 2).copied().unwrap_or(1.0)
    }
}

impl Optimizer for FngdMetric {
    type Config = FngdMetricConfig;

    fn new(vars: Vec<Var>, config: FngdMetricConfig) -> Result<FngdMetric> {
        require_trained(&config.layers, &vars)?;
        let base = BaseState::new(vars, config.base)?;
        let of = |(l, layer): (usize, &Watched)| LayerMetric::new(layer.shape().inputs, l, config.metric);
        let metrics: Vec<LayerMetric> = config.layers.iter().enumerate().map(of).collect();
        let operators = operators(&metrics, &config.layers)?;
        let optimiser = FngdMetric { base, metrics, operators, steps: 0, config };
        optimiser.arm();
        Ok(optimiser)
    }

    fn step(&mut self, grads: &GradStore) -> Result<()> {
        let taken = self.advance(grads);
        self.arm(); // after a refusal as well: the passes that led to it are forgotten
        taken
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.config.learning_rate = rate;
    }
}

fn operators(metrics: &[LayerMetric], layers: &[Watched]) -> Result<Vec<Operator>> {
    metrics.iter().zip(layers).map(|(metric, layer)| Operator::new(metric, layer)).collect()
}

impl Operator {
    fn new(metric: &LayerMetric, layer: &Watched) -> Result<Operator> {
        let d = metric.inputs();
        let here = |numbers: &[f64], shape: (usize, usize)| {
            Tensor::from_slice(numbers, shape, layer.weight.device())?.to_dtype(layer.weight.dtype())
        };
        Ok(match metric.operator() {
            MetricOperator::Identity => Operator::Identity,
            MetricOperator::Dense { inverse } => Operator::Dense { inverse: here(inverse, (d, d))? },
            MetricOperator::Fused { basis, update, scale } => {
                let r = basis.len() / d;
                let own = d - usize::from(layer.bias.is_some());
                let (basis, update) = (here(basis, (r, d))?, here(update, (r, d))?);
                let bias = |m: &Tensor| layer.bias.is_some().then(|| m.narrow(1, own, 1)).transpose();
                Operator::Fused {
                    basis_bias: bias(&basis)?.map(|column| column.t()?.contiguous()).transpose()?,
                    update_bias: bias(&update)?.map(|column| column.contiguous()).transpose()?,
                    basis: basis.narrow(1, 0, own)?.t()?.contiguous()?,
                    update: update.narrow(1, 0, own)?.contiguous()?,
                    scale,
                }
            }
        })
    }

    /// scale·g(S + λI)⁻¹ in place of the gradients of a layer.
    fn apply(&self, layer: &Watched, scale: f64, gradients: &mut HashMap<TensorId, Tensor>) -> Result<()> {
        let Some(of_weight) = gradients.get(&layer.weight.id()) else { return Ok(()) };
        let g = of_weight.flatten_from(1)?;
        let of_bias = match &layer.bias {
            Some(bias) => match gradients.get(&bias.id()) {
                Some(gradient) => Some((bias.id(), gradient.unsqueeze(1)?)),
                None => return Err(refused("layers", "a bias has no gradient where its weight has one".into())),
            },
            None => None,
        };
        let (image, image_of_bias, scale) = match self {
            Operator::Identity => (g, of_bias, scale),
            Operator::Dense { inverse } => match of_bias {
                None => (g.matmul(inverse)?, None, scale),
                Some((id, of_bias)) => {
                    let image = Tensor::cat(&[&g, &of_bias], 1)?.matmul(inverse)?;
                    let own = g.dim(1)?;
                    let image_of_bias = image.narrow(1, own, 1)?.contiguous()?;
                    (image.narrow(1, 0, own)?.contiguous()?, Some((id, image_of_bias)), scale)
                }
            },
            Operator::Fused { basis, basis_bias, update, update_bias, scale: own_scale } => {
                let mut along = g.matmul(basis)?;
                if let (Some((_, of_bias)), Some(basis)) = (&of_bias, basis_bias) {
                    along = (along + of_bias.matmul(basis)?)?;
                }
                let image_of_bias = match (of_bias, update_bias) {
                    (Some((id, of_bias)), Some(update)) => Some((id, (of_bias + along.matmul(update)?)?)),
                    _ => None,
                };
                ((g + along.matmul(update)?)?, image_of_bias, scale * own_scale)
            }
        };
        gradients.insert(layer.weight.id(), times(image, scale)?.reshape(layer.weight.shape())?);
        if let Some((id, image)) = image_of_bias {
            gradients.insert(id, times(image, scale)?.squeeze(1)?);
        }
        Ok(())
    }
}

/// AdamW needs no scale, and then no product.
fn times(image: Tensor, scale: f64) -> Result<Tensor> {
    if scale == 1.0 { Ok(image) } else { image * scale }
}
