//! The way back from a gradient, also from one that is rounded or noisy, as builders.

use crate::barrier::Side;
use crate::error::Result;
use crate::invert::{
    Inversion, InvertOptions, RegularisedInversion, RegularisedOptions, Solver, Start, invert_gradient,
    invert_regularised,
};
use crate::rows::Matrix;
use crate::run::Run;

/// Recovers x from a released leverage score gradient: a builder over [`invert_gradient`].
///
/// the one x of the cell with g(x) = −A_xᵀσ = c
///
/// The cell is {Ax > b} unless [`signs`](Self::signs), [`start`](Self::start) or [`below`](Self::below) says otherwise.
///
/// # Examples
/// ```
/// use unhat::{InvertGradient, barrier::Barrier, rows::DenseRows, Run};
/// let a: Vec<f64> = (0..40).map(|k| ((3 * k * k + k) as f64).sin()).collect(); // 20 rows of 2 columns
/// let b: Vec<f64> = (0..20).map(|k| ((7 * k + 1) as f64).cos()).collect();
/// let (a, run) = (DenseRows::new(&a, 2)?, Run::default());
/// let hidden = [0.3, -0.8];
/// let point = Barrier::around(&a, &b, &hidden, &run)?.at(&hidden, false, &run)?.unwrap();
/// let (c, signs): (Vec<f64>, Vec<f64>) = (point.gradient, point.slack.iter().map(|s| s.signum()).collect());
///
/// let found = InvertGradient::new(&a, &b, &c).signs(&signs).solve()?;
/// assert!((found.x[0] - 0.3).abs() < 1e-12);
/// assert!(found.certificate.unwrap().euclidean < 1e-8); // proven, without knowing x
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// LiSongXuYin2024.
#[must_use]
pub struct InvertGradient<'a> {
    matrix: Matrix<'a>,
    offset: &'a [f64],
    target: &'a [f64],
    start: Start<'a>,
    options: InvertOptions,
    run: Run<'a>,
}

impl<'a> InvertGradient<'a> {
    /// Of `a` n×d, the offset `b`, n values, and the target `c`, d values.
    ///
    /// # Examples
    /// ```
    /// // Of the square −1 < x < 1, by symmetry: g = 0 at the origin alone.
    /// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
    /// let found = unhat::InvertGradient::new(&a, &[-1.0; 4], &[0.0; 2]).solve()?;
    /// assert!(found.x.iter().all(|x| x.abs() < 1e-12));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(a: impl Into<Matrix<'a>>, b: &'a [f64], c: &'a [f64]) -> Self {
        InvertGradient {
            matrix: a.into(),
            offset: b,
            target: c,
            start: Start::default(),
            options: InvertOptions::default(),
            run: Run::default(),
        }
    }

    /// The signs ±1 of Ax − b, n values.
    ///
    /// # Examples
    /// ```
    /// // Between 1 and 3, where the slacks of x > 1 and x > 3 have these signs, the middle is the centre.
    /// let found = unhat::InvertGradient::new(&[[1.0], [1.0]], &[1.0, 3.0], &[0.0]).signs(&[1.0, -1.0]).solve()?;
    /// assert!((found.x[0] - 2.0).abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn signs(mut self, signs: &'a [f64]) -> Self {
        self.start.signs = Some(signs);
        self
    }

    /// A point of the cell, d values.
    ///
    /// # Examples
    /// ```
    /// // A point between 1 and 3 says which cell: its centre is 2.
    /// let found = unhat::InvertGradient::new(&[[1.0], [1.0]], &[1.0, 3.0], &[0.0]).start(&[1.1]).solve()?;
    /// assert!((found.x[0] - 2.0).abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn start(mut self, x: &'a [f64]) -> Self {
        self.start.point = Some(x);
        self
    }

    /// The cell is {Ax < b}.
    ///
    /// # Examples
    /// ```
    /// // −1 < x < 1, written as x < 1 and −x < 1.
    /// let found = unhat::InvertGradient::new(&[[1.0], [-1.0]], &[1.0, 1.0], &[0.0]).below().solve()?;
    /// assert!(found.x[0].abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn below(mut self) -> Self {
        self.start.side = Some(Side::Below);
        self
    }

    /// The solver; chosen by predicted work where none is named.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertGradient, invert::Solver};
    /// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]; // the square −1 < x < 1
    /// let solve = |solver| InvertGradient::new(&a, &[-1.0; 4], &[0.3, -0.1]).solver(solver).solve();
    /// let (exact, cg) = (solve(Solver::Exact)?, solve(Solver::Cg)?);
    /// assert_eq!(exact.solver, Solver::Exact);
    /// assert!((exact.x[0] - cg.x[0]).abs() < 1e-9); // one answer, whichever way
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn solver(mut self, solver: Solver) -> Self {
        self.options.solver = solver;
        self
    }

    /// Bound on the Newton decrement: about the largest relative error of a slack.
    ///
    /// # Examples
    /// ```
    /// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]; // the square −1 < x < 1
    /// let found = unhat::InvertGradient::new(&a, &[-1.0; 4], &[0.3, -0.1]).tolerance(1e-3).solve()?;
    /// assert!(found.decrement <= 1e-3);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.options.tolerance = tolerance;
        self
    }

    /// Newton steps allowed.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertGradient, solve::Status};
    /// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]; // the square −1 < x < 1
    /// let found = InvertGradient::new(&a, &[-1.0; 4], &[0.0; 2]).start(&[0.9, -0.7]).max_iterations(1).solve()?;
    /// assert_eq!((found.status, found.iterations), (Status::IterationLimit, 1));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn max_iterations(mut self, steps: u32) -> Self {
        self.options.max_iterations = steps;
        self
    }

    /// Seed of everything that is drawn.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertGradient, invert::Solver};
    /// let a: Vec<[f64; 2]> = (0..60).map(|k| [(k as f64).cos(), (k as f64).sin()]).collect(); // a polygon around 0
    /// let solve = || InvertGradient::new(&a, &[-1.0; 60], &[0.3, -0.1]).solver(Solver::Coreset).seed(7).solve();
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
    /// use unhat::{ErrorKind, InvertGradient, Run};
    /// let stop = AtomicBool::new(true); // set by another thread, as a rule
    /// let run = Run { stop: Some(&stop), ..Run::default() };
    /// let error = InvertGradient::new(&[[1.0], [-1.0]], &[-1.0; 2], &[0.0]).run(&run).solve().unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::Interrupted)); // before there is a first point
    /// ```
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// With the regulariser ½‖diag(w)Ax‖², `w` n values: another problem, which may have several minima.
    ///
    /// # Examples
    /// ```
    /// // The regulariser holds x towards 0, where Ax = 0.
    /// let a = [[1.0], [-1.0]]; // −1 < x < 1
    /// let free = unhat::InvertGradient::new(&a, &[-1.0; 2], &[0.5]).solve()?.x[0];
    /// let held = unhat::InvertGradient::new(&a, &[-1.0; 2], &[0.5]).weights(&[1.0; 2]).solve()?.x[0];
    /// assert!(0.0 < held.abs() && held.abs() < free.abs());
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn weights(self, w: &'a [f64]) -> InvertRegularised<'a> {
        let options = RegularisedOptions { seed: self.options.seed, ..RegularisedOptions::default() };
        InvertRegularised { problem: self, weights: w, options }
    }

    /// Solves.
    ///
    /// # Cost
    /// About ten evaluations, 2nd² flops each for dense rows.
    /// # Errors
    /// Those of [`invert_gradient`]. Not converging is a status.
    /// # Examples
    /// ```
    /// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]; // the square −1 < x < 1
    /// let found = unhat::InvertGradient::new(&a, &[-1.0; 4], &[0.0; 2]).start(&[0.9, -0.7]).solve()?;
    /// let proof = found.certificate.unwrap();
    /// assert!(found.x[0].hypot(found.x[1]) <= proof.euclidean); // the solution, 0, is no farther than proven
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn solve(self) -> Result<Inversion> {
        let InvertGradient { matrix, offset, target, start, options, run } = self;
        matrix.with_rows(|rows| invert_gradient(rows, offset, target, &start, &options, None, &run))
    }
}

