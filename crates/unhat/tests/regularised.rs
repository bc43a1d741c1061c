//! The inversion with a regulariser: all known minima are found and none is invented, and what is proven of them holds.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;
#[path = "common/regularised.rs"]
mod problems;

use problems::{case_of, objectives, solve, solve_in};
use std::sync::atomic::{AtomicBool, Ordering};
use unhat::barrier::Barrier;
use unhat::invert::{
    CurvatureMethod, FoldKind, Proof, RegularisedInversion, RegularisedOptions, Start, invert_regularised,
    regularised_objective,
};
use unhat::rows::DenseRows;
use unhat::solve::Status;
use unhat::{ErrorKind, Event, Run};
use unhat_testkit::Real;
use unhat_testkit::close::{assert_all_close, assert_close};
use unhat_testkit::generate::random_polytope;
use unhat_testkit::known::{MinimaCase, badly_scaled_case, minima_cases};
use unhat_testkit::regularised::Objective;

fn known(name: &str) -> MinimaCase {
    minima_cases().into_iter().find(|case| case.name == name).unwrap()
}

/// ∇L and ∇²L with 30 digits: within a relative slack change of 10⁻⁸ of a stationary point, and positive definite.
fn assert_not_invented(case: &MinimaCase, found: &RegularisedInversion) {
    for minimum in &found.minima {
        let exact = Objective::at(&case.a, &case.b, &case.c, &case.w, &minimum.x);
        let change = exact.newton_change();
        assert!(change < 1e-8, "{}: {:?} is {change:e} away from being stationary", case.name, minimum.x);
        assert!(minimum.strict && exact.is_minimum(), "{}: {:?} is no strict minimum", case.name, minimum.x);
        assert_close(minimum.objective, exact.value, 1e-9);
    }
}

/// Sturm counts, 40-digit polish and products of exact cases: every minimum on the list is found, with its value, the
/// best one is proven to be global, and where the list is complete nothing else is found.
#[test]
fn every_known_minimum_up_to_three_dimensions_is_found_and_the_best_proven() {
    for case in minima_cases().iter().filter(|case| case.d <= 3) {
        let found = solve(case, &RegularisedOptions::default()).unwrap();
        assert_eq!(found.status, Status::Solved);
        assert_not_invented(case, &found);
        let known = case.minima();
        for minimum in &known {
            let near = |value: &f64| (value - minimum.objective).abs() <= 1e-9 * minimum.objective;
            let values = objectives(&found);
            assert!(values.iter().any(near), "{}: {} is missing from {values:?}", case.name, minimum.objective);
        }
        if case.complete {
            assert_eq!(found.minima.len(), known.len(), "{}", case.name);
        }
        let certificate = found.certificate.unwrap();

        assert_ne!(certificate.kind, Proof::Local, "{}: {certificate:?}", case.name);
        // The distance to the exact minimum, by one Newton step with 30 digits, is within what was promised.
        let distance = Objective::at(&case.a, &case.b, &case.c, &case.w, &found.x).newton_change();
        let promised = certificate.slack_error.unwrap();
        assert!(distance <= promised && promised < 1e-9, "{}: {distance:e} of {promised:e}", case.name);
        assert_eq!(found.minima[0].within, None);
    }
}

#[test]
fn the_best_known_minimum_is_found_in_ten_dimensions() {
    for case in minima_cases().iter().filter(|case| case.d > 3) {
        let found = solve(case, &RegularisedOptions::default()).unwrap();
        assert_not_invented(case, &found);
        assert!(found.objective <= case.minima()[0].objective * (1.0 + 1e-9), "{}: {}", case.name, found.objective);
    }
}

/// Columns of size .007 to 18: flips and the curve in x alone end at 17692.84, the curve in (x, z, ν) lower.
#[test]
fn the_best_known_minimum_is_found_on_badly_scaled_columns() {
    let case = badly_scaled_case();
    let found = solve(&case, &RegularisedOptions::default()).unwrap();
    println!("{:?} {} {:?}", objectives(&found), found.work, found.warnings);
    assert_not_invented(&case, &found);
    assert!(found.objective <= 15043.2875, "{:?}", objectives(&found));
}

