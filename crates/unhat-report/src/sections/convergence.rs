//! Did the solver finish, and how fast?

use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::lines::{self, Line};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::Figure;
use crate::pieces::table::{Column, Row, Table};
use crate::sections::noise::LEAST_ERROR;
use maud::{Markup, html};
use unhat::audit::findings::{Convergence, Findings};

/// Iterations shown; slower methods go on in the table.
const SHOWN: u32 = 25;
/// Methods in the answer.
const NAMED: usize = 3;

/// The figure, or None without histories.
pub(crate) fn figure(findings: &Findings) -> Option<Markup> {
    let histories = &findings.convergence;
    let lines: Vec<Line> = histories.iter().enumerate().map(|(place, history)| line(place, history)).collect();
    let points = lines.iter().flat_map(|line| &line.points);
    let last = points.clone().map(|(_, iteration, _)| *iteration).fold(1.0, f64::max);
    points.clone().next()?;
    let frame = Frame {
        figure: "convergence",
        x: Axis {
            domain: Domain::linear(0.0, last).padded(0.01, 0.02),
            label: "iteration".to_owned(),
            short: "iteration".to_owned(),
            ticks: [6, 5],
        },
        y: Some(Axis {
            domain: Domain::log(points.map(|(_, _, residual)| *residual), LEAST_ERROR).padded(2.0, 2.0),
            label: String::new(),
            short: String::new(),
            ticks: [6, 6],
        }),
        height: [320.0, 300.0],
        left: [58.0, 46.0],
        right: [150.0, 14.0],
        zoom: true,
        near: Near::Point,
    };
    let beyond = histories.iter().any(|history| history.iteration.iter().any(|iteration| *iteration > SHOWN));
    let figure = Figure {
        id: "convergence",
        question: "Did the solver finish, and how fast?",
        answer: answer(histories),
        legend: Vec::new(),
        upwards: Some("distance to the release as computed, relative".to_owned()),
        chart: frame.draw(|canvas| lines::draw(&lines, canvas)),
        how: html! {
            "Each method on the release without protection; lower is closer."
            @if beyond { " The first iterations are shown; the table has them all." }
        },
        table: Some(table(histories)),
        print_table: false,
    };
    Some(html! { (figure.markup()) })
}

fn line(place: usize, history: &Convergence) -> Line {
    let steps = history.iteration.iter().zip(&history.residual).enumerate();
    let shown = steps.filter(|(_, (iteration, residual))| **iteration <= SHOWN && residual.is_finite());
    Line {
        series: Series::nth(place),
        name: history.method.clone(),
        points: shown.map(|(step, (x, y))| (format!("{place}/{step}"), f64::from(*x), *y)).collect(),
        columns: "1 2 3".to_owned(),
    }
}

fn answer(histories: &[Convergence]) -> Markup {
    let ended = |place: usize, history: &Convergence| {
        let last = history.iteration.len().checked_sub(1)?;
        let iteration =
            Quantity::count(format!("/convergence/{place}/iteration/{last}"), u64::from(history.iteration[last]));
        let residual = Quantity::new(
            format!("/convergence/{place}/residual/{last}"),
            history.residual.get(last).copied(),
            Format::Number,
        );
        Some(
            html! { b.name { (history.method) } ": " (history.status) ", " (residual) " from the release after " (iteration) " iterations" },
        )
    };
    let sentences: Vec<Markup> =
        histories.iter().enumerate().take(NAMED).filter_map(|(place, history)| ended(place, history)).collect();
    html! { @for (place, sentence) in sentences.iter().enumerate() { @if place > 0 { "; " } (sentence) } "." }
}

fn table(histories: &[Convergence]) -> Table {
    let source = |key: &str| format!("/convergence/*/{key}/*");
    let columns = vec![
        Column::text("method"),
        Column::number("iteration", source("iteration"), Format::Count),
        Column::number("residual, relative", source("residual"), Format::Number),
        Column::number("relative error of x", source("rel_error"), Format::Number),
    ];
    let rows = histories.iter().enumerate().flat_map(|(place, history)| {
        history.iteration.iter().enumerate().map(move |(step, iteration)| {
            let cells = vec![
                history.method.as_str().into(),
                f64::from(*iteration).into(),
                history.residual.get(step).copied().into(),
                history.rel_error.get(step).copied().into(),
            ];
            Row::new(format!("{place}/{step}"), cells)
        })
    });
    Table { id: "convergence-table", caption: "Every iteration".to_owned(), columns, rows: rows.collect() }
}
