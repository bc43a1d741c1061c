//! The direction of imports: a room uses only rooms below it, and no file uses, by whatever way round, a file that uses it.
//! So the plan and the code cannot drift apart.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod sources;

use sources::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Rooms from the ground up; a room may import from those before it. Where the order of two is not fixed, neither may
/// import the other.
const FLOORS: &[(&str, &[&[&str]])] = &[
    (
        "unhat",
        &[
            &["error", "random", "report"],
            &["normal", "memory"],
            &["families"],
            &["run"], // observers are told about steps: `solve::Step` is the one word it borrows from above
            &["linalg"],
            &["rows"],
            &["gram"],
            &["leverage"],
            &["barrier", "oracle", "kernels"],
            &["feasible", "solve"],
            &["invert"],
            &["audit"],
            &["face", "conversions"],
        ],
    ),
    (
        "unhat-models",
        &[
            &["models"],
            &["influence", "natural"],
            &["training"],
            &["candle"], // behind the feature of the same name
            &["face"],
        ],
    ),
];

/// Exceptions, each a single plain type or buffer: (file's room, imported room).
const ALLOWED: &[(&str, &str)] = &[("run", "solve"), ("error", "solve"), ("linalg", "rows")];

/// Which crates a crate may name; the arrows of ARCHITECTURE.md.
const CRATES: &[(&str, &[&str])] = &[
    ("unhat", &[]),
    ("unhat-models", &["unhat"]),
    ("unhat-io", &["unhat", "unhat-models"]),
    ("unhat-report", &["unhat", "unhat-models"]),
    ("unhat-cli", &["unhat", "unhat-models", "unhat-io", "unhat-report"]),
    ("unhat-py", &["unhat", "unhat-models", "unhat-io", "unhat-report", "unhat-cli"]),
    ("unhat-testkit", &[]),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The room of a file: the first part of its path below `src`, without an ending.
fn room(file: &Path, source: &Path) -> String {
    let first = file.strip_prefix(source).unwrap().components().next().unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_string_lossy().into_owned()
}

#[test]
fn rooms_import_only_from_below() {
    let mut problems = Vec::new();
    for (name, floors) in FLOORS {
        let source = crates().join(name).join("src");
        let floor = |room: &str| floors.iter().position(|rooms| rooms.contains(&room));
        for (file, used) in Sources::of(&source).imports() {
            let own = room(&file, &source);
            if own == "lib" {
                continue;
            }
            let at = floor(&own).unwrap_or_else(|| panic!("{own} has no floor in {name}: add it to FLOORS"));
            for used in used {
                let other = room(&used, &source);
                if other == "lib" {
                    continue; // what stands at the root is for tests
                }
                let below = floor(&other).is_some_and(|other| other < at);
                if !below && other != own && !ALLOWED.contains(&(own.as_str(), other.as_str())) {
                    problems.push(format!("{}: {own} imports {other} ({})", file.display(), used.display()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn no_file_uses_a_file_that_uses_it() {
    let mut circles = Vec::new();
    for (name, _) in CRATES {
        let source = crates().join(name).join("src");
        for circle in circles_of(&Sources::of(&source).imports()) {
            let names: Vec<_> =
                circle.iter().map(|file| file.strip_prefix(crates()).unwrap().display().to_string()).collect();
            circles.push(names.join(" <-> "));
        }
    }
    assert!(circles.is_empty(), "circles of files:\n{}", circles.join("\n"));
}

/// Sets of files that all reach one another.
fn circles_of(imports: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Vec<Vec<PathBuf>> {
    let reached = |from: &PathBuf| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(file) = open.pop() {
            for next in imports.get(&file).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let all: BTreeMap<&PathBuf, BTreeSet<PathBuf>> = imports.keys().map(|file| (file, reached(file))).collect();
    let mut circles: Vec<Vec<PathBuf>> = Vec::new();
    for (file, seen) in &all {
        let circle: Vec<PathBuf> =
            seen.iter().filter(|other| all.get(other).is_some_and(|back| back.contains(*file))).cloned().collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

#[test]
fn crates_name_only_crates_below_them() {
    for (name, below) in CRATES {
        let manifest = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
        let own = manifest.split("[dev-dependencies]").next().unwrap();
        for (other, _) in CRATES {
            let named = own.lines().any(|line| {
                line.strip_prefix(other).is_some_and(|rest| rest.starts_with('.') || rest.starts_with(' '))
            });
            assert!(!named || below.contains(other), "{name} depends on {other}");
        }
    }
}

#[test]
fn only_linalg_names_the_linear_algebra_library_and_every_file_says_what_it_is() {
    let mut files: Vec<_> = CRATES.iter().map(|(name, _)| crates().join(name).join("src")).collect();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            continue;
        }
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin by saying what it is", path.display());
        let may = path.components().any(|c| c.as_os_str() == "linalg" || c.as_os_str() == "conversions");
        assert!(may || !text.contains("faer::"), "{} names faer", path.display());
    }
}
