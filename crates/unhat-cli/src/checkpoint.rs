//! A solve kept in a file, so that a run that was killed goes on to the same bits.

use crate::failure::file_error;
use crate::fingerprint::fingerprint_of_bytes;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::time::{Duration, Instant};
use unhat::invert::StartReport;
use unhat::solve::{State, Step};
use unhat::{Error, Result};
use unhat_io::{FileIdentity, check_place, file_identity, path_of, place_of, write_whole};

/// What a resumed solve starts from.
pub type Resumed = (State, Vec<bool>, StartReport);

/// The layout of the file; a reader of another one refuses it.
const FORMAT: &str = "unhat checkpoint 2";
/// A step of a small problem takes microseconds, a write milliseconds: at most this much work is lost.
const INTERVAL: Duration = Duration::from_secs(1);

/// The file in which a solve is kept.
pub struct CheckpointFile<'a> {
    path: &'a str,
    fingerprint: u64,
    saved: Option<Instant>,
    /// The file that this run has read or written.
    own: Option<FileIdentity>,
}

impl<'a> CheckpointFile<'a> {
    /// Reads the file if there is one.
    ///
    /// It must be of the same problem (matrix, offset, target, cell, solver, tolerance, seed), which `fingerprint` stands for.
    ///
    /// # Errors
    /// [`unhat::ErrorKind::Source`] for a file of another problem, a damaged one, and where none can be written.
    pub fn open(path: &'a str, fingerprint: u64) -> Result<(Self, Option<Resumed>)> {
        let mut file = CheckpointFile { path, fingerprint, saved: None, own: None };
        let resumed = match fs::metadata(path_of(path)) {
            Ok(found) if !found.is_file() => return Err(file_error(path, "exists and is no regular file")),
            Ok(_) => {
                let resumed = file.read()?;
                file.own = file_identity(path);
                Some(resumed)
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                check_place(path)?; // say now what would fail after the first step
                None
            }
            Err(e) => return Err(file_error(path, format!("cannot be read: {e}"))),
        };
        Ok((file, resumed))
    }

    /// Saves a state unless one was saved a moment ago.
    ///
    /// # Errors
    /// [`unhat::ErrorKind::Source`] when it cannot be written.
    pub fn save_now_and_then(&mut self, state: &State, positive: &[bool], start: &StartReport) -> Result<()> {
        if self.saved.is_some_and(|at| at.elapsed() < INTERVAL) {
            return Ok(());
        }
        self.save(state, positive, start)
    }

    /// Saves a state: beside the file first, which then takes its name.
    ///
    /// # Errors
    /// [`unhat::ErrorKind::Source`] when it cannot be written.
    pub fn save(&mut self, state: &State, positive: &[bool], start: &StartReport) -> Result<()> {
        self.write(&Content::of(state, positive, start))?;
        self.own = file_identity(self.path);
        self.saved = Some(Instant::now());
        Ok(())
    }

    /// Removes the file that this run has read or written, and no other one of its name: the problem is solved.
    pub fn remove(&self) {
        if self.own.is_some() && file_identity(self.path) == self.own {
            let _ = fs::remove_file(place_of(self.path));
        }
    }

    fn write(&self, content: &Content) -> Result<()> {
        let checksum = content.checksum().map_err(|e| self.not_written(&e))?;
        let envelope =
            Envelope { format: FORMAT.into(), fingerprint: hex(self.fingerprint), checksum: hex(checksum), content };
        write_whole(self.path, |file| {
            serde_json::to_writer(&mut *file, &envelope)?;
            file.write_all(b"\n")
        })
    }

    fn read(&self) -> Result<Resumed> {
        let damaged = |why: &str| {
            file_error(self.path, format!("is no intact checkpoint of unhat ({why}); remove it to start anew"))
        };
        let text = fs::read_to_string(path_of(self.path)).map_err(|e| damaged(&e.to_string()))?;
        let envelope: Envelope<Content> = serde_json::from_str(&text).map_err(|e| damaged(&e.to_string()))?;
        if envelope.format != FORMAT {
            return Err(damaged(&format!("found format {:?}, expected {FORMAT:?}", envelope.format)));
        }
        let content = envelope.content;
        if content.checksum().map(hex).ok() != Some(envelope.checksum) {
            return Err(damaged("its checksum does not match"));
        }
        if envelope.fingerprint != hex(self.fingerprint) {
            let reason = "belongs to another problem: matrix, offset, target, cell, solver, tolerance or seed differ; \
                          give another name, or remove it to start anew";
            return Err(file_error(self.path, reason));
        }
        content.into_resumed().ok_or_else(|| damaged("its fields contradict each other"))
    }

