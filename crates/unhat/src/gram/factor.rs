//! L with LLᵀ = M, how it was obtained, and how far it can be trusted.

use super::pattern::Pattern;
use super::sparse::SparseFactor;
use super::spectrum::{Symmetric, power_growth, power_growth_in};
use super::tsqr::{orthogonal_factor, rank_tolerance};
use super::weighted::{Transform, transformed_gram};
use crate::error::Result;
use crate::linalg;
use crate::rows::RowSource;
use crate::run::Run;
use std::sync::{Arc, OnceLock};

/// How the triangular factor of a Gram matrix was computed, from the cheapest to the most accurate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactorMethod {
    /// Cholesky of M: the error grows with cond(A)².
    Cholesky,
    /// Cholesky of M, then of the Gram matrix of the whitened rows: the error grows with cond(A), while cond(A) < 10⁸.
    CholeskyQr2,
    /// Householder QR of the rows, stretch by stretch: the error grows with cond(A), whatever it is.
    Tsqr,
}

impl FactorMethod {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            FactorMethod::Cholesky => "cholesky",
            FactorMethod::CholeskyQr2 => "cholesky_qr2",
            FactorMethod::Tsqr => "tsqr",
        }
    }
}

/// The lower triangular factor of M = AᵀDA + λI = LLᵀ.
///
/// Where M is sparse it may be kept as a sparse factor, in another order of the columns; L is then computed if asked for.
#[derive(Clone, Debug)]
pub struct Factor {
    d: usize,
    form: Form,
    method: FactorMethod,
    gram_condition: OnceLock<f64>,
    inverse: OnceLock<Arc<Vec<f64>>>,
}

#[derive(Clone, Debug)]
enum Form {
    Lower(Arc<Vec<f64>>),
    Sparse { factor: Box<SparseFactor>, lower: OnceLock<Arc<Vec<f64>>> },
}

/// CholeskyQR2 needs the first factor to whiten the rows to within a factor of about two; with the rounding of M below
/// d·ε·κ(M̃) that holds up to this κ. The second Gram matrix is checked as well.
const QR2_CONDITION_LIMIT: f64 = 1e13;

impl Factor {
    /// The factor of a Gram matrix given by its lower triangle; None if it is not positive definite to rounding.
    pub fn of_gram(mut gram: Vec<f64>, d: usize) -> Option<Factor> {
        if !linalg::cholesky_in_place(&mut gram, d) {
            return None;
        }
        Some(Factor::of_lower(gram, d, FactorMethod::Cholesky))
    }

    /// The sparse factor of a Gram matrix given on the slots of a pattern; None if it is not positive definite to rounding.
    pub(crate) fn of_sparse_gram(pattern: &Arc<Pattern>, gram: Vec<f64>) -> Option<Factor> {
        let factor = Box::new(SparseFactor::of_matrix(pattern, gram)?);
        let form = Form::Sparse { factor, lower: OnceLock::new() };
        Some(Factor::new(form, pattern.dim(), FactorMethod::Cholesky))
    }

    /// Wraps a lower triangular factor with positive diagonal.
    pub(crate) fn of_lower(l: Vec<f64>, d: usize, method: FactorMethod) -> Factor {
        Factor::new(Form::Lower(Arc::new(l)), d, method)
    }

    fn new(form: Form, d: usize, method: FactorMethod) -> Factor {
        Factor { d, form, method, gram_condition: OnceLock::new(), inverse: OnceLock::new() }
    }

    /// The factor of D⁻¹MD⁻¹ for a diagonal D of powers of two, given by their exponents.
    pub(crate) fn in_units(&self, powers: &[i32]) -> Factor {
        let mut l = self.lower().to_vec();
        for column in l.chunks_exact_mut(self.d) {
            column.iter_mut().zip(powers).for_each(|(l, e)| *l = libm::ldexp(*l, -e));
        }
        Factor { gram_condition: self.gram_condition.clone(), ..Factor::of_lower(l, self.d, self.method) }
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.d
    }

    /// L, column-major d×d with zeros above the diagonal.
    ///
    /// # Cost
    /// None, but for a sparse factor, where the first call takes 2d³ flops and d² values.
    pub fn lower(&self) -> &[f64] {
        self.shared_lower()
    }

    /// L, to be kept.
    pub(crate) fn shared_lower(&self) -> &Arc<Vec<f64>> {
        match &self.form {
            Form::Lower(l) => l,
            // M = FFᵀ: the columns of F are rows whose Gram matrix is M.
            Form::Sparse { factor, lower } => {
                lower.get_or_init(|| Arc::new(linalg::triangular_factor(&factor.dense_columns(), self.d)))
            }
        }
    }

