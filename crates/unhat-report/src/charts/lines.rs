//! Lines with marks, each named at its end: convergence.

use crate::charts::frame::{Canvas, Layers, Series, line_through, mark, px};
use crate::charts::labels::{shortened, spread};
use maud::{Markup, html};

/// One line. `points` are (key of the table's row, x, y).
pub(crate) struct Line {
    pub series: Series,
    pub name: String,
    pub points: Vec<(String, f64, f64)>,
    /// The columns of the table that are read out, by number.
    pub columns: String,
}

/// Between the names of two lines.
const NAME_GAP: f64 = 16.0;
/// How much of a name fits beside the chart.
const NAME_LENGTH: usize = 19;

/// Draws the lines, the first on top; on the wide chart their names stand at their ends.
pub(crate) fn draw(lines: &[Line], canvas: &Canvas) -> Layers {
    let placed: Vec<Vec<(f64, f64)>> = lines.iter().map(|line| places(line, canvas)).collect();
    let marks = html! {
        @for (line, places) in lines.iter().zip(&placed).rev() {
            path.line .(line.series.class()) d=(line_through(places)) {}
        }
        @for (line, places) in lines.iter().zip(&placed).rev() {
            g data-name=(line.name) data-c=(line.columns) {
                @for ((key, _, _), (x, y)) in line.points.iter().zip(places) { (mark(line.series, key, *x, *y)) }
            }
        }
    };
    Layers { under: None, marks: Some(marks), over: (!canvas.narrow).then(|| names(lines, &placed, canvas)) }
}

fn places(line: &Line, canvas: &Canvas) -> Vec<(f64, f64)> {
    line.points.iter().map(|(_, x, y)| (canvas.x.at(*x), canvas.y.at(*y))).collect()
}

fn names(lines: &[Line], placed: &[Vec<(f64, f64)>], canvas: &Canvas) -> Markup {
    let ended: Vec<_> = lines.iter().zip(placed).filter_map(|(line, places)| Some((line, places.last()?))).collect();
    let heights: Vec<f64> = ended.iter().map(|(_, end)| end.1 + 4.0).collect();
    let heights = spread(&heights, NAME_GAP, canvas.area.top + 8.0, canvas.area.bottom);
    html! {
        g.home.halo {
            @for ((line, end), height) in ended.iter().zip(heights) {
                text.name .(line.series.class()) x=(px(end.0 + 10.0)) y=(px(height)) { (shortened(&line.name, NAME_LENGTH)) }
            }
        }
    }
}