/// Recovers x beside a regulariser: a builder over [`invert_regularised`].
///
/// the minima over the cell of ½‖g(x) − c‖² + ½‖diag(w)Ax‖²
///
/// # Examples
/// ```
/// use unhat::InvertGradient;
/// // The square −1 < x < 1: by symmetry the origin is the minimum for c = 0.
/// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
/// let found = InvertGradient::new(&a, &[-1.0; 4], &[0.0; 2]).weights(&[0.1; 4]).solve()?;
/// assert!(found.x.iter().all(|x| x.abs() < 1e-10));
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// LiSongXuYin2024.
#[must_use]
pub struct InvertRegularised<'a> {
    problem: InvertGradient<'a>,
    weights: &'a [f64],
    options: RegularisedOptions,
}

impl InvertRegularised<'_> {
    /// Looks until the best minimum is proven the global one, by branch and bound.
    ///
    /// # Examples
    /// ```
    /// let a = [[1.0], [-1.0]]; // −1 < x < 1
    /// let found = unhat::InvertGradient::new(&a, &[-1.0; 2], &[0.0]).weights(&[0.1; 2]).prove().solve()?;
    /// assert!(found.x[0].abs() < 1e-10);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn prove(mut self) -> Self {
        self.options.prove = true;
        self
    }

    /// All options.
    ///
    /// # Examples
    /// ```
    /// use unhat::{InvertGradient, invert::RegularisedOptions};
    /// let a = [[1.0], [-1.0]]; // −1 < x < 1
    /// let options = RegularisedOptions { random_starts: Some(3), ..RegularisedOptions::default() };
    /// let found = InvertGradient::new(&a, &[-1.0; 2], &[0.0]).weights(&[0.1; 2]).options(options).solve()?;
    /// assert_eq!(found.minima.len(), 1); // 0, from everywhere
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn options(mut self, options: RegularisedOptions) -> Self {
        self.options = options;
        self
    }

    /// Solves.
    ///
    /// # Errors
    /// Those of [`invert_regularised`].
    /// # Examples
    /// ```
    /// let a = [[1.0], [-1.0]]; // −1 < x < 1
    /// let found = unhat::InvertGradient::new(&a, &[-1.0; 2], &[0.5]).weights(&[0.1; 2]).solve()?;
    /// let (x, w) = (found.x[0], 0.1);
    /// let regulariser = (w * x).powi(2); // ½Σ(wᵢaᵢx)² of the two rows
    /// assert!((found.objective - 0.5 * found.residual.powi(2) - regulariser).abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn solve(self) -> Result<RegularisedInversion> {
        let InvertRegularised { problem, weights, options } = self;
        let InvertGradient { matrix, offset, target, start, run, .. } = problem;
        matrix.with_rows(|rows| invert_regularised(rows, offset, target, weights, &start, &options, &run))
    }
}
