//! `scores` and `gradient`: values, formats, the JSON object, rank.

use crate::desk::{Desk, Ran, bits, keys_in_order, numbers, relative_distance};
use std::io::Write;
use std::process::Stdio;
use unhat_testkit::generate::random_polytope;
use unhat_testkit::known;
use unhat_testkit::orthonormal::leverage_scores;

#[test]
fn every_output_holds_the_same_bits() {
    let desk = Desk::new();
    desk.text("a.csv", "town,x,y\nAgen,1,0.5\nBari,1,-2\nCuba,1,3\n\"D, E\",1,0.25\n");
    let printed = desk.run("scores --matrix a.csv").expect(0).numbers();
    let expected = leverage_scores::<f64>(&[1.0, 0.5, 1.0, -2.0, 1.0, 3.0, 1.0, 0.25], 2);
    assert!(relative_distance(&printed, &expected) < 1e-14);
    for name in ["s.csv", "s.tsv", "s.txt", "s.npy"] {
        assert_eq!(desk.run(&format!("scores --matrix a.csv -o {name}")).expect(0).out, "");
        assert_eq!(bits(&desk.numbers(name)), bits(&printed), "{name}");
    }
    let inside = desk.run("scores --matrix a.csv --json").expect(0).json();
    assert_eq!(bits(&numbers(&inside["values"])), bits(&printed));
    assert!(desk.run("scores --matrix a.csv --json -o s.npy").expect(0).json().get("values").is_none());
    assert!(desk.read("s.csv").starts_with("row,leverage\nAgen,"), "{}", desk.read("s.csv"));
    assert!(desk.read("s.csv").contains("\n\"D, E\","));
    desk.text("plain.csv", "1,0.5\n1,-2\n1,3\n");
    desk.run("scores --matrix plain.csv -o p.tsv").expect(0);
    assert!(desk.read("p.tsv").starts_with("row\tleverage\n1\t"));
}

#[test]
fn the_object_of_scores_has_its_keys_in_order() {
    let desk = Desk::new();
    desk.text("a.csv", "1,2\n3,5\n-1,4\n");
    let ran = desk.run("scores --matrix a.csv --json --seed 7 --threads 2").expect(0);
    let keys = "schema command status condition digits score_sum_defect rank sum effective_dimension method seconds \
                seed threads version warnings values";
    assert_eq!(keys_in_order(&ran.out), keys.split_whitespace().collect::<Vec<_>>());
    let object = ran.json();
    assert_eq!((object["schema"].as_u64(), object["status"].as_str()), (Some(1), Some("solved")));
    assert_eq!((object["seed"].as_u64(), object["threads"].as_u64()), (Some(7), Some(2)));
    assert_eq!(object["rank"], 2);
    assert!(object["method"]["factor"].is_string() && object["method"]["reason"].is_string());
}

/// Hat values that R computed from its own data sets.
#[test]
fn real_tables_agree_with_their_published_hat_values() {
    for case in known::hat_cases().iter().take(6) {
        let desk = Desk::new();
        desk.matrix("a.npy", &case.weighted_rows(), case.d);
        let scores = desk.run("scores --matrix a.npy").expect(0).numbers();
        let worst = scores.iter().zip(&case.hat).map(|(s, h)| (s - h).abs()).fold(0.0, f64::max);
        assert!(worst <= case.tolerance, "{}: {worst:e}", case.name);
    }
}

#[test]
fn at_a_point_the_rows_are_divided_by_their_slack() {
    let polytope = random_polytope(40, 3, 0.5, 4, Some(3.0));
    let desk = Desk::with_polytope(&polytope);
    let slack = polytope.slack(&polytope.hidden);
    let scaled: Vec<f64> = polytope.a.iter().enumerate().map(|(k, a)| a / slack[k / 3]).collect();
    let expected = leverage_scores::<f64>(&scaled, 3);
    let scores = desk.run("scores --matrix a.npy --offset b.npy --point hidden.npy").expect(0).numbers();
    assert!(relative_distance(&scores, &expected) < 1e-13);
    let gradient: Vec<f64> = (0..3).map(|j| -(0..40).map(|i| scaled[3 * i + j] * expected[i]).sum::<f64>()).collect();
    assert!(relative_distance(&desk.numbers("c.npy"), &gradient) < 1e-12);
    assert!(desk.run("gradient --matrix a.npy --offset b.npy --point hidden.npy -o g.csv").expect(0).out.is_empty());
    assert!(desk.read("g.csv").starts_with("index,value\n1,"));
    desk.run("scores --matrix a.npy --offset b.npy").expect(2);
    desk.run("scores --matrix a.npy --point hidden.npy").expect(2);
}

