//! What an inversion of a gradient says as JSON: one type for each kind of answer, made of what the solvers found.

use super::{
    Certificate, CurvatureEstimate, DiagonalInversion, Fold, Inversion, Minimum, RegularisedCertificate,
    RegularisedInversion, SavedSolve, StartReport,
};
use crate::report::Method;
use crate::solve::Status;
use serde::Serialize;

/// What noise of a released gradient leaves of x.
pub struct NoiseSpread {
    /// ν, in the library's scale of the target.
    pub noise: f64,
    /// Of x, d×d.
    pub covariance: Vec<f64>,
    /// The roots of its diagonal.
    pub standard_errors: Vec<f64>,
}

impl NoiseSpread {
    /// From the covariance of x.
    #[must_use]
    pub fn of(covariance: Vec<f64>, noise: f64) -> Self {
        let d = covariance.len().isqrt();
        let standard_errors = (0..d).map(|j| covariance[j + j * d].sqrt()).collect();
        NoiseSpread { noise, covariance, standard_errors }
    }
}

/// What `invert gradient` and `centre` say.
#[derive(Serialize)]
pub struct SolveReport<'a> {
    status: &'a str,
    iterations: u32,
    passes: u32,
    work: f64,
    residual: Option<f64>,
    decrement: Option<f64>,
    objective: Option<f64>,
    certificate: Option<CertificateReport>,
    condition: Option<f64>,
    digits: Option<f64>,
    score_sum_defect: Option<f64>,
    method: Option<Method<'a>>,
    start: &'a StartReport,
    /// ν of `--noise`; this and the next two only beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_errors: Option<&'a [f64]>,
    /// By rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    covariance: Option<Vec<&'a [f64]>>,
}

impl<'a> SolveReport<'a> {
    /// Of a solve that ended by itself.
    #[must_use]
    pub fn of(found: &'a Inversion, spread: Option<&'a NoiseSpread>) -> Self {
        SolveReport {
            status: found.status.name(),
            iterations: found.iterations,
            passes: found.passes,
            work: found.work,
            residual: Some(found.residual),
            decrement: Some(found.decrement),
            objective: Some(0.5 * found.residual * found.residual),
            certificate: found.certificate.map(Into::into),
            condition: Some(found.condition),
            digits: Some(found.digits),
            score_sum_defect: Some(found.score_sum_defect),
            method: Some(Method::of(found.solver.name(), found.point.factor.name(), &found.reason)),
            start: &found.start,
            noise: spread.map(|spread| spread.noise),
            standard_errors: spread.map(|spread| spread.standard_errors.as_slice()),
            covariance: spread.map(|spread| spread.covariance.chunks(spread.standard_errors.len()).collect()),
        }
    }

    /// Of a solve that was cut short with nothing but its last state.
    #[must_use]
    pub fn of_interrupted(SavedSolve { state, start, .. }: &'a SavedSolve) -> Self {
        let last = state.history.last();
        let residual = last.map(|step| step.residual);
        SolveReport {
            status: Status::Interrupted.name(),
            iterations: last.map_or(0, |step| step.iteration),
            passes: state.passes,
            work: state.work,
            residual,
            decrement: last.map(|step| step.decrement),
            objective: residual.map(|r| 0.5 * r * r),
            certificate: None,
            condition: None,
            digits: None,
            score_sum_defect: None,
            method: None,
            start,
            noise: None,
            standard_errors: None,
            covariance: None,
        }
    }
}

/// What `invert gradient --weights` says.
#[derive(Serialize)]
pub struct RegularisedReport<'a> {
    status: &'a str,
    iterations: u32,
    passes: u32,
    work: f64,
    residual: f64,
    objective: f64,
    certificate: Option<ProofReport>,
    minima: Vec<MinimumReport<'a>>,
    folds: Vec<FoldReport>,
    /// How far other minima were looked for: complete, partial or none.
    search: &'a str,
    /// What products say of the best one, where nothing is proven.
    strictness: Option<StrictnessReport>,
    condition: f64,
    method: Method<'a>,
    start: &'a StartReport,
}

