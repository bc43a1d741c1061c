//! Evaluations, work and processor seconds of the regularised inversion against the solve without regulariser, in one run:
//! `cargo run --release -p unhat-bench --bin regularised -- [dense|sparse|quality|boxes|one] [part of a name] [seeds]`.
//! One JSON line a solve goes to stdout, medians to stderr.

use serde_json::json;
use std::time::Instant;
use unhat::Run;
use unhat::barrier::Barrier;
use unhat::invert::{
    CurvatureMethod, InvertOptions, MinimaSought, RegularisedOptions, Start, invert_gradient, invert_regularised,
};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat_testkit::generate::{Stream, random_csr, random_polytope};

type Failure = Box<dyn std::error::Error>;

/// Processor seconds of this process.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |k: usize| fields.get(k).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

struct Problem {
    name: String,
    d: usize,
    rows: Box<dyn RowSource>,
    b: Vec<f64>,
    c: Vec<f64>,
    inside: Vec<f64>,
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The gradient at the hidden point, with noise of this share of its size.
fn target(rows: &dyn RowSource, b: &[f64], hidden: &[f64], noise: f64, seed: u64) -> Result<Vec<f64>, Failure> {
    let run = Run::default();
    let point = Barrier::around(rows, b, hidden, &run)?.at(hidden, false, &run)?.ok_or("outside")?;
    let size = point.gradient.iter().map(|g| g * g).sum::<f64>().sqrt() / (hidden.len() as f64).sqrt();
    let normals = Stream::new(seed, "noise of the target").normals(hidden.len());
    Ok(point.gradient.iter().zip(normals).map(|(g, z)| g + noise * size * z).collect())
}

struct Case<'p> {
    problem: &'p Problem,
    w: f64,
    minima: MinimaSought,
    curvature: Option<CurvatureMethod>,
    seed: u64,
}

struct Outcome {
    passes: f64,
    work: f64,
    seconds: f64,
    objective: f64,
}

fn solve(case: &Case<'_>, plain: &Outcome) -> Result<Outcome, Failure> {
    let Problem { name, rows, b, c, inside, .. } = case.problem;
    let weights = vec![case.w; b.len()];
    let start = Start { point: Some(inside), ..Start::default() };
    let options = RegularisedOptions {
        tolerance: 1e-9,
        minima: case.minima,
        curvature: case.curvature,
        seed: case.seed,
        ..RegularisedOptions::default()
    };
    let (clock, wall) = (processor_seconds(), Instant::now());
    let found = invert_regularised(rows.as_ref(), b, c, &weights, &start, &options, &Run::default())?;
    let seconds = processor_seconds() - clock;
    println!(
        "{}",
        json!({"problem": name, "w": case.w, "minima": case.minima.name(), "method": found.method.name(), "seed": case.seed,
            "status": found.status.name(), "passes": found.passes, "work": found.work, "seconds": seconds,
            "wall": wall.elapsed().as_secs_f64(), "objective": found.objective, "found": found.minima.len(),
            "search": found.search.name(), "steps": found.iterations,
            "least": found.strictness.map(|s| s.least), "products": found.strictness.map(|s| s.products),
            "plain_passes": plain.passes, "plain_work": plain.work, "plain_seconds": plain.seconds})
    );
    Ok(Outcome { passes: found.passes as f64, work: found.work, seconds, objective: found.objective })
}

fn plain(problem: &Problem) -> Result<Outcome, Failure> {
    let start = Start { point: Some(&problem.inside), ..Start::default() };
    let clock = processor_seconds();
    let run = Run::default();
    let options = InvertOptions::default();
    let found = invert_gradient(problem.rows.as_ref(), &problem.b, &problem.c, &start, &options, None, &run)?;
    let seconds = processor_seconds() - clock;
    Ok(Outcome { passes: found.passes as f64, work: found.work, seconds, objective: 0.0 })
}

fn dense(n: usize, d: usize, depth: f64, noise: f64, seed: u64) -> Result<Problem, Failure> {
    let p = random_polytope(n, d, depth, seed, None);
    let values: &'static [f64] = Vec::leak(p.a);
    let rows = DenseRows::new(values, d)?;
    let c = target(&rows, &p.b, &p.hidden, noise, seed)?;
    let name = format!("dense ({n},{d}) depth {depth} noise {noise} seed {seed}");
    Ok(Problem { name, d, rows: Box::new(rows), b: p.b, c, inside: p.inside })
}

