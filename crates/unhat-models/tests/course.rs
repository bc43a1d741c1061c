//! Whole trainings: what their histories mean, where they go on, how they end, and what they refuse.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::sync::atomic::{AtomicBool, Ordering};
use unhat::{Event, Result, Run};
use unhat_models::models::{
    Activation, AdamW, Batch, Factors, Family, ModelKind, Network, Optimiser, Trainer, TrainerOptions, TrainingData,
    TrainingEvent,
};
use unhat_models::natural::Share;
use unhat_models::training::*;

fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    unhat::random::uniform_rows_into(seed, 21, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}

/// Rows of three classes around a spiral, or their angle as a number.
struct Rows {
    features: Vec<f64>,
    response: Vec<f64>,
    family: Family,
}

fn rows(seed: u64, count: usize, family: Family) -> Rows {
    let (mut features, mut response) = (Vec::new(), Vec::new());
    for u in draw(seed, 3 * count).chunks_exact(3) {
        let angle = 2.0 * u[0] + u[1];
        features.extend([u[0], u[1] + 0.2 * u[2], angle.sin(), 1.0]);
        response.push(match family {
            Family::Gaussian => 40.0 + 7.0 * angle + u[2],
            Family::Poisson => (angle.exp() + u[2]).max(0.0).floor(),
            _ => ((angle + 3.0) / 2.0 + 0.3 * u[2]).clamp(0.0, 2.0).floor(),
        });
    }
    Rows { features, response, family }
}

impl Rows {
    fn data(&self) -> TrainingData<'_> {
        TrainingData { features: &self.features, inputs: 4, response: &self.response, family: self.family }
    }
}

const CLASSES: Family = Family::Categorical { classes: 3 };

fn options(rule: &str) -> TrainingOptions {
    let optimizer = rule.parse().unwrap();
    let learning_rate = match optimizer {
        OptimiserName::Fngd | OptimiserName::Kfac | OptimiserName::Ngd => Some(LearningRate::Fixed(0.02)),
        _ => None,
    };
    TrainingOptions { optimizer, learning_rate, batch: 16, epochs: 4, seed: 3, ..TrainingOptions::default() }
}

fn network_kind() -> ModelKind {
    "mlp:6".parse().unwrap()
}

fn train(train: &Rows, validation: Option<&Rows>, options: &TrainingOptions) -> Trained {
    let sets = sets(train, validation);
    train_model(&sets, &network_kind(), options, None, None, &Run::default()).unwrap()
}

fn sets<'a>(train: &'a Rows, validation: Option<&'a Rows>) -> Sets<'a> {
    let validation = validation.map(|rows| (rows.features.as_slice(), rows.response.as_slice()));
    Sets { train: train.data(), validation }
}

/// The mean loss and the accuracy by the formulas, one row at a time.
fn judged(network: &Network, rows: &Rows) -> (f64, f64) {
    let (mut loss, mut right) = (0.0, 0.0);
    for (x, &y) in rows.features.chunks_exact(4).zip(&rows.response) {
        let mut a = x.to_vec();
        for (l, layer) in network.layers.iter().enumerate() {
            let product = |w: &[f64]| w.iter().zip(&a).map(|(w, a)| w * a).sum::<f64>();
            let z: Vec<f64> = layer.weights.chunks_exact(layer.shape.inputs).map(product).collect();
            a = if l + 1 < network.layers.len() { z.iter().map(|z| z.max(0.0)).chain([1.0]).collect() } else { z };
        }
        loss += match rows.family {
            Family::Gaussian => 0.5 * (a[0] - y) * (a[0] - y),
            _ => a.iter().map(|z| z.exp()).sum::<f64>().ln() - a[y as usize],
        };
        let largest = (0..a.len()).max_by(|&i, &j| a[i].total_cmp(&a[j])).unwrap();
        right += f64::from(largest == y as usize);
    }
    let n = rows.response.len() as f64;
    (loss / n, right / n)
}

