//! The barrier of a coreset in the coordinates of an anchor: V_C(y) = ½ log det Σ ωᵢ bᵢbᵢᵀ, bᵢ = uᵢ/(1 + uᵢy).

use crate::barrier::ThirdMoments;
use crate::error::Result;
use crate::gram::{Chunks, Transform, add_weighted_gram, gram_stretches, merged, weighted_gram};
use crate::invert::sample::CORESET_BLOCK;
use crate::linalg;
use crate::rows::{DenseRows, Pass, Rows, Shape, sweep, with_scratch};
use crate::run::Run;

/// The rows of a coreset, whitened at the anchor, with their weights.
pub(super) struct Model {
    d: usize,
    /// uᵢ, m×d row-major.
    rows: Vec<f64>,
    /// The weights ωᵢ of the rows.
    weights: Vec<f64>,
}

/// One evaluation of a [`Model`].
pub(super) struct ModelPoint {
    /// V_C.
    pub value: f64,
    /// ∇V_C = −Σ σᵢbᵢ.
    pub gradient: Vec<f64>,
    /// L_C.
    pub lower: Vec<f64>,
    /// 1/(1 + uᵢy): bᵢ is so many uᵢ.
    scale: Vec<f64>,
    /// σᵢ = ωᵢ|L_C⁻¹bᵢ|².
    scores: Vec<f64>,
}

impl Model {
    pub fn new(rows: Vec<f64>, weights: Vec<f64>, d: usize) -> Model {
        Model { d, rows, weights }
    }

    /// The number m of rows.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// uᵢ, row-major.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    fn source(&self) -> Result<DenseRows<'_>> {
        Ok(DenseRows::new(&self.rows, self.d)?.in_blocks_of(CORESET_BLOCK))
    }

    /// V_C, its gradient and what products need; None outside, or where M_C is not positive definite.
    ///
    /// # Cost
    /// 2md² flops.
    pub fn at(&self, y: &[f64], run: &Run<'_>) -> Result<Option<ModelPoint>> {
        let (source, d) = (self.source()?, self.d);
        let mut scale = vec![0.0; self.len()];
        let pass = ScaledGram { y, weights: &self.weights, columns: d };
        let ScaledAcc { gram: mut lower, inside } = sweep(&source, &pass, &mut scale, run)?;
        if !inside || !linalg::cholesky_in_place(&mut lower, d) {
            return Ok(None);
        }
        let root: Vec<f64> = self.weights.iter().zip(&scale).map(|(w, s)| w.sqrt() * s).collect();
        let transform = Transform { row_scale: Some(&root), shift: None, lower: Some(&lower) };
        let pass = Scores { chunks: Chunks { transform, columns: d }, scale: &scale };
        let mut scores = vec![0.0; self.len()];
        let gradient = sweep(&source, &pass, &mut scores, run)?;
        let value = (0..d).map(|i| lower[i + i * d].ln()).sum();
        Ok(Some(ModelPoint { value, gradient, lower, scale, scores }))
    }

    /// The step's change of each slack as a share of it: bᵢ·h.
    pub fn slack_changes(&self, at: &ModelPoint, h: &[f64]) -> Vec<f64> {
        let mut change = vec![0.0; self.len()];
        linalg::rows_times_vector(&self.rows, self.d, h, &mut change);
        change.iter_mut().zip(&at.scale).for_each(|(c, s)| *c *= s);
        change
    }

    /// C = Σ σᵢ max(3 − 2σᵢ, 1) bᵢbᵢᵀ, full: a metric and a preconditioner, Q_C ≼ C.
    ///
    /// # Cost
    /// md² flops.
    pub fn metric(&self, at: &ModelPoint, run: &Run<'_>) -> Result<Vec<f64>> {
        self.score_weighted_gram(at, |sigma| sigma * (3.0 - 2.0 * sigma).max(1.0), run)
    }

    fn score_weighted_gram(
        &self,
        at: &ModelPoint,
        weight: impl Fn(f64) -> f64 + Sync,
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        let of_row = |i: usize| weight(at.scores[i]) * at.scale[i] * at.scale[i];
        let mut gram = weighted_gram(&self.source()?, Some(&of_row), run)?;
        linalg::symmetrise(&mut gram, self.d);
        Ok(gram)
    }

    /// ∇²V_C h = Bᵀ(3σ∘v − 2q), v = Bh, qᵢ = ωᵢbᵢᵀM⁻¹(Σ ωⱼvⱼbⱼbⱼᵀ)M⁻¹bᵢ.
    ///
    /// # Cost
    /// 3md² flops.
    pub fn hessian_vec(&self, at: &ModelPoint, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let (source, d) = (self.source()?, self.d);
        let changes = self.slack_changes(at, h);
        let square = |i: usize| self.weights[i] * at.scale[i] * at.scale[i];
        let mut form = weighted_gram(&source, Some(&|i| square(i) * changes[i]), run)?;
        linalg::whiten_symmetric(&at.lower, d, &mut form);
        linalg::solve_lower_transposed_rows(&at.lower, d, &mut form); // columns: L⁻ᵀ(L⁻¹GL⁻ᵀ)
        linalg::transpose(&mut form, d);
        linalg::solve_lower_transposed_rows(&at.lower, d, &mut form);
        linalg::symmetrise(&mut form, d);
        let combine = |i: usize, q: f64| (3.0 * at.scores[i] * changes[i] - 2.0 * square(i) * q) * at.scale[i];
        sweep(&source, &QuadraticForms { form: &form, combine, columns: d }, &mut [], run)
    }

    /// ∇²V_C, full: 3Bᵀdiag(σ)B − 2R, R_{ac} = Σ W_a M⁻¹W_c M⁻¹ from the moments W = Σ ωᵢ bᵢ⊗bᵢ⊗bᵢ.
    ///
    /// # Cost
    /// md² + 3d⁴ flops and d³ values.
    pub fn hessian(&self, at: &ModelPoint, moments: &ThirdMoments, run: &Run<'_>) -> Result<Vec<f64>> {
        let mut hessian = self.score_weighted_gram(at, |sigma| 3.0 * sigma, run)?;
        let contracted = moments.contracted_through(&at.lower, run);
        hessian.iter_mut().zip(&contracted).for_each(|(h, r)| *h -= 2.0 * r);
        Ok(hessian)
    }
}

