//! Arrays that NumPy and SciPy wrote.

use super::{data, dense, file, is_sparse, message, plain};
use unhat_io::{Table, TableOptions, read_matrix};

const REAL: [[f64; 3]; 2] = [[1.5, -2.0, 0.25], [0.0, 1e-300, 3.0]];
const FEW: [[f64; 4]; 3] = [[0.0, 1.5, 0.0, -2.0], [0.0; 4], [3.0, 0.0, 0.0, 0.25]];

#[test]
fn doubles_in_any_order_and_version() {
    for name in ["f8_c.npy", "f8_fortran.npy", "f8_big.npy", "version2.npy", "version3.npy"] {
        let matrix = plain(&data(name)).unwrap();
        assert_eq!(dense(&matrix), REAL, "{name}");
        assert!(!is_sparse(&matrix));
    }
}

#[test]
fn narrow_floats_are_widened_exactly() {
    let single = f64::from(0.1f32);
    for name in ["f4_c.npy", "f4_fortran_big.npy"] {
        assert_eq!(dense(&plain(&data(name)).unwrap()), [[1.5, -2.0, 0.25], [0.0, single, 3.0]], "{name}");
    }
    let half = 0.0999755859375; // 0.1 rounded to 11 bits
    assert_eq!(dense(&plain(&data("f2_c.npy")).unwrap()), [[1.5, -2.0, 0.25], [0.0, half, 3.0]]);
}

#[test]
fn integers_of_any_width() {
    for name in ["i1.npy", "i2.npy", "i4.npy", "i8.npy", "big_i2.npy", "big_i8.npy"] {
        assert_eq!(dense(&plain(&data(name)).unwrap()), [[-3.0, 2.0], [1.0, 0.0], [5.0, -128.0]], "{name}");
    }
    for name in ["u1.npy", "u2.npy", "u4.npy", "u8.npy"] {
        assert_eq!(dense(&plain(&data(name)).unwrap()), [[3.0, 2.0], [1.0, 0.0], [5.0, 250.0]], "{name}");
    }
    assert_eq!(dense(&plain(&data("bool.npy")).unwrap()), [[1.0, 0.0], [0.0, 1.0]]);
}

/// More columns than are transposed at once.
#[test]
fn wide_column_major_arrays_keep_their_rows() {
    let rows = dense(&plain(&data("wide_fortran.npy")).unwrap());
    let flat: Vec<f64> = rows.into_iter().flatten().collect();
    let expected: Vec<f64> = (0..33).map(|k| f64::from(k) + 0.5).collect();
    assert_eq!(flat, expected);
}

/// A header whose length is no multiple of eight: the numbers cannot be used where they lie.
#[test]
fn unaligned_numbers_are_copied() {
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    assert_ne!(bytes.len() % 8, 0);
    bytes.extend([0.1f64, -7.0].map(f64::to_le_bytes).concat());
    let (_folder, path) = file("unaligned.npy", bytes);
    assert_eq!(dense(&plain(&path).unwrap()), [[0.1, -7.0]]);
}

/// Header fields in another order, with other quotes, spacing, and the long integers of Python 2.
#[test]
fn headers_of_other_writers() {
    for header in [
        "{\"shape\":(2L, 1L),\"fortran_order\":True,\"descr\":\"|u1\"}",
        " { 'fortran_order' : False , 'shape' : ( 2 , 1 , ) , 'descr' : '=u1' , } \n\n",
    ] {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend([7, 9]);
        let (_folder, path) = file("other.npy", bytes);
        assert_eq!(dense(&plain(&path).unwrap()), [[7.0], [9.0]], "{header}");
    }
}

#[test]
fn sparse_archives_in_every_format() {
    let files = ["csr.npz", "csr_stored.npz", "csr_int64.npz", "csr_array.npz", "csc.npz", "coo.npz", "coo_array.npz"];
    for name in files {
        let matrix = plain(&data(name)).unwrap();
        assert_eq!(dense(&matrix), FEW, "{name}");
        assert_eq!(matrix.shape().stored, 4, "{name}");
        assert!(is_sparse(&matrix));
    }
    let ones = FEW.map(|row| row.map(|v| f64::from(v != 0.0)));
    assert_eq!(dense(&plain(&data("csr_bool.npz")).unwrap()), ones);
}

#[test]
fn duplicates_are_added_and_indices_sorted() {
    let coo = plain(&data("coo_duplicates.npz")).unwrap();
    assert_eq!(dense(&coo), [[8.0, 2.0, 0.0, 0.0], [0.0; 4], [0.0, 0.0, 0.0, 5.0]]);
    assert_eq!(coo.shape().stored, 3);
    let csr = plain(&data("csr_unsorted.npz")).unwrap();
    assert_eq!(dense(&csr), [[2.0, 0.0, 0.0, 5.0], [0.0; 4], [0.0, 8.0, 0.0, 0.0]]);
    assert_eq!(csr.shape().stored, 3);
    let csc = plain(&data("csc_unsorted.npz")).unwrap();
    assert_eq!(dense(&csc), [[2.0, 0.0, 0.0], [0.0, 0.0, 8.0], [5.0, 0.0, 0.0]]);
}

#[test]
fn archives_with_one_dense_array() {
    for name in ["dense.npz", "dense_named.npz"] {
        assert_eq!(dense(&plain(&data(name)).unwrap()), REAL, "{name}");
    }
}

/// Arrays that hold no real matrix, by what the message must say.
#[test]
fn arrays_that_are_no_real_matrix() {
    let cases: &[(&str, &[&str])] = &[
        ("scalar.npy", &["shape", "()", "two dimensions"]),
        ("three.npy", &["shape", "(1, 2, 1)", "two dimensions"]),
        ("vector.npy", &["shape", "(4)", "two dimensions", "reshape"]),
        ("complex.npy", &["descr", "<c16", "complex", "real"]),
        ("object.npy", &["descr", "|O", "Python objects"]),
        ("text.npy", &["descr", "<U2", "text"]),
        ("bytes.npy", &["descr", "|S2", "text"]),
        ("record.npy", &["descr", "records"]),
        ("longdouble.npy", &["descr", "<f16", "astype(float)"]),
        ("date.npy", &["descr", "<M8[D]", "dates"]),
        ("no_rows.npy", &["shape", "(0, 3)", "at least one row"]),
        ("no_columns.npy", &["shape", "(3, 0)", "one column"]),
        ("bsr.npz", &["format", "bsr", "tocsr"]),
        ("dia.npz", &["format", "dia", "tocsr"]),
        ("two.npz", &["arr_0", "arr_1", "one array"]),
        ("one_dimension.npz", &["arr_0", "(4)", "two dimensions"]),
    ];
    for (name, words) in cases {
        let message = message(plain(&data(name)));
        assert!(message.contains(name), "{message}");
        for word in *words {
            assert!(message.contains(word), "{name}: {word} is not in: {message}");
        }
    }
}

#[test]
fn options_of_tables_are_refused() {
    let options = [
        ("columns", TableOptions { columns: Some(vec!["1".into()]), ..TableOptions::default() }),
        ("response", TableOptions { response: Some("1".into()), ..TableOptions::default() }),
        ("intercept", TableOptions { intercept: true, ..TableOptions::default() }),
    ];
    for (name, options) in options {
        let result: unhat::Result<Table> = read_matrix(&data("f8_c.npy"), &options);
        let error = result.err().unwrap();
        assert_eq!(error.kind().name(), "option");
        assert!(error.to_string().starts_with(name), "{error}");
    }
}
