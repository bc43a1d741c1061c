//! Covariates without what the factors explain of them: their residuals as rows that are made block by block.

use super::cells::{Cells, NO_CELL};
use super::exact::Eliminated;
use super::probes::{LANES, Products};
use crate::error::{ErrorKind, Result};
use crate::memory::require_memory;
use crate::rows::{Block, DenseBlock, RowSource, Rows, Shape, each_block};
use crate::run::Run;
use std::ops::Range;

/// How S is solved.
pub(super) enum Solver<'a> {
    Exact(&'a Eliminated),
    Conjugate(&'a Products<'a>),
}

/// x̃ᵢ = xᵢ − α(level) − Σ θ(columns): the residuals of the least-squares fit of each covariate on the factors.
pub(super) struct Within<'a> {
    source: &'a dyn RowSource,
    cells: &'a Cells,
    level_of: Vec<u32>,
    /// α, `width` values a level, and θ, `width` a column.
    alpha: Vec<f64>,
    theta: Vec<f64>,
    /// Covariates that are lent: those that the factors do not explain.
    kept: Vec<usize>,
}

/// A covariate that has less than this share of its length left depends on the factors: the rest is rounding.
const DEPENDENT: f64 = 1e-11;

impl<'a> Within<'a> {
    /// Fits every covariate on the factors, twice, so that rounding of the first fit is fitted too; the covariates that
    /// depend on the factors, and the digits that the others lost.
    ///
    /// # Cost
    /// Five sweeps and two solves a covariate; 16 bytes a level and covariate.
    pub fn of(
        source: &'a dyn RowSource,
        weights: Option<&[f64]>,
        cells: &'a Cells,
        solver: &Solver<'_>,
        run: &Run<'_>,
    ) -> Result<(Within<'a>, Vec<usize>, f64)> {
        let width = source.shape().columns;
        let levels = cells.levels() + cells.width();
        require_memory("the means of covariates by level", (levels as u64 * width as u64).saturating_mul(32))?;
        let mut within = Within {
            source,
            cells,
            level_of: cells.levels_of_cells(),
            alpha: vec![0.0; cells.levels() * width],
            theta: vec![0.0; cells.width() * width],
            kept: (0..width).collect(),
        };
        let before = within.lengths(weights, run)?;
        for _ in 0..2 {
            within.refit(weights, solver, run)?;
        }
        let after = within.lengths(weights, run)?;
        let share: Vec<f64> =
            before.iter().zip(&after).map(|(b, a)| if *b > 0.0 { (a / b).sqrt() } else { 0.0 }).collect();
        let dependent: Vec<usize> = (0..width).filter(|&j| share[j] <= DEPENDENT).collect();
        within.kept.retain(|&j| share[j] > DEPENDENT);
        let least = within.kept.iter().map(|&j| share[j]).fold(1.0, f64::min);
        Ok((within, dependent, -least.log10()))
    }

