//! `invert hat`: weights from hat values, what is said of them, and what is refused.

use crate::desk::{Desk, bits, keys_in_order};
use unhat_testkit::generate::Stream;

/// A weighted table, and the hat values that the program computes of it.
fn desk(n: usize, d: usize) -> (Desk, Vec<f64>) {
    let mut stream = Stream::new(3, "hat on a desk");
    let (a, w) = (stream.normals(n * d), stream.uniforms(n).iter().map(|u| 10f64.powf(3.0 * u)).collect::<Vec<_>>());
    let desk = Desk::new();
    let weighted: Vec<f64> = a.iter().enumerate().map(|(k, a)| a * w[k / d].sqrt()).collect();
    desk.matrix("a.npy", &a, d).matrix("weighted.npy", &weighted, d);
    desk.run("scores --matrix weighted.npy -o h.npy").expect(0);
    (desk, w)
}

const INVERT: &str = "invert hat --matrix a.npy --target h.npy";

/// Largest difference of log weights, a common factor taken out.
fn distance(found: &[f64], w: &[f64]) -> f64 {
    let logs: Vec<f64> = found.iter().zip(w).map(|(f, w)| (f / w).ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.iter().map(|l| (l - mean).abs()).fold(0.0, f64::max)
}

#[test]
fn hat_values_of_a_weighted_fit_give_its_weights_back() {
    let (desk, w) = desk(120, 5);
    let ran = desk.run(&format!("{INVERT} -o w.npy --history steps.csv")).expect(0);
    assert!(distance(&desk.numbers("w.npy"), &w) < 1e-10);
    for words in ["solved: 120 weights of 120 rows", "open: one factor of all weights", "proven: an interval"] {
        assert!(ran.err.contains(words), "{words} in\n{}", ran.err);
    }
    assert!(desk.read("steps.csv").starts_with("iteration,passes"));
    let printed = desk.run(&format!("{INVERT} --quiet")).expect(0);
    assert_eq!((printed.err.as_str(), bits(&printed.numbers())), ("", bits(&desk.numbers("w.npy"))));
}

#[test]
fn the_object_holds_weights_intervals_and_what_is_open() {
    let (desk, w) = desk(40, 3);
    let ran = desk.run(&format!("{INVERT} --json --decimals 4")).expect(0);
    let keys = keys_in_order(&ran.out);
    assert_eq!(
        keys[..8],
        ["schema", "command", "status", "weights", "components", "coefficients", "open", "standard_errors"]
    );
    for key in ["intervals", "silent_rows", "residual", "passes", "seconds", "warnings"] {
        assert!(keys.iter().any(|k| k == key), "{key}: {keys:?}");
    }
    let object = ran.json();
    assert_eq!((object["command"].as_str(), object["status"].as_str()), (Some("invert hat"), Some("solved")));
    let part = &object["components"][0];
    assert_eq!((part["rows"].as_array().unwrap().len(), part["rank"].as_u64()), (40, Some(3)));
    let held = part["held_row"].as_u64().unwrap() as usize - 1;
    let weight = |i: usize| object["weights"][i].as_f64().unwrap();
    for i in 0..40 {
        let [low, high] = [0, 1].map(|k| object["intervals"][i][k].as_f64().unwrap());
        let truth = w[i] / w[held] * weight(held);
        assert!(low <= truth * (1.0 + 1e-12) && truth * (1.0 - 1e-12) <= high, "row {i}: {low} {truth} {high}");
    }
}

#[test]
fn scores_without_weights_are_exit_1_and_nothing_is_written() {
    let desk = Desk::new();
    desk.text("a.csv", "p,q\n1,0\n1,0\n1,1\n1,2\n").text("h.txt", "0.9\n0.8\n0.15\n0.15\n");
    let ran = desk.run("invert hat --matrix a.csv --target h.txt -o w.npy --json").expect(1);
    assert!(!desk.path("w.npy").exists());
    let object = ran.json();
    assert_eq!(object["status"], "impossible");
    assert_eq!(object["impossible"]["rows"], serde_json::json!([1, 2]));
    assert!(object["weights"].as_array().unwrap().iter().all(serde_json::Value::is_null));
    assert!(ran.err.contains("impossible: the scores of 2 rows sum to 1.7"), "{}", ran.err);
}

#[test]
fn bad_input_is_exit_2_and_names_the_row_or_the_option() {
    let (desk, _) = desk(10, 2);
    desk.text("short.txt", "0.5\n0.5\n").text("bad.txt", &format!("1.5\n{}", "0.05\n".repeat(9)));
    for (line, said) in [
        ("invert hat --matrix a.npy --target short.txt", "expected 10 values"),
        ("invert hat --matrix a.npy --target bad.txt", "row 1: found 1.5"),
        ("invert hat --matrix a.npy --target h.npy --digits 3 --decimals 3", "cannot be used with"),
        ("invert hat --matrix a.npy --target h.npy --ridge -1", "--ridge"),
        ("invert hat --matrix a.npy --target h.npy -o h.npy", "is the file of"),
    ] {
        let ran = desk.run(line).expect(2);
        assert!(ran.err.contains(said), "{line}: {}", ran.err);
    }
}

#[test]
fn a_run_that_was_cut_short_goes_on_to_the_same_bits() {
    let (desk, _) = desk(300, 6);
    desk.run(&format!("{INVERT} -o whole.npy --json")).expect(0);
    desk.run(&format!("{INVERT} -o part.npy --max-iter 5 --checkpoint run.json")).expect(1);
    assert!(desk.path("run.json").exists());
    let ran = desk.run(&format!("{INVERT} -o rest.npy --checkpoint run.json")).expect(0);
    assert!(ran.err.contains("resuming at iteration"), "{}", ran.err);
    assert!(!desk.path("run.json").exists());
    assert_eq!(bits(&desk.numbers("rest.npy")), bits(&desk.numbers("whole.npy")));
    desk.run(&format!("{INVERT} --max-iter 5 --checkpoint run.json")).expect(1);
    let refused = desk.run(&format!("{INVERT} --digits 3 --checkpoint run.json")).expect(2);
    assert!(refused.err.contains("another problem"), "{}", refused.err);
}
