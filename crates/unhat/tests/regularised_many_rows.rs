//! The inversion with a regulariser where rows are many or sparse: coresets, exact products, and the search on a coreset.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;
#[path = "common/regularised.rs"]
mod problems;

use problems::{case_of, objectives, solve, solve_in};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use unhat::barrier::Barrier;
use unhat::invert::{
    Checkpoint, CurvatureMethod, Extent, MinimaSought, Proof, RegularisedOptions, SavedSolve, Start, StartReport,
    invert_regularised, invert_regularised_from,
};
use unhat::rows::{CsrRows, DenseRows};
use unhat::solve::{State, Status};
use unhat::{Event, Result, Run};
use unhat_testkit::close::{assert_all_close, assert_close};
use unhat_testkit::generate::{Stream, random_csr, random_polytope};
use unhat_testkit::known::MinimaCase;

/// ‖A_x(y − x)‖∞.
fn slack_change(case: &MinimaCase, x: &[f64], y: &[f64]) -> f64 {
    let product = |a: &[f64], v: &[f64]| a.iter().zip(v).map(|(a, v)| a * v).sum::<f64>();
    let rows = case.a.chunks(case.d).zip(&case.b);
    rows.map(|(a, b)| ((product(a, y) - product(a, x)) / (product(a, x) - b)).abs()).fold(0.0, f64::max)
}

/// One descent from the same start by tensors of all rows, by exact products, and by coresets.
#[test]
fn a_single_descent_on_many_rows_ends_in_the_same_minimum_by_every_solver() {
    for (depth, w) in [(0.9, 1e-3), (0.9, 0.1), (0.99, 1.0), (0.5, 30.0)] {
        let case = case_of(random_polytope(3000, 12, depth, 8, None), w);
        let with = |curvature| {
            let first = MinimaSought::First;
            let options =
                RegularisedOptions { curvature, minima: first, tolerance: 1e-10, ..RegularisedOptions::default() };
            solve(&case, &options).unwrap()
        };
        let exact = with(Some(CurvatureMethod::Tensors));
        for method in [CurvatureMethod::Products, CurvatureMethod::Coreset] {
            let found = with(Some(method));
            assert_eq!((found.status, found.search, found.method), (Status::Solved, Extent::None, method));
            assert_close(found.objective, exact.objective, 1e-10);
            let change = slack_change(&case, &exact.x, &found.x);
            assert!(change < 1e-8, "{method:?} {depth} {w}: {change:e}");
            let strictness = found.strictness.unwrap();
            assert!(found.minima[0].strict && strictness.least > 0.0, "{strictness:?}");
            assert!(found.certificate.is_none());
        }
    }
}

/// Rows with three entries: conjugate gradients are chosen, and lead to where tensors lead.
#[test]
fn sparse_rows_take_conjugate_gradients() {
    let (n, d) = (3000, 24);
    let csr = random_csr(n, d, 3, 5);
    let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d).unwrap();
    let mut stream = Stream::new(5, "cell");
    let b: Vec<f64> = stream.uniforms(n).iter().map(|u| -(0.5 + u)).collect();
    let hidden: Vec<f64> = stream.normals(d).iter().map(|v| 0.05 * v).collect();
    let run = Run::default();
    let barrier = Barrier::around(&rows, &b, &hidden, &run).unwrap();
    let c = barrier.at(&hidden, false, &run).unwrap().unwrap().gradient;
    for w in [1e-2, 1.0, 20.0] {
        let with = |curvature| {
            let options =
                RegularisedOptions { curvature, minima: MinimaSought::First, ..RegularisedOptions::default() };
            invert_regularised(&rows, &b, &c, &vec![w; n], &Start::default(), &options, &run).unwrap()
        };
        let (chosen, exact) = (with(None), with(Some(CurvatureMethod::Tensors)));
        assert_eq!((chosen.method, chosen.status), (CurvatureMethod::Products, Status::Solved), "{}", chosen.reason);
        assert_close(chosen.objective, exact.objective, 1e-10);
        assert_all_close(&chosen.x, &exact.x, 1e-7);
        assert!(chosen.work < 140.0, "{} evaluations", chosen.work);
    }
}

/// The search on a coreset against 20 random starts that are solved in full, where there are several minima.
#[test]
fn the_search_on_many_rows_is_not_beaten_by_random_starts() {
    let mut several = 0;
    for (seed, (n, d, depth, w)) in [
        (2000, 10, 0.99, 20.0),
        (2000, 12, 0.9, 5.0),
        (3000, 10, 0.99, 20.0),
        (2000, 5, 0.99, 20.0),
        (2000, 5, 0.99, 20.0),
    ]
    .into_iter()
    .enumerate()
    {
        let case = case_of(random_polytope(n, d, depth, 4 + seed as u64, None), w);
        let options = RegularisedOptions { max_boxes: 0, random_starts: Some(0), ..RegularisedOptions::default() };
        let ours = solve(&case, &options).unwrap();
        let random = RegularisedOptions {
            random_starts: Some(20),
            stop_when_unique: false,
            search_flops: 0.0,
            seed: 11,
            ..options.clone()
        };
        let rival = solve(&case, &random).unwrap();
        several += usize::from(ours.minima.len().max(rival.minima.len()) > 1);
        assert_eq!(ours.search, Extent::Complete, "{:?}", ours.warnings);
        assert!(ours.objective <= rival.objective * (1.0 + 1e-9), "{}: {:?}", case.name, objectives(&rival));
    }
    assert!(several >= 3, "{several}");
}

