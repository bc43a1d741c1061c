//! `influence`: known answers through files, drawn rows, planted flips, trimming, and what is refused.

use crate::desk::{Desk, keys_in_order};
use unhat_testkit::known::{InfluenceCase, influence_case};

/// The 8-row model of the known answers as two tables.
fn known() -> (Desk, InfluenceCase) {
    let (desk, case) = (Desk::new(), influence_case());
    let table = |x: &str, y: &str| {
        let rows = case
            .numbers(x)
            .chunks_exact(2)
            .zip(case.numbers(y))
            .map(|(x, y)| format!("{},{},{y}\n", x[0], x[1]))
            .collect::<String>();
        format!("x1,x2,y\n{rows}")
    };
    desk.text("t.csv", &table("X", "y")).text("v.csv", &table("X_val", "y_val"));
    (desk, case)
}

const KNOWN: &str = "influence t.csv --missing indicator --response y --model logistic --validation v.csv --penalty 0.5 --no-standardize";

fn column(table: &str, k: usize) -> Vec<f64> {
    table.lines().skip(1).map(|line| line.split(',').nth(k).unwrap().parse().unwrap()).collect()
}

#[test]
fn known_answers_come_out_of_files() {
    let (desk, case) = known();
    for (method, field) in [("ip", "ip"), ("exact", "exact_if"), ("one-step", "one_step_loo")] {
        let ran = desk.run(&format!("{KNOWN} --method {method} -o s.csv --json --damping 1")).expect(0);
        let table = desk.read("s.csv");
        assert!(table.starts_with("row,score,loss,grad_norm,gradient_leverage,hat\n1,"), "{table}");
        for (got, expected) in [(1, field), (4, "ridge_leverage")] {
            for (g, e) in column(&table, got).iter().zip(case.numbers(expected)) {
                assert!((g - e).abs() < 1e-9 * (1.0 + e.abs()), "{expected}: {g} and {e}");
            }
        }
        let norms: Vec<f64> = column(&table, 3).iter().map(|n| n * n).collect();
        for (g, e) in norms.iter().zip(case.numbers("self_ip")) {
            assert!((g - e).abs() < 1e-9);
        }
        let object = ran.json();
        let coefficients = object["model"]["coefficients"].as_array().unwrap();
        for (c, w) in coefficients.iter().zip(case.numbers("w")) {
            assert!((c["value"].as_f64().unwrap() - w).abs() < 1e-9);
            assert_eq!(c["class"], 1.0, "the last class is the positive one");
        }
        assert_eq!(object["impact"]["name"], "utility");
        let value = object["impact"]["value_validation"].as_f64().unwrap();
        assert!((value - case.numbers("val_loss")[0]).abs() < 1e-9);
        let worst = object["top"][0]["score"].as_f64().unwrap();
        assert_eq!(worst, column(&table, 1).into_iter().fold(f64::INFINITY, f64::min), "the worst row first");
        assert!(object["best"][0]["score"].as_f64().unwrap() >= object["best"][1]["score"].as_f64().unwrap());
        assert!(object["warnings"].to_string().contains("fewer than 100"), "4 validation rows are few");
    }
}

#[test]
fn the_object_has_its_keys_in_order() {
    let (desk, _) = known();
    let ran = desk.run(&format!("{KNOWN} --json")).expect(0);
    let keys = "schema command status model task impact method claim diagnostics top best membership phase_seconds \
                seconds seed threads version warnings";
    assert_eq!(keys_in_order(&ran.out), keys.split_whitespace().collect::<Vec<_>>());
    assert_eq!(ran.json()["method"], "rank-sum");
    let loo = desk.run(&format!("{KNOWN} --task loo --json")).expect(0).json();
    assert_eq!((loo["method"].as_str(), loo["task"].as_str()), (Some("one-step"), Some("loo")));
}

