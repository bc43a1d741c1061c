//! The response of a model: numbers, counts or classes, and which kind each model takes.

use super::Family;
use super::frame::{Column, Frame};
use super::label::{Label, sort_words};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use unhat::{ErrorKind, Result};

/// What kind of response a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Any number: linear and ridge regression.
    Value,
    /// A number not below 0: Poisson regression.
    Count,
    /// One of two classes: logistic regression.
    TwoClasses,
    /// One of two or more classes: softmax regression.
    Classes,
    /// For a network, whatever the column is: classes if it holds text or at most [`CLASSES_OF_NUMBERS`] different whole
    /// numbers, else a value.
    Either,
}

/// Whole numbers of at most so many different values count as classes where a network may have either kind: a choice;
/// ten digits are classes, ages and years are not.
pub const CLASSES_OF_NUMBERS: usize = 20;

/// The response as a model knows it; from the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The column's name.
    pub name: String,
    /// How its cells become numbers.
    pub kind: ResponseKind,
}

/// How the cells of the response become numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ResponseKind {
    /// The number itself.
    Value,
    /// The number itself, not below 0.
    Count,
    /// The position of the class in sorted order; of two the last is positive.
    Classes(Vec<Label>),
}

impl Response {
    /// Learns the response from the training rows.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] under the name `response`: for a column that is not there, a missing cell, text where numbers
    /// are expected, a negative count, one value in all rows, more than two classes where two are expected.
    pub fn fit(frame: &Frame, name: &str, wanted: Wanted, rows: &[usize]) -> Result<Response> {
        let column = &frame.columns()[frame.position("response", name)?];
        let kind = match wanted {
            Wanted::Value => ResponseKind::Value,
            Wanted::Count => ResponseKind::Count,
            Wanted::Either if !is_class(column, rows) => ResponseKind::Value,
            _ => ResponseKind::Classes(classes(column, rows)),
        };
        let response = Response { name: name.to_string(), kind };
        let values = response.encode(frame, rows)?;
        let Some(first) = values.first() else { return Err(unusable("there is no row to train on".into())) };
        if values.iter().all(|v| v == first) {
            return Err(unusable(format!("column \"{name}\" holds one value in all training rows, expected several")));
        }
        match &response.kind {
            ResponseKind::Classes(labels) if wanted == Wanted::TwoClasses && labels.len() > 2 => {
                let (count, list) = (labels.len(), listed(labels));
                Err(unusable(format!("column \"{name}\" has {count} classes ({list}), expected 2: softmax takes more")))
            }
            _ => Ok(response),
        }
    }

    /// The classes in their order; empty for numbers.
    pub fn classes(&self) -> &[Label] {
        match &self.kind {
            ResponseKind::Classes(labels) => labels,
            _ => &[],
        }
    }

    /// The family for this response; two classes have one predictor unless `wanted` is [`Wanted::Classes`].
    pub fn family(&self, wanted: Wanted) -> Family {
        match &self.kind {
            ResponseKind::Value => Family::Gaussian,
            ResponseKind::Count => Family::Poisson,
            ResponseKind::Classes(labels) if labels.len() == 2 && wanted != Wanted::Classes => Family::Bernoulli,
            ResponseKind::Classes(labels) => Family::Categorical { classes: labels.len() },
        }
    }

    /// The response of some rows: numbers, or positions of classes.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] under the name `response`: also for a class that no training row has.
    pub fn encode(&self, frame: &Frame, rows: &[usize]) -> Result<Vec<f64>> {
        let name = &self.name;
        let column = &frame.columns()[frame.position("response", name)?];
        let at = |row: usize, reason: String| unusable(format!("column \"{name}\", row {}: {reason}", row + 1));
        match (&self.kind, column) {
            (ResponseKind::Classes(labels), column) => {
                let written: HashMap<String, usize> = labels.iter().map(Label::to_string).zip(0..).collect();
                let by_value: HashMap<String, usize> = labels.iter().map(value_key).zip(0..).collect();
                let class = |&row: &usize| match cell(column, row) {
                    None => Err(at(row, "the class is missing".into())),
                    Some(label) => {
                        let found = written.get(&label.to_string()).or_else(|| by_value.get(&value_key(&label)));
                        let unseen = || format!("no training row has class \"{label}\", only {}", listed(labels));
                        found.map(|&k| k as f64).ok_or_else(|| at(row, unseen()))
                    }
                };
                rows.iter().map(class).collect()
            }
            (_, Column::Text(_)) => {
                Err(unusable(format!("column \"{name}\" holds text, expected numbers: logistic and softmax take text")))
            }
            (kind, Column::Numbers(values)) => {
                let value = |&row: &usize| match values[row] {
                    v if v.is_nan() => Err(at(row, "the value is missing".into())),
                    v if *kind == ResponseKind::Count && v < 0.0 => {
                        Err(at(row, format!("found {v}, expected a count")))
                    }
                    v => Ok(v),
                };
                rows.iter().map(value).collect()
            }
        }
    }
}

/// The label in a cell; None where missing.
fn cell(column: &Column, row: usize) -> Option<Label> {
    match column {
        Column::Numbers(values) => Some(values[row]).filter(|v| !v.is_nan()).map(Label::Number),
        Column::Text(text) => text.word(row).map(|word| Label::Text(word.to_string())),
    }
}

/// A word that says a number is that number where a table holds numbers and another words.
fn value_key(label: &Label) -> String {
    let value = match label {
        Label::Number(value) => Some(*value),
        Label::Text(word) => word.trim().parse::<f64>().ok().filter(|v| v.is_finite()),
    };
    match value {
        Some(value) => format!("{}", value + 0.0), // −0 is 0
        None => label.to_string(),
    }
}

