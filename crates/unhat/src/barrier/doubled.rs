//! The gradient at a point in doubled precision: what is left of it near a solution, where a plain one is all rounding.

use super::cell::{Barrier, Point};
use crate::error::Result;
use crate::gram::{Doubled, Number, gram_stretches, require_square_fits};
use crate::leverage::DOUBLED_COST;
use crate::linalg::vectorised;
use crate::rows::{Block, Pass, Rows, Shape, sweep};
use crate::run::Run;

/// g(x) − c to some thirty digits, rounded.
pub(crate) struct DoubledGradient {
    /// g − c.
    pub residual: Vec<f64>,
    /// How far it can be from the exact one, in the norm of Q⁻¹.
    pub rounding: f64,
}

/// The relative rounding of one operation on doubled numbers, sixteen times over.
const UNIT: f64 = 16.0 * Doubled::EPSILON;

impl Barrier<'_> {
    /// Flops of [`Barrier::doubled_gradient`], as many as plain ones would be in its time.
    pub(crate) fn doubled_flops(shape: &Shape) -> f64 {
        let (n, d) = (shape.rows as f64, shape.columns as f64);
        DOUBLED_COST * (2.0 * n * d * d + d * d * d)
    }

    /// g − c at an evaluated point; `condition` is a bound of κ₂(M̃), `largest_tau` one of the slacks' rounding. None where
    /// M cannot be factored.
    ///
    /// # Cost
    /// [`Barrier::doubled_flops`].
    /// # Accuracy
    /// As a plain one by Cholesky's factor, with the square of ε in the place of ε: √d(d·ε²κ + 4(d+1)ε²·max τᵢ).
    pub(crate) fn doubled_gradient(
        &self,
        point: &Point,
        target: &[f64],
        (condition, largest_tau): (f64, f64),
        run: &Run<'_>,
    ) -> Result<Option<DoubledGradient>> {
        let d = self.dim();
        require_square_fits(d)?;
        self.charge_flops(Self::doubled_flops(&self.source().shape()));
        let place = Place { x: &point.x, offset: self.offset(), columns: d };
        let gram = sweep(self.source(), &GramPass(&place), &mut [], run)?;
        let Some(factor) = ldlt(gram, d) else { return Ok(None) };
        let gradient = sweep(self.source(), &GradientPass { place: &place, factor: &factor }, &mut [], run)?;
        let residual = gradient.iter().zip(target).map(|(g, c)| {
            let mut left = *g;
            left -= Doubled::from(*c);
            left.high
        });
        let residual: Vec<f64> = residual.collect();
        let d = d as f64;
        let rounding = d.sqrt() * (8.0 * d * UNIT * condition + 8.0 * (d + 1.0) * UNIT * largest_tau);
        let finite = residual.iter().all(|g| g.is_finite());
        Ok(finite.then_some(DoubledGradient { residual, rounding }))
    }
}

/// Slacks row by row.
struct Place<'a> {
    x: &'a [f64],
    offset: &'a [f64],
    columns: usize,
}

impl Place<'_> {
    /// Calls `f(entries as (column, value), 1/s)` for every row.
    #[inline(always)] // into code for the processor at hand
    fn each(&self, rows: &Rows<'_>, mut f: impl FnMut(&[(usize, f64)], Doubled)) {
        let mut entries: Vec<(usize, f64)> = Vec::with_capacity(self.columns);
        for i in 0..rows.block.rows() {
            entries.clear();
            match rows.block {
                Block::Dense(b) => {
                    let row = &b.values[i * b.columns..(i + 1) * b.columns];
                    entries.extend(row.iter().copied().enumerate().filter(|(_, a)| *a != 0.0));
                }
                Block::Csr(b) => {
                    let (indices, values) = b.row(i);
                    entries.extend(indices.iter().map(|j| *j as usize).zip(values.iter().copied()));
                }
            }
            let mut slack = -Doubled::from(self.offset[rows.start + i]);
            entries.iter().for_each(|&(j, a)| slack += Doubled::from(a).times(self.x[j]));
            f(&entries, Doubled::ONE / slack);
        }
    }
}

/// Lower triangle of M = A_xᵀA_x, column by column.
struct GramPass<'a>(&'a Place<'a>);

impl Pass for GramPass<'_> {
    type Acc = Vec<Doubled>;
    fn zero(&self) -> Vec<Doubled> {
        vec![Doubled::default(); self.0.columns * self.0.columns]
    }
    fn add(&self, gram: &mut Vec<Doubled>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.0.columns;
        vectorised(|| {
            self.0.each(rows, |entries, r| {
                let weight = r * r;
                for (p, &(j, a)) in entries.iter().enumerate() {
                    let weighted = weight.times(a);
                    let column = &mut gram[j * d..(j + 1) * d];
                    entries[p..].iter().for_each(|&(k, b)| column[k] += weighted.times(b));
                }
            })
        });
        Ok(())
    }
    fn merge(&self, left: Vec<Doubled>, right: Vec<Doubled>) -> Vec<Doubled> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}

