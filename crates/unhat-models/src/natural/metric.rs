//! The shared input metric of a layer: a low-rank second moment of its inputs, found in the first epoch and kept.
//!
//! S = AᵀA/rows,  g ← g(S + λI)⁻¹ with λ = α·tr(S)/d, in the fused form g ← s·g + (gU)Vᵀ
//!
//! U (d×r) spans the top of S by one step of subspace iteration a refresh, e its eigenvalues; the rest of the spectrum
//! counts as its mean, s = 1/((tr S − Σe)/(d − r) + λ), V = U·diag(1/(e + λ) − s). Where d ≤ 2r the inverse itself is kept.

use unhat::kernels;
use unhat::random::uniform_rows_into;

/// Steps within the first epoch at which the metric is refreshed: doubling gaps, since the inputs settle quickly.
pub const REFRESH_STEPS: [u64; 7] = [0, 1, 2, 4, 8, 16, 32];

/// How a layer's metric is made.
///
/// # Examples
/// ```
/// use unhat_models::natural::{LayerMetric, MetricOptions};
/// // One direction of three is enough here: the inputs have no other. S = diag(9, 0, 0), λ = α·tr(S)/d = 3.
/// let mut metric = LayerMetric::new(3, 0, MetricOptions { rank: 1, damping: 1.0, ..MetricOptions::default() });
/// metric.refresh(&[3.0, 0.0, 0.0, -3.0, 0.0, 0.0]);
/// let mut gradient = [12.0, 3.0, 6.0];
/// metric.apply(&mut gradient);
/// assert!(gradient.iter().zip([1.0, 1.0, 2.0]).all(|(g, e)| (g - e).abs() < 1e-14)); // g(S + λI)⁻¹
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricOptions {
    /// The rank r of the metric: ranks 8 to 32 differ by a tenth in iterations, 1 by a half.
    pub rank: usize,
    /// The damping α: 1 keeps the test accuracy where 0.1 loses half a point on wide networks.
    pub damping: f64,
    /// The largest weight β of the past at a refresh.
    pub memory: f64,
    /// Rows of the layer's inputs that a refresh reads, evenly spaced.
    pub rows: usize,
    /// Seed of the first subspace.
    pub seed: u64,
}

impl Default for MetricOptions {
    fn default() -> Self {
        MetricOptions { rank: 16, damping: 1.0, memory: 0.9, rows: 512, seed: 0 }
    }
}

/// The metric of one layer of d inputs (the constant one included).
///
/// # Examples
/// ```
/// use unhat_models::natural::{LayerMetric, MetricOptions};
/// let mut metric = LayerMetric::new(2, 0, MetricOptions::default());
/// let mut gradient = [4.0, 8.0];
/// metric.apply(&mut gradient);
/// assert_eq!(gradient, [4.0, 8.0]); // before the first refresh
/// assert!(metric.refresh(&[2.0, 0.0, 0.0, 2.0])); // two rows: S = 2·I, and λ = 2
/// metric.apply(&mut gradient);
/// assert!((gradient[0] - 1.0).abs() < 1e-15 && (gradient[1] - 2.0).abs() < 1e-15);
/// assert_eq!((metric.refreshes(), metric.typical_moment()), (1, 4.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMetric {
    d: usize,
    stream: u64,
    options: MetricOptions,
    refreshes: u32,
    trace: f64,
    form: Form,
}

