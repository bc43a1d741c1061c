//! Which protection would help? And, as a table, everything that was tried.

use crate::charts::dots::{self, Dot, DotRow};
use crate::charts::frame::{Axis, Frame, Near, Series};
use crate::charts::scale::Domain;
use crate::number::{Format, Quantity};
use crate::pieces::figure::{Figure, Legend};
use crate::pieces::table::{Cell, Column, Row, Table};
use crate::sections::noise::LEAST_ERROR;
use crate::words;
use maud::{Markup, html};
use unhat::audit::report::{AttackKind, AuditReport, Protection, ProtectionResult, Spread};

/// Heights of a row, wide and narrow (where its name stands above), and of what is around the rows.
const PITCH: [f64; 2] = [26.0, 42.0];
const AROUND_ROWS: f64 = 62.0;

/// The figure, or None without protections.
pub(crate) fn figure(findings: &AuditReport) -> Option<Markup> {
    let protections = &findings.protections;
    if protections.is_empty() {
        return None;
    }
    let attacks = attacks_in(protections);
    let wished = Quantity::new("/declared/target_rel_error", findings.declared.target_rel_error, Format::Share);
    let errors = protections
        .iter()
        .flat_map(|result| result.attacks.values())
        .flat_map(|spread| [spread.q05, spread.q95, spread.median]);
    let rows: Vec<DotRow> =
        protections.iter().enumerate().map(|(index, result)| row_of(index, result, &attacks)).collect();
    let heights = PITCH.map(|pitch| AROUND_ROWS + pitch * rows.len() as f64);
    let frame = Frame {
        figure: "protections",
        x: Axis {
            domain: Domain::log(errors.chain([findings.declared.target_rel_error, 3.0]), LEAST_ERROR).padded(0.6, 0.0),
            label: "relative error of the recovered coefficients (right is safer)".to_owned(),
            short: "relative error (right is safer)".to_owned(),
            ticks: [8, 4],
        },
        y: None,
        height: heights,
        left: [264.0, 14.0],
        right: [24.0, 18.0],
        zoom: false,
        near: Near::Point,
    };
    let figure = Figure {
        id: "protections",
        question: "Which protection would help?",
        answer: answer(findings),
        legend: Legend::of(
            attacks.iter().enumerate().map(|(place, attack)| (Series::nth(place), words::attack(*attack))),
        ),
        upwards: None,
        chart: frame.draw(|canvas| dots::draw(&rows, Some(&wished), canvas)),
        how: html! {
            "Marks: the median try; lines: from the 5 % point to the 95 % point of the tries. Shaded: an error of "
                (wished)
            " and more, which is wished for. Rounding, clipping and releasing only the largest have no chance in them, \
                so no line. An attack that always failed has no mark."
        },
        table: Some(table(findings, &attacks)),
        print_table: true,
    };
    Some(html! { (figure.markup()) (everything_tried(findings)) })
}

fn attacks_in(protections: &[ProtectionResult]) -> Vec<AttackKind> {
    let mut attacks: Vec<AttackKind> = protections.iter().flat_map(|result| result.attacks.keys().copied()).collect();
    attacks.sort();
    attacks.dedup();
    attacks
}

fn row_of(index: usize, result: &ProtectionResult, attacks: &[AttackKind]) -> DotRow {
    let dots = attacks.iter().enumerate().filter_map(|(place, attack)| {
        let spread = result.attacks.get(attack)?;
        let chance = !matches!(
            result.protection,
            Protection::Rounding { .. } | Protection::Clip { .. } | Protection::TopK { .. }
        );
        Some(Dot {
            series: Series::nth(place),
            key: index.to_string(),
            value: spread.median,
            interval: chance.then_some((spread.q05, spread.q95)),
            columns: (1 + 4 * place..5 + 4 * place).map(|column| column.to_string()).collect::<Vec<_>>().join(" "),
        })
    });
    DotRow { name: result.label.clone(), dots: dots.collect(), bound: None }
}

/// A protection keeps the wish when the 5 % point of every attack without a start that gave an answer is above it; an
/// attack with a start begins nearer than most wishes, whatever is released.
fn keeps(result: &ProtectionResult, wish: f64) -> bool {
    let without_start = result.attacks.iter().filter(|(attack, _)| **attack != AttackKind::Start);
    without_start.map(|(_, spread)| spread.q05).all(|error| error >= wish)
}

