//! Evaluations and Hessian–vector products where the Gram matrix has a sparse factor: everything lives on its pattern.

use super::cell::{Barrier, Point, metric_weight};
use super::sums::{Combine, GradientSum, SlackSum, add_combined};
use crate::error::{ErrorKind, Result};
use crate::gram::{Doubled, Factor, Pattern, Root, SparseFactor, merged, pattern_stretches, weighted_gram_on};
use crate::leverage::{DOUBLED_COST, accurate_inverse, sandwiched_inverse, selected_inverse};
use crate::rows::{Pass, Rows, Shape, each_block, require_finite, sweep};
use crate::run::Run;
use std::sync::Arc;

/// What an evaluation on the pattern came to.
pub(super) enum SparseEvaluation {
    Inside(Box<Point>),
    /// x lies outside the cell, or so near its boundary that a number overflows.
    Outside,
    /// The sparse factor cannot be trusted here, or does not exist: the dense way decides.
    NeedsDense,
}

impl Barrier<'_> {
    /// From now on evaluations keep M on this pattern, as long as Cholesky will do.
    pub(crate) fn set_pattern(&mut self, pattern: Pattern) {
        self.pattern = Some(Arc::new(pattern));
    }

    /// Slack, factor, scores by the selected inverse, value, gradient, and K.
    pub(super) fn sparse_at(
        &self,
        pattern: &Arc<Pattern>,
        x: &[f64],
        metric: bool,
        run: &Run<'_>,
    ) -> Result<SparseEvaluation> {
        let source = self.source();
        let mut slack = vec![0.0; source.shape().rows];
        let pass = SlackGram { pattern, x, offset: self.offset(), positive: self.positive() };
        let SlackSum { gram, inside } = sweep(source, &pass, &mut slack, run)?;
        if slack.iter().any(|s| !s.is_finite()) {
            require_finite(source, "matrix")?;
            return Ok(SparseEvaluation::Outside);
        }
        if !inside {
            return Ok(SparseEvaluation::Outside);
        }
        self.require_range(&slack, pattern.diagonal(&gram), run)?;
        let inverse_slack: Vec<f64> = slack.iter().map(|s| 1.0 / s).collect();
        let Some(factor) = Factor::of_sparse_gram(pattern, gram) else { return Ok(SparseEvaluation::NeedsDense) };
        let Some(sparse) = factor.sparse() else { return Ok(SparseEvaluation::NeedsDense) };
        self.charge(if metric { 1.0 } else { 0.5 });
        let inverse = selected_inverse(pattern, sparse.values());
        if factor.trace_bound(pattern.diagonal(&inverse)) > SPARSE_TRUST && !factor.gram_condition_below(SPARSE_TRUST) {
            return Ok(SparseEvaluation::NeedsDense);
        }
        let pass = ScoreGradient { pattern, inverse: &inverse, inverse_slack: &inverse_slack, metric };
        let mut scores = vec![0.0; slack.len()];
        let GradientSum { gradient, metric: k } = sweep(source, &pass, &mut scores, run)?;
        let metric = match metric {
            true => match SparseFactor::of_matrix(pattern, k) {
                Some(k) => Some(Root::of_sparse(k)),
                None => return Ok(SparseEvaluation::NeedsDense),
            },
            false => None,
        };
        let value = 0.5 * factor.log_det();
        if !value.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            return Ok(SparseEvaluation::Outside);
        }
        let x = x.to_vec();
        let point = Point { x, slack, inverse_slack, scores, factor, value, gradient, metric };
        Ok(SparseEvaluation::Inside(Box::new(point)))
    }

    /// P⁽²⁾v and A_xᵀ combine(i, (P⁽²⁾v)ᵢ), with (P⁽²⁾v)ᵢ = a_{x,i}ᵀM⁻¹(A_xᵀdiag(v)A_x)M⁻¹a_{x,i}.
    pub(super) fn sparse_squared_projection(
        &self,
        point: &Point,
        sparse: &SparseFactor,
        v: &[f64],
        combine: Option<Combine<'_>>,
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        self.charge(2.0);
        let pattern = sparse.pattern();
        let r = &point.inverse_slack;
        let weighted = self.on_pattern(pattern, |i| v[i] * r[i] * r[i], run)?;
        let middle = sandwiched_inverse(pattern, sparse.matrix(), &weighted)
            .ok_or_else(|| ErrorKind::Numerical { reason: "the sparse factor of a point cannot be repeated".into() })?;
        let forms = QuadraticForms { pattern, middle: &middle, combine, row_scale: r };
        let mut p = vec![0.0; v.len()];
        let combined = sweep(self.source(), &forms, &mut p, run)?;
        Ok((p, combined))
    }

    /// The root of Q and maxᵢ ‖a_{x,i}‖² in the metric Q⁻¹; None if Q cannot be factored.
    pub(super) fn sparse_vaidya(
        &self,
        point: &Point,
        pattern: &Arc<Pattern>,
        run: &Run<'_>,
    ) -> Result<Option<(Root, f64)>> {
        self.charge(1.5);
        let r = &point.inverse_slack;
        let q = self.on_pattern(pattern, |i| point.scores[i] * r[i] * r[i], run)?;
        let Some(factor) = SparseFactor::of_matrix(pattern, q) else { return Ok(None) };
        let mut norms = vec![0.0; point.slack.len()];
        sweep(self.source(), &SolvedScores { factor: &factor, inverse_slack: r }, &mut norms, run)?;
        let largest = norms.iter().fold(0.0f64, |a, b| a.max(*b));
        Ok(Some((Root::of_sparse(factor), largest)))
    }

    /// √Σ (σᵢ − σ′ᵢ)²/σ′ᵢ, σ′ the scores by triangular solves or by a recursion in doubled precision, whichever is less
    /// work: what the recursion of the selected inverse has lost, as a change of the gradient in the norm of Q⁻¹. 0 for a
    /// dense factor, whose scores come from solves.
    pub(crate) fn selected_inverse_error(&self, point: &Point, run: &Run<'_>) -> Result<f64> {
        let Some(factor) = point.factor.sparse() else { return Ok(0.0) };
        self.charge(1.0);
        let (pattern, r) = (factor.pattern(), &point.inverse_slack);
        let doubled = DOUBLED_COST * (pattern.flops + 4.0 * pattern.inverse_flops);
        let accurate = match self.solve_flops(factor)? > doubled {
            true => accurate_inverse(pattern, factor.matrix()),
            false => None,
        };
        let mut better = vec![0.0; point.slack.len()];
        // The recursion may square the condition; in doubled precision that leaves next to nothing.
        let d = pattern.dim() as f64;
        let left = match accurate {
            Some(middle) => {
                let forms = QuadraticForms { pattern, middle: &middle, combine: None, row_scale: r };
                sweep(self.source(), &forms, &mut better, run)?;
                d.sqrt() * d * Doubled::EPSILON * point.factor.gram_condition().powi(2)
            }
            None => {
                sweep(self.source(), &SolvedScores { factor, inverse_slack: r }, &mut better, run)?;
                0.0
            }
        };
        let rows = point.scores.iter().zip(&better).filter(|(_, s)| **s > 0.0);
        Ok(rows.map(|(sigma, s)| (sigma - s) * (sigma - s) / s).sum::<f64>().sqrt() + left)
    }

    /// Flops of scores by triangular solves.
    fn solve_flops(&self, factor: &SparseFactor) -> Result<f64> {
        let mut flops = 0.0;
        each_block(self.source(), &Run::default(), &mut |rows| {
            let block = rows.sparse()?;
            flops += 2.0 * factor.solve_flops((0..block.rows()).map(|i| block.row(i).0));
            Ok(())
        })?;
        Ok(flops)
    }

    /// Σ weight(i) aᵢaᵢᵀ on the slots.
    fn on_pattern(&self, pattern: &Pattern, weight: impl Fn(usize) -> f64 + Sync, run: &Run<'_>) -> Result<Vec<f64>> {
        weighted_gram_on(pattern, self.source(), weight, run)
    }
}

