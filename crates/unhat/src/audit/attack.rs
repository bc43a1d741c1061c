//! What an attacker does with a release: knowing nothing else, a point near x, or the cell of x.

use super::joint::JointFit;
use super::release::Released;
use super::report::AttackKind;
use super::ridge_path::RidgePath;
use crate::barrier::{Side, slack_at};
use crate::error::{ErrorKind, Result};
use crate::feasible::interior_point;
use crate::invert::scores::{AttackFit, ScoreAttacks};
use crate::invert::{InvertOptions, Start, invert_gradient};
use crate::leverage::least_squares;
use crate::linalg::norm;
use crate::rows::RowSource;
use crate::run::Run;
use crate::solve::Status;

/// A table under attack: everything that all tries share.
pub(super) struct Attacks<'a> {
    source: &'a dyn RowSource,
    offset: &'a [f64],
    scores: ScoreAttacks<'a>,
    ridge: RidgePath<'a>,
    /// Points in the cells that a blind attack on a gradient tries.
    guesses: Vec<Vec<f64>>,
    /// How many there were before those were left out that have no point of the gradient as computed.
    cells_tried: usize,
}

/// What one try knows beside table and release.
pub(super) struct Knowledge<'k> {
    pub kind: AttackKind,
    /// Of [`AttackKind::Start`]: a point near x.
    pub start: &'k [f64],
    /// Seed of what the attack draws.
    pub seed: u64,
}

/// Where one fit of an attack ended, and its residuals on the way.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub x: Vec<f64>,
    pub residuals: Vec<f64>,
    pub status: Status,
}

/// Newton steps of one inversion; 5 to 15 are the rule.
const MOST_STEPS: u32 = 60;

impl<'a> Attacks<'a> {
    /// Looks for the cells.
    ///
    /// # Errors
    /// Those of a least-squares fit and of the search for the centre of the cell of x.
    pub fn new(
        source: &'a dyn RowSource,
        offset: &'a [f64],
        x: &[f64],
        gradient: &[f64],
        run: &Run<'_>,
    ) -> Result<Self> {
        let scores = ScoreAttacks::new(source, offset, x, run)?;
        let mut guesses = Vec::new();
        for side in [Side::Above, Side::Below] {
            guesses.extend(point_of_side(source, offset, side, run)?);
        }
        let (fit, exact) = scores.fit();
        if !exact && slack_at(source, offset, fit, run)?.iter().all(|s| *s != 0.0) {
            guesses.push(fit.to_vec());
        }
        let ridge = RidgePath::new(source, offset, &least_squares(source, offset, run)?, run)?;
        let mut attacks = Attacks { source, offset, scores, ridge, cells_tried: guesses.len(), guesses: Vec::new() };
        // In an unbounded cell a gradient may have no point; noise on it does not make one that says anything of x.
        for guess in guesses {
            if attacks.inverted(gradient, &guess, run)?.is_some() {
                attacks.guesses.push(guess);
            }
        }
        Ok(attacks)
    }

