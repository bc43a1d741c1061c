//! Products with the derivative of the scores in the matrix itself, forward and backward.
//!
//! dσᵢ = 2zᵢᵀdaᵢ − zᵢᵀ(AᵀdA + dAᵀA)zᵢ,  zᵢ = M⁻¹aᵢ,  M = AᵀA + λI
//!
//! Both work on whitened rows uᵢ = L⁻¹aᵢ, M = LLᵀ, which keeps their error at cond(A) where its square would spoil M⁻¹.

use super::exact::{CHOLESKY_LIMIT, QR2_LIMIT, require_ridge};
use crate::error::{ErrorKind, Result};
use crate::gram::{
    Chunks, Factor, FactorMethod, RowSpace, Transform, chunked_gram, gram_sum, orthogonal_factor, require_square_fits,
    weighted_gram,
};
use crate::linalg;
use crate::rows::{
    DenseRows, Pass, RowSource, Rows, require_finite, require_plain_columns, require_vector, sweep, with_scratch,
};
use crate::run::Run;

/// The change of the scores along a change dA of the matrix.
///
/// dσᵢ = 2uᵢᵀwᵢ − uᵢᵀ(UᵀW + WᵀU)uᵢ,  uᵢ = L⁻¹aᵢ,  wᵢ = L⁻¹daᵢ,  AᵀA + λI = LLᵀ
///
/// # Shapes
/// `matrix` n×d; `direction` dA, n·d values, row-major; the result: n values.
/// # Cost
/// Two sweeps, 8nd² flops, beside the factor of the scores.
/// # Errors
/// [`ErrorKind::RankDeficient`] where columns are dependent and there is no ridge: the scores have no derivative there.
/// [`ErrorKind::NotFinite`]; [`ErrorKind::Option`] for a negative ridge; shapes.
/// # Examples
/// ```
/// use unhat::{leverage::score_jvp, rows::DenseRows, Run};
/// let a = [3.0, 4.0]; // σ = (9, 16)/25
/// let change = score_jvp(&DenseRows::new(&a, 1)?, &[1.0, 0.0], 0.0, &Run::default())?;
/// assert!((change[0] - 2.0 * 3.0 * 16.0 / 625.0).abs() < 1e-15);
/// assert!((change[0] + change[1]).abs() < 1e-15); // their sum stays the rank
/// # Ok::<(), unhat::Error>(())
/// ```
pub fn score_jvp(matrix: &DenseRows<'_>, direction: &[f64], ridge: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    let (n, d) = (matrix.shape().rows, matrix.shape().columns);
    require_vector("direction", direction, n * d)?;
    let factor = accurate_factor(matrix, ridge, run)?;
    let change = Change { chunks: whitened(&factor), direction };
    let add = |rows: &Rows<'_>, sum: &mut [f64]| {
        change.each(rows, |u, w, _| {
            linalg::add_gram(u, w, d, sum);
            linalg::add_gram(w, u, d, sum);
        });
    };
    let mut middle = gram_sum(matrix, add, run)?;
    linalg::symmetrise(&mut middle, d);
    let mut scores = vec![0.0; n];
    sweep(matrix, &Forward { change, middle: &middle }, &mut scores, run)?;
    Ok(scores)
}

/// The gradient in the matrix of a weighted sum Σ yᵢσᵢ of the scores.
///
/// Ā = 2(diag(y)U − UC)L⁻¹,  C = Uᵀdiag(y)U,  U = AL⁻ᵀ,  AᵀA + λI = LLᵀ
///
/// # Shapes
/// `matrix` n×d; `weights` y, n values; the result: n·d values, row-major.
/// # Cost
/// Two sweeps, 6nd² flops, beside the factor of the scores.
/// # Errors
/// As [`score_jvp`].
/// # Examples
/// ```
/// use unhat::{leverage::score_vjp, rows::DenseRows, Run};
/// let a = [3.0, 4.0]; // σ₁ = a₁²/(a₁² + a₂²)
/// let gradient = score_vjp(&DenseRows::new(&a, 1)?, &[1.0, 0.0], 0.0, &Run::default())?;
/// assert!((gradient[0] - 2.0 * 3.0 * 16.0 / 625.0).abs() < 1e-15);
/// assert!((gradient[1] + 2.0 * 4.0 * 9.0 / 625.0).abs() < 1e-15);
/// # Ok::<(), unhat::Error>(())
/// ```
pub fn score_vjp(matrix: &DenseRows<'_>, weights: &[f64], ridge: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    let (n, d) = (matrix.shape().rows, matrix.shape().columns);
    require_vector("row weights", weights, n)?;
    let factor = accurate_factor(matrix, ridge, run)?;
    let chunks = whitened(&factor);
    let mut middle = chunked_gram(matrix, &chunks, |i| weights[i], run)?;
    linalg::symmetrise(&mut middle, d);
    let mut gradient = vec![0.0; n * d];
    sweep(matrix, &Backward { chunks, lower: factor.lower(), middle: &middle, weights }, &mut gradient, run)?;
    Ok(gradient)
}

