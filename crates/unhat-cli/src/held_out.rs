//! Where held-out rows come from: a share of the table, or a table of their own.

use crate::failure::{Failure, option_failure};
use unhat::models::{Frame, HeldOut};
use unhat_io::read_frame;

/// The value of an option that names held-out rows.
pub(crate) enum HeldOutRows {
    None,
    Share(f64),
    Table(Box<Frame>),
}

impl HeldOutRows {
    /// A number is a share, anything else a file.
    pub fn read(option: &str, given: Option<&str>) -> Result<HeldOutRows, Failure> {
        let Some(text) = given else { return Ok(HeldOutRows::None) };
        match text.parse::<f64>() {
            Ok(share) if share > 0.0 && share < 1.0 => Ok(HeldOutRows::Share(share)),
            Ok(share) => {
                let reason = format!("found {share}, expected a share between 0 and 1, or a table");
                Err(option_failure(option, reason))
            }
            Err(_) => Ok(HeldOutRows::Table(Box::new(read_frame(text)?))),
        }
    }

    pub fn held_out(&self) -> HeldOut<'_> {
        match self {
            HeldOutRows::None => HeldOut::None,
            HeldOutRows::Share(share) => HeldOut::Share(*share),
            HeldOutRows::Table(frame) => HeldOut::Table(frame),
        }
    }
}
