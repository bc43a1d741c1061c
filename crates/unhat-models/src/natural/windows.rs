//! The windows of a convolution, by which it is a layer that is applied at many positions of an image.

use unhat::{ErrorKind, Result};

/// The windows of a two-dimensional convolution.
///
/// # Examples
/// ```
/// use unhat_models::natural::Windows;
/// let windows = Windows { image: [1, 2, 3], kernel: [2, 2], stride: 1, padding: 0, dilation: 1 };
/// assert_eq!((windows.counts(), windows.width()), (Some([1, 2]), 5));
/// let rows = windows.rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?; // the image 1 2 3 above 4 5 6
/// assert_eq!(rows, [1.0, 2.0, 4.0, 5.0, 1.0, 2.0, 3.0, 5.0, 6.0, 1.0]); // two windows, each with a 1 for the bias
/// # Ok::<(), unhat::Error>(())
/// ```
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
