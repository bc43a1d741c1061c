//! The least eigenvalue of ∇²L from a few exact products: what says that a point is a minimum where tensors cost too much.

use super::conjugate_model::{Directions, ProductModel};
use super::objective::{Objective, Place};
use crate::error::Result;
use crate::linalg::{self, dot, norm};
use crate::random::uniform_rows_into;
use crate::run::Run;

/// What Lanczos' method says of ∇²L, measured in the Gauss–Newton metric of exact products.
///
/// A Ritz value bounds the least eigenvalue from above: one below 0 proves that the point is no minimum, one above 0 is
/// evidence for one. The chance is that of a random start being so unlucky that the least eigenvalue is negative all the
/// same (Kuczyński and Woźniakowski), with the largest Ritz value in the place of the largest eigenvalue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvatureEstimate {
    /// The least Ritz value θ.
    pub least: f64,
    /// ‖Bv − θv‖ for its vector: some eigenvalue lies within it of θ.
    pub residual: f64,
    /// Products with ∇²L that it took.
    pub products: u32,
    /// 1.648·√d·exp(−(2k − 1)√(θ/(θ_max − θ))), at most 1: an upper bound of the chance that ∇²L is not positive
    /// semidefinite.
    pub chance: f64,
}

impl CurvatureEstimate {
    /// The word for what the numbers are worth: `saddle` (proven: a Ritz value is negative), `probable` (a minimum but for a
    /// chance of at most 10⁻⁶), or `estimate` (evidence for a minimum, no proof).
    pub fn kind(&self) -> &'static str {
        match self {
            _ if self.least < 0.0 => "saddle",
            _ if self.chance <= PROBABLE => "probable",
            _ => "estimate",
        }
    }
}

/// The chance of an error from which on a minimum is called probable.
const PROBABLE: f64 = 1e-6;
/// Products: the least eigenvalue was known to 5 % after three to five.
const MOST_PRODUCTS: usize = 12;
/// Fewer are not believed: a random start may happen to lie near an eigenvector of another eigenvalue.
const LEAST_PRODUCTS: usize = 4;
/// The residual may be this share of the Ritz value.
const KNOWN: f64 = 0.05;
/// Separates these draws from all others.
const STREAM: u64 = 1 << 42;

/// The estimate, and the direction of least curvature, in x.
///
/// # Cost
/// One evaluation and a half, and k products with ∇²L, two evaluations each.
pub(super) fn least_curvature(
    objective: &Objective<'_>,
    place: &Place,
    seed: u64,
    run: &Run<'_>,
) -> Result<(CurvatureEstimate, Vec<f64>)> {
    let d = objective.dim();
    let nothing = Directions::default();
    let model = ProductModel::new(objective, place, &nothing, 0.0, run)?;
    let mut uniform = vec![0.0; 2 * d];
    uniform_rows_into(seed, STREAM, 0, &mut uniform);
    let mut v: Vec<f64> = uniform
        .chunks_exact(2)
        .map(|u| (-2.0 * (1.0 - u[0]).ln()).sqrt() * (std::f64::consts::TAU * u[1]).cos())
        .collect();
    scale_to_one(&mut v);
    let (mut basis, mut images): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    loop {
        run.check()?;
        let image = model.times(&v, run)?;
        basis.push(v);
        images.push(image.clone());
        let k = basis.len();
        let mut small = vec![0.0; k * k];
        for j in 0..k {
            (0..k).for_each(|i| small[i + j * k] = 0.5 * (dot(&basis[i], &images[j]) + dot(&basis[j], &images[i])));
        }
        let (values, axes) = linalg::symmetric_eigen(&small, k).unwrap_or((vec![f64::NAN; k], small.clone()));
        let combined =
            |of: &[Vec<f64>]| -> Vec<f64> { (0..d).map(|i| (0..k).map(|j| axes[j] * of[j][i]).sum()).collect() };
        let (ritz, moved) = (combined(&basis), combined(&images));
        let defect: Vec<f64> = moved.iter().zip(&ritz).map(|(m, r)| m - values[0] * r).collect();
        let (least, residual) = (values[0], norm(&defect));
        let mut next = image;
        for _ in 0..2 {
            for b in &basis {
                let share = dot(b, &next);
                next.iter_mut().zip(b).for_each(|(n, b)| *n -= share * b);
            }
        }
        let spent = norm(&next) <= 1e-10 * norm(&images[k - 1]);
        let known = k >= LEAST_PRODUCTS && residual <= KNOWN * least.abs();
        if spent || k == d || k == MOST_PRODUCTS || known || least < 0.0 {
            let chance = match k == d {
                true => 0.0, // the whole space was seen
                false => chance(least, values[k - 1], d, k),
            };
            let estimate = CurvatureEstimate { least, residual, products: k as u32, chance };
            return Ok((estimate, model.direction(&ritz)));
        }
        scale_to_one(&mut next);
        v = next;
    }
}

fn chance(least: f64, largest: f64, d: usize, k: usize) -> f64 {
    if least <= 0.0 || largest <= least {
        return 1.0;
    }
    (1.648 * (d as f64).sqrt() * (-(2.0 * k as f64 - 1.0) * (least / (largest - least)).sqrt()).exp()).min(1.0)
}

fn scale_to_one(v: &mut [f64]) {
    let length = norm(v).max(f64::MIN_POSITIVE);
    v.iter_mut().for_each(|v| *v /= length);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::super::method::CurvatureMethod;
    use super::*;
    use crate::barrier::Barrier;
    use crate::rows::DenseRows;
    use unhat_testkit::known::minima_cases;

    /// Minima and saddles of the known cases, told apart by 30 and more digits there: all of space is seen in few
    /// dimensions, a saddle is never called a minimum, and its direction leads down.
    #[test]
    fn known_saddles_have_a_negative_least_curvature_and_minima_a_positive_one() {
        let (run, mut saddles) = (Run::default(), 0);
        for case in minima_cases() {
            let rows = DenseRows::new(&case.a, case.d).unwrap();
            for point in &case.stationary {
                let barrier = Barrier::around(&rows, &case.b, &point.x, &run).unwrap();
                let objective = Objective::new(&barrier, &case.c, &case.w, CurvatureMethod::Products, &run).unwrap();
                let place = objective.at(&point.x, &run).unwrap().unwrap();
                let (estimate, downhill) = least_curvature(&objective, &place, 1, &run).unwrap();
                assert_eq!(estimate.least > 0.0, point.minimum, "{}: {estimate:?}", case.name);
                assert_eq!(estimate.kind() == "saddle", !point.minimum);
                assert!(estimate.products as usize <= case.d);
                if !point.minimum {
                    saddles += 1;
                    let size = 1e-2 / objective.largest_change(&place, &downhill, &run).unwrap();
                    let x: Vec<f64> = point.x.iter().zip(&downhill).map(|(x, h)| x + size * h).collect();
                    let there = objective.at(&x, &run).unwrap().unwrap();
                    assert!(there.value < place.value, "{}: {} above {}", case.name, there.value, place.value);
                }
            }
        }
        assert!(saddles >= 20, "{saddles}");
    }
}
