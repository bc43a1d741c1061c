//! A table: the numbers of a figure to read, to sort and to take away.

use crate::number::{ABSENT, Format, Quantity, machine_readable};
use maud::{Markup, html};

/// More rows than this scroll inside the page: about a screen.
const ROWS_WITHOUT_SCROLLING: usize = 14;

/// A column. `source` names where its numbers stand: a JSON pointer in which each `*` is one part of the row's key.
pub(crate) struct Column {
    pub title: String,
    pub source: String,
    pub format: Option<Format>,
    pub absent: &'static str,
}

impl Column {
    pub(crate) fn text(title: impl Into<String>) -> Column {
        Column { title: title.into(), source: String::new(), format: None, absent: ABSENT }
    }

    pub(crate) fn number(title: impl Into<String>, source: impl Into<String>, format: Format) -> Column {
        Column { title: title.into(), source: source.into(), format: Some(format), absent: ABSENT }
    }

    pub(crate) fn or(mut self, absent: &'static str) -> Column {
        self.absent = absent;
        self
    }
}

/// What stands in a column.
pub(crate) enum Cell {
    Text(String),
    Number(Option<f64>),
    /// A number that stands elsewhere than its column says.
    Quantity(Quantity),
}

impl From<f64> for Cell {
    fn from(value: f64) -> Cell {
        Cell::Number(Some(value))
    }
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Cell {
        Cell::Number(value)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<Quantity> for Cell {
    fn from(quantity: Quantity) -> Cell {
        Cell::Quantity(quantity)
    }
}

/// A row. A chart's marks name the row that a pointer or the keys read out by its key.
pub(crate) struct Row {
    pub key: String,
    pub cells: Vec<Cell>,
    /// Marked as the one to look at.
    pub marked: bool,
}

impl Row {
    pub(crate) fn new(key: impl ToString, cells: Vec<Cell>) -> Row {
        Row { key: key.to_string(), cells, marked: false }
    }
}

/// A table under the name `id`, the name of its exported file too.
pub(crate) struct Table {
    pub id: &'static str,
    pub caption: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

impl Table {
    pub(crate) fn markup(&self) -> Markup {
        let scrolls = self.rows.len() > ROWS_WITHOUT_SCROLLING;
        html! {
            div .frame .scroll[scrolls] {
                table.sort id=(self.id) {
                    caption { (self.caption) }
                    thead {
                        tr {
                            @for column in &self.columns {
                                th scope="col" class=[align(column.format.is_some())]
                                    data-f=[(!column.source.is_empty()).then_some(&column.source)] { (column.title) }
                            }
                        }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr data-r=(row.key) class=[row.marked.then_some("marked")] {
                                @for (place, (cell, column)) in row.cells.iter().zip(&self.columns).enumerate() {
                                    (cell_markup(cell, column, place == 0))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell_markup(cell: &Cell, column: &Column, heads_row: bool) -> Markup {
    let (text, value, source) = match cell {
        Cell::Text(text) => (text.clone(), None, None),
        Cell::Number(value) => {
            let value = value.filter(|value| value.is_finite());
            let format = column.format.unwrap_or(Format::Number);
            (value.map_or(column.absent.to_owned(), |value| format.write(value)), value, None)
        }
        Cell::Quantity(quantity) => (quantity.text(), quantity.value, Some(&quantity.source)),
    };
    // Where the number is printed in full, the printed text sorts and exports as well.
    let sorted_by = value
        .filter(|_| column.format != Some(Format::Digits))
        .and_then(machine_readable)
        .map(shortest)
        .filter(|value| *value != text);
    let numeric = column.format.is_some();
    html! {
        @if heads_row {
            th scope="row" class=[align(numeric)] data-v=[sorted_by] data-f=[source] { (text) }
        } @else {
            td class=[align(numeric)] data-v=[sorted_by] data-f=[source] { (text) }
        }
    }
}

/// Numbers stand at the right, which is what the style does without a class; texts at the left.
fn align(numeric: bool) -> Option<&'static str> {
    (!numeric).then_some("t")
}

/// The shorter of 0.0003 and 3e-4.
fn shortest(value: f64) -> String {
    let (plain, scientific) = (format!("{value}"), format!("{value:e}"));
    if scientific.len() < plain.len() { scientific } else { plain }
}
