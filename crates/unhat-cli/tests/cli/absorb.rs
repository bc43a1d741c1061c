//! `scores --absorb`: factors are columns of any kind, wherever they stand; what cannot be one is refused.

use crate::desk::{Desk, bits, numbers};
use unhat_testkit::generate::Stream;
use unhat_testkit::orthonormal::leverage_scores;

/// A panel of 60 rows: ids that look like numbers or not, a covariate, weights, text that is none of these.
fn panel() -> (String, Vec<usize>, Vec<usize>, Vec<f64>) {
    let mut stream = Stream::new(3, "panel");
    let (mut text, mut workers, mut firms, mut hours) =
        ("worker,town,hours,firm\n".to_string(), vec![], vec![], vec![]);
    for row in 0..60 {
        let (worker, firm) = (row / 4, (stream.uniform() * 6.0) as usize);
        hours.push((40.0 + 3.0 * stream.normal()).round());
        text += &format!(
            "00{worker},{},{},{}\n",
            ["Agen", "Bari"][row % 2],
            hours[row],
            ["7", "7.0", "A1", "x", "3e2", "z"][firm]
        );
        workers.push(worker);
        firms.push(firm);
    }
    (text, workers, firms, hours)
}

/// Scores of the 0/1 columns of two factors beside other columns.
fn written_out(first: &[usize], second: &[usize], others: &[&[f64]]) -> Vec<f64> {
    let (a, b) = (first.iter().max().unwrap() + 1, second.iter().max().unwrap() + 1);
    let d = a + b + others.len();
    let mut values = vec![0.0; first.len() * d];
    for (row, values) in values.chunks_mut(d).enumerate() {
        values[first[row]] = 1.0;
        values[a + second[row]] = 1.0;
        others.iter().enumerate().for_each(|(j, column)| values[a + b + j] = column[row]);
    }
    leverage_scores::<f64>(&values, d)
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-11, "{worst:e}");
}

#[test]
fn a_factor_may_hold_anything_and_stand_anywhere() {
    let (text, workers, firms, hours) = panel();
    let desk = Desk::new();
    desk.text("panel.csv", &text);
    let both = desk.run("scores --matrix panel.csv --absorb worker,firm").expect(0);
    assert_close(&both.numbers(), &written_out(&workers, &firms, &[&hours]));
    assert!(
        both.err.contains("absorbed: worker (15 levels), firm (6 levels") && both.err.contains("covariates: hours")
    );
    // The factors span the constant; the response is no covariate; the order of the factors is nothing.
    let constant = desk.run("scores --matrix panel.csv --absorb worker,firm --intercept").expect(0);
    assert_eq!(bits(&constant.numbers()), bits(&both.numbers()));
    let alone = desk.run("scores --matrix panel.csv --absorb firm,worker --response hours").expect(0);
    assert_close(&alone.numbers(), &written_out(&workers, &firms, &[]));
    // The first column of words is no row name where it is a factor.
    let towns: Vec<usize> = (0..60).map(|row| row % 2).collect();
    let swapped: String = text
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{},{},{}\n", cells[1], cells[0], cells[2], cells[3])
        })
        .collect();
    desk.text("swapped.csv", &swapped);
    let town = desk.run("scores --matrix swapped.csv --absorb town,worker --columns hours").expect(0);
    assert_close(&town.numbers(), &written_out(&towns, &workers, &[&hours]));
}

#[test]
fn probes_say_how_sure_they_are() {
    let (text, ..) = panel();
    let desk = Desk::new();
    desk.text("panel.csv", &text);
    let exact = desk.run("scores --matrix panel.csv --absorb worker,firm --json").expect(0).json();
    assert_eq!(
        (exact["method"]["factor"].as_str(), &exact["standard_errors"]),
        (Some("exact"), &serde_json::Value::Null)
    );
    assert_eq!(exact["factors"][0]["levels"], 15);
    let line = "scores --matrix panel.csv --absorb worker,firm --absorb-method probes --probes 400 --seed 2";
    let probes = desk.run(&format!("{line} --json --standard-errors e.csv")).expect(0).json();
    let (found, truth) = (numbers(&probes["values"]), numbers(&exact["values"]));
    let errors = numbers(&probes["standard_errors"]);
    assert_eq!(bits(&desk.numbers("e.csv")), bits(&errors));
    let inside =
        found.iter().zip(&truth).zip(&errors).filter(|((f, t), e)| (*f - *t).abs() <= 3.0 * **e + 1e-9).count();
    assert!(inside >= 57, "{inside} of 60");
    assert_eq!(bits(&desk.run(&format!("{line} --threads 1")).expect(0).numbers()), bits(&found));
    assert!(desk.run(line).expect(0).err.contains("--standard-errors FILE"));
}

#[test]
fn what_is_no_factor_is_refused_by_name() {
    let (text, ..) = panel();
    let desk = Desk::new();
    desk.text("panel.csv", &text).text("gap.csv", &text.replacen(",x\n", ",\n", 1));
    desk.matrix("a.npy", &[1.0, 2.0, 3.0, 4.0], 2);
    let gap = text.lines().position(|line| line.ends_with(",x")).unwrap();
    for (line, said) in [
        ("panel.csv --absorb worker,nobody".to_string(), "nobody".to_string()),
        ("panel.csv --absorb worker,worker".into(), "\"worker\" twice".into()),
        ("panel.csv --absorb worker --columns worker,hours".into(), "--columns takes".into()),
        ("panel.csv --absorb worker --case-weights worker".into(), "--absorb makes a factor".into()),
        ("panel.csv --absorb worker --ridge 1".into(), "--ridge".into()),
        ("panel.csv --absorb worker,town,firm --absorb-method probes".into(), "probes are for two factors".into()),
        ("panel.csv --probes 9".into(), "--absorb".into()),
        ("panel.csv --absorb worker --weights hours".into(), "--weights: belongs to the model matrix".into()),
        ("a.npy --absorb x1".into(), "--absorb: names columns of a table".into()),
        ("gap.csv --absorb worker,firm".into(), format!("row {gap}, column \"firm\": found an empty cell")),
    ] {
        let ran = desk.run(&format!("scores --matrix {line} -o out.csv")).expect(2);
        assert!(ran.err.contains(&said), "{line}: {}", ran.err);
        assert!(!desk.path("out.csv").exists());
    }
    let left = desk.run("scores --matrix gap.csv --absorb worker,firm --missing exclude -o s.csv").expect(0);
    assert!(left.err.contains("1 of 60 rows left out"), "{}", left.err);
    assert_eq!(desk.read("s.csv").lines().count(), 61);
    assert!(desk.read("s.csv").lines().nth(gap).unwrap().ends_with(','));
}
