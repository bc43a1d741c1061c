//! Exact against sketched first evaluations on sparse rows: `cargo run --release -p unhat-bench --bin sketched_scores [rows] [rounds]`.
//! One JSON line a run.

use std::time::Instant;
use unhat::Run;
use unhat::barrier::leverage_gradient;
use unhat::invert::{InvertOptions, ScoreSource, Solver, Start, invert_gradient};
use unhat::rows::CsrRows;
use unhat_testkit::generate::{Stream, random_csr};

fn main() -> Result<(), unhat::Error> {
    let argument = |k: usize, default: usize| std::env::args().nth(k).and_then(|s| s.parse().ok()).unwrap_or(default);
    let (n, d, per_row) = (argument(1, 100_000), 500, 90);
    let csr = random_csr(n, d, per_row, 1);
    let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d)?;
    let mut stream = Stream::new(1, "sketched scores");
    let b: Vec<f64> = stream.uniforms(n).iter().map(|u| -10.0 * (0.5 + u)).collect();
    // A hidden point 0.9 of the way to the boundary along a random direction.
    let direction = stream.normals(d);
    let product = |i: usize| csr.row(i).map(|(j, a)| a * direction[j]).sum::<f64>();
    let reach = (0..n).map(|i| (b[i], product(i))).filter(|(_, q)| *q < 0.0).map(|(b, q)| b / q);
    let reach = reach.fold(f64::INFINITY, f64::min);
    let hidden: Vec<f64> = direction.iter().map(|u| 0.9 * reach * u).collect();
    let run = Run::default();
    let target = leverage_gradient(&rows, &b, &hidden, &run)?.values;
    let origin = vec![0.0; d];
    for _ in 0..argument(2, 3) {
        for solver in [Solver::Cg, Solver::Surrogate] {
            for scores in [ScoreSource::Exact, ScoreSource::Sketched] {
                let options = InvertOptions { solver, scores, ..InvertOptions::default() };
                let start = Start { point: Some(&origin), ..Start::default() };
                let clock = Instant::now();
                let found = invert_gradient(&rows, &b, &target, &start, &options, None, &run)?;
                println!(
                    "{{\"rows\":{n},\"columns\":{d},\"per_row\":{per_row},\"solver\":\"{}\",\"scores\":\"{}\",\"status\":\"{}\",\"passes\":{},\"work\":{:.2},\"seconds\":{:.3}}}",
                    solver.name(),
                    scores.name(),
                    found.status.name(),
                    found.passes,
                    found.work,
                    clock.elapsed().as_secs_f64()
                );
            }
        }
    }
    Ok(())
}
