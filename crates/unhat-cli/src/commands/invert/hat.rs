//! `unhat invert hat`: from hat values to the weights of the rows, and what is proven of them.

use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::hat_options::{FamilyName, InvertHat, Precision};
use crate::history::HistoryFile;
use crate::input::{System, read_numbers, read_of_rows, require_one_reader_of_stdin};
use crate::options::MatrixInput;
use crate::output::Destination;
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use crate::table_options::TableText;
use unhat::invert::hat::page::{HatPage, HatSubject};
use unhat::invert::hat::{
    HatCheckpoint, HatCoefficients, HatInversion, HatModel, HatOptions, HatPrecision, HatReport, HatStatus,
    fingerprint_of_hat, invert_hat, invert_hat_of_model,
};
use unhat::invert::scores::{ScoreInvertOptions, ScoreStart, invert_scores};
use unhat::invert::{StartKind, StartReport};
use unhat::solve::State;
use unhat::{ErrorKind, Run};
use unhat_io::{Matrix, SolveFile, check_output, write_vector};
use unhat_report::hat_page;

pub(crate) fn run(arguments: &InvertHat, session: &mut Session<'_>) -> Result<Exit, Failure> {
    require_one_reader_of_stdin(&[
        ("--matrix", arguments.matrix.matrix.as_deref()),
        ("--target", Some(&arguments.target)),
        ("--widths", arguments.precision.widths.as_deref()),
        ("--noise", arguments.precision.noise.as_deref()),
        ("--trials", arguments.trials.as_deref()),
        ("--offset", arguments.offset.as_deref()),
    ])?;
    if arguments.matrix.polytope.is_some() {
        return Err(option_failure("--polytope", "has no hat values; give --matrix"));
    }
    let destination = Destination::of(&arguments.output)?;
    arguments.coefficients.as_deref().map(check_output).transpose()?;
    let history = HistoryFile::of(arguments.history.as_deref())?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let system = System::read(&arguments.matrix, None, session)?;
    let (matrix, text) = (&system.matrix, &arguments.matrix.text);
    let target = read_of_rows(&arguments.target, "target", matrix, text)?;
    let options = HatOptions {
        ridge: arguments.ridge,
        precision: arguments.precision.read(matrix, text)?,
        tolerance: arguments.tol,
        max_iterations: arguments.max_iter,
    };
    let model = arguments.model(matrix)?;
    let slack = arguments.slack_offset(matrix)?;
    let (found, mut fit) = solve(matrix, &target, (&options, model.as_ref()), session)?;
    if let Some(offset) = slack.filter(|_| found.has_weights()) {
        let precision = options.precision.clone();
        let chosen = ScoreInvertOptions { precision, seed: session.common.seed, ..ScoreInvertOptions::default() };
        let (rows, unknown) = (matrix.rows()?, ScoreStart::Unknown);
        let x = session
            .compute(|run| invert_scores(&rows, &offset, &target, None, &unknown, &chosen, run))
            .map_err(|error| Failure::in_matrix(error, matrix))?;
        fit = Some(x.as_coefficients());
    }
    history.store(&found.history)?;
    let answer = Answer { weights: &found, fit: fit.as_ref(), names: matrix.column_names.as_deref() };
    let exit = answer.hand_over(&destination, arguments.coefficients.as_deref(), session)?;
    page.store(
        |session| {
            let subject = subject(&arguments.matrix, matrix, (&arguments.target, &options.precision), session);
            hat_page(&HatPage::of_weights(&found, fit.as_ref(), subject))
        },
        session,
    )?;
    Ok(exit)
}

/// What the page says of the call.
pub(super) fn subject(
    input: &MatrixInput,
    matrix: &Matrix,
    (target, precision): (&str, &HatPrecision),
    session: &Session<'_>,
) -> HatSubject {
    let shape = matrix.shape();
    HatSubject {
        tool: tool(session),
        created_utc: now(),
        matrix: file_name(input.matrix.as_deref().unwrap_or_default()),
        shape: (shape.rows, shape.columns),
        column_names: matrix.column_names.clone(),
        target: file_name(target),
        precision: precision.clone(),
        warnings: session.warnings().to_vec(),
    }
}

