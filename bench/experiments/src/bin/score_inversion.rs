//! Measures the inversion of scores: `cargo run --release -p unhat-bench --bin score_inversion [part …]`, parts lift, large,
//! polytopes, orders, noise (all but `large` without arguments). One JSON line a result goes to stdout.

use std::time::Instant;
use unhat::barrier::{Barrier, Point, Side};
use unhat::gram::FactorMethod;
use unhat::invert::scores::{
    ScoreInversion, ScoreInvertOptions, ScoreMethod, ScoreStart, cramer_rao_gradient, cramer_rao_scores, invert_scores,
    noisy_gradient_estimate,
};
use unhat::invert::{InvertOptions, Start};
use unhat::rows::DenseRows;
use unhat::solve::Status;
use unhat::{Result, Run};
use unhat_testkit::generate::{Stream, random_polytope};

fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| asked.iter().any(|a| a == part) || (asked.is_empty() && part != "large");
    if wanted("lift") {
        for (n, d) in [(60, 5), (400, 10), (1500, 20), (4000, 40)] {
            lifts(n, d, 20)?;
        }
    }
    if wanted("large") {
        lifts(12_000, 100, 3)?;
    }
    if wanted("polytopes") {
        polytopes()?;
    }
    if wanted("orders") {
        orders()?;
    }
    if wanted("noise") {
        for data in [DataSet::normal(200, 4, 1), DataSet::polytope(300, 6, 2), DataSet::skewed(400, 5, 3)] {
            noisy_gradients(&data)?;
            noisy_scores(&data)?;
        }
    }
    Ok(())
}

/// Rows, offset, and the hidden x.
struct DataSet {
    name: &'static str,
    a: Vec<f64>,
    b: Vec<f64>,
    x: Vec<f64>,
}

impl DataSet {
    /// Normal rows, b = Ax + noise: signs are mixed at random.
    fn normal(n: usize, d: usize, seed: u64) -> DataSet {
        let mut stream = Stream::new(seed, "score inversion, normal");
        let (a, x) = (stream.normals(n * d), stream.normals(d));
        let b = times(&a, &x).iter().map(|v| v + stream.normal()).collect();
        DataSet { name: "normal", a, b, x }
    }

    /// A random polytope, the hidden point half-way to its boundary.
    fn polytope(n: usize, d: usize, seed: u64) -> DataSet {
        let p = random_polytope(n, d, 0.5, seed, Some(3.0));
        DataSet { name: "polytope", a: p.a, b: p.b, x: p.hidden }
    }

    /// An intercept and correlated log-normal columns of different units; errors that grow with the fitted value.
    fn skewed(n: usize, d: usize, seed: u64) -> DataSet {
        let mut stream = Stream::new(seed, "score inversion, skewed");
        let mut a = Vec::with_capacity(n * d);
        for _ in 0..n {
            let common = stream.normal();
            a.push(1.0);
            a.extend((1..d).map(|j| 10f64.powi(j as i32 - 2) * (0.5 * (common + stream.normal())).exp()));
        }
        let x: Vec<f64> = (0..d).map(|j| stream.normal() * 10f64.powi(2 - j as i32)).collect();
        let b = times(&a, &x).iter().map(|v| v + (1.0 + 0.3 * v.abs()) * stream.normal()).collect();
        DataSet { name: "skewed", a, b, x }
    }

    fn rows(&self) -> Result<DenseRows<'_>> {
        DenseRows::new(&self.a, self.x.len())
    }

    fn at_hidden(&self) -> Result<Point> {
        let (rows, run) = (self.rows()?, Run::default());
        let barrier = Barrier::around(&rows, &self.b, &self.x, &run)?;
        barrier.set_precision(FactorMethod::Tsqr);
        Ok(barrier.at(&self.x, false, &run)?.expect("a point lies in its own cell"))
    }
}

fn times(a: &[f64], x: &[f64]) -> Vec<f64> {
    a.chunks(x.len()).map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect()
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    distance(found, expected) / distance(expected, &vec![0.0; expected.len()])
}

