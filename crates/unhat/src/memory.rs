//! How much memory this process may take: a number that is compared before anything large is allocated.

use crate::error::{ErrorKind, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes; no limit until one is set.
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// From now on what would take more than `bytes` is an error before it is taken. One number for the whole process.
pub fn set_memory_limit(bytes: u64) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// The bytes that one computation may take.
pub fn memory_limit() -> u64 {
    LIMIT.load(Ordering::Relaxed)
}

/// An error if `bytes` for `what` are more than the limit.
///
/// # Errors
/// [`ErrorKind::TooLarge`].
pub fn require_memory(what: &str, bytes: u64) -> Result<()> {
    let limit = memory_limit();
    if bytes > limit {
        return Err(ErrorKind::TooLarge { what: what.into(), bytes, limit }.into());
    }
    Ok(())
}