impl<'a> RegularisedReport<'a> {
    /// Of the minima beside a regulariser.
    #[must_use]
    pub fn of(found: &'a RegularisedInversion) -> Self {
        RegularisedReport {
            status: found.status.name(),
            iterations: found.iterations,
            passes: found.passes,
            work: found.work,
            residual: found.residual,
            objective: found.objective,
            certificate: found.certificate.as_ref().map(Into::into),
            minima: found.minima.iter().map(MinimumReport::from).collect(),
            folds: found.folds.iter().map(FoldReport::from).collect(),
            search: found.search.name(),
            strictness: found.strictness.map(Into::into),
            condition: found.point.factor.condition(),
            method: Method::of(found.method.name(), found.point.factor.method().name(), &found.reason),
            start: &found.start,
        }
    }
}

/// What `invert gradient --weights --solver diagonal` says.
#[derive(Serialize)]
pub struct DiagonalReport<'a> {
    status: &'a str,
    iterations: u32,
    passes: u32,
    work: f64,
    residual: f64,
    objective: f64,
    certificate: Option<ProofReport>,
    /// Least and largest eigenvalue of K⁻¹∇²L at the start.
    ratio: [f64; 2],
    method: Method<'a>,
    start: &'a StartReport,
}

impl<'a> DiagonalReport<'a> {
    /// Of the diagonal form.
    #[must_use]
    pub fn of(found: &'a DiagonalInversion) -> Self {
        DiagonalReport {
            status: found.status.name(),
            iterations: found.iterations,
            passes: found.passes,
            work: found.work,
            residual: found.residual,
            objective: found.objective,
            certificate: None,
            ratio: found.ratio,
            method: Method::of("diagonal", found.factor.name(), "asked for"),
            start: &found.start,
        }
    }
}

/// A minimum: `within` is the radius in which it is the only global one, null for the whole cell.
#[derive(Serialize)]
struct MinimumReport<'a> {
    objective: f64,
    x: &'a [f64],
    strict: bool,
    within: Option<f64>,
}

impl<'a> From<&'a Minimum> for MinimumReport<'a> {
    fn from(minimum: &'a Minimum) -> Self {
        let Minimum { objective, x, strict, within, .. } = minimum;
        MinimumReport { objective: *objective, x, strict: *strict, within: *within }
    }
}

/// A scale of the weights at which stationary points are born or die.
#[derive(Serialize)]
struct FoldReport {
    weight_scale: f64,
    direction: &'static str,
    index: usize,
}

impl From<&Fold> for FoldReport {
    fn from(fold: &Fold) -> Self {
        FoldReport { weight_scale: fold.weight_scale, direction: fold.direction.name(), index: fold.index }
    }
}

/// An estimate of the least eigenvalue of the Hessian of L, relative to the Gauss–Newton metric.
#[derive(Serialize)]
struct StrictnessReport {
    kind: &'static str,
    least: f64,
    residual: f64,
    products: u32,
    chance: f64,
}

impl From<CurvatureEstimate> for StrictnessReport {
    fn from(estimate: CurvatureEstimate) -> Self {
        StrictnessReport {
            kind: estimate.kind(),
            least: estimate.least,
            residual: estimate.residual,
            products: estimate.products,
            chance: estimate.chance,
        }
    }
}

/// What is proven of the best minimum.
#[derive(Serialize)]
struct ProofReport {
    kind: &'static str,
    within: f64,
    least_curvature: f64,
    residual_slope: f64,
    slack_error: Option<f64>,
    outside_margin: f64,
    boxes: Option<u64>,
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

/// A proven distance to the exact solution.
#[derive(Clone, Copy, Serialize)]
pub struct CertificateReport {
    /// ‖x̂ − x‖ in the metric of the slacks.
    pub q_norm: f64,
    /// ‖x̂ − x‖₂.
    pub euclidean: f64,
    /// The part of `q_norm` that is rounding of the gradient.
    pub rounding: f64,
    /// What rounding of the inputs may add.
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
