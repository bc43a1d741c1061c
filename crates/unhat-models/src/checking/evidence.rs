//! A fit as its checker holds it: rows, response, and all that was computed of them.

use crate::regression::Law;
use unhat::kernels::{
    Transform, cholesky_inverse, dot, norm, orthogonal_factor, solve_lower_rows, solve_lower_transposed_rows,
};
use unhat::rows::DenseRows;
use unhat::{Result, Run};

/// The same fit with one response changed.
pub trait Refit: Sync {
    /// The fitted mean of `row` when its response is `response` and all else is as it was.
    ///
    /// # Errors
    /// Whatever the fit reports.
    fn mean_with(&self, row: usize, response: f64, run: &Run<'_>) -> Result<f64>;
}

/// A fit: p estimable columns, n rows that take part in it.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Names of the columns (p).
    pub names: &'a [String],
    /// Labels of the rows (n).
    pub labels: &'a [String],
    /// X (n×p, by rows).
    pub matrix: &'a [f64],
    /// y (n); the share of successes where there are trials.
    pub response: &'a [f64],
    /// Trials (n) of a binomial fit with counts.
    pub trials: Option<&'a [f64]>,
    /// What is added to Xβ (n).
    pub offset: Option<&'a [f64]>,
    /// θ of a negative binomial fit.
    pub theta: Option<f64>,
    /// Family and link of the fit.
    pub law: Law,
    /// μ̂ (n).
    pub mean: &'a [f64],
    /// W at the fit (n): prior weights of a linear fit, working weights of a generalised one.
    pub weights: &'a [f64],
    /// Hat values (n).
    pub hat: &'a [f64],
    /// β̂ (p).
    pub coefficients: &'a [f64],
    /// V̂ = φ(XᵀWX)⁻¹ (p×p).
    pub covariance: &'a [f64],
    /// φ: s² of a linear fit.
    pub dispersion: f64,
    /// The fit once more.
    pub refit: &'a dyn Refit,
}

impl<'a> Evidence<'a> {
    /// n.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.response.len()
    }

    /// p, the rank.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.names.len()
    }

    /// Row i of X.
    #[must_use]
    pub fn row(&self, i: usize) -> &'a [f64] {
        let p = self.rank();
        &self.matrix[i * p..(i + 1) * p]
    }

    /// Column k of X.
    pub fn column(&self, k: usize) -> impl Iterator<Item = f64> + use<'a> {
        self.matrix.iter().skip(k).step_by(self.rank()).copied()
    }

    /// Whether column k holds nothing but 0 and 1, and both.
    #[must_use]
    pub fn is_indicator(&self, k: usize) -> bool {
        let (mut zeros, mut ones) = (false, false);
        self.column(k).all(|v| {
            zeros |= v == 0.0;
            ones |= v == 1.0;
            v == 0.0 || v == 1.0
        }) && zeros
            && ones
    }

    /// Whether the fit is by least squares, weighted or not.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        self.law == Law::LINEAR
    }

    /// y − μ̂ of row i.
    #[must_use]
    pub fn residual(&self, i: usize) -> f64 {
        self.response[i] - self.mean[i]
    }

    /// How far responses lie from their mean: √(mean (y − ȳ)²).
    #[must_use]
    pub fn spread(&self) -> f64 {
        let mean = self.response.iter().sum::<f64>() / self.rows() as f64;
        let square: f64 = self.response.iter().map(|y| (y - mean) * (y - mean)).sum();
        (square / self.rows() as f64).sqrt()
    }

    /// L with LLᵀ = XᵀWX.
    ///
    /// # Errors
    /// Those of the factorisation.
    pub fn factor(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        let roots: Vec<f64> = self.weights.iter().map(|w| w.sqrt()).collect();
        let rows = DenseRows::new(self.matrix, self.rank())?;
        orthogonal_factor(&rows, Transform { row_scale: Some(&roots), ..Transform::default() }, 0.0, run)
    }

    /// √wᵢ L⁻¹xᵢ of some rows, so that their products are the entries hᵢⱼ of the hat matrix.
    #[must_use]
    pub fn whitened(&self, lower: &[f64], rows: &[usize]) -> Vec<f64> {
        let p = self.rank();
        let mut out = Vec::with_capacity(rows.len() * p);
        for &i in rows {
            let root = self.weights[i].sqrt();
            out.extend(self.row(i).iter().map(|x| root * x));
        }
        solve_lower_rows(lower, p, &mut out);
        out
    }

    /// Each row's part of each coefficient: c²ᵢₖ/Σc²ₖ with C = (XᵀWX)⁻¹XᵀW^½, of row i.
    #[must_use]
    pub fn shares_in_coefficients(&self, lower: &[f64], i: usize) -> Vec<f64> {
        let p = self.rank();
        let mut c = self.whitened(lower, &[i]);
        solve_lower_transposed_rows(lower, p, &mut c);
        let inverse = cholesky_inverse(lower, p); // Σᵢc²ₖ = ((XᵀWX)⁻¹)ₖₖ
        (0..p).map(|k| c[k] * c[k] / inverse[k * p + k]).collect()
    }

    /// Labels of rows, in words.
    #[must_use]
    pub fn labelled(&self, rows: &[usize]) -> Vec<String> {
        rows.iter().map(|&i| self.labels[i].clone()).collect()
    }

    /// The error of a fitted linear predictor of row i that rounding the printed coefficients makes: its standard deviation.
    #[must_use]
    pub fn rounding_of_predictor(&self, i: usize, digits: Option<u32>) -> f64 {
        let Some(digits) = digits else { return 0.0 };
        let each: Vec<f64> =
            self.coefficients.iter().zip(self.row(i)).map(|(b, x)| x * half_unit(*b, digits)).collect();
        norm(&each) / 3.0f64.sqrt()
    }

    /// η̂ᵢ = oᵢ + xᵢᵀβ̂.
    #[must_use]
    pub fn linear_predictor(&self, i: usize) -> f64 {
        self.offset.map_or(0.0, |o| o[i]) + self.predictor(i, self.coefficients)
    }

    /// xᵢᵀβ.
    #[must_use]
    pub fn predictor(&self, i: usize, coefficients: &[f64]) -> f64 {
        dot(self.row(i), coefficients)
    }
}

/// Half a unit of the last of `digits` significant digits of v; 0 of 0.
#[must_use]
pub fn half_unit(v: f64, digits: u32) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return 0.0;
    }
    0.5 * 10f64.powi(v.abs().log10().floor() as i32 + 1 - digits as i32)
}

/// v as it is printed with so many significant digits; as it is without.
#[must_use]
pub fn printed(v: f64, digits: Option<u32>) -> f64 {
    match digits {
        Some(digits) if v != 0.0 && v.is_finite() => {
            format!("{v:.*e}", digits.max(1) as usize - 1).parse().unwrap_or(v)
        }
        _ => v,
    }
}
