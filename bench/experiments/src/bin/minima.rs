//! Which start finds the best minimum of the regularised inversion, and whether what is proven of it stands.
//!
//! `cargo run --release -p unhat-bench --bin minima -- [cases a row] [seeds a certificate setting]` prints one JSON line a
//! case and one a row of the table; the table for people goes to the error stream.

use std::time::Instant;
use unhat::barrier::Barrier;
use unhat::invert::{Minimum, Origin, Proof, RegularisedInversion, RegularisedOptions, Start, invert_regularised};
use unhat::rows::DenseRows;
use unhat::{Result, Run};
use unhat_testkit::generate::{Stream, random_polytope};

struct Case {
    d: usize,
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    w: Vec<f64>,
    inside: Vec<f64>,
}

/// Where the origin, which the regulariser draws towards, lies in a random direction from the polytope's middle.
#[derive(Clone, Copy)]
enum Weights {
    Equal(f64),
    /// wᵢ = 10^U(−2, 2).
    Spread,
}

#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    n: usize,
    d: usize,
    depth: f64,
    weights: Weights,
    /// Share of the way to the boundary at which the origin lies.
    origin: f64,
}

impl Row {
    fn case(&self, seed: u64) -> Result<Case> {
        let p = random_polytope(self.n, self.d, self.depth, seed, None);
        let mut stream = Stream::new(seed, "where the origin lies");
        let direction = stream.normals(self.d);
        let products = p.a.chunks(self.d).map(|a| a.iter().zip(&direction).map(|(a, u)| a * u).sum::<f64>());
        let end = products.zip(&p.b).filter(|(q, _)| *q < 0.0).map(|(q, b)| b / q).fold(f64::INFINITY, f64::min);
        let shift: Vec<f64> = direction.iter().map(|u| self.origin * end * u).collect();
        let moved = |x: &[f64]| x.iter().zip(&shift).map(|(x, t)| x - t).collect::<Vec<f64>>();
        let b: Vec<f64> =
            p.a.chunks(self.d)
                .zip(&p.b)
                .map(|(a, b)| b - a.iter().zip(&shift).map(|(a, t)| a * t).sum::<f64>())
                .collect();
        let hidden = moved(&p.hidden);
        let rows = DenseRows::new(&p.a, self.d)?;
        let run = Run::default();
        let barrier = Barrier::around(&rows, &b, &hidden, &run)?;
        let c = barrier.at(&hidden, false, &run)?.map(|point| point.gradient).unwrap_or_default();
        let w = match self.weights {
            Weights::Equal(w) => vec![w; self.n],
            Weights::Spread => stream.uniforms(self.n).iter().map(|u| 10f64.powf(4.0 * u - 2.0)).collect(),
        };
        Ok(Case { d: self.d, inside: moved(&p.inside), a: p.a, b, c, w })
    }
}

fn solve(case: &Case, options: &RegularisedOptions) -> Result<RegularisedInversion> {
    let rows = DenseRows::new(&case.a, case.d)?;
    let start = Start { point: Some(&case.inside), ..Start::default() };
    invert_regularised(&rows, &case.b, &case.c, &case.w, &start, options, &Run::default())
}

/// A value counts as the best one's up to this share.
const SAME_VALUE: f64 = 1e-7;

fn reached(minima: &[Minimum], best: f64, origins: &[Origin]) -> bool {
    let near = minima.iter().filter(|m| m.objective <= best * (1.0 + SAME_VALUE));
    near.into_iter().any(|m| m.found_by.iter().any(|o| origins.contains(o)))
}

const TABLE: [Row; 8] = [
    Row { name: "60,3 .9 w10", n: 60, d: 3, depth: 0.9, weights: Weights::Equal(10.0), origin: 0.0 },
    Row { name: "60,3 .99 w50", n: 60, d: 3, depth: 0.99, weights: Weights::Equal(50.0), origin: 0.0 },
    Row { name: "60,3 .99 vec", n: 60, d: 3, depth: 0.99, weights: Weights::Spread, origin: 0.0 },
    Row { name: "200,10 .9 w10", n: 200, d: 10, depth: 0.9, weights: Weights::Equal(10.0), origin: 0.0 },
    Row { name: "200,10 .99 w45", n: 200, d: 10, depth: 0.99, weights: Weights::Equal(45.0), origin: 0.0 },
    Row { name: "200,10 .99 w100", n: 200, d: 10, depth: 0.99, weights: Weights::Equal(100.0), origin: 0.0 },
    Row { name: "origin at .9: 200,10 .9 w10", n: 200, d: 10, depth: 0.9, weights: Weights::Equal(10.0), origin: 0.9 },
    Row { name: "origin outside: 60,3 .99 w10", n: 60, d: 3, depth: 0.99, weights: Weights::Equal(10.0), origin: 1.1 },
];

