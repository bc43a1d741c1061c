//! Layers that are applied at T positions of every sample, as in sequences and convolutions: kernel and weighted sums.
//!
//! gᵢ = DᵢᵀAᵢ (Aᵢ: T×d_in, Dᵢ: T×d_out),  Kᵢⱼ = Σ_{t,s} (AᵢAⱼᵀ ∘ DᵢDⱼᵀ)_{ts},  Gᵀc = Σ cᵢDᵢᵀAᵢ

use crate::error::{ErrorKind, Result};
use crate::linalg;
use crate::models::{LayerFactors, LayerShape};
use crate::rows::with_scratch;

/// The factors of a layer with T rows of inputs and of output gradients a sample.
#[derive(Clone, Copy)]
pub struct PositionFactors<'a> {
    /// All rows of one sample after those of the one before.
    rows: LayerFactors<'a>,
    positions: usize,
}

impl<'a> PositionFactors<'a> {
    /// From A and D of all samples.
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
    ) -> Result<PositionFactors<'a>> {
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
        Ok(PositionFactors { rows: LayerFactors { shape, inputs, gradients }, positions })
    }

    /// n.
    pub fn samples(&self) -> usize {
        self.rows.inputs.len() / (self.rows.shape.inputs * self.positions)
    }

    /// K, full n×n: from pairs of positions, or from the gradients themselves where T²(d_in + d_out) > d_in·d_out.
    ///
    /// # Cost
    /// n²T²(d_in + d_out) flops, or 2nT·d_in·d_out + 2n²·d_in·d_out with n·d_in·d_out numbers of memory.
    pub fn kernel(&self) -> Vec<f64> {
        let LayerShape { inputs, outputs } = self.rows.shape;
        match self.positions.pow(2) * (inputs + outputs) > inputs * outputs {
            true => self.kernel_of_gradients(),
            false => self.kernel_of_pairs(),
        }
    }

    /// K by pairs of positions, whatever it costs.
    pub fn kernel_of_pairs(&self) -> Vec<f64> {
        let (n, t) = (self.samples(), self.positions);
        let LayerShape { inputs, outputs } = self.rows.shape;
        let mut kernel = vec![0.0; n * n];
        let (mut of_a, mut of_d) = (vec![0.0; t * n * t], vec![0.0; t * n * t]);
        for i in 0..n {
            let later = (n - i) * t;
            let products = [(self.rows.inputs, inputs, &mut of_a), (self.rows.gradients, outputs, &mut of_d)];
            for (rows, width, out) in products {
                let (own, others) = (&rows[i * t * width..(i + 1) * t * width], &rows[i * t * width..]);
                linalg::transpose_times_into(own, others, width, t, later, &mut out[..t * later]);
            }
            for (j, (a, d)) in (i..n).zip(of_a.chunks_exact(t * t).zip(of_d.chunks_exact(t * t))) {
                let sum = linalg::dot(a, d);
                (kernel[i * n + j], kernel[j * n + i]) = (sum, sum);
            }
        }
        kernel
    }

    /// K by the gradients of the samples, whatever they cost.
    pub fn kernel_of_gradients(&self) -> Vec<f64> {
        let (n, p) = (self.samples(), self.rows.shape.parameters());
        let gradients = self.gradients();
        let mut kernel = vec![0.0; n * n];
        linalg::transpose_times_into(&gradients, &gradients, p, n, n, &mut kernel);
        kernel
    }

    /// G: gᵢ of every sample, d_out×d_in row-major, one after the other.
    pub fn gradients(&self) -> Vec<f64> {
        let LayerShape { inputs, outputs } = self.rows.shape;
        let mut all = vec![0.0; self.samples() * inputs * outputs];
        let a = self.rows.inputs.chunks_exact(self.positions * inputs);
        let d = self.rows.gradients.chunks_exact(self.positions * outputs);
        for ((a, d), out) in a.zip(d).zip(all.chunks_exact_mut(inputs * outputs)) {
            linalg::add_product_with_transpose(a, d, inputs, outputs, 1.0, out);
        }
        all
    }

    /// out += Σ cᵢgᵢ, d_out×d_in.
    ///
    /// # Shapes
    /// `c`: n values.
    /// # Cost
    /// 2nT·d_in·d_out flops.
    pub fn add_combination(&self, c: &[f64], out: &mut [f64]) {
        let LayerFactors { shape, inputs, gradients } = self.rows;
        with_scratch(gradients.len(), |scaled| {
            linalg::scale_rows_into(gradients, shape.outputs, |row| c[row / self.positions], scaled);
            linalg::add_product_with_transpose(inputs, scaled, shape.inputs, shape.outputs, 1.0, out);
        });
    }
}

/// The windows of a two-dimensional convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// Height and width of a window.
    pub kernel: [usize; 2],
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Pixels from one entry of a window to the next.
    pub dilation: usize,
}

impl Windows {
    /// How many windows down and across; None where none fits.
    pub fn counts(&self) -> Option<[usize; 2]> {
        let count = |size: usize, kernel: usize| {
            let span = self.dilation * kernel.checked_sub(1)? + 1;
            Some((size + 2 * self.padding).checked_sub(span)?.checked_div(self.stride)? + 1)
        };
        Some([count(self.image[1], self.kernel[0])?, count(self.image[2], self.kernel[1])?])
    }

    /// Values of a row of [`Windows::rows`].
    pub fn width(&self) -> usize {
        self.image[0] * self.kernel[0] * self.kernel[1] + 1
    }

    /// A of a convolution: for every window of every image its values, channel by channel, row by row, and a 1 for the bias.
    ///
    /// # Shapes
    /// `images`: n × channels × height × width; out: n·T rows, T windows row by row.
    /// # Errors
    /// [`ErrorKind::Shape`] where no window fits or the length is not that of whole images.
    pub fn rows(&self, images: &[f64]) -> Result<Vec<f64>> {
        let [channels, height, width] = self.image;
        let counts = self.counts().filter(|_| images.len().is_multiple_of((channels * height * width).max(1)));
        let Some([down, across]) = counts else {
            return Err(ErrorKind::Shape {
                what: "images".into(),
                expected: format!("images of {channels}×{height}×{width} with room for {:?} windows", self.kernel),
                found: format!("{} values", images.len()),
            }
            .into());
        };
        let mut rows = Vec::with_capacity(images.len() / (channels * height * width) * down * across * self.width());
        for image in images.chunks_exact(channels * height * width) {
            for window in 0..down * across {
                let (top, left) = (window / across * self.stride, window % across * self.stride);
                for entry in 0..channels * self.kernel[0] * self.kernel[1] {
                    let (channel, within) =
                        (entry / (self.kernel[0] * self.kernel[1]), entry % (self.kernel[0] * self.kernel[1]));
                    let y = (top + within / self.kernel[1] * self.dilation).checked_sub(self.padding);
                    let x = (left + within % self.kernel[1] * self.dilation).checked_sub(self.padding);
                    rows.push(match (y, x) {
                        (Some(y), Some(x)) if y < height && x < width => image[(channel * height + y) * width + x],
                        _ => 0.0,
                    });
                }
                rows.push(1.0);
            }
        }
        Ok(rows)
    }
}
