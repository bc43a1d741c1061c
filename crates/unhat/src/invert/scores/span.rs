//! The slacks that any x has, up to a factor: the range of [A b], in orthonormal coordinates.

use super::lift::Coordinates;
use crate::error::Result;
use crate::gram::{Chunks, Transform, chunked_gram};
use crate::linalg::{self, norm};
use crate::rows::{RowSource, each_block};
use crate::run::Run;

/// T with the range of [A b] and nearly orthonormal columns, and the projection on it in the norm ‖Wv‖.
///
/// T = [AL⁻ᵀ  r/‖r‖], r = b − Ax₀ of the least-squares fit x₀, AᵀA = LLᵀ. The slack of x is Tc with c = (Lᵀ(x − x₀), −‖r‖).
pub(super) struct Span<'a> {
    source: &'a dyn RowSource,
    coordinates: &'a Coordinates,
    /// r/‖r‖.
    rest: Vec<f64>,
    length: f64,
    /// w² (n).
    square: Vec<f64>,
    /// The Cholesky factor of TᵀW²T, (d+1)².
    lower: Vec<f64>,
}

impl<'a> Span<'a> {
    /// Of rows that count w each; None where the rows that count do not span the coordinates.
    ///
    /// # Cost
    /// A sweep of 3nd² flops.
    pub fn new(
        source: &'a dyn RowSource,
        coordinates: &'a Coordinates,
        weight: &[f64],
        run: &Run<'_>,
    ) -> Result<Option<Span<'a>>> {
        if coordinates.offset_in_range {
            return Ok(None);
        }
        let (d, size) = (coordinates.fit.len(), coordinates.fit.len() + 1);
        let length = norm(&coordinates.rest);
        let rest: Vec<f64> = coordinates.rest.iter().map(|r| r / length).collect();
        let square: Vec<f64> = weight.iter().map(|w| w * w).collect();
        let transform = Transform { lower: Some(coordinates.factor.lower()), ..Transform::default() };
        let gram = chunked_gram(source, &Chunks { transform, columns: d }, |i| square[i], run)?;
        let mut span = Span { source, coordinates, rest, length, square, lower: vec![0.0; size * size] };
        let weighted: Vec<f64> = span.rest.iter().zip(&span.square).map(|(r, w)| w * r).collect();
        let cross = span.transposed(&weighted)?;
        for j in 0..d {
            (j..d).for_each(|i| span.lower[i + j * size] = gram[i + j * d]);
            span.lower[d + j * size] = cross[j];
        }
        span.lower[size * size - 1] = cross[d];
        Ok(linalg::cholesky_in_place(&mut span.lower, size).then_some(span))
    }

    /// d + 1.
    pub fn dim(&self) -> usize {
        self.coordinates.fit.len() + 1
    }

    /// argmin ‖W(Tc − v)‖.
    pub fn fit(&self, v: &[f64]) -> Result<Vec<f64>> {
        let weighted: Vec<f64> = v.iter().zip(&self.square).map(|(v, w)| w * v).collect();
        Ok(linalg::cholesky_solve(&self.lower, &self.transposed(&weighted)?))
    }

    /// Tc.
    pub fn values(&self, c: &[f64]) -> Result<Vec<f64>> {
        let (d, n) = (c.len() - 1, self.rest.len());
        let h = self.coordinates.factor.half_solve_transposed(&c[..d]);
        let mut out = vec![0.0; n];
        each_block(self.source, &Run::default(), &mut |rows| {
            rows.block.apply_into(&h, &mut out[rows.range()]);
            Ok(())
        })?;
        out.iter_mut().zip(&self.rest).for_each(|(s, r)| *s += c[d] * r);
        Ok(out)
    }

    /// The x whose slacks are Tc up to a factor; None where no x has them.
    pub fn point(&self, c: &[f64]) -> Option<Vec<f64>> {
        let d = c.len() - 1;
        let factor = -c[d] / self.length;
        let h = self.coordinates.factor.half_solve_transposed(&c[..d]);
        let x: Vec<f64> = self.coordinates.fit.iter().zip(&h).map(|(x, h)| x + h / factor).collect();
        x.iter().all(|x| x.is_finite()).then_some(x)
    }

    /// The rows of T, of the named rows of A, row-major.
    pub fn rows(&self, named: &[usize]) -> Result<Vec<f64>> {
        let d = self.dim() - 1;
        let mut values = self.source.gather(named)?;
        linalg::solve_lower_rows(self.coordinates.factor.lower(), d, &mut values);
        let of = |(row, i): (&[f64], &usize)| row.iter().copied().chain([self.rest[*i]]).collect::<Vec<f64>>();
        Ok(values.chunks_exact(d).zip(named).flat_map(of).collect())
    }

    /// Tᵀv.
    fn transposed(&self, v: &[f64]) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.dim() - 1];
        each_block(self.source, &Run::default(), &mut |rows| {
            rows.block.apply_transpose_add(&v[rows.range()], &mut out);
            Ok(())
        })?;
        let mut out = self.coordinates.factor.half_solve(&out);
        out.push(linalg::dot(&self.rest, v));
        Ok(out)
    }
}
