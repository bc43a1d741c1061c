//! The report of an audit: what a release gives away, worst first, and what would help.

use crate::Error;
use crate::image::Image;
use crate::number::{Format, Quantity, exact};
use crate::page::{Page, Section};
use crate::pieces::findings;
use crate::sections::{checks, convergence, coordinates, fit, fitted, method, noise, protections, rows, wishes};
use crate::words;
use maud::{Markup, html};
use unhat::audit::is_exact;
use unhat::audit::report::{AuditReport, Detail};

/// The findings as one HTML file.
///
/// A report to share ([`Detail::Share`]) holds no coefficient and no row number, whatever the findings hold.
///
/// # Cost
/// Milliseconds, and a file of about 200 kB for the largest of findings.
/// # Errors
/// When the findings cannot be written as JSON.
pub fn audit_page(findings: &AuditReport) -> Result<String, Error> {
    let findings = &for_its_reader(findings);
    let mut data = serde_json::to_value(findings)?;
    if let Some(entries) = data.as_object_mut() {
        entries.remove("releases"); // the longest list by far, and all of it is in a table of the page
    }
    let page = Page {
        brand: "unhat audit",
        subject: format!("What a release of {} gives away", findings.table.name),
        heading: format!("What a release of {} gives away", these(findings)),
        facts: facts(findings),
        lead: verdict(findings),
        sections: sections(findings),
        data,
    };
    Ok(page.write())
}

/// The charts of the page, in its order.
pub fn audit_images(findings: &AuditReport) -> Vec<Image> {
    let shown = sections(&for_its_reader(findings));
    shown.iter().flat_map(|section| Image::of_figures(&section.body)).collect()
}

fn these(findings: &AuditReport) -> String {
    let released = words::released(findings.release.kind);
    if released == "gradient" { format!("this {released}") } else { format!("these {released}") }
}

/// What somebody else may not see is taken out before anything is drawn: coefficients and row numbers, and absolute errors,
/// which beside relative ones give |xⱼ| and ‖x‖ by division.
fn for_its_reader(findings: &AuditReport) -> AuditReport {
    let mut findings = findings.clone();
    if findings.detail == Detail::Share {
        for coordinate in &mut findings.coordinates {
            (coordinate.value, coordinate.spread_abs, coordinate.bound_abs) = (None, None, None);
            coordinate.spread_se = None;
        }
        findings.rows.top.iter_mut().chain(&mut findings.rows.influential).for_each(|row| row.row = None);
        findings.releases.iter_mut().for_each(|tried| (tried.crlb, tried.error_se_median) = (None, None));
        findings.verdict.error_se = None;
        findings.baseline.iter_mut().for_each(|baseline| baseline.error_se = None);
        findings.bound.null_direction = None;
    }
    findings
}

fn facts(findings: &AuditReport) -> Vec<(&'static str, Markup)> {
    let table = &findings.table;
    let trials = findings.verdict.rel_error.trials;
    vec![
        ("Table", words::table_fact(&table.name, "/table", table.rows, table.columns)),
        ("Release", words::release_fact(findings)),
        ("Planned protection", words::protection(&findings.release.planned, "/release/planned")),
        (
            "Wished error (declared)",
            html! { "at least " (Quantity::new("/declared/target_rel_error", findings.declared.target_rel_error,
            Format::Share)) },
        ),
        ("Without any release", words::baseline(findings)),
        ("Attacker has (declared)", html! { (words::attacker_has(&findings.declared.attacker)) }),
        (
            "Trials",
            html! {
                (Quantity::count("/verdict/rel_error/trials", u64::from(trials))) (if trials == 1 {
                    " (nothing is drawn), seed " } else { " a level, seed " })
                (exact("/tool/seed", findings.tool.seed))
            },
        ),
    ]
}

/// The answer in one sentence, from the numbers of the verdict.
fn verdict(findings: &AuditReport) -> Markup {
    let verdict = &findings.verdict;
    let error = &verdict.rel_error;
    let wish = findings.declared.target_rel_error;
    let wished = Quantity::new("/declared/target_rel_error", wish, Format::Share);
    let median = Quantity::new("/verdict/rel_error/median", error.median, Format::Share);
    let q05 = Quantity::new("/verdict/rel_error/q05", error.q05, Format::Share);
    let digits = Quantity::new("digits /verdict/rel_error/median", error.median, Format::Digits);
    let attacker = words::attacker(verdict.attack);
    let one_try = error.trials == 1;
    html! {
        @if verdict.meets_target {
            strong { "As wished." } " Nobody should recover the coefficients to better than " (wished)
                "; as planned, " (attacker)
            " stays above " (q05) (if one_try { " in the one try that there is to make" } else {
                " in nineteen tries of twenty" }) ", and no attack that was run without a point near the coefficients \
                did better."
        } @else if is_exact(error.median, findings) {
            strong { "Not as wished." } " Nobody should recover the coefficients to better than " (wished)
                "; as planned, " (attacker) " recovers them exactly, to rounding."
        } @else if error.median < wish {
            strong { "Not as wished." } " Nobody should recover the coefficients to better than " (wished)
                "; as planned, " (attacker)
            " gets within " (median) (if one_try { ", " } else { " in half of the tries, " }) (digits) (if
                crate::number::correct_digits(error.median) == 1 { " correct digit." } else { " correct digits." })
        } @else {
            strong { "Not as wished." } " Nobody should recover the coefficients to better than " (wished)
                "; as planned, " (attacker)
            " gets within " (q05) " in one try of twenty."
        }
    }
}

/// The parts of the page for which there is data; a finding links to the one it belongs to.
fn sections(findings: &AuditReport) -> Vec<Section> {
    let one = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    let two = |first: Option<Markup>, second: Option<Markup>| match (first, second) {
        (None, None) => None,
        (first, second) => {
            Some(html! { @if let Some(first) = first { (first) } @if let Some(second) = second { (second) } })
        }
    };
    let shown = [
        one("s-attack", "Noise", "Noise", two(noise::figure(findings), wishes::block(findings))),
        one("s-protections", "Protections", "Protections", protections::figure(findings)),
        one(
            "s-coordinates",
            "Coefficients",
            "Coefficients",
            two(coordinates::figure(findings), fitted::figure(findings)),
        ),
        one("s-rows", "Rows", "Rows", rows::figure(findings)),
        one("s-fit", "Fit", "The fit", fit::figure(findings)),
        one("s-convergence", "Solver", "Solver", two(convergence::figure(findings), checks::block(&findings.checks))),
        one("s-limits", "Method", "Method and limits", Some(method::block(findings))),
    ];
    let shown: Vec<Section> = shown.into_iter().flatten().collect();
    let place = |section: &str| {
        let id = if section == "fitted" { "s-coordinates".to_owned() } else { format!("s-{section}") };
        shown.iter().find(|shown| shown.id == id).map(|shown| (shown.id, shown.name))
    };
    let list = Section {
        id: "s-findings",
        name: "AuditReport",
        title: "AuditReport",
        body: findings::list(&findings.findings, place),
    };
    std::iter::once(list).chain(shown).collect()
}
