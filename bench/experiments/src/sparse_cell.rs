//! A cell of sparse rows around the origin, and a hidden point half of the way to its boundary.

use unhat_testkit::generate::{Stream, random_csr};
use unhat_testkit::sparse::Csr;

/// {Ax > b} with b < 0.
pub struct SparseCell {
    pub csr: Csr,
    pub offset: Vec<f64>,
    pub hidden: Vec<f64>,
}

impl SparseCell {
    /// n rows of d columns with so many entries a row.
    pub fn around_origin(n: usize, d: usize, per_row: usize, seed: u64) -> SparseCell {
        let csr = random_csr(n, d, per_row, seed);
        let mut stream = Stream::new(seed, "offsets and direction");
        let offset: Vec<f64> = (0..n).map(|_| -(0.5 + stream.uniform())).collect();
        let direction = stream.normals(d);
        let speed = |i: usize| csr.row(i).map(|(j, v)| v * direction[j]).sum::<f64>();
        let reach = (0..n).map(|i| (speed(i), offset[i])).filter(|(v, _)| *v < 0.0).map(|(v, b)| b / v);
        let step = 0.5 * reach.fold(f64::INFINITY, f64::min);
        let hidden = direction.iter().map(|u| step * u).collect();
        SparseCell { csr, offset, hidden }
    }
}
