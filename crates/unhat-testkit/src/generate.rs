//! Problems made from a seed: polytopes easy and hard, matrices of a wished condition, sparse rows, regressions.
//!
//! The same arguments give the same problem on every machine, up to the rounding of the mathematical library.

use crate::orthonormal::basis;
use crate::sparse::Csr;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Random numbers for one purpose: a seed and the name of the purpose choose the sequence.
pub struct Stream {
    generator: ChaCha12Rng,
}

impl Stream {
    /// The sequence of (seed, purpose).
    pub fn new(seed: u64, purpose: &str) -> Stream {
        let mut generator = ChaCha12Rng::seed_from_u64(seed);
        generator.set_stream(purpose.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(257) + u64::from(byte)));
        Stream { generator }
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * 0.5f64.powi(53)
    }

    /// Standard normal, by the transform of Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// `count` uniform numbers in [0, 1).
    pub fn uniforms(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.uniform()).collect()
    }

    /// `count` standard normal numbers.
    pub fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.normal()).collect()
    }

    /// A random vector of the given length.
    fn direction(&mut self, d: usize, length: f64) -> Vec<f64> {
        let v = self.normals(d);
        let norm = dot(&v, &v).sqrt();
        v.iter().map(|x| x * length / norm).collect()
    }
}

fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(x, y)| x * y).sum()
}

/// The polytope {x : Ax > b}, a point well inside and a point to be found.
#[derive(Clone, Debug)]
pub struct Polytope {
    /// n, the number of inequalities.
    pub n: usize,
    /// d, the dimension.
    pub d: usize,
    /// A, n×d row-major.
    pub a: Vec<f64>,
    /// b, n values.
    pub b: Vec<f64>,
    /// An interior point: the origin of the construction.
    pub inside: Vec<f64>,
    /// An interior point, `depth` of the way from `inside` to the boundary: its gradient makes a target.
    pub hidden: Vec<f64>,
}

impl Polytope {
    /// {x : Ax > b} with `hidden` at `depth` in a direction drawn from the seed.
    fn new(a: Vec<f64>, b: Vec<f64>, inside: Vec<f64>, depth: f64, seed: u64) -> Polytope {
        let (n, d) = (b.len(), inside.len());
        let mut polytope = Polytope { n, d, a, b, hidden: inside.clone(), inside };
        polytope.hidden = polytope.point_at_depth(depth, &mut Stream::new(seed, "hidden point"));
        polytope
    }

    /// s = Ax − b.
    pub fn slack(&self, x: &[f64]) -> Vec<f64> {
        self.a.chunks(self.d).zip(&self.b).map(|(row, b)| dot(row, x) - b).collect()
    }

    /// The point `depth` (0 to 1) of the way from `inside` to the boundary, in a direction drawn from `seed`.
    pub fn towards_boundary(&self, depth: f64, seed: u64) -> Vec<f64> {
        self.point_at_depth(depth, &mut Stream::new(seed, "start point"))
    }

    /// Directions along which the polytope has no end are turned round.
    fn point_at_depth(&self, depth: f64, stream: &mut Stream) -> Vec<f64> {
        let slack = self.slack(&self.inside);
        let mut direction = stream.direction(self.d, 1.0);
        let mut reach = self.reach(&slack, &direction);
        if reach.is_infinite() {
            direction.iter_mut().for_each(|u| *u = -*u);
            reach = self.reach(&slack, &direction);
        }
        self.inside.iter().zip(&direction).map(|(x, u)| x + depth * reach * u).collect()
    }

    fn reach(&self, slack: &[f64], direction: &[f64]) -> f64 {
        let speeds = self.a.chunks(self.d).map(|row| dot(row, direction));
        let ends = slack.iter().zip(speeds).filter(|(_, speed)| *speed < 0.0).map(|(s, speed)| -s / speed);
        ends.fold(f64::INFINITY, f64::min)
    }

