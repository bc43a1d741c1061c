//! Tables as people write them: delimiters, decimal marks, headers, names, missing cells, weights. Right, or refused by name.

use crate::desk::{Desk, Ran, numbers};

/// A desk with files of `tests/data` on it.
fn desk(names: &[&str]) -> Desk {
    let desk = Desk::new();
    for name in names {
        let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
        desk.bytes(name, &std::fs::read(path).unwrap());
    }
    desk
}

fn assert_scores(ran: &Ran, expected: &[f64]) {
    let found = ran.numbers();
    assert_eq!(found.len(), expected.len(), "{}", ran.err);
    found.iter().zip(expected).for_each(|(f, e)| assert!((f - e).abs() < 2e-11, "{found:?}\n{}", ran.err));
}

/// Runs a line that must be refused; every word must stand in the message.
fn assert_refused(desk: &Desk, line: &str, words: &[&str]) {
    let ran = desk.run(line).expect(2);
    words.iter().for_each(|word| assert!(ran.err.contains(word), "{line}: {word:?} is not in {}", ran.err));
}

/// NumPy's QR of (1, power, econ, mass).
const CARS: [f64; 6] = [0.246214027421, 0.925213168127, 0.675639179435, 0.780179310156, 0.763081086803, 0.609673228059];

#[test]
fn cells_are_separated_by_what_separates_them() {
    let names = ["cars", "tabs", "pipe", "excel", "space"].map(|name| format!("semicolon-intercept-{name}.csv"));
    let desk = desk(&names.each_ref().map(String::as_str));
    for name in &names {
        let ran = desk.run(&format!("scores --matrix {name} --intercept")).expect(0);
        assert_scores(&ran, &CARS);
        let columns = "4 columns: (Intercept), power, econ, mass";
        assert!(ran.err.contains(columns), "{name}: {}", ran.err);
        let said = desk.run(&format!("scores --matrix {name} --intercept --json")).expect(0).json();
        let noted = said["warnings"][0].as_str().is_some_and(|note| note.contains("separated by"));
        assert_eq!(noted, !name.contains("comma"), "{said}");
        assert!((numbers(&said["values"]).iter().sum::<f64>() - 4.0).abs() < 1e-12);
    }
    let space = desk.run("scores --matrix semicolon-intercept-space.csv --intercept -o s.csv").expect(0);
    assert!(space.err.contains("row names: column 1"), "{}", space.err);
    assert!(desk.read("s.csv").starts_with("row,leverage\n1,0.246"), "{}", desk.read("s.csv"));
    // the same words with an option
    let named = desk.run("scores --matrix semicolon-intercept-cars.csv --intercept --delimiter semicolon").expect(0);
    assert_scores(&named, &CARS);
    assert_refused(&desk, "scores --matrix semicolon-intercept-cars.csv --intercept --delimiter ,", &["semicolons"]);
    assert_refused(
        &desk,
        "scores --matrix semicolon-intercept-cars.csv --delimiter x",
        &["--delimiter", "expected one of"],
    );
}

#[test]
fn delimiters_in_doubt_are_refused() {
    let desk = Desk::new();
    desk.text("t.csv", "a;b|c\n1;2|3\n4;5|6\n")
        .text("ragged.csv", "a,b\n1,2,\n3,4,\n")
        .text("#.csv", "# made by x\na,b\n1,2\n");
    desk.text("quoted.csv", "\"a,1\";\"b;2\"\n1.5;2\n3;4.5\n5;7\n").text("more.csv", "a,b\n1,2\n3,4,5\n");
    assert_refused(&desk, "scores --matrix t.csv", &["semicolons or by | signs", "--delimiter"]);
    assert_refused(&desk, "scores --matrix ragged.csv", &["line 1 has 2 cells", "delimiter at the end"]);
    assert_refused(&desk, "scores --matrix #.csv", &["line 1", "comment"]);
    assert_refused(&desk, "scores --matrix more.csv", &["row 2", "found 3 cells, expected 2", "--delimiter"]);
    let ran = desk.run("scores --matrix quoted.csv").expect(0);
    assert!(ran.err.contains("2 columns: a,1, b;2"), "{}", ran.err);
}

