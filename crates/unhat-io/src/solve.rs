//! A solve kept in a file, so that a run that was killed goes on to the same bits.

use crate::fault::{Checked, Fault};
use crate::output::Target;
use crate::system::{FileIdentity, file_identity, path_of, remove_own};
use std::fs;
use std::io;
use std::time::{Duration, Instant};
use unhat::Result;
use unhat::invert::{SavedSolve, StartReport};
use unhat::solve::State;

/// A step of a small problem takes microseconds, a write milliseconds: at most this much work is lost.
const INTERVAL: Duration = Duration::from_secs(1);

/// The file in which a solve is kept.
pub struct SolveFile<'a> {
    path: &'a str,
    fingerprint: u64,
    saved: Option<Instant>,
    /// The file that this run has read or written.
    own: Option<FileIdentity>,
}

impl<'a> SolveFile<'a> {
    /// Reads the file if there is one.
    ///
    /// It must be of the same problem (matrix, offset, target, cell, solver, tolerance, seed), which `fingerprint` stands for.
    ///
    /// # Errors
    /// [`ErrorKind::Source`](unhat::ErrorKind::Source) for a file of another problem, a damaged one, and where none can be
    /// written.
    pub fn open(path: &'a str, fingerprint: u64) -> Result<(Self, Option<SavedSolve>)> {
        let mut bytes = Vec::new();
        let mut read = || -> Checked<bool> {
            match fs::metadata(path_of(path)) {
                // Say now what would fail after the first step.
                Err(e) if e.kind() == io::ErrorKind::NotFound => Target::of(path)?.draft().map(|_| false),
                Ok(found) if !found.is_file() => Err(Fault::new("exists and is no regular file")),
                _ => {
                    bytes = fs::read(path_of(path))?;
                    Ok(true)
                }
            }
        };
        let is_there = read().map_err(|fault: Fault| fault.in_file(path))?;
        let saved = is_there.then(|| SavedSolve::from_bytes(path, &bytes, fingerprint)).transpose()?;
        let own = saved.is_some().then(|| file_identity(path)).flatten();
        Ok((SolveFile { path, fingerprint, saved: None, own }, saved))
    }

    /// Saves a state unless one was saved a moment ago.
    ///
    /// # Errors
    /// [`ErrorKind::Source`](unhat::ErrorKind::Source) when it cannot be written.
    pub fn save_now_and_then(&mut self, state: &State, positive: &[bool], start: &StartReport) -> Result<()> {
        if self.saved.is_some_and(|at| at.elapsed() < INTERVAL) {
            return Ok(());
        }
        self.save(state, positive, start)
    }

    /// Saves a state: beside the file first, which then takes its name.
    ///
    /// # Errors
    /// [`ErrorKind::Source`](unhat::ErrorKind::Source) when it cannot be written.
    pub fn save(&mut self, state: &State, positive: &[bool], start: &StartReport) -> Result<()> {
        let bytes = SavedSolve::to_bytes(state, positive, start, self.fingerprint)?;
        let write = || Target::of(self.path)?.write(|file| file.write_all(&bytes));
        write().map_err(|fault: Fault| fault.in_file(self.path))?;
        self.own = file_identity(self.path);
        self.saved = Some(Instant::now());
        Ok(())
    }

    /// Removes the file that this run has read or written, and no other one of its name: the problem is solved.
    pub fn remove(&self) {
        remove_own(self.path, self.own.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unhat::invert::StartKind;
    use unhat::solve::Step;

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
        let (mut file, none) = SolveFile::open(path, 42).unwrap();
        assert!(none.is_none());
        let start = StartReport { kind: StartKind::PhaseOne, passes: 2.5, seconds: 0.1 };
        let signs = [true, false, false, true, true];
        file.save(&state(), &signs, &start).unwrap();
        let (_, resumed) = SolveFile::open(path, 42).unwrap();
        let SavedSolve { state: back, positive, start: report } = resumed.unwrap();
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
        let start = StartReport { kind: StartKind::Point, passes: 0.5, seconds: 0.0 };
        let (mut file, _) = SolveFile::open(path, 42).unwrap();
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
        let (resumed, _) = SolveFile::open(path, 42).unwrap();
        resumed.remove();
        assert!(fs::metadata(path).is_err());
    }

    #[test]
    fn a_changed_digit_and_another_problem_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        let path = path.to_str().unwrap();
        let (mut file, _) = SolveFile::open(path, 42).unwrap();
        file.save(&state(), &[true; 3], &StartReport { kind: StartKind::Point, passes: 0.5, seconds: 0.0 }).unwrap();
        let refusal = |fingerprint| match SolveFile::open(path, fingerprint).map(|(_, resumed)| resumed) {
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
