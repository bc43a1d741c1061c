//! The factor of the Gram matrix of transformed rows, by the cheapest method that leaves what is made of it its digits.

use super::exact::{CHOLESKY_LIMIT, CHOLESKY_LIMIT_SPARSE, QR2_LIMIT, SMALL_FLOPS};
use crate::error::{ErrorKind, Result};
use crate::gram::{
    Factor, FactorMethod, Pattern, Transform, prefers_pairs, require_square_fits, transformed_gram, weighted_gram_on,
};
use crate::rows::{RowSource, Shape, require_finite};
use crate::run::Run;
use std::sync::Arc;

/// Whether rows of this shape are handled by pairs of entries and are too many to be centred, which fills them in.
#[must_use]
pub fn is_large_and_sparse(shape: &Shape) -> bool {
    prefers_pairs(shape) && shape.rows as f64 * (shape.columns as f64).powi(2) > SMALL_FLOPS
}

/// Walking the pairs of entries of all rows for a pattern takes about as long as so many flops a pair of a dense factor and inverse.
const FLOPS_OF_A_PAIR: f64 = 16.0;

/// Whether a sparse factor may be less work than the walk over the rows that finds its pattern.
fn may_be_worth_a_pattern(shape: &Shape) -> bool {
    let pairs = shape.stored as f64 * (shape.stored as f64 / shape.rows.max(1) as f64);
    (shape.columns as f64).powi(3) > FLOPS_OF_A_PAIR * pairs
}

/// L with Σ uᵢuᵢᵀ = LLᵀ of the rows uᵢ = rᵢ(aᵢ − μ); None where the columns are dependent to rounding.
///
/// The rules are those of [`leverage_scores`](super::leverage_scores): Cholesky where the condition is low, a second, whitened
/// Gram matrix where it is not, Householder QR of the rows where Gram matrices lose it. Many sparse rows whose L is sparse in some
/// order of the columns get that L, as far as Cholesky serves.
///
/// # Shapes
/// `source` n×d, `transform` without L.
/// # Cost
/// One sweep of nd² flops, or Σ nnz(aᵢ)² and d³; up to 4nd² more where the condition asks for it. Of a sparse L, its flops in the
/// place of d³.
/// # Errors
/// [`ErrorKind::NotFinite`] naming row and column; [`ErrorKind::Numerical`] where squares overflow;
/// [`ErrorKind::TooLarge`] when d×d does not fit.
pub fn gram_factor(source: &dyn RowSource, transform: Transform<'_>, run: &Run<'_>) -> Result<Option<Factor>> {
    gram_factor_like(None, source, transform, run)
}

/// The same after an earlier factor of the same rows with other scales: where that one was sparse its pattern serves again, and
/// where it was not, none is looked for.
///
/// # Errors
/// As [`gram_factor`].
pub fn gram_factor_like(
    earlier: Option<&Factor>,
    source: &dyn RowSource,
    transform: Transform<'_>,
    run: &Run<'_>,
) -> Result<Option<Factor>> {
    let shape = source.shape();
    let d = shape.columns;
    require_square_fits(d)?;
    let sparse = transform.shift.is_none() && is_large_and_sparse(&shape);
    let pattern = match earlier {
        Some(factor) => factor.sparse().map(|factor| factor.pattern().clone()),
        None if sparse && may_be_worth_a_pattern(&shape) => Pattern::of_rows(source, run)?.map(Arc::new),
        None => None,
    };
    if let Some(pattern) = pattern {
        let square = |i: usize| transform.row_scale.map_or(1.0, |r| r[i] * r[i]);
        let gram = weighted_gram_on(&pattern, source, square, run)?;
        if let Some(factor) = Factor::of_sparse_gram(&pattern, gram)
            && factor.gram_condition() <= CHOLESKY_LIMIT_SPARSE
        {
            return Ok(Some(factor));
        }
        // What the numbers are, and what serves, the dense way finds out.
    }
    let gram = transformed_gram(source, transform, run)?;
    if gram.iter().any(|v| !v.is_finite()) {
        require_finite(source, "matrix")?;
        let reason = "the Gram matrix overflows: rescale the columns of the matrix".into();
        return Err(ErrorKind::Numerical { reason }.into());
    }
    let Some(factor) = Factor::of_gram(gram, d) else {
        return Factor::orthogonal(source, transform, 0.0, run);
    };
    match factor.gram_condition() {
        k if k <= if sparse { CHOLESKY_LIMIT_SPARSE } else { CHOLESKY_LIMIT } => Ok(Some(factor)),
        k if k <= QR2_LIMIT => factor.refined(FactorMethod::CholeskyQr2, source, transform, 0.0, run),
        _ => factor.refined(FactorMethod::Tsqr, source, transform, 0.0, run),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::gram::weighted_gram;
    use crate::rows::CsrRows;
    use unhat_testkit::close::assert_all_close;
    use unhat_testkit::generate::Stream;
    use unhat_testkit::sparse::Csr;

    /// A constant, the levels of a factor but the first, and a covariate.
    fn levels(rows: usize, levels: usize, covariate: bool) -> (Csr, Vec<f64>) {
        let mut stream = Stream::new(18, "levels");
        let (x, r) = (stream.normals(rows), stream.uniforms(rows).iter().map(|u| 0.5 + u).collect());
        let mut triplets = Vec::new();
        for (i, x) in x.iter().enumerate() {
            triplets.push((i, 0, 1.0));
            if i % levels > 0 {
                triplets.push((i, i % levels, 1.0));
            }
            if covariate {
                triplets.push((i, levels, *x));
            }
        }
        (Csr::from_triplets(rows, levels + usize::from(covariate), &triplets), r)
    }

    #[test]
    fn a_factor_of_many_levels_gets_a_sparse_l_with_the_solves_and_the_inverse_of_the_dense_one() {
        let (csr, r) = levels(3000, 650, true);
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, csr.d).unwrap();
        let transform = Transform { row_scale: Some(&r), ..Transform::default() };
        let run = Run::default();
        let sparse = gram_factor(&rows, transform, &run).unwrap().unwrap();
        assert!(sparse.is_sparse());
        let gram = weighted_gram(&rows, Some(&|i| r[i] * r[i]), &run).unwrap();
        let dense = Factor::of_gram(gram, csr.d).unwrap();
        assert_all_close(sparse.inverse(), dense.inverse(), 1e-12);
        assert_all_close(&sparse.solve(&csr.values[..csr.d]), &dense.solve(&csr.values[..csr.d]), 1e-12);
        assert!((sparse.gram_condition() / dense.gram_condition() - 1.0).abs() < 0.1);
        let halved: Vec<f64> = r.iter().map(|r| 0.5 * r).collect();
        let transform = Transform { row_scale: Some(&halved), ..Transform::default() };
        let again = gram_factor_like(Some(&sparse), &rows, transform, &run).unwrap().unwrap();
        assert!(again.is_sparse());
        assert!(again.inverse().iter().zip(sparse.inverse()).all(|(a, b)| *a == 4.0 * b));
        assert!(!gram_factor_like(Some(&dense), &rows, transform, &run).unwrap().unwrap().is_sparse());
    }

    #[test]
    fn levels_whose_rows_all_weigh_nothing_have_no_factor() {
        let (csr, mut r) = levels(3000, 650, false);
        (0..3000).filter(|i| i % 650 == 7).for_each(|i| r[i] = 0.0);
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, csr.d).unwrap();
        let transform = Transform { row_scale: Some(&r), ..Transform::default() };
        assert!(gram_factor(&rows, transform, &Run::default()).unwrap().is_none());
    }
}
