//! The curve of stationary points over the scale of the weights, followed by arc length through its folds.
//!
//! F(x, z, ν) = (g − c + z, Hz − e^ν Kx) = 0 joins the solution without regulariser (ν = −∞) to the minimiser of the
//! regulariser (ν = +∞). Where it crosses ν = 0 lies a stationary point of L; where it turns back in ν, minima are born or
//! die. With z = c − g as an unknown of its own H is never squared: on badly scaled columns the curve in x alone is lost.

use super::objective::{Objective, Place};
use super::trust_region::{DescentOptions, descend};
use crate::barrier::WhitenedCurvature;
use crate::error::Result;
use crate::linalg::{self, norm};
use crate::run::Run;

/// What happens at a fold as the weights grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// A minimum and a saddle appear.
    Born,
    /// A minimum and a saddle meet and vanish.
    Dies,
}

impl FoldKind {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            FoldKind::Born => "born",
            FoldKind::Dies => "dies",
        }
    }
}

/// A scale of the weights at which two stationary points meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fold {
    /// t: the fold belongs to the weights t·w. From a cubic through two points of the curve, good to about three digits.
    pub weight_scale: f64,
    /// What happens as t grows.
    pub direction: FoldKind,
    /// Negative eigenvalues of ∇²L on the lower of the two branches: 0 where one of them is a minimum.
    pub index: usize,
}

/// A stationary point of L met by the curve.
pub(super) struct Crossing {
    pub x: Vec<f64>,
    /// A step off x along the most negative curvature, where the point is no minimum.
    pub downhill: Option<Vec<f64>>,
}

/// What one walk along the curve met.
pub(super) struct Trace {
    pub crossings: Vec<Crossing>,
    pub folds: Vec<Fold>,
    /// The walk ended at the other end of ν after an odd number of crossings.
    pub complete: bool,
    /// It was left because its work was spent.
    pub cut: bool,
}

/// The curve is followed between these scales of μ = e^ν: at the first the regulariser is a perturbation, at the last the
/// fit is.
const LEAST_SCALE: f64 = 1e-8;
const LARGEST_SCALE: f64 = 1e8;
/// Largest relative change of a slack in one step: at first, and in the two tries after a failed self-check.
const STEP_CAPS: [f64; 3] = [0.3, 0.1, 0.04];
/// Largest change of ν in one step.
const SCALE_CAP: f64 = 2.0;
/// Steps of one walk; 40 to 80 are the rule, 1000 were seen on badly scaled columns.
const MAX_STEPS: usize = 3000;
const MAX_CORRECTIONS: usize = 10;
/// A corrector that moves further than this has left the curve.
const CORRECTION_CAP: f64 = 0.7;
/// Spots of the curve are known to this; the next one is corrected afresh.
const CORRECTION_DONE: f64 = 1e-5;
/// Crossings are known to this before they are polished.
const CROSSING_DONE: f64 = 1e-6;
/// A correction with the derivatives of the spot before must be this much smaller than the last one.
const CHORD_RATE: f64 = 0.3;
/// Corrections of the first point: it may lie off the curve.
const FIRST_CORRECTIONS: usize = 20;
/// Shorter steps than this make no progress.
const SHORTEST_STEP: f64 = 1e-8;
const LONGEST_STEP: f64 = 20.0;
/// How far a saddle is left along its downhill axis, in relative slack change.
const SADDLE_STEP: f64 = 0.05;

/// Which end a walk begins at.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    /// Near the solution without regulariser.
    SmallWeights,
    /// Near the minimiser of the regulariser, where the cell holds no solution without one.
    LargeWeights,
}

