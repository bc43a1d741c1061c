//! Formulas beyond `diagnose`: `scores`, `influence`, `train` and `predict` take the model matrix of a table.

use crate::desk::{Desk, bits, numbers, relative_distance};
use crate::diagnose::{HAT, TABLE};
use unhat_testkit::orthonormal::leverage_scores;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.text("t.csv", TABLE);
    // A table large and wide enough for several chunks: two factors, weights with a zero, a column that is the sum of two.
    let mut text = String::from("y,x,z,sum,wool,tension,w,n\n");
    for i in 0..900 {
        let (x, z) = ((f64::from(i) * 0.37).sin() * 3.0, (f64::from(i) * 0.11).cos());
        let (wool, tension) = (["A", "B"][i as usize % 2], ["L", "M", "H"][(i as usize / 7) % 3]);
        let y = 1.0 + x - z + f64::from(i % 13);
        text += &format!("{y:?},{x:?},{z:?},{:?},{wool},{tension},{},{}\n", x + z, i % 5, 1 + i % 4);
    }
    desk.text("w.csv", &text);
    desk
}

/// A column of a CSV without quotes.
fn column(table: &str, name: &str) -> Vec<String> {
    let k = table.lines().next().unwrap().split(',').position(|word| word == name).unwrap();
    table.lines().skip(1).map(|line| line.split(',').nth(k).unwrap().to_string()).collect()
}

#[test]
fn scores_of_a_formula_are_the_hat_values_of_r_and_the_bits_of_diagnose() {
    let desk = desk();
    let found = desk.run("scores t.csv --formula y~x+g --missing omit -o s.csv").expect(0);
    assert!(found.err.contains("2 of 9 rows left out for missing cells: y 1, x 1"), "{}", found.err);
    assert!(found.err.contains("3 columns: (Intercept), x, gb"), "{}", found.err);
    let table = desk.read("s.csv");
    assert_eq!(column(&table, "row"), ["1", "2", "3", "4", "5", "7", "9"]);
    let scores: Vec<f64> = column(&table, "leverage").iter().map(|cell| cell.parse().unwrap()).collect();
    assert!(relative_distance(&scores, &HAT) < 1e-14);
    for formula in ["x+wool*tension", "z+sum+x+wool:tension", "0+tension+log(n)", "poly(x,3)+n", "sum+x+z"] {
        for weights in ["", "--weights n", "--weights 1/n"] {
            let line = format!("w.csv --formula y~{formula} {weights}");
            let hat = column(&desk.run(&format!("diagnose {line} --quiet")).expect(0).out, "hat");
            let hat: Vec<f64> = hat.iter().map(|cell| cell.parse().unwrap()).collect();
            let scores = desk.run(&format!("scores {line} --quiet")).expect(0).numbers();
            assert_eq!(bits(&scores), bits(&hat), "{line}");
        }
    }
}

/// √w x of weights 0 to 4: the orthonormal basis of an explicit matrix says the same, and a row of weight 0 has no score.
#[test]
fn weights_scale_the_rows_of_the_model_matrix() {
    let desk = desk();
    let scores = desk.run("scores w.csv --formula ~x+z+wool --weights w").expect(0).numbers();
    let table = desk.read("w.csv");
    let of = |name: &str| column(&table, name);
    let number = |cell: &String| cell.parse::<f64>().unwrap();
    let mut rows = Vec::new();
    for (((x, z), wool), w) in of("x").iter().zip(of("z")).zip(of("wool")).zip(of("w")) {
        let root = number(&w).sqrt();
        rows.extend([1.0, number(x), number(&z), f64::from(wool == "B")].map(|v| root * v));
    }
    assert!(relative_distance(&scores, &leverage_scores::<f64>(&rows, 4)) < 1e-12);
    assert!(scores.iter().zip(of("w")).all(|(score, w)| (w == "0") == (*score == 0.0)));
}

