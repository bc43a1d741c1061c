//! The report of what hat values gave away: weights and coefficients, responses, or a hidden column.

use crate::Error;
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::lines::{self, Line};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::page::{Page, Section};
use crate::pieces::figure::{Figure, Legend, how_to_explore};
use crate::pieces::table::{Column, Row, Table};
use crate::sections::method;
use crate::words;
use maud::{Markup, html};
use unhat::invert::hat::page::{HatPage, HatSought};

/// The facts as one HTML file.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the facts cannot be written as JSON.
pub fn hat_page(facts: &HatPage) -> Result<String, Error> {
    let section = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    let sections = [
        section("s-coefficients", "Coefficients", "Coefficients", coefficients(facts)),
        section("s-weights", "Weights", "The largest weights", weights(facts)),
        section("s-decisions", "Decisions", "The least sure rows", decisions(facts)),
        section("s-convergence", "Convergence", "Convergence", convergence(facts)),
        section("s-limits", "Method", "Method and limits", Some(limits(facts))),
    ];
    let heading = match facts.sought {
        HatSought::Weights => "The way back from hat values",
        HatSought::Outcomes => "Responses from hat values and residuals",
        HatSought::Column => "A hidden column from hat values",
    };
    let page = Page {
        brand: "unhat invert",
        subject: format!("The way back from {}", facts.target),
        heading: heading.to_owned(),
        facts: head(facts),
        lead: lead(facts),
        sections: sections.into_iter().flatten().collect(),
        data: serde_json::to_value(facts)?,
    };
    Ok(page.write())
}

fn head(facts: &HatPage) -> Vec<(&'static str, Markup)> {
    vec![
        ("Table", words::table_fact(&facts.matrix, "", facts.rows, facts.columns)),
        ("Hat values", html! { span.name { (facts.target) } ", " (facts.precision) }),
        (
            "Largest difference of a hat value",
            html! { (Quantity::new("/residual", facts.residual, Format::Number).or("unknown")) },
        ),
        (
            "Widest proven interval",
            html! {
                (Quantity::new("/widest", facts.widest, Format::Number).or("nothing is proven"))
                @if facts.widest.is_some() { " in the logarithm of a weight" }
            },
        ),
        (
            "Evaluations",
            html! {
                @match facts.evaluations {
                    Some(count) => (Quantity::count("/evaluations", count)),
                    None => "none",
                }
            },
        ),
        ("Time", html! { (Quantity::new("/tool/wall_s", facts.tool.wall_s, Format::Seconds)) }),
    ]
}

fn lead(facts: &HatPage) -> Markup {
    let of_rows = html! { (Quantity::count("/told", facts.told)) " of " (Quantity::count("/rows", facts.rows)) };
    html! {
        @if facts.solved {
            strong { "Solved." } " "
            @match facts.sought {
                HatSought::Weights => { (of_rows) " weights are told." }
                HatSought::Outcomes => { (of_rows) " responses are told, up to the complement of all." }
                HatSought::Column => { (of_rows) " entries of a column of zeros and ones are told, up to its complement." }
            }
            @if facts.least_margin.is_some() {
                " The closest decision has a margin of "
                (Quantity::new("/least_margin", facts.least_margin, Format::Number)) "."
            }
        } @else {
            strong { "Not solved: " (facts.status) "." } " What stands here is the best that was found."
        }
    }
}

fn coefficients(facts: &HatPage) -> Option<Markup> {
    facts.coefficients.first()?;
    let columns = vec![
        Column::text("column"),
        Column::number("coefficient", "/coefficients/*/value", Format::Number).or("open"),
        Column::number("standard error", "/coefficients/*/error", Format::Number),
    ];
    let rows = facts.coefficients.iter().enumerate().map(|(index, found)| {
        Row::new(index, vec![found.name.as_str().into(), found.value.into(), found.error.into()])
    });
    let table =
        Table { id: "coefficients", caption: "Coefficients of the fit".to_owned(), columns, rows: rows.collect() };
    Some(html! { (table.markup()) })
}

fn weights(facts: &HatPage) -> Option<Markup> {
    facts.weights.first()?;
    let columns = vec![
        Column::number("row", "/weights/*/row", Format::Fixed(0)),
        Column::number("weight", "/weights/*/weight", Format::Number),
        Column::number("proven, from", "/weights/*/low", Format::Number),
        Column::number("to", "/weights/*/high", Format::Number),
    ];
    let rows = facts.weights.iter().enumerate().map(|(index, found)| {
        Row::new(index, vec![(found.row as f64).into(), found.weight.into(), found.low.into(), found.high.into()])
    });
    let table = Table { id: "weights", caption: "The largest weights".to_owned(), columns, rows: rows.collect() };
    Some(html! {
        p.answer { "Weights are known up to one factor; an interval holds when the weight of the held row is as given." }
        (table.markup())
    })
}

