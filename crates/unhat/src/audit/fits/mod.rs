//! What diagnostics of a weighted or generalised fit give away: hat values, Cook's distances, deviance residuals, DFFITS.
//!
//! The fit is given. [`audit_fit`] makes its diagnostics, protects them, and calls the inversions of `invert::hat` as an
//! attacker would; beside every error stands that of the best guess without the release.

mod attack;
mod exact;
mod publish;
pub mod report;
mod request;
mod summary;
mod tries;
mod wording;

pub use request::AuditedFit;

use super::AuditOptions;
use super::report::ReleaseKind;
use crate::error::{ErrorKind, Result};
use crate::rows::{RowSource, require_finite};
use crate::run::{Event, Run};
use attack::{KnownColumns, Target};
use exact::ExactFit;
use publish::rms;
use report::FitAuditReport;
use std::time::Instant;
use summary::Evidence;

/// Measures what diagnostics of a fit give away, and what would protect it.
///
/// Secrets are the weights of the rows and, with a family, the coefficients; with Cook's distances, deviance residuals or
/// DFFITS of 0/1 responses every response; with a hidden column of a linear fit that column; with Cook's distances or DFFITS
/// of a linear fit its residuals. Protections, wish and seed are those of `options`; its `release` is not used, the one of
/// `fit` is.
///
/// # Shapes
/// `source` n×d, the whole table of the fit.
/// # Cost
/// Up to 200 inversions of hat values with the default levels, at 40 tries about 230; each on one thread.
/// # Randomness
/// Keyed by (seed, number of the try): the same findings for any number of threads, but for the clock.
/// # Errors
/// [`ErrorKind::Option`] naming the option; [`ErrorKind::RankDeficient`], [`ErrorKind::NotFinite`], shapes;
/// [`ErrorKind::Interrupted`].
/// # Examples
/// ```
/// use unhat::{audit::{AuditOptions, fits::{AuditedFit, audit_fit, report::Secret}}, families::Family};
/// use unhat::{invert::hat::HatModel, rows::DenseRows, Run};
/// let a: Vec<f64> = (0..60).flat_map(|k| [1.0, ((3 * k * k + k) as f64).sin()]).collect(); // 60 rows of 2 columns
/// let fit = AuditedFit {
///     model: Some(HatModel::new(Family::Binomial, None, None)?),
///     coefficients: Some(&[0.5, -1.5]),
///     ..AuditedFit::default()
/// };
/// let options = AuditOptions { trials: 3, ..AuditOptions::default() };
/// let found = audit_fit(&DenseRows::new(&a, 2)?, &fit, &options, &Run::default())?;
/// assert!(!found.verdict.meets_target && found.verdict.error.unwrap().median < 1e-8);
/// assert_eq!(found.secrets[1].secret, Secret::Coefficients);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// Pregibon1981; McCullaghNelder1989; BelsleyKuhWelsch1980.
pub fn audit_fit(
    source: &dyn RowSource,
    fit: &AuditedFit<'_>,
    options: &AuditOptions,
    run: &Run<'_>,
) -> Result<FitAuditReport> {
    let clock = Instant::now();
    fit.check(source.shape(), options)?;
    require_finite(source, "matrix")?;
    let attacks = fit.attacks()?;
    run.tell(Event::Phase("evaluating the release"));
    let exact = ExactFit::of(source, fit, run)?;
    let unit = rms(&exact.hat);
    if unit <= 0.0 {
        let reason = "all hat values are 0: the table has no entry that is not".into();
        return Err(ErrorKind::Numerical { reason }.into());
    }
    let known = fit.hidden.map(|hidden| KnownColumns::of(source, hidden, &exact.hat, run)).transpose()?;
    let levels = options.levels(ReleaseKind::Scores, exact.hat.len(), unit);
    let target = Target { source, fit, exact: &exact, attacks: &attacks, known };
    let cases = tries::run_all(&target, levels, options.seed, run)?;
    let threads = run.pool.map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads());
    let evidence = Evidence { target: &target, options, cases: &cases, unit, threads };
    let mut findings = evidence.findings()?;
    findings.tool.wall_s = clock.elapsed().as_secs_f64();
    let gaps = crate::report::not_finite(&findings);
    findings.warnings.extend(gaps);
    Ok(findings)
}