#[test]
fn rows_and_cells_that_a_formula_does_not_use_do_not_matter() {
    let desk = desk();
    // Without a response row 6 has all it needs.
    let written = desk.run("scores t.csv --formula ~x+g --missing exclude --quiet").expect(0).out;
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!((lines.len(), lines[7]), (9, ""));
    let kept: Vec<f64> = lines.iter().filter(|line| !line.is_empty()).map(|line| line.parse().unwrap()).collect();
    let rows = [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 5.5, 2.5].into_iter().zip([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let explicit: Vec<f64> = rows.flat_map(|(x, b)| [1.0, x, b]).collect();
    assert!(relative_distance(&kept, &leverage_scores::<f64>(&explicit, 3)) < 1e-14);
    let object = desk.run("scores t.csv --formula ~x+g --missing exclude --json").expect(0).json();
    assert!(object["values"][7].is_null() && object["rank"] == 3, "{object}");
    let ran = desk.run("scores t.csv --formula y~x+g").expect(2);
    assert!(ran.err.contains("row 6, column \"y\"") && ran.err.contains("--missing omit"), "{}", ran.err);
    let offset = desk.run("scores w.csv --formula y~x+offset(z)").expect(0);
    assert!(offset.err.contains("an offset changes no hat value"), "{}", offset.err);
    assert_eq!(offset.out, desk.run("scores w.csv --formula y~x").expect(0).out);
}

#[test]
fn words_and_a_ridge_take_the_same_columns() {
    let desk = desk();
    let formula = desk.run("scores w.csv --formula ~x+factor(n)+x:factor(n)").expect(0).out;
    assert_eq!(desk.run("scores w.csv --columns x --factor n --interaction x:n").expect(0).out, formula);
    assert_eq!(desk.run("scores w.csv --response y --columns x --factor n --interaction x:n").expect(0).out, formula);
    let none = desk.run("scores w.csv --columns x,z --no-intercept").expect(0).numbers();
    assert!(relative_distance(&none, &desk.run("scores --matrix w.csv --columns x,z").expect(0).numbers()) < 1e-13);
    let ridged = desk.run("scores w.csv --formula ~x+z --ridge 3").expect(0).numbers();
    let matrix = desk.run("scores --matrix w.csv --columns x,z --intercept --ridge 3").expect(0).numbers();
    assert_eq!(bits(&ridged), bits(&matrix));
    // A page numbers its rows as the table does.
    desk.run("scores t.csv --formula y~x+g --missing omit -o s.npy --report page.html").expect(0);
    assert!(desk.read("page.html").contains("<td>9</td>") || desk.read("page.html").contains(">9<"));
}

#[test]
fn a_dependent_column_is_left_out_by_name_as_lm_does() {
    let desk = desk();
    let ran = desk.run("scores w.csv --formula ~x+z+sum --json").expect(0).json();
    assert_eq!(ran["rank"], 3);
    let warning = ran["warnings"][0].as_str().unwrap().to_string();
    assert!(warning.contains("\"sum\"") && warning.contains("rank 3 of 4"), "{warning}");
    assert_eq!(bits(&numbers(&ran["values"])), bits(&desk.run("scores w.csv --formula ~x+z").expect(0).numbers()));
    let strict = desk.run("scores w.csv --formula ~x+z+sum --strict").expect(2);
    assert!(strict.err.contains("rank 3"), "{}", strict.err);
}

fn refused(desk: &Desk, line: &str, words: &[&str]) {
    let ran = desk.run(line).expect(2);
    words.iter().for_each(|word| assert!(ran.err.contains(word), "{line}: {}", ran.err));
    assert!(ran.out.is_empty(), "{line}: {}", ran.out);
}

#[test]
fn scores_refuse_what_contradicts_a_formula_by_name() {
    let desk = desk();
    for (line, words) in [
        ("scores --matrix w.csv --formula ~x", ["--formula", "without --matrix"].as_slice()),
        ("scores --matrix w.csv --factor n", &["--factor", "TABLE"]),
        ("scores w.csv --matrix w.csv --formula ~x", &["--matrix", "cannot be used"]),
        ("scores w.csv --formula ~x --columns z", &["--formula", "--columns"]),
        ("scores w.csv --formula ~x --no-intercept", &["--formula", "--no-intercept"]),
        ("scores w.csv --formula ~x --case-weights w", &["TABLE", "--case-weights"]),
        ("scores w.csv --formula ~x --intercept", &["--intercept"]),
        ("scores w.csv --formula ~x --point x.txt", &["--point"]),
        ("scores --matrix w.csv --weights w", &["--weights", "--case-weights"]),
        ("scores w.csv", &["--formula", "--matrix"]),
        ("scores w.csv --levels wool=B,A", &["--levels", "--factor"]),
        ("scores w.csv --formula cbind(n,w)~x", &["cbind()", "diagnose --family binomial"]),
        ("scores w.csv --formula wool~x", &["\"wool\" holds text"]),
        ("scores w.csv --formula log(y-100)~x", &["row 1", "log(y - 100)"]),
        ("scores w.csv --formula ~nothing", &["no column \"nothing\""]),
        ("scores w.csv --formula ~x --weights x", &["--weights", "row", "at least 0"]),
        ("scores t.csv --formula ~x --missing indicator", &["--missing", "indicator"]),
        ("scores w.csv --formula ~0", &["nothing to fit"]),
        ("scores w.csv --formula ~x -o w.csv", &["w.csv", "an input"]),
    ] {
        refused(&desk, line, words);
    }
}

/// The columns of `y ~ x * wool + tension` written out by hand, without the intercept.
fn expanded(desk: &Desk) -> String {
    let table = desk.read("w.csv");
    let mut text = String::from("y,x,woolB,tensionL,tensionM,x:woolB\n");
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (x, b) = (cells[1].parse::<f64>().unwrap(), f64::from(cells[4] == "B"));
        let level = |word: &str| f64::from(cells[5] == word);
        text += &format!("{},{x:?},{b:?},{:?},{:?},{:?}\n", cells[0], level("L"), level("M"), x * b);
    }
    text
}

#[test]
fn influence_takes_the_columns_of_a_formula_under_the_names_of_r() {
    let desk = desk();
    desk.text("m.csv", &expanded(&desk));
    for (more, file) in [("--method loss", "loss"), ("--method leverage --model ridge --penalty 2", "ridge")] {
        let model = if more.contains("--model") { "" } else { "--model linear" };
        let line = format!("{model} {more} --quiet --json");
        let formula = desk.run(&format!("influence w.csv --formula y~x*wool+tension {line} -o {file}_f.csv")).expect(0);
        desk.run(&format!("influence m.csv --response y {line} -o {file}_m.csv")).expect(0);
        assert_eq!(desk.read(&format!("{file}_f.csv")), desk.read(&format!("{file}_m.csv")), "{more}");
        let object = formula.json();
        let names: Vec<&str> =
            object["model"]["coefficients"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["x", "woolB", "tensionL", "tensionM", "x:woolB", "(Intercept)"]);
        assert_eq!(object["model"]["formula"], "y ~ x * wool + tension");
    }
    let words =
        "influence w.csv --response y --columns x,wool,tension --interaction x:wool --model linear --method loss";
    desk.run(&format!("{words} -o words.csv --quiet")).expect(0);
    assert_eq!(desk.read("words.csv"), desk.read("loss_f.csv"));
}

#[test]
fn influence_leaves_out_rows_by_the_columns_of_its_formula_alone() {
    let desk = desk();
    let line = "influence t.csv --formula y~x+g --model linear --method loss --quiet";
    desk.run(&format!("{line} --missing omit -o o.csv")).expect(0);
    assert_eq!(column(&desk.read("o.csv"), "row"), ["1", "2", "3", "4", "5", "7", "9"]);
    let hat: Vec<f64> = column(&desk.read("o.csv"), "hat").iter().map(|cell| cell.parse().unwrap()).collect();
    assert!(relative_distance(&hat, &HAT) < 1e-12);
    desk.run(&format!("{line} --missing exclude -o e.csv")).expect(0);
    let scores = column(&desk.read("e.csv"), "score");
    assert_eq!((scores.len(), scores[5].as_str(), scores[7].as_str()), (9, "", ""));
    let ran = desk.run(line).expect(2);
    assert!(ran.err.contains("row 6, column \"y\""), "{}", ran.err);
    // What is written after a trim are the cells of the table, not the columns of the formula.
    let trim = "influence trim w.csv --formula log(y+20)~x*wool --model linear --task loo --test 0.3 --validation 0.3";
    desk.run(&format!("{trim} -o kept.csv --report page.html --quiet")).expect(0);
    assert!(desk.read("kept.csv").starts_with("y,x,z,sum,wool,tension,w,n\n"));
    assert!(desk.read("page.html").contains("wool"));
}

#[test]
fn a_dot_stands_for_neither_response_nor_truth_and_a_group_need_not_be_a_feature() {
    let desk = desk();
    let mut text = String::from("y,x,sex,bad\n");
    for i in 0..200 {
        let x = (f64::from(i) * 0.7).sin();
        let (sex, bad) = (["f", "m"][i as usize % 2], i32::from(i % 17 == 0));
        text += &format!("{},{x:?},{sex},{bad}\n", i32::from((x > 0.0) != (bad == 1)));
    }
    desk.text("d.csv", &text);
    let names = |line: &str| -> Vec<String> {
        let model = "--model logistic --penalty 1 --validation 0.2 --quiet --json";
        let object = desk.run(&format!("{line} {model}")).expect(0).json();
        object["model"]["coefficients"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().into()).collect()
    };
    let trim = "influence trim d.csv --test 0.2 --truth bad";
    assert_eq!(names(&format!("{trim} --formula y~.")), ["x", "sexm", "(Intercept)"]);
    let refused = desk.run(&format!("{trim} --formula y~x+bad --model logistic")).expect(2);
    assert!(refused.err.contains("no column \"bad\""), "{}", refused.err);
    let fair = "influence d.csv --task fairness --impact parity --group sex";
    assert_eq!(names(&format!("{fair} --formula y~x")), ["x", "(Intercept)"]);
    assert_eq!(names(&format!("{fair} --formula y~x*sex")), ["x", "sexm", "x:sexm", "(Intercept)"]);
}

#[test]
fn a_model_of_a_formula_is_saved_with_it_and_predicts_other_tables() {
    let desk = desk();
    desk.text("m.csv", &expanded(&desk));
    let rule = "--model linear --optimizer sgd --epochs 3 --quiet";
    desk.run(&format!("train w.csv --formula y~x*wool+tension {rule} -o f.safetensors")).expect(0);
    desk.run(&format!("train m.csv --response y {rule} -o m.safetensors")).expect(0);
    let of =
        |table: &str, model: &str| desk.run(&format!("predict {table} --model-file {model} --quiet")).expect(0).out;
    assert_eq!(of("w.csv", "f.safetensors"), of("m.csv", "m.safetensors"));
    // Two rows with fewer levels, and neither the response nor any column that the formula does not name.
    desk.text("new.csv", "tension,wool,x\nM,B,1.5\nL,B,\n");
    let ran = desk.run("predict new.csv --model-file f.safetensors").expect(2);
    assert!(ran.err.contains("row 2, column \"x\""), "{}", ran.err);
    desk.text("line.csv", "x,woolB,tensionL,tensionM,x:woolB\n1.5,1,0,1,1.5\n");
    let padded = desk.run("predict new.csv --model-file f.safetensors --missing exclude --quiet").expect(0).out;
    assert_eq!(padded, of("line.csv", "m.safetensors") + "\n");
    desk.text("other.csv", "tension,wool,x\nM,C,1.5\n");
    let ran = desk.run("predict other.csv --model-file f.safetensors").expect(2);
    assert!(ran.err.contains("row 1, wool: found \"C\"") && ran.err.contains("A, B"), "{}", ran.err);
    let scored = desk.run("influence w.csv --model-file f.safetensors --method loss --quiet --json").expect(0).json();
    assert_eq!(scored["model"]["formula"], "y ~ x * wool + tension");
    // Validation rows of their own have the levels of the training rows.
    let head: Vec<String> = desk.read("w.csv").lines().take(8).map(str::to_string).collect();
    desk.text("few.csv", &(head.join("\n") + "\n"));
    desk.run(&format!("train w.csv --formula y~x*wool+tension {rule} --validation few.csv")).expect(0);
}

#[test]
fn models_refuse_by_name_what_they_cannot_have_of_a_formula() {
    let desk = desk();
    for (line, words) in [
        ("--formula y~x+offset(z)", ["offset(z)", "no offset"].as_slice()),
        ("--formula y~0+x", &["intercept"]),
        ("--formula y~1", &["no term"]),
        ("--formula ~x", &["no response"]),
        ("--formula cbind(n,w)~x", &["cbind()", "one response"]),
        ("--formula y~poly(x,2)", &["poly(x, 2)", "raw = TRUE"]),
        ("--formula y~x --response y", &["--formula", "--response"]),
        ("--formula y~x --without z", &["--without", "formula"]),
        ("--formula y~x --weights w", &["--weights"]),
        ("--formula y~x --trials w", &["--trials"]),
        ("--formula y~x --missing indicator", &["--missing", "indicator"]),
        ("--response y --levels wool=B,A", &["--levels"]),
    ] {
        refused(&desk, &format!("train w.csv --model linear {line}"), words);
        refused(&desk, &format!("influence w.csv --model linear {line}"), words);
    }
}
