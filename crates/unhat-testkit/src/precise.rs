//! The exact solution of g(x) = c in a cell, to some thirty digits, and how far a computed one lies from it.

use crate::real::dot;
use crate::reference::Point;
use crate::{Dd, Real};

/// A point with g(x) = c, as exact as the numbers allow.
pub struct CellSolution<T = Dd> {
    /// The solution for exactly these A, b and c.
    pub x: Vec<T>,
    /// ‖A_x δ‖_∞ of the Newton step δ that would follow: the relative error left in the slacks.
    pub slack_error: f64,
}

/// No slack may lose more than this share in one Newton step: the iterates stay in the cell.
const SLACK_LOSS_CAP: f64 = 0.95;
/// Below this relative change of the slacks Newton at least squares the error; a step that does not has met rounding.
const QUADRATIC: f64 = 1e-10;
/// A floor above this is not called a solution. Seen: 1e-31 at depth 0.9, 1e-28 at 0.999, 1e-23 translated by 10⁶ there.
const LARGEST_SLACK_ERROR: f64 = 1e-22;

/// [`solve`] in double-double numbers.
pub fn invert_gradient(a: &[f64], b: &[f64], c: &[f64], start: &[f64]) -> Option<CellSolution> {
    solve(a, b, c, start)
}

/// Solves g(x) = c in the cell of `start` by damped Newton.
///
/// # Shapes
/// `a`: n×d row-major; `b`: n; `c`, `start`: d. All are taken as exact.
/// # Cost
/// About 60·n²d flops a step, 5 to 15 steps: for n up to a few hundred.
/// # Returns
/// None where the iteration does not settle, as on a cell without a solution.
pub fn solve<T: Real>(a: &[f64], b: &[f64], c: &[f64], start: &[f64]) -> Option<CellSolution<T>> {
    let target: Vec<T> = c.iter().map(|&c| T::from(c)).collect();
    let mut x: Vec<T> = start.iter().map(|&x| T::from(x)).collect();
    let mut point = Point::at(a, b, &x);
    let mut last_change = f64::INFINITY;
    for _ in 0..200 {
        let step = newton_step(&point, &target)?;
        let changes = relative_slack_changes(&point, &step);
        let change = changes.iter().fold(0.0, |largest: f64, c| largest.max(c.abs()));
        if change == 0.0 || (last_change < QUADRATIC && change >= 0.1 * last_change) {
            return (change <= LARGEST_SLACK_ERROR).then_some(CellSolution { x, slack_error: change });
        }
        let loss = changes.iter().fold(0.0, |largest: f64, c| largest.max(-c));
        let longest = if loss > SLACK_LOSS_CAP { SLACK_LOSS_CAP / loss } else { 1.0 };
        // below that size a full step is right, and slopes are rounding
        let trials = if change < QUADRATIC { 1 } else { 30 };
        (x, point) = line_search(a, b, &target, (&x, &point), &step, longest, trials);
        last_change = change;
    }
    None
}

/// The first of the steps t, t/2, t/4, … that does not overshoot.
///
/// φ(x) = V(x) − cᵀx is convex along the step, so its slope grows from −λ²; above λ²/2 the step went too far.
fn line_search<T: Real>(
    a: &[f64],
    b: &[f64],
    target: &[T],
    (x, point): (&[T], &Point<T>),
    step: &[T],
    longest: f64,
    trials: u32,
) -> (Vec<T>, Point<T>) {
    let slope_before = dot(&residual(point, target), step).to_f64();
    let mut length = longest;
    for trial in 1.. {
        let moved: Vec<T> = x.iter().zip(step).map(|(&x, &h)| x + T::from(length) * h).collect();
        let next = Point::at(a, b, &moved);
        let slope = dot(&residual(&next, target), step).to_f64();
        if trial == trials || slope <= 0.5 * slope_before.abs() {
            return (moved, next);
        }
        length *= 0.5;
    }
    unreachable!("the last trial returns")
}

