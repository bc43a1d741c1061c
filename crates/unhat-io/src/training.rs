//! The states of trainings in files: read if there is one, written whole or not at all.

use crate::fault::{Checked, Fault};
use crate::open::open_regular;
use crate::output::Target;
use crate::system::{FileIdentity, file_identity, path_of, remove_own};
use std::fs;
use std::io::{self, Read};
use std::time::{Duration, Instant};
use unhat::Result;
use unhat_models::training::{Keeper, SavedTraining};

/// Reads the state of a training; None where there is no file of this name, which can then be written.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source): a file that is no intact state, or a place that takes none.
pub fn read_training(path: &str) -> Result<Option<SavedTraining>> {
    let mut bytes = Vec::new();
    let mut read = || -> Checked<bool> {
        match fs::metadata(path_of(path)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Target::of(path)?.draft().map(|_| false),
            _ => {
                open_regular(path)?.read_to_end(&mut bytes)?;
                Ok(true)
            }
        }
    };
    let is_there = read().map_err(|fault: Fault| fault.in_file(path))?;
    is_there.then(|| SavedTraining::from_bytes(path, &bytes)).transpose()
}

/// Writes the state of a training: beside the target, to the disk, and then under its name.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source) where the file cannot be written.
/// # Accuracy
/// [`read_training`] gives the same bits back.
pub fn write_training(path: &str, state: &SavedTraining) -> Result<()> {
    let bytes = state.to_bytes()?;
    let write = || Target::of(path)?.write(|file| file.write_all(&bytes));
    write().map_err(|fault: Fault| fault.in_file(path))
}

/// A file in which a training is kept on the way, now and then.
pub struct TrainingFile<'a> {
    path: &'a str,
    /// The file that this run has read or written.
    own: Option<FileIdentity>,
    next: Option<Instant>,
}

/// A step takes milliseconds: at most this much work is lost, unless writing takes long.
const INTERVAL: Duration = Duration::from_secs(1);
/// Between two writes at least so many times the time of the last: keeping costs a tenth at most.
const REST: u32 = 9;

impl<'a> TrainingFile<'a> {
    /// The file of this name, as [`read_training`] has just met it; it is written when a training hands over its first state.
    pub fn of(path: &'a str) -> TrainingFile<'a> {
        TrainingFile { path, own: file_identity(path), next: None }
    }

    /// Takes the file away, unless another one has taken its name meanwhile: there is nothing left to resume.
    pub fn remove(self) {
        remove_own(self.path, self.own.as_ref());
    }
}

impl Keeper for TrainingFile<'_> {
    fn is_due(&mut self) -> bool {
        self.next.is_none_or(|next| Instant::now() >= next)
    }

    fn keep(&mut self, state: &SavedTraining) -> Result<()> {
        let clock = Instant::now();
        write_training(self.path, state)?;
        self.own = file_identity(self.path);
        self.next = Some(Instant::now() + INTERVAL.max(REST * clock.elapsed()));
        Ok(())
    }
}
