//! The barrier of a coreset in the coordinates of an anchor: V_C(y) = ½ log det Σ ωᵢ bᵢbᵢᵀ, bᵢ = uᵢ/(1 + uᵢy).

use crate::barrier::ThirdMoments;
use crate::linalg;

/// The rows of a coreset, whitened at the anchor, with their weights.
pub(super) struct Model {
    d: usize,
    /// uᵢ, m×d row-major.
    rows: Vec<f64>,
    /// √ωᵢ.
    root_weights: Vec<f64>,
}

/// One evaluation of a [`Model`].
pub(super) struct ModelPoint {
    d: usize,
    /// V_C.
    pub value: f64,
    /// ∇V_C = −Σ σᵢbᵢ.
    pub gradient: Vec<f64>,
    /// L_C.
    pub lower: Vec<f64>,
    /// bᵢ.
    b: Vec<f64>,
    /// zᵢ = √ωᵢ L_C⁻¹bᵢ: the projection of the coreset is ZZᵀ.
    z: Vec<f64>,
    /// σᵢ = |zᵢ|².
    scores: Vec<f64>,
    root_weights: Vec<f64>,
}

impl Model {
    pub fn new(rows: Vec<f64>, weights: &[f64], d: usize) -> Model {
        Model { d, rows, root_weights: weights.iter().map(|w| w.sqrt()).collect() }
    }

    /// m.
    pub fn len(&self) -> usize {
        self.root_weights.len()
    }

    /// uᵢ, row-major.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// V_C, its gradient and what products need; None outside, or where M_C is not positive definite.
    ///
    /// # Cost
    /// 2md² flops.
    pub fn at(&self, y: &[f64]) -> Option<ModelPoint> {
        let (m, d) = (self.len(), self.d);
        let mut t = vec![0.0; m];
        linalg::rows_times_vector(&self.rows, d, y, &mut t);
        const NEAREST: f64 = 1e-14; // as near to a facet as 1 + t can tell
        if t.iter().any(|t| 1.0 + t <= NEAREST) {
            return None;
        }
        let (mut b, mut z) = (vec![0.0; m * d], vec![0.0; m * d]);
        linalg::scale_rows_into(&self.rows, d, |i| 1.0 / (1.0 + t[i]), &mut b);
        linalg::scale_rows_into(&b, d, |i| self.root_weights[i], &mut z);
        let mut lower = vec![0.0; d * d];
        linalg::add_gram(&z, &z, d, &mut lower);
        if !linalg::cholesky_in_place(&mut lower, d) {
            return None;
        }
        linalg::solve_lower_rows(&lower, d, &mut z);
        let mut scores = vec![0.0; m];
        linalg::row_norms_squared(&z, d, &mut scores);
        let minus: Vec<f64> = scores.iter().map(|s| -s).collect();
        let mut gradient = vec![0.0; d];
        linalg::add_transposed_rows_times_vector(&b, d, &minus, &mut gradient);
        let value = (0..d).map(|i| lower[i + i * d].ln()).sum();
        let root_weights = self.root_weights.clone();
        Some(ModelPoint { d, value, gradient, lower, b, z, scores, root_weights })
    }
}

impl ModelPoint {
    /// The step's change of each slack as a share of it: bᵢ·h.
    pub fn slack_changes(&self, h: &[f64]) -> Vec<f64> {
        let mut change = vec![0.0; self.scores.len()];
        linalg::rows_times_vector(&self.b, self.d, h, &mut change);
        change
    }

    /// C = Σ σᵢ max(3 − 2σᵢ, 1) bᵢbᵢᵀ, full: a metric and a preconditioner, Q_C ≼ C.
    pub fn metric(&self) -> Vec<f64> {
        self.weighted_gram(|sigma| sigma * (3.0 - 2.0 * sigma).max(1.0))
    }

    fn weighted_gram(&self, weight: impl Fn(f64) -> f64) -> Vec<f64> {
        let d = self.d;
        let mut scaled = vec![0.0; self.b.len()];
        linalg::scale_rows_into(&self.b, d, |i| weight(self.scores[i]), &mut scaled);
        let mut gram = vec![0.0; d * d];
        linalg::add_gram(&self.b, &scaled, d, &mut gram);
        linalg::symmetrise(&mut gram, d);
        gram
    }

