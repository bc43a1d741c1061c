//! Every derivative of the barrier against brute force with an explicit n×n projection, dense and sparse.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use proptest::prelude::*;
use unhat::Run;
use unhat::barrier::{Barrier, Point};
use unhat::gram::FactorMethod;
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat_testkit::close::assert_all_close;
use unhat_testkit::generate::{Stream, random_csr, regression};
use unhat_testkit::reference;

/// A problem with slacks of both signs, none near zero; the matrix has `per_row` entries in each row.
struct Case {
    sparse: unhat_testkit::sparse::Csr,
    a: Vec<f64>,
    b: Vec<f64>,
    x: Vec<f64>,
    h: Vec<f64>,
    u: Vec<f64>,
}

fn case(n: usize, d: usize, per_row: usize, seed: u64) -> Case {
    let mut stream = Stream::new(seed, "derivatives");
    let mut sparse = random_csr(n, d, per_row, seed);
    // The first d rows also hold column i, so that no column is empty.
    let mut triplets: Vec<(usize, usize, f64)> =
        (0..n).flat_map(|i| sparse.row(i).map(move |(j, v)| (i, j, v))).collect();
    triplets.extend((0..d).map(|i| (i, i, 2.0)));
    sparse = unhat_testkit::sparse::Csr::from_triplets(n, d, &triplets);
    let a = sparse.to_dense();
    let x = stream.normals(d);
    let slack = stream.normals(n).into_iter().map(|s| s.signum() * (0.2 + s.abs()));
    let b = a.chunks(d).zip(slack).map(|(row, s)| row.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>() - s).collect();
    let (h, u) = (stream.normals(d), stream.normals(n));
    Case { sparse, a, b, x, h, u }
}

fn check(source: &dyn RowSource, case: &Case, precision: FactorMethod) {
    let run = Run::default();
    let d = case.x.len();
    let barrier = Barrier::around(source, &case.b, &case.x, &run).unwrap();
    barrier.set_precision(precision);
    let point = barrier.at(&case.x, true, &run).unwrap().expect("inside its own cell");
    let exact = reference::Point::at(&case.a, &case.b, &case.x);
    let tight = 1e-10; // conditions of these random matrices stay below 10⁵
    assert_all_close(&point.slack, &exact.slack, 1e-13);
    assert_all_close(&point.scores, &exact.scores, tight);
    assert_all_close(&[point.value], &[exact.value], 1e-11);
    assert_all_close(&point.gradient, &exact.gradient(), tight);
    assert_all_close(&barrier.hessian(&point, &run).unwrap(), &exact.hessian(), tight);
    assert_all_close(&barrier.hessian_vec(&point, &case.h, &run).unwrap(), &exact.hessian_vec(&case.h), tight);
    let third = barrier.third_derivative(&point, &case.h, &run).unwrap();
    assert_all_close(&third, &exact.third_derivative(&case.h), 1e-9);
    let jacobian = exact.score_jacobian();
    let forward: Vec<f64> = jacobian.chunks(d).map(|row| row.iter().zip(&case.h).map(|(j, h)| j * h).sum()).collect();
    assert_all_close(&barrier.score_jacobian_vec(&point, &case.h, &run).unwrap(), &forward, tight);
    let mut back = vec![0.0; d];
    for (row, u) in jacobian.chunks(d).zip(&case.u) {
        back.iter_mut().zip(row).for_each(|(b, j)| *b += u * j);
    }
    assert_all_close(&barrier.score_jacobian_transposed_vec(&point, &case.u, &run).unwrap(), &back, tight);
    check_metric(&barrier, &point, &exact);
}

