//! The diagnostics of every row of a fit, under R's names, with R's edge cases.

use super::leave_out::{LeaveOut, refitted};
use super::rule::{Flags, Limits, Measured, Rule, flags};
use super::sweeps::{Rowwise, Swept, measure};
use crate::regression::{Fit, Model, Problem};
use unhat::{Result, Run};

/// How diagnostics are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which rows are flagged.
    pub rule: Rule,
    /// What the predictor of a row without it is.
    pub leave_out: LeaveOut,
}

/// A change of the coefficients when a row is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// (XᵀVX)⁻¹x√v·d/(1−h), from deviance residuals as R's `dfbeta`; 0 where h = 1.
    Dfbeta,
    /// The same over σ₍ᵢ₎√diag((XᵀVX)⁻¹): R's `dfbetas`.
    Dfbetas,
    /// From Pearson's residuals: one step of scoring from the fit towards the fit without the row, in a tenth of the error.
    OneStep,
}

/// The diagnostics of every row (n); NaN where there is none: rows of weight 0, and what has no value where h = 1.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// The rule of the flags.
    pub rule: Rule,
    /// μ̂.
    pub fitted: Vec<f64>,
    /// y − μ̂.
    pub residual: Vec<f64>,
    /// sign(y − μ̂)√wᵢ·dᵢ; of `lm` √w(y − ŷ).
    pub residual_deviance: Vec<f64>,
    /// √w(y − μ̂)/√V(μ̂).
    pub residual_pearson: Vec<f64>,
    /// (y − μ̂)/(dμ/dη).
    pub residual_working: Vec<f64>,
    /// h = v·xᵀ(XᵀVX)⁻¹x, V the expected information; 1 where a row is fitted by itself.
    pub hat: Vec<f64>,
    /// σ₍ᵢ₎ = √((Σd² − d²/(1−h))/(n−p−1)).
    pub sigma_loo: Vec<f64>,
    /// d/√(φ(1−h)).
    pub rstandard: Vec<f64>,
    /// r/√(φ(1−h)), r Pearson's residual.
    pub rstandard_pearson: Vec<f64>,
    /// e/(σ₍ᵢ₎√(1−h)); of `glm` sign(d)√(d² + h r²/(1−h)), over σ₍ᵢ₎ unless the dispersion is known.
    pub rstudent: Vec<f64>,
    /// r²h/(pφ(1−h)²).
    pub cooks: Vec<f64>,
    /// d√h/(σ₍ᵢ₎(1−h)).
    pub dffits: Vec<f64>,
    /// 1/((1−h)((n−p−1+t²)/(n−p))ᵖ), t = d/(σ₍ᵢ₎√(1−h)).
    pub covratio: Vec<f64>,
    /// The predictor of the row from the fit without it: ŷ − e·h/(1−h) of `lm`; one step, or a refit, of `glm`.
    pub loo_prediction: Vec<f64>,
    /// The DFBETAS of largest size, signed.
    pub most_dfbetas: Vec<f64>,
    /// The column of the model matrix whose coefficient moves most.
    pub most_column: Vec<usize>,
    /// What each row is flagged for.
    pub flags: Vec<Flags>,
    /// Rows with h = 1: their response is fitted whatever it is.
    pub fitted_by_itself: Vec<usize>,
    /// Robust standard errors HC0, HC1, HC2, HC3 of the kept columns; NaN where a row with h = 1 leaves them none.
    pub robust: [Vec<f64>; 4],
    /// Σ(e/(1−h))²; infinite where a row is fitted by itself. Of `lm` alone.
    pub press: Option<f64>,
    /// 1 − PRESS/TSS.
    pub predictive_r_squared: Option<f64>,
}

