//! `unhat invert scores`: from released scores to the x that has them, or to what they leave open.

use super::facts::Given;
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::history::HistoryFile;
use crate::input::{System, read_numbers, read_of_rows, require_all_rows, require_one_reader_of_stdin};
use crate::names::Names;
use crate::options::InvertScores;
use crate::output::Destination;
use crate::page::PageFile;
use crate::session::Session;
use unhat::invert::hat::HatPrecision;
use unhat::invert::page::Inverted;
use unhat::invert::page::of_scores;
use unhat::invert::scores::ScoreInversionReport;
use unhat::invert::scores::{
    ScoreCandidate, ScoreInversion, ScoreInvertOptions, ScoreMethod, ScoreStart, invert_scores,
};
use unhat::solve::Status;
use unhat::{Error, ErrorKind};
use unhat_io::read_rows;
use unhat_report::inversion_page;

pub(crate) fn run(arguments: &InvertScores, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if session.common.checkpoint.is_some() {
        return Err(option_failure("--checkpoint", "is not supported by invert scores; leave it out"));
    }
    let input = &arguments.matrix;
    require_one_reader_of_stdin(&[
        ("--matrix", input.matrix.as_deref()),
        ("--offset", arguments.offset.as_deref()),
        ("--target", Some(&arguments.target)),
        ("--rows", arguments.rows.as_deref()),
        ("--start", arguments.start.as_deref()),
        ("--signs", arguments.signs.as_deref()),
        ("--widths", arguments.precision.widths.as_deref()),
        ("--noise", arguments.precision.noise.as_deref()),
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let history = HistoryFile::of(arguments.history.as_deref())?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let system = System::read(input, arguments.offset.as_deref(), session)?;
    let (matrix, offset) = (&system.matrix, system.offset()?);
    let (shape, text) = (matrix.shape(), &input.text);
    if arguments.rows.is_some() {
        require_all_rows(matrix, "--rows")?;
    }
    let released = arguments.rows.as_deref().map(read_rows).transpose()?;
    let target = read_numbers(&arguments.target, "target", released.as_ref().map_or(shape.rows, Vec::len), text)?;
    let start = arguments.start.as_deref().map(|path| read_numbers(path, "start", shape.columns, text)).transpose()?;
    let signs = arguments.signs.as_deref().map(|path| read_of_rows(path, "signs", matrix, text)).transpose()?;
    let known = ScoreStart::of(start.as_deref(), signs.as_deref(), arguments.upper, input.polytope.is_some())?;
    let options = ScoreInvertOptions {
        method: ScoreMethod::from(arguments.method),
        precision: arguments.precision.read_released(matrix, released.as_ref().map(Vec::len), text)?,
        tolerance: arguments.tol,
        max_iterations: arguments.max_iter,
        seed: session.common.seed,
    };
    let rows = matrix.rows()?;
    let found = session
        .compute(|run| invert_scores(&rows, offset, &target, released.as_deref(), &known, &options, run))
        .map_err(|error| of_the_target(&error, &options).unwrap_or_else(|| Failure::in_matrix(error, matrix)))?;
    if let Some(warning) = known.other_cell(&found.point.slack) {
        session.warn(&warning);
    }
    history.store(&found.history)?;
    let given = Given { kind: Inverted::Scores, input, matrix, target: Some(&arguments.target), values: &target };
    let answer = Answer { found: &found, given: &given, known: &known, limit: arguments.max_iter };
    answer.hand_over(&destination, &page, session)
}

/// The library's name for the scores is no option of the command line.
fn of_the_target(error: &Error, options: &ScoreInvertOptions) -> Option<Failure> {
    match error.kind() {
        ErrorKind::Option { name, reason } if name == "target scores" => {
            let exact = options.precision == HatPrecision::Exact;
            let advice = if exact { "; for noisy scores give --noise" } else { "" };
            Some(option_failure("--target", format!("{reason}{advice}")))
        }
        _ => None,
    }
}

/// What the library found, and what is needed to speak about it.
struct Answer<'a> {
    found: &'a ScoreInversion,
    given: &'a Given<'a>,
    known: &'a ScoreStart<'a>,
    limit: Option<u32>,
}

impl Answer<'_> {
    /// Writes x where it is recommended, and the page; says what was found, prints the object.
    fn hand_over(
        &self,
        destination: &Destination<'_>,
        page: &PageFile<'_>,
        session: &mut Session<'_>,
    ) -> Result<Exit, Failure> {
        let recommended = self.found.is_recommended();
        if recommended {
            destination.store("value", None, &self.found.x)?;
        }
        self.found.warnings.iter().for_each(|warning| session.warn(warning));
        self.say_what_is_missing(session);
        if session.common.verbose || !recommended {
            candidate_table(&self.found.candidates).iter().for_each(|line| session.say(line));
        }
        if recommended {
            self.summary(session);
        }
        page.store(|session| inversion_page(&of_scores(self.found, self.known, self.given.subject(session))), session)?;
        let on_stdout = recommended && destination.on_stdout();
        if session.common.json {
            session.report(
                "invert scores",
                ScoreInversionReport::of(self.found),
                on_stdout.then_some(&self.found.x),
            )?;
        } else if on_stdout {
            session.print_numbers(&self.found.x)?;
        }
        Ok(if recommended { Exit::from(self.found.status) } else { Exit::NotConverged })
    }

    /// Why x was not written, or is not the end of the way.
    fn say_what_is_missing(&self, session: &mut Session<'_>) {
        let found = self.found;
        if !found.is_recommended() {
            let Some(direction) = &found.null_direction else {
                session.say("not identified: several candidates fit the scores equally well; no x was written");
                return;
            };
            session.say(
                "not identified: none of the released scores changes along the direction h, so that they cannot tell \
                 how far x lies along it; no x was written",
            );
            let names = Names::of_direction(direction, self.given.matrix.column_names.as_deref());
            session.say(names.lines().trim_end());
            return;
        }
        let ending = match (found.status, self.limit) {
            (Status::Solved, _) => return,
            (Status::IterationLimit, Some(limit)) => format!("--max-iter {limit} is used up"),
            (Status::IterationLimit, None) => format!("the {} steps allowed are used up", found.iterations),
            (Status::Interrupted, _) => "interrupted".into(),
            _ => "no further progress".into(),
        };
        session.say(&format!(
            "not converged: {ending}; what was written is the best point so far; residual {:.1e}",
            found.residual
        ));
    }

    fn summary(&self, session: &mut Session<'_>) {
        let found = self.found;
        session.summary(&format!(
            "{}: {} values from {} scores, residual {:.1e}, {}; {} with {} ({})",
            found.status.name().replace('_', " "),
            found.x.len(),
            self.given.values.len(),
            found.residual,
            session.elapsed(),
            found.method.name(),
            found.point.factor.method().name(),
            found.reason,
        ));
        let lift = found.lift.as_ref().and_then(|lift| lift.product_defect);
        let lift = lift.map_or(String::new(), |defect| format!("X of the lift is x x^T to {defect:.1e}; "));
        session.summary(&format!("checks: {lift}the scores at x sum to d to {:.1e}", found.score_sum_defect));
        if let Some(proof) = &found.certificate {
            session.summary(&format!(
                "proven, near this x only: every x with these scores whose slacks differ by less than {:.1e} of them is \
                 within {:.1e} (Euclidean norm; {:.1e} relative to the slacks)",
                proof.within, proof.euclidean, proof.q_norm
            ));
        }
        if found.unique && found.covariance.is_none() {
            session.summary(match found.lift {
                Some(_) => "no other x has these scores: the equations of the lift determine x",
                None => "no other x has these scores: of all patterns of signs this one alone fits",
            });
        }
        if found.status == Status::Solved && found.certificate.is_none() && found.covariance.is_none() {
            session.summary("proven: nothing");
        }
        if let (Some(errors), Some(noise)) = (&found.standard_errors, found.noise) {
            let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = errors.iter().copied().fold(0.0, f64::max);
            let source = if found.noise_is_estimated { "estimated from the residual" } else { "given" };
            session.summary(&format!(
                "standard errors of x: {least:.1e} to {largest:.1e}, for scores with noise {noise:.1e} ({source})"
            ));
        }
    }
}

fn candidate_table(candidates: &[ScoreCandidate]) -> Vec<String> {
    let head = format!("{:>9} {:>10} {:>15}  found from", "candidate", "residual", "status");
    let line = |(rank, candidate): (usize, &ScoreCandidate)| {
        let status = candidate.status.name().replace('_', " ");
        format!("{:>9} {:>10.3e} {status:>15}  {}", rank + 1, candidate.residual, candidate.origin)
    };
    std::iter::once(head).chain(candidates.iter().enumerate().map(line)).collect()
}
