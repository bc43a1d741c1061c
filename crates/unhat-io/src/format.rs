//! Which format a file has: its suffix says so.

use crate::fault::STDIN;
use crate::fault::{Checked, Fault, shown};
use crate::system::path_of;
use crate::table::Delimiter;

/// What a suffix says, in lower case, and whether `.gz` follows it.
pub(crate) struct Suffix {
    pub name: String,
    pub gzip: bool,
}

impl Suffix {
    /// `x/A.CSV.gz` → `csv`, compressed. A file without a suffix has an empty one.
    pub fn of(path: &str) -> Self {
        let file = path.rsplit(['/', std::path::MAIN_SEPARATOR]).next().unwrap_or_default().to_lowercase();
        let (stem, gzip) = match file.strip_suffix(".gz") {
            Some(stem) => (stem, true),
            None => (file.as_str(), false),
        };
        let name = stem.rsplit_once('.').map(|(_, suffix)| suffix.to_string()).unwrap_or_default();
        Suffix { name, gzip }
    }

    /// The fault of a suffix that stands for nothing here.
    pub fn unknown(&self, expected: &str) -> Fault {
        let gz = if self.gzip { ".gz" } else { "" };
        if self.name.is_empty() && !self.gzip {
            return Fault::new(format!("no suffix, expected {expected}"));
        }
        Fault::new(format!("unknown suffix {}, expected {expected}", shown(&format!(".{}{gz}", self.name))))
    }
}

/// The formats of matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatrixFormat {
    Npy,
    Npz,
    Market {
        gzip: bool,
    },
    Table {
        delimiter: Delimiter,
        gzip: bool,
    },
    /// One file, those of a folder, or those that a pattern meets.
    Parquet,
    /// IPC, which is Feather too.
    Arrow,
}

impl MatrixFormat {
    pub fn of(path: &str) -> Checked<Self> {
        if path == STDIN {
            return Ok(MatrixFormat::Table { delimiter: Delimiter::Comma, gzip: false });
        }
        let suffix = Suffix::of(path);
        match (suffix.name.as_str(), suffix.gzip) {
            ("parquet" | "pq", false) => Ok(MatrixFormat::Parquet),
            ("arrow" | "feather" | "ipc" | "arrows", false) => Ok(MatrixFormat::Arrow),
            ("npy", false) => Ok(MatrixFormat::Npy),
            ("npz", false) => Ok(MatrixFormat::Npz),
            ("mtx" | "mm", gzip) => Ok(MatrixFormat::Market { gzip }),
            ("csv", gzip) => Ok(MatrixFormat::Table { delimiter: Delimiter::Comma, gzip }),
            ("tsv", gzip) => Ok(MatrixFormat::Table { delimiter: Delimiter::Tab, gzip }),
            // Folders of Parquet and patterns have any ending.
            _ if path_of(path).is_dir() || path.contains(['*', '?', '[']) => Ok(MatrixFormat::Parquet),
            _ => {
                Err(suffix.unknown(".csv, .tsv, .mtx or .mm (also with .gz), .npy, .npz, .parquet, .arrow or .feather"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_is_the_end_of_the_name_in_any_case() {
        for (path, name, gzip) in [
            ("a.csv", "csv", false),
            ("x.y/A.b.MTX.GZ", "mtx", true),
            ("x.csv/plain", "", false),
            (".gz", "", true),
            ("dir.npy/", "", false),
            ("", "", false),
        ] {
            let suffix = Suffix::of(path);
            assert_eq!((suffix.name.as_str(), suffix.gzip), (name, gzip), "{path}");
        }
    }
}
