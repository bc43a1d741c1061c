//! Does any row pull the fit? Only for a table with a response.

use crate::charts::density::{self, Contour, Point, domain_of};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend, how_to_explore};
use crate::pieces::table::{Cell, Column, Row, Table};
use crate::words::row_name;
use maud::{Markup, html};
use unhat::audit::report::{AuditReport, ExposedRow};

/// So many of the largest Cook's distances are drawn in the second colour.
const LARGEST_COOK: usize = 12;
/// Rows that are labelled, where there is room.
const LABELLED: usize = 5;
/// The contours that are usual in residual plots.
const DISTANCES: [(f64, &str); 3] = [(0.1, "D = 0.1"), (0.5, "0.5"), (1.0, "1")];
/// Points of a contour.
const CONTOUR_POINTS: usize = 60;
/// Hat values spanning less than this ratio are shown on a linear axis.
const RATIO_FOR_LOG: f64 = 30.0;

/// A row with all that the figure shows.
struct Pull<'a> {
    place: usize,
    row: &'a ExposedRow,
    residual: f64,
    cook: f64,
}

/// The figure, or None without residuals.
pub(crate) fn figure(findings: &AuditReport) -> Option<Markup> {
    // The largest Cook's distance first, among all rows of the table.
    let pulls: Vec<Pull> = findings
        .rows
        .influential
        .iter()
        .enumerate()
        .filter_map(|(place, row)| Some(Pull { place, row, residual: row.studentised?, cook: row.cook? }))
        .collect();
    pulls.first()?;
    let (across, up) = domains(findings, &pulls);
    let points: Vec<Point> = pulls.iter().enumerate().map(|(rank, pull)| point(rank, pull)).collect();
    let contours = contours(findings, across, up.to);
    let frame = Frame {
        figure: "fit",
        x: Axis {
            domain: across,
            label: "hat value hᵢ (share of its fitted value that row i decides itself)".to_owned(),
            short: "hat value hᵢ".to_owned(),
            ticks: [6, 4],
        },
        y: Some(Axis { domain: up, label: String::new(), short: String::new(), ticks: [6, 6] }),
        height: [420.0, 380.0],
        left: [58.0, 40.0],
        right: [70.0, 14.0],
        zoom: true,
        near: Near::Point,
    };
    let figure = Figure {
        id: "fit",
        question: "Does any row pull the fit?",
        answer: answer(findings, &pulls),
        legend: Legend::of([
            (Series::Second, "largest Cook’s distances"),
            (Series::First, "other unusual rows"),
            (Series::Contour, "equal Cook’s distance D"),
        ]),
        upwards: Some("externally studentised residual (standard errors)".to_owned()),
        chart: frame.draw(|canvas| density::draw(findings.density.as_ref(), &contours, &points, canvas)),
        how: html! {
            @if findings.density.is_some() { "All " (Quantity::count("/rows/count", findings.rows.count))
                " rows are counted in the shading (darker: more rows); the most unusual of them are drawn one by one. " }
            "A row far to the right and far from zero pulls the fit towards itself."
            (how_to_explore())
        },
        table: Some(table(&pulls)),
        print_table: false,
    };
    Some(figure.markup())
}

/// All rows and all points, the residual axis the same on both sides.
fn domains(findings: &AuditReport, pulls: &[Pull]) -> (Domain, Domain) {
    let density = findings.density.as_ref();
    let mut hats: Vec<f64> = pulls.iter().map(|pull| pull.row.hat).collect();
    let mut most = pulls.iter().map(|pull| pull.residual.abs()).fold(1.0, f64::max);
    if let Some(density) = density {
        let (x, y) = (domain_of(&density.x), domain_of(&density.y));
        hats.extend([x.from, x.to]);
        most = most.max(y.from.abs()).max(y.to.abs());
    }
    let (least, largest) =
        hats.iter().fold((f64::INFINITY, 0.0_f64), |(least, most), hat| (least.min(*hat), most.max(*hat)));
    let across = if least > 0.0 && largest / least >= RATIO_FOR_LOG {
        Domain::log([least, largest], f64::MIN_POSITIVE).padded(0.1, 0.4)
    } else {
        Domain::linear(0.0, largest).padded(0.0, 0.1)
    };
    let most = most.ceil() + 1.0;
    (across, Domain::linear(-most, most))
}

