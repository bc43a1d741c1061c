//! What the idea of a rule contributes: the same training with what is shared dealt out to others, averaged or drawn.

use super::course::{Course, Problem};
use super::options::OptimiserName;
use super::report::{ControlRun, Controls, Ending, EpochCorrelation, HistoryEntry};
use super::rule::Variant;
use super::saved::SavedTraining;
use unhat::{ErrorKind, Event, Result, Run};

/// A control that needs less than so much of the steps more has not shown that the idea contributes: about the spread of
/// seeds.
const WORTH_NAMING: f64 = 1.1;

/// The controls of a training that ended: on its seed, with its rate and as many steps.
pub(super) fn run_controls(problem: &Problem<'_>, main: &SavedTraining, run: &Run<'_>) -> Result<Controls> {
    let rule = problem.options.optimizer;
    let loss = main.history.last().and_then(|entry| entry.train_loss);
    let mut runs = vec![problem.control_run(Variant::Main, Ending::Solved, &main.history, loss)];
    for variant in Variant::controls(rule) {
        run.tell(Event::Phase(&format!("control: {}", variant.name())));
        let (status, history, _) = problem.control(*variant, main, run)?;
        runs.push(problem.control_run(*variant, status, &history, loss));
    }
    let mut correlations = Vec::new();
    if rule == OptimiserName::Fngd {
        run.tell(Event::Phase("control: stored and fresh coefficients"));
        let (_, _, found) = problem.control(Variant::Compared, main, run)?;
        correlations =
            found.into_iter().map(|(epoch, correlation)| EpochCorrelation { epoch: epoch + 1, correlation }).collect();
    }
    let summary = summary(&runs);
    Ok(Controls { loss, runs, correlations, summary })
}

/// How a control ended, its history, and its correlations.
type Control = (Ending, Vec<HistoryEntry>, Vec<(u32, f64)>);

impl Problem<'_> {
    fn control(&self, variant: Variant, main: &SavedTraining, run: &Run<'_>) -> Result<Control> {
        let mut course = Course::new(self, variant, SavedTraining::new(main.learning_rate))?;
        let ended = course.run(Some(main.trainer.step), &mut None, run)?;
        match ended.status {
            Ending::Interrupted => Err(ErrorKind::Interrupted.into()),
            status => Ok((status, course.state.history, ended.correlations)),
        }
    }

    fn control_run(&self, variant: Variant, status: Ending, history: &[HistoryEntry], loss: Option<f64>) -> ControlRun {
        let last = history.last();
        let reached = history.iter().find(|entry| entry.train_loss.zip(loss).is_some_and(|(own, main)| own <= main));
        ControlRun {
            name: variant.name().into(),
            status,
            train_loss: last.and_then(|entry| entry.train_loss),
            validation_loss: last.and_then(|entry| entry.validation_loss),
            validation_accuracy: last.and_then(|entry| entry.validation_accuracy),
            steps_to_loss: reached.map(|entry| entry.step),
            epochs_to_loss: reached.map(|entry| entry.step as f64 / self.steps_per_epoch() as f64),
        }
    }
}

/// What the runs say of the idea; the first is the main run.
fn summary(runs: &[ControlRun]) -> String {
    let Some((main, controls)) = runs.split_first() else { return String::new() };
    let quickest = controls.iter().filter_map(|c| Some((c, c.steps_to_loss?))).min_by_key(|(_, steps)| *steps);
    match (quickest, main.steps_to_loss) {
        (Some((control, steps)), Some(own)) if (steps as f64) < WORTH_NAMING * own as f64 => {
            format!(
                "Nothing is shown to be contributed: with {} the same loss is reached as soon (one seed).",
                control.name
            )
        }
        (Some((control, steps)), Some(own)) => format!(
            "Of the controls {} is the quickest: the same loss in {:.1} times the steps (one seed).",
            control.name,
            steps as f64 / own as f64
        ),
        _ => "No control reaches the same loss in as many steps (one seed).".into(),
    }
}
