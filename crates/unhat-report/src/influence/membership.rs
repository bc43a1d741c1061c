//! Whose membership shows in a linear or ridge fit?

use super::InfluencePage;
use super::row_names::{row_cell, row_text};
use crate::charts::bars::{self, Bar};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Column, Row, Table};
use maud::{Markup, html};

/// Bars drawn.
const DRAWN: usize = 12;
/// AUC of guessing, where the bars start.
const GUESSING: f64 = 0.5;
/// Steps to which the right end of the axis is rounded up.
const AXIS_STEP: f64 = 0.05;

/// The figure, or None for another model.
pub(super) fn figure(facts: &InfluencePage) -> Option<Markup> {
    let membership = facts.study.as_ref()?.membership.as_ref()?;
    let first = membership.top.first()?;
    let at = |place: usize, key: &str| format!("/study/membership/top/{place}/{key}");
    let bars: Vec<Bar> = membership
        .top
        .iter()
        .take(DRAWN)
        .enumerate()
        .map(|(place, row)| Bar {
            name: row_text(&row.row),
            key: place.to_string(),
            series: Series::First,
            value: row.auc,
            beside: Quantity::new(at(place, "auc"), row.auc, Format::Fixed(3)),
        })
        .collect();
    let end = ((first.auc / AXIS_STEP + 0.2).ceil() * AXIS_STEP).clamp(GUESSING + AXIS_STEP, 1.0);
    let frame = Frame {
        figure: "membership",
        x: Axis {
            domain: Domain::linear(GUESSING, end),
            label: "how well a test can tell whether the row was used (AUC; 0.5 is guessing, 1 is certain)".to_owned(),
            short: "membership test, AUC (0.5 is guessing)".to_owned(),
            ticks: [6, 4],
        },
        y: None,
        height: [22.0, 24.0].map(|pitch| 62.0 + pitch * bars.len() as f64),
        left: [110.0, 84.0],
        right: [90.0, 60.0],
        zoom: false,
        near: Near::Point,
    };
    let source = |key: &str| format!("/study/membership/top/*/{key}");
    let columns = vec![
        Column::number("row", "", Format::Fixed(0)),
        Column::number("hat value h", source("hat"), Format::Number),
        Column::number("membership AUC", source("auc"), Format::Fixed(3)),
        Column::number("found at 1 % false alarms", source("tpr_at_1pct"), Format::Share),
        Column::number("divergence (nats)", source("kl"), Format::Number).or("without limit"),
    ];
    let rows = membership.top.iter().enumerate().map(|(place, row)| {
        let name = row_cell(&at(place, "row"), &row.row);
        Row::new(place, vec![name, row.hat.into(), row.auc.into(), row.tpr_at_1pct.into(), row.kl.into()])
    });
    let figure = Figure {
        id: "membership",
        question: "Whose membership in the training rows shows?",
        answer: html! {
            (Quantity::count("/study/membership/auc_over_055", membership.auc_over_055)) " of "
            (Quantity::count("/study/membership/count", membership.count)) " rows have an AUC above 0.55; the median row is at "
            (Quantity::new("/study/membership/auc_median", membership.auc_median, Format::Fixed(3)))
            ", where 0.5 is guessing."
        },
        legend: Legend::default(),
        upwards: None,
        chart: frame.draw(|canvas| bars::draw(&bars, GUESSING, "1 2 3 4", canvas)),
        how: html! {
            "How well somebody who knows a row can tell from the fit whether it was used, in closed form for a Gaussian linear \
                model. Of " (membership.of) ". Their sum, the effective dimension, is "
            (Quantity::new("/study/membership/effective_dimension", membership.effective_dimension, Format::Number)) "."
        },
        table: Some(Table {
            id: "members",
            caption: "The most exposed rows".to_owned(),
            columns,
            rows: rows.collect(),
        }),
        print_table: false,
    };
    Some(figure.markup())
}
