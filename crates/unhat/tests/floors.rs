//! The direction of imports: a room uses only rooms below it, and no file uses, by whatever way round, a file that uses it.
//! So the plan and the code cannot drift apart. What a user meets first shows by an example how it is used.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod sources;

use sources::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::{Attribute, Expr, ImplItem, Item, Lit, Visibility};

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
            &["barrier", "oracle", "kernels", "distributed"],
            &["feasible", "solve"],
            &["weights"],
            &["invert"],
            &["audit"],
            &["face", "conversions"],
        ],
    ),
    (
        "unhat-models",
        &[
            &["models", "figures"],
            &["formula"],
            &["regression"],
            &["diagnose", "checking"],
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

/// Rooms whose public types have an example each; in a face every function and method has one too.
const WITH_EXAMPLES: &[(&str, &[&str])] =
    &[("unhat", &["rows", "solve", "face"]), ("unhat-models", &["influence", "natural", "face"])];

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
    for path in CRATES.iter().flat_map(|(name, _)| files_of(&crates().join(name).join("src"))) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin by saying what it is", path.display());
        let may = path.components().any(|c| c.as_os_str() == "linalg" || c.as_os_str() == "conversions");
        assert!(may || !text.contains("faer::"), "{} names faer", path.display());
    }
}

/// The Rust files in a folder and the folders below it.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let (mut open, mut files) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn what_a_user_meets_has_an_example_that_runs() {
    let (mut seen, mut without) = (0, Vec::new());
    for (name, rooms) in WITH_EXAMPLES {
        let source = crates().join(name).join("src");
        for file in files_of(&source).into_iter().filter(|file| rooms.contains(&room(file, &source).as_str())) {
            let parsed = syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap();
            for (item, attributes) in shown(&parsed.items, room(&file, &source) == "face") {
                seen += 1;
                if !has_example(attributes) {
                    without.push(format!("{}: {item}", file.display()));
                }
            }
        }
    }
    assert!(without.is_empty(), "no example in the documentation of\n{}", without.join("\n"));
    assert!(seen > 100, "found {seen} public types and functions: the rooms have moved");
}

/// The public types among the items, and with `functions` the public functions and methods.
fn shown(items: &[Item], functions: bool) -> Vec<(String, &[Attribute])> {
    let public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
    let mut shown = Vec::new();
    for item in items {
        match item {
            Item::Struct(i) if public(&i.vis) => shown.push((i.ident.to_string(), &i.attrs[..])),
            Item::Enum(i) if public(&i.vis) => shown.push((i.ident.to_string(), &i.attrs[..])),
            Item::Trait(i) if public(&i.vis) => shown.push((i.ident.to_string(), &i.attrs[..])),
            Item::Type(i) if public(&i.vis) => shown.push((i.ident.to_string(), &i.attrs[..])),
            Item::Fn(i) if functions && public(&i.vis) => shown.push((i.sig.ident.to_string(), &i.attrs[..])),
            Item::Impl(i) if functions => {
                for inner in &i.items {
                    if let ImplItem::Fn(method) = inner
                        && public(&method.vis)
                    {
                        shown.push((method.sig.ident.to_string(), &method.attrs[..]));
                    }
                }
            }
            _ => {}
        }
    }
    shown
}

/// Whether the first block of code in the documentation is compiled and run: its fence says nothing else.
fn has_example(attributes: &[Attribute]) -> bool {
    let lines = attributes.iter().filter(|a| a.path().is_ident("doc")).filter_map(|a| {
        match &a.meta.require_name_value().ok()?.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_string()),
                _ => None,
            },
            _ => None,
        }
    });
    lines.into_iter().find(|line| line.starts_with("```")).is_some_and(|fence| fence == "```")
}