    /// ∇²V_C h = Bᵀ(3σ∘v − 2q), v = Bh, qᵢ = zᵢᵀ(Zᵀdiag(v)Z)zᵢ.
    ///
    /// # Cost
    /// 3md² flops.
    pub fn hessian_vec(&self, h: &[f64]) -> Vec<f64> {
        let d = self.d;
        let v = self.slack_changes(h);
        let mut scaled = vec![0.0; self.z.len()];
        linalg::scale_rows_into(&self.z, d, |i| v[i], &mut scaled);
        let mut s = vec![0.0; d * d];
        linalg::add_gram(&self.z, &scaled, d, &mut s);
        linalg::symmetrise(&mut s, d);
        linalg::rows_times_symmetric(&self.z, d, &s, &mut scaled);
        let mut q = vec![0.0; v.len()];
        linalg::row_dots(&self.z, &scaled, d, &mut q);
        let combined: Vec<f64> = (0..v.len()).map(|i| 3.0 * self.scores[i] * v[i] - 2.0 * q[i]).collect();
        let mut out = vec![0.0; d];
        linalg::add_transposed_rows_times_vector(&self.b, d, &combined, &mut out);
        out
    }

    /// ∇²V_C, full: 3Bᵀdiag(σ)B − 2L_C(WᵀW)L_Cᵀ with W = Σ ωᵢ^{-1/2} z⊗z⊗z.
    ///
    /// # Cost
    /// md³/3 + d⁴ flops.
    pub fn hessian(&self) -> Vec<f64> {
        let d = self.d;
        let moments = ThirdMoments::of_rows(&self.z, d, |i| 1.0 / self.root_weights[i]);
        let mut hessian = self.weighted_gram(|sigma| 3.0 * sigma);
        let mut half = vec![0.0; d * d];
        linalg::add_product(&self.lower, &moments.contracted(), d, d, d, &mut half);
        linalg::add_outer_product(&half, &self.lower, d, -2.0, &mut hessian);
        linalg::symmetrise(&mut hessian, d);
        hessian
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::Stream;

    fn model(weights: &[f64]) -> Model {
        let rows = Stream::new(1, "model").normals(3 * weights.len()).iter().map(|v| 0.2 * v).collect();
        Model::new(rows, weights, 3)
    }

    #[test]
    fn derivatives_are_differences() {
        let weights: Vec<f64> = (0..30).map(|i| 1.0 + 0.3 * (i % 5) as f64).collect();
        let model = model(&weights);
        let y = [0.1, -0.2, 0.15];
        let at = |k: usize, step: f64| {
            let mut y = y;
            y[k] += step;
            model.at(&y).unwrap()
        };
        let here = model.at(&y).unwrap();
        let step = 1e-5;
        for k in 0..3 {
            let (plus, minus) = (at(k, step), at(k, -step));
            let mut unit = [0.0; 3];
            unit[k] = 1.0;
            assert_all_close(&[(plus.value - minus.value) / (2.0 * step)], &[here.gradient[k]], 1e-8);
            let column: Vec<f64> =
                plus.gradient.iter().zip(&minus.gradient).map(|(p, m)| (p - m) / (2.0 * step)).collect();
            assert_all_close(&here.hessian_vec(&unit), &column, 1e-8);
            assert_all_close(&here.hessian()[3 * k..3 * k + 3], &column, 1e-8);
        }
    }

    #[test]
    fn a_row_of_weight_two_is_the_row_twice() {
        let one = model(&[1.0; 10]);
        let twice = Model::new([one.rows(), one.rows()].concat(), &[1.0; 20], 3);
        let weighted = Model::new(one.rows().to_vec(), &[2.0; 10], 3);
        let y = [0.05, 0.1, -0.02];
        let (a, b) = (twice.at(&y).unwrap(), weighted.at(&y).unwrap());
        assert_all_close(&[a.value], &[b.value], 1e-13);
        assert_all_close(&a.gradient, &b.gradient, 1e-12);
    }
}
