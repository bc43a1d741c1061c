//! `invert gradient --weights`: the minima that are found, and what the object and the summary say of them.

use crate::desk::{Desk, keys_in_order, numbers};
use serde_json::Value;
use unhat_testkit::generate::random_polytope;
use unhat_testkit::known::{MinimaCase, minima_cases};

const INVERT: &str = "invert gradient --matrix a.npy --offset b.npy --target c.npy";

fn desk_of(case: &MinimaCase) -> Desk {
    let desk = Desk::new();
    desk.matrix("a.npy", &case.a, case.d).vector("b.npy", &case.b).vector("c.npy", &case.c).vector("w.npy", &case.w);
    desk
}

/// Two wells, one of them at a facet: −1 < x < 1 with c = −50 and w = 20.
fn two_wells() -> Desk {
    let desk = Desk::new();
    desk.matrix("a.npy", &[1.0, -1.0], 1).vector("b.npy", &[-1.0; 2]).vector("c.npy", &[-50.0]);
    desk
}

#[test]
fn every_known_minimum_of_small_cases_is_listed_best_first() {
    let small = |case: &&MinimaCase| case.d <= 2 && case.complete;
    let cases = minima_cases();
    let mut several = 0;
    for case in cases.iter().filter(small).step_by(2) {
        let desk = desk_of(case);
        let found = desk.run(&format!("{INVERT} --weights w.npy --json -o x.npy")).expect(0).json();
        let minima = found["minima"].as_array().unwrap();
        let known = case.minima();
        let unique = found["certificate"]["kind"] == "unique";
        // A best minimum that is proven to be the only global one ends the search for others.
        assert!(minima.len() == known.len() || unique, "{}: {} of {}", case.name, minima.len(), known.len());
        several += usize::from(minima.len() > 1);
        for (listed, known) in minima.iter().zip(&known) {
            let objective = listed["objective"].as_f64().unwrap();
            assert!((objective - known.objective).abs() <= 1e-9 * known.objective, "{}: {objective}", case.name);
            assert_eq!(listed["strict"], true);
        }
        assert_eq!(numbers(&minima[0]["x"]), desk.numbers("x.npy"), "{}", case.name);
        let distance = desk.numbers("x.npy").iter().zip(&known[0].x).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(distance < 1e-8, "{}: {distance:e}", case.name);
        assert_eq!(found["objective"], minima[0]["objective"]);
        assert!(["unique", "global"].contains(&found["certificate"]["kind"].as_str().unwrap()), "{}", case.name);
        assert_eq!(minima[0]["within"], Value::Null, "the whole cell");
    }
    assert!(several >= 3, "cases with several minima: {several}");
}

#[test]
fn the_object_has_its_keys_in_order() {
    let desk = two_wells();
    let keys = "schema command status iterations passes work residual objective certificate minima folds search \
                strictness condition method start seconds seed threads version warnings values";
    let ran = desk.run(&format!("{INVERT} --weights 20 --json")).expect(0);
    let object = ran.json();
    let all: Vec<&str> = keys.split_whitespace().collect();
    // `objective`, `start` and the like also stand inside; the first of each is the one at the top.
    assert_eq!(keys_in_order(&ran.out), all);
    assert_eq!((object["command"].as_str(), object["status"].as_str()), (Some("invert gradient"), Some("solved")));
    let minima = object["minima"].as_array().unwrap();
    assert_eq!(minima.len(), 2);
    for minimum in minima {
        let mut keys: Vec<&String> = minimum.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["objective", "strict", "within", "x"]);
    }
    assert!(minima[0]["objective"].as_f64() < minima[1]["objective"].as_f64());
    assert!(minima[1]["within"].as_f64().unwrap() < 1.0);
    for key in ["within", "least_curvature", "residual_slope", "outside_margin"] {
        assert!(object["certificate"][key].is_number(), "{key}");
    }
    let folds = object["folds"].as_array().unwrap();
    assert!(!folds.is_empty());
    for fold in folds {
        assert!(fold["weight_scale"].as_f64().unwrap() > 0.0 && fold["index"].is_u64());
        assert!(["born", "dies"].contains(&fold["direction"].as_str().unwrap()));
    }
    assert!(object["warnings"].as_array().unwrap().iter().any(|w| w == "only the cell of the start was searched"));
    assert_eq!(object["method"]["solver"], "exact");
    assert_eq!((object["search"].as_str(), &object["strictness"]), (Some("complete"), &Value::Null));
    let x = numbers(&object["values"]);
    assert!((x[0] + 0.979_874_297_413_533).abs() < 1e-12);
}

#[test]
fn the_summary_says_how_many_how_good_and_what_is_proven() {
    let desk = two_wells();
    let ran = desk.run(&format!("{INVERT} --weights 20 -o x.csv")).expect(0);
    for words in ["solved: 2 minima found, best objective", "proven: ", "note: only the cell of the start was searched"]
    {
        assert!(ran.err.contains(words), "{words} in\n{}", ran.err);
    }
    assert!(!ran.err.contains("fold") && !ran.err.contains("warning"), "{}", ran.err);
    let quiet = desk.run(&format!("{INVERT} --weights 20 --quiet")).expect(0);
    assert_eq!((quiet.err.as_str(), quiet.numbers()), ("", desk.numbers("x.csv")));
    let verbose = desk.run(&format!("{INVERT} --weights 20 -v --history h.csv -o x.csv")).expect(0);
    for words in ["descending from both natural starts:", "fold: at ", "times the weights", "found from", "regulariser"]
    {
        assert!(verbose.err.contains(words), "{words} in\n{}", verbose.err);
    }
    assert!(desk.read("h.csv").lines().count() > 10);
    let small = desk.run(&format!("{INVERT} --weights 0.001")).expect(0);
    assert!(small.err.contains("1 minimum found") && small.err.contains("only global minimum of the cell"));
}

