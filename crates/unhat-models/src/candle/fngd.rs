//! FNGD for candle: per-sample coefficients found in the first epoch and shared afterwards, through zero taps.
//!
//! A zero tensor added to a layer's output has the output's gradient D for its gradient; with the inputs A that gives
//! K = Σ (AᵢAⱼᵀ∘DᵢDⱼᵀ), c and ΔW = Σ cᵢDᵢᵀAᵢ, in double precision on the processor: to study the rule, not to be fast.

use super::base::{Base, BaseState, finite_gradients};
use super::layers::{Keep, Watched, require_trained, unwatched};
use super::rows::BatchFactors;
use super::{carried, refused};
use crate::models::LayerFactors;
use crate::natural::{CoefficientTable, Damping, Refresh, Share, natural_coefficients};
use candle_core::{Device, Result, Tensor, Var, backprop::GradStore};
use candle_nn::Optimizer;
use std::collections::HashMap;

/// How [`CandleFngd`] steps.
#[derive(Clone, Debug)]
pub struct FngdConfig {
    /// The layers that are stepped by coefficients; the other variables get the mean gradient.
    pub layers: Vec<Watched>,
    /// The rule underneath, which adds momentum and decay.
    pub base: Base,
    /// The learning rate η that was tried.
    pub learning_rate: f64,
    /// Samples of the training set: ids are below.
    pub samples: usize,
    /// How coefficients are shared.
    pub share: Share,
    /// When they are computed.
    pub refresh: Refresh,
    /// M. Relative damping below 10 in the first epoch spoils convolutions and transformers.
    pub damping: Damping,
    /// A control: shared coefficients are dealt out to other samples, drawn by this seed.
    pub permuted: Option<u64>,
}

impl Default for FngdConfig {
    fn default() -> Self {
        FngdConfig {
            layers: Vec::new(),
            base: Base::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 },
            learning_rate: 1e-2,
            samples: 0,
            share: Share::ById,
            refresh: Refresh::FirstEpoch,
            damping: Damping::Relative(10.0),
            permuted: None,
        }
    }
}

/// FNGD after the paper, as an optimiser of candle. Each batch is announced with [`CandleFngd::begin`]; the loss is the mean over its
/// samples.
///
/// # Errors
/// A step without a batch announced, of other rows than ids, of a sample without a coefficient, or on gradients that are not
/// finite is refused and changes nothing.
/// # References
/// OuZhuHuangLiu2024.
#[derive(Debug)]
pub struct CandleFngd {
    config: FngdConfig,
    base: BaseState,
    tables: Vec<CoefficientTable>,
    filled_in: Option<u32>,
    batch: Option<(u32, Vec<usize>)>,
    steps: u64,
}

impl CandleFngd {
    /// Announces the next batch, before its forward pass: `ids` of its rows in their order.
    ///
    /// # Errors
    /// For ids that are repeated, none, or not below the number of samples.
    pub fn begin(&mut self, epoch: u32, ids: &[usize]) -> Result<()> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        let repeated = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let samples = self.config.samples;
        match (sorted.last(), repeated) {
            (None, _) => Err(refused("ids", "found none, expected one for each row of the batch".into())),
            (Some(&id), _) if id >= samples => Err(refused("ids", format!("found {id}, expected one below {samples}"))),
            (_, Some(id)) => Err(refused("ids", format!("found {id} twice in one batch"))),
            _ => {
                self.batch = Some((epoch, ids.to_vec()));
                self.config.layers.iter().for_each(|layer| layer.arm(Keep::InputsAndTap));
                Ok(())
            }
        }
    }

    /// Runs a forward pass that is no part of the step: layers keep nothing of it.
    pub fn unwatched<R>(&self, evaluate: impl FnOnce() -> R) -> R {
        unwatched(&self.config.layers, evaluate)
    }

    /// All that the optimiser remembers, as [`FngdMetric::state`](super::FngdMetric::state).
    ///
    /// # Errors
    /// What candle reports.
    pub fn state(&self) -> Result<HashMap<String, Tensor>> {
        let mut state = HashMap::new();
        let filled_in = self.filled_in.map_or(-1, i64::from);
        state.insert("steps".into(), Tensor::new(&[self.steps as i64, filled_in], &Device::Cpu)?);
        for (l, table) in self.tables.iter().enumerate() {
            state.insert(format!("coefficients.{l}"), Tensor::new(table.memory(), &Device::Cpu)?);
        }
        self.base.save(&mut state)?;
        Ok(state)
    }

    /// Puts a state back.
    ///
    /// # Errors
    /// For the state of another optimiser or of other shapes; nothing is changed then.
    pub fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<()> {
        let [steps, filled_in] = super::base::required(state, "steps")?.to_vec1::<i64>()?[..] else {
            return Err(refused("state", "it is of another optimiser".into()));
        };
        let mut tables = self.tables.clone();
        for (l, table) in tables.iter_mut().enumerate() {
            let memory = super::base::required(state, &format!("coefficients.{l}"))?.to_vec1::<f64>()?;
            if memory.len() != table.memory_length() {
                return Err(refused("state", "it is of another number of samples".into()));
            }
            table.recall(&memory);
        }
        self.base = self.base.read(state)?;
        (self.tables, self.steps) = (tables, steps.max(0) as u64);
        self.filled_in = u32::try_from(filled_in).ok();
        Ok(())
    }

    fn is_fresh(&self, epoch: u32) -> bool {
        match self.config.refresh {
            Refresh::EveryStep => true,
            Refresh::FirstEpoch => epoch == 0,
            Refresh::EveryEpochs(k) => k > 0 && epoch.is_multiple_of(k),
        }
    }

    /// The coefficients of every layer, and the tables as they are then.
    fn coefficients(
        &self,
        factors: &[LayerFactors<'_>],
        epoch: u32,
        ids: &[usize],
    ) -> unhat::Result<(Vec<Vec<f64>>, Vec<CoefficientTable>)> {
        let mut tables = self.tables.clone();
        if !self.is_fresh(epoch) {
            let shared = |(table, l): (&CoefficientTable, u64)| match self.config.permuted {
                Some(seed) => table.permuted(seed, l).shared(ids),
                None => table.shared(ids),
            };
            let all = tables.iter().zip(0..).map(shared).collect::<unhat::Result<_>>()?;
            return Ok((all, tables));
        }
        if self.filled_in != Some(epoch) {
            tables.iter_mut().for_each(CoefficientTable::clear);
        }
        let mut all = Vec::new();
        for (layer, table) in factors.iter().zip(&mut tables) {
            let c = natural_coefficients(&layer.kernel(), self.config.damping, None)?;
            table.store(ids, &c)?;
            all.push(c);
        }
        Ok((all, tables))
    }
}

