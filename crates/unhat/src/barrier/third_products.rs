//! Products with the third derivative of V along one direction, matrix-free: a Gram matrix and a sweep for every
//! direction, and as much again for every pair of them.

use super::cell::{Barrier, Point, metric_weight};
use super::products::QuadraticForms;
use super::sums::{Combine, add_combined};
use crate::error::{ErrorKind, Result};
use crate::gram::{Chunks, FactorMethod, Transform, chunked_gram, merged, prefers_pairs, weighted_gram};
use crate::linalg;
use crate::rows::{Pass, Rows, sweep};
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
    /// Two sweeps, 2nd² flops, or of pairs of entries where rows are sparse: one evaluation.
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
    /// Two evaluations; one where k was prepared before ([`Barrier::third_derivative_of`]).
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
    /// One evaluation.
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
    /// One evaluation: the weights of the two Gram matrices are added, and so are their forms.
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
        let lower = point.factor.lower();
        let mut forms = vec![0.0; point.slack.len()];
        let whitened = |lower| Chunks {
            transform: Transform { row_scale: Some(&point.inverse_slack), shift: None, lower },
            columns: d,
        };
        let plain = self.rows_as_they_are(point);
        if plain && !prefers_pairs(&self.source().shape()) {
            self.charge(0.5);
            let Shifted { root, shift } = Shifted::of(middle, d);
            let mut factor = vec![0.0; d * d]; // (G⁻ᵀL⁻¹)⁻¹ of the definite matrix GᵀG
            linalg::add_product(lower, &linalg::invert_lower(&root, d), d, d, d, &mut factor);
            let chunks = whitened(Some(&factor));
            let pass = ShiftedForms { chunks: &chunks, shift, combine, point };
            let combined = sweep(self.source(), &pass, &mut forms, run)?;
            return Ok((forms, combined));
        }
        self.charge(if plain { 0.5 } else { 1.5 });
        let mut form = middle.to_vec();
        if plain {
            linalg::solve_lower_transposed_rows(lower, d, &mut form); // L⁻ᵀSL⁻¹
            linalg::transpose(&mut form, d);
            linalg::solve_lower_transposed_rows(lower, d, &mut form);
            linalg::symmetrise(&mut form, d);
        }
        let pass = QuadraticForms {
            chunks: &whitened((!plain).then_some(lower)),
            pairs: plain,
            middle: &form,
            combine: Some(combine),
            row_scale: &point.inverse_slack,
        };
        let combined = sweep(self.source(), &pass, &mut forms, run)?;
        Ok((forms, combined))
    }
}

/// S + αI = GᵀG with G lower triangular: quadratic forms of S then take triangular solves, half the work of a product with a
/// square matrix. With α = 2‖S‖ its condition is at most 3, and the error of a form a rounding of ‖S‖.
struct Shifted {
    /// G.
    root: Vec<f64>,
    /// α.
    shift: f64,
}

impl Shifted {
    fn of(middle: &[f64], d: usize) -> Shifted {
        let shift = 2.0 * linalg::norm(middle).max(f64::MIN_POSITIVE);
        // The factor that begins in the last corner: that of the matrix turned round, turned back.
        let mut turned: Vec<f64> = middle.iter().rev().map(|v| v / shift).collect();
        (0..d).for_each(|i| turned[i + i * d] += 1.0);
        let definite = linalg::cholesky_in_place(&mut turned, d);
        debug_assert!(definite, "a matrix of condition 3");
        let size = shift.sqrt();
        let mut root = vec![0.0; d * d];
        for j in 0..d {
            (j..d).for_each(|i| root[i + j * d] = size * turned[(d - 1 - j) + (d - 1 - i) * d]);
        }
        Shifted { root, shift }
    }
}

/// pᵢ = ‖GL⁻¹a_{x,i}‖² − ασᵢ a row, and Σ combine(i, pᵢ) a_{x,i}.
struct ShiftedForms<'a> {
    chunks: &'a Chunks<'a>,
    shift: f64,
    combine: Combine<'a>,
    point: &'a Point,
}

impl Pass for ShiftedForms<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.chunks.columns]
    }
    fn add(&self, combined: &mut Vec<f64>, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        self.chunks.each(rows, |range, u| linalg::row_norms_squared(u, self.chunks.columns, &mut out[range]));
        let scores = &self.point.scores[rows.range()];
        out.iter_mut().zip(scores).for_each(|(p, sigma)| *p -= self.shift * sigma);
        add_combined(rows, self.combine, out, &self.point.inverse_slack[rows.range()], combined);
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn width(&self) -> usize {
        1
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::rows::{CsrRows, DenseRows, RowSource};
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::{random_csr, random_polytope};

    /// Hm and D³V(h)k by themselves, and together; Hh as the barrier's own product has it.
    fn check(source: &dyn RowSource, b: &[f64], x: &[f64]) {
        let (run, d) = (Run::default(), x.len());
        let barrier = Barrier::around(source, b, x, &run).unwrap();
        let point = barrier.at(x, false, &run).unwrap().unwrap();
        let direction = |k: usize| -> Vec<f64> { (0..d).map(|i| ((i * k + 1) as f64).sin()).collect() };
        let (m, h, k) = (direction(1), direction(2), direction(3));
        let (along, other) =
            (barrier.third_direction(&point, &h, &run).unwrap(), barrier.third_direction(&point, &k, &run).unwrap());
        let product = |h: &[f64]| barrier.hessian_vec(&point, h, &run).unwrap();
        assert_all_close(along.hessian_vec(), &product(&h), 1e-11);
        let third = barrier.third_derivative_of(&point, &along, &other, &run).unwrap();
        let expected: Vec<f64> = product(&m).iter().zip(&third).map(|(h, t)| h + t).collect();
        let found = barrier.hessian_and_third_derivative(&point, &m, (&along, &other), &run).unwrap();
        assert_all_close(&found, &expected, 1e-11);
    }

    #[test]
    fn both_products_at_once_are_their_sum_for_dense_and_for_sparse_rows() {
        let p = random_polytope(60, 6, 0.8, 3, None);
        check(&DenseRows::new(&p.a, 6).unwrap(), &p.b, &p.hidden);
        let csr = random_csr(300, 30, 3, 5);
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 30).unwrap();
        check(&rows, &[-1.0; 300], &[0.0; 30]);
    }
}
