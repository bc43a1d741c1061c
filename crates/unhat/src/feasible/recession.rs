//! Directions along which a cell never ends, and which prove that a target has no solution in it.

use super::linear_program::LinearProgram;
use super::phase_one::Product;
use crate::error::Result;
use crate::linalg::{self, dot, norm};
use crate::rows::{Pass, RowSource, Rows, sweep, with_scratch};
use crate::run::Run;

/// A direction h ≠ 0 with ςᵢaᵢh ≥ 0 for all rows and cᵀh ≥ 0, ‖h‖∞ = 1, with cᵀh; None if the target is attainable.
///
/// φ = V − cᵀx does not grow along such an h (V falls, −cᵀx does not rise), so it has no minimiser in the cell; and if
/// there is none, it has one. Found by one linear program: maximise Σ ςᵢaᵢh/‖aᵢ‖ + cᵀh/‖c‖ over the recession cone.
///
/// # Cost
/// A linear program in d variables over the rows that matter; a product A·h a round.
pub fn unattainable_direction(
    source: &dyn RowSource,
    positive: &[bool],
    target: &[f64],
    run: &Run<'_>,
) -> Result<Option<(Vec<f64>, f64)>> {
    let (n, d) = (source.shape().rows, source.shape().columns);
    let sign = |i: usize| if positive[i] { 1.0 } else { -1.0 };
    let pass = UnitRowSum { positive, columns: d };
    let mut scales = vec![0.0; n];
    let sum = sweep(source, &pass, &mut scales, run)?;
    let size = norm(target);
    let tilt = if size > 0.0 { 1.0 / size } else { 0.0 };
    let objective: Vec<f64> = sum.iter().zip(target).map(|(s, c)| s / n as f64 + tilt * c).collect();
    let mut fixed = vec![(target.iter().map(|c| -tilt * c).collect(), 0.0)];
    for j in 0..d {
        for side in [1.0, -1.0] {
            let mut unit = vec![0.0; d];
            unit[j] = side;
            fixed.push((unit, 1.0));
        }
    }
    let program = LinearProgram { objective: &objective, fixed };
    let constraint = |row: &[f64], i: usize| (row.iter().map(|a| -sign(i) * scales[i] * a).collect::<Vec<f64>>(), 0.0);
    let violations = |h: &[f64]| {
        let mut product = vec![0.0; n];
        sweep(source, &Product(h), &mut product, run)?;
        Ok(product.iter().enumerate().map(|(i, q)| -sign(i) * scales[i] * q).collect())
    };
    let optimum = program.solve(source, &constraint, &violations, run)?;
    if dot(&objective, &optimum.z) < 1e-7 {
        return Ok(None);
    }
    let h = polished(source, &violations, optimum.z)?;
    let slope = dot(target, &h);
    Ok(Some((h, if slope.abs() < 1e-12 * size { 0.0 } else { slope })))
}

/// Moves h onto the rows it is parallel to, so that what is zero there is zero to rounding; scales it to ‖h‖∞ = 1.
fn polished(
    source: &dyn RowSource,
    violations: &dyn Fn(&[f64]) -> Result<Vec<f64>>,
    mut h: Vec<f64>,
) -> Result<Vec<f64>> {
    const NEARLY_PARALLEL: f64 = 1e-6;
    const MOST_ROWS: usize = 4000;
    let d = h.len();
    let before = violations(&h)?;
    let active: Vec<usize> = (0..before.len()).filter(|&i| before[i].abs() < NEARLY_PARALLEL).collect();
    if !active.is_empty() && active.len() <= MOST_ROWS {
        let rows = source.gather(&active)?;
        let mut gram = vec![0.0; d * d];
        let mut scaled = rows.clone();
        let norms: Vec<f64> = rows.chunks_exact(d).map(|row| dot(row, row).max(f64::MIN_POSITIVE)).collect();
        linalg::scale_rows_into(&rows, d, |i| 1.0 / norms[i], &mut scaled);
        linalg::add_gram(&rows, &scaled, d, &mut gram);
        if let Some((values, vectors)) = linalg::symmetric_eigen(&gram, d) {
            let mut projected = h.clone();
            let spanned = vectors.chunks_exact(d).zip(&values).filter(|(_, value)| **value > 1e-9 * values[d - 1]);
            for (v, _) in spanned {
                let along = dot(v, &projected);
                projected.iter_mut().zip(v).for_each(|(p, v)| *p -= along * v);
            }
            let moved = projected.iter().zip(&h).map(|(p, h)| (p - h).abs()).fold(0.0, f64::max);
            if moved < 1e-4 {
                h = projected;
            }
        }
    }
    let largest = h.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    h.iter_mut().for_each(|v| *v /= largest);
    Ok(h)
}

/// Σ ςᵢaᵢ/‖aᵢ‖, and 1/‖aᵢ‖ a row (0 for a zero row).
struct UnitRowSum<'a> {
    positive: &'a [bool],
    columns: usize,
}

impl Pass for UnitRowSum<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.columns]
    }
    fn add(&self, sum: &mut Vec<f64>, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.row_norms_squared_into(out);
        out.iter_mut().for_each(|v| *v = if *v > 0.0 { 1.0 / v.sqrt() } else { 0.0 });
        with_scratch(out.len(), |u| {
            for ((u, scale), positive) in u.iter_mut().zip(&*out).zip(&self.positive[rows.range()]) {
                *u = if *positive { *scale } else { -*scale };
            }
            rows.block.apply_transpose_add(u, sum);
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        crate::gram::merged(left, right)
    }
    fn width(&self) -> usize {
        1
    }
}
