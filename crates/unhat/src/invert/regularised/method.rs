//! Where second and third derivatives come from, and how far the search goes: decided by counts alone.

use crate::error::{ErrorKind, Result};
use crate::gram::prefers_pairs;
use crate::invert::choice::Solver;
use crate::rows::Shape;

/// Where second and third derivatives come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurvatureMethod {
    /// d×d² tensors of all rows, exact: Newton steps in the eigenbasis of the model.
    Tensors,
    /// Exact products with H and D³V(g − c): Newton steps by conjugate gradients. Nothing of size n·d is formed.
    Products,
    /// Steps to the minimiser of a coreset's own L, corrected to touch L in value and gradient; near the end x and g − c
    /// are iterated with the curvature of the last coreset.
    Coreset,
}

impl CurvatureMethod {
    /// The word used in results and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            CurvatureMethod::Tensors => "exact",
            CurvatureMethod::Products => "cg",
            CurvatureMethod::Coreset => "coreset",
        }
    }

    /// The method that a solver's word means beside weights; None for auto.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for the word that has no meaning there.
    pub fn beside_weights(solver: Solver) -> Result<Option<CurvatureMethod>> {
        match solver {
            Solver::Auto => Ok(None),
            Solver::Exact => Ok(Some(CurvatureMethod::Tensors)),
            Solver::Cg => Ok(Some(CurvatureMethod::Products)),
            Solver::Coreset => Ok(Some(CurvatureMethod::Coreset)),
            Solver::Surrogate => Err(ErrorKind::Option {
                name: "solver".into(),
                reason: "surrogate is for the problem without weights; beside them give coreset, or auto".into(),
            }
            .into()),
        }
    }
}

/// Columns up to which the tensors (5d³/3 values, and one of a third of that a stretch) stay below a gigabyte.
const TENSOR_COLUMNS: usize = 360;
/// Newton steps of a descent by tensors, in the middle.
const TENSOR_STEPS: f64 = 8.0;
/// Products with ∇²L of a descent by conjugate gradients, in the middle; each is two products with H.
const PRODUCTS: f64 = 40.0;
/// Evaluations and products with H of a descent by coresets, in units of one evaluation, in the middle.
const CORESET_UNITS: f64 = 24.0;
/// Times that a coreset's tensors are formed on the way.
const CORESET_TENSORS: f64 = 10.0;
/// Rows of a coreset are spread over more than their scores' sum: this many times the usual number in the middle.
const GROWTH: f64 = 1.3;
/// A coreset of a larger share of the rows than this is no gain.
const LARGEST_SHARE: f64 = 0.5;

/// Rows of a coreset: 6 d(1 + ln d).
pub(super) fn coreset_rows(d: usize) -> f64 {
    let d = d as f64;
    6.0 * d * (1.0 + d.ln())
}

/// Flops of one evaluation.
fn unit_flops(shape: &Shape) -> f64 {
    let (n, d, stored) = (shape.rows as f64, shape.columns as f64, shape.stored as f64);
    if prefers_pairs(shape) { 2.0 * stored * stored / n + d * d * d } else { 2.0 * n * d * d }
}

/// Flops of H and D³V(h) by the third moments of m rows.
fn tensor_flops(m: f64, d: usize) -> f64 {
    let d = d as f64;
    2.0 * m * d.powi(3) / 3.0 + 6.0 * m * d * d + 6.0 * d.powi(4)
}

/// Flops of a descent by each method, infinite where it does not apply.
fn predicted(shape: &Shape, method: CurvatureMethod) -> f64 {
    let (n, d) = (shape.rows as f64, shape.columns);
    let unit = unit_flops(shape);
    let fits = d <= TENSOR_COLUMNS;
    match method {
        CurvatureMethod::Tensors if fits => TENSOR_STEPS * (unit + tensor_flops(n, d)),
        CurvatureMethod::Products => 2.0 * PRODUCTS * unit,
        CurvatureMethod::Coreset if fits && GROWTH * coreset_rows(d) < LARGEST_SHARE * n => {
            let near = tensor_flops(6.0 * n / d as f64, d);
            CORESET_UNITS * unit + CORESET_TENSORS * tensor_flops(GROWTH * coreset_rows(d), d) + near
        }
        _ => f64::INFINITY,
    }
}

