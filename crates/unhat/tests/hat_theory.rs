//! The mathematics behind docs/hat-values.md in plain dense loops: the sum over bases, the Laplacian, the lemma, the first
//! certificate, and how many scores of slacks say everything.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat_testkit::elimination::solve;
use unhat_testkit::generate::Stream;

/// P of diag(e^(t/2))A, row-major n×n.
fn projection(a: &[f64], d: usize, t: &[f64]) -> Vec<f64> {
    let n = t.len();
    let mut gram = vec![vec![0.0; d]; d];
    for (row, t) in a.chunks(d).zip(t) {
        (0..d).for_each(|i| (0..d).for_each(|j| gram[i][j] += t.exp() * row[i] * row[j]));
    }
    let solved: Vec<Vec<f64>> = a.chunks(d).map(|row| solve(gram.clone(), row.to_vec())).collect();
    let inner = |i: usize, j: usize| a[i * d..(i + 1) * d].iter().zip(&solved[j]).map(|(a, b)| a * b).sum::<f64>();
    (0..n * n).map(|k| (0.5 * (t[k / n] + t[k % n])).exp() * inner(k / n, k % n)).collect()
}

fn scores(a: &[f64], d: usize, t: &[f64]) -> Vec<f64> {
    let (p, n) = (projection(a, d, t), t.len());
    (0..n).map(|i| p[i * n + i]).collect()
}

/// H = diag σ − P∘P.
fn laplacian(a: &[f64], d: usize, t: &[f64]) -> Vec<f64> {
    let (p, n) = (projection(a, d, t), t.len());
    (0..n * n).map(|k| if k / n == k % n { p[k] - p[k] * p[k] } else { -p[k] * p[k] }).collect()
}

fn form(h: &[f64], y: &[f64]) -> f64 {
    let n = y.len();
    (0..n * n).map(|k| h[k] * y[k / n] * y[k % n]).sum()
}

fn shifted(t: &[f64], v: &[f64], by: f64) -> Vec<f64> {
    t.iter().zip(v).map(|(t, v)| t + by * v).collect()
}

fn range(v: &[f64]) -> f64 {
    v.iter().copied().fold(f64::NEG_INFINITY, f64::max) - v.iter().copied().fold(f64::INFINITY, f64::min)
}

fn determinant(mut m: Vec<Vec<f64>>) -> f64 {
    let (d, mut found) = (m.len(), 1.0);
    for k in 0..d {
        let pivot = (k..d).max_by(|&i, &j| m[i][k].abs().total_cmp(&m[j][k].abs())).unwrap();
        if pivot != k {
            m.swap(pivot, k);
            found = -found;
        }
        found *= m[k][k];
        for i in k + 1..d {
            let by = m[i][k] / m[k][k];
            (k..d).for_each(|j| m[i][j] -= by * m[k][j]);
        }
    }
    found
}

/// All sets of d of n rows.
fn bases(n: usize, d: usize) -> Vec<Vec<usize>> {
    (0..1usize << n)
        .filter(|s| s.count_ones() as usize == d)
        .map(|s| (0..n).filter(|i| s >> i & 1 == 1).collect())
        .collect()
}

#[test]
fn scores_are_the_mean_of_bases_drawn_by_their_weights_and_so_lie_in_their_polytope() {
    let (n, d) = (7, 3);
    let mut stream = Stream::new(1, "bases");
    for _ in 0..20 {
        let (a, t) = (stream.normals(n * d), stream.normals(n));
        let rows = |b: &[usize]| b.iter().map(|&i| a[i * d..(i + 1) * d].to_vec()).collect::<Vec<_>>();
        let weight = |b: &Vec<usize>| determinant(rows(b)).powi(2) * b.iter().map(|&i| t[i]).sum::<f64>().exp();
        let all = bases(n, d);
        let total: f64 = all.iter().map(weight).sum();
        let sigma = scores(&a, d, &t);
        for i in 0..n {
            let share = all.iter().filter(|b| b.contains(&i)).map(weight).sum::<f64>() / total;
            assert!((sigma[i] - share).abs() < 1e-10, "row {i}: {} {share}", sigma[i]);
        }
        // h(S) < r(S) for every set of rows but the empty one and the whole.
        for s in 1..(1usize << n) - 1 {
            let sum: f64 = (0..n).filter(|i| s >> i & 1 == 1).map(|i| sigma[i]).sum();
            assert!(sum < f64::from(s.count_ones()).min(d as f64), "set {s:b}");
        }
    }
}

#[test]
fn the_derivative_of_the_scores_is_a_laplacian_whose_null_space_are_constants() {
    let (n, d) = (9, 3);
    let mut stream = Stream::new(2, "laplacian");
    for _ in 0..20 {
        let (a, t, v) = (stream.normals(n * d), stream.normals(n), stream.normals(n));
        let h = laplacian(&a, d, &t);
        let step = 1e-5;
        let (up, down) = (scores(&a, d, &shifted(&t, &v, step)), scores(&a, d, &shifted(&t, &v, -step)));
        for i in 0..n {
            let product: f64 = (0..n).map(|j| h[i * n + j] * v[j]).sum();
            assert!(((up[i] - down[i]) / (2.0 * step) - product).abs() < 1e-6);
            assert!((0..n).map(|j| h[i * n + j]).sum::<f64>().abs() < 1e-12, "rows sum to zero");
            assert!((0..n).all(|j| j == i || h[i * n + j] < 0.0), "one row held, an M-function");
        }
        assert!(form(&h, &v) > 0.0);
    }
}

