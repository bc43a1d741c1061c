//! Whose membership shows: hat values in closed form, and how unusual the rows are.

use super::report::{Detail, ExposedRow, ExposedRows};
use crate::error::Result;
use crate::leverage::{Diagnostics, Exposure, membership_auc, membership_factor, membership_tpr};

/// ExposedRows listed.
const LISTED: usize = 60;

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
    })
}

/// What is handed on does not single out a row to seventeen digits.
fn three_digits(v: f64) -> f64 {
    format!("{v:.2e}").parse().unwrap_or(v) // a number's own text is one
}
