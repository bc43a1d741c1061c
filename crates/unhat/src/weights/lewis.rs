//! ℓp Lewis weights: the weights that are the leverage scores of the rows which they themselves scale.

use super::anderson::Anderson;
use super::forms::Forms;
use super::whitened::{Basis, Whitened};
use crate::error::{ErrorKind, Result, unless_interrupted};
use crate::gram::FactorMethod;
use crate::leverage::{ScoreOptions, Scores, leverage_scores};
use crate::rows::{RowSource, require_plain_columns, row_norms};
use crate::run::{Event, Run};
use crate::solve::{Status, Step};

/// How Lewis weights are computed.
#[derive(Clone, Debug)]
pub struct LewisOptions {
    /// The largest |log(leverage/weight)| of a row at which they are solved.
    pub tolerance: f64,
    /// Evaluations of all scores at most.
    pub max_iterations: u32,
}

impl Default for LewisOptions {
    fn default() -> Self {
        LewisOptions { tolerance: 1e-10, max_iterations: 500 }
    }
}

/// Lewis weights and what is known about them.
#[derive(Clone, Debug)]
pub struct LewisWeights {
    /// w, one a row; 0 for rows of zeros.
    pub values: Vec<f64>,
    /// p.
    pub p: f64,
    /// Whether they are solved.
    pub status: Status,
    /// The certificate: maxᵢ |σᵢ − wᵢ|/wᵢ, σ the leverage scores of diag(w)^(1/2 − 1/p)A, computed anew from the rows given.
    /// (Over 1e−290 for the wᵢ below it, which are hardly numbers any more.)
    pub residual: f64,
    /// For p < 4: no weight of 1e−290 or more is further than this from the exact one, in log w. None above, where no such bound
    /// is known.
    pub log_error: Option<f64>,
    /// Σw.
    pub sum: f64,
    /// The rank of the rows.
    pub rank: usize,
    /// Decimal digits to expect of the scores σ.
    pub digits: f64,
    /// Estimate of the condition of the weighted rows.
    pub condition: f64,
    /// Evaluations of all scores, that of the certificate among them.
    pub passes: u32,
    /// The factorisation of the certificate.
    pub method: FactorMethod,
    /// Why that.
    pub reason: String,
    /// Things the caller should know.
    pub warnings: Vec<String>,
}

/// Differences that are remembered.
const MEMORY: usize = 6;
/// Where the residual grows by this factor over the least so far, the memory misleads.
const GROWTH: f64 = 10.0;
/// Evaluations without progress after which the rest is rounding.
const PATIENCE: u32 = 60;
/// Weights below this are compared with their scores as if they were this.
const LEAST_WEIGHT: f64 = 1e-290;
/// Beyond this condition rows are whitened first.
const WHITEN: f64 = 30.0;

/// ℓp Lewis weights of the rows aᵢ.
///
/// wᵢ = leverage of row i of diag(w)^(1/2 − 1/p)·A
///
/// They sum to the rank, and each counts how much row i can matter in ‖Ax‖ₚ; at p = 2 they are the leverage scores. They exist
/// and are unique for every p > 0. For p = ∞ see [`d_optimal_design`](super::d_optimal_design).
///
/// y = log w is found by y ← y + η(p/2)(log σ − y) with η = 4/(p + 2), which contracts by |p − 2|/(p + 2) near the solution for
/// every p, mixed by Anderson's method over six steps.
///
/// # Shapes
/// `source` n×d.
/// # Cost
/// An evaluation is two sweeps, 2nd² flops or 2 Σ nnz(aᵢ)²; ten to forty of them for p ≤ 8, more beyond. 15 vectors of n.
/// # Errors
/// [`ErrorKind::Option`] for a p that is not a finite number above 0, and for a tolerance; [`ErrorKind::RankDeficient`] where
/// all rows are 0; [`ErrorKind::NotFinite`]; [`ErrorKind::Numerical`] where scores underflow.
/// Not converging is a [`Status`].
/// # Examples
/// ```
/// use unhat::{rows::DenseRows, weights::{LewisOptions, lewis_weights}, Run};
/// let a = [1.0, 0.0, 1.0, 0.0, 0.0, 3.0]; // a row twice, and one across
/// let found = lewis_weights(&DenseRows::new(&a, 2)?, 1.0, &LewisOptions::default(), &Run::default())?;
/// for (w, exact) in found.values.iter().zip([0.5, 0.5, 1.0]) {
///     assert!((w - exact).abs() < 1e-9);
/// }
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// CohenPeng2015; FazelLeePadmanabhanSidford2022.
pub fn lewis_weights(source: &dyn RowSource, p: f64, options: &LewisOptions, run: &Run<'_>) -> Result<LewisWeights> {
    require(p, options)?;
    run.tell(Event::Phase("Lewis weights"));
    require_plain_columns(source, run)?;
    let plain = leverage_scores(source, None, &ScoreOptions::default(), run)?;
    if plain.rank == 0 {
        return Err(ErrorKind::RankDeficient { rank: 0, columns: source.shape().columns }.into());
    }
    let empty = empty_rows(source, &plain, run)?;
    let basis = needs_whitening(source, &plain).then(|| Basis::of(source, run)).transpose()?;
    let whitened = basis.as_ref().map(|basis| Whitened { source, basis });
    let rows = whitened.as_ref().map_or(source, |rows| rows as &dyn RowSource);
    let mut search = Search::of(p, &plain.values, &empty);
    let status = match unless_interrupted(search.solve(rows, options, run))? {
        Some(status) => status,
        None if search.best.0.is_finite() => Status::Interrupted,
        None => return Err(ErrorKind::Interrupted.into()),
    };
    search.certified(source, status, (options, &plain), run)
}

