//! What a row's hat value means for the fit: residuals on their own scale, and how far the row pulls.

use super::exact::{ScoreOptions, leverage_scores};
use super::least_squares::least_squares;
use crate::error::Result;
use crate::linalg::dot;
use crate::rows::RowSource;
use crate::run::Run;

/// The regression diagnostics of every row; NaN-free: None where a row is fitted whatever its response is (h = 1), or where
/// nothing is left of the response.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// hᵢ = aᵢᵀ(AᵀA)⁻¹aᵢ (n).
    pub hat: Vec<f64>,
    /// Residuals eᵢ = bᵢ − aᵢᵀx (n).
    pub residual: Vec<f64>,
    /// s, the residual standard error √(eᵀe/(n − d)); None where n = d.
    pub residual_error: Option<f64>,
    /// Externally studentised residuals.
    pub studentised: Vec<Option<f64>>,
    /// Cook's distances.
    pub cook: Vec<Option<f64>>,
    /// DFFITS.
    pub dffits: Vec<Option<f64>>,
}

/// Below this 1 − h is rounding: without the row its column would be lost.
pub(super) const FITTED_WHATEVER: f64 = 1e-12;

/// Regression diagnostics of the least-squares fit of b.
///
/// tᵢ = eᵢ/(s₍ᵢ₎√(1−hᵢ)),  s₍ᵢ₎² = (eᵀe − eᵢ²/(1−hᵢ))/(n−d−1)
/// Cook: Dᵢ = eᵢ²hᵢ/(d·s²(1−hᵢ)²),  DFFITSᵢ = tᵢ√(hᵢ/(1−hᵢ))
///
/// s₍ᵢ₎ is the residual standard error of the fit without row i.
///
/// # Shapes
/// `source` n×d, `response` n values.
/// # Cost
/// Hat values (2nd² flops) and a least-squares fit.
/// # Errors
/// [`crate::ErrorKind::RankDeficient`], [`crate::ErrorKind::NotFinite`], shapes.
/// # References
/// BelsleyKuhWelsch1980; Cook1977.
pub fn diagnostics(source: &dyn RowSource, response: &[f64], run: &Run<'_>) -> Result<Diagnostics> {
    let fit = least_squares(source, response, run)?;
    let hat = leverage_scores(source, None, &ScoreOptions { strict: true, ..ScoreOptions::default() }, run)?.values;
    let (n, d) = (hat.len(), fit.x.len());
    let square = dot(&fit.residual, &fit.residual);
    let variance = (n > d && !fit.exact).then(|| square / (n - d) as f64);
    let row = |i: usize| -> Option<(f64, Option<f64>)> {
        let (h, e, variance) = (hat[i], fit.residual[i], variance?);
        let rest = 1.0 - h;
        if rest < FITTED_WHATEVER {
            return None;
        }
        let cook = e * e * h / (d as f64 * variance * rest * rest);
        let without = if n > d + 1 { (square - e * e / rest) / (n - d - 1) as f64 } else { 0.0 };
        // Rounding may leave nothing of the other rows' residuals.
        let studentised = (without > f64::EPSILON * square).then(|| e / (without * rest).sqrt());
        Some((cook, studentised))
    };
    let rows: Vec<_> = (0..n).map(row).collect();
    let studentised: Vec<Option<f64>> = rows.iter().map(|row| row.and_then(|(_, t)| t)).collect();
    let dffits = studentised.iter().zip(&hat).map(|(t, h)| t.map(|t| t * (h / (1.0 - h)).sqrt())).collect();
    Ok(Diagnostics {
        residual_error: variance.map(f64::sqrt),
        cook: rows.iter().map(|row| row.map(|(cook, _)| cook)).collect(),
        residual: fit.residual,
        hat,
        studentised,
        dffits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::DenseRows;
    use unhat_testkit::generate::Stream;

    fn fit(a: &[f64], b: &[f64], d: usize) -> crate::leverage::LeastSquares {
        least_squares(&DenseRows::new(a, d).unwrap(), b, &Run::default()).unwrap()
    }

    fn product(row: &[f64], x: &[f64]) -> f64 {
        row.iter().zip(x).map(|(a, x)| a * x).sum()
    }

    #[test]
    fn every_diagnostic_is_what_leaving_the_row_out_says() {
        let (n, d) = (25, 3);
        let mut stream = Stream::new(3, "diagnostics");
        let mut a = stream.normals(n * d);
        a[0] = 9.0; // a row of leverage
        let b = stream.normals(n);
        let found = diagnostics(&DenseRows::new(&a, d).unwrap(), &b, &Run::default()).unwrap();
        let whole = fit(&a, &b, d);
        let variance = product(&whole.residual, &whole.residual) / (n - d) as f64;
        for i in 0..n {
            let keep = |v: &[f64], w: usize| -> Vec<f64> {
                v.chunks(w).enumerate().filter(|(k, _)| *k != i).flat_map(|(_, r)| r.to_vec()).collect()
            };
            let (rest_a, rest_b, row) = (keep(&a, d), keep(&b, 1), &a[i * d..(i + 1) * d]);
            let without = fit(&rest_a, &rest_b, d);
            let s2 = product(&without.residual, &without.residual) / (n - 1 - d) as f64;
            // The prediction error of a row that was not fitted has the variance s²(1 + aᵀ(A₍ᵢ₎ᵀA₍ᵢ₎)⁻¹a).
            let spread = s2 * (1.0 + product(row, &without.factor.solve(row)));
            let t = (b[i] - product(row, &without.x)) / spread.sqrt();
            let change: Vec<f64> = whole.x.iter().zip(&without.x).map(|(p, q)| p - q).collect();
            let moved: f64 = a.chunks(d).map(|row| product(row, &change).powi(2)).sum();
            let close = |found: Option<f64>, expected: f64| {
                let found = found.unwrap();
                assert!((found - expected).abs() < 1e-10 * (1.0 + expected.abs()), "row {i}: {found}, {expected}");
            };
            close(Some(found.hat[i]), product(row, &whole.factor.solve(row)));
            close(found.studentised[i], t);
            close(found.cook[i], moved / (d as f64 * variance));
            close(found.dffits[i], product(row, &change) / (s2 * found.hat[i]).sqrt());
        }
    }

    #[test]
    fn a_row_that_is_fitted_whatever_it_says_has_no_residual_diagnostics() {
        let a = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0];
        let found = diagnostics(&DenseRows::new(&a, 2).unwrap(), &[1.0, 2.0, 4.0, 7.0], &Run::default()).unwrap();
        assert!((found.hat[3] - 1.0).abs() < 1e-14);
        assert_eq!((found.studentised[3], found.cook[3], found.dffits[3]), (None, None, None));
        assert!(found.studentised[0].is_some() && found.cook[0].is_some());
    }
}
