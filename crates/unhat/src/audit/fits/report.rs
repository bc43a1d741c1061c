//! The findings of an audit of a fit as data: schema `unhat.fit-findings/1`.
//!
//! Errors of weights are those of log w, root mean square over the rows; of coefficients ‖β̂ − β‖/‖β‖ over the columns that are
//! told; of responses and a 0/1 column the share of rows that are not told right. What an inversion leaves open (a factor, a
//! sign, a complement) is taken out first, in favour of the attacker.

use crate::audit::report::{Detail, Finding, Protection, ProtectionKind, Spread, Tool};
use serde::{Deserialize, Serialize};

/// The name and version of the schema, the value of [`FitAuditReport::schema`].
pub const FIT_SCHEMA: &str = "unhat.fit-findings/1";

/// Everything an audit of a fit found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitAuditReport {
    /// [`FIT_SCHEMA`].
    pub schema: String,
    /// Whether values of coefficients are in here.
    pub detail: Detail,
    /// When, as RFC 3339 in UTC; None where the caller gave no clock.
    pub created_utc: Option<String>,
    /// What computed it.
    pub tool: Tool,
    /// The data.
    pub table: FitTable,
    /// The fit, as it was given.
    pub fit: FitFacts,
    /// What is to be released.
    pub release: FitReleaseFacts,
    /// An attack that gets closer than this has succeeded; declared, not measured.
    pub target_error: f64,
    /// The one-sentence answer in numbers.
    pub verdict: FitVerdict,
    /// What is hidden, and the best guess without any release.
    pub secrets: Vec<Guess>,
    /// Sentences, worst first.
    pub findings: Vec<Finding>,
    /// Each coefficient at the planned protection; empty where none is hidden.
    pub coefficients: Vec<FitCoefficient>,
    /// One entry for each protection, level and attack that was tried.
    pub results: Vec<FitResult>,
    /// What stays open whatever is released, in words.
    pub open: Vec<String>,
    /// What the reader must know and no number says.
    pub warnings: Vec<String>,
}

/// The audited table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitTable {
    /// Its file's name, or what the caller called it.
    pub name: String,
    /// SHA-256 of its values (row-major little-endian f64), in hexadecimal.
    pub sha256: String,
    /// The number n of rows.
    pub rows: u64,
    /// The number d of columns.
    pub columns: u64,
    /// Names of the columns; "x1"… where there are none.
    pub column_names: Vec<String>,
    /// The response column, where it has a name.
    pub response: Option<String>,
}

/// The fit, as it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitFacts {
    /// The family; None for a linear fit.
    pub family: Option<String>,
    /// Its link.
    pub link: Option<String>,
    /// The hidden column, by its name; None where all are known, and in a report to share.
    pub hidden_column: Option<String>,
}

/// Which numbers are released; all but the hat values beside these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FitRelease {
    /// Hat values.
    #[default]
    Hat,
    /// Hat values and Cook's distances.
    Cook,
    /// Hat values and deviance residuals, signs included.
    Deviance,
    /// Hat values and DFFITS.
    Dffits,
}

/// What is to be released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitReleaseFacts {
    /// Which numbers.
    pub kind: FitRelease,
    /// Root mean square of the hat values: the unit of `noise_rel`.
    pub hat_rms: f64,
    /// The largest hat value.
    pub hat_max: f64,
    /// Root mean square of what is released beside them, the unit of its noise; None where nothing is.
    pub beside_rms: Option<f64>,
    /// The protection the owner plans.
    pub planned: Protection,
}

/// What is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// The weights of the rows.
    Weights,
    /// The coefficients of the fit.
    Coefficients,
    /// The 0/1 response of every row.
    Outcomes,
    /// One column of the table.
    Column,
    /// The residual of every row, in standard deviations of the fit.
    Residuals,
}

/// How an attacker comes by a secret. All know the other columns of the table, the family and the protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitAttack {
    /// Weights from hat values, without any model.
    HatToWeights,
    /// Coefficients from hat values and the family.
    HatToCoefficients,
    /// Responses from hat values and the sizes of what is released beside them.
    SizesToOutcomes,
    /// Responses from the signs of what is released.
    SignsToOutcomes,
    /// A column from the hat values of a linear fit.
    HatToColumn,
    /// Sizes of residuals from Cook's distances of a linear fit.
    CookToResiduals,
    /// Residuals from DFFITS of a linear fit.
    DffitsToResiduals,
}

impl FitAttack {
    /// What it is after.
    #[must_use]
    pub fn secret(self) -> Secret {
        match self {
            FitAttack::HatToWeights => Secret::Weights,
            FitAttack::HatToCoefficients => Secret::Coefficients,
            FitAttack::SizesToOutcomes | FitAttack::SignsToOutcomes => Secret::Outcomes,
            FitAttack::HatToColumn => Secret::Column,
            FitAttack::CookToResiduals | FitAttack::DffitsToResiduals => Secret::Residuals,
        }
    }
}

/// The best guess of somebody who has the table and no release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// Of what.
    pub secret: Secret,
    /// Its error.
    pub error: f64,
    /// The guess, in words.
    pub guess: String,
}

/// Whether the planned protection keeps the wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitVerdict {
    /// No attack comes closer than the wish and its guess in more than one try of twenty.
    pub meets_target: bool,
    /// The strongest attack: the one whose error is the smallest share of its guess.
    pub attack: FitAttack,
    /// What it is after.
    pub secret: Secret,
    /// Its error; None where every try failed.
    pub error: Option<Spread>,
    /// The error of the guess without any release.
    pub guess_error: f64,
}

/// One coefficient at the planned protection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitCoefficient {
    /// Its column.
    pub name: String,
    /// Its value; None in a report to share.
    pub value: Option<f64>,
    /// Median |β̂ⱼ − βⱼ|/|βⱼ| over the tries; None where it is open or βⱼ = 0.
    pub error_rel: Option<f64>,
    /// Whether the hat values leave it open.
    pub open: bool,
}

/// One protection, level and attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitResult {
    /// Which attack.
    pub attack: FitAttack,
    /// What it is after.
    pub secret: Secret,
    /// Which protection.
    pub protection: ProtectionKind,
    /// The same in words, with its level.
    pub label: String,
    /// The absolute noise of hat values, or the option's value; None for no protection.
    pub level: Option<f64>,
    /// Noise as a share of the root mean square.
    pub noise_rel: Option<f64>,
    /// Tries.
    pub trials: u32,
    /// Tries without an answer.
    pub failed: u32,
    /// Over the tries that gave an answer; None where all failed.
    pub error: Option<Spread>,
    /// The error of the guess without any release.
    pub guess_error: f64,
    /// Of responses and columns: the share of rows that are told, on average.
    pub told: Option<f64>,
    /// And the share of rows that are told wrong.
    pub wrong: Option<f64>,
    /// The smallest margin of a decision, the median over tries; of responses in log r², of a column in its length.
    pub margin: Option<f64>,
}
