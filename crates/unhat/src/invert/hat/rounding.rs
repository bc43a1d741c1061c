//! Scores with a proven bound of their rounding.
//!
//! Let G, K be the matrices as they are stored, uᵢ = rᵢGKaᵢ exactly and ûᵢ = uᵢ + Δᵢ as computed. Whatever G and K are, the
//! scores are σᵢ = uᵢᵀ(I + F)⁻¹uᵢ with I + F = Σ uuᵀ, because scores do not change when the columns are multiplied by a
//! regular matrix. So only F and Δ need bounds, and both can be computed:
//!
//! - |Δᵢ| ≤ γ|G||cᵢ| + ρᵢg entry by entry, c = rKa, ρᵢ = rᵢ‖aᵢ‖, gⱼ = γΣ|Gⱼₗ|‖Kₗ‖ (products of rows with matrices, each a
//!   sum of at most d terms whatever its order: γ = (d + 3)ε/(1 − (d + 3)ε));
//! - F = (Σûûᵀ − I) − Σ(ûΔᵀ + Δûᵀ) + ΣΔΔᵀ, the first part computed with an error of at most γ_N·Σ‖û‖², N the longest chain
//!   of additions, the second at most φ in norm from the first kind of Δ and qgᵀ + gqᵀ + Rggᵀ entry by entry from the
//!   second, q = Σρᵢ|ûᵢ|, R = Σρᵢ².
//!
//! With v = |û| + |Δ|: |σᵢ − ‖ûᵢ‖²| ≤ 2|û|·|Δ| + ‖Δ‖² + vᵀ|F|v + ‖|F|v‖²/(1 − ‖F‖). The kind of Δ that K makes is large
//! where weights lie far apart (a heavy row seen in the direction of light ones), but such rows meet light ones in q, where
//! they are small: the bound keeps the digits of the light rows' scores, as the computation does.

use super::coordinates::{Weighted, longest_chain, stretches};
use super::point::{Field, Place};
use crate::error::Result;
use crate::gram::merged;
use crate::linalg::{self, dot, norm};
use crate::rows::{Pass, Rows, Shape, row_norms, sweep};

/// Half an ulp, and room for the bounds' own rounding.
const UNIT: f64 = 1.12e-16;
const ROOM: f64 = 1.02;
/// What an underflow on the way can be worth.
const UNDERFLOW: f64 = 1e-290;

/// σ̂ and η ≥ |σ̂ − σ|, for the weights r² exactly.
pub(super) struct ProvenScores {
    pub scores: Vec<f64>,
    pub rounding: Vec<f64>,
}

/// kε/(1 − kε).
fn gamma(k: usize) -> f64 {
    let k = k as f64 * UNIT;
    if k < 0.5 { k / (1.0 - k) } else { f64::INFINITY }
}

/// Scores at a place, with the bound; infinite where nothing can be proven.
///
/// # Cost
/// Two sweeps of 4nd² flops.
pub(super) fn proven_scores(field: &Field<'_>, place: &Place) -> Result<ProvenScores> {
    let (r, d) = (field.rank(), field.source.shape().columns);
    let mut sizes = row_norms(field.source, field.run)?;
    sizes.iter_mut().zip(&place.scale).for_each(|(a, s)| *a *= s * ROOM);
    let rows = Weighted { coordinates: &field.coordinates, scale: &place.scale, then: Some(&place.whiten) };
    let (first, second) = (gamma(r + 3), gamma(d + r + 6));
    // ‖|G|·diag(√M)‖: what a unit of c/√diag(M) can become.
    let spread =
        norm(&place.whiten.iter().enumerate().map(|(k, g)| g * place.diagonal[k / r]).collect::<Vec<_>>()) * ROOM;
    let lengths: Vec<f64> = match &field.coordinates.map {
        None => vec![0.0; r],
        Some(k) => (0..r).map(|l| norm(&(0..d).map(|j| k[l + j * r]).collect::<Vec<_>>())).collect(),
    };
    let g: Vec<f64> = (0..r)
        .map(|j| ROOM * second * (0..r).map(|l| place.whiten[j + l * r].abs() * lengths[l]).sum::<f64>())
        .collect();
    let pass = TotalPass { rows: &rows, sizes: &sizes, diagonal: &place.diagonal };
    let total = sweep(field.source, &pass, &mut [], field.run)?;
    let (mut defect, mut trace) = (0.0, 0.0);
    for j in 0..r {
        trace += total.gram[j + j * r];
        for i in j..r {
            let off = total.gram[i + j * r] - f64::from(i == j);
            defect += if i == j { off * off } else { 2.0 * off * off };
        }
    }
    let chain = gamma(longest_chain(field.source) + 4);
    let plain = ROOM * first * spread * total.lengths.sqrt(); // ‖X‖ of the first kind of Δ
    let (g_norm, q_norm, heavy) = (norm(&g), norm(&total.q) * ROOM, total.sizes * ROOM);
    let phi =
        ROOM * (defect.sqrt() + chain * trace + 2.5 * plain + plain * plain + 2.0 * plain * g_norm * heavy.sqrt());
    let whole = phi + 2.0 * q_norm * g_norm + heavy * g_norm * g_norm;
    let mut out = vec![0.0; 2 * place.scale.len()];
    let bounds = Bounds { first: first * spread * ROOM, g, g_norm, q: total.q, q_norm, heavy, phi, whole };
    let pass = BoundPass { rows: &rows, sizes: &sizes, diagonal: &place.diagonal, bounds: &bounds };
    sweep(field.source, &pass, &mut out, field.run)?;
    let scores = out.chunks_exact(2).map(|o| o[0]).collect();
    let usable = whole < 0.5 && bounds.phi < 0.5;
    let rounding = out.chunks_exact(2).map(|o| if usable { ROOM * o[1] + UNDERFLOW } else { f64::INFINITY }).collect();
    Ok(ProvenScores { scores, rounding })
}

