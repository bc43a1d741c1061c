//! The optimisers for candle against the core's own steps and explicit per-sample gradients; what is refused; saved states.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Conv2dConfig, Module, Optimizer, loss::cross_entropy};
use unhat_models::candle::{Base, CandleFngd, Conv2d, FngdConfig, FngdMetric, FngdMetricConfig, Linear, Watched};
use unhat_models::models::{self, Activation, Batch, Family, Momentum, Network, Optimiser, Workspace};
use unhat_models::natural::{
    BaseRule, Damping, LayerMetric, MetricControl, MetricOptions, MetricRefresh, Refresh, Share, SharedMetric, Windows,
};
use unhat_testkit::elimination::solve;

fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    unhat::random::uniform_rows_into(seed, 23, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

fn tensor(numbers: &[f64], shape: &[usize]) -> Tensor {
    Tensor::from_slice(numbers, shape, &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn variable(seed: u64, shape: &[usize]) -> Var {
    Var::from_tensor(&tensor(&draw(seed, shape.iter().product()), shape)).unwrap()
}

fn linear(seed: u64, inputs: usize, outputs: usize) -> (Linear, [Var; 2]) {
    let (weight, bias) = (variable(seed, &[outputs, inputs]), variable(seed + 100, &[outputs]));
    let layer = candle_nn::Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone()));
    (Linear::wrap(layer).unwrap(), [weight, bias])
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A network with one hidden layer, on 30 rows of 40 inputs in three classes.
struct Perceptron {
    layers: [Linear; 2],
    vars: Vec<Var>,
    x: Tensor,
    y: Tensor,
}

impl Perceptron {
    fn new() -> Perceptron {
        let ((hidden, [a, b]), (output, [c, d])) = (linear(1, 40, 24), linear(2, 24, 3));
        let y: Vec<u32> = (0..30).map(|i| i % 3).collect();
        Perceptron {
            layers: [hidden, output],
            vars: vec![a, b, c, d],
            x: tensor(&draw(3, 30 * 40), &[30, 40]),
            y: Tensor::new(y, &Device::Cpu).unwrap(),
        }
    }

    fn watched(&self) -> Vec<Watched> {
        self.layers.iter().map(Linear::watched).collect()
    }

    fn loss_of(&self, x: &Tensor, y: &Tensor) -> Tensor {
        let hidden = self.layers[0].forward(x).unwrap().tanh().unwrap();
        cross_entropy(&self.layers[1].forward(&hidden).unwrap(), y).unwrap()
    }

    fn loss(&self) -> Tensor {
        self.loss_of(&self.x, &self.y)
    }

    /// θ as the core flattens it: for each layer rows of weights, the bias last in each.
    fn flatten(&self) -> Vec<f64> {
        let layer = |pair: &[Var]| {
            let (weight, bias) = (numbers(&pair[0]), numbers(&pair[1]));
            let inputs = weight.len() / bias.len();
            let row = |(row, b): (&[f64], &f64)| row.iter().copied().chain([*b]).collect::<Vec<_>>();
            weight.chunks_exact(inputs).zip(&bias).flat_map(row).collect::<Vec<_>>()
        };
        self.vars.chunks_exact(2).flat_map(layer).collect()
    }
}

fn metric_options() -> MetricOptions {
    MetricOptions { rank: 4, rows: 20, ..MetricOptions::default() } // low rank in both layers, rows left out
}

/// Ten steps over eight refreshes on the same numbers end in the weights of the core's optimiser.
#[test]
fn steps_of_a_perceptron_are_those_of_the_core() {
    let adamw = (Base::AdamW { weight_decay: 0.01 }, BaseRule::AdamW(models::AdamW::new(0.01).unwrap()));
    let sgd = (
        Base::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 },
        BaseRule::Sgd(models::Sgd::new(0.9, Momentum::Nesterov, 0.01).unwrap()),
    );
    for (rank, (base, core_base)) in [(4, adamw), (4, sgd.clone()), (16, sgd)] {
        let model = Perceptron::new();
        let options = MetricOptions { rank, ..metric_options() }; // 16: the hidden layer's output has the dense form
        let refresh = MetricRefresh::EverySteps(3);
        let config =
            FngdMetricConfig { layers: model.watched(), base, metric: options, refresh, ..FngdMetricConfig::default() };
        let mut optimiser = FngdMetric::new(model.vars.clone(), config).unwrap();
        optimiser.set_learning_rate(0.01);

        let mut core = SharedMetric::new(core_base, options, refresh, MetricControl::None);
        let mut network = Network::zeros(41, &[24], Activation::Tanh, Family::Categorical { classes: 3 });
        network.set(&model.flatten());
        let features: Vec<f64> =
            numbers(&model.x).chunks_exact(40).flat_map(|row| row.iter().copied().chain([1.0])).collect();
        let ids: Vec<usize> = (0..30).collect();
        for step in 0..10 {
            optimiser.backward_step(&model.loss()).unwrap();
            let (before, mut work) = (network.clone(), Workspace::default());
            before.forward(&features, &mut work);
            let top = |i: usize, z: &[f64], d: &mut [f64]| before.family.gradient_into(z, (i % 3) as f64, 1.0, d);
            let factors = before.backward(&features, &mut work, top);
            core.step(&mut network, &factors, &Batch { ids: &ids, epoch: 0, step, learning_rate: 0.01 }).unwrap();
        }
        for (found, expected) in model.flatten().iter().zip(network.flatten()) {
            assert!((found - expected).abs() < 1e-9, "{base:?}, rank {rank}: {found} {expected}");
        }
    }
}

fn convolution(seed: u64, config: Conv2dConfig) -> (Conv2d, [Var; 2]) {
    let (weight, bias) = (variable(seed, &[3, 2, 3, 3]), variable(seed + 100, &[3]));
    let layer = candle_nn::Conv2d::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone()), config);
    (Conv2d::wrap(layer).unwrap(), [weight, bias])
}

