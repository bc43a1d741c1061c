//! What a study, a check or a trimming found, as data: the objects that the command line prints, the Python package returns
//! and the report draws.
//!
//! A number that does not apply is `None` (JSON null), never NaN.

use super::check::auc_of_one;
use super::diagnostics::{FEW_VALIDATION_ROWS, LARGE_LEVERAGE, LARGE_RESIDUAL, LOW_AGREEMENT, MEMORISED};
use super::membership::{MembershipReport, membership};
use super::{Direction, Phases, PlantedFlips, Prepared, RowName, Study, TrimRow, Trimmed, area_under_curve, ascending};
use crate::models::{Family, Fitted, Label};
use serde::{Deserialize, Serialize};
use unhat::{Result, Run};

/// How many of the worst and of the best rows are listed where nothing is said: two screens.
pub const LISTED_ROWS: usize = 50;

/// A fitted model.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8), whose best line is 2x + 1.
/// let model = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?.model;
/// assert_eq!((model.name.as_str(), model.family.as_str()), ("linear", "gaussian"));
/// assert_eq!((model.parameters, model.training_rows, model.penalty), (2, 4, 0.0));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// Its name, as it is asked for.
    pub name: String,
    /// The distribution of the response: gaussian, bernoulli, categorical or poisson.
    pub family: String,
    /// The number p of parameters.
    pub parameters: usize,
    /// The number n of training rows.
    pub training_rows: usize,
    /// The penalty M of the fit.
    pub penalty: f64,
    /// The mean held-out loss at every M that was tried, where M was chosen.
    pub cross_validation: Option<Vec<PenaltyReport>>,
    /// Share of training rows whose class is predicted; None for numbers.
    pub train_accuracy: Option<f64>,
    /// The classes in order; the last is the positive one of two.
    pub classes: Vec<Label>,
    /// The coefficients θ; empty for a network, whose weights are no coefficients.
    pub coefficients: Vec<Coefficient>,
}

/// A penalty that was tried.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let model = Influence::new(&table, "y", ModelKind::Ridge).method(Method::Loss).score()?.model;
/// let tried = model.cross_validation.unwrap();
/// let best = tried.iter().map(|tried| tried.loss.unwrap()).fold(f64::INFINITY, f64::min);
/// assert!(tried.iter().any(|tried| tried.penalty == model.penalty && tried.loss == Some(best)));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PenaltyReport {
    /// The penalty M of the fit.
    pub penalty: f64,
    /// Mean held-out loss; None where a fit diverged.
    pub loss: Option<f64>,
}

/// θ of one feature, in the units fitted: the feature is (x − center)/scale.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8), whose best line is 2x + 1.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?;
/// let [slope, constant] = found.model.coefficients.as_slice() else { panic!("of two features") };
/// assert_eq!((slope.name.as_str(), slope.center), ("x", 1.5));
/// assert!((slope.value / slope.scale - 2.0).abs() < 1e-12); // in the units of the table
/// assert!((constant.value - slope.value / slope.scale * slope.center - 1.0).abs() < 1e-12);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// The name of the feature.
    pub name: String,
    /// The class it speaks for, where there are classes.
    pub class: Option<Label>,
    /// The coefficient θ in the units fitted.
    pub value: f64,
    /// What was subtracted from the column.
    pub center: f64,
    /// What it was divided by afterwards.
    pub scale: f64,
}

/// f, signed.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, HeldOutRows, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let (x, y) = (vec![1.5], vec![6.0]);
/// let held_out = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let asked = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss);
/// let found = asked.validation(HeldOutRows::Table(held_out)).score()?.impact; // the fit is 2x + 1
/// assert_eq!(found.name, "utility");
/// assert!((found.value_validation.unwrap() - 2.0).abs() < 1e-12 && found.value_test.is_none()); // ½(4 − 6)²
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImpactReport {
    /// What f or v is: utility, parity, opportunity, robustness, training-margin or given.
    pub name: String,
    /// The value of f on the validation rows.
    pub value_validation: Option<f64>,
    /// The value of f on the test rows.
    pub value_test: Option<f64>,
}

