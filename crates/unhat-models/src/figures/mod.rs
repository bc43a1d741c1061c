//! What a figure of rows shows: a point each, or hexagons that count them; and what of it may leave the house.
//!
//! A [`Figure`] is data: pictures, pages and packages draw it. With [`Shown::Safe`] it holds hexagons of so many rows at least
//! and nothing of a single row.
//!
//! ```
//! use unhat_models::figures::{Axis, Figure, Shown};
//!
//! let x: Vec<f64> = (0..400).map(|i| f64::from(i % 20)).collect();
//! let y: Vec<f64> = (0..400).map(|i| f64::from(i / 20)).collect();
//! let figure = Figure::of("grid", (Axis::linear("x", "x"), &x), (Axis::linear("y", "y"), &y), &[], Shown::Safe { least: 10 });
//! assert!(figure.points.is_empty() && figure.cells.iter().all(|(_, _, rows)| *rows >= 10));
//! ```

mod lattice;
mod safe;

use lattice::{Counted, Lattice, ends};
use serde::{Deserialize, Serialize};

/// Fewest rows of a hexagon that may leave: the default `safe_threshold` of ACRO.
pub const LEAST_ROWS: u64 = 10;
/// Fewer than this no figure that may leave counts: the `nfilter.tab` of DataSHIELD.
pub const FEWEST_LEAST_ROWS: u64 = 3;
/// Hexagons across a figure whose rows are not hidden: each is a finger's width of a picture, and 10⁶ rows are some hundred.
const ACROSS: u64 = 40;

/// How rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Up to `points` rows a point each, more than that in hexagons; the marked rows as points in either case.
    Rows {
        /// So many rows are still drawn one by one.
        points: usize,
    },
    /// Hexagons of `least` rows or more, the others empty; no row by itself, no end of an axis that one row decides.
    Safe {
        /// Fewest rows of a hexagon.
        least: u64,
    },
}

/// An axis of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The column of its numbers in a table.
    pub name: String,
    /// The same in words.
    pub label: String,
    /// Whether hexagons are even in the logarithm.
    pub log: bool,
}

impl Axis {
    /// An axis on which hexagons are even in the numbers.
    #[must_use]
    pub fn linear(name: &str, label: &str) -> Axis {
        Axis { name: name.into(), label: label.into(), log: false }
    }

    /// The same in the logarithm where it spans so much that all rows would lie in one corner.
    #[must_use]
    pub fn spread_out(self, values: &[f64], shown: Shown) -> Axis {
        // The ends that a few rows decide say nothing, in a figure that may leave least of all.
        let beyond = if let Shown::Safe { least } = shown { least as usize } else { 1 };
        let log =
            ends(values.iter().copied(), beyond).is_some_and(|(low, high)| low > 0.0 && high / low > RATIO_FOR_LOG);
        Axis { log, ..self }
    }

    /// Where a number lies on the axis before it is scaled.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    /// The number at a place.
    #[must_use]
    pub fn value(&self, place: f64) -> f64 {
        if self.log { 10f64.powf(place) } else { place }
    }
}

/// Numbers above 0 whose ends have this ratio are spread out by their logarithms: on a linear axis half of them would lie
/// within a thirtieth of it.
const RATIO_FOR_LOG: f64 = 30.0;

/// A row that stands out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Its label.
    pub row: String,
    /// Where it is.
    pub x: f64,
    /// Where it is.
    pub y: f64,
}

/// A curve to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What it stands for.
    pub name: String,
    /// Whether the name stands beside it: there are several of its kind.
    pub is_labelled: bool,
    /// Its points in order.
    pub points: Vec<(f64, f64)>,
}

/// What a figure shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What its files are called.
    pub name: String,
    /// What it shows, in words.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From below to above.
    pub y: Axis,
    /// Rows that have both numbers.
    pub rows: u64,
    /// Fewest rows of a hexagon; None where rows are not hidden.
    pub least: Option<u64>,
    /// Width of a hexagon, and from one line of hexagons to the next, in places of the axes; None where rows are points.
    pub hexagon: Option<(f64, f64)>,
    /// Middle of each hexagon that is drawn, and its rows.
    pub cells: Vec<(f64, f64, u64)>,
    /// Rows that are points of no name.
    pub points: Vec<(f64, f64)>,
    /// Rows that are marked, with the gravest first.
    pub named: Vec<Named>,
    /// Curves to compare with.
    pub curves: Vec<Curve>,
}

