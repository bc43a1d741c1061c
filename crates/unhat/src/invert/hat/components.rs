//! Connected components of the matroid of the rows: within each of them scores say all weights up to one factor.

use super::basis::{select, unit_at};
use super::coordinates::{Coordinates, Weighted, stretches};
use crate::error::{ErrorKind, Result};
use crate::linalg;
use crate::rows::{Pass, RowSource, Rows, Shape, sweep};
use crate::run::Run;

/// An entry below this share of the largest of its row is rounding.
const ZERO_ENTRY: f64 = 1e-9;

/// Which component each row belongs to.
pub(super) struct Components {
    /// The component of each row; None for rows of zeros and for those that were left out.
    pub of_row: Vec<Option<usize>>,
    /// The rank of each.
    pub rank: Vec<usize>,
    /// The number of rows of each.
    pub size: Vec<usize>,
}

impl Components {
    /// Rows that alone hold a direction: their score is 1 whatever their weight.
    pub fn is_coloop(&self, row: usize) -> bool {
        self.of_row[row].is_some_and(|c| self.size[c] == 1)
    }

    /// From the fundamental graph of one basis: row i meets basis row j where the coordinate c_ij is not zero.
    ///
    /// # Cost
    /// Two sweeps: the choice of a basis, and the coordinates in it.
    /// # References
    /// Oxley2011, chapter 4.
    pub fn of(source: &dyn RowSource, whitened: &Coordinates, scale: &[f64], run: &Run<'_>) -> Result<Components> {
        let n = source.shape().rows;
        let norms = Weighted { coordinates: whitened, scale, then: None }.forms(source, None, run)?;
        let unit: Vec<f64> = norms.iter().zip(scale).map(|(q, s)| if *q > 0.0 { s / q.sqrt() } else { 0.0 }).collect();
        let basis = select(source, whitened, &unit, run)?;
        let coordinates = unit_at(source, whitened, basis)?.ok_or_else(|| ErrorKind::Numerical {
            reason: "no rows were found that span all others: the matrix is dependent to rounding".into(),
        })?;
        let mut meets = vec![-1.0; n];
        let rows = Weighted { coordinates: &coordinates, scale: &unit, then: None };
        let mut graph = sweep(source, &GraphPass { rows: &rows }, &mut meets, run)?;
        // Components in the order of their first rows.
        let mut number: Vec<Option<usize>> = vec![None; coordinates.rank];
        let mut count = 0;
        let mut component = |root: usize| {
            *number[root].get_or_insert_with(|| {
                count += 1;
                count - 1
            })
        };
        let of_row: Vec<Option<usize>> =
            meets.iter().map(|j| (*j >= 0.0).then(|| component(graph.root(*j as usize)))).collect();
        let of_basis: Vec<usize> = (0..coordinates.rank).map(|j| component(graph.root(j))).collect();
        let mut rank = vec![0; count];
        of_basis.iter().for_each(|c| rank[*c] += 1);
        let mut size = vec![0; rank.len()];
        of_row.iter().flatten().for_each(|c| size[*c] += 1);
        Ok(Components { of_row, rank, size })
    }
}

/// Sets of basis rows that are known to be connected.
struct Graph {
    parent: Vec<usize>,
}

impl Graph {
    fn root(&mut self, mut j: usize) -> usize {
        while self.parent[j] != j {
            self.parent[j] = self.parent[self.parent[j]];
            j = self.parent[j];
        }
        j
    }

    fn join(&mut self, i: usize, j: usize) {
        let (i, j) = (self.root(i), self.root(j));
        let (low, high) = (i.min(j), i.max(j));
        self.parent[high] = low;
    }
}

struct GraphPass<'a> {
    rows: &'a Weighted<'a>,
}

impl Pass for GraphPass<'_> {
    type Acc = Graph;
    fn zero(&self) -> Graph {
        Graph { parent: (0..self.rows.coordinates.rank).collect() }
    }
    fn add(&self, graph: &mut Graph, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let r = self.rows.coordinates.rank;
        self.rows.each(rows, |range, c, _| {
            for (out, row) in out[range].iter_mut().zip(c.chunks_exact(r)) {
                let most = row.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
                let mut met = (0..r).filter(|&j| row[j].abs() > ZERO_ENTRY * most);
                let Some(first) = met.next() else { continue };
                *out = first as f64;
                met.for_each(|j| graph.join(first, j));
            }
        });
        Ok(())
    }
    fn merge(&self, mut left: Graph, right: Graph) -> Graph {
        right.parent.iter().enumerate().for_each(|(j, p)| left.join(j, *p));
        left
    }
    fn width(&self) -> usize {
        1
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches(shape, blocks)
    }
}

/// r(S) of the first k rows of an order, for every k: how the rank grows along it.
///
/// # Cost
/// 4nr² flops.
pub(super) fn ranks_along(
    source: &dyn RowSource,
    whitened: &Coordinates,
    order: &[usize],
    run: &Run<'_>,
) -> Result<Vec<usize>> {
    const AT_ONCE: usize = 256;
    let (r, d) = (whitened.rank, whitened.columns);
    let (mut directions, mut ranks): (Vec<f64>, Vec<usize>) = (Vec::new(), Vec::with_capacity(order.len()));
    for some in order.chunks(AT_ONCE) {
        run.check()?;
        let own = source.gather(some)?;
        let mut q = vec![0.0; some.len() * r];
        match &whitened.map {
            Some(k) => linalg::product_into(k, &own, r, d, some.len(), &mut q),
            None => q.copy_from_slice(&own),
        }
        for row in q.chunks_exact_mut(r) {
            let length = linalg::norm(row);
            for _ in 0..2 {
                for q in directions.chunks_exact(r) {
                    let t = linalg::dot(q, row);
                    row.iter_mut().zip(q).for_each(|(a, q)| *a -= t * q);
                }
            }
            let left = linalg::norm(row);
            if left > ZERO_ENTRY * length {
                row.iter_mut().for_each(|a| *a /= left);
                directions.extend_from_slice(row);
            }
            ranks.push(directions.len() / r);
        }
    }
    Ok(ranks)
}
