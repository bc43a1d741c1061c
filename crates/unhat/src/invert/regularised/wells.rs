//! The search for other wells where rows are many: on a coreset's problem, whose minima lie near those of all rows.

use super::continuation::{End, Fold, follow};
use super::flips::flip;
use super::method::{self, coreset_rows};
use super::objective::{Objective, Place};
use super::search::{Origin, Search};
use super::starts::RandomStarts;
use super::trust_region::DescentOptions;
use super::weighted_rows::{Correction, WeightedRows};
use crate::error::Result;
use crate::invert::sample::Draw;
use crate::run::Run;

/// What was found.
#[derive(Default)]
pub(super) struct Wells {
    pub folds: Vec<Fold>,
    /// The curve was followed from end to end.
    pub complete: bool,
    /// Why a part was left out.
    pub left_out: Vec<&'static str>,
}

/// What a search may cost and begins with.
pub(super) struct Quest {
    pub seed: u64,
    /// Flops that each part may be predicted to take.
    pub limit: f64,
    /// Evaluations' worth of work that the curve may take.
    pub most_work: f64,
    /// Points between which eigen-flips mirror; the first is the solution without regulariser, if there is one.
    pub anchors: Vec<Vec<f64>>,
    /// Where the curve begins, and at which of its ends.
    pub curve: (Vec<f64>, End),
    /// A point inside, for random restarts.
    pub centre: Option<Vec<f64>>,
}

/// Random starts where the curve could not be followed.
const RESTARTS: u64 = 12;

/// Flips, the curve in the scale of w with its retries, and random restarts where its self-check failed, over the rows of
/// `search`; what is found joins its list. On a coreset flips are left for that case too unless they are next to nothing:
/// they hardly ever find what the curve does not.
pub(super) fn look_for_wells(search: &mut Search<'_, '_>, rows: f64, quest: &Quest) -> Result<Wells> {
    let (objective, run) = (search.objective, search.run);
    let d = objective.dim();
    let mut wells = Wells::default();
    let flips = method::flips_flops(rows, d);
    let mut flipped = false;
    if method::is_small(flips) && (objective.drawn.is_none() || method::is_tiny(flips)) {
        flip(search, &quest.anchors)?;
        flipped = true;
    }
    if method::curve_flops(rows, d) <= quest.limit {
        let (from, end) = &quest.curve;
        let trace = follow(objective, from, *end, search.options(), quest.most_work, run)?;
        wells.complete = trace.complete;
        wells.folds = trace.folds;
        for crossing in trace.crossings {
            match crossing.downhill {
                None => {
                    search.descend_from(&crossing.x, Origin::Arc)?;
                }
                Some(step) => {
                    for side in [1.0, -1.0] {
                        let x: Vec<f64> = crossing.x.iter().zip(&step).map(|(x, h)| x + side * h).collect();
                        search.descend_from(&x, Origin::Arc)?;
                    }
                }
            }
        }
        if trace.cut {
            wells.left_out.push(
                "the curve of stationary points was left half-way: it took more work than the best minimum is worth \
                 unasked; all minima follow it to its end",
            );
            return Ok(wells);
        }
        if !wells.complete {
            wells.left_out.push("the curve of stationary points could not be followed from end to end");
        }
    } else {
        wells.left_out.push("the minima were not followed over the scale of the weights: too much work");
    }
    if wells.complete {
        return Ok(wells);
    }
    if !flipped && flips <= quest.limit {
        flip(search, &quest.anchors)?;
    } else if !flipped {
        wells.left_out.push("flips along eigenvectors were left out: too much work");
    }
    if method::is_small(flips)
        && let Some(centre) = &quest.centre
    {
        for k in 0..RESTARTS {
            run.check()?;
            let starts = RandomStarts { seed: quest.seed, centre, radius: 0.0 };
            if let Some(x) = starts.on_a_chord(objective, 2 * k, run)? {
                search.descend_from(&x, Origin::Random)?;
            }
        }
    }
    Ok(wells)
}

/// A minimum of the coreset's problem that is not one of the anchors'.
pub(super) struct Candidate {
    pub place: Place,
    pub origin: Origin,
}

/// A candidate is not worth a descent on all rows if its value on the coreset is this many times the best one's.
const HOPELESS: f64 = 1.5;

/// The search on a coreset drawn by the largest scores at `places`, its target moved so that the gradient is exact at the
/// first of them: its other minima than those near `places[known_from..]`, best first, and how far it went.
pub(super) fn wells_of_a_coreset<'a>(
    objective: &Objective<'a>,
    (places, known_from): (&[(Place, Origin)], usize),
    factor: f64,
    all: bool,
    quest: &Quest,
    descent: DescentOptions,
    run: &Run<'_>,
) -> Result<Option<(Objective<'a>, Vec<Candidate>, Wells)>> {
    let Some((first, _)) = places.first() else { return Ok(None) };
    let d = objective.dim();
    let mut scores = first.base.scores.clone();
    for (place, _) in &places[1..] {
        scores.iter_mut().zip(&place.base.scores).for_each(|(s, t)| *s = s.max(*t));
    }
    let spread = scores.iter().sum::<f64>() / d as f64;
    let size = factor * coreset_rows(d) * spread.max(1.0);
    if size > 0.7 * scores.len() as f64 {
        return Ok(None);
    }
    let draw = Draw::new(&scores, size as usize, quest.seed, STREAM);
    let rows = WeightedRows::gather(objective.barrier, draw.sample())?;
    let Some(base) = rows.at(&first.base.x, run)? else { return Ok(None) };
    let constant = first.base.gradient.iter().zip(&base.gradient).map(|(g, c)| g - c).collect();
    let rows = rows.corrected(Correction { centre: first.base.x.clone(), constant, matrix: Vec::new() });
    let m = rows.len() as f64;
    let drawn = objective.drawn(rows);
    let quiet = Run { observe: None, ..*run };
    let mut search = Search::new(&drawn, descent, quest.seed, &quiet);
    for (place, origin) in &places[known_from..] {
        search.descend_from(&place.base.x, *origin)?;
    }
    let known = search.found.len();
    let wells = look_for_wells(&mut search, m, quest)?;
    let least = search.best().map_or(0.0, |i| search.value(i));
    let found = std::mem::take(&mut search.found);
    drop(search);
    let mut candidates: Vec<Candidate> = found
        .into_iter()
        .skip(known)
        .filter(|found| all || found.place.value <= HOPELESS * least)
        .map(|found| Candidate { origin: found.origins[0], place: found.place })
        .collect();
    candidates.sort_by(|a, b| a.place.value.total_cmp(&b.place.value));
    Ok(Some((drawn, candidates, wells)))
}

/// Separates this draw from those of the solvers.
const STREAM: u64 = 1 << 43;
