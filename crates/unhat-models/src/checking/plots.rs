//! Reading a plot of residuals against fitted values: a person's column of pixels is known from the fitted value.

use super::coefficients::remedy;
use super::{Appetite, Attack, Evidence, Finding, Intruder, Item, Verdict};
use crate::figures::{self, Figure, Shown};
use std::collections::BTreeMap;

/// The pixels of a plot.
const WIDTH: usize = 800;
const HEIGHT: usize = 600;

struct Axis {
    low: f64,
    width: f64,
    cells: usize,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, cells: usize) -> Axis {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        Axis { low, width: (high - low).max(f64::MIN_POSITIVE), cells }
    }

    fn cell(&self, v: f64) -> usize {
        (((v - self.low) / self.width * self.cells as f64) as usize).min(self.cells - 1)
    }

    fn middle(&self, cell: usize) -> f64 {
        self.low + (cell as f64 + 0.5) / self.cells as f64 * self.width
    }
}

/// One point a row: alone in its column of pixels it gives its residual to whoever knows the fitted value.
pub(super) fn points(fit: &Evidence<'_>) -> Finding {
    let n = fit.rows();
    let across = Axis::of(fit.mean.iter().copied(), WIDTH);
    let up = Axis::of((0..n).map(|i| fit.residual(i)), HEIGHT);
    let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for i in 0..n {
        let points = columns.entry(across.cell(fit.mean[i])).or_default();
        let point = up.cell(fit.residual(i));
        if !points.contains(&point) {
            points.push(point);
        }
    }
    let (mut read, mut error, mut square) = (0usize, 0.0, 0.0);
    for i in 0..n {
        square += fit.residual(i).powi(2);
        if let [only] = columns[&across.cell(fit.mean[i])].as_slice() {
            read += 1;
            error += (up.middle(*only) - fit.residual(i)).abs();
        }
    }
    let deviation = (square / n as f64).sqrt().max(f64::MIN_POSITIVE);
    let verdict = Verdict::of(read > 0, false);
    Finding {
        item: Item::Plot,
        kind: Attack::Point,
        attack: Attack::Point.words().into(),
        intruder: Intruder::OnePersonsColumns,
        measure: "rows whose residual is read".into(),
        value: Some(read as f64),
        threshold: Some(0.0),
        verdict,
        summary: format!(
            "{read} of {n} residuals are read, to {:.3} of their standard deviation",
            error / read.max(1) as f64 / deviation
        ),
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: remedy(verdict, "draw hexagons of ten rows or more (binned_plot)"),
    }
}

/// Hexagons or squares of few rows left out: nobody is alone in what is drawn.
pub(super) fn binned(appetite: &Appetite) -> Finding {
    Finding {
        item: Item::BinnedPlot,
        kind: Attack::Bin,
        attack: Attack::Bin.words().into(),
        intruder: Intruder::OnePersonsColumns,
        measure: "rows in the smallest bin that is drawn".into(),
        value: Some(appetite.minimum_count as f64),
        threshold: Some(appetite.minimum_count as f64),
        verdict: Verdict::Pass,
        summary: format!(
            "bins of fewer than {0} rows are not drawn by `unhat diagnose --plots --safe={0}`",
            appetite.minimum_count
        ),
        detail: String::new(),
        rows: Vec::new(),
        columns: Vec::new(),
        remedy: String::new(),
    }
}

/// The plots of residuals against fitted values that are to be released, as they would be drawn.
pub(super) fn released(fit: &Evidence<'_>, items: &[Item], least: u64) -> Vec<Figure> {
    let residuals: Vec<f64> = (0..fit.rows()).map(|i| fit.residual(i)).collect();
    let axis = figures::Axis::linear;
    let drawn = |name: &str, shown: Shown| {
        let (x, y) = (axis("fitted", "fitted value"), axis("residual", "residual"));
        Figure::of(name, (x, fit.mean), (y, &residuals), &[], shown).titled("Residuals against fitted values")
    };
    let kinds = [(Item::Plot, Shown::Rows { points: usize::MAX }), (Item::BinnedPlot, Shown::Safe { least })];
    let wanted = kinds.into_iter().filter(|(item, _)| items.contains(item));
    wanted.map(|(item, shown)| drawn(item.name(), shown)).collect()
}
