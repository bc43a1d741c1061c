//! Everything that can be wrong with the input: each ends in a message that names the cause, exit code 2, and no file.

use crate::desk::{Desk, Ran, UNHAT};
use std::io::{Cursor, Write};
use std::process::Command;

const SCORES: &str = "scores --matrix";
const GRADIENT: &str = "gradient --matrix a.csv --offset b.txt --point x.txt";
const INVERT: &str = "invert gradient --matrix a.csv --offset b.txt --target c.txt";
const INVERT_SCORES: &str = "invert scores --matrix a.csv --offset b.txt --target t.txt";
const CENTRE: &str = "centre --matrix a.csv --offset b.txt";

/// A square −1 < x < 1 with a target, and one file that is wrong.
struct Malformed {
    file: &'static str,
    content: Vec<u8>,
    line: String,
    words: &'static [&'static str],
}

fn case(file: &'static str, content: impl Into<Vec<u8>>, line: &str, words: &'static [&'static str]) -> Malformed {
    Malformed { file, content: content.into(), line: line.to_string(), words }
}

fn table(content: &str, words: &'static [&'static str]) -> Malformed {
    case("bad.csv", content, "scores --matrix bad.csv", words)
}

fn npy_bytes(descr: &str, order: &str, shape: &str, payload: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (header.len() + 10) % 64);
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(payload);
    bytes
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn integers(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// SciPy's file of a 2×2 CSR matrix with the given row pointers and columns.
fn npz(indptr: &[i32], indices: &[i32], shape: &[i32]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let shape_of = |count: usize| format!("({count},)");
    let arrays = [
        ("format.npy", npy_bytes("|S3", "False", "()", b"csr")),
        ("shape.npy", npy_bytes("<i4", "False", "(2,)", &integers(shape))),
        ("indptr.npy", npy_bytes("<i4", "False", &shape_of(indptr.len()), &integers(indptr))),
        ("indices.npy", npy_bytes("<i4", "False", &shape_of(indices.len()), &integers(indices))),
        ("data.npy", npy_bytes("<f8", "False", &shape_of(indices.len()), &doubles(&vec![1.0; indices.len()]))),
    ];
    for (name, bytes) in arrays {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn npy(descr: &str, order: &str, shape: &str, payload: &[u8], words: &'static [&'static str]) -> Malformed {
    case("bad.npy", npy_bytes(descr, order, shape, payload), &format!("{SCORES} bad.npy"), words)
}

fn market(content: &str, words: &'static [&'static str]) -> Malformed {
    case("bad.mtx", content, &format!("{SCORES} bad.mtx"), words)
}

fn vector(content: &str, words: &'static [&'static str]) -> Malformed {
    case("b.txt", content, CENTRE, words)
}

/// Wrong by its options, not by a file.
fn line(line: &str, words: &'static [&'static str]) -> Malformed {
    case("unused", "", line, words)
}

fn tables() -> Vec<Malformed> {
    vec![
        table("x,y\n1,2\nnan,3\n", &["bad.csv", "row 2", "\"x\""]),
        table("1,2\n1,inf\n", &["bad.csv", "row 2", "2"]),
        table("1,2\n-Infinity,1\n", &["bad.csv", "row 2"]),
        table("x,y\n1,2\n3,\n5,6\n", &["row 2", "\"y\"", "empty"]),
        table("x,y\n1,2\n3,n/a\n5,6\n", &["row 2", "\"y\"", "n/a", "missing"]),
        table("1,2\n3\n", &["bad.csv", "row 2"]),
        table("1,2\n3,4,5\n", &["bad.csv", "row 2"]),
        table("", &["bad.csv", "empty"]),
        table("x,y\n", &["bad.csv"]),
        table("a,b\nx,y\nz,w\n", &["bad.csv"]),
        case("bad.csv", &b"1,2\n\xff\xfe,3\n"[..], "scores --matrix bad.csv", &["bad.csv", "UTF-8"]),
        case("bad.csv", &b"\xff\xfe1\x00,\x002\x00"[..], "scores --matrix bad.csv", &["bad.csv", "UTF-16"]),
        case("bad.csv.gz", &b"\x1f\x8b\x08\x00trunc"[..], "scores --matrix bad.csv.gz", &["bad.csv.gz"]),
        line("scores --matrix a.csv --columns 1,9", &["--columns", "9"]),
        line("gradient --matrix a.csv --response price --point x.txt", &["--response", "price"]),
        line("scores --matrix missing.csv", &["missing.csv", "no such file"]),
        line("scores --matrix folder.csv", &["folder.csv", "directory"]),
        line("scores --matrix a.dat", &["a.dat", "suffix"]),
        line("scores --matrix good.npy --intercept", &["--intercept", "good.npy"]),
    ]
}

