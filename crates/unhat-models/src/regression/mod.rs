//! Linear and generalised linear models of a formula, with the conventions and the numbers of R's `lm` and `glm`.
//!
//! A formula and a table make a [`ModelFrame`]: model matrix, response, weights, offset, and the rows that have all of them. A
//! [`Problem`] is fitted by [`fit()`].
//!
//! ```
//! use unhat::{Run, families::Family};
//! use unhat_models::formula::Formula;
//! use unhat_models::models::{Column, Frame, TextColumn};
//! use unhat_models::regression::{Model, ModelFrame, Specification, fit};
//!
//! let table = Frame::new(vec![
//!     ("y".into(), Column::Numbers(vec![1.0, 2.0, 4.0, 5.0, 9.0])),
//!     ("x".into(), Column::Numbers(vec![0.0, 1.0, f64::NAN, 1.0, 3.0])),
//!     ("g".into(), Column::Text(TextColumn::new(["b", "a", "a", "b", "a"].map(Some)))),
//! ])?;
//! let wanted = Specification::new(Formula::parse("y ~ x + g")?);
//! let frame = ModelFrame::of(&table, &wanted, Family::Gaussian)?;
//! assert_eq!(frame.matrix.names(), ["(Intercept)", "x", "gb"]);
//! assert_eq!((frame.count(), frame.missing_phrase()), (4, "x 1".to_string()));
//! let found = fit(&frame.problem(Model::Linear), &Run::default())?;
//! assert_eq!((found.n, found.rank(), found.df_residual), (4, 3, 1));
//! # Ok::<(), unhat::Error>(())
//! ```

mod design;
mod evaluate;
mod features;
mod fit;
mod geometry;
mod independent;
mod law;
mod linear_summary;
mod model_frame;
mod model_matrix;
mod problem;
mod scale;
mod scoring;
mod variables;

pub use design::{Design, MissingRows, Specification};
pub use features::{Featured, features_of, learn_features};
pub use fit::{Fit, fit, fit_from, fit_until_settled};
pub use geometry::Geometry;
pub use law::{FamilyName, Law};
pub use linear_summary::LinearSummary;
pub use model_frame::ModelFrame;
pub use model_matrix::{Columns, ModelMatrix};
pub use problem::{Model, Problem};
pub use scale::RowState;
pub use variables::Variable;
