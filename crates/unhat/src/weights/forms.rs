//! The quadratic forms τᵢ = aᵢᵀ(Aᵀdiag(w)A)⁻¹aᵢ of all rows at weights w: the one question that every weight asks.

use crate::error::{Error, ErrorKind, Result};
use crate::gram::{Chunks, Factor, FactorMethod, Transform, prefers_pairs};
use crate::leverage::{ScorePass, digits_left, gram_factor};
use crate::rows::{RowSource, sweep};
use crate::run::Run;

/// τ at weights, and the factor that gave it.
pub(super) struct Forms {
    pub tau: Vec<f64>,
    pub factor: Factor,
}

impl Forms {
    /// At w = `root`², one a row; rows of weight 0 have a form too.
    ///
    /// # Cost
    /// Two sweeps, 2nd² flops or 2 Σ nnz(aᵢ)²; up to 4nd² more where the condition asks for it.
    pub fn at(source: &dyn RowSource, root: &[f64], run: &Run<'_>) -> Result<Forms> {
        let transform = Transform { row_scale: Some(root), ..Transform::default() };
        let factor = gram_factor(source, transform, run)?.ok_or_else(degenerate)?;
        let shape = source.shape();
        let pairs = prefers_pairs(&shape) && factor.method() == FactorMethod::Cholesky;
        let inverse = pairs.then(|| factor.inverse());
        let transform = Transform { lower: Some(factor.lower()), ..Transform::default() };
        let pass = ScorePass { chunks: Chunks { transform, columns: shape.columns }, inverse };
        let mut tau = vec![0.0; shape.rows];
        sweep(source, &pass, &mut tau, run)?;
        if tau.iter().any(|t| !t.is_finite()) {
            return Err(degenerate());
        }
        Ok(Forms { tau, factor })
    }

    /// maxᵢ τᵢ.
    pub fn largest(&self) -> f64 {
        self.tau.iter().copied().fold(0.0, f64::max)
    }

    /// Decimal digits to expect of τ.
    pub fn digits(&self) -> f64 {
        let error = match self.factor.method() {
            FactorMethod::Cholesky => self.factor.gram_condition(),
            _ => self.factor.condition(),
        };
        digits_left(error, self.factor.dim())
    }
}

fn degenerate() -> Error {
    let reason = "on the way the weighted rows span fewer directions than the rows, to rounding: the weights differ too much in \
                  size; leave out rows that are far smaller or far larger than the others";
    ErrorKind::Numerical { reason: reason.into() }.into()
}
