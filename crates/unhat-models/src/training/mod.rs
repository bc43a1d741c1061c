//! A whole training of a model that the user named: rule, batches, evaluation, patience, controls, and the state to go on from.
//!
//! [`train_model`] minimises the mean loss of a batch and returns weights and a [`TrainingReport`], the one form in which
//! command line, Python and report page know a training. [`SavedTraining`] is what a checkpoint holds.
//!
//! ```
//! use unhat::Run;
//! use unhat_models::models::{Family, ModelKind, TrainingData};
//! use unhat_models::training::{Sets, TrainingOptions, train_model};
//!
//! let features: Vec<f64> = (0..64).flat_map(|i| [(i % 8) as f64 / 4.0 - 1.0, (i / 8) as f64 / 4.0 - 1.0, 1.0]).collect();
//! let response: Vec<f64> = features.chunks_exact(3).map(|x| f64::from(x[0] > x[1])).collect();
//! let data = TrainingData { features: &features, inputs: 3, response: &response, family: Family::Bernoulli };
//! let options = TrainingOptions { epochs: 5, batch: 16, ..TrainingOptions::default() };
//! let sets = Sets { train: data, validation: None };
//! let trained = train_model(&sets, &ModelKind::Logistic, &options, None, None, &Run::default())?;
//! let history = &trained.report.history;
//! assert!(history.last().unwrap().train_loss < history[0].train_loss);
//! # Ok::<(), unhat::Error>(())
//! ```

mod controls;
mod course;
mod options;
mod prepared;
mod range_test;
mod report;
mod rule;
mod saved;
mod sets;
mod whole;

pub use course::Keeper;
pub use options::{LearningRate, MetricBase, OptimiserName, TrainingOptions};
pub use prepared::{PreparedTraining, TrainingRequest};
pub use report::{
    ControlRun, Controls, Divergence, Ending, EpochCorrelation, HistoryEntry, Kept, RateTrial, ResolvedOptions,
    TrainReport, TrainedModel, TrainingReport,
};
pub use saved::{Identity, SavedTraining};
pub use sets::Sets;
pub use whole::{Trained, train_model};
