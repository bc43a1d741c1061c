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
        self.rowwise.shares(rows, &mut |row, c| {
            let place = &mut out[(row - rows.start) * width..][..width];
            place.iter_mut().zip(self.wanted).for_each(|(place, &k)| *place = c[k]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::{Options, Request};
    use crate::draw;
    use crate::formula::{Formula, parse_expression};
    use crate::models::{Column, Frame};
    use crate::regression::{Law, Model, Problem, Specification, fit};
    use unhat::rows::DenseRows;

    /// Residuals of least squares on some columns, by a fit of their own.
    fn left(columns: &[&[f64]], response: &[f64]) -> Vec<f64> {
        let rows: Vec<f64> = (0..response.len()).flat_map(|i| columns.iter().map(move |column| column[i])).collect();
        let source = DenseRows::new(&rows, columns.len()).unwrap();
        let (weights, own_weights, offset) = (None, None, None);
        let problem =
            Problem { source: &source, intercept: false, response, weights, own_weights, offset, model: Model::Linear };
        let found = fit(&problem, &Run::default()).unwrap();
        (0..response.len()).map(|i| response[i] - found.predictor[i]).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-10), "{found:?}\n{expected:?}");
    }

    /// Column and response without the other columns, each by a fit of its own, rows weighted by √w.
    #[test]
    fn points_are_the_residuals_of_column_and_response_on_the_other_columns() {
        let n = 40;
        let u = draw(5, 4 * n);
        let part = |k: usize| u[k * n..(k + 1) * n].to_vec();
        let (x, z, noise) = (part(0), part(1), part(2));
        let weights: Vec<f64> = part(3).iter().map(|w| 1.5 + w).collect();
        let y: Vec<f64> = (0..n).map(|i| 1.0 + x[i] - 2.0 * z[i] + noise[i]).collect();
        let table = Frame::new(vec![
            ("y".into(), Column::Numbers(y.clone())),
            ("x".into(), Column::Numbers(x.clone())),
            ("z".into(), Column::Numbers(z.clone())),
            ("w".into(), Column::Numbers(weights.clone())),
        ])
        .unwrap();
        let mut specification = Specification::new(Formula::parse("y ~ x + z").unwrap());
        specification.weights = Some(parse_expression("weights", "w").unwrap());
        let request = Request { specification, model: Model::Linear, options: Options::default() };
        let answer = request.answer(&table, &Run::default()).unwrap();
        let found = partial_regressions(&answer, 12, &Run::default()).unwrap();
        assert_eq!(found.iter().map(|part| part.column.as_str()).collect::<Vec<_>>(), ["x", "z"]);
        let scaled = |values: &[f64]| -> Vec<f64> { values.iter().zip(&weights).map(|(v, w)| v * w.sqrt()).collect() };
        let (one, x, z, y) = (scaled(&vec![1.0; n]), scaled(&x), scaled(&z), scaled(&y));
        close(&found[0].x, &left(&[&one, &z], &x));
        close(&found[0].y, &left(&[&one, &z], &y));
        close(&found[1].x, &left(&[&one, &x], &z));
        close(&found[1].y, &left(&[&one, &x], &y));
        assert_eq!(partial_regressions(&answer, 1, &Run::default()).unwrap().len(), 1);
    }

    /// Least squares through the points gives the coefficient, whatever the family.
    #[test]
    fn the_slope_through_the_points_is_the_coefficient() {
        let n = 60;
        let u = draw(6, 2 * n);
        let (x, z): (Vec<f64>, Vec<f64>) = (u[..n].to_vec(), u[n..].to_vec());
        let y = (0..n).map(|i| (1.5 + x[i] - z[i]).exp().round()).collect();
        let table = Frame::new(vec![
            ("y".into(), Column::Numbers(y)),
            ("x".into(), Column::Numbers(x)),
            ("z".into(), Column::Numbers(z)),
        ])
        .unwrap();
        let request = Request {
            specification: Specification::new(Formula::parse("y ~ x + z").unwrap()),
            model: Model::Generalised(Law::new("poisson".parse().unwrap(), None).unwrap()),
            options: Options::default(),
        };
        let answer = request.answer(&table, &Run::default()).unwrap();
        for part in partial_regressions(&answer, 12, &Run::default()).unwrap() {
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!(
                (product(&part.x, &part.y) / product(&part.x, &part.x) - part.slope).abs() < 1e-9,
                "{}",
                part.column
            );
        }
    }
}
