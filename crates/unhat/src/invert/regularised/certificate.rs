//! What one minimum proves: the box in which it is the only global minimiser, and whether that box is the whole cell.

use super::frame::Frame;
use super::objective::{Objective, Place};
use crate::error::Result;
use crate::gram::largest_singular_squared;
use crate::invert::certificate::gradient_rounding;
use crate::linalg::{self, dot, norm};
use crate::run::Run;

/// What is proven of the best minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is the only global minimiser in the cell.
    Unique,
    /// No point of the cell has a value lower than its own by more than a share of 10⁻⁹.
    Global,
    /// It is a strict local minimum, and the only global minimiser of L in a box around it.
    Local,
}

impl Proof {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            Proof::Unique => "unique",
            Proof::Global => "global",
            Proof::Local => "local",
        }
    }
}

/// The numbers behind the proof of a minimum x̂, in ordinary floating point with relative margins of 10⁻⁹ (no directed
/// rounding).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegularisedCertificate {
    /// What is proven.
    pub kind: Proof,
    /// r_in: x̂ is the only global minimiser of L in {‖A_x̂(x − x̂)‖∞ ≤ r_in}; 0 where not even that could be shown.
    pub within: f64,
    /// Smallest eigenvalue of ∇²L relative to the Gauss–Newton Hessian H² + K; positive: a strict minimum.
    pub least_curvature: f64,
    /// α = ‖A_x̂(g − c)‖∞, the size of the residual that makes L non-convex.
    pub residual_slope: f64,
    /// The exact minimiser differs from x̂ by at most this relative change of every slack.
    pub slack_error: Option<f64>,
    /// The margin of the test outside the box, as a share of L: positive where the kind is unique.
    pub outside_margin: f64,
    /// Boxes that branch and bound looked at, where it ran.
    pub boxes: Option<u64>,
}

/// Everything computed here is trusted to this share.
const MARGIN: f64 = 1e-9;
/// The largest box that is tried.
const LARGEST_RADIUS: f64 = 0.95;
/// The smallest box worth naming.
const SMALLEST_RADIUS: f64 = 1e-6;

