//! Which cell is searched, and a first point inside it.

use crate::barrier::{Side, slack_at};
use crate::error::{ErrorKind, Result};
use crate::feasible::interior_point;
use crate::rows::{RowSource, require_vector};
use crate::run::{Event, Run};
use std::time::Instant;

/// What is known about the cell: a point in it, its signs, or a side of all rows. The default is {Ax > b}.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start<'a> {
    /// A point strictly inside the cell.
    pub point: Option<&'a [f64]>,
    /// n signs ±1 of Ax − b.
    pub signs: Option<&'a [f64]>,
    /// {Ax > b} or {Ax < b}; beside a point or signs it must agree with them.
    pub side: Option<Side>,
}

/// Where the first point came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "report", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StartKind {
    /// It was given.
    Point,
    /// x = 0 lies inside.
    Origin,
    /// It was looked for.
    PhaseOne,
}

impl StartKind {
    /// The word used in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StartKind::Point => "point",
            StartKind::Origin => "origin",
            StartKind::PhaseOne => "phase_one",
        }
    }
}

/// How the first point was found.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "report", derive(serde::Serialize))]
pub struct StartReport {
    /// Where it came from.
    pub kind: StartKind,
    /// Sweeps in units of one evaluation.
    pub passes: f64,
    /// Wall time.
    pub seconds: f64,
}

/// A cell and a point in it.
pub(super) struct Located {
    pub positive: Vec<bool>,
    pub x: Vec<f64>,
    pub report: StartReport,
}

/// Finds the cell and a point in it.
pub(super) fn locate(source: &dyn RowSource, offset: &[f64], start: &Start<'_>, run: &Run<'_>) -> Result<Located> {
    let clock = Instant::now();
    let shape = source.shape();
    require_vector("offset", offset, shape.rows)?;
    let report = |kind, passes| StartReport { kind, passes, seconds: clock.elapsed().as_secs_f64() };
    if let Some(x) = start.point {
        if start.signs.is_some() {
            return Err(ErrorKind::Option {
                name: "signs".into(),
                reason: "a start point already has signs; give one of the two".into(),
            }
            .into());
        }
        let slack = slack_at(source, offset, x, run)?;
        if let Some(row) = slack.iter().position(|&s| s == 0.0) {
            return Err(ErrorKind::ZeroSlack { row }.into());
        }
        if let Some(side) = start.side
            && let Some(row) = slack.iter().position(|&s| (s > 0.0) != (side == Side::Above))
        {
            return Err(ErrorKind::OutsideCell { row, slack: slack[row], expected: sign_word(side) }.into());
        }
        let positive = slack.iter().map(|&s| s > 0.0).collect();
        return Ok(Located { positive, x: x.to_vec(), report: report(StartKind::Point, 1.0 / shape.columns as f64) });
    }
    let positive = match start.signs {
        Some(signs) => read_signs(signs, shape.rows, start.side)?,
        None => vec![start.side != Some(Side::Below); shape.rows],
    };
    let inside = offset.iter().zip(&positive).all(|(&b, &p)| b != 0.0 && (b < 0.0) == p);
    if inside {
        return Ok(Located { positive, x: vec![0.0; shape.columns], report: report(StartKind::Origin, 0.0) });
    }
    run.tell(Event::Phase("looking for an interior point"));
    let (x, passes) = interior_point(source, offset, &positive, run)?;
    Ok(Located { positive, x, report: report(StartKind::PhaseOne, passes) })
}

fn sign_word(side: Side) -> &'static str {
    match side {
        Side::Above => "positive",
        Side::Below => "negative",
    }
}

fn read_signs(signs: &[f64], n: usize, side: Option<Side>) -> Result<Vec<bool>> {
    require_vector("signs", signs, n)?;
    if let Some(row) = signs.iter().position(|s| s.abs() != 1.0) {
        return Err(ErrorKind::Option {
            name: "signs".into(),
            reason: format!("row {}: found {}, expected 1 or -1", row + 1, signs[row]),
        }
        .into());
    }
    if let Some(side) = side
        && let Some(row) = signs.iter().position(|&s| (s > 0.0) != (side == Side::Above))
    {
        return Err(ErrorKind::OutsideCell { row, slack: signs[row], expected: sign_word(side) }.into());
    }
    Ok(signs.iter().map(|&s| s > 0.0).collect())
}
