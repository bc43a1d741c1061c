//! The same bits, whatever runs them: any number of threads, a run in one piece or in two.

use crate::desk::{Desk, bits};
use unhat_testkit::generate::random_polytope;

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Several blocks of rows, so that threads have something to share.
    let desk = Desk::with_polytope(&random_polytope(4_000, 12, 0.9, 1, Some(3.0)));
    let lines = [
        "scores --matrix a.npy",
        "scores --matrix a.npy --offset b.npy --point hidden.npy",
        "gradient --matrix a.npy --offset b.npy --point hidden.npy",
        "invert gradient --matrix a.npy --offset b.npy --target c.npy --solver exact",
        "invert gradient --matrix a.npy --offset b.npy --target c.npy --solver cg",
        "invert gradient --matrix a.npy --offset b.npy --target c.npy --solver coreset --seed 3",
        "centre --matrix a.npy --offset b.npy",
    ];
    for line in lines {
        let alone = desk.run(&format!("{line} --threads 1")).expect(0).out;
        for threads in [2, 7] {
            assert_eq!(alone, desk.run(&format!("{line} --threads {threads}")).expect(0).out, "{line}: {threads}");
        }
    }
}

/// --max-iter cuts a run as a crash would; what follows has the bits of a run in one piece.
#[test]
fn a_resumed_run_ends_on_the_same_bits() {
    let desk = Desk::with_polytope(&random_polytope(300, 8, 0.999, 6, Some(3.0)));
    for solver in ["exact", "cg", "coreset"] {
        let line = format!("invert gradient --matrix a.npy --offset b.npy --target c.npy --solver {solver} --json");
        let whole = desk.run(&format!("{line} -o whole.npy")).expect(0).json();
        for cut in [1, 3] {
            let kept = format!("{line} --checkpoint run.json --max-iter");
            desk.run(&format!("{kept} {cut} -o part.npy")).expect(1);
            assert!(desk.path("run.json").exists());
            let ran = desk.run(&format!("{kept} 200 --threads 1 -o part.npy")).expect(0);
            assert!(ran.err.contains(&format!("resuming at iteration {cut}")), "{}", ran.err);
            let resumed = ran.json();
            for key in ["iterations", "passes", "work", "residual", "decrement", "certificate", "status"] {
                assert_eq!(resumed[key], whole[key], "{solver}, cut at {cut}: {key}");
            }
            assert_eq!(bits(&desk.numbers("part.npy")), bits(&desk.numbers("whole.npy")), "{solver}, cut at {cut}");
            assert!(!desk.path("run.json").exists(), "a solved run leaves no checkpoint");
        }
    }
}

#[test]
fn a_checkpoint_of_another_problem_or_a_damaged_one_is_refused() {
    let desk = Desk::with_polytope(&random_polytope(60, 4, 0.9, 7, None));
    let line = "invert gradient --matrix a.npy --offset b.npy --target c.npy --checkpoint run.json";
    desk.run(&format!("{line} --max-iter 2")).expect(1);
    let kept = desk.read("run.json");
    for other in ["--seed 1", "--tol 1e-9", "--solver cg", "--target-scale 2", "--start hidden.npy", "--signs ones.txt"]
    {
        desk.text("ones.txt", &"1\n".repeat(60));
        let refused = desk.run(&format!("{line} {other} -o x.npy")).expect(2);
        assert!(refused.err.contains("run.json: belongs to another problem"), "{other}: {}", refused.err);
        assert!(!desk.path("x.npy").exists());
        assert_eq!(desk.read("run.json"), kept, "it is unharmed");
    }
    let content = kept.find("\"x\":[\"").unwrap() + 6; // the first digit of x
    let digit = if kept.as_bytes()[content] == b'4' { "3" } else { "4" };
    let changed = [&kept[..content], digit, &kept[content + 1..]].concat();
    let damages = [kept[..kept.len() / 2].to_string(), changed, "{}".into(), String::new()];
    for damaged in damages {
        desk.text("run.json", &damaged);
        let refused = desk.run(line).expect(2);
        assert!(refused.err.contains("run.json: is no intact checkpoint"), "{}", refused.err);
    }
    std::fs::remove_file(desk.path("run.json")).unwrap();
    std::fs::create_dir(desk.path("run.json")).unwrap();
    assert!(desk.run(line).expect(2).err.contains("no regular file"));
}

/// An error is final: what the run kept for itself goes with it.
#[test]
fn an_error_leaves_no_checkpoint() {
    let desk = Desk::new();
    desk.text("a.csv", "1,0\n0,1\n").text("b.txt", "0 0");
    let before = desk.names();
    desk.run("centre --matrix a.csv --offset b.txt --checkpoint run.json").expect(2);
    assert_eq!(desk.names(), before);
}
