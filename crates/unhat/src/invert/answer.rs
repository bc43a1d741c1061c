//! The answer of an inversion: what the last point of the loop, its proof and the floor of rounding come to.

use super::certificate::{Certificate, Proof, Tightened, prove, tighten};
use super::choice::Solver;
use super::start::StartReport;
use super::tilted::{Tilted, TiltedPoint};
use crate::error::{ErrorKind, Result};
use crate::feasible::unattainable_direction;
use crate::gram::FactorMethod;
use crate::linalg::norm;
use crate::oracle::{NewtonStep, Oracle};
use crate::rows::RowSource;
use crate::run::Run;
use crate::solve::{NewtonSolution, Status, Step};

/// The recovered parameters and everything known about them.
#[derive(Clone, Debug)]
pub struct Inversion {
    /// x: the last evaluated point, and a last Newton step beyond it when that stays inside.
    pub x: Vec<f64>,
    /// How it ended.
    pub status: Status,
    /// Newton steps taken (the last, unevaluated one not counted).
    pub iterations: u32,
    /// Evaluations at a new x: first, rejected and verifying ones; the start's not.
    pub passes: u32,
    /// Every sweep of the solve in units of one evaluation.
    pub work: f64,
    /// The part of it that this run did on drawn rows.
    pub(crate) drawn_work: f64,
    /// ‖g − c‖₂ at the last evaluated point.
    pub residual: f64,
    /// Upper bound on the Newton decrement there, in the metric of Q⁻¹.
    pub decrement: f64,
    /// ½‖g − c‖².
    pub objective: f64,
    /// The proof, or None.
    pub certificate: Option<Certificate>,
    /// Estimate of cond₂ of A_x at the solution, columns scaled.
    pub condition: f64,
    /// Decimal digits to expect of the scores there.
    pub digits: f64,
    /// |Σσ − d|/d.
    pub score_sum_defect: f64,
    /// The solver that ran.
    pub solver: Solver,
    /// The factorisation used last; `point.factor` says whether M was kept sparse.
    pub factor: FactorMethod,
    /// Why this solver.
    pub reason: String,
    /// How the start was found.
    pub start: StartReport,
    /// One entry a point.
    pub history: Vec<Step>,
    /// Things the caller should know.
    pub warnings: Vec<String>,
    /// Slack, scores and gradient at the last evaluated point.
    pub point: crate::barrier::Point,
}

/// A, b, c and the units they are in.
pub(super) struct Problem<'a> {
    pub source: &'a dyn RowSource,
    pub offset: &'a [f64],
    pub target: &'a [f64],
    pub units: Option<&'a [i32]>,
    /// Whether every entry of A is what it was, times a power of two.
    pub whole: bool,
}

/// What was asked of an answer, and how its solve began.
pub(super) struct Asked {
    pub solver: Solver,
    pub reason: String,
    pub start: StartReport,
    /// Whether a gradient in doubled precision is afforded.
    pub tight: bool,
    pub tolerance: f64,
}

/// x, and what is known of it.
struct Settled {
    x: Vec<f64>,
    status: Status,
    certificate: Option<Certificate>,
    warnings: Vec<String>,
}

/// Proves what can be proven at the last point, and takes a last step beyond it.
pub(super) fn conclude(
    problem: &Problem<'_>,
    phi: &Tilted<'_>,
    outcome: NewtonSolution<TiltedPoint>,
    asked: Asked,
    run: &Run<'_>,
) -> Result<Inversion> {
    // An interrupted run ends at once, without a proof.
    let proof = match outcome.status {
        Status::Interrupted => None,
        _ => unless_interrupted(prove(phi, &outcome.point, &outcome.step, run))?,
    };
    let settled = match proof {
        Some(proof) => settle(problem, phi, &outcome, proof, &asked, run)?,
        None => Settled {
            x: outcome.point.base.x.clone(),
            status: Status::Interrupted,
            certificate: None,
            warnings: Vec::new(),
        },
    };
    let NewtonSolution { point, step, history, .. } = outcome;
    let Settled { x, status, certificate, mut warnings } = settled;
    let d = x.len() as f64;
    let residual = phi.residual(&point);
    if !(point.base.factor.condition().is_finite() && residual.is_finite()) {
        warnings.push("the condition or the residual is beyond the range of numbers".into());
    }
    let factor = &point.base.factor;
    let error = match factor.method() {
        FactorMethod::Cholesky => factor.gram_condition(),
        _ => factor.condition(),
    };
    let (passes, work) = phi.effort();
    Ok(Inversion {
        x,
        status,
        iterations: (history.len() as u32).saturating_sub(1),
        passes,
        work,
        drawn_work: phi.barrier.drawn_work(),
        residual,
        decrement: step.decrement,
        objective: 0.5 * residual * residual,
        certificate,
        condition: factor.condition(),
        digits: crate::leverage::digits_left(error, point.base.x.len()),
        score_sum_defect: (point.base.scores.iter().sum::<f64>() - d).abs() / d,
        solver: asked.solver,
        factor: factor.method(),
        reason: asked.reason,
        start: asked.start,
        history,
        warnings,
        point: point.base,
    })
}

