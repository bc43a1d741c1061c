//! L(x) = ½‖g(x) − c‖² + ½‖diag(w)Ax‖²: its value, gradient and Hessian at a point of the cell.

use super::method::CurvatureMethod;
use super::weighted_rows::WeightedRows;
use crate::barrier::{Barrier, Point, WhitenedCurvature, unwhiten};
use crate::error::{ErrorKind, Result};
use crate::gram::{Factor, Transform, orthogonal_factor, prefers_pairs, weighted_gram};
use crate::linalg::{self, dot};
use crate::rows::{Shape, require_vector};
use crate::run::Run;
use std::cell::Cell;
use std::rc::Rc;

/// The regularised least-squares objective of a cell.
#[derive(Clone)]
pub(super) struct Objective<'a> {
    /// The barrier V.
    pub barrier: &'a Barrier<'a>,
    /// The target c.
    pub target: &'a [f64],
    /// W, lower triangular with WWᵀ = K = Aᵀdiag(w)²A: Wᵀ is the triangular factor of diag(w)A.
    pub root: Vec<f64>,
    /// Where second and third derivatives come from.
    pub method: CurvatureMethod,
    /// The rows of a coreset, which then stand for all of them.
    pub drawn: Option<Rc<WeightedRows>>,
    /// Work on coresets so far, in evaluations; one counter for all objectives made of this one.
    coreset_work: Rc<Cell<f64>>,
}

/// One evaluation of [`Objective`].
#[derive(Clone)]
pub(super) struct Place {
    /// The barrier's evaluation.
    pub base: Point,
    /// r = g − c.
    pub residual: Vec<f64>,
    /// Wᵀx, with ‖Wᵀx‖ = ‖diag(w)Ax‖.
    pub pull: Vec<f64>,
    /// The value L of the objective.
    pub value: f64,
}

impl<'a> Objective<'a> {
    /// Takes the triangular factor of diag(w)A once, by orthogonal transformations: K itself is never rounded. Where rows
    /// are many and K is well conditioned its Cholesky factor is as good, and costs half as much or the pairs of entries.
    ///
    /// # Cost
    /// One sweep, 2nd² flops, or half an evaluation.
    pub fn new(
        barrier: &'a Barrier<'a>,
        target: &'a [f64],
        weights: &[f64],
        method: CurvatureMethod,
        run: &Run<'_>,
    ) -> Result<Self> {
        let root = match light_root(barrier, weights, run)? {
            Some(root) => root,
            None => {
                barrier.charge(1.0);
                let transform = Transform { row_scale: Some(weights), ..Transform::default() };
                orthogonal_factor(barrier.source(), transform, 0.0, run)?
            }
        };
        Ok(Objective { barrier, target, root, method, drawn: None, coreset_work: Rc::default() })
    }

    /// The objective of a coreset, by tensors.
    pub fn drawn(&self, rows: WeightedRows) -> Self {
        Objective { drawn: Some(Rc::new(rows)), method: CurvatureMethod::Tensors, ..self.clone() }
    }

    /// The same objective, its derivatives by exact products.
    pub fn by_products(&self) -> Self {
        Objective { method: CurvatureMethod::Products, ..self.clone() }
    }

    /// The objective with weights t·w.
    pub fn scaled(&self, t: f64) -> Self {
        Objective { root: self.root.iter().map(|v| t * v).collect(), ..self.clone() }
    }

