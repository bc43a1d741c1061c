//! The report of influence: which rows hurt and help, how far the scores may be trusted, what trimming did.

mod agreement;
mod diagnostics;
mod facts;
mod flips;
mod membership;
mod model;
mod row_names;
mod rows;
mod spread;
mod trimming;

pub use facts::{InfluencePage, influence_density};

use row_names::row_name;

use crate::number::{Format, Quantity, exact};
use crate::page::{Page, Section};
use crate::sections::method;
use crate::{Error, Image};
use maud::{Markup, html};
use unhat_models::influence::{CheckReport, ImpactReport, ModelReport, StudyReport, TrimReport};

/// The facts as one HTML file.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the facts cannot be written as JSON.
pub fn influence_page(facts: &InfluencePage) -> Result<String, Error> {
    let page = Page {
        brand: "unhat influence",
        subject: format!("Influence of the rows of {}", facts.table),
        heading: heading(facts).to_owned(),
        facts: head(facts),
        lead: lead(facts),
        sections: sections(facts),
        data: serde_json::to_value(facts)?,
    };
    Ok(page.write())
}

/// The charts of the page, in its order.
pub fn influence_images(facts: &InfluencePage) -> Vec<Image> {
    sections(facts).iter().flat_map(|section| Image::of_figures(&section.body)).collect()
}

fn heading(facts: &InfluencePage) -> &'static str {
    match (&facts.check, &facts.trim) {
        (Some(_), _) => "Which method finds flipped labels here",
        (_, Some(_)) => "What removing the worst rows does",
        _ => "Which rows hurt and help the model",
    }
}

/// The model of the page, and where it stands in the data.
fn model_of(facts: &InfluencePage) -> Option<(&ModelReport, &'static str)> {
    let of_study = facts.study.as_ref().map(|study| (&study.model, "/study/model"));
    of_study.or(facts.check.as_ref().map(|check| (&check.model, "/check/model")))
}

fn head(facts: &InfluencePage) -> Vec<(&'static str, Markup)> {
    let mut head = Vec::new();
    if let Some((model, at)) = model_of(facts) {
        let rows = Quantity::count(format!("{at}/training_rows"), model.training_rows as u64);
        head.push(("Table", html! { span.name { (facts.table) } ", " (rows) " training rows" }));
        let penalty = Quantity::new(format!("{at}/penalty"), model.penalty, Format::Number);
        head.push(("Model", html! { (model.name) ", penalty " (penalty) }));
    }
    if let Some(study) = &facts.study {
        head.push(("Method", html! { (study.method) " (task: " (study.task) ")" }));
        head.push(("f", impact(&study.impact)));
        let rows = study.diagnostics.validation_rows.map(|rows| rows as f64);
        head.push((
            "Validation rows",
            html! { (Quantity::new("/study/diagnostics/validation_rows", rows, Format::Count).or("none")) },
        ));
    }
    if let Some(check) = &facts.check {
        head.push(("Labels flipped", html! { (Quantity::count("/check/flipped", check.flipped as u64)) }));
        let members = Quantity::count("/check/ensemble", u64::from(check.ensemble));
        head.push(("Models averaged", html! { (members) }));
    }
    head.push(("Seed", exact("/tool/seed", facts.tool.seed)));
    head
}

fn impact(impact: &ImpactReport) -> Markup {
    let value = |key: &str, value| Quantity::new(format!("/study/impact/{key}"), value, Format::Number);
    html! {
        (impact.name)
        @if impact.value_validation.is_some() { ", " (value("value_validation", impact.value_validation))
            " on the validation rows" }
        @if impact.value_test.is_some() { ", " (value("value_test", impact.value_test)) " on the test rows" }
    }
}

fn lead(facts: &InfluencePage) -> Markup {
    match (&facts.check, &facts.trim, &facts.study) {
        (Some(check), _, _) => lead_of_check(check),
        (_, Some(trim), _) => lead_of_trim(trim),
        (_, _, Some(study)) => lead_of_study(study),
        _ => html! { "Nothing was computed." },
    }
}

fn lead_of_study(study: &StudyReport) -> Markup {
    let doubts = study.diagnostics.judged().iter().filter(|judgement| judgement.is_doubtful()).count();
    html! {
        @if let Some(worst) = study.top.first() {
            strong { "Row " (row_name("/study/top/0/row", &worst.row)) " hurts most." }
            " Its score by " (study.method) " is " (Quantity::new("/study/top/0/score", worst.score, Format::Number))
            ", its loss " (Quantity::new("/study/top/0/loss", worst.loss, Format::Number)) ". "
        } @else { "All rows were scored by " (study.method) ". " }
        "What they may be called: " (study.claim) "; "
        @if doubts == 0 { "no diagnostic is doubtful." }
        @else { a href="#s-diagnostics" { "some diagnostics are doubtful" } "." }
    }
}

