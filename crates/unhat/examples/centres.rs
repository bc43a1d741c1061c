//! Seconds and passes of volumetric centres: `cargo run --release --example centres [rounds] [folder] [problem]`.
//! One JSON line a problem. With a folder, the problems (n, d as 64-bit integers; A by rows, b, start as f64) and the
//! centres found are written there, so that another program can be timed on the same input.

use std::path::Path;
use std::time::Instant;
use unhat::Run;
use unhat::invert::{InvertOptions, Start, invert_gradient};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat_testkit::generate::{Polytope, birkhoff, cube, random_polytope};

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
    println!(
        "{{\"problem\":\"{name}\",\"n\":{},\"d\":{},\"solver\":\"{}\",\"status\":\"{}\",\"iterations\":{},\"passes\":{},\
         \"gradient\":{:.2e},\"bound_on_error\":{:.2e},\"least_seconds\":{:.6},\"median_seconds\":{:.6}}}",
        offset.len(),
        start.len(),
        found.solver.name(),
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
    let keep = |name: &str, head: [usize; 2], parts: &[&[f64]], centre: &[f64]| -> std::io::Result<()> {
        if folder.is_empty() {
            return Ok(());
        }
        let mut file: Vec<u8> = head.iter().flat_map(|h| (*h as u64).to_le_bytes()).collect();
        parts.iter().for_each(|part| file.extend(bytes(part)));
        let stem = name.replace(' ', "_");
        std::fs::write(Path::new(&folder).join(format!("{stem}.problem")), file)?;
        std::fs::write(Path::new(&folder).join(format!("{stem}.centre")), bytes(centre))
    };
    for (name, make) in problems().into_iter().filter(|(name, _)| wanted(name)) {
        let p = make();
        let start = p.towards_boundary(0.9, 500);
        let centre = measure(name, &DenseRows::new(&p.a, p.d)?, &p.b, &start, rounds, &run)?;
        keep(name, [p.n, p.d], &[&p.a, &p.b, &start], &centre)?;
    }
    let (name, d) = ("sparse cube 2000", 2000);
    if wanted(name) {
        let pointers: Vec<usize> = (0..=2 * d).collect();
        let indices: Vec<u32> = (0..2 * d as u32).map(|i| i % d as u32).collect();
        let values: Vec<f64> = (0..2 * d).map(|i| if i < d { 1.0 } else { -1.0 }).collect();
        let (offset, start) = (vec![-1.0; 2 * d], cube(10).towards_boundary(0.9, 500).repeat(d / 10));
        let rows = CsrRows::new(&pointers, &indices, &values, d)?;
        let centre = measure(name, &rows, &offset, &start, rounds.min(3), &run)?;
        keep(name, [2 * d, d], &[&offset, &start], &centre)?; // the matrix is I over −I
    }
    Ok(())
}
