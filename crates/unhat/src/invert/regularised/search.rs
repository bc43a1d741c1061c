//! The list of minima: descents are started here, and where they end is kept once.

use super::certificate::{RegularisedCertificate, certify};
use super::coreset_steps::descend_by_coresets;
use super::journal::{Finished, Keep, state_of};
use super::method::CurvatureMethod;
use super::objective::{Objective, Place};
use super::trust_region::{Descent, DescentOptions, descend};
use crate::error::Result;
use crate::linalg::norm;
use crate::run::{Event, Run};
use crate::solve::Step;
use std::cell::OnceCell;
use std::collections::VecDeque;

/// Where a descent was started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The solution of g(x) = c.
    Fit,
    /// The minimiser of the regulariser.
    Regulariser,
    /// A point mirrored between the two along an eigenvector of H.
    Flip,
    /// A crossing of the curve of stationary points in the scale of w.
    Arc,
    /// A random point of the cell.
    Random,
    /// A box of the branch and bound.
    Box,
    /// A step off a saddle along its negative curvature.
    Escape,
}

impl Origin {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Fit => "fit",
            Origin::Regulariser => "regulariser",
            Origin::Flip => "flip",
            Origin::Arc => "arc",
            Origin::Random => "random",
            Origin::Box => "box",
            Origin::Escape => "escape",
        }
    }
}

/// A strict local minimum and everyone who ended there.
pub(super) struct Found {
    pub place: Place,
    pub origins: Vec<Origin>,
    /// What it proves, once that was asked.
    certificate: OnceCell<Option<RegularisedCertificate>>,
}

/// All minima found so far.
pub(super) struct Search<'s, 'a> {
    pub objective: &'s Objective<'a>,
    pub run: &'s Run<'s>,
    pub found: Vec<Found>,
    /// The lowest point any descent evaluated, minimum or not.
    pub lowest: Option<Place>,
    pub history: Vec<Step>,
    options: DescentOptions,
    /// Of the coresets.
    seed: u64,
    /// Descents of an earlier run that are not to be repeated, and those that were finished.
    replay: VecDeque<Finished>,
    finished: Vec<Finished>,
    keep_state: Option<Keep<'s>>,
}

/// Points are the same minimum if no slack differs by more than this share; minima are found to about 10⁻¹¹, and wells
/// this close to each other would have merged.
const SAME_MINIMUM: f64 = 1e-6;

impl<'s, 'a> Search<'s, 'a> {
    pub fn new(objective: &'s Objective<'a>, options: DescentOptions, seed: u64, run: &'s Run<'s>) -> Self {
        Search {
            objective,
            run,
            found: Vec::new(),
            lowest: None,
            history: Vec::new(),
            options,
            seed,
            replay: VecDeque::new(),
            finished: Vec::new(),
            keep_state: None,
        }
    }

    /// From now on descents are told to `keep`, and those in `replay` are not repeated.
    pub fn resume(&mut self, replay: VecDeque<Finished>, keep: Keep<'s>) {
        (self.replay, self.keep_state) = (replay, Some(keep));
    }

    /// Descends from x, and keeps the strict minimum it ends in: its number in the list.
    pub fn descend_from(&mut self, x: &[f64], origin: Origin) -> Result<Option<usize>> {
        if let Some(known) = self.replay.pop_front() {
            return self.repeat(known, origin);
        }
        match self.objective.at(x, self.run)? {
            Some(first) => self.descend(first, origin),
            None => Ok(None),
        }
    }

    /// [`Search::descend_from`] where the first point is evaluated already.
    pub fn descend_on(&mut self, first: Place, origin: Origin) -> Result<Option<usize>> {
        match self.replay.pop_front() {
            Some(known) => self.repeat(known, origin),
            None => self.descend(first, origin),
        }
    }

