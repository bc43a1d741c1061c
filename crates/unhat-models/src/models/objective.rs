//! What a generalised linear model minimises, with its gradient and Hessian, each in one sweep over the rows.

use super::Family;
use super::frame::shape;
use unhat::kernels;
use unhat::kernels::with_scratch;
use unhat::rows::{Block, DenseRows, Pass, RowSource, Rows, require_finite, require_vector, sweep};
use unhat::{ErrorKind, Result, Run};

/// L(θ) = Σᵢ wᵢℓ(Θaᵢ, yᵢ) + ½M‖θ‖², the sum of the losses; every weight is penalised, the intercept's too.
///
/// Θ (outputs × inputs) is θ row-major, as in [`Network::flatten`](super::Network::flatten).
#[derive(Clone, Copy)]
pub struct Objective<'a> {
    features: DenseRows<'a>,
    response: &'a [f64],
    weights: Option<&'a [f64]>,
    family: Family,
    penalty: f64,
}

/// L at a point.
pub struct Evaluated {
    /// L(θ); infinite where a loss overflows.
    pub value: f64,
    /// ∇L(θ).
    pub gradient: Vec<f64>,
    /// The length that ‖∇L‖ would have if nothing cancelled, neither between rows nor within a residual; what it is
    /// compared with: Σᵢ wᵢ‖gᵢ‖ + M‖θ‖, with |μ| + |y| for |μ − y| where the response is a number.
    pub scale: f64,
    /// z = Θa, rows × outputs.
    pub predictors: Vec<f64>,
}

impl Evaluated {
    /// ‖∇L‖ / scale, between 0 and 1.
    pub fn relative_gradient(&self) -> f64 {
        match kernels::norm(&self.gradient) {
            0.0 => 0.0,
            length => length / self.scale,
        }
    }
}

impl<'a> Objective<'a> {
    /// The objective of these rows.
    ///
    /// # Shapes
    /// `features`: n × inputs, row-major, the last column 1; `response`: n values, classes as 0, 1, ….
    /// # Errors
    /// [`ErrorKind::Shape`], [`ErrorKind::NotFinite`]; [`ErrorKind::Option`] for a penalty that is negative or no number,
    /// and for a response outside the family.
    pub fn new(features: &'a [f64], inputs: usize, response: &'a [f64], family: Family, penalty: f64) -> Result<Self> {
        let features = DenseRows::new(features, inputs)?;
        require_finite(&features, "features")?;
        require_vector("response", response, features.shape().rows)?;
        require_response(response, family)?;
        if !(penalty.is_finite() && penalty >= 0.0) {
            let reason = format!("found {penalty}, expected a number not below 0");
            return Err(ErrorKind::Option { name: "penalty".into(), reason }.into());
        }
        Ok(Objective { features, response, weights: None, family, penalty })
    }

    /// The same with weights wᵢ ≥ 0: 0 takes a row out.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`], [`ErrorKind::NotFinite`]; [`ErrorKind::Option`] for a negative weight.
    pub fn weighted(self, weights: &'a [f64]) -> Result<Self> {
        require_vector("weights", weights, self.response.len())?;
        if let Some(row) = weights.iter().position(|w| *w < 0.0) {
            let reason = format!("row {} has {}, expected a number not below 0", row + 1, weights[row]);
            return Err(ErrorKind::Option { name: "weights".into(), reason }.into());
        }
        Ok(Objective { weights: Some(weights), ..self })
    }

    /// The same with another penalty M ≥ 0.
    pub(super) fn with_penalty(self, penalty: f64) -> Self {
        Objective { penalty, ..self }
    }

    /// The penalty M of the fit.
    pub fn penalty(&self) -> f64 {
        self.penalty
    }

    /// The loss.
    pub fn family(&self) -> Family {
        self.family
    }

