//! Tables of text and arrays beyond their share of memory: in a temporary file or where they are, with the same answers.

use crate::{dense, file, gzipped, names};
use unhat::rows::RowSource;
use unhat_io::{Dialect, Holding, Missing, Table, TableOptions, read_matrix, write_matrix_npy};

fn held(bytes: u64) -> Holding {
    Holding { read: Some(bytes), ..Holding::default() }
}

/// 3,000 rows with names, text, a column that is missing here and there, weights and a response.
fn text() -> String {
    let mut text = "id,a,colour,b,w,y\n".to_string();
    for k in 0..3_000 {
        let b = if k % 701 == 5 { "NA".to_string() } else { format!("{}", (k * k) as f64 / 7.0) };
        text += &format!("r{k},{},{},{b},{},{}\n", k as f64 * 0.37 - 4.0, ["red", "blue"][k % 2], k % 3 + 1, 5 * k);
    }
    text
}

fn read(path: &str, bytes: u64) -> Table {
    let options = TableOptions {
        response: Some("y".into()),
        weights: Some("w".into()),
        intercept: true,
        dialect: Dialect { missing: Missing::Omit, ..Dialect::default() },
        holding: held(bytes),
        ..TableOptions::default()
    };
    read_matrix(path, &options).unwrap()
}

#[test]
fn a_table_in_a_temporary_file_is_the_table_in_memory() {
    let text = text();
    for (name, bytes) in [("t.csv", text.clone().into_bytes()), ("t.csv.gz", gzipped(text.as_bytes()))] {
        let (_folder, path) = file(name, bytes);
        let expected = read(&path, u64::MAX);
        assert!(!expected.matrix.is_streamed());
        // Nothing is held, and a part: the file begins in the middle of the table.
        for most in [0, 50_000] {
            let found = read(&path, most);
            assert!(found.matrix.is_streamed());
            assert_eq!(found.matrix.shape(), expected.matrix.shape());
            assert!(dense(&found.matrix) == dense(&expected.matrix), "{name} with {most} bytes");
            assert!(found.response == expected.response && found.weights == expected.weights);
            assert_eq!(found.matrix.row_names, expected.matrix.row_names);
            assert_eq!(found.matrix.column_names, expected.matrix.column_names);
            assert_eq!(found.matrix.omitted, expected.matrix.omitted);
            assert_eq!(found.matrix.notes, expected.matrix.notes);
            let turned = found.matrix.transposed().unwrap();
            assert!(dense(&turned) == dense(&read(&path, u64::MAX).matrix.transposed().unwrap()));
            return_to(&path);
        }
    }
}

/// The file is there as it was: a reader of a table writes nothing beside it.
fn return_to(path: &str) {
    let folder = std::path::Path::new(path).parent().unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn chosen_columns_of_a_table_in_a_temporary_file_keep_their_order() {
    let (_folder, path) = file("t.csv", text());
    let options = TableOptions { columns: Some(names(&["y", "a"])), holding: held(0), ..TableOptions::default() };
    let found = read_matrix(&path, &options).unwrap().matrix;
    assert_eq!(found.rows().unwrap().gather(&[2, 0]).unwrap(), [10.0, 0.74 - 4.0, 0.0, -4.0]);
}

#[test]
fn a_large_array_is_read_block_by_block() {
    let values: Vec<f64> = (0..30_000).map(|k| f64::from(k).sin()).collect();
    let (_folder, path) = file("a.npy", "");
    write_matrix_npy(&path, &values, 3).unwrap();
    let read = |bytes| read_matrix(&path, &TableOptions { holding: held(bytes), ..TableOptions::default() });
    let (mapped, streamed) = (read(u64::MAX).unwrap().matrix, read(1_000).unwrap().matrix);
    assert!(!mapped.is_streamed() && streamed.is_streamed());
    assert!(dense(&mapped) == dense(&streamed));
    let (mapped, streamed) = (mapped.rows().unwrap(), streamed.rows().unwrap());
    assert_eq!((streamed.rows_per_block(), streamed.blocks()), (mapped.rows_per_block(), mapped.blocks()));
    // What contradicts itself is refused as before.
    std::fs::write(&path, &std::fs::read(&path).unwrap()[..9_000]).unwrap();
    assert!(read(1_000).is_err());
}