    fn not_written(&self, error: &io::Error) -> Error {
        file_error(self.path, format!("cannot be written: {error}"))
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
    kind: String,
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
            start: StartBits { kind: start.kind.into(), passes: Bits(start.passes), seconds: Bits(start.seconds) },
        }
    }

    fn into_resumed(self) -> Option<Resumed> {
        // The report's kind is one of the library's own words.
        let kind = ["point", "origin", "phase_one"].into_iter().find(|kind| *kind == self.start.kind)?;
        let start = StartReport { kind, passes: self.start.passes.0, seconds: self.start.seconds.0 };
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
        consistent.then_some((state, positive, start))
    }

    fn checksum(&self) -> io::Result<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn step(iteration: u32, decrement: f64) -> Step {
        let (work, residual, step_length) = (0.1, 1e-300, 1.0 / 3.0);
        let certificate = decrement.is_finite().then_some(decrement / 7.0);
        Step { iteration, passes: iteration + 1, work, decrement, residual, step_length, certificate }
    }

    fn state() -> State {
        State {
            x: vec![0.1, -0.0, f64::MIN_POSITIVE / 3.0, 1.0 / 3.0],
            history: vec![step(0, f64::INFINITY), step(1, 0.7)],
            settled: 1,
            refinements: 2,
            best: Some((vec![1e300, f64::EPSILON, 0.0, 1.0], f64::NEG_INFINITY)),
            passes: 7,
            work: 0.1 + 0.2,
            step_length: f64::NAN,
            trials: 3,
            memory: vec![1.0 / 7.0, f64::INFINITY],
            origin: vec![0.3],
        }
    }

    #[test]
    fn a_state_comes_back_with_the_same_bits_infinities_included() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        let path = path.to_str().unwrap();
        let (mut file, none) = CheckpointFile::open(path, 42).unwrap();
        assert!(none.is_none());
        let start = StartReport { kind: "phase_one", passes: 2.5, seconds: 0.1 };
        let signs = [true, false, false, true, true];
        file.save(&state(), &signs, &start).unwrap();
        let (_, resumed) = CheckpointFile::open(path, 42).unwrap();
        let (back, positive, report) = resumed.unwrap();
        assert_eq!(positive, signs);
        assert_eq!(report, start);
        assert_eq!(back.history, state().history);
        let exact = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(exact(&back.x), exact(&state().x));
        assert_eq!(exact(&back.best.clone().unwrap().0), exact(&state().best.unwrap().0));
        assert_eq!(back.best.unwrap().1, f64::NEG_INFINITY);
        assert!(back.step_length.is_nan());
        assert_eq!(exact(&back.memory), exact(&state().memory));
        assert_eq!((back.settled, back.refinements, back.passes, back.trials), (1, 2, 7, 3));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "the draft took the file's name");
    }

    #[test]
    fn only_the_file_of_this_run_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        let path = path.to_str().unwrap();
        let start = StartReport { kind: "point", passes: 0.5, seconds: 0.0 };
        let (mut file, _) = CheckpointFile::open(path, 42).unwrap();
        fs::write(path, "of somebody else, before anything was saved").unwrap();
        file.remove();
        assert!(fs::metadata(path).is_ok());
        file.save(&state(), &[true; 3], &start).unwrap();
        let other = directory.path().join("other");
        fs::write(&other, "of somebody else").unwrap();
        fs::rename(&other, path).unwrap();
        file.remove();
        assert_eq!(fs::read_to_string(path).unwrap(), "of somebody else");
        file.save(&state(), &[true; 3], &start).unwrap();
        let (resumed, _) = CheckpointFile::open(path, 42).unwrap();
        resumed.remove();
        assert!(fs::metadata(path).is_err());
    }

    #[test]
    fn a_changed_digit_and_another_problem_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        let path = path.to_str().unwrap();
        let (mut file, _) = CheckpointFile::open(path, 42).unwrap();
        file.save(&state(), &[true; 3], &StartReport { kind: "point", passes: 0.5, seconds: 0.0 }).unwrap();
        let refusal = |fingerprint| match CheckpointFile::open(path, fingerprint).map(|(_, resumed)| resumed) {
            Err(error) => error.to_string(),
            _ => panic!("it was taken"),
        };
        assert!(refusal(43).contains("another problem"));
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.replacen("3fb999999999999a", "3fb999999999999b", 1)).unwrap();
        assert!(refusal(42).contains("checksum"));
        fs::write(path, &text[..text.len() / 2]).unwrap();
        assert!(refusal(42).contains("no intact checkpoint"));
    }
}
