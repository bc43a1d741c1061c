//! From hat values to weights: evaluations and processor seconds, `cargo run --release -p unhat-bench --bin hat_values [threads]
//! [part]`. One JSON line a problem; the parts are `large` (20000 × 100, weights over four orders and inverse squares of
//! slacks; 10⁶ × 20), `dense` and `sparse` (three sizes each, for the cost by nonzeros). Without a part all are run.

use std::time::Instant;
use unhat::Run;
use unhat::invert::hat::{HatOptions, invert_hat};
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat_testkit::generate::{Stream, random_csr};

/// Seconds that the threads of this process have worked, in hundredths, as Linux counts them.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |k: usize| fields.get(k).and_then(|t| t.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn measure(name: &str, source: &dyn RowSource, w: &[f64], run: &Run<'_>) -> Result<(), unhat::Error> {
    let roots: Vec<f64> = w.iter().map(|w| w.sqrt()).collect();
    let clock = processor_seconds();
    let h = leverage_scores(source, Some(&roots), &ScoreOptions::default(), run)?.values;
    let scores = processor_seconds() - clock;
    let (wall, clock) = (Instant::now(), processor_seconds());
    let found = invert_hat(source, &h, &HatOptions::default(), None, run)?;
    let (seconds, wall) = (processor_seconds() - clock, wall.elapsed().as_secs_f64());
    let factor = (found.weights[0].unwrap_or(f64::NAN) / w[0]).ln();
    let off = |(v, w): (&Option<f64>, &f64)| v.map_or(0.0, |v| ((v / w).ln() - factor).abs());
    let error = found.weights.iter().zip(w).map(off).fold(0.0, f64::max);
    let shape = source.shape();
    let last = found.history.last().map_or(0, |step| step.passes);
    println!(
        "{{\"problem\":\"{name}\",\"rows\":{},\"columns\":{},\"nonzeros\":{},\"status\":\"{}\",\"evaluations\":{last},\
         \"evaluations_with_proof\":{},\"work\":{:.1},\"processor_seconds\":{seconds:.2},\"seconds\":{wall:.2},\
         \"processor_seconds_of_scores\":{scores:.2},\"error_log_weights\":{error:.1e},\"proven\":{}}}",
        shape.rows,
        shape.columns,
        shape.stored,
        found.status.name(),
        found.passes,
        found.work,
        found.intervals.is_some(),
    );
    Ok(())
}

fn orders(stream: &mut Stream, n: usize, orders: f64) -> Vec<f64> {
    (0..n).map(|_| 10f64.powf(orders * stream.uniform())).collect()
}

fn main() -> Result<(), unhat::Error> {
    let threads = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    let part = std::env::args().nth(2);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let run = Run { pool: Some(&pool), ..Run::default() };
    if wanted("large") {
        let (n, d) = (20_000, 100);
        let mut stream = Stream::new(1, "large hat values");
        let a = stream.normals(n * d);
        let rows = DenseRows::new(&a, d)?;
        measure("weights over four orders", &rows, &orders(&mut stream, n, 4.0), &run)?;
        // A point as far from the response as its noise.
        let slacks: Vec<f64> = stream.normals(n).iter().map(|s| 1.0 / (s * s).max(1e-12)).collect();
        measure("inverse squares of normal slacks", &rows, &slacks, &run)?;
        drop(a);
        let (n, d) = (1_000_000, 20);
        let a = stream.normals(n * d);
        measure("a million rows", &DenseRows::new(&a, d)?, &orders(&mut stream, n, 2.0), &run)?;
    }
    if wanted("dense") {
        for n in [25_000, 50_000, 100_000] {
            let mut stream = Stream::new(2, "dense hat values");
            let a = stream.normals(n * 30);
            measure("dense, 30 columns", &DenseRows::new(&a, 30)?, &orders(&mut stream, n, 2.0), &run)?;
        }
    }
    if wanted("sparse") {
        for n in [50_000, 100_000, 200_000] {
            let csr = random_csr(n, 100, 10, 1);
            let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 100)?;
            let mut stream = Stream::new(3, "sparse hat values");
            measure("sparse, ten entries a row", &rows, &orders(&mut stream, n, 2.0), &run)?;
        }
    }
    Ok(())
}
