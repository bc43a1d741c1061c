//! Bars on named rows, from a base line to either side, with a value beside each.

use crate::charts::frame::{Canvas, Layers, Series, px};
use crate::number::Quantity;
use maud::{Markup, html};

/// A bar; `key` is its row in the table.
pub(crate) struct Bar {
    pub name: String,
    pub key: String,
    pub series: Series,
    pub value: f64,
    /// Printed beside the bar.
    pub beside: Quantity,
}

/// Share of a row that its bar fills.
const THICKNESS: f64 = 0.68;

/// Draws a bar for each row, from `base` to its value.
pub(crate) fn draw(bars: &[Bar], base: f64, columns: &str, canvas: &Canvas) -> Layers {
    let area = canvas.area;
    let pitch = (area.bottom - area.top) / bars.len().max(1) as f64;
    let middle = |index: usize| area.top + pitch * (index as f64 + 0.5);
    let marks = html! {
        g data-c=(columns) {
            @for (index, bar) in bars.iter().enumerate() { (bar_markup(bar, middle(index), pitch, base, canvas)) }
        }
    };
    let over = html! {
        @for (index, bar) in bars.iter().enumerate() {
            text.row x=(px(area.left - 8.0)) y=(px(middle(index) + 4.0)) text-anchor="end" { (bar.name) }
            @let end = canvas.x.at(bar.value);
            @let outwards = if bar.value < base { -1.0 } else { 1.0 };
            text.value x=(px(end + 8.0 * outwards)) y=(px(middle(index) + 4.0))
                text-anchor=(if bar.value < base { "end" } else { "start" }) { (bar.beside.in_svg()) }
        }
    };
    Layers { under: None, marks: Some(marks), over: Some(over) }
}

/// The path starts at the bar's end, where the pointer's ring goes.
fn bar_markup(bar: &Bar, y: f64, pitch: f64, base: f64, canvas: &Canvas) -> Markup {
    let (end, start, half) = (canvas.x.at(bar.value), canvas.x.at(base), THICKNESS * pitch / 2.0);
    html! {
        path.mark.bar .(bar.series.class()) data-r=(bar.key)
            d={ "M" (px(end)) " " (px(y)) "V" (px(y + half)) "H" (px(start)) "V" (px(y - half)) "H" (px(end)) "Z" } {}
    }
}
