//! Where held-out rows come from: a share of the table, or the file of a table of their own.

use crate::failure::Failure;
use crate::session::Session;
use crate::table_options::TableText;
use unhat_models::models::HeldOutRows;

/// The value of an option that names held-out rows: a number is a share, anything else a file.
pub(crate) fn read_held_out(
    option: &str,
    given: Option<&str>,
    (text, without, only): (&TableText, &[String], Option<Vec<String>>),
    session: &mut Session<'_>,
) -> Result<HeldOutRows, Failure> {
    let Some(path) = given else { return Ok(HeldOutRows::WhereNeeded) };
    Ok(match HeldOutRows::share(option, path)? {
        Some(share) => HeldOutRows::Share(share),
        None => HeldOutRows::Table(text.read_frame(path, (without, only), session)?.frame),
    })
}