    /// The objective with another target.
    pub fn with_target<'b>(&self, target: &'b [f64]) -> Objective<'b>
    where
        'a: 'b,
    {
        let (barrier, root, method, drawn) = (self.barrier, self.root.clone(), self.method, self.drawn.clone());
        Objective { barrier, target, root, method, drawn, coreset_work: self.coreset_work.clone() }
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.barrier.dim()
    }

    /// Evaluates L at x; None outside the cell.
    pub fn at(&self, x: &[f64], run: &Run<'_>) -> Result<Option<Place>> {
        let base = match &self.drawn {
            None => self.barrier.at(x, false, run)?,
            Some(rows) => {
                let base = rows.at(x, run)?;
                self.charge_coreset(rows);
                base
            }
        };
        Ok(base.map(|base| self.place(base)))
    }

    /// Charges what was done with the rows of a coreset.
    pub fn charge_coreset(&self, rows: &WeightedRows) {
        let before = self.barrier.work();
        self.barrier.charge_flops(rows.take_flops());
        self.coreset_work.set(self.coreset_work.get() + self.barrier.work() - before);
    }

    /// Work on coresets so far, in evaluations.
    pub fn coreset_work(&self) -> f64 {
        self.coreset_work.get()
    }

    /// Continues the count of an earlier run.
    pub fn resume_coreset_work(&self, work: f64) {
        self.coreset_work.set(work);
    }

    /// L from an evaluation of the barrier.
    pub fn place(&self, base: Point) -> Place {
        let residual: Vec<f64> = base.gradient.iter().zip(self.target).map(|(g, c)| g - c).collect();
        let pull = linalg::lower_transposed_times_vector(&self.root, &base.x);
        let value = 0.5 * dot(&residual, &residual) + 0.5 * dot(&pull, &pull);
        Place { base, residual, pull, value }
    }

    /// H_w and T_w = D³V(g − c) in whitened coordinates.
    pub fn curvature(&self, place: &Place, run: &Run<'_>) -> Result<WhitenedCurvature> {
        self.curvature_along(place, &place.residual, run)
    }

    /// H_w and D³V(h) in whitened coordinates.
    pub fn curvature_along(&self, place: &Place, h: &[f64], run: &Run<'_>) -> Result<WhitenedCurvature> {
        match &self.drawn {
            None => self.barrier.whitened_curvature(&place.base, h, run),
            Some(rows) => {
                let curvature = rows.curvature(&place.base, h, run)?;
                self.charge_coreset(rows);
                Ok(curvature)
            }
        }
    }

    /// Hh over all rows.
    ///
    /// # Cost
    /// One evaluation.
    pub fn hessian_times(&self, place: &Place, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        Ok(self.barrier.third_direction(&place.base, h, run)?.hessian_vec().to_vec())
    }

    /// A_x h: the relative change of every slack.
    pub fn slack_changes(&self, place: &Place, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        match &self.drawn {
            None => self.barrier.scaled_rows_times(&place.base, h, run),
            Some(rows) => Ok(rows.slack_changes(&place.base, h)),
        }
    }

    /// ‖A_x h‖∞.
    pub fn largest_change(&self, place: &Place, h: &[f64], run: &Run<'_>) -> Result<f64> {
        Ok(self.slack_changes(place, h, run)?.iter().fold(0.0, |m: f64, v| m.max(v.abs())))
    }

    /// The largest t for which no slack of x + t·h is lost; infinite if none shrinks.
    pub fn step_to_boundary(&self, place: &Place, h: &[f64], run: &Run<'_>) -> Result<f64> {
        let worst = self.slack_changes(place, h, run)?.iter().fold(0.0, |m: f64, v| m.min(*v));
        Ok(if worst < 0.0 { -1.0 / worst } else { f64::INFINITY })
    }

    /// L⁻¹W: the root of K in whitened coordinates.
    pub fn whitened_root(&self, place: &Place) -> Vec<f64> {
        let mut root = self.root.clone();
        linalg::solve_lower_rows(place.base.factor.lower(), self.dim(), &mut root); // columns of W are rows here
        root
    }

    /// L⁻¹Kx.
    pub fn whitened_pull(&self, place: &Place) -> Vec<f64> {
        place.base.factor.half_solve(&linalg::lower_times_vector(&self.root, &place.pull))
    }

    /// L⁻¹∇L = H_w Lᵀr + L⁻¹Kx.
    pub fn whitened_gradient(&self, place: &Place, hessian: &[f64]) -> Vec<f64> {
        let along = linalg::lower_transposed_times_vector(place.base.factor.lower(), &place.residual);
        let mut gradient = linalg::symmetric_times_vector(hessian, &along);
        gradient.iter_mut().zip(self.whitened_pull(place)).for_each(|(g, k)| *g += k);
        gradient
    }

    /// L⁻¹∇²L L⁻ᵀ = H_w LᵀL H_w + L⁻¹KL⁻ᵀ + T_w, formed: for path following and certificates, not for the last digits.
    pub fn whitened_hessian(&self, place: &Place, curvature: &WhitenedCurvature) -> Vec<f64> {
        let d = self.dim();
        let mut half = vec![0.0; d * d]; // L H_w
        linalg::add_product(place.base.factor.lower(), &curvature.hessian, d, d, d, &mut half);
        linalg::transpose(&mut half, d);
        let mut total = curvature.third.clone();
        linalg::add_outer_product(&half, &half, d, 1.0, &mut total);
        let root = self.whitened_root(place);
        linalg::add_outer_product(&root, &root, d, 1.0, &mut total);
        linalg::symmetrise(&mut total, d);
        total
    }
}

