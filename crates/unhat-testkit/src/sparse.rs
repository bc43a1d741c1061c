//! Compressed sparse rows as plain vectors.

/// An n×d sparse matrix by rows; the columns of a row are increasing.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr {
    /// n, the number of rows.
    pub n: usize,
    /// d, the number of columns.
    pub d: usize,
    /// Row i holds entries `indptr[i]..indptr[i + 1]`; n + 1 numbers.
    pub indptr: Vec<usize>,
    /// The column of each entry.
    pub indices: Vec<u32>,
    /// The value of each entry.
    pub values: Vec<f64>,
}

impl Csr {
    /// From (row, column, value) in any order; a repeated position adds up.
    pub fn from_triplets(n: usize, d: usize, triplets: &[(usize, usize, f64)]) -> Csr {
        let mut sorted = triplets.to_vec();
        sorted.sort_by_key(|&(row, column, _)| (row, column));
        sorted.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            kept.2 += if same { next.2 } else { 0.0 };
            same
        });
        let mut indptr = vec![0; n + 1];
        for &(row, _, _) in &sorted {
            indptr[row + 1] += 1;
        }
        for i in 0..n {
            indptr[i + 1] += indptr[i];
        }
        let indices = sorted.iter().map(|t| t.1 as u32).collect();
        Csr { n, d, indptr, indices, values: sorted.iter().map(|t| t.2).collect() }
    }

    /// (column, value) of the entries of row i.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        let entries = self.indptr[i]..self.indptr[i + 1];
        entries.map(|k| (self.indices[k] as usize, self.values[k]))
    }

    /// The same matrix dense and row-major.
    pub fn to_dense(&self) -> Vec<f64> {
        let mut dense = vec![0.0; self.n * self.d];
        for i in 0..self.n {
            for (j, value) in self.row(i) {
                dense[i * self.d + j] = value;
            }
        }
        dense
    }

    /// Aᵀ.
    pub fn transposed(&self) -> Csr {
        let triplets: Vec<_> = (0..self.n).flat_map(|i| self.row(i).map(move |(j, value)| (j, i, value))).collect();
        Csr::from_triplets(self.d, self.n, &triplets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triplets_are_sorted_and_repeated_positions_add_up() {
        let a = Csr::from_triplets(3, 2, &[(2, 1, 4.0), (0, 1, 1.0), (0, 0, 2.0), (2, 1, 1.0)]);
        assert_eq!(a.indptr, [0, 2, 2, 3]);
        assert_eq!(a.to_dense(), [2.0, 1.0, 0.0, 0.0, 0.0, 5.0]);
        assert_eq!(a.transposed().to_dense(), [2.0, 0.0, 0.0, 1.0, 0.0, 5.0]);
        assert_eq!(a.transposed().transposed(), a);
    }
}
