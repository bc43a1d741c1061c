//! The order in which columns are eliminated so that a sparse factor stays sparse.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::SymbolicSparseColMatRef;
use faer::sparse::linalg::amd;

/// Approximate minimum degree: the column that comes k-th, for a symmetric pattern given by the rows of each column
/// (one of the two triangles is enough); None if the library finds the pattern too large.
///
/// # References
/// AmestoyDavisDuff1996.
pub fn fill_reducing_order(columns: &[Vec<u32>]) -> Option<Vec<u32>> {
    let d = columns.len();
    let mut starts = vec![0usize; d + 1];
    (0..d).for_each(|j| starts[j + 1] = starts[j] + columns[j].len());
    let rows: Vec<usize> = columns.iter().flatten().map(|&i| i as usize).collect();
    let pattern = SymbolicSparseColMatRef::new_checked(d, d, &starts, None, &rows);
    let (mut order, mut inverse) = (vec![0usize; d], vec![0usize; d]);
    let mut memory = MemBuffer::new(amd::order_maybe_unsorted_scratch::<usize>(d, rows.len()));
    let control = amd::Control::default();
    amd::order_maybe_unsorted(&mut order, &mut inverse, pattern, control, MemStack::new(&mut memory)).ok()?;
    Some(order.iter().map(|&j| j as u32).collect())
}