/// The matrices of a metric.
///
/// # Examples
/// ```
/// use unhat_models::natural::{LayerMetric, MetricOperator, MetricOptions};
/// let mut metric = LayerMetric::new(2, 0, MetricOptions::default());
/// assert_eq!(metric.operator(), MetricOperator::Identity);
/// metric.refresh(&[1.0, 0.0, 0.0, 1.0]); // S = I/2, λ = 1/2: of two inputs the inverse itself is kept
/// let MetricOperator::Dense { inverse } = metric.operator() else { panic!("of few inputs") };
/// assert!(inverse.iter().zip([1.0, 0.0, 0.0, 1.0]).all(|(p, e)| (p - e).abs() < 1e-15));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricOperator<'a> {
    /// The gradient as it is: no refresh yet.
    Identity,
    /// A matrix of all inputs, g ← gP.
    Dense {
        /// The matrix P, d×d and symmetric.
        inverse: &'a [f64],
    },
    /// A matrix of low rank beside a multiple of I, g ← s·(g + (gU)Wᵀ).
    Fused {
        /// The basis U, its r columns one after the other.
        basis: &'a [f64],
        /// The update W = V/s, its columns likewise.
        update: &'a [f64],
        /// The scale s of a direction outside the basis.
        scale: f64,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// No refresh yet: the gradient passes unchanged.
    None,
    /// d ≤ 2r: S and (S + λI)⁻¹.
    Dense { moment: Vec<f64>, inverse: Vec<f64> },
    /// U, e; V/s and s of the fused form.
    LowRank { basis: Vec<f64>, values: Vec<f64>, update: Vec<f64>, scale: f64 },
}

impl LayerMetric {
    /// The metric of layer number `layer`, before its first refresh.
    pub fn new(d: usize, layer: usize, options: MetricOptions) -> LayerMetric {
        LayerMetric { d, stream: layer as u64, options, refreshes: 0, trace: 0.0, form: Form::None }
    }

    /// Takes in the inputs of a batch; false, and nothing changed, where they are not finite or all zero.
    ///
    /// # Shapes
    /// `inputs`: any number of rows of d values, row-major.
    /// # Cost
    /// 4·rows·d·r + 2dr² flops for at most `options.rows` rows.
    pub fn refresh(&mut self, inputs: &[f64]) -> bool {
        let d = self.d;
        let rows = strided_rows(inputs, d, self.options.rows);
        let count = rows.len() / d;
        let trace = kernels::dot(&rows, &rows) / count as f64;
        if !(trace.is_finite() && trace > 0.0) {
            return false;
        }
        let refreshes = self.refreshes + 1;
        let past = if refreshes == 1 { 0.0 } else { self.options.memory.min(1.0 - 1.0 / f64::from(refreshes)) };
        self.trace = past * self.trace + (1.0 - past) * trace;
        let share = (1.0 - past) / count as f64;
        let lambda = self.options.damping * self.trace / d as f64;
        let form = std::mem::replace(&mut self.form, Form::None);
        self.form = if d <= 2 * self.options.rank {
            refreshed_dense(d, &rows, past, share, lambda, form)
        } else {
            self.refreshed_low_rank(&rows, past, share, lambda, form)
        };
        self.refreshes = refreshes;
        true
    }

