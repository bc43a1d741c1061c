//! The fit of the scores themselves: σ(w(Aβ)) against h, each weighted by its own error.
//!
//! The Jacobian is H·diag(ℓ′)A without an n×d matrix: row i is σᵢvᵢ − (uᵢᵀWₖuᵢ)ₖ with vᵢ = ℓ′ᵢaᵢ and the d matrices
//! Wₖ = Σ vₗₖuₗuₗᵀ, one sweep for these and one for the triangular factor of the rows.

use super::super::coordinates::{Weighted, stretches};
use super::super::point::{Field, Place};
use super::model::HatModel;
use super::small::{Linearised, Problem};
use crate::error::{Error, ErrorKind, Result};
use crate::gram::merged;
use crate::linalg::{self, dot};
use crate::memory::require_memory;
use crate::rows::{Pass, Rows, Shape, product, sweep, with_scratch};

/// σ(w(o + Aβ)) − h over ν, at β.
pub(super) struct ScoreMisfit<'f, 'a> {
    pub field: &'f mut Field<'a>,
    pub model: &'f HatModel,
    pub h: &'f [f64],
    /// ν; 0 for rows that were not released.
    pub deviation: &'f [f64],
    /// Rows of A; those after them are a ridge's, of weight 1.
    own: usize,
    /// The last place that was evaluated, and its β.
    last: Option<(Vec<f64>, Place, Vec<f64>)>,
}

impl<'f, 'a> ScoreMisfit<'f, 'a> {
    pub fn new(
        field: &'f mut Field<'a>,
        model: &'f HatModel,
        (h, deviation): (&'f [f64], &'f [f64]),
        own: usize,
    ) -> Self {
        ScoreMisfit { field, model, h, deviation, own, last: None }
    }

    /// t and ℓ′ of all rows; None where a predictor is out of range.
    fn log_weights(&self, beta: &[f64]) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
        let n = self.h.len();
        let mut eta = product(self.field.source, beta, self.field.run)?;
        let mut slope = vec![0.0; n];
        for (i, (eta, slope)) in eta.iter_mut().zip(&mut slope).enumerate().take(self.own) {
            let (log, derivative) = self.model.law.log_weight(*eta + self.model.offset_of(i));
            (*eta, *slope) = (log + self.model.log_constant(i), derivative);
        }
        eta[self.own..].fill(0.0);
        let usable = eta.iter().chain(&slope).all(|v| v.is_finite());
        Ok(usable.then_some((eta, slope)))
    }

    /// Evaluates at β; false where it is out of range.
    fn visit(&mut self, beta: &[f64]) -> Result<bool> {
        if self.last.as_ref().is_some_and(|(at, ..)| at == beta) {
            return Ok(true);
        }
        let Some((t, slope)) = self.log_weights(beta)? else { return Ok(false) };
        match self.field.at(&t) {
            Ok(place) => {
                self.last = Some((beta.to_vec(), place, slope));
                Ok(true)
            }
            // Weights that lie too far apart for numbers are out of range too.
            Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// (σ − h)/ν.
    fn residuals(&self, place: &Place) -> Vec<f64> {
        let rows = place.scores.iter().zip(self.h).zip(self.deviation);
        rows.map(|((s, h), nu)| if *nu > 0.0 { (s - h) / nu } else { 0.0 }).collect()
    }

    /// max |σ − h| at β.
    pub fn largest(&mut self, beta: &[f64]) -> Result<f64> {
        if !self.visit(beta)? {
            return Ok(f64::INFINITY);
        }
        let place = self.last.as_ref().map(|(_, place, _)| &place.scores);
        Ok(place.map_or(f64::INFINITY, |scores| {
            scores[..self.own].iter().zip(self.h).map(|(s, h)| (s - h).abs()).fold(0.0, f64::max)
        }))
    }

    /// ‖diag(σ∘ℓ′/ν)a_j‖ of each column: what a change of a coefficient does where no other row answers.
    pub fn direct_sizes(&mut self, beta: &[f64]) -> Result<Vec<f64>> {
        if !self.visit(beta)? {
            return Err(out_of_range());
        }
        let Some((_, place, slope)) = &self.last else { return Err(out_of_range()) };
        let weight: Vec<f64> = place
            .scores
            .iter()
            .zip(slope)
            .zip(self.deviation)
            .map(|((s, l), nu)| if *nu > 0.0 { s * l / nu } else { 0.0 })
            .collect();
        let d = self.field.source.shape().columns;
        let squares = sweep(self.field.source, &ColumnPass { weight: &weight, d }, &mut [], self.field.run)?;
        Ok(squares.iter().map(|s| s.sqrt()).collect())
    }
}

fn out_of_range() -> Error {
    ErrorKind::Numerical { reason: "a predictor of the fit is out of range".into() }.into()
}

impl Problem for ScoreMisfit<'_, '_> {
    fn square(&mut self, beta: &[f64]) -> Result<Option<f64>> {
        // The last accepted place stays until the next one is better.
        let Some((t, slope)) = self.log_weights(beta)? else { return Ok(None) };
        let place = match self.field.at(&t) {
            Ok(place) => place,
            Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let r = self.residuals(&place);
        let square = dot(&r, &r);
        if square.is_finite() {
            self.last = Some((beta.to_vec(), place, slope));
        }
        Ok(square.is_finite().then_some(square))
    }

    fn linearised(&mut self, beta: &[f64]) -> Result<Option<Linearised>> {
        if !self.visit(beta)? {
            return Ok(None);
        }
        let Some((_, place, slope)) = &self.last else { return Ok(None) };
        let (r, d) = (self.field.rank(), self.field.source.shape().columns);
        require_memory("the derivatives of the Gram matrix", 8 * (d * r * r) as u64)?;
        let residual = self.residuals(place);
        let rows = self.field.whitened_rows(place);
        let moments = MomentPass { rows: &rows, slope, d };
        let mut w = sweep(self.field.source, &moments, &mut [], self.field.run)?;
        w.chunks_exact_mut(r * r).for_each(|w| linalg::symmetrise(w, r));
        let pass = JacobianPass {
            rows: &rows,
            scores: &place.scores,
            slope,
            residual: &residual,
            deviation: self.deviation,
            w: &w,
            d,
        };
        let rows = sweep(self.field.source, &pass, &mut [], self.field.run)?;
        let found = Linearised::of(&rows, d);
        Ok(found.lower.iter().chain(&found.right).all(|v| v.is_finite()).then_some(found))
    }
}

/// Σ(weightᵢaᵢⱼ)², one a column.
struct ColumnPass<'a> {
    weight: &'a [f64],
    d: usize,
}

impl Pass for ColumnPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.d]
    }
    fn add(&self, acc: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let mut row = vec![0.0; self.d];
        for i in 0..rows.block.rows() {
            rows.block.densify_into(i..i + 1, &mut row);
            acc.iter_mut().zip(&row).for_each(|(s, a)| *s += (self.weight[rows.start + i] * a).powi(2));
        }
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
}

