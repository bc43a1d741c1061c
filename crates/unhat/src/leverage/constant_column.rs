//! A constant column (an intercept) and the means that project it out of the others.

use crate::error::Result;
use crate::gram::merged;
use crate::rows::{Pass, Portable, Reader, RowSource, Rows, Unit, Writer, packs_numbers, sweep, with_scratch};
use crate::run::Run;
use std::ops::Range;

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
    let Some(constant) = constant_column(source, run)? else { return Ok(None) };
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
pub(super) fn constant_value(source: &dyn RowSource, run: &Run<'_>) -> Result<f64> {
    let column = constant_column(source, run)?;
    let first = source.gather(&[0])?;
    Ok(column.map_or(0.0, |column| first[column]))
}

/// The first column that holds one non-zero value in every row.
///
/// Mostly the first block shows that there is none.
pub(crate) fn constant_column(source: &dyn RowSource, run: &Run<'_>) -> Result<Option<usize>> {
    let pass = ConstantColumns { columns: source.shape().columns };
    let mut seen = pass.zero();
    source.with_blocks(0..source.blocks().min(1), &mut |rows| pass.add(&mut seen, &rows, &mut []))?;
    if seen.candidates.is_empty() {
        return Ok(None);
    }
    Ok(sweep(source, &pass, &mut [], run)?.candidates.first().copied())
}

/// Which columns hold one value in all rows that were seen.
struct ConstantColumns {
    columns: usize,
}

struct Constants {
    /// The first row; empty before there is one.
    first: Vec<f64>,
    candidates: Vec<usize>,
}

impl Pass for ConstantColumns {
    type Acc = Constants;
    fn zero(&self) -> Constants {
        Constants { first: Vec::new(), candidates: (0..self.columns).collect() }
    }
    fn add(&self, seen: &mut Constants, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        with_scratch(self.columns, |row| {
            for i in 0..rows.block.rows() {
                if seen.candidates.is_empty() {
                    break;
                }
                rows.block.densify_into(i..i + 1, row);
                if seen.first.is_empty() {
                    seen.first = row.to_vec();
                    seen.candidates.retain(|&j| row[j] != 0.0);
                }
                let first = &seen.first;
                seen.candidates.retain(|&j| row[j] == first[j]);
            }
        });
        Ok(())
    }
    fn merge(&self, mut left: Constants, right: Constants) -> Constants {
        if left.first.is_empty() || right.first.is_empty() {
            return if left.first.is_empty() { right } else { left };
        }
        left.candidates.retain(|&j| right.candidates.contains(&j) && left.first[j] == right.first[j]);
        left
    }
    fn portable(&self) -> Option<&dyn Portable<Constants>> {
        Some(self)
    }
}

impl Portable<Constants> for ConstantColumns {
    fn name(&self) -> &'static str {
        "constant columns"
    }
    fn write(&self, _rows: Range<usize>, _to: &mut Writer) {}
    fn pack(&self, acc: &Constants, to: &mut Writer) {
        to.numbers(&acc.first);
        to.words(&acc.candidates);
    }
    fn unpack(&self, from: &mut Reader<'_>) -> Result<Constants> {
        Ok(Constants { first: from.numbers()?, candidates: from.words()? })
    }
}

/// Parts of both passes here, for another process.
pub(crate) fn answer_constant_columns(unit: Unit<'_>) -> Result<Vec<u8>> {
    let columns = unit.columns;
    unit.answer(&ConstantColumns { columns })
}

pub(crate) fn answer_column_sums(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let row_scale = unit.from.optional()?;
    let columns = unit.columns;
    unit.answer(&WeightedSums { row_scale: row_scale.as_deref(), columns })
}

impl Portable<Vec<f64>> for WeightedSums<'_> {
    fn name(&self) -> &'static str {
        "column sums"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        to.optional(self.row_scale.map(|r| &r[rows]));
    }
    packs_numbers!();
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
    fn portable(&self) -> Option<&dyn Portable<Vec<f64>>> {
        Some(self)
    }
}
