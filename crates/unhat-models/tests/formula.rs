//! Formulas are read as R reads them, or refused with the place and what to write.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use proptest::prelude::*;
use serde::Deserialize;
use unhat::families::Family;
use unhat::rows::RowSource;
use unhat_models::formula::{Formula, Words, number};
use unhat_models::models::{Column, Frame, TextColumn};
use unhat_models::regression::{ModelFrame, Specification};

#[derive(Deserialize)]
struct Known {
    formula: String,
    intercept: u8,
    labels: Vec<String>,
    names: Vec<String>,
    assign: Vec<usize>,
    sums: Vec<f64>,
}

#[derive(Deserialize)]
struct File {
    formulas: Vec<Known>,
}

/// The table of which R made its model matrices.
fn table() -> Frame {
    let x = vec![1.5, 2.0, 3.25, 4.0, 0.5, 1.0, 2.5, 3.0, 4.5, 5.0, 0.25, 1.75];
    let text = |words: &[&str]| Column::Text(TextColumn::new(words.iter().map(|w| Some(*w))));
    let cycle = |values: &[f64]| Column::Numbers((0..12).map(|i| values[i % values.len()]).collect());
    Frame::new(vec![
        ("y".into(), Column::Numbers(vec![1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 3.0, 6.0, 9.5, 4.5, 2.5, 6.5])),
        ("x".into(), Column::Numbers(x.clone())),
        ("z".into(), Column::Numbers(vec![10.0, 200.0, 3e3, 4e4, 1e5, 5.0, 60.0, 7.0, 8.0, 9.0, 11.0, 12.0])),
        ("k".into(), cycle(&[4.0, 6.0, 8.0])),
        ("g".into(), text(&["b", "a"].repeat(6))),
        ("h".into(), text(&["u", "u", "u", "u", "v", "v", "v", "v", "w", "w", "w", "w"])),
        ("my col".into(), Column::Numbers(x.iter().map(|x| x * x).collect())),
        ("Solar.R".into(), Column::Numbers(x.iter().rev().copied().collect())),
        ("w".into(), cycle(&[1.0, 2.0])),
    ])
    .unwrap()
}

fn frame<'a>(table: &'a Frame, formula: &str) -> unhat::Result<ModelFrame<'a>> {
    ModelFrame::of(table, &Specification::new(Formula::parse(formula)?), Family::Gaussian)
}

#[test]
fn terms_names_and_model_matrices_are_those_of_r() {
    let known: File = serde_json::from_str(include_str!("data/formulas_of_r.json")).unwrap();
    assert!(known.formulas.len() > 45);
    let table = table();
    for known in known.formulas.iter().filter(|known| !known.formula.contains('>')) {
        let at = &known.formula;
        let terms = Formula::parse(at).unwrap().terms(table.names(), &[]).unwrap();
        assert_eq!(terms.labels(), known.labels, "{at}");
        assert_eq!(terms.intercept, known.intercept == 1, "{at}");
        let found = frame(&table, at).unwrap().matrix;
        assert_eq!(found.names(), known.names, "{at}");
        assert_eq!(found.assign(), known.assign, "{at}");
        let values = found.gather(&(0..12).collect::<Vec<_>>()).unwrap();
        for (j, sum) in known.sums.iter().enumerate() {
            let terms: Vec<f64> = (0..12).map(|i| (i + 1) as f64 * values[i * found.names().len() + j]).collect();
            let size: f64 = terms.iter().map(|t| t.abs()).sum();
            assert!((terms.iter().sum::<f64>() - sum).abs() <= 1e-13 * size, "{at}: {}", found.names()[j]);
        }
    }
}

