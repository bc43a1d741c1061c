//! Counts evaluations, work and errors of every solver on the problems of the table in "fewest passes":
//! `cargo run --release -p unhat-bench --bin passes [seeds] [part of a problem's name]`. One JSON line a run goes to stdout, the table to stderr.

use std::time::Instant;
use unhat::Run;
use unhat::barrier::Barrier;
use unhat::gram::FactorMethod;
use unhat::invert::{Inversion, InvertOptions, Solver, Start, invert_gradient};
use unhat::rows::DenseRows;
use unhat_testkit::generate::{
    Polytope, birkhoff, cauchy_polytope, cube_with_repeated_facet, random_polytope, thin_box,
};

struct Problem {
    name: &'static str,
    make: fn(f64, u64) -> Polytope,
    depths: &'static [f64],
}

const DEPTHS: &[f64] = &[0.5, 0.9, 0.99, 0.999];

fn problems() -> Vec<Problem> {
    let p = |name, make, depths| Problem { name, make, depths };
    vec![
        p("random (200,10)", |depth, seed| random_polytope(200, 10, depth, seed, Some(3.0)), DEPTHS),
        p("random (1000,20)", |depth, seed| random_polytope(1000, 20, depth, seed, Some(3.0)), DEPTHS),
        p("random (2000,50)", |depth, seed| random_polytope(2000, 50, depth, seed, Some(3.0)), DEPTHS),
        p("random (20000,60)", |depth, seed| random_polytope(20000, 60, depth, seed, Some(3.0)), &[0.9, 0.999]),
        p("random (200000,10)", |depth, seed| random_polytope(200_000, 10, depth, seed, Some(3.0)), &[0.9, 0.999]),
        p("cube, facet x1000", |_, _| cube_with_repeated_facet(10, 1000), &[0.5]),
        p("Cauchy (5000,30)", |depth, seed| cauchy_polytope(5000, 30, depth, seed), DEPTHS),
        p("thin box 1e4 (2040,20)", |depth, seed| thin_box(20, 1e4, 2000, depth, seed), DEPTHS),
        p("Birkhoff 10 (100,81)", |depth, seed| birkhoff(10, depth, seed), DEPTHS),
    ]
}

/// Relative error of x, and the largest relative error of a slack.
fn errors(p: &Polytope, found: &[f64]) -> (f64, f64) {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let difference: Vec<f64> = found.iter().zip(&p.hidden).map(|(f, h)| f - h).collect();
    let slack = p.slack(&p.hidden);
    let moved =
        p.a.chunks(p.d)
            .zip(&slack)
            .map(|(row, s)| (row.iter().zip(&difference).map(|(a, d)| a * d).sum::<f64>() / s).abs());
    (norm(&difference) / norm(&p.hidden), moved.fold(0.0, f64::max))
}

fn solve(p: &Polytope, start: &str, solver: Solver, seed: u64) -> Result<(Inversion, f64), unhat::Error> {
    let run = Run::default();
    let rows = DenseRows::new(&p.a, p.d)?;
    let target = match p.name_is_centre() {
        true => vec![0.0; p.d],
        false => {
            let barrier = Barrier::around(&rows, &p.b, &p.hidden, &run)?;
            barrier.set_precision(FactorMethod::Tsqr); // the target's own rounding would pass for the solver's
            barrier.at(&p.hidden, false, &run)?.expect("inside").gradient
        }
    };
    let far = p.towards_boundary(0.9, seed + 500);
    let start = match start {
        "inside" => Start { point: Some(&p.inside), ..Start::default() },
        "far" => Start { point: Some(&far), ..Start::default() },
        _ => Start::default(),
    };
    let options = InvertOptions { solver, seed, ..InvertOptions::default() };
    let clock = Instant::now();
    Ok((invert_gradient(&rows, &p.b, &target, &start, &options, None, &run)?, clock.elapsed().as_secs_f64()))
}

trait Centre {
    fn name_is_centre(&self) -> bool;
}

impl Centre for Polytope {
    /// The cube with a repeated facet is asked for its volumetric centre.
    fn name_is_centre(&self) -> bool {
        self.n == 1019 && self.d == 10
    }
}

fn main() {
    let seeds: u64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(3);
    eprintln!(
        "{:24} {:8} {:>14} {:>10} {:>10} {:>9} {:>9} {:>6} {:>9}",
        "problem", "solver", "passes med/max", "work med", "start med", "err x", "err slack", "proven", "not solved"
    );
    let wanted = std::env::args().nth(2).unwrap_or_default();
    for problem in problems().into_iter().filter(|p| p.name.contains(&wanted)) {
        for solver in [Solver::Exact, Solver::Cg, Solver::Coreset, Solver::Surrogate] {
            if solver == Solver::Exact && problem.name.contains("20000,") {
                continue;
            }
            let (mut passes, mut work, mut starts) = (Vec::new(), Vec::new(), Vec::new());
            let (mut worst_x, mut worst_slack, mut proven, mut unsolved, mut total) = (0f64, 0f64, 0, 0, 0);
            for &depth in problem.depths {
                for seed in 0..seeds {
                    let p = (problem.make)(depth, seed);
                    for start in ["inside", "far", "none"] {
                        total += 1;
                        let (found, seconds) = match solve(&p, start, solver, seed) {
                            Ok(found) => found,
                            Err(e) => {
                                eprintln!(
                                    "{} {} depth {depth} seed {seed} start {start}: {e}",
                                    problem.name,
                                    solver.name()
                                );
                                unsolved += 1;
                                continue;
                            }
                        };
                        let (x, slack) = if p.name_is_centre() { (0.0, 0.0) } else { errors(&p, &found.x) };
                        (worst_x, worst_slack) = (worst_x.max(x), worst_slack.max(slack));
                        proven += usize::from(found.certificate.is_some());
                        unsolved += usize::from(found.status != unhat::solve::Status::Solved);
                        passes.push(found.passes as f64);
                        work.push(found.work);
                        if start == "none" {
                            starts.push(found.start.passes);
                        }
                        println!(
                            "{{\"problem\":\"{}\",\"solver\":\"{}\",\"depth\":{depth},\"seed\":{seed},\"start\":\"{start}\",\"status\":\"{}\",\"passes\":{},\"work\":{:.2},\"start_passes\":{:.2},\"decrement\":{:.3e},\"error_x\":{x:.3e},\"error_slack\":{slack:.3e},\"q_norm\":{:.3e},\"factor\":\"{}\",\"seconds\":{seconds:.4}}}",
                            problem.name,
                            solver.name(),
                            found.status.name(),
                            found.passes,
                            found.work,
                            found.start.passes,
                            found.decrement,
                            found.certificate.map_or(-1.0, |c| c.q_norm),
                            found.factor.name()
                        );
                    }
                }
            }
            let median = |v: &mut Vec<f64>| {
                v.sort_by(f64::total_cmp);
                v.get(v.len() / 2).copied().unwrap_or(f64::NAN)
            };
            let most = passes.iter().fold(0.0, |a: f64, b| a.max(*b));
            eprintln!(
                "{:24} {:8} {:>8} /{:>4} {:>10.1} {:>10.1} {worst_x:>9.1e} {worst_slack:>9.1e} {proven:>3}/{total} {unsolved:>6}",
                problem.name,
                solver.name(),
                median(&mut passes),
                most,
                median(&mut work),
                median(&mut starts)
            );
        }
    }
}
