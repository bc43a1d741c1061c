//! A fully connected network and its per-sample gradients as layer factors: the gradient of row i in layer l is dᵢaᵢᵀ.

use super::{Factors, Family, LayerFactors, LayerShape};
use serde::{Deserialize, Serialize};
use unhat::kernels;

/// What happens between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// max(0, z), with derivative 0 at 0.
    Relu,
    /// tanh z.
    Tanh,
}

/// One layer, z = W a with a = (activated outputs of the layer below, 1).
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its size.
    pub shape: LayerShape,
    /// W, row-major: row k holds the weights of output k, the bias last.
    pub weights: Vec<f64>,
}

/// A fully connected network; without hidden layers, a generalised linear model.
///
/// a₀ = (features, 1),  z_l = W_l a_l,  a_{l+1} = (φ(z_l), 1),  loss ℓ(z_L, y)
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// From the features to the output.
    pub layers: Vec<Layer>,
    /// Between the layers; irrelevant where there is one.
    pub activation: Activation,
    /// The loss.
    pub family: Family,
}

/// Buffers of one batch, reused from batch to batch; one for each thread.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Inputs of layers 1.. (layer 0 reads the features where they lie).
    pub(super) inputs: Vec<Vec<f64>>,
    /// z of every layer.
    pub(super) outputs: Vec<Vec<f64>>,
    /// ∂ℓ/∂z of every layer.
    gradients: Vec<Vec<f64>>,
    /// ∂ℓ/∂a while going down.
    below: Vec<f64>,
}

impl Network {
    /// A network with all weights 0: `hidden` widths between `inputs` (with the constant one) and the family's outputs.
    pub fn zeros(inputs: usize, hidden: &[usize], activation: Activation, family: Family) -> Network {
        let mut layers = Vec::new();
        let mut inputs = inputs;
        for outputs in hidden.iter().copied().chain([family.outputs()]) {
            let shape = LayerShape { inputs, outputs };
            layers.push(Layer { shape, weights: vec![0.0; shape.parameters()] });
            inputs = outputs + 1;
        }
        Network { layers, activation, family }
    }

