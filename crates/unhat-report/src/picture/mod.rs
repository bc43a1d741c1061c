//! A figure of rows as a PNG file: for folders, and for packages that take neither SVG nor script.
//!
//! Places, ticks and labels are those of the charts; shapes are drawn by tiny-skia, letters come drawn beforehand.

mod sheet;
mod text;

use crate::charts::frame::Area;
use crate::charts::labels::{beside, shortened};
use crate::charts::rows_figure::{LABELLED, SHADES, domains};
use crate::charts::scale::Scale;
use sheet::{Ink, Sheet};
use text::{Size, tick_words};
use unhat::Result;
use unhat_models::figures::{Curve, Figure};

/// Units of the drawing, and pixels to each: 1200 × 900, which fills a page of print and half a screen.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 600.0;
/// Room for the ticks and names of axes, and for two lines of words above.
const AREA: Area = Area { left: 92.0, top: 70.0, right: 772.0, bottom: 536.0 };
/// As many letters of a title and of the line below it as there is room for.
const TITLE_LETTERS: usize = 82;
const WORDS_LETTERS: usize = 104;
const AXIS_LETTERS: usize = 60;
/// Of a row's label.
const LABEL_LETTERS: usize = 18;

/// The figure as the bytes of a PNG file, the same every time.
///
/// # Cost
/// Some 20 ms.
/// # Errors
/// [`unhat::ErrorKind::Numerical`] where the picture cannot be encoded.
pub fn figure_png(figure: &Figure) -> Result<Vec<u8>> {
    let mut sheet = Sheet::new(WIDTH, HEIGHT)?;
    sheet.text((AREA.left, 20.0), &shortened(&figure.title, TITLE_LETTERS), Size::Title, Ink::Black);
    sheet.text((AREA.left, 44.0), &shortened(&words(figure), WORDS_LETTERS), Size::Words, Ink::Quiet);
    if let Some((across, up)) = domains(figure) {
        let scales = (Scale::new(across, AREA.left, AREA.right), Scale::new(up, AREA.bottom, AREA.top));
        axes(&mut sheet, figure, &scales);
        rows(&mut sheet, figure, &scales);
        for (k, curve) in figure.curves.iter().enumerate() {
            let named_before = figure.curves[..k].iter().any(|other| other.name == curve.name);
            compared(&mut sheet, curve, curve.is_labelled && !named_before, &scales);
        }
        marked(&mut sheet, figure, &scales);
    }
    sheet.png()
}

/// What stands under the title: how rows are shown.
fn words(figure: &Figure) -> String {
    let flagged = if figure.named.is_empty() { "" } else { "; squares: flagged rows" };
    let dashed = match figure.curves.first() {
        Some(curve) if !curve.is_labelled => format!("; dashed: {}", curve.name),
        Some(_) => "; dashed: Cook's distance D".into(),
        None => String::new(),
    };
    match (figure.least, figure.counts()) {
        (Some(least), None) => format!("no hexagon holds {least} rows or more: none is shown"),
        (Some(least), Some((fewest, most))) => {
            format!("hexagons of {least} rows or more, darker: more ({fewest} to {most}); others are left out{dashed}")
        }
        (None, Some((fewest, most))) => {
            format!("{} rows in hexagons, darker: more ({fewest} to {most}){flagged}{dashed}", figure.rows)
        }
        (None, None) if figure.rows == 0 => "no row has both numbers".into(),
        (None, None) => format!("{} rows, a point each{flagged}{dashed}", figure.rows),
    }
}

