//! Whose membership in the training rows shows in a linear or ridge fit: closed forms in the hat values of its features.

use super::{Prepared, RowName, Study};
use crate::models::ModelKind;
use serde::{Deserialize, Serialize};
use unhat::leverage::{Exposure, ScoreOptions, leverage_scores, membership_auc, membership_divergence, membership_tpr};
use unhat::rows::DenseRows;
use unhat::{Result, Run};

/// Rows listed, as many as the audit lists.
const LISTED: usize = 60;
/// The false-positive rate that is printed.
const FALSE_ALARMS: f64 = 0.01;

/// How well it can be told from the fit whether a row was used: the best test against a Gaussian linear model.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of four rows at x = 0, 1, 2, 3, whose hat values are 0.7, 0.3, 0.3 and 0.7.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?.membership.unwrap();
/// assert!((found.effective_dimension - 2.0).abs() < 1e-12); // a line has two parameters
/// assert_eq!((found.count, found.auc_over_055), (4, 4)); // the least exposed have (2/π)·arctan(1/0.7) = 0.61
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MembershipReport {
    /// What the hat values are of, and how far the closed forms hold.
    pub of: String,
    /// The number n of training rows.
    pub count: u64,
    /// The effective dimension Σh of the fit.
    pub effective_dimension: f64,
    /// Rows with an AUC above 0.55.
    pub auc_over_055: u64,
    /// The median of the AUC over the training rows.
    pub auc_median: f64,
    /// The most exposed rows, first the most.
    pub top: Vec<MembershipRow>,
}

/// One row.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of four rows at x = 0, 1, 2, 3 those at the ends decide most of their own fit.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?.membership.unwrap();
/// let first = &found.top[0];
/// assert!((first.hat - 0.7).abs() < 1e-12); // 1/4 + 1.5²/5
/// assert!((first.auc - (1.0_f64 / 0.3).atan() / std::f64::consts::FRAC_PI_2).abs() < 1e-12);
/// assert!((first.kl.unwrap() - 0.748_972_8).abs() < 1e-6); // −log 0.3 + (0.09 − 1)/2
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MembershipRow {
    /// Its name or number.
    pub row: RowName,
    /// The hat value h of the row.
    pub hat: f64,
    /// The area under the curve of the best test, (2/π)·arctan(1/(1−h)).
    pub auc: f64,
    /// True positives at 1 % false positives: 2Φ(Φ⁻¹(.995)/(1−h)) − 1.
    pub tpr_at_1pct: f64,
    /// The divergence of the fits with and without the row, −log(1−h) + ((1−h)²−1)/2 nats; None where h = 1.
    pub kl: Option<f64>,
}

/// The membership of the training rows of a linear or ridge model; None for another.
///
/// hᵢ = aᵢᵀ(AᵀA + M·I)⁻¹aᵢ over the features of the fit, the constant one included.
///
/// # Cost
/// Two sweeps over the features.
/// # Errors
/// Those of [`leverage_scores`].
pub fn membership(prepared: &Prepared, study: &Study, run: &Run<'_>) -> Result<Option<MembershipReport>> {
    if !matches!(prepared.options.kind, ModelKind::Linear | ModelKind::Ridge) {
        return Ok(None);
    }
    let penalty = study.fitted.penalty;
    let rows = DenseRows::new(&prepared.parts.train.features, prepared.parts.encoding.width())?;
    let scores = leverage_scores(&rows, None, &ScoreOptions { ridge: penalty, ..ScoreOptions::default() }, run)?;
    let exposure = Exposure::of(&scores.values);
    let row = |&i: &usize| -> Result<MembershipRow> {
        let hat = scores.values[i].clamp(0.0, 1.0); // rounding alone leaves this range
        Ok(MembershipRow {
            row: prepared.row_name(i),
            hat,
            auc: membership_auc(hat),
            tpr_at_1pct: membership_tpr(hat, FALSE_ALARMS)?,
            kl: membership_divergence(hat),
        })
    };
    let of = if penalty == 0.0 {
        "hat values of a least-squares fit: exact for Gaussian noise"
    } else {
        "ridge hat values: approximate, since a penalty biases residuals and leaves them less variance than 1 − h says"
    };
    Ok(Some(MembershipReport {
        of: of.into(),
        count: scores.values.len() as u64,
        effective_dimension: scores.sum,
        auc_over_055: exposure.standing_out as u64,
        auc_median: exposure.median_auc,
        top: exposure.order.iter().take(LISTED).map(row).collect::<Result<_>>()?,
    }))
}