/// The largest of numbers that are not negative; NaN where one of them is.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |most: f64, r| if most.is_nan() || r.is_nan() { f64::NAN } else { most.max(r) })
}

fn require(p: f64, options: &LewisOptions) -> Result<()> {
    if !(p > 0.0 && p.is_finite()) {
        let reason = format!(
            "found {p}, expected a finite number above 0{}",
            if p == f64::INFINITY { "; for p = infinity use a D-optimal design" } else { "" }
        );
        return Err(ErrorKind::Option { name: "p".into(), reason }.into());
    }
    let tolerance = options.tolerance;
    if !(tolerance > 0.0 && tolerance < 1.0) {
        let reason = format!("found {tolerance}, expected a number between 0 and 1");
        return Err(ErrorKind::Option { name: "tol".into(), reason }.into());
    }
    if options.max_iterations == 0 {
        let reason = "found 0, expected at least 1".into();
        return Err(ErrorKind::Option { name: "max-iter".into(), reason }.into());
    }
    Ok(())
}

/// Whether evaluations need other coordinates than the given ones.
pub(super) fn needs_whitening(source: &dyn RowSource, plain: &Scores) -> bool {
    plain.rank < source.shape().columns || plain.condition > WHITEN && !crate::gram::prefers_pairs(&source.shape())
}

/// Which rows are zero; a row that is not, and whose score is nevertheless, is an error.
pub(super) fn empty_rows(source: &dyn RowSource, plain: &Scores, run: &Run<'_>) -> Result<Vec<bool>> {
    let norms = row_norms(source, run)?;
    if let Some(row) = (0..norms.len()).find(|&i| norms[i] > 0.0 && plain.values[i] < f64::MIN_POSITIVE) {
        let reason = format!(
            "row {} is so small beside the others that its leverage underflows: leave it out, or rescale it",
            row + 1
        );
        return Err(ErrorKind::Numerical { reason }.into());
    }
    Ok(norms.iter().map(|norm| *norm == 0.0).collect())
}

/// The iteration on y = log w, over the rows that are not zero.
struct Search<'a> {
    p: f64,
    empty: &'a [bool],
    y: Vec<f64>,
    /// The least residual so far, and its y.
    best: (f64, Vec<f64>),
    passes: u32,
}

impl<'a> Search<'a> {
    /// From the leverage scores: the solution at p = 2, and one evaluation on the way from equal weights.
    fn of(p: f64, scores: &[f64], empty: &'a [bool]) -> Self {
        let start = (scores.iter().sum::<f64>() / empty.iter().filter(|empty| !**empty).count() as f64).ln();
        let step = 2.0 * p / (p + 2.0);
        let towards = |(score, empty): (&f64, &bool)| if *empty { 0.0 } else { start + step * (score.ln() - start) };
        let y = scores.iter().zip(empty).map(towards).collect();
        Search { p, empty, y, best: (f64::INFINITY, Vec::new()), passes: 1 }
    }

    /// The exponent of w in the row scale.
    fn exponent(&self) -> f64 {
        0.5 - 1.0 / self.p
    }

    /// The row scale w^(1/2 − 1/p), up to one factor, which is e to the second number: the largest is 1.
    fn scale(&self, y: &[f64]) -> (Vec<f64>, f64) {
        let exponent = self.exponent();
        let logs = || y.iter().zip(self.empty).filter(|(_, empty)| !**empty).map(|(y, _)| exponent * y);
        let top = logs().fold(f64::NEG_INFINITY, f64::max);
        let scale = |(y, empty): (&f64, &bool)| if *empty { 0.0 } else { (exponent * y - top).exp() };
        (y.iter().zip(self.empty).map(scale).collect(), top)
    }

