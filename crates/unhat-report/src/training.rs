//! The report of a training: the learning curves, every evaluation, what the controls say, and how it was run.

use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::lines::{self, Line};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::page::{Page, Section};
use crate::pieces::figure::{Figure, Legend, how_to_explore};
use crate::pieces::table::{Cell, Column, Row, Table};
use crate::sections::method;
use crate::{Error, Image};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use unhat::report::Tool;
use unhat_models::training::{Controls, Ending, HistoryEntry, OptimiserName, TrainingReport};

/// Everything that the report of a training draws. A number that is unknown is None, never NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingPage {
    /// The program and the run.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: Option<String>,
    /// What holds the rows: a file's name.
    pub table: String,
    /// The training.
    #[serde(flatten)]
    pub report: TrainingReport,
}

/// The facts as one HTML file.
///
/// # Cost
/// Milliseconds.
/// # Errors
/// When the facts cannot be written as JSON.
pub fn training_page(facts: &TrainingPage) -> Result<String, Error> {
    let page = Page {
        brand: "unhat train",
        subject: format!("Training on {}", facts.table),
        heading: "How the model was trained".to_owned(),
        facts: head(facts),
        lead: lead(facts),
        sections: sections(facts),
        data: serde_json::to_value(facts)?,
    };
    Ok(page.write())
}

/// The charts of the page, in its order.
pub fn training_images(facts: &TrainingPage) -> Vec<Image> {
    sections(facts).iter().flat_map(|section| Image::of_figures(&section.body)).collect()
}