/// g(x) − c.
fn residual<T: Real>(point: &Point<T>, target: &[T]) -> Vec<T> {
    point.gradient().into_iter().zip(target).map(|(g, &c)| g - c).collect()
}

/// δ with Hδ = c − g; None if H is not positive definite to working accuracy, or x has run away to infinity.
fn newton_step<T: Real>(point: &Point<T>, target: &[T]) -> Option<Vec<T>> {
    let negative: Vec<T> = residual(point, target).into_iter().map(|r| -r).collect();
    let step = cholesky_solve(&point.hessian(), &negative)?;
    step.iter().all(|h| h.to_f64().is_finite()).then_some(step)
}

/// A_x δ: the change of each slack as a share of it.
fn relative_slack_changes<T: Real>(point: &Point<T>, step: &[T]) -> Vec<f64> {
    point.scaled.chunks(step.len()).map(|row| dot(row, step).to_f64()).collect()
}

/// m⁻¹v for a symmetric positive definite d×d matrix, scaled to unit diagonal first.
fn cholesky_solve<T: Real>(m: &[T], v: &[T]) -> Option<Vec<T>> {
    let d = v.len();
    let scale: Vec<T> = (0..d).map(|i| m[i * d + i].sqrt()).collect();
    let mut l = vec![T::zero(); d * d];
    let mut x: Vec<T> = (0..d).map(|i| v[i] / scale[i]).collect();
    for i in 0..d {
        for j in 0..=i {
            let rest = m[i * d + j] / (scale[i] * scale[j]) - dot(&l[i * d..i * d + j], &l[j * d..j * d + j]);
            l[i * d + j] = if i == j { rest.sqrt() } else { rest / l[j * d + j] };
        }
        (l[i * d + i] > T::zero()).then_some(())?;
        x[i] = (x[i] - dot(&l[i * d..i * d + i], &x[..i])) / l[i * d + i];
    }
    for i in (0..d).rev() {
        for k in i + 1..d {
            let t = l[k * d + i] * x[k];
            x[i] -= t;
        }
        x[i] = x[i] / l[i * d + i];
    }
    Some((0..d).map(|i| x[i] / scale[i]).collect())
}

fn difference<T: Real>(found: &[f64], exact: &[T]) -> Vec<T> {
    found.iter().zip(exact).map(|(&x, &exact)| T::from(x) - exact).collect()
}

/// √(δᵀMδ).
fn norm<T: Real>(m: &[T], delta: &[T]) -> f64 {
    let image: Vec<T> = m.chunks(delta.len()).map(|row| dot(row, delta)).collect();
    dot(&image, delta).to_f64().max(0.0).sqrt()
}

fn point_at<T: Real>(a: &[f64], b: &[f64], found: &[f64]) -> Point<T> {
    Point::at(a, b, &found.iter().map(|&x| T::from(x)).collect::<Vec<_>>())
}

/// ‖x̂ − x*‖₂.
pub fn distance<T: Real>(found: &[f64], exact: &[T]) -> f64 {
    let delta = difference(found, exact);
    dot(&delta, &delta).sqrt().to_f64()
}

/// ‖x̂ − x*‖_Q with Vaidya's matrix Q at x̂.
pub fn distance_vaidya<T: Real>(a: &[f64], b: &[f64], found: &[f64], exact: &[T]) -> f64 {
    norm(&point_at(a, b, found).vaidya_matrix(), &difference(found, exact))
}

