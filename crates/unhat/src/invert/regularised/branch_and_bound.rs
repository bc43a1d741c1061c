//! Branch and bound over the cell: in a few dimensions, the proof that no point has a lower value, or the point.

use super::certificate::Remainders;
use super::objective::{Objective, Place};
use super::search::{Origin, Search};
use super::small_cell::{SmallCell, SmallPoint};
use crate::barrier::unwhiten;
use crate::error::{ErrorKind, Result};
use crate::linalg::{self, dot, norm};
use std::collections::VecDeque;

/// What the boxes say.
pub(super) struct Verdict {
    /// Every x of the cell with L(x) < (1 − 10⁻⁹)·L_best was excluded.
    pub proven: bool,
    /// Boxes looked at.
    pub boxes: u64,
    /// Why there is no proof.
    pub reason: Option<String>,
}

/// How long branch and bound may go on.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Patience {
    /// About a second on one core; beyond, only while the boxes that wait are few beside those looked at, so that an end is
    /// in sight, and for some seconds.
    Unasked,
    /// Half a minute.
    Asked,
}

impl Patience {
    /// Flops all boxes together may cost; boxes are then fewer where rows are many.
    fn flops(self) -> f64 {
        match self {
            Patience::Unasked => 1.2e10,
            Patience::Asked => 2e11,
        }
    }
}

/// Flops of a second, as boxes are counted.
const LOOK_FLOPS: f64 = 1.8e9;
/// Boxes waiting, as a share of those looked at, from which on no end is in sight.
const HOPEFUL: f64 = 0.35;
/// The share of L_best below which a better value is not looked for: far above rounding, far below interest.
const GAP: f64 = 1e-9;
/// Boxes reaching further than this towards a facet get no Taylor bound.
const TAYLOR_REACH: f64 = 0.95;
/// A facet counts as near a box that takes this share of its slack.
const NEAR_FACET: f64 = 0.2;
/// Anchors of the bound near facets lie this many box slacks (times d) inside.
const ANCHOR_DEPTHS: [f64; 2] = [3.0, 12.0];

/// Excludes all of the cell, box by box, from holding a value lower than the best minimum's; better minima met on the way
/// join the list and take its place.
///
/// Boxes live in the eigenbasis of H at the best minimum. One is discarded if
/// - some slack is smaller on it than min σᵢ(x_c)/(d + GD)·sᵢ(x_c), G = ‖c‖ + √(2L_best), D the largest distance to the
///   interior point x_c: there ‖g‖ > G (the row of smallest sᵢ(x)/sᵢ(x_c) has σᵢ(x) ≥ σᵢ(x_c));
/// - it lies in the box around a known minimum in which that one is the only global minimiser;
/// - ½xᵀKx alone is larger than L_best on it;
/// - L_m − t + t²/(4L_m) is, t = |∇L_m|ᵀh + a₃(ρ)·min(α‖δ‖²_H, ρ‖r‖_H‖δ‖_H), with ρ the largest relative slack change
///   in the box (‖[g − c; Wᵀx]‖ falls by at most t/√(2L_m)); or the same for ½‖g − c‖² alone beside the bound of ½xᵀKx;
/// - φ grew so much since its minimiser x₀ (or x_c, where there is none) that ‖g − c‖ ≥ (φ(x) − φ(x₀))/‖x − x₀‖ is too
///   large: φ is convex;
/// - near a facet: the same bound on ‖g − c‖ from a point z further inside, ‖r‖ ≥ (σᵢ(z)/t − d − cᵀ(x−z))/‖x − z‖.
///
/// # Cost
/// One evaluation with H a box that gets past the cheap tests; 10² to 10⁵ boxes for d ≤ 3, up to a third of them waiting.
pub(super) fn prove_globally(
    search: &mut Search<'_, '_>,
    fitted: Option<&[f64]>,
    centre: &[f64],
    max_boxes: u64,
    patience: Patience,
) -> Result<Verdict> {
    let refuse = |reason: &str| Ok(Verdict { proven: false, boxes: 0, reason: Some(reason.into()) });
    let Some(best) = search.best() else { return refuse("no minimum was found") };
    if search.value(best) == 0.0 {
        return Ok(Verdict { proven: true, boxes: 0, reason: None }); // L ≥ 0
    }
    let rotated = Rotated::new(search.objective, &search.found[best].place, search)?;
    let Some(mut bounds) = Bounds::new(&rotated, search, fitted, centre)? else {
        return refuse("the centre of the cell lies too near its boundary to be evaluated");
    };
    let Some(first) = bounds.enclosing_box() else {
        return refuse("neither the regulariser nor the cell bounds the region to be searched");
    };
    bounds.set_least_slack(&first);
    let work = rotated.cell.len() as f64 * 8.0 * (search.objective.dim() as f64).powi(3);
    let budget = max_boxes.min((patience.flops() / work) as u64);
    let look = (LOOK_FLOPS / work) as u64;
    // Large boxes first: their middles show lower values, if there are any, before the level set of the best value so far
    // is resolved box by box.
    let (mut queue, mut boxes) = (VecDeque::from([first]), 0);
    while let Some(cell) = queue.pop_front() {
        boxes += 1;
        if boxes > budget {
            let reason = format!("branch and bound did not end within {budget} boxes");
            return Ok(Verdict { proven: false, boxes, reason: Some(reason) });
        }
        if patience == Patience::Unasked && boxes > look && queue.len() as f64 > HOPEFUL * boxes as f64 {
            let reason = format!("branch and bound was left after {boxes} boxes, most of which led to others");
            return Ok(Verdict { proven: false, boxes, reason: Some(reason) });
        }
        search.run.check()?;
        let reach = Reach::of(&cell, &rotated.cell);
        if bounds.discards_at_sight(&cell, &reach) || bounds.discards(&cell, &reach, search)? {
            continue;
        }
        queue.extend(cell.halves(&rotated.cell, &reach, &bounds.least_slack));
    }
    Ok(Verdict { proven: true, boxes, reason: None })
}

