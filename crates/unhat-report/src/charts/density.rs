//! Where the many are, as shaded squares, and the few one by one, with curves of equal distance where there are any.

use crate::charts::frame::{Area, Canvas, Layers, Series, line_through, mark, px};
use crate::charts::histogram::edges;
use crate::charts::labels;
use crate::charts::scale::{Domain, Kind};
use maud::{Markup, html};
use unhat::audit::report::{Axis, Density, Scale};

/// A row drawn as a point; `key` is its row in the table.
pub(crate) struct Point {
    pub key: String,
    pub x: f64,
    pub y: f64,
    pub series: Series,
    /// Beside the point, where there is room; empty for none.
    pub label: String,
}

/// A curve on which all rows have the same Cook's distance.
pub(crate) struct Contour {
    pub distance: &'static str,
    /// (hat value, residual ≥ 0).
    pub points: Vec<(f64, f64)>,
}

/// Shades; the eye tells about five apart.
const SHADES: usize = 5;

/// Draws squares, contours and points. A point without a label is still read out.
pub(crate) fn draw(density: Option<&Density>, contours: &[Contour], points: &[Point], canvas: &Canvas) -> Layers {
    let area = canvas.area;
    let zero = canvas.y.at(0.0);
    let marks = html! {
        path.zero d={ "M" (px(area.left)) " " (px(zero)) "H" (px(area.right)) } {}
        @if let Some(density) = density {
            @let (paths, height) = squares(density, canvas);
            @for (shade, squares) in paths.iter().enumerate() {
                @if !squares.is_empty() { path .{ "shade-" (shade) } stroke-width=(px(height)) d=(squares) {} }
            }
        }
        @for contour in contours {
            path.contour d=(both_sides(contour, canvas)) {}
        }
        g data-c="1 2 3" { @for point in points { (mark(point.series, &point.key, canvas.x.at(point.x),
            canvas.y.at(point.y))) } }
    };
    Layers { under: None, marks: Some(marks), over: Some(over(contours, points, canvas)) }
}

/// The squares of one row of bins are strokes as wide as the row is high: one path a shade, neighbours joined.
fn squares(density: &Density, canvas: &Canvas) -> ([String; SHADES], f64) {
    let mut paths = [const { String::new() }; SHADES];
    let most = density.count.iter().map(|[_, _, count]| *count).max().unwrap_or(1);
    let shade = |count: u32| (f64::from(count).ln() / f64::from(most).ln_1p() * SHADES as f64) as usize;
    let (across, up) = (bin_edges(&density.x), bin_edges(&density.y));
    let mut bins: Vec<[u32; 3]> = density.count.iter().copied().filter(|[_, _, count]| *count > 0).collect();
    bins.sort_by_key(|[column, row, _]| (*row, *column));
    let joined = |a: &[u32; 3], b: &[u32; 3]| a[1] == b[1] && a[0] + 1 == b[0] && shade(a[2]) == shade(b[2]);
    let mut height = 0.0_f64;
    for run in bins.chunk_by(joined) {
        let ([first, row, count], [last, ..]) = (run[0], run[run.len() - 1]);
        let (Some(start), Some(end), Some(side)) = (pair(&across, first), pair(&across, last), pair(&up, row)) else {
            continue;
        };
        let (left, right) = (canvas.x.at(start.0), canvas.x.at(end.1));
        let (bottom, top) = (canvas.y.at(side.0), canvas.y.at(side.1));
        height = height.max(bottom - top);
        paths[shade(count).min(SHADES - 1)].push_str(&format!(
            "M{} {}H{}",
            px(left),
            px((bottom + top) / 2.0),
            px(right)
        ));
    }
    (paths, height)
}

fn bin_edges(axis: &Axis) -> Vec<f64> {
    edges(domain_of(axis), axis.bins as usize)
}

/// The domain of a histogram's axis.
pub(crate) fn domain_of(axis: &Axis) -> Domain {
    let kind = if axis.scale == Scale::Log && axis.lo > 0.0 { Kind::Log } else { Kind::Linear };
    Domain { kind, from: axis.lo, to: axis.hi }
}

fn pair(edges: &[f64], bin: u32) -> Option<(f64, f64)> {
    Some((*edges.get(bin as usize)?, *edges.get(bin as usize + 1)?))
}

fn both_sides(contour: &Contour, canvas: &Canvas) -> String {
    let side = |sign: f64| -> Vec<(f64, f64)> {
        contour.points.iter().map(|(hat, residual)| (canvas.x.at(*hat), canvas.y.at(sign * residual))).collect()
    };
    line_through(&side(1.0)) + &line_through(&side(-1.0))
}

fn over(contours: &[Contour], points: &[Point], canvas: &Canvas) -> Markup {
    html! {
        g.home { @for contour in contours { (contour_label(contour, canvas)) } }
        g.halo { (point_labels(points, &[], canvas)) }
    }
}

/// The labels of points beside them, where they cover neither each other nor a point nor `others`.
pub(crate) fn point_labels(points: &[Point], others: &[(f64, f64)], canvas: &Canvas) -> Markup {
    let area = canvas.area;
    let places: Vec<(f64, f64)> = points.iter().map(|point| (canvas.x.at(point.x), canvas.y.at(point.y))).collect();
    let named: Vec<usize> = (0..points.len()).filter(|&index| !points[index].label.is_empty()).collect();
    let wanted: Vec<_> =
        named.iter().map(|&index| (places[index].0, places[index].1, points[index].label.chars().count())).collect();
    let room = Area { right: area.right + 40.0, ..area };
    let taken: Vec<(f64, f64)> = places.iter().chain(others).copied().collect();
    let placed = labels::beside(&wanted, &taken, if canvas.narrow { area } else { room });
    html! {
        @for (&index, label) in named.iter().zip(&placed) {
            @if let Some(label) = label {
                @let (x, y) = places[index];
                text.point x=(px(x + label.dx)) y=(px(y + label.dy)) text-anchor=(label.anchor)
                    data-at={ (px(x)) " " (px(y)) " " (label.dx) " " (label.dy) } { (points[index].label) }
            }
        }
    }
}

/// The distance stands where the contour enters the chart.
fn contour_label(contour: &Contour, canvas: &Canvas) -> Markup {
    let Some((hat, residual)) = contour.points.first() else { return html! {} };
    let (x, y) = (canvas.x.at(*hat), canvas.y.at(*residual));
    html! { text.contour-name x=(px(x)) y=(px(y - 4.0)) text-anchor="middle" { (contour.distance) } }
}