/// Who reaches the best known value.
fn starts_table(cases: u64) -> Result<()> {
    let options = RegularisedOptions {
        random_starts: Some(60),
        stop_when_unique: false,
        max_boxes: 200_000,
        ..RegularisedOptions::default()
    };
    eprintln!("| case | N | fit | reg | both | flips | arc | all but random | minima | proven | s |");
    let mut totals = [0u64; 7];
    for row in TABLE {
        let (mut counts, mut minima, mut proven, clock) = ([0u64; 7], 0, 0, Instant::now());
        for seed in 0..cases {
            let found = solve(&row.case(seed)?, &options)?;
            let best = found.objective;
            let groups: [&[Origin]; 6] = [
                &[Origin::Fit],
                &[Origin::Regulariser],
                &[Origin::Fit, Origin::Regulariser],
                &[Origin::Flip],
                &[Origin::Arc],
                &[Origin::Fit, Origin::Regulariser, Origin::Flip, Origin::Arc],
            ];
            let hits = groups.map(|origins| reached(&found.minima, best, origins));
            counts[0] += 1;
            hits.iter().zip(&mut counts[1..]).for_each(|(hit, count)| *count += u64::from(*hit));
            minima += found.minima.len();
            let kind = found.certificate.map_or("none", |c| c.kind.name());
            proven += u64::from(kind == "unique" || kind == "global");
            println!(
                "{{\"row\":\"{}\",\"seed\":{seed},\"best\":{best:e},\"minima\":{},\"fit\":{},\"regulariser\":{},\"both\":{},\"flip\":{},\"arc\":{},\"deterministic\":{},\"certificate\":\"{kind}\"}}",
                row.name,
                found.minima.len(),
                hits[0],
                hits[1],
                hits[2],
                hits[3],
                hits[4],
                hits[5]
            );
        }
        let seconds = clock.elapsed().as_secs_f64();
        let [all, fit, reg, both, flip, arc, deterministic] = counts;
        let mean = minima as f64 / all as f64;
        eprintln!(
            "| {} | {all} | {fit} | {reg} | {both} | {flip} | {arc} | {deterministic} | {mean:.1} | {proven} | {seconds:.1} |",
            row.name
        );
        totals.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
    }
    let [all, fit, reg, both, flip, arc, deterministic] = totals;
    eprintln!("| all | {all} | {fit} | {reg} | {both} | {flip} | {arc} | {deterministic} | | | |");
    println!(
        "{{\"table\":\"starts\",\"cases\":{all},\"fit\":{fit},\"regulariser\":{reg},\"both\":{both},\"flip\":{flip},\"arc\":{arc},\"deterministic\":{deterministic}}}"
    );
    Ok(())
}

/// ‖A_x(y − x)‖∞.
fn slack_distance(case: &Case, x: &[f64], y: &[f64]) -> f64 {
    let product = |a: &[f64], v: &[f64]| a.iter().zip(v).map(|(a, v)| a * v).sum::<f64>();
    let rows = case.a.chunks(case.d).zip(&case.b);
    rows.map(|(a, b)| ((product(a, y) - product(a, x)) / (product(a, x) - b)).abs()).fold(0.0, f64::max)
}

