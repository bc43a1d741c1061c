//! The way back from scores, as a builder.

use crate::error::Result;
use crate::invert::hat::HatPrecision;
use crate::invert::scores::{ScoreInversion, ScoreInvertOptions, ScoreMethod, ScoreStart, invert_scores};
use crate::rows::{Matrix, RowSource};
use crate::run::Run;

/// Recovers x from released leverage scores σ(x): a builder over [`invert_scores`].
///
/// the x whose rows aᵢ/(aᵢᵀx − bᵢ) have the released scores
///
/// # Examples
/// ```
/// use unhat::{InvertScores, barrier::Barrier, rows::DenseRows, Run};
/// let a: Vec<f64> = (0..40).map(|k| ((3 * k * k + k) as f64).sin()).collect(); // 20 rows of 2 columns
/// let b: Vec<f64> = (0..20).map(|k| ((7 * k + 1) as f64).cos()).collect();
/// let (a, run) = (DenseRows::new(&a, 2)?, Run::default());
/// let hidden = [0.3, -0.8];
/// let released = Barrier::around(&a, &b, &hidden, &run)?.at(&hidden, false, &run)?.unwrap().scores;
///
/// let found = InvertScores::new(&a, &b, &released).solve()?;
/// assert!(found.identified && (found.x[0] - 0.3).abs() < 1e-10);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// LiSongWangYinYu2024.
#[must_use]
pub struct InvertScores<'a> {
    matrix: Matrix<'a>,
    offset: &'a [f64],
    target: &'a [f64],
    rows: Option<&'a [usize]>,
    start: ScoreStart<'a>,
    options: ScoreInvertOptions,
    run: Run<'a>,
}

impl<'a> InvertScores<'a> {
    /// Of `a` n×d, the offset `b`, n values, and the released `scores`: n values, or one for each of [`rows`](Self::rows).
    ///
    /// # Examples
    /// ```
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let released = weights.map(|w| w / weights.iter().sum::<f64>());
    /// let found = unhat::InvertScores::new(&a, &b, &released).solve()?; // released at x = 0.3
    /// assert!((found.x[0] - 0.3).abs() < 1e-10);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(a: impl Into<Matrix<'a>>, b: &'a [f64], scores: &'a [f64]) -> Self {
        InvertScores {
            matrix: a.into(),
            offset: b,
            target: scores,
            rows: None,
            start: ScoreStart::Unknown,
            options: ScoreInvertOptions::default(),
            run: Run::default(),
        }
    }

    /// The rows whose scores were released, 0-based, in the order of the scores.
    ///
    /// # Examples
    /// ```
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let scores = weights.map(|w| w / weights.iter().sum::<f64>());
    /// let rows: Vec<usize> = (0..6).step_by(2).collect(); // half of them, released at x = 0.3
    /// let released: Vec<f64> = rows.iter().map(|&i| scores[i]).collect();
    /// let found = unhat::InvertScores::new(&a, &b, &released).rows(&rows).solve()?;
    /// assert!((found.x[0] - 0.3).abs() < 1e-9);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn rows(mut self, rows: &'a [usize]) -> Self {
        self.rows = Some(rows);
        self
    }

    /// What is known of x.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertScores, invert::scores::ScoreStart};
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let released = weights.map(|w| w / weights.iter().sum::<f64>());
    /// // Released at x = 0.3; something near is known.
    /// let found = InvertScores::new(&a, &b, &released).start(ScoreStart::Point(&[0.29])).solve()?;
    /// assert!((found.x[0] - 0.3).abs() < 1e-10);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn start(mut self, start: ScoreStart<'a>) -> Self {
        self.start = start;
        self
    }

    /// ν, the standard deviation of independent Gaussian errors of the scores.
    ///
    /// # Examples
    /// ```
    /// use unhat::InvertScores;
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let released = weights.map(|w| w / weights.iter().sum::<f64>());
    /// let solve = |noise: f64| InvertScores::new(&a, &b, &released).noise(noise).solve();
    /// let (small, large) = (solve(1e-6)?.standard_errors.unwrap(), solve(2e-6)?.standard_errors.unwrap());
    /// assert!((large[0] / small[0] - 2.0).abs() < 1e-6); // of twice the noise twice the error
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn noise(mut self, noise: f64) -> Self {
        self.options.precision = HatPrecision::Noise(vec![noise]);
        self
    }

    /// How exactly the scores are known, where it is not one ν: digits, decimals, an interval or a ν for each row.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertScores, invert::hat::HatPrecision};
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let released = weights.map(|w| format!("{:.2e}", w / weights.iter().sum::<f64>()).parse().unwrap());
    /// // Released at x = 0.3, with three significant digits.
    /// let found = InvertScores::new(&a, &b, &released).precision(HatPrecision::Digits(3)).solve()?;
    /// assert!((found.x[0] - 0.3).abs() < 4.0 * found.standard_errors.unwrap()[0]);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn precision(mut self, precision: HatPrecision) -> Self {
        self.options.precision = precision;
        self
    }

    /// The method.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertScores, invert::scores::ScoreMethod};
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let released = weights.map(|w| w / weights.iter().sum::<f64>());
    /// let found = InvertScores::new(&a, &b, &released).method(ScoreMethod::Lift).solve()?;
    /// assert!(found.method == ScoreMethod::Lift && (found.x[0] - 0.3).abs() < 1e-10); // released at x = 0.3
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn method(mut self, method: ScoreMethod) -> Self {
        self.options.method = method;
        self
    }

    /// Seed of everything that is drawn.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertScores, invert::scores::ScoreMethod};
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let released = weights.map(|w| w / weights.iter().sum::<f64>());
    /// let solve = || InvertScores::new(&a, &b, &released).method(ScoreMethod::SecondOrder).seed(7).solve();
    /// assert_eq!(solve()?.x, solve()?.x); // to the last bit
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use unhat::{ErrorKind, InvertScores, Run};
    /// let stop = AtomicBool::new(true); // set by another thread, as a rule
    /// let run = Run { stop: Some(&stop), ..Run::default() };
    /// let error = InvertScores::new(&[[1.0], [2.0], [3.0]], &[0.1, 0.4, 0.2], &[0.4, 0.3, 0.3]).run(&run).solve();
    /// assert!(matches!(error.unwrap_err().kind(), ErrorKind::Interrupted));
    /// ```
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Solves.
    ///
    /// # Cost
    /// That of [`invert_scores`].
    /// # Errors
    /// Those of [`invert_scores`].
    /// # Examples
    /// ```
    /// # let (a, b) = ([[1.0]; 6], [0.1, 0.5, -0.2, 0.9, -0.7, 0.25]);
    /// # let weights = b.map(|b: f64| (0.3 - b).powi(-2)); // at x = 0.3 the scores are these over their sum
    /// # let released = weights.map(|w| w / weights.iter().sum::<f64>());
    /// let found = unhat::InvertScores::new(&a, &b, &released).solve()?;
    /// assert!(found.identified && found.residual < 1e-10);
    /// assert!(found.target_sum_defect.unwrap() < 1e-12); // scores of all rows sum to d
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn solve(self) -> Result<ScoreInversion> {
        let InvertScores { matrix, offset, target, rows, start, options, run } = self;
        matrix.with_rows(|source: &dyn RowSource| invert_scores(source, offset, target, rows, &start, &options, &run))
    }
}
