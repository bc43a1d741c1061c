//! `invert scores`: what is recovered from whole, partial and noisy releases, and what is said where nothing can be.

use crate::desk::{Desk, bits, keys_in_order, numbers, relative_distance};
use serde_json::Value;
use unhat_testkit::generate::{Regression, Stream, random_polytope, regression};

const INVERT: &str = "invert scores --matrix a.npy --offset b.npy";

/// A desk with a regression, its hidden x, and the scores there as the program computes them.
fn desk_of(p: &Regression) -> Desk {
    let desk = Desk::new();
    desk.matrix("a.npy", &p.a, p.d).vector("b.npy", &p.b).vector("hidden.npy", &p.x);
    desk.run("scores --matrix a.npy --offset b.npy --point hidden.npy -o s.csv").expect(0);
    desk
}

/// Writes some of the scores as `part.txt`, and their rows as `rows.txt`.
fn release(desk: &Desk, rows: &[usize]) {
    let scores = desk.numbers("s.csv");
    desk.vector("part.txt", &rows.iter().map(|&i| scores[i]).collect::<Vec<_>>());
    desk.text("rows.txt", &rows.iter().map(|i| format!("{}\n", i + 1)).collect::<String>());
}

fn signs(p: &Regression) -> Vec<f64> {
    let product = |row: &[f64]| row.iter().zip(&p.x).map(|(a, x)| a * x).sum::<f64>();
    p.a.chunks(p.d).zip(&p.b).map(|(row, b)| (product(row) - b).signum()).collect()
}

#[test]
fn scores_give_the_hidden_x_back_without_start_or_signs() {
    let p = regression(200, 5, 3);
    let desk = desk_of(&p);
    let ran = desk.run(&format!("{INVERT} --target s.csv -o x.npy")).expect(0);
    assert!(relative_distance(&desk.numbers("x.npy"), &p.x) < 1e-10);
    for words in [
        "solved: 5 values from 200 scores",
        "weights with",
        "checks: the scores at x sum to d to",
        "proven, near this x only: every x",
        "no other x",
    ] {
        assert!(ran.err.contains(words), "{words} in\n{}", ran.err);
    }
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    let quiet = desk.run(&format!("{INVERT} --target s.csv --quiet")).expect(0);
    assert_eq!((quiet.err.as_str(), bits(&quiet.numbers())), ("", bits(&desk.numbers("x.npy"))));
    desk.vector("signs.txt", &signs(&p)).vector("near.txt", &p.x.iter().map(|x| x + 1e-3).collect::<Vec<_>>());
    for more in [
        "--method lift",
        "--method second-order --signs signs.txt",
        "--method second-order --start near.txt",
        "--method newton --start near.txt",
        "--method first-order --start near.txt",
        "--start near.txt --tol 1e-12 --max-iter 50",
    ] {
        let found = desk.run(&format!("{INVERT} --target s.csv {more}")).expect(0).numbers();
        let bound = if more.contains("first-order") { 1e-5 } else { 1e-9 };
        assert!(relative_distance(&found, &p.x) < bound, "{more}: {found:?}");
    }
}

#[test]
fn some_rows_or_the_largest_scores_are_enough() {
    let p = regression(300, 4, 9);
    let desk = desk_of(&p);
    let scores = desk.numbers("s.csv");
    let mut order: Vec<usize> = (0..300).collect();
    order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
    for rows in [order[..60].to_vec(), (0..300).step_by(5).rev().collect()] {
        release(&desk, &rows);
        let found = desk.run(&format!("{INVERT} --target part.txt --rows rows.txt --json")).expect(0).json();
        assert!(relative_distance(&numbers(&found["values"]), &p.x) < 1e-9, "{found}");
        assert_eq!((found["identified"].as_bool(), &found["target_sum_defect"]), (Some(true), &Value::Null));
    }
    // Too few for a lift: the signs stand in.
    release(&desk, &order[..12]);
    desk.vector("signs.txt", &signs(&p));
    let line = format!("{INVERT} --target part.txt --rows rows.txt");
    let found = desk.run(&format!("{line} --signs signs.txt --json")).expect(0).json();
    assert!(relative_distance(&numbers(&found["values"]), &p.x) < 1e-9, "{found}");
    assert_eq!(found["method"]["solver"], "second-order");
    assert!(found["method"]["reason"].as_str().unwrap().contains("24 released scores, found 12"));
}