fn binaries() -> Vec<Malformed> {
    let four = doubles(&[1.0, 2.0, 3.0, 5.0]);
    vec![
        npy("<f8", "False", "(2, 2)", &four[..20], &["bad.npy"]),
        npy("<f8", "False", "(3, 2)", &four, &["bad.npy"]),
        npy("<f8", "False", "(1000000000000, 1000000)", &four, &["bad.npy"]),
        npy("<f8", "False", "(18446744073709551615, 18446744073709551615)", &four, &["bad.npy"]),
        npy("<f8", "False", "(0, 2)", &[], &["bad.npy"]),
        npy("<f8", "False", "(2, 1, 2)", &four, &["bad.npy"]),
        npy("|O", "False", "(2, 2)", &four, &["bad.npy", "object"]),
        npy("<c16", "False", "(1, 2)", &four, &["bad.npy", "complex"]),
        npy("<U4", "False", "(1, 2)", &four, &["bad.npy"]),
        npy("<f8", "Maybe", "(2, 2)", &four, &["bad.npy"]),
        npy("<f8", "False", "(2, 2)", &doubles(&[1.0, 2.0, f64::NAN, 4.0]), &["row 2, column 1", "NaN"]),
        npy("<f8", "False", "(2, 2)", &doubles(&[1.0, f64::NEG_INFINITY, 1.0, 4.0]), &["row 1, column 2", "-inf"]),
        case("bad.npy", &b"\x93NUMPY\x01\x00\xff\xff{"[..], "scores --matrix bad.npy", &["bad.npy"]),
        case("bad.npy", &b"1,2\n3,4\n"[..], "scores --matrix bad.npy", &["bad.npy"]),
        case("bad.npy", "", "scores --matrix bad.npy", &["bad.npy", "empty"]),
        case("bad.npz", &b"PK\x03\x04 and then nothing"[..], "scores --matrix bad.npz", &["bad.npz"]),
        case("bad.npz", npz(&[0, 1, 9], &[0, 1], &[2, 2]), "scores --matrix bad.npz", &["bad.npz"]),
        case("bad.npz", npz(&[0, 2, 1], &[0, 1], &[2, 2]), "scores --matrix bad.npz", &["bad.npz"]),
        case("bad.npz", npz(&[0, 1, 2], &[0, 7], &[2, 2]), "scores --matrix bad.npz", &["bad.npz"]),
        case("bad.npz", npz(&[0, 1, 2], &[0, 1], &[2_000_000_000, 2]), "scores --matrix bad.npz", &["bad.npz"]),
        market("%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 1\n2 2 1\n", &["bad.mtx", "3"]),
        market("%%MatrixMarket matrix coordinate real general\n2 2 1\n3 1 1\n", &["bad.mtx", "3"]),
        market("%%MatrixMarket matrix coordinate real general\n2 2 999999999999999\n1 1 1\n", &["bad.mtx"]),
        market("%%MatrixMarket matrix array real general\n99999999999 99999999\n1\n", &["bad.mtx"]),
        market("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n", &["bad.mtx", "complex"]),
        market("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 nan\n", &["bad.mtx"]),
        market("not a market\n", &["bad.mtx"]),
    ]
}

