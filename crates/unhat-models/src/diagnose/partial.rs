//! Partial regressions: response and one column, each without what the other columns explain of it.

use super::request::Diagnosed;
use super::sweeps::Rowwise;
use unhat::rows::{Pass, Rows, sweep};
use unhat::{Result, Run};

/// Rows in the plane of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialRegression {
    /// The column.
    pub column: String,
    /// Its coefficient: the slope of least squares through the points.
    pub slope: f64,
    /// √v times what the other columns leave of the column (n); NaN for rows of weight 0.
    pub x: Vec<f64>,
    /// √v times what they leave of the response, of `glm` the working response (n).
    pub y: Vec<f64>,
}

struct Shares<'a> {
    rowwise: &'a Rowwise<'a>,
    /// Positions of the wanted columns among the kept ones.
    wanted: &'a [usize],
}

impl Pass for Shares<'_> {
    type Acc = ();
    fn zero(&self) {}

    fn add(&self, _: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let width = self.width();
        self.rowwise.shares(rows, self.wanted, &mut |row, c| {
            out[(row - rows.start) * width..][..width].copy_from_slice(c);
        });
        Ok(())
    }

    fn merge(&self, (): (), (): ()) {}

    fn width(&self) -> usize {
        self.wanted.len()
    }
}

/// The partial regressions of the first `most` estimated columns without the intercept.
///
/// xᵢ = cᵢⱼ/((XᵀVX)⁻¹)ⱼⱼ with c = (XᵀVX)⁻¹XᵀV^½ is the residual of √v·(column j) on the others; yᵢ = rᵢ + β̂ⱼxᵢ, r = √v·(working
/// residual), is that of √v·(response) (Frisch, Waugh and Lovell).
///
/// # Shapes
/// n values on either axis.
/// # Cost
/// One sweep, 2nd² flops; 16n bytes for each column.
/// # Errors
/// Those of the source; [`unhat::ErrorKind::Interrupted`].
/// # References
/// BelsleyKuhWelsch1980, §2.1.
pub fn partial_regressions(answer: &Diagnosed<'_>, most: usize, run: &Run<'_>) -> Result<Vec<PartialRegression>> {
    let (fit, problem) = (&answer.fit, answer.problem());
    let is_intercept = |k: usize| problem.intercept && fit.kept[k] == 0;
    let wanted: Vec<usize> = (0..fit.rank()).filter(|&k| !is_intercept(k)).take(most).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let (n, width, p) = (answer.found.hat.len(), wanted.len(), fit.rank());
    let mut shares = vec![0.0; n * width];
    fit.with_kept(problem.source, |source| {
        let rowwise = Rowwise::of(fit, &answer.found.residual_deviance, &source.shape());
        sweep(source, &Shares { rowwise: &rowwise, wanted: &wanted }, &mut shares, run)
    })?;
    let rows = &fit.rows;
    let of = |(at, &k): (usize, &usize)| {
        let slope = fit.coefficients[fit.kept[k]];
        let size = fit.unscaled_covariance[k + k * p];
        let x: Vec<f64> =
            (0..n).map(|i| if rows.row_scale[i] == 0.0 { f64::NAN } else { shares[i * width + at] / size }).collect();
        let y = x.iter().enumerate().map(|(i, x)| rows.row_scale[i] * rows.work[i] + slope * x).collect();
        PartialRegression { column: answer.frame.matrix.names()[fit.kept[k]].clone(), slope, x, y }
    };
    Ok(wanted.iter().enumerate().map(of).collect())
}
