//! How much one row changes a release, and the (ε, δ) that a noise then means for this table.

use super::release::Exact;
use super::report::ReleaseKind;
use crate::error::Result;
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
    /// Rows left out, one at a time.
    pub rows_tried: usize,
}

/// Rows left out: those with the largest scores change the release most.
const MOST_ROWS: usize = 200;
/// Without a row of a score nearer to 1 the others have lower rank.
const LEAST_REST: f64 = 1e-9;

/// Leaves out rows one at a time, x held fixed.
///
/// M₍ⱼ₎ = M − aⱼaⱼᵀ/sⱼ²:  σᵢ₍ⱼ₎ = σᵢ + P²ᵢⱼ/(1−σⱼ),  g₍ⱼ₎ = g + σⱼaⱼ/sⱼ − Σᵢ≠ⱼ P²ᵢⱼ/(1−σⱼ)·aᵢ/sᵢ
///
/// # Cost
/// A sweep of products with P for each row left out: 2nd flops and d².
pub(super) fn sensitivity(
    source: &dyn RowSource,
    exact: &Exact,
    kind: ReleaseKind,
    run: &Run<'_>,
) -> Result<Sensitivity> {
    let scores = &exact.point.scores;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]).then(i.cmp(&j)));
    order.truncate(MOST_ROWS);
    let rows = source.gather(&order)?;
    let d = exact.point.x.len();
    let mut released = vec![exact.rows.is_none(); scores.len()];
    exact.rows.iter().flatten().for_each(|&i| released[i] = true);
    let (mut defined, mut seen) = (true, 0.0f64);
    for (&j, row) in order.iter().zip(rows.chunks_exact(d)) {
        run.check()?;
        if 1.0 - scores[j] < LEAST_REST {
            defined = false;
            continue;
        }
        let a: Vec<f64> = row.iter().map(|a| a * exact.point.inverse_slack[j]).collect();
        let pass = RowLeftOut {
            direction: exact.point.factor.solve(&a),
            inverse_slack: &exact.point.inverse_slack,
            left_out: j,
            rest: 1.0 - scores[j],
            released: &released,
        };
        let Change { scores: mut square, mut gradient } = sweep(source, &pass, &mut [], run)?;
        if released[j] {
            square += scores[j] * scores[j];
        }
        gradient.iter_mut().zip(&a).for_each(|(g, a)| *g -= scores[j] * a);
        let gradient_square = linalg::dot(&gradient, &gradient);
        let change = match kind {
            ReleaseKind::Scores => square,
            ReleaseKind::Gradient => gradient_square,
            ReleaseKind::Both => square + gradient_square,
        };
        seen = seen.max(change.sqrt());
    }
    Ok(Sensitivity { largest: defined.then_some(seen), seen, rows_tried: order.len() })
}

/// What leaving row j out changes: Σ(Δσᵢ)² over released rows, and Σ Δσᵢ aᵢ/sᵢ.
struct RowLeftOut<'a> {
    /// M⁻¹aⱼ/sⱼ.
    direction: Vec<f64>,
    inverse_slack: &'a [f64],
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
                if self.released[i] {
                    acc.scores += gained * gained;
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
        let kinds = [ReleaseKind::Scores, ReleaseKind::Gradient, ReleaseKind::Both];
        for (kind, expected) in kinds.into_iter().zip(expected) {
            let found = sensitivity(&rows, &exact, kind, &run).unwrap();
            assert_eq!(found.rows_tried, n);
            assert!((found.largest.unwrap() / expected - 1.0).abs() < 1e-10, "{kind:?}");
        }
        let exact = Exact::at(&rows, &r.b, &r.x, Some(&released), &run).unwrap();
        let found = sensitivity(&rows, &exact, ReleaseKind::Scores, &run).unwrap().largest.unwrap();
        assert!((found / partial - 1.0).abs() < 1e-10);
    }

    #[test]
    fn a_row_that_alone_holds_a_column_has_no_bound() {
        let a = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0];
        let rows = DenseRows::new(&a, 2).unwrap();
        let exact = Exact::at(&rows, &[1.0, 2.0, 4.0, 7.0], &[0.3, 0.4], None, &Run::default()).unwrap();
        let found = sensitivity(&rows, &exact, ReleaseKind::Scores, &Run::default()).unwrap();
        assert_eq!(found.largest, None);
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