/// How far the scores may be trusted.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, HeldOutRows, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let (x, y) = (vec![1.5], vec![6.0]);
/// let held_out = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let asked = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss);
/// let found = asked.validation(HeldOutRows::Table(held_out)).score()?.diagnostics;
/// assert_eq!((found.validation_rows, found.training_accuracy), (Some(1), None)); // numbers have no accuracy
/// assert!((found.effective_share.unwrap() - 1.0).abs() < 1e-15); // one row is all of v
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticsReport {
    /// The number m of validation rows.
    pub validation_rows: Option<usize>,
    /// Effective share of the validation rows in v.
    pub effective_share: Option<f64>,
    /// Cosine of v from two halves of the validation rows.
    pub half_cosine: Option<f64>,
    /// Share of rows whose sign of the damped Fisher score is certain.
    pub certified_share: Option<f64>,
    /// Rank correlation with eight curvature steps on 200 rows.
    pub agreement_cg8: Option<f64>,
    /// Relative residual of the method's conjugate gradients.
    pub cg_residual: Option<f64>,
    /// The largest leverage.
    pub largest_leverage: Option<f64>,
    /// Share of training rows whose class is predicted.
    pub training_accuracy: Option<f64>,
    /// The temperature T of the softmax.
    pub temperature: Option<f64>,
    /// The damping M of the damped system.
    pub damping: Option<f64>,
    /// What was averaged, with K > 1.
    pub ensemble: Option<EnsembleReport>,
}

/// What was averaged.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..20).map(f64::from).collect();
/// # let y: Vec<f64> = x.iter().map(|x| (x / 4.0).sin()).collect();
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let kind = Some(ModelKind::Network(vec![3]));
/// let request = Request { response: Some("y".into()), kind, ensemble: 2, ..Request::default() };
/// let request = Request { method: Some(Method::Loss), ..request };
/// let (prepared, run) = (request.prepare(table, Purpose::Score)?, Run::default());
/// let report = prepared.study_report(&prepared.study(&run)?, 5, &run)?;
/// let ensemble = report.diagnostics.ensemble.unwrap(); // None for one model
/// assert_eq!(ensemble.members, 2);
/// assert!(ensemble.rank_correlation_of_one.unwrap() <= 1.0);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleReport {
    /// The number K of fits that were averaged.
    pub members: u32,
    /// Mean rank correlation of one member's scores with the mean.
    pub rank_correlation_of_one: Option<f64>,
}

/// On which side of its threshold a diagnostic is doubtful.
///
/// # Examples
/// ```
/// use unhat_models::influence::{DoubtfulSide, Judgement};
/// let doubtful = |side: DoubtfulSide| {
///     let (name, meaning) = (String::new(), String::new());
///     Judgement { name, value: Some(0.7), threshold: Some(0.5), doubtful: Some(side), meaning }.is_doubtful()
/// };
/// assert!(doubtful(DoubtfulSide::Above) && !doubtful(DoubtfulSide::Below));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DoubtfulSide {
    /// Values below the threshold are doubtful.
    Below,
    /// Values above the threshold are doubtful.
    Above,
}

/// A diagnostic beside its threshold.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, HeldOutRows, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let (x, y) = (vec![1.5], vec![6.0]);
/// let held_out = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let asked = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss);
/// let judged = asked.validation(HeldOutRows::Table(held_out)).score()?.diagnostics.judged();
/// let of_rows = judged.iter().find(|judgement| judgement.name == "validation_rows").unwrap();
/// assert_eq!((of_rows.value, of_rows.is_doubtful()), (Some(1.0), true)); // one row says little
/// assert!(judged.iter().all(|judgement| judgement.value.is_some() || !judgement.is_doubtful()));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Its key in [`DiagnosticsReport`].
    pub name: String,
    /// Its value, where it applies.
    pub value: Option<f64>,
    /// Where doubt begins; None where no threshold is known.
    pub threshold: Option<f64>,
    /// On which side of the threshold; None without one.
    pub doubtful: Option<DoubtfulSide>,
    /// What it is and what to do about it.
    pub meaning: String,
}

