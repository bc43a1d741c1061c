//! Which coefficients leak most?

use crate::charts::dots::{self, Dot, DotRow};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Column, Row, Table};
use crate::sections::noise::LEAST_ERROR;
use crate::words;
use maud::{Markup, html};
use unhat::audit::is_exact;
use unhat::audit::report::{AuditReport, Coordinate, Detail, Spread};

/// Coefficients drawn; the table has them all.
const DRAWN: usize = 20;
const PITCH: [f64; 2] = [28.0, 42.0];
const AROUND_ROWS: f64 = 62.0;

/// A coefficient with its relative errors.
struct Leak<'a> {
    index: usize,
    coordinate: &'a Coordinate,
    relative: &'a Spread,
}

/// The figure, or None where no coefficient has a relative error.
pub(crate) fn figure(findings: &AuditReport) -> Option<Markup> {
    let mut leaks: Vec<Leak> = findings
        .coordinates
        .iter()
        .enumerate()
        .filter_map(|(index, coordinate)| {
            let relative = coordinate.spread_rel.as_ref().filter(|spread| spread.median.is_finite())?;
            Some(Leak { index, coordinate, relative })
        })
        .collect();
    leaks.sort_by(|a, b| a.relative.median.total_cmp(&b.relative.median));
    let drawn = &leaks[..leaks.len().min(DRAWN)];
    drawn.first()?;
    let errors = drawn.iter().flat_map(|leak| {
        [leak.relative.q05, leak.relative.q95, leak.relative.median].into_iter().chain(bound(leak).value)
    });
    let rows: Vec<DotRow> = drawn.iter().map(row_of).collect();
    let wished = Quantity::new("/declared/target_rel_error", findings.declared.target_rel_error, Format::Share);
    let frame = Frame {
        figure: "coordinates",
        x: Axis {
            domain: Domain::log(errors, LEAST_ERROR).padded(0.3, 0.3),
            label: "relative error as planned (left leaks more)".to_owned(),
            short: "relative error (left leaks more)".to_owned(),
            ticks: [6, 3],
        },
        y: None,
        height: PITCH.map(|pitch| AROUND_ROWS + pitch * rows.len() as f64),
        left: [232.0, 14.0],
        right: [40.0, 22.0],
        zoom: false,
        near: Near::Point,
    };
    let figure = Figure {
        id: "coordinates",
        question: "Which coefficients leak most?",
        answer: answer(findings, &leaks),
        legend: Legend::of([
            (Series::Second, "median try, 5 % point to 95 % point"),
            (Series::Limit, "Cramér–Rao bound"),
        ]),
        upwards: None,
        chart: frame.draw(|canvas| dots::draw(&rows, Some(&wished), canvas)),
        how: html! {
            "The planned protection, against " (words::attacker(findings.verdict.attack))
                ". The bound is a standard error; half of the errors of a method that reaches it are smaller than 0.67 \
                of it."
            @if leaks.len() > drawn.len() { " Drawn: the most exposed; the table has them all." }
        },
        table: Some(table(&leaks, findings.detail)),
        print_table: false,
    };
    Some(figure.markup())
}

fn row_of(leak: &Leak) -> DotRow {
    let Spread { median, q05, q95, .. } = *leak.relative;
    let dot = Dot {
        series: Series::Second,
        key: leak.index.to_string(),
        value: median,
        interval: Some((q05, q95)),
        columns: "1 2 3 4 5 6".to_owned(),
    };
    DotRow { name: leak.coordinate.name.clone(), dots: vec![dot], bound: bound(leak).value }
}

/// The bound over |xⱼ|.
fn bound(leak: &Leak) -> Quantity {
    Quantity::new(format!("/coordinates/{}/bound_rel", leak.index), leak.coordinate.bound_rel, Format::Share)
}

fn answer(findings: &AuditReport, leaks: &[Leak]) -> Markup {
    let error = |leak: &Leak| {
        Quantity::new(format!("/coordinates/{}/spread_rel/median", leak.index), leak.relative.median, Format::Share)
    };
    let often = |leak: &Leak| if leak.relative.trials == 1 { "" } else { " in half of the tries" };
    html! {
        @if leaks.iter().all(|leak| is_exact(leak.relative.median, findings)) {
            "All coefficients are recovered exactly, to rounding."
        } @else if let [first, .., last] = leaks {
            "The coefficient of " span.name { (first.coordinate.name) } " is recovered best (to " (error(first))
                (often(first)) "), that of "
            span.name { (last.coordinate.name) } " least (" (error(last)) ")."
        } @else if let [only] = leaks {
            "The coefficient of " span.name { (only.coordinate.name) } " is recovered to " (error(only)) (often(only))
                "."
        }
        " Without any release, " (words::baseline(findings)) "."
    }
}

/// Absolute errors are in the owner's copy only: with the relative ones they give the coefficient.
fn table(leaks: &[Leak], detail: Detail) -> Table {
    let source = |key: &str| format!("/coordinates/*/{key}");
    let mut columns = vec![
        Column::text("coefficient"),
        Column::number("relative error, median", source("spread_rel/median"), Format::Share),
        Column::number("5 % point", source("spread_rel/q05"), Format::Share),
        Column::number("95 % point", source("spread_rel/q95"), Format::Share),
        Column::number("Cramér–Rao bound, relative", source("bound_rel"), Format::Share).or("no bound"),
        Column::number("centre of the cell, no release", source("baseline_rel"), Format::Share),
    ];
    if detail == Detail::Owner {
        columns.push(Column::number("value", source("value"), Format::Number));
        columns.push(Column::number("error, median, absolute", source("spread_abs/median"), Format::Number));
        columns.push(Column::number("median, standard errors", source("spread_se/median"), Format::Number));
    }
    let rows = leaks.iter().map(|leak| {
        let Spread { median, q05, q95, .. } = *leak.relative;
        let name = leak.coordinate.name.as_str();
        let mut cells = vec![name.into(), median.into(), q05.into(), q95.into(), bound(leak).value.into()];
        cells.push(leak.coordinate.baseline_rel.into());
        if detail == Detail::Owner {
            cells.push(leak.coordinate.value.into());
            cells.push(leak.coordinate.spread_abs.as_ref().map(|spread| spread.median).into());
            cells.push(leak.coordinate.spread_se.as_ref().map(|spread| spread.median).into());
        }
        Row::new(leak.index, cells)
    });
    Table {
        id: "coefficients",
        caption: "Coefficients under the planned protection".to_owned(),
        columns,
        rows: rows.collect(),
    }
}