#[test]
fn the_third_derivative_is_at_most_the_range_of_the_direction_times_the_second() {
    let (n, d) = (8, 3);
    let mut stream = Stream::new(3, "lemma");
    let mut largest: f64 = 0.0;
    for _ in 0..200 {
        let (a, t, v, y) = (stream.normals(n * d), stream.normals(n), stream.normals(n), stream.normals(n));
        let step = 1e-4;
        let at = |by: f64| form(&laplacian(&a, d, &shifted(&t, &v, by)), &y);
        let third = (at(step) - at(-step)) / (2.0 * step);
        let ratio = third.abs() / (range(&v) * at(0.0));
        largest = largest.max(ratio);
        assert!(ratio <= 1.0, "{ratio}");
        // Hence e^(−R)H ≼ H(t + v) ≼ e^R H.
        let (here, there, r) = (at(0.0), at(1.0), range(&v).exp());
        assert!(there <= r * here && there >= here / r);
    }
    println!("largest ratio {largest:.2}");
}

#[test]
fn a_small_misfit_bounds_the_distance_to_the_weights_as_the_first_certificate_says() {
    let (n, d) = (9, 3);
    let mut stream = Stream::new(4, "certificate");
    let mut given = 0;
    for k in 0..60 {
        let (a, truth) = (stream.normals(n * d), stream.normals(n));
        let size = 10f64.powf(-1.0 - 0.1 * f64::from(k));
        let t = shifted(&truth, &stream.normals(n), size);
        let (h, now) = (scores(&a, d, &truth), scores(&a, d, &t));
        let hessian = laplacian(&a, d, &t);
        // H⁺ on vectors that sum to zero: H with the last row held.
        let m = n - 1;
        let held: Vec<Vec<f64>> = (0..m).map(|i| hessian[i * n..i * n + m].to_vec()).collect();
        let dual =
            |r: &[f64]| -> f64 { solve(held.clone(), r[..m].to_vec()).iter().zip(r).map(|(x, r)| x * r).sum::<f64>() };
        let misfit: Vec<f64> = now.iter().zip(&h).map(|(s, h)| s - h).collect();
        let gamma = dual(&misfit).sqrt();
        let mut rho: f64 = 0.0;
        for i in 0..n {
            for j in 0..i {
                let pair: Vec<f64> =
                    (0..n).map(|l| f64::from(i8::from(l == i)) - f64::from(i8::from(l == j))).collect();
                rho = rho.max(dual(&pair).sqrt());
            }
        }
        if rho * gamma < 1.0 {
            given += 1;
            let off: Vec<f64> = t.iter().zip(&truth).map(|(a, b)| a - b).collect();
            let bound = -(1.0 - rho * gamma).ln();
            assert!(range(&off) <= bound * (1.0 + 1e-6), "{:e} {bound:e}", range(&off));
        }
    }
    assert!(given >= 30, "given for {given}");
}

#[test]
fn two_d_plus_one_sizes_of_slacks_have_one_point_behind_them_and_every_split_has_a_spanning_part() {
    let mut stream = Stream::new(5, "slacks");
    for d in [1, 2, 3, 4] {
        let n = 2 * d + 1;
        for _ in 0..5 {
            // Rows of [A b], and z = (x, −1): slacks are their products.
            let rows = stream.normals(n * (d + 1));
            let z: Vec<f64> = (0..d).map(|_| stream.normal()).chain([-1.0]).collect();
            let slack: Vec<f64> =
                rows.chunks(d + 1).map(|row| row.iter().zip(&z).map(|(a, z)| a * z).sum::<f64>()).collect();
            // Of two parts of 2d + 1 rows one has d + 1, and any d + 1 of generic rows span.
            for part in bases(n, d + 1) {
                let square: Vec<Vec<f64>> =
                    part.iter().map(|&i| rows[i * (d + 1)..(i + 1) * (d + 1)].to_vec()).collect();
                assert!(determinant(square).abs() > 1e-9);
            }
            // All signs: no pattern but the true one, and its opposite, is that of a point.
            let mut fitting = 0;
            for signs in 0..1usize << (n - 1) {
                let q: Vec<f64> =
                    slack.iter().enumerate().map(|(i, s)| if signs >> i & 1 == 1 { -s } else { *s }).collect();
                let mut gram = vec![vec![0.0; d + 1]; d + 1];
                let mut right = vec![0.0; d + 1];
                for (row, q) in rows.chunks(d + 1).zip(&q) {
                    for i in 0..=d {
                        right[i] += row[i] * q;
                        (0..=d).for_each(|j| gram[i][j] += row[i] * row[j]);
                    }
                }
                let x = solve(gram, right);
                let off = |(row, q): (&[f64], &f64)| (row.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>() - q).powi(2);
                let misfit: f64 = rows.chunks(d + 1).zip(&q).map(off).sum::<f64>().sqrt();
                fitting += usize::from(misfit < 1e-8);
            }
            assert_eq!(fitting, 1, "d = {d}");
        }
    }
}
