//! The Hessian as a d×d matrix, from the third moments of the whitened rows.

use super::cell::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::gram::{Chunks, Transform, merged};
use crate::linalg;
use crate::rows::{Pass, RowSource, Rows, Shape, sweep, with_scratch};
use crate::run::Run;

/// Memory that the third moments (8·d³/3 bytes) may take.
const MOMENTS_BYTES_LIMIT: u64 = 2 << 30;

/// Q and H in the coordinates whitened by L, full d×d.
pub struct WhitenedHessian {
    /// Q_w = Uᵀ diag(σ) U.
    pub q: Vec<f64>,
    /// H_w = 3Q_w − 2Uᵀ P⁽²⁾ U, with Q_w ≼ H_w ≼ 3Q_w.
    pub h: Vec<f64>,
}

impl Barrier<'_> {
    /// ∇²V(x), full d×d.
    ///
    /// H = A_xᵀ(3Σ − 2P⁽²⁾)A_x
    ///
    /// # Cost
    /// One sweep of n·d³/3 flops and d⁴ more: d/6 + d²/(4n) evaluations. 8d³/3 bytes.
    /// # Errors
    /// [`ErrorKind::TooLarge`] for d beyond about 900.
    /// # References
    /// Vaidya1996.
    pub fn hessian(&self, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
        let whitened = self.whitened_hessian(point, run)?;
        Ok(unwhiten(point.factor.lower(), self.dim(), &whitened.h))
    }

    /// Q and H in whitened coordinates: H = L H_w Lᵀ.
    ///
    /// # Cost
    /// As [`Barrier::hessian`].
    /// # Errors
    /// [`ErrorKind::TooLarge`].
    pub fn whitened_hessian(&self, point: &Point, run: &Run<'_>) -> Result<WhitenedHessian> {
        let d = self.dim();
        let (moments, mut q) = self.third_moments(point, None, Some(&point.scores), run)?;
        linalg::symmetrise(&mut q, d);
        let t = moments.contracted(run);
        let h = q.iter().zip(&t).map(|(q, t)| 3.0 * q - 2.0 * t).collect();
        Ok(WhitenedHessian { q, h })
    }

    /// W_abc = Σ vᵢ uᵢₐ uᵢᵦ uᵢ꜀ (v = 1 where None), and Σ weightᵢ uᵢuᵢᵀ in the same sweep.
    pub(crate) fn third_moments(
        &self,
        point: &Point,
        v: Option<&[f64]>,
        weight: Option<&[f64]>,
        run: &Run<'_>,
    ) -> Result<(ThirdMoments, Vec<f64>)> {
        let shape = self.source().shape();
        let (n, d) = (shape.rows as f64, shape.columns as f64);
        let bytes = 8 * ThirdMoments::offset(shape.columns, shape.columns) as u64;
        if bytes > MOMENTS_BYTES_LIMIT {
            return Err(ErrorKind::TooLarge {
                what: format!("the exact Hessian of {} columns", shape.columns),
                bytes,
                limit: MOMENTS_BYTES_LIMIT,
            }
            .into());
        }
        self.charge(d / 6.0 + d * d / (4.0 * n));
        let pass = MomentPass { chunks: self.whitened_chunks(point), v, weight };
        let (values, gram) = sweep(self.source(), &pass, &mut [], run)?;
        Ok((ThirdMoments { d: shape.columns, values }, gram))
    }
}

/// L S Lᵀ for a full symmetric S.
pub(crate) fn unwhiten(l: &[f64], d: usize, s: &[f64]) -> Vec<f64> {
    let mut half = vec![0.0; d * d];
    linalg::add_product(l, s, d, d, d, &mut half);
    let mut full = vec![0.0; d * d];
    linalg::add_outer_product(&half, l, d, 1.0, &mut full);
    linalg::symmetrise(&mut full, d);
    full
}

/// A symmetric d×d×d tensor: for each b, the lower triangle of the (d−b)×(d−b) slice over indices ≥ b.
pub(crate) struct ThirdMoments {
    d: usize,
    values: Vec<f64>,
}

impl ThirdMoments {
    /// Σ weightᵢ uᵢ⊗uᵢ⊗uᵢ over the rows of a source as they are.
    ///
    /// # Cost
    /// md³/3 flops.
    pub fn of_source(source: &dyn RowSource, weights: &[f64], run: &Run<'_>) -> Result<ThirdMoments> {
        let d = source.shape().columns;
        let chunks = Chunks { transform: Transform::default(), columns: d };
        let (values, _) = sweep(source, &MomentPass { chunks, v: Some(weights), weight: None }, &mut [], run)?;
        Ok(ThirdMoments { d, values })
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.d
    }

    /// Where slice b begins: Σ_{k<b} (d−k)².
    fn offset(d: usize, b: usize) -> usize {
        (0..b).map(|k| (d - k) * (d - k)).sum()
    }

    /// W_b = (W_abc)_{ac}, full d×d.
    pub fn slice_into(&self, b: usize, out: &mut [f64]) {
        let d = self.d;
        let mut offset = 0;
        for p in 0..d {
            // Entries whose smallest index is p: slices at (p, c, b) for c ≥ p, and all of slice b for p = b.
            let size = d - p;
            let slab = &self.values[offset..offset + size * size];
            if p < b {
                for c in p..d {
                    let (low, high) = (b.min(c) - p, b.max(c) - p);
                    let value = slab[high + low * size];
                    out[p + c * d] = value;
                    out[c + p * d] = value;
                }
            } else if p == b {
                for c in b..d {
                    for a in c..d {
                        let value = slab[(a - b) + (c - b) * size];
                        out[a + c * d] = value;
                        out[c + a * d] = value;
                    }
                }
                break;
            }
            offset += size * size;
        }
    }
}

fn add_third_moments(rows: &[f64], d: usize, weight: impl Fn(usize) -> f64, moments: &mut [f64]) {
    let mut rest = moments;
    for b in 0..d {
        let (slab, tail) = rest.split_at_mut((d - b) * (d - b));
        linalg::add_gram_tail(rows, d, b, |i| rows[i * d + b] * weight(i), slab);
        rest = tail;
    }
}

struct MomentPass<'a> {
    chunks: Chunks<'a>,
    v: Option<&'a [f64]>,
    weight: Option<&'a [f64]>,
}

impl Pass for MomentPass<'_> {
    type Acc = (Vec<f64>, Vec<f64>);
    fn zero(&self) -> Self::Acc {
        let d = self.chunks.columns;
        (vec![0.0; ThirdMoments::offset(d, d)], vec![0.0; if self.weight.is_some() { d * d } else { 0 }])
    }
    fn add(&self, (moments, gram): &mut Self::Acc, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        self.chunks.each(rows, |range, u| {
            let row = |i: usize| rows.start + range.start + i;
            add_third_moments(u, d, |i| self.v.map_or(1.0, |v| v[row(i)]), moments);
            if let Some(w) = self.weight {
                with_scratch(u.len(), |scaled| {
                    linalg::scale_rows_into(u, d, |i| w[row(i)], scaled);
                    linalg::add_gram(u, scaled, d, gram);
                })
            }
        });
        Ok(())
    }
    fn merge(&self, left: Self::Acc, right: Self::Acc) -> Self::Acc {
        (merged(left.0, right.0), merged(left.1, right.1))
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        // n·d³/6 products against d³/3 additions of a merge; few, because each holds d³/3 values.
        blocks.min(8).min(shape.rows / 64).max(1)
    }
}
