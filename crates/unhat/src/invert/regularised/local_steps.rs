//! The last steps: x and z = c − g as unknowns of their own, with a curvature that is kept, and Anderson's acceleration.

use super::frame::Frame;
use super::objective::{Objective, Place};
use super::trust_region::Watch;
use crate::barrier::WhitenedCurvature;
use crate::error::Result;
use crate::gram::Factor;
use crate::linalg::{self, dot, norm};
use crate::run::Run;
use std::collections::VecDeque;

/// H̃ and the frame in which H̃² + K + T̃ is diagonal, at one point: errors of H̃ are then not squared in z, as they are
/// where z is eliminated.
pub(super) struct LocalModel {
    factor: Factor,
    /// H̃_w.
    hessian: Vec<f64>,
    /// Rᵀ.
    lower: Vec<f64>,
    axes: Vec<f64>,
    curvature: Vec<f64>,
}

/// Eigenvalues smaller than this in size are taken for it.
const LEAST_CURVATURE: f64 = 0.05;
/// Points that Anderson's acceleration remembers.
const MEMORY: usize = 8;
/// A mixed step longer than this many plain ones is not believed.
const LONGEST_MIX: f64 = 3.0;
/// Singular directions of the differences below this share are left out.
const RANK: f64 = 1e-12;
/// The change grew this much over the best: left.
const DIVERGED: f64 = 3.0;
/// It did not halve in so many passes: left.
const PATIENCE: usize = 4;
const MOST_PASSES: usize = 25;
/// Below this change rounding may stop the halving.
const NEAR_THE_FLOOR: f64 = 1e-7;
/// Share of a slack that a step may take.
const STEP_CAP: f64 = 0.9;

/// How the iteration ended.
pub(super) enum Ending {
    /// The stopping rule is met.
    Done(Place),
    /// The curvature is not good enough.
    Left(Place),
}

impl LocalModel {
    pub fn new(place: &Place, curvature: &WhitenedCurvature, frame: &Frame) -> LocalModel {
        LocalModel {
            factor: place.base.factor.clone(),
            hessian: curvature.hessian.clone(),
            lower: frame.lower.clone(),
            axes: frame.axes.clone(),
            curvature: frame.curvature.clone(),
        }
    }

    /// Whether ∇²L is positive definite, as far as the curvature says.
    pub fn strict(&self) -> bool {
        self.curvature[0] > 0.0
    }

    fn dim(&self) -> usize {
        self.curvature.len()
    }

    /// RLᵀδ.
    fn framed(&self, h: &[f64]) -> Vec<f64> {
        linalg::lower_transposed_times_vector(
            &self.lower,
            &linalg::lower_transposed_times_vector(self.factor.lower(), h),
        )
    }

    /// δ = L⁻ᵀR⁻¹v.
    fn direction(&self, v: &[f64]) -> Vec<f64> {
        self.factor.half_solve_transposed(&linalg::solve_lower_transposed(&self.lower, v))
    }

    /// H̃δ.
    fn hessian_times(&self, h: &[f64]) -> Vec<f64> {
        let lower = self.factor.lower();
        let along = linalg::lower_transposed_times_vector(lower, h);
        linalg::lower_times_vector(lower, &linalg::symmetric_times_vector(&self.hessian, &along))
    }

    /// The step (RLᵀδ, ζ) from the defects e₁ = g − c + z and e₂ = Hz − Kx:
    /// δ = (H̃² + K + T̃)⁻¹(e₂ − H̃e₁),  ζ = −e₁ − H̃δ.
    fn step(&self, first: &[f64], second: &[f64]) -> Vec<f64> {
        let d = self.dim();
        let along = linalg::lower_transposed_times_vector(self.factor.lower(), first);
        let mut right = linalg::symmetric_times_vector(&self.hessian, &along);
        right.iter_mut().zip(self.factor.half_solve(second)).for_each(|(h, e)| *h -= e);
        let right = linalg::solve_lower(&self.lower, &right);
        let mut framed = vec![0.0; d];
        for (axis, value) in self.axes.chunks_exact(d).zip(&self.curvature) {
            let share = -dot(axis, &right) / value.abs().max(LEAST_CURVATURE);
            framed.iter_mut().zip(axis).for_each(|(f, a)| *f += share * a);
        }
        let image = self.hessian_times(&self.direction(&framed));
        framed.extend(first.iter().zip(&image).map(|(e, h)| -e - h));
        framed
    }
}

