//! How close does an attacker get, for each amount of noise?

use crate::charts::curve_band::{self, Curve, CurveBand};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend, how_to_explore};
use crate::pieces::table::{Column, Row, Table};
use crate::words;
use maud::{Markup, html};
use unhat::audit::report::{AttackCurve, AuditReport, Protection, ReleaseKind, Series as AttackSeries};

/// The axis of errors always reaches this far: 3 is an answer that has nothing to do with x any more.
const WORST_ERROR: f64 = 3.0;
/// Errors below this are rounding: a double has 16 digits.
pub(crate) const LEAST_ERROR: f64 = 1e-16;

/// The figure, or None without noise levels.
pub(crate) fn figure(findings: &AuditReport) -> Option<Markup> {
    let curve = &findings.attack_curve;
    if curve.noise_rel.is_empty() || curve.series.is_empty() {
        return None;
    }
    let errors = curve.series.iter().flat_map(|series| series.q05.iter().chain(&series.q95)).chain(&curve.bound);
    let planned = planned(findings);
    let frame = Frame {
        figure: "noise",
        x: Axis {
            domain: Domain::log(
                curve.noise_rel.iter().copied().chain(planned.iter().filter_map(|noise| noise.value)),
                f64::MIN_POSITIVE,
            )
            .padded(0.0, 0.12),
            label: format!("noise added ÷ {} (10⁻² is 1 %)", words::unit(curve.release)),
            short: "noise ÷ rms (10⁻² is 1 %)".to_owned(),
            ticks: [8, 4],
        },
        y: Some(Axis {
            domain: Domain::log(errors.copied().chain([WORST_ERROR]), LEAST_ERROR).padded(0.6, 0.0),
            label: String::new(),
            short: String::new(),
            ticks: [6, 6],
        }),
        height: [400.0, 360.0],
        left: [58.0, 46.0],
        right: [150.0, 14.0],
        zoom: true,
        near: Near::Across,
    };
    let chart = CurveBand {
        across: &curve.noise_rel,
        curves: curve.series.iter().enumerate().map(|(place, series)| as_curve(place, series, curve)).collect(),
        bound: &curve.bound,
        wished: Quantity::new("/declared/target_rel_error", findings.declared.target_rel_error, Format::Share),
        planned,
    };
    let mut legend: Vec<_> =
        curve.series.iter().enumerate().map(|(place, series)| (Series::nth(place), words::attack(series.id))).collect();
    if !curve.bound.is_empty() {
        legend.push((Series::Bound, "Cramér–Rao bound"));
    }
    let figure = Figure {
        id: "noise",
        question: "How close does an attacker get, for each amount of noise?",
        answer: answer(findings),
        legend: Legend::of(legend).for_phones(),
        upwards: Some("relative error of the recovered coefficients, ‖x̂ − x‖ ÷ ‖x‖".to_owned()),
        chart: frame.draw(|canvas| curve_band::draw(&chart, canvas)),
        how: html! {
            "Lines: the median try; bands: from the 5 % point to the 95 % point of the tries. Lower is closer to the \
                truth."
            (how_to_explore())
        },
        table: Some(table(curve)),
        print_table: false,
    };
    Some(figure.markup())
}

fn planned(findings: &AuditReport) -> Option<Quantity> {
    match findings.release.planned {
        Protection::Gaussian { noise_rel, .. } if noise_rel > 0.0 => {
            Some(Quantity::new("/release/planned/noise_rel", noise_rel, Format::Noise))
        }
        _ => None,
    }
}