    /// Moves everything by a random vector of the given length, so that the origin may lie outside.
    fn translated(mut self, length: f64, seed: u64) -> Polytope {
        let shift = Stream::new(seed, "translation").direction(self.d, length);
        for (b, row) in self.b.iter_mut().zip(self.a.chunks(self.d)) {
            *b += dot(row, &shift);
        }
        for k in 0..self.d {
            self.inside[k] += shift[k];
            self.hidden[k] += shift[k];
        }
        self
    }
}

fn unit_rows(stream: &mut Stream, n: usize, d: usize) -> Vec<f64> {
    (0..n).flat_map(|_| stream.direction(d, 1.0)).collect()
}

/// n random unit normals at distances 0.5 to 1.5 from the origin, the hidden point at `depth`, optionally translated.
pub fn random_polytope(n: usize, d: usize, depth: f64, seed: u64, translate: Option<f64>) -> Polytope {
    let mut stream = Stream::new(seed, "random polytope");
    let a = unit_rows(&mut stream, n, d);
    let b = stream.uniforms(n).iter().map(|u| -(0.5 + u)).collect();
    let polytope = Polytope::new(a, b, vec![0.0; d], depth, seed);
    match translate {
        Some(length) => polytope.translated(length, seed),
        None => polytope,
    }
}

/// The rows eₖ and −eₖ.
fn box_rows(d: usize) -> Vec<f64> {
    (0..2 * d * d).map(|k| if k % d == (k / d) % d { if k < d * d { 1.0 } else { -1.0 } } else { 0.0 }).collect()
}

/// The cube [−1, 1]^d: rows x₁ > −1, …, x_d > −1, −x₁ > −1, …, −x_d > −1.
pub fn cube(d: usize) -> Polytope {
    Polytope::new(box_rows(d), vec![-1.0; 2 * d], vec![0.0; d], 0.5, 0)
}

/// The cube [−1, 1]^d in which the facet x₁ > −1 occurs k times (k − 1 copies at the end).
pub fn cube_with_repeated_facet(d: usize, k: usize) -> Polytope {
    let mut a = box_rows(d);
    for _ in 1..k {
        let first: Vec<f64> = a[..d].to_vec();
        a.extend(first);
    }
    Polytope::new(a, vec![-1.0; 2 * d + k - 1], vec![0.0; d], 0.5, 0)
}

/// The simplex {x > 0, Σx < 1}: d + 1 rows, the last one −Σx > −1.
pub fn simplex(d: usize) -> Polytope {
    let a = (0..(d + 1) * d).map(|k| if k >= d * d { -1.0 } else { f64::from(k / d == k % d) }).collect();
    let mut b = vec![0.0; d + 1];
    b[d] = -1.0;
    Polytope::new(a, b, vec![1.0 / (d as f64 + 1.0); d], 0.5, 0)
}

/// A random polytope whose rows, but not offsets, are scaled by |Cauchy| + 10⁻³: most facets far away, a few very near.
pub fn cauchy_polytope(n: usize, d: usize, depth: f64, seed: u64) -> Polytope {
    let mut stream = Stream::new(seed, "Cauchy polytope");
    let mut a = unit_rows(&mut stream, n, d);
    for row in a.chunks_mut(d) {
        let scale = (std::f64::consts::PI * (stream.uniform() - 0.5)).tan().abs() + 1e-3;
        row.iter_mut().for_each(|x| *x *= scale);
    }
    let b = stream.uniforms(n).iter().map(|u| -(0.5 + u)).collect();
    Polytope::new(a, b, vec![0.0; d], depth, seed)
}

