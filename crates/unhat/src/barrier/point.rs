//! Everything that one evaluation at x pays for: slack, factor, scores, gradient and, on demand, a metric.

use super::cell::{Barrier, Point, Reference, Sketch, metric_weight};
use super::gradient::transposed_product;
use super::sparse::SparseEvaluation;
use super::sums::{GradientSum, SlackSum};
use crate::error::{Error, ErrorKind, Result};
use crate::gram::{
    Chunks, Factor, FactorMethod, Root, RowSpace, Transform, add_weighted_gram, gram_stretches, orthogonal_factor,
    prefers_pairs, require_square_fits,
};
use crate::leverage::{pair_form, sketched_scores};
use crate::linalg;
use crate::rows::{Block, Pass, Rows, Shape, require_finite, sweep, with_scratch};
use crate::run::Run;

/// What the first half of an evaluation finds.
struct Place {
    x: Vec<f64>,
    slack: Vec<f64>,
    inverse_slack: Vec<f64>,
    factor: Factor,
}

impl Barrier<'_> {
    /// Evaluates slack, factor, scores, value and gradient at x, and the metric K when asked; None when x lies outside
    /// the cell (or so near its boundary that M cannot be factored).
    ///
    /// # Cost
    /// Two sweeps: n·d² flops for M, n·d² for the scores, n·d² for the metric. CholeskyQR2 and TSQR add one sweep.
    /// # Errors
    /// [`ErrorKind::RankDeficient`] when the columns of A are dependent; [`ErrorKind::NotFinite`] in A.
    pub fn at(&self, x: &[f64], metric: bool, run: &Run<'_>) -> Result<Option<Point>> {
        let shape = self.source.shape();
        self.passes.set(self.passes.get() + 1);
        self.charge(0.5);
        if shape.rows < shape.columns {
            return Err(self.rank_error(run)?);
        }
        if let Some(pattern) = &self.pattern
            && self.precision.get() == FactorMethod::Cholesky
        {
            match self.sparse_at(pattern, x, metric, run)? {
                SparseEvaluation::Inside(point) => return Ok(Some(*point)),
                SparseEvaluation::Outside => return Ok(None),
                SparseEvaluation::NeedsDense => self.charge(1.0),
            }
        }
        require_square_fits(shape.columns)?;
        let mut slack = vec![0.0; shape.rows];
        let pass = SlackGram { x, offset: self.offset, positive: &self.positive, columns: shape.columns };
        let SlackSum { gram, inside } = sweep(self.source, &pass, &mut slack, run)?;
        if slack.iter().any(|s| !s.is_finite()) {
            require_finite(self.source, "matrix")?;
            return Ok(None);
        }
        if !inside {
            return Ok(None);
        }
        self.require_range(&slack, (0..shape.columns).map(|j| gram[j * (shape.columns + 1)]), run)?;
        let inverse_slack: Vec<f64> = slack.iter().map(|s| 1.0 / s).collect();
        let Some(factor) = self.factor(gram, &inverse_slack, run)? else {
            if !self.columns_independent(run)? {
                return Err(self.rank_error(run)?);
            }
            return Ok(None);
        };
        if let Some(sketch) = self.sketch.get()
            && self.reference.borrow().is_some()
        {
            let place = Place { x: x.to_vec(), slack, inverse_slack, factor };
            return self.sketched_point(place, sketch, metric, run).map(Some);
        }
        self.charge(if metric { 1.0 } else { 0.5 });
        let pairs = prefers_pairs(&shape) && factor.method() == FactorMethod::Cholesky;
        let inverse = pairs.then(|| factor.inverse());
        let pass = ScoreGradient {
            chunks: Chunks {
                transform: Transform { row_scale: Some(&inverse_slack), shift: None, lower: Some(factor.lower()) },
                columns: shape.columns,
            },
            inverse_slack: &inverse_slack,
            inverse,
            metric,
        };
        let mut scores = vec![0.0; shape.rows];
        let GradientSum { gradient, metric: k } = sweep(self.source, &pass, &mut scores, run)?;
        let metric = match metric {
            true => {
                let Some(root) = root_of_metric(k, &factor, inverse.is_some()) else { return Ok(None) };
                Some(root)
            }
            false => None,
        };
        if let Some(sketch) = self.sketch.get() {
            let sketched = self.sketch_at(&inverse_slack, &factor, sketch, run)?;
            self.reference.replace(Some(Reference { exact: scores.clone(), sketched }));
        }
        let value = 0.5 * factor.log_det();
        if !value.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            return Ok(None);
        }
        Ok(Some(Point { x: x.to_vec(), slack, inverse_slack, scores, factor, value, gradient, metric }))
    }

    fn sketch_at(&self, inverse_slack: &[f64], factor: &Factor, sketch: Sketch, run: &Run<'_>) -> Result<Vec<f64>> {
        self.charge_flops(2.0 * sketch.k as f64 * self.source.shape().stored as f64);
        sketched_scores(self.source, Some(inverse_slack), factor, sketch.k, sketch.seed, run)
    }

    /// The rest of an evaluation with σ̂ in the place of σ.
    fn sketched_point(&self, place: Place, sketch: Sketch, metric: bool, run: &Run<'_>) -> Result<Point> {
        let d = self.dim();
        let Place { x, slack, inverse_slack, factor } = place;
        let sketched = self.sketch_at(&inverse_slack, &factor, sketch, run)?;
        let reference = self.reference.borrow();
        let corrected = |i: usize| match &*reference {
            // A difference of estimates may leave [0, 1]; a tenth of the sketch is the least that is believed.
            Some(r) => (r.exact[i] + sketched[i] - r.sketched[i]).max(0.1 * sketched[i]).min(1.0),
            None => sketched[i].min(1.0),
        };
        let scores: Vec<f64> = (0..sketched.len()).map(corrected).collect();
        let minus: Vec<f64> = scores.iter().zip(&inverse_slack).map(|(sigma, r)| -sigma * r).collect();
        let gradient = transposed_product(self.source, &minus, run)?;
        let metric = match metric {
            true => {
                self.charge(0.5);
                let weight = |i: usize| metric_weight(scores[i]) * inverse_slack[i] * inverse_slack[i];
                let mut k = crate::gram::weighted_gram(self.source, Some(&weight), run)?;
                linalg::whiten_symmetric(factor.lower(), d, &mut k);
                linalg::cholesky_in_place(&mut k, d).then(|| Root::of_whitened(factor.shared_lower().clone(), k))
            }
            false => None,
        };
        let value = 0.5 * factor.log_det();
        Ok(Point { x, slack, inverse_slack, scores, factor, value, gradient, metric })
    }

    fn factor(&self, gram: Vec<f64>, inverse_slack: &[f64], run: &Run<'_>) -> Result<Option<Factor>> {
        let d = self.dim();
        let transform = Transform { row_scale: Some(inverse_slack), shift: None, lower: None };
        let precision = self.precision.get();
        match Factor::of_gram(gram, d) {
            Some(factor) if precision == FactorMethod::Cholesky && self.trusts(&factor) => Ok(Some(factor)),
            Some(factor) => {
                self.charge(1.0);
                factor.refined(precision.max(FactorMethod::CholeskyQr2), self.source, transform, 0.0, run)
            }
            None => {
                self.charge(2.0);
                Factor::orthogonal(self.source, transform, 0.0, run)
            }
        }
    }

    fn trusts(&self, factor: &Factor) -> bool {
        let d = self.dim();
        // Pairs of entries need M⁻¹ anyway, and its diagonal gives a bound.
        let bounded = || {
            prefers_pairs(&self.source.shape())
                && factor.trace_bound((0..d).map(|i| factor.inverse()[i + i * d])) < CHOLESKY_TRUST
        };
        bounded() || factor.gram_condition_below(CHOLESKY_TRUST)
    }

    /// Whether the columns of A itself are independent.
    fn columns_independent(&self, run: &Run<'_>) -> Result<bool> {
        Ok(self.rank_of_rows(run)? == self.dim())
    }

    fn rank_of_rows(&self, run: &Run<'_>) -> Result<usize> {
        let l = orthogonal_factor(self.source, Transform::default(), 0.0, run)?;
        if l.iter().any(|v| !v.is_finite()) {
            require_finite(self.source, "matrix")?;
        }
        Ok(RowSpace::of_factor(&l, self.dim()).rank())
    }

    fn rank_error(&self, run: &Run<'_>) -> Result<Error> {
        Ok(ErrorKind::RankDeficient { rank: self.rank_of_rows(run)?, columns: self.dim() }.into())
    }

    /// The largest t for which every slack of x + t·h keeps its sign; infinite if none shrinks.
    ///
    /// # Cost
    /// One product A·h.
    pub fn step_to_boundary(&self, point: &Point, h: &[f64], run: &Run<'_>) -> Result<f64> {
        self.charge(1.0 / self.dim() as f64);
        let pass = WorstRatio { h, inverse_slack: &point.inverse_slack };
        let worst = sweep(self.source, &pass, &mut [], run)?;
        Ok(if worst < 0.0 { -1.0 / worst } else { f64::INFINITY })
    }

    /// τᵢ = (|aᵢ|ᵀ|x| + |bᵢ|)/|sᵢ|: how many rounding errors of the inputs' size a slack holds.
    ///
    /// # Cost
    /// One product |A|·|x|.
    pub fn slack_rounding(&self, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
        self.charge(1.0 / self.dim() as f64);
        let x = point.x.iter().map(|v| v.abs()).collect::<Vec<_>>();
        let mut tau = vec![0.0; self.offset.len()];
        sweep(self.source, &AbsoluteProduct { x: &x }, &mut tau, run)?;
        for ((t, b), r) in tau.iter_mut().zip(self.offset).zip(&point.inverse_slack) {
            *t = (*t + b.abs()) * r.abs();
        }
        Ok(tau)
    }
}