/// Hat values of (1, a, b) by NumPy.
#[test]
fn decimal_commas_are_numbers() {
    let desk = desk(&["decimal-comma-head.csv", "decimal-comma-nohead.csv"]);
    let expected = [0.634604256818, 0.312625792493, 0.390818405958, 0.927801398813, 0.734150145919];
    for name in ["head", "nohead"] {
        let ran = desk.run(&format!("scores --matrix decimal-comma-{name}.csv --intercept")).expect(0);
        assert_scores(&ran, &expected);
        assert!(ran.err.contains("semicolons, the numbers have decimal commas"), "{}", ran.err);
    }
    desk.text(
        "q.csv",
        "a,b\n\"1,5\",\"2,25\"\n\"2,5\",\"3,75\"\n\"3,75\",\"1,5\"\n\"4,25\",\"8,0\"\n\"5,5\",\"2,5\"\n",
    );
    assert_refused(&desk, "scores --matrix q.csv", &["row 1, column \"a\"", "\"1,5\"", "--decimal ,"]);
    assert_scores(&desk.run("scores --matrix q.csv --intercept --decimal ,").expect(0), &expected);
    desk.text("one.csv", "1,5\n2,25\n3,75\n");
    let one = desk.run("scores --matrix one.csv --decimal , --intercept").expect(0);
    assert!(one.err.contains("2 columns"), "{}", one.err);
    // 1,234 may be 1.234 or 1234
    desk.text("dot.csv", "a;b\n1,234;2\n2,345;1\n4,456;7\n");
    assert_refused(&desk, "scores --matrix dot.csv", &["\"1,234\"", "--decimal , or --thousands ,"]);
    let small = desk.run("scores --matrix dot.csv --decimal ,").expect(0).numbers();
    let large = desk.run("scores --matrix dot.csv --thousands ,").expect(0).numbers();
    assert!(
        small.iter().zip(&large).all(|(s, l)| (s - l).abs() < 1e-12),
        "scores do not depend on the unit of a column"
    );
    desk.text("eu.csv", "a;b\n1.234,5;2\n2.345,5;1\n456,5;7\n");
    assert_refused(&desk, "scores --matrix eu.csv", &["row 1, column \"a\"", "--thousands ."]);
    desk.run("scores --matrix eu.csv --decimal , --thousands .").expect(0);
}

/// A vector written as the table is; the scores of (1, a) at x = (0.5, 0.25) by NumPy.
#[test]
fn vectors_are_written_in_the_ways_of_tables() {
    let desk = desk(&["decimal-comma-v.csv"]);
    desk.text("A.csv", "a\n1\n2\n4\n5\n7\n").text("x.txt", "0.5\n0.25\n").text("v.txt", "1.5\n2.25\n3.75\n4.5\n5.5\n");
    let scored = |offset: &str, more: &str| {
        desk.run(&format!("scores --matrix A.csv --intercept --offset {offset} --point x.txt {more}"))
    };
    let plain = scored("v.txt", "").expect(0).out;
    let comma = "scores --matrix A.csv --intercept --offset decimal-comma-v.csv --point x.txt";
    assert_refused(&desk, comma, &["offset", "row 2", "decimal marks", "--decimal ,"]);
    desk.text("x-comma.txt", "0,5\n0,25\n").text("line.csv", "1,5;2,25;3,75;4,5;5,5\n");
    for offset in ["decimal-comma-v.csv", "line.csv"] {
        let ran =
            desk.run(&format!("scores --matrix A.csv --intercept --decimal , --offset {offset} --point x-comma.txt"));
        assert_eq!(ran.expect(0).out, plain, "{offset}");
    }
    desk.text("piped.txt", "1.5|2.25|3.75|4.5|5.5\n").text("A-piped.csv", "a|b\n1|z\n2|z\n4|y\n5|x\n7|x\n");
    let piped = "scores --matrix A-piped.csv --delimiter | --intercept --offset piped.txt --point x.txt";
    assert_eq!(desk.run(piped).expect(0).out, plain);
    // What unhat wrote is read as it was written, whatever the table is like.
    desk.run("scores --matrix A.csv --intercept -o own.csv").expect(0);
    let own = scored("own.csv", "").expect(0).out;
    assert_eq!(scored("own.csv", "--decimal , --point x-comma.txt").code, 2, "one point only");
    let ran = desk.run("scores --matrix A.csv --intercept --decimal , --offset own.csv --point x-comma.txt").expect(0);
    assert_eq!(ran.out, own);
    // A first line that may be data is no header.
    for (text, words) in [("NA\n2\n3\n4\n5\n6\n", "NA"), ("1,5\n", "found 2"), ("12%\n2\n3\n4\n5\n6\n", "percentage")] {
        desk.text("b.txt", text);
        assert!(scored("b.txt", "").expect(2).err.contains(words), "{text:?}");
    }
}

