//! Names of classes and levels, and their order: numbers by value, words by their letters.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// The name of a class: a number or a word of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Label {
    /// A number.
    Number(f64),
    /// A word.
    Text(String),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Number(value) => write!(f, "{value}"),
            Label::Text(word) => f.write_str(word),
        }
    }
}

/// Words in sorted order: by value if all of them are numbers, else by their code points.
pub(super) fn sort_words(mut words: Vec<String>) -> Vec<String> {
    let value = |word: &str| word.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    if words.iter().all(|word| value(word).is_some()) {
        let by_value = |a: &String, b: &String| match (value(a), value(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => Ordering::Equal,
        };
        words.sort_by(|a, b| by_value(a, b).then_with(|| a.cmp(b)));
    } else {
        words.sort();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_value_words_by_letters() {
        let sorted = |words: &[&str]| sort_words(words.iter().map(|w| w.to_string()).collect());
        assert_eq!(sorted(&["10", "9", "-1", "9.0"]), ["-1", "9", "9.0", "10"]);
        assert_eq!(sorted(&["10", "9", "x"]), ["10", "9", "x"]);
        assert_eq!(sorted(&["b", "B", "ä", "a"]), ["B", "a", "b", "ä"]);
        assert_eq!((Label::Number(3.0).to_string(), Label::Text("x".into()).to_string()), ("3".into(), "x".into()));
    }
}
