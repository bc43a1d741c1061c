//! Tables in Parquet: a file, a folder or a pattern gives what the same table gives as text, in little memory.

use crate::desk::{Desk, Ran, UNHAT, bits};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fmt::Write;
use std::fs::File;
use std::process::Command;
use std::sync::Arc;
use unhat_testkit::generate::random_polytope;

fn write(desk: &Desk, name: &str, columns: Vec<(&str, ArrayRef)>, group: usize) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(desk.path(name)).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn floats(values: impl Iterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

/// The same 3,000 rows as text, in one file, and in a folder of three with what engines leave there.
fn homes() -> Desk {
    let desk = Desk::new();
    let row = |k: usize| (format!("r{k}"), (k * 37 % 101) as f64 / 8.0, (k as i64 * 11) % 29, (k % 4 + 1) as f64 / 4.0);
    let mut text = "id,x,k,w\n".to_string();
    for k in 0..3_000 {
        let (id, x, count, weight) = row(k);
        writeln!(text, "{id},{x},{count},{weight}").unwrap();
    }
    desk.text("t.csv", &text);
    std::fs::create_dir(desk.path("folder")).unwrap();
    let file = |name: &str, rows: std::ops::Range<usize>| {
        let rows = || rows.clone().map(row);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(StringArray::from_iter_values(rows().map(|row| row.0)))),
            ("x", floats(rows().map(|row| row.1))),
            ("k", Arc::new(Int64Array::from_iter_values(rows().map(|row| row.2)))),
            ("w", floats(rows().map(|row| row.3))),
        ];
        write(&desk, name, columns, 700);
    };
    file("t.parquet", 0..3_000);
    for (name, rows) in
        [("a.parquet", 0..100), ("b.parquet", 100..2_999), ("c.parquet", 2_999..3_000), ("_d.parquet", 0..9)]
    {
        file(&format!("folder/{name}"), rows);
    }
    desk.text("folder/_SUCCESS", "").text("folder/.a.crc", "x");
    desk
}

#[test]
fn scores_of_parquet_are_those_of_the_same_table_as_text() {
    let desk = homes();
    for options in
        ["", "--intercept --ridge 2", "--case-weights w --without k", "--columns k,x --row-names none", "--rank 2"]
    {
        for out in ["s.csv", "s.npy"] {
            desk.run(&format!("scores --matrix t.csv {options} -o {out}")).expect(0);
            let expected = std::fs::read(desk.path(out)).unwrap();
            for matrix in ["t.parquet", "folder", "folder/*.parquet", "folder/[a-c].parquet"] {
                let ran = desk.run(&format!("scores --matrix {matrix} {options} -o {out} --threads 2")).expect(0);
                assert!(std::fs::read(desk.path(out)).unwrap() == expected, "{matrix} {options} {out}: {}", ran.err);
            }
        }
    }
    // Scores in Parquet are a table of their own: their names and values come back from it.
    desk.run("scores --matrix folder -o s.parquet").expect(0);
    desk.run("scores --matrix t.csv -o s.csv").expect(0);
    let again = |table: &str| desk.run(&format!("scores --matrix {table} --columns leverage")).expect(0).numbers();
    assert_eq!(bits(&again("s.parquet")), bits(&again("s.csv")));
}

#[test]
fn models_of_a_table_in_parquet_are_those_of_the_same_table_as_text() {
    let desk = homes();
    let words = "--formula w~x+k --row-names id";
    let values = |table: &str| {
        let found = desk.run(&format!("diagnose {table} {words} -o d.csv")).expect(0);
        (desk.read("d.csv"), found.code)
    };
    assert_eq!(values("t.parquet"), values("t.csv"));
    assert_eq!(values("folder"), values("t.csv"));
}

#[test]
fn every_solver_finds_over_files_what_it_finds_in_memory() {
    let polytope = random_polytope(60_000, 8, 0.9, 7, Some(3.0));
    let desk = Desk::with_polytope(&polytope);
    let column = |j: usize| floats(polytope.a.iter().skip(j).step_by(8).copied());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    write(&desk, "a.parquet", names.iter().enumerate().map(|(j, name)| (*name, column(j))).collect(), 25_000);
    // 3.8 MB of numbers are more than an eighth of this memory: they stay in the file, and in that of NumPy.
    for solver in ["exact", "cg", "coreset"] {
        let found = |matrix: &str, memory: &str| {
            let line =
                format!("invert gradient --matrix {matrix} --offset b.npy --target c.npy --solver {solver} {memory}");
            bits(&desk.run(&line).expect(0).numbers())
        };
        let expected = found("a.npy", "");
        for matrix in ["a.parquet", "a.npy"] {
            assert_eq!(found(matrix, "--memory 30M"), expected, "{solver} {matrix}");
        }
    }
    let gradient = |matrix: &str| {
        let line = format!("gradient --matrix {matrix} --offset b.npy --point hidden.npy");
        bits(&desk.run(&line).expect(0).numbers())
    };
    assert_eq!(gradient("a.parquet"), gradient("a.npy"));
}

