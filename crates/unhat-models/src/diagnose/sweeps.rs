//! One sweep beyond the fit: the hat value of each row, what leaving it out does to the coefficients, and the sums of robust
//! covariances.

use crate::regression::Fit;
use unhat::gram::FactorMethod;
use unhat::kernels::{
    Chunks, merged, prefers_pairs, row_norms_squared, solve_lower_transposed_rows, vectorised, with_scratch,
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
    /// 1/√diag((XᵀVX)⁻¹).
    per_size: Vec<f64>,
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
            per_size: (0..p).map(|j| 1.0 / fit.unscaled_covariance[j + j * p].sqrt()).collect(),
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

    /// Calls `f(rows within the block, hat values, cᵢ)` chunk by chunk, cᵢ = rᵢ(XᵀVX)⁻¹aᵢ in the columns themselves: what the
    /// coefficients owe to the residual of row i. `only`: those of these coefficients alone, by their positions among the kept ones.
    pub fn each(
        &self,
        rows: &Rows<'_>,
        only: Option<&[usize]>,
        mut f: impl FnMut(std::ops::Range<usize>, &[f64], &mut [f64]),
    ) {
        let p = self.fit.rank();
        let width = only.map_or(p, <[usize]>::len);
        let scale = &self.fit.rows.row_scale;
        if let (Some(inverse), Block::Csr(block)) = (self.inverse, rows.block) {
            // Changes of all coefficients of so many rows stay in the cache.
            let chunk = (65_536 / width.max(1)).clamp(16, 1024).min(block.rows());
            with_scratch(chunk * (width + 1), |scratch| {
                let (c, hats) = scratch.split_at_mut(chunk * width);
                for start in (0..block.rows()).step_by(chunk.max(1)) {
                    let range = start..(start + chunk).min(block.rows());
                    let (c, hats) = (&mut c[..range.len() * width], &mut hats[..range.len()]);
                    if let Some(only) = only {
                        for ((at, i), hat) in range.clone().enumerate().zip(hats.iter_mut()) {
                            let r = scale[rows.start + i];
                            let (indices, values) = block.row(i);
                            // The sums of the loop below, in its order: the same bits.
                            let of = |j: usize| -> f64 {
                                indices.iter().zip(values).map(|(&k, v)| r * v * inverse[k as usize * p + j]).sum()
                            };
                            *hat = whole(r * indices.iter().zip(values).map(|(&j, v)| v * of(j as usize)).sum::<f64>());
                            let c = &mut c[at * width..(at + 1) * width];
                            c.iter_mut().zip(only).for_each(|(c, &j)| *c = of(j));
                        }
                        f(range, hats, c);
                        continue;
                    }
                    vectorised(|| {
                        for ((i, c), hat) in range.clone().zip(c.chunks_exact_mut(p)).zip(hats.iter_mut()) {
                            let r = scale[rows.start + i];
                            let (indices, values) = block.row(i);
                            c.fill(0.0);
                            for (&j, v) in indices.iter().zip(values) {
                                let column = &inverse[j as usize * p..(j as usize + 1) * p];
                                let v = r * v;
                                c.iter_mut().zip(column).for_each(|(c, m)| *c += v * m);
                            }
                            *hat = whole(r * indices.iter().zip(values).map(|(&j, v)| v * c[j as usize]).sum::<f64>());
                        }
                    });
                    f(range, hats, c);
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
                solve_lower_transposed_rows(lower, p, u);
                vectorised(|| u.chunks_exact_mut(p).for_each(|c| self.fit.geometry().to_columns(c)));
                match only {
                    None => f(range, hats, u),
                    Some(only) => with_scratch(range.len() * width, |picked| {
                        for (picked, c) in picked.chunks_exact_mut(width.max(1)).zip(u.chunks_exact(p)) {
                            picked.iter_mut().zip(only).for_each(|(picked, &j)| *picked = c[j]);
                        }
                        f(range, hats, picked);
                    }),
                }
            });
        });
    }

    /// By what cᵢ becomes the change of the coefficients when row i is left out: residual/(1 − h).
    fn leaving(&self, residual: f64, hat: f64) -> f64 {
        if hat == 1.0 { 0.0 } else { residual / (1.0 - hat) }
    }

    /// Calls `f(row, what a unit of √v·(working residual) adds to the coefficients `only`)` for the rows of a block in order:
    /// (XᵀVX)⁻¹xᵢ√vᵢ; 0 for rows of weight 0.
    pub fn shares(&self, rows: &Rows<'_>, only: &[usize], f: &mut impl FnMut(usize, &[f64])) {
        self.each(rows, Some(only), |range, _, c| {
            range.zip(c.chunks_exact(only.len().max(1))).for_each(|(i, c)| f(rows.start + i, c));
        });
    }

    /// Calls `f(changes of the coefficients)` for the rows of a block in order, of all or of those `only`; NaN for rows of weight 0.
    /// `scaled`: in units of σ₍ᵢ₎ and the standard errors; `residual` is what leaves with the row.
    pub fn changes(
        &self,
        rows: &Rows<'_>,
        only: Option<&[usize]>,
        (scaled, residual): (bool, &[f64]),
        f: &mut impl FnMut(&[f64]),
    ) {
        let width = only.map_or(self.fit.rank(), <[usize]>::len);
        let size = |k: usize| self.per_size[only.map_or(k, |only| only[k])];
        self.each(rows, only, |range, hats, c| {
            for ((i, hat), c) in range.zip(hats).zip(c.chunks_exact_mut(width.max(1))) {
                let row = rows.start + i;
                let by = self.leaving(residual[row], *hat);
                match scaled {
                    false => c.iter_mut().for_each(|c| *c *= by),
                    true => {
                        let by = by / self.sigma_without(row, *hat);
                        c.iter_mut().enumerate().for_each(|(k, c)| *c *= by * size(k));
                    }
                }
                if self.fit.rows.row_scale[row] == 0.0 {
                    c.fill(f64::NAN);
                }
                f(c);
            }
        });
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
    let robust = sweep(source, &Measure { rowwise, score }, &mut out, run)?;
    let column = |k: usize| out.iter().skip(k).step_by(WIDTH);
    Ok(Swept {
        hat: column(0).copied().collect(),
        most: column(1).copied().collect(),
        most_column: column(2).map(|v| *v as u32).collect(),
        robust,
    })
}

/// acc_k += share_k·c∘c, and the entry of c∘size that is largest in size, with its place.
///
/// The rows cᵢ of (XᵀVX)⁻¹XᵀV^½ make the diagonal of the sandwich (XᵀVX)⁻¹[Σ sᵢ²xxᵀ](XᵀVX)⁻¹ a sum of squares: no matrix is summed.
#[inline(always)]
fn absorb(c: &[f64], size: &[f64], shares: [f64; 3], acc: &mut [Vec<f64>; 3]) -> (f64, usize) {
    const LANES: usize = 8;
    let [first, second, third] = acc;
    for (((c, a), b), d) in c.iter().zip(first).zip(second).zip(third) {
        let square = c * c;
        *a += shares[0] * square;
        *b += shares[1] * square;
        *d += shares[2] * square;
    }
    let mut most = [0.0f64; LANES];
    let (lanes, sizes) = (c.chunks_exact(LANES), size.chunks_exact(LANES));
    let rest = lanes.remainder().iter().zip(sizes.remainder()).map(|(c, s)| (c * s).abs());
    let mut largest = rest.fold(0.0, f64::max);
    for (c, s) in lanes.zip(sizes) {
        for k in 0..LANES {
            let v = (c[k] * s[k]).abs();
            most[k] = if v > most[k] { v } else { most[k] };
        }
    }
    largest = most.iter().copied().fold(largest, f64::max);
    let place = c.iter().zip(size).position(|(c, s)| (c * s).abs() == largest).unwrap_or(0);
    (c[place] * size[place], place)
}

impl Pass for Measure<'_> {
    type Acc = [Vec<f64>; 3];

    fn zero(&self) -> Self::Acc {
        let p = self.rowwise.fit.rank();
        std::array::from_fn(|_| vec![0.0; p])
    }

    fn add(&self, acc: &mut Self::Acc, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let (p, work) = (self.rowwise.fit.rank(), self.rowwise);
        work.each(rows, None, |range, hats, c| {
            vectorised(|| {
                for ((i, hat), c) in range.zip(hats).zip(c.chunks_exact(p)) {
                    let (row, rest) = (rows.start + i, 1.0 - hat);
                    let place = &mut out[i * WIDTH..(i + 1) * WIDTH];
                    if work.fit.rows.row_scale[row] == 0.0 {
                        place.copy_from_slice(&[f64::NAN, f64::NAN, 0.0]);
                        continue;
                    }
                    let square = self.score[row] * self.score[row];
                    // Where h = 1 the shares have no value, and HC2 and HC3 none.
                    let shares = [square, square / rest, square / (rest * rest)];
                    let (most, column) = absorb(c, &work.per_size, shares, acc);
                    let by = work.leaving(work.residual[row], *hat) / work.sigma_without(row, *hat);
                    place.copy_from_slice(&[*hat, most * by, column as f64]);
                }
            });
        });
        Ok(())
    }

    fn merge(&self, left: Self::Acc, right: Self::Acc) -> Self::Acc {
        let mut right = right.into_iter();
        left.map(|left| merged(left, right.next().unwrap_or_default()))
    }

    fn width(&self) -> usize {
        WIDTH
    }
}
