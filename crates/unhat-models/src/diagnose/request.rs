//! What is asked of a table: a model, its family, and which diagnostics; and the answer with all its parts.

use super::diagnostics::{Change, Diagnostics, Options, diagnostics};
use crate::models::Frame;
use crate::regression::{Fit, Model, ModelFrame, Problem, Specification, fit};
use unhat::{ErrorKind, Result, Run};

/// A model of a table, and what is wanted of its rows.
#[derive(Clone, Debug)]
pub struct Request {
    /// The formula and what goes with it.
    pub specification: Specification,
    /// `lm`, or `glm` with its law.
    pub model: Model,
    /// Rule and leave-one-out.
    pub options: Options,
}

/// A fit of a table and the diagnostics of its rows.
#[derive(Clone, Debug)]
pub struct Diagnosed<'a> {
    /// The formula as R writes it.
    pub formula: String,
    /// The model.
    pub model: Model,
    /// Model matrix, response, and which rows have all of them.
    pub frame: ModelFrame<'a>,
    /// The fit.
    pub fit: Fit,
    /// The diagnostics.
    pub found: Diagnostics,
}

impl Request {
    /// Fits the model and diagnoses its rows.
    ///
    /// # Errors
    /// Those of [`ModelFrame::of`], [`fit()`] and [`diagnostics()`]; rows are named as the table names them.
    pub fn answer<'a>(&self, table: &'a Frame, run: &Run<'_>) -> Result<Diagnosed<'a>> {
        let law = self.model.law();
        let frame = ModelFrame::of(table, &self.specification, law.family())?;
        for i in (0..frame.count()).filter(|&i| frame.weights.as_ref().is_none_or(|w| w[i] > 0.0)) {
            if let Some(expected) = law.refuses(frame.response[i]) {
                let (row, y, name) = (frame.label(i), frame.response[i], &frame.response_name);
                let reason = format!("row {row}, {name}: found {y}, {expected} for family {}", law.name());
                return Err(ErrorKind::Option { name: "formula".into(), reason }.into());
            }
        }
        let problem = frame.problem(self.model);
        let fit = fit(&problem, run)?;
        let found = diagnostics(&problem, &fit, self.options, run)?;
        Ok(Diagnosed { formula: self.specification.formula.to_string(), model: self.model, fit, found, frame })
    }
}

impl Diagnosed<'_> {
    /// What was fitted.
    #[must_use]
    pub fn problem(&self) -> Problem<'_> {
        self.frame.problem(self.model)
    }

    /// Names and values of the columns that every row has (n each), in their order; NaN where there is no value.
    #[must_use]
    pub fn columns(&self) -> Vec<(&'static str, &[f64])> {
        let found = &self.found;
        let mut columns: Vec<(&'static str, &[f64])> = vec![("fitted", &found.fitted)];
        let linear = self.model == Model::Linear;
        if !linear {
            columns.push(("linear_predictor", &self.fit.predictor));
        }
        columns.push(("residual", &found.residual));
        if !linear {
            columns.extend([
                ("residual_deviance", found.residual_deviance.as_slice()),
                ("residual_pearson", &found.residual_pearson),
                ("residual_working", &found.residual_working),
            ]);
        }
        columns.extend([
            ("hat", found.hat.as_slice()),
            ("sigma_loo", &found.sigma_loo),
            ("rstandard", &found.rstandard),
        ]);
        if !linear {
            columns.push(("rstandard_pearson", &found.rstandard_pearson));
        }
        columns.extend([
            ("rstudent", found.rstudent.as_slice()),
            ("cooks", &found.cooks),
            ("dffits", &found.dffits),
            ("covratio", &found.covratio),
            ("loo_prediction", &found.loo_prediction),
        ]);
        columns
    }

    /// The names of the coefficients that are estimated.
    #[must_use]
    pub fn kept_names(&self) -> Vec<&str> {
        self.fit.kept.iter().map(|&j| self.frame.matrix.names()[j].as_str()).collect()
    }

    /// The changes of some coefficients in one block of rows, row by row; `only` are their positions among the kept ones, as
    /// [`Diagnosed::moved`] gives them.
    ///
    /// # Errors
    /// As [`Diagnostics::changes`].
    pub fn changes(&self, change: Change, block: usize, only: &[usize]) -> Result<Vec<f64>> {
        let only = (only.len() < self.fit.rank()).then_some(only);
        self.found.changes((&self.problem(), &self.fit), change, block, only)
    }

    /// For each row that is written, its place in the fit: rows of the fit, or with `padded` all rows of the table.
    #[must_use]
    pub fn places(&self, padded: bool) -> Vec<Option<usize>> {
        match (&self.frame.rows, padded) {
            (Some(rows), true) => {
                let mut places = vec![None; self.frame.table_rows];
                rows.iter().enumerate().for_each(|(k, &row)| places[row] = Some(k));
                places
            }
            _ => (0..self.frame.count()).map(Some).collect(),
        }
    }

    /// What a row is flagged for, in words: `hat dfbetas`; the coefficient that moves most beside dfbetas.
    #[must_use]
    pub fn flag(&self, i: usize) -> String {
        let words = self.found.flags[i].named().into_iter().filter(|(_, met)| *met).map(|(name, _)| match name {
            "dfbetas" => format!("dfbetas_{}", self.frame.matrix.names()[self.found.most_column[i]]),
            name => name.to_string(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// What the digits of the columns follow from.
    #[must_use]
    pub fn accuracy(&self) -> Accuracy {
        let hat = 10f64.powf(-self.fit.digits);
        let open = self.found.hat.iter().filter(|h| **h < 1.0).fold(1.0f64, |least, h| least.min(1.0 - h));
        let largest = self.fit.predictor.iter().zip(&self.fit.rows.row_scale).map(|(eta, r)| (eta * r).abs());
        let spread = (self.fit.pearson / self.fit.n.max(1) as f64).sqrt();
        let rank = self.fit.rank() as f64;
        let residual = f64::EPSILON * rank.sqrt() * largest.fold(0.0, f64::max) / spread + hat;
        Accuracy { hat, open, residual, rank }
    }
}

/// Errors to expect of a diagnosis, from the condition, the least 1 − h, and what the fit leaves of the response.
#[derive(Clone, Copy, Debug)]
pub struct Accuracy {
    /// Of hat values.
    hat: f64,
    /// The least 1 − h.
    open: f64,
    /// Of residuals: ε‖fitted‖/s, and that of hat values.
    residual: f64,
    rank: f64,
}

impl Accuracy {
    /// Decimal digits to expect of a column: −log₁₀ of the sum of what enters it, error of h, over 1 − h where that divides, and
    /// that of residuals.
    #[must_use]
    pub fn digits(&self, column: &str) -> f64 {
        let error = match column {
            "fitted" | "linear_predictor" | "hat" => self.hat,
            "residual" | "residual_deviance" | "residual_pearson" | "residual_working" => self.residual,
            "covratio" => self.rank * self.hat / self.open + self.residual,
            _ => self.hat / self.open + self.residual,
        };
        match error.is_finite() {
            true => (-error.log10()).clamp(0.0, 16.0),
            false => 0.0,
        }
    }
}