impl Optimizer for CandleFngd {
    type Config = FngdConfig;

    fn new(vars: Vec<Var>, config: FngdConfig) -> Result<CandleFngd> {
        require_trained(&config.layers, &vars)?;
        if config.refresh == Refresh::EveryEpochs(0) {
            return Err(refused("refresh", "found 0, expected at least 1 epoch".into()));
        }
        let base = BaseState::new(vars, config.base)?;
        let tables = vec![CoefficientTable::new(config.share, config.samples); config.layers.len()];
        Ok(CandleFngd { config, base, tables, filled_in: None, batch: None, steps: 0 })
    }

    fn step(&mut self, grads: &GradStore) -> Result<()> {
        let Some((epoch, ids)) = self.batch.clone() else {
            return Err(refused("ids", "found none: announce each batch with begin before its forward pass".into()));
        };
        let mut gradients = finite_gradients(&self.base.vars, grads, self.steps)?;
        let of = |(l, layer): (usize, &Watched)| layer.batch_factors(grads, ids.len(), l + 1);
        let kept: Vec<BatchFactors> = self.config.layers.iter().enumerate().map(of).collect::<Result<_>>()?;
        let factors: Vec<LayerFactors<'_>> = self
            .config
            .layers
            .iter()
            .zip(&kept)
            .map(|(layer, kept)| LayerFactors::new(layer.shape(), kept.positions, &kept.inputs, &kept.gradients))
            .collect::<unhat::Result<_>>()
            .map_err(carried)?;
        let (coefficients, tables) = self.coefficients(&factors, epoch, &ids).map_err(carried)?;
        for ((layer, factors), c) in self.config.layers.iter().zip(&factors).zip(&coefficients) {
            let shape = layer.shape();
            let mut direction = vec![0.0; shape.parameters()];
            factors.add_combination(Some(c), &mut direction);
            let direction = Tensor::from_vec(direction, (shape.outputs, shape.inputs), layer.weight.device())?
                .to_dtype(layer.weight.dtype())?;
            let own = shape.inputs - usize::from(layer.bias.is_some());
            let of_weight = direction.narrow(1, 0, own)?.contiguous()?.reshape(layer.weight.shape())?;
            gradients.insert(layer.weight.id(), of_weight);
            if let Some(bias) = &layer.bias {
                gradients.insert(bias.id(), direction.narrow(1, own, 1)?.contiguous()?.squeeze(1)?);
            }
        }
        self.base.step(&gradients, self.config.learning_rate)?;
        if self.is_fresh(epoch) {
            self.filled_in = Some(epoch);
        }
        (self.tables, self.batch) = (tables, None);
        self.steps += 1;
        self.config.layers.iter().for_each(|layer| layer.arm(Keep::Nothing));
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.config.learning_rate = rate;
    }
}
