//! A D-optimal design by a primal–dual interior-point method: Newton steps on τ + z = 1, wz = μ, by conjugate gradients.

use super::forms::Forms;
use crate::error::Result;
use crate::gram::{Chunks, Transform, chunked_gram, transformed_rows};
use crate::linalg;
use crate::rows::{DenseRows, Pass, RowSource, Rows, sweep, with_scratch};
use crate::run::{Event, Run};
use crate::solve::Step;

fn roots(u: &[f64]) -> Vec<f64> {
    u.iter().map(|u| u.sqrt()).collect()
}

/// Some rows of a source: gathered where they are few, else all of them, the others at weight 0.
struct Chosen<'a> {
    source: &'a dyn RowSource,
    rows: Vec<usize>,
    gathered: Option<Vec<f64>>,
}

/// Entries that are gathered whatever their share of the matrix.
const FEW_ENTRIES: usize = 1 << 20;

impl Chosen<'_> {
    /// Gathers the rows where they are less than half of the matrix, or few.
    fn gather(&mut self) -> Result<()> {
        let shape = self.source.shape();
        if self.gathered.is_none() && self.rows.len() * shape.columns <= FEW_ENTRIES.max(shape.stored / 2) {
            self.gathered = Some(self.source.gather(&self.rows)?);
        }
        Ok(())
    }

    /// Keeps some of the rows.
    fn retain(&mut self, keep: &[bool]) -> Result<()> {
        let d = self.source.shape().columns;
        if let Some(values) = &mut self.gathered {
            let mut at = 0;
            for (i, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
                values.copy_within(i * d..(i + 1) * d, at);
                at += d;
            }
            values.truncate(at);
        }
        retain(&mut self.rows, keep);
        self.gather()
    }

    /// Calls `f` with a source that has the rows.
    fn with_source<T>(&self, f: impl FnOnce(&dyn RowSource) -> Result<T>) -> Result<T> {
        match &self.gathered {
            Some(values) => f(&DenseRows::new(values, self.source.shape().columns)?),
            None => f(self.source),
        }
    }

    /// Values of the chosen rows as values of all rows of that source.
    fn spread(&self, values: &[f64]) -> Vec<f64> {
        if self.gathered.is_some() {
            return values.to_vec();
        }
        let mut all = vec![0.0; self.source.shape().rows];
        self.rows.iter().zip(values).for_each(|(&i, v)| all[i] = *v);
        all
    }

    fn pick(&self, values: Vec<f64>) -> Vec<f64> {
        match self.gathered {
            Some(_) => values,
            None => self.rows.iter().map(|&i| values[i]).collect(),
        }
    }

    fn forms(&self, u: &[f64], run: &Run<'_>) -> Result<Forms> {
        let forms = self.with_source(|source| Forms::at(source, &self.spread(&roots(u)), run))?;
        Ok(Forms { tau: self.pick(forms.tau), factor: forms.factor })
    }
}

fn retain<T: Copy>(values: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    values.retain(|_| keep.next().is_some_and(|keep| *keep));
}

/// Where the method stands: weights u with sum near the rank, and the slacks z of τ ≤ 1.
pub(super) struct Interior<'a> {
    chosen: Chosen<'a>,
    pub u: Vec<f64>,
    z: Vec<f64>,
    forms: Forms,
    /// Steps, evaluations and products so far, those of the first phase among them.
    pub counts: Counts,
}

/// What was done so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub iterations: u32,
    pub passes: u32,
    pub products: u32,
}

/// At first τ is kept below 1 by this factor.
const ROOM: f64 = 1.05;
/// The share of the way to the boundary that a step takes.
const SHARE: f64 = 0.95;
/// How much of the mean of uz a step aims at, after a long step and after a short one.
const CENTRING: (f64, f64) = (0.1, 0.5);
/// Conjugate-gradient steps at most.
const PRODUCTS: u32 = 400;
/// Rows are left out where they are one in so many.
const WORTH_IT: usize = 20;
/// Steps without progress after which the rest is rounding.
const PATIENCE: u32 = 12;

/// The form gᵢ below which a row has no weight in any best design, where the largest is `most`.
///
/// Of the matrix of a best design in coordinates in which that of w is the identity, the trace is r + ε at most, ε = max g − r,
/// and that of the inverse r, so that no eigenvalue is below the smaller root of λ² − (2 + ε)λ + 1 + ε/r; a row of weight has
/// g ≥ rλ.
pub(super) fn needed(most: f64, rank: f64) -> f64 {
    let excess = (most * (1.0 + CAREFUL) - rank).max(0.0);
    let root = (excess * (4.0 + excess - 4.0 / rank)).max(0.0).sqrt();
    rank * (1.0 + excess / 2.0 - root / 2.0) * (1.0 - CAREFUL)
}

