//! Buffers that a thread keeps between blocks and sweeps, so that a sweep allocates nothing after its first block.

use std::cell::RefCell;
use std::thread::LocalKey;

thread_local! {
    static KEPT: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `f` one of what this thread keeps under a key, or a new one where all are lent; what it holds is arbitrary.
pub fn lend<T: Default, R>(kept: &'static LocalKey<RefCell<Vec<T>>>, f: impl FnOnce(&mut T) -> R) -> R {
    let mut lent = kept.with_borrow_mut(Vec::pop).unwrap_or_default();
    let result = f(&mut lent);
    kept.with_borrow_mut(|kept| kept.push(lent));
    result
}

/// Lends `f` a buffer of `length` values with arbitrary contents.
pub fn with_scratch<R>(length: usize, f: impl FnOnce(&mut [f64]) -> R) -> R {
    lend(&KEPT, |buffer| {
        if buffer.len() < length {
            buffer.resize(length, 0.0);
        }
        f(&mut buffer[..length])
    })
}

/// Zeros in memory that this thread has touched: two threads that take the page faults of one allocation at once need three
/// times as long (measured).
pub fn touched_zeros(length: usize) -> Vec<f64> {
    let mut values = vec![0.0; length];
    std::hint::black_box(&mut values).fill(0.0); // else the pages are not there before the first write
    values
}
