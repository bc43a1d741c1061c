//! The whole way from scores back to x: the method, the fits, what is identified, and how well it is known.

use super::baselines::{full_newton, gradient_descent};
use super::certificate::{ScoreCertificate, prove};
use super::contest::{Effort, contest, starts as starts_of_noisy_scores};
use super::fit::{FitPoint, Region, ScoreFit};
use super::identify::{is_null, weakest_direction};
use super::lift::{Coordinates, LiftReport, lift, require_lift_fits};
use super::lifted_system::unknowns;
use super::noise::{covariance, roots_of_diagonal};
use super::options::{ScoreInvertOptions, ScoreMethod, ScoreStart};
use super::polish::{FitEnd, FitOptions, levenberg_marquardt};
use super::release::{Release, option};
use super::signs::{Named, search_signs};
use super::starts::{KnownCell, MORE_STARTS, around_centre, around_fit, known_cell};
use crate::barrier::Point;
use crate::error::{ErrorKind, Result};
use crate::invert::hat::{HatCoefficients, HatStatus, Silence};
use crate::rows::{RowSource, require_vector};
use crate::run::{Event, Run};
use crate::solve::{Status, Step};

/// One fit that was tried.
#[derive(Clone, Debug)]
pub struct ScoreCandidate {
    /// Where it ended.
    pub x: Vec<f64>,
    /// ‖σ(x) − σ̂‖₂ over the released rows.
    pub residual: f64,
    /// The same with rows weighted by one over their errors, in units of their root mean square.
    pub misfit: f64,
    /// Where it began, for example "lift" or "volumetric centre".
    pub origin: String,
    /// How it ended.
    pub status: Status,
    /// Steps taken.
    pub iterations: u32,
}

/// The recovered parameters and everything known about them.
#[derive(Clone, Debug)]
pub struct ScoreInversion {
    /// x of the best fit.
    pub x: Vec<f64>,
    /// How the best fit ended; [`Status::Stalled`] also where its residual is larger than the noise explains.
    pub status: Status,
    /// The method that ran.
    pub method: ScoreMethod,
    /// Why this method.
    pub reason: String,
    /// Whether the released scores determine x near the answer, and no other candidate fits as well.
    pub identified: bool,
    /// Whether no other x, however far away, has these scores: of all patterns of signs one alone fits the sizes of the slacks,
    /// or the lifted equations determine x, up to rounding and noise. Where it is false, another x may have the same scores;
    /// that none has is not known.
    pub unique: bool,
    /// Released rows whose scores say nothing of their slack, and why; of scores that were inverted by weights.
    pub silent: Vec<(usize, Silence)>,
    /// The direction along which no released score changes, ‖h‖∞ = 1; None where there is none.
    pub null_direction: Option<Vec<f64>>,
    /// ‖Jh‖/(2‖h‖_D) of the direction that the scores tell least about, D = A_xᵀΣ²A_x; below 10⁻⁹ it is lost.
    pub weakest_share: Option<f64>,
    /// All fits, the best one first.
    pub candidates: Vec<ScoreCandidate>,
    /// ‖σ(x) − σ̂‖₂ over the released rows.
    pub residual: f64,
    /// Steps of the best fit.
    pub iterations: u32,
    /// Its history; `decrement` is √(2·predicted decrease), `residual` the misfit of the scores.
    pub history: Vec<Step>,
    /// What the lift did, where there was one.
    pub lift: Option<LiftReport>,
    /// |Σσ(x) − d|/d: the check of the computed scores.
    pub score_sum_defect: f64,
    /// |Σσ̂ − d|/d of the target, where all rows were released: scores of another matrix, or clipped ones, fail here.
    pub target_sum_defect: Option<f64>,
    /// For exact scores the bound that could be proven.
    pub certificate: Option<ScoreCertificate>,
    /// (Jᵀdiag(1/ν²)J)⁻¹ at x, full d×d, for noisy scores.
    pub covariance: Option<Vec<f64>>,
    /// √diag of it.
    pub standard_errors: Option<Vec<f64>>,
    /// The root mean square of the ν of that covariance: the given ones, or for scores of unknown noise
    /// ‖σ(x) − σ̂‖/√(rows − d).
    pub noise: Option<f64>,
    /// Whether that ν was estimated.
    pub noise_is_estimated: bool,
    /// Slack, scores and gradient at x.
    pub point: Point,
    /// Things the caller should know.
    pub warnings: Vec<String>,
}

