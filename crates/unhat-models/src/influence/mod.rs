//! Which rows helped, hurt, are mislabelled, or carry the unfairness: influence scores from per-sample gradients.
//!
//! Larger = better row in every method: positive = helpful for the signed ones (dropping the row raises f), and for loss,
//! gradient norm, self-influence, leverage and the rank sum the negative of the quantity.

mod captured;
mod certificate;
mod check;
mod conjugate;
mod curvature;
mod diagnostics;
mod diagnostics_report;
mod ensemble;
mod evidence;
mod gradients;
mod hat;
mod impact;
mod impact_kind;
mod leave_one_out;
mod membership;
mod method;
mod model_report;
mod passes;
mod ranks;
mod report;
mod request;
mod ridge;
mod samples;
mod study;
mod trim;
mod vanishing;
mod whitened;

pub use captured::{CapturedGradients, score_captured};
pub use certificate::{LARGEST_SPECTRUM, SignCertificate, certified_signs};
pub use check::{FLIPPED_SHARE, MethodCheck, PlantedFlips, auc_of_one, planted_flips, with_flips};
pub use conjugate::{FewSteps, few_steps};
pub use curvature::{LARGEST_DENSE_CURVATURE, class_blocks, curvature_matrix, curvature_times};
pub use diagnostics::{StudyDiagnostics, accuracy};
pub use diagnostics_report::{DiagnosticsReport, DoubtfulSide, EnsembleReport, Judgement};
pub use ensemble::{checkpoint_sum, ensemble_mean};
pub use evidence::{AgreeingMethod, Agreement, Evidence, RowEvidence};
pub use hat::hat_values;
pub use impact::{Concentration, Impact, attacked_features, cosine};
pub use impact_kind::ImpactKind;
pub use leave_one_out::{LeaveOneOut, Preconditioner, exact, few_hessian_steps, one_step, one_step_evaluated};
pub use membership::{MembershipReport, MembershipRow, membership};
pub use method::{InfluenceOptions, LEVERAGE_DAMPING, Method, Scored, Target, Task, damping, rank_sum, score_rows};
pub use model_report::{Coefficient, ModelReport, PenaltyReport};
pub use ranks::{area_under_curve, average_precision, midranks, spearman};
pub use report::{
    CheckReport, ImpactReport, LISTED_ROWS, LeftOut, MethodReport, ScoredRow, StudyReport, TrimReport, TrimRowReport,
};
pub use request::{ImpactRequest, Prepared, Purpose, Request, RowName};
pub use ridge::{Form, Ridge, dual_gram};
pub use samples::{SampleGradients, Top};
pub use study::{
    Direction, EnsembleSpread, ImpactValues, LEVERAGE_LIMIT, Phases, Study, StudyOptions, study, study_of,
};
pub use trim::{TRIMMED_SHARE, TrimRow, Trimmed, ascending, trim, truth_of};
pub use whitened::{InputMetric, TEMPERATURE, WHITENING, margin_gradient, training_margin_products, whitened_products};
