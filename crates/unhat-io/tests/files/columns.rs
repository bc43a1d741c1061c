//! Parquet and Arrow: the numbers that were written, in the blocks that they have in memory, or an error that names the place.

use crate::{data, dense, message, names, table};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int64Array,
    ListArray, RecordBatch, StringArray, cast::AsArray,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::{DenseRows, RowSource};
use unhat::{Result, Run};
use unhat_io::{
    Dialect, FrameOptions, Holding, Missing, RowLabels, RowNames, Table, TableOptions, read_frame_as, read_matrix,
    write_of_rows,
};
use unhat_models::models::Column;

/// Rows of a group and of a page, and the codec.
type Way = (usize, usize, Compression);
const PLAIN: Way = (1 << 20, 20_000, Compression::SNAPPY);

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, column)| (*name, column.clone(), true)))
        .unwrap()
}

fn write(path: &Path, columns: &[(&str, ArrayRef)], (group, page, codec): Way) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_data_page_row_count_limit(page)
        .set_write_batch_size(page.min(1024))
        .set_compression(codec)
        .build();
    let batch = batch(columns);
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

fn words(words: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(words.to_vec()))
}

/// A folder with one file of these columns, and the file's path.
fn one(columns: &[(&str, ArrayRef)]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(&path, columns, PLAIN);
    let path = path.to_str().unwrap().to_string();
    (folder, path)
}

/// Nothing is held: every sweep reads the files.
fn streamed() -> TableOptions {
    TableOptions {
        holding: Holding { read: Some(0), columns: Some(0), ..Holding::default() },
        ..TableOptions::default()
    }
}

fn read(path: &str) -> Result<Table> {
    read_matrix(path, &streamed())
}

/// Entries that no two rows share.
fn entry(row: usize, column: usize) -> f64 {
    ((row * 7 + column) as f64 * 0.618_033_988_749_895).fract() - 0.4 + (column * row % 5) as f64
}

const ROWS: usize = 9_973;
const COLUMNS: usize = 5;

fn columns_of(rows: std::ops::Range<usize>) -> Vec<(&'static str, ArrayRef)> {
    let names = ["a", "b", "c", "d", "e"];
    names.iter().enumerate().map(|(j, name)| (*name, floats(rows.clone().map(|i| entry(i, j))))).collect()
}

fn in_memory() -> Vec<f64> {
    (0..ROWS).flat_map(|i| (0..COLUMNS).map(move |j| entry(i, j))).collect()
}

fn bits(source: &dyn RowSource, threads: usize) -> Vec<u64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let run = Run { pool: Some(&pool), ..Run::default() };
    let scores = leverage_scores(source, None, &ScoreOptions::default(), &run).unwrap();
    scores.values.iter().chain([&scores.sum]).map(|value| value.to_bits()).collect()
}

#[test]
fn scores_have_the_same_bits_from_files_and_from_memory() {
    let values = in_memory();
    let expected = bits(&DenseRows::new(&values, COLUMNS).unwrap(), 2);
    let folder = tempfile::tempdir().unwrap();
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let gzip = Compression::GZIP(GzipLevel::default());
    let layouts: [(&str, &[usize], Way); 5] = [
        ("one", &[0, ROWS], PLAIN),
        ("groups", &[0, ROWS], (777, 100, zstd)),
        ("odd", &[0, 1, 4_000, 4_000, 8_191, ROWS], (2_500, 333, gzip)),
        ("lz4", &[0, 5_000, ROWS], (1_024, 1_024, Compression::LZ4_RAW)),
        ("none", &[0, 1_024, ROWS], (4_096, 7, Compression::UNCOMPRESSED)),
    ];
    for (name, cuts, way) in layouts {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        for (k, cut) in cuts.windows(2).enumerate() {
            write(&place.join(format!("part-{k}.parquet")), &columns_of(cut[0]..cut[1]), way);
        }
        for threads in [1, 2, 7] {
            let mut options = streamed();
            options.holding.threads = Some(threads);
            let matrix = read_matrix(place.to_str().unwrap(), &options).unwrap().matrix;
            assert!(matrix.is_streamed());
            assert!(bits(&matrix.rows().unwrap(), threads) == expected, "{name} with {threads} threads");
        }
        let held = read_matrix(place.to_str().unwrap(), &TableOptions::default()).unwrap().matrix;
        assert!(!held.is_streamed() && bits(&held.rows().unwrap(), 2) == expected, "{name} held");
    }
}

