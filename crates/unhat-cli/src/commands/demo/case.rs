//! One worked case: a problem, what was found, and the files and sentences that show it.

use crate::failure::{Failure, file_error};
use std::collections::BTreeMap;
use std::time::Instant;
use unhat::barrier::{Barrier, Point};
use unhat::invert::{Inversion, InvertOptions, Start, invert_gradient};
use unhat::rows::DenseRows;
use unhat::{ErrorKind, Result, Run};
use unhat_io::{path_of, write_matrix_npy, write_vector};

/// A matrix, an offset and a target.
pub(super) struct Problem {
    pub matrix: Vec<f64>,
    pub columns: usize,
    pub offset: Vec<f64>,
    pub target: Vec<f64>,
}

/// A problem, its solution, and the story of both.
pub(super) struct Case {
    pub name: &'static str,
    pub problem: Problem,
    pub hidden: Option<Vec<f64>>,
    pub found: Inversion,
    pub seconds: f64,
    pub story: String,
}

impl Problem {
    pub fn rows(&self) -> Result<DenseRows<'_>> {
        DenseRows::new(&self.matrix, self.columns)
    }

    /// Slack, scores and gradient at x.
    pub fn evaluate(&self, x: &[f64], run: &Run<'_>) -> Result<Point> {
        let rows = self.rows()?;
        let barrier = Barrier::around(&rows, &self.offset, x, run)?;
        barrier.at(x, false, run)?.ok_or_else(|| {
            ErrorKind::Numerical { reason: "a point of the demo lies on the boundary of its cell".into() }.into()
        })
    }

    /// Solves for the target, and takes the time.
    pub fn solve(&self, start: &Start<'_>, run: &Run<'_>) -> Result<(Inversion, f64)> {
        let clock = Instant::now();
        let options = InvertOptions::default();
        let found = invert_gradient(&self.rows()?, &self.offset, &self.target, start, &options, None, run)?;
        Ok((found, clock.elapsed().as_secs_f64()))
    }
}

/// The names of the cases, and of the folders of their files.
pub(super) const STACKLOSS_RIDGE: &str = "stackloss-ridge";
pub(super) const POLYTOPE_CENTRE: &str = "polytope-centre";
pub(super) const GENERATED: &str = "generated-5000x20";

impl Case {
    /// ‖recovered − hidden‖ / ‖hidden‖.
    pub fn relative_error(&self) -> Option<f64> {
        self.hidden.as_ref().map(|hidden| relative_distance(&self.found.x, hidden))
    }

    /// The files that a case of this name may write under `directory`.
    pub fn places(name: &str, directory: &str) -> [String; 5] {
        ["matrix", "offset", "target", "recovered", "hidden"].map(|role| format!("{directory}/{name}/{role}.npy"))
    }

    /// Writes every array under `directory`; returns the paths relative to it.
    pub fn write_files(&self, directory: &str) -> std::result::Result<BTreeMap<&'static str, String>, Failure> {
        create_directory(&format!("{directory}/{}", self.name))?;
        let mut files = BTreeMap::new();
        let mut place = |role: &'static str| {
            let relative = format!("{}/{role}.npy", self.name);
            let path = format!("{directory}/{relative}");
            files.insert(role, relative);
            path
        };
        write_matrix_npy(&place("matrix"), &self.problem.matrix, self.problem.columns)?;
        write_vector(&place("offset"), "value", None, &self.problem.offset)?;
        write_vector(&place("target"), "value", None, &self.problem.target)?;
        write_vector(&place("recovered"), "value", None, &self.found.x)?;
        if let Some(hidden) = &self.hidden {
            write_vector(&place("hidden"), "value", None, hidden)?;
        }
        Ok(files)
    }
}

/// The signs of a slack, as the library takes them.
pub(super) fn signs(slack: &[f64]) -> Vec<f64> {
    slack.iter().map(|s| s.signum()).collect()
}

/// ‖v − reference‖ / ‖reference‖.
pub(super) fn relative_distance(v: &[f64], reference: &[f64]) -> f64 {
    distance(v, reference) / norm(reference)
}

/// ‖v − w‖.
pub(super) fn distance(v: &[f64], w: &[f64]) -> f64 {
    norm(&v.iter().zip(w).map(|(a, b)| a - b).collect::<Vec<_>>())
}

pub(super) fn norm(v: &[f64]) -> f64 {
    unhat::kernels::norm(v)
}

/// How sure the answer is, in a sentence.
pub(super) fn proof_sentence(found: &Inversion) -> String {
    match &found.certificate {
        Some(proof) => {
            format!(
                "the exact solution for these numbers lies within {:.1e}, shown without knowing it",
                proof.euclidean
            )
        }
        None => "no bound on the distance to the exact solution could be shown".into(),
    }
}

/// What it cost, in a sentence.
pub(super) fn effort_sentence(found: &Inversion, seconds: f64) -> String {
    format!("{} passes over the rows ({}), {:.1} ms", found.passes, found.solver.name(), 1e3 * seconds)
}

/// Makes a directory and those above it.
pub(super) fn create_directory(path: &str) -> std::result::Result<(), Failure> {
    std::fs::create_dir_all(path_of(path))
        .map_err(|e| file_error(path, format!("cannot be made a directory: {e}")).into())
}
