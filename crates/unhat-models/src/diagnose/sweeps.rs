//! One sweep beyond the fit: the hat value of each row, what leaving it out does to the coefficients, and the sums of robust
//! covariances.

use crate::regression::Fit;
use unhat::gram::FactorMethod;
use unhat::kernels::{
    Chunks, add_gram, add_weighted_gram, gram_stretches, merged, prefers_pairs, row_norms_squared, scale_rows_into,
    solve_lower_transposed_rows, symmetrise, transpose, with_scratch,
};
use unhat::rows::{Block, Pass, RowSource, Rows, Shape, sweep};
use unhat::{Result, Run};

/// Beyond this a row is fitted by itself: what is left of 1 − h is rounding. R sets h to 1 beyond 1 − 10ε.
pub(super) const FITTED_BY_ITSELF: f64 = 1.0 - 100.0 * f64::EPSILON;

/// What a sweep needs of a fit.
pub(super) struct Rowwise<'a> {
    pub fit: &'a Fit,
    /// Deviance residuals √wᵢdᵢ, which R's changes of coefficients are made of.
    pub residual: &'a [f64],
    /// M⁻¹ where rows are sparse and handled by pairs of entries.
    inverse: Option<&'a [f64]>,
    /// √diag((XᵀVX)⁻¹).
    size: Vec<f64>,
    /// Σd².
    total: f64,
}

impl<'a> Rowwise<'a> {
    pub fn of(fit: &'a Fit, residual: &'a [f64], shape: &Shape) -> Self {
        let p = fit.rank();
        let pairs = prefers_pairs(shape) && fit.geometry().is_uncentred() && fit.method == FactorMethod::Cholesky;
        Rowwise {
            fit,
            residual,
            inverse: pairs.then(|| fit.factor().inverse()),
            size: (0..p).map(|j| fit.unscaled_covariance[j + j * p].sqrt()).collect(),
            total: fit.deviance,
        }
    }

    /// σ₍ᵢ₎ = √((Σd² − dᵢ²/(1 − h))/(n − p − 1)); the full sum where a row is fitted by itself.
    pub fn sigma_without(&self, row: usize, hat: f64) -> f64 {
        let df = self.fit.n as f64 - self.fit.rank() as f64 - 1.0;
        if df <= 0.0 {
            return f64::NAN;
        }
        let d = self.residual[row];
        let rest = if hat == 1.0 { self.total } else { self.total - d * d / (1.0 - hat) };
        // Rounding may leave nothing of the other rows' residuals.
        if rest <= f64::EPSILON * self.total { f64::NAN } else { (rest / df).sqrt() }
    }

    /// Calls `f(rows within the block, hat values, rᵢM⁻¹(aᵢ − μ))` chunk by chunk, the last row by row, and `sums` with
    /// whitened rows and their hat values, where rows are whitened.
    fn each(
        &self,
        rows: &Rows<'_>,
        mut sums: impl FnMut(std::ops::Range<usize>, &[f64], &[f64]),
        mut f: impl FnMut(std::ops::Range<usize>, &[f64], &mut [f64]),
    ) {
        let p = self.fit.rank();
        let scale = &self.fit.rows.row_scale;
        if let (Some(inverse), Block::Csr(block)) = (self.inverse, rows.block) {
            with_scratch(p, |c| {
                for i in 0..block.rows() {
                    let r = scale[rows.start + i];
                    let (indices, values) = block.row(i);
                    c.fill(0.0);
                    for (&j, v) in indices.iter().zip(values) {
                        let column = &inverse[j as usize * p..(j as usize + 1) * p];
                        c.iter_mut().zip(column).for_each(|(c, m)| *c += v * m);
                    }
                    let hat = r * r * indices.iter().zip(values).map(|(&j, v)| v * c[j as usize]).sum::<f64>();
                    c.iter_mut().for_each(|c| *c *= r);
                    f(i..i + 1, &[whole(hat)], c);
                }
            });
            return;
        }
        let lower = self.fit.factor().lower();
        let transform = self.fit.geometry().transform(scale, Some(lower));
        Chunks { transform, columns: p }.each(rows, |range, u| {
            with_scratch(range.len(), |hats| {
                row_norms_squared(u, p, hats);
                hats.iter_mut().for_each(|h| *h = whole(*h));
                sums(range.clone(), u, hats);
                solve_lower_transposed_rows(lower, p, u);
                f(range, hats, u);
            });
        });
    }

    /// The changes of the coefficients of the kept columns when a row is left out, in place of rᵢM⁻¹(aᵢ − μ).
    fn change(&self, c: &mut [f64], residual: f64, hat: f64) {
        let factor = if hat == 1.0 { 0.0 } else { residual / (1.0 - hat) };
        c.iter_mut().for_each(|c| *c *= factor);
        self.fit.geometry().to_columns(c);
    }

    /// Calls `f(row, (XᵀVX)⁻¹xᵢ√vᵢ)` for the rows of a block in order: what a unit of √v·(working residual) adds to each
    /// coefficient; 0 for rows of weight 0.
    pub fn shares(&self, rows: &Rows<'_>, f: &mut impl FnMut(usize, &[f64])) {
        let p = self.fit.rank();
        let each = |range: std::ops::Range<usize>, _: &[f64], c: &mut [f64]| {
            for (i, c) in range.zip(c.chunks_exact_mut(p)) {
                self.fit.geometry().to_columns(c);
                f(rows.start + i, c);
            }
        };
        self.each(rows, |_, _, _| {}, each);
    }

