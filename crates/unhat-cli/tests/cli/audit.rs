//! `audit`: what a release gives away, in words, as findings, as a page, and what cannot be audited.

use crate::desk::Desk;
use serde_json::Value;
use unhat_testkit::generate::{Regression, regression};

const QUICK: &str = "--trials 3 --round 2 --clip 0.9 --top 20";

/// A table with a response, and coefficients far from its least-squares fit.
fn desk() -> (Desk, Regression) {
    let r = regression(70, 2, 3);
    let desk = Desk::new();
    let mut table = "first,<script>alert(1)</script>,y\n".to_string();
    for (row, b) in r.a.chunks(2).zip(&r.b) {
        table += &format!("{:?},{:?},{b:?}\n", row[0], row[1]);
    }
    desk.text("t.csv", &table).text("x.txt", "0.5\n1.2718281\n-2.5314159\n");
    desk.matrix("a.npy", &r.a, 2).vector("b.npy", &r.b).vector("p.txt", &[1.25, -2.5]);
    (desk, r)
}

fn results<'a>(found: &'a Value, attack: &str, protection: &str) -> Vec<&'a Value> {
    let all = found["releases"].as_array().unwrap().iter();
    all.filter(|result| result["attack"] == attack && result["protection"] == protection).collect()
}

#[test]
fn a_table_is_audited_in_words_and_as_findings() {
    let (desk, _) = desk();
    let line = format!("audit t.csv --response y --intercept --point x.txt --noise 1e-5,1e-3 {QUICK}");
    let words = desk.run(&line).expect(0);
    for part in ["Exposed  From the scores with Gaussian noise", "To do", "rounding", "signs known", "tries, "] {
        assert!(words.out.contains(part) || words.err.contains(part), "{part} in\n{}\n{}", words.out, words.err);
    }
    assert!(words.out.lines().all(|line| line.chars().count() <= 100), "{}", words.out);
    let found = desk.run(&format!("{line} --json")).expect(0).json();
    assert_eq!((&found["schema"], &found["detail"]), (&"unhat.findings/1".into(), &"owner".into()));
    assert_eq!(found["table"]["column_names"][1], "first");
    assert_eq!((&found["table"]["response"], &found["table"]["name"]), (&"y".into(), &"t.csv".into()));
    assert_eq!(found["release"]["planned"]["noise_abs"], 1e-5);
    assert!(results(&found, "blind", "none")[0]["error_median"].as_f64().unwrap() < 1e-9);
    let noisy: Vec<_> = results(&found, "signs", "gaussian").iter().map(|r| r["level"].as_f64().unwrap()).collect();
    assert!(noisy[..2] == [1e-5, 1e-3] && noisy.len() == 11, "{noisy:?}");
    assert_eq!(results(&found, "start", "topk")[0]["level"], 20.0);
    assert!(found["coordinates"][2]["value"].as_f64() == Some(-2.5314159));
    let again = desk.run(&format!("{line} --json --threads 1")).expect(0).json();
    for key in ["releases", "attack_curve", "findings", "rows", "noise_needed"] {
        assert_eq!(found[key], again[key], "{key}");
    }
    let other = desk.run(&format!("{line} --json --seed 5")).expect(0).json();
    assert_ne!(found["attack_curve"], other["attack_curve"]);
}

#[test]
fn without_a_point_the_fit_itself_is_audited_and_needs_no_release() {
    let (desk, _) = desk();
    let found = desk.run(&format!("audit t.csv --response y --intercept {QUICK} --json")).expect(0).json();
    assert_eq!(found["findings"][0]["id"], "no_release_needed");
    let refused = desk.run(&format!("audit --matrix a.npy --offset b.npy {QUICK}")).expect(2);
    assert!(refused.err.contains("--point"), "{}", refused.err);
}

#[test]
fn every_kind_of_release_is_audited_alone_and_together() {
    let (desk, _) = desk();
    let base = "audit --matrix a.npy --offset b.npy --point p.txt --trials 2 --round 3 --clip 0.9 --json";
    let kinds = |release: &str| {
        let found = desk.run(&format!("{base} --release {release}")).expect(0).json();
        let mut kinds: Vec<String> =
            found["releases"].as_array().unwrap().iter().map(|r| r["release"].as_str().unwrap().to_string()).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds("gradient"), ["gradient"]);
    assert_eq!(kinds("both"), ["scores", "gradient", "both"]);
    desk.text("rows.txt", &(1..=40).map(|i| format!("{i}\n")).collect::<String>());
    let part = desk.run(&format!("{base} --rows rows.txt --top 10")).expect(0).json();
    assert_eq!(part["release"]["rows_released"], 40);
}

