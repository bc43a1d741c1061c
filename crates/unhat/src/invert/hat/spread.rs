//! Standard errors of log weights for scores with independent errors: √diag of H⁺ diag(ν²) H⁺.
//!
//! P∘P = YYᵀ for the products Y of pairs of entries of the whitened rows, D = r(r + 1)/2 of them. So with Σ = diag σ and one
//! row of each component held, (Σ − YYᵀ)⁻¹ = Σ⁻¹ + Σ⁻¹Y(I − YᵀΣ⁻¹Y)⁻¹YᵀΣ⁻¹: a D×D system, and no n×n matrix.

use super::coordinates::{Weighted, stretches};
use super::point::{Field, Place};
use crate::error::Result;
use crate::gram::merged;
use crate::linalg::{self, dot};
use crate::memory::require_memory;
use crate::rows::{Pass, Rows, Shape, sweep, with_scratch};

/// Pairs of columns beyond which no standard errors are computed: D³ flops, and nD².
pub(super) const MOST_PAIRS: usize = 1275;

/// Standard deviation of each tᵢ against the held row of its component; None beyond [`MOST_PAIRS`], or where the held
/// system is singular to rounding.
///
/// # Cost
/// Two sweeps of nD² flops, D = r(r + 1)/2, and 2D³.
pub(super) fn standard_errors(
    field: &Field<'_>,
    place: &Place,
    deviation: &[f64],
    free: &[bool],
) -> Result<Option<Vec<f64>>> {
    let r = field.rank();
    let pairs = r * (r + 1) / 2;
    if pairs > MOST_PAIRS {
        return Ok(None);
    }
    require_memory("the products of pairs of columns", 40 * (pairs * pairs) as u64)?;
    let inverse: Vec<f64> =
        place.scores.iter().zip(free).map(|(s, free)| if *free && *s > 0.0 { 1.0 / s } else { 0.0 }).collect();
    let variance: Vec<f64> = inverse.iter().zip(deviation).map(|(s, v)| (s * v) * (s * v)).collect();
    let rows = field.whitened_rows(place);
    // I − YᵀΣ⁻¹Y and YᵀΣ⁻¹NΣ⁻¹Y
    let moments = PairMoments { rows: &rows, weights: [&inverse, &variance], pairs };
    let [mut system, mut noise] = sweep(field.source, &moments, &mut [], field.run)?;
    for (k, s) in system.iter_mut().enumerate() {
        *s = f64::from(k / pairs == k % pairs) - *s;
    }
    if !linalg::cholesky_in_place(&mut system, pairs) {
        return Ok(None);
    }
    let z = linalg::cholesky_inverse(&system, pairs);
    linalg::symmetrise(&mut noise, pairs);
    let mut half = vec![0.0; pairs * pairs];
    linalg::product_into(&z, &noise, pairs, pairs, pairs, &mut half);
    let mut spread = vec![0.0; pairs * pairs];
    linalg::product_into(&half, &z, pairs, pairs, pairs, &mut spread);
    let pass = SpreadPass { rows: &rows, inverse: &inverse, variance: &variance, z: &z, spread: &spread, pairs };
    let mut out = vec![0.0; place.scores.len()];
    sweep(field.source, &pass, &mut out, field.run)?;
    Ok(Some(out.iter().map(|v| v.max(0.0).sqrt()).collect()))
}

/// √2·uⱼuₗ for j < l, and uⱼ²: their products are (uᵢ·uⱼ)².
fn pairs_into(u: &[f64], r: usize, count: usize, out: &mut [f64]) {
    for (u, out) in u.chunks_exact(r).zip(out.chunks_exact_mut(count)) {
        let mut at = 0;
        for j in 0..r {
            out[at] = u[j] * u[j];
            for l in j + 1..r {
                at += 1;
                out[at] = std::f64::consts::SQRT_2 * u[j] * u[l];
            }
            at += 1;
        }
    }
}

struct PairMoments<'a> {
    rows: &'a Weighted<'a>,
    weights: [&'a [f64]; 2],
    pairs: usize,
}

impl Pass for PairMoments<'_> {
    type Acc = [Vec<f64>; 2];
    fn zero(&self) -> [Vec<f64>; 2] {
        [vec![0.0; self.pairs * self.pairs], vec![0.0; self.pairs * self.pairs]]
    }
    fn add(&self, acc: &mut [Vec<f64>; 2], rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let (r, count) = (self.rows.coordinates.rank, self.pairs);
        self.rows.each(rows, |range, u, _| {
            with_scratch(2 * range.len() * count, |scratch| {
                let (y, scaled) = scratch.split_at_mut(range.len() * count);
                pairs_into(u, r, count, y);
                for (acc, weights) in acc.iter_mut().zip(self.weights) {
                    linalg::scale_rows_into(y, count, |i| weights[rows.start + range.start + i], scaled);
                    linalg::add_gram(y, scaled, count, acc);
                }
            })
        });
        Ok(())
    }
    fn merge(&self, left: [Vec<f64>; 2], right: [Vec<f64>; 2]) -> [Vec<f64>; 2] {
        let ([a, b], [c, d]) = (left, right);
        [merged(a, c), merged(b, d)]
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches(shape, blocks).min(4)
    }
}

/// (XNX)ᵢᵢ = νᵢ²/σᵢ² + 2(νᵢ/σᵢ)²/σᵢ·yᵢᵀZyᵢ + yᵢᵀZ(YᵀΣ⁻¹NΣ⁻¹Y)Zyᵢ/σᵢ².
struct SpreadPass<'a> {
    rows: &'a Weighted<'a>,
    inverse: &'a [f64],
    variance: &'a [f64],
    z: &'a [f64],
    spread: &'a [f64],
    pairs: usize,
}

impl Pass for SpreadPass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let (r, count) = (self.rows.coordinates.rank, self.pairs);
        self.rows.each(rows, |range, u, _| {
            with_scratch(2 * range.len() * count, |scratch| {
                let (y, product) = scratch.split_at_mut(range.len() * count);
                pairs_into(u, r, count, y);
                let forms = |s: &[f64], product: &mut [f64]| -> Vec<f64> {
                    linalg::rows_times_symmetric(y, count, s, product);
                    y.chunks_exact(count).zip(product.chunks_exact(count)).map(|(y, p)| dot(y, p)).collect()
                };
                let (own, far) = (forms(self.z, product), forms(self.spread, product));
                for (k, i) in range.enumerate() {
                    let (s, v) = (self.inverse[rows.start + i], self.variance[rows.start + i]);
                    out[i] = v + 2.0 * v * s * own[k] + s * s * far[k];
                }
            })
        });
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
