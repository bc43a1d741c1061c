//! What a report shows beside the scores: the rows at both ends with their cells, and how far methods agree.

use super::method::{InfluenceOptions, Target};
use super::study::{sample, with_target};
use super::{Method, Preconditioner, Prepared, RowName, Study, ascending, score_rows, spearman};
use crate::models::Column;
use serde::{Deserialize, Serialize};
use unhat::{Result, Run};

/// Rows shown at each end.
const ROWS: usize = 20;
/// Columns shown of a row, the response not counted: more do not fit a page.
const COLUMNS: usize = 8;
/// Letters shown of a cell.
const CELL: usize = 40;

/// The rows at both ends with their cells, and how far methods agree.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// # let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Score)?, Run::default());
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8) the line 2x + 1 misses the second most and the third not at all.
/// let found = prepared.evidence(&prepared.study(&run)?, &run)?;
/// assert_eq!((found.response.as_str(), &found.columns[..]), ("y", &["x".to_string()][..]));
/// assert_eq!((found.worst[0].row.to_string(), found.best[0].row.to_string()), ("2".into(), "3".into()));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The response column.
    pub response: String,
    /// The columns shown.
    pub columns: Vec<String>,
    /// Columns of the table that are not shown.
    pub columns_left_out: u64,
    /// The lowest scores, worst first.
    pub worst: Vec<RowEvidence>,
    /// The highest, best first.
    pub best: Vec<RowEvidence>,
    /// How far methods agree.
    pub agreement: Agreement,
}

/// A row with its cells.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// # let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Score)?, Run::default());
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8) the line 2x + 1 misses the second most.
/// let worst = &prepared.evidence(&prepared.study(&run)?, &run)?.worst[0];
/// assert_eq!((&worst.cells[..], worst.response.as_str()), (&["1".to_string()][..], "0"));
/// assert!((worst.loss - 4.5).abs() < 1e-12); // ½·3²
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowEvidence {
    /// Its name or number.
    pub row: RowName,
    /// Its score, larger = better.
    pub score: f64,
    /// Its loss under the model.
    pub loss: f64,
    /// Its response, as it is written in the table.
    pub response: String,
    /// Its cells in the columns shown; empty where missing.
    pub cells: Vec<String>,
}

/// Spearman's rank correlation between methods over all training rows; every score larger = better.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// # let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Score)?, Run::default());
/// let found = prepared.evidence(&prepared.study(&run)?, &run)?.agreement;
/// assert_eq!(found.methods[0].method, "loss"); // that of the study
/// for (i, row) in found.correlation.iter().enumerate() {
///     assert!((row[i].unwrap() - 1.0).abs() < 1e-15); // with itself
///     assert!(row.iter().enumerate().all(|(k, r)| *r == found.correlation[k][i]));
/// }
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The methods, the one of the study first.
    pub methods: Vec<AgreeingMethod>,
    /// By rows: the correlation of method i with method k; None where one of them is constant.
    pub correlation: Vec<Vec<Option<f64>>>,
}

/// A method that was compared.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// # let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Score)?, Run::default());
/// let methods = prepared.evidence(&prepared.study(&run)?, &run)?.agreement.methods;
/// let names: Vec<&str> = methods.iter().map(|method| method.method.as_str()).collect();
/// assert_eq!(names, ["loss", "grad-norm", "leverage"]); // those that need no validation rows
/// assert_eq!(methods[1].meaning, Method::GradNorm.meaning());
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgreeingMethod {
    /// Its name, as it is asked for.
    pub method: String,
    /// What its scores are.
    pub meaning: String,
}

