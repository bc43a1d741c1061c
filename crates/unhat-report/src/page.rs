//! The document: head, policy, six facts, the sentence that answers, navigation, sections, data, script.

use crate::number::machine_readable;
use crate::trusted::Trusted;
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

/// A page before it is written.
pub(crate) struct Page {
    /// What stands in the window's title and beside the buttons: "unhat audit".
    pub brand: &'static str,
    /// The file's subject, for the window's title.
    pub subject: String,
    pub heading: String,
    pub facts: Vec<(&'static str, Markup)>,
    /// The answer in one sentence; its first words in bold.
    pub lead: Markup,
    pub sections: Vec<Section>,
    /// The data of the page, for the script and for whoever wants to compute with them.
    pub data: Value,
}

/// A part of the page that the navigation names.
pub(crate) struct Section {
    pub id: &'static str,
    /// Its short name in the navigation.
    pub name: &'static str,
    pub title: &'static str,
    pub body: Markup,
}

impl Page {
    pub(crate) fn write(self) -> String {
        let (style, script) = (Trusted::style(), Trusted::script());
        let data = Trusted::json(&four_digits(self.data));
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
            script.policy_hash(),
            style.policy_hash()
        );
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="robots" content="noindex";
                    title { (self.subject) " · " (self.brand) }
                    style { (style.markup()) }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        div.top {
                            span.brand { (self.brand) }
                            span.controls {
                                button #theme type="button" { "Dark" }
                                button #print type="button" { "Print" }
                            }
                        }
                        h1 { (self.heading) }
                        dl.facts {
                            @for (name, fact) in &self.facts { div { dt { (name) } dd { (fact) } } }
                        }
                        p.lead { (self.lead) }
                    }
                    nav aria-label="Sections" {
                        @for section in &self.sections { a href={ "#" (section.id) } { (section.name) } }
                    }
                    main #content tabindex="-1" {
                        @for section in &self.sections {
                            section {
                                h2 id=(section.id) { (section.title) }
                                (section.body)
                            }
                        }
                    }
                    footer { "Made by unhat. This file makes no network request." }
                    script type="application/json" id="data" { (data.markup()) }
                    script { (script.markup()) }
                }
            }
        };
        harmless(document.into_string())
    }
}

/// The document with the sign for a broken one in the place of every control character, which no page may hold, and of those that
/// turn the direction of text: names of a table may hold them.
fn harmless(document: String) -> String {
    let is_order = |sign: char| {
        (sign.is_control() && !matches!(sign, '\n' | '\t'))
            || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if document.contains(is_order) { document.replace(is_order, "\u{fffd}") } else { document }
}

/// The data with every number that is not whole cut to four digits, as in the tables.
fn four_digits(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().and_then(machine_readable).map_or(Value::Null, Value::from)
        }
        Value::Array(items) => items.into_iter().map(four_digits).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, item)| (key, four_digits(item))).collect(),
        other => other,
    }
}
