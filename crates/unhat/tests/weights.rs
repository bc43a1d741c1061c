//! Lewis weights and D-optimal designs against closed forms, and against certificates computed by other code.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::solve::Status;
use unhat::weights::{Design, DesignOptions, LewisOptions, LewisWeights, d_optimal_design, lewis_weights};
use unhat::{ErrorKind, Event, Result, Run};
use unhat_testkit::generate::{Stream, matrix_with_condition, random_csr};
use unhat_testkit::orthonormal::weighted_leverage_scores;
use unhat_testkit::{Dd, Real};

fn lewis(a: &[f64], d: usize, p: f64) -> LewisWeights {
    lewis_weights(&DenseRows::new(a, d).unwrap(), p, &LewisOptions::default(), &Run::default()).unwrap()
}

fn design(a: &[f64], d: usize) -> Design {
    d_optimal_design(&DenseRows::new(a, d).unwrap(), &DesignOptions::default(), &Run::default()).unwrap()
}

fn close(found: &[f64], expected: &[f64], within: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= within, "{i}: {a} against {b}");
    }
}

/// n×d normals, each row times a number from Student's distribution with two degrees of freedom.
fn heavy(n: usize, d: usize) -> Vec<f64> {
    let mut stream = Stream::new(11, "weights");
    let mut a = stream.normals(n * d);
    for row in a.chunks_exact_mut(d) {
        let t = stream.normal() / (-stream.uniform().max(1e-12).ln()).sqrt();
        row.iter_mut().for_each(|a| *a *= t);
    }
    a
}

/// gᵢ = aᵢᵀ(Σ wⱼaⱼaⱼᵀ)⁻¹aᵢ by elimination in doubled precision.
fn forms(a: &[f64], d: usize, w: &[f64]) -> Vec<f64> {
    let dd = |v: f64| Dd::from(v);
    let mut m = vec![dd(0.0); d * d];
    for (row, w) in a.chunks_exact(d).zip(w) {
        for (j, k) in (0..d).flat_map(|j| (0..d).map(move |k| (j, k))) {
            m[j * d + k] += dd(*w) * dd(row[j]) * dd(row[k]);
        }
    }
    let solve = |row: &[f64]| {
        let (mut m, mut x): (Vec<Dd>, Vec<Dd>) = (m.clone(), row.iter().map(|v| dd(*v)).collect());
        for k in 0..d {
            for i in k + 1..d {
                let f = m[i * d + k] / m[k * d + k];
                for j in k..d {
                    let change = f * m[k * d + j];
                    m[i * d + j] -= change;
                }
                let change = f * x[k];
                x[i] -= change;
            }
        }
        for k in (0..d).rev() {
            for j in k + 1..d {
                let change = m[k * d + j] * x[j];
                x[k] -= change;
            }
            x[k] = x[k] / m[k * d + k];
        }
        row.iter().zip(&x).fold(dd(0.0), |sum, (a, x)| sum + dd(*a) * *x)
    };
    a.chunks_exact(d).map(|row| solve(row).to_f64()).collect()
}

/// The gap of a design by other code than ours.
fn gap(a: &[f64], d: usize, w: &[f64]) -> f64 {
    assert!(w.iter().all(|w| *w >= 0.0) && (w.iter().sum::<f64>() - 1.0).abs() < 1e-14);
    d as f64 * (forms(a, d, w).into_iter().fold(0.0, f64::max) / d as f64).ln()
}

