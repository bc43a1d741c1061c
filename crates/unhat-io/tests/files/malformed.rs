//! Broken files, each with what its message must say: the file, the place, what was found, what was expected.

use super::never_panics::zipped;
use super::{data, file, gzipped, message, plain};
use unhat_io::{check_output, read_rows, read_vector};

/// A suffix, the bytes, and words of the message.
pub(super) type Case<'a> = (&'a str, Vec<u8>, &'a [&'a str]);

pub(super) fn check(cases: &[Case<'_>], read: impl Fn(&str) -> String) {
    for (suffix, bytes, words) in cases {
        let (_folder, path) = file(&format!("broken.{suffix}"), bytes);
        let message = read(&path);
        assert!(message.starts_with(&path), "{message}");
        for word in *words {
            assert!(message.contains(word), "{:?}: {word:?} is not in: {message}", String::from_utf8_lossy(bytes));
        }
    }
}

/// An array file of version 1 with this header and these bytes.
fn npy(header: &str, numbers: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(numbers);
    bytes
}

fn shaped(shape: &str, numbers: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"), numbers)
}

#[test]
fn tables() {
    let text = |text: &str| text.as_bytes().to_vec();
    let cases: Vec<Case<'_>> = vec![
        ("csv", text(""), &["the file is empty"]),
        ("csv", text("\u{feff}"), &["no row"]),
        ("csv", text("\n\n"), &["no row"]),
        ("csv", text("a,b\n"), &["header", "at least one row"]),
        ("csv", text("1,2\n3\n"), &["row 2", "found 1 cells", "expected 2"]),
        ("csv", text("a,b\n1,2\n3,4,5\n"), &["row 2", "found 3 cells", "expected 2"]),
        ("csv", text("a,b\n1,2\n3,\n"), &["row 2, column \"b\"", "empty cell", "expected a number"]),
        ("csv", text("a,b\n1,2\nn/a,4\n"), &["row 2, column \"a\"", "\"n/a\"", "missing", "--missing omit"]),
        ("csv", text("a,b\n1,\n2,4\n"), &["row 1, column \"b\"", "empty cell"]),
        ("csv", text("1,2\n3,x\n"), &["row 2, column 2", "\"x\""]),
        ("csv", text("a,b\n1,NaN\n2,3\n"), &["row 1, column \"b\"", "\"NaN\"", "missing"]),
        ("csv", text("1,2\n3,-inf\n"), &["row 2, column 2", "\"-inf\"", "finite"]),
        ("csv", text("nan\nnan\n"), &["no column of numbers"]),
        ("csv", text("1,2\n3,1e999\n"), &["row 2, column 2", "\"1e999\"", "finite"]),
        ("csv", text("1,2\n\n3,4\n"), &["row 2", "empty line"]),
        ("csv", text("1\n2\n\n3"), &["row 3", "empty line"]),
        ("csv", text("1\r\n2\r\n\r\n3"), &["row 3", "empty line"]),
        ("csv", text("a,b\n1,x\n2,\"y\n3,z\n"), &["row 2", "quote"]),
        ("csv", text("a,b\nx,y\nz,w\n"), &["no column of numbers"]),
        ("csv", text("a;b|c\n1;2|3\n"), &["semicolons", "| signs", "--delimiter"]),
        ("csv", b"a,b\n1,2\n3,\xff\n".to_vec(), &["row 2", "UTF-8"]),
        ("csv", b"a,\xe9\n1,2\n".to_vec(), &["row 1", "UTF-8"]),
        ("csv", b"\xff\xfea\0,\0b\0".to_vec(), &["UTF-16", "UTF-8"]),
        ("csv", b"PK\x03\x04\x14\x00\x00\n\x08".to_vec(), &["no column of numbers"]),
        ("tsv", text("a\tb\n1\t2\n1,2\n"), &["row 2", "found 1 cells"]),
        ("csv.gz", text("a,b\n1,2\n3,4\n5,6\n"), &["cannot be read", "gzip"]),
        ("csv.gz", gzipped(b"1,2\n3,4\n5,6\n")[..20].to_vec(), &["ends too early"]),
        ("csv.gz", gzipped(b""), &["the file is empty"]),
    ];
    check(&cases, |path| message(plain(path)));
}

