//! Attacks that invert hat values: the coefficients of a generalised fit, its outcomes, a hidden column of a linear fit.

use super::by_row::outcomes;
use super::coefficients::remedy;
use super::evidence::printed;
use super::{Attack, Evidence, Finding, Intruder, Item, Verdict};
use unhat::families::{Family, Link};
use unhat::invert::hat::{
    HatCoefficients, HatModel, HatOptions, HatPrecision, HatStatus, MOST_KNOWN_COLUMNS, ResidualKind, invert_column,
    invert_hat_of_model, invert_outcomes,
};
use unhat::rows::DenseRows;
use unhat::{Error, ErrorKind, Result, Run};

/// Coefficients nearer than this to the truth are told, in units of their size.
const TOLD: f64 = 0.1;
/// Coefficients nearer than this say something.
const SAID: f64 = 0.5;

fn precision(digits: Option<u32>) -> HatPrecision {
    digits.map_or(HatPrecision::Exact, HatPrecision::Digits)
}

fn options(digits: Option<u32>) -> HatOptions {
    HatOptions { precision: precision(digits), ..HatOptions::default() }
}

fn hat_as_printed(fit: &Evidence<'_>, digits: Option<u32>) -> Vec<f64> {
    fit.hat.iter().map(|h| printed(*h, digits)).collect()
}

