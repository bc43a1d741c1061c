//! What the page of an inversion draws, made of what the solvers found, and their words for it.

use super::{
    DirectionEntry, InversionPage, Inverted, LiftPage, ProvenDistance, StandardError, Trace, TraceStep, TriedAnswer,
};
use crate::invert::scores::{ScoreInversion, ScoreStart};
use crate::invert::{
    Certificate, DiagonalInversion, Inversion, Proof, RegularisedCertificate, RegularisedInversion, SavedSolve,
    StartKind, StartReport,
};
use crate::linalg::norm;
use crate::report::{Check, Tool};
use crate::solve::{Status, Step};

/// What was inverted and by which call; no solver knows it.
pub struct Subject<'a> {
    /// A gradient, a centre, or scores.
    pub kind: Inverted,
    /// The program or package, and this call of it.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: String,
    /// What A is called: a file's name without its folder.
    pub matrix: String,
    /// n and d.
    pub shape: (usize, usize),
    /// The columns by their names, where they have some.
    pub column_names: Option<Vec<String>>,
    /// What the target is called; a centre has none.
    pub target: String,
    /// The target, in the library's scale; of a centre zeros.
    pub values: &'a [f64],
    /// What the caller should know.
    pub warnings: Vec<String>,
}

impl Subject<'_> {
    /// The page with everything left out that only a solver knows.
    fn page(self, status: Status) -> InversionPage {
        let centre = self.kind == Inverted::Centre;
        InversionPage {
            kind: self.kind,
            tool: self.tool,
            created_utc: Some(self.created_utc),
            matrix: self.matrix,
            rows: self.shape.0 as u64,
            columns: self.shape.1 as u64,
            target: self.target,
            values_released: self.values.len() as u64,
            target_norm: (!centre).then(|| norm(self.values)),
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
            warnings: self.warnings,
        }
    }

    /// The columns by their names; x1, x2 and so on where they have none.
    fn columns(&self) -> Vec<String> {
        let numbered = || (1..=self.shape.1).map(|k| format!("x{k}")).collect();
        self.column_names.clone().unwrap_or_else(numbered)
    }

    fn standard_errors(&self, x: &[f64], errors: &[f64]) -> Vec<StandardError> {
        let named = self.columns().into_iter().zip(x).zip(errors);
        named.map(|((name, value), error)| StandardError { name, value: *value, error: *error }).collect()
    }

    fn components(&self, direction: &[f64]) -> Vec<DirectionEntry> {
        self.columns().into_iter().zip(direction).map(|(name, entry)| DirectionEntry { name, entry: *entry }).collect()
    }
}

/// Of a solve without regulariser; `spread` is the noise of the target and the standard errors that it leaves of x.
#[must_use]
pub fn of_gradient(found: &Inversion, spread: Option<(f64, &[f64])>, subject: Subject<'_>) -> InversionPage {
    let centre = subject.kind == Inverted::Centre;
    let standard_errors = spread.map_or_else(Vec::new, |(_, errors)| subject.standard_errors(&found.x, errors));
    let blank = subject.page(found.status);
    let answer = TriedAnswer {
        origin: start_sentence(&found.start),
        status: blank.status.clone(),
        residual: Some(found.residual),
        objective: None,
        distance: None,
        iterations: Some(found.iterations),
    };
    InversionPage {
        noise: spread.map(|(noise, _)| noise),
        solver: found.solver.name().into(),
        reason: found.reason.clone(),
        start: start_sentence(&found.start),
        iterations: found.iterations.into(),
        passes: Some(found.passes.into()),
        residual: Some(found.residual),
        condition: known(found.condition),
        digits: Some(found.digits),
        history: trace(found.solver.name(), &found.history),
        candidates: vec![answer],
        proof: found.certificate.map(|proof| gradient_proof(&proof, &found.x, centre)),
        standard_errors,
        checks: vec![sum_of_scores("sum_of_scores", &found.point.scores, found.x.len(), 0.0)],
        ..blank
    }
}

