//! Whose membership shows: hat values in closed form, and how unusual the rows are.

use super::report::{Detail, ExposedRow, ExposedRows};
use crate::error::Result;
use crate::leverage::{Diagnostics, Exposure, membership_auc, membership_factor, membership_tpr};

/// ExposedRows listed.
const LISTED: usize = 60;
/// Listed as influential: the largest by Cook's distance, by hat value, and by studentised residual.
const LARGEST_COOK: usize = 12;
const LARGEST_HAT: usize = 8;
const LARGEST_RESIDUAL: usize = 8;
/// The contour that is usual in residual plots.
const LARGE_COOK: f64 = 0.5;

/// The rows with the largest hat values.
pub(super) fn exposed_rows(diagnostics: &Diagnostics, detail: Detail) -> Result<ExposedRows> {
    let hat = &diagnostics.hat;
    let exposure = Exposure::of(hat);
    let shown = |v: f64| if detail == Detail::Share { three_digits(v) } else { v };
    let row = |&i: &usize| -> Result<ExposedRow> {
        let h = shown(hat[i].clamp(0.0, 1.0));
        Ok(ExposedRow {
            row: (detail == Detail::Owner).then_some(i as u64 + 1),
            hat: h,
            auc: membership_auc(h),
            tpr_at_1pct: membership_tpr(h, 0.01)?,
            tpr_at_01pct: membership_tpr(h, 0.001)?,
            factor: membership_factor(h),
            studentised: diagnostics.studentised[i].map(shown),
            cook: diagnostics.cook[i].map(shown),
        })
    };
    Ok(ExposedRows {
        count: hat.len() as u64,
        auc_over_055: exposure.standing_out as u64,
        auc_median: exposure.median_auc,
        top: exposure.order.iter().take(LISTED).map(row).collect::<Result<_>>()?,
        influential: influential(diagnostics).iter().map(row).collect::<Result<_>>()?,
        cook_over_half: diagnostics.cook.iter().flatten().filter(|cook| **cook > LARGE_COOK).count() as u64,
    })
}

/// The most unusual of all rows in each of three senses, the largest Cook's distance first.
fn influential(diagnostics: &Diagnostics) -> Vec<usize> {
    let cook = |i: usize| diagnostics.cook[i].unwrap_or(0.0);
    let residual = |i: usize| diagnostics.studentised[i].map_or(0.0, f64::abs);
    let all: Vec<usize> = (0..diagnostics.hat.len())
        .filter(|&i| diagnostics.cook[i].is_some() && diagnostics.studentised[i].is_some())
        .collect();
    let largest = |size: &dyn Fn(usize) -> f64, most: usize| {
        let mut order = all.clone();
        order.sort_by(|&i, &j| size(j).total_cmp(&size(i)).then(i.cmp(&j)));
        order.truncate(most);
        order
    };
    let mut kept = largest(&cook, LARGEST_COOK);
    kept.extend(largest(&|i| diagnostics.hat[i], LARGEST_HAT));
    kept.extend(largest(&residual, LARGEST_RESIDUAL));
    kept.sort_by(|&i, &j| cook(j).total_cmp(&cook(i)).then(i.cmp(&j)));
    kept.dedup();
    kept
}

/// What is handed on does not single out a row to seventeen digits.
fn three_digits(v: f64) -> f64 {
    format!("{v:.2e}").parse().unwrap_or(v) // a number's own text is one
}
