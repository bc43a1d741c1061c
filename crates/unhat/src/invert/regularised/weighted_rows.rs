//! Rows drawn with their weights, as a barrier of its own: what a coreset says of V, of its derivatives, and what is known
//! better of the gradient and the Hessian of all rows near one point.

use crate::barrier::{Barrier, Point, ThirdMoments, WhitenedCurvature, unwhiten};
use crate::error::Result;
use crate::gram::{Factor, FactorMethod, weighted_gram};
use crate::invert::sample::Sample;
use crate::linalg;
use crate::rows::DenseRows;
use crate::run::Run;
use std::cell::Cell;
use std::rc::Rc;

/// V_C(x) = ½ log det Σ ωᵢ aᵢaᵢᵀ/sᵢ² over a few rows.
pub(super) struct WeightedRows {
    rows: Rc<Drawn>,
    correction: Correction,
    flops: Cell<f64>,
}

/// The rows themselves.
struct Drawn {
    d: usize,
    /// Their numbers, increasing.
    numbers: Vec<usize>,
    /// aᵢ, m×d row-major.
    values: Vec<f64>,
    offset: Vec<f64>,
    positive: Vec<bool>,
    /// √ωᵢ.
    root_weights: Vec<f64>,
}

/// What is added to ∇V_C: constant + E(x − x_c), and so E to ∇²V_C.
#[derive(Clone, Default)]
pub(super) struct Correction {
    /// x_c.
    pub centre: Vec<f64>,
    /// Empty: none.
    pub constant: Vec<f64>,
    /// E, symmetric d×d; empty: none.
    pub matrix: Vec<f64>,
}

/// Rows of a block: as many as leave several blocks to every core.
const BLOCK: usize = 256;

impl WeightedRows {
    /// The rows of a sample.
    ///
    /// # Errors
    /// What gathering them meets.
    pub fn gather(barrier: &Barrier<'_>, sample: Sample) -> Result<WeightedRows> {
        let values = barrier.source().gather(&sample.rows)?;
        let offset = sample.rows.iter().map(|&i| barrier.offset()[i]).collect();
        let positive = sample.rows.iter().map(|&i| barrier.positive()[i]).collect();
        let root_weights = sample.weights.iter().map(|w| w.sqrt()).collect();
        let d = barrier.dim();
        let rows = Rc::new(Drawn { d, numbers: sample.rows, values, offset, positive, root_weights });
        Ok(WeightedRows { rows, correction: Correction::default(), flops: Cell::new(0.0) })
    }

    /// The same rows with another correction.
    pub fn corrected(&self, correction: Correction) -> WeightedRows {
        WeightedRows { rows: self.rows.clone(), correction, flops: Cell::new(0.0) }
    }

    /// The number m of rows.
    pub fn len(&self) -> usize {
        self.rows.numbers.len()
    }

    /// The numbers of the rows, increasing.
    pub fn numbers(&self) -> &[usize] {
        &self.rows.numbers
    }

    /// Flops since this was asked last.
    pub fn take_flops(&self) -> f64 {
        self.flops.replace(0.0)
    }

    fn count(&self, flops: f64) {
        self.flops.set(self.flops.get() + flops);
    }

