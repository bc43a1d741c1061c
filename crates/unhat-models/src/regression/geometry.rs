//! Weighted rows in coordinates that are centred where there is an intercept: predictors, products, and the factor.

use unhat::gram::Factor;
use unhat::kernels::{
    Chunks, Transform, add_transposed_rows_times_vector, dot, merged, rows_times_vector, with_scratch,
};
use unhat::leverage::{gram_factor, is_large_and_sparse};
use unhat::rows::{Pass, RowSource, Rows, sweep};
use unhat::{ErrorKind, Result, Run};

/// Means and sizes of columns whose rows are scaled by r.
#[derive(Clone, Debug)]
pub(super) struct ColumnSums {
    /// μⱼ = Σr²aⱼ/Σr², 0 for the intercept; None where rows stay as they are.
    means: Option<Vec<f64>>,
    /// √Σr²aⱼ².
    sizes: Vec<f64>,
}

impl ColumnSums {
    /// In one sweep. Rows are centred where the first column is the intercept, unless they are sparse and many.
    pub fn of(source: &dyn RowSource, row_scale: &[f64], intercept: bool, run: &Run<'_>) -> Result<ColumnSums> {
        let shape = source.shape();
        let d = shape.columns;
        let sums = sweep(source, &SumsPass { row_scale, columns: d }, &mut [], run)?;
        let total = sums[3 * d];
        for j in 0..d {
            let (square, largest) = (sums[d + j], sums[2 * d + j]);
            if !square.is_finite() || (largest > 0.0 && square < 1e-280 * total) {
                let reason = format!("the squares of column {} over- or underflow: rescale it", j + 1);
                return Err(ErrorKind::Numerical { reason }.into());
            }
        }
        let centred = intercept && !is_large_and_sparse(&shape);
        let means = centred.then(|| (0..d).map(|j| if j == 0 { 0.0 } else { sums[j] / total }).collect());
        Ok(ColumnSums { means, sizes: sums[d..2 * d].iter().map(|square| square.sqrt()).collect() })
    }

    pub fn shift(&self) -> Option<&[f64]> {
        self.means.as_deref()
    }

    pub fn sizes(&self) -> &[f64] {
        &self.sizes
    }

    /// What is subtracted from the columns that are kept.
    pub fn kept(&self, kept: &[usize]) -> Option<Vec<f64>> {
        self.means.as_ref().map(|means| kept.iter().map(|&j| means[j]).collect())
    }
}

/// Σr²aⱼ, Σr²aⱼ², max|aⱼ| over rows with r > 0, and Σr².
struct SumsPass<'a> {
    row_scale: &'a [f64],
    columns: usize,
}

impl Pass for SumsPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; 3 * self.columns + 1]
    }
    fn add(&self, acc: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.columns;
        let mut entry = |row: usize, j: usize, a: f64| {
            let w = self.row_scale[row] * self.row_scale[row];
            acc[j] += w * a;
            acc[d + j] += w * a * a;
            if w > 0.0 {
                acc[2 * d + j] = acc[2 * d + j].max(a.abs());
            }
        };
        match rows.block {
            unhat::rows::Block::Dense(block) => {
                for (i, row) in block.values.chunks_exact(d).enumerate() {
                    row.iter().enumerate().for_each(|(j, a)| entry(rows.start + i, j, *a));
                }
            }
            unhat::rows::Block::Csr(block) => {
                for i in 0..block.rows() {
                    let (indices, values) = block.row(i);
                    indices.iter().zip(values).for_each(|(&j, a)| entry(rows.start + i, j as usize, *a));
                }
            }
        }
        acc[3 * d] += self.row_scale[rows.range()].iter().map(|r| r * r).sum::<f64>();
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        let d = self.columns;
        let largest: Vec<f64> = (2 * d..3 * d).map(|j| left[j].max(right[j])).collect();
        let mut sums = merged(left, right);
        sums[2 * d..3 * d].copy_from_slice(&largest);
        sums
    }
}

