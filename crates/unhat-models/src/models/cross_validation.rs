//! The penalty that predicts held-out rows best.

use super::fit::fit_to;
use super::objective::Objective;
use super::split::drawn_order;
use super::{Family, Network};
use unhat::{ErrorKind, Event, Result, Run};

/// Parts into which the rows are cut, each held out once.
pub const FOLDS: usize = 5;

/// The penalties tried: decades, since the held-out loss is flat within one. M counts in rows: below 10⁻⁴ of a row nothing
/// changes but the weights of separable data, and 10⁴ rows outvote most tables.
pub const PENALTIES: [f64; 9] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4];

/// The relative gradient at which these fits end: enough to tell held-out losses apart that differ by more than 10⁻⁵ of
/// themselves, which is all that matters.
const TOLERANCE: f64 = 1e-5;

/// The random stream of the folds.
const FOLD_STREAM: u64 = 4 << 40;

/// A penalty, and how it did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PenaltyLoss {
    /// The penalty M of the fit.
    pub penalty: f64,
    /// Mean loss of held-out rows; infinite where one overflows.
    pub loss: f64,
}

/// The outcome of [`choose_penalty`].
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidation {
    /// The M of the smallest held-out loss; of equal ones the largest.
    pub penalty: f64,
    /// All penalties tried, increasing.
    pub losses: Vec<PenaltyLoss>,
}

/// Chooses M of a generalised linear model by cross-validation in [`FOLDS`] parts over [`PENALTIES`].
///
/// Each part is held out once; the model of the other rows starts from that of the next larger penalty. Rows of each class
/// are dealt to the parts alike.
///
/// # Cost
/// 45 fits of few steps; no copy of the rows.
/// # Randomness
/// Which part a row belongs to depends on (seed, row, class).
/// # Errors
/// [`ErrorKind::Shape`] for fewer than two rows; [`ErrorKind::Numerical`] if no penalty has a finite held-out loss;
/// [`ErrorKind::Interrupted`].
pub fn choose_penalty(objective: &Objective<'_>, seed: u64, run: &Run<'_>) -> Result<CrossValidation> {
    let fold = folds(objective, seed)?;
    run.tell(Event::Phase("choosing the penalty by cross-validation"));
    let rows = fold.len();
    let mut sums = [0.0; PENALTIES.len()];
    for held_out in 0..FOLDS.min(rows) {
        let weights: Vec<f64> =
            (0..rows).map(|i| if fold[i] == held_out { 0.0 } else { objective.weight(i) }).collect();
        let mut start: Option<Vec<f64>> = None;
        for (sum, &penalty) in sums.iter_mut().zip(&PENALTIES).rev() {
            let quiet = Run { observe: None, ..*run };
            let part = objective.with_penalty(penalty).weighted(&weights)?;
            let network = fit_to(&part, start.as_deref(), TOLERANCE, &quiet)?.network;
            *sum += held_out_loss(objective, &network, |i| fold[i] == held_out, run)?;
            start = Some(network.flatten());
        }
    }
    let total: f64 = (0..rows).map(|i| objective.weight(i)).sum();
    let loss = |sum: f64| if sum.is_finite() { sum / total } else { f64::INFINITY };
    let losses: Vec<PenaltyLoss> =
        PENALTIES.iter().zip(sums).map(|(&penalty, sum)| PenaltyLoss { penalty, loss: loss(sum) }).collect();
    let best = losses.iter().fold(losses[0], |best, tried| if tried.loss <= best.loss { *tried } else { best });
    if !best.loss.is_finite() {
        let reason = "no penalty predicts all held-out rows: name one, or rescale the columns".to_string();
        return Err(ErrorKind::Numerical { reason }.into());
    }
    Ok(CrossValidation { penalty: best.penalty, losses })
}

/// The part of each row.
fn folds(objective: &Objective<'_>, seed: u64) -> Result<Vec<usize>> {
    let response = objective.response();
    if response.len() < 2 {
        return Err(super::frame::shape("training rows", "at least 2 to choose a penalty", "1".into()));
    }
    let classes = objective.family().is_classification().then_some(response);
    let mut fold = vec![0; response.len()];
    // dealt in turn through all classes, so that the parts differ by one row
    let dealt = drawn_order(response.len(), classes, seed, FOLD_STREAM).into_iter().flatten();
    dealt.enumerate().for_each(|(k, row)| fold[row] = k % FOLDS);
    Ok(fold)
}