    /// p, the number of parameters.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|l| l.shape.parameters()).sum()
    }

    /// Inputs of the first layer: columns of the features, the constant one included.
    pub fn inputs(&self) -> usize {
        self.layers[0].shape.inputs
    }

    /// θ: all weights, layer by layer, row-major.
    pub fn flatten(&self) -> Vec<f64> {
        self.layers.iter().flat_map(|l| l.weights.iter().copied()).collect()
    }

    /// Puts θ back.
    pub fn set(&mut self, parameters: &[f64]) {
        let mut rest = parameters;
        for layer in &mut self.layers {
            let (own, others) = rest.split_at(layer.weights.len());
            layer.weights.copy_from_slice(own);
            rest = others;
        }
    }

    /// How many values of a row [`Network::backward`] needs of [`Network::forward`] besides the features.
    pub(crate) fn forward_width(&self) -> usize {
        self.layers[1..].iter().map(|l| l.shape.inputs).sum::<usize>() + self.family.outputs()
    }

    /// The linear predictors of a batch, rows × family.outputs().
    ///
    /// # Shapes
    /// `features`: rows × inputs, row-major, the last column 1.
    /// # Cost
    /// 2·rows·p flops.
    pub fn forward<'w>(&self, features: &[f64], work: &'w mut Workspace) -> &'w [f64] {
        let rows = features.len() / self.inputs();
        work.shape_for(self, rows);
        for (l, layer) in self.layers.iter().enumerate() {
            let LayerShape { inputs, outputs } = layer.shape;
            if l > 0 {
                let (below, own) = (&work.outputs[l - 1], &mut work.inputs[l - 1]);
                for (a, z) in own.chunks_exact_mut(inputs).zip(below.chunks_exact(inputs - 1)) {
                    match self.activation {
                        Activation::Relu => a.iter_mut().zip(z).for_each(|(a, z)| *a = z.max(0.0)),
                        Activation::Tanh => a.iter_mut().zip(z).for_each(|(a, z)| *a = z.tanh()),
                    }
                    a[inputs - 1] = 1.0;
                }
            }
            let a = if l == 0 { features } else { &work.inputs[l - 1] };
            kernels::transpose_times_into(&layer.weights, a, inputs, outputs, rows, &mut work.outputs[l]);
        }
        &work.outputs[self.layers.len() - 1]
    }

    /// The layer factors of a batch for a given ∂f/∂z at the output, after [`Network::forward`] on the same features.
    ///
    /// `top(row, z, out)` writes ∂f/∂z of one row: the family's gradient for the loss, another for another function.
    ///
    /// # Cost
    /// 2·rows·p flops; the factors stay in `work`.
    pub fn backward<'w>(
        &self,
        features: &'w [f64],
        work: &'w mut Workspace,
        mut top: impl FnMut(usize, &[f64], &mut [f64]),
    ) -> Factors<'w> {
        let rows = features.len() / self.inputs();
        let last = self.layers.len() - 1;
        let outputs = self.layers[last].shape.outputs;
        let z = work.outputs[last].chunks_exact(outputs);
        for (i, (d, z)) in work.gradients[last].chunks_exact_mut(outputs).zip(z).enumerate() {
            top(i, z, d);
        }
        for l in (1..=last).rev() {
            let LayerShape { inputs, outputs } = self.layers[l].shape;
            let (lower, upper) = work.gradients.split_at_mut(l);
            work.below.resize(rows * inputs, 0.0);
            kernels::product_into(&self.layers[l].weights, &upper[0], inputs, outputs, rows, &mut work.below);
            let a = &work.inputs[l - 1];
            let d = lower[l - 1].chunks_exact_mut(inputs - 1);
            for ((d, a), below) in d.zip(a.chunks_exact(inputs)).zip(work.below.chunks_exact(inputs)) {
                for k in 0..inputs - 1 {
                    d[k] = match self.activation {
                        Activation::Relu => {
                            if a[k] > 0.0 {
                                below[k]
                            } else {
                                0.0
                            }
                        }
                        Activation::Tanh => below[k] * (1.0 - a[k] * a[k]),
                    };
                }
            }
        }
        let layers = self.layers.iter().enumerate().map(|(l, layer)| LayerFactors {
            shape: layer.shape,
            positions: 1,
            inputs: if l == 0 { features } else { &work.inputs[l - 1] },
            gradients: &work.gradients[l],
        });
        Factors { layers: layers.collect() }
    }
}

impl Workspace {
    /// The linear predictors of the last [`Network::forward`], rows × outputs.
    pub fn predictors(&self) -> &[f64] {
        self.outputs.last().map_or(&[], Vec::as_slice)
    }

    /// The inputs of a layer in the last [`Network::forward`] on `features`, rows × inputs.
    pub(crate) fn layer_inputs<'w>(&'w self, layer: usize, features: &'w [f64]) -> &'w [f64] {
        if layer == 0 { features } else { &self.inputs[layer - 1] }
    }

    /// What [`Network::backward`] reads of the last [`Network::forward`]: the inputs of the layers after the first, and the
    /// predictors.
    fn forwarded(&mut self) -> impl Iterator<Item = &mut Vec<f64>> {
        self.inputs.iter_mut().chain(self.outputs.last_mut())
    }

    /// Copies what [`Network::backward`] needs of a [`Network::forward`], [`Network::forward_width`] values a row.
    pub(crate) fn keep_forward(&mut self, out: &mut [f64]) {
        let mut rest = out;
        for part in self.forwarded() {
            let (own, others) = rest.split_at_mut(part.len());
            own.copy_from_slice(part);
            rest = others;
        }
    }

    /// As after the [`Network::forward`] of a block of so many rows that was kept.
    pub(crate) fn restore_forward(&mut self, network: &Network, rows: usize, kept: &[f64]) {
        self.shape_for(network, rows);
        let mut rest = kept;
        for part in self.forwarded() {
            let (own, others) = rest.split_at(part.len());
            part.copy_from_slice(own);
            rest = others;
        }
    }

