//! What a figure shows as a table: the counts or the points behind a picture.

use crate::output::print_table;
use unhat::{ErrorKind, Result};
use unhat_models::figures::Figure;

/// Digits of the middle of a hexagon, which is a multiple of a round number but for rounding.
const DIGITS: usize = 12;

/// What a figure shows: hexagons by their middles, each with its rows, and rows by their labels; of one that may leave, hexagons
/// alone.
///
/// # Errors
/// None that a table in memory has.
pub fn figure_table(figure: &Figure) -> Result<Vec<u8>> {
    let hexagon = |(x, y, rows): &(f64, f64, u64)| vec![rounded_hexagon(*x), rounded_hexagon(*y), rows.to_string()];
    let axes = [figure.x.name.clone(), figure.y.name.clone()];
    let header = axes.into_iter().chain(["rows".into()]);
    if figure.least.is_some() {
        return table(header, figure.cells.iter().map(hexagon));
    }
    let row = |label: &str, x: f64, y: f64| {
        vec![format!("{x:?}"), format!("{y:?}"), "1".into(), "point".into(), label.to_owned()]
    };
    let cells = figure.cells.iter().map(|cell| [hexagon(cell), vec!["hexagon".into(), String::new()]].concat());
    let points = figure.points.iter().map(|(x, y)| row("", *x, *y));
    let named = figure.named.iter().map(|named| row(&named.row, named.x, named.y));
    table(header.chain(["drawn".into(), "flagged_row".into()]), cells.chain(points).chain(named))
}

/// A size or a place of hexagons in as many digits as it means.
pub fn rounded_hexagon(value: f64) -> String {
    let text = format!("{value:.*e}", DIGITS - 1);
    text.parse::<f64>().map_or(text, |value| format!("{value:?}"))
}

fn table<Record: IntoIterator<Item = String>>(
    header: impl IntoIterator<Item = String>,
    records: impl IntoIterator<Item = Record>,
) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    print_table(&mut text, header, records).map_err(|e| ErrorKind::Numerical { reason: format!("CSV: {e}") })?;
    Ok(text)
}
