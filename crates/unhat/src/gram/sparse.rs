//! LDLᵀ of a sparse Gram matrix on a pattern known beforehand.

use super::number::Number;
use super::pattern::Pattern;
use crate::linalg::vectorised;
use std::sync::Arc;

/// L and D with LDLᵀ = B on the slots of a pattern, column by column: D on the diagonal slots, the unit L below; None
/// where a pivot is not positive.
///
/// Our own loop, and not the library's, because it runs in dual numbers too, where B + tN gives the derivative of L and D
/// along N, and in doubled precision.
///
/// # Cost
/// `pattern.flops`.
pub(crate) fn ldlt<T: Number>(pattern: &Pattern, b: &[T]) -> Option<Vec<T>> {
    // A pivot that is all rounding says that the columns are dependent.
    vectorised(|| {
        factored(pattern, b, |pivot, diagonal| if pivot > f64::EPSILON * diagonal { Pivot::Kept } else { Pivot::Fails })
    })
}

/// What becomes of a column by its pivot.
enum Pivot<T> {
    Kept,
    /// Its pivot becomes this huge number: in all solves and inverses the column is not there.
    LeftOut(T),
    Fails,
}

/// Of a column that is left out: its reciprocal is nothing beside any other, and products with 0 stay 0.
const HUGE: f64 = 1e300;

#[inline(always)]
fn factored<T: Number>(pattern: &Pattern, b: &[T], mut judge: impl FnMut(f64, f64) -> Pivot<T>) -> Option<Vec<T>> {
    let mut factor = vec![T::default(); pattern.slots()];
    let mut column = vec![T::default(); pattern.dim()];
    for k in 0..pattern.dim() {
        let slots = pattern.starts[k]..pattern.starts[k + 1];
        slots.clone().for_each(|s| column[pattern.rows[s] as usize] = b[s]);
        for &(j, slot) in &pattern.row_slots[pattern.row_starts[k]..pattern.row_starts[k + 1]] {
            let (j, slot) = (j as usize, slot as usize);
            let f = factor[slot] * factor[pattern.starts[j]];
            let end = pattern.starts[j + 1];
            let run = pattern.runs[j].max(slot);
            for (&i, &l) in pattern.rows[slot..run].iter().zip(&factor[slot..run]) {
                column[i as usize] -= l * f;
            }
            let first = pattern.rows[run] as usize;
            for (c, &l) in column[first..first + end - run].iter_mut().zip(&factor[run..end]) {
                *c -= l * f;
            }
        }
        let pivot = column[k];
        if !pivot.value().is_finite() {
            return None;
        }
        match judge(pivot.value(), b[slots.start].value()) {
            Pivot::Kept => {}
            Pivot::Fails => return None,
            Pivot::LeftOut(huge) => {
                factor[slots.start] = huge; // and no entries below
                continue;
            }
        }
        factor[slots.start] = pivot;
        let inverse = T::ONE / pivot;
        (slots.start + 1..slots.end).for_each(|s| factor[s] = column[pattern.rows[s] as usize] * inverse);
    }
    Some(factor)
}

/// F = PᵀLD^½ with FFᵀ = B, for a sparse B.
#[derive(Clone, Debug)]
pub(crate) struct SparseFactor {
    pattern: Arc<Pattern>,
    matrix: Vec<f64>,
    factor: Vec<f64>,
}

impl SparseFactor {
    /// The factor of B, given on the slots; None if B is not positive definite to rounding.
    pub fn of_matrix(pattern: &Arc<Pattern>, matrix: Vec<f64>) -> Option<SparseFactor> {
        let factor = ldlt(pattern, &matrix)?;
        Some(SparseFactor { pattern: pattern.clone(), matrix, factor })
    }

    /// The factor of a semidefinite B without the columns whose pivot is at most `limit` times their diagonal, and the
    /// shares that those pivots were: all rounding, where the columns depend on the others.
    pub fn of_semidefinite(pattern: &Arc<Pattern>, matrix: Vec<f64>, limit: f64) -> (SparseFactor, Vec<f64>) {
        let mut shares = Vec::new();
        let factor = vectorised(|| {
            factored(pattern, &matrix, |pivot, diagonal| {
                if pivot > limit * diagonal {
                    return Pivot::Kept;
                }
                shares.push(if diagonal > 0.0 { pivot / diagonal } else { 0.0 });
                Pivot::LeftOut(HUGE)
            })
        });
        (SparseFactor { pattern: pattern.clone(), matrix, factor: factor.unwrap_or_default() }, shares)
    }

