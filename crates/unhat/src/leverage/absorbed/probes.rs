//! Scores of cells estimated from random probes, where an exact factor would not fit.

use super::cells::Cells;
use super::graph::{CellsOfColumns, Components};
use crate::error::{ErrorKind, Result};
use crate::random::uniform_rows_into;
use crate::run::{Event, Run};
use rayon::prelude::*;

/// Probes that are carried side by side: a cache line.
pub(super) const LANES: usize = 8;
type Lanes = [f64; LANES];
/// Streams of the probes, apart from those of other draws.
const PROBE_STREAM: u64 = 1 << 40;
/// Nodes a task takes at a time; sums go over these chunks in order, so that threads change no bit.
const CHUNK: usize = 2048;
/// Iterations after which conjugate gradients are given up.
const MOST_ITERATIONS: usize = 20_000;

/// S = Σ W_c v_c v_cᵀ as a product, by the lists of its cells.
pub(super) struct Products<'a> {
    cells: &'a Cells,
    by_column: CellsOfColumns,
    level_of: Vec<u32>,
    level_weight: Vec<f64>,
    /// The diagonal of S, inverted; 0 where it is 0.
    preconditioner: Vec<f64>,
    /// The component of every column, and the columns of each component.
    component: Vec<u32>,
    component_size: Vec<f64>,
}

/// What probes found: for every cell 1/W + v_cᵀS⁺v_c, and its standard error.
pub(super) struct Estimate {
    pub values: Vec<f64>,
    pub errors: Vec<f64>,
    /// Cells that were solved exactly, because their rows may have score 1.
    pub exact: usize,
}

