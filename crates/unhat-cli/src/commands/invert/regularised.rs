//! The inversion with a regulariser: every minimum that was found, and what is proven of the best.

use super::facts::Given;
use super::files::Files;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use unhat::ErrorKind;
use unhat::invert::page::of_regularised;
use unhat::invert::report::RegularisedReport;
use unhat::invert::{
    Checkpoint, CurvatureEstimate, Extent, Fold, FoldKind, GradientRequest, Minimum, Proof, RegularisedCertificate,
    RegularisedInversion, RegularisedOptions, SavedSolve, StartReport, fingerprint_of_regularised,
    invert_regularised_from,
};
use unhat::solve::{State, Status};
use unhat_io::SolveFile;
use unhat_report::inversion_page;

/// The library's word that no answer of this kind is without: a note here, not a warning each time.
const ONE_CELL: &str = "only the cell of the start was searched";

pub(super) fn solve(
    files: Files<'_>,
    (target_file, target): (&str, &[f64]),
    weights: &[f64],
    request: &GradientRequest,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let (matrix, offset) = (&files.system.matrix, files.system.offset()?);
    let rows = matrix.rows()?;
    let options = RegularisedOptions {
        tolerance: files.arguments.tol,
        max_iterations: files.arguments.max_iter,
        seed: session.common.seed,
        prove: request.prove,
        minima: request.minima,
        curvature: request.solver.beside_weights()?,
        ..RegularisedOptions::default()
    };
    let problem = (offset, target, weights);
    let (mut file, resume) = match session.common.checkpoint.as_deref() {
        Some(path) => {
            let (file, resume) =
                SolveFile::open(path, fingerprint_of_regularised(&rows, problem, &files.cell(), &options)?)?;
            (Some(file), resume)
        }
        None => (None, None),
    };
    if let Some(SavedSolve { state, .. }) = &resume {
        session.note(&format!("resuming after {} steps", state.history.len()));
    }
    let resumed = resume.is_some();
    let mut latest: Option<SavedSolve> = None;
    let mut save = |state: &State, positive: &[bool], start: &StartReport| {
        latest = Some(SavedSolve { state: state.clone(), positive: positive.to_vec(), start: start.clone() });
        file.as_mut().map_or(Ok(()), |file| file.save_now_and_then(state, positive, start))
    };
    let kept = session.common.checkpoint.is_some();
    let outcome = session.compute(|run| {
        let checkpoint = kept.then_some(Checkpoint { resume, save: &mut save });
        invert_regularised_from(&rows, problem, &files.cell(), &options, checkpoint, run)
    });
    let interrupted = outcome.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Interrupted));
    let solved = outcome.as_ref().is_ok_and(|found| found.status == Status::Solved);
    if let (Some(file), Some(SavedSolve { state, positive, start }), true) =
        (&mut file, latest, !solved && (outcome.is_ok() || interrupted))
    {
        file.save(&state, &positive, &start)?;
    }
    let found = outcome.map_err(|error| {
        // An error is final: nothing of this run is left behind.
        if let Some(file) = file.as_ref().filter(|_| !interrupted && !resumed) {
            file.remove();
        }
        Failure::in_matrix(error, matrix)
    })?;
    let exit = hand_over(&found, &files, &Given::gradient(&files, Some(target_file), target), session)?;
    if let Some(file) = file.filter(|_| solved) {
        file.remove(); // not before the answer is safe
    }
    Ok(exit)
}

/// Writes history, the best x and the page, says what was found, prints the object.
fn hand_over(
    found: &RegularisedInversion,
    files: &Files<'_>,
    given: &Given<'_>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let destination = &files.destination;
    files.history.store(&found.history)?;
    destination.store("value", None, &found.x)?;
    for warning in &found.warnings {
        if warning == ONE_CELL { session.note(warning) } else { session.warn(warning) }
    }
    if session.common.verbose {
        minima_table(&found.minima).iter().for_each(|line| session.say(line));
        found.folds.iter().for_each(|fold| session.say(&fold_sentence(fold)));
    }
    summary(found, session);
    files.page.store(|session| inversion_page(&of_regularised(found, given.subject(session))), session)?;
    if session.common.json {
        session.report("invert gradient", RegularisedReport::of(found), destination.on_stdout().then_some(&found.x))?;
    } else if destination.on_stdout() {
        session.print_numbers(&found.x)?;
    }
    Ok(Exit::from(found.status))
}