/// The root of K, given in coordinates whitened by L, or in those of x.
fn root_of_metric(mut k: Vec<f64>, factor: &Factor, in_x: bool) -> Option<Root> {
    let d = factor.dim();
    if in_x {
        let mut direct = k.clone();
        if linalg::cholesky_in_place(&mut direct, d) {
            return Some(Root::of_lower(direct));
        }
        linalg::whiten_symmetric(factor.lower(), d, &mut k); // better conditioned
    }
    linalg::cholesky_in_place(&mut k, d).then(|| Root::of_whitened(factor.shared_lower().clone(), k))
}

/// Beyond this κ(M̃), Cholesky loses all but four digits of the scores, and a better factor is taken at once.
const CHOLESKY_TRUST: f64 = 1e12;

/// s = Ax − b, and M from it in the same sweep while every slack so far has its sign.
struct SlackGram<'a> {
    x: &'a [f64],
    offset: &'a [f64],
    positive: &'a [bool],
    columns: usize,
}

impl Pass for SlackGram<'_> {
    type Acc = SlackSum;
    fn zero(&self) -> SlackSum {
        SlackSum::zero(self.columns * self.columns)
    }
    fn add(&self, acc: &mut SlackSum, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        if acc.add(rows, self.x, self.offset, self.positive, out) {
            add_weighted_gram(&rows.block, self.columns, |i| 1.0 / (out[i] * out[i]), &mut acc.gram);
        }
        Ok(())
    }
    fn merge(&self, left: SlackSum, right: SlackSum) -> SlackSum {
        left.merge(right)
    }
    fn width(&self) -> usize {
        1
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}