#[test]
fn signs_that_the_scores_contradict_are_noticed() {
    let p = regression(100, 3, 4);
    let desk = desk_of(&p);
    let mut wrong = signs(&p);
    wrong[..2].iter_mut().for_each(|sign| *sign = -*sign);
    desk.vector("signs.txt", &signs(&p)).vector("wrong.txt", &wrong);
    let right = desk.run(&format!("{INVERT} --target s.csv --signs signs.txt")).expect(0);
    assert!(!right.err.contains("warning"), "{}", right.err);
    let found = desk.run(&format!("{INVERT} --target s.csv --signs wrong.txt")).expect(0);
    assert!(found.err.contains("outside the chosen cell: the slacks of 2 rows"), "{}", found.err);
    assert!(relative_distance(&found.numbers(), &p.x) < 1e-9);
}

#[test]
fn noise_gives_standard_errors_instead_of_a_proof() {
    let p = regression(400, 4, 5);
    let desk = desk_of(&p);
    let mut stream = Stream::new(1, "noise");
    let noisy: Vec<f64> = desk.numbers("s.csv").iter().map(|s| (s + 1e-6 * stream.normal()).max(0.0)).collect();
    desk.vector("noisy.npy", &noisy);
    let line = format!("{INVERT} --target noisy.npy -o x.npy");
    let ran = desk.run(&format!("{line} --noise 1e-6 --json")).expect(0);
    let object = ran.json();
    let errors = numbers(&object["standard_errors"]);
    for ((found, hidden), error) in desk.numbers("x.npy").iter().zip(&p.x).zip(&errors) {
        assert!((found - hidden).abs() < 5.0 * error && *error < 1e-4, "{found} of {hidden}, {error:e}");
    }
    assert_eq!((&object["certificate"], object["noise_is_estimated"].as_bool()), (&Value::Null, Some(false)));
    for (k, row) in object["covariance"].as_array().unwrap().iter().enumerate() {
        let variance = numbers(row)[k];
        assert!((variance.sqrt() - errors[k]).abs() <= 1e-12 * errors[k]);
    }
    let told = desk.run(&format!("{line} --noise 1e-6")).expect(0);
    assert!(told.err.contains("standard errors of x: ") && told.err.contains("noise 1.0e-6 (given)"), "{}", told.err);
    let unknown = desk.run(&format!("{line} --json")).expect(0);
    assert!(unknown.err.contains("above rounding"), "{}", unknown.err);
    let estimated = unknown.json();
    assert_eq!(estimated["noise_is_estimated"], true);
    assert!((estimated["noise"].as_f64().unwrap() / 1e-6 - 1.0).abs() < 0.2);
}

/// Three digits, or an error for each row, said in the words of `invert hat`; and the same x as the family of slacks.
#[test]
fn errors_are_told_row_by_row_and_slacks_are_a_family_of_weights() {
    let p = regression(60, 3, 8);
    let desk = desk_of(&p);
    let scores = desk.numbers("s.csv");
    let rounded: Vec<f64> = scores.iter().map(|s| format!("{s:.2e}").parse().unwrap()).collect();
    let half = |s: &f64| 0.5 * 10f64.powi(s.log10().floor() as i32 - 2);
    desk.vector("r.txt", &rounded).vector("half.txt", &rounded.iter().map(half).collect::<Vec<_>>());
    let by_digits = desk.run(&format!("{INVERT} --target r.txt --digits 3 --json")).expect(0).json();
    let by_widths = desk.run(&format!("{INVERT} --target r.txt --widths half.txt --json")).expect(0).json();
    assert!(relative_distance(&numbers(&by_digits["values"]), &p.x) < 1e-3, "{by_digits}");
    assert!(relative_distance(&numbers(&by_widths["values"]), &numbers(&by_digits["values"])) < 1e-9);
    let line = "invert hat --matrix a.npy --target s.csv --family slack";
    desk.run(&format!("{line} --offset b.npy --coefficients x.txt -o w.txt")).expect(0);
    assert!(relative_distance(&desk.numbers("x.txt"), &p.x) < 1e-10);
    assert!(desk.run(line).expect(2).err.contains("slack needs b; give --offset"));
}

