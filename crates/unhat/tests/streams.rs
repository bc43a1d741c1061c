//! Rows that can only be read front to back, several times: the bits of the same rows in memory, whatever is opened.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;

use common::gradient_at;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use unhat::gram::FactorMethod;
use unhat::invert::{Checkpoint, InvertOptions, Solver, Start, invert_gradient};
use unhat::leverage::{ScoreOptions, leverage_scores};
use unhat::rows::{DenseRows, Pass, RowSource, Rows, Shape, require_finite, stretches_of, sweep, sweep_part};
use unhat::{ErrorKind, Result, Run};
use unhat_testkit::generate::{Stream as Draws, random_polytope};

/// Rows as a file gives them: a range is opened, and its blocks come once, in order. One block by itself is an opening too.
struct Stream<'a> {
    rows: DenseRows<'a>,
    allowed: usize,
    opened: AtomicUsize,
    /// Blocks that were lent.
    lent: AtomicUsize,
    /// The blocks end here, whatever the shape says.
    ends: usize,
}

impl<'a> Stream<'a> {
    fn over(rows: DenseRows<'a>, allowed: usize) -> Self {
        Stream { rows, allowed, opened: AtomicUsize::new(0), lent: AtomicUsize::new(0), ends: usize::MAX }
    }

    fn opened(&self) -> usize {
        self.opened.swap(0, Ordering::Relaxed)
    }
}

impl RowSource for Stream<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }
    fn rows_per_block(&self) -> usize {
        self.rows.rows_per_block()
    }
    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.with_blocks(k..k + 1, f)
    }
    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        range.take_while(|k| *k < self.ends).try_for_each(|k| {
            self.lent.fetch_add(1, Ordering::Relaxed);
            self.rows.with_block(k, f)
        })
    }
    fn openings(&self) -> Option<usize> {
        Some(self.allowed)
    }
    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        self.rows.gather(rows)
    }
}

fn bits(v: &[f64]) -> Vec<u64> {
    v.iter().map(|x| x.to_bits()).collect()
}

