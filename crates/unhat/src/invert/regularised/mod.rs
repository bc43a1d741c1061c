//! The inversion with a regulariser: every local minimum of L in the cell that can be found, and what is proven of them.
//!
//! L(x) = ½‖g(x) − c‖² + ½‖diag(w)Ax‖² is not convex: between weights so small that the fit decides and so large that the
//! regulariser does, there are wells for one facet or another, up to 2ᵈ of them.

mod branch_and_bound;
mod certificate;
mod conjugate_model;
mod continuation;
mod diagonal;
mod flips;
mod frame;
mod method;
mod model;
mod objective;
mod search;
mod small_cell;
mod starts;
mod trust_region;
mod weighted_rows;

pub use certificate::{Proof, RegularisedCertificate};
pub use continuation::{Fold, FoldKind};
pub use diagonal::{DiagonalInversion, invert_diagonal};
pub use method::CurvatureMethod;
pub use objective::{ObjectiveAt, regularised_objective};
pub use search::Origin;

use super::start::{Located, Start, StartReport, locate};
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::linalg::norm;
use crate::rows::{RowSource, require_vector};
use crate::run::{Event, Run};
use crate::solve::{Status, Step};
use branch_and_bound::prove_globally;
use certificate::certify;
use continuation::{End, follow};
use flips::flip;
use objective::{Objective, Place, require_weights};
use search::Search;
use starts::{RandomStarts, fit, regulariser_minimiser};
use trust_region::DescentOptions;

/// How the regularised inversion is run.
#[derive(Clone, Debug)]
pub struct RegularisedOptions {
    /// Bound on the largest relative change of a slack in the last step of a descent.
    pub tolerance: f64,
    /// Newton steps allowed in one descent.
    pub max_iterations: u32,
    /// Seed of the random starts.
    pub seed: u64,
    /// Branch and bound up to d = 5 rather than 3.
    pub prove: bool,
    /// Boxes that branch and bound may look at.
    pub max_boxes: u64,
    /// Where derivatives come from; None: the cheaper by predicted work.
    pub curvature: Option<CurvatureMethod>,
    /// Flops that the flips, the curve in w and a certificate may each be predicted to take; what would take more is left
    /// out, with a warning.
    pub search_flops: f64,
    /// Random starts; None: 60·d where d ≤ 3, and none beyond.
    pub random_starts: Option<u32>,
    /// Stop looking as soon as the best minimum is proven to be the only global one; the list may then be incomplete.
    pub stop_when_unique: bool,
}

impl Default for RegularisedOptions {
    fn default() -> Self {
        RegularisedOptions {
            tolerance: 1e-11,
            max_iterations: 300,
            seed: 0,
            prove: false,
            max_boxes: 2_000_000,
            curvature: None,
            search_flops: 1e12, // about a minute on one core
            random_starts: None,
            stop_when_unique: true,
        }
    }
}

/// A local minimum of L in the cell.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The value L of the objective.
    pub objective: f64,
    /// The point x.
    pub x: Vec<f64>,
    /// Whether ∇²L was found to be positive definite there.
    pub strict: bool,
    /// r_in: it is the only global minimiser of L in {‖A_x̂(x − x̂)‖∞ ≤ r_in}, 0 where that could not be shown; None: in the
    /// whole cell.
    pub within: Option<f64>,
    /// Every kind of start that led there.
    pub found_by: Vec<Origin>,
}

/// The best point found and everything known about it and its rivals.
#[derive(Clone, Debug)]
pub struct RegularisedInversion {
    /// x: the best minimum, or where none was found the lowest point.
    pub x: Vec<f64>,
    /// How it ended.
    pub status: Status,
    /// ½‖g(x) − c‖² + ½‖diag(w)Ax‖².
    pub objective: f64,
    /// ‖g(x) − c‖₂.
    pub residual: f64,
    /// All minima found, best first.
    pub minima: Vec<Minimum>,
    /// What is proven of the best one.
    pub certificate: Option<RegularisedCertificate>,
    /// Scales t of the weights at which minima along the curve are born or die.
    pub folds: Vec<Fold>,
    /// Newton steps of all descents.
    pub iterations: u32,
    /// Evaluations at a new x, those of the start not counted.
    pub passes: u32,
    /// Every sweep in units of one evaluation.
    pub work: f64,
    /// Where the curvature came from.
    pub method: CurvatureMethod,
    /// Why from there.
    pub reason: String,
    /// How the first point of the cell was found.
    pub start: StartReport,
    /// One entry a Newton step, of all descents one after the other; `decrement` is the largest relative change of a
    /// slack in the step.
    pub history: Vec<Step>,
    /// Things the caller should know.
    pub warnings: Vec<String>,
    /// Slack, scores and gradient at x.
    pub point: Point,
}