/// A rotated box with half-widths from 1 to `ratio`, cut by `cuts` further planes outside its inscribed ellipsoid.
pub fn thin_box(d: usize, ratio: f64, cuts: usize, depth: f64, seed: u64) -> Polytope {
    let widths: Vec<f64> = (0..d).map(|k| ratio.powf(k as f64 / (d - 1).max(1) as f64)).collect();
    let mut stream = Stream::new(seed, "thin box");
    let mut rows = box_rows(d);
    let mut b: Vec<f64> = widths.iter().chain(&widths).map(|w| -w).collect();
    for _ in 0..cuts {
        rows.extend(stream.direction(d, 1.0).iter().zip(&widths).map(|(r, w)| r / w));
        b.push(-(1.0 + stream.uniform()));
    }
    let rotation = basis(&stream.normals(d * d), d).vectors;
    let a = rows.chunks(d).flat_map(|row| rotation.iter().map(|column| dot(row, column)).collect::<Vec<_>>()).collect();
    Polytope::new(a, b, vec![0.0; d], depth, seed)
}

/// The k×k doubly stochastic matrices: (k − 1)² free entries, row-major, and the k² conditions that none is negative.
pub fn birkhoff(k: usize, depth: f64, seed: u64) -> Polytope {
    let d = (k - 1) * (k - 1);
    let mut a = Vec::with_capacity(k * k * d);
    let mut b = Vec::with_capacity(k * k);
    for i in 0..k {
        for j in 0..k {
            // entry (i, j) of the full matrix in terms of the free ones: 1 − row sum, 1 − column sum, sum − (k − 2)
            let (last_row, last_column) = (i == k - 1, j == k - 1);
            let (sign, offset) = match (last_row, last_column) {
                (false, false) => (1.0, 0.0),
                (true, true) => (1.0, k as f64 - 2.0),
                _ => (-1.0, -1.0),
            };
            a.extend((0..d).map(|f| {
                let (row, column) = (f / (k - 1), f % (k - 1));
                if (last_row || row == i) && (last_column || column == j) { sign } else { 0.0 }
            }));
            b.push(offset);
        }
    }
    Polytope::new(a, b, vec![1.0 / k as f64; d], depth, seed)
}

/// An n×d matrix with singular values spaced geometrically from 1 down to 1/condition.
///
/// A = U diag(s) Vᵀ with random orthonormal U (n×d) and V (d×d), then rounded to f64: at 10¹⁴ the smallest singular
/// value is accurate to about a percent.
pub fn matrix_with_condition(n: usize, d: usize, condition: f64, seed: u64) -> Vec<f64> {
    let mut stream = Stream::new(seed, "matrix with condition");
    let u = basis(&stream.normals(n * d), d).vectors;
    let v = basis(&stream.normals(d * d), d).vectors;
    let mut a = vec![0.0; n * d];
    for k in 0..d {
        let singular_value = condition.powf(-(k as f64) / (d - 1).max(1) as f64);
        for i in 0..n {
            for j in 0..d {
                a[i * d + j] += u[k][i] * singular_value * v[k][j];
            }
        }
    }
    a
}

/// n sparse rows with `per_row` normal entries in different columns each.
pub fn random_csr(n: usize, d: usize, per_row: usize, seed: u64) -> Csr {
    assert!(per_row <= d, "{per_row} entries do not fit into {d} columns");
    let mut stream = Stream::new(seed, "sparse rows");
    let mut indices = Vec::with_capacity(n * per_row);
    for _ in 0..n {
        let mut columns = std::collections::BTreeSet::new();
        while columns.len() < per_row {
            columns.insert((stream.uniform() * d as f64) as u32);
        }
        indices.extend(columns);
    }
    let values = stream.normals(n * per_row);
    Csr { n, d, indptr: (0..=n).map(|i| i * per_row).collect(), indices, values }
}

/// A linear regression: rows A, responses b, parameters x; the residuals s = Ax − b have both signs.
#[derive(Clone, Debug)]
pub struct Regression {
    /// n, the number of rows.
    pub n: usize,
    /// d, the number of parameters.
    pub d: usize,
    /// A, n×d row-major, standard normal.
    pub a: Vec<f64>,
    /// b = Ax + standard normal noise.
    pub b: Vec<f64>,
    /// x, standard normal.
    pub x: Vec<f64>,
}