fn lead_of_check(check: &CheckReport) -> Markup {
    let flipped = Quantity::count("/check/flipped", check.flipped as u64);
    html! {
        @if let Some(best) = check.methods.first() {
            strong { "Best here: " (best.method) "." } " Of all methods that this model admits it ranks the " (flipped)
            " planted flips lowest, with an AUC of " (Quantity::new("/check/methods/0/auc", best.auc, Format::Fixed(3)))
            "."
        } @else { "No method could be run on the " (flipped) " planted flips." }
    }
}

fn lead_of_trim(trim: &TrimReport) -> Markup {
    let removed = Quantity::count("/trim/rows/1/removed", trim.rows.get(1).map_or(0, |row| row.removed as u64));
    let number = |place: usize, key: &str, value: Option<f64>, format| {
        Quantity::new(format!("/trim/rows/{place}/{key}"), value, format).or("unknown")
    };
    let at = |place: usize| trim.rows.get(place);
    let accuracy =
        |place| number(place, "test_accuracy", at(place).and_then(|row| row.test_accuracy), Format::Fixed(4));
    let value = |place| number(place, "value_test", at(place).and_then(|row| row.value_test), Format::Number);
    let random = trim.rows.iter().position(|row| row.trim == "random");
    let has_accuracy = at(0).is_some_and(|row| row.test_accuracy.is_some());
    html! {
        @if trimming::is_unfairness(&trim.impact.name) {
            strong { "From " (value(0)) " to " (value(1)) "." } " That is what removing " (removed) " rows by " (trim.method)
            " does to " (trim.impact.name) " on the test rows"
            @if has_accuracy { "; their accuracy goes from " (accuracy(0)) " to " (accuracy(1)) }
        } @else if has_accuracy {
            strong { "From " (accuracy(0)) " to " (accuracy(1)) "." } " That is what removing " (removed) " rows by "
            (trim.method) " does to the accuracy on the test rows"
            @if let Some(random) = random { "; as many rows at random leave " (accuracy(random)) }
        } @else {
            strong { "From " (value(0)) " to " (value(1)) "." } " That is what removing " (removed) " rows by "
            (trim.method) " does to f on the test rows"
            @if let Some(random) = random { "; as many rows at random leave " (value(random)) }
        }
        "."
        @if trim.rows.iter().any(|row| row.adaptive_accuracy.is_some()) {
            " Against an attack computed anew nothing is gained: that accuracy is one minus the clean one, whatever is trimmed."
        }
        @if trim.auc_of_truth.is_some() {
            " The scores find the rows known to be bad with an AUC of "
            (Quantity::new("/trim/auc_of_truth", trim.auc_of_truth, Format::Fixed(3)))
            @if let (Some(auc), Some(one)) = (trim.auc_of_truth, trim.auc_of_one) {
                ", " (Quantity::new("/trim/auc_of_truth - /trim/auc_of_one", auc - one, Format::Fixed(3)))
                " more than those of one network"
            }
            "."
        }
    }
}

fn sections(facts: &InfluencePage) -> Vec<Section> {
    let section = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    [
        section("s-trimming", "Trimming", "Trimming", trimming::block(facts)),
        section("s-flips", "Planted flips", "Planted flips", flips::figure(facts)),
        section("s-rows", "Rows", "Rows at both ends", rows::block(facts)),
        section("s-spread", "Loss", "Score and loss", spread::figure(facts)),
        section("s-agreement", "Agreement", "Agreement between methods", agreement::block(facts)),
        section("s-diagnostics", "Diagnostics", "How far to trust the scores", diagnostics::block(facts)),
        section("s-membership", "Membership", "Membership", membership::figure(facts)),
        section("s-model", "Model", "The model", model_of(facts).map(|(model, at)| model::block(model, at))),
        section("s-limits", "Method", "Method and limits", Some(limits(facts))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn limits(facts: &InfluencePage) -> Markup {
    html! {
        dl.method {
            @if let Some(study) = &facts.study {
                dt { "What a score is" }
                dd {
                    "Larger is better in every method; for the signed ones, positive is helpful: dropping the row raises f. The \
                        method is " (study.method) ": " (study.claim) "."
                }
                dt { "How it was computed" }
                dd {
                    "Temperature of v: " (Quantity::new("/study/diagnostics/temperature", study.diagnostics.temperature,
                        Format::Number).or("none")) "; damping: "
                    (Quantity::new("/study/diagnostics/damping", study.diagnostics.damping, Format::Number).or("none")) "."
                    @if trimming::is_unfairness(&study.impact.name) {
                        " f is reported with its sign; scores are of its size."
                    }
                }
                @if study.membership.is_none() {
                    dt { "Membership" }
                    dd { "not shown: its closed forms are for linear and ridge models" }
                }
            }
            dt { "What not to believe" }
            dd {
                "Plain loss is hard to beat where labels are wrong and the model does not memorise. Inner products are no estimate of \
                    leave-one-out, and curvature finds no more wrong labels. A row that hurts f need not be wrong."
            }
            @if !facts.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &facts.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd {
                "The rows at both ends with their cells, coefficients, and counts of all rows in bins. It is for the owner of the table."
            }
            (method::run_again(&facts.tool, facts.created_utc.as_deref()))
        }
    }
}
