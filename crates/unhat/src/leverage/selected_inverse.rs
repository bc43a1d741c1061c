//! The entries of an inverse that scores need: those where the triangular factor has entries, by Takahashi's recursion.

use crate::gram::{Dual, Number, Pattern, ldlt};

/// B⁻¹ on the slots of the pattern, from L and D of B = LDLᵀ.
///
/// B⁻¹ = L⁻ᵀD⁻¹ + (I − Lᵀ)B⁻¹: column by column from the last, Zᵢⱼ = −Σₖ Zᵢₖlₖⱼ and Zⱼⱼ = 1/dⱼ − Σₖ lₖⱼZₖⱼ, sums over
/// the rows k of column j, where Zᵢₖ is known: L has an entry at (i, k) if it has them at (i, j) and (k, j).
///
/// The entries of a row of A meet in a column of AᵀA. So σᵢ = aᵢᵀM⁻¹aᵢ needs no entry of M⁻¹ outside this pattern.
///
/// # Cost
/// `pattern.inverse_flops` times four.
/// # References
/// TakahashiFaganChen1973; ErismanTinney1975.
pub(crate) fn selected_inverse<T: Number>(pattern: &Pattern, factor: &[T]) -> Vec<T> {
    let mut z = vec![T::default(); pattern.slots()];
    let mut l = vec![T::default(); pattern.dim()]; // column j of L, zero elsewhere
    let mut sum = vec![T::default(); pattern.dim()]; // Σₖ Zᵢₖlₖⱼ at the rows of column j, leftovers elsewhere
    for j in (0..pattern.dim()).rev() {
        let diagonal = pattern.starts[j];
        let below = diagonal + 1..pattern.starts[j + 1];
        for s in below.clone() {
            let i = pattern.rows[s] as usize;
            l[i] = factor[s];
            sum[i] = T::default();
        }
        for s in below.clone() {
            let k = pattern.rows[s] as usize;
            let (first, end) = (pattern.starts[k], pattern.starts[k + 1]);
            let mut here = z[first] * l[k];
            for (&i, &z) in pattern.rows[first + 1..end].iter().zip(&z[first + 1..end]) {
                here += z * l[i as usize];
                sum[i as usize] += z * l[k];
            }
            sum[k] += here;
        }
        let mut corner = T::ONE / factor[diagonal];
        for s in below {
            let i = pattern.rows[s] as usize;
            z[s] = -sum[i];
            corner -= factor[s] * z[s];
            l[i] = T::default();
        }
        z[diagonal] = corner;
    }
    z
}

/// M⁻¹NM⁻¹ on the slots: the derivative of −(M + tN)⁻¹, by the same recursion in dual numbers; None if M cannot be
/// factored.
///
/// # Cost
/// Three times a factorisation and a selected inverse.
pub(crate) fn sandwiched_inverse(pattern: &Pattern, m: &[f64], n: &[f64]) -> Option<Vec<f64>> {
    let dual: Vec<Dual> = m.iter().zip(n).map(|(&value, &slope)| Dual { value, slope }).collect();
    let factor = ldlt(pattern, &dual)?;
    Some(selected_inverse(pattern, &factor).iter().map(|z| -z.slope).collect())
}