/// Beyond this κ(M̃) the dense factorisations take over: a hundredth of what a dense Cholesky factor is trusted with,
/// because the recursion of the selected inverse may lose more than substitution does.
const SPARSE_TRUST: f64 = 1e10;

/// s = Ax − b, and M from it in the same sweep while every slack so far has its sign.
struct SlackGram<'a> {
    pattern: &'a Pattern,
    x: &'a [f64],
    offset: &'a [f64],
    positive: &'a [bool],
}

impl Pass for SlackGram<'_> {
    type Acc = SlackSum;
    fn zero(&self) -> SlackSum {
        SlackSum::zero(self.pattern.slots())
    }
    fn add(&self, acc: &mut SlackSum, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        if acc.add(rows, self.x, self.offset, self.positive, out) {
            self.pattern.add_weighted(&rows.sparse()?, |i| 1.0 / (out[i] * out[i]), &mut acc.gram);
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
        pattern_stretches(self.pattern, shape, blocks)
    }
}

/// σ, g = −A_xᵀσ and, when asked, K = Σ (3σᵢ − 2σᵢ²) a_{x,i}a_{x,i}ᵀ.
struct ScoreGradient<'a> {
    pattern: &'a Pattern,
    inverse: &'a [f64],
    inverse_slack: &'a [f64],
    metric: bool,
}

