//! Attacks on what is released row by row: responses from residuals and their relatives, secrets from hat and fitted values.

use super::coefficients::remedy;
use super::evidence::printed;
use super::{Appetite, Attack, Evidence, Finding, Intruder, Item, Verdict};
use unhat::families::Family;
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::DenseRows;
use unhat::{Result, Run};

/// Hat values are not taken nearer to 1 than this: nothing is left of the residual there.
const NEAR_ONE: f64 = 1e-12;

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    let n = values.len();
    0.5 * (values[(n - 1) / 2] + values[n / 2])
}

/// How far guesses are from the responses, against how far the fitted values are: 1 says that nothing was gained.
fn error_of(fit: &Evidence<'_>, guess: impl Fn(usize) -> f64) -> f64 {
    let of =
        |value: &dyn Fn(usize) -> f64| median((0..fit.rows()).map(|i| (value(i) - fit.response[i]).abs()).collect());
    of(&guess) / of(&|i| fit.mean[i]).max(f64::MIN_POSITIVE)
}

fn by_error(item: Item, kind: Attack, intruder: Intruder, measure: &str, error: f64, appetite: &Appetite) -> Finding {
    let verdict = Verdict::of(error < appetite.error_fail, error < appetite.error_review);
    Finding {
        item,
        kind,
        attack: kind.words().into(),
        intruder,
        measure: measure.into(),
        value: Some(error),
        threshold: Some(if verdict == Verdict::Fail { appetite.error_fail } else { appetite.error_review }),
        verdict,
        summary: format!("the error of a guess is {:.2e} of what it is without this item", error),
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: remedy(verdict, "withhold what is by row; rounding does not help enough"),
    }
}

const ERROR_OF_RESPONSE: &str = "error of a response, over that of the fitted value";

/// y = ŷ + e.
pub(super) fn residuals(fit: &Evidence<'_>, digits: Option<u32>, appetite: &Appetite) -> Finding {
    let error = error_of(fit, |i| printed(fit.mean[i], digits) + printed(fit.residual(i), digits));
    by_error(Item::Residuals, Attack::Residual, Intruder::OnePersonsColumns, ERROR_OF_RESPONSE, error, appetite)
}

/// The extremes of the residuals belong to somebody: with the columns of that person the response is read exactly.
pub(super) fn extreme_residuals(fit: &Evidence<'_>, appetite: &Appetite) -> Vec<Finding> {
    let n = fit.rows();
    let largest = (0..n).fold(0, |best, i| if fit.residual(i).abs() > fit.residual(best).abs() { i } else { best });
    let extremes = Finding {
        item: Item::ResidualQuantiles,
        kind: Attack::LargestResidual,
        attack: Attack::LargestResidual.words().into(),
        intruder: Intruder::OnePersonsColumns,
        measure: "error of the response of the extreme row".into(),
        value: Some(0.0),
        threshold: Some(appetite.error_fail),
        verdict: Verdict::Fail,
        summary: "smallest and largest residual are one row each".into(),
        detail: format!(
            "row {}: {:.6} + {:.6} = {:.6}",
            fit.labels[largest],
            fit.mean[largest],
            fit.residual(largest),
            fit.response[largest]
        ),
        rows: fit.labelled(&[largest]),
        columns: Vec::new(),
        remedy: "print the quartiles without smallest and largest residual".into(),
    };
    // Beyond each quartile lies a quarter of the rows.
    let beyond = (n / 4) as u64;
    let verdict = Verdict::of(beyond < appetite.failing_count, beyond < appetite.minimum_count);
    let quartiles = Finding {
        item: Item::ResidualQuantiles,
        kind: Attack::QuartilesOfResiduals,
        attack: Attack::QuartilesOfResiduals.words().into(),
        intruder: Intruder::OnePersonsColumns,
        measure: "rows beyond a quartile".into(),
        value: Some(beyond as f64),
        threshold: Some(appetite.minimum_count as f64),
        verdict,
        summary: format!("{beyond} rows lie beyond each quartile"),
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: remedy(verdict, "leave the quartiles out"),
    };
    vec![extremes, quartiles]
}

