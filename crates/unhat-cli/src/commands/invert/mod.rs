//! `unhat invert gradient` and `unhat centre`: from a target, or none, to the one point of a cell that has it as gradient,
//! or with weights to the points that balance it with a regulariser. `unhat invert scores`: from scores to the point.
//! `unhat invert hat`, `outcomes` and `column`: from hat values to weights, coefficients, responses, a column.

mod diagonal;
mod facts;
mod files;
mod hat;
mod hidden;
mod plain;
mod regularised;
mod scores;

use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::{read_numbers, read_weights};
use crate::options::{InvertGradient, Problem, SolverName};
use crate::session::Session;
use files::Files;
use unhat::invert::GradientRequest;

pub(super) use hat::run as hat;
pub(super) use hidden::{column, outcomes};
pub(super) use scores::run as scores;

pub(super) fn gradient(arguments: &InvertGradient, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let scale = arguments.target_scale;
    let request = GradientRequest {
        solver: arguments.problem.solver.asked(),
        scores: arguments.problem.scores.into(),
        weights: arguments.weights.is_some(),
        prove: arguments.prove,
        minima: arguments.minima.into(),
        checkpoint: session.common.checkpoint.is_some(),
        noise: arguments.noise,
        target_scale: scale,
    };
    request.check()?;
    if arguments.problem.certify && request.weights {
        return Err(option_failure("--certify", "does not apply beside weights; leave it out"));
    }
    let weights = arguments.weights.as_deref();
    let readers = [("--target", Some(arguments.target.as_str())), ("--weights", weights)];
    let files = Files::open(&arguments.problem, &readers, session)?;
    let shape = files.system.matrix.shape();
    let text = &arguments.problem.matrix.text;
    let mut target = read_numbers(&arguments.target, "target", shape.columns, text)?;
    target.iter_mut().for_each(|c| *c /= scale);
    match weights {
        Some(weights) => {
            let weights = read_weights(weights, shape.rows, text)?;
            if matches!(arguments.problem.solver, SolverName::Diagonal) {
                return diagonal::solve(files, (&arguments.target, &target), &weights, session);
            }
            regularised::solve(files, (&arguments.target, &target), &weights, &request, session)
        }
        // Noise is given in the units of the target as it was released.
        None => {
            let noise = arguments.noise.map(|noise| noise / scale.abs());
            plain::solve("invert gradient", files, (Some(&arguments.target), &target), noise, session)
        }
    }
}

pub(super) fn centre(arguments: &Problem, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let files = Files::open(arguments, &[], session)?;
    let target = vec![0.0; files.system.matrix.shape().columns];
    plain::solve("centre", files, (None, &target), None, session)
}