    /// Σ wᵢx̃ᵢ² of every covariate.
    fn lengths(&self, weights: Option<&[f64]>, run: &Run<'_>) -> Result<Vec<f64>> {
        let mut sums = vec![0.0; self.kept.len()];
        self.each_row(run, |row, _, x| {
            let w = weights.map_or(1.0, |w| w[row]);
            sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += w * x * x);
        })?;
        match sums.iter().position(|sum| !sum.is_finite()) {
            None => Ok(sums),
            Some(column) => {
                crate::rows::require_finite(self.source, "covariates")?;
                Err(ErrorKind::Shape {
                    what: format!("covariate {}", column + 1),
                    expected: "squares of its numbers within the range of a double".into(),
                    found: "larger ones: change its unit".into(),
                }
                .into())
            }
        }
    }

    /// Adds the fit of what is left.
    fn refit(&mut self, weights: Option<&[f64]>, solver: &Solver<'_>, run: &Run<'_>) -> Result<()> {
        let (cells, width) = (self.cells, self.kept.len());
        // Σ wx by cell would be larger than by level and column: two sweeps instead.
        let level_weight = cells.level_weights();
        let mut mean = vec![0.0; cells.levels() * width];
        self.each_row(run, |row, cell, x| {
            let level = self.level_of[cell] as usize;
            let share = weights.map_or(1.0, |w| w[row]) / level_weight[level];
            mean[level * width..(level + 1) * width].iter_mut().zip(x).for_each(|(m, x)| *m += share * x);
        })?;
        let mut right = vec![0.0; cells.width() * width];
        self.each_row(run, |row, cell, x| {
            let (level, w) = (self.level_of[cell] as usize, weights.map_or(1.0, |w| w[row]));
            let mean = &mean[level * width..(level + 1) * width];
            for &column in cells.columns_of(cell) {
                let right = &mut right[column as usize * width..][..width];
                right.iter_mut().zip(x.iter().zip(mean)).for_each(|(r, (x, m))| *r += w * (x - m));
            }
        })?;
        let step = solved(solver, &right, width, run)?;
        // α = the mean of x − θ over the level
        for cell in 0..cells.len() {
            let level = self.level_of[cell] as usize;
            let share = cells.weight[cell] / level_weight[level];
            for &column in cells.columns_of(cell) {
                let step = &step[column as usize * width..][..width];
                mean[level * width..(level + 1) * width].iter_mut().zip(step).for_each(|(m, s)| *m -= share * s);
            }
        }
        self.alpha.iter_mut().zip(&mean).for_each(|(a, m)| *a += m);
        self.theta.iter_mut().zip(&step).for_each(|(t, s)| *t += s);
        Ok(())
    }

    /// Calls `f(row, its cell, its residuals)` for every row that has weight, in order.
    fn each_row(&self, run: &Run<'_>, mut f: impl FnMut(usize, usize, &[f64])) -> Result<()> {
        let width = self.kept.len();
        each_block(self, run, &mut |rows| {
            let Block::Dense(block) = rows.block else { return Ok(()) };
            for (row, x) in rows.range().zip(block.values.chunks_exact(width.max(1))) {
                if self.cells.of_row[row] != NO_CELL {
                    f(row, self.cells.of_row[row] as usize, x);
                }
            }
            Ok(())
        })
    }

    fn lend_residuals(&self, rows: &Rows<'_>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let (count, width, columns) = (rows.block.rows(), self.source.shape().columns, self.kept.len());
        let (mut x, mut values) = (vec![0.0; width], vec![0.0; count * columns]);
        for i in 0..count {
            rows.block.densify_into(i..i + 1, &mut x);
            self.residuals(rows.start + i, &x, &mut values[i * columns..][..columns]);
        }
        f(Rows { start: rows.start, block: Block::Dense(DenseBlock { values: &values, columns }) })
    }

    /// The residuals of one row from its covariates; 0 without weight.
    fn residuals(&self, row: usize, x: &[f64], out: &mut [f64]) {
        let width = x.len();
        if self.cells.of_row[row] == NO_CELL {
            return out.fill(0.0);
        }
        let cell = self.cells.of_row[row] as usize;
        let alpha = &self.alpha[self.level_of[cell] as usize * width..][..width];
        for (out, &j) in out.iter_mut().zip(&self.kept) {
            let theta: f64 = self.cells.columns_of(cell).iter().map(|&c| self.theta[c as usize * width + j]).sum();
            *out = x[j] - alpha[j] - theta;
        }
    }
}

/// S⁺ times the columns of a row-major matrix.
fn solved(solver: &Solver<'_>, right: &[f64], width: usize, run: &Run<'_>) -> Result<Vec<f64>> {
    const TOLERANCE: f64 = 1e-13;
    let rows = right.len() / width.max(1);
    let mut out = vec![0.0; right.len()];
    match solver {
        Solver::Exact(eliminated) => {
            for j in 0..width {
                run.check()?;
                let column: Vec<f64> = right.iter().skip(j).step_by(width).copied().collect();
                eliminated.solve(&column).iter().enumerate().for_each(|(i, x)| out[i * width + j] = *x);
            }
        }
        Solver::Conjugate(products) => {
            for first in (0..width).step_by(LANES) {
                let lanes = LANES.min(width - first);
                let lane =
                    |i: usize| std::array::from_fn(|l| if l < lanes { right[i * width + first + l] } else { 0.0 });
                let x = products.solve((0..rows).map(lane).collect(), TOLERANCE, run)?;
                (0..rows).for_each(|i| out[i * width + first..][..lanes].copy_from_slice(&x[i][..lanes]));
            }
        }
    }
    Ok(out)
}

impl RowSource for Within<'_> {
    fn shape(&self) -> Shape {
        let (rows, columns) = (self.source.shape().rows, self.kept.len());
        Shape { rows, columns, stored: rows * columns }
    }

    fn rows_per_block(&self) -> usize {
        self.source.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_block(k, &mut |rows| self.lend_residuals(&rows, f))
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_blocks(range, &mut |rows| self.lend_residuals(&rows, f))
    }

    fn openings(&self) -> Option<usize> {
        self.source.openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let (width, kept) = (self.source.shape().columns, self.kept.len());
        let x = self.source.gather(rows)?;
        let mut values = vec![0.0; rows.len() * kept];
        for ((&row, x), out) in rows.iter().zip(x.chunks_exact(width)).zip(values.chunks_exact_mut(kept)) {
            self.residuals(row, x, out);
        }
        Ok(values)
    }
}
