//! What a training may be told: the rules by name, their options, and which options exclude each other.

use crate::models::{DEFAULT_EPOCHS, DEFAULT_MOMENTUM, Schedule};
use crate::natural::{Damping, KfacOptions, MetricOptions, Scope, Share};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use unhat::{Error, ErrorKind, Result};

/// Rows of a batch where none are named: the experiments that the shared metric is judged by had as many.
pub const DEFAULT_TRAINING_BATCH: usize = 128;
/// η of `sgd` and `nesterov`: on standardised digits .02 to .2 end alike.
const DEFAULT_DESCENT_RATE: f64 = 0.05;
/// η of `adamw`, and of the shared metric on it, whose scale cancels: .001 to .004 were best on the nets measured.
const DEFAULT_ADAM_RATE: f64 = 0.002;
/// α of the coefficients: below 10 the first epoch spoils larger networks.
const DEFAULT_COEFFICIENT_ALPHA: f64 = 10.0;

/// A rule of training by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserName {
    /// Descent with momentum (heavy ball).
    Sgd,
    /// Nesterov's rule.
    Nesterov,
    /// Adam with decoupled weight decay.
    #[serde(rename = "adamw")]
    AdamW,
    /// Coefficients inverted in the first epoch and shared afterwards.
    Fngd,
    /// The inputs' second moment, found in the first epoch and shared afterwards.
    FngdMetric,
    /// Kronecker factors of each layer's Fisher matrix.
    Kfac,
    /// Fresh coefficients in every step: the exact natural gradient of the batch.
    Ngd,
}

impl OptimiserName {
    /// All of them, in the order of the help.
    pub const ALL: [OptimiserName; 7] = [
        OptimiserName::Sgd,
        OptimiserName::Nesterov,
        OptimiserName::AdamW,
        OptimiserName::Fngd,
        OptimiserName::FngdMetric,
        OptimiserName::Kfac,
        OptimiserName::Ngd,
    ];

    /// The word used in options and results.
    pub fn name(self) -> &'static str {
        match self {
            OptimiserName::Sgd => "sgd",
            OptimiserName::Nesterov => "nesterov",
            OptimiserName::AdamW => "adamw",
            OptimiserName::Fngd => "fngd",
            OptimiserName::FngdMetric => "fngd-metric",
            OptimiserName::Kfac => "kfac",
            OptimiserName::Ngd => "ngd",
        }
    }

    /// The rate where none is given: a rule whose units follow the size of the gradients looks for its own.
    fn default_rate(self, base: MetricBase) -> LearningRate {
        match (self, base) {
            (OptimiserName::Sgd | OptimiserName::Nesterov, _) => LearningRate::Fixed(DEFAULT_DESCENT_RATE),
            (OptimiserName::FngdMetric, MetricBase::Nesterov) => LearningRate::Fixed(DEFAULT_DESCENT_RATE),
            (OptimiserName::AdamW | OptimiserName::FngdMetric, _) => LearningRate::Fixed(DEFAULT_ADAM_RATE),
            (OptimiserName::Fngd | OptimiserName::Kfac | OptimiserName::Ngd, _) => LearningRate::Auto,
        }
    }
}

impl fmt::Display for OptimiserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OptimiserName {
    type Err = Error;

    fn from_str(text: &str) -> Result<OptimiserName> {
        OptimiserName::ALL.into_iter().find(|rule| rule.name() == text).ok_or_else(|| {
            let all = OptimiserName::ALL.map(OptimiserName::name).join(", ");
            refusal("optimizer", format!("found \"{text}\", expected one of {all}"))
        })
    }
}

/// The rule beneath `fngd-metric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricBase {
    /// AdamW.
    AdamW,
    /// Nesterov's rule.
    Nesterov,
}

impl MetricBase {
    /// The word used in options and results.
    pub fn name(self) -> &'static str {
        match self {
            MetricBase::AdamW => "adamw",
            MetricBase::Nesterov => "nesterov",
        }
    }
}

impl FromStr for MetricBase {
    type Err = Error;

