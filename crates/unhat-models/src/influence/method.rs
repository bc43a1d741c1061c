//! The methods by name, what each needs, and which one a task asks for.

use super::impact_kind::{ATTACK, ImpactKind};
use super::leave_one_out::{self, LeaveOneOut, Preconditioner};
use super::vanishing::{no_direction, require_gradients, vanishes};
use super::{Impact, Ridge, SampleGradients, few_steps, midranks, training_margin_products, whitened_products};
use super::{TEMPERATURE, WHITENING};
use std::fmt;
use std::str::FromStr;
use unhat::{ErrorKind, Result, Run};

/// A way to score rows. Larger = better row, in every one.
///
/// # Examples
/// ```
/// use unhat_models::influence::Method;
/// assert_eq!("pcg:8".parse::<Method>()?, Method::HessianSteps { steps: 8 });
/// assert_eq!(Method::RankSum { two_steps: true }.to_string(), "rank-sum:cg2");
/// assert!(Method::InnerProduct.needs_v() && !Method::Loss.needs_v());
/// assert!(Method::Fisher.claim().contains("not an estimate of leave-one-out"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The negative loss −ℓᵢ.
    Loss,
    /// The negative length −‖gᵢ‖ of the gradient.
    GradNorm,
    /// The inner product gᵢ·v.
    InnerProduct,
    /// The negative square −‖gᵢ‖², a row's inner-product influence on itself.
    SelfInfluence,
    /// The inner product gᵢ·v averaged over checkpoints of the training.
    Checkpoints,
    /// Whitened, tempered inner product.
    WhitenedTempered,
    /// Two conjugate-gradient steps on the damped Fisher matrix: for wide inputs.
    TwoSteps,
    /// The rank by loss and the rank by the negative of another score, added and negated.
    RankSum {
        /// Whether the other score is that of [`Method::TwoSteps`] instead of [`Method::WhitenedTempered`].
        two_steps: bool,
    },
    /// The negative ridge leverage of the gradient among all gradients.
    Leverage,
    /// Influence through the damped empirical Fisher matrix, gᵢᵀ(GᵀG + M·I)⁻¹v.
    Fisher,
    /// Preconditioned conjugate-gradient steps on the Hessian.
    HessianSteps {
        /// The number r of steps.
        steps: usize,
    },
    /// Influence through the Hessian itself, gᵢᵀH⁻¹v.
    Exact,
    /// Leave-one-out with the leverage correction.
    OneStep,
    /// The same with f evaluated anew.
    OneStepEvaluated,
}

/// What the scores are for; decides the default method and the words printed with it.
///
/// # Examples
/// ```
/// use unhat_models::influence::{ImpactKind, Method, SampleGradients, Task};
/// use unhat_models::models::{Activation, Family, Network};
/// assert_eq!("loo".parse::<Task>()?, Task::LeaveOneOut);
/// assert_eq!(Task::Fairness.default_impact(), ImpactKind::Parity);
/// let network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// let rows = SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?;
/// assert_eq!(Task::LeaveOneOut.default_method(&rows), Method::OneStep); // a small model without hidden layers
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Find mislabelled rows.
    Noise,
    /// Remove rows that hurt.
    Trim,
    /// Estimate the effect of dropping each row.
    LeaveOneOut,
    /// Remove rows that carry unfairness.
    Fairness,
    /// Remove rows that make the model easy to evade.
    Robustness,
}

/// Steps of `pcg` where none are named: Spearman .979 against true retraining on digits; 8 steps for values.
const HESSIAN_STEPS: usize = 4;
/// Steps for fairness and robustness: as good there as the exact inverse.
const FAIRNESS_STEPS: usize = 2;
/// Largest p for which leave-one-out goes through the Hessian itself.
const ONE_STEP_PARAMETERS: usize = 3000;
/// Damping of [`Method::TwoSteps`] in units of mean‖g‖².
const TWO_STEPS_DAMPING: f64 = 10.0;
/// Damping of [`Method::Fisher`].
const FISHER_DAMPING: f64 = 1.0;
/// Damping of [`Method::Leverage`].
pub const LEVERAGE_DAMPING: f64 = 0.1;