/// Finds the minima of L(x) = ½‖g(x) − c‖² + ½‖diag(w)Ax‖² in one cell, best first.
///
/// Descents start from the solution of g(x) = c and from the minimiser of the regulariser; where the best of the two is
/// not proven to be the only global minimiser, from flips along the eigenvectors of H, from every crossing of the curve
/// of stationary points in the scale of w, and for d ≤ 3 from random points until the list can be taken for complete.
/// For d ≤ 3 (with `prove` d ≤ 5) branch and bound then proves the best value or finds a better one.
///
/// # Shapes
/// `source` n×d, `offset` and `weights` n values (≥ 0, not all zero), `target` d values.
/// # Cost
/// About ten descents of three to thirteen Newton steps; a step takes one evaluation and third moments (d/3 evaluations)
/// or products.
/// # Accuracy
/// Minima to about 10⁻¹¹ of a slack; the step never forms H².
/// # Errors
/// [`ErrorKind::Option`] for weights that are negative or all zero; [`ErrorKind::Shape`], [`ErrorKind::NotFinite`];
/// [`ErrorKind::RankDeficient`], [`ErrorKind::Empty`], [`ErrorKind::NoInterior`], [`ErrorKind::ZeroSlack`],
/// [`ErrorKind::OutsideCell`]. Not converging is a status.
/// # Examples
/// ```
/// use unhat::{invert::{invert_regularised, RegularisedOptions, Start}, rows::DenseRows, Run};
/// // The segment −1 < x < 1 with c = −50, w = 20: one well at the facet, one near the origin.
/// let rows = DenseRows::new(&[1.0, -1.0], 1)?;
/// let options = RegularisedOptions::default();
/// let found = invert_regularised(&rows, &[-1.0; 2], &[-50.0], &[20.0; 2], &Start::default(), &options, &Run::default())?;
/// assert_eq!(found.minima.len(), 2);
/// assert!((found.x[0] + 0.979874297413533).abs() < 1e-12);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// LiSongXuYin2024.
pub fn invert_regularised(
    source: &dyn RowSource,
    offset: &[f64],
    target: &[f64],
    weights: &[f64],
    start: &Start<'_>,
    options: &RegularisedOptions,
    run: &Run<'_>,
) -> Result<RegularisedInversion> {
    let shape = source.shape();
    let located = begin(source, (offset, target, weights), start, options, run)?;
    let barrier = Barrier::new(source, offset, located.positive)?;
    let (method, reason) = match options.curvature {
        None => method::choose(&shape),
        Some(method) => (method, "asked for".into()),
    };
    let objective = Objective::new(&barrier, target, weights, method, run)?;
    let descent = DescentOptions { tolerance: options.tolerance, max_iterations: options.max_iterations };
    let mut search = Search::new(&objective, descent, run);
    let certifiable = method::certificate_flops(&shape) <= options.search_flops;
    let mut findings = Found { certifiable, ..Found::default() };
    if !certifiable {
        findings.warnings.push("nothing was proven: the tensors of a certificate take too much work or memory".into());
    }
    let explored = explore(&mut search, &mut findings, &located.x, options);
    let status = match explored {
        Ok(()) if search.found.is_empty() => Status::Stalled,
        Ok(()) => Status::Solved,
        Err(error) if error.is_interrupted() && search.lowest.is_some() => Status::Interrupted,
        Err(error) => return Err(error),
    };
    conclude(search, findings, status, located.report, reason)
}