/// Evaluates the theorem at a strict minimum; None where ∇²L is not positive definite.
///
/// With S = H² + K + T, T = D³V[r], r = g − c, α = ‖A_xr‖∞ and ε, κ, a₃, b₄ below, x̂ is the only global minimiser in the
/// box of radius ρ ∈ (0, 1) if one of these holds:
/// (a) 2ε√(λmax(S⁻¹H³) λmax(S⁻¹H)) + 2α b₄ λmax(S⁻¹H) < 1, or the same with H² + K for S and a₃ for b₄;
/// (b) κ² λmin(H) + λmin(H⁻¹K) − 2α a₃ > 0, or the same with K + T for K and b₄ for a₃.
/// Outside the box ‖g − ĝ‖ ≥ Y = κ√λmin(H)·ρ/max‖aᵢ/sᵢ‖_{H⁻¹} and ‖x − x̂‖_K ≥ Z = ρ/max‖aᵢ/sᵢ‖_{K⁻¹}; with
/// Y⁺ = max(Y, ‖r‖), Z⁺ = max(Z, ‖x̂‖_K): if ½Y⁺² − ‖r‖Y⁺ + ½Z⁺² − ‖x̂‖_K Z⁺ > 0, x̂ is the only one of the cell.
/// All rests on |D³V[h, y, y]| ≤ 6‖A_xh‖∞ yᵀHy and |D⁴V[h, k, y, y]| ≤ 402‖A_xh‖∞‖A_xk‖∞ yᵀQy.
///
/// # Cost
/// Third moments, O(nd² + d³).
pub(super) fn certify(
    objective: &Objective<'_>,
    place: &Place,
    run: &Run<'_>,
) -> Result<Option<RegularisedCertificate>> {
    let d = objective.dim();
    let curvature = objective.curvature(place, run)?;
    let frame = Frame::new(objective, place, &curvature)?;
    if !frame.strict() {
        return Ok(None);
    }
    let lower = place.base.factor.lower();
    let mut hessian_root = curvature.hessian.clone();
    if !linalg::cholesky_in_place(&mut hessian_root, d) {
        return Ok(None);
    }
    let slope = objective.barrier.scaled_rows_times(&place.base, &place.residual, run)?;
    let alpha = (1.0 + MARGIN) * slope.iter().fold(0.0, |m: f64, v| m.max(v.abs()));

    // H and H³ in the frame, where H² + K is the identity and S is diag(curvature).
    let framed = |root: Vec<f64>| {
        let mut root = root;
        linalg::solve_lower_rows(&frame.lower, d, &mut root); // columns of R⁻ᵀ·root
        root
    };
    let h = framed(hessian_root.clone());
    let h3 = framed(cube_root(lower, &curvature.hessian, &hessian_root, d));
    let plain = Growth { h: largest_square(&h, d), h3: largest_square(&h3, d) };
    let bent = Growth { h: largest_square(&bend(&h, &frame), d), h3: largest_square(&bend(&h3, &frame), d) };

    // K and K + T against H.
    let root = objective.whitened_root(place);
    let mut k = vec![0.0; d * d];
    linalg::add_outer_product(&root, &root, d, 1.0, &mut k);
    let mut k_and_t: Vec<f64> = k.iter().zip(&curvature.third).map(|(k, t)| k + t).collect();
    linalg::whiten_symmetric(&hessian_root, d, &mut k_and_t);
    let bent_pull = least_eigenvalue(&k_and_t, d);
    let mut k_in_h = k.clone();
    linalg::whiten_symmetric(&hessian_root, d, &mut k_in_h);
    let pull = least_eigenvalue(&k_in_h, d).max(0.0);
    let mut full_root = vec![0.0; d * d];
    linalg::add_product(lower, &hessian_root, d, d, d, &mut full_root);
    let least_hessian = (1.0 - MARGIN) / largest_singular_squared(&linalg::invert_lower(&full_root, d), d);

    let holds = |r: f64| {
        let Remainders { eps, kappa, a3, b4 } = Remainders::at(r);
        2.0 * eps * (bent.h3 * bent.h).sqrt() + 2.0 * alpha * b4 * bent.h < 1.0 - MARGIN
            || 2.0 * eps * (plain.h3 * plain.h).sqrt() + 2.0 * alpha * a3 * plain.h < 1.0 - MARGIN
            || kappa * kappa * least_hessian + pull - 2.0 * alpha * a3 > MARGIN * least_hessian
            || kappa * kappa * least_hessian + bent_pull - 2.0 * alpha * b4 > MARGIN * least_hessian
    };
    let within = largest_radius(holds);

    let residual = norm(&place.residual);
    let pulled = norm(&place.pull);
    let row_norm = |factor: &[f64]| -> Result<f64> {
        Ok((1.0 + MARGIN) * objective.barrier.largest_row_norm_squared(&place.base, factor, run)?.sqrt())
    };
    let mut outside_margin = f64::NEG_INFINITY;
    if within > 0.0 {
        let y = Remainders::at(within).kappa * least_hessian.sqrt() * within / row_norm(&hessian_root)?;
        let z = match linalg::cholesky_in_place(&mut k, d) {
            true => within / row_norm(&k)?,
            false => 0.0,
        };
        let (y, z) = (y.max(residual), z.max(pulled));
        outside_margin = (0.5 * y * y - residual * y + 0.5 * z * z - pulled * z) / place.value.max(f64::MIN_POSITIVE);
    }
    let slack_error = slack_error(objective, place, &frame, bent, alpha, run)?;
    Ok(Some(RegularisedCertificate {
        kind: if outside_margin > MARGIN { Proof::Unique } else { Proof::Local },
        within,
        least_curvature: frame.curvature[0],
        residual_slope: alpha,
        slack_error,
        outside_margin,
        boxes: None,
    }))
}

/// λmax(B⁻¹H) and λmax(B⁻¹H³) for B = H² + K or S.
#[derive(Clone, Copy)]
struct Growth {
    h: f64,
    h3: f64,
}

