//! `unhat scores`: how much each row matters, of a matrix or of the model matrix of a table.

use super::diagnose::require_factors;
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::{Sweeps, System, read_numbers, require_one_reader_of_stdin};
use crate::options::Scores as Arguments;
use crate::output::{Destination, note_formulas};
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use crate::table_options::{TableText, with_gaps};
use crate::watched::Watched;
use std::borrow::Cow;
use unhat::barrier::nonzero_slack;
use unhat::leverage::ScoresReport;
use unhat::leverage::{ScoreOptions, Scores, leverage_scores};
use unhat::report::Check;
use unhat::rows::RowSource;
use unhat_io::{Missing, OmittedRow, RowLabels, kept_rows};
use unhat_models::diagnose::{ModelScores, model_scores};
use unhat_models::formula::parse_expression;
use unhat_report::{Histogram, ScoresPage, TopScore, score_page};

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if let Some(table) = &arguments.table {
        return of_model(table, arguments, session);
    }
    require_no_model(arguments)?;
    let input = &arguments.matrix;
    let offset_given = arguments.offset.is_some() || input.response.is_some() || input.polytope.is_some();
    let leaves_out_response = input.response.is_some() && arguments.point.is_none() && arguments.offset.is_none();
    if offset_given != arguments.point.is_some() && !leaves_out_response {
        return Err(match arguments.point {
            Some(_) => option_failure(
                "--point",
                "needs --offset (or --response or --polytope) too: the rows are a_i/(a_i x - b_i)",
            ),
            None if input.polytope.is_some() => {
                option_failure("--polytope", "needs --point too: the rows are a_i/(a_i x - b_i)")
            }
            None => option_failure("--offset", "needs --point too: the rows are a_i/(a_i x - b_i)"),
        });
    }
    require_ridge(arguments)?;
    if arguments.transpose && input.intercept {
        let reason = "puts a column of ones into the file as it is written, which --transpose makes a row; write the file \
                      transposed, or put a row of ones into it";
        return Err(option_failure("--intercept", reason));
    }
    require_one_reader_of_stdin(&[
        ("--matrix", input.matrix.as_deref()),
        ("--offset", arguments.offset.as_deref()),
        ("--point", arguments.point.as_deref()),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let mut input = input.clone();
    if leaves_out_response {
        input.without.extend(input.response.take());
    }
    let case_weights = arguments.case_weights.as_deref();
    // The scores themselves; weights and their roots; b, the slacks and their inverses.
    let vectors = 1 + 2 * usize::from(case_weights.is_some()) + 3 * usize::from(offset_given);
    let mut system =
        System::read_weighted(&input, arguments.offset.as_deref(), (case_weights, Sweeps::Few(vectors)), session)?;
    if arguments.transpose {
        system.matrix = system.matrix.transposed()?;
    }
    let matrix = &system.matrix;
    let shape = matrix.shape();
    if shape.rows < shape.columns && !arguments.transpose && arguments.point.is_none() {
        session.warn(&format!(
            "{} rows, but {} columns: if the samples are the columns of the file, --transpose scores them",
            shape.rows, shape.columns
        ));
    }
    let root_weights = system.case_weights.as_deref().map(roots).transpose()?;
    let cell = match &arguments.point {
        Some(point) => Some((system.offset()?, read_numbers(point, "point", matrix.shape().columns, &input.text)?)),
        None => None,
    };
    let rows = matrix.rows()?;
    let free_intercept = arguments.ridge > 0.0
        && (arguments.free_intercept || input.intercept && !arguments.penalise_intercept)
        && arguments.point.is_none();
    let options =
        ScoreOptions { ridge: arguments.ridge, free_intercept, strict: arguments.strict, ..ScoreOptions::default() };
    let computed = session.compute(|run| {
        let watched = matrix.is_streamed().then(|| Watched::new(&rows, run));
        let rows: &dyn RowSource = watched.as_ref().map_or(&rows, |watched| watched);
        let inverse_slack = match &cell {
            Some((offset, x)) => Some(nonzero_slack(rows, offset, x, run)?.iter().map(|s| 1.0 / s).collect::<Vec<_>>()),
            None => None,
        };
        leverage_scores(rows, inverse_slack.as_deref().or(root_weights.as_deref()), &options, run)
    });
    let scores = computed.map_err(|error| Failure::in_matrix(error, matrix))?;
    let pads = input.text.missing == Missing::Exclude;
    let (values, names) = (
        as_in_file(&scores.values, &matrix.omitted, pads),
        names_as_in_file(matrix.row_names.as_deref(), &matrix.omitted, pads),
    );
    let path = arguments.output.output.as_deref().unwrap_or_default();
    // Only a page says where they stand.
    let places = arguments.report.as_ref().map_or(Vec::new(), |_| places(&matrix.omitted, scores.values.len()));
    let shape = matrix.shape();
    let source = input.matrix.as_deref().or(input.polytope.as_deref()).unwrap_or_default();
    let taken = Taken {
        source: file_name(source),
        columns: shape.columns,
        phrase: columns_phrase((shape.columns, matrix.column_names.as_deref()), arguments, scores.free_intercept),
        places,
        values,
        names,
    };
    let labels = RowLabels::of(matrix, taken.names.as_deref(), pads, path);
    hand_over(&scores, &taken, &labels, arguments, (&destination, &page), session)
}

/// Where the rows that were not left out stand in the file.
pub(super) fn places(omitted: &[OmittedRow], count: usize) -> Vec<usize> {
    kept_rows(omitted).take(count).collect()
}

/// What belongs to a model matrix stands beside none here.
pub(super) fn require_no_model(arguments: &Arguments) -> Result<(), Failure> {
    let stray = [
        ("--formula", arguments.model.formula.is_some()),
        ("--factor", !arguments.model.factor.is_empty()),
        ("--interaction", !arguments.model.interaction.is_empty()),
        ("--levels", !arguments.model.levels.is_empty()),
        ("--no-intercept", arguments.no_intercept),
        ("--weights", arguments.weights.is_some()),
    ];
    if let Some((option, _)) = stray.into_iter().find(|(_, given)| *given) {
        let reason = "belongs to the model matrix of a table, which --matrix is not: unhat scores TABLE, without --matrix (whose \
                      weights are --case-weights)";
        return Err(option_failure(option, reason));
    }
    Ok(())
}

/// Values of the rows; where rows were left out and the answer `pads`, a NaN for each of these in its place.
pub(super) fn as_in_file<'a>(values: &'a [f64], omitted: &[OmittedRow], pads: bool) -> Cow<'a, [f64]> {
    match pads && !omitted.is_empty() {
        true => Cow::Owned(with_gaps(values.iter().copied(), omitted, |_| f64::NAN)),
        false => Cow::Borrowed(values),
    }
}

