//! The figures of a diagnosis: those of R's `plot.lm`, and the partial regressions.

use super::partial::{PartialRegression, partial_regressions};
use super::request::Diagnosed;
use crate::figures::{Axis, Curve, Figure, Shown};
use crate::regression::Model;
use std::str::FromStr;
use unhat::normal::quantile;
use unhat::{ErrorKind, Result, Run};

/// Up to so many rows a picture shows one by one; beyond, points cover each other.
pub const PICTURE_POINTS: usize = 2000;
/// So many flagged rows are marked, those with the largest Cook's distances: more cannot be told apart.
pub const MARKED_MOST: usize = 50;
/// So many partial regressions are drawn, of the first columns.
pub const PARTIAL_MOST: usize = 12;

/// Cook's distances of the contours that are usual, and their names.
const CONTOURS: [(f64, &str); 2] = [(0.5, "D = 0.5"), (1.0, "D = 1")];
/// Points of a contour.
const CONTOUR_POINTS: usize = 120;

/// A figure by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureName {
    /// Residuals against fitted values, of `glm` deviance residuals against linear predictors.
    ResidualsFitted,
    /// √|standardised residual| against the same.
    ScaleLocation,
    /// Studentised residuals against the quantiles of the normal distribution that their ranks stand for.
    NormalQuantiles,
    /// Standardised residuals (Pearson's) against hat values, with contours of Cook's distance.
    ResidualsLeverage,
    /// Cook's distances in the order of the table.
    Cooks,
}

impl FigureName {
    /// All of them, in their order.
    pub const ALL: [FigureName; 5] = [
        FigureName::ResidualsFitted,
        FigureName::ScaleLocation,
        FigureName::NormalQuantiles,
        FigureName::ResidualsLeverage,
        FigureName::Cooks,
    ];

    /// The word, which is the name of the files too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FigureName::ResidualsFitted => "residuals_fitted",
            FigureName::ScaleLocation => "scale_location",
            FigureName::NormalQuantiles => "normal_quantiles",
            FigureName::ResidualsLeverage => "residuals_leverage",
            FigureName::Cooks => "cooks",
        }
    }
}

impl FromStr for FigureName {
    type Err = unhat::Error;
    fn from_str(word: &str) -> Result<FigureName> {
        FigureName::ALL.into_iter().find(|figure| figure.name() == word).ok_or_else(|| {
            let words: Vec<&str> = FigureName::ALL.iter().map(|figure| figure.name()).collect();
            let reason = format!("found {word:?}, expected one of {}, partial", words.join(", "));
            ErrorKind::Option { name: "figure".into(), reason }.into()
        })
    }
}

/// What figures are made of: columns of n rows, NaN where a row has no number.
#[derive(Clone, Debug)]
pub struct FigureRows<'a> {
    /// Whether the model is `lm`.
    pub is_linear: bool,
    /// Whether its rows have weights.
    pub is_weighted: bool,
    /// Rank.
    pub rank: usize,
    /// Fitted values; of `glm` linear predictors.
    pub across: &'a [f64],
    /// √w(y − ŷ); of `glm` deviance residuals.
    pub residual: &'a [f64],
    /// From deviance residuals.
    pub rstandard: &'a [f64],
    /// From Pearson's residuals; of `lm` the same.
    pub rstandard_pearson: &'a [f64],
    /// Studentised residuals.
    pub rstudent: &'a [f64],
    /// Hat values.
    pub hat: &'a [f64],
    /// Cook's distances.
    pub cooks: &'a [f64],
    /// Where the rows stand in the table, from 0.
    pub positions: Vec<usize>,
    /// Positions and labels of rows to mark, the gravest first.
    pub marked: Vec<(usize, String)>,
}

/// The rows that are flagged, the largest Cook's distance first, at most [`MARKED_MOST`].
#[must_use]
pub fn marked_rows(
    flagged: impl Iterator<Item = bool>,
    cooks: &[f64],
    label: impl Fn(usize) -> String,
) -> Vec<(usize, String)> {
    let mut rows: Vec<usize> = flagged.enumerate().filter(|(_, flagged)| *flagged).map(|(i, _)| i).collect();
    let size = |i: usize| if cooks[i].is_nan() { f64::NEG_INFINITY } else { cooks[i] };
    rows.sort_by(|&i, &k| size(k).total_cmp(&size(i)).then(i.cmp(&k)));
    rows.into_iter().take(MARKED_MOST).map(|i| (i, label(i))).collect()
}

