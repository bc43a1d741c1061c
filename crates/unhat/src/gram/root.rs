//! F with FFᵀ = B for a positive definite B: a triangular factor, a product of two, or a sparse factor.

use super::factor::largest_singular_squared;
use super::sparse::SparseFactor;
use super::spectrum::{Symmetric, power_growth};
use crate::linalg;
use std::sync::Arc;

/// F with FFᵀ = B, in the coordinates of x.
#[derive(Clone, Debug)]
pub struct Root(Form);

#[derive(Clone, Debug)]
enum Form {
    /// L₁L₂, both lower triangular.
    Product(Arc<Vec<f64>>, Arc<Vec<f64>>),
    Lower(Arc<Vec<f64>>),
    Sparse(Arc<SparseFactor>),
}

impl Root {
    /// F, a lower triangular matrix.
    pub(crate) fn of_lower(f: Vec<f64>) -> Root {
        Root(Form::Lower(Arc::new(f)))
    }

    /// L·C: C in coordinates whitened by L.
    pub(crate) fn of_whitened(l: Arc<Vec<f64>>, c: Vec<f64>) -> Root {
        Root(Form::Product(l, Arc::new(c)))
    }

    pub(crate) fn of_sparse(factor: SparseFactor) -> Root {
        Root(Form::Sparse(Arc::new(factor)))
    }

    /// C where F was given as L·C.
    pub(crate) fn whitened(&self) -> Option<&[f64]> {
        match &self.0 {
            Form::Product(_, c) => Some(c),
            _ => None,
        }
    }

    /// The half solve F⁻¹v.
    pub fn half_solve(&self, v: &[f64]) -> Vec<f64> {
        match &self.0 {
            Form::Product(l, c) => linalg::solve_lower(c, &linalg::solve_lower(l, v)),
            Form::Lower(f) => linalg::solve_lower(f, v),
            Form::Sparse(f) => f.half_solve(v),
        }
    }

    /// The other half, F⁻ᵀy.
    pub fn half_solve_transposed(&self, y: &[f64]) -> Vec<f64> {
        match &self.0 {
            Form::Product(l, c) => linalg::solve_lower_transposed(l, &linalg::solve_lower_transposed(c, y)),
            Form::Lower(f) => linalg::solve_lower_transposed(f, y),
            Form::Sparse(f) => f.half_solve_transposed(y),
        }
    }

    /// The product Fᵀv.
    pub fn transposed_times(&self, v: &[f64]) -> Vec<f64> {
        let times = linalg::lower_transposed_times_vector;
        match &self.0 {
            Form::Product(l, c) => times(c, &times(l, v)),
            Form::Lower(f) => times(f, v),
            Form::Sparse(f) => f.transposed_times(v),
        }
    }

    /// F as one lower triangular matrix; None for a sparse F.
    fn dense_lower(&self, d: usize) -> Option<Vec<f64>> {
        match &self.0 {
            Form::Product(l, c) => {
                let mut product = vec![0.0; d * d];
                linalg::add_product(l, c, d, d, d, &mut product);
                Some(product)
            }
            Form::Lower(f) => Some(f.to_vec()),
            Form::Sparse(_) => None,
        }
    }

    /// Upper bound of ‖D·F⁻ᵀ‖₂ = max ‖Dv‖/‖Fᵀv‖ for a diagonal D of powers of two, given by their exponents.
    ///
    /// # Cost
    /// The eigenvalues of a d×d matrix; for a sparse F the trace in their place.
    pub(crate) fn inverse_norm_bound_in(&self, powers: &[i32]) -> f64 {
        let d = powers.len();
        let top = powers.iter().copied().max().unwrap_or(0);
        let power = |j: usize| libm::ldexp(1.0, powers[j] - top);
        let square = match self.dense_lower(d) {
            Some(lower) => {
                let mut inverse = linalg::invert_lower(&lower, d);
                for (j, column) in inverse.chunks_exact_mut(d).enumerate() {
                    column.iter_mut().for_each(|v| *v *= power(j));
                }
                largest_singular_squared(&inverse, d) * (1.0 + 1e-6)
            }
            None => (0..d)
                .map(|j| {
                    let mut unit = vec![0.0; d];
                    unit[j] = power(j);
                    self.half_solve(&unit).iter().map(|v| v * v).sum::<f64>()
                })
                .sum(),
        };
        libm::ldexp(square.sqrt(), top)
    }

    /// Upper bound of ‖B⁻¹‖₂ = 1/λ_min(B).
    ///
    /// # Cost
    /// Inverse iteration and a few factorisations of B; where rounding forbids the proof, eigenvalues (dense) or the trace
    /// (sparse) of B⁻¹.
    pub(crate) fn inverse_norm_bound(&self, d: usize) -> f64 {
        let estimate = power_growth(d, |v| self.half_solve_transposed(&self.half_solve(v)));
        if let Form::Sparse(f) = &self.0 {
            let matrix = Symmetric::Sparse(f.pattern(), f.matrix());
            return matrix.inverse_norm_bound(estimate).unwrap_or_else(|| f.inverse_trace());
        }
        let lower = self.dense_lower(d).unwrap_or_default();
        let mut product = vec![0.0; d * d];
        linalg::add_gram(&lower, &lower, d, &mut product);
        Symmetric::Dense(&product, d).inverse_norm_bound(estimate).unwrap_or_else(|| {
            // The eigenvalue of F⁻ᵀF⁻¹ carries rounding of its own size only.
            largest_singular_squared(&linalg::invert_lower(&lower, d), d) * (1.0 + 1e-6)
        })
    }
}
