//! The defaults of every option, as the library has them: Python's signatures show these.

use crate::facts::written;
use pyo3::prelude::*;
use serde_json::json;
use unhat::audit::AuditOptions;
use unhat::invert::InvertOptions;
use unhat::invert::hat::HatOptions;
use unhat::invert::scores::ScoreInvertOptions;
use unhat::leverage::ScoreOptions;
use unhat::weights::{DesignOptions, LewisOptions};
use unhat_models::checking::{Detail, Item, Release};
use unhat_models::influence::{LISTED_ROWS, Request, TRIMMED_SHARE};
use unhat_models::natural::{MetricOptions, REFRESH_STEPS};
use unhat_models::training::TrainingOptions;

/// The word for [`unhat_models::influence::Direction::Validation`], the default.
const VALIDATION: &str = "validation";

/// The JSON object {function: {option: default}}.
#[pyfunction]
pub(crate) fn defaults(py: Python<'_>) -> PyResult<String> {
    let (scores, gradient) = (ScoreOptions::default(), InvertOptions::default());
    let (metric, hat) = (MetricOptions::default(), HatOptions::default());
    let (released, audit) = (ScoreInvertOptions::default(), AuditOptions::default());
    let (study, training) = (Request::default(), TrainingOptions::default());
    let (lewis, design) = (LewisOptions::default(), DesignOptions::default());
    written(
        py,
        &json!({
            "leverage_scores": { "ridge": scores.ridge, "strict": scores.strict },
            "invert_gradient": {
                "solver": gradient.solver.name(), "scores": gradient.scores.name(), "tol": gradient.tolerance,
                "max_iter": gradient.max_iterations, "seed": gradient.seed,
            },
            "invert_scores": {
                "method": released.method.name(), "tol": released.tolerance,
                "max_iter": released.max_iterations, "seed": released.seed,
            },
            "invert_hat": {
                "ridge": hat.ridge, "tol": hat.tolerance, "max_iter": hat.max_iterations, "seed": released.seed,
            },
            "lewis_weights": { "tol": lewis.tolerance, "max_iter": lewis.max_iterations },
            "d_optimal_design": { "gap": design.gap, "lift": design.lift, "max_iter": design.max_iterations },
            "shared_metric": {
                "rank": metric.rank, "alpha": metric.damping, "memory": metric.memory, "rows": metric.rows,
                "seed": metric.seed, "refresh_steps": REFRESH_STEPS,
            },
            "influence": {
                "standardize": study.standardize, "task": study.task.name(), "v": VALIDATION, "ensemble": study.ensemble,
                "top": LISTED_ROWS, "fraction": TRIMMED_SHARE, "seed": study.seed,
            },
            "train": {
                "optimizer": training.optimizer.name(), "batch": training.batch, "epochs": training.epochs,
                "weight_decay": training.weight_decay, "schedule": training.schedule.name(), "seed": training.seed,
                "controls": training.controls, "standardize": study.standardize,
            },
            "audit_outputs": {
                "release": Item::DEFAULT.map(Item::name), "seed": Release::default().seed, "report_detail": Detail::Full,
            },
            "audit": {
                "release": audit.release, "target_error": audit.target_error, "trials": audit.trials,
                "delta": audit.delta, "seed": audit.seed, "report_detail": audit.detail,
            },
        }),
    )
}