/// The diagnostics of a fit.
///
/// # Cost
/// One sweep beyond the fit, 2nd² flops, or nnz·d for sparse rows; refits where they are asked for.
/// # Errors
/// Those of sources and refits; [`unhat::ErrorKind::Interrupted`].
/// # References
/// BelsleyKuhWelsch1980; CookWeisberg1982; Williams1987; LongErvin2000.
pub fn diagnostics(problem: &Problem<'_>, fit: &Fit, options: Options, run: &Run<'_>) -> Result<Diagnostics> {
    let law = problem.model.law();
    let n = problem.response.len();
    let rows = &fit.rows;
    let weighted = |i: usize| problem.weight(i).sqrt();
    let plain: Vec<f64> = (0..n).map(|i| law.family().residual(problem.response[i], &rows.at[i])).collect();
    let deviance: Vec<f64> = (0..n)
        .map(|i| match problem.model {
            Model::Linear => weighted(i) * plain[i],
            Model::Generalised(_) => {
                weighted(i) * law.unit_deviance(problem.response[i], &rows.at[i]).sqrt().copysign(plain[i])
            }
        })
        .collect();
    let pearson: Vec<f64> = (0..n).map(|i| weighted(i) * plain[i] / rows.at[i].variance.sqrt()).collect();
    let score: Vec<f64> =
        (0..n).map(|i| if rows.row_scale[i] == 0.0 { 0.0 } else { rows.row_scale[i] * rows.work[i] }).collect();
    let swept = fit.with_kept(problem.source, |source| {
        let rowwise = Rowwise::of(fit, &deviance, &source.shape());
        let swept = measure(source, &rowwise, &score, run)?;
        let sigma: Vec<f64> = (0..n).map(|i| rowwise.sigma_without(i, swept.hat[i])).collect();
        Ok((swept, sigma))
    })?;
    let (Swept { hat, most, most_column, robust }, sigma) = swept;
    let (p, rank) = (fit.rank() as f64, fit.rank() as i32);
    let (count, phi) = (fit.n as f64, fit.dispersion);
    let out = |i: &usize| hat[*i].is_nan();
    let known = matches!(problem.model, Model::Generalised(law) if law.has_known_dispersion());
    let rstudent = open_rows(&hat, |i, rest| match problem.model {
        Model::Linear => deviance[i] / (sigma[i] * rest.sqrt()),
        Model::Generalised(_) => {
            let both = (deviance[i].powi(2) + hat[i] * pearson[i].powi(2) / rest).sqrt().copysign(deviance[i]);
            if known { both } else { both / sigma[i] }
        }
    });
    let fitted_by_itself: Vec<usize> = (0..n).filter(|&i| hat[i] == 1.0).collect();
    let (press, predictive) = match &fit.linear {
        None => (None, None),
        Some(linear) => {
            let press = match fitted_by_itself.is_empty() {
                true => (0..n).filter(|i| !out(i)).map(|i| (deviance[i] / (1.0 - hat[i])).powi(2)).sum(),
                false => f64::INFINITY,
            };
            (Some(press), Some(1.0 - press / linear.total))
        }
    };
    let root = |diagonal: &[f64], factor: f64| -> Vec<f64> { diagonal.iter().map(|v| (v * factor).sqrt()).collect() };
    let beyond = if fitted_by_itself.is_empty() { 1.0 } else { f64::NAN };
    let mut found = Diagnostics {
        rule: options.rule,
        fitted: rows.at.iter().map(|at| at.mean).collect(),
        residual_working: rows.work.clone(),
        rstandard: open_rows(&hat, |i, rest| deviance[i] / (phi * rest).sqrt()),
        rstandard_pearson: open_rows(&hat, |i, rest| pearson[i] / (phi * rest).sqrt()),
        cooks: open_rows(&hat, |i, rest| (pearson[i] / rest).powi(2) * hat[i] / (p * phi)),
        dffits: open_rows(&hat, |i, rest| deviance[i] * hat[i].sqrt() / (sigma[i] * rest)),
        covratio: open_rows(&hat, |i, rest| {
            let t = deviance[i] / (sigma[i] * rest.sqrt());
            1.0 / (rest * ((count - p - 1.0 + t * t) / (count - p)).powi(rank))
        }),
        loo_prediction: open_rows(&hat, |i, rest| fit.predictor[i] - hat[i] * rows.work[i] / rest),
        most_dfbetas: most,
        most_column: most_column.iter().map(|&k| fit.kept[k as usize]).collect(),
        robust: [
            root(&robust[0], 1.0),
            root(&robust[0], count / (count - p)),
            root(&robust[1], beyond),
            root(&robust[2], beyond),
        ],
        press,
        predictive_r_squared: predictive,
        flags: Vec::new(),
        residual: plain,
        residual_deviance: deviance,
        residual_pearson: pearson,
        sigma_loo: (0..n).map(|i| if out(&i) { f64::NAN } else { sigma[i] }).collect(),
        rstudent,
        hat,
        fitted_by_itself,
    };
    found.flags = found.flags_by(options.rule, fit);
    found.leave_out(problem, fit, options.leave_out, run)?;
    Ok(found)
}