    /// The sparse factor, where M is kept sparse.
    pub(crate) fn sparse(&self) -> Option<&SparseFactor> {
        match &self.form {
            Form::Lower(_) => None,
            Form::Sparse { factor, .. } => Some(factor),
        }
    }

    /// The word used in results: "sparse_cholesky" where M is kept sparse, else that of the method.
    pub fn name(&self) -> &'static str {
        match &self.form {
            Form::Lower(_) => self.method.name(),
            Form::Sparse { .. } => "sparse_cholesky",
        }
    }

    /// How L was computed.
    pub fn method(&self) -> FactorMethod {
        self.method
    }

    /// Estimate of κ₂(M̃), M̃ = M scaled to unit diagonal: what rounding in the Gram matrix is multiplied by.
    pub fn gram_condition(&self) -> f64 {
        *self.gram_condition.get_or_init(|| match &self.form {
            Form::Lower(l) => equilibrated_condition_estimate(l, self.d),
            Form::Sparse { factor, .. } => {
                let (largest, smallest_inverse) = sparse_spectrum_estimate(factor);
                (largest * smallest_inverse).max(1.0)
            }
        })
    }

    /// Whether κ₂(M̃) < limit. A few steps of inverse iteration say so where there is room to spare.
    pub(crate) fn gram_condition_below(&self, limit: f64) -> bool {
        // κ₂ ≤ d‖M̃⁻¹‖; three steps were never seen to be a thousandfold too small.
        const STEPS: usize = 3;
        const ROOM: f64 = 1e3;
        let d = self.d;
        let quick = || match &self.form {
            Form::Lower(l) => {
                let size = row_norms(l, d);
                power_growth_in(STEPS, d, |v| scaled(&linalg::cholesky_solve(l, &scaled(v, &size)), &size))
            }
            Form::Sparse { factor, .. } => {
                let size: Vec<f64> = factor.diagonal().iter().map(|m| m.sqrt()).collect();
                power_growth_in(STEPS, d, |v| scaled(&sparse_solve(factor, &scaled(v, &size)), &size))
            }
        };
        (self.gram_condition.get().is_none() && quick() * d as f64 * ROOM < limit) || self.gram_condition() < limit
    }

    /// κ₂(M̃) ≤ d·trace(M̃⁻¹), from the diagonals of M and of M⁻¹: a bound, often far too large.
    pub(crate) fn trace_bound(&self, inverse_diagonal: impl Iterator<Item = f64>) -> f64 {
        let diagonal = match &self.form {
            Form::Lower(l) => row_norms(l, self.d).iter().map(|s| s * s).collect(),
            Form::Sparse { factor, .. } => factor.diagonal(),
        };
        self.d as f64 * diagonal.iter().zip(inverse_diagonal).map(|(m, z)| m * z).sum::<f64>()
    }

    /// Estimate of cond₂ of the rows, columns scaled to unit norm: √κ₂(M̃).
    pub fn condition(&self) -> f64 {
        self.gram_condition().sqrt()
    }

    /// Upper estimate of κ₂(M̃), for certificates: shifted factorisations of M̃ where Cholesky served, else eigenvalues of
    /// M̃ and of its inverse.
    ///
    /// # Cost
    /// A few factorisations, or O(d³) for the eigenvalues.
    pub fn gram_condition_bound(&self) -> f64 {
        let d = self.d;
        match &self.form {
            Form::Sparse { factor, .. } => sparse_condition_bound(factor),
            Form::Lower(l) => {
                let scaled = equilibrated(l, d);
                let by_shifts = || {
                    let mut product = vec![0.0; d * d];
                    linalg::add_gram(&scaled, &scaled, d, &mut product);
                    let matrix = Symmetric::Dense(&product, d);
                    let (largest, smallest_inverse) = dense_spectrum_estimate(&scaled, d);
                    Some(matrix.inverse_norm_bound(smallest_inverse)? * matrix.norm_bound(largest))
                };
                let by_eigenvalues = || {
                    largest_singular_squared(&scaled, d)
                        * largest_singular_squared(&linalg::invert_lower(&scaled, d), d)
                };
                match self.method {
                    FactorMethod::Cholesky => by_shifts().unwrap_or_else(by_eigenvalues),
                    _ => by_eigenvalues(),
                }
            }
        }
    }

    /// log det M = 2 Σ log Lᵢᵢ.
    pub fn log_det(&self) -> f64 {
        match &self.form {
            Form::Lower(l) => 2.0 * (0..self.d).map(|i| l[i + i * self.d].ln()).sum::<f64>(),
            Form::Sparse { factor, .. } => factor.log_det(),
        }
    }

    /// M⁻¹ v.
    pub fn solve(&self, v: &[f64]) -> Vec<f64> {
        match &self.form {
            Form::Lower(l) => linalg::cholesky_solve(l, v),
            Form::Sparse { factor, .. } => sparse_solve(factor, v),
        }
    }

    /// L⁻¹ v.
    pub fn half_solve(&self, v: &[f64]) -> Vec<f64> {
        linalg::solve_lower(self.lower(), v)
    }

    /// L⁻ᵀ v.
    pub fn half_solve_transposed(&self, v: &[f64]) -> Vec<f64> {
        linalg::solve_lower_transposed(self.lower(), v)
    }

    /// M⁻¹, full; kept after the first call.
    ///
    /// # Cost
    /// 4d³/3 flops once; of a sparse factor 4d flops for each of its nonzeros.
    pub fn inverse(&self) -> &[f64] {
        self.inverse.get_or_init(|| {
            Arc::new(match &self.form {
                Form::Lower(l) => linalg::cholesky_inverse(l, self.d),
                Form::Sparse { factor, .. } => factor.inverse(),
            })
        })
    }

    /// Whether M is kept sparse, and L only computed where it is asked for.
    pub fn is_sparse(&self) -> bool {
        self.sparse().is_some()
    }

    /// The factor of the same M at least as accurate as `method`, from further sweeps over the rows; None when the rows
    /// are rank deficient to rounding.
    ///
    /// `ridge` is λ; `transform` is what was applied to the rows when M was formed.
    ///
    /// # Cost
    /// CholeskyQR2: one sweep of 2nd² flops. TSQR: one sweep of 2nd² flops at a lower speed.
    pub(crate) fn refined(
        &self,
        method: FactorMethod,
        source: &dyn RowSource,
        transform: Transform<'_>,
        ridge: f64,
        run: &Run<'_>,
    ) -> Result<Option<Factor>> {
        if method == FactorMethod::CholeskyQr2
            && self.gram_condition_below(QR2_CONDITION_LIMIT)
            && let Some(factor) = self.corrected(FactorMethod::CholeskyQr2, source, transform, ridge, run)?
        {
            return Ok(Some(factor));
        }
        Factor::orthogonal(source, transform, ridge, run)
    }

    /// The factor by Householder QR, its backward error taken out by one whitened Gram matrix; None when the columns are
    /// dependent to rounding.
    ///
    /// # Cost
    /// Two sweeps of 2nd² flops.
    pub(crate) fn orthogonal(
        source: &dyn RowSource,
        transform: Transform<'_>,
        ridge: f64,
        run: &Run<'_>,
    ) -> Result<Option<Factor>> {
        let d = source.shape().columns;
        let l = orthogonal_factor(source, transform, ridge, run)?;
        if !has_full_rank(&l, d) {
            return Ok(None);
        }
        let factor = Factor::of_lower(l, d, FactorMethod::Tsqr);
        Ok(Some(factor.corrected(FactorMethod::Tsqr, source, transform, ridge, run)?.unwrap_or(factor)))
    }

    /// L·L₂ with L₂ the factor of Σ uuᵀ, u = L⁻¹a: CholeskyQR2.
    fn corrected(
        &self,
        method: FactorMethod,
        source: &dyn RowSource,
        transform: Transform<'_>,
        ridge: f64,
        run: &Run<'_>,
    ) -> Result<Option<Factor>> {
        let d = self.d;
        let mut gram = transformed_gram(source, Transform { lower: Some(self.lower()), ..transform }, run)?;
        if ridge > 0.0 {
            let inverse = linalg::invert_lower(self.lower(), d); // λ L⁻¹L⁻ᵀ
            linalg::add_outer_product(&inverse, &inverse, d, ridge, &mut gram);
        }
        let defect = (0..d).map(|j| (j..d).map(|i| (gram[i + j * d] - f64::from(i == j)).abs()).sum::<f64>());
        if defect.fold(0.0, f64::max) > 0.5 || !linalg::cholesky_in_place(&mut gram, d) {
            return Ok(None);
        }
        let mut product = vec![0.0; d * d];
        linalg::add_product(self.lower(), &gram, d, d, d, &mut product);
        for j in 1..d {
            product[j * d..j * d + j].fill(0.0);
        }
        Ok(Some(Factor::of_lower(product, d, method)))
    }
}

