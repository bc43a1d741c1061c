//! The page of an output check: the decision first, item by item, then what stands behind it and what was not looked at.

use crate::Error;
use crate::number::{Format, Quantity};
use crate::page::{Page, Section};
use crate::pieces::table::{Cell, Column, Row, Table};
use crate::sections::rows_figures;
use maud::{Markup, html};
use unhat_models::checking::{Detail, OutputsReport, Remedy, Verdict};

/// The check as one HTML file: one printed side for the decision, the rest for the evidence.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the report cannot be written as JSON.
pub fn outputs_page(report: &OutputsReport) -> Result<String, Error> {
    let section = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    let sections = [
        section("s-items", "Items", "Item by item", Some(items(report))),
        section("s-evidence", "Evidence", "What stands behind it", evidence(report)),
        section("s-figures", "Figures", "Plots to be released", figures(report)),
        section("s-remedies", "Remedies", "What was tried", report.remedies.as_deref().map(remedies)),
        section("s-attacks", "Attacks", "Every attack that was run", Some(attacks(report))),
        section("s-appetite", "Thresholds", "The risk appetite in force", Some(appetite(report))),
        section("s-limits", "Not checked", "Not checked", Some(limits(report))),
    ];
    let page = Page {
        brand: "unhat audit outputs",
        subject: format!("Release of a fit on {}", report.table.name),
        heading: format!("May this leave? {}", report.model.formula),
        facts: facts(report),
        lead: lead(report),
        sections: sections.into_iter().flatten().collect(),
        data: serde_json::to_value(report)?,
    };
    Ok(page.write())
}

/// The decision in words.
fn decision(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Note | Verdict::Pass => "Pass.",
        Verdict::Review => "Review.",
        Verdict::Fail => "Fail.",
    }
}

fn lead(report: &OutputsReport) -> Markup {
    html! {
        strong { (decision(report.verdict)) } " " (report.headline)
        @if report.detail == Detail::Full {
            " For the output checker: this page names rows, do not release it."
        }
    }
}

fn facts(report: &OutputsReport) -> Vec<(&'static str, Markup)> {
    let (table, model) = (&report.table, &report.model);
    let mut facts = vec![
        (
            "Table",
            html! {
                span.name { (table.name) } ", " (Quantity::count("/table/used", table.used)) " of "
                (Quantity::count("/table/rows", table.rows)) " rows"
            },
        ),
        (
            "Model",
            html! { (model.family) ", " (model.link) " link, rank " (Quantity::count("/model/rank", model.rank)) },
        ),
        (
            "Printed",
            html! {
                @if let Some(digits) = report.digits { (Quantity::count("/digits", u64::from(digits))) " significant digits" }
                @else { "all digits" }
            },
        ),
        ("Secret", html! { @if report.secrets.is_empty() { "none declared" } @else { (report.secrets.join(", ")) } }),
        ("Program", html! { (report.tool.name) " " (report.tool.version) ", " span.name { (report.tool.command) } }),
    ];
    if let Some(created) = &report.created_utc {
        facts.push(("Made", html! { (created) }));
    }
    if let Some(hash) = &table.sha256 {
        facts.push(("SHA-256 of the table", html! { span.name { (hash) } }));
    }
    facts
}

fn items(report: &OutputsReport) -> Markup {
    let rows = report.items.iter().enumerate().map(|(k, item)| Row {
        marked: item.verdict >= Verdict::Review,
        ..Row::new(
            k,
            vec![
                Cell::from(item.item.name()),
                Cell::from(item.verdict.name()),
                Cell::from(item.attack.clone().unwrap_or_default()),
                Cell::from(item.value),
                Cell::from(item.threshold),
                Cell::from(item.summary.clone()),
            ],
        )
    });
    let table = Table {
        id: "items",
        caption: "Each item with the attack that reaches furthest.".into(),
        columns: vec![
            Column::text("Item"),
            Column::text("Verdict"),
            Column::text("Attack"),
            Column::number("Reached", "/items/*/value", Format::Number),
            Column::number("Threshold", "/items/*/threshold", Format::Number),
            Column::text("Found"),
        ],
        rows: rows.collect(),
    };
    table.markup()
}

