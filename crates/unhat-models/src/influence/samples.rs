//! Labelled rows and the network whose per-sample gradients they have: what all sweeps over them are given.

use crate::models::{Family, Network};
use unhat::rows::{DenseRows, RowSource, require_finite, require_vector};
use unhat::{ErrorKind, Result};

/// Labelled rows and the network whose loss they have.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::SampleGradients;
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian); // a constant alone
/// network.set(&[3.0]);
/// let (rows, run) = (SampleGradients::new(&network, &[1.0; 3], &[1.0, 2.0, 6.0])?, Run::default());
/// assert_eq!(rows.losses(&run)?, [2.0, 0.5, 4.5]); // ½(z − y)²
/// assert_eq!(rows.times(&[1.0], &run)?, [2.0, 1.0, -3.0]); // z − y
/// assert_eq!(rows.sum(1.0, &run)?, [0.0]); // 3 is the mean
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct SampleGradients<'a> {
    /// The trained network.
    pub network: &'a Network,
    pub(super) features: DenseRows<'a>,
    pub(super) responses: &'a [f64],
    pub(super) source: Source<'a>,
}

/// Where the factors of a row come from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// From the network, forward and back.
    Network,
    /// They lie in the row: A and D of every layer, which has so many positions. The network then is one of shapes.
    Rows(&'a [usize]),
    /// From the network, back only: what its forward pass gave lies here, block by block.
    Forwarded(&'a [f64]),
}

/// ∂f/∂z of one row: (row, z, out).
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{SampleGradients, Top};
/// use unhat_models::models::{Activation, Family, Network};
/// let mut network = Network::zeros(1, &[], Activation::Relu, Family::Gaussian);
/// network.set(&[3.0]);
/// let rows = SampleGradients::new(&network, &[1.0, 2.0], &[0.0; 2])?; // z = 3x
/// let top: &Top<'_> = &|_, z, out| out[0] = z[0]; // of f = Σ½z²
/// assert_eq!(rows.combination_of(top, &Run::default())?, [3.0 * (1.0 + 4.0)]); // θΣx²
/// # Ok::<(), unhat::Error>(())
/// ```
pub type Top<'a> = dyn Fn(usize, &[f64], &mut [f64]) + Sync + 'a;

impl<'a> SampleGradients<'a> {
    /// Binds rows to a network.
    ///
    /// # Shapes
    /// `features`: n × network.inputs(), row-major, the last column 1; `responses`: n (a class's number, a count, a value).
    /// # Errors
    /// [`ErrorKind::Shape`], [`ErrorKind::NotFinite`], and [`ErrorKind::Option`] for a class the family does not have.
    pub fn new(network: &'a Network, features: &'a [f64], responses: &'a [f64]) -> Result<Self> {
        let rows = DenseRows::new(features, network.inputs())?;
        require_vector("responses", responses, rows.shape().rows)?;
        require_finite(&rows, "features")?;
        let classes = match network.family {
            Family::Bernoulli => Some(2),
            Family::Categorical { classes } => Some(classes),
            _ => None,
        };
        if let Some(classes) = classes
            && let Some(row) = responses.iter().position(|y| y.fract() != 0.0 || *y < 0.0 || *y >= classes as f64)
        {
            return Err(ErrorKind::Option {
                name: "responses".into(),
                reason: format!("row {} holds {}, expected a class from 0 to {}", row + 1, responses[row], classes - 1),
            }
            .into());
        }
        Ok(SampleGradients { network, features: rows, responses, source: Source::Network })
    }

    /// Rows in which the factors lie: A and D of every layer of `shapes`, one after the other, at so many positions. There
    /// is no loss then, and no function but the one whose factors they are: for [`super::CapturedGradients`], which asks for
    /// nothing else.
    pub(super) fn of_factors(shapes: &'a Network, positions: &'a [usize], rows: &'a [f64]) -> Result<Self> {
        let features = DenseRows::new(rows, width_of_factors(shapes, positions))?;
        Ok(SampleGradients { network: shapes, features, responses: &[], source: Source::Rows(positions) })
    }

    /// T of a layer.
    pub(super) fn positions(&self, layer: usize) -> usize {
        match self.source {
            Source::Network | Source::Forwarded(_) => 1,
            Source::Rows(positions) => positions[layer],
        }
    }

    /// The number n of rows.
    pub fn rows(&self) -> usize {
        self.features.shape().rows
    }

    /// The number p of parameters.
    pub fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// The features, row-major.
    pub fn features(&self) -> &'a [f64] {
        self.features.values()
    }

    /// The responses.
    pub fn responses(&self) -> &'a [f64] {
        self.responses
    }
}

/// Values of a row in which factors lie.
pub(super) fn width_of_factors(shapes: &Network, positions: &[usize]) -> usize {
    shapes.layers.iter().zip(positions).map(|(l, t)| t * (l.shape.inputs + l.shape.outputs)).sum()
}