#[test]
fn rows_are_gathered_in_any_order_and_more_than_once() {
    let folder = tempfile::tempdir().unwrap();
    for (k, cut) in [0, 3_000, ROWS].windows(2).enumerate() {
        write(
            &folder.path().join(format!("{k}.parquet")),
            &columns_of(cut[0]..cut[1]),
            (1_500, 64, Compression::SNAPPY),
        );
    }
    let matrix = read(folder.path().to_str().unwrap()).unwrap().matrix;
    let few = [9_972, 0, 2_999, 3_000, 0, 5_001, 5_000];
    let many: Vec<usize> = (0..ROWS).rev().step_by(3).chain(few).collect();
    for rows in [&few[..], &many] {
        let expected: Vec<f64> = rows.iter().flat_map(|&i| (0..COLUMNS).map(move |j| entry(i, j))).collect();
        assert!(matrix.rows().unwrap().gather(rows).unwrap() == expected, "{} rows", rows.len());
    }
}

#[test]
fn files_follow_in_the_byte_order_of_their_paths_without_hidden_ones() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, value) in
        [("b.parquet", 3.0), ("a-2.parquet", 2.0), ("B.pq", 1.0), ("_x.parquet", 9.0), (".y.parquet", 9.0)]
    {
        write(&at(name), &[("v", floats([value]))], PLAIN);
    }
    std::fs::write(at("_SUCCESS"), "").unwrap();
    std::fs::write(at("notes.txt"), "").unwrap();
    let found = read(folder.path().to_str().unwrap()).unwrap().matrix;
    assert_eq!(dense(&found), [[1.0], [2.0], [3.0]]);
    assert!(found.notes.iter().any(|note| note.contains("passed over 1 files")), "{:?}", found.notes);
    let pattern = |word: &str| read(at(word).to_str().unwrap());
    assert_eq!(dense(&pattern("*.parquet").unwrap().matrix), [[2.0], [3.0]]);
    assert_eq!(dense(&pattern("?.pa*").unwrap().matrix), [[3.0]]);
    assert!(message(pattern("z*.parquet")).contains("no file matches this pattern"));
    std::fs::create_dir(at("year=2024")).unwrap();
    write(&at("year=2024").join("c.parquet"), &[("v", floats([5.0]))], PLAIN);
    assert!(message(read(folder.path().to_str().unwrap())).contains("holds the folder \"year=2024\""));
    let nested = pattern("*/*.parquet").unwrap().matrix;
    assert_eq!(dense(&nested), [[5.0]]);
    assert!(nested.notes.iter().any(|note| note.contains("year=2024")), "{:?}", nested.notes);
    let empty = tempfile::tempdir().unwrap();
    assert!(message(read(empty.path().to_str().unwrap())).contains("holds no file of Parquet"));
}

