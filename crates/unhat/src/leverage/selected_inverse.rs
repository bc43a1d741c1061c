//! The entries of an inverse that scores need: those where the triangular factor has entries, by Takahashi's recursion.

use crate::gram::{Doubled, Dual, Number, Pattern, ldlt};
use crate::linalg::vectorised;

/// B⁻¹ on the slots of the pattern, from L and D of B = LDLᵀ.
///
/// B⁻¹ = L⁻ᵀD⁻¹ + (I − Lᵀ)B⁻¹: column by column from the last, Zᵢⱼ = −Σₖ Zᵢₖlₖⱼ and Zⱼⱼ = 1/dⱼ − Σₖ lₖⱼZₖⱼ, sums over
/// the rows k of column j, where Zᵢₖ is known: L has an entry at (i, k) if it has them at (i, j) and (k, j).
///
/// The entries of a row of A meet in a column of AᵀA. So σᵢ = aᵢᵀM⁻¹aᵢ needs no entry of M⁻¹ outside this pattern.
///
/// # Cost
/// `pattern.inverse_flops` times four.
/// # References
/// TakahashiFaganChen1973; ErismanTinney1975.
pub(crate) fn selected_inverse<T: Number>(pattern: &Pattern, factor: &[T]) -> Vec<T> {
    vectorised(|| recursion(pattern, factor))
}

#[inline(always)]
fn recursion<T: Number>(pattern: &Pattern, factor: &[T]) -> Vec<T> {
    let mut z = vec![T::default(); pattern.slots()];
    let mut l = vec![T::default(); pattern.dim()]; // column j of L, zero elsewhere
    let mut sum = vec![T::default(); pattern.dim()]; // Σₖ Zᵢₖlₖⱼ at the rows of column j, leftovers elsewhere
    for j in (0..pattern.dim()).rev() {
        let diagonal = pattern.starts[j];
        let below = diagonal + 1..pattern.starts[j + 1];
        for s in below.clone() {
            let i = pattern.rows[s] as usize;
            l[i] = factor[s];
            sum[i] = T::default();
        }
        for s in below.clone() {
            let k = pattern.rows[s] as usize;
            let (first, end) = (pattern.starts[k] + 1, pattern.starts[k + 1]);
            let run = pattern.runs[k].max(first);
            let (mut here, factor) = (z[first - 1] * l[k], l[k]);
            for (&i, &z) in pattern.rows[first..run].iter().zip(&z[first..run]) {
                here += z * l[i as usize];
                sum[i as usize] += z * factor;
            }
            if run < end {
                let rows = pattern.rows[run] as usize..pattern.rows[run] as usize + end - run;
                here += run_product(&z[run..end], &l[rows.clone()], factor, &mut sum[rows]);
            }
            sum[k] += here;
        }
        let mut corner = T::ONE / factor[diagonal];
        for s in below {
            let i = pattern.rows[s] as usize;
            z[s] = -sum[i];
            corner -= factor[s] * z[s];
            l[i] = T::default();
        }
        z[diagonal] = corner;
    }
    z
}

/// Σ zᵢlᵢ in interleaved partial sums, and sum += factor·z.
#[inline(always)]
fn run_product<T: Number>(z: &[T], l: &[T], factor: T, sum: &mut [T]) -> T {
    const LANES: usize = 8;
    let mut lanes = [T::default(); LANES];
    let whole = z.len() / LANES * LANES;
    for ((z, l), sum) in z.chunks_exact(LANES).zip(l.chunks_exact(LANES)).zip(sum.chunks_exact_mut(LANES)) {
        for k in 0..LANES {
            lanes[k] += z[k] * l[k];
            sum[k] += z[k] * factor;
        }
    }
    let mut total = T::default();
    for k in whole..z.len() {
        total += z[k] * l[k];
        sum[k] += z[k] * factor;
    }
    lanes.iter().for_each(|lane| total += *lane);
    total
}

/// M⁻¹NM⁻¹ on the slots: the derivative of −(M + tN)⁻¹, by the same recursion in dual numbers; None if M cannot be
/// factored.
///
/// # Cost
/// Three times a factorisation and a selected inverse.
pub(crate) fn sandwiched_inverse(pattern: &Pattern, m: &[f64], n: &[f64]) -> Option<Vec<f64>> {
    let dual: Vec<Dual> = m.iter().zip(n).map(|(&value, &slope)| Dual { value, slope }).collect();
    let factor = ldlt(pattern, &dual)?;
    Some(selected_inverse(pattern, &factor).iter().map(|z| -z.slope).collect())
}

/// M⁻¹ on the slots from a recursion in doubled precision: what the plain one is checked with.
///
/// # Cost
/// About [`DOUBLED_COST`] times a factorisation and a selected inverse.
pub(crate) fn accurate_inverse(pattern: &Pattern, m: &[f64]) -> Option<Vec<f64>> {
    let doubled: Vec<Doubled> = m.iter().map(|&m| Doubled::from(m)).collect();
    let factor = ldlt(pattern, &doubled)?;
    Some(selected_inverse(pattern, &factor).iter().map(|z| z.value()).collect())
}

