//! What an attacker makes of the diagnostics of a fit, and how far off it is.

use super::exact::ExactFit;
use super::publish::Published;
use super::report::{FitAttack, FitRelease};
use super::request::AuditedFit;
use crate::error::{Error, ErrorKind, Result};
use crate::families::Shape;
use crate::invert::hat::{
    HatCoefficients, HatInversion, HatOptions, HatPrecision, HatStatus, OutcomeInversion, ResidualKind, invert_column,
    invert_hat, invert_hat_of_model, invert_outcomes,
};
use crate::linalg::{dot, norm};
use crate::rows::{DenseRows, RowSource, product};
use crate::run::Run;
use std::collections::BTreeMap;

/// What one attack reached in one try.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// See the top of `report`.
    pub error: f64,
    /// Shares of rows that are told, and told wrong.
    pub told: Option<f64>,
    pub wrong: Option<f64>,
    /// The smallest margin of a decision.
    pub margin: Option<f64>,
    /// Of coefficients: the error of each, None where it is open.
    pub coefficients: Option<Vec<Option<f64>>>,
    /// What is open whatever is released, in words.
    pub open: Vec<String>,
}

impl Reached {
    fn plain(error: f64) -> Option<Reached> {
        let none = Reached { error, told: None, wrong: None, margin: None, coefficients: None, open: Vec::new() };
        error.is_finite().then_some(none)
    }
}

/// Answers of one try; an attack that gave none is absent.
pub(super) type Answers = BTreeMap<FitAttack, Reached>;

/// A fit under attack: what all tries share.
pub(super) struct Target<'a> {
    pub source: &'a dyn RowSource,
    pub fit: &'a AuditedFit<'a>,
    pub exact: &'a ExactFit,
    pub attacks: &'a [FitAttack],
    /// The columns that the attacker has, where one is hidden, and the hidden one.
    pub known: Option<KnownColumns>,
}

/// All columns of a table but one.
pub(super) struct KnownColumns {
    values: Vec<f64>,
    columns: usize,
    pub hidden: Vec<f64>,
    /// |ũ|/‖ũ‖ of the hidden one.
    pub magnitudes: Vec<f64>,
}

impl KnownColumns {
    /// Takes a table apart.
    ///
    /// # Cost
    /// A copy of the table, as [`invert_column`] makes one.
    pub fn of(source: &dyn RowSource, hidden: usize, hat: &[f64], run: &Run<'_>) -> Result<KnownColumns> {
        let (n, d) = (source.shape().rows, source.shape().columns);
        crate::memory::require_memory("the known columns", 8 * (n * d) as u64)?;
        let all = source.gather(&(0..n).collect::<Vec<_>>())?;
        let mut values = Vec::with_capacity(n * (d - 1));
        all.chunks_exact(d)
            .for_each(|row| values.extend(row.iter().enumerate().filter(|(j, _)| *j != hidden).map(|(_, v)| v)));
        let own =
            crate::leverage::leverage_scores(&DenseRows::new(&values, d - 1)?, None, &Default::default(), run)?.values;
        let magnitudes = hat.iter().zip(&own).map(|(h, own)| (h - own).max(0.0).sqrt()).collect();
        Ok(KnownColumns {
            values,
            columns: d - 1,
            hidden: all.chunks_exact(d).map(|row| row[hidden]).collect(),
            magnitudes,
        })
    }

    /// Whether the hidden column is 0/1.
    pub fn is_two_valued(&self) -> bool {
        self.hidden.iter().all(|u| *u == 0.0 || *u == 1.0)
    }
}

/// Distances of a table that no inversion can say anything of.
fn leads_nowhere(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Option { .. } | ErrorKind::Numerical { .. } | ErrorKind::RankDeficient { .. })
}

