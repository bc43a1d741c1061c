//! What a release of scores or gradients gives away, as data; drawing is another crate's.
//!
//! [`audit`] reads like the walk of a report: the release as computed, attacks on it under every protection, what theory
//! allows, what a wish costs, which rows are exposed, and sentences made from the numbers.

mod attack;
mod curve;
mod density;
mod exposure;
pub mod fits;
mod joint;
mod needed;
mod plan;
mod protection;
mod recovered;
mod release;
pub mod report;
mod ridge_path;
mod saturation;
mod sensitivity;
mod spread;
mod summary;
mod trial;
mod wording;

pub use plan::{AuditOptions, Labels};
pub use wording::{is_exact, is_exact_under};

use crate::error::{Error, ErrorKind, Result};
use crate::gram::Factor;
use crate::invert::scores::{CramerRao, cramer_rao_both, cramer_rao_gradient, cramer_rao_scores};
use crate::leverage::{diagnostics, least_squares};
use crate::linalg::norm;
use crate::rows::{RowSource, require_vector};
use crate::run::{Event, Run};
use attack::Attacks;
use plan::{Level, require};
use release::Exact;
use report::{AuditReport, ReleaseKind};
use saturation::chi;
use sensitivity::{Fit, sensitivity};
use std::collections::BTreeMap;
use std::time::Instant;
use summary::Evidence;
use trial::run_all;

/// Measures what a release of the scores, the gradient, or both at x gives away, and what would protect it.
///
/// For each kind of release and each protection (Gaussian noise, rounding, clipping, a top list): how close attacks come to
/// x that know the table alone, a point near x, the signs of Ax − b, or that x is a ridge fit; beside them the Cramér–Rao bound. Then the noise
/// that a wished error needs, what use such a release still has, and the (ε, δ) it means for this table; the rows whose
/// membership shows; and all of it in sentences, worst first.
///
/// # Shapes
/// `source` n×d, `offset` n values, `x` d values; no entry of Ax − b may be zero.
/// # Cost
/// Tries × levels × 4 attacks × kinds of release inversions; each on one thread. At (2400, 8) and 40 tries about ten
/// thousand core-milliseconds for the scores.
/// # Randomness
/// Keyed by (seed, number of the try): the same findings for any number of threads, but for the clock.
/// # Errors
/// [`ErrorKind::Option`] naming the option; [`ErrorKind::ZeroSlack`], [`ErrorKind::RankDeficient`],
/// [`ErrorKind::NotFinite`], shapes; [`ErrorKind::Interrupted`].
/// # Examples
/// ```
/// use unhat::{audit::{audit, AuditOptions, report::AttackKind}, rows::DenseRows, Run};
/// let a: Vec<f64> = (0..120).map(|k| ((3 * k * k + k) as f64).sin()).collect(); // 60 rows of 2 columns
/// let b: Vec<f64> = (0..60).map(|k| ((7 * k + 1) as f64).cos()).collect();
/// let options = AuditOptions { trials: 3, ..AuditOptions::default() };
/// let found = audit(&DenseRows::new(&a, 2)?, &b, &[0.3, -0.8], &options, &Run::default())?;
/// // Exact scores give x away, with nothing but the table.
/// let exact = &found.releases[0];
/// assert_eq!(exact.attack, AttackKind::Blind);
/// assert!(exact.error_median.unwrap() < 1e-8 && !found.verdict.meets_target);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// Rao1945; Cramer1946; BalleWang2018; LiSongWangYinYu2024.
pub fn audit(
    source: &dyn RowSource,
    offset: &[f64],
    x: &[f64],
    options: &AuditOptions,
    run: &Run<'_>,
) -> Result<AuditReport> {
    let clock = Instant::now();
    let shape = source.shape();
    check_input(source, offset, x, options)?;
    run.tell(Event::Phase("evaluating the release"));
    let exact = Exact::at(source, offset, x, options.rows.as_deref(), run)?;
    let kinds = kinds_of(options.release);
    let sizes = sizes(&exact, kinds)?;
    run.tell(Event::Phase("looking for the cells to attack"));
    let attacks = Attacks::new(source, offset, x, &exact.gradient, run)?;
    let levels: Vec<(ReleaseKind, Level)> = kinds
        .iter()
        .flat_map(|&kind| options.levels(kind, exact.scores.len(), sizes[&kind]).into_iter().map(move |l| (kind, l)))
        .collect();
    let cases = run_all(&attacks, &exact, levels, options, run)?;
    run.tell(Event::Phase("bounds, rows and sensitivity"));
    let bounds = bounds(source, offset, x, options.rows.as_deref(), kinds, run)?;
    let null_direction = match bounds[&options.release] {
        Some(_) => None,
        None => attacks.on_scores().null_direction(x, options.rows.as_deref(), run)?,
    };
    let diagnostics = diagnostics(source, offset, run)?;
    let fit = least_squares(source, offset, run)?;
    let own = Fit { factor: &fit.factor, residual: &fit.residual, hat: &diagnostics.hat };
    let evidence = Evidence {
        source,
        offset,
        exact: &exact,
        options,
        rms: sizes,
        cases: &cases,
        bounds: &bounds,
        null_direction,
        chi: chi(source, offset, &exact, options.release, bounds[&options.release].as_ref(), run)?,
        sensitivity: sensitivity(source, offset, &exact, options.release, &own, run)?,
        standard_errors: standard_errors(&fit.factor, diagnostics.residual_error),
        centre: attacks.on_scores().centre(),
        diagnostics: &diagnostics,
        least_squares: attacks.on_scores().fit().0,
        cells_tried: attacks.cells_tried(),
        threads: run.pool.map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads()),
    };
    debug_assert_eq!(shape.columns, x.len());
    let mut findings = evidence.findings(run)?;
    findings.tool.wall_s = clock.elapsed().as_secs_f64();
    let gaps = crate::report::not_finite(&findings);
    findings.warnings.extend(gaps);
    Ok(findings)
}

