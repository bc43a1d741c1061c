//! Leverage scores of a matrix in one call.

use crate::error::Result;
use crate::gram::FactorMethod;
use crate::leverage::{ScoreOptions, Scores, leverage_scores};
use crate::rows::Matrix;
use crate::run::Run;

/// The leverage scores (hat values) of the rows of a matrix.
///
/// σᵢ = aᵢᵀ(AᵀA)⁻¹aᵢ, the diagonal of A(AᵀA)⁻¹Aᵀ
///
/// They lie in [0, 1] and sum to the rank. They depend on A alone. For digits, rank and warnings, for a ridge or row scales
/// see [`LeverageScores`].
///
/// # Shapes
/// `a` n×d; n values.
/// # Cost
/// Dense rows: two sweeps and 2nd² flops. Sparse rows: two sweeps, 2 Σ nnz(aᵢ)² flops, and d³.
/// # Errors
/// Those of [`leverage_scores`].
/// # Examples
/// ```
/// let a = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]; // a line through x = 0, 1, 2
/// let scores = unhat::scores(&a)?;
/// assert!((scores[0] - 5.0 / 6.0).abs() < 1e-14);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// DrineasMahoneyMuthukrishnan2006.
pub fn scores<'a>(a: impl Into<Matrix<'a>>) -> Result<Vec<f64>> {
    Ok(LeverageScores::new(a).compute()?.values)
}

/// Leverage scores with everything known about them: a builder over [`leverage_scores`].
///
/// σᵢ = rᵢ² aᵢᵀ (AᵀR²A + λI)⁻¹ aᵢ
///
/// # Examples
/// ```
/// use unhat::LeverageScores;
/// let a = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
/// let found = LeverageScores::new(&a).ridge(0.5).compute()?;
/// assert!(found.sum < 2.0 && found.digits > 10.0); // the effective dimension
/// # Ok::<(), unhat::Error>(())
/// ```
#[must_use]
pub struct LeverageScores<'a> {
    matrix: Matrix<'a>,
    row_scale: Option<&'a [f64]>,
    options: ScoreOptions,
    run: Run<'a>,
}

impl<'a> LeverageScores<'a> {
    /// Of the rows of `a`.
    pub fn new(a: impl Into<Matrix<'a>>) -> Self {
        LeverageScores { matrix: a.into(), row_scale: None, options: ScoreOptions::default(), run: Run::default() }
    }

    /// r, n values: each row is multiplied by its own. The roots of weights give the hat values of a weighted fit.
    pub fn row_scale(mut self, r: &'a [f64]) -> Self {
        self.row_scale = Some(r);
        self
    }

    /// λ ≥ 0, on every column.
    pub fn ridge(mut self, ridge: f64) -> Self {
        self.options.ridge = ridge;
        self
    }

    /// The factorisation, which otherwise follows from the condition.
    pub fn factor(mut self, method: FactorMethod) -> Self {
        self.options.factor = Some(method);
        self
    }

    /// Makes dependent columns an error.
    pub fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Computes them.
    ///
    /// # Cost
    /// That of [`leverage_scores`].
    /// # Errors
    /// Those of [`leverage_scores`].
    pub fn compute(self) -> Result<Scores> {
        let LeverageScores { matrix, row_scale, options, run } = self;
        matrix.with_rows(|rows| leverage_scores(rows, row_scale, &options, &run))
    }
}
