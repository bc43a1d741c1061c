//! What an audit of a fit is given: the fit, its numbers, and what of it is hidden.

use super::report::{FitAttack, FitRelease};
use crate::audit::AuditOptions;
use crate::audit::plan::require;
use crate::error::{ErrorKind, Result};
use crate::families::{Family, Link};
use crate::invert::hat::HatModel;
use crate::rows::{Shape, require_vector};

/// A fit whose diagnostics are to be released. It is given, nothing is fitted.
#[derive(Clone, Debug, Default)]
pub struct AuditedFit<'a> {
    /// What is released.
    pub release: FitRelease,
    /// Family and link, numbers of trials, the offset of the predictor, θ: known to the attacker too. None: a linear fit.
    pub model: Option<HatModel>,
    /// β, d values.
    pub coefficients: Option<&'a [f64]>,
    /// Hidden weights of a linear fit, n values above 0.
    pub weights: Option<&'a [f64]>,
    /// y, n values; of a binomial the share of successes.
    pub responses: Option<&'a [f64]>,
    /// The column that the attacker does not have, 0-based.
    pub hidden: Option<usize>,
}

impl AuditedFit<'_> {
    /// The attacks that this release allows.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming what is missing, or what does not go together.
    pub(super) fn attacks(&self) -> Result<Vec<FitAttack>> {
        use FitAttack::{
            CookToResiduals, DffitsToResiduals, HatToCoefficients, HatToColumn, HatToWeights, SignsToOutcomes,
            SizesToOutcomes,
        };
        let refused =
            |name: &str, reason: &str| Err(ErrorKind::Option { name: name.into(), reason: reason.into() }.into());
        if self.hidden.is_some() {
            require(self.model.is_none() && self.weights.is_none(), "hidden", || {
                "a column is looked for in hat values of a linear fit without weights; leave out family and weights"
                    .into()
            })?;
            require(self.release == FitRelease::Hat, "release", || "beside a hidden column only hat is known".into())?;
            return Ok(vec![HatToColumn]);
        }
        let Some(model) = &self.model else {
            let beside = match self.release {
                FitRelease::Hat if self.weights.is_none() => {
                    return refused(
                        "release",
                        "hat values of a linear fit without weights follow from its table alone; name what is hidden: \
                         weights, a family, or a column (hidden)",
                    );
                }
                FitRelease::Hat => None,
                FitRelease::Cook => Some(CookToResiduals),
                FitRelease::Dffits => Some(DffitsToResiduals),
                FitRelease::Deviance => {
                    return refused(
                        "release",
                        "deviance residuals of a linear fit are its residuals: nothing is behind them",
                    );
                }
            };
            return Ok(self.weights.map(|_| HatToWeights).into_iter().chain(beside).collect());
        };
        require(self.weights.is_none(), "weights", || "those of a family are known, and belong to its model".into())?;
        let mut attacks = vec![HatToWeights, HatToCoefficients];
        if self.has_two_outcomes() {
            let plain = model.law.link() == Link::Logit && model.offset.is_none();
            if plain && matches!(self.release, FitRelease::Cook | FitRelease::Deviance) {
                attacks.push(SizesToOutcomes);
            }
            if matches!(self.release, FitRelease::Deviance | FitRelease::Dffits) {
                attacks.push(SignsToOutcomes);
            }
        }
        Ok(attacks)
    }

    /// Whether every response is 0 or 1, of one trial.
    fn has_two_outcomes(&self) -> bool {
        let Some(model) = &self.model else { return false };
        model.law.family() == Family::Binomial
            && model.trials.as_ref().is_none_or(|m| m.iter().all(|m| *m == 1.0))
            && self.responses.is_some_and(|y| y.iter().all(|y| *y == 0.0 || *y == 1.0))
    }

    /// What is released and was not attacked, in words.
    pub(super) fn not_tried(&self, attacks: &[FitAttack]) -> Option<String> {
        let beside = match self.release {
            FitRelease::Hat => return None,
            FitRelease::Cook => "Cook's distances",
            FitRelease::Deviance => "deviance residuals",
            FitRelease::Dffits => "DFFITS",
        };
        let only_hat = attacks.iter().all(|a| matches!(a, FitAttack::HatToWeights | FitAttack::HatToCoefficients));
        only_hat.then(|| {
            format!(
                "what {beside} add to the hat values was not tried: of generalised fits that is known for 0/1 responses with \
                 the link logit, and for the signs of 0/1 responses with any link"
            )
        })
    }

    /// Checks everything that can be checked without a sweep.
    ///
    /// # Errors
    /// Shapes; [`ErrorKind::Option`] naming the option.
    pub(super) fn check(&self, shape: Shape, options: &AuditOptions) -> Result<()> {
        require(options.rows.is_none(), "rows", || "hat values are released for all rows; leave it out".into())?;
        options.check(shape.rows)?;
        if let Some(w) = self.weights {
            require_vector("weights", w, shape.rows)?;
            if let Some(i) = w.iter().position(|w| *w <= 0.0) {
                return require(false, "weights", || {
                    format!("row {}: found {}, expected a number above 0", i + 1, w[i])
                });
            }
        }
        if let Some(hidden) = self.hidden {
            require(hidden < shape.columns, "hidden", || {
                format!("found column {}, expected one of 1 to {}", hidden + 1, shape.columns)
            })?;
            require(shape.columns > 1, "hidden", || "the table has no other column".into())?;
        }
        let labels = &options.labels.columns;
        require(labels.is_empty() || labels.len() == shape.columns, "labels", || {
            format!("found {} names, expected one for each of {} columns", labels.len(), shape.columns)
        })?;
        if let Some(model) = &self.model {
            model.check(shape.rows)?;
            require(model.law.family() != Family::NegativeBinomial || model.theta.is_some(), "theta", || {
                "missing; the fit is given, and its theta belongs to it".into()
            })?;
        }
        let needed = |name: &str, values: Option<&[f64]>, length: usize| match values {
            Some(values) => require_vector(name, values, length),
            None => require(false, name, || "missing; the audit of a fit is given it, and does not fit".into()),
        };
        if self.model.is_some() || self.release != FitRelease::Hat {
            needed("point", self.coefficients, shape.columns)?;
        }
        if self.release != FitRelease::Hat {
            needed("response", self.responses, shape.rows)?;
        }
        Ok(())
    }
}
