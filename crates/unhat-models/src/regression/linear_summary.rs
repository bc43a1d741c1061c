//! What a linear fit says as a whole: R², F, the likelihood.

use super::problem::Problem;

/// What `lm` says of a fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearSummary {
    /// R² = 1 − RSS/TSS, from the mean where there is an intercept; NaN where there is no spread.
    pub r_squared: f64,
    /// 1 − (1 − R²)(n − 1)/(n − p), n in the place of n − 1 where there is no intercept.
    pub adjusted_r_squared: f64,
    /// F of all columns but the intercept, its numerator's and denominator's degrees of freedom; None where there is one column.
    pub f: Option<(f64, usize, usize)>,
    /// TSS.
    pub total: f64,
    /// Logarithm of the likelihood.
    pub log_likelihood: f64,
    /// Akaike's criterion; σ is a parameter too.
    pub aic: f64,
}

impl LinearSummary {
    /// Of predictors, the rank and the degrees of freedom, and the residual sum of squares.
    pub(super) fn of(problem: &Problem<'_>, predictor: &[f64], (p, df_residual): (usize, usize), left: f64) -> Self {
        let rows: Vec<usize> = (0..problem.response.len()).filter(|&i| problem.weight(i) > 0.0).collect();
        let n = rows.len() as f64;
        let intercept = usize::from(problem.intercept);
        let value = |i: &usize| predictor[*i] - problem.offset(*i);
        let total: f64 = rows.iter().map(|&i| problem.weight(i)).sum();
        let mean = match problem.intercept {
            true => rows.iter().map(|i| problem.weight(*i) * value(i)).sum::<f64>() / total,
            false => 0.0,
        };
        let explained: f64 = rows.iter().map(|i| problem.weight(*i) * (value(i) - mean).powi(2)).sum();
        let df = df_residual as f64;
        let r_squared = explained / (explained + left);
        let numerator = p - intercept.min(p);
        let logs: f64 = rows.iter().map(|&i| problem.weight(i).ln()).sum();
        let circle = 2.0 * std::f64::consts::PI;
        let log_likelihood = 0.5 * (logs - n * (circle.ln() + 1.0 - n.ln() + left.ln()));
        LinearSummary {
            r_squared,
            adjusted_r_squared: 1.0 - (1.0 - r_squared) * ((n - intercept as f64) / df),
            f: (numerator > 0 && df_residual > 0)
                .then(|| ((explained / numerator as f64) / (left / df), numerator, df_residual)),
            total: explained + left,
            log_likelihood,
            aic: 2.0 * (p as f64 + 1.0) - 2.0 * log_likelihood,
        }
    }
}