#[test]
fn rows_along_axes_have_lewis_weights_in_closed_form() {
    // Within one axis the weights are |c|^p/Σ|c|^p.
    let sizes = [[1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [1e-3, 5.0, 0.1]];
    let rows: Vec<f64> =
        (0..9).flat_map(|k| (0..3).map(move |j| if j == k % 3 { sizes[j][k / 3] } else { 0.0 })).collect();
    for p in [0.25, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0] {
        let found = lewis(&rows, 3, p);
        assert_eq!(found.status, Status::Solved, "p = {p}");
        for (k, w) in found.values.iter().enumerate() {
            let total: f64 = sizes[k % 3].iter().map(|c: &f64| c.powf(p)).sum();
            let exact = sizes[k % 3][k / 3].powf(p) / total;
            assert!((w / exact - 1.0).abs() < 1e-8, "p = {p}, row {k}: {w} against {exact}");
        }
    }
}

#[test]
fn lewis_weights_are_the_scores_of_the_rows_that_they_scale() {
    let d = 5;
    for (name, a) in [("normal", Stream::new(3, "lewis").normals(200 * d)), ("heavy", heavy(200, d))] {
        for p in [0.5, 1.0, 1.5, 2.0, 3.0, 3.9, 4.0, 5.0, 8.0] {
            let found = lewis(&a, d, p);
            assert_eq!(found.status, Status::Solved, "{name}, p = {p}: {}", found.residual);
            let weights: Vec<f64> = found.values.iter().map(|w| w.powf(1.0 - 2.0 / p)).collect();
            let scores = weighted_leverage_scores::<Dd>(&a, d, &weights);
            let most = scores.iter().zip(&found.values).map(|(s, w)| (s.to_f64() / w - 1.0).abs()).fold(0.0, f64::max);
            assert!(most < 2e-10, "{name}, p = {p}: {most}");
            assert!((most - found.residual).abs() < 1e-11, "the residual said is the one there is");
            assert!((found.sum - 5.0).abs() < 1e-8 && found.rank == d);
        }
    }
}

/// From a tighter solution the distance is no larger than what was proven.
#[test]
fn below_four_the_distance_to_the_exact_weights_is_bounded() {
    let a = heavy(120, 4);
    let source = DenseRows::new(&a, 4).unwrap();
    let at = |p: f64, tolerance: f64| {
        lewis_weights(&source, p, &LewisOptions { tolerance, ..LewisOptions::default() }, &Run::default()).unwrap()
    };
    for p in [0.7, 1.0, 2.5, 3.5] {
        let (rough, fine) = (at(p, 1e-3), at(p, 1e-12));
        let bound = rough.log_error.unwrap();
        let distance = rough.values.iter().zip(&fine.values).map(|(a, b)| (a / b).ln().abs()).fold(0.0, f64::max);
        assert!(distance <= bound + 1e-10 && bound < 0.1, "p = {p}: {distance} {bound}");
    }
    assert!(at(4.0, 1e-3).log_error.is_none());
}

#[test]
fn zero_rows_weigh_nothing_and_a_row_given_twice_shares_its_weight() {
    let a = Stream::new(8, "zero").normals(30 * 3);
    for p in [1.0, 2.0, 6.0] {
        let once = lewis(&a, 3, p).values;
        let mut more = a.clone();
        more.extend([0.0; 3]);
        let with_zero = lewis(&more, 3, p).values;
        close(&with_zero[..30], &once, 1e-9);
        assert_eq!(with_zero[30], 0.0);
    }
    // Twice the same row is the row times 2^(1/p).
    let p = 3.0;
    let mut twice = a.clone();
    twice.extend_from_slice(&a[..3]);
    let mut longer = a.clone();
    longer[..3].iter_mut().for_each(|v| *v *= 2f64.powf(1.0 / p));
    let (twice, longer) = (lewis(&twice, 3, p).values, lewis(&longer, 3, p).values);
    assert!((twice[0] - twice[30]).abs() < 1e-10 && (2.0 * twice[0] - longer[0]).abs() < 1e-9);
    close(&twice[1..30], &longer[1..], 1e-9);
}

#[test]
fn dependent_columns_and_few_rows_leave_the_weights_of_the_row_space() {
    let a = Stream::new(9, "rank").normals(60 * 3);
    let wide: Vec<f64> = a.chunks_exact(3).flat_map(|r| [r[0], r[1], r[0] + r[1], r[2], 2.0 * r[2]]).collect();
    for p in [1.0, 4.0] {
        let found = lewis(&wide, 5, p);
        assert_eq!(found.rank, 3);
        // The space of columns is that of (r0, r1, r2).
        close(&found.values, &lewis(&a, 3, p).values, 1e-9);
    }
    let few = lewis(&a[..6], 3, 1.0);
    assert_eq!(few.rank, 2);
    close(&few.values, &[1.0, 1.0], 1e-9);
    let points = design(&wide, 5);
    assert!(points.rank == 3 && points.log_det.is_none() && points.status == Status::Solved);
    assert!(gap(&a, 3, &points.values) < 1.1e-8);
}

#[test]
fn sparse_rows_have_the_weights_of_the_same_rows_written_out() {
    let csr = random_csr(300, 20, 3, 4);
    let sparse = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 20).unwrap();
    let all: Vec<usize> = (0..300).collect();
    let written = sparse.gather(&all).unwrap();
    for p in [1.0, 6.0] {
        let found = lewis_weights(&sparse, p, &LewisOptions::default(), &Run::default()).unwrap();
        assert_eq!(found.status, Status::Solved);
        close(&found.values, &lewis(&written, 20, p).values, 1e-9);
    }
    let found = d_optimal_design(&sparse, &DesignOptions::default(), &Run::default()).unwrap();
    assert!(found.status == Status::Solved && gap(&written, 20, &found.values) <= 1.01e-8);
    assert!((found.log_det.unwrap() - design(&written, 20).log_det.unwrap()).abs() < 2e-8);
    let lift = DesignOptions { lift: true, ..DesignOptions::default() };
    let found = d_optimal_design(&sparse, &lift, &Run::default()).unwrap();
    let lifted: Vec<f64> = written.chunks_exact(20).flat_map(|r| r.iter().copied().chain([1.0])).collect();
    assert!(found.status == Status::Solved && gap(&lifted, 21, &found.values) <= 1.01e-8);
}

