//! The report of an audit of a fit: what its diagnostics give away, worst first, and what would help.

use crate::Error;
use crate::charts::dots::{self, Dot, DotRow};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Domain;
use crate::image::Image;
use crate::number::{Format, Quantity};
use crate::page::{Page, Section};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::findings;
use crate::pieces::table::{Cell, Column, Row, Table};
use crate::sections::method;
use crate::sections::noise::LEAST_ERROR;
use crate::words;
use maud::{Markup, html};
use unhat::audit::fits::report::{FitAttack, FitAuditReport, FitRelease, FitResult, Secret};
use unhat::audit::report::Detail;

/// Heights of a row, wide and narrow, and of what is around the rows.
const PITCH: [f64; 2] = [26.0, 42.0];
const AROUND_ROWS: f64 = 62.0;

/// The findings as one HTML file. A report to share holds no coefficient.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the findings cannot be written as JSON.
pub fn fit_audit_page(findings: &FitAuditReport) -> Result<String, Error> {
    let findings = &for_its_reader(findings);
    let page = Page {
        brand: "unhat audit",
        subject: format!("What diagnostics of {} give away", findings.table.name),
        heading: format!("What {} of this fit give away", released(findings.release.kind)),
        facts: facts(findings),
        lead: verdict(findings),
        sections: sections(findings),
        data: serde_json::to_value(findings)?,
    };
    Ok(page.write())
}

/// The charts of the page, in its order.
pub fn fit_audit_images(findings: &FitAuditReport) -> Vec<Image> {
    let shown = sections(&for_its_reader(findings));
    shown.iter().flat_map(|section| Image::of_figures(&section.body)).collect()
}

fn for_its_reader(findings: &FitAuditReport) -> FitAuditReport {
    let mut findings = findings.clone();
    if findings.detail == Detail::Share {
        findings.coefficients.iter_mut().for_each(|coefficient| coefficient.value = None);
        findings.fit.hidden_column = None;
    }
    findings
}

fn released(kind: FitRelease) -> &'static str {
    match kind {
        FitRelease::Hat => "hat values",
        FitRelease::Cook => "hat values and Cook’s distances",
        FitRelease::Deviance => "hat values and deviance residuals",
        FitRelease::Dffits => "hat values and DFFITS",
    }
}

fn secret(secret: Secret) -> &'static str {
    match secret {
        Secret::Weights => "the weights of the rows (their logarithms)",
        Secret::Coefficients => "the coefficients",
        Secret::Outcomes => "the responses",
        Secret::Column => "the hidden column",
        Secret::Residuals => "the residuals",
    }
}

fn attack(attack: FitAttack) -> &'static str {
    match attack {
        FitAttack::HatToWeights => "weights from hat values",
        FitAttack::HatToCoefficients => "coefficients from hat values",
        FitAttack::SizesToOutcomes => "responses from sizes",
        FitAttack::SignsToOutcomes => "responses from signs",
        FitAttack::HatToColumn => "the hidden column from hat values",
        FitAttack::CookToResiduals => "sizes of residuals from Cook’s distances",
        FitAttack::DffitsToResiduals => "residuals from DFFITS",
    }
}

fn facts(findings: &FitAuditReport) -> Vec<(&'static str, Markup)> {
    let (table, fit) = (&findings.table, &findings.fit);
    vec![
        ("Table", words::table_fact(&table.name, "/table", table.rows, table.columns)),
        (
            "Fit",
            html! {
                @match (&fit.family, &fit.link) {
                    (Some(family), Some(link)) => { (family) ", link " (link) }
                    _ => "linear",
                }
                @if let Some(hidden) = &fit.hidden_column { ", hidden column " span.name { (hidden) } }
            },
        ),
        ("Release", html! { (released(findings.release.kind)) }),
        ("Planned protection", words::protection(&findings.release.planned, "/release/planned")),
        (
            "Wished error (declared)",
            html! { "at least " (Quantity::new("/target_error", findings.target_error, Format::Share)) },
        ),
        (
            "Without any release",
            html! {
                @for (place, guess) in findings.secrets.iter().enumerate() {
                    @if place > 0 { "; " }
                    (secret(guess.secret)) ": "
                    (Quantity::new(format!("/secrets/{place}/error"), guess.error, Format::Share))
                }
            },
        ),
    ]
}

