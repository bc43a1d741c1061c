//! A fit with everything its check needs, held by itself, so that it can be changed and fitted once more.

use super::{Evidence, Refit};
use crate::regression::{Fit, Law, Model, ModelFrame, Problem, fit, fit_from, fit_until_settled};
use std::collections::BTreeSet;
use unhat::families::Family;
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::{DenseRows, RowSource};
use unhat::{ErrorKind, Result, Run};

/// Rows, response and weights of a fit, and what was computed of them. Rows of weight 0 take no part.
#[derive(Clone, Debug)]
pub struct Material {
    /// Names of the estimable columns (p).
    pub names: Vec<String>,
    /// Labels of the rows (n).
    pub labels: Vec<String>,
    /// The table's row of each row (n).
    pub rows: Vec<usize>,
    /// X (n×p).
    pub matrix: Vec<f64>,
    /// y (n).
    pub response: Vec<f64>,
    /// Prior weights (n), numbers of trials among them.
    pub prior: Option<Vec<f64>>,
    /// Offsets (n).
    pub offset: Option<Vec<f64>>,
    /// The model.
    pub model: Model,
    /// Columns of the formula that depend on others, and are not estimated.
    pub aliased: Vec<String>,
    /// Whether the likelihood has no maximum: some combination of columns separates the responses.
    pub separates: bool,
    mean: Vec<f64>,
    weights: Vec<f64>,
    hat: Vec<f64>,
    coefficients: Vec<f64>,
    covariance: Vec<f64>,
    dispersion: f64,
}

/// What is fitted, before it is.
pub(super) struct Given {
    pub names: Vec<String>,
    pub labels: Vec<String>,
    pub rows: Vec<usize>,
    pub matrix: Vec<f64>,
    pub response: Vec<f64>,
    pub prior: Option<Vec<f64>>,
    pub offset: Option<Vec<f64>>,
    pub model: Model,
}

impl Material {
    /// The fit of a formula on a table, on all its rows or on `rows` of the table, counted from 0.
    ///
    /// # Cost
    /// A fit, its hat values, and the n×p numbers of its model matrix.
    /// # Errors
    /// Those of [`fit`].
    pub fn of(frame: &ModelFrame<'_>, model: Model, rows: Option<&[usize]>, run: &Run<'_>) -> Result<Material> {
        let place = |i: usize| frame.rows.as_ref().map_or(i, |rows| rows[i]);
        let wanted: Option<BTreeSet<usize>> = rows.map(|rows| rows.iter().copied().collect());
        if let Some(row) = wanted.iter().flatten().find(|row| **row >= frame.table_rows) {
            let reason = format!("row {} does not exist: the table has {} rows", row + 1, frame.table_rows);
            return Err(ErrorKind::Option { name: "rows".into(), reason }.into());
        }
        let taken: Vec<usize> = (0..frame.count())
            .filter(|&i| frame.weights.as_ref().is_none_or(|w| w[i] > 0.0))
            .filter(|&i| wanted.as_ref().is_none_or(|wanted| wanted.contains(&place(i))))
            .collect();
        if taken.is_empty() {
            return Err(ErrorKind::Option { name: "rows".into(), reason: "no row is left".into() }.into());
        }
        let matrix = frame.matrix.gather(&taken)?;
        let some = |v: &[f64]| taken.iter().map(|&i| v[i]).collect::<Vec<f64>>();
        Material::fitted(
            Given {
                names: frame.matrix.names().to_vec(),
                labels: taken.iter().map(|&i| frame.label(i)).collect(),
                rows: taken.iter().map(|&i| place(i)).collect(),
                matrix,
                response: some(&frame.response),
                prior: frame.weights.as_deref().map(some),
                offset: frame.offset.as_deref().map(some),
                model,
            },
            run,
        )
    }

