//! How a solve ended: the point, a status, the history of its steps.

/// How a solve ended.
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
    /// ‖g − c‖₂.
    pub residual: f64,
    /// The length of the step that led here, as a share of the full Newton step; 0 for the first point.
    pub step_length: f64,
    /// Proven bound on ‖x − x*‖₂ at this point, rounding included; None where none could be had without another pass.
    pub certificate: Option<f64>,
}
