//! What a wished error costs: the noise at which the best tries of an attack no longer beat it.

use super::curve::{NO_ANSWER, noise_levels};
use super::report::{AttackKind, Protection, ReleaseKind};
use super::spread::quantile;
use super::trial::{CONTENDERS, Case};

/// The quantile of an attack's error that must lie above the wish: one try in twenty may be lucky.
pub(super) const QUANTILE: f64 = 0.05;

/// Noise (absolute) for a wish; None: none that was tried is enough.
///
/// Between the last level at which the 5 % point of the attack is below the wish and the next, interpolated in logarithms.
/// 0 where the release as computed keeps the wish already.
pub(super) fn noise_needed(cases: &[Case], kind: ReleaseKind, attack: AttackKind, wish: f64) -> Option<f64> {
    let levels: Vec<(f64, f64)> =
        noise_levels(cases, kind).into_iter().map(|(_, noise, case)| (noise, point(case, attack, wish))).collect();
    let unprotected = cases.iter().find(|case| case.kind == kind && case.level.protection == Protection::None);
    crossing(unprotected.map(|case| point(case, attack, wish)), &levels, wish)
}

/// The 5 % point of an attack's error; where it never answers, that of the answer x̂ = 0, which beats no wish.
fn point(case: &Case, attack: AttackKind, wish: f64) -> f64 {
    let mut errors = case.errors(attack);
    errors.sort_by(f64::total_cmp);
    quantile(&errors, QUANTILE).unwrap_or(NO_ANSWER.max(wish))
}

/// Where points rise above a wish for good; `levels` by increasing noise.
fn crossing(unprotected: Option<f64>, levels: &[(f64, f64)], wish: f64) -> Option<f64> {
    let above = levels.iter().rev().take_while(|(_, point)| *point >= wish).count();
    if above == 0 {
        return None;
    }
    let first = levels.len() - above;
    let (noise, point) = levels[first];
    let Some(below) = first.checked_sub(1) else {
        return Some(if unprotected.is_some_and(|point| point >= wish) { 0.0 } else { noise });
    };
    let (noise_below, point_below) = levels[below];
    let (low, high) = (point_below.max(f64::MIN_POSITIVE).ln(), point.ln());
    let share = (wish.ln() - low) / (high - low);
    Some((noise_below.ln() + share * (noise / noise_below).ln()).exp())
}

/// The attack that needs the most noise, and that noise; where none tried is enough for two, the one that is closer then.
///
/// An attack with a start is no candidate: it begins nearer than most wishes, whatever is released.
pub(super) fn hardest(cases: &[Case], kind: ReleaseKind, wish: f64) -> (AttackKind, Option<f64>) {
    let needed = |attack| (attack, noise_needed(cases, kind, attack, wish));
    let at_most_noise =
        |attack| noise_levels(cases, kind).last().map_or(NO_ANSWER, |level| point(level.2, attack, wish));
    let harder = |best: &(AttackKind, Option<f64>), other: &(AttackKind, Option<f64>)| match (best.1, other.1) {
        (None, None) => at_most_noise(other.0) < at_most_noise(best.0),
        (None, _) => false,
        (_, None) => true,
        (Some(best), Some(other)) => other > best,
    };
    let [first, rest @ ..] = CONTENDERS;
    rest.into_iter().map(needed).fold(needed(first), |best, other| if harder(&best, &other) { other } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_lies_where_the_line_in_logarithms_meets_the_wish() {
        let levels = [(1e-3, 1e-4), (1e-2, 1e-3), (1e-1, 1e-1), (1.0, 1.0)];
        let found = crossing(Some(0.0), &levels, 1e-2).unwrap();
        assert!((found - 10f64.powf(-1.5)).abs() < 1e-12, "{found}");
        assert_eq!(crossing(Some(0.0), &levels, 2.0), None);
        assert_eq!(crossing(Some(0.0), &levels, 1e-5), Some(1e-3));
        assert_eq!(crossing(Some(0.5), &levels, 1e-5), Some(0.0));
        // A lucky level in between does not count: what matters is where it stays above.
        let back = [(1e-3, 0.5), (1e-2, 1e-3), (1e-1, 1e-1)];
        assert!(crossing(Some(0.0), &back, 1e-2).unwrap() > 1e-2);
        assert_eq!(crossing(Some(0.0), &[], 1e-2), None);
    }
}
