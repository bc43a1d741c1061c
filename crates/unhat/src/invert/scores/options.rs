//! How scores are inverted: the method, what is known of the cell, when to stop.

use crate::barrier::Side;
use crate::error::{ErrorKind, Result};
use crate::invert::hat::HatPrecision;

/// How x is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreMethod {
    /// Weights and signs where all scores were released; then the lift where it can be had, otherwise second order; the result
    /// says why.
    #[default]
    Auto,
    /// Row weights from the scores, |Ax − b| from the weights, the signs by trying or by reflections; then polished.
    Weights,
    /// One linear solve without start or signs, then polished.
    Lift,
    /// Levenberg–Marquardt from a point.
    SecondOrder,
    /// Newton on the full Hessian, after the paper.
    Newton,
    /// Gradient descent, after the paper.
    FirstOrder,
}

impl ScoreMethod {
    /// The word used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ScoreMethod::Auto => "auto",
            ScoreMethod::Weights => "weights",
            ScoreMethod::Lift => "lift",
            ScoreMethod::SecondOrder => "second-order",
            ScoreMethod::Newton => "newton",
            ScoreMethod::FirstOrder => "first-order",
        }
    }
}

/// What is known of the hidden x before its scores are looked at.
#[derive(Clone, Copy, Debug, Default)]
pub enum ScoreStart<'a> {
    /// Nothing.
    #[default]
    Unknown,
    /// A point that may be near; its cell need not be the right one.
    Point(&'a [f64]),
    /// The n signs ±1 of Ax − b.
    Signs(&'a [f64]),
    /// All rows on one side.
    Side(Side),
}

impl<'a> ScoreStart<'a> {
    /// What a point, signs and a side say together; a polytope has a side of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] where two of them choose a cell.
    pub fn of(point: Option<&'a [f64]>, signs: Option<&'a [f64]>, upper: bool, polytope: bool) -> Result<Self> {
        let refused =
            |name: &str, reason: &str| Err(ErrorKind::Option { name: name.into(), reason: reason.into() }.into());
        match (point, signs) {
            (Some(_), Some(_)) => refused("signs", "a start point already has signs; give one of the two"),
            (Some(_), _) | (_, Some(_)) if upper => {
                refused("upper", "the cell is chosen by a start point or signs already; give one of them")
            }
            (Some(point), None) => Ok(ScoreStart::Point(point)),
            (None, Some(signs)) => Ok(ScoreStart::Signs(signs)),
            (None, None) if upper => Ok(ScoreStart::Side(Side::Below)),
            (None, None) if polytope => Ok(ScoreStart::Side(Side::Above)),
            (None, None) => Ok(ScoreStart::Unknown),
        }
    }

    /// A word where an x of these slacks lies in another cell than the one that was chosen: the lift looks at no signs.
    pub fn other_cell(&self, slack: &[f64]) -> Option<String> {
        let other = match self {
            ScoreStart::Signs(signs) => slack.iter().zip(*signs).filter(|(s, sign)| **s * **sign < 0.0).count(),
            ScoreStart::Side(Side::Above) => slack.iter().filter(|s| **s < 0.0).count(),
            ScoreStart::Side(Side::Below) => slack.iter().filter(|s| **s > 0.0).count(),
            ScoreStart::Unknown | ScoreStart::Point(_) => 0,
        };
        (other > 0).then(|| format!("x lies outside the chosen cell: the slacks of {other} rows have the other sign"))
    }
}

/// How the inversion is run.
#[derive(Clone, Debug)]
pub struct ScoreInvertOptions {
    /// The method.
    pub method: ScoreMethod,
    /// How exactly the scores are known; [`HatPrecision::Exact`] also where that is not known.
    pub precision: HatPrecision,
    /// A fit ends when a step changes no slack by more than this share.
    pub tolerance: f64,
    /// Steps of one fit; None: 200, and 20 000 for first-order.
    pub max_iterations: Option<u32>,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

impl Default for ScoreInvertOptions {
    fn default() -> Self {
        ScoreInvertOptions {
            method: ScoreMethod::Auto,
            precision: HatPrecision::Exact,
            tolerance: 1e-10,
            max_iterations: None,
            seed: 0,
        }
    }
}

impl ScoreInvertOptions {
    /// For scores rounded to so many decimals.
    pub fn rounded_to(decimals: u32) -> Self {
        ScoreInvertOptions { precision: HatPrecision::Decimals(decimals), ..ScoreInvertOptions::default() }
    }

    /// For scores with independent errors of one standard deviation ν; 0: exact.
    pub fn with_noise(noise: f64) -> Self {
        ScoreInvertOptions { precision: HatPrecision::Noise(vec![noise]), ..ScoreInvertOptions::default() }
    }

    pub(super) fn iterations(&self) -> u32 {
        const FIRST_ORDER: u32 = 20_000; // linear convergence at the rate 1 − 1/cond(JᵀJ)
        const OTHERS: u32 = 200; // 4 to 15 are the rule
        let default = if self.method == ScoreMethod::FirstOrder { FIRST_ORDER } else { OTHERS };
        self.max_iterations.unwrap_or(default)
    }
}