/// What is learnt beside the minima.
#[derive(Default)]
struct Found {
    folds: Vec<Fold>,
    proven: Option<Proof>,
    boxes: Option<u64>,
    warnings: Vec<String>,
    /// Whether certificates can be afforded.
    certifiable: bool,
}

/// The search in the order of its cost: both natural starts, flips, the curve in w, random starts, branch and bound.
fn explore(
    search: &mut Search<'_, '_>,
    findings: &mut Found,
    inside: &[f64],
    options: &RegularisedOptions,
) -> Result<()> {
    let (objective, run) = (search.objective, search.run);
    let d = objective.dim();
    run.tell(Event::Phase("solving without regulariser"));
    let fitted = fit(objective, objective.target, inside, run)?;
    let centre = fit(objective, &vec![0.0; d], inside, run)?.unwrap_or_else(|| inside.to_vec());
    run.tell(Event::Phase("descending from both natural starts"));
    let regular = regulariser_minimiser(objective, &centre, search.options(), run)?;
    match &fitted {
        Some(x) => {
            search.descend_from(x, Origin::Fit)?;
        }
        None => findings.warnings.push("the cell is unbounded and holds no x with g(x) = c".into()),
    }
    search.descend_from(&regular, Origin::Regulariser)?;
    if options.stop_when_unique && best_is_unique(search, findings)? {
        return Ok(());
    }

    let shape = objective.barrier.source().shape();
    let affordable = |flops: f64| objective.method == CurvatureMethod::Tensors && flops <= options.search_flops;
    if affordable(method::flips_flops(&shape)) {
        run.tell(Event::Phase("flipping along eigenvectors"));
        let anchors: Vec<Vec<f64>> = fitted.iter().chain([&regular]).cloned().collect();
        flip(search, &anchors)?;
    } else {
        findings.warnings.push("flips along eigenvectors were left out: too much work".into());
    }
    if affordable(method::curve_flops(&shape)) {
        run.tell(Event::Phase("following the minima over the scale of the weights"));
        let (from, end) = match &fitted {
            Some(x) => (x, End::SmallWeights),
            None => (&regular, End::LargeWeights),
        };
        follow_curve(search, findings, from, end)?;
    } else {
        findings.warnings.push("the minima were not followed over the scale of the weights: too much work".into());
    }
    if options.stop_when_unique && best_is_unique(search, findings)? {
        return Ok(());
    }

    let wanted = options.random_starts.map_or(if d <= COMPLETE_UP_TO { 60 * d as u64 } else { 0 }, u64::from);
    if wanted > 0 {
        run.tell(Event::Phase("completing the list from random starts"));
    }
    for k in 0..wanted {
        run.check()?;
        let radius = search.best().map_or(norm(objective.target), |i| (2.0 * search.value(i)).sqrt());
        let starts = RandomStarts { seed: options.seed, centre: &centre, radius };
        if let Some(x) = starts.point(objective, k, run)? {
            search.descend_from(&x, Origin::Random)?;
        }
    }
    if best_is_unique(search, findings)? {
        return Ok(());
    }
    let provable = if options.prove { PROVE_UP_TO } else { COMPLETE_UP_TO };
    if d <= provable {
        run.tell(Event::Phase("branch and bound"));
        let verdict = prove_globally(search, fitted.as_deref(), &centre, options.max_boxes)?;
        findings.boxes = Some(verdict.boxes);
        findings.proven = verdict.proven.then_some(Proof::Global);
        findings.warnings.extend(verdict.reason);
    }
    Ok(())
}

/// Follows the curve of stationary points and descends from its crossings; from saddles on either side.
fn follow_curve(search: &mut Search<'_, '_>, findings: &mut Found, from: &[f64], end: End) -> Result<()> {
    let trace = follow(search.objective, from, end, search.options(), search.run)?;
    if !trace.complete {
        findings.warnings.push("the curve of stationary points could not be followed from end to end".into());
    }
    findings.folds = trace.folds;
    for crossing in trace.crossings {
        match crossing.downhill {
            None => {
                search.descend_from(&crossing.x, Origin::Arc)?;
            }
            Some(step) => {
                for side in [1.0, -1.0] {
                    let x: Vec<f64> = crossing.x.iter().zip(&step).map(|(x, h)| x + side * h).collect();
                    search.descend_from(&x, Origin::Arc)?;
                }
            }
        }
    }
    Ok(())
}

