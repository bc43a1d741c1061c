//! What is written: whole, readable again, and nothing left behind.

use super::{dense, file, message, names, plain};
use proptest::prelude::*;
use unhat_io::{check_output, read_vector, write_matrix_npy, write_vector};

fn written(name: &str, column: &str, labels: Option<&[String]>, values: &[f64]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write_vector(path.to_str().unwrap(), column, labels, values).unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn text_by_suffix() {
    let values = [0.5, 1e-7, -0.0];
    assert_eq!(written("s.csv", "leverage", None, &values), "row,leverage\n1,0.5\n2,1e-7\n3,-0.0\n");
    assert_eq!(written("s.tsv", "value", None, &values), "index\tvalue\n1\t0.5\n2\t1e-7\n3\t-0.0\n");
    let labels = names(&["Rome", "a,b", "c"]);
    assert_eq!(written("s.csv", "leverage", Some(&labels), &values), "row,leverage\nRome,0.5\n\"a,b\",1e-7\nc,-0.0\n");
    assert_eq!(written("s.TXT", "leverage", None, &values[..1]), "5.0000000000000000e-1\n");
}

#[test]
fn arrays_as_numpy_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.npy");
    write_vector(path.to_str().unwrap(), "x", None, &[0.1, 1.0 / 3.0, -2e300, 5e-324]).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(super::data("vector.npy")).unwrap());
    let path = folder.path().join("m.npy");
    write_matrix_npy(path.to_str().unwrap(), &[1.5, -2.0, 0.25, 0.0, 1e-300, 3.0], 3).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(super::data("f8_c.npy")).unwrap());
}

fn entries(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_target_that_cannot_be_is_refused_before_and_when_writing() {
    let (folder, existing) = file("plain.txt", "x");
    let folder = folder.path().to_str().unwrap();
    std::fs::create_dir(format!("{folder}/d.csv")).unwrap();
    for (path, word) in [
        (format!("{folder}/s.xlsx"), "unknown suffix \".xlsx\""),
        (format!("{folder}/s.csv.gz"), "unknown suffix \".csv.gz\""),
        (format!("{folder}/scores"), "no suffix"),
        (format!("{folder}/missing/s.csv"), "there is no directory"),
        (format!("{existing}/s.csv"), "irectory"),
        (format!("{folder}/d.csv"), "is a directory"),
        ("-".to_string(), "no suffix"),
        (String::new(), "no suffix"),
    ] {
        for message in [message(check_output(&path)), message(write_vector(&path, "v", None, &[1.0]))] {
            assert!(message.contains(word) && message.contains(&path), "{message}");
        }
    }
    assert_eq!(entries(folder.as_ref()), 2);
}

#[cfg(unix)]
#[test]
fn devices_are_refused_and_links_followed() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    symlink("/dev/null", path("null.txt")).unwrap();
    assert!(message(check_output(&path("null.txt"))).contains("no regular file"));
    assert!(message(write_vector(&path("null.txt"), "v", None, &[1.0])).contains("no regular file"));

    std::fs::write(path("real.txt"), "old").unwrap();
    std::fs::set_permissions(path("real.txt"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(path("real.txt"), path("link.txt")).unwrap();
    check_output(&path("link.txt")).unwrap();
    write_vector(&path("link.txt"), "v", None, &[2.0]).unwrap();
    assert!(std::fs::symlink_metadata(path("link.txt")).unwrap().is_symlink());
    assert_eq!(read_vector(&path("real.txt"), "v").unwrap(), [2.0]);
    assert_eq!(std::fs::metadata(path("real.txt")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(entries(folder.path()), 3);
}

#[test]
fn a_check_leaves_nothing_and_harms_nothing() {
    let (folder, path) = file("s.csv", "old");
    check_output(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn sizes_must_agree() {
    assert!(message(write_vector("x.csv", "v", Some(&names(&["a"])), &[1.0, 2.0])).contains("found 1 names"));
    assert!(message(write_matrix_npy("x.npy", &[1.0, 2.0, 3.0], 2)).contains("rows of 2"));
    assert!(message(write_matrix_npy("x.csv", &[1.0, 2.0], 2)).contains(".npy"));
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every finite number of any magnitude comes back bit for bit.
    #[test]
    fn vectors_come_back(
        values in proptest::collection::vec(any::<f64>().prop_filter("text holds finite numbers", |v| v.is_finite()), 1..40),
        labels in proptest::collection::vec(any::<String>(), 40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["v.npy", "v.csv", "v.tsv", "v.txt"] {
            let path = folder.path().join(name);
            let path = path.to_str().unwrap();
            write_vector(path, "leverage", None, &values).unwrap();
            prop_assert_eq!(bits(&read_vector(path, "v").unwrap()), bits(&values));
            write_vector(path, "leverage", Some(&labels[..values.len()]), &values).unwrap();
            prop_assert_eq!(bits(&read_vector(path, "v").unwrap()), bits(&values), "{}", name);
        }
    }

    /// Any bits, NaN among them, come back from an array.
    #[test]
    fn matrices_come_back(values in proptest::collection::vec(any::<u64>().prop_map(f64::from_bits), 1..12), copies in 1usize..5) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let path = path.to_str().unwrap();
        let whole = values.repeat(copies);
        write_matrix_npy(path, &whole, values.len()).unwrap();
        let rows = dense(&plain(path).unwrap());
        prop_assert_eq!(rows.len(), copies);
        prop_assert_eq!(bits(&rows.concat()), bits(&whole));
    }
}
