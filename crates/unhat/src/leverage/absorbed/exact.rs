//! Exact scores of cells: the Schur complement on the columns, its sparse factor, and the entries of its inverse that cells meet.

use super::cells::Cells;
use super::graph::Components;
use crate::error::{ErrorKind, Result};
use crate::gram::{Pattern, SparseFactor};
use crate::leverage::selected_inverse;
use crate::memory::memory_limit;
use crate::rows::CsrRows;
use crate::run::Run;
use std::sync::Arc;

/// Flops of a factor and a selected inverse that are worth while: a minute of one core at the measured 4 to 6 Gflop/s.
const FLOPS_LIMIT: f64 = 2.4e11;
/// Bytes a slot takes: rows, row slots, matrix, factor, inverse.
const BYTES_A_SLOT: f64 = 36.0;
/// With three or more factors a pivot below this share of its diagonal is a dependent column …
const DEPENDENT: f64 = 1e-11;
/// … and one up to this share might be: the rank is not clear.
const UNCLEAR: f64 = 1e-7;

/// S = Σ W_c v_c v_cᵀ over the cells, factored: v_c has a one at the columns of cell c, less their mean over its level.
///
/// Of each component one column is left out, which fixes the constant that its levels have in common.
pub(super) struct Eliminated {
    /// The place of each column among those that are kept.
    place: Vec<u32>,
    pattern: Arc<Pattern>,
    factor: SparseFactor,
    /// Columns that were found to depend on the others, beside those of the components.
    pub dependent: usize,
    /// Entries of the triangular factor.
    pub slots: usize,
}

const LEFT_OUT: u32 = u32::MAX;

impl Eliminated {
    /// The factor of S; None where it is not worth its flops and its memory and nobody `insists`.
    ///
    /// # Errors
    /// [`ErrorKind::Undecided`] where, of three or more factors, the rank is not clear.
    pub fn of(cells: &Cells, insists: bool, run: &Run<'_>) -> Result<Option<Eliminated>> {
        let place = kept_columns(cells);
        let dim = place.iter().filter(|&&place| place != LEFT_OUT).count();
        let (mut pointers, mut indices) = (vec![0usize], Vec::new());
        let mut here = Vec::new();
        for w in 0..cells.levels() {
            cells.columns_of_level(w, &mut here);
            if cells.starts[w + 1] - cells.starts[w] > 1 {
                indices.extend(here.iter().map(|&j| place[j as usize]).filter(|&place| place != LEFT_OUT));
                pointers.push(indices.len());
            }
        }
        if dim == 0 {
            let pattern = Arc::new(Pattern::empty());
            let factor = SparseFactor::empty(&pattern);
            return Ok(Some(Eliminated { place, pattern, factor, dependent: 0, slots: 0 }));
        }
        if pointers.len() == 1 {
            pointers.push(0);
        }
        let ones = vec![1.0; indices.len()];
        let rows = CsrRows::new(&pointers, &indices, &ones, dim)?;
        let limit = if insists { f64::INFINITY } else { FLOPS_LIMIT };
        let Some(pattern) = Pattern::of_rows_within(&rows, limit, run)? else {
            return match insists {
                true => Err(too_large()),
                false => Ok(None),
            };
        };
        let bytes = pattern.slots() as f64 * BYTES_A_SLOT;
        let work = pattern.flops + 4.0 * pattern.inverse_flops;
        if !insists && (work > FLOPS_LIMIT || bytes > memory_limit() as f64 / 4.0) {
            return Ok(None);
        }
        let pattern = Arc::new(pattern);
        let matrix = schur_complement(cells, &place, &pattern, run)?;
        let slots = pattern.slots();
        let (factor, dependent) = match cells.others() {
            // A graph: without one level of each component S is positive definite.
            1 => (SparseFactor::of_matrix(&pattern, matrix), 0),
            _ => {
                let (factor, ratios) = SparseFactor::of_semidefinite(&pattern, matrix, UNCLEAR);
                if let Some(ratio) = ratios.iter().find(|&&ratio| ratio.abs() > DEPENDENT) {
                    return Err(unclear_rank(*ratio));
                }
                (Some(factor), ratios.len())
            }
        };
        let factor = factor.ok_or_else(|| unclear_rank(0.0))?;
        Ok(Some(Eliminated { place, pattern, factor, dependent, slots }))
    }

