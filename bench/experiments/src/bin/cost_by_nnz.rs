//! Seconds an iteration against the number of nonzeros, for sparse rows with 10 entries each and d = 200:
//! `cargo run --release -p unhat-bench --bin cost_by_nnz [most rows] [rounds] [threads]`. One JSON line a size and solver, and at
//! the end the line α + β·nnz fitted to each, with β relative to the time of one evaluation a nonzero.

use std::time::Instant;
use unhat::Run;
use unhat::barrier::Barrier;
use unhat::invert::{InvertOptions, Solver, Start, invert_gradient};
use unhat::rows::CsrRows;
use unhat_testkit::generate::{Stream, random_csr};

const COLUMNS: usize = 200;
const PER_ROW: usize = 10;
const SIZES: [usize; 7] = [10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000, 4_000_000];

/// Intercept, slope and R² of the least-squares line.
fn line(points: &[(f64, f64)]) -> (f64, f64, f64) {
    let count = points.len() as f64;
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / count;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let moment = |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|p| f(p.0 - x, p.1 - y)).sum::<f64>();
    let (xx, xy, yy) = (moment(&|u, _| u * u), moment(&|u, v| u * v), moment(&|_, v| v * v));
    (y - xy / xx * x, xy / xx, xy * xy / (xx * yy))
}

struct Size {
    nonzeros: f64,
    evaluation: f64,
    /// Seconds an iteration of each solver.
    iteration: Vec<f64>,
}

fn measure(n: usize, rounds: usize, solvers: &[Solver], run: &Run<'_>) -> Result<Size, unhat::Error> {
    let csr = random_csr(n, COLUMNS, PER_ROW, 1);
    let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, COLUMNS)?;
    let mut stream = Stream::new(1, "offsets and direction");
    let offset: Vec<f64> = (0..n).map(|_| -(0.5 + stream.uniform())).collect();
    // half of the way from the origin to the boundary
    let direction = stream.normals(COLUMNS);
    let speed = |i: usize| csr.row(i).map(|(j, v)| v * direction[j]).sum::<f64>();
    let reach = (0..n).map(|i| (speed(i), offset[i])).filter(|(v, _)| *v < 0.0).map(|(v, b)| b / v);
    let step = 0.5 * reach.fold(f64::INFINITY, f64::min);
    let hidden: Vec<f64> = direction.iter().map(|u| step * u).collect();
    let origin = vec![0.0; COLUMNS];
    let barrier = Barrier::around(&rows, &offset, &origin, run)?;
    let target = barrier.at(&hidden, false, run)?.expect("inside").gradient;
    let start = Start { point: Some(&origin), ..Start::default() };
    let mut size = Size {
        nonzeros: (n * PER_ROW) as f64,
        evaluation: f64::INFINITY,
        iteration: vec![f64::INFINITY; solvers.len()],
    };
    for _ in 0..rounds {
        let clock = Instant::now();
        barrier.at(&origin, false, run)?;
        size.evaluation = size.evaluation.min(clock.elapsed().as_secs_f64());
        for (least, &solver) in size.iteration.iter_mut().zip(solvers) {
            let options = InvertOptions { solver, ..InvertOptions::default() };
            let clock = Instant::now();
            let found = invert_gradient(&rows, &offset, &target, &start, &options, None, run)?;
            let seconds = clock.elapsed().as_secs_f64();
            *least = least.min(seconds / f64::from(found.iterations.max(1)));
            println!(
                "{{\"rows\":{n},\"nonzeros\":{},\"solver\":\"{}\",\"status\":\"{}\",\"iterations\":{},\"passes\":{},\
                 \"work\":{:.2},\"seconds\":{seconds:.5},\"evaluation_seconds\":{:.5}}}",
                size.nonzeros,
                solver.name(),
                found.status.name(),
                found.iterations,
                found.passes,
                found.work,
                size.evaluation
            );
        }
    }
    Ok(size)
}

fn main() -> Result<(), unhat::Error> {
    let argument = |k: usize, default: usize| std::env::args().nth(k).and_then(|s| s.parse().ok()).unwrap_or(default);
    let (most, rounds, threads) = (argument(1, 4_000_000), argument(2, 2), argument(3, 1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let run = Run { pool: Some(&pool), ..Run::default() };
    let solvers = [Solver::Surrogate, Solver::Cg];
    let mut sizes = Vec::new();
    for n in SIZES.into_iter().filter(|n| *n <= most) {
        sizes.push(measure(n, rounds, &solvers, &run)?);
    }
    let points = |f: &dyn Fn(&Size) -> f64| sizes.iter().map(|s| (s.nonzeros, f(s))).collect::<Vec<_>>();
    let (alpha, unit, r2) = line(&points(&|s| s.evaluation));
    println!(
        "{{\"fit\":\"evaluation\",\"threads\":{threads},\"alpha\":{alpha:.6},\"beta\":{unit:.4e},\"r2\":{r2:.5}}}"
    );
    for (k, solver) in solvers.iter().enumerate() {
        let (alpha, beta, r2) = line(&points(&|s| s.iteration[k]));
        println!(
            "{{\"fit\":\"{}\",\"threads\":{threads},\"alpha\":{alpha:.6},\"beta\":{beta:.4e},\"r2\":{r2:.5},\
             \"beta_in_evaluations\":{:.3}}}",
            solver.name(),
            beta / unit
        );
    }
    Ok(())
}
