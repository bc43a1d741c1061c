//! The way back: hidden points recovered, closed forms met, and honest ends where nothing can be found.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;

use common::{SOLVERS, centre, gradient_at, invert};
use unhat::barrier::Side;
use unhat::invert::{Solver, Start};
use unhat::rows::DenseRows;
use unhat::solve::Status;
use unhat::{ErrorKind, Run};
use unhat_testkit::close::{assert_all_close, assert_close, assert_within};
use unhat_testkit::closed_form::{birkhoff_centre, box_gradient, box_point, repeated_facet_centre, simplex_centre};
use unhat_testkit::generate::{Stream, birkhoff, cube, cube_with_repeated_facet, random_polytope, regression, simplex};
use unhat_testkit::known::volumetric_centres;

fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    norm(&found.iter().zip(expected).map(|(f, e)| f - e).collect::<Vec<_>>()) / norm(expected)
}

#[test]
fn hidden_points_of_translated_polytopes_are_recovered_by_every_solver() {
    for (n, d, seeds) in [(200, 10, 20), (1000, 20, 4), (2000, 50, 1)] {
        for depth in [0.5, 0.9, 0.99, 0.999] {
            for seed in 0..seeds {
                let p = random_polytope(n, d, depth, seed, Some(3.0));
                let target = gradient_at(&DenseRows::new(&p.a, d).unwrap(), &p.b, &p.hidden);
                for solver in SOLVERS {
                    let found = invert(&p.a, d, &p.b, &target, &Start::default(), solver).unwrap();
                    let error = relative_error(&found.x, &p.hidden);
                    assert!(error <= 1e-10, "({n},{d}) depth {depth} seed {seed} {solver:?}: {error:e}");
                    assert_eq!(found.status, Status::Solved);
                    assert!(
                        found.passes <= 25,
                        "({n},{d}) depth {depth} seed {seed} {solver:?}: {} passes",
                        found.passes
                    );
                    assert!(found.certificate.is_some());
                    assert_eq!(found.start.kind.name(), "phase_one");
                }
            }
        }
    }
}

#[test]
fn parameters_of_a_regression_come_back_from_its_signs() {
    for seed in 0..10 {
        let p = regression(300, 6, seed);
        let target = gradient_at(&DenseRows::new(&p.a, p.d).unwrap(), &p.b, &p.x);
        let residual = p.a.chunks(p.d).zip(&p.b).map(|(a, b)| a.iter().zip(&p.x).map(|(a, x)| a * x).sum::<f64>() - b);
        let signs: Vec<f64> = residual.map(f64::signum).collect();
        for solver in SOLVERS {
            let start = Start { signs: Some(&signs), ..Start::default() };
            let found = invert(&p.a, p.d, &p.b, &target, &start, solver).unwrap();
            assert_eq!(found.status, Status::Solved);
            assert!(relative_error(&found.x, &p.x) < 1e-10);
        }
    }
}

#[test]
fn volumetric_centres_known_to_twenty_digits() {
    for case in volumetric_centres() {
        for solver in SOLVERS {
            let found = centre(&case.a, case.d, &case.b, &Start::default(), solver).unwrap();
            assert_eq!(found.status, Status::Solved);
            for (f, e) in found.x.iter().zip(&case.centre) {
                assert_within(*f, *e, 1e-8 * e.abs().max(1.0));
            }
            assert_close(found.point.value, case.value, 1e-10);
        }
    }
}

#[test]
fn centres_with_closed_forms() {
    let off_centre = cube(6).towards_boundary(0.95, 4);
    let start = Start { point: Some(&off_centre), ..Start::default() };
    for solver in SOLVERS {
        let p = cube(6);
        assert_all_close(&centre(&p.a, 6, &p.b, &start, solver).unwrap().x, &[0.0; 6], 1e-12);
        let p = simplex(5);
        assert_all_close(&centre(&p.a, 5, &p.b, &Start::default(), solver).unwrap().x, &[simplex_centre(5); 5], 1e-11);
        let p = birkhoff(5, 0.9, 1);
        let found = centre(&p.a, 16, &p.b, &Start::default(), solver).unwrap();
        assert_all_close(&found.x, &[birkhoff_centre(5); 16], 1e-11);
    }
}