fn answer(findings: &AuditReport) -> Markup {
    let curve = &findings.attack_curve;
    let place = curve.series.iter().position(|series| series.headline).unwrap_or(0);
    let headline = &curve.series[place];
    let last = curve.noise_rel.len() - 1;
    let error = |index: usize| {
        let source = format!("/attack_curve/series/{place}/median/{index}");
        Quantity::new(source, headline.median.get(index).copied(), Format::Share)
    };
    let noise =
        |index: usize| Quantity::new(format!("/attack_curve/noise_rel/{index}"), curve.noise_rel[index], Format::Noise);
    html! {
        "Half of the tries of " (words::attacker(headline.id)) " come within " (error(0))
            " at the least noise tried (" (noise(0))
        " of the rms) and within " (error(last)) " at the most (" (noise(last)) "); without any release, "
            (words::baseline(findings)) ". "
        @match findings.bound.valid_below_noise_rel {
            Some(limit) => {
                "Up to a noise of " (Quantity::new("/bound/valid_below_noise_rel", limit, Format::Noise))
                " these tries sit on the Cramér–Rao bound (median error 0.3 to 3 times it), where no unbiased method \
                    can do better."
            }
            None if curve.bound.is_empty() => "There is no Cramér–Rao bound to compare with, because the release \
                leaves a direction of x free.",
            None => "These tries are at no noise tried on the Cramér–Rao bound."
        }
        @if let Some(noise) = findings.bound.noise_rel_at_chi {
            " χ, which says how far noise moves a slack at most, is "
            (Quantity::new("/bound/chi_limit", findings.bound.chi_limit, Format::Number)) " at a noise of "
            (Quantity::new("/bound/noise_rel_at_chi", noise, Format::Noise))
            "; beyond this the error is that of the cell" (if curve.release == ReleaseKind::Gradient { "." } else {
                ", or of an attack that has left it." })
        }
    }
}

/// The columns of the table: noise twice, five for each attack, the bound, χ.
const COLUMNS_BEFORE: usize = 2;
const COLUMNS_A_SERIES: usize = 5;

fn as_curve<'a>(place: usize, series: &'a AttackSeries, curve: &'a AttackCurve) -> Curve<'a> {
    let first = COLUMNS_BEFORE + COLUMNS_A_SERIES * place;
    let mut columns: Vec<String> = (first..first + COLUMNS_A_SERIES).map(|column| column.to_string()).collect();
    if !curve.bound.is_empty() {
        columns.push((COLUMNS_BEFORE + COLUMNS_A_SERIES * curve.series.len()).to_string());
    }
    Curve {
        series: Series::nth(place),
        name: words::attack(series.id),
        middle: &series.median,
        low: &series.q05,
        high: &series.q95,
        columns: columns.join(" "),
    }
}

fn table(curve: &AttackCurve) -> Table {
    let mut columns = vec![
        Column::number("noise ÷ rms", "/attack_curve/noise_rel/*", Format::Noise),
        Column::number("noise, absolute", "/attack_curve/noise_abs/*", Format::Number),
    ];
    for (place, series) in curve.series.iter().enumerate() {
        let name = words::attack(series.id);
        let column = |title: String, key: &str, format| {
            Column::number(title, format!("/attack_curve/series/{place}/{key}/*"), format)
        };
        columns.extend([
            column(format!("{name}, median"), "median", Format::Share),
            column("5 % point".to_owned(), "q05", Format::Share),
            column("95 % point".to_owned(), "q95", Format::Share),
            column("root mean square".to_owned(), "rmse", Format::Share),
            column("tries at the bound".to_owned(), "share_at_bound", Format::Share),
        ]);
    }
    if !curve.bound.is_empty() {
        columns.push(Column::number("Cramér–Rao bound", "/attack_curve/bound/*", Format::Share));
        columns.push(Column::number("χ", "/attack_curve/chi/*", Format::Number));
    }
    let rows = (0..curve.noise_rel.len()).map(|level| {
        let mut cells = vec![Some(curve.noise_rel[level]).into(), curve.noise_abs.get(level).copied().into()];
        for series in &curve.series {
            let values = [&series.median, &series.q05, &series.q95, &series.rmse, &series.share_at_bound];
            cells.extend(values.map(|values| values.get(level).copied().into()));
        }
        if !curve.bound.is_empty() {
            cells.push(curve.bound.get(level).copied().into());
            cells.push(curve.chi.get(level).copied().into());
        }
        Row::new(level, cells)
    });
    Table { id: "error-against-noise", caption: "Attack error against noise".to_owned(), columns, rows: rows.collect() }
}