fn vectors() -> Vec<Malformed> {
    vec![
        vector("-1\n-1\n-1\n", &["offset b.txt", "3 values", "4 values"]),
        vector("-1\n-1\nNaN\n-1\n", &["b.txt", "row 3"]),
        vector("-1\n-1\nx\n-1\n", &["b.txt", "row 3", "expected a number"]),
        vector("", &["b.txt", "empty"]),
        vector("1 2\n3 4\n", &["b.txt"]),
        case("c.txt", "1 2 3", INVERT, &["target c.txt", "3 values", "2 values"]),
        case("c.txt", "inf 1", INVERT, &["c.txt"]),
        case("x.txt", "0.5", GRADIENT, &["point x.txt", "1 values", "2 values"]),
        case(
            "b.npy",
            npy_bytes("<f8", "False", "(2, 2)", &doubles(&[1.0; 4])),
            &format!("{SCORES} a.csv --offset b.npy --point x.txt"),
            &["b.npy"],
        ),
        case(
            "b.npy",
            npy_bytes("<f8", "False", "(4,)", &doubles(&[1.0, f64::NAN, 1.0, 1.0])),
            &format!("{SCORES} a.csv --offset b.npy --point x.txt"),
            &["offset b.npy", "row 2", "NaN"],
        ),
        case("s.txt", "1 1 1", &format!("{CENTRE} --signs s.txt"), &["signs s.txt", "3 values"]),
        case("s.txt", "1 1 0.5 1", &format!("{CENTRE} --signs s.txt"), &["--signs", "row 3", "0.5"]),
    ]
}

fn problems() -> Vec<Malformed> {
    vec![
        case("x.txt", "1 0", GRADIENT, &["row 2 has slack 0"]),
        case("x.txt", "1 0", &format!("{SCORES} a.csv --offset b.txt --point x.txt"), &["row 2 has slack 0"]),
        case("x0.txt", "0 -1", &format!("{INVERT} --start x0.txt"), &["row 3 has slack 0"]),
        case("x0.txt", "0 0.5", &format!("{INVERT} --start x0.txt --upper"), &["outside the chosen cell", "--upper"]),
        case("s.txt", "-1 -1 -1 -1", &format!("{INVERT} --signs s.txt"), &["empty", "contradict"]),
        case("s.txt", "-1 -1 1 1", &format!("{CENTRE} --signs s.txt"), &["empty", "rows 1, 2"]),
        line(&format!("{CENTRE} --upper"), &["empty", "contradict"]),
        case("b.txt", "1 0 -1 -1", CENTRE, &["empty", "rows 1, 2"]), // x > 1 and x < 0
        case("b.txt", "0 0 -1 -1", CENTRE, &["no interior", "rows 1, 2"]), // x > 0 and x < 0 leave x = 0
        case("a.csv", "1,0\n0,1\n1,1\n1,2\n", CENTRE, &["cannot be reached", "unbounded", "--start"]),
        case("a.csv", "1,1\n-1,-1\n2,2\n-3,-3\n", INVERT, &["rank 1", "2 columns"]),
        case("a.csv", "1,2\n", "gradient --matrix a.csv --offset one.txt --point x.txt", &["rank 1", "2 columns"]),
    ]
}

