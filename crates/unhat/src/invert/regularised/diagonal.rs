//! `diagonal`: the Hessian taken as AᵀDA with a diagonal D, rows sampled by leverage; the published form, for comparison.

use super::method::CurvatureMethod;
use super::objective::{Objective, Place};
use super::starts::{from_the_centre, regulariser_minimiser};
use super::trust_region::DescentOptions;
use super::{RegularisedOptions, begin};
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::gram::{Chunks, FactorMethod};
use crate::invert::coreset::coreset_size;
use crate::invert::sample::Draw;
use crate::invert::start::{Start, StartReport};
use crate::leverage::{ScoreOptions, leverage_scores};
use crate::linalg::{self, norm};
use crate::rows::{Pass, RowSource, Rows, sweep, with_scratch};
use crate::run::{Event, Run};
use crate::solve::{Status, Step};

/// The answer of the diagonal form.
#[derive(Clone, Debug)]
pub struct DiagonalInversion {
    /// The point x.
    pub x: Vec<f64>,
    /// How it ended.
    pub status: Status,
    /// ½‖g(x) − c‖² + ½‖diag(w)Ax‖².
    pub objective: f64,
    /// ‖g(x) − c‖₂.
    pub residual: f64,
    /// Least and largest eigenvalue of K⁻¹∇²L at the start: the ratio that gates the method.
    pub ratio: [f64; 2],
    /// Steps taken.
    pub iterations: u32,
    /// Evaluations at a new x.
    pub passes: u32,
    /// Every sweep in units of one evaluation.
    pub work: f64,
    /// The factorisation of the last evaluation.
    pub factor: FactorMethod,
    /// How the first point of the cell was found.
    pub start: StartReport,
    /// One entry a step; `decrement` is the largest relative change of a slack.
    pub history: Vec<Step>,
}

/// 0.9(B + W²) ≼ W² ≼ 1.1(B + W²): what the published analysis asks for, as eigenvalues of K⁻¹∇²L.
const RATIO_ALLOWED: [f64; 2] = [1.0 / 1.1, 1.0 / 0.9];

/// Minimises L by unit steps −(AᵀD̃A)⁻¹∇L, D = diag(B) + w∘w, D̃ from rows drawn by the leverage of √D·A.
///
/// ∇²L = AᵀBA + AᵀW²A;  only the diagonal of the n×n matrix B is kept, and of that a sample
///
/// It needs a regulariser that dominates: the answer then is mostly the regulariser's. Otherwise it diverges, and is
/// refused with the measured ratio. Starts from the minimiser of the regulariser.
///
/// # Shapes
/// As [`super::invert_regularised`].
/// # Cost
/// A step: one evaluation, third moments (n·d³ flops), one set of leverage scores.
/// # Errors
/// [`ErrorKind::Option`] with the ratio where the regulariser does not dominate; shapes; [`ErrorKind::TooLarge`].
/// # References
/// LiSongXuYin2024.
pub fn invert_diagonal(
    source: &dyn RowSource,
    offset: &[f64],
    target: &[f64],
    weights: &[f64],
    start: &Start<'_>,
    options: &RegularisedOptions,
    run: &Run<'_>,
) -> Result<DiagonalInversion> {
    let located = begin(source, (offset, target, weights), start, options, run)?;
    let barrier = Barrier::new(source, offset, located.positive)?;
    let objective = Objective::new(&barrier, target, weights, CurvatureMethod::Tensors, run)?;
    let centre = from_the_centre(&objective, &located.x, run)?;
    let descent = DescentOptions { tolerance: options.tolerance, max_iterations: options.max_iterations };
    let first = regulariser_minimiser(&objective, &|| Ok(&centre), descent, run)?;
    let Some(mut place) = objective.at(&first, run)? else {
        return Err(
            ErrorKind::Numerical { reason: "the minimiser of the regulariser lies on the boundary".into() }.into()
        );
    };
    let ratio = gate(&objective, &place, run)?;
    run.tell(Event::Phase("diagonal steps"));
    let mut history: Vec<Step> = Vec::new();
    let status = loop {
        let iteration = history.len() as u32;
        if run.stopped() {
            break Status::Interrupted;
        }
        if iteration >= options.max_iterations {
            break Status::IterationLimit;
        }
        let Some(step) = diagonal_step(&objective, &place, weights, (options.seed, iteration), run)? else {
            break Status::Stalled;
        };
        let change = norm_of_changes(&barrier.scaled_rows_times(&place.base, &step, run)?);
        let entry = Step {
            iteration,
            passes: barrier.passes(),
            work: barrier.work(),
            decrement: change,
            residual: norm(&place.residual),
            step_length: 1.0,
            certificate: None,
        };
        run.tell(Event::Step(&entry));
        history.push(entry);
        let x: Vec<f64> = place.base.x.iter().zip(&step).map(|(x, h)| x + h).collect();
        let Some(next) = objective.at(&x, run)? else { break Status::Stalled }; // a unit step left the cell
        place = next;
        if change <= options.tolerance {
            break Status::Solved;
        }
    };
    Ok(DiagonalInversion {
        objective: place.value,
        residual: norm(&place.residual),
        factor: place.base.factor.method(),
        x: place.base.x,
        status,
        ratio,
        iterations: history.len() as u32,
        passes: barrier.passes(),
        work: barrier.work(),
        start: located.report,
        history,
    })
}

