//! The frame of a chart: its area, axes and grid, at both widths; what is drawn in it comes from outside.

use crate::charts::scale::{Domain, Scale};
use maud::{Markup, html};

/// Units of the drawing are CSS pixels at these widths.
const WIDE: f64 = 720.0;
const NARROW: f64 = 360.0;
/// Room above for half a label.
const TOP: f64 = 16.0;
/// Room below for ticks and the name of the axis.
const BOTTOM: f64 = 44.0;

/// A mark at the edge of the area is shown whole: half of its size.
const MARK: f64 = 4.0;

/// What a mark belongs to: a colour and a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Series {
    First,
    Second,
    Third,
    Fourth,
    /// A theoretical limit, dashed.
    Bound,
    /// A limit of one row, an upright tick.
    Limit,
    /// A curve of equal distance.
    Contour,
}

impl Series {
    /// The series in their order; from the fourth on they share a look and are told apart by their labels.
    pub(crate) fn nth(index: usize) -> Series {
        [Series::First, Series::Second, Series::Third].get(index).copied().unwrap_or(Series::Fourth)
    }

    pub(crate) fn class(self) -> &'static str {
        match self {
            Series::First => "a",
            Series::Second => "b",
            Series::Third => "c",
            Series::Fourth => "d",
            Series::Bound => "bound",
            Series::Limit => "limit",
            Series::Contour => "contour",
        }
    }

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Series::First => "●",
            Series::Second => "■",
            Series::Third => "•",
            Series::Fourth => "▪",
            Series::Bound | Series::Contour => "– –",
            Series::Limit => "┃",
        }
    }
}

/// An axis before it is laid out.
pub(crate) struct Axis {
    pub domain: Domain,
    pub label: String,
    /// For phones, where the label would not fit.
    pub short: String,
    /// How many ticks there is room for, wide and narrow.
    pub ticks: [usize; 2],
}

/// What the pointer takes as near.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Near {
    /// The mark at the least distance.
    Point,
    /// The mark at this place of the x axis, for curves.
    Across,
}

/// A chart before it is drawn; margins and height are [wide, narrow].
pub(crate) struct Frame {
    /// The id of the figure around it.
    pub figure: &'static str,
    pub x: Axis,
    /// None for a chart of named rows.
    pub y: Option<Axis>,
    pub height: [f64; 2],
    pub left: [f64; 2],
    pub right: [f64; 2],
    pub zoom: bool,
    pub near: Near,
}

/// The rectangle in which values are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// What a drawing knows.
pub(crate) struct Canvas {
    pub narrow: bool,
    pub area: Area,
    pub x: Scale,
    /// From below to above; a unit scale when the chart has named rows.
    pub y: Scale,
}

/// A drawing: what lies under the marks and over them stays when one zooms, the marks move.
#[derive(Default)]
pub(crate) struct Layers {
    pub under: Option<Markup>,
    pub marks: Option<Markup>,
    pub over: Option<Markup>,
}

impl Frame {
    /// Of rows with names, one under the other: as high as they need in either width, each read at its points.
    pub fn of_rows(
        figure: &'static str,
        x: Axis,
        rows: usize,
        row_height: [f64; 2],
        left: [f64; 2],
        right: [f64; 2],
    ) -> Frame {
        let height = row_height.map(|height| 62.0 + height * rows as f64);
        Frame { figure, x, y: None, height, left, right, zoom: false, near: Near::Point }
    }

    /// The chart at both widths.
    pub(crate) fn draw(&self, drawing: impl Fn(&Canvas) -> Layers) -> Markup {
        html! { div.chart-box { (self.at_width(false, &drawing)) (self.at_width(true, &drawing)) } }
    }

    fn at_width(&self, narrow: bool, drawing: &impl Fn(&Canvas) -> Layers) -> Markup {
        let index = usize::from(narrow);
        let (width, height) = (if narrow { NARROW } else { WIDE }, self.height[index]);
        let area = Area { left: self.left[index], top: TOP, right: width - self.right[index], bottom: height - BOTTOM };
        let Area { left, top, right, bottom } = area;
        let x = Scale::new(self.x.domain, left, right);
        let y = Scale::new(self.y.as_ref().map_or(Domain::linear(0.0, 1.0), |axis| axis.domain), bottom, top);
        let layers = drawing(&Canvas { narrow, area, x, y });
        let clip = format!("{}-clip-{}", self.figure, if narrow { "narrow" } else { "wide" });
        let name = if narrow { &self.x.short } else { &self.x.label };
        html! {
            svg .chart .narrow[narrow] .wide[!narrow] viewBox={ "0 0 " (width) " " (height) } role="img"
                aria-labelledby={ (self.figure) "-question " (self.figure) "-answer" }
                data-area={ (left) " " (top) " " (right) " " (bottom) }
                data-zoom=[self.zoom.then_some("")] data-across=[(self.near == Near::Across).then_some("")]
                data-x=[self.zoom.then(|| x.description())] data-y=[self.zoom.then(|| y.description())] {
                clipPath id=(clip) { rect x=(left - MARK) y=(top - MARK) width=(right - left + 2.0 * MARK)
                    height=(bottom - top + 2.0 * MARK) {} }
                g.axis-x aria-hidden="true" {
                    @for tick in x.ticks(self.x.ticks[index]) {
                        path.grid d={ "M" (px(tick.at)) " " (px(top)) "V" (px(bottom)) } {}
                        text x=(px(tick.at)) y=(px(bottom + 17.0)) text-anchor="middle" { (tick.label) }
                    }
                }
                @if let Some(axis) = &self.y {
                    g.axis-y aria-hidden="true" {
                        @for tick in y.ticks(axis.ticks[index]) {
                            path.grid d={ "M" (px(left)) " " (px(tick.at)) "H" (px(right)) } {}
                            text x=(px(left - 7.0)) y=(px(tick.at + 4.0)) text-anchor="end" { (tick.label) }
                        }
                    }
                }
                text.axis-name x=(px((left + right) / 2.0)) y=(px(height - 6.0)) text-anchor="middle"
                    aria-hidden="true" { (name) }
                @if let Some(under) = &layers.under { (under) }
                g clip-path={ "url(#" (clip) ")" } {
                    g.plot { @if let Some(marks) = &layers.marks { (marks) } }
                }
                @if let Some(over) = &layers.over { g.over aria-hidden="true" { (over) } }
            }
        }
    }
}

/// A coordinate: a tenth of a pixel is finer than a screen shows.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The path through points, in order.
pub(crate) fn line_through(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (place, (x, y)) in points.iter().enumerate() {
        path.push(if place == 0 { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", px(*x), px(*y)));
    }
    path
}

/// A mark that reads out the row `key` of the figure's table.
///
/// It is a line of next to no length whose caps are the shape, so that it keeps its size when the chart is zoomed; with
/// no length at all square caps vanish in a PDF.
pub(crate) fn mark(series: Series, key: &str, x: f64, y: f64) -> Markup {
    html! { path .mark .(series.class()) data-r=(key) d={ "M" (px(x)) " " (px(y)) "h.01" } {} }
}
