//! Scores of rows whose layer factors come from elsewhere: from a model that this library has not trained.

use super::leave_one_out::Preconditioner;
use super::{InfluenceOptions, Method, SampleGradients, Scored, Target, score_rows};
use crate::models::{Activation, Family, Layer, LayerFactors, Network};
use unhat::{Error, ErrorKind, Result, Run};

/// The layer factors of all rows, kept side by side.
///
/// Row i's gradient in layer l is `DᵢᵀAᵢ`: its inputs and what came back to its outputs, of the row's own loss, at one or more
/// positions. It is never formed where factors are enough.
///
/// # Examples
/// ```
/// use unhat_models::influence::{CapturedGradients, Method, score_captured};
/// use unhat_models::models::{LayerFactors, LayerShape};
/// // Two rows of a layer with two inputs and one output: the gradients (2, 0) and (3, 4).
/// let shape = LayerShape { inputs: 2, outputs: 1 };
/// let layer = LayerFactors::new(shape, 1, &[1.0, 0.0, 3.0, 4.0], &[2.0, 1.0])?;
/// let rows = CapturedGradients::new(&[layer])?;
/// let found = score_captured(Method::SelfInfluence, &rows, None, None, &unhat::Run::default())?;
/// assert_eq!(found.scores, [-4.0, -25.0]); // −‖g‖²
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CapturedGradients {
    shapes: Network, // without weights: only the shapes of its layers are asked for
    positions: Vec<usize>,
    rows: Vec<f64>,
}

/// The methods that need nothing of a model but its layer factors.
const METHODS: &str = "grad-norm, self, ip, wt-ip, cg2, leverage, fisher";

impl CapturedGradients {
    /// Joins the factors of the layers.
    ///
    /// # Shapes
    /// Of every layer n·T × inputs and n·T × outputs, row-major, for one n.
    /// # Cost
    /// A copy of all factors.
    /// # Errors
    /// [`ErrorKind::Shape`] for no layer or layers of different numbers of rows, [`ErrorKind::NotFinite`].
    pub fn new(layers: &[LayerFactors<'_>]) -> Result<CapturedGradients> {
        let wrong = |what: String, expected: String, found: String| -> Error {
            ErrorKind::Shape { what, expected, found }.into()
        };
        let has_rows = |layer: &&LayerFactors<'_>| layer.shape.inputs > 0 && layer.positions > 0;
        let Some(first) = layers.first().filter(has_rows) else {
            return Err(wrong("layers".into(), "at least one layer with inputs".into(), layers.len().to_string()));
        };
        let n = first.samples();
        for (l, layer) in layers.iter().enumerate() {
            let sides =
                [(layer.inputs, layer.shape.inputs, "inputs"), (layer.gradients, layer.shape.outputs, "gradients")];
            for (values, width, side) in sides {
                let what = || format!("{side} of layer {}", l + 1);
                if width == 0 || layer.positions == 0 || values.len() != n * layer.positions * width {
                    let each = if layer.positions == 1 { String::new() } else { format!("{} × ", layer.positions) };
                    let expected = format!("{n} rows of {each}{width} values, as the first layer has rows");
                    return Err(wrong(what(), expected, format!("{} values", values.len())));
                }
                if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                    return Err(ErrorKind::NotFinite {
                        what: what(),
                        row: at / (layer.positions * width),
                        column: Some(at % (layer.positions * width)),
                        found: values[at],
                    }
                    .into());
                }
            }
        }
        let row = |i: usize| {
            layers.iter().flat_map(move |layer| {
                let (a, d) = layer.of_samples(i..i + 1);
                a.iter().chain(d).copied()
            })
        };
        let shapes = layers.iter().map(|layer| Layer { shape: layer.shape, weights: Vec::new() }).collect();
        Ok(CapturedGradients {
            shapes: Network { layers: shapes, activation: Activation::Relu, family: Family::Gaussian },
            positions: layers.iter().map(|layer| layer.positions).collect(),
            rows: (0..n).flat_map(row).collect(),
        })
    }

