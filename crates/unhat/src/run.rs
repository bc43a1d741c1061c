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
    /// The training of a network went once over all rows.
    Epoch {
        /// How often, this time included.
        epoch: u32,
        /// How often in all.
        epochs: u32,
        /// The mean loss of the batches, each before its step.
        loss: f64,
    },
    /// The loss of a network in training was evaluated.
    Evaluated {
        /// Steps taken.
        step: u64,
        /// The epoch they end in, from 1; 0 before the first step.
        epoch: u32,
        /// How many epochs in all.
        epochs: u32,
        /// Of all training rows; may be infinite or NaN.
        train_loss: f64,
        /// Of the validation rows, where there are any.
        validation_loss: Option<f64>,
        /// Their accuracy, where they have classes.
        validation_accuracy: Option<f64>,
    },
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

    pub(crate) fn tell(&self, event: Event<'_>) {
        if let Some(observe) = self.observe {
            observe(event)
        }
    }

    /// Runs `f` inside the chosen pool.
    pub(crate) fn install<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        match self.pool {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }
}
