//! Tables: text with a column for each variable, some of it names, the rest a matrix.

mod layout;
mod read;

pub(crate) use read::{ReadTable, read};

/// What to take from a table.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// These columns in this order, by name or, where there is no header, by 1-based number. None: all numeric ones.
    pub columns: Option<Vec<String>>,
    /// This column is the response, and no column of the matrix.
    pub response: Option<String>,
    /// A column of ones comes first.
    pub intercept: bool,
}

impl TableOptions {
    /// The first option that is set.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        if self.columns.is_some() {
            return Some("columns");
        }
        if self.response.is_some() {
            return Some("response");
        }
        self.intercept.then_some("intercept")
    }
}