/// Peak resident memory of the process in MB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn lifts(n: usize, d: usize, seeds: u64) -> Result<()> {
    let mut bounds = Vec::new();
    let (mut errors, mut seconds, mut defects, mut covered) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut unpolished: f64 = 0.0;
    let mut proven = 0;
    for seed in 0..seeds {
        let data = DataSet::normal(n, d, seed);
        let target = data.at_hidden()?.scores;
        let clock = Instant::now();
        let options = ScoreInvertOptions { method: ScoreMethod::Lift, ..ScoreInvertOptions::default() };
        let found =
            invert_scores(&data.rows()?, &data.b, &target, None, &ScoreStart::Unknown, &options, &Run::default())?;
        seconds.push(clock.elapsed().as_secs_f64());
        errors.push(relative_error(&found.x, &data.x));
        let lift = found.lift.as_ref().expect("a lift was asked for");
        unpolished = unpolished.max(relative_error(&lift.x, &data.x));
        defects.push(found.lift.as_ref().and_then(|l| l.product_defect).unwrap_or(f64::NAN));
        if let Some(certificate) = found.certificate {
            proven += 1;
            bounds.push(certificate.euclidean / distance(&data.x, &vec![0.0; d]));
            covered += usize::from(distance(&found.x, &data.x) <= certificate.euclidean);
        }
        if seeds <= 3 {
            println!(
                "{{\"part\":\"lift\",\"n\":{n},\"d\":{d},\"seed\":{seed},\"error\":{:e},\"seconds\":{:.2},\"rows\":{},\"unknowns\":{},\"residual\":{:.1e}}}",
                errors[seed as usize], seconds[seed as usize], lift.rows, lift.unknowns, lift.residual
            );
        }
    }
    let worst = errors.iter().fold(0.0, |a: f64, b| a.max(*b));
    println!(
        "{{\"part\":\"lift\",\"n\":{n},\"d\":{d},\"seeds\":{seeds},\"error_max\":{worst:.2e},\"unpolished_max\":{unpolished:.2e},\"error_median\":{:.2e},\"product_defect_median\":{:.1e},\"seconds_median\":{:.3},\"peak_mb\":{:.0},\"certificates\":{proven},\"certificates_true\":{covered},\"bound_relative_median\":{:.1e}}}",
        median(&mut errors),
        median(&mut defects),
        median(&mut seconds),
        peak_memory().unwrap_or(f64::NAN),
        median(&mut bounds),
    );
    Ok(())
}

fn polytopes() -> Result<()> {
    let (mut solved, mut first_fit, mut total) = (0, 0, 0);
    let mut iterations = Vec::new();
    let mut seconds = Vec::new();
    for seed in 0..400 {
        let (n, d) = [(60, 5), (100, 8), (200, 10), (40, 6)][seed as usize % 4];
        let depth = [0.3, 0.6, 0.9, 0.99][(seed as usize / 4) % 4];
        let p = random_polytope(n, d, depth, seed, Some(3.0));
        let data = DataSet { name: "polytope", a: p.a, b: p.b, x: p.hidden };
        let target = data.at_hidden()?.scores;
        let clock = Instant::now();
        let found = second_order(&data, &target, ScoreMethod::SecondOrder, None)?;
        seconds.push(clock.elapsed().as_secs_f64());
        total += 1;
        let good = relative_error(&found.x, &data.x) <= 1e-8;
        solved += usize::from(good);
        first_fit += usize::from(good && found.candidates.len() == 1);
        iterations.push(f64::from(found.iterations));
        if !good {
            let error = relative_error(&found.x, &data.x);
            println!(
                "{{\"part\":\"polytopes\",\"failed\":{seed},\"n\":{n},\"d\":{d},\"depth\":{depth},\"error\":{error:.1e},\"residual\":{:.1e},\"candidates\":{}}}",
                found.residual,
                found.candidates.len()
            );
        }
    }
    let most = iterations.iter().fold(0.0, |a: f64, b| a.max(*b));
    println!(
        "{{\"part\":\"polytopes\",\"total\":{total},\"solved\":{solved},\"from_the_centre_alone\":{first_fit},\"iterations_median\":{},\"iterations_max\":{most},\"seconds_median\":{:.4}}}",
        median(&mut iterations),
        median(&mut seconds),
    );
    for (n, d) in [(2000, 50), (20_000, 50), (4000, 100), (20_000, 100), (3000, 150)] {
        let data = DataSet::polytope(n, d, 7);
        let target = data.at_hidden()?.scores;
        let clock = Instant::now();
        let found = second_order(&data, &target, ScoreMethod::SecondOrder, None)?;
        println!(
            "{{\"part\":\"polytopes\",\"n\":{n},\"d\":{d},\"iterations\":{},\"error\":{:.1e},\"seconds\":{:.3},\"work\":{:.0}}}",
            found.iterations,
            relative_error(&found.x, &data.x),
            clock.elapsed().as_secs_f64(),
            found.history.last().map_or(0.0, |s| s.work)
        );
    }
    Ok(())
}

fn second_order(data: &DataSet, target: &[f64], method: ScoreMethod, limit: Option<u32>) -> Result<ScoreInversion> {
    let options = ScoreInvertOptions { method, max_iterations: limit, ..ScoreInvertOptions::default() };
    let start = ScoreStart::Side(Side::Above);
    invert_scores(&data.rows()?, &data.b, target, None, &start, &options, &Run::default())
}

/// First order, Newton and Levenberg–Marquardt from the same centre.
fn orders() -> Result<()> {
    for (n, d) in [(100, 5), (200, 10)] {
        for depth in [0.3, 0.6, 0.9] {
            let p = random_polytope(n, d, depth, 11, None);
            let data = DataSet { name: "polytope", a: p.a, b: p.b, x: p.hidden };
            let target = data.at_hidden()?.scores;
            for method in [ScoreMethod::SecondOrder, ScoreMethod::Newton, ScoreMethod::FirstOrder] {
                let clock = Instant::now();
                let found = second_order(&data, &target, method, None)?;
                let trace = &found.history;
                let late: Vec<f64> = trace.iter().rev().take(6).map(|s| s.residual).collect();
                println!(
                    "{{\"part\":\"orders\",\"n\":{n},\"d\":{d},\"depth\":{depth},\"method\":\"{}\",\"status\":\"{}\",\"iterations\":{},\"error\":{:.1e},\"last_residuals\":{late:?},\"seconds\":{:.4}}}",
                    method.name(),
                    found.status.name(),
                    found.iterations,
                    relative_error(&found.x, &data.x),
                    clock.elapsed().as_secs_f64()
                );
            }
        }
    }
    Ok(())
}

