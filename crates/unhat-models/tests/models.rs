//! Fitted models against values from 40-digit arithmetic, closed forms, and each other.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::Run;
use unhat::random::uniform_rows_into;
use unhat_models::models::{Family, Fit, FitStatus, Objective, fit};

fn fitted(features: &[f64], inputs: usize, y: &[f64], family: Family, penalty: f64) -> Fit {
    fit(&Objective::new(features, inputs, y, family, penalty).unwrap(), None, &Run::default()).unwrap()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * (1.0 + e.abs()), "{found:?}\n{expected:?}");
    }
}

fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    uniform_rows_into(seed, 9, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

/// Rows of uniform numbers in (−1, 1) with a constant one last.
fn table(seed: u64, rows: usize, inputs: usize) -> Vec<f64> {
    let mut values = draw(seed, rows * inputs);
    values.chunks_exact_mut(inputs).for_each(|row| row[inputs - 1] = 1.0);
    values
}

/// Eight rows, M = ½; w and p from mpmath at 40 digits.
#[test]
fn a_logistic_regression_known_to_fifteen_digits() {
    let x = [0.5, -1.0, 1.5, 0.25, -0.75, 2.0, 2.0, 1.0, -1.25, -0.5, 0.0, 0.75, 1.0, -1.5, -2.0, 0.5];
    let features: Vec<f64> = x.chunks(2).flat_map(|row| [row[0], row[1], 1.0]).collect();
    let y = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let fit = fitted(&features, 3, &y, Family::Bernoulli, 0.5);
    assert_eq!(fit.status, FitStatus::Solved);
    let w = [0.407696862539403, 0.0630008021933354, -0.0503788715452571];
    assert_close(&fit.network.flatten(), &w, 2e-15);
    let mut work = unhat_models::models::Workspace::default();
    let z = fit.network.forward(&features, &mut work).to_vec();
    let p: Vec<f64> = z.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
    let expected = [
        0.522601775951278,
        0.640357613112216,
        0.442715158519046,
        0.695935187252899,
        0.356290678255725,
        0.499217933162716,
        0.565328594108992,
        0.302742495409757,
    ];
    assert_close(&p, &expected, 2e-15);
}

/// Twelve rows; all expected weights by Newton's method in mpmath at 40 digits.
#[test]
fn every_family_against_forty_digits() {
    let x = [
        -1.2, 0.3, 0.7, -0.4, 1.9, 1.1, -0.3, 0.8, 0.2, -1.7, -0.9, -0.6, 1.1, 0.5, -1.6, 1.4, 0.4, 0.9, 2.2, -0.8,
        -0.5, -1.1, 0.6, 0.1,
    ];
    let features: Vec<f64> = x.chunks(2).flat_map(|row| [row[0], row[1], 1.0]).collect();
    let classes = [0.0, 1.0, 2.0, 0.0, 1.0, 0.0, 1.0, 0.0, 2.0, 2.0, 1.0, 2.0];
    let counts = [0.0, 2.0, 7.0, 1.0, 1.0, 0.0, 3.0, 0.0, 2.0, 9.0, 1.0, 2.0];
    let softmax = [
        -1.8722644538644213,
        0.6258529140847986,
        -0.03078751854787946,
        0.44445779394274215,
        -0.9484754201682966,
        0.297329574841326,
        1.427806659921679,
        0.32262250608349796,
        -0.2665420562934465,
    ];
    let three = Family::Categorical { classes: 3 };
    let cases: [(Family, f64, &[f64], &[f64]); 5] = [
        (three, 0.3, &classes, &softmax),
        (Family::Poisson, 0.0, &counts, &[1.0416423969846627, 0.04198849648645458, -0.041532841475579785]),
        (Family::Poisson, 0.3, &counts, &[1.0277145923269264, 0.04052850397846611, -0.02181670532548601]),
        (Family::Gaussian, 0.0, &counts, &[2.185734060612717, 0.2555406058041288, 1.8491100949587391]),
        (Family::Gaussian, 2.0, &counts, &[1.970243751538767, 0.20398647876850398, 1.6268123576153537]),
    ];
    for (family, penalty, y, expected) in cases {
        let fit = fitted(&features, 3, y, family, penalty);
        assert_eq!(fit.status, FitStatus::Solved, "{family:?}");
        assert_close(&fit.network.flatten(), expected, 1e-14);
    }
}

/// An intercept alone, without a penalty: the log-odds, the log of the mean, the mean.
#[test]
fn an_intercept_alone_is_the_link_of_the_mean() {
    let ones = [1.0; 10];
    let y: Vec<f64> = (0..10).map(|i| f64::from(i < 3)).collect();
    assert_close(&fitted(&ones, 1, &y, Family::Bernoulli, 0.0).network.flatten(), &[(3f64 / 7.0).ln()], 1e-14);
    let counts: Vec<f64> = (0..10).map(|i| 1e7 * f64::from(i)).collect();
    let fit = fitted(&ones, 1, &counts, Family::Poisson, 0.0);
    assert_close(&fit.network.flatten(), &[4.5e7f64.ln()], 1e-14);
    assert_close(&fitted(&ones, 1, &counts, Family::Gaussian, 0.0).network.flatten(), &[4.5e7], 1e-14);
}

/// Two levels and the intercept: the weights (a, b, c) predict c + a and c + b, and the shortest have c = a + b.
#[test]
fn dependent_columns_get_the_shortest_weights() {
    let features: Vec<f64> = (0..12).flat_map(|i| if i % 3 == 0 { [1.0, 0.0, 1.0] } else { [0.0, 1.0, 1.0] }).collect();
    let y: Vec<f64> = (0..12).map(|i| f64::from([2, 5, 6][i % 3])).collect();
    let shortest = |a: f64, b: f64| [(2.0 * a - b) / 3.0, (2.0 * b - a) / 3.0, (a + b) / 3.0];
    let fit = fitted(&features, 3, &y, Family::Gaussian, 0.0);
    assert_eq!((fit.status, fit.rank), (FitStatus::Solved, Some(2)));
    assert_close(&fit.network.flatten(), &shortest(2.0, 5.5), 1e-14);
    let fit = fitted(&features, 3, &y, Family::Poisson, 0.0);
    assert_eq!((fit.status, fit.rank), (FitStatus::Solved, Some(2)));
    assert_close(&fit.network.flatten(), &shortest(2f64.ln(), 5.5f64.ln()), 1e-13);
    let binary: Vec<f64> = (0..12).map(|i| f64::from([i < 3, i < 8, i % 2 == 0][i % 3])).collect();
    let rate = |pick: usize| {
        let chosen: Vec<f64> = (0..12).filter(|i| (i % 3 == 0) == (pick == 0)).map(|i| binary[i]).collect();
        let mean = chosen.iter().sum::<f64>() / chosen.len() as f64;
        (mean / (1.0 - mean)).ln()
    };
    let expected = shortest(rate(0), rate(1));
    let fit = fitted(&features, 3, &binary, Family::Bernoulli, 0.0);
    assert_eq!((fit.status, fit.rank), (FitStatus::Solved, Some(2)));
    assert_close(&fit.network.flatten(), &expected, 1e-13);
    // as softmax the two predictors are ±½ of it
    let fit = fitted(&features, 3, &binary, Family::Categorical { classes: 2 }, 0.0);
    let half: Vec<f64> = expected.iter().map(|w| -w / 2.0).chain(expected.iter().map(|w| w / 2.0)).collect();
    assert_eq!(fit.status, FitStatus::Solved);
    assert_close(&fit.network.flatten(), &half, 1e-13);
}

/// Two-class softmax with penalty M is logistic regression with M/2 and twice the weights' difference.
#[test]
fn softmax_of_two_classes_is_logistic() {
    let features = table(4, 200, 4);
    let y: Vec<f64> = features.chunks(4).zip(draw(5, 200)).map(|(a, u)| f64::from(a[0] - a[1] + u > 0.2)).collect();
    let logistic = fitted(&features, 4, &y, Family::Bernoulli, 0.5).network.flatten();
    let softmax = fitted(&features, 4, &y, Family::Categorical { classes: 2 }, 1.0).network.flatten();
    let difference: Vec<f64> = (0..4).map(|j| softmax[4 + j] - softmax[j]).collect();
    assert_close(&difference, &logistic, 1e-12);
}

/// A row of weight k is k rows, and one of weight 0 is none.
#[test]
fn weights_count_rows() {
    let features = table(6, 30, 3);
    let y: Vec<f64> = (0..30).map(|i| f64::from((i * i) % 3 == 1)).collect();
    let weights: Vec<f64> = (0..30).map(|i| (i % 3) as f64).collect();
    let repeated = |values: &[f64], width: usize| -> Vec<f64> {
        values.chunks(width).enumerate().flat_map(|(i, row)| row.repeat(i % 3)).collect()
    };
    for family in [Family::Bernoulli, Family::Gaussian, Family::Categorical { classes: 2 }] {
        let weighted = Objective::new(&features, 3, &y, family, 0.1).unwrap().weighted(&weights).unwrap();
        let weighted = fit(&weighted, None, &Run::default()).unwrap();
        let plain = fitted(&repeated(&features, 3), 3, &repeated(&y, 1), family, 0.1);
        assert_close(&weighted.network.flatten(), &plain.network.flatten(), 1e-12);
    }
}

#[test]
fn separable_data_are_said_to_be_so() {
    let line = |x: &[f64]| -> Vec<f64> { x.iter().flat_map(|x| [*x, 1.0]).collect() };
    let (apart, touching) = (line(&[1.0, 2.0, 3.0, 4.0]), line(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0]));
    let (y4, y6) = ([0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    for family in [Family::Bernoulli, Family::Categorical { classes: 2 }] {
        assert_eq!(fitted(&apart, 2, &y4, family, 0.0).status, FitStatus::Separable, "{family:?}");
        assert_eq!(fitted(&touching, 2, &y6, family, 0.0).status, FitStatus::Separable, "{family:?} quasi");
        for penalty in [1e-6, 1.0] {
            let fit = fitted(&apart, 2, &y4, family, penalty);
            assert_eq!(fit.status, FitStatus::Solved, "{family:?} {penalty}: {}", fit.relative_gradient);
        }
    }
    let overlapping = [0.0, 1.0, 0.0, 1.0];
    assert_eq!(fitted(&apart, 2, &overlapping, Family::Bernoulli, 0.0).status, FitStatus::Solved);
    // a level with no count at all
    let levels: Vec<f64> = (0..8).flat_map(|i| if i % 2 == 0 { [1.0, 0.0, 1.0] } else { [0.0, 1.0, 1.0] }).collect();
    let counts: Vec<f64> = (0..8).map(|i| f64::from(i % 2) * f64::from(i)).collect();
    assert_eq!(fitted(&levels, 3, &counts, Family::Poisson, 0.0).status, FitStatus::Separable);
    assert_eq!(fitted(&levels, 3, &counts, Family::Poisson, 0.1).status, FitStatus::Solved);
}

/// A polynomial of degree 9 on (0, 1), whose Gram matrix has condition 10¹⁵ after scaling: the normal equations alone
/// would not have a digit. The response is the polynomial with all coefficients 1.
#[test]
fn ill_conditioned_columns_keep_their_digits() {
    let features: Vec<f64> =
        (0..60).flat_map(|i| (1..=9).map(move |k| (f64::from(i) / 59.0).powi(k)).chain([1.0])).collect();
    let y: Vec<f64> = features.chunks(10).map(|row| row.iter().sum()).collect();
    let fit = fitted(&features, 10, &y, Family::Gaussian, 0.0);
    assert_eq!((fit.status, fit.rank), (FitStatus::Solved, None));
    assert_close(&fit.network.flatten(), &[1.0; 10], 1e-6);
}

/// More than 3000 parameters: the Hessian by products. The gradient at the end is checked by a plain loop.
#[test]
fn wide_models_are_fitted_without_the_hessian() {
    let (rows, inputs, classes) = (60, 320, 10);
    let features = table(8, rows, inputs);
    let y: Vec<f64> = (0..rows).map(|i| (i % classes) as f64).collect();
    let fit = fitted(&features, inputs, &y, Family::Categorical { classes }, 1.0);
    assert_eq!(fit.status, FitStatus::Solved);
    let theta = fit.network.flatten();
    let mut gradient: Vec<f64> = theta.clone();
    for (a, y) in features.chunks(inputs).zip(&y) {
        let z: Vec<f64> = theta.chunks(inputs).map(|t| t.iter().zip(a).map(|(t, a)| t * a).sum()).collect();
        let total: f64 = z.iter().map(|z: &f64| z.exp()).sum();
        for (k, z) in z.iter().enumerate() {
            let d = z.exp() / total - f64::from(k == *y as usize);
            (0..inputs).for_each(|j| gradient[k * inputs + j] += d * a[j]);
        }
    }
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!(norm < 1e-8, "{norm:e}");
}

/// Three columns, each 33 times, without a penalty: of all weights that predict the same, the shortest give a column and
/// its copies equal shares, and what all classes share is 0. (31 × 100 parameters: by conjugate gradients for softmax, by
/// the Hessian for least squares.)
#[test]
fn copies_of_a_column_share_its_weight() {
    let (rows, inputs, classes) = (400, 100, 31);
    let base = draw(12, rows * 3);
    let features: Vec<f64> =
        base.chunks(3).flat_map(|row| row.iter().cycle().take(99).copied().chain([1.0]).collect::<Vec<_>>()).collect();
    let y: Vec<f64> = (0..rows).map(|i| (i % classes) as f64).collect();
    for family in [Family::Gaussian, Family::Categorical { classes }] {
        let fit = fitted(&features, inputs, &y, family, 0.0);
        assert_eq!((fit.status, fit.rank), (FitStatus::Solved, Some(4)), "{}", fit.relative_gradient);
        let theta = fit.network.flatten();
        let size = theta.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
        for weights in theta.chunks(inputs) {
            (0..99).for_each(|j| assert!((weights[j] - weights[j % 3]).abs() < 1e-9 * size, "{family:?} column {j}"));
        }
        if family != Family::Gaussian {
            for j in 0..inputs {
                let shared: f64 = theta.iter().skip(j).step_by(inputs).sum();
                assert!(shared.abs() < 1e-9 * size, "column {j}: {shared:e}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let features = table(3, 5000, 6);
    let u = draw(7, 5000);
    let binary: Vec<f64> = features.chunks(6).zip(&u).map(|(a, u)| f64::from(a[0] + 0.5 * a[2] + u > 0.0)).collect();
    let classes: Vec<f64> = u.iter().map(|u| ((u + 1.0) * 1.5).floor()).collect();
    let three = Family::Categorical { classes: 3 };
    for (family, y) in [(Family::Bernoulli, &binary), (three, &classes), (Family::Gaussian, &u)] {
        for penalty in [0.0, 0.3] {
            let of = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let run = Run { pool: Some(&pool), ..Run::default() };
                fit(&Objective::new(&features, 6, y, family, penalty).unwrap(), None, &run).unwrap().network
            };
            let one = of(1);
            assert_eq!(one, of(2));
            assert_eq!(one, of(7));
        }
    }
}

#[test]
fn a_fit_can_be_interrupted() {
    let stop = std::sync::atomic::AtomicBool::new(true);
    let (features, y) = (table(1, 50, 3), vec![1.0; 50]);
    let objective = Objective::new(&features, 3, &y, Family::Poisson, 0.0).unwrap();
    let run = Run { stop: Some(&stop), ..Run::default() };
    assert_eq!(fit(&objective, None, &run).unwrap_err().kind().name(), "interrupted");
}