    /// The fit of what is given, without the columns that depend on others.
    pub(super) fn fitted(given: Given, run: &Run<'_>) -> Result<Material> {
        let d = given.names.len();
        let source = DenseRows::new(&given.matrix, d)?;
        let problem =
            problem_of(&source, &given.response, given.prior.as_deref(), given.offset.as_deref(), given.model);
        // Where the likelihood has no maximum, what a program prints is checked.
        let (found, separates): (Fit, bool) = match fit(&problem, run) {
            Ok(found) => (found, false),
            Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) && given.model != Model::Linear => {
                (fit_until_settled(&problem, run)?, true)
            }
            Err(error) => return Err(error),
        };
        let matrix: Vec<f64> = match found.rank() == d {
            true => given.matrix.clone(),
            false => given.matrix.chunks_exact(d).flat_map(|row| found.kept.iter().map(|&k| row[k])).collect(),
        };
        let scale = &found.rows.row_scale;
        let kept = DenseRows::new(&matrix, found.rank())?;
        let mut hat = leverage_scores(&kept, Some(scale), &ScoreOptions::default(), run)?.values;
        hat.iter_mut().for_each(|h| *h = h.clamp(0.0, 1.0)); // rounding alone leaves this range
        let aliased = (0..d).filter(|k| !found.kept.contains(k)).map(|k| given.names[k].clone()).collect();
        Ok(Material {
            names: found.kept.iter().map(|&k| given.names[k].clone()).collect(),
            mean: found.rows.at.iter().map(|at| at.mean).collect(),
            weights: scale.iter().map(|r| r * r).collect(),
            coefficients: found.kept.iter().map(|&k| found.coefficients[k]).collect(),
            covariance: found.vcov(),
            dispersion: found.dispersion,
            labels: given.labels,
            rows: given.rows,
            response: given.response,
            prior: given.prior,
            offset: given.offset,
            model: given.model,
            matrix,
            aliased,
            separates,
            hat,
        })
    }

    fn law(&self) -> Law {
        self.model.law()
    }

    /// As the attacks see it.
    #[must_use]
    pub fn evidence(&self) -> Evidence<'_> {
        Evidence {
            names: &self.names,
            labels: &self.labels,
            matrix: &self.matrix,
            response: &self.response,
            trials: self.prior.as_deref().filter(|_| self.law().family() == Family::Binomial),
            offset: self.offset.as_deref(),
            theta: None,
            law: self.law(),
            mean: &self.mean,
            weights: &self.weights,
            hat: &self.hat,
            coefficients: &self.coefficients,
            covariance: &self.covariance,
            dispersion: self.dispersion,
            refit: self,
        }
    }

    /// β̂ (p).
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The standard error of coefficient k.
    #[must_use]
    pub fn standard_error(&self, k: usize) -> f64 {
        self.covariance[k * self.names.len() + k].sqrt()
    }

    /// The fit of a changed table: some rows, some columns, other entries and weights.
    ///
    /// # Errors
    /// Those of [`fit`].
    pub fn changed(&self, change: &Changed, run: &Run<'_>) -> Result<Material> {
        let p = self.names.len();
        let some = |v: &[f64]| change.rows.iter().map(|&i| v[i]).collect::<Vec<f64>>();
        let entry = |i: usize, k: usize| {
            let (low, high) = change.limits[k];
            self.matrix[i * p + k].clamp(low, high)
        };
        let cap = change.largest_weight;
        Material::fitted(
            Given {
                names: change.columns.iter().map(|&k| self.names[k].clone()).collect(),
                labels: change.rows.iter().map(|&i| self.labels[i].clone()).collect(),
                rows: change.rows.iter().map(|&i| self.rows[i]).collect(),
                matrix: change.rows.iter().flat_map(|&i| change.columns.iter().map(move |&k| entry(i, k))).collect(),
                response: some(&self.response),
                prior: self.prior.as_deref().map(some).map(|w| w.into_iter().map(|w| w.min(cap)).collect()),
                offset: self.offset.as_deref().map(some),
                model: self.model,
            },
            run,
        )
    }

    /// Everything as it is, for a change to start from.
    #[must_use]
    pub fn unchanged(&self) -> Changed {
        Changed {
            rows: (0..self.response.len()).collect(),
            columns: (0..self.names.len()).collect(),
            limits: vec![(f64::NEG_INFINITY, f64::INFINITY); self.names.len()],
            largest_weight: f64::INFINITY,
        }
    }
}

/// What of a fit is kept, and between which limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Rows that stay.
    pub rows: Vec<usize>,
    /// Columns that stay.
    pub columns: Vec<usize>,
    /// (lowest, highest) entry of each column of the fit as it was (p).
    pub limits: Vec<(f64, f64)>,
    /// Prior weights above this are cut to it.
    pub largest_weight: f64,
}

fn problem_of<'a>(
    source: &'a DenseRows<'a>,
    response: &'a [f64],
    weights: Option<&'a [f64]>,
    offset: Option<&'a [f64]>,
    model: Model,
) -> Problem<'a> {
    let intercept = source.values().iter().step_by(source.shape().columns).all(|v| *v == 1.0);
    Problem { source, intercept, response, weights, own_weights: None, offset, model }
}

impl Refit for Material {
    fn mean_with(&self, row: usize, response: f64, run: &Run<'_>) -> Result<f64> {
        let mut changed = self.response.clone();
        changed[row] = response;
        let source = DenseRows::new(&self.matrix, self.names.len())?;
        let problem = problem_of(&source, &changed, self.prior.as_deref(), self.offset.as_deref(), self.model);
        let found = match self.separates {
            true => fit_until_settled(&problem, run),
            false => fit_from(&problem, Some(&self.coefficients), run).or_else(|error| match error.kind() {
                ErrorKind::Interrupted => Err(error),
                _ => fit_until_settled(&problem, run), // with this response the likelihood may have no maximum
            }),
        };
        Ok(found?.rows.at[row].mean)
    }
}
