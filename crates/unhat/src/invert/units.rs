//! Units in which the squares of a problem fit into numbers: rows, columns and x times powers of two, which are exact.

use crate::error::{ErrorKind, Result};
use crate::rows::{Extent, RowSource, ScaledRows, column_exponents, is_plain};
use crate::run::Run;
use crate::solve::State;

/// Row i of (A, b) times 2^eᵢ, column j of A times 2^cⱼ; x = 2^c∘x′ and g′ = 2^c∘g.
///
/// Neither the cell nor its solution changes: a row and its offset scale together, and A_x′ = A_x·diag(2^c).
pub(super) struct Units {
    rows: Vec<i32>,
    /// c.
    pub columns: Vec<i32>,
    /// Whether every entry keeps its digits.
    pub whole: bool,
}

impl Units {
    /// Units in which the slacks at a point, and the largest entry of each column of A_x there, are about 1; None where
    /// their squares fit as they are: the rule.
    ///
    /// # Cost
    /// One look at every entry.
    pub fn around(source: &dyn RowSource, slack: &[f64], run: &Run<'_>) -> Result<Option<Units>> {
        let rows: Vec<i32> = slack.iter().map(|s| -libm::ilogb(*s)).collect();
        let inverse: Vec<f64> = slack.iter().map(|s| 1.0 / s).collect();
        let extent = Extent::of(source, Some(&inverse), run)?;
        let fits = |most: &f64| *most > 0.0 && is_plain(*most);
        if slack.iter().all(|s| is_plain(*s)) && extent.columns.iter().all(fits) {
            return Ok(None);
        }
        let largest = column_exponents(source, Some(&rows))?;
        if slack.iter().all(|s| is_plain(*s)) && largest.iter().all(|e| e.is_none_or(|e| e.abs() < 250)) {
            return Ok(None); // a column of zeros is found by whoever asks for the rank
        }
        let columns: Vec<i32> = largest.iter().map(|e| -e.unwrap_or(0)).collect();
        let down = rows.iter().min().unwrap_or(&0) + columns.iter().min().unwrap_or(&0);
        let whole = !extent.least.is_finite() || libm::ilogb(extent.least) + down > -1022;
        Ok(Some(Units { rows, columns, whole }))
    }

    /// The rows in these units.
    pub fn source<'a>(&self, source: &'a dyn RowSource) -> ScaledRows<'a> {
        ScaledRows::new(source, Some(self.rows.clone()), self.columns.clone())
    }

    /// b in these units.
    pub fn offset(&self, offset: &[f64]) -> Vec<f64> {
        offset.iter().zip(&self.rows).map(|(b, e)| libm::ldexp(*b, *e)).collect()
    }

    /// c in these units.
    ///
    /// # Errors
    /// [`ErrorKind::Numerical`] where an entry does not fit.
    pub fn target(&self, target: &[f64]) -> Result<Vec<f64>> {
        let moved: Vec<f64> = target.iter().zip(&self.columns).map(|(c, e)| libm::ldexp(*c, *e)).collect();
        match (0..moved.len())
            .find(|&j| !moved[j].is_finite() || (moved[j].abs() < f64::MIN_POSITIVE && target[j] != 0.0))
        {
            None => Ok(moved),
            Some(j) => {
                let reason = format!(
                    "entry {} of the target, {:.1e}, does not go together with the rows: times their slacks over their entries it is no number",
                    j + 1,
                    target[j]
                );
                Err(ErrorKind::Numerical { reason }.into())
            }
        }
    }

    /// x′.
    pub fn inward(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(&self.columns).map(|(x, e)| libm::ldexp(*x, -e)).collect()
    }

    /// x.
    pub fn outward(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(&self.columns).map(|(x, e)| libm::ldexp(*x, *e)).collect()
    }

    /// A gradient in x from one in x′.
    pub fn gradient(&self, g: &[f64]) -> Vec<f64> {
        self.inward(g)
    }

    /// Slacks from those in these units.
    pub fn slack(&self, slack: &[f64]) -> Vec<f64> {
        slack.iter().zip(&self.rows).map(|(s, e)| libm::ldexp(*s, -e)).collect()
    }

    /// A state of a run, its points moved by `way`.
    pub fn state(state: &State, way: impl Fn(&[f64]) -> Vec<f64>) -> State {
        State {
            x: way(&state.x),
            best: state.best.as_ref().map(|(x, decrement)| (way(x), *decrement)),
            origin: way(&state.origin),
            ..state.clone()
        }
    }
}
