//! How much one row changes a release, and the (ε, δ) that a noise then means for this table.

use super::release::Exact;
use super::report::ReleaseKind;
use crate::error::{ErrorKind, Result};
use crate::gram::Factor;
use crate::linalg;
use crate::normal::log_cdf;
use crate::rows::{Pass, RowSource, Rows, sweep, with_scratch};
use crate::run::Run;

/// The largest change that leaving one row out was seen to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sensitivity {
    /// ‖f(D) − f(D without the row)‖₂, a missing score counted as 0; None where without one row the release is not defined.
    pub largest: Option<f64>,
    /// The largest among the rows that can be left out.
    pub seen: f64,
    /// The same with the coefficients fitted anew without the row; None where without one row there is no such fit.
    pub refitted: Option<f64>,
    /// Rows left out, one at a time.
    pub rows_tried: usize,
}

/// Rows left out at the same x: those with the largest scores change the release most. As many with a new fit: those that
/// move the fitted values most.
const MOST_ROWS: usize = 200;
/// Without a row of a score nearer to 1 the others have lower rank.
const LEAST_REST: f64 = 1e-9;

/// Leaves out rows one at a time: at the same x, and with the coefficients fitted anew.
///
/// M₍ⱼ₎ = M − aⱼaⱼᵀ/sⱼ²:  σᵢ₍ⱼ₎ = σᵢ + P²ᵢⱼ/(1−σⱼ),  g₍ⱼ₎ = g + σⱼaⱼ/sⱼ − Σᵢ≠ⱼ P²ᵢⱼ/(1−σⱼ)·aᵢ/sᵢ
/// Fitted anew: x₍ⱼ₎ = x − (AᵀA)⁻¹aⱼeⱼ/(1−hⱼ), the step of the least-squares fit of b, whose residuals are eⱼ
///
/// # Cost
/// A sweep of products with P for each row left out, 2nd flops and d²; an evaluation of scores and gradient for each fit.
pub(super) fn sensitivity(
    source: &dyn RowSource,
    offset: &[f64],
    exact: &Exact,
    kind: ReleaseKind,
    fit: &Fit<'_>,
    run: &Run<'_>,
) -> Result<Sensitivity> {
    let scores = &exact.point.scores;
    let mut released = vec![exact.rows.is_none(); scores.len()];
    exact.rows.iter().flatten().for_each(|&i| released[i] = true);
    let d = exact.point.x.len();
    let order = largest(scores.len(), |i| scores[i]);
    let rows = source.gather(&order)?;
    let (mut defined, mut seen) = (true, 0.0f64);
    for (&j, row) in order.iter().zip(rows.chunks_exact(d)) {
        run.check()?;
        match change(source, exact, exact, (j, row), &released, run)? {
            Some(change) => seen = seen.max(change.of(kind)),
            None => defined = false,
        }
    }
    let pull = |i: usize| fit.residual[i].abs() * fit.hat[i].max(0.0).sqrt() / (1.0 - fit.hat[i]).max(LEAST_REST);
    let order = largest(scores.len(), pull);
    let rows = source.gather(&order)?;
    let mut refitted = Some(0.0f64);
    for (&j, row) in order.iter().zip(rows.chunks_exact(d)) {
        run.check()?;
        let rest = 1.0 - fit.hat[j];
        let step = fit.factor.solve(row);
        let x: Vec<f64> = exact.point.x.iter().zip(&step).map(|(x, h)| x - h * fit.residual[j] / rest).collect();
        let anew = if rest < LEAST_REST { None } else { evaluated(source, offset, &x, exact, run)? };
        let found = match anew {
            Some(at) => change(source, &at, exact, (j, row), &released, run)?,
            None => None,
        };
        refitted = refitted.zip(found).map(|(most, change)| most.max(change.of(kind)));
    }
    Ok(Sensitivity { largest: defined.then_some(seen), seen, refitted, rows_tried: rows_tried(scores.len()) })
}

/// The least-squares fit of the offset.
pub(super) struct Fit<'a> {
    /// L with AᵀA = LLᵀ.
    pub factor: &'a Factor,
    /// eᵢ (n).
    pub residual: &'a [f64],
    /// hᵢ (n).
    pub hat: &'a [f64],
}

