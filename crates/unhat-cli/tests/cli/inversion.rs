//! `invert gradient` and `centre`: what is recovered, in which cell, and what the object says about it.

use crate::desk::{Desk, keys_in_order, numbers, relative_distance};
use unhat_testkit::generate::{random_polytope, regression};
use unhat_testkit::known::volumetric_centres;

const INVERT: &str = "invert gradient --matrix a.npy --offset b.npy --target c.npy";

/// What ‖x − hidden‖ may be: the proven distance, and the rounding of the release itself.
const RECOVERED: f64 = 1e-10;

#[test]
fn every_solver_recovers_the_hidden_point_of_a_polytope() {
    let polytope = random_polytope(120, 6, 0.9, 11, Some(3.0));
    let desk = Desk::with_polytope(&polytope);
    for solver in ["auto", "exact", "cg", "coreset"] {
        let found = desk.run(&format!("{INVERT} --solver {solver} --json")).expect(0).json();
        let x = numbers(&found["values"]);
        assert!(relative_distance(&x, &polytope.hidden) < RECOVERED, "{solver}");
        let distance =
            relative_distance(&x, &polytope.hidden) * polytope.hidden.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!(found["certificate"]["euclidean"].as_f64().unwrap() >= distance - 1e-11, "{solver}");
        assert_eq!(found["start"]["kind"], "phase_one");
        let used = found["method"]["solver"].as_str().unwrap();
        assert!(used == solver || solver == "auto", "{used}");
    }
}

#[test]
fn the_object_of_a_solve_has_its_keys_in_order() {
    let desk = Desk::with_polytope(&random_polytope(30, 3, 0.5, 5, None));
    let keys = "schema command status iterations passes work residual decrement objective certificate condition \
                digits score_sum_defect method start seconds seed threads version warnings";
    let mut expected: Vec<&str> = keys.split_whitespace().collect();
    let written = desk.run(&format!("{INVERT} --json -o x.npy")).expect(0);
    assert_eq!(keys_in_order(&written.out), expected);
    expected.push("values");
    let printed = desk.run(&format!("{INVERT} --json")).expect(0);
    assert_eq!(keys_in_order(&printed.out), expected);
    let object = printed.json();
    assert_eq!((object["command"].as_str(), object["status"].as_str()), (Some("invert gradient"), Some("solved")));
    assert_eq!(object["start"]["kind"], "origin");
    for key in ["q_norm", "euclidean", "rounding"] {
        assert!(object["certificate"][key].as_f64().unwrap() > 0.0);
    }
    for key in ["solver", "factor", "reason"] {
        assert!(object["method"][key].is_string());
    }
    let (residual, objective) = (object["residual"].as_f64().unwrap(), object["objective"].as_f64().unwrap());
    assert!((objective - 0.5 * residual * residual).abs() <= 1e-15 * objective);
    assert!(object["passes"].as_u64() > object["iterations"].as_u64());
    assert_eq!(numbers(&object["values"]), desk.numbers("x.npy"));
}

/// The residuals of a regression have both signs; the signs, or a point near the fit, say which cell it is.
#[test]
fn mixed_signs_are_a_cell_like_any_other() {
    let fit = regression(60, 4, 3);
    let desk = Desk::new();
    desk.matrix("a.npy", &fit.a, 4).vector("b.npy", &fit.b).vector("hidden.npy", &fit.x);
    desk.run("gradient --matrix a.npy --offset b.npy --point hidden.npy -o c.npy").expect(0);
    let slack: Vec<f64> = fit
        .a
        .chunks(4)
        .zip(&fit.b)
        .map(|(row, b)| row.iter().zip(&fit.x).map(|(a, x)| a * x).sum::<f64>() - b)
        .collect();
    let signs: Vec<String> = slack.iter().map(|s| format!("{}", s.signum())).collect();
    desk.text("signs.txt", &signs.join("\n"));
    let recovered = desk.run(&format!("{INVERT} --signs signs.txt")).expect(0).numbers();
    assert!(relative_distance(&recovered, &fit.x) < RECOVERED);
    desk.vector("near.npy", &recovered);
    let again = desk.run(&format!("{INVERT} --start near.npy --json")).expect(0).json();
    assert!(again["iterations"].as_u64().unwrap() <= 1, "started at the answer");
    assert_eq!(again["start"]["kind"], "point");
    let refused = desk.run(&format!("{INVERT} --signs signs.txt --upper")).expect(2);
    assert!(refused.err.contains("outside the chosen cell"), "{}", refused.err);
}

