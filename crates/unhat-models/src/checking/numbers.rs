//! Counts that are read off printed numbers: standard errors, the covariance matrix, a mean of whole numbers.

use super::coefficients::remedy;
use super::evidence::printed;
use super::{Appetite, Attack, Evidence, Finding, Intruder, Item, Verdict};
use unhat::kernels::{cholesky_in_place, cholesky_inverse};

/// Digits of a printed standard error where none are named: what a summary prints.
const PRINTED_DIGITS: u32 = 4;
/// An intruder believes counts of which at least this share comes out whole.
const BELIEVED: f64 = 0.5;

fn counted(
    item: Item,
    kind: Attack,
    least: Option<u64>,
    appetite: &Appetite,
    summary: String,
    advice: &str,
) -> Finding {
    let below = |limit: u64| least.is_some_and(|least| least < limit);
    let verdict = Verdict::of(below(appetite.failing_count), below(appetite.minimum_count));
    Finding {
        item,
        kind,
        attack: kind.words().into(),
        intruder: Intruder::Nothing,
        measure: "smallest group that is read".into(),
        value: least.map(|least| least as f64),
        threshold: Some(if verdict == Verdict::Fail { appetite.failing_count } else { appetite.minimum_count } as f64),
        verdict,
        summary,
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: remedy(verdict, advice),
    }
}

/// Whether X is an intercept and the indicators of one factor: each row has one of them at most.
fn is_one_way(fit: &Evidence<'_>) -> bool {
    fit.is_linear()
        && fit.column(0).all(|v| v == 1.0)
        && (1..fit.rank()).all(|k| fit.is_indicator(k))
        && fit.weights.iter().all(|w| *w == 1.0)
        && (0..fit.rows()).all(|i| fit.row(i)[1..].iter().sum::<f64>() <= 1.0)
}

/// The size of each group of a one-way fit, first that of the base level.
fn one_way_counts(fit: &Evidence<'_>) -> Vec<u64> {
    let mut counts: Vec<u64> = (0..fit.rank()).map(|k| fit.column(k).sum::<f64>() as u64).collect();
    counts[0] -= counts[1..].iter().sum::<u64>();
    counts
}

/// One-way indicators: se₀² = s²/n₀ and se_g² = s²(1/n₀ + 1/n_g) give every count from the printed standard errors and s.
pub(super) fn counts_from_standard_errors(
    fit: &Evidence<'_>,
    digits: Option<u32>,
    appetite: &Appetite,
) -> Option<Finding> {
    if fit.rank() < 2 || !is_one_way(fit) || fit.dispersion <= 0.0 {
        return None;
    }
    let digits = Some(digits.unwrap_or(PRINTED_DIGITS));
    let (p, s) = (fit.rank(), printed(fit.dispersion.sqrt(), digits));
    let square = |k: usize| printed(fit.covariance[k * p + k].sqrt(), digits).powi(2);
    let base = s * s / square(0);
    let told = |k: usize| if k == 0 { base } else { 1.0 / (square(k) / (s * s) - 1.0 / base) };
    let counts = one_way_counts(fit);
    let right: Vec<u64> = (0..p).filter(|&k| (told(k) - counts[k] as f64).abs() < 0.5).map(|k| counts[k]).collect();
    let summary = format!("{} of {p} counts are read", right.len());
    let advice = "fewer digits of the standard errors, or merge the small group";
    Some(counted(
        Item::StandardErrors,
        Attack::CountsFromStandardErrors,
        right.into_iter().min(),
        appetite,
        summary,
        advice,
    ))
}

