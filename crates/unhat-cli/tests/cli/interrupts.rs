//! Ctrl-C and kill in the middle of a run.

use crate::desk::{Desk, bits};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use unhat_testkit::generate::{random_polytope, regression};

const LINE: &str = "invert gradient --matrix a.npy --offset b.npy --target c.npy --solver exact --threads 1 --json \
                    --checkpoint run.json -o x.npy";

/// A problem on which the exact Hessian takes seconds.
fn slow_desk() -> Desk {
    let desk = Desk::with_polytope(&random_polytope(40_000, 64, 0.99, 3, None));
    desk.text("before", "");
    desk
}

/// Starts the program and waits for its first checkpoint: from then on it is solving.
fn start(desk: &Desk) -> Child {
    let child = desk.command(LINE).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let clock = Instant::now();
    while !desk.path("run.json").exists() {
        assert!(clock.elapsed() < Duration::from_secs(60), "no checkpoint was written");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_interrupt_ends_the_run_soon_with_the_best_point_written() {
    let desk = slow_desk();
    let child = start(&desk);
    let clock = Instant::now();
    signal(&child, "-INT");
    let ended = child.wait_with_output().unwrap();
    assert!(clock.elapsed() < Duration::from_secs(3), "took {:?}", clock.elapsed());
    assert_eq!(ended.status.code(), Some(130));
    let object: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(object["status"], "interrupted");
    assert!(String::from_utf8(ended.stderr).unwrap().contains("not converged: interrupted"));
    let x = desk.numbers("x.npy");
    assert!(x.len() == 64 && x.iter().all(|v| v.is_finite()));
    assert!(desk.path("run.json").exists(), "it can be resumed");
}

#[test]
fn a_request_to_terminate_ends_a_run_as_an_interrupt_does() {
    let desk = slow_desk();
    let child = start(&desk);
    signal(&child, "-TERM");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(desk.numbers("x.npy").iter().all(|v| v.is_finite()));
    assert!(desk.names().iter().all(|name| !name.ends_with(".part")));
}

/// Descents from random starts take long here; none of them is needed for a point worth having.
#[test]
fn an_interrupted_search_for_minima_leaves_its_best_point() {
    let desk = Desk::with_polytope(&random_polytope(60_000, 3, 0.99, 3, None));
    let line =
        "invert gradient --matrix a.npy --offset b.npy --target c.npy --weights 30 --threads 1 --json -v -o x.npy";
    let mut child = desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut steps = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.ends_with("descending from both natural starts:\n") {
        assert!(steps.read_line(&mut seen).unwrap() > 0, "{seen}");
    }
    seen.clear();
    steps.read_line(&mut seen).unwrap(); // from its first step on there is a point
    let clock = Instant::now();
    signal(&child, "-INT");
    steps.read_to_string(&mut seen).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(clock.elapsed() < Duration::from_secs(3), "took {:?}", clock.elapsed());
    assert_eq!(ended.status.code(), Some(130), "{seen}");
    assert!(seen.contains("not converged: interrupted"), "{seen}");
    let object: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((object["status"].as_str(), &object["certificate"]), (Some("interrupted"), &serde_json::Value::Null));
    assert!(desk.numbers("x.npy").iter().all(|v| v.is_finite()));
}

/// Interrupted after some descents, a search beside weights goes on from them: same point, same minima, same counts.
#[test]
fn an_interrupted_search_for_minima_resumes_to_the_same_bits() {
    let desk = Desk::with_polytope(&random_polytope(60_000, 3, 0.99, 3, None));
    let line = "invert gradient --matrix a.npy --offset b.npy --target c.npy --weights 30 --threads 1 --json \
                --checkpoint run.json -o x.npy";
    let child = desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let clock = Instant::now();
    while !desk.path("run.json").exists() {
        assert!(clock.elapsed() < Duration::from_secs(60), "no checkpoint was written");
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "-INT");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(desk.path("run.json").exists(), "it can be resumed");
    let resumed = desk.run(line).expect(0);
    assert!(resumed.err.contains("resuming"), "{}", resumed.err);
    let x = desk.numbers("x.npy");
    let whole = desk.run(line).expect(0);
    assert!(!whole.err.contains("resuming"));
    assert_eq!(bits(&x), bits(&desk.numbers("x.npy")));
    for key in ["iterations", "passes", "work", "objective", "minima", "certificate", "search"] {
        assert_eq!(resumed.json()[key], whole.json()[key], "{key}");
    }
}

#[test]
fn a_killed_run_resumes_to_the_same_bits() {
    let desk = slow_desk();
    let mut child = start(&desk);
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(desk.path("run.json").exists() && !desk.path("x.npy").exists());
    let resumed = desk.run(LINE).expect(0);
    assert!(resumed.err.contains("resuming at iteration"));
    let x = desk.numbers("x.npy");
    let whole = desk.run(LINE).expect(0);
    assert!(!whole.err.contains("resuming"));
    assert_eq!(bits(&x), bits(&desk.numbers("x.npy")));
    for key in ["iterations", "passes", "work", "certificate"] {
        assert_eq!(resumed.json()[key], whole.json()[key], "{key}");
    }
}

/// Gradient descent takes thousands of steps here; what it had reached is the answer.
#[test]
fn an_interrupted_inversion_of_scores_leaves_its_best_point() {
    let p = regression(20_000, 8, 3);
    let desk = Desk::new();
    desk.matrix("a.npy", &p.a, 8).vector("b.npy", &p.b).vector("hidden.npy", &p.x);
    desk.vector("near.npy", &p.x.iter().map(|x| x + 1e-3).collect::<Vec<_>>());
    desk.run("scores --matrix a.npy --offset b.npy --point hidden.npy -o s.npy").expect(0);
    let line = "invert scores --matrix a.npy --offset b.npy --target s.npy --method first-order --start near.npy \
                --tol 1e-15 --threads 1 --json -v -o x.npy";
    let mut child = desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut steps = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    for _ in 0..6 {
        assert!(steps.read_line(&mut seen).unwrap() > 0, "ended early: {seen}");
    }
    let clock = Instant::now();
    signal(&child, "-INT");
    steps.read_to_string(&mut seen).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(clock.elapsed() < Duration::from_secs(3), "took {:?}", clock.elapsed());
    assert_eq!(ended.status.code(), Some(130), "{seen}");
    let object: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(object["status"], "interrupted");
    assert!(seen.contains("not converged: interrupted"), "{seen}");
    assert!(desk.numbers("x.npy").iter().all(|v| v.is_finite()));
}

/// An audit has nothing to show before its last try.
#[test]
fn an_interrupted_audit_ends_soon_and_leaves_nothing_behind() {
    let p = regression(20_000, 8, 3);
    let desk = Desk::new();
    desk.matrix("a.npy", &p.a, 8).vector("b.npy", &p.b).vector("x.npy", &p.x);
    let before = desk.names();
    let line =
        "audit --matrix a.npy --offset b.npy --point x.npy --release both --trials 1000 --report r.html --json -v";
    let mut child = desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.contains("attacking") {
        assert!(told.read_line(&mut seen).unwrap() > 0, "ended early: {seen}");
    }
    std::thread::sleep(Duration::from_millis(200)); // in the middle of a try
    let clock = Instant::now();
    signal(&child, "-INT");
    told.read_to_string(&mut seen).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(clock.elapsed() < Duration::from_secs(3), "took {:?}", clock.elapsed());
    assert_eq!(ended.status.code(), Some(130), "{seen}");
    assert!(seen.contains("interrupted: nothing was written"), "{seen}");
    let object: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(object["status"], "interrupted");
    assert_eq!(desk.names(), before);
}

/// Numbers in (-1, 1) that look random.
fn spread(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        })
        .collect()
}

