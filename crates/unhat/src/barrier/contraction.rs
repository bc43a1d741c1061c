//! Contractions of third moments to d×d matrices, shared by all cores.

use super::hessian::ThirdMoments;
use crate::gram::merged;
use crate::linalg;
use crate::rows::with_scratch;
use crate::run::Run;
use rayon::prelude::*;

/// Slices are dealt to this many sums, whose order of addition is fixed: the bits do not depend on the threads.
const GROUPS: usize = 16;
/// Up to this many columns one sum does: d⁴ flops then take less time than the way into a pool of threads.
const ALONE: usize = 32;
/// Slices that are whitened together, for longer runs of the triangular solve.
const TOGETHER: usize = 8;

impl ThirdMoments {
    /// T = Σ_b W_b W_bᵀ, full: for U with orthonormal columns, Uᵀ P⁽²⁾ U.
    ///
    /// # Cost
    /// d⁴ flops.
    pub fn contracted(&self, run: &Run<'_>) -> Vec<f64> {
        let d = self.dim();
        grouped(d, run, |b, sum| {
            with_scratch(d * d, |slice| {
                self.slice_into(b, slice);
                linalg::add_gram(slice, slice, d, sum); // rows of a symmetric slice are its columns
            })
        })
    }

    /// R_{ac} = Σ W_{abe} N_{bf} N_{eg} W_{cfg} with N = M⁻¹, M = LLᵀ, full: the contraction for rows whose Gram matrix is M.
    ///
    /// # Cost
    /// 3d⁴ flops; 8d³ bytes.
    pub fn contracted_through(&self, lower: &[f64], run: &Run<'_>) -> Vec<f64> {
        let d = self.dim();
        let mut slices = vec![0.0; d * d * d]; // L⁻¹W_aL⁻ᵀ
        let whiten = |first: usize, slices: &mut [f64]| {
            for (a, slice) in slices.chunks_exact_mut(d * d).enumerate() {
                self.slice_into(first + a, slice);
            }
            linalg::solve_lower_rows(lower, d, slices);
            slices.chunks_exact_mut(d * d).for_each(|slice| linalg::transpose(slice, d));
            linalg::solve_lower_rows(lower, d, slices);
        };
        match d <= ALONE {
            true => whiten(0, &mut slices),
            false => run.install(|| {
                let chunks = slices.par_chunks_mut(TOGETHER * d * d).enumerate();
                chunks.for_each(|(k, slices)| whiten(k * TOGETHER, slices));
            }),
        }
        // Each pair b ≤ e of the symmetric slices once, as a row of d values, the pairs off the diagonal √2 heavier.
        grouped(d, run, |b, sum| {
            with_scratch((d - b) * d, |pairs| {
                for (a, slice) in slices.chunks_exact(d * d).enumerate() {
                    for e in b..d {
                        let weight = if e == b { 1.0 } else { std::f64::consts::SQRT_2 };
                        pairs[(e - b) * d + a] = weight * slice[e + b * d];
                    }
                }
                linalg::add_gram(pairs, pairs, d, sum);
            })
        })
    }
}

/// Σ_b of what `add` adds to the lower triangle of a d×d matrix for b = 0 … d−1, full.
fn grouped(d: usize, run: &Run<'_>, add: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
    let groups = if d <= ALONE { 1 } else { GROUPS };
    let of_group = |group: usize| {
        let mut sum = vec![0.0; d * d];
        (group..d).step_by(groups).for_each(|b| add(b, &mut sum));
        sum
    };
    let mut total = match groups {
        1 => of_group(0),
        _ => {
            let sums: Vec<Vec<f64>> = run.install(|| (0..groups).into_par_iter().map(of_group).collect());
            sums.into_iter().fold(vec![0.0; d * d], merged)
        }
    };
    linalg::symmetrise(&mut total, d);
    total
}
