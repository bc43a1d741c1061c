//! A histogram: how often values lie in each bin.

use crate::charts::frame::{Canvas, Layers, px};
use crate::charts::scale::{Domain, Kind};
use maud::html;

/// The edges of `bins` bins that divide a domain evenly (in the logarithm for a logarithmic one).
pub(crate) fn edges(domain: Domain, bins: usize) -> Vec<f64> {
    let Domain { kind, from, to } = domain;
    (0..=bins)
        .map(|edge| {
            let share = edge as f64 / bins.max(1) as f64;
            match kind {
                Kind::Linear => from + share * (to - from),
                Kind::Log => from * (to / from).powf(share),
            }
        })
        .collect()
}

/// Draws the counts from the floor of the chart up; bin k reads out row k of the table. `line` is a value to compare with.
pub(crate) fn draw(counts: &[u64], edges: &[f64], line: Option<f64>, columns: &str, canvas: &Canvas) -> Layers {
    let floor = canvas.area.bottom;
    let marks = html! {
        g data-c=(columns) {
            @for (key, (count, bin)) in counts.iter().zip(edges.windows(2)).enumerate() {
                @if *count > 0 {
                    @let (left, right, top) = (canvas.x.at(bin[0]) + 0.5, canvas.x.at(bin[1]) - 0.5,
                        canvas.y.at(*count as f64));
                    path.mark.bar.a data-r=(key) d={ "M" (px((left + right) / 2.0)) " " (px(top)) "H" (px(right)) "V"
                        (px(floor)) "H" (px(left)) "V" (px(top)) "Z" } {}
                }
            }
        }
        @if let Some(line) = line {
            @let path = format!("M{} {}V{}", px(canvas.x.at(line)), px(canvas.area.top), px(floor));
            path.plan.under d=(path) {}
            path.plan d=(path) {}
        }
    };
    Layers { under: None, marks: Some(marks), over: None }
}
