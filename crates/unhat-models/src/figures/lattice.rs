//! A lattice of hexagons that lies fast at 0, so that its places say nothing of the rows that it counts.

use std::collections::HashMap;

/// Hexagons, by their place across and their line, each with how many rows it holds.
pub(super) type Counted = Vec<((i64, i64), u64)>;

/// Hexagons with a corner above and one below; every other line of them is half a width to the right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lattice {
    /// Of a hexagon.
    pub width: f64,
    /// From one line of hexagons to the next.
    pub height: f64,
}

/// Lines of hexagons for each hexagon across: those of a picture of 7 to 5 are then about regular.
const LINES: f64 = 0.8;

impl Lattice {
    /// About so many hexagons across places without the `beyond − 1` outermost at each end.
    pub fn across(places: &[(f64, f64)], beyond: usize, count: u64) -> Lattice {
        let of = |values: &mut dyn Iterator<Item = f64>, count: f64| {
            let (low, high) = ends(values, beyond).unwrap_or((0.0, 1.0));
            cell_size((high - low) / count, low)
        };
        Lattice {
            width: of(&mut places.iter().map(|p| p.0), count as f64),
            height: of(&mut places.iter().map(|p| p.1), LINES * count as f64),
        }
    }

    /// The hexagon whose middle is nearest: of the two nearest middles on even and on odd lines, the nearer.
    fn at(&self, (x, y): (f64, f64)) -> (i64, i64) {
        let (x, y) = (x / self.width, y / self.height);
        let even = ((x).round(), 2.0 * (y / 2.0).round());
        let odd = ((x - 0.5).round(), 2.0 * ((y - 1.0) / 2.0).round() + 1.0);
        // Lines are √3/2 of a width apart where hexagons are regular.
        let distance = |across: f64, line: f64| (x - across).powi(2) + 0.75 * (y - line).powi(2);
        let nearest = if distance(even.0, even.1) <= distance(odd.0 + 0.5, odd.1) { even } else { odd };
        (nearest.0 as i64, nearest.1 as i64)
    }

    /// The middle of a hexagon.
    pub fn middle(&self, (across, line): (i64, i64)) -> (f64, f64) {
        let shift = if line.rem_euclid(2) == 1 { 0.5 } else { 0.0 };
        ((across as f64 + shift) * self.width, line as f64 * self.height)
    }

    /// The hexagons that hold places, line by line, each with how many.
    pub fn counted(&self, places: &[(f64, f64)]) -> Counted {
        let mut counts: HashMap<(i64, i64), u64> = HashMap::new();
        for place in places {
            *counts.entry(self.at(*place)).or_default() += 1;
        }
        let mut cells: Counted = counts.into_iter().collect();
        cells.sort_unstable_by_key(|((across, line), _)| (*line, *across));
        cells
    }
}

/// The lowest and the highest of numbers without the `beyond − 1` outermost at each end; None where there are not that many.
pub(super) fn ends(values: impl Iterator<Item = f64>, beyond: usize) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    if beyond == 0 || values.len() < beyond {
        return None;
    }
    let last = values.len() - beyond;
    let (_, low, _) = values.select_nth_unstable_by(beyond - 1, f64::total_cmp);
    let low = *low;
    let (_, high, _) = values.select_nth_unstable_by(last, f64::total_cmp);
    Some((low.min(*high), low.max(*high)))
}

/// The sizes that a hexagon may have, times a power of ten.
const SIZES: [f64; 12] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0];

/// The next of few sizes; where all places are one, a tenth of it.
fn cell_size(wanted: f64, at: f64) -> f64 {
    let wanted = if wanted > 0.0 { wanted } else { 0.1 * at.abs() };
    // Far from 0 a hexagon is at least so wide that its number is a whole one of 53 bits.
    let wanted = wanted.max(1e-12 * at.abs());
    if !(wanted > 0.0 && wanted.is_finite()) {
        return 1.0;
    }
    let power = 10f64.powi(wanted.log10().floor() as i32);
    let size = SIZES.into_iter().map(|size| size * power).find(|size| *size >= wanted * (1.0 - 1e-9));
    size.filter(|size| *size > 0.0 && size.is_finite()).unwrap_or(wanted)
}
