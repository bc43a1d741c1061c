//! From hat values and the size of one residual a row to every 0/1 response of a logistic fit.
//!
//! With η = aβ and p = 1/(1 + e^(−η)) the squared Pearson residual of a row is e^(−η) where y = 1 and e^η where y = 0; Cook's
//! distance is r²h/(d(1 − h)²). The squared deviance residual is 2 log(1 + e^(∓η)). So each row is one of two numbers, and
//! which one it is says y. (β, y) and (−β, 1 − y) print the same: one complement of all is open.

use super::answer::{HatInversion, HatStatus};
use super::coefficients::{HatCoefficients, HatModel, invert_hat_of_model};
use super::options::{HatOptions, HatPrecision};
use super::release::half_unit;
use crate::error::{ErrorKind, Result};
use crate::families::{Family, Link};
use crate::rows::{Pass, RowSource, Rows, product, require_vector, sweep};
use crate::run::Run;

/// What was released of the residuals; signs are not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidualKind {
    /// Cook's distances r²h/(d(1 − h)²) of Pearson residuals r.
    Cook,
    /// |Deviance residuals|.
    Deviance,
    /// |Pearson residuals|.
    Pearson,
}

impl ResidualKind {
    /// The word of the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ResidualKind::Cook => "cook",
            ResidualKind::Deviance => "deviance",
            ResidualKind::Pearson => "pearson",
        }
    }

    /// log r² that a released number stands for, r the Pearson residual: ∓η. None where it stands for nothing.
    fn log_square(self, value: f64, h: f64, d: f64) -> Option<f64> {
        let log = match self {
            ResidualKind::Cook => (value * d * (1.0 - h) * (1.0 - h) / h).ln(),
            ResidualKind::Deviance => (0.5 * value * value).exp_m1().ln(),
            ResidualKind::Pearson => 2.0 * value.abs().ln(),
        };
        log.is_finite().then_some(log)
    }
}

/// The recovered responses and how sure they are.
#[derive(Clone, Debug)]
pub struct OutcomeInversion {
    /// Solved where the coefficients are and the residuals fit to them.
    pub status: HatStatus,
    /// y, one a row, up to the complement of all; None where the two cannot be told apart.
    pub outcomes: Vec<Option<bool>>,
    /// How much nearer in log r² the response is than the other one: 2|η| where all is exact.
    pub margins: Vec<f64>,
    /// How far log r² is from what the response says.
    pub misfits: Vec<f64>,
    /// The coefficients, of the same sign as the responses.
    pub coefficients: Vec<f64>,
    /// Weights and coefficients.
    pub weights: HatInversion,
    /// None where no coefficients were looked for.
    pub fit: Option<HatCoefficients>,
    /// Things the caller should know.
    pub warnings: Vec<String>,
}

/// Standard errors of a predictor that are allowed for.
const DEVIATIONS: f64 = 4.0;
/// What double precision leaves of log r².
const ROUNDING: f64 = 1e-7;
/// Where nothing is known of the rounding of residuals: so many times the middle misfit.
const MISFITS: f64 = 8.0;
/// Rows of which neither response fits, a share of all, beyond which the residuals are not those of the fit.
const STRANGE_SHARE: f64 = 0.05;
/// log r² further off than this is no rounding of two digits.
const STRANGE: f64 = 0.25;