#[test]
fn what_is_not_identified_is_named_and_no_x_is_written() {
    let mut p = regression(120, 3, 6);
    let base = [0.5, -1.0, 2.0];
    p.b = p.a.chunks(3).map(|row| row.iter().zip(&base).map(|(a, x)| a * x).sum()).collect();
    let table = |row: &[f64]| row.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(",");
    let desk = desk_of(&p);
    desk.text("a.csv", &format!("u,v,w\n{}\n", p.a.chunks(3).map(table).collect::<Vec<_>>().join("\n")));
    let before = desk.names();
    let line = "invert scores --matrix a.csv --offset b.npy --target s.csv";
    let ran = desk.run(&format!("{line} -o x.npy")).expect(1);
    for words in ["not identified: ", "no x was written", "h by name, largest first: ", "candidate", "w ", "range of"] {
        assert!(ran.err.contains(words), "{words} in\n{}", ran.err);
    }
    assert_eq!(desk.names(), before);
    assert_eq!(desk.run(line).expect(1).out, "", "nor printed");
    let object = desk.run(&format!("{line} --json")).expect(1).json();
    assert_eq!((object["status"].as_str(), object["identified"].as_bool()), (Some("not_identified"), Some(false)));
    assert!(object.get("values").is_none());
    let h = numbers(&object["null_direction"]);
    let hidden: Vec<f64> = p.x.iter().zip(&base).map(|(x, b)| x - b).collect();
    let ratio = hidden[0] / h[0];
    assert!(relative_distance(&h.iter().map(|v| ratio * v).collect::<Vec<_>>(), &hidden) < 1e-7, "{h:?}");
    assert!(!object["candidates"].as_array().unwrap().is_empty());
    // Fewer scores than parameters; columns without names.
    let p = regression(100, 4, 2);
    let desk = desk_of(&p);
    release(&desk, &[3, 50, 77]);
    desk.vector("near.txt", &p.x.iter().map(|x| x + 1e-4).collect::<Vec<_>>());
    let few = desk.run(&format!("{INVERT} --target part.txt --rows rows.txt --start near.txt -o x.npy")).expect(1);
    assert!(few.err.contains("not identified: ") && few.err.contains("largest first: x"), "{}", few.err);
    assert!(!desk.path("x.npy").exists());
}

/// Two rows of one column: the ratio of the slacks is known, its sign is not.
#[test]
fn several_candidates_that_fit_as_well_are_listed_and_none_is_written() {
    let desk = Desk::new();
    desk.text("a.csv", "1\n1\n").text("b.txt", "0 1").text("s.txt", "0.3 0.5");
    let line = "invert scores --matrix a.csv --offset b.txt --target s.txt -o x.csv";
    let ran = desk.run(line).expect(1);
    for words in ["not identified: several candidates", "no x was written", "candidate", "found from"] {
        assert!(ran.err.contains(words), "{words} in\n{}", ran.err);
    }
    let object = desk.run(&format!("{line} --json")).expect(1).json();
    assert_eq!((object["status"].as_str(), &object["null_direction"]), (Some("not_identified"), &Value::Null));
    let found = object["candidates"].as_array().unwrap().iter().map(|c| c["x"][0].as_f64().unwrap());
    let ratio = (0.6_f64 / 0.4).sqrt(); // |x - 0| / |x - 1|
    let expected = [ratio / (ratio + 1.0), ratio / (ratio - 1.0)];
    let hits: Vec<f64> = found.collect();
    assert!(expected.iter().all(|x| hits.iter().any(|hit| (hit - x).abs() < 1e-6)), "{hits:?}");
    assert!(!desk.path("x.csv").exists());
}

#[test]
fn a_polytope_is_a_known_cell() {
    let desk = Desk::new();
    desk.text("p.ine", "H-representation\nbegin\n 4 3 integer\n 0 1 0\n 0 0 1\n 1 -1 0\n 2 -1 -2\nend\n");
    desk.text("x.txt", "0.25 0.5");
    desk.run("scores --polytope p.ine --point x.txt -o s.npy").expect(0);
    let ran = desk.run("invert scores --polytope p.ine --target s.npy --json").expect(0).json();
    assert!(relative_distance(&numbers(&ran["values"]), &[0.25, 0.5]) < 1e-9, "{ran}");
    assert_eq!(ran["candidates"][0]["origin"], "volumetric centre");
}

