//! Fisher's scoring: steps of weighted least squares until a step is rounding.

use super::geometry::Geometry;
use super::law::Law;
use super::problem::Problem;
use super::scale::{RowState, state_at};
use unhat::families::{Family, Link};
use unhat::gram::Factor;
use unhat::kernels::dot;
use unhat::rows::RowSource;
use unhat::{ErrorKind, Result, Run};

/// Steps that iteration may take.
const MOST_STEPS: usize = 200;
/// A step shorter than this share of the length of the residuals is rounding.
const CONVERGED: f64 = 1e-14;
/// Where steps no longer shrink below this, rounding is what they are.
const AT_ROUNDING: f64 = 1e-9;
/// So many steps in a row that do not shrink are rounding.
const STALLS: usize = 3;
/// Halvings of a step that leads out of the means, or up.
const MOST_HALVINGS: usize = 40;
/// A deviance has settled when it changes by less than this, in R's measure |D − D′|/(|D| + 0.1).
const SETTLED: f64 = 1e-8;

/// Steps of least squares, the last of them rounding.
const MOST_LINEAR_STEPS: usize = 4;

/// r²·residual; 0 in a row of weight 0, whatever its residual is.
fn weighed(r: f64, residual: f64) -> f64 {
    if r == 0.0 { 0.0 } else { r * r * residual }
}

/// Where scoring begins: the rows at the first means.
pub(super) struct First {
    /// η at the first means.
    pub predictor: Vec<f64>,
    /// The rows there.
    pub state: RowState,
    /// Σ uᵢ(aᵢ − μ), u what [`first_residuals`] says, where it is known.
    pub products: Option<Vec<f64>>,
    /// The factor of the rows there, where it is known.
    pub factor: Option<Factor>,
}

/// What the first step regresses: vᵢ(working residual + η − offset) at the first means.
pub(super) fn first_residuals(problem: &Problem<'_>, predictor: &[f64], state: &RowState) -> Vec<f64> {
    let of = |i: usize| weighed(state.row_scale[i], state.work[i] + predictor[i] - problem.offset(i));
    (0..predictor.len()).map(of).collect()
}

/// Where scoring ended.
pub(super) struct Reached {
    pub gamma: Vec<f64>,
    pub predictor: Vec<f64>,
    pub state: RowState,
    pub factor: Factor,
    pub iterations: usize,
}

/// One climb to the maximum of the likelihood.
pub(super) struct Scoring<'a> {
    pub problem: &'a Problem<'a>,
    pub law: Law,
    pub source: &'a dyn RowSource,
    pub geometry: &'a Geometry,
    pub run: &'a Run<'a>,
    /// Whether it ends where the deviance settles, maximum or not.
    pub settles: bool,
}