/// Walks from `x` near one end to the other; walks again with shorter steps where the self-check fails (the curve joins
/// the two ends, so a walk that jumped to another branch mostly ends on the wrong side or crosses ν = 0 an even number
/// of times), and no further once `most_work` evaluations' worth is spent. The crossings of failed walks are stationary points all the same, and are kept before those of the last.
///
/// # Cost
/// Two to four evaluations of L with its curvature a step: about ten descents.
pub(super) fn follow(
    objective: &Objective<'_>,
    x: &[f64],
    end: End,
    options: DescentOptions,
    most_work: f64,
    run: &Run<'_>,
) -> Result<Trace> {
    let last_work = objective.barrier.work() + most_work;
    let mut crossings = Vec::new();
    for (k, cap) in STEP_CAPS.into_iter().enumerate() {
        let mut trace = walk(objective, x, end, (cap, last_work), options, run)?;
        if trace.complete || trace.cut || k + 1 == STEP_CAPS.len() {
            crossings.append(&mut trace.crossings);
            return Ok(Trace { crossings, ..trace });
        }
        crossings.append(&mut trace.crossings);
    }
    Ok(Trace { crossings, folds: Vec::new(), complete: false, cut: false })
}

fn walk(
    objective: &Objective<'_>,
    x: &[f64],
    end: End,
    (step_cap, last_work): (f64, f64),
    options: DescentOptions,
    run: &Run<'_>,
) -> Result<Trace> {
    let mut trace = Trace { crossings: Vec::new(), folds: Vec::new(), complete: false, cut: false };
    let (lowest, highest) = (LEAST_SCALE.ln(), LARGEST_SCALE.ln());
    let nu = if end == End::SmallWeights { lowest } else { highest };
    let Some(mut here) = first_spot(objective, x, nu, options, run)? else { return Ok(trace) };
    let d = x.len();
    let mut outward = vec![0.0; 2 * d + 1];
    outward[2 * d] = if end == End::SmallWeights { 1.0 } else { -1.0 };
    let Some(mut tangent) = here.tangent(&outward) else { return Ok(trace) };
    let mut length = 0.3; // of the first step
    for _ in 0..MAX_STEPS {
        run.check()?;
        if objective.barrier.work() > last_work {
            trace.cut = true;
            return Ok(trace);
        }
        let Some((next, corrections, taken)) = here.step(&tangent, length, step_cap, objective, run)? else {
            return Ok(trace);
        };
        let secant = next.from(&here);
        let Some(next_tangent) = next.tangent(&secant) else { return Ok(trace) };
        let span = arc(&secant);
        let (before, after) = ((&here, tangent[2 * d]), (&next, next_tangent[2 * d]));
        trace.folds.extend(fold_between(before, after, span, objective, run)?);
        if (here.nu < 0.0) != (next.nu < 0.0)
            && let Some(crossing) = crossing_between(&here, &next, objective, run)?
        {
            trace.crossings.push(crossing);
        }
        length = if corrections <= 2 { (1.7 * taken).min(LONGEST_STEP) } else { taken };
        (here, tangent) = (next, next_tangent);
        let arrived = match end {
            End::SmallWeights => here.nu > highest,
            End::LargeWeights => here.nu < lowest,
        };
        let returned = here.nu > highest + 1.0 || here.nu < lowest - 1.0;
        if arrived || returned {
            trace.complete = arrived && trace.crossings.len() % 2 == 1;
            return Ok(trace);
        }
    }
    Ok(trace)
}

/// The point of the curve at ν near x: corrected from there, or from where a descent leads.
fn first_spot(
    objective: &Objective<'_>,
    x: &[f64],
    nu: f64,
    options: DescentOptions,
    run: &Run<'_>,
) -> Result<Option<Spot>> {
    let Some(place) = objective.at(x, run)? else { return Ok(None) };
    let z: Vec<f64> = place.residual.iter().map(|r| -r).collect();
    if let Some((spot, _)) = corrected(objective, (x.to_vec(), z, nu), None, (FIRST_CORRECTIONS, CORRECTION_DONE), run)?
    {
        return Ok(Some(spot));
    }
    let polished = objective.scaled((0.5 * nu).exp());
    let Some(first) = polished.at(x, run)? else { return Ok(None) };
    let place = descend(&polished, first, options, &mut |_: &Place, _| {}, run)?.place;
    let z = place.residual.iter().map(|r| -r).collect();
    let start = (place.base.x, z, nu);
    match corrected(objective, start.clone(), None, (FIRST_CORRECTIONS, CORRECTION_DONE), run)? {
        Some((spot, _)) => Ok(Some(spot)),
        None => Spot::at(objective, &start.0, start.1, nu, run),
    }
}

