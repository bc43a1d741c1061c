//! The formulas of leverage scores and the volumetric barrier as they stand in a textbook, with P = UUᵀ written out.
//!
//! n×n matrices are formed: for n up to a few hundred. The same code serves f64 and double-double numbers.

use crate::Real;
use crate::orthonormal::basis;
use crate::real::{add_scaled, dot};

/// Everything the formulas share at one x: s = Ax − b, A_x = S⁻¹A, an orthonormal basis U of its columns, P = UUᵀ.
pub struct Point<T> {
    n: usize,
    d: usize,
    /// s = Ax − b (n).
    pub slack: Vec<T>,
    /// A_x, rows aᵢ/sᵢ (n×d, row-major).
    pub scaled: Vec<T>,
    /// σ = diag(P) (n).
    pub scores: Vec<T>,
    /// V = ½ log det A_xᵀA_x, at f64 accuracy.
    pub value: f64,
    basis: Vec<Vec<T>>,
    projection: Vec<T>,
}

impl<T: Real> Point<T> {
    /// Evaluates at x, d values; `a` is n×d row-major, `b` has n values.
    ///
    /// # Panics
    /// If A_x has no full column rank.
    pub fn at(a: &[f64], b: &[f64], x: &[T]) -> Point<T> {
        let (n, d) = (b.len(), x.len());
        assert_eq!(a.len(), n * d, "the matrix has {} entries, not n·d = {n}·{d}", a.len());
        let wide: Vec<T> = a.iter().map(|&value| T::from(value)).collect();
        let slack: Vec<T> = (0..n).map(|i| dot(&wide[i * d..(i + 1) * d], x) - T::from(b[i])).collect();
        let scaled: Vec<T> = (0..n * d).map(|k| wide[k] / slack[k / d]).collect();
        let columns = basis(&scaled, d);
        assert_eq!(columns.vectors.len(), d, "A_x has rank {}, not {d}", columns.vectors.len());
        let mut projection = vec![T::zero(); n * n];
        for u in &columns.vectors {
            for i in 0..n {
                add_scaled(&mut projection[i * n..(i + 1) * n], u[i], u);
            }
        }
        let scores = (0..n).map(|i| projection[i * n + i]).collect();
        Point { n, d, slack, scaled, scores, value: columns.log_volume, basis: columns.vectors, projection }
    }

    /// Row i of A_x.
    fn row(&self, i: usize) -> &[T] {
        &self.scaled[i * self.d..(i + 1) * self.d]
    }

    /// A_x h.
    fn apply(&self, h: &[T]) -> Vec<T> {
        (0..self.n).map(|i| dot(self.row(i), h)).collect()
    }

    /// A_xᵀ u.
    fn apply_transpose(&self, u: &[T]) -> Vec<T> {
        let mut out = vec![T::zero(); self.d];
        for i in 0..self.n {
            add_scaled(&mut out, u[i], self.row(i));
        }
        out
    }

    /// A_xᵀ K A_x for a symmetric n×n matrix given by its entries.
    fn sandwich(&self, entry: impl Fn(usize, usize) -> T) -> Vec<T> {
        let d = self.d;
        let mut out = vec![T::zero(); d * d];
        for i in 0..self.n {
            let mut middle = vec![T::zero(); d];
            for j in 0..self.n {
                add_scaled(&mut middle, entry(i, j), self.row(j));
            }
            for k in 0..d {
                add_scaled(&mut out[k * d..(k + 1) * d], self.row(i)[k], &middle);
            }
        }
        out
    }

    /// P∘P, entry (i, j).
    fn projection_squared(&self, i: usize, j: usize) -> T {
        let p = self.projection[i * self.n + j];
        p * p
    }

    /// (P∘P) v.
    fn apply_projection_squared(&self, v: &[T]) -> Vec<T> {
        (0..self.n).map(|i| (0..self.n).fold(T::zero(), |sum, j| sum + self.projection_squared(i, j) * v[j])).collect()
    }

    /// g = ∇V = −A_xᵀσ (d).
    pub fn gradient(&self) -> Vec<T> {
        self.apply_transpose(&self.scores).into_iter().map(|x| -x).collect()
    }

    /// Vaidya's matrix Q = A_xᵀ Σ A_x (d×d).
    pub fn vaidya_matrix(&self) -> Vec<T> {
        self.sandwich(|i, j| if i == j { self.scores[i] } else { T::zero() })
    }

    /// H = ∇²V = A_xᵀ(3Σ − 2P∘P)A_x (d×d).
    pub fn hessian(&self) -> Vec<T> {
        let (two, three) = (T::from(2.0), T::from(3.0));
        self.sandwich(|i, j| {
            let diagonal = if i == j { three * self.scores[i] } else { T::zero() };
            diagonal - two * self.projection_squared(i, j)
        })
    }

    /// H h = A_xᵀ(3σ∘v − 2(P∘P)v) with v = A_x h (d).
    pub fn hessian_vec(&self, h: &[T]) -> Vec<T> {
        let v = self.apply(h);
        let p = self.apply_projection_squared(&v);
        let (two, three) = (T::from(2.0), T::from(3.0));
        let u: Vec<T> = (0..self.n).map(|i| three * self.scores[i] * v[i] - two * p[i]).collect();
        self.apply_transpose(&u)
    }

