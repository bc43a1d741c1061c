//! Buffers that a thread keeps between blocks, so that a sweep allocates nothing after its first block.

use std::cell::RefCell;

thread_local! {
    static KEPT: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `f` a buffer of `length` values with arbitrary contents.
pub(crate) fn with_scratch<R>(length: usize, f: impl FnOnce(&mut [f64]) -> R) -> R {
    let mut buffer = KEPT.with(|kept| kept.borrow_mut().pop()).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    let result = f(&mut buffer[..length]);
    KEPT.with(|kept| kept.borrow_mut().push(buffer));
    result
}
