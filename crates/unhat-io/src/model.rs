//! Models in files: safetensors, written whole or not at all.

use crate::fault::{Checked, Fault};
use crate::format::Suffix;
use crate::open::open_regular;
use crate::output::Target;
use std::io::Read;
use unhat::Result;
use unhat_models::models::Model;

/// Says before long work what would make [`write_model`] fail after it.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source): another suffix than `.safetensors`, a directory that is missing or
/// cannot be written to, a target that exists and is no regular file.
pub fn check_model_output(path: &str) -> Result<()> {
    let check = || {
        require_suffix(path)?;
        Target::of(path)?.draft().map(drop)
    };
    check().map_err(|fault: Fault| fault.in_file(path))
}

/// Writes a model as `.safetensors`: beside the target, to the disk, and then under its name.
///
/// # Errors
/// As [`check_model_output`], and those of [`Model::to_bytes`].
/// # Accuracy
/// [`read_model`] gives the same bits back.
pub fn write_model(path: &str, model: &Model) -> Result<()> {
    let bytes = model.to_bytes()?;
    let write = || {
        require_suffix(path)?;
        Target::of(path)?.write(|file| file.write_all(&bytes))
    };
    write().map_err(|fault: Fault| fault.in_file(path))
}

/// Reads a model that [`write_model`] wrote.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source) with the file, what was found and what was expected.
pub fn read_model(path: &str) -> Result<Model> {
    let mut bytes = Vec::new();
    let mut read = || -> Checked<()> {
        require_suffix(path)?;
        open_regular(path)?.read_to_end(&mut bytes)?;
        Ok(())
    };
    read().map_err(|fault| fault.in_file(path))?;
    Model::from_bytes(path, &bytes)
}

fn require_suffix(path: &str) -> Checked<()> {
    let suffix = Suffix::of(path);
    match (suffix.name.as_str(), suffix.gzip) {
        ("safetensors", false) => Ok(()),
        _ => Err(suffix.unknown(".safetensors")),
    }
}