impl<'a> Products<'a> {
    pub fn of(cells: &'a Cells) -> Products<'a> {
        let (level_of, level_weight) = (cells.levels_of_cells(), cells.level_weights());
        let by_column = CellsOfColumns::of(cells);
        let joined = Components::of(cells, 0..cells.others());
        let component = joined.label[cells.levels()..].to_vec();
        let mut component_size = vec![0.0; joined.count];
        component.iter().for_each(|&label| component_size[label as usize] += 1.0);
        let mut products = Products {
            cells,
            by_column,
            level_of,
            level_weight,
            preconditioner: Vec::new(),
            component,
            component_size,
        };
        products.preconditioner = (0..cells.width()).into_par_iter().map(|j| products.inverse_diagonal(j)).collect();
        products
    }

    /// 1 / Σ over levels of a(W − a)/W, a the weight of column j within the level.
    fn inverse_diagonal(&self, j: usize) -> f64 {
        let mut sum = 0.0;
        let mut add = |level: u32, a: f64| {
            let weight = self.level_weight[level as usize];
            sum += a * (weight - a) / weight;
        };
        let (mut level, mut a) = (None, 0.0);
        for &cell in self.by_column.of_column(j) {
            let here = self.level_of[cell as usize];
            if level.is_some_and(|level| level != here) {
                add(level.unwrap_or(here), a);
                a = 0.0;
            }
            (level, a) = (Some(here), a + self.cells.weight[cell as usize]);
        }
        level.into_iter().for_each(|level| add(level, a));
        if sum > 0.0 { 1.0 / sum } else { 0.0 }
    }

    fn at_cell(&self, x: &[Lanes], cell: usize) -> Lanes {
        let mut sum = [0.0; LANES];
        for &column in self.cells.columns_of(cell) {
            (0..LANES).for_each(|l| sum[l] += x[column as usize][l]);
        }
        sum
    }

    /// The mean over the cells of every level of x at their columns.
    fn means(&self, x: &[Lanes]) -> Vec<Lanes> {
        let level = |w: usize| {
            let mut sum = [0.0; LANES];
            for cell in self.cells.starts[w]..self.cells.starts[w + 1] {
                let (at, share) = (self.at_cell(x, cell), self.cells.weight[cell] / self.level_weight[w]);
                (0..LANES).for_each(|l| sum[l] += share * at[l]);
            }
            sum
        };
        (0..self.cells.levels()).into_par_iter().with_min_len(CHUNK).map(level).collect()
    }

    /// Sx.
    fn times(&self, x: &[Lanes]) -> Vec<Lanes> {
        let means = self.means(x);
        let column = |j: usize| {
            let mut sum = [0.0; LANES];
            for &cell in self.by_column.of_column(j) {
                let cell = cell as usize;
                let (at, mean, weight) =
                    (self.at_cell(x, cell), means[self.level_of[cell] as usize], self.cells.weight[cell]);
                (0..LANES).for_each(|l| sum[l] += weight * (at[l] - mean[l]));
            }
            sum
        };
        (0..self.cells.width()).into_par_iter().with_min_len(CHUNK).map(column).collect()
    }

    /// Vᵀe for numbers e of the cells: at each column Σ (e_c − W_c/W Σ of e over the level).
    fn right_side(&self, e: &[Lanes]) -> Vec<Lanes> {
        let level = |w: usize| {
            let mut sum = [0.0; LANES];
            e[self.cells.starts[w]..self.cells.starts[w + 1]]
                .iter()
                .for_each(|e| (0..LANES).for_each(|l| sum[l] += e[l]));
            sum.map(|sum| sum / self.level_weight[w])
        };
        let shares: Vec<Lanes> = (0..self.cells.levels()).into_par_iter().with_min_len(CHUNK).map(level).collect();
        let column = |j: usize| {
            let mut sum = [0.0; LANES];
            for &cell in self.by_column.of_column(j) {
                let cell = cell as usize;
                let share = shares[self.level_of[cell] as usize];
                (0..LANES).for_each(|l| sum[l] += e[cell][l] - self.cells.weight[cell] * share[l]);
            }
            sum
        };
        (0..self.cells.width()).into_par_iter().with_min_len(CHUNK).map(column).collect()
    }

    /// r without what rounding left outside the range of S: of two factors S is the Laplacian of a graph, whose images sum
    /// to 0 over each component.
    fn in_range(&self, mut r: Vec<Lanes>) -> Vec<Lanes> {
        let mut sums = vec![[0.0; LANES]; self.component_size.len()];
        for (r, &label) in r.iter().zip(&self.component) {
            (0..LANES).for_each(|l| sums[label as usize][l] += r[l]);
        }
        for (r, &label) in r.iter_mut().zip(&self.component) {
            let (sum, size) = (sums[label as usize], self.component_size[label as usize]);
            (0..LANES).for_each(|l| r[l] -= sum[l] / size);
        }
        r
    }

    /// S⁺r lane by lane, by conjugate gradients with the diagonal as preconditioner, to ‖r − Sx‖ ≤ tolerance·‖r‖ in its
    /// norm. Of two factors only.
    ///
    /// # Errors
    /// [`ErrorKind::Undecided`] where that is not reached; [`ErrorKind::Interrupted`].
    pub fn solve(&self, right: Vec<Lanes>, tolerance: f64, run: &Run<'_>) -> Result<Vec<Lanes>> {
        let (mut x, mut r) = (vec![[0.0; LANES]; right.len()], self.in_range(right));
        let scaled =
            |r: &[Lanes]| -> Vec<Lanes> { r.iter().zip(&self.preconditioner).map(|(r, s)| r.map(|r| r * s)).collect() };
        let mut z = scaled(&r);
        let mut p = z.clone();
        let mut rz = dots(&r, &z);
        let goal = rz.map(|rz| rz * tolerance * tolerance);
        for _ in 0..MOST_ITERATIONS {
            if (0..LANES).all(|l| rz[l] <= goal[l]) {
                return Ok(x);
            }
            run.check()?;
            let q = self.times(&p);
            let pq = dots(&p, &q);
            let step: Lanes = std::array::from_fn(|l| if rz[l] > goal[l] && pq[l] > 0.0 { rz[l] / pq[l] } else { 0.0 });
            x.par_iter_mut()
                .zip(&p)
                .with_min_len(CHUNK)
                .for_each(|(x, p)| (0..LANES).for_each(|l| x[l] += step[l] * p[l]));
            r.par_iter_mut()
                .zip(&q)
                .with_min_len(CHUNK)
                .for_each(|(r, q)| (0..LANES).for_each(|l| r[l] -= step[l] * q[l]));
            z = scaled(&r);
            let next = dots(&r, &z);
            let turn: Lanes = std::array::from_fn(|l| if rz[l] > goal[l] { next[l] / rz[l] } else { 0.0 });
            p.par_iter_mut()
                .zip(&z)
                .with_min_len(CHUNK)
                .for_each(|(p, z)| (0..LANES).for_each(|l| p[l] = z[l] + turn[l] * p[l]));
            rz = std::array::from_fn(|l| if rz[l] > goal[l] { next[l] } else { rz[l] });
        }
        let reason = format!(
            "conjugate gradients on the factors did not converge in {MOST_ITERATIONS} iterations; weights that differ by many \
             orders do this"
        );
        Err(ErrorKind::Undecided { reason }.into())
    }

    /// Estimates 1/W + v_cᵀS⁺v_c of every cell from so many probes.
    ///
    /// E[(v_cᵀS⁺Vᵀ√W ε)²] = v_cᵀS⁺v_c for random signs ε; the standard error of a cell is that of the mean of its squares.
    /// A cell of one row whose score is within three of them of 1 is solved for.
    ///
    /// # Cost
    /// A solve for every eight probes, to a residual that is nothing beside the noise of the probes.
    /// # Randomness
    /// Signs keyed by (seed, eight probes, cell).
    pub fn estimate(&self, probes: usize, seed: u64, run: &Run<'_>) -> Result<Estimate> {
        let count = self.cells.len();
        let (mut sums, mut squares) = (vec![0.0; count], vec![0.0; count]);
        let tolerance = 0.1 / (probes as f64).sqrt();
        for batch in 0..probes.div_ceil(LANES) {
            let lanes = LANES.min(probes - batch * LANES);
            run.tell(Event::Phase(&format!("probes {} to {} of {probes}", batch * LANES + 1, batch * LANES + lanes)));
            let mut signs = vec![0.0; count];
            uniform_rows_into(seed, PROBE_STREAM + batch as u64, 0, &mut signs);
            let e: Vec<Lanes> = signs
                .iter()
                .zip(&self.cells.weight)
                .map(|(u, w)| {
                    let (bits, root) = ((u * (1u64 << LANES) as f64) as u64, w.sqrt());
                    std::array::from_fn(|l| {
                        if l >= lanes {
                            0.0
                        } else if bits >> l & 1 == 1 {
                            root
                        } else {
                            -root
                        }
                    })
                })
                .collect();
            let solved = self.solve(self.right_side(&e), tolerance, run)?;
            let means = self.means(&solved);
            sums.par_iter_mut().zip(&mut squares).enumerate().with_min_len(CHUNK).for_each(|(cell, (sum, square))| {
                let (at, mean) = (self.at_cell(&solved, cell), means[self.level_of[cell] as usize]);
                for l in 0..lanes {
                    let form = (at[l] - mean[l]).powi(2);
                    *sum += form;
                    *square += form * form;
                }
            });
        }
        let p = probes as f64;
        let level = |cell: usize| 1.0 / self.level_weight[self.level_of[cell] as usize];
        let values: Vec<f64> = (0..count).map(|cell| level(cell) + sums[cell] / p).collect();
        let error = |cell: usize| {
            let mean = sums[cell] / p;
            ((squares[cell] / p - mean * mean).max(0.0) / p).sqrt()
        };
        let mut estimate = Estimate { values, errors: (0..count).map(error).collect(), exact: 0 };
        self.solve_near_one(&mut estimate, run)?;
        Ok(estimate)
    }

    /// Cells of one row, whose score may be 1 as far as the probes know.
    fn solve_near_one(&self, estimate: &mut Estimate, run: &Run<'_>) -> Result<()> {
        /// Of the relative residual, in the norm of the preconditioner.
        const TOLERANCE: f64 = 1e-11;
        let near = |&cell: &usize| {
            let weight = self.cells.weight[cell];
            self.cells.rows[cell] == 1 && 1.0 - weight * estimate.values[cell] <= 3.0 * weight * estimate.errors[cell]
        };
        let doubtful: Vec<usize> = (0..self.cells.len()).filter(near).collect();
        for (k, batch) in doubtful.chunks(LANES).enumerate() {
            run.tell(Event::Phase(&format!("scores that may be 1: {} of {}", k * LANES + batch.len(), doubtful.len())));
            let mut e = vec![[0.0; LANES]; self.cells.len()];
            batch.iter().enumerate().for_each(|(l, &cell)| e[cell][l] = 1.0);
            let solved = self.solve(self.right_side(&e), TOLERANCE, run)?;
            let means = self.means(&solved);
            for (l, &cell) in batch.iter().enumerate() {
                let w = self.level_of[cell] as usize;
                let form = self.at_cell(&solved, cell)[l] - means[w][l];
                estimate.values[cell] = 1.0 / self.level_weight[w] + form;
                estimate.errors[cell] = 0.0;
            }
        }
        estimate.exact = doubtful.len();
        Ok(())
    }
}

/// Σ aᵢbᵢ of every lane, by chunks in order.
fn dots(a: &[Lanes], b: &[Lanes]) -> Lanes {
    let part = |(a, b): (&[Lanes], &[Lanes])| {
        let mut sum = [0.0; LANES];
        a.iter().zip(b).for_each(|(a, b)| (0..LANES).for_each(|l| sum[l] += a[l] * b[l]));
        sum
    };
    let parts: Vec<Lanes> = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)).map(part).collect();
    parts.iter().fold([0.0; LANES], |sum, part| std::array::from_fn(|l| sum[l] + part[l]))
}
