//! Ridge leverage and damped influence on the empirical Fisher matrix GᵀG + M·I, in the smaller of its two forms.
//!
//! primal: GᵀG + M·I (p×p);  dual: K + M·I with K = GGᵀ = Σ_l (A_lA_lᵀ)∘(D_lD_lᵀ) (n×n), G never formed

use super::SampleGradients;
use super::curvature::explicit_gram;
use crate::error::{ErrorKind, Result};
use crate::linalg;
use crate::models::LayerShape;
use crate::run::Run;
use rayon::prelude::*;

/// Which of the two equal forms is factored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// p×p.
    Primal,
    /// n×n.
    Dual,
}

/// The factored ridge system of the per-sample gradients.
pub struct Ridge<'a> {
    gradients: SampleGradients<'a>,
    /// M.
    pub damping: f64,
    /// Which form was factored.
    pub form: Form,
    lower: Vec<f64>,
}

/// Largest min(n, p) that is factored: 3.2 GB.
const LARGEST_SYSTEM: usize = 20_000;

impl<'a> Ridge<'a> {
    /// Factors GᵀG + M·I or K + M·I, whichever is smaller.
    ///
    /// # Cost
    /// min(n,p)·np flops for the product, min(n,p)³/3 for the factor; min(n,p)² values.
    /// # Errors
    /// [`ErrorKind::TooLarge`] above 20 000; [`ErrorKind::Option`] for a damping that is not positive.
    pub fn new(gradients: &SampleGradients<'a>, damping: f64, run: &Run<'_>) -> Result<Ridge<'a>> {
        let form = if gradients.parameters() <= gradients.rows() { Form::Primal } else { Form::Dual };
        Ridge::in_form(gradients, damping, form, run)
    }

    /// As [`Ridge::new`], in a given form.
    ///
    /// # Errors
    /// As [`Ridge::new`].
    pub fn in_form(gradients: &SampleGradients<'a>, damping: f64, form: Form, run: &Run<'_>) -> Result<Ridge<'a>> {
        if !(damping > 0.0 && damping.is_finite()) {
            let reason = format!("found {damping}, expected a positive number (all gradients may be zero)");
            return Err(ErrorKind::Option { name: "damping".into(), reason }.into());
        }
        let size = match form {
            Form::Primal => gradients.parameters(),
            Form::Dual => gradients.rows(),
        };
        if size > LARGEST_SYSTEM {
            return Err(ErrorKind::TooLarge {
                what: format!("the {size} x {size} system of all gradients"),
                bytes: 8 * (size as u64).pow(2),
                limit: 8 * (LARGEST_SYSTEM as u64).pow(2),
            }
            .into());
        }
        let mut lower = match form {
            Form::Primal => explicit_gram(gradients, &gradients.loss_top(1.0), run)?,
            Form::Dual => lower_dual_gram(gradients, run)?,
        };
        (0..size).for_each(|j| lower[j * (size + 1)] += damping);
        if !linalg::cholesky_in_place(&mut lower, size) {
            let reason = format!("the damped Fisher matrix is not positive definite at damping {damping:e}");
            return Err(ErrorKind::Numerical { reason }.into());
        }
        Ok(Ridge { gradients: *gradients, damping, form, lower })
    }

    /// `ℓᵢ = gᵢᵀ(GᵀG + M·I)⁻¹gᵢ`, the ridge leverage = self-influence of every row; their sum is the effective dimension.
    ///
    /// # Cost
    /// Primal n·p² flops, dual n³/3.
    pub fn leverages(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        let p = self.gradients.parameters();
        match self.form {
            Form::Primal => self.gradients.each(1, run, &|range, factors, out| {
                crate::rows::with_scratch(range.len() * p, |rows| {
                    factors.rows_into(0..range.len(), rows);
                    linalg::solve_lower_rows(&self.lower, p, rows);
                    linalg::row_norms_squared(rows, p, out);
                })
            }),
            Form::Dual => {
                // [(K + MI)⁻¹]ᵢᵢ is the squared norm of column i of L⁻¹
                let n = self.gradients.rows();
                let mut leverages = vec![0.0; n];
                run.install(|| {
                    leverages.par_chunks_mut(PANEL).enumerate().with_max_len(1).try_for_each(|(panel, out)| {
                        run.check()?;
                        linalg::inverse_column_norms(&self.lower, n, panel * PANEL, out);
                        out.iter_mut().for_each(|l| *l = 1.0 - self.damping * *l);
                        Ok(())
                    })
                })
                .map(|()| leverages)
            }
        }
    }

    /// `gᵢᵀ(GᵀG + M·I)⁻¹v`: damped influence on f with ∇f = v. Positive = helpful.
    ///
    /// # Cost
    /// Two sweeps at most, and two triangular solves.
    pub fn damped(&self, v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        match self.form {
            Form::Primal => self.gradients.times(&linalg::cholesky_solve(&self.lower, v), run),
            Form::Dual => Ok(linalg::cholesky_solve(&self.lower, &self.gradients.times(v, run)?)),
        }
    }
}