/// Of a solve that was cut short, from its last state.
#[must_use]
pub fn of_interrupted(SavedSolve { state, start, .. }: &SavedSolve, subject: Subject<'_>) -> InversionPage {
    let last = state.history.last();
    InversionPage {
        solver: "the solver".into(),
        reason: "cut short".into(),
        start: start_sentence(start),
        iterations: last.map_or(0, |step| step.iteration.into()),
        passes: Some(state.passes.into()),
        residual: last.map(|step| step.residual),
        history: trace("interrupted", &state.history),
        ..subject.page(Status::Interrupted)
    }
}

/// Of the minima beside a regulariser.
#[must_use]
pub fn of_regularised(found: &RegularisedInversion, subject: Subject<'_>) -> InversionPage {
    let minima = found.minima.iter().enumerate().map(|(rank, minimum)| TriedAnswer {
        origin: minimum.found_by.iter().map(|origin| origin.name()).collect::<Vec<_>>().join(", "),
        status: if minimum.strict { "strict minimum" } else { "not shown to be a minimum" }.into(),
        residual: None,
        objective: Some(minimum.objective),
        distance: found.minima.first().filter(|_| rank > 0).and_then(|best| distance(&minimum.x, &best.x)),
        iterations: None,
    });
    InversionPage {
        solver: found.method.name().into(),
        reason: found.reason.clone(),
        start: start_sentence(&found.start),
        iterations: found.iterations.into(),
        passes: Some(found.passes.into()),
        residual: Some(found.residual),
        objective: Some(found.objective),
        condition: known(found.point.factor.condition()),
        history: trace("all descents", &found.history),
        candidates: minima.collect(),
        proof: found.certificate.as_ref().map(proof_of_minimum),
        checks: vec![sum_of_scores("sum_of_scores", &found.point.scores, found.x.len(), 0.0)],
        ..subject.page(found.status)
    }
}

/// Of the diagonal form with a regulariser.
#[must_use]
pub fn of_diagonal(found: &DiagonalInversion, subject: Subject<'_>) -> InversionPage {
    InversionPage {
        solver: "diagonal".into(),
        reason: "asked for".into(),
        start: start_sentence(&found.start),
        iterations: found.iterations.into(),
        passes: Some(found.passes.into()),
        residual: known(found.residual),
        objective: known(found.objective),
        history: trace("diagonal", &found.history),
        ..subject.page(found.status)
    }
}

/// Of an inversion of scores; `cell` is what was known of the place of x.
#[must_use]
pub fn of_scores(found: &ScoreInversion, cell: &ScoreStart<'_>, subject: Subject<'_>) -> InversionPage {
    let recommended = found.is_recommended();
    let mut checks = vec![sum_of_scores("sum_of_scores", &found.point.scores, found.x.len(), 0.0)];
    if found.target_sum_defect.is_some() {
        let noise = found.noise.unwrap_or(0.0);
        checks.push(sum_of_scores("sum_of_target_scores", subject.values, found.x.len(), noise));
    }
    let candidates = found.candidates.iter().enumerate().map(|(rank, candidate)| TriedAnswer {
        origin: candidate.origin.clone(),
        status: words(candidate.status.name()),
        residual: Some(candidate.residual),
        objective: None,
        distance: found.candidates.first().filter(|_| rank > 0).and_then(|best| distance(&candidate.x, &best.x)),
        iterations: Some(candidate.iterations),
    });
    let proof = found.certificate.map(|proof| ProvenDistance {
        statement: None,
        scope: "every x nearby with these scores".into(),
        euclidean: Some(proof.euclidean),
        relative: relative(proof.euclidean, &found.x),
        slacks: Some(proof.q_norm),
        rounding: Some(proof.rounding),
        within: Some(proof.within),
    });
    let errors = found.standard_errors.as_ref().filter(|_| recommended);
    InversionPage {
        status: words(found.ending()),
        solved: recommended && found.status == Status::Solved,
        noise: found.noise,
        solver: found.method.name().into(),
        reason: found.reason.clone(),
        start: start_of_scores(found, cell).into(),
        iterations: found.iterations.into(),
        passes: found.history.last().map(|step| step.passes.into()),
        residual: Some(found.residual),
        condition: known(found.point.factor.condition()),
        history: trace(found.method.name(), &found.history),
        candidates: candidates.collect(),
        proof: proof.filter(|_| recommended),
        standard_errors: errors.map_or_else(Vec::new, |errors| subject.standard_errors(&found.x, errors)),
        null_direction: found.null_direction.as_ref().map_or_else(Vec::new, |h| subject.components(h)),
        lift: found.lift.as_ref().map(|lift| LiftPage {
            rows: lift.rows as u64,
            unknowns: lift.unknowns as u64,
            residual: lift.residual,
            product_defect: lift.product_defect,
        }),
        checks,
        ..subject.page(found.status)
    }
}

