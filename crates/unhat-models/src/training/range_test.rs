//! `--lr auto`: a short range test. Short trainings from the same first weights, at rates a factor 4 apart uphill and
//! downhill of the rule's usual one, then a factor 2 around the best; the rate with the least loss is taken.

use super::course::Problem;
use super::options::{LearningRate, TrainingOptions};
use super::report::{RateTrial, finite};
use super::rule::{Rule, Variant};
use crate::models::{Network, Schedule, TrainerOptions, TrainerStep, evaluate};
use unhat::{ErrorKind, Result, Run};

/// Steps of a trial: two epochs, but enough for momentum to show, and few enough to stay short.
const LEAST_STEPS: u64 = 40;
const MOST_STEPS: u64 = 100;
/// Training rows that a trial is judged by, evenly spaced.
const JUDGES: usize = 1024;
/// How far the search goes either way from the usual rate, as a power of 2.
const FARTHEST: i32 = 14;
/// Exponents of the first search: a factor 4.
const STRIDE: i32 = 2;
/// Where the search begins for rules without a usual rate.
const FIRST_RATE_OF_COEFFICIENTS: f64 = 0.01;

/// The rate and all trials in order.
///
/// # Randomness
/// By the seed of the training alone.
pub(super) fn choose_rate(problem: &Problem<'_>, run: &Run<'_>) -> Result<(f64, Vec<RateTrial>)> {
    let usual = TrainingOptions { learning_rate: None, ..problem.options.clone() };
    let start = match usual.rate() {
        LearningRate::Auto => FIRST_RATE_OF_COEFFICIENTS,
        LearningRate::Fixed(rate) => rate,
    };
    let judges = Judges::of(problem);
    let mut trials: Vec<(i32, RateTrial)> = Vec::new();
    let attempt = |exponent: i32, trials: &mut Vec<(i32, RateTrial)>| -> Result<()> {
        if exponent.abs() <= FARTHEST && trials.iter().all(|(tried, _)| *tried != exponent) {
            let learning_rate = start * f64::from(exponent).exp2();
            let loss = finite(judges.loss_after(problem, learning_rate, run)?);
            trials.push((exponent, RateTrial { learning_rate, loss }));
        }
        Ok(())
    };
    attempt(0, &mut trials)?;
    loop {
        let (before, at) = (trials.len(), best(&trials)?);
        attempt(at + STRIDE, &mut trials)?;
        attempt(at - STRIDE, &mut trials)?;
        if trials.len() == before {
            break;
        }
    }
    let coarse = best(&trials)?;
    attempt(coarse + 1, &mut trials)?;
    attempt(coarse - 1, &mut trials)?;
    let exponent = best(&trials)?;
    Ok((start * f64::from(exponent).exp2(), trials.into_iter().map(|(_, trial)| trial).collect()))
}

/// The exponent of the least loss; of equal ones the smallest rate.
fn best(trials: &[(i32, RateTrial)]) -> Result<i32> {
    let key = |trial: &RateTrial| trial.loss.unwrap_or(f64::INFINITY);
    let found = trials.iter().min_by(|(a, p), (b, q)| key(p).total_cmp(&key(q)).then(a.cmp(b)));
    // where every rate diverged the smallest is the least, and the search has gone down to its end
    found.map(|(exponent, _)| *exponent).ok_or_else(|| {
        let reason = "the range test for a learning rate found nothing".to_string();
        ErrorKind::Numerical { reason }.into()
    })
}

/// Some of the training rows.
struct Judges {
    features: Vec<f64>,
    response: Vec<f64>,
    steps: u64,
}

impl Judges {
    fn of(problem: &Problem<'_>) -> Judges {
        let data = &problem.sets.train;
        let stride = problem.rows().div_ceil(JUDGES).max(1);
        Judges {
            features: data.features.chunks_exact(data.inputs).step_by(stride).flatten().copied().collect(),
            response: data.response.iter().step_by(stride).copied().collect(),
            steps: (2 * problem.steps_per_epoch()).clamp(LEAST_STEPS, MOST_STEPS),
        }
    }

    /// The mean loss after a trial at a constant rate; infinite where it diverged.
    fn loss_after(&self, problem: &Problem<'_>, learning_rate: f64, run: &Run<'_>) -> Result<f64> {
        let mut rule = Rule::of(problem.options, Variant::Main, problem.rows())?;
        let options = TrainerOptions { schedule: Schedule::Constant, ..problem.train_options(learning_rate) };
        let mut trainer = problem.trainer(options, &mut rule)?;
        for _ in 0..self.steps {
            run.check()?;
            match trainer.step() {
                Ok(TrainerStep::Taken(_)) => {}
                Ok(TrainerStep::Diverged(_)) => return Ok(f64::INFINITY),
                Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => return Ok(f64::INFINITY),
                Err(error) => return Err(error),
            }
        }
        let network: Network = trainer.network();
        Ok(evaluate(&network, &self.features, &self.response, run)?.mean_loss)
    }
}
