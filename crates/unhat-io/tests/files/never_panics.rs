//! Whatever the bytes: an answer or an error, and little memory.

use super::data;
use super::fuzz_targets::{every_choice, reads_frame, reads_matrix, reads_polytope, with_file};
use proptest::prelude::*;
use unhat_io::{read_rows, read_vector};

const SUFFIXES: [&str; 15] = [
    "npy", "npz", "mtx", "mm", "csv", "tsv", "txt", "mps", "ine", "csv.gz", "tsv.gz", "mtx.gz", "txt.gz", "mps.gz",
    "xyz",
];

/// Reads a file in every way.
fn read_all(suffix: &str, bytes: &[u8]) {
    let is_text = !["npy", "npz"].contains(&suffix);
    with_file(&format!("f.{suffix}"), bytes, |path| {
        let _ = every_choice().map(|options| reads_matrix(path, &options, is_text));
        let _ = read_vector(path, "v");
        let _ = read_rows(path);
        reads_frame(path);
        reads_polytope(path);
    });
}

fn valid_files() -> Vec<(String, Vec<u8>)> {
    let names = [
        "f8_c.npy",
        "f4_fortran_big.npy",
        "i8.npy",
        "version2.npy",
        "vector.npy",
        "csr.npz",
        "csr_stored.npz",
        "csc_unsorted.npz",
        "coo.npz",
        "dense.npz",
        "coordinate.mtx",
        "array.mtx",
        "array_skew.mtx",
        "symmetric.mtx",
        "pattern.mtx",
        "stackloss.csv",
        "longley.csv",
        "klein1.mps",
        "cube10.ine",
    ];
    names
        .iter()
        .map(|name| (name.rsplit_once('.').unwrap().1.to_string(), std::fs::read(data(name)).unwrap()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes(suffix in proptest::sample::select(&SUFFIXES[..]), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(suffix, &bytes);
    }

    #[test]
    fn arbitrary_text(suffix in proptest::sample::select(&SUFFIXES[..]), text in "[0-9a,;. \"\t\r\n%-]{0,80}|[\\PC\n,]{0,40}") {
        read_all(suffix, text.as_bytes());
    }

    #[test]
    fn arbitrary_headers(text in "\\{('(descr|fortran_order|shape)': ?('[<>|=][fiucb][0-9]{1,2}'|True|False|\\([0-9L, -]{0,8}\\)),? ?){0,4}\\}", rest in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        bytes.extend(rest);
        read_all("npy", &bytes);
    }

    #[test]
    fn arbitrary_market_files(
        banner in "%%MatrixMarket matrix (coordinate|array) (real|integer|pattern) (general|symmetric|skew-symmetric)\n",
        sizes in "[0-9]{1,2} [0-9]{1,2} [0-9]{0,19}\n",
        lines in proptest::collection::vec("[1-9] [1-9] -?[0-9.e]{1,4}|[1-3] [1-3]|-?[0-9]{1,3}|%.{0,5}", 0..12),
    ) {
        read_all("mtx", format!("{banner}{sizes}{}", lines.join("\n")).as_bytes());
    }

    /// Words of MPS files in almost the right order, so that many files get far.
    #[test]
    fn arbitrary_programs(
        rows in proptest::collection::vec(" [NLG]  [r-t]( [r-t])?", 1..4),
        columns in proptest::collection::vec("    [x-z]( 1)?       ( )?[r-t] {0,9} -?[0-9.e]{1,3}( {3}[r-t] {6,12}[0-9])?| m 'MARKER' 'INT(ORG|END)'", 1..6),
        others in proptest::collection::vec(" rhs [r-t] [0-9]|RHS|BOUNDS|RANGES| (UP|LO|MI|FR|BV|LI|PL)( b)? [x-z]( -?[0-9]{1,2})?|\\PC{0,9}", 0..8),
    ) {
        let text = format!("ROWS\n{}\nCOLUMNS\n{}\n{}\nENDATA\n", rows.join("\n"), columns.join("\n"), others.join("\n"));
        with_file("f.mps", text.as_bytes(), reads_polytope);
    }

    #[test]
    fn arbitrary_h_representations(
        sizes in "[0-9]{1,2} [0-9]{1,12} (real|rational|integer)|[1-4] [2-4] rational",
        lines in proptest::collection::vec("-?[0-9]{1,2}( -?[0-9]{1,2}(/[0-9])?){1,3}|end|linearity [0-9] [0-9]|\\PC{0,9}", 0..8),
    ) {
        let text = format!("H-representation\nbegin\n{sizes}\n{}\nend\n", lines.join("\n"));
        with_file("f.ine", text.as_bytes(), reads_polytope);
    }

    #[test]
    fn mutated_valid_files(
        which in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::weighted(0.3, any::<proptest::sample::Index>()),
    ) {
        let files = valid_files();
        let (suffix, bytes) = which.get(&files);
        let mut bytes = bytes.clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_all(suffix, &bytes);
    }
}

/// Stored archives carry checksums, which random changes seldom pass: here the arrays change before they are packed.
#[test]
fn archives_whose_arrays_disagree() {
    let parts = |archive: &str| -> Vec<(String, Vec<u8>)> {
        let mut zip = zip::ZipArchive::new(std::fs::File::open(data(archive)).unwrap()).unwrap();
        (0..zip.len())
            .map(|k| {
                let mut entry = zip.by_index(k).unwrap();
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
                (entry.name().unwrap().to_string(), bytes)
            })
            .collect()
    };
    for archive in ["csr.npz", "csc.npz", "coo.npz"] {
        let parts = parts(archive);
        for (k, (name, bytes)) in parts.iter().enumerate() {
            for place in 128..bytes.len() {
                for byte in [0, 1, 3, 200, 255] {
                    let mut changed = parts.clone();
                    changed[k].1[place] = byte;
                    read_all("npz", &zipped(&changed));
                }
            }
            let missing: Vec<_> = parts.iter().filter(|(other, _)| other != name).cloned().collect();
            read_all("npz", &zipped(&missing));
        }
    }
}

/// Packs entries without compression.
pub(super) fn zipped(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
