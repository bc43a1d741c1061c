//! Kills at random moments: an output is the old one or the new one, whole; the next run gives the answer and clears up.

use crate::desk::Desk;
use std::process::Stdio;
use std::time::{Duration, Instant};
use unhat_testkit::generate::{random_polytope, regression};

/// What stands in every output before a run.
const OLD: &str = "what was here before\n";

/// A command, its outputs, and whether a state is kept in `run.state`.
struct Written {
    line: &'static str,
    outputs: &'static [&'static str],
    state: bool,
}

const fn writes(line: &'static str, outputs: &'static [&'static str], state: bool) -> Written {
    Written { line, outputs, state }
}

const COMMANDS: [Written; 12] = [
    writes("scores --matrix big.npy -o o.csv --report o.html", &["o.csv", "o.html"], false),
    writes("gradient --matrix big.npy --offset bb.npy --point bx.npy -o o.npy", &["o.npy"], false),
    writes(
        "invert gradient --matrix a.npy --offset b.npy --target c.npy --solver exact -o o.npy --history h.csv --report o.html \
         --checkpoint run.state",
        &["o.npy", "h.csv", "o.html"],
        true,
    ),
    writes("invert gradient --matrix p.npy --offset pb.npy --target pc.npy --weights 1 -o o.txt", &["o.txt"], false),
    writes("centre --matrix a.npy --offset b.npy -o o.tsv --checkpoint run.state", &["o.tsv"], true),
    writes(
        "invert scores --matrix r.npy --offset rb.npy --target rs.npy -o o.npy --report o.html",
        &["o.npy", "o.html"],
        false,
    ),
    writes("audit --matrix q.npy --offset qb.npy --point qx.npy --trials 3 --report o.html", &["o.html"], false),
    writes("influence t.npy --response x9 --model linear -o o.csv --report o.html", &["o.csv", "o.html"], false),
    writes("influence trim t.npy --response x9 --model linear -o o.csv", &["o.csv"], false),
    writes(
        "train t.npy --response x9 --model mlp:32 --optimizer adamw --epochs 30 --output o.safetensors --report o.html \
         --checkpoint run.state",
        &["o.safetensors", "o.html"],
        true,
    ),
    writes("predict t.npy --model-file m.safetensors -o o.csv", &["o.csv"], false),
    writes("demo --out kept", &[], false),
];

fn desk() -> Desk {
    let desk = Desk::with_polytope(&random_polytope(8_000, 16, 0.99, 3, None));
    let p = random_polytope(60, 2, 0.9, 5, None);
    desk.matrix("p.npy", &p.a, 2).vector("pb.npy", &p.b).vector("pc.npy", &[0.1, -0.2]);
    let (big, small, table) = (regression(60_000, 20, 1), regression(3_000, 8, 2), regression(8_000, 8, 3));
    desk.matrix("big.npy", &big.a, 20).vector("bb.npy", &big.b).vector("bx.npy", &big.x);
    desk.matrix("r.npy", &small.a, 8).vector("rb.npy", &small.b).vector("rx.npy", &small.x);
    let least = regression(60, 2, 4);
    desk.matrix("q.npy", &least.a, 2).vector("qb.npy", &least.b).vector("qx.npy", &least.x);
    let rows = table.a.chunks(8).zip(&table.b).flat_map(|(row, b)| [row, &[*b]].concat());
    desk.matrix("t.npy", &rows.collect::<Vec<_>>(), 9);
    desk.run("scores --matrix r.npy --offset rb.npy --point rx.npy -o rs.npy").expect(0);
    desk.run("train t.npy --response x9 --model linear --epochs 1 --output m.safetensors").expect(0);
    desk
}

/// Whether an output is one that a finished run leaves: the same bytes, or where times stand in it a whole page or table.
fn is_whole(name: &str, found: &[u8], expected: &[u8]) -> bool {
    let text = String::from_utf8_lossy(found);
    match name {
        _ if found == expected => true,
        _ if name.ends_with(".html") => {
            text.to_lowercase().starts_with("<!doctype html>") && text.trim_end().ends_with("</html>")
        }
        "h.csv" => {
            let cells = |text: &str| text.lines().map(|line| line.split(',').count()).collect::<Vec<_>>();
            text.ends_with('\n') && cells(&text) == cells(&String::from_utf8_lossy(expected))
        }
        _ => false,
    }
}

#[test]
#[ignore = "takes minutes: cargo test --release -p unhat-cli --test cli kills -- --ignored --nocapture"]
fn two_hundred_kills_lose_nothing_and_leave_nothing() {
    const KILLS: usize = 200;
    let desk = desk();
    let bytes = |name: &str| std::fs::read(desk.path(name)).unwrap_or_default();
    let measured: Vec<(Duration, Vec<Vec<u8>>)> = COMMANDS
        .iter()
        .map(|command| {
            let clock = Instant::now();
            desk.run(command.line).expect(0);
            let took = clock.elapsed();
            (took, command.outputs.iter().map(|name| bytes(name)).collect())
        })
        .collect();
    let (mut state, mut during, mut kept) = (0x9E37_79B9_7F4A_7C15u64, 0, 0);
    for k in 0..KILLS {
        let (command, (took, expected)) = (&COMMANDS[k % COMMANDS.len()], &measured[k % COMMANDS.len()]);
        command.outputs.iter().for_each(|name| {
            desk.text(name, OLD);
        });
        let mut child = desk.command(command.line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(took.mul_f64((state >> 40) as f64 / 2f64.powi(24) * 1.05));
        during += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
        for (name, expected) in command.outputs.iter().zip(expected) {
            let found = bytes(name);
            assert!(found == OLD.as_bytes() || is_whole(name, &found, expected), "kill {k}, {}: {name}", command.line);
        }
        kept += usize::from(command.state && desk.path("run.state").exists());
        desk.run(command.line).expect(0);
        for (name, expected) in command.outputs.iter().zip(expected) {
            assert!(is_whole(name, &bytes(name), expected), "after kill {k}, {}: {name}", command.line);
        }
        let litter = desk.names().into_iter().find(|name| name.ends_with(".part") || name == "run.state");
        assert_eq!(litter, None, "after kill {k}, {}", command.line);
        let in_kept = |folder: &str| std::fs::read_dir(desk.path(folder)).map_or(0, |entries| entries.count());
        let demo: Vec<usize> =
            ["stackloss-ridge", "polytope-centre", "generated-5000x20"].map(|c| in_kept(&format!("kept/{c}"))).to_vec();
        assert!(demo == [5, 4, 5], "after kill {k}: {demo:?} files of the demo");
        println!("kill {k} of {KILLS}: {during} before the end, {kept} left a state");
    }
    println!("{KILLS} kills, {during} before the run had ended, {kept} left a state that the next run went on from");
    assert!(during > KILLS / 2);
}