/// Four and five dimensions on request; a budget that is too small is said, and the answer stays local.
#[test]
fn branch_and_bound_goes_to_five_dimensions_on_request() {
    let ask = |max_boxes| RegularisedOptions { prove: true, max_boxes, ..RegularisedOptions::default() };
    for d in [4, 5] {
        let case = case_of(random_polytope(40, d, 0.5, 1, None), 1.0);
        let plain = solve(&case, &RegularisedOptions::default()).unwrap();
        let (proved, cut) = (solve(&case, &ask(200_000)).unwrap(), solve(&case, &ask(50)).unwrap());
        let kind = |found: &RegularisedInversion| found.certificate.unwrap().kind;
        println!("{d}: {:?}", proved.certificate);
        assert_eq!((kind(&plain), kind(&proved), kind(&cut)), (Proof::Local, Proof::Global, Proof::Local));
        assert!(cut.warnings.iter().any(|w| w.contains("50 boxes")), "{:?}", cut.warnings);
    }
}

/// ∇L and ∇²L are the differences of L and ∇L, taken with 30 digits.
#[test]
fn derivatives_of_the_objective_are_differences() {
    let case = case_of(random_polytope(30, 4, 0.8, 5, None), 3.0);
    let x = [0.1, -0.05, 0.2, 0.03];
    let rows = DenseRows::new(&case.a, case.d).unwrap();
    let run = Run::default();
    let barrier = Barrier::around(&rows, &case.b, &x, &run).unwrap();
    let found = regularised_objective(&barrier, &case.c, &case.w, &x, &run).unwrap().unwrap();
    let at = |x: &[f64]| Objective::at(&case.a, &case.b, &case.c, &case.w, x);
    assert_close(found.value, at(&x).value, 1e-12);
    let step = 1e-5; // truncation 10⁻¹⁰ relative to the third derivative, which is a hundredfold
    for k in 0..4 {
        let along = |side: f64| {
            let mut y = x;
            y[k] += side * step;
            at(&y)
        };
        let (plus, minus) = (along(1.0), along(-1.0));
        assert_close(found.gradient[k], (plus.value - minus.value) / (2.0 * step), 1e-6);
        let column: Vec<f64> = (0..4).map(|i| (plus.gradient[i] - minus.gradient[i]).to_f64() / (2.0 * step)).collect();
        assert_all_close(&found.hessian[4 * k..4 * (k + 1)], &column, 1e-6);
    }
}

/// D³V[h]k from products is D³V[h] times k, and D³V[h]k = D³V[k]h.
#[test]
fn products_with_the_third_derivative_agree_with_the_matrix() {
    let p = random_polytope(50, 5, 0.9, 2, None);
    let rows = DenseRows::new(&p.a, p.d).unwrap();
    let run = Run::default();
    let barrier = Barrier::around(&rows, &p.b, &p.hidden, &run).unwrap();
    let point = barrier.at(&p.hidden, false, &run).unwrap().unwrap();
    let (h, k) = ([1.0, -0.5, 0.3, 2.0, 0.1], [0.2, 0.7, -1.0, 0.4, 0.9]);
    let product = |h: &[f64], k: &[f64]| {
        let along = barrier.third_direction(&point, h, &run).unwrap();
        barrier.third_derivative_vec(&point, &along, k, &run).unwrap()
    };
    let matrix = barrier.third_derivative(&point, &h, &run).unwrap();
    let expected: Vec<f64> = (0..5).map(|i| (0..5).map(|j| matrix[i + 5 * j] * k[j]).sum()).collect();
    assert_all_close(&product(&h, &k), &expected, 1e-12);
    assert_all_close(&product(&h, &k), &product(&k, &h), 1e-12);
}

#[test]
fn products_lead_to_the_same_minima_as_tensors() {
    for (depth, w) in [(0.9, 1.0), (0.9, 10.0), (0.99, 100.0), (0.99, 0.01)] {
        let case = case_of(random_polytope(200, 10, depth, 3, None), w);
        let with = |curvature| {
            let options = RegularisedOptions { curvature: Some(curvature), ..RegularisedOptions::default() };
            solve(&case, &options).unwrap()
        };
        let (tensors, products) = (with(CurvatureMethod::Tensors), with(CurvatureMethod::Products));
        assert_not_invented(&case, &products);
        for minimum in &products.minima {
            let same = |value: &f64| (value - minimum.objective).abs() < 1e-9 * minimum.objective;
            assert!(objectives(&tensors).iter().any(same), "{depth} {w}: {} is new", minimum.objective);
        }
    }
}

