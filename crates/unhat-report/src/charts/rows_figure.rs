//! A figure of rows: hexagons that count them or a point each, curves to compare with, and on top the rows that stand out.

use crate::charts::density::{Point, point_labels};
use crate::charts::frame::{Axis, Canvas, Frame, Layers, Near, Series, line_through, mark, px};
use crate::charts::labels::shortened;
use crate::charts::scale::{Domain, Kind};
use maud::{Markup, html};
use unhat_models::figures::{Curve, Figure};

/// Shades of hexagons; the eye tells about five apart.
pub(crate) const SHADES: usize = 5;
/// Of the rows that stand out so many have their labels, where there is room.
pub(crate) const LABELLED: usize = 8;
/// How much of a label fits beside a point, wide and on phones.
const LABEL_LENGTH: [usize; 2] = [24, 14];
/// What the axes show beyond the outermost rows.
const MARGIN: f64 = 0.04;
/// Scales and their ticks are exact to here; a number beyond has its place at the edge.
const LARGEST: f64 = 1e300;

/// The axes, or None where there is nothing to show.
pub(crate) fn domains(figure: &Figure) -> Option<(Domain, Domain)> {
    let [x, y] = figure.ends()?;
    let of = |(from, to): (f64, f64), log: bool| match log {
        true => Domain::log([from, to], f64::MIN_POSITIVE).padded(MARGIN, MARGIN),
        false => Domain { kind: Kind::Linear, ..wide(from.clamp(-LARGEST, LARGEST), to.clamp(-LARGEST, LARGEST)) },
    };
    Some((of(x, figure.x.log), of(y, figure.y.log)))
}

/// All rows at one place are in the middle.
fn wide(from: f64, to: f64) -> Domain {
    let around = if from == 0.0 { 1.0 } else { 0.5 * from.abs() };
    match to > from {
        true => Domain::linear(from, to).padded(MARGIN, MARGIN),
        false => Domain::linear(from - around, to + around),
    }
}

/// The chart under the name `id`; None where there is nothing to show.
pub(crate) fn chart(id: &'static str, figure: &Figure) -> Option<Markup> {
    let (across, up) = domains(figure)?;
    let short = shortened(&figure.x.label, 44);
    let frame = Frame {
        figure: id,
        x: Axis { domain: across, label: shortened(&figure.x.label, 84), short, ticks: [7, 4] },
        y: Some(Axis { domain: up, label: String::new(), short: String::new(), ticks: [6, 6] }),
        height: [400.0, 340.0],
        left: [62.0, 50.0],
        right: [24.0, 14.0],
        zoom: true,
        near: Near::Point,
    };
    Some(frame.draw(|canvas| draw(id, figure, canvas)))
}

fn draw(id: &str, figure: &Figure, canvas: &Canvas) -> Layers {
    let at = |(x, y): (f64, f64)| (canvas.x.at(x), canvas.y.at(y));
    let label = |name: &str| shortened(name, LABEL_LENGTH[usize::from(canvas.narrow)]);
    let named: Vec<Point> = figure
        .named
        .iter()
        .enumerate()
        .map(|(k, named)| Point {
            key: k.to_string(),
            x: named.x,
            y: named.y,
            series: Series::Second,
            label: if k < LABELLED { label(&named.row) } else { String::new() },
        })
        .collect();
    let points: Vec<(f64, f64)> = figure.points.iter().map(|point| at(*point)).collect();
    let dots: String = points.iter().map(|(x, y)| format!("M{} {}h.01", px(*x), px(*y))).collect();
    let marks = html! {
        (hexagons(id, figure, canvas))
        @if !dots.is_empty() { path.dots d=(dots) {} }
        @for curve in &figure.curves {
            path.contour d=(line_through(&curve.points.iter().map(|point| at(*point)).collect::<Vec<_>>())) {}
        }
        g data-c="1 2" { @for point in &named {
            @let (x, y) = at((point.x, point.y));
            (mark(point.series, &point.key, x, y))
        } }
    };
    let over = html! {
        g.home { (curve_names(&figure.curves, canvas)) }
        g.halo { (point_labels(&named, &points, canvas)) }
    };
    Layers { under: None, marks: Some(marks), over: Some(over) }
}

/// One path through the middles of each shade, which draws a hexagon at every corner: all of them have one shape, written once.
fn hexagons(id: &str, figure: &Figure, canvas: &Canvas) -> Markup {
    let at = |(x, y): (f64, f64)| (canvas.x.at(x), canvas.y.at(y));
    let Some((x, y, _)) = figure.cells.first() else { return html! {} };
    let middle = at((*x, *y));
    let corners: Vec<_> =
        figure.corners((*x, *y)).into_iter().map(at).map(|(x, y)| (x - middle.0, y - middle.1)).collect();
    let shape = line_through(&corners) + "Z";
    let width = if canvas.narrow { "narrow" } else { "wide" };
    let mut middles: [Vec<(f64, f64)>; SHADES] = Default::default();
    for (x, y, rows) in &figure.cells {
        middles[figure.shade(*rows, SHADES)].push(at((*x, *y)));
    }
    html! {
        @for (shade, middles) in middles.iter().enumerate() {
            @if !middles.is_empty() {
                @let name = format!("{id}-hexagon-{shade}-{width}");
                @let link = format!("url(#{name})");
                marker id=(name) markerUnits="userSpaceOnUse" orient="0" overflow="visible" {
                    path .{ "hexagon-" (shade) } d=(shape) {}
                }
                // A path of one point has no corner: the step of no length makes one.
                path.cells marker-start=(link) marker-mid=(link) marker-end=(link)
                    d={ (line_through(middles)) "h0" } {}
            }
        }
    }
}

/// Each name once, where the first curve of that name ends.
fn curve_names(curves: &[Curve], canvas: &Canvas) -> Markup {
    let area = canvas.area;
    let is_first = |k: usize| curves[k].is_labelled && curves[..k].iter().all(|other| other.name != curves[k].name);
    let ends =
        (0..curves.len()).filter(|&k| is_first(k)).filter_map(|k| Some((&curves[k].name, *curves[k].points.last()?)));
    html! {
        @for (name, (x, y)) in ends {
            @let (x, y) = (canvas.x.at(x) - 3.0, canvas.y.at(y));
            @let under = if y < (area.top + area.bottom) / 2.0 { 15.0 } else { -6.0 };
            text.contour-name x=(px(x)) y=(px(y + under)) text-anchor="end" { (name) }
        }
    }
}
