//! Secants: what earlier evaluations say about the Hessian that the coreset does not.

use crate::linalg::{self, dot};

/// A point in the coordinates of the anchor, with φ's gradient and the model's V_C gradient there.
#[derive(Clone)]
pub(super) struct Seen {
    pub y: Vec<f64>,
    /// L_a⁻¹G.
    pub gradient: Vec<f64>,
    /// ∇V_C(y).
    pub model: Vec<f64>,
}

/// E and H with the secants of `seen` taken in, as seen from `here`: BFGS updates that make the model's gradient difference
/// equal to φ's.
pub(super) fn corrected(e: &[f64], h: &[f64], here: &Seen, seen: &[Seen]) -> (Vec<f64>, Vec<f64>) {
    let d = here.y.len();
    let (mut e, mut h) = (e.to_vec(), h.to_vec());
    for other in seen {
        let dy: Vec<f64> = other.y.iter().zip(&here.y).map(|(o, y)| o - y).collect();
        let missing = {
            let ey = linalg::symmetric_times_vector(&e, &dy);
            let wanted = |s: &Seen, k: usize| s.gradient[k] - s.model[k];
            (0..d).map(|k| wanted(other, k) - wanted(here, k) - ey[k]).collect::<Vec<_>>()
        };
        let hy = linalg::symmetric_times_vector(&h, &dy);
        let z: Vec<f64> = hy.iter().zip(&missing).map(|(h, m)| h + m).collect();
        let (along, curvature) = (dot(&z, &dy), dot(&dy, &hy));
        // A curvature three times off says that the point is too far for a secant.
        if !(0.3 * curvature < along && along < 3.0 * curvature) {
            continue;
        }
        for j in 0..d {
            for i in 0..d {
                let update = z[i] * z[j] / along - hy[i] * hy[j] / curvature;
                e[i + j * d] += update;
                h[i + j * d] += update;
            }
        }
    }
    (e, h)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unhat_testkit::close::assert_all_close;

    #[test]
    fn the_corrected_model_reproduces_the_gradient_difference() {
        // φ's Hessian is diag(2, 3), the model's V_C gradient has diag(2, 2); H0 = model's, E0 = 0.
        let seen = |y: [f64; 2]| Seen {
            y: y.to_vec(),
            gradient: vec![2.0 * y[0], 3.0 * y[1]],
            model: vec![2.0 * y[0], 2.0 * y[1]],
        };
        let (here, other) = (seen([0.0, 0.0]), seen([0.1, 0.2]));
        let h = [2.0, 0.0, 0.0, 2.0];
        let (e, corrected_h) = corrected(&[0.0; 4], &h, &here, std::slice::from_ref(&other));
        let model_difference: Vec<f64> =
            linalg::symmetric_times_vector(&e, &other.y).iter().zip(&other.model).map(|(e, m)| e + m).collect();
        assert_all_close(&model_difference, &other.gradient, 1e-14);
        assert_all_close(&linalg::symmetric_times_vector(&corrected_h, &other.y), &other.gradient, 1e-14);
    }
}
