//! The barrier of one cell: what it is of, how accurately and how often it was evaluated, and what one evaluation holds.

use super::gradient::slack_at;
use crate::error::{ErrorKind, Result};
use crate::gram::{Factor, FactorMethod, Pattern, Root, prefers_pairs};
use crate::rows::{Extent, RowSource, require_vector, square_fits};
use crate::run::Run;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The volumetric barrier of the cell in which Ax − b has given signs.
///
/// V(x) = ½ log det M,  M = A_xᵀA_x,  A_x = S⁻¹A,  s = Ax − b
///
/// V is strictly convex on the cell and grows without bound at its facets. Its gradient g(x) = −A_xᵀσ is what a release
/// of "the leverage score gradient" holds.
pub struct Barrier<'a> {
    pub(super) source: &'a dyn RowSource,
    pub(super) offset: &'a [f64],
    pub(super) positive: Vec<bool>,
    pub(super) precision: Cell<FactorMethod>,
    pub(super) passes: Cell<u32>,
    work: Cell<f64>,
    /// The part of it that was done on drawn rows.
    drawn_work: Cell<f64>,
    pub(super) sketch: Cell<Option<Sketch>>,
    /// Exact and sketched scores at the first point of a sketched phase.
    pub(super) reference: RefCell<Option<Reference>>,
    /// Where the factor of M has entries, if M is to be kept sparse.
    pub(super) pattern: Option<Arc<Pattern>>,
}

/// Scores from k random combinations, corrected by a reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sketch {
    pub k: usize,
    pub seed: u64,
}

/// Scores at the first point of a sketched phase.
pub(super) struct Reference {
    pub exact: Vec<f64>,
    pub sketched: Vec<f64>,
}

/// Which closed half of every row's hyperplane a cell lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Ax > b.
    Above,
    /// Ax < b.
    Below,
}

/// One evaluation of a [`Barrier`].
#[derive(Clone, Debug)]
pub struct Point {
    /// The point x.
    pub x: Vec<f64>,
    /// s = Ax − b.
    pub slack: Vec<f64>,
    /// 1/s, the row scale of A_x.
    pub inverse_slack: Vec<f64>,
    /// The scores σ, one a row.
    pub scores: Vec<f64>,
    /// L with M = LLᵀ.
    pub factor: Factor,
    /// V = ½ log det M.
    pub value: f64,
    /// g = −A_xᵀσ.
    pub gradient: Vec<f64>,
    /// The root of K = A_xᵀdiag(3σ − 2σ²)A_x; Q ≼ K ≼ 3Q. Only where it was asked for.
    pub metric: Option<Root>,
}

impl<'a> Barrier<'a> {
    /// The barrier of the cell with the given signs (true: aᵢx > bᵢ).
    ///
    /// # Errors
    /// Shape and finiteness of `offset` and `positive`.
    pub fn new(source: &'a dyn RowSource, offset: &'a [f64], positive: Vec<bool>) -> Result<Self> {
        let n = source.shape().rows;
        require_vector("offset", offset, n)?;
        if positive.len() != n {
            return Err(ErrorKind::Shape {
                what: "signs".into(),
                expected: format!("{n} values"),
                found: format!("{} values", positive.len()),
            }
            .into());
        }
        let precision = Cell::new(FactorMethod::Cholesky);
        Ok(Barrier {
            source,
            offset,
            positive,
            precision,
            passes: Cell::new(0),
            work: Cell::new(0.0),
            drawn_work: Cell::new(0.0),
            sketch: Cell::new(None),
            reference: RefCell::new(None),
            pattern: None,
        })
    }

    /// The barrier of the cell that holds x.
    ///
    /// # Errors
    /// [`ErrorKind::ZeroSlack`] when x lies on a facet; shape and finiteness.
    pub fn around(source: &'a dyn RowSource, offset: &'a [f64], x: &[f64], run: &Run<'_>) -> Result<Self> {
        require_vector("offset", offset, source.shape().rows)?;
        let slack = slack_at(source, offset, x, run)?;
        if let Some(row) = slack.iter().position(|&s| s == 0.0) {
            return Err(ErrorKind::ZeroSlack { row }.into());
        }
        Barrier::new(source, offset, slack.iter().map(|&s| s > 0.0).collect())
    }