fn summary(found: &RegularisedInversion, session: &mut Session<'_>) {
    let ending = match found.status {
        Status::Solved => None,
        Status::Interrupted => Some("interrupted; what was written is the best point so far"),
        _ => Some("no descent ended in a minimum; what was written is the lowest point met"),
    };
    if let Some(ending) = ending {
        session.say(&format!("not converged: {ending}"));
    }
    let minima = match found.minima.len() {
        0 => "no minimum".to_string(),
        1 => "1 minimum".to_string(),
        several => format!("{several} minima"),
    };
    session.summary(&format!(
        "{}: {minima} found, best objective {:.9e}; {} values, {} passes over the rows, {}; {} with {} ({})",
        found.status.name().replace('_', " "),
        found.objective,
        found.x.len(),
        found.passes,
        session.elapsed(),
        found.method.name(),
        found.point.factor.method().name(),
        found.reason,
    ));
    if let Some(certificate) = &found.certificate {
        session.summary(&format!("proven: {}", proof_sentence(certificate)));
    } else if found.status == Status::Solved {
        let evidence = found.strictness.map_or(String::new(), |estimate| strictness_sentence(&estimate));
        session.summary(&format!("proven: nothing{evidence}"));
    }
    session.summary(match found.search {
        Extent::Complete => "searched: the whole curve of stationary points, or as far as a proof made needless",
        Extent::Partial => "searched: in part; what was left out is said above",
        Extent::None => "searched: no further than the starts",
    });
}

fn strictness_sentence(estimate: &CurvatureEstimate) -> String {
    let CurvatureEstimate { least, residual, products, chance } = estimate;
    match estimate.kind() {
        "saddle" => format!("; the point is a saddle: curvature {least:.1e} along one direction"),
        "probable" => format!("; a strict minimum but for a chance of {chance:.0e} ({products} random products)"),
        _ => format!(
            "; the least curvature is estimated as {least:.2} +- {residual:.1e} of Gauss-Newton's ({products} products): \
             evidence for a strict minimum, no proof"
        ),
    }
}

fn proof_sentence(certificate: &RegularisedCertificate) -> String {
    let proof = match certificate.kind {
        Proof::Unique => "the best is the only global minimum of the cell".to_string(),
        Proof::Global => {
            let boxes = certificate.boxes.map_or(String::new(), |boxes| format!(" ({boxes} boxes)"));
            format!("no point of the cell has an objective lower than the best's by more than 1e-9 of it{boxes}")
        }
        Proof::Local if certificate.within > 0.0 => format!(
            "the best is a strict minimum, and the only global one where no slack differs from its own by more than \
             {:.1e} of it",
            certificate.within
        ),
        Proof::Local => "the best is a strict minimum; others may be lower".to_string(),
    };
    match certificate.slack_error {
        Some(error) => format!("{proof}; it is known to {error:.1e} of every slack"),
        None => proof,
    }
}

fn minima_table(minima: &[Minimum]) -> Vec<String> {
    let head = format!("{:>7} {:>20} {:>6} {:>10}  found from", "minimum", "objective", "strict", "within");
    let line = |(rank, minimum): (usize, &Minimum)| {
        let strict = if minimum.strict { "yes" } else { "no" };
        let within = minimum.within.map_or("the cell".to_string(), |radius| format!("{radius:.2e}"));
        let origins: Vec<&str> = minimum.found_by.iter().map(|origin| origin.name()).collect();
        format!("{:>7} {:>20.12e} {strict:>6} {within:>10}  {}", rank + 1, minimum.objective, origins.join(", "))
    };
    std::iter::once(head).chain(minima.iter().enumerate().map(line)).collect()
}

fn fold_sentence(fold: &Fold) -> String {
    let what = match (fold.index, fold.direction) {
        (0, FoldKind::Born) => "a minimum and a saddle are born",
        (0, FoldKind::Dies) => "a minimum and a saddle meet and vanish",
        (_, FoldKind::Born) => "two saddles are born",
        (_, FoldKind::Dies) => "two saddles meet and vanish",
    };
    format!("fold: at {:.4} times the weights {what}", fold.weight_scale)
}
