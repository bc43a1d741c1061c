//! Which rows span all others best at given weights: a pivoted QR in one sweep, by tournaments between blocks of rows.

use super::coordinates::{Coordinates, Weighted, stretches};
use crate::error::Result;
use crate::gram::{RowSpace, Transform, orthogonal_factor};
use crate::linalg::{self, dot};
use crate::rows::{Pass, RowSource, Rows, Shape, sweep};
use crate::run::Run;

/// What is left of a row after those before it, as a share of the row, below which it is rounding.
pub(super) const DEPENDENT: f64 = 1e-10;

/// Coordinates in which the rows with r_i ≠ 0 have orthonormal columns: their number is the rank.
///
/// # Cost
/// One sweep of 2nd² flops for the factor, one for its correction.
pub(super) fn orthonormal(source: &dyn RowSource, scale: &[f64], run: &Run<'_>) -> Result<Coordinates> {
    let d = source.shape().columns;
    let transform = Transform { row_scale: Some(scale), ..Transform::default() };
    let space =
        RowSpace::of_factor(&orthogonal_factor(source, transform, 0.0, run)?, d).corrected(source, transform, run)?;
    let (map, log_det) = space.whitening(d);
    Ok(Coordinates { rank: space.rank(), columns: d, map: Some(map), log_det, basis: Vec::new() })
}

/// The r rows of largest volume, or nearly, after scaling by `scale`: by falling length of what each adds to those before.
///
/// # Cost
/// One sweep of about 4nr² flops.
/// # References
/// GrigoriDemmelXiang2011.
pub(super) fn select(
    source: &dyn RowSource,
    whitened: &Coordinates,
    scale: &[f64],
    run: &Run<'_>,
) -> Result<Vec<usize>> {
    let rows = Weighted { coordinates: whitened, scale, then: None };
    let chosen = sweep(source, &Tournament { rows: &rows }, &mut [], run)?;
    Ok(chosen.rows)
}

/// Candidates: row numbers, and their scaled coordinates.
struct Candidates {
    rows: Vec<usize>,
    values: Vec<f64>,
}

struct Tournament<'a> {
    rows: &'a Weighted<'a>,
}

impl Pass for Tournament<'_> {
    type Acc = Candidates;
    fn zero(&self) -> Candidates {
        Candidates { rows: Vec::new(), values: Vec::new() }
    }
    fn add(&self, acc: &mut Candidates, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let r = self.rows.coordinates.rank;
        self.rows.each(rows, |range, c, _| {
            acc.rows.extend(range.map(|i| rows.start + i));
            acc.values.extend_from_slice(c);
            if acc.rows.len() > 3 * r.max(64) {
                acc.keep_best(r);
            }
        });
        acc.keep_best(r);
        Ok(())
    }
    fn merge(&self, mut left: Candidates, right: Candidates) -> Candidates {
        left.rows.extend(right.rows);
        left.values.extend(right.values);
        left.keep_best(self.rows.coordinates.rank);
        left
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches(shape, blocks)
    }
}

impl Candidates {
    /// The at most r candidates that column-pivoted QR of their transpose takes first.
    fn keep_best(&mut self, r: usize) {
        let chosen = pivots(&self.values, r);
        self.values = chosen.iter().flat_map(|&k| self.values[k * r..(k + 1) * r].to_vec()).collect();
        self.rows = chosen.iter().map(|&k| self.rows[k]).collect();
    }
}

/// The order in which pivoted Gram–Schmidt, done twice, takes rows of r values: what a row has beyond those before it,
/// where that is no rounding of its own length.
fn pivots(values: &[f64], r: usize) -> Vec<usize> {
    let own: Vec<f64> = values.chunks_exact(r).map(|v| dot(v, v)).collect();
    let mut left = values.to_vec();
    let mut size = own.clone();
    let mut directions: Vec<f64> = Vec::new();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < r {
        let counts = |k: usize| own[k] > 0.0 && size[k] > DEPENDENT * DEPENDENT * own[k];
        let best = (0..own.len()).filter(|&k| counts(k)).reduce(|a, b| if size[b] > size[a] { b } else { a });
        let Some(k) = best else { break };
        let mut q = left[k * r..(k + 1) * r].to_vec();
        for earlier in directions.chunks_exact(r) {
            let t = dot(earlier, &q);
            q.iter_mut().zip(earlier).for_each(|(q, e)| *q -= t * e);
        }
        let length = dot(&q, &q).sqrt();
        size[k] = 0.0;
        if length <= DEPENDENT * own[k].sqrt() {
            continue;
        }
        q.iter_mut().for_each(|q| *q /= length);
        for (rest, size) in left.chunks_exact_mut(r).zip(&mut size).filter(|(_, size)| **size > 0.0) {
            let t = dot(&q, rest);
            rest.iter_mut().zip(&q).for_each(|(a, q)| *a -= t * q);
            *size = dot(rest, rest);
        }
        directions.extend_from_slice(&q);
        chosen.push(k);
    }
    chosen
}

