//! K-FAC against dense Kronecker solves, least squares, and the exact curvature of the output.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat_models::models::{
    Activation, Batch, Family, Network, Optimiser, Schedule, Trainer, TrainerOptions, TrainingData, Workspace,
};
use unhat_models::natural::*;
use unhat_testkit::elimination::solve;

fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    unhat::random::uniform_rows_into(seed, 21, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

fn with_ones(mut features: Vec<f64>, inputs: usize) -> Vec<f64> {
    features.chunks_exact_mut(inputs).for_each(|row| row[inputs - 1] = 1.0);
    features
}

/// E[rrᵀ] of row-major rows of d values.
fn moment(rows: &[f64], d: usize) -> Vec<Vec<f64>> {
    let n = (rows.len() / d) as f64;
    let entry = |i: usize, j: usize| rows.chunks_exact(d).map(|r| r[i] * r[j]).sum::<f64>() / n;
    (0..d).map(|i| (0..d).map(|j| entry(i, j)).collect()).collect()
}

fn mean_trace(m: &[Vec<f64>]) -> f64 {
    (0..m.len()).map(|j| m[j][j]).sum::<f64>() / m.len() as f64
}

fn damped(m: &[Vec<f64>], by: f64) -> Vec<Vec<f64>> {
    let mut m = m.to_vec();
    (0..m.len()).for_each(|j| m[j][j] += by);
    m
}

/// Two layers, two steps: each Δ solves the Kronecker system of the running factors, damped by π√λ and √λ/π, written out as
/// a dense matrix of d_out·d_in rows.
#[test]
fn a_step_solves_the_dense_kronecker_system() {
    let (n, inputs) = (9, 4);
    let features = with_ones(draw(1, n * inputs), inputs);
    let ids: Vec<usize> = (0..n).collect();
    for damping in [Damping::Absolute(1e-3), Damping::Relative(0.1)] {
        let mut network = Network::zeros(inputs, &[3], Activation::Tanh, Family::Categorical { classes: 3 });
        network.set(&draw(2, network.parameters()));
        let options = KfacOptions {
            fisher: Fisher::Empirical,
            factor_every: 1,
            inverse_every: 1,
            damping,
            momentum: 0.5,
            decay: Decay::Coupled(0.01),
            ..KfacOptions::default()
        };
        let mut rule = Kfac::new(options).unwrap();
        let mut expected_buffer = vec![0.0; network.parameters()];
        let mut running: Vec<[Vec<Vec<f64>>; 2]> = Vec::new();
        for step in 0..2 {
            let mut work = Workspace::default();
            network.forward(&features, &mut work);
            let (family, before) = (network.family, network.clone());
            let factors =
                before.backward(&features, &mut work, |i, z, d| family.gradient_into(z, (i % 3) as f64, 1.0, d));
            let mut expected = Vec::new();
            for (l, layer) in factors.layers.iter().enumerate() {
                let fresh = [moment(layer.inputs, layer.shape.inputs), moment(layer.gradients, layer.shape.outputs)];
                if step == 0 {
                    running.push(fresh);
                } else {
                    let half = |old: &mut Vec<Vec<f64>>, new: &[Vec<f64>]| {
                        old.iter_mut().flatten().zip(new.iter().flatten()).for_each(|(o, n)| *o = 0.5 * (*o + n));
                    };
                    let [a, d] = &mut running[l];
                    half(a, &fresh[0]);
                    half(d, &fresh[1]);
                }
                let [a, d] = &running[l];
                let (mean_a, mean_d) = (mean_trace(a), mean_trace(d));
                let lambda = match damping {
                    Damping::Absolute(lambda) => lambda,
                    Damping::Relative(alpha) => alpha * mean_a * mean_d,
                };
                let pi = (mean_a / mean_d).sqrt();
                let (a, d) = (damped(a, pi * lambda.sqrt()), damped(d, lambda.sqrt() / pi));
                let (p, k) = (layer.shape.parameters(), layer.shape.inputs);
                let kronecker = (0..p).map(|r| (0..p).map(|c| d[r / k][c / k] * a[r % k][c % k]).collect()).collect();
                let mut gradient = vec![0.0; p];
                layer.add_combination(None, &mut gradient);
                expected.extend(solve(kronecker, gradient.iter().map(|g| g / n as f64).collect()));
            }
            let start = network.flatten();
            let batch = Batch { ids: &ids, epoch: 0, step, learning_rate: 0.2 };
            rule.step(&mut network, &factors, &batch).unwrap();
            for (j, after) in network.flatten().iter().enumerate() {
                expected_buffer[j] = 0.5 * expected_buffer[j] + expected[j] + 0.01 * start[j];
                let want = start[j] - 0.2 * expected_buffer[j];
                assert!((after - want).abs() < 1e-10 * want.abs().max(1.0), "{damping:?} step {step}: {after} {want}");
            }
        }
    }
}

/// Of a linear model with one output, F is E[aaᵀ]: one undamped step lands on least squares from anywhere.
#[test]
fn one_step_on_a_linear_model_is_least_squares() {
    let (n, inputs) = (30, 4);
    let features = with_ones(draw(3, n * inputs), inputs);
    let y = draw(4, n);
    let mut network = Network::zeros(inputs, &[], Activation::Relu, Family::Gaussian);
    network.set(&draw(5, inputs));
    let mut work = Workspace::default();
    network.forward(&features, &mut work);
    let before = network.clone();
    let factors = before.backward(&features, &mut work, |i, z, d| d[0] = z[0] - y[i]);
    let options = KfacOptions { damping: Damping::Absolute(1e-24), momentum: 0.0, ..KfacOptions::default() };
    let ids: Vec<usize> = (0..n).collect();
    let batch = Batch { ids: &ids, epoch: 0, step: 0, learning_rate: 1.0 };
    Kfac::new(options).unwrap().step(&mut network, &factors, &batch).unwrap();
    let projected = (0..inputs).map(|j| (0..n).map(|i| features[i * inputs + j] * y[i]).sum::<f64>() / n as f64);
    let expected = solve(moment(&features, inputs), projected.collect());
    for (found, expected) in network.flatten().iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
    }
}

