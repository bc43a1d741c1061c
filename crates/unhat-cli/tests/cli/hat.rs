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
    // Components have a rank of their own, which stands before that of the whole.
    let keys: Vec<String> = keys_in_order(&ran.out).into_iter().filter(|key| key != "rank").collect();
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
fn a_page_shows_the_weights_and_what_is_proven() {
    let (desk, _) = desk(40, 3);
    desk.run(&format!("{INVERT} --digits 6 -o w.npy --report hat.html")).expect(0);
    let page = desk.read("hat.html");
    for part in ["The way back from hat values", "rounded to 6 significant digits", "Widest proven interval", "</html>"]
    {
        assert!(page.contains(part), "{part}");
    }
    let refused = desk.run(&format!("{INVERT} -o w.html --report w.html")).expect(2);
    assert!(refused.err.contains("--report"), "{}", refused.err);
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

/// A logistic fit on a desk: a.csv with named columns, hat values and Cook's distances to so many digits.
fn logistic(digits: usize) -> (Desk, Vec<f64>, Vec<bool>) {
    let (n, beta) = (60, [0.3, -1.1, 0.8]);
    let mut stream = Stream::new(9, "a logistic desk");
    let a: Vec<f64> = (0..3 * n).map(|k| if k % 3 == 0 { 1.0 } else { stream.normal() }).collect();
    let p: Vec<f64> =
        a.chunks(3).map(|r| 1.0 / (1.0 + (-r.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>()).exp())).collect();
    let y: Vec<bool> = p.iter().map(|p| stream.uniform() < *p).collect();
    let desk = Desk::new();
    let weighted: Vec<f64> = a.iter().enumerate().map(|(k, a)| a * (p[k / 3] * (1.0 - p[k / 3])).sqrt()).collect();
    desk.matrix("weighted.npy", &weighted, 3);
    let h = desk.run("scores --matrix weighted.npy").expect(0).numbers();
    let lines = |values: &[f64]| values.iter().map(|v| format!("{v:.*e}\n", digits - 1)).collect::<String>();
    let cook = |i: usize| {
        let square = if y[i] { (1.0 - p[i]) / p[i] } else { p[i] / (1.0 - p[i]) };
        square * h[i] / (3.0 * (1.0 - h[i]).powi(2))
    };
    let table: String = a.chunks(3).map(|r| format!("{:?},{:?}\n", r[1], r[2])).collect();
    desk.text("a.csv", &format!("age,dose\n{table}"))
        .text("h.txt", &lines(&h))
        .text("cook.txt", &lines(&(0..n).map(cook).collect::<Vec<_>>()));
    (desk, beta.to_vec(), y)
}

#[test]
fn hat_values_of_a_logistic_fit_give_its_coefficients_by_name() {
    let (desk, beta, _) = logistic(4);
    let line = "invert hat --matrix a.csv --intercept --target h.txt --digits 4 --family binomial";
    let ran = desk.run(&format!("{line} -o w.npy --coefficients beta.csv")).expect(0);
    let written = desk.read("beta.csv");
    assert!(written.contains("dose") && written.contains("age"), "{written}");
    let found = desk.numbers("beta.csv");
    let sign = found.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>().signum();
    found.iter().zip(&beta).for_each(|(f, b)| assert!((f * sign - b).abs() < 5e-3, "{found:?}"));
    assert!(ran.err.contains("one sign of all coefficients") && ran.err.contains("  dose: "), "{}", ran.err);
    let object = desk.run(&format!("{line} --json")).expect(0).json();
    assert_eq!(object["coefficients"].as_array().unwrap().len(), 3);
    assert!(object["coefficient_errors"][1].as_f64().unwrap() < 1e-2);
    // Another family is not solved, one that says nothing is refused.
    desk.run("invert hat --matrix a.csv --intercept --target h.txt --digits 4 --family poisson").expect(1);
    let refused = desk.run("invert hat --matrix a.csv --target h.txt --family gamma --link log").expect(2);
    assert!(refused.err.contains("weights are the same whatever"), "{}", refused.err);
}

#[test]
fn hat_values_and_cooks_distances_give_the_responses() {
    let (desk, _, y) = logistic(4);
    let line = "invert outcomes --matrix a.csv --intercept --target h.txt --digits 4 --cook cook.txt";
    let ran = desk.run(&format!("{line} -o y.txt --json")).expect(0);
    let object = ran.json();
    let told: Vec<Option<u64>> = object["outcomes"].as_array().unwrap().iter().map(serde_json::Value::as_u64).collect();
    let agree = told.iter().zip(&y).filter(|(t, y)| t.is_some_and(|t| (t == 1) == **y)).count();
    let known = told.iter().flatten().count();
    assert!(known >= 57 && (agree == known || agree == 0), "{agree} of {known}");
    assert!(desk.run("invert outcomes --matrix a.csv --target h.txt").expect(2).err.contains("--cook"));
}

#[test]
fn hat_values_give_a_hidden_column_of_zeros_and_ones() {
    let n = 50;
    let mut stream = Stream::new(10, "a hidden column");
    let z: Vec<f64> = (0..2 * n).map(|k| if k % 2 == 0 { 1.0 } else { stream.normal() }).collect();
    let u: Vec<f64> = (0..n).map(|_| f64::from(u8::from(stream.uniform() < 0.4))).collect();
    let all: Vec<f64> = z.chunks(2).zip(&u).flat_map(|(r, u)| [r[0], r[1], *u]).collect();
    let desk = Desk::new();
    desk.matrix("z.npy", &z, 2).matrix("all.npy", &all, 3);
    desk.run("scores --matrix all.npy -o h.npy").expect(0);
    let ran = desk.run("invert column --matrix z.npy --target h.npy -o u.txt --magnitudes q.txt").expect(0);
    let found = desk.numbers("u.txt");
    let same = found.iter().zip(&u).filter(|(a, b)| a == b).count();
    assert!(same == n || same == 0, "{same}");
    assert!(ran.err.contains("the column or its complement") && desk.numbers("q.txt").len() == n, "{}", ran.err);
    // All columns known: nothing is hidden.
    let ran = desk.run("invert column --matrix all.npy --target h.npy --json").expect(1);
    assert_eq!(ran.json()["status"], "impossible");
}
