//! What can go wrong with what the user gave: one error type, its kinds carrying the numbers that prove the case.

use std::fmt;

/// The result of everything that can meet bad input.
pub type Result<T> = std::result::Result<T, Error>;

/// None where the run was asked to stop, which is no error to whoever holds an answer already.
pub(crate) fn unless_interrupted<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_interrupted() => Ok(None),
        Err(error) => Err(error),
    }
}

/// An error caused by the input, an option, or the outside world; never by running out of iterations, which is a
/// [`Status`](crate::solve::Status).
///
/// Rows and columns inside are 0-based; messages print them 1-based.
#[derive(Debug)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// The kind, with its numbers.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Whether the run was asked to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(self.kind(), ErrorKind::Interrupted)
    }

    /// What the person who meets this error can do about it.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self.kind() {
            ErrorKind::Shape { .. } => "check that the files belong together and that none is transposed",
            ErrorKind::NotFinite { .. } => "remove the row, or replace the value",
            ErrorKind::ZeroSlack { .. } => {
                "the scores are defined only where every entry of Ax - b is non-zero: move the point or remove the row"
            }
            ErrorKind::Empty { .. } => {
                "the named rows alone contradict each other; another cell is chosen by a start point or by signs"
            }
            ErrorKind::NoInterior { .. } => {
                "the named rows hold with equality everywhere in the cell; eliminate them first"
            }
            ErrorKind::OutsideCell { .. } => "leave out the side or the signs, or give a point inside that cell",
            ErrorKind::RankDeficient { .. } => {
                "remove dependent columns or add rows; the scores (without gradient) are still defined"
            }
            ErrorKind::Unattainable { .. } => "choose another cell by a start point or by signs",
            ErrorKind::Undecided { .. } => {
                "give a start point inside the cell, or rescale the rows: what is left of them lies within rounding"
            }
            ErrorKind::TooLarge { .. } => "choose a method that needs less memory",
            ErrorKind::Option { .. } | ErrorKind::Source { .. } | ErrorKind::Numerical { .. } => return None,
            ErrorKind::Interrupted => return None,
        })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