    fn from_str(text: &str) -> Result<MetricBase> {
        match text {
            "adamw" => Ok(MetricBase::AdamW),
            "nesterov" => Ok(MetricBase::Nesterov),
            _ => Err(refusal("base", format!("found \"{text}\", expected adamw or nesterov"))),
        }
    }
}

/// η of the first step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LearningRate {
    /// The best of a short range test.
    Auto,
    /// A number.
    Fixed(f64),
}

impl fmt::Display for LearningRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LearningRate::Auto => f.write_str("auto"),
            LearningRate::Fixed(rate) => write!(f, "{rate}"),
        }
    }
}

impl FromStr for LearningRate {
    type Err = Error;

    fn from_str(text: &str) -> Result<LearningRate> {
        match (text, text.parse::<f64>()) {
            ("auto", _) => Ok(LearningRate::Auto),
            (_, Ok(rate)) if rate.is_finite() && rate > 0.0 => Ok(LearningRate::Fixed(rate)),
            _ => Err(refusal("lr", format!("found \"{text}\", expected a positive number or auto"))),
        }
    }
}

impl From<LearningRate> for String {
    fn from(rate: LearningRate) -> String {
        rate.to_string()
    }
}

impl TryFrom<String> for LearningRate {
    type Error = Error;

    fn try_from(text: String) -> Result<LearningRate> {
        text.parse()
    }
}

/// How a model is trained. None: the rule's own default, or that the rule has no such option.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingOptions {
    /// The rule.
    pub optimizer: OptimiserName,
    /// Rows of a batch; the last of an epoch may have fewer.
    pub batch: usize,
    /// How often all rows are seen.
    pub epochs: u32,
    /// η, for the mean loss of a batch; None: .05 for descent, .002 for Adam, a range test for `fngd`, `kfac` and `ngd`.
    pub learning_rate: Option<LearningRate>,
    /// λ ≥ 0: part of the gradient for `sgd` and `nesterov`, decoupled for the others.
    pub weight_decay: f64,
    /// μ, .9 where a rule has one; `adamw` has none.
    pub momentum: Option<f64>,
    /// What becomes of η.
    pub schedule: Schedule,
    /// How `fngd` shares its coefficients.
    pub share: Option<Share>,
    /// Which gradients a coefficient of `fngd` and `ngd` weighs.
    pub scope: Option<Scope>,
    /// Every so many epochs `fngd` computes its coefficients anew, every so many steps `fngd-metric` its metric; None: in
    /// the first epoch only.
    pub refresh: Option<u32>,
    /// λ > 0 of `fngd`, `kfac` and `ngd`, in the units of the Fisher matrix; .01 for `kfac`, else in place of α.
    pub damping: Option<f64>,
    /// α > 0, a damping relative to the trace: 10 for `fngd` and `ngd`, 1 for `fngd-metric`, in place of λ for `kfac`.
    pub alpha: Option<f64>,
    /// Steps from one update of the factors of `kfac` to the next, 10.
    pub factor_every: Option<u64>,
    /// Steps from one inversion of them to the next, 10.
    pub inverse_every: Option<u64>,
    /// r of `fngd-metric`, 16.
    pub rank: Option<usize>,
    /// The rule beneath `fngd-metric`, AdamW.
    pub base: Option<MetricBase>,
    /// Ends after so many epochs without a smaller validation loss, and keeps the weights of the smallest.
    pub patience: Option<u32>,
    /// Evaluates every so many steps as well as after every epoch.
    pub record_every: Option<u64>,
    /// First weights, batches, first subspaces.
    pub seed: u64,
    /// Whether the same training is run with what the idea shares spoiled.
    pub controls: bool,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        TrainingOptions {
            optimizer: OptimiserName::FngdMetric,
            batch: DEFAULT_TRAINING_BATCH,
            epochs: DEFAULT_EPOCHS,
            learning_rate: None,
            weight_decay: 0.0,
            momentum: None,
            schedule: Schedule::Cosine,
            share: None,
            scope: None,
            refresh: None,
            damping: None,
            alpha: None,
            factor_every: None,
            inverse_every: None,
            rank: None,
            base: None,
            patience: None,
            record_every: None,
            seed: 0,
            controls: false,
        }
    }
}

