//! `unhat scores`: how much each row matters.

use super::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::{System, read_numbers, require_one_reader_of_stdin};
use crate::options::Scores as Arguments;
use crate::output::Destination;
use crate::page::{PageFile, file_name, now, tool};
use crate::report::ScoresReport;
use crate::session::Session;
use unhat::audit::findings::Check;
use unhat::barrier::nonzero_slack;
use unhat::leverage::{ScoreOptions, Scores, leverage_scores};
use unhat_io::Matrix;
use unhat_report::{Histogram, ScoreFacts, TopScore, score_page};

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let input = &arguments.matrix;
    let offset_given = arguments.offset.is_some() || input.response.is_some() || input.polytope.is_some();
    if offset_given != arguments.point.is_some() {
        return Err(match arguments.point {
            Some(_) => option_failure(
                "--point",
                "needs --offset (or --response or --polytope) too: the rows are a_i/(a_i x - b_i)",
            ),
            None if input.response.is_some() => option_failure(
                "--response",
                "needs --point too: the rows are a_i/(a_i x - b_i); to leave a column out, list the others with --columns",
            ),
            None if input.polytope.is_some() => {
                option_failure("--polytope", "needs --point too: the rows are a_i/(a_i x - b_i)")
            }
            None => option_failure("--offset", "needs --point too: the rows are a_i/(a_i x - b_i)"),
        });
    }
    require_one_reader_of_stdin(&[
        ("--matrix", input.matrix.as_deref()),
        ("--offset", arguments.offset.as_deref()),
        ("--point", arguments.point.as_deref()),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let system = System::read(input, arguments.offset.as_deref(), session)?;
    let matrix = &system.matrix;
    let cell = match &arguments.point {
        Some(point) => Some((system.offset()?, read_numbers(point, "point", matrix.shape().columns)?)),
        None => None,
    };
    let rows = matrix.rows()?;
    let options = ScoreOptions { ridge: arguments.ridge, strict: arguments.strict, ..ScoreOptions::default() };
    let computed = session.compute(|run| {
        let inverse_slack = match &cell {
            Some((offset, x)) => {
                Some(nonzero_slack(&rows, offset, x, run)?.iter().map(|s| 1.0 / s).collect::<Vec<_>>())
            }
            None => None,
        };
        leverage_scores(&rows, inverse_slack.as_deref(), &options, run)
    });
    let scores = computed.map_err(|error| Failure::in_matrix(error, matrix))?;
    hand_over(&scores, arguments, &destination, (matrix, &page), session)
}

fn hand_over(
    scores: &Scores,
    arguments: &Arguments,
    destination: &Destination<'_>,
    (matrix, page): (&Matrix, &PageFile<'_>),
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    for warning in &scores.warnings {
        session.warn(warning);
    }
    destination.store("leverage", matrix.row_names.as_deref(), &scores.values)?;
    page.store(|session| score_page(&facts(scores, arguments, matrix, session)), session)?;
    let kind = if arguments.ridge > 0.0 { "effective dimension" } else { "rank" };
    let total = if arguments.ridge > 0.0 { format!("{:.6}", scores.sum) } else { scores.rank.to_string() };
    let defect = scores.sum_defect.map_or(String::new(), |defect| format!(" (their sum is off by {defect:.0e} of it)"));
    session.summary(&format!(
        "{} leverage scores, {kind} {total}{defect}, about {:.0} digits; {} ({}), {}",
        scores.values.len(),
        scores.digits,
        scores.method.name(),
        scores.reason,
        session.elapsed(),
    ));
    if session.common.json {
        let found = ScoresReport::of(scores, arguments.ridge > 0.0);
        session.report("scores", found, destination.on_stdout().then_some(&scores.values))?;
    } else if destination.on_stdout() {
        session.print_numbers(&scores.values)?;
    }
    Ok(Exit::Done)
}

/// Bins of the histogram: enough to see a tail.
const BINS: usize = 40;
/// The largest scores that a page lists.
const LISTED: usize = 60;
/// Rounding keeps a sum of scores to this share, unless the condition leaves fewer digits.
const SUM_TOLERANCE: f64 = 1e-9;

/// What the page draws.
fn facts(scores: &Scores, arguments: &Arguments, matrix: &Matrix, session: &Session<'_>) -> ScoreFacts {
    let input = &arguments.matrix;
    let source = input.matrix.as_deref().or(input.polytope.as_deref()).unwrap_or_default();
    let ridge = if arguments.ridge > 0.0 { format!(", with ridge {}", arguments.ridge) } else { String::new() };
    let of = match &arguments.point {
        Some(point) => format!("of A_x at the point {}{ridge}", file_name(point)),
        None => format!("hat values of the rows{ridge}"),
    };
    // With a ridge no other number says what the sum should be.
    let expected = (arguments.ridge == 0.0).then_some(scores.rank as f64);
    let check = expected.map(|rank| {
        let tolerance = rank * SUM_TOLERANCE.max(10f64.powf(-scores.digits));
        let ok = (scores.sum - rank).abs() <= tolerance;
        Check { name: "sum_of_scores".into(), expected: rank, got: scores.sum, tolerance, ok }
    });
    let mut order: Vec<usize> = (0..scores.values.len()).collect();
    order.sort_by(|&i, &k| scores.values[k].total_cmp(&scores.values[i]));
    let top = order.iter().take(LISTED).map(|&i| TopScore { row: i as u64 + 1, score: scores.values[i] });
    ScoreFacts {
        tool: tool(session),
        created_utc: Some(now()),
        matrix: file_name(source),
        rows: scores.values.len() as u64,
        columns: matrix.shape().columns as u64,
        rank: scores.rank as u64,
        of,
        sum: scores.sum,
        expected_sum: expected.unwrap_or(scores.sum),
        condition: Some(scores.condition).filter(|condition| condition.is_finite()),
        digits: Some(scores.digits),
        factor: scores.method.name().into(),
        reason: scores.reason.clone(),
        histogram: Histogram::of(&scores.values, BINS),
        top: top.collect(),
        checks: check.into_iter().collect(),
        warnings: session.warnings().to_vec(),
    }
}
