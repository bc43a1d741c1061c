//! Does the learning rate of plain Nesterov carry over to the shared metric on top of it? `cargo run --release -p unhat-bench --bin
//! metric_rates`: for each rate the iterations to a training loss of .03 on the bundled digits, median of three seeds.

use std::io::Read;
use unhat::Result;
use unhat_models::models::{
    Activation, AdamW, Family, Momentum, Optimiser, Schedule, Sgd, Trainer, TrainerOptions, TrainingData, evaluate,
};
use unhat_models::natural::{BaseRule, MetricControl, MetricOptions, MetricRefresh, SharedMetric};

const TARGET: f64 = 0.03;
const STEPS: u64 = 400;
/// Steps from one look at the loss to the next.
const EVERY: u64 = 4;
const WIDTH: usize = 65;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (pixels, labels) = digits()?;
    let scaled = |by: f64| -> Vec<f64> { pixels.chunks(WIDTH).flat_map(|row| with_one(row, |p, _| p * by)).collect() };
    let n = labels.len() as f64;
    let mean = |j: usize| pixels.chunks(WIDTH).map(|row| row[j]).sum::<f64>() / n;
    let means: Vec<f64> = (0..WIDTH).map(mean).collect();
    let deviation = |j: usize| (pixels.chunks(WIDTH).map(|row| (row[j] - means[j]).powi(2)).sum::<f64>() / n).sqrt();
    let deviations: Vec<f64> = (0..WIDTH).map(|j| deviation(j).max(1e-9)).collect();
    let standardised =
        pixels.chunks(WIDTH).flat_map(|row| with_one(row, |p, j| (p - means[j]) / deviations[j])).collect();
    for (data, features) in
        [("pixels/16", scaled(1.0 / 16.0)), ("pixels/4", scaled(0.25)), ("standardised", standardised)]
    {
        for hidden in [&[128, 64][..], &[128, 128, 64, 64]] {
            for name in ["nesterov", "nesterov + metric", "adamw", "adamw + metric"] {
                let first = if name.starts_with("adamw") { -11 } else { -9 };
                let found = (first..first + 9).map(|power| {
                    let mut iterations: Vec<u64> = (10..13)
                        .map(|seed| {
                            iterations(rule(name)?.as_mut(), &features, &labels, hidden, 2f64.powi(power), seed)
                        })
                        .collect::<Result<_>>()?;
                    iterations.sort_unstable();
                    Ok(format!(
                        "2^{power}: {}",
                        if iterations[1] > STEPS { "-".into() } else { iterations[1].to_string() }
                    ))
                });
                println!("{data} {hidden:?} {name}: {}", found.collect::<Result<Vec<_>>>()?.join(", "));
            }
        }
    }
    Ok(())
}

fn rule(name: &str) -> Result<Box<dyn Optimiser>> {
    let (sgd, adamw) = (Sgd::new(0.9, Momentum::Nesterov, 0.0)?, AdamW::new(0.0)?);
    let metric =
        |base| SharedMetric::new(base, MetricOptions::default(), MetricRefresh::FirstEpoch, MetricControl::None);
    Ok(match name {
        "nesterov" => Box::new(sgd),
        "nesterov + metric" => Box::new(metric(BaseRule::Sgd(sgd))),
        "adamw" => Box::new(adamw),
        _ => Box::new(metric(BaseRule::AdamW(adamw))),
    })
}

/// Steps to the target, or more than `STEPS`.
fn iterations(
    rule: &mut dyn Optimiser,
    features: &[f64],
    response: &[f64],
    hidden: &[usize],
    rate: f64,
    seed: u64,
) -> Result<u64> {
    let data = TrainingData { features, inputs: WIDTH, response, family: Family::Categorical { classes: 10 } };
    let options = TrainerOptions {
        batch: 128,
        learning_rate: rate,
        schedule: Schedule::Constant,
        seed,
        ..TrainerOptions::default()
    };
    let mut trainer = Trainer::new(&data, hidden, Activation::Relu, options, rule)?;
    while trainer.steps() < STEPS {
        if let unhat_models::models::TrainerStep::Diverged(_) = trainer.step()? {
            break;
        }
        if trainer.steps().is_multiple_of(EVERY) {
            let loss = evaluate(&trainer.network(), features, response, &unhat::Run::default())?.mean_loss;
            if loss < TARGET {
                return Ok(trainer.steps());
            }
            if loss.is_nan() || loss > 30.0 {
                break;
            }
        }
    }
    Ok(STEPS + 1)
}

fn with_one(row: &[f64], of: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    row[..WIDTH - 1].iter().enumerate().map(|(j, p)| of(*p, j)).chain([1.0]).collect()
}

/// Pixels and a one, and the digit.
fn digits() -> std::result::Result<(Vec<f64>, Vec<f64>), Box<dyn std::error::Error>> {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/unhat-testkit/data/tables/digits.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let numbers = line.split(',').map(str::parse::<f64>).collect::<std::result::Result<Vec<_>, _>>()?;
        let (digit, row) = numbers.split_last().ok_or("found an empty line among the digits")?;
        pixels.extend(row.iter().copied().chain([1.0]));
        labels.push(*digit);
    }
    Ok((pixels, labels))
}