fn sparse(n: usize, d: usize, per_row: usize, depth: f64, seed: u64) -> Result<Problem, Failure> {
    let csr = random_csr(n, d, per_row, seed);
    let (indptr, indices, values) = (Vec::leak(csr.indptr), Vec::leak(csr.indices), Vec::leak(csr.values));
    let rows = CsrRows::new(indptr, indices, values, d)?;
    let mut stream = Stream::new(seed, "sparse cell");
    let b: Vec<f64> = stream.uniforms(n).iter().map(|u| -(0.5 + u)).collect();
    let direction = stream.normals(d);
    let mut product = vec![0.0; n];
    for (i, p) in product.iter_mut().enumerate() {
        let range = indptr[i] as usize..indptr[i + 1] as usize;
        *p = range.map(|k| values[k] * direction[indices[k] as usize]).sum();
    }
    let end = product.iter().zip(&b).filter(|(p, _)| **p < 0.0).map(|(p, b)| b / p).fold(f64::INFINITY, f64::min);
    let hidden: Vec<f64> = direction.iter().map(|v| depth * end * v).collect();
    let c = target(&rows, &b, &hidden, 0.05, seed)?;
    let name = format!("sparse ({n},{d}) {per_row} a row seed {seed}");
    Ok(Problem { name, d, rows: Box::new(rows), b, c, inside: vec![0.0; d] })
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what = arguments.first().map_or("dense", String::as_str);
    let part = arguments.get(1).map_or("", String::as_str);
    let seeds: u64 = arguments.get(2).map_or(Ok(2), |s| s.parse())?;
    let sought = match arguments.get(3).map(String::as_str) {
        Some(word) => vec![MinimaSought::from_name(word)?],
        None => vec![MinimaSought::First, MinimaSought::Best],
    };
    let method = match arguments.get(4).map(String::as_str) {
        Some("exact") => Some(CurvatureMethod::Tensors),
        Some("cg") => Some(CurvatureMethod::Products),
        Some("coreset") => Some(CurvatureMethod::Coreset),
        _ => None,
    };
    let mut problems: Vec<(String, Vec<Problem>)> = Vec::new();
    match what {
        "dense" => {
            for (n, d) in [(2000, 20), (20_000, 20), (20_000, 60), (100_000, 100)] {
                let name = format!("({n},{d})");
                if !name.contains(part) {
                    continue;
                }
                let mut all = Vec::new();
                for seed in 0..if n == 100_000 { 1 } else { seeds } {
                    for depth in [0.5, 0.9, 0.99] {
                        for noise in [0.0, 0.05] {
                            all.push(dense(n, d, depth, noise, seed)?);
                        }
                    }
                }
                problems.push((name, all));
            }
        }
        "sparse" => {
            for (n, d) in [(20_000, 80), (50_000, 80), (100_000, 80), (1_000_000, 200)] {
                for per_row in [2, 10, 20] {
                    let name = format!("({n},{d})/{per_row}");
                    if name.contains(part) {
                        let all = (0..seeds).map(|seed| sparse(n, d, per_row, 0.9, seed)).collect::<Result<_, _>>()?;
                        problems.push((name, all));
                    }
                }
            }
        }
        _ => return Err("expected dense or sparse".into()),
    }
    eprintln!("| problem | w | minima | units median/worst | passes | seconds | times the solve without weights |");
    for (name, all) in &problems {
        let plains = all.iter().map(plain).collect::<Result<Vec<_>, _>>()?;
        for w in [1e-6, 1e-2, 0.1, 1.0, 30.0] {
            for &minima in &sought {
                let (mut work, mut passes, mut seconds, mut times) = (vec![], vec![], vec![], vec![]);
                for (problem, plain) in all.iter().zip(&plains) {
                    let _ = problem.d;
                    let found = solve(&Case { problem, w, minima, curvature: method, seed: 0 }, plain)?;
                    let _ = found.objective;
                    work.push(found.work);
                    passes.push(found.passes);
                    seconds.push(found.seconds);
                    times.push(found.seconds / plain.seconds.max(0.01));
                }
                eprintln!(
                    "| {name} | {w:e} | {} | {:.0} / {:.0} | {:.0} | {:.2} | {:.1} |",
                    minima.name(),
                    median(&mut work),
                    work.last().copied().unwrap_or(0.0),
                    median(&mut passes),
                    median(&mut seconds),
                    median(&mut times),
                );
            }
        }
    }
    Ok(())
}
