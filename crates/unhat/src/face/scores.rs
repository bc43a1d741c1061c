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
    ///
    /// # Examples
    /// ```
    /// let found = unhat::LeverageScores::new(&[[2.0], [1.0]]).compute()?; // of one column: aᵢ²/Σa²
    /// assert!((found.values[0] - 0.8).abs() < 1e-15);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(a: impl Into<Matrix<'a>>) -> Self {
        LeverageScores { matrix: a.into(), row_scale: None, options: ScoreOptions::default(), run: Run::default() }
    }

    /// r, n values: each row is multiplied by its own. The roots of weights give the hat values of a weighted fit.
    ///
    /// # Examples
    /// ```
    /// // The second row twice as long: 1/(1 + 4).
    /// let found = unhat::LeverageScores::new(&[[1.0], [1.0]]).row_scale(&[1.0, 2.0]).compute()?;
    /// assert!((found.values[0] - 0.2).abs() < 1e-15);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn row_scale(mut self, r: &'a [f64]) -> Self {
        self.row_scale = Some(r);
        self
    }

    /// λ ≥ 0, on every column.
    ///
    /// # Examples
    /// ```
    /// let found = unhat::LeverageScores::new(&[[2.0], [1.0]]).ridge(5.0).compute()?;
    /// assert!((found.values[0] - 4.0 / 10.0).abs() < 1e-15); // aᵢ²/(Σa² + λ)
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn ridge(mut self, ridge: f64) -> Self {
        self.options.ridge = ridge;
        self
    }

    /// The factorisation, which otherwise follows from the condition.
    ///
    /// # Examples
    /// ```
    /// use unhat::{LeverageScores, gram::FactorMethod};
    /// let a = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
    /// let found = LeverageScores::new(&a).factor(FactorMethod::Tsqr).compute()?;
    /// assert_eq!(found.method, FactorMethod::Tsqr);
    /// assert!((found.values[0] - 5.0 / 6.0).abs() < 1e-14);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn factor(mut self, method: FactorMethod) -> Self {
        self.options.factor = Some(method);
        self
    }

    /// Makes dependent columns an error.
    ///
    /// # Examples
    /// ```
    /// use unhat::{ErrorKind, LeverageScores};
    /// let a = [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]; // the second column is twice the first
    /// assert_eq!(LeverageScores::new(&a).compute()?.rank, 1);
    /// let error = LeverageScores::new(&a).strict().compute().unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::RankDeficient { .. }));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use unhat::{ErrorKind, LeverageScores, Run};
    /// let stop = AtomicBool::new(true); // set by another thread, as a rule
    /// let run = Run { stop: Some(&stop), ..Run::default() };
    /// let error = LeverageScores::new(&[[1.0], [2.0]]).run(&run).compute().unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::Interrupted));
    /// ```
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
    /// # Examples
    /// ```
    /// let found = unhat::LeverageScores::new(&[[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]).compute()?;
    /// assert_eq!(found.rank, 2);
    /// assert!((found.sum - 2.0).abs() < 1e-14); // without a ridge the scores sum to the rank
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn compute(self) -> Result<Scores> {
        let LeverageScores { matrix, row_scale, options, run } = self;
        matrix.with_rows(|rows| leverage_scores(rows, row_scale, &options, &run))
    }
}