/// Up to this dimension the list of minima is completed by random starts, and the best one proven by branch and bound.
const COMPLETE_UP_TO: usize = 3;
/// Up to this dimension branch and bound is tried on request; at d = 4 three of four cases end within 300,000 boxes.
const PROVE_UP_TO: usize = 5;

/// Whether the best minimum is proven to be the only global one.
fn best_is_unique(search: &Search<'_, '_>, findings: &mut Found) -> Result<bool> {
    let Some(best) = search.best() else { return Ok(false) };
    if !findings.certifiable {
        return Ok(false);
    }
    let certificate = certify(search.objective, &search.found[best].place, search.run)?;
    let unique = certificate.is_some_and(|c| c.kind == Proof::Unique);
    findings.proven = unique.then_some(Proof::Unique);
    Ok(unique)
}

fn conclude(
    search: Search<'_, '_>,
    findings: Found,
    status: Status,
    start: StartReport,
    reason: String,
) -> Result<RegularisedInversion> {
    let (objective, run) = (search.objective, search.run);
    let Found { folds, proven, boxes, mut warnings, certifiable } = findings;
    warnings.push("only the cell of the start was searched".into());
    let mut order: Vec<usize> = (0..search.found.len()).collect();
    order.sort_by(|&i, &j| search.value(i).total_cmp(&search.value(j)));
    let (mut minima, mut certificate) = (Vec::new(), None);
    for (rank, &i) in order.iter().enumerate() {
        let found = &search.found[i];
        // An interrupted run ends at once: nothing more is computed.
        let mut local = match status {
            Status::Interrupted => None,
            _ if !certifiable => None,
            _ => certify(objective, &found.place, run)?,
        };
        if rank == 0 {
            if let (Some(local), Some(proof)) = (&mut local, proven) {
                local.kind = proof;
            }
            local.iter_mut().for_each(|c| c.boxes = boxes);
            certificate = local;
        }
        minima.push(Minimum {
            objective: found.place.value,
            x: found.place.base.x.clone(),
            strict: local.is_some(),
            within: match local {
                Some(c) if rank == 0 && c.kind != Proof::Local => None,
                Some(c) => Some(c.within),
                None => Some(0.0),
            },
            found_by: found.origins.clone(),
        });
    }
    let best = order.first().map(|&i| search.found[i].place.clone());
    let Some(Place { base, residual, value, .. }) = best.or(search.lowest) else {
        return Err(ErrorKind::Numerical {
            reason: "the start is too near the boundary of the cell to be evaluated".into(),
        }
        .into());
    };
    Ok(RegularisedInversion {
        x: base.x.clone(),
        status,
        objective: value,
        residual: norm(&residual),
        minima,
        certificate,
        folds,
        iterations: search.history.len() as u32,
        passes: objective.barrier.passes(),
        work: objective.barrier.work(),
        method: objective.method,
        reason,
        start,
        history: search.history,
        warnings,
        point: base,
    })
}

/// Checks what is given and finds the cell with a point in it.
fn begin(
    source: &dyn RowSource,
    (offset, target, weights): (&[f64], &[f64], &[f64]),
    start: &Start<'_>,
    options: &RegularisedOptions,
    run: &Run<'_>,
) -> Result<Located> {
    let shape = source.shape();
    require_vector("offset", offset, shape.rows)?;
    require_vector("target", target, shape.columns)?;
    require_weights(weights, shape.rows)?;
    require_options(options)?;
    locate(source, offset, start, run)
}

fn require_options(options: &RegularisedOptions) -> Result<()> {
    if !(options.tolerance > 0.0 && options.tolerance < 1.0) {
        return Err(ErrorKind::Option {
            name: "tol".into(),
            reason: format!("found {}, expected a number between 0 and 1", options.tolerance),
        }
        .into());
    }
    Ok(())
}
