//! `diagnose`: R's numbers through files, missing rows, words in the place of a formula, and what is refused.

use crate::desk::{Desk, Ran};
use serde_json::Value;

/// y misses in row 6, x in row 8; nobody uses the last column, whose cells are half empty.
pub(crate) const TABLE: &str =
    "y,x,g,unused\n1.2,0.5,b,\n2.9,1,a,1\n4.1,2,b,2\n5.8,3,a,\n7.7,4,b,3\nNA,5,a,4\n9.1,5.5,a,5\n3.3,,b,6\n6,2.5,b,7\n";

/// R 4.2.2: `lm(y ~ x + g)` on the table, rows 6 and 8 left out.
pub(crate) const HAT: [f64; 7] = [
    0.436548223350254,
    0.6192893401015224,
    0.25380710659898476,
    0.3350253807106598,
    0.4365482233502538,
    0.66497461928934,
    0.2538071065989847,
];
const COOKS: [f64; 7] = [
    0.6164957266363743,
    0.4275454122799933,
    0.02122688101381191,
    0.008907940515281479,
    0.03743346429951838,
    1.0689025591884382,
    0.23655461686820814,
];
const DFBETAS_G: [f64; 7] = [
    -0.5366652431262146,
    -0.7933173055339429,
    -0.13166079718315385,
    -0.10591451830990027,
    0.19530904818415137,
    0.6278696239167121,
    0.6937868322568471,
];

fn column(table: &str, name: &str) -> Vec<String> {
    let k = table
        .lines()
        .next()
        .unwrap()
        .split(',')
        .position(|word| word == name)
        .unwrap_or_else(|| panic!("{name} in {table}"));
    table.lines().skip(1).map(|line| line.split(',').nth(k).unwrap().to_string()).collect()
}

fn close(found: &[String], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let found: f64 = found.parse().unwrap();
        assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{found} {expected}");
    }
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.text("t.csv", TABLE);
    desk
}

#[test]
fn the_numbers_are_those_of_r_and_rows_keep_their_labels() {
    let desk = desk();
    let ran = desk.run("diagnose t.csv --formula y~x+g -o d.csv").expect(0);
    let table = desk.read("d.csv");
    assert_eq!(column(&table, "row"), ["1", "2", "3", "4", "5", "7", "9"]);
    close(&column(&table, "hat"), &HAT);
    close(&column(&table, "cooks"), &COOKS);
    close(&column(&table, "dfbetas_gb"), &DFBETAS_G);
    assert_eq!(
        column(&table, "flag"),
        ["dfbetas_x", "dfbetas_(Intercept)", "", "covratio", "covratio", "dfbetas_x cooks", ""].map(String::from)
    );
    assert!(ran.err.contains("9 rows, 2 left out (y 1, x 1); lm, 7 rows, rank 3"), "{}", ran.err);
    assert!(ran.err.contains("flagged by R's rules: hat 0, dffits 0, covratio 2, dfbetas 3, cooks 1"), "{}", ran.err);
    desk.run("diagnose t.csv --formula y~x+g --quiet --report page.html -o e.csv").expect(0);
    assert!(desk.read("page.html").contains("rows are flagged by"));
    let printed = desk.run("diagnose t.csv --formula y~x+g --quiet").expect(0).out;
    assert_eq!(printed, table);
    desk.matrix("m.npy", &[1.0, 0.0, 3.0, 1.0, 4.0, 2.0, 6.5, 3.0], 2);
    let matrix = desk.run("diagnose m.npy --formula x1~x2 --quiet").expect(0).out;
    close(&column(&matrix, "hat"), &[0.7, 0.3, 0.3, 0.7]);
    let words = desk.run("diagnose t.csv --response y --columns x,g --quiet").expect(0).out;
    assert_eq!(words, table);
}

