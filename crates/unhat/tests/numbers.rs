//! Inputs at the edge of what numbers can hold: sizes whose squares underflow, slabs, near-duplicate columns. Each is
//! answered rightly or refused by name, and what is said to be proven is.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::barrier::leverage_gradient;
use unhat::feasible::{interior_point, unattainable_direction};
use unhat::invert::{Inversion, InvertOptions, Solver, Start, invert_gradient};
use unhat::leverage::{ScoreOptions, Scores, leverage_scores, score_jvp};
use unhat::rows::{CsrRows, DenseRows};
use unhat::solve::Status;
use unhat::{ErrorKind, Result, Run};
use unhat_testkit::{Big, precise};

fn scores(a: &[f64], d: usize) -> Scores {
    leverage_scores(&DenseRows::new(a, d).unwrap(), None, &ScoreOptions::default(), &Run::default()).unwrap()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * e.abs(), "{found:?}, expected {expected:?}");
    }
}

/// A case of tests/data/inversions_at_the_edge.json; `point` is a point of the cell, where it is not the start.
struct Case {
    name: String,
    solver: Solver,
    from_point: bool,
    d: usize,
    a: Vec<f64>,
    b: Vec<f64>,
    target: Vec<f64>,
    signs: Vec<f64>,
    point: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("data/inversions_at_the_edge.json");
    let all: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    let numbers = |v: &serde_json::Value| v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    let solver = |name: &str| match name {
        "auto" => Solver::Auto,
        "exact" => Solver::Exact,
        "cg" => Solver::Cg,
        "coreset" => Solver::Coreset,
        _ => Solver::Surrogate,
    };
    let case = |v: &serde_json::Value| Case {
        name: v["name"].as_str().unwrap().into(),
        solver: solver(v["solver"].as_str().unwrap()),
        from_point: v["start"] == "start",
        d: v["columns"].as_u64().unwrap() as usize,
        a: numbers(&v["a"]),
        b: numbers(&v["b"]),
        target: numbers(&v["target"]),
        signs: numbers(&v["signs"]),
        point: numbers(&v["point"]),
    };
    all.iter().map(case).collect()
}

impl Case {
    fn invert(&self, from_point: bool) -> Result<Inversion> {
        let options = InvertOptions { solver: self.solver, ..InvertOptions::default() };
        let start = match from_point {
            true => Start { point: Some(&self.point), ..Start::default() },
            false => Start { signs: Some(&self.signs), ..Start::default() },
        };
        let rows = DenseRows::new(&self.a, self.d).unwrap();
        invert_gradient(&rows, &self.b, &self.target, &start, &options, None, &Run::default())
    }
}

#[test]
fn nothing_is_proven_of_cells_that_hold_their_solution_and_no_certificate_is_below_the_distance() {
    for case in cases() {
        for from_point in [case.from_point, true] {
            match case.invert(from_point) {
                Ok(found) => {
                    let exact = precise::solve::<Big>(&case.a, &case.b, &case.target, &case.point).unwrap();
                    let distance = precise::distance(&found.x, &exact.x);
                    println!(
                        "{}: {} {:e} {:?} {:?}",
                        case.name,
                        found.status.name(),
                        distance,
                        found.certificate,
                        found.warnings
                    );
                    match found.certificate {
                        Some(certificate) => assert!(certificate.euclidean >= distance, "{}", case.name),
                        None => assert!(!found.warnings.is_empty(), "{}: without a word", case.name),
                    }
                }
                Err(error) => {
                    println!("{}: {error}", case.name);
                    assert!(matches!(error.kind(), ErrorKind::Undecided { .. }), "{}: {error}", case.name);
                    assert!(!from_point, "{}: {error}", case.name);
                }
            }
        }
    }
}

#[test]
fn a_solution_of_size_1e160_is_found_and_certified() {
    // 3.7e-161·x + 1 = 2 where σ = 1: g = −a/(ax + 1) = −1.85e-161.
    let (a, b, target) = ([3.7e-161], [-1.0], [-1.85e-161]);
    let start = Start { signs: Some(&[1.0]), ..Start::default() };
    let rows = DenseRows::new(&a, 1).unwrap();
    for solver in [Solver::Auto, Solver::Exact, Solver::Cg, Solver::Coreset, Solver::Surrogate] {
        let options = InvertOptions { solver, ..InvertOptions::default() };
        let found = invert_gradient(&rows, &b, &target, &start, &options, None, &Run::default()).unwrap();
        let exact = precise::solve::<Big>(&a, &b, &target, &[0.0]).unwrap();
        assert_eq!(found.status, Status::Solved);
        close(&found.x, &[1.0 / 3.7e-161], 1e-15);
        let certificate = found.certificate.unwrap();
        let distance = precise::distance(&found.x, &exact.x);
        assert!(certificate.euclidean >= distance && certificate.euclidean < 1e146, "{certificate:?} {distance:e}");
    }
}

