//! Weighted rows in coordinates that are centred where there is an intercept: predictors, products, and the factor.

use unhat::gram::Factor;
use unhat::kernels::{
    Chunks, Transform, add_transposed_rows_times_vector, dot, merged, rows_times_vector, vectorised, with_scratch,
};
use unhat::leverage::{gram_factor_like, is_large_and_sparse};
use unhat::rows::{Block, Pass, RowSource, Rows, sweep};
use unhat::{ErrorKind, Result, Run};

/// Means and sizes of columns whose rows are scaled by r, and their products with a vector u.
#[derive(Clone, Debug)]
pub(super) struct ColumnSums {
    /// μⱼ = Σr²aⱼ/Σr², 0 for the intercept; None where rows stay as they are.
    means: Option<Vec<f64>>,
    /// √Σr²aⱼ².
    sizes: Vec<f64>,
    /// Σu(aⱼ − μⱼ).
    products: Vec<f64>,
}

impl ColumnSums {
    /// In one sweep. Rows are centred where the first column is the intercept, unless they are sparse and many.
    pub fn of(
        source: &dyn RowSource,
        row_scale: &[f64],
        u: &[f64],
        intercept: bool,
        run: &Run<'_>,
    ) -> Result<ColumnSums> {
        let shape = source.shape();
        let d = shape.columns;
        let sums = sweep(source, &SumsPass { row_scale, u, columns: d }, &mut [], run)?;
        for j in 0..d {
            let (square, largest) = (sums.squares[j], sums.largest[j]);
            if !square.is_finite() || (largest > 0.0 && square < 1e-280 * sums.total) {
                let reason = format!("the squares of column {} over- or underflow: rescale it", j + 1);
                return Err(ErrorKind::Numerical { reason }.into());
            }
        }
        let centred = intercept && !is_large_and_sparse(&shape);
        let mean = |j: usize| if j == 0 { 0.0 } else { sums.values[j] / sums.total };
        let means: Option<Vec<f64>> = centred.then(|| (0..d).map(mean).collect());
        let mut products = sums.products;
        if let Some(means) = &means {
            products.iter_mut().zip(means).for_each(|(product, mean)| *product -= mean * sums.of_u);
        }
        Ok(ColumnSums { means, sizes: sums.squares.iter().map(|square| square.sqrt()).collect(), products })
    }

    pub fn shift(&self) -> Option<&[f64]> {
        self.means.as_deref()
    }

    pub fn sizes(&self) -> &[f64] {
        &self.sizes
    }

    /// What is subtracted from the columns that are kept, and their products.
    pub fn kept(&self, kept: &[usize]) -> (Option<Vec<f64>>, Vec<f64>) {
        let of = |values: &Vec<f64>| kept.iter().map(|&j| values[j]).collect();
        (self.means.as_ref().map(of), of(&self.products))
    }
}

struct SumsPass<'a> {
    row_scale: &'a [f64],
    u: &'a [f64],
    columns: usize,
}

/// Sums over rows.
struct Sums {
    /// Σr²aⱼ.
    values: Vec<f64>,
    /// Σr²aⱼ².
    squares: Vec<f64>,
    /// max|aⱼ| over rows with r > 0.
    largest: Vec<f64>,
    /// Σuaⱼ.
    products: Vec<f64>,
    /// Σr².
    total: f64,
    /// Σu.
    of_u: f64,
}

