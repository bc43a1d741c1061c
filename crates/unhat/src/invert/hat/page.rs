//! Everything that the page of an inversion of hat values draws, as data; drawing is another crate's.

use super::answer::{HatInversion, HatStatus};
use super::coefficients::HatCoefficients;
use super::column::ColumnInversion;
use super::options::HatPrecision;
use super::outcomes::OutcomeInversion;
use crate::report::Tool;
use crate::solve::Step;
use serde::{Deserialize, Serialize};

/// Rows that are listed, the heaviest or the least sure first.
const LISTED: usize = 60;

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HatSought {
    /// Weights, with a family coefficients.
    Weights,
    /// Responses.
    Outcomes,
    /// A hidden column.
    Column,
}

/// What the page says of the call.
#[derive(Clone, Debug)]
pub struct HatSubject {
    /// The program and the run.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: String,
    /// What holds A: a file's name.
    pub matrix: String,
    /// n and d.
    pub shape: (usize, usize),
    /// Of the columns.
    pub column_names: Option<Vec<String>>,
    /// What holds the hat values.
    pub target: String,
    /// How exactly they are known.
    pub precision: HatPrecision,
    /// What the caller was told.
    pub warnings: Vec<String>,
}

/// Everything that the report draws. A number that is unknown is None, never NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HatPage {
    /// What was looked for.
    pub sought: HatSought,
    /// The program and the run.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: Option<String>,
    /// What holds A: a file's name.
    pub matrix: String,
    /// The number n of rows.
    pub rows: u64,
    /// The number d of columns.
    pub columns: u64,
    /// What holds the hat values.
    pub target: String,
    /// How exactly they are known, in words.
    pub precision: String,
    /// How it ended, in a word.
    pub status: String,
    /// Whether that is an answer.
    pub solved: bool,
    /// Rows of which something is told: a weight, a response, an entry.
    pub told: u64,
    /// max |σ − h|.
    pub residual: Option<f64>,
    /// Evaluations of the scores.
    pub evaluations: Option<u64>,
    /// The widest proven interval, as a difference of log weights.
    pub widest: Option<f64>,
    /// The largest standard error of a log weight.
    pub largest_error: Option<f64>,
    /// The smallest margin of a decision.
    pub least_margin: Option<f64>,
    /// Of a column: its misfit, a share of its length.
    pub misfit: Option<f64>,
    /// And what the errors of the hat values explain of it.
    pub explained: Option<f64>,
    /// The steps of the descent to the weights.
    pub history: Vec<HatPageStep>,
    /// Of a family.
    pub coefficients: Vec<HatPageCoefficient>,
    /// The largest weights.
    pub weights: Vec<HatPageWeight>,
    /// The least sure decisions.
    pub decisions: Vec<HatPageDecision>,
    /// What is open, in words.
    pub open: Vec<String>,
    /// What the reader must know and no number says.
    pub warnings: Vec<String>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HatPageStep {
    /// Its number.
    pub iteration: u32,
    /// max |σ − h|.
    pub residual: Option<f64>,
    /// max |σ − h|/(σ(1 − σ)).
    pub misfit: Option<f64>,
}

/// A coefficient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HatPageCoefficient {
    /// Its column.
    pub name: String,
    /// None where it is open.
    pub value: Option<f64>,
    /// Its standard error, for hat values with errors.
    pub error: Option<f64>,
}

/// A weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HatPageWeight {
    /// 1-based.
    pub row: u64,
    /// As it is written.
    pub weight: f64,
    /// The ends of its proven interval.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
}

/// A response, or an entry of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HatPageDecision {
    /// 1-based.
    pub row: u64,
    /// 0 or 1; None where it is not told.
    pub value: Option<u8>,
    /// How much further off the other one is.
    pub margin: Option<f64>,
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

impl HatPage {
    fn blank(sought: HatSought, status: HatStatus, subject: HatSubject) -> HatPage {
        let precision = match &subject.precision {
            HatPrecision::Exact => "taken as exact".to_string(),
            HatPrecision::Digits(k) => format!("rounded to {k} significant digits"),
            HatPrecision::Decimals(k) => format!("rounded to {k} decimals"),
            HatPrecision::Widths(_) => "known to given widths".to_string(),
            HatPrecision::Noise(_) => "with noise of a given size".to_string(),
        };
        HatPage {
            sought,
            tool: subject.tool,
            created_utc: Some(subject.created_utc),
            matrix: subject.matrix,
            rows: subject.shape.0 as u64,
            columns: subject.shape.1 as u64,
            target: subject.target,
            precision,
            status: status.name().replace('_', " "),
            solved: status == HatStatus::Solved,
            told: 0,
            residual: None,
            evaluations: None,
            widest: None,
            largest_error: None,
            least_margin: None,
            misfit: None,
            explained: None,
            history: Vec::new(),
            coefficients: Vec::new(),
            weights: Vec::new(),
            decisions: Vec::new(),
            open: Vec::new(),
            warnings: subject.warnings,
        }
    }

