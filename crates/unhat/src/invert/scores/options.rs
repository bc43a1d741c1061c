//! How scores are inverted: the method, what is known of the cell, when to stop.

use crate::barrier::Side;

/// How x is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreMethod {
    /// The lift where it can be had, otherwise second order; the result says why.
    #[default]
    Auto,
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

/// How the inversion is run.
#[derive(Clone, Debug)]
pub struct ScoreInvertOptions {
    /// The method.
    pub method: ScoreMethod,
    /// ν, the standard deviation of independent Gaussian errors of the scores; None: exact, or unknown.
    pub noise: Option<f64>,
    /// A fit ends when a step changes no slack by more than this share.
    pub tolerance: f64,
    /// Steps of one fit; None: 200, and 20 000 for first-order.
    pub max_iterations: Option<u32>,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

impl Default for ScoreInvertOptions {
    fn default() -> Self {
        ScoreInvertOptions { method: ScoreMethod::Auto, noise: None, tolerance: 1e-10, max_iterations: None, seed: 0 }
    }
}

impl ScoreInvertOptions {
    /// The noise of scores rounded to `digits` decimals: a uniform error has the standard deviation 10⁻ᵏ/√12.
    pub fn rounded_to(digits: u32) -> Self {
        let noise = 10f64.powi(-(digits as i32)) / 12f64.sqrt();
        ScoreInvertOptions { noise: Some(noise), ..ScoreInvertOptions::default() }
    }

    pub(super) fn iterations(&self) -> u32 {
        const FIRST_ORDER: u32 = 20_000; // linear convergence at the rate 1 − 1/cond(JᵀJ)
        const OTHERS: u32 = 200; // 4 to 15 are the rule
        let default = if self.method == ScoreMethod::FirstOrder { FIRST_ORDER } else { OTHERS };
        self.max_iterations.unwrap_or(default)
    }
}
