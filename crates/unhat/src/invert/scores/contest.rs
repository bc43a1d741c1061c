//! Many starts of noisy scores: points near which rows of large scores are met exactly, and a contest of short fits.

use super::fit::{Region, ScoreFit};
use super::lift::Coordinates;
use super::polish::{FitOptions, levenberg_marquardt};
use super::release::Release;
use super::signs::{Named, SignEffort, drawn, same, weighted_on};
use super::turns::{TurnEffort, turned};
use crate::error::Result;
use crate::normal;
use crate::rows::RowSource;
use crate::run::{Event, Run};

/// What bounds the starts and the contest.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    /// Of the search by sizes and signs.
    pub signs: SignEffort,
    /// Random sets of d rows of large scores.
    pub subsets: usize,
    /// Rounds of the contest: how many points are in it, and the steps each of them takes.
    pub rounds: [(usize, u32); 2],
    /// How many are left for whole fits.
    pub finalists: usize,
    /// How many of these look for a better one across a facet, and how.
    pub turned: usize,
    pub turns: TurnEffort,
}

impl Effort {
    /// Whether noise is so small that no second place explains scores that one does: then the first one is the answer.
    pub fn is_sure(release: &Release) -> bool {
        const NO_SECOND_PLACE: f64 = 0.01;
        release.noise * (release.rows.len() as f64).sqrt() <= NO_SECOND_PLACE * release.size()
    }

    /// For one answer that is worth seconds.
    pub fn thorough(release: &Release, d: usize) -> Effort {
        const FLOPS: f64 = 2e9;
        let signs = SignEffort { reflections: 6, bases: 6, points: 16 };
        Effort::within(FLOPS, signs, release, d)
    }

    /// For one try of many.
    pub fn quick(release: &Release, d: usize) -> Effort {
        const FLOPS: f64 = 4e8;
        let signs = SignEffort { reflections: 0, bases: 2, points: 6 };
        Effort::within(FLOPS, signs, release, d)
    }

    /// As many starts and steps as so many flops allow.
    fn within(flops: f64, signs: SignEffort, release: &Release, d: usize) -> Effort {
        let n = release.target.len() as f64;
        let evaluation = 6.0 * n * (d * d) as f64;
        let step = 3.0 * evaluation + 4.0 / 3.0 * n * (d * d * d) as f64;
        let count =
            |share: f64, each: f64, least: usize, most: usize| ((share * flops / each) as usize).clamp(least, most);
        let turns = TurnEffort { facets: 3 * d, followed: count(0.1, 8.0 * step, 2, 6), steps: 8 };
        let turn = turns.facets as f64 * evaluation + (turns.followed * 8 + 10) as f64 * step;
        let finalists = count(0.2, 24.0 * step, 3, 16);
        Effort {
            signs,
            subsets: count(0.1, evaluation, 40, 400),
            rounds: [(count(0.3, 8.0 * step, 8, 100), 8), (finalists, 16)],
            finalists,
            turned: count(0.4, turn, 1, 3),
            turns,
        }
    }
}

/// Sizes of the sets of largest scores whose rows are taken to have slack 0: multiples of d, and what is added.
const SETS: [(usize, usize); 8] = [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 3), (3, 0), (5, 0)];
/// Points around the least-squares fit, in its standard errors.
const AROUND: [f64; 8] = [0.01, 0.3, 1.0, 1.0, 3.0, 3.0, 10.0, 10.0];
/// A start moves by this share of a standard error, so that no slack is 0.
const AWAY: f64 = 1e-3;
/// Two points this near are one, in standard errors of the least-squares fit.
const ONE_POINT: f64 = 1e-6;
/// The largest score that a weight σ/(1 − σ) is taken of.
const LARGEST: f64 = 0.999;
/// Streams of the draws, apart from others under one seed.
const SUBSETS: u64 = 0x5165_0000;
const AROUND_FIT: u64 = 0x5166_0000;
const OFF_FACETS: u64 = 0x5167_0000;

