//! Newton's method for generalised linear models, to the floor of rounding, and what to say where no minimum exists.

use super::null_space::NullSpace;
use super::objective::{Evaluated, Objective};
use super::{Activation, Family, Network};
use unhat::kernels;
use unhat::kernels::weighted_gram;
use unhat::solve::Step;
use unhat::{ErrorKind, Event, Result, Run};

/// ‖∇L‖ as a share of the length it would have if nothing cancelled: what counts as solved.
const TOLERANCE: f64 = 1e-10;

/// Newton steps allowed: ten are usual; counts in the millions start with fifty halvings of the first.
const STEP_LIMIT: u32 = 200;

/// Above this many parameters the Hessian is not formed: 3000² are 72 MB, and its factor 9·10⁹ flops.
const FULL_HESSIAN_LIMIT: usize = 3000;

/// Nor where it would take more than this many flops, a second or two of two cores for each step: products with it take
/// hundreds of times less, and all steps together need some 80 of them (60 000 × 100 with ten classes: half the time).
const FULL_HESSIAN_FLOPS: f64 = 3e10;

/// Steps of conjugate gradients for one Newton step; a direction that is not exact is still a descent.
const CONJUGATE_LIMIT: usize = 1000;

/// Share of the slope that a step must deliver (Armijo).
const SUFFICIENT_DECREASE: f64 = 1e-4;

/// Halvings of a step before the loop ends as stalled: the step is 10⁻¹⁸ of itself then.
const HALVINGS: u32 = 60;

/// At a minimum the step after the last moves no predictor by more than rounding; where the loss only falls for ever, each
/// step moves some by about 1. Any number far from both separates them.
const RUNAWAY_MOVE: f64 = 1e-3;

/// A predictor beyond ±this says that a row is told apart to 10⁻¹³: where the Hessian loses its rank there, the loss falls
/// for ever; elsewhere the columns are too nearly dependent.
const SATURATED: f64 = 30.0;

/// How a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitStatus {
    /// ‖∇L‖ is at most 10⁻¹⁰ of the length it would have if nothing cancelled ([`Evaluated::scale`]).
    Solved,
    /// Without a penalty the loss has no minimum: some combination of the columns tells rows apart perfectly, and its
    /// weight grows for ever. The weights are the last.
    Separable,
    /// The allowed number of steps is used up.
    StepLimit,
    /// No step makes the loss smaller, above the floor of rounding.
    Stalled,
}

impl FitStatus {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            FitStatus::Solved => "solved",
            FitStatus::Separable => "separable",
            FitStatus::StepLimit => "iteration_limit",
            FitStatus::Stalled => "stalled",
        }
    }
}

/// A fitted generalised linear model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The model.
    pub network: Network,
    /// How the fit ended.
    pub status: FitStatus,
    /// L(θ).
    pub objective: f64,
    /// ‖∇L‖ as a share of the length it would have if nothing cancelled ([`Evaluated::scale`]).
    pub relative_gradient: f64,
    /// Newton steps.
    pub steps: u32,
    /// Independent columns, where there are fewer than columns and M = 0: the weights are then the shortest of all that
    /// predict the same.
    pub rank: Option<usize>,
}

/// Fits a generalised linear model.
///
/// θ = argmin Σᵢ wᵢℓ(Θaᵢ, yᵢ) + ½M‖θ‖²
///
/// Newton steps with halving; the Hessian in full up to 3000 parameters, above it by products (conjugate gradients). For
/// linear and ridge regression the first step is the normal equations and the next one corrects its rounding. With M = 0
/// and dependent columns (all levels of a text column and the intercept always are) the weights are the shortest.
///
/// # Shapes
/// `start`: θ, or None for zeros.
/// # Cost
/// Two sweeps a step: 4np + n·p²(1 + 1/outputs)/2 flops, and p³/3 for the factor; five to ten steps.
/// # Randomness
/// None; the same bits for any number of threads.
/// # Errors
/// [`ErrorKind::Interrupted`]; [`ErrorKind::Numerical`] where L overflows at the start. Not converging is a [`FitStatus`].
pub fn fit(objective: &Objective<'_>, start: Option<&[f64]>, run: &Run<'_>) -> Result<Fit> {
    fit_to(objective, start, TOLERANCE, run)
}

