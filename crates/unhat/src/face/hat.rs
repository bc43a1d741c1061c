//! Hat values and what they give away: a builder over `invert::hat`.

use crate::error::Result;
use crate::invert::hat::{HatInversion, HatOptions, HatPrecision, invert_hat};
use crate::rows::Matrix;
use crate::run::Run;

/// Recovers row weights from the hat values of a weighted fit: a builder over [`invert_hat`].
///
/// the w with wᵢ aᵢᵀ(AᵀWA)⁻¹aᵢ = hᵢ, up to one factor in each component of the rows
///
/// # Examples
/// ```
/// let a = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]; // weights 1, 2, 4
/// let found = unhat::InvertHat::new(&a, &[3.0 / 7.0, 5.0 / 7.0, 6.0 / 7.0]).solve()?;
/// let w: Vec<f64> = found.weights.iter().map(|w| w.unwrap()).collect();
/// assert!((w[1] / w[0] - 2.0).abs() < 1e-12 && (w[2] / w[0] - 4.0).abs() < 1e-12);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// Tyler1987.
#[must_use]
pub struct InvertHat<'a> {
    matrix: Matrix<'a>,
    target: &'a [f64],
    options: HatOptions,
    run: Run<'a>,
}

impl<'a> InvertHat<'a> {
    /// Of `a` n×d and the hat values `h`, n values.
    pub fn new(a: impl Into<Matrix<'a>>, h: &'a [f64]) -> Self {
        InvertHat { matrix: a.into(), target: h, options: HatOptions::default(), run: Run::default() }
    }

    /// λ of ridge hat values; the factor is then known too.
    pub fn ridge(mut self, ridge: f64) -> Self {
        self.options.ridge = ridge;
        self
    }

    /// How exactly the hat values are known.
    pub fn precision(mut self, precision: HatPrecision) -> Self {
        self.options.precision = precision;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Solves.
    ///
    /// # Cost
    /// That of [`invert_hat`].
    /// # Errors
    /// Those of [`invert_hat`]. That no weights have these scores is an answer.
    pub fn solve(self) -> Result<HatInversion> {
        let InvertHat { matrix, target, options, run } = self;
        matrix.with_rows(|rows| invert_hat(rows, target, &options, None, &run))
    }
}
