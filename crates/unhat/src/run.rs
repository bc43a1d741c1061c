//! How a computation is run: the flag that stops it, the observer that watches it, the threads it may use.

use crate::error::{ErrorKind, Result};
use crate::solve::Step;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stop flag, observer and thread pool, handed down to everything that takes long.
///
/// `Run::default()` never stops, tells nobody, and uses rayon's global pool. None of it changes a result: the bits
/// depend on the data, the options and the seed alone.
#[derive(Clone, Copy, Default)]
pub struct Run<'a> {
    /// When this becomes true, the computation ends within a block of rows.
    pub stop: Option<&'a AtomicBool>,
    /// Is told about every solver step, from the thread that runs the solver.
    pub observe: Option<&'a (dyn Fn(Event<'_>) + Sync)>,
    /// The threads to use; None: rayon's global pool.
    pub pool: Option<&'a rayon::ThreadPool>,
}

/// What an observer is told.
#[non_exhaustive]
pub enum Event<'a> {
    /// A solver finished an iteration.
    Step(&'a Step),
    /// A named phase of the work begins, for example "looking for an interior point".
    Phase(&'a str),
    /// What a crate above has to tell, in a type of its own: the observer asks for it with `downcast_ref`.
    Other(&'a dyn std::any::Any),
}

impl Run<'_> {
    /// Whether the run was asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.is_some_and(|s| s.load(Ordering::Relaxed))
    }

    /// `Err(Interrupted)` if the run was asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.stopped() { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    /// Tells the observer, if there is one.
    pub fn tell(&self, event: Event<'_>) {
        if let Some(observe) = self.observe {
            observe(event)
        }
    }

    /// Runs `f` inside the chosen pool.
    pub fn install<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        match self.pool {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }
}
