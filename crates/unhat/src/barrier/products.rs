//! Products with the Hessian and with the Jacobian of the scores, matrix-free: P⁽²⁾v by one Gram matrix and one sweep.

use super::cell::{Barrier, Point};
use super::sums::{Combine, add_combined};
use crate::error::Result;
use crate::gram::{Chunks, FactorMethod, Transform, chunked_gram, merged, prefers_pairs, weighted_gram};
use crate::leverage::pair_form;
use crate::linalg;
use crate::rows::{Block, Pass, Rows, require_vector, sweep, with_scratch};
use crate::run::Run;

impl Barrier<'_> {
    /// Hh with H = ∇²V, without forming H.
    ///
    /// Hh = A_xᵀ(3σ∘v − 2P⁽²⁾v),  v = A_x h
    ///
    /// # Shapes
    /// `h`: d values; the result: d values.
    /// # Cost
    /// Two sweeps, 3nd² flops (half as much again where the point needed CholeskyQR2 or TSQR).
    /// # Errors
    /// Shape of `h`.
    /// # References
    /// LiSongXuYin2024.
    pub fn hessian_vec(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let v = self.scaled_rows_times(point, h, run)?;
        let combine = |i: usize, p: f64| 3.0 * point.scores[i] * v[i] - 2.0 * p;
        Ok(self.squared_projection(point, &v, Some(&combine), run)?.1)
    }

    /// J h, the change of the scores along h.
    ///
    /// Jh = −2(σ∘v − P⁽²⁾v),  v = A_x h
    ///
    /// # Shapes
    /// `h`: d values; the result: n values.
    /// # Cost
    /// As [`Barrier::hessian_vec`].
    /// # Errors
    /// Shape of `h`.
    pub fn score_jacobian_vec(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let v = self.scaled_rows_times(point, h, run)?;
        let (p, _) = self.squared_projection(point, &v, None, run)?;
        Ok(p.iter().zip(&point.scores).zip(&v).map(|((p, sigma), v)| -2.0 * (sigma * v - p)).collect())
    }

    /// Jᵀu.
    ///
    /// Jᵀu = −2A_xᵀ(σ∘u − P⁽²⁾u)
    ///
    /// # Shapes
    /// `u`: n values; the result: d values.
    /// # Cost
    /// As [`Barrier::hessian_vec`].
    /// # Errors
    /// Shape of `u`.
    pub fn score_jacobian_transposed_vec(&self, point: &Point, u: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        require_vector("row weights", u, point.slack.len())?;
        let combine = |i: usize, p: f64| -2.0 * (point.scores[i] * u[i] - p);
        Ok(self.squared_projection(point, u, Some(&combine), run)?.1)
    }

    /// A_x h.
    pub(crate) fn scaled_rows_times(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        require_vector("direction", h, self.dim())?;
        let mut v = vec![0.0; point.slack.len()];
        sweep(self.source(), &ScaledProduct { h, inverse_slack: &point.inverse_slack }, &mut v, run)?;
        Ok(v)
    }

    /// P⁽²⁾v, and A_xᵀ applied to `combine(i, (P⁽²⁾v)ᵢ)` where that is given.
    ///
    /// (P⁽²⁾v)ᵢ = uᵢᵀ (Uᵀdiag(v)U) uᵢ
    fn squared_projection(
        &self,
        point: &Point,
        v: &[f64],
        combine: Option<Combine<'_>>,
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        if let Some(sparse) = point.factor.sparse() {
            return self.sparse_squared_projection(point, sparse, v, combine, run);
        }
        let d = self.dim();
        // Where Cholesky served, rows stay as they are and the d×d matrix is transformed; otherwise rows are whitened
        // first, which keeps the error at cond(A_x) instead of its square.
        let whitened = point.factor.method() != FactorMethod::Cholesky;
        self.charge(if whitened { 2.5 } else { 1.5 });
        let chunks = Chunks {
            transform: Transform {
                row_scale: Some(&point.inverse_slack),
                shift: None,
                lower: whitened.then(|| point.factor.lower()),
            },
            columns: d,
        };
        let pairs = prefers_pairs(&self.source().shape()) && !whitened;
        let mut middle = match pairs {
            true => {
                let weight = |i: usize| v[i] * point.inverse_slack[i] * point.inverse_slack[i];
                weighted_gram(self.source(), Some(&weight), run)?
            }
            false => chunked_gram(self.source(), &chunks, |i| v[i], run)?,
        };
        linalg::symmetrise(&mut middle, d);
        if !whitened {
            two_sided(point.factor.lower(), d, &mut middle);
        }
        let forms =
            QuadraticForms { chunks: &chunks, pairs, middle: &middle, combine, row_scale: &point.inverse_slack };
        let mut p = vec![0.0; v.len()];
        let combined = sweep(self.source(), &forms, &mut p, run)?;
        Ok((p, combined))
    }
}

/// C becomes M⁻¹CM⁻¹ = L⁻ᵀ(L⁻¹CL⁻ᵀ)L⁻¹, symmetric. By triangular solves, whose error grows with cond(M); that of products
/// with M⁻¹ would grow with its square.
fn two_sided(lower: &[f64], d: usize, c: &mut [f64]) {
    linalg::whiten_symmetric(lower, d, c);
    linalg::solve_lower_transposed_rows(lower, d, c);
    linalg::transpose(c, d);
    linalg::solve_lower_transposed_rows(lower, d, c);
    linalg::symmetrise(c, d);
}

struct ScaledProduct<'a> {
    h: &'a [f64],
    inverse_slack: &'a [f64],
}

impl Pass for ScaledProduct<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.apply_into(self.h, out);
        out.iter_mut().zip(&self.inverse_slack[rows.range()]).for_each(|(v, r)| *v *= r);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

/// pᵢ = uᵢᵀ C uᵢ a row, and Σ combine(i, pᵢ) a_{x,i}.
pub(super) struct QuadraticForms<'a> {
    pub chunks: &'a Chunks<'a>,
    pub pairs: bool,
    pub middle: &'a [f64],
    pub combine: Option<Combine<'a>>,
    pub row_scale: &'a [f64],
}

impl Pass for QuadraticForms<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.chunks.columns]
    }
    fn add(&self, combined: &mut Vec<f64>, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        let r = &self.row_scale[rows.range()];
        match rows.block {
            Block::Csr(block) if self.pairs => {
                for (i, out) in out.iter_mut().enumerate() {
                    let (indices, values) = block.row(i);
                    *out = r[i] * r[i] * pair_form(indices, values, self.middle, d);
                }
            }
            _ => self.chunks.each(rows, |range, u| {
                with_scratch(u.len(), |product| {
                    linalg::rows_times_symmetric(u, d, self.middle, product);
                    linalg::row_dots(u, product, d, &mut out[range]);
                })
            }),
        }
        if let Some(combine) = self.combine {
            add_combined(rows, combine, out, r, combined);
        }
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn width(&self) -> usize {
        1
    }
}