    fn descend(&mut self, first: Place, origin: Origin) -> Result<Option<usize>> {
        let before = self.history.len();
        self.note(&first);
        let (barrier, run, options) = (self.objective.barrier, self.run, self.options);
        let (history, lowest) = (&mut self.history, &mut self.lowest);
        let mut watch = |place: &Place, change: f64| {
            let step = Step {
                iteration: history.len() as u32,
                passes: barrier.passes(),
                work: barrier.work(),
                decrement: change,
                residual: norm(&place.residual),
                step_length: 1.0,
                certificate: None,
            };
            run.tell(Event::Step(&step));
            history.push(step);
            keep_lower(lowest, place);
        };
        let coreset = self.objective.method == CurvatureMethod::Coreset && self.objective.drawn.is_none();
        let Descent { place, converged, .. } = match coreset {
            true => descend_by_coresets(self.objective, first, options, self.seed, &mut watch, run)?,
            false => descend(self.objective, first, options, &mut watch, run)?,
        };
        self.note(&place);
        if self.keep_state.is_some() {
            self.finished.push(Finished {
                converged,
                x: place.base.x.clone(),
                lowest: self.lowest.as_ref().map_or(place.base.x.clone(), |lowest| lowest.base.x.clone()),
                steps: self.history[before..].to_vec(),
                passes: barrier.passes(),
                work: barrier.work(),
                coreset_work: self.objective.coreset_work(),
            });
            self.save()?;
        }
        if converged { Ok(Some(self.keep(place, origin)?)) } else { Ok(None) }
    }

    fn save(&mut self) -> Result<()> {
        let barrier = self.objective.barrier;
        let state = state_of(&self.finished, barrier.passes(), barrier.work());
        self.keep_state.as_mut().map_or(Ok(()), |keep| keep(&state))
    }

    /// What a descent of an earlier run came to, its counts included.
    fn repeat(&mut self, known: Finished, origin: Origin) -> Result<Option<usize>> {
        for x in [&known.lowest, &known.x] {
            if let Some(place) = self.objective.at(x, self.run)? {
                self.note(&place);
            }
        }
        let place = if known.converged { self.objective.at(&known.x, self.run)? } else { None };
        self.history.extend(known.steps.iter().cloned());
        self.objective.barrier.resume_counts(known.passes, known.work);
        self.objective.resume_coreset_work(known.coreset_work);
        self.finished.push(known);
        place.map(|place| self.keep(place, origin)).transpose()
    }

    pub fn options(&self) -> DescentOptions {
        self.options
    }

    /// The best minimum found so far.
    pub fn best(&self) -> Option<usize> {
        (0..self.found.len()).min_by(|&i, &j| self.value(i).total_cmp(&self.value(j)))
    }

    pub fn value(&self, i: usize) -> f64 {
        self.found[i].place.value
    }

    /// What a minimum proves; None where ∇²L is not positive definite. Computed once.
    pub fn certificate(&self, i: usize) -> Result<Option<RegularisedCertificate>> {
        let Found { place, certificate, .. } = &self.found[i];
        if let Some(known) = certificate.get() {
            return Ok(*known);
        }
        let proven = certify(self.objective, place, self.run)?;
        Ok(*certificate.get_or_init(|| proven))
    }

    fn note(&mut self, place: &Place) {
        keep_lower(&mut self.lowest, place);
    }

    /// Adds a minimum to the list, or its origin to the one it is.
    pub fn keep(&mut self, place: Place, origin: Origin) -> Result<usize> {
        for (i, known) in self.found.iter_mut().enumerate() {
            if slack_distance(self.objective, &known.place, &place.base.x, self.run)? < SAME_MINIMUM {
                if !known.origins.contains(&origin) {
                    known.origins.push(origin);
                }
                return Ok(i);
            }
        }
        self.found.push(Found { place, origins: vec![origin], certificate: OnceCell::new() });
        Ok(self.found.len() - 1)
    }
}

fn keep_lower(lowest: &mut Option<Place>, place: &Place) {
    if lowest.as_ref().is_none_or(|l| place.value < l.value) {
        *lowest = Some(place.clone());
    }
}

/// ‖A_x(y − x)‖∞: the largest relative change of a slack from x to y.
pub(super) fn slack_distance(objective: &Objective<'_>, from: &Place, to: &[f64], run: &Run<'_>) -> Result<f64> {
    let h: Vec<f64> = to.iter().zip(&from.base.x).map(|(y, x)| y - x).collect();
    objective.largest_change(from, &h, run)
}
