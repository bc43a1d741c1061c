//! The loop: L-BFGS on F(t) = log det(AᵀeᵗA) − hᵀt in the metric σ(1 − σ), which solves every row alone exactly.

use super::components::Components;
use super::point::{Field, Place};
use crate::error::Result;
use crate::linalg::dot;
use crate::run::Event;
use crate::solve::{Status, Step};

/// Pairs of differences that are kept.
const MEMORY: usize = 30;
/// No log weight moves further against the others in one step.
const LONGEST_STEP: f64 = 5.0;
/// The metric of a row whose score is 0 or 1 to rounding.
const LEAST_METRIC: f64 = 1e-14;
/// A misfit of so many roundings cannot be lowered.
const ROUNDING: f64 = 4e-16;
/// Steps without gain after which the floor is reached, and those that do where the misfit is nothing already.
const FLAT: u32 = 60;
const FLAT_NEAR: u32 = 12;
const NEAR: f64 = 1e-9;
/// A floor above this is none: the run has not arrived.
const FLOOR_BELOW: f64 = 1e-4;
/// Log weights further apart than this leave the range of numbers: the scores have no weights, or nearly.
pub(super) const WIDEST: f64 = 650.0;
/// Trials of one line search.
const TRIALS: u32 = 40;

/// How a descent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As far as asked for.
    Solved,
    /// As far as rounding allows.
    Floor,
    /// Weights run apart.
    Outside,
    Stalled,
    IterationLimit,
    Interrupted,
}

/// What is minimised, and over which rows.
pub(super) struct Target<'a> {
    pub h: &'a [f64],
    /// Rows whose weight is sought.
    pub free: &'a [bool],
    pub components: &'a Components,
    /// Whether a constant in each component is open.
    pub centred: bool,
    /// Errors of h that make more steps idle, one a row; 0 for exact ones.
    pub deviation: &'a [f64],
    /// π of ½Σπᵢtᵢ², which keeps the weights of scores with large errors finite, one a row; None where nothing pulls.
    pub pull: Option<&'a [f64]>,
}

/// The state between two steps.
#[derive(Clone, Default)]
pub(super) struct Track {
    pub t: Vec<f64>,
    pub pairs: Vec<(Vec<f64>, Vec<f64>)>,
    pub history: Vec<Step>,
    /// The t of least misfit so far, and that misfit.
    pub best: Option<(Vec<f64>, f64)>,
    /// Steps since the misfit fell by a tenth.
    pub flat: u32,
    pub step: f64,
    /// Evaluations and work up to t, of a state that was saved.
    pub effort: Option<(u32, f64)>,
}

/// The last or best point of a descent.
pub(super) struct Descent {
    pub place: Place,
    pub ending: Ending,
    /// max |σ − h|/(σ(1 − σ)) there.
    pub misfit: f64,
    pub history: Vec<Step>,
}