/// Release and recovery do not care whether b is a file or a column of the table.
#[test]
fn a_response_is_an_offset() {
    let desk = Desk::new();
    desk.text("t.csv", "y,u,v\n1,1,2\n0,3,1\n2,-1,1\n5,1,1\n-4,2,-3\n").text("x.txt", "0.3\n0.25\n0.125\n");
    desk.text("a.csv", "1,1,2\n1,3,1\n1,-1,1\n1,1,1\n1,2,-3\n").text("b.txt", "1,0,2,5,-4\n");
    let table = desk.run("gradient --matrix t.csv --response y --intercept --point x.txt").expect(0);
    let files = desk.run("gradient --matrix a.csv --offset b.txt --point x.txt").expect(0);
    assert_eq!(table.out, files.out);
    let picked = desk.run("gradient --matrix t.csv --columns v,u --response y --intercept --point x.txt").expect(0);
    assert_ne!(table.out, picked.out);
    let scores = desk.run("scores --matrix t.csv --response y --intercept --point x.txt --json").expect(0).json();
    assert_eq!(scores["rank"], 3);
    let without = desk.run("scores --matrix t.csv --response y").expect(0);
    assert_eq!(without.out, desk.run("scores --matrix t.csv --columns u,v").expect(0).out);
    desk.run("gradient --matrix t.csv --response y --offset b.txt --point x.txt").expect(2);
}

#[test]
fn standard_input_is_a_file_of_text() {
    let desk = Desk::new();
    let mut command = desk.command("scores --matrix -");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"1,0\n1,1\n1,2\n").unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let first: f64 = out.lines().next().unwrap().parse().unwrap();
    assert!((first - 5.0 / 6.0).abs() < 1e-14);
}

#[test]
fn ridge_scores_add_up_to_the_effective_dimension() {
    let desk = Desk::new();
    desk.text("a.csv", "1,0\n0,2\n1,0\n"); // singular values √2 and 2
    let object = desk.run("scores --matrix a.csv --ridge 2 --json").expect(0).json();
    let expected = 2.0 / (2.0 + 2.0) + 4.0 / (4.0 + 2.0);
    assert!((object["effective_dimension"].as_f64().unwrap() - expected).abs() < 1e-14);
    assert!(object["score_sum_defect"].is_null());
    assert!(desk.run("scores --matrix a.csv --ridge 2").expect(0).err.contains("effective dimension 1.16"));
}

#[test]
fn dependent_columns_are_a_warning_or_an_error_that_names_the_rank() {
    let desk = Desk::new();
    desk.text("a.csv", "1,2,3\n4,5,9\n7,8,15\n1,0,1\n").text("b.txt", "-1 -1 -1 -1").text("x.txt", "0 0 0");
    let object = desk.run("scores --matrix a.csv --json").expect(0).json();
    assert_eq!(object["rank"], 2);
    assert!((numbers(&object["values"]).iter().sum::<f64>() - 2.0).abs() < 1e-12);
    assert!(object["warnings"][0].as_str().unwrap().contains("rank 2"), "{object}");
    let refusals = [
        "scores --matrix a.csv --strict",
        "gradient --matrix a.csv --offset b.txt --point x.txt",
        "invert gradient --matrix a.csv --offset b.txt --target x.txt",
        "centre --matrix a.csv --offset b.txt",
    ];
    for line in refusals {
        let refused: Ran = desk.run(&format!("{line} --json -o out.npy")).expect(2);
        assert!(refused.err.contains("rank 2"), "{line}: {}", refused.err);
        assert_eq!(refused.json()["error"]["kind"], "rank_deficient");
        assert_eq!(
            (refused.json()["error"]["rank"].as_u64(), refused.json()["error"]["columns"].as_u64()),
            (Some(2), Some(3))
        );
        assert!(!desk.path("out.npy").exists());
    }
    desk.text("wide.csv", "1,2,3\n4,5,6\n");
    let wide = desk.run("scores --matrix wide.csv --json").expect(0).json();
    assert_eq!(wide["rank"], 2);
}
