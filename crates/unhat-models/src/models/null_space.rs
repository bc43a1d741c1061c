//! Which combinations of columns say nothing: an orthonormal basis of {v : Av = 0}, by a rank-revealing factorisation.

use super::{Family, Objective};
use unhat::gram::Factor;
use unhat::kernels;
use unhat::kernels::{Transform, orthogonal_factor};
use unhat::{Result, Run};

/// A Gram matrix of columns of this condition leaves few digits: the factor is taken by orthogonal transformations.
const GRAM_CONDITION_LIMIT: f64 = 1e12;

/// An orthonormal basis of the null space of the rows, one vector after another, and the triangular factor of the rows.
pub(crate) struct NullSpace {
    inputs: usize,
    /// k × inputs.
    basis: Vec<f64>,
    /// L with LLᵀ = AᵀWA, by Householder QR.
    pub factor: Vec<f64>,
}

impl NullSpace {
    /// Of the rows with a weight above 0. Columns are scaled to unit norm first; one whose remainder after the others is
    /// below 2dε of the largest is rounding, as in the rank of a leverage score.
    ///
    /// # Cost
    /// One sweep by Householder QR, 2nd² flops, and 2d³.
    pub fn of(objective: &Objective<'_>, run: &Run<'_>) -> Result<NullSpace> {
        let d = objective.inputs();
        let roots: Vec<f64> = (0..objective.response().len()).map(|i| objective.weight(i).sqrt()).collect();
        let transform = Transform { row_scale: Some(&roots), ..Transform::default() };
        let factor = orthogonal_factor(objective.features(), transform, 0.0, run)?;
        let mut scaled = factor.clone();
        let mut scale = vec![1.0; d];
        for i in 0..d {
            let norm = (0..d).map(|j| scaled[i + j * d] * scaled[i + j * d]).sum::<f64>().sqrt();
            if norm > 0.0 {
                scale[i] = 1.0 / norm;
                (0..d).for_each(|j| scaled[i + j * d] *= scale[i]);
            }
        }
        let (pivoted, order) = kernels::pivoted_triangular_factor(&scaled, d);
        let tolerance = 2.0 * d as f64 * f64::EPSILON * pivoted[0];
        let rank = (0..d).take_while(|&k| pivoted[k * (d + 1)] > tolerance).count();
        let leading: Vec<f64> = (0..rank * rank).map(|k| pivoted[k % rank + (k / rank) * d]).collect();
        let mut basis = Vec::with_capacity((d - rank) * d);
        for dependent in rank..d {
            // R₁₁x = −r for the dependent column r of R: then A(x, 1) = 0 in the scaled, pivoted columns
            let right: Vec<f64> = (0..rank).map(|k| -pivoted[dependent + k * d]).collect();
            let x = if rank > 0 { kernels::solve_lower_transposed(&leading, &right) } else { Vec::new() };
            let mut vector = vec![0.0; d];
            x.iter().zip(&order).for_each(|(x, &j)| vector[j] = x * scale[j]);
            vector[order[dependent]] = scale[order[dependent]];
            orthonormalise(&basis, &mut vector);
            basis.extend(vector);
        }
        Ok(NullSpace { inputs: d, basis, factor })
    }

    /// None where the Hessian is well conditioned, and so no combination of columns says nothing; that of several classes
    /// never has full rank, since all outputs share a shift.
    ///
    /// # Cost
    /// d³/3, and that of [`NullSpace::of`] where it is needed.
    pub fn where_singular(objective: &Objective<'_>, hessian: &[f64], run: &Run<'_>) -> Result<Option<NullSpace>> {
        let well = !matches!(objective.family(), Family::Categorical { .. })
            && Factor::of_gram(hessian.to_vec(), objective.inputs())
                .is_some_and(|factor| factor.gram_condition() < GRAM_CONDITION_LIMIT);
        if well { Ok(None) } else { NullSpace::of(objective, run).map(Some) }
    }

    /// How many columns are independent.
    pub fn rank(&self) -> usize {
        self.inputs - self.basis.len() / self.inputs
    }

    /// Θ without its part in the null space, which changes no predictor; for several outputs each its own, and without
    /// what all of them share if `shared`, which changes no probability.
    pub fn take_out(&self, theta: &mut [f64], shared: bool) {
        for row in theta.chunks_exact_mut(self.inputs) {
            for vector in self.basis.chunks_exact(self.inputs) {
                let along = kernels::dot(vector, row);
                row.iter_mut().zip(vector).for_each(|(t, v)| *t -= along * v);
            }
        }
        if shared {
            let outputs = theta.len() / self.inputs;
            for j in 0..self.inputs {
                let mean = theta.iter().skip(j).step_by(self.inputs).sum::<f64>() / outputs as f64;
                theta.iter_mut().skip(j).step_by(self.inputs).for_each(|t| *t -= mean);
            }
        }
    }

    /// H + τ·(projection on the directions that change nothing): positive definite where H is on the others, with the same
    /// Newton steps, which are then the shortest.
    pub fn fill_in(&self, hessian: &mut [f64], shared: bool) {
        let p = (hessian.len() as f64).sqrt() as usize;
        let (d, outputs) = (self.inputs, p / self.inputs);
        let tau = (0..p).map(|i| hessian[i * (p + 1)]).sum::<f64>() / p as f64;
        let mut projection = vec![0.0; d * d];
        if !self.basis.is_empty() {
            kernels::add_outer_product(&self.basis, &self.basis, d, tau, &mut projection);
        }
        for output in 0..outputs {
            for b in 0..d {
                for a in 0..d {
                    hessian[(output * d + a) + (output * d + b) * p] += projection[a + b * d];
                }
            }
        }
        if shared {
            for (j, k) in (0..outputs).flat_map(|j| (0..outputs).map(move |k| (j, k))) {
                (0..d).for_each(|a| hessian[(j * d + a) + (k * d + a) * p] += tau / outputs as f64);
            }
        }
    }
}

/// The vector without its parts along the basis, of length 1; twice, since once leaves rounding of the cancelled parts.
fn orthonormalise(basis: &[f64], vector: &mut [f64]) {
    for _ in 0..2 {
        for other in basis.chunks_exact(vector.len()) {
            let along = kernels::dot(other, vector);
            vector.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
        }
        let length = kernels::norm(vector);
        vector.iter_mut().for_each(|v| *v /= length);
    }
}
