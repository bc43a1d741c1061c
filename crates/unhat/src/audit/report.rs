//! The findings of an audit as data: schema `unhat.findings/1`, from which the report is drawn and nothing else.
//!
//! Units by suffix: `_rel` is a share (1 = 100 %), `_abs` is in the units of the release. A number that is unbounded or
//! unknown is `None` (JSON null), never NaN or infinite. Strings are raw; whoever draws them escapes them. All arrays of a
//! curve have the same length.

pub use crate::report::{Check, Tool};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name and version of the schema, the value of [`AuditReport::schema`].
pub const SCHEMA: &str = "unhat.findings/1";

/// Everything an audit found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whether values of coefficients and numbers of rows are in here.
    pub detail: Detail,
    /// When, as RFC 3339 in UTC; None where the caller gave no clock.
    pub created_utc: Option<String>,
    /// What computed it.
    pub tool: Tool,
    /// The data.
    pub table: Table,
    /// What is to be released.
    pub release: Release,
    /// What the person who ran the audit declared: echoed, not measured.
    pub declared: Declared,
    /// The one-sentence answer in numbers.
    pub verdict: Verdict,
    /// What is known without any release.
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// Sentences, worst first.
    pub findings: Vec<Finding>,
    /// Error against noise, for the release as a whole.
    pub attack_curve: AttackCurve,
    /// The Cramér–Rao bound of that release.
    pub bound: Bound,
    /// What each wished error costs.
    pub noise_needed: Vec<NoiseNeeded>,
    /// The (ε, δ) that the planned noise means for this table.
    pub privacy: Privacy,
    /// What other protections leave.
    pub protections: Vec<ProtectionResult>,
    /// Each coefficient at the planned protection.
    pub coordinates: Vec<Coordinate>,
    /// Fitted values and residuals at the planned protection.
    pub fitted: FittedErrors,
    /// The rows whose membership shows most.
    pub rows: ExposedRows,
    /// Hat value against studentised residual, binned.
    pub density: Option<Density>,
    /// How the attacks on the release as computed converged.
    pub convergence: Vec<Convergence>,
    /// Identities that must hold.
    pub checks: Vec<Check>,
    /// One entry for each release, attack, protection and level that was tried.
    pub releases: Vec<ReleaseResult>,
    /// What the reader must know and no number says.
    pub warnings: Vec<String>,
}

/// Who the findings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// The owner of the table: everything.
    Owner,
    /// Somebody else: no coefficient values, no row numbers.
    Share,
}

/// The audited table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its file's name, or what the caller called it.
    pub name: String,
    /// SHA-256 of its values (row-major little-endian f64, then the offset), in hexadecimal.
    pub sha256: String,
    /// The number n of rows.
    pub rows: u64,
    /// The number d of columns.
    pub columns: u64,
    /// Rank of the weighted matrix at the audited point.
    pub rank: u64,
    /// Its condition number.
    pub condition: Option<f64>,
    /// Names of the columns; "x1"… where there are none.
    pub column_names: Vec<String>,
    /// The response column, for a table with `--response`.
    pub response: Option<String>,
}

/// What is to be released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Scores, gradient or both.
    pub kind: ReleaseKind,
    /// How many scores are released (0 for the gradient alone).
    pub rows_released: u64,
    /// Root mean square of the released numbers: the unit of `noise_rel`.
    pub rms: f64,
    /// The largest of their absolute values.
    pub max: f64,
    /// The protection the owner plans.
    pub planned: Protection,
}

/// Which numbers are released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseKind {
    /// The scores σ(x).
    Scores,
    /// g(x) = −A_xᵀσ.
    Gradient,
    /// Scores and gradient.
    Both,
}

/// What is done to the numbers before they are released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Protection {
    /// Released as computed.
    None,
    /// Gaussian noise of one standard deviation.
    Gaussian {
        /// In units of the release's rms.
        noise_rel: f64,
        /// In the release's own units.
        noise_abs: f64,
    },
    /// Rounded to so many significant digits.
    Rounding {
        /// Significant decimal digits.
        digits: u32,
    },
    /// Values beyond this quantile of the absolute values are set to it.
    Clip {
        /// Between 0 and 1.
        quantile: f64,
    },
    /// Only the largest scores are released.
    TopK {
        /// How many.
        k: u32,
    },
}

/// The owner's own words: the wished error, what the attacker is taken to have, δ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// An attack that gets closer than this (‖x̂ − x‖/‖x‖) has succeeded.
    pub target_rel_error: f64,
    /// "table", "scores" | "gradient", "start", "signs".
    pub attacker: Vec<String>,
    /// δ of (ε, δ).
    pub delta: f64,
}