/// Iterates on g(x) − c + z = 0, H(x)z = Kx from the two points of an outer step of δ = `h`.
///
/// # Cost
/// Two evaluations a pass, O(d³) beside.
pub(super) fn iterate(
    objective: &Objective<'_>,
    model: &LocalModel,
    (from, mut place): (Place, Place),
    h: &[f64],
    tolerance: f64,
    watch: &mut Watch<'_>,
    run: &Run<'_>,
) -> Result<Ending> {
    let d = model.dim();
    let image = model.hessian_times(h);
    let mut z: Vec<f64> = from.residual.iter().zip(&image).map(|(r, h)| -r - h).collect();
    let unknown = |x: &[f64], z: &[f64]| -> Vec<f64> {
        let moved: Vec<f64> = x.iter().zip(&from.base.x).map(|(x, a)| x - a).collect();
        [model.framed(&moved), z.to_vec()].concat()
    };
    let start: Vec<f64> = from.residual.iter().map(|r| -r).collect();
    let mut memory = Memory(VecDeque::new());
    memory.push(unknown(&from.base.x, &start), [model.framed(h), image.iter().map(|h| -h).collect()].concat());
    let mut changes: Vec<f64> = Vec::new();
    loop {
        run.check()?;
        let image = objective.hessian_times(&place, &z, run)?;
        let pull = linalg::lower_times_vector(&objective.root, &place.pull);
        let first: Vec<f64> = place.residual.iter().zip(&z).map(|(r, z)| r + z).collect();
        let second: Vec<f64> = image.iter().zip(&pull).map(|(h, k)| h - k).collect();
        let plain = model.step(&first, &second);
        memory.push(unknown(&place.base.x, &z), plain.clone());
        let change = objective.largest_change(&place, &model.direction(&plain[..d]), run)?;
        watch(&place, change);
        let last = changes.last().copied().unwrap_or(f64::INFINITY);
        let floor = change < NEAR_THE_FLOOR && change >= 0.5 * last;
        let mixed = memory.mixed(&plain);
        let delta = model.direction(&mixed[..d]);
        let loss = -objective.slack_changes(&place, &delta, run)?.iter().fold(0.0, |m: f64, v| m.min(*v));
        let trial = |place: &Place| -> Result<Option<Place>> {
            let x: Vec<f64> = place.base.x.iter().zip(&delta).map(|(x, h)| x + h).collect();
            objective.at(&x, run)
        };
        if change < tolerance || floor {
            return Ok(Ending::Done(place));
        }
        changes.push(change);
        if change.is_nan() || !keeps_going(&changes) || loss > STEP_CAP {
            return Ok(Ending::Left(place));
        }
        match trial(&place)? {
            Some(next) => place = next,
            None => return Ok(Ending::Left(place)),
        }
        z.iter_mut().zip(&mixed[d..]).for_each(|(z, m)| *z += m);
    }
}

fn keeps_going(changes: &[f64]) -> bool {
    let Some((last, before)) = changes.split_last() else { return true };
    let least = |v: &[f64]| v.iter().fold(f64::INFINITY, |m: f64, c| m.min(*c));
    let halved = changes.len() <= PATIENCE || *last < 0.5 * least(&changes[..changes.len() - PATIENCE]);
    *last < DIVERGED * least(before) && (halved || *last < NEAR_THE_FLOOR) && changes.len() < MOST_PASSES
}

/// The last points and their plain steps.
struct Memory(VecDeque<(Vec<f64>, Vec<f64>)>);

impl Memory {
    fn push(&mut self, point: Vec<f64>, step: Vec<f64>) {
        self.0.push_back((point, step));
        if self.0.len() > MEMORY {
            self.0.pop_front();
        }
    }

    /// f − (ΔU + ΔF)γ with γ the least squares solution of ΔFγ = f: the multi-secant step; f itself where it is too long.
    fn mixed(&self, plain: &[f64]) -> Vec<f64> {
        let difference = |a: &[f64], b: &[f64]| -> Vec<f64> { b.iter().zip(a).map(|(b, a)| b - a).collect() };
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        let (points, steps): (Vec<Vec<f64>>, Vec<Vec<f64>>) =
            pairs.map(|((u, f), (v, g))| (difference(u, v), difference(f, g))).unzip();
        let sizes: Vec<f64> = steps.iter().map(|f| norm(f).max(f64::MIN_POSITIVE)).collect();
        let k = steps.len();
        if k == 0 {
            return plain.to_vec();
        }
        let mut gram = vec![0.0; k * k];
        for j in 0..k {
            (0..k).for_each(|i| gram[i + j * k] = dot(&steps[i], &steps[j]) / (sizes[i] * sizes[j]));
        }
        let Some((values, axes)) = linalg::symmetric_eigen(&gram, k) else { return plain.to_vec() };
        let right: Vec<f64> = steps.iter().zip(&sizes).map(|(f, s)| dot(f, plain) / s).collect();
        let mut gamma = vec![0.0; k];
        for (axis, value) in axes.chunks_exact(k).zip(&values).filter(|(_, v)| **v > RANK * values[k - 1]) {
            let share = dot(axis, &right) / value;
            gamma.iter_mut().zip(axis).for_each(|(g, a)| *g += share * a);
        }
        let mut mixed = plain.to_vec();
        for ((u, f), (gamma, size)) in points.iter().zip(&steps).zip(gamma.iter().zip(&sizes)) {
            mixed.iter_mut().zip(u.iter().zip(f)).for_each(|(m, (u, f))| *m -= gamma / size * (u + f));
        }
        if norm(&mixed) > LONGEST_MIX * norm(plain) { plain.to_vec() } else { mixed }
    }
}
