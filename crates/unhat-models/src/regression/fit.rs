//! Linear and generalised linear models by iteratively reweighted least squares, to the accuracy of the data.

use super::geometry::{ColumnSums, Geometry};
use super::independent::{GENERALISED_TOLERANCE, LINEAR_TOLERANCE, independent_columns};
use super::law::Law;
use super::linear_summary::LinearSummary;
use super::model_matrix::Columns;
use super::problem::{Model, Problem, require_problem};
use super::scale::{RowState, state_at};
use super::scoring::{First, Reached, Scoring, first_residuals};
use unhat::families::Family;
use unhat::gram::{Factor, FactorMethod};
use unhat::kernels::dot;
use unhat::leverage::digits_left;
use unhat::rows::{DenseRows, RowSource, require_finite};
use unhat::{ErrorKind, Result, Run};

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Coefficients of all columns (d); NaN where a column depends on those before it.
    pub coefficients: Vec<f64>,
    /// The columns that are estimated, ascending: as many as the rank.
    pub kept: Vec<usize>,
    /// (XᵀVX)⁻¹ of the kept columns, rank×rank.
    pub unscaled_covariance: Vec<f64>,
    /// Rows with a weight above 0.
    pub n: usize,
    /// n − rank.
    pub df_residual: usize,
    /// φ: s² of `lm`; 1 for binomial and Poisson; else Pearson's χ² over the degrees of freedom. NaN where there are none.
    pub dispersion: f64,
    /// Σ wᵢdᵢ²; the residual sum of squares of `lm`.
    pub deviance: f64,
    /// The same with an intercept alone, or nothing where there is none.
    pub null_deviance: f64,
    /// Pearson's χ².
    pub pearson: f64,
    /// Logarithm of the likelihood; None for quasi families.
    pub log_likelihood: Option<f64>,
    /// Akaike's criterion.
    pub aic: Option<f64>,
    /// What `lm` says besides.
    pub linear: Option<LinearSummary>,
    /// η̂ (n), with the offset.
    pub predictor: Vec<f64>,
    /// What each row is at η̂.
    pub rows: RowState,
    /// Steps of iteration.
    pub iterations: usize,
    /// Estimate of cond₂ of the weighted columns, centred and scaled.
    pub condition: f64,
    /// Decimal digits to expect of the hat values.
    pub digits: f64,
    /// How the factor was computed.
    pub method: FactorMethod,
    /// What the user should know.
    pub warnings: Vec<String>,
    pub(super) geometry: Geometry,
    pub(super) factor: Factor,
}

/// A response is fitted exactly when what is left of it is so many roundings.
const NOTHING: f64 = 64.0;

impl Fit {
    /// The number of columns that are estimated.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.kept.len()
    }

    /// Standard errors of the kept columns.
    #[must_use]
    pub fn std_error(&self) -> Vec<f64> {
        let p = self.rank();
        (0..p).map(|j| (self.dispersion * self.unscaled_covariance[j + j * p]).sqrt()).collect()
    }

    /// φ(XᵀVX)⁻¹ of the kept columns, rank×rank.
    #[must_use]
    pub fn vcov(&self) -> Vec<f64> {
        self.unscaled_covariance.iter().map(|v| v * self.dispersion).collect()
    }

    /// The coordinates in which the rows are centred.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// L of Σ vᵢ(aᵢ − μ)(aᵢ − μ)ᵀ over the kept columns.
    #[must_use]
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// Calls `f` with the rows of the kept columns.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn with_kept<R>(&self, source: &dyn RowSource, f: impl FnOnce(&dyn RowSource) -> Result<R>) -> Result<R> {
        match self.kept.len() == source.shape().columns {
            true => f(source),
            false => f(&Columns::of(source, &self.kept)),
        }
    }
}

