//! How a formula that cannot be read is refused: the position, what stands there, and what to write instead.

use unhat::{Error, ErrorKind};

/// What stands at a position, counted in characters from 1, and cannot be read.
pub(super) fn refused(text: &str, at: usize, found: &str, advice: &str) -> Error {
    let reason = format!("position {at} of \"{}\": found {found}: {advice}", text.escape_debug());
    ErrorKind::Option { name: "formula".into(), reason }.into()
}
