//! Regression diagnostics of linear and generalised linear models, with the names and the numbers of R's `influence.measures`.
//!
//! Everything beyond the fit is one sweep over its rows: hat values, what leaving a row out does, robust standard errors.
//!
//! ```
//! use unhat::{Run, families::Family};
//! use unhat_models::diagnose::{Options, diagnostics};
//! use unhat_models::formula::Formula;
//! use unhat_models::models::{Column, Frame};
//! use unhat_models::regression::{Model, ModelFrame, Specification, fit};
//!
//! let table = Frame::new(vec![
//!     ("y".into(), Column::Numbers(vec![1.0, 2.0, 4.0, 5.0, 9.0])),
//!     ("x".into(), Column::Numbers(vec![0.0, 1.0, 2.0, 3.0, 8.0])),
//! ])?;
//! let frame = ModelFrame::of(&table, &Specification::new(Formula::parse("y ~ x")?), Family::Gaussian)?;
//! let problem = frame.problem(Model::Linear);
//! let fitted = fit(&problem, &Run::default())?;
//! let found = diagnostics(&problem, &fitted, Options::default(), &Run::default())?;
//! assert!((found.hat.iter().sum::<f64>() - 2.0).abs() < 1e-14);
//! assert!(found.flags[4].cooks && !found.flags[0].any());
//! # Ok::<(), unhat::Error>(())
//! ```

mod diagnostics;
mod figures;
mod leave_out;
mod model_scores;
mod moved;
mod partial;
mod report;
mod request;
mod rule;
mod summary;
mod sweeps;
mod tails;

pub use diagnostics::{Change, Diagnostics, Options, diagnostics};
pub use figures::{FigureName, FigureRows, MARKED_MOST, PARTIAL_MOST, PICTURE_POINTS, figures, marked_rows};
pub use leave_out::LeaveOut;
pub use model_scores::{ModelScores, model_scores};
pub use moved::{MOVED_MOST, Moved};
pub use partial::{PartialRegression, partial_regressions};
pub use report::{Coefficient, DiagnoseReport, DiagnosedRow, LISTED, MissingColumn, RuleCount};
pub use request::{Accuracy, Diagnosed, Request};
pub use rule::{Flags, Rule};
pub use summary::summary;
