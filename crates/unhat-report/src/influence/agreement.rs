//! How far the methods agree: rank correlations between the scores that cost little.

use crate::influence::InfluencePage;
use crate::number::Format;
use crate::pieces::table::{Cell, Column, Row, Table};
use maud::{Markup, html};

/// The table, or None without a study.
pub(super) fn block(facts: &InfluencePage) -> Option<Markup> {
    let agreement = &facts.evidence.as_ref()?.agreement;
    let names: Vec<&str> = agreement.methods.iter().map(|method| method.method.as_str()).collect();
    let mut columns = vec![Column::text("method")];
    columns.extend(names.iter().enumerate().map(|(k, name)| {
        Column::number(*name, format!("/evidence/agreement/correlation/*/{k}"), Format::Fixed(2)).or("constant")
    }));
    let rows = agreement.correlation.iter().zip(&names).enumerate().map(|(i, (row, name))| {
        let mut cells = vec![Cell::Text((*name).to_owned())];
        cells.extend(row.iter().map(|correlation| Cell::Number(*correlation)));
        Row::new(i, cells)
    });
    let table = Table {
        id: "agreement",
        caption: "Spearman’s rank correlation over all training rows".to_owned(),
        columns,
        rows: rows.collect(),
    };
    let absent: Vec<&str> = ["leverage", "ip"].into_iter().filter(|name| !names.contains(name)).collect();
    Some(html! {
        p.answer {
            "Methods that rank the rows alike give one piece of evidence, not several; methods that differ ask to be checked \
                on planted flips (unhat influence check)."
        }
        (table.markup())
        dl.method {
            @for method in &agreement.methods {
                dt { (method.method) }
                dd { (method.meaning) }
            }
            @for name in absent {
                dt { (name) }
                dd {
                    @if name == "ip" { "not computed: this study has no v that all rows share" }
                    @else { "not computed: it was not asked for, and the table is large" }
                }
            }
        }
    })
}
