//! Files and the terminal: no answer lost, no litter, no words that steer a terminal, no memory that is not there.

use crate::desk::{Desk, Ran, UNHAT};
use std::path::Path;
use std::process::Command;

fn desk_with(names: &[&str]) -> Desk {
    let desk = Desk::new();
    for name in names {
        desk.bytes(name, &std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap());
    }
    desk
}

/// A triangle whose centre takes a moment, with everything a solve reads.
fn triangle() -> Desk {
    let desk = Desk::new();
    desk.text("a.csv", "-1,-1\n1,0\n0,1\n").text("b.txt", "-4 0 0").text("c.txt", "0 0");
    desk
}

fn close(found: &[f64], expected: &[f64]) {
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-9),
        "{found:?}"
    );
}

/// The centres are those of the notes beside the files: Newton with the exact Hessian, and the bounds that HiGHS reads.
#[test]
fn polytopes_as_other_programs_write_them_have_their_centres() {
    for (file, expected) in [
        ("noline.ine", [1.516_725_273_81, 0.918_400_711_564]),
        ("wrapped.ine", [1.516_725_273_81, 0.918_400_711_564]),
        ("longrational.ine", [1.516_725_273_81, 0.918_400_711_564]),
        ("ranges.mps", [0.633_910_946_89, 2.678_555_383_59]),
        ("qp.mps", [1.333_333_333_33, 0.666_666_666_667]),
        ("qsection.mps", [1.333_333_333_33, 0.666_666_666_667]),
        ("d.mps", [-0.586_442_993_021, -1.477_940_446_62]),
        ("int.mps", [0.475_431_594_085, 1.762_284_202_96]),
    ] {
        let desk = desk_with(&[file]);
        close(&desk.run(&format!("centre --polytope {file}")).expect(0).numbers(), &expected);
    }
    let desk = desk_with(&["int.mps", "qp.mps"]);
    let ran = desk.run("centre --polytope int.mps --integer-bounds nonnegative").expect(0);
    close(&ran.numbers(), &[4.0 / 3.0, 4.0 / 3.0]);
    let ran = desk.run("centre --polytope qp.mps").expect(0);
    assert!(ran.err.contains("left out the quadratic part of the objective, QUADOBJ"), "{}", ran.err);
}

#[test]
fn d_exponents_are_numbers_in_matrix_market_files() {
    close(&desk_with(&["d.mtx"]).run("scores --matrix d.mtx").expect(0).numbers(), &[5.0 / 9.0, 8.0 / 9.0, 5.0 / 9.0]);
}

#[cfg(unix)]
#[test]
fn outputs_that_are_one_file_or_an_input_are_refused_before_the_work() {
    let desk = triangle();
    std::os::unix::fs::symlink("run.json", desk.path("link.json")).unwrap();
    std::os::unix::fs::symlink(".", desk.path("here")).unwrap();
    std::fs::hard_link(desk.path("b.txt"), desk.path("hard.txt")).unwrap();
    let before = desk.names();
    let centre = "centre --matrix a.csv --offset b.txt";
    for (line, first, second) in [
        (format!("{centre} -o x.csv --history ./x.csv"), "--output", "--history"),
        (format!("{centre} -o here/x.csv --history x.csv"), "--output", "--history"),
        (format!("{centre} -o x.csv --checkpoint x.csv"), "--checkpoint", "--output"),
        (format!("{centre} --checkpoint b.txt"), "--checkpoint", "--offset"),
        (format!("{centre} --checkpoint run.json --history here/a.csv"), "--history", "--matrix"),
        (format!("{centre} -o hard.txt"), "--output", "--offset"),
        ("scores --matrix a.csv -o a.csv".into(), "--output", "--matrix"),
        (
            "train a.csv --response y --model linear --report r.html --checkpoint r.html".into(),
            "--checkpoint",
            "--report",
        ),
        ("influence a.csv --response y --model linear -o here/a.csv".into(), "--output", "TABLE"),
    ] {
        let ran = desk.run(&line).expect(2);
        assert!(
            ran.err.contains(first) && ran.err.contains(second) && ran.err.contains("already"),
            "{line}: {}",
            ran.err
        );
        assert_eq!(desk.names(), before, "{line}");
    }
    assert_eq!(desk.read("b.txt"), "-4 0 0");
    desk.run(&format!("{centre} -o x.csv --history h.csv --checkpoint run.json")).expect(0);
}

