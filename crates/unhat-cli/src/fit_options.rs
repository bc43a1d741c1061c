//! The words of `unhat audit` about a fit whose diagnostics are to be released.

use crate::common_options::word;
use crate::hat_options::LinkName;
use clap::Args;
use unhat::families::Family;

#[derive(Args, Debug)]
pub(crate) struct FitOptions {
    /// With --release hat, cook, deviance or dffits: the family of the fit, which the attacker knows; --point is its coefficients
    ///
    /// gaussian, poisson, binomial, negative-binomial, gamma, inverse-gaussian.
    #[arg(long, value_name = "NAME", value_parser = word::<Family>)]
    pub family: Option<Family>,
    /// Its link [default: the canonical one; log for negative-binomial]
    #[arg(long, value_enum, value_name = "NAME", requires = "family")]
    pub link: Option<LinkName>,
    /// theta of a negative binomial
    #[arg(long, value_name = "THETA", requires = "family", allow_hyphen_values = true)]
    pub theta: Option<f64>,
    /// Weights of the fit, n values: with --family known numbers of trials or prior weights, without it hidden ones
    #[arg(long, value_name = "FILE")]
    pub weights: Option<String>,
    /// Known offset of the linear predictor of --family, n values
    #[arg(long, value_name = "FILE", requires = "family")]
    pub predictor_offset: Option<String>,
    /// The column of the table that the attacker does not have: its name, or its number among the columns of A
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["family", "weights"])]
    pub hidden: Option<String>,
}

impl FitOptions {
    /// The first of these options that was given.
    pub fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--family", self.family.is_some()),
            ("--weights", self.weights.is_some()),
            ("--hidden", self.hidden.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}