/// A point of the (x, z, ν) space with the derivatives of F there, or where the corrections that led to it began, all in
/// coordinates whitened by L there.
struct Spot {
    x: Vec<f64>,
    z: Vec<f64>,
    nu: f64,
    /// Where the derivatives belong to.
    place: Place,
    /// Whether that is x.
    exact: bool,
    /// H_w and T_w = D³V(z).
    curvature: WhitenedCurvature,
    /// L⁻¹KL⁻ᵀ.
    weight: Vec<f64>,
    /// LᵀL.
    gram: Vec<f64>,
    /// L⁻¹F₁ = L⁻¹(g − c + z), then L⁻¹F₂ = H_wLᵀz − e^ν L⁻¹Kx.
    defect: Vec<f64>,
    /// e^ν L⁻¹Kx.
    pull: Vec<f64>,
}

impl Spot {
    fn at(objective: &Objective<'_>, x: &[f64], z: Vec<f64>, nu: f64, run: &Run<'_>) -> Result<Option<Spot>> {
        let Some(place) = objective.at(x, run)? else { return Ok(None) };
        let curvature = objective.curvature_along(&place, &z, run)?;
        let d = x.len();
        let (lower, mu) = (place.base.factor.lower(), nu.exp());
        let fit: Vec<f64> = place.residual.iter().zip(&z).map(|(r, z)| r + z).collect();
        let mut defect = place.base.factor.half_solve(&fit);
        let pull: Vec<f64> = objective.whitened_pull(&place).iter().map(|k| mu * k).collect();
        let along =
            linalg::symmetric_times_vector(&curvature.hessian, &linalg::lower_transposed_times_vector(lower, &z));
        defect.extend(along.iter().zip(&pull).map(|(h, k)| h - k));
        let root = objective.whitened_root(&place);
        let mut weight = vec![0.0; d * d];
        linalg::add_outer_product(&root, &root, d, 1.0, &mut weight);
        let mut upper = lower.to_vec();
        linalg::transpose(&mut upper, d);
        let mut gram = vec![0.0; d * d];
        linalg::add_outer_product(&upper, &upper, d, 1.0, &mut gram);
        Ok(Some(Spot { x: x.to_vec(), z, nu, place, exact: true, curvature, weight, gram, defect, pull }))
    }

    fn dim(&self) -> usize {
        self.pull.len()
    }

    /// Negative eigenvalues of the Hessian of L at the weights of this spot.
    fn index(&self, objective: &Objective<'_>, run: &Run<'_>) -> Result<usize> {
        let negative = |spot: &Spot| {
            let values = linalg::symmetric_eigenvalues(&spot.hessian(), spot.dim());
            values.map_or(0, |values| values.iter().filter(|v| **v < 0.0).count())
        };
        match self.exact {
            true => Ok(negative(self)),
            false => Ok(Spot::at(objective, &self.x, self.z.clone(), self.nu, run)?.map_or(0, |spot| negative(&spot))),
        }
    }

    /// The difference to an earlier spot, (x, z, ν), in the coordinates of this one.
    fn from(&self, earlier: &Spot) -> Vec<f64> {
        let h: Vec<f64> = self.x.iter().zip(&earlier.x).map(|(x, y)| x - y).collect();
        let dz: Vec<f64> = self.z.iter().zip(&earlier.z).map(|(z, y)| z - y).collect();
        let mut u = linalg::lower_transposed_times_vector(self.place.base.factor.lower(), &h);
        u.extend(self.place.base.factor.half_solve(&dz));
        u.push(self.nu - earlier.nu);
        u
    }

