//! The findings, worst first: each a full sentence with its number, its level as a word, a sign and a colour.

use maud::{Markup, html};
use unhat::audit::report::{Finding, Level};

/// The list; `place` turns the section of a finding into the id and the name of the part of the page that shows it.
pub(crate) fn list(findings: &[Finding], place: impl Fn(&str) -> Option<(&'static str, &'static str)>) -> Markup {
    html! {
        ol.findings {
            @for finding in findings {
                li .(class(finding.level)) id={ "finding-" (finding.id) } {
                    div.level {
                        span aria-hidden="true" { (sign(finding.level)) } " " (word(finding.level))
                        @if let Some((id, name)) = place(&finding.section) { a.more href={ "#" (id) } { (name) } }
                    }
                    div {
                        h3 { (finding.title) }
                        p { (finding.text) }
                    }
                }
            }
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Exposed => "Exposed",
        Level::Action => "To do",
        Level::Note => "Note",
    }
}

fn sign(level: Level) -> &'static str {
    match level {
        Level::Exposed => "▲",
        Level::Action => "→",
        Level::Note => "●",
    }
}

fn class(level: Level) -> &'static str {
    match level {
        Level::Exposed => "exposed",
        Level::Action => "action",
        Level::Note => "note",
    }
}