#[test]
fn a_column_left_out_is_as_if_it_were_not_there() {
    let desk = Desk::new();
    let table = noisy(60);
    let cut: String = table.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    desk.text("t.csv", &table).text("cut.csv", &cut);
    let scores = |table: &str| {
        desk.run(&format!("influence {table} --missing indicator --response y --model logistic --penalty 1 -o s.csv"))
            .expect(0);
        desk.read("s.csv")
    };
    assert_eq!(scores("t.csv --without bad"), scores("cut.csv"));
    assert_ne!(scores("t.csv"), scores("cut.csv"));
    let refused =
        desk.run("influence t.csv --missing indicator --response y --model logistic --without worse").expect(2);
    assert!(refused.err.contains("without") && refused.err.contains("worse"), "{}", refused.err);
}

fn uniform(stream: u64, rows: usize) -> Vec<f64> {
    let mut u = vec![0.0; rows];
    unhat::random::uniform_rows_into(17, stream, 0, &mut u);
    u
}

/// Two clouds of points with one label in ten flipped, and a column of towns.
fn noisy(rows: usize) -> String {
    let mut text = String::from("name,x,town,y,bad\n");
    let u = uniform(1, rows);
    for i in 0..rows {
        let class = i % 2;
        let bad = i % 10 == 3;
        let x = u[i] + if class == 1 { 1.2 } else { 0.0 };
        let label = if bad { 1 - class } else { class };
        text += &format!("r{i},{x},{},{},{}\n", ["Agen", "Bari", ""][i % 3], ["no", "yes"][label], u8::from(bad));
    }
    text.replacen("name", "", 1) // a column without a name holds the names of the rows
}

#[test]
fn planted_flips_rank_the_methods() {
    let desk = Desk::new();
    desk.text("t.csv", &noisy(400));
    let line = "influence check t.csv --missing indicator --response y --model logistic --penalty 1 --json";
    let object = desk.run(line).expect(0).json();
    let methods = object["methods"].as_array().unwrap();
    let auc = |k: usize| methods[k]["auc"].as_f64().unwrap();
    assert!((1..methods.len()).all(|k| auc(k) <= auc(k - 1)), "best first");
    let loss = methods.iter().find(|m| m["method"] == "loss").unwrap();
    assert!(loss["auc"].as_f64().unwrap() > 0.8, "{loss}");
    assert_eq!(desk.run(line).expect(0).json()["methods"], object["methods"], "a seed reproduces");
}

#[test]
fn trimming_beats_random_trimming_and_says_what_it_removed() {
    let desk = Desk::new();
    desk.text("t.csv", &noisy(400));
    let line = "influence trim t.csv --missing indicator --response y --model logistic --penalty 1 --truth bad --fraction 0.1 -o kept.csv --json";
    let object = desk.run(line).expect(0).json();
    let row = |name: &str| object["rows"].as_array().unwrap().iter().find(|r| r["trim"] == name).unwrap().clone();
    for name in ["none", "rank-sum", "random", "loss", "V added to training", "oracle"] {
        assert!(row(name)["test_accuracy"].is_number(), "{name}");
    }
    assert!(object["auc_of_truth"].as_f64().unwrap() > 0.85);
    let removed = object["removed"].as_array().unwrap();
    assert_eq!(removed.len(), row("rank-sum")["removed"].as_u64().unwrap() as usize);
    let kept = desk.read("kept.csv");
    assert!(kept.starts_with(",x,town,y,bad\n"), "{}", &kept[..40]);
    assert_eq!(kept.lines().count(), 1 + 400 - removed.len());
    let gone = removed[0].as_str().unwrap();
    assert!(!kept.contains(&format!("\n{gone},")), "{gone} was removed");
}