/// G with GGᵀ = L⁻¹H³L⁻ᵀ = N·H_w·Nᵀ, N = H_w LᵀL: G = N·C with H_w = CCᵀ.
fn cube_root(lower: &[f64], hessian: &[f64], hessian_root: &[f64], d: usize) -> Vec<f64> {
    let mut gram = lower.to_vec(); // Lᵀ L
    linalg::transpose(&mut gram, d);
    let transposed = gram.clone();
    gram.fill(0.0);
    linalg::add_outer_product(&transposed, &transposed, d, 1.0, &mut gram);
    let mut n = vec![0.0; d * d];
    linalg::add_product(hessian, &gram, d, d, d, &mut n);
    let mut root = vec![0.0; d * d];
    linalg::add_product(&n, hessian_root, d, d, d, &mut root);
    root
}

/// λmax(GGᵀ), rounded up.
fn largest_square(root: &[f64], d: usize) -> f64 {
    (1.0 + MARGIN) * largest_singular_squared(root, d)
}

/// diag(curvature)^(−½) Zᵀ G: what is measured against H² + K in the frame becomes measured against S.
fn bend(root: &[f64], frame: &Frame) -> Vec<f64> {
    let d = frame.slope.len();
    let entries = root.chunks_exact(d).flat_map(|column| {
        let axes = frame.axes.chunks_exact(d).zip(&frame.curvature);
        axes.map(move |(axis, m)| dot(axis, column) / m.sqrt())
    });
    entries.collect()
}

fn least_eigenvalue(m: &[f64], d: usize) -> f64 {
    match linalg::symmetric_eigenvalues(m, d) {
        Some(values) => values[0] - MARGIN * values[0].abs().max(values[d - 1].abs()),
        None => f64::NEG_INFINITY,
    }
}