impl ScoreInversion {
    /// Whether x is to be had: the scores decide it, or the run was cut short before that was looked at.
    #[must_use]
    pub fn is_recommended(&self) -> bool {
        self.identified || self.status == Status::Interrupted
    }

    /// The same as what an inversion of hat values says of a model: w = 1/(Ax − b)² is the family whose coefficients are x.
    #[must_use]
    pub fn as_coefficients(&self) -> HatCoefficients {
        let (n, d) = (self.point.slack.len() as f64, self.x.len());
        let status = match (self.status, self.is_recommended()) {
            (_, false) => HatStatus::Stalled,
            (Status::Solved, true) => HatStatus::Solved,
            (Status::Interrupted, true) => HatStatus::Interrupted,
            (Status::IterationLimit, true) => HatStatus::IterationLimit,
            _ => HatStatus::Stalled,
        };
        let told = |x: &f64| self.is_recommended().then_some(*x);
        let best = self.candidates.first().map_or(self.residual, |best| best.misfit);
        let degrees = (n - d as f64).max(1.0);
        let noise = self.noise.filter(|noise| *noise > 0.0);
        HatCoefficients {
            status,
            values: self.x.iter().map(told).collect(),
            open: if self.is_recommended() { Vec::new() } else { vec!["which x it is".into()] },
            standard_errors: self.standard_errors.as_ref().map(|errors| errors.iter().map(|e| Some(*e)).collect()),
            misfit: (best / noise.unwrap_or(f64::EPSILON * self.point.scores.len() as f64)).powi(2) / degrees,
            residual: self.residual,
            starts: self.candidates.len(),
            warnings: self.warnings.clone(),
        }
    }

    /// How it ended, in a word: `not_identified` where no x is to be had.
    #[must_use]
    pub fn ending(&self) -> &'static str {
        if self.is_recommended() { self.status.name() } else { "not_identified" }
    }
}