/// A number for all rows, or a file with one for each.
fn numbers(words: &str, what: &str, matrix: &Matrix, text: &TableText) -> Result<Vec<f64>, Failure> {
    match one_number(words, what)? {
        Some(number) => Ok(vec![number]),
        None => read_of_rows(words, what, matrix, text),
    }
}

/// The number that the words of an option are; None where they name a file.
fn one_number(words: &str, what: &str) -> Result<Option<f64>, Failure> {
    let option = format!("--{what}");
    match words.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(Some(number)),
        Ok(number) => Err(option_failure(&option, format!("found {number}, expected a finite number ≥ 0"))),
        Err(_) if words == "-" || words.contains('.') => Ok(None),
        Err(_) => {
            Err(option_failure(&option, format!("found {words:?}, expected a number, or a file with one for each row")))
        }
    }
}

impl InvertHat {
    /// b of --family slack.
    fn slack_offset(&self, matrix: &Matrix) -> Result<Option<Vec<f64>>, Failure> {
        if !matches!(self.family, Some(FamilyName::Slack)) {
            return Ok(None);
        }
        let none =
            [("--link", self.link.is_some()), ("--trials", self.trials.is_some()), ("--theta", self.theta.is_some())];
        if let Some((name, _)) = none.into_iter().find(|(_, given)| *given) {
            return Err(option_failure(name, "belongs to a family of models; slacks have none"));
        }
        let Some(path) = self.offset.as_deref() else {
            return Err(option_failure("--family", "slack needs b; give --offset"));
        };
        Ok(Some(read_of_rows(path, "offset", matrix, &self.matrix.text)?))
    }

    /// The model, where a family is named.
    fn model(&self, matrix: &Matrix) -> Result<Option<HatModel>, Failure> {
        let Some(family) = self.family.and_then(FamilyName::of_models) else { return Ok(None) };
        let mut model = HatModel::new(family, self.link.map(Into::into), self.theta)?;
        if let Some(words) = self.trials.as_deref() {
            let trials = numbers(words, "trials", matrix, &self.matrix.text)?;
            let rows = matrix.shape().rows;
            model.trials = Some(if trials.len() == 1 { vec![trials[0]; rows] } else { trials });
        }
        model.offset =
            self.offset.as_deref().map(|path| read_of_rows(path, "offset", matrix, &self.matrix.text)).transpose()?;
        Ok(Some(model))
    }
}

impl Precision {
    /// The same for scores of some rows: widths and noise are then of these.
    pub(super) fn read_released(
        &self,
        matrix: &Matrix,
        released: Option<usize>,
        text: &TableText,
    ) -> Result<HatPrecision, Failure> {
        let Some(count) = released else { return self.read(matrix, text) };
        let of = |words: &str, what: &str| match one_number(words, what)? {
            Some(number) => Ok(vec![number]),
            None => read_numbers(words, what, count, text),
        };
        Ok(match (self.widths.as_deref(), self.noise.as_deref()) {
            (Some(widths), _) => HatPrecision::Widths(of(widths, "widths")?),
            (_, Some(noise)) => HatPrecision::Noise(of(noise, "noise")?),
            _ => self.read(matrix, text)?,
        })
    }

    /// As the library takes it, with the files read.
    pub(super) fn read(&self, matrix: &Matrix, text: &TableText) -> Result<HatPrecision, Failure> {
        Ok(match (self.digits, self.decimals, self.widths.as_deref(), self.noise.as_deref()) {
            (Some(digits), ..) => HatPrecision::Digits(digits),
            (_, Some(decimals), ..) => HatPrecision::Decimals(decimals),
            (_, _, Some(widths), _) => HatPrecision::Widths(numbers(widths, "widths", matrix, text)?),
            (_, _, _, Some(noise)) => HatPrecision::Noise(numbers(noise, "noise", matrix, text)?),
            _ => HatPrecision::Exact,
        })
    }
}

