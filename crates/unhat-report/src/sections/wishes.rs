//! What does each wish cost? A table of wished errors, and a slider that reads the curve between its points.

use crate::number::{Format, Quantity};
use crate::pieces::table::{Column, Row, Table};
use crate::words;
use maud::{Markup, html};
use unhat::audit::report::{AttackKind, AuditReport, NoiseNeeded, Series};

/// The words where the data has no noise.
const NOTHING_ENOUGH: &str = "none is enough";
/// A free direction has no bound.
const NO_BOUND: &str = "no bound";

/// The slider (for readers with script) and the table.
pub(crate) fn block(findings: &AuditReport) -> Option<Markup> {
    if findings.noise_needed.is_empty() {
        return None;
    }
    let unit = words::unit(findings.attack_curve.release);
    Some(html! {
        (slider(findings, unit))
        (table(findings).markup())
        p.how {
            "Noise ÷ rms at which the attack misses the wish in all but one try of twenty; each wish is priced against \
                the attacker who needs the most noise, of those with no prior knowledge and those who know the signs. \
                “None is enough” means no noise that was tried. Largest values still found and rank correlation: what is left for a user of that \
                release (of the noisiest tried, where none is enough). ε uses the sensitivity measured on this table, \
                the fit held fixed; beside it, the fit made anew without the row. Both hold for this table only and are \
                no guarantee of differential privacy. Without any release, "
            (words::baseline(findings)) "."
        }
    })
}

fn slider(findings: &AuditReport, unit: &str) -> Markup {
    let known = |series: &&Series| series.id != AttackKind::Start;
    let errors = findings.attack_curve.series.iter().filter(known).flat_map(|series| &series.q05);
    let positive: Vec<f64> = errors.copied().filter(|error| *error > 0.0).collect();
    let least = positive.iter().copied().fold(f64::INFINITY, f64::min);
    if !least.is_finite() {
        return html! {};
    }
    let from = least.log10().floor();
    let wished = findings.declared.target_rel_error.log10();
    html! {
        form #wish-form hidden data-unit=(unit) data-blind=(words::attacker(AttackKind::Blind))
            data-signs-known=(words::attacker(AttackKind::Signs)) data-ridge=(words::attacker(AttackKind::Ridge)) {
            label for="wish" { "Which error of the attacker do you want to keep?" }
            input #wish type="range" min=(from) max="0" step="0.05" value=(format!("{wished:.2}"));
            output for="wish" {}
        }
    }
}

/// A row for each wish, a column of noise for each attack.
fn table(findings: &AuditReport) -> Table {
    let needed = &findings.noise_needed;
    let mut attacks: Vec<AttackKind> = needed.iter().map(|entry| entry.attack).collect();
    attacks.sort();
    attacks.dedup();
    let headline =
        findings.attack_curve.series.iter().find(|series| series.headline).map_or(findings.verdict.attack, |s| s.id);
    let top = needed.first().map_or(0, |entry| entry.utility.top_k);
    let mut columns = vec![Column::number("wished error", "", Format::Share)];
    columns.extend(
        attacks.iter().map(|attack| Column::number(format!("noise, {}", words::attack(*attack)), "", Format::Noise)),
    );
    columns.extend([
        Column::number("noise by the bound alone", "", Format::Noise),
        Column::number(format!("of the {top} largest still found"), "", Format::Share),
        Column::number("rank correlation", "", Format::Fixed(2)),
        Column::number("ε, fit held fixed", "", Format::Number),
        Column::number("ε, fit made anew", "", Format::Number),
    ]);
    let mut wishes: Vec<f64> = needed.iter().map(|entry| entry.target_rel_error).collect();
    wishes.sort_by(f64::total_cmp);
    wishes.dedup();
    let rows = wishes.iter().map(|wish| {
        let of = |attack: AttackKind| entry_of(needed, *wish, attack);
        let main =
            of(headline).or_else(|| needed.iter().enumerate().find(|(_, entry)| entry.target_rel_error == *wish));
        let Some((index, entry)) = main else { return Row::new(0, Vec::new()) };
        let at = |key: &str, value: Option<f64>, format| {
            Quantity::new(format!("/noise_needed/{index}/{key}"), value, format)
        };
        let mut cells = vec![at("target_rel_error", Some(*wish), Format::Share).into()];
        cells.extend(attacks.iter().map(|attack| {
            match of(*attack) {
                Some((index, entry)) => {
                    Quantity::new(format!("/noise_needed/{index}/noise_rel"), entry.noise_rel, Format::Noise)
                        .or(NOTHING_ENOUGH)
                        .into()
                }
                None => "needs less".into(),
            }
        }));
        cells.extend([
            at("bound_noise_rel", entry.bound_noise_rel, Format::Noise).or(NO_BOUND).into(),
            at("utility/kept", Some(entry.utility.kept), Format::Share).into(),
            at("utility/rank_correlation", Some(entry.utility.rank_correlation), Format::Fixed(2)).into(),
            at("epsilon", entry.epsilon, Format::Number).into(),
            at("epsilon_refit", entry.epsilon_refit, Format::Number).into(),
        ]);
        Row { key: index.to_string(), cells, marked: *wish == findings.declared.target_rel_error }
    });
    Table { id: "noise-for-each-wish", caption: "What each wish costs".to_owned(), columns, rows: rows.collect() }
}

fn entry_of(needed: &[NoiseNeeded], wish: f64, attack: AttackKind) -> Option<(usize, &NoiseNeeded)> {
    needed.iter().enumerate().find(|(_, entry)| entry.attack == attack && entry.target_rel_error == wish)
}
