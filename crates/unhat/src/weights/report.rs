//! What is said of weights: their certificate, how it was reached, and with how many digits.

use super::{Design, LewisWeights};
use crate::report::Method;
use serde::Serialize;

/// What `weights lewis` says.
#[derive(Serialize)]
pub struct LewisReport<'a> {
    status: &'a str,
    p: f64,
    residual: f64,
    /// null for p ≥ 4.
    log_error: Option<f64>,
    sum: f64,
    rank: usize,
    digits: f64,
    condition: f64,
    passes: u32,
    method: Method<'a>,
}

impl<'a> LewisReport<'a> {
    /// Of these weights.
    #[must_use]
    pub fn of(found: &'a LewisWeights) -> Self {
        LewisReport {
            status: found.status.name(),
            p: found.p,
            residual: found.residual,
            log_error: found.log_error,
            sum: found.sum,
            rank: found.rank,
            digits: found.digits,
            condition: found.condition,
            passes: found.passes,
            method: Method::of("anderson", found.method.name(), &found.reason),
        }
    }
}

/// What `weights d-optimal` says.
#[derive(Serialize)]
pub struct DesignReport<'a> {
    status: &'a str,
    gap: f64,
    largest_form: f64,
    log_det: Option<f64>,
    rank: usize,
    support: usize,
    iterations: u32,
    passes: u32,
    products: u32,
    digits: f64,
}

impl<'a> DesignReport<'a> {
    /// Of this design.
    #[must_use]
    pub fn of(found: &'a Design) -> Self {
        DesignReport {
            status: found.status.name(),
            gap: found.gap,
            largest_form: found.largest_form,
            log_det: found.log_det,
            rank: found.rank,
            support: found.support,
            iterations: found.iterations,
            passes: found.passes,
            products: found.products,
            digits: found.digits,
        }
    }
}
