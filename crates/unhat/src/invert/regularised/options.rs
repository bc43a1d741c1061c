//! What is asked of a regularised inversion: which minima, to what tolerance, at what cost; and how far the search went.

use super::method::CurvatureMethod;
use crate::error::{ErrorKind, Result};

/// Which minima are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinimaSought {
    /// The best one, and what is met on the way to it.
    #[default]
    Best,
    /// As many as can be found: random starts in every dimension, and all wells of a coreset are followed.
    All,
    /// The one that a single descent ends in, from the start that needs the fewer steps.
    First,
}

impl MinimaSought {
    /// The word used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            MinimaSought::Best => "best",
            MinimaSought::All => "all",
            MinimaSought::First => "first",
        }
    }

    /// From the word.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for another one.
    pub fn from_name(name: &str) -> Result<Self> {
        let all = [MinimaSought::Best, MinimaSought::All, MinimaSought::First];
        all.into_iter().find(|sought| sought.name() == name).ok_or_else(|| {
            let reason = format!("found {name:?}, expected best, all or first");
            ErrorKind::Option { name: "minima".into(), reason }.into()
        })
    }
}

/// How far the search for other minima went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// The curve of stationary points was followed from end to end and passed its self-check, or the best minimum was
    /// proven to be the only global one. No proof that the list is complete.
    Complete,
    /// Some part was left out or failed: the warnings say which.
    Partial,
    /// There was none.
    #[default]
    None,
}

impl Extent {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            Extent::Complete => "complete",
            Extent::Partial => "partial",
            Extent::None => "none",
        }
    }
}

/// How the regularised inversion is run.
#[derive(Clone, Debug)]
pub struct RegularisedOptions {
    /// Bound on the largest relative change of a slack in the last step of a descent.
    pub tolerance: f64,
    /// Newton steps allowed in one descent.
    pub max_iterations: u32,
    /// Seed of the random starts.
    pub seed: u64,
    /// Which minima are looked for.
    pub minima: MinimaSought,
    /// Branch and bound up to d = 5 rather than 3, and for longer; a certificate whatever it costs within `search_flops`.
    pub prove: bool,
    /// Boxes that branch and bound may look at.
    pub max_boxes: u64,
    /// Where derivatives come from; None: the cheaper by predicted work.
    pub curvature: Option<CurvatureMethod>,
    /// Flops that the flips, the curve in w and, on request, a certificate may each be predicted to take; what would take
    /// more is left out, with a warning.
    pub search_flops: f64,
    /// Random starts; None: 60·d where d ≤ 3, and none beyond.
    pub random_starts: Option<u32>,
    /// Stop looking as soon as the best minimum is proven to be the only global one; the list may then be incomplete.
    pub stop_when_unique: bool,
}

impl Default for RegularisedOptions {
    fn default() -> Self {
        RegularisedOptions {
            tolerance: 1e-11,
            max_iterations: 300,
            seed: 0,
            minima: MinimaSought::Best,
            prove: false,
            max_boxes: 2_000_000,
            curvature: None,
            search_flops: 1e12, // about a minute on one core
            random_starts: None,
            stop_when_unique: true,
        }
    }
}
