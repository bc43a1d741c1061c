//! The only door through which text reaches the page unescaped: the style, the script, and JSON made harmless.
//!
//! A test holds that no other file of this crate opens it.

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{Markup, PreEscaped};
use sha2::{Digest, Sha256};

/// Text of this crate (or JSON without `<`) that goes into the page as it is.
pub(crate) struct Trusted(String);

impl Trusted {
    /// The style sheet.
    pub(crate) fn style() -> Trusted {
        Trusted::source(include_str!("../assets/report.css"))
    }

    /// The script.
    pub(crate) fn script() -> Trusted {
        Trusted::source(include_str!("../assets/engine.js"))
    }

    /// JSON in which nothing can end the element around it: `<` and the two line ends that JSON allows and JavaScript
    /// once did not are written as escapes, which mean the same inside a string.
    pub(crate) fn json(value: &serde_json::Value) -> Trusted {
        let text = value.to_string();
        Trusted(text.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
    }

    /// Without indentation, empty lines and comments that have a line to themselves, so that sources may be readable and
    /// pages small; with LF at the ends of lines, because a browser turns CRLF into LF before it hashes.
    fn source(text: &str) -> Trusted {
        let lines = text.lines().map(str::trim);
        let kept = lines.filter(|line| {
            !(line.is_empty() || line.starts_with("//") || line.starts_with("/*") && line.ends_with("*/"))
        });
        Trusted(kept.collect::<Vec<_>>().join("\n"))
    }

    /// What a content policy says to allow exactly this text.
    pub(crate) fn policy_hash(&self) -> String {
        format!("'sha256-{}'", STANDARD.encode(Sha256::digest(self.0.as_bytes())))
    }

    pub(crate) fn markup(&self) -> Markup {
        PreEscaped(self.0.clone())
    }
}