/// Recovers every response of a logistic fit from its hat values and one number a row of its residuals.
///
/// The residuals are taken to be rounded as the hat values are. A response is told where the other one would be off by more
/// than rounding, and the error of the predictor, explain.
///
/// # Shapes
/// `source` n×d of full rank; `target` and `residuals` n values.
/// # Cost
/// That of [`invert_hat_of_model`].
/// # Errors
/// Those of [`invert_hat_of_model`]; [`ErrorKind::Option`] for distances below 0.
/// # References
/// Pregibon1981.
pub fn invert_outcomes(
    source: &dyn RowSource,
    target: &[f64],
    (kind, residuals): (ResidualKind, &[f64]),
    (options, seed): (&HatOptions, u64),
    run: &Run<'_>,
) -> Result<OutcomeInversion> {
    let shape = source.shape();
    require_vector(kind.name(), residuals, shape.rows)?;
    if let Some(i) = residuals.iter().position(|r| kind == ResidualKind::Cook && *r < 0.0) {
        let reason = format!("row {}: found {}, expected a distance that is not negative", i + 1, residuals[i]);
        return Err(ErrorKind::Option { name: kind.name().into(), reason }.into());
    }
    let model = HatModel::new(Family::Binomial, Some(Link::Logit), None)?;
    let (weights, fit) = invert_hat_of_model(source, target, &model, (options, seed), None, run)?;
    let n = shape.rows;
    let mut found = OutcomeInversion {
        status: HatStatus::of_both(&weights, fit.as_ref()),
        outcomes: vec![None; n],
        margins: vec![0.0; n],
        misfits: vec![f64::NAN; n],
        coefficients: Vec::new(),
        weights,
        fit,
        warnings: Vec::new(),
    };
    let told: Option<Vec<f64>> = found.fit.as_ref().and_then(|fit| fit.values.iter().copied().collect());
    let Some(beta) = told.filter(|_| found.status == HatStatus::Solved) else {
        if found.status == HatStatus::Solved {
            found.warnings.push("the hat values leave coefficients open, so that no response can be told".into());
            found.status = HatStatus::Stalled;
        }
        return Ok(found);
    };
    let eta = product(source, &beta, run)?;
    let mut spread = vec![0.0; n];
    if let Some(errors) = found.fit.as_ref().and_then(|fit| fit.standard_errors.as_ref()) {
        let squares: Vec<f64> = errors.iter().map(|e| e.unwrap_or(0.0).powi(2)).collect();
        sweep(source, &SquarePass { squares: &squares }, &mut spread, run)?;
    }
    let size = |i: usize| kind.log_square(residuals[i], found.weights.target[i], shape.columns as f64);
    let logs: Vec<Option<f64>> = (0..n).map(size).collect();
    let mut nearest: Vec<f64> =
        logs.iter().zip(&eta).filter_map(|(log, eta)| log.map(|l| (l + eta).abs().min((l - eta).abs()))).collect();
    nearest.sort_by(f64::total_cmp);
    let usual = nearest.get(nearest.len() / 2).copied().unwrap_or(f64::INFINITY);
    let mut strange = 0;
    for i in 0..n {
        let Some(log) = logs[i] else { continue };
        let (as_one, as_zero) = ((log + eta[i]).abs(), (log - eta[i]).abs());
        let (near, far) = (as_one.min(as_zero), as_one.max(as_zero));
        found.misfits[i] = near;
        found.margins[i] = far - near;
        strange += usize::from(near > STRANGE);
        let rounding = match half_width(&options.precision, residuals[i]) {
            Some(half) => {
                // Both ends of the residual, and of the score inside Cook's distance.
                let end =
                    |by: f64| kind.log_square(residuals[i].abs() + by, found.weights.target[i], shape.columns as f64);
                let of_residual = end(half).zip(end(-half)).map_or(f64::INFINITY, |(a, b)| (a - b).abs());
                let h = found.weights.target[i];
                let of_score = half_width(&options.precision, h).unwrap_or(0.0) * (1.0 / h + 2.0 / (1.0 - h));
                of_residual + if kind == ResidualKind::Cook { of_score } else { 0.0 }
            }
            None => MISFITS * usual,
        };
        if far > rounding + DEVIATIONS * spread[i].sqrt() + ROUNDING {
            found.outcomes[i] = Some(as_one < as_zero);
        }
    }
    if strange as f64 > STRANGE_SHARE * n as f64 {
        found.status = HatStatus::Stalled;
        found.outcomes = vec![None; n];
        found.warnings.push(format!(
            "the {} of {strange} rows are those of neither response: they do not belong to a logistic fit with these hat values",
            match kind {
                ResidualKind::Cook => "Cook's distances",
                ResidualKind::Deviance => "deviance residuals",
                ResidualKind::Pearson => "Pearson residuals",
            }
        ));
    }
    let open = found.outcomes.iter().filter(|y| y.is_none()).count();
    if found.status == HatStatus::Solved && open > 0 {
        found
            .warnings
            .push(format!("{open} responses cannot be told: their predictor is too near 0, or nothing was released"));
    }
    found.coefficients = beta;
    Ok(found)
}

/// Half a unit of the last digit of a number; None where errors are not those of rounding.
fn half_width(precision: &HatPrecision, value: f64) -> Option<f64> {
    match precision {
        HatPrecision::Exact => Some(0.0),
        HatPrecision::Digits(k) => Some(half_unit(value, *k)),
        HatPrecision::Decimals(k) => Some(0.5 * 10f64.powi(-(*k as i32))),
        HatPrecision::Widths(_) | HatPrecision::Noise(_) => None,
    }
}

/// Σ aᵢⱼ²sⱼ.
struct SquarePass<'a> {
    squares: &'a [f64],
}

impl Pass for SquarePass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let mut row = vec![0.0; self.squares.len()];
        for (i, out) in out.iter_mut().enumerate() {
            rows.block.densify_into(i..i + 1, &mut row);
            *out = row.iter().zip(self.squares).map(|(a, s)| a * a * s).sum();
        }
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