    /// [∂F; borderᵀ], scaled; None where it is singular.
    ///
    /// ∂F = [H_w, I, 0; T_w − e^ν K_w, H_wLᵀL, −e^ν L⁻¹Kx]
    fn system(&self, border: &[f64]) -> Option<Bordered> {
        let d = self.dim();
        let side = 2 * d + 1;
        let mu = self.nu.exp();
        let mut product = vec![0.0; d * d]; // H_w LᵀL
        linalg::add_product(&self.curvature.hessian, &self.gram, d, d, d, &mut product);
        let mut rows = vec![0.0; side * side];
        for i in 0..d {
            let row = &mut rows[i * side..(i + 1) * side];
            (0..d).for_each(|j| row[j] = self.curvature.hessian[i + j * d]);
            row[d + i] = 1.0;
            let row = &mut rows[(d + i) * side..(d + i + 1) * side];
            (0..d).for_each(|j| row[j] = self.curvature.third[i + j * d] - mu * self.weight[i + j * d]);
            (0..d).for_each(|j| row[d + j] = product[i + j * d]);
            row[2 * d] = -self.pull[i];
        }
        rows[2 * d * side..].copy_from_slice(border);
        Bordered::new(rows, side)
    }

    /// L⁻¹F₁ and L⁻¹F₂ at another point, in the coordinates of this one; `image` is Hz there.
    fn defect_of(&self, objective: &Objective<'_>, place: &Place, z: &[f64], image: &[f64], nu: f64) -> Vec<f64> {
        let factor = &self.place.base.factor;
        let pull = linalg::lower_times_vector(&objective.root, &place.pull);
        let fit: Vec<f64> = place.residual.iter().zip(z).map(|(r, z)| r + z).collect();
        let balance: Vec<f64> = image.iter().zip(&pull).map(|(h, k)| h - nu.exp() * k).collect();
        [factor.half_solve(&fit), factor.half_solve(&balance)].concat()
    }

    /// A step t = (u, w, η) as (L⁻ᵀu, Lw, η).
    fn in_x(&self, t: &[f64]) -> (Vec<f64>, Vec<f64>, f64) {
        let d = self.dim();
        let factor = &self.place.base.factor;
        let h = factor.half_solve_transposed(&t[..d]);
        (h, linalg::lower_times_vector(factor.lower(), &t[d..2 * d]), t[2 * d])
    }

    /// The tangent of the curve on the side of `towards`, of length 1 in (x, ν).
    fn tangent(&self, towards: &[f64]) -> Option<Vec<f64>> {
        let d = self.dim();
        let mut border = towards.to_vec();
        border[d..2 * d].fill(0.0);
        let mut v = vec![0.0; 2 * d + 1];
        v[2 * d] = arc(&border);
        let t = self.system(&border)?.solve(&v)?;
        let length = arc(&t);
        (length.is_finite() && length > 0.0).then(|| t.iter().map(|v| v / length).collect())
    }

    /// (x + L⁻ᵀu, z + Lw, ν + η) for a step t = (u, w, η) of this length.
    fn moved(&self, t: &[f64], length: f64) -> (Vec<f64>, Vec<f64>, f64) {
        let (h, w, eta) = self.in_x(t);
        let x = self.x.iter().zip(&h).map(|(x, h)| x + length * h).collect();
        let z = self.z.iter().zip(&w).map(|(z, w)| z + length * w).collect();
        (x, z, self.nu + length * eta)
    }

    /// ‖A_x L⁻ᵀu‖∞ = ‖Uu‖∞.
    fn slack_change(&self, objective: &Objective<'_>, u: &[f64], run: &Run<'_>) -> Result<f64> {
        objective.largest_change(&self.place, &self.place.base.factor.half_solve_transposed(u), run)
    }

    /// One predictor–corrector step: the next spot, its number of corrections, and the length that worked.
    fn step(
        &self,
        tangent: &[f64],
        length: f64,
        step_cap: f64,
        objective: &Objective<'_>,
        run: &Run<'_>,
    ) -> Result<Option<(Spot, usize, f64)>> {
        let d = self.dim();
        let change = self.slack_change(objective, &tangent[..d], run)?;
        let longest =
            (step_cap / change.max(f64::MIN_POSITIVE)).min(SCALE_CAP / tangent[2 * d].abs().max(f64::MIN_POSITIVE));
        let mut length = length.min(longest);
        let plane = (self.place.base.factor.half_solve_transposed(&tangent[..d]), tangent[2 * d]);
        while length >= SHORTEST_STEP {
            run.check()?;
            let start = self.moved(tangent, length);
            if let Some((spot, corrections)) =
                corrected(objective, start, Some(&plane), (MAX_CORRECTIONS, CORRECTION_DONE), run)?
            {
                return Ok(Some((spot, corrections, length)));
            }
            length *= 0.5;
        }
        Ok(None)
    }