#[test]
fn columns_response_weights_and_intercept_are_those_of_the_same_table_as_text() {
    let text = "town,rooms,sqft,w,price\nRome,3,900,0.5,200\nParis,2,450,2,310\nOslo,5,1200,1,150\n";
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("town", words(&["Rome", "Paris", "Oslo"])),
        ("rooms", Arc::new(Int64Array::from(vec![3, 2, 5]))),
        ("sqft", Arc::new(Float32Array::from(vec![900.0, 450.0, 1200.0]))),
        ("w", floats([0.5, 2.0, 1.0])),
        (
            "price",
            Arc::new(Decimal128Array::from(vec![20_000, 31_000, 15_000]).with_precision_and_scale(9, 2).unwrap()),
        ),
    ];
    let (_folder, path) = one(&columns);
    let options = TableOptions {
        response: Some("price".into()),
        weights: Some("w".into()),
        intercept: true,
        columns: Some(names(&["sqft", "rooms"])),
        ..TableOptions::default()
    };
    let whole = TableOptions { columns: None, without: names(&["sqft"]), ..options.clone() };
    for options in [options, whole, TableOptions::default()] {
        let expected = table(text, &options).unwrap();
        let held = read_matrix(&path, &options).unwrap();
        let found = read_matrix(&path, &TableOptions { holding: streamed().holding, ..options }).unwrap();
        for found in [held, found] {
            assert_eq!(dense(&found.matrix), dense(&expected.matrix));
            assert_eq!((&found.response, &found.weights), (&expected.response, &expected.weights));
            assert_eq!(found.matrix.column_names, expected.matrix.column_names);
            assert_eq!(found.matrix.row_names, expected.matrix.row_names);
        }
    }
}

#[test]
fn missing_cells_are_errors_with_their_place_or_left_out_as_in_text() {
    let text = "id,x,y\np,1,2\nq,,3\nr,4,NaN\ns,5,6\n";
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", words(&["p", "q", "r", "s"])),
        ("x", Arc::new(Float64Array::from(vec![Some(1.0), None, Some(4.0), Some(5.0)]))),
        ("y", floats([2.0, 3.0, f64::NAN, 6.0])),
    ];
    let (_folder, path) = one(&columns);
    let found = message(read(&path));
    assert!(
        found.ends_with(
            "t.parquet: row 2, column \"x\": found a null, expected a number: --missing omit leaves such rows out"
        ),
        "{found}"
    );
    let only_y = TableOptions { columns: Some(names(&["y"])), ..streamed() };
    let rows = read_matrix(&path, &only_y).unwrap().matrix;
    let swept = rows.rows().unwrap().with_blocks(0..1, &mut |_| Ok(()));
    assert!(message(swept).contains("row 3, column \"y\": found NaN"));
    let omit = TableOptions { dialect: Dialect { missing: Missing::Omit, ..Dialect::default() }, ..streamed() };
    let expected = table(text, &omit).unwrap().matrix;
    let found = read_matrix(&path, &omit).unwrap().matrix;
    assert_eq!(dense(&found), dense(&expected));
    assert_eq!((found.row_names, found.omitted), (expected.row_names, expected.omitted));
}

#[test]
fn what_is_no_number_of_a_double_is_an_error_with_file_row_and_column() {
    let one_column = |column: ArrayRef| one(&[("a", floats([1.0, 2.0])), ("k", column)]);
    let big = (1i64 << 53) + 1;
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)]), Some(vec![Some(2)])]);
    let cases: Vec<(ArrayRef, &str)> = vec![
        (
            Arc::new(Int64Array::from(vec![1, big])),
            "row 2, column \"k\": found 9007199254740993, which a double cannot hold",
        ),
        (floats([1.0, f64::INFINITY]), "row 2, column \"k\": found inf, expected a finite number"),
        (
            Arc::new(Decimal128Array::from(vec![1, 90_071_992_547_409_931]).with_precision_and_scale(20, 1).unwrap()),
            "row 2, column \"k\": found 9007199254740993.1, which a double cannot hold",
        ),
        (Arc::new(lists), "column \"k\": found lists or structs, expected numbers"),
    ];
    for (column, expected) in cases {
        let (_folder, path) = one_column(column);
        let found = message(read_matrix(&path, &TableOptions::default()));
        assert!(found.contains("t.parquet") && found.contains(expected), "{found}");
    }
    // 2^53 + 2 is a double.
    let (_folder, path) = one_column(Arc::new(Int64Array::from(vec![-1, big + 1])));
    assert_eq!(dense(&read(&path).unwrap().matrix)[1], [2.0, 9_007_199_254_740_994.0]);
    // Decimals are the doubles nearest to them, as their text is.
    let (_folder, path) =
        one_column(Arc::new(Decimal128Array::from(vec![1_234_567, -3]).with_precision_and_scale(10, 3).unwrap()));
    assert_eq!(dense(&read(&path).unwrap().matrix), [[1.0, 1234.567], [2.0, -0.003]]);
}

