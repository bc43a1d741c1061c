//! Reports: what unhat computed, drawn as one HTML file that needs nothing else.
//!
//! [`audit_page`] draws the findings of an audit, [`fit_audit_page`] those of an audit of a fit, [`hat_page`] what hat values
//! gave away, [`outputs_page`] what of a fit may leave, [`inversion_page`] the way back from a gradient or from scores,
//! [`score_page`] the scores of a table, [`diagnose_page`] the rows of a regression, [`influence_page`] which rows hurt a model, [`training_page`] a training;
//! [`audit_images`], [`influence_images`], [`training_images`] and [`convergence_image`] are charts without a page, [`figure_png`] is a picture. This crate computes nothing: it draws the numbers it
//! is given, and every number
//! in the page says in its attribute `data-f` where in the data it stands.
//!
//! A page is complete without script. Every chart is an SVG drawn here, at a width for screens and paper and at one for
//! phones; the script adds pointing, keys, zoom, sorting, export and the choice of colours. Its content policy allows the
//! page's own style and script by their hashes and nothing else, so that it can make no request.

mod audit;
mod charts;
mod diagnose;
mod fit_audit;
mod hat;
mod image;
mod influence;
mod inversion;
mod number;
mod outputs;
mod page;
mod picture;
mod pieces;
mod scores;
mod sections;
mod training;
mod trusted;
mod words;

pub use audit::{audit_images, audit_page};
pub use diagnose::{DiagnosePage, PAGE_PARTIAL, PAGE_POINTS, diagnose_page};
pub use fit_audit::{fit_audit_images, fit_audit_page};
pub use hat::hat_page;
pub use image::Image;
pub use influence::{InfluencePage, influence_density, influence_images, influence_page};
pub use inversion::{convergence_image, inversion_page};
pub use outputs::outputs_page;
pub use picture::figure_png;
pub use scores::{Histogram, ScoresPage, TopScore, score_page};
pub use training::{TrainingPage, training_images, training_page};

/// The data could not be written as JSON.
pub type Error = serde_json::Error;
