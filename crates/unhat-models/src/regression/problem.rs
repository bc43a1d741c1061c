//! What is fitted: rows, a response, weights, an offset, and the model.

use super::law::Law;
use unhat::rows::{RowSource, require_vector};
use unhat::{ErrorKind, Result};

/// Which model, and with it which conventions of R hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// `lm`: least squares, weighted where there are weights.
    Linear,
    /// `glm`.
    Generalised(Law),
}

impl Model {
    /// Family and link.
    #[must_use]
    pub fn law(&self) -> Law {
        match self {
            Model::Linear => Law::LINEAR,
            Model::Generalised(law) => *law,
        }
    }
}

/// What is fitted: rows, a response, and what goes with them. A row of weight 0 is left out of the fit.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// The model matrix (n×d).
    pub source: &'a dyn RowSource,
    /// Whether its first column is 1: R² is then measured from the mean.
    pub intercept: bool,
    /// y (n); proportions for the binomial.
    pub response: &'a [f64],
    /// Prior weights wᵢ ≥ 0 (n).
    pub weights: Option<&'a [f64]>,
    /// Of weights that are numbers of trials, what they were multiplied by (n).
    pub own_weights: Option<&'a [f64]>,
    /// Added to the predictor (n).
    pub offset: Option<&'a [f64]>,
    /// The model.
    pub model: Model,
}

impl Problem<'_> {
    /// wᵢ.
    #[must_use]
    pub fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[i])
    }

    /// The offset of a row.
    #[must_use]
    pub fn offset(&self, i: usize) -> f64 {
        self.offset.map_or(0.0, |o| o[i])
    }
}

/// Refuses a problem that has no fit, naming the row.
pub(super) fn require_problem(problem: &Problem<'_>, law: &Law) -> Result<()> {
    let n = problem.source.shape().rows;
    require_vector("response", problem.response, n)?;
    problem.weights.map(|w| require_vector("weights", w, n)).transpose()?;
    problem.offset.map(|o| require_vector("offset", o, n)).transpose()?;
    if let Some(row) = (0..n).find(|&i| problem.weight(i) < 0.0) {
        let reason = format!("row {}: found {}, expected at least 0", row + 1, problem.weight(row));
        return Err(ErrorKind::Option { name: "weights".into(), reason }.into());
    }
    for i in (0..n).filter(|&i| problem.weight(i) > 0.0) {
        if let Some(expected) = law.refuses(problem.response[i]) {
            let reason = format!("row {}: found {}, {expected}", i + 1, problem.response[i]);
            return Err(ErrorKind::Option { name: "response".into(), reason }.into());
        }
    }
    Ok(())
}
