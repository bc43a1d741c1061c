//! `unhat demo`: three worked cases, what was hidden, released and recovered, all computed when it runs.

mod case;
mod generated;
mod polytope;
mod regression;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::Demo as Arguments;
use crate::places::require_distinct;
use crate::session::Session;
use case::{Case, GENERATED, POLYTOPE_CENTRE, STACKLOSS_RIDGE};
use serde::Serialize;
use std::collections::BTreeMap;
use unhat::invert::report::CertificateReport;
use unhat::solve::Status;

/// What `demo --json` prints.
#[derive(Serialize)]
struct Cases {
    cases: Vec<CaseReport>,
}

#[derive(Serialize)]
struct CaseReport {
    name: &'static str,
    /// From a role (matrix, offset, …) to a path relative to `--out`.
    files: BTreeMap<&'static str, String>,
    relative_error: Option<f64>,
    certificate: Option<CertificateReport>,
    status: &'static str,
    passes: u32,
    seconds: f64,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let seed = session.common.seed;
    if let Some(directory) = &arguments.out {
        let places = [STACKLOSS_RIDGE, POLYTOPE_CENTRE, GENERATED].map(|name| Case::places(name, directory));
        require_distinct("--out", places.as_flattened())?;
    }
    let cases = session.compute(|run| {
        Ok([regression::ridge_fit(run)?, polytope::volumetric_centre(run)?, generated::large_table(seed, run)?])
    })?;
    let mut reports = Vec::new();
    for case in &cases {
        reports.push(CaseReport {
            name: case.name,
            files: match &arguments.out {
                Some(directory) => case.write_files(directory)?,
                None => BTreeMap::new(),
            },
            relative_error: case.relative_error(),
            certificate: case.found.certificate.map(Into::into),
            status: case.found.status.name(),
            passes: case.found.passes,
            seconds: case.seconds,
        });
    }
    if session.common.json {
        session.report("demo", Cases { cases: reports }, None)?;
    } else {
        let mut text = String::from("unhat demo: what a released leverage score gradient gives away\n");
        cases.iter().for_each(|case| text += &format!("\n{}", case.story));
        if let Some(directory) = &arguments.out {
            text += &format!("\nThe matrices and vectors are under {directory}, as .npy.\n");
        }
        session.print_text(&text)?;
    }
    let solved = cases.iter().all(|case| case.found.status == Status::Solved);
    Ok(if solved { Exit::Done } else { Exit::NotConverged })
}
