//! A few preconditioned conjugate-gradient steps from zero: stopping early is itself a damping.

use unhat::Result;
use unhat::kernels::{dot, norm};

/// Where r steps led.
///
/// # Examples
/// ```
/// use unhat_models::influence::few_steps;
/// let h = [2.0, 8.0]; // a diagonal matrix, which its diagonal preconditions perfectly
/// let product = |v: &[f64]| Ok(vec![h[0] * v[0], h[1] * v[1]]);
/// let found = few_steps(&[2.0, 8.0], 1, product, |r| vec![r[0] / h[0], r[1] / h[1]])?;
/// assert_eq!((found.x, found.residual), (vec![1.0, 1.0], 0.0));
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct FewSteps {
    /// The iterate xᵣ after the last step.
    pub x: Vec<f64>,
    /// The relative residual ‖b − Hxᵣ‖/‖b‖, by the recurrence.
    pub residual: f64,
}

/// A relative residual that rounding alone leaves. What is left then may lie where H is singular (dependent columns without
/// a penalty), and further steps would divide by the nothing that is there.
const SOLVED: f64 = 64.0 * f64::EPSILON;

/// r steps of preconditioned conjugate gradients on Hx = b from x₀ = 0.
///
/// # Cost
/// One product and one application of the preconditioner a step.
pub fn few_steps(
    b: &[f64],
    steps: usize,
    mut product: impl FnMut(&[f64]) -> Result<Vec<f64>>,
    precondition: impl Fn(&[f64]) -> Vec<f64>,
) -> Result<FewSteps> {
    let scale = norm(b);
    let mut x = vec![0.0; b.len()];
    let mut residual = b.to_vec();
    let mut z = precondition(&residual);
    let mut direction = z.clone();
    let mut rz = dot(&residual, &z);
    for _ in 0..steps {
        if rz <= 0.0 || norm(&residual) <= SOLVED * scale {
            break; // solved (or b = 0)
        }
        let image = product(&direction)?;
        let alpha = rz / dot(&direction, &image);
        x.iter_mut().zip(&direction).for_each(|(x, d)| *x += alpha * d);
        residual.iter_mut().zip(&image).for_each(|(r, h)| *r -= alpha * h);
        z = precondition(&residual);
        let next = dot(&residual, &z);
        direction.iter_mut().zip(&z).for_each(|(d, z)| *d = z + next / rz * *d);
        rz = next;
    }
    let residual = if scale > 0.0 { norm(&residual) / scale } else { 0.0 };
    Ok(FewSteps { x, residual })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_steps_as_unknowns_solve_the_system() {
        let h = [4.0, 1.0, 0.5, 1.0, 3.0, 0.25, 0.5, 0.25, 2.0];
        let product = |v: &[f64]| Ok((0..3).map(|i| dot(&h[3 * i..3 * i + 3], v)).collect());
        let b = [1.0, -2.0, 0.5];
        let jacobi = |r: &[f64]| (0..3).map(|i| r[i] / h[4 * i]).collect();
        let got = few_steps(&b, 3, product, jacobi).unwrap();
        for i in 0..3 {
            assert!((dot(&h[3 * i..3 * i + 3], &got.x) - b[i]).abs() < 1e-14);
        }
        assert!(got.residual < 1e-14);
        assert!(few_steps(&b, 2, product, jacobi).unwrap().residual > 1e-8);
    }
}
