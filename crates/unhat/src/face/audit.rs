//! What a release gives away, as a builder.

use crate::audit::report::{AuditReport, Detail, ReleaseKind};
use crate::audit::{AuditOptions, Labels, audit};
use crate::error::Result;
use crate::rows::Matrix;
use crate::run::Run;

/// Measures what a release of scores or of their gradient gives away: a builder over [`audit`].
///
/// # Examples
/// ```
/// use unhat::Audit;
/// let a: Vec<[f64; 2]> = (0..60).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
/// let b: Vec<f64> = (0..60).map(|k| ((7 * k + 1) as f64).cos()).collect();
/// let found = Audit::new(&a, &b, &[0.3, -0.8]).trials(3).measure()?;
/// assert!(found.releases[0].error_median.unwrap() < 1e-8); // exact scores give x away
/// # Ok::<(), unhat::Error>(())
/// ```
#[must_use]
pub struct Audit<'a> {
    matrix: Matrix<'a>,
    offset: &'a [f64],
    point: &'a [f64],
    options: AuditOptions,
    run: Run<'a>,
}

impl<'a> Audit<'a> {
    /// Of the release at `x`, d values, for `a` n×d and the offset `b`, n values.
    ///
    /// # Examples
    /// ```
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let found = unhat::Audit::new(&a, &b, &[0.3, -0.8]).trials(2).measure()?; // 30 rows of 2 columns
    /// assert_eq!((found.table.rows, found.table.columns), (30, 2));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(a: impl Into<Matrix<'a>>, b: &'a [f64], x: &'a [f64]) -> Self {
        Audit { matrix: a.into(), offset: b, point: x, options: AuditOptions::default(), run: Run::default() }
    }

    /// What is released: scores, gradient, or both.
    ///
    /// # Examples
    /// ```
    /// use unhat::{Audit, audit::report::ReleaseKind};
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let found = Audit::new(&a, &b, &[0.3, -0.8]).release(ReleaseKind::Gradient).trials(2).measure()?;
    /// assert_eq!(found.release.rows_released, 0); // the gradient alone: no score
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn release(mut self, release: ReleaseKind) -> Self {
        self.options.release = release;
        self
    }

    /// Tries of every attack on every protection.
    ///
    /// # Examples
    /// ```
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let error = unhat::Audit::new(&a, &b, &[0.3, -0.8]).trials(0).measure().unwrap_err();
    /// assert!(error.to_string().contains("trials")); // nothing is known from no try
    /// ```
    pub fn trials(mut self, trials: u32) -> Self {
        self.options.trials = trials;
        self
    }

    /// The wish: an attack that gets closer than this share of ‖x‖ has succeeded.
    ///
    /// # Examples
    /// ```
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let found = unhat::Audit::new(&a, &b, &[0.3, -0.8]).target_error(0.2).trials(2).measure()?;
    /// assert_eq!(found.declared.target_rel_error, 0.2);
    /// assert!(!found.verdict.meets_target); // exact scores give x away
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn target_error(mut self, share: f64) -> Self {
        self.options.target_error = share;
        self
    }

    /// What the report calls the table, its columns and its response.
    ///
    /// # Examples
    /// ```
    /// use unhat::{Audit, audit::Labels};
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let labels = Labels { columns: vec!["size".into(), "age".into()], ..Labels::default() };
    /// let found = Audit::new(&a, &b, &[0.3, -0.8]).labels(labels).trials(2).measure()?;
    /// assert_eq!(found.table.column_names, ["size", "age"]);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn labels(mut self, labels: Labels) -> Self {
        self.options.labels = labels;
        self
    }

    /// Whether values of coefficients and numbers of rows are told.
    ///
    /// # Examples
    /// ```
    /// use unhat::{Audit, audit::report::Detail};
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let found = Audit::new(&a, &b, &[0.3, -0.8]).detail(Detail::Share).trials(2).measure()?;
    /// assert!(found.verdict.error_se.is_none()); // beside relative errors it would say how large the coefficients are
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn detail(mut self, detail: Detail) -> Self {
        self.options.detail = detail;
        self
    }

    /// Seed of everything that is drawn.
    ///
    /// # Examples
    /// ```
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let measure = || unhat::Audit::new(&a, &b, &[0.3, -0.8]).seed(7).trials(2).measure();
    /// assert_eq!(measure()?.attack_curve, measure()?.attack_curve); // to the last bit
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// All options.
    ///
    /// # Examples
    /// ```
    /// use unhat::{Audit, audit::AuditOptions};
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let options = AuditOptions { rows: Some((0..10).collect()), trials: 2, ..AuditOptions::default() };
    /// let found = Audit::new(&a, &b, &[0.3, -0.8]).options(options).measure()?;
    /// assert_eq!(found.release.rows_released, 10);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn options(mut self, options: AuditOptions) -> Self {
        self.options = options;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use unhat::{Audit, ErrorKind, Run};
    /// let stop = AtomicBool::new(true); // set by another thread, as a rule
    /// let run = Run { stop: Some(&stop), ..Run::default() };
    /// let error = Audit::new(&[[1.0], [2.0], [3.0]], &[0.1, 0.4, 0.2], &[0.5]).run(&run).measure().unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::Interrupted));
    /// ```
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Measures.
    ///
    /// # Cost
    /// That of [`audit`].
    /// # Errors
    /// Those of [`audit`].
    /// # Examples
    /// ```
    /// # let a: Vec<[f64; 2]> = (0..30).map(|k| [((3 * k) as f64).sin(), ((k * k) as f64).cos()]).collect();
    /// # let b: Vec<f64> = (0..30).map(|k| ((7 * k + 1) as f64).cos()).collect();
    /// let found = unhat::Audit::new(&a, &b, &[0.3, -0.8]).trials(2).measure()?;
    /// assert_eq!(found.release.rows_released, 30);
    /// assert!(found.release.max <= 1.0); // no score is larger
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn measure(self) -> Result<AuditReport> {
        let Audit { matrix, offset, point, options, run } = self;
        matrix.with_rows(|rows| audit(rows, offset, point, &options, &run))
    }
}
