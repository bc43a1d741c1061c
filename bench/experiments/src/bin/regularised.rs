//! Evaluations, work and processor seconds of the regularised inversion against the solve without regulariser, in one run:
//! `cargo run --release -p unhat-bench --bin regularised -- [dense|sparse|quality|boxes|memory|file] [part of a name] [seeds]`.
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
    /// Sweeps of all rows, in evaluations, Lanczos' not counted.
    units: f64,
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
    if std::env::var("TRACE").is_ok() {
        eprintln!("{name} w={:e} {} core {:.1}", case.w, found.reason, found.coreset_work);
        for step in &found.history {
            eprintln!("   passes {} work {:.2} change {:.2e}", step.passes, step.work, step.decrement);
        }
    }
    let lanczos = found.strictness.map_or(0.0, |s| 1.5 + 2.0 * f64::from(s.products));
    let units = found.work - found.coreset_work - lanczos;
    println!(
        "{}",
        json!({"problem": name, "w": case.w, "minima": case.minima.name(), "method": found.method.name(), "seed": case.seed,
            "status": found.status.name(), "passes": found.passes, "work": found.work, "units": units, "coreset_work": found.coreset_work, "seconds": seconds,
            "wall": wall.elapsed().as_secs_f64(), "objective": found.objective, "found": found.minima.len(),
            "search": found.search.name(), "steps": found.iterations,
            "least": found.strictness.map(|s| s.least), "products": found.strictness.map(|s| s.products),
            "plain_passes": plain.passes, "plain_units": plain.units, "plain_seconds": plain.seconds})
    );
    Ok(Outcome { passes: found.passes as f64, units, seconds, objective: found.objective })
}

fn plain(problem: &Problem) -> Result<Outcome, Failure> {
    let start = Start { point: Some(&problem.inside), ..Start::default() };
    let clock = processor_seconds();
    let run = Run::default();
    let options = InvertOptions::default();
    let found = invert_gradient(problem.rows.as_ref(), &problem.b, &problem.c, &start, &options, None, &run)?;
    let seconds = processor_seconds() - clock;
    Ok(Outcome { passes: found.passes as f64, units: found.work, seconds, objective: 0.0 })
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
        let range = indptr[i]..indptr[i + 1];
        *p = range.map(|k| values[k] * direction[indices[k] as usize]).sum();
    }
    let end = product.iter().zip(&b).filter(|(p, _)| **p < 0.0).map(|(p, b)| b / p).fold(f64::INFINITY, f64::min);
    let hidden: Vec<f64> = direction.iter().map(|v| depth * end * v).collect();
    let c = target(&rows, &b, &hidden, 0.05, seed)?;
    let name = format!("sparse ({n},{d}) {per_row} a row seed {seed}");
    Ok(Problem { name, d, rows: Box::new(rows), b, c, inside: vec![0.0; d] })
}

/// A problem with the case's own weights, cell {Ax > b}.
fn options_of(random: u32, minima: MinimaSought) -> RegularisedOptions {
    RegularisedOptions { random_starts: Some(random), minima, max_boxes: 0, ..RegularisedOptions::default() }
}

