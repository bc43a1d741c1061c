//! How the columns of a formula are made of a table, as data that a saved model holds.

use serde::{Deserialize, Serialize};

/// A formula and what was learned for it: enough to make the same columns of another table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The formula as it was written.
    pub formula: String,
    /// The columns of the table it was learned from, among which `.` stands for some.
    pub columns: Vec<String>,
    /// For each variable of the formula the levels of a factor, in their order; None for numbers.
    pub levels: Vec<Option<Vec<String>>>,
}