type Found = (HatInversion, Option<HatCoefficients>);

/// Runs the inversion, kept in the file of `--checkpoint` where there is one.
fn solve(
    matrix: &Matrix,
    target: &[f64],
    (options, model): (&HatOptions, Option<&HatModel>),
    session: &mut Session<'_>,
) -> Result<Found, Failure> {
    let rows = matrix.rows()?;
    let seed = session.common.seed;
    let in_matrix = |error| Failure::in_matrix(error, matrix);
    let invert = |checkpoint: Option<HatCheckpoint<'_>>, run: &Run<'_>| match model {
        Some(model) => invert_hat_of_model(&rows, target, model, (options, seed), checkpoint, run),
        None => Ok((invert_hat(&rows, target, options, checkpoint, run)?, None)),
    };
    let Some(path) = session.common.checkpoint.as_deref() else {
        return session.compute(|run| invert(None, run)).map_err(in_matrix);
    };
    let (mut file, resume) = SolveFile::open(path, fingerprint_of_hat(&rows, target, options)?)?;
    let start = StartReport { kind: StartKind::Origin, passes: 0.0, seconds: 0.0 };
    let state = resume.map(|saved| saved.state);
    if let Some(state) = &state {
        session.note(&format!("resuming at iteration {}", state.history.len()));
    }
    let resumed = state.is_some();
    let mut latest: Option<State> = None;
    let mut save = |state: &State| {
        latest = Some(state.clone());
        file.save_now_and_then(state, &[], &start)
    };
    let checkpoint = HatCheckpoint { resume: state, save: &mut save };
    let outcome = session.compute(|run| invert(Some(checkpoint), run));
    match (&outcome, latest) {
        (Ok((found, _)), _) if matches!(found.status, HatStatus::Solved | HatStatus::Impossible) => file.remove(),
        (Ok(_), Some(state)) => file.save(&state, &[], &start)?,
        (Err(error), Some(state)) if matches!(error.kind(), ErrorKind::Interrupted) => {
            file.save(&state, &[], &start)?
        }
        // An error is final: nothing of this run is left behind.
        (Err(_), _) if !resumed => file.remove(),
        _ => {}
    }
    outcome.map_err(in_matrix)
}

/// What the library found.
struct Answer<'a> {
    weights: &'a HatInversion,
    fit: Option<&'a HatCoefficients>,
    /// Of the columns.
    names: Option<&'a [String]>,
}

impl Answer<'_> {
    /// Writes weights and coefficients, says what was found, prints the object.
    fn hand_over(
        &self,
        destination: &Destination<'_>,
        coefficients: Option<&str>,
        session: &mut Session<'_>,
    ) -> Result<Exit, Failure> {
        let Answer { weights: found, fit, names } = *self;
        let nothing = |values: &[Option<f64>]| values.iter().map(|w| w.unwrap_or(f64::NAN)).collect::<Vec<f64>>();
        let weights = nothing(&found.weights);
        if found.has_weights() {
            destination.store("weight", None, &weights)?;
        }
        if let (Some(path), Some(fit)) = (coefficients, fit) {
            write_vector(path, "coefficient", names, &nothing(&fit.values))?;
        }
        let more = fit.map_or(&[][..], |fit| &fit.warnings);
        found.warnings.iter().chain(more).for_each(|warning| session.warn(warning));
        let status = HatStatus::of_both(found, fit);
        if let Some(why) = &found.impossible {
            session.say(&format!("impossible: {}; no weights were written", why.reason));
            session.say(&format!("rows: {}", numbered(&why.rows)));
        } else if status != HatStatus::Solved {
            let ending = match status {
                HatStatus::IterationLimit => "--max-iter is used up",
                HatStatus::Interrupted => "interrupted",
                _ => "no further progress",
            };
            session.say(&format!(
                "not converged: {ending}; what was written is the best point so far; residual {:.1e}",
                fit.map_or(found.residual, |fit| fit.residual)
            ));
        }
        if found.has_weights() {
            summary(found, session);
        }
        if let Some(fit) = fit {
            told(fit, names, session);
        }
        let on_stdout = found.has_weights() && destination.on_stdout();
        if session.common.json {
            session.report("invert hat", HatReport::of(found, fit), None)?;
        } else if on_stdout && fit.is_none() {
            session.print_numbers(&weights)?;
        } else if let Some(fit) = fit.filter(|_| on_stdout && coefficients.is_none()) {
            session.print_numbers(&nothing(&fit.values))?;
        }
        Ok(exit_of(status))
    }
}

