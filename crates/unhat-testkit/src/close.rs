//! Assertions on numbers: how close is close, relative to what, and a message that shows the worst entry.

/// ‖found − expected‖_∞ / ‖expected‖_∞, or the absolute error where everything expected is zero.
pub fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    let (error, _) = worst_entry(found, expected);
    let size = expected.iter().fold(0.0, |largest: f64, e| largest.max(e.abs()));
    if size > 0.0 { error / size } else { error }
}

/// The largest difference and where it is; a NaN counts as infinitely wrong.
fn worst_entry(found: &[f64], expected: &[f64]) -> (f64, usize) {
    let mut worst = (0.0, 0);
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let error = if f == e { 0.0 } else { (f - e).abs() };
        let error = if error.is_nan() { f64::INFINITY } else { error };
        if error > worst.0 {
            worst = (error, i);
        }
    }
    worst
}

/// Asserts |found − expected| ≤ tolerance · |expected|; where 0 is expected, |found| ≤ tolerance.
#[track_caller]
pub fn assert_close(found: f64, expected: f64, tolerance: f64) {
    let error = relative_error(&[found], &[expected]);
    assert!(error <= tolerance, "found {found:e}, expected {expected:e}: relative error {error:.2e} > {tolerance:.0e}");
}

/// Asserts |found − expected| ≤ tolerance.
#[track_caller]
pub fn assert_within(found: f64, expected: f64, tolerance: f64) {
    let (error, _) = worst_entry(&[found], &[expected]);
    assert!(error <= tolerance, "found {found:e}, expected {expected:e}: error {error:.2e} > {tolerance:.0e}");
}

/// Asserts that two vectors (or matrices) agree to `tolerance` relative to the largest entry expected.
#[track_caller]
pub fn assert_all_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "found {} values, expected {}", found.len(), expected.len());
    let error = relative_error(found, expected);
    let (_, i) = worst_entry(found, expected);
    assert!(
        error <= tolerance,
        "entry {i}: found {:e}, expected {:e}: error {error:.2e} of the largest entry > {tolerance:.0e}",
        found[i],
        expected[i]
    );
}

/// Asserts that every entry agrees to `tolerance` relative to itself.
#[track_caller]
pub fn assert_each_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "found {} values, expected {}", found.len(), expected.len());
    for (i, (&f, &e)) in found.iter().zip(expected).enumerate() {
        let error = relative_error(&[f], &[e]);
        assert!(
            error <= tolerance,
            "entry {i}: found {f:e}, expected {e:e}: relative error {error:.2e} > {tolerance:.0e}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_what_is_expected() {
        assert_close(1e-9 + 1e-20, 1e-9, 1e-10);
        assert_close(1e-13, 0.0, 1e-12);
        assert_all_close(&[1e6, 1e-7], &[1e6, 0.0], 1e-12);
        assert!(relative_error(&[f64::NAN, 1.0], &[1.0, 1.0]).is_infinite());
        assert!(relative_error(&[f64::INFINITY], &[1.0]).is_infinite());
    }

    #[test]
    #[should_panic(expected = "entry 1: found 3e0, expected 2e0")]
    fn the_message_shows_the_worst_entry() {
        assert_all_close(&[1.0, 3.0], &[1.0, 2.0], 1e-3);
    }

    #[test]
    #[should_panic(expected = "found 2 values, expected 1")]
    fn lengths_are_compared() {
        assert_each_close(&[1.0, 3.0], &[1.0], 1.0);
    }
}