/// A convolution and a linear layer: each moves by Σ cᵢgᵢ, with gᵢ from a backward pass of image i alone and c by elimination.
#[test]
fn a_convolution_steps_by_its_per_sample_gradients() {
    for (stride, padding, dilation) in [(1, 0, 1), (2, 1, 1), (1, 2, 2)] {
        let config = Conv2dConfig { stride, padding, dilation, ..Conv2dConfig::default() };
        let (conv, [w, b]) = convolution(4, config);
        let images = tensor(&draw(5, 6 * 2 * 5 * 5), &[6, 2, 5, 5]);
        let flat = conv.forward(&images).unwrap().flatten_from(1).unwrap().dim(1).unwrap();
        let (head, [v, c]) = linear(6, flat, 4);
        let labels = Tensor::new(&[0u32, 1, 2, 3, 0, 1], &Device::Cpu).unwrap();
        let loss = |images: &Tensor, labels: &Tensor| {
            let hidden = conv.forward(images).unwrap().tanh().unwrap().flatten_from(1).unwrap();
            cross_entropy(&head.forward(&hidden).unwrap(), labels).unwrap()
        };
        let vars = [[w.clone(), b], [v, c]];
        let gradients: Vec<Vec<Vec<f64>>> = (0..6)
            .map(|i| {
                let own = loss(&images.narrow(0, i, 1).unwrap(), &labels.narrow(0, i, 1).unwrap()).backward().unwrap();
                let of = |pair: &[Var; 2]| pair.iter().flat_map(|v| numbers(own.get(v).unwrap())).collect();
                vars.iter().map(of).collect()
            })
            .collect();
        let before: Vec<Vec<f64>> = vars.iter().map(|pair| pair.iter().flat_map(|v| numbers(v)).collect()).collect();
        let (lambda, rate) = (1e-3, 0.5);
        let config = FngdConfig {
            layers: vec![conv.watched(), head.watched()],
            base: Base::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
            learning_rate: rate,
            samples: 6,
            refresh: Refresh::EveryStep,
            damping: Damping::Absolute(lambda),
            ..FngdConfig::default()
        };
        let mut optimiser = CandleFngd::new(vars.as_flattened().to_vec(), config).unwrap();
        optimiser.begin(0, &[0, 1, 2, 3, 4, 5]).unwrap();
        // an evaluation between is no part of the loss, and so of nothing
        loss(&images.narrow(0, 0, 2).unwrap(), &labels.narrow(0, 0, 2).unwrap());
        optimiser.backward_step(&loss(&images, &labels)).unwrap();
        for l in 0..2 {
            let g: Vec<&Vec<f64>> = gradients.iter().map(|sample| &sample[l]).collect();
            let entry = |i: usize, j: usize| dot(g[i], g[j]) + if i == j { 6.0 * lambda } else { 0.0 };
            let c = solve((0..6).map(|i| (0..6).map(|j| entry(i, j)).collect()).collect(), vec![1.0; 6]);
            let after: Vec<f64> = vars[l].iter().flat_map(|v| numbers(v)).collect();
            for (k, after) in after.iter().enumerate() {
                let expected = before[l][k] - rate * (0..6).map(|i| c[i] * g[i][k]).sum::<f64>();
                assert!((after - expected).abs() < 1e-8, "layer {l}, stride {stride}: {after} {expected}");
            }
        }
    }
}