    /// A.
    pub fn features(&self) -> &DenseRows<'a> {
        &self.features
    }

    /// y.
    pub fn response(&self) -> &'a [f64] {
        self.response
    }

    /// Features of a row.
    pub fn inputs(&self) -> usize {
        self.features.shape().columns
    }

    /// p, the length of θ.
    pub fn parameters(&self) -> usize {
        self.inputs() * self.family.outputs()
    }

    /// wᵢ.
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    /// L, ∇L and the predictors at θ.
    ///
    /// # Cost
    /// One sweep, 4np flops; 8n·outputs bytes.
    pub fn evaluate(&self, theta: &[f64], run: &Run<'_>) -> Result<Evaluated> {
        let mut predictors = vec![0.0; self.response.len() * self.family.outputs()];
        let sum = sweep(&self.features, &LossPass { objective: self, theta }, &mut predictors, run)?;
        let mut gradient = sum.gradient;
        gradient.iter_mut().zip(theta).for_each(|(g, t)| *g += self.penalty * t);
        let length = kernels::norm(theta);
        let value = sum.loss + 0.5 * self.penalty * length * length;
        Ok(Evaluated { value, gradient, scale: sum.lengths + self.penalty * length, predictors })
    }

    /// ∇²L from the predictors of [`Objective::evaluate`]: full symmetric, p × p.
    ///
    /// # Cost
    /// One sweep, n·p²(1 + 1/outputs)/2 flops; 8p² bytes, and half of that for each thread.
    pub fn hessian(&self, predictors: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let (inputs, outputs, p) = (self.inputs(), self.family.outputs(), self.parameters());
        let blocks = sweep(&self.features, &HessianPass { objective: self, predictors }, &mut [], run)?;
        let mut hessian = vec![0.0; p * p];
        for ((j, k), block) in pairs(outputs).zip(blocks.chunks_exact(inputs * inputs)) {
            for b in 0..inputs {
                for a in b..inputs {
                    let value = block[a + b * inputs]; // symmetric: block (j, k) = Σ w s_jk aaᵀ
                    for (row, column) in [(a, b), (b, a)] {
                        hessian[(j * inputs + row) + (k * inputs + column) * p] = value;
                        hessian[(k * inputs + column) + (j * inputs + row) * p] = value;
                    }
                }
            }
        }
        (0..p).for_each(|i| hessian[i * (p + 1)] += self.penalty);
        Ok(hessian)
    }

    /// ∇²L·v from the predictors of [`Objective::evaluate`].
    ///
    /// # Cost
    /// One sweep, 4np flops.
    pub fn hessian_product(&self, predictors: &[f64], v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut product = sweep(&self.features, &ProductPass { objective: self, predictors, v }, &mut [], run)?;
        product.iter_mut().zip(v).for_each(|(h, v)| *h += self.penalty * v);
        Ok(product)
    }

    /// The diagonal of ∇²L.
    ///
    /// # Cost
    /// One sweep, 2np flops.
    pub fn hessian_diagonal(&self, predictors: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut diagonal = sweep(&self.features, &DiagonalPass { objective: self, predictors }, &mut [], run)?;
        diagonal.iter_mut().for_each(|h| *h += self.penalty);
        Ok(diagonal)
    }

    /// z of the rows of a block.
    fn predict_into(&self, values: &[f64], theta: &[f64], z: &mut [f64]) {
        let (inputs, outputs) = (self.inputs(), self.family.outputs());
        match outputs {
            1 => kernels::rows_times_vector(values, inputs, theta, z),
            _ => kernels::transpose_times_into(theta, values, inputs, outputs, values.len() / inputs, z),
        }
    }

    /// out += Σᵢ dᵢaᵢᵀ over a block.
    fn add_outer(&self, values: &[f64], d: &[f64], out: &mut [f64]) {
        let (inputs, outputs) = (self.inputs(), self.family.outputs());
        match outputs {
            1 => kernels::add_transposed_rows_times_vector(values, inputs, d, out),
            _ => kernels::add_product_with_transpose(values, d, inputs, outputs, 1.0, out),
        }
    }

    /// The predictors of a block.
    fn of_block<'p>(&self, predictors: &'p [f64], rows: &Rows<'_>) -> &'p [f64] {
        let outputs = self.family.outputs();
        &predictors[rows.start * outputs..rows.range().end * outputs]
    }
}

fn require_response(response: &[f64], family: Family) -> Result<()> {
    let usable = |y: f64| match family {
        Family::Gaussian => true,
        Family::Poisson => y >= 0.0,
        Family::Bernoulli => y == 0.0 || y == 1.0,
        Family::Categorical { classes } => y >= 0.0 && y.fract() == 0.0 && y < classes as f64,
    };
    match response.iter().position(|y| !usable(*y)) {
        None => Ok(()),
        Some(row) => {
            let expected = match family {
                Family::Poisson => "a count".to_string(),
                Family::Bernoulli => "0 or 1".to_string(),
                _ => format!("a class from 0 to {}", family.outputs().saturating_sub(1)),
            };
            Err(shape(&format!("response of row {}", row + 1), &expected, format!("{}", response[row])))
        }
    }
}

/// The values of a block of dense rows.
fn dense<'r>(rows: &Rows<'r>) -> &'r [f64] {
    match rows.block {
        Block::Dense(block) => block.values,
        Block::Csr(_) => &[], // an objective holds dense rows only
    }
}

/// (j, k) with j ≥ k, in the order in which the blocks of a Hessian are kept.
fn pairs(outputs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outputs).flat_map(|j| (0..=j).map(move |k| (j, k)))
}

fn added(mut left: Vec<f64>, right: &[f64]) -> Vec<f64> {
    left.iter_mut().zip(right).for_each(|(l, r)| *l += r);
    left
}

