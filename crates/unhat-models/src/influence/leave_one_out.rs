//! What dropping a row does to f: exact influence, the one-step update with its leverage correction, a few Hessian steps.
//!
//! Dropping row j moves θ by H⁻¹g_j to first order, and f by vᵀH⁻¹g_j (positive: f rises, the row helped). In a
//! generalised linear model the Newton step that leaves row j out of the Hessian as well has a closed form:
//!
//! Δθ_j = H⁻¹(x ⊗ (I − SQ)⁻¹r),  Q = (I ⊗ x)ᵀH⁻¹(I ⊗ x),  r = ∂ℓ/∂z

use super::conjugate::few_steps;
use super::curvature::{class_blocks, curvature_matrix, curvature_times};
use super::{Impact, SampleGradients};
use crate::models::{Factors, Family, NullSpace, Objective};
use std::ops::Range;
use unhat::kernels;
use unhat::kernels::with_scratch;
use unhat::{ErrorKind, Result, Run};

/// Scores with the largest leverage h that they were corrected for.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{SampleGradients, one_step};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]); // the mean of 1, 2, 6
/// let rows = SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?;
/// let found = one_step(&rows, 0.0, &[1.0], &Run::default())?; // what each row does to the mean itself
/// assert!(found.scores.iter().zip([1.0, 0.5, -1.5]).all(|(s, e)| (s - e).abs() < 1e-14)); // (3 − y)/(n − 1)
/// assert!((found.largest_leverage.unwrap() - 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct LeaveOneOut {
    /// The change of f when the row is dropped, one a row; positive = helpful.
    pub scores: Vec<f64>,
    /// The largest h = rᵀSQr/rᵀr (SQ of one output, in `pcg` by its estimate): a row with a large h has most of its
    /// prediction from itself.
    pub largest_leverage: Option<f64>,
    /// The relative residual ‖v − Hu‖/‖v‖, where u came from few steps.
    pub residual: Option<f64>,
}

/// vᵀH⁻¹g_j: exact influence, without correction. On a network H is the damped Gauss–Newton matrix.
///
/// # Cost
/// [`curvature_matrix`], p³/3 flops, one sweep.
/// # Errors
/// [`ErrorKind::TooLarge`]; [`ErrorKind::Numerical`] where H is not positive definite (M = 0 and separable classes).
pub fn exact(training: &SampleGradients<'_>, penalty: f64, v: &[f64], run: &Run<'_>) -> Result<LeaveOneOut> {
    let factor = factored(training, penalty, run)?;
    let scores = training.times(&kernels::cholesky_solve(&factor, v), run)?;
    Ok(LeaveOneOut { scores, largest_leverage: None, residual: None })
}

/// vᵀΔθ_j with the leverage correction in closed form.
///
/// # Cost
/// [`curvature_matrix`], p³ flops for H⁻¹, `n·q²·C(C+1)` for all Q.
/// # Errors
/// As [`exact`]; [`ErrorKind::Option`] for a network with hidden layers.
pub fn one_step(training: &SampleGradients<'_>, penalty: f64, v: &[f64], run: &Run<'_>) -> Result<LeaveOneOut> {
    let inverse = inverse(training, penalty, run)?;
    let u = kernels::symmetric_times_vector(&inverse, v);
    let corrected = Corrected::of(training, &inverse, run)?;
    let (q, outputs) = (training.network.inputs(), training.network.family.outputs());
    let scores = training.each(1, run, &|range, factors, out| {
        let x = factors.layers[0].inputs;
        with_scratch(range.len() * outputs, |along| {
            kernels::transpose_times_into(&u, x, q, outputs, range.len(), along);
            let w = &corrected.w[range.start * outputs..range.end * outputs];
            kernels::row_dots(along, w, outputs, out);
        });
    })?;
    Ok(LeaveOneOut { scores, largest_leverage: Some(corrected.largest), residual: None })
}