/// K lies between Q and 3Q: its root F reproduces FFᵀ = A_xᵀ diag(3σ − 2σ²) A_x.
fn check_metric(barrier: &Barrier<'_>, point: &Point, exact: &reference::Point<f64>) {
    let d = barrier.dim();
    let root = point.metric.as_ref().expect("asked for");
    let unit = |j: usize| (0..d).map(|i| f64::from(u8::from(i == j))).collect::<Vec<_>>();
    let rows: Vec<Vec<f64>> = (0..d).map(|j| root.transposed_times(&unit(j))).collect();
    let k: Vec<f64> = (0..d * d).map(|k| rows[k % d].iter().zip(&rows[k / d]).map(|(a, b)| a * b).sum()).collect();
    let mut expected = vec![0.0; d * d];
    for (row, s) in exact.scaled.chunks(d).zip(&exact.scores) {
        for (e, k) in expected.iter_mut().zip(0..) {
            *e += s * (3.0 - 2.0 * s) * row[k % d] * row[k / d];
        }
    }
    assert_all_close(&k, &expected, 1e-10);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 240, ..ProptestConfig::default() })]
    #[test]
    fn derivatives_are_those_of_the_explicit_projection(
        d in 1usize..8, extra in 2usize..40, per_row in 1usize..4, seed in 0u64..1_000_000
    ) {
        let case = case(d + extra, d, per_row.min(d), seed);
        // Columns with few entries can leave a row alone in its direction: fine. Singular draws are not.
        let dense = DenseRows::new(&case.a, d).unwrap();
        let csr = CsrRows::new(&case.sparse.indptr, &case.sparse.indices, &case.sparse.values, d).unwrap();
        for precision in [FactorMethod::Cholesky, FactorMethod::CholeskyQr2, FactorMethod::Tsqr] {
            check(&dense, &case, precision);
            check(&csr, &case, precision);
        }
    }
}

/// A column that only a small entry tells from the others: 9 rows, condition 70, and the products had nine digits of thirteen.
#[test]
fn products_lose_no_more_digits_than_the_scores() {
    let case = case(9, 7, 1, 97_730);
    check(&DenseRows::new(&case.a, 7).unwrap(), &case, FactorMethod::Cholesky);
    let csr = CsrRows::new(&case.sparse.indptr, &case.sparse.indices, &case.sparse.values, 7).unwrap();
    check(&csr, &case, FactorMethod::Cholesky);
}

#[test]
fn blocks_and_stretches_do_not_show() {
    // More rows than a block holds, so that stretches are merged; sparse enough for pairs of entries.
    for (n, d, per_row) in [(700, 9, 9), (3000, 12, 2), (2500, 40, 3)] {
        let case = case(n, d, per_row, 5);
        check(&DenseRows::new(&case.a, d).unwrap(), &case, FactorMethod::Cholesky);
        let csr = CsrRows::new(&case.sparse.indptr, &case.sparse.indices, &case.sparse.values, d).unwrap();
        check(&csr, &case, FactorMethod::Cholesky);
    }
}

#[test]
fn derivatives_are_differences_of_the_one_before() {
    let run = Run::default();
    for seed in 0..20 {
        let p = regression(80, 5, seed);
        let rows = DenseRows::new(&p.a, p.d).unwrap();
        let barrier = Barrier::around(&rows, &p.b, &p.x, &run).unwrap();
        let least =
            p.a.chunks(p.d).zip(&p.b).map(|(a, b)| (a.iter().zip(&p.x).map(|(a, x)| a * x).sum::<f64>() - b).abs());
        let step = 1e-5 * least.fold(f64::INFINITY, f64::min);
        let h = Stream::new(seed, "direction").normals(p.d);
        let at = |t: f64| {
            let x: Vec<f64> = p.x.iter().zip(&h).map(|(x, h)| x + t * h).collect();
            barrier.at(&x, false, &run).unwrap().expect("inside")
        };
        let (plus, minus, here) = (at(step), at(-step), at(0.0));
        let difference =
            |p: &[f64], m: &[f64]| p.iter().zip(m).map(|(p, m)| (p - m) / (2.0 * step)).collect::<Vec<_>>();
        let slope: f64 = here.gradient.iter().zip(&h).map(|(g, h)| g * h).sum();
        // Truncation ~ step², rounding ~ ε/step relative to the values: five digits at the least.
        assert_all_close(&difference(&[plus.value], &[minus.value]), &[slope], 1e-5);
        let bend = barrier.hessian_vec(&here, &h, &run).unwrap();
        assert_all_close(&difference(&plus.gradient, &minus.gradient), &bend, 1e-5);
        let scores = barrier.score_jacobian_vec(&here, &h, &run).unwrap();
        assert_all_close(&difference(&plus.scores, &minus.scores), &scores, 1e-5);
        let (after, before) = (barrier.hessian(&plus, &run).unwrap(), barrier.hessian(&minus, &run).unwrap());
        assert_all_close(&difference(&after, &before), &barrier.third_derivative(&here, &h, &run).unwrap(), 1e-5);
    }
}