#[test]
fn a_number_is_that_weight_for_every_row_and_threads_change_no_bit() {
    let desk = Desk::with_polytope(&random_polytope(40, 2, 0.99, 2, Some(3.0)));
    desk.vector("w.txt", &[30.0; 40]);
    let strip = |line: &str| {
        let mut object = desk.run(&format!("{INVERT} {line} --json")).expect(0).json();
        let fields = object.as_object_mut().unwrap();
        ["seconds", "threads", "start"].iter().for_each(|key| drop(fields.remove(*key)));
        object
    };
    let number = strip("--weights 30 --threads 1");
    assert_eq!(number, strip("--weights w.txt --threads 1"));
    assert_eq!(number, strip("--weights 3e1 --threads 5 --solver auto"));
}

#[test]
fn prove_reaches_beyond_three_dimensions() {
    let desk = Desk::with_polytope(&random_polytope(60, 4, 0.5, 1, None));
    let plain = desk.run(&format!("{INVERT} --weights 1 --json")).expect(0).json();
    let proven = desk.run(&format!("{INVERT} --weights 1 --prove --json")).expect(0).json();
    assert_eq!(plain["minima"][0]["objective"], proven["minima"][0]["objective"]);
    if plain["certificate"]["kind"] != "unique" {
        assert_eq!(plain["certificate"]["boxes"], Value::Null);
        assert!(proven["certificate"]["boxes"].as_u64() > Some(0));
    }
}

#[test]
fn a_search_without_steps_is_not_converged_and_says_so() {
    let desk = Desk::with_polytope(&random_polytope(60, 4, 0.99, 5, None));
    let ran = desk.run(&format!("{INVERT} --weights 3 --max-iter 1 -o x.csv")).expect(1);
    assert!(ran.err.contains("not converged: ") && ran.err.contains("lowest point"), "{}", ran.err);
    assert!(desk.numbers("x.csv").iter().all(|v| v.is_finite()));
}

/// Every solver ends in the same minimum, says its name, and one descent ends earlier than the search and says so.
#[test]
fn solvers_agree_beside_weights_and_a_single_descent_says_that_it_searched_nothing() {
    let desk = Desk::with_polytope(&random_polytope(1500, 6, 0.9, 4, None));
    let solved = |line: &str| desk.run(&format!("{INVERT} --weights 0.3 {line} --json")).expect(0).json();
    let best = solved("");
    for solver in ["exact", "cg", "coreset"] {
        let found = solved(&format!("--solver {solver}"));
        assert_eq!((&found["method"]["solver"], &found["method"]["reason"]), (&solver.into(), &"asked for".into()));
        let (x, y) = (numbers(&found["values"]), numbers(&best["values"]));
        assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() < 1e-7 * y.abs().max(1e-3)), "{solver}: {x:?} {y:?}");
    }
    let first = solved("--minima first --solver cg");
    assert_eq!((first["search"].as_str(), first["minima"].as_array().map(Vec::len)), (Some("none"), Some(1)));
    assert_eq!((&first["certificate"], &first["minima"][0]["strict"]), (&Value::Null, &true.into()));
    assert!(first["strictness"]["least"].as_f64() > Some(0.0) && first["passes"].as_u64() < best["passes"].as_u64());
    let said = desk.run(&format!("{INVERT} --weights 0.3 --minima first --solver cg -o x.csv")).expect(0).err;
    assert!(said.contains("proven: nothing; ") && said.contains("searched: no further than the starts"), "{said}");
    let refused = desk.run(&format!("{INVERT} --weights 0.3 --solver surrogate")).expect(2).err;
    assert!(refused.contains("surrogate is for the problem without weights"), "{refused}");
    desk.run(&format!("{INVERT} --minima first")).expect(2);
}

#[test]
fn the_diagonal_form_prints_its_ratio_and_is_refused_where_weights_are_light() {
    let desk = Desk::with_polytope(&random_polytope(200, 6, 0.7, 3, None));
    let line = "invert gradient --matrix a.npy --offset b.npy --target c.npy --solver diagonal";
    let found = desk.run(&format!("{line} --weights 20 --json -o x.npy")).expect(0);
    assert!(found.out.contains("\"ratio\":[") && found.out.contains("\"solver\":\"diagonal\""), "{}", found.out);
    let light = desk.run(&format!("{line} --weights 0.5 -o y.npy")).expect(2);
    assert!(light.err.contains("needs a regulariser that dominates") && light.err.contains("lie in"), "{}", light.err);
    assert!(!desk.path("y.npy").exists());
    assert!(desk.run(line).expect(2).err.contains("--solver: diagonal needs weights"));
}
