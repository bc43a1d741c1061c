//! The files of figures: a picture and what it shows as a table, each, and a list of them.

use crate::failure::{Failure, file_error};
use unhat_io::{figure_table, print_table, rounded_hexagon};
use unhat_models::figures::Figure;
use unhat_report::figure_png;

/// The list of a folder of figures.
const LIST: &str = "figures.csv";

/// A picture and its table for each figure, and the list, as names and contents.
pub(crate) fn figure_files(folder: &str, figures: &[Figure]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut files = Vec::new();
    for figure in figures {
        files.push((format!("{}.png", figure.name), figure_png(figure)?));
        files.push((format!("{}.csv", figure.name), figure_table(figure)?));
    }
    let header = ["figure", "title", "x", "y", "drawn", "hexagon_width", "hexagon_height"];
    files.push((LIST.into(), list(folder, header, figures)?));
    Ok(files)
}

fn line(figure: &Figure) -> Vec<String> {
    let drawn = match (figure.least, figure.hexagon) {
        (Some(least), _) => format!("hexagons of {least} rows or more"),
        (None, Some(_)) => "hexagons".into(),
        (None, None) => "points".into(),
    };
    let (width, height) =
        figure.hexagon.map_or_else(Default::default, |(w, h)| (rounded_hexagon(w), rounded_hexagon(h)));
    let log =
        |axis: &unhat_models::figures::Axis| if axis.log { format!("log10({})", axis.name) } else { axis.name.clone() };
    vec![figure.name.clone(), figure.title.clone(), log(&figure.x), log(&figure.y), drawn, width, height]
}

fn list(folder: &str, header: [&str; 7], figures: &[Figure]) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    print_table(&mut text, header, figures.iter().map(line)).map_err(|e| file_error(folder, e.to_string()))?;
    Ok(text)
}