    fn source<'r>(&self, rows: &'r [f64]) -> Result<DenseRows<'r>> {
        Ok(DenseRows::new(rows, self.rows.d)?.in_blocks_of(BLOCK))
    }

    /// V_C and its corrected gradient; None outside, or where M_C is not positive definite to rounding.
    ///
    /// # Cost
    /// 2md² flops.
    pub fn at(&self, x: &[f64], run: &Run<'_>) -> Result<Option<Point>> {
        let d = self.rows.d;
        let mut slack = vec![0.0; self.len()];
        linalg::rows_times_vector(&self.rows.values, d, x, &mut slack);
        slack.iter_mut().zip(&self.rows.offset).for_each(|(s, b)| *s -= b);
        let inside = slack.iter().zip(&self.rows.positive).all(|(&s, &p)| s.is_finite() && s != 0.0 && (s > 0.0) == p);
        if !inside || self.len() < d {
            return Ok(None);
        }
        let inverse_slack: Vec<f64> = slack.iter().map(|s| 1.0 / s).collect();
        self.count(2.0 * self.len() as f64 * (d * d) as f64);
        let roots = &self.rows.root_weights;
        let weight = |i: usize| (roots[i] * inverse_slack[i]).powi(2);
        let gram = weighted_gram(&self.source(&self.rows.values)?, Some(&weight), run)?;
        let Some(factor) = Factor::of_gram(gram, d) else { return Ok(None) };
        let factor = Factor::of_lower(factor.lower().to_vec(), d, FactorMethod::Cholesky);
        let z = self.whitened(&inverse_slack, factor.lower());
        let mut scores = vec![0.0; self.len()];
        linalg::row_norms_squared(&z, d, &mut scores);
        let minus: Vec<f64> = scores.iter().zip(&inverse_slack).map(|(sigma, r)| -sigma * r).collect();
        let mut gradient = vec![0.0; d];
        linalg::add_transposed_rows_times_vector(&self.rows.values, d, &minus, &mut gradient);
        self.correct(x, &mut gradient);
        let value = 0.5 * factor.log_det();
        if !value.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            return Ok(None);
        }
        Ok(Some(Point { x: x.to_vec(), slack, inverse_slack, scores, factor, value, gradient, metric: None }))
    }

    /// constant + E(x − x_c), added.
    fn correct(&self, x: &[f64], gradient: &mut [f64]) {
        let Correction { centre, constant, matrix } = &self.correction;
        gradient.iter_mut().zip(constant).for_each(|(g, c)| *g += c);
        if !matrix.is_empty() {
            let moved: Vec<f64> = x.iter().zip(centre).map(|(x, c)| x - c).collect();
            let tilt = linalg::symmetric_times_vector(matrix, &moved);
            gradient.iter_mut().zip(&tilt).for_each(|(g, t)| *g += t);
        }
    }

    /// zᵢ = √ωᵢ L⁻¹aᵢ/sᵢ.
    fn whitened(&self, inverse_slack: &[f64], lower: &[f64]) -> Vec<f64> {
        let Drawn { d, values, root_weights, .. } = &*self.rows;
        let mut z = vec![0.0; values.len()];
        linalg::scale_rows_into(values, *d, |i| root_weights[i] * inverse_slack[i], &mut z);
        linalg::solve_lower_rows(lower, *d, &mut z);
        z
    }

    /// A_x h, row by row of the sample.
    pub fn slack_changes(&self, point: &Point, h: &[f64]) -> Vec<f64> {
        let mut v = vec![0.0; self.len()];
        linalg::rows_times_vector(&self.rows.values, self.rows.d, h, &mut v);
        v.iter_mut().zip(&point.inverse_slack).for_each(|(v, r)| *v *= r);
        v
    }

    /// The corrected Hessian times h, without tensors.
    ///
    /// # Cost
    /// 4md² flops.
    pub fn hessian_vec(&self, point: &Point, h: &[f64]) -> Vec<f64> {
        let d = self.rows.d;
        self.count(4.0 * self.len() as f64 * (d * d) as f64);
        let z = self.whitened(&point.inverse_slack, point.factor.lower());
        let v = self.slack_changes(point, h);
        let p = self.squared_projection(&z, &v).0;
        let u: Vec<f64> =
            (0..v.len()).map(|i| (3.0 * point.scores[i] * v[i] - 2.0 * p[i]) * point.inverse_slack[i]).collect();
        let mut image = vec![0.0; d];
        linalg::add_transposed_rows_times_vector(&self.rows.values, d, &u, &mut image);
        if !self.correction.matrix.is_empty() {
            let tilt = linalg::symmetric_times_vector(&self.correction.matrix, h);
            image.iter_mut().zip(&tilt).for_each(|(g, t)| *g += t);
        }
        image
    }

    /// zᵢᵀSzᵢ and S = Zᵀdiag(v)Z.
    fn squared_projection(&self, z: &[f64], v: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let d = self.rows.d;
        let mut scaled = vec![0.0; z.len()];
        linalg::scale_rows_into(z, d, |i| v[i], &mut scaled);
        let mut s = vec![0.0; d * d];
        linalg::add_gram(z, &scaled, d, &mut s);
        linalg::symmetrise(&mut s, d);
        linalg::rows_times_symmetric(z, d, &s, &mut scaled);
        let mut p = vec![0.0; v.len()];
        linalg::row_dots(z, &scaled, d, &mut p);
        (p, s)
    }

    /// The corrected H_w and T_w = D³V_C(h)_w, whitened by L at the point.
    ///
    /// With C_b = Σ ω^(−½) z_b zzᵀ and D_b the same with v beside: H_w = 3Zᵀdiag(σ/ω)Z − 2Σ_b C_bC_bᵀ and
    /// T_w = Zᵀdiag((6p − 12σv)/ω)Z + Σ_b [6(D_bC_bᵀ + C_bD_bᵀ) − 8(Σ_c S_bc C_c)C_bᵀ].
    ///
    /// # Cost
    /// Two third moments, 2md³/3 flops, and 6d⁴; 2d³ values.
    pub fn curvature(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<WhitenedCurvature> {
        let d = self.rows.d;
        let (m, size) = (self.len() as f64, d as f64);
        self.count(2.0 * m * size.powi(3) / 3.0 + 6.0 * m * size * size + 6.0 * size.powi(4));
        let lower = point.factor.lower();
        let z = self.whitened(&point.inverse_slack, lower);
        let v = self.slack_changes(point, h);
        let (p, s) = self.squared_projection(&z, &v);
        let inverse: Vec<f64> = self.rows.root_weights.iter().map(|w| 1.0 / w).collect();
        let moments = self.moments(&z, &inverse, run)?;
        let tilted: Vec<f64> = inverse.iter().zip(&v).map(|(i, v)| i * v).collect();
        let mixed = self.moments(&z, &tilted, run)?;

        let source = self.source(&z)?;
        let mut hessian = weighted_gram(&source, Some(&|i| 3.0 * point.scores[i] * inverse[i] * inverse[i]), run)?;
        linalg::symmetrise(&mut hessian, d);
        linalg::add_outer_product(&moments, &moments, d, -2.0, &mut hessian);
        linalg::symmetrise(&mut hessian, d);
        if !self.correction.matrix.is_empty() {
            let mut tilt = self.correction.matrix.clone();
            linalg::whiten_symmetric(lower, d, &mut tilt);
            hessian.iter_mut().zip(&tilt).for_each(|(h, t)| *h += t);
        }

        let diagonal = |i: usize| (6.0 * p[i] - 12.0 * point.scores[i] * v[i]) * inverse[i] * inverse[i];
        let mut third = weighted_gram(&source, Some(&diagonal), run)?;
        linalg::symmetrise(&mut third, d);
        let mut half = vec![0.0; d * d]; // added with its transpose
        let mut turned = mixed; // 6D_b − 4Σ_c S_bc C_c
        let turn: Vec<f64> = s.iter().map(|s| -4.0 * s).collect();
        turned.iter_mut().for_each(|v| *v *= 6.0);
        linalg::add_product(&moments, &turn, d * d, d, d, &mut turned);
        linalg::add_outer_product(&turned, &moments, d, 1.0, &mut half);
        for j in 0..d {
            (0..d).for_each(|i| third[i + j * d] += half[i + j * d] + half[j + i * d]);
        }
        linalg::symmetrise(&mut third, d);
        Ok(WhitenedCurvature { hessian, third })
    }

    /// Σ weightᵢ zᵢ⊗zᵢ⊗zᵢ, slices one after the other.
    fn moments(&self, z: &[f64], weight: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let d = self.rows.d;
        let moments = ThirdMoments::of_source(&self.source(z)?, weight, run)?;
        let mut slices = vec![0.0; d * d * d];
        slices.chunks_exact_mut(d * d).enumerate().for_each(|(b, slice)| moments.slice_into(b, slice));
        Ok(slices)
    }

    /// H₀ with 3Q − 2D̄ − 2T̄ in x: Q of all rows at `point`, D and the off-diagonal T without bias from these rows; its
    /// generalised eigenvalues against Q are brought back to [1, 3], between which those of H lie. None where Q is singular.
    ///
    /// # Cost
    /// md³/3 + 3md² + d⁴ flops; 8d³/3 bytes.
    pub fn better_hessian(&self, point: &Point, q: &[f64], run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let Drawn { d, numbers, values, root_weights, .. } = &*self.rows;
        let (d, m, size) = (*d, self.len() as f64, *d as f64);
        self.count(m * size.powi(3) / 3.0 + 3.0 * m * size * size + size.powi(4));
        let lower = point.factor.lower();
        let mut u = vec![0.0; values.len()];
        linalg::scale_rows_into(values, d, |i| point.inverse_slack[numbers[i]], &mut u);
        linalg::solve_lower_rows(lower, d, &mut u);
        let weights: Vec<f64> = root_weights.iter().map(|w| w * w).collect();
        let source = self.source(&u)?;
        let mut t = ThirdMoments::of_source(&source, &weights, run)?.contracted(run);
        let square = |i: usize| point.scores[numbers[i]].powi(2) * (weights[i] - weights[i] * weights[i]);
        let mut diagonal = weighted_gram(&source, Some(&square), run)?;
        linalg::symmetrise(&mut diagonal, d);
        t.iter_mut().zip(&diagonal).for_each(|(t, d)| *t += d);
        let mut h: Vec<f64> = q.iter().zip(&t).map(|(q, t)| 3.0 * q - 2.0 * t).collect();
        let root = linalg::clip_generalised_eigenvalues(&mut h, q, d, 1.0, 3.0);
        Ok(root.map(|root| unwhiten(lower, d, &linalg::lower_outer_product(&root, d))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::{Polytope, random_polytope};

    fn problem() -> Polytope {
        random_polytope(40, 4, 0.8, 3, None)
    }

    fn gathered(a: &[f64], b: &[f64], weights: Vec<f64>) -> WeightedRows {
        let rows = DenseRows::new(a, 4).unwrap();
        let barrier = Barrier::new(&rows, b, vec![true; b.len()]).unwrap();
        WeightedRows::gather(&barrier, Sample { rows: (0..b.len()).collect(), weights }).unwrap()
    }

    /// With every row once, gradient, Hessian, its products and D³V are those of the barrier.
    #[test]
    fn all_rows_with_weight_one_are_the_barrier() {
        let (p, run) = (problem(), Run::default());
        let rows = DenseRows::new(&p.a, 4).unwrap();
        let barrier = Barrier::new(&rows, &p.b, vec![true; 40]).unwrap();
        let (h, k) = ([0.3, -1.0, 0.2, 0.7], [1.0, 0.1, -0.4, 0.2]);
        let exact = barrier.at(&p.hidden, false, &run).unwrap().unwrap();
        let drawn = gathered(&p.a, &p.b, vec![1.0; 40]);
        let point = drawn.at(&p.hidden, &run).unwrap().unwrap();
        assert_all_close(&point.gradient, &exact.gradient, 1e-12);
        let (found, expected) =
            (drawn.curvature(&point, &h, &run).unwrap(), barrier.whitened_curvature(&exact, &h, &run).unwrap());
        assert_all_close(&found.hessian, &expected.hessian, 1e-11);
        assert_all_close(&found.third, &expected.third, 1e-11);
        assert_all_close(&drawn.hessian_vec(&point, &k), &barrier.hessian_vec(&exact, &k, &run).unwrap(), 1e-11);
    }

    /// A row of weight two is the row twice: in all derivatives.
    #[test]
    fn a_row_of_weight_two_is_the_row_twice() {
        let (p, run, h) = (problem(), Run::default(), [0.3, -1.0, 0.2, 0.7]);
        let twice = gathered(&[p.a.clone(), p.a.clone()].concat(), &[p.b.clone(), p.b.clone()].concat(), vec![1.0; 80]);
        let heavy = gathered(&p.a, &p.b, vec![2.0; 40]);
        let at = |rows: &WeightedRows| rows.at(&p.hidden, &run).unwrap().unwrap();
        let (a, b) = (at(&twice), at(&heavy));
        assert_all_close(&a.gradient, &b.gradient, 1e-12);
        let curvature = |rows: &WeightedRows, point: &Point| rows.curvature(point, &h, &run).unwrap();
        let (a, b) = (curvature(&twice, &a), curvature(&heavy, &b));
        assert_all_close(&a.hessian, &b.hessian, 1e-11);
        assert_all_close(&a.third, &b.third, 1e-11);
    }

    /// The corrected gradient and Hessian are constant + E(x − x_c) and E more.
    #[test]
    fn a_correction_is_added_to_gradient_and_hessian() {
        let (p, run) = (problem(), Run::default());
        let plain = gathered(&p.a, &p.b, vec![1.5; 40]);
        let matrix: Vec<f64> = (0..16).map(|k| if k % 5 == 0 { 2.0 } else { 0.25 }).collect();
        let correction =
            Correction { centre: vec![0.0; 4], constant: vec![1.0, 2.0, 3.0, 4.0], matrix: matrix.clone() };
        let corrected = plain.corrected(correction);
        let (a, b) = (plain.at(&p.hidden, &run).unwrap().unwrap(), corrected.at(&p.hidden, &run).unwrap().unwrap());
        let tilt = linalg::symmetric_times_vector(&matrix, &p.hidden);
        let expected: Vec<f64> = (0..4).map(|i| a.gradient[i] + (i + 1) as f64 + tilt[i]).collect();
        assert_all_close(&b.gradient, &expected, 1e-12);
        let h = [0.3, -1.0, 0.2, 0.7];
        let full = |rows: &WeightedRows, point: &Point| {
            unwhiten(point.factor.lower(), 4, &rows.curvature(point, &h, &run).unwrap().hessian)
        };
        let expected: Vec<f64> = full(&plain, &a).iter().zip(&matrix).map(|(h, e)| h + e).collect();
        assert_all_close(&full(&corrected, &b), &expected, 1e-11);
    }
}
