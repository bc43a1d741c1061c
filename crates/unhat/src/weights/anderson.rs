//! Anderson's mixing of a fixed-point iteration: the combination of the last steps whose residuals cancel best.

use std::collections::VecDeque;

/// The last differences of points and of residuals.
pub(super) struct Anderson {
    depth: usize,
    last: Option<(Vec<f64>, Vec<f64>)>,
    /// (Δy + Δf, Δf), the newest first.
    differences: VecDeque<(Vec<f64>, Vec<f64>)>,
}

/// A difference that is this share of its own size beyond the newer ones is rounding.
const DEPENDENT: f64 = 1e-8;

impl Anderson {
    /// That remembers `depth` differences: 2·depth vectors.
    pub fn new(depth: usize) -> Anderson {
        Anderson { depth, last: None, differences: VecDeque::new() }
    }

    /// Forgets what was before.
    pub fn restart(&mut self) {
        (self.last, self.differences) = (None, VecDeque::new());
    }

    /// The next point after `y`, whose step is `f`; residuals are measured by Σ weightᵢfᵢ².
    ///
    /// y + f − Σ γₖ(Δyₖ + Δfₖ) with γ the least-squares solution of Σ γₖΔfₖ ≈ f.
    ///
    /// # References
    /// WalkerNi2011.
    pub fn next(&mut self, y: &[f64], f: &[f64], weight: &[f64]) -> Vec<f64> {
        if let Some((y0, f0)) = &self.last {
            let change: Vec<f64> = f.iter().zip(f0).map(|(a, b)| a - b).collect();
            let moved = y.iter().zip(y0).zip(&change).map(|((a, b), c)| a - b + c).collect();
            self.differences.push_front((moved, change));
            self.differences.truncate(self.depth);
        }
        self.last = Some((y.to_vec(), f.to_vec()));
        let mut next: Vec<f64> = y.iter().zip(f).map(|(y, f)| y + f).collect();
        // Gram–Schmidt from the newest on: each direction q is kept beside the move that belongs to it.
        let mut basis: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        let mut rest = f.to_vec();
        for (moved, change) in &self.differences {
            let (mut q, mut m) = (change.clone(), moved.clone());
            let size = inner(&q, &q, weight).sqrt();
            for (direction, belonging) in &basis {
                let share = inner(direction, &q, weight);
                subtract(&mut q, share, direction);
                subtract(&mut m, share, belonging);
            }
            let left = inner(&q, &q, weight).sqrt();
            if left <= DEPENDENT * size || left.is_nan() {
                continue;
            }
            q.iter_mut().chain(&mut m).for_each(|v| *v /= left);
            let share = inner(&q, &rest, weight);
            subtract(&mut rest, share, &q);
            subtract(&mut next, share, &m);
            basis.push((q, m));
        }
        next
    }
}

fn inner(a: &[f64], b: &[f64], weight: &[f64]) -> f64 {
    a.iter().zip(b).zip(weight).map(|((a, b), w)| w * a * b).sum()
}

fn subtract(from: &mut [f64], share: f64, what: &[f64]) {
    from.iter_mut().zip(what).for_each(|(v, w)| *v -= share * w);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a linear map of n dimensions, Anderson of depth n is done after n + 1 steps.
    #[test]
    fn a_linear_fixed_point_is_found_in_as_many_steps_as_it_has_dimensions() {
        let step = |y: &[f64]| vec![0.9 * y[0] + 0.3 * y[1] + 1.0 - y[0], -0.2 * y[0] + 0.95 * y[1] + 2.0 - y[1]];
        let mut memory = Anderson::new(6);
        let mut y = vec![0.0, 0.0];
        for _ in 0..3 {
            y = memory.next(&y, &step(&y), &[0.3, 0.7]);
        }
        // (I − G)y = (1, 2): [0.1, −0.3; 0.2, 0.05]y = (1, 2), y = (0.65, 0)/0.065.
        assert!((y[0] - 10.0).abs() < 1e-12 && y[1].abs() < 1e-12, "{y:?}");
    }
}
