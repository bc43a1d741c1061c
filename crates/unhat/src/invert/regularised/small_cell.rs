//! The barrier of a cell with few rows in few dimensions, evaluated a hundred thousand times: plain loops, no sweeps.

/// {y : a_i y > b_i}, rows in memory.
pub(super) struct SmallCell {
    d: usize,
    rows: Vec<f64>,
    offset: Vec<f64>,
}

/// V and its derivatives at one point.
pub(super) struct SmallPoint {
    pub y: Vec<f64>,
    pub slack: Vec<f64>,
    pub scores: Vec<f64>,
    /// The value V of the barrier.
    pub value: f64,
    /// g = −A_xᵀσ.
    pub gradient: Vec<f64>,
    /// H = A_xᵀ(3Σ − 2P⁽²⁾)A_x, full.
    pub hessian: Vec<f64>,
    /// L.
    lower: Vec<f64>,
    /// Q_w = UᵀΣU, full.
    whitened_metric: Vec<f64>,
}

/// s, U = A_xL⁻ᵀ row by row, and L.
struct Whitened {
    slack: Vec<f64>,
    u: Vec<f64>,
    lower: Vec<f64>,
}

impl SmallCell {
    /// Rows (row-major) and offsets, signed so that the cell is where all slacks are positive.
    pub fn new(rows: Vec<f64>, offset: Vec<f64>, d: usize) -> SmallCell {
        SmallCell { d, rows, offset }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offset.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f64]> + Clone {
        self.rows.chunks_exact(self.d)
    }

    /// Ay − b.
    pub fn slack(&self, y: &[f64]) -> Vec<f64> {
        self.rows().zip(&self.offset).map(|(a, b)| short_dot(a, y) - b).collect()
    }

    /// σ alone; None outside the cell.
    pub fn scores(&self, y: &[f64]) -> Option<Vec<f64>> {
        Some(self.whitened(y)?.u.chunks_exact(self.d).map(|u| short_dot(u, u)).collect())
    }

    fn whitened(&self, y: &[f64]) -> Option<Whitened> {
        let d = self.d;
        let slack = self.slack(y);
        if slack.iter().any(|s| s.is_nan() || *s <= 0.0) {
            return None;
        }
        let mut u: Vec<f64> = self.rows().zip(&slack).flat_map(|(a, s)| a.iter().map(move |a| a / s)).collect();
        let mut lower = vec![0.0; d * d];
        for a in u.chunks_exact(d) {
            for j in 0..d {
                (j..d).for_each(|i| lower[i + j * d] += a[i] * a[j]);
            }
        }
        for j in 0..d {
            for k in 0..j {
                (j..d).for_each(|i| lower[i + j * d] -= lower[i + k * d] * lower[j + k * d]);
            }
            let pivot = lower[j + j * d].sqrt();
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            (j..d).for_each(|i| lower[i + j * d] /= pivot);
        }
        for u in u.chunks_exact_mut(d) {
            for j in 0..d {
                let known: f64 = (0..j).map(|k| lower[j + k * d] * u[k]).sum();
                u[j] = (u[j] - known) / lower[j + j * d];
            }
        }
        Some(Whitened { slack, u, lower })
    }

    /// Evaluates at y; None outside the cell.
    pub fn at(&self, y: &[f64]) -> Option<SmallPoint> {
        let d = self.d;
        let Whitened { slack, u, lower } = self.whitened(y)?;
        let scores: Vec<f64> = u.chunks_exact(d).map(|u| short_dot(u, u)).collect();
        let mut slope = vec![0.0; d]; // Uᵀσ
        let mut metric = vec![0.0; d * d];
        for (u, sigma) in u.chunks_exact(d).zip(&scores) {
            (0..d).for_each(|a| slope[a] += sigma * u[a]);
            add_square(u, *sigma, &mut metric);
        }
        let mut whitened = squared_projection(&u, d);
        whitened.iter_mut().zip(&metric).for_each(|(h, q)| *h = 3.0 * q - 2.0 * *h);
        Some(SmallPoint {
            y: y.to_vec(),
            value: (0..d).map(|j| lower[j + j * d].ln()).sum(),
            gradient: (0..d).map(|i| -(0..=i).map(|j| lower[i + j * d] * slope[j]).sum::<f64>()).collect(),
            hessian: sandwich(&lower, &whitened, d),
            whitened_metric: metric,
            slack,
            scores,
            lower,
        })
    }
}

impl SmallPoint {
    /// Q = A_xᵀΣA_x, full.
    pub fn metric(&self) -> Vec<f64> {
        sandwich(&self.lower, &self.whitened_metric, self.y.len())
    }

    /// L⁻¹g.
    pub fn whitened_gradient(&self) -> Vec<f64> {
        crate::linalg::solve_lower(&self.lower, &self.gradient)
    }
}

/// UᵀP⁽²⁾U = Σ_bc W_abc W_ebc with the third moments W_abc = Σ uᵢₐ uᵢᵦ uᵢ꜀.
fn squared_projection(u: &[f64], d: usize) -> Vec<f64> {
    let mut moments = vec![0.0; d * d * d];
    for u in u.chunks_exact(d) {
        for (slice, a) in moments.chunks_exact_mut(d * d).zip(u) {
            add_square(u, *a, slice);
        }
    }
    let slices = || moments.chunks_exact(d * d);
    slices().flat_map(|left| slices().map(move |right| short_dot(left, right))).collect()
}

/// s += weight·uuᵀ.
#[inline]
fn add_square(u: &[f64], weight: f64, s: &mut [f64]) {
    for (column, b) in s.chunks_exact_mut(u.len()).zip(u) {
        column.iter_mut().zip(u).for_each(|(s, a)| *s += weight * b * a);
    }
}

/// Σ aᵢbᵢ of a handful of terms.
#[inline]
fn short_dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// L S Lᵀ.
fn sandwich(lower: &[f64], s: &[f64], d: usize) -> Vec<f64> {
    let mut half = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..d {
            half[i + j * d] = (0..=i).map(|k| lower[i + k * d] * s[k + j * d]).sum();
        }
    }
    let mut full = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..d {
            full[i + j * d] = (0..=j).map(|k| half[i + k * d] * lower[j + k * d]).sum();
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Run;
    use crate::barrier::Barrier;
    use crate::rows::DenseRows;

    /// The same numbers as the barrier that sweeps.
    #[test]
    fn small_cells_agree_with_the_barrier() {
        let rows = [2.0, 1.0, -1.0, 2.0, -1.0, -1.0, 1.0, -2.0, 0.0, -1.0];
        let offset = [-2.0, -2.0, -1.5, -3.0, -1.0];
        let source = DenseRows::new(&rows, 2).unwrap();
        let barrier = Barrier::new(&source, &offset, vec![true; 5]).unwrap();
        let run = Run::default();
        for y in [[0.0, 0.0], [-1.379, 0.793], [0.3, -0.4]] {
            let point = barrier.at(&y, false, &run).unwrap().unwrap();
            let small = SmallCell::new(rows.to_vec(), offset.to_vec(), 2).at(&y).unwrap();
            let hessian = barrier.hessian(&point, &run).unwrap();
            let size = hessian.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let close = |a: &[f64], b: &[f64], scale: f64| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * scale);
            assert!(close(&small.hessian, &hessian, size));
            assert!(close(&small.gradient, &point.gradient, size.sqrt()));
            assert!(close(&small.scores, &point.scores, 1.0));
            assert!((small.value - point.value).abs() < 1e-12);
        }
    }
}
