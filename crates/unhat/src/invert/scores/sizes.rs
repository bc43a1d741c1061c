//! From scores to |Ax − b| up to one factor: 1/(aᵢx − bᵢ)² are row weights, and scores tell row weights.

use super::release::Release;
use crate::error::{ErrorKind, Result};
use crate::invert::hat::{HatOptions, HatRelease, LogWeights, Silence, log_weights};
use crate::rows::RowSource;
use crate::run::{Event, Run};

/// What the scores of all rows say of the size of every slack.
pub(super) struct SlackSizes {
    /// q (n): |sᵢ| up to one factor in each component.
    pub size: Vec<f64>,
    /// The standard deviation of log qᵢ by the error of its own score; infinite where nothing is said (n).
    pub spread: Vec<f64>,
    /// The component of each row that says something, counted from 0 (n).
    pub component: Vec<Option<usize>>,
    /// How many components there are.
    pub components: usize,
    /// Rows that say nothing of their slack, and why.
    pub silent: Vec<(usize, Silence)>,
}

/// The log of a size that is known no better than this says nothing.
const LOST: f64 = 1e-3;
/// What scores and weights lose of their last digits on the way here.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// A weak pull to equal weights keeps the weights of noisy scores finite: π = this · ν²/median ν.
const PULL: f64 = 1e-2;
/// Of scores with errors; their weights need no more digits than that.
const NOISY_TOLERANCE: f64 = 1e-4;
const NOISY_ITERATIONS: u32 = 40;

/// The sizes; None where they run apart, so that nothing is said of them, or where not all scores were released.
///
/// |sᵢ| ∝ wᵢ^(−1/2) for the weights w of the scores σ̂
///
/// # Cost
/// About twenty evaluations of the scores.
/// # Errors
/// Whatever the rows report.
pub(super) fn slack_sizes(source: &dyn RowSource, release: &Release, run: &Run<'_>) -> Result<Option<SlackSizes>> {
    if !release.is_complete() {
        return Ok(None);
    }
    run.tell(Event::Phase("looking for the sizes of the slacks"));
    let exact = release.noise == 0.0;
    let given = HatRelease {
        given: release.target.iter().map(|h| if exact { h.clamp(0.0, 1.0) } else { *h }).collect(),
        half: exact.then(|| release.deviation.clone()),
        deviation: release.deviation.clone(),
        different: release.different,
        exact,
    };
    let options = match exact {
        true => HatOptions::default(),
        false => HatOptions { tolerance: NOISY_TOLERANCE, max_iterations: NOISY_ITERATIONS, ..HatOptions::default() },
    };
    let pull = (!exact).then(|| pull_of(&release.deviation));
    match log_weights(source, given, &options, pull.as_deref(), run) {
        Ok(found) => Ok(Some(SlackSizes::of(found, release))),
        Err(e) if matches!(e.kind(), ErrorKind::Numerical { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

fn pull_of(deviation: &[f64]) -> Vec<f64> {
    let mut sorted = deviation.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2].max(f64::MIN_POSITIVE);
    deviation.iter().map(|s| PULL * s * s / median).collect()
}

impl SlackSizes {
    fn of(found: LogWeights, release: &Release) -> SlackSizes {
        let n = found.t.len();
        let said = |i: usize| found.component[i].is_some();
        let (mut sum, mut count) = (vec![0.0; found.components], vec![0.0_f64; found.components]);
        for i in 0..n {
            if let Some(c) = found.component[i] {
                sum[c] += found.t[i];
                count[c] += 1.0;
            }
        }
        let size = (0..n)
            .map(|i| found.component[i].map_or(1.0, |c| (-0.5 * (found.t[i] - sum[c] / count[c].max(1.0))).exp()))
            .collect();
        let spread: Vec<f64> = (0..n)
            .map(|i| {
                let h = found.target[i];
                let error = release.deviation[i].max(ROUNDING * h);
                if said(i) { 0.5 * error / (h * (1.0 - h)).max(f64::MIN_POSITIVE) } else { f64::INFINITY }
            })
            .collect();
        let mut sizes =
            SlackSizes { size, spread, component: found.component, components: found.components, silent: found.silent };
        if release.noise == 0.0 {
            sizes.leave_out_what_is_lost();
        }
        sizes.number_components();
        sizes
    }

    /// An exact score of 1 to rounding hides how small its slack is.
    fn leave_out_what_is_lost(&mut self) {
        for i in 0..self.size.len() {
            if self.component[i].is_some() && self.spread[i] > LOST {
                self.component[i] = None;
                self.spread[i] = f64::INFINITY;
                if !self.silent.iter().any(|(row, _)| *row == i) {
                    self.silent.push((i, Silence::Saturated));
                }
            }
        }
        self.silent.sort_by_key(|(i, _)| *i);
    }

    /// Counts the components of rows that say something.
    fn number_components(&mut self) {
        let mut number = vec![None; self.components];
        let mut count = 0;
        for component in self.component.iter_mut().flatten() {
            *component = *number[*component].get_or_insert_with(|| {
                count += 1;
                count - 1
            });
        }
        self.components = count;
    }

    /// Whether |sᵢ| is told.
    pub fn knows(&self, row: usize) -> bool {
        self.component[row].is_some()
    }

    /// Whether all that say something say it up to one common factor, and no score hides a part.
    pub fn is_whole(&self) -> bool {
        self.components == 1 && self.silent.iter().all(|(_, why)| *why != Silence::Saturated)
    }
}
