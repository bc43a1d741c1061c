//! Scores of rows whose layer factors come from elsewhere: from a model that this library has not trained.

use super::leave_one_out::Preconditioner;
use super::{Method, SampleGradients, ScoreOptions, Scored, Target, score_rows};
use crate::error::{Error, ErrorKind, Result};
use crate::models::{Activation, Family, Layer, LayerFactors, Network};
use crate::run::Run;

/// The layer factors of all rows, kept side by side.
///
/// Row i's gradient in layer l is `dᵢaᵢᵀ`: its input and what came back to its output, of the row's own loss.
#[derive(Clone, Debug)]
pub struct CapturedGradients {
    shapes: Network, // without weights: only the shapes of its layers are asked for
    rows: Vec<f64>,
}

/// The methods that need nothing of a model but its layer factors.
const METHODS: &str = "grad-norm, self, ip, wt-ip, cg2, leverage, fisher";

impl CapturedGradients {
    /// Joins the factors of the layers.
    ///
    /// # Shapes
    /// Of every layer n × inputs and n × outputs, row-major, for one n.
    /// # Cost
    /// A copy of all factors.
    /// # Errors
    /// [`ErrorKind::Shape`] for no layer or layers of different numbers of rows, [`ErrorKind::NotFinite`].
    pub fn new(layers: &[LayerFactors<'_>]) -> Result<CapturedGradients> {
        let wrong = |what: String, expected: String, found: usize| -> Error {
            ErrorKind::Shape { what, expected, found: found.to_string() }.into()
        };
        let Some(first) = layers.first().filter(|layer| layer.shape.inputs > 0) else {
            return Err(wrong("layers".into(), "at least one layer with inputs".into(), layers.len()));
        };
        let n = first.inputs.len() / first.shape.inputs;
        for (l, layer) in layers.iter().enumerate() {
            let sides =
                [(layer.inputs, layer.shape.inputs, "inputs"), (layer.gradients, layer.shape.outputs, "gradients")];
            for (values, width, side) in sides {
                if width == 0 || values.len() != n * width {
                    return Err(wrong(
                        format!("{side} of layer {}", l + 1),
                        format!("{n} rows of {width} values, as the first layer has rows"),
                        values.len(),
                    ));
                }
                if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                    return Err(ErrorKind::NotFinite {
                        what: format!("{side} of layer {}", l + 1),
                        row: at / width,
                        column: Some(at % width),
                        found: values[at],
                    }
                    .into());
                }
            }
        }
        let row = |i: usize| {
            layers.iter().flat_map(move |layer| {
                let (inputs, outputs) = (layer.shape.inputs, layer.shape.outputs);
                let a = &layer.inputs[i * inputs..(i + 1) * inputs];
                a.iter().chain(&layer.gradients[i * outputs..(i + 1) * outputs]).copied()
            })
        };
        let shapes = layers.iter().map(|layer| Layer { shape: layer.shape, weights: Vec::new() }).collect();
        Ok(CapturedGradients {
            shapes: Network { layers: shapes, activation: Activation::Relu, family: Family::Gaussian },
            rows: (0..n).flat_map(row).collect(),
        })
    }

    fn gradients(&self) -> Result<SampleGradients<'_>> {
        SampleGradients::of_factors(&self.shapes, &self.rows)
    }
}