#[test]
fn columns_without_numbers_are_noted_and_refused_where_they_are_chosen() {
    let day: ArrayRef = Arc::new(Date32Array::from(vec![1, 2]));
    let colour: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter(["red", "red"]));
    let yes: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let (_folder, path) = one(&[("v", floats([1.0, 2.0])), ("day", day), ("colour", colour), ("yes", yes)]);
    let matrix = read(&path).unwrap().matrix;
    assert_eq!(dense(&matrix), [[1.0, 1.0], [2.0, 0.0]]);
    let notes = matrix.notes.join("; ");
    assert!(
        notes.contains("\"colour\": text, no numbers") && notes.contains("\"day\": dates, times or bytes"),
        "{notes}"
    );
    for (name, expected) in [("colour", "found text"), ("day", "found dates"), ("nix", "there is no column \"nix\"")] {
        let chosen = TableOptions { columns: Some(names(&["v", name])), ..streamed() };
        assert!(message(read_matrix(&path, &chosen)).contains(expected), "{name}");
    }
    let text = TableOptions { dialect: Dialect { header: Some(true), ..Dialect::default() }, ..streamed() };
    let found = message(read_matrix(&path, &text));
    assert!(found.contains("header") && found.contains("says how text is written"), "{found}");
}

#[test]
fn files_of_other_columns_or_codecs_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("a.parquet"), &[("x", floats([1.0])), ("y", floats([1.0]))], PLAIN);
    write(&at("b.parquet"), &[("x", floats([1.0])), ("z", floats([1.0]))], PLAIN);
    let found = message(read(folder.path().to_str().unwrap()));
    assert!(
        found.contains("b.parquet: column 2: found \"z\" of type Float64, expected \"y\" of type Float64 as in"),
        "{found}"
    );
    write(&at("b.parquet"), &[("x", Arc::new(Int64Array::from(vec![1])) as ArrayRef), ("y", floats([1.0]))], PLAIN);
    assert!(message(read(folder.path().to_str().unwrap())).contains("column 1: found \"x\" of type Int64"));
    write(&at("b.parquet"), &[("x", floats([1.0]))], PLAIN);
    assert!(message(read(folder.path().to_str().unwrap())).contains("column 2: found none, expected \"y\""));
    // Written by pyarrow.
    let found = message(read(&data("brotli.parquet")));
    assert!(found.contains("brotli.parquet: column \"x\": is packed as BROTLI"), "{found}");
    std::fs::write(at("b.parquet"), b"PAR1 nothing else").unwrap();
    assert!(message(read(at("b.parquet").to_str().unwrap())).contains("is no whole file of Parquet"));
    assert!(message(read(at("c.parquet").to_str().unwrap())).contains("there is no such file"));
}

#[test]
fn a_file_that_changes_while_it_is_swept_is_refused() {
    let (_folder, path) = one(&columns_of(0..3_000));
    let matrix = read(&path).unwrap().matrix;
    write(Path::new(&path), &columns_of(1..2_000), PLAIN);
    let swept = matrix.rows().unwrap().with_blocks(0..1, &mut |_| Ok(()));
    assert!(message(swept).contains("has changed while it was read"));
}

#[test]
fn a_damaged_file_is_read_or_refused_and_nothing_else() {
    let (_folder, path) = one(&[("k", words(&["a", "b", "c"])), ("v", floats([1.0, 2.0, 3.0]))]);
    let whole = std::fs::read(&path).unwrap();
    for k in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[k] ^= 1 << (k % 8);
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(table) = read_matrix(&path, &TableOptions::default()) {
            assert!(table.matrix.shape().rows > 0);
        }
    }
    for length in (0..whole.len()).step_by(5) {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(read(&path).is_err(), "{length} bytes of {}", whole.len());
    }
}