/// The problem in the eigenbasis O of H at the best minimum, all slacks positive: y = Oᵀx, rows ςᵢaᵢO.
struct Rotated {
    basis: Vec<f64>,
    cell: SmallCell,
    target: Vec<f64>,
    /// OᵀKO, full.
    weight: Vec<f64>,
}

impl Rotated {
    fn new(objective: &Objective<'_>, place: &Place, search: &Search<'_, '_>) -> Result<Rotated> {
        let d = objective.dim();
        let whitened = objective.barrier.whitened_hessian(&place.base, search.run)?.h;
        let hessian = unwhiten(place.base.factor.lower(), d, &whitened);
        let Some((_, basis)) = linalg::symmetric_eigen(&hessian, d) else {
            return Err(ErrorKind::Numerical { reason: "the eigenvalues of H were not found".into() }.into());
        };
        let (positive, offset) = (objective.barrier.positive(), objective.barrier.offset());
        let all: Vec<usize> = (0..positive.len()).collect();
        let gathered = objective.barrier.source().gather(&all)?;
        let (mut rows, mut signed) = (Vec::with_capacity(gathered.len()), Vec::with_capacity(offset.len()));
        for ((row, &b), &p) in gathered.chunks_exact(d).zip(offset).zip(positive) {
            if row.iter().all(|a| *a == 0.0) {
                continue; // a zero row has score 0 and a slack that never changes
            }
            let sign = if p { 1.0 } else { -1.0 };
            rows.extend(basis.chunks_exact(d).map(|axis| sign * dot(row, axis)));
            signed.push(sign * b);
        }
        // OᵀW column by column, and its outer square.
        let turn = |v: &[f64]| basis.chunks_exact(d).map(|axis| dot(axis, v)).collect::<Vec<f64>>();
        let root: Vec<f64> = objective.root.chunks_exact(d).flat_map(turn).collect();
        let mut weight = vec![0.0; d * d];
        linalg::add_outer_product(&root, &root, d, 1.0, &mut weight);
        let target = turn(objective.target);
        Ok(Rotated { cell: SmallCell::new(rows, signed, d), target, weight, basis })
    }

    /// Oᵀx.
    fn turned(&self, x: &[f64]) -> Vec<f64> {
        self.basis.chunks_exact(x.len()).map(|axis| dot(axis, x)).collect()
    }

    /// Oy.
    fn turned_back(&self, y: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; y.len()];
        linalg::add_product(&self.basis, y, y.len(), y.len(), 1, &mut x);
        x
    }
}