/// f(θ + Δθ_j) − f(θ): the one-step update with f evaluated anew, which removes the linearisation of f.
///
/// # Cost
/// As [`one_step`], 2np² flops for all Δθ_j and 2nmp for f on m validation rows.
/// # Errors
/// As [`one_step`].
pub fn one_step_evaluated(
    training: &SampleGradients<'_>,
    penalty: f64,
    impact: &Impact<'_>,
    run: &Run<'_>,
) -> Result<LeaveOneOut> {
    let inverse = inverse(training, penalty, run)?;
    let corrected = Corrected::of(training, &inverse, run)?;
    let (q, outputs, p) = (training.network.inputs(), training.network.family.outputs(), training.parameters());
    let validation = impact.rows();
    let z = validation.predictors(run)?;
    let before = impact.value_at(&z);
    let scores = training.each(1, run, &|range, factors, out| {
        let x = factors.layers[0].inputs;
        let mut lifted = vec![0.0; p]; // x ⊗ w
        let mut moved = vec![0.0; z.len()];
        for (k, out) in out.iter_mut().enumerate() {
            let (x, i) = (&x[k * q..(k + 1) * q], range.start + k);
            for (c, block) in lifted.chunks_exact_mut(q).enumerate() {
                let w = corrected.w[i * outputs + c];
                block.iter_mut().zip(x).for_each(|(b, x)| *b = w * x);
            }
            let step = kernels::symmetric_times_vector(&inverse, &lifted);
            kernels::transpose_times_into(&step, validation.features(), q, outputs, validation.rows(), &mut moved);
            moved.iter_mut().zip(&z).for_each(|(m, z)| *m += z);
            *out = impact.value_at(&moved) - before;
        }
    })?;
    Ok(LeaveOneOut { scores, largest_leverage: Some(corrected.largest), residual: None })
}

/// What the steps on the Hessian are preconditioned by.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Preconditioner, SampleGradients, few_hessian_steps};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]); // the mean of 1, 2, 6
/// let rows = SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?;
/// for preconditioner in [Preconditioner::Jacobi, Preconditioner::ClassBlocks] {
///     let found = few_hessian_steps(&rows, 0.0, &[1.0], 1, preconditioner, &Run::default())?;
///     assert!((found.scores[2] + 1.5).abs() < 1e-14); // one step is all for one parameter: without 6 the mean is 1.5
/// }
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preconditioner {
    /// By the diagonal of H.
    Jacobi,
    /// By a block for each class c, mean(S_cc)·AᵀA + M·I, from one Gram matrix.
    ClassBlocks,
}

/// Beyond this an estimated leverage is not trusted to be below 1: 1/(1 − h) stays at most 20.
const LARGEST_ESTIMATED_LEVERAGE: f64 = 0.95;

/// vᵀu with u from r preconditioned conjugate-gradient steps on Hu = v, divided by 1 − h_r where the model has no hidden
/// layer: h_r = rᵀQSr/rᵀr with Q from the diagonal class blocks of H.
///
/// # Cost
/// r curvature products (one gradient pass each), one or two Gram sweeps, C·q³/3.
/// # Errors
/// [`ErrorKind::Numerical`] where a block of the preconditioner is not positive definite.
pub fn few_hessian_steps(
    training: &SampleGradients<'_>,
    penalty: f64,
    v: &[f64],
    steps: usize,
    preconditioner: Preconditioner,
    run: &Run<'_>,
) -> Result<LeaveOneOut> {
    let linear = training.network.layers.len() == 1;
    let blocks = if linear { class_blocks(training, run)? } else { Vec::new() };
    // of one output the block is the Hessian, but for the penalty
    let unsaid = if linear { unsaid(training, penalty, &blocks[0], run)? } else { None };
    let product = |u: &[f64]| curvature_times(training, penalty, u, run);
    let solved = if linear && preconditioner == Preconditioner::ClassBlocks {
        let means = mean_class_factors(training, penalty, unsaid.as_ref(), run)?;
        let q = training.network.inputs();
        few_steps(v, steps, product, |r| {
            r.chunks_exact(q).zip(&means).flat_map(|(r, factor)| kernels::cholesky_solve(factor, r)).collect()
        })?
    } else {
        let diagonal = curvature_diagonal(training, penalty, run)?;
        few_steps(v, steps, product, |r| r.iter().zip(&diagonal).map(|(r, d)| r / d).collect())?
    };
    let mut scores = training.times(&solved.x, run)?;
    let mut largest = None;
    if linear {
        let leverages = estimated_leverages(training, penalty, blocks, unsaid.as_ref(), run)?;
        scores.iter_mut().zip(&leverages).for_each(|(s, h)| *s /= 1.0 - h);
        largest = leverages.iter().copied().reduce(f64::max);
    }
    Ok(LeaveOneOut { scores, largest_leverage: largest, residual: Some(solved.residual) })
}

