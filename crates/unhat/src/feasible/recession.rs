//! Directions along which a cell never ends, and which prove that a target has no solution in it.

use super::exact;
use super::linear_program::LinearProgram;
use crate::error::Result;
use crate::linalg::{dot, norm};
use crate::rows::{Pass, RowSource, Rows, each_block_while, product, sweep, with_scratch};
use crate::run::Run;
use num_bigint::{BigInt, Sign};

/// A direction h ≠ 0 with ςᵢaᵢh ≥ 0 for all rows and cᵀh ≥ 0, ‖h‖∞ = 1, with cᵀh; None if none was found and proven.
///
/// φ = V − cᵀx does not grow along such an h (V falls, −cᵀx does not rise), so it has no minimiser in the cell; and if
/// there is none, it has one. Found by one linear program: maximise Σ ςᵢaᵢh/‖aᵢ‖ + cᵀh/‖c‖ over the recession cone. Its
/// answer holds within a tolerance only; it is moved to where the rows that it is parallel to vanish exactly, and all
/// signs are then checked in exact arithmetic. What is returned is that direction, rounded.
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
    let violations =
        |h: &[f64]| Ok(product(source, h, run)?.iter().enumerate().map(|(i, q)| -sign(i) * scales[i] * q).collect());
    let optimum = program.solve(source, &constraint, &violations, run)?;
    if dot(&objective, &optimum.z) < 1e-7 {
        return Ok(None);
    }
    let signs = Signs { source, positive, target, run };
    signs.proven_near(&optimum.z, &violations(&optimum.z)?, tilt * dot(target, &optimum.z))
}

/// What a direction must have to prove that a target cannot be reached.
struct Signs<'a> {
    source: &'a dyn RowSource,
    positive: &'a [bool],
    target: &'a [f64],
    run: &'a Run<'a>,
}

impl Signs<'_> {
    /// A direction near h with every sign as it must be, shown in whole numbers; None if none was found.
    ///
    /// `violations` and `slope` are those of h, for rows and target of unit length. Where they nearly vanish, h is moved
    /// to where they vanish exactly.
    fn proven_near(&self, h: &[f64], violations: &[f64], slope: f64) -> Result<Option<(Vec<f64>, f64)>> {
        const NEARLY_PARALLEL: [f64; 4] = [1e-6, 1e-9, 1e-4, 0.0];
        const MOST_ROWS: usize = 2000;
        let mut tried: Vec<(usize, bool)> = Vec::new();
        for tolerance in NEARLY_PARALLEL {
            let active: Vec<usize> = (0..violations.len()).filter(|&i| violations[i].abs() < tolerance).collect();
            for along_target in [false, true] {
                let key = (active.len(), along_target);
                if active.len() > MOST_ROWS || tried.contains(&key) || (along_target && slope.abs() >= tolerance) {
                    continue;
                }
                tried.push(key);
                let mut rows = self.source.gather(&active)?;
                if along_target {
                    rows.extend_from_slice(self.target);
                }
                let equations = rows.chunks_exact(h.len()).map(|row| exact::whole(row).0).collect();
                if let Some(z) = exact::null_vector(equations, h, &vec![false; h.len()], self.run)?
                    && let Some(proof) = self.checked(&z)?
                {
                    return Ok(Some(proof));
                }
            }
        }
        Ok(None)
    }

    /// The direction as floats with ‖h‖∞ = 1, and cᵀh, if ςᵢaᵢz ≥ 0 for every row, not all zero, and cᵀz ≥ 0.
    fn checked(&self, z: &[BigInt]) -> Result<Option<(Vec<f64>, f64)>> {
        let split: Vec<(f64, i64)> = z.iter().map(exact::rounded).collect();
        let top = split.iter().filter(|(m, _)| *m != 0.0).map(|(_, e)| *e).max().unwrap_or(0);
        let float: Vec<f64> = split.iter().map(|(m, e)| exact::times_power(*m, e - top)).collect();
        let (target, e) = exact::whole(self.target);
        let slope = exact::product(&target, z);
        if slope.sign() == Sign::Minus || !self.recedes(z, &float)? {
            return Ok(None);
        }
        let largest = float.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let (m, own) = exact::rounded(&slope);
        let slope = exact::times_power(m / largest, own - top + i64::from(e));
        Ok(Some((float.iter().map(|v| v / largest).collect(), slope)))
    }

    /// Whether ςᵢaᵢz ≥ 0 for every row and not all are zero; `float` is z to a rounding of each entry.
    fn recedes(&self, z: &[BigInt], float: &[f64]) -> Result<bool> {
        let d = z.len();
        // Rounding of the entries and of the sum, four times over; beyond it the sign is that of the sum.
        let rounding = 4.0 * (d as f64 + 2.0) * f64::EPSILON;
        let (mut all, mut moves) = (true, false);
        each_block_while(self.source, self.run, &mut |rows| {
            let (count, start) = (rows.block.rows(), rows.start);
            let (mut sums, mut sizes, mut row) = (vec![0.0; count], vec![0.0; count], vec![0.0; d]);
            rows.block.apply_into(float, &mut sums);
            rows.block.apply_abs_into(float, &mut sizes);
            for i in 0..count {
                let sign = if self.positive[start + i] { 1.0 } else { -1.0 };
                let clear = sums[i].abs() > rounding * sizes[i] + NO_UNDERFLOW && sums[i].is_finite();
                let value = match clear {
                    true => sign * sums[i],
                    false => {
                        rows.block.densify_into(i..i + 1, &mut row);
                        match exact::product(&exact::whole(&row).0, z).sign() {
                            Sign::Minus => -sign,
                            Sign::NoSign => 0.0,
                            Sign::Plus => sign,
                        }
                    }
                };
                all &= value >= 0.0;
                moves |= value > 0.0;
            }
            Ok(all)
        })?;
        Ok(all && moves)
    }
}

/// Sums below this may have lost digits to subnormal numbers.
const NO_UNDERFLOW: f64 = 1e-290;

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
        rows.block.row_norms_into(out);
        out.iter_mut().for_each(|v| *v = if *v > 0.0 { 1.0 / *v } else { 0.0 });
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
