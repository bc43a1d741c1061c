//! What an inversion of hat values says as JSON. Rows and columns count from 1.

use super::answer::{HatInversion, HatStatus};
use super::coefficients::HatCoefficients;
use super::column::ColumnInversion;
use super::outcomes::OutcomeInversion;
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

/// What `invert outcomes` says.
#[derive(Serialize)]
pub struct OutcomeReport<'a> {
    status: &'a str,
    /// 1, 0, or null where the two cannot be told apart.
    outcomes: Vec<Option<u8>>,
    margins: &'a [f64],
    misfits: &'a [f64],
    undecided: usize,
    coefficients: &'a [f64],
    coefficient_errors: Option<&'a [Option<f64>]>,
    open: Vec<String>,
    residual: Option<f64>,
    passes: u32,
}

impl<'a> OutcomeReport<'a> {
    /// Of recovered responses.
    #[must_use]
    pub fn of(found: &'a OutcomeInversion) -> Self {
        OutcomeReport {
            status: found.status.name(),
            outcomes: found.outcomes.iter().map(|y| y.map(u8::from)).collect(),
            margins: &found.margins,
            misfits: &found.misfits,
            undecided: found.outcomes.iter().filter(|y| y.is_none()).count(),
            coefficients: &found.coefficients,
            coefficient_errors: found.fit.as_ref().and_then(|fit| fit.standard_errors.as_deref()),
            open: vec!["all responses or all of their complements, with the sign of the coefficients".into()],
            residual: found.fit.as_ref().map(|fit| fit.residual),
            passes: found.weights.passes,
        }
    }
}

/// What `invert column` says.
#[derive(Serialize)]
pub struct ColumnReport<'a> {
    status: &'a str,
    /// 1 or 0, null where both fit, where a 0/1 column was found.
    column: Option<Vec<Option<u8>>>,
    magnitudes: &'a [f64],
    margins: Option<&'a [f64]>,
    misfit: Option<f64>,
    explained: f64,
    residual: Option<f64>,
    tries: usize,
    open: &'a [String],
}

impl<'a> ColumnReport<'a> {
    /// Of a recovered column.
    #[must_use]
    pub fn of(found: &'a ColumnInversion) -> Self {
        ColumnReport {
            status: found.status.name(),
            column: found.column.as_ref().map(|u| u.iter().map(|u| u.map(u8::from)).collect()),
            magnitudes: &found.magnitudes,
            margins: found.margins.as_deref(),
            misfit: found.misfit,
            explained: found.explained,
            residual: found.residual,
            tries: found.tries,
            open: &found.open,
        }
    }
}