/// h_r = rᵀQSr/rᵀr, clipped to [0, 0.95], from the diagonal class blocks.
fn estimated_leverages(
    training: &SampleGradients<'_>,
    penalty: f64,
    blocks: Vec<Vec<f64>>,
    unsaid: Option<&NullSpace>,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let (family, q) = (training.network.family, training.network.inputs());
    let outputs = family.outputs();
    let factors: Vec<Vec<f64>> =
        blocks.into_iter().map(|block| penalised_factor(block, q, penalty, unsaid)).collect::<Result<_>>()?;
    let z = training.predictors(run)?;
    training.each(1, run, &|range, layer_factors, out| {
        let layer = &layer_factors.layers[0];
        let rows = range.len();
        let mut lengths = vec![0.0; outputs * rows];
        with_scratch(rows * q, |whitened| {
            for (factor, lengths) in factors.iter().zip(lengths.chunks_exact_mut(rows)) {
                whitened.copy_from_slice(layer.inputs);
                kernels::solve_lower_rows(factor, q, whitened);
                kernels::row_norms_squared(whitened, q, lengths);
            }
        });
        let mut s = vec![0.0; outputs * outputs];
        for (k, out) in out.iter_mut().enumerate() {
            let i = range.start + k;
            family.curvature_into(&z[i * outputs..(i + 1) * outputs], &mut s);
            let r = &layer.gradients[k * outputs..(k + 1) * outputs];
            let weighted: f64 = (0..outputs)
                .map(|c| r[c] * lengths[c * rows + k] * kernels::dot(&s[c * outputs..(c + 1) * outputs], r))
                .sum();
            let squared = kernels::dot(r, r);
            *out = if squared > 0.0 { (weighted / squared).clamp(0.0, LARGEST_ESTIMATED_LEVERAGE) } else { 0.0 };
        }
    })
}

/// diag(H) with the penalty, by squares of the factors: Σᵢ Σ_c (d∘d)(a∘a)ᵀ at the roots of S.
fn curvature_diagonal(training: &SampleGradients<'_>, penalty: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    let family = training.network.family;
    let mut diagonal = vec![penalty; training.parameters()];
    for c in 0..family.outputs() {
        let top = |_: usize, z: &[f64], t: &mut [f64]| family.curvature_root_into(z, c, t);
        let part = training.reduce(diagonal.len(), &top, run, &add_squares)?;
        diagonal.iter_mut().zip(&part).for_each(|(d, p)| *d += p);
    }
    // a weight that no row touches has curvature 0 without a penalty; any positive number serves a coordinate that stays 0
    diagonal.iter_mut().filter(|d| **d <= 0.0).for_each(|d| *d = 1.0);
    Ok(diagonal)
}

