//! A whole inversion in units of one evaluation of the barrier (slack, scores, gradient), start and solve apart:
//! `cargo run --release -p unhat-bench --bin whole_solve [n] [d] [depth] [seeds]`. One JSON line a run, with 1 and 2 threads in turn.

use std::time::Instant;
use unhat::Run;
use unhat::barrier::Barrier;
use unhat::gram::FactorMethod;
use unhat::invert::{InvertOptions, Start, invert_gradient};
use unhat::rows::DenseRows;
use unhat_testkit::generate::{Polytope, random_polytope};

/// The least seconds of `rounds` evaluations, and their mean processor seconds.
fn evaluation_seconds(
    barrier: &Barrier<'_>,
    x: &[f64],
    rounds: usize,
    run: &Run<'_>,
) -> Result<(f64, f64), unhat::Error> {
    let mut least = f64::INFINITY;
    let before = processor_seconds();
    for _ in 0..rounds {
        let clock = Instant::now();
        barrier.at(x, false, run)?;
        least = least.min(clock.elapsed().as_secs_f64());
    }
    Ok((least, (processor_seconds() - before) / rounds as f64))
}

/// Processor seconds of the process, all threads, in steps of a hundredth: what other processes on the machine disturb
/// least; 0 where the system does not say.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(") ").next().unwrap_or("").split(' ').skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory the process has held since the last call of `forget_peak`, in bytes; 0 where the system does not say.
fn peak_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().map_or(0.0, |kilobytes| kilobytes * 1024.0)
}

fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5"); // Linux; elsewhere the peak is that of the whole process
}

fn measure(p: &Polytope, seed: u64, depth: f64, threads: usize) -> Result<(), unhat::Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let run = Run { pool: Some(&pool), ..Run::default() };
    let rows = DenseRows::new(&p.a, p.d)?;
    let target = {
        let barrier = Barrier::around(&rows, &p.b, &p.hidden, &run)?;
        barrier.set_precision(FactorMethod::Tsqr);
        barrier.at(&p.hidden, false, &run)?.expect("inside").gradient
    };
    let barrier = Barrier::around(&rows, &p.b, &p.inside, &run)?;
    let (before, processor_before) = evaluation_seconds(&barrier, &p.inside, 5, &run)?;
    forget_peak();
    let (clock, processor) = (Instant::now(), processor_seconds());
    let found = invert_gradient(
        &rows,
        &p.b,
        &target,
        &Start::default(),
        &InvertOptions { seed, ..Default::default() },
        None,
        &run,
    )?;
    let (total, processor) = (clock.elapsed().as_secs_f64(), processor_seconds() - processor);
    let peak = peak_bytes();
    let (after, processor_after) = evaluation_seconds(&barrier, &p.inside, 5, &run)?;
    let processor_unit = (processor_before + processor_after) / 2.0;
    let unit = before.min(after);
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let error = norm(&mut found.x.iter().zip(&p.hidden).map(|(f, h)| f - h)) / norm(&mut p.hidden.iter().copied());
    let start = found.start.seconds;
    println!(
        "{{\"n\":{},\"d\":{},\"depth\":{depth},\"seed\":{seed},\"threads\":{threads},\"solver\":\"{}\",\"status\":\"{}\",\
         \"passes\":{},\"work\":{:.2},\"start_kind\":\"{}\",\"start_passes\":{:.2},\"evaluation_before\":{before:.5},\
         \"evaluation_after\":{after:.5},\"start_seconds\":{start:.5},\"solve_seconds\":{:.5},\"start_units\":{:.2},\
         \"solve_units\":{:.2},\"evaluation_processor_seconds\":{processor_unit:.4},\
         \"processor_units\":{:.2},\"error_x\":{error:.3e},\"certified\":{},\"matrix_bytes\":{},\"peak_bytes\":{peak:.0}}}",
        p.n,
        p.d,
        found.solver.name(),
        found.status.name(),
        found.passes,
        found.work,
        found.start.kind.name(),
        found.start.passes,
        total - start,
        start / unit,
        (total - start) / unit,
        processor / processor_unit,
        found.certificate.is_some(),
        p.a.len() * 8,
    );
    Ok(())
}

fn main() -> Result<(), unhat::Error> {
    let argument = |k: usize, default: f64| std::env::args().nth(k).and_then(|s| s.parse().ok()).unwrap_or(default);
    let (n, d, depth) = (argument(1, 100_000.0) as usize, argument(2, 100.0) as usize, argument(3, 0.99));
    for seed in 0..argument(4, 3.0) as u64 {
        let p = random_polytope(n, d, depth, seed, Some(3.0));
        for threads in [1, 2] {
            measure(&p, seed, depth, threads)?;
        }
    }
    Ok(())
}
