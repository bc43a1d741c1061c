//! The JSON objects: the keys of the command line's contract, in its order. Numbers that are not finite become null.

use crate::session::Colophon;
use serde::Serialize;
use unhat::invert::scores::{LiftReport, ScoreCandidate, ScoreCertificate};
use unhat::invert::{Certificate, Fold, Minimum, RegularisedCertificate, StartReport};

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
    /// ν of `--noise`; this and the next two only beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_errors: Option<&'a [f64]>,
    /// By rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Vec<&'a [f64]>>,
    #[serde(flatten)]
    pub colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'a Vec<f64>>,
}

/// What `invert gradient --weights` prints.
#[derive(Serialize)]
pub(crate) struct RegularisedReport<'a> {
    pub schema: u8,
    pub command: &'a str,
    pub status: &'a str,
    pub iterations: u32,
    pub passes: u32,
    pub work: f64,
    pub residual: f64,
    pub objective: f64,
    pub certificate: Option<ProofReport>,
    pub minima: Vec<MinimumReport<'a>>,
    pub folds: Vec<FoldReport>,
    pub condition: f64,
    pub method: Method<'a>,
    pub start: StartSummary,
    #[serde(flatten)]
    pub colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'a Vec<f64>>,
}

/// What `invert gradient --weights --solver diagonal` prints.
#[derive(Serialize)]
pub(crate) struct DiagonalReport<'a> {
    pub schema: u8,
    pub command: &'a str,
    pub status: &'a str,
    pub iterations: u32,
    pub passes: u32,
    pub work: f64,
    pub residual: f64,
    pub objective: f64,
    pub certificate: Option<ProofReport>,
    /// Least and largest eigenvalue of K⁻¹∇²L at the start.
    pub ratio: [f64; 2],
    pub method: Method<'a>,
    pub start: StartSummary,
    #[serde(flatten)]
    pub colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'a Vec<f64>>,
}

/// A minimum: `within` is the radius in which it is the only global one, null for the whole cell.
#[derive(Serialize)]
pub(crate) struct MinimumReport<'a> {
    pub objective: f64,
    pub x: &'a [f64],
    pub strict: bool,
    pub within: Option<f64>,
}

impl<'a> From<&'a Minimum> for MinimumReport<'a> {
    fn from(minimum: &'a Minimum) -> Self {
        let Minimum { objective, x, strict, within, .. } = minimum;
        MinimumReport { objective: *objective, x, strict: *strict, within: *within }
    }
}

/// A scale of the weights at which stationary points are born or die.
#[derive(Serialize)]
pub(crate) struct FoldReport {
    pub weight_scale: f64,
    pub direction: &'static str,
    pub index: usize,
}

impl From<&Fold> for FoldReport {
    fn from(fold: &Fold) -> Self {
        FoldReport { weight_scale: fold.weight_scale, direction: fold.direction.name(), index: fold.index }
    }
}

/// What is proven of the best minimum.
#[derive(Serialize)]
pub(crate) struct ProofReport {
    pub kind: &'static str,
    pub within: f64,
    pub least_curvature: f64,
    pub residual_slope: f64,
    pub slack_error: Option<f64>,
    pub outside_margin: f64,
    pub boxes: Option<u64>,
}

impl From<&RegularisedCertificate> for ProofReport {
    fn from(proof: &RegularisedCertificate) -> Self {
        ProofReport {
            kind: proof.kind.name(),
            within: proof.within,
            least_curvature: proof.least_curvature,
            residual_slope: proof.residual_slope,
            slack_error: proof.slack_error,
            outside_margin: proof.outside_margin,
            boxes: proof.boxes,
        }
    }
}

/// What `invert scores` prints.
#[derive(Serialize)]
pub(crate) struct ScoreInversionReport<'a> {
    pub schema: u8,
    pub command: &'a str,
    pub status: &'a str,
    pub identified: bool,
    pub null_direction: Option<&'a [f64]>,
    pub weakest_share: Option<f64>,
    pub iterations: u32,
    pub passes: Option<u32>,
    pub work: Option<f64>,
    pub residual: f64,
    pub candidates: Vec<CandidateReport<'a>>,
    pub lift: Option<LiftSummary>,
    /// ‖X − yyᵀ‖/‖yyᵀ‖ of the lift.
    pub lift_defect: Option<f64>,
    pub score_sum: f64,
    pub score_sum_defect: f64,
    pub target_sum_defect: Option<f64>,
    pub certificate: Option<ScoreProofReport>,
    pub noise: Option<f64>,
    pub noise_is_estimated: bool,
    pub standard_errors: Option<&'a [f64]>,
    /// By rows.
    pub covariance: Option<Vec<&'a [f64]>>,
    pub condition: f64,
    pub method: Method<'a>,
    #[serde(flatten)]
    pub colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'a Vec<f64>>,
}

/// A fit of scores that was tried.
#[derive(Serialize)]
pub(crate) struct CandidateReport<'a> {
    pub x: &'a [f64],
    pub residual: f64,
    pub origin: &'a str,
    pub status: &'static str,
    pub iterations: u32,
}

impl<'a> From<&'a ScoreCandidate> for CandidateReport<'a> {
    fn from(candidate: &'a ScoreCandidate) -> Self {
        let ScoreCandidate { x, residual, origin, status, iterations } = candidate;
        CandidateReport { x, residual: *residual, origin, status: status.name(), iterations: *iterations }
    }
}

/// What the lift did.
#[derive(Serialize)]
pub(crate) struct LiftSummary {
    pub rows: usize,
    pub unknowns: usize,
    pub solves: usize,
    pub solver: &'static str,
    pub residual: f64,
}

impl From<&LiftReport> for LiftSummary {
    fn from(lift: &LiftReport) -> Self {
        let LiftReport { rows, unknowns, solves, solver, residual, .. } = lift;
        LiftSummary { rows: *rows, unknowns: *unknowns, solves: *solves, solver, residual: *residual }
    }
}

/// A proven distance to every x nearby that has the released scores.
#[derive(Serialize)]
pub(crate) struct ScoreProofReport {
    pub q_norm: f64,
    pub euclidean: f64,
    pub within: f64,
    pub rounding: f64,
}

impl From<ScoreCertificate> for ScoreProofReport {
    fn from(proof: ScoreCertificate) -> Self {
        let ScoreCertificate { q_norm, euclidean, within, rounding } = proof;
        ScoreProofReport { q_norm, euclidean, within, rounding }
    }
}

/// A proven distance to the exact solution.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct CertificateReport {
    pub q_norm: f64,
    pub euclidean: f64,
    pub rounding: f64,
    pub inputs: f64,
}

impl From<Certificate> for CertificateReport {
    fn from(proof: Certificate) -> Self {
        CertificateReport {
            q_norm: proof.q_norm,
            euclidean: proof.euclidean,
            rounding: proof.rounding,
            inputs: proof.inputs,
        }
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
