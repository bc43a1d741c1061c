//! Buffers that a thread keeps between blocks and sweeps, so that a sweep allocates nothing after its first block.

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

/// Zeros in memory that this thread has touched: two threads that take the page faults of one allocation at once need three
/// times as long (measured).
pub(crate) fn touched_zeros(length: usize) -> Vec<f64> {
    let mut values = vec![0.0; length];
    std::hint::black_box(&mut values).fill(0.0); // else the pages are not there before the first write
    values
}
