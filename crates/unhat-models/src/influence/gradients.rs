//! The per-sample gradients of labelled rows under a trained network: what one sweep over them can compute.
//!
//! G (n×p, row gᵢ = ∇ℓᵢ) is never formed: every product with it goes through the layer factors of a block.

use super::passes::{BlockPass, BlockVisit, FactorPass, ForwardPass, Visit};
use super::samples::{SampleGradients, Source, Top};
use crate::models::{LayerShape, predictors};
use unhat::kernels;
use unhat::kernels::touched_zeros;
use unhat::rows::sweep;
use unhat::{Result, Run};

/// What a forward pass gives is kept for later sweeps up to this many values: 128 MB, half of what a run takes beyond its
/// table anyway.
const KEPT_VALUES: usize = 1 << 24;

impl<'a> SampleGradients<'a> {
    /// The linear predictors z, n × outputs.
    ///
    /// # Cost
    /// 2np flops.
    pub fn predictors(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        predictors(self.network, self.features(), run)
    }

    /// ℓᵢ, one a row.
    ///
    /// # Cost
    /// 2np flops; n × outputs values on the way.
    pub fn losses(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        let family = self.network.family;
        let z = self.predictors(run)?;
        Ok(z.chunks_exact(family.outputs()).zip(self.responses).map(|(z, &y)| family.loss(z, y)).collect())
    }

    /// Σᵢ ∇ℓ(zᵢ/T, yᵢ) in the sense of [`Family::gradient_into`](crate::models::Family::gradient_into): the gradient of the summed loss at T = 1.
    ///
    /// # Cost
    /// 6np flops.
    pub fn sum(&self, temperature: f64, run: &Run<'_>) -> Result<Vec<f64>> {
        self.combination_of(&self.loss_top(temperature), run)
    }

    /// Σᵢ (∂zᵢ/∂θ)ᵀ tᵢ for any t in the predictors: `top(row, z, t)`.
    ///
    /// # Cost
    /// 6np flops.
    pub fn combination_of(&self, top: &Top<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
        self.reduce(self.parameters(), top, run, &|_, factors, sum| factors.add_combination(None, sum))
    }

    /// Gᵀc.
    ///
    /// # Cost
    /// 6np flops.
    pub fn transpose_times(&self, c: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        self.reduce(self.parameters(), &self.loss_top(1.0), run, &|range, factors, sum| {
            factors.add_combination(Some(&c[range]), sum)
        })
    }

    /// Gv: the inner products gᵢ·v, one a row.
    ///
    /// # Cost
    /// 6np flops.
    pub fn times(&self, v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        self.each(1, run, &|_, factors, out| factors.dot_into(v, out))
    }

    /// Gᵀ(Gv), in one sweep.
    ///
    /// # Cost
    /// 8np flops.
    pub fn normal_times(&self, v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        self.reduce(self.parameters(), &self.loss_top(1.0), run, &|range, factors, sum| {
            let mut products = vec![0.0; range.len()];
            factors.dot_into(v, &mut products);
            factors.add_combination(Some(&products), sum);
        })
    }

    /// ‖gᵢ‖², one a row.
    ///
    /// # Cost
    /// 4np flops.
    pub fn norms_squared(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        self.each(1, run, &|_, factors, out| factors.norms_squared_into(out))
    }

    /// What later sweeps need of the forward pass, for [`SampleGradients::forwarded`]; nothing where that is more than 128 MB.
    ///
    /// # Cost
    /// 2np flops; n·Σ d_l values.
    pub(super) fn forward(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        let width = self.network.forward_width();
        if !matches!(self.source, Source::Network) || self.rows() * width > KEPT_VALUES {
            return Ok(Vec::new());
        }
        let mut kept = touched_zeros(self.rows() * width);
        sweep(&self.features, &ForwardPass { network: self.network, width }, &mut kept, run)?;
        Ok(kept)
    }

