//! Noise of known size: the most likely x of a noisy gradient, and the Cramér–Rao bounds of gradients and scores.

use super::identify;
use super::release::Release;
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::invert::hat::HatPrecision;
use crate::invert::{Inversion, InvertOptions, Start, invert_gradient};
use crate::linalg::{self, norm};
use crate::rows::{RowSource, each_block, require_vector};
use crate::run::Run;

/// What no unbiased attack on a noisy release can beat, and what good ones reach while the noise is small.
#[derive(Clone, Debug)]
pub struct CramerRao {
    /// ν²(FᵀF)⁻¹, full d×d.
    pub covariance: Vec<f64>,
    /// ν√tr((FᵀF)⁻¹): the root-mean-square error of x.
    pub rms: f64,
    /// Standard errors of the coordinates (d).
    pub coordinates: Vec<f64>,
    /// Standard errors of the fitted values aᵢᵀx, and so of the slacks (n).
    pub fitted: Vec<f64>,
}

/// The most likely x of a noisy gradient.
#[derive(Clone, Debug)]
pub struct GradientEstimate {
    /// The inversion of c as it stands: x, its certificate, everything else.
    pub inversion: Inversion,
    /// ν²H⁻², full d×d: the covariance to first order.
    pub covariance: Vec<f64>,
    /// √diag of it (d).
    pub standard_errors: Vec<f64>,
}

/// The maximum-likelihood x of a gradient released with Gaussian noise of known ν.
///
/// c = g(x) + ν·N(0, I):  x̂ = g⁻¹(c),  cov x̂ ≈ ν²(HᵀH)⁻¹ = ν²H⁻²
///
/// g maps a bounded cell one-to-one onto ℝᵈ, so that the residual g(x̂) − c can be made zero: the most likely x is the
/// exact inversion of c itself. On an unbounded cell g reaches only the c with cᵀh < 0 for every recession direction h;
/// beside them the likelihood has no maximum: it approaches its supremum, the nearest attainable gradient, as x goes to
/// infinity along h. That case is [`ErrorKind::Unattainable`] with h.
///
/// # Shapes
/// `source` n×d, `offset` n values, `target` d values; `noise` ν ≥ 0 in the units of c.
/// # Cost
/// An inversion and one Hessian (n·d³/3 flops).
/// # Errors
/// Those of [`invert_gradient`]; [`ErrorKind::Option`] for a negative noise.
/// # References
/// LiSongXuYin2024.
pub fn noisy_gradient_estimate(
    source: &dyn RowSource,
    offset: &[f64],
    target: &[f64],
    noise: f64,
    start: &Start<'_>,
    options: &InvertOptions,
    run: &Run<'_>,
) -> Result<GradientEstimate> {
    require_noise(noise)?;
    let inversion = invert_gradient(source, offset, target, start, options, None, run)?;
    let covariance = gradient_covariance(source, offset, &inversion.point, noise, run)?;
    let standard_errors = roots_of_diagonal(&covariance, target.len());
    Ok(GradientEstimate { inversion, covariance, standard_errors })
}

/// The covariance of the x that an inversion found, for a target with noise ν.
///
/// cov x̂ ≈ ν²(HᵀH)⁻¹ = ν²H⁻², full d×d
///
/// # Cost
/// One Hessian (n·d³/3 flops).
/// # Errors
/// [`ErrorKind::Option`] for a negative noise; whatever the rows report.
pub fn gradient_covariance(
    source: &dyn RowSource,
    offset: &[f64],
    point: &Point,
    noise: f64,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    require_noise(noise)?;
    let positive = point.slack.iter().map(|&s| s > 0.0).collect();
    let barrier = Barrier::new(source, offset, positive)?;
    covariance(&gradient_information(&barrier, point, run)?, point, noise)
}

/// The Cramér–Rao bound of a gradient released with noise ν at x.
///
/// cov ≽ ν²(HᵀH)⁻¹ = ν²H⁻²
///
/// # Cost
/// One Hessian (n·d³/3 flops) and a sweep.
/// # Errors
/// [`ErrorKind::ZeroSlack`], [`ErrorKind::RankDeficient`], shapes, [`ErrorKind::Option`] for a negative noise.
/// # References
/// Rao1945; Cramer1946.
pub fn cramer_rao_gradient(
    source: &dyn RowSource,
    offset: &[f64],
    x: &[f64],
    noise: f64,
    run: &Run<'_>,
) -> Result<CramerRao> {
    bound(source, offset, x, noise, run, &|barrier, point| gradient_information(barrier, point, run))
}

/// The Cramér–Rao bound of scores (of all rows, or of some) released with noise ν at x.
///
/// cov ≽ ν²(JᵀJ)⁻¹, J restricted to the released rows
///
/// # Shapes
/// `rows`: 0-based, None: all.
/// # Cost
/// Two sweeps of 4nd³/3 flops together, and one more.
/// # Errors
/// As [`cramer_rao_gradient`]; [`ErrorKind::Numerical`] where the released scores leave a direction free.
pub fn cramer_rao_scores(
    source: &dyn RowSource,
    offset: &[f64],
    x: &[f64],
    rows: Option<&[usize]>,
    noise: f64,
    run: &Run<'_>,
) -> Result<CramerRao> {
    let weight = row_weights(rows, offset.len())?;
    bound(source, offset, x, noise, run, &|barrier, point| score_information(barrier, point, &weight, run))
}