fn add_squares(_: Range<usize>, factors: &Factors<'_>, out: &mut [f64]) {
    let mut rest = out;
    for layer in &factors.layers {
        let (own, others) = rest.split_at_mut(layer.shape.parameters());
        let squares = |v: &[f64]| v.iter().map(|v| v * v).collect::<Vec<f64>>();
        let (a, d) = (squares(layer.inputs), squares(layer.gradients));
        kernels::add_product_with_transpose(&a, &d, layer.shape.inputs, layer.shape.outputs, 1.0, own);
        rest = others;
    }
}

/// Cholesky factors of mean(S_cc)·AᵀA + M·I, one a class.
fn mean_class_factors(
    training: &SampleGradients<'_>,
    penalty: f64,
    unsaid: Option<&NullSpace>,
    run: &Run<'_>,
) -> Result<Vec<Vec<f64>>> {
    let (family, q) = (training.network.family, training.network.inputs());
    let outputs = family.outputs();
    let gram = training.input_grams(run)?.swap_remove(0);
    let z = training.predictors(run)?;
    let mut means = vec![0.0; outputs];
    let mut s = vec![0.0; outputs * outputs];
    for z in z.chunks_exact(outputs) {
        family.curvature_into(z, &mut s);
        means.iter_mut().enumerate().for_each(|(c, m)| *m += s[c * (outputs + 1)] / training.rows() as f64);
    }
    let scaled = |mean: &f64| gram.iter().map(|g| mean * g).collect();
    means.iter().map(|mean| penalised_factor(scaled(mean), q, penalty, unsaid)).collect()
}

/// The factor of a class block with the penalty, or with what stands for it in the directions that say nothing.
fn penalised_factor(mut block: Vec<f64>, q: usize, penalty: f64, unsaid: Option<&NullSpace>) -> Result<Vec<f64>> {
    (0..q).for_each(|j| block[j * (q + 1)] += penalty);
    unsaid.into_iter().for_each(|space| space.fill_in(&mut block, false));
    if kernels::cholesky_in_place(&mut block, q) { Ok(block) } else { Err(indefinite(penalty)) }
}

fn factored(training: &SampleGradients<'_>, penalty: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    let mut h = curvature_matrix(training, penalty, run)?;
    if let Some(space) = unsaid(training, penalty, &h, run)? {
        space.fill_in(&mut h, matches!(training.network.family, Family::Categorical { .. }));
    }
    if kernels::cholesky_in_place(&mut h, training.parameters()) { Ok(h) } else { Err(indefinite(penalty)) }
}

/// The combinations of columns that change no prediction (a constant beside all levels of a factor), where no penalty holds
/// them: H is singular along them, no gradient has a part there, and with them filled in H⁻¹ is the pseudo-inverse to all
/// that is asked of it.
fn unsaid(training: &SampleGradients<'_>, penalty: f64, hessian: &[f64], run: &Run<'_>) -> Result<Option<NullSpace>> {
    let network = training.network;
    if penalty > 0.0 || network.layers.len() > 1 {
        return Ok(None);
    }
    let (features, responses) = (training.features(), training.responses());
    let objective = Objective::new(features, network.inputs(), responses, network.family, penalty)?;
    NullSpace::where_singular(&objective, hessian, run)
}

fn inverse(training: &SampleGradients<'_>, penalty: f64, run: &Run<'_>) -> Result<Vec<f64>> {
    if training.network.layers.len() != 1 {
        let reason =
            "one-step leave-one-out has its closed form only without hidden layers; use pcg, or exact".to_string();
        return Err(ErrorKind::Option { name: "method".into(), reason }.into());
    }
    Ok(kernels::cholesky_inverse(&factored(training, penalty, run)?, training.parameters()))
}

fn indefinite(penalty: f64) -> unhat::Error {
    let reason = format!(
        "the Hessian is not positive definite at penalty {penalty:e}, as in a fit that separates the classes; give a larger \
         penalty"
    );
    ErrorKind::Numerical { reason }.into()
}

/// Below this 1 − h is rounding.
const DECIDED_BY_ITSELF: f64 = 1e-12;

