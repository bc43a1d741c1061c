//! Where held-out rows come from: a share of the table, or the file of a table of their own.

use crate::failure::Failure;
use unhat_io::read_frame;
use unhat_models::models::HeldOutRows;

/// The value of an option that names held-out rows: a number is a share, anything else a file.
pub(crate) fn read_held_out(option: &str, given: Option<&str>) -> Result<HeldOutRows, Failure> {
    let Some(text) = given else { return Ok(HeldOutRows::WhereNeeded) };
    Ok(match HeldOutRows::share(option, text)? {
        Some(share) => HeldOutRows::Share(share),
        None => HeldOutRows::Table(read_frame(text)?),
    })
}
