//! The way back from a gradient or from scores, and the centre of a polytope, as builders.

use crate::barrier::Side;
use crate::error::Result;
use crate::invert::scores::{ScoreInversion, ScoreInvertOptions, ScoreMethod, ScoreStart, invert_scores};
use crate::invert::{
    Inversion, InvertOptions, RegularisedInversion, RegularisedOptions, Solver, Start, invert_gradient,
    invert_regularised,
};
use crate::rows::{Matrix, RowSource};
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

/// The volumetric centre of a polytope {x : Ax > b}: a builder over [`invert_gradient`] with c = 0.
///
/// the one x inside with g(x) = 0
///
/// # Examples
/// ```
/// // The interval −1 < x < 3, its left facet written eight times: the centre moves by the cube root of eight.
/// let mut a = vec![[1.0]; 8];
/// a.push([-1.0]);
/// let b = [vec![-1.0; 8], vec![-3.0]].concat();
/// let centre = unhat::Centre::new(&a, &b).solve()?;
/// assert!((centre.x[0] - (1.0 + 2.0 / 3.0)).abs() < 1e-10);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// Vaidya1996.
#[must_use]
pub struct Centre<'a> {
    matrix: Matrix<'a>,
    offset: &'a [f64],
    start: Start<'a>,
    options: InvertOptions,
    run: Run<'a>,
}

impl<'a> Centre<'a> {
    /// Of the polytope {x : Ax > b}, `a` n×d, `b` n values.
    ///
    /// # Examples
    /// ```
    /// let centre = unhat::Centre::new(&[[1.0], [-1.0]], &[1.0, -3.0]).solve()?; // 1 < x < 3
    /// assert!((centre.x[0] - 2.0).abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(a: impl Into<Matrix<'a>>, b: &'a [f64]) -> Self {
        let (options, run) = (InvertOptions::default(), Run::default());
        Centre { matrix: a.into(), offset: b, start: Start::default(), options, run }
    }

    /// The polytope is {x : Ax < b}.
    ///
    /// # Examples
    /// ```
    /// let centre = unhat::Centre::new(&[[1.0], [-1.0]], &[3.0, -1.0]).below().solve()?; // x < 3, −x < −1
    /// assert!((centre.x[0] - 2.0).abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn below(mut self) -> Self {
        self.start.side = Some(Side::Below);
        self
    }

    /// A point inside, d values.
    ///
    /// # Examples
    /// ```
    /// use unhat::{Centre, ErrorKind};
    /// let (a, b) = ([[1.0], [-1.0]], [1.0, -3.0]); // 1 < x < 3
    /// assert!((Centre::new(&a, &b).start(&[2.9]).solve()?.x[0] - 2.0).abs() < 1e-12);
    /// let error = Centre::new(&a, &b).start(&[1.0]).solve().unwrap_err(); // on the boundary
    /// assert!(matches!(error.kind(), ErrorKind::ZeroSlack { .. }));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn start(mut self, x: &'a [f64]) -> Self {
        self.start.point = Some(x);
        self
    }

    /// All options.
    ///
    /// # Examples
    /// ```
    /// use unhat::{Centre, invert::{InvertOptions, Solver}};
    /// let options = InvertOptions { solver: Solver::Exact, ..InvertOptions::default() };
    /// let centre = Centre::new(&[[1.0], [-1.0]], &[1.0, -3.0]).options(options).solve()?;
    /// assert_eq!(centre.solver, Solver::Exact);
    /// assert!((centre.x[0] - 2.0).abs() < 1e-12);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn options(mut self, options: InvertOptions) -> Self {
        self.options = options;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Mutex;
    /// use unhat::{Centre, Event, Run};
    /// let seen = Mutex::new(0);
    /// let observe = |event: Event<'_>| if let Event::Step(_) = event { *seen.lock().unwrap() += 1 };
    /// let run = Run { observe: Some(&observe), ..Run::default() };
    /// let centre = Centre::new(&[[1.0], [-1.0]], &[1.0, -3.0]).start(&[1.2]).run(&run).solve()?;
    /// assert_eq!(*seen.lock().unwrap(), centre.history.len()); // told of every step
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Solves.
    ///
    /// # Errors
    /// Those of [`invert_gradient`].
    /// # Examples
    /// ```
    /// // The corner of a square cut off: by symmetry the centre lies on the diagonal.
    /// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [-1.0, -1.0]];
    /// let centre = unhat::Centre::new(&a, &[-1.0, -1.0, -1.0, -1.0, -1.5]).solve()?.x;
    /// assert!((centre[0] - centre[1]).abs() < 1e-12 && centre[0] < 0.0);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn solve(self) -> Result<Inversion> {
        let Centre { matrix, offset, start, options, run } = self;
        matrix.with_rows(|rows| {
            let target = vec![0.0; rows.shape().columns];
            invert_gradient(rows, offset, &target, &start, &options, None, &run)
        })
    }
}

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
        self.options.noise = Some(noise);
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