/// Every entry is the loss of all rows at the weights after so many steps: the steps are taken again, one by one.
#[test]
fn an_entry_of_the_history_is_the_loss_of_all_rows_at_those_weights() {
    for family in [CLASSES, Family::Gaussian] {
        let (training, validation) = (rows(1, 90, family), rows(2, 40, family));
        let options = TrainingOptions { record_every: Some(4), ..options("adamw") };
        let report = train(&training, Some(&validation), &options).report;
        assert_eq!((report.status, report.steps, report.epochs), (Ending::Solved, 24, 4));
        let steps: Vec<u64> = report.history.iter().map(|entry| entry.step).collect();
        assert_eq!(steps, [0, 4, 6, 8, 12, 16, 18, 20, 24], "every fourth step and every epoch's end");
        let data = training.data();
        let train = TrainerOptions { epochs: 4, batch: 16, learning_rate: 0.002, seed: 3, ..TrainerOptions::default() };
        let mut rule = AdamW::new(0.0).unwrap();
        let mut trainer = Trainer::new(&data, &[6], Activation::Relu, train, &mut rule).unwrap();
        for entry in &report.history {
            while trainer.steps() < entry.step {
                trainer.step().unwrap();
            }
            assert_eq!(u64::from(entry.epoch), entry.step.div_ceil(6));
            let network = trainer.network();
            let near = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-10 * (1.0 + b), "{a:?} and {b}");
            near(entry.train_loss, judged(&network, &training).0);
            near(entry.validation_loss, judged(&network, &validation).0);
            match family {
                CLASSES => near(entry.validation_accuracy, judged(&network, &validation).1),
                _ => assert_eq!(entry.validation_accuracy, None),
            }
        }
        assert_eq!(report.kept.step, 24);
        assert_eq!(report.kept.train_loss, report.history.last().unwrap().train_loss);
        let times: Vec<f64> = report.history.iter().map(|entry| entry.seconds).collect();
        assert!(times.is_sorted() && times[0] == 0.0 && report.seconds_per_step.unwrap() > 0.0);
    }
}

/// Notes which rows a step was about.
struct Witness(Vec<(u32, Vec<usize>)>);

impl Optimiser for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }
    fn step(&mut self, _: &mut Network, _: &Factors<'_>, batch: &Batch<'_>) -> Result<()> {
        self.0.push((batch.epoch, batch.ids.to_vec()));
        Ok(())
    }
    fn memory(&self) -> Vec<f64> {
        Vec::new()
    }
    fn recall(&mut self, _: &[f64], _: usize) -> Result<()> {
        Ok(())
    }
}

#[test]
fn fixed_batches_are_those_of_the_first_epoch() {
    let training = rows(1, 50, CLASSES);
    let epochs = |fixed_batches: bool| {
        let train = TrainerOptions { epochs: 3, batch: 16, seed: 3, fixed_batches, ..TrainerOptions::default() };
        let mut witness = Witness(Vec::new());
        let data = training.data();
        let mut trainer = Trainer::new(&data, &[6], Activation::Relu, train, &mut witness).unwrap();
        for _ in 0..12 {
            trainer.step().unwrap();
        }
        drop(trainer);
        let of = |epoch: u32| witness.0.iter().filter(|(e, _)| *e == epoch).map(|(_, ids)| ids.clone()).collect();
        [of(0), of(1), of(2)] as [Vec<Vec<usize>>; 3]
    };
    let (fixed, drawn) = (epochs(true), epochs(false));
    assert_eq!(fixed[0], drawn[0]);
    assert_eq!((&fixed[0], &fixed[0]), (&fixed[1], &fixed[2]));
    assert_ne!(drawn[0], drawn[1]);
    for epoch in fixed.iter().chain(&drawn) {
        assert_eq!(epoch.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16, 16, 2]);
        let mut ids = epoch.concat();
        ids.sort_unstable();
        assert_eq!(ids, (0..50).collect::<Vec<_>>());
    }
}