/// One step of a convolution: the metric of its windows, which have a test of their own, applied to the mean gradient.
#[test]
fn the_metric_of_a_convolution_is_that_of_its_windows() {
    for rank in [2, 16] {
        let config = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        let (conv, [w, b]) = convolution(7, config);
        let images = tensor(&draw(8, 10 * 2 * 4 * 4), &[10, 2, 4, 4]);
        let loss = || conv.forward(&images).unwrap().sqr().unwrap().mean_all().unwrap();
        let grads = loss().backward().unwrap();
        let (of_w, of_b) = (numbers(grads.get(&w).unwrap()), numbers(grads.get(&b).unwrap()));
        let mut gradient: Vec<f64> =
            of_w.chunks_exact(18).zip(&of_b).flat_map(|(row, b)| row.iter().copied().chain([*b])).collect();
        let windows = Windows { image: [2, 4, 4], kernel: [3, 3], stride: 1, padding: 1, dilation: 1 };
        let options = MetricOptions { rank, ..MetricOptions::default() };
        let mut metric = LayerMetric::new(19, 0, options);
        assert!(metric.refresh(&windows.rows(&numbers(&images)).unwrap()));
        metric.apply(&mut gradient);
        let before = numbers(&w);
        let config = FngdMetricConfig {
            layers: vec![conv.watched()],
            base: Base::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
            learning_rate: 1.0,
            metric: options,
            ..FngdMetricConfig::default()
        };
        let mut optimiser = FngdMetric::new(vec![w.clone(), b.clone()], config).unwrap();
        optimiser.backward_step(&loss()).unwrap();
        for (k, after) in numbers(&w).iter().enumerate() {
            let expected = before[k] - metric.typical_moment() * gradient[k / 18 * 19 + k % 18];
            assert!((after - expected).abs() < 1e-10, "rank {rank}: {after} {expected}");
        }
    }
}

/// In single precision at λ = 10⁻⁶ a step is the dense natural gradient to 10⁻⁶.
#[test]
fn single_precision_steps_are_natural_to_six_digits() {
    let (n, inputs, outputs, lambda) = (16, 30, 4, 1e-6);
    let single = |v: Vec<f64>| v.iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let (a, y) = (single(draw(9, n * inputs)), single(draw(10, n * outputs)));
    let weight = Var::zeros((outputs, inputs), DType::F32, &Device::Cpu).unwrap();
    let layer = Linear::wrap(candle_nn::Linear::new(weight.as_tensor().clone(), None)).unwrap();
    let config = FngdConfig {
        layers: vec![layer.watched()],
        base: Base::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
        learning_rate: 1.0,
        samples: n,
        damping: Damping::Absolute(lambda),
        ..FngdConfig::default()
    };
    let mut optimiser = CandleFngd::new(vec![weight.clone()], config).unwrap();
    optimiser.begin(0, &(0..n).collect::<Vec<_>>()).unwrap();
    let x = Tensor::from_slice(&a, (n, inputs), &Device::Cpu).unwrap();
    let target = Tensor::from_slice(&y, (n, outputs), &Device::Cpu).unwrap();
    let loss = (layer.forward(&x).unwrap() - target).unwrap().sqr().unwrap().sum_all().unwrap();
    optimiser.backward_step(&(loss / (2.0 * n as f64)).unwrap()).unwrap(); // gradients −y aᵀ

    let gradient = |i: usize| -> Vec<f64> {
        let entry = |e: usize| -f64::from(y[i * outputs + e / inputs]) * f64::from(a[i * inputs + e % inputs]);
        (0..outputs * inputs).map(entry).collect()
    };
    let g: Vec<Vec<f64>> = (0..n).map(gradient).collect();
    let fisher = |r: usize, s: usize| g.iter().map(|g| g[r] * g[s]).sum::<f64>() / n as f64;
    let p = outputs * inputs;
    let matrix = (0..p).map(|r| (0..p).map(|s| fisher(r, s) + if r == s { lambda } else { 0.0 }).collect()).collect();
    let expected = solve(matrix, (0..p).map(|k| g.iter().map(|g| g[k]).sum::<f64>() / n as f64).collect());
    let off: Vec<f64> = numbers(&weight).iter().zip(&expected).map(|(w, e)| w + e).collect();
    let error = (dot(&off, &off) / dot(&expected, &expected)).sqrt();
    assert!(error <= 1e-6, "{error:e}");
}