#[test]
fn repeated_facet_moves_the_centre_by_the_cube_root() {
    for k in [1, 8, 1_000, 1_000_000] {
        let p = cube_with_repeated_facet(5, k);
        let expected = repeated_facet_centre(k);
        for solver in if k > 1000 { vec![Solver::Cg] } else { SOLVERS.to_vec() } {
            let found = centre(&p.a, 5, &p.b, &Start::default(), solver).unwrap();
            assert_eq!(found.status, Status::Solved);
            assert_within(found.x[0], expected, 1e-11);
            assert!(found.x[1..].iter().all(|x| x.abs() < 1e-11));
            assert!((found.x[0] - expected).abs() <= found.certificate.unwrap().euclidean);
        }
    }
}

#[test]
fn the_box_is_inverted_to_the_rounding_of_its_slack() {
    // g(t) = t(3 + t²)/(1 − t⁴) in each coordinate; c is rounded, which moves 1 − |t| by a few ulps of c.
    let p = cube(4);
    for scale in [1e-3, 0.1, 1.0, 10.0, 1e3, 1e6] {
        let targets: Vec<f64> = [0.3, -0.7, 1.0, -0.05].map(|k| k * scale).to_vec();
        for solver in SOLVERS {
            let found = invert(&p.a, 4, &p.b, &targets, &Start::default(), solver).unwrap();
            assert_eq!(found.status, Status::Solved, "scale {scale}");
            for (x, c) in found.x.iter().zip(&targets) {
                let exact = box_point(*c);
                let slack = 1.0 - exact.abs();
                let error = (x - exact).abs() / slack;
                assert!(error <= 1e-12 + 4.0 * f64::EPSILON / slack, "c = {c}: relative slack error {error:e}");
            }
        }
    }
    assert_close(box_gradient(0.5), 0.5 * 3.25 / (1.0 - 0.0625), 1e-15);
}

#[test]
fn a_thousand_box_targets_as_near_to_a_facet_as_a_billionth() {
    const COORDINATES: usize = 20;
    let p = cube(COORDINATES);
    let mut stream = Stream::new(5, "box targets");
    for _ in 0..50 {
        // |t| = 1 − 10⁻ᵘ, u uniform up to 9
        let points = stream.uniforms(2 * COORDINATES);
        let point =
            |k: usize| (1.0 - 10f64.powf(-9.0 * points[2 * k])) * if points[2 * k + 1] < 0.5 { -1.0 } else { 1.0 };
        let targets: Vec<f64> = (0..COORDINATES).map(|k| box_gradient(point(k))).collect();
        let found = invert(&p.a, COORDINATES, &p.b, &targets, &Start::default(), Solver::Auto).unwrap();
        assert_eq!(found.status, Status::Solved);
        for (x, c) in found.x.iter().zip(&targets) {
            let exact = box_point(*c);
            let slack = 1.0 - exact.abs();
            let error = (x - exact).abs() / slack;
            assert!(
                error <= 1e-12 + f64::EPSILON / slack,
                "c = {c}: relative slack error {error:e} at slack {slack:e}"
            );
        }
    }
}

#[test]
fn a_long_box_is_centred_where_an_absolute_tolerance_fails() {
    let (a, b) = ([1.0, -1.0], [-0.5, -1e6]); // −0.5 < x < 10⁶
    let found = centre(&a, 1, &b, &Start::default(), Solver::Cg).unwrap();
    assert_close(found.x[0], 499_999.75, 1e-12);
}

#[test]
fn the_answer_does_not_change_when_the_problem_is_scaled() {
    let p = random_polytope(120, 4, 0.9, 3, None);
    let target = gradient_at(&DenseRows::new(&p.a, 4).unwrap(), &p.b, &p.hidden);
    for scale in [1e-8, 1e8] {
        // x' = x·scale: A stays, b' = b·scale, g' = g/scale.
        let b: Vec<f64> = p.b.iter().map(|b| b * scale).collect();
        let c: Vec<f64> = target.iter().map(|c| c / scale).collect();
        let found = invert(&p.a, 4, &b, &c, &Start::default(), Solver::Cg).unwrap();
        let expected: Vec<f64> = p.hidden.iter().map(|x| x * scale).collect();
        assert!(relative_error(&found.x, &expected) < 1e-11);
    }
}