    /// The factor of a matrix of no columns.
    pub fn empty(pattern: &Arc<Pattern>) -> SparseFactor {
        SparseFactor { pattern: pattern.clone(), matrix: Vec::new(), factor: Vec::new() }
    }

    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// B on the slots.
    pub fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    /// D and L on the slots.
    pub fn values(&self) -> &[f64] {
        &self.factor
    }

    /// log det B.
    pub fn log_det(&self) -> f64 {
        (0..self.pattern.dim()).map(|k| self.factor[self.pattern.starts[k]].ln()).sum()
    }

    /// The half solve F⁻¹v.
    pub fn half_solve(&self, v: &[f64]) -> Vec<f64> {
        let p = &*self.pattern;
        let mut y = vec![0.0; p.dim()];
        p.place.iter().zip(v).for_each(|(&k, v)| y[k as usize] = *v);
        for k in 0..p.dim() {
            let below = p.starts[k] + 1..p.starts[k + 1];
            let value = y[k];
            for (&i, l) in p.rows[below.clone()].iter().zip(&self.factor[below]) {
                y[i as usize] -= l * value;
            }
            y[k] = value / self.factor[p.starts[k]].sqrt();
        }
        y
    }

    /// The other half, F⁻ᵀy.
    pub fn half_solve_transposed(&self, y: &[f64]) -> Vec<f64> {
        let p = &*self.pattern;
        let mut z = y.to_vec();
        for k in (0..p.dim()).rev() {
            let below = p.starts[k] + 1..p.starts[k + 1];
            let sum: f64 = p.rows[below.clone()].iter().zip(&self.factor[below]).map(|(&i, l)| l * z[i as usize]).sum();
            z[k] = z[k] / self.factor[p.starts[k]].sqrt() - sum;
        }
        p.place.iter().map(|&k| z[k as usize]).collect()
    }

    /// B⁻¹, full and dense, in the order of the columns of A: LDLᵀz = e for eight columns at a time.
    ///
    /// # Cost
    /// 4d·(nonzeros of L) flops, and d² values.
    pub fn inverse(&self) -> Vec<f64> {
        vectorised(|| self.solved_columns())
    }

    #[inline(always)]
    fn solved_columns(&self) -> Vec<f64> {
        const LANES: usize = 8;
        let p = &*self.pattern;
        let d = p.dim();
        let mut inverse = vec![0.0; d * d];
        let mut y = vec![[0.0f64; LANES]; d];
        for first in (0..d).step_by(LANES) {
            let lanes = LANES.min(d - first);
            y.fill([0.0; LANES]);
            (0..lanes).for_each(|t| y[p.place[first + t] as usize][t] = 1.0);
            let start = (0..lanes).map(|t| p.place[first + t] as usize).min().unwrap_or(0);
            for k in start..d {
                let value = y[k];
                for s in p.starts[k] + 1..p.starts[k + 1] {
                    let (l, to) = (self.factor[s], &mut y[p.rows[s] as usize]);
                    (0..LANES).for_each(|t| to[t] -= l * value[t]);
                }
            }
            for k in (0..d).rev() {
                let pivot = self.factor[p.starts[k]];
                let mut value = y[k];
                value.iter_mut().for_each(|v| *v /= pivot);
                for s in p.starts[k] + 1..p.starts[k + 1] {
                    let (l, from) = (self.factor[s], &y[p.rows[s] as usize]);
                    (0..LANES).for_each(|t| value[t] -= l * from[t]);
                }
                y[k] = value;
            }
            for (t, column) in inverse[first * d..(first + lanes) * d].chunks_exact_mut(d).enumerate() {
                column.iter_mut().zip(&p.place).for_each(|(z, &k)| *z = y[k as usize][t]);
            }
        }
        inverse
    }

