//! Files mapped into memory, and the part of one seen as numbers: the only place with unsafe code.
#![allow(unsafe_code)]

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Range;

/// The bytes of a file, brought in by the operating system when they are looked at.
pub(crate) struct MappedFile {
    bytes: Mmap,
}

impl MappedFile {
    /// Maps a regular file that is not empty.
    pub fn open(file: &File) -> io::Result<Self> {
        // SAFETY: the map is private to this module and read-only, so nothing in this process writes to the bytes, and
        // every pattern of bytes is a valid u8 (and f64, below). What remains is another process that changes the file
        // meanwhile: the system gives no way to forbid it. The values then change under the computation, whose results
        // are wrong but which never uses a value as an index or a length; a file that is cut short ends the process
        // with a bus error. The documentation of `read_matrix` says that files must stay as they are.
        let bytes = unsafe { Mmap::map(file)? };
        Ok(MappedFile { bytes })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of `range` as numbers, without a copy. Gives the file back where this machine cannot do so: when it
    /// stores the high byte first, or the numbers do not begin at a multiple of eight.
    pub fn into_values(self, range: Range<usize>) -> Result<MappedValues, MappedFile> {
        let values = MappedValues { file: self, range };
        match values.cast() {
            Some(_) if cfg!(target_endian = "little") => Ok(values),
            _ => Err(values.file),
        }
    }
}

/// Little-endian 64-bit numbers in a mapped file.
pub(crate) struct MappedValues {
    file: MappedFile,
    range: Range<usize>,
}

impl MappedValues {
    /// The numbers.
    pub fn values(&self) -> &[f64] {
        // `into_values` has cast these bytes before: neither their address nor their number has changed since.
        self.cast().unwrap_or_default()
    }

    fn cast(&self) -> Option<&[f64]> {
        bytemuck::try_cast_slice(self.file.bytes().get(self.range.clone())?).ok()
    }
}
