//! Gradients that vanish. First-order scores are products of gradients: where one is at the size of its own rounding, so are
//! the scores, and their order is that in which the rows were added up.

use super::{Impact, SampleGradients};
use crate::models::{Family, Network};
use unhat::kernels;
use unhat::{ErrorKind, Result, Run};

/// A gradient within so many roundings of 0 has no digit: 10⁻¹² of what cancelled in it. A sum of p products has up to p
/// roundings, and the fit's own are a few more.
const ROUNDINGS: f64 = 4096.0;
/// A sum that cancels to this share of its terms is what a fit leaves where it stops: ten times its tolerance. The sum over
/// m rows that the model was not fitted to is about 1/√m of them.
const FITTED_SHARE: f64 = 1e-9;

/// Refuses a fit that meets every row to rounding: no row's gradient then tells anything, and neither does any score.
///
/// # Cost
/// Two sweeps.
/// # Errors
/// [`ErrorKind::Numerical`] saying so.
pub(super) fn require_gradients(training: &SampleGradients<'_>, run: &Run<'_>) -> Result<()> {
    if training.responses().is_empty() {
        return Ok(()); // gradients that were given: what cancelled in them is not known
    }
    let largest = |squares: Vec<f64>| squares.into_iter().fold(0.0f64, f64::max).sqrt();
    if largest(training.norms_squared(run)?) > ROUNDINGS * largest(roundings_squared(training, run)?) {
        return Ok(());
    }
    let reason =
        "the gradient of every training row vanishes: the fit meets all rows to rounding, so that scores of any \
                  method would be rounding noise; give a larger penalty, or fewer columns than rows"
            .to_string();
    Err(ErrorKind::Numerical { reason }.into())
}

/// The rows whose gradient is at the size of its own rounding, where not all are: the fit meets them whatever their response
/// is (hat value 1), and a score that is linear in the gradient has no digit.
///
/// # Cost
/// Two sweeps.
pub(super) fn vanishing_rows(training: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<usize>> {
    if training.responses().is_empty() {
        return Ok(Vec::new()); // gradients that were given
    }
    let (squares, roundings) = (training.norms_squared(run)?, roundings_squared(training, run)?);
    let vanishes = |(g, r): (&f64, &f64)| g.sqrt() <= ROUNDINGS * r.sqrt();
    Ok(squares.iter().zip(&roundings).enumerate().filter(|(_, pair)| vanishes(*pair)).map(|(i, _)| i).collect())
}

/// The squares of bounds on the rounding of each row's gradient.
fn roundings_squared(training: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let top = |i: usize, z: &[f64], top: &mut [f64]| rounding_into(training, i, z, top);
    training.each_at(&top, 1, run, &|_, factors, out| factors.norms_squared_into(out))
}

/// What to say of rows whose gradient vanishes, by their 0-based numbers in the table.
pub(super) fn of_vanishing_rows(rows: &[usize], method: &str) -> Option<String> {
    const SHOWN: usize = 5;
    let (first, more) = (rows.first()?, rows.len() > 1);
    let named: Vec<String> = rows.iter().take(SHOWN).map(|row| (row + 1).to_string()).collect();
    let named = if more { format!("rows {}", named.join(", ")) } else { format!("row {}", first + 1) };
    let rest = if rows.len() > SHOWN { format!(" and {} more", rows.len() - SHOWN) } else { String::new() };
    let (their, they) = if more { ("gradients vanish", "their scores") } else { ("gradient vanishes", "its score") };
    Some(format!(
        "{named}{rest}: the {their} to rounding, because the fit meets such a row whatever its response is; {they} by \
         {method}, and the rank among rows near it, are rounding noise"
    ))
}

/// Whether v = ∇f is rounding, or what the fit left where it stopped.
///
/// # Cost
/// Two sweeps over the validation rows.
pub(super) fn vanishes(impact: &Impact<'_>, v: &[f64], temperature: f64, run: &Run<'_>) -> Result<bool> {
    let rows = impact.rows();
    let sum = |squares: Vec<f64>| squares.into_iter().map(f64::sqrt).sum::<f64>();
    let terms = sum(impact.norms_squared(temperature, run)?);
    let top = |i: usize, z: &[f64], top: &mut [f64]| {
        rounding_into(rows, i, z, top);
        top.iter_mut().for_each(|t| *t *= impact.weight(i).abs());
    };
    let rounding = sum(rows.each_at(&top, 1, run, &|_, factors, out| factors.norms_squared_into(out))?);
    Ok(kernels::norm(v) <= (FITTED_SHARE * terms).max(ROUNDINGS * rounding))
}

/// The refusal of a method that needs v where v vanishes.
pub(super) fn no_direction(method: &str) -> unhat::Error {
    let reason = format!(
        "the gradient of f vanishes: the fit already minimises f on the validation rows (they may be the training rows), so \
         that the scores of {method} would be rounding noise; --method one-step-f evaluates f anew and still tells, or give \
         other validation rows"
    );
    ErrorKind::Numerical { reason }.into()
}

/// A bound on the rounding of ∂ℓ/∂z of one row, in units of the last place: of mean − y where it is a difference, and of z
/// itself, Σⱼ|aᵢⱼθⱼ| where there is no hidden layer.
fn rounding_into(rows: &SampleGradients<'_>, i: usize, z: &[f64], out: &mut [f64]) {
    let family = rows.network.family;
    let sizes = |c: usize| size_of_terms(rows.network, rows.features(), i, c).unwrap_or(z[c].abs());
    match family {
        Family::Gaussian => out[0] = z[0].abs() + rows.responses()[i].abs() + sizes(0),
        Family::Poisson => out[0] = z[0].exp() * (1.0 + sizes(0)) + rows.responses()[i],
        Family::Bernoulli => {
            family.curvature_into(z, out);
            out[0] *= sizes(0); // σ(±z) has all its digits beside that
        }
        Family::Categorical { .. } => {
            family.mean_into(z, out);
            out.iter_mut().enumerate().for_each(|(c, p)| *p *= (1.0 - *p) * sizes(c));
        }
    }
    out.iter_mut().for_each(|t| *t *= f64::EPSILON);
}

/// Σⱼ|aᵢⱼθ_cⱼ|; None with hidden layers.
fn size_of_terms(network: &Network, features: &[f64], i: usize, c: usize) -> Option<f64> {
    let [layer] = network.layers.as_slice() else { return None };
    let q = network.inputs();
    let (x, weights) = (&features[i * q..(i + 1) * q], &layer.weights[c * q..(c + 1) * q]);
    Some(x.iter().zip(weights).map(|(x, w)| (x * w).abs()).sum())
}
