//! Levenberg–Marquardt with scaled columns on residuals that are given as triangular factors: [J r] = Q [R q; 0 ρ].

use crate::error::Result;
use crate::linalg;

/// R (p×p, lower triangular Rᵀ column-major) and Qᵀr of a linearised problem.
pub(super) struct Linearised {
    /// Rᵀ with RᵀR = JᵀJ.
    pub lower: Vec<f64>,
    /// Qᵀr.
    pub right: Vec<f64>,
}

impl Linearised {
    /// Of rows [J r], p + 1 values each.
    pub fn of(rows: &[f64], p: usize) -> Linearised {
        let (lower, right) = linalg::least_squares_factor(rows, p);
        Linearised { lower, right }
    }

    /// ‖column‖ of J.
    pub fn column_norms(&self) -> Vec<f64> {
        let p = self.right.len();
        let mut squares = vec![0.0; p];
        for column in self.lower.chunks_exact(p) {
            squares.iter_mut().zip(column).for_each(|(s, l)| *s += l * l);
        }
        squares.iter().map(|s| if *s > 0.0 { s.sqrt() } else { 1.0 }).collect()
    }

    /// −(JᵀJ + λD²)⁻¹Jᵀr by one more triangular factor.
    fn step(&self, damping: f64, scale: &[f64]) -> Option<Vec<f64>> {
        let p = scale.len();
        let mut rows = vec![0.0; 2 * p * (p + 1)];
        for i in 0..p {
            // Row i of R is column i of Rᵀ.
            (i..p).for_each(|j| rows[i * (p + 1) + j] = self.lower[j + i * p]);
            rows[i * (p + 1) + p] = self.right[i];
            rows[(p + i) * (p + 1) + i] = damping.sqrt() * scale[i];
        }
        let (lower, right) = linalg::least_squares_factor(&rows, p);
        let step = linalg::solve_lower_transposed(&lower, &right);
        step.iter().all(|v| v.is_finite()).then(|| step.iter().map(|v| -v).collect())
    }
}

/// A problem in p unknowns: residuals, and their linearisation, at x; None where x is out of range.
pub(super) trait Problem {
    /// ‖r(x)‖².
    fn square(&mut self, x: &[f64]) -> Result<Option<f64>>;
    /// [J r] at the x of the last call of `square` that was accepted.
    fn linearised(&mut self, x: &[f64]) -> Result<Option<Linearised>>;
}

/// Where a fit ended.
pub(super) struct Fitted {
    pub x: Vec<f64>,
    pub square: f64,
}

/// Minimises ‖r(x)‖² from `x`; None where the start is out of range.
pub(super) fn levenberg_marquardt(
    problem: &mut dyn Problem,
    mut x: Vec<f64>,
    (most, tolerance): (u32, f64),
) -> Result<Option<Fitted>> {
    const TRIALS: u32 = 25;
    const MOST_DAMPING: f64 = 1e12;
    const LEAST_DAMPING: f64 = 1e-14;
    let Some(mut square) = problem.square(&x)? else { return Ok(None) };
    let mut damping = 1e-3;
    let mut steps = 0;
    while steps < most {
        let Some(linear) = problem.linearised(&x)? else { break };
        let scale = linear.column_norms();
        let mut better = None;
        for _ in 0..TRIALS {
            if let Some(step) = linear.step(damping, &scale) {
                let next: Vec<f64> = x.iter().zip(&step).map(|(x, h)| x + h).collect();
                if let Some(found) = problem.square(&next)?.filter(|f| *f < square) {
                    let size = |v: &[f64]| v.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
                    let still = size(&step) <= 1e-15 * size(&x);
                    better = Some((next, found, still));
                    break;
                }
            }
            damping *= 6.0;
            if damping > MOST_DAMPING {
                break;
            }
        }
        let Some((next, found, still)) = better else { break };
        let settled = (square - found <= tolerance * square && steps > 2) || still;
        (x, square) = (next, found);
        damping = (damping / 6.0).max(LEAST_DAMPING);
        steps += 1;
        if settled {
            break;
        }
    }
    Ok(Some(Fitted { x, square }))
}