#[test]
fn arrays() {
    let ok = std::fs::read(data("f8_c.npy")).unwrap();
    let with = |place: usize, byte: u8| {
        let mut bytes = ok.clone();
        bytes[place] = byte;
        bytes
    };
    let claims = |length: u32| [b"\x93NUMPY\x02\x00".as_slice(), &length.to_le_bytes(), b"{'descr'"].concat();
    let cases: Vec<Case<'_>> = vec![
        ("npy", vec![], &["the file is empty"]),
        ("npy", b"\x93NUM".to_vec(), &["ends within its first 8 bytes"]),
        ("npy", b"a,b\n1,2\n3,4\n".to_vec(), &["does not begin like a NumPy array"]),
        ("npy", with(6, 9), &["version 9", "1, 2 or 3"]),
        ("npy", ok[..9].to_vec(), &["ends within the length"]),
        ("npy", ok[..50].to_vec(), &["header", "found 40 bytes", "expected 118"]),
        ("npy", ok[..ok.len() - 1].to_vec(), &["found 47 bytes", "expected 48", "(2, 3)"]),
        ("npy", [&ok[..], b"x"].concat(), &["more bytes follow", "48", "(2, 3)"]),
        ("npy", with(20, 0xE9), &["header", "ASCII"]),
        ("npy", claims(u32::MAX), &["header", "length of 4294967295", "at most 65535"]),
        ("npy", claims(60_000), &["header", "found 8 bytes", "expected 60000"]),
        ("npy", shaped("(-2, 3)", &[]), &["header, field \"shape\"", "-2", "0 or more"]),
        ("npy", shaped("(2.5, 3)", &[]), &["header", ".5"]),
        ("npy", shaped("(99999999999999999999, 1)", &[]), &["header, field \"shape\"", "99999999999999999999"]),
        ("npy", shaped("(4294967296, 4294967296)", &[0; 8]), &["shape", "4294967296", "a computer can hold"]),
        ("npy", shaped("(1000000000000, 2)", &[0; 8]), &["ends too early", "found 8 bytes", "16000000000000"]),
        ("npy", shaped("(0, 0)", &[]), &["shape", "(0, 0)", "at least one row"]),
        ("npy", shaped("()", &[0; 8]), &["shape", "()", "two dimensions"]),
        ("npy", shaped("(1, 1", &[0; 8]), &["header", "expected"]),
        ("npy", shaped("[1, 1]", &[0; 8]), &["header", "[1, 1]", "\"(\""]),
        ("npy", npy("{'descr': '<f8', 'shape': (1, 1), }", &[0; 8]), &["header", "\"fortran_order\" is missing"]),
        ("npy", npy("{'descr': '<f8', 'descr': '<f8', }", &[]), &["header", "\"descr\" twice"]),
        ("npy", npy("{'kind': 3}", &[]), &["header", "\"kind\"", "\"shape\""]),
        ("npy", npy("{'descr': '<f8'} junk", &[]), &["header", "junk"]),
        ("npy", npy("{'descr': 'float64', 'fortran_order': False, 'shape': (1, 1)}", &[0; 8]), &["descr", "float64"]),
        ("npy", npy("{'descr': '', 'fortran_order': False, 'shape': (1, 1)}", &[0; 8]), &["descr", "real numbers"]),
        (
            "npy",
            npy("{'descr': '<f8', 'fortran_order': maybe, 'shape': (1, 1)}", &[0; 8]),
            &["header", "maybe", "False"],
        ),
        ("npy.gz", gzipped(&ok), &["unknown suffix", ".npy.gz"]),
        ("xlsx", ok.clone(), &["unknown suffix", ".xlsx", ".csv", ".npz"]),
    ];
    check(&cases, |path| message(plain(path)));
}