/// Recovers x from released leverage scores.
///
/// σᵢ(x) = aᵢᵀM⁻¹aᵢ/sᵢ² = σ̂ᵢ for the released rows: exactly, or in the least-squares sense (the most likely x under
/// Gaussian noise)
///
/// No start and no signs are needed where the scores of all rows were released. They tell the weights 1/sᵢ², a convex problem,
/// and so |sᵢ| up to one factor; of the signs of d + 1 rows one pattern alone gives all rows their sizes, as a rule from 2d + 1
/// rows on. Up to d = 24 all patterns are tried, which finds every x with these scores; beyond, the signs come from reflections
/// between the range of [A b] and the vectors of these sizes. Of part of the scores the *lift* does the same where d² + 2d were
/// released: multiplied by sᵢ², the equations are linear in (M⁻¹, xxᵀ, x). Else fits begin at a start point, at the centre of a
/// known cell, or around the least-squares fit of the offset. Noisy scores are fitted from the best of many starts.
///
/// # Shapes
/// `source` n×d, `offset` n values; `target_scores` one value for each of `rows` (0-based), or n where `rows` is None.
/// # Cost
/// Weights: about forty sweeps of 2nd² flops; signs 2^d × 10 flops, or 2400nd a start. Lift: m·D² + D³/3 flops and 8D² bytes, D = d² + 2d, m = 1.5 D; seven times that for noisy scores. Fits: 4 to 15 steps of
/// 4nd³/3 flops, beyond d = 40 of ten to forty sweeps of 3nd².
/// # Accuracy
/// See [`ScoreCertificate`] and the covariance.
/// # Randomness
/// Lifted rows and further starts are keyed by (seed, row).
/// # Errors
/// [`ErrorKind::Option`] for rows out of range or named twice, scores outside [0, 1], negative noise, too few scores for a
/// lift; [`ErrorKind::TooLarge`] for a lift of more than 106 columns; shapes, non-finite input,
/// [`ErrorKind::RankDeficient`]. What cannot be identified is an answer: see [`ScoreInversion::null_direction`].
/// # Examples
/// ```
/// use unhat::{barrier::Barrier, invert::scores::{invert_scores, ScoreInvertOptions, ScoreStart}, rows::DenseRows, Run};
/// let a: Vec<f64> = (0..40).map(|k| ((3 * k * k + k) as f64).sin()).collect(); // 20 rows of 2 columns
/// let b: Vec<f64> = (0..20).map(|k| ((7 * k + 1) as f64).cos()).collect();
/// let (rows, run) = (DenseRows::new(&a, 2)?, Run::default());
/// let hidden = [0.3, -0.8];
/// let released = Barrier::around(&rows, &b, &hidden, &run)?.at(&hidden, false, &run)?.unwrap().scores;
/// let found = invert_scores(&rows, &b, &released, None, &ScoreStart::Unknown, &ScoreInvertOptions::default(), &run)?;
/// assert!(found.identified && (found.x[0] - 0.3).abs() < 1e-10 && (found.x[1] + 0.8).abs() < 1e-10);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// LiSongWangYinYu2024; BalanCasazzaEdidin2006; Luke2005.
pub fn invert_scores(
    source: &dyn RowSource,
    offset: &[f64],
    target_scores: &[f64],
    rows: Option<&[usize]>,
    start: &ScoreStart<'_>,
    options: &ScoreInvertOptions,
    run: &Run<'_>,
) -> Result<ScoreInversion> {
    let shape = source.shape();
    require_vector("offset", offset, shape.rows)?;
    if !(options.tolerance > 0.0 && options.tolerance < 1.0) {
        return Err(option("tol", format!("found {}, expected a number between 0 and 1", options.tolerance)));
    }
    if let ScoreStart::Point(x) = start {
        require_vector("start", x, shape.columns)?;
    }
    let mut release = Release::new(target_scores, rows, &options.precision, shape.rows)?;
    release.count_repeats(source, run)?;
    let coordinates = Coordinates::of(source, offset, run)?;
    let (method, reason) = match options.method {
        ScoreMethod::Auto => match weights_first(&release, start, &coordinates) {
            Some(reason) => (ScoreMethod::Weights, reason),
            None => choose(ScoreMethod::Auto, &release, start, shape.columns)?,
        },
        asked => choose(asked, &release, start, shape.columns)?,
    };
    let fit = ScoreFit { source, offset, release: &release };
    let mut search = Search {
        fit: &fit,
        options,
        method,
        reason,
        run,
        candidates: Vec::new(),
        best: None,
        signs: Signs::default(),
        warnings: Vec::new(),
    };
    let report = search.run(start, &coordinates)?;
    search.conclude(report, &coordinates)
}

/// Why weights and signs come first; None where they do not: scores of part of the rows, or a point or cell that is known and
/// is to be kept to.
fn weights_first(release: &Release, start: &ScoreStart<'_>, coordinates: &Coordinates) -> Option<String> {
    let usable = release.is_complete() && !coordinates.offset_in_range;
    let alone = matches!(start, ScoreStart::Unknown);
    (usable && alone).then(|| "the scores of all rows tell |Ax - b| up to one factor, without start or signs".into())
}

/// A lift with more flops than this is not the first choice where the cell is known (d of about 60).
const LIFT_FLOPS_WITH_CELL: f64 = 1e11;

fn choose(method: ScoreMethod, release: &Release, start: &ScoreStart<'_>, d: usize) -> Result<(ScoreMethod, String)> {
    if method == ScoreMethod::Lift {
        require_lift_fits(d)?;
    }
    if method == ScoreMethod::Weights && !release.is_complete() {
        let (found, rows) = (release.rows.len(), release.target.len());
        return Err(option("method", format!("weights need the scores of all {rows} rows, found {found}")));
    }
    if method != ScoreMethod::Auto {
        return Ok((method, "asked for".into()));
    }
    let (needed, found) = (unknowns(d), release.rows.len());
    let flops = 2.0 * (needed as f64).powi(3);
    let cell_known = matches!(start, ScoreStart::Signs(_) | ScoreStart::Side(_));
    Ok(if let Err(e) = require_lift_fits(d) {
        (ScoreMethod::SecondOrder, format!("no lift: {e}"))
    } else if found < needed {
        (ScoreMethod::SecondOrder, format!("a lift needs d² + 2d = {needed} released scores, found {found}"))
    } else if cell_known && flops > LIFT_FLOPS_WITH_CELL {
        (ScoreMethod::SecondOrder, format!("the cell is known, and a lift would take {flops:.0e} flops"))
    } else {
        (ScoreMethod::Lift, format!("{found} released scores, {needed} unknowns: the lift needs no start and no signs"))
    })
}

