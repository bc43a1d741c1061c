//! `unhat scores --rank`: how much the best approximation of rank k leans on each row, or on each column.

use super::scores::{BINS, as_in_file, first_names, largest, names_as_in_file, places, require_no_model, roots};
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::{Sweeps, System};
use crate::options::Scores as Arguments;
use crate::output::{Destination, note_formulas};
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use unhat::leverage::{RankKOptions, RankKReport, RankKScores, rank_k_scores};
use unhat::report::Check;
use unhat_io::{Missing, RowLabels};
use unhat_report::{Histogram, ScoresPage, score_page};

pub(super) fn run(rank: usize, arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    require_no_model(arguments)?;
    let mut input = arguments.matrix.clone();
    if input.intercept {
        let reason =
            "puts a column of ones beside A, which is no part of an approximation of A; --centre subtracts the means";
        return Err(option_failure("--intercept", reason));
    }
    let destination = Destination::of(&arguments.output)?;
    let page = PageFile::of(arguments.report.as_deref())?;
    input.without.extend(input.response.take());
    let system = System::read_weighted(&input, None, (arguments.case_weights.as_deref(), Sweeps::Few(3)), session)?;
    let root_weights = system.case_weights.as_deref().map(roots).transpose()?;
    let (rows, columns) = (system.matrix.shape().rows, system.matrix.shape().columns);
    let matrix = &system.matrix;
    let lent = matrix.rows()?;
    let options = RankKOptions { rank, centre: arguments.rank.centre };
    let computed = session.compute(|run| rank_k_scores(&lent, root_weights.as_deref(), &options, run));
    let scores = computed.map_err(|error| Failure::in_matrix(error, matrix))?;
    let of_columns = arguments.transpose;
    let names = if of_columns { matrix.column_names.as_deref() } else { matrix.row_names.as_deref() };
    let (omitted, pads) = (matrix.omitted.as_slice(), input.text.missing == Missing::Exclude && !of_columns);
    let taken = Taken {
        source: file_name(input.matrix.as_deref().unwrap_or_default()),
        shape: (rows, columns),
        noun: if of_columns { "columns" } else { "rows" },
        places: if of_columns { (0..columns).collect() } else { places(omitted, rows) },
        values: as_in_file(if of_columns { &scores.columns } else { &scores.values }, omitted, pads).into_owned(),
        names: names_as_in_file(names, omitted, pads),
    };
    if let Some(path) = arguments.output.output.as_deref() {
        note_formulas(taken.names.iter().flatten().cloned(), path, session);
    }
    let path = arguments.output.output.as_deref().unwrap_or_default();
    let labels = match (of_columns, taken.names.as_deref()) {
        (false, names) => RowLabels::of(matrix, names, pads, path),
        (true, names) => names.map_or(RowLabels::Numbers(&[]), RowLabels::Names),
    };
    destination.store_of_rows("leverage", &labels, &taken.values)?;
    page.store(|session| score_page(&facts(&scores, &taken, session)), session)?;
    say(&scores, &taken, arguments, session);
    if session.common.json {
        let values = destination.on_stdout().then_some(taken.values.as_slice());
        session.report("scores", RankKReport::of(&scores), values)?;
    } else if destination.on_stdout() {
        session.print_numbers(&taken.values)?;
    }
    Ok(Exit::Done)
}

/// Whose scores they are, and how they are written.
struct Taken {
    source: String,
    shape: (usize, usize),
    noun: &'static str,
    places: Vec<usize>,
    values: Vec<f64>,
    names: Option<Vec<String>>,
}

impl Taken {
    fn of(&self, rank: usize) -> String {
        format!("of the {} in the best approximation of rank {rank}", self.noun)
    }
}

/// More than this and what is beyond sₖ is rounding.
const NOTHING_LEFT: f64 = 1e12;

fn say(scores: &RankKScores, taken: &Taken, arguments: &Arguments, session: &mut Session<'_>) {
    let (rows, columns) = taken.shape;
    let centred = if arguments.rank.centre { ", each column less its mean" } else { "" };
    let named = match taken.names.as_deref().filter(|_| taken.noun == "columns") {
        Some(names) => format!(": {}", first_names(names)),
        None => String::new(),
    };
    session.summary(&format!("{rows} rows, {columns} columns{named}{centred}"));
    let k = scores.rank;
    let gap = match scores.singular_values.get(k) {
        Some(next) if scores.gap < NOTHING_LEFT => {
            let last = scores.singular_values[k - 1];
            format!("singular value {k} is {last:.6e}, {:.4} times the next, {next:.6e}", scores.gap)
        }
        _ => format!("nothing is left beyond singular value {k}, {:.6e}", scores.singular_values[k - 1]),
    };
    session.summary(&format!("{:.4} % of the sum of squares; {gap}", 100.0 * scores.explained));
    session.summary(&format!(
        "{} leverage scores {} (their sum is off by {:.0e} of it), about {:.0} digits; {} ({}), {}",
        taken.places.len(),
        taken.of(k),
        scores.sum_defect,
        scores.digits,
        scores.method.name(),
        scores.reason,
        session.elapsed(),
    ));
}

/// What the page draws.
fn facts(scores: &RankKScores, taken: &Taken, session: &Session<'_>) -> ScoresPage {
    let rank = scores.rank as f64;
    let tolerance = rank * 1e-9_f64.max(10f64.powf(-scores.digits));
    let ok = (scores.sum - rank).abs() <= tolerance;
    let finite: Vec<f64> = taken.values.iter().copied().filter(|score| score.is_finite()).collect();
    ScoresPage {
        tool: tool(session),
        created_utc: Some(now()),
        matrix: taken.source.clone(),
        rows: finite.len() as u64,
        columns: taken.shape.1 as u64,
        rank: scores.rank as u64,
        of: format!("leverage {}", taken.of(scores.rank)),
        sum: finite.iter().sum(),
        expected_sum: rank,
        condition: None,
        digits: Some(scores.digits),
        factor: scores.method.name().into(),
        reason: scores.reason.clone(),
        histogram: Histogram::of(&finite, BINS),
        top: largest(&finite, &taken.places),
        checks: vec![Check { name: "sum_of_scores".into(), expected: rank, got: scores.sum, tolerance, ok }],
        warnings: session.warnings().to_vec(),
    }
}