impl Task {
    /// All tasks.
    pub const ALL: [Task; 5] = [Task::Noise, Task::Trim, Task::LeaveOneOut, Task::Fairness, Task::Robustness];

    /// The word in results and options.
    pub fn name(self) -> &'static str {
        match self {
            Task::Noise => "noise",
            Task::Trim => "trim",
            Task::LeaveOneOut => "loo",
            Task::Fairness => "fairness",
            Task::Robustness => "robustness",
        }
    }

    /// f where none is asked for.
    pub fn default_impact(self) -> ImpactKind {
        match self {
            Task::Fairness => ImpactKind::Parity,
            Task::Robustness => ImpactKind::Robustness(ATTACK),
            _ => ImpactKind::Utility,
        }
    }

    /// The method for this task: rank sum of loss and WT-IP for noise and trimming (two Fisher steps in place of WT-IP
    /// where a layer has more than n/2 inputs), one-step leave-one-out up to 3000 parameters without hidden layers, a few
    /// Hessian steps otherwise.
    pub fn default_method(self, training: &SampleGradients<'_>) -> Method {
        let wide = training.network.layers.iter().any(|l| 2 * l.shape.inputs > training.rows());
        match self {
            Task::Noise | Task::Trim => Method::RankSum { two_steps: wide },
            Task::LeaveOneOut if training.network.layers.len() == 1 && training.parameters() <= ONE_STEP_PARAMETERS => {
                Method::OneStep
            }
            Task::LeaveOneOut => Method::HessianSteps { steps: HESSIAN_STEPS },
            Task::Fairness | Task::Robustness => Method::HessianSteps { steps: FAIRNESS_STEPS },
        }
    }
}

impl FromStr for Task {
    type Err = unhat::Error;

    fn from_str(text: &str) -> Result<Task> {
        Task::ALL.into_iter().find(|task| task.name() == text).ok_or_else(|| {
            let reason = format!("found {text:?}, expected noise, trim, loo, fairness or robustness");
            ErrorKind::Option { name: "task".into(), reason }.into()
        })
    }
}

impl Method {
    /// Refuses a damping that the method would ignore.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming the methods that have one.
    pub fn require_damping(self, given: Option<f64>) -> Result<()> {
        let damped =
            matches!(self, Method::TwoSteps | Method::Leverage | Method::Fisher | Method::RankSum { two_steps: true });
        if damped || given.is_none() {
            return Ok(());
        }
        let reason = format!(
            "is not used by {self}; cg2, leverage, fisher and rank-sum with cg2 have one, and so has the leverage that -o writes"
        );
        Err(ErrorKind::Option { name: "damping".into(), reason }.into())
    }

