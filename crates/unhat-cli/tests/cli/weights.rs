//! `weights`: Lewis weights and D-optimal designs under the names of their rows; what has none is refused.

use crate::desk::{Desk, bits, numbers};
use unhat_testkit::Dd;
use unhat_testkit::Real;
use unhat_testkit::generate::Stream;
use unhat_testkit::orthonormal::weighted_leverage_scores;

/// 60 rows of three columns with names, and their numbers.
fn table() -> (String, Vec<f64>) {
    let values: Vec<f64> =
        Stream::new(5, "weights").normals(180).into_iter().map(|x| (x * 1e6).round() / 1e6).collect();
    let mut text = "site,a,b,c\n".to_string();
    for (row, cells) in values.chunks(3).enumerate() {
        text += &format!("s{row},{},{},{}\n", cells[0], cells[1], cells[2]);
    }
    (text, values)
}

#[test]
fn lewis_weights_are_written_under_the_names_of_their_rows() {
    let (text, values) = table();
    let desk = Desk::new();
    desk.text("t.csv", &text).matrix("t.npy", &values, 3);
    for p in [1.0, 4.0, 6.0] {
        let ran = desk.run(&format!("weights lewis --matrix t.csv --p {p} -o w.csv")).expect(0);
        assert!(ran.err.contains(&format!("60 Lewis weights for p = {p}, rank 3")), "{}", ran.err);
        assert!(desk.read("w.csv").starts_with("row,weight\ns0,"));
        let weights = desk.numbers("w.csv");
        let powers: Vec<f64> = weights.iter().map(|w| w.powf(1.0 - 2.0 / p)).collect();
        let scores = weighted_leverage_scores::<Dd>(&values, 3, &powers);
        assert!(scores.iter().zip(&weights).all(|(s, w)| (s.to_f64() / w - 1.0).abs() < 1e-9));
        let json = desk.run(&format!("weights lewis --matrix t.npy --p {p} --json")).expect(0).json();
        assert_eq!(bits(&numbers(&json["values"])), bits(&weights));
        assert_eq!((&json["command"], &json["status"]), (&"weights lewis".into(), &"solved".into()));
        assert!(json["residual"].as_f64().unwrap() < 1e-9 && json["log_error"].is_number() == (p < 4.0));
    }
}

#[test]
fn a_design_is_written_with_its_gap_and_john_is_another_name_of_it() {
    let (text, _) = table();
    let desk = Desk::new();
    desk.text("t.csv", &text);
    let ran = desk.run("weights d-optimal --matrix t.csv -o w.csv").expect(0);
    assert!(ran.err.contains("D-optimal design of 60 rows") && ran.err.contains("over all rows"), "{}", ran.err);
    let weights = desk.numbers("w.csv");
    assert!(weights.iter().all(|w| *w >= 0.0) && (weights.iter().sum::<f64>() - 1.0).abs() < 1e-14);
    let json = desk.run("weights john --matrix t.csv --json").expect(0).json();
    assert_eq!(bits(&numbers(&json["values"])), bits(&weights));
    assert!(json["gap"].as_f64().unwrap() <= 1e-8 && json["rank"] == 3);
    assert_eq!(json["support"].as_u64().unwrap() as usize, weights.iter().filter(|w| **w > 0.0).count());
    // Points: a column of ones behind them, or before them, is the same.
    let lifted = desk.run("weights d-optimal --matrix t.csv --lift --json").expect(0).json();
    let ones = desk.run("weights d-optimal --matrix t.csv --intercept --json").expect(0).json();
    assert!((lifted["log_det"].as_f64().unwrap() - ones["log_det"].as_f64().unwrap()).abs() < 2e-8);
    assert_eq!(lifted["rank"], 4);
}

#[test]
fn weights_that_are_not_solved_are_written_with_exit_code_1() {
    let (text, _) = table();
    let desk = Desk::new();
    desk.text("t.csv", &text);
    for line in ["lewis --p 7", "d-optimal"] {
        let ran = desk.run(&format!("weights {line} --matrix t.csv --max-iter 2 -o w.csv")).expect(1);
        assert!(ran.err.contains("iteration limit: "), "{}", ran.err);
        assert_eq!(desk.numbers("w.csv").len(), 60);
    }
}

#[test]
fn weights_that_do_not_exist_are_refused() {
    let (text, _) = table();
    let desk = Desk::new();
    desk.text("t.csv", &text).text("zero.csv", "a,b\n0,0\n0,0\n0,0\n");
    for (line, said) in [
        ("lewis --matrix t.csv --p 0", "--p: found 0, expected a finite number above 0"),
        ("lewis --matrix t.csv --p -2", "--p: found -2"),
        ("lewis --matrix t.csv --p nan", "--p: found NaN"),
        ("lewis --matrix t.csv --p inf", "D-optimal"),
        ("lewis --matrix t.csv", "--p <P>"),
        ("lewis --matrix t.csv --p 1 --tol 0", "--tol: found 0"),
        ("lewis --matrix t.csv --p 1 --max-iter 0", "0 is not in 1.."),
        ("lewis --matrix zero.csv --p 1", "rank 0"),
        ("lewis --polytope t.ine --p 1", "--polytope: holds b too"),
        ("d-optimal --matrix t.csv --gap 0", "--gap: found 0"),
        ("d-optimal --matrix t.csv --gap nan", "--gap: found NaN"),
        ("d-optimal --matrix t.csv --lift --intercept", "cannot be used with"),
        ("d-optimal --matrix zero.csv", "rank 0"),
    ] {
        let ran = desk.run(&format!("weights {line} -o out.csv")).expect(2);
        assert!(ran.err.contains(said), "{line}: {}", ran.err);
        assert!(!desk.path("out.csv").exists());
    }
    let ran = desk.run("weights lewis --matrix t.csv --p 1 -o t.csv").expect(2);
    assert!(ran.err.contains("an input"), "{}", ran.err);
}