impl TrainingOptions {
    /// Whether the options go together.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] under the name of the option that the rule does not have, that excludes another, or whose value
    /// cannot be used.
    pub fn check(&self, has_validation: bool) -> Result<()> {
        use OptimiserName as Name;
        let rule = self.optimizer;
        let coefficients = matches!(rule, Name::Fngd | Name::Ngd);
        let momentum = !matches!((rule, self.metric_base()), (Name::AdamW, _) | (Name::FngdMetric, MetricBase::AdamW));
        let damped = coefficients || rule == Name::Kfac;
        let given = [
            (
                "momentum",
                self.momentum.is_some(),
                momentum,
                "sgd, nesterov, fngd, kfac, ngd, and fngd-metric with base nesterov",
            ),
            ("share", self.share.is_some(), rule == Name::Fngd, "fngd"),
            ("scope", self.scope.is_some(), coefficients, "fngd and ngd"),
            ("refresh", self.refresh.is_some(), matches!(rule, Name::Fngd | Name::FngdMetric), "fngd and fngd-metric"),
            ("damping", self.damping.is_some(), damped, "fngd, kfac and ngd"),
            ("alpha", self.alpha.is_some(), damped || rule == Name::FngdMetric, "fngd, fngd-metric, kfac and ngd"),
            ("factor-every", self.factor_every.is_some(), rule == Name::Kfac, "kfac"),
            ("inverse-every", self.inverse_every.is_some(), rule == Name::Kfac, "kfac"),
            ("rank", self.rank.is_some(), rule == Name::FngdMetric, "fngd-metric"),
            ("base", self.base.is_some(), rule == Name::FngdMetric, "fngd-metric"),
            ("controls", self.controls, matches!(rule, Name::Fngd | Name::FngdMetric), "fngd and fngd-metric"),
        ];
        for (name, is_given, is_known, of) in given {
            if is_given && !is_known {
                return Err(refusal(name, format!("is an option of {of}, not of {rule}")));
            }
        }
        if self.damping.is_some() && self.alpha.is_some() {
            return Err(refusal("damping", "excludes alpha: the one is absolute, the other relative".into()));
        }
        let counts = [
            ("batch", Some(self.batch as u64)),
            ("epochs", Some(u64::from(self.epochs))),
            ("rank", self.rank.map(|r| r as u64)),
            ("refresh", self.refresh.map(u64::from)),
            ("factor-every", self.factor_every),
            ("inverse-every", self.inverse_every),
            ("patience", self.patience.map(u64::from)),
            ("record-every", self.record_every),
        ];
        for (name, value) in counts {
            if value == Some(0) {
                return Err(refusal(name, "found 0, expected at least 1".into()));
            }
        }
        let rate = if let Some(LearningRate::Fixed(rate)) = self.learning_rate { Some(rate) } else { None };
        for (name, value) in [("lr", rate), ("damping", self.damping), ("alpha", self.alpha)] {
            if let Some(value) = value.filter(|v| !(v.is_finite() && *v > 0.0)) {
                return Err(refusal(name, format!("found {value}, expected a positive number")));
            }
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            let reason = format!("found {}, expected a number not below 0", self.weight_decay);
            return Err(refusal("weight-decay", reason));
        }
        if let Some(momentum) = self.momentum.filter(|m| !(0.0..1.0).contains(m)) {
            return Err(refusal("momentum", format!("found {momentum}, expected a number from 0 to below 1")));
        }
        if self.patience.is_some() && !has_validation {
            return Err(refusal("patience", "needs validation rows to look at; give some".into()));
        }
        Ok(())
    }

    /// η, or that it is looked for.
    pub fn rate(&self) -> LearningRate {
        self.learning_rate.unwrap_or_else(|| self.optimizer.default_rate(self.metric_base()))
    }

    pub(super) fn metric_base(&self) -> MetricBase {
        self.base.unwrap_or(MetricBase::AdamW)
    }

    pub(super) fn momentum(&self) -> f64 {
        self.momentum.unwrap_or(DEFAULT_MOMENTUM)
    }

