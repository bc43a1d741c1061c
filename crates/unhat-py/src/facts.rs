//! What is known of an answer, under the names of the command line's JSON. Numbers that are not finite become null.

use crate::failure::raised;
use pyo3::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::time::Instant;
use unhat::ErrorKind;
use unhat::invert::scores::{LiftReport, ScoreCandidate, ScoreCertificate};
use unhat::invert::{Certificate, Fold, Minimum, RegularisedCertificate, StartReport};

/// An object as text, for Python to read.
pub(crate) fn written(py: Python<'_>, object: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(object)
        .map_err(|error| raised(py, &ErrorKind::Numerical { reason: format!("JSON: {error}") }.into()))
}

/// The keys that every object has, beside `object`'s own.
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

    pub fn end(self, command: &str, threads: usize, object: Value) -> Value {
        let mut all = Map::new();
        all.insert("schema".into(), json!(1));
        all.insert("command".into(), json!(command));
        if let Value::Object(own) = object {
            all.extend(own);
        }
        all.insert("seconds".into(), json!(self.seconds()));
        all.insert("seed".into(), json!(self.seed));
        all.insert("threads".into(), json!(threads));
        all.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
        all.insert("warnings".into(), json!(self.warnings));
        Value::Object(all)
    }
}

pub(crate) fn start(report: &StartReport) -> Value {
    json!({ "kind": report.kind, "passes": report.passes, "seconds": report.seconds })
}

pub(crate) fn certificate(proof: &Certificate) -> Value {
    let Certificate { q_norm, euclidean, rounding, inputs } = proof;
    json!({ "q_norm": q_norm, "euclidean": euclidean, "rounding": rounding, "inputs": inputs })
}

pub(crate) fn proof_of_minimum(proof: &RegularisedCertificate) -> Value {
    json!({
        "kind": proof.kind.name(), "within": proof.within, "least_curvature": proof.least_curvature,
        "residual_slope": proof.residual_slope, "slack_error": proof.slack_error,
        "outside_margin": proof.outside_margin, "boxes": proof.boxes,
    })
}

pub(crate) fn minimum(minimum: &Minimum) -> Value {
    let Minimum { objective, x, strict, within, .. } = minimum;
    json!({ "objective": objective, "x": x, "strict": strict, "within": within })
}

pub(crate) fn fold(fold: &Fold) -> Value {
    json!({ "weight_scale": fold.weight_scale, "direction": fold.direction.name(), "index": fold.index })
}

pub(crate) fn candidate(candidate: &ScoreCandidate) -> Value {
    let ScoreCandidate { x, residual, origin, status, iterations } = candidate;
    json!({ "x": x, "residual": residual, "origin": origin, "status": status.name(), "iterations": iterations })
}

pub(crate) fn lift(lift: &LiftReport) -> Value {
    let LiftReport { rows, unknowns, solves, solver, residual, .. } = lift;
    json!({ "rows": rows, "unknowns": unknowns, "solves": solves, "solver": solver, "residual": residual })
}

pub(crate) fn score_certificate(proof: &ScoreCertificate) -> Value {
    let ScoreCertificate { q_norm, euclidean, within, rounding } = proof;
    json!({ "q_norm": q_norm, "euclidean": euclidean, "within": within, "rounding": rounding })
}

/// A d×d matrix by rows.
pub(crate) fn square(values: &[f64], d: usize) -> Value {
    json!(values.chunks(d.max(1)).collect::<Vec<_>>())
}