/// Whether no direction of the rows is lost in rounding.
fn has_full_rank(l: &[f64], d: usize) -> bool {
    let diagonal_positive = (0..d).all(|i| l[i + i * d] > 0.0);
    diagonal_positive && equilibrated_condition_estimate(l, d).sqrt() < 1.0 / rank_tolerance(d)
}

/// ‖row i of L‖ = √Mᵢᵢ.
fn row_norms(l: &[f64], d: usize) -> Vec<f64> {
    let mut squares = vec![0.0; d];
    for (j, column) in l.chunks_exact(d).enumerate() {
        squares[j..].iter_mut().zip(&column[j..]).for_each(|(s, l)| *s += l * l);
    }
    squares.iter().map(|s| s.sqrt()).collect()
}

/// D·L with unit row norms: the factor of M scaled to unit diagonal.
fn equilibrated(l: &[f64], d: usize) -> Vec<f64> {
    let (mut scaled, norms) = (l.to_vec(), row_norms(l, d));
    for (j, column) in scaled.chunks_exact_mut(d).enumerate() {
        column[j..].iter_mut().zip(&norms[j..]).for_each(|(l, norm)| *l /= norm);
    }
    scaled
}

fn scaled(v: &[f64], by: &[f64]) -> Vec<f64> {
    v.iter().zip(by).map(|(v, s)| v * s).collect()
}

