//! Where second and third derivatives come from, and how far the search goes: decided by n and d alone.

use crate::rows::Shape;

/// Where second and third derivatives come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurvatureMethod {
    /// d×d² tensors, exact: Newton steps in the eigenbasis of the model.
    Tensors,
    /// Exact products with H and D³V(g − c): Newton steps by conjugate gradients.
    Products,
}

impl CurvatureMethod {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            CurvatureMethod::Tensors => "tensors",
            CurvatureMethod::Products => "products",
        }
    }
}

/// Work of the products of one Newton step in evaluations: about five iterations of 8 (two products with H, one with D³V).
const PRODUCTS_WORK: f64 = 40.0;
/// Columns up to which the tensors (5d³/3 values, and one of a third of that a stretch) stay below a gigabyte.
const TENSOR_COLUMNS: usize = 360;

/// Work of the tensors of one Newton step in evaluations: 2n·d³/3 flops of third moments, 5d⁴ to contract them.
fn tensors_work(shape: &Shape) -> f64 {
    let (n, d) = (shape.rows as f64, shape.columns as f64);
    d / 3.0 + 2.5 * d * d / n
}

/// The cheaper by predicted work, and why.
pub(super) fn choose(shape: &Shape) -> (CurvatureMethod, String) {
    let tensors = tensors_work(shape);
    if shape.columns > TENSOR_COLUMNS {
        let reason = format!("tensors of {} columns do not fit: conjugate gradients on exact products", shape.columns);
        return (CurvatureMethod::Products, reason);
    }
    let method = if tensors <= PRODUCTS_WORK { CurvatureMethod::Tensors } else { CurvatureMethod::Products };
    let what = match method {
        CurvatureMethod::Tensors => "exact d x d^2 tensors",
        CurvatureMethod::Products => "conjugate gradients on exact products",
    };
    (
        method,
        format!("{what}: predicted work of a step in evaluations: tensors {tensors:.1}, products {PRODUCTS_WORK:.0}"),
    )
}

/// Newton steps of a descent, in the middle.
const STEPS: f64 = 6.0;
/// Evaluations with curvature along the curve of stationary points, retries not counted.
const CURVE_EVALUATIONS: f64 = 200.0;

/// Flops of one evaluation with tensors.
fn flops(shape: &Shape) -> f64 {
    let (n, d) = (shape.rows as f64, shape.columns as f64);
    2.0 * n * d * d * (1.0 + tensors_work(shape))
}

/// Predicted flops of a round of flips: 2d descents.
pub(super) fn flips_flops(shape: &Shape) -> f64 {
    2.0 * shape.columns as f64 * STEPS * flops(shape)
}

/// Predicted flops of one walk along the curve.
pub(super) fn curve_flops(shape: &Shape) -> f64 {
    CURVE_EVALUATIONS * flops(shape)
}

/// Predicted flops of a certificate: one evaluation of the tensors; infinite where they do not fit.
pub(super) fn certificate_flops(shape: &Shape) -> f64 {
    if shape.columns > TENSOR_COLUMNS { f64::INFINITY } else { flops(shape) }
}
