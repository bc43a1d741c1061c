//! What is fuzzed: a function for each kind of file that unhat reads. Whatever the bytes, they are answered or refused; an
//! answer keeps the promises of its reader. `true` says that the bytes were taken.
//!
//! The programs in `fuzz_targets` call these functions, and so do the tests of `unhat-io`, on the seeds and on changed seeds.

use std::io::{Cursor, Read, Write};
use tempfile::TempDir;
use unhat::invert::SavedSolve;
use unhat::rows::RowSource;
use unhat_io::{
    Decimal, Delimiter, Dialect, Holding, Matrix, TableOptions, Thousands, read_frame, read_matrix, read_polytope,
    read_rows, read_vector, read_vector_as,
};
use unhat_models::models::{Column, Frame, Model, TextColumn};
use unhat_models::training::SavedTraining;

/// A function that reads bytes in every way that a kind of file is read.
pub type Target = fn(&[u8]) -> bool;

/// All of them by name.
pub const TARGETS: [(&str, Target); 15] = [
    ("csv_table", csv_table),
    ("csv_frame", csv_frame),
    ("npy", npy),
    ("npz", npz),
    ("parquet", parquet),
    ("arrow", arrow),
    ("matrix_market", matrix_market),
    ("matrix_market_gz", matrix_market_gz),
    ("mps", mps),
    ("ine", ine),
    ("vector", vector),
    ("rows", rows),
    ("solve", solve),
    ("training", training),
    ("model", model),
];

/// The problem that saved solves among the seeds belong to.
pub const FINGERPRINT: u64 = 0;

/// A table read as a matrix.
pub fn csv_table(bytes: &[u8]) -> bool {
    with_file("f.csv", bytes, |path| {
        let taken = every_choice().map(|options| reads_matrix(path, &options, true));
        reads_matrix(path, &TableOptions { dialect: european(), ..TableOptions::default() }, true);
        taken.contains(&true)
    })
}

/// A table of numbers, text and missing cells.
pub fn csv_frame(bytes: &[u8]) -> bool {
    with_file("f.csv", bytes, reads_frame)
}

/// An array as a matrix, as a vector and as a table.
pub fn npy(bytes: &[u8]) -> bool {
    with_file("f.npy", bytes, |path| {
        let matrix = reads_matrix(path, &TableOptions::default(), false);
        let vector = read_vector(path, "v").is_ok();
        reads_frame(path);
        matrix || vector
    })
}

/// A table in Parquet, held, read from its file by every sweep, and as a table of words and numbers.
pub fn parquet(bytes: &[u8]) -> bool {
    with_file("f.parquet", bytes, |path| {
        reads_frame(path);
        let streamed = Holding { columns: Some(0), ..Holding::default() };
        if let Ok(table) = read_matrix(path, &TableOptions { holding: streamed, ..TableOptions::default() }) {
            // What its footer does not tell is met in a sweep, and may be an error there.
            let rows = table.matrix.rows().expect("the rows of a matrix that was read");
            let _ = rows.with_blocks(0..rows.blocks(), &mut |_| Ok(()));
        }
        reads_matrix(path, &TableOptions::default(), true)
    })
}

/// A file of Arrow.
pub fn arrow(bytes: &[u8]) -> bool {
    with_file("f.arrow", bytes, |path| reads_matrix(path, &TableOptions::default(), true))
}

/// An archive of arrays, as it is and with the checksums that its entries have.
pub fn npz(bytes: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        with_file("f.npz", bytes, |path| {
            reads_frame(path);
            reads_matrix(path, &TableOptions::default(), false)
        })
    };
    packed_again(bytes).iter().for_each(|bytes| {
        read(bytes);
    });
    read(bytes)
}

/// A MatrixMarket file.
pub fn matrix_market(bytes: &[u8]) -> bool {
    with_file("f.mtx", bytes, |path| {
        reads_frame(path);
        reads_matrix(path, &TableOptions::default(), true)
    })
}

/// A compressed one.
pub fn matrix_market_gz(bytes: &[u8]) -> bool {
    with_file("f.mtx.gz", bytes, |path| reads_matrix(path, &TableOptions::default(), true))
}

/// A linear program.
pub fn mps(bytes: &[u8]) -> bool {
    with_file("f.mps", bytes, reads_polytope)
}

/// An H-representation.
pub fn ine(bytes: &[u8]) -> bool {
    with_file("f.ine", bytes, reads_polytope)
}

