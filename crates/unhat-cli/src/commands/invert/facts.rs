//! What was inverted, by the names of its files, for the page.

use super::files::Files;
use crate::options::MatrixInput;
use crate::page::{file_name, now, tool};
use crate::session::Session;
use unhat::invert::page::Inverted;
use unhat::invert::page::Subject;
use unhat_io::Matrix;

/// What was read.
pub(super) struct Given<'a> {
    pub kind: Inverted,
    pub input: &'a MatrixInput,
    pub matrix: &'a Matrix,
    /// The file of the target; None for a centre.
    pub target: Option<&'a str>,
    pub values: &'a [f64],
}

impl<'a> Given<'a> {
    /// A gradient with its file, or without one a centre.
    pub fn gradient(files: &'a Files<'_>, target: Option<&'a str>, values: &'a [f64]) -> Self {
        let kind = if target.is_some() { Inverted::Gradient } else { Inverted::Centre };
        Given { kind, input: &files.arguments.matrix, matrix: &files.system.matrix, target, values }
    }

    /// The same with what the run has come to.
    pub fn subject(&self, session: &Session<'_>) -> Subject<'a> {
        let shape = self.matrix.shape();
        let source = self.input.matrix.as_deref().or(self.input.polytope.as_deref()).unwrap_or_default();
        Subject {
            kind: self.kind,
            tool: tool(session),
            created_utc: now(),
            matrix: file_name(source),
            shape: (shape.rows, shape.columns),
            column_names: self.matrix.column_names.clone(),
            target: self.target.map_or_else(String::new, file_name),
            values: self.values,
            warnings: session.warnings().to_vec(),
        }
    }
}
