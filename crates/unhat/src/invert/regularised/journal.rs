//! What a search has finished, kept so that another run goes on from there to the same bits: descents are not repeated.

use super::search::Search;
use crate::solve::{State, Step};
use std::collections::VecDeque;

/// A finished descent.
#[derive(Clone)]
pub(super) struct Finished {
    pub converged: bool,
    /// Where it ended.
    pub x: Vec<f64>,
    /// The lowest point met so far.
    pub lowest: Vec<f64>,
    pub steps: Vec<Step>,
    /// Evaluations, work and work on coresets, counted from the beginning of the search.
    pub passes: u32,
    pub work: f64,
    pub coreset_work: f64,
}

/// Numbers of a finished descent beside its two points.
const HEAD: usize = 5;

/// Called with the state after every descent.
pub(super) type Keep<'k> = Box<dyn FnMut(&State) -> crate::error::Result<()> + 'k>;

/// The descents of the run so far as the state of a solve: x is the lowest point, the memory holds the rest.
pub(super) fn state_of(search: &Search<'_, '_>, finished: &[Finished]) -> State {
    let memory = finished.iter().flat_map(|f| {
        let head = [f64::from(f.converged), f.steps.len() as f64, f64::from(f.passes), f.work, f.coreset_work];
        head.into_iter().chain(f.x.iter().copied()).chain(f.lowest.iter().copied()).collect::<Vec<f64>>()
    });
    State {
        x: finished.last().map(|f| f.lowest.clone()).unwrap_or_default(),
        history: finished.iter().flat_map(|f| f.steps.iter().cloned()).collect(),
        passes: search.objective.barrier.passes(),
        work: search.objective.barrier.work(),
        memory: memory.collect(),
        ..State::default()
    }
}

/// The descents in a saved state; None where its numbers are not those of one.
pub(super) fn finished_in(state: &State, d: usize) -> Option<VecDeque<Finished>> {
    let size = HEAD + 2 * d;
    if !state.memory.len().is_multiple_of(size) {
        return None;
    }
    let mut history = state.history.iter();
    let mut read = |part: &[f64]| {
        let count = part[1] as usize;
        let steps: Vec<Step> = history.by_ref().take(count).cloned().collect();
        (steps.len() == count).then(|| Finished {
            converged: part[0] != 0.0,
            x: part[HEAD..HEAD + d].to_vec(),
            lowest: part[HEAD + d..].to_vec(),
            steps,
            passes: part[2] as u32,
            work: part[3],
            coreset_work: part[4],
        })
    };
    state.memory.chunks_exact(size).map(&mut read).collect()
}
