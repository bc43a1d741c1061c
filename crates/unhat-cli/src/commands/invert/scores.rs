//! `unhat invert scores`: from released scores to the x that has them, or to what they leave open.

use super::facts::{Subject, components, distance, relative, standard_errors, sum_of_scores, trace, words};
use crate::commands::Exit;
use crate::failure::{Failure, option_failure};
use crate::history::HistoryFile;
use crate::input::{System, read_numbers, require_one_reader_of_stdin};
use crate::names::Names;
use crate::options::InvertScores;
use crate::output::Destination;
use crate::page::PageFile;
use crate::report::{CandidateReport, Method, ScoreInversionReport};
use crate::session::Session;
use unhat::invert::scores::{
    ScoreCandidate, ScoreInversion, ScoreInvertOptions, ScoreMethod, ScoreStart, invert_scores,
};
use unhat::solve::Status;
use unhat::{Error, ErrorKind};
use unhat_io::read_rows;
use unhat_report::{Candidate, InversionFacts, Inverted, Lift, Proof, inversion_page};

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
    ])?;
    let destination = Destination::of(&arguments.output)?;
    let history = HistoryFile::of(arguments.history.as_deref(), arguments.output.output.as_deref())?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let system = System::read(input, arguments.offset.as_deref(), session)?;
    let (matrix, offset) = (&system.matrix, system.offset()?);
    let shape = matrix.shape();
    let released = arguments.rows.as_deref().map(read_rows).transpose()?;
    let target = read_numbers(&arguments.target, "target", released.as_ref().map_or(shape.rows, Vec::len))?;
    let start = arguments.start.as_deref().map(|path| read_numbers(path, "start", shape.columns)).transpose()?;
    let signs = arguments.signs.as_deref().map(|path| read_numbers(path, "signs", shape.rows)).transpose()?;
    let known = ScoreStart::of(start.as_deref(), signs.as_deref(), arguments.upper, input.polytope.is_some())?;
    let options = ScoreInvertOptions {
        method: ScoreMethod::from(arguments.method),
        noise: arguments.noise,
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
    let subject = Subject { kind: Inverted::Scores, input, matrix, target: Some(&arguments.target), values: &target };
    let answer = Answer { found: &found, subject: &subject, known: &known, limit: arguments.max_iter };
    answer.hand_over(&destination, &page, session)
}

/// The library's name for the scores is no option of the command line.
fn of_the_target(error: &Error, options: &ScoreInvertOptions) -> Option<Failure> {
    match error.kind() {
        ErrorKind::Option { name, reason } if name == "target scores" => {
            let advice = if options.noise.is_none() { "; for noisy scores give --noise" } else { "" };
            Some(option_failure("--target", format!("{reason}{advice}")))
        }
        _ => None,
    }
}

/// What the library found, and what is needed to speak about it.
struct Answer<'a> {
    found: &'a ScoreInversion,
    subject: &'a Subject<'a>,
    known: &'a ScoreStart<'a>,
    limit: Option<u32>,
}

