//! Every sign pattern of d + 1 rows tried: the signs of a basis decide all slacks, and few of them give all rows their sizes.

use crate::linalg;

/// Rows rᵢ = tᵢ/qᵢ seen from D = d + 1 of them: rᵢ = Σ gᵢⱼ r_{basis j}. Slacks Tc have the sizes q where all |rᵢc| = 1.
pub(super) struct Basis {
    /// Indices of the basis rows.
    pub rows: Vec<usize>,
    /// g, row-major m×D; the basis rows are unit vectors.
    pub g: Vec<f64>,
    /// C with c = C ε for the signs ε of the basis rows, column-major D×D.
    pub map: Vec<f64>,
}

/// What remains of a row below this share is rounding.
const DEPENDENT: f64 = 1e-10;

impl Basis {
    /// Chooses rows by complete pivoting, where `preference` (m) multiplies the size of a row's pivot; None where the rows
    /// span less than D dimensions.
    ///
    /// # Cost
    /// 2mD² flops.
    pub fn of(rows: &[f64], dim: usize, preference: &[f64]) -> Option<Basis> {
        let m = preference.len();
        let largest = rows.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
        let mut g = rows.to_vec();
        // Column operations: C begins as the identity and goes along.
        let mut map: Vec<f64> = (0..dim * dim).map(|k| f64::from(u8::from(k % dim == k / dim))).collect();
        let mut basis = Vec::with_capacity(dim);
        for k in 0..dim {
            let mut best = (0.0, 0, k);
            for i in 0..m {
                for j in k..dim {
                    let size = g[i * dim + j].abs() * preference[i];
                    if size > best.0 {
                        best = (size, i, j);
                    }
                }
            }
            let (_, i, j) = best;
            let pivot = g[i * dim + j];
            if pivot.abs() <= DEPENDENT * largest {
                return None;
            }
            for row in g.chunks_exact_mut(dim) {
                row.swap(k, j);
            }
            (0..dim).for_each(|r| map.swap(r + k * dim, r + j * dim));
            let shares: Vec<f64> = (0..dim).map(|c| g[i * dim + c] / pivot).collect();
            for row in g.chunks_exact_mut(dim) {
                let lead = row[k];
                for (c, share) in shares.iter().enumerate() {
                    row[c] = if c == k { lead / pivot } else { row[c] - share * lead };
                }
            }
            let lead: Vec<f64> = (0..dim).map(|r| map[r + k * dim]).collect();
            for (c, share) in shares.iter().enumerate() {
                for r in 0..dim {
                    let cell = &mut map[r + c * dim];
                    *cell = if c == k { lead[r] / pivot } else { *cell - share * lead[r] };
                }
            }
            basis.push(i);
        }
        Some(Basis { rows: basis, g, map })
    }

    fn dim(&self) -> usize {
        self.rows.len()
    }

    /// c of a pattern.
    pub fn coefficients(&self, signs: &[f64]) -> Vec<f64> {
        let d = self.dim();
        (0..d).map(|r| (0..d).map(|c| self.map[r + c * d] * signs[c]).sum()).collect()
    }

    /// All patterns, the first sign being +, under which every |rᵢc| is 1 within its tolerance; at most `limit`.
    ///
    /// # Cost
    /// 2^d times a few flops: most patterns fail on the first rows looked at.
    pub fn fitting(&self, tolerance: &[f64], limit: usize) -> Vec<Vec<f64>> {
        let d = self.dim();
        let mut rows: Vec<usize> = (0..tolerance.len()).filter(|i| !self.rows.contains(i)).collect();
        // Rows that many of the basis take part in tell patterns apart soonest; exact ones first.
        let taking_part = |i: usize| self.g[i * d..(i + 1) * d].iter().filter(|g| g.abs() > tolerance[i]).count();
        rows.sort_by_key(|&i| std::cmp::Reverse(taking_part(i)));
        let first: Vec<usize> = rows.iter().copied().take(FOLLOWED).collect();
        let mut found = Vec::new();
        self.walk(&first, &mut |signs, values| {
            let near = |value: f64, i: usize| (value.abs() - 1.0).abs() <= tolerance[i];
            if found.len() < limit && values.iter().zip(&first).all(|(v, i)| near(*v, *i)) {
                let fits = |&i: &usize| near(linalg::dot(&self.g[i * d..(i + 1) * d], signs), i);
                if rows.iter().skip(FOLLOWED).all(fits) {
                    found.push(signs.to_vec());
                }
            }
        });
        found
    }