/// The kinds of [`Error`].
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// Two things that must agree in size do not.
    #[error("{what}: found {found}, expected {expected}")]
    Shape {
        /// What was measured, for example "offset".
        what: String,
        /// The size it should have.
        expected: String,
        /// The size it has.
        found: String,
    },
    /// A NaN or an infinity in the input.
    #[error("{what}: row {}{} holds {found}, expected a finite number", row + 1, column_phrase(column))]
    NotFinite {
        /// The array it was found in.
        what: String,
        /// 0-based row.
        row: usize,
        /// 0-based column, where the array has columns.
        column: Option<usize>,
        /// The value.
        found: f64,
    },
    /// An entry of Ax − b is exactly zero: the point lies on a facet.
    #[error("row {} has slack 0 at the given point", row + 1)]
    ZeroSlack {
        /// 0-based row.
        row: usize,
    },
    /// The chosen cell is empty; the rows carry a Farkas certificate.
    #[error(
        "the chosen cell is empty: rows {} contradict each other (nonnegative multiples of them sum to 0·x > {gap:e})",
        row_list(rows)
    )]
    Empty {
        /// 0-based rows with a non-zero multiplier.
        rows: Vec<usize>,
        /// Multipliers y ≥ 0 of those rows with Aᵀy = 0 up to rounding, scaled to Σ yᵢ‖aᵢ‖ = 1.
        multipliers: Vec<f64>,
        /// yᵀb > 0.
        gap: f64,
    },
    /// The chosen cell has no interior: some rows hold with equality on all of it.
    #[error("the chosen cell has no interior: rows {} hold with equality on all of it", row_list(rows))]
    NoInterior {
        /// 0-based rows.
        rows: Vec<usize>,
    },
    /// A start point lies outside the cell that another option chose.
    #[error("the start lies outside the chosen cell: row {} has slack {slack:e}, expected a {expected} one", row + 1)]
    OutsideCell {
        /// 0-based row.
        row: usize,
        /// Ax − b there.
        slack: f64,
        /// "positive" or "negative".
        expected: &'static str,
    },
    /// The columns of the matrix are linearly dependent.
    #[error("the matrix has rank {rank}, but {columns} columns")]
    RankDeficient {
        /// Numerical rank.
        rank: usize,
        /// Number of columns.
        columns: usize,
    },
    /// The target has no solution in the chosen, unbounded cell.
    #[error(
        "this target cannot be reached in the chosen cell\n  the cell is unbounded along h = {} and cᵀh = {slope:e} ≥ 0, so φ has no minimum there",
        vector_phrase(direction)
    )]
    Unattainable {
        /// h with Ah ≥ 0 (in the cell's signs), ‖h‖∞ = 1.
        direction: Vec<f64>,
        /// cᵀh ≥ 0.
        slope: f64,
    },
    /// Neither a solution nor a proof that there is none was found.
    #[error("a solution could not be found, nor ruled out: {reason}")]
    Undecided {
        /// What was tried, and what stood in the way.
        reason: String,
    },
    /// The work would need more memory than is sensible.
    #[error("{what} needs {bytes} bytes of memory; the limit is {limit}")]
    TooLarge {
        /// What would be stored.
        what: String,
        /// Bytes needed.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// An option has an unusable value.
    #[error("{name}: {reason}")]
    Option {
        /// The option's name.
        name: String,
        /// What was found and what is expected.
        reason: String,
    },
    /// A file or stream cannot be read or written.
    #[error("{path}{}: {reason}", position.as_deref().map(|p| format!(": {p}")).unwrap_or_default())]
    Source {
        /// The file.
        path: String,
        /// Where in it, for example `row 3, column "price"`.
        position: Option<String>,
        /// What was found and what was expected.
        reason: String,
    },
    /// A computation over- or underflowed, or a decomposition failed on finite input.
    #[error("numerical failure: {reason}")]
    Numerical {
        /// What happened where.
        reason: String,
    },
    /// The run was asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl ErrorKind {
    /// A stable word for machines: the `kind` of the command line's JSON errors.
    pub fn name(&self) -> &'static str {
        match self {
            ErrorKind::Shape { .. } => "shape",
            ErrorKind::NotFinite { .. } => "not_finite",
            ErrorKind::ZeroSlack { .. } => "zero_slack",
            ErrorKind::Empty { .. } => "empty_cell",
            ErrorKind::NoInterior { .. } => "no_interior",
            ErrorKind::OutsideCell { .. } => "outside_cell",
            ErrorKind::RankDeficient { .. } => "rank_deficient",
            ErrorKind::Unattainable { .. } => "unattainable",
            ErrorKind::Undecided { .. } => "undecided",
            ErrorKind::TooLarge { .. } => "too_large",
            ErrorKind::Option { .. } => "option",
            ErrorKind::Source { .. } => "source",
            ErrorKind::Numerical { .. } => "numerical",
            ErrorKind::Interrupted => "interrupted",
        }
    }
}

fn column_phrase(column: &Option<usize>) -> String {
    column.map(|c| format!(", column {}", c + 1)).unwrap_or_default()
}

fn row_list(rows: &[usize]) -> String {
    const SHOWN: usize = 12;
    let mut text = rows.iter().take(SHOWN).map(|r| (r + 1).to_string()).collect::<Vec<_>>().join(", ");
    if rows.len() > SHOWN {
        text += &format!(", … ({} in all)", rows.len());
    }
    text
}

fn vector_phrase(v: &[f64]) -> String {
    const SHOWN: usize = 6;
    let head = v.iter().take(SHOWN).map(|x| format!("{x:.4}")).collect::<Vec<_>>().join(", ");
    if v.len() > SHOWN { format!("({head}, …)") } else { format!("({head})") }
}
