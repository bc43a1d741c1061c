//! Where fits begin: the centre of a known cell, points around it, or the least-squares fit of the offset.

use super::lift::Coordinates;
use crate::barrier::{Barrier, Side};
use crate::error::{ErrorKind, Result};
use crate::invert::start::{Start, locate};
use crate::invert::{InvertOptions, invert_gradient};
use crate::random::uniform_rows_into;
use crate::rows::RowSource;
use crate::run::Run;

/// A known cell: its signs and its centre.
pub(super) struct KnownCell {
    pub positive: Vec<bool>,
    pub centre: Vec<f64>,
    /// "volumetric centre", or "interior point" where the cell is unbounded.
    pub kind: &'static str,
}

/// Further fits after the first one failed.
pub(super) const MORE_STARTS: u64 = 6;
/// The centre needs no more digits than this to be a start.
const CENTRE_TOLERANCE: f64 = 1e-2;
/// Random starts lie this share of the way from the centre to the boundary.
const DEPTH: f64 = 0.5;

/// The cell with the given signs or side.
///
/// # Errors
/// Those of the search for an interior point.
pub(super) fn known_cell(
    source: &dyn RowSource,
    offset: &[f64],
    signs: Option<&[f64]>,
    side: Option<Side>,
    run: &Run<'_>,
) -> Result<KnownCell> {
    let located = locate(source, offset, &Start { point: None, signs, side }, run)?;
    let start = Start { point: Some(&located.x), ..Start::default() };
    let options = InvertOptions { tolerance: CENTRE_TOLERANCE, ..InvertOptions::default() };
    let zero = vec![0.0; located.x.len()];
    match invert_gradient(source, offset, &zero, &start, &options, None, run) {
        Ok(found) => Ok(KnownCell { positive: located.positive, centre: found.x, kind: "volumetric centre" }),
        Err(e) if matches!(e.kind(), ErrorKind::Unattainable { .. } | ErrorKind::Numerical { .. }) => {
            Ok(KnownCell { positive: located.positive, centre: located.x, kind: "interior point" })
        }
        Err(e) => Err(e),
    }
}

/// The k-th random point half-way from the centre to the boundary, drawn in the metric of the slacks.
pub(super) fn around_centre(
    source: &dyn RowSource,
    offset: &[f64],
    cell: &KnownCell,
    seed: u64,
    k: u64,
    run: &Run<'_>,
) -> Result<Option<Vec<f64>>> {
    let barrier = Barrier::new(source, offset, cell.positive.clone())?;
    let Some(point) = barrier.at(&cell.centre, false, run)? else { return Ok(None) };
    let h = point.factor.half_solve_transposed(&drawn_direction(seed, k, cell.centre.len()));
    let reach = barrier.step_to_boundary(&point, &h, run)?;
    let length = if reach.is_finite() { DEPTH * reach } else { 1.0 };
    Ok(Some(cell.centre.iter().zip(&h).map(|(x, h)| x + length * h).collect()))
}

/// The least-squares fit of b (k = 0), and points around it at the distance at which slacks change by their own size.
pub(super) fn around_fit(coordinates: &Coordinates, seed: u64, k: u64) -> Vec<f64> {
    if k == 0 {
        return coordinates.fit.clone();
    }
    coordinates.point(&drawn_direction(seed, k, coordinates.fit.len()))
}

/// d numbers, uniform in [−1, 1).
fn drawn_direction(seed: u64, k: u64, d: usize) -> Vec<f64> {
    const FIRST_STREAM: u64 = 0x57A7_0000; // apart from the streams of other draws under one seed
    let mut u = vec![0.0; d];
    uniform_rows_into(seed, FIRST_STREAM + k, 0, &mut u);
    u.iter_mut().for_each(|u| *u = 2.0 * *u - 1.0);
    u
}