/// The same to another tolerance: a cross-validation needs no more digits than it compares.
pub(super) fn fit_to(objective: &Objective<'_>, start: Option<&[f64]>, tolerance: f64, run: &Run<'_>) -> Result<Fit> {
    let newton = Newton { objective, tolerance, run };
    newton.solve(start)
}

struct Newton<'a> {
    objective: &'a Objective<'a>,
    tolerance: f64,
    run: &'a Run<'a>,
}

/// A point of the path.
struct Point {
    theta: Vec<f64>,
    at: Evaluated,
}

/// How directions are found: what does not change from step to step.
struct Directions {
    null_space: Option<NullSpace>,
}

/// An approximation of H that is cheap to divide by.
enum Preconditioner {
    /// The same block for every output, by its Cholesky factor.
    Blocks {
        factor: Vec<f64>,
        inputs: usize,
    },
    Diagonal(Vec<f64>),
}

impl Preconditioner {
    fn apply(&self, r: &[f64]) -> Vec<f64> {
        match self {
            Preconditioner::Diagonal(scale) => r.iter().zip(scale).map(|(r, s)| r / s).collect(),
            Preconditioner::Blocks { factor, inputs } => {
                let mut z = r.to_vec();
                kernels::solve_lower_rows(factor, *inputs, &mut z);
                kernels::solve_lower_transposed_rows(factor, *inputs, &mut z);
                z
            }
        }
    }
}