impl Judgement {
    /// Whether the value is on the doubtful side of its threshold.
    pub fn is_doubtful(&self) -> bool {
        match (self.value, self.threshold, self.doubtful) {
            (Some(value), Some(threshold), Some(DoubtfulSide::Below)) => value < threshold,
            (Some(value), Some(threshold), Some(DoubtfulSide::Above)) => value > threshold,
            _ => false,
        }
    }
}

impl DiagnosticsReport {
    /// Every number with its threshold and its meaning; the thresholds are those of the warnings.
    pub fn judged(&self) -> Vec<Judgement> {
        let judge = |name: &str, value: Option<f64>, limit: Option<(DoubtfulSide, f64)>, meaning: &str| Judgement {
            name: name.into(),
            value,
            threshold: limit.map(|(_, threshold)| threshold),
            doubtful: limit.map(|(side, _)| side),
            meaning: meaning.into(),
        };
        let (below, above) = (|t| Some((DoubtfulSide::Below, t)), |t| Some((DoubtfulSide::Above, t)));
        vec![
            judge(
                "validation_rows",
                self.validation_rows.map(|rows| rows as f64),
                below(FEW_VALIDATION_ROWS as f64),
                "rows that v is made of; with few, the scores depend on which they are",
            ),
            judge(
                "effective_share",
                self.effective_share,
                None,
                "how many of those rows v really consists of, as a share; small: a few misfit rows are v",
            ),
            judge(
                "half_cosine",
                self.half_cosine,
                None,
                "cosine of v from two halves of those rows; near one: v does not depend on which they are",
            ),
            judge(
                "agreement_cg8",
                self.agreement_cg8,
                below(LOW_AGREEMENT),
                "rank correlation of the scores with eight curvature steps, on up to two hundred rows; low: the order is doubtful",
            ),
            judge(
                "certified_share",
                self.certified_share,
                None,
                "share of rows whose sign of the damped score is proven; none: signs are not guaranteed",
            ),
            judge(
                "cg_residual",
                self.cg_residual,
                above(LARGE_RESIDUAL),
                "relative residual of the method’s conjugate gradients; large: take more steps",
            ),
            judge(
                "largest_leverage",
                self.largest_leverage,
                above(LARGE_LEVERAGE),
                "the largest leverage; large: that row has most of its own prediction",
            ),
            judge(
                "training_accuracy",
                self.training_accuracy,
                above(MEMORISED),
                "share of training rows whose class is predicted; near one the model memorises: prefer rank-sum to plain loss",
            ),
        ]
    }
}

/// A row of the worst or the best.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8) the line 2x + 1 misses the second most, by 3.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?;
/// let worst = &found.top[0];
/// assert_eq!(worst.row.to_string(), "2");
/// assert!((worst.loss - 4.5).abs() < 1e-12 && (worst.score + 4.5).abs() < 1e-12);
/// assert!((worst.hat.unwrap() - 0.3).abs() < 1e-12); // 1/4 + (1 − 1.5)²/5
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredRow {
    /// Its name or number.
    pub row: RowName,
    /// The score of the row; larger = better.
    pub score: f64,
    /// The loss ℓᵢ of the row.
    pub loss: f64,
    /// Ridge leverage of its gradient among all gradients, which vanishes with its residual; None where not computed.
    #[serde(default)]
    pub gradient_leverage: Option<f64>,
    /// Its hat value in the fit; None where the model has none.
    #[serde(default)]
    pub hat: Option<f64>,
}