/// An attack that could not be run says nothing: a person has to look.
fn not_run(error: Error, kind: Attack, intruder: Intruder) -> Result<Finding> {
    if matches!(error.kind(), ErrorKind::Interrupted) {
        return Err(error);
    }
    Ok(Finding {
        item: Item::Hat,
        kind,
        attack: kind.words().into(),
        intruder,
        measure: "not measured".into(),
        value: None,
        threshold: None,
        verdict: Verdict::Review,
        summary: "the attack could not be run".into(),
        detail: error.to_string(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: "withhold hat values".into(),
    })
}

/// Coefficients that are withheld, from the hat values of a generalised fit and the columns of everybody.
///
/// Nothing where the weights do not depend on the coefficients: there hat values say nothing of them.
pub(super) fn coefficients_from_hat(
    fit: &Evidence<'_>,
    digits: Option<u32>,
    seed: u64,
    run: &Run<'_>,
) -> Result<Option<Finding>> {
    let Ok(mut model) = HatModel::new(fit.law.family(), Some(fit.law.link()), fit.theta) else { return Ok(None) };
    model.trials = fit.trials.map(<[f64]>::to_vec);
    model.offset = fit.offset.map(<[f64]>::to_vec);
    let rows = DenseRows::new(fit.matrix, fit.rank())?;
    let hat = hat_as_printed(fit, digits);
    let told = invert_hat_of_model(&rows, &hat, &model, (&options(digits), seed), None, run);
    let error = match told {
        Ok((_, Some(found))) if found.status == HatStatus::Solved => error_of_coefficients(fit, &found),
        Ok(_) => None, // the attack was run and reached nothing
        Err(error) => return not_run(error, Attack::CoefficientsFromHat, Intruder::EverybodysColumns).map(Some),
    };
    let verdict = error.map_or(Verdict::Pass, |error| Verdict::of(error < TOLD, error < SAID));
    Ok(Some(Finding {
        item: Item::Hat,
        kind: Attack::CoefficientsFromHat,
        attack: Attack::CoefficientsFromHat.words().into(),
        intruder: Intruder::EverybodysColumns,
        measure: "relative error of the coefficients that hat values tell, up to what they leave open".into(),
        value: error,
        threshold: Some(if verdict == Verdict::Fail { TOLD } else { SAID }),
        verdict,
        summary: match error {
            Some(error) => format!("the withheld coefficients come out with an error of {error:.1e}"),
            None => "hat values did not tell the coefficients".into(),
        },
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: remedy(verdict, "withhold hat values"),
    }))
}

/// ‖S(β̂ − β)‖/‖Sβ‖ over the coefficients that are told, S the size of each column, for the better of ±β̂; None where none is.
fn error_of_coefficients(fit: &Evidence<'_>, found: &HatCoefficients) -> Option<f64> {
    let n = fit.rows() as f64;
    let size: Vec<f64> = (0..fit.rank()).map(|k| (fit.column(k).map(|v| v * v).sum::<f64>() / n).sqrt()).collect();
    let of = |sign: f64| {
        let (mut error, mut whole) = (0.0f64, 0.0f64);
        for (k, value) in found.values.iter().enumerate() {
            if let Some(value) = value {
                error += (size[k] * (sign * value - fit.coefficients[k])).powi(2);
                whole += (size[k] * fit.coefficients[k]).powi(2);
            }
        }
        (whole > 0.0).then(|| (error / whole).sqrt())
    };
    Some(of(1.0)?.min(of(-1.0)?))
}

/// Every outcome of a logistic fit from hat values and Cook's distances, coefficients withheld.
pub(super) fn outcomes_from_hat(
    fit: &Evidence<'_>,
    digits: Option<u32>,
    seed: u64,
    run: &Run<'_>,
) -> Result<Option<Finding>> {
    let yes_or_no = fit.response.iter().all(|y| *y == 0.0 || *y == 1.0);
    if fit.law.family() != Family::Binomial || fit.law.link() != Link::Logit || !yes_or_no || fit.offset.is_some() {
        return Ok(None);
    }
    let rows = DenseRows::new(fit.matrix, fit.rank())?;
    let cook: Vec<f64> = (0..fit.rows())
        .map(|i| {
            let (h, mean) = (fit.hat[i], fit.mean[i]);
            let square = fit.residual(i).powi(2) / (mean * (1.0 - mean));
            printed(square * h / (fit.rank() as f64 * (1.0 - h).powi(2)), digits)
        })
        .collect();
    let hat = hat_as_printed(fit, digits);
    let found = match invert_outcomes(&rows, &hat, (ResidualKind::Cook, &cook), (&options(digits), seed), run) {
        Ok(found) => found,
        Err(error) => return not_run(error, Attack::OutcomesFromHat, Intruder::EverybodysColumns).map(Some),
    };
    // What is not told is guessed as the commoner outcome; of the two complements the better.
    let commoner = fit.response.iter().sum::<f64>() * 2.0 > fit.rows() as f64;
    let right = |flip: bool| {
        let right = |(y, told): (&f64, &Option<bool>)| (*y == 1.0) == told.map_or(commoner, |told| told != flip);
        fit.response.iter().zip(&found.outcomes).filter(|pair| right(*pair)).count() as f64 / fit.rows() as f64
    };
    let best = right(false).max(right(true));
    Ok(Some(outcomes(fit, best, Item::Cooks, Attack::OutcomesFromHat)))
}

/// A whole column of 0 and 1 from the hat values of a linear fit, all other columns known.
pub(super) fn column_from_hat(
    fit: &Evidence<'_>,
    k: usize,
    digits: Option<u32>,
    seed: u64,
    run: &Run<'_>,
) -> Result<Option<Finding>> {
    let p = fit.rank();
    let unweighted = fit.weights.iter().all(|w| *w == 1.0);
    if !fit.is_linear() || !unweighted || !fit.is_indicator(k) || p < 2 || p - 1 > MOST_KNOWN_COLUMNS {
        return Ok(None);
    }
    let known: Vec<f64> = (0..fit.rows())
        .flat_map(|i| fit.row(i).iter().enumerate().filter(move |(j, _)| *j != k).map(|(_, x)| *x))
        .collect();
    let rows = DenseRows::new(&known, p - 1)?;
    let column = match invert_column(&rows, &hat_as_printed(fit, digits), &precision(digits), seed, run) {
        Ok(found) => found.column,
        Err(error) => return not_run(error, Attack::ColumnFromHat, Intruder::AllOtherColumns).map(Some),
    };
    let n = fit.rows() as f64;
    let ones = fit.column(k).sum::<f64>() / n;
    let base = ones.max(1.0 - ones);
    let right = |told: &Vec<Option<bool>>, flip: bool| {
        fit.column(k).zip(told).filter(|(u, told)| told.map_or(ones > 0.5, |told| told != flip) == (*u == 1.0)).count()
            as f64
            / n
    };
    let right = column.map(|told| right(&told, false).max(right(&told, true)));
    let name = &fit.names[k];
    let verdict = right.map_or(Verdict::Pass, |right| Verdict::of(right > 0.5 * (1.0 + base), right > base + 0.05));
    Ok(Some(Finding {
        item: Item::Hat,
        kind: Attack::ColumnFromHat,
        attack: format!("the whole column {name} from hat values"),
        intruder: Intruder::AllOtherColumns,
        measure: "share of the column told right, up to its complement".into(),
        value: right,
        threshold: Some(0.5 * (1.0 + base)),
        verdict,
        summary: match right {
            Some(right) => {
                format!("{:.1} % of the column is right; {:.1} % without the release", 100.0 * right, 100.0 * base)
            }
            None => "the column was not found".into(),
        },
        detail: String::new(),
        rows: Vec::new(),
        columns: vec![name.clone()],
        remedy: remedy(verdict, "withhold hat values"),
    }))
}
