//! From scores back to the parameters: without a start, from a cell, from part of the scores, through noise; and honest
//! answers where the scores do not say.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::barrier::{Barrier, Side};
use unhat::gram::FactorMethod;
use unhat::invert::scores::{
    ScoreInversion, ScoreInvertOptions, ScoreMethod, ScoreStart, cramer_rao_both, cramer_rao_gradient,
    cramer_rao_scores, invert_scores, noisy_gradient_estimate,
};
use unhat::invert::{InvertOptions, Start};
use unhat::rows::{CsrRows, DenseRows};
use unhat::solve::Status;
use unhat::{Error, ErrorKind, Result, Run};
use unhat_testkit::close::{assert_all_close, assert_close};
use unhat_testkit::generate::{Regression, Stream, random_csr, random_polytope, regression, simplex, thin_box};
use unhat_testkit::reference;

/// Scores at x with the most accurate factor.
fn scores_at(a: &[f64], b: &[f64], x: &[f64]) -> Vec<f64> {
    let rows = DenseRows::new(a, x.len()).unwrap();
    let run = Run::default();
    let barrier = Barrier::around(&rows, b, x, &run).unwrap();
    barrier.set_precision(FactorMethod::Tsqr);
    barrier.at(x, false, &run).unwrap().expect("a point lies in its own cell").scores
}

fn released(p: &Regression) -> Vec<f64> {
    scores_at(&p.a, &p.b, &p.x)
}

fn invert(
    a: &[f64],
    d: usize,
    b: &[f64],
    target: &[f64],
    rows: Option<&[usize]>,
    start: &ScoreStart<'_>,
    options: &ScoreInvertOptions,
) -> Result<ScoreInversion> {
    invert_scores(&DenseRows::new(a, d)?, b, target, rows, start, options, &Run::default())
}

fn by(method: ScoreMethod) -> ScoreInvertOptions {
    ScoreInvertOptions { method, ..ScoreInvertOptions::default() }
}

fn with_noise(noise: f64) -> ScoreInvertOptions {
    ScoreInvertOptions::with_noise(noise)
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    distance(found, expected) / distance(expected, &vec![0.0; expected.len()])
}

#[test]
fn a_lift_needs_no_start_and_no_signs() {
    for (n, d, seeds) in [(60, 5, 6), (400, 10, 4), (1500, 20, 1)] {
        for seed in 0..seeds {
            let p = regression(n, d, seed);
            let found =
                invert(&p.a, d, &p.b, &released(&p), None, &ScoreStart::Unknown, &by(ScoreMethod::Lift)).unwrap();
            let error = relative_error(&found.x, &p.x);
            assert!(error <= 1e-10, "({n},{d}) seed {seed}: {error:e}");
            assert_eq!((found.method, found.status), (ScoreMethod::Lift, Status::Solved));
            assert!(found.identified && found.unique && found.null_direction.is_none());
            let lift = found.lift.unwrap();
            assert!(lift.determined);
            assert!(relative_error(&lift.x, &p.x) <= 1e-10, "before the polish");
            assert_eq!((lift.unknowns, lift.solves), (d * d + 2 * d, 1));
            assert!(lift.product_defect.unwrap() < 1e-9 && lift.residual < 1e-11);
            assert!(found.score_sum_defect < 1e-13 && found.target_sum_defect.unwrap() < 1e-13);
            assert!(found.certificate.unwrap().euclidean >= distance(&found.x, &p.x));
        }
    }
}

#[test]
fn few_scores_may_belong_to_another_x_and_the_answer_says_so() {
    let mut others = 0;
    for seed in 0..40 {
        let d = 2 + seed as usize % 3;
        let p = regression(3 * d, d, seed);
        let rows: Vec<usize> = (0..d).collect();
        let target: Vec<f64> = released(&p)[..d].to_vec();
        let start = ScoreStart::Unknown;
        let found = invert(&p.a, d, &p.b, &target, Some(&rows), &start, &ScoreInvertOptions::default()).unwrap();
        assert!(!found.unique, "seed {seed}");
        if !found.identified {
            continue;
        }
        let said = |warning: &&String| warning.contains("another x, far from this one, may have the same scores");
        assert_eq!(found.warnings.iter().filter(said).count(), 1, "seed {seed}: {:?}", found.warnings);
        let far = relative_error(&found.x, &p.x) > 0.1;
        others += u32::from(far && found.status == Status::Solved && found.certificate.is_some());
    }
    assert!(others > 5, "only {others} answers were another x: the warning would not be needed");
}