/// Identifiers of 19 digits are no doubles: said in a table, refused in a vector and in an array.
#[test]
fn whole_numbers_that_no_double_holds_are_said_or_refused() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..9).map(|k| format!("{},{}", 9_007_199_254_740_993u64 + 2 * k, k * k)).collect();
    desk.text("ids.csv", &format!("id,x\n{}\n", rows.join("\n")));
    let ran = desk.run("scores --matrix ids.csv --json").expect(0);
    let said = "column \"id\": the whole number \"9007199254740993\" in row 1 and 8 more cannot be held by a double";
    assert!(ran.err.contains(said) && ran.json()["warnings"].to_string().contains("cannot be held"), "{}", ran.err);
    desk.text("few.csv", "id,x\n9007199254740994,1\n9007199254740992,5\n1e300,2\n");
    assert!(!desk.run("scores --matrix few.csv").expect(0).err.contains("cannot be held"));
    let ran = desk.run("influence ids.csv --response x --model linear --method loss").expect(0);
    assert!(ran.err.contains("in row 1 and 8 more cannot be held by a double"), "{}", ran.err);
    desk.text("A.csv", "a\n1\n2\n").text("b.txt", "1\n9007199254740993\n").text("x.txt", "3\n");
    assert_refused(&desk, "scores --matrix A.csv --offset b.txt --point x.txt", &["row 2", "a double cannot hold"]);
    desk.text("m.mtx", "%%MatrixMarket matrix array integer general\n2 1\n1\n9007199254740993\n");
    assert_refused(&desk, "scores --matrix m.mtx", &["line 4", "whole number that a double can hold"]);
    let mut array = b"\x93NUMPY\x01\x00v\x00".to_vec();
    array.extend(format!("{:<117}\n", "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1), }").bytes());
    array.extend([1i64.to_le_bytes(), (-9_007_199_254_740_993i64).to_le_bytes()].concat());
    std::fs::write(desk.path("a.npy"), array).unwrap();
    assert_refused(&desk, "scores --matrix a.npy", &["entry 2", "-9007199254740993", "save the array as float64"]);
}

#[test]
fn levels_that_training_never_met_are_one_warning_a_column() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..40).map(|k| format!("{},{},{}", ["a", "b"][k % 2], ["p", "q"][k / 2 % 2], k)).collect();
    desk.text("train.csv", &format!("u,v,y\n{}\n", rows.join("\n")));
    desk.run("train train.csv --response y --model linear --epochs 2 --output m.safetensors").expect(0);
    desk.text("new.csv", "u,v\nc,p\nd,q\ne,z\nf,p\nc,q\na,p\n");
    let ran = desk.run("predict new.csv --model-file m.safetensors --json").expect(0);
    let warnings = ran.json()["warnings"].to_string();
    let said =
        "4 levels occur in no training row; their features are zeros (5 rows): \\\"c\\\", \\\"d\\\", \\\"e\\\", …";
    assert!(warnings.contains(said), "{warnings}");
    assert!(warnings.contains("\\\"z\\\" occurs in no training row"), "{warnings}");
    assert_eq!(ran.err.matches("no training row").count(), 2, "{}", ran.err);
}

/// The square −1 < x < 1 beside a row 0·x ≥ 0, which holds, and one 0·x ≥ 1, which does not.
#[test]
fn rows_without_coefficients_hold_or_contradict() {
    let desk = Desk::new();
    desk.text("A.csv", "a,b\n1,0\n0,0\n-1,0\n0,1\n0,-1\n").text("signs.txt", "1\n1\n1\n1\n1\n");
    desk.text("A.mtx", "%%MatrixMarket matrix coordinate real general\n5 2 4\n1 1 1\n3 1 -1\n4 2 1\n5 2 -1\n");
    desk.text("square.csv", "a,b\n1,0\n-1,0\n0,1\n0,-1\n")
        .text("b.txt", "-1\n0\n-3\n-1\n-1\n")
        .text("x.txt", "0.5\n0.1\n");
    desk.text("c.txt", "-1\n-3\n-1\n-1\n").text("no.txt", "-1\n1\n-3\n-1\n-1\n").text("t.txt", "0.1\n0.1\n");
    for command in ["centre", "gradient --point x.txt", "invert gradient --target t.txt"] {
        let expected = desk.run(&format!("{command} --matrix square.csv --offset c.txt")).expect(0).out;
        for matrix in ["A.csv", "A.mtx"] {
            let ran = desk.run(&format!("{command} --matrix {matrix} --offset b.txt")).expect(0);
            assert_eq!(ran.out, expected, "{command} {matrix}");
            let note = "left out rows without coefficients, which every point satisfies: \"2\"";
            assert!(ran.err.contains(note), "{}", ran.err);
        }
    }
    let signed = desk.run("centre --matrix A.csv --offset b.txt --signs signs.txt").expect(0);
    assert_eq!(signed.out, desk.run("centre --matrix square.csv --offset c.txt").expect(0).out);
    let ran = desk.run("centre --matrix A.csv --offset no.txt").expect(2);
    assert!(ran.err.contains("contradict") && ran.err.contains("0·x > 1e0"), "{}", ran.err);
}