#[test]
fn scores_of_columns_whose_squares_underflow_are_right() {
    close(&scores(&[1e-170, 3e-170], 1).values, &[0.1, 0.9], 1e-15);
    close(&scores(&[1e-309, 3e-309], 1).values, &[0.1, 0.9], 1e-14); // 1e-309 itself has 14 digits
    close(&scores(&[1e-162, 2e-162, 3e-162, -1e-162], 2).values, &[1.0, 1.0], 1e-14);
    close(&scores(&[1e200, 3e200], 1).values, &[0.1, 0.9], 1e-15);
    // Columns of very different size, and a constant one.
    close(&scores(&[1e-200, 1.0, 0.0, 1.0, -1e-200, 1.0], 2).values, &[5.0 / 6.0, 1.0 / 3.0, 5.0 / 6.0], 1e-14);
    // A small entry beside a large one has the score that its square has: none that floats could hold.
    close(&scores(&[1e-200, 1.0], 1).values, &[0.0, 1.0], 0.0);
    let (pointers, indices) = ([0, 1, 2, 4], [0, 1, 0, 1]);
    let values = [1e-170, 1e170, 1e-170, 1e170];
    let sparse = CsrRows::new(&pointers, &indices, &values, 2).unwrap();
    let found = leverage_scores(&sparse, None, &ScoreOptions::default(), &Run::default()).unwrap();
    close(&found.values, &[2.0 / 3.0; 3], 1e-14);
}

#[test]
fn where_nothing_is_scaled_the_bits_are_those_of_a_scaled_matrix() {
    let mut stream = unhat_testkit::generate::Stream::new(4, "powers of two");
    let a = stream.normals(60 * 4);
    let power = [500, -600, 700, -800];
    let scaled: Vec<f64> = a.iter().enumerate().map(|(k, v)| v * 2f64.powi(power[k % 4])).collect();
    assert_eq!(scores(&a, 4).values, scores(&scaled, 4).values);
}

#[test]
fn a_ridge_goes_with_its_columns_or_is_refused() {
    let ridged = |a: &[f64], d: usize, ridge: f64| {
        let options = ScoreOptions { ridge, ..ScoreOptions::default() };
        leverage_scores(&DenseRows::new(a, d).unwrap(), None, &options, &Run::default())
    };
    // σ = a²/(Σa² + λ).
    close(&ridged(&[1e-155, 3e-155], 1, 1e-309).unwrap().values, &[1.0 / 20.0, 9.0 / 20.0], 1e-12);
    close(&ridged(&[1e-170, 3e-170], 1, 1.0).unwrap().values, &[0.0, 0.0], 0.0);
    let error = ridged(&[1e200, 0.0, 0.0, 1e-160], 2, 1e-320).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Numerical { .. }), "{error}");
}

#[test]
fn gradients_at_points_whose_rows_underflow_are_right() {
    // −1 < 1e-170·x < 1 at 5e169: g = t(3 + t²)/(1 − t⁴)·1e-170 with t = 0.5.
    let a = [1e-170, -1e-170];
    let found = leverage_gradient(&DenseRows::new(&a, 1).unwrap(), &[-1.0, -1.0], &[5e169], &Run::default()).unwrap();
    close(&found.values, &[0.5 * 3.25 / (1.0 - 0.0625) * 1e-170], 1e-14);
}

#[test]
fn derivatives_of_scores_refuse_what_would_underflow() {
    let a = [1e-170, 3e-170];
    let error = score_jvp(&DenseRows::new(&a, 1).unwrap(), &[1e-170, 0.0], 0.0, &Run::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Numerical { .. }), "{error}");
}

#[test]
fn digits_are_those_of_the_decision_that_left_a_column_out() {
    let mut stream = unhat_testkit::generate::Stream::new(2, "left out");
    let values = stream.normals(30);
    // 2x is twice x in floats too; 0.1x is not a tenth of it, and 1e-25 in one row is no rounding.
    let exact: Vec<f64> = values.iter().flat_map(|x| [*x, 2.0 * x]).collect();
    let rounded: Vec<f64> = values.iter().flat_map(|x| [*x, 0.1 * x]).collect();
    let found = scores(&exact, 2);
    assert!(found.rank == 1 && found.digits > 14.0, "{found:?}");
    let found = scores(&rounded, 2);
    assert!(found.rank == 1 && found.digits == 0.0 && found.warnings[0].contains("not exactly"), "{found:?}");
    let graded = scores(&[1.0, 1.0, 2.0, 2.0, 1e-25, 3e-25], 2);
    assert!(graded.rank == 1 && graded.digits == 0.0, "{graded:?}"); // the third row's score is 1
}

