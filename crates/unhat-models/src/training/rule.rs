//! The rule that the options name, as it is and as its controls spoil it.

use super::options::{MetricBase, OptimiserName, TrainingOptions};
use crate::models::{AdamW, Batch, Factors, Momentum, Network, Optimiser, Sgd};
use crate::natural::{
    BaseRule, Damping, Decay, Fisher, Fngd, FngdOptions, Kfac, KfacOptions, MetricControl, MetricOptions,
    MetricRefresh, Refresh, Scope, Share, SharedMetric,
};
use unhat::Result;

/// Of what the controls deal out or draw; another number than the seeds people use, so that no two draws meet.
const CONTROL_SEED: u64 = 0x00c0_4170;

/// The rule itself, or a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// As it is.
    Main,
    /// With fresh coefficients beside the stored ones, to compare; the steps are those of the rule.
    Compared,
    /// Coefficients dealt out to other samples.
    PermutedCoefficients,
    /// The layer's mean for every sample.
    LayerMean,
    /// A metric with the inputs permuted.
    PermutedMetric,
    /// The metric's spectrum along random directions.
    RandomDirections,
    /// One direction instead of r.
    RankOne,
}

impl Variant {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Main => "as it is",
            Variant::Compared => "compared",
            Variant::PermutedCoefficients => "permuted coefficients",
            Variant::LayerMean => "layer mean",
            Variant::PermutedMetric => "permuted metric",
            Variant::RandomDirections => "random directions",
            Variant::RankOne => "rank 1",
        }
    }

    /// The controls of a rule.
    pub fn controls(rule: OptimiserName) -> &'static [Variant] {
        match rule {
            OptimiserName::Fngd => &[Variant::PermutedCoefficients, Variant::LayerMean],
            OptimiserName::FngdMetric => &[Variant::PermutedMetric, Variant::RandomDirections, Variant::RankOne],
            _ => &[],
        }
    }
}

/// One of the rules.
pub(super) enum Rule {
    Sgd(Sgd),
    AdamW(AdamW),
    Fngd(Fngd),
    Metric(Box<SharedMetric>),
    Kfac(Box<Kfac>),
}

impl Rule {
    /// The rule of these options for a training set of so many rows.
    pub fn of(options: &TrainingOptions, variant: Variant, rows: usize) -> Result<Rule> {
        let decay = options.weight_decay;
        let descent = |kind| Sgd::new(options.momentum(), kind, decay);
        Ok(match options.optimizer {
            OptimiserName::Sgd => Rule::Sgd(descent(Momentum::HeavyBall)?),
            OptimiserName::Nesterov => Rule::Sgd(descent(Momentum::Nesterov)?),
            OptimiserName::AdamW => Rule::AdamW(AdamW::new(decay)?),
            OptimiserName::Fngd | OptimiserName::Ngd => Rule::Fngd(Fngd::new(rows, coefficients(options, variant))?),
            OptimiserName::Kfac => Rule::Kfac(Box::new(Kfac::new(kronecker(options))?)),
            OptimiserName::FngdMetric => {
                let base = match options.metric_base() {
                    MetricBase::AdamW => BaseRule::AdamW(AdamW::new(decay)?),
                    MetricBase::Nesterov => BaseRule::Sgd(descent(Momentum::Nesterov)?),
                };
                Rule::Metric(Box::new(metric(options, variant, base)))
            }
        })
    }

    /// Correlation of stored and fresh coefficients by epoch, where they were compared.
    pub fn correlations(&self) -> Vec<(u32, f64)> {
        if let Rule::Fngd(rule) = self { rule.correlations() } else { Vec::new() }
    }

    fn inner(&self) -> &dyn Optimiser {
        match self {
            Rule::Sgd(rule) => rule,
            Rule::AdamW(rule) => rule,
            Rule::Fngd(rule) => rule,
            Rule::Metric(rule) => rule.as_ref(),
            Rule::Kfac(rule) => rule.as_ref(),
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Optimiser {
        match self {
            Rule::Sgd(rule) => rule,
            Rule::AdamW(rule) => rule,
            Rule::Fngd(rule) => rule,
            Rule::Metric(rule) => rule.as_mut(),
            Rule::Kfac(rule) => rule.as_mut(),
        }
    }
}

fn coefficients(options: &TrainingOptions, variant: Variant) -> FngdOptions {
    let share = match variant {
        Variant::LayerMean => Share::LayerMean,
        _ => options.share.unwrap_or(Share::ById),
    };
    let refresh = match (options.optimizer, options.refresh) {
        (OptimiserName::Ngd, _) => Refresh::EveryStep,
        (_, Some(epochs)) => Refresh::EveryEpochs(epochs),
        (_, None) => Refresh::FirstEpoch,
    };
    let relative = || Damping::Relative(options.alpha().unwrap_or(1.0));
    FngdOptions {
        share,
        refresh,
        scope: options.scope.unwrap_or(Scope::Layer),
        damping: options.damping.map_or_else(relative, Damping::Absolute),
        momentum: options.momentum(),
        decay: Decay::Decoupled(options.weight_decay),
        permuted: (variant == Variant::PermutedCoefficients).then_some(options.seed ^ CONTROL_SEED),
        compare: variant == Variant::Compared,
    }
}

fn kronecker(options: &TrainingOptions) -> KfacOptions {
    let defaults = KfacOptions::default();
    KfacOptions {
        fisher: Fisher::Model { seed: options.seed },
        factor_every: options.factor_every.unwrap_or(defaults.factor_every),
        inverse_every: options.inverse_every.unwrap_or(defaults.inverse_every),
        damping: match (options.damping, options.alpha) {
            (Some(lambda), _) => Damping::Absolute(lambda),
            (None, Some(alpha)) => Damping::Relative(alpha),
            (None, None) => defaults.damping,
        },
        momentum: options.momentum(),
        decay: Decay::Decoupled(options.weight_decay),
        ..defaults
    }
}

fn metric(options: &TrainingOptions, variant: Variant, base: BaseRule) -> SharedMetric {
    let defaults = MetricOptions::default();
    let rank = if variant == Variant::RankOne { 1 } else { options.rank.unwrap_or(defaults.rank) };
    let damping = options.alpha().unwrap_or(defaults.damping);
    let refresh = options.refresh.map_or(MetricRefresh::FirstEpoch, |k| MetricRefresh::EverySteps(k.into()));
    let control = match variant {
        Variant::PermutedMetric => MetricControl::Permuted,
        Variant::RandomDirections => MetricControl::RandomDirections,
        _ => MetricControl::None,
    };
    SharedMetric::new(base, MetricOptions { rank, damping, seed: options.seed, ..defaults }, refresh, control)
}

impl Optimiser for Rule {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn step(&mut self, network: &mut Network, factors: &Factors<'_>, batch: &Batch<'_>) -> Result<()> {
        self.inner_mut().step(network, factors, batch)
    }

    fn memory(&self) -> Vec<f64> {
        self.inner().memory()
    }

    fn recall(&mut self, memory: &[f64], parameters: usize) -> Result<()> {
        self.inner_mut().recall(memory, parameters)
    }
}