    /// The same gradients, without going forward again where the outcome of [`SampleGradients::forward`] was kept: the same
    /// bits.
    pub(super) fn forwarded<'b>(&self, kept: &'b [f64]) -> SampleGradients<'b>
    where
        'a: 'b,
    {
        if kept.is_empty() { *self } else { SampleGradients { source: Source::Forwarded(kept), ..*self } }
    }

    /// AᵀA of every layer's inputs, full and column-major.
    ///
    /// # Cost
    /// 2np + n Σ_l d_l² flops.
    pub fn input_grams(&self, run: &Run<'_>) -> Result<Vec<Vec<f64>>> {
        let shapes: Vec<LayerShape> = self.network.layers.iter().map(|l| l.shape).collect();
        let size = shapes.iter().map(|s| s.inputs * s.inputs).sum();
        let sums = match self.source {
            Source::Rows(_) => self.reduce(size, &|_, _, _| (), run, &|_, factors, sum| {
                add_input_grams(&shapes, |l| factors.layers[l].inputs, sum)
            })?,
            _ => self.accumulate(size, run, &|_, features, work, sum| {
                add_input_grams(&shapes, |l| work.layer_inputs(l, features), sum)
            })?,
        };
        let mut rest = sums.as_slice();
        Ok(shapes
            .iter()
            .map(|s| {
                let (own, others) = rest.split_at(s.inputs * s.inputs);
                rest = others;
                let mut gram = own.to_vec();
                kernels::symmetrise(&mut gram, s.inputs);
                gram
            })
            .collect())
    }

    /// A value (or `width` values) of every row's factors at the loss.
    pub(super) fn each(&self, width: usize, run: &Run<'_>, visit: &Visit<'_>) -> Result<Vec<f64>> {
        self.each_at(&self.loss_top(1.0), width, run, visit)
    }

    /// A value (or `width` values) of every row's factors at `top`.
    pub(super) fn each_at(&self, top: &Top<'_>, width: usize, run: &Run<'_>, visit: &Visit<'_>) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.rows() * width];
        let pass = FactorPass { gradients: self, top, width, size: 0, visit };
        sweep(&self.features, &pass, &mut out, run)?;
        Ok(out)
    }

    /// A sum of `size` values over the factors at `top`.
    pub(super) fn reduce(&self, size: usize, top: &Top<'_>, run: &Run<'_>, visit: &Visit<'_>) -> Result<Vec<f64>> {
        let pass = FactorPass { gradients: self, top, width: 0, size, visit };
        Ok(sweep(&self.features, &pass, &mut [], run)?.sum)
    }

    /// ∂ℓ/∂z at z/T.
    pub(super) fn loss_top(&self, temperature: f64) -> impl Fn(usize, &[f64], &mut [f64]) + Sync + use<'_, 'a> {
        let (family, y) = (self.network.family, self.responses);
        move |i, z, t| family.gradient_into(z, y[i], temperature, t)
    }

    /// A sum of `size` values over blocks, of what no gradient of the loss gives.
    pub(super) fn accumulate(&self, size: usize, run: &Run<'_>, visit: &BlockVisit<'_>) -> Result<Vec<f64>> {
        let pass = BlockPass { gradients: self, size, visit };
        Ok(sweep(&self.features, &pass, &mut [], run)?.sum)
    }
}

/// lower(AᵀA) of every layer for the rows of a block.
fn add_input_grams<'w>(shapes: &[LayerShape], inputs: impl Fn(usize) -> &'w [f64], sum: &mut [f64]) {
    let mut rest = sum;
    for (l, shape) in shapes.iter().enumerate() {
        let (own, others) = rest.split_at_mut(shape.inputs * shape.inputs);
        kernels::add_gram(inputs(l), inputs(l), shape.inputs, own);
        rest = others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw;
    use crate::models::Activation;
    use crate::models::{Family, Network};

    #[test]
    fn a_forward_pass_that_is_kept_changes_no_bit() {
        let (rows, inputs, run) = (2100, 4, Run::default()); // three blocks, the last of them short
        for hidden in [&[][..], &[5], &[5, 3]] {
            let mut network = Network::zeros(inputs, hidden, Activation::Tanh, Family::Categorical { classes: 3 });
            network.set(&draw(1, network.parameters()));
            let (features, v) = (draw(2, rows * inputs), draw(3, network.parameters()));
            let y: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).collect();
            let anew = SampleGradients::new(&network, &features, &y).unwrap();
            let kept = anew.forward(&run).unwrap();
            assert_eq!(kept.len(), rows * (hidden.iter().map(|h| h + 1).sum::<usize>() + 3));
            let brought_back = anew.forwarded(&kept);
            assert_eq!(anew.input_grams(&run).unwrap(), brought_back.input_grams(&run).unwrap());
            assert_eq!(anew.times(&v, &run).unwrap(), brought_back.times(&v, &run).unwrap());
        }
    }

    /// AᵀA of the last layer by brute force, from the forward pass alone.
    #[test]
    fn input_grams_are_sums_of_outer_products() {
        let (rows, inputs, run) = (7, 3, Run::default());
        let mut network = Network::zeros(inputs, &[2], Activation::Relu, Family::Gaussian);
        network.set(&draw(1, network.parameters()));
        let (features, y) = (draw(2, rows * inputs), vec![0.5; rows]);
        let grams = SampleGradients::new(&network, &features, &y).unwrap().input_grams(&run).unwrap();
        let mut expected = [0.0; 9];
        for x in features.chunks_exact(inputs) {
            let z = network.layers[0].weights.chunks_exact(inputs).map(|w| kernels::dot(w, x).max(0.0));
            let a: Vec<f64> = z.chain([1.0]).collect();
            (0..9).for_each(|k| expected[k] += a[k % 3] * a[k / 3]);
        }
        assert!(grams[1].iter().zip(&expected).all(|(g, e)| (g - e).abs() < 1e-13), "{grams:?}, {expected:?}");
    }
}
