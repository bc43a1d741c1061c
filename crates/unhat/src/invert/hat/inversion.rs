//! The whole way from scores to weights: the rows that speak, the descent, the proof, and what is said of the rest.

use super::answer::{HatComponent, HatInversion, HatStatus, NearComponent, Silence};
use super::components::Components;
use super::descent::{Descent, Ending, Target, Track, descend, metric};
use super::drawn::drawn_errors;
use super::enclosure::{Enclosure, enclose, held_rows};
use super::options::HatOptions;
use super::point::{Field, Place};
use super::release::HatRelease;
use super::ridged::RidgedRows;
use super::solve::solve_held;
use super::spread::{MOST_PAIRS, standard_errors};
use super::witness::{Impossible, witness};
use crate::error::Result;
use crate::rows::{RowSource, require_finite, require_plain_columns};
use crate::run::{Event, Run};
use crate::solve::State;

/// Where an inversion is saved to, and what it resumes from.
pub struct HatCheckpoint<'a> {
    /// A state of the same problem.
    pub resume: Option<State>,
    /// Is given the state before every step.
    pub save: &'a mut dyn FnMut(&State) -> Result<()>,
}

/// Exact scores of a component sum to its rank to this share of a row: more is no rounding.
const SUM_ROUNDING: f64 = 1e-9;
/// Noise adds up to so many standard deviations.
const NOISE_DEVIATIONS: f64 = 6.0;
/// The largest score that a row of finite weight has in floating point.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;
/// Scores from numbers with errors are kept this far inside (0, 1).
const LEAST_NOISY: f64 = 1e-9;
/// And this share of their standard deviation.
const AWAY: f64 = 0.25;
/// A floor of rounding below this is an answer.
const GOOD_FLOOR: f64 = 1e-9;
/// Errors of log weights that grow by more than this factor against a row's own make a near-component.
const THREAD: f64 = 1e4;

/// Recovers the weights w from leverage scores h of diag(√w)A.
///
/// hᵢ = wᵢ aᵢᵀ(AᵀWA + λI)⁻¹aᵢ
///
/// Without a ridge the weights are known up to one factor in each connected component of the matroid of the rows; rows of
/// zeros and rows that alone hold a direction say nothing. They minimise log det(AᵀeᵗA) − hᵀt, which is convex.
///
/// # Shapes
/// `source` n×d; `target` n scores.
/// # Cost
/// About twenty evaluations, each two to four sweeps of 2nd² flops (sparse rows: Σ nnz(aᵢ)²), and as much for the proof.
/// Memory: 60 n values. No n×n matrix, no copy of A.
/// # Accuracy
/// See [`HatInversion::intervals`], which include the rounding of everything that was computed.
/// # Errors
/// [`ErrorKind::Option`](crate::ErrorKind::Option) for scores outside [0, 1] beyond what their errors explain, naming the
/// row; shapes and non-finite input. That no weights have these scores is an answer: see [`HatInversion::impossible`].
/// # Examples
/// ```
/// use unhat::{invert::hat::{invert_hat, HatOptions}, rows::DenseRows, Run};
/// let a = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]; // weights 1, 2, 4
/// let h = [3.0 / 7.0, 5.0 / 7.0, 6.0 / 7.0];
/// let found = invert_hat(&DenseRows::new(&a, 2)?, &h, &HatOptions::default(), None, &Run::default())?;
/// let w: Vec<f64> = found.weights.iter().map(|w| w.unwrap()).collect();
/// assert!((w[1] / w[0] - 2.0).abs() < 1e-12 && (w[2] / w[0] - 4.0).abs() < 1e-12);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// Tyler1987; GelfandGoreskyMacPhersonSerganova1987; Rheinboldt1970.
pub fn invert_hat(
    source: &dyn RowSource,
    target: &[f64],
    options: &HatOptions,
    checkpoint: Option<HatCheckpoint<'_>>,
    run: &Run<'_>,
) -> Result<HatInversion> {
    options.check()?;
    let release = HatRelease::of(source, target, &options.precision, run)?;
    require_finite(source, "matrix")?;
    require_plain_columns(source, run)?;
    if options.ridge > 0.0 {
        let ridged = RidgedRows::new(source, options.ridge);
        Inversion::begin(&ridged, source.shape().rows, release, options, run)?.run(checkpoint)
    } else {
        Inversion::begin(source, source.shape().rows, release, options, run)?.run(checkpoint)
    }
}