#[test]
fn upper_is_the_cell_below() {
    let p = random_polytope(30, 5, 0.5, 4, None);
    let desk = Desk::new();
    let negated = |values: &[f64]| values.iter().map(|v| -v).collect::<Vec<f64>>();
    desk.matrix("a.npy", &negated(&p.a), 5).vector("b.npy", &negated(&p.b)).vector("hidden.npy", &p.hidden);
    desk.run("scores --matrix a.npy --offset b.npy --point hidden.npy -o s.csv").expect(0);
    let found = desk.run(&format!("{INVERT} --target s.csv --upper")).expect(0).numbers();
    assert!(relative_distance(&found, &p.hidden) < 1e-9, "{found:?}");
}

#[test]
fn the_object_has_its_keys_in_order() {
    let desk = desk_of(&regression(60, 2, 1));
    let ran = desk.run(&format!("{INVERT} --target s.csv --json --seed 3")).expect(0);
    let object = ran.json();
    let keys = "schema command status identified unique silent_rows null_direction weakest_share iterations passes work residual candidates \
                lift lift_defect score_sum score_sum_defect target_sum_defect certificate noise noise_is_estimated \
                standard_errors covariance condition method seconds seed threads version warnings values";
    let mut expected: Vec<&str> = keys.split_whitespace().collect();
    let mut found = keys_in_order(&ran.out);
    assert_eq!((found.first().map(String::as_str), found.last().map(String::as_str)), (Some("schema"), Some("values")));
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!((object["command"].as_str(), object["status"].as_str()), (Some("invert scores"), Some("solved")));
    for key in ["x", "residual", "origin", "status", "iterations"] {
        assert!(object["candidates"][0].get(key).is_some(), "{key}");
    }
    assert_eq!(object["candidates"][0]["x"], object["values"]);
    assert_eq!((object["method"]["solver"].as_str(), &object["lift"]), (Some("weights"), &Value::Null));
    let lifted = desk.run(&format!("{INVERT} --target s.csv --json --method lift")).expect(0).json();
    assert_eq!((lifted["method"]["solver"].as_str(), lifted["lift"]["unknowns"].as_u64()), (Some("lift"), Some(8)));
    assert!(lifted["lift_defect"].as_f64().unwrap() < 1e-8);
    assert!((object["score_sum"].as_f64().unwrap() - 2.0).abs() < 1e-12);
    for key in ["q_norm", "euclidean", "within", "rounding"] {
        assert!(object["certificate"][key].as_f64().unwrap() >= 0.0, "{key}");
    }
}

#[test]
fn a_limit_of_steps_leaves_the_best_point_and_the_history_of_its_fit() {
    let p = regression(80, 3, 2);
    let desk = desk_of(&p);
    desk.vector("near.txt", &p.x.iter().map(|x| x + 1e-3).collect::<Vec<_>>());
    let line = format!("{INVERT} --target s.csv --method newton --start near.txt");
    let cut = desk.run(&format!("{line} --max-iter 1 -o x.npy --history h.csv")).expect(1);
    assert!(cut.err.contains("not converged: --max-iter 1 is used up"), "{}", cut.err);
    assert_eq!(desk.numbers("x.npy").len(), 3);
    assert_eq!(desk.read("h.csv").lines().count(), 3, "the head, the start and a step");
    let verbose = desk.run(&format!("{line} -v")).expect(0);
    assert!(verbose.err.contains("found from") && verbose.err.contains("start point"), "{}", verbose.err);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let desk = desk_of(&regression(3_000, 6, 8));
    for more in ["", "--noise 1e-9", "--method second-order --start near.txt"] {
        let near: Vec<f64> = desk.numbers("hidden.npy").iter().map(|x| x + 1e-4).collect();
        desk.vector("near.txt", &near);
        let strip = |threads: u8| {
            let line = format!("{INVERT} --target s.csv {more} --json --threads {threads}");
            let mut object = desk.run(&line).expect(0).json();
            let fields = object.as_object_mut().unwrap();
            ["seconds", "threads"].iter().for_each(|key| drop(fields.remove(*key)));
            object
        };
        let alone = strip(1);
        for threads in [2, 7] {
            assert_eq!(alone, strip(threads), "{more}: {threads}");
        }
    }
}