/// A scored table.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8) the line 2x + 1 misses the second most and the third not at all.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?;
/// assert_eq!((found.task.as_str(), found.method.as_str()), ("noise", "loss"));
/// assert_eq!((found.top[0].row.to_string(), found.best[0].row.to_string()), ("2".into(), "3".into()));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyReport {
    /// The model whose rows were scored.
    pub model: ModelReport,
    /// What the scores are for.
    pub task: String,
    /// The function f that influence is on.
    pub impact: ImpactReport,
    /// How rows were scored.
    pub method: String,
    /// What the scores may be called.
    pub claim: String,
    /// How far they may be trusted.
    pub diagnostics: DiagnosticsReport,
    /// The lowest scores, worst first.
    pub top: Vec<ScoredRow>,
    /// The highest, best first.
    pub best: Vec<ScoredRow>,
    /// Whose membership shows; None unless the model is linear or ridge.
    pub membership: Option<MembershipReport>,
    /// Where the seconds went.
    pub phase_seconds: Phases,
}

/// How the methods find planted flips.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Logistic));
/// # let request = Request { response, kind, without: vec!["bad".into()], ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Check)?, Run::default());
/// let found = prepared.check_report(&prepared.check(&run)?);
/// assert_eq!((found.flipped, found.ensemble), (2, 1)); // 5 % of the 48 rows that are not held out
/// assert_eq!((found.model.name.as_str(), found.model.training_rows), ("logistic", 48));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// How many labels were flipped.
    pub flipped: usize,
    /// The methods, best first.
    pub methods: Vec<MethodReport>,
    /// Those that this model or its size does not admit.
    pub left_out: Vec<LeftOut>,
    /// The model trained on the planted flips.
    pub model: ModelReport,
    /// The number K of fits.
    pub ensemble: u32,
}

/// A method on planted flips.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Logistic));
/// # let request = Request { response, kind, without: vec!["bad".into()], ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Check)?, Run::default());
/// let found = prepared.check_report(&prepared.check(&run)?);
/// assert!(found.methods.iter().any(|method| method.method == "rank-sum"));
/// assert!(found.methods.windows(2).all(|pair| pair[0].auc >= pair[1].auc)); // best first
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// Its name, as it is asked for.
    pub method: String,
    /// Area under the curve: how often a flipped row ranks as worse than one that is not.
    pub auc: f64,
    /// Average precision over the flipped rows, worst first.
    pub average_precision: f64,
    /// Mean area under the curve of one member, where K > 1: `auc` less this is the gain over K = 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_of_one: Option<f64>,
}

/// A method that was not run.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// let (response, kind) = (Some("y".into()), Some(ModelKind::Logistic));
/// let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// let prepared = request.prepare(table, Purpose::Check)?; // the loss needs no validation rows, so that there are none
/// let found = prepared.check_report(&prepared.check(&Run::default())?);
/// let product = found.left_out.iter().find(|left_out| left_out.method == "ip").unwrap();
/// assert!(product.reason.contains("ip needs validation rows"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name, as it is asked for.
    pub method: String,
    /// Why it was not run.
    pub reason: String,
}

/// What trimming did, beside its baselines.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind, truth) = (Some("y".into()), Some(ModelKind::Logistic), Some("bad".into()));
/// # let request = Request { response, kind, truth, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Trim)?, Run::default());
/// # let study = prepared.study(&run)?;
/// let found = prepared.trim_report(&study, &prepared.trim(&study, 0.1, &run)?); // some classes of the table are wrong
/// assert_eq!((found.method.as_str(), found.removed.len()), ("loss", 5)); // a tenth of the 48 that are no test rows
/// assert!(found.auc_of_truth.unwrap() > 0.9); // and which they are is known
/// assert!(!found.stopped_at_crossing); // that is for unfairness
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrimReport {
    /// The model before trimming.
    pub model: ModelReport,
    /// The function f that influence is on.
    pub impact: ImpactReport,
    /// How rows were scored.
    pub method: String,
    /// Whether trimming stopped where the unfairness on V crossed 0.
    pub stopped_at_crossing: bool,
    /// Area under the curve of the scores on the rows known to be bad.
    pub auc_of_truth: Option<f64>,
    /// The mean of the same for one member, where K > 1: `auc_of_truth` less this is the gain over K = 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_of_one: Option<f64>,
    /// One row a way, "none" first, the method second.
    pub rows: Vec<TrimRowReport>,
    /// Rows removed, worst first.
    pub removed: Vec<RowName>,
}