    fn gradients(&self) -> Result<SampleGradients<'_>> {
        SampleGradients::of_factors(&self.shapes, &self.positions, &self.rows)
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
        InfluenceOptions { penalty: 0.0, temperature: Some(1.0), damping, preconditioner: Preconditioner::Jacobi };
    let target = v.as_deref().map_or(Target::Nothing, Target::Given);
    score_rows(method, &training.gradients()?, target, &options, run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw;
    use crate::models::{LayerShape, Workspace};

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
        let options = InfluenceOptions {
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

    /// Two layers of positions, on either side of the rule that chooses between pairs and gradients, and one on vectors.
    const LAYERS: [(usize, LayerShape); 3] = [
        (2, LayerShape { inputs: 9, outputs: 8 }),
        (5, LayerShape { inputs: 4, outputs: 3 }),
        (1, LayerShape { inputs: 5, outputs: 2 }),
    ];

    /// (A, D) of every layer.
    fn factors_of(n: usize, seed: u64) -> Vec<[Vec<f64>; 2]> {
        let sides = |(t, s): (usize, LayerShape), k: u64| {
            [draw(seed + k, n * t * s.inputs), draw(seed + k + 10, n * t * s.outputs)]
        };
        LAYERS.into_iter().zip(0..).map(|(layer, k)| sides(layer, k)).collect()
    }

    fn joined(factors: &[[Vec<f64>; 2]]) -> CapturedGradients {
        let layers: Vec<LayerFactors<'_>> = LAYERS
            .into_iter()
            .zip(factors)
            .map(|((positions, shape), [a, d])| LayerFactors::new(shape, positions, a, d).unwrap())
            .collect();
        CapturedGradients::new(&layers).unwrap()
    }

    /// The same gradients, written out: one layer with them as inputs and one output, whose gradient is 1.
    fn written_out(n: usize, factors: &[[Vec<f64>; 2]]) -> (CapturedGradients, Vec<Vec<f64>>) {
        let mut rows = vec![Vec::new(); n];
        for ((t, LayerShape { inputs, outputs }), [a, d]) in LAYERS.into_iter().zip(factors) {
            for (i, row) in rows.iter_mut().enumerate() {
                let entry = |o: usize, j: usize| {
                    (i * t..(i + 1) * t).map(|r| d[r * outputs + o] * a[r * inputs + j]).sum::<f64>()
                };
                row.extend((0..outputs).flat_map(|o| (0..inputs).map(move |j| (o, j))).map(|(o, j)| entry(o, j)));
            }
        }
        let (flat, ones) = (rows.concat(), vec![1.0; n]);
        let shape = LayerShape { inputs: rows[0].len(), outputs: 1 };
        (
            CapturedGradients::new(&[LayerFactors { shape, positions: 1, inputs: &flat, gradients: &ones }]).unwrap(),
            rows,
        )
    }

    /// Every method whose metric is that of the gradients, in the primal form and in the dual.
    #[test]
    fn scores_at_many_positions_are_those_of_the_gradients_written_out() {
        for n in [20, 140] {
            let (training, held) = (factors_of(n, 1), factors_of(7, 41));
            let ((explicit, _), (others, _)) = (written_out(n, &training), written_out(7, &held));
            let (training, held) = (joined(&training), joined(&held));
            for name in METHODS.split(", ").filter(|name| *name != "wt-ip") {
                let method = name.parse().unwrap();
                let run = Run::default();
                let expected = score_captured(method, &explicit, Some(&others), Some(0.5), &run).unwrap();
                let found = score_captured(method, &training, Some(&held), Some(0.5), &run).unwrap();
                let scale = expected.scores.iter().fold(0.0f64, |m, s| m.max(s.abs()));
                for (f, e) in found.scores.iter().zip(&expected.scores) {
                    assert!((f - e).abs() <= 1e-12 * scale, "{name}, n = {n}: {f} {e}");
                }
            }
        }
    }

    /// `Σ_l ⟨g_l, v_l C_l⁻¹⟩` by elimination, `C_l` the mean of `aaᵀ` over samples and positions and its mean eigenvalue.
    #[test]
    fn whitening_takes_the_mean_over_positions() {
        let (n, m) = (20, 7);
        let (training, held) = (factors_of(n, 1), factors_of(m, 41));
        let ((_, rows), (_, others)) = (written_out(n, &training), written_out(m, &held));
        let v: Vec<f64> = (0..rows[0].len()).map(|e| others.iter().map(|row| row[e]).sum()).collect();
        let mut expected = vec![0.0; n];
        let mut start = 0;
        for ((t, LayerShape { inputs, outputs }), [a, _]) in LAYERS.into_iter().zip(&training) {
            let moment = |i: usize, j: usize| a.chunks_exact(inputs).map(|r| r[i] * r[j]).sum::<f64>() / (n * t) as f64;
            let mean = (0..inputs).map(|j| moment(j, j)).sum::<f64>() / inputs as f64;
            for o in 0..outputs {
                let own = start + o * inputs..start + (o + 1) * inputs;
                let matrix = (0..inputs)
                    .map(|i| (0..inputs).map(|j| moment(i, j) + if i == j { mean } else { 0.0 }).collect())
                    .collect();
                let u = unhat_testkit::elimination::solve(matrix, v[own.clone()].to_vec());
                for (e, row) in expected.iter_mut().zip(&rows) {
                    *e += row[own.clone()].iter().zip(&u).map(|(g, u)| g * u).sum::<f64>();
                }
            }
            start += inputs * outputs;
        }
        let (training, held) = (joined(&training), joined(&held));
        let found = score_captured(Method::WhitenedTempered, &training, Some(&held), None, &Run::default()).unwrap();
        for (f, e) in found.scores.iter().zip(&expected) {
            assert!((f - e).abs() <= 1e-11 * e.abs().max(1.0), "{f} {e}");
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
        let shape = LayerShape { inputs: 2, outputs: 1 };
        let layer = |inputs, gradients| LayerFactors { shape, positions: 1, inputs, gradients };
        assert!(CapturedGradients::new(&[]).is_err());
        assert!(CapturedGradients::new(&[layer(&[1.0; 4], &[1.0; 3])]).is_err());
        assert!(CapturedGradients::new(&[layer(&[1.0, f64::NAN], &[1.0])]).is_err());
        let at_two = |inputs| LayerFactors { positions: 2, ..layer(inputs, &[1.0; 4]) };
        assert!(CapturedGradients::new(&[at_two(&[1.0; 8])]).is_ok());
        assert!(CapturedGradients::new(&[LayerFactors { positions: 0, ..at_two(&[1.0; 8]) }]).is_err());
        let error = CapturedGradients::new(&[layer(&[1.0; 6], &[1.0; 3]), at_two(&[1.0; 8])]).unwrap_err();
        assert!(error.to_string().contains("3 rows of 2 × 2 values"), "{error}");
        let other = CapturedGradients::new(&[layer(&[1.0; 4], &[1.0; 2])]).unwrap();
        let error = score_captured(Method::InnerProduct, &training, Some(&other), None, &Run::default());
        assert!(error.map(|_| ()).unwrap_err().to_string().contains("layers of the validation rows"));
    }
}