#[test]
fn a_cell_that_touches_itself_is_told_from_one_that_is_empty_by_exact_arithmetic() {
    let run = Run::default();
    let ask = |b: [f64; 4]| {
        // 0.1x + 0.3y > b₁, −0.1x − 0.3y > b₂, and the box.
        let a = [0.1, 0.3, -0.1, -0.3, 1.0, 0.0, 0.0, 1.0];
        interior_point(&DenseRows::new(&a, 2).unwrap(), &b, &[true; 4], &run)
    };
    let thin = 1e-13;
    let error = ask([0.7, -0.7, -9.0, -9.0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoInterior { rows } if rows == &[0, 1]), "{error}");
    let error = ask([0.7, -0.7 + thin, -9.0, -9.0]).unwrap_err();
    let ErrorKind::Empty { rows, multipliers, gap } = error.kind() else { panic!("{error}") };
    assert_eq!(rows, &[0, 1]);
    let expected = multipliers[0] * 0.7 + multipliers[1] * (-0.7 + thin);
    assert!(*gap > 0.0 && (gap - expected).abs() < 1e-16, "{gap:e} {expected:e}");
    // A slab of that thickness holds points: one is found, or nothing is claimed.
    match ask([0.7, -0.7 - thin, -9.0, -9.0]) {
        Ok((x, _)) => assert!(0.1 * x[0] + 0.3 * x[1] > 0.7 - 1e-15),
        Err(error) => assert!(matches!(error.kind(), ErrorKind::Undecided { .. }), "{error}"),
    }
}

#[test]
fn a_direction_proves_only_what_its_signs_prove() {
    let run = Run::default();
    let ask = |a: &[f64], c: [f64; 2]| {
        unattainable_direction(&DenseRows::new(a, 2).unwrap(), &vec![true; a.len() / 2], &c, &run).unwrap()
    };
    // The cone between two rows that almost close it; h = (0, 1) is inside by 1e-13 of its length, or outside.
    let open = [1.0, 1e-13, -1.0, 1e-13];
    let closed = [1.0, 1e-13, -1.0, -2e-13, 0.0, 1.0];
    let (h, slope) = ask(&open, [0.0, 1.0]).expect("the cone holds (0, 1)");
    assert!(open.chunks(2).all(|row| row[0] * h[0] + row[1] * h[1] >= 0.0) && slope > 0.0, "{h:?}");
    assert!(ask(&closed, [0.0, 1.0]).is_none());
    // Opposite rows with a direction that floats cannot hold: the proof is exact all the same.
    let slab = [0.1, 0.3, -0.1, -0.3, 1.0, 0.0];
    let (h, slope) = ask(&slab, [1.0, 0.0]).expect("the slab has no end");
    assert!((h[0] * 0.1 + h[1] * 0.3).abs() < 1e-16 && slope > 0.0, "{h:?}");
}

/// Squares of these columns under- or overflow. What is solved is right, and everything else is refused or said.
#[test]
fn score_inversions_in_extreme_units_are_right_or_refused() {
    use unhat::barrier::Barrier;
    use unhat::invert::scores::{ScoreInvertOptions, ScoreStart, invert_scores};
    let run = Run::default();
    let p = unhat_testkit::generate::random_polytope(60, 3, 0.5, 7, Some(2.0));
    let mut solved = 0;
    for units in [[1.0; 3], [1e-170; 3], [1e-170, 1.0, 1e160], [1e-310, 1.0, 1.0], [1e120; 3], [1e-80, 1e80, 1.0]] {
        let a: Vec<f64> = p.a.chunks(3).flat_map(|row| row.iter().zip(units).map(|(a, u)| a * u)).collect();
        let x: Vec<f64> = p.hidden.iter().zip(units).map(|(x, u)| x / u).collect();
        if !x.iter().chain(&a).all(|v| v.is_finite()) {
            continue; // no such problem can be written down
        }
        let rows = DenseRows::new(&a, 3).unwrap();
        let right = |found: &[f64]| found.iter().zip(&x).all(|(f, x)| (f - x).abs() <= 1e-5 * x.abs());
        let Ok(at) = Barrier::around(&rows, &p.b, &x, &run) else { continue };
        let Ok(Some(point)) = at.at(&x, false, &run) else { continue };
        match invert_scores(
            &rows,
            &p.b,
            &point.scores,
            None,
            &ScoreStart::Unknown,
            &ScoreInvertOptions::default(),
            &run,
        ) {
            Ok(found) if found.status == Status::Solved && found.is_recommended() => {
                assert!(right(&found.x), "{units:?}: {:?} for {x:?}", found.x);
                solved += 1;
            }
            Ok(found) => assert!(!found.warnings.is_empty() || found.status != Status::Solved, "{units:?}"),
            Err(error) => assert!(!matches!(error.kind(), ErrorKind::Option { .. }), "{units:?}: {error}"),
        }
    }
    assert!(solved >= 2, "only {solved} were solved");
}