/// Wₖ = Σ ℓ′ᵢaᵢₖuᵢuᵢᵀ, one after the other.
struct MomentPass<'a> {
    rows: &'a Weighted<'a>,
    slope: &'a [f64],
    d: usize,
}

impl Pass for MomentPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.d * self.rows.coordinates.rank.pow(2)]
    }
    fn add(&self, acc: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let (r, d) = (self.rows.coordinates.rank, self.d);
        self.rows.each(rows, |range, u, _| {
            with_scratch(range.len() * (d + r), |scratch| {
                let (own, scaled) = scratch.split_at_mut(range.len() * d);
                rows.block.densify_into(range.clone(), own);
                for (k, w) in acc.chunks_exact_mut(r * r).enumerate() {
                    linalg::scale_rows_into(
                        u,
                        r,
                        |i| self.slope[rows.start + range.start + i] * own[i * d + k],
                        scaled,
                    );
                    linalg::add_gram(u, scaled, r, w);
                }
            })
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches(shape, blocks).min(8)
    }
}

/// The triangular factor of the rows [Jᵢ rᵢ]/νᵢ, as rows.
struct JacobianPass<'a> {
    rows: &'a Weighted<'a>,
    scores: &'a [f64],
    slope: &'a [f64],
    residual: &'a [f64],
    deviation: &'a [f64],
    w: &'a [f64],
    d: usize,
}

impl JacobianPass<'_> {
    fn compress(&self, rows: Vec<f64>) -> Vec<f64> {
        let p = self.d + 1;
        match rows.len() > 3 * p * p.max(64) {
            // Columns of the lower factor are rows of R.
            true => linalg::triangular_factor(&rows, p),
            false => rows,
        }
    }
}

impl Pass for JacobianPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        Vec::new()
    }
    fn add(&self, acc: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let (r, d) = (self.rows.coordinates.rank, self.d);
        self.rows.each(rows, |range, u, _| {
            let m = range.len();
            let at = acc.len();
            acc.resize(at + m * (d + 1), 0.0);
            with_scratch(m * (d + r), |scratch| {
                let (own, product) = scratch.split_at_mut(m * d);
                rows.block.densify_into(range.clone(), own);
                for (k, w) in self.w.chunks_exact(r * r).enumerate() {
                    linalg::rows_times_symmetric(u, r, w, product);
                    for i in 0..m {
                        let row = rows.start + range.start + i;
                        let nu = self.deviation[row];
                        if nu > 0.0 {
                            let v = self.slope[row] * own[i * d + k];
                            let form = dot(&u[i * r..(i + 1) * r], &product[i * r..(i + 1) * r]);
                            acc[at + i * (d + 1) + k] = (self.scores[row] * v - form) / nu;
                        }
                    }
                }
            });
            (0..m).for_each(|i| acc[at + i * (d + 1) + d] = self.residual[rows.start + range.start + i]);
            *acc = self.compress(std::mem::take(acc));
        });
        Ok(())
    }
    fn merge(&self, mut left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        left.extend(right);
        self.compress(left)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches(shape, blocks).min(8)
    }
}
