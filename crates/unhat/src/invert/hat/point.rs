//! The scores of diag(√w)A at weights w = eᵗ, log det AᵀWA, and products with the derivative of the scores in t.

use super::basis::{orthonormal, select, unit_at};
use super::coordinates::{Coordinates, Weighted};
use crate::error::{ErrorKind, Result};
use crate::gram::{Factor, prefers_pairs, weighted_gram};
use crate::leverage::pair_form;
use crate::linalg;
use crate::rows::{Block, Pass, RowSource, Rows, row_norms, sweep};
use crate::run::Run;
use std::cell::Cell;

/// Up to this κ(M̃) one Gram matrix serves: scores keep 14 digits.
const PLAIN_LIMIT: f64 = 1e2;
/// The same for sparse rows, which a second, whitened Gram matrix would write out.
const PLAIN_LIMIT_SPARSE: f64 = 1e3;
/// Beyond this κ(M̃) the rows are seen from others of them: those that weigh most.
const SAME_COORDINATES_LIMIT: f64 = 1e4;
/// New coordinates are looked for again when κ(M̃) has grown by this factor since.
const WORSE: f64 = 10.0;
/// Work of a product with the derivative, in passes: it needs no factor.
const PRODUCT_WORK: f64 = 1.5;

/// Rows, and the coordinates in which they are seen at present.
pub(super) struct Field<'a> {
    pub source: &'a dyn RowSource,
    pub run: &'a Run<'a>,
    /// Orthonormal coordinates at equal weights: what bases are chosen in.
    pub whitened: Coordinates,
    /// Those of the last evaluation.
    pub coordinates: Coordinates,
    /// Whether a row has a weight at all.
    pub counts: Vec<bool>,
    /// log ‖aᵢ‖².
    log_norms: Vec<f64>,
    /// κ(M̃) when the coordinates were chosen.
    condition_then: f64,
    pub passes: Cell<u32>,
    pub work: Cell<f64>,
}

/// Scores and what is needed for products, at one t.
pub(super) struct Place {
    pub t: Vec<f64>,
    pub scale: Vec<f64>,
    pub scores: Vec<f64>,
    /// log det AᵀWA on the independent columns.
    pub log_det: f64,
    /// G with GMGᵀ = I in the coordinates, r×r column-major.
    pub whiten: Vec<f64>,
    /// The square roots of the diagonal of M.
    pub diagonal: Vec<f64>,
    /// GK: what takes a row to its whitened one.
    through: Coordinates,
    pub condition: f64,
}