#[test]
fn unfairness_is_trimmed_until_it_crosses_zero() {
    let desk = Desk::new();
    let mut text = String::from("x,sex,y\n");
    let (u, v, w) = (uniform(1, 600), uniform(2, 600), uniform(3, 600));
    for i in 0..600 {
        let (x, man) = (u[i], v[i] < 0.5);
        let yes = w[i] < 0.2 + 0.4 * x + if man { 0.2 } else { 0.0 };
        text += &format!("{x},{},{}\n", if man { "m" } else { "f" }, u8::from(yes));
    }
    desk.text("t.csv", &text);
    let line = "influence trim t.csv --missing indicator --response y --model logistic --penalty 1 --task fairness --group sex --fraction 0.4 --json";
    let object = desk.run(line).expect(0).json();
    assert_eq!((object["impact"]["name"].as_str(), object["method"].as_str()), (Some("parity"), Some("pcg:2")));
    let rows = object["rows"].as_array().unwrap();
    let value = |k: usize| rows[k]["value_validation"].as_f64().unwrap();
    assert!(value(0) > 0.1, "unfair before: {}", value(0));
    assert!(value(1).abs() < 0.5 * value(0) && value(1) * value(0) > -1e-3, "{} to {}", value(0), value(1));
    assert_eq!(object["stopped_at_crossing"], true);
    assert!(rows.iter().any(|r| r["trim"] == "reweighing"));
}

#[test]
fn what_cannot_be_used_is_refused_and_nothing_is_written() {
    let (desk, _) = known();
    desk.text("constant.csv", "x,y\n1,a\n2,a\n3,a\n");
    desk.text("nan.csv", "x,y\n1,0\nNaN,1\n2,0\n");
    desk.text("one.csv", "x1,x2,y\n1,2,1\n3,4,1\n");
    desk.text("other.csv", "x1,y\n1,1\n3,0\n");
    desk.text("inf.csv", "x1,x2,y\n1,inf,0\n3,2,1\n").text("empty.csv", "x1,x2,y\n").text("none.csv", "");
    desk.text("seven.csv", "x1,x2,y\n1,2,0\n1,3,7\n")
        .text("text.csv", "x1,x2,y\n1,a,0\n3,b,1\n")
        .text("v.txt", "1\n2\n3\n");
    let before = desk.names();
    let cases = [
        ("influence t.csv --missing indicator --response z --model logistic", "there is no column \"z\""),
        ("influence constant.csv --response y --model softmax", "one value"),
        ("influence nan.csv --response y --model logistic", "row 2, column \"x\""),
        ("influence inf.csv --response y --model logistic", "row 1, column \"x2\""),
        ("influence empty.csv --response y --model logistic", "no rows"),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation empty.csv",
            "empty.csv: found a header but no rows",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation none.csv",
            "none.csv: the file is empty",
        ),
        ("influence t.csv --missing indicator --response y --model logistic --validation 0", "share between 0 and 1"),
        ("influence t.csv --missing indicator --response y --model logistic --validation .01", "is no row"),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation seven.csv",
            "validation: column \"y\", row 2",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation text.csv",
            "validation: column \"x2\" holds text",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --test other.csv",
            "test: there is no column \"x2\"",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --impact parity --group sex",
            "group: there is no column",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --impact v.txt --v training-margin",
            "--v: v is given as the impact already",
        ),
        ("influence check t.csv --missing indicator --response y --model logistic --ensemble 0", "ensemble"),
        ("influence check t.csv --missing indicator --response x1 --model linear", "labels can be flipped only"),
        (
            "influence trim t.csv --missing indicator --response y --model logistic --validation v.csv --test v.csv --truth bad",
            "truth: there is",
        ),
        ("influence t.csv --missing indicator --response y --model logistic --validation one.csv", "one class"),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation other.csv",
            "validation: there is no column \"x2\"",
        ),
        ("influence t.csv --missing indicator --response y --model logistic --validation 1.5", "share between 0 and 1"),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --ensemble 0",
            "ensemble",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --impact parity",
            "group",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --impact parity --group x1",
            "has 8 groups, expected 2",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --penalty -1",
            "penalty",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --damping 0 --method fisher",
            "damping",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --temperature 0.5",
            "temperature",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --impact robustness:0",
            "robustness",
        ),
        (
            "influence t.csv --missing indicator --response y --model logistic --validation v.csv --method ip-checkpoints",
            "checkpoints",
        ),
        (
            "influence t.csv --missing indicator --response y --model mlp:3 --validation v.csv --method one-step",
            "hidden layers",
        ),
        ("influence t.csv --missing indicator --response y --model tree", "tree"),
        ("influence t.csv --missing indicator --response y --model logistic --method ekfac", "ekfac"),
        (
            "influence trim t.csv --missing indicator --response y --model logistic --validation v.csv --test v.csv --fraction 0",
            "fraction",
        ),
        (
            "influence trim t.csv --missing indicator --response y --model logistic --validation v.csv --test v.csv --truth x1",
            "truth",
        ),
        ("influence --response y --model logistic", "TABLE"),
        ("influence t.csv --missing indicator --model logistic", "--response"),
    ];
    for (line, words) in cases {
        let ran = desk.run(&format!("{line} -o s.csv --report r.html")).expect(2);
        assert!(ran.err.contains(words), "{line}: {}", ran.err);
    }
    assert_eq!(desk.names(), before, "nothing was written");
}