fn verdict(findings: &FitAuditReport) -> Markup {
    let verdict = &findings.verdict;
    let wished = Quantity::new("/target_error", findings.target_error, Format::Share);
    let guess = Quantity::new("/verdict/guess_error", verdict.guess_error, Format::Share);
    html! {
        strong { (if verdict.meets_target { "As wished." } else { "Not as wished." }) }
        " The strongest attack is that on " (secret(verdict.secret)) ": "
        @match &verdict.error {
            None => "no try gave an answer",
            Some(error) => {
                "its error is " (Quantity::new("/verdict/error/median", error.median, Format::Share))
                (if error.trials == 1 { "" } else { " in half of the tries" })
            }
        }
        ", where a guess without the release is off by " (guess) " and the wish is " (wished) "."
    }
}

fn sections(findings: &FitAuditReport) -> Vec<Section> {
    let one = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    let shown = [
        one("s-protections", "Protections", "Protections", protections(findings)),
        one("s-coefficients", "Coefficients", "Coefficients", coefficients(findings)),
        one("s-limits", "Method", "Method and limits", Some(limits(findings))),
    ];
    let shown: Vec<Section> = shown.into_iter().flatten().collect();
    let place = |section: &str| {
        shown.iter().find(|shown| shown.id == format!("s-{section}")).map(|shown| (shown.id, shown.name))
    };
    let body = findings::list(&findings.findings, place);
    let list = Section { id: "s-findings", name: "Findings", title: "Findings", body };
    std::iter::once(list).chain(shown).collect()
}

fn protections(findings: &FitAuditReport) -> Option<Markup> {
    let groups: Vec<&[FitResult]> =
        findings.results.chunk_by(|a, b| (a.protection, a.level) == (b.protection, b.level)).collect();
    let attacks: Vec<FitAttack> = groups.first()?.iter().map(|result| result.attack).collect();
    let mut first = 0;
    let rows: Vec<DotRow> = groups
        .iter()
        .map(|group| {
            let dots = group.iter().enumerate().filter_map(|(place, result)| {
                let error = result.error.as_ref()?;
                Some(Dot {
                    series: Series::nth(place),
                    key: (first + place).to_string(),
                    value: error.median.max(LEAST_ERROR),
                    interval: (error.trials > 1).then_some((error.q05.max(LEAST_ERROR), error.q95.max(LEAST_ERROR))),
                    columns: "1 2 3 4 5 6 7 8 9".into(),
                })
            });
            let row = DotRow { name: group[0].label.clone(), dots: dots.collect(), bound: None };
            first += group.len();
            row
        })
        .collect();
    let errors = findings.results.iter().filter_map(|r| r.error.as_ref()).flat_map(|e| [e.q05, e.median, e.q95]);
    let frame = Frame {
        figure: "protections",
        x: Axis {
            domain: Domain::log(errors.chain([findings.target_error, 3.0]), LEAST_ERROR).padded(0.6, 0.0),
            label: "error of the attack (right is safer)".to_owned(),
            short: "error (right is safer)".to_owned(),
            ticks: [8, 4],
        },
        y: None,
        height: PITCH.map(|pitch| AROUND_ROWS + pitch * rows.len() as f64),
        left: [264.0, 14.0],
        right: [24.0, 18.0],
        zoom: false,
        near: Near::Point,
    };
    let wished = Quantity::new("/target_error", findings.target_error, Format::Share);
    let figure = Figure {
        id: "protections",
        question: "Which protection would help?",
        answer: html! {
            "Shaded: errors of " (wished.clone()) " and more, which are wished for. A guess without the release may be \
                as close: see the table."
        },
        legend: Legend::of(attacks.iter().enumerate().map(|(place, kind)| (Series::nth(place), attack(*kind)))),
        upwards: None,
        chart: frame.draw(|canvas| dots::draw(&rows, Some(&wished), canvas)),
        how: html! {
            "Marks: the median try; lines: from the 5 % point to the 95 % point of the tries. The error of responses and \
                of a hidden column is the share of rows that are not told right. An attack that always failed has no mark."
        },
        table: Some(table(findings)),
        print_table: true,
    };
    Some(figure.markup())
}

