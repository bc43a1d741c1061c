//! The release as computed: the numbers, their size, and what a changed copy of them is still good for.

use super::report::{ReleaseKind, Utility};
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::gram::FactorMethod;
use crate::invert::scores::ReleasedScores;
use crate::rows::RowSource;
use crate::run::Run;

/// The scores (of the released rows) and the gradient at x.
pub(super) struct Exact {
    /// σ of the released rows, in their order.
    pub scores: Vec<f64>,
    /// The gradient g.
    pub gradient: Vec<f64>,
    /// 0-based; None: all.
    pub rows: Option<Vec<usize>>,
    /// Everything else that one evaluation knows.
    pub point: Point,
}

/// A release as it leaves the house; an absent part is empty.
#[derive(Clone, Debug)]
pub(super) struct Released {
    /// Released rows, 0-based; None: all.
    pub rows: Option<Vec<usize>>,
    /// Their scores.
    pub scores: Vec<f64>,
    /// The gradient.
    pub gradient: Vec<f64>,
    /// What an attacker takes the standard deviation of the scores' error for; 0: exact.
    pub noise: f64,
    /// Half the width of the interval in which each true score lies, where they were rounded.
    pub half: Option<Vec<f64>>,
    /// The same for the numbers of the gradient.
    pub gradient_half: Option<Vec<f64>>,
}

impl Exact {
    /// Evaluates scores and gradient at x.
    ///
    /// # Errors
    /// [`ErrorKind::ZeroSlack`], [`ErrorKind::RankDeficient`], shapes.
    pub fn at(
        source: &dyn RowSource,
        offset: &[f64],
        x: &[f64],
        rows: Option<&[usize]>,
        run: &Run<'_>,
    ) -> Result<Exact> {
        let barrier = Barrier::around(source, offset, x, run)?;
        barrier.set_precision(FactorMethod::CholeskyQr2);
        let Some(point) = barrier.at(x, false, run)? else {
            let reason = "the point is too near a facet to be evaluated: some slack is 0 to rounding".into();
            return Err(ErrorKind::Numerical { reason }.into());
        };
        let scores = match rows {
            Some(rows) => rows.iter().map(|&i| point.scores[i]).collect(),
            None => point.scores.clone(),
        };
        Ok(Exact { scores, gradient: point.gradient.clone(), rows: rows.map(<[usize]>::to_vec), point })
    }

    /// The parts that a kind of release holds.
    pub fn release(&self, kind: ReleaseKind) -> Released {
        let part = |wanted: bool, values: &[f64]| if wanted { values.to_vec() } else { Vec::new() };
        Released {
            rows: self.rows.clone(),
            scores: part(kind != ReleaseKind::Gradient, &self.scores),
            gradient: part(kind != ReleaseKind::Scores, &self.gradient),
            noise: 0.0,
            half: None,
            gradient_half: None,
        }
    }
}

impl Released {
    /// All released numbers, scores first.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + Clone + '_ {
        self.scores.iter().chain(&self.gradient).copied()
    }

    /// The scores, with what an attacker takes their errors for.
    pub fn as_scores(&self) -> ReleasedScores<'_> {
        let flat = 1.0 / 3f64.sqrt(); // of a uniform error, in halves of its width
        let deviation = match &self.half {
            Some(half) => half.iter().map(|u| flat * u).collect(),
            None => vec![self.noise; self.scores.len()],
        };
        ReleasedScores { rows: self.rows.as_deref(), values: &self.scores, half: self.half.clone(), deviation }
    }

    /// Root mean square of the released numbers.
    pub fn rms(&self) -> f64 {
        let count = self.scores.len() + self.gradient.len();
        (self.numbers().map(|v| v * v).sum::<f64>() / count as f64).sqrt()
    }

    /// The largest absolute value.
    pub fn largest(&self) -> f64 {
        self.numbers().fold(0.0, |a: f64, v| a.max(v.abs()))
    }
}

/// Length of the top list whose survival is a release's use.
const TOP_LIST: usize = 20;

/// How much of the order of the exact numbers the changed copies keep, on average.
pub(super) fn utility(exact: &Released, copies: &[Released]) -> Utility {
    let size = |release: &Released| release.numbers().map(f64::abs).collect::<Vec<_>>();
    let exact = size(exact);
    let k = TOP_LIST.min(exact.len());
    let (order, ranks) = (descending(&exact), ranks(&exact));
    let mut top: Vec<usize> = order[..k].to_vec();
    top.sort_unstable();
    let (mut kept, mut correlation) = (0.0, 0.0);
    for copy in copies {
        let copy = size(copy);
        let found = descending(&copy)[..k].iter().filter(|i| top.binary_search(i).is_ok()).count();
        kept += found as f64 / k as f64;
        correlation += pearson(&ranks, &self::ranks(&copy));
    }
    let count = copies.len() as f64;
    Utility { top_k: k as u32, kept: kept / count, rank_correlation: correlation / count }
}

/// Indices, the largest value first; ties in their order.
fn descending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
    order
}

/// Ranks from 0, tied values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let order = descending(values);
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let tied = order[first..].iter().take_while(|&&i| values[i] == values[order[first]]).count();
        let mean = first as f64 + 0.5 * (tied as f64 - 1.0);
        order[first..first + tied].iter().for_each(|&i| ranks[i] = mean);
        first += tied;
    }
    ranks
}

/// Pearson's correlation; 0 where one side is constant.
fn pearson(u: &[f64], v: &[f64]) -> f64 {
    let n = u.len() as f64;
    let (mean_u, mean_v) = (u.iter().sum::<f64>() / n, v.iter().sum::<f64>() / n);
    let (mut uv, mut uu, mut vv) = (0.0, 0.0, 0.0);
    for (a, b) in u.iter().zip(v) {
        uv += (a - mean_u) * (b - mean_v);
        uu += (a - mean_u).powi(2);
        vv += (b - mean_v).powi(2);
    }
    if uu * vv > 0.0 { uv / (uu * vv).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(values: &[f64]) -> Released {
        Released {
            rows: None,
            scores: values.to_vec(),
            gradient: Vec::new(),
            noise: 0.0,
            half: None,
            gradient_half: None,
        }
    }

    #[test]
    fn a_copy_keeps_its_order_and_a_reversed_one_none_of_it() {
        let values: Vec<f64> = (0..50).map(|k| (k * k) as f64).collect();
        let reversed: Vec<f64> = values.iter().rev().copied().collect();
        let exact = scores(&values);
        let same = utility(&exact, std::slice::from_ref(&exact));
        assert_eq!((same.top_k, same.kept), (20, 1.0));
        assert!((same.rank_correlation - 1.0).abs() < 1e-14);
        let none = utility(&exact, &[scores(&reversed)]);
        assert_eq!(none.kept, 0.0);
        assert!((none.rank_correlation + 1.0).abs() < 1e-14);
        let half = utility(&exact, &[exact.clone(), scores(&reversed)]);
        assert!((half.kept - 0.5).abs() < 1e-14 && half.rank_correlation.abs() < 1e-14);
    }

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [0.5, 3.0, 0.5, 2.0]);
        assert_eq!(pearson(&[1.0, 1.0], &[0.0, 1.0]), 0.0);
    }

    #[test]
    fn the_size_is_that_of_all_numbers() {
        let both = Released {
            rows: None,
            scores: vec![1.0, 2.0],
            gradient: vec![-2.0],
            noise: 0.0,
            half: None,
            gradient_half: None,
        };
        assert_eq!((both.rms(), both.largest()), (3f64.sqrt(), 2.0));
    }
}
