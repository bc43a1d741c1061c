//! The inversion with a regulariser: every local minimum of L in the cell that can be found, and what is proven of them.
//!
//! L(x) = ½‖g(x) − c‖² + ½‖diag(w)Ax‖² is not convex: between weights so small that the fit decides and so large that the
//! regulariser does, there are wells for one facet or another, up to 2ᵈ of them.

mod branch_and_bound;
mod certificate;
mod conjugate_model;
mod continuation;
mod coreset_steps;
mod diagonal;
mod explore;
mod flips;
mod frame;
mod journal;
mod lanczos;
mod local_steps;
mod method;
mod model;
mod objective;
mod options;
mod search;
mod small_cell;
mod starts;
mod trust_region;
mod weighted_rows;
mod wells;

pub use certificate::{Proof, RegularisedCertificate};
pub use continuation::{Fold, FoldKind};
pub use diagonal::{DiagonalInversion, invert_diagonal};
pub use lanczos::CurvatureEstimate;
pub use method::CurvatureMethod;
pub use objective::{ObjectiveAt, regularised_objective};
pub use options::{Extent, MinimaSought, RegularisedOptions};
pub use search::Origin;

use super::gradient::Checkpoint;
use super::start::{Located, Start, StartReport, locate};
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::linalg::norm;
use crate::rows::{RowSource, require_vector};
use crate::run::Run;
use crate::solve::{Status, Step};
use explore::{Found, explore};
use journal::finished_in;
use objective::{Objective, Place, require_weights};
use search::Search;
use std::collections::VecDeque;
use trust_region::DescentOptions;

/// A local minimum of L in the cell.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The value L of the objective.
    pub objective: f64,
    /// The point x.
    pub x: Vec<f64>,
    /// Whether ∇²L was found to be positive definite there: by a certificate, or for the best one by an estimate.
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
    /// How far the search for other minima went.
    pub search: Extent,
    /// What exact products say of ∇²L at x, where a certificate would cost too much.
    pub strictness: Option<CurvatureEstimate>,
    /// Scales t of the weights at which minima along the curve are born or die.
    pub folds: Vec<Fold>,
    /// Newton steps of all descents.
    pub iterations: u32,
    /// Evaluations at a new x, those of the start not counted.
    pub passes: u32,
    /// Every sweep in units of one evaluation.
    pub work: f64,
    /// The part of `work` that was done on coresets, and not on all rows.
    pub coreset_work: f64,
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
/// Where rows are many the flips and the curve are those of a coreset, and each well found there is followed on all rows.
/// For d ≤ 3 (with `prove` d ≤ 5) branch and bound then proves the best value or finds a better one.
///
/// # Shapes
/// `source` n×d, `offset` and `weights` n values (≥ 0, not all zero), `target` d values.
/// # Cost
/// A descent takes 10 to 35 evaluations by coresets, 40 products with ∇²L by conjugate gradients, three to thirteen Newton
/// steps with third moments (d/3 evaluations each) exactly; the search takes as much as a few descents more.
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
    invert_regularised_from(source, (offset, target, weights), start, options, None, run)
}

/// [`invert_regularised`] that can be picked up: `checkpoint` is called after every descent, and with its state another run
/// with the same data, options and seed repeats no descent and ends in the same bits.
///
/// # Shapes
/// (`offset`, `target`, `weights`): n, d and n values.
/// # Errors
/// Those of [`invert_regularised`]; [`ErrorKind::Shape`] for a state of another problem.
pub fn invert_regularised_from(
    source: &dyn RowSource,
    (offset, target, weights): (&[f64], &[f64], &[f64]),
    start: &Start<'_>,
    options: &RegularisedOptions,
    checkpoint: Option<Checkpoint<'_>>,
    run: &Run<'_>,
) -> Result<RegularisedInversion> {
    let shape = source.shape();
    let located = begin(source, (offset, target, weights), start, options, run)?;
    let barrier = Barrier::new(source, offset, located.positive.clone())?;
    let (method, reason) = match options.curvature {
        None => method::choose(&shape),
        Some(method) => (method, "asked for".into()),
    };
    let certifiable = options.minima != MinimaSought::First || options.prove;
    let objective = Objective::new(&barrier, target, weights, method, run)?;
    let descent = DescentOptions { tolerance: options.tolerance, max_iterations: options.max_iterations };
    let mut search = Search::new(&objective, descent, options.seed, run);
    if let Some(Checkpoint { resume, save }) = checkpoint {
        let replay = match resume {
            None => VecDeque::new(),
            Some(saved) => finished_in(&saved.state, shape.columns).ok_or_else(|| ErrorKind::Shape {
                what: "the saved search".into(),
                expected: format!("descents of {} columns", shape.columns),
                found: format!("{} values", saved.state.memory.len()),
            })?,
        };
        let (positive, report) = (&located.positive, &located.report);
        search.resume(replay, Box::new(move |state| save(state, positive, report)));
    }
    let certifiable = certifiable && method::certifiable(&shape, options.prove, options.search_flops);
    let mut findings = Found { certifiable, ..Found::default() };
    let explored = explore(&mut search, &mut findings, &located.x, options);
    let status = match explored {
        Ok(()) if search.found.is_empty() => Status::Stalled,
        Ok(()) => Status::Solved,
        Err(error) if error.is_interrupted() && search.lowest.is_some() => Status::Interrupted,
        Err(error) => return Err(error),
    };
    conclude(search, findings, status, located.report.clone(), reason)
}

fn conclude(
    search: Search<'_, '_>,
    findings: Found,
    status: Status,
    start: StartReport,
    reason: String,
) -> Result<RegularisedInversion> {
    let objective = search.objective;
    let Found { folds, proven, boxes, mut warnings, certifiable, extent, strictness } = findings;
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
            _ => search.certificate(i)?,
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
            strict: local.is_some() || (rank == 0 && strictness.is_some_and(|s| s.least - s.residual > 0.0)),
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
        search: extent,
        strictness,
        folds,
        iterations: search.history.len() as u32,
        passes: objective.barrier.passes(),
        work: objective.barrier.work(),
        coreset_work: objective.coreset_work(),
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
