//! What did trimming do, beside what costs nothing?

use super::row_names::row_name;
use crate::charts::dots::{self, Dot, DotRow};
use crate::charts::frame::{Axis, Frame, Series};
use crate::charts::scale::Domain;
use crate::influence::InfluencePage;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Cell, Column, Row, Table};
use maud::{Markup, html};
use unhat_models::influence::{TrimReport, TrimRowReport};

/// A number of every way, and the colour it is drawn in.
type Value = (Series, &'static str, fn(&TrimRowReport) -> Option<f64>);

/// The figures, or None without a trimming.
pub(super) fn block(facts: &InfluencePage) -> Option<Markup> {
    let trim = facts.trim.as_ref()?;
    let accuracy = accuracies(trim);
    let values = values(trim);
    Some(html! {
        @if let Some(values) = &values { (values) }
        @if let Some(accuracy) = &accuracy { (accuracy) }
        @if accuracy.is_none() && values.is_none() { (table(trim, "trims", "Trimming and its baselines").markup()) }
        p.how {
            "Removing rows by a score is worth something only where it beats the other lines: as many rows at random, those of \
                the largest loss, and the validation rows added to training, which cost nothing."
        }
        @if is_robustness(trim) {
            p.how {
                strong { "adaptive accuracy = 1 − clean accuracy." }
                " An attack with γ above one flips every decision of the model it is computed from, so that the accuracy on rows \
                    attacked anew is this identity, whatever is trimmed. What trimming changes is the accuracy on rows attacked \
                    through the old model: how far the new one has turned from it."
            }
        }
        @if is_unfairness(&trim.impact.name) && trim.stopped_at_crossing {
            p.how {
                "Trimming stopped where the unfairness on the validation rows crossed 0; beyond, it turns around. It was chosen \
                    on those rows, so that the column of the test rows is the one to believe."
            }
        }
        (removed(trim))
    })
}

fn removed(trim: &TrimReport) -> Markup {
    const NAMED: usize = 200;
    let count = trim.removed.len();
    html! {
        details {
            summary { "The rows removed" }
            p.how {
                @for (place, row) in trim.removed.iter().take(NAMED).enumerate() {
                    @if place > 0 { ", " }
                    (row_name(&format!("/trim/removed/{place}"), row))
                }
                @if count > NAMED {
                    ", and further ones: the table of -o is without all of them"
                }
                "."
            }
        }
    }
}

pub(super) fn is_unfairness(impact: &str) -> bool {
    matches!(impact, "parity" | "opportunity")
}

fn is_robustness(trim: &TrimReport) -> bool {
    trim.rows.iter().any(|row| row.adaptive_accuracy.is_some())
}

/// Accuracy on the test rows, under attack too where there is one.
fn accuracies(trim: &TrimReport) -> Option<Markup> {
    let mut series: Vec<Value> = vec![(Series::First, "accuracy on the test rows", |row| row.test_accuracy)];
    if is_robustness(trim) {
        series.push((Series::Second, "on test rows attacked before trimming", |row| row.attacked_accuracy));
        series.push((Series::Third, "on test rows attacked anew", |row| row.adaptive_accuracy));
    }
    let (before, after) = (trim.rows.first()?.test_accuracy?, trim.rows.get(1)?.test_accuracy?);
    let at =
        |place: usize, value: f64| Quantity::new(format!("/trim/rows/{place}/test_accuracy"), value, Format::Fixed(4));
    let figure = Figure {
        id: "trimmed",
        question: "What did trimming do to the accuracy?",
        answer: html! {
            "It was " (at(0, before)) " on the test rows, and is " (at(1, after)) " without the "
            (Quantity::count("/trim/rows/1/removed", trim.rows[1].removed as u64)) " rows that " (trim.method) " chose."
        },
        legend: if series.len() > 1 { Legend::of(series.iter().map(|s| (s.0, s.1))) } else { Legend::default() },
        upwards: None,
        chart: chart("trimmed", "accuracy on the test rows (right is better)", "test accuracy", trim, &series, false)?,
        how: html! { "Every line trains the model again." },
        table: Some(table(trim, "trims", "Trimming and its baselines")),
        print_table: true,
    };
    Some(figure.markup())
}

/// f on both kinds of rows: for an unfairness, or where there is no accuracy.
fn values(trim: &TrimReport) -> Option<Markup> {
    let unfair = is_unfairness(&trim.impact.name);
    if !unfair && trim.rows.first()?.test_accuracy.is_some() {
        return None;
    }
    let series: Vec<Value> = vec![
        (Series::First, "on the test rows", |row| row.value_test),
        (Series::Second, "on the validation rows", |row| row.value_validation),
    ];
    let (before, after) = (trim.rows.first()?.value_test, trim.rows.get(1)?.value_test);
    let at = |place: usize, value: Option<f64>| {
        Quantity::new(format!("/trim/rows/{place}/value_test"), value, Format::Number).or("unknown")
    };
    let mut legend: Vec<(Series, &str)> = series.iter().map(|s| (s.0, s.1)).collect();
    if unfair {
        legend.push((Series::Limit, "none: f is zero"));
    }
    let figure = Figure {
        id: "values",
        question: if unfair { "Is the model fairer?" } else { "What did trimming do to f?" },
        answer: html! {
            "f (" (trim.impact.name) ", signed) was " (at(0, before)) " on the test rows, and is " (at(1, after))
            " after trimming."
        },
        legend: Legend::of(legend),
        upwards: None,
        chart: chart(
            "values",
            if unfair { "f, signed (nearer to zero is fairer)" } else { "f (left is better)" },
            "f",
            trim,
            &series,
            unfair,
        )?,
        how: html! { "Trimming chose rows by f on the validation rows, which therefore flatter it." },
        table: Some(table(trim, "values-of-trims", "f after trimming, and after its baselines")),
        print_table: false,
    };
    Some(figure.markup())
}

fn chart(
    id: &'static str,
    label: &str,
    short: &str,
    trim: &TrimReport,
    series: &[Value],
    zero: bool,
) -> Option<Markup> {
    let rows: Vec<DotRow> = trim
        .rows
        .iter()
        .enumerate()
        .map(|(place, row)| DotRow {
            name: row.trim.clone(),
            dots: series
                .iter()
                .filter_map(|(series, _, value)| {
                    Some(Dot {
                        series: *series,
                        key: place.to_string(),
                        value: value(row)?,
                        interval: None,
                        columns: "1 2 3 4 5 6".to_owned(),
                    })
                })
                .collect(),
            bound: zero.then_some(0.0),
        })
        .collect();
    let all = rows.iter().flat_map(|row| row.dots.iter().map(|dot| dot.value)).chain(zero.then_some(0.0));
    let (least, most) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), v| (l.min(v), m.max(v)));
    if !least.is_finite() {
        return None;
    }
    let frame = Frame::of_rows(
        id,
        Axis {
            domain: Domain::linear(least, most).padded(0.08, 0.08),
            label: label.to_owned(),
            short: short.to_owned(),
            ticks: [6, 4],
        },
        rows.len(),
        [28.0, 42.0],
        [220.0, 14.0],
        [30.0, 22.0],
    );
    Some(frame.draw(|canvas| dots::draw(&rows, None, canvas)))
}

