//! Linear programs over the rows of a source: solved on a few rows, then on those with the rows that were violated.

use crate::error::{ErrorKind, Result};
use crate::rows::RowSource;
use crate::run::Run;
use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Coefficients and right-hand side of the constraint that a row (its values, its number) stands for.
pub(super) type Constraint<'a> = &'a dyn Fn(&[f64], usize) -> (Vec<f64>, f64);

/// maximise qᵀz subject to rowᵢ(z) ≤ hᵢ for the rows of a working set, and a few dense constraints.
pub(super) struct LinearProgram<'a> {
    /// The objective q.
    pub objective: &'a [f64],
    /// Further constraints (coefficients, right-hand side), never dropped.
    pub fixed: Vec<(Vec<f64>, f64)>,
}

/// An optimal point and the multipliers of the rows of the working set.
pub(super) struct Optimum {
    pub z: Vec<f64>,
    pub multipliers: Vec<(usize, f64)>,
}

/// Violations up to this much (rows scaled to unit norm) count as none: the solver's own accuracy.
const TOLERANCE: f64 = 1e-9;
/// Rows that are handed to the solver at once without looking which are needed.
const ALL_ROWS_UP_TO: usize = 2000;
const MAX_ROUNDS: usize = 60;
/// How often a request to stop is looked for: well below the 0.2 s that are promised.
const POLL: Duration = Duration::from_millis(1);

impl LinearProgram<'_> {
    /// Solves over all rows: `constraint(row values, row number)` gives the coefficients and right-hand side of a row,
    /// `violations(z)` how far each of the n rows is violated at z.
    pub fn solve(
        &self,
        source: &dyn RowSource,
        constraint: Constraint<'_>,
        violations: &dyn Fn(&[f64]) -> Result<Vec<f64>>,
        run: &Run<'_>,
    ) -> Result<Optimum> {
        let shape = source.shape();
        let (n, d) = (shape.rows, shape.columns);
        let batch = (8 * d + 50).max(ALL_ROWS_UP_TO);
        let mut working: BTreeSet<usize> = match n <= batch {
            true => (0..n).collect(),
            false => (0..batch).map(|k| (k as u128 * n as u128 / batch as u128) as usize).collect(),
        };
        for _ in 0..MAX_ROUNDS {
            run.check()?;
            let rows: Vec<usize> = working.iter().copied().collect();
            let optimum = self.solve_over(source, &rows, constraint, run)?;
            if working.len() == n {
                return Ok(optimum);
            }
            let found = violations(&optimum.z)?;
            let mut worst: Vec<usize> = (0..n).filter(|i| found[*i] > TOLERANCE && !working.contains(i)).collect();
            if worst.is_empty() {
                return Ok(optimum);
            }
            worst.sort_by(|&i, &j| found[j].total_cmp(&found[i]).then(i.cmp(&j)));
            working.extend(worst.into_iter().take(batch / 2));
        }
        Err(ErrorKind::Numerical { reason: "the linear program did not settle on its active rows".into() }.into())
    }

    fn solve_over(
        &self,
        source: &dyn RowSource,
        rows: &[usize],
        constraint: Constraint<'_>,
        run: &Run<'_>,
    ) -> Result<Optimum> {
        let k = self.objective.len();
        let d = source.shape().columns;
        let (mut entries, mut rhs) = (Triplets::default(), Vec::new());
        for part in rows.chunks(1024) {
            for (&i, values) in part.iter().zip(source.gather(part)?.chunks_exact(d)) {
                let (coefficients, bound) = constraint(values, i);
                entries.push_row(rhs.len(), &coefficients);
                rhs.push(bound);
            }
        }
        for (coefficients, bound) in &self.fixed {
            entries.push_row(rhs.len(), coefficients);
            rhs.push(*bound);
        }
        let matrix = CscMatrix::new_from_triplets(rhs.len(), k, entries.rows, entries.columns, entries.values);
        let minimise: Vec<f64> = self.objective.iter().map(|q| -q).collect();
        let settings = DefaultSettings {
            verbose: false,
            tol_gap_abs: 1e-11,
            tol_gap_rel: 1e-11,
            tol_feas: 1e-11,
            max_iter: 300,
            ..Default::default()
        };
        let cones = [NonnegativeConeT(rhs.len())];
        let failed = |reason: String| ErrorKind::Numerical { reason: format!("linear program: {reason}") };
        let mut solver = DefaultSolver::new(&CscMatrix::zeros((k, k)), &minimise, &matrix, &rhs, &cones, settings)
            .map_err(|e| failed(e.to_string()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        solver.set_termination_callback(move |_| seen.load(Ordering::Relaxed));
        std::thread::scope(|scope| {
            // The library's iterations ask a flag that must outlive this call; the run's own flag is handed on to it.
            let worker = scope.spawn(|| solver.solve());
            while !worker.is_finished() {
                stop.fetch_or(run.stopped(), Ordering::Relaxed);
                std::thread::park_timeout(POLL);
            }
        });
        run.check()?;
        match solver.solution.status {
            SolverStatus::Solved | SolverStatus::AlmostSolved | SolverStatus::InsufficientProgress => Ok(Optimum {
                z: solver.solution.x.clone(),
                multipliers: rows.iter().copied().zip(solver.solution.z.iter().copied()).collect(),
            }),
            other => Err(failed(format!("ended {other}")).into()),
        }
    }
}

#[derive(Default)]
struct Triplets {
    rows: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<f64>,
}

impl Triplets {
    fn push_row(&mut self, row: usize, coefficients: &[f64]) {
        for (j, &v) in coefficients.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            self.rows.push(row);
            self.columns.push(j);
            self.values.push(v);
        }
    }
}
