//! The per-sample gradients of a batch by the factors of its layers, never formed where the factors are enough.
//!
//! gᵢ = DᵢᵀAᵢ (Aᵢ: T×d_in, Dᵢ: T×d_out),  Kᵢⱼ = gᵢ·gⱼ = Σ_{t,s} (AᵢAⱼᵀ ∘ DᵢDⱼᵀ)_{ts},  Gᵀc = Σ cᵢDᵢᵀAᵢ
//!
//! T is 1 in a fully connected layer on vectors, where gᵢ = dᵢaᵢᵀ; in sequences and convolutions a layer is applied at T
//! positions of every sample.

use super::LayerShape;
use std::ops::Range;
use unhat::kernels;
use unhat::kernels::with_scratch;
use unhat::{ErrorKind, Result};

/// The factors of one layer for a batch: sample i's gradient in W is DᵢᵀAᵢ (outputs×inputs).
#[derive(Clone, Copy)]
pub struct LayerFactors<'a> {
    /// Size of the layer.
    pub shape: LayerShape,
    /// T, rows of A and of D for every sample.
    pub positions: usize,
    /// A, samples·T × inputs, row-major, the T rows of a sample together; the last column 1 where there is a bias.
    pub inputs: &'a [f64],
    /// D = ∂ℓ/∂z, samples·T × outputs, row-major.
    pub gradients: &'a [f64],
}

/// The factors of all layers for a batch.
pub struct Factors<'a> {
    /// From the features to the output.
    pub layers: Vec<LayerFactors<'a>>,
}

