//! How the linear predictors of a network move with its weights: the product of their Jacobian with a direction.

use super::{Activation, LayerShape, Network, Workspace};
use unhat::kernels;

impl Network {
    /// ∂z/∂θ · u for a batch, rows × family.outputs(), after [`Network::forward`] on the same features.
    ///
    /// ż_l = U_l a_l + W_l ȧ_l,  ȧ_{l+1} = φ′(z_l)∘ż_l
    ///
    /// # Shapes
    /// `direction`: u as [`Network::flatten`]; `moved`: rows × outputs, overwritten.
    /// # Cost
    /// 4·rows·p flops.
    pub fn tangent(&self, features: &[f64], work: &Workspace, direction: &[f64], moved: &mut Vec<f64>) {
        let rows = features.len() / self.inputs();
        let mut rest = direction;
        let mut below = Vec::new(); // ȧ of the layer, with a 0 for the constant one
        for (l, layer) in self.layers.iter().enumerate() {
            let LayerShape { inputs, outputs } = layer.shape;
            let (own, others) = rest.split_at(layer.shape.parameters());
            let a = if l == 0 { features } else { &work.inputs[l - 1] };
            let mut z = vec![0.0; rows * outputs];
            kernels::transpose_times_into(own, a, inputs, outputs, rows, &mut z);
            if l > 0 {
                let mut through = vec![0.0; rows * outputs];
                kernels::transpose_times_into(&layer.weights, &below, inputs, outputs, rows, &mut through);
                z.iter_mut().zip(&through).for_each(|(z, t)| *z += t);
            }
            if l + 1 < self.layers.len() {
                below = vec![0.0; rows * (outputs + 1)];
                let activated = work.inputs[l].chunks_exact(outputs + 1);
                for ((out, z), a) in below.chunks_exact_mut(outputs + 1).zip(z.chunks_exact(outputs)).zip(activated) {
                    for k in 0..outputs {
                        out[k] = z[k]
                            * match self.activation {
                                Activation::Relu => f64::from(a[k] > 0.0),
                                Activation::Tanh => 1.0 - a[k] * a[k],
                            };
                    }
                }
            }
            *moved = z;
            rest = others;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Family;
    use super::*;
    use unhat::random::uniform_rows_into;

    #[test]
    fn the_tangent_is_the_difference_of_the_predictors() {
        let draw = |seed, count| {
            let mut u = vec![0.0; count];
            uniform_rows_into(seed, 0, 0, &mut u);
            u.iter().map(|u| 2.0 * u - 1.0).collect::<Vec<f64>>()
        };
        for activation in [Activation::Relu, Activation::Tanh] {
            for hidden in [&[][..], &[3], &[4, 3]] {
                let mut network = Network::zeros(4, hidden, activation, Family::Categorical { classes: 3 });
                let (theta, u) = (draw(1, network.parameters()), draw(2, network.parameters()));
                let features = draw(3, 5 * 4);
                let mut work = Workspace::default();
                let mut at = |t: f64| {
                    network.set(&theta.iter().zip(&u).map(|(a, b)| a + t * b).collect::<Vec<_>>());
                    network.forward(&features, &mut work).to_vec()
                };
                let h = 1e-6;
                let (above, below) = (at(h), at(-h));
                at(0.0);
                let mut moved = Vec::new();
                network.tangent(&features, &work, &u, &mut moved);
                for k in 0..moved.len() {
                    let slope = (above[k] - below[k]) / (2.0 * h);
                    assert!((slope - moved[k]).abs() < 1e-8, "{hidden:?} {activation:?}: {slope} and {}", moved[k]);
                }
            }
        }
    }
}