/// Rows from which on K is formed.
const MANY_ROWS: usize = 1000;
/// κ of K, its columns scaled to 1, up to which its Cholesky factor keeps twelve digits.
const ROOT_TRUST: f64 = 1e4;

/// The Cholesky factor of K; None where rows are few or it would lose digits.
fn light_root(barrier: &Barrier<'_>, weights: &[f64], run: &Run<'_>) -> Result<Option<Vec<f64>>> {
    let shape: Shape = barrier.source().shape();
    if shape.rows < MANY_ROWS.max(4 * shape.columns) && !prefers_pairs(&shape) {
        return Ok(None);
    }
    barrier.charge(0.5);
    let gram = weighted_gram(barrier.source(), Some(&|i| weights[i] * weights[i]), run)?;
    let trusted = Factor::of_gram(gram, shape.columns).filter(|factor| factor.gram_condition_below(ROOT_TRUST));
    Ok(trusted.map(|factor| factor.lower().to_vec()))
}

/// A regularised objective of its own, for looking at the function rather than minimising it.
///
/// ∇L = H(g − c) + Kx,  ∇²L = H² + D³V(g − c) + K
#[derive(Clone, Debug)]
pub struct ObjectiveAt {
    /// The value L(x) of the objective.
    pub value: f64,
    /// ∇L (d).
    pub gradient: Vec<f64>,
    /// ∇²L (d×d).
    pub hessian: Vec<f64>,
}

/// L and its first two derivatives at x, in the cell of `barrier`; None outside it.
///
/// # Shapes
/// `target` and `x`: d values; `weights`: n values.
/// # Cost
/// One evaluation, one triangular factor, and third moments: n·d³ flops.
/// # Errors
/// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) where d×d² tensors do not fit; shapes.
pub fn regularised_objective(
    barrier: &Barrier<'_>,
    target: &[f64],
    weights: &[f64],
    x: &[f64],
    run: &Run<'_>,
) -> Result<Option<ObjectiveAt>> {
    crate::rows::require_vector("target", target, barrier.dim())?;
    require_weights(weights, barrier.offset().len())?;
    let objective = Objective::new(barrier, target, weights, CurvatureMethod::Tensors, run)?;
    let Some(place) = objective.at(x, run)? else { return Ok(None) };
    let curvature = objective.curvature(&place, run)?;
    let lower = place.base.factor.lower();
    let gradient = linalg::lower_times_vector(lower, &objective.whitened_gradient(&place, &curvature.hessian));
    let hessian = unwhiten(lower, x.len(), &objective.whitened_hessian(&place, &curvature));
    Ok(Some(ObjectiveAt { value: place.value, gradient, hessian }))
}

/// An error unless there are n weights, none negative, not all zero.
pub(super) fn require_weights(weights: &[f64], n: usize) -> Result<()> {
    require_vector("weights", weights, n)?;
    let option = |reason| Err(ErrorKind::Option { name: "weights".into(), reason }.into());
    if let Some(row) = weights.iter().position(|&w| w < 0.0) {
        return option(format!("row {}: found {}, expected a number that is not negative", row + 1, weights[row]));
    }
    if weights.iter().all(|&w| w == 0.0) {
        return option("all are 0; leave them out for the inversion without regulariser".into());
    }
    Ok(())
}