#[test]
fn designs_of_polynomials_are_the_known_ones() {
    // Fejér's points: ±1 and the zeros of P′ₖ, all of the same weight.
    let grids: [(usize, &[f64]); 3] = [
        (2, &[-1.0, 0.0, 1.0]),
        (3, &[-1.0, -0.447_213_595_499_957_9, 0.447_213_595_499_957_9, 1.0]),
        (1, &[-1.0, 1.0]),
    ];
    for (degree, support) in grids {
        let mut points: Vec<f64> = (0..=400).map(|k| -1.0 + f64::from(k) / 200.0).collect();
        points.extend(support.iter().filter(|x| x.abs() > 0.1 && x.abs() < 0.9));
        let rows: Vec<f64> = points.iter().flat_map(|x| (0..=degree).map(|k| x.powi(k as i32))).collect();
        let found = design(&rows, degree + 1);
        assert_eq!(found.status, Status::Solved);
        assert!(gap(&rows, degree + 1, &found.values) <= 1.01e-8);
        for s in support {
            let near: f64 =
                points.iter().zip(&found.values).filter(|(x, _)| (*x - s).abs() < 0.02).map(|(_, w)| w).sum();
            assert!((near - 1.0 / support.len() as f64).abs() < 1e-4, "degree {degree} at {s}: {near}");
        }
    }
}

#[test]
fn the_ellipsoid_around_a_simplex_or_a_cube_is_the_ball_around_it() {
    // Vertices of a simplex and points inside it: 1/(d + 1) each, log det of the lifted design in closed form.
    let d = 4;
    let mut points: Vec<f64> = (0..d * d).map(|k| f64::from(u8::from(k / d == k % d))).collect();
    points.extend([0.0; 4]);
    let mut stream = Stream::new(4, "inside");
    for _ in 0..50 {
        let shares = stream.uniforms(d + 1);
        let total: f64 = shares.iter().sum();
        points.extend(shares[..d].iter().map(|s| s / total));
    }
    let options = DesignOptions { lift: true, ..DesignOptions::default() };
    let found = d_optimal_design(&DenseRows::new(&points, d).unwrap(), &options, &Run::default()).unwrap();
    assert!(found.status == Status::Solved && found.support == d + 1);
    close(&found.values[..d + 1], &[0.2; 5], 1e-6);
    // det of Σ (1/5)(a, 1)(a, 1)ᵀ = (1/5)^5·det[a 1]² = 5^−5.
    assert!((found.log_det.unwrap() + 5.0 * 5f64.ln()).abs() < 1e-8);
    // ±1 corners of a cube, all 2^5: any balanced design; M = I at the best, so log det is 0.
    let corners: Vec<f64> =
        (0..32).flat_map(|k| (0..5).map(move |j| if k >> j & 1 == 1 { 1.0 } else { -1.0 })).collect();
    let found = design(&corners, 5);
    assert!(found.log_det.unwrap().abs() < 1e-8 && found.gap <= 1e-8);
}

