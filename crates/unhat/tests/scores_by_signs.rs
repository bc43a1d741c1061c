//! Scores of all rows tell the sizes of the slacks, and few patterns of signs fit them: x comes back from 2d + 1 scores.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::barrier::Barrier;
use unhat::gram::FactorMethod;
use unhat::invert::hat::HatPrecision;
use unhat::invert::scores::{ScoreInversion, ScoreInvertOptions, ScoreMethod, ScoreStart, invert_scores};
use unhat::rows::DenseRows;
use unhat::{Result, Run};
use unhat_testkit::generate::Stream;

/// A table with an intercept, its response, and an x one standard error away from the least-squares fit.
struct Table {
    a: Vec<f64>,
    b: Vec<f64>,
    x: Vec<f64>,
    d: usize,
}

/// Which columns a table has.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Columns {
    Normal,
    Lognormal,
    Dummies,
    HeavyTailed,
}

const COLUMNS: [Columns; 4] = [Columns::Normal, Columns::Lognormal, Columns::Dummies, Columns::HeavyTailed];

/// The first draw whose columns are independent.
fn table(n: usize, d: usize, columns: Columns, noise: f64, seed: u64) -> Table {
    (0..100).find_map(|again| drawn(n, d, columns, noise, seed + 1_000_003 * again)).unwrap()
}

fn drawn(n: usize, d: usize, columns: Columns, noise: f64, seed: u64) -> Option<Table> {
    let mut s = Stream::new(seed, "scores by signs");
    let mut a = Vec::with_capacity(n * d);
    for _ in 0..n {
        a.push(1.0);
        for j in 1..d {
            let z = s.normal();
            a.push(match columns {
                Columns::Normal => z,
                Columns::Lognormal => z.exp(),
                Columns::Dummies if j % 2 == 0 => f64::from(u8::from(z > 0.3)),
                Columns::Dummies => z,
                Columns::HeavyTailed => z / (0.5 * (s.normal().powi(2) + s.normal().powi(2))).sqrt().max(1e-3),
            });
        }
    }
    let beta: Vec<f64> = (0..d).map(|_| s.normal()).collect();
    let b: Vec<f64> = a.chunks(d).map(|r| r.iter().zip(&beta).map(|(a, x)| a * x).sum::<f64>() + noise * s.normal()).collect();
    let rows = DenseRows::new(&a, d).unwrap();
    let fit = unhat::leverage::least_squares(&rows, &b, &Run::default()).ok()?;
    let error = (fit.residual.iter().map(|r| r * r).sum::<f64>() / (n - d) as f64).sqrt();
    let z: Vec<f64> = (0..d).map(|_| error * s.normal()).collect();
    let h = fit.factor.half_solve_transposed(&z);
    let x = fit.x.iter().zip(&h).map(|(x, h)| x + h).collect();
    Some(Table { a, b, x, d })
}

impl Table {
    fn scores(&self) -> Vec<f64> {
        let (rows, run) = (DenseRows::new(&self.a, self.d).unwrap(), Run::default());
        let barrier = Barrier::around(&rows, &self.b, &self.x, &run).unwrap();
        barrier.set_precision(FactorMethod::CholeskyQr2);
        barrier.at(&self.x, false, &run).unwrap().unwrap().scores
    }

    fn invert(&self, target: &[f64], options: &ScoreInvertOptions) -> Result<ScoreInversion> {
        let rows = DenseRows::new(&self.a, self.d).unwrap();
        invert_scores(&rows, &self.b, target, None, &ScoreStart::Unknown, options, &Run::default())
    }

    fn error(&self, x: &[f64]) -> f64 {
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let away: Vec<f64> = x.iter().zip(&self.x).map(|(a, b)| a - b).collect();
        norm(&away) / norm(&self.x)
    }
}

#[test]
fn exact_scores_of_2d_plus_1_rows_give_x_back() {
    let weights = ScoreInvertOptions { method: ScoreMethod::Weights, ..ScoreInvertOptions::default() };
    let (mut all, mut right) = (0, 0);
    for d in [3, 5, 10, 20] {
        for share in [2.0, 2.5, 4.0, 10.0] {
            let n = if share == 2.0 { 2 * d + 1 } else { (share * d as f64) as usize };
            for (k, columns) in COLUMNS.into_iter().enumerate() {
                for (m, noise) in [0.3, 3.0].into_iter().enumerate() {
                    let t = table(n, d, columns, noise, (1000 * d + 10 * n + 2 * k + m) as u64);
                    let clock = std::time::Instant::now();
                    let found = t.invert(&t.scores(), &weights).unwrap();
                    all += 1;
                    let error = t.error(&found.x);
                    if found.identified && error < 1e-6 { right += 1; } else {
                        eprintln!("{d} {n} {columns:?} {noise}: error {error:.1e} identified {} unique {} residual {:.1e} candidates {:?} {:?} silent {:?}", found.identified, found.unique, found.residual, found.candidates.iter().map(|c| (c.residual, t.error(&c.x), c.origin.clone())).collect::<Vec<_>>(), found.warnings, found.silent);
                    }
                    if clock.elapsed().as_secs_f64() > 0.5 { eprintln!("{d} {n} {columns:?} took {:?}", clock.elapsed()); }
                }
            }
        }
    }
    eprintln!("{right} of {all}");
    assert!(right >= all - 3);
}

