//! Products with the third derivative of V along one direction, matrix-free: a Gram matrix and a sweep for every
//! direction, and as much again for every pair of them.

use super::cell::{Barrier, Point, metric_weight};
use super::products::QuadraticForms;
use crate::error::{ErrorKind, Result};
use crate::gram::{Chunks, FactorMethod, Transform, chunked_gram, prefers_pairs, weighted_gram};
use crate::linalg;
use crate::rows::sweep;
use crate::run::Run;

/// What the products along one direction share: its Hessian–vector product comes with it.
#[derive(Clone, Debug)]
pub struct ThirdDirection {
    /// v = A_x h.
    v: Vec<f64>,
    /// C_v = Uᵀdiag(v)U, full.
    gram: Vec<f64>,
    /// P⁽²⁾v.
    squared: Vec<f64>,
    /// Hh.
    image: Vec<f64>,
}

impl ThirdDirection {
    /// Hh, the product of the Hessian with the direction.
    pub fn hessian_vec(&self) -> &[f64] {
        &self.image
    }
}

impl Barrier<'_> {
    /// Prepares products with D³V(x; h); Hh comes with it.
    ///
    /// # Shapes
    /// `h`: d values.
    /// # Cost
    /// Two sweeps, 3nd² flops, or of pairs of entries where rows are sparse: one Hessian–vector product.
    /// # Errors
    /// Shape of `h`.
    pub fn third_direction(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<ThirdDirection> {
        let v = self.scaled_rows_times(point, h, run)?;
        let gram = self.whitened_gram(point, |i| v[i], run)?;
        let combine = |i: usize, p: f64| 3.0 * point.scores[i] * v[i] - 2.0 * p;
        let (squared, image) = self.whitened_forms(point, &gram, &combine, run)?;
        Ok(ThirdDirection { v, gram, squared, image })
    }

    /// D³V(x; h) k, without forming d×d² tensors.
    ///
    /// D³V(h)k = A_xᵀ[−12σ∘v∘k′ + 6P⁽²⁾v∘k′ + 6v∘P⁽²⁾k′ + 6P⁽²⁾(v∘k′) − 8q],  k′ = A_x k,  qᵢ = uᵢᵀC_v C_k′ uᵢ
    ///
    /// # Shapes
    /// `k`: d values; the result: d values.
    /// # Cost
    /// Two Hessian–vector products; one where k was prepared before ([`Barrier::third_derivative_of`]).
    /// # Errors
    /// Shape of `k`.
    pub fn third_derivative_vec(
        &self,
        point: &Point,
        along: &ThirdDirection,
        k: &[f64],
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        self.third_derivative_of(point, along, &self.third_direction(point, k, run)?, run)
    }

    /// D³V(x; h) k for two directions that are both prepared.
    ///
    /// # Cost
    /// One Hessian–vector product.
    /// # Errors
    /// Those of the rows.
    pub fn third_derivative_of(
        &self,
        point: &Point,
        along: &ThirdDirection,
        other: &ThirdDirection,
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        let d = self.dim();
        let (v, k) = (&along.v, &other.v);
        let mut middle = self.whitened_gram(point, |i| v[i] * k[i], run)?;
        middle.iter_mut().for_each(|m| *m *= 6.0);
        add_crossed(&mut middle, along, other, d);
        let combine = |i: usize, form: f64| {
            form + 6.0 * (v[i] * other.squared[i] + along.squared[i] * k[i]) - 12.0 * point.scores[i] * v[i] * k[i]
        };
        Ok(self.whitened_forms(point, &middle, &combine, run)?.1)
    }

    /// Hm + D³V(x; h) k for two directions h and k that are both prepared, in the sweeps of one product.
    ///
    /// # Shapes
    /// `m`: d values; the result: d values.
    /// # Cost
    /// One Hessian–vector product: the weights of the two Gram matrices are added, and so are their forms.
    /// # Errors
    /// Shape of `m`; those of the rows.
    pub(crate) fn hessian_and_third_derivative(
        &self,
        point: &Point,
        m: &[f64],
        (along, other): (&ThirdDirection, &ThirdDirection),
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        let d = self.dim();
        let (v, k) = (&along.v, &other.v);
        let t = self.scaled_rows_times(point, m, run)?;
        let mut middle = self.whitened_gram(point, |i| 6.0 * v[i] * k[i] - 2.0 * t[i], run)?;
        add_crossed(&mut middle, along, other, d);
        let combine = |i: usize, form: f64| {
            let sigma = point.scores[i];
            form + 3.0 * sigma * t[i] + 6.0 * (v[i] * other.squared[i] + along.squared[i] * k[i])
                - 12.0 * sigma * v[i] * k[i]
        };
        Ok(self.whitened_forms(point, &middle, &combine, run)?.1)
    }

    /// The Cholesky factor of Uᵀdiag(3σ − 2σ²)U, by pairs of entries where rows are sparse: no n×d array is formed.
    ///
    /// # Cost
    /// Half an evaluation.
    /// # Errors
    /// [`ErrorKind::Numerical`] when it is not positive definite to rounding.
    pub(crate) fn product_metric(&self, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
        let mut k = self.whitened_gram(point, |i| metric_weight(point.scores[i]), run)?;
        if !linalg::cholesky_in_place(&mut k, self.dim()) {
            return Err(
                ErrorKind::Numerical { reason: "the metric K is not positive definite to rounding".into() }.into()
            );
        }
        Ok(k)
    }

    /// Whether rows stay as they are, and d×d matrices are transformed in their place: where Cholesky served. Elsewhere
    /// rows are whitened first, which keeps the error at cond(A_x) instead of its square.
    fn rows_as_they_are(&self, point: &Point) -> bool {
        point.factor.method() == FactorMethod::Cholesky
    }

    /// Uᵀdiag(weight)U, full.
    fn whitened_gram(&self, point: &Point, weight: impl Fn(usize) -> f64 + Sync, run: &Run<'_>) -> Result<Vec<f64>> {
        let d = self.dim();
        if !self.rows_as_they_are(point) {
            self.charge(1.0);
            let mut gram = chunked_gram(self.source(), &self.whitened_chunks(point), weight, run)?;
            linalg::symmetrise(&mut gram, d);
            return Ok(gram);
        }
        self.charge(0.5);
        let r = &point.inverse_slack;
        let mut gram = weighted_gram(self.source(), Some(&|i| weight(i) * r[i] * r[i]), run)?;
        linalg::whiten_symmetric(point.factor.lower(), d, &mut gram);
        Ok(gram)
    }

    /// uᵢᵀSuᵢ, and A_xᵀ applied to `combine` of them.
    fn whitened_forms(
        &self,
        point: &Point,
        middle: &[f64],
        combine: &(dyn Fn(usize, f64) -> f64 + Sync),
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let d = self.dim();
        let plain = self.rows_as_they_are(point);
        let pairs = plain && prefers_pairs(&self.source().shape());
        self.charge(match (plain, pairs) {
            (false, _) => 1.5,
            (true, false) => 1.0,
            (true, true) => 0.5,
        });
        let lower = (!plain).then(|| point.factor.lower());
        let transform = Transform { row_scale: Some(&point.inverse_slack), shift: None, lower };
        let chunks = Chunks { transform, columns: d };
        let mut form = middle.to_vec();
        if plain {
            linalg::solve_lower_transposed_rows(point.factor.lower(), d, &mut form); // L⁻ᵀSL⁻¹
            linalg::transpose(&mut form, d);
            linalg::solve_lower_transposed_rows(point.factor.lower(), d, &mut form);
            linalg::symmetrise(&mut form, d);
        }
        let pass = QuadraticForms {
            chunks: &chunks,
            pairs,
            middle: &form,
            combine: Some(combine),
            row_scale: &point.inverse_slack,
        };
        let mut forms = vec![0.0; point.slack.len()];
        let combined = sweep(self.source(), &pass, &mut forms, run)?;
        Ok((forms, combined))
    }
}

/// −4(C_vC_k′ + C_k′C_v), added.
fn add_crossed(middle: &mut [f64], along: &ThirdDirection, other: &ThirdDirection, d: usize) {
    let mut crossed = vec![0.0; d * d];
    linalg::add_outer_product(&along.gram, &other.gram, d, -4.0, &mut crossed);
    for j in 0..d {
        (0..d).for_each(|i| middle[i + j * d] += crossed[i + j * d] + crossed[j + i * d]);
    }
}
