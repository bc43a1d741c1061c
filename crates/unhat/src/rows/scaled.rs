//! Rows and columns times powers of two, which are exact: what is squared afterwards neither over- nor underflows.

use super::{
    Block, CsrBlock, DenseBlock, Pass, Portable, Reader, RowSource, Rows, Shape, Unit, Writer, each_block, other,
    sweep, with_scratch,
};
use crate::error::{ErrorKind, Result};
use crate::run::Run;
use std::ops::Range;

/// Numbers from 2^−250 to 2^250: fourth powers of them are normal numbers.
const PLAIN: std::ops::RangeInclusive<f64> = 5.6e-76..=1.8e75;
/// From 2^−400 to 2^400: the squares are, with room for sums and quotients of them.
const SQUARED: std::ops::RangeInclusive<f64> = 3.9e-121..=2.5e120;

/// Whether a number is of a size that nothing need be scaled for.
pub(crate) fn is_plain(v: f64) -> bool {
    v == 0.0 || PLAIN.contains(&v.abs())
}

/// Whether the square of a number keeps its digits.
pub(crate) fn square_fits(v: f64) -> bool {
    v == 0.0 || SQUARED.contains(&v.abs())
}

/// An error if the squares of a column are lost: where nothing scales them away.
pub(crate) fn require_plain_columns(source: &dyn RowSource, run: &Run<'_>) -> Result<()> {
    let extent = Extent::of(source, None, run)?;
    match extent.columns.iter().position(|most| !square_fits(*most)) {
        Some(column) if extent.columns[column].is_finite() => Err(ErrorKind::Numerical {
            reason: format!(
                "the largest entry of column {} is {:.1e}, whose square is out of the range of numbers: rescale the columns",
                column + 1,
                extent.columns[column]
            ),
        }
        .into()),
        _ => Ok(()), // an infinite entry is found and named by whoever sums it up
    }
}

/// The rows of a source times powers of two: A′ᵢⱼ = Aᵢⱼ·2^(eᵢ + cⱼ).
///
/// Entries that become subnormal, or zero, are 2^−1000 of the largest of their column or less.
pub(crate) struct ScaledRows<'a> {
    source: &'a dyn RowSource,
    /// e; None: zeros.
    rows: Option<Vec<i32>>,
    /// c.
    columns: Vec<i32>,
}

impl<'a> ScaledRows<'a> {
    pub fn new(source: &'a dyn RowSource, rows: Option<Vec<i32>>, columns: Vec<i32>) -> Self {
        ScaledRows { source, rows, columns }
    }

    fn power(&self, row: usize, column: usize) -> i32 {
        self.rows.as_ref().map_or(0, |e| e[row]) + self.columns[column]
    }

    fn lend_scaled(&self, rows: &Rows<'_>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        match rows.block {
            Block::Dense(block) => with_scratch(block.values.len(), |values| {
                for (k, (scaled, v)) in values.iter_mut().zip(block.values).enumerate() {
                    *scaled = libm::ldexp(*v, self.power(rows.start + k / block.columns, k % block.columns));
                }
                let block = DenseBlock { values, columns: block.columns };
                f(Rows { start: rows.start, block: Block::Dense(block) })
            }),
            Block::Csr(block) => {
                let first = block.pointers[0];
                let pointers: Vec<usize> = block.pointers.iter().map(|p| p - first).collect();
                let entries = first..first + pointers[pointers.len() - 1];
                let indices = &block.indices[entries.clone()];
                with_scratch(entries.len(), |values| {
                    values.copy_from_slice(&block.values[entries]);
                    for (i, range) in pointers.windows(2).enumerate() {
                        for k in range[0]..range[1] {
                            values[k] = libm::ldexp(values[k], self.power(rows.start + i, indices[k] as usize));
                        }
                    }
                    let block = CsrBlock { pointers: &pointers, indices, values, columns: block.columns };
                    f(Rows { start: rows.start, block: Block::Csr(block) })
                })
            }
        }
    }
}