#[test]
fn the_upper_side_is_the_mirrored_problem() {
    let p = random_polytope(60, 3, 0.8, 1, None);
    let target = gradient_at(&DenseRows::new(&p.a, 3).unwrap(), &p.b, &p.hidden);
    let (a, b): (Vec<f64>, Vec<f64>) = (p.a.iter().map(|v| -v).collect(), p.b.iter().map(|v| -v).collect());
    let upper = Start { side: Some(Side::Below), ..Start::default() };
    let found = invert(&a, 3, &b, &target, &upper, Solver::Cg).unwrap();
    assert!(relative_error(&found.x, &p.hidden) < 1e-11);
}

#[test]
fn a_start_at_the_answer_takes_at_most_one_step() {
    let p = random_polytope(100, 5, 0.9, 2, None);
    let target = gradient_at(&DenseRows::new(&p.a, 5).unwrap(), &p.b, &p.hidden);
    let start = Start { point: Some(&p.hidden), ..Start::default() };
    for solver in SOLVERS {
        let found = invert(&p.a, 5, &p.b, &target, &start, solver).unwrap();
        assert!(found.iterations <= 1, "{solver:?}: {} steps", found.iterations);
    }
}

#[test]
fn unattainable_targets_are_proven() {
    // A half-space and a strip: the centre does not exist; nor does c that points along the recession cone.
    let half_space = ([1.0, 0.0, 0.0, 1.0], [0.0, 0.0]); // x > 0, y > 0
    let strip = ([1.0, 0.0, -1.0, 0.0, 0.0, 1.0], [-1.0, -1.0, -1.0]); // −1 < x < 1, y > −1
    for (a, b, c) in [
        (&half_space.0[..], &half_space.1[..], [0.0, 0.0]),
        (&half_space.0, &half_space.1, [-1.0, 0.5]),
        (&strip.0, &strip.1, [0.2, 0.0]),
        (&strip.0, &strip.1, [5.0, 3.0]),
    ] {
        for solver in SOLVERS {
            let start = Start { point: Some(&[0.3, 0.2]), ..Start::default() };
            let error = invert(a, 2, b, &c, &start, solver).unwrap_err();
            let ErrorKind::Unattainable { direction, slope } = error.kind() else { panic!("{error}") };
            assert!(a.chunks(2).all(|row| row[0] * direction[0] + row[1] * direction[1] >= -1e-12), "{direction:?}");
            assert!(*slope >= 0.0);
            assert_within(c[0] * direction[0] + c[1] * direction[1], *slope, 1e-12);
        }
    }
    // Attainable ones in the same cells are found.
    let start = Start { point: Some(&[0.3, 0.2]), ..Start::default() };
    let found = invert(&half_space.0, 2, &half_space.1, &[-2.0, -0.001], &start, Solver::Cg).unwrap();
    assert_all_close(&found.x, &[0.5, 1000.0], 1e-10); // σ = 1 each: gᵢ = −1/xᵢ
}

#[test]
fn empty_cells_name_the_rows_that_prove_it() {
    // x > 1, x < 0, and rows that have nothing to do with it.
    let (a, b) = ([1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0], [1.0, -5.0, 0.0, -5.0]);
    let error = centre(&a, 2, &b, &Start::default(), Solver::Cg).unwrap_err();
    let ErrorKind::Empty { rows, multipliers, gap } = error.kind() else { panic!("{error}") };
    assert_eq!(rows, &[0, 2]);
    let combined: f64 = rows.iter().zip(multipliers).map(|(&i, y)| y * a[2 * i]).sum();
    let bound: f64 = rows.iter().zip(multipliers).map(|(&i, y)| y * b[i]).sum();
    assert_within(combined, 0.0, 1e-8);
    assert!(*gap > 0.0 && bound > 0.0);
}

#[test]
fn implicit_equalities_are_named() {
    // x + y ≥ 1 and x + y ≤ 1 inside a box.
    let a = [1.0, 1.0, -1.0, -1.0, 1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0];
    let b = [1.0, -1.0, -3.0, -3.0, -3.0, -3.0];
    let error = centre(&a, 2, &b, &Start::default(), Solver::Cg).unwrap_err();
    let ErrorKind::NoInterior { rows } = error.kind() else { panic!("{error}") };
    assert_eq!(rows, &[0, 1]);
}