/// The same losses and weights, whatever the clock said.
fn assert_same(a: &Trained, b: &Trained) {
    let losses = |t: &Trained| {
        let bits = |v: Option<f64>| v.map(f64::to_bits);
        let of = |e: &HistoryEntry| (e.step, e.epoch, bits(e.train_loss), bits(e.validation_loss));
        t.report.history.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(losses(a), losses(b));
    let bits = |t: &Trained| t.network.flatten().iter().map(|w| w.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(a), bits(b));
    assert_eq!((a.report.status, a.report.kept), (b.report.status, b.report.kept));
}

#[test]
fn the_range_test_and_the_training_have_the_same_bits_for_any_number_of_threads() {
    let training = rows(1, 700, CLASSES); // more than one block of rows
    let options = TrainingOptions { learning_rate: Some(LearningRate::Auto), batch: 128, ..options("fngd-metric") };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let sets = sets(&training, None);
        train_model(&sets, &network_kind(), &options, None, None, &Run { pool: Some(&pool), ..Run::default() }).unwrap()
    };
    let (one, four) = (run(1), run(4));
    assert_same(&one, &four);
    assert_eq!(one.report.range_test, four.report.range_test);
    let trials = one.report.range_test.as_ref().unwrap();
    assert!((4..=20).contains(&trials.len()), "{trials:?}");
    let least = trials.iter().min_by(|a, b| a.loss.unwrap_or(1e9).total_cmp(&b.loss.unwrap_or(1e9))).unwrap();
    assert_eq!(one.report.learning_rate, least.learning_rate);
}

/// Keeps the state after one step and asks to stop after another.
struct At<'a> {
    keep: u64,
    stop: u64,
    step: u64,
    flag: &'a AtomicBool,
    kept: Option<SavedTraining>,
}

impl Keeper for At<'_> {
    fn is_due(&mut self) -> bool {
        self.step += 1;
        if self.step == self.stop {
            self.flag.store(true, Ordering::Relaxed);
        }
        self.step == self.keep
    }
    fn keep(&mut self, state: &SavedTraining) -> Result<()> {
        if self.step <= self.stop {
            self.kept = Some(state.clone());
        }
        Ok(())
    }
}

/// Killed after a save, or stopped: what is gone on from comes to the same bits, by every rule.
#[test]
fn a_training_goes_on_to_the_same_bits_through_its_file() {
    let (training, validation) = (rows(1, 70, CLASSES), rows(2, 40, CLASSES));
    let share = Some(Share::ByIdFixedBatches);
    let mut all: Vec<TrainingOptions> = OptimiserName::ALL.iter().map(|rule| options(rule.name())).collect();
    all.push(TrainingOptions { share, ..options("fngd") });
    all.push(TrainingOptions {
        base: Some(MetricBase::Nesterov),
        refresh: Some(3),
        rank: Some(2),
        ..options("fngd-metric")
    });
    for options in all {
        let options = TrainingOptions { patience: Some(3), record_every: Some(3), ..options };
        let whole = train(&training, Some(&validation), &options);
        for (keep, stop) in [(2, 4), (7, 9), (99, 5), (99, 11)] {
            let flag = AtomicBool::new(false);
            let mut keeper = At { keep, stop, step: 0, flag: &flag, kept: None };
            let sets = sets(&training, Some(&validation));
            let run = Run { stop: Some(&flag), ..Run::default() };
            let cut = train_model(&sets, &network_kind(), &options, None, Some(&mut keeper), &run).unwrap();
            assert_eq!((cut.report.status, cut.report.steps), (Ending::Interrupted, stop));
            let state = keeper.kept.unwrap();
            let state = if keep < stop { state } else { cut.state };
            let bytes = state.to_bytes().unwrap();
            let state = SavedTraining::from_bytes("s", &bytes).unwrap();
            let resumed = train_model(&sets, &network_kind(), &options, Some(state), None, &Run::default()).unwrap();
            assert_same(&whole, &resumed);
        }
    }
}

#[test]
fn the_state_of_another_training_says_what_differs() {
    let (training, other) = (rows(1, 60, CLASSES), rows(4, 60, CLASSES));
    let own = options("adamw");
    struct Last(Option<SavedTraining>);
    impl Keeper for Last {
        fn is_due(&mut self) -> bool {
            false
        }
        fn keep(&mut self, state: &SavedTraining) -> Result<()> {
            self.0 = Some(state.clone());
            Ok(())
        }
    }
    let mut last = Last(None);
    train_model(&sets(&training, None), &network_kind(), &own, None, Some(&mut last), &Run::default()).unwrap();
    let state = last.0.unwrap();
    let refused = |rows: &Rows, kind: &str, options: &TrainingOptions| {
        let kind = kind.parse().unwrap();
        train_model(&sets(rows, None), &kind, options, Some(state.clone()), None, &Run::default())
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&training, "mlp:7", &own).contains("checkpoint: belongs to another training: its model is mlp:6"));
    assert!(refused(&training, "mlp:6", &options("sgd")).contains("its optimizer is adamw, not sgd"));
    let seeded = TrainingOptions { seed: 4, ..own.clone() };
    assert!(refused(&training, "mlp:6", &seeded).contains("its seed is 3, not 4"));
    assert!(refused(&other, "mlp:6", &own).contains("table"));
    let bytes = state.to_bytes().unwrap();
    for cut in [0, 5, 60, bytes.len() - 1] {
        let error = SavedTraining::from_bytes("c.state", &bytes[..cut]).unwrap_err().to_string();
        assert!(error.starts_with("c.state: is no intact checkpoint"), "{error}");
    }
    let mut spoiled = bytes.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    assert!(SavedTraining::from_bytes("c", &spoiled).unwrap_err().to_string().contains("checksum"));
}

