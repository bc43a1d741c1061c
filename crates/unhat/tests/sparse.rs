//! Inversion with a sparse Gram factor: the same answers as without, the same bits on any number of threads.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;

use common::gradient_at;
use unhat::invert::{Inversion, InvertOptions, Solver, Start, invert_gradient};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::{ErrorKind, Run};
use unhat_testkit::generate::Stream;
use unhat_testkit::known;
use unhat_testkit::sparse::Csr;

/// Bounds on each of d numbers and on the differences of neighbours, in a scattered numbering.
fn chain(d: usize) -> (Csr, Vec<f64>) {
    let name = |i: usize| i * 7 % d; // d is no multiple of 7
    let mut stream = Stream::new(1, "chain");
    let mut triplets = Vec::new();
    for i in 0..d {
        triplets.extend([(4 * i, name(i), 1.0), (4 * i + 1, name(i), -1.0)]);
        let (a, b) = (0.5 + stream.uniform(), -0.5 - stream.uniform());
        triplets.extend([(4 * i + 2, name(i), a), (4 * i + 2, name((i + 1) % d), b)]);
        triplets.extend([(4 * i + 3, name(i), b), (4 * i + 3, name((i + 3) % d), a)]);
    }
    let b = stream.uniforms(4 * d).iter().map(|u| -0.5 - u).collect();
    (Csr::from_triplets(4 * d, d, &triplets), b)
}

fn rows(csr: &Csr) -> CsrRows<'_> {
    CsrRows::new(&csr.indptr, &csr.indices, &csr.values, csr.d).unwrap()
}

fn invert(source: &dyn RowSource, b: &[f64], c: &[f64], solver: Solver, run: &Run<'_>) -> Inversion {
    let options = InvertOptions { solver, ..InvertOptions::default() };
    invert_gradient(source, b, c, &Start::default(), &options, None, run).unwrap()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

#[test]
fn a_hidden_point_comes_back_through_a_sparse_factor_within_its_certificate() {
    let run = Run::default();
    let (csr, b) = chain(150);
    let dense = csr.to_dense();
    for (seed, size) in [(0, 0.0), (1, 0.1), (2, 0.24)] {
        let hidden: Vec<f64> =
            Stream::new(seed, "hidden").uniforms(150).iter().map(|u| size * (2.0 * u - 1.0)).collect();
        let c = gradient_at(&rows(&csr), &b, &hidden);
        // Rows that lie densely and hold few entries take the same way.
        for source in [&rows(&csr) as &dyn RowSource, &DenseRows::new(&dense, 150).unwrap()] {
            let found = invert(source, &b, &c, Solver::Auto, &run);
            assert_eq!(found.point.factor.name(), "sparse_cholesky", "{}", found.reason);
            let (error, bound) = (distance(&found.x, &hidden), found.certificate.unwrap().euclidean);
            assert!(error < 1e-11 && error <= bound && bound < 1e-9, "error {error:e}, bound {bound:e}");
        }
    }
}

#[test]
fn sparse_and_dense_factors_lead_to_the_same_centre() {
    let run = Run::default();
    let (csr, b) = chain(60);
    let sparse = invert(&rows(&csr), &b, &[0.0; 60], Solver::Cg, &run);
    let dense = invert(&rows(&csr), &b, &[0.0; 60], Solver::Exact, &run);
    assert_eq!((sparse.point.factor.name(), dense.point.factor.name()), ("sparse_cholesky", "cholesky"));
    assert!(distance(&sparse.x, &dense.x) < 1e-12, "{:e}", distance(&sparse.x, &dense.x));
    let bounds = sparse.certificate.unwrap().euclidean / dense.certificate.unwrap().euclidean;
    assert!((0.1..10.0).contains(&bounds), "certificates differ by {bounds}");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Each row a hundred times with its own offset, so that there are stretches to share.
    let (csr, _) = chain(100);
    let n = 100 * csr.n;
    let triplets: Vec<_> = (0..n).flat_map(|i| csr.row(i % csr.n).map(move |(j, v)| (i, j, v))).collect();
    let many = Csr::from_triplets(n, 100, &triplets);
    let b: Vec<f64> = Stream::new(3, "offsets").uniforms(many.n).iter().map(|u| -0.5 - u).collect();
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        let found = invert(&rows(&many), &b, &[0.0; 100], Solver::Cg, &run);
        assert_eq!(found.point.factor.name(), "sparse_cholesky", "{}", found.reason);
        found.x.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let one = bits(1);
    assert_eq!(bits(2), one);
    assert_eq!(bits(7), one);
}

#[test]
fn dependent_columns_are_found_by_the_dense_way() {
    for case in known::matrix_cases().iter().filter(|c| c.rank < c.rows.d && c.rows.d < 500) {
        let (n, d) = (case.rows.n, case.rows.d);
        let options = InvertOptions { solver: Solver::Cg, ..InvertOptions::default() };
        let (b, c) = (vec![-1.0; n], vec![0.0; d]);
        let refused =
            invert_gradient(&rows(&case.rows), &b, &c, &Start::default(), &options, None, &Run::default()).unwrap_err();
        let ErrorKind::RankDeficient { rank, columns } = refused.kind() else { panic!("{}: {refused}", case.name) };
        assert_eq!((*rank, *columns), (case.rank, d), "{}", case.name);
    }
}
