//! What layers kept, as the rows of numbers that the framework-free core takes.

use super::layers::{Seen, Watched};
use super::{carried, refused};
use crate::natural::Windows;
use candle_core::{DType, Result, Tensor, backprop::GradStore};

/// Samples of a convolution that a refresh unfolds at least: windows of one image are much alike.
const FEWEST_IMAGES: usize = 8;

/// A and D of a batch, T rows a sample.
pub(super) struct BatchFactors {
    pub positions: usize,
    pub inputs: Vec<f64>,
    pub gradients: Vec<f64>,
}

/// All entries, in double precision.
pub(super) fn widened(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

impl Watched {
    /// Rows of inputs of all passes, the constant one included: all of a linear layer, of a convolution the windows of
    /// evenly spaced images until there are about `limit`.
    pub(super) fn metric_rows(&self, limit: usize, name: usize) -> Result<Vec<f64>> {
        let mut rows = Vec::new();
        for Seen { input, .. } in self.seen() {
            let images = match self.windows(&input, name)? {
                Some(windows) => {
                    let per_image = windows.counts().map_or(1, |[down, across]| (down * across).max(1));
                    let all = input.dim(0)?;
                    let wanted = limit.div_ceil(per_image).max(FEWEST_IMAGES).min(all.max(1));
                    let spaced: Vec<u32> = (0..all).step_by(all.div_ceil(wanted).max(1)).map(|i| i as u32).collect();
                    input.index_select(&Tensor::new(spaced, input.device())?, 0)?
                }
                None => input,
            };
            rows.extend(self.input_rows(&images, name)?);
        }
        Ok(rows)
    }

    /// A and D of the passes that took part in the loss; D of the sum of the losses, for the gradients of their mean.
    pub(super) fn batch_factors(&self, grads: &GradStore, samples: usize, name: usize) -> Result<BatchFactors> {
        let wrong = |reason: String| Err(refused("ids", format!("layer {name}: {reason}")));
        let taken: Vec<(Seen, Tensor)> = self
            .seen()
            .into_iter()
            .filter_map(|seen| Some((grads.get(seen.tap.as_ref()?)?.clone(), seen)))
            .map(|(gradient, seen)| (seen, gradient))
            .collect();
        let [(seen, gradient)] = taken.as_slice() else {
            return wrong(format!("it took part in the loss {} times, expected once a batch", taken.len()));
        };
        if gradient.dim(0)? != samples {
            return wrong(format!(
                "found a batch of {} rows, expected one for each of {samples} ids",
                gradient.dim(0)?
            ));
        }
        let shape = self.shape();
        let gradient = match self.convolution {
            Some(_) => gradient.permute((0, 2, 3, 1))?,
            None => gradient.clone(),
        };
        let positions = gradient.elem_count() / (samples * shape.outputs).max(1);
        let gradients: Vec<f64> = widened(&gradient)?.iter().map(|d| d * samples as f64).collect();
        Ok(BatchFactors { positions, inputs: self.input_rows(&seen.input, name)?, gradients })
    }

    fn windows(&self, input: &Tensor, name: usize) -> Result<Option<Windows>> {
        let Some(config) = self.convolution else { return Ok(None) };
        let (_, channels, height, width) = input.dims4()?;
        let &[_, expected, down, across] = self.weight.dims() else {
            return Err(refused("layers", format!("layer {name}: the weight of a convolution has four dimensions")));
        };
        self.require_width(channels, expected, name)?;
        Ok(Some(Windows {
            image: [channels, height, width],
            kernel: [down, across],
            stride: config.stride,
            padding: config.padding,
            dilation: config.dilation,
        }))
    }

    fn input_rows(&self, input: &Tensor, name: usize) -> Result<Vec<f64>> {
        let numbers = widened(input)?;
        let d = self.shape().inputs;
        let Some(windows) = self.windows(input, name)? else {
            let width = d - usize::from(self.bias.is_some());
            self.require_width(input.dims().last().copied().unwrap_or(0), width, name)?;
            return Ok(match self.bias {
                Some(_) => numbers.chunks_exact(width).flat_map(|row| row.iter().copied().chain([1.0])).collect(),
                None => numbers,
            });
        };
        let rows = windows.rows(&numbers).map_err(carried)?;
        Ok(match self.bias {
            Some(_) => rows,
            None => rows.chunks_exact(d + 1).flat_map(|row| &row[..d]).copied().collect(),
        })
    }

    fn require_width(&self, found: usize, expected: usize, name: usize) -> Result<()> {
        match found == expected {
            true => Ok(()),
            false => {
                let (found, expected) = (format!("{found} values"), format!("{expected} values"));
                let what = format!("inputs of layer {name}");
                Err(carried(unhat::ErrorKind::Shape { what, expected, found }.into()))
            }
        }
    }
}