fn rows_tried(rows: usize) -> usize {
    rows.min(MOST_ROWS)
}

/// The rows of the largest values, at most [`MOST_ROWS`].
fn largest(rows: usize, value: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&i, &j| value(j).total_cmp(&value(i)).then(i.cmp(&j)));
    order.truncate(rows_tried(rows));
    order
}

/// The release of all rows at another x; None on a facet.
fn evaluated(source: &dyn RowSource, offset: &[f64], x: &[f64], exact: &Exact, run: &Run<'_>) -> Result<Option<Exact>> {
    match Exact::at(source, offset, x, exact.rows.as_deref(), run) {
        Ok(at) => Ok(Some(at)),
        Err(e) if matches!(e.kind(), ErrorKind::ZeroSlack { .. } | ErrorKind::Numerical { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Squared changes of scores and gradient.
struct Squares {
    scores: f64,
    gradient: f64,
}

impl Squares {
    /// ‖f(D) − f(D without the row)‖₂.
    fn of(&self, kind: ReleaseKind) -> f64 {
        match kind {
            ReleaseKind::Scores => self.scores,
            ReleaseKind::Gradient => self.gradient,
            ReleaseKind::Both => self.scores + self.gradient,
        }
        .sqrt()
    }
}

/// From the release `before` to that of `at` without row j; None where the other rows have lower rank there.
fn change(
    source: &dyn RowSource,
    at: &Exact,
    before: &Exact,
    (j, row): (usize, &[f64]),
    released: &[bool],
    run: &Run<'_>,
) -> Result<Option<Squares>> {
    let (scores, rest) = (&at.point.scores, 1.0 - at.point.scores[j]);
    if rest < LEAST_REST {
        return Ok(None);
    }
    let a: Vec<f64> = row.iter().map(|a| a * at.point.inverse_slack[j]).collect();
    let pass = RowLeftOut {
        direction: at.point.factor.solve(&a),
        inverse_slack: &at.point.inverse_slack,
        scores,
        before: &before.point.scores,
        left_out: j,
        rest,
        released,
    };
    let Change { scores: mut square, mut gradient } = sweep(source, &pass, &mut [], run)?;
    if released[j] {
        square += before.point.scores[j].powi(2);
    }
    gradient.iter_mut().zip(&a).for_each(|(g, a)| *g -= scores[j] * a);
    let moved = at.gradient.iter().zip(&before.gradient).map(|(at, before)| at - before);
    gradient.iter_mut().zip(moved).for_each(|(g, moved)| *g -= moved);
    Ok(Some(Squares { scores: square, gradient: linalg::dot(&gradient, &gradient) }))
}

/// What leaving row j out changes: Σ(Δσᵢ)² over released rows, and Σ P²ᵢⱼ/(1−σⱼ)·aᵢ/sᵢ.
struct RowLeftOut<'a> {
    /// M⁻¹aⱼ/sⱼ.
    direction: Vec<f64>,
    inverse_slack: &'a [f64],
    scores: &'a [f64],
    before: &'a [f64],
    left_out: usize,
    rest: f64,
    released: &'a [bool],
}

struct Change {
    scores: f64,
    gradient: Vec<f64>,
}

impl Pass for RowLeftOut<'_> {
    type Acc = Change;
    fn zero(&self) -> Change {
        Change { scores: 0.0, gradient: vec![0.0; self.direction.len()] }
    }
    fn add(&self, acc: &mut Change, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        with_scratch(rows.block.rows(), |change| {
            rows.block.apply_into(&self.direction, change);
            for (c, i) in change.iter_mut().zip(rows.range()) {
                let p = *c * self.inverse_slack[i];
                let gained = if i == self.left_out { 0.0 } else { p * p / self.rest };
                if self.released[i] && i != self.left_out {
                    acc.scores += (gained + self.scores[i] - self.before[i]).powi(2);
                }
                *c = gained * self.inverse_slack[i];
            }
            rows.block.apply_transpose_add(change, &mut acc.gradient);
        });
        Ok(())
    }
    fn merge(&self, mut left: Change, right: Change) -> Change {
        left.scores += right.scores;
        left.gradient.iter_mut().zip(right.gradient).for_each(|(l, r)| *l += r);
        left
    }
}

/// The least ε for which Gaussian noise ν on a release of sensitivity Δ is (ε, δ)-private.
///
/// δ(ε) = Φ(Δ/2ν − εν/Δ) − e^ε Φ(−Δ/2ν − εν/Δ),  falling in ε
///
/// In logarithms: e^ε overflows at ε = 709, and a release of scores easily asks for more.
///
/// # References
/// BalleWang2018.
pub(super) fn epsilon(sensitivity: f64, noise: f64, delta: f64) -> Option<f64> {
    if !(noise > 0.0 && sensitivity.is_finite()) {
        return None;
    }
    let half = 0.5 * sensitivity / noise;
    if half == 0.0 {
        return Some(0.0);
    }
    let log_delta = |epsilon: f64| {
        let shift = 0.5 * epsilon / half;
        let (first, second) = (log_cdf(half - shift), epsilon + log_cdf(-half - shift));
        first + (-(second - first).min(0.0).exp()).ln_1p()
    };
    let goal = delta.ln();
    if log_delta(0.0) <= goal {
        return Some(0.0);
    }
    let mut high = 1.0;
    while log_delta(high) > goal {
        high *= 2.0;
    }
    let mut low = 0.0;
    while high - low > 1e-12 * high {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if log_delta(middle) > goal { low = middle } else { high = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::barrier::leverage_gradient;
    use crate::leverage::{LeastSquares, diagnostics, least_squares};
    use crate::rows::DenseRows;
    use unhat_testkit::generate::regression;

    #[test]
    fn the_closed_form_is_what_computing_anew_gives() {
        let (n, d) = (30, 3);
        let r = regression(n, d, 4);
        let rows = DenseRows::new(&r.a, d).unwrap();
        let run = Run::default();
        let mut expected = [0.0f64; 3];
        let whole = leverage_gradient(&rows, &r.b, &r.x, &run).unwrap();
        let released: Vec<usize> = (0..n).filter(|i| i % 3 != 1).collect();
        let mut partial = 0.0f64;
        for j in 0..n {
            let keep = |v: &[f64], w: usize| -> Vec<f64> {
                v.chunks(w).enumerate().filter(|(k, _)| *k != j).flat_map(|(_, r)| r.to_vec()).collect()
            };
            let (a, b) = (keep(&r.a, d), keep(&r.b, 1));
            let without = leverage_gradient(&DenseRows::new(&a, d).unwrap(), &b, &r.x, &run).unwrap();
            let mut scores = without.scores.values.clone();
            scores.insert(j, 0.0);
            let square = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| (u - v).powi(2)).sum::<f64>();
            let (s, g) = (square(&whole.scores.values, &scores), square(&whole.values, &without.values));
            let some: f64 = released.iter().map(|&i| (whole.scores.values[i] - scores[i]).powi(2)).sum();
            partial = partial.max(some.sqrt());
            for (e, v) in expected.iter_mut().zip([s, g, s + g]) {
                *e = e.max(v.sqrt());
            }
        }
        let exact = Exact::at(&rows, &r.b, &r.x, None, &run).unwrap();
        let own = Own::of(&rows, &r.b);
        let kinds = [ReleaseKind::Scores, ReleaseKind::Gradient, ReleaseKind::Both];
        for (kind, expected) in kinds.into_iter().zip(expected) {
            let found = sensitivity(&rows, &r.b, &exact, kind, &own.fit(), &run).unwrap();
            assert_eq!(found.rows_tried, n);
            assert!((found.largest.unwrap() / expected - 1.0).abs() < 1e-10, "{kind:?}");
        }
        let exact = Exact::at(&rows, &r.b, &r.x, Some(&released), &run).unwrap();
        let found = sensitivity(&rows, &r.b, &exact, ReleaseKind::Scores, &own.fit(), &run).unwrap();
        let found = found.largest.unwrap();
        assert!((found / partial - 1.0).abs() < 1e-10);
    }

    #[test]
    fn a_row_that_alone_holds_a_column_has_no_bound() {
        let a = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0];
        let rows = DenseRows::new(&a, 2).unwrap();
        let b = [1.0, 2.0, 4.0, 7.0];
        let exact = Exact::at(&rows, &b, &[0.3, 0.4], None, &Run::default()).unwrap();
        let own = Own::of(&rows, &b);
        let found = sensitivity(&rows, &b, &exact, ReleaseKind::Scores, &own.fit(), &Run::default()).unwrap();
        assert_eq!((found.largest, found.refitted), (None, None));
    }

    #[test]
    fn with_a_new_fit_it_is_what_fitting_and_computing_anew_gives() {
        let (n, d) = (40, 3);
        let mut r = regression(n, d, 9);
        let run = Run::default();
        let fit_of = |a: &[f64], b: &[f64]| least_squares(&DenseRows::new(a, d).unwrap(), b, &run).unwrap().x;
        r.x = fit_of(&r.a, &r.b);
        let rows = DenseRows::new(&r.a, d).unwrap();
        let whole = leverage_gradient(&rows, &r.b, &r.x, &run).unwrap();
        let (mut scores_most, mut gradient_most) = (0.0f64, 0.0f64);
        for j in 0..n {
            let a: Vec<f64> =
                r.a.chunks(d).enumerate().filter(|(k, _)| *k != j).flat_map(|(_, r)| r.to_vec()).collect();
            let b: Vec<f64> = (0..n).filter(|k| *k != j).map(|k| r.b[k]).collect();
            let without = leverage_gradient(&DenseRows::new(&a, d).unwrap(), &b, &fit_of(&a, &b), &run).unwrap();
            let mut scores = without.scores.values.clone();
            scores.insert(j, 0.0);
            let away = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| (u - v).powi(2)).sum::<f64>().sqrt();
            scores_most = scores_most.max(away(&whole.scores.values, &scores));
            gradient_most = gradient_most.max(away(&whole.values, &without.values));
        }
        let exact = Exact::at(&rows, &r.b, &r.x, None, &run).unwrap();
        let own = Own::of(&rows, &r.b);
        for (kind, expected) in [(ReleaseKind::Scores, scores_most), (ReleaseKind::Gradient, gradient_most)] {
            let found = sensitivity(&rows, &r.b, &exact, kind, &own.fit(), &run).unwrap();
            let refitted = found.refitted.unwrap();
            assert!((refitted / expected - 1.0).abs() < 1e-6, "{kind:?}: {refitted}, {expected}");
            assert!(refitted > found.seen);
        }
    }

    /// The least-squares fit of an offset with its hat values.
    struct Own {
        fit: LeastSquares,
        hat: Vec<f64>,
    }

    impl Own {
        fn of(rows: &DenseRows<'_>, b: &[f64]) -> Own {
            let run = Run::default();
            let fit = least_squares(rows, b, &run).unwrap();
            Own { fit, hat: diagnostics(rows, b, &run).unwrap().hat }
        }

        fn fit(&self) -> Fit<'_> {
            Fit { factor: &self.fit.factor, residual: &self.fit.residual, hat: &self.hat }
        }
    }

    /// ε of the analytic Gaussian mechanism from mpmath with 60 digits: (Δ, ν, δ, ε).
    const KNOWN: &[(f64, f64, f64, f64)] = &[
        (1.0, 1.0, 1e-06, 4.886554117462212),
        (1.0, 5.0, 1e-05, 0.7255217508577958),
        (1.0, 0.25, 1e-06, 26.356963925325815),
        (1.0, 0.0078125, 1e-06, 8799.45645081143),
        (3.0, 0.5, 0.01, 31.11668666349455),
    ];

    #[test]
    fn epsilon_is_that_of_a_multiple_precision_library_far_beyond_overflow() {
        for &(sensitivity, noise, delta, expected) in KNOWN {
            let found = epsilon(sensitivity, noise, delta).unwrap();
            assert!((found - expected).abs() <= 1e-9 * expected, "{sensitivity}/{noise}: {found}, {expected}");
        }
        assert_eq!(epsilon(1.0, 0.0, 1e-6), None);
        assert_eq!(epsilon(1e-9, 1.0, 1e-6), Some(0.0));
        assert_eq!(epsilon(0.0, 1.0, 1e-6), Some(0.0));
    }
}