    /// D³V\[h\], the derivative of H along h (d×d):
    /// A_xᵀ{−12 diag(σ∘v) + 6 diag((P∘P)v) + 6(diag(v)(P∘P) + (P∘P)diag(v)) − 8 P∘(P diag(v) P)}A_x, v = A_x h.
    pub fn third_derivative(&self, h: &[T]) -> Vec<T> {
        let (n, d) = (self.n, self.d);
        let v = self.apply(h);
        let pv = self.apply_projection_squared(&v);
        // P diag(v) P = U (Uᵀ diag(v) U) Uᵀ: n²d flops instead of n³
        let weighted: Vec<Vec<T>> = self.basis.iter().map(|u| (0..n).map(|i| v[i] * u[i]).collect()).collect();
        let mut p_v_p = vec![T::zero(); n * n];
        for j in 0..d {
            let mut combination = vec![T::zero(); n];
            for k in 0..d {
                add_scaled(&mut combination, dot(&self.basis[k], &weighted[j]), &self.basis[k]);
            }
            for i in 0..n {
                add_scaled(&mut p_v_p[i * n..(i + 1) * n], self.basis[j][i], &combination);
            }
        }
        let (six, eight, twelve) = (T::from(6.0), T::from(8.0), T::from(12.0));
        self.sandwich(|i, j| {
            let diagonal = if i == j { six * pv[i] - twelve * self.scores[i] * v[i] } else { T::zero() };
            diagonal + six * (v[i] + v[j]) * self.projection_squared(i, j)
                - eight * self.projection[i * n + j] * p_v_p[i * n + j]
        })
    }

    /// J = ∂σ/∂x = −2(Σ − P∘P)A_x (n×d, row-major).
    pub fn score_jacobian(&self) -> Vec<T> {
        let two = T::from(2.0);
        let mut out = Vec::with_capacity(self.n * self.d);
        for i in 0..self.n {
            let mut row: Vec<T> = self.row(i).iter().map(|&a| -(two * self.scores[i] * a)).collect();
            for j in 0..self.n {
                add_scaled(&mut row, two * self.projection_squared(i, j), self.row(j));
            }
            out.extend(row);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dd;
    use crate::close::{assert_all_close, assert_within};
    use crate::generate::{random_polytope, regression};

    /// Central differences of `f` in double-double numbers, along each column of `directions`: about 18 digits.
    fn differences(f: impl Fn(&[Dd]) -> Vec<Dd>, x: &[f64], direction: &[f64]) -> Vec<f64> {
        let step = 1e-10; // truncation error ~ step² = 1e-20, rounding ~ 1e-30/step = 1e-20
        let along = |sign: f64| -> Vec<Dd> {
            let t = Dd::from(sign * step);
            f(&x.iter().zip(direction).map(|(&x, &h)| Dd::from(x) + t * Dd::from(h)).collect::<Vec<_>>())
        };
        along(1.0).into_iter().zip(along(-1.0)).map(|(p, m)| ((p - m) / Dd::from(2.0 * step)).to_f64()).collect()
    }

    fn cases() -> Vec<(Vec<f64>, Vec<f64>, Vec<f64>)> {
        let polytope = random_polytope(24, 4, 0.8, 3, None);
        let mixed = regression(20, 3, 4);
        vec![(polytope.a, polytope.b, polytope.hidden), (mixed.a, mixed.b, mixed.x)]
    }

    fn unit(d: usize, k: usize) -> Vec<f64> {
        (0..d).map(|j| f64::from(j == k)).collect()
    }

    #[test]
    fn every_derivative_is_the_difference_of_the_one_before() {
        for (a, b, x) in cases() {
            let (n, d) = (b.len(), x.len());
            let point = Point::at(&a, &b, &x);
            for k in 0..d {
                let direction = unit(d, k);
                let hessian_column = differences(|x| Point::at(&a, &b, x).gradient(), &x, &direction);
                let column: Vec<f64> = (0..d).map(|i| point.hessian()[i * d + k]).collect();
                assert_all_close(&column, &hessian_column, 1e-12);
                assert_all_close(&point.hessian_vec(&direction), &hessian_column, 1e-12);
                let third = differences(|x| Point::at(&a, &b, x).hessian(), &x, &direction);
                assert_all_close(&point.third_derivative(&direction), &third, 1e-12);
                let jacobian = differences(|x| Point::at(&a, &b, x).scores, &x, &direction);
                let column: Vec<f64> = (0..n).map(|i| point.score_jacobian()[i * d + k]).collect();
                assert_all_close(&column, &jacobian, 1e-12);
            }
        }
    }

    #[test]
    fn the_gradient_is_the_difference_of_the_value() {
        for (a, b, x) in cases() {
            let step = 1e-6;
            let gradient: Vec<f64> = (0..x.len())
                .map(|k| {
                    let value = |t: f64| {
                        let mut y = x.clone();
                        y[k] += t;
                        Point::at(&a, &b, &y).value
                    };
                    (value(step) - value(-step)) / (2.0 * step)
                })
                .collect();
            assert_all_close(&Point::at(&a, &b, &x).gradient(), &gradient, 1e-7);
        }
    }

    /// Σσ = d; xᵀ of the third derivative is symmetric: D³V[h]k = D³V[k]h; plain and double-double numbers agree.
    #[test]
    fn identities() {
        for (a, b, x) in cases() {
            let d = x.len();
            let point = Point::at(&a, &b, &x);
            assert_within(point.scores.iter().sum(), d as f64, 1e-13);
            let (first, second) = (point.third_derivative(&unit(d, 0)), point.third_derivative(&unit(d, 1)));
            assert_all_close(
                &(0..d).map(|i| first[i * d + 1]).collect::<Vec<_>>(),
                &(0..d).map(|i| second[i * d]).collect::<Vec<_>>(),
                1e-11,
            );
            let wide = Point::at(&a, &b, &x.iter().map(|&x| Dd::from(x)).collect::<Vec<_>>());
            let hessian: Vec<f64> = wide.hessian().iter().map(|h| h.to_f64()).collect();
            assert_all_close(&point.hessian(), &hessian, 1e-12);
        }
    }
}