struct LossPass<'a> {
    objective: &'a Objective<'a>,
    theta: &'a [f64],
}

struct LossSum {
    loss: f64,
    lengths: f64,
    gradient: Vec<f64>,
}

impl Pass for LossPass<'_> {
    type Acc = LossSum;
    fn zero(&self) -> LossSum {
        LossSum { loss: 0.0, lengths: 0.0, gradient: vec![0.0; self.theta.len()] }
    }
    fn add(&self, sum: &mut LossSum, rows: &Rows<'_>, z: &mut [f64]) -> Result<()> {
        let objective = self.objective;
        let (family, outputs, values) = (objective.family, objective.family.outputs(), dense(rows));
        objective.predict_into(values, self.theta, z);
        with_scratch(z.len() + rows.range().len(), |scratch| {
            let (d, lengths) = scratch.split_at_mut(z.len());
            kernels::row_norms_squared(values, objective.inputs(), lengths);
            for (k, row) in rows.range().enumerate() {
                let range = k * outputs..(k + 1) * outputs;
                let (z, d) = (&z[range.clone()], &mut d[range]);
                let (y, w) = (objective.response[row], objective.weight(row));
                if w == 0.0 {
                    d.fill(0.0); // also where its loss has overflown
                    continue;
                }
                sum.loss += w * family.loss(z, y);
                family.gradient_into(z, y, 1.0, d);
                let length = match family {
                    Family::Gaussian | Family::Poisson => (d[0] + y).abs() + y.abs(), // d = μ − y, which may cancel
                    _ => kernels::norm(d),
                };
                d.iter_mut().for_each(|d| *d *= w);
                sum.lengths += w * lengths[k].sqrt() * length;
            }
            objective.add_outer(values, d, &mut sum.gradient);
        });
        Ok(())
    }
    fn merge(&self, left: LossSum, right: LossSum) -> LossSum {
        LossSum {
            loss: left.loss + right.loss,
            lengths: left.lengths + right.lengths,
            gradient: added(left.gradient, &right.gradient),
        }
    }
    fn width(&self) -> usize {
        self.objective.family.outputs()
    }
}

struct HessianPass<'a> {
    objective: &'a Objective<'a>,
    predictors: &'a [f64],
}

impl Pass for HessianPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        let (inputs, outputs) = (self.objective.inputs(), self.objective.family.outputs());
        vec![0.0; inputs * inputs * outputs * (outputs + 1) / 2]
    }
    fn add(&self, blocks: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let objective = self.objective;
        let (inputs, outputs, values) = (objective.inputs(), objective.family.outputs(), dense(rows));
        let (count, square) = (rows.range().len(), outputs * outputs);
        with_scratch(count * square + values.len(), |scratch| {
            let (curvatures, scaled) = scratch.split_at_mut(count * square);
            let z = objective.of_block(self.predictors, rows).chunks_exact(outputs);
            for (z, curvature) in z.zip(curvatures.chunks_exact_mut(square)) {
                objective.family.curvature_into(z, curvature);
            }
            let weights = |k: usize| objective.weight(rows.start + k);
            for ((j, k), block) in pairs(outputs).zip(blocks.chunks_exact_mut(inputs * inputs)) {
                let weight = |i: usize| weights(i) * curvatures[i * square + j * outputs + k];
                kernels::scale_rows_into(values, inputs, weight, scaled);
                kernels::add_gram(values, scaled, inputs, block);
            }
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        added(left, &right)
    }
}

struct ProductPass<'a> {
    objective: &'a Objective<'a>,
    predictors: &'a [f64],
    v: &'a [f64],
}

impl Pass for ProductPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.v.len()]
    }
    fn add(&self, product: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let objective = self.objective;
        let (family, outputs, values) = (objective.family, objective.family.outputs(), dense(rows));
        let z = objective.of_block(self.predictors, rows);
        with_scratch(z.len() + outputs, |scratch| {
            let (u, mean) = scratch.split_at_mut(z.len());
            objective.predict_into(values, self.v, u);
            for ((row, z), u) in rows.range().zip(z.chunks_exact(outputs)).zip(u.chunks_exact_mut(outputs)) {
                let w = objective.weight(row);
                match family {
                    // (diag(p) − ppᵀ)u
                    Family::Categorical { .. } => {
                        family.mean_into(z, mean);
                        let inner = kernels::dot(mean, u);
                        u.iter_mut().zip(&*mean).for_each(|(u, p)| *u = w * p * (*u - inner));
                    }
                    _ => {
                        family.curvature_into(z, mean);
                        u[0] *= w * mean[0];
                    }
                }
            }
            objective.add_outer(values, u, product);
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        added(left, &right)
    }
}

struct DiagonalPass<'a> {
    objective: &'a Objective<'a>,
    predictors: &'a [f64],
}