/// A vector by all suffixes that text has.
pub fn vector(bytes: &[u8]) -> bool {
    let taken = ["f.csv", "f.tsv", "f.txt"].map(|name| {
        with_file(name, bytes, |path| {
            let read = |dialect: &Dialect| {
                let vector = read_vector_as(path, "v", dialect).ok();
                vector.inspect(|v| assert!(!v.is_empty() && v.iter().all(|value| value.is_finite()))).is_some()
            };
            read(&european());
            read(&Dialect::default())
        })
    });
    taken.contains(&true)
}

/// How Europe writes a table.
fn european() -> Dialect {
    let (delimiter, decimal) = (Some(Delimiter::Semicolon), Some(Decimal::Comma));
    Dialect { delimiter, decimal, thousands: Some(Thousands::Point), ..Dialect::default() }
}

/// A list of row numbers.
pub fn rows(bytes: &[u8]) -> bool {
    with_file("f.txt", bytes, |path| {
        let Ok(mut rows) = read_rows(path) else { return false };
        let count = rows.len();
        rows.sort_unstable();
        rows.dedup();
        assert!(count > 0 && count == rows.len(), "each row once");
        true
    })
}

/// The checkpoint of an inversion, as it is and with the checksum that its content has.
pub fn solve(bytes: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        let Ok(saved) = SavedSolve::from_bytes("f.json", bytes, FINGERPRINT) else { return false };
        let write = |s: &SavedSolve| SavedSolve::to_bytes(&s.state, &s.positive, &s.start, FINGERPRINT).expect("JSON");
        let written = write(&saved);
        let again = SavedSolve::from_bytes("f.json", &written, FINGERPRINT).expect("what was just written");
        assert_eq!(write(&again), written, "the same bits come back");
        true
    };
    with_its_checksum(bytes).iter().for_each(|bytes| {
        read(bytes);
    });
    read(bytes)
}

/// The state of a training.
pub fn training(bytes: &[u8]) -> bool {
    let Ok(saved) = SavedTraining::from_bytes("f", bytes) else { return false };
    let written = saved.to_bytes().expect("a state that was read");
    let again = SavedTraining::from_bytes("f", &written).expect("what was just written");
    assert_eq!(again.to_bytes().expect("a state that was read"), written, "the same bits come back");
    true
}

/// A model, and what it predicts for a table with the columns of the seeds.
pub fn model(bytes: &[u8]) -> bool {
    let Ok(model) = Model::from_bytes("f.safetensors", bytes) else { return false };
    let again = Model::from_bytes("f.safetensors", &model.to_bytes().expect("a model that was read"));
    assert_eq!(again.expect("what was just written"), model);
    if let Ok(predictions) = model.predict(&seed_table(), &unhat::Run::default()) {
        assert!(predictions.values.iter().chain(&predictions.probabilities).all(|value| value.is_finite()));
        let classes = model.classes().len();
        assert!(predictions.classes.iter().all(|class| *class < classes));
    }
    true
}

/// The table that the models among the seeds were fitted to.
pub fn seed_table() -> Frame {
    let words = TextColumn::new([Some("a"), Some("b, \"c\""), None, Some("é")]);
    Frame::new(vec![
        ("x".into(), Column::Numbers(vec![0.1, 1.0 / 3.0, f64::NAN, 5e-17])),
        ("w".into(), Column::Text(words)),
        ("y".into(), Column::Numbers(vec![0.0, 1.0, 2.0, 1.0])),
    ])
    .expect("three columns of one length")
}

/// All columns of a table, chosen ones with a response, and all with an intercept.
pub fn every_choice() -> [TableOptions; 3] {
    let columns = Some(vec!["1".to_string(), "a".to_string()]);
    let choosing =
        TableOptions { columns, response: Some("2".to_string()), intercept: true, ..TableOptions::default() };
    [TableOptions::default(), choosing, TableOptions { intercept: true, ..TableOptions::default() }]
}

/// Hands the path of a file with these bytes to `read`. The folder is one for each thread; TMPDIR says where, best in memory.
pub fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&str) -> T) -> T {
    thread_local! {
        static FOLDER: TempDir = tempfile::tempdir().expect("a temporary folder");
    }
    FOLDER.with(|folder| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        let answer = read(path.to_str().expect("a path in UTF-8"));
        // A file that is written over goes to the disk each time; one that is removed never does.
        std::fs::remove_file(&path).expect("a temporary file");
        answer
    })
}

