//! A constant column (an intercept) and the means that project it out of the others.

use crate::error::Result;
use crate::gram::merged;
use crate::rows::{Pass, RowSource, Rows, each_block_while, sweep, with_scratch};
use crate::run::Run;

/// The weighted column means μⱼ = Σ rᵢ²Aᵢⱼ / Σ rᵢ², with 0 for the constant column itself; None when there is none.
///
/// Subtracting them changes no score (it adds multiples of the constant column) and removes the common offset of the
/// other columns, which is often most of their size and all of their ill-conditioning.
///
/// # Cost
/// A look at the first rows when no column is constant; one sweep otherwise.
pub(super) fn projection_means(
    source: &dyn RowSource,
    row_scale: Option<&[f64]>,
    run: &Run<'_>,
) -> Result<Option<Vec<f64>>> {
    let Some(constant) = constant_column(source)? else { return Ok(None) };
    let mut means = column_means(source, row_scale, run)?;
    means[constant] = 0.0;
    Ok(means.iter().all(|m| m.is_finite()).then_some(means))
}

/// The weighted means of all columns; not finite where no row has weight.
pub(super) fn column_means(source: &dyn RowSource, row_scale: Option<&[f64]>, run: &Run<'_>) -> Result<Vec<f64>> {
    let columns = source.shape().columns;
    let mut sums = sweep(source, &WeightedSums { row_scale, columns }, &mut [], run)?;
    let total = sums.pop().unwrap_or(0.0);
    sums.iter_mut().for_each(|sum| *sum /= total);
    Ok(sums)
}

/// The value of the constant column; 0 where there is none.
pub(super) fn constant_value(source: &dyn RowSource) -> Result<f64> {
    let column = constant_column(source)?;
    let first = source.gather(&[0])?;
    Ok(column.map_or(0.0, |column| first[column]))
}

/// The first column that holds one non-zero value in every row.
pub(crate) fn constant_column(source: &dyn RowSource) -> Result<Option<usize>> {
    let d = source.shape().columns;
    let mut first = Vec::new();
    let mut candidates: Vec<usize> = (0..d).collect();
    each_block_while(source, &Run::default(), &mut |rows| {
        with_scratch(d, |row| {
            for i in 0..rows.block.rows() {
                rows.block.densify_into(i..i + 1, row);
                if first.is_empty() {
                    first = row.to_vec();
                    candidates.retain(|&j| first[j] != 0.0);
                }
                candidates.retain(|&j| row[j] == first[j]);
                if candidates.is_empty() {
                    break;
                }
            }
        });
        Ok(!candidates.is_empty())
    })?;
    Ok(candidates.first().copied())
}

struct WeightedSums<'a> {
    row_scale: Option<&'a [f64]>,
    columns: usize,
}

impl Pass for WeightedSums<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.columns + 1]
    }
    fn add(&self, sums: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        with_scratch(rows.block.rows(), |weights| {
            for (w, i) in weights.iter_mut().zip(rows.range()) {
                let r = self.row_scale.map_or(1.0, |r| r[i]);
                *w = r * r;
            }
            rows.block.apply_transpose_add(weights, &mut sums[..self.columns]);
            sums[self.columns] += weights.iter().sum::<f64>();
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
}
