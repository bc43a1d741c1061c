//! What the Gram matrix of all per-sample gradients costs from the layer factors, K = Σ (AAᵀ)∘(DDᵀ), and through the gradients
//! themselves, K = GGᵀ: `RAYON_NUM_THREADS=1 cargo run --release -p unhat-bench --bin gram_speed`. A network 64-128-64-10 (p =
//! 17 226) on 1000 rows and one with wider layers; in turns, minima.

use std::time::Instant;
use unhat::random::uniform_rows_into;
use unhat::{Run, kernels};
use unhat_models::influence::{SampleGradients, dual_gram};
use unhat_models::models::{Activation, Family, Network, Workspace};

const ROWS: usize = 1000;
const INPUTS: usize = 65;
const CLASSES: usize = 10;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for hidden in [&[128, 64][..], &[256, 128]] {
        let mut network = Network::zeros(INPUTS, hidden, Activation::Relu, Family::Categorical { classes: CLASSES });
        let p = network.parameters();
        network.set(&uniform(1, p).iter().map(|u| (u - 0.5) * 0.4).collect::<Vec<f64>>());
        let mut features = uniform(2, ROWS * INPUTS);
        features.chunks_exact_mut(INPUTS).for_each(|row| row[INPUTS - 1] = 1.0);
        let classes: Vec<f64> = (0..ROWS).map(|i| (i % CLASSES) as f64).collect();
        let gradients = SampleGradients::new(&network, &features, &classes)?;
        let (mut factored, mut explicit, mut apart) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
        for _ in 0..ROUNDS {
            let clock = Instant::now();
            let k = dual_gram(&gradients, &Run::default())?;
            factored = factored.min(clock.elapsed().as_secs_f64());
            let clock = Instant::now();
            let same = through_gradients(&network, &features, &classes);
            explicit = explicit.min(clock.elapsed().as_secs_f64());
            let largest = k.iter().fold(0.0, |most: f64, k| most.max(k.abs()));
            apart = k.iter().zip(&same).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs() / largest));
        }
        println!(
            "p = {p}, n = {ROWS}: from the factors {:.1} ms, through G {:.1} ms, {:.1} times; they differ by {apart:.0e}",
            1e3 * factored,
            1e3 * explicit,
            explicit / factored
        );
    }
    Ok(())
}

/// GGᵀ with every gradient written out.
fn through_gradients(network: &Network, features: &[f64], classes: &[f64]) -> Vec<f64> {
    let (p, mut work) = (network.parameters(), Workspace::default());
    network.forward(features, &mut work);
    let factors =
        network.backward(features, &mut work, |row, z, d| network.family.gradient_into(z, classes[row], 1.0, d));
    let mut g = vec![0.0; ROWS * p];
    factors.rows_into(0..ROWS, &mut g);
    let mut k = vec![0.0; ROWS * ROWS];
    kernels::transpose_times_into(&g, &g, p, ROWS, ROWS, &mut k);
    k
}

fn uniform(stream: u64, count: usize) -> Vec<f64> {
    let mut values = vec![0.0; count];
    uniform_rows_into(1, stream, 0, &mut values);
    values
}