fn norm_of_changes(changes: &[f64]) -> f64 {
    changes.iter().fold(0.0, |a: f64, t| a.max(t.abs()))
}

/// The eigenvalues of K⁻¹∇²L at the start, or a refusal that prints them.
fn gate(objective: &Objective<'_>, place: &Place, run: &Run<'_>) -> Result<[f64; 2]> {
    let d = objective.dim();
    let refuse = |found: String| {
        let [low, high] = RATIO_ALLOWED;
        ErrorKind::Option {
            name: "solver".into(),
            reason: format!(
                "diagonal needs a regulariser that dominates: {found}, and {low:.3} to {high:.3} is what it needs; \
                 take larger weights, or the solver auto"
            ),
        }
    };
    if (0..d).any(|i| objective.root[i + i * d] <= 0.0) {
        return Err(refuse("AᵀW²A is singular".into()).into());
    }
    let curvature = objective.curvature(place, run)?;
    let mut hessian =
        crate::barrier::unwhiten(place.base.factor.lower(), d, &objective.whitened_hessian(place, &curvature));
    linalg::whiten_symmetric(&objective.root, d, &mut hessian);
    let values = linalg::symmetric_eigenvalues(&hessian, d)
        .ok_or_else(|| ErrorKind::Numerical { reason: "the eigenvalues of K⁻¹∇²L did not converge".into() })?;
    let ratio = [values[0], values[d - 1]];
    if ratio[0] < RATIO_ALLOWED[0] || ratio[1] > RATIO_ALLOWED[1] {
        return Err(refuse(format!("the eigenvalues of (AᵀW²A)⁻¹∇²L lie in {:.3} to {:.3}", ratio[0], ratio[1])).into());
    }
    Ok(ratio)
}

/// −(AᵀD̃A)⁻¹∇L; None where D is not positive or the sample is singular.
fn diagonal_step(
    objective: &Objective<'_>,
    place: &Place,
    weights: &[f64],
    (seed, iteration): (u64, u32),
    run: &Run<'_>,
) -> Result<Option<Vec<f64>>> {
    let (barrier, d) = (objective.barrier, objective.dim());
    let curvature = objective.curvature(place, run)?;
    let mut diagonal = diagonal_of_b(barrier, &place.base, &place.residual, run)?;
    diagonal.iter_mut().zip(weights).for_each(|(b, w)| *b += w * w);
    if diagonal.iter().any(|v| v.is_nan() || *v <= 0.0) {
        return Ok(None);
    }
    let roots: Vec<f64> = diagonal.iter().map(|v| v.sqrt()).collect();
    barrier.charge(1.0);
    let scores = leverage_scores(barrier.source(), Some(&roots), &ScoreOptions::default(), run)?;
    let size = coreset_size(roots.len(), d);
    let sample = Draw::new(&scores.values, size, seed, iteration as u64).sample();
    let rows = barrier.source().gather(&sample.rows)?;
    let mut scaled = vec![0.0; rows.len()];
    linalg::scale_rows_into(&rows, d, |k| sample.weights[k] * diagonal[sample.rows[k]], &mut scaled);
    let mut gram = vec![0.0; d * d];
    linalg::add_gram(&rows, &scaled, d, &mut gram);
    if !linalg::cholesky_in_place(&mut gram, d) {
        return Ok(None);
    }
    let whitened = objective.whitened_gradient(place, &curvature.hessian);
    let gradient = linalg::lower_times_vector(place.base.factor.lower(), &whitened);
    Ok(Some(linalg::cholesky_solve(&gram, &gradient).iter().map(|v| -v).collect()))
}