/// Whether random starts find what a certificate excludes.
fn certificate_table(seeds: u64) -> Result<()> {
    let proof = RegularisedOptions { random_starts: Some(0), max_boxes: 100_000, ..RegularisedOptions::default() };
    let challenge = RegularisedOptions {
        random_starts: Some(24),
        stop_when_unique: false,
        max_boxes: 0,
        seed: 1,
        ..RegularisedOptions::default()
    };
    let (mut cases, mut kinds, mut contradicted, mut boxes_checked) = (0u64, [0u64; 4], 0u64, 0u64);
    for (n, d) in [(40, 2), (60, 3), (100, 5), (200, 10)] {
        for depth in [0.5, 0.9, 0.99] {
            for w in [0.1, 1.0, 10.0, 100.0] {
                for seed in 0..seeds {
                    let row = Row { name: "", n, d, depth, weights: Weights::Equal(w), origin: 0.0 };
                    let case = row.case(1000 + seed)?;
                    let (proved, found) = (solve(&case, &proof)?, solve(&case, &challenge)?);
                    let kind = proved.certificate.map(|c| c.kind);
                    let claims = matches!(kind, Some(Proof::Unique | Proof::Global));
                    let lower = claims && found.objective < proved.objective * (1.0 - 1e-8);
                    let second = kind == Some(Proof::Unique)
                        && found
                            .minima
                            .iter()
                            .any(|m| m.objective <= proved.objective && slack_distance(&case, &proved.x, &m.x) > 1e-5);
                    let mut inside = false;
                    for m in &found.minima {
                        for other in found.minima.iter().filter(|o| o.objective < m.objective * (1.0 - 1e-8)) {
                            boxes_checked += 1;
                            inside |= m.within.is_none_or(|r| slack_distance(&case, &m.x, &other.x) <= r);
                        }
                    }
                    cases += 1;
                    kinds[match kind {
                        Some(Proof::Unique) => 0,
                        Some(Proof::Global) => 1,
                        Some(Proof::Local) => 2,
                        None => 3,
                    }] += 1;
                    contradicted += u64::from(lower || second || inside);
                    println!(
                        "{{\"n\":{n},\"d\":{d},\"depth\":{depth},\"w\":{w},\"seed\":{seed},\"certificate\":\"{}\",\"boxes\":{},\"minima\":{},\"contradicted\":{}}}",
                        kind.map_or("none", Proof::name),
                        proved.certificate.and_then(|c| c.boxes).unwrap_or(0),
                        found.minima.len(),
                        lower || second || inside
                    );
                }
            }
        }
    }
    let [unique, global, local, none] = kinds;
    eprintln!(
        "certificates: {cases} cases, {unique} unique, {global} global, {local} local, {none} none; {boxes_checked} pairs of minima; {contradicted} contradicted"
    );
    println!(
        "{{\"table\":\"certificates\",\"cases\":{cases},\"unique\":{unique},\"global\":{global},\"local\":{local},\"none\":{none},\"contradicted\":{contradicted}}}"
    );
    Ok(())
}

/// Larger problems: what was used, how far the search went, and what it cost.
fn large_table() -> Result<()> {
    eprintln!("| n,d,depth,w | method | minima | best by | certificate | steps | evaluations | work | s |");
    for (n, d, depth, w) in [(1000, 20, 0.9, 5.0), (2000, 50, 0.9, 5.0), (20_000, 60, 0.9, 5.0), (5000, 150, 0.9, 3.0)]
    {
        let row = Row { name: "", n, d, depth, weights: Weights::Equal(w), origin: 0.0 };
        let (case, clock) = (row.case(0)?, Instant::now());
        let found = solve(&case, &RegularisedOptions::default())?;
        let seconds = clock.elapsed().as_secs_f64();
        let best: Vec<&str> = found.minima.iter().take(1).flat_map(|m| m.found_by.iter().map(|o| o.name())).collect();
        let kind = found.certificate.map_or("none", |c| c.kind.name());
        let (method, minima) = (found.method.name(), found.minima.len());
        eprintln!(
            "| {n},{d} {depth} w{w} | {method} | {minima} | {best:?} | {kind} | {} | {} | {:.0} | {seconds:.1} |",
            found.iterations, found.passes, found.work
        );
        println!(
            "{{\"table\":\"large\",\"n\":{n},\"d\":{d},\"depth\":{depth},\"w\":{w},\"method\":\"{method}\",\"minima\":{minima},\"objective\":{:e},\"certificate\":\"{kind}\",\"steps\":{},\"passes\":{},\"work\":{:.0},\"seconds\":{seconds:.1}}}",
            found.objective, found.iterations, found.passes, found.work
        );
        found.warnings.iter().for_each(|w| eprintln!("  {w}"));
    }
    Ok(())
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse().unwrap_or(0));
    let cases = arguments.next().unwrap_or(20);
    let seeds = arguments.next().unwrap_or(7);
    if cases > 0 {
        starts_table(cases)?;
    }
    certificate_table(seeds)?;
    large_table()
}