/// Fits a model.
///
/// β̂ = argmin Σ wᵢ d²(yᵢ, μ(oᵢ + aᵢᵀβ)), by Fisher's scoring until a step is rounding
///
/// Columns that depend on those before them are left out at the tolerance of R: 10⁻⁷ for `lm`, 10⁻¹¹ for `glm`.
///
/// # Shapes
/// As [`Problem`] says.
/// # Cost
/// For each step three sweeps, nd² flops. Linear models take one factor, nd² flops, and four sweeps: sums of columns, the
/// factor, the residuals of the first step, those of the second.
/// # Errors
/// [`ErrorKind::Shape`] and [`ErrorKind::NotFinite`]; [`ErrorKind::Option`] for a response that the family does not have, naming
/// the row; [`ErrorKind::Numerical`] where nothing is estimable, or there is no maximum of the likelihood (separation).
/// # References
/// McCullaghNelder1989.
/// # Examples
/// ```
/// use unhat::{Run, rows::DenseRows};
/// use unhat_models::regression::{Model, Problem, fit};
/// let a = [1.0, 0.0, 1.0, 1.0, 1.0, 2.0]; // a line through x = 0, 1, 2
/// let problem = Problem {
///     source: &DenseRows::new(&a, 2)?,
///     intercept: true,
///     response: &[1.0, 3.0, 6.0],
///     weights: None,
///     own_weights: None,
///     offset: None,
///     model: Model::Linear,
/// };
/// let found = fit(&problem, &Run::default())?;
/// assert!((found.coefficients[1] - 2.5).abs() < 1e-14);
/// # Ok::<(), unhat::Error>(())
/// ```
pub fn fit(problem: &Problem<'_>, run: &Run<'_>) -> Result<Fit> {
    fit_from(problem, None, run)
}

/// The same from coefficients near the answer.
///
/// # Errors
/// As [`fit`].
pub fn fit_from(problem: &Problem<'_>, start: Option<&[f64]>, run: &Run<'_>) -> Result<Fit> {
    fitted(problem, start, false, run)
}

/// The fit where iteration ends as soon as the deviance settles to 1e-8, as R's `glm` does. Where the likelihood has no maximum
/// these are the coefficients that a program prints; they are no estimates, and depend on where it stopped.
///
/// # Errors
/// As [`fit`].
pub fn fit_until_settled(problem: &Problem<'_>, run: &Run<'_>) -> Result<Fit> {
    fitted(problem, None, true, run)
}

fn fitted(problem: &Problem<'_>, start: Option<&[f64]>, settles: bool, run: &Run<'_>) -> Result<Fit> {
    let law = problem.model.law();
    require_problem(problem, &law)?;
    let n = problem.response.len();
    let counted = (0..n).filter(|&i| problem.weight(i) > 0.0).count();
    if counted == 0 {
        return Err(
            ErrorKind::Option { name: "weights".into(), reason: "every one is 0, expected some above".into() }.into()
        );
    }
    let (first, state) = first_state(problem, &law);
    let u = first_residuals(problem, &first, &state);
    let sums = ColumnSums::of(problem.source, &state.row_scale, &u, problem.intercept, run)?;
    let tolerance = if problem.model == Model::Linear { LINEAR_TOLERANCE } else { GENERALISED_TOLERANCE };
    let (kept, factor) = independent_columns(problem.source, &state.row_scale, &sums, tolerance, run)?;
    if kept.is_empty() {
        require_finite(problem.source, "matrix")?;
        return Err(ErrorKind::Numerical { reason: "every column is 0: there is nothing to estimate".into() }.into());
    }
    let (shift, products) = sums.kept(&kept);
    let geometry = Geometry { shift, columns: kept.len() };
    let reduced;
    let source: &dyn RowSource = match kept.len() == problem.source.shape().columns {
        true => problem.source,
        false => {
            reduced = Columns::of(problem.source, &kept);
            &reduced
        }
    };
    let start = start.map(|beta| {
        let mut gamma: Vec<f64> = kept.iter().map(|&j| beta[j]).collect();
        if let Some(means) = &geometry.shift {
            gamma[0] += dot(means, &gamma);
        }
        gamma
    });
    let first = First { predictor: first, state, products: Some(products), factor };
    let reached = Scoring { problem, law, source, geometry: &geometry, run, settles }.climb(first, start)?;
    let Reached { mut gamma, predictor, state, factor, iterations } = reached;
    let p = kept.len();
    let mut warnings = Vec::new();
    if law.family() == Family::Binomial {
        let extreme = |i: &usize| state.at[*i].mean.min(state.at[*i].rest) < 10.0 * f64::EPSILON;
        let count = (0..n).filter(|i| problem.weight(*i) > 0.0).filter(extreme).count();
        if count > 0 {
            warnings.push(format!("{count} fitted probabilities are 0 or 1 to rounding"));
        }
    }
    if law.family() == Family::Binomial && law.has_likelihood() {
        let successes =
            |i: usize| problem.weight(i) / problem.own_weights.map_or(1.0, |own| own[i]) * problem.response[i];
        let broken =
            (0..n).filter(|&i| problem.weight(i) > 0.0).filter(|&i| (successes(i) - successes(i).round()).abs() > 1e-3);
        let count = broken.count();
        if count > 0 {
            warnings.push(format!("{count} rows have numbers of successes (weight × response) that are not whole"));
        }
    }
    let size: f64 = (0..n).map(|i| problem.weight(i) * (problem.response[i] - problem.offset(i)).powi(2)).sum();
    if problem.model == Model::Linear && state.deviance.sqrt() <= NOTHING * f64::EPSILON * p as f64 * size.sqrt() {
        warnings.push(
            "the fit leaves nothing of the response but rounding: what is made of residuals has no digits".into(),
        );
    }
    geometry.to_columns(&mut gamma);
    let mut coefficients = vec![f64::NAN; problem.source.shape().columns];
    kept.iter().zip(&gamma).for_each(|(&j, b)| coefficients[j] = *b);
    let df_residual = counted.saturating_sub(p);
    let dispersion = match problem.model {
        Model::Generalised(law) if law.has_known_dispersion() => 1.0,
        Model::Generalised(_) if df_residual > 0 => state.pearson / df_residual as f64,
        Model::Linear if df_residual > 0 => state.deviance / df_residual as f64,
        _ => f64::NAN,
    };
    if df_residual == 0 {
        warnings.push("as many coefficients as rows: nothing is left for residuals".into());
    }
    let condition = factor.condition();
    let error = if factor.method() == FactorMethod::Cholesky { factor.gram_condition() } else { condition };
    let mut found = Fit {
        unscaled_covariance: geometry.covariance(factor.inverse()),
        coefficients,
        n: counted,
        df_residual,
        dispersion,
        deviance: state.deviance,
        null_deviance: f64::NAN,
        pearson: state.pearson,
        log_likelihood: None,
        aic: None,
        linear: None,
        predictor,
        rows: state,
        iterations,
        condition,
        digits: digits_left(error, p),
        method: factor.method(),
        warnings,
        geometry,
        factor,
        kept,
    };
    match problem.model {
        Model::Linear => {
            let summary =
                LinearSummary::of(problem, &found.predictor, (found.rank(), found.df_residual), found.deviance);
            (found.log_likelihood, found.aic) = (Some(summary.log_likelihood), Some(summary.aic));
            found.null_deviance = summary.total;
            found.linear = Some(summary);
        }
        Model::Generalised(law) => {
            found.null_deviance = null_deviance(problem, &law, run)?;
            if law.has_likelihood() {
                let counts: Vec<usize> = (0..n).filter(|&i| problem.weight(i) > 0.0).collect();
                let rows: Vec<_> =
                    counts.iter().map(|&i| (problem.response[i], found.rows.at[i], problem.weight(i))).collect();
                let own: Option<Vec<f64>> = problem.own_weights.map(|own| counts.iter().map(|&i| own[i]).collect());
                let aic = law.information(&rows, own.as_deref(), found.deviance) + 2.0 * p as f64;
                let estimated = usize::from(!law.has_known_dispersion());
                found.aic = Some(aic);
                found.log_likelihood = Some((p + estimated) as f64 - 0.5 * aic);
            }
        }
    }
    Ok(found)
}