/// The attacks that are run; each starts from what its name says, and the table.
///
/// Written "blind", "start", "signs_known", "ridge"; in [`ReleaseResult`] the last is "signs", the option's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttackKind {
    /// Knows the table and the release.
    Blind,
    /// Knows a point near x as well.
    Start,
    /// Knows on which side of the fit every row lies.
    #[serde(rename = "signs_known")]
    Signs,
    /// Takes x for a ridge fit of the offset with an unknown penalty; answers where the release does not contradict it.
    Ridge,
}

/// [`AttackKind`] under the names of the options.
#[derive(Serialize, Deserialize)]
#[serde(remote = "AttackKind", rename_all = "lowercase")]
enum AttackOption {
    Blind,
    Start,
    Signs,
    Ridge,
}

/// Whether the planned protection keeps the wished error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The 5 % point of the strongest attack is above the target.
    pub meets_target: bool,
    /// The strongest attack without a start; of two that are equally close the one that knows less.
    pub attack: AttackKind,
    /// Its error ‖x̂ − x‖/‖x‖ over the trials.
    pub rel_error: Spread,
    /// The same tries in standard errors of the coefficients, [`Baseline::error_se`]; None in a report to share, because
    /// beside relative errors it says how large the coefficients are.
    #[serde(default)]
    pub error_se: Option<Spread>,
}

/// The answer of whoever knows the table and the signs of Ax − b, and has no release: the centre of the cell of x (in an
/// unbounded cell some point of it). A release gives away what an attack gains over this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Its ‖x̂ − x‖/‖x‖.
    pub rel_error: f64,
    /// √(mean over j of ((x̂ⱼ − xⱼ)/seⱼ)²), seⱼ the standard error of coefficient j in the least-squares fit of the offset;
    /// None where that fit leaves nothing over, and in a report to share.
    pub error_se: Option<f64>,
}

/// Errors over N trials. Quantiles first: a failed try makes a root mean square look safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Half of the tries are closer.
    pub median: f64,
    /// One try in twenty is closer.
    pub q05: f64,
    /// Nineteen in twenty are closer.
    pub q95: f64,
    /// Root mean square.
    pub rmse: f64,
    /// Its 95 % interval.
    pub rmse_ci95: [f64; 2],
    /// The number N of tries.
    pub trials: u32,
    /// Share of tries within three times the Cramér–Rao bound; None where there is no bound (no noise).
    pub share_at_bound: Option<f64>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something is given away.
    Exposed,
    /// Something can be done.
    Action,
    /// Good to know.
    Note,
}

/// One finding: a sentence, the numbers in it, and where to read on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable name.
    pub id: String,
    /// How much it matters.
    pub level: Level,
    /// A full sentence with its number.
    pub title: String,
    /// What it means, two or three sentences.
    pub text: String,
    /// Every number printed in title and text, by name.
    pub numbers: BTreeMap<String, Option<f64>>,
    /// The section of the report that shows it: "attack", "protections", "coordinates", "fitted", "rows", "fit",
    /// "convergence", "limits".
    pub section: String,
}

/// Error against noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttackCurve {
    /// What is released.
    pub release: ReleaseKind,
    /// Noise ÷ rms of the release, ascending.
    pub noise_rel: Vec<f64>,
    /// The same in the release's units.
    pub noise_abs: Vec<f64>,
    /// Cramér–Rao: rms of ‖x̂ − x‖/‖x‖ that no unbiased attack beats; empty where a direction is free.
    pub bound: Vec<f64>,
    /// χ at each level, as in [`Bound::chi_per_unit_noise_rel`]; empty where a direction is free.
    #[serde(default)]
    pub chi: Vec<f64>,
    /// One a attack.
    pub series: Vec<Series>,
}

/// One attack's errors along the curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Which attack.
    pub id: AttackKind,
    /// The one that the headline speaks of.
    pub headline: bool,
    /// As in [`Spread`], one a level; where every try failed, 1: the error of the answer x̂ = 0.
    pub median: Vec<f64>,
    /// As in [`Spread`].
    pub q05: Vec<f64>,
    /// As in [`Spread`].
    pub q95: Vec<f64>,
    /// As in [`Spread`].
    pub rmse: Vec<f64>,
    /// As in [`Spread`].
    pub share_at_bound: Vec<f64>,
    /// Median error ÷ bound, one a level; empty where there is no bound.
    #[serde(default)]
    pub median_over_bound: Vec<f64>,
}

