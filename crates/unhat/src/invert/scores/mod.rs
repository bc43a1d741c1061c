//! From released leverage scores back to the parameters: a lift that needs no start, fits that do, and what noise leaves.

mod baselines;
mod certificate;
mod contest;
mod expected;
mod fit;
mod identify;
mod interval_mean;
mod inversion;
mod lift;
mod lifted_system;
mod noise;
mod options;
mod patterns;
mod polish;
mod release;
#[cfg(feature = "report")]
mod report;
mod signs;
mod sizes;
mod span;
mod starts;
mod step_equations;
mod trial;
mod turns;

pub use certificate::ScoreCertificate;
pub use inversion::{ScoreCandidate, ScoreInversion, invert_scores};
pub use lift::LiftReport;
pub use noise::{
    CramerRao, GradientEstimate, cramer_rao_both, cramer_rao_gradient, cramer_rao_scores, gradient_covariance,
    noisy_gradient_estimate,
};
pub use options::{ScoreInvertOptions, ScoreMethod, ScoreStart};
#[cfg(feature = "report")]
pub use report::ScoreInversionReport;
pub(crate) use trial::{AttackFit, ReleasedScores, ScoreAttacks};
