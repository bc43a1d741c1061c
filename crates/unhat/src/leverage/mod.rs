//! Leverage scores of the rows of a matrix.

mod absorbed;
mod constant_column;
mod derivative;
mod diagnostics;
mod exact;
mod gram_factor;
mod least_squares;
mod membership;
mod other_rows;
mod rank_k;
#[cfg(feature = "report")]
mod report;
mod selected_inverse;
mod sketched;

pub use absorbed::{AbsorbMethod, AbsorbOptions, AbsorbedScores, Factor, absorbed_scores};
pub(crate) use constant_column::{answer_column_sums, answer_constant_columns, constant_column};
pub use derivative::{score_jvp, score_vjp};
pub use diagnostics::{Diagnostics, diagnostics};
pub use exact::{ScoreOptions, Scores, digits_left, leverage_scores};
pub(crate) use exact::{ScorePass, answer_row_space, answer_scores, pair_form};
pub use gram_factor::{gram_factor, gram_factor_like, is_large_and_sparse};
pub use least_squares::{LeastSquares, least_squares};
pub use membership::{Exposure, membership_auc, membership_divergence, membership_factor, membership_tpr};
pub use other_rows::RowFactor;
pub use rank_k::{RankKMethod, RankKOptions, RankKScores, rank_k_scores};
#[cfg(feature = "report")]
pub use report::{AbsorbedReport, RankKReport, ScoresReport};
pub(crate) use selected_inverse::{DOUBLED_COST, accurate_inverse, sandwiched_inverse, selected_inverse};
pub use sketched::sketched_scores;
pub(crate) use sketched::{projected_norms, signs};
