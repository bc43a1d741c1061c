//! Tables of mixed columns: what is a number, a word, a name, missing, or wrong.

use super::{data, file, gzipped, message};
use unhat_io::{Dialect, FrameOptions, Missing, ReadFrame, read_frame, read_frame_as};
use unhat_models::models::{Column, Frame};

fn frame(text: &str) -> unhat::Result<Frame> {
    let (_folder, path) = file("t.csv", text);
    read_frame(&path)
}

/// Missing cells are kept.
fn gappy(text: &str) -> unhat::Result<ReadFrame> {
    let (_folder, path) = file("t.csv", text);
    let dialect = Dialect { missing: Missing::Indicator, ..Dialect::default() };
    read_frame_as(&path, &FrameOptions { dialect, ..FrameOptions::default() })
}

fn numbers(frame: &Frame, k: usize) -> Vec<Option<f64>> {
    match &frame.columns()[k] {
        Column::Numbers(values) => values.iter().map(|v| (!v.is_nan()).then_some(*v)).collect(),
        Column::Text(_) => panic!("column {k} is text"),
    }
}

fn words(frame: &Frame, k: usize) -> Vec<Option<String>> {
    match &frame.columns()[k] {
        Column::Text(text) => (0..frame.rows()).map(|i| text.word(i).map(str::to_string)).collect(),
        Column::Numbers(_) => panic!("column {k} is numbers"),
    }
}

fn some(words: &[&str]) -> Vec<Option<String>> {
    words.iter().map(|w| (!w.is_empty()).then(|| w.to_string())).collect()
}

#[test]
fn numbers_words_and_missing_cells() {
    let text =
        "town,sqft,heat,y\n\"Paris, \"\"FR\"\"\",?,gas,1\n Rome ,900.5,NA, -2e1\n,,,3\n\"two\nlines\",1,wood,4\n";
    let read = gappy(text).unwrap().frame;
    assert_eq!(read.names(), ["town", "sqft", "heat", "y"]);
    assert_eq!(words(&read, 0), some(&["Paris, \"FR\"", "Rome", "", "two\nlines"]), "the first column is data");
    assert_eq!(numbers(&read, 1), [None, Some(900.5), None, Some(1.0)]);
    assert_eq!(words(&read, 2), some(&["gas", "", "", "wood"]));
    assert_eq!(numbers(&read, 3), [Some(1.0), Some(-20.0), Some(3.0), Some(4.0)]);
    assert_eq!((read.rows(), &read.row_names), (4, &None));
}

#[test]
fn a_first_column_without_a_name_is_row_names_whatever_they_look_like() {
    let read = frame(",x\n7,1\nNA,2\ninf,3\n").unwrap();
    assert_eq!(read.row_names.as_ref().unwrap(), &["7", "NA", "inf"]);
    assert_eq!((read.names(), numbers(&read, 0)), (&["x".to_string()][..], vec![Some(1.0), Some(2.0), Some(3.0)]));
}

#[test]
fn columns_without_names_are_numbered() {
    let read = gappy("1,2\n3,NA\n").unwrap().frame;
    assert_eq!(read.names(), ["x1", "x2"]);
    assert_eq!(numbers(&read, 1), [Some(2.0), None]);
    assert_eq!(frame("a,,c\n1,2,3\n").unwrap().names(), ["a", "x2", "c"]);
    assert_eq!(numbers(&gappy("a,b\n1,NA\n2,?\n").unwrap().frame, 1), [None, None], "no value at all: numbers");
}

#[test]
fn what_is_no_number_and_no_word_is_named_with_its_place() {
    for (cells, place) in [
        ("a,b\n1,2\n3,nan\n", "row 2, column \"b\": found \"nan\", a missing cell: --missing omit"),
        ("a,b\n1,x\n3,Inf\n", "row 2, column \"b\": found \"Inf\""),
        ("a,b\n1,-infinity\n", "row 1, column \"b\""),
        ("a,b\n1,1e999\n", "row 1, column \"b\""),
        ("1,2\n3,inf\n", "row 2, column 2"),
        ("a,b\n1,2\n1,none\n", "row 2, column \"b\": found \"none\", expected a number as in row 1: --na says"),
        ("a,b\n1,\n1,x\n2,7\n", "row 3, column \"b\": found \"7\", expected text as in row 2, which holds \"x\""),
        ("a,b\n1,2\n1\n", "row 2: found 1 cells, expected 2"),
        ("a,b\n1,2\n\n3,4\n", "row 2: found an empty line"),
        ("a,b\n1,\"x\n", "quote"),
        ("a,b\n", "no rows"),
        ("\"\"\n1\n", "row 1, column \"x1\": found an empty cell"),
        ("a,a\n1,2\n", "several columns are named \"a\""),
    ] {
        let found = message(frame(cells));
        assert!(found.contains(place), "{cells:?}: {found}");
    }
    assert_eq!(message(read_frame("no/such.csv")), "no/such.csv: there is no such file");
    assert!(message(read_frame("x.json")).contains("unknown suffix"));
}

#[test]
fn tabs_compression_and_matrices() {
    let (_folder, path) = file("a.tsv.gz", gzipped(b"\xEF\xBB\xBFx\ty\r\na\t1\r\nb\t2\r\n"));
    assert_eq!(words(&read_frame(&path).unwrap(), 0), some(&["a", "b"]));
    let read = read_frame(&data("f8_c.npy")).unwrap();
    assert_eq!(read.names()[..2], ["x1", "x2"]);
    let sparse = read_frame(&data("csr.npz")).unwrap();
    assert_eq!(numbers(&sparse, 0).len(), sparse.rows());
    let (_folder, path) = file("nan.npy", {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }";
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(((header.len() + 1) as u16).to_le_bytes());
        bytes.extend(header.bytes().chain([b'\n']));
        bytes.extend(1f64.to_le_bytes().into_iter().chain(f64::NAN.to_le_bytes()));
        bytes
    });
    assert!(message(read_frame(&path)).contains("row 1, column 2: found NaN"), "{}", message(read_frame(&path)));
}

#[test]
fn a_short_file_that_stands_for_many_zeros_is_refused() {
    let (_folder, path) = file("a.mtx", "%%MatrixMarket matrix coordinate real general\n1 2000000 1\n1 1 1\n");
    assert_eq!(read_frame(&path).unwrap_err().kind().name(), "too_large");
}