/// Log weights alone, for those who go on from there: nothing is proven of them.
pub(crate) struct LogWeights {
    /// t = log w, n values; of rows without a component they say nothing.
    pub t: Vec<f64>,
    /// Rows whose weights are known up to one factor each; None: nothing is said of the weight.
    pub component: Vec<Option<usize>>,
    /// How many components there are.
    pub components: usize,
    /// Rows that say nothing of their weight, and why.
    pub silent: Vec<(usize, Silence)>,
    /// The scores that were solved for.
    pub target: Vec<f64>,
}

/// The log weights of scores, without intervals, errors or reasons why there are none.
///
/// # Cost
/// About twenty evaluations; of scores with errors up to `max_iterations`.
/// # Errors
/// As [`invert_hat`]; [`ErrorKind::Numerical`](crate::ErrorKind::Numerical) where the weights run apart.
pub(crate) fn log_weights(
    source: &dyn RowSource,
    release: HatRelease,
    options: &HatOptions,
    pull: Option<&[f64]>,
    run: &Run<'_>,
) -> Result<LogWeights> {
    let mut inversion = Inversion::begin(source, source.shape().rows, release, options, run)?;
    inversion.project();
    let start = inversion.start()?;
    let track = Track { t: start, ..Track::default() };
    let target = Target {
        h: &inversion.h,
        free: &inversion.free,
        components: &inversion.components,
        centred: true,
        deviation: &inversion.deviation,
        pull,
    };
    let limits = (options.tolerance, options.max_iterations);
    let descent = descend(&mut inversion.field, &target, track, limits, &mut |_, _| Ok(()))?;
    run.check()?;
    let free = |i: usize| inversion.free[i].then_some(inversion.components.of_row[i]).flatten();
    Ok(LogWeights {
        component: (0..inversion.own).map(free).collect(),
        components: inversion.components.rank.len(),
        t: descent.place.t,
        target: inversion.h,
        silent: inversion.silent,
    })
}

struct Inversion<'a> {
    field: Field<'a>,
    /// Rows of A; those after them are the ridge's.
    own: usize,
    ridge: bool,
    release: HatRelease,
    options: &'a HatOptions,
    components: Components,
    silent: Vec<(usize, Silence)>,
    /// Rows whose weight is sought.
    free: Vec<bool>,
    /// h as solved for, 0 on the ridge's rows.
    h: Vec<f64>,
    deviation: Vec<f64>,
    warnings: Vec<String>,
}

impl<'a> Inversion<'a> {
    /// Finds which rows speak of what.
    fn begin(
        source: &'a dyn RowSource,
        own: usize,
        release: HatRelease,
        options: &'a HatOptions,
        run: &'a Run<'a>,
    ) -> Result<Self> {
        let n = source.shape().rows;
        run.tell(Event::Phase("looking for components"));
        let no_weight =
            |i: usize| i < own && release.given[i] == 0.0 && release.half.as_ref().is_some_and(|half| half[i] == 0.0);
        let field = Field::new(source, (0..n).map(|i| !no_weight(i)).collect(), run)?;
        let components = Components::of(source, &field.whitened, &field.mask(), run)?;
        let mut silent = Vec::new();
        for i in 0..own {
            let why = match components.of_row[i] {
                None if field.is_zero(i) => Silence::Zero,
                None => Silence::NoWeight,
                Some(_) if components.is_coloop(i) => Silence::Alone,
                Some(_) if release.exact && release.given[i] >= 1.0 => Silence::Saturated,
                Some(_) => continue,
            };
            silent.push((i, why));
        }
        let free = (0..n).map(|i| i < own && components.of_row[i].is_some() && !components.is_coloop(i)).collect();
        let on = |values: &[f64]| values.iter().copied().chain(vec![0.0; n - own]).collect::<Vec<f64>>();
        let (h, deviation) = (on(&release.given), on(&release.deviation));
        let ridge = n > own;
        let (rank, columns) = (field.rank(), source.shape().columns);
        let mut warnings = Vec::new();
        if rank < columns {
            warnings.push(format!(
                "the matrix has rank {rank}, but {columns} columns: columns that depend on the others to rounding are taken \
                 to depend on them exactly"
            ));
        }
        Ok(Inversion { field, own, ridge, release, options, components, silent, free, h, deviation, warnings })
    }

