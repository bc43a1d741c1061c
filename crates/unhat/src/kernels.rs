//! Kernels for crates that are built on this one: products of blocks, factors, and the buffers a thread keeps.
//!
//! What stands here is what a [`Pass`](crate::rows::Pass) of one's own is made of. Matrices are slices: blocks of rows
//! row-major, d×d matrices column-major. Shapes are the caller's business; a kernel panics on wrong ones, as indexing does.

pub use crate::gram::{
    Chunks, Transform, add_weighted_gram, gram_stretches, merged, orthogonal_factor, prefers_pairs, weighted_gram,
};
pub use crate::linalg::*;
pub use crate::rows::{lend, most_stretches, touched_zeros, with_scratch};