/// The different labels of some rows, sorted.
fn classes(column: &Column, rows: &[usize]) -> Vec<Label> {
    match column {
        Column::Numbers(values) => {
            let mut numbers: Vec<f64> = rows.iter().map(|&row| values[row]).filter(|v| !v.is_nan()).collect();
            numbers.sort_by(f64::total_cmp);
            numbers.dedup();
            numbers.into_iter().map(Label::Number).collect()
        }
        Column::Text(text) => {
            let mut seen = vec![false; text.words.len()];
            rows.iter().filter_map(|&row| text.codes.get(row)).for_each(|&code| {
                seen.get_mut(code as usize).into_iter().for_each(|s| *s = true);
            });
            let words = text.words.iter().zip(seen).filter(|(_, seen)| *seen).map(|(word, _)| word.clone());
            sort_words(words.collect()).into_iter().map(Label::Text).collect()
        }
    }
}

fn is_class(column: &Column, rows: &[usize]) -> bool {
    match column {
        Column::Text(_) => true,
        Column::Numbers(values) => {
            rows.iter().all(|&row| values[row].is_nan() || values[row].fract() == 0.0)
                && classes(column, rows).len() <= CLASSES_OF_NUMBERS
        }
    }
}

fn listed(labels: &[Label]) -> String {
    super::frame::listed(&labels.iter().map(Label::to_string).collect::<Vec<_>>())
}

fn unusable(reason: String) -> unhat::Error {
    ErrorKind::Option { name: "response".into(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::TextColumn;

    fn numbers(values: &[f64]) -> Frame {
        Frame::new(vec![("y".into(), Column::Numbers(values.to_vec()))]).unwrap()
    }

    fn words(cells: &[&str]) -> Frame {
        let text = TextColumn::new(cells.iter().map(|c| (!c.is_empty()).then_some(*c)));
        Frame::new(vec![("y".into(), Column::Text(text))]).unwrap()
    }

    fn fit(frame: &Frame, wanted: Wanted) -> Result<(Response, Vec<f64>, Family)> {
        let rows: Vec<usize> = (0..frame.rows()).collect();
        let response = Response::fit(frame, "y", wanted, &rows)?;
        Ok((response.clone(), response.encode(frame, &rows)?, response.family(wanted)))
    }

    #[test]
    fn classes_are_sorted_and_the_last_is_positive() {
        let (response, y, family) = fit(&words(&["yes", "no", "yes"]), Wanted::TwoClasses).unwrap();
        assert_eq!((y, family), (vec![1.0, 0.0, 1.0], Family::Bernoulli));
        assert_eq!(response.classes(), [Label::Text("no".into()), Label::Text("yes".into())]);
        let (response, y, family) = fit(&numbers(&[10.0, 9.0, -1.0, 9.0]), Wanted::Classes).unwrap();
        assert_eq!((y, family), (vec![2.0, 1.0, 0.0, 1.0], Family::Categorical { classes: 3 }));
        assert_eq!(serde_json::to_string(response.classes()).unwrap(), "[-1.0,9.0,10.0]");
        let (_, y, family) = fit(&words(&["10", "9", "10"]), Wanted::Classes).unwrap();
        assert_eq!((y, family), (vec![1.0, 0.0, 1.0], Family::Categorical { classes: 2 }));
    }

    #[test]
    fn a_network_takes_classes_or_values() {
        assert_eq!(fit(&words(&["a", "b"]), Wanted::Either).unwrap().2, Family::Bernoulli);
        assert_eq!(fit(&numbers(&[0.0, 1.0, 2.0]), Wanted::Either).unwrap().2, Family::Categorical { classes: 3 });
        assert_eq!(fit(&numbers(&[0.5, 1.0, 2.0]), Wanted::Either).unwrap().2, Family::Gaussian);
        let years: Vec<f64> = (0..21).map(f64::from).collect();
        assert_eq!(fit(&numbers(&years), Wanted::Either).unwrap().2, Family::Gaussian);
    }

    #[test]
    fn unusable_responses_say_why() {
        let message = |frame: Frame, wanted| fit(&frame, wanted).unwrap_err().to_string();
        assert!(message(words(&["a", "b"]), Wanted::Value).contains("holds text"));
        assert!(message(numbers(&[1.0, f64::NAN]), Wanted::Value).contains("row 2: the value is missing"));
        assert!(message(words(&["a", "", "b"]), Wanted::Classes).contains("row 2: the class is missing"));
        assert!(message(numbers(&[1.0, -1.0]), Wanted::Count).contains("row 2: found -1, expected a count"));
        assert!(message(numbers(&[4.0, 4.0]), Wanted::Value).contains("one value"));
        assert!(message(words(&["a", "a"]), Wanted::TwoClasses).contains("one value"));
        let three = message(words(&["a", "b", "c"]), Wanted::TwoClasses);
        assert!(three.contains("3 classes (\"a\", \"b\", \"c\"), expected 2"), "{three}");
        let response = Response::fit(&words(&["a", "b"]), "y", Wanted::Classes, &[0, 1]).unwrap();
        let error = response.encode(&words(&["a", "z"]), &[0, 1]).unwrap_err().to_string();
        assert!(error.contains("row 2: no training row has class \"z\", only \"a\", \"b\""), "{error}");
        assert_eq!(response.encode(&words(&["b"]), &[0]).unwrap(), [1.0]);
    }

    #[test]
    fn labels_written_as_words_and_as_numbers_are_the_same_class() {
        let response = Response::fit(&numbers(&[1.0, 2.0]), "y", Wanted::Classes, &[0, 1]).unwrap();
        assert_eq!(response.encode(&words(&["2.0", "1"]), &[0, 1]).unwrap(), [1.0, 0.0]);
    }
}