/// Boxes whose coordinates are apart: 2ᵈ minima, the best one the sum of the best of each coordinate.
#[test]
fn the_best_of_two_to_the_d_minima_of_a_box_is_found() {
    for (d, seed) in [(3, 1), (6, 2), (6, 3), (8, 4)] {
        let mut stream = Stream::new(seed, "boxes");
        let (mut a, mut b, mut c, mut w) = (vec![0.0; 2 * d * d], Vec::new(), Vec::new(), Vec::new());
        let mut best = 0.0;
        for j in 0..d {
            (a[2 * j * d + j], a[(2 * j + 1) * d + j]) = (1.0, -1.0);
            let ends = [-1.0 - 0.1 * stream.uniform(), -1.0];
            let (target, weight) = (-50.0 + 10.0 * stream.uniform(), 19.0 + 4.0 * stream.uniform());
            let rows = DenseRows::new(&[1.0, -1.0], 1).unwrap();
            let (start, options) = (Start::default(), RegularisedOptions::default());
            let run = Run::default();
            let alone = invert_regularised(&rows, &ends, &[target], &[weight; 2], &start, &options, &run).unwrap();
            assert_ne!(alone.certificate.unwrap().kind, Proof::Local);
            best += alone.objective;
            b.extend(ends);
            c.push(target);
            w.extend([weight; 2]);
        }
        let case = MinimaCase { name: format!("box {d}"), d, a, b, c, w, complete: false, stationary: Vec::new() };
        let found = solve(&case, &RegularisedOptions { max_boxes: 0, ..RegularisedOptions::default() }).unwrap();
        assert!(found.objective <= best * (1.0 + 1e-9), "{d} {seed}: {} {best}", found.objective);
    }
}

/// Stopped after some steps and picked up from the last saved state: no descent is repeated, and the bits are those of a
/// run that was never stopped.
#[test]
fn a_search_that_was_stopped_goes_on_to_the_same_bits() {
    let case = case_of(random_polytope(2500, 6, 0.99, 1, None), 10.0);
    let rows = DenseRows::new(&case.a, case.d).unwrap();
    let options = RegularisedOptions { curvature: Some(CurvatureMethod::Coreset), max_boxes: 0, ..Default::default() };
    let (start, given) = (Start::default(), (&case.b[..], &case.c[..], &case.w[..]));
    let whole = solve_in(&case, &options, &Run::default()).unwrap();
    let (mut saved, mut rounds): (Option<SavedSolve>, u32) = (None, 0);
    let ended = loop {
        rounds += 1;
        let (stop, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
        let observe = |event: Event<'_>| {
            if let Event::Step(_) = event
                && seen.fetch_add(1, Ordering::Relaxed) + 1 >= 25
            {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let run = Run { stop: Some(&stop), observe: Some(&observe), pool: None };
        let resume = saved.clone();
        let mut save = |state: &State, positive: &[bool], start: &StartReport| -> Result<()> {
            saved = Some(SavedSolve { state: state.clone(), positive: positive.to_vec(), start: start.clone() });
            Ok(())
        };
        let checkpoint = Checkpoint { resume, save: &mut save };
        let found = invert_regularised_from(&rows, given, &start, &options, Some(checkpoint), &run).unwrap();
        if found.status == Status::Solved {
            break found;
        }
        assert_eq!(found.status, Status::Interrupted);
        assert!(rounds < 200);
    };
    assert!(rounds > 1, "never stopped");
    assert_eq!((&ended.x, objectives(&ended), ended.passes), (&whole.x, objectives(&whole), whole.passes));
    assert_eq!((ended.work, ended.coreset_work, ended.iterations), (whole.work, whole.coreset_work, whole.iterations));
}

#[test]
fn coresets_and_the_wells_on_them_do_not_depend_on_the_number_of_threads() {
    let case = case_of(random_polytope(4000, 10, 0.99, 1, None), 10.0);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        let options = RegularisedOptions { curvature: Some(CurvatureMethod::Coreset), ..RegularisedOptions::default() };
        solve_in(&case, &options, &run).unwrap()
    };
    let (one, three) = (with(1), with(3));
    assert!(one.coreset_work > 0.0);
    assert_eq!((&one.x, objectives(&one), one.work), (&three.x, objectives(&three), three.work));
}
