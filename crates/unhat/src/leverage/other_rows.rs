//! Leverage of rows that the matrix does not hold: how far each lies from what its rows have seen.

use super::exact::RowSpacePass;
use crate::error::{ErrorKind, Result};
use crate::gram::{Chunks, RowSpace, Transform, orthogonal_factor};
use crate::rows::{RowSource, require_finite, require_plain_columns, sweep};
use crate::run::Run;

/// What is left of a matrix when only leverage is asked for: d rows in the place of n.
#[derive(Clone, Debug, PartialEq)]
pub struct RowFactor {
    values: Vec<f64>,
    columns: usize,
}

impl RowFactor {
    /// R with RᵀR = AᵀA + λI, from orthogonal transformations of the rows.
    ///
    /// # Shapes
    /// `source` n×d, R d×d, upper triangular.
    /// # Cost
    /// One sweep, 2nd² flops.
    /// # Errors
    /// [`ErrorKind::Option`] for a negative ridge; [`ErrorKind::NotFinite`] naming row and column;
    /// [`ErrorKind::TooLarge`] when d×d does not fit.
    /// # References
    /// DemmelGrigoriHoemmenLangou2012.
    pub fn of(source: &dyn RowSource, ridge: f64, run: &Run<'_>) -> Result<RowFactor> {
        if !(ridge >= 0.0 && ridge.is_finite()) {
            let reason = format!("found {ridge}, expected a finite number ≥ 0");
            return Err(ErrorKind::Option { name: "ridge".into(), reason }.into());
        }
        let columns = source.shape().columns;
        require_plain_columns(source, run)?;
        // Columns of L are rows of R = Lᵀ.
        let values = orthogonal_factor(source, Transform::default(), ridge, run)?;
        if values.iter().any(|value| !value.is_finite()) {
            require_finite(source, "matrix")?;
            let reason = "the factor of the matrix overflows: rescale its columns".into();
            return Err(ErrorKind::Numerical { reason }.into());
        }
        Ok(RowFactor { values, columns })
    }

    /// A factor from its values, d×d row by row.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for another number of values.
    pub fn from_values(values: Vec<f64>, columns: usize) -> Result<RowFactor> {
        if values.len() != columns * columns {
            let (what, expected) = ("factor".into(), format!("{columns} rows of {columns} values"));
            return Err(ErrorKind::Shape { what, expected, found: format!("{} values", values.len()) }.into());
        }
        Ok(RowFactor { values, columns })
    }

    /// R, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The number d of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The leverage of other rows against those of A.
    ///
    /// h(x) = xᵀ(AᵀA + λI)⁺x
    ///
    /// For a row of A it is the leverage score; for others it can exceed 1. Where columns of A are dependent, only the
    /// part of x within the space of A's rows counts. Also the rank of A.
    ///
    /// # Shapes
    /// `others` m×d; m values.
    /// # Cost
    /// One sweep over the other rows, md² flops.
    /// # Errors
    /// [`ErrorKind::Shape`] for rows of another length; [`ErrorKind::NotFinite`] naming row and column.
    /// # References
    /// HoaglinWelsch1978.
    pub fn leverage_of(&self, others: &dyn RowSource, run: &Run<'_>) -> Result<(Vec<f64>, usize)> {
        let (shape, d) = (others.shape(), self.columns);
        if shape.columns != d {
            let (what, expected) = ("matrix".into(), format!("{d} columns"));
            return Err(ErrorKind::Shape { what, expected, found: format!("{} columns", shape.columns) }.into());
        }
        let space = RowSpace::of_factor(&self.values, d);
        let pass = RowSpacePass { chunks: Chunks { transform: Transform::default(), columns: d }, space: &space };
        let mut values = vec![0.0; shape.rows];
        let sum = sweep(others, &pass, &mut values, run)?;
        if !sum.is_finite() {
            require_finite(others, "matrix")?;
            let reason = "a leverage overflows: rescale the columns of the matrix".into();
            return Err(ErrorKind::Numerical { reason }.into());
        }
        Ok((values, space.rank()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leverage::{ScoreOptions, leverage_scores};
    use crate::rows::DenseRows;
    use unhat_testkit::generate::Stream;

    fn leverage(rows: &[f64], others: &[f64], d: usize, ridge: f64) -> (Vec<f64>, usize) {
        let run = Run::default();
        let factor = RowFactor::of(&DenseRows::new(rows, d).unwrap(), ridge, &run).unwrap();
        let kept = RowFactor::from_values(factor.values().to_vec(), factor.columns()).unwrap();
        kept.leverage_of(&DenseRows::new(others, d).unwrap(), &run).unwrap()
    }

    #[test]
    fn a_row_of_the_matrix_has_its_leverage_score() {
        let rows = Stream::new(3, "rows").normals(40 * 4);
        let source = DenseRows::new(&rows, 4).unwrap();
        for ridge in [0.0, 0.7] {
            let options = ScoreOptions { ridge, ..ScoreOptions::default() };
            let scores = leverage_scores(&source, None, &options, &Run::default()).unwrap().values;
            for (found, expected) in leverage(&rows, &rows, 4, ridge).0.iter().zip(&scores) {
                assert!((found - expected).abs() < 1e-13, "{found} {expected}");
            }
        }
    }

    /// A line through t = −1, 0, 1 has M = diag(3, 2): h(t) = 1/3 + t²/2.
    #[test]
    fn far_rows_have_much() {
        let (found, rank) = leverage(&[1.0, -1.0, 1.0, 0.0, 1.0, 1.0], &[1.0, 0.0, 1.0, 1.0, 1.0, 10.0], 2, 0.0);
        for (found, expected) in found.iter().zip([1.0 / 3.0, 5.0 / 6.0, 1.0 / 3.0 + 50.0]) {
            assert!((found - expected).abs() < 1e-12 * expected, "{found} {expected}");
        }
        assert_eq!(rank, 2);
    }

    /// Two equal columns: M⁺ = (1/4)·[[1, 1], [1, 1]]/m with m = Σt², so that (1, 1)·s has h = s²/m.
    #[test]
    fn dependent_columns_lose_nothing() {
        let (found, rank) = leverage(&[1.0, 1.0, 2.0, 2.0], &[1.0, 1.0, 3.0, 3.0], 2, 0.0);
        assert!((found[0] - 0.2).abs() < 1e-14 && (found[1] - 1.8).abs() < 1e-14, "{found:?}");
        assert_eq!(rank, 1);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let run = Run::default();
        let rows = DenseRows::new(&[1.0, f64::NAN, 2.0, 1.0], 2).unwrap();
        assert_eq!(RowFactor::of(&rows, 0.0, &run).unwrap_err().kind().name(), "not_finite");
        let rows = DenseRows::new(&[1.0, 0.0, 2.0, 1.0], 2).unwrap();
        assert_eq!(RowFactor::of(&rows, -1.0, &run).unwrap_err().kind().name(), "option");
        let factor = RowFactor::of(&rows, 0.0, &run).unwrap();
        let narrow = DenseRows::new(&[1.0, 2.0], 1).unwrap();
        assert_eq!(factor.leverage_of(&narrow, &run).unwrap_err().kind().name(), "shape");
        let unknown = DenseRows::new(&[f64::NAN, 1.0], 2).unwrap();
        assert_eq!(factor.leverage_of(&unknown, &run).unwrap_err().kind().name(), "not_finite");
        assert_eq!(RowFactor::from_values(vec![1.0; 3], 2).unwrap_err().kind().name(), "shape");
    }
}