    /// L⁻¹∇²L L⁻ᵀ at the weights of this spot: H_wLᵀLH_w + e^νK_w − T_w(z), z = c − g.
    fn hessian(&self) -> Vec<f64> {
        let d = self.dim();
        let mut half = vec![0.0; d * d]; // L H_w
        linalg::add_product(self.place.base.factor.lower(), &self.curvature.hessian, d, d, d, &mut half);
        linalg::transpose(&mut half, d);
        let mu = self.nu.exp();
        let mut total: Vec<f64> = self.weight.iter().zip(&self.curvature.third).map(|(k, t)| mu * k - t).collect();
        linalg::add_outer_product(&half, &half, d, 1.0, &mut total);
        linalg::symmetrise(&mut total, d);
        total
    }

    /// Eigenvalues and eigenvectors of the Hessian.
    fn eigen(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        linalg::symmetric_eigen(&self.hessian(), self.dim())
    }
}

/// Newton's method back to the curve, in the plane orthogonal to a tangent (h, η) or with ν fixed; the number of
/// corrections beside. On a coreset, whose tensors are dear beside its products, further corrections take the derivatives
/// of the first while they shrink fast, and the spot keeps them.
fn corrected(
    objective: &Objective<'_>,
    (mut x, mut z, mut nu): (Vec<f64>, Vec<f64>, f64),
    plane: Option<&(Vec<f64>, f64)>,
    (most, done): (usize, f64),
    run: &Run<'_>,
) -> Result<Option<(Spot, usize)>> {
    let d = x.len();
    let mut corrections = 0;
    while corrections < most {
        let Some(spot) = Spot::at(objective, &x, z, nu, run)? else { return Ok(None) };
        let mut border = vec![0.0; 2 * d + 1];
        border[2 * d] = plane.map_or(1.0, |(_, eta)| *eta);
        if let Some((h, _)) = plane {
            border[..d].copy_from_slice(&linalg::lower_transposed_times_vector(spot.place.base.factor.lower(), h));
        }
        let Some(system) = spot.system(&border) else { return Ok(None) };
        let mut last = f64::INFINITY;
        let mut defect = spot.defect.clone();
        let (mut at_x, mut at_z, mut at_nu) = (spot.place.base.x.clone(), spot.z.clone(), spot.nu);
        loop {
            let right: Vec<f64> = defect.iter().map(|f| -f).chain([0.0]).collect();
            let Some(step) = system.solve(&right) else { return Ok(None) };
            let size = spot.slack_change(objective, &step[..d], run)? + step[2 * d].abs();
            if size.is_nan() || size > CORRECTION_CAP {
                return Ok(None);
            }
            if size < done {
                let exact = last.is_infinite();
                return Ok(Some((Spot { x: at_x, z: at_z, nu: at_nu, exact, ..spot }, corrections)));
            }
            if size > CHORD_RATE * last {
                break; // derivatives of this point are wanted
            }
            corrections += 1;
            last = size;
            let (h, w, eta) = spot.in_x(&step);
            at_x.iter_mut().zip(&h).for_each(|(x, h)| *x += h);
            at_z.iter_mut().zip(&w).for_each(|(z, w)| *z += w);
            at_nu += eta;
            let Some(rows) = objective.drawn.as_ref().filter(|_| corrections < most) else { break };
            let Some(place) = objective.at(&at_x, run)? else { return Ok(None) };
            let image = rows.hessian_vec(&place.base, &at_z);
            defect = spot.defect_of(objective, &place, &at_z, &image, at_nu);
        }
        (x, z, nu) = (at_x, at_z, at_nu);
    }
    Ok(None)
}

/// A square system with its rows, and the columns in the middle, scaled to 1.
struct Bordered {
    side: usize,
    /// The scaled rows.
    rows: Vec<f64>,
    row_scale: Vec<f64>,
    column_scale: Vec<f64>,
}

