//! Who solves: the curvatures and score sources that may be named, and the one of least predicted work.

use super::coreset::coreset_size;
use crate::error::Result;
use crate::gram::{Pattern, prefers_pairs};
use crate::rows::{RowSource, Shape};
use crate::run::Run;

/// Where the curvature of a Newton step comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// The cheapest by predicted work.
    Auto,
    /// The exact Hessian from third moments.
    Exact,
    /// Conjugate gradients on exact Hessian–vector products.
    Cg,
    /// The Hessian of rows drawn by leverage, after the paper.
    Coreset,
    /// Steps to the minimiser of a coreset's own barrier, corrected to touch φ.
    Surrogate,
}

impl Solver {
    /// The word used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Solver::Auto => "auto",
            Solver::Exact => "exact",
            Solver::Cg => "cg",
            Solver::Coreset => "coreset",
            Solver::Surrogate => "surrogate",
        }
    }
}

/// Which leverage scores the first evaluations take; the last ones are exact always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreSource {
    /// Sketched for cg on sparse rows of 64 entries or more, where it was measured to win; else exact.
    #[default]
    Auto,
    /// Exact scores.
    Exact,
    /// Sketched scores with a control variate while the decrement is above 1.
    Sketched,
}

impl ScoreSource {
    /// The word used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ScoreSource::Auto => "auto",
            ScoreSource::Exact => "exact",
            ScoreSource::Sketched => "sketched",
        }
    }
}

/// Columns of the sketch: a relative error of a quarter, which the damped phase does not feel.
pub(super) const SKETCH_COLUMNS: usize = 32;

/// Flops of one evaluation: 2nd² for dense rows; Σ nnz(aᵢ)² twice and d³ for rows that are treated pair by pair.
fn evaluation_flops(shape: &Shape) -> f64 {
    let (n, d, stored) = (shape.rows as f64, shape.columns as f64, shape.stored as f64);
    match prefers_pairs(shape) {
        true => 2.0 * stored * stored / n + d * d * d,
        false => 2.0 * n * d * d,
    }
}

/// Predicted work of a whole solve in units of one evaluation, from n, d and the number of stored entries alone.
///
/// exact: 11 evaluations and Hessians (n·d³/3 + 2d⁴ flops); cg: 35 in all; coreset: 16 with m = 8 d ln d rows
/// (m·d³/3 + 2d⁴); surrogate: 9, 200 md² for its inner steps and three anchors (2m·d³/3 + 4d⁴ each). The counts of steps
/// are medians over random polytopes (bench/record/passes.txt).
pub fn predicted_work(solver: Solver, shape: &Shape) -> f64 {
    let (n, d) = (shape.rows as f64, shape.columns as f64);
    let evaluation = evaluation_flops(shape);
    let (cube, fourth) = (d * d * d, d * d * d * d);
    match solver {
        Solver::Exact => 11.0 * (1.0 + (n * cube / 3.0 + 2.0 * fourth) / evaluation),
        Solver::Coreset => {
            let m = coreset_size(shape.rows, shape.columns) as f64;
            16.0 * (1.0 + (m * cube / 3.0 + 2.0 * fourth) / evaluation)
        }
        Solver::Cg => 35.0,
        Solver::Surrogate => {
            let global = (3.0 * d * (1.0 + d.ln())).max(0.02 * n).min(n);
            let local = (8.0 * d * (1.0 + d.ln())).min(3.6 * n / d).max(global).min(n);
            let inner = 200.0 * global * d * d;
            let anchors = 3.0 * (2.0 * local * cube / 3.0 + 4.0 * fourth);
            9.0 + 40.0 / d + (inner + anchors) / evaluation
        }
        Solver::Auto => f64::INFINITY,
    }
}

/// Sketched scores pay where a row holds more entries than the sketch needs columns, twice over, and steps are many: a
/// seventh of the time of cg at (100000, 500) with 90 a row (bench/record/sketched_scores.jsonl).
pub(super) fn sketches(scores: ScoreSource, solver: Solver, shape: &Shape) -> bool {
    let worth = prefers_pairs(shape) && shape.stored >= 2 * SKETCH_COLUMNS * shape.rows && solver == Solver::Cg;
    match scores {
        // The exact Hessian goes through all of U anyway: its scores come free.
        ScoreSource::Sketched => solver != Solver::Exact,
        ScoreSource::Auto => worth,
        ScoreSource::Exact => false,
    }
}

/// Who solves, and on which pattern if the Gram matrix is kept sparse.
pub(super) struct Choice {
    pub solver: Solver,
    pub pattern: Option<Pattern>,
    pub reason: String,
}

/// The solver of least predicted work. Sparse rows whose Gram matrix has a sparse factor are one more candidate: cg with
/// everything on the pattern of that factor.
pub(super) fn choose(source: &dyn RowSource, asked: Solver, scores: ScoreSource, run: &Run<'_>) -> Result<Choice> {
    let shape = source.shape();
    let (solver, reason) = match asked {
        Solver::Auto => choose_solver(&shape),
        chosen => (chosen, "asked for".to_string()),
    };
    let eligible =
        prefers_pairs(&shape) && matches!(asked, Solver::Auto | Solver::Cg) && scores != ScoreSource::Sketched;
    let pattern = if eligible { Pattern::of_rows(source, run)? } else { None };
    let Some(pattern) = pattern else { return Ok(Choice { solver, pattern, reason }) };
    let work = predicted_sparse_work(&pattern, &shape);
    let fill = format!("a sparse Gram factor of {} entries ({:.0e} flops)", pattern.slots(), pattern.flops);
    if work < predicted_work(solver, &shape) {
        let reason = format!("{reason}; cg with {fill} {work:.1}");
        return Ok(Choice { solver: Solver::Cg, pattern: Some(pattern), reason });
    }
    Ok(Choice { solver, pattern: None, reason: format!("{reason}; cg with {fill} would need {work:.0}") })
}

/// Predicted work of cg on the pattern of a sparse factor, in units of one evaluation with a dense Gram matrix.
///
/// 9 evaluations with the metric, of two factorisations and a selected inverse each, and 4 products, of one each in dual
/// numbers, which count thrice: 30 factorisations and 21 selected inverses; and the pairs of 35 sweeps.
fn predicted_sparse_work(pattern: &Pattern, shape: &Shape) -> f64 {
    // Walking through indices against products of matrices: measured with three random entries a row, d = 2000.
    const INDEXED: f64 = 9.0;
    // Searching for the place of a pair against reading it from a square.
    const SEARCHED: f64 = 3.0;
    let pairs = (shape.stored as f64) * (shape.stored as f64) / shape.rows as f64;
    let on_pattern = 30.0 * pattern.flops + 21.0 * 4.0 * pattern.inverse_flops;
    (35.0 * SEARCHED * 2.0 * pairs + INDEXED * on_pattern) / evaluation_flops(shape)
}

fn choose_solver(shape: &Shape) -> (Solver, String) {
    let candidates =
        [Solver::Exact, Solver::Cg, Solver::Coreset, Solver::Surrogate].map(|s| (s, predicted_work(s, shape)));
    let best = candidates.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(Solver::Cg, |c| c.0);
    let list: Vec<String> = candidates.iter().map(|(s, w)| format!("{} {w:.0}", s.name())).collect();
    (best, format!("least predicted work in evaluations: {}", list.join(", ")))
}