#[test]
fn layers_keep_inputs_on_armed_steps_only() {
    let model = Perceptron::new();
    let config = FngdMetricConfig { layers: model.watched(), first_epoch: 8, ..FngdMetricConfig::default() };
    let mut optimiser = FngdMetric::new(model.vars.clone(), config).unwrap();
    for step in 0..40 {
        optimiser.unwatched(|| model.loss());
        let loss = model.loss();
        let expected = usize::from([0, 1, 2, 4].contains(&step));
        assert!(model.watched().iter().all(|layer| layer.kept() == expected), "step {step}");
        optimiser.backward_step(&loss).unwrap();
    }
    assert_eq!(optimiser.metric(0).unwrap().refreshes(), 4);
}

fn message<T>(result: candle_core::Result<T>) -> String {
    result.err().unwrap().to_string()
}

/// What is refused names the place, and leaves weights and state as they were.
#[test]
fn refusals_name_what_is_wrong_and_change_nothing() {
    let model = Perceptron::new();
    let config = FngdMetricConfig { layers: model.watched(), ..FngdMetricConfig::default() };
    let mut optimiser = FngdMetric::new(model.vars.clone(), config.clone()).unwrap();
    let start = model.flatten();
    let row = |i: usize, count: usize| (model.x.narrow(0, i, count).unwrap(), model.y.narrow(0, i, count).unwrap());
    let (x, y) = row(0, 1);
    assert!(message(optimiser.backward_step(&model.loss_of(&x, &y))).contains("one row of inputs in layer 1"));
    let unrelated = optimiser.unwatched(|| model.loss());
    let mut strangers = FngdMetric::new(model.vars.clone(), config.clone()).unwrap();
    assert!(message(strangers.backward_step(&unrelated)).contains("no layer saw an input"));
    let spoiled = (model.loss() * f64::NAN).unwrap();
    assert!(message(optimiser.backward_step(&spoiled)).contains("step 1: the gradient of variable 1 is not finite"));
    assert_eq!((model.flatten(), optimiser.steps()), (start, 0));

    let fewer = FngdMetric::new(model.vars[..2].to_vec(), config.clone());
    assert!(message(fewer).contains("weight of layer 2 is not among the variables"));
    let twice = FngdMetricConfig { layers: vec![model.watched().swap_remove(0); 2], ..config.clone() };
    assert!(message(FngdMetric::new(model.vars.clone(), twice)).contains("layer 2 is listed twice"));
    let constant = candle_nn::Linear::new(tensor(&[1.0, 2.0], &[1, 2]), None);
    assert!(message(Linear::wrap(constant)).contains("constant"));
    let grouped = Conv2dConfig { groups: 2, ..Conv2dConfig::default() };
    let grouped = candle_nn::Conv2d::new(variable(1, &[2, 1, 3, 3]).into_inner(), None, grouped);
    assert!(message(Conv2d::wrap(grouped)).contains("groups"));

    // rows that are not finite beside good ones: the old metric stays, the step is taken
    let mut optimiser = FngdMetric::new(model.vars.clone(), config.clone()).unwrap();
    optimiser.backward_step(&model.loss()).unwrap();
    let metric = optimiser.metric(0).unwrap().clone();
    model.layers[0].forward(&(&model.x * f64::INFINITY).unwrap()).unwrap();
    optimiser.backward_step(&model.loss()).unwrap();
    assert_eq!((optimiser.metric(0).unwrap(), optimiser.steps()), (&metric, 2));

    // states of others
    let state = optimiser.state().unwrap();
    let wider = FngdMetricConfig { metric: MetricOptions { rank: 50, ..MetricOptions::default() }, ..config };
    let mut other = FngdMetric::new(model.vars.clone(), wider).unwrap();
    let mut missing = state.clone();
    missing.remove("metric.1");
    assert!(message(other.restore(&missing)).contains("metric.1"));
    let mut foreign = state.clone();
    foreign.insert("metric.0".into(), tensor(&[1.0, 1.0, 2.0, 3.0], &[4]));
    assert!(message(other.restore(&foreign)).contains("metric of layer 1"));
    let mut foreign = state;
    foreign.insert("base.first.0".into(), tensor(&[0.0], &[1]));
    assert!(message(other.restore(&foreign)).contains("variable 0"));
    assert_eq!(other.steps(), 0);
}