/// Scores rows by their layer factors; v is the summed gradient of the validation rows, at temperature 1.
///
/// # Shapes
/// n scores in row order; `validation` has the layers of `training`.
/// # Cost
/// That of [`score_rows`], less the passes through the network.
/// # Errors
/// [`ErrorKind::Option`] for a method that needs the model itself, or validation rows that are not there;
/// [`ErrorKind::Shape`] for layers that differ; those of scoring.
pub fn score_captured(
    method: Method,
    training: &CapturedGradients,
    validation: Option<&CapturedGradients>,
    damping: Option<f64>,
    run: &Run<'_>,
) -> Result<Scored> {
    let refused = |name: &str, reason: String| -> Error { ErrorKind::Option { name: name.into(), reason }.into() };
    match method {
        Method::GradNorm | Method::SelfInfluence | Method::Leverage => {}
        Method::InnerProduct | Method::WhitenedTempered | Method::TwoSteps | Method::Fisher => {}
        other => {
            return Err(refused("method", format!("{other} needs the model itself; factors are enough for {METHODS}")));
        }
    }
    let shapes = |given: &CapturedGradients| given.shapes.layers.iter().map(|l| l.shape).collect::<Vec<_>>();
    let v = match validation {
        Some(rows) if shapes(rows) != shapes(training) => {
            return Err(ErrorKind::Shape {
                what: "layers of the validation rows".into(),
                expected: format!("those of the training rows, {:?}", shapes(training)),
                found: format!("{:?}", shapes(rows)),
            }
            .into());
        }
        Some(rows) if method.needs_v() => Some(rows.gradients()?.sum(1.0, run)?),
        None if method.needs_v() => return Err(refused("validation", format!("is missing, and {method} needs it"))),
        _ => None,
    };
    let options =
        ScoreOptions { penalty: 0.0, temperature: Some(1.0), damping, preconditioner: Preconditioner::Jacobi };
    let target = v.as_deref().map_or(Target::Nothing, Target::Given);
    score_rows(method, &training.gradients()?, target, &options, run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Workspace;

    const INPUTS: usize = 4;

    /// A network, features and responses of n rows; other rows for another seed.
    fn problem(n: usize, seed: usize) -> (Network, Vec<f64>, Vec<f64>) {
        let mut network = Network::zeros(INPUTS, &[3], Activation::Tanh, Family::Bernoulli);
        let weights: Vec<f64> = (0..network.parameters()).map(|k| ((k * 7 + 3) % 11) as f64 / 7.0 - 0.7).collect();
        network.set(&weights);
        let feature = |i: usize, j: usize| ((i * 13 + j * 5 + seed * 3 + i * j) % 17) as f64 / 8.0 - 1.0;
        let features =
            (0..n).flat_map(|i| (0..INPUTS).map(move |j| if j + 1 == INPUTS { 1.0 } else { feature(i, j) })).collect();
        (network, features, (0..n).map(|i| ((i * 5 + seed) % 3 % 2) as f64).collect())
    }

    fn captured(network: &Network, features: &[f64], responses: &[f64]) -> CapturedGradients {
        let mut work = Workspace::default();
        network.forward(features, &mut work);
        let top = |i: usize, z: &[f64], t: &mut [f64]| network.family.gradient_into(z, responses[i], 1.0, t);
        CapturedGradients::new(&network.backward(features, &mut work, top).layers).unwrap()
    }

    #[test]
    fn scores_are_those_of_the_network() {
        let ((network, features, responses), (_, others, answers)) = (problem(40, 0), problem(15, 1));
        let (training, held) = (captured(&network, &features, &responses), captured(&network, &others, &answers));
        let own = SampleGradients::new(&network, &features, &responses).unwrap();
        let run = Run::default();
        let v = SampleGradients::new(&network, &others, &answers).unwrap().sum(1.0, &run).unwrap();
        let options = ScoreOptions {
            penalty: 0.0,
            temperature: Some(1.0),
            damping: None,
            preconditioner: Preconditioner::Jacobi,
        };
        for name in METHODS.split(", ") {
            let method = name.parse().unwrap();
            let expected = score_rows(method, &own, Target::Given(&v), &options, &run).unwrap();
            let found = score_captured(method, &training, Some(&held), None, &run).unwrap();
            assert_eq!(found.scores, expected.scores, "{name}");
            assert_eq!(found.damping, expected.damping, "{name}");
        }
    }

    #[test]
    fn what_factors_do_not_tell_is_refused() {
        let (network, features, responses) = problem(12, 0);
        let training = captured(&network, &features, &responses);
        let refused =
            |method: Method| score_captured(method, &training, None, None, &Run::default()).map(|_| ()).unwrap_err();
        assert!(refused(Method::Loss).to_string().starts_with("method: loss needs the model"));
        assert!(refused(Method::InnerProduct).to_string().starts_with("validation: is missing"));
        let shape = crate::models::LayerShape { inputs: 2, outputs: 1 };
        let layer = |inputs, gradients| LayerFactors { shape, inputs, gradients };
        assert!(CapturedGradients::new(&[]).is_err());
        assert!(CapturedGradients::new(&[layer(&[1.0; 4], &[1.0; 3])]).is_err());
        assert!(CapturedGradients::new(&[layer(&[1.0, f64::NAN], &[1.0])]).is_err());
        let other = CapturedGradients::new(&[layer(&[1.0; 4], &[1.0; 2])]).unwrap();
        let error = score_captured(Method::InnerProduct, &training, Some(&other), None, &Run::default());
        assert!(error.map(|_| ()).unwrap_err().to_string().contains("layers of the validation rows"));
    }
}
