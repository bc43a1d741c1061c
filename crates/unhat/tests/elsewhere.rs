//! Sweeps that other processes carry on: the bits of one process, whoever does what; other rows and other words are refused.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::sync::Mutex;
use unhat::distributed::answer;
use unhat::gram::FactorMethod;
use unhat::leverage::{RankKOptions, ScoreOptions, leverage_scores, rank_k_scores};
use unhat::rows::{CsrRows, DenseRows, Elsewhere, RowSource, Rows, Shape};
use unhat::{ErrorKind, Result, Run};
use unhat_testkit::generate::{Stream, random_csr};

/// Workers that see the same rows, and what they were asked for.
struct Workers<'a> {
    rows: &'a dyn RowSource,
    units: usize,
    jobs: Mutex<Vec<Vec<u8>>>,
}

impl Elsewhere for Workers<'_> {
    fn units(&self) -> usize {
        self.units
    }
    fn answers(&self, jobs: &[Vec<u8>], run: &Run<'_>) -> Result<Vec<Vec<u8>>> {
        assert!(jobs.len() <= self.units.max(1));
        self.jobs.lock().unwrap().extend_from_slice(jobs);
        // The last first: no order may matter.
        let mut answers: Vec<Vec<u8>> =
            jobs.iter().rev().map(|job| answer(self.rows, job, run)).collect::<Result<_>>()?;
        answers.reverse();
        Ok(answers)
    }
}

/// Rows that the driver may look at block 0 of, and of no other.
struct Driver<'a> {
    rows: &'a dyn RowSource,
    workers: &'a Workers<'a>,
}

impl RowSource for Driver<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }
    fn rows_per_block(&self) -> usize {
        self.rows.rows_per_block()
    }
    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        assert_eq!(k, 0, "the driver reads the rows");
        self.rows.with_block(k, f)
    }
    fn elsewhere(&self) -> Option<&dyn Elsewhere> {
        Some(self.workers)
    }
    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        self.rows.gather(rows)
    }
}

fn bits(v: &[f64]) -> Vec<u64> {
    v.iter().map(|x| x.to_bits()).collect()
}

fn same_bits(rows: &dyn RowSource, row_scale: Option<&[f64]>, options: &ScoreOptions) {
    let run = Run::default();
    let here = leverage_scores(rows, row_scale, options, &run).unwrap();
    for units in [1, 2, 3, 7, 64, 1000] {
        let workers = Workers { rows, units, jobs: Mutex::default() };
        let there = leverage_scores(&Driver { rows, workers: &workers }, row_scale, options, &run).unwrap();
        assert_eq!(bits(&there.values), bits(&here.values), "{units} units, {options:?}");
        assert_eq!((there.sum.to_bits(), there.rank), (here.sum.to_bits(), here.rank));
        assert!(!workers.jobs.into_inner().unwrap().is_empty());
    }
}

#[test]
fn scores_have_the_bits_of_one_process() {
    let (n, d) = (30_000, 6);
    let mut values = Stream::new(1, "elsewhere").normals(n * d);
    let weights: Vec<f64> = (0..n).map(|i| (i % 5) as f64 / 2.0).collect();
    for constant in [false, true] {
        if constant {
            values.chunks_exact_mut(d).for_each(|row| row[2] = 3.0);
        }
        let rows = DenseRows::new(&values, d).unwrap();
        for factor in [None, Some(FactorMethod::CholeskyQr2), Some(FactorMethod::Tsqr)] {
            for ridge in [0.0, 0.7] {
                for scale in [None, Some(weights.as_slice())] {
                    same_bits(&rows, scale, &ScoreOptions { factor, ridge, ..ScoreOptions::default() });
                }
            }
        }
    }
}

#[test]
fn sparse_and_dependent_rows_do_too() {
    let csr = random_csr(40_000, 50, 4, 2);
    same_bits(&CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 50).unwrap(), None, &ScoreOptions::default());
    let run = Run::default();
    let csr = random_csr(20_000, 50, 4, 2);
    let rows = CsrRows::new(&csr.indptr, &csr.indices, &csr.values, 50).unwrap();
    let workers = Workers { rows: &rows, units: 5, jobs: Mutex::default() };
    let options = RankKOptions { rank: 4, centre: false };
    let here = rank_k_scores(&rows, None, &options, &run).unwrap().columns;
    let there = rank_k_scores(&AllowedToRead { rows: &rows, workers: &workers }, None, &options, &run).unwrap();
    assert_eq!(bits(&there.columns), bits(&here));
}

/// What no worker knows is done by the driver, with the same bits.
struct AllowedToRead<'a> {
    rows: &'a dyn RowSource,
    workers: &'a Workers<'a>,
}

impl RowSource for AllowedToRead<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }
    fn rows_per_block(&self) -> usize {
        self.rows.rows_per_block()
    }
    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.rows.with_block(k, f)
    }
    fn elsewhere(&self) -> Option<&dyn Elsewhere> {
        Some(self.workers)
    }
    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        self.rows.gather(rows)
    }
}

#[test]
fn a_job_for_other_rows_of_another_version_or_cut_short_is_refused() {
    let values = Stream::new(2, "elsewhere").normals(5_000 * 4);
    let rows = DenseRows::new(&values, 4).unwrap();
    let workers = Workers { rows: &rows, units: 3, jobs: Mutex::default() };
    let run = Run::default();
    leverage_scores(&Driver { rows: &rows, workers: &workers }, None, &ScoreOptions::default(), &run).unwrap();
    let fewer = DenseRows::new(&values[4..], 4).unwrap();
    let refused = |rows: &dyn RowSource, job: &[u8]| {
        let error = answer(rows, job, &run).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Source { .. }), "{error}");
        error.to_string()
    };
    for job in workers.jobs.into_inner().unwrap() {
        assert!(answer(&rows, &job, &run).is_ok());
        assert!(refused(&fewer, &job).contains("found 4999 rows of 4 columns"));
        (0..job.len()).for_each(|end| drop(refused(&rows, &job[..end])));
        let mut newer = job.clone();
        newer[0] += 1;
        assert!(refused(&rows, &newer).contains("another version"));
    }
}