    fn refreshed_low_rank(&self, rows: &[f64], past: f64, share: f64, lambda: f64, form: Form) -> Form {
        let (d, count) = (self.d, rows.len() / self.d);
        let (subspace, small) = match form {
            // a later, smaller batch keeps the rank that was found
            Form::LowRank { basis: old, values: old_values, .. } => {
                let r = old_values.len();
                let mut y = moment_times(rows, d, &old, r);
                for (k, column) in y.chunks_exact_mut(d).enumerate() {
                    let old = &old[k * d..(k + 1) * d];
                    column.iter_mut().zip(old).for_each(|(y, u)| *y = share * *y + past * old_values[k] * u);
                }
                let subspace = kernels::orthonormal_basis(&y, d, r);
                let mut overlap = vec![0.0; r * r]; // column k: how the old direction k lies in the new subspace
                kernels::transpose_times_into(&subspace, &old, d, r, r, &mut overlap);
                let weighted: Vec<f64> = (0..r * r).map(|e| past * old_values[e / r] * overlap[e]).collect();
                let mut small = projected_moment(rows, d, &subspace, r, share);
                kernels::add_product_with_transpose(&weighted, &overlap, r, r, 1.0, &mut small);
                (subspace, small)
            }
            _ => {
                let r = self.options.rank.min(count);
                let mut start = vec![0.0; d * r];
                uniform_rows_into(self.options.seed, self.stream, 0, &mut start);
                start.iter_mut().for_each(|u| *u -= 0.5);
                let once = kernels::orthonormal_basis(&moment_times(rows, d, &start, r), d, r);
                let subspace = kernels::orthonormal_basis(&moment_times(rows, d, &once, r), d, r);
                let small = projected_moment(rows, d, &subspace, r, share);
                (subspace, small)
            }
        };
        let r = small.len().isqrt();
        // the eigenvectors within the subspace (Rayleigh–Ritz): r³ flops, and S is then exact on it
        let Some((values, rotation)) = kernels::symmetric_eigen(&small, r) else {
            return Form::None;
        };
        let values: Vec<f64> = values.iter().map(|e| e.max(0.0)).collect();
        let mut basis = vec![0.0; d * r];
        kernels::product_into(&subspace, &rotation, d, r, r, &mut basis);
        let found: f64 = values.iter().sum();
        let rest = (self.trace - found).max(0.0) / (d - values.len()) as f64;
        let scale = 1.0 / (rest + lambda);
        let mut update = basis.clone();
        for (column, e) in update.chunks_exact_mut(d).zip(&values) {
            let gain = relative_gain(*e, lambda, scale);
            column.iter_mut().for_each(|u| *u *= gain);
        }
        Form::LowRank { basis, values, update, scale }
    }

    /// g ← g(S + λI)⁻¹; unchanged before the first refresh.
    ///
    /// # Shapes
    /// `gradient`: rows of d values, row-major (one for each output).
    /// # Cost
    /// 4·d_out·d·r flops.
    pub fn apply(&self, gradient: &mut [f64]) {
        let scale = self.scale();
        if scale != 1.0 {
            gradient.iter_mut().for_each(|g| *g *= scale);
        }
        self.apply_to_scaled(gradient);
    }

    /// s of the fused form, 1 where there is none: whoever makes a gradient can multiply by it at no cost.
    pub(super) fn scale(&self) -> f64 {
        if let Form::LowRank { scale, .. } = &self.form { *scale } else { 1.0 }
    }

    /// The rest of [`LayerMetric::apply`], for s·g in place of g.
    pub(super) fn apply_to_scaled(&self, gradient: &mut [f64]) {
        let (d, outputs) = (self.d, gradient.len() / self.d);
        match &self.form {
            Form::None => {}
            Form::Dense { inverse, .. } => unhat::kernels::with_scratch(gradient.len(), |image| {
                kernels::rows_times_symmetric(gradient, d, inverse, image);
                gradient.copy_from_slice(image);
            }),
            Form::LowRank { basis, values, update, .. } => {
                let r = values.len();
                unhat::kernels::with_scratch(r * outputs, |along| {
                    kernels::transpose_times_into(basis, gradient, d, r, outputs, along);
                    kernels::add_product(update, along, d, r, outputs, gradient);
                });
            }
        }
    }

