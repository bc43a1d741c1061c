//! Files opened for reading, and standard input; compressed text is unpacked as it arrives.

use crate::fault::{Checked, Fault, STDIN};
use crate::system::path_of;
use flate2::read::MultiGzDecoder;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// The flag that stops what this thread reads.
    static STOP: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Runs `read` on this thread; text that it reads ends with an error soon after `stop` becomes true.
pub fn read_until<T>(stop: Arc<AtomicBool>, read: impl FnOnce() -> T) -> T {
    let before = STOP.replace(Some(stop));
    let read = read();
    STOP.set(before);
    read
}

/// Text that a flag ends.
struct Stoppable<R> {
    text: R,
    stop: Arc<AtomicBool>,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(io::Error::other("interrupted")),
            false => self.text.read(buffer),
        }
    }
}

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
    let text: Box<dyn Read> = if gzip { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
    without_mark(match STOP.with_borrow(Option::clone) {
        Some(stop) => Box::new(Stoppable { text, stop }),
        None => text,
    })
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