/// "iteration_limit" → "iteration limit"
fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// None where a number is not finite.
fn known(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

/// How the first point of a cell was found.
fn start_sentence(start: &StartReport) -> String {
    match start.kind {
        StartKind::Point => "the point that was given",
        StartKind::Origin => "the origin, which lies inside",
        StartKind::PhaseOne => "a point that a linear program found in the cell",
    }
    .into()
}

fn start_of_scores(found: &ScoreInversion, cell: &ScoreStart<'_>) -> &'static str {
    match cell {
        _ if found.lift.is_some() => "none: the lift needs no point and no signs",
        ScoreStart::Point(_) => "the point that was given",
        ScoreStart::Signs(_) => "the centre of the cell whose signs were given",
        ScoreStart::Side(_) => "the centre of the polytope",
        ScoreStart::Unknown => "the least-squares fit of the offset, and points around it",
    }
}

fn trace(method: &str, steps: &[Step]) -> Vec<Trace> {
    let steps = steps.iter().map(|step| TraceStep {
        iteration: step.iteration,
        passes: Some(step.passes.into()),
        decrement: known(step.decrement),
        residual: known(step.residual),
        certificate: step.certificate.and_then(known),
    });
    vec![Trace { method: method.into(), steps: steps.collect() }]
}

/// The exact solution of g(x) = c lies this near.
fn gradient_proof(certificate: &Certificate, x: &[f64], centre: bool) -> ProvenDistance {
    ProvenDistance {
        statement: None,
        scope: if centre { "the exact centre" } else { "the exact solution in this cell" }.into(),
        euclidean: Some(certificate.euclidean),
        relative: relative(certificate.euclidean, x),
        slacks: Some(certificate.q_norm),
        rounding: Some(certificate.rounding),
        within: None,
    }
}

/// What is proven of the best minimum, as the page says it.
fn proof_of_minimum(certificate: &RegularisedCertificate) -> ProvenDistance {
    let (statement, within) = match certificate.kind {
        Proof::Unique => ("The best answer is the only global minimum of the cell.", None),
        Proof::Global => ("No point of the cell has an objective that is lower by more than a billionth of it.", None),
        Proof::Local if certificate.within > 0.0 => {
            ("The best answer is a strict minimum, and the only global one near it.", Some(certificate.within))
        }
        Proof::Local => ("The best answer is a strict minimum; others may be lower.", None),
    };
    ProvenDistance {
        statement: Some(statement.into()),
        scope: "the exact minimum".into(),
        euclidean: None,
        relative: None,
        slacks: certificate.slack_error,
        rounding: None,
        within,
    }
}

/// A length as a share of ‖x‖; None where x = 0.
fn relative(length: f64, x: &[f64]) -> Option<f64> {
    known(length / norm(x))
}

/// ‖x − y‖ / ‖y‖.
fn distance(x: &[f64], y: &[f64]) -> Option<f64> {
    relative(norm(&x.iter().zip(y).map(|(a, b)| a - b).collect::<Vec<_>>()), y)
}

/// Rounding keeps a sum of scores to this share; the audit's checks have the same.
const SUM_TOLERANCE: f64 = 1e-9;

/// Scores of A_x, which has full rank, sum to d; `noise` is the standard deviation of each of them.
fn sum_of_scores(name: &str, scores: &[f64], columns: usize, noise: f64) -> Check {
    let (expected, got) = (columns as f64, scores.iter().sum::<f64>());
    // Five standard deviations of the sum: nothing that happens.
    let tolerance = SUM_TOLERANCE * expected + 5.0 * noise * (scores.len() as f64).sqrt();
    Check { name: name.into(), expected, got, tolerance, ok: (got - expected).abs() <= tolerance }
}
