//! Families of generalised linear models and their links: the weight of a row as a function of its predictor η.
//!
//! w(η) = (dμ/dη)²/V(μ), V the variance of the family at mean μ: what iteratively reweighted least squares weighs rows with.

mod mean;
mod weight;

use crate::error::{Error, ErrorKind, Result};
use std::str::FromStr;

pub use mean::Mean;
pub use weight::{Shape, WeightLaw};

/// A family: its variance as a function of the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// V = 1.
    Gaussian,
    /// V = μ.
    Poisson,
    /// V = μ(1 − μ), with known numbers of trials.
    Binomial,
    /// V = μ + μ²/θ.
    NegativeBinomial,
    /// V = μ².
    Gamma,
    /// V = μ³.
    InverseGaussian,
}

/// A link: η as a function of the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// η = μ.
    Identity,
    /// η = log μ.
    Log,
    /// η = log(μ/(1 − μ)).
    Logit,
    /// η = Φ⁻¹(μ).
    Probit,
    /// η = log(−log(1 − μ)).
    Cloglog,
    /// η = 1/μ.
    Inverse,
    /// η = 1/μ².
    InverseSquare,
    /// η = √μ.
    Sqrt,
}

const FAMILIES: [Family; 6] = [
    Family::Gaussian,
    Family::Poisson,
    Family::Binomial,
    Family::NegativeBinomial,
    Family::Gamma,
    Family::InverseGaussian,
];
const LINKS: [Link; 8] = [
    Link::Identity,
    Link::Log,
    Link::Logit,
    Link::Probit,
    Link::Cloglog,
    Link::Inverse,
    Link::InverseSquare,
    Link::Sqrt,
];

impl Family {
    /// The word of the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::Gaussian => "gaussian",
            Family::Poisson => "poisson",
            Family::Binomial => "binomial",
            Family::NegativeBinomial => "negative-binomial",
            Family::Gamma => "gamma",
            Family::InverseGaussian => "inverse-gaussian",
        }
    }

    /// The canonical link; log for the negative binomial, as everywhere.
    #[must_use]
    pub fn default_link(self) -> Link {
        match self {
            Family::Gaussian => Link::Identity,
            Family::Poisson | Family::NegativeBinomial => Link::Log,
            Family::Binomial => Link::Logit,
            Family::Gamma => Link::Inverse,
            Family::InverseGaussian => Link::InverseSquare,
        }
    }
}

impl Link {
    /// The word of the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Link::Identity => "identity",
            Link::Log => "log",
            Link::Logit => "logit",
            Link::Probit => "probit",
            Link::Cloglog => "cloglog",
            Link::Inverse => "inverse",
            Link::InverseSquare => "1/mu^2",
            Link::Sqrt => "sqrt",
        }
    }
}

fn refused(option: &str, found: &str, words: &[&str]) -> Error {
    let reason = format!("found {found:?}, expected one of {}", words.join(", "));
    ErrorKind::Option { name: option.into(), reason }.into()
}

impl FromStr for Family {
    type Err = Error;
    fn from_str(word: &str) -> Result<Family> {
        FAMILIES
            .into_iter()
            .find(|family| family.name() == word)
            .ok_or_else(|| refused("family", word, &FAMILIES.map(Family::name)))
    }
}

impl FromStr for Link {
    type Err = Error;
    fn from_str(word: &str) -> Result<Link> {
        LINKS.into_iter().find(|link| link.name() == word).ok_or_else(|| refused("link", word, &LINKS.map(Link::name)))
    }
}