#[test]
fn an_ill_scaled_table_with_dependent_products_is_lifted_by_an_orthogonal_solve() {
    // An intercept, a 0/1 column (its square is itself), a column with a large mean, and one in small units.
    let (n, d) = (200, 5);
    let mut stream = Stream::new(3, "table");
    let mut a = Vec::new();
    for _ in 0..n {
        let group = f64::from(stream.uniform() < 0.4);
        a.extend([1.0, group, 1e4 + stream.normal(), 1e-3 * stream.normal(), stream.normal().exp()]);
    }
    let x = [2e4, 3.0, -2.0, 700.0, 0.5];
    let b: Vec<f64> =
        a.chunks(d).map(|r| r.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>() + stream.normal()).collect();
    let found = invert(&a, d, &b, &scores_at(&a, &b, &x), None, &ScoreStart::Unknown, &by(ScoreMethod::Lift)).unwrap();
    assert_eq!(found.lift.as_ref().unwrap().solver, "orthogonal");
    assert!(found.identified);
    for (f, e) in found.x.iter().zip(&x) {
        assert_close(*f, *e, 1e-8);
    }
}

#[test]
fn the_centre_of_the_cell_is_start_enough_for_second_order() {
    for seed in 0..40 {
        let (n, d) = [(60, 5), (100, 8), (200, 10), (40, 6)][seed as usize % 4];
        let p = random_polytope(n, d, [0.5, 0.9, 0.99][seed as usize % 3], seed, Some(3.0));
        let target = scores_at(&p.a, &p.b, &p.hidden);
        let start = ScoreStart::Side(Side::Above);
        let found = invert(&p.a, d, &p.b, &target, None, &start, &by(ScoreMethod::SecondOrder)).unwrap();
        assert!(relative_error(&found.x, &p.hidden) <= 1e-10, "seed {seed}");
        assert!(found.iterations <= 20, "seed {seed}: {} iterations", found.iterations);
        assert!(found.certificate.unwrap().euclidean >= distance(&found.x, &p.hidden));
        assert_eq!(found.candidates[0].origin, "volumetric centre");
    }
}

#[test]
fn products_with_the_jacobian_lead_to_the_same_x_as_its_normal_equations() {
    // Beyond 120 columns the equations of a step are solved by conjugate gradients.
    let (n, d) = (600, 130);
    let p = random_polytope(n, d, 0.5, 2, None);
    let target = scores_at(&p.a, &p.b, &p.hidden);
    let start = ScoreStart::Side(Side::Above);
    let found = invert(&p.a, d, &p.b, &target, None, &start, &by(ScoreMethod::SecondOrder)).unwrap();
    assert!(relative_error(&found.x, &p.hidden) <= 1e-9);
    // Part of the scores has no weights, and a lift of 130 columns does not fit.
    let rows: Vec<usize> = (0..n - 1).collect();
    let part = invert(&p.a, d, &p.b, &target[..n - 1], Some(&rows), &start, &ScoreInvertOptions::default()).unwrap();
    assert_eq!(part.method, ScoreMethod::SecondOrder);
    assert!(part.reason.contains("130 columns"), "{}", part.reason);
}

#[test]
fn newton_converges_quadratically_and_gradient_descent_linearly() {
    let p = random_polytope(100, 5, 0.6, 11, None);
    let target = scores_at(&p.a, &p.b, &p.hidden);
    let trace = |method| {
        let found = invert(&p.a, 5, &p.b, &target, None, &ScoreStart::Side(Side::Above), &by(method)).unwrap();
        assert!(relative_error(&found.x, &p.hidden) <= 1e-9, "{method:?}");
        found.history.iter().map(|s| s.residual).collect::<Vec<_>>()
    };
    for method in [ScoreMethod::SecondOrder, ScoreMethod::Newton] {
        let residuals = trace(method);
        assert!(residuals.len() <= 12);
        let near = residuals.windows(2).find(|w| w[0] < 1e-2 && w[1] > 1e-13).unwrap();
        assert!(near[1] < 30.0 * near[0] * near[0], "{method:?}: {} after {}", near[1], near[0]);
    }
    let residuals = trace(ScoreMethod::FirstOrder);
    let (middle, end) = (residuals.len() / 2, residuals.len() - 1);
    assert!(end > 20 && residuals[middle] > 1e-12 && residuals[middle] < 1e-3 * residuals[0]);
}