    fn run(mut self, checkpoint: Option<HatCheckpoint<'_>>) -> Result<HatInversion> {
        if let Some(impossible) = self.contradiction() {
            return self.refuse(impossible);
        }
        self.project();
        self.field.run.tell(Event::Phase("descending to the weights"));
        let descent = self.descend(checkpoint)?;
        let held = if self.ridge { Vec::new() } else { held_rows(&self.h, &self.components, &self.free) };
        let mut sought = self.free.clone();
        held.iter().flatten().for_each(|k| sought[*k] = false);
        // Where rounding is the floor, what can be proven decides whether it is an answer.
        let near = matches!(descent.ending, Ending::Solved | Ending::Floor);
        let proof = if near { self.enclosed(&descent.place, &sought)? } else { None };
        let found = match descent.ending {
            Ending::Solved => HatStatus::Solved,
            Ending::Floor if proof.is_some() || descent.misfit <= GOOD_FLOOR => HatStatus::Solved,
            Ending::IterationLimit => HatStatus::IterationLimit,
            Ending::Interrupted => HatStatus::Interrupted,
            Ending::Floor | Ending::Outside | Ending::Stalled => HatStatus::Stalled,
        };
        if !matches!(found, HatStatus::Solved | HatStatus::Interrupted) {
            self.field.run.tell(Event::Phase("looking for rows that contradict each other"));
            let slack: Vec<f64> = (0..self.h.len()).map(|i| self.room(i)).collect();
            let released: Vec<f64> = (0..self.own).map(|i| self.release.given[i]).collect();
            let own: Vec<bool> =
                (0..self.h.len()).map(|i| i < self.own && self.components.of_row[i].is_some()).collect();
            let given: Vec<f64> = released.into_iter().chain(vec![0.0; self.h.len() - self.own]).collect();
            let (source, run) = (self.field.source, self.field.run);
            let place = &descent.place;
            if let Some(found) = witness(source, &self.field.whitened, &place.t, (&given, &slack), &own, run)? {
                return self.refuse(found);
            }
            if descent.ending == Ending::Outside {
                self.warnings.push(
                    "the weights run apart without end: scores on the edge of the possible ones, or beyond it by less than \
                     their errors"
                        .into(),
                );
            }
        }
        self.conclude(found, descent, (held, sought), proof)
    }

    /// How far the errors of row i may move a sum that it is in.
    fn room(&self, i: usize) -> f64 {
        if i >= self.own {
            return 0.0;
        }
        let declared = match &self.release.half {
            Some(half) => half[i],
            None => NOISE_DEVIATIONS * self.release.deviation[i],
        };
        declared + SUM_ROUNDING * f64::from(u8::from(self.release.exact))
    }

