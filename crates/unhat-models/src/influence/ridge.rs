//! Ridge leverage and damped influence on the empirical Fisher matrix GᵀG + M·I, in the smaller of its two forms.
//!
//! primal: GᵀG + M·I (p×p);  dual: K + M·I with K = GGᵀ = Σ_l (A_lA_lᵀ)∘(D_lD_lᵀ) (n×n), G never formed

use super::SampleGradients;
use super::curvature::explicit_gram;
use crate::models::{LayerFactors, LayerShape};
use rayon::prelude::*;
use unhat::kernels;
use unhat::{ErrorKind, Result, Run};

/// Which of the two equal forms is factored.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Form, Ridge, SampleGradients};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let (rows, run) = (SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?, Run::default());
/// assert_eq!(Ridge::new(&rows, 14.0, &run)?.form, Form::Primal); // one parameter, three rows
/// for form in [Form::Primal, Form::Dual] {
///     let leverages = Ridge::in_form(&rows, 14.0, form, &run)?.leverages(&run)?;
///     assert!((leverages[0] - 4.0 / 28.0).abs() < 1e-15); // g²/(Σg² + M) with g = 2, 1, −3
/// }
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The p×p system of the parameters.
    Primal,
    /// The n×n system of the rows.
    Dual,
}

/// The factored ridge system of the per-sample gradients.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Ridge, SampleGradients};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let (rows, run) = (SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?, Run::default());
/// let ridge = Ridge::new(&rows, 14.0, &run)?; // Σg² = 14, so half of one dimension is left
/// assert!((ridge.leverages(&run)?.iter().sum::<f64>() - 0.5).abs() < 1e-15);
/// assert!((ridge.damped(&[28.0], &run)?[2] + 3.0).abs() < 1e-14); // g·28/28
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct Ridge<'a> {
    gradients: SampleGradients<'a>,
    /// The damping M of the system.
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
        if !kernels::cholesky_in_place(&mut lower, size) {
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
                unhat::kernels::with_scratch(range.len() * p, |rows| {
                    factors.rows_into(0..range.len(), rows);
                    kernels::solve_lower_rows(&self.lower, p, rows);
                    kernels::row_norms_squared(rows, p, out);
                })
            }),
            Form::Dual => {
                // [(K + MI)⁻¹]ᵢᵢ is the squared norm of column i of L⁻¹
                let n = self.gradients.rows();
                let mut leverages = vec![0.0; n];
                run.install(|| {
                    leverages.par_chunks_mut(PANEL).enumerate().with_max_len(1).try_for_each(|(panel, out)| {
                        run.check()?;
                        kernels::inverse_column_norms(&self.lower, n, panel * PANEL, out);
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
            Form::Primal => self.gradients.times(&kernels::cholesky_solve(&self.lower, v), run),
            Form::Dual => Ok(kernels::cholesky_solve(&self.lower, &self.gradients.times(v, run)?)),
        }
    }
}

/// Columns of K, and of L⁻¹, computed at once. Measured at n = 1200: from 32 to 128 alike, 256 slower by a quarter.
const PANEL: usize = 64;

/// K = Σ_l (A_lA_lᵀ)∘(D_lD_lᵀ), full n×n, from the layer factors alone.
///
/// # Cost
/// n² Σ_l (d_in + d_out) flops instead of n²p; n·Σ_l (d_in + d_out) values for the factors. A layer with T positions: as
/// [`LayerFactors::kernel`].
pub fn dual_gram(gradients: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let mut k = lower_dual_gram(gradients, run)?;
    kernels::symmetrise(&mut k, gradients.rows());
    Ok(k)
}

/// The lower triangle of [`dual_gram`]: what factorisations read.
pub(super) fn lower_dual_gram(gradients: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let n = gradients.rows();
    let stored = stored_factors(gradients, run)?;
    let mut k = unhat::kernels::touched_zeros(n * n);
    run.install(|| {
        k.par_chunks_mut(n * PANEL).enumerate().with_max_len(1).try_for_each(|(panel, columns)| {
            run.check()?;
            let range = panel * PANEL..panel * PANEL + columns.len() / n;
            stored.iter().for_each(|layer| layer.factors().add_kernel_columns(range.clone(), columns));
            Ok(())
        })
    })
    .map(|()| k)
}

/// The factors of one layer for all rows.
struct Stored {
    shape: LayerShape,
    positions: usize,
    inputs: Vec<f64>,
    gradients: Vec<f64>,
}

impl Stored {
    fn factors(&self) -> LayerFactors<'_> {
        let Stored { shape, positions, inputs, gradients } = self;
        LayerFactors { shape: *shape, positions: *positions, inputs, gradients }
    }

    /// The same gradients as a layer with one position whose inputs they are, and whose only output has the gradient 1.
    fn as_gradients(&self) -> Stored {
        let shape = LayerShape { inputs: self.shape.parameters(), outputs: 1 };
        let factors = self.factors();
        Stored { shape, positions: 1, inputs: factors.gradients(), gradients: vec![1.0; factors.samples()] }
    }
}

fn stored_factors(gradients: &SampleGradients<'_>, run: &Run<'_>) -> Result<Vec<Stored>> {
    let layers = &gradients.network.layers;
    let sizes: Vec<[usize; 2]> = layers
        .iter()
        .enumerate()
        .map(|(l, layer)| [layer.shape.inputs, layer.shape.outputs].map(|size| gradients.positions(l) * size))
        .collect();
    let width: usize = sizes.iter().flatten().sum();
    let together = gradients.each(width, run, &|_, factors, out| {
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let mut rest = out;
            for layer in &factors.layers {
                let (a, d) = layer.of_samples(i..i + 1);
                for values in [a, d] {
                    let (own, others) = rest.split_at_mut(values.len());
                    own.copy_from_slice(values);
                    rest = others;
                }
            }
        }
    })?;
    let mut start = 0;
    let mut column = |size: usize| -> Vec<f64> {
        let own = start..start + size;
        start = own.end;
        together.chunks_exact(width).flat_map(|row| row[own.clone()].iter().copied()).collect()
    };
    let stored = sizes.iter().zip(layers).enumerate().map(|(l, ([a, d], layer))| {
        let (inputs, d) = (column(*a), column(*d));
        let stored = Stored { shape: layer.shape, positions: gradients.positions(l), inputs, gradients: d };
        if stored.factors().is_smaller_as_gradients() { stored.as_gradients() } else { stored }
    });
    Ok(stored.collect())
}
