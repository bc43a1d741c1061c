//! The object around every answer, for the command line and the Python package: the keys that all of them have, in their
//! order. Numbers that are not finite become null, and a warning names them. The answers themselves are in the rooms of their subjects.

mod finite;

use serde::{Deserialize, Serialize};

/// The version of the contract.
pub const SCHEMA: u8 = 1;

/// An object: what was found, among the keys that every command has.
#[derive(Serialize)]
pub struct Report<'a, F> {
    schema: u8,
    command: &'a str,
    #[serde(flatten)]
    found: F,
    #[serde(flatten)]
    colophon: Colophon,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a [f64]>,
}

impl<'a, F: Serialize> Report<'a, F> {
    /// `values` are the numbers of the result, where they go nowhere else. A number in `found` that JSON cannot hold is
    /// named in the warnings.
    pub fn new(command: &'a str, found: F, mut colophon: Colophon, values: Option<&'a [f64]>) -> Self {
        colophon.warnings.extend(not_finite(&found));
        Report { schema: SCHEMA, command, found, colophon, values }
    }
}

/// A sentence for each field of an object that holds a number which JSON cannot: an infinity or NaN, null there.
///
/// # Cost
/// One walk over the object.
#[must_use]
pub fn not_finite(object: &impl Serialize) -> Vec<String> {
    finite::not_finite(object)
}

/// The keys that end every object.
#[derive(Serialize)]
pub struct Colophon {
    /// Since the call began.
    pub seconds: f64,
    /// That of all random draws.
    pub seed: u64,
    /// Threads that worked.
    pub threads: usize,
    /// That of unhat.
    pub version: &'static str,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

/// An answer that has no other ending than that it was found.
#[derive(Serialize)]
pub struct Solved<F> {
    status: &'static str,
    #[serde(flatten)]
    found: F,
}

impl<F: Serialize> Solved<F> {
    /// With its status.
    pub fn new(found: F) -> Self {
        Solved { status: "solved", found }
    }
}

/// How a result was computed.
#[derive(Serialize)]
pub struct Method<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    solver: Option<&'a str>,
    factor: &'a str,
    reason: &'a str,
}

impl<'a> Method<'a> {
    /// By a solver, with a factor, and why these.
    pub fn of(solver: &'a str, factor: &'a str, reason: &'a str) -> Self {
        Method { solver: Some(solver), factor, reason }
    }

    /// With a factor, where there is no solver.
    pub fn of_factor(factor: &'a str, reason: &'a str) -> Self {
        Method { solver: None, factor, reason }
    }
}

/// The program and the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// "unhat".
    pub name: String,
    /// Its version.
    pub version: String,
    /// The command line, or the call.
    pub command: String,
    /// The seed of every draw.
    pub seed: u64,
    /// Threads used; no result depends on them.
    pub threads: u32,
    /// Seconds by the clock.
    pub wall_s: f64,
}

/// An identity that must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name: "sum_of_scores", ….
    pub name: String,
    /// What theory says.
    pub expected: f64,
    /// What was computed.
    pub got: f64,
    /// How far they may be apart.
    pub tolerance: f64,
    /// Whether they are not.
    pub ok: bool,
}
