//! How a solve ended: the point, a status, the history of its steps.

/// How a solve ended.
///
/// # Examples
/// ```
/// use unhat::{Centre, invert::InvertOptions, solve::Status};
/// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]; // the square −1 < x < 1
/// let ending = |max_iterations: u32| {
///     let options = InvertOptions { max_iterations, ..InvertOptions::default() };
///     Ok::<_, unhat::Error>(Centre::new(&a, &[-1.0; 4]).start(&[0.9, -0.7]).options(options).solve()?.status)
/// };
/// assert_eq!(ending(50)?, Status::Solved);
/// assert_eq!(ending(1)?.name(), "iteration_limit"); // one step from a corner is not enough
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The stopping rule is met.
    Solved,
    /// The allowed number of iterations is used up.
    IterationLimit,
    /// No progress, above the rounding floor.
    Stalled,
    /// The run was asked to stop.
    Interrupted,
}

impl Status {
    /// The word used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Status::Solved => "solved",
            Status::IterationLimit => "iteration_limit",
            Status::Stalled => "stalled",
            Status::Interrupted => "interrupted",
        }
    }
}

/// One iteration of a solver.
///
/// # Examples
/// ```
/// let a = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]; // the square −1 < x < 1
/// let steps = unhat::Centre::new(&a, &[-1.0; 4]).start(&[0.9, -0.7]).solve()?.history;
/// let (first, last) = (&steps[0], &steps[steps.len() - 1]);
/// assert_eq!((first.iteration, first.step_length), (0, 0.0)); // no step led to the first point
/// assert!(last.decrement <= 1e-10 && last.residual < first.residual);
/// assert_eq!(last.iteration as usize, steps.len() - 1);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Number of steps taken before this point.
    pub iteration: u32,
    /// Evaluations at a new x so far: the first, rejected and verifying ones included.
    pub passes: u32,
    /// Every sweep so far, in units of one pass (2nd² flops for dense rows).
    pub work: f64,
    /// Upper bound on the Newton decrement ‖g − c‖ in the metric Q⁻¹.
    pub decrement: f64,
    /// The residual ‖g − c‖₂.
    pub residual: f64,
    /// The length of the step that led here, as a share of the full Newton step; 0 for the first point.
    pub step_length: f64,
    /// Proven bound on ‖x − x*‖₂ at this point, rounding included; None where none could be had without another pass.
    pub certificate: Option<f64>,
}