#[test]
fn separable_data_are_said_to_be() {
    let desk = Desk::new();
    let rows: String = (0..40).map(|i| format!("{},{}\n", i, u8::from(i >= 20))).collect();
    desk.text("t.csv", &format!("x,y\n{rows}"));
    let ran = desk
        .run("influence t.csv --missing indicator --response y --model logistic --penalty 0 --method loss --json")
        .expect(0);
    assert!(ran.json()["warnings"].to_string().contains("separate"), "{}", ran.err);
}

/// A table with one number and a number to predict.
fn line(rows: usize) -> String {
    let (u, v) = (uniform(4, rows), uniform(5, rows));
    (0..rows).fold("x,y\n".into(), |text, i| text + &format!("{},{}\n", u[i] * u[i], 2.0 * u[i] + 0.3 * v[i]))
}

#[test]
fn membership_of_a_linear_fit_is_its_closed_form() {
    const ROWS: usize = 60;
    let desk = Desk::new();
    desk.text("t.csv", &line(ROWS));
    for (model, penalty) in [("linear", 0.0), ("ridge", 7.5)] {
        let line = format!(
            "influence t.csv --missing indicator --response y --model {model} --penalty {penalty} --method loss --json"
        );
        let object = desk.run(&line).expect(0).json();
        let coefficient = &object["model"]["coefficients"][0];
        let (center, scale) = (coefficient["center"].as_f64().unwrap(), coefficient["scale"].as_f64().unwrap());
        let x: Vec<f64> = column(&desk.read("t.csv"), 0).iter().map(|x| (x - center) / scale).collect();
        // The centred column and the constant one are orthogonal: h = x²/(Σx² + M) + 1/(n + M).
        let square: f64 = x.iter().map(|x| x * x).sum();
        let hat: Vec<f64> = x.iter().map(|x| x * x / (square + penalty) + 1.0 / (ROWS as f64 + penalty)).collect();
        let membership = &object["membership"];
        assert_eq!(membership["count"], ROWS);
        let sum = membership["effective_dimension"].as_f64().unwrap();
        assert!((sum - hat.iter().sum::<f64>()).abs() < 1e-10, "{sum}");
        let top = membership["top"].as_array().unwrap();
        assert_eq!(top.len(), ROWS);
        for row in top {
            let h = hat[row["row"].as_u64().unwrap() as usize - 1];
            let close = |key: &str, expected: f64| {
                let found = row[key].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-10, "{model}, {key}: {found}, {expected}");
            };
            close("hat", h);
            close("auc", (1.0 / (1.0 - h)).atan() / std::f64::consts::FRAC_PI_2);
            close("kl", -(1.0 - h).ln() + ((1.0 - h) * (1.0 - h) - 1.0) / 2.0);
        }
        assert!(top.windows(2).all(|pair| pair[0]["hat"].as_f64() >= pair[1]["hat"].as_f64()), "most exposed first");
    }
    let (known, _) = known();
    assert!(known.run(&format!("{KNOWN} --json")).expect(0).json()["membership"].is_null(), "of linear models only");
}

