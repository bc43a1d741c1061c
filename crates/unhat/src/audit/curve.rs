//! Error against noise: one attack's quantiles level by level, beside the bound.

use super::report::{AttackCurve, AttackKind, Protection, ReleaseKind, Series};
use super::spread::spread;
use super::trial::{ATTACKS, Case};

/// The Gaussian levels of one kind of release, the least noise first.
pub(super) fn noise_levels(cases: &[Case], kind: ReleaseKind) -> Vec<(f64, f64, &Case)> {
    let mut levels: Vec<(f64, f64, &Case)> = cases
        .iter()
        .filter(|case| case.kind == kind)
        .filter_map(|case| match case.level.protection {
            Protection::Gaussian { noise_rel, noise_abs } => Some((noise_rel, noise_abs, case)),
            _ => None,
        })
        .collect();
    levels.sort_by(|a, b| a.1.total_cmp(&b.1));
    levels
}

/// The curve; `bound` is √tr((FᵀF)⁻¹)/‖x‖, the relative error that noise 1 leaves at least, `chi` the χ of noise 1.
pub(super) fn curve(
    cases: &[Case],
    kind: ReleaseKind,
    bound: Option<f64>,
    chi: Option<f64>,
    headline: AttackKind,
) -> AttackCurve {
    let levels = noise_levels(cases, kind);
    let series =
        ATTACKS.into_iter().filter(|&attack| levels.iter().any(|(_, _, case)| !case.errors(attack).is_empty()));
    AttackCurve {
        release: kind,
        noise_rel: levels.iter().map(|level| level.0).collect(),
        noise_abs: levels.iter().map(|level| level.1).collect(),
        bound: bound.map_or_else(Vec::new, |bound| levels.iter().map(|level| level.1 * bound).collect()),
        chi: chi.map_or_else(Vec::new, |chi| levels.iter().map(|level| level.1 * chi).collect()),
        series: series.map(|attack| one_series(&levels, attack, bound, attack == headline)).collect(),
    }
}

/// The error of the answer x̂ = 0, which stands for a level at which every try failed.
pub(super) const NO_ANSWER: f64 = 1.0;

fn one_series(levels: &[(f64, f64, &Case)], id: AttackKind, bound: Option<f64>, headline: bool) -> Series {
    let mut series = Series {
        id,
        headline,
        median: Vec::new(),
        q05: Vec::new(),
        q95: Vec::new(),
        rmse: Vec::new(),
        share_at_bound: Vec::new(),
        median_over_bound: Vec::new(),
    };
    for (_, noise, case) in levels {
        let bound = bound.map(|bound| bound * noise);
        let errors = case.errors(id);
        let found = spread(&errors, bound);
        let value = |of: fn(&super::report::Spread) -> f64| found.as_ref().map_or(NO_ANSWER, of);
        series.median.push(value(|s| s.median));
        series.q05.push(value(|s| s.q05));
        series.q95.push(value(|s| s.q95));
        series.rmse.push(value(|s| s.rmse));
        series.median_over_bound.extend(bound.map(|bound| value(|s| s.median) / bound));
        // Tries without an answer are not at the bound.
        let answered = errors.len() as f64 / (errors.len() + case.failed(id)).max(1) as f64;
        series.share_at_bound.push(found.and_then(|s| s.share_at_bound).map_or(0.0, |share| share * answered));
    }
    series
}

/// Share of tries at the bound from which on an attack counts as sitting on it.
const ON_THE_BOUND: f64 = 0.95;
/// The median error of an attack that sits on the bound, in units of it. Above, tries fail; below, noise is so large that
/// the bound has passed what the cell leaves open.
const MEDIAN_ON_THE_BOUND: std::ops::RangeInclusive<f64> = 0.3..=3.0;

/// The largest level up to which, without a gap, the attack sits on the bound; in units of the release's rms.
pub(super) fn valid_below(curve: &AttackCurve, attack: AttackKind) -> Option<f64> {
    let series = curve.series.iter().find(|series| series.id == attack)?;
    let tries = series.share_at_bound.iter().zip(&series.median_over_bound);
    let on_the_bound = |(share, median): (&f64, &f64)| *share >= ON_THE_BOUND && MEDIAN_ON_THE_BOUND.contains(median);
    let levels = curve.noise_rel.iter().zip(tries);
    levels.take_while(|(_, tries)| on_the_bound(*tries)).map(|(noise, _)| *noise).last()
}