/// Rounding must not leave out what is needed.
const CAREFUL: f64 = 1e-9;

impl<'a> Interior<'a> {
    /// From weights above 0 of the rows `rows`.
    pub fn start(
        source: &'a dyn RowSource,
        rows: Vec<usize>,
        mut u: Vec<f64>,
        mut counts: Counts,
        run: &Run<'_>,
    ) -> Result<Self> {
        let mut chosen = Chosen { source, rows, gathered: None };
        chosen.gather()?;
        let mut forms = chosen.forms(&u, run)?;
        counts.passes += 1;
        let factor = ROOM * forms.largest();
        u.iter_mut().for_each(|u| *u *= factor);
        forms = chosen.forms(&u, run)?;
        counts.passes += 1;
        let z = forms.tau.iter().map(|tau| 1.0 - tau).collect();
        Ok(Interior { chosen, u, z, forms, counts })
    }

    /// The rows that are left, in order.
    pub fn rows(&self) -> &[usize] {
        &self.chosen.rows
    }

    /// Of the rows left: log det of the best design is larger by no more than this.
    ///
    /// r·log(max τ · Σu/r)
    fn gap(&self) -> f64 {
        let rank = self.forms.factor.dim() as f64;
        let most = self.forms.largest();
        rank * (most * self.u.iter().sum::<f64>() / rank).ln()
    }

    /// Steps until the gap of the chosen rows is `wanted`, or nothing is gained any more. The weights are the best met.
    pub fn solve(&mut self, wanted: f64, most: u32, run: &Run<'_>) -> Result<()> {
        let mut best = (f64::INFINITY, self.u.clone(), self.chosen.rows.clone());
        let (mut since, mut last) = (0, 1.0);
        loop {
            self.leave_out(run)?;
            let gap = self.gap();
            since = if gap < 0.9 * best.0 { 0 } else { since + 1 };
            if gap < best.0 {
                best = (gap, self.u.clone(), self.chosen.rows.clone());
            }
            run.tell(Event::Step(&Step {
                iteration: self.counts.iterations,
                passes: self.counts.passes,
                work: f64::from(self.counts.passes),
                decrement: gap,
                residual: gap / self.forms.factor.dim() as f64,
                step_length: last,
                certificate: None,
            }));
            if gap <= wanted || since > PATIENCE || self.counts.iterations >= most {
                (self.u, self.chosen.rows) = (best.1, best.2);
                return Ok(());
            }
            last = self.step(last, run)?;
        }
    }

    /// Leaves out the rows that are proven to have no weight in any best design, where they are not few.
    fn leave_out(&mut self, run: &Run<'_>) -> Result<()> {
        let (rank, sum) = (self.forms.factor.dim() as f64, self.u.iter().sum::<f64>());
        let most = self.forms.largest();
        let bound = needed(most * sum, rank) / sum;
        let keep: Vec<bool> = self.forms.tau.iter().map(|tau| *tau >= bound).collect();
        if keep.iter().filter(|keep| !**keep).count() * WORTH_IT < keep.len() {
            return Ok(());
        }
        self.chosen.retain(&keep)?;
        retain(&mut self.u, &keep);
        retain(&mut self.z, &keep);
        self.forms = self.chosen.forms(&self.u, run)?;
        self.counts.passes += 1;
        Ok(())
    }

    /// (P⁽²⁾ + UZ)δ = σ − u + μ,  Δu = uδ,  z + Δz = μ/u − zδ.
    fn step(&mut self, last: f64, run: &Run<'_>) -> Result<f64> {
        let mean = linalg::dot(&self.u, &self.z) / self.u.len() as f64;
        let target = mean * if last > 0.5 { CENTRING.0 } else { CENTRING.1 };
        let delta = self.direction(target, mean, run)?;
        let new: Vec<f64> = (0..delta.len()).map(|i| target / self.u[i] - self.z[i] * delta[i]).collect();
        let mut length: f64 = 1.0;
        for (i, new) in new.iter().enumerate() {
            let falls = (-delta[i]).max(1.0 - new / self.z[i]);
            if falls * length > SHARE {
                length = SHARE / falls;
            }
        }
        self.u.iter_mut().zip(&delta).for_each(|(u, delta)| *u *= 1.0 + length * delta);
        self.z.iter_mut().zip(&new).for_each(|(z, new)| *z += length * (new - *z));
        self.forms = self.chosen.forms(&self.u, run)?;
        self.counts.iterations += 1;
        self.counts.passes += 1;
        Ok(length)
    }