#[test]
fn the_gain_of_an_ensemble_is_that_over_one_of_its_members() {
    let desk = Desk::new();
    desk.text("t.csv", &noisy(120));
    let check = desk
        .run("influence check t.csv --missing indicator --response y --model mlp:3 --ensemble 2 --json")
        .expect(0)
        .json();
    assert_eq!(check["ensemble"], 2);
    let method = |object: &serde_json::Value, name: &str| {
        object["methods"].as_array().unwrap().iter().find(|m| m["method"] == name).unwrap().clone()
    };
    let alone = "influence trim t.csv --missing indicator --response y --model mlp:3 --truth bad --method loss --json";
    let single = desk.run(alone).expect(0).json();
    assert!(single["auc_of_one"].is_null(), "one network has no gain");
    let trim =
        "influence trim t.csv --missing indicator --response y --model mlp:3 --truth bad --method loss --ensemble 2";
    let object = desk.run(&format!("{trim} --json")).expect(0).json();
    // The first member is the network of this seed alone, on the same split; the second has what is left of the mean.
    let (of_one, first) = (object["auc_of_one"].as_f64().unwrap(), single["auc_of_truth"].as_f64().unwrap());
    let second = 2.0 * of_one - first;
    assert!(second > 0.5 && second <= 1.0, "{of_one} is the mean of {first} and of the second's");
    let both = object["auc_of_truth"].as_f64().unwrap();
    assert!(both >= first.min(second) - 0.05, "the mean of both finds about as many: {both}");
    assert!(method(&check, "loss")["auc_of_one"].is_number());
    let ran = desk.run(trim).expect(0);
    assert!(ran.err.contains("a gain of"), "{}", ran.err);
    let text =
        desk.run("influence check t.csv --missing indicator --response y --model mlp:3 --ensemble 2").expect(0).out;
    assert!(text.contains("AUC of one") && text.contains("mean of 2 networks"), "{text}");
}

