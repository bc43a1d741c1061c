//! Third derivatives of V and second derivatives of the scores: one quadratic form of the projection serves both.

use super::cell::{Barrier, Point};
use super::hessian::unwhiten;
use crate::error::Result;
use crate::gram::gram_sum;
use crate::linalg;
use crate::rows::{Rows, require_vector, with_scratch};
use crate::run::Run;

/// H and D³V(h) at one point, in the coordinates whitened by L: H = L H_w Lᵀ, D³V(h) = L T_w Lᵀ.
#[derive(Clone, Debug)]
pub struct WhitenedCurvature {
    /// H_w, full d×d.
    pub hessian: Vec<f64>,
    /// T_w, full d×d.
    pub third: Vec<f64>,
}

impl Barrier<'_> {
    /// `D³V(x; h)`, full d×d: the derivative of the Hessian along h.
    ///
    /// `D³V(h) = A_xᵀ[−12 diag(σ∘v) + 6 diag(P⁽²⁾v) + 6(diag(v)P⁽²⁾ + P⁽²⁾diag(v)) − 8 P∘(P diag(v) P)]A_x`,  v = A_x h
    ///
    /// # Shapes
    /// `h`: d values; the result: d×d.
    /// # Cost
    /// Two sweeps for third moments (n·d³/3 flops each) and one of 3nd²; 3d⁴ more. 16d³/3 bytes.
    /// # Errors
    /// Shape of `h`; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    pub fn third_derivative(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        Ok(unwhiten(point.factor.lower(), self.dim(), &self.whitened_curvature(point, h, run)?.third))
    }

    /// The Hessian and its derivative along h, from the same third moments.
    ///
    /// # Shapes
    /// `h`: d values.
    /// # Cost
    /// Two sweeps for third moments (n·d³/3 flops each) and one of 3nd²; 5d⁴ more. 5d³/3 values of memory.
    /// # Errors
    /// Shape of `h`; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    pub fn whitened_curvature(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<WhitenedCurvature> {
        let v = self.scaled_rows_times(point, h, run)?;
        let terms = ProjectionForm { scores: -12.0, squares: 6.0, mixed: 6.0, product: -8.0 };
        let (third, hessian) = self.projection_form(point, &v, &terms, run)?;
        Ok(WhitenedCurvature { hessian, third })
    }

    /// Σᵢ rᵢ ∇²σᵢ(x) in the coordinates whitened by L, full d×d: the second-order part of the Hessian of ½‖σ − σ̂‖².
    ///
    /// `Σᵢ rᵢ∇²σᵢ = A_xᵀ[6 diag(σ∘r) − 6 diag(P⁽²⁾r) − 4(diag(r)P⁽²⁾ + P⁽²⁾diag(r)) + 8 P∘(P diag(r) P)]A_x`
    ///
    /// # Shapes
    /// `r`: n values; the result S is d×d, and Σᵢ rᵢ∇²σᵢ = L S Lᵀ.
    /// # Cost
    /// As [`Barrier::third_derivative`].
    /// # Errors
    /// Shape of `r`; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge).
    pub fn whitened_score_curvature(&self, point: &Point, r: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        require_vector("row weights", r, point.slack.len())?;
        let terms = ProjectionForm { scores: 6.0, squares: -6.0, mixed: -4.0, product: 8.0 };
        Ok(self.projection_form(point, r, &terms, run)?.0)
    }

    /// Uᵀ[α diag(σ∘v) + β diag(P⁽²⁾v) + γ(diag(v)P⁽²⁾ + P⁽²⁾diag(v)) + δ P∘(P diag(v) P)]U, full d×d, and H_w beside it.
    ///
    /// With W_b = Uᵀdiag(u·ᵦ)U, D_b = Uᵀdiag(v∘u·ᵦ)U and C_v = Uᵀdiag(v)U: H_w = 3Q_w − 2Σ_b W_bW_bᵀ, and the last two terms
    /// are Σ_b [γ(D_bW_bᵀ + W_bD_bᵀ) + δ(Σ_c (C_v)_bc W_c)W_bᵀ].
    fn projection_form(
        &self,
        point: &Point,
        v: &[f64],
        terms: &ProjectionForm,
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let d = self.dim();
        let (w, mut q) = self.third_moments(point, None, Some(&point.scores), run)?;
        linalg::symmetrise(&mut q, d);
        let mut hessian: Vec<f64> = q.iter().map(|q| 3.0 * q).collect();
        let (wv, mut cv) = self.third_moments(point, Some(v), Some(v), run)?; // C_v = Uᵀdiag(v)U beside
        linalg::symmetrise(&mut cv, d);
        let mut slices = vec![0.0; d * d * d];
        for (b, slice) in slices.chunks_exact_mut(d * d).enumerate() {
            w.slice_into(b, slice);
            linalg::add_outer_product(slice, slice, d, -2.0, &mut hessian);
        }
        let chunks = self.whitened_chunks(point);
        // Σ (ασᵢvᵢ + βpᵢ) uᵢuᵢᵀ with p = P⁽²⁾v.
        let add = |rows: &Rows<'_>, gram: &mut [f64]| {
            chunks.each(rows, |range, u| {
                with_scratch(u.len(), |scaled| {
                    with_scratch(range.len(), |p| {
                        linalg::rows_times_symmetric(u, d, &cv, scaled);
                        linalg::row_dots(u, scaled, d, p);
                        let weight = |i: usize| {
                            let row = rows.start + range.start + i;
                            terms.squares * p[i] + terms.scores * point.scores[row] * v[row]
                        };
                        linalg::scale_rows_into(u, d, weight, scaled);
                    });
                    linalg::add_gram(u, scaled, d, gram);
                })
            })
        };
        let mut total = gram_sum(self.source(), add, run)?;
        linalg::symmetrise(&mut total, d);
        let mut mixed = vec![0.0; d * d];
        let mut weighted = vec![0.0; d * d];
        for (b, slice) in slices.chunks_exact(d * d).enumerate() {
            wv.slice_into(b, &mut weighted);
            linalg::add_outer_product(&weighted, slice, d, terms.mixed, &mut mixed);
            // Half of δ Σ_b (Σ_c C_v[b,c] W_c) W_bᵀ, because `mixed` is added with its transpose.
            weighted.fill(0.0);
            for (c, other) in slices.chunks_exact(d * d).enumerate() {
                let factor = cv[b + c * d];
                weighted.iter_mut().zip(other).for_each(|(s, w)| *s += factor * w);
            }
            linalg::add_outer_product(&weighted, slice, d, 0.5 * terms.product, &mut mixed);
        }
        for j in 0..d {
            for i in 0..d {
                total[i + j * d] += mixed[i + j * d] + mixed[j + i * d];
            }
        }
        Ok((total, hessian))
    }
}

/// The coefficients α, β, γ, δ of the four kinds of terms.
struct ProjectionForm {
    scores: f64,
    squares: f64,
    mixed: f64,
    product: f64,
}
