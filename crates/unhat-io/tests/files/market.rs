//! MatrixMarket files, of SciPy and of the SuiteSparse collection.

use super::{data, dense, file, gzipped, is_sparse, plain};

#[test]
fn coordinates() {
    let matrix = plain(&data("coordinate.mtx")).unwrap();
    assert!(is_sparse(&matrix));
    assert_eq!(dense(&matrix), [[0.0, 1.5, 0.0, -2.0], [0.0; 4], [3.0, 0.0, 0.0, 0.25]]);
    assert_eq!(dense(&plain(&data("coordinate_integer.mtx")).unwrap()), [[0.0, 2.0], [-3.0, 0.0], [0.0, 7.0]]);
    let pattern = plain(&data("pattern.mtx")).unwrap();
    assert_eq!(dense(&pattern), [[0.0, 1.0, 0.0, 1.0], [0.0; 4], [1.0, 0.0, 0.0, 1.0]]);
}

#[test]
fn arrays_run_down_the_columns() {
    let matrix = plain(&data("array.mtx")).unwrap();
    assert!(!is_sparse(&matrix));
    assert_eq!(dense(&matrix), [[1.5, -2.0, 0.25], [0.0, 1e-300, 3.0]]);
    assert_eq!(dense(&plain(&data("array_integer.mtx")).unwrap()), [[-3.0, 2.0], [1.0, 0.0], [5.0, -128.0]]);
}

#[test]
fn symmetric_halves_are_completed() {
    for name in ["symmetric.mtx", "array_symmetric.mtx"] {
        let rows = dense(&plain(&data(name)).unwrap());
        assert_eq!(rows, [[2.0, 1.0, 0.0], [1.0, 3.0, -4.0], [0.0, -4.0, 5.0]], "{name}");
    }
    for name in ["skew.mtx", "array_skew.mtx"] {
        let rows = dense(&plain(&data(name)).unwrap());
        assert_eq!(rows, [[0.0, 1.0, 0.0], [-1.0, 0.0, 4.0], [0.0, -4.0, 0.0]], "{name}");
    }
}

#[test]
fn duplicates_are_added_in_any_order() {
    let text = "%%MatrixMarket MATRIX Coordinate Real General\n% é\n\n2 2 4\n2 1 1\n1 2 0.5\n2 1 2\n2 1 4\n\n";
    let (_folder, path) = file("a.mm", text);
    let matrix = plain(&path).unwrap();
    assert_eq!(dense(&matrix), [[0.0, 0.5], [7.0, 0.0]]);
    assert_eq!(matrix.shape().stored, 2);
}

/// Sizes as the collection's web page lists them.
#[test]
fn a_matrix_of_the_collection() {
    let shape = plain(&data("GD98_a.mtx")).unwrap().shape();
    assert_eq!((shape.rows, shape.columns, shape.stored), (38, 38, 50));
}

#[test]
fn compressed_files() {
    let text = std::fs::read(data("coordinate.mtx")).unwrap();
    let (_folder, path) = file("A.MTX.GZ", gzipped(&text));
    assert_eq!(dense(&plain(&path).unwrap()), dense(&plain(&data("coordinate.mtx")).unwrap()));
}

#[test]
fn a_matrix_of_zeros_has_rows() {
    let (_folder, path) = file("a.mtx", "%%MatrixMarket matrix coordinate real general\n3 2 0\n");
    assert_eq!(dense(&plain(&path).unwrap()), [[0.0; 2]; 3]);
}