/// XᵀX = s²V̂⁻¹: entries of indicators are the counts of one- and two-way tables.
pub(super) fn counts_from_covariance(fit: &Evidence<'_>, digits: Option<u32>, appetite: &Appetite) -> Option<Finding> {
    if !fit.is_linear() {
        return None;
    }
    let p = fit.rank();
    let indicators: Vec<usize> = (0..p).filter(|&k| fit.is_indicator(k)).collect();
    let mut inverse: Vec<f64> = fit.covariance.iter().map(|v| printed(*v, digits)).collect();
    let advice = "withhold the covariance matrix, or print it with two digits";
    let kind = Attack::CountsFromCovariance;
    if !cholesky_in_place(&mut inverse, p) {
        // What is printed is no covariance matrix any more: nobody inverts it.
        let summary = "as printed, the matrix cannot be inverted".into();
        return Some(counted(Item::Covariance, kind, None, appetite, summary, advice));
    }
    let variance = printed(fit.dispersion.sqrt(), digits).powi(2);
    let gram = cholesky_inverse(&inverse, p);
    let told = |a: usize, b: usize| variance * gram[a * p + b];
    let mut truth = vec![0.0; p * p]; // weighted counts, as XᵀWX has them
    for i in 0..fit.rows() {
        let row = fit.row(i);
        for &a in indicators.iter().filter(|&&a| row[a] == 1.0) {
            for &b in indicators.iter().filter(|&&b| row[b] == 1.0) {
                truth[a * p + b] += fit.weights[i];
            }
        }
    }
    // (as told, as it is) of every cell of a one- or two-way table.
    let mut cells: Vec<(f64, f64)> = Vec::new();
    for (place, &a) in indicators.iter().enumerate() {
        for &b in &indicators[place..] {
            cells.push((told(a, b), truth[a * p + b]));
        }
        for &b in indicators.iter().filter(|&&b| b != a) {
            cells.push((told(a, a) - told(a, b), truth[a * p + a] - truth[a * p + b]));
        }
    }
    let filled: Vec<&(f64, f64)> = cells.iter().filter(|(_, truth)| *truth > 0.0).collect();
    let right: Vec<f64> =
        filled.iter().filter(|(told, truth)| (told - truth).abs() < 0.5).map(|(_, truth)| *truth).collect();
    let share = if filled.is_empty() { 0.0 } else { right.len() as f64 / filled.len() as f64 };
    // Where most are wrong an intruder cannot tell which are right.
    let least = if share < BELIEVED { None } else { right.iter().copied().reduce(f64::min).map(|v| v.round() as u64) };
    let low = right.iter().filter(|v| **v < appetite.minimum_count as f64).count();
    let summary =
        format!("{} of {} counts are read, {low} of them below {}", right.len(), filled.len(), appetite.minimum_count);
    Some(counted(Item::Covariance, kind, least, appetite, summary, advice))
}

/// Whole-number responses and indicators: the intercept is a mean a/b, and its digits give total and count.
pub(super) fn rational_mean(fit: &Evidence<'_>, digits: Option<u32>, appetite: &Appetite) -> Option<Finding> {
    if !is_one_way(fit) || fit.response.iter().any(|y| *y != y.round() || y.abs() > 2f64.powi(53)) {
        return None;
    }
    let mean = printed(fit.coefficients[0], digits);
    let (total, count) = nearest_fraction(mean, fit.rows() as u64)?;
    let truth = one_way_counts(fit)[0];
    let close = (total as f64 / count as f64 - mean).abs() <= 1e-9 * mean.abs().max(1.0);
    let read = (close && count > 1 && truth > 0 && truth.is_multiple_of(count)).then_some(truth);
    let summary = match read {
        Some(_) => format!("the intercept is a mean over {count} rows or a multiple of it"),
        None => "the intercept does not tell its count".into(),
    };
    Some(counted(
        Item::Coefficients,
        Attack::MeanOfWholeNumbers,
        read,
        appetite,
        summary,
        "fewer digits, or merge the base level",
    ))
}

/// The nearest fraction of a denominator up to `limit`: the best convergent or semiconvergent of the continued fraction.
fn nearest_fraction(v: f64, limit: u64) -> Option<(i64, u64)> {
    if !v.is_finite() || v.abs() > 1e15 {
        return None;
    }
    let (mut p0, mut q0, mut p1, mut q1) = (0i128, 1i128, 1i128, 0i128);
    let mut rest = v;
    let distance = |p: i128, q: i128| (p as f64 / q as f64 - v).abs();
    for _ in 0..64 {
        let whole = rest.floor();
        let a = whole as i128;
        let (p2, q2) = (a * p1 + p0, a * q1 + q0);
        if q2 > i128::from(limit) {
            let k = (i128::from(limit) - q0) / q1; // the largest semiconvergent
            let (ps, qs) = (p0 + k * p1, q0 + k * q1);
            let (p, q) = if qs > 0 && distance(ps, qs) < distance(p1, q1) { (ps, qs) } else { (p1, q1) };
            return Some((i64::try_from(p).ok()?, u64::try_from(q).ok()?));
        }
        (p0, q0, p1, q1) = (p1, q1, p2, q2);
        if rest == whole {
            break;
        }
        rest = 1.0 / (rest - whole);
    }
    Some((i64::try_from(p1).ok()?, u64::try_from(q1).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_fraction_is_that_of_all_fractions() {
        for (v, limit) in
            [(0.333, 10), (std::f64::consts::E, 200), (2.5, 7), (17.0, 5), (-1.2857142857, 9), (0.618_033_988_7, 40)]
        {
            let (p, q) = nearest_fraction(v, limit).unwrap();
            let best = (1..=limit).map(|q| ((v * q as f64).round() / q as f64 - v).abs()).fold(f64::INFINITY, f64::min);
            let found = (p as f64 / q as f64 - v).abs();
            assert!(found <= best + 1e-12, "{v} up to {limit}: {p}/{q} is off by {found}, best {best}");
        }
    }
}
