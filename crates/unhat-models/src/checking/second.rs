//! A second fit on other rows of the same table: rows apart, and both releases stacked into one.

use super::coefficients::{Coefficients, remedy};
use super::evidence::printed;
use super::material::{Given, Material};
use super::{Appetite, Attack, Evidence, Finding, Intruder, Item, Verdict};
use crate::regression::Model;
use std::collections::{BTreeMap, BTreeSet};
use unhat::{Result, Run};

/// Another fit of the same table and where its rows stand in the table.
#[derive(Clone, Copy)]
pub struct Second<'a> {
    /// The fit.
    pub evidence: Evidence<'a>,
    /// The table's row of each of its rows.
    pub rows: &'a [usize],
}

/// Rows that are in one fit and not in the other: (in the first alone, in the second alone), as places in the fits.
fn apart(first: &[usize], second: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let place = |rows: &[usize]| -> BTreeMap<usize, usize> { rows.iter().enumerate().map(|(k, r)| (*r, k)).collect() };
    let (one, other) = (place(first), place(second));
    let alone = |a: &BTreeMap<usize, usize>, b: &BTreeMap<usize, usize>| -> Vec<usize> {
        a.iter().filter(|(row, _)| !b.contains_key(row)).map(|(_, k)| *k).collect()
    };
    (alone(&one, &other), alone(&other, &one))
}

/// Two fits of one formula: what the rows apart said is in the difference.
///
/// One row apart in linear fits: with δ = xᵀ(b₁ − b₂) and q = RSS₁ − RSS₂ the prediction error of the row is
/// e = (δ + sign(δ)√(δ² + 4q))/2, and y = xᵀb₂ + e.
pub(super) fn differencing(
    fit: &Evidence<'_>,
    rows: &[usize],
    second: &Second<'_>,
    digits: Option<u32>,
    appetite: &Appetite,
) -> Finding {
    let (mine, theirs) = apart(rows, second.rows);
    let apart = mine.len() + theirs.len();
    let smallest = [mine.len(), theirs.len()].into_iter().filter(|m| *m > 0).min();
    let below = |limit: u64| smallest.is_some_and(|m| (m as u64) < limit);
    let verdict = Verdict::of(below(appetite.failing_count), below(appetite.minimum_count));
    let (big, small, at) =
        if mine.len() == 1 { (fit, &second.evidence, mine.first()) } else { (&second.evidence, fit, theirs.first()) };
    let linear = fit.is_linear() && second.evidence.is_linear() && fit.names == second.evidence.names;
    let detail = match at {
        Some(&i) if apart == 1 && linear => {
            let told =
                |of: &Evidence<'_>| -> Vec<f64> { of.coefficients.iter().map(|b| printed(*b, digits)).collect() };
            let squares = |of: &Evidence<'_>| printed(of.dispersion, digits) * (of.rows() as f64 - of.rank() as f64);
            let without = big.predictor(i, &told(small));
            let delta = big.predictor(i, &told(big)) - without;
            let q = (squares(big) - squares(small)).max(0.0);
            let y = without + 0.5 * (delta + delta.signum() * (delta * delta + 4.0 * q).sqrt());
            format!(
                "row {}: the difference says {y:.6}, true {:.6}, without it {without:.6}",
                big.labels[i], big.response[i]
            )
        }
        _ => String::new(),
    };
    let named: Vec<String> = match verdict {
        Verdict::Review | Verdict::Fail => {
            let mut named = fit.labelled(&mine);
            named.extend(second.evidence.labelled(&theirs));
            named
        }
        _ => Vec::new(),
    };
    Finding {
        item: Item::Coefficients,
        kind: Attack::Differencing,
        attack: Attack::Differencing.words().into(),
        intruder: Intruder::OnePersonsColumns,
        measure: "rows in one of the two fits alone, the smaller side".into(),
        value: Some(smallest.unwrap_or(0) as f64),
        threshold: Some(if verdict == Verdict::Fail { appetite.failing_count } else { appetite.minimum_count } as f64),
        verdict,
        summary: format!("{apart} rows apart"),
        detail,
        rows: named,
        columns: Vec::new(),
        remedy: remedy(verdict, "one sample for all fits; coefficients of the second fit with three digits at most"),
    }
}