/// {y : |y − middle| ≤ half}, axis by axis.
#[derive(Clone)]
struct Cuboid {
    middle: Vec<f64>,
    half: Vec<f64>,
}

/// How the rows see a box: the slacks at its middle, and how far they can move.
struct Reach {
    slack: Vec<f64>,
    extent: Vec<f64>,
}

impl Reach {
    fn of(cuboid: &Cuboid, cell: &SmallCell) -> Reach {
        let slack = cell.slack(&cuboid.middle);
        let extent = cell.rows().map(|a| a.iter().zip(&cuboid.half).map(|(a, h)| a.abs() * h).sum()).collect();
        Reach { slack, extent }
    }
}

impl Cuboid {
    /// Cut in two across the axis along which some slack changes most, relative to its size.
    fn halves(&self, cell: &SmallCell, reach: &Reach, least_slack: &[f64]) -> [Cuboid; 2] {
        let mut change = vec![0.0f64; self.half.len()];
        for ((a, s), least) in cell.rows().zip(&reach.slack).zip(least_slack) {
            let size = s.abs().max(*least).max(f64::MIN_POSITIVE);
            for ((c, a), h) in change.iter_mut().zip(a).zip(&self.half) {
                *c = c.max(a.abs() * h / size);
            }
        }
        let axis = (0..change.len()).fold(0, |best, j| if change[j] > change[best] { j } else { best });
        [-1.0, 1.0].map(|side| {
            let mut part = self.clone();
            part.half[axis] *= 0.5;
            part.middle[axis] += side * part.half[axis];
            part
        })
    }

    /// The largest of `f` over the corners, as offsets from the middle; corners that are mirror images count once.
    fn corners(&self, f: impl Fn(&[f64]) -> f64) -> f64 {
        let d = self.half.len();
        let mut offset = vec![0.0; d];
        let values = (0..1usize << (d - 1)).map(|signs| {
            for j in 0..d {
                offset[j] = if signs >> j & 1 == 1 { -self.half[j] } else { self.half[j] };
            }
            f(&offset)
        });
        values.fold(0.0, f64::max)
    }

    /// Upper bound of ‖y − z‖ over the box.
    fn farthest(&self, z: &[f64]) -> f64 {
        let squares = self.middle.iter().zip(&self.half).zip(z).map(|((m, h), z)| ((m - z).abs() + h).powi(2));
        squares.sum::<f64>().sqrt()
    }
}

/// A minimum and the box in which it is the only global one.
struct Well {
    y: Vec<f64>,
    slack: Vec<f64>,
    within: f64,
}

/// Everything the tests compare with.
struct Bounds<'r> {
    rotated: &'r Rotated,
    /// L_best·(1 − GAP).
    threshold: f64,
    best: f64,
    wells: Vec<Well>,
    /// x_c, evaluated.
    centre: SmallPoint,
    /// x₀ and φ(x₀).
    anchor: (Vec<f64>, f64),
    /// Slacks below these are impossible where L ≤ L_best.
    least_slack: Vec<f64>,
}