/// Tables on which every command takes long on one thread: wide, of medium width for lifts, narrow, tall, and two for models.
fn long_work() -> Desk {
    let desk = Desk::new();
    let below = |a: &[f64], d: usize, x: f64| -> Vec<f64> {
        let margin = spread(a.len() / d, 9);
        a.chunks(d).zip(margin).map(|(row, u)| x * row.iter().sum::<f64>() - 2.0 - u).collect()
    };
    let (wide, medium, narrow) = (spread(20_000 * 600, 1), spread(4_000 * 60, 2), spread(20_000 * 8, 3));
    desk.matrix("w.npy", &wide, 600)
        .vector("b.npy", &below(&wide, 600, 0.0))
        .vector("far.npy", &below(&wide, 600, 3.0));
    desk.vector("zero.npy", &vec![0.0; 600]).vector("c.npy", &spread(600, 4));
    desk.matrix("m.npy", &medium, 60).vector("mb.npy", &below(&medium, 60, 0.0)).vector("mx.npy", &spread(60, 5));
    desk.matrix("n.npy", &narrow, 8).vector("nb.npy", &below(&narrow, 8, 0.0)).vector("nx.npy", &spread(8, 6));
    // A narrow table is solved in a few passes: only many rows make them long.
    let tall = spread(500_000 * 8, 10);
    desk.matrix("t.npy", &tall, 8).vector("tb.npy", &below(&tall, 8, 0.0));
    desk.run("scores --matrix m.npy --offset mb.npy --point mx.npy -o s.npy").expect(0);
    let features = spread(20_000 * 30, 7);
    let with_response = |response: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
        features.chunks(30).zip(spread(20_000, 8)).flat_map(|(x, e)| [x, &[response(x) + e]].concat()).collect()
    };
    desk.matrix("lin.npy", &with_response(&|x| x.iter().sum()), 31);
    let mut two = with_response(&|x| x[0] + x[1]);
    two.chunks_mut(31).for_each(|row| row[30] = f64::from(row[30] > 0.0));
    desk.matrix("two.npy", &two, 31);
    desk
}