impl Figure {
    /// A figure of rows at (x, y), NaN where a row has no number. `marked` are positions and labels of rows that stand out.
    ///
    /// # Cost
    /// A pass; of a figure that may leave a pass for each size of hexagons that is tried, at most twelve.
    #[must_use]
    pub fn of(
        name: &str,
        (x_axis, x): (Axis, &[f64]),
        (y_axis, y): (Axis, &[f64]),
        marked: &[(usize, String)],
        shown: Shown,
    ) -> Figure {
        let placed: Vec<(f64, f64)> = x.iter().zip(y).map(|(x, y)| (x_axis.place(*x), y_axis.place(*y))).collect();
        let is_whole = |(x, y): (f64, f64)| x.is_finite() && y.is_finite();
        let places: Vec<(f64, f64)> = placed.iter().copied().filter(|place| is_whole(*place)).collect();
        let named: Vec<Named> = marked
            .iter()
            .filter(|(row, _)| is_whole(placed[*row]))
            .map(|(row, label)| Named { row: label.clone(), x: x[*row], y: y[*row] })
            .collect();
        let mut figure = Figure {
            name: name.into(),
            title: String::new(),
            x: x_axis,
            y: y_axis,
            rows: places.len() as u64,
            least: None,
            hexagon: None,
            cells: Vec::new(),
            points: Vec::new(),
            named,
            curves: Vec::new(),
        };
        match shown {
            Shown::Rows { points } if places.len() <= points => {
                let mut is_named = vec![false; placed.len()];
                marked.iter().for_each(|(row, _)| is_named[*row] = true);
                let rest = (0..placed.len()).filter(|&i| !is_named[i] && is_whole(placed[i]));
                figure.points = rest.map(|i| (x[i], y[i])).collect();
            }
            Shown::Rows { .. } => {
                let lattice = Lattice::across(&places, 1, ACROSS);
                figure.count(lattice, lattice.counted(&places));
            }
            Shown::Safe { least } => {
                figure.named.clear();
                figure.least = Some(least);
                let (lattice, cells) = safe::cells(&places, least);
                figure.count(lattice, cells);
            }
        }
        figure
    }

    fn count(&mut self, lattice: Lattice, cells: Counted) {
        self.hexagon = Some((lattice.width, lattice.height));
        let middle = |at: (i64, i64)| lattice.middle(at);
        let cell = |(at, rows)| (self.x.value(middle(at).0), self.y.value(middle(at).1), rows);
        self.cells = cells.into_iter().map(cell).collect();
    }

    /// The same with words above it.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Figure {
        Figure { title: title.into(), ..self }
    }

    /// The same with curves.
    #[must_use]
    pub fn with(self, curves: Vec<Curve>) -> Figure {
        Figure { curves, ..self }
    }

    /// The corners of a hexagon around its middle, as numbers of the axes; nothing where rows are points.
    #[must_use]
    pub fn corners(&self, (x, y): (f64, f64)) -> Vec<(f64, f64)> {
        let Some((width, height)) = self.hexagon else { return Vec::new() };
        let (x, y) = (self.x.place(x), self.y.place(y));
        let (side, top, shoulder) = (width / 2.0, height * 2.0 / 3.0, height / 3.0);
        [(0.0, top), (side, shoulder), (side, -shoulder), (0.0, -top), (-side, -shoulder), (-side, shoulder)]
            .map(|(dx, dy)| (self.x.value(x + dx), self.y.value(y + dy)))
            .to_vec()
    }

    /// Lowest and highest number on either axis of all that stands for rows; None where nothing does.
    #[must_use]
    pub fn ends(&self) -> Option<[(f64, f64); 2]> {
        let corners = self.cells.iter().flat_map(|(x, y, _)| self.corners((*x, *y)));
        let named = self.named.iter().map(|named| (named.x, named.y));
        let all: Vec<(f64, f64)> = corners.chain(self.points.iter().copied()).chain(named).collect();
        let range = |values: &mut dyn Iterator<Item = f64>| ends(values, 1);
        Some([range(&mut all.iter().map(|p| p.0))?, range(&mut all.iter().map(|p| p.1))?])
    }

    /// Fewest and most rows of a hexagon that is drawn.
    #[must_use]
    pub fn counts(&self) -> Option<(u64, u64)> {
        let counts = || self.cells.iter().map(|(_, _, rows)| *rows);
        Some((counts().min()?, counts().max()?))
    }

    /// The step of `shades` that a count is drawn in: even in the logarithm, the darkest for the most.
    #[must_use]
    pub fn shade(&self, rows: u64, shades: usize) -> usize {
        let Some((fewest, most)) = self.counts() else { return 0 };
        let log = |rows: u64| (rows.max(1) as f64).ln();
        let share = (log(rows) - log(fewest)) / (log(most) - log(fewest)).max(f64::MIN_POSITIVE);
        ((share * shades as f64) as usize).min(shades - 1)
    }
}
