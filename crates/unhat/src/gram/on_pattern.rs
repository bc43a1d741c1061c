//! M = Σ wᵢ aᵢaᵢᵀ of sparse rows in one sweep, on the slots of a pattern.

use super::pattern::Pattern;
use super::weighted::merged;
use crate::error::Result;
use crate::rows::{Pass, RowSource, Rows, Shape, most_stretches, sweep};
use crate::run::Run;

/// Σ weight(i) aᵢaᵢᵀ on the slots.
///
/// # Cost
/// One sweep over pairs of entries.
pub(crate) fn weighted_gram_on(
    pattern: &Pattern,
    source: &dyn RowSource,
    weight: impl Fn(usize) -> f64 + Sync,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    sweep(source, &WeightedSum { pattern, weight }, &mut [], run)
}

/// Each stretch must add several times what its merging costs.
pub(crate) fn pattern_stretches(pattern: &Pattern, shape: &Shape, blocks: usize) -> usize {
    let products = shape.stored as f64 * (shape.stored as f64 / shape.rows as f64);
    blocks.min(most_stretches(shape)).min((products / (4 * pattern.slots()) as f64) as usize).max(1)
}

struct WeightedSum<'a, W> {
    pattern: &'a Pattern,
    weight: W,
}

impl<W: Fn(usize) -> f64 + Sync> Pass for WeightedSum<'_, W> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.pattern.slots()]
    }
    fn add(&self, sum: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        self.pattern.add_weighted(&rows.sparse()?, |i| (self.weight)(rows.start + i), sum);
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        pattern_stretches(self.pattern, shape, blocks)
    }
}