/// Where Cook's distance is D: with p columns and ν = n − p, a residual t (external) has r² = t²ν/(ν − 1 + t²) (internal),
/// and D = r²h/(p(1 − h)).
fn contours(findings: &AuditReport, across: Domain, most: f64) -> Vec<Contour> {
    let (rows, columns) = (findings.table.rows as f64, findings.table.rank as f64);
    let freedom = rows - columns;
    if freedom <= 1.0 {
        return Vec::new();
    }
    let hat_at = |residual: f64, distance: f64| {
        let internal = residual * residual * freedom / (freedom - 1.0 + residual * residual);
        distance * columns / (internal + distance * columns)
    };
    let contour = |(distance, name): (f64, &'static str)| {
        let residuals = (0..=CONTOUR_POINTS).map(|step| most * (1.0 - step as f64 / CONTOUR_POINTS as f64));
        let points = residuals.map(|residual| (hat_at(residual, distance), residual));
        Contour { distance: name, points: points.filter(|(hat, _)| (across.from..=across.to).contains(hat)).collect() }
    };
    DISTANCES.map(contour).into_iter().filter(|contour| contour.points.len() > 1).collect()
}

fn point(rank: usize, pull: &Pull) -> Point {
    let name = match pull.row.row {
        Some(number) => number.to_string(),
        None => (pull.place + 1).to_string(),
    };
    Point {
        key: pull.place.to_string(),
        x: pull.row.hat,
        y: pull.residual,
        series: if rank < LARGEST_COOK { Series::Second } else { Series::First },
        label: if rank < LABELLED { name } else { String::new() },
    }
}

/// Of all rows, not of those that are drawn alone.
fn answer(findings: &AuditReport, pulls: &[Pull]) -> Markup {
    let first = &pulls[0];
    let source = |key: &str| format!("/rows/influential/{}/{key}", first.place);
    let beyond = findings.rows.cook_over_half;
    let all = Quantity::count("/rows/count", findings.rows.count);
    html! {
        @match first.row.row {
            Some(number) => { "Row " (Quantity::new(source("row"), number as f64, Format::Fixed(0))) },
            None => { "One row" },
        }
        " has the largest Cook’s distance of all " (all) " rows, " (Quantity::new(source("cook"), first.cook,
            Format::Number)) ", with a studentised residual of " (Quantity::new(source("studentised"), first.residual,
            Format::Number)) "; "
        @match beyond {
            0 => "no row of the table passes the contour at 0.5.",
            1 => "it alone passes the contour at 0.5.",
            _ => { (Quantity::count("/rows/cook_over_half", beyond)) " rows pass the contour at 0.5." },
        }
    }
}

fn table(pulls: &[Pull]) -> Table {
    let source = |key: &str| format!("/rows/influential/*/{key}");
    let columns = vec![
        Column::number("row", "", Format::Fixed(0)),
        Column::number("hat value h", source("hat"), Format::Number),
        Column::number("studentised residual", source("studentised"), Format::Fixed(2)),
        Column::number("Cook’s distance", source("cook"), Format::Number),
    ];
    let rows = pulls.iter().map(|pull| {
        let name = match pull.row.row {
            Some(number) => Cell::Quantity(Quantity::new(
                format!("/rows/influential/{}/row", pull.place),
                number as f64,
                Format::Fixed(0),
            )),
            None => row_name(None, pull.place).into(),
        };
        Row::new(pull.place, vec![name, pull.row.hat.into(), pull.residual.into(), pull.cook.into()])
    });
    Table { id: "rows-in-the-fit", caption: "The rows drawn one by one".to_owned(), columns, rows: rows.collect() }
}
