//! Seconds of the ten kernels in which the time goes, one thread unless RAYON_NUM_THREADS says otherwise:
//! `cargo bench -p unhat-bench`, or with the beginning of a name behind `--`.
//!
//! Where a kernel's cost is a count of flops, `item/s` are flops a second: to compare with the rate of a matrix product.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use unhat::barrier::Barrier;
use unhat::kernels;
use unhat::rows::{CsrRows, DenseRows};
use unhat::{Result, Run};
use unhat_models::influence::{SampleGradients, dual_gram, whitened_products};
use unhat_models::models::{Activation, Family, Network};
use unhat_models::natural::{Damping, natural_coefficients};
use unhat_testkit::generate::{Polytope, Stream, random_csr, random_polytope};

/// Rows and columns of the dense problems: 16 MB, more than a cache holds, as the tables that matter are.
const N: usize = 20_000;
/// See [`N`].
const D: usize = 100;

fn main() {
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("the first to ask for threads");
    divan::main();
}

/// What a kernel must not say here: the problems are made to be solved.
fn solved<T>(answer: Result<T>) -> T {
    answer.expect("a problem that can be solved")
}

fn run() -> Run<'static> {
    Run::default()
}

fn normals(purpose: &str, count: usize) -> Vec<f64> {
    Stream::new(1, purpose).normals(count)
}

/// Σ wᵢaᵢaᵢᵀ of dense rows: n·d² flops.
#[divan::bench(sample_count = 20)]
fn gram_of_dense_rows(bencher: Bencher) {
    let values = normals("dense rows", N * D);
    let rows = solved(DenseRows::new(&values, D));
    let weight = |i: usize| 1.0 + i as f64;
    bencher
        .counter(ItemsCount::new(N * D * D))
        .bench_local(|| solved(kernels::weighted_gram(black_box(&rows), Some(&weight), &run())));
}

/// The same of sparse rows with ten entries, by pairs of entries: Σ nnz(aᵢ)² flops.
#[divan::bench(sample_count = 20)]
fn gram_of_sparse_rows(bencher: Bencher) {
    let (n, d, entries) = (100_000, 500, 10);
    let csr = random_csr(n, d, entries, 1);
    let rows = solved(CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d));
    let weight = |i: usize| 1.0 + i as f64;
    bencher
        .counter(ItemsCount::new(n * entries * entries))
        .bench_local(|| solved(kernels::weighted_gram(black_box(&rows), Some(&weight), &run())));
}

/// A positive definite d×d matrix: the Gram matrix of 2d rows.
fn positive_definite(d: usize) -> Vec<f64> {
    let mut gram = vec![0.0; d * d];
    let rows = normals("positive definite", 2 * d * d);
    kernels::add_gram(&rows, &rows, d, &mut gram);
    gram
}

/// L of M = LLᵀ: d³/3 flops.
#[divan::bench(args = [100, 500], sample_count = 50)]
fn cholesky(bencher: Bencher, d: usize) {
    let matrix = positive_definite(d);
    bencher.counter(ItemsCount::new(d * d * d / 3)).with_inputs(|| matrix.clone()).bench_local_refs(|m| {
        assert!(kernels::cholesky_in_place(black_box(m), d));
    });
}

/// ‖L⁻¹aᵢ‖² of the rows of a block that lies in the cache, the sweep of the scores: n·d² flops.
#[divan::bench(args = [50, 100, 500], sample_count = 50)]
fn scores_of_a_block(bencher: Bencher, d: usize) {
    let count = 40_000 / d;
    let mut factor = positive_definite(d);
    assert!(kernels::cholesky_in_place(&mut factor, d));
    let (rows, mut scores) = (normals("a block", count * d), vec![0.0; count]);
    bencher.counter(ItemsCount::new(count * d * d)).with_inputs(|| rows.clone()).bench_local_refs(|block| {
        kernels::solve_lower_rows(&factor, d, black_box(block));
        kernels::row_norms_squared(block, d, &mut scores);
    });
}

