//! Does a score say more than the loss? All rows by both.

use super::InfluencePage;
use super::row_names::{row_cell, row_text};
use crate::charts::density::{self, Point, domain_of};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Kind;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend, how_to_explore};
use crate::pieces::table::{Column, Row, Table};
use maud::{Markup, html};
use unhat_models::influence::RowEvidence;

/// Rows that are labelled at each end, where there is room.
const LABELLED: usize = 4;

/// The figure, or None without a study.
pub(super) fn figure(facts: &InfluencePage) -> Option<Markup> {
    let (density, evidence, study) = (facts.density.as_ref()?, facts.evidence.as_ref()?, facts.study.as_ref()?);
    let across = domain_of(&density.x);
    let log = across.kind == Kind::Log;
    let up = domain_of(&density.y);
    let floor = density.x.lo;
    let point = |end: &str, series, (place, row): (usize, &RowEvidence)| Point {
        key: format!("{end}/{place}"),
        x: row.loss.max(floor),
        y: row.score,
        series,
        label: if place < LABELLED { row_text(&row.row) } else { String::new() },
    };
    let mut points: Vec<Point> =
        evidence.worst.iter().enumerate().map(|row| point("worst", Series::Second, row)).collect();
    points.extend(evidence.best.iter().enumerate().map(|row| point("best", Series::First, row)));
    let frame = Frame {
        figure: "spread",
        x: Axis {
            domain: if log { across.padded(0.1, 0.3) } else { across.padded(0.02, 0.06) },
            label: "loss of the row".to_owned(),
            short: "loss of the row".to_owned(),
            ticks: [6, 4],
        },
        y: Some(Axis { domain: up.padded(0.06, 0.06), label: String::new(), short: String::new(), ticks: [6, 5] }),
        height: [400.0, 360.0],
        left: [70.0, 58.0],
        right: [70.0, 14.0],
        zoom: true,
        near: Near::Point,
    };
    let names = evidence.worst.iter().map(|row| ("worst", row)).chain(evidence.best.iter().map(|row| ("best", row)));
    let mut places = [0_usize; 2];
    let rows = names.map(|(end, row)| {
        let counter = &mut places[usize::from(end == "best")];
        let place = *counter;
        *counter += 1;
        Row::new(
            format!("{end}/{place}"),
            vec![row_cell(&format!("/evidence/{end}/{place}/row"), &row.row), row.loss.into(), row.score.into()],
        )
    });
    let table = Table {
        id: "spread-rows",
        caption: "The rows drawn one by one".to_owned(),
        columns: vec![
            Column::number("row", "", Format::Fixed(0)),
            Column::number("loss", "/evidence/*/*/loss", Format::Number),
            Column::number("score", "/evidence/*/*/score", Format::Number),
        ],
        rows: rows.collect(),
    };
    let loss = evidence.agreement.methods.iter().position(|method| method.method == "loss");
    let with_loss = loss.and_then(|k| evidence.agreement.correlation.first().and_then(|row| row.get(k).copied()));
    let figure = Figure {
        id: "spread",
        question: "Does the score say more than the loss?",
        answer: html! {
            @match (study.method.as_str(), loss) {
                ("loss", _) => "Here the score is minus the loss itself.",
                (_, Some(k)) => {
                    "Rank correlation of the scores with minus the loss: "
                    (Quantity::new(format!("/evidence/agreement/correlation/0/{k}"), with_loss.flatten(),
                        Format::Fixed(2)).or("not defined"))
                    ". Where it is near one, plain loss would have chosen the same rows."
                },
                _ => "Every row by its loss and its score.",
            }
        },
        legend: Legend::of([(Series::Second, "the most harmful rows"), (Series::First, "the most helpful rows")]),
        upwards: Some(format!("score by {} (larger is better)", study.method)),
        chart: frame.draw(|canvas| density::draw(Some(density), &[], &points, canvas)),
        how: html! {
            "All " (Quantity::count("/study/model/training_rows", study.model.training_rows as u64))
            " training rows are counted in the shading (darker: more rows); the rows at both ends are drawn one by one."
            @if log { " Losses less than a millionth of the largest are drawn at the left edge." }
            (how_to_explore())
        },
        table: Some(table),
        print_table: false,
    };
    Some(figure.markup())
}