impl<'r> Bounds<'r> {
    fn new(
        rotated: &'r Rotated,
        search: &Search<'_, '_>,
        fitted: Option<&[f64]>,
        centre: &[f64],
    ) -> Result<Option<Bounds<'r>>> {
        let Some(centre) = rotated.cell.at(&rotated.turned(centre)) else { return Ok(None) };
        let anchor = fitted.and_then(|x| rotated.cell.at(&rotated.turned(x)));
        let anchor = anchor.as_ref().unwrap_or(&centre);
        let anchor = (anchor.y.clone(), anchor.value - dot(&rotated.target, &anchor.y));
        let least_slack = vec![0.0; centre.slack.len()];
        let mut bounds =
            Bounds { rotated, threshold: 0.0, best: f64::INFINITY, wells: Vec::new(), centre, anchor, least_slack };
        for i in 0..search.found.len() {
            bounds.learn(search, i)?;
        }
        Ok(Some(bounds))
    }

    /// Takes a minimum into account.
    fn learn(&mut self, search: &Search<'_, '_>, i: usize) -> Result<()> {
        let place = &search.found[i].place;
        self.lower_best(place.value);
        if let Some(certificate) = search.certificate(i)? {
            let y = self.rotated.turned(&place.base.x);
            self.wells.push(Well { slack: self.rotated.cell.slack(&y), y, within: certificate.within });
        }
        Ok(())
    }

    fn lower_best(&mut self, value: f64) {
        self.best = self.best.min(value);
        self.threshold = self.best * (1.0 - GAP);
    }

    /// A box around every x of the cell with L(x) ≤ L_best: the one around {½xᵀKx ≤ L_best} where K is regular, met with
    /// the one around {Σσᵢvᵢ² ≤ d²/min σ − d}, v = A_x(x − x_c), where x_c is the volumetric centre (there Σσᵢvᵢ = 0 and
    /// v ≥ −1, so that Σσᵢ(1 + vᵢ) = d bounds every 1 + vᵢ by d/σᵢ).
    fn enclosing_box(&self) -> Option<Cuboid> {
        const MARGIN: f64 = 1.0 + 1e-6;
        let d = self.rotated.target.len();
        let zero = vec![0.0; d];
        let ellipsoid = |form: &[f64], middle: &[f64], radius_squared: f64| {
            let mut root = form.to_vec();
            linalg::cholesky_in_place(&mut root, d).then(|| {
                let inverse = linalg::cholesky_inverse(&root, d);
                let half = (0..d).map(|j| (inverse[j + j * d] * radius_squared).sqrt() * MARGIN).collect();
                Cuboid { middle: middle.to_vec(), half }
            })
        };
        let regular = ellipsoid(&self.rotated.weight, &zero, 2.0 * self.best);
        let least = self.centre.scores.iter().fold(f64::INFINITY, |m, s| m.min(*s));
        let dim = d as f64;
        let central = norm(&self.centre.whitened_gradient()) < CENTRAL;
        let bounded =
            central.then(|| ellipsoid(&self.centre.metric(), &self.centre.y, dim * dim / least - dim)).flatten();
        match (regular, bounded) {
            (Some(a), Some(b)) => Some(a.meet(&b)),
            (a, b) => a.or(b),
        }
    }

    /// sᵢ(x)/sᵢ(x_c) ≥ min σ(x_c)/(d + GD) wherever L ≤ L_best in the box.
    fn set_least_slack(&mut self, first: &Cuboid) {
        let d = self.rotated.target.len() as f64;
        let gradient = norm(&self.rotated.target) + (2.0 * self.best).sqrt();
        let least = self.centre.scores.iter().fold(f64::INFINITY, |m, s| m.min(*s));
        let share = least / (d + gradient * first.farthest(&self.centre.y));
        self.least_slack = self.centre.slack.iter().map(|s| share * s).collect();
    }

    /// ½xᵀKx from below: its tangent plane at the middle.
    fn least_pull(&self, cuboid: &Cuboid) -> f64 {
        let slope = linalg::symmetric_times_vector(&self.rotated.weight, &cuboid.middle);
        0.5 * dot(&slope, &cuboid.middle) - slope.iter().zip(&cuboid.half).map(|(k, h)| k.abs() * h).sum::<f64>()
    }

    /// The tests that need no evaluation.
    fn discards_at_sight(&self, cuboid: &Cuboid, reach: &Reach) -> bool {
        let outside =
            reach.slack.iter().zip(&reach.extent).zip(&self.least_slack).any(|((s, e), least)| s + e < *least);
        outside
            || self.least_pull(cuboid) > self.threshold
            || self.wells.iter().any(|well| self.inside_well(cuboid, reach, well))
    }

    fn inside_well(&self, cuboid: &Cuboid, reach: &Reach, well: &Well) -> bool {
        let away: Vec<f64> = cuboid.middle.iter().zip(&well.y).map(|(m, y)| m - y).collect();
        let rows = self.rotated.cell.rows().zip(&reach.extent).zip(&well.slack);
        well.within > 0.0 && rows.into_iter().all(|((a, e), s)| dot(a, &away).abs() + e < well.within * s)
    }

    /// The tests that evaluate: Taylor's bound and convexity of φ away from facets, the anchors near them.
    fn discards(&mut self, cuboid: &Cuboid, reach: &Reach, search: &mut Search<'_, '_>) -> Result<bool> {
        let away = reach.slack.iter().zip(&self.least_slack).all(|(s, least)| *s > NEAR_FACET * least && *s > 0.0);
        if away
            && let Some(point) = self.rotated.cell.at(&cuboid.middle)
            && self.bounded_below(cuboid, reach, &point, search)?
        {
            return Ok(true);
        }
        Ok(self.steep_near_facets(cuboid, reach))
    }

    fn bounded_below(
        &mut self,
        cuboid: &Cuboid,
        reach: &Reach,
        point: &SmallPoint,
        search: &mut Search<'_, '_>,
    ) -> Result<bool> {
        let residual: Vec<f64> = point.gradient.iter().zip(&self.rotated.target).map(|(g, c)| g - c).collect();
        let pull = linalg::symmetric_times_vector(&self.rotated.weight, &cuboid.middle);
        let value = 0.5 * dot(&residual, &residual) + 0.5 * dot(&pull, &cuboid.middle);
        if value < self.threshold {
            self.improve(cuboid, value, search)?;
        }
        let along = |v: &[f64]| v.iter().zip(&cuboid.half).map(|(v, h)| v.abs() * h).sum::<f64>();
        let share = reach.extent.iter().zip(&point.slack).map(|(e, s)| e / s).fold(0.0, f64::max);
        if share < TAYLOR_REACH {
            let curved = linalg::symmetric_times_vector(&point.hessian, &residual);
            let gradient: Vec<f64> = curved.iter().zip(&pull).map(|(h, k)| h + k).collect();
            let form = |v: &[f64]| dot(v, &linalg::symmetric_times_vector(&point.hessian, v));
            let size = cuboid.corners(form);
            let slope = self.rotated.cell.rows().zip(&point.slack).map(|(a, s)| (dot(a, &residual) / s).abs());
            let alpha = slope.fold(0.0, f64::max);
            let steep = dot(&residual, &curved).max(0.0).sqrt();
            let remainder = Remainders::at(share).a3 * (alpha * size).min(share * steep * size.sqrt());
            let whole = least_half_square(value, along(&gradient) + remainder);
            let fit = least_half_square(0.5 * dot(&residual, &residual), along(&curved) + remainder);
            if whole.max(fit + self.least_pull(cuboid).max(0.0)) > self.threshold {
                return Ok(true);
            }
        }
        let (y, least) = &self.anchor;
        let growth = point.value - dot(&self.rotated.target, &cuboid.middle) - along(&residual) - least;
        let residual = growth.max(0.0) / cuboid.farthest(y);
        Ok(0.5 * residual * residual + self.least_pull(cuboid).max(0.0) > self.threshold)
    }

    /// A better value: descends from it, and learns the minimum it leads to.
    fn improve(&mut self, cuboid: &Cuboid, value: f64, search: &mut Search<'_, '_>) -> Result<()> {
        let known = search.found.len();
        let reached = search.descend_from(&self.rotated.turned_back(&cuboid.middle), Origin::Box)?;
        if search.found.len() > known {
            self.learn(search, known)?;
        }
        if reached.is_none() {
            self.lower_best(value);
        }
        Ok(())
    }

    /// ‖r‖ from below on a box near facets: with z on the way from x_c and t = min sᵢ(x)/sᵢ(z), taken at row i,
    /// σᵢ(x) ≥ σᵢ(z) and r(x)ᵀ(x − z) ≥ σᵢ(z)/t − d − cᵀ(x − z).
    fn steep_near_facets(&self, cuboid: &Cuboid, reach: &Reach) -> bool {
        let centre = &self.centre;
        let d = cuboid.middle.len() as f64;
        let rows = || reach.slack.iter().zip(&reach.extent).zip(&centre.slack);
        let near = |s: f64, e: f64| s <= 0.0 || e > NEAR_FACET * s;
        if !rows().any(|((s, e), _)| near(*s, *e)) {
            return false;
        }
        ANCHOR_DEPTHS.iter().any(|depth| {
            let share = |((s, e), c): ((&f64, &f64), &f64)| {
                if near(*s, *e) { (c - depth * d * (s + e)) / (c - s).max(f64::MIN_POSITIVE) } else { 1.0 }
            };
            let theta = rows().map(share).fold(1.0, f64::min);
            if theta <= 0.05 {
                return false;
            }
            let anchor: Vec<f64> = centre.y.iter().zip(&cuboid.middle).map(|(c, m)| c + theta * (m - c)).collect();
            let Some(scores) = self.rotated.cell.scores(&anchor) else { return false };
            let slack = self.rotated.cell.slack(&anchor);
            let ratios = || reach.slack.iter().zip(&reach.extent).zip(&slack);
            let least = ratios().map(|((s, e), z)| (s + e) / z).fold(f64::INFINITY, f64::min);
            if least <= 0.0 {
                return true; // no point of the box lies in the cell
            }
            let candidates = ratios().zip(&scores).filter(|(((s, e), z), _)| (*s - *e) / *z <= least);
            let score = candidates.map(|(_, sigma)| *sigma).fold(f64::INFINITY, f64::min);
            let away: Vec<f64> = cuboid.middle.iter().zip(&anchor).map(|(m, z)| m - z).collect();
            let target = &self.rotated.target;
            let spread: f64 = target.iter().zip(&cuboid.half).map(|(c, h)| c.abs() * h).sum();
            let residual = (score / least - d - dot(target, &away) - spread).max(0.0) / cuboid.farthest(&anchor);
            0.5 * residual * residual + self.least_pull(cuboid).max(0.0) > self.threshold
        })
    }
}