/// The Cramér–Rao bound of the release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// "cramer-rao".
    pub kind: String,
    /// rms of ‖x̂ − x‖/‖x‖ for a noise of one rms of the release; None where a direction is free.
    pub rel_error_per_unit_noise_rel: Option<f64>,
    /// The largest tried noise up to which the best attack's median error lies within 0.3 and 3 times the bound, and its
    /// tries below three times it; None: at none.
    pub valid_below_noise_rel: Option<f64>,
    /// χ for a noise of one rms of the release: how far noise moves a slack, relative to it, at most. Gradient:
    /// χ = ρ·ν·√tr(H⁻¹), ρ = maxᵢ ‖a_{x,i}‖ in H⁻¹. With scores: χ = ν·maxᵢ √(a_{x,i}ᵀ(FᵀF)⁻¹a_{x,i}), F the Jacobian.
    /// None where a direction is free.
    #[serde(default)]
    pub chi_per_unit_noise_rel: Option<f64>,
    /// The χ up to which attacks were seen on the bound: 0.3 for a gradient, 0.05 for scores; None for both together.
    #[serde(default)]
    pub chi_limit: Option<f64>,
    /// The noise at which χ is that; beyond this the error is that of the cell.
    #[serde(default)]
    pub noise_rel_at_chi: Option<f64>,
    /// What the bound alone would ask for the target.
    pub noise_rel_for_target: Option<f64>,
    /// A direction of x that the release leaves free; None in a report to share, because it may be that of x.
    pub null_direction: Option<Vec<f64>>,
}

/// The price of a wished error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseNeeded {
    /// The wish.
    pub target_rel_error: f64,
    /// Against which attack.
    pub attack: AttackKind,
    /// The quantile of its error that must be above the wish.
    pub quantile: f64,
    /// Noise ÷ rms; None: no noise that was tried is enough.
    pub noise_rel: Option<f64>,
    /// The same in the release's units.
    pub noise_abs: Option<f64>,
    /// What the bound alone would ask.
    pub bound_noise_rel: Option<f64>,
    /// What such a release is still good for (at the largest noise tried where none is enough).
    pub utility: Utility,
    /// The ε of this noise; None: unbounded, or not computed.
    pub epsilon: Option<f64>,
    /// The same with the fit made anew without the row.
    #[serde(default)]
    pub epsilon_refit: Option<f64>,
}

/// What a noisy release is still good for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utility {
    /// How many scores, k, were looked at.
    pub top_k: u32,
    /// The share of the k largest released numbers that are still among the k largest, on average.
    pub kept: f64,
    /// Spearman's rank correlation of noisy and exact, on average.
    pub rank_correlation: f64,
}

/// (ε, δ) of the Gaussian mechanism at this table's measured sensitivity. Not a guarantee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Privacy {
    /// The δ of (ε, δ).
    pub delta: f64,
    /// ε of the planned noise, the coefficients held fixed; None: unbounded (no noise).
    pub epsilon: Option<f64>,
    /// The largest ‖f(D) − f(D without a row)‖₂ that was met, at the same coefficients x.
    pub sensitivity_l2: f64,
    /// The same where the coefficients are fitted anew without the row: they move as the least-squares fit does. None where
    /// without one of the rows the fit or the release is not defined.
    #[serde(default)]
    pub sensitivity_refit_l2: Option<f64>,
    /// ε of the planned noise for that sensitivity; None: unbounded.
    #[serde(default)]
    pub epsilon_refit: Option<f64>,
    /// Rows dropped one at a time.
    pub rows_tried: u64,
    /// The number n of rows in all.
    pub rows_total: u64,
    /// "this_table": it says nothing about other tables, and is no differential-privacy guarantee.
    pub scope: String,
}

/// What one protection leaves to each attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectionResult {
    /// The protection.
    pub protection: Protection,
    /// In words.
    pub label: String,
    /// What each attack still reaches; an attack that always failed is absent.
    pub attacks: BTreeMap<AttackKind, Spread>,
}

/// One coefficient at the planned protection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coordinate {
    /// Its column.
    pub name: String,
    /// Its value; None in a report to share.
    pub value: Option<f64>,
    /// |x̂ⱼ − xⱼ| over the trials of the headline attack; None in a report to share, because its ratio to the next is |xⱼ|.
    pub spread_abs: Option<Spread>,
    /// The same over |xⱼ|; None where xⱼ = 0.
    pub spread_rel: Option<Spread>,
    /// The same over seⱼ; None in a report to share, and where nothing is left of the offset.
    #[serde(default)]
    pub spread_se: Option<Spread>,
    /// Of the centre of the cell, without any release: |x̂ⱼ − xⱼ|/|xⱼ|.
    #[serde(default)]
    pub baseline_rel: Option<f64>,
    /// The Cramér–Rao standard error; None in a report to share.
    pub bound_abs: Option<f64>,
    /// The same over |xⱼ|.
    #[serde(default)]
    pub bound_rel: Option<f64>,
}