fn answer(findings: &AuditReport) -> Markup {
    let wish = findings.declared.target_rel_error;
    let keeping: Vec<&ProtectionResult> = findings.protections.iter().filter(|result| keeps(result, wish)).collect();
    let wished = Quantity::new("/declared/target_rel_error", wish, Format::Share);
    html! {
        @match keeping.as_slice() {
            [] => { "None of those tried keeps every attacker without a start above " (wished)
                " in nineteen tries of twenty." }
            [only] => { "Of those tried, only one keeps every attacker without a start above " (wished)
                " in nineteen tries of twenty: " span.name { (only.label) } "." }
            [first, others @ ..] => {
                "Every attacker without a start stays above " (wished) " in nineteen tries of twenty with: " span.name { (first.label) }
                @for other in others { "; " span.name { (other.label) } } "."
            }
        }
        " Without any release, " (words::baseline(findings)) "."
    }
}

/// The error that needs no release, beside those of the attacks.
fn baseline(findings: &AuditReport) -> (Column, Option<f64>) {
    let error = findings.baseline.as_ref().map(|baseline| baseline.rel_error);
    (Column::number("centre of the cell, no release", "/baseline/rel_error", Format::Share).or("not measured"), error)
}

fn table(findings: &AuditReport, attacks: &[AttackKind]) -> Table {
    let mut columns = vec![Column::text("protection")];
    for attack in attacks {
        let name = words::attack(*attack);
        let source = |key: &str| format!("/protections/*/attacks/{}/{key}", words::attack_key(*attack));
        let digits = format!("digits {}", source("median"));
        columns.extend([
            Column::number(format!("{name}, median"), source("median"), Format::Share).or("failed"),
            Column::number("5 % point", source("q05"), Format::Share),
            Column::number("95 % point", source("q95"), Format::Share),
            Column::number("correct digits", digits, Format::Digits),
        ]);
    }
    let (column, centre) = baseline(findings);
    columns.push(column);
    let rows = findings.protections.iter().enumerate().map(|(index, result)| {
        let mut cells: Vec<Cell> = vec![result.label.as_str().into()];
        for attack in attacks {
            let spread: Option<&Spread> = result.attacks.get(attack);
            let values =
                [spread.map(|s| s.median), spread.map(|s| s.q05), spread.map(|s| s.q95), spread.map(|s| s.median)];
            cells.extend(values.map(Cell::from));
        }
        cells.push(centre.into());
        Row::new(index, cells)
    });
    Table {
        id: "protections-table",
        caption: "Attack error under each protection".to_owned(),
        columns,
        rows: rows.collect(),
    }
}

/// The long table: every release, attack, protection and level.
fn everything_tried(findings: &AuditReport) -> Markup {
    if findings.releases.is_empty() {
        return html! {};
    }
    let source = |key: &str| format!("/releases/*/{key}");
    let (without_release, centre) = baseline(findings);
    let columns = vec![
        Column::text("release"),
        Column::text("attack"),
        Column::text("protection"),
        Column::number("level", source("level"), Format::Number),
        Column::number("trials", source("trials"), Format::Count),
        Column::number("failed", source("failed"), Format::Count),
        Column::number("error, median", source("error_median"), Format::Share).or("all failed"),
        Column::number("median, standard errors", source("error_se_median"), Format::Number),
        Column::number("5 % point", source("error_q05"), Format::Share),
        Column::number("95 % point", source("error_q95"), Format::Share),
        without_release,
        Column::number("noise for the wish", source("noise_for_error"), Format::Number).or("none is enough"),
    ];
    let rows = findings.releases.iter().enumerate().map(|(index, tried)| {
        let cells = vec![
            words::release_name(tried.release).into(),
            words::attack(tried.attack).into(),
            words::protection_name(tried.protection).into(),
            tried.level.into(),
            f64::from(tried.trials).into(),
            f64::from(tried.failed).into(),
            tried.error_median.into(),
            tried.error_se_median.into(),
            tried.error_q05.into(),
            tried.error_q95.into(),
            centre.into(),
            tried.noise_for_error.into(),
        ];
        Row::new(index, cells)
    });
    let table = Table {
        id: "everything-tried",
        caption: "Every release, attack, protection and level (level and noise in the units of the release)".to_owned(),
        columns,
        rows: rows.collect(),
    };
    html! { details { summary { "Everything that was tried" } (table.markup()) } }
}
