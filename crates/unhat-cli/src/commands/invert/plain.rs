//! The inversion without regulariser: one solution, its certificate, and a checkpoint to resume from.

use super::facts::Given;
use super::files::Files;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use unhat::ErrorKind;
use unhat::invert::page::InversionPage;
use unhat::invert::page::{of_gradient, of_interrupted};
use unhat::invert::report::{NoiseSpread, SolveReport};
use unhat::invert::scores::gradient_covariance;
use unhat::invert::{
    Checkpoint, Inversion, InvertOptions, SavedSolve, ScoreSource, StartReport, fingerprint_of_inversion,
    invert_gradient,
};
use unhat::solve::{State, Status, Step};
use unhat_io::SolveFile;
use unhat_report::inversion_page;

impl Files<'_> {
    fn options(&self, seed: u64) -> Result<InvertOptions, Failure> {
        Ok(InvertOptions {
            solver: self.arguments.solver.asked().without_weights()?,
            scores: ScoreSource::from(self.arguments.scores),
            tolerance: self.arguments.tol,
            max_iterations: self.arguments.max_iter,
            seed,
            certify: self.arguments.certify,
        })
    }
}

/// How a solve ended: by itself, or cut short with nothing but its last state.
enum Ended {
    Whole(Box<Inversion>),
    Cut(Box<SavedSolve>),
}

pub(super) fn solve(
    command: &str,
    files: Files<'_>,
    (target_file, target): (Option<&str>, &[f64]),
    noise: Option<f64>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let (matrix, offset) = (&files.system.matrix, files.system.offset()?);
    let rows = matrix.rows()?;
    let options = files.options(session.common.seed)?;
    let (mut file, resume) = match session.common.checkpoint.as_deref() {
        Some(path) => {
            let (file, resume) =
                SolveFile::open(path, fingerprint_of_inversion(&rows, offset, target, &files.cell(), &options)?)?;
            (Some(file), resume)
        }
        None => (None, None),
    };
    if let Some(SavedSolve { state, .. }) = &resume {
        session.note(&format!("resuming at iteration {}", state.history.len()));
    }
    let resumed = resume.is_some();
    let mut latest: Option<SavedSolve> = None;
    let mut save = |state: &State, positive: &[bool], start: &StartReport| {
        latest = Some(SavedSolve { state: state.clone(), positive: positive.to_vec(), start: start.clone() });
        file.as_mut().map_or(Ok(()), |file| file.save_now_and_then(state, positive, start))
    };
    let outcome = session.compute(|run| {
        let checkpoint = Checkpoint { resume, save: &mut save };
        invert_gradient(&rows, offset, target, &files.cell(), &options, Some(checkpoint), run)
    });
    let ended = match (outcome, latest.clone()) {
        (Ok(inversion), _) => Ended::Whole(Box::new(inversion)),
        (Err(error), Some(state)) if matches!(error.kind(), ErrorKind::Interrupted) => Ended::Cut(Box::new(state)),
        (Err(error), _) => {
            // An error is final: nothing of this run is left behind.
            if let Some(file) = file.as_ref().filter(|_| !resumed) {
                file.remove();
            }
            return Err(Failure::in_matrix(error, matrix));
        }
    };
    let solved = ended.status() == Status::Solved;
    if let (Some(file), Some(SavedSolve { state, positive, start }), false) = (&mut file, latest, solved) {
        file.save(&state, &positive, &start)?;
    }
    let spread = match (&ended, noise) {
        (Ended::Whole(inversion), Some(noise)) => {
            let covariance = session
                .compute(|run| gradient_covariance(&rows, offset, &inversion.point, noise, run))
                .map_err(|error| Failure::in_matrix(error, matrix))?;
            Some(NoiseSpread::of(covariance, noise))
        }
        _ => None,
    };
    let given = Given::gradient(&files, target_file, target);
    let exit = ended.hand_over(command, (&files, &given), spread.as_ref(), session)?;
    if let Some(file) = file.filter(|_| solved) {
        file.remove(); // not before the answer is safe
    }
    Ok(exit)
}

