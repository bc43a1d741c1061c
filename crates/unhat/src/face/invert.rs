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
    pub fn signs(mut self, signs: &'a [f64]) -> Self {
        self.start.signs = Some(signs);
        self
    }

    /// A point of the cell, d values.
    pub fn start(mut self, x: &'a [f64]) -> Self {
        self.start.point = Some(x);
        self
    }

    /// The cell is {Ax < b}.
    pub fn below(mut self) -> Self {
        self.start.side = Some(Side::Below);
        self
    }

    /// The solver; chosen by predicted work where none is named.
    pub fn solver(mut self, solver: Solver) -> Self {
        self.options.solver = solver;
        self
    }

    /// Bound on the Newton decrement: about the largest relative error of a slack.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.options.tolerance = tolerance;
        self
    }

    /// Newton steps allowed.
    pub fn max_iterations(mut self, steps: u32) -> Self {
        self.options.max_iterations = steps;
        self
    }

    /// Seed of everything that is drawn.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// With the regulariser ½‖diag(w)Ax‖², `w` n values: another problem, which may have several minima.
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
    pub fn prove(mut self) -> Self {
        self.options.prove = true;
        self
    }

    /// All options.
    pub fn options(mut self, options: RegularisedOptions) -> Self {
        self.options = options;
        self
    }

    /// Solves.
    ///
    /// # Errors
    /// Those of [`invert_regularised`].
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
    pub fn new(a: impl Into<Matrix<'a>>, b: &'a [f64]) -> Self {
        let (options, run) = (InvertOptions::default(), Run::default());
        Centre { matrix: a.into(), offset: b, start: Start::default(), options, run }
    }

    /// The polytope is {x : Ax < b}.
    pub fn below(mut self) -> Self {
        self.start.side = Some(Side::Below);
        self
    }

    /// A point inside, d values.
    pub fn start(mut self, x: &'a [f64]) -> Self {
        self.start.point = Some(x);
        self
    }

    /// All options.
    pub fn options(mut self, options: InvertOptions) -> Self {
        self.options = options;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Solves.
    ///
    /// # Errors
    /// Those of [`invert_gradient`].
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
    pub fn rows(mut self, rows: &'a [usize]) -> Self {
        self.rows = Some(rows);
        self
    }

    /// What is known of x.
    pub fn start(mut self, start: ScoreStart<'a>) -> Self {
        self.start = start;
        self
    }

    /// ν, the standard deviation of independent Gaussian errors of the scores.
    pub fn noise(mut self, noise: f64) -> Self {
        self.options.noise = Some(noise);
        self
    }

    /// The method.
    pub fn method(mut self, method: ScoreMethod) -> Self {
        self.options.method = method;
        self
    }

    /// Seed of everything that is drawn.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
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
    /// That of [`invert_scores`].
    /// # Errors
    /// Those of [`invert_scores`].
    pub fn solve(self) -> Result<ScoreInversion> {
        let InvertScores { matrix, offset, target, rows, start, options, run } = self;
        matrix.with_rows(|source: &dyn RowSource| invert_scores(source, offset, target, rows, &start, &options, &run))
    }
}
