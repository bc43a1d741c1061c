//! Scores and gradient together: the x that fits both best, by Levenberg–Marquardt in one cell.

use super::release::Released;
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::gram::FactorMethod;
use crate::linalg::{self, dot, norm};
use crate::rows::RowSource;
use crate::run::Run;

/// ½‖σ(x) − σ̂‖² + ½‖g(x) − ĝ‖² over the released rows: with one noise on both, minus the log-likelihood.
pub(super) struct JointFit<'a> {
    source: &'a dyn RowSource,
    offset: &'a [f64],
    target: Vec<f64>,
    weight: Vec<f64>,
    gradient: &'a [f64],
}

/// Steps: the start is the answer to one half of the release, so that a few suffice.
const MOST_STEPS: usize = 8;
/// A step that changes no slack by more than this share is the last.
const TOLERANCE: f64 = 1e-9;
/// A step that lowers the squared misfit by no more than this share moves x by less than 10⁻³ of what noise leaves.
const LEAST_GAIN: f64 = 1e-7;
/// Damping of the first step relative to the diagonal of the normal equations.
const FIRST_DAMPING: f64 = 1e-6;
/// Damping beyond this means that no direction descends.
const MOST_DAMPING: f64 = 1e6;
/// No slack may lose more than this share in one step.
const SLACK_LOSS_CAP: f64 = 0.95;

struct At<'a> {
    barrier: Barrier<'a>,
    point: Point,
    scores: Vec<f64>,
    gradient: Vec<f64>,
    misfit: f64,
}

/// Misfit, x, and the misfits on the way.
type Polished = (f64, Vec<f64>, Vec<f64>);

impl<'a> JointFit<'a> {
    pub fn new(source: &'a dyn RowSource, offset: &'a [f64], released: &'a Released) -> Result<Self> {
        let n = offset.len();
        let (mut target, mut weight) = (vec![0.0; n], vec![0.0; n]);
        for (k, &score) in released.scores.iter().enumerate() {
            let row = released.rows.as_ref().map_or(k, |rows| rows[k]);
            target[row] = score;
            weight[row] = 1.0;
        }
        Ok(JointFit { source, offset, target, weight, gradient: &released.gradient })
    }

    /// The misfit at x; None where x lies on a facet.
    pub fn misfit(&self, x: &[f64], run: &Run<'_>) -> Result<Option<f64>> {
        let Some(positive) = self.cell_of(x, run)? else { return Ok(None) };
        Ok(self.at(x, &positive, run)?.map(|at| at.misfit))
    }

    fn cell_of(&self, x: &[f64], run: &Run<'_>) -> Result<Option<Vec<bool>>> {
        match Barrier::around(self.source, self.offset, x, run) {
            Ok(barrier) => Ok(Some(barrier.positive().to_vec())),
            Err(e) if matches!(e.kind(), ErrorKind::ZeroSlack { .. } | ErrorKind::NotFinite { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Fits from x within its cell; None where x lies on a facet.
    pub fn polished(&self, x: &[f64], run: &Run<'_>) -> Result<Option<Polished>> {
        let Some(positive) = self.cell_of(x, run)? else { return Ok(None) };
        let Some(mut at) = self.at(x, &positive, run)? else { return Ok(None) };
        let mut misfits = vec![at.misfit];
        let mut damping = FIRST_DAMPING;
        for _ in 0..MOST_STEPS {
            let (gram, slope) = self.normal_equations(&at, run)?;
            let Some((next, change)) = self.step(&at, &gram, &slope, &positive, &mut damping, run)? else { break };
            let gained = 1.0 - (next.misfit / at.misfit).powi(2);
            at = next;
            misfits.push(at.misfit);
            if change <= TOLERANCE || gained <= LEAST_GAIN {
                break;
            }
        }
        Ok(Some((at.misfit, at.point.x, misfits)))
    }

    fn at(&self, x: &[f64], positive: &[bool], run: &Run<'_>) -> Result<Option<At<'a>>> {
        let barrier = Barrier::new(self.source, self.offset, positive.to_vec())?;
        barrier.set_precision(FactorMethod::CholeskyQr2);
        let Some(point) = barrier.at(x, false, run)? else { return Ok(None) };
        let difference = |(value, target): (&f64, &f64)| value - target;
        let mut scores: Vec<f64> = point.scores.iter().zip(&self.target).map(difference).collect();
        scores.iter_mut().zip(&self.weight).for_each(|(r, w)| *r *= w);
        let gradient: Vec<f64> = point.gradient.iter().zip(self.gradient).map(difference).collect();
        let misfit = norm(&scores).hypot(norm(&gradient));
        Ok(Some(At { barrier, point, scores, gradient, misfit }))
    }

    /// JᵀΩJ + HᵀH and JᵀΩr_σ + Hᵀr_g in the coordinates whitened by L: H = L H_w Lᵀ.
    fn normal_equations(&self, at: &At<'_>, run: &Run<'_>) -> Result<(Vec<f64>, Vec<f64>)> {
        let d = at.point.x.len();
        let normal = at.barrier.score_normal_equations(&at.point, &at.scores, &self.weight, run)?;
        let whitened = at.barrier.whitened_hessian(&at.point, run)?.h;
        let mut root = vec![0.0; d * d]; // L H_w
        linalg::add_product(at.point.factor.lower(), &whitened, d, d, d, &mut root);
        let pulled: Vec<f64> = (0..d).map(|j| dot(&root[j * d..(j + 1) * d], &at.gradient)).collect();
        let slope = normal.gradient.iter().zip(&pulled).map(|(s, g)| s + g).collect();
        linalg::transpose(&mut root, d);
        let mut gram = normal.gram;
        linalg::add_outer_product(&root, &root, d, 1.0, &mut gram);
        linalg::symmetrise(&mut gram, d);
        Ok((gram, slope))
    }

    /// The next point and the largest relative change of a slack; None where nothing can be gained.
    fn step(
        &self,
        at: &At<'_>,
        gram: &[f64],
        slope: &[f64],
        positive: &[bool],
        damping: &mut f64,
        run: &Run<'_>,
    ) -> Result<Option<(At<'a>, f64)>> {
        let d = slope.len();
        while *damping <= MOST_DAMPING {
            run.check()?;
            let mut damped = gram.to_vec();
            (0..d).for_each(|j| damped[j + j * d] *= 1.0 + *damping);
            if linalg::cholesky_in_place(&mut damped, d) {
                let whitened: Vec<f64> = linalg::cholesky_solve(&damped, slope).iter().map(|k| -k).collect();
                let h = at.point.factor.half_solve_transposed(&whitened);
                let relative = at.barrier.scaled_rows_times(&at.point, &h, run)?;
                let worst = relative.iter().fold(0.0, |a: f64, v| a.min(*v));
                let length = if worst < 0.0 { (SLACK_LOSS_CAP / -worst).min(1.0) } else { 1.0 };
                let x: Vec<f64> = at.point.x.iter().zip(&h).map(|(x, h)| x + length * h).collect();
                let change = length * relative.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
                match self.at(&x, positive, run)? {
                    Some(next) if next.misfit < at.misfit => {
                        *damping = (0.1 * *damping).max(f64::EPSILON);
                        return Ok(Some((next, change)));
                    }
                    _ if change <= TOLERANCE => return Ok(None),
                    _ => {}
                }
            }
            *damping *= 10.0;
        }
        Ok(None)
    }
}
