//! Which method finds planted flips?

use crate::charts::dots::{self, Dot, DotRow};
use crate::charts::frame::{Axis, Frame, Series};
use crate::charts::scale::Domain;
use crate::influence::InfluencePage;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Cell, Column, Row, Table};
use maud::{Markup, html};
use unhat_models::influence::CheckReport;

/// The figure, or None without a check.
pub(super) fn figure(facts: &InfluencePage) -> Option<Markup> {
    let check = facts.check.as_ref()?;
    check.methods.first()?;
    let dot = |series, key: usize, value| Dot {
        series,
        key: key.to_string(),
        value,
        interval: None,
        columns: "1 2 3 4".to_owned(),
    };
    let rows: Vec<DotRow> = check
        .methods
        .iter()
        .enumerate()
        .map(|(place, method)| DotRow {
            name: method.method.clone(),
            dots: vec![dot(Series::First, place, method.auc), dot(Series::Second, place, method.average_precision)],
            bound: None,
        })
        .collect();
    let frame = Frame::of_rows(
        "flips",
        Axis {
            domain: Domain::linear(0.0, 1.0),
            label: "AUC and average precision on the planted rows (right is better)".to_owned(),
            short: "on the planted rows (right is better)".to_owned(),
            ticks: [6, 5],
        },
        rows.len(),
        [26.0, 40.0],
        [130.0, 14.0],
        [24.0, 22.0],
    );
    let figure = Figure {
        id: "flips",
        question: "Which method finds flipped labels in this table?",
        answer: answer(check),
        legend: Legend::of([(Series::First, "area under the curve (AUC)"), (Series::Second, "average precision")]),
        upwards: None,
        chart: frame.draw(|canvas| dots::draw(&rows, None, canvas)),
        how: html! {
            "AUC is the chance that a flipped row has a lower score than another; one half is guessing. Where real noise \
                is present both numbers are understated, since unknown noisy rows count as sound: use them to rank the \
                methods."
        },
        table: Some(table(check)),
        print_table: true,
    };
    Some(html! {
        (figure.markup())
        @if !check.left_out.is_empty() {
            dl.method {
                dt { "Methods that were not run" }
                @for left_out in &check.left_out { dd { (left_out.method) ": " (left_out.reason) } }
            }
        }
    })
}

fn answer(check: &CheckReport) -> Markup {
    let auc =
        |place: usize| Quantity::new(format!("/check/methods/{place}/auc"), check.methods[place].auc, Format::Fixed(3));
    let loss = check.methods.iter().position(|method| method.method == "loss");
    html! {
        "Best is " (check.methods[0].method) ", with an AUC of " (auc(0))
        @match loss {
            Some(0) | None => ".",
            Some(place) => { "; plain loss has " (auc(place)) "." }
        }
        @if check.ensemble > 1 {
            " Each is the mean over " (Quantity::count("/check/ensemble", u64::from(check.ensemble)))
            " networks; the gain in the table is over one of them, on average."
        }
    }
}

fn table(check: &CheckReport) -> Table {
    let ensemble = check.ensemble > 1;
    let source = |key: &str| format!("/check/methods/*/{key}");
    let mut columns = vec![
        Column::text("method"),
        Column::number("AUC", source("auc"), Format::Fixed(3)),
        Column::number("average precision", source("average_precision"), Format::Fixed(3)),
    ];
    if ensemble {
        columns.push(Column::number("AUC of one network", source("auc_of_one"), Format::Fixed(3)));
        columns.push(Column::number("gain", "", Format::Fixed(3)));
    }
    let rows = check.methods.iter().enumerate().map(|(place, method)| {
        let mut cells = vec![method.method.as_str().into(), method.auc.into(), method.average_precision.into()];
        if ensemble {
            let at = format!("/check/methods/{place}");
            cells.push(method.auc_of_one.into());
            cells.push(Cell::Quantity(Quantity::new(
                format!("{at}/auc - {at}/auc_of_one"),
                method.auc_of_one.map(|one| method.auc - one),
                Format::Fixed(3),
            )));
        }
        Row::new(place, cells)
    });
    Table { id: "planted", caption: "Planted flips, best first".to_owned(), columns, rows: rows.collect() }
}
