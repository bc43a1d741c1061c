//! What is said of leverage scores: condition, digits, sums, and how they were computed.

use super::{AbsorbedScores, RankKScores, Scores};
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

/// What `scores --rank` says.
#[derive(Serialize)]
pub struct RankKReport<'a> {
    status: &'a str,
    digits: f64,
    score_sum_defect: f64,
    rank: usize,
    sum: f64,
    /// s_k/s_{k+1}; null where nothing is left.
    gap: Option<f64>,
    explained: f64,
    singular_values: &'a [f64],
    method: Method<'a>,
}

impl<'a> RankKReport<'a> {
    /// Of these scores; of the singular values the first k + 1.
    #[must_use]
    pub fn of(scores: &'a RankKScores) -> Self {
        RankKReport {
            status: "solved",
            digits: scores.digits,
            score_sum_defect: scores.sum_defect,
            rank: scores.rank,
            sum: scores.sum,
            gap: Some(scores.gap).filter(|gap| gap.is_finite()),
            explained: scores.explained,
            singular_values: &scores.singular_values[..scores.singular_values.len().min(scores.rank + 1)],
            method: Method::of_factor(scores.method.name(), &scores.reason),
        }
    }
}

/// What `scores --absorb` says.
#[derive(Serialize)]
pub struct AbsorbedReport<'a> {
    status: &'a str,
    digits: Option<f64>,
    score_sum_defect: f64,
    rank: usize,
    sum: f64,
    factors: Vec<FactorFacts<'a>>,
    components: usize,
    largest_component_rows: usize,
    /// Numbers of the rows of score 1 in the table, from 1.
    determined_rows: Vec<usize>,
    solved_rows: usize,
    /// Covariates that depend on the factors.
    dependent: Vec<&'a str>,
    standard_errors: Option<&'a [f64]>,
    method: Method<'a>,
}

#[derive(Serialize)]
struct FactorFacts<'a> {
    name: &'a str,
    levels: usize,
    singletons: usize,
}

impl<'a> AbsorbedReport<'a> {
    /// Of scores of factors and covariates of these names, of rows at these places of a table.
    #[must_use]
    pub fn of(scores: &'a AbsorbedScores, factors: &'a [String], covariates: &'a [String], places: &[usize]) -> Self {
        let counts = factors.iter().zip(&scores.levels).zip(&scores.singletons);
        AbsorbedReport {
            status: "solved",
            digits: scores.standard_errors.is_none().then_some(scores.digits),
            score_sum_defect: scores.sum_defect,
            rank: scores.rank,
            sum: scores.sum,
            factors: counts.map(|((name, &levels), &singletons)| FactorFacts { name, levels, singletons }).collect(),
            components: scores.components,
            largest_component_rows: scores.largest_component,
            determined_rows: scores.determined.iter().map(|&row| places[row] + 1).collect(),
            solved_rows: scores.solved,
            dependent: scores.dependent.iter().filter_map(|&j| covariates.get(j)).map(String::as_str).collect(),
            standard_errors: scores.standard_errors.as_deref(),
            method: Method::of_factor(scores.method.name(), &scores.reason),
        }
    }
}