impl<'a> LayerFactors<'a> {
    /// From A and D of all samples, checked.
    ///
    /// # Shapes
    /// `inputs`: (n·T)×d_in, `gradients`: (n·T)×d_out, row-major, the T rows of a sample together.
    /// # Errors
    /// [`ErrorKind::Shape`] where the lengths do not belong together.
    pub fn new(
        shape: LayerShape,
        positions: usize,
        inputs: &'a [f64],
        gradients: &'a [f64],
    ) -> Result<LayerFactors<'a>> {
        let rows = inputs.len() / shape.inputs.max(1);
        let fits = inputs.len() == rows * shape.inputs && gradients.len() == rows * shape.outputs;
        if positions == 0 || !fits || !rows.is_multiple_of(positions) {
            return Err(ErrorKind::Shape {
                what: "layer factors".into(),
                expected: format!("{positions} rows a sample of {} inputs and {} outputs", shape.inputs, shape.outputs),
                found: format!("{} and {} values", inputs.len(), gradients.len()),
            }
            .into());
        }
        Ok(LayerFactors { shape, positions, inputs, gradients })
    }

    /// n.
    pub fn samples(&self) -> usize {
        self.inputs.len() / (self.shape.inputs * self.positions)
    }

    /// (Aᵢ, Dᵢ) of the samples `range`, one after the other.
    pub fn of_samples(&self, range: Range<usize>) -> (&'a [f64], &'a [f64]) {
        let rows = range.start * self.positions..range.end * self.positions;
        let LayerShape { inputs, outputs } = self.shape;
        (
            &self.inputs[rows.start * inputs..rows.end * inputs],
            &self.gradients[rows.start * outputs..rows.end * outputs],
        )
    }

    /// out += Σᵢ cᵢgᵢ, outputs×inputs; c = 1 where `weights` is None.
    ///
    /// # Cost
    /// 2nT·d_in·d_out flops.
    pub fn add_combination(&self, weights: Option<&[f64]>, out: &mut [f64]) {
        let LayerShape { inputs, outputs } = self.shape;
        match weights {
            None => kernels::add_product_with_transpose(self.inputs, self.gradients, inputs, outputs, 1.0, out),
            Some(c) => with_scratch(self.gradients.len(), |scaled| {
                kernels::scale_rows_into(self.gradients, outputs, |row| c[row / self.positions], scaled);
                kernels::add_product_with_transpose(self.inputs, scaled, inputs, outputs, 1.0, out);
            }),
        }
    }

    /// out = α Σᵢ cᵢgᵢ, outputs×inputs; c = 1 where `weights` is None. What was in `out` is not read.
    ///
    /// # Cost
    /// 2nT·d_in·d_out flops.
    pub fn combination_into(&self, weights: Option<&[f64]>, alpha: f64, out: &mut [f64]) {
        let LayerShape { inputs, outputs } = self.shape;
        match weights {
            None => kernels::product_with_transpose_into(self.inputs, self.gradients, inputs, outputs, alpha, out),
            Some(c) => with_scratch(self.gradients.len(), |scaled| {
                kernels::scale_rows_into(self.gradients, outputs, |row| c[row / self.positions], scaled);
                kernels::product_with_transpose_into(self.inputs, scaled, inputs, outputs, alpha, out);
            }),
        }
    }

    /// outᵢ += gᵢ·V = Σ_t dᵢₜᵀVaᵢₜ, no gradient being formed.
    ///
    /// # Cost
    /// 2nT·d_in·d_out flops.
    pub fn add_products(&self, v: &[f64], out: &mut [f64]) {
        let LayerShape { inputs, outputs } = self.shape;
        let size = self.positions * outputs;
        with_scratch(out.len() * size, |va| {
            kernels::transpose_times_into(v, self.inputs, inputs, outputs, out.len() * self.positions, va);
            for (out, (va, d)) in out.iter_mut().zip(va.chunks_exact(size).zip(self.gradients.chunks_exact(size))) {
                *out += kernels::dot(va, d);
            }
        });
    }

    /// outᵢ += ‖gᵢ‖²: ‖aᵢ‖²‖dᵢ‖² for T = 1, else by pairs of positions or by the gradient, whichever is less work.
    ///
    /// # Cost
    /// n(d_in + d_out) flops for T = 1, else 2nT·min(T(d_in + d_out), d_in·d_out).
    pub fn add_norms_squared(&self, out: &mut [f64]) {
        let LayerShape { inputs, outputs } = self.shape;
        let t = self.positions;
        for (i, out) in out.iter_mut().enumerate() {
            let (a, d) = self.of_samples(i..i + 1);
            *out += if t == 1 {
                kernels::dot(a, a) * kernels::dot(d, d)
            } else if t * (inputs + outputs) <= inputs * outputs {
                let mut square = [0.0];
                self.add_pairs(i, i..i + 1, &mut square);
                square[0]
            } else {
                with_scratch(inputs * outputs, |g| {
                    self.gradient_into(i, g);
                    kernels::dot(g, g)
                })
            };
        }
    }

    /// gᵢ itself, outputs×inputs.
    ///
    /// # Cost
    /// 2T·d_in·d_out flops.
    pub fn gradient_into(&self, i: usize, out: &mut [f64]) {
        let LayerShape { inputs, outputs } = self.shape;
        let (a, d) = self.of_samples(i..i + 1);
        if self.positions > 1 {
            return kernels::product_with_transpose_into(a, d, inputs, outputs, 1.0, out);
        }
        for (out, d) in out.chunks_exact_mut(inputs).zip(d) {
            out.iter_mut().zip(a).for_each(|(out, a)| *out = d * a);
        }
    }

    /// G: gᵢ of every sample, one after the other.
    pub fn gradients(&self) -> Vec<f64> {
        let parameters = self.shape.parameters();
        let mut all = vec![0.0; self.samples() * parameters];
        all.chunks_exact_mut(parameters).enumerate().for_each(|(i, out)| self.gradient_into(i, out));
        all
    }

    /// K is less work from the gradients themselves than from pairs of positions: T²(d_in + d_out) > d_in·d_out.
    pub fn is_smaller_as_gradients(&self) -> bool {
        let LayerShape { inputs, outputs } = self.shape;
        self.positions > 1 && self.positions.pow(2) * (inputs + outputs) > inputs * outputs
    }

    /// K, full n×n, in the cheaper of its two ways.
    ///
    /// # Cost
    /// n²T²(d_in + d_out) flops, or 2nT·d_in·d_out + 2n²·d_in·d_out with n·d_in·d_out numbers of memory.
    pub fn kernel(&self) -> Vec<f64> {
        if self.is_smaller_as_gradients() { self.kernel_of_gradients() } else { self.kernel_of_pairs() }
    }

    /// K by pairs of positions, whatever it costs.
    pub fn kernel_of_pairs(&self) -> Vec<f64> {
        let n = self.samples();
        let mut kernel = vec![0.0; n * n];
        self.add_kernel_columns(0..n, &mut kernel);
        kernels::symmetrise(&mut kernel, n);
        kernel
    }

    /// K by the gradients of the samples, whatever they cost.
    pub fn kernel_of_gradients(&self) -> Vec<f64> {
        let (n, p) = (self.samples(), self.shape.parameters());
        let gradients = self.gradients();
        let mut kernel = vec![0.0; n * n];
        kernels::transpose_times_into(&gradients, &gradients, p, n, n, &mut kernel);
        kernel
    }

    /// out += the columns `range` of K, n values each, by pairs of positions: its rows from `range.start` on, or from the
    /// diagonal on.
    ///
    /// # Cost
    /// 2nT²(d_in + d_out) flops a column.
    pub fn add_kernel_columns(&self, range: Range<usize>, out: &mut [f64]) {
        let LayerShape { inputs, outputs } = self.shape;
        if self.positions == 1 {
            return kernels::add_gram_product_panel(self.inputs, inputs, self.gradients, outputs, range.start, out);
        }
        let n = self.samples();
        range.zip(out.chunks_exact_mut(n)).for_each(|(i, column)| self.add_pairs(i, i..n, &mut column[i..]))
    }

    /// outⱼ += Kᵢⱼ for the samples j of `range`.
    fn add_pairs(&self, i: usize, range: Range<usize>, out: &mut [f64]) {
        let (t, LayerShape { inputs, outputs }) = (self.positions, self.shape);
        let ((own_a, own_d), (a, d)) = (self.of_samples(i..i + 1), self.of_samples(range.clone()));
        let others = range.len() * t;
        with_scratch(t * others, |of_a| {
            kernels::transpose_times_into(own_a, a, inputs, t, others, of_a);
            with_scratch(t * others, |of_d| {
                kernels::transpose_times_into(own_d, d, outputs, t, others, of_d);
                for (out, (a, d)) in out.iter_mut().zip(of_a.chunks_exact(t * t).zip(of_d.chunks_exact(t * t))) {
                    *out += kernels::dot(a, d);
                }
            });
        });
    }
}

