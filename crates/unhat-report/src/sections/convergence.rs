//! Did the solver finish, and how fast?

use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::lines::{self, Line};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Column, Row, Table};
use crate::sections::noise::LEAST_ERROR;
use maud::{Markup, html};
use unhat::audit::report::{AuditReport, Convergence, ReleaseKind};

/// Iterations shown; slower methods go on in the table.
const SHOWN: u32 = 25;
/// Methods in the answer.
const NAMED: usize = 3;

/// The figure, or None without histories.
pub(crate) fn figure(findings: &AuditReport) -> Option<Markup> {
    let histories = &findings.convergence;
    let order = headline_first(findings);
    let lines: Vec<Line> =
        order.iter().enumerate().map(|(rank, &place)| line(rank, place, &histories[place])).collect();
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
        right: [24.0, 14.0],
        zoom: true,
        near: Near::Point,
    };
    let beyond = histories.iter().any(|history| history.iteration.iter().any(|iteration| *iteration > SHOWN));
    let figure = Figure {
        id: "convergence",
        question: "Did the solver finish, and how fast?",
        answer: answer(histories, &order),
        legend: legend(&lines),
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

/// The methods on the release of the headline come first and have colours of their own; the others share one.
fn headline_first(findings: &AuditReport) -> Vec<usize> {
    let headline = match findings.attack_curve.release {
        ReleaseKind::Scores => "scores,",
        ReleaseKind::Gradient => "gradient,",
        ReleaseKind::Both => "scores and gradient,",
    };
    let mut order: Vec<usize> = (0..findings.convergence.len()).collect();
    order.sort_by_key(|&place| !findings.convergence[place].method.starts_with(headline));
    order
}

/// A sign for each line with its own look, one for all others.
fn legend(lines: &[Line]) -> Legend {
    let own = lines.iter().filter(|line| line.series != Series::Fourth).map(|line| (line.series, line.name.as_str()));
    let others = lines.iter().filter(|line| line.series == Series::Fourth);
    let others = match others.clone().count() {
        0 => None,
        1 => others.clone().next().map(|line| (line.series, line.name.as_str())),
        _ => Some((Series::Fourth, "the others, named in the table")),
    };
    Legend::of(own.chain(others))
}

fn line(rank: usize, place: usize, history: &Convergence) -> Line {
    let steps = history.iteration.iter().zip(&history.residual).enumerate();
    let shown = steps.filter(|(_, (iteration, residual))| **iteration <= SHOWN && residual.is_finite());
    Line {
        series: Series::nth(rank),
        name: history.method.clone(),
        points: shown.map(|(step, (x, y))| (format!("{place}/{step}"), f64::from(*x), *y)).collect(),
        columns: "1 2 3".to_owned(),
    }
}

fn answer(histories: &[Convergence], order: &[usize]) -> Markup {
    let ended = |place: usize, history: &Convergence| {
        let last = history.iteration.len().checked_sub(1)?;
        let iteration =
            Quantity::count(format!("/convergence/{place}/iteration/{last}"), u64::from(history.iteration[last]));
        let residual = Quantity::new(
            format!("/convergence/{place}/residual/{last}"),
            history.residual.get(last).copied(),
            Format::Number,
        );
        Some(html! { b.name { (history.method) } ": " (history.status.replace('_', " ")) ", " (residual)
        " from the release after " (iteration) " iterations" })
    };
    let named = order.iter().take(NAMED);
    let sentences: Vec<Markup> = named.filter_map(|&place| ended(place, &histories[place])).collect();
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