#[test]
fn along_axes_the_longest_row_has_all_the_weight() {
    let rows = [3.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.0, 2.0, 0.0, -1.9, 0.0, 0.0];
    let found = design(&rows, 2);
    close(&found.values, &[0.5, 0.0, 0.0, 0.5, 0.0, 0.0], 1e-6);
    assert_eq!(found.support, 2);
    assert!((found.log_det.unwrap() - (1.5f64 * 3.0 * 0.5 * 4.0).ln()).abs() < 1e-8);
}

#[test]
fn designs_are_certified_on_all_rows_by_other_code() {
    let d = 6;
    let on_sphere = {
        let mut a = Stream::new(21, "sphere").normals(400 * d);
        for row in a.chunks_exact_mut(d) {
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter_mut().for_each(|v| *v /= norm);
        }
        a
    };
    let few_words: Vec<f64> =
        Stream::new(5, "words").uniforms(500 * d).iter().map(|u| (3.0 * u).floor() - 1.0).collect();
    for (name, a) in [
        ("normal", Stream::new(3, "design").normals(500 * d)),
        ("heavy", heavy(500, d)),
        ("sphere", on_sphere),
        ("three values", few_words),
        ("condition 1e4", matrix_with_condition(300, d, 1e4, 7)),
    ] {
        let found = design(&a, d);
        assert_eq!(found.status, Status::Solved, "{name}: {}", found.gap);
        let said = gap(&a, d, &found.values);
        assert!(found.gap <= 1e-8 && (said - found.gap).abs() < 1e-9, "{name}: {said} {}", found.gap);
        assert!(found.iterations <= 60, "{name}: {}", found.iterations);
    }
}

#[test]
fn a_wanted_gap_is_met_and_a_run_cut_short_says_how_far_it_came() {
    let a = Stream::new(3, "design").normals(400 * 5);
    let source = DenseRows::new(&a, 5).unwrap();
    let at = |gap: f64, max_iterations: u32| {
        d_optimal_design(&source, &DesignOptions { gap, max_iterations, lift: false }, &Run::default()).unwrap()
    };
    for wanted in [1.0, 1e-2, 1e-5, 1e-10] {
        let found = at(wanted, 200);
        assert!(found.status == Status::Solved && gap(&a, 5, &found.values) <= wanted * 1.01);
    }
    for most in [0, 3, 24] {
        let found = at(1e-10, most);
        assert_eq!(found.status, Status::IterationLimit);
        assert!((gap(&a, 5, &found.values) - found.gap).abs() < 1e-9 && found.gap > 1e-10);
    }
    let options = LewisOptions { max_iterations: 2, ..LewisOptions::default() };
    let short = lewis_weights(&source, 6.0, &options, &Run::default()).unwrap();
    assert!(short.status == Status::IterationLimit && short.residual > 1e-8 && short.residual < 1.0);
}

