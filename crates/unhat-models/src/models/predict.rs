//! What a saved model says of the rows of a table: values, or classes with their probabilities.

use super::{Evaluation, Family, Frame, Label, Model, evaluate, predictors};
use unhat::{ErrorKind, Result, Run};

/// Predictions of a model for the rows of a table, in their order.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// `E[y]` of each row for a numeric response; empty for classes.
    pub values: Vec<f64>,
    /// The class of each row as its position; empty for a numeric response.
    pub classes: Vec<usize>,
    /// Probabilities, rows × classes; empty for a numeric response.
    pub probabilities: Vec<f64>,
    /// Loss and accuracy, where the table holds the response.
    pub evaluation: Option<Evaluation>,
    /// Unknown levels, missing cells, a response that cannot be used.
    pub warnings: Vec<String>,
}

impl Model {
    /// Predicts every row of a table; its columns are found by their names, and the response may be among them.
    ///
    /// # Shapes
    /// `probabilities`: rows × classes, row-major.
    /// # Cost
    /// One sweep, two where the table holds the response; 2np flops each.
    /// # Errors
    /// [`ErrorKind::Option`](unhat::ErrorKind::Option) for a column that is missing or holds another kind of cell;
    /// [`ErrorKind::Numerical`](unhat::ErrorKind::Numerical) where a prediction is not finite;
    /// [`ErrorKind::Interrupted`](unhat::ErrorKind::Interrupted).
    pub fn predict(&self, table: &Frame, run: &Run<'_>) -> Result<Predictions> {
        let rows: Vec<usize> = (0..table.rows()).collect();
        let features = self.encoding.encode(table, &rows)?;
        let mut warnings: Vec<String> = features.warnings.iter().map(ToString::to_string).collect();
        let z = predictors(&self.network, &features.values, run)?;
        let family = self.network.family;
        let (mut values, mut classes, mut probabilities) = (Vec::new(), Vec::new(), Vec::new());
        let mut mean = vec![0.0; family.outputs()];
        for (row, z) in z.chunks_exact(family.outputs()).enumerate() {
            family.mean_into(z, &mut mean);
            if let Some(found) = mean.iter().find(|m| !m.is_finite()) {
                let reason = format!("the prediction of row {} is {found}", row + 1);
                return Err(ErrorKind::Numerical { reason }.into());
            }
            match family {
                Family::Gaussian | Family::Poisson => values.push(mean[0]),
                Family::Bernoulli => {
                    classes.push(family.predict(z) as usize);
                    probabilities.extend([1.0 - mean[0], mean[0]]);
                }
                Family::Categorical { .. } => {
                    classes.push(family.predict(z) as usize);
                    probabilities.extend_from_slice(&mean);
                }
            }
        }
        let has_response = table.names().contains(&self.response.name);
        let evaluation = match has_response.then(|| self.response.encode(table, &rows)) {
            None => None,
            Some(Ok(response)) => Some(evaluate(&self.network, &features.values, &response, run)?),
            Some(Err(error)) => {
                warnings.push(format!("loss and accuracy are unknown: {error}"));
                None
            }
        };
        Ok(Predictions { values, classes, probabilities, evaluation, warnings })
    }

    /// The classes that the model tells apart, in the order of their positions; empty for a numeric response.
    pub fn classes(&self) -> &[Label] {
        self.response.classes()
    }
}
