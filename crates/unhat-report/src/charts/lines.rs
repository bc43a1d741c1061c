//! Lines with marks: convergence, and the curves of a band.

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
/// From the middle of a letter to its foot.
const HALF_LETTER: f64 = 4.0;
/// How much of a name fits beside the chart.
const NAME_LENGTH: usize = 19;

/// Draws the lines, the first on top.
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
    Layers { under: None, marks: Some(marks), over: None }
}

fn places(line: &Line, canvas: &Canvas) -> Vec<(f64, f64)> {
    line.points.iter().map(|(_, x, y)| (canvas.x.at(*x), canvas.y.at(*y))).collect()
}

/// The names of lines that all end at the right of the chart.
pub(crate) fn names(lines: &[Line], canvas: &Canvas) -> Markup {
    let ended = lines.iter().filter_map(|line| Some((line, places(line, canvas).last()?.1)));
    let (lines, heights): (Vec<&Line>, Vec<f64>) = ended.map(|(line, y)| (line, y + HALF_LETTER)).unzip();
    let heights = spread(&heights, NAME_GAP, canvas.area.top + 8.0, canvas.area.bottom);
    html! {
        g.home {
            @for (line, height) in lines.iter().zip(heights) {
                text.name .(line.series.class()) x=(px(canvas.area.right + 8.0)) y=(px(height)) {
                    (shortened(&line.name, NAME_LENGTH)) }
            }
        }
    }
}
