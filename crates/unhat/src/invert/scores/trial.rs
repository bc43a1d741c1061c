//! One attack of many on the scores of the same rows: the lift and the fits of an inversion, without what is said about x.

use super::fit::{Region, ScoreFit};
use super::identify::{is_null, weakest_direction};
use super::lift::{Coordinates, lift};
use super::polish::{FitOptions, levenberg_marquardt};
use super::release::Release;
use super::starts::{KnownCell, around_centre, around_fit, known_cell};
use crate::barrier::Barrier;
use crate::error::{ErrorKind, Result};
use crate::rows::RowSource;
use crate::run::Run;

/// Rows prepared for many attacks.
pub(crate) struct ScoreAttacks<'a> {
    source: &'a dyn RowSource,
    offset: &'a [f64],
    coordinates: Coordinates,
    cell: KnownCell,
}

/// Scores as they were released.
pub(crate) struct ReleasedScores<'a> {
    /// 0-based; None: all.
    pub rows: Option<&'a [usize]>,
    /// One a released row.
    pub values: &'a [f64],
    /// ν, or what the attacker takes it for; 0: exact.
    pub noise: f64,
}

/// The best fit of one attack.
#[derive(Clone, Debug)]
pub(crate) struct AttackFit {
    /// Where it ended.
    pub x: Vec<f64>,
    /// ‖σ(x) − σ̂‖₂.
    pub residual: f64,
    /// That residual after every step.
    pub history: Vec<f64>,
    /// How it ended.
    pub status: crate::solve::Status,
}

/// A fit of one attack ends when a step changes no slack by more than this share: the next one would change none by more
/// than its square where the noise is small, and by less than the noise where it is not.
const TOLERANCE: f64 = 1e-7;
/// Steps of one fit: 4 to 16 in the right cell; those that need more have lost their way.
const MOST_STEPS: u32 = 20;
/// The same for a fit that leaves the cell of its start: it wanders, or finds x soon.
const STEPS_ACROSS: u32 = 10;
/// Solves of the lift that are polished until one fits.
const MOST_POLISHED: usize = 2;
/// Fits of an attack that knows the cell: from its centre, and from points drawn around it.
const FITS_IN_THE_CELL: u64 = 4;
/// Fits of an attack that knows nothing and has too few scores for a lift.
const FITS_AROUND_THE_OFFSET: u64 = 3;
/// Standard deviations that ‖noise‖² may exceed its mean.
const DEVIATIONS: f64 = 5.0;
/// A misfit below this share of ‖σ̂‖ says that the scores are met to rounding.
const EXACT_SHARE: f64 = 1e-9;

impl<'a> ScoreAttacks<'a> {
    /// Prepares the coordinates of the lift, and the cell of x with its centre.
    ///
    /// # Errors
    /// Those of a least-squares fit and of the search for the cell's centre.
    pub fn new(source: &'a dyn RowSource, offset: &'a [f64], x: &[f64], run: &Run<'_>) -> Result<Self> {
        let coordinates = Coordinates::of(source, offset, run)?;
        let signs: Vec<f64> =
            Barrier::around(source, offset, x, run)?.positive().iter().map(|&p| if p { 1.0 } else { -1.0 }).collect();
        let cell = known_cell(source, offset, Some(&signs), None, run)?;
        Ok(ScoreAttacks { source, offset, coordinates, cell })
    }

    /// The centre of the cell of x, or another point in it where the cell is unbounded.
    pub fn centre(&self) -> &[f64] {
        &self.cell.centre
    }

    /// The least-squares fit of b, and whether b lies in the range of A.
    pub fn fit(&self) -> (&[f64], bool) {
        (&self.coordinates.fit, self.coordinates.offset_in_range)
    }

    /// Knows the rows and the release: the lift and its polish; fits around the least-squares fit of b where it fails.
    pub fn blind(&self, released: &ReleasedScores<'_>, seed: u64, run: &Run<'_>) -> Result<Option<AttackFit>> {
        let release = self.release(released)?;
        let fit = ScoreFit { source: self.source, offset: self.offset, release: &release };
        let mut search = Search { fit: &fit, run, steps: MOST_STEPS, best: None };
        self.polish_lift(&mut search, seed)?;
        // Where the lift was possible and wrong, fits from elsewhere are worse: they are for releases too small for it.
        for k in 0..FITS_AROUND_THE_OFFSET {
            if search.done() || (k == 0 && search.best.is_some()) {
                break;
            }
            search.fit_from(&around_fit(&self.coordinates, seed, k), &Region::Anywhere)?;
        }
        Ok(search.best)
    }

    /// Knows a point as well, which may lie in another cell: then the lift, which needs no point, goes on.
    pub fn near_point(
        &self,
        released: &ReleasedScores<'_>,
        start: &[f64],
        seed: u64,
        run: &Run<'_>,
    ) -> Result<Option<AttackFit>> {
        let release = self.release(released)?;
        let fit = ScoreFit { source: self.source, offset: self.offset, release: &release };
        let mut search = Search { fit: &fit, run, steps: MOST_STEPS, best: None };
        if let Some(at) = fit.at(start, &Region::Anywhere, run)? {
            search.fit_from(start, &Region::Cell(at.barrier.positive().to_vec()))?;
        }
        if !search.done() {
            self.polish_lift(&mut search, seed)?;
        }
        if !search.done() {
            search.steps = STEPS_ACROSS;
            search.fit_from(start, &Region::Anywhere)?;
        }
        Ok(search.best)
    }