impl Pass for DiagonalPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.objective.parameters()]
    }
    fn add(&self, diagonal: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let objective = self.objective;
        let (outputs, values) = (objective.family.outputs(), dense(rows));
        let z = objective.of_block(self.predictors, rows);
        with_scratch(values.len() + z.len() + outputs * outputs, |scratch| {
            let (squares, rest) = scratch.split_at_mut(values.len());
            let (own, curvature) = rest.split_at_mut(z.len());
            squares.iter_mut().zip(values).for_each(|(s, v)| *s = v * v);
            for ((row, z), own) in rows.range().zip(z.chunks_exact(outputs)).zip(own.chunks_exact_mut(outputs)) {
                objective.family.curvature_into(z, curvature);
                let w = objective.weight(row);
                own.iter_mut().enumerate().for_each(|(k, o)| *o = w * curvature[k * (outputs + 1)]);
            }
            objective.add_outer(squares, own, diagonal);
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        added(left, &right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw;

    #[test]
    fn gradient_and_hessian_are_the_differences_of_the_value() {
        let (n, inputs) = (300, 4); // several blocks of rows would need more; stretches are tested with the threads
        let mut features = draw(1, n * inputs);
        features.chunks_exact_mut(inputs).for_each(|row| row[inputs - 1] = 1.0);
        let weights: Vec<f64> = (0..n).map(|i| [1.0, 0.0, 2.5][i % 3]).collect();
        let run = Run::default();
        for family in [Family::Gaussian, Family::Bernoulli, Family::Categorical { classes: 3 }, Family::Poisson] {
            let response: Vec<f64> = (0..n).map(|i| ((i * 7 / 3) % family.outputs().max(2)) as f64).collect();
            let objective = Objective::new(&features, inputs, &response, family, 0.7).unwrap();
            let objective = objective.weighted(&weights).unwrap();
            let (p, theta) = (objective.parameters(), draw(2, objective.parameters()));
            let at = objective.evaluate(&theta, &run).unwrap();
            let hessian = objective.hessian(&at.predictors, &run).unwrap();
            let h = 1e-5;
            for j in 0..p {
                let moved = |t: f64| {
                    let mut theta = theta.clone();
                    theta[j] += t;
                    objective.evaluate(&theta, &run).unwrap()
                };
                let (above, below) = (moved(h), moved(-h));
                let slope = (above.value - below.value) / (2.0 * h);
                assert!((slope - at.gradient[j]).abs() < 1e-6, "{family:?} {j}: {slope} {}", at.gradient[j]);
                for k in 0..p {
                    let bend = (above.gradient[k] - below.gradient[k]) / (2.0 * h);
                    assert!((bend - hessian[k + j * p]).abs() < 1e-6, "{family:?} {j} {k}");
                }
            }
            let v = draw(3, p);
            let product = objective.hessian_product(&at.predictors, &v, &run).unwrap();
            let dense = kernels::symmetric_times_vector(&hessian, &v);
            let diagonal = objective.hessian_diagonal(&at.predictors, &run).unwrap();
            for j in 0..p {
                assert!((product[j] - dense[j]).abs() < 1e-11 * (1.0 + dense[j].abs()), "{family:?}");
                assert!((diagonal[j] - hessian[j * (p + 1)]).abs() < 1e-11 * diagonal[j], "{family:?}");
            }
        }
    }

    #[test]
    fn unusable_input_is_refused() {
        let rows = [1.0, 1.0, 2.0, 1.0];
        let kind = |features: &[f64], y: &[f64], family, penalty| {
            Objective::new(features, 2, y, family, penalty).err().map(|e| e.kind().name())
        };
        assert_eq!(kind(&rows, &[0.0, 1.0], Family::Bernoulli, 0.0), None);
        assert_eq!(kind(&rows, &[0.0, 2.0], Family::Bernoulli, 0.0), Some("shape"));
        assert_eq!(kind(&rows, &[0.0, 3.0], Family::Categorical { classes: 3 }, 0.0), Some("shape"));
        assert_eq!(kind(&rows, &[0.0, -1.0], Family::Poisson, 0.0), Some("shape"));
        assert_eq!(kind(&rows, &[0.0], Family::Gaussian, 0.0), Some("shape"));
        assert_eq!(kind(&rows, &[0.0, f64::NAN], Family::Gaussian, 0.0), Some("not_finite"));
        assert_eq!(kind(&[1.0, f64::NAN], &[0.0], Family::Gaussian, 0.0), Some("not_finite"));
        assert_eq!(kind(&rows, &[0.0, 1.0], Family::Gaussian, -1.0), Some("option"));
        assert_eq!(kind(&rows, &[0.0, 1.0], Family::Gaussian, f64::NAN), Some("option"));
    }
}