impl Newton<'_> {
    fn solve(&self, start: Option<&[f64]>) -> Result<Fit> {
        let mut directions = Directions { null_space: None };
        let mut point = self.first(start)?;
        for steps in 0..STEP_LIMIT {
            if self.separates(&point.at) {
                return Ok(self.finish(point, FitStatus::Separable, steps, &directions));
            }
            let converged = point.at.relative_gradient() <= self.tolerance;
            if converged && self.tolerance > TOLERANCE {
                return Ok(self.finish(point, FitStatus::Solved, steps, &directions)); // digits are not asked for
            }
            let Some(direction) = self.direction(&point, &mut directions)? else {
                let status = if converged { FitStatus::Solved } else { self.without_direction(&point.at) };
                return Ok(self.finish(point, status, steps, &directions));
            };
            if converged {
                return self.polish(point, &direction, steps, &directions);
            }
            match self.search(&point, &direction)? {
                Some((next, length)) => {
                    point = next;
                    self.tell(&point, &direction, steps + 1, length);
                }
                None => return Ok(self.finish(point, FitStatus::Stalled, steps, &directions)),
            }
        }
        Ok(self.finish(point, FitStatus::StepLimit, STEP_LIMIT, &directions))
    }

    fn first(&self, start: Option<&[f64]>) -> Result<Point> {
        let mut theta = vec![0.0; self.objective.parameters()];
        match start {
            Some(start) => theta.copy_from_slice(start),
            // counts far from 1 would take a first step whose exponential overflows: begin at their mean
            None if self.objective.family() == Family::Poisson => {
                let weighted = |value: &dyn Fn(usize) -> f64| {
                    (0..self.objective.response().len()).map(|i| self.objective.weight(i) * value(i)).sum::<f64>()
                };
                let mean = weighted(&|i| self.objective.response()[i]) / weighted(&|_| 1.0);
                if mean > 0.0 {
                    theta[self.objective.inputs() - 1] = mean.ln();
                }
            }
            None => {}
        }
        let at = self.objective.evaluate(&theta, self.run)?;
        if !at.value.is_finite() {
            let reason = "the loss overflows at the start of the fit: rescale the columns or the response".to_string();
            return Err(ErrorKind::Numerical { reason }.into());
        }
        Ok(Point { theta, at })
    }

    /// Whether every row is told apart strictly without a penalty: then a longer θ is always better, and there is no
    /// minimum.
    fn separates(&self, at: &Evaluated) -> bool {
        let objective = self.objective;
        if objective.penalty() > 0.0 || !objective.family().is_classification() {
            return false;
        }
        at.predictors.chunks_exact(objective.family().outputs()).enumerate().all(|(row, z)| {
            let y = objective.response()[row];
            objective.weight(row) == 0.0
                || match z {
                    [z] => z * (y - 0.5) > 0.0,
                    _ => z.iter().enumerate().all(|(k, other)| k == y as usize || z[y as usize] > *other),
                }
        })
    }

    /// −H⁻¹∇L; None where H is not positive definite to rounding.
    fn direction(&self, point: &Point, directions: &mut Directions) -> Result<Option<Vec<f64>>> {
        let down: Vec<f64> = point.at.gradient.iter().map(|g| -g).collect();
        let p = down.len();
        let objective = self.objective;
        let unpenalised = objective.penalty() == 0.0;
        if !self.forms_hessian() {
            if unpenalised && directions.null_space.is_none() && objective.inputs() <= FULL_HESSIAN_LIMIT {
                directions.null_space = Some(NullSpace::of(objective, self.run)?);
            }
            return self.conjugate_direction(point, &down, directions).map(Some);
        }
        let shared = unpenalised && matches!(objective.family(), Family::Categorical { .. });
        let mut hessian = objective.hessian(&point.at.predictors, self.run)?;
        if unpenalised && directions.null_space.is_none() {
            directions.null_space = NullSpace::where_singular(objective, &hessian, self.run)?;
        }
        if let Some(space) = &directions.null_space {
            if objective.family() == Family::Gaussian && space.rank() == p {
                return Ok(Some(kernels::cholesky_solve(&space.factor, &down)));
            }
            space.fill_in(&mut hessian, shared);
        }
        Ok(kernels::cholesky_in_place(&mut hessian, p).then(|| kernels::cholesky_solve(&hessian, &down)))
    }

    /// Whether the Hessian is small enough, in memory and in flops.
    fn forms_hessian(&self) -> bool {
        let (rows, p) = (self.objective.response().len() as f64, self.objective.parameters());
        let outputs = self.objective.family().outputs() as f64;
        p <= FULL_HESSIAN_LIMIT && rows * (p * p) as f64 * (1.0 + 1.0 / outputs) <= FULL_HESSIAN_FLOPS
    }

    /// What conjugate gradients divide by: each output's own block of H with the mean curvature of the outputs,
    /// Σᵢ wᵢ(tr S/outputs)aᵢaᵢᵀ + M I, by its factor; the diagonal of H where that is too large. (What all outputs share
    /// has no curvature but M; no gradient of ours points there.)
    fn preconditioner(&self, predictors: &[f64], directions: &Directions) -> Result<Preconditioner> {
        let objective = self.objective;
        let (inputs, outputs, p) = (objective.inputs(), objective.family().outputs(), objective.parameters());
        if inputs <= FULL_HESSIAN_LIMIT {
            let mut curvature = vec![0.0; outputs * outputs];
            let mean_curvature = |(row, z): (usize, &[f64])| {
                objective.family().curvature_into(z, &mut curvature);
                let trace: f64 = (0..outputs).map(|k| curvature[k * (outputs + 1)]).sum();
                objective.weight(row) * trace / outputs as f64
            };
            let weights: Vec<f64> = predictors.chunks_exact(outputs).enumerate().map(mean_curvature).collect();
            let mut block = weighted_gram(objective.features(), Some(&|row| weights[row]), self.run)?;
            (0..inputs).for_each(|i| block[i * (inputs + 1)] += objective.penalty());
            directions.null_space.iter().for_each(|space| space.fill_in(&mut block, false));
            if kernels::cholesky_in_place(&mut block, inputs) {
                return Ok(Preconditioner::Blocks { factor: block, inputs });
            }
        }
        Ok(Preconditioner::Diagonal(match objective.penalty() > 0.0 {
            true => objective.hessian_diagonal(predictors, self.run)?,
            false => vec![1.0; p], // so that the steps have no part in the null space
        }))
    }

    /// −H⁻¹∇L by conjugate gradients, as exactly as the gradient is small: the loop still converges faster than linearly.
    fn conjugate_direction(&self, point: &Point, down: &[f64], directions: &Directions) -> Result<Vec<f64>> {
        let predictors = &point.at.predictors;
        let preconditioner = self.preconditioner(predictors, directions)?;
        let tolerance = point.at.relative_gradient().sqrt().clamp(1e-6, 0.1) * kernels::norm(down);
        let (mut x, mut r) = (vec![0.0; down.len()], down.to_vec());
        let mut z = preconditioner.apply(&r);
        let mut search = z.clone();
        let mut rz = kernels::dot(&r, &z);
        for _ in 0..CONJUGATE_LIMIT {
            let product = self.objective.hessian_product(predictors, &search, self.run)?;
            let curvature = kernels::dot(&search, &product);
            if curvature <= 0.0 {
                break;
            }
            let step = rz / curvature;
            x.iter_mut().zip(&search).for_each(|(x, s)| *x += step * s);
            r.iter_mut().zip(&product).for_each(|(r, h)| *r -= step * h);
            if kernels::norm(&r) <= tolerance {
                break;
            }
            z = preconditioner.apply(&r);
            let before = std::mem::replace(&mut rz, kernels::dot(&r, &z));
            search.iter_mut().zip(&z).for_each(|(s, z)| *s = z + rz / before * *s);
        }
        // no product has been taken that was positive: steepest descent
        Ok(if x.iter().all(|x| *x == 0.0) { preconditioner.apply(down) } else { x })
    }

    /// The first of the steps 1, ½, ¼, … that makes L smaller by a share of its slope.
    fn search(&self, point: &Point, direction: &[f64]) -> Result<Option<(Point, f64)>> {
        let slope = kernels::dot(&point.at.gradient, direction);
        // differences of L below its own rounding say nothing: such steps are taken
        let rounding = 64.0 * f64::EPSILON * point.at.value.abs();
        let mut length = 1.0;
        for _ in 0..HALVINGS {
            let next = self.moved(point, direction, length)?;
            if next.at.value <= point.at.value + SUFFICIENT_DECREASE * length * slope + rounding
                && next.at.gradient.iter().all(|g| g.is_finite())
            {
                return Ok(Some((next, length)));
            }
            length *= 0.5;
        }
        Ok(None)
    }

    fn moved(&self, point: &Point, direction: &[f64], length: f64) -> Result<Point> {
        let theta: Vec<f64> = point.theta.iter().zip(direction).map(|(t, d)| t + length * d).collect();
        let at = self.objective.evaluate(&theta, self.run)?;
        Ok(Point { theta, at })
    }

    /// One step more than the tolerance asks for: Newton's last step reaches the floor of rounding for the price of a
    /// sweep, and tells a minimum from a loss that falls for ever.
    fn polish(&self, point: Point, direction: &[f64], steps: u32, directions: &Directions) -> Result<Fit> {
        let next = self.moved(&point, direction, 1.0)?;
        let moves = point.at.predictors.iter().zip(&next.at.predictors).map(|(a, b)| (a - b).abs());
        let runaway = self.objective.penalty() == 0.0
            && self.objective.family() != Family::Gaussian
            && moves.fold(0.0, f64::max) > RUNAWAY_MOVE;
        let status = if runaway { FitStatus::Separable } else { FitStatus::Solved };
        let better = next.at.relative_gradient() < point.at.relative_gradient();
        Ok(match better && !runaway {
            true => self.finish(next, status, steps + 1, directions),
            false => self.finish(point, status, steps, directions),
        })
    }

    /// H has lost its rank on the way.
    fn without_direction(&self, at: &Evaluated) -> FitStatus {
        let objective = self.objective;
        let saturated = at.predictors.iter().any(|z| z.abs() > SATURATED);
        match objective.penalty() == 0.0 && objective.family() != Family::Gaussian && saturated {
            true => FitStatus::Separable,
            false => FitStatus::Stalled,
        }
    }

    fn finish(&self, point: Point, status: FitStatus, steps: u32, directions: &Directions) -> Fit {
        let objective = self.objective;
        let Point { mut theta, at } = point;
        let rank = directions.null_space.as_ref().map(NullSpace::rank).filter(|rank| *rank < objective.inputs());
        if let Some(space) = &directions.null_space {
            space.take_out(&mut theta, matches!(objective.family(), Family::Categorical { .. }));
        }
        let mut network = Network::zeros(objective.inputs(), &[], Activation::Relu, objective.family());
        network.set(&theta);
        Fit { network, status, objective: at.value, relative_gradient: at.relative_gradient(), steps, rank }
    }

    fn tell(&self, point: &Point, direction: &[f64], iteration: u32, step_length: f64) {
        let decrement = kernels::dot(&point.at.gradient, direction).abs().sqrt();
        let residual = kernels::norm(&point.at.gradient);
        let passes = iteration + 1;
        let work = f64::from(2 * iteration + 1);
        self.run.tell(Event::Step(&Step {
            iteration,
            passes,
            work,
            decrement,
            residual,
            step_length,
            certificate: None,
        }));
    }
}
