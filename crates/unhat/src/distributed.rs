//! The worker's side of a sweep that several processes share: a job in, its answer out.

use crate::error::Result;
use crate::gram::{answer_gram, answer_space_gram, answer_stretch_qr, answer_whitened_gram};
use crate::leverage::{answer_column_sums, answer_constant_columns, answer_row_space, answer_scores};
use crate::rows::{RowSource, Unit, answer_extent, other};
use crate::run::Run;

/// Adds up the stretches of one job over the rows of `source`, which must be those of the process that wrote the job.
///
/// # Randomness
/// The bits that the sweep has in one process.
/// # Errors
/// [`ErrorKind::Source`](crate::ErrorKind::Source) for a job of another version, or for other rows; those of the source.
pub fn answer(source: &dyn RowSource, job: &[u8], run: &Run<'_>) -> Result<Vec<u8>> {
    let (unit, name) = Unit::of(source, job, run)?;
    match name {
        "extent" => answer_extent(unit),
        "constant columns" => answer_constant_columns(unit),
        "column sums" => answer_column_sums(unit),
        "gram" => answer_gram(unit),
        "whitened gram" => answer_whitened_gram(unit),
        "stretch qr" => answer_stretch_qr(unit),
        "space gram" => answer_space_gram(unit),
        "scores" => answer_scores(unit),
        "scores in the row space" => answer_row_space(unit),
        _ => Err(other(format!("found work called {name:?}; run the same version everywhere"))),
    }
}
