//! What a block adds to the sums of an evaluation, whether M is dense or lives on a pattern.

use super::gradient::slack_into;
use crate::gram::merged;
use crate::rows::{Rows, with_scratch};

/// M, as long as every slack has its sign.
pub(super) struct SlackSum {
    pub gram: Vec<f64>,
    pub inside: bool,
}

impl SlackSum {
    /// Of a Gram matrix that takes `length` numbers.
    pub fn zero(length: usize) -> Self {
        SlackSum { gram: vec![0.0; length], inside: true }
    }

    /// Writes s = Ax − b of a block to `out`; whether it and all before it are inside.
    pub fn add(&mut self, rows: &Rows<'_>, x: &[f64], offset: &[f64], positive: &[bool], out: &mut [f64]) -> bool {
        slack_into(rows, x, offset, out);
        self.inside &= out.iter().zip(&positive[rows.range()]).all(|(&s, &p)| s != 0.0 && (s > 0.0) == p);
        self.inside
    }

    pub fn merge(self, other: Self) -> Self {
        SlackSum { inside: self.inside && other.inside, gram: merged(self.gram, other.gram) }
    }
}

/// g, and K where it is asked for.
pub(super) struct GradientSum {
    pub gradient: Vec<f64>,
    pub metric: Vec<f64>,
}

impl GradientSum {
    /// Of d columns, and a K that takes `metric` numbers.
    pub fn zero(d: usize, metric: usize) -> Self {
        GradientSum { gradient: vec![0.0; d], metric: vec![0.0; metric] }
    }

    /// g −= A_xᵀσ of a block, `r` its inverse slacks.
    pub fn add(&mut self, rows: &Rows<'_>, sigma: &[f64], r: &[f64]) {
        with_scratch(sigma.len(), |minus| {
            minus.iter_mut().zip(sigma.iter().zip(r)).for_each(|(m, (sigma, r))| *m = -sigma * r);
            rows.block.apply_transpose_add(minus, &mut self.gradient);
        });
    }

    pub fn merge(self, other: Self) -> Self {
        GradientSum { gradient: merged(self.gradient, other.gradient), metric: merged(self.metric, other.metric) }
    }
}

/// What is combined of a row's number and its quadratic form.
pub(super) type Combine<'a> = &'a (dyn Fn(usize, f64) -> f64 + Sync);

/// Adds Σ combine(i, pᵢ) a_{x,i} of a block, `r` its inverse slacks.
pub(super) fn add_combined(rows: &Rows<'_>, combine: Combine<'_>, p: &[f64], r: &[f64], combined: &mut [f64]) {
    with_scratch(p.len(), |u| {
        for (k, u) in u.iter_mut().enumerate() {
            *u = combine(rows.start + k, p[k]) * r[k];
        }
        rows.block.apply_transpose_add(u, combined);
    });
}