impl Prepared {
    /// The rows at both ends, and the agreement between the scores that cost little: loss, gradient norm, leverage where it
    /// is there, inner product where there is a v, and the study's own.
    ///
    /// # Cost
    /// Three sweeps, and a sort a method.
    /// # Errors
    /// Those of scoring.
    pub fn evidence(&self, study: &Study, run: &Run<'_>) -> Result<Evidence> {
        let order = ascending(&study.scores);
        let response = &self.parts.response.name;
        let names = self.table.names();
        let is_used = |k: &usize| self.recipe.is_none() || self.used.contains(&names[*k]);
        let features: Vec<usize> = (0..names.len()).filter(|&k| names[k] != *response).filter(is_used).collect();
        let shown = &features[..features.len().min(COLUMNS)];
        // A response that a formula transforms is no column of the table.
        let response_at = names.iter().position(|name| name == response);
        let row = |&i: &usize| {
            let at = self.parts.train.rows[i];
            RowEvidence {
                row: self.row_name(i),
                score: study.scores[i],
                loss: study.losses[i],
                response: match response_at {
                    Some(k) => cell(&self.table.columns()[k], at),
                    None => self.parts.train.responses[i].to_string(),
                },
                cells: shown.iter().map(|&k| cell(&self.table.columns()[k], at)).collect(),
            }
        };
        // No row is at both ends of a short table.
        let rows = ROWS.min(order.len().div_ceil(2));
        Ok(Evidence {
            response: response.clone(),
            columns: shown.iter().map(|&k| self.table.names()[k].clone()).collect(),
            columns_left_out: (features.len() - shown.len()) as u64,
            worst: order.iter().take(rows).map(row).collect(),
            best: order.iter().rev().take(rows.min(order.len() - rows)).map(row).collect(),
            agreement: self.agreement(study, run)?,
        })
    }

    fn agreement(&self, study: &Study, run: &Run<'_>) -> Result<Agreement> {
        let negated = |values: &[f64]| values.iter().map(|v| -v).collect::<Vec<f64>>();
        let mut scores = vec![
            (study.method, study.scores.clone()),
            (Method::Loss, negated(&study.losses)),
            (Method::GradNorm, negated(&study.gradient_norms)),
        ];
        scores.extend(study.leverages.iter().map(|l| (Method::Leverage, negated(l))));
        if let Some(products) = self.inner_products(study, run)? {
            scores.push((Method::InnerProduct, products));
        }
        let chosen = study.method;
        let mut place = 0;
        scores.retain(|(method, _)| {
            place += 1;
            place == 1 || *method != chosen
        });
        let row = |(_, a): &(Method, Vec<f64>)| scores.iter().map(|(_, b)| spearman(a, b)).collect();
        Ok(Agreement {
            correlation: scores.iter().map(row).collect(),
            methods: scores
                .iter()
                .map(|(method, _)| AgreeingMethod { method: method.to_string(), meaning: method.meaning().into() })
                .collect(),
        })
    }

    /// Plain inner products; None without a v that all rows share.
    fn inner_products(&self, study: &Study, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let network = &study.fitted.network;
        let has_v = match self.options.direction {
            super::Direction::Validation => self.parts.validation.is_some(),
            super::Direction::TrainingMargin => false,
            super::Direction::Given(_) => true,
        };
        if !has_v || !study.method.needs_v() {
            return Ok(None);
        }
        let plain = InfluenceOptions {
            penalty: study.fitted.penalty,
            temperature: None,
            damping: None,
            preconditioner: Preconditioner::Jacobi,
        };
        let training = sample(network, &self.parts.train)?;
        let score =
            |target: Target<'_>| match target.direction(Method::InnerProduct, 1.0, training.parameters(), run)? {
                Some(v) => {
                    Ok(Some(score_rows(Method::InnerProduct, &training, Target::Given(&v), &plain, run)?.scores))
                }
                None => Ok(None),
            };
        with_target(network, &self.parts, &self.options, Method::InnerProduct, run, score)
    }
}

/// A cell as text; empty where missing.
fn cell(column: &Column, row: usize) -> String {
    let text = match column {
        Column::Numbers(values) if values[row].is_nan() => String::new(),
        Column::Numbers(values) => values[row].to_string(),
        Column::Text(words) => words.word(row).unwrap_or_default().to_string(),
    };
    match text.char_indices().nth(CELL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
