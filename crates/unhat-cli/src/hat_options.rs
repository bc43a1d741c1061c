//! The words of `unhat invert hat`: what was released, how exactly, and what is sought.

use crate::matrix_options::{MatrixInput, Output};
use clap::{Args, ValueEnum};
use unhat::families::{Family, Link};

#[derive(Args, Debug)]
pub(crate) struct InvertHat {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// h, n values: the hat values w_i a_i^T (A^T W A)^-1 a_i of a weighted or generalised fit
    #[arg(long, value_name = "h")]
    pub target: String,
    /// lambda >= 0 of ridge hat values w_i a_i^T (A^T W A + lambda I)^-1 a_i; the factor of the weights is then known too
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.0, allow_hyphen_values = true)]
    pub ridge: f64,
    #[command(flatten)]
    pub precision: Precision,
    /// The fit was a generalised linear model: its coefficients are recovered too
    ///
    /// Their standard errors follow from how exactly the hat values are known. What the family leaves open is said: a factor,
    /// the intercept, a sign.
    #[arg(long, value_enum, value_name = "NAME")]
    pub family: Option<FamilyName>,
    /// Its link [default: the canonical one; log for negative-binomial]
    #[arg(long, value_enum, value_name = "NAME", requires = "family")]
    pub link: Option<LinkName>,
    /// Numbers of trials, or known prior weights: a number, or n values in a file
    #[arg(long, value_name = "M", requires = "family", allow_hyphen_values = true)]
    pub trials: Option<String>,
    /// Known offset of the linear predictor, n values: .npy, .txt, .csv, .tsv
    #[arg(long, value_name = "o", requires = "family")]
    pub offset: Option<String>,
    /// theta of a negative binomial, where it is known
    #[arg(long, value_name = "THETA", requires = "family", allow_hyphen_values = true)]
    pub theta: Option<f64>,
    /// Write the coefficients to FILE, in the order of the columns; nothing where one is open
    #[arg(long, value_name = "FILE", requires = "family")]
    pub coefficients: Option<String>,
    /// Stop when no score is off by more than this share of h(1 - h)
    #[arg(long, value_name = "TOL", default_value_t = 1e-12, allow_hyphen_values = true)]
    pub tol: f64,
    /// Steps allowed, 1 or more
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub max_iter: u32,
    /// Write the steps to FILE, .csv or .tsv: iteration, passes, work, decrement (largest |sigma - h|/(h(1 - h))), residual, step
    #[arg(long, value_name = "FILE")]
    pub history: Option<String>,
    /// Write the answer as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct InvertOutcomes {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// h, n values: the hat values of the logistic fit
    #[arg(long, value_name = "h")]
    pub target: String,
    #[command(flatten)]
    pub residuals: Residuals,
    #[command(flatten)]
    pub precision: Precision,
    /// Write the answer as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

/// One number a row that was released beside the hat values.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Residuals {
    /// Cook's distances, n values: r^2 h/(d (1 - h)^2), r the Pearson residual
    #[arg(long, value_name = "FILE")]
    pub cook: Option<String>,
    /// Deviance residuals, n values; their signs are not used
    #[arg(long, value_name = "FILE")]
    pub deviance: Option<String>,
    /// Pearson residuals, n values; their signs are not used
    #[arg(long, value_name = "FILE")]
    pub pearson: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct InvertColumn {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// h, n values: the hat values of the linear fit with all columns, of which --matrix holds all but one
    #[arg(long, value_name = "h")]
    pub target: String,
    #[command(flatten)]
    pub precision: Precision,
    /// Write |what the hidden column has beyond the known ones|, a share of its length, for every row to FILE
    #[arg(long, value_name = "FILE")]
    pub magnitudes: Option<String>,
    /// Write the answer as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

/// How exactly the hat values are known.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct Precision {
    /// They were rounded to K significant digits, as R's print does [default: exact]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub digits: Option<u32>,
    /// They were rounded to K decimals
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub decimals: Option<u32>,
    /// The true value of each row lies within this much of the released one: a number, or n values in a file
    #[arg(long, value_name = "WIDTHS", allow_hyphen_values = true)]
    pub widths: Option<String>,
    /// Standard deviation of independent errors: a number, or n values in a file
    #[arg(long, value_name = "NU", allow_hyphen_values = true)]
    pub noise: Option<String>,
}

/// The values of --family.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FamilyName {
    /// Variance 1, links log, inverse, 1/mu^2 and sqrt; with the identity hat values say nothing
    Gaussian,
    /// Variance mu, also quasi: links log and identity
    Poisson,
    /// Variance mu(1 - mu) by --trials: links logit, probit, cloglog and log
    Binomial,
    /// Variance mu + mu^2/theta, link log
    NegativeBinomial,
    /// Variance mu^2: links inverse and identity
    Gamma,
    /// Variance mu^3: links 1/mu^2, log, inverse and identity
    InverseGaussian,
    /// No model of a response: weights 1/(a_i x - b_i)^2 with b from --offset, as `invert scores` takes them
    Slack,
}

impl FamilyName {
    /// The family of models; None for slacks, which are none.
    pub(crate) fn of_models(self) -> Option<Family> {
        Some(match self {
            FamilyName::Gaussian => Family::Gaussian,
            FamilyName::Poisson => Family::Poisson,
            FamilyName::Binomial => Family::Binomial,
            FamilyName::NegativeBinomial => Family::NegativeBinomial,
            FamilyName::Gamma => Family::Gamma,
            FamilyName::InverseGaussian => Family::InverseGaussian,
            FamilyName::Slack => return None,
        })
    }
}

/// The values of --link.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LinkName {
    /// eta = mu
    Identity,
    /// eta = log mu
    Log,
    /// eta = log(mu/(1 - mu))
    Logit,
    /// eta = Phi^-1(mu)
    Probit,
    /// eta = log(-log(1 - mu))
    Cloglog,
    /// eta = 1/mu
    Inverse,
    /// eta = 1/mu^2
    #[value(name = "1/mu^2")]
    InverseSquare,
    /// eta = sqrt(mu)
    Sqrt,
}

impl From<LinkName> for Link {
    fn from(name: LinkName) -> Link {
        match name {
            LinkName::Identity => Link::Identity,
            LinkName::Log => Link::Log,
            LinkName::Logit => Link::Logit,
            LinkName::Probit => Link::Probit,
            LinkName::Cloglog => Link::Cloglog,
            LinkName::Inverse => Link::Inverse,
            LinkName::InverseSquare => Link::InverseSquare,
            LinkName::Sqrt => Link::Sqrt,
        }
    }
}