fn table(trim: &TrimReport, id: &'static str, caption: &str) -> Table {
    let source = |key: &str| format!("/trim/rows/*/{key}");
    let robust = is_robustness(trim);
    let mut columns = vec![
        Column::text("training"),
        Column::number("removed", source("removed"), Format::Count),
        Column::number("test accuracy", source("test_accuracy"), Format::Fixed(4)),
        Column::number("f on validation rows", source("value_validation"), Format::Number),
        Column::number("f on test rows", source("value_test"), Format::Number),
    ];
    if robust {
        columns.push(Column::number("accuracy attacked", source("attacked_accuracy"), Format::Fixed(4)));
        columns.push(Column::number("attacked anew", source("adaptive_accuracy"), Format::Fixed(4)));
    }
    let rows = trim.rows.iter().enumerate().map(|(place, row)| {
        let mut cells: Vec<Cell> = vec![
            row.trim.as_str().into(),
            (row.removed as f64).into(),
            row.test_accuracy.into(),
            row.value_validation.into(),
            row.value_test.into(),
        ];
        if robust {
            cells.extend([row.attacked_accuracy.into(), row.adaptive_accuracy.into()]);
        }
        Row { key: place.to_string(), cells, marked: place == 1 }
    });
    Table { id, caption: caption.to_owned(), columns, rows: rows.collect() }
}
