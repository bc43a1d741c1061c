//! The steps of a solve as a table: on standard error as they are taken, or in a file.

use crate::failure::Failure;
use unhat::solve::Step;
use unhat_io::{check_table, write_table};

const COLUMNS: [&str; 7] = ["iteration", "passes", "work", "decrement", "residual", "step", "certificate"];

/// The head of the table on standard error.
pub(crate) fn head() -> String {
    let [iteration, passes, work, decrement, residual, step, certificate] = COLUMNS;
    format!("{iteration:>9} {passes:>7} {work:>9} {decrement:>11} {residual:>11} {step:>7} {certificate:>11}")
}

/// A step on standard error.
pub(crate) fn line(step: &Step) -> String {
    let Step { iteration, passes, work, decrement, residual, step_length, certificate } = step;
    let certificate = certificate.map_or("-".into(), |bound| format!("{bound:.3e}"));
    let numbers = format!("{decrement:>11.3e} {residual:>11.3e} {step_length:>7.4} {certificate:>11}");
    format!("{iteration:>9} {passes:>7} {work:>9.2} {numbers}")
}

/// The file of `--history`, if there is to be one.
pub(crate) struct HistoryFile<'a>(Option<&'a str>);

impl<'a> HistoryFile<'a> {
    /// Checks before the work whether the file can be written after it.
    pub fn of(path: Option<&'a str>) -> Result<Self, Failure> {
        path.map(check_table).transpose()?;
        Ok(HistoryFile(path))
    }

    /// Writes the file, where there is one, in digits that give the numbers back; what is not known stays empty.
    pub fn store(&self, steps: &[Step]) -> Result<(), Failure> {
        let Some(path) = self.0 else { return Ok(()) };
        let record = |s: &Step| {
            let numbers = [s.work, s.decrement, s.residual, s.step_length].map(|number| format!("{number:?}"));
            let [work, decrement, residual, step] = numbers;
            let certificate = s.certificate.map_or(String::new(), |bound| format!("{bound:?}"));
            [s.iteration.to_string(), s.passes.to_string(), work, decrement, residual, step, certificate]
        };
        Ok(write_table(path, COLUMNS, steps.iter().map(record))?)
    }
}
