//! Where the triangular factor of a sparse Gram matrix has entries, and in which order of the columns.

use crate::error::Result;
use crate::linalg::fill_reducing_order;
use crate::rows::{Block, CsrBlock, RowSource, each_block_while};
use crate::run::Run;
use std::cell::RefCell;

/// The pattern of L with LLᵀ = P AᵀDA Pᵀ, whatever the weights D: a slot for every entry.
///
/// Every symmetric matrix Σ wᵢaᵢaᵢᵀ, its factor and its selected inverse are arrays over the same slots. Column k holds
/// the slots `starts[k]..starts[k + 1]`, the diagonal first, then rows increasing.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Place of column j of A in the order of elimination.
    pub place: Vec<u32>,
    /// First slot of each column, and the number of slots.
    pub starts: Vec<usize>,
    /// Row of each slot.
    pub rows: Vec<u32>,
    /// From this slot of each column on, rows follow each other without a gap: plain slices, where fill has made L dense.
    pub runs: Vec<usize>,
    /// First entry of each row in `row_slots`.
    pub row_starts: Vec<usize>,
    /// The slots (column, slot) of each row left of the diagonal, columns increasing.
    pub row_slots: Vec<(u32, u32)>,
    /// Σ cₖ², cₖ the entries of column k: flops of one factorisation.
    pub flops: f64,
    /// Σ (c of the columns that column k's rows lead to): products of one selected inverse, flops by four.
    pub inverse_flops: f64,
}

/// Patterns that predict more than this share of the dense flops (d³/3) are given up while they are counted: walking
/// through indices runs at about a ninth of the speed of products of matrices, and a solve takes more of it.
const WORTH_SHARE: f64 = 0.1;

/// Slots of a pattern: a handful of arrays of 1 GB each at most.
const SLOTS_LIMIT: usize = 1 << 27;

impl Pattern {
    /// The pattern for the rows of a source; None if its rows are not sparse ones, or if the factor would not be sparse.
    ///
    /// # Cost
    /// One sweep over pairs of entries on one core, and the ordering.
    pub fn of_rows(source: &dyn RowSource, run: &Run<'_>) -> Result<Option<Pattern>> {
        let d = source.shape().columns as f64;
        Pattern::of_rows_within(source, WORTH_SHARE * d * d * d / 3.0, run)
    }

    /// The pattern, if a factorisation takes no more than so many flops.
    pub fn of_rows_within(source: &dyn RowSource, limit: f64, run: &Run<'_>) -> Result<Option<Pattern>> {
        let d = source.shape().columns;
        let mut gram = GramColumns { columns: vec![Vec::new(); d], entries: d, limit: entries_within(limit, d) };
        let mut sparse = true;
        each_block_while(source, run, &mut |rows| {
            sparse = match rows.block {
                Block::Csr(block) => gram.add(&block),
                Block::Dense(_) => false,
            };
            Ok(sparse)
        })?;
        if !sparse {
            return Ok(None);
        }
        let Some(order) = fill_reducing_order(&gram.columns) else { return Ok(None) };
        Ok(Pattern::eliminated(gram.columns, &order, limit))
    }

    /// The pattern of no columns.
    pub fn empty() -> Pattern {
        Pattern::with_columns(Vec::new(), Vec::new(), 0.0)
    }

