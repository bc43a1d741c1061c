//! The diagnostics of a fit as computed: hat values, and one number a row beside them.

use super::report::FitRelease;
use super::request::AuditedFit;
use crate::error::{ErrorKind, Result};
use crate::families::Family;
use crate::leverage::{ScoreOptions, leverage_scores};
use crate::rows::{RowSource, product};
use crate::run::Run;

/// The numbers of a fit, before anything is done to them.
pub(super) struct ExactFit {
    /// Hat values.
    pub hat: Vec<f64>,
    /// What is released beside them.
    pub beside: Option<Vec<f64>>,
    /// log w of every row.
    pub log_weights: Vec<f64>,
    /// √w(y − Aβ)/s of a linear fit, s its standard deviation.
    pub residuals: Option<Vec<f64>>,
}

impl ExactFit {
    /// Evaluates them.
    ///
    /// Cook's distance is r²h/(φd(1 − h)²), r the Pearson residual, φ the dispersion; DFFITS is e√h/(s₍ᵢ₎(1 − h)), e the
    /// deviance residual and s₍ᵢ₎ the standard deviation without the row, as R's `dffits` has it.
    ///
    /// # Cost
    /// Two sweeps of 2nd² flops.
    /// # Errors
    /// [`ErrorKind::RankDeficient`]; [`ErrorKind::Option`] for predictors and responses out of the range of the family.
    pub fn of(source: &dyn RowSource, fit: &AuditedFit<'_>, run: &Run<'_>) -> Result<ExactFit> {
        let (n, d) = (source.shape().rows, source.shape().columns);
        let refused = |name: &str, reason: String| ErrorKind::Option { name: name.into(), reason };
        let eta = match fit.coefficients {
            Some(beta) => {
                let mut eta = product(source, beta, run)?;
                if let Some(offset) = fit.model.as_ref().and_then(|model| model.offset.as_ref()) {
                    eta.iter_mut().zip(offset).for_each(|(eta, o)| *eta += o);
                }
                Some(eta)
            }
            None => None,
        };
        let log_weights: Vec<f64> = match (&fit.model, &eta) {
            (Some(model), Some(eta)) => {
                let log = |i: usize| model.law.log_weight(eta[i]).0 + model.trials.as_ref().map_or(0.0, |m| m[i].ln());
                let logs: Vec<f64> = (0..n).map(log).collect();
                if let Some(i) = logs.iter().position(|t| !t.is_finite()) {
                    let reason = format!(
                        "row {}: its predictor {} is out of the range of the link {}",
                        i + 1,
                        eta[i],
                        model.law.link().name()
                    );
                    return Err(refused("point", reason).into());
                }
                logs
            }
            _ => fit.weights.map_or_else(|| vec![0.0; n], |w| w.iter().map(|w| w.ln()).collect()),
        };
        let top = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let scale: Vec<f64> = log_weights.iter().map(|t| (0.5 * (t - top)).exp()).collect();
        let scores =
            leverage_scores(source, Some(&scale), &ScoreOptions { strict: true, ..ScoreOptions::default() }, run)?;
        let hat = scores.values;
        let mut found = ExactFit { hat, beside: None, log_weights, residuals: None };
        if fit.release == FitRelease::Hat {
            return Ok(found);
        }
        let (Some(eta), Some(y)) = (eta, fit.responses) else { return Ok(found) };
        let errors = Errors::of(fit, &eta, y)?;
        let freedom = n as f64 - d as f64;
        if freedom < 2.0 {
            return Err(refused("response", format!("{n} rows leave nothing over for {d} columns")).into());
        }
        let square = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
        let dispersion = match &fit.model {
            Some(model) if model.law.family().has_known_dispersion() => 1.0,
            _ => square(&errors.pearson) / freedom,
        };
        if fit.model.is_none() {
            let s = dispersion.sqrt();
            if s == 0.0 {
                return Err(refused("response", "the fit leaves nothing over of it".into()).into());
            }
            found.residuals = Some(errors.pearson.iter().map(|r| r / s).collect());
        }
        let total = square(&errors.deviance);
        let number = |i: usize| {
            let h = found.hat[i].clamp(0.0, 1.0);
            match fit.release {
                FitRelease::Deviance => errors.deviance[i],
                FitRelease::Cook => errors.pearson[i].powi(2) * h / (dispersion * d as f64 * (1.0 - h).powi(2)),
                FitRelease::Hat | FitRelease::Dffits => {
                    let without = (total - errors.deviance[i].powi(2) / (1.0 - h)) / (freedom - 1.0);
                    errors.deviance[i] * h.sqrt() / (without.max(0.0).sqrt() * (1.0 - h))
                }
            }
        };
        let beside: Vec<f64> = (0..n).map(number).collect();
        if let Some(i) = beside.iter().position(|v| !v.is_finite()) {
            let reason = format!("row {}: its hat value is 1, and what is released beside it has no value", i + 1);
            return Err(refused("release", reason).into());
        }
        found.beside = Some(beside);
        Ok(found)
    }
}

/// Pearson and deviance residuals, weighted.
struct Errors {
    pearson: Vec<f64>,
    deviance: Vec<f64>,
}

impl Errors {
    fn of(fit: &AuditedFit<'_>, eta: &[f64], y: &[f64]) -> Result<Errors> {
        let (mut pearson, mut deviance) = (Vec::with_capacity(y.len()), Vec::with_capacity(y.len()));
        for (i, (eta, y)) in eta.iter().zip(y).enumerate() {
            let (p, e) = match &fit.model {
                None => {
                    let e = fit.weights.map_or(1.0, |w| w[i].sqrt()) * (y - eta);
                    (e, e)
                }
                Some(model) => {
                    let (family, theta) = (model.law.family(), model.theta.unwrap_or(1.0));
                    let at = family.at(model.law.link(), theta, *eta);
                    let m = model.trials.as_ref().map_or(1.0, |m| m[i]);
                    let size = (m * family.deviance(*y, &at, theta)).sqrt();
                    let sign = if *y >= at.mean { 1.0 } else { -1.0 };
                    (m.sqrt() * family.residual(*y, &at) / at.variance.sqrt(), sign * size)
                }
            };
            let family = fit.model.as_ref().map_or(Family::Gaussian, |model| model.law.family());
            if !(p.is_finite() && e.is_finite() && family.has_response(*y)) {
                let reason = format!("row {}: found {y}, which the family cannot have at its predictor {eta}", i + 1);
                return Err(ErrorKind::Option { name: "response".into(), reason }.into());
            }
            pearson.push(p);
            deviance.push(e);
        }
        Ok(Errors { pearson, deviance })
    }
}