#[test]
fn pages_hold_the_numbers_of_the_json() {
    let desk = Desk::new();
    desk.text("t.csv", &noisy(300).replace(",town,", ",<script>alert(1)</script>,"));
    let data = |name: &str| -> serde_json::Value {
        let page = desk.read(name);
        assert!(page.trim_end().ends_with("</html>") && !page.contains("<script>alert"), "a column's name stays text");
        let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
        serde_json::from_str(data).unwrap()
    };
    let same = |shown: &serde_json::Value, exact: &serde_json::Value| {
        let (shown, exact) = (shown.as_f64().unwrap(), exact.as_f64().unwrap());
        assert!((shown - exact).abs() <= 5.01e-4 * exact.abs(), "{shown} {exact}");
    };
    let of = "t.csv --missing indicator --response y --model logistic --penalty 1";
    let json = desk.run(&format!("influence {of} --report s.html --json")).expect(0).json();
    let study = data("s.html");
    same(&study["study"]["top"][0]["score"], &json["top"][0]["score"]);
    same(&study["evidence"]["worst"][0]["loss"], &json["top"][0]["loss"]);
    assert_eq!(study["evidence"]["worst"][0]["row"], json["top"][0]["row"]);
    let cells: Vec<String> = desk.read("t.csv").lines().map(str::to_string).collect();
    let worst = study["evidence"]["worst"][0]["row"].as_str().unwrap();
    let record = cells.iter().find(|record| record.starts_with(&format!("{worst},"))).unwrap();
    assert!(record.contains(study["evidence"]["worst"][0]["cells"][0].as_str().unwrap()), "{record}");
    let counted: u64 = study["density"]["count"].as_array().unwrap().iter().map(|bin| bin[2].as_u64().unwrap()).sum();
    assert_eq!(counted, study["study"]["model"]["training_rows"].as_u64().unwrap());
    let agreement = &study["evidence"]["agreement"];
    assert_eq!(agreement["methods"][0]["method"], "rank-sum");
    assert_eq!(agreement["correlation"][1][1], 1.0);
    assert_eq!(agreement["correlation"][0][1], agreement["correlation"][1][0]);
    let json = desk.run(&format!("influence check {of} --report c.html --json")).expect(0).json();
    same(&data("c.html")["check"]["methods"][0]["auc"], &json["methods"][0]["auc"]);
    let json = desk.run(&format!("influence trim {of} --truth bad --report t.html --json")).expect(0).json();
    let trim = data("t.html");
    same(&trim["trim"]["rows"][1]["test_accuracy"], &json["rows"][1]["test_accuracy"]);
    same(&trim["trim"]["auc_of_truth"], &json["auc_of_truth"]);
    assert_eq!(trim["trim"]["removed"], json["removed"]);
    assert!(!desk.read("t.html").contains("adaptive accuracy"));
    let robust = "influence trim t.csv --missing indicator --response y --model logistic --penalty 1 --task robustness --report r.html --json";
    let json = desk.run(robust).expect(0).json();
    for row in json["rows"].as_array().unwrap() {
        let (adaptive, clean) = (row["adaptive_accuracy"].as_f64().unwrap(), row["test_accuracy"].as_f64().unwrap());
        assert!((adaptive - (1.0 - clean)).abs() < 1e-12, "{row}");
    }
    assert!(desk.read("r.html").contains("adaptive accuracy = 1 − clean accuracy"));
    for place in ["r.pdf", "nowhere/r.html"] {
        desk.run(&format!("influence {of} -o s.csv --report {place}")).expect(2);
    }
    assert!(!desk.names().contains("s.csv"), "nothing is written where the page cannot be");
}

/// A table whose last row is the only one of its level, a binary table, and rows to validate on.
fn leverage_tables() -> Desk {
    let desk = Desk::new();
    desk.text("lin.csv", include_str!("../data/leverage-column-lin.csv"));
    desk.text("log.csv", include_str!("../data/leverage-column-log.csv"));
    desk.text("val.csv", include_str!("../data/leverage-column-val.csv"));
    desk
}