#[test]
fn the_curvature_of_the_scores_is_the_difference_of_their_jacobian() {
    let p = regression(40, 3, 5);
    let (rows, run) = (DenseRows::new(&p.a, 3).unwrap(), Run::default());
    let weight: Vec<f64> = (0..40).map(|i| ((i * i + 1) as f64).sin()).collect();
    let barrier = Barrier::around(&rows, &p.b, &p.x, &run).unwrap();
    let here = barrier.at(&p.x, false, &run).unwrap().unwrap();
    let whitened = barrier.whitened_score_curvature(&here, &weight, &run).unwrap();
    let nearest = here.slack.iter().fold(f64::INFINITY, |a: f64, s| a.min(s.abs()));
    for j in 0..3 {
        let step = 1e-4 * nearest;
        let gradient_at = |sign: f64| {
            let mut x = p.x.clone();
            x[j] += sign * step;
            let point = barrier.at(&x, false, &run).unwrap().unwrap();
            barrier.score_jacobian_transposed_vec(&point, &weight, &run).unwrap()
        };
        let (after, before) = (gradient_at(1.0), gradient_at(-1.0));
        let difference: Vec<f64> = after.iter().zip(&before).map(|(a, b)| (a - b) / (2.0 * step)).collect();
        let unit: Vec<f64> = (0..3).map(|i| f64::from(i == j)).collect();
        // L S Lᵀ e_j
        let l = here.factor.lower();
        let k: Vec<f64> = (0..3).map(|c| (0..3).map(|i| l[i + 3 * c] * unit[i]).sum()).collect();
        let sk: Vec<f64> = (0..3).map(|i| (0..3).map(|c| whitened[i + 3 * c] * k[c]).sum()).collect();
        let column: Vec<f64> = (0..3).map(|i| (0..3).map(|c| l[i + 3 * c] * sk[c]).sum()).collect();
        assert_all_close(&column, &difference, 1e-5);
    }
}

#[test]
fn part_of_the_scores_is_enough() {
    let p = regression(300, 4, 9);
    let scores = released(&p);
    let mut order: Vec<usize> = (0..300).collect();
    order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
    let largest = &order[..60];
    let target: Vec<f64> = largest.iter().map(|&i| scores[i]).collect();
    let found =
        invert(&p.a, 4, &p.b, &target, Some(largest), &ScoreStart::Unknown, &ScoreInvertOptions::default()).unwrap();
    assert!(relative_error(&found.x, &p.x) <= 1e-10 && found.identified);
    assert_eq!(found.lift.unwrap().rows, 36);
    // Too few for a lift, but the cell is known.
    let few = &order[..12];
    let target: Vec<f64> = few.iter().map(|&i| scores[i]).collect();
    let signs: Vec<f64> =
        p.a.chunks(4)
            .zip(&p.b)
            .map(|(r, b)| (r.iter().zip(&p.x).map(|(a, x)| a * x).sum::<f64>() - b).signum())
            .collect();
    let found =
        invert(&p.a, 4, &p.b, &target, Some(few), &ScoreStart::Signs(&signs), &ScoreInvertOptions::default()).unwrap();
    assert_eq!(found.method, ScoreMethod::SecondOrder);
    assert!(relative_error(&found.x, &p.x) <= 1e-10 && found.identified, "{:?}", found.warnings);
    // A start in the neighbourhood does as well, and so does nothing but luck: several fits, all listed.
    let near: Vec<f64> = p.x.iter().map(|x| x + 1e-3).collect();
    let found =
        invert(&p.a, 4, &p.b, &target, Some(few), &ScoreStart::Point(&near), &ScoreInvertOptions::default()).unwrap();
    assert!(relative_error(&found.x, &p.x) <= 1e-10, "{:?}", found.candidates);
}