#[test]
fn archives() {
    let csr = std::fs::read(data("csr.npz")).unwrap();
    let i4 = |shape: &str, numbers: &[i32]| {
        let numbers: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        npy(&format!("{{'descr': '<i4', 'fortran_order': False, 'shape': {shape}}}"), &numbers)
    };
    let letters = |word: &str| npy("{'descr': '|S3', 'fortran_order': False, 'shape': ()}", word.as_bytes());
    // A good 2×3 matrix of two entries, with one part replaced.
    let with = |format: &str, part: &str, bytes: Vec<u8>| {
        let mut parts: Vec<(String, Vec<u8>)> = [
            ("format", letters(format)),
            ("shape", i4("(2,)", &[2, 3])),
            ("data", i4("(2,)", &[5, 6])),
            ("indices", i4("(2,)", &[0, 1])),
            ("indptr", i4("(3,)", &[0, 1, 2])),
            ("row", i4("(2,)", &[0, 1])),
            ("col", i4("(2,)", &[0, 2])),
        ]
        .map(|(name, bytes)| (format!("{name}.npy"), bytes))
        .to_vec();
        parts.retain(|(name, _)| *name != format!("{part}.npy"));
        if !bytes.is_empty() {
            parts.push((format!("{part}.npy"), bytes));
        }
        zipped(&parts)
    };
    for format in ["csr", "coo"] {
        let (_folder, path) = file("good.npz", with(format, "other", i4("(1,)", &[1])));
        assert_eq!(plain(&path).unwrap().shape().stored, 2);
    }
    let cases: Vec<Case<'_>> = vec![
        ("npz", b"PK\x03\x04".to_vec(), &["zip archive"]),
        ("npz", csr[..csr.len() / 2].to_vec(), &["zip archive"]),
        ("npz", b"1,2,3\n".to_vec(), &["zip archive"]),
        ("npz", zipped(&[]), &["no arrays"]),
        ("npz", zipped(&[("readme".into(), b"hello world".to_vec())]), &["readme", "missing"]),
        ("npz", with("csr", "data", vec![]), &["array \"data\"", "missing"]),
        ("npz", with("xyz", "data", vec![]), &["array \"format\"", "xyz", "csr, csc or coo"]),
        ("npz", with("csr", "shape", i4("(3,)", &[2, 3, 4])), &["array \"shape\"", "3 dimensions", "two"]),
        ("npz", with("csr", "shape", i4("(2,)", &[0, 3])), &["array \"shape\"", "0 rows", "at least one"]),
        ("npz", with("csr", "shape", i4("(2,)", &[-2, 3])), &["array \"shape\"", "entry 1", "-2"]),
        ("npz", with("csr", "shape", i4("(2,)", &[7, 3])), &["indptr", "found 3 pointers", "7"]),
        ("npz", with("csr", "indices", i4("(2,)", &[0, 3])), &["indices, entry 2", "found index 3", "below 3"]),
        ("npz", with("csr", "indices", i4("(2,)", &[0, -1])), &["array \"indices\"", "entry 2", "-1"]),
        ("npz", with("csr", "indices", i4("(1,)", &[0])), &["indices", "found 1", "expected 2"]),
        ("npz", with("csr", "indptr", i4("(3,)", &[0, 3, 2])), &["indptr, entry 3", "found 2 after 3"]),
        ("npz", with("csr", "indptr", i4("(3,)", &[0, 1, 1])), &["indptr", "0 to 1", "0 to 2"]),
        ("npz", with("csr", "indptr", i4("(0,)", &[])), &["indptr", "found 0 pointers"]),
        ("npz", with("csr", "indptr", i4("(1, 3)", &[0, 1, 2])), &["array \"indptr\"", "(1, 3)", "1 dimensions"]),
        (
            "npz",
            with("csr", "indptr", i4("(3000000000,)", &[0, 1])),
            &["array \"indptr\"", "ends too early", "found 8"],
        ),
        ("npz", with("csr", "indices", shaped("(2,)", &[0; 16])), &["array \"indices\"", "no integers", "int32"]),
        ("npz", with("csr", "data", b"junk".to_vec()), &["array \"data\"", "first 8 bytes"]),
        ("npz", with("coo", "row", i4("(2,)", &[0, 2])), &["array \"row\", entry 2", "found index 2", "below 2"]),
        ("npz", with("coo", "col", i4("(1,)", &[0])), &["array \"col\"", "found 1 indices", "expected 2"]),
        ("npz", with("coo", "shape", i4("(2,)", &[2_000_000_000, 3])), &["2000000000 rows", "2 entries"]),
    ];
    check(&cases, |path| message(plain(path)));
}

