//! `--report` of scores, centre and inversions: a page written whole, with the numbers of the JSON, or none at all.

use crate::desk::{Desk, numbers};
use serde_json::Value;
use unhat_testkit::generate::{random_polytope, regression};

/// A table with a response, and at `x.npy` coefficients apart from its fit; its scores and its gradient there.
fn desk() -> Desk {
    let r = regression(80, 2, 3);
    let desk = Desk::new();
    let mut table = "first,<script>alert(1)</script>,y\n".to_string();
    for (row, b) in r.a.chunks(2).zip(&r.b) {
        table += &format!("{:?},{:?},{b:?}\n", row[0], row[1]);
    }
    desk.text("my table.csv", &table).text("t.csv", &table).vector("x.npy", &[0.7, -1.9]);
    desk.run("scores --matrix t.csv --response y --point x.npy -o s.npy").expect(0);
    desk.run("gradient --matrix t.csv --response y --point x.npy -o g.npy").expect(0);
    desk
}

/// The page, and the data in it; fails unless it is whole and safe.
fn page(desk: &Desk, name: &str) -> (String, Value) {
    let page = desk.read(name);
    assert!(page.to_lowercase().starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("<script>alert"), "a column's name stays text");
    assert!(page.contains("Content-Security-Policy"));
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data = serde_json::from_str(data).unwrap();
    (page, data)
}

/// Equal to the four digits that a page keeps.
fn same(shown: &Value, exact: &Value) {
    match (shown.as_f64(), exact.as_f64()) {
        (Some(shown), Some(exact)) => assert!((shown - exact).abs() <= 5.01e-4 * exact.abs(), "{shown} {exact}"),
        (shown, exact) => assert_eq!(shown, exact),
    }
}

#[test]
fn the_page_of_scores_holds_their_sum_their_spread_and_the_largest() {
    let desk = desk();
    let ran = desk.run("scores --matrix t.csv --response y --point x.npy --report r.html -o again.npy").expect(0);
    assert!(ran.err.contains("report: r.html"), "{}", ran.err);
    let (text, data) = page(&desk, "r.html");
    let scores = desk.numbers("again.npy");
    let largest = (0..scores.len()).max_by(|&i, &k| scores[i].total_cmp(&scores[k])).unwrap();
    assert_eq!(data["top"][0]["row"], largest as u64 + 1);
    same(&data["top"][0]["score"], &scores[largest].into());
    same(&data["sum"], &scores.iter().sum::<f64>().into());
    let counted =
        numbers(&data["histogram"]["count"]).iter().sum::<f64>() + data["histogram"]["outside"].as_f64().unwrap();
    assert_eq!(counted, 80.0);
    assert!(data["checks"][0]["ok"] == true && data["checks"][0]["expected"] == 2.0);
    assert!(text.contains("of A_x at the point x.npy") && text.contains("--report r.html"));
    desk.run("scores --matrix t.csv --columns first --ridge 0.5 --report ridge.html -q").expect(0);
    let (_, ridge) = page(&desk, "ridge.html");
    assert!(ridge["checks"].as_array().unwrap().is_empty(), "nothing says what the sum should be");
    assert_eq!(ridge["of"], "hat values of the rows, with ridge 0.5");
}