/// Time of doubled precision against that of plain numbers (measured: 8 to 12).
pub(crate) const DOUBLED_COST: f64 = 10.0;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::Run;
    use crate::rows::CsrRows;
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::{Stream, random_csr};

    /// A random sparse matrix, its pattern, and Σ wᵢaᵢaᵢᵀ on the slots for given weights.
    struct Case {
        csr: unhat_testkit::sparse::Csr,
        pattern: Pattern,
    }

    fn case(d: usize, per_row: usize, seed: u64) -> Case {
        let mut triplets: Vec<_> = (0..d).map(|i| (i, i, 2.0)).collect();
        let random = random_csr(d, d, per_row, seed);
        (0..d).for_each(|i| triplets.extend(random.row(i).map(|(j, v)| (d + i, j, v))));
        let csr = unhat_testkit::sparse::Csr::from_triplets(2 * d, d, &triplets);
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d).unwrap();
        let pattern = Pattern::of_rows_within(&rows, f64::INFINITY, &Run::default()).unwrap().unwrap();
        Case { csr, pattern }
    }

    impl Case {
        fn gram(&self, weights: &[f64]) -> Vec<f64> {
            let mut gram = vec![0.0; self.pattern.slots()];
            let block = crate::rows::CsrBlock {
                pointers: &self.csr.indptr,
                indices: &self.csr.indices,
                values: &self.csr.values,
                columns: self.csr.d,
            };
            self.pattern.add_weighted(&block, |i| weights[i], &mut gram);
            gram
        }

        /// Σ wᵢaᵢaᵢᵀ, dense and full.
        fn dense_gram(&self, weights: &[f64]) -> Vec<f64> {
            let d = self.csr.d;
            let mut gram = vec![0.0; d * d];
            for i in 0..self.csr.n {
                for (j, a) in self.csr.row(i) {
                    self.csr.row(i).for_each(|(k, b)| gram[j + k * d] += weights[i] * a * b);
                }
            }
            gram
        }

        /// The entries of a dense matrix on the slots.
        fn on_slots(&self, dense: &[f64]) -> Vec<f64> {
            let (p, d) = (&self.pattern, self.csr.d);
            let column = |k: usize| p.place.iter().position(|&place| place as usize == k).unwrap();
            let all = (0..d).flat_map(|k| (p.starts[k]..p.starts[k + 1]).map(move |s| (s, k)));
            all.map(|(s, k)| dense[column(p.rows[s] as usize) + column(k) * d]).collect()
        }
    }

    /// M⁻¹ by Gauss and Jordan.
    fn dense_inverse(m: &[f64], d: usize) -> Vec<f64> {
        let mut work: Vec<Vec<f64>> = (0..d)
            .map(|i| (0..2 * d).map(|j| if j < d { m[i * d + j] } else { f64::from(u8::from(j - d == i)) }).collect())
            .collect();
        for k in 0..d {
            let pivot = (k..d).max_by(|&a, &b| work[a][k].abs().total_cmp(&work[b][k].abs())).unwrap();
            work.swap(k, pivot);
            let scale = work[k][k];
            work[k].iter_mut().for_each(|v| *v /= scale);
            let row = work[k].clone();
            for (_, other) in work.iter_mut().enumerate().filter(|(i, _)| *i != k) {
                let factor = other[k];
                other.iter_mut().zip(&row).for_each(|(o, r)| *o -= factor * r);
            }
        }
        work.iter().flat_map(|row| row[d..].to_vec()).collect()
    }

    fn product(a: &[f64], b: &[f64], d: usize) -> Vec<f64> {
        (0..d * d).map(|e| (0..d).map(|k| a[(e / d) * d + k] * b[k * d + e % d]).sum()).collect()
    }

    #[test]
    fn it_holds_the_entries_of_the_inverse_and_of_its_derivative() {
        for (d, per_row, seed) in [(1, 1, 0), (7, 2, 1), (30, 2, 2), (40, 3, 3), (25, 5, 4)] {
            let case = case(d, per_row, seed);
            let mut stream = Stream::new(seed, "weights");
            let weights: Vec<f64> = stream.uniforms(2 * d).iter().map(|u| 0.1 + u).collect();
            let direction = stream.normals(2 * d);
            let (m, n) = (case.gram(&weights), case.gram(&direction));
            let inverse = dense_inverse(&case.dense_gram(&weights), d);
            let selected = selected_inverse(&case.pattern, &ldlt(&case.pattern, &m).unwrap());
            assert_all_close(&selected, &case.on_slots(&inverse), 1e-12);
            let accurate = accurate_inverse(&case.pattern, &m).unwrap();
            assert_all_close(&accurate, &case.on_slots(&inverse), 1e-12);
            let between = product(&product(&inverse, &case.dense_gram(&direction), d), &inverse, d);
            let sandwiched = sandwiched_inverse(&case.pattern, &m, &n).unwrap();
            assert_all_close(&sandwiched, &case.on_slots(&between), 1e-11);
        }
    }

    #[test]
    fn an_indefinite_matrix_has_no_factor() {
        let case = case(20, 2, 5);
        let weights: Vec<f64> = (0..40).map(|i| if i == 3 { -50.0 } else { 1.0 }).collect();
        assert!(ldlt(&case.pattern, &case.gram(&weights)).is_none());
    }
}
