//! Vectors and lists of rows.

use super::{data, file, gzipped, message};
use unhat_io::{read_rows, read_vector};

#[test]
fn arrays_of_one_dimension_or_one_line() {
    for name in ["vector.npy", "vector_column.npy", "vector_line.npy"] {
        assert_eq!(read_vector(&data(name), "b").unwrap(), [0.1, 1.0 / 3.0, -2e300, 5e-324], "{name}");
    }
    assert_eq!(read_vector(&data("vector_i4.npy"), "b").unwrap(), [3.0, -1.0, 7.0]);
}

#[test]
fn text_in_every_arrangement() {
    for (name, text) in [
        ("v.txt", "1\n-2.5\n3e2\n"),
        ("v.txt", "b\r\n1\r\n-2.5\r\n3e2"),
        ("v.txt", "1,-2.5,3e2"),
        ("v.txt", "1, -2.5, 3e2\n"),
        ("v.txt", "  1   -2.5 3e2 \n\n"),
        ("v.txt", "1\t-2.5\t3e2\n"),
        ("v.txt", "one name\n1,-2.5,3e2\n"),
        ("v.txt", "three blank names\n1 -2.5 3e2\n"),
        ("v.csv", "1,-2.5,3e2\n"),
        ("v.csv", "a,b,c\n1,-2.5,3e2\n"),
        ("v.csv", "\u{feff}\"b\"\n1\n-2.5\n\"3e2\"\n"),
        ("v.tsv", "1\t-2.5\t3e2\n"),
        ("v.csv", "row,leverage\n1,1\n2,-2.5\n3,3e2\n"),
        ("v.csv", "row,leverage\n\"Rome, Italy\",1\n\"a\nb\",-2.5\nc,3e2\n"),
        ("v.tsv", "index\tvalue\n1\t1\n2\t-2.5\n3\t3e2\n"),
    ] {
        let (_folder, path) = file(name, text);
        assert_eq!(read_vector(&path, "b").unwrap(), [1.0, -2.5, 300.0], "{name}: {text:?}");
    }
    let (_folder, path) = file("v.txt.gz", gzipped(b"7\n8\n"));
    assert_eq!(read_vector(&path, "b").unwrap(), [7.0, 8.0]);
}

/// One value with its row number is one value, two values on a line are two.
#[test]
fn a_single_line_under_a_header() {
    let (_folder, path) = file("v.csv", "row,leverage\n1,0.5\n");
    assert_eq!(read_vector(&path, "b").unwrap(), [0.5]);
    let (_folder, path) = file("v.csv", "first,second\n1,0.5\n");
    assert_eq!(read_vector(&path, "b").unwrap(), [1.0, 0.5]);
}

#[test]
fn messages_name_the_vector() {
    let (_folder, path) = file("v.txt", "1\nx\n");
    assert_eq!(message(read_vector(&path, "offset")), format!("{path}: offset, row 2: found \"x\", expected a number"));
}

#[test]
fn row_numbers_count_from_one() {
    let (_folder, path) = file("rows.txt", "3\n1\r\n 20 \n");
    assert_eq!(read_rows(&path).unwrap(), [2, 0, 19]);
}

#[test]
fn row_numbers_that_are_none() {
    for (text, words) in [
        ("1\n0\n", ["line 2", "\"0\""]),
        ("-4\n", ["line 1", "\"-4\""]),
        ("1\n2\n2.0\n", ["line 3", "\"2.0\""]),
        ("5\n6\n5\n", ["line 3", "row 5 again, after line 1"]),
        ("1,2\n", ["line 1", "\"1,2\""]),
        ("row\n1\n", ["line 1", "counted from 1"]),
        ("99999999999999999999999\n", ["line 1", "99999"]),
        ("", ["rows.txt", "empty"]),
        ("\n\n", ["rows.txt", "no row number"]),
    ] {
        let (_folder, path) = file("rows.txt", text);
        let message = message(read_rows(&path));
        assert!(words.iter().all(|word| message.contains(word)), "{text:?}: {message}");
    }
}