#[test]
fn fewer_scores_than_parameters_leave_a_direction_that_changes_none_of_them() {
    let p = regression(100, 4, 2);
    let scores = released(&p);
    let rows = [3, 50, 77];
    let target: Vec<f64> = rows.iter().map(|&i| scores[i]).collect();
    let start: Vec<f64> = p.x.iter().map(|x| x + 1e-4).collect();
    let found = invert(&p.a, 4, &p.b, &target, Some(&rows), &ScoreStart::Point(&start), &ScoreInvertOptions::default())
        .unwrap();
    assert!(!found.identified && found.certificate.is_none() && found.covariance.is_none());
    assert!(found.residual < 1e-12);
    let h = found.null_direction.unwrap();
    let point = reference::Point::at(&p.a, &p.b, &found.x);
    let jacobian = point.score_jacobian();
    let size = jacobian.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
    for i in rows {
        let change: f64 = (0..4).map(|c| jacobian[i * 4 + c] * h[c]).sum();
        assert!(change.abs() < 1e-9 * size, "row {i} changes by {change:e}");
    }
}

#[test]
fn an_offset_in_the_range_of_the_matrix_hides_the_scale_and_says_so() {
    let mut p = regression(120, 4, 6);
    let base = [0.5, -1.0, 2.0, 0.25];
    p.b = p.a.chunks(4).map(|r| r.iter().zip(&base).map(|(a, x)| a * x).sum()).collect();
    let target = released(&p);
    let found = invert(&p.a, 4, &p.b, &target, None, &ScoreStart::Unknown, &ScoreInvertOptions::default()).unwrap();
    assert!(!found.identified);
    assert!(found.residual < 1e-11, "any scale fits: {:e}", found.residual);
    // The line through the point with Ax = b is found; where on it x lies is not in the scores.
    let hidden: Vec<f64> = p.x.iter().zip(&base).map(|(x, b)| x - b).collect();
    let h = found.null_direction.unwrap();
    let ratio = hidden[0] / h[0];
    assert_all_close(&h.iter().map(|v| ratio * v).collect::<Vec<_>>(), &hidden, 1e-8);
}

#[test]
fn a_simplex_has_the_same_scores_along_a_curve() {
    // σᵢ = 1 − sᵢ²/Σs² fixes the ratios of the d + 1 slacks, whose weighted sum is 1: x is determined; with one row
    // withheld it still is. This closed form checks the scores from outside.
    let p = simplex(4);
    let x = [0.1, 0.3, 0.05, 0.2];
    let target = unhat_testkit::closed_form::simplex_scores(&p.slack(&x));
    let found =
        invert(&p.a, 4, &p.b, &target, None, &ScoreStart::Side(Side::Above), &by(ScoreMethod::SecondOrder)).unwrap();
    assert_all_close(&found.x, &x, 1e-12);
}