    /// What its scores are, in words; larger = better row.
    pub fn meaning(self) -> &'static str {
        match self {
            Method::Loss => "minus the row's loss under the model",
            Method::GradNorm => "minus the length of the row's gradient",
            Method::InnerProduct => "the row's gradient times the gradient of f, without curvature",
            Method::SelfInfluence => "minus the squared length of the row's gradient",
            Method::Checkpoints => "the row's gradient times the gradient of f, over checkpoints of the training",
            Method::WhitenedTempered => {
                "the row's gradient times a tempered gradient of f, whitened by the inputs of each layer"
            }
            Method::TwoSteps => "the row's gradient times two curvature steps on a tempered gradient of f",
            Method::RankSum { two_steps: false } => "the rank by loss and the rank by wt-ip, added",
            Method::RankSum { two_steps: true } => "the rank by loss and the rank by cg2, added",
            Method::Leverage => "minus the ridge leverage of the row's gradient among all gradients",
            Method::Fisher => "the row's gradient times the damped empirical-Fisher inverse times the gradient of f",
            Method::HessianSteps { .. } => {
                "the row's gradient times a few curvature steps on the gradient of f, corrected for leverage"
            }
            Method::Exact => "the row's gradient times the inverse Hessian times the gradient of f",
            Method::OneStep => "one Newton step without the row: what dropping it does to f, linearised",
            Method::OneStepEvaluated => "one Newton step without the row, and f evaluated there",
        }
    }

    /// What its scores may be called.
    pub fn claim(self) -> &'static str {
        match self {
            Method::OneStep | Method::HessianSteps { .. } => "leave-one-out estimate, linearised, leverage-corrected",
            Method::OneStepEvaluated => "leave-one-out estimate, leverage-corrected, f evaluated anew",
            Method::Exact => "leave-one-out estimate, linearised, not corrected for leverage",
            _ => "a ranking for noisy rows, not an estimate of leave-one-out",
        }
    }

    /// T where none is given: [`TEMPERATURE`] for the tempered methods, else 1.
    pub fn temperature(self) -> f64 {
        match self {
            Method::WhitenedTempered | Method::TwoSteps | Method::RankSum { .. } => TEMPERATURE,
            _ => 1.0,
        }
    }

    /// Whether it needs v, and so validation rows (or a given v).
    pub fn needs_v(self) -> bool {
        !matches!(self, Method::Loss | Method::GradNorm | Method::SelfInfluence | Method::Leverage)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Loss => f.write_str("loss"),
            Method::GradNorm => f.write_str("grad-norm"),
            Method::InnerProduct => f.write_str("ip"),
            Method::SelfInfluence => f.write_str("self"),
            Method::Checkpoints => f.write_str("ip-checkpoints"),
            Method::WhitenedTempered => f.write_str("wt-ip"),
            Method::TwoSteps => f.write_str("cg2"),
            Method::RankSum { two_steps: false } => f.write_str("rank-sum"),
            Method::RankSum { two_steps: true } => f.write_str("rank-sum:cg2"),
            Method::Leverage => f.write_str("leverage"),
            Method::Fisher => f.write_str("fisher"),
            Method::HessianSteps { steps } => write!(f, "pcg:{steps}"),
            Method::Exact => f.write_str("exact"),
            Method::OneStep => f.write_str("one-step"),
            Method::OneStepEvaluated => f.write_str("one-step-f"),
        }
    }
}

impl FromStr for Method {
    type Err = unhat::Error;

    fn from_str(name: &str) -> Result<Method> {
        let steps = |r: &str| r.parse().ok().filter(|r| *r > 0);
        Ok(match name.split_once(':') {
            None => match name {
                "loss" => Method::Loss,
                "grad-norm" => Method::GradNorm,
                "ip" => Method::InnerProduct,
                "self" => Method::SelfInfluence,
                "ip-checkpoints" => Method::Checkpoints,
                "wt-ip" => Method::WhitenedTempered,
                "cg2" => Method::TwoSteps,
                "rank-sum" => Method::RankSum { two_steps: false },
                "leverage" => Method::Leverage,
                "fisher" => Method::Fisher,
                "pcg" => Method::HessianSteps { steps: HESSIAN_STEPS },
                "exact" => Method::Exact,
                "one-step" => Method::OneStep,
                "one-step-f" => Method::OneStepEvaluated,
                _ => return Err(unknown(name)),
            },
            Some(("rank-sum", "cg2")) => Method::RankSum { two_steps: true },
            Some(("pcg", r)) => Method::HessianSteps { steps: steps(r).ok_or_else(|| unknown(name))? },
            Some(_) => return Err(unknown(name)),
        })
    }
}

fn unknown(name: &str) -> unhat::Error {
    let reason = format!(
        "found {name:?}, expected one of loss, grad-norm, ip, self, ip-checkpoints, wt-ip, cg2, rank-sum, leverage, fisher, \
         pcg[:steps], exact, one-step, one-step-f"
    );
    ErrorKind::Option { name: "method".into(), reason }.into()
}