impl Scoring<'_> {
    /// γ ← γ + (XᵀVX)⁻¹XᵀV·(working residuals), halved where it leads out of the means or up; until it is rounding.
    ///
    /// The first step regresses the predictor at the first means, so that no coefficients are needed to begin.
    pub fn climb(&self, first: First, start: Option<Vec<f64>>) -> Result<Reached> {
        if (self.law.family(), self.law.link()) == (Family::Gaussian, Link::Identity) {
            return self.least_squares(first, start);
        }
        let p = self.geometry.columns;
        let First { mut state, products: mut gradient, mut factor, .. } = first;
        let mut gamma = vec![0.0; p];
        let mut started = false;
        if let Some(start) = start {
            let at = state_at(self.problem, &self.law, &self.predictor(&start)?);
            if at.valid {
                (gamma, state, started, gradient, factor) = (start, at, true, None, None);
            }
        }
        let (mut shortest, mut stalls) = (f64::INFINITY, 0);
        for step_number in 1..=MOST_STEPS {
            self.run.check()?;
            if factor.is_none() || step_number > 1 {
                factor = self.geometry.factor(factor.as_ref(), self.source, &state.row_scale, self.run)?;
            }
            let Some(held) = &factor else { return Err(self.no_maximum()) };
            let gradient = match gradient.take() {
                Some(gradient) => gradient,
                None => {
                    let u: Vec<f64> = match started {
                        true => state.row_scale.iter().zip(&state.work).map(|(r, work)| weighed(*r, *work)).collect(),
                        false => first_residuals(self.problem, &first.predictor, &state),
                    };
                    self.geometry.products(self.source, &u, self.run)?
                }
            };
            let step = held.solve(&gradient);
            let length = dot(&gradient, &step).max(0.0).sqrt();
            if !length.is_finite() {
                return Err(self.no_maximum());
            }
            let (next, eta, at) = self.advance(&gamma, &step, started.then_some(&state))?;
            let change = (at.deviance - state.deviance).abs() / (at.deviance.abs() + 0.1);
            (gamma, state) = (next, at);
            if self.settles
                && started
                && change < SETTLED
                && let Some(factor) = factor.take()
            {
                return Ok(Reached { gamma, predictor: eta, state, factor, iterations: step_number });
            }
            let scale = state.pearson.sqrt();
            let was_started = std::mem::replace(&mut started, true);
            // A fit that converges slowly shrinks at every step; what does not shrink is rounding.
            let shrinks = length > AT_ROUNDING * scale || length <= 0.9 * shortest;
            stalls = if shrinks { 0 } else { stalls + 1 };
            if was_started && (length <= CONVERGED * scale || stalls >= STALLS || length == 0.0) {
                // The factor of the last weights, which a step of rounding has not changed.
                return match factor {
                    Some(factor) => Ok(Reached { gamma, predictor: eta, state, factor, iterations: step_number }),
                    None => Err(self.no_maximum()),
                };
            }
            if was_started {
                shortest = shortest.min(length);
            }
        }
        Err(self.no_maximum())
    }

    /// Least squares by one factor: γ ← γ + (XᵀWX)⁻¹XᵀW(y − η), until the next step would be rounding.
    ///
    /// # Cost
    /// A sweep for each step but the first, which tells its residuals and their products together; two steps are the rule.
    fn least_squares(&self, first: First, start: Option<Vec<f64>>) -> Result<Reached> {
        let row_scale = &first.state.row_scale;
        let factor = match first.factor {
            Some(factor) => factor,
            None => self.geometry.factor(None, self.source, row_scale, self.run)?.ok_or_else(|| self.no_maximum())?,
        };
        let begins = start.is_none();
        let mut gamma = start.unwrap_or_else(|| vec![0.0; self.geometry.columns]);
        let mut known = first.products.filter(|_| begins);
        let left = |i: usize, eta: f64| self.problem.response[i] - self.problem.offset(i) - eta;
        let u = |i: usize, eta: f64| weighed(row_scale[i], left(i, eta));
        let (mut before, mut rest, mut at) = (f64::INFINITY, 0.0, None);
        for step_number in 1..=MOST_LINEAR_STEPS {
            self.run.check()?;
            let gradient = match known.take() {
                Some(gradient) => gradient,
                None => {
                    let (eta, gradient) = self.geometry.predictors_and_products(self.source, &gamma, u, self.run)?;
                    rest =
                        eta.iter().enumerate().map(|(i, e)| (row_scale[i] * left(i, *e)).powi(2)).sum::<f64>().sqrt();
                    at = Some(eta);
                    gradient
                }
            };
            let step = factor.solve(&gradient);
            let length = dot(&gradient, &step).max(0.0).sqrt();
            if !length.is_finite() {
                let reason = "the squares of the response overflow: rescale it".into();
                return Err(ErrorKind::Numerical { reason }.into());
            }
            let here = at.take().filter(|_| length <= CONVERGED * rest); // the step would be rounding
            if here.is_none() {
                gamma.iter_mut().zip(&step).for_each(|(g, s)| *g += s);
            }
            // Steps shrink by one factor, that of the rounding of L, until they are rounding themselves.
            let next = length * (length / before).min(1.0);
            let converged = step_number > 1 && (next <= CONVERGED * rest || length > 0.3 * before);
            // Fits that leave nothing have no scale; four steps have taken out what rounding lets them.
            if here.is_some() || converged || length == 0.0 || step_number == MOST_LINEAR_STEPS {
                let mut predictor = match here {
                    Some(eta) => eta,
                    None => self.geometry.predictors(self.source, &gamma, self.run)?,
                };
                self.add_offset(&mut predictor);
                let state = state_at(self.problem, &self.law, &predictor);
                if !state.valid {
                    return Err(self.no_mean());
                }
                return Ok(Reached { gamma, predictor, state, factor, iterations: step_number });
            }
            before = length;
        }
        Err(self.no_maximum())
    }

    fn add_offset(&self, eta: &mut [f64]) {
        if let Some(offset) = self.problem.offset {
            eta.iter_mut().zip(offset).for_each(|(eta, o)| *eta += o);
        }
    }

    fn predictor(&self, gamma: &[f64]) -> Result<Vec<f64>> {
        let mut eta = self.geometry.predictors(self.source, gamma, self.run)?;
        self.add_offset(&mut eta);
        Ok(eta)
    }

    /// A step, halved until all means are means and the deviance has not risen.
    fn advance(
        &self,
        gamma: &[f64],
        step: &[f64],
        before: Option<&RowState>,
    ) -> Result<(Vec<f64>, Vec<f64>, RowState)> {
        /// What rounding may add to a deviance.
        const RISE: f64 = 1e-8;
        let mut share = 1.0;
        let mut base = gamma.to_vec();
        for halving in 0..=MOST_HALVINGS {
            let next: Vec<f64> = base.iter().zip(step).map(|(g, s)| g + share * s).collect();
            let eta = self.predictor(&next)?;
            let state = state_at(self.problem, &self.law, &eta);
            let risen = before.is_some_and(|b| state.deviance > b.deviance + RISE * (b.deviance.abs() + 1e-300));
            if state.valid && !(risen && halving < MOST_HALVINGS) {
                return Ok((next, eta, state));
            }
            if before.is_none() && halving == 0 {
                // Nowhere to go back to: to the mean of all rows.
                match self.constant() {
                    Some(constant) => {
                        base = constant;
                        let full: Vec<f64> = gamma.iter().zip(step).map(|(g, s)| g + s).collect();
                        let towards: Vec<f64> = full.iter().zip(&base).map(|(f, b)| f - b).collect();
                        return self.advance_from(&base, &towards);
                    }
                    None => break,
                }
            }
            share *= 0.5;
        }
        Err(self.no_mean())
    }

    fn advance_from(&self, base: &[f64], towards: &[f64]) -> Result<(Vec<f64>, Vec<f64>, RowState)> {
        let mut share = 0.5;
        for _ in 0..MOST_HALVINGS {
            let next: Vec<f64> = base.iter().zip(towards).map(|(g, s)| g + share * s).collect();
            let eta = self.predictor(&next)?;
            let state = state_at(self.problem, &self.law, &eta);
            if state.valid {
                return Ok((next, eta, state));
            }
            share *= 0.5;
        }
        Err(self.no_mean())
    }

    /// The intercept alone, at the mean of the response.
    fn constant(&self) -> Option<Vec<f64>> {
        let intercept = self.problem.intercept && self.problem.offset.is_none();
        let (mut sum, mut total) = (0.0, 0.0);
        for (i, y) in self.problem.response.iter().enumerate() {
            sum += self.problem.weight(i) * y;
            total += self.problem.weight(i);
        }
        let mut gamma = vec![0.0; self.geometry.columns];
        gamma[0] = self.law.link().predictor(sum / total);
        (intercept && gamma[0].is_finite()).then_some(gamma)
    }

    fn no_mean(&self) -> unhat::Error {
        if self.law.family() == Family::Binomial && self.law.any_predictor() {
            return self.no_maximum(); // every predictor has a mean: it has run off to 0 or 1
        }
        let reason =
            "no coefficients were found at which every mean is one of the family: another link may serve".into();
        ErrorKind::Numerical { reason }.into()
    }

    fn no_maximum(&self) -> unhat::Error {
        let reason = format!(
            "the fit did not converge in {MOST_STEPS} steps: the likelihood has no maximum where a combination of columns \
             separates the responses, or coefficients run off to infinity; leave out such a column, or join levels"
        );
        ErrorKind::Numerical { reason }.into()
    }
}