#[test]
fn market_files() {
    let coordinate = |rest: &str| format!("%%MatrixMarket matrix coordinate real general\n{rest}").into_bytes();
    let array = |rest: &str| format!("%%MatrixMarket matrix array real general\n{rest}").into_bytes();
    let symmetric =
        |kind: &str, rest: &str| format!("%%MatrixMarket matrix coordinate real {kind}\n{rest}").into_bytes();
    let cases: Vec<Case<'_>> = vec![
        ("mtx", vec![], &["the file is empty"]),
        ("mtx", b"1 2 3\n".to_vec(), &["line 1", "\"1 2 3\"", "%%MatrixMarket"]),
        ("mtx", b"%%MatrixMarket vector array real general\n".to_vec(), &["line 1", "%%MatrixMarket matrix"]),
        ("mtx", b"%%MatrixMarket matrix list real general\n".to_vec(), &["line 1", "\"list\"", "coordinate"]),
        ("mtx", std::fs::read(data("complex.mtx")).unwrap(), &["line 1", "\"complex\"", "real"]),
        ("mtx", std::fs::read(data("hermitian.mtx")).unwrap(), &["line 1", "\"complex\"", "real"]),
        (
            "mtx",
            b"%%MatrixMarket matrix array real hermitian\n".to_vec(),
            &["line 1", "\"hermitian\"", "skew-symmetric"],
        ),
        ("mtx", b"%%MatrixMarket matrix array pattern general\n".to_vec(), &["line 1", "\"pattern\""]),
        ("mtx", coordinate(""), &["ends before the line of sizes"]),
        ("mtx", coordinate("% only\n2 2\n"), &["line 3", "\"2 2\"", "number of entries", "3 whole numbers"]),
        ("mtx", coordinate("2 -2 1\n"), &["line 2", "\"2 -2 1\"", "whole numbers"]),
        ("mtx", coordinate("0 2 0\n"), &["line 2", "0 rows", "at least one row"]),
        ("mtx", coordinate("2 0 0\n"), &["line 2", "0 columns", "at least one"]),
        ("mtx", coordinate("2 5000000000 0\n"), &["line 2", "5000000000 columns", "4294967295"]),
        ("mtx", coordinate("1000000000000 2 1\n1 1 1\n"), &["1000000000000 rows", "1 entries"]),
        ("mtx", coordinate("2 2 99999999999\n1 1 1\n"), &["ends after 1 entries", "99999999999", "line 2"]),
        ("mtx", coordinate("2 2 1\n1 1 1\n2 2 2\n"), &["line 4", "more entries than the 1", "line 2"]),
        ("mtx", coordinate("2 2 1\n3 1 1\n"), &["line 3", "row \"3\"", "from 1 to 2"]),
        ("mtx", coordinate("2 2 1\n1 0 1\n"), &["line 3", "column \"0\"", "from 1 to 2"]),
        ("mtx", coordinate("2 2 1\n1 1\n"), &["line 3", "\"1 1\"", "row, column and value"]),
        ("mtx", coordinate("2 2 1\n1 1 1 1\n"), &["line 3", "\"1 1 1 1\"", "row, column and value"]),
        ("mtx", coordinate("2 2 1\n1 2 x\n"), &["line 3, row 1, column 2", "\"x\"", "a number"]),
        ("mtx", coordinate("2 2 1\n1 2 nan\n"), &["line 3, row 1, column 2", "\"nan\"", "finite"]),
        ("mtx", coordinate("2 2 1\n1 2 1e400\n"), &["line 3, row 1, column 2", "\"1e400\"", "finite"]),
        ("mtx", [coordinate("2 2 1\n"), b"1 2 \xff\n".to_vec()].concat(), &["line 3", "no text"]),
        ("mtx", symmetric("symmetric", "2 3 0\n"), &["line 2", "2 rows and 3 columns", "symmetric"]),
        ("mtx", symmetric("symmetric", "2 2 1\n1 2 1\n"), &["line 3, row 1, column 2", "above the diagonal"]),
        ("mtx", symmetric("skew-symmetric", "2 2 1\n1 1 1\n"), &["line 3, row 1, column 1", "diagonal entry"]),
        (
            "mtx",
            b"%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1.5\n".to_vec(),
            &["line 3", "\"1.5\"", "an integer"],
        ),
        (
            "mtx",
            b"%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1 1\n".to_vec(),
            &["line 3", "row and column"],
        ),
        ("mtx", array("2 1\n1\n"), &["ends after 1 values", "expected 2"]),
        ("mtx", array("2 1\n1\n2\n3\n"), &["line 5", "more values than 2"]),
        ("mtx", array("2 1\n1 2\n"), &["line 3, row 1, column 1", "\"1 2\"", "alone on its line"]),
        ("mtx", array("2 1\n1\ninf\n"), &["line 4, row 2, column 1", "\"inf\"", "finite"]),
        ("mtx", array("9999999999 9999999999\n1\n"), &["line 2", "9999999999", "a computer can hold"]),
        ("mtx", array("99999999 99999999\n1\n"), &["ends after 1 values", "9999999800000001"]),
        ("mtx", coordinate(&"x".repeat(70_000)), &["line 2", "65536 bytes"]),
        ("mtx.gz", coordinate("1 1 1\n1 1 1\n"), &["cannot be read", "gzip"]),
    ];
    check(&cases, |path| message(plain(path)));
}