/// Where v comes from.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Impact, Method, SampleGradients, Target};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let impact = Impact::utility(SampleGradients::new(&network, &[1.0; 2], &[4.0, 5.0])?); // on validation rows
/// let v = |target: Target<'_>| target.vector(Method::InnerProduct, 1.0, network.parameters(), &Run::default());
/// assert_eq!(v(Target::Impact { impact: &impact, absolute: false })?, [-3.0]); // (3 − 4) + (3 − 5)
/// assert_eq!(v(Target::Given(&[7.0]))?, [7.0]);
/// assert!(v(Target::Nothing).unwrap_err().to_string().contains("ip needs validation rows"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// The gradient ∇f of validation rows, of |f| where `absolute`: v times the sign of f.
    Impact {
        /// The function f that influence is on.
        impact: &'a Impact<'a>,
        /// Scores of |f|, for the signed unfairness.
        absolute: bool,
    },
    /// The negative margins of the training rows, each row without its own: for those without clean validation rows.
    TrainingMargin,
    /// The vector v itself, p values.
    Given(&'a [f64]),
    /// None, for the methods that need none.
    Nothing,
}

impl Target<'_> {
    /// v for a method.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] where this kind of target has none; [`ErrorKind::Numerical`] where it vanishes.
    pub fn vector(&self, method: Method, temperature: f64, parameters: usize, run: &Run<'_>) -> Result<Vec<f64>> {
        self.direction(method, temperature, parameters, run)?.ok_or_else(|| no_direction(&method.to_string()))
    }

    /// The same; None where v is at the size of its own rounding, so that no product with it has a digit.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] where this kind of target has none.
    pub fn direction(
        &self,
        method: Method,
        temperature: f64,
        parameters: usize,
        run: &Run<'_>,
    ) -> Result<Option<Vec<f64>>> {
        match self {
            Target::Impact { impact, absolute } => {
                let mut v = impact.gradient(temperature, run)?;
                if vanishes(impact, &v, temperature, run)? {
                    return Ok(None);
                }
                if *absolute && impact.value(run)? < 0.0 {
                    v.iter_mut().for_each(|v| *v = -*v);
                }
                Ok(Some(v))
            }
            Target::Given(v) => {
                unhat::rows::require_vector("v", v, parameters)?;
                Ok(Some(v.to_vec()))
            }
            Target::TrainingMargin => {
                let reason =
                    format!("{method} needs one v for all rows; the training margin goes with wt-ip and rank-sum");
                Err(ErrorKind::Option { name: "v".into(), reason }.into())
            }
            Target::Nothing => Err(needs_validation(method)),
        }
    }
}

/// What the user may choose besides the method.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{InfluenceOptions, Method, Preconditioner, SampleGradients, Target, score_rows};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let rows = SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?; // the gradients 2, 1, −3
/// let (temperature, preconditioner) = (None, Preconditioner::Jacobi);
/// let options = InfluenceOptions { penalty: 0.0, temperature, damping: Some(3.0), preconditioner };
/// let found = score_rows(Method::Fisher, &rows, Target::Given(&[28.0]), &options, &Run::default())?;
/// assert!((found.damping.unwrap() - 14.0).abs() < 1e-14); // three times the mean of g²
/// assert!((found.scores[0] - 2.0).abs() < 1e-14); // g·28/(Σg² + 14)
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InfluenceOptions {
    /// The penalty M of the objective Σℓ + ½M‖θ‖² that the model minimises.
    pub penalty: f64,
    /// The temperature T of v; None: the method's own.
    pub temperature: Option<f64>,
    /// The damping α in units of mean‖g‖²; None: the method's own.
    pub damping: Option<f64>,
    /// What [`Method::HessianSteps`] is preconditioned by.
    pub preconditioner: Preconditioner,
}