#[test]
fn wrong_starts_and_dependent_columns_are_refused() {
    let p = random_polytope(40, 3, 0.5, 1, None);
    let refused = |start: Start<'_>| centre(&p.a, 3, &p.b, &start, Solver::Cg).unwrap_err();
    let outside = [100.0, 0.0, 0.0];
    let side = Start { point: Some(&outside), side: Some(Side::Above), ..Start::default() };
    assert!(matches!(refused(side).kind(), ErrorKind::OutsideCell { .. }));
    let both = Start { point: Some(&p.hidden), signs: Some(&[1.0; 40]), ..Start::default() };
    assert!(matches!(refused(both).kind(), ErrorKind::Option { .. }));
    let zeros = Start { signs: Some(&[0.0; 40]), ..Start::default() };
    assert!(matches!(refused(zeros).kind(), ErrorKind::Option { .. }));
    let square = ([1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0], [-1.0; 4]);
    let facet = Start { point: Some(&[1.0, 0.0]), ..Start::default() };
    let error = centre(&square.0, 2, &square.1, &facet, Solver::Cg).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ZeroSlack { row: 1 }), "{error}");
    let twice: Vec<f64> = p.a.chunks(3).flat_map(|r| [r[0], r[1], r[0]]).collect();
    let error = centre(&twice, 3, &p.b, &Start::default(), Solver::Cg).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RankDeficient { rank: 2, columns: 3 }), "{error}");
    let mut broken = p.a.clone();
    broken[7] = f64::NAN;
    let error = centre(&broken, 3, &p.b, &Start::default(), Solver::Cg).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFinite { row: 2, column: Some(1), .. }), "{error}");
}

#[test]
fn running_out_of_steps_and_being_stopped_are_statuses() {
    use std::sync::atomic::AtomicBool;
    use unhat::invert::{InvertOptions, invert_gradient};
    let p = random_polytope(200, 10, 0.999, 1, None);
    let rows = DenseRows::new(&p.a, 10).unwrap();
    let target = gradient_at(&rows, &p.b, &p.hidden);
    let few = InvertOptions { max_iterations: 2, solver: Solver::Cg, ..InvertOptions::default() };
    let found = invert_gradient(&rows, &p.b, &target, &Start::default(), &few, None, &Run::default()).unwrap();
    assert_eq!((found.status, found.iterations), (Status::IterationLimit, 2));
    assert!(p.slack(&found.x).iter().all(|s| *s > 0.0));
    let stop = AtomicBool::new(false);
    let observe = |event: unhat::Event<'_>| {
        if let unhat::Event::Step(step) = event
            && step.iteration == 3
        {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let run = Run { stop: Some(&stop), observe: Some(&observe), ..Run::default() };
    let options = InvertOptions { solver: Solver::Cg, ..InvertOptions::default() };
    let found = invert_gradient(&rows, &p.b, &target, &Start::default(), &options, None, &run).unwrap();
    assert_eq!((found.status, found.iterations), (Status::Interrupted, 3));
}

#[test]
fn sketched_first_evaluations_lead_to_the_same_answer() {
    use unhat::invert::{InvertOptions, ScoreSource, invert_gradient};
    for seed in 0..4 {
        let p = random_polytope(3000, 40, 0.99, seed, Some(2.0));
        let rows = DenseRows::new(&p.a, 40).unwrap();
        let target = gradient_at(&rows, &p.b, &p.hidden);
        for solver in SOLVERS {
            let options = InvertOptions { solver, scores: ScoreSource::Sketched, seed, ..InvertOptions::default() };
            let found =
                invert_gradient(&rows, &p.b, &target, &Start::default(), &options, None, &Run::default()).unwrap();
            assert_eq!(found.status, Status::Solved, "{solver:?}");
            assert!(relative_error(&found.x, &p.hidden) < 1e-10);
            let certificate = found.certificate.unwrap();
            assert!(certificate.q_norm < 1e-8);
        }
    }
}
