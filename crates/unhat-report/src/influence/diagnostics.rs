//! How far the scores may be trusted: every diagnostic beside its threshold.

use crate::influence::InfluencePage;
use crate::number::{Format, Quantity};
use crate::pieces::table::{Cell, Column, Row, Table};
use maud::{Markup, html};
use unhat_models::influence::{DoubtfulSide, Judgement};

/// The table, or None without a study.
pub(super) fn block(facts: &InfluencePage) -> Option<Markup> {
    let study = facts.study.as_ref()?;
    let judged = study.diagnostics.judged();
    let columns = vec![
        Column::text("diagnostic"),
        Column::number("value", "/study/diagnostics/*", Format::Number).or("not computed"),
        Column::text("verdict"),
        Column::text("doubtful"),
        Column::number("threshold", "", Format::Number),
    ];
    let rows = judged.iter().map(|judgement| Row {
        key: judgement.name.clone(),
        cells: vec![
            Cell::Text(title(&judgement.name).to_owned()),
            judgement.value.into(),
            Cell::from(verdict(judgement)),
            Cell::from(match judgement.doubtful {
                Some(DoubtfulSide::Below) => "below",
                Some(DoubtfulSide::Above) => "above",
                None => "—",
            }),
            judgement.threshold.into(),
        ],
        marked: judgement.is_doubtful(),
    });
    let table = Table {
        id: "diagnostics",
        caption: "Diagnostics and their thresholds".to_owned(),
        columns,
        rows: rows.collect(),
    };
    let doubtful: Vec<&str> =
        judged.iter().filter(|judgement| judgement.is_doubtful()).map(|judgement| title(&judgement.name)).collect();
    Some(html! {
        p.answer {
            @if doubtful.is_empty() { "No diagnostic is on the doubtful side of its threshold. " }
            @else { strong { "Read with care: " } (doubtful.join(", ")) ". " }
            "What the scores may be called: " (study.claim) "."
        }
        (table.markup())
        details {
            summary { "What each of them is" }
            dl.method {
                @for judgement in &judged {
                    dt { (title(&judgement.name)) }
                    dd { (judgement.meaning) }
                }
            }
        }
        @if let Some(ensemble) = &study.diagnostics.ensemble {
            p.how {
                "The scores are the mean of " (Quantity::count("/study/diagnostics/ensemble/members",
                    u64::from(ensemble.members))) " networks; those of one have a rank correlation of "
                (Quantity::new("/study/diagnostics/ensemble/rank_correlation_of_one", ensemble.rank_correlation_of_one,
                    Format::Fixed(2)).or("no value")) " with them on average."
            }
        }
    })
}

fn verdict(judgement: &Judgement) -> &'static str {
    match (judgement.value, judgement.threshold) {
        (None, _) => "—",
        (_, None) => "no threshold is known",
        _ if judgement.is_doubtful() => "▲ doubtful",
        _ => "✓ fine",
    }
}

/// The number of [`Judgement::name`] in words.
fn title(name: &str) -> &str {
    match name {
        "validation_rows" => "validation rows",
        "effective_share" => "effective share of v",
        "half_cosine" => "cosine of two halves of v",
        "agreement_cg8" => "agreement with more curvature",
        "certified_share" => "certified signs",
        "cg_residual" => "residual",
        "largest_leverage" => "largest leverage",
        "training_accuracy" => "training accuracy",
        other => other,
    }
}