    /// What [`LayerMetric::apply`] multiplies by, for those who hold gradients elsewhere.
    pub fn operator(&self) -> MetricOperator<'_> {
        match &self.form {
            Form::None => MetricOperator::Identity,
            Form::Dense { inverse, .. } => MetricOperator::Dense { inverse },
            Form::LowRank { basis, update, scale, .. } => MetricOperator::Fused { basis, update, scale: *scale },
        }
    }

    /// A factor that makes the learning rate of plain gradient descent carry over: 1/s, the metric of a direction that no
    /// input favours. 1 before the first refresh.
    pub fn typical_moment(&self) -> f64 {
        match &self.form {
            Form::None => 1.0,
            Form::Dense { .. } => (1.0 + self.options.damping) * self.trace / self.d as f64,
            Form::LowRank { scale, .. } => 1.0 / scale,
        }
    }

    /// The number d of inputs, the constant one included.
    pub fn inputs(&self) -> usize {
        self.d
    }

    /// Refreshes so far.
    pub fn refreshes(&self) -> u32 {
        self.refreshes
    }

    /// Everything the metric remembers, as numbers: refreshes, trace, form, and its matrices.
    pub fn memory(&self) -> Vec<f64> {
        let head = [f64::from(self.refreshes), self.trace];
        match &self.form {
            Form::None => [&head[..], &[0.0]].concat(),
            Form::Dense { moment, inverse } => [&head[..], &[1.0], moment, inverse].concat(),
            Form::LowRank { basis, values, update, scale } => {
                [&head[..], &[2.0, values.len() as f64, *scale], values, basis, update].concat()
            }
        }
    }

    /// Puts a memory back and returns how many of the numbers it was; None for the memory of another metric.
    pub fn recall(&mut self, memory: &[f64]) -> Option<usize> {
        let d = self.d;
        let (refreshes, trace, form) = (*memory.first()?, *memory.get(1)?, *memory.get(2)?);
        let (form, length) = match form as u32 {
            0 => (Form::None, 3),
            1 => {
                let moment = memory.get(3..3 + d * d)?.to_vec();
                (Form::Dense { moment, inverse: memory.get(3 + d * d..3 + 2 * d * d)?.to_vec() }, 3 + 2 * d * d)
            }
            2 => {
                let (r, scale) = (*memory.get(3)? as usize, *memory.get(4)?);
                let values = memory.get(5..5 + r)?.to_vec();
                let basis = memory.get(5 + r..5 + r + d * r)?.to_vec();
                let update = memory.get(5 + r + d * r..5 + r + 2 * d * r)?.to_vec();
                (Form::LowRank { basis, values, update, scale }, 5 + r + 2 * d * r)
            }
            _ => return None,
        };
        (self.refreshes, self.trace, self.form) = (refreshes as u32, trace, form);
        Some(length)
    }

    /// A control: the metric with the layer's inputs permuted.
    pub fn permuted(&self) -> LayerMetric {
        let mut keys = vec![0.0; self.d];
        uniform_rows_into(self.options.seed, self.stream | 1 << 32, 0, &mut keys);
        let mut order: Vec<usize> = (0..self.d).collect();
        order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
        if let Form::Dense { moment, inverse } = &self.form {
            let permute = |m: &[f64]| {
                order.iter().flat_map(|&j| order.iter().map(move |&i| m[j * self.d + i])).collect::<Vec<f64>>()
            };
            return LayerMetric {
                form: Form::Dense { moment: permute(moment), inverse: permute(inverse) },
                ..self.clone()
            };
        }
        self.mapped(|m, columns| {
            let d = order.len();
            (0..columns).flat_map(|k| order.iter().map(move |&i| (k, i))).map(|(k, i)| m[k * d + i]).collect()
        })
    }

    /// A control: the same spectrum along random directions.
    pub fn along_random_directions(&self) -> LayerMetric {
        let d = self.d;
        let random_basis = |columns: usize| {
            let mut draws = vec![0.0; d * columns];
            uniform_rows_into(self.options.seed, self.stream | 1 << 33, 0, &mut draws);
            draws.iter_mut().for_each(|u| *u -= 0.5);
            kernels::orthonormal_basis(&draws, d, columns)
        };
        if let Form::Dense { moment, inverse } = &self.form {
            let random = random_basis(d);
            let turned = |m: &[f64]| {
                let (values, _) = kernels::symmetric_eigen(m, d)?;
                let scaled: Vec<f64> = (0..d * d).map(|e| random[e] * values[e / d]).collect();
                let mut turned = vec![0.0; d * d];
                kernels::add_product_with_transpose(&scaled, &random, d, d, 1.0, &mut turned);
                Some(turned)
            };
            let form = match (turned(moment), turned(inverse)) {
                (Some(moment), Some(inverse)) => Form::Dense { moment, inverse },
                _ => Form::None, // no eigenvalues of numbers that are not finite
            };
            return LayerMetric { form, ..self.clone() };
        }
        self.mapped(|m, columns| {
            let mut random = random_basis(columns);
            // each column keeps its length, and the sign of its update
            for (random, column) in random.chunks_exact_mut(d).zip(m.chunks_exact(d)) {
                let length = kernels::norm(column);
                random.iter_mut().for_each(|r| *r *= length);
            }
            random
        })
    }

    /// The same with U and V of the low-rank form mapped alike.
    fn mapped(&self, map: impl Fn(&[f64], usize) -> Vec<f64>) -> LayerMetric {
        let mut copy = self.clone();
        if let Form::LowRank { basis, values, update, scale } = &mut copy.form {
            *basis = map(basis, values.len());
            let lambda = self.options.damping * self.trace / self.d as f64;
            *update = basis.clone();
            for (column, e) in update.chunks_exact_mut(self.d).zip(values.iter()) {
                let gain = relative_gain(*e, lambda, *scale);
                column.iter_mut().for_each(|u| *u *= gain);
            }
        }
        copy
    }
}

