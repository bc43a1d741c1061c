//! The bounds of one column of an MPS file: what BOUNDS says of it, and what holds where nothing is said.

use super::fields::BoundFields;
use crate::fault::{Checked, Fault, shown};
use crate::polytope::inequalities::finite;
use crate::table::fortran_number;

/// Magnitude from which a bound is none, as in CPLEX, Gurobi and HiGHS.
pub(super) const INFINITE: f64 = 1e20;

/// What has been said so far; an infinite value says that there is no bound.
#[derive(Default)]
pub(super) struct Bounds {
    lower: Option<Said>,
    upper: Option<Said>,
}

#[derive(Clone, Copy)]
struct Said {
    value: f64,
    line: usize,
}

/// The bounds that hold.
pub(super) struct Interval {
    /// May be −∞.
    pub lower: f64,
    /// May be ∞.
    pub upper: f64,
    /// Whether there is no lower bound only because the upper one is negative.
    pub opened: bool,
}

impl Bounds {
    /// Takes a line of BOUNDS; true if it declares the column integer.
    pub fn add(&mut self, bound: &BoundFields<'_>, line: usize) -> Checked<bool> {
        let kind = bound.kind.to_ascii_uppercase();
        match kind.as_str() {
            "LO" | "LI" => set(&mut self.lower, "lower", value(bound, f64::NEG_INFINITY)?, line)?,
            "UP" | "UI" => set(&mut self.upper, "upper", value(bound, f64::INFINITY)?, line)?,
            "MI" => set(&mut self.lower, "lower", f64::NEG_INFINITY, line)?,
            "PL" => set(&mut self.upper, "upper", f64::INFINITY, line)?,
            "FR" => self.set_both(f64::NEG_INFINITY, f64::INFINITY, line)?,
            "BV" => self.set_both(0.0, 1.0, line)?,
            "FX" => return Err(Fault::new("found an FX bound: equality form is not supported yet")),
            _ => {
                return Err(Fault::new(format!(
                    "found a bound of kind {}, expected LO, UP, FR, MI, PL, BV, LI or UI",
                    shown(bound.kind)
                )));
            }
        }
        Ok(matches!(kind.as_str(), "LI" | "UI" | "BV"))
    }

    fn set_both(&mut self, lower: f64, upper: f64, line: usize) -> Checked<()> {
        set(&mut self.lower, "lower", lower, line)?;
        set(&mut self.upper, "upper", upper, line)
    }

    /// Whether anything has been said.
    pub fn is_said(&self) -> bool {
        self.lower.is_some() || self.upper.is_some()
    }

    /// What holds: 0 ≤ x where nothing is said, and no lower bound where only a negative upper one is.
    ///
    /// `default_upper` is what holds above where nothing is said.
    pub fn interval(&self, default_upper: f64) -> Checked<Interval> {
        let unsaid = if self.is_said() { f64::INFINITY } else { default_upper };
        let upper = self.upper.map_or(unsaid, |said| said.value);
        let opened = self.lower.is_none() && upper < 0.0;
        let lower = match self.lower {
            Some(said) => said.value,
            None if opened => f64::NEG_INFINITY,
            None => 0.0,
        };
        if lower > upper {
            let reason = format!("found lower bound {lower:?} above upper bound {upper:?}, expected it below");
            return Err(Fault::new(reason));
        }
        if lower == upper {
            let reason = format!("found lower and upper bound {upper:?}: equality form is not supported yet");
            return Err(Fault::new(reason));
        }
        Ok(Interval { lower, upper, opened })
    }

    /// The last line that says something; 0 if none does.
    pub fn last_line(&self) -> usize {
        [self.lower, self.upper].into_iter().flatten().map(|said| said.line).max().unwrap_or_default()
    }
}

fn set(side: &mut Option<Said>, name: &str, value: f64, line: usize) -> Checked<()> {
    if let Some(said) = side {
        return Err(Fault::new(format!("found a second {name} bound; the first is on line {}", said.line)));
    }
    *side = Some(Said { value, line });
    Ok(())
}

/// The value of a bound, or `none` if it is as far out as to be none.
fn value(bound: &BoundFields<'_>, none: f64) -> Checked<f64> {
    let Some(word) = bound.value else {
        return Err(Fault::new(format!("found no value, expected one after {}", bound.kind.to_ascii_uppercase())));
    };
    match fortran_number(word) {
        Some(value) if value * none.signum() >= INFINITE => Ok(none),
        _ => finite(word),
    }
}
