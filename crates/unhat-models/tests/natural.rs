//! Natural-gradient steps against dense solves, and the shared metric against the inverse of the moment it stands for.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat_models::models::{
    Activation, AdamW, Family, LayerFactors, LayerShape, Network, Optimiser, Schedule, Trainer, TrainerOptions,
    TrainingData, Workspace,
};
use unhat_models::natural::*;
use unhat_testkit::elimination::solve;

fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    unhat::random::uniform_rows_into(seed, 9, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// (λI + GᵀWG/n)⁻¹GᵀW1/n by brute force, against Gᵀc; λ down to 1e-6.
#[test]
fn the_weighted_sum_of_gradients_is_the_natural_step() {
    let (n, inputs) = (12, 5);
    let mut network = Network::zeros(inputs, &[4], Activation::Tanh, Family::Categorical { classes: 3 });
    network.set(&draw(1, network.parameters()));
    let p = network.parameters();
    let features = draw(2, n * inputs);
    let mut work = Workspace::default();
    network.forward(&features, &mut work);
    let y = |i: usize| (i % 3) as f64;
    let factors = network.backward(&features, &mut work, |i, z, t| network.family.gradient_into(z, y(i), 1.0, t));
    let mut g = vec![0.0; n * p];
    factors.rows_into(0..n, &mut g);
    let rows: Vec<&[f64]> = g.chunks_exact(p).collect();
    let kernel = network_kernel(&factors);
    let weights: Vec<f64> = draw(3, n).iter().map(|u| 1.0 + u).collect();
    for lambda in [1e-6, 1e-2, 3.0] {
        for weights in [None, Some(weights.as_slice())] {
            let w = |i: usize| weights.map_or(1.0, |w| w[i]);
            let c = natural_coefficients(&kernel, Damping::Absolute(lambda), weights).unwrap();
            let step: Vec<f64> = (0..p).map(|j| (0..n).map(|i| c[i] * rows[i][j]).sum()).collect();
            let fisher: Vec<Vec<f64>> = (0..p)
                .map(|a| {
                    let entry = |b: usize| (0..n).map(|i| w(i) * rows[i][a] * rows[i][b]).sum::<f64>() / n as f64;
                    (0..p).map(|b| entry(b) + if a == b { lambda } else { 0.0 }).collect()
                })
                .collect();
            let mean: Vec<f64> = (0..p).map(|j| (0..n).map(|i| w(i) * rows[i][j]).sum::<f64>() / n as f64).collect();
            let expected = solve(fisher, mean);
            let scale = dot(&expected, &expected).sqrt();
            let off = step.iter().zip(&expected).map(|(s, e)| (s - e).powi(2)).sum::<f64>().sqrt();
            assert!(off <= 1e-8 * scale, "λ = {lambda}: off by {:e}", off / scale);
        }
    }
}

#[test]
fn layer_kernels_add_up_to_the_inner_products_of_the_gradients() {
    let (n, shape) = (6, LayerShape { inputs: 4, outputs: 3 });
    let (a, d) = (draw(4, n * 4), draw(5, n * 3));
    let kernel = LayerFactors { shape, positions: 1, inputs: &a, gradients: &d }.kernel();
    for i in 0..n {
        for j in 0..n {
            let outer = |k: usize| -> Vec<f64> { (0..12).map(|e| d[k * 3 + e / 4] * a[k * 4 + e % 4]).collect() };
            assert!((kernel[i * n + j] - dot(&outer(i), &outer(j))).abs() < 1e-13);
        }
    }
    let zero = natural_coefficients(&vec![0.0; n * n], Damping::Relative(1.0), None).unwrap();
    assert_eq!(zero, vec![0.0; n]);
    assert!(natural_coefficients(&kernel, Damping::Absolute(0.0), None).is_err());
    assert!(natural_coefficients(&[f64::NAN; 4], Damping::Relative(1.0), None).is_err());
}

/// Rows of rank 5 plus the constant: the low-rank metric is then exact up to its mean of an empty rest.
/// For those who hold gradients elsewhere, as the optimisers for candle do.
#[test]
fn the_operator_of_a_metric_is_what_it_applies() {
    let d = 40;
    for rank in [4, 20] {
        let mut metric = LayerMetric::new(d, 0, MetricOptions { rank, ..MetricOptions::default() });
        assert_eq!(metric.operator(), MetricOperator::Identity);
        assert!(metric.refresh(&draw(1, 60 * d)));
        let g = draw(2, d);
        let mut applied = g.clone();
        metric.apply(&mut applied);
        let expected: Vec<f64> = match metric.operator() {
            MetricOperator::Identity => panic!("the metric was refreshed"),
            MetricOperator::Dense { inverse } => inverse.chunks_exact(d).map(|row| dot(row, &g)).collect(),
            MetricOperator::Fused { basis, update, scale } => {
                let along: Vec<f64> = basis.chunks_exact(d).map(|u| dot(u, &g)).collect();
                let moved = |j: usize| update.chunks_exact(d).zip(&along).map(|(w, a)| w[j] * a).sum::<f64>();
                (0..d).map(|j| scale * (g[j] + moved(j))).collect()
            }
        };
        for (a, e) in applied.iter().zip(&expected) {
            assert!((a - e).abs() < 1e-12, "rank {rank}: {a} and {e}");
        }
    }
}

#[test]
fn the_metric_of_low_rank_inputs_is_the_damped_inverse_itself() {
    for (d, rank, label) in [(40, 6, "low rank"), (10, 16, "dense")] {
        let rows = 80;
        let mixing = draw(6, 5 * d);
        let latent = draw(7, rows * 5);
        let mut inputs = vec![0.0; rows * d];
        for i in 0..rows {
            for j in 0..d - 1 {
                inputs[i * d + j] = (0..5).map(|k| latent[i * 5 + k] * mixing[k * d + j]).sum();
            }
            inputs[i * d + d - 1] = 1.0;
        }
        let mut metric = LayerMetric::new(d, 0, MetricOptions { rank, ..MetricOptions::default() });
        let untouched = draw(8, 3 * d);
        let mut g = untouched.clone();
        metric.apply(&mut g);
        assert_eq!(g, untouched, "before the first refresh a gradient passes unchanged");
        for _ in 0..3 {
            assert!(metric.refresh(&inputs));
        }
        metric.apply(&mut g);

        let s =
            |a: usize, b: usize| (0..rows).map(|i| inputs[i * d + a] * inputs[i * d + b]).sum::<f64>() / rows as f64;
        let lambda = (0..d).map(|j| s(j, j)).sum::<f64>() / d as f64;
        let matrix: Vec<Vec<f64>> =
            (0..d).map(|a| (0..d).map(|b| s(a, b) + if a == b { lambda } else { 0.0 }).collect()).collect();
        for (got, row) in g.chunks_exact(d).zip(untouched.chunks_exact(d)) {
            let expected = solve(matrix.clone(), row.to_vec());
            for (g, e) in got.iter().zip(&expected) {
                assert!((g - e).abs() < 1e-10, "{label}: {g} and {e}");
            }
        }
    }
}

#[test]
fn rows_that_are_not_finite_leave_the_metric_as_it_was() {
    let mut metric = LayerMetric::new(50, 1, MetricOptions::default());
    assert!(metric.refresh(&draw(1, 30 * 50)));
    let before = metric.clone();
    let mut bad = draw(2, 30 * 50);
    bad[7] = f64::NAN;
    assert!(!metric.refresh(&bad));
    assert!(!metric.refresh(&vec![0.0; 30 * 50]));
    assert_eq!(metric, before);
    assert!(metric.refresh(&draw(3, 8 * 50)), "a batch smaller than the rank is taken in");
}

/// The controls keep what they should: the spectrum of the metric, not its directions.
#[test]
fn controls_change_directions_and_keep_the_spectrum() {
    for d in [60, 8] {
        controls_of(d);
    }
}

/// Of d inputs: low-rank at 60, the inverse itself at 8.
fn controls_of(d: usize) {
    let mut metric = LayerMetric::new(d, 2, MetricOptions { rank: 4, ..MetricOptions::default() });
    let inputs: Vec<f64> =
        draw(4, 100 * d).iter().enumerate().map(|(k, v)| if k % d < 3 { 5.0 * v } else { *v }).collect();
    metric.refresh(&inputs);
    let squared_image = |m: &LayerMetric| {
        let mut identity = vec![0.0; d * d];
        (0..d).for_each(|j| identity[j * (d + 1)] = 1.0);
        m.apply(&mut identity);
        dot(&identity, &identity)
    };
    let (plain, permuted, random) = (&metric, metric.permuted(), metric.along_random_directions());
    assert_ne!(*plain, permuted);
    assert_ne!(*plain, random);
    for control in [&permuted, &random] {
        assert!((squared_image(control) / squared_image(plain) - 1.0).abs() < 1e-10);
    }
}

/// Rows of two classes in a ring and its middle.
fn ring(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut features, mut y) = (Vec::new(), Vec::new());
    for u in draw(11, 2 * rows).chunks_exact(2) {
        features.extend([3.0 * u[0], u[1] + 2.0, 1.0]);
        y.push(f64::from(9.0 * u[0] * u[0] + u[1] * u[1] > 2.0));
    }
    (features, y)
}

