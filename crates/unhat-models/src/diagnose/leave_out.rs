//! What a fit says of a row that it has not seen: refits without it.

use crate::regression::{Fit, Problem, fit_from};
use rayon::prelude::*;
use std::str::FromStr;
use unhat::{ErrorKind, Result, Run};

/// How the predictor of a row without it is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaveOut {
    /// One step of scoring from the fit: η − h·(working residual)/(1−h).
    #[default]
    OneStep,
    /// Refits: of all rows up to 5000, of flagged rows beyond.
    Exact,
}

impl FromStr for LeaveOut {
    type Err = unhat::Error;
    fn from_str(word: &str) -> Result<LeaveOut> {
        match word {
            "one-step" => Ok(LeaveOut::OneStep),
            "exact" => Ok(LeaveOut::Exact),
            _ => {
                let reason = format!("found {word:?}, expected one-step or exact");
                Err(ErrorKind::Option { name: "loo".into(), reason }.into())
            }
        }
    }
}

/// The predictors of rows in fits without them; NaN where there is no such fit.
pub(super) fn refitted(problem: &Problem<'_>, fit: &Fit, rows: &[usize], run: &Run<'_>) -> Result<Vec<f64>> {
    let inner = Run { observe: None, pool: None, ..*run };
    let without = |&row: &usize| -> Result<f64> {
        let mut weights: Vec<f64> = (0..problem.response.len()).map(|i| problem.weight(i)).collect();
        weights[row] = 0.0;
        let rest = Problem { weights: Some(&weights), ..*problem };
        let found = match fit_from(&rest, Some(&fit.coefficients), &inner) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => return Ok(f64::NAN),
            Err(error) => return Err(error),
        };
        Ok(found.predictor[row])
    };
    run.install(|| rows.par_iter().map(without).collect())
}
