//! Polytopes: files of Netlib and volesti, and every kind of row and bound.

use super::{data, dense, file, gzipped, is_sparse, names};
use unhat::feasible::interior_point;
use unhat::rows::Shape;
use unhat::{ErrorKind, Run};
use unhat_io::{IntegerBounds, Polytope, read_polytope, read_polytope_as};

fn read(name: &str, text: impl AsRef<[u8]>) -> Polytope {
    let (_folder, path) = file(name, text);
    read_polytope(&path).unwrap()
}

fn interior(polytope: &Polytope) -> unhat::Result<Vec<f64>> {
    let rows = polytope.matrix.rows().unwrap();
    let positive = vec![true; polytope.offset.len()];
    interior_point(&rows, &polytope.offset, &positive, &Run::default()).map(|(x, _)| x)
}

fn smallest_slack(polytope: &Polytope, x: &[f64]) -> f64 {
    let slack = |(row, b): (&Vec<f64>, &f64)| row.iter().zip(x).map(|(a, x)| a * x).sum::<f64>() - b;
    dense(&polytope.matrix).iter().zip(&polytope.offset).map(slack).fold(f64::INFINITY, f64::min)
}

/// Three rows, seven columns, every kind of bound.
const BOUNDS: &str = "\
* a comment
NAME          bounds
OBJSENSE
    MAX
ROWS
 N  cost
 G  low
 L  high
 N  other
COLUMNS
    a         low                  1   cost                 2
    a         high                -1
    MARK0000  'MARKER'                 'INTORG'
    b         low                2.5   other                1
    c         high            -.5e+1
    MARK0001  'MARKER'                 'INTEND'
    d         low                 0.   high                1.
    e         cost                 1
    f         low                 3.
    g         low                 4.
RHS
    RHS       low                 10   high               20.
    RHS       cost                99
BOUNDS
 LO BND       a                   -1
 UP BND       a                    1
 MI BND       c
 UP BND       c                   -2
 UP BND       d                   -3
 FR BND       e
 BV BND       f
 UP BND       g                 1e30
ENDATA
";

