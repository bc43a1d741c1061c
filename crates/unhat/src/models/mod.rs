//! Models of a table: generalised linear models and multilayer perceptrons, with per-sample gradients as layer factors.
//!
//! A generalised linear model is a [`Network`] without hidden layers, so that whatever is computed from layer factors is
//! written once.

mod encoding;
mod family;
mod frame;
mod label;
mod network;
mod parts;
mod response;
mod split;
mod tangent;

pub use encoding::{ColumnEncoding, Encoding, EncodingWarning, Feature, Features, Kind, Scaling};
pub use family::Family;
pub use frame::{Column, Frame, TextColumn};
pub use label::Label;
pub use network::{Activation, Factors, Layer, LayerFactors, LayerShape, Network, Workspace};
pub use parts::{HeldOut, Part, PartOptions, Parts};
pub use response::{CLASSES_OF_NUMBERS, Response, ResponseKind, Wanted};
pub use split::{DEFAULT_SHARE, Split, split};