#[test]
fn rows_that_are_left_out_are_written_empty_where_asked_and_refused_where_asked() {
    let desk = desk();
    let table = desk.run("diagnose t.csv --formula y~x+g --missing exclude --quiet").expect(0).out;
    assert_eq!(column(&table, "row").len(), 9);
    let hat = column(&table, "hat");
    assert_eq!((hat[5].as_str(), hat[7].as_str()), ("", ""));
    let omitted = desk.run("diagnose t.csv --formula y~x+g --quiet").expect(0).out;
    let kept: Vec<String> = hat.into_iter().filter(|cell| !cell.is_empty()).collect();
    assert_eq!(kept, column(&omitted, "hat"));
    let ran = desk.run("diagnose t.csv --formula y~x+g --missing error").expect(2);
    assert!(ran.err.contains("row 6, column \"y\"") && ran.err.contains("--missing omit"), "{}", ran.err);
    desk.run("diagnose t.csv --formula y~x+g --missing exclude -o d.npy --quiet").expect(0);
    assert!(desk.path("d.npy").exists());
}

#[test]
fn json_holds_the_fit_and_without_a_file_the_columns() {
    let desk = desk();
    let ran = desk.run("diagnose t.csv --formula y~x+g --json").expect(0);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["command"], "diagnose");
    assert_eq!((found["n"].as_u64(), found["omitted"].as_u64(), found["rank"].as_u64()), (Some(7), Some(2), Some(3)));
    assert_eq!(found["coefficients"][2]["name"], "gb");
    assert!((found["coefficients"][2]["estimate"].as_f64().unwrap() - 0.25913705583756347).abs() < 1e-12);
    assert_eq!(found["missing"][1]["column"], "x");
    assert_eq!(found["columns"]["hat"].as_array().unwrap().len(), 7);
    assert!(found["digits"]["hat"].as_f64().unwrap() > 12.0);
    assert_eq!(found["most_influential"][0]["row"], "7");
}

#[test]
fn counts_of_successes_are_one_model_however_they_are_given() {
    let desk = Desk::new();
    desk.text("k.csv", "s,n,f,x\n1,10,9,1\n3,9,6,2\n4,8,4,3\n0,0,0,4\n7,9,2,5\n9,10,1,6\n");
    let hat = |line: &str| {
        column(&desk.run(&format!("diagnose k.csv --family binomial --quiet {line}")).expect(0).out, "hat")
    };
    let bound = hat("--formula cbind(s,f)~x");
    // glm(cbind(s, n - s) ~ x, binomial)
    let known = [0.46341423280575567, 0.3638562930515205, 0.27144221981785227, 0.42673417633272126, 0.4745530779921501];
    let counted: Vec<String> = bound.iter().filter(|cell| !cell.is_empty()).cloned().collect();
    close(&counted, &known);
    assert_eq!(bound[3], "", "a row without trials has weight 0");
    assert_eq!(hat("--formula s~x --trials n"), bound);
    let ran = desk.run("diagnose k.csv --family binomial --formula s~x").expect(2);
    assert!(ran.err.contains("row 2, s: found 3") && ran.err.contains("--trials"), "{}", ran.err);
}

fn refused(desk: &Desk, line: &str, words: &[&str]) {
    let Ran { err, .. } = desk.run(&format!("diagnose {line}")).expect(2);
    words.iter().for_each(|word| assert!(err.contains(word), "{line}: {err}"));
}

#[test]
fn what_cannot_be_fitted_is_refused_with_its_place() {
    let desk = desk();
    desk.text("names.csv", "y,who\n1,ann\n2,bob\n3,cem\n4,dan\n5,eve\n6,fay\n7,gus\n8,hal\n9,ida\n");
    refused(&desk, "t.csv --formula y~x+nothing", &["no column \"nothing\"", "\"unused\""]);
    refused(&desk, "t.csv --formula y~(x|g)", &["position 5", "random effects"]);
    refused(&desk, "t.csv --formula y~x+g+log(unused-1)", &["row 2", "log(unused - 1)"]);
    refused(&desk, "names.csv --formula y~who", &["column \"who\"", "leave the column out of the formula"]);
    refused(&desk, "t.csv --formula y~x --family binomial", &["row 1, y: found 1.2"]);
    refused(&desk, "t.csv --formula y~x --family poisson --link logit", &["logit does not go with"]);
    refused(&desk, "t.csv --formula y~x --missing indicator", &["--missing"]);
    refused(&desk, "t.csv --formula y~x+g --levels g=a", &["level \"b\""]);
    refused(&desk, "t.csv --formula y~x -o t.csv", &["t.csv", "an input"]);
    refused(&desk, "t.csv", &["--formula"]);
}