fn merged(mut left: Vec<Doubled>, right: Vec<Doubled>) -> Vec<Doubled> {
    left.iter_mut().zip(right).for_each(|(a, b)| *a += b);
    left
}

/// D on the diagonal and the unit L below it, LDLᵀ = M; None where a pivot is not positive.
fn ldlt(mut m: Vec<Doubled>, d: usize) -> Option<Vec<Doubled>> {
    for k in 0..d {
        let pivot = m[k * (d + 1)];
        if !(pivot.high.is_finite() && pivot.high > 0.0) {
            return None;
        }
        let (head, rest) = m.split_at_mut((k + 1) * d);
        let column = &mut head[k * d..];
        for j in k + 1..d {
            let l = column[j] / pivot;
            let target = &mut rest[(j - k - 1) * d..(j - k) * d];
            for i in j..d {
                target[i] -= column[i] * l;
            }
        }
        for v in &mut column[k + 1..] {
            *v = *v / pivot;
        }
    }
    Some(m)
}

/// g = −Σ σᵢa_{x,i}, σᵢ = ‖D^−½L⁻¹a_{x,i}‖².
struct GradientPass<'a> {
    place: &'a Place<'a>,
    factor: &'a [Doubled],
}

impl Pass for GradientPass<'_> {
    type Acc = Vec<Doubled>;
    fn zero(&self) -> Vec<Doubled> {
        vec![Doubled::default(); self.place.columns]
    }
    fn add(&self, gradient: &mut Vec<Doubled>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.place.columns;
        let mut u = vec![Doubled::default(); d];
        vectorised(|| {
            self.place.each(rows, |entries, r| {
                u.fill(Doubled::default());
                entries.iter().for_each(|&(j, a)| u[j] = Doubled::from(a));
                let mut norm = Doubled::default();
                for k in entries.first().map_or(d, |(j, _)| *j)..d {
                    let value = u[k];
                    if value.high == 0.0 {
                        continue;
                    }
                    let column = &self.factor[k * d..(k + 1) * d];
                    norm += value * value / column[k];
                    u[k + 1..].iter_mut().zip(&column[k + 1..]).for_each(|(u, l)| *u -= *l * value);
                }
                let minus = -(norm * (r * r) * r);
                entries.iter().for_each(|&(j, a)| gradient[j] += minus.times(a));
            })
        });
        Ok(())
    }
    fn merge(&self, left: Vec<Doubled>, right: Vec<Doubled>) -> Vec<Doubled> {
        merged(left, right)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::rows::{CsrRows, DenseRows, RowSource};
    use unhat_testkit::generate::random_csr;
    use unhat_testkit::{Dd, Real, reference};

    #[test]
    fn it_is_the_gradient_of_the_explicit_projection_to_thirty_digits() {
        for (n, d, seed) in [(12, 3, 0), (30, 6, 1), (40, 1, 2)] {
            let run = Run::default();
            let csr = random_csr(n, d, d.min(3), seed);
            let a = csr.to_dense();
            let mut stream = unhat_testkit::generate::Stream::new(seed, "doubled");
            let x = stream.normals(d);
            let b: Vec<f64> = (0..n).map(|_| -10.0 * (1.0 + stream.uniform())).collect();
            let wide: Vec<Dd> = x.iter().map(|x| Dd::from(*x)).collect();
            let exact = reference::Point::at(&a, &b, &wide).gradient();
            let target: Vec<f64> = exact.iter().map(|g| g.to_f64()).collect();
            let sparse = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d).unwrap();
            let dense = DenseRows::new(&a, d).unwrap();
            for source in [&dense as &dyn RowSource, &sparse] {
                let barrier = Barrier::around(source, &b, &x, &run).unwrap();
                let point = barrier.at(&x, false, &run).unwrap().unwrap();
                let found = barrier.doubled_gradient(&point, &target, (1e4, 1e2), &run).unwrap().unwrap();
                for j in 0..d {
                    let left = (exact[j] - Dd::from(target[j])).to_f64(); // what f64 cannot hold
                    assert!((found.residual[j] - left).abs() <= 1e-28 * target[j].abs().max(1.0), "{n} {d} {j}");
                    assert!(left == 0.0 || found.rounding < 1e-20);
                }
            }
        }
    }
}
