//! What is known of an answer: the command line's JSON, as text for Python to read.

use crate::failure::raised;
use pyo3::prelude::*;
use serde::Serialize;
use std::time::Instant;
use unhat::ErrorKind;
use unhat::report::{self, Report};

/// An object as text, for Python to read.
pub(crate) fn written(py: Python<'_>, object: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(object)
        .map_err(|error| raised(py, &ErrorKind::Numerical { reason: format!("JSON: {error}") }.into()))
}

/// What every object says of the call, while it runs.
pub(crate) struct Colophon {
    clock: Instant,
    pub seed: u64,
    pub warnings: Vec<String>,
}

impl Colophon {
    pub fn start(seed: u64, notes: &[String]) -> Self {
        Colophon { clock: Instant::now(), seed, warnings: notes.to_vec() }
    }

    /// Since the start.
    pub fn seconds(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// What it has come to.
    pub fn end(self, threads: usize) -> report::Colophon {
        let seconds = self.seconds();
        let Colophon { seed, warnings, .. } = self;
        report::Colophon { seconds, seed, threads, version: env!("CARGO_PKG_VERSION"), warnings }
    }

    /// The object of a command, as text.
    pub fn object(
        self,
        py: Python<'_>,
        (command, threads): (&str, usize),
        found: impl Serialize,
        values: Option<&[f64]>,
    ) -> PyResult<String> {
        written(py, &Report::new(command, found, self.end(threads), values))
    }
}