/// f(i, 1 − hᵢ) of every row; NaN where a row has no hat value, or is fitted by itself.
fn open_rows(hat: &[f64], f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let value = |(i, h): (usize, &f64)| if h.is_nan() || *h == 1.0 { f64::NAN } else { f(i, 1.0 - h) };
    hat.iter().enumerate().map(value).collect()
}

/// Up to so many rows all are refitted where refits are asked for; beyond, those that are flagged.
const REFIT_ALL: usize = 5000;

impl Diagnostics {
    /// The flags by a rule.
    #[must_use]
    pub fn flags_by(&self, rule: Rule, fit: &Fit) -> Vec<Flags> {
        let n = self.hat.iter().filter(|h| **h > 0.0).count();
        let row = |i: usize| Measured {
            hat: self.hat[i],
            dffits: self.dffits[i],
            covratio: self.covratio[i],
            dfbetas: self.most_dfbetas[i],
            cooks: self.cooks[i],
            rstudent: self.rstudent[i],
        };
        let limits = Limits::of(rule, n, fit.rank());
        (0..self.hat.len()).map(|i| flags(&limits, &row(i))).collect()
    }

    /// Replaces one step by refits.
    fn leave_out(&mut self, problem: &Problem<'_>, fit: &Fit, leave_out: LeaveOut, run: &Run<'_>) -> Result<()> {
        if leave_out == LeaveOut::OneStep || problem.model == Model::Linear {
            return Ok(()); // of a linear fit one step is exact
        }
        let all = self.hat.len() <= REFIT_ALL;
        let wanted = |i: &usize| (all || self.flags[*i].any()) && !self.loo_prediction[*i].is_nan();
        let rows: Vec<usize> = (0..self.hat.len()).filter(wanted).collect();
        let found = refitted(problem, fit, &rows, run)?;
        rows.iter().zip(found).for_each(|(&row, eta)| self.loo_prediction[row] = eta);
        Ok(())
    }

    /// What leaving a row out does to the coefficients of the kept columns, for the rows of a block of the source, row by row; of
    /// those `only`, by their positions among the kept columns, or of all.
    ///
    /// # Shapes
    /// rows of the block × rank, or × those `only`.
    /// # Cost
    /// 2d² flops a row; of sparse rows 2·nnz(aᵢ) for each coefficient.
    /// # Errors
    /// Those of the source.
    pub fn changes(
        &self,
        (problem, fit): (&Problem<'_>, &Fit),
        change: Change,
        block: usize,
        only: Option<&[usize]>,
    ) -> Result<Vec<f64>> {
        let signed = || (0..self.hat.len()).map(|i| fit.rows.row_scale[i] * fit.rows.work[i]).collect();
        let pearson: Option<Vec<f64>> = (change == Change::OneStep).then(signed);
        let residual = pearson.as_deref().unwrap_or(&self.residual_deviance);
        let mut all = Vec::new();
        fit.with_kept(problem.source, |source| {
            let rowwise = Rowwise::of(fit, &self.residual_deviance, &source.shape());
            let keep = &mut |values: &[f64]| all.extend_from_slice(values);
            source.with_block(block, &mut |rows| {
                rowwise.changes(&rows, only, (change == Change::Dfbetas, residual), keep);
                Ok(())
            })
        })?;
        Ok(all)
    }
}