/// Coordinates in which the rows `basis` are the unit vectors; None where they do not span, to rounding.
pub(super) fn unit_at(
    source: &dyn RowSource,
    whitened: &Coordinates,
    basis: Vec<usize>,
) -> Result<Option<Coordinates>> {
    let (r, d) = (whitened.rank, whitened.columns);
    if basis.len() < r {
        return Ok(None);
    }
    let own = source.gather(&basis)?;
    // Column b of q is row b in the orthonormal coordinates.
    let mut q = vec![0.0; r * r];
    match &whitened.map {
        Some(k) => linalg::product_into(k, &own, r, d, r, &mut q),
        None => q.copy_from_slice(&own),
    }
    let Some((inverse, log_det)) = inverse_of(&q, r) else { return Ok(None) };
    let mut map = vec![0.0; r * d];
    match &whitened.map {
        Some(k) => linalg::product_into(&inverse, k, r, r, d, &mut map),
        None => map.copy_from_slice(&inverse),
    }
    let log_det = whitened.log_det - log_det;
    Ok(Some(Coordinates { rank: r, columns: d, map: Some(map), log_det, basis }))
}

/// N⁻¹ and log |det N| of a column-major r×r matrix: by its orthogonal factor, then two steps X ← X(2I − NX).
fn inverse_of(n: &[f64], r: usize) -> Option<(Vec<f64>, f64)> {
    let l = linalg::triangular_factor(n, r); // rows of the block are columns of N: LLᵀ = NNᵀ
    if (0..r).any(|k| !(l[k + k * r] > 0.0 && l[k + k * r].is_finite())) {
        return None;
    }
    let log_det = (0..r).map(|k| l[k + k * r].ln()).sum();
    // N⁻¹ = Nᵀ(NNᵀ)⁻¹: column k of (NNᵀ)⁻¹ is symmetric in k.
    let gram_inverse = linalg::cholesky_inverse(&l, r);
    let mut x = vec![0.0; r * r];
    linalg::transpose_times_into(n, &gram_inverse, r, r, r, &mut x);
    let mut defect = f64::INFINITY;
    for _ in 0..3 {
        let mut product = vec![0.0; r * r];
        linalg::product_into(n, &x, r, r, r, &mut product);
        let before = defect;
        defect = 0.0;
        for (k, p) in product.iter_mut().enumerate() {
            *p = f64::from(k / r == k % r) - *p;
            defect += *p * *p;
        }
        if defect.is_nan() || defect.sqrt() >= 0.9 || defect >= before {
            break;
        }
        let correction = x.clone();
        linalg::add_product(&correction, &product, r, r, r, &mut x);
    }
    (defect.sqrt() < 1e-2 && x.iter().all(|v| v.is_finite())).then_some((x, log_det))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;
    use crate::rows::DenseRows;

    #[test]
    fn heavy_rows_come_first_and_their_multiples_are_passed_over() {
        let rows = [1.0, 1.0, 1e8, 0.0, 3e8, 0.0, 0.0, 1e-3, 1.0, -1.0];
        let source = DenseRows::new(&rows, 2).unwrap();
        let run = Run::default();
        let plain = Coordinates { rank: 2, columns: 2, map: None, log_det: 0.0, basis: Vec::new() };
        let basis = select(&source, &plain, &[1.0; 5], &run).unwrap();
        assert_eq!(basis[0], 2);
        assert!(basis[1] == 0 || basis[1] == 4);
        let unit = unit_at(&source, &plain, basis.clone()).unwrap().unwrap();
        let mut c = vec![0.0; 4];
        linalg::product_into(unit.map.as_ref().unwrap(), &source.gather(&basis).unwrap(), 2, 2, 2, &mut c);
        assert!((c[0] - 1.0).abs() < 1e-15 && (c[3] - 1.0).abs() < 1e-15 && c[1].abs() < 1e-15 && c[2].abs() < 1e-6);
        assert!((unit.log_det + (3e8f64).ln()).abs() < 1e-12);
    }

    #[test]
    fn the_number_of_orthonormal_coordinates_is_the_rank_of_the_rows_that_count() {
        // The third column is the sum of the others; the last row alone leaves the plane of the rest, and has scale 0.
        let rows = [1.0, 2.0, 3.0, 0.0, 1.0, 1.0, 1.0, -1.0, 0.0, 5.0, 5.0, 7.0];
        let source = DenseRows::new(&rows, 3).unwrap();
        let found = orthonormal(&source, &[1.0, 1.0, 1.0, 0.0], &Run::default()).unwrap();
        assert_eq!(found.rank, 2);
        let gram = Weighted { coordinates: &found, scale: &[1.0, 1.0, 1.0, 0.0], then: None }
            .gram(&source, None, &Run::default())
            .unwrap();
        assert!((gram[0] - 1.0).abs() < 1e-14 && gram[1].abs() < 1e-14 && (gram[3] - 1.0).abs() < 1e-14);
    }
}
