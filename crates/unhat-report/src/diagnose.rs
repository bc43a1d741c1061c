//! The report of a diagnosis: the fit, which rows are flagged by which rule, and the rows that matter most.

use crate::Error;
use crate::number::{Format, Quantity};
use crate::page::{Page, Section};
use crate::pieces::table::{Column, Row, Table};
use crate::sections::{method, rows_figures};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use unhat::report::Tool;
use unhat_models::diagnose::{DiagnoseReport, Rule};
use unhat_models::figures::Figure;

/// Up to so many rows the page draws one by one: more make it long to load, and are a release of every row.
pub const PAGE_POINTS: usize = 500;
/// So many partial regressions fit on a page.
pub const PAGE_PARTIAL: usize = rows_figures::PARTIAL_ON_A_PAGE;

/// Everything that the report of a diagnosis draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosePage {
    /// The program and the run.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: Option<String>,
    /// What holds the table: a file's name.
    pub table: String,
    /// What was found.
    pub found: DiagnoseReport,
    /// What the figures show; of partial regressions the first [`PAGE_PARTIAL`].
    #[serde(default)]
    pub figures: Vec<Figure>,
    /// What the reader must know and no number says.
    pub warnings: Vec<String>,
}

/// The facts as one HTML file.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the facts cannot be written as JSON.
pub fn diagnose_page(facts: &DiagnosePage) -> Result<String, Error> {
    let section = |id, name, title, body: Markup| Section { id, name, title, body };
    let page = Page {
        brand: "unhat diagnose",
        subject: format!("Diagnostics of {}", facts.table),
        heading: "Which rows the fit rests on".to_owned(),
        facts: head(facts),
        lead: lead(&facts.found),
        sections: [
            Some(section("s-rows", "Rows", "The most influential rows", rows(&facts.found))),
            Some(section("s-flags", "Flags", "Flagged rows", flags(&facts.found))),
            (!facts.figures.is_empty()).then(|| section("s-figures", "Figures", "Figures", figures(facts))),
            Some(section("s-fit", "Fit", "Coefficients", coefficients(&facts.found))),
            Some(section("s-method", "Method", "Method and limits", limits(facts))),
        ]
        .into_iter()
        .flatten()
        .collect(),
        data: serde_json::to_value(facts)?,
    };
    Ok(page.write())
}

fn head(facts: &DiagnosePage) -> Vec<(&'static str, Markup)> {
    let found = &facts.found;
    let number =
        |key: &str, value: Option<f64>| Quantity::new(format!("/found/{key}"), value, Format::Number).or("none");
    let mut head = vec![
        ("Table", html! { span.name { (facts.table) } ", " (Quantity::count("/found/rows", found.rows)) " rows" }),
        ("Model", html! { span.name { (found.formula) } ", family " (found.family) ", link " (found.link) }),
        (
            "Rows in the fit",
            html! {
                (Quantity::count("/found/n", found.n))
                @if found.omitted > 0 {
                    ", " (Quantity::count("/found/omitted", found.omitted)) " left out for missing cells"
                }
            },
        ),
        ("Rank", html! { (Quantity::count("/found/rank", found.rank)) }),
        ("Residual degrees of freedom", html! { (Quantity::count("/found/df_residual", found.df_residual)) }),
    ];
    match found.sigma {
        Some(sigma) => {
            head.push(("Residual standard error", html! { (number("sigma", Some(sigma))) }));
            head.push(("R²", html! { (number("r_squared", found.r_squared)) }));
            head.push(("Predictive R²", html! { (number("predictive_r_squared", found.predictive_r_squared)) }));
        }
        None => {
            head.push(("Deviance", html! { (number("deviance", found.deviance)) }));
            head.push(("Dispersion", html! { (number("dispersion", found.dispersion)) }));
        }
    }
    head
}

fn lead(found: &DiagnoseReport) -> Markup {
    html! {
        (Quantity::count("/found/flagged", found.flagged)) " of " (Quantity::count("/found/n", found.n))
        " rows are flagged by " (rule(found)) "."
        @if let Some(first) = found.most_influential.first() {
            " Row " span.name { (first.row) } " has the largest Cook's distance, "
            (Quantity::new("/found/most_influential/0/cooks", first.cooks, Format::Number)) "."
        }
        @if !found.fitted_by_itself.is_empty() { " " (by_themselves(found)) }
    }
}

fn rule(found: &DiagnoseReport) -> &'static str {
    match found.rule.parse() {
        Ok(Rule::Cook4n) => "the rule on Cook's distance",
        Ok(Rule::Outlier) => "the outlier test",
        Ok(rule) => rule.phrase(),
        Err(_) => "the rule",
    }
}

