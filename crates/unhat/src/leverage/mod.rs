//! Leverage scores of the rows of a matrix.

mod constant_column;
mod diagnostics;
mod exact;
mod least_squares;
mod other_rows;
mod selected_inverse;
mod sketched;

pub use diagnostics::{Diagnostics, diagnostics, membership_auc, membership_factor, membership_tpr};
pub use exact::{ScoreOptions, Scores, leverage_scores};
pub(crate) use exact::{digits_left, pair_form};
pub use least_squares::{LeastSquares, least_squares};
pub use other_rows::RowFactor;
pub(crate) use selected_inverse::{DOUBLED_COST, accurate_inverse, sandwiched_inverse, selected_inverse};
pub use sketched::sketched_scores;
pub(crate) use sketched::{projected_norms, signs};
