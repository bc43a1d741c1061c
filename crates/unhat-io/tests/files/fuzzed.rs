//! The fuzz targets of `fuzz/` on their seeds and on changed seeds: the part of fuzzing that every run of the tests can do.

use super::fuzz_targets::{FINGERPRINT, TARGETS, has_its_checksum, seed_table};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use unhat::Run;
use unhat::invert::{SavedSolve, StartKind, StartReport};
use unhat::solve::{State, Step};
use unhat_models::models::{
    Activation, Encoding, Family, Model, ModelKind, Network, Response, ResponseKind, Scaling, TrainingData,
};
use unhat_models::training::{Keeper, OptimiserName, SavedTraining, Sets, TrainingOptions, train_model};

/// Changed copies of each seed: a few seconds for all targets together. `UNHAT_FUZZ_CHANGES` asks for more of them.
const CHANGES: u64 = 300;

fn fuzz_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The seeds of a target by their names, in order.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz_folder().join("seeds").join(target);
    names_in(&folder).into_iter().map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn every_fuzz_target_has_its_program_and_its_seeds() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names_in(&fuzz_folder().join("seeds")), targets);
    let programs = names_in(&fuzz_folder().join("fuzz_targets"));
    assert_eq!(programs, targets.iter().map(|name| format!("{name}.rs")).collect());
    let manifest = std::fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    for name in &targets {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}: cargo-fuzz does not know it");
    }
}

#[test]
fn seeds_are_taken_or_refused_as_their_names_say() {
    for (target, read) in TARGETS {
        let seeds = seeds(target);
        for (name, bytes) in &seeds {
            let expected = name.starts_with("ok-");
            assert!(expected || name.starts_with("bad-"), "{target}/{name}: a seed begins with ok- or bad-");
            assert_eq!(read(bytes), expected, "{target}/{name}");
        }
        let taken = seeds.iter().filter(|(name, _)| name.starts_with("ok-")).count();
        assert!(taken > 0 && taken < seeds.len(), "{target} has seeds of both kinds");
    }
    for (name, bytes) in seeds("solve").iter().filter(|(name, _)| name.starts_with("ok-")) {
        assert!(has_its_checksum(bytes), "{name}: the target computes another checksum than the library");
    }
}

#[test]
fn changed_seeds_are_answered_or_refused_but_never_a_panic() {
    let changes = match std::env::var("UNHAT_FUZZ_CHANGES") {
        Ok(text) => text.parse().expect("UNHAT_FUZZ_CHANGES: a whole number"),
        Err(_) => CHANGES,
    };
    for (target, read) in TARGETS {
        let seeds = seeds(target);
        for (k, (name, bytes)) in seeds.iter().enumerate() {
            let other = &seeds[(k + 1) % seeds.len()].1;
            let mut random =
                ChaCha12Rng::seed_from_u64(name.bytes().fold(0, |sum, b| sum * 31 % 1_000_003 + u64::from(b)));
            for change in 0..changes {
                let bytes = changed(bytes, other, &mut random);
                if std::panic::catch_unwind(|| read(&bytes)).is_err() {
                    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-{name}-{change}"));
                    std::fs::write(&kept, &bytes).unwrap();
                    panic!(
                        "{target} panicked at change {change} of its seed {name}; the bytes are in {}",
                        kept.display()
                    );
                }
            }
        }
    }
}

/// What readers have to be careful with.
const WORDS: [&[u8]; 14] = [
    b"18446744073709551616",
    b"9999999999",
    b"4294967296",
    b"-1",
    b"0",
    b"1e400",
    b"1e-400",
    b"nan",
    b"inf",
    b"\"",
    b",",
    b"\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
];

/// The bytes after one to four changes.
fn changed(bytes: &[u8], other: &[u8], random: &mut ChaCha12Rng) -> Vec<u8> {
    let mut below = |count: usize| (random.next_u64() % count.max(1) as u64) as usize;
    let mut bytes = bytes.to_vec();
    for _ in 0..=below(4) {
        let place = below(bytes.len());
        let end = (place + 1 + below(16)).min(bytes.len());
        match below(9) {
            0 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte = below(256) as u8),
            1 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << below(8)),
            2 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte = b"\0\xff,\"\n\t -9e+.%*'{}[]"[below(19)]),
            3 => drop(bytes.drain(place..end)),
            4 => {
                let repeated = bytes[place..end].to_vec();
                drop(bytes.splice(place..place, repeated));
            }
            5 => drop(bytes.splice(place..place, WORDS[below(WORDS.len())].iter().copied())),
            6 => bytes.truncate(place),
            7 => {
                // A number becomes another one.
                let digit = |byte: &u8| byte.is_ascii_digit();
                let first = bytes[place..].iter().position(digit).map(|at| place + at);
                if let Some(first) = first {
                    let digits = bytes[first..].iter().take_while(|byte| digit(byte)).count();
                    drop(bytes.splice(first..first + digits, WORDS[below(9)].iter().copied()));
                }
            }
            _ => {
                bytes.truncate(place);
                bytes.extend_from_slice(&other[below(other.len())..]);
            }
        }
    }
    bytes
}