/// The columns of a fit in coordinates of their own: a − μ in the place of a.
///
/// γ are the coefficients there: the same as those of the columns, but for the intercept, which is γ₀ − μᵀγ.
#[derive(Clone, Debug)]
pub struct Geometry {
    pub(super) shift: Option<Vec<f64>>,
    pub(super) columns: usize,
}

impl Geometry {
    /// Whether rows stay as they are.
    #[must_use]
    pub fn is_uncentred(&self) -> bool {
        self.shift.is_none()
    }

    /// What is done to rows of this scale.
    #[must_use]
    pub fn transform<'a>(&'a self, row_scale: &'a [f64], lower: Option<&'a [f64]>) -> Transform<'a> {
        Transform { row_scale: Some(row_scale), shift: self.shift.as_deref(), lower }
    }

    /// The factor of Σ r²(a − μ)(a − μ)ᵀ.
    pub(super) fn factor(&self, source: &dyn RowSource, row_scale: &[f64], run: &Run<'_>) -> Result<Option<Factor>> {
        gram_factor(source, self.transform(row_scale, None), run)
    }

    /// (a − μ)ᵀγ for every row.
    pub(super) fn predictors(&self, source: &dyn RowSource, gamma: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut out = vec![0.0; source.shape().rows];
        sweep(source, &Predict { geometry: self, gamma }, &mut out, run)?;
        Ok(out)
    }

    /// Σ uᵢ(aᵢ − μ).
    pub(super) fn products(&self, source: &dyn RowSource, u: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        sweep(source, &Products { geometry: self, u }, &mut [], run)
    }

    /// Coefficients or their changes in the columns themselves, in place.
    pub fn to_columns(&self, gamma: &mut [f64]) {
        if let Some(means) = &self.shift {
            gamma[0] -= dot(means, gamma); // μ₀ = 0
        }
    }

    /// TSTᵀ for a symmetric S, column-major: a covariance in the columns themselves.
    #[must_use]
    pub fn covariance(&self, s: &[f64]) -> Vec<f64> {
        let d = self.columns;
        let mut found = s.to_vec();
        if let Some(means) = &self.shift {
            for column in found.chunks_exact_mut(d) {
                column[0] -= dot(means, column);
            }
            let row: Vec<f64> =
                (0..d).map(|i| found[i] - (0..d).map(|j| found[i + j * d] * means[j]).sum::<f64>()).collect();
            found[..d].copy_from_slice(&row);
            (0..d).for_each(|j| found[j * d] = row[j]);
        }
        found
    }

    fn each(&self, rows: &Rows<'_>, f: impl FnMut(std::ops::Range<usize>, &mut [f64])) {
        let transform = Transform { shift: self.shift.as_deref(), ..Transform::default() };
        Chunks { transform, columns: self.columns }.each(rows, f);
    }
}

struct Predict<'a> {
    geometry: &'a Geometry,
    gamma: &'a [f64],
}

impl Pass for Predict<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        match self.geometry.shift {
            None => rows.block.apply_into(self.gamma, out),
            Some(_) => self.geometry.each(rows, |range, values| {
                rows_times_vector(values, self.geometry.columns, self.gamma, &mut out[range]);
            }),
        }
        Ok(())
    }
    fn merge(&self, _: (), _: ()) {}
    fn width(&self) -> usize {
        1
    }
}

struct Products<'a> {
    geometry: &'a Geometry,
    u: &'a [f64],
}

impl Pass for Products<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.geometry.columns]
    }
    fn add(&self, acc: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let u = &self.u[rows.range()];
        match self.geometry.shift {
            None => rows.block.apply_transpose_add(u, acc),
            Some(_) => self.geometry.each(rows, |range, values| {
                with_scratch(range.len(), |here| {
                    here.copy_from_slice(&u[range]);
                    add_transposed_rows_times_vector(values, self.geometry.columns, here, acc);
                });
            }),
        }
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
}
