//! Hat value against studentised residual as a histogram: every row is in it, and none can be read off it.

use super::report::{Axis, Density, Scale};
use crate::leverage::Diagnostics;
use std::collections::BTreeMap;

const HAT_BINS: u32 = 48;
const RESIDUAL_BINS: u32 = 36;
/// Hat values spread over more than this factor are binned by their logarithm.
const LOG_FROM: f64 = 30.0;
/// The residual axis reaches at least this far, so that nothing looks unusual that is not.
const LEAST_REACH: f64 = 3.0;
/// A hat value of 0 (a zero row) has no logarithm.
const LEAST_HAT: f64 = 1e-12;

/// Bins the rows that have a studentised residual; None where none has.
pub(super) fn density(diagnostics: &Diagnostics) -> Option<Density> {
    let rows: Vec<(f64, f64)> = diagnostics
        .hat
        .iter()
        .zip(&diagnostics.studentised)
        .filter_map(|(h, t)| t.map(|t| (h.clamp(LEAST_HAT, 1.0), t)))
        .collect();
    let least = rows.iter().map(|r| r.0).reduce(f64::min)?;
    let most = rows.iter().map(|r| r.0).reduce(f64::max)?;
    let reach = rows.iter().map(|r| r.1.abs()).fold(LEAST_REACH, f64::max);
    let scale = if most > LOG_FROM * least { Scale::Log } else { Scale::Linear };
    let x = Axis { scale, lo: least, hi: if most > least { most } else { 2.0 * least }, bins: HAT_BINS };
    let y = Axis { scale: Scale::Linear, lo: -reach, hi: reach, bins: RESIDUAL_BINS };
    let mut bins: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for (h, t) in rows {
        *bins.entry((bin(&x, h), bin(&y, t))).or_default() += 1;
    }
    Some(Density { x, y, count: bins.into_iter().map(|((i, j), n)| [i, j, n]).collect() })
}

/// The bin of a value; the last one holds its upper end.
fn bin(axis: &Axis, v: f64) -> u32 {
    let share = match axis.scale {
        Scale::Linear => (v - axis.lo) / (axis.hi - axis.lo),
        Scale::Log => (v / axis.lo).ln() / (axis.hi / axis.lo).ln(),
    };
    ((share * f64::from(axis.bins)) as u32).min(axis.bins - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(hat: &[f64], studentised: &[Option<f64>]) -> Diagnostics {
        let none = vec![None; hat.len()];
        Diagnostics {
            hat: hat.to_vec(),
            residual: vec![0.0; hat.len()],
            residual_error: None,
            studentised: studentised.to_vec(),
            cook: none.clone(),
            dffits: none,
        }
    }

    #[test]
    fn every_row_with_a_residual_is_in_one_bin() {
        let found = density(&rows(&[0.001, 0.1, 0.5, 1.0], &[Some(-4.0), Some(0.1), Some(4.0), None])).unwrap();
        assert_eq!((found.x.scale, found.x.lo, found.x.hi), (Scale::Log, 0.001, 0.5));
        assert_eq!((found.y.lo, found.y.hi), (-4.0, 4.0));
        assert_eq!(found.count, [[0, 0, 1], [35, 18, 1], [47, 35, 1]]);
        assert_eq!(density(&rows(&[0.1, 0.2], &[Some(0.0), Some(1.0)])).unwrap().x.scale, Scale::Linear);
        assert_eq!(density(&rows(&[0.3; 2], &[Some(0.0), Some(1.0)])).unwrap().count.len(), 2);
        assert!(density(&rows(&[1.0], &[None])).is_none());
    }
}