fn trained(rule: &mut dyn Optimiser, rows: &(Vec<f64>, Vec<f64>), epochs: u32, rate: f64) -> (Network, f64) {
    let data = TrainingData { features: &rows.0, inputs: 3, response: &rows.1, family: Family::Bernoulli };
    let options = TrainerOptions {
        epochs,
        learning_rate: rate,
        schedule: Schedule::Constant,
        seed: 3,
        ..TrainerOptions::default()
    };
    let training =
        Trainer::new(&data, &[24], Activation::Tanh, options, rule).unwrap().train(&unhat::Run::default()).unwrap();
    (training.network, *training.losses.last().unwrap())
}

fn metric_rule() -> SharedMetric {
    SharedMetric::new(
        BaseRule::AdamW(AdamW::new(0.0).unwrap()),
        MetricOptions { rank: 4, ..MetricOptions::default() },
        MetricRefresh::FirstEpoch,
        MetricControl::None,
    )
}

#[test]
fn both_rules_fit_a_ring() {
    let rows = ring(400);
    let samples = rows.1.len();
    for share in [Share::ById, Share::LayerMean] {
        let mut rule = Fngd::new(samples, FngdOptions { share, ..FngdOptions::default() }).unwrap();
        let (_, loss) = trained(&mut rule, &rows, 60, 0.3);
        assert!(loss < 0.45, "{share:?}: {loss}");
    }
    let (_, loss) = trained(&mut metric_rule(), &rows, 60, 0.02);
    assert!(loss < 0.15, "fngd-metric: {loss}");
}

