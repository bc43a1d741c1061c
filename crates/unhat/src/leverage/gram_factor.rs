//! The factor of the Gram matrix of transformed rows, by the cheapest method that leaves what is made of it its digits.

use super::exact::{CHOLESKY_LIMIT, CHOLESKY_LIMIT_SPARSE, QR2_LIMIT, SMALL_FLOPS};
use crate::error::{ErrorKind, Result};
use crate::gram::{
    Chunks, Factor, FactorMethod, Transform, WhitenedGram, prefers_pairs, require_square_fits, weighted_gram,
};
use crate::rows::{RowSource, Shape, require_finite, sweep};
use crate::run::Run;

/// Whether rows of this shape are handled by pairs of entries and are too many to be centred, which fills them in.
#[must_use]
pub fn is_large_and_sparse(shape: &Shape) -> bool {
    prefers_pairs(shape) && shape.rows as f64 * (shape.columns as f64).powi(2) > SMALL_FLOPS
}

/// L with Σ uᵢuᵢᵀ = LLᵀ of the rows uᵢ = rᵢ(aᵢ − μ); None where the columns are dependent to rounding.
///
/// The rules are those of [`leverage_scores`](super::leverage_scores): Cholesky where the condition is low, a second, whitened
/// Gram matrix where it is not, Householder QR of the rows where Gram matrices lose it.
///
/// # Shapes
/// `source` n×d, `transform` without L.
/// # Cost
/// One sweep of nd² flops, or Σ nnz(aᵢ)²; up to 4nd² more where the condition asks for it.
/// # Errors
/// [`ErrorKind::NotFinite`] naming row and column; [`ErrorKind::Numerical`] where squares overflow;
/// [`ErrorKind::TooLarge`] when d×d does not fit.
pub fn gram_factor(source: &dyn RowSource, transform: Transform<'_>, run: &Run<'_>) -> Result<Option<Factor>> {
    let shape = source.shape();
    let d = shape.columns;
    require_square_fits(d)?;
    let gram = match transform.shift {
        None => {
            let square = transform.row_scale.map(|r| move |i: usize| r[i] * r[i]);
            weighted_gram(source, square.as_ref().map(|w| w as &(dyn Fn(usize) -> f64 + Sync)), run)?
        }
        Some(_) => sweep(source, &WhitenedGram { chunks: Chunks { transform, columns: d } }, &mut [], run)?,
    };
    if gram.iter().any(|v| !v.is_finite()) {
        require_finite(source, "matrix")?;
        let reason = "the Gram matrix overflows: rescale the columns of the matrix".into();
        return Err(ErrorKind::Numerical { reason }.into());
    }
    let Some(factor) = Factor::of_gram(gram, d) else {
        return Factor::orthogonal(source, transform, 0.0, run);
    };
    let sparse = transform.shift.is_none() && is_large_and_sparse(&shape);
    match factor.gram_condition() {
        k if k <= if sparse { CHOLESKY_LIMIT_SPARSE } else { CHOLESKY_LIMIT } => Ok(Some(factor)),
        k if k <= QR2_LIMIT => factor.refined(FactorMethod::CholeskyQr2, source, transform, 0.0, run),
        _ => factor.refined(FactorMethod::Tsqr, source, transform, 0.0, run),
    }
}