fn by_themselves(found: &DiagnoseReport) -> Markup {
    const SHOWN: usize = 20;
    html! {
        "Fitted by themselves, whatever their response: "
        @for (k, row) in found.fitted_by_itself.iter().take(SHOWN).enumerate() {
            @if k > 0 { ", " } span.name { (row) }
        }
        @if found.fitted_by_itself.len() > SHOWN { ", …" } "."
    }
}

fn rows(found: &DiagnoseReport) -> Markup {
    let source = |key: &str| format!("/found/most_influential/*/{key}");
    let columns = vec![
        Column::text("row"),
        Column::number("hat", source("hat"), Format::Number),
        Column::number("rstudent", source("rstudent"), Format::Number),
        Column::number("Cook's distance", source("cooks"), Format::Number),
        Column::number("DFFITS", source("dffits"), Format::Number),
        Column::text("moves most"),
        Column::number("by standard errors", source("by"), Format::Number),
        Column::text("flagged for"),
    ];
    let row = |(k, row): (usize, &unhat_models::diagnose::DiagnosedRow)| {
        let flag = if row.flag.is_empty() { "—".to_owned() } else { row.flag.clone() };
        let numbers = [row.hat, row.rstudent, row.cooks, row.dffits].map(Into::into);
        let cells = [row.row.clone().into()].into_iter().chain(numbers);
        let rest = [row.moves.clone().into(), row.by.into(), flag.into()];
        Row::new(k, cells.chain(rest).collect())
    };
    let rows = found.most_influential.iter().enumerate().map(row).collect();
    let caption = "The rows with the largest Cook's distances".to_owned();
    html! {
        p.answer {
            "Cook's distance is how far all fitted values move when the row is left out; the coefficient that moves most is named, \
                with its change in standard errors (DFBETAS)."
        }
        (Table { id: "influential", caption, columns, rows }.markup())
    }
}

fn flags(found: &DiagnoseReport) -> Markup {
    let columns =
        vec![Column::text("looked at"), Column::number("rows flagged", "/found/flagged_by/*/rows", Format::Count)];
    let row = |(k, part): (usize, &unhat_models::diagnose::RuleCount)| {
        Row::new(k, vec![part.column.clone().into(), (part.rows as f64).into()])
    };
    let rows = found.flagged_by.iter().enumerate().map(row).collect();
    html! {
        p.answer { "By " (rule(found)) ". With many rows a rule that shrinks with their number flags many: look at the ranks first." }
        (Table { id: "flags", caption: "What the flags are for".to_owned(), columns, rows }.markup())
    }
}

fn figures(facts: &DiagnosePage) -> Markup {
    let flagged = Quantity::count("/found/flagged", facts.found.flagged);
    let rows = |k: usize| format!("/figures/{k}/rows");
    html! {
        (rows_figures::figures(&facts.figures, rows, Some(&flagged), "/figures"))
        @if facts.found.rank as usize > PAGE_PARTIAL + 1 {
            p.how { "Partial regressions of more columns: " span.name { "--plots" } " draws them." }
        }
    }
}

fn coefficients(found: &DiagnoseReport) -> Markup {
    let source = |key: &str| format!("/found/coefficients/*/{key}");
    let columns = vec![
        Column::text("coefficient"),
        Column::number("estimate", source("estimate"), Format::Number).or("depends on others"),
        Column::number("standard error", source("std_error"), Format::Number),
        Column::number("robust (HC3)", source("robust/3"), Format::Number),
    ];
    let row = |(k, part): (usize, &unhat_models::diagnose::Coefficient)| {
        Row::new(k, vec![part.name.clone().into(), part.estimate.into(), part.std_error.into(), part.robust[3].into()])
    };
    let rows = found.coefficients.iter().enumerate().map(row).collect();
    Table { id: "coefficients", caption: "The coefficients".to_owned(), columns, rows }.markup()
}

fn limits(facts: &DiagnosePage) -> Markup {
    html! {
        dl.method {
            dt { "How it was computed" }
            dd {
                "Iteratively reweighted least squares in centred columns; everything beyond the fit in one sweep over its rows. \
                    Names, numbers and edge cases are those of R. Condition of the columns: "
                (Quantity::new("/found/condition", facts.found.condition, Format::Number)) "."
            }
            @if !facts.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &facts.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd {
                "Coefficients, and the rows listed above by their names"
                @if !facts.figures.is_empty() { "; in the figures rows have their places" }
                ". Diagnostics of single rows can give the rows away."
            }
            (method::run_again(&facts.tool, facts.created_utc.as_deref()))
        }
    }
}
