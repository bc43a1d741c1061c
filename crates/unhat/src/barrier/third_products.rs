//! Products with the third derivative of V along one direction, matrix-free: two Gram matrices and two sweeps.

use super::cell::{Barrier, Point};
use super::products::QuadraticForms;
use crate::error::Result;
use crate::gram::chunked_gram;
use crate::linalg;
use crate::rows::sweep;
use crate::run::Run;

/// What all products with D³V(h) share.
#[derive(Clone, Debug)]
pub struct ThirdDirection {
    /// v = A_x h.
    v: Vec<f64>,
    /// C_v = Uᵀdiag(v)U, full.
    gram: Vec<f64>,
    /// P⁽²⁾v.
    squared: Vec<f64>,
}

impl Barrier<'_> {
    /// Prepares products with D³V(x; h).
    ///
    /// # Shapes
    /// `h`: d values.
    /// # Cost
    /// Two sweeps, 5nd² flops.
    /// # Errors
    /// Shape of `h`.
    pub fn third_direction(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<ThirdDirection> {
        let v = self.scaled_rows_times(point, h, run)?;
        self.charge(2.5);
        let gram = self.whitened_gram(point, &v, run)?;
        let (squared, _) = self.whitened_forms(point, &gram, None, run)?;
        Ok(ThirdDirection { v, gram, squared })
    }

    /// D³V(x; h) k, without forming d×d² tensors.
    ///
    /// D³V(h)k = A_xᵀ[−12σ∘v∘k′ + 6P⁽²⁾v∘k′ + 6v∘P⁽²⁾k′ + 6P⁽²⁾(v∘k′) − 8q],  k′ = A_x k,  qᵢ = uᵢᵀC_v C_k′ uᵢ
    ///
    /// # Shapes
    /// `k`: d values; the result: d values.
    /// # Cost
    /// Four sweeps, 10nd² flops: about three Hessian–vector products.
    /// # Errors
    /// Shape of `k`.
    pub fn third_derivative_vec(
        &self,
        point: &Point,
        along: &ThirdDirection,
        k: &[f64],
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        let d = self.dim();
        let v = &along.v;
        let k = self.scaled_rows_times(point, k, run)?;
        self.charge(5.0);
        let gram = self.whitened_gram(point, &k, run)?;
        let (squared, _) = self.whitened_forms(point, &gram, None, run)?;
        let product: Vec<f64> = v.iter().zip(&k).map(|(v, k)| v * k).collect();
        let mut middle = self.whitened_gram(point, &product, run)?;
        middle.iter_mut().for_each(|m| *m *= 6.0);
        let mut crossed = vec![0.0; d * d];
        linalg::add_outer_product(&along.gram, &gram, d, -4.0, &mut crossed); // C_vC_k′, and its transpose below
        for j in 0..d {
            (0..d).for_each(|i| middle[i + j * d] += crossed[i + j * d] + crossed[j + i * d]);
        }
        let combine = |i: usize, form: f64| {
            form + 6.0 * (v[i] * squared[i] + along.squared[i] * k[i]) - 12.0 * point.scores[i] * v[i] * k[i]
        };
        Ok(self.whitened_forms(point, &middle, Some(&combine), run)?.1)
    }

    /// Uᵀdiag(weight)U, full.
    fn whitened_gram(&self, point: &Point, weight: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let chunks = self.whitened_chunks(point);
        let mut gram = chunked_gram(self.source(), &chunks, |i| weight[i], run)?;
        linalg::symmetrise(&mut gram, self.dim());
        Ok(gram)
    }

    /// uᵢᵀSuᵢ, and A_xᵀ applied to `combine` of them.
    fn whitened_forms(
        &self,
        point: &Point,
        middle: &[f64],
        combine: Option<&(dyn Fn(usize, f64) -> f64 + Sync)>,
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let chunks = self.whitened_chunks(point);
        let pass = QuadraticForms { chunks: &chunks, pairs: false, middle, combine, row_scale: &point.inverse_slack };
        let mut forms = vec![0.0; point.slack.len()];
        let combined = sweep(self.source(), &pass, &mut forms, run)?;
        Ok((forms, combined))
    }
}
