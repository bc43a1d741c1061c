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
    ///
    /// # Examples
    /// ```
    /// # let a = [[1.0]; 3]; // then the hat values are the weights over their sum
    /// // Of weights 1, 2 and 5: known up to a factor.
    /// let found = unhat::InvertHat::new(&a, &[0.125, 0.25, 0.625]).solve()?;
    /// let w: Vec<f64> = found.weights.iter().map(|w| w.unwrap()).collect();
    /// assert!((w[2] / w[0] - 5.0).abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(a: impl Into<Matrix<'a>>, h: &'a [f64]) -> Self {
        InvertHat { matrix: a.into(), target: h, options: HatOptions::default(), run: Run::default() }
    }

    /// λ of ridge hat values; the factor is then known too.
    ///
    /// # Examples
    /// ```
    /// # let a = [[1.0]; 3]; // then the hat values are w/(Σw + λ)
    /// // Of weights 1, 2 and 4 with λ = 1.
    /// let found = unhat::InvertHat::new(&a, &[0.125, 0.25, 0.5]).ridge(1.0).solve()?;
    /// let w: Vec<f64> = found.weights.iter().map(|w| w.unwrap()).collect();
    /// assert!((w[0] - 1.0).abs() < 1e-10 && (w[2] - 4.0).abs() < 1e-10);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn ridge(mut self, ridge: f64) -> Self {
        self.options.ridge = ridge;
        self
    }

    /// How exactly the hat values are known.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertHat, invert::hat::HatPrecision};
    /// # let a = [[1.0]; 3]; // then the hat values are the weights over their sum
    /// // Weights 1, 2 and 3, printed with two decimals.
    /// let printed = [0.17, 0.33, 0.5];
    /// let found = InvertHat::new(&a, &printed).precision(HatPrecision::Decimals(2)).solve()?;
    /// let w: Vec<f64> = found.weights.iter().map(|w| w.unwrap()).collect();
    /// assert!((w[2] / w[0] - 3.0).abs() < 0.15);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn precision(mut self, precision: HatPrecision) -> Self {
        self.options.precision = precision;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use unhat::{InvertHat, Run};
    /// # let a = [[1.0]; 3]; // then the hat values are the weights over their sum
    /// let stop = AtomicBool::new(true);
    /// let run = Run { stop: Some(&stop), ..Run::default() };
    /// assert!(InvertHat::new(&a, &[0.125, 0.25, 0.625]).run(&run).solve().is_err()); // it was stopped before it began
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Solves.
    ///
    /// # Examples
    /// ```
    /// # let a = [[1.0]; 3]; // then the hat values are the weights over their sum
    /// use unhat::invert::hat::HatStatus;
    /// // Hat values of one column sum to 1; these do not: an answer, and no weights.
    /// let found = unhat::InvertHat::new(&a, &[0.5, 0.5, 0.5]).solve()?;
    /// assert_eq!(found.status, HatStatus::Impossible);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    /// # Cost
    /// That of [`invert_hat`].
    /// # Errors
    /// Those of [`invert_hat`]. That no weights have these scores is an answer.
    pub fn solve(self) -> Result<HatInversion> {
        let InvertHat { matrix, target, options, run } = self;
        matrix.with_rows(|rows| invert_hat(rows, target, &options, None, &run))
    }
}
