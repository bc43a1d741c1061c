//! All tries on all protections, shared by the threads, one try to a thread.

use super::attack::{Answers, Reached, Target};
use super::publish::publish;
use super::report::FitAttack;
use crate::audit::plan::Level;
use crate::audit::protection::{is_random, seed_of};
use crate::audit::trial::own_pool;
use crate::error::Result;
use crate::run::{Event, Run};
use std::sync::atomic::{AtomicUsize, Ordering};

/// One protection, and what every try made of it.
pub(super) struct Case {
    pub level: Level,
    pub tries: Vec<Answers>,
}

impl Case {
    /// The answers of an attack.
    pub fn answers(&self, attack: FitAttack) -> Vec<&Reached> {
        self.tries.iter().filter_map(|answers| answers.get(&attack)).collect()
    }

    /// Their errors.
    pub fn errors(&self, attack: FitAttack) -> Vec<f64> {
        self.answers(attack).iter().map(|reached| reached.error).collect()
    }
}

/// Runs every attack on every level.
///
/// # Randomness
/// Keyed by (seed, number of the try); no try sees another. Hence the same bits for any number of threads.
pub(super) fn run_all(target: &Target<'_>, levels: Vec<Level>, seed: u64, run: &Run<'_>) -> Result<Vec<Case>> {
    let tries = |level: &Level| if is_random(&level.protection) { u64::from(level.trials) } else { 1 };
    let jobs: Vec<(usize, u64)> =
        levels.iter().enumerate().flat_map(|(k, level)| (0..tries(level)).map(move |trial| (k, trial))).collect();
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || -> Result<Vec<(usize, Answers)>> {
        let quiet = Run { stop: run.stop, observe: None, pool: None };
        let mut results = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(k, trial)) = jobs.get(at) else { return Ok(results) };
            run.check()?;
            let published = publish(target.exact, &levels[k].protection, seed, trial);
            results.push((at, target.run(&published, seed_of(seed, trial), &quiet)?));
            let done = finished.fetch_add(1, Ordering::Relaxed) + 1;
            run.tell(Event::Phase(&format!("attacking: {done} of {} tries", jobs.len())));
        }
    };
    // A pool with one thread for each: a sweep inside a try must not pick up another try while it waits.
    let available = run.pool.map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads());
    let pools = (0..available.min(jobs.len()).max(1)).map(|_| own_pool()).collect::<Result<Vec<_>>>()?;
    let parts: Vec<Result<Vec<(usize, Answers)>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = pools.iter().map(|pool| scope.spawn(|| pool.install(work))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut done = Vec::with_capacity(jobs.len());
    for part in parts {
        done.extend(part?);
    }
    done.sort_by_key(|(at, _)| *at);
    let mut cases: Vec<Case> = levels.iter().map(|level| Case { level: level.clone(), tries: Vec::new() }).collect();
    done.into_iter().for_each(|(at, answers)| cases[jobs[at].0].tries.push(answers));
    Ok(cases)
}