/// Several releases together. Every coefficient is linear in y: with the columns WX of all fits side by side, 0 outside
/// each sample, the hat values of that matrix are shares of one's own response in everything that is released.
///
/// With a fit and one of a part of its rows these are the shares in a fit of the other rows, which nobody printed: to make it one
/// must know the columns of everybody, and many digits. So this is one step milder than a printed fit, unless fewer rows are apart
/// than the appetite allows, or no more than the fits have columns: what fails in a printed fit asks for a second look.
pub(super) fn stacked(
    fit: &Evidence<'_>,
    rows: &[usize],
    second: &Second<'_>,
    appetite: &Appetite,
    run: &Run<'_>,
) -> Result<Vec<Finding>> {
    if !fit.is_linear() || !second.evidence.is_linear() {
        return Ok(Vec::new());
    }
    let parts = [(fit, rows), (&second.evidence, second.rows)];
    let all: BTreeSet<usize> = parts.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
    let place: BTreeMap<usize, usize> = all.into_iter().zip(0..).collect();
    let (n, width) = (place.len(), fit.rank() + second.evidence.rank());
    let mut matrix = vec![0.0; n * width];
    let (mut response, mut labels) = (vec![0.0; n], vec![String::new(); n]);
    let mut first = 0;
    for (of, rows) in parts {
        for (i, row) in rows.iter().enumerate() {
            let at = place[row];
            for (k, x) in of.row(i).iter().enumerate() {
                matrix[at * width + first + k] = of.weights[i] * x;
            }
            response[at] = of.response[i];
            labels[at].clone_from(&of.labels[i]);
        }
        first += of.rank();
    }
    let of_second = second.evidence.names.iter().map(|name| format!("{name}, second fit"));
    let given = Given {
        names: fit.names.iter().cloned().chain(of_second).collect(),
        labels,
        rows: place.into_keys().collect(),
        matrix,
        response,
        prior: None,
        offset: None,
        model: Model::Linear,
    };
    let stacked = Material::fitted(given, run)?;
    let both = stacked.evidence();
    let lower = both.factor(run)?;
    let check = Coefficients { evidence: &both, appetite, lower: &lower, digits: None, item: Item::Coefficients };
    let (mine, theirs) = apart(rows, second.rows);
    let smallest = [mine.len(), theirs.len()].into_iter().filter(|m| *m > 0).min().unwrap_or(usize::MAX);
    let decides = (smallest as u64) < appetite.failing_count || smallest <= fit.rank().min(second.evidence.rank());
    let softened = |mut finding: Finding| {
        finding.kind = match finding.kind {
            Attack::IsolatedGroup => Attack::IsolatedGroupOfBothFits,
            _ => Attack::OwnShareOfBothFits,
        };
        finding.attack = finding.kind.words().into();
        if !decides {
            finding.verdict = match finding.verdict {
                Verdict::Fail => Verdict::Review,
                _ => Verdict::Pass,
            };
            finding.threshold = failing_threshold(finding.kind, appetite);
            finding.remedy = remedy(finding.verdict, "one sample for all fits");
        }
        finding.intruder = Intruder::EverybodysColumns;
        finding.detail = format!("rows {}", finding.rows.join(", "));
        finding
    };
    Ok(check.of_responses(run)?.into_iter().map(softened).collect())
}

/// Beyond this a printed fit would fail.
fn failing_threshold(kind: Attack, appetite: &Appetite) -> Option<f64> {
    Some(match kind {
        Attack::IsolatedGroupOfBothFits => appetite.failing_count as f64,
        _ => appetite.own_share_fail,
    })
}

/// Whoever knows every other row and the person's columns has the response from XᵀXb: with full digits always; a note.
///
/// With b as printed the error is xᵀXᵀWX(b − b̂)/(w‖x‖²).
pub(super) fn all_but_one(fit: &Evidence<'_>, digits: Option<u32>, run: &Run<'_>) -> Result<Option<Finding>> {
    if !fit.is_linear() || digits.is_none() {
        return Ok(None); // with all digits nothing is left to measure
    }
    let target = (0..fit.rows()).fold(0, |best, i| if fit.hat[i] > fit.hat[best] { i } else { best });
    let rounding: Vec<f64> = fit.coefficients.iter().map(|b| printed(*b, digits) - b).collect();
    let mut error = 0.0;
    for i in 0..fit.rows() {
        error += fit.weights[i] * unhat::kernels::dot(fit.row(target), fit.row(i)) * fit.predictor(i, &rounding);
    }
    run.check()?;
    let x = fit.row(target);
    let error = (error / (fit.weights[target] * unhat::kernels::dot(x, x)).max(f64::MIN_POSITIVE)).abs();
    Ok(Some(Finding {
        item: Item::Coefficients,
        kind: Attack::AllRowsButOne,
        attack: Attack::AllRowsButOne.words().into(),
        intruder: Intruder::AllOtherRows,
        measure: "error of the response of the most exposed row, over its residual".into(),
        value: Some(error / fit.residual(target).abs().max(f64::MIN_POSITIVE)),
        threshold: None,
        verdict: Verdict::Note,
        summary: "outside the default risk appetite: nothing printed with many digits withstands it".into(),
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: String::new(),
    }))
}