    /// Symbolic elimination: column k gets the rows of its own and those of its children in the elimination tree.
    fn eliminated(gram: Vec<Vec<u32>>, order: &[u32], limit: f64) -> Option<Pattern> {
        let d = order.len();
        let mut place = vec![0u32; d];
        order.iter().enumerate().for_each(|(k, &j)| place[j as usize] = k as u32);
        let mut below: Vec<Vec<u32>> = vec![Vec::new(); d];
        for (j, column) in gram.into_iter().enumerate() {
            for i in column {
                let (a, b) = (place[i as usize], place[j]);
                below[a.min(b) as usize].push(a.max(b));
            }
        }
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); d];
        let (mut flops, mut slots) = (0.0, 0);
        for k in 0..d {
            let mut column = std::mem::take(&mut below[k]);
            for child in std::mem::take(&mut children[k]) {
                column.extend_from_slice(&below[child as usize][1..]); // the first is k itself
            }
            column.sort_unstable();
            column.dedup();
            flops += ((column.len() + 1) * (column.len() + 1)) as f64;
            slots += column.len() + 1;
            if flops > limit || slots > SLOTS_LIMIT {
                return None;
            }
            if let Some(&parent) = column.first() {
                children[parent as usize].push(k as u32);
            }
            below[k] = column;
        }
        Some(Pattern::with_columns(place, below, flops))
    }

    fn with_columns(place: Vec<u32>, below: Vec<Vec<u32>>, flops: f64) -> Pattern {
        let d = below.len();
        let (mut starts, mut rows) = (Vec::with_capacity(d + 1), Vec::new());
        let mut row_starts = vec![0usize; d + 1];
        let mut inverse_flops = 0.0;
        for (k, column) in below.iter().enumerate() {
            starts.push(rows.len());
            rows.push(k as u32);
            rows.extend_from_slice(column);
            column.iter().for_each(|&i| row_starts[i as usize + 1] += 1);
            inverse_flops += column.iter().map(|&i| below[i as usize].len() + 1).sum::<usize>() as f64;
        }
        starts.push(rows.len());
        let gap = |k: usize| (starts[k] + 1..starts[k + 1]).rev().find(|&s| rows[s] != rows[s - 1] + 1);
        let runs = (0..d).map(|k| gap(k).unwrap_or(starts[k])).collect();
        (0..d).for_each(|i| row_starts[i + 1] += row_starts[i]);
        let mut next = row_starts.clone();
        let mut row_slots = vec![(0u32, 0u32); row_starts[d]];
        for k in 0..d {
            for slot in starts[k] + 1..starts[k + 1] {
                let at = &mut next[rows[slot] as usize];
                row_slots[*at] = (k as u32, slot as u32);
                *at += 1;
            }
        }
        Pattern { place, starts, rows, runs, row_starts, row_slots, flops, inverse_flops }
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.place.len()
    }

    /// Number of slots: nonzeros of L.
    pub fn slots(&self) -> usize {
        self.rows.len()
    }

    /// Entries of the longest row of L.
    pub fn longest_row(&self) -> usize {
        self.row_starts.windows(2).map(|w| w[1] - w[0] + 1).max().unwrap_or(1)
    }

    /// The row below the diagonal that follows column k in the elimination tree.
    pub fn parent(&self, k: usize) -> Option<usize> {
        let first = self.starts[k] + 1;
        (first < self.starts[k + 1]).then(|| self.rows[first] as usize)
    }

    /// The diagonal of a matrix on the slots, in the order of the columns of A.
    pub fn diagonal(&self, values: &[f64]) -> impl Iterator<Item = f64> {
        self.place.iter().map(|&k| values[self.starts[k as usize]])
    }

    /// A symmetric matrix on the slots, scaled to unit diagonal.
    pub fn equilibrated(&self, values: &[f64]) -> Vec<f64> {
        let size: Vec<f64> = (0..self.dim()).map(|k| values[self.starts[k]].sqrt()).collect();
        let mut unit = values.to_vec();
        for k in 0..self.dim() {
            (self.starts[k]..self.starts[k + 1]).for_each(|s| unit[s] /= size[k] * size[self.rows[s] as usize]);
        }
        unit
    }

    /// Calls `f(slot, product of the two, how often they meet)` for every pair of entries of a row: once for an entry with
    /// itself, twice for two.
    fn each_pair(&self, indices: &[u32], values: &[f64], mut f: impl FnMut(usize, f64, f64)) {
        if let ([j], [a]) = (indices, values) {
            return f(self.starts[self.place[*j as usize] as usize], a * a, 1.0);
        }
        with_sorted_row(|row| {
            row.clear();
            row.extend(indices.iter().zip(values).map(|(&j, &a)| (self.place[j as usize], a)));
            row.sort_unstable_by_key(|e| e.0);
            for (p, &(k, a)) in row.iter().enumerate() {
                let (first, end) = (self.starts[k as usize], self.starts[k as usize + 1]);
                f(first, a * a, 1.0);
                let mut at = first + 1;
                for &(i, b) in &row[p + 1..] {
                    at += self.rows[at..end].partition_point(|&r| r < i);
                    f(at, a * b, 2.0);
                }
            }
        })
    }

    /// Calls `f(p, q, slot)` for every pair of entries of a row, p and q their numbers in it: once for both orders.
    pub fn each_slot(&self, indices: &[u32], mut f: impl FnMut(usize, usize, usize)) {
        let mut row: Vec<(u32, usize)> = indices.iter().map(|&j| self.place[j as usize]).zip(0..).collect();
        row.sort_unstable();
        for (r, &(k, p)) in row.iter().enumerate() {
            let (first, end) = (self.starts[k as usize], self.starts[k as usize + 1]);
            f(p, p, first);
            let mut at = first + 1;
            for &(i, q) in &row[r + 1..] {
                at += self.rows[at..end].partition_point(|&r| r < i);
                f(p, q, at);
            }
        }
    }

    /// values += Σ weight(i) aᵢaᵢᵀ over a block.
    pub fn add_weighted(&self, block: &CsrBlock<'_>, weight: impl Fn(usize) -> f64, values: &mut [f64]) {
        for i in 0..block.rows() {
            let ((indices, entries), w) = (block.row(i), weight(i));
            self.each_pair(indices, entries, |slot, product, _| values[slot] += w * product);
        }
    }

    /// aᵀSa for a symmetric S given on the slots.
    pub fn quadratic_form(&self, indices: &[u32], values: &[f64], s: &[f64]) -> f64 {
        let mut total = 0.0;
        self.each_pair(indices, values, |slot, product, times| total += times * product * s[slot]);
        total
    }
}