#[test]
fn vectors() {
    let text = |text: &str| text.as_bytes().to_vec();
    let bytes = |name: &str| std::fs::read(data(name)).unwrap();
    let cases: Vec<Case<'_>> = vec![
        ("txt", text(""), &["offset", "the file is empty"]),
        ("txt", text("\n"), &["offset", "no number"]),
        ("txt", text("  \n"), &["offset", "row 1", "line of blanks"]),
        ("txt", text("b\n"), &["offset", "found \"b\" and nothing else"]),
        ("txt", text("1\n2 3\n"), &["row 2", "found 2 cells", "one number"]),
        ("txt", text("1\n\n3\n"), &["row 2", "empty line"]),
        ("txt", text("1 2\n3 4\n"), &["row 2", "second line"]),
        ("txt", text("1\ninf\n"), &["row 2", "\"inf\"", "finite"]),
        ("txt", text("1,2,NaN\n"), &["row 1, value 3", "\"NaN\"", "finite"]),
        ("txt", text("a,b\n1,\n"), &["row 1, value 2", "empty cell"]),
        ("csv", text("x,y\n1,2\n3,4\n"), &["row 2", "second line"]),
        ("csv", text("row,leverage\n1,2\n3\n"), &["row 2", "found 1 cells", "a name and a number"]),
        ("csv", text("row,leverage\n1,2\n3,x\n"), &["row 2", "\"x\"", "a number"]),
        ("csv", text("1\n\"2\n"), &["row 2"]),
        ("csv", b"1\n2\xff\n".to_vec(), &["row 2", "UTF-8"]),
        ("npy", bytes("scalar.npy"), &["offset", "shape", "()", "(n)"]),
        ("npy", bytes("f8_c.npy"), &["offset", "shape", "(2, 3)", "a vector"]),
        ("npy", bytes("three.npy"), &["offset", "shape", "(1, 2, 1)"]),
        ("npy", bytes("complex.npy"), &["offset", "descr", "complex"]),
        ("npy", bytes("vector.npy")[..150].to_vec(), &["offset", "found 22 bytes", "expected 32"]),
        ("npy", shaped("(0,)", &[]), &["offset", "shape", "(0)", "at least one value"]),
        ("npz", bytes("dense.npz"), &["offset", "unknown suffix", ".npz", ".npy"]),
    ];
    check(&cases, |path| message(read_vector(path, "offset")));
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    for suffix in ["csv", "npy", "npz", "mtx", "csv.gz"] {
        let directory = folder.path().join(format!("directory.{suffix}"));
        std::fs::create_dir(&directory).unwrap();
        let directory = directory.to_str().unwrap();
        assert_eq!(message(plain(directory)), format!("{directory}: is a directory, expected a file"));
        let missing = folder.path().join(format!("missing.{suffix}"));
        let missing = missing.to_str().unwrap();
        assert_eq!(message(plain(missing)), format!("{missing}: there is no such file"));
    }
    assert!(message(read_vector("nowhere.txt", "target")).contains("target: there is no such file"));
    assert!(message(read_rows("nowhere.txt")).contains("there is no such file"));
    assert!(message(check_output("nowhere/x.txt")).contains("nowhere"));
    assert!(message(plain("no_suffix")).contains("no suffix"));
    assert!(message(plain("nul\0byte.csv")).contains("cannot be opened"));
}

#[cfg(unix)]
#[test]
fn devices_are_no_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zero.npy");
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(message(plain(path.to_str().unwrap())).contains("no regular file"));
}
