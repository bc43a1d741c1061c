//! The direction of imports: a room uses only rooms below it, so that the plan and the code cannot drift apart.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::path::Path;

/// Rooms from the ground up; a room may import from those before it. Where the order of two is not fixed, neither may
/// import the other.
const FLOORS: &[&[&str]] = &[
    &["error", "random"],
    &["normal", "memory"],
    &["run"], // observers are told about steps: `solve::Step` is the one word it borrows from above
    &["linalg"],
    &["rows"],
    &["gram"],
    &["leverage"],
    &["barrier", "oracle"],
    &["feasible", "solve"],
    &["invert"],
    &["models"],
    &["influence", "natural"],
    &["training"],
    &["audit"],
    &["candle"], // behind the feature of the same name
];

/// Exceptions, each a single plain type or buffer: (file's room, imported room).
const ALLOWED: &[(&str, &str)] = &[("run", "solve"), ("error", "solve"), ("linalg", "rows")];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn visit(path: &Path, room: &str, problems: &mut Vec<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            visit(&entry.unwrap().path(), room, problems);
        }
        return;
    }
    let text = std::fs::read_to_string(path).unwrap();
    let own = floor(room).unwrap_or_else(|| panic!("{room} has no floor: add it to FLOORS"));
    for (number, line) in text.lines().enumerate() {
        let Some((_, rest)) = line.split_once("crate::") else { continue };
        let other: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(theirs) = floor(&other) else { continue };
        let allowed = theirs < own || other == room || ALLOWED.contains(&(room, other.as_str()));
        if !allowed {
            problems.push(format!("{}:{}: {room} imports {other}", path.display(), number + 1));
        }
    }
}

#[test]
fn rooms_import_only_from_below() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        let room = path.file_stem().unwrap().to_string_lossy().to_string();
        if room != "lib" {
            visit(&path, &room, &mut problems);
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn only_linalg_names_the_linear_algebra_library_and_every_file_says_what_it_is() {
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin by saying what it is", path.display());
        let in_linalg = path.components().any(|c| c.as_os_str() == "linalg");
        assert!(in_linalg || !text.contains("faer::"), "{} names faer", path.display());
    }
}
