//! What travels between processes that share a sweep: passes and their sums as bytes.

use super::wire::{Reader, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::run::Run;
use std::ops::Range;

/// Where the rows can be read too: some processes that work off units of a sweep.
///
/// # Examples
/// ```
/// use unhat::leverage::{ScoreOptions, leverage_scores};
/// use unhat::rows::{DenseRows, Elsewhere, RowSource, Rows, Shape};
/// use unhat::{Result, Run, distributed::answer};
/// /// Rows that a driver hands out; here the workers are functions.
/// struct Shared<'a>(DenseRows<'a>);
/// impl Elsewhere for Shared<'_> {
///     fn units(&self) -> usize {
///         4
///     }
///     fn answers(&self, jobs: &[Vec<u8>], run: &Run<'_>) -> Result<Vec<Vec<u8>>> {
///         jobs.iter().map(|job| answer(&self.0, job, run)).collect() // on a cluster: in other processes, in any order
///     }
/// }
/// impl RowSource for Shared<'_> {
///     fn shape(&self) -> Shape {
///         self.0.shape()
///     }
///     fn rows_per_block(&self) -> usize {
///         self.0.rows_per_block()
///     }
///     fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
///         self.0.with_block(k, f)
///     }
///     fn elsewhere(&self) -> Option<&dyn Elsewhere> {
///         Some(self)
///     }
///     fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
///         self.0.gather(rows)
///     }
/// }
/// let values: Vec<f64> = (0..6000).map(|i| (f64::from(i) * 0.7).sin()).collect();
/// let rows = DenseRows::new(&values, 3)?;
/// let scores = |source: &dyn RowSource| leverage_scores(source, None, &ScoreOptions::default(), &Run::default());
/// assert_eq!(scores(&Shared(rows))?.values, scores(&rows)?.values); // to the last bit
/// # Ok::<(), unhat::Error>(())
/// ```
pub trait Elsewhere: Sync {
    /// Into how many units a sweep is cut, at most.
    fn units(&self) -> usize;

    /// The answers that [`answer`](crate::distributed::answer) gives to these jobs, in their order.
    ///
    /// # Errors
    /// The error of a job; what the workers themselves fail with.
    fn answers(&self, jobs: &[Vec<u8>], run: &Run<'_>) -> Result<Vec<Vec<u8>>>;
}

/// A pass that another process can carry on: what it knows of some rows, and what these add up to, as bytes.
///
/// The passes of scores are; others run in the process that asks.
///
/// # Examples
/// ```
/// use unhat::rows::{DenseRows, Elsewhere, Pass, RowSource};
/// fn runs_elsewhere<P: Pass>(source: &dyn RowSource, pass: &P) -> bool {
///     source.elsewhere().is_some() && pass.portable().is_some()
/// }
/// # struct Nothing;
/// # impl Pass for Nothing {
/// #     type Acc = ();
/// #     fn zero(&self) {}
/// #     fn add(&self, _: &mut (), _: &unhat::rows::Rows<'_>, _: &mut [f64]) -> unhat::Result<()> { Ok(()) }
/// #     fn merge(&self, _: (), _: ()) {}
/// # }
/// assert!(!runs_elsewhere(&DenseRows::new(&[1.0], 1)?, &Nothing)); // rows in memory have no other processes
/// # Ok::<(), unhat::Error>(())
/// ```
pub trait Portable<Acc>: Sync {
    /// The name by which `distributed::answer` knows it.
    fn name(&self) -> &'static str;
    /// What the pass is, and what it knows of `rows`.
    fn write(&self, rows: Range<usize>, to: &mut Writer);
    /// The accumulator.
    fn pack(&self, acc: &Acc, to: &mut Writer);
    /// The accumulator that was packed.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for bytes that are none.
    fn unpack(&self, from: &mut Reader<'_>) -> Result<Acc>;
}

pub(crate) fn other(reason: String) -> Error {
    ErrorKind::Source { path: "work of another process".into(), position: None, reason }.into()
}

/// `pack` and `unpack` of sums that are a list of numbers.
macro_rules! packs_numbers {
    () => {
        fn pack(&self, acc: &Vec<f64>, to: &mut $crate::rows::Writer) {
            to.numbers(acc);
        }
        fn unpack(&self, from: &mut $crate::rows::Reader<'_>) -> $crate::error::Result<Vec<f64>> {
            let found = from.numbers()?;
            match found.len() == $crate::rows::Pass::zero(self).len() {
                true => Ok(found),
                false => Err($crate::rows::other(format!("found a sum of {} numbers", found.len()))),
            }
        }
    };
}
/// `pack` and `unpack` of a sum that is one number.
macro_rules! packs_number {
    () => {
        fn pack(&self, acc: &f64, to: &mut $crate::rows::Writer) {
            to.numbers(&[*acc]);
        }
        fn unpack(&self, from: &mut $crate::rows::Reader<'_>) -> $crate::error::Result<f64> {
            match from.numbers()?.as_slice() {
                [one] => Ok(*one),
                found => Err($crate::rows::other(format!("found a sum of {} numbers", found.len()))),
            }
        }
    };
}
pub(crate) use {packs_number, packs_numbers};
