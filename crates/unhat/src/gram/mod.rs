//! Weighted Gram matrices AᵀDA of rows, and their triangular factors.

mod factor;
mod tsqr;
mod weighted;

pub(crate) use factor::largest_singular_squared;
pub use factor::{Factor, FactorMethod};
pub(crate) use tsqr::{RowSpace, orthogonal_factor};
pub(crate) use weighted::{
    Chunks, Transform, WhitenedGram, add_weighted_gram, chunked_gram, gram_stretches, gram_sum, merged, prefers_pairs,
    require_square_fits, weighted_gram,
};
