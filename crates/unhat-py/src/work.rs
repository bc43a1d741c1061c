//! One call at work: on threads of its own process, the interpreter's lock released, stopped by Ctrl-C.

use crate::failure::{option, raised};
use crate::progress::{Told, tell};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use unhat::{Error, Event, Result, Run};
use unhat_io::read_until;

/// How often a running call looks for Ctrl-C: a tenth of the 0.2 s in which a person expects an answer, and at this rate
/// the interpreter's lock is taken for a millionth of the time.
const SIGNALS_EVERY: Duration = Duration::from_millis(20);

/// Pools that wait for their next call, with the process that started their threads.
///
/// A call takes a pool that nobody uses, so that calls from two threads of Python do not wait for each other.
static IDLE: Mutex<Vec<Idle>> = Mutex::new(Vec::new());

/// Less work than this is done on the thread that asks, within a tenth of a millisecond: no time for Ctrl-C, and handing
/// it over to another thread and waiting for that would take twenty microseconds more.
const FEW_FLOPS: f64 = 1e5;

struct Idle {
    process: u32,
    /// As asked for; None is all cores.
    threads: Option<u16>,
    pool: ThreadPool,
}

/// Runs `work` on `threads` threads (None: all cores); also says how many that were.
///
/// # Errors
/// The library's, as exceptions; KeyboardInterrupt, or what a handler of signals raised.
pub(crate) fn compute<T: Send>(
    py: Python<'_>,
    threads: Option<u16>,
    work: impl FnOnce(&Run<'_>) -> Result<T> + Send,
) -> PyResult<(T, usize)> {
    compute_and_tell(py, threads, None, work)
}

/// The same for work of about so many flops.
pub(crate) fn compute_sized<T: Send>(
    py: Python<'_>,
    threads: Option<u16>,
    flops: f64,
    work: impl FnOnce(&Run<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    if flops > FEW_FLOPS {
        return Ok(compute(py, threads, work)?.0);
    }
    let pool = taken(threads).map_err(|error| raised(py, &error))?;
    let outcome = py.detach(|| work(&Run { stop: None, observe: None, pool: Some(&pool.pool) }));
    put_back(pool);
    outcome.map_err(|error| raised(py, &error))
}

/// As `compute`, and calls `progress` from this thread with what the library says of its work.
pub(crate) fn compute_and_tell<T: Send>(
    py: Python<'_>,
    threads: Option<u16>,
    progress: Option<&Py<PyAny>>,
    work: impl FnOnce(&Run<'_>) -> Result<T> + Send,
) -> PyResult<(T, usize)> {
    let pool = taken(threads).map_err(|error| raised(py, &error))?;
    let count = pool.pool.current_num_threads();
    let outcome = py.detach(|| watched(&pool.pool, progress, work));
    put_back(pool);
    match outcome {
        Err(signal) => Err(signal),
        Ok(Err(error)) => Err(raised(py, &error)),
        Ok(Ok(found)) => Ok((found, count)),
    }
}

/// Runs `work` in the pool while this thread looks for signals and tells of progress. Everything that rayon does for it
/// stays in this pool: the global one would not survive a fork.
fn watched<T: Send>(
    pool: &ThreadPool,
    progress: Option<&Py<PyAny>>,
    work: impl FnOnce(&Run<'_>) -> Result<T> + Send,
) -> PyResult<Result<T>> {
    let stop = AtomicBool::new(false);
    let heard: Mutex<Vec<Told>> = Mutex::new(Vec::new());
    let hear = |event: Event<'_>| {
        if let Some(told) = Told::of(&event) {
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
    };
    let observe: Option<&(dyn Fn(Event<'_>) + Sync)> = progress.is_some().then_some(&hear);
    let (done, waiting) = channel();
    let (stop, mut signal) = (&stop, None);
    let look = || {
        let told = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
        Python::attach(|py| {
            py.check_signals()?;
            progress.map_or(Ok(()), |progress| tell(py, progress, told))
        })
    };
    let outcome = pool.in_place_scope(|scope| {
        scope.spawn(move |_| {
            // Nobody hears it only if the waiting thread has panicked.
            let _ = done.send(work(&Run { stop: Some(stop), observe, pool: Some(pool) }));
        });
        loop {
            match waiting.recv_timeout(SIGNALS_EVERY) {
                Ok(outcome) => return Some(outcome),
                Err(RecvTimeoutError::Disconnected) => return None, // it panicked, and the scope says so
                Err(RecvTimeoutError::Timeout) => {
                    if signal.is_none()
                        && let Err(raised) = look()
                    {
                        stop.store(true, Ordering::Relaxed);
                        signal = Some(raised);
                    }
                }
            }
        }
    });
    // What was said last; a call shorter than a look at the signals takes the lock for nothing.
    if signal.is_none() && progress.is_some() {
        signal = look().err();
    }
    match (signal, outcome) {
        (Some(signal), _) => Err(signal),
        (None, Some(outcome)) => Ok(outcome),
        (None, None) => {
            Ok(Err(unhat::ErrorKind::Numerical { reason: "the computation ended without an answer".into() }.into()))
        }
    }
}

/// Reads files on a thread of its own, the interpreter's lock released, while this one looks for Ctrl-C.
///
/// # Errors
/// The library's, as exceptions; KeyboardInterrupt, or what a handler of signals raised.
pub(crate) fn read<T: Send>(py: Python<'_>, read: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let outcome = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, waiting) = channel();
            let flag = Arc::clone(&stop);
            scope.spawn(move || {
                let _ = done.send(read_until(flag, read)); // as in `watched`
            });
            let mut signal = None;
            loop {
                match waiting.recv_timeout(SIGNALS_EVERY) {
                    Ok(outcome) => return signal.map_or(Ok(Some(outcome)), Err),
                    Err(RecvTimeoutError::Disconnected) => return signal.map_or(Ok(None), Err),
                    Err(RecvTimeoutError::Timeout) if signal.is_none() => {
                        if let Err(raised) = Python::attach(|py| py.check_signals()) {
                            stop.store(true, Ordering::Relaxed);
                            signal = Some(raised);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        })
    })?;
    let ended = || unhat::ErrorKind::Numerical { reason: "the reading ended without an answer".into() }.into();
    outcome.unwrap_or_else(|| Err(ended())).map_err(|error| raised(py, &error))
}

/// A pool that nobody uses, or a new one. Called with the interpreter's lock, so that a fork never finds `IDLE` locked.
fn taken(threads: Option<u16>) -> std::result::Result<Idle, Error> {
    let process = std::process::id();
    if threads == Some(0) {
        return Err(option("threads", "found 0, expected a number of 1 or more"));
    }
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    // After a fork the threads of the parent's pools are not here: waiting for their end, as dropping does, would be for ever.
    while let Some(k) = idle.iter().position(|pool| pool.process != process) {
        std::mem::forget(idle.swap_remove(k));
    }
    if let Some(k) = idle.iter().position(|pool| pool.threads == threads) {
        return Ok(idle.swap_remove(k));
    }
    drop(idle);
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, usize::from))
        .build()
        .map_err(|error| option("threads", format!("they cannot be started: {error}")))?;
    Ok(Idle { process, threads, pool })
}

fn put_back(pool: Idle) {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
}
