//! Thousands of problems made to break rounded numbers, against answers with a hundred digits:
//! `cargo run --release -p unhat --example adversarial -- --count 10000 --seed 1`. Exit code 1 if anything was false.

#![allow(clippy::unwrap_used)] // of cases that were checked before

#[path = "../tests/common/adversarial.rs"]
mod adversarial;

use adversarial::{Tally, check_inversion, check_scores};
use rayon::prelude::*;
use std::process::ExitCode;

/// Cases that one task goes through.
const TOGETHER: u64 = 50;

fn all(count: u64, check: impl Fn(u64, &mut Tally) + Sync) -> Tally {
    let parts: Vec<Tally> = (0..count.div_ceil(TOGETHER))
        .into_par_iter()
        .map(|part| {
            let mut tally = Tally::default();
            (part * TOGETHER..count.min((part + 1) * TOGETHER)).for_each(|number| check(number, &mut tally));
            tally
        })
        .collect();
    let mut whole = Tally::default();
    parts.into_iter().for_each(|part| whole.add(part));
    whole
}

fn tell(what: &str, tally: &mut Tally) {
    println!("{what}: {} cases, {} false", tally.cases, tally.wrong.len());
    tally.endings.iter().for_each(|(ending, count)| println!("  {count:6} {ending}"));
    if !tally.ratios.is_empty() {
        let median = tally.median();
        println!(
            "  {} certified; bound over distance: median {median:.2}, least {:.4}",
            tally.certified,
            tally.least()
        );
    }
    tally.wrong.iter().for_each(|wrong| println!("  FALSE {wrong}"));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: u64| {
        let place = arguments.iter().position(|a| a == name);
        place.and_then(|k| arguments.get(k + 1)).and_then(|v| v.parse().ok()).unwrap_or(default)
    };
    let (count, seed) = (value("--count", 10_000), value("--seed", 1));
    let mut scores = all(count, |number, tally| check_scores(seed, number, tally));
    tell("scores", &mut scores);
    let certify = arguments.iter().any(|a| a == "--certify");
    let mut inversions = all(count, |number, tally| check_inversion(seed, number, certify, tally));
    tell("inversions", &mut inversions);
    ExitCode::from(u8::from(!(scores.wrong.is_empty() && inversions.wrong.is_empty())))
}