    fn solve(&mut self, rows: &dyn RowSource, options: &LewisOptions, run: &Run<'_>) -> Result<Status> {
        let step = 2.0 * self.p / (self.p + 2.0);
        let mut memory = Anderson::new(MEMORY);
        let mut last_progress = 0;
        for iteration in 0..options.max_iterations {
            let (scale, top) = self.scale(&self.y);
            let forms = Forms::at(rows, &scale, run)?;
            self.passes += 1;
            let logs = |i: usize| 2.0 * (self.exponent() * self.y[i] - top) + forms.tau[i].ln();
            let mut defect: Vec<f64> =
                (0..self.y.len()).map(|i| if self.empty[i] { 0.0 } else { logs(i) - self.y[i] }).collect();
            let residual = largest(defect.iter().map(|r| r.abs()));
            if !residual.is_finite() {
                let reason = format!("at p = {} a Lewis weight leaves the range of numbers", self.p);
                return Err(ErrorKind::Numerical { reason }.into());
            }
            let weight: Vec<f64> = self.y.iter().map(|y| y.exp()).collect();
            let spread: f64 = defect.iter().zip(&weight).map(|(r, w)| w * r * r).sum();
            run.tell(Event::Step(&Step {
                iteration,
                passes: self.passes,
                work: f64::from(self.passes),
                decrement: spread.sqrt(),
                residual,
                step_length: if iteration == 0 { 0.0 } else { 1.0 },
                certificate: None,
            }));
            if residual < self.best.0 {
                if residual < 0.5 * self.best.0 {
                    last_progress = iteration;
                }
                self.best = (residual, self.y.clone());
            }
            if residual <= options.tolerance {
                return Ok(Status::Solved);
            }
            if iteration - last_progress > PATIENCE {
                return Ok(Status::Stalled);
            }
            if residual > GROWTH * self.best.0 {
                memory.restart();
            }
            defect.iter_mut().for_each(|r| *r *= step);
            self.y = memory.next(&self.y, &defect, &weight);
            run.check()?;
        }
        Ok(Status::IterationLimit)
    }

    /// The best weights, and the residual that the rows as given have there.
    fn certified(
        self,
        source: &dyn RowSource,
        mut status: Status,
        (options, plain): (&LewisOptions, &Scores),
        run: &Run<'_>,
    ) -> Result<LewisWeights> {
        let y = &self.best.1;
        let values: Vec<f64> = y.iter().zip(self.empty).map(|(y, empty)| if *empty { 0.0 } else { y.exp() }).collect();
        // What was found before an interruption is still checked.
        let unstopped = Run { stop: None, ..*run };
        let run = if status == Status::Interrupted { &unstopped } else { run };
        let scores = leverage_scores(source, Some(&self.scale(y).0), &ScoreOptions::default(), run)?;
        if scores.rank != plain.rank {
            let reason = format!(
                "the rows have rank {}, but {} when they are weighted: the weights differ too much in size",
                plain.rank, scores.rank
            );
            return Err(ErrorKind::Numerical { reason }.into());
        }
        // Below the least weight a number has no digits for a share of it.
        let defects = scores.values.iter().zip(&values).map(|(s, w)| (s - w).abs() / w.max(LEAST_WEIGHT));
        let residual = largest(defects);
        let digits = scores.digits.min(plain.digits);
        let mut warnings = scores.warnings.clone();
        let allowed = 10.0 * options.tolerance.max(10f64.powf(-digits));
        if status == Status::Solved && (residual > allowed || residual.is_nan()) {
            status = Status::Stalled;
        }
        if status == Status::Stalled {
            warnings.push(format!(
                "rounding ends the search at a residual of {residual:.1e}: the scores have about {digits:.0} digits"
            ));
        }
        // log σ = log w to |log(1 ± r)|; for p < 4 the iteration with η = 1 contracts by |1 − p/2| in the largest norm.
        let p = self.p;
        let contraction = (1.0 - p / 2.0).abs();
        let log_error =
            (contraction < 1.0 && residual < 1.0).then(|| -(-residual).ln_1p() * (p / 2.0) / (1.0 - contraction));
        Ok(LewisWeights {
            p,
            status,
            residual,
            log_error,
            sum: values.iter().sum(),
            rank: scores.rank,
            digits,
            condition: scores.condition,
            passes: self.passes + 1,
            method: scores.method,
            reason: scores.reason,
            warnings,
            values,
        })
    }
}