#[test]
fn the_page_of_a_gradient_holds_the_steps_the_proof_and_the_standard_errors_of_the_json() {
    let desk = desk();
    let line = "invert gradient --matrix t.csv --response y --target g.npy --start x.npy";
    let json = desk.run(&format!("{line} --report r.html --json")).expect(0).json();
    let (text, data) = page(&desk, "r.html");
    for key in ["residual", "condition", "iterations", "passes"] {
        same(&data[key], &json[key]);
    }
    same(&data["proof"]["euclidean"], &json["certificate"]["euclidean"]);
    same(&data["proof"]["slacks"], &json["certificate"]["q_norm"]);
    let steps = data["history"][0]["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["iteration"], json["iterations"]);
    assert!(steps.iter().any(|step| step["certificate"].is_number()), "the distance proven so far");
    assert!(text.contains("the exact solution in this cell"));
    assert!(data["standard_errors"].as_array().unwrap().is_empty());
    let noisy = desk.run(&format!("{line} --noise 1e-3 --report n.html --json")).expect(0).json();
    let (text, data) = page(&desk, "n.html");
    for j in 0..2 {
        same(&data["standard_errors"][j]["error"], &noisy["standard_errors"][j]);
        same(&data["standard_errors"][j]["value"], &noisy["values"][j]);
    }
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn the_page_of_a_regularised_inversion_lists_every_minimum() {
    let desk = Desk::with_polytope(&random_polytope(30, 2, 0.7, 5, Some(2.0)));
    let line = "invert gradient --matrix a.npy --offset b.npy --target c.npy --weights 0.3";
    let json = desk.run(&format!("{line} --report r.html --json")).expect(0).json();
    let (text, data) = page(&desk, "r.html");
    let minima = json["minima"].as_array().unwrap();
    assert_eq!(data["candidates"].as_array().unwrap().len(), minima.len());
    for (shown, minimum) in data["candidates"].as_array().unwrap().iter().zip(minima) {
        same(&shown["objective"], &minimum["objective"]);
    }
    same(&data["objective"], &json["objective"]);
    same(&data["proof"]["slacks"], &json["certificate"]["slack_error"]);
    assert!(text.contains(data["proof"]["statement"].as_str().unwrap().split_once(' ').unwrap().1));
    // The diagonal form takes weights that dominate only.
    let desk = Desk::with_polytope(&random_polytope(200, 6, 0.7, 3, None));
    let line =
        "invert gradient --matrix a.npy --offset b.npy --target c.npy --solver diagonal --weights 20 --report d.html";
    desk.run(line).expect(0);
    assert_eq!(page(&desk, "d.html").1["solver"], "diagonal");
}

#[test]
fn the_page_of_inverted_scores_holds_the_lift_the_candidates_and_the_bound() {
    let desk = desk();
    let line = "invert scores --matrix t.csv --response y --target s.npy";
    let json = desk.run(&format!("{line} --report r.html --json")).expect(0).json();
    let (text, data) = page(&desk, "r.html");
    same(&data["residual"], &json["residual"]);
    same(&data["proof"]["euclidean"], &json["certificate"]["euclidean"]);
    same(&data["proof"]["within"], &json["certificate"]["within"]);
    same(&data["lift"]["rows"], &json["lift"]["rows"]);
    same(&data["lift"]["product_defect"], &json["lift_defect"]);
    same(&data["candidates"][0]["residual"], &json["candidates"][0]["residual"]);
    assert!(data["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true));
    assert!(text.contains("every x nearby with these scores"));
    let noisy = desk.run(&format!("{line} --noise 1e-6 --report n.html --json")).expect(0).json();
    same(&page(&desk, "n.html").1["standard_errors"][1]["error"], &noisy["standard_errors"][1]);
}

#[test]
fn a_direction_that_the_scores_leave_open_is_named_in_the_page() {
    let r = regression(60, 2, 4);
    let b: Vec<f64> = r.a.chunks(2).map(|row| row[0] - 2.0 * row[1]).collect(); // b in the range of A
    let desk = Desk::new();
    desk.matrix("a.npy", &r.a, 2).vector("b.npy", &b).vector("x.npy", &[0.4, 0.9]);
    desk.run("scores --matrix a.npy --offset b.npy --point x.npy -o s.npy").expect(0);
    let line = "invert scores --matrix a.npy --offset b.npy --target s.npy --report r.html --json";
    let json = desk.run(line).expect(1).json();
    let (text, data) = page(&desk, "r.html");
    assert_eq!((&data["status"], &data["solved"]), (&"not identified".into(), &false.into()));
    for (shown, exact) in
        data["null_direction"].as_array().unwrap().iter().zip(json["null_direction"].as_array().unwrap())
    {
        same(&shown["entry"], exact);
    }
    assert!(text.contains("Not determined.") && text.contains("The direction left open"));
}

#[test]
fn the_page_of_a_centre_says_how_small_the_gradient_is_there() {
    let desk = Desk::with_polytope(&random_polytope(40, 3, 0.5, 2, None));
    let json = desk.run("centre --matrix a.npy --offset b.npy --report r.html --json").expect(0).json();
    let (text, data) = page(&desk, "r.html");
    same(&data["residual"], &json["residual"]);
    assert!(text.contains("The volumetric centre") && text.contains("<svg") && data["target_norm"].is_null());
    // A run that is cut short has its page as well.
    desk.run("centre --matrix a.npy --offset b.npy --max-iter 1 --report short.html").expect(1);
    assert_eq!(page(&desk, "short.html").1["status"], "iteration limit");
}

#[test]
fn the_command_in_the_page_can_be_pasted_into_a_shell() {
    let desk = desk();
    let mut command = desk.command("scores --response y --point x.npy -q -o again.npy --report r.html");
    command.args(["--matrix", "my table.csv"]);
    crate::desk::Ran::of(command).expect(0);
    let (_, data) = page(&desk, "r.html");
    let shown = data["tool"]["command"].as_str().unwrap();
    assert!(shown.starts_with("unhat scores ") && shown.ends_with("--matrix 'my table.csv'"), "{shown}");
}

#[test]
fn a_place_that_takes_no_page_is_refused_before_anything_is_written() {
    let desk = desk();
    let before = desk.names();
    let lines = [
        "scores --matrix t.csv",
        "invert gradient --matrix t.csv --response y --target g.npy --start x.npy",
        "invert gradient --matrix t.csv --response y --target g.npy --start x.npy --weights 0.1",
        "invert scores --matrix t.csv --response y --target s.npy",
        "centre --matrix t.csv --response y --start x.npy",
    ];
    for line in lines {
        for (place, word) in [("r.pdf", ".html"), ("nowhere/r.html", "nowhere")] {
            let ran = desk.run(&format!("{line} -o out.npy --report {place} --json")).expect(2);
            assert!(ran.err.contains(word), "{line}: {}", ran.err);
            assert_eq!(ran.json()["status"], "error");
        }
    }
    // Nor does a run that fails leave a page.
    desk.run("invert gradient --matrix t.csv --response y --target x.npy --upper --report r.html").expect(2);
    assert_eq!(desk.names(), before);
}
