//! The sweeps over labelled rows: each block goes forward and back through the network, in buffers that the thread keeps.

use super::samples::{SampleGradients, Source, Top, width_of_factors};
use crate::models::{Factors, Layer, LayerFactors, Network, Workspace};
use std::cell::RefCell;
use std::ops::Range;
use unhat::Result;
use unhat::kernels::{lend, most_stretches};
use unhat::rows::{Block, Pass, Rows, Shape};

/// What is done with the factors of a block: (rows, factors, out).
pub(super) type Visit<'a> = dyn Fn(Range<usize>, &Factors<'_>, &mut [f64]) + Sync + 'a;
/// What is done with a block after the forward pass: (first row, features, buffers, sum).
pub(super) type BlockVisit<'a> = dyn Fn(usize, &[f64], &mut Workspace, &mut [f64]) + Sync + 'a;

thread_local! {
    static WORKSPACES: RefCell<Vec<Workspace>> = const { RefCell::new(Vec::new()) };
}

/// Lends `f` the buffers of a block, which the thread keeps from sweep to sweep: a gradient pass with fresh ones for every
/// stretch took a third longer (measured: 4000 rows, width 512).
fn with_workspace<R>(f: impl FnOnce(&mut Workspace) -> R) -> R {
    lend(&WORKSPACES, f)
}

/// What a stretch of rows adds up to.
pub(super) struct Stretch {
    parts: Vec<[Vec<f64>; 2]>, // A and D of every layer, where they lie in the rows
    pub(super) sum: Vec<f64>,
}

impl Stretch {
    fn of(size: usize) -> Stretch {
        Stretch { parts: Vec::new(), sum: vec![0.0; size] }
    }

    fn join(mut self, right: Stretch) -> Stretch {
        self.sum.iter_mut().zip(&right.sum).for_each(|(a, b)| *a += b);
        self
    }
}

/// Accumulators together stay below this many values: 256 MB on 64 stretches would be the alternative at p = 500 000.
const ACCUMULATED_VALUES: usize = 1 << 22;

fn stretches_for(size: usize, shape: &Shape, blocks: usize) -> usize {
    blocks.min(most_stretches(shape)).min((ACCUMULATED_VALUES / size.max(1)).max(4))
}

fn dense<'r>(rows: &Rows<'r>) -> &'r [f64] {
    match rows.block {
        Block::Dense(block) => block.values,
        Block::Csr(_) => unreachable!("features are dense"),
    }
}

/// The factors that lie in rows, layer by layer.
fn taken_apart<'w>(
    shapes: &Network,
    positions: &[usize],
    rows: &[f64],
    parts: &'w mut Vec<[Vec<f64>; 2]>,
) -> Factors<'w> {
    parts.resize_with(shapes.layers.len(), Default::default);
    parts.iter_mut().flatten().for_each(Vec::clear);
    for row in rows.chunks_exact(width_of_factors(shapes, positions)) {
        let mut rest = row;
        for ((layer, t), [inputs, gradients]) in shapes.layers.iter().zip(positions).zip(parts.iter_mut()) {
            let (a, others) = rest.split_at(t * layer.shape.inputs);
            let (d, others) = others.split_at(t * layer.shape.outputs);
            inputs.extend_from_slice(a);
            gradients.extend_from_slice(d);
            rest = others;
        }
    }
    let of_layer = |((layer, &positions), [inputs, gradients]): ((&Layer, &usize), &'w [Vec<f64>; 2])| LayerFactors {
        shape: layer.shape,
        positions,
        inputs,
        gradients,
    };
    Factors { layers: shapes.layers.iter().zip(positions).zip(&*parts).map(of_layer).collect() }
}

impl SampleGradients<'_> {
    /// The forward pass of a block, made or brought back.
    fn go_forward(&self, rows: &Rows<'_>, work: &mut Workspace) {
        match self.source {
            Source::Forwarded(kept) => {
                let (Range { start, end }, width) = (rows.range(), self.network.forward_width());
                work.restore_forward(self.network, end - start, &kept[start * width..end * width]);
            }
            _ => _ = self.network.forward(dense(rows), work),
        }
    }
}

/// The factors of every block, at `top`.
pub(super) struct FactorPass<'a> {
    pub(super) gradients: &'a SampleGradients<'a>,
    pub(super) top: &'a Top<'a>,
    pub(super) width: usize,
    pub(super) size: usize,
    pub(super) visit: &'a Visit<'a>, // writes each row's values where there are any (width > 0), else adds to the sum
}

impl Pass for FactorPass<'_> {
    type Acc = Stretch;

    fn zero(&self) -> Stretch {
        Stretch::of(self.size)
    }

    fn add(&self, acc: &mut Stretch, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let (network, features, Stretch { parts, sum }) = (self.gradients.network, dense(rows), acc);
        let target = if self.width > 0 { out } else { sum };
        match self.gradients.source {
            Source::Rows(positions) => {
                (self.visit)(rows.range(), &taken_apart(network, positions, features, parts), target)
            }
            Source::Network | Source::Forwarded(_) => with_workspace(|work| {
                self.gradients.go_forward(rows, work);
                let factors = network.backward(features, work, |i, z, t| (self.top)(rows.start + i, z, t));
                (self.visit)(rows.range(), &factors, target);
            }),
        }
        Ok(())
    }

    fn merge(&self, left: Stretch, right: Stretch) -> Stretch {
        left.join(right)
    }

    fn width(&self) -> usize {
        self.width
    }

    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches_for(self.size, shape, blocks)
    }
}

/// Every block after its forward pass.
pub(super) struct BlockPass<'a> {
    pub(super) gradients: &'a SampleGradients<'a>,
    pub(super) size: usize,
    pub(super) visit: &'a BlockVisit<'a>,
}

impl Pass for BlockPass<'_> {
    type Acc = Stretch;

    fn zero(&self) -> Stretch {
        Stretch::of(self.size)
    }

    fn add(&self, acc: &mut Stretch, rows: &Rows<'_>, _: &mut [f64]) -> Result<()> {
        with_workspace(|work| {
            self.gradients.go_forward(rows, work);
            (self.visit)(rows.start, dense(rows), work, &mut acc.sum);
        });
        Ok(())
    }

    fn merge(&self, left: Stretch, right: Stretch) -> Stretch {
        left.join(right)
    }

    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches_for(self.size, shape, blocks)
    }
}

/// Keeps what the forward pass gives.
pub(super) struct ForwardPass<'a> {
    pub(super) network: &'a Network,
    pub(super) width: usize,
}

impl Pass for ForwardPass<'_> {
    type Acc = ();

    fn zero(&self) {}

    fn add(&self, (): &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        with_workspace(|work| {
            self.network.forward(dense(rows), work);
            work.keep_forward(out);
        });
        Ok(())
    }

    fn merge(&self, (): (), (): ()) {}

    fn width(&self) -> usize {
        self.width
    }
}