/// A regression with standard normal rows, parameters and noise.
pub fn regression(n: usize, d: usize, seed: u64) -> Regression {
    let mut stream = Stream::new(seed, "regression");
    let a = stream.normals(n * d);
    let x = stream.normals(d);
    let b = a.chunks(d).map(|row| dot(row, &x) + stream.normal()).collect();
    Regression { n, d, a, b, x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::{assert_all_close, assert_close, assert_within};

    #[test]
    fn points_are_inside_and_as_near_the_boundary_as_asked() {
        let polytopes = [
            random_polytope(50, 4, 0.9, 1, None),
            random_polytope(50, 4, 0.9, 1, Some(100.0)),
            cauchy_polytope(50, 4, 0.9, 2),
            thin_box(4, 1e3, 30, 0.9, 3),
            birkhoff(4, 0.9, 4),
        ];
        for p in polytopes {
            assert_eq!((p.a.len(), p.b.len()), (p.n * p.d, p.n));
            let (inside, hidden) = (p.slack(&p.inside), p.slack(&p.hidden));
            let left = hidden.iter().zip(&inside).map(|(h, i)| h / i).fold(f64::INFINITY, f64::min);
            assert!(inside.iter().all(|&s| s > 0.0));
            assert_close(left, 0.1, 1e-10);
            assert!(p.slack(&p.towards_boundary(0.99, 9)).iter().all(|&s| s > 0.0));
        }
    }

    #[test]
    fn a_translation_moves_the_origin_out_and_keeps_the_slack() {
        let (here, there) = (random_polytope(30, 3, 0.7, 5, None), random_polytope(30, 3, 0.7, 5, Some(50.0)));
        assert!(there.slack(&[0.0; 3]).iter().any(|&s| s < 0.0));
        assert_all_close(&there.slack(&there.hidden), &here.slack(&here.hidden), 1e-13);
        assert_within(dot(&there.inside, &there.inside).sqrt(), 50.0, 1e-12);
    }

    #[test]
    fn the_condition_is_the_one_asked_for() {
        let (n, d, condition) = (50, 4, 1e6);
        let a = matrix_with_condition(n, d, condition, 1);
        let frobenius = dot(&a, &a).sqrt();
        let expected: f64 = (0..d).map(|k| condition.powf(-2.0 * k as f64 / 3.0)).sum::<f64>().sqrt();
        assert_close(frobenius, expected, 1e-12);
        let volume = basis(&a, d).log_volume; // the product of the singular values
        assert_close(volume, -2.0 * condition.ln(), 1e-8);
    }

    #[test]
    fn sparse_rows_have_distinct_increasing_columns() {
        let a = random_csr(100, 20, 5, 1);
        assert_eq!((a.indptr.len(), a.values.len()), (101, 500));
        for i in 0..100 {
            let columns: Vec<usize> = a.row(i).map(|(j, _)| j).collect();
            assert!(columns.windows(2).all(|w| w[0] < w[1]) && columns[4] < 20);
        }
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let sample = Stream::new(1, "test").normals(20_000);
        assert_within(sample.iter().sum::<f64>() / 20_000.0, 0.0, 0.03);
        assert_within(dot(&sample, &sample) / 20_000.0, 1.0, 0.05);
        assert_ne!(Stream::new(1, "test").uniform(), Stream::new(1, "tset").uniform());
        assert_ne!(Stream::new(1, "test").uniform(), Stream::new(2, "test").uniform());
        assert_eq!(Stream::new(1, "test").uniform(), Stream::new(1, "test").uniform());
    }

    #[test]
    fn a_regression_has_residuals_of_both_signs() {
        let r = regression(100, 5, 1);
        let positive = r.a.chunks(5).zip(&r.b).filter(|(row, b)| dot(row, &r.x) - *b > 0.0).count();
        assert!((30..70).contains(&positive), "{positive}");
    }
}
