//! The third derivative of V along one direction, as a d×d matrix, with the Hessian from the same sweeps.

use super::hessian::unwhiten;
use super::point::{Barrier, Point};
use crate::error::Result;
use crate::gram::{Chunks, gram_stretches, merged};
use crate::linalg;
use crate::rows::{Pass, Rows, Shape, sweep, with_scratch};
use crate::run::Run;

/// H and D³V[h] at one point, in the coordinates whitened by L: H = L H_w Lᵀ, D³V[h] = L T_w Lᵀ.
#[derive(Clone, Debug)]
pub struct WhitenedCurvature {
    /// H_w, full d×d.
    pub hessian: Vec<f64>,
    /// T_w, full d×d.
    pub third: Vec<f64>,
}

impl Barrier<'_> {
    /// `D³V(x)[h]`, full d×d: the derivative of the Hessian along h.
    ///
    /// `D³V[h] = A_xᵀ[−12 diag(σ∘v) + 6 diag(P⁽²⁾v) + 6(diag(v)P⁽²⁾ + P⁽²⁾diag(v)) − 8 P∘(P diag(v) P)]A_x`,  v = A_x h
    ///
    /// # Shapes
    /// `h`: d values; the result: d×d.
    /// # Cost
    /// As [`Barrier::whitened_curvature`].
    /// # Errors
    /// Shape of `h`; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    pub fn third_derivative(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        Ok(unwhiten(point.factor.lower(), self.dim(), &self.whitened_curvature(point, h, run)?.third))
    }

    /// The Hessian and its derivative along h, from the same third moments.
    ///
    /// With W_b = Uᵀdiag(u·ᵦ)U and D_b = Uᵀdiag(v∘u·ᵦ)U:  H_w = 3Q_w − 2Σ_b W_bW_bᵀ,
    /// T_w = Uᵀdiag(−12σ∘v + 6P⁽²⁾v)U + Σ_b [6(D_bW_bᵀ + W_bD_bᵀ) − 8(Σ_c (C_v)_bc W_c)W_bᵀ],  C_v = Uᵀdiag(v)U
    ///
    /// # Shapes
    /// `h`: d values.
    /// # Cost
    /// Two sweeps for third moments (n·d³/3 flops each) and one of 3nd²; 5d⁴ more. 5d³/3 values of memory.
    /// # Errors
    /// Shape of `h`; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    pub fn whitened_curvature(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<WhitenedCurvature> {
        let d = self.dim();
        let v = self.scaled_rows_times(point, h, run)?;
        let (w, mut q) = self.third_moments(point, None, Some(&point.scores), run)?;
        linalg::symmetrise(&mut q, d);
        let (wv, _) = self.third_moments(point, Some(&v), None, run)?;
        // C_v = Uᵀdiag(v)U = Σ_b k_b W_b, because v = U k with k = Lᵀh.
        let k = linalg::lower_transposed_times_vector(point.factor.lower(), h);
        let mut slices = vec![0.0; d * d * d];
        let mut cv = vec![0.0; d * d];
        let mut hessian: Vec<f64> = q.iter().map(|q| 3.0 * q).collect();
        for (b, slice) in slices.chunks_exact_mut(d * d).enumerate() {
            w.slice_into(b, slice);
            cv.iter_mut().zip(&*slice).for_each(|(c, w)| *c += k[b] * w);
            linalg::add_outer_product(slice, slice, d, -2.0, &mut hessian);
        }
        let pass = ThirdDiagonal { chunks: self.whitened_chunks(point), cv: &cv, v: &v, scores: &point.scores };
        let mut third = sweep(self.source(), &pass, &mut [], run)?;
        linalg::symmetrise(&mut third, d);
        let mut mixed = vec![0.0; d * d];
        let mut weighted = vec![0.0; d * d];
        for (b, slice) in slices.chunks_exact(d * d).enumerate() {
            wv.slice_into(b, &mut weighted);
            linalg::add_outer_product(&weighted, slice, d, 6.0, &mut mixed);
            // −8 Σ_b (Σ_c C_v[b,c] W_c) W_bᵀ, half of it here because `mixed` is added with its transpose.
            weighted.fill(0.0);
            for (c, other) in slices.chunks_exact(d * d).enumerate() {
                let factor = cv[b + c * d];
                weighted.iter_mut().zip(other).for_each(|(s, w)| *s += factor * w);
            }
            linalg::add_outer_product(&weighted, slice, d, -4.0, &mut mixed);
        }
        for j in 0..d {
            for i in 0..d {
                third[i + j * d] += mixed[i + j * d] + mixed[j + i * d];
            }
        }
        Ok(WhitenedCurvature { hessian, third })
    }
}

/// Σ (−12σᵢvᵢ + 6pᵢ) uᵢuᵢᵀ with p = P⁽²⁾v.
struct ThirdDiagonal<'a> {
    chunks: Chunks<'a>,
    cv: &'a [f64],
    v: &'a [f64],
    scores: &'a [f64],
}

impl Pass for ThirdDiagonal<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.chunks.columns * self.chunks.columns]
    }
    fn add(&self, gram: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        self.chunks.each(rows, |range, u| {
            with_scratch(u.len(), |scaled| {
                with_scratch(range.len(), |p| {
                    linalg::rows_times_symmetric(u, d, self.cv, scaled);
                    linalg::row_dots(u, scaled, d, p);
                    let weight = |i: usize| {
                        let row = rows.start + range.start + i;
                        6.0 * p[i] - 12.0 * self.scores[row] * self.v[row]
                    };
                    linalg::scale_rows_into(u, d, weight, scaled);
                });
                linalg::add_gram(u, scaled, d, gram);
            })
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}