    /// The first layer with an output that is NaN or infinite, after [`Network::forward`]; else the first with such a
    /// gradient, after [`Network::backward`].
    pub fn first_not_finite(&self) -> Option<usize> {
        let spoiled = |layers: &[Vec<f64>]| layers.iter().position(|z| z.iter().any(|z| !z.is_finite()));
        spoiled(&self.outputs).or_else(|| spoiled(&self.gradients))
    }

    fn shape_for(&mut self, network: &Network, rows: usize) {
        let count = network.layers.len();
        self.inputs.resize_with(count - 1, Vec::new);
        self.outputs.resize_with(count, Vec::new);
        self.gradients.resize_with(count, Vec::new);
        for (l, layer) in network.layers.iter().enumerate() {
            self.outputs[l].resize(rows * layer.shape.outputs, 0.0);
            self.gradients[l].resize(rows * layer.shape.outputs, 0.0);
            if l > 0 {
                self.inputs[l - 1].resize(rows * layer.shape.inputs, 0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw;

    fn small(activation: Activation, family: Family, hidden: &[usize]) -> (Network, Vec<f64>, Vec<f64>) {
        let rows = 5;
        let mut network = Network::zeros(4, hidden, activation, family);
        network.set(&draw(1, network.parameters()));
        let mut features = draw(2, rows * 4);
        features.chunks_exact_mut(4).for_each(|row| row[3] = 1.0);
        let y = (0..rows).map(|i| (i % family.outputs().max(2)) as f64).collect();
        (network, features, y)
    }

    /// Every per-sample gradient from the factors is the difference quotient of that row's loss.
    #[test]
    fn factors_are_the_differences_of_the_loss() {
        for hidden in [&[][..], &[3], &[3, 4]] {
            for activation in [Activation::Relu, Activation::Tanh] {
                for family in [Family::Gaussian, Family::Bernoulli, Family::Categorical { classes: 3 }, Family::Poisson]
                {
                    let (mut network, features, y) = small(activation, family, hidden);
                    let p = network.parameters();
                    let mut work = Workspace::default();
                    network.forward(&features, &mut work);
                    let factors =
                        network.backward(&features, &mut work, |i, z, d| family.gradient_into(z, y[i], 1.0, d));
                    let mut gradients = Vec::new();
                    for i in 0..y.len() {
                        let mut chosen = vec![0.0; y.len()];
                        chosen[i] = 1.0;
                        let mut gradient = vec![0.0; p];
                        factors.add_combination(Some(&chosen), &mut gradient);
                        gradients.push(gradient);
                    }
                    let mut norms = vec![0.0; y.len()];
                    factors.norms_squared_into(&mut norms);
                    let direction = draw(3, p);
                    let mut dots = vec![0.0; y.len()];
                    factors.dot_into(&direction, &mut dots);
                    let mut sum = vec![0.0; p];
                    factors.add_combination(None, &mut sum);
                    drop(factors);

                    let (theta, h) = (network.flatten(), 1e-5);
                    for j in 0..p {
                        let mut slopes = vec![0.0; y.len()];
                        for (sign, at) in [(1.0, h), (-1.0, -h)] {
                            let mut moved = theta.clone();
                            moved[j] += at;
                            network.set(&moved);
                            let z = network.forward(&features, &mut work);
                            for (i, z) in z.chunks_exact(family.outputs()).enumerate() {
                                slopes[i] += sign * family.loss(z, y[i]) / (2.0 * h);
                            }
                        }
                        for i in 0..y.len() {
                            assert!(
                                (slopes[i] - gradients[i][j]).abs() < 1e-8,
                                "{family:?} {hidden:?} row {i} weight {j}"
                            );
                        }
                        let total: f64 = gradients.iter().map(|g| g[j]).sum();
                        assert!((total - sum[j]).abs() < 1e-12);
                    }
                    for (i, g) in gradients.iter().enumerate() {
                        assert!((kernels::dot(g, g) - norms[i]).abs() < 1e-12 * (1.0 + norms[i]));
                        assert!((kernels::dot(g, &direction) - dots[i]).abs() < 1e-12 * (1.0 + dots[i].abs()));
                    }
                }
            }
        }
    }
}