/// w → 0: the solution of g(x) = c. w → ∞: the minimiser of the regulariser, here the origin.
#[test]
fn the_ends_of_the_weights_are_the_natural_starts() {
    let p = random_polytope(80, 4, 0.9, 9, None);
    let hidden = p.hidden.clone();
    let small = solve(&case_of(p.clone(), 1e-7), &RegularisedOptions::default()).unwrap();
    assert_all_close(&small.x, &hidden, 1e-9);
    assert_eq!(small.certificate.unwrap().kind, Proof::Unique);
    let large = solve(&case_of(p, 1e7), &RegularisedOptions::default()).unwrap();
    assert!(large.x.iter().all(|x| x.abs() < 1e-9), "{:?}", large.x);
    assert_eq!(large.certificate.unwrap().kind, Proof::Unique);
}

/// No random start ends below a value that was proven to be the least, and no minimum lies in the box of a higher one.
#[test]
fn certificates_are_not_contradicted_by_random_starts() {
    let proof = RegularisedOptions { random_starts: Some(0), max_boxes: 10_000, ..RegularisedOptions::default() };
    let challenge =
        RegularisedOptions { random_starts: Some(20), stop_when_unique: false, max_boxes: 0, seed: 7, ..proof.clone() };
    let mut proven = 0;
    for (seed, (depth, w)) in [(0.5, 1.0), (0.9, 0.1), (0.9, 10.0), (0.99, 30.0), (0.99, 300.0)].into_iter().enumerate()
    {
        for (n, d) in [(30, 2), (60, 4), (100, 7)] {
            let case = case_of(random_polytope(n, d, depth, seed as u64, None), w);
            let (proved, found) = (solve(&case, &proof).unwrap(), solve(&case, &challenge).unwrap());
            let certificate = proved.certificate.unwrap();
            if certificate.kind != Proof::Local {
                proven += 1;
                assert!(found.objective >= proved.objective * (1.0 - 1e-8), "{}: {certificate:?}", case.name);
            }
            for m in &found.minima {
                for lower in found.minima.iter().filter(|o| o.objective < m.objective * (1.0 - 1e-8)) {
                    let change = slack_change(&case, &m.x, &lower.x);
                    assert!(m.within.is_some_and(|r| change > r), "{}: {change} within {:?}", case.name, m.within);
                }
            }
        }
    }
    assert!(proven >= 7, "{proven} of 15 proven");
}

/// ‖A_x(y − x)‖∞.
fn slack_change(case: &MinimaCase, x: &[f64], y: &[f64]) -> f64 {
    let product = |a: &[f64], v: &[f64]| a.iter().zip(v).map(|(a, v)| a * v).sum::<f64>();
    let rows = case.a.chunks(case.d).zip(&case.b);
    rows.map(|(a, b)| ((product(a, y) - product(a, x)) / (product(a, x) - b)).abs()).fold(0.0, f64::max)
}

/// On the segment with c = −50 both wells exist for w between the two folds, which are the double roots of F.
#[test]
fn folds_are_where_minima_are_born_and_die() {
    let at = |w: f64| {
        let mut case = known("segment c=-50 w=20");
        case.w = vec![w; 2];
        solve(&case, &RegularisedOptions { stop_when_unique: false, ..RegularisedOptions::default() }).unwrap()
    };
    let found = at(20.0);
    assert_eq!(found.folds.len(), 2, "{:?}", found.folds);
    for fold in &found.folds {
        let (w, index) = (20.0 * fold.weight_scale, fold.index);
        assert_eq!(index, 0);
        let (before, after) = (at(0.99 * w).minima.len(), at(1.01 * w).minima.len());
        let expected = if fold.direction == FoldKind::Born { (1, 2) } else { (2, 1) };
        assert_eq!((before, after), expected, "fold at w = {w}");
    }
}