fn rounded(v: f64, digits: usize) -> f64 {
    format!("{v:.*e}", digits - 1).parse().unwrap()
}

#[test]
fn rounded_scores_give_x_within_three_times_the_bound() {
    let shapes = [(40, 4), (48, 8), (120, 8)];
    for (n, d) in shapes {
        for digits in [0, 4, 3, 2, 1] {
            for rel in if digits > 0 { vec![0.0] } else { vec![1e-3, 1e-2, 1e-1] } {
                let (mut near, mut ratio, mut baseline, mut better, mut unsolved) = (0, Vec::new(), 0, 0, 0);
                let clock = std::time::Instant::now();
                let tries = 16;
                for seed in 0..tries {
                    let columns = COLUMNS[seed % 2];
                    let t = table(n, d, columns, [0.3, 3.0][seed / 2 % 2], 7 + seed as u64);
                    let s = t.scores();
                    let rms = (s.iter().map(|s| s * s).sum::<f64>() / n as f64).sqrt();
                    let mut stream = Stream::new(seed as u64, "noise of scores");
                    let (target, precision): (Vec<f64>, _) = match digits {
                        0 => (s.iter().map(|s| s + rel * rms * stream.normal()).collect(), HatPrecision::Noise(vec![rel * rms])),
                        k => (s.iter().map(|s| rounded(*s, k)).collect(), HatPrecision::Digits(k as u32)),
                    };
                    let options = ScoreInvertOptions { precision: precision.clone(), ..ScoreInvertOptions::default() };
                    let found = t.invert(&target, &options).unwrap();
                    // The bound at x itself.
                    let at_x = {
                        let rows = DenseRows::new(&t.a, d).unwrap();
                        let run = Run::default();
                        let barrier = Barrier::around(&rows, &t.b, &t.x, &run).unwrap();
                        let point = barrier.at(&t.x, false, &run).unwrap().unwrap();
                        let nu: Vec<f64> = match digits { 0 => vec![rel * rms; n], k => target.iter().map(|h| 0.5 * 10f64.powi(h.log10().floor() as i32 + 1 - k as i32) / 3f64.sqrt()).collect() };
                        let weight: Vec<f64> = nu.iter().map(|v| 1.0 / (v * v)).collect();
                        let gram = barrier.score_normal_equations(&point, &vec![0.0; n], &weight, &run).unwrap().gram;
                        // whitened: cov = L^-T G^-1 L^-1
                        let misfit: f64 = s.iter().zip(&target).zip(&nu).map(|((s, t), v)| ((s - t) / v).powi(2)).sum();
                        let g = nalgebra_free(&gram, d);
                        let mut trace = 0.0;
                        for j in 0..d { let mut e = vec![0.0; d]; e[j] = 1.0; let c = solve(&g, &e); let h: f64 = { let col = point.factor.half_solve_transposed(&c); let _ = col; 0.0 }; let _ = h; let root = point.factor.half_solve_transposed(&e); let _ = root; let w = point.factor.half_solve(&e); let y = solve(&g, &w); trace += w.iter().zip(&y).map(|(a, b)| a * b).sum::<f64>(); }
                        (trace.sqrt(), misfit)
                    };
                    let norm = t.x.iter().map(|v| v * v).sum::<f64>().sqrt();
                    let bound = at_x.0 / norm;
                    let error = t.error(&found.x);
                    ratio.push(error / bound);
                    if error <= 3.0 * bound { near += 1; }
                    let rows = DenseRows::new(&t.a, d).unwrap();
                    let fit = unhat::leverage::least_squares(&rows, &t.b, &Run::default()).unwrap();
                    if error > t.error(&fit.x) { baseline += 1; }
                    let ours = found.candidates[0].misfit.powi(2) / found.noise.unwrap().powi(2);
                    if ours <= at_x.1 * 1.0001 { better += 1; }
                    if !found.identified { unsolved += 1; }
                }
                ratio.sort_by(f64::total_cmp);
                eprintln!("{n}x{d} digits {digits} rel {rel}: near {near}/{tries} median ratio {:.2} worst {:.1} worse than LS {baseline} misfit below truth {better} rivals {unsolved} {:.2} s a try", ratio[ratio.len() / 2], ratio[ratio.len() - 1], clock.elapsed().as_secs_f64() / tries as f64);
            }
        }
    }
}

fn nalgebra_free(g: &[f64], d: usize) -> Vec<f64> { let _ = d; g.to_vec() }
fn solve(g: &[f64], v: &[f64]) -> Vec<f64> {
    let d = v.len();
    let mut m: Vec<Vec<f64>> = (0..d).map(|i| (0..d).map(|j| g[i + j * d]).chain([v[i]]).collect()).collect();
    for k in 0..d {
        let p = (k..d).max_by(|a, b| m[*a][k].abs().total_cmp(&m[*b][k].abs())).unwrap();
        m.swap(k, p);
        for i in 0..d { if i != k { let f = m[i][k] / m[k][k]; for j in k..=d { let x = m[k][j]; m[i][j] -= f * x; } } }
    }
    (0..d).map(|i| m[i][d] / m[i][i]).collect()
}