pub(super) fn exit_of(status: HatStatus) -> Exit {
    match status {
        HatStatus::Solved => Exit::Done,
        HatStatus::Interrupted => Exit::Interrupted,
        _ => Exit::NotConverged,
    }
}

/// The coefficients, by the names of their columns.
fn told(fit: &HatCoefficients, names: Option<&[String]>, session: &mut Session<'_>) {
    const SHOWN: usize = 20;
    session.summary(&format!(
        "coefficients: misfit {:.2e} by its degrees of freedom, residual {:.1e}, {} fits of the scores",
        fit.misfit, fit.residual, fit.starts
    ));
    for (j, value) in fit.values.iter().enumerate().take(SHOWN) {
        let name = names.and_then(|names| names.get(j)).cloned().unwrap_or_else(|| format!("column {}", j + 1));
        let error = fit.standard_errors.as_ref().and_then(|errors| errors[j]);
        let error = error.map_or(String::new(), |error| format!(" +- {error:.1e}"));
        session.summary(&match value {
            Some(value) => format!("  {name}: {value:.9}{error}"),
            None => format!("  {name}: open"),
        });
    }
    if !fit.open.is_empty() {
        session.summary(&format!("open: {}", fit.open.join("; ")));
    }
}

/// Row numbers, counted from 1; the first of many.
pub(super) fn numbered(rows: &[usize]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = rows.iter().take(SHOWN).map(|i| (i + 1).to_string()).collect();
    let more = if rows.len() > SHOWN { format!(", ... ({} in all)", rows.len()) } else { String::new() };
    shown.join(", ") + &more
}

fn summary(found: &HatInversion, session: &mut Session<'_>) {
    let known = found.weights.iter().flatten().count();
    let (passes, residual) = (found.passes, found.residual);
    let (status, elapsed) = (found.status.name().replace('_', " "), session.elapsed());
    session.summary(&format!(
        "{status}: {known} weights of {} rows, residual {residual:.1e}, {elapsed}; {} steps, {passes} evaluations",
        found.weights.len(),
        found.history.len().saturating_sub(1),
    ));
    if !found.open().is_empty() {
        session.summary(&format!("open: {}", found.open().join("; ")));
    }
    for near in &found.near_components {
        session.summary(&format!(
            "nearly apart: rows {}; their factor against the rest is known within e to +-{:.1e}",
            numbered(&near.rows),
            near.log_factor
        ));
    }
    match &found.intervals {
        Some(intervals) => {
            let widest = intervals.iter().flatten().map(|[low, high]| (high / low).ln()).fold(0.0, f64::max);
            session.summary(&format!("proven: an interval for every weight, the widest a factor of e to {widest:.1e}"));
        }
        None => session.summary("proven: nothing"),
    }
    if let Some(errors) = &found.standard_errors {
        let largest = errors.iter().flatten().copied().fold(0.0, f64::max);
        session.summary(&format!("standard errors of log weights: up to {largest:.1e} against the held row"));
    }
}