impl Bordered {
    fn new(mut rows: Vec<f64>, side: usize) -> Option<Bordered> {
        let d = side / 2;
        let mut row_scale = vec![1.0; side];
        for (row, scale) in rows.chunks_exact_mut(side).zip(&mut row_scale) {
            *scale = 1.0 / row.iter().fold(f64::MIN_POSITIVE, |m: f64, v| m.max(v.abs()));
            row.iter_mut().for_each(|v| *v *= *scale);
        }
        let mut column_scale = vec![1.0; side];
        for (j, scale) in column_scale.iter_mut().enumerate().take(2 * d).skip(d) {
            *scale = 1.0 / (0..2 * d).fold(f64::MIN_POSITIVE, |m: f64, i| m.max(rows[i * side + j].abs()));
            (0..side).for_each(|i| rows[i * side + j] *= *scale);
        }
        rows.iter().all(|v| v.is_finite()).then_some(Bordered { side, rows, row_scale, column_scale })
    }

    /// The solution for this right side; None where the system is singular.
    fn solve(&self, right: &[f64]) -> Option<Vec<f64>> {
        debug_assert_eq!(right.len(), self.side);
        let scaled: Vec<f64> = right.iter().zip(&self.row_scale).map(|(v, s)| v * s).collect();
        let t = linalg::solve_square(&self.rows, &scaled)?;
        Some(t.iter().zip(&self.column_scale).map(|(t, c)| t * c).collect())
    }
}

/// The length of a step in (x, ν).
fn arc(t: &[f64]) -> f64 {
    let d = t.len() / 2;
    norm(&t[..d]).hypot(t[2 * d])
}

/// The extremum of the cubic in ν through two spots and their slopes, where the slopes have opposite signs.
fn fold_between(
    (a, slope_a): (&Spot, f64),
    (b, slope_b): (&Spot, f64),
    length: f64,
    objective: &Objective<'_>,
    run: &Run<'_>,
) -> Result<Option<Fold>> {
    if slope_a * slope_b >= 0.0 {
        return Ok(None);
    }
    let (p, q, rise) = (length * slope_a, length * slope_b, b.nu - a.nu);
    let slope = |t: f64| p + 2.0 * (3.0 * rise - 2.0 * p - q) * t + 3.0 * (p + q - 2.0 * rise) * t * t;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(middle) * p > 0.0 { low = middle } else { high = middle }
    }
    let t = low;
    let nu = a.nu + t * (p + t * ((3.0 * rise - 2.0 * p - q) + t * (p + q - 2.0 * rise)));
    Ok(Some(Fold {
        weight_scale: (0.5 * nu).exp(),
        direction: if slope_a > 0.0 { FoldKind::Dies } else { FoldKind::Born },
        index: a.index(objective, run)?.min(b.index(objective, run)?),
    }))
}

/// The stationary point at ν = 0 between two spots, by Newton's method from the chord; the chord itself where that fails.
fn crossing_between(a: &Spot, b: &Spot, objective: &Objective<'_>, run: &Run<'_>) -> Result<Option<Crossing>> {
    let d = a.dim();
    let share = a.nu / (a.nu - b.nu);
    let between = |u: &[f64], v: &[f64]| -> Vec<f64> { u.iter().zip(v).map(|(u, v)| u + share * (v - u)).collect() };
    let (x, z) = (between(&a.x, &b.x), between(&a.z, &b.z));
    let spot = match corrected(objective, (x.clone(), z.clone(), 0.0), None, (MAX_CORRECTIONS, CROSSING_DONE), run)? {
        Some((spot, _)) if spot.exact => Some(spot),
        Some((spot, _)) => Spot::at(objective, &spot.x, spot.z, 0.0, run)?,
        None => Spot::at(objective, &x, z, 0.0, run)?,
    };
    let Some(spot) = spot else { return Ok(None) };
    let mut downhill = None;
    if let Some((values, axes)) = spot.eigen()
        && values[0] < 0.0
    {
        let change = spot.slack_change(objective, &axes[..d], run)?;
        let axis: Vec<f64> = axes[..d].iter().map(|v| SADDLE_STEP / change * v).collect();
        downhill = Some(spot.place.base.factor.half_solve_transposed(&axis));
    }
    Ok(Some(Crossing { x: spot.place.base.x, downhill }))
}
