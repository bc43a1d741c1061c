//! What the readers and writers do with files: those of NumPy, SciPy and R, and broken ones.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "parquet")]
mod columns;
mod frames;
#[path = "../../../../fuzz/src/lib.rs"]
mod fuzz_targets;
mod fuzzed;
mod malformed;
mod malformed_polytopes;
mod market;
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod never_panics;
mod numpy;
mod output;
mod polytopes;
mod spools;
mod tables;
mod vectors;

use std::path::PathBuf;
use unhat::rows::RowSource;
use unhat_io::{Matrix, MatrixRows, Table, TableOptions, read_matrix};

/// The path of a file under `tests/data`.
fn data(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name).to_str().unwrap().to_string()
}

/// A file with these bytes that lives as long as what is returned, and its path.
fn file(name: &str, bytes: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap().to_string();
    (folder, path)
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A matrix without options.
fn plain(path: &str) -> unhat::Result<Matrix> {
    read_matrix(path, &TableOptions::default()).map(|table| table.matrix)
}

fn message<T>(result: unhat::Result<T>) -> String {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string(),
    }
}

/// The rows of a matrix, dense.
fn dense(matrix: &Matrix) -> Vec<Vec<f64>> {
    let rows = matrix.rows().unwrap();
    let shape = rows.shape();
    assert_eq!(shape, matrix.shape());
    let all: Vec<usize> = (0..shape.rows).collect();
    rows.gather(&all).unwrap().chunks(shape.columns).map(<[f64]>::to_vec).collect()
}

fn is_sparse(matrix: &Matrix) -> bool {
    matches!(matrix.rows().unwrap(), MatrixRows::Csr(_))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn table(text: &str, options: &TableOptions) -> unhat::Result<Table> {
    let (_folder, path) = file("t.csv", text);
    read_matrix(&path, options)
}
