//! The risk appetite: from which numbers on an output needs a second look, and from which it may not leave.

use serde::{Deserialize, Serialize};
use unhat::{ErrorKind, Result};

/// The thresholds of a check. What a file leaves out has its default.
///
/// # References
/// `minimum_count`, `minimum_freedom`, `dominance`: the defaults of ACRO (safe_threshold 10, safe_dof_threshold 10,
/// safe_nk_n 2, safe_nk_k 0.90). `failing_count`, `saturation`: DataSHIELD (nfilter.tab 3, nfilter.glm 0.33).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Appetite {
    /// Groups of fewer rows are reviewed.
    pub minimum_count: u64,
    /// Groups of fewer rows fail.
    pub failing_count: u64,
    /// Fewer residual degrees of freedom fail.
    pub minimum_freedom: u64,
    /// A rank above this share of the rows is reviewed.
    pub saturation: f64,
    /// A share of one's own fitted value above this is reviewed: the error of a guess is cut to a third.
    pub own_share_review: f64,
    /// A share of one's own fitted value above this fails.
    pub own_share_fail: f64,
    /// λmax(H_SS) above this: a combination of columns singles out the rows S, fewer than `failing_count`.
    pub isolated: f64,
    /// The same for larger groups, which are set apart less sharply in honest fits as well.
    pub isolated_review: f64,
    /// So many contributors …
    pub dominance_contributors: u64,
    /// … with more than this share of what stands behind a fitted value fail.
    pub dominance: f64,
    /// R² above this is reviewed.
    pub r_squared_review: f64,
    /// R² above this fails.
    pub r_squared_fail: f64,
    /// A row-level item is reviewed below this quotient of errors, with the release and without.
    pub error_review: f64,
    /// A row-level item fails below this quotient of errors.
    pub error_fail: f64,
    /// A yes-or-no secret is reviewed above this area under the curve.
    pub auc_review: f64,
    /// A yes-or-no secret fails above this area under the curve.
    pub auc_fail: f64,
}

impl Default for Appetite {
    fn default() -> Self {
        Appetite {
            minimum_count: 10,
            failing_count: 3,
            minimum_freedom: 10,
            saturation: 0.33,
            own_share_review: 2.0 / 3.0,
            own_share_fail: 0.90,
            isolated: 0.99,
            isolated_review: 0.999,
            dominance_contributors: 2,
            dominance: 0.90,
            r_squared_review: 0.99,
            r_squared_fail: 0.9999,
            error_review: 0.9,
            error_fail: 0.5,
            auc_review: 0.7,
            auc_fail: 0.9,
        }
    }
}

/// A threshold, what it is and where it comes from: a line of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Its key in an appetite file.
    pub key: String,
    /// The value in force.
    pub value: f64,
    /// Where the default comes from.
    pub source: String,
}

const ACRO: &str = "ACRO, default risk appetite";
const DATASHIELD: &str = "DataSHIELD, disclosure settings";
const OURS: &str = "unhat, calibrated on honest and on planted fits";

impl Appetite {
    /// The thresholds one by one, with the source of their defaults.
    #[must_use]
    pub fn thresholds(&self) -> Vec<Threshold> {
        let of = |key: &str, value: f64, source: &str| Threshold { key: key.into(), value, source: source.into() };
        vec![
            of("minimum_count", self.minimum_count as f64, ACRO),
            of("failing_count", self.failing_count as f64, DATASHIELD),
            of("minimum_freedom", self.minimum_freedom as f64, ACRO),
            of("saturation", self.saturation, DATASHIELD),
            of("own_share_review", self.own_share_review, OURS),
            of("own_share_fail", self.own_share_fail, ACRO),
            of("isolated", self.isolated, OURS),
            of("isolated_review", self.isolated_review, OURS),
            of("dominance_contributors", self.dominance_contributors as f64, ACRO),
            of("dominance", self.dominance, ACRO),
            of("r_squared_review", self.r_squared_review, OURS),
            of("r_squared_fail", self.r_squared_fail, OURS),
            of("error_review", self.error_review, OURS),
            of("error_fail", self.error_fail, OURS),
            of("auc_review", self.auc_review, OURS),
            of("auc_fail", self.auc_fail, OURS),
        ]
    }

    /// Whether the thresholds can be what somebody meant.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming the key: a share outside (0, 1], a failing threshold on the wrong side of the one for
    /// review, no contributor.
    pub fn require_sound(&self) -> Result<()> {
        let wrong =
            |key: &str, reason: String| Err(ErrorKind::Option { name: format!("appetite, {key}"), reason }.into());
        for threshold in self.thresholds() {
            let counted = matches!(
                threshold.key.as_str(),
                "minimum_count" | "failing_count" | "minimum_freedom" | "dominance_contributors"
            );
            let is_share = threshold.value > 0.0 && threshold.value <= 1.0;
            if !(counted || is_share) {
                return wrong(&threshold.key, format!("found {}, expected a number in (0, 1]", threshold.value));
            }
        }
        if self.dominance_contributors == 0 || self.minimum_count == 0 {
            return wrong("minimum_count", "counts of 0 would let everything pass; expected 1 or more".into());
        }
        // (key, strict, lax): the failing threshold may not be easier to reach than the reviewing one.
        let pairs = [
            ("failing_count", self.failing_count as f64, self.minimum_count as f64),
            ("own_share_fail", self.own_share_review, self.own_share_fail),
            ("r_squared_fail", self.r_squared_review, self.r_squared_fail),
            ("error_fail", self.error_fail, self.error_review),
            ("auc_fail", self.auc_review, self.auc_fail),
        ];
        for (key, low, high) in pairs {
            if low > high {
                return wrong(
                    key,
                    format!("it is on the wrong side of the threshold for review: {low} is above {high}"),
                );
            }
        }
        Ok(())
    }
}