struct Bounds {
    /// The first kind of Δ, in units of ‖c/√diag(M)‖.
    first: f64,
    g: Vec<f64>,
    g_norm: f64,
    q: Vec<f64>,
    q_norm: f64,
    /// R.
    heavy: f64,
    phi: f64,
    whole: f64,
}

/// ‖c ∘ 1/√diag(M)‖².
fn relative_length(c: &[f64], diagonal: &[f64]) -> f64 {
    c.iter().zip(diagonal).map(|(c, d)| (c / d) * (c / d)).sum()
}

struct Total {
    gram: Vec<f64>,
    q: Vec<f64>,
    /// Σ‖c/√diag(M)‖².
    lengths: f64,
    /// Σρ².
    sizes: f64,
}

struct TotalPass<'a> {
    rows: &'a Weighted<'a>,
    sizes: &'a [f64],
    diagonal: &'a [f64],
}

impl Pass for TotalPass<'_> {
    type Acc = Total;
    fn zero(&self) -> Total {
        let r = self.diagonal.len();
        Total { gram: vec![0.0; r * r], q: vec![0.0; r], lengths: 0.0, sizes: 0.0 }
    }
    fn add(&self, total: &mut Total, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let r = self.diagonal.len();
        self.rows.each(rows, |range, c, u| {
            linalg::add_gram(u, u, r, &mut total.gram);
            for ((i, c), u) in range.zip(c.chunks_exact(r)).zip(u.chunks_exact(r)) {
                let size = self.sizes[rows.start + i];
                total.q.iter_mut().zip(u).for_each(|(q, u)| *q += size * u.abs());
                total.lengths += relative_length(c, self.diagonal);
                total.sizes += size * size;
            }
        });
        Ok(())
    }
    fn merge(&self, left: Total, right: Total) -> Total {
        Total {
            gram: merged(left.gram, right.gram),
            q: merged(left.q, right.q),
            lengths: left.lengths + right.lengths,
            sizes: left.sizes + right.sizes,
        }
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches(shape, blocks)
    }
}

struct BoundPass<'a> {
    rows: &'a Weighted<'a>,
    sizes: &'a [f64],
    diagonal: &'a [f64],
    bounds: &'a Bounds,
}

impl Pass for BoundPass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let r = self.diagonal.len();
        let Bounds { first, ref g, g_norm, ref q, q_norm, heavy, phi, whole } = *self.bounds;
        self.rows.each(rows, |range, c, u| {
            for ((i, c), u) in range.zip(c.chunks_exact(r)).zip(u.chunks_exact(r)) {
                let square = dot(u, u);
                let length = square.sqrt();
                let size = self.sizes[rows.start + i];
                let plain = first * relative_length(c, self.diagonal).sqrt();
                let weighted = |w: &[f64]| u.iter().zip(w).map(|(u, w)| u.abs() * w).sum::<f64>();
                let (along_g, along_q) = (weighted(g), weighted(q));
                let delta = plain + size * g_norm;
                let v = length + delta;
                let gv = along_g + g_norm * delta;
                let qv = along_q + q_norm * plain + size * dot(q, g);
                let form = phi * v * v + 2.0 * qv * gv + heavy * gv * gv;
                let image = phi * v + q_norm * gv + g_norm * (qv + heavy * gv);
                out[2 * i] = square;
                out[2 * i + 1] = 2.0 * (length * plain + size * along_g)
                    + delta * delta
                    + form
                    + image * image / (1.0 - whole.min(0.5))
                    + gamma(r + 2) * square;
            }
        });
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        2
    }
}