    /// Σ of the scores of the rows of each cell, and the largest relative error that cancellation can have left.
    ///
    /// W_c (1/W + v_cᵀS⁻¹v_c),  W = Σ W_c over the level
    ///
    /// # Cost
    /// A selected inverse, and the square of the columns of each level.
    pub fn scores(&self, cells: &Cells, run: &Run<'_>) -> Result<(Vec<f64>, f64)> {
        let inverse = selected_inverse(&self.pattern, self.factor.values());
        run.check()?;
        let mut totals = vec![0.0; cells.len()];
        let mut worst = 0.0f64;
        let mut local = Local::default();
        for w in 0..cells.levels() {
            let range = cells.starts[w]..cells.starts[w + 1];
            if range.len() == 1 {
                totals[range.start] = 1.0;
                continue;
            }
            local.gather(cells, w, &self.place);
            local.z.clear();
            local.z.resize(local.kept.len() * local.kept.len(), 0.0);
            let k = local.kept.len();
            self.pattern.each_slot(&local.kept, |p, q, slot| {
                local.z[p * k + q] = inverse[slot];
                local.z[q * k + p] = inverse[slot];
            });
            let weight: f64 = cells.weight[range.clone()].iter().sum();
            local.mean.clear();
            local.mean.resize(k, 0.0);
            for cell in range.clone() {
                let at: Vec<usize> = local.places(cells.columns_of(cell)).collect();
                at.iter().for_each(|&p| local.mean[p] += cells.weight[cell] / weight);
            }
            let u: Vec<f64> = local.z.chunks(k.max(1)).map(|row| dot(row, &local.mean)).collect();
            let q = dot(&u, &local.mean);
            for cell in range {
                let at: Vec<usize> = local.places(cells.columns_of(cell)).collect();
                let corner: f64 =
                    at.iter().flat_map(|&a| at.iter().map(move |&b| (a, b))).map(|(a, b)| local.z[a * k + b]).sum();
                let cross: f64 = at.iter().map(|&a| u[a]).sum();
                let total = cells.weight[cell] * (1.0 / weight + (corner - 2.0 * cross + q));
                let rounding = f64::EPSILON * cells.weight[cell] * (corner.abs() + 2.0 * cross.abs() + q.abs());
                worst = worst.max(rounding / total.abs().max(f64::MIN_POSITIVE));
                totals[cell] = total.clamp(0.0, 1.0);
            }
        }
        Ok((totals, worst))
    }

    /// S⁻¹r with one step of refinement, 0 at the columns left out.
    pub fn solve(&self, r: &[f64]) -> Vec<f64> {
        let mut right = vec![0.0; self.pattern.dim()];
        self.place.iter().zip(r).filter(|(place, _)| **place != LEFT_OUT).for_each(|(&p, r)| right[p as usize] = *r);
        let solve = |v: &[f64]| self.factor.half_solve_transposed(&self.factor.half_solve(v));
        let mut x = solve(&right);
        let rest: Vec<f64> = right.iter().zip(self.factor.times(&x)).map(|(r, b)| r - b).collect();
        x.iter_mut().zip(solve(&rest)).for_each(|(x, step)| *x += step);
        self.place.iter().map(|&p| if p == LEFT_OUT { 0.0 } else { x[p as usize] }).collect()
    }
}

