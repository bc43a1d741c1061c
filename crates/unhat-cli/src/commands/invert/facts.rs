//! What the page of an inversion draws: what every kind has in common, and the parts made of the solvers' own types.

use super::files::Files;
use crate::options::MatrixInput;
use crate::page::{column_names, file_name, now, tool};
use crate::session::Session;
use unhat::audit::findings::Check;
use unhat::invert::{Certificate, StartReport};
use unhat::linalg::norm;
use unhat::solve::{Status, Step};
use unhat_io::Matrix;
use unhat_report::{Component, InversionFacts, Inverted, Proof, StandardError, Trace};

/// What was inverted, by the names of its files.
pub(super) struct Subject<'a> {
    pub kind: Inverted,
    pub input: &'a MatrixInput,
    pub matrix: &'a Matrix,
    /// The file of the target; None for a centre.
    pub target: Option<&'a str>,
    pub values: &'a [f64],
}

impl<'a> Subject<'a> {
    /// A gradient with its file, or without one a centre.
    pub fn of_gradient(files: &'a Files<'_>, target: Option<&'a str>, values: &'a [f64]) -> Self {
        let kind = if target.is_some() { Inverted::Gradient } else { Inverted::Centre };
        Subject { kind, input: &files.arguments.matrix, matrix: &files.system.matrix, target, values }
    }

    /// The facts with everything left out that only a solver knows.
    pub fn facts(&self, status: Status, session: &Session<'_>) -> InversionFacts {
        let shape = self.matrix.shape();
        let source = self.input.matrix.as_deref().or(self.input.polytope.as_deref()).unwrap_or_default();
        InversionFacts {
            kind: self.kind,
            tool: tool(session),
            created_utc: Some(now()),
            matrix: file_name(source),
            rows: shape.rows as u64,
            columns: shape.columns as u64,
            target: self.target.map_or_else(String::new, file_name),
            values_released: self.values.len() as u64,
            target_norm: self.target.map(|_| norm(self.values)),
            noise: None,
            solver: String::new(),
            reason: String::new(),
            start: String::new(),
            status: words(status.name()),
            solved: status == Status::Solved,
            iterations: 0,
            passes: None,
            residual: None,
            objective: None,
            condition: None,
            digits: None,
            history: Vec::new(),
            candidates: Vec::new(),
            proof: None,
            standard_errors: Vec::new(),
            null_direction: Vec::new(),
            lift: None,
            checks: Vec::new(),
            warnings: session.warnings().to_vec(),
        }
    }
}

/// "iteration_limit" → "iteration limit"
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// How the first point of a cell was found.
pub(super) fn start_sentence(start: &StartReport) -> String {
    match start.kind {
        "point" => "the point that was given".into(),
        "origin" => "the origin, which lies inside".into(),
        "phase_one" => "a point that a linear program found in the cell".into(),
        other => words(other),
    }
}

pub(super) fn trace(method: &str, steps: &[Step]) -> Vec<Trace> {
    let known = |value: f64| Some(value).filter(|value| value.is_finite());
    let steps = steps.iter().map(|step| unhat_report::Step {
        iteration: step.iteration,
        passes: Some(step.passes.into()),
        decrement: known(step.decrement),
        residual: known(step.residual),
        certificate: step.certificate.and_then(known),
    });
    vec![Trace { method: method.into(), steps: steps.collect() }]
}

/// The exact solution of g(x) = c lies this near.
pub(super) fn gradient_proof(certificate: &Certificate, x: &[f64], centre: bool) -> Proof {
    Proof {
        statement: None,
        scope: if centre { "the exact centre" } else { "the exact solution in this cell" }.into(),
        euclidean: Some(certificate.euclidean),
        relative: relative(certificate.euclidean, x),
        slacks: Some(certificate.q_norm),
        rounding: Some(certificate.rounding),
        within: None,
    }
}

/// A length as a share of ‖x‖; None where x = 0.
pub(super) fn relative(length: f64, x: &[f64]) -> Option<f64> {
    Some(length / norm(x)).filter(|share| share.is_finite())
}

/// ‖x − y‖ / ‖y‖.
pub(super) fn distance(x: &[f64], y: &[f64]) -> Option<f64> {
    relative(norm(&x.iter().zip(y).map(|(a, b)| a - b).collect::<Vec<_>>()), y)
}

pub(super) fn standard_errors(matrix: &Matrix, x: &[f64], errors: &[f64]) -> Vec<StandardError> {
    let named = column_names(matrix).into_iter().zip(x).zip(errors);
    named.map(|((name, value), error)| StandardError { name, value: *value, error: *error }).collect()
}

pub(super) fn components(matrix: &Matrix, direction: &[f64]) -> Vec<Component> {
    column_names(matrix).into_iter().zip(direction).map(|(name, entry)| Component { name, entry: *entry }).collect()
}

/// Rounding keeps a sum of scores to this share; the audit's checks have the same.
const SUM_TOLERANCE: f64 = 1e-9;

/// Scores of A_x, which has full rank, sum to d; `noise` is the standard deviation of each of them.
pub(super) fn sum_of_scores(name: &str, scores: &[f64], columns: usize, noise: f64) -> Check {
    let (expected, got) = (columns as f64, scores.iter().sum::<f64>());
    // Five standard deviations of the sum: nothing that happens.
    let tolerance = SUM_TOLERANCE * expected + 5.0 * noise * (scores.len() as f64).sqrt();
    Check { name: name.into(), expected, got, tolerance, ok: (got - expected).abs() <= tolerance }
}
