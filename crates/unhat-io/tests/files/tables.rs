//! Tables: header, names, choice of columns, and text that is not clean.

use super::{data, dense, file, gzipped, message, names, plain, table};
use unhat_io::{TableOptions, read_matrix};

fn options(columns: Option<&[&str]>, response: Option<&str>, intercept: bool) -> TableOptions {
    TableOptions {
        columns: columns.map(names),
        response: response.map(str::to_string),
        intercept,
        ..TableOptions::default()
    }
}

#[test]
fn a_table_of_numbers_has_no_header() {
    let read = table("1,2\n3,4e-3\n", &TableOptions::default()).unwrap();
    assert_eq!(dense(&read.matrix), [[1.0, 2.0], [3.0, 0.004]]);
    assert_eq!((read.matrix.row_names, read.matrix.column_names, read.response), (None, None, None));
}

#[test]
fn known_tables() {
    let read = read_matrix(&data("stackloss.csv"), &options(None, Some("STACKLOSS"), true)).unwrap();
    let rows = dense(&read.matrix);
    assert_eq!(rows.len(), 21);
    assert_eq!(rows[0], [1.0, 80.0, 27.0, 89.0]);
    assert_eq!(rows[20], [1.0, 70.0, 20.0, 91.0]);
    assert_eq!(read.response.unwrap()[..3], [42.0, 37.0, 37.0]);
    assert_eq!(read.matrix.column_names.unwrap(), ["(Intercept)", "AIRFLOW", "WATERTEMP", "ACIDCONC"]);

    let read = read_matrix(&data("longley.csv"), &options(Some(&["YEAR", "GNPDEFL"]), None, false)).unwrap();
    assert_eq!(dense(&read.matrix)[1], [1948.0, 88.5]);
    assert_eq!(read.matrix.column_names.unwrap(), ["YEAR", "GNPDEFL"]);

    let hat = read_matrix(&data("r_hat_stackloss.csv"), &options(None, Some(".hat"), false)).unwrap();
    let sum: f64 = hat.response.unwrap().iter().sum();
    assert!((sum - 4.0).abs() < 1e-14, "hat values add up to the rank, found {sum}");
}

#[test]
fn columns_of_text_are_left_out_with_a_note() {
    let matrix = plain(&data("binary_constrict.csv")).unwrap();
    assert_eq!(matrix.shape().columns, 7);
    assert_eq!(matrix.notes, ["left out column \"diagnosis\": text, no numbers"]);
    assert!(!matrix.column_names.unwrap().contains(&"diagnosis".to_string()));
}

#[test]
fn a_first_column_of_text_or_without_a_name_is_row_names() {
    let text = "town,x,remark,y\nRome,1,good,2\n\"Paris, France\",3,,4\n";
    let read = table(text, &TableOptions::default()).unwrap().matrix;
    assert_eq!(dense(&read), [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(read.row_names.unwrap(), ["Rome", "Paris, France"]);
    assert_eq!(read.notes, ["row names: column \"town\"", "left out column \"remark\": text, no numbers"]);

    let read = table("\"\",\"x\"\n\"7\",1\n\"9\",2\n", &TableOptions::default()).unwrap().matrix;
    assert_eq!(dense(&read), [[1.0], [2.0]]);
    assert_eq!(read.row_names.unwrap(), ["7", "9"]);
    assert_eq!(read.column_names.unwrap(), ["x"]);
    assert_eq!(read.notes, ["row names: column 1"]);
}

/// What the user does not ask for may hold anything.
#[test]
fn chosen_columns_come_in_order_and_others_are_not_looked_at() {
    let text = "a,b,c,name\n1,n/a,3,NaN\n4,5,6,x\n";
    let read = table(text, &options(Some(&["c", "a"]), None, true)).unwrap().matrix;
    assert_eq!(dense(&read), [[1.0, 3.0, 1.0], [1.0, 6.0, 4.0]]);
    assert_eq!(read.column_names.unwrap(), ["(Intercept)", "c", "a"]);
    assert!(read.notes.is_empty());
}

#[test]
fn columns_without_a_header_have_numbers() {
    let read = table("1,2,3\n4,5,6\n", &options(Some(&["3", "2"]), Some("1"), false)).unwrap();
    assert_eq!(dense(&read.matrix), [[3.0, 2.0], [6.0, 5.0]]);
    assert_eq!(read.response.unwrap(), [1.0, 4.0]);
}

#[test]
fn the_response_is_no_column_even_if_chosen() {
    let read = table("a,b,y\n1,2,3\n", &options(Some(&["y", "b"]), Some("y"), false)).unwrap();
    assert_eq!(dense(&read.matrix), [[2.0]]);
    assert_eq!(read.response.unwrap(), [3.0]);
    assert_eq!(read.matrix.column_names.unwrap(), ["b"]);
}

#[test]
fn marks_line_ends_tabs_quotes_and_blanks() {
    let expected = [[1.0, 2.0], [3.0, 4.0]];
    for (name, text) in [
        ("a.csv", "\u{feff}x,y\r\n1,2\r\n3,4"),
        ("a.csv", "x , y\n 1, 2 \n\"3\",+4.0\n\n\n"),
        ("a.csv", "x,y\r1,2\r3,4\r"),
        ("A.TSV", "x\ty\n1\t2\n3\t4\n"),
        ("a.csv", "\"x\nlong\",y\n1,2\n3,4\n"),
    ] {
        let (_folder, path) = file(name, text);
        assert_eq!(dense(&plain(&path).unwrap()), expected, "{text:?}");
    }
    let (_folder, path) = file("a.csv.gz", gzipped(b"\xEF\xBB\xBF1,2\n3,4\n"));
    assert_eq!(dense(&plain(&path).unwrap()), expected);
}

#[test]
fn an_unknown_column_is_answered_with_the_names() {
    let error = table("a,b\n1,2\n", &options(Some(&["a", "size"]), None, false)).err().unwrap();
    assert_eq!(error.kind().name(), "option");
    assert_eq!(error.to_string(), "columns: there is no column \"size\"; the table has \"a\", \"b\"");
    let error = message(table("a,b\n1,2\n", &options(None, Some("1"), false)));
    assert_eq!(error, "response: there is no column \"1\"; the table has \"a\", \"b\"");
    let error = message(table("1,2\n", &options(Some(&["3"]), None, false)));
    assert_eq!(error, "columns: found \"3\", expected a number from 1 to 2: the table has no header");
}

#[test]
fn columns_that_cannot_be_told_apart() {
    assert!(message(table("a,a\n1,2\n", &options(Some(&["a"]), None, false))).contains("several"));
    assert!(message(table("a,b\n1,2\n", &options(Some(&["a", "a"]), None, false))).contains("twice"));
    assert!(message(table("a,b\n1,2\n", &options(Some(&[]), None, false))).contains("at least one"));
}

#[test]
fn chosen_text_is_an_error() {
    let error = message(table("a,b\n1,red\n2,blue\n", &options(Some(&["b"]), None, false)));
    assert!(
        error.ends_with(
            "row 1, column \"b\": found \"red\", expected a number: leave the column out, or remove the row"
        )
    );
    assert!(message(table("a,b\n1,red\n", &options(None, Some("b"), false))).contains("row 1, column \"b\""));
}

/// A name may look like a number that is none, as "Nan" and "Inf" do.
#[test]
fn names_may_look_like_infinities() {
    let read = table("who,x\nNan,1\nInf,2\nBob,3\n", &TableOptions::default()).unwrap().matrix;
    assert_eq!(dense(&read), [[1.0], [2.0], [3.0]]);
}
