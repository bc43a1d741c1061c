//! A saved solve as bytes: every number as its bits, a checksum, and the fingerprint of its problem.

use super::fingerprint::fingerprint_of_bytes;
use super::{SavedSolve, StartKind, StartReport};
use crate::error::{Error, ErrorKind, Result};
use crate::solve::{State, Step};
use serde::{Deserialize, Serialize};

/// The layout of the bytes; a reader of another one refuses them.
const FORMAT: &str = "unhat checkpoint 2";

impl SavedSolve {
    /// The bytes of a state of the problem that `fingerprint` stands for ([`fingerprint_of_inversion`](super::fingerprint_of_inversion)).
    ///
    /// # Errors
    /// [`ErrorKind::Numerical`] where they cannot be made.
    pub fn to_bytes(state: &State, positive: &[bool], start: &StartReport, fingerprint: u64) -> Result<Vec<u8>> {
        let content = Content::of(state, positive, start);
        let write = || -> serde_json::Result<Vec<u8>> {
            let envelope = Envelope {
                format: FORMAT.into(),
                fingerprint: hex(fingerprint),
                checksum: hex(content.checksum()?),
                content: &content,
            };
            let mut bytes = serde_json::to_vec(&envelope)?;
            bytes.push(b'\n');
            Ok(bytes)
        };
        write().map_err(|error| ErrorKind::Numerical { reason: format!("JSON: {error}") }.into())
    }

    /// The solve in the bytes of a file, which errors name.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for bytes that are no intact state, and for a state of another problem.
    /// # Accuracy
    /// The same bits as were saved.
    pub fn from_bytes(path: &str, bytes: &[u8], fingerprint: u64) -> Result<SavedSolve> {
        let refused =
            |reason: String| -> Error { ErrorKind::Source { path: path.into(), position: None, reason }.into() };
        let damaged = |why: &str| refused(format!("is no intact checkpoint of unhat ({why}); remove it to start anew"));
        let envelope: Envelope<Content> = serde_json::from_slice(bytes).map_err(|e| damaged(&e.to_string()))?;
        if envelope.format != FORMAT {
            return Err(damaged(&format!("found format {:?}, expected {FORMAT:?}", envelope.format)));
        }
        let content = envelope.content;
        if content.checksum().map(hex).ok() != Some(envelope.checksum) {
            return Err(damaged("its checksum does not match"));
        }
        if envelope.fingerprint != hex(fingerprint) {
            let reason = "belongs to another problem: matrix, offset, target, cell, solver, tolerance or seed differ; \
                          give another name, or remove it to start anew";
            return Err(refused(reason.into()));
        }
        content.into_saved().ok_or_else(|| damaged("its fields contradict each other"))
    }
}

#[derive(Deserialize, Serialize)]
struct Envelope<C> {
    format: String,
    fingerprint: String,
    checksum: String,
    content: C,
}

/// The state with every number as its bits, so that infinities and the last digit survive.
#[derive(Deserialize, Serialize)]
struct Content {
    iteration: usize,
    x: Vec<Bits>,
    step_length: Bits,
    trials: u32,
    memory: Vec<Bits>,
    origin: Vec<Bits>,
    passes: u32,
    work: Bits,
    settled: usize,
    refinements: u32,
    best: Option<(Vec<Bits>, Bits)>,
    history: Vec<StepBits>,
    /// One character a row, + or -.
    signs: String,
    start: StartBits,
}

#[derive(Deserialize, Serialize)]
struct StepBits {
    iteration: u32,
    passes: u32,
    work: Bits,
    decrement: Bits,
    residual: Bits,
    step_length: Bits,
    certificate: Option<Bits>,
}

#[derive(Deserialize, Serialize)]
struct StartBits {
    kind: StartKind,
    passes: Bits,
    seconds: Bits,
}

impl Content {
    fn of(state: &State, positive: &[bool], start: &StartReport) -> Self {
        Content {
            iteration: state.history.len(),
            x: bits(&state.x),
            step_length: Bits(state.step_length),
            trials: state.trials,
            memory: bits(&state.memory),
            origin: bits(&state.origin),
            passes: state.passes,
            work: Bits(state.work),
            settled: state.settled,
            refinements: state.refinements,
            best: state.best.as_ref().map(|(x, decrement)| (bits(x), Bits(*decrement))),
            history: state.history.iter().map(StepBits::of).collect(),
            signs: positive.iter().map(|&p| if p { '+' } else { '-' }).collect(),
            start: StartBits { kind: start.kind, passes: Bits(start.passes), seconds: Bits(start.seconds) },
        }
    }

    fn into_saved(self) -> Option<SavedSolve> {
        let start = StartReport { kind: self.start.kind, passes: self.start.passes.0, seconds: self.start.seconds.0 };
        let positive = self.signs.chars().map(|c| c == '+').collect();
        let state = State {
            x: numbers(self.x),
            history: self.history.into_iter().map(StepBits::into_step).collect(),
            settled: self.settled,
            refinements: self.refinements,
            best: self.best.map(|(x, decrement)| (numbers(x), decrement.0)),
            passes: self.passes,
            work: self.work.0,
            step_length: self.step_length.0,
            trials: self.trials,
            memory: numbers(self.memory),
            origin: numbers(self.origin),
        };
        let consistent = self.iteration == state.history.len() && state.settled <= state.history.len();
        consistent.then_some(SavedSolve { state, positive, start })
    }

    fn checksum(&self) -> serde_json::Result<u64> {
        Ok(fingerprint_of_bytes(&serde_json::to_vec(self)?))
    }
}

impl StepBits {
    fn of(step: &Step) -> Self {
        StepBits {
            iteration: step.iteration,
            passes: step.passes,
            work: Bits(step.work),
            decrement: Bits(step.decrement),
            residual: Bits(step.residual),
            step_length: Bits(step.step_length),
            certificate: step.certificate.map(Bits),
        }
    }

    fn into_step(self) -> Step {
        Step {
            iteration: self.iteration,
            passes: self.passes,
            work: self.work.0,
            decrement: self.decrement.0,
            residual: self.residual.0,
            step_length: self.step_length.0,
            certificate: self.certificate.map(|bound| bound.0),
        }
    }
}

/// A number as the 16 hexadecimal digits of its bits.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
struct Bits(f64);

impl TryFrom<String> for Bits {
    type Error = String;
    fn try_from(text: String) -> std::result::Result<Self, String> {
        match u64::from_str_radix(&text, 16) {
            Ok(bits) if text.len() == 16 => Ok(Bits(f64::from_bits(bits))),
            _ => Err(format!("found {text:?}, expected 16 hexadecimal digits")),
        }
    }
}

impl From<Bits> for String {
    fn from(number: Bits) -> String {
        hex(number.0.to_bits())
    }
}

fn hex(bits: u64) -> String {
    format!("{bits:016x}")
}

fn bits(values: &[f64]) -> Vec<Bits> {
    values.iter().copied().map(Bits).collect()
}

fn numbers(values: Vec<Bits>) -> Vec<f64> {
    values.into_iter().map(|v| v.0).collect()
}
