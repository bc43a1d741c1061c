//! The slack at a point, and the leverage score gradient there at full accuracy: one evaluation for its own sake.

use crate::error::{ErrorKind, Result};
use crate::gram::merged;
use crate::leverage::{ScoreOptions, Scores, leverage_scores};
use crate::rows::{Pass, RowSource, Rows, require_finite, require_vector, sweep};
use crate::run::Run;

/// g(x), and the scores it was made of.
#[derive(Clone, Debug)]
pub struct LeverageGradient {
    /// g = −A_xᵀσ, d values.
    pub values: Vec<f64>,
    /// σ, with the method, condition and digits.
    pub scores: Scores,
}

/// The leverage score gradient at x: what a release of it holds.
///
/// g(x) = −A_xᵀσ = ∇V(x),  A_x = S⁻¹A,  s = Ax − b
///
/// # Shapes
/// `source` n×d, `offset` n values, `x` d values; the slacks may have any signs.
/// # Cost
/// One evaluation (2nd² flops for dense rows), more where the condition asks for it; one sweep for A_xᵀσ.
/// # Accuracy
/// As that of the scores: about `10^-scores.digits`, relative to Σ σᵢ‖a_{x,i}‖.
/// # Errors
/// [`ErrorKind::ZeroSlack`], [`ErrorKind::RankDeficient`], shapes and non-finite input.
/// # Examples
/// ```
/// use unhat::{Run, barrier::leverage_gradient, rows::DenseRows};
/// let a = [1.0, -1.0]; // −1 < x < 1
/// let g = leverage_gradient(&DenseRows::new(&a, 1)?, &[-1.0, -1.0], &[0.5], &Run::default())?;
/// let t = 0.5f64; // g(t) = t(3 + t²)/(1 − t⁴)
/// assert!((g.values[0] - t * (3.0 + t * t) / (1.0 - t.powi(4))).abs() < 1e-14);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// Vaidya1996; LiSongXuYin2024.
pub fn leverage_gradient(source: &dyn RowSource, offset: &[f64], x: &[f64], run: &Run<'_>) -> Result<LeverageGradient> {
    let inverse_slack: Vec<f64> = nonzero_slack(source, offset, x, run)?.iter().map(|s| 1.0 / s).collect();
    let options = ScoreOptions { strict: true, ..ScoreOptions::default() };
    let scores = leverage_scores(source, Some(&inverse_slack), &options, run)?;
    let minus: Vec<f64> = scores.values.iter().zip(&inverse_slack).map(|(sigma, r)| -sigma * r).collect();
    let values = transposed_product(source, &minus, run)?;
    Ok(LeverageGradient { values, scores })
}

/// The product Aᵀu.
pub(super) fn transposed_product(source: &dyn RowSource, u: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    sweep(source, &TransposedProduct { u, columns: source.shape().columns }, &mut [], run)
}

/// s = Ax − b, every entry of it different from zero.
///
/// # Errors
/// As [`slack_at`], and [`ErrorKind::ZeroSlack`].
pub fn nonzero_slack(source: &dyn RowSource, offset: &[f64], x: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let slack = slack_at(source, offset, x, run)?;
    match slack.iter().position(|&s| s == 0.0) {
        Some(row) => Err(ErrorKind::ZeroSlack { row }.into()),
        None => Ok(slack),
    }
}

/// s = Ax − b.
///
/// # Cost
/// One product A·x.
/// # Errors
/// Shape and finiteness of x and b; [`ErrorKind::NotFinite`] in A; [`ErrorKind::Numerical`] when the product overflows.
pub fn slack_at(source: &dyn RowSource, offset: &[f64], x: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    require_vector("offset", offset, source.shape().rows)?;
    require_vector("point", x, source.shape().columns)?;
    let mut slack = vec![0.0; source.shape().rows];
    sweep(source, &Slack { x, offset }, &mut slack, run)?;
    if slack.iter().any(|s| !s.is_finite()) {
        require_finite(source, "matrix")?;
        return Err(ErrorKind::Numerical { reason: "Ax - b overflows at the given point".into() }.into());
    }
    Ok(slack)
}

/// The slacks of a block.
pub(super) fn slack_into(rows: &Rows<'_>, x: &[f64], offset: &[f64], out: &mut [f64]) {
    rows.block.apply_into(x, out);
    out.iter_mut().zip(&offset[rows.range()]).for_each(|(s, b)| *s -= b);
}

struct Slack<'a> {
    x: &'a [f64],
    offset: &'a [f64],
}

impl Pass for Slack<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        slack_into(rows, self.x, self.offset, out);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

struct TransposedProduct<'a> {
    u: &'a [f64],
    columns: usize,
}

impl Pass for TransposedProduct<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.columns]
    }
    fn add(&self, sum: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        rows.block.apply_transpose_add(&self.u[rows.range()], sum);
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
}
