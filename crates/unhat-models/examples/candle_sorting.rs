//! A small transformer that learns to sort ten digits, by SGD, AdamW and fngd-metric.
//!
//! cargo run --release -p unhat-models --features candle --example candle_sorting [-- --tune]

#[path = "candle/comparison.rs"]
mod comparison;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{Module, loss::cross_entropy, ops::softmax};
use comparison::{Entry, Plan, Rule, Task, Weights, compare, correct, rows, tune};
use unhat::random::uniform_rows_into;
use unhat_models::candle::{Linear, Watched};

const DIGITS: usize = 10;
const LENGTH: usize = 10;
const WIDTH: usize = 64;
const HEADS: usize = 4;
const BLOCKS: usize = 2;
const SAMPLES: usize = 4096;
const TESTED: usize = 512;
/// The random stream of the sequences.
const SEQUENCES: u64 = 3;
/// Keeps a constant row from being divided by 0 where it is normalised.
const VARIANCE_FLOOR: f64 = 1e-5;

/// A choice, not tuned: AdamW's usual order of size for both that stand on it; --tune shows the neighbours.
const RATES: [Entry; 3] = [(Rule::Sgd, 0.1), (Rule::AdamW, 0.004), (Rule::FngdMetric, 0.004)];

/// One block before its norms: attention and a layer of twice the width.
struct Block {
    query: Linear,
    key: Linear,
    value: Linear,
    mixed: Linear,
    up: Linear,
    down: Linear,
}

struct Sorter {
    embedding: Linear,
    blocks: Vec<Block>,
    output: Linear,
    vars: Vec<Var>,
    positions: Tensor,
    /// One-hot sequences, and the same sorted.
    sequences: (Tensor, Tensor),
}

impl Sorter {
    fn new(seed: u64) -> Result<Sorter> {
        let mut weights = Weights::new(seed);
        let mut linear = |from: usize, to: usize| {
            let builder = weights.layer(&[to, from])?;
            Linear::wrap(candle_nn::linear(from, to, builder)?)
        };
        let embedding = linear(DIGITS, WIDTH)?;
        let mut blocks = Vec::new();
        for _ in 0..BLOCKS {
            let mut square = || linear(WIDTH, WIDTH);
            let (query, key, value, mixed) = (square()?, square()?, square()?, square()?);
            let (up, down) = (linear(WIDTH, 2 * WIDTH)?, linear(2 * WIDTH, WIDTH)?);
            blocks.push(Block { query, key, value, mixed, up, down });
        }
        let output = linear(WIDTH, DIGITS)?;
        Ok(Sorter { embedding, blocks, output, vars: weights.vars(), positions: positions()?, sequences: sequences()? })
    }

    fn scores(&self, x: &Tensor) -> Result<Tensor> {
        let mut z = (self.embedding.forward(x)? * 2.0)?.broadcast_add(&self.positions)?;
        for block in &self.blocks {
            z = block.forward(&z)?;
        }
        self.output.forward(&normalised(&z)?)
    }

    fn loss_of(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        cross_entropy(&self.scores(x)?.flatten_to(1)?, &y.flatten_all()?)
    }
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (n, length, _) = x.dims3()?;
        let heads = |layer: &Linear, z: &Tensor| {
            layer.forward(z)?.reshape((n, length, HEADS, WIDTH / HEADS))?.transpose(1, 2)?.contiguous()
        };
        let z = normalised(x)?;
        let (query, key, value) = (heads(&self.query, &z)?, heads(&self.key, &z)?, heads(&self.value, &z)?);
        let alike = (query.matmul(&key.t()?.contiguous()?)? / ((WIDTH / HEADS) as f64).sqrt())?;
        let seen = softmax(&alike, D::Minus1)?.matmul(&value)?;
        let x = (x + self.mixed.forward(&seen.transpose(1, 2)?.contiguous()?.reshape((n, length, WIDTH))?)?)?;
        let wide = self.up.forward(&normalised(&x)?)?.gelu()?;
        x + self.down.forward(&wide)?
    }
}

/// Rows with mean 0 and variance 1.
fn normalised(x: &Tensor) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    centred.broadcast_div(&(variance + VARIANCE_FLOOR)?.sqrt()?)
}

/// Sines and cosines of the position at rates from 1 to 1/100.
fn positions() -> Result<Tensor> {
    let half = WIDTH / 2;
    let angle = |t: usize, k: usize| t as f64 * 100f64.powf(-(k as f64) / half as f64);
    let entry = |e: usize| match (e / WIDTH, e % WIDTH) {
        (t, k) if k < half => angle(t, k).sin(),
        (t, k) => angle(t, k - half).cos(),
    };
    let values: Vec<f32> = (0..LENGTH * WIDTH).map(|e| entry(e) as f32).collect();
    Tensor::from_vec(values, (1, LENGTH, WIDTH), &Device::Cpu)
}

fn sequences() -> Result<(Tensor, Tensor)> {
    let mut draws = vec![0.0; (SAMPLES + TESTED) * LENGTH];
    uniform_rows_into(0, SEQUENCES, 0, &mut draws);
    let digits: Vec<u32> = draws.iter().map(|u| (u * DIGITS as f64) as u32).collect();
    let mut sorted = digits.clone();
    sorted.chunks_exact_mut(LENGTH).for_each(<[u32]>::sort_unstable);
    let shape = (SAMPLES + TESTED, LENGTH);
    let digits = Tensor::from_vec(digits, shape, &Device::Cpu)?;
    let one_hot = candle_nn::encoding::one_hot(digits, DIGITS, 1f32, 0f32)?.to_dtype(DType::F32)?;
    Ok((one_hot, Tensor::from_vec(sorted, shape, &Device::Cpu)?))
}

impl Task for Sorter {
    fn variables(&self) -> (Vec<Var>, Vec<Watched>) {
        let of = |b: &Block| [&b.query, &b.key, &b.value, &b.mixed, &b.up, &b.down].map(Linear::watched);
        let blocks = self.blocks.iter().flat_map(of);
        let layers = [self.embedding.watched()].into_iter().chain(blocks).chain([self.output.watched()]);
        (self.vars.clone(), layers.collect())
    }

    fn samples(&self) -> usize {
        SAMPLES
    }

    fn loss(&self, ids: &[usize]) -> Result<Tensor> {
        self.loss_of(&rows(&self.sequences.0, ids)?, &rows(&self.sequences.1, ids)?)
    }

    fn evaluate(&self) -> Result<(f64, f64)> {
        let part = |first: usize| -> Result<(Tensor, Tensor)> {
            Ok((self.sequences.0.narrow(0, first, TESTED)?, self.sequences.1.narrow(0, first, TESTED)?))
        };
        let ((x, y), (test, sorted)) = (part(0)?, part(SAMPLES)?);
        Ok((f64::from(self.loss_of(&x, &y)?.to_scalar::<f32>()?), correct(&self.scores(&test)?, &sorted)?))
    }
}

fn main() -> Result<()> {
    let plan = Plan { batch: 64, iterations: 120, every: 12 };
    match std::env::args().any(|argument| argument == "--tune") {
        true => tune(&plan, &RATES, 1, Sorter::new),
        false => compare(&plan, &RATES, 0, Sorter::new),
    }
}
