//! Ctrl-C and kill in the middle of a run.

use crate::desk::{Desk, bits};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use unhat_testkit::generate::random_polytope;

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