/// 1/(1 + uᵢy) for every row, and Σ ωᵢ bᵢbᵢᵀ.
struct ScaledGram<'a> {
    y: &'a [f64],
    weights: &'a [f64],
    columns: usize,
}

struct ScaledAcc {
    gram: Vec<f64>,
    inside: bool,
}

/// As near to a facet as 1 + t can tell.
const NEAREST: f64 = 1e-14;

impl Pass for ScaledGram<'_> {
    type Acc = ScaledAcc;
    fn zero(&self) -> ScaledAcc {
        ScaledAcc { gram: vec![0.0; self.columns * self.columns], inside: true }
    }
    fn add(&self, acc: &mut ScaledAcc, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.apply_into(self.y, out);
        acc.inside &= out.iter().all(|t| 1.0 + t > NEAREST);
        if acc.inside {
            out.iter_mut().for_each(|t| *t = 1.0 / (1.0 + *t));
            let weights = &self.weights[rows.range()];
            add_weighted_gram(&rows.block, self.columns, |i| weights[i] * out[i] * out[i], &mut acc.gram);
        }
        Ok(())
    }
    fn merge(&self, left: ScaledAcc, right: ScaledAcc) -> ScaledAcc {
        ScaledAcc { inside: left.inside && right.inside, gram: merged(left.gram, right.gram) }
    }
    fn width(&self) -> usize {
        1
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}

/// σᵢ for every row, and −Σ σᵢbᵢ.
struct Scores<'a> {
    chunks: Chunks<'a>,
    scale: &'a [f64],
}

