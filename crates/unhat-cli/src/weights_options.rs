//! The words of `unhat weights`.

use crate::matrix_options::{MatrixInput, Output};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Weights {
    /// Lp Lewis weights: w_i is the leverage of row i of diag(w)^(1/2 - 1/p) A
    ///
    /// They sum to the rank. At p = 2 they are the leverage scores. Any p above 0; for p = infinity see d-optimal.
    ///
    /// The residual max |sigma_i/w_i - 1| is computed anew from the rows given; for p < 4 it bounds the distance to the exact
    /// weights. Exit code 1 where it is above --tol: the best weights so far are written.
    #[command(after_help = OF_LEWIS)]
    Lewis(Lewis),
    /// The D-optimal design of the rows: w >= 0 with sum 1 and log det sum w_i a_i a_i^T largest (John's ellipsoid)
    ///
    /// {x : x^T (sum w_i a_i a_i^T)^-1 x <= d} is the ellipsoid of least volume around all +-a_i. With --lift the rows are points,
    /// and it is the smallest ellipsoid around them, with a centre.
    ///
    /// log det of the best design is larger by d log(max_i a_i^T (sum w_j a_j a_j^T)^-1 a_i / d) at most, over all rows. Exit code
    /// 1 where that is above --gap: the best weights so far are written.
    #[command(visible_alias = "john", after_help = OF_DESIGN)]
    DOptimal(DOptimal),
}

const OF_LEWIS: &str = "\
Example:
  unhat weights lewis --matrix t.csv --p 1 -o weights.csv";

const OF_DESIGN: &str = "\
Examples:
  unhat weights d-optimal --matrix candidates.csv --intercept -o design.csv
  unhat weights d-optimal --matrix points.csv --lift -o weights.csv";

#[derive(Args, Debug)]
pub(crate) struct Lewis {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// p, a number above 0
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    pub p: f64,
    /// The largest |log(leverage/weight)| of a row
    #[arg(long, value_name = "TOL", default_value_t = 1e-10, allow_hyphen_values = true)]
    pub tol: f64,
    /// Evaluations of all scores at most, 1 or more
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub max_iter: u32,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct DOptimal {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// How far log det may be below the best, proven over all rows
    #[arg(long, value_name = "GAP", default_value_t = 1e-8, allow_hyphen_values = true)]
    pub gap: f64,
    /// The rows are points: the design of the rows (a_i, 1)
    #[arg(long, conflicts_with = "intercept")]
    pub lift: bool,
    /// Steps at most, 1 or more
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub max_iter: u32,
    #[command(flatten)]
    pub output: Output,
}

impl Weights {
    /// What is read, and where the weights go.
    pub fn files(&self) -> (&MatrixInput, &Output) {
        match self {
            Weights::Lewis(lewis) => (&lewis.matrix, &lewis.output),
            Weights::DOptimal(design) => (&design.matrix, &design.output),
        }
    }
}