/// Mean squared error over the Cramér–Rao bound, and its standard error.
fn ratio_to_bound(squares: &[f64], bound: f64) -> (f64, f64) {
    let ratios: Vec<f64> = squares.iter().map(|s| s / (bound * bound)).collect();
    let count = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / count;
    let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[test]
fn blind_inversion_of_noisy_scores_meets_the_cramer_rao_bound() {
    let p = regression(120, 3, 4);
    let scores = released(&p);
    let noise = 1e-5;
    let rows = DenseRows::new(&p.a, 3).unwrap();
    let bound = cramer_rao_scores(&rows, &p.b, &p.x, None, noise, &Run::default()).unwrap();
    let mut squares = Vec::new();
    for trial in 0..400 {
        let mut stream = Stream::new(trial, "score noise");
        let target: Vec<f64> = scores.iter().map(|s| s + noise * stream.normal()).collect();
        let found = invert(&p.a, 3, &p.b, &target, None, &ScoreStart::Unknown, &with_noise(noise)).unwrap();
        assert_eq!(found.status, Status::Solved, "{:?}", found.warnings);
        assert!(found.certificate.is_none() && !found.noise_is_estimated);
        if trial == 0 {
            assert_all_close(&found.covariance.unwrap(), &bound.covariance, 1e-2);
        }
        squares.push(distance(&found.x, &p.x).powi(2));
    }
    let (ratio, error) = ratio_to_bound(&squares, bound.rms);
    assert!((ratio - 1.0).abs() <= 0.05 + 3.0 * error, "{ratio} ± {error}");
}

#[test]
fn the_likeliest_x_of_a_noisy_gradient_meets_the_cramer_rao_bound() {
    let p = random_polytope(60, 4, 0.5, 8, None);
    let (rows, run) = (DenseRows::new(&p.a, 4).unwrap(), Run::default());
    let gradient = reference::Point::at(&p.a, &p.b, &p.hidden).gradient();
    let noise = 1e-4;
    let bound = cramer_rao_gradient(&rows, &p.b, &p.hidden, noise, &run).unwrap();
    let start = Start { side: Some(Side::Above), ..Start::default() };
    let mut squares = Vec::new();
    for trial in 0..600 {
        let mut stream = Stream::new(trial, "gradient noise");
        let target: Vec<f64> = gradient.iter().map(|g| g + noise * stream.normal()).collect();
        let found =
            noisy_gradient_estimate(&rows, &p.b, &target, noise, &start, &InvertOptions::default(), &run).unwrap();
        if trial == 0 {
            assert_all_close(&found.covariance, &bound.covariance, 1e-2);
            assert_all_close(&found.standard_errors, &bound.coordinates, 1e-2);
        }
        squares.push(distance(&found.inversion.x, &p.hidden).powi(2));
    }
    let (ratio, error) = ratio_to_bound(&squares, bound.rms);
    assert!((ratio - 1.0).abs() <= 0.05 + 3.0 * error, "{ratio} ± {error}");
}

#[test]
fn bounds_are_those_of_the_textbook() {
    let p = regression(50, 3, 12);
    let (rows, run, noise) = (DenseRows::new(&p.a, 3).unwrap(), Run::default(), 0.01);
    let point = reference::Point::at(&p.a, &p.b, &p.x);
    let (hessian, jacobian) = (point.hessian(), point.score_jacobian());
    let gram = |m: &[f64]| -> Vec<f64> {
        let entry = |k: usize| m.chunks(3).map(|r| r[k % 3] * r[k / 3]).sum();
        (0..9).map(entry).collect()
    };
    let (h, j) = (gram(&hessian), gram(&jacobian));
    let both: Vec<f64> = h.iter().zip(&j).map(|(a, b)| a + b).collect();
    let subset: Vec<usize> = (0..50).step_by(2).collect();
    let half: Vec<f64> = subset.iter().flat_map(|&i| jacobian[3 * i..3 * i + 3].to_vec()).collect();
    let cases = [
        (cramer_rao_gradient(&rows, &p.b, &p.x, noise, &run).unwrap(), h),
        (cramer_rao_scores(&rows, &p.b, &p.x, None, noise, &run).unwrap(), j),
        (cramer_rao_scores(&rows, &p.b, &p.x, Some(&subset), noise, &run).unwrap(), gram(&half)),
        (cramer_rao_both(&rows, &p.b, &p.x, None, noise, &run).unwrap(), both),
    ];
    for (bound, information) in cases {
        // covariance · information = ν² I.
        let product: Vec<f64> = (0..9)
            .map(|k| (0..3).map(|m| bound.covariance[k % 3 + 3 * m] * information[m + 3 * (k / 3)]).sum::<f64>())
            .collect();
        let identity: Vec<f64> = (0..9).map(|k| if k % 3 == k / 3 { noise * noise } else { 0.0 }).collect();
        assert_all_close(&product, &identity, 1e-9);
        let trace: f64 = (0..3).map(|i| bound.covariance[4 * i]).sum();
        assert_close(bound.rms, trace.sqrt(), 1e-12);
        for (row, fitted) in p.a.chunks(3).zip(&bound.fitted) {
            let form: f64 = (0..9).map(|k| row[k % 3] * row[k / 3] * bound.covariance[k]).sum();
            assert_close(*fitted, form.sqrt(), 1e-9);
        }
    }
}

#[test]
fn rounded_scores_of_unknown_precision_are_noticed_and_their_noise_is_estimated() {
    let p = regression(400, 5, 1);
    let scores = released(&p);
    let rounded: Vec<f64> = scores.iter().map(|s| (s * 1e5).round() / 1e5).collect();
    let found = invert(&p.a, 5, &p.b, &rounded, None, &ScoreStart::Unknown, &ScoreInvertOptions::default()).unwrap();
    assert!(found.noise_is_estimated && found.lift.as_ref().unwrap().solves == 7);
    assert_close(found.noise.unwrap(), 1e-5 / 12f64.sqrt(), 0.2);
    let told = invert(&p.a, 5, &p.b, &rounded, None, &ScoreStart::Unknown, &ScoreInvertOptions::rounded_to(5)).unwrap();
    assert_all_close(&told.x, &found.x, 1e-7);
    for ((x, hidden), error) in told.x.iter().zip(&p.x).zip(&told.standard_errors.unwrap()) {
        assert!((x - hidden).abs() < 5.0 * error, "{x} against {hidden} ± {error}");
    }
}

#[test]
fn the_answer_does_not_depend_on_the_number_of_threads() {
    let p = regression(3000, 14, 3);
    let mut target = released(&p);
    target.iter_mut().enumerate().for_each(|(i, s)| *s += 1e-7 * ((i * i) as f64).sin());
    let bits: Vec<Vec<u64>> = [1, 2, 7]
        .iter()
        .map(|&threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let run = Run { pool: Some(&pool), ..Run::default() };
            let rows = DenseRows::new(&p.a, 14).unwrap();
            let found =
                invert_scores(&rows, &p.b, &target, None, &ScoreStart::Unknown, &with_noise(1e-7), &run).unwrap();
            found.x.iter().map(|x| x.to_bits()).collect()
        })
        .collect();
    assert_eq!(bits[0], bits[1]);
    assert_eq!(bits[0], bits[2]);
}

