//! `unhat weights`: Lewis weights and D-optimal designs of the rows of a matrix.

use super::scores::{as_in_file, first_names, names_as_in_file};
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::System;
use crate::output::{Destination, note_formulas};
use crate::session::Session;
use crate::weights_options::{DOptimal, Lewis, Weights as Arguments};
use unhat::solve::Status;
use unhat::weights::{DesignOptions, DesignReport, LewisOptions, LewisReport, d_optimal_design, lewis_weights};
use unhat_io::{Matrix, Missing};

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let (input, output) = arguments.files();
    if input.polytope.is_some() {
        let reason = "holds b too, which weights do not use; give A alone as --matrix";
        return Err(option_failure("--polytope", reason));
    }
    let destination = Destination::of(output)?;
    let pads = input.text.missing == Missing::Exclude;
    let mut input = input.clone();
    input.without.extend(input.response.take());
    let system = System::read(&input, None, session)?;
    let matrix = &system.matrix;
    let names = names_as_in_file(matrix.row_names.as_deref(), &matrix.omitted, pads);
    if let Some(path) = output.output.as_deref() {
        note_formulas(names.iter().flatten().cloned(), path, session);
    }
    let write = |values: &[f64]| -> Result<Vec<f64>, Failure> {
        let values = as_in_file(values, &matrix.omitted, pads);
        destination.store("weight", names.as_deref(), &values)?;
        Ok(values.into_owned())
    };
    match arguments {
        Arguments::Lewis(lewis) => of_lewis(lewis, (matrix, destination.on_stdout()), &write, session),
        Arguments::DOptimal(design) => of_design(design, (matrix, destination.on_stdout()), &write, session),
    }
}

type Write<'a> = &'a dyn Fn(&[f64]) -> Result<Vec<f64>, Failure>;

fn of_lewis(
    arguments: &Lewis,
    (matrix, on_stdout): (&Matrix, bool),
    write: Write<'_>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let rows = matrix.rows()?;
    let options = LewisOptions { tolerance: arguments.tol, max_iterations: arguments.max_iter };
    let computed = session.compute(|run| lewis_weights(&rows, arguments.p, &options, run));
    let found = computed.map_err(|error| Failure::in_matrix(error, matrix))?;
    found.warnings.iter().for_each(|warning| session.warn(warning));
    let values = write(&found.values)?;
    session.summary(&columns_phrase(matrix));
    let bound = match found.log_error {
        Some(bound) => format!(", each within {bound:.1e} of the exact one in log w"),
        None => String::new(),
    };
    session.summary(&format!(
        "{}{} Lewis weights for p = {}, rank {}: each is the leverage that it gives its row to {:.1e}{bound}; {} passes, about {:.0} \
         digits; {} ({}), {}",
        ended(found.status),
        found.values.len(),
        found.p,
        found.rank,
        found.residual,
        found.passes,
        found.digits,
        found.method.name(),
        found.reason,
        session.elapsed(),
    ));
    if session.common.json {
        session.report("weights lewis", LewisReport::of(&found), on_stdout.then_some(&values))?;
    } else if on_stdout {
        session.print_numbers(&values)?;
    }
    Ok(found.status.into())
}

fn of_design(
    arguments: &DOptimal,
    (matrix, on_stdout): (&Matrix, bool),
    write: Write<'_>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let rows = matrix.rows()?;
    let options = DesignOptions { gap: arguments.gap, max_iterations: arguments.max_iter, lift: arguments.lift };
    let computed = session.compute(|run| d_optimal_design(&rows, &options, run));
    let found = computed.map_err(|error| Failure::in_matrix(error, matrix))?;
    found.warnings.iter().for_each(|warning| session.warn(warning));
    let values = write(&found.values)?;
    session.summary(&columns_phrase(matrix));
    let log_det = found.log_det.map_or(String::new(), |log_det| format!(", log det {log_det:.10}"));
    session.summary(&format!(
        "{}D-optimal design of {} rows{}, {} of them of weight, rank {}{log_det}: the best is larger by {:.1e} at most, over all \
         rows; {} steps, {} passes, {} products, about {:.0} digits, {}",
        ended(found.status),
        found.values.len(),
        if arguments.lift { " as points" } else { "" },
        found.support,
        found.rank,
        found.gap,
        found.iterations,
        found.passes,
        found.products,
        found.digits,
        session.elapsed(),
    ));
    if session.common.json {
        session.report("weights d-optimal", DesignReport::of(&found), on_stdout.then_some(&values))?;
    } else if on_stdout {
        session.print_numbers(&values)?;
    }
    Ok(found.status.into())
}

/// What is said before an answer that is only the best so far.
fn ended(status: Status) -> String {
    match status {
        Status::Solved => String::new(),
        other => format!("{}: ", other.name().replace('_', " ")),
    }
}

fn columns_phrase(matrix: &Matrix) -> String {
    let shape = matrix.shape();
    let named = matrix.column_names.as_deref().map_or(String::new(), |names| format!(": {}", first_names(names)));
    format!("{} rows, {} columns{named}", shape.rows, shape.columns)
}
