//! How much of a table is held in memory, and for how many readers of its files there is room.

use crate::system::memory_available;
use unhat::memory::memory_limit;
use unhat::rows::Shape;
use unhat::{ErrorKind, Result};

/// What a table may take of memory before its numbers stay in files.
///
/// A table of text beyond its share is written to a temporary file (where `TMPDIR` says) and read from there in blocks; one in
/// Parquet is read again by every sweep. Neither changes a bit of an answer.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    /// Bytes of numbers of text, `.npy` and Arrow that are held. None: an eighth of what the process may take.
    pub read: Option<u64>,
    /// Bytes of numbers of Parquet that are held. None: an eighth of what the process may take.
    pub columns: Option<u64>,
    /// Numbers for each row that the computation keeps beside the table.
    pub vectors: usize,
    /// Threads that will sweep the table. None: one a core.
    pub threads: Option<usize>,
}

/// Of what may be taken, this share is planned with; the rest is for what no plan sees.
const PLANNED: f64 = 0.8;
/// A page and a dictionary of a column, as writers make them.
const PAGES: u64 = 2 << 20;
/// Numbers of a block, and how many of them a lane works with.
const BLOCK: u64 = 8 * 3 * 65_536;
/// Sums on their way to be merged: one a level of the tree, and the one that grows.
const SUMS: u64 = 8;
/// The program itself.
const PROGRAM: u64 = 16 << 20;

/// Bytes that a plan may use.
fn planned() -> u64 {
    let most = memory_limit().min(memory_available().unwrap_or(u64::MAX));
    (most as f64 * PLANNED) as u64
}

impl Holding {
    /// Bytes of numbers that are held of what is read once.
    pub(crate) fn most_read(&self) -> u64 {
        self.read.unwrap_or(memory_limit() / 8)
    }

    /// Whether so many bytes of numbers in Parquet are held.
    #[cfg(feature = "parquet")]
    pub(crate) fn holds_columns(&self, bytes: u64) -> bool {
        bytes <= self.columns.unwrap_or(memory_limit() / 8)
    }
}

/// What the sweeps over files of columns take, as their footers tell.
pub(crate) struct Need {
    pub shape: Shape,
    /// Rows that are decoded at once.
    pub batch: usize,
    /// The largest chunk of each column, unpacked.
    pub pages: Vec<u64>,
}

impl Need {
    /// Bytes of the vectors, of the factor and of one reader.
    fn parts(&self, vectors: usize) -> [u64; 3] {
        let (n, d) = (self.shape.rows as u64, self.shape.columns as u64);
        let pages: u64 = self.pages.iter().map(|chunk| (*chunk).min(PAGES)).sum();
        let square = d.saturating_mul(8 * d);
        let reader = pages + 16 * self.batch as u64 * d + BLOCK + square.saturating_mul(SUMS) + 24 * d * d.max(64);
        [8 * n * vectors.max(1) as u64, square.saturating_mul(4), reader]
    }
}

impl Holding {
    /// Ranges that a sweep may open: four a thread where the memory is there for one a thread, else as many as fit.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] with the table of needs where there is no room for one reader.
    pub(crate) fn openings(&self, need: &Need) -> Result<usize> {
        let [vectors, factor, reader] = need.parts(self.vectors);
        let (fixed, limit) = (PROGRAM.saturating_add(vectors).saturating_add(factor), planned());
        let at_once = limit.saturating_sub(fixed) / reader.max(1);
        if at_once == 0 {
            let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
            let what = format!(
                "a table of {} rows and {} columns that is read in order (the program {}, {} numbers a row {}, the factor {}, \
                 one reader {}; planned is with four fifths of what may be taken)",
                need.shape.rows,
                need.shape.columns,
                mb(PROGRAM),
                self.vectors.max(1),
                mb(vectors),
                mb(factor),
                mb(reader)
            );
            return Err(ErrorKind::TooLarge { what, bytes: fixed.saturating_add(reader), limit }.into());
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or_else(cores).max(1);
        let at_once = usize::try_from(at_once).unwrap_or(usize::MAX);
        Ok(match at_once >= threads {
            true => (4 * threads).next_power_of_two(),
            false => 1 << at_once.ilog2(),
        })
    }
}
