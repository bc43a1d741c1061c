//! Where a report goes: a page whose place is checked before the work and written after it.

use crate::failure::Failure;
use unhat::ErrorKind;
use unhat_io::{check_page, write_page};

/// The file of `--report`, or none.
pub(crate) struct PageFile<'a>(Option<&'a str>);

impl<'a> PageFile<'a> {
    /// Checks before the work whether the file can be written after it.
    pub fn of(path: Option<&'a str>) -> Result<Self, Failure> {
        path.map(check_page).transpose()?;
        Ok(PageFile(path))
    }

    /// Draws and writes the page, where one is wanted; says where it is.
    pub fn store(
        &self,
        draw: impl FnOnce() -> Result<String, unhat_report::Error>,
    ) -> Result<Option<&'a str>, Failure> {
        let Some(path) = self.0 else { return Ok(None) };
        let page = draw().map_err(|e| ErrorKind::Numerical { reason: format!("the report cannot be drawn: {e}") })?;
        write_page(path, &page)?;
        Ok(Some(path))
    }
}