fn options() -> Vec<Malformed> {
    vec![
        line(&format!("{SCORES} a.csv --offset b.txt"), &["--offset", "--point"]),
        line(&format!("{SCORES} a.csv --point x.txt"), &["--point", "--offset"]),
        line(&format!("{SCORES} a.csv --ridge -1"), &["--ridge", "-1"]),
        line(&format!("{SCORES} a.csv --ridge nan"), &["--ridge", "NaN"]),
        line(&format!("{INVERT} --target-scale 0"), &["--target-scale", "0"]),
        line(&format!("{INVERT} --tol 0"), &["--tol", "between 0 and 1"]),
        line(&format!("{INVERT} --tol nan"), &["--tol"]),
        line(&format!("{INVERT} --max-iter 0"), &["--max-iter"]),
        line(&format!("{INVERT} --max-iter -3"), &["--max-iter"]),
        line(&format!("{INVERT} --threads 0"), &["--threads"]),
        line(&format!("{INVERT} --seed -1"), &["--seed"]),
        line(&format!("{INVERT} --solver simplex"), &["simplex", "coreset"]),
        line(&format!("{INVERT} --start x.txt --signs s.txt"), &["--start", "--signs"]),
        line("invert gradient --matrix a.csv --target c.txt", &["--offset"]),
        line("invert gradient --matrix - --offset - --target c.txt", &["--offset", "standard input", "--matrix"]),
        line("center --matrix", &["--matrix"]),
    ]
}

fn weights() -> Vec<Malformed> {
    let weights = |content: &str, words| case("w.txt", content, &format!("{INVERT} --weights w.txt"), words);
    let option = |more: &str, words| line(&format!("{INVERT} {more}"), words);
    vec![
        weights("1 1 1", &["weights w.txt", "3 values", "4 values"]),
        weights("1\n1\n-0.5\n1\n", &["--weights", "row 3", "-0.5", "not negative"]),
        weights("1\nnan\n1\n1\n", &["w.txt", "row 2"]),
        weights("1\n1\ninf\n1\n", &["w.txt", "row 3"]),
        weights("1\n1\nheavy\n1\n", &["w.txt", "row 3", "heavy"]),
        weights("0 0 0 0", &["--weights", "all are 0", "leave them out"]),
        weights("", &["w.txt", "empty"]),
        case(
            "w.npy",
            npy_bytes("<f8", "False", "(4,)", &doubles(&[1.0, 1.0, 1.0, f64::NAN])),
            &format!("{INVERT} --weights w.npy"),
            &["weights w.npy", "row 4", "NaN"],
        ),
        option("--weights missing.txt", &["missing.txt", "no such file"]),
        option("--weights w.xlsx", &["w.xlsx", "suffix"]),
        option("--weights heavy", &["--weights", "\"heavy\"", "a number that is not negative, or a file of 4"]),
        option("--weights nan", &["--weights", "nan", "expected a number"]),
        option("--weights -1", &["--weights", "-1", "not negative"]),
        option("--weights inf", &["--weights", "inf"]),
        option("--weights 1e999", &["--weights", "1e999"]),
        option("--weights 0", &["--weights", "all are 0"]),
        option("--weights 1 --minima most", &["--minima", "most", "best"]),
        option("--weights 1 --solver surrogate", &["--solver", "auto"]),
        option("--weights 1 --scores sketched", &["--scores", "auto", "weights"]),
        option("--weights 1 --solver diagonal --checkpoint run.json", &["--checkpoint", "diagonal"]),
        option("--weights 1 --tol 2", &["--tol", "between 0 and 1"]),
        option("--prove", &["--weights"]),
        line(&format!("{CENTRE} --weights 1"), &["--weights", "unexpected"]),
        line("invert gradient --matrix - --offset b.txt --target c.txt --weights -", &["--weights", "standard input"]),
        case("s.txt", "-1 -1 -1 -1", &format!("{INVERT} --weights 1 --signs s.txt"), &["empty", "contradict"]),
        case("a.csv", "1,1\n-1,-1\n2,2\n-3,-3\n", &format!("{INVERT} --weights 1"), &["rank 1", "2 columns"]),
    ]
}

/// A linear program whose columns and what follows are `rest`.
fn mps(rest: &str, words: &'static [&'static str]) -> Malformed {
    let content = format!("NAME bad\nROWS\n N cost\n G low\n L high\nCOLUMNS\n{rest}");
    case("bad.mps", content, "centre --polytope bad.mps", words)
}