/// The names of the same rows, where they have any: rows that were left out have their labels.
pub(super) fn names_as_in_file(names: Option<&[String]>, omitted: &[OmittedRow], pads: bool) -> Option<Vec<String>> {
    let names = names?;
    if !pads || omitted.is_empty() {
        return Some(names.to_vec());
    }
    Some(with_gaps(names.iter().cloned(), omitted, |row| row.label.clone()))
}

/// The first names of columns.
pub(super) fn first_names(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
    shown.join(", ") + if names.len() > SHOWN { ", …" } else { "" }
}

/// The scores of a model matrix.
fn of_model(path: &str, arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let (input, words) = (&arguments.matrix, &arguments.model);
    let columns = input.columns.as_deref().unwrap_or_default();
    let beside = (input.response.as_deref(), columns, arguments.no_intercept);
    let Some(mut wanted) = words.specification(beside, input.text.missing)? else {
        let reason = "missing: say which columns TABLE gives, such as --formula '~ .', or name the file as --matrix";
        return Err(option_failure("--formula", reason));
    };
    wanted.weights = arguments.weights.as_deref().map(|text| parse_expression("weights", text)).transpose()?;
    require_ridge(arguments)?;
    let destination = Destination::of(&arguments.output)?;
    let page = PageFile::of(arguments.report.as_deref())?;
    // Missing cells are kept while the table is read: those of columns that nobody uses do not matter.
    let text = TableText { missing: Missing::Error, ..input.text.clone() };
    let read = text.read_frame(path, (&[], Some(Vec::new())), session)?;
    require_factors(&read, &wanted, path)?;
    let table = &read.frame;
    let names = wanted.formula.terms(table.names(), &[])?;
    let free_intercept =
        arguments.ridge > 0.0 && (arguments.free_intercept || names.intercept && !arguments.penalise_intercept);
    let options =
        ScoreOptions { ridge: arguments.ridge, free_intercept, strict: arguments.strict, ..ScoreOptions::default() };
    let found = session.compute(|run| model_scores(table, &wanted, &options, run))?;
    found.notes.iter().for_each(|note| session.note(note));
    if let Some(rows) = &found.rows {
        session.note(&left_out(&found, rows.len()));
    }
    let (values, places) = found.written(input.text.missing == Missing::Exclude);
    let label =
        |row: &usize| table.row_names.as_ref().map_or_else(|| (row + 1).to_string(), |names| names[*row].clone());
    let is_named = table.row_names.is_some() || found.rows.is_some();
    let taken = Taken {
        source: file_name(path),
        columns: found.names.len(),
        phrase: columns_phrase((found.names.len(), Some(&found.names)), arguments, found.scores.free_intercept),
        names: is_named.then(|| places.iter().map(label).collect()),
        places: found.rows.clone().unwrap_or_else(|| (0..found.table_rows).collect()),
        values: values.into(),
    };
    let labels = taken.names.as_deref().map_or(RowLabels::Numbers(&[]), RowLabels::Names);
    hand_over(&found.scores, &taken, &labels, arguments, (&destination, &page), session)
}