/// Fortran's exponents, typesetters' minus signs; and what no reader should guess.
#[test]
fn numbers_in_other_ways_of_writing_are_read_or_named() {
    let desk = Desk::new();
    desk.text("plain.csv", "a,b\n1500,2\n-2,3\n30,5\n").text("d.csv", "a,b\n1.5D+03,2\n\u{2212}2,+3\n3.D1,5e0\n");
    let plain = desk.run("scores --matrix plain.csv").expect(0);
    assert_eq!(desk.run("scores --matrix d.csv").expect(0).out, plain.out);
    for (cell, word) in [
        ("5%", "percentage"),
        ("$5", "money"),
        ("0x1F", "hexadecimal"),
        ("1_000", "_"),
        ("(5)", "negative"),
        ("<5", "bound"),
        ("1 234", "--thousands blank"),
    ] {
        desk.text("t.csv", &format!("a,b\n{cell},1\n{cell},2\n{cell},4\n"));
        for command in [
            "scores --matrix t.csv",
            "scores --matrix t.csv --intercept",
            "influence t.csv --response b --model linear",
            "train t.csv --response b --model linear",
        ] {
            assert_refused(&desk, command, &["t.csv", "row 1, column \"a\"", cell, word]);
        }
        desk.text("late.csv", &format!("a,b\n1,1\n2,2\n{cell},4\n"));
        assert_refused(&desk, "scores --matrix late.csv", &["row 3, column \"a\"", cell, word]);
        assert_refused(&desk, "train late.csv --response b --model linear", &["row 3, column \"a\"", cell, word]);
    }
    desk.text("inf.csv", "a,b\n1,2\ninf,3\n");
    assert_refused(&desk, "scores --matrix inf.csv", &["row 2, column \"a\"", "finite"]);
    desk.bytes("wide.csv", b"\xFF\xFE1\0,\x002\0\n\0");
    assert_refused(&desk, "scores --matrix wide.csv", &["UTF-16", "UTF-8"]);
}

/// UCI's files have no header: the first flower is one of fifteen. Hat values of (1, x1..x4) by NumPy.
#[test]
fn a_first_line_that_may_be_data_is_never_beheaded() {
    let desk = desk(&["headerless-data-iris15.csv", "headerless-data-nafirst.csv", "headerless-data-wordlater.csv"]);
    let iris = [
        0.210348267361,
        0.272297520066,
        0.203668236926,
        0.193916348024,
        0.276312537716,
        0.360529729044,
        0.615317754177,
        0.268131907119,
        0.252392969058,
        0.512257073306,
        0.488687860672,
        0.150462111516,
        0.248179067805,
        0.526805798429,
        0.420692818781,
    ];
    let ran = desk.run("scores --matrix headerless-data-iris15.csv --intercept").expect(0);
    assert_scores(&ran, &iris);
    assert!(ran.err.contains("left out column \"5\""), "{}", ran.err);
    let same = desk.run("scores --matrix headerless-data-iris15.csv --intercept --no-header").expect(0);
    assert_eq!(same.out, ran.out);
    assert_eq!(
        desk.run("scores --matrix headerless-data-iris15.csv --intercept --header").expect(0).numbers().len(),
        14
    );
    desk.run("influence headerless-data-iris15.csv --response x5 --model softmax --top 1").expect(0);
    assert_refused(
        &desk,
        "scores --matrix headerless-data-nafirst.csv --intercept",
        &["row 1, column 1", "missing", "--missing omit"],
    );
    let omitted =
        desk.run("scores --matrix headerless-data-nafirst.csv --intercept --missing omit --json").expect(0).json();
    assert_eq!(numbers(&omitted["values"]).len(), 5);
    assert!(omitted["warnings"].to_string().contains("1 of 6 rows left out"), "{omitted}");
    assert_eq!(desk.run("scores --matrix headerless-data-wordlater.csv").expect(0).numbers().len(), 5);
    // words over numbers and numbers over numbers: years, or data?
    desk.text("years.csv", "id,2019,2020\n1,5,6\n2,7,7\n3,1,4\n");
    for command in [
        "scores --matrix years.csv",
        "influence years.csv --response x3 --model linear",
        "train years.csv --response x3 --model linear",
    ] {
        assert_refused(&desk, command, &["years.csv: line 1", "--header or --no-header"]);
    }
    let ran = desk.run("scores --matrix years.csv --header").expect(0);
    assert!(ran.err.contains("3 columns: id, 2019, 2020"), "{}", ran.err);
    desk.text("pandas.csv", ",0,1\n0,5,6\n1,7,7\n2,1,4\n");
    assert_refused(&desk, "scores --matrix pandas.csv", &["line 1", "--header or --no-header"]);
    assert_eq!(desk.run("scores --matrix pandas.csv --header").expect(0).numbers().len(), 3);
    // nothing but words: the header is said
    desk.text("words.csv", "a,b,y\nred,x,p\nblue,x,q\nred,y,q\nblue,y,p\nred,x,q\n");
    let ran = desk.run("train words.csv --response y --model logistic --epochs 1").expect(0);
    assert!(ran.err.contains("line 1 was taken for the header: \"a\", \"b\", \"y\""), "{}", ran.err);
}