#[test]
fn a_stopped_run_ends_as_interrupted() {
    let p = regression(200, 5, 1);
    let stop = std::sync::atomic::AtomicBool::new(true);
    let run = Run { stop: Some(&stop), ..Run::default() };
    let rows = DenseRows::new(&p.a, 5).unwrap();
    let end =
        invert_scores(&rows, &p.b, &released(&p), None, &ScoreStart::Unknown, &ScoreInvertOptions::default(), &run);
    match end {
        Err(e) => assert!(matches!(e.kind(), ErrorKind::Interrupted)),
        Ok(found) => assert_eq!(found.status, Status::Interrupted),
    }
}

#[test]
fn bad_input_is_named() {
    let p = regression(40, 3, 1);
    let scores = released(&p);
    let plain = ScoreInvertOptions::default();
    let attempt = |target: &[f64], rows: Option<&[usize]>, options: &ScoreInvertOptions| -> Error {
        invert(&p.a, 3, &p.b, target, rows, &ScoreStart::Unknown, options).unwrap_err()
    };
    let changed = |value: f64| {
        let mut target = scores.clone();
        target[7] = value;
        target
    };
    assert!(matches!(attempt(&scores[1..], None, &plain).kind(), ErrorKind::Shape { .. }));
    assert!(matches!(attempt(&changed(f64::NAN), None, &plain).kind(), ErrorKind::NotFinite { row: 7, .. }));
    for value in [-0.01, 1.5] {
        let message = attempt(&changed(value), None, &plain).to_string();
        assert!(message.contains("row 8") && message.contains("between 0 and 1"), "{message}");
    }
    assert!(invert(&p.a, 3, &p.b, &changed(-0.01), None, &ScoreStart::Unknown, &with_noise(0.01)).is_ok());
    let named = |target: &[f64], rows: &[usize]| attempt(target, Some(rows), &plain).to_string();
    assert!(named(&scores[..2], &[3, 40]).contains("row 41"));
    assert!(named(&scores[..2], &[3, 3]).contains("row 4 is named twice"));
    assert!(named(&[], &[]).contains("at least one"));
    assert!(attempt(&scores, None, &with_noise(-1.0)).to_string().contains("noise"));
    assert!(attempt(&scores, None, &with_noise(f64::NAN)).to_string().contains("noise"));
    let few: Vec<usize> = (0..10).collect();
    let message = attempt(&scores[..10], Some(&few), &by(ScoreMethod::Lift)).to_string();
    assert!(message.contains("15 released rows, found 10"), "{message}");
    let on_facet = |x: &[f64]| invert(&p.a, 3, &p.b, &scores, None, &ScoreStart::Point(x), &plain);
    assert!(on_facet(&[f64::INFINITY, 0.0, 0.0]).is_err() && on_facet(&[0.0]).is_err());
    let signs = vec![2.0; 40];
    let start = ScoreStart::Signs(&signs);
    assert!(invert(&p.a, 3, &p.b, &scores, None, &start, &by(ScoreMethod::SecondOrder)).is_err());
    let mut dependent = p.a.clone();
    dependent.chunks_mut(3).for_each(|r| r[2] = r[0] + r[1]);
    let end = invert(&dependent, 3, &p.b, &scores, None, &ScoreStart::Unknown, &plain);
    assert!(matches!(end.unwrap_err().kind(), ErrorKind::RankDeficient { rank: 2, columns: 3 }));
    let wide = vec![1.0; 107 * 200];
    let (offset, target) = (vec![0.5; 200], vec![0.5; 200]);
    let end = invert(&wide, 107, &offset, &target, None, &ScoreStart::Unknown, &by(ScoreMethod::Lift));
    assert!(end.is_err());
}

