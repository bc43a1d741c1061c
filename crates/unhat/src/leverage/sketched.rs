//! Sketched leverage scores: the norms of a few random combinations instead of all d.

use crate::error::{ErrorKind, Result};
use crate::gram::Factor;
use crate::linalg;
use crate::random::uniform_rows_into;
use crate::rows::{Block, Pass, RowSource, Rows, require_vector, sweep, with_scratch};
use crate::run::Run;

/// Estimates ‖Gᵀ L⁻¹ rᵢaᵢ‖² of the leverage scores from the factor of their Gram matrix.
///
/// `E[estimate] = σᵢ`,  relative standard deviation √(2/k) at most,  G = k columns of random signs / √k
///
/// The same G serves every matrix with this d, k and seed, so that the difference of two sketches of nearby matrices is
/// far more accurate than either.
///
/// # Shapes
/// `row_scale` n values or None; the result: n values.
/// # Cost
/// One sweep, 2k flops an entry: nnz(A)·k.
/// # Randomness
/// Signs keyed by (seed, entry); the same bits for any number of threads.
/// # Errors
/// [`ErrorKind::Option`] for k = 0; the length of `row_scale`.
/// # Examples
/// ```
/// use unhat::{Run, gram::Factor, leverage::sketched_scores, rows::DenseRows};
/// let a = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
/// let factor = Factor::of_gram(vec![2.0, 1.0, 0.0, 2.0], 2).unwrap(); // AᵀA, lower triangle
/// let scores = sketched_scores(&DenseRows::new(&a, 2)?, None, &factor, 400, 0, &Run::default())?;
/// assert!((scores[0] - 2.0 / 3.0).abs() < 0.2);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// DrineasMahoneyMuthukrishnan2006.
pub fn sketched_scores(
    source: &dyn RowSource,
    row_scale: Option<&[f64]>,
    factor: &Factor,
    k: usize,
    seed: u64,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let shape = source.shape();
    if k == 0 {
        return Err(
            ErrorKind::Option { name: "sketch".into(), reason: "found 0 columns, expected 1 or more".into() }.into()
        );
    }
    if let Some(r) = row_scale {
        require_vector("row scale", r, shape.rows)?;
    }
    let mut signs = signs(shape.columns, k, seed);
    linalg::solve_lower_transposed_rows(factor.lower(), shape.columns, &mut signs);
    let mut scores = projected_norms(source, &signs, k, run)?;
    if let Some(r) = row_scale {
        scores.iter_mut().zip(r).for_each(|(s, r)| *s *= r * r);
    }
    Ok(scores)
}

/// The stream of the signs, apart from those of other draws.
const SIGN_STREAM: u64 = u64::MAX - 1;

/// G: k directions of d random signs / √k, one after the other.
pub(crate) fn signs(d: usize, k: usize, seed: u64) -> Vec<f64> {
    let mut signs = vec![0.0; d * k];
    uniform_rows_into(seed, SIGN_STREAM, 0, &mut signs);
    let size = 1.0 / (k as f64).sqrt();
    signs.iter_mut().for_each(|u| *u = if *u < 0.5 { size } else { -size });
    signs
}

/// Σ (aᵢ·v)² over k directions v of d values each, one after the other.
///
/// # Cost
/// One sweep, 2k flops an entry.
pub(crate) fn projected_norms(source: &dyn RowSource, directions: &[f64], k: usize, run: &Run<'_>) -> Result<Vec<f64>> {
    let shape = source.shape();
    let d = shape.columns;
    let side_by_side: Vec<f64> = (0..d * k).map(|e| directions[(e % k) * d + e / k]).collect();
    let mut norms = vec![0.0; shape.rows];
    sweep(source, &SketchPass { directions: &side_by_side, k, columns: d }, &mut norms, run)?;
    Ok(norms)
}

/// ‖Rᵀaᵢ‖² for R given row-major: k products side by side for every entry.
struct SketchPass<'a> {
    directions: &'a [f64],
    k: usize,
    columns: usize,
}

impl Pass for SketchPass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let k = self.k;
        match rows.block {
            Block::Dense(block) => with_scratch(out.len() * k, |products| {
                products.fill(0.0);
                linalg::add_product(self.directions, block.values, k, self.columns, out.len(), products);
                linalg::row_norms_squared(products, k, out);
            }),
            Block::Csr(block) => with_scratch(k, |sums| {
                linalg::vectorised(|| {
                    for (i, out) in out.iter_mut().enumerate() {
                        sums.fill(0.0);
                        let (indices, values) = block.row(i);
                        for (&j, a) in indices.iter().zip(values) {
                            let direction = &self.directions[j as usize * k..(j as usize + 1) * k];
                            sums.iter_mut().zip(direction).for_each(|(s, r)| *s += a * r);
                        }
                        *out = linalg::dot(sums, sums);
                    }
                })
            }),
        }
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gram::weighted_gram;
    use crate::rows::{CsrRows, DenseRows};
    use unhat_testkit::generate::random_csr;

    #[test]
    fn the_error_falls_as_the_square_root_of_the_columns_and_sources_agree() {
        let csr = random_csr(400, 12, 5, 3);
        let dense = csr.to_dense();
        let rows = DenseRows::new(&dense, 12).unwrap();
        let sparse = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 12).unwrap();
        let run = Run::default();
        let factor = Factor::of_gram(weighted_gram(&rows, None, &run).unwrap(), 12).unwrap();
        let exact = crate::leverage::leverage_scores(&rows, None, &Default::default(), &run).unwrap().values;
        for k in [16, 256, 4096] {
            let mut square = 0.0;
            let seeds = 6;
            for seed in 0..seeds {
                let a = sketched_scores(&rows, None, &factor, k, seed, &run).unwrap();
                let b = sketched_scores(&sparse, None, &factor, k, seed, &run).unwrap();
                assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-12));
                square += a.iter().zip(&exact).map(|(a, e)| (a / e - 1.0) * (a / e - 1.0)).sum::<f64>();
            }
            let deviation = (square / (400.0 * seeds as f64)).sqrt();
            let bound = (2.0 / k as f64).sqrt();
            assert!(deviation < 1.1 * bound && deviation > 0.6 * bound, "k = {k}: {deviation} against {bound}");
        }
    }
}
