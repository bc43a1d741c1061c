//! The model: how its penalty was chosen, and its coefficients.

use crate::number::{Format, Quantity};
use crate::pieces::table::{Cell, Column, Row, Table};
use maud::{Markup, html};
use unhat_models::influence::ModelReport;

/// Coefficients listed, the largest by size.
const LISTED: usize = 60;

/// A sentence and the tables; `at` is where the model stands in the data.
pub(super) fn block(model: &ModelReport, at: &str) -> Markup {
    html! {
        p.answer {
            (model.name) " with " (Quantity::count(format!("{at}/parameters"), model.parameters as u64))
            " parameters, fitted to " (Quantity::count(format!("{at}/training_rows"), model.training_rows as u64))
            " rows with the penalty " (Quantity::new(format!("{at}/penalty"), model.penalty, Format::Number))
            @if model.cross_validation.is_some() { ", chosen by cross-validation" }
            @if model.train_accuracy.is_some() {
                "; it predicts the class of " (Quantity::new(format!("{at}/train_accuracy"),
                    model.train_accuracy, Format::Share)) " of them"
            }
            "."
        }
        @if let Some(tried) = &model.cross_validation {
            details {
                summary { "Penalties that were tried" }
                (penalties(tried, at).markup())
            }
        }
        @if !model.coefficients.is_empty() {
            details {
                summary { "Coefficients" }
                (coefficients(model, at).markup())
                @if model.coefficients.len() > LISTED { p.how { "Smaller ones are left out; --json has them all." } }
            }
        } @else { p.how { "The weights of a network are no coefficients: none are listed." } }
    }
}

fn penalties(tried: &[unhat_models::influence::PenaltyReport], at: &str) -> Table {
    let columns = vec![
        Column::number("penalty", format!("{at}/cross_validation/*/penalty"), Format::Number),
        Column::number("mean held-out loss", format!("{at}/cross_validation/*/loss"), Format::Number).or("diverged"),
    ];
    let rows = tried.iter().enumerate().map(|(k, tried)| Row::new(k, vec![tried.penalty.into(), tried.loss.into()]));
    Table { id: "penalties", caption: "Penalties by cross-validation".to_owned(), columns, rows: rows.collect() }
}

fn coefficients(model: &ModelReport, at: &str) -> Table {
    let mut order: Vec<usize> = (0..model.coefficients.len()).collect();
    order.sort_by(|&a, &b| model.coefficients[b].value.abs().total_cmp(&model.coefficients[a].value.abs()));
    let source = |key: &str| format!("{at}/coefficients/*/{key}");
    let columns = vec![
        Column::text("feature"),
        Column::text("class"),
        Column::number("coefficient", source("value"), Format::Number),
        Column::number("center", source("center"), Format::Number),
        Column::number("scale", source("scale"), Format::Number),
    ];
    let rows = order.into_iter().take(LISTED).map(|k| {
        let coefficient = &model.coefficients[k];
        let class = coefficient.class.as_ref().map_or("—".to_owned(), ToString::to_string);
        Row::new(
            k,
            vec![
                Cell::Text(coefficient.name.clone()),
                Cell::Text(class),
                coefficient.value.into(),
                coefficient.center.into(),
                coefficient.scale.into(),
            ],
        )
    });
    Table {
        id: "coefficients",
        caption: "Coefficients of (x − center)/scale, the largest first".to_owned(),
        columns,
        rows: rows.collect(),
    }
}