/// Random signs give the model's curvature: exactly where there is one output, on average where there are several.
#[test]
fn the_models_fisher_is_the_curvature_of_the_output() {
    let (n, inputs) = (4000, 3);
    let features = with_ones(draw(6, n * inputs), inputs);
    let ids: Vec<usize> = (0..n).collect();
    for (family, tolerance) in [(Family::Bernoulli, 1e-14), (Family::Categorical { classes: 3 }, 0.012)] {
        let mut network = Network::zeros(inputs, &[], Activation::Relu, family);
        network.set(&draw(7, network.parameters()));
        let c = family.outputs();
        let mut work = Workspace::default();
        let mut expected = vec![0.0; c * c];
        for z in network.forward(&features, &mut work).chunks_exact(c) {
            let mut curvature = vec![0.0; c * c];
            family.curvature_into(z, &mut curvature);
            expected.iter_mut().zip(&curvature).for_each(|(e, h)| *e += h / n as f64);
        }
        let before = network.clone();
        let factors = before.backward(&features, &mut work, |_, z, d| family.gradient_into(z, 0.0, 1.0, d));
        let mut rule = Kfac::new(KfacOptions::default()).unwrap();
        let batch = Batch { ids: &ids, epoch: 0, step: 0, learning_rate: 0.1 };
        rule.step(&mut network, &factors, &batch).unwrap();
        let (_, found) = rule.factors(0).unwrap();
        // entries have |d_j d_k| ≤ 1 and so a deviation of at most 1/√n = .016 a sample mean; here about a quarter of it
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < tolerance, "{family:?}: {found} {expected}");
        }
    }
}

/// Points in the plane with a one, and whether they lie in an ellipse.
fn ellipse(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let features = with_ones(draw(8, 3 * rows).iter().map(|u| 2.0 * u).collect(), 3);
    let y = features.chunks_exact(3).map(|a| f64::from(a[0] * a[0] + 2.0 * a[1] * a[1] > 2.0)).collect();
    (features, y)
}

/// Intervals, Fisher matrices and trust regions all fit the ellipse, and a saved training goes on to the same bits.
#[test]
fn every_interval_learns_and_resumes_to_the_same_bits() {
    let (features, response) = ellipse(300);
    let data = TrainingData { features: &features, inputs: 3, response: &response, family: Family::Bernoulli };
    let options = TrainerOptions {
        epochs: 20,
        batch: 50,
        learning_rate: 0.1,
        schedule: Schedule::Constant,
        seed: 3,
        ..TrainerOptions::default()
    };
    let rules = [
        KfacOptions { factor_every: 1, inverse_every: 1, ..KfacOptions::default() },
        KfacOptions { inverse_every: 100, trust: Some(1e-2), ..KfacOptions::default() },
        KfacOptions { fisher: Fisher::Empirical, damping: Damping::Relative(1.0), ..KfacOptions::default() },
    ];
    for rule_options in rules {
        let mut rule = Kfac::new(rule_options).unwrap();
        let mut trainer = Trainer::new(&data, &[12], Activation::Tanh, options.clone(), &mut rule).unwrap();
        let mut saved = Vec::new();
        for step in 0..40 {
            if [0, 1, 7, 25].contains(&step) {
                saved.push(trainer.state());
            }
            trainer.step().unwrap();
        }
        let at_40 = trainer.network();
        let loss = *trainer.train(&unhat::Run::default()).unwrap().losses.last().unwrap();
        assert!(loss < 0.25, "{rule_options:?}: {loss}"); // .68 without learning
        for state in saved {
            let mut rule = Kfac::new(rule_options).unwrap();
            let mut trainer = Trainer::new(&data, &[12], Activation::Tanh, options.clone(), &mut rule).unwrap();
            trainer.resume(&state).unwrap();
            (state.step..40).for_each(|_| assert!(trainer.step().is_ok()));
            assert_eq!(trainer.network(), at_40, "{rule_options:?} from step {}", state.step);
        }
    }
}

#[test]
fn unusable_options_and_foreign_memories_are_refused() {
    let default = KfacOptions::default();
    for wrong in [
        KfacOptions { factor_every: 0, ..default },
        KfacOptions { inverse_every: 0, ..default },
        KfacOptions { damping: Damping::Absolute(0.0), ..default },
        KfacOptions { damping: Damping::Relative(f64::NAN), ..default },
        KfacOptions { trust: Some(0.0), ..default },
        KfacOptions { momentum: 1.0, ..default },
        KfacOptions { memory: -0.1, ..default },
        KfacOptions { decay: Decay::Coupled(-1.0), ..default },
    ] {
        assert_eq!(Kfac::new(wrong).unwrap_err().kind().name(), "option", "{wrong:?}");
    }
    let mut rule = Kfac::new(default).unwrap();
    for foreign in [&[][..], &[1.0], &[1.0, 1.0, 1e9, 2.0, 1.0], &[1.0, 1.0, 2.0, 1.0, 0.0], &[0.0, 0.0, 5.0]] {
        assert_eq!(rule.recall(foreign, 10).unwrap_err().kind().name(), "shape", "{foreign:?}");
    }
}