    /// Fits from what the lift gives, where there are scores enough for it.
    fn polish_lift(&self, search: &mut Search<'_, '_>, seed: u64) -> Result<()> {
        match lift(self.source, search.fit.release, &self.coordinates, seed, search.run) {
            Ok(lifted) => search.polish(lifted.points),
            Err(e) if hopeless(e.kind()) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Knows the signs of Ax − b as well: the best residual of several fits in the cell.
    pub fn in_cell(&self, released: &ReleasedScores<'_>, seed: u64, run: &Run<'_>) -> Result<Option<AttackFit>> {
        let release = self.release(released)?;
        let fit = ScoreFit { source: self.source, offset: self.offset, release: &release };
        let mut search = Search { fit: &fit, run, steps: MOST_STEPS, best: None };
        let region = Region::Cell(self.cell.positive.clone());
        search.fit_from(&self.cell.centre, &region)?;
        for k in 1..FITS_IN_THE_CELL {
            if search.done() {
                break;
            }
            if let Some(x) = around_centre(self.source, self.offset, &self.cell, seed, k, run)? {
                search.fit_from(&x, &region)?;
            }
        }
        Ok(search.best)
    }

    /// The direction of x that changes no released score, ‖h‖∞ = 1; None where every direction changes some.
    pub fn null_direction(&self, x: &[f64], rows: Option<&[usize]>, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        if self.coordinates.offset_in_range {
            let h: Vec<f64> = x.iter().zip(&self.coordinates.fit).map(|(x, fit)| x - fit).collect();
            let size = h.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
            return Ok((size > 0.0).then(|| h.iter().map(|v| v / size).collect()));
        }
        let n = self.offset.len();
        let zero = vec![0.0; n];
        let weight = Release::new(&vec![0.0; rows.map_or(n, <[usize]>::len)], rows, None, n)?.weight;
        let barrier = Barrier::around(self.source, self.offset, x, run)?;
        let Some(point) = barrier.at(x, false, run)? else { return Ok(None) };
        let gram = barrier.score_normal_equations(&point, &zero, &weight, run)?.gram;
        let (direction, share) = weakest_direction(&barrier, &point, &gram, &weight, run)?;
        Ok(is_null(share).then_some(direction))
    }

    /// Released scores may lie anywhere: noise has moved them.
    fn release(&self, released: &ReleasedScores<'_>) -> Result<Release> {
        let n = self.offset.len();
        let mut release = Release::new(&vec![0.0; released.values.len()], released.rows, Some(released.noise), n)?;
        match released.rows {
            Some(rows) => rows.iter().zip(released.values).for_each(|(&row, &value)| release.target[row] = value),
            None => release.target.copy_from_slice(released.values),
        }
        Ok(release)
    }
}

/// The best fit so far.
struct Search<'s, 'a> {
    fit: &'s ScoreFit<'a>,
    run: &'s Run<'s>,
    steps: u32,
    best: Option<AttackFit>,
}

impl Search<'_, '_> {
    /// Fits from the solves of a lift, the one with the smallest misfit first, until one fits.
    fn polish(&mut self, points: Vec<Vec<f64>>) -> Result<()> {
        let mut starts = Vec::new();
        for x in points {
            if let Some(at) = self.fit.at(&x, &Region::Anywhere, self.run)? {
                starts.push((at.misfit(), x));
            }
        }
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, x) in starts.iter().take(MOST_POLISHED) {
            if self.done() {
                break;
            }
            self.fit_from(x, &Region::Anywhere)?;
        }
        Ok(())
    }

    fn fit_from(&mut self, x: &[f64], region: &Region) -> Result<()> {
        let options = FitOptions { tolerance: TOLERANCE, max_iterations: self.steps };
        let outcome = match levenberg_marquardt(self.fit, x, region, &options, self.run) {
            Err(e) if hopeless(e.kind()) => None,
            other => other?,
        };
        self.run.check()?;
        let Some(outcome) = outcome else { return Ok(()) };
        let residual = outcome.at.misfit();
        if self.best.as_ref().is_none_or(|best| residual < best.residual) {
            let history = outcome.history.iter().map(|step| step.residual).collect();
            self.best = Some(AttackFit { x: outcome.at.point.x, residual, history, status: outcome.status });
        }
        Ok(())
    }

    /// Whether the best fit is as good as the noise allows.
    fn done(&self) -> bool {
        let release = self.fit.release;
        let count = release.rows.len() as f64;
        let noise = release.noise * (count + DEVIATIONS * (2.0 * count).sqrt()).sqrt();
        self.best.as_ref().is_some_and(|best| best.residual <= noise + EXACT_SHARE * release.size())
    }
}

/// Errors that say that this way leads nowhere, not that something is wrong.
fn hopeless(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Numerical { .. } | ErrorKind::Option { .. } | ErrorKind::TooLarge { .. })
}
