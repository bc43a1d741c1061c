//! `unhat gradient`: what a release of g(x) = −A_xᵀσ holds.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{Sweeps, System, read_numbers, require_one_reader_of_stdin};
use crate::options::Gradient as Arguments;
use crate::output::Destination;
use crate::session::Session;
use unhat::barrier::{LeverageGradient, leverage_gradient};
use unhat::leverage::ScoresReport;

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let input = &arguments.matrix;
    require_one_reader_of_stdin(&[
        ("--matrix", input.matrix.as_deref()),
        ("--offset", arguments.offset.as_deref()),
        ("--point", Some(&arguments.point)),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let mut system = System::read_weighted(input, arguments.offset.as_deref(), (None, Sweeps::Few(4)), session)?;
    system.leave_out_empty_rows(session)?;
    let (matrix, offset) = (&system.matrix, system.offset()?);
    let x = read_numbers(&arguments.point, "point", matrix.shape().columns, &input.text)?;
    let rows = matrix.rows()?;
    let LeverageGradient { values: gradient, scores } = session
        .compute(|run| leverage_gradient(&rows, offset, &x, run))
        .map_err(|error| Failure::in_matrix(error, matrix))?;
    for warning in &scores.warnings {
        session.warn(warning);
    }
    destination.store("value", None, &gradient)?;
    let defect = scores.sum_defect.map_or(String::new(), |defect| format!(" (their sum is off by {defect:.0e} of it)"));
    session.summary(&format!(
        "the gradient of {} leverage scores{defect}: {} values, about {:.0} digits; {} ({}), {}",
        scores.values.len(),
        gradient.len(),
        scores.digits,
        scores.method.name(),
        scores.reason,
        session.elapsed(),
    ));
    if session.common.json {
        let found = ScoresReport::of(&scores, false);
        session.report("gradient", found, destination.on_stdout().then_some(&gradient))?;
    } else if destination.on_stdout() {
        session.print_numbers(&gradient)?;
    }
    Ok(Exit::Done)
}
