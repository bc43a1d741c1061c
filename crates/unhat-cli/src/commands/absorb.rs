//! `unhat scores --absorb`: how much each row matters beside factors of many levels.

use super::scores::{BINS, as_in_file, first_names, largest, names_as_in_file, places, require_no_model};
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::options::Scores as Arguments;
use crate::output::{Destination, note_formulas};
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use unhat::leverage::{AbsorbMethod, AbsorbOptions, AbsorbedReport, AbsorbedScores, Factor, absorbed_scores};
use unhat::report::Check;
use unhat::rows::RowSource;
use unhat_io::{AbsorbedTable, Missing, TableOptions, read_absorbed};
use unhat_report::{Histogram, ScoresPage, score_page};

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    require_no_model(arguments)?;
    let input = &arguments.matrix;
    let path = input.matrix.as_deref().ok_or_else(|| option_failure("--matrix", "missing; give a table"))?;
    let destination = Destination::of(&arguments.output)?;
    let errors = Destination::named(arguments.absorb.standard_errors.as_deref())?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let table = read_absorbed(path, &table_options(arguments))?;
    table.notes.iter().for_each(|note| session.note(note));
    let weights = table.weights.as_deref();
    let factors: Vec<Factor<'_>> = table
        .factors
        .iter()
        .map(|(name, text)| Factor::new(name, &text.codes, text.words.len()))
        .collect::<unhat::Result<_>>()?;
    let rows = table.covariates.as_ref().map(|matrix| matrix.rows()).transpose()?;
    let options = AbsorbOptions {
        method: arguments.absorb.absorb_method.into(),
        probes: arguments.absorb.probes,
        seed: session.common.seed,
        strict: arguments.strict,
    };
    let covariates = rows.as_ref().map(|rows| rows as &dyn RowSource);
    let computed = session.compute(|run| absorbed_scores(&factors, covariates, weights, &options, run));
    let scores = computed.map_err(|error| match &table.covariates {
        Some(matrix) => Failure::in_matrix(error, matrix),
        None => error.into(),
    })?;
    hand_over(&scores, &table, arguments, (&destination, &errors, &page), session)
}

/// The columns of the table: factors, and as covariates what else holds numbers but the response.
fn table_options(arguments: &Arguments) -> TableOptions {
    let input = arguments.matrix.clone();
    let mut without = input.without;
    without.extend(input.response);
    TableOptions {
        columns: input.columns,
        response: None,
        weights: arguments.case_weights.clone(),
        without,
        intercept: input.intercept,
        factors: arguments.absorb.absorb.clone(),
        dialect: input.text.dialect(),
        ..TableOptions::default()
    }
}