/// A tenth of a second or two after its start a command is reading or at work; then Ctrl-C ends it, and nothing is left.
#[test]
fn every_command_ends_soon_after_an_interrupt() {
    let wide = "--matrix w.npy --offset b.npy";
    let released = "invert scores --matrix m.npy --offset mb.npy --target s.npy --method";
    let audit = "audit --matrix n.npy --offset nb.npy --point nx.npy --trials 1000 --release";
    let (two, train) = ("influence two.npy --response x31 --model", "train two.npy --response x31 --model mlp:64,32");
    let mut lines = vec![
        "scores --matrix w.npy -o o.npy".to_string(),
        format!("gradient {wide} --point zero.npy -o o.npy"),
        format!("invert gradient {wide} --target c.npy --scores sketched -o o.npy"),
        "centre --matrix w.npy --offset far.npy -o o.npy".into(),
        "invert gradient --matrix m.npy --offset mb.npy --target mx.npy --weights 3 -o o.npy".into(),
        "invert gradient --matrix m.npy --offset mb.npy --target mx.npy --weights 3 --solver diagonal -o o.npy".into(),
        "invert gradient --matrix t.npy --offset tb.npy --target nx.npy --weights 3 -o o.npy".into(),
        format!("{two} logistic --method exact -o o.csv"),
        format!("{two} logistic --penalty 1 --method one-step-f -o o.csv"),
        format!("{two} mlp:64,32 --method ip-checkpoints -o o.csv"),
        "influence check two.npy --response x31 --model logistic --report o.html".into(),
        "influence trim two.npy --response x31 --model logistic --fraction 0.2 -o o.csv".into(),
        "influence lin.npy --response x31 --model ridge --report o.html -o o.csv".into(),
        format!("{train} --optimizer kfac --lr auto --epochs 300 --output o.safetensors"),
    ];
    lines.extend(
        ["exact", "cg", "coreset", "surrogate"].map(|s| format!("invert gradient {wide} --target c.npy --solver {s}")),
    );
    lines.extend(
        ["lift", "second-order", "newton", "first-order --tol 1e-15"].map(|m| format!("{released} {m} -o o.npy")),
    );
    lines.extend(["scores", "gradient", "both"].map(|release| format!("{audit} {release} --report o.html")));
    lines.extend(
        ["sgd", "adamw", "fngd", "fngd-metric", "ngd"]
            .map(|o| format!("{train} --optimizer {o} --epochs 300 --report o.html")),
    );
    let desk = long_work();
    let before = desk.names();
    for (k, line) in lines.iter().enumerate() {
        let mut command = desk.command(&format!("{line} --threads 1"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(100 + 40 * (k as u64 % 5)));
        let clock = Instant::now();
        signal(&child, "-TERM"); // as an interrupt does; that one may be ignored where the tests themselves run
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(clock.elapsed() < Duration::from_secs(3), "{line}: took {:?}\n{said}", clock.elapsed());
        // While it reads there is nothing to save, and the signal ends it at once.
        assert!(matches!(ended.status.code(), Some(130) | None), "{line}: {:?}\n{said}", ended.status);
        let left: Vec<String> =
            desk.names().difference(&before).filter(|name| name.ends_with(".part")).cloned().collect();
        assert!(left.is_empty(), "{line}: {left:?}");
    }
}
