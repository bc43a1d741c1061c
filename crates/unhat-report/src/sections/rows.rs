//! Which rows are exposed?

use crate::charts::bars::{self, Bar};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Cell, Column, Row, Table};
use crate::words::row_name;
use maud::{Markup, html};
use unhat::audit::report::{AuditReport, ExposedRow};

/// Bars drawn, and rows of the table.
const DRAWN: usize = 15;
const LISTED: usize = 60;
const PITCH: [f64; 2] = [22.0, 24.0];
const AROUND_ROWS: f64 = 62.0;
/// AUC of guessing, where the bars start.
const GUESSING: f64 = 0.5;
/// Steps to which the right end of the axis is rounded up.
const AXIS_STEP: f64 = 0.05;

/// The figure, or None without rows.
pub(crate) fn figure(findings: &AuditReport) -> Option<Markup> {
    let rows = &findings.rows;
    let first = rows.top.first()?;
    let bars: Vec<Bar> = rows.top.iter().take(DRAWN).enumerate().map(|(place, row)| bar(place, row)).collect();
    let end = ((first.auc / AXIS_STEP + 0.2).ceil() * AXIS_STEP).clamp(GUESSING + AXIS_STEP, 1.0);
    let frame = Frame {
        figure: "rows",
        x: Axis {
            domain: Domain::linear(GUESSING, end),
            label: "how well a test can tell whether the row was used (AUC; 0.5 is guessing, 1 is certain)".to_owned(),
            short: "membership test, AUC (0.5 is guessing)".to_owned(),
            ticks: [6, 4],
        },
        y: None,
        height: PITCH.map(|pitch| AROUND_ROWS + pitch * bars.len() as f64),
        left: [92.0, 76.0],
        right: [110.0, 66.0],
        zoom: false,
        near: Near::Point,
    };
    let figure = Figure {
        id: "rows",
        question: "Which rows are exposed?",
        answer: answer(findings),
        legend: Legend::default(),
        upwards: None,
        chart: frame.draw(|canvas| bars::draw(&bars, GUESSING, "1 2 3 4 5 7", canvas)),
        how: html! {
            "How well somebody who knows a row can tell from the fit whether it was used: in closed form from the hat \
                value hᵢ, for a Gaussian linear model; heavy-tailed data can expose more. At few false alarms the test \
                finds the row 1 ÷ (1 − hᵢ) times as often as chance, which is printed beside each bar."
        },
        table: Some(table(findings)),
        print_table: false,
    };
    Some(figure.markup())
}

fn bar(place: usize, row: &ExposedRow) -> Bar {
    Bar {
        name: row_name(row.row, place),
        key: place.to_string(),
        series: Series::First,
        value: row.auc,
        beside: Quantity::new(format!("/rows/top/{place}/factor"), row.factor, Format::Times).or("without limit"),
    }
}

fn answer(findings: &AuditReport) -> Markup {
    let rows = &findings.rows;
    let standing_out = Quantity::count("/rows/auc_over_055", rows.auc_over_055);
    let others = Quantity::count("/rows/count - /rows/auc_over_055", rows.count.saturating_sub(rows.auc_over_055));
    let median = Quantity::new("/rows/auc_median", rows.auc_median, Format::Fixed(3));
    html! {
        @match rows.auc_over_055 {
            0 => { "No row stands out: none has an AUC above 0.55, and the median row is at " (median)
                ", where 0.5 is guessing." }
            one_or_more => {
                (standing_out) (if one_or_more == 1 { " row stands" } else { " rows stand" })
                " out with an AUC above 0.55; the other " (others) " stay near guessing (0.5), the median row at "
                    (median) "."
            }
        }
    }
}

fn table(findings: &AuditReport) -> Table {
    let source = |key: &str| format!("/rows/top/*/{key}");
    let top = &findings.rows.top;
    let columns = vec![
        Column::number("row", "", Format::Fixed(0)),
        Column::number("hat value h", source("hat"), Format::Number),
        Column::number("membership AUC", source("auc"), Format::Fixed(3)),
        Column::number("found at 1 % false alarms", source("tpr_at_1pct"), Format::Share),
        Column::number("at 0.1 %", source("tpr_at_01pct"), Format::Share),
        Column::number("times chance", source("factor"), Format::Times).or("without limit"),
        Column::number("studentised residual", source("studentised"), Format::Fixed(2)),
        Column::number("Cook’s distance", source("cook"), Format::Number),
    ];
    let rows = top.iter().take(LISTED).enumerate().map(|(place, row)| {
        let name = match row.row {
            Some(number) => {
                Cell::Quantity(Quantity::new(format!("/rows/top/{place}/row"), number as f64, Format::Fixed(0)))
            }
            None => row_name(None, place).into(),
        };
        let cells = vec![
            name,
            row.hat.into(),
            row.auc.into(),
            row.tpr_at_1pct.into(),
            row.tpr_at_01pct.into(),
            row.factor.into(),
            row.studentised.into(),
            row.cook.into(),
        ];
        Row::new(place, cells)
    });
    Table { id: "exposed-rows", caption: "The most exposed rows".to_owned(), columns, rows: rows.collect() }
}
