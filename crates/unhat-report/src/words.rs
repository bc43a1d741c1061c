//! The words for what the data names by keys: releases, attacks, protections, what an attacker has.

use crate::number::{Format, Quantity};
use maud::{Markup, html};
use unhat::audit::report::{AttackKind, AuditReport, Detail, Protection, ProtectionKind, Release, ReleaseKind};

/// "leverage scores"
pub(crate) fn released(kind: ReleaseKind) -> &'static str {
    match kind {
        ReleaseKind::Scores => "leverage scores",
        ReleaseKind::Gradient => "gradient",
        ReleaseKind::Both => "leverage scores and gradient",
    }
}

/// The word of a table of all releases.
pub(crate) fn release_name(kind: ReleaseKind) -> &'static str {
    match kind {
        ReleaseKind::Scores => "scores",
        ReleaseKind::Gradient => "gradient",
        ReleaseKind::Both => "both",
    }
}

/// What is released, of how many rows.
pub(crate) fn release_fact(findings: &AuditReport) -> Markup {
    let Release { kind, rows_released, .. } = findings.release;
    let all = rows_released == findings.table.rows;
    html! {
        @if kind == ReleaseKind::Gradient {
            "gradient g(x) = −A" sub { "x" } "ᵀσ(x)"
        } @else {
            "leverage scores σ(x) of "
            @if all { "all rows" } @else { (Quantity::count("/release/rows_released", rows_released)) " rows" }
            @if kind == ReleaseKind::Both { ", and the gradient g(x)" }
        }
    }
}

/// The name of an attack for a reader.
pub(crate) fn attack(kind: AttackKind) -> &'static str {
    match kind {
        AttackKind::Blind => "no prior knowledge",
        AttackKind::Start => "a start nearby",
        AttackKind::Signs => "signs known",
        AttackKind::Ridge => "taken for a ridge fit",
    }
}

/// Who that is, in a sentence.
pub(crate) fn attacker(kind: AttackKind) -> &'static str {
    match kind {
        AttackKind::Blind => "an attacker without prior knowledge",
        AttackKind::Start => "an attacker who knows a point near x",
        AttackKind::Signs => "an attacker who knows on which side of the fit every row lies",
        AttackKind::Ridge => "an attacker who takes x for a ridge fit",
    }
}

/// What signs and table give without a release; it stands beside what an attack on the release reaches.
pub(crate) fn baseline(findings: &AuditReport) -> Markup {
    let Some(baseline) = &findings.baseline else { return html! { "not measured" } };
    html! {
        "the centre of the cell (signs and table alone) is within " (Quantity::new("/baseline/rel_error",
            baseline.rel_error, Format::Share))
        @if let Some(errors) = baseline.error_se {
            ", " (Quantity::new("/baseline/error_se", errors, Format::Number)) " standard errors"
        }
    }
}

/// A table by its name and shape; `at` is where its numbers stand in the data.
pub(crate) fn table_fact(name: &str, at: &str, rows: u64, columns: u64) -> Markup {
    html! {
        span.name { (name) } ", " (Quantity::count(format!("{at}/rows"), rows)) " rows × "
        (Quantity::count(format!("{at}/columns"), columns)) " columns"
    }
}

/// The key of an attack in the data.
pub(crate) fn attack_key(kind: AttackKind) -> &'static str {
    match kind {
        AttackKind::Blind => "blind",
        AttackKind::Start => "start",
        AttackKind::Signs => "signs_known",
        AttackKind::Ridge => "ridge",
    }
}

/// A protection in words; `source` is where it stands in the data.
pub(crate) fn protection(protection: &Protection, source: &str) -> Markup {
    let at = |key: &str, value: f64, format| Quantity::new(format!("{source}/{key}"), value, format);
    html! {
        @match protection {
            Protection::None => "none",
            Protection::Gaussian { noise_rel, .. } => { "Gaussian noise, " (at("noise_rel", *noise_rel,
                Format::Noise)) " of the rms" },
            Protection::Rounding { digits } => {
                "rounding to " (at("digits", f64::from(*digits), Format::Count)) " significant " (if *digits == 1 {
                    "digit" } else { "digits" })
            },
            Protection::Clip { quantile } => { "clipping at the quantile " (at("quantile", *quantile, Format::Number))
                },
            Protection::TopK { k } => { "only the " (at("k", f64::from(*k), Format::Count)) " largest" },
        }
    }
}

/// The name of a kind of protection.
pub(crate) fn protection_name(kind: ProtectionKind) -> &'static str {
    match kind {
        ProtectionKind::None => "none",
        ProtectionKind::Gaussian => "Gaussian noise",
        ProtectionKind::Rounding => "rounding",
        ProtectionKind::Clip => "clipping",
        ProtectionKind::TopK => "largest only",
    }
}

/// What the attacker is declared to have, as a list in words.
pub(crate) fn attacker_has(keys: &[String]) -> String {
    let names: Vec<&str> = keys
        .iter()
        .map(|key| match key.as_str() {
            "table" => "the table",
            "scores" => "the scores",
            "gradient" => "the gradient",
            "start" => "a point near x",
            "signs" => "the side of every row",
            other => other,
        })
        .collect();
    match names.split_last() {
        None => "nothing was declared".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// "the scores’ rms"
pub(crate) fn unit(kind: ReleaseKind) -> &'static str {
    match kind {
        ReleaseKind::Scores => "the scores’ rms",
        ReleaseKind::Gradient => "the gradient’s rms",
        ReleaseKind::Both => "the release’s rms",
    }
}

/// How a row is called: by its number, or by its place in the list where numbers are left out.
pub(crate) fn row_name(row: Option<u64>, place: usize) -> String {
    row.map_or(format!("no. {}", place + 1), |row| format!("row {row}"))
}

/// What the file itself gives away.
pub(crate) fn what_the_file_holds(detail: Detail) -> &'static str {
    match detail {
        Detail::Owner => {
            "This is the owner’s copy: it holds the coefficients to four digits, the numbers of the most exposed rows \
                and binned counts of the others, but no released value. Keep it inside. With --report-detail share the \
                coefficients and the row numbers are left out, so that the report does not become a release itself."
        }
        Detail::Share => {
            "This copy may be handed on: coefficients, absolute errors from which they could be computed, and row \
                numbers are left out, and it holds no released value."
        }
    }
}