/// Writes the seeds that this code alone can make, when the layout of a state or of a model has changed:
/// `cargo test -p unhat-io --test files the_seeds_of_states -- --ignored`.
#[test]
#[ignore = "writes into fuzz/seeds"]
fn the_seeds_of_states_and_models_are_written() {
    let write = |target: &str, name: &str, bytes: Vec<u8>| {
        std::fs::write(fuzz_folder().join("seeds").join(target).join(name), bytes).unwrap();
    };
    let start = StartReport { kind: StartKind::PhaseOne, passes: 2.5, seconds: 0.1 };
    let save = |state: &State| SavedSolve::to_bytes(state, &[true, false, true], &start, FINGERPRINT).unwrap();
    write("solve", "ok-first-step", save(&State { x: vec![0.1, -0.0], ..State::default() }));
    write("solve", "ok-on-the-way", save(&on_the_way()));
    write("solve", "bad-other-problem", SavedSolve::to_bytes(&on_the_way(), &[true], &start, FINGERPRINT + 1).unwrap());
    for kind in ["linear", "softmax", "mlp:2"] {
        write("model", &format!("ok-{}", kind.replace(':', "-")), model(kind).to_bytes().unwrap());
    }
    let whole = model("linear").to_bytes().unwrap();
    write("model", "bad-cut-short", whole[..whole.len() - 8].to_vec());
    let mut without_classes = model("softmax");
    without_classes.response.kind = ResponseKind::Classes(Vec::new());
    let family = Family::Categorical { classes: 0 };
    without_classes.network = Network::zeros(without_classes.encoding.width(), &[], Activation::Tanh, family);
    write("model", "bad-no-classes", without_classes.to_bytes().unwrap());
    for (name, optimizer) in [("ok-adamw", OptimiserName::AdamW), ("ok-sgd", OptimiserName::Sgd)] {
        write("training", name, trained(optimizer).to_bytes().unwrap());
    }
    let mut whole = trained(OptimiserName::Sgd).to_bytes().unwrap();
    *whole.last_mut().unwrap() ^= 1;
    write("training", "bad-checksum", whole);
}

fn on_the_way() -> State {
    let step = |iteration: u32, decrement: f64| Step {
        iteration,
        passes: iteration + 1,
        work: 0.1,
        decrement,
        residual: 1e-300,
        step_length: 1.0 / 3.0,
        certificate: decrement.is_finite().then_some(0.1),
    };
    State {
        x: vec![0.1, 1.0 / 3.0],
        history: vec![step(0, f64::INFINITY), step(1, 0.7)],
        settled: 1,
        refinements: 2,
        best: Some((vec![1e300, 1.0], f64::NEG_INFINITY)),
        passes: 7,
        work: 0.3,
        step_length: f64::NAN,
        trials: 3,
        memory: vec![1.0 / 7.0, f64::INFINITY],
        origin: vec![0.3],
    }
}

fn model(kind: &str) -> Model {
    let (kind, table) = (kind.parse::<ModelKind>().unwrap(), seed_table());
    let rows = [0, 1, 2, 3];
    let (encoding, _) = Encoding::fit(&table, &["y"], &rows, Scaling::Standardised).unwrap();
    let response = Response::fit(&table, "y", kind.wanted(), &rows).unwrap();
    let family = response.family(kind.wanted());
    let mut network = Network::zeros(encoding.width(), kind.hidden(), Activation::Tanh, family);
    let weights: Vec<f64> = (0..network.parameters()).map(|k| 0.1 * k as f64 - 0.3).collect();
    network.set(&weights);
    Model { kind, recipe: None, encoding, response, scaling: Scaling::Standardised, penalty: 0.1, network }
}

/// The last state of a training of a few steps.
fn trained(optimizer: OptimiserName) -> SavedTraining {
    struct Last(Option<SavedTraining>);
    impl Keeper for Last {
        fn is_due(&mut self) -> bool {
            true
        }
        fn keep(&mut self, state: &SavedTraining) -> unhat::Result<()> {
            // Clocks would change the seeds with every writing.
            let mut state = state.clone();
            (state.seconds, state.epoch_seconds) = (0.0, vec![0.0; state.epoch_seconds.len()]);
            state.history.iter_mut().for_each(|entry| entry.seconds = 0.0);
            self.0 = Some(state);
            Ok(())
        }
    }
    let features: Vec<f64> = (0..8).flat_map(|i| [f64::from(i) / 4.0 - 1.0, 1.0]).collect();
    let response: Vec<f64> = (0..8).map(|i| f64::from(i > 3)).collect();
    let train = TrainingData { features: &features, inputs: 2, response: &response, family: Family::Bernoulli };
    let options = TrainingOptions { optimizer, epochs: 2, batch: 4, ..TrainingOptions::default() };
    let (sets, mut last) = (Sets { train, validation: None }, Last(None));
    train_model(&sets, &ModelKind::Logistic, &options, None, Some(&mut last), &Run::default()).unwrap();
    last.0.unwrap()
}