/// 600 rows of a cloud, one of them far out with a name of its own.
fn crowd(far: f64) -> String {
    let mut table = String::from("name,y,x\n");
    for i in 0..600_u32 {
        let x = f64::from(i * 7919 % 601) / 100.0;
        let y = 2.0 * x + f64::from(i * 104_729 % 997) / 400.0 + if i == 400 { far } else { 0.0 };
        table += &format!("{},{y},{x}\n", if i == 400 { "=Outlier".into() } else { format!("row {i}") });
    }
    table
}

fn names(desk: &Desk, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(desk.path(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn figures_are_a_folder_of_pictures_and_tables_that_appears_whole_or_not_at_all() {
    let desk = desk();
    let ran = desk.run("diagnose t.csv --formula y~x+g --plots figures -o d.csv").expect(0);
    assert!(ran.err.contains("figures: figures"), "{}", ran.err);
    let stems = [
        "cooks",
        "normal_quantiles",
        "partial_1",
        "partial_2",
        "residuals_fitted",
        "residuals_leverage",
        "scale_location",
    ];
    let mut expected: Vec<String> =
        stems.iter().flat_map(|stem| ["csv", "png"].map(|end| format!("{stem}.{end}"))).collect();
    expected.push("figures.csv".into());
    expected.sort();
    assert_eq!(names(&desk, "figures"), expected);
    assert!(std::fs::read(desk.path("figures/cooks.png")).unwrap().starts_with(b"\x89PNG"));
    // Points and marked rows together are the columns of the diagnosis.
    let figure = desk.read("figures/cooks.csv");
    let mut cooks: Vec<f64> = column(&figure, "cooks").iter().map(|cell| cell.parse().unwrap()).collect();
    let mut all = COOKS.to_vec();
    cooks.sort_by(f64::total_cmp);
    all.sort_by(f64::total_cmp);
    assert!(cooks.iter().zip(&all).all(|(a, b)| (a - b).abs() < 1e-12), "{cooks:?}");
    let flagged: Vec<String> = column(&figure, "flagged_row").into_iter().filter(|row| !row.is_empty()).collect();
    assert_eq!(flagged, ["7", "1", "2", "5", "4"]);
    assert_eq!(column(&desk.read("figures/figures.csv"), "drawn"), vec!["points"; 7]);
    let taken = desk.run("diagnose t.csv --formula y~x+g --plots figures").expect(2);
    assert!(taken.err.contains("folder that holds something") && taken.out.is_empty(), "{}", taken.err);
    desk.run("diagnose t.csv --formula y~q --plots others").expect(2);
    assert!(!desk.path("others").exists());
    desk.run("diagnose t.csv --formula y~x+g --plots d.csv -o d.csv").expect(2);
}

/// What `--safe` promises: hexagons of ten rows alone, nothing of the row far out in any file, wherever it is.
#[test]
fn a_folder_that_may_leave_says_nothing_of_a_single_row() {
    let desk = Desk::new();
    desk.text("near.csv", &crowd(30.0)).text("far.csv", &crowd(30.0).replace("\n=Outlier", "\n=Somebody"));
    let ran = desk.run("diagnose near.csv --row-names name --formula y~x --plots near --safe").expect(0);
    assert!(ran.out.is_empty() && !ran.err.contains("Outlier"), "{}{}", ran.out, ran.err);
    let found = names(&desk, "near");
    assert!(!found.iter().any(|name| name.starts_with("cooks")) && found.len() == 11, "{found:?}");
    for name in found.iter().filter(|name| name.ends_with(".csv") && *name != "figures.csv") {
        let figure = desk.read(&format!("near/{name}"));
        assert!(figure.lines().next().unwrap().ends_with(",rows") && !figure.contains("Outlier"), "{figure}");
        let rows: Vec<u64> = column(&figure, "rows").iter().map(|cell| cell.parse().unwrap()).collect();
        let shown: u64 = rows.iter().sum();
        assert!(rows.iter().all(|rows| *rows >= 10), "{name}: {rows:?}");
        assert!(shown <= 590 && shown > 300, "{name}: {shown} rows of 600 are shown");
    }
    desk.run("diagnose far.csv --row-names name --formula y~x --plots far --safe").expect(0);
    for name in &found {
        assert!(
            std::fs::read(desk.path(&format!("near/{name}"))).unwrap()
                == std::fs::read(desk.path(&format!("far/{name}"))).unwrap(),
            "{name} tells the name of a row"
        );
    }
    desk.run("diagnose near.csv --row-names name --formula y~x --plots more --safe=25 --quiet").expect(0);
    let rows = column(&desk.read("more/residuals_fitted.csv"), "rows");
    assert!(rows.iter().all(|rows| rows.parse::<u64>().unwrap() >= 25), "{rows:?}");
    for (words, expected) in [
        ("--safe", "--plots"),
        ("--plots p --safe -o d.csv", "--output"),
        ("--plots p --safe --report d.html", "--report"),
        ("--plots p --safe --json", "goes without --json"),
        ("--plots p --safe=2", "3.."),
    ] {
        let ran = desk.run(&format!("diagnose near.csv --row-names name --formula y~x {words}")).expect(2);
        assert!(format!("{}{}", ran.err, ran.out).contains(expected), "{words}: {}", ran.err);
        assert!(!desk.path("p").exists());
    }
    assert_eq!(unhat_models::figures::LEAST_ROWS, unhat_models::checking::Appetite::default().minimum_count);
}

/// Some thousand rows are hexagons that count all of them, and the row far out has its name.
#[test]
fn many_rows_are_counted_and_the_gravest_have_names_that_no_spreadsheet_runs() {
    let desk = Desk::new();
    let part = |k: u32| {
        crowd(30.0 + f64::from(k)).replace("row ", &format!("row {k}.")).replace("=Outlier", &format!("=Outlier{k}"))
    };
    let rows: String =
        (0..4).flat_map(|k| part(k).lines().skip(1).map(|row| format!("{row}\n")).collect::<Vec<_>>()).collect();
    desk.text("t.csv", &format!("name,y,x\n{rows}"));
    let ran = desk.run("diagnose t.csv --row-names name --formula y~x --plots figures -o d.csv").expect(0);
    assert!(ran.err.contains("apostrophe"), "{}", ran.err);
    for stem in ["residuals_fitted", "residuals_leverage", "normal_quantiles", "cooks", "partial_1"] {
        let figure = desk.read(&format!("figures/{stem}.csv"));
        let drawn = column(&figure, "drawn");
        let counts = column(&figure, "rows");
        let counted: u64 = drawn
            .iter()
            .zip(&counts)
            .filter(|(drawn, _)| *drawn == "hexagon")
            .map(|(_, rows)| rows.parse::<u64>().unwrap())
            .sum();
        assert_eq!(counted, 2400, "{stem}");
        let named: Vec<String> = column(&figure, "flagged_row").into_iter().filter(|row| !row.is_empty()).collect();
        assert!(named[..4].iter().all(|row| row.starts_with("'=Outlier")) && named.len() <= 50, "{stem}: {named:?}");
    }
}

#[test]
fn of_many_levels_the_changes_are_written_where_they_are_asked_for_and_a_note_says_so() {
    let desk = Desk::new();
    // 230 levels of two rows.
    let rows: String = (0..460).map(|i| format!("{},{},l{:03}\n", i * 7 % 11, i * i % 13, i % 230)).collect();
    desk.text("m.csv", &format!("y,x,g\n{rows}"));
    let line = "diagnose m.csv --formula y~x+g -o d.csv";
    let changes = || -> Vec<String> {
        let head = desk.read("d.csv").lines().next().unwrap().to_string();
        head.split(',').filter(|word| word.starts_with("dfbeta")).map(str::to_string).collect()
    };
    let ran = desk.run(line).expect(0);
    assert!(ran.err.contains("of 2 of 231 coefficients, those of no levels of factors"), "{}", ran.err);
    assert_eq!(changes(), ["dfbeta_(Intercept)", "dfbeta_x", "dfbetas_(Intercept)", "dfbetas_x"]);
    let few = column(&desk.read("d.csv"), "dfbetas_x");
    let ran = desk.run(&format!("{line} --dfbeta all")).expect(0);
    assert!(!ran.err.contains("coefficients, those of"), "{}", ran.err);
    assert_eq!(changes().len(), 462);
    let all = desk.read("d.csv");
    assert_eq!(column(&all, "dfbetas_x"), few);
    desk.run(&format!("{line} --dfbeta gl229 --dfbeta x")).expect(0);
    assert_eq!(changes(), ["dfbeta_gl229", "dfbeta_x", "dfbetas_gl229", "dfbetas_x"]);
    assert_eq!(column(&desk.read("d.csv"), "dfbeta_gl229"), column(&all, "dfbeta_gl229"));
    assert_eq!(column(&desk.read("d.csv"), "flag"), column(&all, "flag"));
    assert!(!desk.run(&format!("{line} --no-dfbeta")).expect(0).err.contains("coefficients, those of"));
    for (words, said) in [
        ("--dfbeta z", "found z, expected all, or names of coefficients: (Intercept), x, gl001"),
        ("--dfbeta x --dfbeta x", "found x twice"),
        ("--dfbeta x --no-dfbeta", "cannot be used with"),
    ] {
        let ran = desk.run(&format!("{line} {words}")).expect(2);
        assert!(ran.err.contains(said), "{words}: {}", ran.err);
    }
}

#[test]
fn odd_tables_are_answered_with_what_is_wrong() {
    let desk = Desk::new();
    let rows = |of: &dyn Fn(usize) -> String| (0..20).map(of).collect::<String>();
    desk.text("huge.csv", &format!("y,x\n{}", rows(&|i| format!("{i}e300,{}\n", i * i % 13))));
    let ran = desk.run("diagnose huge.csv --formula y~x").expect(2);
    assert!(ran.err.contains("the squares of the response overflow"), "{}", ran.err);
    desk.text("t.csv", &format!("y,x,g\n{}", rows(&|i| format!("{},{},{}\n", i * 7 % 11, i * i % 13, i % 2))));
    let ran = desk.run("diagnose t.csv --formula y~x+g --levels g=1,0").expect(0);
    assert!(ran.err.contains("column \"g\" enters as numbers, which have no levels"), "{}", ran.err);
    let ran = desk.run("diagnose t.csv --formula y~x+factor(g) --levels g=1,0").expect(0);
    assert!(!ran.err.contains("enters as numbers"), "{}", ran.err);
    desk.text("rows", "1\n2\n99\n");
    let ran = desk.run("audit outputs t.csv --formula y~x --release coefficients --second-rows rows").expect(2);
    assert!(ran.err.contains("--second: rows of the second fit: row 99 does not exist"), "{}", ran.err);
    let odd = rows(&|i| format!("{},{},{}\n", i * 7 % 11, i * i % 13, i * 5 % 7));
    desk.text("odd.csv", &format!("y,\"x\u{1b}[31m\",<script>alert(1)</script>\n{odd}"));
    let ran = desk.run("diagnose odd.csv --formula y~. --report odd.html -o d.csv").expect(0);
    let page = desk.read("odd.html");
    assert!(!page.contains('\u{1b}') && !page.contains("<script>alert") && page.contains("x\u{fffd}[31m"));
    assert!(!ran.err.contains('\u{1b}'));
}