/// (1/(e + λ) − s)/s: what a direction gains beside the rest, for a gradient that was multiplied by s already.
fn relative_gain(e: f64, lambda: f64, scale: f64) -> f64 {
    (1.0 / (e + lambda) - scale) / scale
}

fn refreshed_dense(d: usize, rows: &[f64], past: f64, share: f64, lambda: f64, form: Form) -> Form {
    let mut gram = vec![0.0; d * d];
    kernels::add_gram(rows, rows, d, &mut gram);
    kernels::symmetrise(&mut gram, d);
    gram.iter_mut().for_each(|g| *g *= share);
    if let Form::Dense { moment, .. } = form {
        gram.iter_mut().zip(&moment).for_each(|(g, m)| *g += past * m);
    }
    let mut damped = gram.clone();
    (0..d).for_each(|j| damped[j * (d + 1)] += lambda);
    if kernels::cholesky_in_place(&mut damped, d) {
        Form::Dense { inverse: kernels::cholesky_inverse(&damped, d), moment: gram }
    } else {
        Form::None // λ > 0 on a positive semidefinite matrix: only where α is 0 and the inputs are dependent
    }
}

/// At most `limit` of the rows, evenly spaced.
fn strided_rows(inputs: &[f64], d: usize, limit: usize) -> Vec<f64> {
    let count = inputs.len() / d;
    let stride = count.div_ceil(limit.max(1)).max(1);
    inputs.chunks_exact(d).step_by(stride).flatten().copied().collect()
}

/// AᵀA·Y for a d×r Y.
fn moment_times(rows: &[f64], d: usize, y: &[f64], r: usize) -> Vec<f64> {
    let count = rows.len() / d;
    let mut along = vec![0.0; count * r]; // Yᵀ aᵢ: r × count
    kernels::transpose_times_into(y, rows, d, r, count, &mut along);
    let mut image = vec![0.0; d * r];
    kernels::add_product_with_transpose(rows, &along, d, r, 1.0, &mut image);
    image
}

/// share·Uᵀ(AᵀA)U, full r×r.
fn projected_moment(rows: &[f64], d: usize, subspace: &[f64], r: usize, share: f64) -> Vec<f64> {
    let count = rows.len() / d;
    let mut along = vec![0.0; count * r];
    kernels::transpose_times_into(rows, subspace, d, count, r, &mut along);
    let mut small = vec![0.0; r * r];
    kernels::transpose_times_into(&along, &along, count, r, r, &mut small);
    small.iter_mut().for_each(|s| *s *= share);
    small
}
