//! A D-optimal design by a primal–dual interior-point method: Newton steps on τ + z = 1, wz = μ, by conjugate gradients.

use super::forms::Forms;
use crate::error::Result;
use crate::gram::{Chunks, Transform, chunked_gram};
use crate::linalg;
use crate::rows::{DenseRows, Pass, RowSource, Rows, sweep, with_scratch};
use crate::run::{Event, Run};
use crate::solve::Step;

/// Some rows of a source: gathered where they are few, else all of them, the others at weight 0.
pub(super) struct Chosen<'a> {
    pub source: &'a dyn RowSource,
    /// The numbers of the rows in `source`; None: all.
    pub rows: Option<&'a [usize]>,
}

impl Chosen<'_> {
    /// Values of the chosen rows as values of all rows of the source.
    fn spread(&self, values: &[f64]) -> Vec<f64> {
        let Some(rows) = self.rows else { return values.to_vec() };
        let mut all = vec![0.0; self.source.shape().rows];
        rows.iter().zip(values).for_each(|(&i, v)| all[i] = *v);
        all
    }

    fn pick(&self, values: Vec<f64>) -> Vec<f64> {
        match self.rows {
            Some(rows) => rows.iter().map(|&i| values[i]).collect(),
            None => values,
        }
    }

    fn forms(&self, u: &[f64], run: &Run<'_>) -> Result<Forms> {
        let forms = Forms::at(self.source, &self.spread(&roots(u)), run)?;
        Ok(Forms { tau: self.pick(forms.tau), factor: forms.factor })
    }
}

fn roots(u: &[f64]) -> Vec<f64> {
    u.iter().map(|u| u.sqrt()).collect()
}

/// Where the method stands: weights u with sum near the rank, and the slacks z of τ ≤ 1.
pub(super) struct Interior<'a> {
    pub chosen: Chosen<'a>,
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
/// Steps without progress after which the rest is rounding.
const PATIENCE: u32 = 12;

impl<'a> Interior<'a> {
    /// From weights above 0.
    pub fn start(chosen: Chosen<'a>, mut u: Vec<f64>, mut counts: Counts, run: &Run<'_>) -> Result<Self> {
        let mut forms = chosen.forms(&u, run)?;
        counts.passes += 1;
        let factor = ROOM * forms.tau.iter().copied().fold(0.0, f64::max);
        u.iter_mut().for_each(|u| *u *= factor);
        forms = chosen.forms(&u, run)?;
        counts.passes += 1;
        let z = forms.tau.iter().map(|tau| 1.0 - tau).collect();
        Ok(Interior { chosen, u, z, forms, counts })
    }

    /// Of the chosen rows: log det of the best design is larger by no more than this.
    ///
    /// r·log(max τ · Σu/r)
    fn gap(&self) -> f64 {
        let rank = self.forms.factor.dim() as f64;
        let most = self.forms.tau.iter().copied().fold(0.0, f64::max);
        rank * (most * self.u.iter().sum::<f64>() / rank).ln()
    }

    /// Steps until the gap of the chosen rows is `wanted`, or nothing is gained any more. The weights are the best met.
    pub fn solve(&mut self, wanted: f64, most: u32, run: &Run<'_>) -> Result<()> {
        let (mut best, mut since, mut last) = ((f64::INFINITY, self.u.clone()), 0, 1.0);
        loop {
            let gap = self.gap();
            since = if gap < 0.9 * best.0 { 0 } else { since + 1 };
            if gap < best.0 {
                best = (gap, self.u.clone());
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
                self.u = best.1;
                return Ok(());
            }
            last = self.step(last, run)?;
        }
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
        let products = Projection::of(&self.chosen, self.chosen.spread(&root), &self.forms, run)?;
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
            if !(size > wanted) {
                break;
            }
            run.check()?;
            let spread = self.chosen.spread(&direction);
            let mut image = self.chosen.pick(products.times(&spread, run)?);
            self.counts.products += 1;
            image.iter_mut().zip(&barrier).zip(&direction).for_each(|((q, b), p)| *q += b * p);
            let length = size / linalg::dot(&direction, &image);
            delta.iter_mut().zip(&direction).for_each(|(x, p)| *x += length * p);
            rest.iter_mut().zip(&image).for_each(|(r, q)| *r -= length * q);
            let preconditioned = solve(&rest);
            let new = linalg::dot(&rest, &preconditioned);
            direction.iter_mut().zip(&preconditioned).for_each(|(p, z)| *p = z + new / size * *p);
            size = new;
        }
        Ok(delta)
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
    fn of(chosen: &Chosen<'a>, root: Vec<f64>, forms: &'a Forms, run: &Run<'_>) -> Result<Self> {
        let (lower, columns) = (forms.factor.lower(), forms.factor.dim());
        let mut found = Projection { source: chosen.source, root, lower, columns, whitened: None };
        if chosen.rows.is_none() && chosen.source.shape().stored == chosen.source.shape().rows * columns {
            let mut whitened = vec![0.0; chosen.source.shape().rows * columns];
            sweep(chosen.source, &Whitening(found.chunks()), &mut whitened, run)?;
            found.whitened = Some(whitened);
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

/// The transformed rows themselves.
struct Whitening<'a>(Chunks<'a>);

impl Pass for Whitening<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.0.columns;
        self.0.each(rows, |range, u| out[range.start * d..range.end * d].copy_from_slice(u));
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        self.0.columns
    }
}