/// e from a studentised residual or DFFITS in closed form, with the columns of everybody, coefficients and s.
///
/// t = e/(s₍ᵢ₎√(1−h)) with s₍ᵢ₎²(ν−1) = νs² − e²/(1−h) gives e² = t²s²(1−h)ν/(ν−1+t²), ν = n − p.
pub(super) fn studentised(fit: &Evidence<'_>, item: Item, digits: Option<u32>, appetite: &Appetite) -> Option<Finding> {
    let freedom = fit.rows() as f64 - fit.rank() as f64;
    if !fit.is_linear() || freedom <= 1.0 {
        return None;
    }
    let told = |i: usize| {
        let h = fit.hat[i].min(1.0 - NEAR_ONE);
        let (rest, root) = (1.0 - h, fit.weights[i].sqrt());
        let e = root * fit.residual(i);
        let without = (freedom * fit.dispersion - e * e / rest) / (freedom - 1.0);
        let t = e / (without * rest).sqrt();
        let pull = if item == Item::Dffits { (h / rest).sqrt() } else { 1.0 };
        let t = printed(t * pull, digits) / pull;
        let e = t.signum() * (t * t * fit.dispersion * rest * freedom / (freedom - 1.0 + t * t)).sqrt();
        fit.mean[i] + e / root
    };
    let kind = if item == Item::Dffits { Attack::ResidualFromDffits } else { Attack::StudentisedResidual };
    let error = error_of(fit, |i| Some(told(i)).filter(|y| y.is_finite()).unwrap_or(fit.mean[i]));
    Some(by_error(item, kind, Intruder::EverybodysColumns, ERROR_OF_RESPONSE, error, appetite))
}

/// Cook's distance: |e| of a linear fit, hence two candidates; the outcome of a logistic one.
pub(super) fn cooks(fit: &Evidence<'_>, digits: Option<u32>, appetite: &Appetite) -> Option<Finding> {
    let p = fit.rank() as f64;
    let pulled = |i: usize, r: f64| {
        let h = fit.hat[i].min(1.0 - NEAR_ONE);
        let d = printed(r * r * h / ((1.0 - h).powi(2) * p), digits);
        if h > 0.0 { (d * p / h).sqrt() * (1.0 - h) } else { 0.0 }
    };
    if fit.is_linear() {
        let s = fit.dispersion.sqrt();
        let error = error_of(fit, |i| {
            let root = fit.weights[i].sqrt();
            let e = pulled(i, root * fit.residual(i) / s) * s / root;
            let (up, down) = (fit.mean[i] + e, fit.mean[i] - e);
            if (up - fit.response[i]).abs() < (down - fit.response[i]).abs() { up } else { down }
        });
        let measure = "error of a response, the better of two candidates, over that of the fitted value";
        return Some(by_error(
            Item::Cooks,
            Attack::ResidualFromCooks,
            Intruder::EverybodysColumns,
            measure,
            error,
            appetite,
        ));
    }
    if fit.law.family() != Family::Binomial || fit.response.iter().any(|y| *y != 0.0 && *y != 1.0) {
        return None;
    }
    let n = fit.rows();
    let right = (0..n)
        .filter(|&i| {
            let mean = fit.mean[i];
            let r = pulled(i, fit.residual(i) / (mean * (1.0 - mean)).sqrt());
            let (one, zero) = (((1.0 - mean) / mean).sqrt(), (mean / (1.0 - mean)).sqrt());
            ((r - one).abs() < (r - zero).abs()) == (fit.response[i] == 1.0)
        })
        .count() as f64
        / n as f64;
    Some(outcomes(fit, right, Item::Cooks, Attack::OutcomeFromCooks))
}

/// Outcomes told right against the commoner outcome for everybody.
pub(super) fn outcomes(fit: &Evidence<'_>, right: f64, item: Item, kind: Attack) -> Finding {
    let ones = fit.response.iter().sum::<f64>() / fit.rows() as f64;
    let base = ones.max(1.0 - ones);
    let verdict = Verdict::of(right > 0.5 * (1.0 + base), right > base + 0.05);
    Finding {
        item,
        kind,
        attack: kind.words().into(),
        intruder: Intruder::EverybodysColumns,
        measure: "share of outcomes told right".into(),
        value: Some(right),
        threshold: Some(if verdict == Verdict::Fail { 0.5 * (1.0 + base) } else { base + 0.05 }),
        verdict,
        summary: format!("{:.1} % of the outcomes are right; {:.1} % without the release", 100.0 * right, 100.0 * base),
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: remedy(verdict, "withhold what is by row; rounding does not help enough"),
    }
}