impl Target<'_> {
    /// Takes the mean over each component away, where it is open.
    pub fn centre(&self, v: &mut [f64]) {
        for (v, free) in v.iter_mut().zip(self.free) {
            if !free {
                *v = 0.0;
            }
        }
        if !self.centred {
            return;
        }
        let count = self.components.rank.len();
        let (mut sum, mut number) = (vec![0.0; count], vec![0.0; count]);
        for (i, v) in v.iter().enumerate() {
            if let (true, Some(c)) = (self.free[i], self.components.of_row[i]) {
                sum[c] += v;
                number[c] += 1.0;
            }
        }
        for (i, v) in v.iter_mut().enumerate() {
            if let (true, Some(c)) = (self.free[i], self.components.of_row[i]) {
                *v -= sum[c] / number[c];
            }
        }
    }

    /// The largest difference within a component; without an open constant the largest size counts too.
    pub fn range(&self, v: &[f64]) -> f64 {
        let count = self.components.rank.len();
        let start = if self.centred { (f64::INFINITY, f64::NEG_INFINITY) } else { (0.0, 0.0) };
        let mut ends = vec![start; count];
        for (i, v) in v.iter().enumerate() {
            if let (true, Some(c)) = (self.free[i], self.components.of_row[i]) {
                ends[c] = (ends[c].0.min(*v), ends[c].1.max(*v));
            }
        }
        ends.iter().map(|(low, high)| (high - low).max(0.0)).fold(0.0, f64::max)
    }

    fn value(&self, place: &Place) -> f64 {
        let linear = self.h.iter().zip(&place.t).zip(self.free).filter(|(_, free)| **free);
        let pulled = self.pull.map_or(0.0, |pull| place.t.iter().zip(pull).map(|(t, p)| p * t * t).sum());
        place.log_det - linear.map(|((h, t), _)| h * t).sum::<f64>() + 0.5 * pulled
    }

    fn gradient(&self, place: &Place) -> Vec<f64> {
        let rows = place.scores.iter().zip(self.h).zip(self.free);
        let mut gradient: Vec<f64> = rows.map(|((s, h), free)| if *free { s - h } else { 0.0 }).collect();
        if let Some(pull) = self.pull {
            gradient.iter_mut().zip(&place.t).zip(pull).for_each(|((g, t), p)| *g += p * t);
        }
        gradient
    }

    /// σ(1 − σ), and the pull.
    fn metric(&self, place: &Place) -> Vec<f64> {
        let mut metric = metric(&place.scores);
        self.pull.into_iter().for_each(|pull| metric.iter_mut().zip(pull).for_each(|(k, p)| *k += p));
        metric
    }

    fn arrived(&self, gradient: &[f64]) -> bool {
        /// Of the error of h: what is below cannot matter.
        const IDLE: f64 = 1e-4;
        gradient
            .iter()
            .zip(self.h)
            .zip(self.deviation)
            .all(|((g, h), s)| g.abs() <= (ROUNDING * (1.0 + h)).max(IDLE * s))
    }
}

/// σ(1 − σ).
pub(super) fn metric(scores: &[f64]) -> Vec<f64> {
    scores.iter().map(|s| (s * (1.0 - s)).max(LEAST_METRIC)).collect()
}

