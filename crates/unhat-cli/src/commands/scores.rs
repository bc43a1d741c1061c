//! `unhat scores`: how much each row matters.

use super::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::{read_numbers, read_offset, read_table, require_one_reader_of_stdin};
use crate::options::Scores as Arguments;
use crate::output::Destination;
use crate::report::{Method, ScoresReport};
use crate::session::Session;
use unhat::barrier::nonzero_slack;
use unhat::leverage::{ScoreOptions, Scores, leverage_scores};

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let input = &arguments.matrix;
    let offset_given = arguments.offset.is_some() || input.response.is_some();
    if offset_given != arguments.point.is_some() {
        return Err(match arguments.point {
            Some(_) => option_failure("--point", "needs --offset (or --response) too: the rows are a_i/(a_i x - b_i)"),
            None if input.response.is_some() => option_failure(
                "--response",
                "needs --point too: the rows are a_i/(a_i x - b_i); to leave a column out, list the others with --columns",
            ),
            None => option_failure("--offset", "needs --point too: the rows are a_i/(a_i x - b_i)"),
        });
    }
    require_one_reader_of_stdin(&[
        ("--matrix", Some(&input.matrix)),
        ("--offset", arguments.offset.as_deref()),
        ("--point", arguments.point.as_deref()),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let mut table = read_table(input, session)?;
    let cell = match &arguments.point {
        Some(point) => {
            let offset = read_offset(arguments.offset.as_deref(), &mut table)?;
            Some((offset, read_numbers(point, "point", table.matrix.shape().columns)?))
        }
        None => None,
    };
    let rows = table.matrix.rows()?;
    let options = ScoreOptions { ridge: arguments.ridge, strict: arguments.strict, ..ScoreOptions::default() };
    let scores = session.compute(|run| {
        let inverse_slack = match &cell {
            Some((offset, x)) => {
                Some(nonzero_slack(&rows, offset, x, run)?.iter().map(|s| 1.0 / s).collect::<Vec<_>>())
            }
            None => None,
        };
        leverage_scores(&rows, inverse_slack.as_deref(), &options, run)
    })?;
    hand_over(&scores, arguments, &destination, table.matrix.row_names.as_deref(), session)
}

fn hand_over(
    scores: &Scores,
    arguments: &Arguments,
    destination: &Destination<'_>,
    names: Option<&[String]>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    for warning in &scores.warnings {
        session.warn(warning);
    }
    destination.store("leverage", names, &scores.values)?;
    let kind = if arguments.ridge > 0.0 { "effective dimension" } else { "rank" };
    let total = if arguments.ridge > 0.0 { format!("{:.6}", scores.sum) } else { scores.rank.to_string() };
    session.summary(&format!(
        "{} leverage scores, {kind} {total}, about {:.0} digits; {} ({}), {}",
        scores.values.len(),
        scores.digits,
        scores.method.name(),
        scores.reason,
        session.elapsed(),
    ));
    if session.common.json {
        let report = ScoresReport {
            schema: 1,
            command: "scores",
            status: "solved",
            condition: scores.condition,
            digits: scores.digits,
            score_sum_defect: scores.sum_defect,
            rank: scores.rank,
            sum: scores.sum,
            effective_dimension: (arguments.ridge > 0.0).then_some(scores.sum),
            method: Method { solver: None, factor: scores.method.name(), reason: &scores.reason },
            colophon: session.colophon(),
            values: destination.on_stdout().then_some(&scores.values),
        };
        session.print_object(&report)?;
    } else if destination.on_stdout() {
        session.print_numbers(&scores.values)?;
    }
    Ok(Exit::Done)
}