impl FigureRows<'_> {
    /// A figure; None where it cannot be shown so: Cook's distances in the order of the table name their rows.
    #[must_use]
    pub fn figure(&self, which: FigureName, shown: Shown) -> Option<Figure> {
        let of = |x: (Axis, &[f64]), y: (Axis, &[f64])| Figure::of(which.name(), x, y, &self.marked, shown);
        let (across, residual) = (self.across_axis(), self.residual_axis());
        Some(match which {
            FigureName::ResidualsFitted => {
                let title = format!("{}s against {}s", capital(&residual.label), across.label);
                of((across, self.across), (residual, self.residual)).titled(title)
            }
            FigureName::ScaleLocation => {
                let root: Vec<f64> = self.rstandard.iter().map(|r| r.abs().sqrt()).collect();
                let title = format!("Size of standardised residuals against {}s", across.label);
                let up = Axis::linear("sqrt_abs_rstandard", "root of |standardised residual|");
                of((across, self.across), (up, &root)).titled(title)
            }
            FigureName::NormalQuantiles => {
                let expected = normal_quantiles(self.rstudent);
                let x = Axis::linear("normal_quantile", "quantile of the normal distribution");
                let y = Axis::linear("rstudent", "studentised residual");
                let figure = of((x, &expected), (y, self.rstudent)).titled("Normal quantiles of studentised residuals");
                let line = diagonal(&figure);
                figure.with(line)
            }
            FigureName::ResidualsLeverage => {
                let words = if self.is_linear { "standardised residual" } else { "standardised Pearson residual" };
                let x = Axis::linear("hat", "hat value").spread_out(self.hat, shown);
                let y = Axis::linear(if self.is_linear { "rstandard" } else { "rstandard_pearson" }, words);
                let figure = of((x, self.hat), (y, self.rstandard_pearson))
                    .titled(format!("{}s against hat values", capital(words)));
                let contours = contours(&figure, self.rank);
                figure.with(contours)
            }
            FigureName::Cooks => {
                if matches!(shown, Shown::Safe { .. }) {
                    return None;
                }
                let places: Vec<f64> = self.positions.iter().map(|&row| row as f64 + 1.0).collect();
                let x = Axis::linear("place", "row of the table, counted from 1");
                let y = Axis::linear("cooks", "Cook's distance");
                of((x, &places), (y, self.cooks)).titled("Cook's distances in the order of the table")
            }
        })
    }

    fn across_axis(&self) -> Axis {
        match self.is_linear {
            true => Axis::linear("fitted", "fitted value"),
            false => Axis::linear("linear_predictor", "linear predictor"),
        }
    }

    fn residual_axis(&self) -> Axis {
        match (self.is_linear, self.is_weighted) {
            (true, false) => Axis::linear("residual", "residual"),
            (true, true) => Axis::linear("weighted_residual", "weighted residual"),
            (false, _) => Axis::linear("residual_deviance", "deviance residual"),
        }
    }
}

impl PartialRegression {
    /// The figure of the column, as number `place` of its kind; its slope is drawn where rows are not hidden.
    #[must_use]
    pub fn figure(&self, place: usize, marked: &[(usize, String)], shown: Shown) -> Figure {
        let axis = |name: &str, label: String| Axis { name: name.into(), label, log: false };
        let x = axis("column_given_others", format!("{}, given the other columns", self.column));
        let y = axis("response_given_others", "response, given the other columns".into());
        let figure = Figure::of(&format!("partial_{place}"), (x, &self.x), (y, &self.y), marked, shown)
            .titled(format!("Partial regression on {}", self.column));
        match (figure.ends(), shown) {
            (Some([(from, to), _]), Shown::Rows { .. }) => {
                let points = vec![(from, self.slope * from), (to, self.slope * to)];
                figure.with(vec![Curve { name: "the coefficient".into(), is_labelled: false, points }])
            }
            _ => figure,
        }
    }
}

