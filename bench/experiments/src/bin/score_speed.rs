//! Seconds of exact leverage scores on dense and sparse rows: `cargo run --release -p unhat-bench --bin score_speed [threads] [rounds]`.

use std::time::Instant;
use unhat::Run;
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat_testkit::generate::{Stream, random_csr};

fn time(name: &str, source: &dyn RowSource, rounds: usize, run: &Run<'_>) {
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..rounds {
        let clock = Instant::now();
        last = leverage_scores(source, None, &ScoreOptions::default(), run).ok();
        seconds.push(clock.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    if let Some(scores) = last {
        println!(
            "{name:28} least {:.4} s, median {:.4} s, {} ({}), sum {:.6}",
            seconds[0],
            seconds[rounds / 2],
            scores.method.name(),
            scores.reason,
            scores.sum
        );
    }
}

fn main() {
    let argument = |k: usize, default: usize| std::env::args().nth(k).and_then(|s| s.parse().ok()).unwrap_or(default);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(argument(1, 1)).build().expect("threads");
    let run = Run { pool: Some(&pool), ..Run::default() };
    let rounds = argument(2, 7);
    let dense = Stream::new(1, "dense").normals(200_000 * 100);
    time("dense 200000 x 100", &DenseRows::new(&dense, 100).expect("a shape"), rounds, &run);
    drop(dense);
    for (n, d, per_row) in [(1_000_000, 1000, 10), (500_000, 1000, 10)] {
        let csr = random_csr(n, d, per_row, 1);
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d).expect("a matrix");
        time(&format!("sparse {n} x {d}, {per_row} a row"), &rows, rounds, &run);
    }
}
