//! Dots with intervals on named rows: errors, where a bar on a logarithmic axis would have no honest zero.

use crate::charts::frame::{Canvas, Layers, Series, mark, px};
use crate::charts::labels::shortened;
use crate::number::Quantity;
use maud::{Markup, html};

/// A named row.
pub(crate) struct DotRow {
    pub name: String,
    pub dots: Vec<Dot>,
    /// A limit, drawn as an upright tick.
    pub bound: Option<f64>,
}

/// A value and the interval around it; `key` is its row in the table.
pub(crate) struct Dot {
    pub series: Series,
    pub key: String,
    pub value: f64,
    /// None where there is no chance in it.
    pub interval: Option<(f64, f64)>,
    /// The columns of the table that are read out.
    pub columns: String,
}

/// How much of a name fits beside the chart, and above a row.
const NAME_LENGTH: [usize; 2] = [34, 40];
/// On a phone a row's name stands above it.
const NAME_ABOVE: f64 = 12.0;
/// Between the dots of a row.
const DOT_GAP: f64 = 8.0;

/// Draws a row for each name; `wished` is the value from which on everything to the right is shaded.
pub(crate) fn draw(rows: &[DotRow], wished: Option<&Quantity>, canvas: &Canvas) -> Layers {
    let area = canvas.area;
    let pitch = (area.bottom - area.top) / rows.len().max(1) as f64;
    let middle = |index: usize| {
        area.top + pitch * (index as f64 + 0.5) + if canvas.narrow { NAME_ABOVE / 2.0 + 2.0 } else { 0.0 }
    };
    let wished = wished
        .and_then(|wished| wished.value)
        .filter(|value| *value < canvas.x.domain.to)
        .map(|value| canvas.x.at(value));
    let marks = html! {
        @for (index, row) in rows.iter().enumerate() {
            path.hair d={ "M" (px(area.left)) " " (px(middle(index))) "H" (px(area.right)) } {}
            @if let Some(bound) = row.bound {
                path.tick d={ "M" (px(canvas.x.at(bound))) " " (px(middle(index) - 9.0)) "v18" } {}
            }
            @for (place, dot) in row.dots.iter().enumerate() {
                (dot_markup(dot, middle(index) + offset(place, row.dots.len()), canvas))
            }
        }
    };
    let under = html! {
        @if let Some(wished) = wished {
            path.zone d={ "M" (px(wished)) " " (px(area.top)) "H" (px(area.right)) "V" (px(area.bottom)) "H"
                (px(wished)) "Z" } {}
        }
    };
    let over = html! { @for (index, row) in rows.iter().enumerate() { (name(row, middle(index), canvas)) } };
    Layers { under: Some(under), marks: Some(marks), over: Some(over) }
}

fn offset(place: usize, of: usize) -> f64 {
    DOT_GAP * (place as f64 - (of as f64 - 1.0) / 2.0)
}

fn dot_markup(dot: &Dot, y: f64, canvas: &Canvas) -> Markup {
    html! {
        g data-c=(dot.columns) {
            @if let Some((low, high)) = dot.interval {
                path.interval .(dot.series.class()) d={ "M" (px(canvas.x.at(low))) " " (px(y)) "H"
                    (px(canvas.x.at(high))) } {}
            }
            (mark(dot.series, &dot.key, canvas.x.at(dot.value), y))
        }
    }
}

fn name(row: &DotRow, y: f64, canvas: &Canvas) -> Markup {
    let text = shortened(&row.name, NAME_LENGTH[usize::from(canvas.narrow)]);
    html! {
        @if canvas.narrow {
            text.row x=(px(canvas.area.left)) y=(px(y - NAME_ABOVE)) { (text) }
        } @else {
            text.row x=(px(canvas.area.left - 12.0)) y=(px(y + 4.0)) text-anchor="end" { (text) }
        }
    }
}
