//! All diagnostics of a fit in units of the leverage scores of the same matrix, in turns, on one thread:
//! `cargo run --release -p unhat-bench --bin diagnose_speed [rounds]`. One JSON line a size: tables of numbers, and tables of numbers
//! beside two factors of 50 levels.
//!
//! *Scores* are of the matrix as it lies in memory, dense or compressed. *Diagnostics* are everything from the table on: model frame,
//! fit, the columns of every row, flags, robust errors, the summary; *dfbetas* are the changes of every coefficient by every row besides.

use std::hint::black_box;
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::{Block, CsrRows, DenseRows, RowSource};
use unhat::{Result, Run};
use unhat_models::diagnose::{Change, DiagnoseReport, LISTED, Options, Request};
use unhat_models::formula::Formula;
use unhat_models::models::{Column, Frame, TextColumn};
use unhat_models::regression::{Model, ModelFrame, Specification};
use unhat_testkit::generate::Stream;

/// Processor seconds of the process, all threads, in steps of a hundredth.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(") ").next().unwrap_or("").split(' ').skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A table of `numbers` columns of numbers beside factors of so many levels, and a response.
fn table(n: usize, numbers: usize, levels: &[usize]) -> Result<Frame> {
    let mut stream = Stream::new(18, "diagnose speed");
    let mut columns = Vec::new();
    let mut response = stream.normals(n);
    for k in 0..numbers {
        let x = stream.normals(n);
        response.iter_mut().zip(&x).for_each(|(y, x)| *y += x / (1.0 + k as f64));
        columns.push((format!("x{k}"), Column::Numbers(x)));
    }
    for (k, &count) in levels.iter().enumerate() {
        let codes = stream.uniforms(n).into_iter().map(|u| (u * count as f64) as usize);
        let words: Vec<String> = (0..count).map(|level| format!("l{level:03}")).collect();
        let cells: Vec<Option<&str>> = codes.map(|code| Some(words[code].as_str())).collect();
        columns.push((format!("g{k}"), Column::Text(TextColumn::new(cells))));
    }
    columns.push(("y".into(), Column::Numbers(response)));
    Frame::new(columns)
}

/// The rows of a matrix as they would lie in memory.
enum Held {
    Dense(Vec<f64>),
    Compressed(Vec<usize>, Vec<u32>, Vec<f64>),
}

fn held(source: &dyn RowSource) -> Result<Held> {
    let (mut dense, mut pointers, mut indices, mut values) = (Vec::new(), vec![0], Vec::new(), Vec::new());
    for k in 0..source.blocks() {
        source.with_block(k, &mut |rows| {
            match rows.block {
                Block::Dense(block) => dense.extend_from_slice(block.values),
                Block::Csr(block) => {
                    for i in 0..block.rows() {
                        let (some, entries) = block.row(i);
                        indices.extend_from_slice(some);
                        values.extend_from_slice(entries);
                        pointers.push(indices.len());
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(if dense.is_empty() { Held::Compressed(pointers, indices, values) } else { Held::Dense(dense) })
}

fn scores(held: &Held, d: usize, run: &Run<'_>) -> Result<()> {
    let options = ScoreOptions::default();
    black_box(match held {
        Held::Dense(values) => leverage_scores(&DenseRows::new(values, d)?, None, &options, run)?,
        Held::Compressed(pointers, indices, values) => {
            leverage_scores(&CsrRows::new(pointers, indices, values, d)?, None, &options, run)?
        }
    });
    Ok(())
}

/// Processor seconds of one call, from as many as take a second.
fn timed(mut f: impl FnMut() -> Result<()>) -> Result<f64> {
    let (before, mut calls) = (processor_seconds(), 0);
    loop {
        f()?;
        calls += 1;
        let spent = processor_seconds() - before;
        if spent >= 1.0 {
            return Ok(spent / f64::from(calls));
        }
    }
}

fn measure(n: usize, numbers: usize, levels: &[usize], rounds: usize) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("threads");
    let run = Run { pool: Some(&pool), ..Run::default() };
    let frame = table(n, numbers, levels)?;
    let specification = Specification::new(Formula::parse("y ~ .")?);
    let request = Request { specification: specification.clone(), model: Model::Linear, options: Options::default() };
    let model = ModelFrame::of(&frame, &specification, Model::Linear.law().family())?;
    let (shape, rows) = (model.matrix.shape(), held(&model.matrix)?);
    drop(model);
    let (mut of_scores, mut of_diagnostics, mut of_dfbetas) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_scores.push(timed(|| scores(&rows, shape.columns, &run))?);
        of_diagnostics.push(timed(|| {
            let answer = request.answer(&frame, &run)?;
            black_box(DiagnoseReport::of(&answer, LISTED));
            Ok(())
        })?);
        let answer = request.answer(&frame, &run)?;
        let all: Vec<usize> = (0..answer.fit.rank()).collect();
        of_dfbetas.push(timed(|| {
            for k in 0..answer.problem().source.blocks() {
                black_box(answer.changes(Change::Dfbetas, k, &all)?);
            }
            Ok(())
        })?);
    }
    let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    let median = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let mut line = serde_json::json!({
        "rows": n, "numbers": numbers, "levels": levels, "columns": shape.columns, "stored": shape.stored, "rounds": rounds,
        "ratio_of_least": least(&of_diagnostics) / least(&of_scores),
        "ratio_of_medians": median(&of_diagnostics) / median(&of_scores),
    });
    for (name, values) in [("scores", &of_scores), ("diagnostics", &of_diagnostics), ("dfbetas", &of_dfbetas)] {
        line[format!("{name}_processor_seconds")] =
            serde_json::json!({ "least": least(values), "median": median(values), "all": values });
    }
    println!("{line}");
    Ok(())
}

fn main() -> Result<()> {
    let rounds = std::env::args().nth(1).and_then(|v| v.parse().ok()).unwrap_or(7);
    for (n, numbers, levels) in [
        (50_000, 50, &[][..]),
        (100_000, 50, &[]),
        (200_000, 50, &[]),
        (250_000, 20, &[50, 50]),
        (500_000, 20, &[50, 50]),
        (1_000_000, 20, &[50, 50]),
    ] {
        measure(n, numbers, levels, rounds)?;
    }
    Ok(())
}