/// ‖x̂ − x*‖_H with H = ∇²V at x̂.
pub fn distance_hessian<T: Real>(a: &[f64], b: &[f64], found: &[f64], exact: &[T]) -> f64 {
    norm(&point_at(a, b, found).hessian(), &difference(found, exact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::{assert_close, assert_within};
    use crate::closed_form::{box_gradient, repeated_facet_centre};
    use crate::generate::{
        Polytope, birkhoff, cauchy_polytope, cube, cube_with_repeated_facet, random_polytope, regression, thin_box,
    };

    fn gradient(p: &Polytope, x: &[f64]) -> Vec<f64> {
        Point::at(&p.a, &p.b, x).gradient()
    }

    fn solve(p: &Polytope, c: &[f64], start: &[f64]) -> CellSolution {
        invert_gradient(&p.a, &p.b, c, start).expect("a bounded cell has a solution")
    }

    /// Every start leads to the same point, the residual there is zero to the last digits, the hidden point is near.
    #[test]
    fn the_solution_does_not_depend_on_the_start() {
        let polytopes = [
            random_polytope(60, 5, 0.9, 1, None),
            random_polytope(60, 5, 0.999, 2, Some(1e3)),
            thin_box(4, 1e4, 20, 0.99, 3),
            cauchy_polytope(50, 4, 0.9, 4),
            birkhoff(4, 0.9, 5),
        ];
        for p in &polytopes {
            let c = gradient(p, &p.hidden);
            let first = solve(p, &c, &p.inside);
            let second = solve(p, &c, &p.towards_boundary(0.9, 7));
            let third = solve(p, &c, &p.hidden);
            for k in 0..p.d {
                for other in [&second.x, &third.x] {
                    let scale = first.x[k].abs().to_f64().max(1e-3);
                    assert!((first.x[k] - other[k]).abs().to_f64() < 1e-22 * scale, "{:?} {:?}", first.x[k], other[k]);
                }
            }
            // c was rounded, and ‖A‖ and the slack decide what that does to x; in the Q-norm it is harmless
            assert!(distance_vaidya(&p.a, &p.b, &p.hidden, &first.x) < 1e-8);
            let ratio =
                distance_hessian(&p.a, &p.b, &p.inside, &first.x) / distance_vaidya(&p.a, &p.b, &p.inside, &first.x);
            assert!((1.0..=3f64.sqrt()).contains(&ratio), "Q ≼ H ≼ 3Q, ratio {ratio}");
        }
    }

    /// Mixed signs: the cell of a regression, unbounded or not, holds the x that made the target.
    #[test]
    fn a_cell_of_mixed_signs() {
        let r = regression(60, 5, 1);
        let c = Point::at(&r.a, &r.b, &r.x).gradient();
        let solution = invert_gradient(&r.a, &r.b, &c, &r.x).unwrap();
        assert!(distance(&r.x, &solution.x) < 1e-12, "{:e}", distance(&r.x, &solution.x));
        assert!(solution.slack_error < 1e-28, "{:e}", solution.slack_error);
    }

    #[test]
    fn closed_forms() {
        let p = cube(3);
        let t = [0.3, -0.99, 0.875];
        let c: Vec<f64> = t.iter().map(|&t| box_gradient(t)).collect();
        let solution = solve(&p, &c, &p.inside);
        for k in 0..3 {
            assert_close(solution.x[k].to_f64(), t[k], 1e-14);
        }
        for k in [1, 8, 100] {
            let p = cube_with_repeated_facet(3, k);
            let centre = solve(&p, &[0.0; 3], &p.inside).x;
            assert_within(centre[0].to_f64(), repeated_facet_centre(k), 1e-15);
            assert_within(centre[1].to_f64(), 0.0, 1e-25);
        }
        let p = birkhoff(4, 0.5, 1);
        let centre = solve(&p, &[0.0; 9], &p.hidden).x;
        for x in centre {
            assert!((x - Dd::from(1.0) / Dd::from(4.0)).abs().to_f64() < 1e-28);
        }
    }

    #[test]
    fn a_target_that_cannot_be_reached_gives_none() {
        // x > 0, y > 0: both coordinates of g = (−1/x, −1/y) are negative on the whole cell
        assert!(invert_gradient(&[1.0, 0.0, 0.0, 1.0], &[0.0, 0.0], &[1.0, -1.0], &[1.0, 1.0]).is_none());
    }
}