    /// Sums over components that no weights have.
    fn contradiction(&self) -> Option<Impossible> {
        let rows_of = |c: usize| (0..self.own).filter(move |&i| self.components.of_row[i] == Some(c));
        for (i, why) in &self.silent {
            if *why == Silence::Zero && self.release.given[*i] > self.room(*i) {
                let sum = self.release.given[*i];
                let reason = format!("row {} is all zeros, so that its score is 0, but {sum} was released", i + 1);
                return Some(Impossible { rows: vec![*i], sum, rank: 0, slack: self.room(*i), reason });
            }
        }
        if self.ridge {
            return None;
        }
        (0..self.components.rank.len()).find_map(|c| {
            let sum: f64 = rows_of(c).map(|i| self.release.given[i]).sum();
            let noise = || NOISE_DEVIATIONS * rows_of(c).map(|i| self.deviation[i].powi(2)).sum::<f64>().sqrt();
            let slack = match &self.release.half {
                Some(_) => rows_of(c).map(|i| self.room(i)).sum::<f64>(),
                None => noise(),
            } + SUM_ROUNDING;
            let rank = self.components.rank[c];
            let advice = if self.release.exact { "; for rounded scores say so (--digits, --decimals)" } else { "" };
            ((sum - rank as f64).abs() > slack).then(|| Impossible {
                rows: rows_of(c).collect(),
                sum,
                rank,
                slack,
                reason: format!(
                    "the scores of component {} ({} rows) sum to {sum:.9}, but its rank is {rank}{advice}",
                    c + 1,
                    self.components.size[c]
                ),
            })
        })
    }