/// A misfit below this share of ‖σ̂‖ says that the scores are met to rounding.
const EXACT_SHARE: f64 = 1e-9;
/// A misfit above this share of ‖σ̂‖ is taken for a local minimum, unless noise of that size was declared: one significant
/// digit of the scores is still nearer than that.
const UNBELIEVABLE_SHARE: f64 = 0.1;
/// Standard deviations that ‖noise‖² may exceed its mean.
const NOISE_DEVIATIONS: f64 = 5.0;
/// Two candidates whose slacks differ by more than this share are different answers.
const SAME_ANSWER: f64 = 1e-3;
/// More flops than this, a minute, are not spent on a certificate.
const FLOPS_OF_PROOF: f64 = 2e11;
/// Two x of noisy scores are rivals where their χ² differs by less than this, three standard deviations,
const SAME_LIKELIHOOD: f64 = 9.0;
/// and their scores by more than this many of the errors.
const ELSEWHERE: f64 = 5.0;
/// Solves of the lift that are polished until one fits.
const MOST_POLISHED: usize = 3;

struct Search<'s, 'a> {
    fit: &'s ScoreFit<'a>,
    options: &'s ScoreInvertOptions,
    method: ScoreMethod,
    reason: String,
    run: &'s Run<'s>,
    candidates: Vec<ScoreCandidate>,
    best: Option<FitEnd<'a>>,
    signs: Signs,
    warnings: Vec<String>,
}

/// What the search by sizes and signs said.
#[derive(Default)]
struct Signs {
    /// Whether it found every x with these scores.
    complete: bool,
    /// Whether the sizes of slacks up to one factor came out of it, so that x is determined where it is near.
    whole: bool,
    silent: Vec<(usize, Silence)>,
}

/// Flops of a lift among the starts of noisy scores.
const LIFT_FLOPS_AS_START: f64 = 5e9;

