//! Rows in files that tell how far a pass over them has come.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use unhat::rows::{RowSource, Rows, Shape};
use unhat::{Event, Result, Run};

/// Milliseconds between two tellings.
const PAUSE: u64 = 200;

/// How far the reading has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RowsRead {
    /// Rows lent in all passes so far.
    pub lent: u64,
    /// Rows of a pass.
    pub rows: u64,
    pub seconds: f64,
}

impl RowsRead {
    /// "pass 2: 34 %, 1.2 million rows/s, 3 s left of it".
    pub fn message(&self) -> String {
        let (pass, within) = (self.lent / self.rows.max(1), self.lent % self.rows.max(1));
        let speed = self.lent as f64 / self.seconds.max(1e-3);
        let share = 100.0 * within as f64 / self.rows.max(1) as f64;
        let left = (self.rows - within) as f64 / speed.max(1e-3);
        format!(": pass {}: {share:.0} %, {:.2} million rows/s, {left:.0} s left of it", pass + 1, speed / 1e6)
    }
}

/// Rows of a source, counted as they are lent.
pub(crate) struct Watched<'a> {
    source: &'a dyn RowSource,
    run: &'a Run<'a>,
    start: Instant,
    lent: AtomicU64,
    told: AtomicU64,
}

impl<'a> Watched<'a> {
    pub fn new(source: &'a dyn RowSource, run: &'a Run<'a>) -> Self {
        Watched { source, run, start: Instant::now(), lent: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    fn count(&self, rows: usize) {
        let lent = self.lent.fetch_add(rows as u64, Ordering::Relaxed) + rows as u64;
        let (now, told) = (self.start.elapsed(), self.told.load(Ordering::Relaxed));
        let millis = now.as_millis() as u64;
        // One thread of those that come at once tells.
        if millis >= told + PAUSE
            && self.told.compare_exchange(told, millis, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let rows = self.source.shape().rows as u64;
            self.run.tell(Event::Other(&RowsRead { lent, rows, seconds: now.as_secs_f64() }));
        }
    }
}

impl RowSource for Watched<'_> {
    fn shape(&self) -> Shape {
        self.source.shape()
    }

    fn rows_per_block(&self) -> usize {
        self.source.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.with_blocks(k..k + 1, f)
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_blocks(range, &mut |rows| {
            let count = rows.block.rows();
            f(rows)?;
            self.count(count);
            Ok(())
        })
    }

    fn openings(&self) -> Option<usize> {
        self.source.openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        self.source.gather(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_reading_says_pass_share_speed_and_what_is_left() {
        let read = RowsRead { lent: 5_000_000, rows: 4_000_000, seconds: 2.0 };
        assert_eq!(read.message(), ": pass 2: 25 %, 2.50 million rows/s, 1 s left of it");
    }
}