/// Ranks of scores that are no numbers never ended; a fit through all of its points has none to rank.
#[test]
fn an_exact_fit_is_refused_with_method_and_row() {
    for file in [
        "hang_exactfit_3_5rows.csv",
        "hang_exactfit_7_4rows.csv",
        "hang_influence_linear_3rows.csv",
        "three_rows.csv",
        "fac.csv",
    ] {
        let desk = desk_with(&[file]);
        let mut command = Command::new("timeout");
        command
            .args(["60", UNHAT, "influence", file, "--response", "y", "--model", "linear"])
            .current_dir(desk.path(""));
        let ran = Ran::of(command);
        assert!(ran.code == 2 || ran.code == 0 && !ran.out.contains("NaN"), "{file}: {} {}", ran.code, ran.err);
        if file == "hang_influence_linear_3rows.csv" {
            assert!(ran.err.contains("the gradient of every training row vanishes"), "{file}: {}", ran.err);
        }
    }
}

/// Control characters, as bytes of an escape sequence or as the one character that stands for its start.
fn steers(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

#[test]
fn names_that_steer_a_terminal_are_shown() {
    let desk = desk_with(&[
        "ansi_classes.csv",
        "ansi_rownames.csv",
        "ansi_rows.mps",
        "ansi_new_levels.csv",
        "ansi_model.safetensors",
        "ansi_metadata.safetensors",
    ]);
    for line in [
        "influence ansi_classes.csv --response w --model logistic",
        "influence ansi_rownames.csv --response y --model linear",
        "influence ansi_rownames.csv --response w --model linear",
        "centre --polytope ansi_rows.mps",
        "predict ansi_new_levels.csv --model-file ansi_model.safetensors",
        "predict ansi_new_levels.csv --model-file ansi_metadata.safetensors",
        "scores --matrix ansi_rownames.csv",
        "scores --matrix \u{1b}[2Jx.csv",
        "scores --matrix ansi_rownames.csv --columns \u{9b}31m",
        "scores --\u{1b}[31mred",
    ] {
        for json in ["", " --json"] {
            let ran = desk.run(&format!("{line}{json}"));
            assert!(!steers(&ran.out) && !steers(&ran.err), "{line}: {:?} {:?}", ran.out, ran.err);
        }
    }
    assert!(desk.run("scores --matrix \u{1b}[2Jx.csv").err.contains("\\u{1b}[2Jx.csv"));
}

#[test]
fn names_in_tables_do_not_begin_as_formulas() {
    let desk = Desk::new();
    desk.text("a.csv", ",x\n=1+1,1\n@SUM(A1),2\n-3,4\nplain,5\n");
    let ran = desk.run("scores --matrix a.csv -o s.csv").expect(0);
    let names: Vec<String> =
        desk.read("s.csv").lines().skip(1).map(|line| line.split(',').next().unwrap().to_string()).collect();
    assert_eq!(names, ["'=1+1", "'@SUM(A1)", "-3", "plain"]);
    assert!(ran.err.contains("s.csv: 2 cells of names"), "{}", ran.err);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_and_a_closed_stdout_are_errors() {
    let desk = triangle();
    for line in [
        "--help",
        "--version",
        "scores --help",
        "scores --matrix a.csv",
        "completions bash",
        "scores --matrix a.csv --json",
    ] {
        for (place, words) in [("> /dev/full", "standard output: cannot be written"), ("| true", "was closed before")] {
            let mut command = Command::new("bash");
            let shell = match place.starts_with('>') {
                true => format!("{UNHAT} {line} {place}"),
                false => format!("set -o pipefail; (sleep 0.3; exec {UNHAT} {line}) {place}"),
            };
            command.args(["-c", &shell]).current_dir(desk.path(""));
            let ran = Ran::of(command).expect(2);
            assert!(ran.err.contains(words), "{shell}: {}", ran.err);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_utf8_are_paths() {
    use std::os::unix::ffi::OsStrExt;
    let desk = triangle();
    let name = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_os_string();
    std::fs::rename(desk.path("a.csv"), desk.path("").join(name(b"caf\xe9.csv"))).unwrap();
    let mut command = desk.command("scores --matrix");
    command.arg(name(b"caf\xe9.csv")).arg("-o").arg(name(b"\xff.csv"));
    Ran::of(command).expect(0);
    assert!(desk.path("").join(name(b"\xff.csv")).exists());
    let mut command = desk.command("scores --matrix");
    command.arg(name(b"\xfe.csv"));
    assert!(Ran::of(command).expect(2).err.contains("\\xfe.csv: there is no such file"));
}

#[test]
fn an_array_that_claims_2_to_the_64_rows_is_refused() {
    let ran = desk_with(&["claims_2pow64_rows.npz"]).run("scores --matrix claims_2pow64_rows.npz").expect(2);
    assert!(ran.err.contains("claims_2pow64_rows.npz"), "{}", ran.err);
}

#[test]
fn what_does_not_fit_is_refused_with_the_number() {
    let desk = desk_with(&["gram_abort_60_bytes.mtx"]);
    let ran = desk.run("scores --matrix gram_abort_60_bytes.mtx --memory 1G --json").expect(2);
    assert_eq!(ran.json()["error"]["kind"], "too_large");
    assert_eq!(ran.json()["error"]["bytes"].as_u64(), Some(3 * 8 * 30_000 * 30_000));
    assert_eq!(ran.json()["error"]["limit"].as_u64(), Some(1 << 30));
    desk.run("scores --matrix gram_abort_60_bytes.mtx --memory much").expect(2);
    // Every reader asks before its numbers grow.
    let many = |line: &dyn Fn(usize) -> String| (0..30_000).map(line).collect::<String>();
    let array = |descr: &str, bytes: usize| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (20000, 2), }}");
        let mut file = b"\x93NUMPY\x01\x00v\x00".to_vec();
        file.extend(format!("{header:<117}\n").bytes());
        file.extend((0..40_000).flat_map(|k| vec![(k % 100) as u8; bytes]));
        file
    };
    desk.text("t.csv", &format!("a,b\n{}", many(&|k| format!("{k},{}\n", k * k))));
    desk.text("s.csv", "a\n1\n2\n").text("x.txt", "1\n").text("v.txt", &many(&|k| format!("{k}\n")));
    desk.text(
        "m.mtx",
        &format!(
            "%%MatrixMarket matrix coordinate real general\n30000 2 30000\n{}",
            many(&|k| format!("{} 1 2\n", k + 1))
        ),
    );
    desk.text("d.mtx", &format!("%%MatrixMarket matrix array real general\n15000 2\n{}", many(&|k| format!("{k}\n"))));
    desk.text("p.ine", &format!("begin\n30000 3 integer\n{}end\n", many(&|k| format!("{k} 1 2\n"))));
    let columns = many(&|k| format!("    C{k} R 1\n"));
    desk.text("p.mps", &format!("NAME P\nROWS\n G R\nCOLUMNS\n{columns}RHS\n    RHS R 1\nENDATA\n"));
    desk.bytes("i.npy", &array("<i2", 2)).bytes("f.npy", &array("<f4", 4));
    for line in [
        "scores --matrix t.csv",
        "influence t.csv --response b --model linear",
        "train t.csv --response b --model linear",
        "scores --matrix s.csv --offset v.txt --point x.txt",
        "scores --matrix m.mtx",
        "scores --matrix d.mtx",
        "scores --matrix i.npy",
        "scores --matrix f.npy",
        "centre --polytope p.ine",
        "centre --polytope p.mps",
    ] {
        let refused = desk.run(&format!("{line} --memory 100K")).expect(2).err;
        assert!(refused.contains("bytes") && refused.contains("102400"), "{line}: {refused}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_of_the_process_is_looked_at() {
    let desk = desk_with(&["gram_abort_60_bytes.mtx"]);
    let mut command = Command::new("bash");
    let line = format!("ulimit -v 4000000; exec {UNHAT} scores --matrix gram_abort_60_bytes.mtx --threads 1");
    command.args(["-c", &line]).current_dir(desk.path(""));
    assert!(Ran::of(command).expect(2).err.contains("21600000000"), "the bytes it would take");
}

#[test]
fn drafts_of_killed_runs_are_removed_and_those_of_living_ones_stay() {
    let desk = triangle();
    desk.run("scores --matrix a.csv -o s.csv").expect(0);
    // What a killed run would have left: found by writing to a target whose draft is caught in a folder of its own.
    let prefix = |name: &str| {
        let number =
            name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        format!(".unhat-{number:016x}-")
    };
    let (dead, living, other) = (
        format!("{}dead.part", prefix("s.csv")),
        format!("{}live.part", prefix("s.csv")),
        format!("{}x.part", prefix("t.csv")),
    );
    for name in [&dead, &living, &other] {
        desk.text(name, "half");
    }
    let held = std::fs::File::open(desk.path(&living)).unwrap();
    held.lock().unwrap();
    desk.run("scores --matrix a.csv -o s.csv").expect(0);
    let names = desk.names();
    assert!(!names.contains(&dead) && names.contains(&living) && names.contains(&other), "{names:?}");
    drop(held);
    desk.run("scores --matrix a.csv -o s.csv").expect(0);
    desk.run("scores --matrix a.csv -o t.csv").expect(0);
    assert!(desk.names().iter().all(|name| !name.ends_with(".part")));
}