    /// α of the rules that have one; none beside λ.
    pub(super) fn alpha(&self) -> Option<f64> {
        let default = match self.optimizer {
            OptimiserName::Fngd | OptimiserName::Ngd => DEFAULT_COEFFICIENT_ALPHA,
            OptimiserName::FngdMetric => MetricOptions::default().damping,
            OptimiserName::Kfac => return self.alpha,
            _ => return None,
        };
        if self.damping.is_some() { None } else { Some(self.alpha.unwrap_or(default)) }
    }
}

impl TrainingOptions {
    /// λ of the rules that have one; none beside α.
    pub(super) fn damping(&self) -> Option<f64> {
        match (self.optimizer, self.damping, KfacOptions::default().damping) {
            (_, Some(damping), _) => Some(damping),
            (OptimiserName::Kfac, None, Damping::Absolute(default)) if self.alpha.is_none() => Some(default),
            _ => None,
        }
    }
}

pub(super) fn refusal(name: &str, reason: String) -> Error {
    ErrorKind::Option { name: name.to_string(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for rule in OptimiserName::ALL {
            assert_eq!(rule.to_string().parse::<OptimiserName>().unwrap(), rule);
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
        }
        assert!("adam".parse::<OptimiserName>().unwrap_err().to_string().contains("fngd-metric"));
        assert_eq!("auto".parse::<LearningRate>().unwrap(), LearningRate::Auto);
        assert_eq!("1e-3".parse::<LearningRate>().unwrap(), LearningRate::Fixed(1e-3));
        for text in ["0", "-1", "inf", "nan", "fast"] {
            assert!(text.parse::<LearningRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn options_that_do_not_go_together_name_themselves() {
        let of = |rule: &str| TrainingOptions { optimizer: rule.parse().unwrap(), ..TrainingOptions::default() };
        let name = |options: TrainingOptions| match options.check(false).unwrap_err().kind() {
            ErrorKind::Option { name, .. } => name.clone(),
            other => panic!("{other:?}"),
        };
        for rule in OptimiserName::ALL {
            of(rule.name()).check(false).unwrap();
        }
        assert_eq!(name(TrainingOptions { momentum: Some(0.5), ..of("adamw") }), "momentum");
        assert_eq!(name(TrainingOptions { momentum: Some(0.5), ..of("fngd-metric") }), "momentum");
        let nesterov = Some(MetricBase::Nesterov);
        TrainingOptions { momentum: Some(0.5), base: nesterov, ..of("fngd-metric") }.check(false).unwrap();
        assert_eq!(name(TrainingOptions { base: nesterov, ..of("sgd") }), "base");
        assert_eq!(name(TrainingOptions { rank: Some(4), ..of("fngd") }), "rank");
        assert_eq!(name(TrainingOptions { factor_every: Some(4), ..of("fngd") }), "factor-every");
        TrainingOptions { factor_every: Some(4), damping: Some(0.1), ..of("kfac") }.check(false).unwrap();
        assert_eq!(name(TrainingOptions { share: Some(Share::LayerMean), ..of("fngd-metric") }), "share");
        assert_eq!(name(TrainingOptions { refresh: Some(2), ..of("ngd") }), "refresh");
        assert_eq!(name(TrainingOptions { damping: Some(1.0), alpha: Some(1.0), ..of("ngd") }), "damping");
        assert_eq!(name(TrainingOptions { damping: Some(0.0), ..of("ngd") }), "damping");
        assert_eq!(name(TrainingOptions { controls: true, ..of("ngd") }), "controls");
        assert_eq!(name(TrainingOptions { batch: 0, ..of("sgd") }), "batch");
        assert_eq!(name(TrainingOptions { weight_decay: -1.0, ..of("sgd") }), "weight-decay");
        assert_eq!(name(TrainingOptions { momentum: Some(1.0), ..of("sgd") }), "momentum");
        assert_eq!(name(TrainingOptions { patience: Some(3), ..of("sgd") }), "patience");
        TrainingOptions { patience: Some(3), ..of("sgd") }.check(true).unwrap();
    }
}