/// A thin box near its boundary: four digits of x are lost to the direction the scores tell least about.
#[test]
fn weakly_determined_directions_are_polished_to_the_rounding_of_the_scores() {
    for seed in 0..5 {
        let p = thin_box(6, 1e4, 100, 0.999, seed);
        let target = scores_at(&p.a, &p.b, &p.hidden);
        for start in [ScoreStart::Unknown, ScoreStart::Side(Side::Above)] {
            let found = invert(&p.a, 6, &p.b, &target, None, &start, &ScoreInvertOptions::default()).unwrap();
            assert_eq!(found.status, Status::Solved);
            assert!(found.identified && found.weakest_share.unwrap() < 1e-3);
            assert!(found.residual < 1e-11, "seed {seed}: {:e}", found.residual);
            assert!(found.certificate.unwrap().euclidean >= distance(&found.x, &p.hidden));
        }
    }
}

#[test]
fn a_local_minimum_is_not_passed_off_as_an_answer() {
    // With a thousand facets around, a start ten per cent away is in another cell, and fits get stuck.
    let p = regression(1000, 4, 3);
    let start: Vec<f64> = p.x.iter().map(|x| 1.1 * x).collect();
    let found =
        invert(&p.a, 4, &p.b, &released(&p), None, &ScoreStart::Point(&start), &by(ScoreMethod::SecondOrder)).unwrap();
    assert!(found.candidates.len() > 1 && found.candidates[0].residual <= found.candidates[1].residual);
    let wrong = relative_error(&found.x, &p.x) > 1e-6;
    assert_eq!(wrong, found.certificate.is_none());
    assert!(!wrong || found.warnings.iter().any(|w| w.contains("local minimum")), "{:?}", found.warnings);
    // The lift does not care.
    let found =
        invert(&p.a, 4, &p.b, &released(&p), None, &ScoreStart::Point(&start), &ScoreInvertOptions::default()).unwrap();
    assert!(relative_error(&found.x, &p.x) < 1e-12);
}

#[test]
fn sparse_rows_give_the_same_answer_as_dense_ones() {
    let csr = random_csr(500, 8, 3, 4);
    let dense = csr.to_dense();
    let mut stream = Stream::new(4, "sparse regression");
    let x = stream.normals(8);
    let b: Vec<f64> = stream.normals(500);
    let target = scores_at(&dense, &b, &x);
    let sparse = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 8).unwrap();
    for method in [ScoreMethod::Lift, ScoreMethod::SecondOrder] {
        let start = if method == ScoreMethod::Lift { ScoreStart::Unknown } else { ScoreStart::Point(&x) };
        let found = invert_scores(&sparse, &b, &target, None, &start, &by(method), &Run::default()).unwrap();
        assert!(relative_error(&found.x, &x) < 1e-10, "{method:?}");
    }
}