/// Scores and what belongs beside them.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{InfluenceOptions, Method, Preconditioner, SampleGradients, Target, score_rows};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let rows = SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?; // the gradients 2, 1, −3
/// let (temperature, preconditioner) = (None, Preconditioner::Jacobi);
/// let options = InfluenceOptions { penalty: 0.0, temperature, damping: Some(3.0), preconditioner };
/// let found = score_rows(Method::Leverage, &rows, Target::Nothing, &options, &Run::default())?;
/// assert!((found.scores[2] + 9.0 / 28.0).abs() < 1e-15); // −g²/(Σg² + 14): the worst
/// assert_eq!(found.largest_leverage, Some(-found.scores[2]));
/// assert_eq!(found.temperature, None); // there is no v to temper
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct Scored {
    /// The scores, one a row, larger = better.
    pub scores: Vec<f64>,
    /// The temperature T of v, where v was tempered or could be.
    pub temperature: Option<f64>,
    /// The damping M of the ridge or Fisher system.
    pub damping: Option<f64>,
    /// Relative residual of conjugate-gradient steps.
    pub residual: Option<f64>,
    /// The largest leverage h that was corrected for, or the largest ridge leverage.
    pub largest_leverage: Option<f64>,
}

impl Scored {
    fn plain(scores: Vec<f64>) -> Scored {
        Scored { scores, temperature: None, damping: None, residual: None, largest_leverage: None }
    }

    fn tempered(scores: Vec<f64>, temperature: f64) -> Scored {
        Scored { temperature: Some(temperature), ..Scored::plain(scores) }
    }
}

impl From<LeaveOneOut> for Scored {
    fn from(l: LeaveOneOut) -> Scored {
        Scored { residual: l.residual, largest_leverage: l.largest_leverage, ..Scored::plain(l.scores) }
    }
}

/// Scores every training row by one method.
///
/// # Shapes
/// n scores in row order.
/// # Cost
/// Two or three sweeps for the methods without curvature; see [`Ridge`], [`super::exact`] and the others for the rest.
/// # Errors
/// [`ErrorKind::Option`] for a method that the model, or the kind of v, does not admit; [`ErrorKind::Numerical`] where the
/// gradient of f, or that of every row, vanishes, so that the scores would be rounding noise, and with method and row for a
/// score that is no number; those of the parts.
/// # References
/// Influence2024.
pub fn score_rows(
    method: Method,
    training: &SampleGradients<'_>,
    target: Target<'_>,
    options: &InfluenceOptions,
    run: &Run<'_>,
) -> Result<Scored> {
    let scored = scores_as_computed(method, training, target, options, run)?;
    require_numbers(method, &scored.scores, |i| i)?;
    Ok(scored)
}

/// An error that names the first row whose score is no number; `row_of` gives the 0-based row of the table.
pub(super) fn require_numbers(method: Method, scores: &[f64], row_of: impl Fn(usize) -> usize) -> Result<()> {
    let Some(i) = scores.iter().position(|score| !score.is_finite()) else { return Ok(()) };
    let reason = format!(
        "method {method}: the score of row {} is {}, so nothing can be ranked; a fit that meets its training rows exactly \
         leaves gradients of 0, and a row that the fit follows wholly has no leave-one-out score: give more rows, fewer \
         columns or --penalty",
        row_of(i) + 1,
        scores[i]
    );
    Err(ErrorKind::Numerical { reason }.into())
}

