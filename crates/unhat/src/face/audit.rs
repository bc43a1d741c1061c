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
    pub fn new(a: impl Into<Matrix<'a>>, b: &'a [f64], x: &'a [f64]) -> Self {
        Audit { matrix: a.into(), offset: b, point: x, options: AuditOptions::default(), run: Run::default() }
    }

    /// What is released: scores, gradient, or both.
    pub fn release(mut self, release: ReleaseKind) -> Self {
        self.options.release = release;
        self
    }

    /// Tries of every attack on every protection.
    pub fn trials(mut self, trials: u32) -> Self {
        self.options.trials = trials;
        self
    }

    /// The wish: an attack that gets closer than this share of ‖x‖ has succeeded.
    pub fn target_error(mut self, share: f64) -> Self {
        self.options.target_error = share;
        self
    }

    /// What the report calls the table, its columns and its response.
    pub fn labels(mut self, labels: Labels) -> Self {
        self.options.labels = labels;
        self
    }

    /// Whether values of coefficients and numbers of rows are told.
    pub fn detail(mut self, detail: Detail) -> Self {
        self.options.detail = detail;
        self
    }

    /// Seed of everything that is drawn.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// All options.
    pub fn options(mut self, options: AuditOptions) -> Self {
        self.options = options;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
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
    pub fn measure(self) -> Result<AuditReport> {
        let Audit { matrix, offset, point, options, run } = self;
        matrix.with_rows(|rows| audit(rows, offset, point, &options, &run))
    }
}
