//! The JSON objects: the keys of the command line's contract, in its order. Numbers that are not finite become null.

use crate::session::Colophon;
use serde::Serialize;
use unhat::invert::{Certificate, StartReport};

/// How a result was computed.
#[derive(Serialize)]
pub(crate) struct Method<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solver: Option<&'a str>,
    pub factor: &'a str,
    pub reason: &'a str,
}

/// What `scores` and `gradient` print.
#[derive(Serialize)]
pub(crate) struct ScoresReport<'a> {
    pub schema: u8,
    pub command: &'a str,
    pub status: &'a str,
    pub condition: f64,
    pub digits: f64,
    pub score_sum_defect: Option<f64>,
    pub rank: usize,
    pub sum: f64,
    pub effective_dimension: Option<f64>,
    pub method: Method<'a>,
    #[serde(flatten)]
    pub colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'a Vec<f64>>,
}

/// What `invert` and `centre` print.
#[derive(Serialize)]
pub(crate) struct SolveReport<'a> {
    pub schema: u8,
    pub command: &'a str,
    pub status: &'a str,
    pub iterations: u32,
    pub passes: u32,
    pub work: f64,
    pub residual: Option<f64>,
    pub decrement: Option<f64>,
    pub objective: Option<f64>,
    pub certificate: Option<CertificateReport>,
    pub condition: Option<f64>,
    pub digits: Option<f64>,
    pub score_sum_defect: Option<f64>,
    pub method: Option<Method<'a>>,
    pub start: StartSummary,
    #[serde(flatten)]
    pub colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'a Vec<f64>>,
}

/// A proven distance to the exact solution.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct CertificateReport {
    pub q_norm: f64,
    pub euclidean: f64,
    pub rounding: f64,
}

impl From<Certificate> for CertificateReport {
    fn from(proof: Certificate) -> Self {
        CertificateReport { q_norm: proof.q_norm, euclidean: proof.euclidean, rounding: proof.rounding }
    }
}

/// How the first point was found.
#[derive(Serialize)]
pub(crate) struct StartSummary {
    pub kind: &'static str,
    pub passes: f64,
    pub seconds: f64,
}

impl From<&StartReport> for StartSummary {
    fn from(report: &StartReport) -> Self {
        StartSummary { kind: report.kind, passes: report.passes, seconds: report.seconds }
    }
}