fn sections(facts: &TrainingPage) -> Vec<Section> {
    let section = |id, name, title, body: Option<Markup>| body.map(|body| Section { id, name, title, body });
    [
        section("s-curves", "Curves", "Learning curves", curves(facts)),
        section("s-controls", "Controls", "What the idea contributed", facts.report.controls.as_ref().map(controls)),
        section("s-rate", "Learning rate", "How the learning rate was found", range_test(facts)),
        section("s-limits", "Method", "Method and limits", Some(limits(facts))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn head(facts: &TrainingPage) -> Vec<(&'static str, Markup)> {
    let report = &facts.report;
    let model = &report.model;
    vec![
        (
            "Table",
            html! {
                span.name { (facts.table) } ", " (Quantity::count("/model/training_rows", model.training_rows as u64))
                " training rows"
                @if let Some(rows) = model.validation_rows {
                    ", " (Quantity::count("/model/validation_rows", rows as u64)) " for validation"
                }
            },
        ),
        (
            "Model",
            html! {
                (model.name) ", " (Quantity::count("/model/parameters", model.parameters as u64)) " weights"
                @if let Some(response) = &model.response { ", predicts " span.name { (response) } }
            },
        ),
        ("Rule", html! { (report.optimizer.name()) }),
        (
            "Learning rate",
            html! { (Quantity::new("/learning_rate", report.learning_rate, Format::Number)) ", " (report.settings.schedule.name())
            @if report.range_test.is_some() { ", from a range test" } },
        ),
        (
            "Work",
            html! {
                (Quantity::count("/steps", report.steps)) " steps, "
                (Quantity::count("/epochs", u64::from(report.epochs))) " whole epochs, "
                (Quantity::new("/seconds", report.seconds, Format::Seconds))
            },
        ),
        (
            "A step",
            html! { (Quantity::new("/seconds_per_step", report.seconds_per_step, Format::Seconds).or("unknown")) },
        ),
    ]
}

fn lead(facts: &TrainingPage) -> Markup {
    let report = &facts.report;
    let kept = &report.kept;
    html! {
        @match report.status {
            Ending::Solved => { strong { "Trained." } " The weights kept" }
            Ending::Diverged => {
                strong { "Diverged." }
                @if let Some(at) = report.diverged {
                    " At step " (Quantity::new("/diverged/step", at.step as f64, Format::Count)) " something in layer "
                    (Quantity::count("/diverged/layer", at.layer as u64)) " was not finite; the weights kept"
                }
            }
            Ending::Interrupted => { strong { "Interrupted." } " The weights kept" }
        }
        " have a training loss of " (Quantity::new("/kept/train_loss", kept.train_loss, Format::Number).or("no finite size"))
        @if kept.validation_loss.is_some() {
            " and a validation loss of " (Quantity::new("/kept/validation_loss", kept.validation_loss, Format::Number))
        }
        @if kept.validation_accuracy.is_some() {
            "; they predict the class of "
            (Quantity::new("/kept/validation_accuracy", kept.validation_accuracy, Format::Share)) " of the validation rows"
        }
        "."
    }
}

/// What an evaluation holds of a curve, under its name; the columns of the table that are read out with it.
type Curve = (&'static str, fn(&HistoryEntry) -> Option<f64>);

const CURVES: [Curve; 2] =
    [("training loss", |entry| entry.train_loss), ("validation loss", |entry| entry.validation_loss)];

fn curves(facts: &TrainingPage) -> Option<Markup> {
    let history = &facts.report.history;
    let curve = |(place, (name, value)): (usize, &Curve)| {
        let points: Vec<_> = history
            .iter()
            .enumerate()
            .filter_map(|(k, entry)| Some((k.to_string(), entry.step as f64, value(entry)?)))
            .collect();
        let name = (*name).to_owned();
        (!points.is_empty()).then(|| Line { series: Series::nth(place), name, points, columns: "1 2 3 4".to_owned() })
    };
    let lines: Vec<Line> = CURVES.iter().enumerate().filter_map(curve).collect();
    let points = || lines.iter().flat_map(|line| &line.points);
    let last = points().map(|(_, step, _)| *step).fold(0.0, f64::max);
    if last == 0.0 {
        return None; // one evaluation makes no curve
    }
    // A loss that can be negative or vanish (counts, an exact fit) has no logarithm.
    let is_positive = points().all(|(_, _, loss)| *loss > 0.0);
    let losses = || points().map(|(_, _, loss)| *loss);
    let domain = match is_positive {
        true => Domain::log(losses(), f64::MIN_POSITIVE).padded(0.2, 0.2),
        false => {
            let (least, most) = losses().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), v| (l.min(v), m.max(v)));
            Domain::linear(least, most).padded(0.05, 0.05)
        }
    };
    let frame = Frame {
        figure: "curves",
        x: Axis {
            domain: Domain::linear(0.0, last).padded(0.01, 0.02),
            label: "steps".to_owned(),
            short: "steps".to_owned(),
            ticks: [7, 4],
        },
        y: Some(Axis { domain, label: String::new(), short: String::new(), ticks: [6, 6] }),
        height: [340.0, 320.0],
        left: [58.0, 50.0],
        right: [24.0, 14.0],
        zoom: true,
        near: Near::Across,
    };
    let figure = Figure {
        id: "curves",
        question: "How fast did the loss fall, and does validation follow?",
        answer: answer(facts),
        legend: Legend::of(lines.iter().map(|line| (line.series, line.name.as_str()))),
        upwards: Some(format!("mean loss{}", if is_positive { ", on a logarithmic scale" } else { "" })),
        chart: frame.draw(|canvas| lines::draw(&lines, canvas)),
        how: html! {
            "Mean loss of all training rows, and of the validation rows, at the weights after so many steps, without \
            decay. Where the two part, the model learns what does not carry over."
            (how_to_explore())
        },
        table: Some(history_table(history)),
        print_table: false,
    };
    Some(figure.markup())
}

fn answer(facts: &TrainingPage) -> Markup {
    let report = &facts.report;
    let first = report.history.first().and_then(|entry| entry.train_loss);
    let least = report.history.iter().enumerate().filter_map(|(k, entry)| Some((k, entry, entry.validation_loss?)));
    let least = least.min_by(|(_, _, a), (_, _, b)| a.total_cmp(b));
    html! {
        "The training loss went from " (Quantity::new("/history/0/train_loss", first, Format::Number).or("no finite size"))
        " to " (Quantity::new("/kept/train_loss", report.kept.train_loss, Format::Number).or("no finite size"))
        " at the weights kept"
        @if let Some((k, entry, loss)) = least {
            "; the validation loss was least, " (Quantity::new(format!("/history/{k}/validation_loss"), loss, Format::Number))
            ", after epoch " (Quantity::count(format!("/history/{k}/epoch"), u64::from(entry.epoch)))
        }
        "."
    }
}

fn history_table(history: &[HistoryEntry]) -> Table {
    let source = |key: &str| format!("/history/*/{key}");
    let has = |value: fn(&HistoryEntry) -> Option<f64>| history.iter().any(|entry| value(entry).is_some());
    let (validated, classified) = (has(|entry| entry.validation_loss), has(|entry| entry.validation_accuracy));
    let mut columns = vec![
        Column::number("step", source("step"), Format::Count),
        Column::number("epoch", source("epoch"), Format::Count),
        Column::number("training loss", source("train_loss"), Format::Number).or("not finite"),
    ];
    if validated {
        columns.push(Column::number("validation loss", source("validation_loss"), Format::Number));
    }
    if classified {
        columns.push(Column::number("validation accuracy", source("validation_accuracy"), Format::Share));
    }
    columns.push(Column::number("time of the steps", source("seconds"), Format::Seconds));
    let rows = history.iter().enumerate().map(|(k, entry)| {
        let mut cells: Vec<Cell> =
            vec![(entry.step as f64).into(), f64::from(entry.epoch).into(), entry.train_loss.into()];
        if validated {
            cells.push(entry.validation_loss.into());
        }
        if classified {
            cells.push(entry.validation_accuracy.into());
        }
        cells.push(entry.seconds.into());
        Row::new(k, cells)
    });
    Table { id: "history", caption: "Every evaluation".to_owned(), columns, rows: rows.collect() }
}

fn controls(controls: &Controls) -> Markup {
    let source = |key: &str| format!("/controls/runs/*/{key}");
    let columns = vec![
        Column::text("what is shared"),
        Column::number("training loss", source("train_loss"), Format::Number).or("not finite"),
        Column::number("steps to the loss", source("steps_to_loss"), Format::Count).or("not reached"),
        Column::number("epochs to the loss", source("epochs_to_loss"), Format::Number).or("not reached"),
        Column::number("validation loss", source("validation_loss"), Format::Number),
        Column::number("validation accuracy", source("validation_accuracy"), Format::Share),
    ];
    let rows = controls.runs.iter().enumerate().map(|(k, run)| {
        let cells = vec![
            run.name.as_str().into(),
            run.train_loss.into(),
            run.steps_to_loss.map(|steps| steps as f64).into(),
            run.epochs_to_loss.into(),
            run.validation_loss.into(),
            run.validation_accuracy.into(),
        ];
        Row { key: k.to_string(), cells, marked: k == 0 }
    });
    let runs =
        Table { id: "controls", caption: "The training and its controls".to_owned(), columns, rows: rows.collect() };
    let columns = vec![
        Column::number("epoch", "/controls/correlations/*/epoch", Format::Count),
        Column::number("correlation", "/controls/correlations/*/correlation", Format::Number),
    ];
    let rows = controls.correlations.iter().enumerate();
    let rows = rows.map(|(k, c)| Row::new(k, vec![f64::from(c.epoch).into(), c.correlation.into()]));
    let correlations = Table {
        id: "correlations",
        caption: "Stored and fresh coefficients by epoch".to_owned(),
        columns,
        rows: rows.collect(),
    };
    html! {
        p.answer { (controls.summary) }
        (runs.markup())
        p.how {
            "Every control has the same first weights, batches, learning rate and number of steps; only what is shared \
            across epochs is another. The loss to reach is the last training loss of the main run. It is a single seed: \
            small differences mean nothing."
        }
        @if !controls.correlations.is_empty() { (correlations.markup()) }
    }
}

fn range_test(facts: &TrainingPage) -> Option<Markup> {
    let trials = facts.report.range_test.as_ref()?;
    let columns = vec![
        Column::number("learning rate", "/range_test/*/learning_rate", Format::Number),
        Column::number("training loss", "/range_test/*/loss", Format::Number).or("diverged"),
    ];
    let chosen = facts.report.learning_rate;
    let rows = trials.iter().enumerate().map(|(k, trial)| Row {
        key: k.to_string(),
        cells: vec![trial.learning_rate.into(), trial.loss.into()],
        marked: trial.learning_rate == chosen,
    });
    let table = Table { id: "range-test", caption: "Short trainings".to_owned(), columns, rows: rows.collect() };
    Some(html! {
        p.answer {
            "Short trainings from the same first weights; the least loss was at "
            (Quantity::new("/learning_rate", chosen, Format::Number)) "."
        }
        (table.markup())
    })
}

fn limits(facts: &TrainingPage) -> Markup {
    let (report, settings) = (&facts.report, &facts.report.settings);
    let at = |key: &str, value: f64| Quantity::new(format!("/settings/{key}"), value, Format::Number);
    html! {
        dl.method {
            dt { "What was minimised" }
            dd {
                "The mean loss of a batch of " (Quantity::count("/settings/batch", settings.batch as u64)) " rows, "
                @if settings.weight_decay > 0.0 { "with weight decay " (at("weight_decay", settings.weight_decay)) }
                @else { "without weight decay" }
                @if let Some(momentum) = settings.momentum { ", momentum " (at("momentum", momentum)) }
                @if let Some(alpha) = settings.alpha { ", relative damping " (at("alpha", alpha)) }
                @if let Some(damping) = settings.damping { ", damping " (at("damping", damping)) }
                @if let Some(rank) = settings.rank { ", rank " (Quantity::count("/settings/rank", rank as u64)) }
                @if let Some(share) = &settings.share { ", coefficients shared " (share.name().replace('_', " ")) }
                @if let Some(base) = &settings.base { ", on top of " (base.name()) }
                "."
            }
            dt { "What the times are" }
            dd { "Of the steps alone: evaluation and the report are in no time." }
            @if report.optimizer == OptimiserName::Fngd {
                dt { "What fngd is" }
                dd { "Coefficients of per-sample gradients, inverted in the first epoch and shared afterwards; the controls \
                    say whether they carried anything." }
            }
            @if report.optimizer == OptimiserName::FngdMetric {
                dt { "What fngd-metric is" }
                dd { "The second moment of each layer’s inputs, found in the first epoch and shared afterwards: a low-rank, \
                    one-sided relative of K-FAC and FOOF, and not the rule of the paper on fast natural gradients." }
            }
            @if !report.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &report.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd { "Losses and settings; no row of the table and no weight of the model." }
            (method::run_again(&facts.tool, facts.created_utc.as_deref()))
        }
    }
}