const TRIALS: u64 = 2000;
const LEVELS: [f64; 6] = [1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];

/// Mean of squared errors over the bound, its standard error, and the median error over the bound.
struct Against {
    ratio: f64,
    standard_error: f64,
    median: f64,
}

fn against(errors: &mut [f64], rms: f64) -> Against {
    let squares: Vec<f64> = errors.iter().map(|e| (e / rms).powi(2)).collect();
    let count = squares.len() as f64;
    let ratio = squares.iter().sum::<f64>() / count;
    let variance = squares.iter().map(|s| (s - ratio).powi(2)).sum::<f64>() / (count - 1.0);
    Against { ratio, standard_error: (variance / count).sqrt(), median: median(errors) / rms }
}

fn report(data: &DataSet, release: &str, level: f64, rms: f64, errors: &mut [f64], unsolved: usize, seconds: f64) {
    let size = distance(&data.x, &vec![0.0; data.x.len()]);
    let result = against(errors, rms);
    let on_the_line = (result.ratio - 1.0).abs() <= 0.05 + 3.0 * result.standard_error;
    println!(
        "{{\"part\":\"noise\",\"data\":\"{}\",\"n\":{},\"d\":{},\"release\":\"{release}\",\"relative_noise\":{level:e},\"trials\":{TRIALS},\"bound_relative\":{:.2e},\"mse_over_bound\":{:.4},\"standard_error\":{:.4},\"median_over_bound\":{:.3},\"on_the_line\":{on_the_line},\"unsolved\":{unsolved},\"seconds\":{seconds:.1}}}",
        data.name,
        data.b.len(),
        data.x.len(),
        rms / size,
        result.ratio,
        result.standard_error,
        result.median
    );
}

fn noisy_gradients(data: &DataSet) -> Result<()> {
    let (point, rows, run) = (data.at_hidden()?, data.rows()?, Run::default());
    let size = distance(&point.gradient, &vec![0.0; data.x.len()]) / (data.x.len() as f64).sqrt();
    let signs: Vec<f64> = point.slack.iter().map(|s| s.signum()).collect();
    let options = InvertOptions::default();
    // Signs alone need an interior point each time; one point of the cell says the same.
    let start = Start { signs: Some(&signs), ..Start::default() };
    let inside = unhat::invert::invert_gradient(&rows, &data.b, &point.gradient, &start, &options, None, &run)?.x;
    for level in LEVELS {
        let clock = Instant::now();
        let noise = level * size;
        let bound = cramer_rao_gradient(&rows, &data.b, &data.x, noise, &run)?;
        let (mut errors, mut unsolved) = (Vec::new(), 0);
        for trial in 0..TRIALS {
            let mut stream = Stream::new(trial, "gradient noise");
            let target: Vec<f64> = point.gradient.iter().map(|g| g + noise * stream.normal()).collect();
            let start = Start { point: Some(&inside), ..Start::default() };
            match noisy_gradient_estimate(&rows, &data.b, &target, noise, &start, &options, &run) {
                Ok(found) => {
                    unsolved += usize::from(found.inversion.status != Status::Solved);
                    errors.push(distance(&found.inversion.x, &data.x));
                }
                Err(_) => unsolved += 1,
            }
        }
        report(data, "gradient", level, bound.rms, &mut errors, unsolved, clock.elapsed().as_secs_f64());
    }
    Ok(())
}

fn noisy_scores(data: &DataSet) -> Result<()> {
    let (point, rows, run) = (data.at_hidden()?, data.rows()?, Run::default());
    let size = distance(&point.scores, &vec![0.0; data.b.len()]) / (data.b.len() as f64).sqrt();
    for level in LEVELS {
        let clock = Instant::now();
        let noise = level * size;
        let bound = cramer_rao_scores(&rows, &data.b, &data.x, None, noise, &run)?;
        let (mut errors, mut unsolved) = (Vec::new(), 0);
        let options = ScoreInvertOptions::with_noise(noise);
        for trial in 0..TRIALS {
            let mut stream = Stream::new(trial, "score noise");
            let target: Vec<f64> = point.scores.iter().map(|s| s + noise * stream.normal()).collect();
            let found = invert_scores(&rows, &data.b, &target, None, &ScoreStart::Unknown, &options, &run)?;
            unsolved += usize::from(found.status != Status::Solved);
            errors.push(distance(&found.x, &data.x));
        }
        report(data, "scores, blind", level, bound.rms, &mut errors, unsolved, clock.elapsed().as_secs_f64());
    }
    Ok(())
}
