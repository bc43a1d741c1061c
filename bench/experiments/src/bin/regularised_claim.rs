//! The paper's claim measured for w ≠ 0: evaluations against log(‖x₀ − x*‖/ε), and the cost of one against nnz + d^ω:
//! `cargo run --release -p unhat-bench --bin regularised_claim -- counts|costs` prints one JSON line a measurement, and
//! `… -- plot FILE.svg` makes fits and plot of such lines. `diagonal` is the paper's own subsampled Newton, where it is not
//! refused.

#[path = "../claim_plot.rs"]
mod claim_plot;
#[path = "../sparse_cell.rs"]
mod sparse_cell;

use claim_plot::{Cost, Count, plot, print_fits, seconds};
use serde_json::json;
use sparse_cell::SparseCell;
use std::collections::BTreeMap;
use std::time::Instant;
use unhat::barrier::Barrier;
use unhat::invert::{CurvatureMethod, MinimaSought, RegularisedOptions, Start, invert_diagonal, invert_regularised};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::{Error, Run};
use unhat_testkit::generate::random_polytope;

const SOLVERS: [CurvatureMethod; 2] = [CurvatureMethod::Coreset, CurvatureMethod::Products];
const SIZES: [(usize, usize); 3] = [(1000, 10), (2000, 20), (20_000, 20)];
const SEEDS: u64 = 3;
const DEPTHS: [f64; 4] = [0.1, 0.5, 0.9, 0.99];
const WEIGHTS: [f64; 4] = [1e-2, 1.0, 30.0, 300.0];
/// Bounds on the relative change of a slack in the last step.
const TOLERANCES: [f64; 5] = [1e-1, 1e-3, 1e-5, 1e-7, 1e-9];

const PER_ROW: usize = 10;
const ROWS: [usize; 3] = [10_000, 30_000, 100_000];
const COLUMNS: [usize; 4] = [20, 40, 60, 80];

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn options(curvature: Option<CurvatureMethod>, tolerance: f64) -> RegularisedOptions {
    RegularisedOptions { curvature, tolerance, minima: MinimaSought::First, ..RegularisedOptions::default() }
}

/// Evaluations from x₀ = 0 on, and how near the minimum they led; by the tolerance that was asked for.
fn count_evaluations() -> Result<(), Error> {
    let run = Run::default();
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
                let keep = |solver: &'static str, tolerance: f64, x: &[f64], minimum: &[f64], iterations: u32| {
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
    Ok(())
}

/// Processor seconds and work of an evaluation and all that belongs to it, one thread, w = 1.
fn measure_costs() -> Result<(), Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let run = Run { pool: Some(&pool), ..Run::default() };
    let begin = Instant::now();
    for d in COLUMNS {
        for n in ROWS {
            let SparseCell { csr, offset, hidden } = SparseCell::around_origin(n, d, PER_ROW, 1);
            let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, d)?;
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
            }
        }
    }
    Ok(())
}

/// Measurements by solver.
type BySolver<T> = BTreeMap<&'static str, Vec<T>>;

/// Counts and costs as they were printed.
fn read(lines: &str) -> (BySolver<Count>, BySolver<Cost>) {
    let (mut counts, mut costs) = (BySolver::new(), BySolver::new());
    for object in lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        let number = |key: &str| object[key].as_f64();
        let Some(solver) = ["coreset", "cg", "diagonal"].into_iter().find(|name| object["solver"] == *name) else {
            continue;
        };
        if let (Some(log_ratio), Some(iterations)) = (number("log_ratio"), number("iterations")) {
            counts.entry(solver).or_default().push(Count { log_ratio, iterations });
        } else if let (Some(nonzeros), Some(columns), Some(seconds), Some(work)) =
            (number("nnz"), number("d"), number("seconds_an_iteration"), number("work_an_iteration"))
        {
            costs.entry(solver).or_default().push(Cost { nonzeros, columns, seconds, work });
        }
    }
    (counts, costs)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["counts"] => count_evaluations()?,
        ["costs"] => measure_costs()?,
        ["plot", path] => {
            let (counts, costs) = read(&std::io::read_to_string(std::io::stdin())?);
            print_fits(&counts, &costs);
            std::fs::write(path, plot(&counts, &costs))?;
        }
        _ => return Err("expected counts, costs, or plot FILE.svg with what they printed as input".into()),
    }
    Ok(())
}