#[test]
fn ids_that_are_missing_repeated_or_too_many_are_refused() {
    let model = Perceptron::new();
    let config = FngdConfig { layers: model.watched(), samples: 31, ..FngdConfig::default() };
    let mut optimiser = CandleFngd::new(model.vars.clone(), config.clone()).unwrap();
    let (start, all) = (model.flatten(), (0..30).collect::<Vec<_>>());
    assert!(message(optimiser.backward_step(&model.loss())).contains("announce each batch"));
    assert!(message(optimiser.begin(0, &[3, 4, 3])).contains("found 3 twice"));
    assert!(message(optimiser.begin(0, &[31])).contains("one below 31"));
    assert!(message(optimiser.begin(0, &[])).contains("found none"));
    optimiser.begin(0, &all[..29]).unwrap();
    assert!(
        message(optimiser.backward_step(&model.loss())).contains("a batch of 30 rows, expected one for each of 29")
    );
    optimiser.begin(0, &all).unwrap();
    let both = (model.loss() + model.loss()).unwrap();
    assert!(message(optimiser.backward_step(&both)).contains("took part in the loss 2 times"));
    assert_eq!(model.flatten(), start);
    optimiser.begin(0, &all).unwrap();
    optimiser.backward_step(&model.loss()).unwrap();
    // a batch of one, and a short one, are batches; a sample that was in no batch has no coefficient
    for ids in [&[7][..], &[3, 9]] {
        let at = Tensor::new(ids.iter().map(|i| *i as u32).collect::<Vec<_>>(), &Device::Cpu).unwrap();
        let (x, y) = (model.x.index_select(&at, 0).unwrap(), model.y.index_select(&at, 0).unwrap());
        optimiser.begin(1, ids).unwrap();
        optimiser.backward_step(&model.loss_of(&x, &y)).unwrap();
    }
    let moved = model.flatten();
    optimiser.begin(1, &[30]).unwrap();
    let one = model.loss_of(&model.x.narrow(0, 0, 1).unwrap(), &model.y.narrow(0, 0, 1).unwrap());
    assert!(message(optimiser.backward_step(&one)).contains("no coefficient"));
    assert_eq!(model.flatten(), moved);
}

/// Every optimiser, cut anywhere and put together again in a new one, ends in the same bits.
#[test]
fn a_saved_training_goes_on_to_the_same_bits() {
    let metric = |base| {
        move |model: &Perceptron, state: Option<&_>, steps: std::ops::Range<u64>| {
            let config = FngdMetricConfig {
                layers: model.watched(),
                base,
                metric: metric_options(),
                ..FngdMetricConfig::default()
            };
            let mut optimiser = FngdMetric::new(model.vars.clone(), config).unwrap();
            state.into_iter().for_each(|state| optimiser.restore(state).unwrap());
            steps.for_each(|_| optimiser.backward_step(&model.loss()).unwrap());
            optimiser.state().unwrap()
        }
    };
    let shared = |share| {
        move |model: &Perceptron, state: Option<&_>, steps: std::ops::Range<u64>| {
            let config = FngdConfig { layers: model.watched(), samples: 30, share, ..FngdConfig::default() };
            let mut optimiser = CandleFngd::new(model.vars.clone(), config).unwrap();
            state.into_iter().for_each(|state| optimiser.restore(state).unwrap());
            for step in steps {
                let half: Vec<usize> = (0..15).map(|i| 2 * i + (step % 2) as usize).collect();
                let at = Tensor::new(half.iter().map(|i| *i as u32).collect::<Vec<_>>(), &Device::Cpu).unwrap();
                optimiser.begin((step / 2) as u32, &half).unwrap();
                let (x, y) = (model.x.index_select(&at, 0).unwrap(), model.y.index_select(&at, 0).unwrap());
                optimiser.backward_step(&model.loss_of(&x, &y)).unwrap();
            }
            optimiser.state().unwrap()
        }
    };
    type State = std::collections::HashMap<String, Tensor>;
    type Run = Box<dyn Fn(&Perceptron, Option<&State>, std::ops::Range<u64>) -> State>;
    let runs: [Run; 4] = [
        Box::new(metric(Base::AdamW { weight_decay: 0.01 })),
        Box::new(metric(Base::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 })),
        Box::new(shared(Share::ById)),
        Box::new(shared(Share::LayerMean)),
    ];
    for (k, run) in runs.iter().enumerate() {
        let whole = Perceptron::new();
        run(&whole, None, 0..12);
        for cut in [0, 1, 3, 9] {
            let halves = Perceptron::new();
            let state = run(&halves, None, 0..cut);
            run(&halves, Some(&state), cut..12);
            assert_eq!(halves.flatten(), whole.flatten(), "optimiser {k}, cut at {cut}");
        }
    }
}