/// None where it was interrupted: what was found before stays the answer.
fn unless_interrupted<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::Interrupted) => Ok(None),
        other => other.map(Some),
    }
}

fn settle(
    problem: &Problem<'_>,
    phi: &Tilted<'_>,
    outcome: &NewtonSolution<TiltedPoint>,
    proof: Proof,
    asked: &Asked,
    run: &Run<'_>,
) -> Result<Settled> {
    let NewtonSolution { point, step, status, .. } = outcome;
    let tightened = match asked.tight && matches!(status, Status::Solved | Status::Stalled) {
        true => unless_interrupted(tighten(phi, point, &proof, run))?.flatten(),
        false => None,
    };
    let (status, mut warnings) = judge(phi, outcome, &proof, tightened.as_ref(), asked.tolerance, run)?;
    let nothing_proven = proof.certificate.is_none() && tightened.is_none();
    if matches!(status, Status::Stalled | Status::IterationLimit) && nothing_proven {
        refuse_unattainable(problem, phi.barrier.positive(), run)?;
        warnings.push("a solution could not be found, nor ruled out".into());
    }
    let (mut x, mut certificate) = (point.base.x.clone(), proof.certificate);
    if status == Status::Solved && has_room(phi, point, step, run)? {
        let last: Vec<f64> = x.iter().zip(&step.direction).map(|(x, h)| x + h).collect();
        let moved: Vec<f64> = last.iter().zip(&x).map(|(new, old)| new - old).collect();
        (x, certificate) = (last, proof.after_moving(phi, &moved));
    }
    let proven = certificate.map_or(f64::INFINITY, |c: Certificate| c.q_norm);
    if let Some(better) = tightened.filter(|t| t.certificate.q_norm < proven) {
        (x, certificate) = (better.x, Some(better.certificate));
    }
    if certificate.is_none() {
        warnings.push("no distance to the exact solution could be proven at this point".into());
    }
    Ok(Settled { x, status, certificate, warnings })
}

/// The status, where rounding ended the loop or hides behind a small decrement.
fn judge(
    phi: &Tilted<'_>,
    outcome: &NewtonSolution<TiltedPoint>,
    proof: &Proof,
    tightened: Option<&Tightened>,
    tolerance: f64,
    run: &Run<'_>,
) -> Result<(Status, Vec<String>)> {
    let &NewtonSolution { ref point, ref step, status, floor, .. } = outcome;
    let near = tightened.is_some_and(|t| t.certificate.q_norm <= tolerance);
    if floor.is_some() || (status == Status::Stalled && (near || step.decrement <= proof.rounding)) {
        if proof.certificate.is_none() && tightened.is_none() {
            return Ok((Status::Stalled, Vec::new()));
        }
        let (decrement, size) = (step.decrement, floor.unwrap_or(proof.rounding));
        let warning = format!(
            "rounding of the inputs stops the decrement at {decrement:.1e} (floor {size:.1e}); no more digits can be had"
        );
        return Ok((Status::Solved, vec![warning]));
    }
    let mut warnings = Vec::new();
    if status == Status::Solved {
        // The decrement may be small by luck where the slacks themselves are rounding.
        let floor = phi.rounding_floor(point, run)?;
        if floor > tolerance {
            warnings.push(format!(
                "rounding of the inputs leaves the slacks a relative error of {floor:.1e}; no more digits can be had"
            ));
        }
    }
    Ok((status, warnings))
}

/// Whether a last step, which is not evaluated, leaves every slack a share of itself.
fn has_room(phi: &Tilted<'_>, point: &TiltedPoint, step: &NewtonStep, run: &Run<'_>) -> Result<bool> {
    /// How many such steps must fit.
    const ROOM: f64 = 1.01;
    Ok(norm(&step.direction) > 0.0
        && (phi.surely_within(point, step, 1.0 / ROOM) || phi.step_to_boundary(point, &step.direction, run)? > ROOM))
}

/// An error where a linear program proves that the target cannot be reached in this cell.
pub(super) fn refuse_unattainable(problem: &Problem<'_>, positive: &[bool], run: &Run<'_>) -> Result<()> {
    if !problem.whole {
        return Ok(()); // signs of entries that lost digits would prove nothing
    }
    let proof = match unattainable_direction(problem.source, positive, problem.target, run) {
        // A linear program that fails proves nothing, and ends nothing.
        Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => return Ok(()),
        other => other?,
    };
    match proof {
        Some((mut direction, mut slope)) => {
            if let Some(powers) = problem.units {
                let top = powers.iter().copied().max().unwrap_or(0);
                direction.iter_mut().zip(powers).for_each(|(h, e)| *h = libm::ldexp(*h, e - top));
                let largest = direction.iter().fold(0.0, |most: f64, h| most.max(h.abs()));
                direction.iter_mut().for_each(|h| *h /= largest);
                slope = libm::ldexp(slope, -top) / largest;
            }
            Err(ErrorKind::Unattainable { direction, slope }.into())
        }
        None => Ok(()),
    }
}