fn ine(content: &str, words: &'static [&'static str]) -> Malformed {
    case("bad.ine", content, "centre --polytope bad.ine", words)
}

fn polytopes() -> Vec<Malformed> {
    let option = |more: &str, words| case("p.ine", SQUARE, &format!("centre --polytope p.ine {more}"), words);
    vec![
        mps(" x low one\nENDATA\n", &["bad.mps", "line 7", "one"]),
        mps(" x low nan\nENDATA\n", &["bad.mps", "line 7", "nan"]),
        mps(" x middle 1\nENDATA\n", &["bad.mps", "line 7", "middle"]),
        mps(" x low 1\nRHS\n RHS low 1 high\nENDATA\n", &["bad.mps", "line 9"]),
        mps(" x low 1\nBOUNDS\n UP B y 1\nENDATA\n", &["bad.mps", "line 9", "y"]),
        mps(" x low 1\nBOUNDS\n ?? B x 1\nENDATA\n", &["bad.mps", "line 9", "??"]),
        mps(" x low 1\nRANGES\n R low 0\nENDATA\n", &["bad.mps", "low", "a range of 0"]),
        mps(" x low 1\nBOUNDS\n FX B x 1\nENDATA\n", &["bad.mps", "not supported"]),
        mps(" x low 1\nNONSENSE\n", &["bad.mps", "NONSENSE"]),
        mps(" x low 1 high 1\nRHS\n RHS low 3 high 2\nENDATA\n", &["empty", "by name: low, high"]),
        mps(" x low 1\n y high 1\nRHS\n RHS low 0 high 2\nENDATA\n", &["cannot be reached", "h by name", "x 1.0000"]),
        case(
            "bad.mps",
            "ROWS\n E same\nCOLUMNS\n x same 1\nENDATA\n",
            "centre --polytope bad.mps",
            &["bad.mps", "same", "not supported"],
        ),
        case("bad.mps", "", "centre --polytope bad.mps", &["bad.mps"]),
        case("bad.mps", &b"NAME\n\xff\xfe\n"[..], "centre --polytope bad.mps", &["bad.mps"]),
        case("bad.mps.gz", &b"\x1f\x8b\x08\x00trunc"[..], "centre --polytope bad.mps.gz", &["bad.mps.gz"]),
        ine("", &["bad.ine"]),
        ine("H-representation\nbegin\n 2 2 real\n 1 1\nend\n", &["bad.ine"]),
        ine("H-representation\nbegin\n 1 2 real\n 1 one\nend\n", &["bad.ine", "line 4", "one"]),
        ine("H-representation\nbegin\n 1 2 rational\n 1 1/0\nend\n", &["bad.ine", "1/0"]),
        ine("H-representation\nbegin\n 1 2 complex\n 1 1\nend\n", &["bad.ine", "complex"]),
        ine("H-representation\nbegin\n 999999999999999 2 real\n 1 1\nend\n", &["bad.ine"]),
        ine("V-representation\nbegin\n 1 2 real\n 1 1\nend\n", &["bad.ine", "V-representation"]),
        ine("H-representation\nlinearity 1 1\nbegin\n 1 2 real\n 1 1\nend\n", &["bad.ine", "not supported"]),
        line("centre --polytope missing.mps", &["missing.mps", "no such file"]),
        line("centre --polytope a.csv", &["a.csv", "suffix", ".mps or .ine"]),
        line("centre --polytope -", &["suffix", ".mps or .ine"]),
        line("scores --polytope missing.ine", &["--polytope", "--point"]),
        line("gradient --polytope missing.ine", &["--point"]),
        option("--matrix a.csv", &["--polytope", "--matrix", "cannot be used"]),
        option("--offset b.txt", &["--polytope", "--offset", "cannot be used"]),
        option("--response y", &["--polytope", "--response", "cannot be used"]),
        option("--columns 1", &["--polytope", "--columns", "cannot be used"]),
        option("--intercept", &["--polytope", "--intercept", "cannot be used"]),
        option("--upper", &["--polytope", "--upper", "cannot be used"]),
        option("--start b.txt", &["start b.txt", "4 values", "2 values"]),
        line("invert gradient --polytope p.ine --matrix a.csv --target c.txt", &["--polytope", "cannot be used"]),
    ]
}

