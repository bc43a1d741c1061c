//! `unhat gradient`: what a release of g(x) = −A_xᵀσ holds.

use super::Exit;
use crate::failure::Failure;
use crate::input::{read_numbers, read_offset, read_table, require_one_reader_of_stdin};
use crate::options::Gradient as Arguments;
use crate::output::Destination;
use crate::report::{Method, ScoresReport};
use crate::session::Session;
use unhat::barrier::{LeverageGradient, leverage_gradient};

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let input = &arguments.matrix;
    require_one_reader_of_stdin(&[
        ("--matrix", Some(&input.matrix)),
        ("--offset", arguments.offset.as_deref()),
        ("--point", Some(&arguments.point)),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let mut table = read_table(input, session)?;
    let offset = read_offset(arguments.offset.as_deref(), &mut table)?;
    let x = read_numbers(&arguments.point, "point", table.matrix.shape().columns)?;
    let rows = table.matrix.rows()?;
    let LeverageGradient { values: gradient, scores } =
        session.compute(|run| leverage_gradient(&rows, &offset, &x, run))?;
    for warning in &scores.warnings {
        session.warn(warning);
    }
    destination.store("value", None, &gradient)?;
    session.summary(&format!(
        "the gradient of {} leverage scores: {} values, about {:.0} digits; {} ({}), {}",
        scores.values.len(),
        gradient.len(),
        scores.digits,
        scores.method.name(),
        scores.reason,
        session.elapsed(),
    ));
    if session.common.json {
        let report = ScoresReport {
            schema: 1,
            command: "gradient",
            status: "solved",
            condition: scores.condition,
            digits: scores.digits,
            score_sum_defect: scores.sum_defect,
            rank: scores.rank,
            sum: scores.sum,
            effective_dimension: None,
            method: Method { solver: None, factor: scores.method.name(), reason: &scores.reason },
            colophon: session.colophon(),
            values: destination.on_stdout().then_some(&gradient),
        };
        session.print_object(&report)?;
    } else if destination.on_stdout() {
        session.print_numbers(&gradient)?;
    }
    Ok(Exit::Done)
}
