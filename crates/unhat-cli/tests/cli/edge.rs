//! Inputs at the edge of what floats hold, as the program tells of them: right, or refused by name, with finite JSON.

use crate::desk::Desk;
use serde_json::Value;

/// Every number of a JSON object is finite; a null is told in the warnings.
fn require_finite(value: &Value) {
    let nulls = value
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, v)| v.is_null() && ["condition", "digits"].contains(&key.as_str()));
    if nulls.count() > 0 {
        assert!(!value["warnings"].as_array().unwrap().is_empty(), "{value}");
    }
}

#[test]
fn scores_of_tiny_columns_are_those_of_the_same_columns_in_other_units() {
    let desk = Desk::new();
    desk.text("one.csv", "a\n1e-170\n3e-170\n").text("subnormal.csv", "a\n1e-309\n3e-309\n");
    desk.text("two.csv", "a,b\n1e-162,2e-162\n3e-162,-1e-162\n");
    for (file, expected) in [("one.csv", [0.1, 0.9]), ("subnormal.csv", [0.1, 0.9]), ("two.csv", [1.0, 1.0])] {
        let ran = desk.run(&format!("scores --matrix {file} --json")).expect(0);
        let found = ran.json();
        require_finite(&found);
        assert!(found["condition"].is_number() && found["digits"].as_f64().unwrap() > 13.0, "{found}");
        for (value, expected) in found["values"].as_array().unwrap().iter().zip(expected) {
            assert!((value.as_f64().unwrap() - expected).abs() < 1e-13, "{found}");
        }
    }
    // The defect of the sum stands in the answer, not only in the JSON.
    let ran = desk.run("scores --matrix two.csv").expect(0);
    assert!(ran.err.contains("their sum is off by"), "{}", ran.err);
}

#[test]
fn a_tiny_row_is_inverted_and_its_certificate_holds() {
    let desk = Desk::new();
    desk.text("t.csv", "a,y\n3.7e-161,-1\n").text("signs.txt", "1\n").text("target.txt", "-1.85e-161\n");
    let ran =
        desk.run("invert gradient --matrix t.csv --response y --target target.txt --signs signs.txt --json").expect(0);
    let found = ran.json();
    require_finite(&found);
    let x = found["values"][0].as_f64().unwrap();
    let exact = 1.0 / 3.7e-161; // σ = 1: −a/(ax + 1) = −a/2
    assert!((x - exact).abs() <= 1e-15 * exact, "{found}");
    assert!(found["certificate"]["euclidean"].as_f64().unwrap() < 1e-14 * exact, "{found}");
}

#[test]
fn what_is_neither_found_nor_ruled_out_is_exit_code_one() {
    let desk = Desk::new();
    // 0.1x + 0.3y within 2e-17 of 0.7: no float lies so near, and nothing proves that no point does.
    desk.matrix("a.npy", &[0.1, 0.3, -0.1, -0.3, 1.0, 0.0, -1.0, 0.0], 2);
    desk.vector("b.npy", &[0.7, -0.700_000_000_000_000_1, -9.0, -9.0]);
    let ran = desk.run("centre --matrix a.npy --offset b.npy --json");
    match ran.code {
        0 => require_finite(&ran.json()),
        code => {
            let error = ran.json()["error"].clone();
            assert_eq!((code, error["kind"].as_str()), (1, Some("undecided")), "{error}");
            assert!(error["message"].as_str().unwrap().contains("could not be found, nor ruled out"), "{error}");
        }
    }
}

#[test]
fn a_certificate_that_costs_more_is_had_by_asking_and_not_beside_weights() {
    let polytope = unhat_testkit::generate::random_polytope(3000, 12, 0.9, 1, None);
    let desk = Desk::with_polytope(&polytope);
    let bound = |options: &str| {
        let ran = desk.run(&format!("centre --matrix a.npy --offset b.npy --json {options}")).expect(0);
        ran.json()["certificate"]["euclidean"].as_f64().unwrap()
    };
    let (plain, asked) = (bound(""), bound("--certify"));
    assert!(asked < 0.01 * plain, "{plain:e} {asked:e}");
    desk.vector("c.npy", &[0.0; 12]);
    let ran =
        desk.run("invert gradient --matrix a.npy --offset b.npy --target c.npy --weights 0.1 --certify").expect(2);
    assert!(ran.err.contains("--certify"), "{}", ran.err);
}