impl Target<'_> {
    /// All attacks on one release.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`], and what is wrong with the table.
    pub fn run(&self, published: &Published, seed: u64, run: &Run<'_>) -> Result<Answers> {
        let mut answers = Answers::new();
        let mut add = |attack: FitAttack, reached: Option<Reached>| {
            if let Some(reached) = reached {
                answers.insert(attack, reached);
            }
        };
        let options = HatOptions { precision: published.precision.clone(), ..HatOptions::default() };
        let wants = |attack: FitAttack| self.attacks.contains(&attack);
        if let Some(known) = &self.known {
            let rows = DenseRows::new(&known.values, known.columns)?;
            let found = answered(invert_column(&rows, &published.hat, &published.precision, seed, run))?;
            add(FitAttack::HatToColumn, found.and_then(|found| self.column(known, &found)));
            return Ok(answers);
        }
        let beside = published.beside.as_deref().unwrap_or_default();
        if wants(FitAttack::SizesToOutcomes) {
            let (kind, sizes): (_, Vec<f64>) = match self.fit.release {
                // Noise makes some distances negative: they say nothing.
                FitRelease::Cook => (ResidualKind::Cook, beside.iter().map(|v| v.max(0.0)).collect()),
                _ => (ResidualKind::Deviance, beside.to_vec()),
            };
            let found = invert_outcomes(self.source, &published.hat, (kind, &sizes), (&options, seed), run);
            if let Some(found) = answered(found)? {
                add(FitAttack::HatToWeights, self.weights(&found.weights));
                add(FitAttack::HatToCoefficients, found.fit.as_ref().and_then(|fit| self.coefficients(fit)));
                let solved = found.status == HatStatus::Solved;
                let told = || found.outcomes.iter().zip(&found.margins).map(|(y, margin)| (*y, *margin)).collect();
                let reached = match solved {
                    true => self.outcomes(told(), true),
                    false => self.nearest(kind, beside, &found, &published.precision, run)?,
                };
                add(FitAttack::SizesToOutcomes, reached);
            }
        } else if let Some(model) = &self.fit.model {
            let found = invert_hat_of_model(self.source, &published.hat, model, (&options, seed), None, run);
            if let Some((weights, fit)) = answered(found)? {
                add(FitAttack::HatToWeights, self.weights(&weights));
                add(FitAttack::HatToCoefficients, fit.as_ref().and_then(|fit| self.coefficients(fit)));
            }
        } else if wants(FitAttack::HatToWeights) {
            let found = answered(invert_hat(self.source, &published.hat, &options, None, run))?;
            add(FitAttack::HatToWeights, found.and_then(|found| self.weights(&found)));
        }
        if wants(FitAttack::SignsToOutcomes) {
            let told = beside.iter().map(|e| ((*e != 0.0).then_some(*e > 0.0), e.abs())).collect();
            let mut reached = self.outcomes(told, false);
            reached.iter_mut().for_each(|reached| reached.margin = None); // no decision of the same kind
            add(FitAttack::SignsToOutcomes, reached);
        }
        for attack in [FitAttack::CookToResiduals, FitAttack::DffitsToResiduals] {
            if wants(attack) {
                // Without weights the hat values follow from the table.
                let hat = if self.fit.weights.is_some() { &published.hat } else { &self.exact.hat };
                add(attack, self.residuals(attack, hat, beside));
            }
        }
        run.check()?;
        Ok(answers)
    }

    /// √mean (log ŵ − log w)², the factor of each component taken out.
    fn weights(&self, found: &HatInversion) -> Option<Reached> {
        let (mut square, mut count) = (0.0, 0);
        for part in &found.components {
            let off = |i: usize| Some(found.weights[i]?.ln() - self.exact.log_weights[i]);
            let off: Vec<f64> = part.rows.iter().filter_map(|&i| off(i)).collect();
            let mean = off.iter().sum::<f64>() / off.len().max(1) as f64;
            square += off.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            count += off.len();
        }
        let answered = matches!(found.status, HatStatus::Solved | HatStatus::Stalled) && count > 0;
        let reached = answered.then(|| Reached::plain((square / count as f64).sqrt())).flatten()?;
        Some(Reached { open: found.open(), ..reached })
    }

    /// ‖β̂ − β‖/‖β‖ of the columns that are told, after sign and factor where these are open.
    fn coefficients(&self, found: &HatCoefficients) -> Option<Reached> {
        let (beta, model) = (self.fit.coefficients?, self.fit.model.as_ref()?);
        let told: Vec<usize> = (0..beta.len()).filter(|&j| found.values[j].is_some()).collect();
        let truth: Vec<f64> = told.iter().map(|&j| beta[j]).collect();
        let mut values: Vec<f64> = told.iter().filter_map(|&j| found.values[j]).collect();
        let no_offset = model.offset.as_ref().is_none_or(|o| o.iter().all(|o| *o == 0.0));
        let along = dot(&values, &truth);
        let by = match model.law.shape() {
            Shape::Even if no_offset => along.signum(),
            Shape::Power(_) if no_offset => norm(&truth) / norm(&values),
            _ => 1.0,
        };
        values.iter_mut().for_each(|v| *v *= by);
        let off: Vec<f64> = values.iter().zip(&truth).map(|(a, b)| a - b).collect();
        let error = norm(&off) / norm(&truth);
        let mut each = vec![None; beta.len()];
        told.iter().zip(&off).for_each(|(&j, off)| each[j] = Some(off.abs()));
        // A fit that ended in another well is an answer of its own error, and no failure.
        Some(Reached { coefficients: Some(each), open: found.open.clone(), ..Reached::plain(error)? })
    }

    /// The share of responses that are not told right; `open`: up to the complement of all.
    fn outcomes(&self, told: Vec<(Option<bool>, f64)>, open: bool) -> Option<Reached> {
        let truth: Vec<bool> = self.fit.responses?.iter().map(|y| *y == 1.0).collect();
        shares(&told, &truth, open)
    }

    /// Under noise of a known size the likelier of two sizes is the nearer one, however many rows are too noisy to be told.
    fn nearest(
        &self,
        kind: ResidualKind,
        beside: &[f64],
        found: &OutcomeInversion,
        precision: &HatPrecision,
        run: &Run<'_>,
    ) -> Result<Option<Reached>> {
        let beta: Option<Vec<f64>> = found.fit.as_ref().and_then(|fit| fit.values.iter().copied().collect());
        let (Some(beta), HatPrecision::Noise(_)) = (beta, precision) else { return Ok(None) };
        let eta = product(self.source, &beta, run)?;
        let d = self.source.shape().columns as f64;
        let size = |i: usize, sign: f64| {
            let h = found.weights.target[i].clamp(1e-12, 1.0 - 1e-12);
            match kind {
                ResidualKind::Cook => (sign * eta[i]).exp() * h / (d * (1.0 - h).powi(2)),
                _ => (2.0 * (sign * eta[i]).exp().ln_1p()).sqrt(),
            }
        };
        let told = beside.iter().enumerate().map(|(i, v)| {
            let v = if kind == ResidualKind::Cook { *v } else { v.abs() };
            (Some((v - size(i, -1.0)).abs() < (v - size(i, 1.0)).abs()), 0.0)
        });
        let reached = self.outcomes(told.collect(), true);
        Ok(reached.map(|reached| Reached { margin: None, ..reached }))
    }

    fn column(&self, known: &KnownColumns, found: &crate::invert::hat::ColumnInversion) -> Option<Reached> {
        if found.status != HatStatus::Solved {
            return None;
        }
        if !known.is_two_valued() {
            // ‖|û| − |ũ|‖ of vectors of length 1.
            let size = norm(&found.magnitudes);
            let off: Vec<f64> = found.magnitudes.iter().zip(&known.magnitudes).map(|(a, b)| a / size - b).collect();
            return Reached::plain(norm(&off) / norm(&known.magnitudes));
        }
        let (column, margins) = (found.column.as_ref()?, found.margins.as_ref()?);
        let told: Vec<(Option<bool>, f64)> = column.iter().zip(margins).map(|(u, margin)| (*u, *margin)).collect();
        let truth: Vec<bool> = known.hidden.iter().map(|u| *u == 1.0).collect();
        shares(&told, &truth, true)
    }

    /// ‖found − truth‖/‖truth‖ of residuals, or of their sizes.
    fn residuals(&self, attack: FitAttack, hat: &[f64], beside: &[f64]) -> Option<Reached> {
        let truth = self.exact.residuals.as_ref()?;
        let (n, d) = (truth.len() as f64, self.source.shape().columns as f64);
        let found = |h: f64, v: f64| {
            let h = h.clamp(1e-15, 1.0 - 1e-15);
            match attack {
                FitAttack::CookToResiduals => (v.max(0.0) * d * (1.0 - h).powi(2) / h).sqrt(),
                _ => {
                    // From the externally studentised residual to the internal one.
                    let t = v * ((1.0 - h) / h).sqrt();
                    let internal = (t * t * (n - d) / (n - d - 1.0 + t * t)).sqrt();
                    t.signum() * internal * (1.0 - h).sqrt()
                }
            }
        };
        let expected = |r: f64| if attack == FitAttack::CookToResiduals { r.abs() } else { r };
        let rows = hat.iter().zip(beside).zip(truth);
        let off: Vec<f64> = rows.map(|((h, v), r)| found(*h, *v) - expected(*r)).collect();
        Reached::plain(norm(&off) / norm(truth))
    }
}

/// None where the numbers lead nowhere; other errors are the table's, or an interruption.
fn answered<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(error) if leads_nowhere(&error) => Ok(None),
        other => other.map(Some),
    }
}

/// Shares of rows told, told wrong and not told right; with `open` in favour of the attacker up to the complement.
fn shares(told: &[(Option<bool>, f64)], truth: &[bool], open: bool) -> Option<Reached> {
    let n = truth.len() as f64;
    let count = told.iter().filter(|(y, _)| y.is_some()).count() as f64;
    if count == 0.0 {
        return None;
    }
    let wrong = told.iter().zip(truth).filter(|((y, _), t)| y.is_some_and(|y| y != **t)).count() as f64;
    let wrong = if open { wrong.min(count - wrong) } else { wrong };
    let margin = told.iter().filter(|(y, _)| y.is_some()).map(|(_, margin)| *margin).fold(f64::INFINITY, f64::min);
    Some(Reached {
        error: 1.0 - (count - wrong) / n,
        told: Some(count / n),
        wrong: Some(wrong / n),
        margin: Some(margin),
        coefficients: None,
        open: if open { vec!["all of them, or all of their complements".into()] } else { Vec::new() },
    })
}