/// Predictors of the first means, and the rows there.
fn first_state(problem: &Problem<'_>, law: &Law) -> (Vec<f64>, RowState) {
    let of = |(i, y): (usize, &f64)| law.link().predictor(law.first_mean(*y, problem.weight(i)));
    let first: Vec<f64> = problem.response.iter().enumerate().map(of).collect();
    let state = state_at(problem, law, &first);
    (first, state)
}

/// The deviance with an intercept alone, where the model has one; with the offset, where there is one.
fn null_deviance(problem: &Problem<'_>, law: &Law, run: &Run<'_>) -> Result<f64> {
    let n = problem.response.len();
    let sum = |f: &dyn Fn(usize) -> f64| -> f64 { (0..n).filter(|&i| problem.weight(i) > 0.0).map(f).sum() };
    let deviance = |eta: &dyn Fn(usize) -> f64| {
        sum(&|i| problem.weight(i) * law.unit_deviance(problem.response[i], &law.at(eta(i))))
    };
    match (problem.intercept, problem.offset) {
        (true, None) => {
            let mean = sum(&|i| problem.weight(i) * problem.response[i]) / sum(&|i| problem.weight(i));
            let eta = law.link().predictor(mean);
            Ok(deviance(&|_| eta))
        }
        (false, _) => Ok(deviance(&|i| problem.offset(i))),
        (true, Some(_)) => {
            let ones = vec![1.0; n];
            let source = DenseRows::new(&ones, 1)?;
            let geometry = Geometry { shift: None, columns: 1 };
            let scoring = Scoring { problem, law: *law, source: &source, geometry: &geometry, run, settles: false };
            let (predictor, state) = first_state(problem, law);
            Ok(scoring.climb(First { predictor, state, products: None, factor: None }, None)?.state.deviance)
        }
    }
}
