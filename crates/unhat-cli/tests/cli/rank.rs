//! `scores --rank`: rows or columns of the best approximation, under their names; what has none is refused.

use crate::desk::{Desk, bits, numbers};
use unhat_testkit::generate::Stream;
use unhat_testkit::orthonormal::leverage_scores;

/// Two columns that carry a table of six, and noise of a hundredth: rank 2 is clear.
fn table() -> (String, Vec<f64>) {
    let mut stream = Stream::new(5, "rank");
    let mut text = "cell,g1,g2,g3,g4,g5,g6\n".to_string();
    let mut values = Vec::new();
    for row in 0..40 {
        let (u, v) = (stream.normal(), stream.normal());
        let cells: Vec<f64> = [u, v, u + v, u - v, 2.0 * u, 3.0 - v]
            .into_iter()
            .map(|x| ((x + 0.01 * stream.normal()) * 1e6).round() / 1e6)
            .collect();
        text += &format!("c{row},{}\n", cells.iter().map(f64::to_string).collect::<Vec<_>>().join(","));
        values.extend(cells);
    }
    (text, values)
}

#[test]
fn at_full_rank_they_are_the_scores_and_columns_have_one_each() {
    let (text, values) = table();
    let desk = Desk::new();
    desk.text("t.csv", &text);
    let all = desk.run("scores --matrix t.csv --rank 6").expect(0).numbers();
    let expected = leverage_scores::<f64>(&values, 6);
    assert!(all.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9));
    let columns = desk.run("scores --matrix t.csv --rank 6 --transpose").expect(0).numbers();
    assert!(columns.len() == 6 && columns.iter().all(|s| (s - 1.0).abs() < 1e-12));
}

#[test]
fn rows_and_columns_keep_their_names_and_the_gap_is_said() {
    let (text, _) = table();
    let desk = Desk::new();
    desk.text("t.csv", &text);
    let rows = desk.run("scores --matrix t.csv --rank 2 --centre -o rows.csv --report page.html").expect(0);
    assert!(rows.err.contains("40 rows, 6 columns, each column less its mean") && rows.err.contains("times the next"));
    assert!(desk.read("rows.csv").starts_with("row,leverage\nc0,"));
    assert!(desk.read("page.html").contains("in the best approximation of rank 2"));
    desk.run("scores --matrix t.csv --rank 2 --transpose -o columns.csv").expect(0);
    assert!(desk.read("columns.csv").starts_with("row,leverage\ng1,"));
    let json = desk.run("scores --matrix t.csv --rank 2 --centre --json").expect(0).json();
    assert_eq!(bits(&numbers(&json["values"])), bits(&desk.numbers("rows.csv")));
    assert!(json["gap"].as_f64().unwrap() > 20.0 && json["explained"].as_f64().unwrap() > 0.999);
    assert_eq!(json["singular_values"].as_array().unwrap().len(), 3);
    assert_eq!(json["rank"], 2);
}

#[test]
fn the_scores_of_the_rows_do_not_depend_on_how_the_file_lies() {
    let (text, values) = table();
    let turned: Vec<f64> = (0..6).flat_map(|j| values.iter().skip(j).step_by(6).copied()).collect();
    let desk = Desk::new();
    desk.text("t.csv", &text).matrix("turned.npy", &turned, 40);
    let straight = desk.run("scores --matrix t.csv --rank 2").expect(0).numbers();
    let other = desk.run("scores --matrix turned.npy --rank 2 --transpose").expect(0).numbers();
    assert!(straight.len() == 40 && straight.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-12));
}

#[test]
fn what_has_no_rank_k_is_refused() {
    let (text, _) = table();
    let desk = Desk::new();
    desk.text("t.csv", &text);
    desk.matrix("tie.npy", &[2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 3);
    for (line, said) in [
        ("t.csv --rank 0", "--rank: found 0, expected a rank from 1 to 6, the number of columns"),
        ("t.csv --rank 7", "--rank: found 7"),
        ("tie.npy --rank 2", "singular values 2 to 3 are equal to rounding"),
        ("t.csv --rank 2 --intercept", "--centre subtracts the means"),
        ("t.csv --rank 2 --ridge 1", "cannot be used with"),
        ("t.csv --rank 2 --absorb cell", "cannot be used with"),
        ("t.csv --rank 2 --formula ~g1", "--formula: belongs to the model matrix"),
        ("t.csv --rank two", "invalid value 'two'"),
        ("t.csv --centre", "--rank"),
    ] {
        let ran = desk.run(&format!("scores --matrix {line} -o out.csv")).expect(2);
        assert!(ran.err.contains(said), "{line}: {}", ran.err);
        assert!(!desk.path("out.csv").exists());
    }
}