/// w_j = (I − S_jQ_j)⁻¹ r_j of every row.
struct Corrected {
    w: Vec<f64>,
    largest: f64,
}

impl Corrected {
    fn of(training: &SampleGradients<'_>, inverse: &[f64], run: &Run<'_>) -> Result<Corrected> {
        let (family, q) = (training.network.family, training.network.inputs());
        let outputs = family.outputs();
        let p = outputs * q;
        // xᵀBx = xᵀ½(B + Bᵀ)x, so that a block and its mirror image are one symmetric matrix
        let blocks: Vec<(usize, usize, Vec<f64>)> = (0..outputs)
            .flat_map(|c| (0..=c).map(move |k| (c, k)))
            .map(|(c, k)| {
                let entry = |i: usize, j: usize| inverse[(k * q + j) * p + c * q + i];
                let symmetric = (0..q * q).map(|e| 0.5 * (entry(e % q, e / q) + entry(e / q, e % q))).collect();
                (c, k, symmetric)
            })
            .collect();
        let z = training.predictors(run)?;
        let width = outputs + 1; // w and h; an h of NaN marks a row whose I − SQ is singular
        let all = training.each(width, run, &|range, factors, out| {
            let layer = &factors.layers[0];
            let rows = range.len();
            let mut q_all = vec![0.0; rows * outputs * outputs];
            let mut lengths = vec![0.0; rows];
            with_scratch(rows * q, |image| {
                for (c, k, block) in &blocks {
                    kernels::rows_times_symmetric(layer.inputs, q, block, image);
                    kernels::row_dots(image, layer.inputs, q, &mut lengths);
                    for (i, length) in lengths.iter().enumerate() {
                        q_all[(i * outputs + c) * outputs + k] = *length;
                        q_all[(i * outputs + k) * outputs + c] = *length;
                    }
                }
            });
            let mut s = vec![0.0; outputs * outputs];
            for (i, out) in out.chunks_exact_mut(width).enumerate() {
                let row = range.start + i;
                family.curvature_into(&z[row * outputs..(row + 1) * outputs], &mut s);
                let q_row = &q_all[i * outputs * outputs..(i + 1) * outputs * outputs];
                let r = &layer.gradients[i * outputs..(i + 1) * outputs];
                let mut system = vec![0.0; outputs * outputs];
                let mut weighted = 0.0; // rᵀSQr
                for c in 0..outputs {
                    for k in 0..outputs {
                        let product: f64 = (0..outputs).map(|m| s[c * outputs + m] * q_row[m * outputs + k]).sum();
                        system[c * outputs + k] = f64::from(c == k) - product;
                        weighted += r[c] * product * r[k];
                    }
                }
                // of one output 1 − h, which rounding alone keeps from 0 where the row alone decides its own prediction
                let decided = outputs == 1 && system[0] < DECIDED_BY_ITSELF;
                match kernels::solve_square(&system, r).filter(|_| !decided) {
                    Some(w) => {
                        out[..outputs].copy_from_slice(&w);
                        let squared = kernels::dot(r, r);
                        out[outputs] = if squared > 0.0 { weighted / squared } else { 0.0 };
                    }
                    None => out[outputs] = f64::NAN,
                }
            }
        })?;
        if let Some(row) = all.chunks_exact(width).position(|row| row.iter().any(|v| !v.is_finite())) {
            let reason = format!(
                "row {} has a hat value of 1: without it the model is not determined; give a larger penalty, remove the row, or \
                 choose a method that does not correct for leverage, such as exact",
                row + 1
            );
            return Err(ErrorKind::Numerical { reason }.into());
        }
        let largest = all.chunks_exact(width).map(|row| row[outputs]).fold(0.0, f64::max);
        let w = all.chunks_exact(width).flat_map(|row| row[..outputs].iter().copied()).collect();
        Ok(Corrected { w, largest })
    }
}
