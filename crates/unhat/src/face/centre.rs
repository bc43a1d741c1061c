//! The volumetric centre of a polytope, as a builder.

use crate::barrier::Side;
use crate::error::Result;
use crate::invert::{Inversion, InvertOptions, Start, invert_gradient};
use crate::rows::Matrix;
use crate::run::Run;

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