/// A way to change the training rows, and what came of it.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind, truth) = (Some("y".into()), Some(ModelKind::Logistic), Some("bad".into()));
/// # let request = Request { response, kind, truth, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Trim)?, Run::default());
/// # let study = prepared.study(&run)?;
/// let report = prepared.trim_report(&study, &prepared.trim(&study, 0.1, &run)?);
/// let ways: Vec<&str> = report.rows.iter().map(|row| row.trim.as_str()).collect();
/// assert_eq!(ways, ["none", "loss", "random", "loss", "oracle"]); // the method beside its baselines
/// assert!(report.rows.iter().all(|row| row.test_accuracy.is_some()));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrimRowReport {
    /// The way, as in [`TrimRow::trim`].
    pub trim: String,
    /// How many rows were removed.
    pub removed: usize,
    /// Share of test rows whose class is predicted.
    pub test_accuracy: Option<f64>,
    /// The value of f on the validation rows, signed.
    pub value_validation: Option<f64>,
    /// The value of f on the test rows, signed.
    pub value_test: Option<f64>,
    /// Accuracy on test rows attacked through the model before trimming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attacked_accuracy: Option<f64>,
    /// Accuracy on test rows attacked through this model: 1 − its clean accuracy for γ > 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive_accuracy: Option<f64>,
}

impl From<&TrimRow> for TrimRowReport {
    fn from(row: &TrimRow) -> Self {
        TrimRowReport {
            trim: row.trim.clone(),
            removed: row.removed,
            test_accuracy: row.test_accuracy,
            value_validation: row.value_validation,
            value_test: row.value_test,
            attacked_accuracy: row.attacked_accuracy,
            adaptive_accuracy: row.adaptive_accuracy,
        }
    }
}

impl Prepared {
    /// A study as data, with `listed` rows of the worst and of the best.
    ///
    /// # Errors
    /// Those of the hat values of a linear model.
    pub fn study_report(&self, study: &Study, listed: usize, run: &Run<'_>) -> Result<StudyReport> {
        let order = ascending(&study.scores);
        let row = |&i: &usize| ScoredRow {
            row: self.row_name(i),
            score: study.scores[i],
            loss: study.losses[i],
            gradient_leverage: study.leverages.as_ref().map(|leverages| leverages[i]),
            hat: study.hat.as_ref().map(|hat| hat[i]),
        };
        let d = &study.diagnostics;
        Ok(StudyReport {
            model: self.model_report(&study.fitted, d.training_accuracy),
            task: self.options.task.name().into(),
            impact: self.impact_report(study),
            method: study.method.to_string(),
            claim: study.method.claim().into(),
            diagnostics: DiagnosticsReport {
                validation_rows: d.validation_rows,
                effective_share: d.effective_share,
                half_cosine: d.half_cosine,
                certified_share: d.certified_share,
                agreement_cg8: d.agreement,
                cg_residual: d.residual,
                largest_leverage: d.largest_leverage,
                training_accuracy: d.training_accuracy,
                temperature: study.temperature,
                damping: study.damping,
                ensemble: study
                    .ensemble
                    .map(|e| EnsembleReport { members: e.members, rank_correlation_of_one: e.correlation }),
            },
            top: order.iter().take(listed).map(row).collect(),
            best: order.iter().rev().take(listed).map(row).collect(),
            membership: membership(self, study, run)?,
            phase_seconds: study.phases,
        })
    }