    /// h on the rank of each component: scaled where it is exact, moved by variance where it is not; then inside (0, 1).
    fn project(&mut self) {
        const ROUNDS: usize = 30;
        let (exact, deviation) = (self.release.exact, self.deviation.clone());
        // A score with an error is kept a share of it away from 0 and 1.
        let inside = |i: usize, h: f64| match exact {
            true => h.clamp(f64::MIN_POSITIVE, BELOW_ONE),
            false => {
                let least = (AWAY * deviation[i]).clamp(LEAST_NOISY, 0.2);
                h.clamp(least, 1.0 - least)
            }
        };
        if self.ridge {
            for i in (0..self.own).filter(|&i| self.free[i]) {
                self.h[i] = inside(i, self.h[i]);
            }
            return;
        }
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); self.components.rank.len()];
        for i in (0..self.own).filter(|&i| self.free[i]) {
            rows[self.components.of_row[i].unwrap_or(0)].push(i);
        }
        for (c, rows) in rows.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            let rank = self.components.rank[c] as f64;
            if self.release.exact {
                let sum: f64 = rows.iter().map(|&i| self.h[i]).sum();
                rows.iter().for_each(|&i| self.h[i] = inside(i, self.h[i] * (rank / sum)));
                continue;
            }
            for _ in 0..ROUNDS {
                let excess = rows.iter().map(|&i| self.h[i]).sum::<f64>() - rank;
                let moves = |i: usize| {
                    let moved = self.h[i] - excess.signum() * deviation[i] * 1e-3;
                    if inside(i, moved) == moved { deviation[i].powi(2) } else { 0.0 }
                };
                let total: f64 = rows.iter().map(|&i| moves(i)).sum();
                let shares: Vec<f64> = rows.iter().map(|&i| if total > 0.0 { moves(i) / total } else { 0.0 }).collect();
                rows.iter().zip(&shares).for_each(|(&i, s)| self.h[i] = inside(i, self.h[i] - excess * s));
                if excess.abs() < 1e-15 * rank {
                    break;
                }
            }
        }
    }

    /// logit h − log aᵀ(AᵀhA)⁻¹a: right at once where weights are all of one size or far apart.
    fn start(&mut self) -> Result<Vec<f64>> {
        let n = self.h.len();
        let first: Vec<f64> = (0..n).map(|i| if self.free[i] { self.h[i].ln() } else { 0.0 }).collect();
        let place = self.field.at(&first)?;
        let mut t: Vec<f64> = (0..n)
            .map(|i| match self.free[i] {
                true => {
                    let h = self.h[i].clamp(1e-12, 1.0 - 1e-12);
                    (h / (1.0 - h)).ln() - place.scores[i].max(f64::MIN_POSITIVE).ln() + first[i]
                }
                false => 0.0,
            })
            .collect();
        // Only where the factor is open; with a ridge it is not.
        if !self.ridge {
            self.target().centre(&mut t);
        }
        Ok(t)
    }

    fn target(&self) -> Target<'_> {
        Target {
            h: &self.h,
            free: &self.free,
            components: &self.components,
            centred: !self.ridge,
            deviation: &self.deviation,
            pull: None,
        }
    }

    fn descend(&mut self, checkpoint: Option<HatCheckpoint<'_>>) -> Result<Descent> {
        let (resume, mut save) = match checkpoint {
            Some(HatCheckpoint { resume, save }) => (resume, Some(save)),
            None => (None, None),
        };
        let track = match resume {
            Some(state) => {
                let (track, basis, condition) = track_of(state);
                self.field.recall(basis, condition)?;
                track
            }
            None => Track { t: self.start()?, ..Track::default() },
        };
        let limits = (self.options.tolerance, self.options.max_iterations);
        let mut watch = |track: &Track, field: &Field<'_>| match &mut save {
            Some(save) => save(&state_of(track, field)),
            None => Ok(()),
        };
        let target = Target {
            h: &self.h,
            free: &self.free,
            components: &self.components,
            centred: !self.ridge,
            deviation: &self.deviation,
            pull: None,
        };
        descend(&mut self.field, &target, track, limits, &mut watch)
    }

    fn refuse(self, impossible: Impossible) -> Result<HatInversion> {
        let none = vec![None; self.own];
        let components = self.parts(&[]);
        Ok(HatInversion {
            status: HatStatus::Impossible,
            weights: none,
            components,
            silent: self.silent,
            near_components: Vec::new(),
            intervals: None,
            standard_errors: None,
            impossible: Some(impossible),
            residual: f64::NAN,
            misfit: f64::NAN,
            rank: self.field.rank(),
            scores: Vec::new(),
            target: Vec::new(),
            log_weights: Vec::new(),
            passes: self.field.passes.get(),
            work: self.field.work.get(),
            history: Vec::new(),
            condition: f64::NAN,
            warnings: self.warnings,
        })
    }

    /// The components that say something of weights.
    fn parts(&self, held: &[Option<usize>]) -> Vec<HatComponent> {
        let mut parts: Vec<HatComponent> = self
            .components
            .rank
            .iter()
            .enumerate()
            .map(|(c, rank)| HatComponent { rows: Vec::new(), rank: *rank, held: held.get(c).copied().flatten() })
            .collect();
        for i in (0..self.own).filter(|&i| self.free[i]) {
            if let Some(c) = self.components.of_row[i] {
                parts[c].rows.push(i);
            }
        }
        parts.retain(|part| !part.rows.is_empty());
        parts
    }

    fn conclude(
        mut self,
        status: HatStatus,
        descent: Descent,
        (held, sought): (Vec<Option<usize>>, Vec<bool>),
        enclosure: Option<Enclosure>,
    ) -> Result<HatInversion> {
        let saturated: Vec<usize> =
            self.silent.iter().filter(|(_, why)| *why == Silence::Saturated).map(|(i, _)| *i).collect();
        let errors = match status == HatStatus::Solved && !self.release.exact {
            true => self.spread(&descent.place, (&held, &sought))?,
            false => None,
        };
        if status == HatStatus::Solved && !self.release.exact && errors.is_none() {
            self.warnings.push("no standard errors: the scores determine the weights too weakly".into());
        }
        let weights = self.weights(&descent.place);
        let spoken = |i: usize| self.free[i] && !saturated.contains(&i);
        let pad = 8.0 * f64::EPSILON; // of the weights as they are written, and of the root of the ridge
        let interval = |i: usize, z: &Enclosure| {
            let w = weights[i];
            [w * (-z.below[i]).exp() * (1.0 - pad), w * z.above[i].exp() * (1.0 + pad)]
        };
        let own = 0..self.own;
        let intervals = enclosure.as_ref().map(|z| own.clone().map(|i| spoken(i).then(|| interval(i, z))).collect());
        let standard_errors = errors.map(|errors| own.clone().map(|i| spoken(i).then_some(errors[i])).collect());
        let near_components = enclosure.map_or(Vec::new(), |z| self.threads(&descent.place, &z));
        let place = descent.place;
        let residual = own.clone().filter(|&i| self.free[i]).map(|i| (place.scores[i] - self.release.given[i]).abs());
        Ok(HatInversion {
            status,
            weights: own.clone().map(|i| spoken(i).then_some(weights[i])).collect(),
            components: self.parts(&held),
            near_components,
            intervals,
            standard_errors,
            impossible: None,
            residual: residual.fold(0.0, f64::max),
            misfit: descent.misfit,
            rank: self.field.rank(),
            scores: place.scores[own.clone()].to_vec(),
            target: self.h[own.clone()].to_vec(),
            log_weights: place.t[own].to_vec(),
            passes: self.field.passes.get(),
            work: self.field.work.get(),
            history: descent.history,
            condition: place.condition,
            silent: self.silent,
            warnings: self.warnings,
        })
    }

    /// The proof, for scores with ends: exact ones have the ends h of the projection.
    fn enclosed(&mut self, place: &Place, sought: &[bool]) -> Result<Option<Enclosure>> {
        let Some(half) = &self.release.half else { return Ok(None) };
        if self.silent.iter().any(|(_, why)| *why == Silence::Saturated) {
            return Ok(None);
        }
        self.field.run.tell(Event::Phase("proving intervals"));
        let end = |sign: f64| -> Vec<f64> {
            let ends = (0..self.h.len()).map(|i| match self.release.exact || i >= self.own {
                true => self.h[i],
                false => self.release.given[i] + sign * half[i],
            });
            ends.collect()
        };
        let (low, high) = (end(-1.0), end(1.0));
        match enclose(&mut self.field, &place.t, (&low, &high), sought) {
            Ok(found) => {
                if found.is_none() {
                    let why = match self.release.exact {
                        true => "nothing is proven of the weights: rounding hides what would have to be shown",
                        false => {
                            "nothing is proven of the weights: within the errors of the scores some may be anything"
                        }
                    };
                    self.warnings.push(why.into());
                }
                Ok(found)
            }
            Err(error) if error.is_interrupted() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Standard errors against the held rows; without a ridge the projection on the rank takes one direction of the errors
    /// of each component away, that of n = ν²: XNX − Xn(Xn)ᵀ/Σν².
    fn spread(&mut self, place: &Place, (held, sought): (&[Option<usize>], &[bool])) -> Result<Option<Vec<f64>>> {
        const MOST_PRODUCTS: u32 = 500;
        if self.field.rank() * (self.field.rank() + 1) / 2 > MOST_PAIRS {
            self.field.run.tell(Event::Phase("drawing errors of the scores"));
            let parts = (&self.components, held, sought);
            let Some(drawn) = drawn_errors(&self.field, place, &self.deviation, parts)? else { return Ok(None) };
            self.warnings.push(format!(
                "standard errors are estimates from draws, to {:.1} % of each at the worst row (a standard deviation)",
                100.0 * drawn.uncertainty
            ));
            return Ok(Some(drawn.errors));
        }
        let Some(mut errors) = standard_errors(&self.field, place, &self.deviation, sought)? else { return Ok(None) };
        if self.ridge {
            return Ok(Some(errors));
        }
        let variance: Vec<f64> = self.deviation.iter().map(|s| s * s).collect();
        let Some(common) = solve_held(&self.field, place, &variance, sought, (&variance, 1e-6, MOST_PRODUCTS))? else {
            return Ok(None);
        };
        let mut total = vec![0.0; self.components.rank.len()];
        let informative =
            || (0..self.own).filter(|&i| self.free[i]).filter_map(|i| Some((i, self.components.of_row[i]?)));
        informative().for_each(|(i, c)| total[c] += variance[i]);
        for (i, c) in informative().filter(|(_, c)| total[*c] > 0.0) {
            errors[i] = (errors[i] * errors[i] - common[i] * common[i] / total[c]).max(0.0).sqrt();
        }
        Ok(Some(errors))
    }

    /// w of the rows of A: as the scores were computed for, the geometric mean of each component being 1 without a ridge.
    fn weights(&self, place: &Place) -> Vec<f64> {
        let n = place.scale.len();
        let mut logs: Vec<f64> = place.scale.iter().map(|s| s.max(f64::MIN_POSITIVE).ln()).collect();
        if self.ridge {
            // The ridge's rows have weight 1.
            let one = place.scale[self.own];
            return (0..self.own).map(|i| (place.scale[i] / one).powi(2)).collect();
        }
        let before = logs.clone();
        self.target().centre(&mut logs);
        // What the centre took away is one number a component.
        let mut factor: Vec<f64> = vec![0.0; self.components.rank.len()];
        for i in (0..n).filter(|&i| self.free[i]) {
            factor[self.components.of_row[i].unwrap_or(0)] = before[i] - logs[i];
        }
        let mut seen: Vec<Option<f64>> = vec![None; factor.len()];
        (0..self.own)
            .map(|i| {
                let Some(c) = self.components.of_row[i] else { return 0.0 };
                // The same number for all rows of a component, so that ratios keep their last digits.
                let by = *seen[c].get_or_insert_with(|| (-factor[c]).exp());
                (place.scale[i] * by).powi(2)
            })
            .collect()
    }

    /// Rows whose bound is far above what their own score would ask for: they move together against the held row.
    fn threads(&self, place: &Place, z: &Enclosure) -> Vec<NearComponent> {
        let own = metric(&place.scores);
        let mut found = Vec::new();
        for part in self.parts(&[]) {
            let wide = |i: usize| z.below[i].max(z.above[i]);
            let largest = part.rows.iter().map(|&i| wide(i)).fold(0.0, f64::max);
            let alone = part.rows.iter().map(|&i| {
                let room = if self.release.exact { 1e-15 * self.h[i] } else { self.room(i) };
                room / own[i]
            });
            if largest > THREAD * alone.fold(0.0, f64::max) {
                let rows: Vec<usize> = part.rows.iter().copied().filter(|&i| wide(i) > 0.5 * largest).collect();
                found.push(NearComponent { rows, log_factor: largest });
            }
        }
        found
    }
}

/// The numbers of a state that the loop needs: pairs one after the other, the coordinates by their rows.
fn state_of(track: &Track, field: &Field<'_>) -> State {
    let memory = track.pairs.iter().flat_map(|(s, y)| s.iter().chain(y)).copied().collect();
    let basis = field.coordinates.basis.iter().map(|&i| i as f64);
    State {
        x: track.t.clone(),
        history: track.history.clone(),
        refinements: track.flat,
        best: track.best.clone(),
        passes: field.passes.get(),
        work: field.work.get(),
        step_length: track.step,
        memory,
        origin: std::iter::once(field.condition_then()).chain(basis).collect(),
        ..State::default()
    }
}

fn track_of(state: State) -> (Track, Vec<usize>, f64) {
    let n = state.x.len();
    let pairs = state.memory.chunks_exact(2 * n.max(1)).map(|p| (p[..n].to_vec(), p[n..].to_vec())).collect();
    let basis = state.origin.iter().skip(1).map(|i| *i as usize).collect();
    let track = Track {
        t: state.x,
        pairs,
        history: state.history,
        best: state.best,
        flat: state.refinements,
        step: state.step_length,
        effort: Some((state.passes, state.work)),
    };
    (track, basis, state.origin.first().copied().unwrap_or(0.0))
}