#[test]
fn passes_stay_within_what_was_measured() {
    for (name, a, d, most) in [
        ("normal", Stream::new(1, "passes").normals(2000 * 20), 20, 20),
        ("condition 1e6", matrix_with_condition(2000, 20, 1e6, 1), 20, 40),
        ("heavy", heavy(2000, 20), 20, 40),
    ] {
        for p in [1.0, 3.0, 4.0, 8.0] {
            let found = lewis(&a, d, p);
            assert_eq!(found.status, Status::Solved, "{name}, p = {p}: {:.1e}", found.residual);

            assert!(found.passes <= most, "{name}, p = {p}: {}", found.passes);
        }
        let found = lewis(&a, d, 32.0);
        println!("{name} p = 32: {} passes, residual {:.1e}, {:?}", found.passes, found.residual, found.status);
        assert!(found.status == Status::Solved || !found.warnings.is_empty());
        let found = design(&a, d);
        println!(
            "{name}: {} iterations, {} passes, {} products, gap {:.1e}",
            found.iterations, found.passes, found.products, found.gap
        );
        assert!(found.status == Status::Solved && found.iterations <= 45, "{name}: {}", found.iterations);
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let a = heavy(3000, 6);
    let source = DenseRows::new(&a, 6).unwrap().in_blocks_of(64);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        let weights = lewis_weights(&source, 5.0, &LewisOptions::default(), &run).unwrap().values;
        let design = d_optimal_design(&source, &DesignOptions::default(), &run).unwrap().values;
        weights.iter().chain(&design).map(|w| w.to_bits()).collect::<Vec<_>>()
    };
    let one = with(1);
    assert!(one == with(2) && one == with(5));
}

#[test]
fn a_stopped_run_gives_the_best_so_far_and_says_so() {
    let a = Stream::new(3, "stop").normals(300 * 5);
    let source = DenseRows::new(&a, 5).unwrap();
    let (stop, steps) = (AtomicBool::new(false), AtomicU32::new(0));
    let observe = |event: Event<'_>| {
        if matches!(event, Event::Step(_)) && steps.fetch_add(1, Ordering::Relaxed) == 3 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let run = Run { stop: Some(&stop), observe: Some(&observe), pool: None };
    let found = lewis_weights(&source, 8.0, &LewisOptions::default(), &run).unwrap();
    assert!(found.status == Status::Interrupted && found.residual < 1.0 && found.values.len() == 300);
    stop.store(false, Ordering::Relaxed);
    steps.store(0, Ordering::Relaxed);
    let found = d_optimal_design(&source, &DesignOptions::default(), &run).unwrap();
    assert!(found.status == Status::Interrupted && (gap(&a, 5, &found.values) - found.gap).abs() < 1e-9);
    let first = lewis_weights(&source, 8.0, &LewisOptions::default(), &run);
    assert!(matches!(first.unwrap_err().kind(), ErrorKind::Interrupted));
}

#[test]
fn what_cannot_be_answered_is_refused_by_name() {
    let a = Stream::new(3, "bad").normals(20 * 3);
    let source = DenseRows::new(&a, 3).unwrap();
    let message = |result: Result<LewisWeights>| result.unwrap_err().to_string();
    let at = |p: f64| message(lewis_weights(&source, p, &LewisOptions::default(), &Run::default()));
    for p in [0.0, -1.0, f64::NAN] {
        assert!(at(p).starts_with("p: found"), "{}", at(p));
    }
    assert!(at(f64::INFINITY).contains("D-optimal"));
    let options = LewisOptions { tolerance: 0.0, ..LewisOptions::default() };
    assert!(message(lewis_weights(&source, 1.0, &options, &Run::default())).starts_with("tol: found 0"));
    for gap in [0.0, -1.0, f64::NAN] {
        let options = DesignOptions { gap, ..DesignOptions::default() };
        let error = d_optimal_design(&source, &options, &Run::default()).unwrap_err();
        assert!(error.to_string().starts_with("gap: found"), "{error}");
    }
    let mut broken = a.clone();
    broken[7] = f64::NAN;
    let zeros = [0.0; 12];
    let mut small = a.clone();
    small[..3].iter_mut().for_each(|v| *v *= 1e-170);
    for (rows, kind) in [(&broken[..], "not_finite"), (&zeros[..], "rank_deficient"), (&small[..], "numerical")] {
        let source = DenseRows::new(rows, 3).unwrap();
        let error = lewis_weights(&source, 1.0, &LewisOptions::default(), &Run::default()).unwrap_err();
        assert_eq!(error.kind().name(), kind);
        let error = d_optimal_design(&source, &DesignOptions::default(), &Run::default()).unwrap_err();
        assert_eq!(error.kind().name(), kind);
    }
}
