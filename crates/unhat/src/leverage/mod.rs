//! Leverage scores of the rows of a matrix.

mod constant_column;
mod exact;
mod selected_inverse;
mod sketched;

pub use exact::{ScoreOptions, Scores, leverage_scores};
pub(crate) use exact::{digits_left, pair_form};
pub(crate) use selected_inverse::{DOUBLED_COST, accurate_inverse, sandwiched_inverse, selected_inverse};
pub use sketched::sketched_scores;
pub(crate) use sketched::{projected_norms, signs};
