//! Sweeps whose stretches are added up in other processes, on this machine or others, with the bits they have here.

use super::RowSource;
use super::portable::{Elsewhere, Portable, other};
use super::sweep::{Pass, Sweep, merge_parts, stretches_of, sweep_part};
use super::wire::{Reader, Writer};
use crate::error::Result;
use crate::run::Run;
use std::ops::Range;

/// Carries `pass` over all rows of `source` and returns the accumulator; per-row values go into `out`.
///
/// # Shapes
/// `out`: n × `pass.width()` values.
/// # Randomness
/// The same bits for any number of threads, and for any number of openings of the source: the rows are cut into stretches by
/// their shape, each is added up in order, and the stretches are merged by one tree, whose left halves are the largest powers
/// of two.
/// # Errors
/// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) within a block of the request,
/// [`ErrorKind::Shape`](crate::ErrorKind::Shape) where the source lends other blocks than its shape says, and whatever source
/// and pass report.
pub fn sweep<P: Pass>(source: &dyn RowSource, pass: &P, out: &mut [f64], run: &Run<'_>) -> Result<P::Acc> {
    match (source.elsewhere(), pass.portable()) {
        (Some(at), Some(portable)) => sweep_elsewhere((source, pass), portable, at, out, run),
        _ => sweep_part(source, pass, 0..stretches_of(source, pass), out, run),
    }
}

/// Changes with what jobs and answers are made of.
const VERSION: u64 = 1;

/// The stretches of `whole` on the processes `at`.
fn sweep_elsewhere<P: Pass>(
    (source, pass): (&dyn RowSource, &P),
    portable: &dyn Portable<P::Acc>,
    at: &dyn Elsewhere,
    out: &mut [f64],
    run: &Run<'_>,
) -> Result<P::Acc> {
    let stretches = stretches_of(source, pass);
    // Subtrees of one size, as a power of two of stretches.
    let size = stretches.div_ceil(at.units().max(1)).next_power_of_two();
    let parts: Vec<Range<usize>> =
        (0..stretches).step_by(size).map(|from| from..(from + size).min(stretches)).collect();
    let whole = Sweep::of(source, pass, stretches, run);
    let jobs: Vec<Vec<u8>> = parts
        .iter()
        .map(|part| {
            let rows = whole.rows_of(part);
            let mut job = Writer::default();
            [VERSION, part.start as u64, part.end as u64, stretches as u64].into_iter().for_each(|word| job.word(word));
            job.words(&[source.shape().rows, source.shape().columns, source.shape().stored]);
            job.text(portable.name());
            portable.write(rows, &mut job);
            job.bytes()
        })
        .collect();
    let answers = at.answers(&jobs, run)?;
    if answers.len() != jobs.len() {
        return Err(other(format!("found {} answers to {} jobs", answers.len(), jobs.len())));
    }
    let mut kernels: Option<String> = None;
    let mut accs = Vec::with_capacity(answers.len());
    for (part, answer) in parts.iter().zip(&answers) {
        let mut from = Reader::of(answer);
        let taken = from.text()?;
        match &kernels {
            Some(first) if first != taken => {
                return Err(other(format!(
                    "found processors whose vector instructions differ ({first}, {taken}), expected one kind: the last bits \
                     would depend on who did what"
                )));
            }
            _ => kernels = Some(taken.to_string()),
        }
        accs.push(portable.unpack(&mut from)?);
        let (rows, values) = (whole.rows_of(part), from.numbers()?);
        from.end()?;
        let place = rows.start * pass.width()..rows.end * pass.width();
        if values.len() != place.len() {
            return Err(other(format!("found {} values for {} rows", values.len(), rows.len())));
        }
        out[place].copy_from_slice(&values);
    }
    Ok(merge_parts(pass, stretches, size, accs))
}

/// A unit of a sweep, as a worker has it.
pub(crate) struct Unit<'a> {
    source: &'a dyn RowSource,
    run: &'a Run<'a>,
    part: Range<usize>,
    stretches: usize,
    /// The pass: its name is read already.
    pub from: Reader<'a>,
    pub columns: usize,
}

impl<'a> Unit<'a> {
    /// The unit, and the name of its pass.
    pub fn of(source: &'a dyn RowSource, job: &'a [u8], run: &'a Run<'a>) -> Result<(Self, &'a str)> {
        let mut from = Reader::of(job);
        if from.word()? != VERSION {
            return Err(other("found a job of another version of unhat; run the same version everywhere".into()));
        }
        let mut size = || usize::try_from(from.word()?).map_err(|_| other("found a size that is none".into()));
        let (start, end, stretches) = (size()?, size()?, size()?);
        let (shape, found) = (from.words()?, source.shape());
        if shape != [found.rows, found.columns, found.stored] {
            let [rows, columns] = [found.rows, found.columns];
            return Err(other(format!("found {rows} rows of {columns} columns, and the sweep began with {shape:?}")));
        }
        let name = from.text()?;
        Ok((Unit { source, run, part: start..end, stretches, from, columns: found.columns }, name))
    }

    /// What `pass` adds up over the unit, as the answer.
    ///
    /// Row numbers begin at 0 with the rows of the unit, as what the pass knows of rows does.
    pub fn answer<P: Pass + Portable<P::Acc>>(self, pass: &P) -> Result<Vec<u8>> {
        self.from.end()?;
        if stretches_of(self.source, pass) != self.stretches {
            return Err(other("found rows that are cut otherwise; run the same version everywhere".into()));
        }
        let whole = Sweep::of(self.source, pass, self.stretches, self.run);
        let rows = whole.rows_of(&self.part);
        let mut out = vec![0.0; rows.len() * pass.width()];
        let acc = whole.beginning_at(rows.start).part(self.part, &mut out)?;
        let mut answer = Writer::default();
        answer.text(&crate::linalg::kernels());
        pass.pack(&acc, &mut answer);
        answer.numbers(&out);
        Ok(answer.bytes())
    }
}