/// Fitted values Ax and residuals Ax − b as the headline attack recovers them: over rows, of each row's median over trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedErrors {
    /// Quantiles over rows, by "0.05", "0.5", "0.95".
    pub rel_error_q: BTreeMap<String, f64>,
    /// The same for residuals.
    pub residual_rel_error_q: BTreeMap<String, f64>,
}

/// Whose membership shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExposedRows {
    /// The number n of rows.
    pub count: u64,
    /// How many rows have a membership AUC above 0.55.
    pub auc_over_055: u64,
    /// Median membership AUC.
    pub auc_median: f64,
    /// The most exposed rows, first the most.
    pub top: Vec<ExposedRow>,
    /// The rows that pull the fit or stand out from it, among all n: the largest by Cook's distance, by hat value and by
    /// studentised residual; the largest Cook's distance first.
    #[serde(default)]
    pub influential: Vec<ExposedRow>,
    /// How many of all n rows have a Cook's distance above 0.5.
    #[serde(default)]
    pub cook_over_half: u64,
}

/// One row. `hat` is the hat value hᵢ of the table, not the score σᵢ(x) of the release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExposedRow {
    /// 1-based; None in a report to share.
    pub row: Option<u64>,
    /// hᵢ = aᵢᵀ(AᵀA)⁻¹aᵢ.
    pub hat: f64,
    /// AUC of the best membership test: (2/π)·arctan(1/(1−h)).
    pub auc: f64,
    /// Its true-positive rate at 1 % false positives.
    pub tpr_at_1pct: f64,
    /// At 0.1 %.
    pub tpr_at_01pct: f64,
    /// How much oftener than chance it is found at few false alarms: 1/(1−h); None where h = 1.
    pub factor: Option<f64>,
    /// Externally studentised residual; None where nothing is left of the offset, or where h = 1.
    pub studentised: Option<f64>,
    /// Cook's distance; None likewise.
    pub cook: Option<f64>,
}

/// A two-dimensional histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// Hat value.
    pub x: Axis,
    /// Externally studentised residual.
    pub y: Axis,
    /// (column, row, how many), occupied bins only.
    pub count: Vec<[u32; 3]>,
}

/// One axis of a histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Linear or logarithmic bins.
    pub scale: Scale,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// How many bins.
    pub bins: u32,
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Evenly.
    Linear,
    /// Evenly in the logarithm.
    Log,
}

/// One method's way to its answer, on the release as computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Convergence {
    /// Which method.
    pub method: String,
    /// How it ended.
    pub status: String,
    /// Iteration numbers.
    pub iteration: Vec<u32>,
    /// Residual of the release, relative.
    pub residual: Vec<f64>,
    /// ‖xₖ − x‖/‖x‖ where known, else empty.
    pub rel_error: Vec<f64>,
}

/// One release, attack, protection and level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseResult {
    /// Scores, gradient or both.
    pub release: ReleaseKind,
    /// Which attack.
    #[serde(with = "AttackOption")]
    pub attack: AttackKind,
    /// Which protection.
    pub protection: ProtectionKind,
    /// The absolute noise, or the option's value; None for no protection.
    pub level: Option<f64>,
    /// Trials run: one where neither the release nor the attack is drawn.
    pub trials: u32,
    /// Trials in which the attack gave no answer (a blind attack on a gradient may find no cell); with a start, the start is
    /// then the answer that is left.
    pub failed: u32,
    /// Of ‖x̂ − x‖/‖x‖; None where every trial failed.
    pub error_median: Option<f64>,
    /// 5 % point.
    pub error_q05: Option<f64>,
    /// 95 % point.
    pub error_q95: Option<f64>,
    /// Root mean square.
    pub error_rmse: Option<f64>,
    /// Median in standard errors of the coefficients, as in [`Verdict::error_se`].
    #[serde(default)]
    pub error_se_median: Option<f64>,
    /// ν·√tr((FᵀF)⁻¹), absolute; None without Gaussian noise, where a direction is free, and in a report to share, because
    /// its ratio to the curve's bound is ‖x‖.
    pub crlb: Option<f64>,
    /// Absolute noise at which the attack's 5 % point passes the target; None: none tried is enough.
    pub noise_for_error: Option<f64>,
}

/// The name of a protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProtectionKind {
    /// As computed.
    None,
    /// Gaussian noise.
    Gaussian,
    /// Significant digits.
    Rounding,
    /// Clipping at a quantile.
    Clip,
    /// The largest only.
    TopK,
}
