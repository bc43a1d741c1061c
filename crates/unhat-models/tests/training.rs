//! Trained networks: steps against 50-digit arithmetic, seeds, resumption, divergence.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use unhat::random::uniform_rows_into;
use unhat::{Event, Run};
use unhat_models::models::{
    Activation, AdamW, Family, Momentum, Optimiser, Schedule, Sgd, TrainState, TrainStatus, Trainer, TrainerOptions,
    TrainerStep, Training, TrainingData, TrainingEvent, evaluate, predictors, train,
};

fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    uniform_rows_into(seed, 17, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

/// Points in the plane with a constant one, and the class of their ring.
fn rings(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let points = draw(1, 2 * rows);
    let features: Vec<f64> = points.chunks(2).flat_map(|p| [2.0 * p[0], 2.0 * p[1], 1.0]).collect();
    let class = |a: &[f64]| ((a[0] * a[0] + a[1] * a[1]).sqrt() * 1.2).floor().min(2.0);
    let classes = features.chunks(3).map(class).collect();
    (features, classes)
}

fn ring_data<'a>(rows: &'a (Vec<f64>, Vec<f64>)) -> TrainingData<'a> {
    TrainingData { features: &rows.0, inputs: 3, response: &rows.1, family: Family::Categorical { classes: 3 } }
}

fn rules() -> Vec<Box<dyn Optimiser>> {
    vec![
        Box::new(Sgd::new(0.9, Momentum::HeavyBall, 0.01).unwrap()),
        Box::new(Sgd::new(0.9, Momentum::Nesterov, 0.01).unwrap()),
        Box::new(AdamW::new(0.01).unwrap()),
    ]
}

/// Four rows in one batch, two tanh units, η = .3, μ = .9, λ = .01. Expected: three steps of each rule in mpmath at 50
/// digits, gradients by central differences with h = 10⁻¹⁶.
#[test]
fn three_steps_of_every_rule() {
    let features = [0.5, -1.0, 1.0, 1.5, 0.25, 1.0, -0.75, 2.0, 1.0, -1.25, -0.5, 1.0];
    let data =
        TrainingData { features: &features, inputs: 3, response: &[1.0, 0.0, 1.0, 0.0], family: Family::Bernoulli };
    let expected = [
        [
            0.14555825062130542,
            0.04198755919050942,
            0.043593417855836494,
            -0.41568594265284253,
            0.34641011685641604,
            0.1528357793262012,
            0.5363189036110453,
            -0.37435613291692454,
            0.12322656467999812,
        ],
        [
            0.08997323301107552,
            0.12994907283959378,
            0.033639376420707925,
            -0.3882598059988519,
            0.3347135515354222,
            0.1834686783313235,
            0.5032292182715358,
            -0.30344114607718675,
            0.09909551668185745,
        ],
        [
            -0.46938416888046985,
            0.615839100081265,
            -0.3289894214742581,
            0.2926775061627828,
            -0.4238072822791976,
            0.6296649165742118,
            0.15940333156609,
            0.13834057524486007,
            0.06049587345226668,
        ],
    ];
    let options = TrainerOptions {
        epochs: 3,
        batch: 4,
        learning_rate: 0.3,
        schedule: Schedule::Constant,
        ..TrainerOptions::default()
    };
    for (mut rule, expected) in rules().into_iter().zip(expected) {
        let name = rule.name();
        let memory = rule.memory();
        let mut trainer = Trainer::new(&data, &[2], Activation::Tanh, options.clone(), rule.as_mut()).unwrap();
        let parameters = vec![0.3, -0.2, 0.1, -0.5, 0.4, 0.05, 0.7, -0.6, 0.2];
        trainer.resume(&TrainState { step: 0, parameters, memory }).unwrap();
        let trained = trainer.train(&Run::default()).unwrap();
        assert_eq!(trained.status, TrainStatus::Solved);
        for (found, expected) in trained.network.flatten().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-13, "{name}: {found} {expected}");
        }
    }
}

fn ring_network(options: TrainerOptions) -> Training {
    train(&ring_data(&rings(400)), &[12, 8], Activation::Relu, 0.01, options, &Run::default()).unwrap()
}

#[test]
fn a_network_learns_what_no_linear_model_can() {
    let rows = rings(400);
    let trained = ring_network(TrainerOptions { epochs: 80, ..TrainerOptions::default() });
    let found = evaluate(&trained.network, &rows.0, &rows.1, &Run::default()).unwrap();
    assert!(found.accuracy.unwrap() > 0.97, "{found:?}");
    assert!(trained.losses[79] < 0.2 * trained.losses[0], "{:?}", trained.losses);
    let z = predictors(&trained.network, &rows.0, &Run::default()).unwrap();
    let family = Family::Categorical { classes: 3 };
    let mean = z.chunks(3).zip(&rows.1).map(|(z, y)| family.loss(z, *y)).sum::<f64>() / 400.0;
    assert!((mean - found.mean_loss).abs() < 1e-14);
}

#[test]
fn seeds_repeat_and_threads_change_nothing() {
    let of = |seed, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = TrainerOptions { epochs: 3, seed, ..TrainerOptions::default() };
        pool.install(|| ring_network(options).network)
    };
    let one = of(1, 1);
    assert_eq!(one, of(1, 2));
    assert_eq!(one, of(1, 7));
    assert_ne!(one, of(2, 1));
}

