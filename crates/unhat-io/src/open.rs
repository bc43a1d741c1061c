//! Files opened for reading, and standard input; compressed text is unpacked as it arrives.

use crate::fault::{Checked, Fault, STDIN};
use crate::system::path_of;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};

/// Opens a file, which may be a pipe but not a directory.
pub(crate) fn open(path: &str) -> Checked<File> {
    let file = File::open(path_of(path)).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Fault::new("there is no such file"),
        _ => Fault::new(format!("cannot be opened: {e}")),
    })?;
    if file.metadata()?.is_dir() {
        return Err(Fault::new("is a directory, expected a file"));
    }
    Ok(file)
}

/// Opens a file of known length, to be mapped or read at any place.
pub(crate) fn open_regular(path: &str) -> Checked<File> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Fault::new("is no regular file: only text can be read from a pipe or a device"));
    }
    if metadata.len() == 0 {
        return Err(Fault::new("the file is empty"));
    }
    Ok(file)
}

/// Opens text without its byte order mark; `-` is standard input.
pub(crate) fn open_text(path: &str, gzip: bool) -> Checked<Box<dyn Read>> {
    if path == STDIN {
        return without_mark(Box::new(io::stdin()));
    }
    let file = open(path)?;
    without_mark(if gzip { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) })
}

fn without_mark(mut text: Box<dyn Read>) -> Checked<Box<dyn Read>> {
    let mut start = Vec::with_capacity(3);
    text.by_ref().take(3).read_to_end(&mut start)?;
    if start.is_empty() {
        return Err(Fault::new("the file is empty"));
    }
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        return Err(Fault::new("found UTF-16 text, expected UTF-8: save it again as UTF-8"));
    }
    if start == [0xEF, 0xBB, 0xBF] {
        start.clear();
    }
    Ok(Box::new(Cursor::new(start).chain(text)))
}
