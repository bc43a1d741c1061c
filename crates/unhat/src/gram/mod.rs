//! Weighted Gram matrices AᵀDA of rows, and their triangular factors.

mod factor;
mod number;
mod pattern;
mod root;
mod sparse;
mod spectrum;
mod tsqr;
mod weighted;

pub(crate) use factor::largest_singular_squared;
pub use factor::{Factor, FactorMethod};
pub(crate) use number::{Doubled, Dual, Number};
pub(crate) use pattern::Pattern;
pub use root::Root;
pub(crate) use sparse::{SparseFactor, ldlt};
pub(crate) use tsqr::RowSpace;
pub use tsqr::orthogonal_factor;
pub(crate) use weighted::{
    Chunks, PAIRS_BELOW_SHARE, WhitenedGram, add_weighted_gram, chunked_gram, gram_stretches, gram_sum, merged,
    prefers_pairs, require_square_fits,
};
pub use weighted::{Transform, weighted_gram};