    /// The rows A.
    pub fn source(&self) -> &'a dyn RowSource {
        self.source
    }

    /// The offset b.
    pub fn offset(&self) -> &'a [f64] {
        self.offset
    }

    /// The signs of the cell.
    pub fn positive(&self) -> &[bool] {
        &self.positive
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.source.shape().columns
    }

    /// Evaluations at a new x so far, rejected ones included.
    pub fn passes(&self) -> u32 {
        self.passes.get()
    }

    /// All sweeps so far, in units of one evaluation (2nd² flops for dense rows).
    pub fn work(&self) -> f64 {
        self.work.get()
    }

    /// Continues the counts of an earlier run.
    pub fn resume_counts(&self, passes: u32, work: f64) {
        self.passes.set(passes);
        self.work.set(work);
    }

    pub(crate) fn charge(&self, work: f64) {
        self.work.set(self.work.get() + work);
    }

    /// The part of [`Barrier::work`] that this run did on drawn rows.
    pub(crate) fn drawn_work(&self) -> f64 {
        self.drawn_work.get()
    }

    /// Charges work on drawn rows, given in flops.
    pub(crate) fn charge_drawn(&self, flops: f64) {
        let before = self.work();
        self.charge_flops(flops);
        self.drawn_work.set(self.drawn_work() + self.work() - before);
    }

    /// Charges work beside the sweeps, given in flops.
    pub(crate) fn charge_flops(&self, flops: f64) {
        let shape = self.source.shape();
        let (n, d, stored) = (shape.rows as f64, shape.columns as f64, shape.stored as f64);
        let evaluation = match prefers_pairs(&shape) {
            true => 2.0 * stored * stored / n + d * d * d,
            false => 2.0 * n * d * d,
        };
        self.charge(flops / evaluation);
    }

    /// The least accurate factorisation that evaluations use; they use a better one where this one fails.
    pub fn precision(&self) -> FactorMethod {
        self.precision.get()
    }

    /// Sets the least accurate factorisation that evaluations use.
    pub fn set_precision(&self, method: FactorMethod) {
        self.precision.set(method);
    }

    /// From now on evaluations take sketched scores of k columns, with the control variate
    /// σ̂(x) = σ(x_ref) + sketch(x) − sketch(x_ref), x_ref the next point evaluated (exactly); None: exact scores again.
    /// The value V stays exact, σ̂ and the gradient carry a relative error of about √(2/k) away from x_ref.
    pub fn set_sketch(&self, columns: Option<usize>, seed: u64) {
        self.sketch.set(columns.map(|k| Sketch { k, seed }));
        self.reference.replace(None);
    }

    /// Whether evaluations take sketched scores.
    pub fn sketched(&self) -> bool {
        self.sketch.get().is_some()
    }

    /// An error where squares of A_x are lost: a slack or a column of A_x whose square is no normal number.
    pub(super) fn require_range(
        &self,
        slack: &[f64],
        gram_diagonal: impl Iterator<Item = f64>,
        run: &Run<'_>,
    ) -> Result<()> {
        /// The square of what [`square_fits`] allows.
        const LEAST_SQUARE: f64 = 1.5e-241;
        let lost = |what: String| -> Result<()> {
            let reason = format!("{what}, whose square is out of the range of numbers: rescale rows and columns");
            Err(ErrorKind::Numerical { reason }.into())
        };
        if let Some(row) = slack.iter().position(|s| !square_fits(*s)) {
            return lost(format!("row {} has slack {:.1e}", row + 1, slack[row]));
        }
        let least = gram_diagonal.enumerate().find(|(_, m)| *m < LEAST_SQUARE);
        if let Some((column, m)) = least
            && Extent::of(self.source, None, run)?.columns[column] > 0.0
        {
            return lost(format!("column {} of the rows over their slacks has length {:.1e}", column + 1, m.sqrt()));
        }
        Ok(())
    }
}

/// Weight of a row in K = 3Q − 2D.
pub(super) fn metric_weight(sigma: f64) -> f64 {
    sigma * (3.0 - 2.0 * sigma)
}
