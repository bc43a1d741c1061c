//! Fitting a model that the user named, whatever kind it is: one call from encoded rows to weights.

use super::train::{DEFAULT_EPOCHS, DEFAULT_NETWORK_PENALTY, TrainStatus, TrainerOptions, TrainingData, train};
use super::{
    Activation, CrossValidation, Family, FitStatus, ModelKind, Network, Objective, Snapshot, choose_penalty, fit,
};
use unhat::{ErrorKind, Result, Run};

/// Checkpoints kept of a network's training: more than seven add nothing to what they find.
const CHECKPOINTS: u32 = 7;

/// Rows to fit to.
#[derive(Clone, Copy)]
pub struct FitRows<'a> {
    /// n × inputs, row-major, the last column 1.
    pub features: &'a [f64],
    /// Features of a row, the constant one included.
    pub inputs: usize,
    /// One a row.
    pub responses: &'a [f64],
    /// wᵢ ≥ 0 of the losses; None: all 1.
    pub weights: Option<&'a [f64]>,
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The weights.
    pub network: Network,
    /// The penalty M of the fit.
    pub penalty: f64,
    /// How M was chosen, where it was.
    pub cross_validation: Option<CrossValidation>,
    /// Weights on the way, of a network.
    pub snapshots: Vec<Snapshot>,
    /// What a person must know: separable data, an early end.
    pub warnings: Vec<String>,
}

/// Fits a model: θ = argmin Σᵢ wᵢℓ(zᵢ, yᵢ) + ½M‖θ‖², a network by descent from first weights drawn by seed.
///
/// M, where it is not given: 0 for linear regression, by cross-validation for the other models without hidden layers,
/// [`DEFAULT_NETWORK_PENALTY`] for a network.
///
/// # Cost
/// [`fit`] or [`train`], and 45 short fits where M is chosen.
/// # Randomness
/// Folds, first weights and batches by seed; the same bits for any number of threads.
/// # Errors
/// Those of the parts; [`ErrorKind::Option`] for row weights with a network; [`ErrorKind::Numerical`] where a network's
/// training diverges; [`ErrorKind::Interrupted`].
pub fn fit_model(
    kind: &ModelKind,
    family: Family,
    rows: &FitRows<'_>,
    penalty: Option<f64>,
    seed: u64,
    run: &Run<'_>,
) -> Result<Fitted> {
    if let ModelKind::Network(hidden) = kind {
        return fit_network(hidden, family, rows, penalty.unwrap_or(DEFAULT_NETWORK_PENALTY), seed, run);
    }
    let objective = |penalty: f64| {
        let plain = Objective::new(rows.features, rows.inputs, rows.responses, family, penalty)?;
        rows.weights.map_or(Ok(plain), |w| plain.weighted(w))
    };
    let (penalty, cross_validation) = match (penalty, kind) {
        (Some(penalty), _) => (penalty, None),
        (None, ModelKind::Linear) => (0.0, None),
        (None, _) => {
            let chosen = choose_penalty(&objective(0.0)?, seed, run)?;
            (chosen.penalty, Some(chosen))
        }
    };
    let found = fit(&objective(penalty)?, None, run)?;
    let mut warnings = Vec::new();
    match found.status {
        FitStatus::Solved => {}
        FitStatus::Separable => warnings.push(
            "the columns separate the classes perfectly: without a penalty the weights grow for ever, and the last are used; \
             give --penalty"
                .to_string(),
        ),
        FitStatus::StepLimit | FitStatus::Stalled => warnings.push(format!(
            "the fit ended early ({}) at a relative gradient of {:.1e}",
            found.status.name(),
            found.relative_gradient
        )),
    }
    if let Some(rank) = found.rank {
        warnings.push(format!(
            "{rank} of {} columns are independent: the weights are the shortest that predict the same",
            rows.inputs
        ));
    }
    Ok(Fitted { network: found.network, penalty, cross_validation, snapshots: Vec::new(), warnings })
}

fn fit_network(
    hidden: &[usize],
    family: Family,
    rows: &FitRows<'_>,
    penalty: f64,
    seed: u64,
    run: &Run<'_>,
) -> Result<Fitted> {
    if rows.weights.is_some() {
        let reason = "row weights are for models without hidden layers".to_string();
        return Err(ErrorKind::Option { name: "weights".into(), reason }.into());
    }
    let snapshots = (1..=CHECKPOINTS).map(|k| (k * DEFAULT_EPOCHS).div_ceil(CHECKPOINTS)).collect();
    let options = TrainerOptions { seed, snapshots, ..TrainerOptions::default() };
    let data = TrainingData { features: rows.features, inputs: rows.inputs, response: rows.responses, family };
    let training = train(&data, hidden, Activation::Relu, penalty, options, run)?;
    match training.status {
        TrainStatus::Solved => {}
        TrainStatus::Interrupted => return Err(ErrorKind::Interrupted.into()),
        TrainStatus::Diverged { step, layer } => {
            let reason = format!("the training diverged at step {step}, in layer {}: rescale the columns", layer + 1);
            return Err(ErrorKind::Numerical { reason }.into());
        }
    }
    Ok(Fitted {
        network: training.network,
        penalty,
        cross_validation: None,
        snapshots: training.snapshots,
        warnings: Vec::new(),
    })
}