impl Pass for SumsPass<'_> {
    type Acc = Sums;
    fn zero(&self) -> Sums {
        let [values, squares, largest, products] = std::array::from_fn(|_| vec![0.0; self.columns]);
        Sums { values, squares, largest, products, total: 0.0, of_u: 0.0 }
    }
    fn add(&self, acc: &mut Sums, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.columns;
        let range = rows.range();
        let (scale, u) = (&self.row_scale[range.clone()], &self.u[range]);
        let Sums { values, squares, largest, products, total, of_u } = acc;
        match rows.block {
            Block::Dense(block) => vectorised(|| {
                for ((row, r), u) in block.values.chunks_exact(d).zip(scale).zip(u) {
                    let (w, counts) = (r * r, if *r > 0.0 { 1.0 } else { 0.0 });
                    let sums =
                        values.iter_mut().zip(squares.iter_mut()).zip(largest.iter_mut()).zip(products.iter_mut());
                    for ((((value, square), largest), product), a) in sums.zip(row) {
                        let size = counts * a.abs();
                        *value += w * a;
                        *square += w * a * a;
                        *largest = if size > *largest { size } else { *largest };
                        *product += u * a;
                    }
                }
            }),
            Block::Csr(block) => {
                for ((i, r), u) in (0..block.rows()).zip(scale).zip(u) {
                    let (w, counts) = (r * r, if *r > 0.0 { 1.0 } else { 0.0 });
                    let (indices, row) = block.row(i);
                    for (&j, a) in indices.iter().zip(row) {
                        let j = j as usize;
                        values[j] += w * a;
                        squares[j] += w * a * a;
                        largest[j] = largest[j].max(counts * a.abs());
                        products[j] += u * a;
                    }
                }
            }
        }
        *total += scale.iter().map(|r| r * r).sum::<f64>();
        *of_u += u.iter().sum::<f64>();
        Ok(())
    }
    fn merge(&self, left: Sums, right: Sums) -> Sums {
        Sums {
            values: merged(left.values, right.values),
            squares: merged(left.squares, right.squares),
            largest: left.largest.iter().zip(&right.largest).map(|(a, b)| a.max(*b)).collect(),
            products: merged(left.products, right.products),
            total: left.total + right.total,
            of_u: left.of_u + right.of_u,
        }
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

    /// The factor of Σ r²(a − μ)(a − μ)ᵀ; `earlier` is one with other scales.
    pub(super) fn factor(
        &self,
        earlier: Option<&Factor>,
        source: &dyn RowSource,
        row_scale: &[f64],
        run: &Run<'_>,
    ) -> Result<Option<Factor>> {
        gram_factor_like(earlier, source, self.transform(row_scale, None), run)
    }

    /// (a − μ)ᵀγ for every row.
    pub(super) fn predictors(&self, source: &dyn RowSource, gamma: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut out = vec![0.0; source.shape().rows];
        sweep(source, &Predict { geometry: self, gamma }, &mut out, run)?;
        Ok(out)
    }

    /// (a − μ)ᵀγ for every row, and Σ uᵢ(aᵢ − μ) with uᵢ = u(i, (aᵢ − μ)ᵀγ), in one sweep.
    pub(super) fn predictors_and_products(
        &self,
        source: &dyn RowSource,
        gamma: &[f64],
        u: impl Fn(usize, f64) -> f64 + Sync,
        run: &Run<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let mut out = vec![0.0; source.shape().rows];
        let products = sweep(source, &Both { geometry: self, gamma, u }, &mut out, run)?;
        Ok((out, products))
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

struct Both<'a, F> {
    geometry: &'a Geometry,
    gamma: &'a [f64],
    u: F,
}

impl<F: Fn(usize, f64) -> f64 + Sync> Pass for Both<'_, F> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.geometry.columns]
    }
    fn add(&self, acc: &mut Vec<f64>, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let weigh = |range: std::ops::Range<usize>, eta: &[f64], u: &mut [f64]| {
            range.zip(eta).zip(u).for_each(|((i, eta), u)| *u = (self.u)(rows.start + i, *eta));
        };
        match self.geometry.shift {
            None => {
                rows.block.apply_into(self.gamma, out);
                with_scratch(out.len(), |u| {
                    weigh(0..u.len(), out, u);
                    rows.block.apply_transpose_add(u, acc);
                });
            }
            Some(_) => self.geometry.each(rows, |range, values| {
                let out = &mut out[range.clone()];
                rows_times_vector(values, self.geometry.columns, self.gamma, out);
                with_scratch(out.len(), |u| {
                    weigh(range, out, u);
                    add_transposed_rows_times_vector(values, self.geometry.columns, u, acc);
                });
            }),
        }
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
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
