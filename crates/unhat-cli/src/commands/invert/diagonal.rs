//! The diagonal form with a regulariser, for comparison: its answer, and the ratio that let it run.

use super::facts::Given;
use super::files::Files;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use unhat::invert::page::of_diagonal;
use unhat::invert::report::DiagonalReport;
use unhat::invert::{DiagonalInversion, RegularisedOptions, invert_diagonal};
use unhat::solve::Status;
use unhat_report::inversion_page;

pub(super) fn solve(
    files: Files<'_>,
    (target_file, target): (&str, &[f64]),
    weights: &[f64],
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let (matrix, offset) = (&files.system.matrix, files.system.offset()?);
    let rows = matrix.rows()?;
    let options = RegularisedOptions {
        tolerance: files.arguments.tol,
        max_iterations: files.arguments.max_iter,
        seed: session.common.seed,
        ..RegularisedOptions::default()
    };
    let found = session
        .compute(|run| invert_diagonal(&rows, offset, target, weights, &files.cell(), &options, run))
        .map_err(|error| Failure::in_matrix(error, matrix))?;
    files.history.store(&found.history)?;
    files.destination.store("value", None, &found.x)?;
    summary(&found, session);
    let given = Given::gradient(&files, Some(target_file), target);
    files.page.store(|session| inversion_page(&of_diagonal(&found, given.subject(session))), session)?;
    let on_stdout = files.destination.on_stdout();
    if session.common.json {
        session.report("invert gradient", DiagonalReport::of(&found), on_stdout.then_some(&found.x))?;
    } else if on_stdout {
        session.print_numbers(&found.x)?;
    }
    Ok(Exit::from(found.status))
}

fn summary(found: &DiagonalInversion, session: &mut Session<'_>) {
    let ending = match found.status {
        Status::Solved => None,
        Status::Interrupted => Some("interrupted"),
        Status::IterationLimit => Some("--max-iter is used up"),
        _ => Some("a unit step left the cell"),
    };
    if let Some(ending) = ending {
        session.say(&format!("not converged: {ending}; what was written is the last point"));
    }
    session.summary(&format!(
        "{}: objective {:.9e}; {} values, {} steps, {} passes over the rows, {}; the eigenvalues of K^-1 L'' lie in {:.3} to {:.3}",
        found.status.name().replace('_', " "),
        found.objective,
        found.x.len(),
        found.iterations,
        found.passes,
        session.elapsed(),
        found.ratio[0],
        found.ratio[1],
    ));
}