/// Fits of the rows of the largest scores, and points around the least-squares fit, which comes first.
///
/// A row of large score has a small slack: the x that makes d of them 0 is near, if they are the right ones.
///
/// # Randomness
/// Keyed by (seed, number of the start).
pub(super) fn starts(
    source: &dyn RowSource,
    release: &Release,
    coordinates: &Coordinates,
    subsets: usize,
    seed: u64,
    run: &Run<'_>,
) -> Result<Vec<Named>> {
    let d = coordinates.fit.len();
    let mut order = release.rows.clone();
    order.sort_by(|&a, &b| release.target[b].total_cmp(&release.target[a]).then(a.cmp(&b)));
    let mut found: Vec<Named> = vec![(coordinates.fit.clone(), "least-squares fit".into())];
    let odds = |i: &usize| {
        let s = release.target[*i].clamp(AWAY, LARGEST);
        (s / (1.0 - s)).sqrt()
    };
    for (times, more) in SETS {
        let rows = &order[..(times * d + more).min(order.len())];
        let equal = weighted_on(source, coordinates, rows, &vec![1.0; rows.len()])?;
        let weighted = weighted_on(source, coordinates, rows, &rows.iter().map(odds).collect::<Vec<_>>())?;
        let origin = format!("fit of the {} largest scores", rows.len());
        found.extend(equal.into_iter().chain(weighted).map(|x| (x, origin.clone())));
    }
    for k in 0..subsets {
        run.check()?;
        let top = &order[..(d + k % (d + 6)).min(order.len())];
        if top.len() < d {
            break;
        }
        let rows = drawn(top, d, seed, SUBSETS + k as u64);
        let point = weighted_on(source, coordinates, &rows, &vec![1.0; d])?;
        found.extend(point.map(|x| (x, format!("fit of {d} large scores"))));
    }
    // x₀ + s(AᵀA)^(−1/2)z, s the root mean square of what is left
    let root = (coordinates.rest.len() as f64).sqrt();
    for (k, times) in AROUND.iter().enumerate() {
        let mut z = vec![0.0; d];
        normal::draw_into(seed, AROUND_FIT + k as u64, &mut z);
        z.iter_mut().for_each(|z| *z *= times / root);
        found.push((coordinates.point(&z), "point around the least-squares fit".into()));
    }
    for (k, (x, _)) in found.iter_mut().enumerate() {
        let mut z = vec![0.0; d];
        normal::draw_into(seed, OFF_FACETS + k as u64, &mut z);
        z.iter_mut().for_each(|z| *z *= AWAY / root);
        x.iter_mut().zip(coordinates.direction(&z)).for_each(|(x, h)| *x += h);
    }
    Ok(found)
}

/// The finalists of a contest: the points of least misfit, after a few steps each, then after a few more, and what is better
/// than the first of them across a facet.
///
/// # Cost
/// One evaluation a start, the steps of the rounds, and those across facets.
pub(super) fn contest(
    fit: &ScoreFit<'_>,
    coordinates: &Coordinates,
    starts: Vec<Named>,
    effort: &Effort,
    run: &Run<'_>,
) -> Result<Vec<Named>> {
    run.tell(Event::Phase("comparing starts"));
    let mut field: Vec<(f64, Named)> = Vec::new();
    for (x, origin) in starts {
        if let Some(at) = fit.at(&x, &Region::Anywhere, run)? {
            field.push((at.misfit(), (x, origin)));
        }
    }
    for (most, steps) in effort.rounds {
        best_of(&mut field, most, coordinates);
        let options = FitOptions { tolerance: ONE_POINT, max_iterations: steps };
        for (misfit, (x, _)) in &mut field {
            if let Some(end) = levenberg_marquardt(fit, x, &Region::Anywhere, &options, run)? {
                run.check()?;
                (*misfit, *x) = (end.at.misfit(), end.at.point.x);
            }
        }
    }
    best_of(&mut field, effort.finalists, coordinates);
    run.tell(Event::Phase("looking across facets"));
    for (misfit, (x, origin)) in field.iter_mut().take(effort.turned) {
        if let Some((less, there)) = turned(fit, x, effort.turns, run)? {
            (*misfit, *x) = (less, there);
            origin.push_str(", across facets");
        }
    }
    best_of(&mut field, effort.finalists, coordinates);
    Ok(field.into_iter().map(|(_, named)| named).collect())
}

/// Keeps the best that differ.
fn best_of(field: &mut Vec<(f64, Named)>, most: usize, coordinates: &Coordinates) {
    field.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut kept: Vec<(f64, Named)> = Vec::new();
    for entry in field.drain(..) {
        if kept.len() == most {
            break;
        }
        if !kept.iter().any(|other| same(&other.1.0, &entry.1.0, coordinates, ONE_POINT)) {
            kept.push(entry);
        }
    }
    *field = kept;
}