impl Answer<'_> {
    /// Whether x is to be had: the scores decide it, or the run was cut short before that was looked at.
    fn recommended(&self) -> bool {
        self.found.identified || self.found.status == Status::Interrupted
    }

    fn status(&self) -> &'static str {
        if self.recommended() { self.found.status.name() } else { "not_identified" }
    }

    /// Writes x where it is recommended, and the page; says what was found, prints the object.
    fn hand_over(
        &self,
        destination: &Destination<'_>,
        page: &PageFile<'_>,
        session: &mut Session<'_>,
    ) -> Result<Exit, Failure> {
        let recommended = self.recommended();
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
        page.store(|session| inversion_page(&self.facts(session)), session)?;
        let on_stdout = recommended && destination.on_stdout();
        if session.common.json {
            let report = self.report(on_stdout, session);
            session.print_object(&report)?;
        } else if on_stdout {
            session.print_numbers(&self.found.x)?;
        }
        Ok(if recommended { Exit::from(self.found.status) } else { Exit::NotConverged })
    }

    /// Why x was not written, or is not the end of the way.
    fn say_what_is_missing(&self, session: &mut Session<'_>) {
        let found = self.found;
        if !self.recommended() {
            let Some(direction) = &found.null_direction else {
                session.say("not identified: several candidates fit the scores equally well; no x was written");
                return;
            };
            session.say(
                "not identified: none of the released scores changes along the direction h, so that they cannot tell \
                 how far x lies along it; no x was written",
            );
            let names = Names::of_direction(direction, self.subject.matrix.column_names.as_deref());
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
            self.subject.values.len(),
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
                "proven: every x with these scores whose slacks differ by less than {:.1e} of them is within {:.1e} \
                 (Euclidean norm; {:.1e} relative to the slacks)",
                proof.within, proof.euclidean, proof.q_norm
            ));
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

    fn report<'a>(&'a self, values: bool, session: &Session<'_>) -> ScoreInversionReport<'a> {
        let found = self.found;
        let last = found.history.last();
        ScoreInversionReport {
            schema: 1,
            command: "invert scores",
            status: self.status(),
            identified: found.identified,
            null_direction: found.null_direction.as_deref(),
            weakest_share: found.weakest_share,
            iterations: found.iterations,
            passes: last.map(|step| step.passes),
            work: last.map(|step| step.work),
            residual: found.residual,
            candidates: found.candidates.iter().map(CandidateReport::from).collect(),
            lift: found.lift.as_ref().map(Into::into),
            lift_defect: found.lift.as_ref().and_then(|lift| lift.product_defect),
            score_sum: found.point.scores.iter().sum(),
            score_sum_defect: found.score_sum_defect,
            target_sum_defect: found.target_sum_defect,
            certificate: found.certificate.map(Into::into),
            noise: found.noise,
            noise_is_estimated: found.noise_is_estimated,
            standard_errors: found.standard_errors.as_deref(),
            covariance: found.covariance.as_ref().map(|all| all.chunks(found.x.len()).collect()),
            condition: found.point.factor.condition(),
            method: Method {
                solver: Some(found.method.name()),
                factor: found.point.factor.method().name(),
                reason: &found.reason,
            },
            colophon: session.colophon(),
            values: values.then_some(&found.x),
        }
    }
}

impl Answer<'_> {
    /// What the page draws.
    fn facts(&self, session: &Session<'_>) -> InversionFacts {
        let (found, subject) = (self.found, self.subject);
        let solved = self.recommended() && found.status == Status::Solved;
        let d = found.x.len();
        let mut checks = vec![sum_of_scores("sum_of_scores", &found.point.scores, d, 0.0)];
        if found.target_sum_defect.is_some() {
            let noise = found.noise.unwrap_or(0.0);
            checks.push(sum_of_scores("sum_of_target_scores", subject.values, d, noise));
        }
        let candidates = found.candidates.iter().enumerate().map(|(rank, candidate)| Candidate {
            origin: candidate.origin.clone(),
            status: words(candidate.status.name()),
            residual: Some(candidate.residual),
            objective: None,
            distance: found.candidates.first().filter(|_| rank > 0).and_then(|best| distance(&candidate.x, &best.x)),
            iterations: Some(candidate.iterations),
        });
        let proof = found.certificate.map(|proof| Proof {
            statement: None,
            scope: "every x nearby with these scores".into(),
            euclidean: Some(proof.euclidean),
            relative: relative(proof.euclidean, &found.x),
            slacks: Some(proof.q_norm),
            rounding: Some(proof.rounding),
            within: Some(proof.within),
        });
        let errors = found.standard_errors.as_ref().filter(|_| self.recommended());
        InversionFacts {
            status: words(self.status()),
            solved,
            noise: found.noise,
            solver: found.method.name().into(),
            reason: found.reason.clone(),
            start: self.start(),
            iterations: found.iterations.into(),
            passes: found.history.last().map(|step| step.passes.into()),
            residual: Some(found.residual),
            condition: Some(found.point.factor.condition()).filter(|condition| condition.is_finite()),
            history: trace(found.method.name(), &found.history),
            candidates: candidates.collect(),
            proof: proof.filter(|_| self.recommended()),
            standard_errors: errors.map_or_else(Vec::new, |e| standard_errors(subject.matrix, &found.x, e)),
            null_direction: found.null_direction.as_ref().map_or_else(Vec::new, |h| components(subject.matrix, h)),
            lift: found.lift.as_ref().map(|lift| Lift {
                rows: lift.rows as u64,
                unknowns: lift.unknowns as u64,
                residual: lift.residual,
                product_defect: lift.product_defect,
            }),
            checks,
            ..subject.facts(found.status, session)
        }
    }

    fn start(&self) -> String {
        match self.known {
            _ if self.found.lift.is_some() => "none: the lift needs no point and no signs".into(),
            ScoreStart::Point(_) => "the point that was given".into(),
            ScoreStart::Signs(_) => "the centre of the cell whose signs were given".into(),
            ScoreStart::Side(_) => "the centre of the polytope".into(),
            ScoreStart::Unknown => "the least-squares fit of the offset, and points around it".into(),
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
