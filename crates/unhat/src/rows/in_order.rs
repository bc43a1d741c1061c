//! All rows one after the other on one thread: for what must see them in their order.

use super::{RowSource, Rows};
use crate::error::Result;
use crate::run::Run;

/// Calls `f` with every block, first to last; the source is opened once.
///
/// # Errors
/// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) within a block of the request, and those of source and `f`.
pub fn each_block(source: &dyn RowSource, run: &Run<'_>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
    source.with_blocks(0..source.blocks(), &mut |rows| {
        run.check()?;
        f(rows)
    })
}

/// Calls `f` with block after block until it says `false`.
///
/// A source that is opened for each range is asked for longer and longer ones: of a source that is left early not much more is
/// read than `f` has seen, and one that is read to its end is opened a few times.
///
/// # Errors
/// As [`each_block`].
pub(crate) fn each_block_while(
    source: &dyn RowSource,
    run: &Run<'_>,
    f: &mut dyn FnMut(Rows<'_>) -> Result<bool>,
) -> Result<()> {
    let (mut next, mut goes_on) = (0, true);
    while goes_on && next < source.blocks() {
        let count = if source.openings().is_none() { 1 } else { next.max(1) };
        let end = source.blocks().min(next + count);
        source.with_blocks(next..end, &mut |rows| {
            run.check()?;
            goes_on = goes_on && f(rows)?;
            Ok(())
        })?;
        next = end;
    }
    Ok(())
}