    /// Calls `f(changes of the coefficients)` for the rows of a block in order; NaN for rows of weight 0. `scaled`: in units of
    /// σ₍ᵢ₎ and the standard errors; `residual` is what leaves with the row.
    pub fn changes(&self, rows: &Rows<'_>, scaled: bool, residual: &[f64], f: &mut impl FnMut(&[f64])) {
        let p = self.fit.rank();
        let each = |range: std::ops::Range<usize>, hats: &[f64], c: &mut [f64]| {
            for ((i, hat), c) in range.zip(hats).zip(c.chunks_exact_mut(p)) {
                let row = rows.start + i;
                self.change(c, residual[row], *hat);
                if scaled {
                    let sigma = self.sigma_without(row, *hat);
                    c.iter_mut().zip(&self.size).for_each(|(c, size)| *c /= sigma * size);
                }
                if self.fit.rows.row_scale[row] == 0.0 {
                    c.fill(f64::NAN);
                }
                f(c);
            }
        };
        self.each(rows, |_, _, _| {}, each);
    }
}

fn whole(hat: f64) -> f64 {
    if hat > FITTED_BY_ITSELF { 1.0 } else { hat }
}

/// What one sweep finds.
pub(super) struct Swept {
    /// Hat values; 1 where a row is fitted by itself.
    pub hat: Vec<f64>,
    /// The DFBETAS of largest size of each row, with its sign.
    pub most: Vec<f64>,
    /// The position of its coefficient among the kept ones.
    pub most_column: Vec<u32>,
    /// diag of (XᵀVX)⁻¹[Σ sᵢ²xxᵀ](XᵀVX)⁻¹ with s² , s²/(1 − h), s²/(1 − h)².
    pub robust: [Vec<f64>; 3],
}

const WIDTH: usize = 3;

struct Measure<'a> {
    rowwise: &'a Rowwise<'a>,
    /// √vᵢ times the working residual.
    score: &'a [f64],
}

/// One sweep.
pub(super) fn measure(source: &dyn RowSource, rowwise: &Rowwise<'_>, score: &[f64], run: &Run<'_>) -> Result<Swept> {
    let n = source.shape().rows;
    let mut out = vec![0.0; n * WIDTH];
    let sums = sweep(source, &Measure { rowwise, score }, &mut out, run)?;
    let column = |k: usize| out.iter().skip(k).step_by(WIDTH);
    Ok(Swept {
        hat: column(0).copied().collect(),
        most: column(1).copied().collect(),
        most_column: column(2).map(|v| *v as u32).collect(),
        robust: sums.map(|sum| rowwise.sandwich(sum)),
    })
}

impl Rowwise<'_> {
    /// The diagonal of M⁻¹SM⁻¹ in the columns themselves; S is whitened unless rows were handled by pairs.
    fn sandwich(&self, mut sum: Vec<f64>) -> Vec<f64> {
        let p = self.fit.rank();
        symmetrise(&mut sum, p);
        let lower = self.fit.factor().lower();
        for _ in 0..2 {
            if self.inverse.is_some() {
                unhat::kernels::solve_lower_rows(lower, p, &mut sum);
            }
            solve_lower_transposed_rows(lower, p, &mut sum);
            transpose(&mut sum, p);
        }
        let found = self.fit.geometry().covariance(&sum);
        (0..p).map(|j| found[j + j * p]).collect()
    }
}

impl Pass for Measure<'_> {
    type Acc = [Vec<f64>; 3];

    fn zero(&self) -> Self::Acc {
        let p = self.rowwise.fit.rank();
        std::array::from_fn(|_| vec![0.0; p * p])
    }

    fn add(&self, acc: &mut Self::Acc, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let (p, work) = (self.rowwise.fit.rank(), self.rowwise);
        let share = |row: usize, hat: f64, k: usize| {
            let s = self.score[row] * self.score[row];
            s / (1.0 - hat).powi(k as i32)
        };
        work.each(
            rows,
            |range, u, hats| {
                for (k, sum) in acc.iter_mut().enumerate() {
                    with_scratch(u.len(), |scaled| {
                        let first = range.start;
                        scale_rows_into(u, p, |i| share(rows.start + first + i, hats[i], k), scaled);
                        add_gram(u, scaled, p, sum);
                    });
                }
            },
            |range, hats, c| {
                for ((i, hat), c) in range.zip(hats).zip(c.chunks_exact_mut(p)) {
                    let row = rows.start + i;
                    let place = &mut out[i * WIDTH..(i + 1) * WIDTH];
                    if work.fit.rows.row_scale[row] == 0.0 {
                        place.copy_from_slice(&[f64::NAN, f64::NAN, 0.0]);
                        continue;
                    }
                    work.change(c, work.residual[row], *hat);
                    let sigma = work.sigma_without(row, *hat);
                    let (mut most, mut column) = (0.0f64, 0);
                    for (j, (c, size)) in c.iter().zip(&work.size).enumerate() {
                        let scaled = c / (sigma * size);
                        if scaled.abs() > most.abs() || scaled.is_nan() {
                            (most, column) = (scaled, j);
                        }
                    }
                    place.copy_from_slice(&[*hat, most, column as f64]);
                }
            },
        );
        if work.inverse.is_some() {
            for (k, sum) in acc.iter_mut().enumerate() {
                let weight = |i: usize| {
                    let row = rows.start + i;
                    let r = work.fit.rows.row_scale[row];
                    if r == 0.0 { 0.0 } else { r * r * share(row, out[i * WIDTH], k) }
                };
                add_weighted_gram(&rows.block, p, weight, sum);
            }
        }
        Ok(())
    }

    fn merge(&self, left: Self::Acc, right: Self::Acc) -> Self::Acc {
        let mut right = right.into_iter();
        left.map(|left| merged(left, right.next().unwrap_or_default()))
    }

    fn width(&self) -> usize {
        WIDTH
    }

    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}