/// Hat values of a linear fit with all columns but one: h − h₍₋ₖ₎ = z̃²/‖z̃‖², z̃ the secret less what the others say of it.
pub(super) fn secret_from_hat(
    fit: &Evidence<'_>,
    k: usize,
    digits: Option<u32>,
    appetite: &Appetite,
    run: &Run<'_>,
) -> Result<Option<Finding>> {
    if !fit.is_linear() || fit.rank() < 2 {
        return Ok(None);
    }
    let (n, p) = (fit.rows(), fit.rank());
    let mut others = Vec::with_capacity(n * (p - 1));
    for i in 0..n {
        others.extend(fit.row(i).iter().enumerate().filter(|(j, _)| *j != k).map(|(_, x)| x));
    }
    let roots: Vec<f64> = fit.weights.iter().map(|w| w.sqrt()).collect();
    let rows = DenseRows::new(&others, p - 1)?;
    let without = leverage_scores(&rows, Some(&roots), &ScoreOptions::default(), run)?.values;
    let size = (fit.dispersion / fit.covariance[k * p + k]).sqrt(); // ‖z̃‖, from s and the standard error
    let told = |h: &dyn Fn(usize) -> f64, i: usize| ((h(i) - without[i]).max(0.0)).sqrt() * size / roots[i];
    let truth: Vec<f64> = (0..n).map(|i| told(&|i| fit.hat[i], i)).collect();
    let found: Vec<f64> = (0..n).map(|i| told(&|i| printed(fit.hat[i], digits), i)).collect();
    let error = median(found.iter().zip(&truth).map(|(a, b)| (a - b).abs()).collect())
        / median(truth.clone()).max(f64::MIN_POSITIVE);
    let name = &fit.names[k];
    let attack = format!("secret column {name} from hat values");
    if fit.is_indicator(k) {
        let auc = area_under_curve(&found, |i| fit.row(i)[k] == 1.0);
        let auc = auc.max(1.0 - auc);
        let verdict = Verdict::of(auc > appetite.auc_fail, auc > appetite.auc_review);
        return Ok(Some(Finding {
            threshold: Some(if verdict == Verdict::Fail { appetite.auc_fail } else { appetite.auc_review }),
            measure: "area under the curve for the yes-or-no secret".into(),
            value: Some(auc),
            verdict,
            summary: format!("area under the curve {auc:.3}; a coin has 0.5"),
            columns: vec![name.clone()],
            remedy: remedy(verdict, "withhold hat values"),
            attack,
            ..by_error(Item::Hat, Attack::SecretFromHat, Intruder::AllOtherColumns, "", error, appetite)
        }));
    }
    let measure = "error of the size of the secret, less what the other columns say of it, over that size";
    let columns = vec![name.clone()];
    let told = by_error(Item::Hat, Attack::SecretFromHat, Intruder::AllOtherColumns, measure, error, appetite);
    Ok(Some(Finding { columns, attack, ..told }))
}

/// P(a value of the one class is above one of the other), ties half.
fn area_under_curve(values: &[f64], is_one: impl Fn(usize) -> bool) -> f64 {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let (mut ones, mut zeros_below, mut wins) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let one = tied.iter().filter(|&&i| is_one(i)).count() as f64;
        let zero = tied.len() as f64 - one;
        wins += one * (zeros_below + 0.5 * zero);
        ones += one;
        zeros_below += zero;
    }
    if ones == 0.0 || zeros_below == 0.0 { 0.5 } else { wins / (ones * zeros_below) }
}

/// A fitted value and the coefficients give the one column of a person that is not known.
pub(super) fn secret_from_fitted(
    fit: &Evidence<'_>,
    item: Item,
    k: usize,
    digits: Option<u32>,
    appetite: &Appetite,
) -> Option<Finding> {
    let slope = fit.coefficients[k];
    if slope == 0.0 {
        return None;
    }
    let n = fit.rows();
    let mut error = Vec::with_capacity(n);
    for i in 0..n {
        let truth = fit.row(i)[k];
        let rest = fit.linear_predictor(i) - truth * slope;
        let told = (fit.law.link().predictor(printed(fit.mean[i], digits)) - rest) / slope;
        error.push(if told.is_finite() { (told - truth).abs() } else { f64::INFINITY });
    }
    let column: Vec<f64> = fit.column(k).collect();
    let middle = median(column.clone());
    let spread = median(column.iter().map(|v| (v - middle).abs()).collect());
    let mean = column.iter().sum::<f64>() / n as f64;
    let deviation = (column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
    let error = median(error) / spread.max(0.1 * deviation).max(f64::MIN_POSITIVE);
    let name = &fit.names[k];
    let measure = "error of the secret, over its spread";
    let attack = format!("secret column {name} from fitted values");
    let columns = vec![name.clone()];
    let told = by_error(item, Attack::SecretFromFitted, Intruder::OnePersonsColumns, measure, error, appetite);
    Some(Finding { columns, attack, ..told })
}
