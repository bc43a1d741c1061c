//! Scores of a worker–year panel with absorbed factors, by size and by how workers move:
//! `cargo run --release -p unhat-bench --bin absorb [WORKERS FIRMS YEARS KIND METHOD [PROBES]]` prints one line a panel; without
//! words, the panels of the record. KIND: few (two moves a firm in all), region (6 % a year, most within a hundred firms), random.

use std::time::Instant;
use unhat::leverage::{AbsorbMethod, AbsorbOptions, AbsorbedScores, Factor, absorbed_scores};
use unhat::{Error, Run};
use unhat_testkit::generate::Stream;

struct Panel {
    worker: Vec<u32>,
    firm: Vec<u32>,
}

/// Firms of log-normal size in regions of a hundred; a worker who moves draws a firm by its size, within the region or not.
fn panel(kind: &str, workers: usize, firms: usize, years: usize) -> Panel {
    let mut stream = Stream::new(1, "panel");
    let mut total = 0.0;
    let bounds: Vec<f64> = (0..firms)
        .map(|_| {
            total += (1.2 * stream.normal()).exp();
            total
        })
        .collect();
    let (yearly, stay) = match kind {
        "few" => (2.0 * firms as f64 / workers as f64 / (years - 1) as f64, 0.9),
        "region" => (0.06, 0.95),
        _ => (0.06, 0.0),
    };
    let draw = |from: usize, to: usize, u: f64| {
        let low = if from == 0 { 0.0 } else { bounds[from - 1] };
        let at = low + u * (bounds[to - 1] - low);
        bounds.partition_point(|bound| *bound <= at).min(firms - 1) as u32
    };
    let mut panel = Panel { worker: Vec::new(), firm: Vec::new() };
    for worker in 0..workers {
        let mut firm = draw(0, firms, stream.uniform());
        for year in 0..years {
            if year > 0 && stream.uniform() < yearly {
                let region = firm as usize / 100 * 100;
                firm = match stream.uniform() < stay {
                    true => draw(region, (region + 100).min(firms), stream.uniform()),
                    false => draw(0, firms, stream.uniform()),
                };
            }
            panel.worker.push(worker as u32);
            panel.firm.push(firm);
        }
    }
    panel
}

fn measure(
    kind: &str,
    (workers, firms, years): (usize, usize, usize),
    method: AbsorbMethod,
    probes: usize,
) -> Result<AbsorbedScores, Error> {
    let panel = panel(kind, workers, firms, years);
    let factors = [Factor::new("worker", &panel.worker, workers)?, Factor::new("firm", &panel.firm, firms)?];
    let options = AbsorbOptions { method, probes, ..AbsorbOptions::default() };
    let clock = Instant::now();
    let scores = absorbed_scores(&factors, None, None, &options, &Run::default())?;
    println!(
        "{kind} {workers} x {years} rows, {firms} firms: {} ({}) {:.2} s; rank {}, sum off by {:.1e}; {} components, {} rows of \
         score 1, {} solved",
        scores.method.name(),
        scores.reason,
        clock.elapsed().as_secs_f64(),
        scores.rank,
        scores.sum_defect,
        scores.components,
        scores.determined.len(),
        scores.solved
    );
    Ok(scores)
}

fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [workers, firms, years, kind, method, rest @ ..] = words.as_slice() {
        let number = |word: &String| word.parse::<f64>().map_or(0, |value| value as usize);
        let method = match method.as_str() {
            "exact" => AbsorbMethod::Exact,
            "probes" => AbsorbMethod::Probes,
            _ => AbsorbMethod::Auto,
        };
        let probes = rest.first().map_or(500, number);
        measure(kind, (number(workers), number(firms), number(years)), method, probes)?;
        return Ok(());
    }
    for kind in ["few", "region", "random"] {
        for workers in [10_000, 30_000, 100_000] {
            measure(kind, (workers, workers / 10, 10), AbsorbMethod::Exact, 500)?;
        }
        let size = (100_000, 10_000, 10);
        let (exact, probes) =
            (measure(kind, size, AbsorbMethod::Exact, 500)?, measure(kind, size, AbsorbMethod::Probes, 500)?);
        let errors = probes.standard_errors.as_deref().unwrap_or_default();
        let estimated: Vec<usize> = (0..errors.len()).filter(|&row| errors[row] > 0.0).collect();
        let inside =
            estimated.iter().filter(|&&i| (probes.values[i] - exact.values[i]).abs() <= 2.0 * errors[i]).count();
        println!(
            "   within two standard errors: {:.2} % of {} estimated rows",
            100.0 * inside as f64 / estimated.len() as f64,
            estimated.len()
        );
    }
    Ok(())
}
