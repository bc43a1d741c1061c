//! Which files a word names: one, those of a folder, or those that a pattern meets.

use crate::fault::{Checked, Fault, shown};
use crate::system::{path_of, text_of};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Signs that make a name a pattern.
const SIGNS: [char; 3] = ['*', '?', '['];

/// Whether a name is a pattern, and no file of just this name is there.
fn is_pattern(path: &str) -> bool {
    path.contains(SIGNS) && fs::symlink_metadata(path_of(path)).is_err()
}

/// The files in the byte order of their paths, and what the user should know about others.
///
/// Of a folder, those that end in `.parquet` or `.pq`. Names that begin with `.` or `_` are passed over: engines keep their
/// records in such files.
pub(super) fn files_of(path: &str) -> Checked<(Vec<PathBuf>, Vec<String>)> {
    let (mut files, mut notes) = match (is_pattern(path), path_of(path)) {
        (true, _) => (met_by(path)?, Vec::new()),
        (false, folder) if folder.is_dir() => inside(&folder, path)?,
        (false, file) => return Ok((vec![file], Vec::new())),
    };
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    let in_names = |file: &PathBuf| file.parent().is_some_and(|folder| folder.to_string_lossy().contains('='));
    if files.iter().any(in_names) {
        notes.push("values that stand in names of folders (such as year=2024) are no columns here".into());
    }
    Ok((files, notes))
}

/// The files that the name of a table stands for; the name itself where there are none.
pub(crate) fn paths(path: &str) -> Vec<String> {
    let text = |file: PathBuf| text_of(file.into_os_string());
    match is_pattern(path) || path_of(path).is_dir() {
        true => {
            files_of(path).map_or_else(|_| vec![path.to_string()], |(files, _)| files.into_iter().map(text).collect())
        }
        false => vec![path.to_string()],
    }
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_'))
}

fn is_parquet(file: &Path) -> bool {
    file.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("parquet") || suffix.eq_ignore_ascii_case("pq"))
}

fn inside(folder: &Path, path: &str) -> Checked<(Vec<PathBuf>, Vec<String>)> {
    let (mut files, mut others) = (Vec::new(), 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_hidden(&entry.file_name()) {
            continue;
        }
        let file = entry.path();
        if file.is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let reason = format!(
                "holds the folder {}: name the files by a pattern between quotes, such as '{}/*/*.parquet'",
                shown(&name),
                path.trim_end_matches('/')
            );
            return Err(Fault::new(reason));
        }
        match is_parquet(&file) {
            true => files.push(file),
            false => others += 1,
        }
    }
    if files.is_empty() {
        return Err(Fault::new("is a folder that holds no file of Parquet (.parquet, .pq)"));
    }
    let note = || format!("passed over {others} files of {} that are not .parquet or .pq", shown(path));
    Ok((files, if others > 0 { vec![note()] } else { Vec::new() }))
}

fn met_by(pattern: &str) -> Checked<Vec<PathBuf>> {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let met = glob::glob_with(pattern, options).map_err(|e| Fault::new(format!("is no pattern: {e}")))?;
    // Folders that the user wrote out may have any name.
    let fixed =
        Path::new(pattern).components().take_while(|c| !c.as_os_str().to_string_lossy().contains(SIGNS)).count();
    let mut files = Vec::new();
    for file in met {
        let file = file.map_err(|e| Fault::new(format!("cannot be read: {e}")))?;
        let parts = file.components().skip_while(|c| *c == Component::CurDir).collect::<Vec<_>>();
        if parts.iter().skip(fixed.min(parts.len().saturating_sub(1))).any(|part| is_hidden(part.as_os_str())) {
            continue;
        }
        if file.is_dir() {
            let reason =
                format!("meets the folder {}: let the pattern go on to its files", shown(&file.display().to_string()));
            return Err(Fault::new(reason));
        }
        files.push(file);
    }
    match files.is_empty() {
        true => Err(Fault::new("no file matches this pattern")),
        false => Ok(files),
    }
}
