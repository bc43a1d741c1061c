//! Which functions f a row's influence can be on, by their words.

use std::str::FromStr;
use unhat::{Error, ErrorKind, Result};

/// What f is.
///
/// # Examples
/// ```
/// use unhat_models::influence::ImpactKind;
/// assert_eq!("robustness:2".parse::<ImpactKind>()?, ImpactKind::Robustness(2.0));
/// assert!("robustness:0".parse::<ImpactKind>().is_err()); // rows that are not moved
/// assert_eq!(ImpactKind::named("v.npy")?, None); // the name of a file
/// assert!(ImpactKind::Parity.is_unfairness() && !ImpactKind::Utility.is_unfairness());
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ImpactKind {
    /// The summed validation loss Σ_V ℓ.
    Utility,
    /// Demographic parity, mean(ŷ | s = 1) − mean(ŷ | s = 0).
    Parity,
    /// Equal opportunity, mean(ℓ | s = 0, y = 1) − mean(ℓ | s = 1, y = 1).
    Opportunity,
    /// The summed loss Σ ℓ of validation rows moved against the model by γ.
    Robustness(f64),
}

/// γ where none is named: 1.3, beyond the boundary by three tenths of the way to it.
pub(super) const ATTACK: f64 = 1.3;

impl ImpactKind {
    /// The word in results.
    pub fn name(&self) -> &'static str {
        match self {
            ImpactKind::Utility => "utility",
            ImpactKind::Parity => "parity",
            ImpactKind::Opportunity => "opportunity",
            ImpactKind::Robustness(_) => "robustness",
        }
    }

    /// Whether scores are of |f|.
    pub fn is_unfairness(&self) -> bool {
        matches!(self, ImpactKind::Parity | ImpactKind::Opportunity)
    }
}

impl ImpactKind {
    /// The impact that `text` names; None where it names none, and so a file with v.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for robustness with a γ that is none.
    pub fn named(text: &str) -> Result<Option<ImpactKind>> {
        match text.parse() {
            Ok(impact) => Ok(Some(impact)),
            Err(error) if text.starts_with("robustness:") => Err(error),
            Err(_) => Ok(None),
        }
    }
}

impl FromStr for ImpactKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<ImpactKind> {
        let gamma = |g: &str| g.parse().ok().filter(|g: &f64| *g > 0.0 && g.is_finite());
        match text.split_once(':').map_or((text, None), |(name, gamma)| (name, Some(gamma))) {
            ("utility", None) => Some(ImpactKind::Utility),
            ("parity", None) => Some(ImpactKind::Parity),
            ("opportunity", None) => Some(ImpactKind::Opportunity),
            ("robustness", None) => Some(ImpactKind::Robustness(ATTACK)),
            ("robustness", Some(g)) => gamma(g).map(ImpactKind::Robustness),
            _ => None,
        }
        .ok_or_else(|| {
            let reason = format!("found \"{text}\", expected utility, parity, opportunity or robustness[:gamma]");
            ErrorKind::Option { name: "impact".into(), reason }.into()
        })
    }
}