/// The default search against the best of 50 random starts, each solved in full, on problems in the window of w where
/// there are several minima.
fn quality(count: u64, first: u64) -> Result<(), Failure> {
    let small =
        [(60, 3, 0.99, 40.0), (100, 4, 0.99, 35.0), (200, 5, 0.99, 30.0), (200, 8, 0.99, 20.0), (400, 6, 0.99, 25.0)];
    let large = [(2000, 5, 0.99, 20.0), (2000, 10, 0.99, 20.0), (2000, 20, 0.9, 3.5), (20_000, 10, 0.99, 6.0)];
    let (mut worse, mut better, mut several) = (0, 0, 0);
    let mut extents = std::collections::BTreeMap::new();
    for k in 0..count {
        // Every eighth problem is a large one.
        let kinds = if k % 8 == 7 { &large[..] } else { &small[..] };
        let (n, d, depth, w) = kinds[(k / 8 + k % 8) as usize % kinds.len()];
        let seed = first + k;
        let problem = dense(n, d, depth, 0.0, seed)?;
        let weights = vec![w; n];
        let start = Start { point: Some(&problem.inside), ..Start::default() };
        let solved = |options: &RegularisedOptions| {
            let clock = processor_seconds();
            let run = Run::default();
            invert_regularised(problem.rows.as_ref(), &problem.b, &problem.c, &weights, &start, options, &run)
                .map(|found| (found, processor_seconds() - clock))
        };
        let (ours, seconds) =
            solved(&RegularisedOptions { max_boxes: 0, random_starts: Some(0), ..RegularisedOptions::default() })?;
        // The search's own descents are part of the rival's list only where random starts led to them.
        let rival = RegularisedOptions {
            stop_when_unique: false,
            seed: 1,
            search_flops: 0.0,
            ..options_of(50, MinimaSought::Best)
        };
        let (other, rival_seconds) = solved(&rival)?;
        let best = other.minima.iter().map(|m| m.objective).fold(f64::INFINITY, f64::min);
        let gap = (ours.objective - best) / best;
        worse += u64::from(gap > 1e-9);
        better += u64::from(gap < -1e-9);
        several += u64::from(ours.minima.len().max(other.minima.len()) > 1);
        *extents.entry(ours.search.name()).or_insert(0) += 1;
        println!(
            "{}",
            json!({"problem": problem.name, "w": w, "objective": ours.objective, "rival": best, "gap": gap,
                "minima": ours.minima.len(), "rival_minima": other.minima.len(), "seconds": seconds,
                "rival_seconds": rival_seconds, "search": ours.search.name(), "work": ours.work, "method": ours.method.name(),
                "unique": ours.certificate.is_some_and(|c| c.kind.name() == "unique"), "warnings": ours.warnings})
        );
    }
    eprintln!("{count} problems, {several} with several minima: worse {worse}, better {better}; searches {extents:?}");
    Ok(())
}

/// Separable boxes with 2^d minima: each coordinate has a well near the origin and one at a facet.
fn boxes(seeds: u64) -> Result<(), Failure> {
    for d in [3usize, 6, 8] {
        let mut hits = 0;
        for seed in 0..seeds {
            let mut stream = Stream::new(seed, "boxes");
            let (mut a, mut b) = (vec![0.0; 2 * d * d], vec![-1.0; 2 * d]);
            let (mut c, mut w, mut truth) = (vec![0.0; d], vec![0.0; 2 * d], 0.0);
            for j in 0..d {
                a[2 * j * d + j] = 1.0;
                a[(2 * j + 1) * d + j] = -1.0;
                b[2 * j] = -1.0 - 0.1 * stream.uniform();
                c[j] = -50.0 + 10.0 * stream.uniform();
                let weight = 19.0 + 4.0 * stream.uniform();
                (w[2 * j], w[2 * j + 1]) = (weight, weight);
                let rows = DenseRows::new(&[1.0, -1.0], 1)?;
                let options = RegularisedOptions { stop_when_unique: false, ..RegularisedOptions::default() };
                let one = invert_regularised(
                    &rows,
                    &b[2 * j..2 * j + 2],
                    &c[j..=j],
                    &[weight; 2],
                    &Start::default(),
                    &options,
                    &Run::default(),
                )?;
                truth += one.objective;
            }
            let rows = DenseRows::new(&a, d)?;
            let clock = processor_seconds();
            let options = RegularisedOptions { max_boxes: 0, ..RegularisedOptions::default() };
            let found = invert_regularised(&rows, &b, &c, &w, &Start::default(), &options, &Run::default())?;
            let hit = found.objective <= truth * (1.0 + 1e-9);
            hits += u64::from(hit);
            println!(
                "{}",
                json!({"box": d, "seed": seed, "objective": found.objective, "truth": truth, "hit": hit,
                    "minima": found.minima.len(), "search": found.search.name(), "seconds": processor_seconds() - clock,
                    "by": found.minima.first().map(|m| m.found_by.iter().map(|o| o.name()).collect::<Vec<_>>())})
            );
        }
        eprintln!("box d={d}: best found in {hits} of {seeds}");
    }
    Ok(())
}

