//! The files of figures: a picture and what it shows as a table, each, and a list of them.

use crate::failure::{Failure, file_error};
use unhat_io::print_table;
use unhat_models::figures::Figure;
use unhat_report::figure_png;

/// The list of a folder of figures.
const LIST: &str = "figures.csv";
/// Digits of the middle of a hexagon, which is a multiple of a round number but for rounding.
const DIGITS: usize = 12;

/// A picture and its table for each figure, and the list, as names and contents.
pub(crate) fn figure_files(folder: &str, figures: &[Figure]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut files = Vec::new();
    for figure in figures {
        files.push((format!("{}.png", figure.name), figure_png(figure)?));
        files.push((format!("{}.csv", figure.name), figure_table(folder, figure)?));
    }
    let header = ["figure", "title", "x", "y", "drawn", "hexagon_width", "hexagon_height"];
    files.push((LIST.into(), table(folder, header.map(String::from), figures.iter().map(line))?));
    Ok(files)
}

/// What a figure shows: hexagons by their middles, each with its rows, and rows by their labels; of one that may leave, hexagons
/// alone.
pub(crate) fn figure_table(folder: &str, figure: &Figure) -> Result<Vec<u8>, Failure> {
    let hexagon = |(x, y, rows): &(f64, f64, u64)| vec![rounded(*x), rounded(*y), rows.to_string()];
    let axes = [figure.x.name.clone(), figure.y.name.clone()];
    let header = axes.into_iter().chain(["rows".into()]);
    if figure.least.is_some() {
        return table(folder, header, figure.cells.iter().map(hexagon));
    }
    let row = |label: &str, x: f64, y: f64| {
        vec![format!("{x:?}"), format!("{y:?}"), "1".into(), "point".into(), label.to_owned()]
    };
    let cells = figure.cells.iter().map(|cell| [hexagon(cell), vec!["hexagon".into(), String::new()]].concat());
    let points = figure.points.iter().map(|(x, y)| row("", *x, *y));
    let named = figure.named.iter().map(|named| row(&named.row, named.x, named.y));
    table(folder, header.chain(["drawn".into(), "flagged_row".into()]), cells.chain(points).chain(named))
}

fn line(figure: &Figure) -> Vec<String> {
    let drawn = match (figure.least, figure.hexagon) {
        (Some(least), _) => format!("hexagons of {least} rows or more"),
        (None, Some(_)) => "hexagons".into(),
        (None, None) => "points".into(),
    };
    let (width, height) = figure.hexagon.map_or_else(Default::default, |(w, h)| (rounded(w), rounded(h)));
    let log =
        |axis: &unhat_models::figures::Axis| if axis.log { format!("log10({})", axis.name) } else { axis.name.clone() };
    vec![figure.name.clone(), figure.title.clone(), log(&figure.x), log(&figure.y), drawn, width, height]
}

fn rounded(value: f64) -> String {
    let text = format!("{value:.*e}", DIGITS - 1);
    text.parse::<f64>().map_or(text, |value| format!("{value:?}"))
}

fn table<Record: IntoIterator<Item = String>>(
    folder: &str,
    header: impl IntoIterator<Item = String>,
    records: impl IntoIterator<Item = Record>,
) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    print_table(&mut text, header, records).map_err(|e| file_error(folder, e.to_string()))?;
    Ok(text)
}