#[test]
fn rows_and_bounds_become_inequalities() {
    let polytope = read("a.mps", BOUNDS);
    assert!(is_sparse(&polytope.matrix));
    let expected: [(&str, [f64; 7], f64); 11] = [
        ("low", [1.0, 2.5, 0.0, 0.0, 0.0, 3.0, 4.0], 10.0),
        ("high", [1.0, 0.0, 5.0, -1.0, 0.0, 0.0, 0.0], -20.0),
        ("lower bound of a", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], -1.0),
        ("upper bound of a", [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], -1.0),
        ("lower bound of b", [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0),
        ("upper bound of b", [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0], -1.0),
        ("upper bound of c", [0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0], 2.0),
        ("upper bound of d", [0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0], 3.0),
        ("lower bound of f", [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], 0.0),
        ("upper bound of f", [0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0], -1.0),
        ("lower bound of g", [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 0.0),
    ];
    let rows = dense(&polytope.matrix);
    assert_eq!(rows.len(), expected.len());
    for (i, (name, row, b)) in expected.into_iter().enumerate() {
        assert_eq!((polytope.row_names[i].as_str(), &rows[i][..], polytope.offset[i]), (name, &row[..], b));
    }
    assert_eq!(polytope.column_names, Some(names(&["a", "b", "c", "d", "e", "f", "g"])));
    assert_eq!(polytope.matrix.shape().stored, 16, "the zero of column d is left out");
    let notes = polytope.matrix.notes.join("\n");
    for words in [
        "\"cost\", \"other\"",
        "3 columns are declared integer",
        "columns \"b\" have no bounds",
        "\"d\" have a negative upper",
    ] {
        assert!(notes.contains(words), "{words:?} is not in: {notes}");
    }
}

#[test]
fn free_lines_say_the_same_as_fixed_ones() {
    let fixed = read("a.mps", BOUNDS);
    let free: String = BOUNDS
        .lines()
        .map(|line| {
            let blank = if line.starts_with(' ') { "\t" } else { "" };
            blank.to_string() + &line.split_whitespace().collect::<Vec<_>>().join(" ") + "\r\n"
        })
        .collect();
    let without_sets = free.replace("RHS low", "low").replace("RHS cost", "cost").replace(" BND", "");
    for text in [free.as_str(), &without_sets] {
        let free = read("a.mps", text);
        assert_eq!(dense(&free.matrix), dense(&fixed.matrix));
        assert_eq!((free.offset, free.row_names), (fixed.offset.clone(), fixed.row_names.clone()));
    }
}

#[test]
fn fixed_names_may_hold_blanks() {
    let text = "NAME\nROWS\n G  MY ROW\n N  COST\nCOLUMNS\n    X 1       MY ROW            1.5    COST                 1\nRHS\n    THE RHS   MY ROW              3\nBOUNDS\n MI B 1       X 1\nENDATA\n";
    let polytope = read("a.mps", text);
    assert_eq!(polytope.row_names, ["MY ROW"]);
    assert_eq!(polytope.column_names, Some(names(&["X 1"])));
    assert_eq!((dense(&polytope.matrix), polytope.offset), (vec![vec![1.5]], vec![3.0]));
}

#[test]
fn sections_that_are_not_needed_may_be_absent_or_short() {
    for start in ["", "NAME\n", "NAME x y z FREE\nOBJSENSE MAX\n", "OBJSENSE\nMAX\nOBJNAME\n cost\n"] {
        let polytope = read("A.MPS", format!("{start}ROWS\n G r\nCOLUMNS\n x r 2\nRANGES\nENDATA\nwhatever follows"));
        assert_eq!((dense(&polytope.matrix), polytope.offset), (vec![vec![2.0], vec![1.0]], vec![0.0, 0.0]), "{start}");
    }
}

/// Counted by another program: 174 L rows, 142 columns, 2269 coefficients, Σ of the right-hand sides 2215548.92.
#[test]
fn israel_has_an_interior() {
    let israel = read_polytope(&data("israel.mps")).unwrap();
    assert_eq!(israel.matrix.shape(), Shape { rows: 174 + 142, columns: 142, stored: 2269 + 142 });
    assert!((israel.offset.iter().sum::<f64>() + 2_215_548.92).abs() < 1e-6);
    assert_eq!(israel.row_names[..2], ["B1", "B2"]);
    assert_eq!(israel.offset[..2], [-8950.0, -3300.0]);
    assert_eq!(israel.matrix.notes.len(), 1);
    let x = interior(&israel).unwrap();
    assert!(smallest_slack(&israel, &x) > 0.0);
}

/// Counted by another program: 54 G rows, 54 columns, 696 coefficients.
#[test]
fn klein1_is_empty() {
    let klein1 = read_polytope(&data("klein1.mps")).unwrap();
    assert_eq!(klein1.matrix.shape(), Shape { rows: 108, columns: 54, stored: 696 + 54 });
    assert_eq!(klein1.offset[50..54], [8.0, -45.0, -27.0, 48.0]);
    let error = interior(&klein1).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Empty { .. }), "{error}");
}

#[test]
fn the_cube_has_its_corners() {
    let cube = read_polytope(&data("cube10.ine")).unwrap();
    assert_eq!(cube.matrix.shape(), Shape { rows: 20, columns: 10, stored: 20 });
    assert_eq!(cube.offset, [-1.0; 20]);
    assert_eq!(smallest_slack(&cube, &[0.0; 10]), 1.0);
    assert_eq!(smallest_slack(&cube, &[1.0; 10]), 0.0);
    assert_eq!(smallest_slack(&cube, &[2.0; 10]), -1.0);
    assert_eq!((cube.row_names[19].as_str(), cube.column_names), ("20", None));
}