impl Pass for Scores<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.chunks.columns]
    }
    fn add(&self, gradient: &mut Vec<f64>, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        self.chunks.each(rows, |range, z| linalg::row_norms_squared(z, self.chunks.columns, &mut out[range]));
        with_scratch(out.len(), |minus| {
            let scale = &self.scale[rows.range()];
            minus.iter_mut().zip(out.iter().zip(scale)).for_each(|(m, (sigma, s))| *m = -sigma * s);
            rows.block.apply_transpose_add(minus, gradient);
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn width(&self) -> usize {
        1
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}

/// Σ combine(i, uᵢᵀSuᵢ)·uᵢ.
struct QuadraticForms<'a, F> {
    form: &'a [f64],
    combine: F,
    columns: usize,
}

impl<F: Fn(usize, f64) -> f64 + Sync> Pass for QuadraticForms<'_, F> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.columns]
    }
    fn add(&self, sum: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.columns;
        Chunks { transform: Transform::default(), columns: d }.each(rows, |range, u| {
            with_scratch(u.len() + range.len(), |scratch| {
                let (products, q) = scratch.split_at_mut(u.len());
                linalg::rows_times_symmetric(u, d, self.form, products);
                linalg::row_dots(u, products, d, q);
                q.iter_mut().zip(range).for_each(|(q, i)| *q = (self.combine)(rows.start + i, *q));
                linalg::add_transposed_rows_times_vector(u, d, q, sum);
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

#[cfg(test)]
mod tests {
    use super::*;
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::Stream;

    fn model(weights: &[f64]) -> Model {
        let rows = Stream::new(1, "model").normals(3 * weights.len()).iter().map(|v| 0.2 * v).collect();
        Model::new(rows, weights.to_vec(), 3)
    }

    fn at(model: &Model, y: &[f64]) -> ModelPoint {
        model.at(y, &Run::default()).unwrap().unwrap()
    }

    #[test]
    fn derivatives_are_differences() {
        let weights: Vec<f64> = (0..30).map(|i| 1.0 + 0.3 * (i % 5) as f64).collect();
        let (model, run) = (model(&weights), Run::default());
        let y = [0.1, -0.2, 0.15];
        let moved = |k: usize, step: f64| {
            let mut y = y;
            y[k] += step;
            at(&model, &y)
        };
        let here = at(&model, &y);
        let scaled: Vec<f64> = (0..30).map(|i| weights[i] * here.scale[i].powi(3)).collect();
        let moments = ThirdMoments::of_source(&model.source().unwrap(), &scaled, &run).unwrap();
        let hessian = model.hessian(&here, &moments, &run).unwrap();
        let step = 1e-5;
        for k in 0..3 {
            let (plus, minus) = (moved(k, step), moved(k, -step));
            let mut unit = [0.0; 3];
            unit[k] = 1.0;
            assert_all_close(&[(plus.value - minus.value) / (2.0 * step)], &[here.gradient[k]], 1e-8);
            let column: Vec<f64> =
                plus.gradient.iter().zip(&minus.gradient).map(|(p, m)| (p - m) / (2.0 * step)).collect();
            assert_all_close(&model.hessian_vec(&here, &unit, &run).unwrap(), &column, 1e-8);
            assert_all_close(&hessian[3 * k..3 * k + 3], &column, 1e-8);
        }
    }

    #[test]
    fn a_row_of_weight_two_is_the_row_twice() {
        let one = model(&[1.0; 10]);
        let twice = Model::new([one.rows(), one.rows()].concat(), vec![1.0; 20], 3);
        let weighted = Model::new(one.rows().to_vec(), vec![2.0; 10], 3);
        let y = [0.05, 0.1, -0.02];
        let (a, b) = (at(&twice, &y), at(&weighted, &y));
        assert_all_close(&[a.value], &[b.value], 1e-13);
        assert_all_close(&a.gradient, &b.gradient, 1e-12);
    }
}