/// With thousands.csv read rightly a network on two numbers has 8·3 + 9 = 33 parameters.
#[test]
fn a_column_of_numbers_with_separators_is_no_column_of_levels() {
    let (thousands, plain) = ("number-column-becomes-levels-thousands.csv", "number-column-becomes-levels-plain.csv");
    let desk = desk(&[thousands, plain]);
    for line in [
        "train {} --response mpg --model mlp:8 --epochs 3",
        "influence {} --response mpg --model linear --method self",
        "scores --matrix {}",
        "scores --matrix {} --columns weight",
    ] {
        let words = ["row 1, column \"weight\"", "\"3,900\"", "--thousands ,"];
        assert_refused(&desk, &line.replace("{}", thousands), &words);
    }
    let train = |name: &str| format!("train {name} --response mpg --model mlp:8 --epochs 3 --json --threads 1");
    let read = desk.run(&(train(thousands) + " --thousands ,")).expect(0).json();
    assert_eq!(read["model"]["parameters"], 33);
    let losses = |report: &serde_json::Value| -> Vec<f64> {
        report["history"].as_array().unwrap().iter().map(|entry| entry["train_loss"].as_f64().unwrap()).collect()
    };
    assert_eq!(losses(&read), losses(&desk.run(&train(plain)).expect(0).json()));
    let scores = |line: &str| desk.run(&format!("scores --intercept --response mpg --matrix {line}")).expect(0).out;
    assert_eq!(scores(&format!("{thousands} --thousands ,")), scores(plain));
}

#[test]
fn nearly_one_word_a_row_is_no_feature() {
    let desk = Desk::new();
    let rows: String = (0..20).map(|i| format!("2021-01-{:02},{},{}\n", i + 1, i % 7, (i * i) % 11)).collect();
    desk.text("t.csv", &format!("date,a,y\n{rows}"));
    for command in ["train t.csv --response y --model linear --epochs 1", "influence t.csv --response y --model linear"]
    {
        assert_refused(&desk, command, &["column \"date\"", "text in 20 rows, 20 different", "--without"]);
        desk.run(&format!("{command} --without date")).expect(0);
    }
    let ran = desk.run("scores --matrix t.csv").expect(0);
    assert!(ran.err.contains("row names: column \"date\""), "{}", ran.err);
}

/// As MASS::lm.ridge, glmnet and scikit-learn have it: the same in Celsius and in kelvin.
#[test]
fn a_ridge_leaves_the_intercept_free() {
    let desk = desk(&["ridge-intercept-x.csv", "ridge-intercept-shifted.csv"]);
    let expected = [
        0.163873695973,
        0.14121904009,
        0.117992792864,
        0.500796396639,
        0.158760665335,
        0.101355583552,
        0.292480242106,
        0.110079363378,
        0.0861819864763,
        0.0946277224092,
        0.336154784445,
        0.263417769746,
    ];
    for name in ["x", "shifted"] {
        let line = format!("scores --matrix ridge-intercept-{name}.csv --intercept --ridge 2");
        let ran = desk.run(&line).expect(0);
        assert_scores(&ran, &expected);
        assert!(ran.err.contains("effective dimension 2.366940"), "{}", ran.err);
        assert!(ran.err.contains("the ridge leaves the intercept free"), "{}", ran.err);
        assert_eq!(desk.run(&format!("{line} --free-intercept")).expect(0).out, ran.out);
    }
    let held = desk.run("scores --matrix ridge-intercept-x.csv --intercept --ridge 2 --penalise-intercept").expect(0);
    assert!(
        (held.numbers().iter().sum::<f64>() - 1.701701).abs() < 5e-7 && held.err.contains("intercept too"),
        "{}",
        held.err
    );
    assert_refused(
        &desk,
        "scores --matrix ridge-intercept-x.csv --ridge 2 --free-intercept",
        &["--free-intercept", "no constant column"],
    );
    assert_refused(&desk, "scores --matrix ridge-intercept-x.csv --intercept --free-intercept", &["--ridge"]);
}

