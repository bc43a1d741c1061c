//! The model whose hat values were released: what is known of it beside A.

use crate::error::{ErrorKind, Result};
use crate::families::{Family, Link, Shape, WeightLaw};
use crate::rows::require_vector;

/// A generalised linear model, its coefficients unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct HatModel {
    /// log w as a function of the predictor.
    pub law: WeightLaw,
    /// θ of a negative binomial; None where it is not known.
    pub theta: Option<f64>,
    /// Numbers of trials, or prior weights: they multiply w. Ones where None.
    pub trials: Option<Vec<f64>>,
    /// What is added to Aβ. Zeros where None.
    pub offset: Option<Vec<f64>>,
}

impl HatModel {
    /// A family with its link, by default the canonical one.
    ///
    /// # Errors
    /// Those of [`WeightLaw::new`], and [`ErrorKind::Option`] where w does not depend on the predictor, so that nothing can
    /// follow from hat values.
    pub fn new(family: Family, link: Option<Link>, theta: Option<f64>) -> Result<HatModel> {
        let link = link.unwrap_or_else(|| family.default_link());
        let law = WeightLaw::new(family, link, theta)?;
        if law.shape() == Shape::Constant {
            let reason = format!(
                "found {} with link {}, whose weights are the same whatever the coefficients are: their hat values are those \
                 of A, and say nothing of them",
                family.name(),
                link.name()
            );
            return Err(ErrorKind::Option { name: "family".into(), reason }.into());
        }
        Ok(HatModel { law, theta, trials: None, offset: None })
    }

    /// Checks what was added for n rows.
    pub(crate) fn check(&self, n: usize) -> Result<()> {
        if let Some(trials) = &self.trials {
            require_vector("trials", trials, n)?;
            if let Some(i) = trials.iter().position(|m| *m <= 0.0) {
                let reason = format!("row {}: found {}, expected a number above 0", i + 1, trials[i]);
                return Err(ErrorKind::Option { name: "trials".into(), reason }.into());
            }
        }
        self.offset.as_ref().map_or(Ok(()), |offset| require_vector("offset", offset, n))
    }

    /// log mᵢ.
    fn log_trials(&self, row: usize) -> f64 {
        self.trials.as_ref().map_or(0.0, |m| m[row].ln())
    }

    /// log of what w(η) is times, mᵢ and the constant that `law` leaves out.
    pub(super) fn log_constant(&self, row: usize) -> f64 {
        self.law.log_factor() + self.log_trials(row)
    }

    /// oᵢ.
    pub(super) fn offset_of(&self, row: usize) -> f64 {
        self.offset.as_ref().map_or(0.0, |o| o[row])
    }

    /// Whether an offset tells the sign or the factor.
    pub(super) fn has_offset(&self) -> bool {
        self.offset.as_ref().is_some_and(|o| o.iter().any(|o| *o != 0.0))
    }

    /// Whether a constant of the predictor is open because θ is not known.
    pub(super) fn theta_is_open(&self) -> bool {
        self.law.family() == Family::NegativeBinomial && self.theta.is_none()
    }
}