fn axes(sheet: &mut Sheet, figure: &Figure, (x, y): &(Scale, Scale)) {
    for tick in x.ticks(7) {
        sheet.line(&[(tick.at, AREA.top), (tick.at, AREA.bottom)], Ink::Grid, 1.0, false);
        sheet.centred((tick.at, AREA.bottom + 8.0), &tick_words(&tick.label), Ink::Quiet);
    }
    for tick in y.ticks(7) {
        sheet.line(&[(AREA.left, tick.at), (AREA.right, tick.at)], Ink::Grid, 1.0, false);
        sheet.ending_at((AREA.left - 8.0, tick.at - 7.0), &tick_words(&tick.label), Ink::Quiet);
    }
    let corner = [(AREA.left, AREA.top), (AREA.left, AREA.bottom), (AREA.right, AREA.bottom)];
    sheet.line(&corner, Ink::Line, 1.4, false);
    let middle = ((AREA.left + AREA.right) / 2.0, (AREA.top + AREA.bottom) / 2.0);
    sheet.centred((middle.0, AREA.bottom + 34.0), &shortened(&figure.x.label, AXIS_LETTERS), Ink::Black);
    sheet.upwards((16.0, middle.1), &shortened(&figure.y.label, AXIS_LETTERS));
}

fn rows(sheet: &mut Sheet, figure: &Figure, (x, y): &(Scale, Scale)) {
    let at = |(a, b): (f64, f64)| (x.at(a), y.at(b));
    for (a, b, rows) in &figure.cells {
        let corners: Vec<_> = figure.corners((*a, *b)).into_iter().map(at).collect();
        sheet.filled(&corners, Ink::Shade(figure.shade(*rows, SHADES)));
    }
    figure.points.iter().for_each(|point| sheet.dot(at(*point), 2.9, Ink::Point));
}

/// A curve, with its name at its end.
fn compared(sheet: &mut Sheet, curve: &Curve, is_named: bool, (x, y): &(Scale, Scale)) {
    let points: Vec<_> = curve.points.iter().map(|(a, b)| (x.at(*a), y.at(*b))).collect();
    sheet.line(&points, Ink::Curve, 1.3, true);
    if let (Some((a, b)), true) = (points.last(), is_named) {
        let under = if *b < (AREA.top + AREA.bottom) / 2.0 { 6.0 } else { -20.0 };
        sheet.ending_at((*a - 2.0, b + under), &curve.name, Ink::Curve);
    }
}

/// The rows that stand out, on top, the gravest with their labels where there is room.
fn marked(sheet: &mut Sheet, figure: &Figure, (x, y): &(Scale, Scale)) {
    let places: Vec<(f64, f64)> = figure.named.iter().map(|named| (x.at(named.x), y.at(named.y))).collect();
    places.iter().for_each(|place| sheet.square(*place, 3.4, Ink::Marked));
    let label = |k: usize| shortened(&figure.named[k].row, LABEL_LETTERS);
    let wanted: Vec<_> =
        (0..places.len().min(LABELLED)).map(|k| (places[k].0, places[k].1, label(k).chars().count())).collect();
    let points = figure.points.iter().map(|(a, b)| (x.at(*a), y.at(*b)));
    let obstacles: Vec<(f64, f64)> = places.iter().copied().chain(points).collect();
    let room = Area { right: WIDTH - 6.0, ..AREA };
    for (k, placed) in beside(&wanted, &obstacles, room).into_iter().enumerate() {
        let Some(placed) = placed else { continue };
        let at = (places[k].0 + placed.dx, places[k].1 + placed.dy - 11.0);
        match placed.anchor {
            "start" => sheet.text(at, &label(k), Size::Words, Ink::Black),
            _ => sheet.ending_at(at, &label(k), Ink::Black),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tick_words;
    use crate::number::Format;

    #[test]
    fn numbers_on_axes_are_written_with_letters_of_the_font() {
        let cases = [
            (-0.25, "-0.25"),
            (2e-5, "2e-5"),
            (1e-7, "1e-7"),
            (-1e-7, "-1e-7"),
            (1.5e7, "1.5e7"),
            (12_000.0, "12 000"),
        ];
        for (value, expected) in cases {
            assert_eq!(tick_words(&Format::Number.write(value)), expected);
        }
    }
}
