//! Small fits by normal equations in plain loops: what the checks are tested on owes nothing to the crate's own fits.

use unhat::families::Family;
use unhat::{Result, Run};
use unhat_models::checking::{Evidence, Refit};
use unhat_models::regression::{FamilyName, Law};

pub struct PlainFit {
    pub names: Vec<String>,
    pub labels: Vec<String>,
    pub matrix: Vec<f64>,
    pub response: Vec<f64>,
    pub mean: Vec<f64>,
    pub weights: Vec<f64>,
    pub hat: Vec<f64>,
    pub coefficients: Vec<f64>,
    pub covariance: Vec<f64>,
    pub dispersion: f64,
    family: Family,
}

impl PlainFit {
    pub fn evidence(&self) -> Evidence<'_> {
        Evidence {
            names: &self.names,
            labels: &self.labels,
            matrix: &self.matrix,
            response: &self.response,
            trials: None,
            offset: None,
            theta: None,
            law: Law::new(FamilyName { family: self.family, quasi: false }, None).unwrap(),
            mean: &self.mean,
            weights: &self.weights,
            hat: &self.hat,
            coefficients: &self.coefficients,
            covariance: &self.covariance,
            dispersion: self.dispersion,
            refit: self,
        }
    }
}

impl Refit for PlainFit {
    fn mean_with(&self, row: usize, response: f64, _: &Run<'_>) -> Result<f64> {
        let mut y = self.response.clone();
        y[row] = response;
        let beta = newton(&self.matrix, self.names.len(), &y);
        Ok(expit(dot(&self.matrix[row * beta.len()..(row + 1) * beta.len()], &beta)))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn expit(eta: f64) -> f64 {
    1.0 / (1.0 + (-eta).exp())
}

/// (XᵀWX)⁻¹ by Gauss–Jordan with columns of size one.
fn inverse_gram(x: &[f64], p: usize, w: &[f64]) -> Vec<f64> {
    let mut size = vec![0.0; p];
    for (row, w) in x.chunks_exact(p).zip(w) {
        row.iter().zip(&mut size).for_each(|(x, s)| *s += w * x * x);
    }
    let size: Vec<f64> = size.iter().map(|s| s.sqrt()).collect();
    let mut m = vec![0.0; p * 2 * p];
    for (row, w) in x.chunks_exact(p).zip(w) {
        for j in 0..p {
            for k in 0..p {
                m[j * 2 * p + k] += w * row[j] * row[k] / (size[j] * size[k]);
            }
        }
    }
    (0..p).for_each(|j| m[j * 2 * p + p + j] = 1.0);
    for k in 0..p {
        let pivot = (k..p).fold(k, |best, i| if m[i * 2 * p + k].abs() > m[best * 2 * p + k].abs() { i } else { best });
        (0..2 * p).for_each(|j| m.swap(k * 2 * p + j, pivot * 2 * p + j));
        let scale = m[k * 2 * p + k];
        (0..2 * p).for_each(|j| m[k * 2 * p + j] /= scale);
        for i in (0..p).filter(|i| *i != k) {
            let factor = m[i * 2 * p + k];
            (0..2 * p).for_each(|j| m[i * 2 * p + j] -= factor * m[k * 2 * p + j]);
        }
    }
    (0..p * p).map(|at| m[at / p * 2 * p + p + at % p] / (size[at / p] * size[at % p])).collect()
}

fn times(inverse: &[f64], v: &[f64]) -> Vec<f64> {
    inverse.chunks_exact(v.len()).map(|row| dot(row, v)).collect()
}

fn transposed_times(x: &[f64], p: usize, v: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut out = vec![0.0; p];
    x.chunks_exact(p).zip(v).for_each(|(row, v)| row.iter().zip(&mut out).for_each(|(x, o)| *o += v * x));
    out
}

fn by_rows(columns: &[Vec<f64>]) -> Vec<f64> {
    (0..columns[0].len()).flat_map(|i| columns.iter().map(move |c| c[i])).collect()
}

fn assembled(
    columns: &[Vec<f64>],
    y: Vec<f64>,
    mean: Vec<f64>,
    w: Vec<f64>,
    beta: Vec<f64>,
    family: Family,
) -> PlainFit {
    let (n, p, matrix) = (y.len(), columns.len(), by_rows(columns));
    let inverse = inverse_gram(&matrix, p, &w);
    let hat = matrix.chunks_exact(p).zip(&w).map(|(row, w)| w * dot(row, &times(&inverse, row))).collect();
    let rest: f64 = (0..n).map(|i| w[i] * (y[i] - mean[i]).powi(2)).sum();
    let dispersion = if family == Family::Gaussian { rest / (n - p) as f64 } else { 1.0 };
    PlainFit {
        names: (0..p).map(|k| format!("x{k}")).collect(),
        labels: (1..=n).map(|i| i.to_string()).collect(),
        matrix,
        response: y,
        mean,
        weights: w,
        hat,
        coefficients: beta,
        covariance: inverse.iter().map(|v| v * dispersion).collect(),
        dispersion,
        family,
    }
}

/// A least-squares fit, weighted or not.
pub fn linear(columns: Vec<Vec<f64>>, y: Vec<f64>, weights: Option<Vec<f64>>) -> PlainFit {
    let (p, matrix) = (columns.len(), by_rows(&columns));
    let w = weights.unwrap_or_else(|| vec![1.0; y.len()]);
    let inverse = inverse_gram(&matrix, p, &w);
    let mut beta = vec![0.0; p];
    for _ in 0..3 {
        let rest = matrix.chunks_exact(p).zip(&y).zip(&w).map(|((row, y), w)| w * (y - dot(row, &beta)));
        let step = times(&inverse, &transposed_times(&matrix, p, rest.collect::<Vec<_>>().into_iter()));
        beta.iter_mut().zip(step).for_each(|(b, s)| *b += s);
    }
    let mean = matrix.chunks_exact(p).map(|row| dot(row, &beta)).collect();
    assembled(&columns, y, mean, w, beta, Family::Gaussian)
}

fn newton(matrix: &[f64], p: usize, y: &[f64]) -> Vec<f64> {
    let mut beta = vec![0.0; p];
    for _ in 0..60 {
        let mean: Vec<f64> = matrix.chunks_exact(p).map(|row| expit(dot(row, &beta).clamp(-30.0, 30.0))).collect();
        let w: Vec<f64> = mean.iter().map(|m| (m * (1.0 - m)).max(1e-12)).collect();
        let gradient = transposed_times(matrix, p, y.iter().zip(&mean).map(|(y, m)| y - m));
        let step = times(&inverse_gram(matrix, p, &w), &gradient);
        let largest = matrix.chunks_exact(p).map(|row| dot(row, &step).abs()).fold(0.0, f64::max);
        let scale = if largest > 5.0 { 5.0 / largest } else { 1.0 };
        beta.iter_mut().zip(step).for_each(|(b, s)| *b += scale * s);
        if largest < 1e-10 {
            break;
        }
    }
    beta
}

/// A logistic fit.
pub fn logistic(columns: Vec<Vec<f64>>, y: Vec<f64>) -> PlainFit {
    let (p, matrix) = (columns.len(), by_rows(&columns));
    let beta = newton(&matrix, p, &y);
    let mean: Vec<f64> = matrix.chunks_exact(p).map(|row| expit(dot(row, &beta).clamp(-30.0, 30.0))).collect();
    let w = mean.iter().map(|m| (m * (1.0 - m)).max(1e-12)).collect();
    assembled(&columns, y, mean, w, beta, Family::Binomial)
}
