//! The rows that a training is given.

use crate::models::TrainingData;

/// The rows to train on, and those to validate with.
#[derive(Clone, Copy)]
pub struct Sets<'a> {
    /// Training rows, and the loss.
    pub train: TrainingData<'a>,
    /// Features and responses of the validation rows, where there are any.
    pub validation: Option<(&'a [f64], &'a [f64])>,
}