/// A training that goes on from what was saved takes the steps that it would have taken: the same bits.
#[test]
fn a_saved_training_goes_on_to_the_same_bits() {
    let rows = ring(200);
    let data = TrainingData { features: &rows.0, inputs: 3, response: &rows.1, family: Family::Bernoulli };
    let options = TrainerOptions { epochs: 4, learning_rate: 0.05, seed: 5, ..TrainerOptions::default() };
    let rules: [fn() -> Box<dyn Optimiser>; 2] =
        [|| Box::new(Fngd::new(200, FngdOptions::default()).unwrap()), || Box::new(metric_rule())];
    for rule in rules {
        let mut whole = rule();
        let mut trainer = Trainer::new(&data, &[8], Activation::Relu, options.clone(), whole.as_mut()).unwrap();
        let mut saved = None;
        for step in 0..12 {
            if step == 5 {
                saved = Some(trainer.state());
            }
            trainer.step().unwrap();
        }
        let expected = trainer.network();
        let mut fresh = rule();
        let mut resumed = Trainer::new(&data, &[8], Activation::Relu, options.clone(), fresh.as_mut()).unwrap();
        resumed.resume(&saved.unwrap()).unwrap();
        for _ in 5..12 {
            resumed.step().unwrap();
        }
        assert_eq!(resumed.network(), expected);
        let mut foreign = rule();
        assert!(foreign.recall(&[7.0, 1.0], 10).is_err());
    }
}

#[test]
fn controls_and_comparisons_are_reported_by_epoch() {
    let rows = ring(200);
    let options = FngdOptions { compare: true, permuted: Some(1), ..FngdOptions::default() };
    let mut rule = Fngd::new(200, options).unwrap();
    trained(&mut rule, &rows, 4, 0.1);
    let correlations = rule.correlations();
    assert_eq!(correlations.iter().map(|c| c.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(correlations.iter().all(|(_, c)| c.abs() <= 1.0));
    assert!(Fngd::new(5, FngdOptions { momentum: 1.0, ..FngdOptions::default() }).is_err());
    assert!(Fngd::new(5, FngdOptions { refresh: Refresh::EveryEpochs(0), ..FngdOptions::default() }).is_err());
}
