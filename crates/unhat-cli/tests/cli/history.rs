//! The steps of a solve: in a file, and on standard error as they are taken.

use crate::desk::{Desk, bits};
use unhat_testkit::generate::random_polytope;

const INVERT: &str = "invert gradient --matrix a.npy --offset b.npy --target c.npy";

fn records(text: &str, delimiter: char) -> Vec<Vec<f64>> {
    text.lines().skip(1).map(|line| line.split(delimiter).map(number).collect()).collect()
}

/// A cell that is empty is not known.
fn number(cell: &str) -> f64 {
    if cell.is_empty() { f64::INFINITY } else { cell.parse().unwrap() }
}

#[test]
fn the_file_holds_every_step_as_the_object_counts_them() {
    let desk = Desk::with_polytope(&random_polytope(200, 5, 0.99, 4, Some(3.0)));
    for solver in ["exact", "cg", "coreset", "surrogate"] {
        let ran = desk.run(&format!("{INVERT} --solver {solver} --history h.csv --json")).expect(0).json();
        let text = desk.read("h.csv");
        assert_eq!(text.lines().next(), Some("iteration,passes,work,decrement,residual,step,certificate"));
        let steps = records(&text, ',');
        assert_eq!(steps.len() as u64, ran["iterations"].as_u64().unwrap() + 1, "{solver}");
        let last = steps.last().unwrap();
        assert_eq!(last[0], ran["iterations"].as_f64().unwrap());
        assert_eq!(Some(last[3]), ran["decrement"].as_f64(), "every digit");
        assert_eq!(Some(last[4]), ran["residual"].as_f64());
        assert!(steps.windows(2).all(|pair| pair[0][1] < pair[1][1] && pair[0][2] < pair[1][2]), "{solver}: {text}");
    }
    desk.run(&format!("{INVERT} --solver surrogate --history h.tsv -o x.csv")).expect(0);
    assert_eq!(records(&desk.read("h.tsv"), '\t'), records(&desk.read("h.csv"), ','));
    assert!(desk.names().iter().all(|name| !name.ends_with(".part")));
}

#[test]
fn a_run_that_is_cut_has_a_history_and_its_resumption_the_whole_one() {
    let desk = Desk::with_polytope(&random_polytope(300, 8, 0.999, 6, Some(3.0)));
    let line = format!("{INVERT} --solver surrogate");
    desk.run(&format!("{line} --history whole.csv -o whole.npy")).expect(0);
    let kept = format!("{line} --checkpoint run.json --history part.csv -o part.npy");
    desk.run(&format!("{kept} --max-iter 2")).expect(1);
    let whole = desk.read("whole.csv");
    assert_eq!(desk.read("part.csv").lines().take(3).collect::<Vec<_>>(), whole.lines().take(3).collect::<Vec<_>>());
    desk.run(&kept).expect(0);
    assert_eq!(desk.read("part.csv"), whole);
    assert_eq!(bits(&desk.numbers("part.npy")), bits(&desk.numbers("whole.npy")));
}

#[test]
fn the_certificate_so_far_is_never_below_the_distance_to_the_solution() {
    let desk = Desk::with_polytope(&random_polytope(300, 6, 0.99, 7, Some(3.0)));
    let hidden = desk.numbers("hidden.npy");
    for solver in ["exact", "cg", "coreset", "surrogate"] {
        desk.run(&format!("{INVERT} --solver {solver} --history whole.csv -o x.csv")).expect(0);
        let steps = records(&desk.read("whole.csv"), ',').len();
        let mut proven = 0;
        for k in 1..steps - 1 {
            // What a run that is cut after k steps writes is its last point, to which the last line belongs.
            desk.run(&format!("{INVERT} --solver {solver} --max-iter {k} --history h.csv -o x.csv")).expect(1);
            let bound = *records(&desk.read("h.csv"), ',').last().unwrap().last().unwrap();
            let x = desk.numbers("x.csv");
            let distance = x.iter().zip(&hidden).map(|(x, h)| (x - h) * (x - h)).sum::<f64>().sqrt();
            assert!(distance <= bound, "{solver}, {k} steps: {distance:e} > {bound:e}");
            assert!(bound.is_infinite() || bound <= 1e3 * distance, "{solver}, {k} steps: {bound:e} for {distance:e}");
            proven += usize::from(bound.is_finite());
        }
        assert!(proven >= 1, "{solver}: {}", desk.read("whole.csv"));
    }
}

#[test]
fn verbose_prints_the_steps_under_their_phase_before_the_summary() {
    let desk = Desk::with_polytope(&random_polytope(80, 4, 0.9, 4, Some(3.0)));
    let ran = desk.run(&format!("{INVERT} -v --history h.csv -o x.csv")).expect(0);
    let lines: Vec<&str> = ran.err.lines().collect();
    let place = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap();
    assert!(place("looking for an interior point:") < place("solving:"), "{}", ran.err);
    let (head, end) = (place("decrement"), place("solved:"));
    assert_eq!(end - head - 1, records(&desk.read("h.csv"), ',').len(), "{}", ran.err);
    assert!(lines[head + 1].trim_start().starts_with("0 "));
    assert!(!desk.run(&format!("{INVERT} -o x.csv")).expect(0).err.contains("iteration"));
}