#[test]
fn h_representations_of_every_number() {
    let text = "a name\n* comment\nH-representation\nlinearity 0\nbegin\n3 3 rational\n1/3 -2 0\n 7\n -5/4 10/5\n0 +1 -1\nend\nincidence\n";
    let polytope = read("a.INE", text);
    assert_eq!(dense(&polytope.matrix), [[-2.0, 0.0], [-1.25, 2.0], [1.0, -1.0]]);
    assert_eq!(polytope.offset, [-1.0 / 3.0, -7.0, 0.0]);
    assert!(polytope.offset[2].is_sign_positive());
    assert_eq!(polytope.matrix.shape().stored, 5);
    let real = read("a.ine", "H-representation\nbegin\n1 2 real\n1.5 -2e-1\nend\n");
    assert_eq!((dense(&real.matrix), real.offset), (vec![vec![-0.2]], vec![-1.5]));
    let integer = read("a.ine", "H-representation\r\nbegin\r\n1 2 integer\r\n1 -2\r\nend\r\n");
    assert_eq!((dense(&integer.matrix), integer.offset), (vec![vec![-2.0]], vec![-1.0]));
}

#[test]
fn compressed_files() {
    let plain = std::fs::read(data("klein1.mps")).unwrap();
    assert_eq!(read("k.mps.gz", gzipped(&plain)).offset, read_polytope(&data("klein1.mps")).unwrap().offset);
    let plain = std::fs::read(data("cube10.ine")).unwrap();
    assert_eq!(read("c.ine.gz", gzipped(&plain)).offset, [-1.0; 20]);
}

#[test]
fn integer_columns_without_bounds_are_binary_unless_told() {
    let (_folder, path) = file("a.mps", BOUNDS);
    let read = read_polytope_as(&path, IntegerBounds::Nonnegative).unwrap();
    assert!(!read.row_names.contains(&"upper bound of b".to_string()));
    assert!(read.matrix.notes.join("\n").contains("columns \"b\" have no bounds: read as x ≥ 0"));
}

#[test]
fn a_range_makes_a_row_two_the_lower_side_first() {
    let text = "ROWS\n L l\n G g\n L far\nCOLUMNS\n x l 1 g 2\n x far 3\nRHS\n r l 5 g -1\nRANGES\n s l 2 g -3\n s far 1e30\n\
                BOUNDS\n FR x\nENDATA\n";
    let polytope = read("a.mps", text);
    assert_eq!(polytope.row_names, ["lower side of l", "upper side of l", "lower side of g", "upper side of g", "far"]);
    assert_eq!(dense(&polytope.matrix), [[1.0], [-1.0], [2.0], [-2.0], [-3.0]]);
    assert_eq!(polytope.offset, [3.0, -5.0, -1.0, -2.0, 0.0]);
}

#[test]
fn rows_without_coefficients_that_hold_are_left_out_with_a_note() {
    let mps = read("a.mps", "ROWS\n G none\n L zero\n G r\nCOLUMNS\n x r 2\nENDATA\n");
    assert_eq!(mps.row_names, ["r", "lower bound of x"]);
    assert!(mps.matrix.notes.join("").contains("\"none\", \"zero\""), "0 ≥ 0 holds");
    let ine = read("a.ine", "begin\n3 2 real\n1 1\n5 0\n1 -1\nend\n");
    assert_eq!((ine.row_names, ine.offset), (names(&["1", "3"]), vec![-1.0, -1.0]));
    assert_eq!(dense(&ine.matrix), [[1.0], [-1.0]]);
}

#[test]
fn text_after_end_is_text_and_options_there_are_options() {
    let text = b"caf\xe9\nBEGIN\n1 2 Integer\n1 1\nEND\nnonnegative variables, linearity of none \xff\n".to_vec();
    assert_eq!(read("a.ine", text).offset, [-1.0]);
}