impl Factors<'_> {
    /// out += Σᵢ cᵢ gᵢ, all layers flattened as [`super::Network::flatten`]; c = 1 where `weights` is None.
    ///
    /// # Cost
    /// 2·rows·p flops.
    pub fn add_combination(&self, weights: Option<&[f64]>, out: &mut [f64]) {
        let mut rest = out;
        for layer in &self.layers {
            let (own, others) = rest.split_at_mut(layer.shape.parameters());
            layer.add_combination(weights, own);
            rest = others;
        }
    }

    /// outᵢ = gᵢ·v for every row: dᵢᵀVaᵢ summed over layers, the inner products without a gradient being formed.
    ///
    /// # Cost
    /// 2·rows·p flops.
    pub fn dot_into(&self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let mut rest = v;
        for layer in &self.layers {
            let (own, others) = rest.split_at(layer.shape.parameters());
            layer.add_products(own, out);
            rest = others;
        }
    }

    /// The gradients of the rows `range` themselves, row-major: for the few places where G is smaller than what it saves.
    pub fn rows_into(&self, range: Range<usize>, out: &mut [f64]) {
        let parameters: usize = self.layers.iter().map(|l| l.shape.parameters()).sum();
        for (i, row) in range.zip(out.chunks_exact_mut(parameters)) {
            let mut rest = row;
            for layer in &self.layers {
                let (own, others) = rest.split_at_mut(layer.shape.parameters());
                layer.gradient_into(i, own);
                rest = others;
            }
        }
    }

    /// outᵢ = ‖gᵢ‖².
    pub fn norms_squared_into(&self, out: &mut [f64]) {
        out.fill(0.0);
        self.layers.iter().for_each(|layer| layer.add_norms_squared(out));
    }
}