impl RowSource for ScaledRows<'_> {
    fn shape(&self) -> Shape {
        self.source.shape()
    }

    fn rows_per_block(&self) -> usize {
        self.source.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_block(k, &mut |rows| self.lend_scaled(&rows, f))
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_blocks(range, &mut |rows| self.lend_scaled(&rows, f))
    }

    fn openings(&self) -> Option<usize> {
        self.source.openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let mut values = self.source.gather(rows)?;
        let d = self.columns.len();
        for (k, v) in values.iter_mut().enumerate() {
            *v = libm::ldexp(*v, self.power(rows[k / d], k % d));
        }
        Ok(values)
    }
}

/// The largest |Aᵢⱼrᵢ| of each column, and how large and how small an entry itself is.
pub(crate) struct Extent {
    /// maxᵢ |Aᵢⱼrᵢ|; the product may have over- or underflown.
    pub columns: Vec<f64>,
    /// Largest of all |Aᵢⱼ|.
    pub largest: f64,
    /// Least |Aᵢⱼ| that is not zero; infinite where all are.
    pub least: f64,
}

impl Extent {
    /// Looks at every stored entry; `row_scale` is r.
    ///
    /// # Cost
    /// One sweep over the stored entries.
    pub fn of(source: &dyn RowSource, row_scale: Option<&[f64]>, run: &Run<'_>) -> Result<Extent> {
        sweep(source, &ExtentPass { row_scale, columns: source.shape().columns }, &mut [], run)
    }
}

/// The extent of a unit of rows, for another process.
pub(crate) fn answer_extent(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let row_scale = unit.from.optional()?;
    let columns = unit.columns;
    unit.answer(&ExtentPass { row_scale: row_scale.as_deref(), columns })
}

impl Portable<Extent> for ExtentPass<'_> {
    fn name(&self) -> &'static str {
        "extent"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        to.optional(self.row_scale.map(|r| &r[rows]));
    }
    fn pack(&self, acc: &Extent, to: &mut Writer) {
        to.numbers(&acc.columns);
        to.numbers(&[acc.largest, acc.least]);
    }
    fn unpack(&self, from: &mut Reader<'_>) -> Result<Extent> {
        let columns = from.numbers()?;
        match (from.numbers()?.as_slice(), columns.len() == self.columns) {
            (&[largest, least], true) => Ok(Extent { columns, largest, least }),
            _ => Err(other("found no extent".into())),
        }
    }
}

struct ExtentPass<'a> {
    row_scale: Option<&'a [f64]>,
    columns: usize,
}

impl Pass for ExtentPass<'_> {
    type Acc = Extent;
    fn zero(&self) -> Extent {
        Extent { columns: vec![0.0; self.columns], largest: 0.0, least: f64::INFINITY }
    }
    fn add(&self, acc: &mut Extent, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let scale = |i: usize| self.row_scale.map_or(1.0, |r| r[rows.start + i].abs());
        let larger = |a: f64, b: f64| if b > a { b } else { a };
        let (mut largest, mut least) = (acc.largest, acc.least);
        let mut see = |v: f64| {
            let v = v.abs();
            largest = larger(largest, v);
            least = if v < least && v > 0.0 { v } else { least };
            v
        };
        match rows.block {
            Block::Dense(block) => {
                for (i, row) in block.values.chunks_exact(block.columns).enumerate() {
                    let r = scale(i);
                    row.iter().zip(&mut acc.columns).for_each(|(v, most)| *most = larger(*most, see(*v) * r));
                }
            }
            Block::Csr(block) => {
                for i in 0..block.rows() {
                    let (r, (indices, values)) = (scale(i), block.row(i));
                    for (&j, v) in indices.iter().zip(values) {
                        let most = &mut acc.columns[j as usize];
                        *most = larger(*most, see(*v) * r);
                    }
                }
            }
        }
        (acc.largest, acc.least) = (largest, least);
        Ok(())
    }
    fn merge(&self, mut left: Extent, right: Extent) -> Extent {
        left.columns.iter_mut().zip(&right.columns).for_each(|(a, b)| *a = a.max(*b));
        Extent { largest: left.largest.max(right.largest), least: left.least.min(right.least), ..left }
    }
    fn portable(&self) -> Option<&dyn Portable<Extent>> {
        Some(self)
    }
}