/// The square −1 < x < 1.
const SQUARE: &str = "H-representation\nbegin\n 4 3 integer\n 1 1 0\n 1 -1 0\n 1 0 1\n 1 0 -1\nend\n";

fn released_scores() -> Vec<Malformed> {
    let target = |content: &str, words| case("t.txt", content, INVERT_SCORES, words);
    let rows = |content: &str, words| case("r.txt", content, &format!("{INVERT_SCORES} --rows r.txt"), words);
    let option = |more: &str, words| line(&format!("{INVERT_SCORES} {more}"), words);
    vec![
        target("0.5\nNaN\n0.5\n0.5\n", &["t.txt", "row 2"]),
        target("0.5\ninf\n0.5\n0.5\n", &["t.txt", "row 2"]),
        target("0.5\n0.5\nhigh\n0.5\n", &["t.txt", "row 3", "high", "expected a number"]),
        target("0.5 0.5 1.5 0.5", &["--target", "row 3", "1.5", "between 0 and 1"]),
        target("0.5 0.5 0.5 -0.1", &["--target", "row 4", "-0.1", "give --noise"]),
        target("0.5 0.5 0.5", &["target t.txt", "3 values", "4 values"]),
        target("", &["t.txt", "empty"]),
        rows("0\n1\n2\n3\n", &["r.txt", "line 1", "\"0\"", "counted from 1"]),
        rows("1\n2\n3\n5\n", &["--rows", "row 5", "one of 1 to 4"]),
        rows("1\n2\n3\n2\n", &["r.txt", "line 4", "row 2 again"]),
        rows("1\n2\n", &["target t.txt", "4 values", "2 values"]),
        rows("1\n2\n3\n-4\n", &["r.txt", "line 4", "-4"]),
        rows("1\n2\n3\n4.5\n", &["r.txt", "line 4", "4.5"]),
        rows("1\n2\n3\nx\n", &["r.txt", "line 4"]),
        rows("", &["r.txt"]),
        option("--rows missing.txt", &["missing.txt", "no such file"]),
        option("--noise -1e-3", &["--noise", "-0.001"]),
        option("--noise nan", &["--noise", "NaN"]),
        option("--noise inf", &["--noise", "inf"]),
        option("--noise loud", &["--noise", "loud"]),
        option("--method simplex", &["simplex", "second-order"]),
        option("--method lift", &["lift", "8", "4"]),
        option("--tol 0", &["--tol", "between 0 and 1"]),
        option("--max-iter 0", &["--max-iter"]),
        option("--start x.txt --signs s.txt", &["--start", "--signs", "cannot be used"]),
        option("--start x.txt --upper", &["--start", "--upper", "cannot be used"]),
        option("--signs s.txt --upper", &["--signs", "--upper", "cannot be used"]),
        option("--upper", &["empty", "contradict"]),
        option("--checkpoint run.json", &["--checkpoint", "not supported"]),
        option("--solver exact", &["--solver", "unexpected"]),
        option("--history steps.txt", &["steps.txt", "suffix"]),
        option("--start b.txt", &["start b.txt", "4 values", "2 values"]),
        case("x0.txt", "1 0", &format!("{INVERT_SCORES} --start x0.txt"), &["--start", "slack 0"]),
        case("s.txt", "1 1 0.5 1", &format!("{INVERT_SCORES} --signs s.txt"), &["--signs", "row 3", "0.5"]),
        case("s.txt", "-1 -1 1 1", &format!("{INVERT_SCORES} --signs s.txt"), &["empty", "rows 1, 2"]),
        case("a.csv", "1,1\n-1,-1\n2,2\n-3,-3\n", INVERT_SCORES, &["rank 1", "2 columns"]),
        line("invert scores --matrix a.csv --target t.txt", &["--offset"]),
        line("invert scores --matrix a.csv --offset b.txt", &["--target"]),
        line(
            "invert scores --matrix a.csv --offset b.txt --target - --rows -",
            &["--rows", "standard input", "--target"],
        ),
    ]
}

