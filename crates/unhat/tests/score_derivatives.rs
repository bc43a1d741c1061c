//! The derivative of the scores in the matrix: against differences of the scores, forward against backward, invariances.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::leverage::{ScoreOptions, leverage_scores, score_jvp, score_vjp};
use unhat::rows::DenseRows;
use unhat::{ErrorKind, Run};
use unhat_testkit::close::assert_all_close;
use unhat_testkit::generate::Stream;

fn scores(a: &[f64], d: usize, ridge: f64) -> Vec<f64> {
    let options = ScoreOptions { ridge, ..ScoreOptions::default() };
    leverage_scores(&DenseRows::new(a, d).unwrap(), None, &options, &Run::default()).unwrap().values
}

#[test]
fn forward_is_a_difference_of_scores_and_backward_its_transpose() {
    let run = Run::default();
    // The last has more rows than a block, so that stretches are merged.
    for (n, d, ridge) in [(4, 1, 0.0), (12, 3, 0.0), (9, 9, 0.5), (3, 6, 0.2), (2500, 5, 0.0)] {
        let mut stream = Stream::new(7, "derivative in the matrix");
        let (a, direction, y) = (stream.normals(n * d), stream.normals(n * d), stream.normals(n));
        let rows = DenseRows::new(&a, d).unwrap();
        let forward = score_jvp(&rows, &direction, ridge, &run).unwrap();
        let step = 1e-5;
        let moved = |t: f64| -> Vec<f64> { a.iter().zip(&direction).map(|(a, v)| a + t * v).collect() };
        let (plus, minus) = (scores(&moved(step), d, ridge), scores(&moved(-step), d, ridge));
        let difference: Vec<f64> = plus.iter().zip(&minus).map(|(p, m)| (p - m) / (2.0 * step)).collect();
        assert_all_close(&forward, &difference, 1e-7);
        let backward = score_vjp(&rows, &y, ridge, &run).unwrap();
        let ahead: f64 = y.iter().zip(&forward).map(|(y, f)| y * f).sum();
        let back: f64 = backward.iter().zip(&direction).map(|(b, v)| b * v).sum();
        assert!((ahead - back).abs() <= 1e-11 * (1.0 + ahead.abs()), "{ahead} and {back}");
    }
}

/// Scores depend on the span of the columns alone: along A·B they do not move, however near dependence A is.
#[test]
fn mixing_columns_moves_no_score() {
    let (n, d) = (40, 4);
    for tilt in [1.0, 1e-3, 1e-5] {
        let mut stream = Stream::new(3, "mixed columns");
        let (mut a, mixing) = (stream.normals(n * d), stream.normals(d * d));
        a.chunks_exact_mut(d).for_each(|row| row[3] = row[0] + tilt * row[3]);
        let mixed =
            |row: &[f64]| -> Vec<f64> { (0..d).map(|j| (0..d).map(|k| row[k] * mixing[k * d + j]).sum()).collect() };
        let direction: Vec<f64> = a.chunks_exact(d).flat_map(mixed).collect();
        let change = score_jvp(&DenseRows::new(&a, d).unwrap(), &direction, 0.0, &Run::default()).unwrap();
        let largest = change.iter().fold(0.0f64, |m, c| m.max(c.abs()));
        // Terms of size ‖dA‖·‖A⁺‖ ~ 1/tilt cancel, each exact to ε·cond(A) ~ ε/tilt; from M⁻¹ it would be ε/tilt³.
        assert!(largest < 1e-14 / (tilt * tilt), "tilt {tilt:e}: {largest:e}");
    }
}

#[test]
fn what_has_no_derivative_is_an_error() {
    let run = Run::default();
    let dependent = [1.0, 2.0, 2.0, 4.0, 3.0, 6.0];
    let rows = DenseRows::new(&dependent, 2).unwrap();
    let error = score_vjp(&rows, &[1.0; 3], 0.0, &run).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RankDeficient { rank: 1, columns: 2 }), "{error}");
    assert!(score_vjp(&rows, &[1.0; 3], 0.1, &run).is_ok());
    assert!(score_jvp(&rows, &[1.0; 5], 0.1, &run).is_err());
    assert!(score_jvp(&rows, &[1.0; 6], -1.0, &run).is_err());
    let broken = [1.0, 2.0, f64::NAN, 4.0];
    let error = score_vjp(&DenseRows::new(&broken, 2).unwrap(), &[1.0; 2], 0.0, &run).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFinite { .. }), "{error}");
}