#[test]
fn a_page_is_written_whole_and_one_to_share_holds_no_coefficient() {
    let (desk, _) = desk();
    let line = format!("audit t.csv --response y --intercept --point x.txt {QUICK}");
    let ran = desk.run(&format!("{line} --report r.html")).expect(0);
    assert!(ran.err.contains("report: r.html"), "{}", ran.err);
    let page = desk.read("r.html");
    assert!(page.to_lowercase().starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("<script>alert"), "a column's name stays text");
    let share = desk.run(&format!("{line} --report s.html --report-detail share --json")).expect(0);
    let found = share.json();
    assert_eq!(found["tool"]["command"], "unhat audit");
    assert!(found["coordinates"].as_array().unwrap().iter().all(|c| c["value"].is_null() && c["spread_abs"].is_null()));
    assert!(found["rows"]["top"].as_array().unwrap().iter().all(|row| row["row"].is_null()));
    for text in [share.out, desk.read("s.html")] {
        assert!(!text.contains("2718281") && !text.contains("5314159") && !text.contains("x.txt"), "{text}");
    }
}

#[test]
fn what_cannot_be_audited_is_refused_before_anything_is_written() {
    let (desk, _) = desk();
    let before = desk.names();
    let point = "audit --matrix a.npy --offset b.npy --point p.txt";
    desk.text("bad-rows.txt", "71\n").text("zero.txt", "0\n0\n");
    let cases = [
        (format!("{point} --noise -1"), "--noise"),
        (format!("{point} --noise 1e-3,1e-3"), "--noise"),
        (format!("{point} --round 0"), "--round"),
        (format!("{point} --clip 1.5"), "--clip"),
        (format!("{point} --top 71"), "--top"),
        (format!("{point} --top 5 --release gradient"), "--top"),
        (format!("{point} --rows bad-rows.txt"), "--rows"),
        (format!("{point} --target-error 0"), "--target-error"),
        (format!("{point} --trials 0"), "--trials"),
        (format!("{point} --delta 2"), "--delta"),
        (format!("{point} --report r.pdf"), ".html"),
        (format!("{point} --report nowhere/r.html"), "nowhere"),
        ("audit --matrix a.npy --offset b.npy --point zero.txt".into(), "--point"),
        ("audit t.csv --response z --intercept".into(), "z"),
        ("audit t.csv --matrix a.npy --response y".into(), "--matrix"),
    ];
    for (line, word) in cases {
        let ran = desk.run(&format!("{line} --json --threads 1")).expect(2);
        assert!(ran.err.contains(word), "{line}: {word} in\n{}", ran.err);
        assert_eq!(ran.json()["status"], "error");
    }
    let after: Vec<String> = desk.names().difference(&before).cloned().collect();
    assert_eq!(after, ["bad-rows.txt", "zero.txt"]);
}

#[test]
fn noise_of_a_gradient_gives_the_standard_errors_that_its_bound_says() {
    let (desk, _) = desk();
    desk.run("gradient --matrix a.npy --offset b.npy --point p.txt -o g.npy").expect(0);
    let line = "invert gradient --matrix a.npy --offset b.npy --target g.npy --start p.txt";
    let found = desk.run(&format!("{line} --noise 1e-3 --json")).expect(0).json();
    let audited = desk
        .run("audit --matrix a.npy --offset b.npy --point p.txt --release gradient --noise 1e-3 --trials 1 --json")
        .expect(0)
        .json();
    for j in 0..2 {
        let error = found["standard_errors"][j].as_f64().unwrap();
        let bound = audited["coordinates"][j]["bound_abs"].as_f64().unwrap();
        assert!((error / bound - 1.0).abs() < 1e-8, "{error} {bound}");
        assert!((found["covariance"][j][j].as_f64().unwrap() - error * error).abs() < 1e-12 * error * error);
    }
    assert_eq!(found["noise"], 1e-3);
    assert!(desk.run(line).expect(0).err.contains("proven"));
    assert!(desk.run(&format!("{line} --noise 1e-3")).expect(0).err.contains("standard errors of x"));
    let plain = desk.run(&format!("{line} --json")).expect(0).json();
    assert!(plain.get("noise").is_none() && plain.get("covariance").is_none());
    desk.run(&format!("{line} --noise -1")).expect(2);
}
