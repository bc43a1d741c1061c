//! The same bits for any number of threads, and from a saved state.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;

use common::{SOLVERS, gradient_at};
use unhat::Run;
use unhat::invert::{
    Checkpoint, Inversion, InvertOptions, SavedSolve, ScoreSource, Solver, Start, StartReport, invert_gradient,
};
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::solve::State;
use unhat_testkit::generate::{Stream, random_csr, random_polytope};

fn with_threads<T: Send>(threads: usize, f: impl Fn(&Run<'_>) -> T + Sync) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    f(&Run { pool: Some(&pool), ..Run::default() })
}

fn bits(v: &[f64]) -> Vec<u64> {
    v.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn scores_have_the_same_bits_on_any_number_of_threads() {
    let dense = Stream::new(1, "dense").normals(9000 * 17);
    let csr = random_csr(60_000, 50, 4, 2);
    let sparse = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 50).unwrap();
    let dense = DenseRows::new(&dense, 17).unwrap();
    for source in [&dense as &dyn RowSource, &sparse] {
        let scores = |threads| {
            with_threads(threads, |run| {
                bits(&leverage_scores(source, None, &ScoreOptions::default(), run).unwrap().values)
            })
        };
        let one = scores(1);
        assert!([2, 3, 7].iter().all(|&threads| scores(threads) == one));
    }
}

#[test]
fn inversions_have_the_same_bits_on_any_number_of_threads() {
    let p = random_polytope(5000, 12, 0.99, 4, Some(3.0));
    let rows = DenseRows::new(&p.a, 12).unwrap();
    let target = gradient_at(&rows, &p.b, &p.hidden);
    for solver in SOLVERS {
        let x = |threads| {
            with_threads(threads, |run| {
                let options = InvertOptions { solver, ..InvertOptions::default() };
                bits(&invert_gradient(&rows, &p.b, &target, &Start::default(), &options, None, run).unwrap().x)
            })
        };
        let one = x(1);
        assert!([2, 7].iter().all(|&threads| x(threads) == one), "{solver:?}");
    }
}

#[test]
fn coresets_of_several_blocks_have_the_same_bits_on_any_number_of_threads_and_after_resuming() {
    // Wide enough for shared contractions, long enough for anchors of two sizes.
    let p = random_polytope(16_000, 48, 0.9, 4, Some(3.0));
    let rows = DenseRows::new(&p.a, 48).unwrap();
    let target = gradient_at(&rows, &p.b, &p.hidden);
    let options = InvertOptions { solver: Solver::Surrogate, ..InvertOptions::default() };
    let invert = |checkpoint: Option<Checkpoint<'_>>, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        bits(&invert_gradient(&rows, &p.b, &target, &Start::default(), &options, checkpoint, &run).unwrap().x)
    };
    let mut saved = Vec::new();
    let mut save = |state: &State, positive: &[bool], report: &StartReport| {
        saved.push(SavedSolve { state: state.clone(), positive: positive.to_vec(), start: report.clone() });
        Ok(())
    };
    let one = invert(Some(Checkpoint { resume: None, save: &mut save }), 1);
    assert_eq!(invert(None, 3), one);
    let last = saved.pop();
    assert_eq!(invert(Some(Checkpoint { resume: last, save: &mut |_, _, _| Ok(()) }), 2), one);
}

#[test]
fn a_seed_reproduces_a_run_and_another_takes_another_path() {
    let p = random_polytope(3000, 8, 0.99, 4, None);
    let rows = DenseRows::new(&p.a, 8).unwrap();
    let target = gradient_at(&rows, &p.b, &p.hidden);
    let history = |seed| {
        let options = InvertOptions { solver: Solver::Coreset, seed, ..InvertOptions::default() };
        invert_gradient(&rows, &p.b, &target, &Start::default(), &options, None, &Run::default()).unwrap().history
    };
    assert_eq!(history(5), history(5));
    assert_ne!(history(5), history(6));
}

#[test]
fn a_resumed_run_ends_in_the_same_bits() {
    let p = random_polytope(400, 10, 0.999, 7, Some(2.0));
    let rows = DenseRows::new(&p.a, 10).unwrap();
    let target = gradient_at(&rows, &p.b, &p.hidden);
    for (solver, scores) in SOLVERS.into_iter().flat_map(|s| [(s, ScoreSource::Exact), (s, ScoreSource::Sketched)]) {
        let options = InvertOptions { solver, scores, seed: 3, ..InvertOptions::default() };
        let run = |checkpoint: Option<Checkpoint<'_>>| -> Inversion {
            invert_gradient(&rows, &p.b, &target, &Start::default(), &options, checkpoint, &Run::default()).unwrap()
        };
        let whole = run(None);
        let mut saved = Vec::new();
        let mut save = |state: &_, positive: &[bool], report: &_| {
            saved.push(SavedSolve {
                state: State::clone(state),
                positive: positive.to_vec(),
                start: StartReport::clone(report),
            });
            Ok(())
        };
        run(Some(Checkpoint { resume: None, save: &mut save }));
        assert!(saved.len() > 5);
        for state in saved {
            let again = run(Some(Checkpoint { resume: Some(state), save: &mut |_, _, _| Ok(()) }));
            assert_eq!(bits(&again.x), bits(&whole.x), "{solver:?} {scores:?}");
            assert_eq!((again.passes, again.history, again.work), (whole.passes, whole.history.clone(), whole.work));
        }
    }
}