fn with_threads<T: Send>(threads: usize, f: impl Fn(&Run<'_>) -> T + Sync) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    f(&Run { pool: Some(&pool), ..Run::default() })
}

/// The numbers of its blocks in the order of merging, as a term: the tree itself.
struct Tree;

impl Pass for Tree {
    type Acc = String;
    fn zero(&self) -> String {
        String::new()
    }
    fn add(&self, acc: &mut String, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        *acc += &format!("{} ", rows.start);
        out.iter_mut().zip(rows.range()).for_each(|(out, row)| *out = row as f64);
        Ok(())
    }
    fn merge(&self, left: String, right: String) -> String {
        format!("({left}|{right})")
    }
    fn width(&self) -> usize {
        1
    }
}

#[test]
fn the_tree_of_merges_is_one_for_any_openings_and_threads() {
    for blocks in [1usize, 2, 3, 5, 7, 8, 23, 63, 64, 65, 100, 129, 200] {
        let values = vec![1.0; blocks * 4 - 1]; // the last block is short
        let rows = DenseRows::new(&values, 1).unwrap().in_blocks_of(4);
        let mut expected = vec![0.0; values.len()];
        let whole = sweep(&rows, &Tree, &mut expected, &Run::default()).unwrap();
        assert_eq!(expected, (0..values.len()).map(|i| i as f64).collect::<Vec<_>>());
        for allowed in [1, 2, 3, 4, 7, 8, 64, 1000] {
            for threads in [1, 2, 3, 7] {
                let stream = Stream::over(rows, allowed);
                let mut out = vec![0.0; values.len()];
                let tree = with_threads(threads, |run| sweep(&stream, &Tree, &mut out.clone(), run).unwrap());
                sweep(&stream, &Tree, &mut out, &Run::default()).unwrap();
                assert_eq!((tree, &out), (whole.clone(), &expected), "{blocks} blocks, {allowed} openings");
            }
        }
    }
}

#[test]
fn subtrees_that_are_swept_apart_merge_to_the_whole() {
    let values = vec![1.0; 23 * 4];
    let rows = DenseRows::new(&values, 1).unwrap().in_blocks_of(4);
    let whole = sweep(&rows, &Tree, &mut vec![0.0; values.len()], &Run::default()).unwrap();
    assert_eq!(stretches_of(&rows, &Tree), 23);
    let part = |range: Range<usize>| {
        let mut out = vec![0.0; range.len() * 4];
        let tree = sweep_part(&rows, &Tree, range.clone(), &mut out, &Run::default()).unwrap();
        assert_eq!(out[0], (range.start * 4) as f64);
        tree
    };
    // 23 = 16 + (4 + 3): the tree splits at the largest power of two below.
    let right = Tree.merge(part(16..20), part(20..23));
    assert_eq!(Tree.merge(Tree.merge(part(0..8), part(8..16)), right), whole);
}

#[test]
fn a_sweep_opens_no_more_than_it_may() {
    let values = vec![1.0; 100 * 4];
    let rows = DenseRows::new(&values, 1).unwrap().in_blocks_of(4);
    for (allowed, most) in [(1, 1), (2, 2), (4, 4), (8, 8), (64, 64), (1000, 64)] {
        let stream = Stream::over(rows, allowed);
        with_threads(3, |run| sweep(&stream, &Tree, &mut vec![0.0; 400], run).unwrap());
        assert_eq!(stream.opened(), most);
    }
}

#[test]
fn scores_of_a_stream_have_the_bits_of_memory() {
    let (n, d) = (9_000, 17);
    let mut values = Draws::new(1, "streams").normals(n * d);
    values.chunks_exact_mut(d).for_each(|row| row[3] = 1.0); // a constant column is found and its means are subtracted
    let rows = DenseRows::new(&values, d).unwrap();
    for factor in [None, Some(FactorMethod::Cholesky), Some(FactorMethod::CholeskyQr2), Some(FactorMethod::Tsqr)] {
        for ridge in [0.0, 2.5] {
            let options = ScoreOptions { factor, ridge, ..ScoreOptions::default() };
            let expected = bits(&leverage_scores(&rows, None, &options, &Run::default()).unwrap().values);
            for (threads, allowed) in [(1, 1), (2, 4), (7, 32)] {
                let stream = Stream::over(rows, allowed);
                let found = with_threads(threads, |run| leverage_scores(&stream, None, &options, run).unwrap().values);
                assert_eq!(bits(&found), expected, "{factor:?} {ridge} {threads} {allowed}");
            }
        }
    }
}

#[test]
fn inversions_over_a_stream_have_the_bits_of_memory() {
    let p = random_polytope(5000, 12, 0.99, 4, Some(3.0));
    let rows = DenseRows::new(&p.a, 12).unwrap();
    let target = gradient_at(&rows, &p.b, &p.hidden);
    for solver in [Solver::Exact, Solver::Cg, Solver::Coreset] {
        let options = InvertOptions { solver, ..InvertOptions::default() };
        let x = |source: &dyn RowSource, checkpoint: Option<Checkpoint<'_>>| {
            let found =
                invert_gradient(source, &p.b, &target, &Start::default(), &options, checkpoint, &Run::default());
            bits(&found.unwrap().x)
        };
        let stream = Stream::over(rows, 3);
        assert_eq!(x(&stream, None), x(&rows, None), "{solver:?}");
        // Lent block after block, 5 blocks a sweep would be 5 openings; a sweep opens 3, and looks for columns 1 to 4.
        assert!(stream.opened() < stream.lent.load(Ordering::Relaxed));
    }
}

#[test]
fn looking_for_a_constant_column_leaves_a_stream_early() {
    let values = Draws::new(2, "streams").normals(100_000);
    let rows = DenseRows::new(&values, 10).unwrap().in_blocks_of(100);
    let stream = Stream::over(rows, 4);
    leverage_scores(&stream, None, &ScoreOptions::default(), &Run::default()).unwrap();
    let lent = stream.lent.load(Ordering::Relaxed);
    assert!(lent <= 3 * 100 + 4, "{lent} blocks of 100 lent: the look at the columns reads the file");
}

#[test]
fn a_source_that_ends_before_its_shape_says_is_an_error() {
    let values = vec![1.0; 40];
    let rows = DenseRows::new(&values, 1).unwrap().in_blocks_of(4);
    let stream = Stream { ends: 7, ..Stream::over(rows, 2) };
    let error = sweep(&stream, &Tree, &mut [0.0; 40], &Run::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Shape { .. }), "{error}");
    assert_eq!(error.to_string(), "a source of rows: found no more rows, expected rows 28 to 32 of 40");
}

#[test]
fn a_number_that_is_none_is_named_in_a_stream_too() {
    let mut values = vec![1.0; 40];
    values[33] = f64::NAN;
    let rows = DenseRows::new(&values, 2).unwrap().in_blocks_of(4);
    let error = require_finite(&Stream::over(rows, 1), "matrix").unwrap_err();
    assert_eq!(error.to_string(), "matrix: row 17, column 2 holds NaN, expected a finite number");
}