/// The places of the columns: of each factor and component, the column with the most cells is left out.
fn kept_columns(cells: &Cells) -> Vec<u32> {
    let mut met = vec![0u32; cells.width()];
    cells.columns.iter().for_each(|&column| met[column as usize] += 1);
    let mut place = vec![0u32; cells.width()];
    for (o, range) in cells.offsets.windows(2).enumerate() {
        let components = Components::of(cells, o..o + 1);
        let mut lead: Vec<Option<u32>> = vec![None; components.count];
        for column in range[0]..range[1] {
            let label = components.label[cells.levels() + column] as usize;
            if lead[label].is_none_or(|best| met[column] > met[best as usize]) {
                lead[label] = Some(column as u32);
            }
        }
        lead.into_iter().flatten().for_each(|column| place[column as usize] = LEFT_OUT);
    }
    place.iter_mut().filter(|place| **place != LEFT_OUT).zip(0..).for_each(|(place, next)| *place = next);
    place
}

/// S on the slots, level by level.
fn schur_complement(cells: &Cells, place: &[u32], pattern: &Pattern, run: &Run<'_>) -> Result<Vec<f64>> {
    /// Levels between two looks at the stop flag.
    const STRIDE: usize = 4096;
    let mut matrix = vec![0.0; pattern.slots()];
    let mut local = Local::default();
    for w in 0..cells.levels() {
        if w % STRIDE == 0 {
            run.check()?;
        }
        let range = cells.starts[w]..cells.starts[w + 1];
        if range.len() == 1 {
            continue; // the only cell of its level: v = 0
        }
        local.gather(cells, w, place);
        let (k, weight) = (local.kept.len(), cells.weight[range.clone()].iter().sum::<f64>());
        local.z.clear();
        local.z.resize(k * k, 0.0); // Σ W_c e_c e_cᵀ
        local.mean.clear();
        local.mean.resize(k, 0.0);
        for cell in range {
            let at: Vec<usize> = local.places(cells.columns_of(cell)).collect();
            for &a in &at {
                local.mean[a] += cells.weight[cell];
                at.iter().for_each(|&b| local.z[a * k + b] += cells.weight[cell]);
            }
        }
        pattern.each_slot(&local.kept, |p, q, slot| {
            matrix[slot] += match p == q {
                true => local.mean[p] * (weight - local.mean[p]) / weight,
                false => local.z[p * k + q] - local.mean[p] * local.mean[q] / weight,
            };
        });
    }
    Ok(matrix)
}

/// The columns of one level, and room for a matrix on them.
#[derive(Default)]
struct Local {
    /// All columns of the level, rising.
    columns: Vec<u32>,
    /// The places of those that are kept.
    kept: Vec<u32>,
    /// For each of `columns` its number in `kept`.
    number: Vec<Option<usize>>,
    mean: Vec<f64>,
    z: Vec<f64>,
}

impl Local {
    fn gather(&mut self, cells: &Cells, w: usize, place: &[u32]) {
        cells.columns_of_level(w, &mut self.columns);
        self.kept.clear();
        self.number.clear();
        for &column in &self.columns {
            let place = place[column as usize];
            self.number.push((place != LEFT_OUT).then_some(self.kept.len()));
            if place != LEFT_OUT {
                self.kept.push(place);
            }
        }
    }

    /// Numbers in `kept` of some columns of the level.
    fn places<'a>(&'a self, columns: &'a [u32]) -> impl Iterator<Item = usize> + 'a {
        columns.iter().filter_map(|column| self.number[self.columns.binary_search(column).ok()?])
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn too_large() -> crate::Error {
    let reason = "exact needs a factor that does not fit; expected auto or probes for factors this large";
    ErrorKind::Option { name: "absorb-method".into(), reason: reason.into() }.into()
}

fn unclear_rank(ratio: f64) -> crate::Error {
    let reason = format!(
        "the rank of the factors is not clear: a pivot is {ratio:.1e} of its diagonal, neither rounding nor safely above it; \
         weights that differ by many orders do this"
    );
    ErrorKind::Undecided { reason }.into()
}