/// Whether a file is a matrix, which lends its rows; text has finite numbers alone.
pub fn reads_matrix(path: &str, options: &TableOptions, finite: bool) -> bool {
    let Ok(mut table) = read_matrix(path, options) else { return false };
    let shape = table.matrix.shape();
    assert!(table.response.is_none_or(|response| response.len() == shape.rows));
    assert!(table.matrix.row_names.as_ref().is_none_or(|names| names.len() == shape.rows));
    assert!(table.matrix.column_names.as_ref().is_none_or(|names| names.len() == shape.columns));
    lends_its_rows(&table.matrix, finite);
    let (mut offset, omitted) = (vec![0.0; shape.rows], table.matrix.omitted.len());
    let said = table.matrix.leave_out_empty_rows(&mut offset).is_ok_and(|note| note.is_some());
    assert_eq!(table.matrix.shape().rows, offset.len());
    assert_eq!(table.matrix.omitted.len() - omitted, shape.rows - offset.len());
    assert_eq!(said, shape.rows > offset.len());
    lends_its_rows(&table.matrix, finite);
    true
}

/// What is read must be a matrix that lends every row once.
fn lends_its_rows(matrix: &Matrix, finite: bool) {
    let rows = matrix.rows().expect("the rows of a matrix that was read");
    let shape = rows.shape();
    assert_eq!(shape, matrix.shape());
    assert!(shape.rows > 0 && shape.columns > 0);
    let mut seen = 0;
    for k in 0..rows.blocks() {
        let lend = rows.with_block(k, &mut |lent| {
            assert_eq!(lent.start, seen);
            seen += lent.block.rows();
            assert!(!finite || lent.block.first_not_finite().is_none(), "text says neither NaN nor infinity");
            Ok(())
        });
        lend.expect("a block of a matrix that was read");
    }
    assert_eq!(seen, shape.rows);
}

/// Whether a file is a table, whose columns have one length.
pub fn reads_frame(path: &str) -> bool {
    let Ok(frame) = read_frame(path) else { return false };
    assert!(frame.rows() > 0 && frame.columns().len() == frame.names().len());
    assert!(frame.columns().iter().all(|column| column.len() == frame.rows()));
    assert!(frame.row_names.as_ref().is_none_or(|names| names.len() == frame.rows()));
    true
}

/// Whether a file is a polytope, which lends its rows and has finite offsets.
pub fn reads_polytope(path: &str) -> bool {
    let Ok(polytope) = read_polytope(path) else { return false };
    let shape = polytope.matrix.shape();
    assert_eq!((polytope.offset.len(), polytope.row_names.len()), (shape.rows, shape.rows));
    assert!(polytope.offset.iter().all(|b| b.is_finite()));
    assert!(polytope.column_names.is_none_or(|names| names.len() == shape.columns));
    lends_its_rows(&polytope.matrix, true);
    true
}

/// The entries of an archive, stored under the checksums that they have: changed bytes would else never get past those.
/// None for what is no archive of short entries.
fn packed_again(bytes: &[u8]) -> Option<Vec<u8>> {
    const LONGEST: u64 = 1 << 14;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for k in 0..archive.len() {
        let mut entry = archive.by_index(k).ok()?;
        // To the byte: a reader looks at the checksum when it meets the end.
        let mut content = vec![0; usize::try_from(entry.size().min(LONGEST)).ok()?];
        entry.read_exact(&mut content).ok()?;
        let name = entry.name().ok()?.to_string();
        writer.start_file(name, options).ok()?;
        writer.write_all(&content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

/// A saved solve with the checksum of its content. None where it has no content, or no checksum.
fn with_its_checksum(bytes: &[u8]) -> Option<Vec<u8>> {
    let find = |word: &[u8]| bytes.windows(word.len()).position(|window| window == word).map(|at| at + word.len());
    let checksum = find(b"\"checksum\":\"")?;
    let content = find(b"\"content\":")?;
    let end = bytes.iter().rposition(|&byte| byte == b'}')?; // that of the envelope
    let own = format!("{:016x}", checksum_of(bytes.get(content..end)?));
    let mut repaired = bytes.to_vec();
    repaired.get_mut(checksum..checksum + own.len())?.copy_from_slice(own.as_bytes());
    Some(repaired)
}

/// The sum that `SavedSolve` keeps; a seed under the name `ok` shows that it is the same.
fn checksum_of(bytes: &[u8]) -> u64 {
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let sum = bytes.iter().fold(SPREAD, |sum, &byte| (sum.rotate_left(5) ^ u64::from(byte)).wrapping_mul(SPREAD));
    sum ^ (sum >> 32)
}

/// Whether the content of a saved solve has the checksum that stands beside it.
pub fn has_its_checksum(bytes: &[u8]) -> bool {
    with_its_checksum(bytes).is_some_and(|repaired| repaired == bytes)
}