/// Columns of K, and of L⁻¹, computed at once. Measured at n = 1200: from 32 to 128 alike, 256 slower by a quarter.
const PANEL: usize = 64;

/// K = Σ_l (A_lA_lᵀ)∘(D_lD_lᵀ), full n×n, from the layer factors alone.
///
/// # Cost
/// n² Σ_l (d_in + d_out) flops instead of n²p; n·Σ_l (d_in + d_out) values for the factors.
pub fn dual_gram(gradients: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let mut k = lower_dual_gram(gradients, run)?;
    linalg::symmetrise(&mut k, gradients.rows());
    Ok(k)
}

/// The lower triangle of [`dual_gram`]: what factorisations read.
pub(super) fn lower_dual_gram(gradients: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let (n, shapes) = (gradients.rows(), layer_shapes(gradients));
    let factors = stored_factors(gradients, &shapes, run)?;
    let mut k = vec![0.0; n * n];
    // One thread touches the memory first: two that take its page faults at once need three times as long (measured).
    std::hint::black_box(&mut k).fill(0.0);
    run.install(|| {
        k.par_chunks_mut(n * PANEL).enumerate().with_max_len(1).try_for_each(|(panel, columns)| {
            run.check()?;
            for (shape, (a, d)) in shapes.iter().zip(&factors) {
                linalg::add_gram_product_panel(a, shape.inputs, d, shape.outputs, panel * PANEL, columns);
            }
            Ok(())
        })
    })
    .map(|()| k)
}

fn layer_shapes(gradients: &SampleGradients<'_>) -> Vec<LayerShape> {
    gradients.network.layers.iter().map(|l| l.shape).collect()
}

/// (A, D) of every layer for all rows.
fn stored_factors(
    gradients: &SampleGradients<'_>,
    shapes: &[LayerShape],
    run: &Run<'_>,
) -> Result<Vec<(Vec<f64>, Vec<f64>)>> {
    let width: usize = shapes.iter().map(|s| s.inputs + s.outputs).sum();
    let together = gradients.each(width, run, &|_, factors, out| {
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let mut rest = out;
            for layer in &factors.layers {
                let LayerShape { inputs, outputs } = layer.shape;
                let (a, others) = rest.split_at_mut(inputs);
                let (d, others) = others.split_at_mut(outputs);
                a.copy_from_slice(&layer.inputs[i * inputs..(i + 1) * inputs]);
                d.copy_from_slice(&layer.gradients[i * outputs..(i + 1) * outputs]);
                rest = others;
            }
        }
    })?;
    let mut start = 0;
    let column = |from: usize, size: usize| -> Vec<f64> {
        together.chunks_exact(width).flat_map(|row| row[from..from + size].iter().copied()).collect()
    };
    Ok(shapes
        .iter()
        .map(|s| {
            let pair = (column(start, s.inputs), column(start + s.inputs, s.outputs));
            start += s.inputs + s.outputs;
            pair
        })
        .collect())
}