/// W^(1/2) X (XᵀWX)⁻¹ Xᵀ W^(1/2), one weight 0; statsmodels.
#[test]
fn case_weights_give_the_hat_values_of_weighted_least_squares() {
    let desk = desk(&["weighted-least-squares-wx.csv"]);
    let expected = [
        0.237309066026,
        0.336152521572,
        0.481097043862,
        0.0309676253175,
        0.425804848116,
        0.318303363319,
        0.0532241492489,
        0.0384981604831,
        0.0786432220563,
        0.0,
    ];
    for more in ["", " --columns x", " --columns x,w"] {
        let ran = desk
            .run(&format!("scores --matrix weighted-least-squares-wx.csv --intercept --case-weights w{more}"))
            .expect(0);
        assert_scores(&ran, &expected);
        assert!(ran.err.contains("2 columns: (Intercept), x; weighted by w"), "{}", ran.err);
    }
    desk.text("n.csv", "x,w\n1,1\n2,-1\n3,1\n").text("z.csv", "x,w\n1,0\n2,0\n").text("t.csv", "x,w\n1,a\n2,b\n");
    assert_refused(&desk, "scores --matrix n.csv --case-weights w", &["--case-weights", "row 2", "-1"]);
    assert_refused(&desk, "scores --matrix z.csv --case-weights w", &["--case-weights", "every weight is 0"]);
    for command in ["gradient --offset z.csv --point z.csv", "centre --offset z.csv", "audit --offset z.csv"] {
        let refused = desk.run(&format!("{command} --matrix z.csv --case-weights w")).expect(2);
        assert!(refused.err.contains("unexpected argument '--case-weights'"), "{command}: {}", refused.err);
    }
    assert_refused(&desk, "scores --matrix t.csv --case-weights w", &["row 1, column \"w\"", "expected a number"]);
    assert_refused(&desk, "scores --matrix n.csv --case-weights v", &["--case-weights", "no column \"v\""]);
}

/// 10x's matrices have a row for each gene; cell 6 is empty. Scores of the 14 cells by NumPy.
#[test]
fn the_samples_may_be_the_columns_of_the_file() {
    let desk = desk(&["genes-by-cells-matrix.mtx"]);
    let expected = [
        0.203534031414,
        0.694862565445,
        0.503763089005,
        0.694862565445,
        0.341459424084,
        0.0,
        0.618946335079,
        0.671302356021,
        0.424083769634,
        0.172120418848,
        0.16737565445,
        0.669502617801,
        0.632853403141,
        0.205333769634,
    ];
    assert_scores(&desk.run("scores --matrix genes-by-cells-matrix.mtx --transpose").expect(0), &expected);
    let asked = desk.run("scores --matrix genes-by-cells-matrix.mtx").expect(0);
    assert!(asked.err.contains("6 rows, but 14 columns") && asked.err.contains("--transpose"), "{}", asked.err);
    desk.text("t.csv", "gene,c1,c2,c3\ng1,1,0,2\ng2,3,1,1\n")
        .text("turned.csv", "cell,g1,g2\nc1,1,3\nc2,0,1\nc3,2,1\n");
    desk.run("scores --matrix t.csv --transpose -o t.tsv").expect(0);
    desk.run("scores --matrix turned.csv -o turned.tsv").expect(0);
    assert_eq!(desk.read("t.tsv"), desk.read("turned.tsv"));
    desk.matrix("t.npy", &[1.0, 0.0, 2.0, 3.0, 1.0, 1.0], 3);
    assert_eq!(desk.run("scores --matrix t.npy --transpose").expect(0).numbers(), desk.numbers("t.tsv"));
    assert_refused(&desk, "scores --matrix t.csv --transpose --intercept", &["--transpose", "--intercept"]);
}