fn hand_over(
    scores: &AbsorbedScores,
    table: &AbsorbedTable,
    arguments: &Arguments,
    (destination, errors, page): (&Destination<'_>, &Destination<'_>, &PageFile<'_>),
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let covariates = covariate_names(table);
    scores.warnings.iter().for_each(|warning| session.warn(warning));
    if !scores.dependent.is_empty() {
        let names: Vec<String> = scores.dependent.iter().map(|&j| covariates[j].escape_debug().to_string()).collect();
        session.warn(&format!("the factors explain {}: nothing of it is left to score", names.join(", ")));
    }
    let pads = arguments.matrix.text.missing == Missing::Exclude;
    let filled = |values: &[f64]| as_in_file(values, &table.omitted, pads).into_owned();
    let names = names_as_in_file(table.row_names.as_deref(), &table.omitted, pads);
    let (values, deviations) = (filled(&scores.values), scores.standard_errors.as_deref().map(filled));
    if let Some(path) = arguments.output.output.as_deref() {
        note_formulas(names.iter().flatten().cloned(), path, session);
    }
    destination.store("leverage", names.as_deref(), &values)?;
    match &deviations {
        Some(deviations) => {
            errors.store("standard_error", names.as_deref(), deviations)?;
            if errors.on_stdout() && !session.common.json {
                session.warn("these scores are estimates; --standard-errors FILE writes the standard error of each");
            }
        }
        None if errors.on_stdout() => {}
        None => errors.store("standard_error", names.as_deref(), &filled(&vec![0.0; scores.values.len()]))?,
    }
    page.store(|session| score_page(&facts(scores, table, arguments, session)), session)?;
    say(scores, table, session);
    if session.common.json {
        let factors: Vec<String> = table.factors.iter().map(|(name, _)| name.clone()).collect();
        let found = AbsorbedReport::of(scores, &factors, &covariates, &places(&table.omitted, scores.values.len()));
        session.report("scores", found, destination.on_stdout().then_some(values.as_slice()))?;
    } else if destination.on_stdout() {
        session.print_numbers(&values)?;
    }
    Ok(Exit::Done)
}

fn covariate_names(table: &AbsorbedTable) -> Vec<String> {
    let Some(matrix) = &table.covariates else { return Vec::new() };
    let unnamed = || (1..=matrix.shape().columns).map(|j| format!("covariate {j}")).collect();
    matrix.column_names.clone().unwrap_or_else(unnamed)
}

fn say(scores: &AbsorbedScores, table: &AbsorbedTable, session: &mut Session<'_>) {
    let factor = |((name, _), (levels, singletons)): (&(String, _), (&usize, &usize))| {
        let alone = if *singletons > 0 { format!(", {singletons} of one row") } else { String::new() };
        format!("{} ({levels} levels{alone})", name.escape_debug())
    };
    let factors: Vec<String> =
        table.factors.iter().zip(scores.levels.iter().zip(&scores.singletons)).map(factor).collect();
    session.summary(&format!("absorbed: {}", factors.join(", ")));
    let covariates = covariate_names(table);
    if !covariates.is_empty() {
        session.summary(&format!("covariates: {}", first_names(&covariates)));
    }
    if scores.components > 1 && table.factors.len() > 1 {
        session.summary(&format!(
            "{} sets of levels that no row connects; the largest has {} of {} rows",
            scores.components,
            scores.largest_component,
            scores.values.len()
        ));
    }
    if !scores.determined.is_empty() {
        session.summary(&format!(
            "{} rows have score 1: without them a coefficient cannot be estimated",
            scores.determined.len()
        ));
    }
    let accuracy = match scores.method {
        AbsorbMethod::Probes => format!(
            "their sum is off by {:.1e} of it; {} rows solved exactly, since their score may have been 1",
            scores.sum_defect, scores.solved
        ),
        _ => format!("their sum is off by {:.0e} of it, about {:.0} digits", scores.sum_defect, scores.digits),
    };
    session.summary(&format!(
        "{} leverage scores, rank {}; {accuracy}; {} ({}), {}",
        scores.values.len(),
        scores.rank,
        scores.method.name(),
        scores.reason,
        session.elapsed(),
    ));
}

/// What the page draws.
fn facts(scores: &AbsorbedScores, table: &AbsorbedTable, arguments: &Arguments, session: &Session<'_>) -> ScoresPage {
    let rank = scores.rank as f64;
    let factors: Vec<String> = table
        .factors
        .iter()
        .zip(&scores.levels)
        .map(|((name, _), levels)| format!("{name} ({levels} levels)"))
        .collect();
    let exact = scores.method == AbsorbMethod::Exact;
    // The sum of all estimates is the mean of quadratic forms of a projection of at most this rank: variance 2·rank/probes.
    let deviation = (2.0 * rank / arguments.absorb.probes as f64).sqrt();
    let tolerance = if exact { rank * 1e-9 } else { 5.0 * deviation };
    let ok = (scores.sum - rank).abs() <= tolerance;
    ScoresPage {
        tool: tool(session),
        created_utc: Some(now()),
        matrix: file_name(arguments.matrix.matrix.as_deref().unwrap_or_default()),
        rows: scores.values.len() as u64,
        columns: scores.levels.iter().sum::<usize>() as u64
            + table.covariates.as_ref().map_or(0, |matrix| matrix.shape().columns) as u64,
        rank: scores.rank as u64,
        of: format!("hat values of the rows, with a constant for every level of {}", factors.join(" and ")),
        sum: scores.sum,
        expected_sum: rank,
        condition: None,
        digits: exact.then_some(scores.digits),
        factor: scores.method.name().into(),
        reason: scores.reason.clone(),
        histogram: Histogram::of(&scores.values, BINS),
        top: largest(&scores.values, &places(&table.omitted, scores.values.len())),
        checks: vec![Check { name: "sum_of_scores".into(), expected: rank, got: scores.sum, tolerance, ok }],
        warnings: session.warnings().to_vec(),
    }
}