/// ½‖ρ‖² from below where ρₘᵀ(ρ − ρₘ) ≥ −drop and ½‖ρₘ‖² = value: ‖ρ‖ ≥ ‖ρₘ‖ − drop/‖ρₘ‖.
fn least_half_square(value: f64, drop: f64) -> f64 {
    if drop < 2.0 * value { value - drop + drop * drop / (4.0 * value) } else { 0.0 }
}

/// ‖L⁻¹g‖ up to which the interior point counts as the volumetric centre; the box around the cell has a margin for it.
const CENTRAL: f64 = 1e-8;

impl Cuboid {
    /// The intersection; not empty, because both hold the minima.
    fn meet(&self, other: &Cuboid) -> Cuboid {
        let ends = |side: f64| {
            let mine = self.middle.iter().zip(&self.half).map(move |(m, h)| m + side * h);
            let theirs = other.middle.iter().zip(&other.half).map(move |(m, h)| m + side * h);
            mine.zip(theirs).map(move |(a, b)| if side > 0.0 { a.min(b) } else { a.max(b) }).collect::<Vec<f64>>()
        };
        let (low, high) = (ends(-1.0), ends(1.0));
        Cuboid {
            middle: low.iter().zip(&high).map(|(l, h)| 0.5 * (l + h)).collect(),
            half: low.iter().zip(&high).map(|(l, h)| 0.5 * (h - l)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::method::CurvatureMethod;
    use super::super::trust_region::DescentOptions;
    use super::*;
    use crate::Run;
    use crate::barrier::Barrier;
    use crate::rows::DenseRows;
    use unhat_testkit::known::minima_cases;

    /// Told of the worst minimum only, branch and bound meets the best one and proves its value; every 2-d case.
    #[test]
    fn a_box_leads_to_the_minimum_that_no_start_found() {
        let (run, mut tried) = (Run::default(), 0);
        for case in minima_cases().iter().filter(|case| case.d == 2 && case.minima().len() > 1) {
            let rows = DenseRows::new(&case.a, case.d).unwrap();
            let barrier = Barrier::new(&rows, &case.b, vec![true; case.b.len()]).unwrap();
            let objective = Objective::new(&barrier, &case.c, &case.w, CurvatureMethod::Tensors, &run).unwrap();
            let mut search = Search::new(&objective, DescentOptions { tolerance: 1e-11, max_iterations: 300 }, 0, &run);
            let minima = case.minima();
            search.descend_from(&minima[minima.len() - 1].x, Origin::Random).unwrap();
            assert_eq!(search.found.len(), 1);
            let verdict = prove_globally(&mut search, None, &[0.0, 0.0], 1_000_000, Patience::Asked).unwrap();
            assert!(verdict.proven, "{}: {:?}", case.name, verdict.reason);
            let best = search.value(search.best().unwrap());
            assert!((best / minima[0].objective - 1.0).abs() < 1e-9, "{}: {best}", case.name);
            tried += 1;
        }
        assert!(tried >= 4);
    }
}
