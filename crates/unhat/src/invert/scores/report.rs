//! What an inversion of scores says as JSON.

use super::{LiftReport, ScoreCandidate, ScoreCertificate, ScoreInversion};
use crate::report::Method;
use serde::Serialize;

/// What `invert scores` says.
#[derive(Serialize)]
pub struct ScoreInversionReport<'a> {
    status: &'a str,
    identified: bool,
    /// Whether no other x has these scores.
    unique: bool,
    /// Rows, counted from 1, whose scores say nothing of their slack.
    silent_rows: Vec<SilentReport>,
    null_direction: Option<&'a [f64]>,
    weakest_share: Option<f64>,
    iterations: u32,
    passes: Option<u32>,
    work: Option<f64>,
    residual: f64,
    candidates: Vec<CandidateReport<'a>>,
    lift: Option<LiftSummary>,
    /// ‖X − yyᵀ‖/‖yyᵀ‖ of the lift.
    lift_defect: Option<f64>,
    score_sum: f64,
    score_sum_defect: f64,
    target_sum_defect: Option<f64>,
    certificate: Option<ScoreProofReport>,
    noise: Option<f64>,
    noise_is_estimated: bool,
    standard_errors: Option<&'a [f64]>,
    /// By rows.
    covariance: Option<Vec<&'a [f64]>>,
    condition: f64,
    method: Method<'a>,
}

impl<'a> ScoreInversionReport<'a> {
    /// Of an inversion of scores.
    #[must_use]
    pub fn of(found: &'a ScoreInversion) -> Self {
        let last = found.history.last();
        ScoreInversionReport {
            status: found.ending(),
            identified: found.identified,
            unique: found.unique,
            silent_rows: found.silent.iter().map(|(i, why)| SilentReport { row: i + 1, reason: why.name() }).collect(),
            null_direction: found.null_direction.as_deref(),
            weakest_share: found.weakest_share,
            iterations: found.iterations,
            passes: last.map(|step| step.passes),
            work: last.map(|step| step.work),
            residual: found.residual,
            candidates: found.candidates.iter().map(CandidateReport::from).collect(),
            lift: found.lift.as_ref().map(Into::into),
            lift_defect: found.lift.as_ref().and_then(|lift| lift.product_defect),
            score_sum: found.point.scores.iter().sum(),
            score_sum_defect: found.score_sum_defect,
            target_sum_defect: found.target_sum_defect,
            certificate: found.certificate.map(Into::into),
            noise: found.noise,
            noise_is_estimated: found.noise_is_estimated,
            standard_errors: found.standard_errors.as_deref(),
            covariance: found.covariance.as_ref().map(|all| all.chunks(found.x.len()).collect()),
            condition: found.point.factor.condition(),
            method: Method::of(found.method.name(), found.point.factor.method().name(), &found.reason),
        }
    }
}

/// A row whose score says nothing of its slack.
#[derive(Serialize)]
struct SilentReport {
    row: usize,
    reason: &'static str,
}

/// A fit of scores that was tried.
#[derive(Serialize)]
struct CandidateReport<'a> {
    x: &'a [f64],
    residual: f64,
    origin: &'a str,
    status: &'static str,
    iterations: u32,
}

impl<'a> From<&'a ScoreCandidate> for CandidateReport<'a> {
    fn from(candidate: &'a ScoreCandidate) -> Self {
        let ScoreCandidate { x, residual, origin, status, iterations, .. } = candidate;
        CandidateReport { x, residual: *residual, origin, status: status.name(), iterations: *iterations }
    }
}

/// What the lift did.
#[derive(Serialize)]
struct LiftSummary {
    rows: usize,
    unknowns: usize,
    solves: usize,
    solver: &'static str,
    residual: f64,
    determined: bool,
}

impl From<&LiftReport> for LiftSummary {
    fn from(lift: &LiftReport) -> Self {
        let LiftReport { rows, unknowns, solves, solver, residual, determined, .. } = lift;
        LiftSummary {
            rows: *rows,
            unknowns: *unknowns,
            solves: *solves,
            solver,
            residual: *residual,
            determined: *determined,
        }
    }
}

/// A proven distance to every x nearby that has the released scores.
#[derive(Serialize)]
struct ScoreProofReport {
    q_norm: f64,
    euclidean: f64,
    within: f64,
    rounding: f64,
}

impl From<ScoreCertificate> for ScoreProofReport {
    fn from(proof: ScoreCertificate) -> Self {
        let ScoreCertificate { q_norm, euclidean, within, rounding } = proof;
        ScoreProofReport { q_norm, euclidean, within, rounding }
    }
}