#[test]
fn missing_cells_are_refused_left_out_or_written_without_an_answer() {
    let desk = Desk::new();
    desk.text("t.csv", "name,x,note,y\na,1,,2\nb,,u,3\nc,4,v,.\nd,5,,1\ne,7,u,0\n");
    assert_refused(&desk, "scores --matrix t.csv", &["t.csv: row 2, column \"x\"", "missing", "--missing omit"]);
    let complete = "name,x,y\na,1,2\nd,5,1\ne,7,0\n";
    desk.text("complete.csv", complete);
    let expected = desk.run("scores --matrix complete.csv").expect(0);
    let omitted = desk.run("scores --matrix t.csv --missing omit -o s.csv").expect(0);
    assert!(omitted.err.contains("2 of 5 rows left out for missing cells"), "{}", omitted.err);
    assert_eq!(desk.numbers("s.csv"), expected.numbers());
    assert!(desk.read("s.csv").lines().map(|line| &line[..1]).eq(["r", "a", "d", "e"]), "{}", desk.read("s.csv"));
    desk.run("scores --matrix t.csv --missing exclude -o s.csv").expect(0);
    let rows: Vec<String> = desk.read("s.csv").lines().map(str::to_string).collect();
    assert!(rows.len() == 6 && rows[2] == "b," && rows[3] == "c," && rows[4].starts_with("d,0"), "{rows:?}");
    let object = desk.run("scores --matrix t.csv --missing exclude --json").expect(0).json();
    let values = object["values"].as_array().unwrap();
    assert!(values.len() == 5 && values[1].is_null() && values[2].is_null() && values[3].is_number(), "{object}");
    // a column that is not used may have gaps
    desk.run("scores --matrix t.csv --columns x --missing omit").expect(0);
    assert_eq!(desk.run("scores --matrix t.csv --columns x --missing omit").expect(0).numbers().len(), 4);
    desk.text("code.csv", "x,y\n1,2\n-999,3\n4,-999.0\n5,1\nNA,0\n");
    assert_refused(&desk, "scores --matrix code.csv --na -999", &["row 2, column \"x\"", "missing"]);
    let two = desk.run("scores --matrix code.csv --na -999 --na NA --missing omit -o s.csv").expect(0);
    assert!(two.err.contains("3 of 5 rows"), "{}", two.err);
    assert!(
        desk.read("s.csv").contains("\n1,") && desk.read("s.csv").contains("\n4,"),
        "labels: {}",
        desk.read("s.csv")
    );
    assert_refused(&desk, "scores --matrix t.csv --missing indicator", &["--missing", "models"]);
    assert_refused(&desk, "scores --matrix t.csv --missing maybe", &["--missing", "error, omit, exclude, indicator"]);
    // an offset of the whole file loses the same rows
    desk.text("g.csv", "x\n1\nNA\n4\n7\n")
        .text("b.txt", "0\n9\n1\n2\n")
        .text("b3.txt", "0\n1\n2\n")
        .text("p.txt", "3\n");
    let whole = desk.run("gradient --matrix g.csv --offset b.txt --point p.txt --missing omit").expect(0);
    assert_eq!(
        desk.run("gradient --matrix g.csv --offset b3.txt --point p.txt --missing omit").expect(0).out,
        whole.out
    );
}