fn held_out_loss(
    objective: &Objective<'_>,
    network: &Network,
    held_out: impl Fn(usize) -> bool,
    run: &Run<'_>,
) -> Result<f64> {
    let z = super::predictors(network, objective.features().values(), run)?;
    let family: Family = objective.family();
    let rows = z.chunks_exact(family.outputs()).enumerate().filter(|(i, _)| held_out(*i));
    Ok(rows.map(|(i, z)| objective.weight(i) * family.loss(z, objective.response()[i])).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw;
    use crate::models::fit;

    fn table(seed: u64, rows: usize, inputs: usize) -> Vec<f64> {
        let mut values = draw(seed, rows * inputs);
        values.chunks_exact_mut(inputs).for_each(|row| row[inputs - 1] = 1.0);
        values
    }

    /// Every part held out in turn and the others copied and fitted from scratch.
    #[test]
    fn held_out_losses_are_those_of_separate_fits() {
        let (rows, inputs) = (53, 4);
        let features = table(1, rows, inputs);
        let y: Vec<f64> = features.chunks(4).zip(draw(2, rows)).map(|(a, u)| f64::from(a[0] + u > 0.0)).collect();
        let run = Run::default();
        for family in [Family::Bernoulli, Family::Gaussian, Family::Categorical { classes: 2 }] {
            let objective = Objective::new(&features, inputs, &y, family, 0.0).unwrap();
            let chosen = choose_penalty(&objective, 7, &run).unwrap();
            let fold = folds(&objective, 7).unwrap();
            for tried in &chosen.losses {
                let mut sum = 0.0;
                for held_out in 0..FOLDS {
                    let kept: Vec<usize> = (0..rows).filter(|i| fold[*i] != held_out).collect();
                    let gathered: Vec<f64> =
                        kept.iter().flat_map(|i| &features[i * inputs..(i + 1) * inputs]).copied().collect();
                    let response: Vec<f64> = kept.iter().map(|i| y[*i]).collect();
                    let part = Objective::new(&gathered, inputs, &response, family, tried.penalty).unwrap();
                    let network = fit(&part, None, &run).unwrap().network;
                    for i in (0..rows).filter(|i| fold[*i] == held_out) {
                        let a = &features[i * inputs..(i + 1) * inputs];
                        let theta = network.flatten();
                        let z: Vec<f64> =
                            theta.chunks(inputs).map(|t| t.iter().zip(a).map(|(t, a)| t * a).sum()).collect();
                        sum += family.loss(&z, y[i]);
                    }
                }
                let expected = sum / rows as f64;
                assert!((tried.loss / expected - 1.0).abs() < 1e-4, "{family:?} {tried:?} {expected}");
            }
            let least = chosen.losses.iter().map(|l| l.loss).fold(f64::INFINITY, f64::min);
            assert!(chosen.losses.iter().any(|l| l.penalty == chosen.penalty && l.loss == least));
        }
    }

    #[test]
    fn parts_are_even_and_mix_the_classes() {
        let features = table(1, 103, 2);
        let y: Vec<f64> = (0..103).map(|i| f64::from(i % 4 == 0)).collect();
        let objective = Objective::new(&features, 2, &y, Family::Bernoulli, 0.0).unwrap();
        let fold = folds(&objective, 1).unwrap();
        for part in 0..FOLDS {
            let members: Vec<usize> = (0..103).filter(|i| fold[*i] == part).collect();
            assert!((20..=21).contains(&members.len()));
            assert!((5..=6).contains(&members.iter().filter(|i| y[**i] == 1.0).count()));
        }
        assert_ne!(fold, folds(&objective, 2).unwrap());
    }

    #[test]
    fn noise_is_penalised_and_signal_is_not() {
        let features = table(3, 200, 6);
        let noise = draw(4, 200);
        let signal: Vec<f64> =
            features.chunks(6).zip(&noise).map(|(a, u)| 3.0 * a[0] - 2.0 * a[1] + 0.01 * u).collect();
        let penalty = |y: &[f64]| {
            choose_penalty(&Objective::new(&features, 6, y, Family::Gaussian, 0.0).unwrap(), 1, &Run::default())
                .unwrap()
                .penalty
        };
        assert!(penalty(&noise) >= 10.0, "{}", penalty(&noise));
        assert!(penalty(&signal) <= 0.01, "{}", penalty(&signal));
    }
}
