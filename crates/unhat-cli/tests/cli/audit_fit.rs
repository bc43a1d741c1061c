//! `audit --release hat` and the like: what diagnostics of a fit give away, in words, as data, as a page, and what is refused.

use crate::desk::Desk;
use serde_json::Value;
use unhat_testkit::generate::Stream;

const QUICK: &str = "--trials 2 --round 3 --clip 0.9 --top 20";

/// A logistic table with its responses and coefficients, and weights beside it.
fn desk() -> Desk {
    let (n, beta) = (60, [0.3, -1.1, 0.8]);
    let mut stream = Stream::new(9, "a logistic desk");
    let mut table = "first,<script>alert(1)</script>,y\n".to_string();
    let mut weights = String::new();
    for _ in 0..n {
        let row = [stream.normal(), stream.normal()];
        let p = 1.0 / (1.0 + (-(beta[0] + beta[1] * row[0] + beta[2] * row[1])).exp());
        table += &format!("{:?},{:?},{}\n", row[0], row[1], u8::from(stream.uniform() < p));
        weights += &format!("{:?}\n", 10f64.powf(stream.uniform()));
    }
    let desk = Desk::new();
    desk.text("t.csv", &table).text("beta.txt", "0.3\n-1.1\n0.8\n").text("w.txt", &weights);
    desk
}

fn result<'a>(found: &'a Value, attack: &str, protection: &str) -> &'a Value {
    let mut all = found["results"].as_array().unwrap().iter();
    all.find(|result| result["attack"] == attack && result["protection"] == protection).unwrap()
}

#[test]
fn a_logistic_fit_is_audited_in_words_as_findings_and_as_a_page() {
    let desk = desk();
    let line =
        format!("audit t.csv --response y --intercept --family binomial --point beta.txt --release cook {QUICK}");
    let words = desk.run(&format!("{line} --report audit.html")).expect(0);
    for part in ["Exposed", "responses can be told", "responses by size", "none (the guess)", "tries, "] {
        assert!(words.out.contains(part) || words.err.contains(part), "{part} in\n{}\n{}", words.out, words.err);
    }
    let page = desk.read("audit.html");
    assert!(page.trim_end().ends_with("</html>") && !page.contains("<script>alert"));
    assert!(page.contains("hat values and Cook’s distances"));
    let found = desk.run(&format!("{line} --json")).expect(0).json();
    assert_eq!(found["schema"], "unhat.fit-findings/1");
    assert_eq!((&found["fit"]["family"], &found["fit"]["link"]), (&"binomial".into(), &"logit".into()));
    let rounded = result(&found, "sizes_to_outcomes", "rounding");
    assert!(rounded["told"].as_f64().unwrap() > 0.9 && rounded["wrong"] == 0.0, "{rounded}");
    assert_eq!(found["coefficients"][1]["name"], "first");
    let share = desk.run(&format!("{line} --json --report-detail share --threads 1")).expect(0).json();
    assert_eq!(share["results"], found["results"]);
    assert!(share["coefficients"].as_array().unwrap().iter().all(|c| c["value"].is_null()));
}

#[test]
fn weights_and_a_hidden_column_are_audited_without_a_family() {
    let desk = desk();
    let line = format!("audit t.csv --without y --intercept --release hat {QUICK} --json");
    let found = desk.run(&format!("{line} --weights w.txt")).expect(0).json();
    assert!(result(&found, "hat_to_weights", "rounding")["error"]["median"].as_f64().unwrap() < 0.05);
    assert_eq!(found["secrets"][0]["secret"], "weights");
    let found = desk.run(&format!("audit t.csv --intercept --release hat --hidden y {QUICK} --json")).expect(0).json();
    assert_eq!(found["fit"]["hidden_column"], "y");
    assert!(result(&found, "hat_to_column", "rounding")["wrong"] == 0.0);
    let found =
        desk.run(&format!("audit t.csv --response y --intercept --release dffits {QUICK} --json")).expect(0).json();
    assert!(result(&found, "dffits_to_residuals", "none")["error"]["median"].as_f64().unwrap() < 1e-9);
}

#[test]
fn what_does_not_belong_to_the_release_is_exit_2_and_named() {
    let desk = desk();
    for (line, said) in [
        (
            "audit t.csv --response y --point beta.txt --intercept --family binomial",
            "--family: belongs to --release hat",
        ),
        ("audit t.csv --response y --intercept --release hat", "hat values of a linear fit without weights"),
        ("audit t.csv --response y --intercept --release cook --family binomial", "--point: missing"),
        ("audit t.csv --intercept --release hat --hidden z", "found \"z\", expected one of the 4 columns"),
        ("audit t.csv --intercept --release hat --hidden y --weights w.txt", "cannot be used with"),
        ("audit t.csv --without y --intercept --release hat --weights w.txt --delta 1e-3", "--delta"),
        (
            "audit t.csv --without y --intercept --release hat --family poisson --link sqrt",
            "weights are the same whatever",
        ),
    ] {
        let ran = desk.run(line).expect(2);
        assert!(ran.err.contains(said), "{line}: {}", ran.err);
    }
}