/// The Cramér–Rao bound of gradient and scores released together, both with noise ν.
///
/// cov ≽ ν²(HᵀH + JᵀJ)⁻¹
///
/// # Errors
/// As [`cramer_rao_scores`].
pub fn cramer_rao_both(
    source: &dyn RowSource,
    offset: &[f64],
    x: &[f64],
    rows: Option<&[usize]>,
    noise: f64,
    run: &Run<'_>,
) -> Result<CramerRao> {
    let weight = row_weights(rows, offset.len())?;
    bound(source, offset, x, noise, run, &|barrier, point| {
        let mut information = gradient_information(barrier, point, run)?;
        let scores = score_information(barrier, point, &weight, run)?;
        information.iter_mut().zip(&scores).for_each(|(i, s)| *i += s);
        Ok(information)
    })
}

/// ν²F⁻¹ of an information matrix FᵀF = L F_w Lᵀ given in whitened coordinates.
pub(super) fn covariance(information: &[f64], point: &Point, noise: f64) -> Result<Vec<f64>> {
    let d = point.x.len();
    let mut factor = information.to_vec();
    if !linalg::cholesky_in_place(&mut factor, d) {
        return Err(ErrorKind::Numerical {
            reason: "the release leaves a direction of x free, so that no bound exists along it".into(),
        }
        .into());
    }
    // L⁻ᵀ F_w⁻¹ L⁻¹ = (F_c⁻¹L⁻¹)ᵀ(F_c⁻¹L⁻¹) with F_w = F_cF_cᵀ.
    let mut product = vec![0.0; d * d];
    linalg::add_product(point.factor.lower(), &factor, d, d, d, &mut product);
    let mut inverse = linalg::invert_lower(&product, d);
    linalg::transpose(&mut inverse, d);
    let mut covariance = vec![0.0; d * d];
    linalg::add_outer_product(&inverse, &inverse, d, noise * noise, &mut covariance);
    linalg::symmetrise(&mut covariance, d);
    Ok(covariance)
}

/// √diag.
pub(super) fn roots_of_diagonal(covariance: &[f64], d: usize) -> Vec<f64> {
    (0..d).map(|i| covariance[i + i * d].sqrt()).collect()
}

/// An error unless the noise is a finite number ≥ 0.
fn require_noise(noise: f64) -> Result<()> {
    match noise >= 0.0 && noise.is_finite() {
        true => Ok(()),
        false => Err(super::release::option("noise", format!("found {noise}, expected a finite number ≥ 0"))),
    }
}

fn row_weights(rows: Option<&[usize]>, n: usize) -> Result<Vec<f64>> {
    let zeros = vec![0.0; rows.map_or(n, <[usize]>::len)];
    Ok(Release::new(&zeros, rows, &HatPrecision::Exact, n)?.weight)
}

type Information<'f> = dyn Fn(&Barrier<'_>, &Point) -> Result<Vec<f64>> + 'f;

fn bound(
    source: &dyn RowSource,
    offset: &[f64],
    x: &[f64],
    noise: f64,
    run: &Run<'_>,
    information: &Information<'_>,
) -> Result<CramerRao> {
    require_noise(noise)?;
    require_vector("point", x, source.shape().columns)?;
    let barrier = Barrier::around(source, offset, x, run)?;
    barrier.set_precision(crate::gram::FactorMethod::CholeskyQr2);
    let Some(point) = barrier.at(x, false, run)? else {
        return Err(ErrorKind::Numerical { reason: "the point is too near a facet to be evaluated".into() }.into());
    };
    let d = x.len();
    let covariance = covariance(&information(&barrier, &point)?, &point, noise)?;
    let coordinates = roots_of_diagonal(&covariance, d);
    let mut fitted = vec![0.0; offset.len()];
    each_block(source, run, &mut |rows| {
        let mut values = vec![0.0; rows.block.rows() * d];
        rows.block.densify_into(0..rows.block.rows(), &mut values);
        let mut product = vec![0.0; values.len()];
        linalg::rows_times_symmetric(&values, d, &covariance, &mut product);
        linalg::row_dots(&values, &product, d, &mut fitted[rows.range()]);
        Ok(())
    })?;
    fitted.iter_mut().for_each(|v| *v = v.max(0.0).sqrt());
    Ok(CramerRao { rms: norm(&coordinates), covariance, coordinates, fitted })
}

/// HᵀH in whitened coordinates: H = L H_w Lᵀ, so HᵀH = L (H_w LᵀL H_w) Lᵀ.
fn gradient_information(barrier: &Barrier<'_>, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
    let d = barrier.dim();
    let whitened = barrier.whitened_hessian(point, run)?.h;
    let mut root = vec![0.0; d * d]; // L H_w
    linalg::add_product(point.factor.lower(), &whitened, d, d, d, &mut root);
    linalg::transpose(&mut root, d);
    let mut information = vec![0.0; d * d];
    linalg::add_outer_product(&root, &root, d, 1.0, &mut information);
    Ok(information)
}

/// JᵀΩJ in whitened coordinates; an error where a direction is free.
fn score_information(barrier: &Barrier<'_>, point: &Point, weight: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let zero = vec![0.0; weight.len()];
    let information = barrier.score_normal_equations(point, &zero, weight, run)?.gram;
    if identify::is_null(identify::weakest_direction(barrier, point, &information, weight, run)?.1) {
        return Err(ErrorKind::Numerical {
            reason: "the released scores leave a direction of x free, so that no bound exists along it".into(),
        }
        .into());
    }
    Ok(information)
}