impl<'a> Field<'a> {
    /// Rows with `counts` false have weight 0 whatever t is.
    ///
    /// # Cost
    /// Three sweeps.
    pub fn new(source: &'a dyn RowSource, mut counts: Vec<bool>, run: &'a Run<'a>) -> Result<Field<'a>> {
        let shape = source.shape();
        let norms = row_norms(source, run)?;
        counts.iter_mut().zip(&norms).for_each(|(counts, norm)| *counts &= *norm > 0.0);
        let mask: Vec<f64> = counts.iter().map(|c| f64::from(u8::from(*c))).collect();
        let whitened = orthonormal(source, &mask, run)?;
        let plain =
            Coordinates { rank: shape.columns, columns: shape.columns, map: None, log_det: 0.0, basis: Vec::new() };
        let coordinates = if whitened.rank == shape.columns { plain } else { copy_of(&whitened) };
        Ok(Field {
            source,
            run,
            whitened,
            coordinates,
            counts,
            log_norms: norms.iter().map(|n| 2.0 * n.ln()).collect(),
            condition_then: 0.0,
            passes: Cell::new(0),
            work: Cell::new(0.0),
        })
    }

    pub fn rank(&self) -> usize {
        self.whitened.rank
    }

    /// Whether all entries of a row are 0.
    pub fn is_zero(&self, row: usize) -> bool {
        self.log_norms[row] == f64::NEG_INFINITY
    }

    /// 1 for rows that count, 0 for others.
    pub fn mask(&self) -> Vec<f64> {
        self.counts.iter().map(|c| f64::from(u8::from(*c))).collect()
    }

    /// Sees the rows from those of a saved state.
    pub fn recall(&mut self, basis: Vec<usize>, condition: f64) -> Result<()> {
        if !basis.is_empty()
            && let Some(coordinates) = unit_at(self.source, &self.whitened, basis)?
        {
            self.coordinates = coordinates;
            self.condition_then = condition;
        }
        Ok(())
    }

    /// The condition at which the coordinates were chosen: part of a saved state.
    pub fn condition_then(&self) -> f64 {
        self.condition_then
    }

    /// √w of rows that count, the largest √wᵢ‖aᵢ‖ being 1; and the logarithm of what w was divided by.
    pub fn scale_of(&self, t: &[f64]) -> (Vec<f64>, f64) {
        let sizes = t.iter().zip(&self.log_norms).zip(&self.counts);
        let top = sizes.filter(|(_, c)| **c).fold(f64::NEG_INFINITY, |most, ((t, a), _)| most.max(t + a));
        (t.iter().zip(&self.counts).map(|(t, c)| if *c { (0.5 * (t - top)).exp() } else { 0.0 }).collect(), top)
    }

    /// Scores at w = eᵗ.
    ///
    /// # Cost
    /// Two sweeps of 2nd² flops each, three where the condition asks for a second Gram matrix; sparse rows Σ nnz(aᵢ)².
    /// # Errors
    /// [`ErrorKind::Numerical`] where the weighted rows are dependent to rounding.
    pub fn at(&mut self, t: &[f64]) -> Result<Place> {
        let (scale, top) = self.scale_of(t);
        let place = self.at_scale(t.to_vec(), scale)?;
        Ok(Place { log_det: place.log_det + top * self.rank() as f64, ..place })
    }

    /// The same for given r = √w; log det is that of AᵀR²A.
    pub fn at_scale(&mut self, t: Vec<f64>, scale: Vec<f64>) -> Result<Place> {
        self.passes.set(self.passes.get() + 1);
        self.work.set(self.work.get() + 1.0);
        let mut first = self.factor(&scale)?;
        let limit = SAME_COORDINATES_LIMIT.max(WORSE * self.condition_then);
        if first.as_ref().is_none_or(|(_, _, condition)| *condition > limit) {
            let basis = select(self.source, &self.whitened, &scale, self.run)?;
            if let Some(coordinates) = unit_at(self.source, &self.whitened, basis)? {
                let before = std::mem::replace(&mut self.coordinates, coordinates);
                let again = self.factor(&scale)?;
                let better = match (&first, &again) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(first), Some(again)) => again.2 < first.2,
                };
                match better {
                    true => first = again,
                    false => self.coordinates = before,
                }
            }
            self.condition_then = first.as_ref().map_or(0.0, |f| f.2);
        }
        let (mut whiten, diagonal, condition) = first.ok_or_else(|| ErrorKind::Numerical {
            reason: "the weighted rows are dependent to rounding: the weights lie too far apart".into(),
        })?;
        let r = self.rank();
        let pairs = self.pairs();
        if condition > if pairs { PLAIN_LIMIT_SPARSE } else { PLAIN_LIMIT } {
            let rows = Weighted { coordinates: &self.coordinates, scale: &scale, then: Some(&whiten) };
            let mut gram = rows.gram(self.source, None, self.run)?;
            self.work.set(self.work.get() + 0.5);
            if linalg::cholesky_in_place(&mut gram, r) {
                linalg::solve_lower_rows(&gram, r, &mut whiten); // columns: L₂⁻¹G
            }
        }
        let log_det = -2.0 * (0..r).map(|k| whiten[k + k * r].ln()).sum::<f64>() - 2.0 * self.coordinates.log_det;
        let through = self.through(&whiten);
        let scores = match pairs {
            true => {
                // M⁻¹ = GᵀG
                let mut inverse = vec![0.0; r * r];
                linalg::transpose_times_into(&whiten, &whiten, r, r, r, &mut inverse);
                let mut out = vec![0.0; scale.len()];
                sweep(self.source, &PairPass { inverse: &inverse, scale: &scale, d: r }, &mut out, self.run)?;
                out
            }
            false => Weighted { coordinates: &self.coordinates, scale: &scale, then: Some(&whiten) }.forms(
                self.source,
                None,
                self.run,
            )?,
        };
        if scores.iter().any(|s| !s.is_finite()) {
            let reason = "the scores over- or underflow: rescale the columns of the matrix".into();
            return Err(ErrorKind::Numerical { reason }.into());
        }
        Ok(Place { t, scale, scores, log_det, whiten, diagonal, through, condition })
    }

    /// Sparse rows in their own columns are handled pair by pair.
    fn pairs(&self) -> bool {
        self.coordinates.map.is_none() && prefers_pairs(&self.source.shape())
    }

    /// G, √diag(M) and κ(M̃); None where M is not positive definite to rounding.
    #[allow(clippy::type_complexity)] // three parts of one factorisation
    fn factor(&self, scale: &[f64]) -> Result<Option<(Vec<f64>, Vec<f64>, f64)>> {
        let r = self.rank();
        let mut gram = match self.pairs() {
            true => weighted_gram(self.source, Some(&|i| scale[i] * scale[i]), self.run)?,
            false => {
                Weighted { coordinates: &self.coordinates, scale, then: None }.gram(self.source, None, self.run)?
            }
        };
        let diagonal: Vec<f64> = (0..r).map(|k| gram[k + k * r].sqrt()).collect();
        if diagonal.iter().any(|d| !(*d > 0.0 && d.is_finite())) {
            return Ok(None);
        }
        for (j, column) in gram.chunks_exact_mut(r).enumerate() {
            column.iter_mut().zip(&diagonal).for_each(|(m, d)| *m /= d * diagonal[j]);
        }
        let Some(factor) = Factor::of_gram(gram, r) else { return Ok(None) };
        let mut whiten = linalg::invert_lower(factor.lower(), r);
        for (column, d) in whiten.chunks_exact_mut(r).zip(&diagonal) {
            column.iter_mut().for_each(|g| *g /= d);
        }
        Ok(Some((whiten, diagonal, factor.gram_condition())))
    }

    fn through(&self, whiten: &[f64]) -> Coordinates {
        let Coordinates { rank: r, columns: d, ref map, .. } = self.coordinates;
        let map = match map {
            None => whiten.to_vec(),
            Some(k) => {
                let mut product = vec![0.0; r * d];
                linalg::product_into(whiten, k, r, r, d, &mut product);
                product
            }
        };
        Coordinates { rank: r, columns: d, map: Some(map), log_det: 0.0, basis: Vec::new() }
    }

    /// Hv = σ∘v − (P∘P)v: how the scores change with t along v.
    ///
    /// # Cost
    /// Two sweeps of 3nd² flops.
    pub fn product(&self, place: &Place, v: &[f64]) -> Result<Vec<f64>> {
        self.work.set(self.work.get() + PRODUCT_WORK);
        let rows = Weighted { coordinates: &place.through, scale: &place.scale, then: None };
        let mut moment = rows.gram(self.source, Some(v), self.run)?;
        linalg::symmetrise(&mut moment, self.rank());
        let forms = rows.forms(self.source, Some(&moment), self.run)?;
        Ok(place.scores.iter().zip(v).zip(&forms).map(|((s, v), f)| s * v - f).collect())
    }

    /// The rows √wᵢGKaᵢ with orthonormal columns, for passes of others.
    pub fn whitened_rows<'p>(&self, place: &'p Place) -> Weighted<'p> {
        Weighted { coordinates: &place.through, scale: &place.scale, then: None }
    }
}

fn copy_of(coordinates: &Coordinates) -> Coordinates {
    let Coordinates { rank, columns, ref map, log_det, ref basis } = *coordinates;
    Coordinates { rank, columns, map: map.clone(), log_det, basis: basis.clone() }
}

/// rᵢ² aᵢᵀM⁻¹aᵢ over pairs of entries.
struct PairPass<'a> {
    inverse: &'a [f64],
    scale: &'a [f64],
    d: usize,
}

impl Pass for PairPass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        match rows.block {
            Block::Csr(block) => {
                for (i, out) in out.iter_mut().enumerate() {
                    let r = self.scale[rows.start + i];
                    let (indices, values) = block.row(i);
                    *out = r * r * pair_form(indices, values, self.inverse, self.d);
                }
            }
            Block::Dense(block) => {
                let all: Vec<u32> = (0..self.d as u32).collect();
                for (i, (out, row)) in out.iter_mut().zip(block.values.chunks_exact(self.d)).enumerate() {
                    let r = self.scale[rows.start + i];
                    *out = r * r * pair_form(&all, row, self.inverse, self.d);
                }
            }
        }
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
