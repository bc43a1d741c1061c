//! How much memory reading takes: at most 64 MiB and four times what the file declares, text unpacked and numbers as doubles.

use crate::gzipped;
use std::fmt::Write;
use std::process::Command;
use unhat_io::{FrameOptions, TableOptions, read_frame_as, read_matrix, read_polytope, read_vector};

const FREE: u64 = 64 << 20;
const TIMES: u64 = 4;
/// Tells the child what to read.
const READS: &str = "UNHAT_TEST_READS";

/// The most memory that this process has had in use.
fn peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// No test of its own: it reads what the environment names and says how much memory that took.
#[test]
#[ignore = "the child of the test beside it"]
fn child() {
    let Ok(what) = std::env::var(READS) else { return };
    let (kind, path) = what.split_once(' ').unwrap();
    let before = peak();
    match kind {
        "matrix" => drop(read_matrix(path, &TableOptions::default()).unwrap()),
        "frame" => drop(read_frame_as(path, &FrameOptions::default()).unwrap()),
        "polytope" => drop(read_polytope(path).unwrap()),
        "vector" => drop(read_vector(path, "v").unwrap()),
        "refused" => assert!(read_matrix(path, &TableOptions::default()).is_err()),
        _ => panic!("{kind}"),
    }
    println!("took {} bytes", peak() - before);
}

fn taken(kind: &str, path: &str) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["memory::child", "--exact", "--ignored", "--nocapture"]).env(READS, format!("{kind} {path}"));
    let ran = command.output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{kind} {path}: {said}{}", String::from_utf8_lossy(&ran.stderr));
    let line = said.lines().find_map(|line| line.split_once("took ")).unwrap().1;
    line.split_once(' ').unwrap().0.parse().unwrap()
}

/// An array of whole numbers of two bytes, by columns: all of it is converted and turned.
fn array(rows: usize, columns: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<i2', 'fortran_order': True, 'shape': ({rows}, {columns}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00v\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").bytes());
    bytes.extend((0..rows * columns).flat_map(|k| ((k % 30_011) as i16).to_le_bytes()));
    bytes
}

fn lines(head: &str, count: usize, line: impl Fn(usize, &mut String), tail: &str) -> String {
    let mut text = head.to_string();
    for k in 0..count {
        line(k, &mut text);
        text.push('\n');
    }
    text + tail
}

#[test]
#[cfg(target_os = "linux")]
fn reading_takes_no_more_than_four_times_what_is_declared() {
    const ROWS: usize = 400_000;
    let wide = |k: usize, text: &mut String| {
        (0..9).for_each(|j| write!(text, "{}.{:07},", (k * 7 + j) % 90, k * 13 + j).unwrap());
        write!(text, "{k}").unwrap();
    };
    let table = lines("a,b,c,d,e,f,g,h,i,j\n", ROWS, wide, "");
    let words = lines("w,x\n", ROWS, |k, text| write!(text, "{},{k}.5", ["red", "green", "blue"][k % 3]).unwrap(), "");
    let digits = lines("a,b,c,d,e,f,g,h\n", ROWS, |k, text| write!(text, "{},1,0,1,0,0,1,0", k % 10).unwrap(), "");
    let entry = |k: usize, text: &mut String| write!(text, "{} {} {k}.25", k % 200_000 + 1, k / 200_000 + 1).unwrap();
    let entries = lines("%%MatrixMarket matrix coordinate real general\n200000 5 1000000\n", 1_000_000, entry, "");
    let entry = |k: usize, text: &mut String| write!(text, "{} {} 1", k + 1, k / 2 + 1).unwrap();
    let symmetric =
        lines("%%MatrixMarket matrix coordinate integer symmetric\n900000 900000 900000\n", 900_000, entry, "");
    let dense = lines(
        "%%MatrixMarket matrix array real general\n500000 4\n",
        2_000_000,
        |k, text| write!(text, "{k}").unwrap(),
        "",
    );
    let row = |k: usize, text: &mut String| write!(text, "{} 1/{} 2 -3.5 0 7", k % 7 + 1, k + 1).unwrap();
    let inequalities = lines("begin\n400000 6 rational\n", ROWS, row, "end\n");
    let column = |k: usize, text: &mut String| write!(text, "    C{k}  R{}  1.5  R{}  -2", k % 3, 3 + k % 2).unwrap();
    let program = format!(
        "NAME P\nROWS\n{}COLUMNS\n{}RHS\n    RHS R0 4 R1 4\nENDATA\n",
        lines("", 5, |k, text| write!(text, " G R{k}").unwrap(), ""),
        lines("", 200_000, column, "")
    );
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<(&str, &str, Vec<u8>, u64, u64)> = vec![
        ("matrix", "t.csv", table.clone().into(), table.len() as u64, ROWS as u64 * 10),
        ("frame", "f.csv", table.clone().into(), table.len() as u64, ROWS as u64 * 10),
        ("matrix", "t.csv.gz", gzipped(table.as_bytes()), table.len() as u64, ROWS as u64 * 10),
        ("frame", "w.csv", words.clone().into(), words.len() as u64, ROWS as u64 * 2),
        ("matrix", "d.csv.gz", gzipped(digits.as_bytes()), digits.len() as u64, ROWS as u64 * 8),
        ("frame", "e.csv", digits.clone().into(), digits.len() as u64, ROWS as u64 * 8),
        ("matrix", "c.mtx", entries.clone().into(), entries.len() as u64, 2_000_000),
        ("matrix", "c.mtx.gz", gzipped(symmetric.as_bytes()), symmetric.len() as u64, 4_000_000),
        ("matrix", "a.mtx", dense.clone().into(), dense.len() as u64, 2_000_000),
        ("vector", "v.txt", dense[50..].into(), dense.len() as u64, 2_000_000),
        ("vector", "v.csv.gz", gzipped(&dense.as_bytes()[50..]), dense.len() as u64, 2_000_000),
        ("polytope", "p.ine", inequalities.clone().into(), inequalities.len() as u64, ROWS as u64 * 6),
        ("polytope", "p.mps", program.clone().into(), program.len() as u64, 2 * 600_000),
        ("matrix", "n.npy", array(500_000, 8), 8_000_000, 4_000_000),
        // Claims that nothing in the file bears out.
        (
            "refused",
            "claim.mtx",
            b"%%MatrixMarket matrix array real general\n4000000000 4000000000\n1\n".to_vec(),
            100,
            0,
        ),
        (
            "refused",
            "rows.mtx",
            b"%%MatrixMarket matrix coordinate real general\n4000000000 2 1\n1 1 1\n".to_vec(),
            100,
            0,
        ),
        ("refused", "short.npy", array(500_000, 8)[..4096].to_vec(), 4096, 0),
    ];
    for (kind, name, bytes, text, numbers) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let declared = text.max(8 * numbers);
        let taken = taken(kind, path.to_str().unwrap());
        println!("{name}: {} MiB of {} declared", taken >> 20, declared >> 20);
        assert!(taken <= FREE + TIMES * declared, "{name}: {taken} bytes for {declared}");
        std::fs::remove_file(path).unwrap();
    }
}
