//! What an inversion of hat values found: weights, what they are known up to, what is proven, what says nothing.

use super::witness::Impossible;
use crate::solve::Step;

/// How an inversion of scores to weights ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HatStatus {
    /// The weights have the scores.
    Solved,
    /// No weights have these scores; [`HatInversion::impossible`] says why.
    Impossible,
    /// The allowed number of steps is used up.
    IterationLimit,
    /// No progress, above the rounding floor, or weights that run apart.
    Stalled,
    /// The run was asked to stop.
    Interrupted,
}

impl HatStatus {
    /// The word used in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HatStatus::Solved => "solved",
            HatStatus::Impossible => "impossible",
            HatStatus::IterationLimit => "iteration_limit",
            HatStatus::Stalled => "stalled",
            HatStatus::Interrupted => "interrupted",
        }
    }
}

/// Rows whose weights the scores tell up to one factor.
#[derive(Clone, Debug, PartialEq)]
pub struct HatComponent {
    /// The rows, 0-based.
    pub rows: Vec<usize>,
    /// Their rank.
    pub rank: usize,
    /// The row that intervals and standard errors are relative to; None where the ridge says the factor.
    pub held: Option<usize>,
}

/// Why the score of a row says nothing of its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// A row of zeros: its score is 0 whatever it weighs.
    Zero,
    /// Alone in a direction (a coloop): its score is 1 whatever it weighs.
    Alone,
    /// Its score is 0, so that its weight is: it was left out.
    NoWeight,
    /// Its score is 1 to rounding, so that its weight is larger than can be told.
    Saturated,
}

impl Silence {
    /// The word used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Silence::Zero => "zero_row",
            Silence::Alone => "coloop",
            Silence::NoWeight => "score_0",
            Silence::Saturated => "score_1",
        }
    }
}

/// Rows that hang together with the rest of their component by a thread: the factor between is badly known.
#[derive(Clone, Debug, PartialEq)]
pub struct NearComponent {
    /// The rows, 0-based.
    pub rows: Vec<usize>,
    /// The factor between them and the held row is known within e to ± this.
    pub log_factor: f64,
}

/// The recovered weights and everything known about them.
#[derive(Clone, Debug)]
pub struct HatInversion {
    /// How it ended.
    pub status: HatStatus,
    /// w, one a row; None where nothing is said. The geometric mean over each component is 1, unless a ridge says the factor.
    pub weights: Vec<Option<f64>>,
    /// Rows whose weights are known up to one factor each; rows that say nothing are in none.
    pub components: Vec<HatComponent>,
    /// Rows that say nothing of their weight, and why.
    pub silent: Vec<(usize, Silence)>,
    /// Parts of components that are nearly components of their own.
    pub near_components: Vec<NearComponent>,
    /// Proven: every weight lies in [low, high] when that of the held row of its component is as given.
    pub intervals: Option<Vec<Option<[f64; 2]>>>,
    /// Of log w against the held row, for scores with errors.
    pub standard_errors: Option<Vec<Option<f64>>>,
    /// Why there are no weights.
    pub impossible: Option<Impossible>,
    /// max |σ − h| over rows that say something, h as released.
    pub residual: f64,
    /// max |σ − h|/(σ(1 − σ)), h as solved for: about the largest error of a log weight by itself.
    pub misfit: f64,
    /// The rank of the rows.
    pub rank: usize,
    /// σ at the weights found.
    pub scores: Vec<f64>,
    /// The scores that were solved for: the released ones, projected on their rank.
    pub target: Vec<f64>,
    /// log w without normalisation, for those who go on from here.
    pub log_weights: Vec<f64>,
    /// Evaluations of the scores.
    pub passes: u32,
    /// All sweeps, in units of one evaluation.
    pub work: f64,
    /// The steps: `decrement` is max |σ − h|/(σ(1 − σ)), `residual` max |σ − h|.
    pub history: Vec<Step>,
    /// κ of the weighted Gram matrix in the last coordinates.
    pub condition: f64,
    /// Things the caller should know.
    pub warnings: Vec<String>,
}

impl HatInversion {
    /// Whether there are weights to hand over.
    #[must_use]
    pub fn has_weights(&self) -> bool {
        self.status != HatStatus::Impossible
    }

    /// What the scores leave open, in words.
    #[must_use]
    pub fn open(&self) -> Vec<String> {
        let mut open = Vec::new();
        let free = self.components.iter().filter(|part| part.held.is_some()).count();
        match free {
            0 => {}
            1 => open.push("one factor of all weights".to_string()),
            _ => open.push(format!("one factor of the weights in each of {free} components")),
        }
        let count = |why: Silence| self.silent.iter().filter(|(_, w)| *w == why).count();
        let mut rows = |count: usize, one: &str, many: &str| match count {
            0 => {}
            1 => open.push(one.to_string()),
            _ => open.push(format!("{count} {many}")),
        };
        rows(count(Silence::Zero), "the weight of one row of zeros", "weights of rows of zeros");
        rows(
            count(Silence::Alone),
            "the weight of one row that alone holds a direction",
            "weights of rows that alone hold a direction",
        );
        rows(
            count(Silence::Saturated),
            "how large the weight of one row with score 1 is",
            "weights of rows with score 1: how large they are",
        );
        open
    }
}
