//! How a table in a file is written, as Python says it.

use crate::failure::option;
use pyo3::prelude::*;
use unhat::Result;
use unhat_io::{Dialect, RowNames};

/// The words of `unhat.TableFile`.
#[derive(Default, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct TableText {
    delimiter: Option<String>,
    decimal: Option<String>,
    thousands: Option<String>,
    header: Option<bool>,
    row_names: Option<String>,
    no_row_names: bool,
    na: Vec<String>,
    missing: Option<String>,
}

impl TableText {
    /// As the reader knows it.
    pub fn dialect(&self) -> Result<Dialect> {
        let row_names = match &self.row_names {
            _ if self.no_row_names => RowNames::None,
            Some(column) => RowNames::Column(column.clone()),
            None => RowNames::Automatic,
        };
        if self.missing.as_deref() == Some("exclude") {
            let reason = "found \"exclude\", which is for files that are written; expected error, omit or indicator";
            return Err(option("missing", reason));
        }
        Ok(Dialect {
            delimiter: self.delimiter.as_deref().map(str::parse).transpose()?,
            decimal: self.decimal.as_deref().map(str::parse).transpose()?,
            thousands: self.thousands.as_deref().map(str::parse).transpose()?,
            header: self.header,
            row_names,
            na: self.na.clone(),
            missing: self.missing.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
        })
    }
}

/// A table's path and how it is written: two parts, where a path alone is one.
#[derive(FromPyObject)]
pub(crate) struct TableFile(pub String, pub TableText);