#[test]
fn hat_values_are_those_of_statsmodels_and_the_leverage_of_a_gradient_has_its_own_name() {
    let desk = leverage_tables();
    let close = |got: &[f64], expected: &[f64]| got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-10);
    let line = "influence lin.csv --response y --model linear --method exact --validation val.csv -o s.csv --json";
    let object = desk.run(line).expect(0).json();
    let table = desk.read("s.csv");
    assert!(table.starts_with("row,score,loss,grad_norm,gradient_leverage,hat\n"), "{table}");
    let hat = column(&table, 5);
    assert!(close(&hat[21..], &[0.152670169943, 0.093358059326, 1.0]), "{hat:?}");
    assert!((hat.iter().sum::<f64>() - 5.0).abs() < 1e-10);
    assert!(column(&table, 4)[23] < 1e-20, "the gradient of a row that is fitted whatever its response is vanishes");
    for row in object["top"].as_array().unwrap() {
        let number = row["row"].as_u64().unwrap() as usize;
        assert_eq!(row["hat"].as_f64().unwrap(), hat[number - 1]);
        assert_eq!(row["gradient_leverage"].as_f64().unwrap(), column(&table, 4)[number - 1]);
    }
    desk.run("influence log.csv --response y --model logistic --penalty 0 --method loss -o s.csv").expect(0);
    let hat = column(&desk.read("s.csv"), 5);
    assert!(close(&hat[..3], &[0.0740866170704, 0.106574518004, 0.0857337822937]), "{hat:?}");
    assert!((hat.iter().sum::<f64>() - 3.0).abs() < 1e-8);
    // A score that is linear in that gradient is rounding noise, and said to be.
    for method in ["ip", "fisher", "self"] {
        let line =
            format!("influence lin.csv --response y --model linear --method {method} --validation val.csv --json");
        let ran = desk.run(&line).expect(0);
        let said = format!(
            "row 24: the gradient vanishes to rounding, because the fit meets such a row whatever its response \
                            is; its score by {method}"
        );
        assert!(ran.err.contains(&said) && ran.json()["warnings"].to_string().contains(&said), "{}", ran.err);
    }
    let plain = desk.run("influence lin.csv --response y --model linear --method loss --validation val.csv").expect(0);
    assert!(!plain.err.contains("vanishes"), "{}", plain.err);
    let refused =
        desk.run("influence lin.csv --response y --model linear --task loo --validation val.csv").expect(2).err;
    assert!(refused.contains("row 24 has a hat value of 1"), "{refused}");
}

#[test]
fn where_the_gradient_of_f_vanishes_nothing_is_ranked_in_any_order_of_the_rows() {
    let desk = leverage_tables();
    let table = desk.read("log.csv");
    let (head, rows) = table.split_once('\n').unwrap();
    let mut reversed: Vec<&str> = rows.lines().collect();
    reversed.reverse();
    desk.text("turned.csv", &format!("{head}\n{}\n", reversed.join("\n")));
    for method in ["one-step", "exact", "pcg", "fisher", "ip"] {
        for (train, validation) in [("log.csv", "log.csv"), ("turned.csv", "log.csv"), ("log.csv", "turned.csv")] {
            let line = format!(
                "influence {train} --response y --model logistic --penalty 0 --method {method} --validation {validation}"
            );
            let refused = desk.run(&format!("{line} -o s.csv")).expect(2).err;
            assert!(refused.contains("the gradient of f vanishes") && refused.contains("one-step-f"), "{refused}");
            assert!(!desk.names().contains("s.csv"), "{line}");
        }
    }
    let told = |train: &str| {
        let line = format!(
            "influence {train} --response y --model logistic --penalty 0 --method one-step-f --validation log.csv -o s.csv --json"
        );
        let object = desk.run(&line).expect(0).json();
        assert!(object["diagnostics"]["agreement_cg8"].is_null() && object["diagnostics"]["certified_share"].is_null());
        assert!(object["warnings"].to_string().contains("the gradient of f vanishes"));
        column(&desk.read("s.csv"), 1)
    };
    let (scores, mut turned) = (told("log.csv"), told("turned.csv"));
    turned.reverse();
    // Dropping a row from a fit that minimises f raises f.
    assert!(
        scores.iter().zip(&turned).all(|(s, t)| *s > 0.0 && (s - t).abs() < 1e-9 * s.abs().max(1e-3)),
        "{scores:?}"
    );
}

#[test]
fn a_fit_that_meets_all_rows_ranks_none() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..12).map(|i| format!("{}.5,{}", i * i, 3 * i * i)).collect();
    desk.text("t.csv", &format!("a,y\n{}\n", rows.join("\n"))).text("v.csv", "a,y\n1.5,2\n2.5,7\n");
    for method in ["loss", "self", "ip", "one-step", "one-step-f", "leverage", "rank-sum"] {
        let line = format!("influence t.csv --response y --model linear --method {method} --validation v.csv");
        let refused = desk.run(&line).expect(2).err;
        assert!(refused.contains("the gradient of every training row vanishes"), "{method}: {refused}");
    }
}