/// Few rows and large weights: the validation loss turns round.
#[test]
fn patience_keeps_the_weights_of_the_least_validation_loss() {
    let (training, validation) = (rows(1, 20, CLASSES), rows(2, 60, CLASSES));
    let rate = Some(LearningRate::Fixed(0.1));
    let long = TrainingOptions { learning_rate: rate, epochs: 60, ..options("adamw") };
    let all = train(&training, Some(&validation), &long).report;
    let patient = train(&training, Some(&validation), &TrainingOptions { patience: Some(5), ..long });
    let report = &patient.report;
    assert_eq!(report.status, Ending::Solved);
    assert!(report.epochs < 60 && report.epochs == report.kept.epoch + 5, "{:?}", report.kept);
    let losses: Vec<f64> = all.history.iter().map(|entry| entry.validation_loss.unwrap()).collect();
    let seen = &losses[..=report.epochs as usize];
    let least = seen.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(report.kept.validation_loss, Some(least));
    assert!(losses[60] > least, "the last weights are worse, and were kept without patience");
    assert_eq!(all.kept.step, all.steps);
    assert!((judged(&patient.network, &validation).0 - least).abs() < 1e-10);
}

#[test]
fn a_rate_that_is_far_too_large_diverges_and_leaves_finite_weights() {
    let training = rows(1, 60, Family::Gaussian);
    let rate = Some(LearningRate::Fixed(1e6));
    let diverging = TrainingOptions { learning_rate: rate, epochs: 50, ..options("sgd") };
    let trained = train(&training, None, &diverging);
    let report = &trained.report;
    assert_eq!(report.status, Ending::Diverged);
    let at = report.diverged.unwrap();
    assert!((1..=2).contains(&at.layer) && at.step >= 1, "{at:?}");
    assert!(report.history[0].train_loss.is_some());
    assert_eq!(report.history.last().unwrap().train_loss, None);
    assert_eq!(report.history.last().unwrap().step, at.step);
    assert!(trained.network.flatten().iter().all(|w| w.is_finite()));
    assert!(serde_json::to_string(report).unwrap().contains("\"train_loss\":null"));
    // a gradient that overflows where the loss does not: the rule says it, and the training has diverged
    for rule in ["ngd", "fngd"] {
        let report = train(&training, None, &TrainingOptions { learning_rate: rate, ..options(rule) }).report;
        assert!(matches!(report.status, Ending::Diverged | Ending::Solved));
    }
}

