//! Planted flips: a share of the labels is flipped, the model trained anew, and the methods ranked by how they find them.

use super::study::{StudyOptions, fit_rows, scored};
use super::{LARGEST_DENSE_CURVATURE, Method, area_under_curve, average_precision};
use crate::error::{ErrorKind, Result};
use crate::models::{Family, ModelKind, Part, Parts, fit_model};
use crate::random::uniform_rows_into;
use crate::run::{Event, Run};

/// Share of labels flipped: enough to count on a thousand rows, too few to change the model much.
pub const FLIPPED_SHARE: f64 = 0.05;

/// How a method found the planted flips. With real noise among the rest both numbers are understated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MethodCheck {
    /// The method.
    pub method: Method,
    /// Area under the curve.
    pub auc: f64,
    /// Average precision.
    pub average_precision: f64,
}

/// The methods, best first.
#[derive(Clone, Debug)]
pub struct PlantedFlips {
    /// Labels flipped.
    pub flipped: usize,
    /// By area under the curve.
    pub methods: Vec<MethodCheck>,
    /// Methods that this model or its size does not admit, with the reason.
    pub left_out: Vec<(Method, String)>,
}

/// Flips labels, trains, scores by every method that applies, and ranks the methods.
///
/// # Cost
/// One more training, and one scoring a method.
/// # Errors
/// [`ErrorKind::Option`] where the response is a number; those of training.
pub fn planted_flips(parts: &Parts, options: &StudyOptions, run: &Run<'_>) -> Result<PlantedFlips> {
    if !parts.family.is_classification() {
        let reason = "labels can be flipped only where the response is a class".to_string();
        return Err(ErrorKind::Option { name: "response".into(), reason }.into());
    }
    let (train, flipped) = with_flips(&parts.train, parts.family, FLIPPED_SHARE, options.seed);
    let planted = Parts { train, ..parts.clone() };
    run.tell(Event::Phase("training on planted flips"));
    let fitted = fit_model(
        &options.kind,
        parts.family,
        &fit_rows(&planted.train, &planted),
        options.penalty,
        options.seed,
        run,
    )?;
    let parameters = fitted.network.parameters();
    let rows = planted.train.rows.len();
    let (mut methods, mut left_out) = (Vec::new(), Vec::new());
    for method in candidates(&options.kind) {
        run.check()?;
        let curvature = matches!(method, Method::Exact | Method::OneStep);
        if curvature && parameters > LARGEST_DENSE_CURVATURE
            || matches!(method, Method::Leverage | Method::Fisher) && rows.min(parameters) > super::LEVERAGE_LIMIT
        {
            left_out.push((method, format!("{parameters} parameters and {rows} rows are too many")));
            continue;
        }
        match scored(&fitted, method, &planted, options, run) {
            Ok(found) => {
                let harm: Vec<f64> = found.scores.iter().map(|s| -s).collect();
                if let (Some(auc), Some(average_precision)) =
                    (area_under_curve(&harm, &flipped), average_precision(&harm, &flipped))
                {
                    methods.push(MethodCheck { method, auc, average_precision });
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted) => return Err(error),
            Err(error) => left_out.push((method, error.to_string())),
        }
    }
    methods.sort_by(|a, b| b.auc.total_cmp(&a.auc)); // stable: the cheaper first among equals
    Ok(PlantedFlips { flipped: flipped.iter().filter(|f| **f).count(), methods, left_out })
}

/// All methods that a table of this kind of model compares, the cheapest first.
fn candidates(kind: &ModelKind) -> Vec<Method> {
    let mut all = vec![
        Method::Loss,
        Method::GradNorm,
        Method::SelfInfluence,
        Method::InnerProduct,
        Method::WhitenedTempered,
        Method::TwoSteps,
        Method::RankSum { two_steps: false },
        Method::RankSum { two_steps: true },
        Method::Leverage,
        Method::Fisher,
        Method::HessianSteps { steps: 4 },
    ];
    match kind {
        ModelKind::Network(_) => all.push(Method::Checkpoints),
        _ => all.extend([Method::Exact, Method::OneStep]),
    }
    all
}

/// The rows with a share of their labels changed to another class, and which.
///
/// # Randomness
/// Keyed by (seed, row).
pub fn with_flips(part: &Part, family: Family, share: f64, seed: u64) -> (Part, Vec<bool>) {
    const WHICH: u64 = 0x66_6c_69_70; // streams of their own: neither those of a split nor of a training
    const WHAT: u64 = WHICH + 1;
    let rows = part.responses.len();
    let (mut keys, mut classes) = (vec![0.0; rows], vec![0.0; rows]);
    uniform_rows_into(seed, WHICH, 0, &mut keys);
    uniform_rows_into(seed, WHAT, 0, &mut classes);
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    let count = ((share * rows as f64).round() as usize).clamp(1, rows);
    let mut flipped = vec![false; rows];
    let mut changed = part.clone();
    let number = family.outputs().max(2);
    for &row in &order[..count] {
        flipped[row] = true;
        let other = 1 + (classes[row] * (number - 1) as f64) as usize; // 1..number: never the class itself
        changed.responses[row] = ((part.responses[row] as usize + other) % number) as f64;
    }
    (changed, flipped)
}
