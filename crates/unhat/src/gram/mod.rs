//! Weighted Gram matrices AᵀDA of rows, and their triangular factors.

mod factor;
mod number;
mod on_pattern;
mod pattern;
mod root;
mod sparse;
mod spectrum;
mod tsqr;
mod weighted;

pub(crate) use factor::largest_singular_squared;
pub use factor::{Factor, FactorMethod};
pub(crate) use number::{Doubled, Dual, Number};
pub(crate) use on_pattern::{pattern_stretches, weighted_gram_on};
pub(crate) use pattern::Pattern;
pub use root::Root;
pub(crate) use sparse::{SparseFactor, ldlt};
pub(crate) use tsqr::RowSpace;
pub use tsqr::orthogonal_factor;
pub(crate) use tsqr::{answer_space_gram, answer_stretch_qr};
pub use weighted::{Chunks, Transform, add_weighted_gram, gram_stretches, merged, prefers_pairs, weighted_gram};
pub(crate) use weighted::{
    OwnTransform, PAIRS_BELOW_SHARE, answer_gram, answer_whitened_gram, chunked_gram, gram_sum, require_square_fits,
    transformed_gram, transformed_rows,
};
