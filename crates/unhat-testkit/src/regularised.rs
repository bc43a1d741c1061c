//! The regularised objective L = ½‖g − c‖² + ½‖diag(w)Ax‖² in double-double numbers.

use crate::reference::Point;
use crate::{Dd, Real};

/// L with its gradient and Hessian at one x.
pub struct Objective {
    /// The value L of the objective.
    pub value: f64,
    /// ∇L = H(g − c) + Kx (d).
    pub gradient: Vec<Dd>,
    /// ∇²L = H² + D³V\[g − c\] + K (d×d).
    pub hessian: Vec<Dd>,
    scaled: Vec<Dd>,
}

impl Objective {
    /// Evaluates at x; all input is taken as exact. `a` is n×d row-major.
    pub fn at(a: &[f64], b: &[f64], c: &[f64], w: &[f64], x: &[f64]) -> Objective {
        let (n, d) = (b.len(), x.len());
        let wide: Vec<Dd> = x.iter().map(|&x| Dd::from(x)).collect();
        let point = Point::at(a, b, &wide);
        let residual: Vec<Dd> = point.gradient().into_iter().zip(c).map(|(g, &c)| g - Dd::from(c)).collect();
        let h = point.hessian();
        let mut hessian = point.third_derivative(&residual);
        let mut gradient = vec![Dd::zero(); d];
        let mut value = Dd::zero();
        for i in 0..d {
            value += residual[i] * residual[i];
            for j in 0..d {
                gradient[i] += h[i * d + j] * residual[j];
                for k in 0..d {
                    hessian[i * d + j] += h[i * d + k] * h[k * d + j];
                }
            }
        }
        for (row, &w) in a.chunks(d).zip(w) {
            let row: Vec<Dd> = row.iter().map(|&a| Dd::from(w) * Dd::from(a)).collect();
            let product = row.iter().zip(&wide).fold(Dd::zero(), |sum, (&a, &x)| sum + a * x);
            value += product * product;
            for i in 0..d {
                gradient[i] += row[i] * product;
                (0..d).for_each(|j| hessian[i * d + j] += row[i] * row[j]);
            }
        }
        debug_assert_eq!(point.scaled.len(), n * d);
        Objective { value: (Dd::from(0.5) * value).to_f64(), gradient, hessian, scaled: point.scaled }
    }

    /// Whether ∇²L is positive definite: all pivots of Gaussian elimination are positive.
    pub fn is_minimum(&self) -> bool {
        self.eliminated().is_some_and(|(pivots, _)| pivots.iter().all(|p| p.to_f64() > 0.0))
    }

    /// ‖A_xδ‖∞ for the Newton step δ = −(∇²L)⁻¹∇L: how far the stationary point is, relative to the slacks.
    pub fn newton_change(&self) -> f64 {
        let Some((_, step)) = self.eliminated() else { return f64::INFINITY };
        let products = self.scaled.chunks(step.len());
        products
            .map(|row| row.iter().zip(&step).fold(Dd::zero(), |sum, (&a, &h)| sum + a * h).abs().to_f64())
            .fold(0.0, f64::max)
    }

    /// Pivots of Gaussian elimination without exchanges (the matrix is symmetric, its leading blocks regular), and the
    /// solution of ∇²L δ = ∇L.
    fn eliminated(&self) -> Option<(Vec<Dd>, Vec<Dd>)> {
        let d = self.gradient.len();
        let (mut m, mut v) = (self.hessian.clone(), self.gradient.clone());
        for k in 0..d {
            if m[k * d + k].to_f64() == 0.0 {
                return None;
            }
            for i in k + 1..d {
                let factor = m[i * d + k] / m[k * d + k];
                for j in k..d {
                    let product = factor * m[k * d + j];
                    m[i * d + j] -= product;
                }
                let product = factor * v[k];
                v[i] -= product;
            }
        }
        for k in (0..d).rev() {
            for j in k + 1..d {
                let product = m[k * d + j] * v[j];
                v[k] -= product;
            }
            v[k] = v[k] / m[k * d + k];
        }
        Some(((0..d).map(|k| m[k * d + k]).collect(), v))
    }
}
