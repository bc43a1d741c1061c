//! Which fitted values and residuals are recovered?

use crate::charts::dots::{self, Dot, DotRow};
use crate::charts::frame::{Axis, Frame, Series};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Column, Row, Table};
use crate::sections::noise::LEAST_ERROR;
use maud::{Markup, html};
use std::collections::BTreeMap;
use unhat::audit::report::AuditReport;

const QUANTILES: [&str; 3] = ["0.05", "0.5", "0.95"];

/// The figure, or None where neither was computed.
pub(crate) fn figure(findings: &AuditReport) -> Option<Markup> {
    let kinds = [
        ("fitted values Ax", "rel_error_q", &findings.fitted.rel_error_q),
        ("residuals Ax − b", "residual_rel_error_q", &findings.fitted.residual_rel_error_q),
    ];
    let kinds: Vec<_> = kinds.into_iter().filter(|(_, _, quantiles)| quantiles.contains_key("0.5")).collect();
    kinds.first()?;
    let rows: Vec<DotRow> = kinds.iter().map(|(name, key, quantiles)| row_of(name, key, quantiles)).collect();
    let frame = Frame::of_rows(
        "fitted",
        Axis {
            domain: Domain::log(kinds.iter().flat_map(|(_, _, quantiles)| quantiles.values().copied()), LEAST_ERROR)
                .padded(0.5, 0.5),
            label: "relative error as planned (left leaks more)".to_owned(),
            short: "relative error (left leaks more)".to_owned(),
            ticks: [6, 3],
        },
        rows.len(),
        [30.0, 42.0],
        [210.0, 14.0],
        [40.0, 22.0],
    );
    let at = |key: &str, quantiles: &BTreeMap<String, f64>| {
        Quantity::new(format!("/fitted/{key}/0.5"), quantiles.get("0.5").copied(), Format::Share)
    };
    let figure = Figure {
        id: "fitted",
        question: "Which fitted values and residuals are recovered?",
        answer: html! {
            "For the median row "
            @for (place, (name, key, quantiles)) in kinds.iter().enumerate() {
                @if place > 0 { " and " } "the " (name) " to " (at(key, quantiles))
            }
            "."
        },
        legend: Legend::default(),
        upwards: None,
        chart: frame.draw(|canvas| dots::draw(&rows, None, canvas)),
        how: html! { "For each row the median error over the tries; mark: the median row; line: from the 5 % point to \
        the 95 % point of the rows." },
        table: Some(table(&kinds)),
        print_table: false,
    };
    Some(figure.markup())
}

fn row_of(name: &str, key: &str, quantiles: &BTreeMap<String, f64>) -> DotRow {
    let quantile = |name: &str| quantiles.get(name).copied();
    let dot = Dot {
        series: Series::First,
        key: key.to_owned(),
        value: quantile("0.5").unwrap_or(f64::NAN),
        interval: quantile("0.05").zip(quantile("0.95")),
        columns: "1 2 3".to_owned(),
    };
    DotRow { name: name.to_owned(), dots: vec![dot], bound: None }
}

fn table(kinds: &[(&str, &str, &BTreeMap<String, f64>)]) -> Table {
    let titles = ["5 % point of the rows", "median row", "95 % point of the rows"];
    let mut columns = vec![Column::text("what")];
    columns.extend(
        titles
            .iter()
            .zip(QUANTILES)
            .map(|(title, quantile)| Column::number(*title, format!("/fitted/*/{quantile}"), Format::Share)),
    );
    let rows = kinds.iter().map(|(name, key, quantiles)| {
        let mut cells = vec![(*name).into()];
        cells.extend(QUANTILES.map(|quantile| quantiles.get(quantile).copied().into()));
        Row::new(key, cells)
    });
    Table {
        id: "fitted-values",
        caption: "Relative errors of fitted values and residuals".to_owned(),
        columns,
        rows: rows.collect(),
    }
}