fn table(findings: &FitAuditReport) -> Table {
    let source = |key: &str| format!("/results/*/{key}");
    let columns = vec![
        Column::text("protection"),
        Column::text("attack"),
        Column::number("tries", source("trials"), Format::Count),
        Column::number("failed", source("failed"), Format::Count),
        Column::number("error, median", source("error/median"), Format::Share).or("all failed"),
        Column::number("5 % point", source("error/q05"), Format::Share),
        Column::number("95 % point", source("error/q95"), Format::Share),
        Column::number("guess without the release", source("guess_error"), Format::Share),
        Column::number("rows told", source("told"), Format::Share),
        Column::number("rows told wrong", source("wrong"), Format::Share),
        Column::number("smallest margin", source("margin"), Format::Number),
    ];
    let rows = findings.results.iter().enumerate().map(|(index, result)| {
        let error = result.error.as_ref();
        let cells: Vec<Cell> = vec![
            result.label.as_str().into(),
            attack(result.attack).into(),
            f64::from(result.trials).into(),
            f64::from(result.failed).into(),
            error.map(|e| e.median).into(),
            error.map(|e| e.q05).into(),
            error.map(|e| e.q95).into(),
            result.guess_error.into(),
            result.told.into(),
            result.wrong.into(),
            result.margin.into(),
        ];
        Row::new(index, cells)
    });
    Table { id: "everything-tried", caption: "Every protection and attack".to_owned(), columns, rows: rows.collect() }
}

fn coefficients(findings: &FitAuditReport) -> Option<Markup> {
    findings.coefficients.first()?;
    let columns = vec![
        Column::text("column"),
        Column::number("coefficient", "/coefficients/*/value", Format::Number).or("not shown"),
        Column::number("error of the attack", "/coefficients/*/error_rel", Format::Share).or("open"),
    ];
    let rows = findings.coefficients.iter().enumerate().map(|(index, coefficient)| {
        Row::new(index, vec![coefficient.name.as_str().into(), coefficient.value.into(), coefficient.error_rel.into()])
    });
    let table = Table {
        id: "coefficients-table",
        caption: "Each coefficient at the planned protection".to_owned(),
        columns,
        rows: rows.collect(),
    };
    Some(html! {
        p.answer { "The relative error in the middle of the tries, after what is open was taken out." }
        (table.markup())
    })
}

fn limits(findings: &FitAuditReport) -> Markup {
    html! {
        dl.method {
            dt { "What was measured" }
            dd {
                "The fit was given, with its coefficients and weights; nothing was fitted. Its diagnostics were computed, \
                    protected, and inverted as an attacker would who holds the table (but for a hidden column), knows the \
                    family, and knows how the numbers were protected. What an inversion leaves open was taken out in his \
                    favour."
            }
            @if !findings.open.is_empty() {
                dt { "What the release leaves open" }
                @for open in &findings.open { dd { (open) } }
            }
            dt { "What is known without a release" }
            @for (place, guess) in findings.secrets.iter().enumerate() {
                dd {
                    "The guess that " (guess.guess) ": off by "
                    (Quantity::new(format!("/secrets/{place}/error"), guess.error, Format::Share)) "."
                }
            }
            dt { "What is not covered" }
            dd { "Attackers who hold other tables about the same people. Repeated releases: noise averages out. Attacks \
                better than those that were run." }
            @if !findings.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &findings.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd {
                @match findings.detail {
                    Detail::Owner => "This is the owner’s copy: it holds the coefficients to four digits, but no released \
                        value. Keep it inside. With --report-detail share they are left out.",
                    Detail::Share => "This copy may be handed on: it holds no coefficient and no released value.",
                }
            }
            dt { "The table" }
            dd {
                (findings.table.name)
                @if let Some(response) = &findings.table.response { ", response " span.name { (response) } }
                br;
                "SHA-256 of its values " code { (findings.table.sha256) }
            }
            (method::run_again(&findings.tool, findings.created_utc.as_deref()))
        }
    }
}