/// All figures of a diagnosis.
///
/// # Cost
/// One sweep of 2nd² flops for the partial regressions, and for each figure what [`Figure::of`] says.
/// # Errors
/// Those of [`partial_regressions`].
pub fn figures(answer: &Diagnosed<'_>, partial_most: usize, shown: Shown, run: &Run<'_>) -> Result<Vec<Figure>> {
    let of = answer.figure_rows();
    let mut all: Vec<Figure> = FigureName::ALL.into_iter().filter_map(|which| of.figure(which, shown)).collect();
    let partial = partial_regressions(answer, partial_most, run)?;
    all.extend(partial.iter().enumerate().map(|(k, regression)| regression.figure(k + 1, &of.marked, shown)));
    Ok(all)
}

impl Diagnosed<'_> {
    /// What its figures are made of.
    #[must_use]
    pub fn figure_rows(&self) -> FigureRows<'_> {
        let found = &self.found;
        let is_linear = self.model == Model::Linear;
        let flagged = found.flags.iter().map(|flags| flags.any());
        FigureRows {
            is_linear,
            is_weighted: self.frame.weights.is_some(),
            rank: self.fit.rank(),
            across: if is_linear { &found.fitted } else { &self.fit.predictor },
            residual: &found.residual_deviance,
            rstandard: &found.rstandard,
            rstandard_pearson: &found.rstandard_pearson,
            rstudent: &found.rstudent,
            hat: &found.hat,
            cooks: &found.cooks,
            positions: (0..self.frame.count()).map(|i| self.frame.rows.as_ref().map_or(i, |rows| rows[i])).collect(),
            marked: marked_rows(flagged, &found.cooks, |i| self.frame.label(i)),
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Φ⁻¹((rank − a)/(m + 1 − 2a)) of m numbers, a = 3/8 up to ten of them, else 1/2: R's `ppoints`. NaN stays NaN.
fn normal_quantiles(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    order.sort_by(|&i, &k| values[i].total_cmp(&values[k]));
    let count = order.len();
    let a = if count <= 10 { 0.375 } else { 0.5 };
    let mut expected = vec![f64::NAN; values.len()];
    for (rank, &row) in order.iter().enumerate().take(count.div_ceil(2)) {
        let lower = quantile((rank as f64 + 1.0 - a) / (count as f64 + 1.0 - 2.0 * a));
        // The other half is the same with the other sign; the middle of an odd number is 0.
        expected[order[count - 1 - rank]] = -lower;
        expected[row] = if 2 * rank + 1 == count { 0.0 } else { lower };
    }
    expected
}

/// The line of equal values, where both axes have it.
fn diagonal(figure: &Figure) -> Vec<Curve> {
    let Some([x, y]) = figure.ends() else { return Vec::new() };
    let (from, to) = (x.0.max(y.0), x.1.min(y.1));
    match from < to {
        true => vec![Curve { name: "normal".into(), is_labelled: false, points: vec![(from, from), (to, to)] }],
        false => Vec::new(),
    }
}

/// Where D = r²h/(p(1 − h)) is constant: r = ±√(Dp(1 − h)/h), within the ends of the figure.
fn contours(figure: &Figure, rank: usize) -> Vec<Curve> {
    let Some([(low, high), (bottom, top)]) = figure.ends() else { return Vec::new() };
    let (from, to) = (figure.x.place(low.max(f64::MIN_POSITIVE)), figure.x.place(high));
    let step = |k: usize| figure.x.value(from + (to - from) * k as f64 / CONTOUR_POINTS as f64);
    let side = |(distance, name): (f64, &str), sign: f64| -> Curve {
        let at = |hat: f64| (hat, sign * (distance * rank as f64 * (1.0 - hat) / hat).max(0.0).sqrt());
        let points = (0..=CONTOUR_POINTS).map(|k| at(step(k))).filter(|(_, r)| (bottom..=top).contains(r)).collect();
        Curve { name: name.into(), is_labelled: true, points }
    };
    let all = CONTOURS.into_iter().flat_map(|contour| [side(contour, 1.0), side(contour, -1.0)]);
    all.filter(|curve| curve.points.len() > 1).collect()
}