fn outputs() -> Vec<Malformed> {
    vec![
        line(&format!("{CENTRE} --history steps.txt"), &["steps.txt", "suffix", ".csv or .tsv"]),
        line(&format!("{CENTRE} --history steps"), &["steps", "suffix"]),
        line(&format!("{INVERT} --weights 1 --history steps.npy"), &["steps.npy", "suffix"]),
        line(&format!("{CENTRE} --history folder.csv"), &["folder.csv", "is a directory"]),
        line(&format!("{CENTRE} --history nowhere/h.csv"), &["nowhere", "cannot be written"]),
        line(&format!("{CENTRE} --history both.csv -o both.csv"), &["--history", "both.csv", "--output"]),
        line(&format!("{SCORES} a.csv --history h.csv"), &["--history", "unexpected"]),
        line(&format!("{SCORES} a.csv -o out.xlsx"), &["out.xlsx", "suffix"]),
        line(&format!("{SCORES} a.csv -o folder.csv"), &["folder.csv", "is a directory"]),
        line(&format!("{SCORES} a.csv -o x.txt/out.csv"), &["x.txt", "cannot be written"]),
        line(&format!("{SCORES} a.csv -o nowhere/out.csv"), &["nowhere", "cannot be written"]),
        line(&format!("{CENTRE} --checkpoint x.txt/run.json"), &["run.json"]),
        line(&format!("{CENTRE} --checkpoint nowhere/run.json"), &["run.json", "cannot be written"]),
    ]
}

