//! The JSON objects of `unhat influence`: the library's facts between a head and a colophon.

use crate::session::Colophon;
use serde::Serialize;

/// What `influence`, `influence check` and `influence trim` print.
#[derive(Serialize)]
pub(crate) struct FactsReport<'a, Facts: Serialize> {
    pub schema: u8,
    pub command: &'static str,
    pub status: &'static str,
    #[serde(flatten)]
    pub facts: &'a Facts,
    #[serde(flatten)]
    pub colophon: Colophon,
}

impl<'a, Facts: Serialize> FactsReport<'a, Facts> {
    pub fn of(command: &'static str, facts: &'a Facts, colophon: Colophon) -> Self {
        FactsReport { schema: 1, command, status: "solved", facts, colophon }
    }
}