#[test]
fn blocks_are_the_rows_whether_dense_or_sparse() {
    let rows = 3000;
    let words: Vec<String> = (0..40).map(|k| format!("level {k:02}")).collect();
    let text = |step: usize| Column::Text(TextColumn::new((0..rows).map(|i| Some(words[i * step % 40].as_str()))));
    let x = Column::Numbers((0..rows).map(|i| (i as f64 * 0.37).sin()).collect());
    let table =
        Frame::new(vec![("y".into(), x.clone()), ("x".into(), x), ("g".into(), text(1)), ("h".into(), text(7))])
            .unwrap();
    for formula in ["y ~ x + g", "y ~ x*g + h", "y ~ 0 + poly(x, 3) + g:x", "y ~ I(x^2)"] {
        let matrix = frame(&table, formula).unwrap().matrix;
        let d = matrix.names().len();
        let all = matrix.gather(&(0..rows).collect::<Vec<_>>()).unwrap();
        let mut met = Vec::new();
        for k in 0..matrix.blocks() {
            matrix
                .with_block(k, &mut |block| {
                    let mut values = vec![f64::NAN; block.block.rows() * d];
                    block.block.densify_into(0..block.block.rows(), &mut values);
                    assert_eq!(block.start * d, met.len());
                    met.extend(values);
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(met, all, "{formula}");
        let entries = all.iter().filter(|v| **v != 0.0).count();
        assert!(matrix.shape().stored >= entries);
    }
}

#[test]
fn what_is_not_understood_is_refused_with_its_place_and_advice() {
    let table = table();
    let cases = [
        ("y ~ x + (1 | g)", "position 12", "random effects"),
        ("y x", "position 3", "expected ~"),
        ("y ~ x +", "position 8", "expected a column"),
        ("y ~ x ~ z", "position 7", "one ~"),
        ("y ~ ns(x, 3)", "position 5", "splines"),
        ("y ~ ordered(g)", "position 5", "treatment"),
        ("y ~ x + 2", "position 9", "I()"),
        ("y ~ x^g", "position 7", "(a + b)^2"),
        ("y ~ log(x, 2)", "position 5", "one argument"),
        ("y ~ I(x:z)", "position 7", "interaction"),
        ("y ~ x:(0 + g)", "position 8", "outermost"),
        ("y ~ a", "no column \"a\"", "\"y\", \"x\""),
        ("y ~ x %o% z", "position 7", "%in%"),
        ("y ~ y + x", "position 5", "response"),
        ("y ~ 0", "position 5", "nothing to fit"),
        ("y ~ factor(x > 2)", "position 14", "operators"),
        ("y ~ x - offset(z)", "position 9", "sign inside"),
        ("y ~ `x", "position 5", "backticks"),
        ("y ~ 3x", "position 5", "backticks"),
        ("y ~ poly(x, 0)", "position 5", "poly(x, k)"),
        ("y ~ log(x - 1)", "row 5", "another transformation"),
        ("y ~ I(1/(k - 4))", "row 1", "finite"),
        ("y ~ I(g + 1)", "\"g\" holds text", "numbers"),
        ("g ~ x", "\"g\" holds text", "numbers"),
        ("cbind(y, x) ~ z", "binomial", "successes"),
        ("~ x", "position 1", "response"),
        ("y ~ poly(k, 3)", "3 different values", "found 3"),
        ("y ~ . + C(g, contr.sum)", "position 9", "one argument"),
    ];
    for (formula, place, advice) in cases {
        let error = frame(&table, formula).map(|f| f.matrix.names().to_vec()).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(advice), "{formula}: {error}");
    }
}

#[test]
fn words_make_the_formula_that_says_the_same() {
    let words = Words {
        response: Some("y".into()),
        columns: vec!["x".into(), "my col".into()],
        factors: vec!["k".into()],
        interactions: vec!["x:k".into()],
        no_intercept: false,
    };
    assert_eq!(words.formula().unwrap().to_string(), "y ~ x + `my col` + factor(k) + x:factor(k)");
    let alone = Words { response: Some("y".into()), ..Words::default() };
    assert_eq!(alone.formula().unwrap().to_string(), "y ~ 1");
    let empty = Words { response: Some(" ".into()), ..Words::default() };
    assert!(empty.formula().unwrap_err().to_string().contains("response: found an empty name"));
    let of_one_side = Words { columns: vec!["x".into()], ..Words::default() }.formula().unwrap();
    assert_eq!(of_one_side.to_string(), "~x");
    assert!(of_one_side.require_response().unwrap_err().to_string().contains("no response"));
}

#[test]
fn a_formula_is_written_as_r_writes_it() {
    for (text, written) in [
        ("y~I( x*2 )+log( z+1 )/g", "y ~ I(x * 2) + log(z + 1)/g"),
        ("y ~ -x^2 + a %in% b", "y ~ -x^2 + a %in% b"),
        ("y ~ poly(x,2,raw=TRUE)", "y ~ poly(x, 2, raw = TRUE)"),
    ] {
        assert_eq!(Formula::parse(text).map_or_else(|e| e.to_string(), |f| f.to_string()), written);
    }
    // as.character() of R
    for (value, written) in [
        (1e5, "1e+05"),
        (123456.0, "123456"),
        (0.1, "0.1"),
        (1e-5, "1e-05"),
        (0.0001, "1e-04"),
        (1.0 / 3.0, "0.333333333333333"),
        (-2.5, "-2.5"),
        (1e15, "1e+15"),
        (100.0, "100"),
    ] {
        assert_eq!(number(value), written);
    }
}

#[test]
fn levels_can_be_put_in_order_and_must_be_complete() {
    let table = table();
    let mut wanted = Specification::new(Formula::parse("y ~ h + factor(k)").unwrap());
    wanted.levels = vec![
        ("h".into(), ["w", "u", "v", "q"].map(String::from).to_vec()),
        ("k".into(), ["8", "4", "6"].map(String::from).to_vec()),
    ];
    let found = ModelFrame::of(&table, &wanted, Family::Gaussian).unwrap();
    assert_eq!(found.matrix.names(), ["(Intercept)", "hu", "hv", "factor(k)4", "factor(k)6"]);
    assert!(found.notes[0].contains("\"q\""), "{:?}", found.notes);
    wanted.levels[0].1.retain(|level| level != "v");
    let error = ModelFrame::of(&table, &wanted, Family::Gaussian).unwrap_err().to_string();
    assert!(error.contains("row 5, column \"h\"") && error.contains("\"v\""), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_means_the_same_when_written(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "y", "x", "g", "h", "z", "`my col`", "1", "0", "2", "+", "-", "*", "/", ":", "^", "%in%", "(", ")", "~", ".",
                "log(", "I(", "factor(", "poly(", ",", "offset(", "é", "|", "1e3", "=", "cbind(",
            ]),
            0..14,
        )
    ) {
        let columns: Vec<String> = ["y", "x", "g", "h", "z", "my col"].map(String::from).to_vec();
        for text in [words.join(" "), format!("y ~ {}", words.join(" "))] {
            if let Ok(formula) = Formula::parse(&text) {
                let again = Formula::parse(&formula.to_string()).unwrap();
                match (formula.terms(&columns, &[]), again.terms(&columns, &[])) {
                    (Ok(a), Ok(b)) => prop_assert_eq!((a.labels(), a.intercept), (b.labels(), b.intercept)),
                    (a, b) => prop_assert_eq!(a.is_err(), b.is_err()),
                }
            }
        }
    }
}