/// "2 of 9 rows left out for missing cells: y 1, x 1".
fn left_out(found: &ModelScores, count: usize) -> String {
    let columns: Vec<String> = found.missing.iter().map(|(name, rows)| format!("{name} {rows}")).collect();
    let gone = found.table_rows - count;
    format!("{gone} of {} rows left out for missing cells: {}", found.table_rows, columns.join(", "))
}

fn require_ridge(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.ridge == 0.0 && (arguments.free_intercept || arguments.penalise_intercept) {
        let option = if arguments.free_intercept { "--free-intercept" } else { "--penalise-intercept" };
        return Err(option_failure(option, "says what --ridge does to the intercept; give --ridge LAMBDA too"));
    }
    Ok(())
}

/// Whose scores they are, and how they are written.
struct Taken<'a> {
    /// The name of the file.
    source: String,
    /// d.
    columns: usize,
    /// The columns in a few words.
    phrase: String,
    /// Where the scored rows stand in the file, from 0; for the page.
    places: Vec<usize>,
    /// The scores that are written: NaN for rows that were left out.
    values: Cow<'a, [f64]>,
    /// The names of their rows, where they have any.
    names: Option<Vec<String>>,
}

/// √w of weights that are finite and not negative, not all of them 0.
pub(super) fn roots(weights: &[f64]) -> Result<Vec<f64>, Failure> {
    if let Some(row) = weights.iter().position(|w| *w < 0.0) {
        let reason = format!("row {}: found {}, expected a weight of at least 0", row + 1, weights[row]);
        return Err(option_failure("--case-weights", reason));
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(option_failure("--case-weights", "every weight is 0; expected some above"));
    }
    Ok(weights.iter().map(|w| w.sqrt()).collect())
}

/// The matrix in a few words: its columns by name, and what was done to them.
fn columns_phrase((count, names): (usize, Option<&[String]>), arguments: &Arguments, free_intercept: bool) -> String {
    let noun = if count == 1 { "column" } else { "columns" };
    let mut text = match names {
        Some(names) => format!("{count} {noun}: {}", first_names(names)),
        None => format!("{count} {noun}"),
    };
    if let Some(weights) = arguments.case_weights.as_ref().or(arguments.weights.as_ref()) {
        text += &format!("; weighted by {}", weights.escape_debug());
    }
    if free_intercept {
        text += "; the ridge leaves the intercept free";
    } else if arguments.ridge > 0.0 && (arguments.matrix.intercept || arguments.table.is_some()) {
        text += "; the ridge holds for the intercept too";
    }
    text
}

fn hand_over(
    scores: &Scores,
    taken: &Taken<'_>,
    labels: &RowLabels<'_>,
    arguments: &Arguments,
    (destination, page): (&Destination<'_>, &PageFile<'_>),
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    for warning in &scores.warnings {
        session.warn(warning);
    }
    let (values, names) = (taken.values.as_ref(), taken.names.as_deref());
    if let Some(path) = arguments.output.output.as_deref() {
        note_formulas(names.into_iter().flatten().cloned(), path, session);
    }
    destination.store_of_rows("leverage", labels, values)?;
    page.store(|session| score_page(&facts(scores, taken, arguments, session)), session)?;
    let kind = if arguments.ridge > 0.0 { "effective dimension" } else { "rank" };
    let total = if arguments.ridge > 0.0 { format!("{:.6}", scores.sum) } else { scores.rank.to_string() };
    session.summary(&taken.phrase);
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
        session.report("scores", found, destination.on_stdout().then_some(values))?;
    } else if destination.on_stdout() {
        session.print_numbers(values)?;
    }
    Ok(Exit::Done)
}

/// Bins of the histogram: enough to see a tail.
pub(super) const BINS: usize = 40;
/// The largest scores that a page lists.
const LISTED: usize = 60;
/// Rounding keeps a sum of scores to this share, unless the condition leaves fewer digits.
const SUM_TOLERANCE: f64 = 1e-9;

/// The rows with the largest scores; `places` are where the rows stand in the file.
pub(super) fn largest(values: &[f64], places: &[usize]) -> Vec<TopScore> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &k| values[k].total_cmp(&values[i]));
    order.iter().take(LISTED).map(|&i| TopScore { row: places[i] as u64 + 1, score: values[i] }).collect()
}

/// What the page draws.
fn facts(scores: &Scores, taken: &Taken<'_>, arguments: &Arguments, session: &Session<'_>) -> ScoresPage {
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
    ScoresPage {
        tool: tool(session),
        created_utc: Some(now()),
        matrix: taken.source.clone(),
        rows: scores.values.len() as u64,
        columns: taken.columns as u64,
        rank: scores.rank as u64,
        of,
        sum: scores.sum,
        expected_sum: expected.unwrap_or(scores.sum),
        condition: Some(scores.condition).filter(|condition| condition.is_finite()),
        digits: Some(scores.digits),
        factor: scores.method.name().into(),
        reason: scores.reason.clone(),
        histogram: Histogram::of(&scores.values, BINS),
        top: largest(&scores.values, &taken.places),
        checks: check.into_iter().collect(),
        warnings: session.warnings().to_vec(),
    }
}