    /// The scores' part.
    pub fn on_scores(&self) -> &ScoreAttacks<'a> {
        &self.scores
    }

    /// How many cells a blind attack on a gradient tries.
    pub fn cells_tried(&self) -> usize {
        self.cells_tried
    }

    /// The answers of one try, the one with the best residual first; none where it failed.
    ///
    /// A gradient has a solution in every bounded cell, so that nothing in it tells the right one of several cells from
    /// the others: then there are several answers.
    pub fn run(&self, released: &Released, knowledge: &Knowledge<'_>, run: &Run<'_>) -> Result<Vec<Answer>> {
        run.check()?;
        if knowledge.kind == AttackKind::Ridge {
            let found = self.ridge.attack(released, run)?;
            return Ok(found
                .into_iter()
                .map(|found| Answer { x: found.x, residuals: found.residuals, status: Status::Solved })
                .collect());
        }
        match (released.scores.is_empty(), released.gradient.is_empty()) {
            (false, true) => Ok(self.scores_alone(released, knowledge, run)?.into_iter().collect()),
            (true, false) => self.gradient_alone(released, knowledge, run),
            _ => self.both(released, knowledge, run),
        }
    }

    fn scores_alone(&self, released: &Released, knowledge: &Knowledge<'_>, run: &Run<'_>) -> Result<Option<Answer>> {
        let target = released.as_scores();
        let fit = match knowledge.kind {
            AttackKind::Blind => self.scores.blind(&target, knowledge.seed, run)?,
            AttackKind::Start => self.scores.near_point(&target, knowledge.start, knowledge.seed, run)?,
            AttackKind::Signs => self.scores.in_cell(&target, knowledge.seed, run)?,
            AttackKind::Ridge => None, // its own way, for every kind of release
        };
        Ok(fit.map(|AttackFit { x, history, status, .. }| Answer { x, residuals: history, status }))
    }

    fn gradient_alone(&self, released: &Released, knowledge: &Knowledge<'_>, run: &Run<'_>) -> Result<Vec<Answer>> {
        let starts: Vec<&[f64]> = match knowledge.kind {
            AttackKind::Blind => self.guesses.iter().map(Vec::as_slice).collect(),
            // whoever has a point has the table too
            AttackKind::Start => {
                std::iter::once(knowledge.start).chain(self.guesses.iter().map(Vec::as_slice)).collect()
            }
            AttackKind::Signs => vec![self.scores.centre()],
            AttackKind::Ridge => Vec::new(),
        };
        let mut answers = Vec::new();
        for start in starts {
            answers.extend(self.inverted(&released.gradient, start, run)?);
        }
        Ok(answers)
    }

    /// The exact inversion in the cell of a point: under Gaussian noise the most likely x of the cell.
    fn inverted(&self, target: &[f64], start: &[f64], run: &Run<'_>) -> Result<Option<Answer>> {
        let options = InvertOptions { max_iterations: MOST_STEPS, ..InvertOptions::default() };
        let start = Start { point: Some(start), ..Start::default() };
        let found = match invert_gradient(self.source, self.offset, target, &start, &options, None, run) {
            Err(e) if leads_nowhere(e.kind()) => return Ok(None),
            other => other?,
        };
        run.check()?;
        let residuals = found.history.iter().map(|step| step.residual).collect();
        // A last step that rounding ended is an answer too.
        let answered = matches!(found.status, Status::Solved | Status::Stalled);
        Ok(answered.then_some(Answer { x: found.x, residuals, status: found.status }))
    }

    /// The better of what scores and gradient give alone, fitted to both; its cell is kept.
    fn both(&self, released: &Released, knowledge: &Knowledge<'_>, run: &Run<'_>) -> Result<Vec<Answer>> {
        let fit = JointFit::new(self.source, self.offset, released)?;
        let mut nearest: Option<(f64, Answer)> = None;
        for answer in self.gradient_alone(released, knowledge, run)? {
            let Some(misfit) = fit.misfit(&answer.x, run)? else { continue };
            if nearest.as_ref().is_none_or(|(least, _)| misfit < *least) {
                nearest = Some((misfit, answer));
            }
        }
        // In one cell all lead to the same place, and a gradient's answer is the nearer one.
        let mut starts: Vec<Answer> = match knowledge.kind {
            AttackKind::Signs if nearest.is_some() => Vec::new(),
            _ => self.scores_alone(released, knowledge, run)?.into_iter().collect(),
        };
        starts.extend(nearest.map(|(_, answer)| answer));
        let mut best: Option<(f64, Answer)> = None;
        for answer in starts {
            let Some((misfit, x, residuals)) = fit.polished(&answer.x, run)? else { continue };
            if best.as_ref().is_none_or(|(least, _)| misfit < *least) {
                best = Some((misfit, Answer { x, residuals, status: answer.status }));
            }
        }
        Ok(best.into_iter().map(|(_, answer)| answer).collect())
    }
}

/// ‖x̂ − x‖/‖x‖ of the closest answer: an attacker with several keeps them all.
pub(super) fn closest<'a>(answers: &'a [Answer], x: &[f64]) -> Option<(f64, &'a Answer)> {
    let distance = |answer: &Answer| {
        let difference: Vec<f64> = answer.x.iter().zip(x).map(|(a, b)| a - b).collect();
        norm(&difference) / norm(x)
    };
    answers.iter().map(|answer| (distance(answer), answer)).min_by(|a, b| a.0.total_cmp(&b.0))
}

/// A point with every row on one side; None where there is none.
fn point_of_side(source: &dyn RowSource, offset: &[f64], side: Side, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
    match interior_point(source, offset, &vec![side == Side::Above; offset.len()], run) {
        Ok((x, _)) => Ok(Some(x)),
        Err(e) if leads_nowhere(e.kind()) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Errors that say that this way leads nowhere, not that something is wrong.
fn leads_nowhere(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Empty { .. }
            | ErrorKind::NoInterior { .. }
            | ErrorKind::Unattainable { .. }
            | ErrorKind::Undecided { .. }
            | ErrorKind::ZeroSlack { .. }
            | ErrorKind::Numerical { .. }
    )
}