fn evidence(report: &OutputsReport) -> Option<Markup> {
    let grave: Vec<_> =
        report.findings.iter().enumerate().filter(|(_, finding)| finding.verdict >= Verdict::Review).collect();
    if grave.is_empty() {
        return None;
    }
    Some(html! {
        ol.findings {
        @for (k, finding) in grave {
            li .(class(finding.verdict)) {
                (level(finding.verdict))
                div {
                h3 { (finding.item.name()) ": " (finding.attack) }
                p {
                    "Intruder: " (finding.intruder.words()) ". " (finding.measure) ": "
                    (Quantity::new(format!("/findings/{k}/value"), finding.value.unwrap_or(f64::NAN), Format::Number))
                    @if let Some(threshold) = finding.threshold {
                        ", threshold " (Quantity::new(format!("/findings/{k}/threshold"), threshold, Format::Number))
                    }
                    ". " (finding.summary) "."
                }
                @if !finding.detail.is_empty() { p { (finding.detail) "." } }
                @if !finding.remedy.is_empty() { p { "To do: " (finding.remedy) "." } }
                }
            }
        }
        }
    })
}

/// The plots among the items, as they would leave.
fn figures(report: &OutputsReport) -> Option<Markup> {
    let drawn = rows_figures::figures(&report.figures, |_| "/table/used".into(), None, "");
    (!report.figures.is_empty()).then_some(drawn)
}

fn level(verdict: Verdict) -> Markup {
    let sign = match verdict {
        Verdict::Fail => "▲",
        Verdict::Review => "→",
        Verdict::Note | Verdict::Pass => "●",
    };
    html! { div.level { span aria-hidden="true" { (sign) } " " (verdict.name()) } }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "exposed",
        Verdict::Review => "action",
        Verdict::Note | Verdict::Pass => "note",
    }
}

fn remedies(tried: &[Remedy]) -> Markup {
    if tried.is_empty() {
        return html! { p { "Nothing had to be tried, or nothing that could be fitted was left." } };
    }
    html! {
        @for (k, remedy) in tried.iter().enumerate() {
            h3 { (remedy.change) ": " (remedy.verdict.name()) }
            @if !remedy.note.is_empty() { p { (remedy.note) "." } }
            (moves(k, remedy))
        }
    }
}

/// Identifiers of tables are words of the program; at most five changes are tried.
const MOVED: [&str; 5] = ["moves-1", "moves-2", "moves-3", "moves-4", "moves-5"];

fn moves(k: usize, remedy: &Remedy) -> Markup {
    let rows = remedy.moves.iter().enumerate();
    let table = Table {
        id: MOVED[k.min(MOVED.len() - 1)],
        caption: "What it does to the coefficients that stay, in their standard errors.".into(),
        columns: vec![
            Column::text("Column"),
            Column::number("Moves by", format!("/remedies/{k}/moves/*/standard_errors"), Format::Number),
        ],
        rows: rows
            .map(|(at, moved)| Row::new(at, vec![Cell::from(moved.column.clone()), Cell::from(moved.standard_errors)]))
            .collect(),
    };
    table.markup()
}

fn attacks(report: &OutputsReport) -> Markup {
    let rows = report.findings.iter().enumerate().map(|(k, finding)| {
        Row::new(
            k,
            vec![
                Cell::from(finding.attack.clone()),
                Cell::from(finding.item.name()),
                Cell::from(finding.verdict.name()),
                Cell::from(finding.intruder.words()),
                Cell::from(finding.measure.clone()),
                Cell::from(finding.value),
            ],
        )
    });
    let table = Table {
        id: "attacks",
        caption: "Every attack, run on this very fit.".into(),
        columns: vec![
            Column::text("Attack"),
            Column::text("Reads"),
            Column::text("Verdict"),
            Column::text("Intruder"),
            Column::text("Measure"),
            Column::number("Reached", "/findings/*/value", Format::Number),
        ],
        rows: rows.collect(),
    };
    table.markup()
}

fn appetite(report: &OutputsReport) -> Markup {
    let rows = report.appetite.iter().enumerate().map(|(k, threshold)| {
        Row::new(
            k,
            vec![Cell::from(threshold.key.clone()), Cell::from(threshold.value), Cell::from(threshold.source.clone())],
        )
    });
    let table = Table {
        id: "appetite",
        caption: "Thresholds, and where their defaults come from.".into(),
        columns: vec![
            Column::text("Threshold"),
            Column::number("Value", "/appetite/*/value", Format::Number),
            Column::text("Default from"),
        ],
        rows: rows.collect(),
    };
    table.markup()
}

fn limits(report: &OutputsReport) -> Markup {
    html! {
        ul { @for line in &report.not_checked { li { (line) "." } } }
        @for warning in &report.warnings { p { (warning) } }
        p.sign { "Checked by: ______________________   Date: ______________" }
    }
}
