//! Everything that the page of an inversion draws, as data; drawing is another crate's.

mod subject;

pub use subject::{Subject, of_diagonal, of_gradient, of_interrupted, of_regularised, of_scores};

use crate::report::{Check, Tool};
use serde::{Deserialize, Serialize};

/// What was inverted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inverted {
    /// The gradient g(x).
    Gradient,
    /// The gradient of a polytope's centre, which is zero: there is no target.
    Centre,
    /// Leverage scores σ(x).
    Scores,
}

/// Everything that the report of an inversion draws. A number that is unknown is None, never NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InversionPage {
    /// Gradient or scores.
    pub kind: Inverted,
    /// The program and the run.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: Option<String>,
    /// What holds A: a file's name.
    pub matrix: String,
    /// The number n of rows.
    pub rows: u64,
    /// The number d of columns.
    pub columns: u64,
    /// What holds the target: a file's name.
    pub target: String,
    /// How many numbers it has.
    pub values_released: u64,
    /// ‖target‖₂; None where there is none.
    pub target_norm: Option<f64>,
    /// The known noise of the target, absolute; None for an exact one.
    pub noise: Option<f64>,
    /// The solver's name.
    pub solver: String,
    /// Why it was chosen.
    pub reason: String,
    /// How the first point was found.
    pub start: String,
    /// How it ended, in a word: "solved", "stalled", ….
    pub status: String,
    /// Whether that is a solution.
    pub solved: bool,
    /// Iterations.
    pub iterations: u64,
    /// Sweeps over the table.
    pub passes: Option<f64>,
    /// ‖f(x) − target‖₂, f the gradient or the scores.
    pub residual: Option<f64>,
    /// The value that was minimised, where it is more than the residual.
    pub objective: Option<f64>,
    /// Condition of the problem at the answer.
    pub condition: Option<f64>,
    /// Correct digits that this condition leaves.
    pub digits: Option<f64>,
    /// One for each solver or stage that has a history.
    pub history: Vec<Trace>,
    /// All answers that were found, best first.
    pub candidates: Vec<TriedAnswer>,
    /// What is proven of the first.
    pub proof: Option<ProvenDistance>,
    /// Of each coefficient, for a noisy target.
    pub standard_errors: Vec<StandardError>,
    /// A direction of x that the target leaves open; empty when it determines x.
    pub null_direction: Vec<DirectionEntry>,
    /// The linear solve that found the first point, where there was one.
    pub lift: Option<LiftPage>,
    /// Identities that must hold.
    pub checks: Vec<Check>,
    /// What the reader must know and no number says.
    pub warnings: Vec<String>,
}

/// One history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Solver or stage.
    pub method: String,
    /// Its steps in order.
    pub steps: Vec<TraceStep>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceStep {
    /// Its number.
    pub iteration: u32,
    /// Sweeps over the table until then.
    pub passes: Option<f64>,
    /// Newton decrement.
    pub decrement: Option<f64>,
    /// ‖f(x) − target‖₂.
    pub residual: Option<f64>,
    /// What could be proven of the distance to the solution then.
    pub certificate: Option<f64>,
}

/// An answer that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriedAnswer {
    /// What it was reached from.
    pub origin: String,
    /// How its descent ended.
    pub status: String,
    /// ‖f(x) − target‖₂; None where the objective alone was kept.
    pub residual: Option<f64>,
    /// The value that was minimised, where it is more than the residual.
    pub objective: Option<f64>,
    /// ‖x − x₁‖/‖x₁‖ from the best; None for the best itself.
    pub distance: Option<f64>,
    /// Steps of its descent, where they were counted apart.
    pub iterations: Option<u32>,
}

/// What is proven: a sentence of its own, a distance within which the solutions that `scope` names lie, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProvenDistance {
    /// A whole sentence without number.
    pub statement: Option<String>,
    /// Of what the distances are: "the exact solution in this cell", "every x nearby with these scores", ….
    pub scope: String,
    /// ‖x̂ − x‖₂.
    pub euclidean: Option<f64>,
    /// The same over ‖x̂‖.
    pub relative: Option<f64>,
    /// The same as a share of the slacks.
    pub slacks: Option<f64>,
    /// The rounding that it contains: of the gradient, in the norm of `slacks`, or of the scores.
    pub rounding: Option<f64>,
    /// The change of a slack, as a share of it, up to which the statement holds; None for the whole cell.
    pub within: Option<f64>,
}

/// A coefficient's value and standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StandardError {
    /// Its column.
    pub name: String,
    /// The recovered value x̂ⱼ.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

/// One column of a direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionEntry {
    /// Its column.
    pub name: String,
    /// Its entry; the largest has size 1.
    pub entry: f64,
}

/// A lift: the linear solve that needs no start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiftPage {
    /// Equations that were solved.
    pub rows: u64,
    /// Their unknowns, d² + 2d.
    pub unknowns: u64,
    /// Relative residual of the equations.
    pub residual: f64,
    /// ‖X − xxᵀ‖/‖xxᵀ‖ of its unknown X; None where it was not computed.
    pub product_defect: Option<f64>,
}