fn desk_for(case: &Malformed) -> Desk {
    let desk = Desk::new();
    desk.text("a.csv", "1,0\n-1,0\n0,1\n0,-1\n").text("b.txt", "-1 -1 -1 -1").text("c.txt", "0.5 -0.25");
    desk.text("x.txt", "0.5 0.25")
        .text("s.txt", "1 1 1 1")
        .text("one.txt", "7")
        .text("t.txt", "0.5 0.5 0.5 0.5")
        .text("a.dat", "1");
    desk.bytes("good.npy", &npy_bytes("<f8", "False", "(2, 1)", &doubles(&[1.0, 2.0])));
    std::fs::create_dir(desk.path("folder.csv")).unwrap();
    desk.bytes(case.file, &case.content);
    desk
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_written() {
    let all =
        [tables(), binaries(), vectors(), problems(), options(), weights(), polytopes(), released_scores(), outputs()];
    let mut failures = Vec::new();
    let mut count = 0;
    for case in all.iter().flatten() {
        count += 1;
        let desk = desk_for(case);
        let before = desk.names();
        let output = if case.line.contains(" -o ") { "" } else { " -o out.npy" };
        let ran = desk.run(&format!("{}{output} --json", case.line));
        let complaint = complaint(case, &ran).or((desk.names() != before).then(|| format!("wrote {:?}", desk.names())));
        if let Some(complaint) = complaint {
            failures.push(format!("{}: {complaint}\n{}{}", case.line, ran.err, ran.out));
        }
    }
    assert!(count >= 120);
    assert!(failures.is_empty(), "{} of {count}\n{}", failures.len(), failures.join("\n"));
}

fn complaint(case: &Malformed, ran: &Ran) -> Option<String> {
    if ran.code != 2 {
        return Some(format!("exit code {}", ran.code));
    }
    let first = ran.err.lines().find(|line| !line.starts_with("note: "));
    if ran.err.contains("panicked") || !first.is_some_and(|line| line.starts_with("error: ")) {
        return Some("no clean message".into());
    }
    if let Some(word) = case.words.iter().find(|word| !ran.err.contains(**word)) {
        return Some(format!("{word:?} is missing"));
    }
    let object: serde_json::Value = match serde_json::from_str(&ran.out) {
        Ok(object) => object,
        Err(e) => return Some(format!("no JSON: {e}")),
    };
    let whole = object["schema"] == 1
        && object["status"] == "error"
        && object["error"]["kind"].is_string()
        && object["error"]["message"].as_str().is_some_and(|message| !message.is_empty());
    (!whole).then(|| "the JSON lacks a key".into())
}

#[test]
fn errors_carry_their_numbers() {
    let desk = desk_for(&line("", &[]));
    let error = |line: &str| desk.run(&format!("{line} --json")).expect(2).json()["error"].clone();
    desk.text("edge.txt", "1 0");
    let zero = error("gradient --matrix a.csv --offset b.txt --point edge.txt");
    assert_eq!((zero["kind"].as_str(), zero["row"].as_u64()), (Some("zero_slack"), Some(2)));
    desk.text("empty.txt", "1 0 -1 -1");
    let empty = error("centre --matrix a.csv --offset empty.txt");
    assert_eq!((empty["kind"].as_str(), &empty["rows"]), (Some("empty_cell"), &serde_json::json!([1, 2])));
    assert_eq!(empty["multipliers"].as_array().unwrap().len(), 2);
    assert!(empty["gap"].as_f64().unwrap() > 0.0);
    let source = error("scores --matrix missing.csv");
    assert_eq!((source["kind"].as_str(), source["path"].as_str()), (Some("source"), Some("missing.csv")));
    assert_eq!(error("scores --ridge 1")["kind"], "usage");
}

/// Only the program's own reaction to a full quota counts: the shell sets the limit and hands over.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let desk = desk_for(&line("", &[]));
    let tall: Vec<f64> = (0..20_000_u64).map(|i| ((i * i) % 97) as f64).collect();
    desk.matrix("tall.npy", &tall, 2);
    let before = desk.names();
    for arguments in [
        "scores --matrix tall.npy -o out.csv",
        "centre --matrix a.csv --offset b.txt -o x.npy",
        "centre --matrix a.csv --offset b.txt --history h.csv",
        "invert gradient --matrix a.csv --offset b.txt --target c.txt --weights 1 -o x.npy",
        "invert scores --matrix a.csv --offset b.txt --target t.txt -o x.npy",
        "centre --matrix a.csv --offset b.txt --checkpoint run.json",
        "demo --out kept",
    ] {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("ulimit -f 0; exec {UNHAT} {arguments}")]).current_dir(desk.path(""));
        let ran = Ran::of(command).expect(2);
        assert!(ran.err.contains("cannot be written"), "{arguments}: {}", ran.err);
        let _ = std::fs::remove_dir_all(desk.path("kept"));
        assert_eq!(desk.names(), before, "{arguments}");
    }
    if std::path::Path::new("/dev/full").exists() {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{UNHAT} scores --matrix tall.npy > /dev/full")]).current_dir(desk.path(""));
        assert!(Ran::of(command).expect(2).err.contains("standard output: cannot be written"));
    }
}

/// A header's claim is no reason to take memory: with 200 MB of address space a terabyte is refused like any other lie.
#[cfg(target_os = "linux")]
#[test]
fn no_memory_is_taken_for_what_a_header_claims() {
    for case in binaries() {
        let desk = desk_for(&case);
        let mut command = Command::new("bash");
        let line = format!("ulimit -v 400000; exec {UNHAT} {} --threads 1", case.line);
        command.args(["-c", &line]).current_dir(desk.path(""));
        let ran = Ran::of(command);
        assert_eq!(ran.code, 2, "{}: {}", case.line, ran.err);
    }
}