#[test]
fn models_are_never_given_a_mean_in_silence() {
    let desk = Desk::new();
    let rows: String = (0..30)
        .map(|i| format!("{},{},{}\n", i, if i == 4 { "NA".into() } else { (i * i % 17).to_string() }, (i * 7) % 13))
        .collect();
    desk.text("t.csv", &format!("a,b,y\n{rows}"));
    for command in [
        "influence t.csv --response y --model linear --method self",
        "train t.csv --response y --model linear --epochs 1",
    ] {
        assert_refused(&desk, command, &["t.csv: row 5, column \"b\"", "missing", "--missing omit", "indicator"]);
        desk.run(&format!("{command} --without b")).expect(0);
        let kept = desk.run(&format!("{command} --missing indicator")).expect(0);
        assert!(kept.err.contains("4 parameters") && kept.err.contains("missing cells"), "{}", kept.err);
        let omitted = desk.run(&format!("{command} --missing omit")).expect(0);
        assert!(
            omitted.err.contains("29 rows, 3 parameters") && omitted.err.contains("1 of 30 rows left out"),
            "{}",
            omitted.err
        );
    }
    desk.run("influence t.csv --response y --model linear --method self --missing exclude -o s.csv").expect(0);
    let lines: Vec<String> = desk.read("s.csv").lines().map(str::to_string).collect();
    assert!(lines.len() == 31 && lines[5] == "5,,,,," && lines[6].starts_with("6,"), "{lines:?}");
    desk.run("influence t.csv --response y --model linear --method loss --validation 0.2 --missing exclude -o s.csv")
        .expect(0);
    let rows: Vec<u32> =
        desk.read("s.csv").lines().skip(1).map(|l| l.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(rows.is_sorted() && rows.contains(&5) && rows.len() < 30, "{rows:?}");
    desk.run("train t.csv --response y --model linear --epochs 1 --missing omit -o m.safetensors").expect(0);
    assert_refused(&desk, "predict t.csv --model-file m.safetensors", &["row 5, column \"b\"", "missing"]);
    let predicted = desk.run("predict t.csv --model-file m.safetensors --missing exclude").expect(0);
    let lines: Vec<&str> = predicted.out.lines().collect();
    assert!(lines.len() == 30 && lines[4].is_empty() && !lines[5].is_empty(), "{lines:?}");
}

#[test]
fn true_and_false_are_one_and_zero() {
    let desk = Desk::new();
    desk.text("f.csv", "a,b,y\nTRUE,1,0\nFALSE,2,1\nTRUE,4,1\nFALSE,3,0\nTRUE,7,5\n")
        .text("n.csv", "a,b,y\n1,1,0\n0,2,1\n1,4,1\n0,3,0\n1,7,5\n");
    for line in [
        "scores --matrix {}",
        "influence {} --response y --model linear --method self",
        "influence {} --response a --model logistic --method loss",
    ] {
        assert_eq!(
            desk.run(&line.replace("{}", "f.csv")).expect(0).out,
            desk.run(&line.replace("{}", "n.csv")).expect(0).out
        );
    }
    desk.text("mixed.csv", "a,b\nTRUE,1\n5,2\n");
    assert_refused(&desk, "scores --matrix mixed.csv", &["row 1, column \"a\"", "\"TRUE\""]);
}

#[test]
fn names_of_columns_and_rows_are_distinct() {
    let desk = Desk::new();
    desk.text("c.csv", "a,b,a\n1,2,3\n4,5,6\n")
        .text("r.csv", ",a,b\nx,1,2\ny,3,4\nx,5,7\n")
        .text("w.csv", "k,a,b\nx,1,2\ny,3,4\nx,5,7\n");
    for command in [
        "scores --matrix c.csv",
        "train c.csv --response b --model linear",
        "influence c.csv --response b --model linear",
    ] {
        assert_refused(&desk, command, &["c.csv: line 1", "several columns are named \"a\": 1 and 3"]);
    }
    assert_refused(&desk, "scores --matrix r.csv", &["row 3, column 1", "\"x\" as in row 1", "--row-names"]);
    let none = desk.run("scores --matrix r.csv --row-names none -o s.csv").expect(0);
    assert!(none.err.contains("left out column \"1\"") && desk.read("s.csv").contains("\n3,"), "{}", none.err);
    let words = desk.run("scores --matrix w.csv").expect(0);
    assert!(words.err.contains("left out column \"k\": text"), "{}", words.err);
    assert_refused(&desk, "scores --matrix w.csv --row-names k", &["row 3, column \"k\""]);
    assert_refused(&desk, "scores --matrix w.csv --row-names q", &["--row-names", "no column \"q\""]);
    desk.run("scores --matrix w.csv --row-names b -o s.csv").expect(0);
    assert!(desk.read("s.csv").contains("\n7,"), "{}", desk.read("s.csv"));
}

#[test]
fn the_summary_says_which_columns_were_taken() {
    let desk = Desk::new();
    desk.text("t.csv", "name,a,y,b\np,1,5,2\nq,2,0,1\nr,4,1,1\ns,3,3,9\n");
    let all = desk.run("scores --matrix t.csv --intercept").expect(0);
    assert!(all.err.contains("4 columns: (Intercept), a, y, b\n"), "{}", all.err);
    let chosen = desk.run("scores --matrix t.csv --intercept --columns a,b").expect(0);
    for option in ["--without y", "--response y"] {
        let ran = desk.run(&format!("scores --matrix t.csv --intercept {option}")).expect(0);
        assert!(ran.err.contains("3 columns: (Intercept), a, b\n"), "{}", ran.err);
        assert_eq!(ran.out, chosen.out);
    }
    assert_refused(&desk, "scores --matrix t.csv --without q", &["--without", "no column \"q\""]);
}

#[test]
fn a_damping_that_a_method_ignores_is_refused() {
    let desk = desk(&["number-column-becomes-levels-plain.csv"]);
    let line = "influence number-column-becomes-levels-plain.csv --response mpg --model linear --damping 0.5";
    for method in ["loss", "self", "exact", "one-step", "wt-ip", "grad-norm"] {
        assert_refused(&desk, &format!("{line} --method {method}"), &["--damping", "not used by"]);
    }
    assert_refused(&desk, &format!("{line} --task loo"), &["--damping", "not used by"]);
    for method in ["leverage", "fisher", "cg2"] {
        desk.run(&format!("{line} --method {method}")).expect(0);
    }
}

/// What a person reads on standard error, a program reads in `warnings`.
#[test]
fn every_note_stands_in_warnings() {
    let desk = Desk::new();
    desk.text("t.csv", "name;a;c;b\np;1;u;2\nq;2;u;1\nr;4;v;\ns;3;v;9\n");
    for quiet in ["", " --quiet"] {
        let line = format!("scores --matrix t.csv --missing omit --checkpoint c{quiet}");
        let spoken = desk.run(&line).expect(0).err;
        let said = desk.run(&format!("{line} --json")).expect(0).json();
        let warnings: Vec<&str> = said["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
        assert_eq!(warnings.len(), 5, "{warnings:?}");
        for line in spoken.lines().filter_map(|line| line.strip_prefix("note: ").or(line.strip_prefix("warning: "))) {
            assert!(warnings.contains(&line), "{line}: {warnings:?}");
        }
    }
}
