//! The JSON objects of `unhat influence`.

use crate::session::Colophon;
use serde::Serialize;
use unhat::influence::{Diagnostics, MethodCheck, TrimRow};

/// A fitted model.
#[derive(Serialize)]
pub(crate) struct ModelReport {
    pub name: String,
    pub family: &'static str,
    pub parameters: usize,
    pub training_rows: usize,
    pub penalty: f64,
    pub cross_validation: Option<Vec<PenaltyReport>>,
    pub train_accuracy: Option<f64>,
    pub classes: Vec<serde_json::Value>,
    pub coefficients: Vec<Coefficient>,
}

#[derive(Serialize)]
pub(crate) struct PenaltyReport {
    pub penalty: f64,
    pub loss: Option<f64>,
}

/// θ of one feature, in the units fitted: the feature is (x − center)/scale.
#[derive(Serialize)]
pub(crate) struct Coefficient {
    pub name: String,
    pub class: Option<serde_json::Value>,
    pub value: f64,
    pub center: f64,
    pub scale: f64,
}

#[derive(Serialize)]
pub(crate) struct ImpactReport {
    pub name: String,
    pub value_validation: Option<f64>,
    pub value_test: Option<f64>,
}

#[derive(Serialize)]
pub(crate) struct DiagnosticsReport {
    pub validation_rows: Option<usize>,
    pub effective_share: Option<f64>,
    pub half_cosine: Option<f64>,
    pub certified_share: Option<f64>,
    pub agreement_cg8: Option<f64>,
    pub cg_residual: Option<f64>,
    pub largest_leverage: Option<f64>,
    pub training_accuracy: Option<f64>,
    pub temperature: Option<f64>,
    pub damping: Option<f64>,
    pub ensemble: Option<EnsembleOut>,
}

#[derive(Serialize)]
pub(crate) struct EnsembleOut {
    pub members: u32,
    pub rank_correlation_of_one: Option<f64>,
}

impl DiagnosticsReport {
    pub fn of(d: &Diagnostics, temperature: Option<f64>, damping: Option<f64>, ensemble: Option<EnsembleOut>) -> Self {
        DiagnosticsReport {
            validation_rows: d.validation_rows,
            effective_share: d.effective_share,
            half_cosine: d.half_cosine,
            certified_share: d.certified_share,
            agreement_cg8: d.agreement,
            cg_residual: d.residual,
            largest_leverage: d.largest_leverage,
            training_accuracy: d.training_accuracy,
            temperature,
            damping,
            ensemble,
        }
    }
}

/// A row of the worst or the best.
#[derive(Clone, Serialize)]
pub(crate) struct ScoredRow {
    pub row: serde_json::Value,
    pub score: f64,
    pub loss: f64,
}

/// What `unhat influence` prints.
#[derive(Serialize)]
pub(crate) struct StudyReport {
    pub schema: u8,
    pub command: &'static str,
    pub status: &'static str,
    pub model: ModelReport,
    pub task: &'static str,
    pub impact: ImpactReport,
    pub method: String,
    pub claim: &'static str,
    pub diagnostics: DiagnosticsReport,
    pub top: Vec<ScoredRow>,
    pub best: Vec<ScoredRow>,
    #[serde(flatten)]
    pub colophon: Colophon,
}

/// What `unhat influence check` prints.
#[derive(Serialize)]
pub(crate) struct CheckReport {
    pub schema: u8,
    pub command: &'static str,
    pub status: &'static str,
    pub flipped: usize,
    pub methods: Vec<MethodReport>,
    pub left_out: Vec<LeftOut>,
    #[serde(flatten)]
    pub colophon: Colophon,
}

#[derive(Serialize)]
pub(crate) struct MethodReport {
    pub method: String,
    pub auc: f64,
    pub average_precision: f64,
}

impl From<&MethodCheck> for MethodReport {
    fn from(check: &MethodCheck) -> Self {
        MethodReport { method: check.method.to_string(), auc: check.auc, average_precision: check.average_precision }
    }
}

#[derive(Serialize)]
pub(crate) struct LeftOut {
    pub method: String,
    pub reason: String,
}

/// What `unhat influence trim` prints.
#[derive(Serialize)]
pub(crate) struct TrimReport {
    pub schema: u8,
    pub command: &'static str,
    pub status: &'static str,
    pub model: ModelReport,
    pub impact: ImpactReport,
    pub method: String,
    pub stopped_at_crossing: bool,
    pub auc_of_truth: Option<f64>,
    pub rows: Vec<TrimRowReport>,
    pub removed: Vec<serde_json::Value>,
    #[serde(flatten)]
    pub colophon: Colophon,
}

#[derive(Serialize)]
pub(crate) struct TrimRowReport {
    pub trim: String,
    pub removed: usize,
    pub test_accuracy: Option<f64>,
    pub value_validation: Option<f64>,
    pub value_test: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attacked_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