impl<'a> Search<'_, 'a> {
    /// Tries what the method and the start offer until a fit is as good as the noise allows.
    fn run(&mut self, start: &ScoreStart<'_>, coordinates: &Coordinates) -> Result<Option<LiftReport>> {
        let mut report = None;
        if self.method == ScoreMethod::Weights {
            let lifted = self.by_signs(start, coordinates)?;
            let asked = self.options.method == ScoreMethod::Weights;
            if self.done() || asked || self.fit.release.noise > 0.0 {
                return Ok(lifted);
            }
            let (method, reason) = choose(ScoreMethod::Auto, self.fit.release, start, coordinates.fit.len())?;
            self.method = method;
            self.reason = format!("weights and signs gave no x with these scores; {reason}");
        }
        if self.method == ScoreMethod::Lift {
            report = Some(self.lifted(coordinates)?);
            if self.done() {
                return Ok(report);
            }
        }
        self.run.tell(Event::Phase("fitting the scores"));
        match start {
            ScoreStart::Point(x) => {
                let signs = self.fit.at(x, &Region::Anywhere, self.run)?.map(|at| at.barrier.positive().to_vec());
                let positive =
                    signs.ok_or_else(|| option("start", "it lies on a facet: some row has slack 0".into()))?;
                self.fit_from(x, &Region::Cell(positive), "start point")?;
                if !self.is_baseline() && !self.done() {
                    self.fit_from(x, &Region::Anywhere, "start point, across facets")?;
                }
            }
            ScoreStart::Signs(signs) => self.in_cell(Some(signs), None)?,
            ScoreStart::Side(side) => self.in_cell(None, Some(*side))?,
            ScoreStart::Unknown => self.around_the_fit(coordinates)?,
        }
        Ok(report)
    }

    /// Fits from the points that sizes and signs lead to; of noisy scores from the best of these and of many other starts.
    fn by_signs(&mut self, start: &ScoreStart<'_>, coordinates: &Coordinates) -> Result<Option<LiftReport>> {
        let (source, release, seed) = (self.fit.source, self.fit.release, self.options.seed);
        let effort = Effort::thorough(release, coordinates.fit.len());
        let mut points: Vec<Named> = Vec::new();
        if let Some(found) = search_signs(source, release, coordinates, effort.signs, seed, self.run)? {
            self.signs = Signs { complete: found.complete, whole: found.whole, silent: found.silent };
            points = found.points;
        }
        if release.noise == 0.0 {
            let inside = |x: &[f64]| -> Result<bool> {
                let at = self.fit.at(x, &Region::Anywhere, self.run)?;
                Ok(at.is_some_and(|at| start.other_cell(&at.point.slack).is_none()))
            };
            // Where a cell is known, what lies outside of it is no answer, unless nothing lies inside.
            let flags: Vec<bool> = points.iter().map(|(x, _)| inside(x)).collect::<Result<_>>()?;
            let some = flags.contains(&true);
            self.signs.complete &= !some || !flags.contains(&false); // of what was left out nothing is said
            for ((x, origin), _) in points.iter().zip(flags).filter(|(_, inside)| *inside || !some) {
                self.fit_from(x, &Region::Anywhere, origin)?;
                if self.run.stopped() || (!self.signs.complete && self.done()) {
                    break;
                }
            }
            return Ok(None);
        }
        let mut report = None;
        let needed = unknowns(coordinates.fit.len());
        let flops = 7.0 * release.rows.len() as f64 * (needed as f64).powi(2);
        if release.rows.len() >= needed && flops < LIFT_FLOPS_AS_START {
            let lifted = lift(source, release, coordinates, seed, self.run)?;
            points.extend(lifted.points.into_iter().map(|x| (x, "lift".to_string())));
            report = Some(lifted.report);
        }
        if Effort::is_sure(release) {
            for (x, origin) in self.nearest(&points)? {
                self.fit_from(&x, &Region::Anywhere, &origin)?;
                if self.done() {
                    return Ok(report);
                }
            }
        }
        points.extend(starts_of_noisy_scores(source, release, coordinates, effort.subsets, seed, self.run)?);
        for (x, origin) in contest(self.fit, coordinates, points, &effort, self.run)? {
            if self.run.stopped() && self.best.is_some() {
                break;
            }
            self.fit_from(&x, &Region::Anywhere, &origin)?;
        }
        Ok(report)
    }

    /// The points of least misfit, the best first.
    fn nearest(&self, points: &[Named]) -> Result<Vec<Named>> {
        let mut all = Vec::new();
        for point in points {
            if let Some(at) = self.fit.at(&point.0, &Region::Anywhere, self.run)? {
                all.push((at.misfit(), point.clone()));
            }
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(all.into_iter().take(MOST_POLISHED).map(|(_, point)| point).collect())
    }

    fn lifted(&mut self, coordinates: &Coordinates) -> Result<LiftReport> {
        let lifted = lift(self.fit.source, self.fit.release, coordinates, self.options.seed, self.run)?;
        if lifted.free_direction.is_some() {
            self.warnings
                .push("the lifted equations leave a direction of x free: too few rows that differ enough".into());
        }
        let mut starts = Vec::new();
        for x in lifted.points {
            let misfit = self.fit.at(&x, &Region::Anywhere, self.run)?.map_or(f64::INFINITY, |at| at.misfit());
            starts.push((misfit, x));
        }
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, x) in starts.iter().take(MOST_POLISHED) {
            self.fit_from(x, &Region::Anywhere, "lift")?;
            if self.done() {
                break;
            }
        }
        Ok(lifted.report)
    }

    fn in_cell(&mut self, signs: Option<&[f64]>, side: Option<crate::barrier::Side>) -> Result<()> {
        let cell: KnownCell = known_cell(self.fit.source, self.fit.offset, signs, side, self.run)?;
        let region = Region::Cell(cell.positive.clone());
        self.fit_from(&cell.centre, &region, cell.kind)?;
        for k in 0..MORE_STARTS {
            if self.is_baseline() || self.done() {
                break;
            }
            let drawn = around_centre(self.fit.source, self.fit.offset, &cell, self.options.seed, k, self.run)?;
            if let Some(x) = drawn {
                self.fit_from(&x, &region, &format!("point {} of the cell", k + 1))?;
            }
        }
        Ok(())
    }

    fn around_the_fit(&mut self, coordinates: &Coordinates) -> Result<()> {
        for k in 0..=MORE_STARTS {
            if self.done() || (k > 0 && self.is_baseline() && self.best.is_some()) {
                break;
            }
            let origin =
                if k == 0 { "least-squares fit".into() } else { format!("point {k} around the least-squares fit") };
            self.fit_from(&around_fit(coordinates, self.options.seed, k), &Region::Anywhere, &origin)?;
        }
        Ok(())
    }

    fn is_baseline(&self) -> bool {
        matches!(self.method, ScoreMethod::Newton | ScoreMethod::FirstOrder)
    }

    /// Runs one fit and keeps it if it is the best so far.
    fn fit_from(&mut self, x: &[f64], region: &Region, origin: &str) -> Result<()> {
        let options = FitOptions { tolerance: self.options.tolerance, max_iterations: self.options.iterations() };
        let fit = match self.method {
            ScoreMethod::Newton => full_newton(self.fit, x, region, &options, self.run)?,
            ScoreMethod::FirstOrder => gradient_descent(self.fit, x, region, &options, self.run)?,
            _ => levenberg_marquardt(self.fit, x, region, &options, self.run)?,
        };
        let Some(outcome) = fit else { return Ok(()) };
        let candidate = ScoreCandidate {
            x: outcome.at.point.x.clone(),
            residual: outcome.at.residual_norm(),
            misfit: outcome.at.misfit(),
            origin: origin.into(),
            status: outcome.status,
            iterations: outcome.history.len() as u32 - 1,
        };
        let better = self.best.as_ref().is_none_or(|best| candidate.misfit < best.at.misfit());
        if better {
            self.best = Some(outcome);
            self.candidates.insert(0, candidate);
        } else {
            self.candidates.push(candidate);
        }
        Ok(())
    }

    /// Whether the best fit is as good as the noise allows, or the run was stopped.
    fn done(&self) -> bool {
        self.best.as_ref().is_some_and(|best| {
            best.status == Status::Interrupted || self.run.stopped() || self.explained(best.at.misfit())
        })
    }

    /// Whether noise and rounding explain a misfit.
    fn explained(&self, misfit: f64) -> bool {
        misfit <= self.fit.release.explained(NOISE_DEVIATIONS, EXACT_SHARE)
    }

    fn conclude(mut self, lift: Option<LiftReport>, coordinates: &Coordinates) -> Result<ScoreInversion> {
        let Some(best) = self.best.take() else {
            return Err(
                ErrorKind::Numerical { reason: "no start could be evaluated: each lies on a facet".into() }.into()
            );
        };
        let FitEnd { at, status, history } = best;
        let knowledge =
            if status == Status::Interrupted { Knowledge::default() } else { self.knowledge(&at, coordinates)? };
        let misfit = at.misfit();
        let explained = self.explained(misfit);
        let noise_is_known = self.fit.release.noise > 0.0;
        if !explained && status != Status::Interrupted {
            self.warnings.push(match noise_is_known {
                true => format!(
                    "the misfit {misfit:.2e} is larger than the noise explains: a local minimum, or scores of another matrix"
                ),
                false => format!(
                    "the misfit {misfit:.2e} is above rounding: noisy scores (then give their noise), or a local minimum"
                ),
            });
        }
        let status = match status {
            Status::Solved if !explained && noise_is_known => Status::Stalled,
            // No release is that noisy unless its owner says so.
            Status::Solved if misfit > UNBELIEVABLE_SHARE * self.fit.release.size() => Status::Stalled,
            Status::Stalled if noise_is_known && explained => Status::Solved,
            Status::Stalled if misfit <= at.rounding(&self.fit.release.weight, self.run)? => Status::Solved,
            other => other,
        };
        let d = at.point.x.len() as f64;
        let defect = |scores: &[f64]| (scores.iter().sum::<f64>() - d).abs() / d;
        let all_released = self.fit.release.rows.len() == self.fit.offset.len();
        self.warn_of_the_target_sum(all_released, d);
        let rivals = self.rivals(&at)?;
        if rivals > 0 {
            self.warnings.push(match rivals {
                1 => "another x fits as well: the scores do not decide between the two".into(),
                _ => format!("{rivals} other candidates fit as well: the scores do not decide between them"),
            });
        }
        self.warn_of_silence();
        let identified = knowledge.null_direction.is_none() && rivals == 0;
        let tried = self.signs.complete && explained && self.fit.release.noise == 0.0;
        let unique = identified && (tried || self.lifted_to(&at, lift.as_ref())?);
        if identified && !unique && status != Status::Interrupted {
            self.warnings.push(format!(
                "another x, far from this one, may have the same scores: that {} scores determine {} parameters is known \
                 only near an x, unless the lifted equations determine it, and {}",
                self.fit.release.rows.len(),
                at.point.x.len(),
                if lift.is_some() { "here they do not" } else { "they were not solved" },
            ));
        }
        self.warnings.extend(knowledge.warnings);
        Ok(ScoreInversion {
            x: at.point.x.clone(),
            status,
            method: self.method,
            reason: self.reason,
            identified,
            unique,
            null_direction: knowledge.null_direction,
            weakest_share: knowledge.weakest_share,
            candidates: self.candidates,
            residual: at.residual_norm(),
            silent: self.signs.silent,
            iterations: history.len() as u32 - 1,
            history,
            lift,
            score_sum_defect: defect(&at.point.scores),
            target_sum_defect: all_released.then(|| defect(&self.fit.release.target)),
            certificate: knowledge.certificate,
            standard_errors: knowledge.covariance.as_ref().map(|c| roots_of_diagonal(c, at.point.x.len())),
            covariance: knowledge.covariance,
            noise: knowledge.noise,
            noise_is_estimated: knowledge.noise.is_some() && self.fit.release.noise == 0.0,
            point: at.point,
            warnings: self.warnings,
        })
    }

    /// What is identified, and the certificate or the covariance.
    fn knowledge(&self, at: &FitPoint<'_>, coordinates: &Coordinates) -> Result<Knowledge> {
        let release = self.fit.release;
        let weight = &release.mask();
        let (n, d) = (at.point.slack.len() as f64, at.point.x.len() as f64);
        if self.signs.whole && 4.0 / 3.0 * n * d.powi(3) > FLOPS_OF_PROOF && release.noise == 0.0 {
            // J = -2(Σ - P∘P)A_x, and in one component Σ - P∘P loses the constants alone: Jh = 0 asks for Ah ∝ Ax - b.
            return Ok(Knowledge {
                warnings: vec!["nothing is proven of x: with so many columns that would take too long".into()],
                ..Knowledge::default()
            });
        }
        let normal = match at.barrier.score_normal_equations(&at.point, &at.residual, weight, self.run) {
            Err(e) if matches!(e.kind(), ErrorKind::TooLarge { .. }) => {
                return Ok(Knowledge {
                    warnings: vec![format!("not checked what is identified: {e}")],
                    ..Knowledge::default()
                });
            }
            other => other?,
        };
        let (direction, share) = weakest_direction(&at.barrier, &at.point, &normal.gram, weight, self.run)?;
        let mut known = Knowledge { weakest_share: Some(share), ..Knowledge::default() };
        if coordinates.offset_in_range {
            // Scaling s = A(x − x₀) changes no score, whatever rounding says about it.
            let h: Vec<f64> = at.point.x.iter().zip(&coordinates.fit).map(|(x, fit)| x - fit).collect();
            let size = h.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
            known.null_direction = Some(h.iter().map(|v| v / size).collect());
            known
                .warnings
                .push("the offset lies in the range of the matrix: scaling all slacks changes no score".into());
            return Ok(known);
        }
        if is_null(share) {
            known.null_direction = Some(direction);
            known.warnings.push("no released score changes along the null direction".into());
            return Ok(known);
        }
        let exact = release.noise == 0.0 && at.misfit() <= EXACT_SHARE * release.size();
        if exact {
            known.certificate = prove(at, &normal.gram, weight, &release.target, self.run)?;
            return Ok(known);
        }
        let (count, d) = (release.rows.len(), at.point.x.len());
        let estimate = || (count > d).then(|| at.misfit() / ((count - d) as f64).sqrt());
        known.noise = if release.noise > 0.0 { Some(release.noise) } else { estimate() };
        if let Some(noise) = known.noise {
            let gram = match release.is_uneven() {
                true => at.barrier.score_normal_equations(&at.point, &at.residual, &release.weight, self.run)?.gram,
                false => normal.gram,
            };
            known.covariance = Some(covariance(&gram, &at.point, noise)?);
        }
        Ok(known)
    }

    /// Whether the lifted equations determine x and the best fit is that x; noisy scores are fitted away from the lift.
    fn lifted_to(&self, at: &FitPoint<'_>, lift: Option<&LiftReport>) -> Result<bool> {
        let Some(lift) = lift.filter(|lift| lift.determined) else { return Ok(false) };
        let exact = self.fit.release.noise == 0.0 && at.misfit() <= EXACT_SHARE * self.fit.release.size();
        Ok(!exact || self.share_moved(at, &lift.x)? <= SAME_ANSWER)
    }

    /// max |aᵢᵀ(x′ − x)|/|sᵢ|: how far another point lies, in slacks.
    fn share_moved(&self, at: &FitPoint<'_>, other: &[f64]) -> Result<f64> {
        let moved: Vec<f64> = other.iter().zip(&at.point.x).map(|(a, b)| a - b).collect();
        let relative = at.barrier.scaled_rows_times(&at.point, &moved, self.run)?;
        Ok(relative.iter().fold(0.0, |most: f64, v| most.max(v.abs())))
    }

    /// Candidates that fit as well as the best one and lie elsewhere, two of one place counted once.
    fn rivals(&self, at: &FitPoint<'_>) -> Result<usize> {
        let noise = self.fit.release.noise;
        let mut places: Vec<Vec<f64>> = vec![at.point.x.clone()];
        for candidate in &self.candidates[1..] {
            let as_good = match noise > 0.0 {
                true => candidate.misfit.powi(2) <= at.misfit().powi(2) + SAME_LIKELIHOOD * noise * noise,
                false => self.explained(candidate.misfit) || candidate.misfit <= 1.0001 * at.misfit(),
            };
            if !as_good {
                continue;
            }
            let mut elsewhere = true;
            for place in &places {
                elsewhere &= self.apart(at, &candidate.x, place)?;
            }
            if elsewhere {
                places.push(candidate.x.clone());
            }
        }
        Ok(places.len() - 1)
    }

    /// Whether two points differ by more than rounding and noise explain.
    fn apart(&self, at: &FitPoint<'_>, one: &[f64], other: &[f64]) -> Result<bool> {
        let moved: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
        let relative = at.barrier.scaled_rows_times(&at.point, &moved, self.run)?;
        let share = relative.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let noise = self.fit.release.noise;
        if share <= SAME_ANSWER || noise == 0.0 {
            return Ok(share > SAME_ANSWER);
        }
        let change = at.barrier.score_jacobian_vec(&at.point, &moved, self.run)?;
        Ok(self.fit.release.weighted_norm(&change) > ELSEWHERE * noise)
    }

    /// Says which scores say nothing of their slack.
    fn warn_of_silence(&mut self) {
        const SHOWN: usize = 8;
        let saturated: Vec<usize> =
            self.signs.silent.iter().filter(|(_, why)| *why == Silence::Saturated).map(|(i, _)| i + 1).collect();
        if saturated.is_empty() {
            return;
        }
        let shown: Vec<String> = saturated.iter().take(SHOWN).map(usize::to_string).collect();
        let more = if saturated.len() > SHOWN { ", ..." } else { "" };
        self.warnings.push(format!(
            "scores of 1 say nothing of their slack but that it is small: {} (row {}{more})",
            saturated.len(),
            shown.join(", ")
        ));
    }

    /// Warns of scores whose sum is not d by more than rounding and noise explain.
    fn warn_of_the_target_sum(&mut self, all_released: bool, d: f64) {
        let release = self.fit.release;
        let sum: f64 = release.target.iter().sum();
        let spread = NOISE_DEVIATIONS * crate::linalg::norm(&release.deviation) + EXACT_SHARE * d;
        if all_released && (sum - d).abs() > spread {
            self.warnings.push(format!(
                "the released scores sum to {sum:.9}, expected {d}: noisy, clipped, or not of this matrix"
            ));
        }
    }
}

/// What the fit says about x.
#[derive(Default)]
struct Knowledge {
    weakest_share: Option<f64>,
    null_direction: Option<Vec<f64>>,
    certificate: Option<ScoreCertificate>,
    covariance: Option<Vec<f64>>,
    noise: Option<f64>,
    warnings: Vec<String>,
}