#[test]
fn a_target_in_another_convention_is_scaled_back() {
    let desk = Desk::with_polytope(&random_polytope(50, 3, 0.7, 8, None));
    let plain = desk.run(INVERT).expect(0).numbers();
    let target = desk.numbers("c.npy");
    for k in [-2.0, 0.5, -1.0] {
        desk.vector("c.npy", &target.iter().map(|c| k * c).collect::<Vec<_>>());
        let scaled = desk.run(&format!("{INVERT} --target-scale {k}")).expect(0).numbers();
        assert_eq!(plain, scaled, "powers of two scale without rounding: {k}");
    }
    for k in ["0", "nan", "inf"] {
        desk.run(&format!("{INVERT} --target-scale {k}")).expect(2);
    }
}

/// (A, b) and (−A, −b) are the same problem seen from the other side.
#[test]
fn upper_is_the_mirror_image() {
    let polytope = random_polytope(40, 3, 0.5, 9, Some(3.0));
    let desk = Desk::with_polytope(&polytope);
    let lower = desk.run("centre --matrix a.npy --offset b.npy").expect(0).numbers();
    let negated = |v: &[f64]| v.iter().map(|x| -x).collect::<Vec<_>>();
    desk.matrix("a.npy", &negated(&polytope.a), 3).vector("b.npy", &negated(&polytope.b));
    let upper = desk.run("center --matrix a.npy --offset b.npy --upper").expect(0).numbers();
    assert!(relative_distance(&upper, &lower) < 1e-12);
    desk.run("centre --matrix a.npy --offset b.npy").expect(2); // {−Ax > −b} reversed is empty: the polytope is bounded
}

#[test]
fn published_centres_are_found_to_eight_digits() {
    for case in volumetric_centres() {
        let desk = Desk::new();
        desk.matrix("a.npy", &case.a, case.d).vector("b.npy", &case.b);
        let object = desk.run("centre --matrix a.npy --offset b.npy --json").expect(0).json();
        let x = numbers(&object["values"]);
        let error = x.iter().zip(&case.centre).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        assert!(error < 1e-8, "{}: {error:e}", case.name);
        assert!(object["certificate"]["euclidean"].as_f64().unwrap() >= error, "{}", case.name);
        assert_eq!(object["command"], "centre");
    }
}

#[test]
fn a_run_out_of_steps_writes_its_point_and_says_so() {
    let desk = Desk::with_polytope(&random_polytope(60, 5, 0.99, 2, None));
    let ran = desk.run(&format!("{INVERT} --max-iter 2 -o x.csv --json --quiet")).expect(1);
    assert_eq!(ran.json()["status"], "iteration_limit");
    assert_eq!(ran.json()["iterations"], 2);
    assert!(ran.err.contains("not converged: --max-iter 2"), "{}", ran.err);
    assert_eq!(desk.numbers("x.csv").len(), 5);
    assert!(desk.read("x.csv").starts_with("index,value\n"));
}

#[test]
fn an_unattainable_target_comes_with_the_direction_that_proves_it() {
    let desk = Desk::new();
    desk.text("a.csv", "1,0\n0,1\n").text("b.txt", "0 0").text("c.txt", "1 0");
    let ran = desk.run("invert gradient --matrix a.csv --offset b.txt --target c.txt --json").expect(2);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "unattainable");
    let h = numbers(&error["direction"]);
    assert!(h.iter().all(|v| *v >= -1e-9) && h[0] >= 0.0, "{h:?}");
    assert!(error["slope"].as_f64().unwrap() >= 0.0);
}
