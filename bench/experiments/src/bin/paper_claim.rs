//! The paper's claim measured: iterations against log(‖x₀ − x*‖/ε), and the cost of an iteration against nnz + d^ω:
//! `cargo run --release -p unhat-bench --bin paper_claim [plot.svg]`. One JSON line a measurement and a fit; the plot into the file.

#[path = "../claim_plot.rs"]
mod claim_plot;
#[path = "../sparse_cell.rs"]
mod sparse_cell;

use claim_plot::{Cost, Count, plot, print_fits, seconds};
use sparse_cell::SparseCell;
use std::collections::BTreeMap;
use std::time::Instant;
use unhat::barrier::Barrier;
use unhat::gram::FactorMethod;
use unhat::invert::{Checkpoint, InvertOptions, Solver, Start, StartReport, invert_gradient};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::solve::State;
use unhat::{Error, Run};
use unhat_testkit::generate::random_polytope;

const SOLVERS: [Solver; 3] = [Solver::Exact, Solver::Coreset, Solver::Surrogate];
const SIZES: [(usize, usize); 4] = [(200, 10), (1000, 20), (2000, 50), (20_000, 20)];
const SEEDS: u64 = 5;
/// Shares of the way from x* to a start near the boundary.
const DISTANCES: [f64; 4] = [1.0, 1e-1, 1e-2, 1e-3];
/// ε relative to ‖x*‖.
const PRECISIONS: [f64; 5] = [1e-2, 1e-4, 1e-6, 1e-8, 1e-10];

const COST_SOLVERS: [Solver; 3] = [Solver::Cg, Solver::Coreset, Solver::Surrogate];
const PER_ROW: usize = 10;
const ROWS: [usize; 4] = [10_000, 30_000, 100_000, 200_000];
const COLUMNS: [usize; 4] = [20, 40, 70, 120];
const ROUNDS: usize = 1;

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// The x of every iteration of one inversion.
fn trace(p: &unhat_testkit::generate::Polytope, x0: &[f64], solver: Solver, seed: u64) -> Result<Vec<Vec<f64>>, Error> {
    let run = Run::default();
    let rows = DenseRows::new(&p.a, p.d)?;
    let barrier = Barrier::around(&rows, &p.b, &p.hidden, &run)?;
    barrier.set_precision(FactorMethod::Tsqr);
    let target = barrier.at(&p.hidden, false, &run)?.expect("inside").gradient;
    let mut points = Vec::new();
    let mut save = |state: &State, _: &[bool], _: &StartReport| {
        points.push(state.x.clone());
        Ok(())
    };
    let options = InvertOptions { solver, seed, tolerance: 1e-12, ..InvertOptions::default() };
    let start = Start { point: Some(x0), ..Start::default() };
    let checkpoint = Checkpoint { resume: None, save: &mut save };
    let found = invert_gradient(&rows, &p.b, &target, &start, &options, Some(checkpoint), &run)?;
    points.push(found.x);
    Ok(points)
}

fn count_iterations() -> Result<BTreeMap<&'static str, Vec<Count>>, Error> {
    let mut counts: BTreeMap<&str, Vec<Count>> = BTreeMap::new();
    for (n, d) in SIZES {
        for seed in 0..SEEDS {
            let p = random_polytope(n, d, 0.9, seed, Some(3.0));
            let far = p.towards_boundary(0.99, seed + 500);
            let scale = distance(&p.hidden, &vec![0.0; d]);
            for share in DISTANCES {
                let x0: Vec<f64> = p.hidden.iter().zip(&far).map(|(x, f)| x + share * (f - x)).collect();
                let apart = distance(&x0, &p.hidden);
                for solver in SOLVERS {
                    let points = trace(&p, &x0, solver, seed)?;
                    for precision in PRECISIONS {
                        let epsilon = precision * scale;
                        let reached = points.iter().position(|x| distance(x, &p.hidden) <= epsilon);
                        let Some(iterations) = reached.filter(|_| apart > epsilon) else { continue };
                        let log_ratio = (apart / epsilon).ln();
                        println!(
                            "{{\"n\":{n},\"d\":{d},\"seed\":{seed},\"solver\":\"{}\",\"start_distance\":{apart:.6e},\
                             \"epsilon\":{epsilon:.6e},\"log_ratio\":{log_ratio:.4},\"iterations\":{iterations}}}",
                            solver.name()
                        );
                        let count = Count { log_ratio, iterations: iterations as f64 };
                        counts.entry(solver.name()).or_default().push(count);
                    }
                }
            }
        }
    }
    Ok(counts)
}

/// Processor seconds (least of the rounds) and work of an iteration, one thread.
fn measure_costs() -> Result<BTreeMap<&'static str, Vec<Cost>>, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let run = Run { pool: Some(&pool), ..Run::default() };
    let begin = Instant::now();
    let mut costs: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
    for d in COLUMNS {
        for n in ROWS {
            let SparseCell { csr, offset, hidden } = SparseCell::around_origin(n, d, PER_ROW, 1);
            let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d)?;
            let origin = vec![0.0; d];
            let target =
                Barrier::around(&rows, &offset, &origin, &run)?.at(&hidden, false, &run)?.expect("inside").gradient;
            let start = Start { point: Some(&origin), ..Start::default() };
            for solver in COST_SOLVERS {
                let (mut least, mut work) = (f64::INFINITY, 0.0);
                for _ in 0..ROUNDS {
                    let options = InvertOptions { solver, ..InvertOptions::default() };
                    let before = seconds(begin);
                    let found = invert_gradient(&rows, &offset, &target, &start, &options, None, &run)?;
                    let iterations = found.iterations.max(1) as f64;
                    least = least.min((seconds(begin) - before) / iterations);
                    work = found.work / iterations;
                }
                let nonzeros = rows.shape().stored as f64;
                println!(
                    "{{\"n\":{n},\"d\":{d},\"nnz\":{nonzeros},\"solver\":\"{}\",\"seconds_an_iteration\":{least:.6},\
                     \"work_an_iteration\":{work:.3}}}",
                    solver.name()
                );
                costs.entry(solver.name()).or_default().push(Cost {
                    nonzeros,
                    columns: d as f64,
                    seconds: least,
                    work,
                });
            }
        }
    }
    Ok(costs)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counts = count_iterations()?;
    let costs = measure_costs()?;
    print_fits(&counts, &costs);
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, plot(&counts, &costs))?;
    }
    Ok(())
}
