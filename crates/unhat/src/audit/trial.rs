//! All tries of all attacks on all protections, shared by the threads, one try to a thread.

use super::attack::{Attacks, Knowledge, closest};
use super::plan::{AuditOptions, Level};
use super::protection::{is_random, protect, seed_of, start_near};
use super::release::{Exact, Released};
use super::report::{AttackKind, ReleaseKind};
use crate::error::{Error, ErrorKind, Result};
use crate::run::{Event, Run};
use crate::solve::Status;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One protection of one kind of release, and what every attack made of it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub kind: ReleaseKind,
    pub level: Level,
    pub tries: BTreeMap<AttackKind, Vec<Try>>,
}

/// One try.
#[derive(Clone, Debug)]
pub(super) struct Try {
    /// ‖x̂ − x‖/‖x‖ and x̂ of the closest answer; with a start, of the start where no answer is closer. None where there was
    /// none.
    pub found: Option<(f64, Vec<f64>)>,
    /// Whether the attack gave an answer of its own.
    pub answered: bool,
    /// ‖f(x̂) − f̂‖ after every step.
    pub residuals: Vec<f64>,
    pub status: Status,
}

/// The attacks.
pub(super) const ATTACKS: [AttackKind; 4] =
    [AttackKind::Blind, AttackKind::Start, AttackKind::Signs, AttackKind::Ridge];
/// Those that count for the headline, the one that knows least first: a start is nearer than most wishes already.
pub(super) const CONTENDERS: [AttackKind; 3] = [AttackKind::Blind, AttackKind::Signs, AttackKind::Ridge];
/// An attack with a start begins this share of ‖x‖ away from x.
pub(super) const START_DISTANCE: f64 = 0.02;
/// Starts tried beside what the owner named: the attack is no part of the verdict.
const STARTS: u32 = 10;
/// Memory that the lifts of all threads together may take.
const LIFT_BYTES: usize = 4 << 30;
/// Progress is told this often.
const TELLINGS: usize = 50;

impl Case {
    /// The errors of the tries that gave an answer.
    pub fn errors(&self, attack: AttackKind) -> Vec<f64> {
        self.answered(attack).map(|(error, _)| *error).collect()
    }

    /// The answers of those tries.
    pub fn answers(&self, attack: AttackKind) -> Vec<Vec<f64>> {
        self.answered(attack).map(|(_, x)| x.clone()).collect()
    }

    /// Tries without an answer.
    pub fn failed(&self, attack: AttackKind) -> usize {
        self.tries.get(&attack).map_or(0, |tries| tries.iter().filter(|t| !t.answered).count())
    }

    fn answered(&self, attack: AttackKind) -> impl Iterator<Item = &(f64, Vec<f64>)> {
        self.tries.get(&attack).into_iter().flatten().filter_map(|t| t.found.as_ref())
    }
}

/// Tries an attack makes on a level: one where neither the release nor the attack is drawn.
fn tries(level: &Level, attack: AttackKind) -> u32 {
    let random = is_random(&level.protection);
    match attack {
        AttackKind::Start if random && level.listed => level.trials,
        AttackKind::Start => level.trials.min(STARTS),
        _ if random => level.trials,
        _ => 1,
    }
}

struct Job {
    case: usize,
    attack: AttackKind,
    trial: u64,
}

/// Runs every attack on every level.
///
/// # Randomness
/// Everything that is drawn is keyed by (seed, number of the try); a try runs on one thread. Hence the same bits for any
/// number of threads.
pub(super) fn run_all(
    attacks: &Attacks<'_>,
    exact: &Exact,
    levels: Vec<(ReleaseKind, Level)>,
    options: &AuditOptions,
    run: &Run<'_>,
) -> Result<Vec<Case>> {
    let jobs: Vec<Job> = levels
        .iter()
        .enumerate()
        .flat_map(|(case, (_, level))| {
            ATTACKS
                .into_iter()
                .flat_map(move |attack| (0..tries(level, attack).into()).map(move |trial| Job { case, attack, trial }))
        })
        .collect();
    let exact_releases: BTreeMap<ReleaseKind, Released> =
        levels.iter().map(|(kind, _)| (*kind, exact.release(*kind))).collect();
    let x = &exact.point.x;
    let one = |job: &Job, run: &Run<'_>| -> Result<Try> {
        let (kind, level) = &levels[job.case];
        let released = protect(&exact_releases[kind], &level.protection, options.seed, job.trial);
        let start = start_near(x, START_DISTANCE, options.seed, job.trial);
        let knowledge = Knowledge { kind: job.attack, start: &start, seed: seed_of(options.seed, job.trial) };
        let answers = attacks.run(&released, &knowledge, run)?;
        let best = closest(&answers, x);
        let mut found = best.map(|(error, answer)| (error, answer.x.clone()));
        // Who has a start keeps it: an answer that leads away from x takes nothing from it.
        if job.attack == AttackKind::Start && found.as_ref().is_none_or(|(error, _)| *error > START_DISTANCE) {
            found = Some((START_DISTANCE, start.clone()));
        }
        Ok(Try {
            residuals: best.map(|(_, answer)| answer.residuals.clone()).unwrap_or_default(),
            status: best.map_or(Status::Stalled, |(_, answer)| answer.status),
            found,
            answered: best.is_some(),
        })
    };
    let done = spread_over_threads(&jobs, x.len(), &one, run)?;
    let mut cases: Vec<Case> =
        levels.iter().map(|(kind, level)| Case { kind: *kind, level: level.clone(), tries: BTreeMap::new() }).collect();
    for (job, result) in jobs.iter().zip(done) {
        cases[job.case].tries.entry(job.attack).or_default().push(result);
    }
    Ok(cases)
}

type One<'f> = dyn Fn(&Job, &Run<'_>) -> Result<Try> + Sync + 'f;

/// Every thread takes the next job; the results come back in the order of the jobs.
///
/// Each thread has a pool of its own with itself alone in it: a sweep inside a job must not pick up another job while it
/// waits for its other half.
fn spread_over_threads(jobs: &[Job], d: usize, one: &One<'_>, run: &Run<'_>) -> Result<Vec<Try>> {
    let available = run.pool.map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads());
    let lift = 8 * (d * d + 2 * d).pow(2);
    let threads = available.min(jobs.len()).min(LIFT_BYTES / lift).max(1);
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    run.tell(Event::Phase(&format!("attacking: 0 of {} tries", jobs.len())));
    let work = || -> Result<Vec<(usize, Try)>> {
        let quiet = Run { stop: run.stop, observe: None, pool: None };
        let mut results = Vec::new();
        loop {
            let k = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(k) else { return Ok(results) };
            run.check()?;
            results.push((k, one(job, &quiet)?));
            let finished = finished.fetch_add(1, Ordering::Relaxed) + 1;
            if finished * TELLINGS / jobs.len() > (finished - 1) * TELLINGS / jobs.len() {
                run.tell(Event::Phase(&format!("attacking: {finished} of {} tries", jobs.len())));
            }
        }
    };
    let pools = (0..threads).map(|_| own_pool()).collect::<Result<Vec<_>>>()?;
    let parts: Vec<Result<Vec<(usize, Try)>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = pools.iter().map(|pool| scope.spawn(|| pool.install(work))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut results = Vec::with_capacity(jobs.len());
    for part in parts {
        results.extend(part?);
    }
    results.sort_by_key(|(k, _)| *k);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

pub(super) fn own_pool() -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|e| Error::from(ErrorKind::Numerical { reason: format!("a thread cannot be started: {e}") }))
}