    /// Of weights, and with a model of its coefficients.
    #[must_use]
    pub fn of_weights(found: &HatInversion, fit: Option<&HatCoefficients>, subject: HatSubject) -> HatPage {
        let names = subject.column_names.clone();
        let mut page = HatPage::blank(HatSought::Weights, HatStatus::of_both(found, fit), subject);
        page.told = found.weights.iter().flatten().count() as u64;
        page.of_inversion(found, fit, names);
        let mut order: Vec<(usize, f64)> =
            found.weights.iter().enumerate().filter_map(|(i, w)| Some((i, (*w)?))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let interval = |i: usize| found.intervals.as_ref().and_then(|all| all[i]);
        let weight = |(i, weight): (usize, f64)| HatPageWeight {
            row: i as u64 + 1,
            weight,
            low: interval(i).map(|[low, _]| low),
            high: interval(i).map(|[_, high]| high),
        };
        page.weights = order.into_iter().take(LISTED).map(weight).collect();
        page.open = fit.map_or_else(|| found.open(), |fit| fit.open.clone());
        page.open.extend(found.impossible.iter().map(|why| why.reason.clone()));
        page
    }

    /// Of responses.
    #[must_use]
    pub fn of_outcomes(found: &OutcomeInversion, subject: HatSubject) -> HatPage {
        let names = subject.column_names.clone();
        let mut page = HatPage::blank(HatSought::Outcomes, found.status, subject);
        page.of_inversion(&found.weights, found.fit.as_ref(), names);
        page.decide(&found.outcomes, &found.margins);
        page.open.push("all responses or all of their complements, with the sign of the coefficients".into());
        page
    }

    /// Of a hidden column.
    #[must_use]
    pub fn of_column(found: &ColumnInversion, subject: HatSubject) -> HatPage {
        let mut page = HatPage::blank(HatSought::Column, found.status, subject);
        page.solved = found.column.is_some();
        if found.column.is_none() && found.status == HatStatus::Solved {
            page.status = "no column of zeros and ones was found".into();
        }
        (page.residual, page.misfit) = (found.residual, found.misfit.and_then(finite));
        page.explained = finite(found.explained);
        if let (Some(column), Some(margins)) = (&found.column, &found.margins) {
            page.decide(column, margins);
        }
        page.open.clone_from(&found.open);
        page
    }

    fn of_inversion(&mut self, found: &HatInversion, fit: Option<&HatCoefficients>, names: Option<Vec<String>>) {
        self.residual = finite(fit.map_or(found.residual, |fit| fit.residual));
        self.evaluations = Some(found.passes.into());
        let width = |[low, high]: &[f64; 2]| (high / low).ln();
        let largest = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::max);
        self.widest = found.intervals.as_ref().and_then(|all| largest(&mut all.iter().flatten().map(width)));
        self.largest_error = found.standard_errors.as_ref().and_then(|all| largest(&mut all.iter().flatten().copied()));
        let step = |(k, step): (usize, &Step)| HatPageStep {
            iteration: k as u32,
            residual: finite(step.residual),
            misfit: finite(step.decrement),
        };
        self.history = found.history.iter().enumerate().map(step).collect();
        let Some(fit) = fit else { return };
        let name = |j: usize| names.as_ref().map_or_else(|| format!("x{}", j + 1), |names| names[j].clone());
        let error = |j: usize| fit.standard_errors.as_ref().and_then(|errors| errors[j]).and_then(finite);
        let one =
            |(j, value): (usize, &Option<f64>)| HatPageCoefficient { name: name(j), value: *value, error: error(j) };
        self.coefficients = fit.values.iter().enumerate().map(one).collect();
    }

    fn decide(&mut self, values: &[Option<bool>], margins: &[f64]) {
        self.told = values.iter().flatten().count() as u64;
        let told = values.iter().zip(margins).filter(|(value, _)| value.is_some());
        self.least_margin = told.map(|(_, margin)| *margin).reduce(f64::min).and_then(finite);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &j| {
            (values[i].is_some(), margins[i]).partial_cmp(&(values[j].is_some(), margins[j])).unwrap_or(i.cmp(&j))
        });
        let decision = |i: usize| HatPageDecision {
            row: i as u64 + 1,
            value: values[i].map(u8::from),
            margin: finite(margins[i]),
        };
        self.decisions = order.into_iter().take(LISTED).map(decision).collect();
    }
}