/// From `track.t` to the weights with the scores h.
///
/// # Cost
/// One evaluation a step, and 120 n flops.
pub(super) fn descend(
    field: &mut Field<'_>,
    target: &Target<'_>,
    mut track: Track,
    (tolerance, max_iterations): (f64, u32),
    watch: &mut dyn FnMut(&Track, &Field<'_>) -> Result<()>,
) -> Result<Descent> {
    let mut place = field.at(&track.t)?;
    if let Some((passes, work)) = track.effort.take() {
        field.passes.set(passes);
        field.work.set(work);
    }
    loop {
        let (value, gradient, metric) = (target.value(&place), target.gradient(&place), target.metric(&place));
        let misfit = gradient.iter().zip(&metric).map(|(g, k)| g.abs() / k).fold(0.0, f64::max);
        watch(&track, field)?;
        record(&mut track, field, misfit, &gradient);
        track.flat =
            if track.best.as_ref().is_some_and(|(_, least)| misfit > 0.9 * least) { track.flat + 1 } else { 0 };
        let least = track.best.as_ref().map_or(misfit, |(_, least)| least.min(misfit));
        let ending = if misfit <= tolerance || target.arrived(&gradient) {
            Some(Ending::Solved)
        } else if track.flat > if least < NEAR { FLAT_NEAR } else { FLAT } && least < FLOOR_BELOW {
            Some(Ending::Floor)
        } else if target.range(&track.t) > WIDEST {
            Some(Ending::Outside)
        } else if track.history.len() as u32 > max_iterations {
            Some(Ending::IterationLimit)
        } else {
            None
        };
        if let Some(ending) = ending {
            return finish(field, place, misfit, ending, track);
        }
        if misfit <= least {
            track.best = Some((track.t.clone(), misfit));
        }
        let direction = direction(target, &mut track, &gradient, &metric);
        let slope = dot(&gradient, &direction);
        let longest = (LONGEST_STEP / target.range(&direction)).min(1.0);
        match search(field, target, (&place, value), (&direction, slope, longest)) {
            Ok(Some((next, length))) => {
                let change: Vec<f64> = next.t.iter().zip(&place.t).map(|(a, b)| a - b).collect();
                let bend: Vec<f64> = target.gradient(&next).iter().zip(&gradient).map(|(a, b)| a - b).collect();
                let curvature = dot(&change, &bend);
                if curvature > 1e-14 * (dot(&change, &change) * dot(&bend, &bend)).sqrt() {
                    track.pairs.push((change, bend));
                    if track.pairs.len() > MEMORY {
                        track.pairs.remove(0);
                    }
                }
                track.t = next.t.clone();
                track.step = length;
                place = next;
            }
            Ok(None) => {
                let ending = if least < FLOOR_BELOW { Ending::Floor } else { Ending::Stalled };
                return finish(field, place, misfit, ending, track);
            }
            Err(error) if error.is_interrupted() => return finish(field, place, misfit, Ending::Interrupted, track),
            Err(error) => return Err(error),
        }
    }
}

/// The better one of the last point and the best before it.
fn finish(field: &mut Field<'_>, place: Place, misfit: f64, ending: Ending, track: Track) -> Result<Descent> {
    let (misfit, place) = match track.best {
        Some((t, least)) if least < misfit => match field.at(&t) {
            Err(error) if error.is_interrupted() => (misfit, place),
            found => (least, found?),
        },
        _ => (misfit, place),
    };
    Ok(Descent { place, ending, misfit, history: track.history })
}

/// −B∇F by the two loops, B⁻¹ beginning with the metric.
fn direction(target: &Target<'_>, track: &mut Track, gradient: &[f64], metric: &[f64]) -> Vec<f64> {
    let curvature: Vec<f64> = track.pairs.iter().map(|(s, y)| dot(s, y)).collect();
    let mut q = gradient.to_vec();
    let mut shares = vec![0.0; curvature.len()];
    for (k, (s, y)) in track.pairs.iter().enumerate().rev() {
        shares[k] = dot(s, &q) / curvature[k];
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= shares[k] * y);
    }
    // All rows at once overshoot by a factor of two at most: the matrix is a Laplacian.
    let share = track.pairs.last().map_or(0.5, |(_, y)| {
        let scaled: Vec<f64> = y.iter().zip(metric).map(|(y, k)| y / k).collect();
        curvature[curvature.len() - 1] / dot(y, &scaled)
    });
    let mut v: Vec<f64> = q.iter().zip(metric).map(|(q, k)| share * q / k).collect();
    for (k, (s, y)) in track.pairs.iter().enumerate() {
        let change = shares[k] - dot(y, &v) / curvature[k];
        v.iter_mut().zip(s).for_each(|(v, s)| *v += change * s);
    }
    v.iter_mut().for_each(|v| *v = -*v);
    target.centre(&mut v);
    let slope = dot(gradient, &v);
    if slope.is_nan() || slope >= 0.0 {
        track.pairs.clear();
        v = gradient.iter().zip(metric).map(|(g, k)| -0.5 * g / k).collect();
        target.centre(&mut v);
    }
    v
}

/// A point along the direction with enough decrease, or with a slope that shows it where rounding hides it.
fn search(
    field: &mut Field<'_>,
    target: &Target<'_>,
    (place, value): (&Place, f64),
    (direction, slope, longest): (&[f64], f64, f64),
) -> Result<Option<(Place, f64)>> {
    let mut length = longest;
    for _ in 0..TRIALS {
        let t: Vec<f64> = place.t.iter().zip(direction).map(|(t, v)| t + length * v).collect();
        let next = field.at(&t)?;
        let found = target.value(&next);
        let flat = || dot(&target.gradient(&next), direction).abs() <= 0.9 * slope.abs();
        let hidden = found <= value + 1e-10 * (1.0 + value.abs());
        if found.is_finite() && (found <= value + 1e-4 * length * slope || (hidden && flat())) {
            return Ok(Some((next, length)));
        }
        length /= 3.0;
    }
    Ok(None)
}

fn record(track: &mut Track, field: &Field<'_>, misfit: f64, gradient: &[f64]) {
    let step = Step {
        iteration: track.history.len() as u32,
        passes: field.passes.get(),
        work: field.work.get(),
        decrement: misfit,
        residual: gradient.iter().fold(0.0, |a: f64, g| a.max(g.abs())),
        step_length: track.step,
        certificate: None,
    };
    field.run.tell(Event::Step(&step));
    track.history.push(step);
}

impl From<Ending> for Status {
    fn from(ending: Ending) -> Status {
        match ending {
            Ending::Solved => Status::Solved,
            Ending::IterationLimit => Status::IterationLimit,
            Ending::Interrupted => Status::Interrupted,
            Ending::Floor | Ending::Outside | Ending::Stalled => Status::Stalled,
        }
    }
}
