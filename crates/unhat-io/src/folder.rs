//! A folder of a few files that appears whole or not at all, and the SHA-256 of a file.

use crate::fault::{Checked, Fault};
use crate::open::open_regular;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use unhat::Result;

/// Bytes that are hashed at once.
const PIECE: usize = 1 << 16;

fn parent(path: &str) -> Checked<PathBuf> {
    let parent = Path::new(path).parent().ok_or_else(|| Fault::new("names no folder"))?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    match fs::metadata(parent) {
        Ok(found) if found.is_dir() => Ok(parent.to_path_buf()),
        _ => Err(Fault::new(format!("cannot be written: there is no directory {}", parent.display()))),
    }
}

/// Says before long work what would make [`write_folder`] fail after it.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source): a name that is taken by anything but an empty folder, a parent that is no
/// directory.
pub fn check_folder(path: &str) -> Result<()> {
    let check = || -> Checked<()> {
        parent(path)?;
        match fs::read_dir(path) {
            Ok(mut entries) => match entries.next() {
                None => Ok(()),
                Some(_) => {
                    Err(Fault::new("is a folder that holds something, expected a name that is free or an empty folder"))
                }
            },
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(_) => Err(Fault::new("exists and is no folder, expected a name that is free or an empty folder")),
        }
    };
    check().map_err(|fault| fault.in_file(path))
}

/// Writes files, given by their names below the folder, into a folder beside it that then takes its name.
///
/// # Errors
/// As [`check_folder`], and what the system says.
pub fn write_folder(path: &str, files: &[(&str, Vec<u8>)]) -> Result<()> {
    check_folder(path)?;
    let write = || -> Checked<()> {
        let draft = tempfile::Builder::new().prefix(".unhat-").tempdir_in(parent(path)?)?;
        for (name, content) in files {
            let place = draft.path().join(name);
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&place, content)?;
            fs::File::open(&place)?.sync_all()?;
        }
        readable(draft.path())?;
        fs::rename(draft.path(), path)?;
        let _ = draft.keep(); // it has another name now
        Ok(())
    };
    write().map_err(|fault| fault.in_file(path))
}

/// Gives the folder the permissions of its parent: drafts are for their owner alone.
fn readable(folder: &Path) -> Checked<()> {
    if let Some(parent) = folder.parent() {
        fs::set_permissions(folder, fs::metadata(parent)?.permissions())?;
    }
    Ok(())
}

fn hex(hash: impl AsRef<[u8]>) -> String {
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file, in hex.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source) where it cannot be read.
pub fn hash_of_file(path: &str) -> Result<String> {
    let read = || -> Checked<String> {
        let mut file = open_regular(path)?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hex(hash.finalize())),
                count => hash.update(&piece[..count]),
            }
        }
    };
    read().map_err(|fault| fault.in_file(path))
}

/// SHA-256 of bytes, in hex.
#[must_use]
pub fn hash_of(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

/// The text of a small file.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source) where it cannot be read, or is no UTF-8.
pub fn read_text(path: &str) -> Result<String> {
    let read = || -> Checked<String> {
        let mut text = String::new();
        open_regular(path)?.read_to_string(&mut text)?;
        Ok(text)
    };
    read().map_err(|fault| fault.in_file(path))
}