/// seⱼ = s·√((AᵀA)⁻¹)ⱼⱼ of the least-squares fit of the offset; None where it leaves nothing over.
fn standard_errors(factor: &Factor, residual_error: Option<f64>) -> Option<Vec<f64>> {
    let (inverse, d) = (factor.inverse(), factor.dim());
    let error = residual_error.filter(|error| *error > 0.0)?;
    Some((0..d).map(|j| error * inverse[j + j * d].sqrt()).collect())
}

/// Shapes, options, rows and a point that has a size.
fn check_input(source: &dyn RowSource, offset: &[f64], x: &[f64], options: &AuditOptions) -> Result<()> {
    let shape = source.shape();
    require_vector("offset", offset, shape.rows)?;
    require_vector("point", x, shape.columns)?;
    require(norm(x) > 0.0, "point", || "it is 0: errors relative to its size have no meaning".into())?;
    let mut named = vec![false; shape.rows];
    for &row in options.rows.iter().flatten() {
        require(row < shape.rows, "rows", || format!("found row {}, expected one of 1 to {}", row + 1, shape.rows))?;
        require(!named[row], "rows", || format!("row {} is named twice", row + 1))?;
        named[row] = true;
    }
    require(options.rows.as_ref().is_none_or(|rows| !rows.is_empty()), "rows", || {
        "found none, expected at least one released row".into()
    })?;
    let labels = &options.labels.columns;
    require(labels.is_empty() || labels.len() == shape.columns, "labels", || {
        format!("found {} names, expected one for each of {} columns", labels.len(), shape.columns)
    })?;
    options.check(shape.rows)
}

/// A release of both is audited part by part as well.
fn kinds_of(release: ReleaseKind) -> &'static [ReleaseKind] {
    match release {
        ReleaseKind::Scores => &[ReleaseKind::Scores],
        ReleaseKind::Gradient => &[ReleaseKind::Gradient],
        ReleaseKind::Both => &[ReleaseKind::Scores, ReleaseKind::Gradient, ReleaseKind::Both],
    }
}

/// The rms of each kind: the unit of its noise.
fn sizes(exact: &Exact, kinds: &[ReleaseKind]) -> Result<BTreeMap<ReleaseKind, f64>> {
    let size = |&kind: &ReleaseKind| {
        let rms = exact.release(kind).rms();
        match rms > 0.0 {
            true => Ok((kind, rms)),
            false => Err(Error::from(ErrorKind::Numerical {
                reason: "the released numbers are all 0 at this point, so that noise cannot be measured against them"
                    .into(),
            })),
        }
    };
    kinds.iter().map(size).collect()
}

/// The Cramér–Rao bounds for noise 1; None where the release leaves a direction free.
fn bounds(
    source: &dyn RowSource,
    offset: &[f64],
    x: &[f64],
    rows: Option<&[usize]>,
    kinds: &[ReleaseKind],
    run: &Run<'_>,
) -> Result<BTreeMap<ReleaseKind, Option<CramerRao>>> {
    let bound = |&kind: &ReleaseKind| {
        let found = match kind {
            ReleaseKind::Scores => cramer_rao_scores(source, offset, x, rows, 1.0, run),
            ReleaseKind::Gradient => cramer_rao_gradient(source, offset, x, 1.0, run),
            ReleaseKind::Both => cramer_rao_both(source, offset, x, rows, 1.0, run),
        };
        match found {
            Ok(bound) => Ok((kind, bound.rms.is_finite().then_some(bound))),
            Err(e) if matches!(e.kind(), ErrorKind::Numerical { .. }) => Ok((kind, None)),
            Err(e) => Err(e),
        }
    };
    kinds.iter().map(bound).collect()
}
