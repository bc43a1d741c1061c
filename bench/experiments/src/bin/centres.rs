//! Seconds and passes of volumetric centres: `cargo run --release -p unhat-bench --bin centres [rounds] [folder] [problem]`.
//! One JSON line a problem. With a folder, the problems (n, d as 64-bit integers; A by rows, b, start as f64; sparse A:
//! the number of entries, row pointers and columns as 64-bit integers, values) and the centres found are written there,
//! so that another program can be timed on the same input.

use std::path::Path;
use std::time::Instant;
use unhat::Run;
use unhat::invert::{InvertOptions, Start, invert_gradient};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat_testkit::generate::{Polytope, Stream, birkhoff, cube, random_csr, random_polytope};
use unhat_testkit::sparse::Csr;

/// A name, and what makes the polytope.
type Problem = (&'static str, Box<dyn Fn() -> Polytope>);

fn problems() -> Vec<Problem> {
    vec![
        ("cube 10", Box::new(|| cube(10))),
        ("cube 50", Box::new(|| cube(50))),
        ("cube 100", Box::new(|| cube(100))),
        ("cube 200", Box::new(|| cube(200))),
        ("random 2000x50", Box::new(|| random_polytope(2000, 50, 0.5, 1, None))),
        ("random 5000x100", Box::new(|| random_polytope(5000, 100, 0.5, 1, None))),
        ("Birkhoff 10", Box::new(|| birkhoff(10, 0.5, 0))),
        ("Birkhoff 15", Box::new(|| birkhoff(15, 0.5, 0))),
    ]
}

/// −1 ≤ xᵢ ≤ 1, and in `extra` further rows the given entries, each row at most 1 from below.
fn sparse_box(d: usize, extra: usize, entries: impl Fn(usize) -> Vec<(usize, f64)>) -> Csr {
    let mut triplets: Vec<_> = (0..d).flat_map(|i| [(i, i, 1.0), (d + i, i, -1.0)]).collect();
    (0..extra).for_each(|i| triplets.extend(entries(i).into_iter().map(|(j, a)| (2 * d + i, j, a))));
    Csr::from_triplets(2 * d + extra, d, &triplets)
}

/// A name and the matrix of {x : Ax > −1}: the cube; bounds on differences of neighbours; three random entries a row,
/// for many and for fewer rows.
fn sparse_problems() -> Vec<(&'static str, Csr)> {
    const D: usize = 2000;
    let random = |extra: usize| {
        let csr = random_csr(extra, D, 3, 1);
        sparse_box(D, extra, move |i| csr.row(i).collect())
    };
    vec![
        ("sparse cube 2000", sparse_box(D, 0, |_| Vec::new())),
        ("sparse chain 2000", sparse_box(D, D - 1, |i| vec![(i, 2.0), (i + 1, -2.0)])),
        ("sparse random few 2000", random(D / 4)),
        ("sparse random 2000", random(D)),
    ]
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn measure(
    name: &str,
    source: &dyn RowSource,
    offset: &[f64],
    start: &[f64],
    rounds: usize,
    run: &Run<'_>,
) -> Result<Vec<f64>, unhat::Error> {
    let target = vec![0.0; start.len()];
    let from = Start { point: Some(start), ..Start::default() };
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..rounds.max(1) {
        let clock = Instant::now();
        last = Some(invert_gradient(source, offset, &target, &from, &InvertOptions::default(), None, run)?);
        seconds.push(clock.elapsed().as_secs_f64());
    }
    let found = last.expect("at least one round");
    seconds.sort_by(f64::total_cmp);
    eprintln!("{}", found.reason);
    println!(
        "{{\"problem\":\"{name}\",\"n\":{},\"d\":{},\"solver\":\"{}\",\"factor\":\"{}\",\"status\":\"{}\",\"iterations\":{},\"passes\":{},\
         \"gradient\":{:.2e},\"bound_on_error\":{:.2e},\"least_seconds\":{:.6},\"median_seconds\":{:.6}}}",
        offset.len(),
        start.len(),
        found.solver.name(),
        found.point.factor.name(),
        found.status.name(),
        found.iterations,
        found.passes,
        found.residual,
        found.certificate.map_or(-1.0, |c| c.euclidean),
        seconds[0],
        seconds[seconds.len() / 2],
    );
    Ok(found.x)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = |k: usize| std::env::args().nth(k);
    let rounds = argument(1).and_then(|s| s.parse().ok()).unwrap_or(5);
    let folder = argument(2).unwrap_or_default();
    let chosen = argument(3);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let run = Run { pool: Some(&pool), ..Run::default() };
    let wanted = |name: &str| chosen.as_deref().is_none_or(|c| c == name);
    let keep = |name: &str, head: Vec<u64>, parts: &[&[f64]], centre: &[f64]| -> std::io::Result<()> {
        if folder.is_empty() {
            return Ok(());
        }
        let mut file: Vec<u8> = head.iter().flat_map(|h| h.to_le_bytes()).collect();
        parts.iter().for_each(|part| file.extend(bytes(part)));
        let stem = name.replace(' ', "_");
        std::fs::write(Path::new(&folder).join(format!("{stem}.problem")), file)?;
        std::fs::write(Path::new(&folder).join(format!("{stem}.centre")), bytes(centre))
    };
    for (name, make) in problems().into_iter().filter(|(name, _)| wanted(name)) {
        let p = make();
        let start = p.towards_boundary(0.9, 500);
        let centre = measure(name, &DenseRows::new(&p.a, p.d)?, &p.b, &start, rounds, &run)?;
        keep(name, vec![p.n as u64, p.d as u64], &[&p.a, &p.b, &start], &centre)?;
    }
    for (name, csr) in sparse_problems().into_iter().filter(|(name, _)| wanted(name)) {
        let offset = vec![-1.0; csr.n];
        let direction = Stream::new(500, "start").normals(csr.d);
        let along = (0..csr.n).map(|i| csr.row(i).map(|(j, a)| a * direction[j]).sum::<f64>());
        let steepest = along.fold(0.0, |least: f64, v| least.min(v));
        let start: Vec<f64> = direction.iter().map(|u| -0.9 * u / steepest).collect();
        let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, csr.d)?;
        let centre = measure(name, &rows, &offset, &start, rounds, &run)?;
        let mut head = vec![csr.n as u64, csr.d as u64, csr.values.len() as u64];
        head.extend(csr.indptr.iter().map(|&p| p as u64));
        head.extend(csr.indices.iter().map(|&j| u64::from(j)));
        keep(name, head, &[&csr.values, &offset, &start], &centre)?;
    }
    Ok(())
}
