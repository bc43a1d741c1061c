//! Models of a table: generalised linear models and multilayer perceptrons, with per-sample gradients as layer factors.
//!
//! A generalised linear model is a [`Network`] without hidden layers, so that whatever is computed from layer factors is
//! written once.
//!
//! ```
//! use unhat::Run;
//! use unhat_models::models::*;
//!
//! let heat = TextColumn::new(["gas", "oil", "gas", "coal", "oil", "gas"].map(Some));
//! let table = Frame::new(vec![
//!     ("size".into(), Column::Numbers(vec![40.0, 75.0, f64::NAN, 60.0, 90.0, 55.0])), // NaN: missing
//!     ("heat".into(), Column::Text(heat)),
//!     ("sold".into(), Column::Numbers(vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0])),
//! ])?;
//! let rows = [0, 1, 2, 3, 4, 5];
//! let response = Response::fit(&table, "sold", Wanted::TwoClasses, &rows)?;
//! let (encoding, warnings) = Encoding::fit(&table, &["sold"], &rows, Scaling::Standardised)?;
//! let features = encoding.encode(&table, &rows)?.values;
//! let y = response.encode(&table, &rows)?;
//! let objective = Objective::new(&features, encoding.width(), &y, response.family(Wanted::TwoClasses), 0.5)?;
//! let fitted = fit(&objective, None, &Run::default())?;
//! assert_eq!(fitted.status, FitStatus::Solved);
//! assert_eq!(evaluate(&fitted.network, &features, &y, &Run::default())?.accuracy, Some(1.0));
//! # assert!(warnings.is_empty());
//! # Ok::<(), unhat::Error>(())
//! ```

mod cross_validation;
mod encoding;
mod evaluate;
mod factors;
mod family;
mod fit;
mod fitted;
mod frame;
mod kind;
mod label;
mod layer_shape;
mod network;
mod null_space;
mod objective;
mod optimiser;
mod parts;
mod persist;
mod predict;
mod recipe;
mod report;
mod response;
mod split;
mod tangent;
mod train;
mod training_event;

pub use cross_validation::{CrossValidation, FOLDS, PENALTIES, PenaltyLoss, choose_penalty};
pub use encoding::{ColumnEncoding, Encoding, EncodingWarning, Feature, Features, Kind, Scaling};
pub use evaluate::{Evaluation, evaluate, predictors};
pub use factors::{Factors, LayerFactors};
pub use family::Family;
pub use fit::{Fit, FitStatus, fit};
pub use fitted::{FitRows, Fitted, fit_model};
pub use frame::{Column, Frame, TextColumn};
pub use kind::ModelKind;
pub use label::Label;
pub use layer_shape::LayerShape;
pub use network::{Activation, Layer, Network, Workspace};
pub(crate) use null_space::NullSpace;
pub use objective::{Evaluated, Objective};
pub use optimiser::{AdamW, Batch, Momentum, Optimiser, Sgd};
pub(crate) use optimiser::{each_layer, mean_gradient_into, require_memory, require_same_network};
pub use parts::{HeldOut, HeldOutRows, Part, PartOptions, Parts};
pub use persist::Model;
pub use predict::Predictions;
pub use recipe::Recipe;
pub use report::{PredictReport, PredictedRow};
pub use response::{CLASSES_OF_NUMBERS, Response, ResponseKind, Wanted};
pub use split::{DEFAULT_SHARE, Split, split};
pub use train::{
    DEFAULT_BATCH, DEFAULT_EPOCHS, DEFAULT_LEARNING_RATE, DEFAULT_MOMENTUM, DEFAULT_NETWORK_PENALTY, Schedule,
    Snapshot, TrainState, TrainStatus, Trainer, TrainerOptions, TrainerStep, Training, TrainingData, train,
};
pub use training_event::TrainingEvent;