#[test]
fn rows_are_named_by_words_that_differ_by_a_chosen_column_or_by_the_index_of_pandas() {
    let numbers = || floats([1.0, 2.0]);
    let row_names = |columns: &[(&str, ArrayRef)], row_names: RowNames| {
        let (_folder, path) = one(columns);
        let options = TableOptions { dialect: Dialect { row_names, ..Dialect::default() }, ..streamed() };
        read_matrix(&path, &options).map(|table| {
            let columns = table.matrix.shape().columns;
            (table.matrix.row_names, columns)
        })
    };
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![17, 4]));
    let automatic = |columns: &[(&str, ArrayRef)]| row_names(columns, RowNames::Automatic).unwrap();
    assert_eq!(automatic(&[("t", words(&["p", "q"])), ("v", numbers())]), (Some(names(&["p", "q"])), 1));
    assert_eq!(automatic(&[("t", words(&["p", "p"])), ("v", numbers())]), (None, 1));
    assert_eq!(automatic(&[("v", numbers()), ("__index_level_0__", ids.clone())]), (Some(names(&["17", "4"])), 1));
    assert_eq!(automatic(&[("id", ids.clone()), ("v", numbers())]), (None, 2));
    let chosen = |columns: &[(&str, ArrayRef)]| row_names(columns, RowNames::Column("id".into()));
    assert_eq!(chosen(&[("id", ids), ("v", numbers())]).unwrap(), (Some(names(&["17", "4"])), 1));
    assert!(
        message(chosen(&[("id", words(&["p", "p"])), ("v", numbers())])).contains("row 2 has the name \"p\" as row 1")
    );
}

#[test]
fn scores_are_written_with_the_labels_of_the_table_in_their_type() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![17, 4, 9]));
    let x: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(2.0)]));
    let (folder, path) = one(&[("id", ids), ("x", x)]);
    let dialect = Dialect { row_names: RowNames::Column("id".into()), missing: Missing::Exclude, ..Dialect::default() };
    let matrix = read_matrix(&path, &TableOptions { dialect, ..streamed() }).unwrap().matrix;
    let out = folder.path().join("s.parquet");
    let out = out.to_str().unwrap();
    let back = |out: &str| {
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(File::open(out).unwrap()).unwrap().build().unwrap();
        reader.next().unwrap().unwrap()
    };
    let values = [0.25, f64::NAN, 0.75];
    write_of_rows(out, "leverage", &RowLabels::of(&matrix, None, true, out), &values).unwrap();
    let found = back(out);
    assert_eq!(found.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), ["id", "leverage"]);
    assert_eq!(found.column(0).as_primitive::<arrow_array::types::Int64Type>().values(), &[17, 4, 9]);
    let scores = found.column(1).as_primitive::<arrow_array::types::Float64Type>();
    assert_eq!(scores.iter().collect::<Vec<_>>(), [Some(0.25), None, Some(0.75)]);
    write_of_rows(out, "leverage", &RowLabels::of(&matrix, None, false, out), &values[1..]).unwrap();
    assert_eq!(back(out).column(0).as_primitive::<arrow_array::types::Int64Type>().values(), &[17, 9]);
    // As text they have the same labels.
    let text = folder.path().join("s.csv");
    let text = text.to_str().unwrap();
    write_of_rows(text, "leverage", &RowLabels::of(&matrix, None, true, text), &values).unwrap();
    assert_eq!(std::fs::read_to_string(text).unwrap(), "row,leverage\n17,0.25\n4,\n9,0.75\n");
    // As many labels as values, or nothing.
    assert!(write_of_rows(out, "leverage", &RowLabels::of(&matrix, None, true, out), &[0.5]).is_err());
}

