//! A row by its name or number: as text, in a cell, in a sentence.

use crate::number::{Format, Quantity, exact};
use crate::pieces::table::Cell;
use maud::{Markup, html};
use unhat_models::influence::RowName;

/// What a row is called beside a mark.
pub(super) fn row_text(row: &RowName) -> String {
    match row {
        RowName::Number(number) => format!("row {number}"),
        RowName::Name(name) => name.clone(),
    }
}

/// A row in a table; `source` is where its name stands.
pub(super) fn row_cell(source: &str, row: &RowName) -> Cell {
    match row {
        RowName::Number(number) => Cell::Quantity(Quantity::new(source, *number as f64, Format::Fixed(0))),
        RowName::Name(name) => Cell::Text(name.clone()),
    }
}

/// A row in a sentence.
pub(super) fn row_name(source: &str, row: &RowName) -> Markup {
    match row {
        RowName::Number(number) => exact(source, *number),
        RowName::Name(name) => html! { span.name { (name) } },
    }
}
