//! What the report of influence draws: the facts of a study, a check or a trimming, and the run that made them.

use serde::{Deserialize, Serialize};
use unhat::audit::report::{Axis, Density, Scale, Tool};
use unhat_models::influence::{CheckReport, Evidence, StudyReport, TrimReport};

/// Everything that the report of influence draws. A number that is unknown is None, never NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InfluencePage {
    /// The program and the run.
    pub tool: Tool,
    /// When, as RFC 3339 in UTC.
    pub created_utc: Option<String>,
    /// What holds the table: a file's name.
    pub table: String,
    /// The scored table.
    pub study: Option<StudyReport>,
    /// Rows with their cells, and how far methods agree; beside a study.
    pub evidence: Option<Evidence>,
    /// Loss against score over all training rows; beside a study.
    pub density: Option<Density>,
    /// Planted flips.
    pub check: Option<CheckReport>,
    /// Trimming; beside a study.
    pub trim: Option<TrimReport>,
    /// What the reader must know and no number says.
    pub warnings: Vec<String>,
}

const LOSS_BINS: u32 = 48;
const SCORE_BINS: u32 = 36;
/// Losses spread over more than this factor are binned by their logarithm.
const LOG_FROM: f64 = 30.0;
/// Losses below this share of the largest are counted there: they all say that the row fits.
const LEAST_LOSS: f64 = 1e-6;

/// Loss against score as a histogram: every row is in it; None without rows.
pub fn influence_density(losses: &[f64], scores: &[f64]) -> Option<Density> {
    let rows: Vec<(f64, f64)> = losses
        .iter()
        .copied()
        .zip(scores.iter().copied())
        .filter(|(loss, score)| loss.is_finite() && score.is_finite())
        .collect();
    let most = rows.iter().map(|row| row.0).reduce(f64::max)?;
    let least = rows.iter().map(|row| row.0).reduce(f64::min)?;
    let floor = least.max(LEAST_LOSS * most);
    let log = floor > 0.0 && most > LOG_FROM * floor;
    let (scale, lo) = if log { (Scale::Log, floor) } else { (Scale::Linear, least) };
    let hi = if most > lo { most } else { lo + 1.0 };
    let x = Axis { scale, lo, hi, bins: LOSS_BINS };
    let (bottom, top) = rows.iter().fold((0.0_f64, 0.0_f64), |(low, high), row| (low.min(row.1), high.max(row.1)));
    let y =
        Axis { scale: Scale::Linear, lo: bottom, hi: if top > bottom { top } else { bottom + 1.0 }, bins: SCORE_BINS };
    let mut count = vec![0_u32; (LOSS_BINS * SCORE_BINS) as usize];
    for (loss, score) in rows {
        count[(bin(&y, score) * LOSS_BINS + bin(&x, loss)) as usize] += 1;
    }
    let occupied = count.iter().enumerate().filter(|(_, n)| **n > 0);
    let count = occupied.map(|(at, &n)| [at as u32 % LOSS_BINS, at as u32 / LOSS_BINS, n]).collect();
    Some(Density { x, y, count })
}

/// The bin of a value; the first holds what lies below, the last its upper end.
fn bin(axis: &Axis, value: f64) -> u32 {
    let value = value.max(axis.lo);
    let share = match axis.scale {
        Scale::Linear => (value - axis.lo) / (axis.hi - axis.lo),
        Scale::Log => (value / axis.lo).ln() / (axis.hi / axis.lo).ln(),
    };
    ((share * f64::from(axis.bins)) as u32).min(axis.bins - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_bin() {
        let found = influence_density(&[0.0, 0.5, 1.0, 1e-9], &[3.0, -1.0, 0.0, 3.0]).unwrap();
        assert_eq!((found.x.scale, found.x.lo, found.x.hi), (Scale::Log, 1e-6, 1.0));
        assert_eq!((found.y.lo, found.y.hi), (-1.0, 3.0));
        // ln(5e5)/ln(1e6)·48 = 45.6; a score of 0 is a quarter of the way up.
        assert_eq!(found.count, [[45, 0, 1], [47, 9, 1], [0, 35, 2]]);
        let flat = influence_density(&[0.2, 0.2], &[0.0, 0.0]).unwrap();
        assert_eq!((flat.x.scale, flat.count.len()), (Scale::Linear, 1));
        assert!(influence_density(&[], &[]).is_none());
    }
}
