//! The rows that hurt and help most, with their cells.

use super::InfluencePage;
use super::row_names::row_cell;
use crate::number::{Format, Quantity};
use crate::pieces::table::{Cell, Column, Row, Table};
use maud::{Markup, html};
use unhat_models::influence::{Evidence, RowEvidence};

/// Both tables, or None without a study.
pub(super) fn block(facts: &InfluencePage) -> Option<Markup> {
    let evidence = facts.evidence.as_ref()?;
    let worst = evidence.worst.first()?;
    Some(html! {
        p.answer {
            "The lowest score is " (score("worst", worst))
            @if let Some(best) = evidence.best.first() { ", the highest " (score("best", best)) }
            "; larger is better in every method."
            @if evidence.columns_left_out > 0 {
                " Not shown: " (Quantity::count("/evidence/columns_left_out", evidence.columns_left_out))
                (if evidence.columns_left_out == 1 { " further column" } else { " further columns" }) " of the table."
            }
        }
        h3 { "The most harmful rows" }
        (table("worst", "The lowest scores, worst first", evidence, &evidence.worst))
        @if !evidence.best.is_empty() {
            h3.next { "The most helpful rows" }
            (table("best", "The highest scores, best first", evidence, &evidence.best))
        }
    })
}

fn score(end: &str, row: &RowEvidence) -> Quantity {
    Quantity::new(format!("/evidence/{end}/0/score"), row.score, Format::Number)
}

fn table(end: &'static str, caption: &str, evidence: &Evidence, rows: &[RowEvidence]) -> Markup {
    let source = |key: &str| format!("/evidence/{end}/*/{key}");
    let mut columns = vec![
        Column::number("row", "", Format::Fixed(0)),
        Column::number("score", source("score"), Format::Number),
        Column::number("loss", source("loss"), Format::Number),
        Column::text(format!("{} (response)", evidence.response)),
    ];
    columns.extend(evidence.columns.iter().map(|name| Column::text(name.clone())));
    let rows = rows.iter().enumerate().map(|(place, row)| {
        let mut cells = vec![
            row_cell(&format!("/evidence/{end}/{place}/row"), &row.row),
            row.score.into(),
            row.loss.into(),
            Cell::Text(row.response.clone()),
        ];
        cells.extend(row.cells.iter().map(|cell| Cell::Text(if cell.is_empty() { "—".into() } else { cell.clone() })));
        Row::new(place, cells)
    });
    Table { id: end, caption: caption.to_owned(), columns, rows: rows.collect() }.markup()
}
