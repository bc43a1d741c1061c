//! The command line as a user meets it: the program is run, its files, streams and exit codes are looked at.
#![allow(clippy::unwrap_used)] // a test may panic: that is how it fails

mod absorb;
mod audit;
mod audit_fit;
#[cfg(feature = "parquet")]
mod columns;
mod demo;
mod desk;
mod determinism;
mod diagnose;
mod edge;
mod files;
mod formulas;
mod hat;
mod headline;
mod help;
mod history;
mod influence;
#[cfg(unix)]
mod interrupts;
mod inversion;
mod kills;
mod malformed;
mod outputs;
mod polytope;
mod rank;
mod regularised;
mod reports;
mod score_inversion;
mod scores;
mod tables;
mod training;
mod weights;