/// The cheapest by predicted work, and why.
pub(super) fn choose(shape: &Shape) -> (CurvatureMethod, String) {
    let all = [CurvatureMethod::Tensors, CurvatureMethod::Coreset, CurvatureMethod::Products];
    let work = |method: CurvatureMethod| predicted(shape, method) / unit_flops(shape);
    let best = all.into_iter().fold(CurvatureMethod::Products, |best, m| if work(m) < work(best) { m } else { best });
    let said = all.map(|method| match work(method) {
        infinite if infinite.is_infinite() => format!("{} does not apply", method.name()),
        work => format!("{} {work:.0}", method.name()),
    });
    (best, format!("least predicted work of a descent, in evaluations: {}", said.join(", ")))
}

/// Rows on which the wells are looked for: all n, or a coreset where n is more than twice as many and they are not cheap.
pub(super) fn search_rows(shape: &Shape) -> f64 {
    let (n, d, coreset) = (shape.rows as f64, shape.columns, GROWTH * coreset_rows(shape.columns));
    if n > 2.0 * coreset && !is_tiny(curve_flops(n, d) + flips_flops(n, d)) { coreset } else { n }
}

/// Newton steps of a descent, in the middle.
const STEPS: f64 = 6.0;
/// Evaluations with curvature along the curve of stationary points, retries not counted.
const CURVE_EVALUATIONS: f64 = 300.0;
/// A search that takes less than this many flops is never left out: a second of one core.
const SMALL: f64 = 5e9;

/// Predicted flops of a round of flips over m rows: 2d descents.
pub(super) fn flips_flops(m: f64, d: usize) -> f64 {
    if d > TENSOR_COLUMNS { f64::INFINITY } else { 2.0 * d as f64 * STEPS * tensor_flops(m, d) }
}

/// Predicted flops of one walk along the curve over m rows.
pub(super) fn curve_flops(m: f64, d: usize) -> f64 {
    if d > TENSOR_COLUMNS { f64::INFINITY } else { CURVE_EVALUATIONS * tensor_flops(m, d) }
}

/// Evaluations' worth of work that the curve may take while the best minimum is looked for among many rows: about two
/// descents', or half a second of one core.
pub(super) fn curve_work(shape: &Shape) -> f64 {
    CURVE_UNITS.max(1.2 * SMALL / unit_flops(shape))
}

/// Evaluations that the curve may take unasked.
const CURVE_UNITS: f64 = 40.0;

/// Whether so many flops are hardly felt: a twentieth of a second.
pub(super) fn is_tiny(flops: f64) -> bool {
    flops <= 0.05 * SMALL
}

/// Whether so many flops are too few to be saved.
pub(super) fn is_small(flops: f64) -> bool {
    flops <= SMALL
}

/// Evaluations that a certificate may cost unasked.
const CERTIFICATE_UNITS: f64 = 25.0;

/// Whether a certificate, one evaluation of the tensors, is worth its work: in evaluations, or where that is small, or on
/// request within `limit` flops.
pub(super) fn certifiable(shape: &Shape, asked: bool, limit: f64) -> bool {
    if shape.columns > TENSOR_COLUMNS {
        return false;
    }
    let flops = tensor_flops(shape.rows as f64, shape.columns);
    is_small(flops) || (flops <= limit && (asked || flops <= CERTIFICATE_UNITS * unit_flops(shape)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(rows: usize, columns: usize, stored: usize) -> CurvatureMethod {
        choose(&Shape { rows, columns, stored }).0
    }

    #[test]
    fn few_rows_take_tensors_many_a_coreset_and_sparse_ones_conjugate_gradients() {
        assert_eq!(chosen(200, 10, 2000), CurvatureMethod::Tensors);
        assert_eq!(chosen(20_000, 60, 1_200_000), CurvatureMethod::Coreset);
        assert_eq!(chosen(20_000, 80, 40_000), CurvatureMethod::Products);
        assert_eq!(chosen(2000, 500, 1_000_000), CurvatureMethod::Products);
    }
}