    /// The product Fᵀv.
    pub fn transposed_times(&self, v: &[f64]) -> Vec<f64> {
        let p = &*self.pattern;
        let mut y = vec![0.0; p.dim()];
        p.place.iter().zip(v).for_each(|(&k, v)| y[k as usize] = *v);
        for k in 0..p.dim() {
            let below = p.starts[k] + 1..p.starts[k + 1];
            let sum: f64 = p.rows[below.clone()].iter().zip(&self.factor[below]).map(|(&i, l)| l * y[i as usize]).sum();
            y[k] = (y[k] + sum) * self.factor[p.starts[k]].sqrt();
        }
        y
    }

    /// The product Bv.
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        let p = &*self.pattern;
        let mut x = vec![0.0; p.dim()];
        p.place.iter().zip(v).for_each(|(&k, v)| x[k as usize] = *v);
        let mut y = vec![0.0; p.dim()];
        for k in 0..p.dim() {
            let below = p.starts[k] + 1..p.starts[k + 1];
            let mut sum = self.matrix[p.starts[k]] * x[k];
            for (&i, b) in p.rows[below.clone()].iter().zip(&self.matrix[below]) {
                y[i as usize] += b * x[k];
                sum += b * x[i as usize];
            }
            y[k] += sum;
        }
        p.place.iter().map(|&k| y[k as usize]).collect()
    }

    /// The diagonal of B, in the order of the columns of A.
    pub fn diagonal(&self) -> Vec<f64> {
        self.pattern.diagonal(&self.matrix).collect()
    }

    /// F, dense: one column after the other, in the order of the columns of A.
    pub fn dense_columns(&self) -> Vec<f64> {
        let p = &*self.pattern;
        let d = p.dim();
        let mut of_place = vec![0usize; d];
        p.place.iter().enumerate().for_each(|(j, &k)| of_place[k as usize] = j);
        let mut f = vec![0.0; d * d];
        for k in 0..d {
            let root = self.factor[p.starts[k]].sqrt();
            f[of_place[k] + k * d] = root;
            for s in p.starts[k] + 1..p.starts[k + 1] {
                f[of_place[p.rows[s] as usize] + k * d] = self.factor[s] * root;
            }
        }
        f
    }

    /// ‖F⁻¹a‖² of sparse rows by triangular solves along the elimination tree: slower than a selected inverse, and with
    /// the error bounds of substitution.
    pub fn solved_norms<'r>(&self, rows: impl Iterator<Item = (&'r [u32], &'r [f64])>, mut f: impl FnMut(usize, f64)) {
        let p = &*self.pattern;
        let mut y = vec![0.0; p.dim()];
        let mut heads: Vec<usize> = Vec::new(); // where each entry has got to on its way to the root
        for (row, (indices, values)) in rows.enumerate() {
            heads.clear();
            for (&j, &a) in indices.iter().zip(values) {
                let k = p.place[j as usize] as usize;
                y[k] = a;
                heads.push(k);
            }
            let mut norm = 0.0;
            while let Some(k) = heads.iter().min().copied() {
                let below = p.starts[k] + 1..p.starts[k + 1];
                let value = std::mem::take(&mut y[k]);
                for (&i, l) in p.rows[below.clone()].iter().zip(&self.factor[below]) {
                    y[i as usize] -= l * value;
                }
                norm += value * value / self.factor[p.starts[k]];
                heads.retain(|&head| head != k);
                heads.extend(p.parent(k));
            }
            f(row, norm);
        }
    }

    /// Products that [`SparseFactor::solved_norms`] takes at most for rows with these columns: the lengths of the columns
    /// on the way of each entry to the root.
    pub fn solve_flops<'r>(&self, rows: impl Iterator<Item = &'r [u32]>) -> f64 {
        let p = &*self.pattern;
        let mut path = vec![0.0; p.dim()];
        for k in (0..p.dim()).rev() {
            path[k] = (p.starts[k + 1] - p.starts[k]) as f64 + p.parent(k).map_or(0.0, |parent| path[parent]);
        }
        rows.flatten().map(|&j| path[p.place[j as usize] as usize]).sum()
    }

    /// trace B⁻¹ = Σ ‖F⁻¹eⱼ‖².
    pub fn inverse_trace(&self) -> f64 {
        let columns: Vec<u32> = (0..self.pattern.dim() as u32).collect();
        let mut trace = 0.0;
        self.solved_norms(columns.chunks(1).map(|j| (j, &[1.0][..])), |_, norm| trace += norm);
        trace
    }
}