/// The same, whatever the scores are.
pub(super) fn scores_as_computed(
    method: Method,
    training: &SampleGradients<'_>,
    target: Target<'_>,
    options: &InfluenceOptions,
    run: &Run<'_>,
) -> Result<Scored> {
    require_gradients(training, run)?;
    let temperature = options.temperature.unwrap_or(method.temperature());
    let negated = |values: Vec<f64>| values.into_iter().map(|v| -v).collect::<Vec<f64>>();
    let v = |temperature: f64| target.vector(method, temperature, training.parameters(), run);
    Ok(match method {
        Method::Loss => Scored::plain(negated(training.losses(run)?)),
        Method::SelfInfluence => Scored::plain(negated(training.norms_squared(run)?)),
        Method::GradNorm => {
            Scored::plain(training.norms_squared(run)?.into_iter().map(|square| -square.sqrt()).collect())
        }
        Method::InnerProduct => Scored::tempered(training.times(&v(temperature)?, run)?, temperature),
        Method::Checkpoints => {
            let reason = "the checkpoints of a training are scored one by one and then combined".to_string();
            return Err(ErrorKind::Option { name: "method".into(), reason }.into());
        }
        Method::WhitenedTempered => match target {
            Target::TrainingMargin => Scored::plain(training_margin_products(training, WHITENING, run)?),
            _ => Scored::tempered(whitened_products(training, &v(temperature)?, WHITENING, run)?, temperature),
        },
        Method::TwoSteps => {
            let damping = damping(training, options.damping.unwrap_or(TWO_STEPS_DAMPING), run)?;
            let product = |u: &[f64]| {
                let mut image = training.normal_times(u, run)?;
                image.iter_mut().zip(u).for_each(|(i, u)| *i += damping * u);
                Ok(image)
            };
            let solved = few_steps(&v(temperature)?, 2, product, <[f64]>::to_vec)?;
            Scored {
                damping: Some(damping),
                residual: Some(solved.residual),
                ..Scored::tempered(training.times(&solved.x, run)?, temperature)
            }
        }
        Method::RankSum { two_steps } => {
            let other = if two_steps { Method::TwoSteps } else { Method::WhitenedTempered };
            let scored = scores_as_computed(other, training, target, options, run)?;
            // A rank would hide that the score beneath it is no number.
            if scored.scores.iter().any(|score| !score.is_finite()) {
                return Ok(scored);
            }
            Scored { scores: rank_sum(&training.losses(run)?, &scored.scores), ..scored }
        }
        Method::Leverage => {
            let damping = damping(training, options.damping.unwrap_or(LEVERAGE_DAMPING), run)?;
            let leverages = Ridge::new(training, damping, run)?.leverages(run)?;
            let largest = leverages.iter().copied().reduce(f64::max);
            Scored { damping: Some(damping), largest_leverage: largest, ..Scored::plain(negated(leverages)) }
        }
        Method::Fisher => {
            let damping = damping(training, options.damping.unwrap_or(FISHER_DAMPING), run)?;
            let scores = Ridge::new(training, damping, run)?.damped(&v(temperature)?, run)?;
            Scored { damping: Some(damping), ..Scored::tempered(scores, temperature) }
        }
        Method::HessianSteps { steps } => {
            let v = v(temperature)?;
            leave_one_out::few_hessian_steps(training, options.penalty, &v, steps, options.preconditioner, run)?.into()
        }
        Method::Exact => leave_one_out::exact(training, options.penalty, &v(temperature)?, run)?.into(),
        Method::OneStep => leave_one_out::one_step(training, options.penalty, &v(temperature)?, run)?.into(),
        Method::OneStepEvaluated => match target {
            Target::Impact { impact, absolute } => {
                let mut found = leave_one_out::one_step_evaluated(training, options.penalty, impact, run)?;
                if absolute && impact.value(run)? < 0.0 {
                    found.scores.iter_mut().for_each(|s| *s = -*s);
                }
                found.into()
            }
            _ => return Err(needs_validation(method)),
        },
    })
}

/// −(midrank of the loss + midrank of the negative score).
pub fn rank_sum(losses: &[f64], scores: &[f64]) -> Vec<f64> {
    let harm: Vec<f64> = scores.iter().map(|s| -s).collect();
    midranks(losses).iter().zip(midranks(&harm)).map(|(loss, harm)| -(loss + harm)).collect()
}

/// M = α·mean‖g‖².
///
/// # Errors
/// [`ErrorKind::Option`] for an α that is not positive.
pub fn damping(training: &SampleGradients<'_>, alpha: f64, run: &Run<'_>) -> Result<f64> {
    if !(alpha > 0.0 && alpha.is_finite()) {
        return Err(ErrorKind::Option {
            name: "damping".into(),
            reason: format!("found {alpha}, expected a positive number"),
        }
        .into());
    }
    Ok(alpha * training.norms_squared(run)?.iter().sum::<f64>() / training.rows() as f64)
}

fn needs_validation(method: Method) -> unhat::Error {
    ErrorKind::Option { name: "method".into(), reason: format!("{method} needs validation rows") }.into()
}
