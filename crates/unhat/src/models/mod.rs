//! Models of a table: generalised linear models and multilayer perceptrons, with per-sample gradients as layer factors.
//!
//! A generalised linear model is a [`Network`] without hidden layers, so that whatever is computed from layer factors is
//! written once.

mod cross_validation;
mod encoding;
mod evaluate;
mod family;
mod fit;
mod fitted;
mod frame;
mod kind;
mod label;
mod network;
mod null_space;
mod objective;
mod optimiser;
mod parts;
mod persist;
mod response;
mod split;
mod tangent;
mod train;

pub use cross_validation::{CrossValidation, FOLDS, PENALTIES, PenaltyLoss, choose_penalty};
pub use encoding::{ColumnEncoding, Encoding, EncodingWarning, Feature, Features, Kind, Scaling};
pub use evaluate::{Evaluation, evaluate, predictors};
pub use family::Family;
pub use fit::{Fit, FitStatus, fit};
pub use fitted::{FitRows, Fitted, fit_model};
pub use frame::{Column, Frame, TextColumn};
pub use kind::ModelKind;
pub use label::Label;
pub use network::{Activation, Factors, Layer, LayerFactors, LayerShape, Network, Workspace};
pub use objective::{Evaluated, Objective};
pub use optimiser::{AdamW, Batch, Momentum, Optimiser, Sgd};
pub use parts::{HeldOut, Part, PartOptions, Parts};
pub use persist::Model;
pub use response::{CLASSES_OF_NUMBERS, Response, ResponseKind, Wanted};
pub use split::{DEFAULT_SHARE, Split, split};
pub use train::{
    DEFAULT_BATCH, DEFAULT_EPOCHS, DEFAULT_LEARNING_RATE, DEFAULT_MOMENTUM, DEFAULT_NETWORK_PENALTY, Schedule,
    Snapshot, StepOutcome, TrainOptions, TrainState, TrainStatus, Trainer, Training, TrainingData, train,
};
