//! `unhat invert outcomes` and `unhat invert column`: what hat values say of responses, and of a column nobody published.

use super::hat::{exit_of, numbered, subject};
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::hat_options::{InvertColumn, InvertOutcomes};
use crate::input::{System, read_of_rows, require_one_reader_of_stdin};
use crate::output::Destination;
use crate::page::PageFile;
use crate::session::Session;
use unhat::invert::hat::page::HatPage;
use unhat::invert::hat::{ColumnReport, HatOptions, OutcomeReport, ResidualKind, invert_column, invert_outcomes};
use unhat_io::{check_output, write_vector};
use unhat_report::hat_page;

pub(crate) fn outcomes(arguments: &InvertOutcomes, session: &mut Session<'_>) -> Result<Exit, Failure> {
    require_no_checkpoint(session)?;
    let (kind, path) = arguments.residuals.given();
    require_one_reader_of_stdin(&[
        ("--matrix", arguments.matrix.matrix.as_deref()),
        ("--target", Some(&arguments.target)),
        ("--cook, --deviance or --pearson", Some(path)),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let system = System::read(&arguments.matrix, None, session)?;
    let (matrix, text) = (&system.matrix, &arguments.matrix.text);
    let target = read_of_rows(&arguments.target, "target", matrix, text)?;
    let residuals = read_of_rows(path, kind.name(), matrix, text)?;
    let options = HatOptions { precision: arguments.precision.read(matrix, text)?, ..HatOptions::default() };
    let (rows, seed) = (matrix.rows()?, session.common.seed);
    let found = session
        .compute(|run| invert_outcomes(&rows, &target, (kind, &residuals), (&options, seed), run))
        .map_err(|error| Failure::in_matrix(error, matrix))?;
    let values: Vec<f64> = found.outcomes.iter().map(|y| y.map_or(f64::NAN, |y| f64::from(u8::from(y)))).collect();
    let told = values.iter().filter(|y| !y.is_nan()).count();
    if told > 0 {
        destination.store("outcome", None, &values)?;
    }
    let more = found.fit.as_ref().map_or(&[][..], |fit| &fit.warnings);
    found.weights.warnings.iter().chain(more).chain(&found.warnings).for_each(|warning| session.warn(warning));
    if let Some(why) = &found.weights.impossible {
        session.say(&format!("impossible: {}; rows {}", why.reason, numbered(&why.rows)));
    }
    if told > 0 {
        let least = found.margins.iter().zip(&found.outcomes).filter(|(_, y)| y.is_some());
        let least = least.map(|(margin, _)| *margin).fold(f64::INFINITY, f64::min);
        session.summary(&format!(
            "{}: {told} of {} responses, the closest decision by a margin of {least:.1e} in log r^2, {}",
            found.status.name(),
            values.len(),
            session.elapsed()
        ));
        session.summary("open: all responses or all of their complements, with the sign of the coefficients");
    }
    if session.common.json {
        session.report("invert outcomes", OutcomeReport::of(&found), None)?;
    } else if told > 0 && destination.on_stdout() {
        session.print_numbers(&values)?;
    }
    page.store(
        |session| {
            let subject = subject(&arguments.matrix, matrix, (&arguments.target, &options.precision), session);
            hat_page(&HatPage::of_outcomes(&found, subject))
        },
        session,
    )?;
    Ok(exit_of(found.status))
}

pub(crate) fn column(arguments: &InvertColumn, session: &mut Session<'_>) -> Result<Exit, Failure> {
    require_no_checkpoint(session)?;
    require_one_reader_of_stdin(&[
        ("--matrix", arguments.matrix.matrix.as_deref()),
        ("--target", Some(&arguments.target)),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let page = PageFile::of(arguments.report.as_deref())?;
    arguments.magnitudes.as_deref().map(check_output).transpose()?;
    let system = System::read(&arguments.matrix, None, session)?;
    let (matrix, text) = (&system.matrix, &arguments.matrix.text);
    let target = read_of_rows(&arguments.target, "target", matrix, text)?;
    let precision = arguments.precision.read(matrix, text)?;
    let (rows, seed) = (matrix.rows()?, session.common.seed);
    let found = session
        .compute(|run| invert_column(&rows, &target, &precision, seed, run))
        .map_err(|error| Failure::in_matrix(error, matrix))?;
    let possible = found.status == unhat::invert::hat::HatStatus::Solved;
    if let Some(path) = arguments.magnitudes.as_deref().filter(|_| possible) {
        write_vector(path, "magnitude", None, &found.magnitudes)?;
    }
    let values: Option<Vec<f64>> =
        found.column.as_ref().map(|u| u.iter().map(|u| u.map_or(f64::NAN, |u| f64::from(u8::from(u)))).collect());
    if let Some(values) = &values {
        destination.store("column", None, values)?;
        session.summary(&format!(
            "solved: a 0/1 column of {} rows, misfit {:.1e} of its length ({:.1e} explained by the errors of the hat values), {}",
            values.len(),
            found.misfit.unwrap_or(f64::NAN),
            found.explained,
            session.elapsed()
        ));
    }
    let prefix = if !possible { "impossible" } else { "open" };
    found.open.iter().for_each(|open| session.say(&format!("{prefix}: {open}")));
    if session.common.json {
        session.report("invert column", ColumnReport::of(&found), None)?;
    } else if let Some(values) = values.as_ref().filter(|_| destination.on_stdout()) {
        session.print_numbers(values)?;
    }
    page.store(
        |session| {
            let subject = subject(&arguments.matrix, matrix, (&arguments.target, &precision), session);
            hat_page(&HatPage::of_column(&found, subject))
        },
        session,
    )?;
    Ok(if values.is_some() { Exit::Done } else { Exit::NotConverged })
}

fn require_no_checkpoint(session: &Session<'_>) -> Result<(), Failure> {
    match session.common.checkpoint {
        Some(_) => Err(option_failure("--checkpoint", "is not supported here; leave it out")),
        None => Ok(()),
    }
}

impl crate::hat_options::Residuals {
    /// What was given, and its file.
    fn given(&self) -> (ResidualKind, &str) {
        match (&self.cook, &self.deviance, &self.pearson) {
            (Some(path), ..) => (ResidualKind::Cook, path),
            (_, Some(path), _) => (ResidualKind::Deviance, path),
            (_, _, path) => (ResidualKind::Pearson, path.as_deref().unwrap_or_default()), // clap asks for one
        }
    }
}
