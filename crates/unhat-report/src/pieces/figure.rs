//! A figure: a question, its answer in a sentence, a chart, how to read it, and the same as a table.

use crate::charts::frame::Series;
use crate::pieces::table::Table;
use maud::{Markup, html};

/// One question and everything that answers it.
pub(crate) struct Figure {
    pub id: &'static str,
    pub question: &'static str,
    /// The answer, which is what a screen reader says of the chart.
    pub answer: Markup,
    /// The marks and what they stand for.
    pub legend: Legend,
    /// What goes up along the chart.
    pub upwards: Option<String>,
    pub chart: Markup,
    pub how: Markup,
    pub table: Option<Table>,
    /// Whether the table goes on paper too.
    pub print_table: bool,
}

/// The marks of a chart and what they stand for; only for phones where the wide chart names its curves.
#[derive(Default)]
pub(crate) struct Legend {
    pub entries: Vec<(Series, String)>,
    pub for_phones: bool,
}

impl Legend {
    pub(crate) fn of<Name: Into<String>>(entries: impl IntoIterator<Item = (Series, Name)>) -> Legend {
        let entries = entries.into_iter().map(|(series, name)| (series, name.into())).collect();
        Legend { entries, for_phones: false }
    }

    pub(crate) fn for_phones(self) -> Legend {
        Legend { for_phones: true, ..self }
    }
}

impl Figure {
    pub(crate) fn markup(&self) -> Markup {
        html! {
            figure id=(self.id) {
                figcaption {
                    h3 id={ (self.id) "-question" } { (self.question) }
                    p.answer id={ (self.id) "-answer" } { (self.answer) }
                }
                @if !self.legend.entries.is_empty() {
                    p.legend.for-phones[self.legend.for_phones] {
                        @for (series, name) in &self.legend.entries {
                            span { span.key .(series.class()) aria-hidden="true" { (series.sign()) } " " (name) }
                        }
                    }
                }
                @if let Some(upwards) = &self.upwards { p.upwards { "↑ " (upwards) } }
                (self.chart)
                p.how { (self.how) }
                @if let Some(table) = &self.table {
                    details data-print[self.print_table] {
                        summary { "The same as a table" }
                        (table.markup())
                    }
                }
            }
        }
    }
}

/// What a reader of a screen may do with a chart that zooms; hidden on paper and without script.
pub(crate) fn how_to_explore() -> Markup {
    html! {
        span.act {
            " Point at a mark, or move with the arrow keys, for its numbers; drag a rectangle or press + to zoom, Esc \
                to go back."
        }
    }
}