    /// δ by conjugate gradients, whose preconditioner is the diagonal σ² + uz.
    fn direction(&mut self, target: f64, mean: f64, run: &Run<'_>) -> Result<Vec<f64>> {
        let root = roots(&self.u);
        self.chosen
            .with_source(|source| {
                let products = Projection::of(
                    source,
                    self.chosen.gathered.is_some(),
                    self.chosen.spread(&root),
                    &self.forms,
                    run,
                )?;
                self.conjugate_gradients(&products, target, mean, run)
            })
            .map(|(delta, products)| {
                self.counts.products += products;
                delta
            })
    }

    fn conjugate_gradients(
        &self,
        products: &Projection<'_>,
        target: f64,
        mean: f64,
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, u32)> {
        let mut count = 0;
        let barrier: Vec<f64> = self.u.iter().zip(&self.z).map(|(u, z)| u * z).collect();
        let scores: Vec<f64> = self.u.iter().zip(&self.forms.tau).map(|(u, tau)| u * tau).collect();
        let diagonal: Vec<f64> = scores.iter().zip(&barrier).map(|(s, b)| s * s + b).collect();
        let mut rest: Vec<f64> = scores.iter().zip(&self.u).map(|(s, u)| s - u + target).collect();
        let mut delta = vec![0.0; rest.len()];
        let solve = |rest: &[f64]| rest.iter().zip(&diagonal).map(|(r, d)| r / d).collect::<Vec<_>>();
        let mut direction = solve(&rest);
        let mut size = linalg::dot(&rest, &direction);
        // What is not solved for must be small beside μ, which falls.
        let wanted = (1e-2 * mean.sqrt()).clamp(1e-12, 1e-2).powi(2) * size;
        for _ in 0..PRODUCTS {
            if size <= wanted || size.is_nan() {
                break;
            }
            run.check()?;
            let spread = self.chosen.spread(&direction);
            let mut image = self.chosen.pick(products.times(&spread, run)?);
            count += 1;
            image.iter_mut().zip(&barrier).zip(&direction).for_each(|((q, b), p)| *q += b * p);
            let length = size / linalg::dot(&direction, &image);
            delta.iter_mut().zip(&direction).for_each(|(x, p)| *x += length * p);
            rest.iter_mut().zip(&image).for_each(|(r, q)| *r -= length * q);
            let preconditioned = solve(&rest);
            let new = linalg::dot(&rest, &preconditioned);
            direction.iter_mut().zip(&preconditioned).for_each(|(p, z)| *p = z + new / size * *p);
            size = new;
        }
        Ok((delta, count))
    }
}

/// P⁽²⁾, the squared entries of the projection on the columns of diag(√u)A.
struct Projection<'a> {
    source: &'a dyn RowSource,
    root: Vec<f64>,
    lower: &'a [f64],
    columns: usize,
    /// The rows L⁻¹√uᵢaᵢ, where they were gathered anyway.
    whitened: Option<Vec<f64>>,
}

impl<'a> Projection<'a> {
    fn of(source: &'a dyn RowSource, gathered: bool, root: Vec<f64>, forms: &'a Forms, run: &Run<'_>) -> Result<Self> {
        let (lower, columns) = (forms.factor.lower(), forms.factor.dim());
        let mut found = Projection { source, root, lower, columns, whitened: None };
        if gathered {
            found.whitened = Some(transformed_rows(source, found.chunks().transform, run)?);
        }
        Ok(found)
    }

    fn chunks(&self) -> Chunks<'_> {
        let transform = Transform { row_scale: Some(&self.root), shift: None, lower: Some(self.lower) };
        Chunks { transform, columns: self.columns }
    }

    /// (P⁽²⁾v)ᵢ = uᵢᵀ(Uᵀdiag(v)U)uᵢ.
    fn times(&self, v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        match &self.whitened {
            Some(whitened) => {
                let chunks = Chunks { transform: Transform::default(), columns: self.columns };
                squared_projection(&DenseRows::new(whitened, self.columns)?, &chunks, v, run)
            }
            None => squared_projection(self.source, &self.chunks(), v, run),
        }
    }
}

fn squared_projection(source: &dyn RowSource, chunks: &Chunks<'_>, v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let mut middle = chunked_gram(source, chunks, |i| v[i], run)?;
    linalg::symmetrise(&mut middle, chunks.columns);
    let mut image = vec![0.0; v.len()];
    sweep(source, &Squares { chunks, middle: &middle }, &mut image, run)?;
    Ok(image)
}

/// uᵢᵀCuᵢ a row.
struct Squares<'a> {
    chunks: &'a Chunks<'a>,
    middle: &'a [f64],
}

impl Pass for Squares<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        self.chunks.each(rows, |range, u| {
            with_scratch(u.len(), |product| {
                linalg::rows_times_symmetric(u, d, self.middle, product);
                linalg::row_dots(u, product, d, &mut out[range]);
            });
        });
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
