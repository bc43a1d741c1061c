//! Curves with bands around them, a bound, a wished region and a planned value: error against noise.

use crate::charts::frame::{Canvas, Layers, Series, line_through, px};
use crate::charts::lines::{self, Line};
use crate::number::Quantity;
use maud::html;

/// What the chart shows; all slices of a curve are as long as `across`.
pub(crate) struct CurveBand<'a> {
    pub across: &'a [f64],
    pub curves: Vec<Curve<'a>>,
    /// Dashed; empty where there is none.
    pub bound: &'a [f64],
    /// Everything above is wished for.
    pub wished: Quantity,
    /// Where the plan is, when it is on this axis.
    pub planned: Option<Quantity>,
}

/// A line and the band around it.
pub(crate) struct Curve<'a> {
    pub series: Series,
    pub name: &'static str,
    pub middle: &'a [f64],
    pub low: &'a [f64],
    pub high: &'a [f64],
    pub columns: String,
}

/// Draws the region first, then bands, bound, lines, marks, and the plan on top.
pub(crate) fn draw(chart: &CurveBand, canvas: &Canvas) -> Layers {
    let area = canvas.area;
    let through = |values: &[f64]| -> Vec<(f64, f64)> {
        let finite = chart.across.iter().zip(values).filter(|(_, value)| value.is_finite());
        finite.map(|(across, value)| (canvas.x.at(*across), canvas.y.at(*value))).collect()
    };
    let band = |curve: &Curve| {
        let mut outline = through(curve.high);
        outline.extend(through(curve.low).into_iter().rev());
        line_through(&outline) + "Z"
    };
    let mut named: Vec<Line> = chart.curves.iter().map(|curve| as_line(curve, chart.across)).collect();
    if !chart.bound.is_empty() {
        named.push(bound_line(chart));
    }
    let drawn = lines::draw(&named, canvas);
    let wished = chart.wished.value.map(|value| canvas.y.at(value));
    let planned = chart.planned.as_ref().and_then(|planned| Some((planned, canvas.x.at(planned.value?))));
    let marks = html! {
        @if let Some(wished) = wished {
            path.zone d={ "M" (px(area.left)) " " (px(area.top)) "H" (px(area.right)) "V" (px(wished)) "H"
                (px(area.left)) "Z" } {}
        }
        @for curve in chart.curves.iter().rev() { path.band .(curve.series.class()) d=(band(curve)) {} }
        @if let Some(lines) = drawn.marks { (lines) }
        @if let Some((_, x)) = planned { path.plan d={ "M" (px(x)) " " (px(area.top)) "V" (px(area.bottom)) } {} }
    };
    let over = html! {
        @if !canvas.narrow { (lines::names(&named, canvas)) }
        g.home.halo {
            @if let Some(wished) = wished {
                text x=(px(area.left + 6.0)) y=(px((wished - 6.0).max(area.top + 12.0))) { "error above "
                    (chart.wished.in_svg()) ": wished" }
            }
            @if let Some((quantity, x)) = planned {
                @let beyond = x > (area.left + area.right) / 2.0 + 60.0;
                text x=(px(if beyond { x - 6.0 } else { x + 6.0 })) y=(px(area.bottom - 8.0))
                    text-anchor=(if beyond { "end" } else { "start" }) { "planned: " (quantity.in_svg()) }
            }
        }
    };
    Layers { under: None, marks: Some(marks), over: Some(over) }
}

fn as_line(curve: &Curve, across: &[f64]) -> Line {
    let points = across.iter().zip(curve.middle).enumerate();
    let points =
        points.filter(|(_, (_, value))| value.is_finite()).map(|(key, (x, y))| (key.to_string(), *x, *y)).collect();
    Line { series: curve.series, name: curve.name.to_owned(), points, columns: curve.columns.clone() }
}

/// The bound has no marks of its own: its numbers are read out with those of the curves.
fn bound_line(chart: &CurveBand) -> Line {
    let points = chart.across.iter().zip(chart.bound).map(|(x, y)| (String::new(), *x, *y)).collect();
    Line { series: Series::Bound, name: "Cramér–Rao bound".to_owned(), points, columns: String::new() }
}