/// Bᵢᵢ, where H² + D³V\[r\] = AᵀBA and B = S⁻¹(N A_xA_xᵀ N + T)S⁻¹, N = 3Σ − 2P⁽²⁾.
///
/// (N A_xA_xᵀ N)ᵢᵢ = ‖L(3σᵢuᵢ − 2qᵢ)‖², qᵢ = Σ_b uᵢᵦ W_b uᵢ;  Tᵢᵢ = −12σᵢvᵢ + 6pᵢ + 12vᵢσᵢ² − 8σᵢpᵢ, v = A_x r, p = P⁽²⁾v
fn diagonal_of_b(barrier: &Barrier<'_>, point: &Point, residual: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let d = barrier.dim();
    let (moments, _) = barrier.third_moments(point, None, None, run)?;
    let mut slices = vec![0.0; d * d * d];
    slices.chunks_exact_mut(d * d).enumerate().for_each(|(b, slice)| moments.slice_into(b, slice));
    let k = linalg::lower_transposed_times_vector(point.factor.lower(), residual);
    let mut cv = vec![0.0; d * d];
    for (slice, k) in slices.chunks_exact(d * d).zip(&k) {
        cv.iter_mut().zip(slice).for_each(|(c, w)| *c += k * w);
    }
    barrier.charge(d as f64); // n·d products with d×d slices
    let pass = DiagonalPass {
        chunks: barrier.whitened_chunks(point),
        slices: &slices,
        cv: &cv,
        direction: &k,
        lower: point.factor.lower(),
        point,
    };
    let mut diagonal = vec![0.0; point.slack.len()];
    sweep(barrier.source(), &pass, &mut diagonal, run)?;
    Ok(diagonal)
}

struct DiagonalPass<'a> {
    chunks: Chunks<'a>,
    slices: &'a [f64],
    cv: &'a [f64],
    /// Lᵀr: v = U Lᵀr.
    direction: &'a [f64],
    lower: &'a [f64],
    point: &'a Point,
}

impl Pass for DiagonalPass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        self.chunks.each(rows, |range, u| {
            let first = rows.start + range.start;
            let sigma = &self.point.scores[first..first + range.len()];
            with_scratch(u.len(), |product| {
                let mut y = vec![0.0; u.len()]; // 3σᵢuᵢ − 2qᵢ
                linalg::scale_rows_into(u, d, |i| 3.0 * sigma[i], &mut y);
                for (b, slice) in self.slices.chunks_exact(d * d).enumerate() {
                    linalg::rows_times_symmetric(u, d, slice, product);
                    for ((y, p), u) in y.chunks_exact_mut(d).zip(product.chunks_exact(d)).zip(u.chunks_exact(d)) {
                        y.iter_mut().zip(p).for_each(|(y, p)| *y -= 2.0 * u[b] * p);
                    }
                }
                linalg::rows_times_symmetric(u, d, self.cv, product);
                for (i, (row, y)) in u.chunks_exact(d).zip(y.chunks_exact(d)).enumerate() {
                    let p = linalg::dot(row, &product[i * d..(i + 1) * d]);
                    let v = linalg::dot(row, self.direction);
                    let square = norm(&linalg::lower_times_vector(self.lower, y)).powi(2);
                    let third = -12.0 * sigma[i] * v + 6.0 * p + 12.0 * v * sigma[i] * sigma[i] - 8.0 * sigma[i] * p;
                    let r = self.point.inverse_slack[first + i];
                    out[range.start + i] = (square + third) * r * r;
                }
            });
        });
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::DenseRows;
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::random_polytope;
    use unhat_testkit::reference;

    #[test]
    fn the_diagonal_is_that_of_the_explicit_matrix() {
        let p = random_polytope(12, 3, 0.7, 1, None);
        let rows = DenseRows::new(&p.a, 3).unwrap();
        let run = Run::default();
        let barrier = Barrier::around(&rows, &p.b, &p.hidden, &run).unwrap();
        let point = barrier.at(&p.hidden, false, &run).unwrap().unwrap();
        let residual = [0.3, -0.2, 0.5];
        let found = diagonal_of_b(&barrier, &point, &residual, &run).unwrap();
        let exact = reference::Point::<f64>::at(&p.a, &p.b, &p.hidden);
        let row = |i: usize| &exact.scaled[3 * i..3 * i + 3];
        let m_inverse = point.factor.inverse();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let projection = |i: usize, j: usize| (0..9).map(|k| row(i)[k % 3] * m_inverse[k] * row(j)[k / 3]).sum::<f64>();
        let v: Vec<f64> = (0..12).map(|i| dot(row(i), &residual)).collect();
        let n_row =
            |i: usize, j: usize| (if i == j { 3.0 * exact.scores[i] } else { 0.0 }) - 2.0 * projection(i, j).powi(2);
        let expected: Vec<f64> = (0..12)
            .map(|i| {
                let along: Vec<f64> = (0..3).map(|k| (0..12).map(|j| n_row(i, j) * row(j)[k]).sum()).collect();
                let p: f64 = (0..12).map(|j| projection(i, j).powi(2) * v[j]).sum();
                let s = exact.scores[i];
                let third = -12.0 * s * v[i] + 6.0 * p + 12.0 * v[i] * s * s - 8.0 * s * p;
                (dot(&along, &along) + third) / exact.slack[i].powi(2)
            })
            .collect();
        assert_all_close(&found, &expected, 1e-11);
    }
}
