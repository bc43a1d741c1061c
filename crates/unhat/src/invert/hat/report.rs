//! What an inversion of hat values says as JSON. Rows and columns count from 1.

use super::answer::{HatInversion, HatStatus};
use super::coefficients::HatCoefficients;
use serde::Serialize;

/// What `invert hat` says.
#[derive(Serialize)]
pub struct HatReport<'a> {
    status: &'a str,
    weights: &'a [Option<f64>],
    components: Vec<ComponentReport>,
    coefficients: Option<&'a [Option<f64>]>,
    open: Vec<String>,
    standard_errors: Option<&'a [Option<f64>]>,
    /// Those of the coefficients.
    coefficient_errors: Option<&'a [Option<f64>]>,
    /// Sum((sigma - h)^2/nu^2) of the fit of the coefficients by its degrees of freedom.
    coefficient_misfit: Option<f64>,
    intervals: Option<&'a [Option<[f64; 2]>]>,
    silent_rows: Vec<SilentReport>,
    near_components: Vec<NearReport>,
    impossible: Option<ImpossibleReport<'a>>,
    residual: f64,
    misfit: f64,
    rank: usize,
    iterations: usize,
    passes: u32,
    work: f64,
    condition: f64,
}

impl<'a> HatReport<'a> {
    /// Of an inversion to weights, and with a model to its coefficients.
    #[must_use]
    pub fn of(found: &'a HatInversion, fit: Option<&'a HatCoefficients>) -> Self {
        HatReport {
            status: HatStatus::of_both(found, fit).name(),
            weights: &found.weights,
            components: found
                .components
                .iter()
                .map(|part| ComponentReport {
                    rows: counted(&part.rows),
                    rank: part.rank,
                    held_row: part.held.map(|k| k + 1),
                })
                .collect(),
            coefficients: fit.map(|fit| fit.values.as_slice()),
            open: fit.map_or_else(|| found.open(), |fit| fit.open.clone()),
            coefficient_errors: fit.and_then(|fit| fit.standard_errors.as_deref()),
            coefficient_misfit: fit.map(|fit| fit.misfit),
            standard_errors: found.standard_errors.as_deref(),
            intervals: found.intervals.as_deref(),
            silent_rows: found.silent.iter().map(|(i, why)| SilentReport { row: i + 1, reason: why.name() }).collect(),
            near_components: found
                .near_components
                .iter()
                .map(|near| NearReport { rows: counted(&near.rows), log_factor: near.log_factor })
                .collect(),
            impossible: found.impossible.as_ref().map(|why| ImpossibleReport {
                rows: counted(&why.rows),
                sum: why.sum,
                rank: why.rank,
                slack: why.slack,
                reason: &why.reason,
            }),
            residual: fit.map_or(found.residual, |fit| fit.residual),
            misfit: found.misfit,
            rank: found.rank,
            iterations: found.history.len().saturating_sub(1),
            passes: found.passes,
            work: found.work,
            condition: found.condition,
        }
    }
}

fn counted(rows: &[usize]) -> Vec<usize> {
    rows.iter().map(|i| i + 1).collect()
}

/// Rows whose weights are known up to one factor.
#[derive(Serialize)]
struct ComponentReport {
    rows: Vec<usize>,
    rank: usize,
    /// What intervals and standard errors are relative to; null where a ridge says the factor.
    held_row: Option<usize>,
}

/// A row that says nothing of its weight.
#[derive(Serialize)]
struct SilentReport {
    row: usize,
    reason: &'static str,
}

/// Rows that are nearly a component of their own.
#[derive(Serialize)]
struct NearReport {
    rows: Vec<usize>,
    log_factor: f64,
}

/// Why no weights have the scores.
#[derive(Serialize)]
struct ImpossibleReport<'a> {
    rows: Vec<usize>,
    sum: f64,
    rank: usize,
    slack: f64,
    reason: &'a str,
}
