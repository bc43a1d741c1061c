//! How far scores may be trusted, as data: each number with its threshold and its meaning.

use super::diagnostics::{FEW_VALIDATION_ROWS, LARGE_LEVERAGE, LARGE_RESIDUAL, LOW_AGREEMENT, MEMORISED};
use serde::{Deserialize, Serialize};

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