impl Pass for ScoreGradient<'_> {
    type Acc = GradientSum;
    fn zero(&self) -> GradientSum {
        let slots = if self.metric { self.pattern.slots() } else { 0 };
        GradientSum::zero(self.pattern.dim(), slots)
    }
    fn add(&self, acc: &mut GradientSum, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let r = &self.inverse_slack[rows.range()];
        let block = rows.sparse()?;
        for (i, out) in out.iter_mut().enumerate() {
            let (indices, values) = block.row(i);
            *out = r[i] * r[i] * self.pattern.quadratic_form(indices, values, self.inverse);
        }
        if self.metric {
            self.pattern.add_weighted(&block, |i| metric_weight(out[i]) * r[i] * r[i], &mut acc.metric);
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
        pattern_stretches(self.pattern, shape, blocks)
    }
}

/// pᵢ = a_{x,i}ᵀ C a_{x,i} a row, and Σ combine(i, pᵢ) a_{x,i}.
struct QuadraticForms<'a> {
    pattern: &'a Pattern,
    middle: &'a [f64],
    combine: Option<Combine<'a>>,
    row_scale: &'a [f64],
}

impl Pass for QuadraticForms<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.pattern.dim()]
    }
    fn add(&self, combined: &mut Vec<f64>, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let r = &self.row_scale[rows.range()];
        let block = rows.sparse()?;
        for (i, out) in out.iter_mut().enumerate() {
            let (indices, values) = block.row(i);
            *out = r[i] * r[i] * self.pattern.quadratic_form(indices, values, self.middle);
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

/// ‖F⁻¹a_{x,i}‖² row by row.
struct SolvedScores<'a> {
    factor: &'a SparseFactor,
    inverse_slack: &'a [f64],
}

impl Pass for SolvedScores<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let block = rows.sparse()?;
        let r = &self.inverse_slack[rows.range()];
        let all = (0..block.rows()).map(|i| block.row(i));
        self.factor.solved_norms(all, |i, norm| out[i] = r[i] * r[i] * norm);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::rows::CsrRows;
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::{Stream, random_csr};
    use unhat_testkit::reference;
    use unhat_testkit::sparse::Csr;

    /// Random rows, and 2eᵢ for every column, so that the rank is full.
    fn random_rows(n: usize, d: usize, per_row: usize, seed: u64) -> Csr {
        let random = random_csr(n, d, per_row, seed);
        let mut triplets: Vec<_> = (0..n).flat_map(|i| random.row(i).map(move |(j, v)| (i, j, v))).collect();
        triplets.extend((0..d).map(|j| (n + j, j, 2.0)));
        Csr::from_triplets(n + d, d, &triplets)
    }

    #[test]
    fn a_point_on_the_pattern_is_that_of_the_explicit_projection() {
        for (n, d, per_row, seed) in [(3, 2, 1, 0), (40, 12, 1, 1), (60, 20, 2, 2), (60, 25, 3, 3), (50, 9, 5, 4)] {
            let run = Run::default();
            let csr = random_rows(n, d, per_row, seed);
            let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d).unwrap();
            let (mut stream, a) = (Stream::new(seed, "on a pattern"), csr.to_dense());
            let x = stream.normals(d);
            let slack = stream.normals(csr.n).into_iter().map(|s| s.signum() * (0.3 + s.abs()));
            let products = a.chunks(d).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>());
            let b: Vec<f64> = products.zip(slack).map(|(p, s)| p - s).collect();
            let mut barrier = Barrier::around(&rows, &b, &x, &run).unwrap();
            barrier.set_pattern(Pattern::of_rows_within(&rows, f64::INFINITY, &run).unwrap().unwrap());
            let point = barrier.at(&x, true, &run).unwrap().unwrap();
            assert_eq!(point.factor.name(), "sparse_cholesky");

            let exact = reference::Point::at(&a, &b, &x);
            assert_all_close(&point.scores, &exact.scores, 1e-12);
            assert_all_close(&point.gradient, &exact.gradient(), 1e-12);
            assert_all_close(&[point.value], &[exact.value], 1e-12);
            let (h, u) = (stream.normals(d), stream.normals(csr.n));
            assert_all_close(&barrier.hessian_vec(&point, &h, &run).unwrap(), &exact.hessian_vec(&h), 1e-11);
            let jacobian = exact.score_jacobian();
            let back: Vec<f64> = (0..d).map(|j| jacobian.chunks(d).zip(&u).map(|(row, u)| row[j] * u).sum()).collect();
            assert_all_close(&barrier.score_jacobian_transposed_vec(&point, &u, &run).unwrap(), &back, 1e-11);
            // What is not made for a pattern works on it all the same.
            assert_all_close(&barrier.hessian(&point, &run).unwrap(), &exact.hessian(), 1e-10);
            assert!(barrier.selected_inverse_error(&point, &run).unwrap() < 1e-12);

            let (root, largest) = barrier.vaidya(&point, &run).unwrap().unwrap();
            let dense = Barrier::around(&rows, &b, &x, &run).unwrap();
            let (dense_root, dense_largest) =
                dense.vaidya(&dense.at(&x, false, &run).unwrap().unwrap(), &run).unwrap().unwrap();
            assert_all_close(&[largest], &[dense_largest], 1e-10);
            let size = |v: Vec<f64>| v.iter().map(|a| a * a).sum::<f64>();
            assert_all_close(&[size(root.half_solve(&h))], &[size(dense_root.half_solve(&h))], 1e-10);
            assert_all_close(&[size(root.transposed_times(&h))], &[size(dense_root.transposed_times(&h))], 1e-10);
            let (bound, dense_bound) = (root.inverse_norm_bound(d), dense_root.inverse_norm_bound(d));
            assert!((bound / dense_bound - 1.0).abs() < 1e-3, "bounds {bound} and {dense_bound}");
            assert_all_close(
                &[point.factor.gram_condition_bound()],
                &[dense.at(&x, false, &run).unwrap().unwrap().factor.gram_condition_bound()],
                1e-2,
            );
        }
    }

    #[test]
    fn published_scores_come_from_the_selected_inverse() {
        let mut seen = 0;
        for case in unhat_testkit::known::matrix_cases().into_iter().filter(|c| c.rank == c.rows.d) {
            let run = Run::default();
            let csr = &case.rows;
            let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, csr.d).unwrap();
            let Some(pattern) = Pattern::of_rows(&rows, &run).unwrap() else { continue };
            let b = vec![-1.0; csr.n];
            let mut barrier = Barrier::new(&rows, &b, vec![true; csr.n]).unwrap();
            println!("{}: {} columns, {} slots, {:.1e} flops", case.name, csr.d, pattern.slots(), pattern.flops);
            barrier.set_pattern(pattern);
            let point = barrier.at(&vec![0.0; csr.d], true, &run).unwrap().unwrap();
            let error = point.scores.iter().zip(&case.scores).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
            let lost = barrier.selected_inverse_error(&point, &run).unwrap();
            println!(
                "   {}: condition {:.1e}, error {error:.1e}, recursion {lost:.1e}",
                point.factor.name(),
                point.factor.condition()
            );
            let allowed = 1e-12 + f64::EPSILON * point.factor.gram_condition(); // that of any Cholesky factor
            assert!(error <= allowed, "{}: {error:e} > {allowed:e}", case.name);
            seen += u32::from(point.factor.sparse().is_some());
        }
        assert!(seen > 0);
    }

    #[test]
    fn an_ill_conditioned_point_is_left_to_the_dense_factorisations() {
        let run = Run::default();
        // Two columns that differ by 10⁻⁷ of their length.
        let csr = Csr::from_triplets(
            3,
            2,
            &[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 1.0 + 1e-7), (2, 0, -1.0), (2, 1, -1.0)],
        );
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 2).unwrap();
        let b = [-1.0; 3];
        let mut barrier = Barrier::new(&rows, &b, vec![true; 3]).unwrap();
        barrier.set_pattern(Pattern::of_rows_within(&rows, f64::INFINITY, &run).unwrap().unwrap());
        let point = barrier.at(&[0.0, 0.0], true, &run).unwrap().unwrap();
        assert_ne!(point.factor.name(), "sparse_cholesky");
    }
}