fn sparse_solve(factor: &SparseFactor, v: &[f64]) -> Vec<f64> {
    factor.half_solve_transposed(&factor.half_solve(v))
}

fn equilibrated_condition_estimate(l: &[f64], d: usize) -> f64 {
    let (largest, smallest_inverse) = dense_spectrum_estimate(&equilibrated(l, d), d);
    (largest * smallest_inverse).max(1.0)
}

/// Power iteration on L̃L̃ᵀ and on its inverse.
fn dense_spectrum_estimate(scaled: &[f64], d: usize) -> (f64, f64) {
    let product = |v: &[f64]| linalg::lower_times_vector(scaled, &linalg::lower_transposed_times_vector(scaled, v));
    (power_growth(d, product), power_growth(d, |v| linalg::cholesky_solve(scaled, v)))
}

/// The same for M̃ = D⁻¹MD⁻¹, D² = diag(M).
fn sparse_spectrum_estimate(factor: &SparseFactor) -> (f64, f64) {
    let d = factor.pattern().dim();
    let size: Vec<f64> = factor.diagonal().iter().map(|m| m.sqrt()).collect();
    let inverse: Vec<f64> = size.iter().map(|s| 1.0 / s).collect();
    let largest = power_growth(d, |v| scaled(&factor.times(&scaled(v, &inverse)), &inverse));
    (largest, power_growth(d, |v| scaled(&sparse_solve(factor, &scaled(v, &size)), &size)))
}

fn sparse_condition_bound(factor: &SparseFactor) -> f64 {
    let (largest, smallest_inverse) = sparse_spectrum_estimate(factor);
    let unit = factor.pattern().equilibrated(factor.matrix());
    let matrix = Symmetric::Sparse(factor.pattern(), &unit);
    let inverse = matrix.inverse_norm_bound(smallest_inverse).unwrap_or_else(|| {
        let trace = SparseFactor::of_matrix(factor.pattern(), unit.clone()).map(|f| f.inverse_trace());
        trace.unwrap_or(f64::INFINITY)
    });
    inverse * matrix.norm_bound(largest)
}

/// λ_max(BᵀB) of a lower triangular (or any square) B, whatever the size of its entries.
pub(crate) fn largest_singular_squared(b: &[f64], d: usize) -> f64 {
    let largest = b.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    if largest == 0.0 || !b.iter().all(|v| v.is_finite()) {
        return if largest == 0.0 { 0.0 } else { f64::INFINITY };
    }
    let e = libm::ilogb(largest);
    let unit: Vec<f64> = b.iter().map(|v| libm::ldexp(*v, -e)).collect();
    let mut product = vec![0.0; d * d];
    linalg::add_outer_product(&unit, &unit, d, 1.0, &mut product);
    match linalg::symmetric_eigenvalues(&product, d) {
        Some(values) => libm::ldexp(values[d - 1], 2 * e),
        None => f64::INFINITY,
    }
}