#[test]
fn an_answer_never_falls_on_a_file_of_the_table() {
    let desk = homes();
    for matrix in ["folder", "folder/*.parquet"] {
        let refused = desk.run(&format!("scores --matrix {matrix} -o folder/b.parquet")).expect(2).err;
        assert!(refused.contains("folder/b.parquet is the file of --matrix"), "{refused}");
    }
}

#[test]
fn a_table_that_needs_more_than_its_memory_is_refused_with_what_it_needs() {
    let desk = Desk::new();
    let columns = ["a", "b"].map(|name| (name, floats((0..1_200_000).map(|k| f64::from(k % 7))))).to_vec();
    write(&desk, "t.parquet", columns, 1 << 20);
    let refused = desk.run("scores --matrix t.parquet --memory 20M").expect(2).err;
    for part in ["1200000 rows and 2 columns", "the program", "numbers a row 9.6 MB", "the factor", "one reader"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    desk.run("scores --matrix t.parquet --memory 60M -o s.npy").expect(0);
}

/// Numbers of a table that is four times the memory there is.
#[cfg(target_os = "linux")]
#[test]
fn a_table_of_four_times_the_memory_passes_as_parquet_array_and_text() {
    /// Beside the table, the program and its libraries take address space.
    const LIMIT_KB: usize = 160_000;
    const COLUMNS: usize = 20;
    const ROWS: usize = 4 * LIMIT_KB * 1024 / 8 / COLUMNS;
    let desk = Desk::new();
    // Few different numbers in long runs, so that the files are small, and are written and read quickly.
    let entry = |i: usize, j: usize| ((i / (16 * (j + 1))) % 97 % (j + 7)) as f64;
    let group = 100_000;
    let names: Vec<String> = (0..COLUMNS).map(|j| format!("x{j}")).collect();
    let batch = |rows: std::ops::Range<usize>| {
        let column = |j: usize| floats(rows.clone().map(|i| entry(i, j)));
        RecordBatch::try_from_iter(names.iter().enumerate().map(|(j, name)| (name, column(j)))).unwrap()
    };
    let file = File::create(desk.path("t.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch(0..1).schema(), None).unwrap();
    for start in (0..ROWS).step_by(group) {
        writer.write(&batch(start..ROWS.min(start + group))).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    let run = |matrix: &str| {
        let mut command = Command::new("bash");
        let line = format!("ulimit -v {LIMIT_KB}; exec {UNHAT} scores --matrix {matrix} --threads 1 -o s.npy");
        command.args(["-c", &line]).current_dir(desk.path(""));
        Ran::of(command).expect(0);
        desk.numbers("s.npy")
    };
    let scores = run("t.parquet");
    assert!((scores.iter().sum::<f64>() - COLUMNS as f64).abs() < 1e-9 * COLUMNS as f64);
    // The same rows as an array.
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({ROWS}, {COLUMNS}), }}");
    let mut array = std::io::BufWriter::new(File::create(desk.path("t.npy")).unwrap());
    std::io::Write::write_all(&mut array, b"\x93NUMPY\x01\x00v\x00").unwrap();
    std::io::Write::write_all(&mut array, format!("{header:<117}\n").as_bytes()).unwrap();
    for i in 0..ROWS {
        for j in 0..COLUMNS {
            std::io::Write::write_all(&mut array, &entry(i, j).to_le_bytes()).unwrap();
        }
    }
    drop(array);
    assert_eq!(bits(&run("t.npy")), bits(&scores));
    std::fs::remove_file(desk.path("t.npy")).unwrap();
    let mut text = std::io::BufWriter::new(File::create(desk.path("t.csv")).unwrap());
    std::io::Write::write_all(&mut text, (names.join(",") + "\n").as_bytes()).unwrap();
    for i in 0..ROWS {
        let row = (0..COLUMNS).map(|j| entry(i, j).to_string()).collect::<Vec<_>>().join(",") + "\n";
        std::io::Write::write_all(&mut text, row.as_bytes()).unwrap();
    }
    drop(text);
    assert_eq!(bits(&run("t.csv")), bits(&scores));
}
