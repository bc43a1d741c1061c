//! The hexagons that may leave the house: of enough rows each, and so many hidden that nobody is alone among those either.

use super::lattice::{Counted, Lattice};

/// Hexagons across that are tried, the most first.
const TRIED: [u64; 12] = [60, 50, 40, 32, 26, 20, 16, 12, 10, 8, 6, 4];
/// So many of the rows are to be seen.
const SEEN: f64 = 0.9;

/// The smallest hexagons that still show nine tenths of the rows, else those that show most, without any of fewer than
/// `least` rows.
///
/// Where those that are left out hold fewer than `least` rows together, the smallest of the others is left out too: else the
/// number of rows less those that are seen would tell of so few.
pub(super) fn cells(places: &[(f64, f64)], least: u64) -> (Lattice, Counted) {
    let beyond = least.max(1) as usize;
    let mut best = (Lattice::across(places, beyond, TRIED[0]), Vec::new(), 0);
    for count in TRIED {
        let lattice = Lattice::across(places, beyond, count);
        let mut cells = lattice.counted(places);
        cells.retain(|(_, rows)| *rows >= least);
        let mut seen: u64 = cells.iter().map(|(_, rows)| rows).sum();
        while seen > 0 && (places.len() as u64 - seen) < least && seen < places.len() as u64 {
            let smallest = (0..cells.len()).min_by_key(|&k| cells[k].1).unwrap_or(0);
            seen -= cells.remove(smallest).1;
        }
        if seen > best.2 {
            best = (lattice, cells, seen);
        }
        if seen as f64 >= SEEN * places.len() as f64 {
            break;
        }
    }
    (best.0, best.1)
}
