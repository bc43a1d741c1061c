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