    /// The `count` patterns with the least Σ ρᵢ² min(||rᵢc| − 1|, 1)² over the named rows, the least first.
    ///
    /// # Cost
    /// 2^d × rows named × 4 flops.
    pub fn nearest(&self, rows: &[usize], reliability: &[f64], count: usize) -> Vec<Vec<f64>> {
        let mut best: Vec<(f64, Vec<f64>)> = Vec::new();
        let square: Vec<f64> = rows.iter().map(|&i| reliability[i] * reliability[i]).collect();
        self.walk(rows, &mut |signs, values| {
            let off = |v: &f64| (v.abs() - 1.0).abs().min(1.0).powi(2);
            let misfit: f64 = values.iter().zip(&square).map(|(v, w)| w * off(v)).sum();
            if best.len() < count || misfit < best[best.len() - 1].0 {
                let at = best.partition_point(|(other, _)| *other <= misfit);
                best.insert(at, (misfit, signs.to_vec()));
                best.truncate(count);
            }
        });
        best.into_iter().map(|(_, signs)| signs).collect()
    }

    /// Visits all patterns by changing one sign at a time (Gray's order), with rᵢc of the named rows.
    fn walk(&self, rows: &[usize], visit: &mut dyn FnMut(&[f64], &[f64])) {
        let d = self.dim();
        let column = |c: usize| rows.iter().map(|&i| self.g[i * d + c]).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..d).map(column).collect();
        let mut signs = vec![1.0; d];
        let sums = |signs: &[f64]| -> Vec<f64> {
            (0..rows.len()).map(|k| (0..d).map(|c| signs[c] * columns[c][k]).sum()).collect()
        };
        let mut values = sums(&signs);
        visit(&signs, &values);
        for step in 1_u64..1 << (d - 1) {
            let c = 1 + step.trailing_zeros() as usize;
            signs[c] = -signs[c];
            if step % RENEWED == 0 {
                values = sums(&signs); // what rounding added up
            } else {
                let twice = 2.0 * signs[c];
                values.iter_mut().zip(&columns[c]).for_each(|(v, g)| *v += twice * g);
            }
            visit(&signs, &values);
        }
    }
}

/// Rows whose sums are followed from pattern to pattern.
const FOLLOWED: usize = 4;
/// Steps after which sums are formed anew.
const RENEWED: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal;

    #[test]
    fn a_basis_holds_every_row_and_finds_the_one_pattern() {
        let (m, dim) = (15, 6);
        let mut t = vec![0.0; m * dim];
        normal::draw_into(3, 1, &mut t);
        let mut c = vec![0.0; dim];
        normal::draw_into(3, 2, &mut c);
        let s: Vec<f64> = t.chunks_exact(dim).map(|row| linalg::dot(row, &c)).collect();
        let rows: Vec<f64> =
            t.chunks_exact(dim).zip(&s).flat_map(|(r, s)| r.iter().map(|v| v / s.abs()).collect::<Vec<_>>()).collect();
        let basis = Basis::of(&rows, dim, &vec![1.0; m]).unwrap();
        for (i, g) in basis.g.chunks_exact(dim).enumerate() {
            for k in 0..dim {
                let sum: f64 = (0..dim).map(|j| g[j] * rows[basis.rows[j] * dim + k]).sum();
                assert!((sum - rows[i * dim + k]).abs() < 1e-10);
            }
        }
        let found = basis.fitting(&vec![1e-9; m], 10);
        assert_eq!(found.len(), 1);
        let again = basis.coefficients(&found[0]);
        let factor = again[0] / c[0];
        assert!(again.iter().zip(&c).all(|(a, c)| (a - factor * c).abs() < 1e-9 && (factor.abs() - 1.0).abs() < 1e-9));
        let all: Vec<usize> = (0..m).collect();
        assert_eq!(basis.nearest(&all, &vec![1.0; m], 3)[0], found[0]);
    }
}