#[test]
fn controls_are_run_on_the_same_seed_and_told_apart() {
    let (training, validation) = (rows(1, 96, CLASSES), rows(2, 40, CLASSES));
    let names = |c: &Controls| c.runs.iter().map(|run| run.name.clone()).collect::<Vec<_>>();
    let controlled = |rule: &str| {
        let options = TrainingOptions { controls: true, epochs: 5, ..options(rule) };
        let report = train(&training, Some(&validation), &options).report;
        let controls = report.controls.clone().unwrap();
        assert_eq!(controls.runs[0].train_loss, report.history.last().unwrap().train_loss);
        for run in &controls.runs[1..] {
            assert_ne!(run.train_loss, controls.runs[0].train_loss, "{}: nothing was spoiled", run.name);
            assert!(run.validation_accuracy.is_some() && run.status == Ending::Solved);
            assert_eq!(run.steps_to_loss.is_some(), run.epochs_to_loss.is_some());
        }
        controls
    };
    let fngd = controlled("fngd");
    assert_eq!(names(&fngd), ["as it is", "permuted coefficients", "layer mean"]);
    assert_eq!(fngd.correlations.iter().map(|c| c.epoch).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert!(fngd.correlations.iter().all(|c| c.correlation.abs() <= 1.0));
    let metric = controlled("fngd-metric");
    assert_eq!(names(&metric), ["as it is", "permuted metric", "random directions", "rank 1"]);
    assert!(metric.correlations.is_empty() && !metric.summary.is_empty());
}

/// Batches of one row, and a last batch of one row, by every rule.
#[test]
fn a_batch_may_have_one_row() {
    let training = rows(1, 33, CLASSES);
    for rule in OptimiserName::ALL {
        for batch in [1, 16, 32, 500] {
            let report = train(&training, None, &TrainingOptions { batch, epochs: 2, ..options(rule.name()) }).report;
            assert_eq!((report.status, report.steps), (Ending::Solved, 2 * 33_u64.div_ceil(batch as u64)), "{rule}");
            assert!(report.history.last().unwrap().train_loss.unwrap().is_finite(), "{rule}, batches of {batch}");
        }
    }
}

/// Every model is trainable: one without hidden layers is a network of one layer.
#[test]
fn every_kind_of_model_learns() {
    let two =
        |r: Rows| Rows { response: r.response.iter().map(|y| y.min(1.0)).collect(), family: Family::Bernoulli, ..r };
    let cases = [
        ("linear", rows(1, 80, Family::Gaussian)),
        ("ridge", rows(1, 80, Family::Gaussian)),
        ("logistic", two(rows(1, 80, CLASSES))),
        ("softmax", rows(1, 80, CLASSES)),
        ("poisson", rows(1, 80, Family::Poisson)),
    ];
    for (kind, rows) in cases {
        for rule in ["nesterov", "fngd", "fngd-metric"] {
            let kind: ModelKind = kind.parse().unwrap();
            let trained = train_model(&sets(&rows, None), &kind, &options(rule), None, None, &Run::default()).unwrap();
            let history = &trained.report.history;
            assert!(history.last().unwrap().train_loss < history[0].train_loss, "{kind} by {rule}: {history:?}");
            assert_eq!(trained.network.layers.len(), 1);
        }
    }
}

#[test]
fn a_network_of_another_size_is_refused_by_a_rule_that_has_stepped() {
    let training = rows(1, 20, CLASSES);
    let data = training.data();
    let train = |rule: &mut dyn Optimiser, hidden: &[usize]| {
        Trainer::new(&data, hidden, Activation::Relu, TrainerOptions::default(), rule).unwrap().step().map(drop)
    };
    let metric = unhat_models::natural::SharedMetric::new(
        unhat_models::natural::BaseRule::AdamW(AdamW::new(0.0).unwrap()),
        Default::default(),
        unhat_models::natural::MetricRefresh::FirstEpoch,
        unhat_models::natural::MetricControl::None,
    );
    let rules: [Box<dyn Optimiser>; 3] = [
        Box::new(AdamW::new(0.0).unwrap()),
        Box::new(unhat_models::natural::Fngd::new(20, Default::default()).unwrap()),
        Box::new(metric),
    ];
    for mut rule in rules {
        train(rule.as_mut(), &[6]).unwrap();
        let error = train(rule.as_mut(), &[5]).unwrap_err();
        assert!(error.to_string().contains("as in the steps before"), "{}: {error}", rule.name());
    }
}

/// Somebody who looks on sees the losses as they come.
#[test]
fn an_observer_is_told_every_evaluation() {
    let training = rows(1, 40, CLASSES);
    let told = std::sync::Mutex::new(Vec::new());
    let observe = |event: Event<'_>| {
        if let Some(TrainingEvent::Evaluated { epoch, epochs: 4, train_loss, .. }) = TrainingEvent::of(&event) {
            told.lock().unwrap().push((epoch, train_loss));
        }
    };
    let run = Run { observe: Some(&observe), ..Run::default() };
    let trained = train_model(&sets(&training, None), &network_kind(), &options("sgd"), None, None, &run).unwrap();
    let history: Vec<_> = trained.report.history.iter().map(|e| (e.epoch, e.train_loss.unwrap())).collect();
    assert_eq!(*told.lock().unwrap(), history);
}