/// σ, g = −A_xᵀσ and, when asked, K = Σ (3σᵢ − 2σᵢ²) uᵢuᵢᵀ (for pairs: in the coordinates of A_x).
struct ScoreGradient<'a> {
    chunks: Chunks<'a>,
    inverse_slack: &'a [f64],
    inverse: Option<&'a [f64]>,
    metric: bool,
}

impl Pass for ScoreGradient<'_> {
    type Acc = GradientSum;
    fn zero(&self) -> GradientSum {
        let d = self.chunks.columns;
        GradientSum::zero(d, if self.metric { d * d } else { 0 })
    }
    fn add(&self, acc: &mut GradientSum, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        let r = &self.inverse_slack[rows.range()];
        match (self.inverse, rows.block) {
            (Some(inverse), Block::Csr(block)) => {
                for (i, out) in out.iter_mut().enumerate() {
                    let (indices, values) = block.row(i);
                    *out = r[i] * r[i] * pair_form(indices, values, inverse, d);
                }
                if self.metric {
                    add_weighted_gram(&rows.block, d, |i| metric_weight(out[i]) * r[i] * r[i], &mut acc.metric);
                }
            }
            _ => self.chunks.each(rows, |range, u| {
                let sigma = &mut out[range];
                linalg::row_norms_squared(u, d, sigma);
                if self.metric {
                    with_scratch(u.len(), |scaled| {
                        linalg::scale_rows_into(u, d, |i| metric_weight(sigma[i]), scaled);
                        linalg::add_gram(u, scaled, d, &mut acc.metric);
                    });
                }
            }),
        }
        acc.add(rows, out, r);
        Ok(())
    }
    fn merge(&self, left: GradientSum, right: GradientSum) -> GradientSum {
        left.merge(right)
    }
    fn width(&self) -> usize {
        1
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}

/// min aᵢh/sᵢ.
struct WorstRatio<'a> {
    h: &'a [f64],
    inverse_slack: &'a [f64],
}

impl Pass for WorstRatio<'_> {
    type Acc = f64;
    fn zero(&self) -> f64 {
        f64::INFINITY
    }
    fn add(&self, worst: &mut f64, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        with_scratch(rows.block.rows(), |q| {
            rows.block.apply_into(self.h, q);
            for (q, r) in q.iter().zip(&self.inverse_slack[rows.range()]) {
                *worst = worst.min(q * r);
            }
        });
        Ok(())
    }
    fn merge(&self, left: f64, right: f64) -> f64 {
        left.min(right)
    }
}

/// |A| x for x ≥ 0.
struct AbsoluteProduct<'a> {
    x: &'a [f64],
}

impl Pass for AbsoluteProduct<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.apply_abs_into(self.x, out);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