fn spread_sentence(spread: &NoiseSpread) -> String {
    let least = spread.standard_errors.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = spread.standard_errors.iter().copied().fold(0.0, f64::max);
    format!(
        "standard errors of x: {least:.1e} to {largest:.1e}, for a gradient with noise {:.1e} (given)",
        spread.noise
    )
}

impl Ended {
    fn status(&self) -> Status {
        match self {
            Ended::Whole(inversion) => inversion.status,
            Ended::Cut(_) => Status::Interrupted,
        }
    }

    fn x(&self) -> &Vec<f64> {
        match self {
            Ended::Whole(inversion) => &inversion.x,
            Ended::Cut(cut) => &cut.state.x,
        }
    }

    fn history(&self) -> &[Step] {
        match self {
            Ended::Whole(inversion) => &inversion.history,
            Ended::Cut(cut) => &cut.state.history,
        }
    }

    /// Writes history, x and page, says what it is, prints the object.
    fn hand_over(
        &self,
        command: &str,
        (files, given): (&Files<'_>, &Given<'_>),
        spread: Option<&NoiseSpread>,
        session: &mut Session<'_>,
    ) -> Result<Exit, Failure> {
        let destination = &files.destination;
        files.history.store(self.history())?;
        destination.store("value", None, self.x())?;
        if let Ended::Whole(inversion) = self {
            inversion.warnings.iter().for_each(|warning| session.warn(warning));
        }
        self.summary(files, session);
        if let Some(spread) = spread {
            session.summary(&spread_sentence(spread));
        }
        files.page.store(|session| inversion_page(&self.drawn(given, spread, session)), session)?;
        if session.common.json {
            session.report(command, self.report(spread), destination.on_stdout().then_some(self.x()))?;
        } else if destination.on_stdout() {
            session.print_numbers(self.x())?;
        }
        Ok(Exit::from(self.status()))
    }

    fn summary(&self, files: &Files<'_>, session: &mut Session<'_>) {
        let values = self.x().len();
        let ending = match self.status() {
            Status::Solved => String::new(),
            Status::IterationLimit => format!("--max-iter {} is used up", files.arguments.max_iter),
            Status::Interrupted => "interrupted".into(),
            _ => "no further progress".into(),
        };
        let last = self.history().last();
        if !ending.is_empty() {
            let decrement = last.map_or(String::new(), |s| {
                format!("; decrement {:.1e}, wanted {:.1e}", s.decrement, files.arguments.tol)
            });
            session.say(&format!("not converged: {ending}; what was written is the best point so far{decrement}"));
        }
        let Ended::Whole(inversion) = self else { return };
        session.summary(&format!(
            "{}: {values} values, {} passes over the rows, {}; {} with {} ({})",
            inversion.status.name().replace('_', " "),
            inversion.passes,
            session.elapsed(),
            inversion.solver.name(),
            inversion.point.factor.name(),
            inversion.reason,
        ));
        // Where there is no proof, a warning has said so.
        if let Some(proof) = &inversion.certificate {
            session.summary(&format!(
                "proven: within {:.1e} of the exact solution (Euclidean norm; {:.1e} relative to the slacks)",
                proof.euclidean, proof.q_norm
            ));
        }
    }

    /// What the page draws.
    fn drawn(&self, given: &Given<'_>, spread: Option<&NoiseSpread>, session: &Session<'_>) -> InversionPage {
        let subject = given.subject(session);
        let spread = spread.map(|spread| (spread.noise, spread.standard_errors.as_slice()));
        match self {
            Ended::Whole(inversion) => of_gradient(inversion, spread, subject),
            Ended::Cut(cut) => of_interrupted(cut, subject),
        }
    }

    fn report<'a>(&'a self, spread: Option<&'a NoiseSpread>) -> SolveReport<'a> {
        match self {
            Ended::Whole(inversion) => SolveReport::of(inversion, spread),
            Ended::Cut(cut) => SolveReport::of_interrupted(cut),
        }
    }
}
