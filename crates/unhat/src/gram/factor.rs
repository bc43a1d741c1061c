//! L with LLᵀ = M, how it was obtained, and how far it can be trusted.

use super::tsqr::{orthogonal_factor, rank_tolerance};
use super::weighted::{Chunks, Transform, WhitenedGram};
use crate::error::Result;
use crate::linalg;
use crate::rows::{RowSource, sweep};
use crate::run::Run;

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
#[derive(Clone, Debug)]
pub struct Factor {
    d: usize,
    l: Vec<f64>,
    method: FactorMethod,
    gram_condition: f64,
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

    /// Wraps a lower triangular factor with positive diagonal.
    pub(crate) fn of_lower(l: Vec<f64>, d: usize, method: FactorMethod) -> Factor {
        let gram_condition = equilibrated_condition_estimate(&l, d);
        Factor { d, l, method, gram_condition }
    }

    /// d.
    pub fn dim(&self) -> usize {
        self.d
    }

    /// L, column-major d×d with zeros above the diagonal.
    pub fn lower(&self) -> &[f64] {
        &self.l
    }

    /// How L was computed.
    pub fn method(&self) -> FactorMethod {
        self.method
    }

    /// Estimate of κ₂(M̃), M̃ = M scaled to unit diagonal: what rounding in the Gram matrix is multiplied by.
    pub fn gram_condition(&self) -> f64 {
        self.gram_condition
    }

    /// Estimate of cond₂ of the rows, columns scaled to unit norm: √κ₂(M̃).
    pub fn condition(&self) -> f64 {
        self.gram_condition.sqrt()
    }

    /// Upper estimate of κ₂(M̃) from eigenvalues of M̃ and of its inverse, for certificates.
    ///
    /// # Cost
    /// O(d³).
    pub fn gram_condition_bound(&self) -> f64 {
        let scaled = equilibrated(&self.l, self.d);
        largest_singular_squared(&scaled, self.d)
            * largest_singular_squared(&linalg::invert_lower(&scaled, self.d), self.d)
    }

    /// log det M = 2 Σ log Lᵢᵢ.
    pub fn log_det(&self) -> f64 {
        2.0 * (0..self.d).map(|i| self.l[i + i * self.d].ln()).sum::<f64>()
    }

    /// M⁻¹ v.
    pub fn solve(&self, v: &[f64]) -> Vec<f64> {
        linalg::cholesky_solve(&self.l, v)
    }

    /// L⁻¹ v.
    pub fn half_solve(&self, v: &[f64]) -> Vec<f64> {
        linalg::solve_lower(&self.l, v)
    }

    /// L⁻ᵀ v.
    pub fn half_solve_transposed(&self, v: &[f64]) -> Vec<f64> {
        linalg::solve_lower_transposed(&self.l, v)
    }

    /// M⁻¹, full.
    pub fn inverse(&self) -> Vec<f64> {
        linalg::cholesky_inverse(&self.l, self.d)
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
            && self.gram_condition < QR2_CONDITION_LIMIT
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
        let chunks = Chunks { transform: Transform { lower: Some(&self.l), ..transform }, columns: d };
        let mut gram = sweep(source, &WhitenedGram { chunks }, &mut [], run)?;
        if ridge > 0.0 {
            let inverse = linalg::invert_lower(&self.l, d); // λ L⁻¹L⁻ᵀ
            linalg::add_outer_product(&inverse, &inverse, d, ridge, &mut gram);
        }
        let defect = (0..d).map(|j| (j..d).map(|i| (gram[i + j * d] - f64::from(i == j)).abs()).sum::<f64>());
        if defect.fold(0.0, f64::max) > 0.5 || !linalg::cholesky_in_place(&mut gram, d) {
            return Ok(None);
        }
        let mut product = vec![0.0; d * d];
        linalg::add_product(&self.l, &gram, d, d, d, &mut product);
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

/// D·L with unit row norms: the factor of M scaled to unit diagonal.
fn equilibrated(l: &[f64], d: usize) -> Vec<f64> {
    let mut scaled = l.to_vec();
    for i in 0..d {
        let norm = (0..=i).map(|j| l[i + j * d] * l[i + j * d]).sum::<f64>().sqrt();
        (0..=i).for_each(|j| scaled[i + j * d] /= norm);
    }
    scaled
}

/// Power iteration on L̃L̃ᵀ and on its inverse, twelve steps each from a fixed start: enough for a decision.
fn equilibrated_condition_estimate(l: &[f64], d: usize) -> f64 {
    const STEPS: usize = 12;
    let scaled = equilibrated(l, d);
    let start = || (0..d).map(|i| 1.0 + 0.5 * ((7 * i + 3) as f64).sin()).collect::<Vec<_>>();
    let rayleigh = |advance: &dyn Fn(&[f64]) -> Vec<f64>| {
        let mut v = start();
        let mut growth = 0.0;
        for _ in 0..STEPS {
            let size = linalg::norm(&v);
            v.iter_mut().for_each(|a| *a /= size);
            v = advance(&v);
            growth = linalg::norm(&v);
            if !growth.is_finite() {
                return f64::INFINITY;
            }
        }
        growth
    };
    let largest =
        rayleigh(&|v| linalg::lower_times_vector(&scaled, &linalg::lower_transposed_times_vector(&scaled, v)));
    let smallest_inverse = rayleigh(&|v| linalg::cholesky_solve(&scaled, v));
    (largest * smallest_inverse).max(1.0)
}

/// λ_max(BᵀB) of a lower triangular (or any square) B.
pub(crate) fn largest_singular_squared(b: &[f64], d: usize) -> f64 {
    let mut product = vec![0.0; d * d];
    linalg::add_outer_product(b, b, d, 1.0, &mut product);
    match linalg::symmetric_eigenvalues(&product, d) {
        Some(values) => values[d - 1],
        None => f64::INFINITY,
    }
}