/// L of AᵀA + λI, by the factorisation that its condition asks for.
fn accurate_factor(matrix: &DenseRows<'_>, ridge: f64, run: &Run<'_>) -> Result<Factor> {
    require_ridge(ridge)?;
    let d = matrix.shape().columns;
    require_square_fits(d)?;
    require_plain_columns(matrix, run)?;
    let mut gram = weighted_gram(matrix, None, run)?;
    (0..d).for_each(|j| gram[j * (d + 1)] += ridge);
    if gram.iter().any(|g| !g.is_finite()) {
        require_finite(matrix, "matrix")?;
        let reason = "the Gram matrix overflows: rescale the columns of the matrix".into();
        return Err(ErrorKind::Numerical { reason }.into());
    }
    let plain = Transform::default();
    let factor = match Factor::of_gram(gram, d) {
        Some(factor) if factor.gram_condition() <= CHOLESKY_LIMIT => return Ok(factor),
        Some(factor) if factor.gram_condition() <= QR2_LIMIT => {
            factor.refined(FactorMethod::CholeskyQr2, matrix, plain, ridge, run)?
        }
        _ => Factor::orthogonal(matrix, plain, ridge, run)?,
    };
    match factor {
        Some(factor) => Ok(factor),
        None => {
            let rank = RowSpace::of_factor(&orthogonal_factor(matrix, plain, ridge, run)?, d).rank();
            Err(ErrorKind::RankDeficient { rank, columns: d }.into())
        }
    }
}

fn whitened(factor: &Factor) -> Chunks<'_> {
    Chunks { transform: Transform { lower: Some(factor.lower()), ..Transform::default() }, columns: factor.dim() }
}

/// Rows u beside their whitened changes w.
struct Change<'a> {
    chunks: Chunks<'a>,
    direction: &'a [f64],
}

impl Change<'_> {
    /// Calls `f(u, w, rows within the block)`.
    fn each(&self, rows: &Rows<'_>, mut f: impl FnMut(&[f64], &[f64], std::ops::Range<usize>)) {
        let d = self.chunks.columns;
        self.chunks.each(rows, |range, u| {
            let first = rows.start + range.start;
            with_scratch(u.len(), |w| {
                w.copy_from_slice(&self.direction[first * d..first * d + u.len()]);
                if let Some(lower) = self.chunks.transform.lower {
                    linalg::solve_lower_rows(lower, d, w);
                }
                f(u, w, range);
            });
        });
    }
}

/// 2uᵢᵀwᵢ − uᵢᵀSuᵢ a row.
struct Forward<'a> {
    change: Change<'a>,
    middle: &'a [f64],
}

impl Pass for Forward<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.change.chunks.columns;
        self.change.each(rows, |u, w, range| {
            with_scratch(u.len(), |inner| {
                linalg::rows_times_symmetric(u, d, self.middle, inner);
                inner.iter_mut().zip(w).for_each(|(s, w)| *s = 2.0 * w - *s);
                linalg::row_dots(u, inner, d, &mut out[range]);
            });
        });
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

/// 2L⁻ᵀ(yᵢuᵢ − Cuᵢ) a row.
struct Backward<'a> {
    chunks: Chunks<'a>,
    lower: &'a [f64],
    middle: &'a [f64],
    weights: &'a [f64],
}

impl Pass for Backward<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        self.chunks.each(rows, |range, u| {
            let out = &mut out[range.start * d..range.end * d];
            linalg::rows_times_symmetric(u, d, self.middle, out);
            let weights = &self.weights[rows.start + range.start..rows.start + range.end];
            for ((row, u), y) in out.chunks_exact_mut(d).zip(u.chunks_exact(d)).zip(weights) {
                row.iter_mut().zip(u).for_each(|(o, u)| *o = 2.0 * (y * u - *o));
            }
            linalg::solve_lower_transposed_rows(self.lower, d, out);
        });
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        self.chunks.columns
    }
}