#[test]
fn files_of_arrow_hold_the_same_table_whole_or_in_a_temporary_file() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("town", words(&["Rome", "Paris", "Oslo"])),
        ("x", Arc::new(Float64Array::from(vec![Some(1.0), None, Some(4.0)]))),
        ("y", floats([2.0, 3.0, 5.0])),
        ("w", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ];
    let (folder, parquet) = one(&columns);
    let batch = batch(&columns);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let mut file =
        arrow_ipc::writer::FileWriter::try_new(File::create(at("t.feather")).unwrap(), &batch.schema()).unwrap();
    file.write(&batch.slice(0, 1)).unwrap();
    file.write(&batch.slice(1, 2)).unwrap();
    file.finish().unwrap();
    let packed = arrow_ipc::writer::IpcWriteOptions::default()
        .try_with_compression(Some(arrow_ipc::CompressionType::LZ4_FRAME))
        .unwrap();
    let create = || File::create(at("t.arrow")).unwrap();
    let mut file = arrow_ipc::writer::FileWriter::try_new_with_options(create(), &batch.schema(), packed).unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
    let options = TableOptions {
        weights: Some("w".into()),
        intercept: true,
        dialect: Dialect { missing: Missing::Omit, ..Dialect::default() },
        ..TableOptions::default()
    };
    let expected = read_matrix(&parquet, &options).unwrap();
    for name in ["t.feather", "t.arrow"] {
        for holding in [Holding::default(), streamed().holding] {
            let spools = holding.read == Some(0);
            let found = read_matrix(&at(name), &TableOptions { holding, ..options.clone() }).unwrap();
            assert_eq!(found.matrix.is_streamed(), spools);
            assert_eq!(dense(&found.matrix), dense(&expected.matrix));
            assert_eq!(found.weights, expected.weights);
            assert_eq!(found.matrix.row_names, expected.matrix.row_names);
            assert_eq!(found.matrix.omitted, expected.matrix.omitted);
        }
        assert!(message(read(&at(name))).contains("row 2, column \"x\": found a null"));
    }
    std::fs::write(at("old.feather"), b"FEA1....").unwrap();
    assert!(message(read(&at("old.feather"))).contains("Feather's first version"));
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(create(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    stream.finish().unwrap();
    assert!(message(read(&at("t.arrow"))).contains("is it a stream?"));
}

#[test]
fn a_damaged_file_of_arrow_is_read_or_refused_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let batch = batch(&[("k", words(&["a", "b", "c"])), ("v", floats([1.0, 2.0, 3.0]))]);
    for packed in [None, Some(arrow_ipc::CompressionType::ZSTD), Some(arrow_ipc::CompressionType::LZ4_FRAME)] {
        let options = arrow_ipc::writer::IpcWriteOptions::default().try_with_compression(packed).unwrap();
        let mut file =
            arrow_ipc::writer::FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        file.write(&batch).unwrap();
        file.finish().unwrap();
        let bytes = file.into_inner().unwrap();
        for k in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[k] ^= 1 << (k % 8);
            std::fs::write(at("d.feather"), &damaged).unwrap();
            if let Ok(table) = read_matrix(&at("d.feather"), &TableOptions::default()) {
                assert!(table.matrix.shape().rows > 0);
            }
        }
        for length in (0..bytes.len()).step_by(7) {
            std::fs::write(at("d.feather"), &bytes[..length]).unwrap();
            assert!(read(&at("d.feather")).is_err(), "{length} bytes of {}", bytes.len());
        }
    }
}

#[test]
fn a_table_of_words_and_numbers_is_a_frame() {
    let colour: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter(["red", "blue", "red"]));
    let v: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)]));
    let (_folder, path) = one(&[("colour", colour), ("v", v)]);
    assert!(message(read_frame_as(&path, &FrameOptions::default())).contains("row 2, column \"v\": found a null"));
    let dialect = Dialect { missing: Missing::Omit, ..Dialect::default() };
    let read = read_frame_as(&path, &FrameOptions { dialect, ..FrameOptions::default() }).unwrap();
    assert_eq!(read.frame.columns()[1], Column::Numbers(vec![1.0, 3.0]));
    assert!(matches!(&read.frame.columns()[0], Column::Text(text) if text.word(1) == Some("red")));
    assert_eq!(read.omitted[0].row, 1);
}
