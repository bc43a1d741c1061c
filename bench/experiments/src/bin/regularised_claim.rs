//! The paper's claim measured for w ≠ 0: evaluations against log(‖x₀ − x*‖/ε), and the cost of one against nnz + d^ω:
//! `cargo run --release -p unhat-bench --bin regularised_claim [plot.svg]`. One JSON line a measurement and a fit; the plot
//! into the file. `diagonal` is the paper's own subsampled Newton, where it is not refused.

#[path = "../claim_plot.rs"]
mod claim_plot;

use claim_plot::{Cost, Count, plot, print_fits, seconds};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Instant;
use unhat::barrier::Barrier;
use unhat::invert::{CurvatureMethod, MinimaSought, RegularisedOptions, Start, invert_diagonal, invert_regularised};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::{Error, Run};
use unhat_testkit::generate::{Stream, random_csr, random_polytope};

const SOLVERS: [CurvatureMethod; 2] = [CurvatureMethod::Coreset, CurvatureMethod::Products];
const SIZES: [(usize, usize); 3] = [(1000, 10), (2000, 20), (20_000, 20)];
const SEEDS: u64 = 3;
const DEPTHS: [f64; 4] = [0.1, 0.5, 0.9, 0.99];
const WEIGHTS: [f64; 4] = [1e-2, 1.0, 30.0, 300.0];
/// Bounds on the relative change of a slack in the last step.
const TOLERANCES: [f64; 5] = [1e-1, 1e-3, 1e-5, 1e-7, 1e-9];

const PER_ROW: usize = 10;
const ROWS: [usize; 4] = [10_000, 30_000, 100_000, 200_000];
const COLUMNS: [usize; 4] = [20, 40, 70, 120];

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn options(curvature: Option<CurvatureMethod>, tolerance: f64) -> RegularisedOptions {
    RegularisedOptions { curvature, tolerance, minima: MinimaSought::First, ..RegularisedOptions::default() }
}

/// Evaluations from x₀ = 0 on, and how near the minimum they led; by the tolerance that was asked for.
fn count_evaluations() -> Result<BTreeMap<&'static str, Vec<Count>>, Error> {
    let run = Run::default();
    let mut counts: BTreeMap<&str, Vec<Count>> = BTreeMap::new();
    for (n, d) in SIZES {
        for (seed, depth) in (0..SEEDS).flat_map(|seed| DEPTHS.map(|depth| (seed, depth))) {
            let p = random_polytope(n, d, depth, seed, None);
            let rows = DenseRows::new(&p.a, d)?;
            let hidden = Barrier::around(&rows, &p.b, &p.hidden, &run)?;
            let target = hidden.at(&p.hidden, false, &run)?.expect("inside").gradient;
            let origin = vec![0.0; d];
            let start = Start { point: Some(&origin), ..Start::default() };
            for w in WEIGHTS {
                let weights = vec![w; n];
                let mut keep = |solver: &'static str, tolerance: f64, x: &[f64], minimum: &[f64], iterations: u32| {
                    let (apart, left) = (distance(&origin, minimum), distance(x, minimum));
                    if left == 0.0 || left >= apart {
                        return; // nothing was to be done, or nothing is known of the rest
                    }
                    let log_ratio = (apart / left).ln();
                    println!(
                        "{}",
                        json!({"n": n, "d": d, "seed": seed, "depth": depth, "w": w, "solver": solver,
                            "tolerance": tolerance, "start_distance": apart, "epsilon": left, "log_ratio": log_ratio,
                            "iterations": iterations})
                    );
                    counts.entry(solver).or_default().push(Count { log_ratio, iterations: f64::from(iterations) });
                };
                let solve = |solver: CurvatureMethod, tolerance: f64| {
                    let asked = options(Some(solver), tolerance);
                    invert_regularised(&rows, &p.b, &target, &weights, &start, &asked, &run)
                };
                let minimum = solve(CurvatureMethod::Coreset, 1e-13)?.x;
                for solver in SOLVERS {
                    for tolerance in TOLERANCES {
                        let found = solve(solver, tolerance)?;
                        keep(solver.name(), tolerance, &found.x, &minimum, found.passes);
                    }
                }
                for tolerance in TOLERANCES {
                    let asked = RegularisedOptions { max_iterations: 60, ..options(None, tolerance) };
                    match invert_diagonal(&rows, &p.b, &target, &weights, &start, &asked, &run) {
                        Ok(found) => keep("diagonal", tolerance, &found.x, &minimum, found.iterations),
                        Err(refused) => {
                            let said = json!({"n": n, "d": d, "seed": seed, "depth": depth, "w": w,
                                "solver": "diagonal", "refused": refused.to_string()});
                            println!("{said}");
                            break;
                        }
                    }
                }
            }
        }
    }
    Ok(counts)
}

/// Processor seconds and work of an evaluation and all that belongs to it, one thread, w = 1.
fn measure_costs() -> Result<BTreeMap<&'static str, Vec<Cost>>, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let run = Run { pool: Some(&pool), ..Run::default() };
    let begin = Instant::now();
    let mut costs: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
    for d in COLUMNS {
        for n in ROWS {
            let csr = random_csr(n, d, PER_ROW, 1);
            let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d)?;
            let mut stream = Stream::new(1, "offsets and direction");
            let offset: Vec<f64> = (0..n).map(|_| -(0.5 + stream.uniform())).collect();
            let direction = stream.normals(d);
            let speed = |i: usize| csr.row(i).map(|(j, v)| v * direction[j]).sum::<f64>();
            let reach = (0..n).map(|i| (speed(i), offset[i])).filter(|(v, _)| *v < 0.0).map(|(v, b)| b / v);
            let step = 0.5 * reach.fold(f64::INFINITY, f64::min);
            let hidden: Vec<f64> = direction.iter().map(|u| step * u).collect();
            let origin = vec![0.0; d];
            let target =
                Barrier::around(&rows, &offset, &origin, &run)?.at(&hidden, false, &run)?.expect("inside").gradient;
            let start = Start { point: Some(&origin), ..Start::default() };
            for solver in SOLVERS {
                let before = seconds(begin);
                let weights = vec![1.0; n];
                let asked = options(Some(solver), 1e-9);
                let found = invert_regularised(&rows, &offset, &target, &weights, &start, &asked, &run)?;
                let iterations = f64::from(found.passes.max(1));
                let spent = (seconds(begin) - before) / iterations;
                let (nonzeros, work) = (rows.shape().stored as f64, found.work / iterations);
                println!(
                    "{}",
                    json!({"n": n, "d": d, "nnz": nonzeros, "solver": solver.name(), "iterations": iterations,
                        "seconds_an_iteration": spent, "work_an_iteration": work})
                );
                costs.entry(solver.name()).or_default().push(Cost {
                    nonzeros,
                    columns: d as f64,
                    seconds: spent,
                    work,
                });
            }
        }
    }
    Ok(costs)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counts = count_evaluations()?;
    let costs = measure_costs()?;
    print_fits(&counts, &costs);
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, plot(&counts, &costs))?;
    }
    Ok(())
}