    /// A check as data.
    pub fn check_report(&self, found: &PlantedFlips) -> CheckReport {
        CheckReport {
            flipped: found.flipped,
            methods: found
                .methods
                .iter()
                .map(|m| MethodReport {
                    method: m.method.to_string(),
                    auc: m.auc,
                    average_precision: m.average_precision,
                    auc_of_one: m.auc_of_one,
                })
                .collect(),
            left_out: found
                .left_out
                .iter()
                .map(|(method, reason)| LeftOut { method: method.to_string(), reason: reason.clone() })
                .collect(),
            model: self.model_report(&found.fitted, found.training_accuracy),
            ensemble: found.members,
        }
    }

    /// A trimming as data.
    pub fn trim_report(&self, study: &Study, found: &Trimmed) -> TrimReport {
        let harm: Vec<f64> = study.scores.iter().map(|s| -s).collect();
        let truth = self.truth.as_deref();
        TrimReport {
            model: self.model_report(&study.fitted, study.diagnostics.training_accuracy),
            impact: self.impact_report(study),
            method: study.method.to_string(),
            stopped_at_crossing: found.stopped_at_crossing,
            auc_of_truth: truth.and_then(|truth| area_under_curve(&harm, truth)),
            auc_of_one: truth.and_then(|truth| auc_of_one(&study.members, truth)),
            rows: found.rows.iter().map(TrimRowReport::from).collect(),
            removed: found.removed.iter().map(|&i| self.row_name(i)).collect(),
        }
    }

    fn impact_report(&self, study: &Study) -> ImpactReport {
        ImpactReport {
            name: match self.options.direction {
                Direction::Given(_) => "given".into(),
                Direction::TrainingMargin => "training-margin".into(),
                Direction::Validation => self.options.impact.name().into(),
            },
            value_validation: study.impact.validation,
            value_test: study.impact.test,
        }
    }

    fn model_report(&self, fitted: &Fitted, train_accuracy: Option<f64>) -> ModelReport {
        let network = &fitted.network;
        ModelReport {
            name: self.options.kind.to_string(),
            family: match network.family {
                Family::Gaussian => "gaussian",
                Family::Bernoulli => "bernoulli",
                Family::Categorical { .. } => "categorical",
                Family::Poisson => "poisson",
            }
            .into(),
            parameters: network.parameters(),
            training_rows: self.parts.train.rows.len(),
            penalty: fitted.penalty,
            cross_validation: fitted.cross_validation.as_ref().map(|cv| {
                let tried = |l: &crate::models::PenaltyLoss| PenaltyReport {
                    penalty: l.penalty,
                    loss: l.loss.is_finite().then_some(l.loss),
                };
                cv.losses.iter().map(tried).collect()
            }),
            train_accuracy,
            coefficients: self.coefficients(fitted),
            classes: self.parts.response.classes().to_vec(),
        }
    }

    /// θ by feature and class.
    fn coefficients(&self, fitted: &Fitted) -> Vec<Coefficient> {
        let network = &fitted.network;
        if network.layers.len() > 1 {
            return Vec::new();
        }
        let (features, classes) = (self.parts.encoding.features(), self.parts.response.classes());
        let class_of = |output: usize| match network.family {
            Family::Bernoulli => classes.last().cloned(),
            Family::Categorical { .. } => classes.get(output).cloned(),
            _ => None,
        };
        let width = features.len();
        let coefficient = |(k, &value): (usize, &f64)| {
            let feature = &features[k % width];
            Coefficient {
                name: feature.name.clone(),
                class: class_of(k / width),
                value,
                center: feature.center,
                scale: feature.scale,
            }
        };
        network.layers[0].weights.iter().enumerate().map(coefficient).collect()
    }
}
