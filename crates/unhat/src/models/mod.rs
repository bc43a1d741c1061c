//! Models of a table: generalised linear models and multilayer perceptrons, with per-sample gradients as layer factors.
//!
//! A generalised linear model is a [`Network`] without hidden layers, so that whatever is computed from layer factors is
//! written once.

mod family;
mod network;
mod tangent;

pub use family::Family;
pub use network::{Activation, Factors, Layer, LayerFactors, LayerShape, Network, Workspace};