/// The largest radius at which `holds`, by bisection: every condition fails from some radius on. 0 where none does.
fn largest_radius(holds: impl Fn(f64) -> bool) -> f64 {
    if holds(LARGEST_RADIUS) {
        return LARGEST_RADIUS;
    }
    if !holds(SMALLEST_RADIUS) {
        return 0.0;
    }
    let (mut low, mut high) = (SMALLEST_RADIUS, LARGEST_RADIUS);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

/// What the bound on D³V leaves of Taylor expansions in a box of radius r.
pub(super) struct Remainders {
    /// ε = ((1−r)⁻⁵ − 1)/(5r) − 1: the mean Hessian along a chord is within ε·H of H.
    pub eps: f64,
    /// κ = (1 − (1−r)⁷)/(7r): the mean Hessian is at least κ·H.
    pub kappa: f64,
    /// a₃ = 6∫(1−s)(1−sr)⁻⁷ds = ε/r: the third-order remainder along the residual is at most α a₃‖δ‖²_H.
    pub a3: f64,
    /// b₄ = 402 r∫(1−s)∫₀ˢ(1−tr)⁻⁸dt ds = 67(a₃ − 3)/7: the same once T is kept exactly.
    pub b4: f64,
}

impl Remainders {
    pub fn at(r: f64) -> Remainders {
        // Below this radius the differences cancel; five terms of the series leave 10⁻¹².
        const SERIES_BELOW: f64 = 3e-3;
        let kappa = if r > 0.0 { -(7.0 * (-r).ln_1p()).exp_m1() / (7.0 * r) } else { 1.0 };
        let beyond_three = if r < SERIES_BELOW {
            r * (7.0 + r * (14.0 + r * (25.2 + r * (42.0 + r * 66.0))))
        } else {
            ((-5.0 * (-r).ln_1p()).exp_m1() / (5.0 * r) - 1.0) / r - 3.0
        } * (1.0 + MARGIN);
        let a3 = 3.0 + beyond_three;
        Remainders { eps: r * a3, kappa: kappa * (1.0 - MARGIN), a3, b4: 67.0 / 7.0 * beyond_three }
    }
}

/// ‖A_xδ‖∞ ≤ max‖aᵢ/sᵢ‖_{S⁻¹} ‖δ‖_S for the step δ to the exact minimiser: ‖δ‖_S ≤ 2‖∇L‖_{S⁻¹}/(1 − θ), θ the left side of
/// (a) in a box that holds δ.
///
/// Rounding is added to the first order: that of g, at most η in the norm of H⁻¹, enters ∇L through H and so counts with
/// √λmax(S⁻¹H³); that of Wᵀx and of the factorisation is some d·ε of ‖[g − c; Wᵀx]‖.
fn slack_error(
    objective: &Objective<'_>,
    place: &Place,
    frame: &Frame,
    bent: Growth,
    alpha: f64,
    run: &Run<'_>,
) -> Result<Option<f64>> {
    let d = objective.dim();
    let slope: f64 = frame.slope.iter().zip(&frame.curvature).map(|(q, m)| q * q / m).sum::<f64>().sqrt();
    let factorisation = d as f64 * f64::EPSILON * (2.0 * place.value).sqrt() / frame.curvature[0].sqrt();
    let tau = objective.barrier.slack_rounding(&place.base, run)?;
    let largest_tau = tau.iter().fold(0.0, |a: f64, b| a.max(*b));
    let rounding =
        bent.h3.sqrt() * gradient_rounding(objective.barrier, &place.base, largest_tau, run)? + factorisation;
    let mut bent_factor = vec![0.0; d * d]; // RᵀZ diag(1 + λ) ZᵀR = L⁻¹SL⁻ᵀ
    let mut half = vec![0.0; d * d];
    linalg::add_product(&frame.lower, &frame.axes, d, d, d, &mut half);
    for (column, m) in half.chunks_exact_mut(d).zip(&frame.curvature) {
        column.iter_mut().for_each(|v| *v *= m.sqrt());
    }
    linalg::add_outer_product(&half, &half, d, 1.0, &mut bent_factor);
    if !linalg::cholesky_in_place(&mut bent_factor, d) {
        return Ok(None);
    }
    let row = objective.barrier.largest_row_norm_squared(&place.base, &bent_factor, run)?.sqrt();
    let theta = |r: f64| {
        let Remainders { eps, b4, .. } = Remainders::at(r);
        2.0 * eps * (bent.h3 * bent.h).sqrt() + 2.0 * alpha * b4 * bent.h
    };
    // Any box in which (a) holds and the bound stays inside will do: the first of a few.
    let bound = |r: f64| 2.0 * (slope + rounding) / (1.0 - theta(r)) * row * (1.0 + MARGIN);
    let radii = (0..40).map(|k| 0.5f64.powi(40 - k));
    Ok(radii.into_iter().find(|&r| theta(r) < 1.0 && bound(r) < r).map(bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The closed forms against sums of the integrals they stand for.
    #[test]
    fn remainders_are_the_integrals() {
        for r in [1e-5f64, 1e-3, 2.9e-3, 3.1e-3, 0.1, 0.5, 0.9] {
            let steps = 20_000;
            let (mut a3, mut b4, mut inner) = (0.0, 0.0, 0.0);
            for k in 0..steps {
                let s = (k as f64 + 0.5) / steps as f64;
                let width = 1.0 / steps as f64;
                a3 += 6.0 * (1.0 - s) * (1.0 - s * r).powi(-7) * width;
                b4 += 402.0 * r * (1.0 - s) * (inner + 0.5 * width * (1.0 - s * r).powi(-8)) * width;
                inner += (1.0 - s * r).powi(-8) * width;
            }
            let found = Remainders::at(r);
            let tolerance = if r > 0.8 { 1e-4 } else { 1e-6 };
            assert!((found.a3 / a3 - 1.0).abs() < tolerance, "a3({r}): {} and {a3}", found.a3);
            assert!((found.b4 / b4 - 1.0).abs() < tolerance, "b4({r}): {} and {b4}", found.b4);
            assert!((found.eps / (((1.0 - r).powi(-5) - 1.0) / (5.0 * r) - 1.0) - 1.0).abs() < 1e-5, "eps({r})");
        }
    }
}