/// Stopped after any step and resumed in a new trainer, a training ends in the same bits.
#[test]
fn a_resumed_training_ends_in_the_same_bits() {
    let rows = rings(100);
    let data = ring_data(&rows);
    let options = TrainerOptions { epochs: 4, batch: 32, seed: 5, ..TrainerOptions::default() };
    for k in 0..3 {
        let trainer_of = |rule: &mut Box<dyn Optimiser>, state: Option<&TrainState>, steps: u64| {
            let mut trainer = Trainer::new(&data, &[5], Activation::Tanh, options.clone(), rule.as_mut()).unwrap();
            state.iter().for_each(|state| trainer.resume(state).unwrap());
            while trainer.steps() < steps {
                assert!(matches!(trainer.step().unwrap(), TrainerStep::Taken(_)));
            }
            trainer.state()
        };
        let whole = trainer_of(&mut rules().swap_remove(k), None, 16);
        for cut in [0, 1, 4, 7, 15] {
            let half = trainer_of(&mut rules().swap_remove(k), None, cut);
            assert_eq!(trainer_of(&mut rules().swap_remove(k), Some(&half), 16), whole, "rule {k}, step {cut}");
        }
    }
    let mut rule = Sgd::new(0.0, Momentum::HeavyBall, 0.0).unwrap();
    let mut trainer = Trainer::new(&data, &[5], Activation::Tanh, options, &mut rule).unwrap();
    let foreign = TrainState { step: 0, parameters: vec![0.0; 3], memory: Vec::new() };
    assert_eq!(trainer.resume(&foreign).unwrap_err().kind().name(), "shape");
}

/// The units of a numeric response change nothing but the units of the predictions.
#[test]
fn a_response_in_other_units_gives_the_same_network() {
    let features = rings(200).0;
    let y: Vec<f64> = features.chunks(3).map(|a| a[0] * a[1]).collect();
    let options = TrainerOptions { epochs: 30, ..TrainerOptions::default() };
    let of = |response: &[f64]| {
        let data = TrainingData { features: &features, inputs: 3, response, family: Family::Gaussian };
        let trained = train(&data, &[16], Activation::Tanh, 0.0, options.clone(), &Run::default()).unwrap();
        (predictors(&trained.network, &features, &Run::default()).unwrap(), trained.losses)
    };
    let (plain, losses) = of(&y);
    let scaled: Vec<f64> = y.iter().map(|y| 3e5 + 2e4 * y).collect();
    let (large, large_losses) = of(&scaled);
    for (a, b) in plain.iter().zip(&large) {
        assert!((3e5 + 2e4 * a - b).abs() < 1e-3, "{a} {b}");
    }
    assert!((large_losses[29] / losses[29] / 4e8 - 1.0).abs() < 1e-6);
    let error = plain.iter().zip(&y).map(|(z, y)| (z - y) * (z - y)).sum::<f64>();
    let total = y.iter().map(|y| y * y).sum::<f64>();
    assert!(error < 0.1 * total, "{error} of {total}");
}

#[test]
fn divergence_is_a_status_that_names_step_and_layer_and_keeps_finite_weights() {
    let options =
        TrainerOptions { epochs: 5, learning_rate: 1e200, schedule: Schedule::Constant, ..TrainerOptions::default() };
    let trained = ring_network(options);
    let TrainStatus::Diverged { step, layer } = trained.status else { panic!("{:?}", trained.status) };
    assert!((1..10).contains(&step) && layer < 3, "{step} {layer}");
    assert!(trained.network.flatten().iter().all(|w| w.is_finite()));
}

#[test]
fn snapshots_events_and_interruption() {
    let options = TrainerOptions { epochs: 4, snapshots: vec![0, 1, 4, 9], ..TrainerOptions::default() };
    let trained = ring_network(options.clone());
    let epochs: Vec<u32> = trained.snapshots.iter().map(|s| s.epoch).collect();
    assert_eq!(epochs, [0, 1, 4]);
    assert_eq!(trained.snapshots[2].network, trained.network);
    assert!(trained.snapshots[0].learning_rate == 0.05 && trained.snapshots[2].learning_rate < 1e-15);
    let half = (0.05 / 2.0) * (1.0 + (std::f64::consts::PI / 4.0).cos());
    assert!((trained.snapshots[1].learning_rate - half).abs() < 1e-15);

    let (stop, told) = (AtomicBool::new(false), AtomicU32::new(0));
    let observe = |event: Event<'_>| {
        if let Some(TrainingEvent::Epoch { epoch, epochs: 4, .. }) = TrainingEvent::of(&event) {
            told.store(epoch, Ordering::Relaxed);
            stop.store(epoch == 2, Ordering::Relaxed);
        }
    };
    let run = Run { stop: Some(&stop), observe: Some(&observe), ..Run::default() };
    let trained = train(&ring_data(&rings(400)), &[12, 8], Activation::Relu, 0.01, options, &run).unwrap();
    assert_eq!((trained.status, told.into_inner(), trained.losses.len()), (TrainStatus::Interrupted, 2, 2));
}

#[test]
fn unusable_options_are_refused() {
    let rows = rings(20);
    let refused = |options: TrainerOptions, hidden: &[usize], penalty: f64| {
        train(&ring_data(&rows), hidden, Activation::Relu, penalty, options, &Run::default())
            .err()
            .map(|e| e.kind().name())
    };
    let options = TrainerOptions { epochs: 1, ..TrainerOptions::default() };
    assert_eq!(refused(options.clone(), &[], 0.0), None);
    assert_eq!(refused(options.clone(), &[0], 0.0), Some("option"));
    assert_eq!(refused(options.clone(), &[3], -1.0), Some("option"));
    for wrong in [
        TrainerOptions { epochs: 0, ..options.clone() },
        TrainerOptions { batch: 0, ..options.clone() },
        TrainerOptions { learning_rate: f64::NAN, ..options.clone() },
        TrainerOptions { learning_rate: 0.0, ..options },
    ] {
        assert_eq!(refused(wrong, &[3], 0.0), Some("option"));
    }
}