thread_local! {
    static ROW: RefCell<Vec<(u32, f64)>> = const { RefCell::new(Vec::new()) };
}

fn with_sorted_row(f: impl FnOnce(&mut Vec<(u32, f64)>)) {
    ROW.with(|row| f(&mut row.borrow_mut()));
}

/// Columns of average length c cost at least dc² flops: the number of entries beyond which `flops` are exceeded.
fn entries_within(flops: f64, d: usize) -> usize {
    ((flops * d as f64).sqrt() as usize).min(SLOTS_LIMIT).max(d)
}

/// The pattern of AᵀA while it is collected: rows below the diagonal, increasing, by column.
struct GramColumns {
    columns: Vec<Vec<u32>>,
    entries: usize,
    limit: usize,
}

impl GramColumns {
    /// False as soon as there are too many entries.
    fn add(&mut self, block: &CsrBlock<'_>) -> bool {
        for i in 0..block.rows() {
            let indices = block.row(i).0;
            for (p, &j) in indices.iter().enumerate() {
                let column = &mut self.columns[j as usize];
                for &k in &indices[p + 1..] {
                    if let Err(at) = column.binary_search(&k) {
                        column.insert(at, k);
                        self.entries += 1;
                    }
                }
            }
            if self.entries > self.limit {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::rows::{CsrRows, DenseRows};
    use unhat_testkit::generate::random_csr;
    use unhat_testkit::sparse::Csr;

    fn pattern(csr: &Csr, limit: f64) -> Option<Pattern> {
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, csr.d).unwrap();
        Pattern::of_rows_within(&rows, limit, &Run::default()).unwrap()
    }

    #[test]
    fn a_tree_has_no_fill_and_a_diagonal_no_more_than_that() {
        // Rows that join column i with column i/2 of a binary tree, in a scattered numbering.
        let (d, name) = (63, |i: usize| i * 25 % 63);
        let edges: Vec<_> = (1..d).flat_map(|i| [(i, name(i), 1.0), (i, name((i - 1) / 2), -1.0)]).collect();
        let tree = pattern(&Csr::from_triplets(d, d, &edges), f64::INFINITY).unwrap();
        assert_eq!(tree.slots(), 2 * d - 1);
        let diagonal: Vec<_> = (0..d).map(|i| (i, i, 2.0)).collect();
        assert_eq!(pattern(&Csr::from_triplets(d, d, &diagonal), f64::INFINITY).unwrap().flops, d as f64);
    }

    #[test]
    fn too_much_fill_is_given_up_wherever_it_shows() {
        let (csr, d) = (random_csr(400, 60, 4, 1), 60.0f64);
        let whole = pattern(&csr, f64::INFINITY).unwrap();
        assert!(whole.flops > 0.3 * d * d * d / 3.0, "flops {}", whole.flops);
        assert!(pattern(&csr, whole.flops).is_some());
        assert!(pattern(&csr, whole.flops - 1.0).is_none()); // in the elimination
        assert!(pattern(&csr, 100.0).is_none()); // among the pairs of entries
        let dense = csr.to_dense();
        let rows = DenseRows::new(&dense, 60).unwrap();
        assert!(Pattern::of_rows_within(&rows, f64::INFINITY, &Run::default()).unwrap().is_none());
    }
}