fn polytope() -> Polytope {
    random_polytope(N, D, 0.9, 1, None)
}

/// Slack, scores and gradient at a point: two sweeps, 2nd² flops.
#[divan::bench(sample_count = 20)]
fn barrier_evaluation(bencher: Bencher) {
    let problem = polytope();
    let rows = solved(DenseRows::new(&problem.a, problem.d));
    let barrier = solved(Barrier::around(&rows, &problem.b, &problem.inside, &run()));
    bencher
        .counter(ItemsCount::new(2 * N * D * D))
        .bench_local(|| solved(barrier.at(black_box(&problem.hidden), false, &run())).expect("inside"));
}

/// H by third moments: n·d³/3 flops, and d⁴.
#[divan::bench(sample_count = 3)]
fn hessian(bencher: Bencher) {
    let problem = polytope();
    let rows = solved(DenseRows::new(&problem.a, problem.d));
    let barrier = solved(Barrier::around(&rows, &problem.b, &problem.inside, &run()));
    let point = solved(barrier.at(&problem.hidden, false, &run())).expect("inside");
    bencher
        .counter(ItemsCount::new(N * D * D * D / 3 + D * D * D * D))
        .bench_local(|| solved(barrier.hessian(black_box(&point), &run())));
}

/// Hh without H: two sweeps, 3nd² flops.
#[divan::bench(sample_count = 20)]
fn hessian_times_vector(bencher: Bencher) {
    let problem = polytope();
    let rows = solved(DenseRows::new(&problem.a, problem.d));
    let barrier = solved(Barrier::around(&rows, &problem.b, &problem.inside, &run()));
    let point = solved(barrier.at(&problem.hidden, false, &run())).expect("inside");
    let h = normals("a direction", D);
    bencher
        .counter(ItemsCount::new(3 * N * D * D))
        .bench_local(|| solved(barrier.hessian_vec(black_box(&point), &h, &run())));
}

/// A network 64-128-64-10 on a thousand rows.
struct Trained {
    network: Network,
    features: Vec<f64>,
    classes: Vec<f64>,
}

impl Trained {
    fn new() -> Trained {
        let (rows, inputs, classes) = (1000, 65, 10);
        let mut network = Network::zeros(inputs, &[128, 64], Activation::Relu, Family::Categorical { classes });
        let weights = normals("weights", network.parameters());
        network.set(&weights.iter().map(|w| 0.1 * w).collect::<Vec<f64>>());
        let mut features = normals("features", rows * inputs);
        features.chunks_exact_mut(inputs).for_each(|row| row[inputs - 1] = 1.0);
        Trained { network, features, classes: (0..rows).map(|i| (i % classes) as f64).collect() }
    }

    fn gradients(&self) -> SampleGradients<'_> {
        solved(SampleGradients::new(&self.network, &self.features, &self.classes))
    }
}

/// K = GGᵀ of all per-sample gradients, from the layer factors.
#[divan::bench(sample_count = 20)]
fn gram_of_sample_gradients(bencher: Bencher) {
    let trained = Trained::new();
    let gradients = trained.gradients();
    bencher.bench_local(|| solved(dual_gram(black_box(&gradients), &run())));
}

/// gᵢᵀC⁻¹v of all rows.
#[divan::bench(sample_count = 20)]
fn whitened_products_of_all_rows(bencher: Bencher) {
    let trained = Trained::new();
    let gradients = trained.gradients();
    let v = normals("v", gradients.parameters());
    bencher.bench_local(|| solved(whitened_products(black_box(&gradients), &v, 1.0, &run())));
}

/// The coefficients of a natural-gradient step for a batch of n: n³/3 flops.
#[divan::bench(args = [64, 512], sample_count = 50)]
fn coefficients_of_a_batch(bencher: Bencher, n: usize) {
    let mut kernel = positive_definite(n);
    kernels::symmetrise(&mut kernel, n);
    bencher
        .counter(ItemsCount::new(n * n * n / 3))
        .bench_local(|| solved(natural_coefficients(black_box(&kernel), Damping::Relative(0.1), None)));
}