/// A cone: c has no solution in it, but the regulariser holds the minimiser back.
#[test]
fn unbounded_cells_are_searched_from_the_regulariser() {
    let a = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let case = MinimaCase {
        name: "cone".into(),
        d: 2,
        a: a.to_vec(),
        b: vec![-1.0; 3],
        c: vec![3.0, 2.0],
        w: vec![0.5; 3],
        complete: false,
        stationary: Vec::new(),
    };
    let found = solve(&case, &RegularisedOptions::default()).unwrap();
    assert_not_invented(&case, &found);
    assert!(found.warnings.iter().any(|w| w.contains("unbounded")), "{:?}", found.warnings);
    assert_ne!(found.certificate.unwrap().kind, Proof::Local);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let case = case_of(random_polytope(3000, 6, 0.9, 1, None), 10.0);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        solve_in(&case, &RegularisedOptions { random_starts: Some(3), ..RegularisedOptions::default() }, &run).unwrap()
    };
    let (one, two) = (with(1), with(2));
    assert_eq!((one.x, objectives(&two), one.work), (two.x.clone(), objectives(&two), two.work));
}

#[test]
fn an_interrupted_search_gives_the_best_so_far() {
    let case = known("random 60,3 depth 0.99 w 50.0 seed 5");
    for steps in [1, 10, 100] {
        let stop = AtomicBool::new(false);
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let observe = |event: Event<'_>| {
            if let Event::Step(_) = event
                && seen.fetch_add(1, Ordering::Relaxed) + 1 >= steps
            {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let run = Run { stop: Some(&stop), observe: Some(&observe), pool: None };
        match solve_in(&case, &RegularisedOptions::default(), &run) {
            Ok(found) => {
                assert_eq!(found.status, Status::Interrupted);
                let least = found.minima.first().map_or(f64::INFINITY, |m| m.objective);
                assert!(found.objective <= least && found.certificate.is_none());
            }
            // stopped before L was evaluated anywhere
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Interrupted) && steps < 100, "{error}"),
        }
    }
}

#[test]
fn unusable_weights_are_named() {
    let case = known("segment c=-50 w=20");
    let with = |w: Vec<f64>| solve(&MinimaCase { w, ..case.clone() }, &RegularisedOptions::default()).unwrap_err();
    assert_eq!(with(vec![1.0, -2.0]).to_string(), "weights: row 2: found -2, expected a number that is not negative");
    assert_eq!(with(vec![1.0, f64::NAN]).kind().name(), "not_finite");
    assert_eq!(with(vec![1.0; 3]).kind().name(), "shape");
    assert_eq!(with(vec![0.0; 2]).kind().name(), "option");
}

#[test]
fn the_diagonal_form_converges_where_the_regulariser_dominates_and_is_refused_elsewhere() {
    use unhat::invert::{RegularisedOptions, invert_diagonal};
    let p = unhat_testkit::generate::random_polytope(200, 6, 0.7, 3, None);
    let rows = DenseRows::new(&p.a, 6).unwrap();
    let run = Run::default();
    let barrier = unhat::barrier::Barrier::around(&rows, &p.b, &p.hidden, &run).unwrap();
    let target = barrier.at(&p.hidden, false, &run).unwrap().unwrap().gradient;
    let start = Start { point: Some(&p.inside), ..Start::default() };
    let options = RegularisedOptions::default();
    let heavy = [20.0; 200];
    let diagonal = invert_diagonal(&rows, &p.b, &target, &heavy, &start, &options, &run).unwrap();
    assert_eq!(diagonal.status, Status::Solved);
    let best = invert_regularised(&rows, &p.b, &target, &heavy, &start, &options, &run).unwrap();
    let scale = best.x.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
    assert!(diagonal.x.iter().zip(&best.x).all(|(d, b)| (d - b).abs() < 1e-8 * scale), "{:?}", diagonal.ratio);
    let refused = invert_diagonal(&rows, &p.b, &target, &[0.5; 200], &start, &options, &run).unwrap_err();
    assert!(refused.to_string().contains("lie in"), "{refused}");
}
