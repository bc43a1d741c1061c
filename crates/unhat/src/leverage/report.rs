//! What is said of leverage scores: condition, digits, sums, and how they were computed.

use super::Scores;
use crate::report::Method;
use serde::Serialize;

/// What `scores` and `gradient` say.
#[derive(Serialize)]
pub struct ScoresReport<'a> {
    status: &'a str,
    condition: f64,
    digits: f64,
    score_sum_defect: Option<f64>,
    rank: usize,
    sum: f64,
    effective_dimension: Option<f64>,
    method: Method<'a>,
}

impl<'a> ScoresReport<'a> {
    /// Of scores that are `ridged` or not.
    #[must_use]
    pub fn of(scores: &'a Scores, ridged: bool) -> Self {
        ScoresReport {
            status: "solved",
            condition: scores.condition,
            digits: scores.digits,
            score_sum_defect: scores.sum_defect,
            rank: scores.rank,
            sum: scores.sum,
            effective_dimension: ridged.then_some(scores.sum),
            method: Method::of_factor(scores.method.name(), &scores.reason),
        }
    }
}