/// The largest exponent of |Aᵢⱼ|·2^eᵢ in each column, None for a column of zeros. Exact where the products would not fit.
pub(crate) fn column_exponents(source: &dyn RowSource, rows: Option<&[i32]>) -> Result<Vec<Option<i32>>> {
    let mut found = vec![None; source.shape().columns];
    each_entry(source, &mut |i, j, v| {
        let e = libm::ilogb(v) + rows.map_or(0, |e| e[i]);
        found[j] = found[j].max(Some(e));
    })?;
    Ok(found)
}

/// The largest exponent of |Aᵢⱼ|·2^cⱼ in each row, None for a row of zeros.
pub(crate) fn row_exponents(source: &dyn RowSource, columns: &[i32]) -> Result<Vec<Option<i32>>> {
    let mut found = vec![None; source.shape().rows];
    each_entry(source, &mut |i, j, v| found[i] = found[i].max(Some(libm::ilogb(v) + columns[j])))?;
    Ok(found)
}

/// Calls `f(row, column, value)` for every entry that is finite and not zero.
fn each_entry(source: &dyn RowSource, f: &mut dyn FnMut(usize, usize, f64)) -> Result<()> {
    let mut each = |i: usize, j: usize, v: f64| {
        if v != 0.0 && v.is_finite() {
            f(i, j, v);
        }
    };
    each_block(source, &Run::default(), &mut |rows| {
        match rows.block {
            Block::Dense(b) => {
                (0..b.values.len()).for_each(|k| each(rows.start + k / b.columns, k % b.columns, b.values[k]))
            }
            Block::Csr(b) => {
                for i in 0..b.rows() {
                    let (indices, values) = b.row(i);
                    indices.iter().zip(values).for_each(|(&j, v)| each(rows.start + i, j as usize, *v));
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::rows::{CsrRows, DenseRows};

    #[test]
    fn scaled_rows_are_the_rows_times_powers_of_two_densely_and_sparsely() {
        let a = [1.0, 3e-200, 0.0, -5.0, 7e-200, 2.0];
        let dense = DenseRows::new(&a, 3).unwrap();
        let (pointers, indices, values) = ([0, 2, 5], [0, 1, 0, 1, 2], [1.0, 3e-200, -5.0, 7e-200, 2.0]);
        let sparse = CsrRows::new(&pointers, &indices, &values, 3).unwrap();
        let (rows, columns) = (vec![3, -1], vec![0, 664, -2]);
        for source in [&dense as &dyn RowSource, &sparse] {
            let scaled = ScaledRows::new(source, Some(rows.clone()), columns.clone());
            let mut seen = Vec::new();
            scaled
                .with_block(0, &mut |block| {
                    let mut out = vec![0.0; 6];
                    block.block.densify_into(0..2, &mut out);
                    seen = out;
                    Ok(())
                })
                .unwrap();
            assert_eq!(seen, scaled.gather(&[0, 1]).unwrap());
            let expected: Vec<f64> = (0..6).map(|k| a[k] * 2f64.powi(rows[k / 3] + columns[k % 3])).collect();
            assert_eq!(seen, expected);
            let extent = Extent::of(source, Some(&[1.0, 2.0]), &Run::default()).unwrap();
            assert_eq!((extent.columns, extent.largest, extent.least), (vec![10.0, 1.4e-199, 4.0], 5.0, 3e-200));
            assert_eq!(column_exponents(source, Some(&[0, 1])).unwrap(), [Some(3), Some(-661), Some(2)]);
            assert_eq!(row_exponents(source, &[0, 0, 0]).unwrap(), [Some(0), Some(2)]);
        }
    }
}
