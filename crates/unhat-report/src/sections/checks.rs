//! Identities that must hold, and whether they do.

use crate::number::Format;
use crate::pieces::table::{Column, Row, Table};
use maud::{Markup, html};
use unhat::report::Check;

/// A sentence and the table, or None without checks.
pub(crate) fn block(checks: &[Check]) -> Option<Markup> {
    if checks.is_empty() {
        return None;
    }
    let broken: Vec<&str> = checks.iter().filter(|check| !check.ok).map(|check| check.name.as_str()).collect();
    let columns = vec![
        Column::text("check"),
        Column::text("holds"),
        Column::number("by theory", "/checks/*/expected", Format::Number),
        Column::number("computed", "/checks/*/got", Format::Number),
        Column::number("may differ by", "/checks/*/tolerance", Format::Number),
    ];
    let rows = checks.iter().enumerate().map(|(index, check)| {
        let holds = if check.ok { "✓ yes" } else { "✗ no" };
        let cells = vec![
            readable(&check.name).into(),
            holds.into(),
            check.expected.into(),
            check.got.into(),
            check.tolerance.into(),
        ];
        Row { key: index.to_string(), cells, marked: !check.ok }
    });
    let table = Table { id: "checks", caption: "Self-checks".to_owned(), columns, rows: rows.collect() };
    Some(html! {
        p.answer {
            @if broken.is_empty() { "All identities that must hold do hold." }
            @else { strong { "Do not rely on these numbers: " } "these identities do not hold: " (broken.join(", "))
                "." }
        }
        (table.markup())
    })
}

/// "sum_of_scores" → "sum of scores"
fn readable(name: &str) -> String {
    name.replace('_', " ")
}
