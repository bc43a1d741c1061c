//! A training from beginning to end: the learning rate, the course, the controls, the report.

use super::controls::run_controls;
use super::course::{Course, Keeper, Problem};
use super::options::{LearningRate, TrainingOptions};
use super::range_test::choose_rate;
use super::report::{Ending, TrainingReport};
use super::rule::Variant;
use super::saved::{Identity, SavedTraining};
use super::sets::Sets;
use crate::models::{ModelKind, Network};
use unhat::{ErrorKind, Event, Result, Run};

/// What a training leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The weights that were kept: the best on the validation rows with patience, else the last, the last finite ones where
    /// it diverged.
    pub network: Network,
    /// Everything there is to say.
    pub report: TrainingReport,
    /// What to go on from.
    pub state: SavedTraining,
}

/// Trains a model: minimises the mean loss over batches, from first weights and batches drawn by seed.
///
/// With `resumed` it goes on from a saved state to the same bits; `keeper` is handed states on the way.
///
/// # Cost
/// 6np flops an epoch and what the rule adds; 2np for every evaluation; a range test of at most 800 steps where η is looked
/// for; with controls two or three further trainings.
/// # Randomness
/// First weights, batches and subspaces by seed; the same bits for any number of threads.
/// # Errors
/// [`ErrorKind::Option`] for options that do not go together, and under the name `checkpoint` for the state of another
/// training; [`ErrorKind::Shape`], [`ErrorKind::NotFinite`] for features that are no such rows; [`ErrorKind::Interrupted`]
/// only before the first step, else an interruption and a divergence are a [`TrainingReport::status`].
pub fn train_model(
    sets: &Sets<'_>,
    kind: &ModelKind,
    options: &TrainingOptions,
    resumed: Option<SavedTraining>,
    mut keeper: Option<&mut dyn Keeper>,
    run: &Run<'_>,
) -> Result<Trained> {
    options.check(sets.validation.is_some())?;
    let problem = Problem { sets, kind, options };
    let identity = if keeper.is_some() || resumed.is_some() { Some(Identity::of(sets, kind, options)) } else { None };
    if let (Some(own), Some(state)) = (&identity, &resumed) {
        own.require_same(&state.identity)?;
    }
    let (rate, range_test) = match (&resumed, options.rate()) {
        (Some(state), _) => (state.learning_rate, state.range_test.clone()),
        (None, LearningRate::Fixed(rate)) => (rate, None),
        (None, LearningRate::Auto) => {
            run.tell(Event::Phase("looking for a learning rate"));
            let (rate, trials) = choose_rate(&problem, run)?;
            (rate, Some(trials))
        }
    };
    run.tell(Event::Phase(&format!("training with {}", options.optimizer)));
    let identity = identity.unwrap_or_default();
    let start = resumed.unwrap_or_else(|| SavedTraining { identity, range_test, ..SavedTraining::new(rate) });
    let mut course = Course::new(&problem, Variant::Main, start)?;
    let mut ended = course.run(None, &mut keeper, run)?;
    // after a divergence the state kept before is the one to go on from
    if let Some(keeper) = keeper.filter(|_| ended.status != Ending::Diverged) {
        keeper.keep(&course.state)?;
    }
    let mut report = problem.report(&course, &ended);
    if options.controls && ended.status == Ending::Solved {
        match run_controls(&problem, &course.state, run) {
            Ok(controls) => report.controls = Some(controls),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted) => {
                report.status = Ending::Interrupted;
                report.warnings.push("the training is done, its controls were interrupted".into());
            }
            Err(error) => return Err(error),
        }
    }
    report.warnings.append(&mut ended.warnings);
    Ok(Trained { network: ended.network, report, state: course.state })
}
