//! What a model says about rows: predictors, mean loss, accuracy, in one sweep.

use super::frame::shape;
use super::{Network, Workspace};
use unhat::rows::{Block, DenseRows, Pass, Rows, sweep};
use unhat::{Result, Run};

/// Loss and accuracy of a model on some rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// How many rows.
    pub rows: usize,
    /// (1/n) Σᵢ ℓᵢ.
    pub mean_loss: f64,
    /// The share of rows whose class is predicted; None where the response is a number.
    pub accuracy: Option<f64>,
}

/// The mean loss and the accuracy on these rows.
///
/// # Shapes
/// `features`: n × inputs, row-major, the last column 1; `response`: n values.
/// # Cost
/// One sweep, 2np flops.
/// # Errors
/// [`ErrorKind::Shape`](unhat::ErrorKind::Shape), [`ErrorKind::Interrupted`](unhat::ErrorKind::Interrupted).
pub fn evaluate(network: &Network, features: &[f64], response: &[f64], run: &Run<'_>) -> Result<Evaluation> {
    let source = DenseRows::new(features, network.inputs())?;
    let rows = features.len() / network.inputs();
    if response.len() != rows {
        return Err(shape("response", &format!("{rows} values"), format!("{} values", response.len())));
    }
    let sum = sweep(&source, &ForwardPass { network, response: Some(response) }, &mut [], run)?;
    let accuracy = network.family.is_classification().then(|| sum.right as f64 / rows as f64);
    Ok(Evaluation { rows, mean_loss: sum.loss / rows as f64, accuracy })
}

/// z of every row, n × family.outputs().
///
/// # Cost
/// One sweep, 2np flops.
/// # Errors
/// As [`evaluate`].
pub fn predictors(network: &Network, features: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let source = DenseRows::new(features, network.inputs())?;
    let mut z = vec![0.0; features.len() / network.inputs() * network.family.outputs()];
    sweep(&source, &ForwardPass { network, response: None }, &mut z, run)?;
    Ok(z)
}

/// With a response the loss is added up, without one the predictors are kept.
struct ForwardPass<'a> {
    network: &'a Network,
    response: Option<&'a [f64]>,
}

#[derive(Default)]
struct LossSum {
    loss: f64,
    right: usize,
    work: Workspace,
}

impl Pass for ForwardPass<'_> {
    type Acc = LossSum;
    fn zero(&self) -> LossSum {
        LossSum::default()
    }
    fn add(&self, sum: &mut LossSum, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let Block::Dense(block) = rows.block else { return Ok(()) }; // the source is dense
        let family = self.network.family;
        let z = self.network.forward(block.values, &mut sum.work);
        match self.response {
            None => out.copy_from_slice(z),
            Some(response) => {
                for (z, &y) in z.chunks_exact(family.outputs()).zip(&response[rows.range()]) {
                    sum.loss += family.loss(z, y);
                    sum.right += usize::from(family.predict(z) == y);
                }
            }
        }
        Ok(())
    }
    fn merge(&self, left: LossSum, right: LossSum) -> LossSum {
        LossSum { loss: left.loss + right.loss, right: left.right + right.right, work: left.work }
    }
    fn width(&self) -> usize {
        if self.response.is_some() { 0 } else { self.network.family.outputs() }
    }
}
