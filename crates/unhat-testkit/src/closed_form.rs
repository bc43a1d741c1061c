//! Answers that can be written down: boxes, simplices, repeated facets, Birkhoff polytopes.

/// One coordinate of g on the box [−1, 1]^d: t(3 + t²)/(1 − t⁴).
pub fn box_gradient(t: f64) -> f64 {
    t * (3.0 + t * t) / ((1.0 - t) * (1.0 + t) * (1.0 + t * t))
}

/// The t in (−1, 1) with [`box_gradient`]`(t) = c`, by bisection down to neighbouring numbers.
pub fn box_point(c: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return low * c.signum();
        }
        if box_gradient(middle) < c.abs() {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// First coordinate of the volumetric centre of the cube [−1, 1]^d whose facet x₁ > −1 occurs k times:
/// (k^⅓ − 1)/(k^⅓ + 1); the others are 0.
pub fn repeated_facet_centre(k: usize) -> f64 {
    let root = (k as f64).cbrt();
    (root - 1.0) / (root + 1.0)
}

/// Leverage scores at any interior point of the simplex {x > 0, Σx < 1}, from the d + 1 slacks: σᵢ = 1 − sᵢ²/Σs².
pub fn simplex_scores(slack: &[f64]) -> Vec<f64> {
    let sum: f64 = slack.iter().map(|s| s * s).sum();
    slack.iter().map(|s| 1.0 - s * s / sum).collect()
}

/// Every coordinate of the volumetric centre of the simplex {x > 0, Σx < 1}: 1/(d + 1).
pub fn simplex_centre(d: usize) -> f64 {
    1.0 / (d as f64 + 1.0)
}

/// Every coordinate of the volumetric centre of the Birkhoff polytope of k×k doubly stochastic matrices: 1/k.
pub fn birkhoff_centre(k: usize) -> f64 {
    1.0 / k as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::{assert_all_close, assert_close, assert_within};
    use crate::generate::{cube, simplex};
    use crate::reference::Point;

    #[test]
    fn the_box() {
        let p = cube(3);
        let x = [0.2, -0.7, 0.99];
        let gradient = Point::at(&p.a, &p.b, &x).gradient();
        for k in 0..3 {
            assert_close(gradient[k], box_gradient(x[k]), 1e-13);
            assert_within(box_point(box_gradient(x[k])), x[k], 1e-15);
        }
        assert_eq!(box_point(0.0), 0.0);
        assert!(box_point(1e300) < 1.0 && box_point(-1e300) > -1.0);
    }

    #[test]
    fn the_simplex() {
        let p = simplex(4);
        let point = Point::at(&p.a, &p.b, &[0.1, 0.3, 0.05, 0.2]);
        assert_all_close(&point.scores, &simplex_scores(&point.slack), 1e-14);
        assert!(Point::at(&p.a, &p.b, &[simplex_centre(4); 4]).gradient().iter().all(|g| g.abs() < 1e-14));
    }
}