/// Peak memory of one solve by itself: `plain` (no weights), `first` or `best`, in bytes, and the bound of the rest.
fn memory(what: &str, (n, d): (usize, usize)) -> Result<(), Failure> {
    let problem = dense(n, d, 0.9, 0.05, 0)?;
    let resident = || -> f64 {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        1024.0 * line.split_whitespace().nth(1).and_then(|v| v.parse().ok()).unwrap_or(f64::NAN)
    };
    let before = resident();
    let nothing = plain(&problem)?; // both pay for it
    if what != "plain" {
        let minima = MinimaSought::from_name(what)?;
        solve(&Case { problem: &problem, w: 1.0, minima, curvature: None, seed: 0 }, &nothing)?;
    }
    let (size, m) = (d as f64, 6.0 * d as f64 * (1.0 + (d as f64).ln()));
    let allowed = 8.0 * (8.0 * m * size + 4.0 * size.powi(3));
    println!(
        "{}",
        json!({"memory": what, "n": n, "d": d, "before": before, "peak": resident(), "allowed_beyond_plain": allowed})
    );
    Ok(())
}

/// One problem from a JSON file with a, b, c, w and d.
fn file(path: &str) -> Result<(), Failure> {
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let list = |key: &str| -> Vec<f64> {
        value[key].as_array().map_or(Vec::new(), |v| v.iter().filter_map(serde_json::Value::as_f64).collect())
    };
    let d = value["d"].as_u64().ok_or("d")? as usize;
    let (a, b, c, w, start) = (list("a"), list("b"), list("c"), list("w"), list("start"));
    let rows = DenseRows::new(&a, d)?;
    let clock = processor_seconds();
    let start = Start { point: (!start.is_empty()).then_some(&start), ..Start::default() };
    let found = invert_regularised(&rows, &b, &c, &w, &start, &RegularisedOptions::default(), &Run::default())?;
    println!(
        "{}",
        json!({"objective": found.objective, "work": found.work, "passes": found.passes, "search": found.search.name(),
            "minima": found.minima.iter().map(|m| m.objective).collect::<Vec<_>>(), "seconds": processor_seconds() - clock,
            "boxes": found.certificate.and_then(|c| c.boxes), "warnings": found.warnings})
    );
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what = arguments.first().map_or("dense", String::as_str);
    let part = arguments.get(1).map_or("", String::as_str);
    let seeds: u64 = arguments.get(2).map_or(Ok(2), |s| s.parse())?;
    let sought = match arguments.get(3).filter(|_| matches!(what, "dense" | "sparse")).map(String::as_str) {
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
            for (n, d) in [(20_000, 80), (50_000, 80), (100_000, 80), (200_000, 80), (1_000_000, 200)] {
                for per_row in [2, 10, 20] {
                    let name = format!("({n},{d})/{per_row}");
                    if name.contains(part) {
                        let all = (0..seeds).map(|seed| sparse(n, d, per_row, 0.9, seed)).collect::<Result<_, _>>()?;
                        problems.push((name, all));
                    }
                }
            }
        }
        "quality" => return quality(part.parse().unwrap_or(30), seeds),
        "boxes" => return boxes(seeds),
        "memory" => {
            let d = arguments.get(3).map_or(Ok(60), |d| d.parse())?;
            return memory(part, (seeds as usize, d));
        }
        "file" => return file(part),
        _ => return Err("expected dense, sparse, quality, boxes, memory or file".into()),
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
                    work.push(found.units);
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