fn decisions(facts: &HatPage) -> Option<Markup> {
    facts.decisions.first()?;
    let columns = vec![
        Column::number("row", "/decisions/*/row", Format::Fixed(0)),
        Column::number("told", "/decisions/*/value", Format::Fixed(0)).or("not told"),
        Column::number("margin", "/decisions/*/margin", Format::Number),
    ];
    let rows = facts.decisions.iter().enumerate().map(|(index, found)| {
        Row::new(index, vec![(found.row as f64).into(), found.value.map(f64::from).into(), found.margin.into()])
    });
    let table =
        Table { id: "decisions", caption: "The least sure rows first".to_owned(), columns, rows: rows.collect() };
    Some(html! { (table.markup()) })
}

fn convergence(facts: &HatPage) -> Option<Markup> {
    let points = |name: &'static str, series, value: &dyn Fn(usize) -> Option<f64>| {
        let points: Vec<(String, f64, f64)> = (0..facts.history.len())
            .filter_map(|k| {
                Some((k.to_string(), f64::from(facts.history[k].iteration), value(k).filter(|v| *v > 0.0)?))
            })
            .collect();
        (!points.is_empty()).then(|| Line { series, name: name.to_owned(), points, columns: "0 1 2".to_owned() })
    };
    let all: Vec<Line> = [
        points("residual", Series::First, &|k| facts.history[k].residual),
        points("misfit", Series::Second, &|k| facts.history[k].misfit),
    ]
    .into_iter()
    .flatten()
    .collect();
    let last = facts.history.last().map(|step| f64::from(step.iteration)).filter(|last| *last > 0.0)?;
    let values = all.iter().flat_map(|line| &line.points).map(|(_, _, value)| *value);
    let frame = Frame {
        figure: "convergence",
        x: Axis {
            domain: Domain::linear(0.0, last).padded(0.01, 0.02),
            label: "step".to_owned(),
            short: "step".to_owned(),
            ticks: [6, 5],
        },
        y: Some(Axis {
            domain: Domain::log(values, f64::MIN_POSITIVE).padded(2.0, 2.0),
            label: String::new(),
            short: String::new(),
            ticks: [6, 6],
        }),
        height: [340.0, 320.0],
        left: [58.0, 50.0],
        right: [24.0, 14.0],
        zoom: true,
        near: Near::Point,
    };
    let columns = vec![
        Column::number("step", "/history/*/iteration", Format::Fixed(0)),
        Column::number("residual", "/history/*/residual", Format::Number),
        Column::number("misfit", "/history/*/misfit", Format::Number),
    ];
    let rows = facts.history.iter().enumerate().map(|(index, step)| {
        Row::new(index, vec![f64::from(step.iteration).into(), step.residual.into(), step.misfit.into()])
    });
    let figure = Figure {
        id: "convergence",
        question: "How did the descent to the weights go?",
        answer: html! { "It ended with “" (facts.status) "”." },
        legend: Legend::of(all.iter().map(|line| (line.series, line.name.as_str()))),
        upwards: Some("on a logarithmic scale".to_owned()),
        chart: frame.draw(|canvas| lines::draw(&all, canvas)),
        how: html! { "Residual: the largest difference of a score. Misfit: about the error that a log weight has by itself." (how_to_explore()) },
        table: Some(Table { id: "steps", caption: "Every step".to_owned(), columns, rows: rows.collect() }),
        print_table: false,
    };
    Some(figure.markup())
}

fn limits(facts: &HatPage) -> Markup {
    html! {
        dl.method {
            dt { "What is open" }
            @for open in &facts.open { dd { (open) } }
            @if facts.open.is_empty() { dd { "Nothing." } }
            @if facts.largest_error.is_some() {
                dt { "Errors" }
                dd { "The largest standard error of a log weight against the held row is "
                    (Quantity::new("/largest_error", facts.largest_error, Format::Number)) "." }
            }
            @if facts.explained.is_some() {
                dt { "Misfit of the column" }
                dd {
                    (Quantity::new("/misfit", facts.misfit, Format::Number).or("none"))
                    " of its length, where the errors of the hat values explain "
                    (Quantity::new("/explained", facts.explained, Format::Number)) "."
                }
            }
            @if !facts.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &facts.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd { "What was recovered, to four digits, with the numbers of its rows. It is as secret as the fit." }
            (method::run_again(&facts.tool, facts.created_utc.as_deref()))
        }
    }
}
